//! Rows as the caller's own types.

use crate::{columns, report_of, run, week};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use shortway::analytics::{ColumnKind, MetricType, OrderBy, Report};
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::net::IpAddr;
use time::macros::{date, datetime};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Timestamp, UtcDateTime, Weekday};

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
        "row 0: a row of 2 columns does not fit a tuple of 3; the columns of the report are country, screenPageViews: \
         read a row as a struct with fields of these names (#[serde(rename = \"…\")] where they differ), as a tuple of \
         2, or as a map"
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
    let day = |n| Date::from_calendar_date(2026, Month::January, n).ok();
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
        "row 0, column `n`: \"twelve\" is not a whole number of 64 bits, 0 or more"
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
        "row 0: the report has no column `path`; the columns of the report are pagePath, screenPageViews: read \
         a row as a struct with fields of these names (#[serde(rename = \"…\")] where they differ), as a tuple of 2, or \
         as a map"
    );
}

/// The first row of a report with the metric `n`, read as `T`.
fn first<'r, T: Deserialize<'r>>(report: &'r Report) -> Result<T, Error> {
    report.rows::<T>().next().expect("a row")
}

fn one(dimension: &str, metric: &str) -> Report {
    report_of(&columns("d", "n", &[(dimension, metric)])).expect("a report")
}

