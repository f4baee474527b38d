//! A 401: which token is replaced, and that the request is sent once more at most.

use super::*;
use shortway::testing::ManualClock;
use shortway::{Cached, Clock, Error, ErrorKind, Token, TokenKind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// Answers 401 with this challenge to the first token, 200 to every other.
fn challenging(challenge: Option<&'static str>) -> Endpoint {
    Endpoint::start(move |request| {
        if !is_old(request) {
            return ok();
        }
        let challenge = challenge.map(|text| ("WWW-Authenticate", text.to_owned()));
        (401, challenge.into_iter().collect(), b"refused".to_vec())
    })
}

#[test]
fn refused_token_is_replaced_once_with_or_without_a_challenge() {
    for challenge in [
        None,
        Some(r#"Bearer realm="https://accounts.google.com/""#),
        Some(r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#),
    ] {
        let (server, tokens) = (challenging(challenge), numbered());
        let response =
            api(Arc::clone(&tokens), &server.url).send(post(&server.url, "body")).expect("a response");
        assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, b"ok".as_slice()));
        assert_eq!(sent(&server), pairs(&[("token-1", "body"), ("token-2", "body")]), "{challenge:?}");
        assert_eq!(invalidated(&tokens), ["token-1"]);
    }
}

#[test]
fn refusal_for_another_reason_is_the_response() {
    let (server, tokens) = (challenging(Some(r#"Bearer error="insufficient_scope""#)), numbered());
    let api = api(Arc::clone(&tokens), &server.url);
    assert_eq!(api.send(post(&server.url, "body")).expect("a response").status(), 401);
    assert_eq!((server.received().len(), invalidated(&tokens).len()), (1, 0));
}

#[test]
fn second_refusal_is_the_response() {
    let (server, tokens) = (Endpoint::start(|_| unauthorized()), numbered());
    let api = api(Arc::clone(&tokens), &server.url);
    let response = api.send(post(&server.url, "body")).expect("a response");
    assert_eq!((response.status().as_u16(), response.body().as_slice()), (401, b"refused".as_slice()));
    assert_eq!(sent(&server), pairs(&[("token-1", "body"), ("token-2", "body")]));
    assert_eq!(invalidated(&tokens), ["token-1"]);
}

#[test]
fn replay_never_uses_the_very_token_that_was_refused() {
    // The same text with another expiry is the same token to a server.
    let given = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&given);
    let tokens = shortway::from_fn(move || {
        let given = count.fetch_add(1, Ordering::Relaxed);
        Token::new(TokenKind::Access, "token-1", SystemTime::now() + Duration::from_secs(3600) * (given + 1))
    });
    let server = server();
    let api = api(Cached::new(tokens), &server.url);
    for _ in 0..5 {
        assert_eq!(api.send(post(&server.url, ())).expect("a response").status(), 401);
    }
    assert_eq!(server.received().len(), 5, "each request is sent once");
    assert!(given.load(Ordering::Relaxed) <= 4, "at most three refusals a minute cost a token");
}

#[test]
fn source_that_fails_after_a_refusal_is_the_error() {
    let tokens =
        ScriptedSource::new().then_token("token-1").then_error(Error::new(ErrorKind::Dns, "no network"));
    let server = server();
    let error = api(tokens, &server.url).send(get(&server.url)).expect_err("no token");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Dns, "no network"));
}

#[test]
fn deadline_holds_for_the_token_and_the_request() {
    let clock = ManualClock::new();
    let source_clock = clock.clone();
    let slow = shortway::from_fn(move || {
        source_clock.advance(Duration::from_secs(40));
        Token::new(TokenKind::Access, "token-2", source_clock.now() + Duration::from_secs(3600))
    });
    let server = server();
    let api = api(slow, &server.url).with_clock(clock.clone());
    let error = api.send(get(&server.url)).expect_err("30 s are over");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let patient = api.with_timeout(Duration::from_secs(60));
    let in_time = patient.clone().with_deadline(clock.monotonic() + Duration::from_secs(50));
    assert_eq!(in_time.send(get(&server.url)).expect("in time").status(), 200);
    let late = patient.with_deadline(clock.monotonic() + Duration::from_secs(30));
    assert_eq!(late.send(get(&server.url)).expect_err("too late").kind(), ErrorKind::Timeout);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn longest_time_limits_are_no_panic() {
    let server = server();
    let api = api(ScriptedSource::new().then_token("token-2"), &server.url);
    let api = api.with_timeout(Duration::MAX).with_read_timeout(Duration::MAX);
    let response = api.stream(get(&server.url)).expect("a response");
    assert_eq!(std::io::read_to_string(response.into_body()).expect("a body"), "ok");
}
