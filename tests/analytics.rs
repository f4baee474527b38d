//! Reports: from a request over the wire into the caller's own structs.
#![cfg(feature = "analytics")]

mod util;

use serde::Deserialize;
use serde_json::{Value, json};
use shortway::analytics::{
    Analytics, ColumnKind, DateRange, FilterExpression, Metric, MetricAggregation, MetricType, NumericValue,
    OrderBy, Property, PropertyId, Report, ReportRequest,
};
use shortway::http::{Request, Response, Transport};
use shortway::scope::{ANALYTICS_READONLY, CLOUD_PLATFORM};
use shortway::testing::{FakeGoogle, FakeTable, ManualClock, ScriptedSource};
use shortway::{Clock, Error, ErrorKind, Identity, RetryPolicy, Token, TokenKind};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use time::macros::{date, datetime};
use time::{Date, OffsetDateTime, PrimitiveDateTime};
use util::endpoint::Endpoint;

/// A week of a small site; the fake's clock stands at 2026-01-01.
fn table() -> FakeTable {
    FakeTable::new(["date", "country", "pagePath"], ["screenPageViews", "revenue"])
        .row(["20251225", "Italy", "/"], [5.0, 0.5])
        .row(["20251226", "Italy", "/"], [7.0, 1.25])
        .row(["20251226", "Chile", "/"], [3.0, 0.0])
        .row(["20251227", "Chile", "/about"], [4.0, 2.0])
        .row(["20251231", "(not set)", "/about"], [1.0, 0.0])
        .row(["20251231", "Italy", "/404"], [0.0, 0.0])
}

fn fake() -> FakeGoogle {
    FakeGoogle::builder().clock(ManualClock::new()).property(1234, table()).start().expect("a fake")
}

fn property(google: &FakeGoogle, scope: &str) -> Property {
    let tokens = shortway::service_account(google.key(), [scope])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client").property(1234)
}

fn run(request: &ReportRequest) -> Result<Report, Error> {
    property(&fake(), ANALYTICS_READONLY).run_report(request)
}

/// The report that a server answers with `body`.
fn report_of(body: &Value) -> Result<Report, Error> {
    answer(200, &body.to_string())
}

fn answer(status: u16, body: &str) -> Result<Report, Error> {
    let server = Endpoint::always(status, body);
    let identity = Identity::new().with_email("nightly@figures.iam.gserviceaccount.com");
    let tokens = ScriptedSource::new().then_token("ya29.x").with_identity(identity);
    let analytics =
        Analytics::new(tokens).with_retry(RetryPolicy::NONE).with_endpoint(&server.url).expect("a client");
    analytics.property(1234).run_report(&ReportRequest::new())
}

/// One dimension column and one metric column, with these cells.
fn columns(dimension: &str, metric: &str, cells: &[(&str, &str)]) -> Value {
    let rows: Vec<Value> = cells
        .iter()
        .map(|(d, m)| json!({"dimensionValues": [{"value": d}], "metricValues": [{"value": m}]}))
        .collect();
    json!({
        "dimensionHeaders": [{"name": dimension}],
        "metricHeaders": [{"name": metric, "type": "TYPE_INTEGER"}],
        "rows": rows,
        "rowCount": cells.len(),
    })
}

fn week() -> ReportRequest {
    ReportRequest::new().dates(DateRange::last_days(7))
}

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

#[test]
fn totals_that_cannot_be_told_apart_are_not_chosen_from() {
    let total = |n: &str| json!({"metricValues": [{"value": n}]});
    let body = json!({"metricHeaders": [{"name": "n"}], "rowCount": 9, "totals": [total("1"), total("2")]});
    assert_eq!(
        report_of(&body).expect("a report").total::<u64>("n").expect_err("which?").to_string(),
        "no total of `n`: Google sent several, and no date range to tell them apart; look at columns() for what Google added \
         to the report"
    );
}

