//! A key file that may be replaced while the program runs, as Kubernetes does with a mounted Secret.
//!
//! In: a path. Out: the key that is in use. The file is read again when [`KeyFile::look`] is called, and
//! parsed again when it has changed. What is wrong with a new file changes nothing: the old key stays in use,
//! and that is logged. Only a key of the same account replaces another.

use super::{ServiceAccountKey, credentials_path, file, with_variable};
use crate::error::{Error, ErrorKind};
use ring::digest::{SHA256, digest};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// A service account's key file that is read again when it changes. Clones are the same file.
///
/// Every source takes it in place of a [`ServiceAccountKey`]. The source looks at the file before each
/// refresh of a token, and once more when the token endpoint says that the key is not valid: so a key that
/// was replaced is in use without a restart, and the old one can be deleted.
///
/// | The file now has | What happens |
/// |---|---|
/// | another key of the same account | it is used from now on, and the old one never again |
/// | no usable key (half-written, unreadable, gone) | the old key stays in use, and the log has a warning |
/// | a key of another account | the same; when the old key is refused, the error says so |
///
/// Replace the file in one step (write a new one, then rename it over the old one), and delete the old key
/// only then. Other fields of the new file, such as `token_uri`, are not used: the source keeps its endpoint.
///
/// ```no_run
/// use shortway::{KeyFile, TokenSource, scope};
///
/// let key = KeyFile::open("/var/run/secrets/google/key.json")?;
/// let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).build()?;
/// let token = tokens.token()?;
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct KeyFile(Arc<Watched>);

struct Watched {
    path: PathBuf,
    /// Held by the one look that reads the file: otherwise an older content of the file could come last.
    looking: Mutex<()>,
    /// Never held while a file is read: a caller that needs the key must not wait for a disk.
    state: Mutex<State>,
}

struct State {
    key: ServiceAccountKey,
    /// Of the file that `key` was read from.
    digest: Vec<u8>,
    /// What was logged last about a file that is not usable.
    complaint: Option<String>,
}

/// What a look at the file found.
#[derive(Debug)]
pub(crate) enum Found {
    /// The key that is in use, maybe a new one.
    Usable,
    /// No usable key of the account: why.
    Unusable(Error),
}

impl KeyFile {
    /// Reads the key file at `path`, as [`ServiceAccountKey::from_file`] does.
    ///
    /// # Errors
    /// As [`ServiceAccountKey::from_file`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let bytes = read(path)?;
        let (key, digest) = (parse(path, &bytes)?, digest_of(&bytes));
        let state = Mutex::new(State { key, digest, complaint: None });
        Ok(Self(Arc::new(Watched { path: path.to_owned(), looking: Mutex::new(()), state })))
    }

    /// Reads the key file that `GOOGLE_APPLICATION_CREDENTIALS` names, as [`ServiceAccountKey::from_env`]
    /// does.
    ///
    /// # Errors
    /// As [`ServiceAccountKey::from_env`].
    pub fn from_env() -> Result<Self, Error> {
        Self::open(credentials_path()?).map_err(with_variable)
    }

    /// The key that is in use now. The file is not read.
    #[must_use]
    pub fn key(&self) -> ServiceAccountKey {
        self.state().key.clone()
    }

    /// Reads the file again, and puts a new key of the same account in use.
    pub(crate) fn look(&self) -> Found {
        let one_look = self.0.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let (email, digest) = {
            let state = self.state();
            (state.key.client_email().to_owned(), state.digest.clone())
        };
        let error = match self.changed(&email, &digest) {
            Ok(None) => {
                self.state().complaint = None;
                return Found::Usable;
            }
            Ok(Some((key, digest))) => {
                let shown = format!("{key:?}");
                *self.state() = State { key, digest, complaint: None };
                drop(one_look);
                log::debug!("the key file was replaced, its new key is in use: {shown}");
                return Found::Usable;
            }
            Err(error) => error,
        };
        let last = self.state().complaint.replace(error.message().to_owned());
        drop(one_look);
        if last.as_deref() != Some(error.message()) {
            log::warn!("the key file was changed, and the old key stays in use: {error}");
        }
        Found::Unusable(error)
    }

    /// The key in the file and the digest of the file, if that is another one. Only a key of `email` is
    /// taken.
    fn changed(&self, email: &str, last: &[u8]) -> Result<Option<(ServiceAccountKey, Vec<u8>)>, Error> {
        let path = &self.0.path;
        let bytes = read(path)?;
        let digest = digest_of(&bytes);
        if digest == last {
            return Ok(None);
        }
        let key = parse(path, &bytes)?;
        if key.client_email() == email {
            return Ok(Some((key, digest)));
        }
        let message = format!("the key file is now of another account, {}", key.client_email());
        let hint = format!("build a new source for that account, or put a key of {email} in the file");
        Err(Error::new(ErrorKind::Config, message).with_hint(hint).with_path(path))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    file::read(path).map_err(|fault| file::error_at(path, fault))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::parse(bytes).map_err(|fault| file::error_at(path, fault))
}

fn digest_of(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFile").field("path", &self.0.path).field("key", &self.state().key).finish()
    }
}

/// Where a source takes its key from: made of a [`ServiceAccountKey`], which stays the same, or of a
/// [`KeyFile`], which is read again.
#[derive(Clone, Debug)]
pub struct KeySource(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Fixed(ServiceAccountKey),
    File(KeyFile),
}

impl KeySource {
    /// The key that is in use now.
    pub(crate) fn key(&self) -> ServiceAccountKey {
        match &self.0 {
            Kind::Fixed(key) => key.clone(),
            Kind::File(file) => file.key(),
        }
    }

    /// Looks whether the key was replaced.
    pub(crate) fn look(&self) -> Found {
        match &self.0 {
            Kind::Fixed(_) => Found::Usable,
            Kind::File(file) => file.look(),
        }
    }
}

impl From<ServiceAccountKey> for KeySource {
    fn from(key: ServiceAccountKey) -> Self {
        Self(Kind::Fixed(key))
    }
}

impl From<KeyFile> for KeySource {
    fn from(file: KeyFile) -> Self {
        Self(Kind::File(file))
    }
}
