//! The Data API over rows: what a client may send, and what it gets.

use crate::client::{Answer, Connection};
use serde_json::{Value, json};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeQuota, FakeTable, Fault, ManualClock, Matching};
use shortway::{Clock, TokenSource};
use std::time::Duration;

struct Site {
    google: FakeGoogle,
    clock: ManualClock,
    token: String,
}

/// A site with data on two days; the fake's clock stands at 2026-01-01.
fn site() -> Site {
    let table = FakeTable::new(["date", "country", "hour"], ["sessions", "revenue"])
        .metric_type("revenue", "TYPE_CURRENCY")
        .row(["20251225", "Italy", "9"], [5.0, 0.1])
        .row(["20251226", "Italy", "10"], [7.0, 0.2])
        .row(["20251226", "Chile", "11"], [3.0, 0.0])
        .row(["20251226", "(not set)", "late"], [1.0, 0.0]);
    let clock = ManualClock::new();
    let builder = FakeGoogle::builder().clock(clock.clone()).property(1234, table);
    let google = builder.token_lifetime(Duration::from_secs(7200)).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build()
        .expect("a source");
    let token = tokens.token().expect("a token").authorization_secret().to_owned();
    Site { google, clock, token }
}

impl Site {
    fn post(&self, target: &str, body: &Value) -> Answer {
        let (body, token) = (body.to_string(), &self.token);
        let mut connection = Connection::to(&self.google);
        let head =
            format!("POST {target} HTTP/1.1\r\nAuthorization: {token}\r\nContent-Length: {}", body.len());
        connection.send(format!("{head}\r\n\r\n{body}").as_bytes());
        connection.answer()
    }

    fn get(&self, target: &str) -> Answer {
        let mut connection = Connection::to(&self.google);
        connection.send(format!("GET {target} HTTP/1.1\r\nAuthorization: {}\r\n\r\n", self.token).as_bytes());
        connection.answer()
    }

    /// A report on sessions by country, with these fields too.
    fn report(&self, more: Value) -> Answer {
        self.post("/v1beta/properties/1234:runReport", &request(more))
    }

    /// The countries that a filter lets through, in their order.
    fn countries(&self, filter: &str, field: Value) -> Result<Vec<String>, (u16, String)> {
        let answer =
            self.report(json!({filter: field, "orderBys": [{"dimension": {"dimensionName": "country"}}]}));
        let json = answer.json();
        if answer.status != 200 {
            return Err((answer.status, json["error"]["message"].as_str().unwrap_or_default().to_owned()));
        }
        let rows = json["rows"].as_array().cloned().unwrap_or_default();
        let text = |row: &Value| row["dimensionValues"][0]["value"].as_str().unwrap_or_default().to_owned();
        Ok(rows.iter().map(text).collect())
    }
}

fn request(more: Value) -> Value {
    let mut request = json!({
        "dateRanges": [{"startDate": "2025-12-01", "endDate": "2025-12-31"}],
        "dimensions": [{"name": "country"}],
        "metrics": [{"name": "sessions"}],
    });
    let Value::Object(more) = more else { panic!("an object") };
    request.as_object_mut().expect("an object").extend(more);
    request
}