#[test]
fn type_that_does_not_say_what_it_wants_gets_metrics_as_numbers() {
    #[derive(Debug, Deserialize, PartialEq)]
    struct Row<T> {
        #[serde(flatten)]
        inner: T,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Figures<N> {
        n: N,
    }
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Untagged {
        Full { d: String, n: u64 },
        Bare { d: String },
    }
    let report = one("7", "7");
    assert_eq!(first::<Row<Figures<u64>>>(&report).expect("fits").inner.n, 7);
    assert_eq!(first::<Row<Option<Figures<u64>>>>(&report).expect("fits").inner, Some(Figures { n: 7 }));
    assert_eq!(first::<Row<Figures<f64>>>(&report).expect("fits").inner.n, 7.0);
    assert_eq!(first::<Untagged>(&report).expect("fits"), Untagged::Full { d: "7".into(), n: 7 });
    assert_eq!(first::<Value>(&report).expect("fits"), json!({"d": "7", "n": 7}));
    assert_eq!(first::<BTreeMap<String, String>>(&report).expect("text by its type")["n"], "7");
}

#[test]
fn metric_that_no_number_holds_exactly_stays_text() {
    let value = |cell: &str| first::<Value>(&one("x", cell)).expect("fits")["n"].clone();
    for (cell, number) in [
        ("0", json!(0)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("18446744073709551615", json!(u64::MAX)),
        ("9007199254740993", json!(9_007_199_254_740_993_u64)),
        ("3.75", json!(3.75)),
        ("0.50", json!(0.5)),
        ("0.59756097560975607", json!(0.597_560_975_609_756_1)),
        ("1e3", json!(1000.0)),
        ("100000000000000000000", json!(1e20)),
        ("0.0", json!(0.0)),
    ] {
        assert_eq!(value(cell), number, "{cell}");
    }
    for cell in [
        "18446744073709551617",
        "0.5975609756097560712",
        "0.12345678901234567",
        "9007199254740993.0",
        "1e400",
        "1e-400",
        "NaN",
        "inf",
        "+7",
        "-",
        "",
        "(not set)",
        "1,234",
        "0x10",
    ] {
        assert_eq!(value(cell), json!(cell));
    }
}

#[test]
fn types_that_read_text_are_read() {
    /// As the types of UUIDs do it: a text where people read, else bytes.
    #[derive(Debug, PartialEq)]
    struct Id(String);
    impl<'de> Deserialize<'de> for Id {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match deserializer.is_human_readable() {
                true => String::deserialize(deserializer).map(Self),
                false => Err(serde::de::Error::custom("16 bytes")),
            }
        }
    }
    let report = one("192.0.2.7", "5");
    assert_eq!(first::<(IpAddr, Id)>(&report).expect("fits"), (IpAddr::from([192, 0, 2, 7]), Id("5".into())));
    assert_eq!(first::<(Option<IpAddr>, u8)>(&one("(not set)", "5")).expect("none"), (None, 5));
    let error = first::<(IpAddr, u8)>(&one("(not set)", "5")).expect_err("no address");
    assert_eq!(error.message(), "row 0, column `d`: invalid IP address syntax");
    first::<(Option<IpAddr>, u8)>(&one("192.0.2", "5")).expect_err("neither an address nor a placeholder");
}

/// `time::Date` as its feature `serde-human-readable` reads it: it asks for anything.
#[derive(Debug, PartialEq)]
struct AnyDate(Date);

impl<'de> Deserialize<'de> for AnyDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;
        impl<'de> Visitor<'de> for Parts {
            type Value = Date;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Date, A::Error> {
                let year = parts.next_element()?.expect("a year");
                let day = parts.next_element()?.expect("a day");
                Date::from_ordinal_date(year, day).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(Parts).map(Self)
    }
}

#[test]
fn one_cell_is_no_sequence_unless_it_is_a_date() {
    #[derive(Debug, Deserialize)]
    #[serde(transparent)]
    struct Day(Date);
    let report = one("20260105", "7");
    let row: (Day, u8) = first(&report).expect("fits");
    assert_eq!(row.0.0, date!(2026 - 01 - 05));
    assert_eq!(first::<(AnyDate, u8)>(&report).expect("fits"), (AnyDate(date!(2026 - 01 - 05)), 7));
    let sequence = "row 0, column `d`: \"20260105\" is not a sequence";
    assert_eq!(first::<((u32, u32), u8)>(&report).expect_err("a pair").message(), sequence);
    assert_eq!(first::<([u16; 2], u8)>(&report).expect_err("an array").message(), sequence);
    first::<(Vec<u32>, u8)>(&report).expect_err("a list");
    let hour = one("2026010523", "7");
    first::<((i32, u16, u8, u8, u8, u32), u8)>(&hour).expect_err("six numbers");
    assert_eq!(
        first::<(UtcDateTime, u8)>(&hour).expect_err("no zone").message(),
        "row 0, column `d`: \"2026010523\" is not a time with an offset from UTC: use time::PrimitiveDateTime"
    );
    assert_eq!(
        first::<(Timestamp, u8)>(&hour).expect_err("no nanoseconds").message(),
        "row 0, column `d`: \"2026010523\" is not a time with an offset from UTC: use time::PrimitiveDateTime"
    );
    assert_eq!(first::<(Month, Weekday)>(&one("05", "1")).expect("fits"), (Month::May, Weekday::Monday));
    let parts: ((u32, u32), u8) = (first::<(u32, u8)>(&report).map(|(d, n)| ((d, d), n))).expect("a number");
    assert_eq!(parts, ((20_260_105, 20_260_105), 7));
}

#[test]
fn float_that_is_too_large_for_its_type_is_an_error() {
    for cell in ["1e39", "3.5e38", "-1e300"] {
        assert_eq!(
            first::<(&str, f32)>(&one("x", cell)).expect_err(cell).message(),
            format!("row 0, column `n`: {cell:?} is not a finite number of 32 bits")
        );
        assert_eq!(
            first::<(&str, f64)>(&one("x", cell)).expect("fits").1,
            cell.parse::<f64>().expect("a number")
        );
    }
    assert_eq!(first::<(&str, f32)>(&one("x", "0.1")).expect("fits").1, 0.1);
}

#[test]
fn placeholder_in_any_of_200_columns_is_none() {
    let headers: Vec<Value> = (0..200).map(|n| json!({"name": format!("m{n}")})).collect();
    let cells = vec![json!({"value": "(not set)"}); 200];
    let body = json!({"metricHeaders": headers, "rows": [{"metricValues": cells}], "rowCount": 1});
    let report = report_of(&body).expect("a report");
    assert_eq!(first::<Vec<Option<u64>>>(&report).expect("fits"), [None; 200]);
    assert_eq!(
        first::<Vec<u64>>(&report).expect_err("no number").message(),
        "row 0, column `m0`: \"(not set)\" is not a whole number of 64 bits, 0 or more"
    );
}

#[test]
fn row_is_read_by_name_and_by_place_without_a_struct() {
    let report = run(&week()
        .dimensions(["date", "country"])
        .metrics(["screenPageViews", "revenue"])
        .order_by(OrderBy::dimension("date"))
        .order_by(OrderBy::metric("screenPageViews").desc()))
    .expect("a report");
    let row = report.row(1).expect("five rows");
    assert_eq!((row.number(), row.get("country"), row.get(1)), (1, Some("Italy"), Some("Italy")));
    assert_eq!(row.get(&"screenPageViews".to_owned()), Some("7"));
    assert_eq!((row.get("city"), row.get(4), row.get(usize::MAX)), (None, None, None));
    assert_eq!(row.read::<Date>("date").expect("a date"), date!(2025 - 12 - 26));
    assert_eq!(row.read::<u64>("screenPageViews").expect("a whole number"), 7);
    assert_eq!(row.read::<f64>(3).expect("a float"), 1.25);
    assert_eq!(row.cells().collect::<Vec<_>>(), ["20251226", "Italy", "7", "1.25"]);
    assert_eq!(format!("{row:?}"), "Row { number: 1, .. }");
    let views: Vec<u8> = report.each_row().map(|row| row.read(2).expect("a number")).collect();
    assert_eq!(views, [5, 7, 3, 4, 1]);
    assert_eq!((report.each_row().len(), report.row(5).is_none()), (5, true));
    assert_eq!(report.row(4).expect("five rows").get("country"), Some("(not set)"));
}

#[test]
fn cell_that_does_not_fit_is_told_with_row_and_column() {
    let report = report_of(&columns("d", "n", &[("x", "1"), ("(not set)", "many")])).expect("a report");
    let row = report.row(1).expect("two rows");
    assert_eq!(row.read::<Option<u8>>("d").expect("a placeholder"), None);
    assert_eq!(row.read::<Option<&str>>("d").expect("text"), Some("(not set)"));
    for (error, message) in [
        (
            row.read::<u64>("n").expect_err("text"),
            "row 1, column `n`: \"many\" is not a whole number of 64 bits, 0 or more",
        ),
        (
            row.read::<Date>("d").expect_err("text"),
            "row 1, column `d`: \"(not set)\" is not a date of the form YYYYMMDD",
        ),
        (row.read::<IpAddr>(0).expect_err("text"), "row 1, column `d`: invalid IP address syntax"),
        (
            row.read::<u8>("city").expect_err("none"),
            "row 1: the report has no column `city`; the columns of the report are d, n",
        ),
        (
            row.read::<u8>(2).expect_err("none"),
            "row 1: the report has no column `2`; the columns of the report are d, n",
        ),
    ] {
        assert_eq!(
            (error.kind(), error.row(), error.to_string().as_str()),
            (ErrorKind::Row, Some(1), message)
        );
    }
}
