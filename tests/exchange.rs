//! The token endpoint: what is sent, what is believed, what is said when it is not.

mod util;

use serde_json::{Value, json};
use shortway::endpoint::token::parse;
use shortway::http::Response;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, ManualClock, THROW_AWAY_KEY_JSON, throw_away_key};
use shortway::{Clock, Error, ErrorKind, RetryPolicy, ServiceAccountKey, Token, TokenSource};
use std::time::{Duration, SystemTime};
use util::endpoint::Endpoint;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn read(status: u16, body: impl Into<Vec<u8>>) -> Result<Token, Error> {
    parse(&Response::new(status, Vec::new(), body.into()), NOW)
}

fn lifetime(expires_in: &str) -> Result<u64, Error> {
    let token = read(200, format!(r#"{{"access_token": "ya29.x", "expires_in": {expires_in}}}"#))?;
    Ok(token.expires_at().duration_since(NOW).expect("later").as_secs())
}

#[test]
fn lifetime_is_read_by_the_table() {
    for (expires_in, seconds) in [
        ("3599", 3599),
        ("\"3599\"", 3599),
        ("3599.0", 3599),
        ("3.599e3", 3599),
        ("1", 1),
        ("null", 300),
        ("43200", 43_200),
        ("43201", 43_200),
        ("2147483648", 43_200),
        ("9007199254740992", 43_200),
        ("9223372036854775808", 43_200),
        ("18446744073709551616", 43_200),
    ] {
        assert_eq!(lifetime(expires_in).ok(), Some(seconds), "{expires_in}");
    }
    for expires_in in
        ["0", "-1", "\"0\"", "3599.5", "\"soon\"", "\"\"", "true", "[]", "{}", "\"NaN\"", "\"inf\""]
    {
        let error = lifetime(expires_in).expect_err(expires_in);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{expires_in}");
        assert_eq!(
            error.to_string(),
            "the token endpoint said 200, but its answer has an `expires_in` that is no lifetime"
        );
    }
    let unsaid = read(200, r#"{"access_token": "ya29.x"}"#).expect("a token");
    assert_eq!(unsaid.expires_at(), NOW + Duration::from_secs(300));
}

#[test]
fn only_a_bearer_token_with_status_200_is_believed() {
    let good =
        r#"{"access_token": "ya29.x", "token_type": "bEARER", "expires_in": 10, "scope": "x", "new": [1]}"#;
    assert_eq!(read(200, good).expect("a token").expose_secret(), "ya29.x");
    for (body, message) in [
        ("", "is not the JSON of a token"),
        ("<html>sign in</html>", "is not the JSON of a token"),
        ("access_token=ya29.x&expires_in=10", "is not the JSON of a token"),
        (r#"{"access_token": "ya29.x", "access_token": "ya29.y"}"#, "is not the JSON of a token"),
        (r#"{"access_token": "ya29.x"} x"#, "is not the JSON of a token"),
        ("{}", "has no access token in it"),
        (r#"{"access_token": null}"#, "has no access token in it"),
        (r#"{"access_token": 5}"#, "has no access token in it"),
        (
            r#"{"id_token": "a.b.c"}"#,
            "has an ID token and no access token: one of the scopes is unknown to Google",
        ),
        (r#"{"access_token": "ya29.x", "token_type": "mac"}"#, "is a token of another type than Bearer"),
        (r#"{"access_token": "ya29.x", "token_type": 1}"#, "is a token of another type than Bearer"),
    ] {
        let error = read(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert_eq!(
            error.message(),
            format!("the token endpoint said 200, but its answer {message}"),
            "{body}"
        );
    }
    let error = read(200, r#"{"access_token": "ya29.a b"}"#).expect_err("a space");
    assert_eq!(
        error.to_string(),
        "the answer of the token endpoint is no good: the token holds characters that a header cannot carry"
    );
    for status in [100, 201, 204, 206, 304, 404, 600] {
        read(status, good).expect_err("only 200 holds a token");
    }
}

#[test]
fn refusal_is_sorted_by_code_first_and_status_second() {
    use ErrorKind::{Config, Denied, Protocol, Redirect, Throttled, Unavailable};
    let coded = |code: &str, text: &str| json!({"error": code, "error_description": text}).to_string();
    for (status, body, kind, retryable) in [
        (400, coded("invalid_grant", "Invalid JWT Signature."), Denied, false),
        (
            400,
            coded("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)"),
            Denied,
            false,
        ),
        (401, coded("unauthorized_client", "Unauthorized client or scope in request."), Denied, false),
        (400, coded("invalid_scope", ""), Denied, false),
        (400, coded("temporarily_unavailable", ""), Unavailable, true),
        (400, coded("internal_failure", ""), Unavailable, true),
        (200, coded("server_error", ""), Unavailable, true),
        (200, coded("invalid_grant", ""), Denied, false),
        (503, coded("whatever", ""), Unavailable, true),
        (429, coded("whatever", ""), Throttled, true),
        (400, "<html>".into(), Denied, false),
        (404, "{}".into(), Denied, false),
        (408, String::new(), Unavailable, true),
        (429, String::new(), Throttled, true),
        (500, String::new(), Unavailable, true),
        (501, String::new(), Denied, false),
        (302, String::new(), Redirect, false),
        (304, String::new(), Protocol, true),
        (407, String::new(), Config, false),
        (421, String::new(), Protocol, true),
        (204, String::new(), Protocol, true),
        (600, String::new(), Protocol, true),
    ] {
        let error = read(status, body.clone()).expect_err("a refusal");
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{status} {body}");
        assert_eq!(error.status(), Some(status));
    }
    let error = read(400, coded("invalid_grant", "Invalid JWT Signature.")).expect_err("a refusal");
    assert_eq!(error.code(), Some("invalid_grant"));
    assert_eq!(
        error.to_string(),
        "the token endpoint refused the assertion: invalid_grant (Invalid JWT Signature.); the key was deleted or disabled, \
         or belongs to another account: create a new key and use its file"
    );
}

/// Every code that Google documents or that was seen, with what to do about it.
#[test]
fn every_documented_code_comes_with_advice() {
    for (code, description, advice) in [
        ("invalid_grant", "Invalid JWT Signature.", "create a new key"),
        ("invalid_grant", "Invalid JWT: Failed audience check.", "the audience must be"),
        ("invalid_grant", "Invalid JWT: No valid verifier found for issuer.", "does not exist any more"),
        ("invalid_grant", "Invalid grant: account not found", "does not exist any more"),
        ("invalid_grant", "Invalid email or User ID", "no user of the domain"),
        ("invalid_grant", "Not a valid email.", "no user of the domain"),
        ("invalid_grant", "account deleted", "was deleted or disabled"),
        ("invalid_grant", "Bad Request", "check that the key file is whole"),
        ("unauthorized_client", "Unauthorized client or scope in request.", "numeric client id"),
        ("access_denied", "", "numeric client id"),
        ("admin_policy_enforced", "", "ask its administrator"),
        ("invalid_scope", "Invalid OAuth scope or ID token audience provided.", "each is a whole URL"),
        ("invalid_client", "", "download a new key"),
        ("deleted_client", "", "restored within 30 days"),
        ("disabled_client", "The OAuth client was disabled.", "enable it"),
        ("org_internal", "", "its own organization"),
        ("invalid_request", "Invalid prn field", "is it Google's token endpoint"),
    ] {
        let body = json!({"error": code, "error_description": description}).to_string();
        let error = read(400, body).expect_err(code);
        assert_eq!(
            (error.kind(), error.code(), error.is_retryable()),
            (ErrorKind::Denied, Some(code), false)
        );
        assert_eq!(error.description().unwrap_or_default(), description);
        assert!(
            error.hint().is_some_and(|hint| hint.contains(advice)),
            "{code} {description}: {:?}",
            error.hint()
        );
    }
}

#[test]
fn server_text_is_scrubbed_and_cut() {
    let assertion = format!("eyJ{}.eyJ{}.sig", "x".repeat(100), "y".repeat(300));
    let text = format!("bad\r\n\u{1b}[31m\u{202e}assertion\u{200b} {assertion} {}", "word ".repeat(1000));
    let error = read(400, json!({"error": "invalid_request", "error_description": text}).to_string())
        .expect_err("refused");
    let message = error.message();
    assert!(message.contains("bad [31m assertion [long word removed] word word"), "{message}");
    assert!(message.len() < 400 && !message.contains(['\r', '\n', '\u{1b}']), "{message}");
}

#[test]
fn fake_google_trades_an_assertion_for_a_token() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let source = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build_uncached()
        .expect("a source");
    let token = source.token().expect("a token");
    assert_eq!(token.expires_at(), clock.now() + Duration::from_secs(3599));
    assert_ne!(source.token().expect("another"), token);
    let identity = source.identity().expect("known");
    assert_eq!(identity.email(), Some("fake@throw-away.iam.gserviceaccount.com"));
    assert_eq!(identity.endpoint(), Some(google.token_url().as_str()));
    assert_eq!(identity.scopes(), [ANALYTICS_READONLY]);
}

#[test]
fn fake_google_refuses_what_google_would() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let builder = || {
        shortway::service_account(google.key(), [ANALYTICS_READONLY])
            .token_endpoint(google.token_url())
            .clock(clock.clone())
    };
    let code = |source: Result<shortway::ServiceAccount, Error>| {
        let error = source.expect("a source").token().expect_err("a refusal");
        (error.kind(), error.code().unwrap_or_default().to_owned(), error.message().to_owned())
    };
    let (kind, code_, message) = code(builder().audience("https://example.com/").build_uncached());
    assert_eq!((kind, code_.as_str()), (ErrorKind::Denied, "invalid_grant"));
    assert!(message.ends_with("(Invalid JWT: Failed audience check.)"), "{message}");

    let (_, code_, _) = code(
        shortway::service_account(google.key(), ["openid"])
            .token_endpoint(google.token_url())
            .clock(clock.clone())
            .build_uncached(),
    );
    assert_eq!(code_, "invalid_scope");

    let mut other: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    other["client_email"] = "someone@else.iam.gserviceaccount.com".into();
    let other = ServiceAccountKey::from_json(&other.to_string()).expect("a key");
    let (_, _, message) = code(
        shortway::service_account(other, [ANALYTICS_READONLY])
            .token_endpoint(google.token_url())
            .clock(clock.clone())
            .build_uncached(),
    );
    assert!(message.ends_with("(Invalid grant: account not found)"), "{message}");
    builder()
        .audience("https://oauth2.googleapis.com/token")
        .build_uncached()
        .expect("a source")
        .token()
        .expect("a token");
}

/// A server at 2026-01-01 00:00 UTC that finds the assertion's dates wrong.
fn refused_for_its_dates(now: SystemTime) -> Error {
    let body = json!({"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 \
                      minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."});
    let headers = vec![("Date".to_owned(), "Thu, 01 Jan 2026 00:00:00 GMT".to_owned())];
    let response = Response::new(400, headers, body.to_string().into_bytes());
    parse(&response, now).expect_err("a refusal")
}

#[test]
fn clock_that_is_off_is_told_by_how_much() {
    let true_time = ManualClock::new().now();
    for (ours, hint, offset) in [
        (true_time + Duration::from_secs(420), "7 minutes fast", -420),
        (true_time - Duration::from_secs(61), "61 seconds slow", 61),
        (SystemTime::UNIX_EPOCH, "29453760 minutes slow", 1_767_225_600),
    ] {
        let error = refused_for_its_dates(ours);
        assert_eq!((error.kind(), error.clock_offset()), (ErrorKind::Clock, Some(offset)));
        assert_eq!(
            error.hint(),
            Some(
                format!(
                    "the clock of this machine is {hint}, by the server's: set it, or let it be set by NTP"
                )
                .as_str()
            )
        );
    }
    let error = refused_for_its_dates(true_time + Duration::from_secs(60));
    assert_eq!((error.kind(), error.clock_offset()), (ErrorKind::Denied, Some(-60)));
}

#[test]
fn clock_that_is_off_heals_itself() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    for off in [420, 7200, -86_400_i64] {
        let ours = ManualClock::new();
        let by = Duration::from_secs(off.unsigned_abs());
        ours.set(if off < 0 { clock.now() - by } else { clock.now() + by });
        let source = shortway::service_account(google.key(), [ANALYTICS_READONLY])
            .token_endpoint(google.token_url())
            .clock(ours.clone())
            .build_uncached()
            .expect("a source");
        let before = google.token_requests();
        let token = source.token().expect("a token at the second attempt");
        // Its end is told by the clock that will be asked about it.
        assert_eq!(token.expires_at(), ours.now() + Duration::from_secs(3599));
        source.token().expect("a token at once");
        assert_eq!(google.token_requests() - before, 3, "the offset is kept");
        ours.set(clock.now());
        source.token().expect("a token although the offset is wrong now");
        source.token().expect("a token at once");
        // An assertion of seven minutes ago is good all the same.
        let refused = usize::from(off != 420);
        assert_eq!(google.token_requests() - before, 5 + refused, "and given up when it is wrong");
    }
}

#[test]
fn pieces_of_what_was_sent_do_not_come_back() {
    let server = Endpoint::start(|request| {
        let form = String::from_utf8_lossy(&request.body).into_owned();
        let assertion = form.rsplit('=').next().unwrap_or_default().to_owned();
        let pieces: Vec<&str> =
            assertion.as_bytes().chunks(20).map(|c| std::str::from_utf8(c).expect("text")).collect();
        let bytes = format!("{:?}", assertion.as_bytes());
        let text = format!("bad: {} or {bytes}", pieces.join(" "));
        (
            400,
            Vec::new(),
            json!({"error": "invalid_request", "error_description": text}).to_string().into_bytes(),
        )
    });
    let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(format!("{}/token", server.url))
        .build()
        .expect("a source");
    let error = source.token().expect_err("refused");
    assert_eq!(
        error.message(),
        "the token endpoint refused the assertion: invalid_request (bad: [long word removed] or [numbers removed])"
    );
}

#[test]
fn server_that_asks_to_come_back_later_is_obeyed() {
    let busy = |after: &'static str| {
        Endpoint::start(move |_| (429, vec![("Retry-After", after.into())], Vec::new()))
    };
    let call = |server: &Endpoint, clock: &ManualClock| {
        let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
            .token_endpoint(format!("{}/token", server.url))
            .clock(clock.clone())
            .build()
            .expect("a source");
        std::thread::spawn(move || source.token().expect_err("busy"))
    };
    let (server, clock) = (busy("3"), ManualClock::new());
    let caller = call(&server, &clock);
    for attempt in 1..=2 {
        while server.received().len() < attempt || clock.waiting() == 0 {
            std::thread::yield_now();
        }
        clock.advance(Duration::from_secs(3));
    }
    let error = caller.join().expect("no panic");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, Some(3)));
    assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(3)));

    let (server, clock) = (busy("31"), ManualClock::new());
    let error = call(&server, &clock).join().expect("no panic");
    assert_eq!((error.attempts(), server.received().len()), (Some(1), 1), "longer than the call may take");
    assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(31)));
}

#[test]
fn token_endpoint_of_the_key_file_must_be_googles() {
    let with_uri = |uri: &str| {
        let mut file: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
        file["token_uri"] = uri.into();
        ServiceAccountKey::from_json(&file.to_string()).expect("a key")
    };
    for uri in [
        "http://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com.evil.example/token",
        "https://oauth2.googleapis.com@evil.example/token",
        "https://oauth2.googleapis.com:8443/token",
        "https://oauth2.googleapis.com/token?x=1",
        "https://oauth2.googleapis.com/token#",
        "https://169.254.169.254/token",
        "HTTPS://oauth2.googleapis.com/token\r\n",
        "",
    ] {
        let error = shortway::service_account(with_uri(uri), [ANALYTICS_READONLY]).build().expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "the `token_uri` of the key file is none of Google's token endpoints, so nothing is sent there; it should be \
             https://oauth2.googleapis.com/token; to use another endpoint on purpose, name it with token_endpoint()"
        );
    }
    let old = with_uri("https://accounts.google.com/o/oauth2/token");
    let source = shortway::service_account(old, [ANALYTICS_READONLY]).build().expect("an old key file");
    let identity = source.identity().expect("known");
    assert_eq!(identity.endpoint(), Some("https://accounts.google.com/o/oauth2/token"));
    shortway::service_account(with_uri("http://localhost/"), [ANALYTICS_READONLY])
        .token_endpoint("https://proxy.example/token")
        .build()
        .expect("what the caller names counts");
}