#[test]
fn totals_come_from_google_and_are_never_guessed() {
    let several = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 12 - 25), date!(2025 - 12 - 26)).named("then"))
        .dates(DateRange::yesterday())
        .dimensions(["country"])
        .metrics(["screenPageViews"]))
    .expect("a report");
    assert_eq!(several.columns()[1].name, "dateRange");
    assert_eq!(several.date_ranges(), ["then", "date_range_1"]);
    assert_eq!(several.total_in::<u64>("then", "screenPageViews").expect("a total"), 15);
    assert_eq!(several.total_in::<u64>("date_range_1", "screenPageViews").expect("a total"), 1);
    assert_eq!(
        several.total::<u64>("screenPageViews").expect_err("which?").to_string(),
        "no total of `screenPageViews`: the report has several date ranges; name one with total_in(range, metric): then, \
         date_range_1"
    );
    assert_eq!(
        several.total_in::<u64>("now", "screenPageViews").expect_err("no such range").to_string(),
        "no total of `screenPageViews`: the report has no date range `now`; those requested are called then, date_range_1"
    );

    let one = run(&week().metrics(["screenPageViews"])).expect("a report");
    assert_eq!(one.total::<u64>("screenPageViews").expect("a total"), 20);
    assert_eq!(
        one.total::<u64>("sessions").expect_err("not asked for").to_string(),
        "no total of `sessions`: it is no metric of this report; add it to the request with metrics([…])"
    );
    assert_eq!(one.total::<u8>("screenPageViews").expect("fits"), 20);
    assert_eq!(one.total_in::<u8>("date_range_0", "screenPageViews").expect("the only one"), 20);
    assert_eq!(
        one.total_in::<u8>("date_range_1", "screenPageViews").expect_err("no such range").to_string(),
        "no total of `screenPageViews`: the report has no date range `date_range_1`; those requested are called date_range_0"
    );

    let bare = run(&ReportRequest::default().dates(DateRange::last_days(7)).metrics(["screenPageViews"]))
        .expect("a report");
    assert_eq!(
        bare.total::<u64>("screenPageViews").expect_err("not asked for").to_string(),
        "no total of `screenPageViews`: the request did not ask for it; add it to the request with \
         aggregate(MetricAggregation::Total)"
    );
}

#[test]
fn total_of_one_range_is_never_taken_for_that_of_all() {
    let one_with_rows = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 06 - 01), date!(2025 - 06 - 02)).named("summer"))
        .dates(DateRange::last_days(7))
        .metrics(["screenPageViews"])
        .aggregate(MetricAggregation::Maximum))
    .expect("a report");
    assert_eq!(
        one_with_rows.total::<Option<u64>>("screenPageViews").expect_err("which?").message(),
        "no total of `screenPageViews`: the report has several date ranges"
    );
    assert_eq!(one_with_rows.total_in::<u64>("date_range_1", "screenPageViews").expect("a total"), 20);
    assert_eq!(one_with_rows.total_in::<Option<u64>>("summer", "screenPageViews").expect("none"), None);
    assert_eq!(
        one_with_rows.total_in::<u64>("summer", "screenPageViews").expect_err("no figure").to_string(),
        "no total of `screenPageViews`: the date range `summer` is empty; ask for an Option to get None where there are no \
         rows"
    );
    assert_eq!(one_with_rows.maximum_in::<u64>("date_range_1", "screenPageViews").expect("a maximum"), 20);
    assert_eq!(
        one_with_rows.maximum::<u64>("screenPageViews").expect_err("which?").hint(),
        Some("name one with maximum_in(range, metric): summer, date_range_1")
    );

    let empty = run(&ReportRequest::new()
        .dates(DateRange::new("2025-06-01", "2025-06-02"))
        .dates(DateRange::new("2025-06-03", "2025-06-04"))
        .metrics(["screenPageViews"]))
    .expect("an empty report");
    empty.total::<Option<u64>>("screenPageViews").expect_err("which?");
    assert_eq!(empty.total_in::<Option<u64>>("date_range_0", "screenPageViews").expect("none"), None);
    empty.total_in::<Option<u64>>("date_range_2", "screenPageViews").expect_err("no such range");
}

#[test]
fn largest_and_smallest_come_on_request() {
    let request = week().dimensions(["country"]).metrics(["screenPageViews"]);
    let report = run(&request
        .clone()
        .aggregate(MetricAggregation::Maximum)
        .aggregate(MetricAggregation::Minimum)
        .aggregate(MetricAggregation::Total))
    .expect("a report");
    assert_eq!(report.maximum::<u64>("screenPageViews").expect("a maximum"), 12);
    assert_eq!(report.minimum::<u64>("screenPageViews").expect("a minimum"), 1);
    assert_eq!(
        run(&request)
            .expect("a report")
            .maximum::<u64>("screenPageViews")
            .expect_err("not asked for")
            .to_string(),
        "no maximum of `screenPageViews`: the request did not ask for it; add it to the request with \
         aggregate(MetricAggregation::Maximum)"
    );
}

