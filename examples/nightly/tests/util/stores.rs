//! The stores of the kill test, as another program sees them.

#[cfg(feature = "parquet")]
use crate::reader;
#[cfg(feature = "postgres")]
use crate::server;
use crate::util::{Lab, Row, stored};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::time::SystemTime;
use std::{fs, thread};

/// Numbers of rows by site and date.
pub type Records = BTreeMap<(String, String), i64>;

/// What is in a store.
#[derive(Default)]
pub struct Look {
    /// All rows, in the order of [`of_sites`](crate::util::of_sites).
    pub rows: Vec<Row>,
    /// The number of rows by the last record of each day.
    pub records: Records,
}

/// A store of days, as the test sees it from outside.
pub trait Store {
    fn look(&mut self, lab: &Lab) -> Look;

    /// A number that changes with each day that is written.
    fn written(&mut self, lab: &Lab) -> u64;

    /// Waits until the store knows that a process is gone.
    fn settle(&mut self) {}
}

/// The database of the lab's folder.
pub struct Sqlite;

impl Sqlite {
    /// The database, when it has its tables.
    fn open(lab: &Lab) -> Option<Connection> {
        let db = lab.path("nightly.sqlite").exists().then(|| lab.sqlite())?;
        let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        db.table_exists(None, "pages").unwrap().then_some(db)
    }
}

impl Store for Sqlite {
    fn look(&mut self, lab: &Lab) -> Look {
        let Some(db) = Self::open(lab) else { return Look::default() };
        let mut select = db.prepare("SELECT site, date, rows FROM runs ORDER BY id").unwrap();
        let records = select.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?))).unwrap();
        Look { rows: stored(&db), records: records.collect::<Result<_, _>>().unwrap() }
    }

    fn written(&mut self, lab: &Lab) -> u64 {
        let modified = fs::metadata(lab.path("nightly.sqlite-wal")).and_then(|file| file.modified());
        let since = modified.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        since.map_or(0, |since| since.as_nanos() as u64)
    }
}

#[cfg(feature = "postgres")]
impl Store for postgres::Client {
    fn look(&mut self, lab: &Lab) -> Look {
        if self.written(lab) == 0 {
            return Look::default();
        }
        let records = self.query("SELECT site, date::text, rows FROM runs ORDER BY id", &[]).unwrap();
        let records = records.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect();
        Look { rows: server::stored(self), records }
    }

    fn written(&mut self, _: &Lab) -> u64 {
        let there = "SELECT to_regclass('runs') IS NOT NULL";
        if !self.query_one(there, &[]).unwrap().get::<_, bool>(0) {
            return 0;
        }
        let written = self.query_one("SELECT count(*) FROM runs", &[]).unwrap();
        written.get::<_, i64>(0).unsigned_abs()
    }

    fn settle(&mut self) {
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while self.query_one(locks, &[]).unwrap().get::<_, i64>(0) > 0 {
            thread::yield_now();
        }
    }
}

/// Files, as pyarrow reads them.
#[cfg(feature = "parquet")]
pub struct Parquet;

#[cfg(feature = "parquet")]
impl Store for Parquet {
    fn look(&mut self, lab: &Lab) -> Look {
        let found = reader::read(lab).unwrap_or_default();
        Look { rows: found.rows, records: found.records.into_iter().collect() }
    }

    fn written(&mut self, lab: &Lab) -> u64 {
        fs::metadata(lab.path("lake/runs.jsonl")).map_or(0, |file| file.len())
    }
}
