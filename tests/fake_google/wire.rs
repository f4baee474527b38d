//! HTTP and TLS: what any client may send.

use crate::client::{Connection, request};
use serde_json::json;
use shortway::http::{Request, RequestBody, Timeouts, Transport, UreqTransport};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, Fault, Matching};
use shortway::{Error, ErrorKind, TokenSource, Tokens};
use std::time::Duration;

#[test]
fn requests_of_one_connection_are_answered_one_after_the_other() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let mut connection = Connection::to(&google);
    for path in ["/tokeninfo", "/oauth2/v3/certs"] {
        connection.send(&request("GET", path, ""));
        connection.answer();
    }
    // Two at once.
    connection.send(&[request("GET", "/first", ""), request("GET", "/second", "")].concat());
    assert_eq!([connection.answer().status, connection.answer().status], [404, 404]);
    let paths: Vec<String> =
        google.requests(&Matching::all()).iter().map(|request| request.path().to_owned()).collect();
    assert_eq!(paths, ["/tokeninfo", "/oauth2/v3/certs", "/first", "/second"]);
    assert_eq!(google.connections(), 1);
}

#[test]
fn connection_ends_when_the_client_says_so() {
    let google = FakeGoogle::builder().start().expect("a fake");
    for head in ["GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"] {
        let mut connection = Connection::to(&google);
        connection.send(head.as_bytes());
        let (answer, end) = (connection.answer(), connection.rest());
        assert_eq!((answer.status, answer.header("connection"), end), (404, Some("close"), Ok(Vec::new())));
    }
}

#[test]
fn chunks_are_put_together() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let mut connection = Connection::to(&google);
    connection.send(b"POST /v1beta/properties/1:runReport HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    connection.send(b"4;name=value\r\n{\"a\"\r\n3\r\n: 1\r\n");
    connection.send(b"1\r\n}\r\n0\r\nTrailer: skipped\r\n\r\n");
    assert_eq!(connection.answer().status, 401);
    assert_eq!(google.reports_asked(), [json!({"a": 1})]);
}

#[test]
fn client_that_waits_for_leave_to_send_gets_it() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let mut connection = Connection::to(&google);
    connection.send(b"POST /token HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(connection.answer().status, 100);
    connection.send(b"a=b");
    assert_eq!(connection.answer().status, 400);
    assert_eq!(google.requests(&Matching::token())[0].form("a").as_deref(), Some("b"));
}

#[test]
fn what_is_no_request_is_refused_and_the_connection_ends() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
    for (bytes, status) in [
        ("GET /\r\n\r\n", 400),
        ("GET / HTTP/2\r\n\r\n", 400),
        ("GET http://elsewhere/ HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n", 413),
        (&long, 431),
    ] {
        let mut connection = Connection::to(&google);
        connection.send(bytes.as_bytes());
        let shown = &bytes[..bytes.len().min(60)];
        assert_eq!(connection.answer().status, status, "{shown:?}");
    }
    assert_eq!(google.requests(&Matching::all()), []);
}

#[test]
fn https_is_trusted_by_the_transport_of_the_fake_and_by_no_other() {
    let google = FakeGoogle::builder().https().start().expect("a fake");
    let tokens = |transport: UreqTransport| -> Result<Tokens, Error> {
        let builder = shortway::service_account(google.key(), [ANALYTICS_READONLY]).transport(transport);
        builder.retry(shortway::RetryPolicy::NONE).token_endpoint(google.token_url()).build()
    };
    assert!(google.token_url().starts_with("https://127.0.0.1:"), "{}", google.token_url());
    let tokens_of_fake = tokens(google.transport().expect("a transport")).expect("a source");
    assert!(tokens_of_fake.token().is_ok());
    let other = tokens(UreqTransport::new()).expect("a source").token();
    assert_eq!(other.expect_err("an unknown authority").kind(), ErrorKind::Tls);
    assert_eq!(google.token_requests(), 1);
}

#[test]
fn fake_without_https_has_no_certificate() {
    let google = FakeGoogle::builder().start().expect("a fake");
    assert_eq!(google.root_certificate(), None);
    let error = google.transport().map(drop).expect_err("no certificate");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(error.to_string(), "the fake Google has no certificate: it was started without `https`");
}

#[test]
fn faults_travel_over_tls_as_over_plain_connections() {
    let google = FakeGoogle::builder().https().start().expect("a fake");
    let transport = google.transport().expect("a transport");
    let url = format!("{}/v1beta/properties/1/metadata", google.api_url());
    let get = || -> Result<(u16, usize), ErrorKind> {
        let request = Request::get(&url).body(RequestBody::Empty).expect("a request");
        let response = transport.send(request, Timeouts::new(Duration::from_secs(10)));
        let (parts, mut body) = response.map_err(|e| e.kind())?.into_parts();
        let mut bytes = Vec::new();
        let read = std::io::Read::read_to_end(&mut body, &mut bytes);
        read.map(|_| (parts.status.as_u16(), bytes.len())).map_err(|_| ErrorKind::Closed)
    };
    google.fault(Fault::reset());
    google.fault(Fault::truncated());
    google.fault(Fault::drip(Duration::ZERO));
    let whole = get();
    assert_eq!((whole, get()), (Err(ErrorKind::Closed), Err(ErrorKind::Closed)));
    let dripped = get().expect("an answer");
    assert_eq!((dripped.0, Ok(dripped)), (401, get()));
}

#[test]
fn taken_port_is_an_error_with_port_cause_and_hint() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let port = google.api_url().rsplit(':').next().and_then(|p| p.parse().ok()).expect("a port");
    let error = FakeGoogle::builder().port(port).start().expect_err("a taken port");
    let cause = std::net::TcpListener::bind(("127.0.0.1", port)).expect_err("a taken port");
    assert_eq!(
        error.to_string(),
        format!(
            "the fake Google cannot listen on 127.0.0.1:{port}: {cause}; choose another port, or 0 for one that is free"
        )
    );
    drop(google);
    let again = FakeGoogle::builder().port(port).start().expect("a free port");
    assert!(again.api_url().ends_with(&format!(":{port}")));
}
