//! Sources built from options: what they send, what they refuse to be.

use crate::{Scripted, builder as throw_away, token_response};
use serde_json::Value;
use shortway::http::Timeouts;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, ManualClock, THROW_AWAY_KEY_JSON, throw_away_key};
use shortway::{Ask, Clock, Error, ErrorKind, ServiceAccountKey, Signer, TokenKind, TokenSource};
use std::sync::Mutex;
use std::time::{Duration, Instant};

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
    ] {
        let error = shortway::service_account(with_uri(uri), [ANALYTICS_READONLY]).build().expect_err(uri);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "the `token_uri` of the key file is not one of Google's token endpoints, so nothing is sent \
             there; it should be \
             https://oauth2.googleapis.com/token; to use another endpoint on purpose, name it with \
             token_endpoint()"
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
        "\"a,b\" is not one scope; give a list of scopes, one URL each, such as \
         [shortway::scope::ANALYTICS_READONLY]"
    );
    let twice = build(&["x", "y", "x"]).expect("scopes");
    assert_eq!(twice.identity().expect("known").scopes(), ["x", "y"]);
}

#[test]
fn identity_is_one_whatever_the_order_of_scopes() {
    let identity = |scopes: &[&str]| {
        let source = shortway::service_account(throw_away_key(), scopes.iter().copied()).build();
        source.expect("a source").identity().expect("known")
    };
    assert_eq!(identity(&["b", "a", "b"]), identity(&["a", "b"]));
    assert_ne!(identity(&["a"]), identity(&["a", "b"]));
    assert_eq!(identity(&["a"]).kind(), Some(TokenKind::Access));
}

#[test]
fn quota_project_is_part_of_the_identity_and_shapes_no_token() {
    let source = |project: &str| {
        let source = throw_away("http://127.0.0.1:1").quota_project_id(project).build();
        source.expect("a source").identity().expect("known")
    };
    let (a, b) = (source("a"), source("b"));
    assert_eq!(a.quota_project_id(), Some("a"));
    assert!(a != b && a.same_tokens(&b));
}

#[test]
fn source_for_another_subject_is_another_source() {
    let identity = |email: &str| {
        let source = throw_away("http://127.0.0.1:1").subject(email).build();
        source.expect("a source").identity().expect("known")
    };
    let (jane, john) = (identity("jane@example.com"), identity("john@example.com"));
    assert_eq!(jane.subject(), Some("jane@example.com"));
    assert!(jane != john && !jane.same_tokens(&john));
    let itself = throw_away("http://127.0.0.1:1").build().expect("a source").identity().expect("known");
    assert!(itself.subject().is_none() && !itself.same_tokens(&jane));
}

#[test]
fn subject_or_audience_that_google_refuses_builds_no_source() {
    for subject in ["", " ", "jane@example.com ", "jane@example.com,john@example.com", "jane@example.com\n"] {
        let error = throw_away("http://127.0.0.1:1").subject(subject).build().expect_err(subject);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(
            error.to_string(),
            "the subject is not the e-mail address of one user; give one address, such as jane@example.com, \
             and build a source for each user; leave the subject out to act as the account itself"
        );
    }
    let error = throw_away("http://127.0.0.1:1").audience("").build().expect_err("an empty audience");
    assert_eq!(
        error.to_string(),
        "the audience of assertions is empty; leave it out, or name Google's: \
         https://oauth2.googleapis.com/token"
    );
}

/// Signs after a while.
struct Slow(ManualClock, Duration);

impl Signer for Slow {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        self.0.advance(self.1);
        throw_away_key().signer().sign(message, deadline)
    }
}

#[test]
fn signing_counts_against_the_deadline() {
    let clock = ManualClock::new();
    let second = Duration::from_secs(1);
    let signer = Slow(clock.clone(), 2 * second);
    let key = ServiceAccountKey::with_signer("a@b.example", None, signer).expect("a key");
    let given: &'static Mutex<Vec<Timeouts>> = Box::leak(Box::default());
    let transport = Scripted::new(move |_, timeouts| {
        given.lock().expect("no panic").push(timeouts);
        Ok(token_response("ya29.x"))
    });
    let source = shortway::service_account(key, [ANALYTICS_READONLY])
        .token_endpoint("http://127.0.0.1:1/token")
        .transport(transport)
        .clock(clock.clone())
        .build_uncached()
        .expect("a source");
    source.token_for(&Ask::new().with_deadline(clock.monotonic() + 5 * second)).expect("a token");
    assert_eq!(given.lock().expect("no panic")[0].total, 3 * second);
    let error =
        source.token_for(&Ask::new().with_deadline(clock.monotonic() + second)).expect_err("too late");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(given.lock().expect("no panic").len(), 1, "nothing is sent after the deadline");
}

#[test]
fn options_that_google_refuses_fail_when_the_source_is_built() {
    let build = || throw_away("http://127.0.0.1:1");
    for (builder, message) in [
        (build().subject(""), "the subject is not the e-mail address of one user"),
        (build().subject("bob"), "the subject is not the e-mail address of one user"),
        (build().subject("bob@example.com "), "the subject is not the e-mail address of one user"),
        (build().audience(""), "the audience of assertions is empty"),
        (build().quota_project_id("a b"), "the quota project is not a project id"),
        (build().quota_project_id(""), "the quota project is not a project id"),
    ] {
        let error = builder.build().expect_err(message);
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, message));
        assert!(error.hint().is_some());
    }
    build().subject("jane@example.com").quota_project_id("example.com:my-project").build().expect("a source");
}
