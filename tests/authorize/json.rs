//! Values in, values out, and the errors of APIs.

use super::*;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use shortway::{Error, ErrorKind, GoogleStatus, Identity};
use std::time::{Duration, SystemTime};

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Bucket {
    name: String,
}

/// A server that answers with this status and JSON.
fn answering(status: u16, body: &str) -> Endpoint {
    Endpoint::always(status, body)
}

fn refusal(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
    let body = body.to_owned();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let server = Endpoint::start(move |_| (status, headers.clone(), body.clone().into_bytes()));
    let identity = Identity::new().with_email("nightly@my-project.iam.gserviceaccount.com");
    let tokens = ScriptedSource::numbered().with_identity(identity);
    api(tokens, &server.url).json::<Value>(get(&server.url)).expect_err("refused")
}

#[test]
fn value_goes_out_and_another_comes_in() {
    let server = answering(200, r#"{"name": "made"}"#);
    let api = api(numbered(), &server.url);
    let new = Bucket { name: "new".into() };
    let made: Bucket = api.json(Request::post(&server.url).body(&new).expect("a request")).expect("made");
    assert_eq!(made, Bucket { name: "made".into() });
    let received = server.received().pop().expect("a request");
    assert_eq!(
        (received.line.as_str(), received.body.as_slice()),
        ("POST / HTTP/1.1", br#"{"name":"new"}"#.as_slice())
    );
    let header = |name: &str| received.header(name).map(str::to_owned);
    assert_eq!(header("Content-Type").as_deref(), Some("application/json"));
    assert_eq!(header("Accept").as_deref(), Some("application/json"));
    assert_eq!(header("Authorization").as_deref(), Some("Bearer token-1"));
}

#[test]
fn nothing_is_no_body_and_no_content_is_null() {
    let server = answering(204, "");
    let api = api(numbered(), &server.url);
    let delete = || Request::delete(&server.url).body(()).expect("a request");
    let _: IgnoredAny = api.json(delete()).expect("deleted");
    let () = api.json(delete()).expect("deleted");
    let none: Option<Bucket> = api.json(get(&server.url)).expect("nothing");
    assert_eq!(none, None);
    let error = api.json::<Bucket>(get(&server.url)).expect_err("no bucket");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Schema, Some(204)));
    assert_eq!(
        without_port(&error.to_string()),
        "the response of 127.0.0.1:PORT has no content, which does not fit the type that it is read as: \
         invalid type: null, expected struct Bucket; read it as an Option, or as serde::de::IgnoredAny"
    );
    for request in server.received() {
        assert_eq!((request.header("Content-Type"), request.body.len()), (None, 0), "{}", request.line);
    }
}

#[test]
fn headers_of_the_request_stay() {
    let server = answering(200, "{}");
    let request = Request::patch(&server.url)
        .header("Content-Type", "application/merge-patch+json")
        .header("If-Match", "\"1\"")
        .body(json!({"a": 1}));
    let _: Value = api(numbered(), &server.url).json(request.expect("a request")).expect("a value");
    let received = server.received().pop().expect("a request");
    assert_eq!(received.header("Content-Type"), Some("application/merge-patch+json"));
    assert_eq!(
        (received.header("If-Match"), received.body.as_slice()),
        (Some("\"1\""), br#"{"a":1}"#.as_slice())
    );
}

#[test]
fn refused_token_is_replaced_and_the_value_sent_again() {
    let server =
        Endpoint::start(
            |request| if is_old(request) { unauthorized() } else { (200, Vec::new(), b"1".to_vec()) },
        );
    let one: u8 = api(numbered(), &server.url).json(post_json(&server.url)).expect("a number");
    assert_eq!(one, 1);
    assert_eq!(sent(&server), pairs(&[("token-1", "[1]"), ("token-2", "[1]")]));
}

fn post_json(url: &str) -> Request<Value> {
    Request::post(url).body(json!([1])).expect("a request")
}

#[test]
fn refusal_is_an_error_with_the_document_of_the_api() {
    let (message, status) = ("Permission denied on token-1.", "PERMISSION_DENIED");
    let body = json!({"error": {"code": 403, "message": message, "status": status}});
    let error = refusal(403, &[], &body.to_string());
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Api, Some(403), Some("PERMISSION_DENIED"))
    );
    assert_eq!(
        without_port(&error.to_string()),
        "127.0.0.1:PORT refused the request: Permission denied on [removed]; give \
         nightly@my-project.iam.gserviceaccount.com a role that allows this"
    );
    assert_eq!(error.cause::<GoogleStatus>().expect("a document").code, 403);
    assert!(!format!("{error:?}").contains("token-1"));
}

