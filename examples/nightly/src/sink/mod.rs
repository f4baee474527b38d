//! Where days are stored: one trait, a file for each kind of store.

mod lock;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

use crate::config::Database;
use crate::day::{Day, Record};
use jiff::civil::Date;
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What is stored of a report, by its days.
pub(crate) type Days = BTreeMap<Date, Record>;

/// A store of days. It is opened by one process at a time.
pub(crate) trait Sink: Send {
    /// What is known of the stored days of a report; none where nothing is stored yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn days(&mut self, site: &str, report: &str) -> Result<Days, Error>;

    /// Stores a day whole, rows and record, in place of what was stored of it. The columns of the report are
    /// added where the store has them not.
    ///
    /// # Errors
    /// When the store cannot be written; then it is as it was.
    fn replace(&mut self, day: &Day<'_>) -> Result<(), Error>;
}

/// What the opened store is used for.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Use {
    /// Nothing is written, nothing is locked.
    Reading,
    Writing,
}

/// Opens the store; it is made where there is none and `how` is `Writing`.
///
/// # Errors
/// When it cannot be opened, or another process is writing to it.
pub(crate) fn open(database: &Database, how: Use) -> Result<Box<dyn Sink>, Error> {
    Ok(match database {
        Database::Sqlite(path) => Box::new(sqlite::Sqlite::open(path, how)?),
        #[cfg(feature = "postgres")]
        Database::Postgres(url) => Box::new(postgres::Postgres::open(url, how)?),
        #[cfg(feature = "parquet")]
        Database::Parquet(folder) => Box::new(parquet::Parquet::open(folder, how)?),
        #[cfg(not(all(feature = "postgres", feature = "parquet")))]
        _ => {
            return Err(Error::new(ErrorKind::Config, "this kind of database is not built in")
                .with_hint("build nightly with its default features"));
        }
    })
}

/// An error of the store while doing `what`.
fn failed(what: &str, error: impl Display) -> Error {
    let words = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    Error::new(ErrorKind::Other, format!("{what}: {words}"))
}

/// Another process writes to the store.
fn busy(place: impl Display) -> Error {
    Error::new(ErrorKind::Aborted, format!("another nightly is writing to {place}"))
        .with_hint("wait until it has ended; nothing was changed")
}

/// A name in double quotes, as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// JSON of a map, for a column of text.
fn json(map: &impl serde::Serialize) -> String {
    serde_json::to_string(map).unwrap_or_default()
}
