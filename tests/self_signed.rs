//! Tokens that the key signs itself: what is in them, how long they are kept, what they cannot be.

use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::jwt::{Access, self_signed};
use shortway::scope::{ANALYTICS, ANALYTICS_READONLY};
use shortway::testing::{ManualClock, throw_away_key};
use shortway::{
    Ask, Clock, Error, ErrorKind, RetryPolicy, ServiceAccountKey, Signer, Token, TokenKind, TokenSource,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

const API: &str = "https://analyticsdata.googleapis.com/";

/// Made by `PyJWT` at the time that [`ManualClock`] starts with, and verified by it.
const BY_SCOPE: &str = include_str!("data/golden/self_signed_scope.jwt");
const BY_AUDIENCE: &str = include_str!("data/golden/self_signed_audience.jwt");

/// A transport that must not be used.
struct NoNetwork;

impl Transport for NoNetwork {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        panic!("a self-signed token needs no request")
    }
}

#[test]
fn self_signed_tokens_are_what_pyjwt_makes_and_no_request_is_sent() {
    let scopes = shortway::self_signed(throw_away_key(), [ANALYTICS_READONLY]);
    let audience = shortway::self_signed_for(throw_away_key(), API);
    for (builder, golden) in [(scopes, BY_SCOPE), (audience, BY_AUDIENCE)] {
        let clock = ManualClock::new();
        let source = builder.clock(clock.clone()).transport(NoNetwork).build_uncached().expect("a source");
        let token = source.token().expect("a token");
        assert_eq!((token.kind(), token.expose_secret()), (TokenKind::Access, golden));
        // `exp` is an hour after `iat`, which is 10 s ago.
        assert_eq!(token.expires_at(), clock.now() + Duration::from_secs(3590));
        assert_eq!(token.lifetime(), Some(Duration::from_secs(3600)));
    }
}

#[test]
fn identity_says_what_a_self_signed_token_is_for() {
    let scopes = shortway::self_signed(throw_away_key(), [ANALYTICS, ANALYTICS_READONLY]).build();
    let identity = scopes.expect("a source").identity().expect("known");
    assert_eq!(identity.email(), Some("fake@throw-away.iam.gserviceaccount.com"));
    assert_eq!((identity.kind(), identity.audience()), (Some(TokenKind::Access), None));
    assert_eq!((identity.scopes().len(), identity.endpoint()), (2, None));
    let audience = shortway::self_signed_for(throw_away_key(), API).quota_project_id("payer").build();
    let identity = audience.expect("a source").identity().expect("known");
    assert_eq!((identity.audience(), identity.scopes()), (Some(API), &[][..]));
    assert_eq!(identity.quota_project_id(), Some("payer"));
}

#[test]
fn self_signed_token_is_cached_and_signed_anew_before_it_expires() {
    let clock = ManualClock::new();
    let signed = Arc::new(AtomicUsize::new(0));
    let key = ServiceAccountKey::with_signer(EMAIL, None, Elsewhere(Arc::clone(&signed), 0)).expect("a key");
    let tokens = shortway::self_signed(key, [ANALYTICS]).clock(clock.clone()).build().expect("a source");
    let first = tokens.token().expect("a token");
    clock.advance(Duration::from_secs(3590 - 226));
    assert_eq!(tokens.token().expect("the same"), first);
    clock.advance(Duration::from_secs(50));
    let second = tokens.token().expect("a new one");
    assert_eq!(signed.load(Ordering::SeqCst), 2);
    assert!(second != first && second.expires_at() == clock.now() + Duration::from_secs(3590));
}

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";

/// Signs elsewhere, counts, and fails the first times.
struct Elsewhere(Arc<AtomicUsize>, usize);

impl Signer for Elsewhere {
    fn sign(&self, message: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        if self.0.fetch_add(1, Ordering::SeqCst) < self.1 {
            return Err(Error::new(ErrorKind::Unavailable, "the KMS is busy"));
        }
        throw_away_key().signer().sign(message, deadline)
    }
}

/// A clock whose waits end at once.
struct Quick(ManualClock);

