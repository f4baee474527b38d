//! Requests: what is sent, and what is refused before.

use crate::{fake, property, run, week};
use serde_json::{Value, json};
use shortway::ErrorKind;
use shortway::analytics::{FilterExpression, Metric, MetricAggregation, NumericValue};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ManualClock};
use std::collections::BTreeSet;

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
