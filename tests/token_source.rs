//! The contract: every decorator forwards every method, and public types can be shared between threads.

use shortway::testing::{FakeGoogle, ManualClock, ScriptedSource};
use shortway::{
    Ask, Authorized, Cached, Clock, Error, ErrorKind, Identity, Secret, ServiceAccount, ServiceAccountKey,
    Signer, Token, TokenKind, TokenSource,
};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

fn source() -> ScriptedSource {
    let identity = Identity::new().with_email("a@b.example");
    ScriptedSource::new().then_token("one").then_token("two").with_identity(identity)
}

/// Calls every method through `wrapped` and looks for the calls in `inner`.
#[track_caller]
fn assert_forwards(wrapped: &dyn TokenSource, inner: &ScriptedSource) {
    assert_eq!(wrapped.identity().as_ref().and_then(Identity::email), Some("a@b.example"));
    let token = wrapped.token().expect("the first token");
    assert_eq!(token.expose_secret(), "one");
    let deadline = Instant::now() + Duration::from_secs(9);
    let other = wrapped
        .token_for(&Ask::new().with_deadline(deadline).with_other_than(token.clone()))
        .expect("the second token");
    assert_eq!(other.expose_secret(), "two");
    let ask = inner.asks().pop().expect("two calls");
    assert_eq!((ask.deadline(), ask.other_than()), (Some(deadline), Some(&token)));
    wrapped.invalidate(&other);
    assert_eq!(inner.invalidated(), [other]);
}

#[test]
fn references_boxes_and_arcs_forward_every_method() {
    let inner = source();
    assert_forwards(&&inner, &inner);
    let inner = Arc::new(source());
    assert_forwards(&Arc::clone(&inner), &inner);
    let inner = Arc::new(source());
    let of_dyn: Arc<dyn TokenSource> = Arc::clone(&inner) as _;
    assert_forwards(&of_dyn, &inner);
    let inner = Arc::new(source());
    assert_forwards(&Box::new(Arc::clone(&inner)), &inner);
    let inner = Arc::new(source());
    let of_dyn: Box<dyn TokenSource> = Box::new(Arc::clone(&inner));
    assert_forwards(&of_dyn, &inner);
}

#[test]
fn cached_forwards_every_method() {
    let inner = Arc::new(source());
    assert_forwards(&Cached::new(Arc::clone(&inner)), &inner);
}

/// Has a token that needs no request, and no other.
struct Keeps(Token);

impl TokenSource for Keeps {
    fn token(&self) -> Result<Token, Error> {
        Err(Error::new(ErrorKind::Unavailable, "the endpoint is down"))
    }
    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        Some(self.0.clone()).filter(|token| ask.other_than() != Some(token))
    }
}

#[test]
fn kept_token_is_forwarded_and_used_after_a_failure() {
    let hour = Duration::from_secs(3600);
    let token = Token::new(TokenKind::Access, "kept", SystemTime::now() + hour).expect("a token");
    let inner = Arc::new(Keeps(token.clone()));
    let shared: Arc<dyn TokenSource> = Arc::clone(&inner) as _;
    let boxed: Box<dyn TokenSource> = Box::new(Arc::clone(&inner));
    let cached = Cached::new(Arc::clone(&inner));
    for source in [&&*inner as &dyn TokenSource, &shared, &boxed, &cached] {
        assert_eq!(source.kept_token(&Ask::new()), Some(token.clone()));
        assert_eq!(source.kept_token(&Ask::new().with_other_than(token.clone())), None);
    }
    assert_eq!(ScriptedSource::numbered().kept_token(&Ask::new()), None);
    // The refresh fails; its caller and those in the pause after it get what is kept.
    assert_eq!(cached.token().expect("kept"), token);
    assert_eq!(cached.token().expect("kept"), token);
    let error = cached.token_for(&Ask::new().with_other_than(token)).expect_err("not this one");
    assert_eq!(error.kind(), ErrorKind::Backoff);
}

#[test]
fn token_hides_its_secret_and_shows_when_it_expires() {
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let token = Token::new(TokenKind::Access, "ya29.secret", expires_at).expect("a token");
    assert_eq!(
        format!("{token:?}"),
        "Token { kind: Access, expires_at: 2026-01-01T00:00:00Z, secret: [redacted] }"
    );
    assert_eq!((token.kind(), token.expires_at()), (TokenKind::Access, expires_at));
    assert_eq!((token.expose_secret(), token.authorization_secret()), ("ya29.secret", "Bearer ya29.secret"));
}

#[test]
fn tokens_are_equal_when_a_server_cannot_tell_them_apart() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let token = |kind, secret, seconds| Token::new(kind, secret, at(seconds)).expect("a token");
    let first = token(TokenKind::Access, "ya29.one", 100);
    assert_eq!(first, token(TokenKind::Access, "ya29.one", 200));
    assert_eq!(first, first.clone().with_lifetime(Duration::from_secs(50)));
    assert_ne!(first, token(TokenKind::Access, "ya29.two", 100));
    assert_ne!(first, token(TokenKind::Id, "ya29.one", 100));
}

#[test]
fn token_knows_its_granted_lifetime_and_when_it_has_expired() {
    let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
    let token = Token::new(TokenKind::Access, "ya29.one", expires_at).expect("a token");
    assert_eq!(token.lifetime(), None);
    let granted = token.clone().with_lifetime(Duration::from_secs(3600));
    assert_eq!((granted.lifetime(), granted.expires_at()), (Some(Duration::from_secs(3600)), expires_at));
    assert_eq!(granted.authorization_secret(), "Bearer ya29.one");
    assert!(!token.is_expired(expires_at - Duration::from_secs(1)));
    assert!(token.is_expired(expires_at));
}

#[test]
fn token_that_a_header_cannot_carry_is_refused_and_not_shown() {
    let long = "a".repeat(8193);
    for text in ["", "a b", "a\r\nX: y", "a\n", "\u{e9}", "a\"b", "a\u{7f}", "=", "a=b", long.as_str()] {
        let error = Token::new(TokenKind::Access, text, SystemTime::now()).expect_err("no token");
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(text.len() < 2 || !format!("{error} {error:?}").contains(text), "{error:?}");
    }
    for text in ["a", "ya29.c.b0Aaekm1K-_~+/==", &long[..8192]] {
        Token::new(TokenKind::Access, text, SystemTime::now()).expect("a token");
    }
}

#[test]
fn public_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Token>();
    shared::<Error>();
    shared::<Secret>();
    shared::<ServiceAccountKey>();
    shared::<ServiceAccount>();
    shared::<Cached<ServiceAccount>>();
    shared::<Authorized>();
    shared::<FakeGoogle>();
    shared::<ManualClock>();
    shared::<Box<dyn TokenSource>>();
    shared::<Box<dyn Signer>>();
    shared::<Box<dyn Clock>>();
    #[cfg(feature = "analytics")]
    shared::<(shortway::analytics::Analytics, shortway::analytics::Report)>();
}