impl Clock for Quick {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }
    fn park_until(&self, deadline: Instant) {
        self.0.advance(deadline.saturating_duration_since(self.0.monotonic()));
    }
}

fn with_signer(failures: usize, ask: &Ask) -> (Result<Token, Error>, usize) {
    let signed = Arc::new(AtomicUsize::new(0));
    let signer = Elsewhere(Arc::clone(&signed), failures);
    let key = ServiceAccountKey::with_signer(EMAIL, None, signer).expect("a key");
    let builder = shortway::self_signed(key, [ANALYTICS]).clock(Quick(ManualClock::new()));
    let source = builder.retry(RetryPolicy::default()).build_uncached().expect("a source");
    (source.token_for(ask), signed.load(Ordering::SeqCst))
}

#[test]
fn signer_elsewhere_that_is_busy_is_called_again() {
    let (token, calls) = with_signer(2, &Ask::new());
    assert_eq!((token.expect("a token").kind(), calls), (TokenKind::Access, 3));
    let (token, calls) = with_signer(9, &Ask::new());
    assert_eq!((token.expect_err("busy").kind(), calls), (ErrorKind::Unavailable, 3));
    let (token, calls) = with_signer(9, &Ask::new().with_single_attempt());
    assert_eq!((token.expect_err("busy").kind(), calls), (ErrorKind::Unavailable, 1));
    let (token, calls) = with_signer(0, &Ask::new().with_deadline(Instant::now()));
    let error = token.expect_err("too late");
    assert_eq!((error.to_string().as_str(), calls), ("cannot get a token: the deadline has passed", 0));
}

#[test]
fn audience_or_scopes_that_google_refuses_build_no_source() {
    let hint = "it looks like https://analyticsdata.googleapis.com/";
    for (audience, fault) in [
        ("", "is not the URL of an API"),
        ("analyticsdata.googleapis.com", "is not the URL of an API"),
        ("http://analyticsdata.googleapis.com/", "is not the URL of an API"),
        ("https://", "is not the URL of an API"),
        ("https:///", "is not the URL of an API"),
        (ANALYTICS_READONLY.trim_start_matches("https:"), "is not the URL of an API"),
        ("https://analyticsdata.googleapis.com", "has no slash after the host"),
        ("https://analyticsdata.googleapis.com/\n", "has a blank or a control character in it"),
        ("https://a.googleapis.com/ https://b.googleapis.com/", "has a blank or a control character in it"),
    ] {
        let error = shortway::self_signed_for(throw_away_key(), audience).build().expect_err(audience);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), format!("the audience of the self-signed token {fault}; {hint}"));
    }
    for audience in [API, "https://pubsub.googleapis.com/google.pubsub.v1.Publisher"] {
        shortway::self_signed_for(throw_away_key(), audience).build().expect(audience);
    }
    let none = shortway::self_signed(throw_away_key(), Vec::<String>::new()).build().expect_err("no scope");
    assert_eq!(none.message(), "no scope is given");
}

#[test]
fn empty_claim_or_a_clock_before_1970_is_not_signed() {
    let sign = |email: &str, access, after| {
        let key = throw_away_key();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(after);
        let error = self_signed(key.signer(), None, email, access, now, Instant::now()).expect_err("refused");
        (error.kind(), error.to_string())
    };
    let empty = |name: &str| {
        let text =
            format!("cannot sign a JWT: its {name} is empty; give a value: without one, Google refuses it");
        (ErrorKind::Config, text)
    };
    assert_eq!(sign("", Access::Scope(ANALYTICS), 1000), empty("issuer"));
    assert_eq!(sign(EMAIL, Access::Scope(""), 1000), empty("scope"));
    assert_eq!(sign(EMAIL, Access::Audience(""), 1000), empty("audience"));
    let clock =
        "cannot sign a JWT: the clock of this machine is before 1970; set the clock, or let NTP set it";
    assert_eq!(sign(EMAIL, Access::Audience(API), 0), (ErrorKind::Clock, clock.to_owned()));
}

#[cfg(feature = "analytics")]
mod reports {
    use super::*;
    use shortway::analytics::{Analytics, DateRange, Report, ReportRequest};
    use shortway::testing::{FakeGoogle, FakeTable};
    use shortway::{SelfSignedOptions, TokensBuilder};

