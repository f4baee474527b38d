//! Scopes: what a token may be used for.
//!
//! In: what the caller requests. Out: names that RFC 6749 §3.3 allows, or an error that says what is wrong
//! with one. Google's full list: <https://developers.google.com/identity/protocols/oauth2/scopes>.

use crate::error::{Error, ErrorKind};

/// Read Analytics reports, and nothing else; enough for everything in the module `analytics`.
pub const ANALYTICS_READONLY: &str = "https://www.googleapis.com/auth/analytics.readonly";

/// Read and manage Analytics data.
pub const ANALYTICS: &str = "https://www.googleapis.com/auth/analytics";

/// All of Google Cloud, as far as the account's roles reach.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Checks each scope against RFC 6749 §3.3 (printable ASCII but space, quote and backslash) and
/// drops repetitions.
pub(crate) fn checked<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Result<Vec<String>, Error> {
    let mut checked: Vec<String> = Vec::new();
    for scope in scopes {
        let scope = scope.into();
        let allowed = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if scope.is_empty() {
            return Err(Error::new(ErrorKind::Config, "a scope is empty").with_hint(HINT));
        }
        if !scope.bytes().all(allowed) || scope.contains(',') {
            return Err(Error::new(ErrorKind::Config, format!("{scope:?} is not one scope")).with_hint(HINT));
        }
        if !checked.contains(&scope) {
            checked.push(scope);
        }
    }
    if checked.is_empty() {
        return Err(Error::new(ErrorKind::Config, "no scope is given").with_hint(HINT));
    }
    Ok(checked)
}

const HINT: &str = "give a list of scopes, one URL each, such as [shortway::scope::ANALYTICS_READONLY]";
