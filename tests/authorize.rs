//! Requests with a token: what is sent where, and what happens to a token that is refused.

mod util;

use shortway::http::{Method, Request, RequestBody, Response, UreqTransport};
use shortway::testing::ManualClock;
use shortway::{Ask, Authorized, Cached, Clock, Error, ErrorKind, Identity, Token, TokenKind, TokenSource};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use util::endpoint::{Answer, Endpoint, Received};

/// Gives tokens with these texts in turn, the last one for ever, each with an hour more to live; keeps what
/// is refused.
struct Texts {
    texts: &'static [&'static str],
    given: AtomicU32,
    refused: Mutex<Vec<String>>,
    identity: Identity,
}

fn texts(texts: &'static [&'static str]) -> Arc<Texts> {
    let (given, refused, identity) = (AtomicU32::new(0), Mutex::default(), Identity::new());
    Arc::new(Texts { texts, given, refused, identity })
}

impl TokenSource for Texts {
    fn token(&self) -> Result<Token, Error> {
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        let text = self.texts[(given as usize).min(self.texts.len() - 1)];
        Token::new(TokenKind::Access, text, SystemTime::now() + Duration::from_secs(3600) * (given + 1))
    }

    fn invalidate(&self, token: &Token) {
        self.refused.lock().expect("no panic").push(token.expose_secret().to_owned());
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.identity.clone())
    }
}

/// Answers 401 with this challenge to `Bearer old`, 200 to every other token.
fn server(challenge: Option<&'static str>) -> Endpoint {
    Endpoint::start(move |request: &Received| -> Answer {
        if request.header("Authorization") != Some("Bearer old") {
            return (200, Vec::new(), b"ok".to_vec());
        }
        let challenge = challenge.map(|text| ("WWW-Authenticate", text.to_owned()));
        (401, challenge.into_iter().collect(), b"refused".to_vec())
    })
}

fn post<'a>(url: &str, body: impl Into<RequestBody<'a>>) -> Request<RequestBody<'a>> {
    Request::post(url).body(body.into()).expect("a request")
}

fn sent(server: &Endpoint) -> Vec<(String, Vec<u8>)> {
    let header = |r: &Received| r.header("Authorization").unwrap_or_default().to_owned();
    server.received().iter().map(|r| (header(r), r.body.clone())).collect()
}

