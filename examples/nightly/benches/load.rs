//! What it costs to load many days into SQLite, beside the floor: the same rows inserted by hand from memory.
//!
//! `cargo bench --bench load`: 20 sites, 1,000 rows a day, `NIGHTLY_DAYS` days (365 by default). The fake
//! Google, `nightly` and the floor are processes of their own, and so are their CPU and memory. Fails when
//! `nightly` takes more than 3 times the floor's CPU, or more memory for more days.

use nix::sys::resource::{UsageWho, getrusage};
use rusqlite::{Connection, TransactionBehavior, params};
use shortway::testing::{FakeGoogle, FakeTable, THROW_AWAY_KEY_JSON};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const SITES: u32 = 20;
const ROWS: u32 = 1000;
/// What this program is as a child of itself.
const FLOOR: &str = "floor";
const GOOGLE: &str = "google";

/// How much memory more days may take: 4 MiB, in KiB.
const SLACK: i64 = 4 << 10;

fn main() {
    let days: u32 = std::env::var("NIGHTLY_DAYS").map_or(365, |days| days.parse().expect("a number of days"));
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some(FLOOR) => floor(Path::new(&arguments[2]), days),
        Some(GOOGLE) => google(days),
        _ => compare(days),
    }
}

fn compare(days: u32) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("key.json"), THROW_AWAY_KEY_JSON).expect("a key file");
    let mut google =
        itself(GOOGLE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a fake Google");
    let urls = BufReader::new(google.stdout.take().expect("its output")).lines();
    let urls: Vec<String> = urls.take(2).collect::<Result<_, _>>().expect("its URLs");
    let few = nightly(folder.path(), &urls, days.div_ceil(2));
    let many = nightly(folder.path(), &urls, days);
    let floor = used_by(itself(FLOOR).arg(folder.path()));
    google.kill().expect("an end of the fake Google");
    google.wait().expect("an end of the fake Google");
    let rows = u64::from(SITES * ROWS) * u64::from(days);
    let a_row = |used: &Used| used.cpu.as_nanos() / u128::from(rows);
    println!("{rows} rows, {SITES} sites, {days} days");
    println!("nightly: {:.1?} of CPU, {} ns a row, {} KiB", many.cpu, a_row(&many), many.memory);
    println!("with half the days: {} KiB", few.memory);
    println!("floor: {:.1?} of CPU, {} ns a row", floor.cpu, a_row(&floor));
    let ratio = many.cpu.as_secs_f64() / floor.cpu.as_secs_f64();
    println!("{ratio:.2} times the floor");
    assert!(ratio <= 3.0, "more than 3 times the floor");
    assert!(many.memory <= few.memory + SLACK, "memory grows with the number of days");
}

fn itself(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.arg(role);
    command
}

/// A fake Google until the process is ended; its URLs are printed.
fn google(days: u32) {
    let google = FakeGoogle::builder().property(1, table(days)).start().expect("a fake Google");
    println!("{}\n{}", google.api_url(), google.token_url());
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// What a child took.
struct Used {
    cpu: Duration,
    /// The most memory that this or an earlier child had, in KiB.
    memory: i64,
}

fn used_by(command: &mut Command) -> Used {
    let cpu = || {
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage");
        let time = usage.user_time() + usage.system_time();
        (Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64), usage.max_rss())
    };
    let (before, _) = cpu();
    let status = command.status().expect("a child");
    assert!(status.success(), "{command:?} failed");
    let (after, memory) = cpu();
    Used { cpu: after - before, memory }
}

/// A first run over so many days.
fn nightly(folder: &Path, urls: &[String], days: u32) -> Used {
    let _ = fs::remove_file(folder.join("nightly.sqlite"));
    let (first, _) = day(days - 1);
    let (api, token) = (&urls[0], &urls[1]);
    let mut text = format!(
        "database = \"nightly.sqlite\"\nkey = \"key.json\"\nsince = {first}\napi_url = \"{api}\"\n\
         token_url = \"{token}\"\n[[report]]\nname = \"pages\"\ndimensions = [\"pagePath\"]\n\
         metrics = [\"screenPageViews\", \"userEngagementDuration\"]\n"
    );
    for site in 0..SITES {
        text.push_str(&format!("[[site]]\nname = \"site{site:02}\"\nproperty = 1\n"));
    }
    fs::write(folder.join("nightly.toml"), text).expect("a configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightly"));
    command.current_dir(folder).args(["--now", "2026-03-11T12:00:00Z", "--jobs", "2"]);
    let used = used_by(command.stderr(Stdio::null()));
    let db = Connection::open(folder.join("nightly.sqlite")).expect("a database");
    let rows: u32 = db.query_row("SELECT count(*) FROM pages", [], |row| row.get(0)).expect("a count");
    assert_eq!(rows, SITES * ROWS * days);
    used
}

/// The rows of each day, by their numbers: a path, views, seconds.
fn row(n: u32) -> (String, i64, f64) {
    (
        format!("/articles/2026/a-page-of-the-usual-length/{n}"),
        i64::from(1 + n * 17 % 1000),
        f64::from(n) * 1.37,
    )
}

/// The day so many days before 2026-03-10, as `YYYY-MM-DD` and `YYYYMMDD`.
fn day(ago: u32) -> (String, String) {
    let day = jiff::civil::date(2026, 3, 10).saturating_sub(jiff::Span::new().days(i64::from(ago)));
    (day.to_string(), day.strftime("%Y%m%d").to_string())
}

fn table(days: u32) -> FakeTable {
    let mut table = FakeTable::new(["date", "pagePath"], ["screenPageViews", "userEngagementDuration"]);
    for ago in 0..days {
        for n in 0..ROWS {
            let (path, views, seconds) = row(n);
            table = table.row([day(ago).1, path], [views as f64, seconds]);
        }
    }
    table
}

/// The same rows from memory, each day in a transaction of its own.
fn floor(folder: &Path, days: u32) {
    let rows: Vec<_> = (0..ROWS).map(row).collect();
    let mut db = Connection::open(folder.join("floor.sqlite")).expect("a database");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
         CREATE TABLE pages (site TEXT NOT NULL, date TEXT NOT NULL, n INTEGER NOT NULL, pagePath TEXT,
         screenPageViews INTEGER, userEngagementDuration REAL, PRIMARY KEY (site, date, n)) WITHOUT ROWID",
    )
    .expect("a table");
    for site in 0..SITES {
        let site = format!("site{site:02}");
        for ago in 0..days {
            let (date, _) = day(ago);
            let change = db.transaction_with_behavior(TransactionBehavior::Immediate).expect("a transaction");
            let mut insert =
                change.prepare_cached("INSERT INTO pages VALUES (?, ?, ?, ?, ?, ?)").expect("SQL");
            for (n, (path, views, seconds)) in (1_i64..).zip(&rows) {
                insert.execute(params![site, date, n, path, views, seconds]).expect("a row");
            }
            drop(insert);
            change.commit().expect("a commit");
        }
    }
}
