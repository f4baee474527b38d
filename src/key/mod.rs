//! A service account's key file: read, checked, ready to sign.
//!
//! In: the JSON that Google issues, from a file, text, bytes, a reader or the environment. Out: a
//! [`ServiceAccountKey`] whose RSA key has signed once already. A key file is hostile input until proven: its
//! size is limited, its `type` is checked before its other fields, nothing of it is sent anywhere here, and
//! no byte of the private key reaches an error.
//!
//! Format: <https://developers.google.com/identity/protocols/oauth2/service-account>, AIP-4112.

mod fault;
#[cfg(test)]
mod fault_table;
mod file;
mod json;
mod names;
#[cfg(feature = "p12")]
mod p12;
mod pem;
mod pieces;
mod rotation;
mod rsa;
mod signer;
mod wrapping;

pub(crate) use rotation::Found;
pub use rotation::{KeyFile, KeySource};
pub use signer::Signer;

use crate::error::Error;
use fault::Fault;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::{env, fmt};

/// The environment variable that names a key file: Google's own clients read it too (AIP-4110).
pub const CREDENTIALS_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// A service account's key: who it is, and what signs for it. Cloning copies a pointer.
///
/// `Debug` shows the e-mail address and the key id, never the key.
///
/// ```no_run
/// use shortway::ServiceAccountKey;
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// println!("{}", key.client_email()); // nightly@my-project.iam.gserviceaccount.com
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct ServiceAccountKey(Arc<Inner>);

struct Inner {
    client_email: String,
    key_id: Option<String>,
    project_id: Option<String>,
    token_uri: Option<String>,
    signer: Box<dyn Signer>,
}