#[test]
fn refused_token_is_replaced_once_with_or_without_a_challenge() {
    for challenge in [
        None,
        Some(r#"Bearer realm="https://accounts.google.com/""#),
        Some(r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#),
    ] {
        let (server, tokens) = (server(challenge), texts(&["old", "new"]));
        let api = Authorized::new(Arc::clone(&tokens), UreqTransport::new());
        let response = api.send(post(&server.url, "body")).expect("a response");
        assert_eq!((response.status().as_u16(), response.body().as_slice()), (200, b"ok".as_slice()));
        let twice =
            [("Bearer old".to_owned(), b"body".to_vec()), ("Bearer new".to_owned(), b"body".to_vec())];
        assert_eq!(sent(&server), twice, "{challenge:?}");
        assert_eq!(*tokens.refused.lock().expect("no panic"), ["old"]);
    }
}

#[test]
fn refusal_for_another_reason_is_the_response() {
    let (server, tokens) = (server(Some(r#"Bearer error="insufficient_scope""#)), texts(&["old", "new"]));
    let api = Authorized::new(Arc::clone(&tokens), UreqTransport::new());
    assert_eq!(api.send(post(&server.url, "body")).expect("a response").status(), 401);
    assert_eq!((server.received().len(), tokens.refused.lock().expect("no panic").len()), (1, 0));
}

#[test]
fn replay_never_uses_the_very_token_that_was_refused() {
    // The same text with another expiry is the same token to a server.
    let (server, tokens) = (server(None), texts(&["old"]));
    let api = Authorized::new(Cached::new(Arc::clone(&tokens)), UreqTransport::new());
    for _ in 0..5 {
        assert_eq!(api.send(post(&server.url, ())).expect("a response").status(), 401);
    }
    assert_eq!(server.received().len(), 5, "each request is sent once");
    assert!(tokens.given.load(Ordering::Relaxed) <= 4, "at most three refusals a minute cost a token");
}

#[test]
fn body_from_a_reader_is_sent_once() {
    let (server, tokens) = (server(None), texts(&["old", "new"]));
    let api = Authorized::new(tokens, UreqTransport::new());
    let request = post(&server.url, RequestBody::reader(b"stream".as_slice(), Some(6)));
    assert_eq!(api.send(request).expect("a response").status(), 401);
    assert_eq!(sent(&server), [("Bearer old".to_owned(), b"stream".to_vec())]);
}

#[test]
fn every_method_is_sent_and_a_callers_own_authorization_is_not() {
    let server = server(None);
    let api = Authorized::new(texts(&["new"]), UreqTransport::new());
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
        let request =
            Request::builder().method(&method).uri(&server.url).header("Authorization", "Bearer mine");
        let body =
            if matches!(method, Method::PUT | Method::PATCH) { "body".into() } else { RequestBody::Empty };
        api.send(request.body(body).expect("a request")).expect("a response");
        let received = server.received().pop().expect("a request");
        assert_eq!(received.line, format!("{method} / HTTP/1.1"));
        assert_eq!(received.header("Authorization"), Some("Bearer new"));
    }
}

#[test]
fn quota_project_is_sent_unless_the_request_names_one() {
    let server = server(None);
    let identity = Identity::new().with_quota_project_id("nightly-123");
    let mut tokens = texts(&["new"]);
    Arc::get_mut(&mut tokens).expect("not shared").identity = identity;
    let api = Authorized::new(tokens, UreqTransport::new());
    api.send(post(&server.url, ())).expect("a response");
    let request =
        Request::get(&server.url).header("x-goog-user-project", "other").body(()).expect("a request");
    api.send(request).expect("a response");
    let projects: Vec<_> =
        server.received().iter().map(|r| r.header("x-goog-user-project").map(str::to_owned)).collect();
    assert_eq!(projects, [Some("nightly-123".to_owned()), Some("other".to_owned())]);
}

#[test]
fn limit_on_a_response_is_told_with_the_way_to_raise_it() {
    let server = Endpoint::always(200, &"a".repeat(2000));
    let api = Authorized::new(texts(&["new"]), UreqTransport::new()).with_max_body(1000);
    let error = api.send(post(&server.url, ())).expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(
        error.to_string(),
        format!(
            "the response of {} is larger than 1000 bytes; raise the limit with Authorized::with_max_body",
            server.url.trim_start_matches("http://")
        )
    );
    let api = api.with_max_body(2000);
    assert_eq!(api.send(post(&server.url, ())).expect("a response").body().len(), 2000);
}

#[test]
fn token_goes_only_to_https_or_this_machine() {
    let tokens = texts(&["new"]);
    let api = Authorized::new(Arc::clone(&tokens), UreqTransport::new());
    for url in ["http://example.com/", "http://localhost:1/", "https://user@example.com/", "/path"] {
        assert_eq!(api.send(post(url, ())).expect_err(url).kind(), ErrorKind::Config);
    }
    assert_eq!(tokens.given.load(Ordering::Relaxed), 0);
}

#[test]
fn deadline_holds_for_the_token_and_the_request() {
    let clock = ManualClock::new();
    let source_clock = clock.clone();
    let slow = shortway::from_fn(move || {
        source_clock.advance(Duration::from_secs(40));
        Token::new(TokenKind::Access, "new", source_clock.now() + Duration::from_secs(3600))
    });
    let server = server(None);
    let api = Authorized::new(slow, UreqTransport::new()).with_clock(clock.clone());
    let error = api.send(post(&server.url, ())).expect_err("30 s are over");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let ask = Ask::new().with_deadline(clock.monotonic() + Duration::from_secs(50));
    let patient = api.with_timeout(Duration::from_secs(60));
    let response: Response<Vec<u8>> = patient.send_for(post(&server.url, ()), &ask).expect("in time");
    assert_eq!((response.status().as_u16(), server.received().len()), (200, 1));
}