#[test]
fn empty_report_is_no_error_and_has_no_total() {
    let report = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 06 - 01), date!(2025 - 06 - 02)))
        .dimensions(["country"])
        .metrics(["screenPageViews"]))
    .expect("an empty report");
    assert_eq!((report.len(), report.row_count(), report.is_complete()), (0, 0, true));
    assert_eq!(report.total::<Option<u64>>("screenPageViews").expect("none"), None);
    assert_eq!(
        report.total::<u64>("screenPageViews").expect_err("no figure").to_string(),
        "no total of `screenPageViews`: the report is empty; ask for an Option to get None where there are no rows"
    );
}

#[test]
fn limit_offset_and_filter_do_what_they_say() {
    let request = week().dimensions(["country"]).metrics(["screenPageViews"]).limit(1).offset(1);
    let report = run(&request).expect("a report");
    assert_eq!(report.rows::<(String, u64)>().next().expect("a row").expect("fits"), ("Chile".into(), 7));
    assert_eq!((report.len(), report.row_count(), report.is_complete()), (1, 3, false));
    assert_eq!(report.total::<u64>("screenPageViews").expect("of all rows"), 20);

    let request = week()
        .metrics(["screenPageViews"])
        .filter(
            FilterExpression::equals("country", "italy").or(FilterExpression::in_list("country", ["Chile"])),
        )
        .filter(!FilterExpression::equals("pagePath", "/about"));
    assert_eq!(run(&request).expect("a report").total::<u64>("screenPageViews").expect("a total"), 15);
}

#[test]
fn request_is_googles_json() {
    let google = fake();
    let request = week()
        .dimensions(["pagePath"])
        .metrics(["screenPageViews"])
        .metrics([
            Metric::expression("perSession", "eventCount/sessions"),
            Metric::from("eventCount").invisible(),
        ])
        .filter(FilterExpression::contains("pagePath", "blog"))
        .filter(FilterExpression::begins_with("country", "It"))
        .metric_filter(FilterExpression::greater_than("screenPageViews", 10))
        .metric_filter(FilterExpression::less_than("eventCount", 2.5))
        .metric_filter(!FilterExpression::between("sessions", 1, NumericValue::Double(2.0)))
        .aggregate(MetricAggregation::Minimum)
        .limit(0);
    property(&google, ANALYTICS_READONLY).run_report(&request).expect_err("beyond the fake");
    let text = |field: &str, how: &str, value: &str| json!({"filter": {"fieldName": field, "stringFilter": {"matchType": how, "value": value}}});
    let number = |field: &str, operation: &str, value: Value| json!({"filter": {"fieldName": field, "numericFilter": {"operation": operation, "value": value}}});
    let between = json!({"filter": {"fieldName": "sessions", "betweenFilter": {
        "fromValue": {"int64Value": "1"}, "toValue": {"doubleValue": 2.0},
    }}});
    assert_eq!(
        google.reports_asked(),
        [json!({
            "dateRanges": [{"startDate": "7daysAgo", "endDate": "yesterday"}],
            "dimensions": [{"name": "pagePath"}],
            "metrics": [
                {"name": "screenPageViews"},
                {"name": "perSession", "expression": "eventCount/sessions"},
                {"name": "eventCount", "invisible": true},
            ],
            "dimensionFilter": {"andGroup": {"expressions": [
                text("pagePath", "CONTAINS", "blog"),
                text("country", "BEGINS_WITH", "It"),
            ]}},
            "metricFilter": {"andGroup": {"expressions": [
                number("screenPageViews", "GREATER_THAN", json!({"int64Value": "10"})),
                number("eventCount", "LESS_THAN", json!({"doubleValue": 2.5})),
                {"notExpression": between},
            ]}},
            "limit": "0",
            "metricAggregations": ["TOTAL", "MINIMUM"],
        })]
    );
}

