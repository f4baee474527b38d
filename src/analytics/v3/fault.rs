//! Errors of a v3 query: something given to the program has to change.

use crate::error::{Error, ErrorKind};

/// A query that cannot be translated as it is.
pub(super) fn wrong(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(ErrorKind::Config, message).with_hint(hint)
}
