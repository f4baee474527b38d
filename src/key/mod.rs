//! A service account's key file: read, checked, ready to sign.
//!
//! In: the JSON that Google hands out, from a file, text, bytes, a reader or the environment. Out: a
//! [`ServiceAccountKey`] whose RSA key has signed once already. A key file is hostile input until
//! proven: its size is capped, its `type` is checked before anything else in it is believed, nothing
//! of it is sent anywhere here, and no byte of the private key reaches an error.
//!
//! Format: <https://developers.google.com/identity/protocols/oauth2/service-account>, AIP-4112.

mod json;
mod pem;
mod rsa;

use crate::error::{Error, ErrorKind};
use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::{env, fs};

/// The environment variable that names a key file: Google's own clients read it too (AIP-4110).
pub const CREDENTIALS_VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The largest key file taken: 64 KiB. Google's are 2.4 KiB; decoding megabytes of base64 takes seconds.
const MAX_KEY_FILE: u64 = 64 * 1024;

/// Signs with RS256 (RSASSA-PKCS1-v1_5 with SHA-256, RFC 7518 §3.3), here or elsewhere.
///
/// [`ServiceAccountKey`] holds one made from its private key. Write one for a key that lives in a
/// KMS or an HSM, and give it to [`ServiceAccountKey::with_signer`].
pub trait Signer: Send + Sync {
    /// The signature over `message`, as bytes.
    ///
    /// # Errors
    /// Whatever keeps the key from signing; [`ErrorKind::Key`] unless something else fits better.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error>;
}

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
    /// Reads the key file at `path`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the file cannot be read or is no service account's key file (the
    /// error says what it is), [`ErrorKind::TooLarge`] over 64 KiB, [`ErrorKind::Key`] when its private
    /// key is damaged or of the wrong kind. [`Error::path`] is `path`.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if is_the_key_itself(path) {
            return Err(Error::new(
                ErrorKind::Config,
                "what was given as the path of a key file is the key itself",
            )
            .with_hint("write it to a file, or load it with ServiceAccountKey::from_json"));
        }
        read_key_file(path).map_err(|e| e.with_path(path))
    }

    /// Reads the key file that the environment variable `GOOGLE_APPLICATION_CREDENTIALS` names. Its value
    /// is a path and nothing else.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the variable is not set; otherwise as [`from_file`](Self::from_file).
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variable(env::var_os(CREDENTIALS_VARIABLE))
    }

    fn from_variable(value: Option<OsString>) -> Result<Self, Error> {
        match value {
            Some(path) if !path.is_empty() => Self::from_file(Path::new(&path)).map_err(|e| {
                let message = format!("{} (from {CREDENTIALS_VARIABLE})", e.message());
                e.with_message(message)
            }),
            _ => {
                Err(Error::new(ErrorKind::Config, format!("no key file: {CREDENTIALS_VARIABLE} is not set"))
                    .with_hint("set it to the path of the service account's JSON key file"))
            }
        }
    }

    /// Reads a key file from `reader`, at most 64 KiB.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_reader(reader: impl Read) -> Result<Self, Error> {
        // The capacity is the cap, so that no growth leaves copies of the key behind.
        let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE as usize + 2));
        reader.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes).map_err(|e| {
            Error::new(ErrorKind::Config, format!("cannot read the key file: {}", io_reason(&e)))
        })?;
        Self::from_bytes(&bytes)
    }

    /// Reads a key file's text. A byte-order mark in front is skipped.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_json(text: &str) -> Result<Self, Error> {
        if text.len() as u64 > MAX_KEY_FILE {
            return Err(Error::new(ErrorKind::TooLarge, "the key file is larger than 64 KiB").with_hint(
                "a service account's key file is about 2.4 KiB of JSON: is this the right file?",
            ));
        }
        json::parse(text.strip_prefix('\u{feff}').unwrap_or(text))
    }

    /// Reads a key file's bytes, which must be UTF-8.
    ///
    /// # Errors
    /// As [`from_file`](Self::from_file).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        // ASCII in UTF-16 is valid UTF-8 with NULs in it.
        let is_utf16 = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{', 0, ..] | [0, b'{', ..]);
        if !is_utf16 && let Ok(text) = std::str::from_utf8(bytes) {
            return Self::from_json(text);
        }
        let (what, hint) = match bytes {
            _ if is_utf16 => ("is UTF-16 text", "save it as UTF-8"),
            [0x30, 0x80..=0x84, ..] => (
                "is binary: a PKCS#12 (.p12) file or a bare DER key",
                "create a key of type JSON for the service account, or convert this one: `openssl pkcs12 -in key.p12 -nodes \
                 -nocerts -passin pass:notasecret` prints what belongs into `private_key`",
            ),
            _ => ("is not UTF-8 text", "give the JSON key file just as it was downloaded"),
        };
        Err(Error::new(ErrorKind::Config, format!("the key file {what}")).with_hint(hint))
    }

    /// A service account whose key lives elsewhere: `signer` signs for `client_email` with the key named
    /// `key_id`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when `client_email` or `key_id` is not one.
    pub fn with_signer(
        client_email: impl Into<String>,
        key_id: Option<String>,
        signer: impl Signer + 'static,
    ) -> Result<Self, Error> {
        let client_email = client_email.into();
        json::check_email(&client_email)?;
        json::check_key_id(key_id.as_deref())?;
        Ok(Self(Arc::new(Inner {
            client_email,
            key_id,
            project_id: None,
            token_uri: None,
            signer: Box::new(signer),
        })))
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

    /// The token endpoint that the file names, `token_uri`, as it stands there. It is not yet trusted:
    /// the credential takes it only if it is one of Google's own.
    #[must_use]
    pub fn token_uri(&self) -> Option<&str> {
        self.0.token_uri.as_deref()
    }

    /// What signs for the account.
    #[must_use]
    pub fn signer(&self) -> &dyn Signer {
        &*self.0.signer
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

/// Whether a "path" is the content of a key file, as people put it into environment variables: it is never shown.
fn is_the_key_itself(path: &Path) -> bool {
    let text = path.as_os_str().as_encoded_bytes();
    let begins = text.trim_ascii_start();
    text.len() > LONGEST_PATH
        || text.contains(&b'\n')
        || begins.starts_with(b"{")
        || text.windows(10).any(|piece| piece == b"-----BEGIN")
}

/// The longest path that is taken for one: 1 KiB. A key file is more than twice as long in any form.
const LONGEST_PATH: usize = 1024;

fn read_key_file(path: &Path) -> Result<ServiceAccountKey, Error> {
    let unreadable = |reason: &str, hint: &str| {
        Error::new(ErrorKind::Config, format!("cannot read the key file {}: {reason}", path.display()))
            .with_hint(hint)
    };
    // Asked before opening: opening a pipe would wait for its other end.
    let kind = fs::metadata(path).map_err(|e| unreadable(io_reason(&e), io_hint(&e, path)))?.file_type();
    if kind.is_dir() {
        return Err(unreadable("it is a directory", "give the path of the JSON file in it"));
    }
    if !kind.is_file() {
        return Err(unreadable("it is not a regular file", "give the path of a JSON file"));
    }
    let file = fs::File::open(path).map_err(|e| unreadable(io_reason(&e), io_hint(&e, path)))?;
    ServiceAccountKey::from_reader(file).map_err(|e| {
        let message = format!("{}: {}", path.display(), e.message());
        e.with_message(message)
    })
}

/// Why the system would not read a file, in words that do not depend on the platform.
fn io_reason(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist",
        std::io::ErrorKind::PermissionDenied => "permission denied",
        std::io::ErrorKind::NotADirectory => "a part of the path is not a directory",
        _ => "the system reports an input/output error",
    }
}

fn io_hint(error: &std::io::Error, path: &Path) -> &'static str {
    match error.kind() {
        _ if path.starts_with("~") => "give the whole path: `~` is not expanded here",
        std::io::ErrorKind::PermissionDenied => "let the user that runs this program read it",
        _ => "check the path; it is relative to the directory that the program runs in",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variable_that_is_not_set_is_told_from_a_path_that_is_wrong() {
        let unset = ServiceAccountKey::from_variable(None).expect_err("no variable");
        assert_eq!(
            unset.to_string(),
            "no key file: GOOGLE_APPLICATION_CREDENTIALS is not set; set it to the path of the service account's JSON key file"
        );
        let wrong = ServiceAccountKey::from_variable(Some("/no/such/key.json".into())).expect_err("no file");
        assert_eq!(
            wrong.to_string(),
            "cannot read the key file /no/such/key.json: it does not exist (from GOOGLE_APPLICATION_CREDENTIALS); \
             check the path; it is relative to the directory that the program runs in"
        );
    }
}
