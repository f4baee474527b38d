//! `nightly` is killed with SIGKILL at random moments, and in the end the store holds exactly Google's rows.
//!
//! 20 kills by default; `NIGHTLY_KILLS` says how many else.

#[cfg(feature = "parquet")]
#[path = "util/reader.rs"]
mod reader;
#[cfg(feature = "postgres")]
#[path = "util/server.rs"]
mod server;
#[path = "util/stores.rs"]
mod stores;
mod util;

use shortway::testing::Fault;
use shortway::testing::serde_json::json;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::hint;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use stores::{Look, Sqlite, Store};
use util::{Lab, Row, figures, of_sites};

const SITES: [&str; 2] = ["blog", "shop"];
/// A day has so many rows at least, and less than so many more.
const LEAST: u32 = 40;
const SPREAD: u32 = 20;

/// Everything is downloaded every time, so that there is always something to be killed at.
const AGAIN: &[&str] = &["--since", "2026-03-01", "--jobs", "2"];

fn kills() -> u32 {
    std::env::var("NIGHTLY_KILLS").map_or(20, |kills| kills.parse().expect("NIGHTLY_KILLS is a number"))
}

/// Random numbers that are printed, so that a failure can be told.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let seed = RandomState::new().build_hasher().finish();
        println!("seed {seed}");
        Self(seed | 1)
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn lab(database: &str, figures: &[Row]) -> Lab {
    let mut lab = Lab::new(figures);
    lab.database = database.to_owned();
    configure(&lab);
    lab
}

fn configure(lab: &Lab) {
    let site = |(property, name)| format!("[[site]]\nname = \"{name}\"\nproperty = {property}\n");
    // Pages of 25 rows: most days have several, so that a kill falls between the pages of a day too.
    lab.write_config("rows_per_request = 25", &(1..).zip(SITES).map(site).collect::<String>());
}

/// What Google may answer instead of a report.
fn fault(lab: &Lab, chance: &mut Chance) {
    let error =
        |code: u16, status| json!({"error": {"code": code, "message": "Try later.", "status": status}});
    match chance.below(8) {
        0 => lab.google.answer_next_report(503, error(503, "UNAVAILABLE")),
        1 => lab.google.answer_next_report(429, error(429, "RESOURCE_EXHAUSTED")),
        2 => lab.google.answer_next_report(200, json!({"rows": [{"metricValues": [{"value": "1"}]}]})),
        3 => lab.google.answer_next_token(503, json!({})),
        4 => lab.google.revoke_tokens(),
        5 => lab.google.fault(Fault::reset()),
        6 => lab.google.fault(Fault::truncated()),
        _ => {}
    }
}

/// How long a run takes that nobody kills.
fn length(figures: &[Row]) -> Duration {
    let lab = lab("nightly.sqlite", figures);
    let start = Instant::now();
    assert_eq!(lab.nightly(AGAIN).status, Some(0));
    start.elapsed()
}

/// Starts a run and kills it, after a random time or amid a write.
fn kill(lab: &Lab, store: &mut dyn Store, chance: &mut Chance, length: Duration) {
    let mut command = lab.command(AGAIN);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    if chance.below(2) == 0 {
        let longest = u64::try_from(length.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(chance.below(longest)));
    } else {
        amid_a_write(lab, store, &mut child, chance);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    store.settle();
}

/// Waits until the process has written some days, and up to 512 µs longer, most often less.
fn amid_a_write(lab: &Lab, store: &mut dyn Store, child: &mut Child, chance: &mut Chance) {
    let mut written = store.written(lab);
    for _ in 0..chance.below(20) {
        while store.written(lab) == written && child.try_wait().unwrap().is_none() {
            hint::spin_loop();
        }
        written = store.written(lab);
    }
    let start = Instant::now();
    let longest = 1 << chance.below(10);
    let longer = Duration::from_micros(chance.below(longest));
    while start.elapsed() < longer {
        hint::spin_loop();
    }
}

/// Kills runs, one after the other, and looks at the store after each.
fn holds_exactly_googles_rows(database: &str, store: &mut dyn Store) {
    let length = length(&google(0));
    let mut lab = lab(database, &google(0));
    let mut chance = Chance::new();
    let mut amid = 0;
    let mut before = Look::default();
    for number in 1..=kills() {
        lab = lab_again(lab, &google(number));
        fault(&lab, &mut chance);
        kill(&lab, store, &mut chance, length);
        let now = store.look(&lab);
        check(&now, number);
        let is_new = |(day, rows): &(&_, &_)| before.records.get(*day) != Some(*rows);
        amid += u32::from((1..20).contains(&now.records.iter().filter(is_new).count()));
        before = now;
    }
    println!("{} kills, {amid} of them amid the days of a run", kills());
    assert!(amid > kills() / 20, "the kills come too early or too late");
    let last = google(kills() + 1);
    let mut lab = lab_again(lab, &last);
    let ran = lab.nightly(AGAIN);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    store.settle();
    assert_eq!(store.look(&lab).rows, of_sites(&last, &SITES));
    lab = lab_again(lab, &last);
    let ran = lab.nightly(&[]);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    let mut days = lab.days_asked();
    days.sort();
    days.dedup();
    assert_eq!(days, ["2026-03-08", "2026-03-09", "2026-03-10"]);
    assert_eq!(store.look(&lab).rows, of_sites(&last, &SITES));
}

/// What Google has before the kill of this number: other figures, and another number of rows, than before.
fn google(number: u32) -> Vec<Row> {
    figures(1..=10, LEAST + number % SPREAD, number)
}

/// The same folder with another Google.
fn lab_again(mut lab: Lab, figures: &[Row]) -> Lab {
    lab.figures_become(figures);
    configure(&lab);
    lab
}

/// Each stored day must be whole, as one of the Googles up to this number had it, and its last record must be
/// of these rows.
fn check(look: &Look, number: u32) {
    for day in look.rows.chunk_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1)) {
        let (site, date) = (&day[0].0, &day[0].1);
        let of_google = |number: u32| of_day(&google(number), site, date) == day;
        let as_long = |number: &u32| LEAST + number % SPREAD == day.len() as u32;
        assert!((0..=number).filter(as_long).any(of_google), "{site} {date} is not whole");
        let record = look.records.get(&(site.clone(), date.clone()));
        assert_eq!(record, Some(&(day.len() as i64)), "the record of {site} {date} is of other rows");
    }
}

fn of_day(figures: &[Row], site: &str, date: &str) -> Vec<Row> {
    let of_day: Vec<Row> = figures.iter().filter(|row| row.1 == date).cloned().collect();
    of_sites(&of_day, &[site])
}

#[test]
fn sqlite_holds_exactly_googles_rows_however_often_nightly_is_killed() {
    holds_exactly_googles_rows("nightly.sqlite", &mut Sqlite);
}

#[cfg(feature = "postgres")]
#[test]
fn postgresql_holds_exactly_googles_rows_however_often_nightly_is_killed() {
    let mut lab = Lab::new(&[]);
    let Some(mut db) = server::use_postgres(&mut lab) else { return };
    holds_exactly_googles_rows(&lab.database, &mut db);
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_exactly_googles_rows_however_often_nightly_is_killed() {
    if reader::read(&Lab::new(&[])).is_some() {
        holds_exactly_googles_rows("parquet:lake", &mut stores::Parquet);
    }
}