#[test]
fn column_asked_for_twice_is_refused_before_anything_is_sent() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    for request in [
        week().metrics(["sessions", "screenPageViews", "sessions"]),
        week().dimensions(["sessions", "sessions"]),
        week().dimensions(["sessions"]).metrics([Metric::expression("sessions", "eventCount")]),
    ] {
        let error = property.run_report(&request).expect_err("twice");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "the report request has two columns named `sessions`; name each dimension and each metric once"
        );
    }
    assert_eq!((google.token_requests(), google.report_requests()), (0, 0));
    // What else is wrong with a request is Google's to say.
    property.run_report(&week()).expect_err("neither dimensions nor metrics");
    assert_eq!(google.report_requests(), 1);
}

#[test]
fn rows_that_tie_come_in_another_order_each_time() {
    let mut table = FakeTable::new(["pagePath"], ["sessions"]);
    for page in 0..30 {
        table = table.row([format!("/{page}")], [1]);
    }
    let google =
        FakeGoogle::builder().clock(ManualClock::new()).property(1234, table).start().expect("a fake");
    let property = property(&google, ANALYTICS_READONLY);
    let request = week().dimensions(["pagePath"]).metrics(["sessions"]);
    let orders: BTreeSet<Vec<String>> = (0..5)
        .map(|_| {
            let report = property.run_report(&request).expect("a report");
            report.rows::<(String, u8)>().map(|r| r.expect("fits").0).collect()
        })
        .collect();
    assert!(orders.len() > 1, "30! orders, and five times the same");
}

#[test]
fn what_the_fake_cannot_evaluate_it_refuses_loudly() {
    let mut request = week().metrics(["screenPageViews"]);
    request.metric_filter = Some(FilterExpression::equals("screenPageViews", "1"));
    let error = run(&request).expect_err("not evaluated");
    assert_eq!((error.status(), error.code()), (Some(501), Some("UNIMPLEMENTED")));
    assert_eq!(
        error.message(),
        "Analytics failed to make the report on property 1234: the fake Google cannot evaluate metricFilter"
    );
}

#[test]
fn googles_own_message_is_shown() {
    let error = run(&week().metrics(["pageviews"])).expect_err("an unknown metric");
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Api, Some(400), Some("INVALID_ARGUMENT"))
    );
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 1234: Field pageviews is not a valid metric. For a list of valid \
         dimensions and metrics, see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
    );
}

#[test]
fn account_that_is_not_on_the_property_is_told_what_to_do() {
    let google = fake();
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    let error =
        analytics.property(99).run_report(&week().metrics(["screenPageViews"])).expect_err("no access");
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Api, Some(403), Some("PERMISSION_DENIED"))
    );
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 99: User does not have sufficient permissions for this property. To learn \
         more about Property ID, see https://developers.google.com/analytics/devguides/reporting/data/v1/property-id; add \
         fake@throw-away.iam.gserviceaccount.com to property 99 as a Viewer (Google Analytics: Admin, Property access \
         management); if it is there already, check the property id"
    );
    let error = property(&google, CLOUD_PLATFORM).run_report(&week()).expect_err("no scope");
    assert_eq!(error.hint(), Some("ask the token source for the scope shortway::scope::ANALYTICS_READONLY"));
}

#[test]
fn api_that_is_switched_off_is_told_with_the_link() {
    let link = "https://console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?project=123456789012";
    let body = |link: &str| {
        json!({"error": {
            "code": 403,
            "message": "Google Analytics Data API has not been used in project 123456789012 before or it is disabled.",
            "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED",
                         "metadata": {"activationUrl": link}}],
        }})
        .to_string()
    };
    let account =
        "enable the Google Analytics Data API in the project of nightly@figures.iam.gserviceaccount.com: ";
    let error = answer(403, &body(link)).expect_err("off");
    assert_eq!(error.hint(), Some(format!("{account}{link}").as_str()));
    let error = answer(403, &body("https://evil.example/login")).expect_err("off");
    assert_eq!(
        error.hint(),
        Some(
            format!("{account}https://console.cloud.google.com/apis/library/analyticsdata.googleapis.com")
                .as_str()
        )
    );
}

