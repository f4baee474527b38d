//! The shapes that the fake Google sends, read off the wire.
#![cfg(feature = "analytics")]

use serde_json::{Value, json};
use shortway::TokenSource;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ManualClock};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A site with data on two days; the fake's clock stands at 2026-01-01.
fn fake() -> FakeGoogle {
    let table = FakeTable::new(["date", "country"], ["sessions"])
        .row(["20251225", "Italy"], [5])
        .row(["20251226", "Italy"], [7])
        .row(["20251226", "Chile"], [3]);
    FakeGoogle::builder().clock(ManualClock::new()).property(1234, table).start().expect("a fake")
}

/// The head and the body of the answer to `request`, sent with these headers.
fn post(google: &FakeGoogle, request: &Value, headers: &str) -> (String, Vec<u8>) {
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let token = tokens.token().expect("a token");
    let host = google.api_url().replace("http://", "");
    let body = request.to_string();
    let mut stream = TcpStream::connect(&host).expect("a connection");
    write!(
        stream,
        "POST /v1beta/properties/1234:runReport?prettyPrint=false HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: {}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        token.authorization_secret(),
        body.len()
    )
    .expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").expect("the end of the head") + 4;
    (String::from_utf8_lossy(&answer[..end]).to_lowercase(), answer[end..].to_vec())
}

fn report(request: &Value) -> Value {
    let (head, body) = post(&fake(), request, "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    serde_json::from_slice(&body).expect("JSON")
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
    let request = json!({"dateRanges": [{"startDate": "yesterday", "endDate": "yesterday"}], "metrics": [{"name": "sessions"}]});
    let packed = |headers: &str| post(&fake(), &request, headers).0.contains("content-encoding: gzip");
    assert!(packed("Accept-Encoding: gzip\r\nUser-Agent: nightly (gzip)\r\n"));
    assert!(!packed("Accept-Encoding: gzip\r\nUser-Agent: nightly\r\n"));
    assert!(!packed("Accept-Encoding: gzip\r\n"));
    assert!(!packed("User-Agent: nightly (gzip)\r\n"));
}

#[cfg(feature = "gzip")]
#[test]
fn client_says_gzip_twice() {
    use shortway::analytics::{Analytics, DateRange, ReportRequest};
    use std::net::TcpListener;
    use std::thread;

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let head = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        let length = stream.read(&mut head).expect("a request");
        String::from_utf8_lossy(&head[..length]).to_lowercase()
    });
    let tokens = shortway::testing::ScriptedSource::new().then_token("ya29.x");
    let analytics = Analytics::new(tokens).with_retry(shortway::RetryPolicy::NONE);
    let analytics = analytics.with_endpoint(&url).expect("a client");
    let request = ReportRequest::new().dates(DateRange::yesterday()).metrics(["sessions"]);
    analytics.property(1234).run_report(&request).expect_err("no answer");
    let head = head.join().expect("the server");
    let agent = format!("user-agent: shortway/{} (gzip)\r\n", env!("CARGO_PKG_VERSION"));
    assert!(head.contains("accept-encoding: gzip\r\n") && head.contains(&agent), "{head}");
}
