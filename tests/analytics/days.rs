//! Reports by day, with the days that have no row.

use crate::{columns, report_of};
use serde_json::json;
use shortway::ErrorKind;
use shortway::analytics::{DateRange, Report};
use time::Date;
use time::macros::date;

const FIRST: Date = date!(2025 - 12 - 30);
const LAST: Date = date!(2026 - 01 - 02);

fn report(cells: &[(&str, &str)]) -> Report {
    report_of(&columns("date", "sessions", cells)).expect("a report")
}

#[test]
fn each_day_of_a_range_is_given_in_order_with_or_without_a_row() {
    let report = report(&[("20260102", "7"), ("20251230", "5")]);
    let days: Vec<(Date, Option<u64>)> = report
        .by_day(FIRST, LAST)
        .expect("a report by day")
        .map(|(day, row)| (day, row.map(|row| row.read("sessions").expect("a number"))))
        .collect();
    let between = [(date!(2025 - 12 - 31), None), (date!(2026 - 01 - 01), None)];
    assert_eq!(days, [&[(FIRST, Some(5))][..], &between, &[(LAST, Some(7))]].concat());
    assert_eq!(
        report.by_day(LAST, LAST.next_day().expect("a day")).err().map(|error| error.kind()),
        Some(ErrorKind::Row)
    );
}

#[test]
fn empty_report_has_every_day_and_no_range_has_none() {
    let report = report(&[]);
    assert_eq!(report.by_day(FIRST, LAST).expect("a report").filter(|(_, row)| row.is_none()).count(), 4);
    assert_eq!(report.by_day(LAST, FIRST).expect("a report").count(), 0);
    assert_eq!(report.by_day(Date::MAX, Date::MAX).expect("a report").count(), 1);
}

#[test]
fn report_that_is_not_one_row_a_day_is_refused() {
    let told = |report: &Report| match report.by_day(FIRST, LAST) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    for (cells, text) in [
        (
            [("20251230", "1"), ("20251229", "1")],
            "row 1, column `date`: 2025-12-29 is not between 2025-12-30 and 2026-01-02",
        ),
        ([("20251230", "1"), ("20251230", "1")], "row 1, column `date`: 2025-12-30 has a row already"),
        (
            [("20251230", "1"), ("(other)", "1")],
            "row 1, column `date`: \"(other)\" is not a date of the form YYYYMMDD",
        ),
    ] {
        assert_eq!(told(&report(&cells)), text);
    }
    let other = report_of(&columns("country", "sessions", &[])).expect("a report");
    assert_eq!(
        told(&other),
        "the report is not by day; request the dimension `date` and no other, for one date range"
    );
    let mut cut = columns("date", "sessions", &[("20251230", "1")]);
    cut["rowCount"] = json!(4);
    assert_eq!(
        told(&report_of(&cut).expect("a report")),
        "the report has not all of its days; request it without offset and with a larger limit"
    );
}

#[test]
fn range_that_reaches_today_is_known_in_every_form() {
    let reaches = |end: &str| DateRange::new("30daysAgo", end).reaches(LAST);
    for end in ["today", "0daysAgo", "2026-01-02", "2026-01-03", "tomorrow"] {
        assert!(reaches(end), "{end}");
    }
    for end in ["yesterday", "1daysAgo", "2026-01-01", "2025-12-31"] {
        assert!(!reaches(end), "{end}");
    }
}