#[test]
fn other_refusals_keep_their_status() {
    for (status, body, kind, retryable) in [
        (404, "<!DOCTYPE html><title>Error 404</title>", ErrorKind::Api, false),
        (
            429,
            r#"{"error": {"code": 429, "message": "Exhausted concurrent requests quota.", "status": "RESOURCE_EXHAUSTED"}}"#,
            ErrorKind::Quota,
            true,
        ),
        (500, "", ErrorKind::Unavailable, true),
        (503, "<html>", ErrorKind::Unavailable, true),
        (302, "", ErrorKind::Redirect, false),
        (400, "[]", ErrorKind::Api, false),
    ] {
        let error = answer(status, body).expect_err("a refusal");
        assert_eq!(
            (error.kind(), error.status(), error.is_retryable()),
            (kind, Some(status), retryable),
            "{body}"
        );
    }
}

#[test]
fn server_that_fails_is_not_said_to_refuse() {
    let message = |status, body: &str| answer(status, body).expect_err("no report").to_string();
    assert_eq!(
        message(502, "<html>"),
        "Analytics failed to make the report on property 1234 (HTTP status 502)"
    );
    assert_eq!(
        message(
            500,
            r#"{"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}"#
        ),
        "Analytics failed to make the report on property 1234: Internal error encountered"
    );
    assert_eq!(message(400, "[]"), "Analytics refused the report on property 1234 (HTTP status 400)");
}

#[test]
fn token_that_stays_refused_is_told_with_what_to_check() {
    let body = r#"{"error": {"code": 401, "message": "Request had invalid authentication credentials.",
                    "status": "UNAUTHENTICATED"}}"#;
    let error = answer(401, body).expect_err("a refusal");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Api, Some(1)));
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 1234: Request had invalid authentication credentials; check that the \
         token source gives access tokens with the scope shortway::scope::ANALYTICS_READONLY"
    );
}

/// A source that gives a token whenever it is asked, and two quick attempts.
fn quick(server: &Endpoint, timeout: Duration) -> Property {
    let tokens = shortway::from_fn(|| {
        Token::new(TokenKind::Access, "ya29.x", SystemTime::now() + Duration::from_secs(3600))
    });
    let mut policy = RetryPolicy::default();
    policy.attempts = 2;
    policy.base = Duration::ZERO;
    let analytics = Analytics::new(tokens).with_retry(policy).with_timeout(timeout);
    let analytics = analytics.with_endpoint(&server.url);
    analytics.expect("a client").property(1234)
}

/// Answers the first request with this, the rest with a report.
fn then_a_report(status: u16, body: &'static str) -> Endpoint {
    let asked = AtomicUsize::new(0);
    let report = columns("country", "sessions", &[("Italy", "7")]).to_string();
    Endpoint::start(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
        0 => (status, Vec::new(), body.into()),
        _ => (200, Vec::new(), report.clone().into_bytes()),
    })
}

#[test]
fn report_that_a_fault_kept_back_is_asked_for_once_more() {
    for (status, body) in [(500, ""), (503, "<html>"), (200, r#"{"rows": [{"metricValues": [{"val"#)] {
        let server = then_a_report(status, body);
        let report = quick(&server, Duration::from_secs(60)).run_report(&week()).expect("the second answer");
        assert_eq!((report.len(), server.received().len()), (1, 2), "{status} {body}");
    }
    let server = Endpoint::always(503, "");
    let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("out of order");
    assert_eq!(
        (error.kind(), error.attempts(), server.received().len()),
        (ErrorKind::Unavailable, Some(2), 2)
    );
}

#[test]
fn refusals_and_quotas_are_final() {
    for (status, body, kind) in [
        (403, "", ErrorKind::Api),
        (429, "", ErrorKind::Quota),
        (501, "", ErrorKind::Api),
        (302, "", ErrorKind::Redirect),
        (200, "<html>", ErrorKind::Schema),
    ] {
        let server = then_a_report(status, body);
        let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("final");
        assert_eq!((error.kind(), error.attempts(), server.received().len()), (kind, Some(1), 1), "{status}");
    }
}

#[test]
fn time_that_the_server_asks_for_is_kept_or_told() {
    let server = Endpoint::start(|_| (503, vec![("Retry-After", "120".into())], Vec::new()));
    let before = SystemTime::now();
    let error = quick(&server, Duration::from_secs(60)).run_report(&week()).expect_err("out of order");
    assert_eq!((error.attempts(), server.received().len()), (Some(1), 1));
    let wait = error.retry_at().expect("a time").duration_since(before).expect("later");
    assert!((119..=121).contains(&wait.as_secs()), "{wait:?}");
}

#[test]
fn error_of_the_token_source_comes_as_it_is_and_once() {
    let own = Error::new(ErrorKind::Dns, "the vault's name cannot be resolved")
        .with_hint("dig")
        .with_source(std::fmt::Error);
    let tokens = Arc::new(ScriptedSource::new().then_error(own).then_token("ya29.x"));
    let server = then_a_report(200, "{}");
    let analytics = Analytics::new(Arc::clone(&tokens)).with_endpoint(&server.url).expect("a client");
    let error = analytics.property(1234).run_report(&week()).expect_err("no token");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Dns, None));
    assert_eq!(error.to_string(), "the vault's name cannot be resolved; dig");
    assert!(error.source().is_some_and(|s| s.is::<std::fmt::Error>()));
    assert_eq!((tokens.calls(), server.received().len()), (1, 0));
    assert!(tokens.asks()[0].deadline().is_some(), "the source is told how long it may take");
}

