//! Assertions, byte for byte what an independent implementation makes: `data/golden/make.py` says how.

use shortway::jwt::{Claims, assertion};
use shortway::scope::{ANALYTICS, ANALYTICS_READONLY};
use shortway::testing::throw_away_key;
use shortway::{Error, ErrorKind, ServiceAccountKey, Signer};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

/// 2026-01-01 00:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_767_225_600);

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";
const ENDPOINT: &str = "https://oauth2.googleapis.com/token";

fn sign(key_id: Option<&str>, claims: Claims<'_>, now: Duration) -> Result<String, Error> {
    let now = SystemTime::UNIX_EPOCH + now;
    let signed = assertion(throw_away_key().signer(), key_id, &claims, now, Instant::now())?;
    Ok(signed.expose_secret().to_owned())
}

#[test]
fn assertion_is_what_pyjwt_makes() {
    let key = throw_away_key();
    let readonly = Claims::for_scope(EMAIL, ENDPOINT, ANALYTICS_READONLY);
    let two = format!("{ANALYTICS_READONLY} {ANALYTICS}");
    for (golden, key_id, claims) in [
        (include_str!("data/golden/plain.jwt"), key.key_id(), readonly),
        (include_str!("data/golden/no_key_id.jwt"), None, readonly),
        (
            include_str!("data/golden/id_token.jwt"),
            key.key_id(),
            Claims::for_target_audience(EMAIL, ENDPOINT, "https://service.example.com/"),
        ),
        (
            include_str!("data/golden/subject_two_scopes.jwt"),
            key.key_id(),
            Claims::for_scope(EMAIL, ENDPOINT, &two).subject("jane@example.com"),
        ),
    ] {
        assert_eq!(sign(key_id, claims, NOW).expect("an assertion"), golden);
    }
}

#[track_caller]
fn assert_refused(claims: Claims<'_>, now: Duration, kind: ErrorKind, text: &str) {
    let error = sign(None, claims, now).expect_err(text);
    assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
}

#[test]
fn clock_before_1970_is_refused() {
    assert_refused(
        Claims::for_scope(EMAIL, ENDPOINT, ANALYTICS),
        Duration::ZERO,
        ErrorKind::Clock,
        "cannot sign an assertion: the clock of this machine is before 1970; set the clock, or let NTP set \
         it",
    );
}

#[test]
fn empty_claim_is_refused_by_its_name() {
    for (claims, name) in [
        (Claims::for_scope("", ENDPOINT, ANALYTICS), "issuer"),
        (Claims::for_scope(EMAIL, "", ANALYTICS), "audience"),
        (Claims::for_scope(EMAIL, ENDPOINT, ""), "scope"),
        (Claims::for_target_audience(EMAIL, ENDPOINT, ""), "target audience"),
        (Claims::for_scope(EMAIL, ENDPOINT, ANALYTICS).subject(""), "subject"),
    ] {
        let text = format!(
            "cannot sign an assertion: its {name} is empty; \
             give a value: without one, Google refuses it"
        );
        assert_refused(claims, NOW, ErrorKind::Config, &text);
    }
}

/// Keeps the deadline that it was given.
#[derive(Default)]
struct Elsewhere(Mutex<Option<Instant>>);

impl Signer for Elsewhere {
    fn sign(&self, _: &[u8], deadline: Instant) -> Result<Vec<u8>, Error> {
        *self.0.lock().expect("no panic") = Some(deadline);
        Ok(vec![1, 2, 3])
    }
}

#[test]
fn signer_elsewhere_is_given_the_deadline_through_every_pointer() {
    let signer = Arc::new(Elsewhere::default());
    let claims = Claims::for_scope(EMAIL, ENDPOINT, ANALYTICS);
    let pointers: [Box<dyn Signer + '_>; 4] = [
        Box::new(&*signer),
        Box::new(Arc::clone(&signer)),
        Box::new(Box::new(Arc::clone(&signer)) as Box<dyn Signer>),
        Box::new(Arc::clone(&signer) as Arc<dyn Signer>),
    ];
    for (seconds, pointer) in (1..).zip(pointers) {
        let deadline = Instant::now() + Duration::from_secs(seconds);
        let now = SystemTime::UNIX_EPOCH + NOW;
        let signed = assertion(&pointer, None, &claims, now, deadline).expect("an assertion");
        assert!(signed.expose_secret().ends_with(".AQID"));
        assert_eq!(*signer.0.lock().expect("no panic"), Some(deadline));
    }
    let key = ServiceAccountKey::with_signer(EMAIL, Some(String::new()), Arc::clone(&signer)).expect("a key");
    assert_eq!(key.key_id(), None);
}
