//! Requests: what is sent, and what is refused before.

use crate::{fake, property, run, week};
use serde_json::{Value, json};
use shortway::ErrorKind;
use shortway::analytics::{
    Cohort, CohortSpec, Comparison, DateRange, Dimension, FilterExpression, Granularity, MatchType, Metric,
    MetricAggregation, NumericOperation, NumericValue, OrderBy, OrderType, ReportRequest,
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
            "returnPropertyQuota": true,
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
    let request = week().metrics(["screenPageViews"]).currency_code("EUR");
    let error = run(&request).expect_err("not evaluated");
    assert_eq!((error.status(), error.code()), (Some(501), Some("UNIMPLEMENTED")));
    assert_eq!(
        error.message(),
        "Analytics failed to make the report on property 1234: the fake Google cannot evaluate currencyCode"
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

/// The JSON that would be sent.
fn effective(request: &ReportRequest) -> Value {
    serde_json::from_str(&request.effective().expect("a request")).expect("JSON")
}

#[test]
fn cohorts_comparisons_and_expressions_are_googles_json() {
    let cohort = Cohort::new(DateRange::new("2026-01-04", "2026-01-10"));
    let spec = CohortSpec::new([cohort.clone().named("first"), cohort], Granularity::Weekly, 4);
    let request = ReportRequest::default()
        .dimensions(["cohort"])
        .dimensions([
            Dimension::lower_case("small", "city"),
            Dimension::upper_case("large", "city"),
            Dimension::concatenate("place", ["country", "city"], ", "),
            Dimension::concatenate("bare", ["country", "city"], ""),
        ])
        .metrics(["cohortActiveUsers"])
        .order_by(OrderBy::pivot("cohortActiveUsers", [("cohort", "first")]))
        .cohort_spec(spec.start_offset(1).accumulate(true))
        .comparisons([
            Comparison::of(FilterExpression::equals("platform", "web")).named("web"),
            Comparison::saved("comparisons/1"),
        ]);
    let days = json!({"startDate": "2026-01-04", "endDate": "2026-01-10"});
    assert_eq!(
        effective(&request),
        json!({
            "dimensions": [
                {"name": "cohort"},
                {"name": "small", "dimensionExpression": {"lowerCase": {"dimensionName": "city"}}},
                {"name": "large", "dimensionExpression": {"upperCase": {"dimensionName": "city"}}},
                {"name": "place", "dimensionExpression":
                    {"concatenate": {"dimensionNames": ["country", "city"], "delimiter": ", "}}},
                {"name": "bare", "dimensionExpression": {"concatenate": {"dimensionNames": ["country", "city"]}}},
            ],
            "metrics": [{"name": "cohortActiveUsers"}],
            "orderBys": [{"pivot": {"metricName": "cohortActiveUsers", "pivotSelections":
                [{"dimensionName": "cohort", "dimensionValue": "first"}]}}],
            "cohortSpec": {
                "cohorts": [
                    {"name": "first", "dimension": "firstSessionDate", "dateRange": days},
                    {"dimension": "firstSessionDate", "dateRange": days},
                ],
                "cohortsRange": {"granularity": "WEEKLY", "startOffset": 1, "endOffset": 4},
                "cohortReportSettings": {"accumulate": true},
            },
            "comparisons": [
                {"name": "web", "dimensionFilter": {"filter": {"fieldName": "platform",
                    "stringFilter": {"matchType": "EXACT", "value": "web"}}}},
                {"comparison": "comparisons/1"},
            ],
        })
    );
}

#[test]
fn expressions_of_dimensions_are_columns_of_the_report() {
    let request = week().dimensions([Dimension::concatenate("place", ["country", "pagePath"], " ")]);
    let report = run(&request.dimensions([Dimension::lower_case("land", "country")])).expect("a report");
    let rows: BTreeSet<(String, String)> = report.rows().map(|row| row.expect("fits")).collect();
    assert!(rows.contains(&("Chile /about".into(), "chile".into())), "{rows:?}");
}

#[test]
fn extra_field_is_sent_and_refused_where_it_cannot_be() {
    let request = week().metrics(["sessions"]).extra("newField", json!({"a": [1, "x"]}));
    assert_eq!(effective(&request)["newField"], json!({"a": [1, "x"]}));
    for (request, message) in [
        (week().extra("x", f64::NAN), "the extra field `x` of the report request has no JSON value"),
        (
            week().extra("x", json!([{"a": null}])),
            "the extra field `x` of the report request has no JSON value",
        ),
        (
            week().extra("dateRanges", 1),
            "the extra field `dateRanges` of the report request is there already",
        ),
    ] {
        let error = request.effective().expect_err(message);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, message));
    }
}

#[test]
fn filter_that_is_empty_or_of_the_wrong_kind_is_refused_before_anything_is_sent() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let base = || week().dimensions(["country"]).metrics(["sessions"]);
    let mut group = FilterExpression::equals("a", "x").and(FilterExpression::equals("b", "y"));
    if let FilterExpression::AndGroup { expressions, .. } = &mut group {
        expressions.clear();
    }
    let none: [&str; 0] = [];
    for (request, message) in [
        (
            base().dimension_filter(!group.clone()),
            "a filter is a group without parts; put at least one filter into the \
         group, or leave it out",
        ),
        (
            base().dimension_filter(FilterExpression::in_list("country", none)),
            "the filter of `country` is a list without \
         values; put at least one value into the list, or leave the filter out",
        ),
        (
            base().dimension_filter(FilterExpression::greater_than("sessions", 1)),
            "the filter of dimensions names the \
         metric `sessions`; give it to metric_filter",
        ),
        (
            base().metric_filter(FilterExpression::empty("country")),
            "the filter of metrics names the dimension `country`; \
         give it to dimension_filter",
        ),
        (
            base().metric_filter(FilterExpression::equals("users", "1")),
            "the filter of metrics compares `users` with text; \
         compare a metric with a number, or give a filter of a dimension to dimension_filter",
        ),
        (
            base().comparisons([Comparison::of(group)]),
            "a filter is a group without parts; put at least one filter into \
         the group, or leave it out",
        ),
    ] {
        let error = property.run_report(&request).expect_err(message);
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Config, message.to_owned()));
    }
    assert_eq!((google.token_requests(), google.report_requests()), (0, 0));
}

#[test]
fn filters_are_put_together_with_operators() {
    let (a, b) = (FilterExpression::full_regexp("a", "x"), FilterExpression::ends_with("b", "y"));
    assert_eq!(a.clone() & b.clone(), a.clone().and(b.clone()));
    assert_eq!(a.clone() | !b.clone(), a.clone().or(!b.clone()));
    assert_eq!(!!a.clone(), a);
}

#[test]
fn range_looks_back_in_the_words_it_has() {
    let back = |start: &str, days| DateRange::new(start, "today").look_back(days).start_date;
    for (start, days, earlier) in [
        ("today", 3, "3daysAgo"),
        ("yesterday", 3, "4daysAgo"),
        ("30daysAgo", 3, "33daysAgo"),
        ("2026-03-01", 1, "2026-02-28"),
        ("today", 0, "0daysAgo"),
        ("soon", 3, "soon"),
        ("2026-13-01", 3, "2026-13-01"),
    ] {
        assert_eq!(back(start, days), earlier);
    }
}
