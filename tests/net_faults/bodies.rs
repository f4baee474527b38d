//! Statuses and bodies of the token endpoint, over the wire, beside those in `tests/exchange.rs`.

use crate::row::{Row, answer, builder, check, raw, row, run};
use crate::util::server::{Act, Server};
use shortway::ErrorKind::{self, Config, Denied, Malformed, Protocol, Redirect, Throttled, Unavailable};
use shortway::TokenSource;
use std::net::TcpListener;
use std::time::{Duration, Instant, SystemTime};

const TOKEN: &str = r#"{"access_token": "ya29.once", "expires_in": 3599, "token_type": "Bearer"}"#;

/// 200 with this body.
fn said(body: impl AsRef<[u8]>) -> Row {
    let name = String::from_utf8_lossy(body.as_ref()).chars().take(60).collect::<String>();
    row(name, Malformed, answer(200, "", body))
}

fn status(status: u16, kind: ErrorKind) -> Row {
    row(format!("status {status}"), kind, answer(status, "", "<html>no</html>"))
}

fn refused(status: u16, code: &str, kind: ErrorKind) -> Row {
    let body = format!(r#"{{"error": "{code}", "error_description": "because"}}"#);
    row(format!("{status} {code}"), kind, answer(status, "Content-Type: application/json\r\n", body))
}

#[test]
fn good_responses_are_tokens_whatever_the_content_type() {
    for headers in ["", "Content-Type: text/html\r\n", "Content-Type: \r\n", "Content-Encoding: identity\r\n"]
    {
        let server = Server::always(answer(200, headers, TOKEN));
        let source = builder(&server.url()).build().expect("a source");
        assert_eq!(source.token().expect(headers).expose_secret(), "ya29.once");
    }
    let server = Server::always(answer(200, "", format!("\u{feff}{TOKEN}")));
    let source = builder(&server.url()).build().expect("a source");
    assert_eq!(source.token().expect("after a byte-order mark").expose_secret(), "ya29.once");
}

#[test]
fn short_lifetime_is_no_hot_loop() {
    let server = Server::always(answer(200, "", TOKEN.replace("3599", "30")));
    let source = builder(&server.url()).build().expect("a source");
    let token = source.token().expect("a token");
    for _ in 0..100 {
        assert_eq!(source.token().expect("from memory"), token);
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn invalid_lifetime_is_requested_twice() {
    let lifetimes = ["0", "-1", "1e400", "-1e400", "NaN", "true", "[]", "\"soon\"", "\"1e400\"", "0.5"];
    run(lifetimes.map(|text| said(TOKEN.replace("3599", text))).into());
}

#[test]
fn response_without_a_usable_token_is_malformed() {
    let deep = format!(r#"{{"access_token": {}1{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let mut rows = vec![
        said(r#"{"expires_in": 3599}"#),
        said(r#"{"access_token": null}"#),
        said(r#"{"access_token": 7}"#),
        said(r#"{"access_token": "ya29.a", "token_type": "mac"}"#),
        said(r#"{"access_token": "ya29.a", "token_type": "DPoP"}"#),
        said(r#"{"access_token": "ya29.a", "access_token": "ya29.b"}"#),
        said(r#"{"access_token": "ya29.a", "expires_in": 1, "expires_in": 2}"#),
        said(r#"{"id_token": "a.b.c"}"#),
        said("<!DOCTYPE html><title>Sign in to the hotel</title>"),
        said("access_token=ya29.a&expires_in=3599"),
        said(""),
        said("null"),
        said("[]"),
        said("\"ya29.a\""),
        said(deep),
        said(b"{\"access_token\": \"ya29.\xff\xfe\"}"),
        said(r#"{"access_token": "ya29.\ud800"}"#),
        said(format!("{TOKEN}{TOKEN}")),
        said(TOKEN.replace("3599", "Infinity")),
        row("200 and invalid_grant", Denied, answer(200, "", r#"{"error": "invalid_grant"}"#)),
        row("200 and server_error", Unavailable, answer(200, "", r#"{"error": "server_error"}"#)),
    ];
    for code in [205, 206] {
        rows.push(row(format!("{code} with a token"), Protocol, answer(code, "", TOKEN)));
    }
    run(rows);
}

#[test]
fn token_that_no_header_can_carry_is_not_requested_again() {
    let long = "a".repeat(8193);
    let texts =
        ["", "a\\r\\nX: y", "a\\nb", "a\\u0000b", "a b", "a\\u007fb", "ya29.\u{e9}", "a\\tb", long.as_str()];
    run(texts.map(|text| said(TOKEN.replace("ya29.once", text)).once()).into());
}

#[test]
fn only_200_holds_a_token() {
    let with_token = |code: u16| row(format!("{code} with a token"), Protocol, answer(code, "", TOKEN));
    let without = |code: u16| {
        row(
            format!("{code} alone"),
            Protocol,
            raw(format!("HTTP/1.1 {code} Said\r\nConnection: close\r\n\r\n")),
        )
    };
    run(vec![
        with_token(201),
        with_token(202),
        with_token(203),
        without(204),
        without(304),
        row(
            "101",
            Protocol,
            raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        ),
    ]);
}

#[test]
fn refusals_are_final_and_failures_are_retried() {
    run(vec![
        refused(400, "invalid_grant", Denied),
        refused(400, "invalid_scope", Denied),
        refused(400, "unauthorized_client", Denied),
        refused(401, "invalid_client", Denied),
        refused(403, "access_denied", Denied),
        refused(403, "org_internal", Denied),
        refused(400, "a_code_of_2030", Denied),
        refused(400, "temporarily_unavailable", Unavailable),
        refused(400, "server_error", Unavailable),
        refused(400, "internal_failure", Unavailable),
        row("400 cut JSON", Denied, answer(400, "", r#"{"error": "invalid_gr"#)),
        row("400 nothing", Denied, answer(400, "", "")),
        row("400 error is a number", Denied, answer(400, "", r#"{"error": 5}"#)),
    ]);
}

#[test]
fn statuses_are_sorted_by_whether_a_retry_may_help() {
    let mut rows: Vec<Row> = [401, 403, 404, 405, 410, 413, 415, 431, 451, 499, 501, 505, 511]
        .map(|code| status(code, Denied))
        .into();
    rows.extend([600, 799, 999].map(|code| status(code, Protocol)));
    rows.extend([408, 421, 425, 500, 502, 503, 504, 520, 529, 599].map(|code| status(code, Unavailable)));
    rows.push(status(429, Throttled));
    run(rows);
}

#[test]
fn proxy_and_portal_are_named() {
    for (row, word) in
        [(status(407, Config), "proxy"), (status(511, Denied), "login page"), (said("<html>"), "login page")]
    {
        let server = Server::always(row.acts.clone());
        let error = check(&row, &server, builder(&server.url()));
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn retry_after_is_respected() {
    let busy = |after: &str| row(format!("Retry-After: {after:.60}"), Throttled, answer(429, after, ""));
    // A second is waited for, twice.
    let patient = busy("Retry-After: 1\r\n");
    let (server, begin) = (Server::always(patient.acts.clone()), Instant::now());
    check(&patient, &server, builder(&server.url()));
    assert!(begin.elapsed() >= Duration::from_secs(2), "{:?}", begin.elapsed());
    // More than the call has left is told.
    let mut rows: Vec<Row> = Vec::new();
    for after in [
        "31",
        "3600",
        "1000000000",
        "99999999999999999999",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Friday, 31-Dec-60 23:59:59 GMT",
        "Fri Dec 31 23:59:59 9999",
    ] {
        rows.push(busy(&format!("Retry-After: {after}\r\n")).once());
    }
    for row in rows {
        let server = Server::always(row.acts.clone());
        let source = builder(&server.url()).build_uncached().expect("a source");
        let error = source.token().expect_err("busy");
        let hour = SystemTime::now() + Duration::from_secs(3601);
        let at = error.retry_at().unwrap_or_else(|| panic!("{}: {error:?}", row.name));
        assert!(at > SystemTime::now() + Duration::from_secs(5) && at <= hour, "{}: {at:?}", row.name);
        assert_eq!((error.kind(), server.connections()), (Throttled, 1), "{}", row.name);
    }
    // What makes no sense, or is past, is no wait.
    let long = format!("Retry-After: {}\r\n", "9x".repeat(5000));
    let mut rows: Vec<Row> = ["-1", "soon", "", "1.5", "Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994"]
        .map(|after| busy(&format!("Retry-After: {after}\r\n")))
        .into();
    rows.extend([busy("Retry-After: 40\r\nRetry-After: 50\r\n"), busy(&long)]);
    run(rows);
}

#[test]
fn redirects_are_never_followed() {
    let target = TcpListener::bind("127.0.0.1:0").expect("a port");
    target.set_nonblocking(true).expect("a listener that does not wait");
    let other = target.local_addr().expect("an address");
    let places = [
        "/elsewhere".to_owned(),
        "/token".to_owned(),
        format!("http://{other}/token"),
        format!("//{other}/token"),
        "https://example.com/token".to_owned(),
        "http://example.com/token".to_owned(),
        "file:///etc/passwd".to_owned(),
        String::new(),
        "http://[::bad".to_owned(),
    ];
    let mut rows = Vec::new();
    for code in [300, 301, 302, 303, 305, 306, 307, 308] {
        rows.push(row(format!("{code} nowhere"), Redirect, answer(code, "", TOKEN)));
        rows.push(row(
            format!("{code}"),
            Redirect,
            answer(code, &format!("Location: http://{other}/token\r\n"), TOKEN),
        ));
    }
    for place in places {
        rows.push(row(
            format!("to {place:?}"),
            Redirect,
            answer(307, &format!("Location: {place}\r\n"), TOKEN),
        ));
    }
    let bytes =
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    rows.push(row("to bytes", Redirect, raw(bytes)));
    run(rows);
    assert!(target.accept().is_err(), "somebody came to the redirect's target");
}

#[test]
fn description_is_scrubbed_and_cut() {
    let hostile = "\\u001b[31mred\\u001b[0m\\r\\nSet-Cookie: x\\u0000\\u2028";
    let described = |text: &str| format!(r#"{{"error": "invalid_request", "error_description": "{text}"}}"#);
    let escapes = row("escapes", Denied, answer(400, "", described(hostile)));
    let server = Server::always(escapes.acts.clone());
    let error = check(&escapes, &server, builder(&server.url()));
    assert!(!error.to_string().contains(|c: char| c.is_control()), "{error}");
    let long = row("60 KB", Denied, answer(400, "", described(&"word ".repeat(12_000))));
    let server = Server::always(long.acts.clone());
    let error = check(&long, &server, builder(&server.url()));
    assert_eq!(error.description().expect("a description").chars().count(), 301, "{error}");
    let acts = vec![
        Act::Read,
        Act::Send(b"HTTP/1.1 400 No\r\nConnection: close\r\n\r\n".to_vec()),
        Act::Send(described(&"word ".repeat(200_000)).into_bytes()),
    ];
    // Cut, it is no JSON any more: the status decides.
    run(vec![row("1 MB", Denied, acts)]);
}