#[test]
fn refusals_are_told_apart_by_status_and_reason() {
    let reason = |reason: &str| {
        json!({"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}
        ]}})
        .to_string()
    };
    let proxy = "a proxy or a login page may have answered instead of the API";
    let html = [("Content-Type", "text/html")];
    for (status, headers, body, kind, text) in [
        (
            403,
            &[] as &[_],
            reason("SERVICE_DISABLED"),
            ErrorKind::Api,
            "refused the request: no; enable this API in the project of \
             nightly@my-project.iam.gserviceaccount.com",
        ),
        (
            403,
            &[],
            reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            ErrorKind::Api,
            "refused the request: no; give the token source the scope that this method needs",
        ),
        (
            401,
            &[],
            String::new(),
            ErrorKind::Api,
            "refused the request (HTTP status 401); check that the token source gives tokens of the kind \
             that this API takes",
        ),
        (
            404,
            &[],
            "nothing".into(),
            ErrorKind::Api,
            "refused the request (HTTP status 404); check the method, the URL and the names in it",
        ),
        (
            404,
            &html,
            "<html>".into(),
            ErrorKind::Api,
            &format!(
                "refused the request (HTTP status 404); check the path of the URL: Google answers 404 with a \
                 page to one that it does not know; else {proxy}"
            ),
        ),
        (
            403,
            &html,
            "<html>".into(),
            ErrorKind::Api,
            &format!("refused the request (HTTP status 403); {proxy}"),
        ),
        (
            502,
            &html,
            "<html>".into(),
            ErrorKind::Unavailable,
            &format!(
                "failed to answer the request (HTTP status 502); send the request again later; if it \
                 repeats, {proxy}"
            ),
        ),
        (
            429,
            &[],
            String::new(),
            ErrorKind::Quota,
            "refused the request (HTTP status 429); send the request again later, and fewer requests at a \
             time",
        ),
        (
            407,
            &[],
            String::new(),
            ErrorKind::Config,
            &format!("refused the request (HTTP status 407); {proxy}"),
        ),
        (
            302,
            &[],
            String::new(),
            ErrorKind::Redirect,
            &format!("redirects the request (HTTP status 302); redirects are never followed: {proxy}"),
        ),
    ] {
        let error = refusal(status, headers, &body);
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!(without_port(&error.to_string()), format!("127.0.0.1:PORT {text}"));
    }
}

#[test]
fn every_status_says_what_to_do() {
    let (again, change) =
        ("send the request again later", "change the request: the same one is refused again");
    let proxy = "a proxy or a login page may have answered instead of the API";
    for (statuses, hint) in [
        (&[408_u16, 421, 425, 500, 502, 503, 504] as &[_], again),
        (&[400, 402, 418, 422, 501, 505], change),
        (&[405, 410], "check the method, the URL and the names in it"),
        (&[409, 412], "read the resource as it is now, and change the request to fit"),
        (&[413, 414, 431], "send less in one request"),
        (&[407, 511, 999], proxy),
        (&[304], "the request has a condition: read its response with Authorized::send"),
    ] {
        for status in statuses {
            assert_eq!(refusal(*status, &[], "").hint(), Some(hint), "{status}");
        }
    }
    let body = json!({"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE"}});
    let error = refusal(503, &[], &body.to_string());
    assert_eq!(
        without_port(&error.to_string()),
        "127.0.0.1:PORT failed to answer the request: Try later; send the request again later"
    );
}

#[test]
fn redirect_is_told_with_the_host_that_it_points_to_and_no_more() {
    for (location, to) in [
        ("https://login.example/path?code=secret", " to https://login.example"),
        ("http://10.0.0.1:8080?u=http://h.example#f", " to http://10.0.0.1:8080"),
        ("https://jane:secret@login.example", " to https://login.example"),
        ("https://token-1.login.example/", " to [removed]"),
        ("/path?next=https://h.example", ""),
        ("", ""),
    ] {
        let error = refusal(307, &[("Location", location)], "");
        let text = format!("127.0.0.1:PORT redirects the request{to} (HTTP status 307)");
        assert_eq!(without_port(error.message()), text, "{location}");
    }
}

