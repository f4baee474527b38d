//! The error document of the token endpoint, as a typed cause. RFC 6749 §5.2.

use std::error::Error as StdError;
use std::fmt;

/// What the token endpoint answered instead of a token (RFC 6749 §5.2). It is the cause of an
/// [`Error`](crate::Error): see [`Error::cause`](crate::Error::cause). Its texts are one line each, of at
/// most 300 characters, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuthError {
    /// The code, such as `invalid_grant`; `None` if what came is not a code.
    pub error: Option<String>,
    /// The explanation, `error_description`.
    pub description: Option<String>,
    /// A page about the error, `error_uri`.
    pub uri: Option<String>,
}

impl OAuthError {
    pub(crate) fn new(error: Option<String>, description: Option<String>, uri: Option<String>) -> Self {
        Self { error, description, uri }
    }
}

impl fmt::Display for OAuthError {
    /// The code; the explanation is in the text of the [`Error`](crate::Error).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.as_deref().unwrap_or("an OAuth error without a code"))
    }
}

impl StdError for OAuthError {}
