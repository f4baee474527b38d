//! Why a row does not fit a type, with the place and with what to do.

use crate::analytics::answer::Column;
use crate::error::{Error, ErrorKind, scrub};
use serde::de;
use std::fmt;

/// Why a row does not fit a type: one word, so that what every cell returns stays small.
pub(super) type Misfit = Box<Fault>;

#[derive(Debug)]
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) column: Option<usize>,
    /// The cell is a placeholder: where the type is an `Option`, it can be read as `None`.
    pub(super) placeholder: bool,
}

impl Fault {
    pub(super) fn into_error(self, row: Option<usize>, columns: &[Column]) -> Error {
        let name = self.column.and_then(|c| columns.get(c)).map(|c| scrub(&c.name));
        let place = match (row, &name) {
            (Some(row), Some(name)) => format!("row {row}, column `{name}`: "),
            (Some(row), None) => format!("row {row}: "),
            (None, Some(name)) => format!("`{name}`: "),
            (None, None) => String::new(),
        };
        let message = format!("{place}{}", scrub(&self.reason));
        let mut error = Error::new(ErrorKind::Row, message).with_cell(row, name.as_deref());
        if self.column.is_none() {
            let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
            error = error.with_hint(format!(
                "the columns of the report are {}: read a row as a struct with fields of these names \
                 (#[serde(rename = \"…\")] where they differ), as a tuple of {}, or as a map",
                scrub(&names.join(", ")),
                columns.len()
            ));
        }
        error
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::new(Fault { reason: reason.to_string(), column: None, placeholder: false })
    }

    fn missing_field(field: &'static str) -> Self {
        de::Error::custom(format_args!("the report has no column `{field}`"))
    }
}
