//! SQLite: a table for each report, and the table `runs`.

use super::{Days, Sink, Use, failed, json, lock::lock, quoted};
use crate::day::{Cell, Day, Kind, Record};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, Transaction, TransactionBehavior, params};
use shortway::Error;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// How long another program may hold the database: 5 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// One row for each download of a day; the last one tells what is stored. Rows of a report are in their own
/// table, by site and date, numbered from 1.
const RUNS: &str = "CREATE TABLE IF NOT EXISTS runs (
    id INTEGER PRIMARY KEY, fetched_at TEXT NOT NULL, site TEXT NOT NULL, report TEXT NOT NULL,
    date TEXT NOT NULL, rows INTEGER NOT NULL, quality TEXT NOT NULL, tokens INTEGER, tokens_left INTEGER,
    time_zone TEXT NOT NULL, totals TEXT NOT NULL, units TEXT NOT NULL, definition TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS runs_of_day ON runs (site, report, date);";

pub(super) struct Sqlite {
    db: Connection,
    _lock: Option<File>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, how: Use) -> Result<Self, Error> {
        let cannot = |error| failed(&format!("cannot open the database {}", path.display()), error);
        if how == Use::Reading {
            let exists = path.exists();
            let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
            let db = if exists {
                Connection::open_with_flags(path, read_only)
            } else {
                Connection::open_in_memory()
            };
            return Ok(Self { db: db.map_err(cannot)?, _lock: None });
        }
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = lock(Path::new(&lock_path), path)?;
        let db = Connection::open(path).map_err(cannot)?;
        let set_up = || {
            db.busy_timeout(PATIENCE)?;
            // Readers go on while a day is written. A power failure may cost the last days, whole ones.
            db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")
        };
        set_up().map_err(cannot)?;
        Ok(Self { db, _lock: Some(lock) })
    }

    fn read_days(&self, site: &str, report: &str) -> rusqlite::Result<Days> {
        if !self.db.table_exists(None, "runs")? {
            return Ok(Days::new());
        }
        let mut select = self.db.prepare_cached(
            "SELECT date, fetched_at, rows, quality, tokens, tokens_left, time_zone, totals, units, definition
             FROM runs WHERE site = ? AND report = ? ORDER BY id",
        )?;
        let rows = select.query_map([site, report], |row| {
            let text = |column| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
            Ok(Record {
                date: text(0)?.parse().unwrap_or_default(),
                fetched_at: text(1)?.parse().unwrap_or_default(),
                rows: row.get::<_, i64>(2)?.unsigned_abs(),
                quality: row.get(3)?,
                tokens: row.get(4)?,
                tokens_left: row.get(5)?,
                time_zone: row.get(6)?,
                totals: serde_json::from_str(text(7)?).unwrap_or_default(),
                units: serde_json::from_str(text(8)?).unwrap_or_default(),
                definition: row.get(9)?,
            })
        })?;
        rows.map(|record| record.map(|record| (record.date, record))).collect()
    }
}

impl Sink for Sqlite {
    fn days(&mut self, site: &str, report: &str) -> Result<Days, Error> {
        self.read_days(site, report).map_err(|error| failed("cannot read the database", error))
    }

    fn replace(&mut self, day: &Day<'_>) -> Result<(), Error> {
        let store = |db: &mut Connection| {
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            make_table(&change, day)?;
            write_rows(&change, day)?;
            write_record(&change, day)?;
            change.commit()
        };
        store(&mut self.db).map_err(|error| failed("cannot store the day", error))
    }
}

/// The table of the report, with all its columns. A column that the report has no more stays, for the rows
/// that have it.
fn make_table(change: &Transaction<'_>, day: &Day<'_>) -> rusqlite::Result<()> {
    let table = quoted(day.report);
    let mut info = change.prepare_cached("SELECT lower(name) FROM pragma_table_info(?)")?;
    let there = info.query_map([day.report], |row| row.get(0))?.collect::<Result<BTreeSet<String>, _>>()?;
    if there.is_empty() {
        let key = "site TEXT NOT NULL, date TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (site, date, n)";
        change.execute_batch(&format!("{RUNS} CREATE TABLE {table} ({key}) WITHOUT ROWID"))?;
    }
    for column in day.columns().iter().filter(|column| !there.contains(&column.name.to_lowercase())) {
        let kind = match Kind::of(column) {
            Kind::Text => "TEXT",
            Kind::Integer => "INTEGER",
            Kind::Real => "REAL",
        };
        change.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {} {kind}", quoted(&column.name)))?;
    }
    Ok(())
}

fn write_rows(change: &Transaction<'_>, day: &Day<'_>) -> rusqlite::Result<()> {
    let (table, date) = (quoted(day.report), day.record.date.to_string());
    change
        .prepare_cached(&format!("DELETE FROM {table} WHERE site = ? AND date = ?"))?
        .execute([day.site, &date])?;
    let names: String = day.columns().iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    let marks = ", ?".repeat(day.columns().len());
    let mut insert = change
        .prepare_cached(&format!("INSERT INTO {table} (site, date, n{names}) VALUES (?, ?, ?{marks})"))?;
    let kinds: Vec<Kind> = day.columns().iter().map(Kind::of).collect();
    for (number, cells) in (1_i64..).zip(day.rows()) {
        insert.raw_bind_parameter(1, day.site)?;
        insert.raw_bind_parameter(2, &date)?;
        insert.raw_bind_parameter(3, number)?;
        for (place, (text, kind)) in cells.zip(&kinds).enumerate() {
            let cell = Cell::read(*kind, text);
            let cell = cell.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            insert.raw_bind_parameter(4 + place, cell)?;
        }
        insert.raw_execute()?;
    }
    Ok(())
}

fn write_record(change: &Transaction<'_>, day: &Day<'_>) -> rusqlite::Result<()> {
    let record = &day.record;
    let mut insert = change.prepare_cached(
        "INSERT INTO runs (site, report, date, fetched_at, rows, quality, tokens, tokens_left, time_zone,
         totals, units, definition) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    insert.execute(params![
        day.site,
        day.report,
        record.date.to_string(),
        record.fetched_at.to_string(),
        i64::try_from(record.rows).unwrap_or(i64::MAX),
        record.quality,
        record.tokens,
        record.tokens_left,
        record.time_zone,
        json(&record.totals),
        json(&record.units),
        record.definition,
    ])?;
    Ok(())
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Integer(number) => ValueRef::Integer(number),
            Cell::Real(number) => ValueRef::Real(number),
            Cell::Null => ValueRef::Null,
        }))
    }
}
