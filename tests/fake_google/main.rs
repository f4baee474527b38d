//! The shapes that the fake Google sends, read off the wire.
#![cfg(feature = "analytics")]

mod client;
mod faults;
mod reports;
mod tables;
mod tokens;
mod wire;

use client::{Answer, Connection};
use serde_json::{Value, json};
use shortway::TokenSource;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ManualClock};
#[cfg(feature = "gzip")]
use shortway::testing::{Fault, Matching};

/// A site with data on two days; the fake's clock stands at 2026-01-01.
fn fake() -> FakeGoogle {
    let table = FakeTable::new(["date", "country"], ["sessions"])
        .row(["20251225", "Italy"], [5])
        .row(["20251226", "Italy"], [7])
        .row(["20251226", "Chile"], [3]);
    FakeGoogle::builder().clock(ManualClock::new()).property(1234, table).start().expect("a fake")
}

/// The answer to `request`, sent with these headers.
fn post(google: &FakeGoogle, request: &Value, headers: &str) -> Answer {
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let token = tokens.token().expect("a token");
    let (token, body) = (token.authorization_secret(), request.to_string());
    let mut connection = Connection::to(google);
    let head =
        format!("POST /v1beta/properties/1234:runReport HTTP/1.1\r\nAuthorization: {token}\r\n{headers}");
    connection.send(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    connection.answer()
}

fn report(request: &Value) -> Value {
    let answer = post(&fake(), request, "");
    assert_eq!(answer.status, 200);
    answer.json()
}

/// Totals, maximums and minimums of sessions by country over these ranges of days.
fn aggregates(ranges: &[[&str; 2]]) -> Value {
    let ranges: Vec<Value> =
        ranges.iter().map(|[first, last]| json!({"startDate": first, "endDate": last})).collect();
    report(&json!({
        "dateRanges": ranges,
        "dimensions": [{"name": "country"}],
        "metrics": [{"name": "sessions"}],
        "metricAggregations": ["TOTAL", "MAXIMUM", "MINIMUM"],
    }))
}

fn aggregate(word: &str, range: &str, sessions: &str) -> Value {
    json!({"dimensionValues": [{"value": word}, {"value": range}], "metricValues": [{"value": sessions}]})
}

const CHRISTMAS: [&str; 2] = ["2025-12-25", "2025-12-25"];
const BOXING_DAY: [&str; 2] = ["2025-12-26", "2025-12-26"];
const SUMMER: [&str; 2] = ["2025-06-01", "2025-06-30"];

#[test]
fn empty_report_has_one_empty_object_for_each_aggregate() {
    let empty = aggregates(&[SUMMER]);
    for key in ["totals", "maximums", "minimums"] {
        assert_eq!(empty[key], json!([{}]), "{key}");
    }
    assert_eq!((empty.get("rows"), empty.get("rowCount")), (None, None));
}

#[test]
fn range_without_data_has_an_empty_object_among_the_others() {
    let half = aggregates(&[SUMMER, BOXING_DAY]);
    assert_eq!(half["totals"], json!([{}, aggregate("RESERVED_TOTAL", "date_range_1", "10")]));
    assert_eq!(half["maximums"], json!([{}, aggregate("RESERVED_MAX", "date_range_1", "7")]));
    assert_eq!(half["minimums"], json!([{}, aggregate("RESERVED_MIN", "date_range_1", "3")]));
}

#[test]
fn row_of_several_ranges_is_counted_once() {
    let both = aggregates(&[CHRISTMAS, BOXING_DAY]);
    assert_eq!((both["rows"].as_array().map(Vec::len), &both["rowCount"]), (Some(3), &json!(2)));
}

#[test]
fn keys_that_nobody_knows_are_sent() {
    let report = aggregates(&[CHRISTMAS]);
    assert_eq!(report["metadata"]["section"], "REPORT");
    assert!(report["futureField"].is_object());
}

#[cfg(feature = "gzip")]
#[test]
fn answer_is_packed_only_for_a_client_that_says_gzip_twice() {
    let range = json!({"startDate": "yesterday", "endDate": "yesterday"});
    let request = json!({"dateRanges": [range], "metrics": [{"name": "sessions"}]});
    let packed = |headers: &str| post(&fake(), &request, headers).header("Content-Encoding") == Some("gzip");
    assert!(packed("Accept-Encoding: gzip\r\nUser-Agent: nightly (gzip)\r\n"));
    assert!(!packed("Accept-Encoding: gzip\r\nUser-Agent: nightly\r\n"));
    assert!(!packed("Accept-Encoding: gzip\r\n"));
    assert!(!packed("User-Agent: nightly (gzip)\r\n"));
}

#[cfg(feature = "gzip")]
#[test]
fn client_says_gzip_twice() {
    use shortway::analytics::{Analytics, DateRange, ReportRequest};

    let google = FakeGoogle::playing(Fault::status(500)).expect("a fake");
    let tokens = shortway::testing::ScriptedSource::new().then_token("ya29.x");
    let analytics = Analytics::new(tokens).with_retry(shortway::RetryPolicy::NONE);
    let analytics = analytics.with_endpoint(&google.api_url()).expect("a client");
    let request = ReportRequest::new().dates(DateRange::yesterday()).metrics(["sessions"]);
    analytics.property(1234).run_report(&request).expect_err("no answer");
    let agent = format!("shortway/{} (gzip)", env!("CARGO_PKG_VERSION"));
    google.assert_requests(&Matching::api().header("Accept-Encoding", "gzip").header("User-Agent", agent), 1);
}
