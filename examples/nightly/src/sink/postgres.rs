//! PostgreSQL: a table for each report, and the table `runs`, in the first schema of the search path.
//!
//! The connection is opened again when it was lost, so that what failed one site does not fail the next. To
//! another machine it is encrypted, unless the URL says `sslmode=disable`. The URL may hold a password: it is
//! in no error.

use super::{Days, Sink, Use, busy, failed, json, quoted};
use crate::day::{Cell, Day, Kind, Record};
use jiff::Timestamp;
use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls, Row, Transaction};
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long the server may take to accept a connection: 10 s, where the URL does not say.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The advisory lock that the writing process holds on the database: any number that others do not use.
const LOCK: i64 = 0x6e69_6768_746c_7901;

/// One row for each download of a day; the last one tells what is stored. Rows of a report are in their own
/// table, by site and date, numbered from 1.
const RUNS: &str = "CREATE TABLE IF NOT EXISTS runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, fetched_at timestamptz NOT NULL, site text NOT NULL,
    report text NOT NULL, date date NOT NULL, rows bigint NOT NULL, quality text NOT NULL, tokens integer,
    tokens_left integer, time_zone text NOT NULL, totals jsonb NOT NULL, units jsonb NOT NULL,
    definition text NOT NULL);
    CREATE INDEX IF NOT EXISTS runs_of_day ON runs (site, report, date)";

pub(super) struct Postgres {
    config: Config,
    how: Use,
    client: Client,
}

impl Postgres {
    pub(super) fn open(url: &str, how: Use) -> Result<Self, Error> {
        // The parser's words may quote the URL.
        let mut config: Config = url.parse().map_err(|_| {
            Error::new(ErrorKind::Config, "the URL of the database is not valid")
                .with_hint("write postgres://user:password@host/database, signs such as @ in it as %40")
        })?;
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(if is_here(&config) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        let client = connect(&config, how)?;
        Ok(Self { config, how, client })
    }

    /// The connection, opened again if it was lost.
    fn client(&mut self) -> Result<&mut Client, Error> {
        if self.client.is_closed() {
            self.client = connect(&self.config, self.how)?;
        }
        Ok(&mut self.client)
    }
}

fn connect(config: &Config, how: Use) -> Result<Client, Error> {
    let mut client = dial(config)?;
    if how == Use::Writing {
        let lock = client.query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK]);
        let locked: bool = lock.map_err(|error| failed("cannot lock the database", words(&error)))?.get(0);
        if !locked {
            return Err(busy("this PostgreSQL database"));
        }
    }
    Ok(client)
}

/// Whether the server is on this machine.
fn is_here(config: &Config) -> bool {
    let hosts = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    });
    hosts && config.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

/// A connection, encrypted where it shall be; then the server's certificate must be good.
fn dial(config: &Config) -> Result<Client, Error> {
    let cannot = |error: postgres::Error| failed("cannot connect to PostgreSQL", words(&error));
    if config.get_ssl_mode() == SslMode::Disable {
        return config.connect(NoTls).map_err(cannot);
    }
    let (tls, _) = MakeRustlsConnect::with_native_certs().map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        failed("cannot read the root certificates of this system", errors.join(", "))
            .with_hint("install ca-certificates, or name a file of roots with SSL_CERT_FILE")
    })?;
    config.connect(tls).map_err(|error| {
        cannot(error).with_hint(
            "the certificate must be good for the host's name: SSL_CERT_FILE names a file of roots; \
             sslmode=disable in the URL is for a network that nobody listens to",
        )
    })
}

