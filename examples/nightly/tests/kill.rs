//! `nightly` is killed with SIGKILL at random moments, and in the end the store holds exactly Google's rows.
//!
//! 20 kills by default; `NIGHTLY_KILLS` says how many else.

mod util;

use shortway::testing::serde_json::json;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::mem::replace;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{fs, hint};
use util::{Lab, Row, figures, of_sites, stored};

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

fn lab(figures: &[Row]) -> Lab {
    let lab = Lab::new(figures);
    let site = |(property, name)| format!("[[site]]\nname = \"{name}\"\nproperty = {property}\n");
    // Pages of 25 rows: most days have several, so that a kill falls between the pages of a day too.
    lab.write_config("rows_per_request = 25", &(1..).zip(SITES).map(site).collect::<String>());
    lab
}

/// What Google may answer instead of a report.
fn fault(lab: &Lab, chance: &mut Chance) {
    let error =
        |code: u16, status| json!({"error": {"code": code, "message": "Try later.", "status": status}});
    match chance.below(6) {
        0 => lab.google.answer_next_report(503, error(503, "UNAVAILABLE")),
        1 => lab.google.answer_next_report(429, error(429, "RESOURCE_EXHAUSTED")),
        2 => lab.google.answer_next_report(200, json!({"rows": [{"metricValues": [{"value": "1"}]}]})),
        3 => lab.google.answer_next_token(503, json!({})),
        4 => lab.google.revoke_tokens(),
        _ => {}
    }
}

/// How long a run takes that nobody kills.
fn length(figures: &[Row]) -> Duration {
    let lab = lab(figures);
    let start = Instant::now();
    assert_eq!(lab.nightly(AGAIN).status, Some(0));
    start.elapsed()
}

/// Starts a run and kills it, after a random time or amid a write.
fn kill(lab: &Lab, chance: &mut Chance, length: Duration) {
    let mut command = lab.command(AGAIN);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    if chance.below(2) == 0 {
        let longest = u64::try_from(length.as_micros()).unwrap();
        thread::sleep(Duration::from_micros(chance.below(longest)));
    } else {
        amid_a_write(lab, &mut child, chance);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits until the process has written to the database some times, and up to 512 µs longer, most often less.
fn amid_a_write(lab: &Lab, child: &mut Child, chance: &mut Chance) {
    let seen = || fs::metadata(lab.path("nightly.sqlite-wal")).map_or(0, |file| file.len());
    let mut size = seen();
    for _ in 0..chance.below(20) {
        while seen() == size && child.try_wait().unwrap().is_none() {
            hint::spin_loop();
        }
        size = seen();
    }
    let start = Instant::now();
    let longest = 1 << chance.below(10);
    let longer = Duration::from_micros(chance.below(longest));
    while start.elapsed() < longer {
        hint::spin_loop();
    }
}

#[test]
fn sqlite_holds_exactly_googles_rows_however_often_nightly_is_killed() {
    let length = length(&google(0));
    let mut lab = lab(&google(0));
    let mut chance = Chance::new();
    let (mut records, mut amid) = (0, 0);
    for number in 1..=kills() {
        lab = lab_again(lab, &google(number));
        fault(&lab, &mut chance);
        kill(&lab, &mut chance, length);
        let before = replace(&mut records, checked_records(&lab, number));
        amid += u32::from((1..20).contains(&(records - before)));
    }
    println!("{} kills, {amid} of them amid the days of a run", kills());
    assert!(amid > kills() / 10, "the kills come too early or too late");
    let last = google(kills() + 1);
    let mut lab = lab_again(lab, &last);
    let ran = lab.nightly(AGAIN);
    assert_eq!(ran.status, Some(0), "{}", ran.err);
    assert_eq!(lab.stored(), of_sites(&last, &SITES));
    lab = lab_again(lab, &last);
    assert_eq!(lab.nightly(&[]).status, Some(0));
    let mut days = lab.days_asked();
    days.sort();
    days.dedup();
    assert_eq!(days, ["2026-03-08", "2026-03-09", "2026-03-10"]);
    assert_eq!(lab.stored(), of_sites(&last, &SITES));
}

/// What Google has before the kill of this number: other figures, and another number of rows, than before.
fn google(number: u32) -> Vec<Row> {
    figures(1..=10, LEAST + number % SPREAD, number)
}

/// The same folder with another Google.
fn lab_again(mut lab: Lab, figures: &[Row]) -> Lab {
    let fresh = self::lab(figures);
    lab.google = fresh.google;
    let site = |(property, name)| format!("[[site]]\nname = \"{name}\"\nproperty = {property}\n");
    lab.write_config("rows_per_request = 25", &(1..).zip(SITES).map(site).collect::<String>());
    lab
}

/// How many records of days there are. Each stored day must be whole, as one of the Googles up to this number
/// had it, and its last record must be of these rows.
fn checked_records(lab: &Lab, number: u32) -> i64 {
    if !lab.path("nightly.sqlite").exists() {
        return 0;
    }
    let db = lab.sqlite();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    if !db.table_exists(None, "pages").unwrap() {
        return 0;
    }
    for day in stored(&db).chunk_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1)) {
        let (site, date) = (&day[0].0, &day[0].1);
        let of_google = |number: u32| of_day(&google(number), site, date) == day;
        let as_long = |number: &u32| LEAST + number % SPREAD == day.len() as u32;
        assert!((0..=number).filter(as_long).any(of_google), "{site} {date} is not whole");
        let record =
            "SELECT rows FROM runs WHERE site = ? AND report = 'pages' AND date = ? ORDER BY id DESC";
        let rows: i64 = db.query_row(record, [site, date], |row| row.get(0)).unwrap();
        assert_eq!(rows, day.len() as i64, "the record of {site} {date} is of other rows");
    }
    db.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap()
}

fn of_day(figures: &[Row], site: &str, date: &str) -> Vec<Row> {
    let of_day: Vec<Row> = figures.iter().filter(|row| row.1 == date).cloned().collect();
    of_sites(&of_day, &[site])
}
