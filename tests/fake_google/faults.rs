//! Faults on demand, and what a test learns of the requests.

use crate::client::{Answer, Connection, request};
use serde_json::json;
use shortway::testing::{FakeGoogle, Fault, Matching, TokenRefusal};
use std::io::ErrorKind;
use std::time::Duration;

const REPORT: &str = "/v1beta/properties/1:runReport?prettyPrint=false";

/// A long time: a test that waits for it fails by the clock of its runner.
const HOUR: Duration = Duration::from_secs(3600);

fn fake() -> FakeGoogle {
    FakeGoogle::builder().start().expect("a fake")
}

fn post(google: &FakeGoogle, target: &str, body: &str) -> Answer {
    let mut connection = Connection::to(google);
    connection.send(&request("POST", target, body));
    connection.answer()
}

#[test]
fn next_requests_that_match_get_the_status_and_the_others_do_not() {
    let google = fake();
    google.fault(Fault::status(503).header("Retry-After", "7").on(Matching::api()).times(2));
    assert_eq!(post(&google, "/token", "").status, 400);
    for _ in 0..2 {
        let answer = post(&google, REPORT, "{}");
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("7")));
        let error = json!({"code": 503, "message": "A fault on demand.", "status": "UNAVAILABLE"});
        assert_eq!(answer.json(), json!({"error": error}));
    }
    assert_eq!(post(&google, REPORT, "{}").status, 401);
}

#[test]
fn status_of_the_token_endpoint_is_worded_as_oauth_does() {
    let google = fake();
    google.fault(Fault::status(500));
    let answer = post(&google, "/token?prettyPrint=false", "");
    assert_eq!(answer.json(), json!({"error": "internal_failure", "error_description": "a fault on demand"}));
}

#[test]
fn page_of_html_and_redirect_are_googles_front_end() {
    let google = fake();
    google.fault(Fault::html(502));
    google.fault(Fault::redirect("https://elsewhere.invalid/"));
    let (page, redirect) = (post(&google, REPORT, "{}"), post(&google, REPORT, "{}"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=UTF-8"));
    assert_eq!(page.body, b"<!DOCTYPE html><title>Error 502 (Bad Gateway)!!1</title>");
    assert_eq!((redirect.status, redirect.header("location")), (302, Some("https://elsewhere.invalid/")));
}

#[test]
fn every_refusal_of_the_token_endpoint_can_be_demanded() {
    let google = fake();
    for refusal in TokenRefusal::ALL {
        google.fault(Fault::token_refusal(refusal));
        let answer = post(&google, "/token", "");
        let (status, code, description) = refusal.words();
        let document = json!({"error": code, "error_description": description});
        assert_eq!((answer.status, answer.json()), (status, document), "{refusal:?}");
    }
}

#[test]
fn reset_comes_instead_of_an_answer() {
    let google = fake();
    google.fault(Fault::reset().times(2));
    for body in ["", "{}"] {
        let mut connection = Connection::to(&google);
        connection.send(&request("POST", REPORT, body));
        assert_eq!(connection.rest(), Err(ErrorKind::ConnectionReset));
    }
    assert_eq!(google.report_requests(), 2);
}

#[test]
fn truncated_answer_ends_in_the_middle_of_its_body() {
    let google = fake();
    let whole = post(&google, REPORT, "{}").body;
    google.fault(Fault::truncated());
    let mut connection = Connection::to(&google);
    connection.send(&request("POST", REPORT, "{}"));
    let head = connection.head().expect("a head");
    assert!(head.contains(&format!("Content-Length: {}\r\n", whole.len())), "{head}");
    assert_eq!(connection.rest(), Ok(whole[..whole.len() / 2].to_vec()));
}

#[test]
fn dripping_answer_is_the_good_one() {
    let google = fake();
    let whole = post(&google, REPORT, "{}").body;
    google.fault(Fault::drip(Duration::from_micros(1)));
    assert_eq!(post(&google, REPORT, "{}").body, whole);
}

#[test]
fn wrong_length_lies_on_a_connection_that_stays_open() {
    let google = fake();
    let whole = post(&google, REPORT, "{}").body;
    google.fault(Fault::wrong_length(-3));
    let mut connection = Connection::to(&google);
    connection.send(&request("POST", REPORT, "{}"));
    assert_eq!(connection.answer().body, whole[..whole.len() - 3]);
    connection.send(&request("GET", "/", ""));
    let head = connection.head().expect("the rest and a head");
    assert!(head.starts_with(&format!("{}HTTP/1.1 404", String::from_utf8_lossy(&whole[whole.len() - 3..]))));
    google.fault(Fault::wrong_length(1));
    let mut connection = Connection::to(&google);
    connection.send(&request("POST", REPORT, "{}"));
    let head = connection.head().expect("a head");
    assert!(head.contains(&format!("Content-Length: {}\r\n", whole.len() + 1)), "{head}");
    drop(google);
    assert_eq!(connection.rest(), Ok(whole));
}

#[cfg(feature = "gzip")]
#[test]
fn bomb_is_small_until_it_is_unpacked() {
    let google = fake();
    google.fault(Fault::bomb(3));
    let answer = post(&google, REPORT, "{}");
    assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("gzip")));
    assert!(answer.body.len() < 3 << 14, "{} bytes", answer.body.len());
    let mut unpacked = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(answer.body.as_slice());
    std::io::Read::read_to_end(&mut decoder, &mut unpacked).expect("gzip");
    assert!(unpacked.len() == 3 << 20 && unpacked.iter().all(|byte| *byte == b' '));
}

