//! Text that must never be seen: wiped from memory when dropped, hidden from `Debug`.
//!
//! In: a `String` that holds a key, an assertion or a token. Out: the same text, only through
//! [`Secret::expose_secret`]. There is no `Display`, no `Serialize`, no comparison.

use std::fmt;
use zeroize::Zeroizing;

/// A secret text, wiped from memory when dropped; `Debug` prints `[redacted]`.
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
    /// Takes over `text`, without copying it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. What becomes of it is the caller's care.
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