#[test]
fn scopes_are_checked_before_anything_is_sent() {
    let build = |scopes: &[&str]| shortway::service_account(throw_away_key(), scopes.iter().copied()).build();
    for scopes in [&[][..], &[""], &["a b"], &["a,b"], &["a\"b"], &["a\nb"], &["\u{e9}"]] {
        assert_eq!(build(scopes).expect_err("no scope").kind(), ErrorKind::Config, "{scopes:?}");
    }
    assert_eq!(
        build(&["a,b"]).expect_err("two in one").to_string(),
        "\"a,b\" is not one scope; give a list of scopes, one URL each, such as [shortway::scope::ANALYTICS_READONLY]"
    );
    let twice = build(&["x", "y", "x"]).expect("scopes");
    assert_eq!(twice.identity().expect("known").scopes(), ["x", "y"]);
}

#[test]
fn failing_server_is_asked_three_times_and_a_refusing_one_once() {
    let ask = |status: u16, body: &str, policy: RetryPolicy| {
        let server = Endpoint::always(status, body);
        let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
            .token_endpoint(format!("{}/token", server.url))
            .retry(policy)
            .build()
            .expect("a source");
        let error = source.token().expect_err("a failure");
        assert_eq!(error.attempts(), Some(server.received().len() as u32));
        server.received().len()
    };
    let mut quick = RetryPolicy::default();
    quick.base = Duration::from_millis(1);
    assert_eq!(ask(503, "", quick), 3);
    assert_eq!(ask(503, "", RetryPolicy::NONE), 1);
    assert_eq!(ask(400, r#"{"error": "invalid_grant"}"#, quick), 1);
}

#[test]
fn oversized_answer_is_cut_off() {
    let server = Endpoint::always(200, &format!(r#"{{"access_token": "{}"}}"#, "a".repeat(100_000)));
    let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(format!("{}/token", server.url))
        .build()
        .expect("a source");
    let error = source.token().expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().ends_with("is larger than 65536 bytes"), "{error}");
}
