//! Text that must never be seen: hidden from `Debug`, wiped from memory when dropped.
//!
//! In: a `String` that holds a key, an assertion or a token. Out: the same text, only through
//! [`Secret::expose_secret`]. There is no `Display`, no `Serialize`, no comparison.

use std::fmt;
use zeroize::Zeroizing;

/// A secret text. `Debug` prints `[redacted]`, and its own memory is overwritten when it is dropped.
///
/// The crate keeps key files, private keys and assertions in memory that is wiped like this. That makes a
/// leak less likely; it is no guarantee, because others copy the same bytes and do not wipe them:
///
/// - the JSON parser, while it resolves the escapes in `private_key`, and the PEM decoder, once;
/// - `ring`, which keeps the numbers of the key for as long as the key is loaded;
/// - the HTTP client and TLS, in whose buffers requests and responses are, with assertions and tokens;
/// - the operating system: swap, hibernation, core dumps.
///
/// ```
/// use shortway::Secret;
///
/// let secret = Secret::new(String::from("not for logs"));
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose_secret(), "not for logs");
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` without copying it. Copies that were made of it before are not wiped.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. The caller must keep it out of logs and errors.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