/// Takes its time, and fails; remembers how long it was given.
#[derive(Clone)]
struct Slow {
    clock: ManualClock,
    takes: Duration,
    given: Arc<Mutex<Vec<Duration>>>,
}

impl Transport for Slow {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        self.given.lock().expect("the log").push(request.timeout);
        self.clock.advance(self.takes);
        Err(Error::new(ErrorKind::Closed, "the connection broke"))
    }
}

#[test]
fn all_attempts_and_the_token_share_one_time_limit() {
    let seconds = Duration::from_secs;
    let run = |token_takes: u64, takes: u64| {
        let clock = ManualClock::new();
        let slow = Slow { clock: clock.clone(), takes: seconds(takes), given: Arc::default() };
        let source_clock = clock.clone();
        let tokens = shortway::from_fn(move || {
            source_clock.advance(seconds(token_takes));
            Token::new(TokenKind::Access, "ya29.x", source_clock.now() + seconds(3600))
        });
        let analytics = Analytics::with_transport(tokens, slow.clone()).with_clock(clock);
        let error = analytics.with_timeout(seconds(60)).property(1234).run_report(&week()).expect_err("slow");
        let given: Vec<u64> = slow.given.lock().expect("the log").iter().map(Duration::as_secs).collect();
        (error.kind(), error.attempts(), given)
    };
    assert_eq!(run(0, 20), (ErrorKind::Closed, Some(2), vec![60, 40]));
    assert_eq!(run(5, 20), (ErrorKind::Closed, Some(2), vec![55, 30]));
    assert_eq!(run(0, 60), (ErrorKind::Closed, Some(1), vec![60]));
    assert_eq!(run(60, 0), (ErrorKind::Timeout, Some(1), vec![]));
    let none = quick(&Endpoint::always(200, "{}"), Duration::ZERO).run_report(&week()).expect_err("no time");
    assert_eq!(none.to_string(), "no time left to send the request that a token was got for");
}

#[test]
fn one_source_serves_several_clients() {
    let google = fake();
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    for _ in 0..2 {
        let analytics = Analytics::new(tokens.clone()).with_endpoint(&google.api_url()).expect("a client");
        analytics.property(1234).run_report(&week().metrics(["screenPageViews"])).expect("a report");
    }
    assert_eq!((google.token_requests(), google.report_requests()), (1, 2));
}

#[test]
fn token_that_google_refuses_is_replaced_once() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let request = week().metrics(["screenPageViews"]);
    property.run_report(&request).expect("a report");
    google.revoke_tokens();
    property.run_report(&request).expect("a report with another token");
    assert_eq!((google.token_requests(), google.report_requests()), (2, 3));
}

