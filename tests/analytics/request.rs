//! Requests: what is sent, and what is refused before.

use crate::{fake, property, run, week};
use serde_json::{Value, json};
use shortway::ErrorKind;
use shortway::analytics::{
    DateRange, FilterExpression, MatchType, Metric, MetricAggregation, NumericOperation, NumericValue,
    OrderBy, OrderType, ReportRequest,
};
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
        .dimension_filter(
            FilterExpression::equals("country", "italy").or(FilterExpression::in_list("country", ["Chile"])),
        )
        .dimension_filter(!FilterExpression::equals("pagePath", "/about"));
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
        .dimension_filter(FilterExpression::contains("pagePath", "blog"))
        .dimension_filter(FilterExpression::begins_with("country", "It"))
        .metric_filter(FilterExpression::greater_than("screenPageViews", 10))
        .metric_filter(FilterExpression::less_than("eventCount", 2.5))
        .metric_filter(!FilterExpression::between("sessions", 1, 2.0))
        .metric_aggregations([MetricAggregation::Minimum])
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
fn date_ranges_of_one_name_are_refused_before_anything_is_sent() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let range = || DateRange::last_days(7);
    for (ranges, name) in [
        ([range().named("a"), range().named("a")], "a"),
        ([range().named("date_range_1"), range()], "date_range_1"),
    ] {
        let [first, second] = ranges;
        let request = ReportRequest::new().dates(first).dates(second).metrics(["screenPageViews"]);
        let error = property.run_report(&request).expect_err("twice");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            format!(
                "the report request has two date ranges named `{name}`; give each range a name of its own, or none"
            )
        );
    }
    assert_eq!((google.token_requests(), google.report_requests()), (0, 0));
}

#[test]
fn number_that_cannot_be_sent_is_refused_before_anything_is_sent() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let bad = [
        (NumericValue::from(f64::NAN), "NaN"),
        (NumericValue::from(f32::INFINITY), "inf"),
        (NumericValue::from(u64::MAX), "18446744073709551615"),
    ];
    for (number, shown) in bad {
        let filters = [
            FilterExpression::greater_than("sessions", number),
            FilterExpression::between("sessions", 1, number),
            !FilterExpression::between("sessions", number, 1),
            FilterExpression::less_than("a", 1).and(FilterExpression::less_than("sessions", number)),
        ];
        for filter in filters {
            for request in [week().metric_filter(filter.clone()), week().dimension_filter(filter)] {
                let error = property.run_report(&request).expect_err(shown);
                assert_eq!(error.kind(), ErrorKind::Config);
                assert_eq!(
                    error.to_string(),
                    format!(
                        "the filter of `sessions` compares with {shown}, which cannot be sent; give a finite number, \
                         or an integer that fits an i64"
                    )
                );
            }
        }
    }
    assert_eq!((google.token_requests(), google.report_requests()), (0, 0));
}

#[test]
fn numbers_of_every_type_are_sent_without_loss() {
    let json = |number: NumericValue| serde_json::to_string(&number).expect("JSON");
    for (number, text) in [
        (NumericValue::from(-8_i8), r#"{"int64Value":"-8"}"#),
        (NumericValue::from(16_i16), r#"{"int64Value":"16"}"#),
        (NumericValue::from(7), r#"{"int64Value":"7"}"#),
        (NumericValue::from(i64::MIN), r#"{"int64Value":"-9223372036854775808"}"#),
        (NumericValue::from(8_u8), r#"{"int64Value":"8"}"#),
        (NumericValue::from(16_u16), r#"{"int64Value":"16"}"#),
        (NumericValue::from(32_u32), r#"{"int64Value":"32"}"#),
        (NumericValue::from(i64::MAX as u64), r#"{"int64Value":"9223372036854775807"}"#),
        (NumericValue::from(9_usize), r#"{"int64Value":"9"}"#),
        (NumericValue::from(0.5_f32), r#"{"doubleValue":0.5}"#),
        (NumericValue::from(0.1), r#"{"doubleValue":0.1}"#),
    ] {
        assert_eq!(json(number), text);
    }
}

#[test]
fn every_field_has_a_setter_of_its_name() {
    let request = ReportRequest::default()
        .dates(DateRange::yesterday())
        .dimension_filter(FilterExpression::in_list("country", ["Italy"]).case_sensitive())
        .metric_filter(FilterExpression::number("sessions", NumericOperation::Equal, 1_u32))
        .order_by(OrderBy::dimension("hour").order_type(OrderType::Numeric))
        .currency_code("EUR")
        .keep_empty_rows(true)
        .return_property_quota(true);
    assert_eq!(
        serde_json::to_value(&request).expect("JSON"),
        json!({
            "dateRanges": [{"startDate": "yesterday", "endDate": "yesterday"}],
            "dimensionFilter": {"filter": {"fieldName": "country", "inListFilter": {"values": ["Italy"], "caseSensitive": true}}},
            "metricFilter": {"filter": {"fieldName": "sessions", "numericFilter": {"operation": "EQUAL", "value": {"int64Value": "1"}}}},
            "orderBys": [{"dimension": {"dimensionName": "hour", "orderType": "NUMERIC"}}],
            "currencyCode": "EUR",
            "keepEmptyRows": true,
            "returnPropertyQuota": true,
        })
    );
    let both = FilterExpression::text("a", MatchType::PartialRegexp, "x").or(!FilterExpression::empty("b"));
    assert_eq!(
        serde_json::to_value(both.case_sensitive()).expect("JSON"),
        json!({"orGroup": {"expressions": [
            {"filter": {"fieldName": "a", "stringFilter": {"matchType": "PARTIAL_REGEXP", "value": "x", "caseSensitive": true}}},
            {"notExpression": {"filter": {"fieldName": "b", "emptyFilter": {}}}},
        ]}})
    );
}