#[test]
fn time_that_the_server_asks_for_is_told() {
    let now = SystemTime::now();
    let by_header = refusal(503, &[("Retry-After", "100")], "");
    let body = json!({"error": {"code": 429, "message": "slow down", "details": [{"retryDelay": "100s"}]}});
    let by_document = refusal(429, &[], &body.to_string());
    for error in [by_header, by_document] {
        let wait = error.retry_at().expect("a time").duration_since(now).expect("later");
        assert!((100..160).contains(&wait.as_secs()), "{wait:?}");
        assert!(error.is_retryable());
    }
}

#[test]
fn response_that_is_not_the_value_is_an_error_without_the_token() {
    for (body, is_html, text, is_retryable) in [
        (
            r#"{"name": 1}"#,
            false,
            "the response of 127.0.0.1:PORT does not fit the type that it is read as: invalid type: integer \
             `1`, expected a string at line 1 column 10; correct the type, or read the response with \
             Authorized::send",
            false,
        ),
        (
            "{}",
            true,
            "the response of 127.0.0.1:PORT does not fit the type that it is read as: missing field `name` \
             at line 1 column 2; correct the type, or read the response with Authorized::send",
            false,
        ),
        (
            r#"{"name": "a"#,
            false,
            "the response of 127.0.0.1:PORT is not JSON: EOF while parsing a string at line 1 column 11; \
             send the request again later",
            true,
        ),
        (
            r#""token-1""#,
            false,
            "the response of 127.0.0.1:PORT does not fit the type that it is read as: invalid type: string \
             [removed] expected struct Bucket at line 1 column 9; correct the type, or read the response \
             with Authorized::send",
            false,
        ),
        (
            "id,name",
            false,
            "the response of 127.0.0.1:PORT is not JSON: expected value at line 1 column 1; read a response \
             that is not JSON with Authorized::send or Authorized::stream",
            false,
        ),
        (
            "<html>",
            true,
            "the response of 127.0.0.1:PORT is not JSON: expected value at line 1 column 1; a proxy or a \
             login page may have answered instead of the API",
            false,
        ),
    ] {
        let content = if is_html { "text/html" } else { "application/json" };
        let server =
            Endpoint::start(move |_| (200, vec![("Content-Type", content.into())], body.as_bytes().to_vec()));
        let error = api(numbered(), &server.url).json::<Bucket>(get(&server.url)).expect_err("not a bucket");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Schema, is_retryable), "{body}");
        assert_eq!(without_port(&error.to_string()), text);
    }
}

#[test]
fn json_of_another_shape_names_no_column_that_there_is_not() {
    let server = answering(200, r#"{"items": []}"#);
    let error = api(numbered(), &server.url).json::<Vec<u8>>(get(&server.url)).expect_err("no list");
    assert_eq!(
        without_port(&error.to_string()),
        "the response of 127.0.0.1:PORT does not fit the type that it is read as: invalid type: map, \
         expected a sequence; correct the type, or read the response with Authorized::send"
    );
}

#[test]
fn value_that_is_no_json_is_refused_before_it_costs_a_token() {
    let (server, tokens) = (answering(200, "{}"), numbered());
    let pairs = std::collections::HashMap::from([((1, 2), 3)]);
    let request = Request::post(&server.url).body(pairs).expect("a request");
    let error = api(Arc::clone(&tokens), &server.url).json::<Value>(request).expect_err("no JSON");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Config,
            "the request cannot be sent: its value cannot be written as JSON: key must be a string"
        )
    );
    assert_eq!((tokens.calls(), server.connections()), (0, 0));
}

#[test]
fn value_beyond_the_limit_is_told_with_the_way_to_raise_it() {
    let server = Endpoint::always(200, &format!("\"{}\"", "a".repeat(2000)));
    let api = api(numbered(), &server.url).with_max_body(1000).with_timeout(Duration::from_secs(20));
    let error = api.json::<String>(get(&server.url)).expect_err("too large");
    assert_eq!(error.hint(), Some("raise the limit with Authorized::with_max_body"));
}