#[test]
fn end_of_the_fake_ends_answers_that_are_late_or_drip() {
    let google = fake();
    google.fault(Fault::late(HOUR));
    google.fault(Fault::drip(HOUR));
    let (mut late, mut dripping) = (Connection::to(&google), Connection::to(&google));
    late.send(&request("POST", REPORT, "{}"));
    while google.report_requests() == 0 {
        std::thread::yield_now();
    }
    dripping.send(&request("POST", REPORT, "{}"));
    dripping.head().expect("a head");
    drop(google);
    assert_eq!((late.rest(), dripping.rest()), (Ok(Vec::new()), Ok(Vec::new())));
}

#[test]
fn faults_are_played_in_the_order_in_which_they_were_added() {
    let google = fake();
    google.fault(Fault::status(500).on(Matching::target(":runReport")));
    google.answer_next_report(429, json!({}));
    google.fault(Fault::html(404).always());
    let statuses: Vec<u16> = (0..4).map(|_| post(&google, REPORT, "{}").status).collect();
    assert_eq!(statuses, [500, 429, 404, 404]);
    google.clear_faults();
    assert_eq!(post(&google, REPORT, "{}").status, 401);
}

#[test]
fn requests_are_told_apart_by_method_header_json_and_form() {
    let google = fake();
    post(&google, REPORT, r#"{"offset": "10000"}"#);
    post(&google, "/token", "grant_type=a%20b+c");
    let mut connection = Connection::to(&google);
    connection.send(b"GET /v1beta/properties/1/metadata?a=%2B HTTP/1.1\r\nX-Goog-Test: yes\r\n\r\n");
    connection.answer();
    for (matching, target) in [
        (Matching::api().json("/offset", "10000"), REPORT),
        (Matching::all().form("grant_type", "a b c"), "/token"),
        (Matching::all().method("GET"), "/v1beta/properties/1/metadata?a=%2B"),
        (Matching::all().header("x-goog-test", "yes"), "/v1beta/properties/1/metadata?a=%2B"),
        (Matching::all().when(|r| r.parameter("a").is_some()), "/v1beta/properties/1/metadata?a=%2B"),
    ] {
        let found = google.requests(&matching);
        let targets: Vec<&str> = found.iter().map(|request| request.target()).collect();
        assert_eq!(targets, [target], "{matching}");
    }
    google.assert_requests(&Matching::api(), 2);
    google.forget_requests();
    google.assert_requests(&Matching::all(), 0);
}

#[test]
fn failed_assertion_lists_what_came() {
    let google = fake();
    post(&google, REPORT, "{}");
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        google.assert_requests(&Matching::token().header("authorization", "Bearer ya29.x"), 1);
    }));
    let message = failed.expect_err("a failure").downcast::<String>().expect("a message");
    assert_eq!(
        *message,
        "0 requests to the token endpoint with a certain header authorization, expected 1; received: [\n    \
         \"POST /v1beta/properties/1:runReport?prettyPrint=false\",\n]"
    );
}

#[test]
fn debug_output_shows_no_body_and_no_header_value() {
    let google = fake();
    let mut connection = Connection::to(&google);
    connection
        .send(b"POST /token HTTP/1.1\r\nAuthorization: Bearer ya29.x\r\nContent-Length: 6\r\n\r\nsecret");
    connection.answer();
    assert_eq!(
        format!("{:?}", google.requests(&Matching::all())),
        "[FakeRequest { method: \"POST\", path: \"/token\", headers: [\"Authorization\", \"Content-Length\"], \
         body: 6 bytes, .. }]"
    );
}
