//! Rows as the caller's own types.

use crate::{columns, report_of, run, week};
use serde::Deserialize;
use serde_json::json;
use shortway::analytics::{ColumnKind, MetricType, OrderBy, Report};
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

#[test]
fn rows_become_the_callers_structs() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Day {
        date: Date,
        country: String,
        #[serde(rename = "screenPageViews")]
        views: u64,
        revenue: f64,
    }
    let report = run(&week()
        .dimensions(["date", "country"])
        .metrics(["screenPageViews", "revenue"])
        .order_by(OrderBy::dimension("date"))
        .order_by(OrderBy::metric("screenPageViews").desc()))
    .expect("a report");
    let days: Vec<Day> = report.rows().collect::<Result<_, _>>().expect("rows that fit");
    let day = |date, country: &str, views, revenue| Day { date, country: country.into(), views, revenue };
    assert_eq!(
        days,
        [
            day(date!(2025 - 12 - 25), "Italy", 5, 0.5),
            day(date!(2025 - 12 - 26), "Italy", 7, 1.25),
            day(date!(2025 - 12 - 26), "Chile", 3, 0.0),
            day(date!(2025 - 12 - 27), "Chile", 4, 2.0),
            day(date!(2025 - 12 - 31), "(not set)", 1, 0.0),
        ]
    );
    assert_eq!(report.total::<u64>("screenPageViews").expect("a total"), 20);
    assert_eq!(report.total::<f64>("revenue").expect("a total"), 3.75);
    assert_eq!(
        (report.len(), report.row_count(), report.is_complete(), report.is_empty()),
        (5, 5, true, false)
    );
    assert_eq!(report.metadata().time_zone.as_deref(), Some("Etc/UTC"));
    let kinds: Vec<_> = report.columns().iter().map(|c| (c.name.as_str(), c.kind.clone())).collect();
    assert_eq!(kinds[1], ("country", ColumnKind::Dimension));
    assert_eq!(kinds[2], ("screenPageViews", ColumnKind::Metric(MetricType::Integer)));
    assert_eq!(kinds[3], ("revenue", ColumnKind::Metric(MetricType::Float)));
}

#[test]
fn rows_become_tuples_maps_lists_and_lent_text() {
    let report = run(&week().dimensions(["country"]).metrics(["screenPageViews"])).expect("a report");
    assert_eq!(report.rows::<(String, u32)>().next().expect("a row").expect("fits"), ("Italy".into(), 12));
    assert_eq!(report.rows::<(&str, i64)>().nth(1).expect("a row").expect("fits"), ("Chile", 7));
    assert_eq!(report.rows::<Vec<&str>>().next().expect("a row").expect("fits"), ["Italy", "12"]);
    assert_eq!(report.rows::<[&str; 2]>().len(), 3);
    let map = report.rows::<BTreeMap<String, String>>().next().expect("a row").expect("fits");
    assert_eq!(
        map,
        BTreeMap::from([("country".into(), "Italy".into()), ("screenPageViews".into(), "12".into())])
    );
    let error = report.rows::<(String, u32, u32)>().next().expect("a row").expect_err("three of two");
    assert_eq!(
        error.to_string(),
        "row 0: a row of 2 columns does not fit a tuple of 3; the columns of the report are country, screenPageViews; give \
         fields these names, or #[serde(rename = \"…\")]"
    );
}

#[test]
fn dates_and_hours_are_read_by_the_target_type() {
    let read =
        |column: &str, cell: &str| report_of(&columns(column, "sessions", &[(cell, "1")])).expect("a report");
    let hour = read("dateHour", "2026013123");
    assert_eq!(
        hour.rows::<(PrimitiveDateTime, u8)>().next().expect("a row").expect("fits"),
        (datetime!(2026-01-31 23:00), 1)
    );
    let minute = read("dateHourMinute", "202402290107");
    assert_eq!(
        minute.rows::<(PrimitiveDateTime, u8)>().next().expect("a row").expect("fits").0,
        datetime!(2024-02-29 01:07)
    );
    for cell in ["20260230", "2026-01-31", "202601", "(other)", "2026013", "+2026013", "20261301"] {
        let report = read("date", cell);
        let error = report.rows::<(Date, u8)>().next().expect("a row").expect_err(cell);
        assert_eq!(error.kind(), ErrorKind::Row);
        assert_eq!((error.row(), error.column()), (Some(0), Some("date")));
        assert_eq!(
            error.to_string(),
            format!("row 0, column `date`: {cell:?} is not a date of the form YYYYMMDD")
        );
    }
    assert_eq!(
        hour.rows::<(OffsetDateTime, u8)>().next().expect("a row").expect_err("no zone").to_string(),
        "row 0, column `dateHour`: \"2026013123\" is not a time with an offset from UTC: use time::PrimitiveDateTime"
    );
    for cell in ["2026013124", "202601312360", "20260131"] {
        let report = read("dateHour", cell);
        report.rows::<(PrimitiveDateTime, u8)>().next().expect("a row").expect_err(cell);
    }
}

