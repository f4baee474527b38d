//! Assertions, byte for byte what an independent implementation makes: `data/golden/make.py` says how.

use shortway::ErrorKind;
use shortway::jwt::{Claims, assertion};
use shortway::scope::{ANALYTICS, ANALYTICS_READONLY};
use shortway::testing::throw_away_key;
use std::time::{Duration, SystemTime};

/// 2026-01-01 00:00:00 UTC.
const NOW: Duration = Duration::from_secs(1_767_225_600);

#[track_caller]
fn check(golden: &str, key_id: Option<&str>, claims: Claims<'_>) {
    let key = throw_away_key();
    let claims =
        Claims { issuer: key.client_email(), audience: "https://oauth2.googleapis.com/token", ..claims };
    let made = assertion(key.signer(), key_id, &claims, SystemTime::UNIX_EPOCH + NOW).expect("an assertion");
    assert_eq!(made.expose_secret(), golden);
}

#[test]
fn assertion_is_what_pyjwt_makes() {
    let key = throw_away_key();
    let scope = Some(ANALYTICS_READONLY);
    check(include_str!("data/golden/plain.jwt"), key.key_id(), Claims { scope, ..Claims::default() });
    check(include_str!("data/golden/no_key_id.jwt"), None, Claims { scope, ..Claims::default() });
    check(
        include_str!("data/golden/id_token.jwt"),
        key.key_id(),
        Claims { target_audience: Some("https://service.example.com/"), ..Claims::default() },
    );
    check(
        include_str!("data/golden/subject_two_scopes.jwt"),
        key.key_id(),
        Claims {
            scope: Some(&format!("{ANALYTICS_READONLY} {ANALYTICS}")),
            subject: Some("jane@example.com"),
            ..Claims::default()
        },
    );
}

#[test]
fn clock_before_1970_is_told() {
    let key = throw_away_key();
    let error =
        assertion(key.signer(), None, &Claims::default(), SystemTime::UNIX_EPOCH).expect_err("too early");
    assert_eq!(error.kind(), ErrorKind::Clock);
    assert_eq!(
        error.to_string(),
        "cannot sign an assertion: the clock of this machine stands before 1970; set the clock, or let it be set by NTP"
    );
}
