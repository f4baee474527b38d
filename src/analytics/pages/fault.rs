//! Every way in which pages do not make one report: its words, its kind, its advice.

use crate::analytics::property::PropertyId;
use crate::error::{Error, ErrorKind};

/// What is wrong with a page that is a valid report by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("has {rows} rows instead of {wanted}, also when it was requested again")]
    Short { rows: u64, wanted: u64 },
    #[error("has {rows} rows, more than the {wanted} requested")]
    Long { rows: u64, wanted: u64 },
    #[error("has as many rows as were requested, and does not say how many the report has")]
    NoCount,
    #[error("says that the report has {now} rows, and the first page said {before}")]
    Count { before: u64, now: u64 },
    #[error("has other totals than the pages before it")]
    Totals,
    #[error("has a row that came before")]
    Repeated,
    #[error("counts the rows of several date ranges in another way than the pages before it")]
    Counting,
}

impl Fault {
    pub(super) fn kind(self) -> ErrorKind {
        match self {
            Self::Short { .. } => ErrorKind::Incomplete,
            Self::Long { .. } | Self::NoCount => ErrorKind::Schema,
            Self::Count { .. } | Self::Totals | Self::Repeated | Self::Counting => ErrorKind::Drift,
        }
    }

    fn hint(self) -> &'static str {
        match self.kind() {
            ErrorKind::Incomplete => "resume the download later, or request the whole report again",
            ErrorKind::Drift => {
                "the data changed during the download: request the whole report again; the figures of the last \
                 days still change, so end the report some days ago if it happens often"
            }
            _ => "look for a program between this machine and Google that changes responses",
        }
    }

    pub(super) fn into_error(self, property: PropertyId, offset: u64) -> Error {
        let message = format!("the page of the report on property {property} at offset {offset} {self}");
        Error::new(self.kind(), message).with_hint(self.hint())
    }
}