#[test]
fn every_filter_of_a_dimension_is_evaluated() {
    let site = site();
    let all = ["(not set)", "Chile", "Italy"];
    let test = |field: &str, kind: &str, test: Value| json!({"filter": {"fieldName": field, kind: test}});
    let text = |field: &str, value: Value| test(field, "stringFilter", value);
    let group = |kind: &str, parts: [Value; 2]| json!({kind: {"expressions": parts}});
    let over_ten = json!({"operation": "GREATER_THAN", "value": {"int64Value": "10"}});
    let nine_to_ten = json!({"from_value": {"doubleValue": 9}, "to_value": {"int64_value": 10}});
    let is = |field: &str, value: &str| text(field, json!({"value": value}));
    let cases: Vec<(Value, &[&str])> = vec![
        (text("country", json!({"value": "ITALY"})), &all[2..]),
        (text("country", json!({"value": "ITALY", "caseSensitive": true})), &[]),
        (text("country", json!({"matchType": "BEGINS_WITH", "value": "ch"})), &all[1..2]),
        (text("country", json!({"matchType": "ENDS_WITH", "value": "ly"})), &all[2..]),
        (text("country", json!({"matchType": 4, "value": "il"})), &all[1..2]),
        (text("country", json!({"matchType": "FULL_REGEXP", "value": "i.+y|C"})), &all[2..]),
        (text("country", json!({"matchType": 6, "value": "i.+y|C"})), &all[1..]),
        (text("country", json!({"matchType": "PARTIAL_REGEXP", "value": "^c", "caseSensitive": true})), &[]),
        (test("country", "inListFilter", json!({"values": ["italy", "x"]})), &all[2..]),
        (test("country", "emptyFilter", json!({})), &all[..1]),
        (test("hour", "numericFilter", over_ten), &all[1..2]),
        (json!({"filter": {"field_name": "hour", "between_filter": nine_to_ten}}), &all[2..]),
        (json!({"notExpression": is("country", "Italy")}), &all[..2]),
        (group("orGroup", [is("country", "Italy"), is("country", "Chile")]), &all[1..]),
        (group("andGroup", [is("country", "Italy"), is("hour", "9")]), &all[2..]),
    ];
    for (filter, expected) in cases {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(site.countries("dimensionFilter", filter.clone()), Ok(expected), "{filter}");
    }
}

#[test]
fn filter_of_metrics_is_evaluated_after_the_sums_also_for_one_that_is_not_requested() {
    let site = site();
    let number = |field: &str, operation: Value, value: Value| {
        let test = json!({"operation": operation, "value": value});
        json!({"filter": {"fieldName": field, "numericFilter": test}})
    };
    let cases: Vec<(Value, &[&str])> = vec![
        (number("sessions", json!("EQUAL"), json!({"int64Value": "12"})), &["Italy"]),
        (number("sessions", json!("LESS_THAN"), json!({"int64Value": 3})), &["(not set)"]),
        (number("sessions", json!(3), json!({"doubleValue": 3.0})), &["(not set)", "Chile"]),
        (number("sessions", json!("GREATER_THAN_OR_EQUAL"), json!({"int64Value": "3"})), &["Chile", "Italy"]),
        (number("revenue", json!("GREATER_THAN"), json!({"doubleValue": 0.25})), &["Italy"]),
    ];
    for (filter, expected) in cases {
        let expected = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(site.countries("metricFilter", filter.clone()), Ok(expected), "{filter}");
    }
}

#[test]
fn filter_that_says_nothing_or_the_wrong_thing_is_refused() {
    let site = site();
    let wrong = [
        (
            "dimensionFilter",
            json!({"andGroup": {"expressions": []}}),
            "A FilterExpressionList must have expressions.",
        ),
        (
            "dimensionFilter",
            json!({"filter": {"fieldName": "country"}}),
            "The filter of country must have one test.",
        ),
        (
            "dimensionFilter",
            json!({"filter": {"fieldName": "country", "emptyFilter": {}, "inListFilter": {"values": ["x"]}}}),
            "The filter of country must have one test.",
        ),
        (
            "dimensionFilter",
            json!({"filter": {"fieldName": "country", "inListFilter": {}}}),
            "An inListFilter must have values.",
        ),
        (
            "dimensionFilter",
            json!({"filter": {"fieldName": "country", "stringFilter": {"matchType": "FULL_REGEXP", "value": "("}}}),
            "The regular expression ( is invalid.",
        ),
        (
            "dimensionFilter",
            json!({"filter": {"fieldName": "country", "stringFilter": {"matchType": 7, "value": "x"}}}),
            "Invalid value at 'match_type': 7",
        ),
        (
            "metricFilter",
            json!({"filter": {"fieldName": "sessions", "stringFilter": {"value": "7"}}}),
            "sessions is a metric: compare it to numbers.",
        ),
        (
            "metricFilter",
            json!({"filter": {"fieldName": "sessions", "numericFilter": {"value": {"int64Value": "7"}}}}),
            "A numericFilter must have an operation.",
        ),
    ];
    for (filter, field, message) in wrong {
        assert_eq!(site.countries(filter, field), Err((400, message.into())));
    }
    let unknown =
        site.countries("metricFilter", json!({"filter": {"fieldName": "planet", "emptyFilter": {}}}));
    let (status, message) = unknown.expect_err("an unknown metric");
    assert!(status == 400 && message.starts_with("Field planet is not a valid metric."), "{message}");
}

