//! What a test with `FakeGoogle` costs: milliseconds to start it, to get a first report, and to end it.
//!
//! `cargo bench --bench fake_google`. Fails if the median start takes 20 ms or more.
#![allow(missing_docs, reason = "a program")]

use shortway::analytics::{Analytics, DateRange, ReportRequest};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable};
use std::process::ExitCode;
use std::time::Instant;

const ROUNDS: usize = 101;

/// The most that a start may take, in milliseconds.
const LIMIT: f64 = 20.0;

/// Milliseconds: start, first report with its token, end.
type Figures = [f64; 3];

fn main() -> ExitCode {
    println!("{:<8} {:>24} {:>24} {:>24}", "ms", "start", "first report", "end");
    let mut slowest = 0.0_f64;
    for (name, is_https) in [("http", false), ("https", true)] {
        let rounds: Vec<Figures> = (0..ROUNDS).map(|_| round(is_https)).collect();
        let [start, report, end] =
            [0, 1, 2].map(|step| spread(rounds.iter().map(|round| round[step]).collect()));
        println!("{name:<8} {:>24} {:>24} {:>24}", start.1, report.1, end.1);
        slowest = slowest.max(start.0);
    }
    if slowest < LIMIT { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn round(is_https: bool) -> Figures {
    let begin = Instant::now();
    let table = FakeTable::new(["country"], ["sessions"]).row(["Italy"], [7]).row(["Chile"], [3]);
    let builder = FakeGoogle::builder().property(1234, table);
    let google = if is_https { builder.https() } else { builder }.start().expect("a fake");
    let start = milliseconds(begin);
    let begin = Instant::now();
    let tokens =
        shortway::service_account(google.key(), [ANALYTICS_READONLY]).token_endpoint(google.token_url());
    let analytics = if is_https {
        let tokens = tokens.transport(google.transport().expect("a transport")).build().expect("a source");
        Analytics::with_transport(tokens, google.transport().expect("a transport"))
    } else {
        Analytics::new(tokens.build().expect("a source"))
    };
    let property = analytics.with_endpoint(&google.api_url()).expect("a client").property(1234);
    let request =
        ReportRequest::new().dates(DateRange::last_days(7)).dimensions(["country"]).metrics(["sessions"]);
    assert_eq!(property.run_report(&request).expect("a report").len(), 2);
    let report = milliseconds(begin);
    let begin = Instant::now();
    drop(google);
    [start, report, milliseconds(begin)]
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}

/// The median, and minimum, median and maximum as text.
fn spread(mut figures: Vec<f64>) -> (f64, String) {
    figures.sort_by(f64::total_cmp);
    let median = figures[figures.len() / 2];
    (median, format!("{:.2} / {median:.2} / {:.2}", figures[0], figures[figures.len() - 1]))
}