/// The server's words, which `Display` leaves to the cause.
fn words(error: &postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl Sink for Postgres {
    fn days(&mut self, site: &str, report: &str) -> Result<Days, Error> {
        let client = self.client()?;
        let mut read = || {
            if !exists(&mut client.transaction()?, "runs")? {
                return Ok(Days::new());
            }
            let rows = client.query(
                "SELECT date::text, extract(epoch FROM fetched_at)::bigint, rows, quality, tokens,
                 tokens_left, time_zone, totals::text, units::text, definition
                 FROM runs WHERE site = $1 AND report = $2 ORDER BY id",
                &[&site, &report],
            )?;
            Ok(rows.iter().map(record).map(|record| (record.date, record)).collect())
        };
        read().map_err(|error: postgres::Error| failed("cannot read the database", words(&error)))
    }

    fn replace(&mut self, day: &Day<'_>) -> Result<(), Error> {
        let rows = copied(day)?;
        let client = self.client()?;
        let mut store = || {
            let mut change = client.transaction()?;
            make_table(&mut change, day)?;
            write_rows(&mut change, day, &rows)?;
            write_record(&mut change, day)?;
            change.commit()
        };
        store().map_err(|error| failed("cannot store the day", words(&error)))
    }
}

fn exists(change: &mut Transaction<'_>, table: &str) -> Result<bool, postgres::Error> {
    Ok(change.query_one("SELECT to_regclass($1) IS NOT NULL", &[&quoted(table)])?.get(0))
}

fn record(row: &Row) -> Record {
    let text = |column: usize| row.get::<_, &str>(column);
    Record {
        date: text(0).parse().unwrap_or_default(),
        fetched_at: Timestamp::from_second(row.get(1)).unwrap_or_default(),
        rows: row.get::<_, i64>(2).unsigned_abs(),
        quality: row.get(3),
        tokens: row.get(4),
        tokens_left: row.get(5),
        time_zone: row.get(6),
        totals: serde_json::from_str(text(7)).unwrap_or_default(),
        units: serde_json::from_str(text(8)).unwrap_or_default(),
        definition: row.get(9),
    }
}

/// The table of the report, with all its columns. A column that the report has no more stays, for the rows
/// that have it; one of whole numbers that are whole no more changes its type.
fn make_table(change: &mut Transaction<'_>, day: &Day<'_>) -> Result<(), postgres::Error> {
    let table = quoted(day.report);
    if !exists(change, day.report)? {
        let key = "site text, date date, n integer, PRIMARY KEY (site, date, n)";
        change.batch_execute(&format!("{RUNS}; CREATE TABLE {table} ({key})"))?;
    }
    let select = "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                  WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped";
    let rows = change.query(select, &[&table])?;
    let there: BTreeMap<String, String> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for column in day.columns() {
        let (name, kind) = (quoted(&column.name), Kind::of(column));
        let kind = match kind {
            Kind::Text => "text",
            Kind::Integer => "bigint",
            Kind::Real => "double precision",
        };
        match there.get(&column.name).map(String::as_str) {
            None => change.batch_execute(&format!("ALTER TABLE {table} ADD COLUMN {name} {kind}"))?,
            Some("bigint") if kind == "double precision" => {
                change.batch_execute(&format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {kind}"))?;
            }
            Some(_) => {}
        }
    }
    Ok(())
}

fn write_rows(change: &mut Transaction<'_>, day: &Day<'_>, rows: &str) -> Result<(), postgres::Error> {
    let (table, date) = (quoted(day.report), day.record.date.to_string());
    change.execute(
        &format!("DELETE FROM {table} WHERE site = $1 AND date = $2::text::date"),
        &[&day.site, &date],
    )?;
    let names: String = day.columns().iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    let mut copy = change.copy_in(&format!("COPY {table} (site, date, n{names}) FROM STDIN"))?;
    // What cannot be written is told by `finish`.
    let _ = copy.write_all(rows.as_bytes());
    copy.finish()?;
    Ok(())
}

/// The rows in the text form of COPY: cells with tabs, lines.
fn copied(day: &Day<'_>) -> Result<String, Error> {
    let kinds: Vec<Kind> = day.columns().iter().map(Kind::of).collect();
    let mut text = String::new();
    for (number, cells) in (1..).zip(day.rows()) {
        let _ = write!(text, "{}\t{}\t{number}", day.site, day.record.date);
        for (cell, kind) in cells.zip(&kinds) {
            text.push('\t');
            match Cell::read(*kind, cell)? {
                Cell::Text(cell) => push_escaped(&mut text, cell),
                Cell::Null => text.push_str("\\N"),
                Cell::Integer(_) | Cell::Real(_) => text.push_str(cell),
            }
        }
        text.push('\n');
    }
    Ok(text)
}

/// PostgreSQL has no text with the sign 0: another stands for it.
fn push_escaped(text: &mut String, cell: &str) {
    for sign in cell.chars() {
        match sign {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\0' => text.push(char::REPLACEMENT_CHARACTER),
            sign => text.push(sign),
        }
    }
}

fn write_record(change: &mut Transaction<'_>, day: &Day<'_>) -> Result<(), postgres::Error> {
    let record = &day.record;
    change.execute(
        "INSERT INTO runs (site, report, date, fetched_at, rows, quality, tokens, tokens_left, time_zone,
         totals, units, definition)
         VALUES ($1, $2, $3::text::date, $4::text::timestamptz, $5, $6, $7, $8, $9, $10::text::jsonb,
         $11::text::jsonb, $12)",
        &[
            &day.site,
            &day.report,
            &record.date.to_string(),
            &record.fetched_at.to_string(),
            &i64::try_from(record.rows).unwrap_or(i64::MAX),
            &record.quality,
            &record.tokens,
            &record.tokens_left,
            &record.time_zone,
            &json(&record.totals),
            &json(&record.units),
            &record.definition,
        ],
    )?;
    Ok(())
}