#[test]
fn numbers_have_the_digits_that_recorded_answers_have() {
    let site = site();
    let report = site.report(json!({"metrics": [{"name": "revenue"}], "dimensions": []})).json();
    assert_eq!(report["rows"][0]["metricValues"][0]["value"], "0.30000000000000004");
    assert_eq!(report["metricHeaders"][0]["type"], "TYPE_CURRENCY");
}

#[test]
fn enums_are_numbers_for_a_client_that_asks_for_them() {
    let site = site();
    let encoding = "%24alt=json%3Benum-encoding%3Dint";
    let report = site.post(&format!("/v1beta/properties/1234:runReport?{encoding}"), &request(json!({})));
    assert_eq!(report.json()["metricHeaders"][0]["type"], 1);
    let fields =
        site.post(&format!("/v1beta/properties/1234:checkCompatibility?{encoding}"), &json!({})).json();
    assert_eq!(fields["dimensionCompatibilities"][0]["compatibility"], 1);
    assert_eq!(fields["metricCompatibilities"][1]["metricMetadata"]["type"], 9);
}

#[test]
fn parameter_that_no_method_has_is_refused() {
    let site = site();
    let said = |query: &str| {
        let answer = site.get(&format!("/v1beta/properties/1234/metadata?{query}"));
        (answer.status, answer.json()["error"]["message"].clone())
    };
    let unknown = "Invalid JSON payload received. Unknown name \"page\": Cannot bind query parameter. Field 'page' could not be \
                   found in request message.";
    assert_eq!(said("page=1"), (400, json!(unknown)));
    assert_eq!(
        said("fields=name"),
        (501, json!("the fake Google cannot evaluate the parameter fields=name"))
    );
    assert_eq!(said("prettyPrint=false&key=x&quotaUser=y&alt=json"), (200, Value::Null));
}

#[test]
fn null_is_nothing_and_fields_may_have_the_names_of_protobuf() {
    let site = site();
    let given = json!({
        "date_ranges": [{"start_date": "2025-12-25", "end_date": "2025-12-25", "name": null}],
        "dimensions": null,
        "metrics": [{"name": "sessions"}],
        "return_property_quota": true,
        "property": "properties/1234",
    });
    let report = site.post("/v1beta/properties/1234:runReport", &given).json();
    assert_eq!(report["rows"], json!([{"metricValues": [{"value": "5"}]}]));
    let other = site.report(json!({"property": "properties/99"})).json();
    assert_eq!(other["error"]["message"], "The property properties/99 is not that of the path.");
    let batch = json!({"requests": [request(json!({"property": "properties/99"}))]});
    assert_eq!(site.post("/v1beta/properties/1234:batchRunReports", &batch).status, 400);
}