impl ServiceAccountKey {
    /// Reads the key file at `path`: a regular file of at most 64 KiB. The path is used as it is; `~`,
    /// quotes, URLs and variables in it have no meaning.
    ///
    /// A file whose length is 0 is refused without reading it: the files of `/proc` say that they have none,
    /// and reading one can block for ever. Give such a file to [`from_reader`](Self::from_reader).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the file cannot be read or is not the key file of
    /// a service account (the error says what it is), [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge)
    /// over 64 KiB, [`ErrorKind::Key`](crate::ErrorKind::Key) when its private key is damaged or of another
    /// kind. [`Error::path`] is `path`, unless that is a key or looks like a piece of one.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        file::read(path).and_then(|bytes| Self::parse(&bytes)).map_err(|fault| file::error_at(path, fault))
    }

    /// Reads the key file that the environment variable `GOOGLE_APPLICATION_CREDENTIALS` names. Its value is
    /// a path and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the variable is not set or empty; otherwise as
    /// [`from_file`](Self::from_file).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_file(credentials_path()?).map_err(with_variable)
    }

    /// Reads a key file from `reader`, at most 64 KiB.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file). An error of the reader itself is not passed on, because its text
    /// may hold a part of the file.
    pub fn from_reader(reader: impl Read) -> Result<Self, Error> {
        let bytes =
            file::from_reader(reader).map_err(|error| Error::from(Fault::Reader).with_source(error))?;
        Ok(Self::parse(&bytes)?)
    }

    /// Reads a key file's text. A byte-order mark in front is skipped. [`FromStr`] does the same.
    ///
    /// An encoding around the whole is undone, for it holds nothing else: base64 of both alphabets, a string
    /// of JSON, quotes, escapes, percent-encoding. A document around the key file (an answer of IAM or Vault,
    /// a Secret of Kubernetes, YAML, a line of an env file) is refused, and the error says how to take it
    /// out.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_json(text: &str) -> Result<Self, Error> {
        Self::from_bytes(text.as_bytes())
    }

    /// Reads a key file's bytes, which must be UTF-8.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Ok(Self::parse(bytes)?)
    }

    fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let json::Fields { client_email, key_id, project_id, token_uri, signer } =
            wrapping::parse(file::text(bytes)?)?;
        let signer = Box::new(signer);
        Ok(Self(Arc::new(Inner { client_email, key_id, project_id, token_uri, signer })))
    }

    /// A key in parts, without the JSON around them, as some platforms have it in environment variables:
    /// `client_email`, `private_key` and `private_key_id` of the key file. The private key is a PEM text, and
    /// what [`from_json`](Self::from_json) repairs in one is repaired here too, such as a literal `\n` for
    /// each line break. An empty `private_key_id` means that there is none; Google finds the key without it.
    ///
    /// ```no_run
    /// use shortway::ServiceAccountKey;
    ///
    /// let part = |name: &str| std::env::var(name).unwrap_or_default();
    /// let (email, pem, id) = (part("CLIENT_EMAIL"), part("PRIVATE_KEY"), part("PRIVATE_KEY_ID"));
    /// let key = ServiceAccountKey::from_parts(email, &pem, Some(id))?;
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the e-mail address or the id is not one,
    /// [`ErrorKind::Key`](crate::ErrorKind::Key) when the private key is damaged or of another kind. They
    /// name the part as the field of a key file.
    pub fn from_parts(
        client_email: impl Into<String>,
        private_key: &str,
        private_key_id: Option<String>,
    ) -> Result<Self, Error> {
        Self::with_signer(client_email, private_key_id, json::signer(private_key)?)
    }

    /// Reads the PKCS#12 file (`.p12`) at `path`, at most 64 KiB, as Google's console gives them out beside
    /// JSON. The account, `client_email`, is not in the file, nor is the key's id; Google needs no id.
    /// Google's files have the password `notasecret`. Feature `p12`.
    ///
    /// Containers in legacy form (40-bit RC2 or triple DES, a SHA-1 MAC) and in modern form (PBES2, a SHA-256
    /// MAC) are read. There must be one private key with its certificate in it. A container sets how much
    /// computing its password takes, and there is no limit: read only files from a source that you trust.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the file cannot be read, or the password or the
    /// e-mail address is wrong; [`ErrorKind::Key`](crate::ErrorKind::Key) when the container is damaged or
    /// its key is of another kind; [`ErrorKind::TooLarge`](crate::ErrorKind::TooLarge) over 64 KiB.
    #[cfg(feature = "p12")]
    #[cfg_attr(docsrs, doc(cfg(feature = "p12")))]
    pub fn from_p12_file(
        client_email: impl Into<String>,
        path: impl AsRef<Path>,
        password: &str,
    ) -> Result<Self, Error> {
        let path = path.as_ref();
        let at = |fault| file::error_at(path, fault);
        let bytes = file::read(path).map_err(at)?;
        let signer = file::within_limit(&bytes).and_then(|bytes| p12::signer(bytes, password)).map_err(at)?;
        Self::with_signer(client_email, None, signer)
    }

    /// Reads the bytes of a PKCS#12 file, as [`from_p12_file`](Self::from_p12_file) does. Feature `p12`.
    ///
    /// # Errors
    /// As [`from_p12_file`](Self::from_p12_file).
    #[cfg(feature = "p12")]
    #[cfg_attr(docsrs, doc(cfg(feature = "p12")))]
    pub fn from_p12(client_email: impl Into<String>, bytes: &[u8], password: &str) -> Result<Self, Error> {
        Self::with_signer(client_email, None, p12::signer(file::within_limit(bytes)?, password)?)
    }

    /// A service account whose key is elsewhere: `signer` signs for `client_email` with the key named
    /// `key_id`. An empty `key_id` means that there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when `client_email` or `key_id` is not one.
    pub fn with_signer(
        client_email: impl Into<String>,
        key_id: Option<String>,
        signer: impl Signer + 'static,
    ) -> Result<Self, Error> {
        let (client_email, key_id) = (client_email.into(), json::given(key_id));
        json::check_email(&client_email)?;
        json::check_key_id(key_id.as_deref())?;
        let signer = Box::new(signer);
        Ok(Self(Arc::new(Inner { client_email, key_id, project_id: None, token_uri: None, signer })))
    }

    /// The account's e-mail address, `client_email` in the file.
    #[must_use]
    pub fn client_email(&self) -> &str {
        &self.0.client_email
    }

    /// The key's id, `private_key_id` in the file.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.0.key_id.as_deref()
    }

    /// The project that the account belongs to, `project_id` in the file.
    #[must_use]
    pub fn project_id(&self) -> Option<&str> {
        self.0.project_id.as_deref()
    }

    /// The token endpoint that the file names, `token_uri`, unchanged. It is not yet trusted: the credential
    /// uses it only if it is one of Google's own.
    #[must_use]
    pub fn token_uri(&self) -> Option<&str> {
        self.0.token_uri.as_deref()
    }

    /// Whether both are the same key, not only equal ones.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What signs for the account.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        &*self.0.signer
    }
}

/// The path in the environment variable.
fn credentials_path() -> Result<PathBuf, Fault> {
    file::from_variable(env::var_os(CREDENTIALS_VARIABLE))
}

/// Says that the path came from the variable.
fn with_variable(error: Error) -> Error {
    let message = format!("{} (from {CREDENTIALS_VARIABLE})", error.message());
    error.with_message(message)
}

/// Reads a key file's text, as [`ServiceAccountKey::from_json`] does.
impl FromStr for ServiceAccountKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_json(text)
    }
}

impl fmt::Debug for ServiceAccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountKey")
            .field("client_email", &self.0.client_email)
            .field("key_id", &self.0.key_id)
            .field("project_id", &self.0.project_id)
            .finish_non_exhaustive()
    }
}