    fn google(clock: &ManualClock) -> FakeGoogle {
        let table = FakeTable::new(["country"], ["sessions"]).row(["Italy"], [7]);
        FakeGoogle::builder().property(1234, table).clock(clock.clone()).start().expect("a fake")
    }

    fn report(google: &FakeGoogle, tokens: TokensBuilder<SelfSignedOptions>) -> Result<Report, Error> {
        let analytics = Analytics::new(tokens.build()?).with_endpoint(&google.api_url())?;
        let days = ReportRequest::new().dates(DateRange::last_days(7));
        analytics.property(1234).run_report(&days.dimensions(["country"]).metrics(["sessions"]))
    }

    #[test]
    fn report_with_a_self_signed_token_costs_no_token_exchange() {
        let clock = ManualClock::new();
        let google = google(&clock);
        let own = format!("{}/", google.api_url());
        for tokens in [
            shortway::self_signed(google.key(), [ANALYTICS_READONLY]),
            shortway::self_signed_for(google.key(), API),
        ] {
            let report = report(&google, tokens.clock(clock.clone())).expect("a report");
            assert_eq!(report.total::<u64>("sessions").expect("a total"), 7);
        }
        assert_eq!((google.token_requests(), google.report_requests()), (0, 2));
        // The fake's own address is an audience too, for a JWT made with the pure function.
        let key = google.key();
        let access = Access::Audience(&own);
        let jwt = self_signed(key.signer(), key.key_id(), EMAIL, access, clock.now(), Instant::now());
        let jwt = jwt.expect("a JWT").expose_secret().to_owned();
        let fixed = shortway::from_fn(move || {
            Token::new(TokenKind::Access, &jwt, ManualClock::new().now() + Duration::from_secs(3590))
        });
        let analytics = Analytics::new(fixed).with_endpoint(&google.api_url()).expect("an endpoint");
        let days = ReportRequest::new().dates(DateRange::last_days(7)).metrics(["sessions"]);
        analytics.property(1234).run_report(&days).expect("a report");
    }

    #[test]
    fn fake_google_refuses_the_self_signed_token_that_google_refuses() {
        let clock = ManualClock::new();
        let google = google(&clock);
        let refused = |tokens: TokensBuilder<SelfSignedOptions>, at: &ManualClock| {
            let error = report(&google, tokens.clock(at.clone())).expect_err("a refusal");
            (error.status(), error.code().unwrap_or_default().to_owned())
        };
        let unauthenticated = (Some(401), "UNAUTHENTICATED".to_owned());
        let other_api = shortway::self_signed_for(google.key(), "https://drive.googleapis.com/");
        assert_eq!(refused(other_api, &clock), unauthenticated);
        let no_scope = shortway::self_signed(google.key(), [shortway::scope::CLOUD_PLATFORM]);
        assert_eq!(refused(no_scope, &clock), (Some(403), "PERMISSION_DENIED".to_owned()));
        let key = throw_away_key();
        let signer: Arc<dyn Signer> = Arc::new(Elsewhere(Arc::default(), 0));
        let other = ServiceAccountKey::with_signer("other@throw-away.iam.gserviceaccount.com", None, signer);
        let other = shortway::self_signed(other.expect("a key"), [ANALYTICS]);
        assert_eq!(refused(other, &clock), unauthenticated);
        let unknown_key =
            ServiceAccountKey::with_signer(EMAIL, Some("0123abcd".into()), Elsewhere(Arc::default(), 0));
        let unknown_key = shortway::self_signed(unknown_key.expect("a key"), [ANALYTICS]);
        assert_eq!(refused(unknown_key, &clock), unauthenticated);
        for ahead in [-3600_i64, 60] {
            let wrong = ManualClock::new();
            let by = Duration::from_secs(ahead.unsigned_abs());
            wrong.set(if ahead < 0 { clock.now() - by } else { clock.now() + by });
            assert_eq!(refused(shortway::self_signed(key.clone(), [ANALYTICS]), &wrong), unauthenticated);
        }
        assert_eq!(google.token_requests(), 0);
    }
}