#[test]
fn quota_runs_out_and_is_full_again_in_the_next_hour() {
    let site = site();
    site.google.set_quota(1234, FakeQuota::TokensPerProjectPerHour, 1);
    let quota = |answer: &Answer| answer.json()["propertyQuota"]["tokensPerProjectPerHour"].clone();
    let first = site.report(json!({"returnPropertyQuota": true}));
    assert_eq!(quota(&first), json!({"consumed": 1, "remaining": 0}));
    let error = json!({
        "code": 429,
        "message": "Exhausted property tokens for a project per hour.",
        "status": "RESOURCE_EXHAUSTED",
    });
    let second = site.report(json!({}));
    assert_eq!((second.status, second.json()), (429, json!({"error": error})));
    assert_eq!(second.header("retry-after"), None);
    // The quotas can still be looked at; v1alpha leaves zeros out.
    let snapshot = site.get("/v1alpha/properties/1234/propertyQuotasSnapshot").json();
    assert_eq!(snapshot["corePropertyQuota"]["tokensPerProjectPerHour"], json!({}));
    assert_eq!(snapshot["corePropertyQuota"]["concurrentRequests"], json!({"remaining": 10}));
    let seconds = site.clock.now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    site.clock.advance(Duration::from_secs(3600 - seconds % 3600 - 1));
    assert_eq!(site.report(json!({})).status, 429);
    site.clock.advance(Duration::from_secs(1));
    let third = site.report(json!({"returnPropertyQuota": true}));
    assert_eq!(quota(&third), json!({"consumed": 1, "remaining": 13_999}));
}

#[test]
fn server_errors_are_counted_against_the_property() {
    let site = site();
    site.google.set_quota(1234, FakeQuota::ServerErrorsPerProjectPerHour, 2);
    site.google.fault(Fault::status(503).on(Matching::api()).times(2));
    let statuses: Vec<u16> = (0..3).map(|_| site.report(json!({})).status).collect();
    assert_eq!(statuses, [503, 503, 429]);
}

#[test]
fn pivot_has_the_aggregates_of_its_columns() {
    let site = site();
    let report = |first: &str, aggregations: Value| {
        let ranges = json!([
            {"startDate": "2025-12-25", "endDate": "2025-12-25", "name": "before"},
            {"startDate": "2025-12-26", "endDate": "2025-12-26"},
        ]);
        let request = request(json!({
            "dateRanges": ranges,
            "pivots": [
                {"fieldNames": ["country"], "limit": "10", "orderBys": [{"dimension": {"dimensionName": "country"}}]},
                {"fieldNames": [first], "limit": "10", "metricAggregations": aggregations},
            ],
        }));
        site.post("/v1beta/properties/1234:runPivotReport", &request)
    };
    let answer = report("dateRange", json!(["TOTAL", "MAXIMUM"])).json();
    assert_eq!(answer["dimensionHeaders"], json!([{"name": "country"}, {"name": "dateRange"}]));
    let row = |country: &str, range: &str, sessions: &str| json!({"dimensionValues": [{"value": country}, {"value": range}], "metricValues": [{"value": sessions}]});
    let aggregates = [
        row("(not set)", "RESERVED_TOTAL", "1"),
        row("Chile", "RESERVED_TOTAL", "3"),
        row("Italy", "RESERVED_TOTAL", "12"),
        row("(not set)", "RESERVED_MAX", "1"),
        row("Chile", "RESERVED_MAX", "3"),
        row("Italy", "RESERVED_MAX", "7"),
    ];
    assert_eq!(answer["aggregates"], json!(aggregates));
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(4));
    assert_eq!(report("date", json!([])).status, 400);
    let count = report("dateRange", json!(["COUNT"]));
    assert_eq!(
        (count.status, &count.json()["error"]["message"]),
        (501, &json!("the fake Google cannot evaluate the aggregation COUNT of a pivot"))
    );
}

#[test]
fn what_is_no_path_of_the_api_is_a_page_of_html() {
    let site = site();
    for target in ["/v1beta/properties/1234:runFunnelReport", "/v1beta/properties/1234/metadata"] {
        let answer = site.post(target, &json!({}));
        assert_eq!((answer.status, answer.header("content-type")), (404, Some("text/html; charset=UTF-8")));
    }
}