#[test]
fn answer_that_is_no_report_is_told_so() {
    let wrong_kind = json!({"kind": "analyticsData#runPivotReport"});
    let two_names = json!({"dimensionHeaders": [{"name": "a"}, {"name": "a"}]});
    let mut narrow = columns("d", "n", &[("x", "1")]);
    narrow["metricHeaders"] = json!([{"name": "n"}, {"name": "m"}]);
    let mut short = columns("d", "n", &[("x", "1"), ("y", "2")]);
    short["rowCount"] = json!(1);
    let mut negative = columns("d", "n", &[]);
    negative["rowCount"] = json!(-1);
    for (body, message) in [
        (wrong_kind, "it is the answer of another method"),
        (two_names, "it has two columns named `a`"),
        (narrow, "its rows and its headers have different numbers of columns"),
        (short, "it has more rows than its own row count says"),
        (negative, "its row count is negative"),
    ] {
        let error = report_of(&body).expect_err("no report");
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(error.to_string(), format!("the answer of Analytics is no report: {message}"));
    }
    for body in ["{}", "[]", " [[], [], []]", r#"{"nextThing": 1, "propertyQuota": {}}"#] {
        let error = answer(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(
            error.to_string(),
            "the answer of Analytics is no report: it has nothing of a report in it",
            "{body}"
        );
    }
    report_of(&json!({"metricHeaders": [{"name": "n"}]})).expect("headers will do");
    let error = answer(200, "7").expect_err("a number");
    assert_eq!(
        error.to_string(),
        "the answer of Analytics is no report: invalid type: integer `7`, expected a report at line 1 column 1"
    );
    let error = answer(200, r#"{"rows": [{"metricValues": [{"val"#).expect_err("cut");
    assert_eq!(error.to_string(), "the answer of Analytics is no report: it ends in the middle");
    assert!(error.is_retryable());
    let error = answer(200, "<html>").expect_err("HTML");
    assert_eq!(error.to_string(), "the answer of Analytics is no report: it is not JSON (line 1, column 1)");
}

#[test]
fn what_google_says_about_the_report_is_kept() {
    let report = report_of(&json!({
        "metadata": {
            "currencyCode": "EUR",
            "timeZone": "Europe/Warsaw",
            "dataLossFromOtherRow": true,
            "subjectToThresholding": false,
            "emptyReason": "none",
            "samplingMetadatas": [{"samplesReadCount": "5000", "samplingSpaceSize": "9007199254740993"}],
            "schemaRestrictionResponse": {"activeMetricRestrictions": [{"metricName": "purchaseRevenue"}]},
            "dataTruncationReasons": [{"dataTruncationType": "DATA_TRUNCATION_TYPE_NEW", "dataTruncationMessage": "cut"}],
            "section": "UNKNOWN_TO_US",
        },
        "propertyQuota": {"tokensPerDay": {"consumed": 1, "remaining": -1}, "newBucket": {}},
        "kind": "analyticsData#runReport",
        "nextThing": 1,
    }))
    .expect("a report");
    let metadata = report.metadata();
    assert_eq!(metadata.currency_code.as_deref(), Some("EUR"));
    assert!(metadata.data_loss_from_other_row);
    assert_eq!(metadata.subject_to_thresholding, Some(false));
    assert_eq!(metadata.sampling_metadatas[0].sampling_space_size, 9_007_199_254_740_993);
    assert_eq!(metadata.restricted_metrics, ["purchaseRevenue"]);
    assert_eq!(metadata.data_truncation_reasons[0].message.as_deref(), Some("cut"));
    let quota = report.property_quota().and_then(|q| q.tokens_per_day).expect("a quota");
    assert_eq!((quota.consumed, quota.remaining), (Some(1), Some(-1)));
}

#[test]
fn property_id_is_a_number_or_its_resource_name() {
    for text in ["1234", " 1234\n", "properties/1234"] {
        assert_eq!(text.parse::<PropertyId>().expect(text), PropertyId::from(1234));
        assert_eq!(PropertyId::try_from(text).expect(text), PropertyId::from(1234));
    }
    let analytics = Analytics::new(ScriptedSource::new());
    assert_eq!(analytics.property(1234).id(), "1234".parse().expect("an id"));
    assert_eq!(
        "properties/0".parse::<PropertyId>().expect_err("no property").to_string(),
        "\"properties/0\" is not a property id; the property id is a number: in Google Analytics open Admin, Property \
         settings, Property details; it stands at the top right"
    );
    for text in [
        "",
        "0",
        "000",
        "properties/",
        "-1",
        "+1",
        "12 34",
        "99999999999999999999",
        "G-1",
        "GTM-1",
        "ga:1234",
    ] {
        assert_eq!(text.parse::<PropertyId>().expect_err(text).kind(), ErrorKind::Config);
    }
}

#[test]
fn client_goes_only_to_https_or_loopback() {
    for url in [
        "http://analyticsdata.googleapis.com",
        "http://localhost:1",
        "https://user@example.com",
        "example.com",
    ] {
        let error = Analytics::new(ScriptedSource::new()).with_endpoint(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