#[test]
fn placeholders_are_none_for_numbers_and_dates_and_text_for_text() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        date: Option<Date>,
        n: Option<u64>,
    }
    let cells = [
        ("20260101", "1"),
        ("(other)", "2"),
        ("20260103", "(not set)"),
        ("", "(data not available)"),
        ("20260105", "5"),
    ];
    let report = report_of(&columns("date", "n", &cells)).expect("a report");
    let rows: Vec<Row> = report.rows().collect::<Result<_, _>>().expect("rows that fit");
    let day = |n| Date::from_calendar_date(2026, time::Month::January, n).ok();
    let row = |date, n| Row { date, n };
    assert_eq!(
        rows,
        [row(day(1), Some(1)), row(None, Some(2)), row(day(3), None), row(None, None), row(day(5), Some(5))]
    );
    let texts: Vec<(Option<String>, &str)> = report.rows().collect::<Result<_, _>>().expect("text fits all");
    assert_eq!(texts[1], (Some("(other)".into()), "2"));
    assert_eq!(texts[3], (Some(String::new()), "(data not available)"));

    let bad = report_of(&columns("date", "n", &[("20260101", "twelve")])).expect("a report");
    let error = bad.rows::<Row>().next().expect("a row").expect_err("no placeholder, no number");
    assert_eq!(
        error.to_string(),
        "row 0, column `n`: \"twelve\" is not a whole number of 64 bits without sign"
    );
}

#[test]
fn number_that_does_not_fit_is_an_error_and_never_wraps() {
    let one = |cell: &str| report_of(&columns("d", "n", &[("", cell)])).expect("a report");
    fn read<'r, T: Deserialize<'r>>(report: &'r Report) -> Result<T, Error> {
        report.rows::<(&str, T)>().next().expect("a row").map(|(_, n)| n)
    }
    assert_eq!(read::<u64>(&one("9007199254740993")).expect("exact"), 9_007_199_254_740_993);
    assert_eq!(read::<i128>(&one("-170141183460469231731687303715884105728")).expect("exact"), i128::MIN);
    assert_eq!(read::<f64>(&one("0.59756097560975607")).expect("a float"), 0.597_560_975_609_756_1);
    assert_eq!(read::<f64>(&one("-0")).expect("a float"), 0.0);
    for cell in ["NaN", "Infinity", "1e400", "12abc", "", "1,234", "0x10"] {
        read::<f64>(&one(cell)).expect_err(cell);
        read::<u64>(&one(cell)).expect_err(cell);
    }
    read::<u8>(&one("256")).expect_err("too large");
    read::<u64>(&one("-1")).expect_err("negative");
    read::<u64>(&one("1.5")).expect_err("a fraction");
    let number =
        json!({"metricHeaders": [{"name": "n"}], "rows": [{"metricValues": [{"value": 7}]}], "rowCount": 1});
    assert_eq!(
        report_of(&number).expect("a report").rows::<(u8,)>().next().expect("a row").expect("fits"),
        (7,)
    );
}

#[test]
fn missing_column_is_told_with_those_that_there_are() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Page {
        path: String,
    }
    let report = run(&week().dimensions(["pagePath"]).metrics(["screenPageViews"])).expect("a report");
    let error = report.rows::<Page>().next().expect("a row").expect_err("no such column");
    assert_eq!(error.kind(), ErrorKind::Row);
    assert_eq!(
        error.to_string(),
        "row 0: the report has no column `path`; the columns of the report are pagePath, screenPageViews; give fields these \
         names, or #[serde(rename = \"…\")]"
    );
}

#[test]
fn flattened_structs_take_text_alone() {
    #[derive(Debug, Deserialize)]
    struct Row<T> {
        #[serde(flatten)]
        inner: T,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only its reading is tested")]
    struct Inner {
        n: u64,
    }
    let report = report_of(&columns("d", "n", &[("x", "7")])).expect("a report");
    let texts = report.rows::<Row<BTreeMap<String, String>>>().next().expect("a row").expect("fits");
    assert_eq!(texts.inner["n"], "7");
    let error = report.rows::<Row<Inner>>().next().expect("a row").expect_err("a number");
    assert_eq!(error.message(), "row 0: invalid type: string \"7\", expected u64");
}
