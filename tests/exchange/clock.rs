//! Clocks that are wrong.

use crate::{QuickClock, Scripted, builder, claims, response, token_response};
use serde_json::json;
use shortway::endpoint::token::parse;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, ManualClock};
use shortway::{Ask, Clock, Error, ErrorKind, TokenKind, TokenSource};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

/// A server at 2026-01-01 00:00 UTC that finds the assertion's dates wrong.
fn refused_for_its_dates(now: SystemTime) -> Error {
    let body = json!({"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token (60 \
                      minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim."});
    let response = response(400, &[("Date", "Thu, 01 Jan 2026 00:00:00 GMT")], body.to_string());
    parse(&response, TokenKind::Access, now, now).expect_err("a refusal")
}

#[test]
fn clock_that_is_off_is_told_by_how_much() {
    let true_time = ManualClock::new().now();
    for (ours, hint, offset) in [
        (true_time + Duration::from_secs(420), "7 minutes fast", -420),
        (true_time - Duration::from_secs(61), "61 seconds slow", 61),
        (SystemTime::UNIX_EPOCH, "20454 days slow", 1_767_225_600),
    ] {
        let error = refused_for_its_dates(ours);
        assert_eq!((error.kind(), error.clock_offset()), (ErrorKind::Clock, Some(offset)));
        assert_eq!(
            error.hint(),
            Some(
                format!(
                    "the clock of this machine is {hint}, compared with the server's: set it, or let NTP set it"
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

/// Refuses the first assertions for their dates and shows `date` as its own; keeps when each was issued.
fn refuse_dates(times: usize, date: &'static str) -> (impl shortway::http::Transport, Arc<Mutex<Vec<i64>>>) {
    let issued = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&issued);
    let transport = Scripted::new(move |form, _| {
        let mut seen = seen.lock().expect("no panic");
        seen.push(claims(form)["iat"].as_i64().expect("a time"));
        if seen.len() > times {
            return Ok(token_response("ya29.x"));
        }
        let body = json!({"error": "invalid_grant", "error_description": "Token must be in a reasonable timeframe."});
        Ok(response(400, &[("Date", date)], body.to_string()))
    });
    (transport, issued)
}

/// 2026-01-01 00:00:00 UTC less the 10 s by which assertions are dated back.
const ISSUED: i64 = 1_767_225_600 - 10;

#[test]
fn clock_that_is_less_than_a_minute_off_heals_too() {
    let (transport, issued) = refuse_dates(1, "Wed, 31 Dec 2025 23:59:20 GMT");
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(ManualClock::new()).build_uncached();
    source.expect("a source").token().expect("a token at the second attempt");
    assert_eq!(*issued.lock().expect("no panic"), [ISSUED, ISSUED - 40]);
}

#[test]
fn request_that_heals_the_clock_is_an_attempt() {
    let (transport, issued) = refuse_dates(2, "Wed, 31 Dec 2025 23:00:00 GMT");
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(ManualClock::new()).build_uncached();
    let error = source.expect("a source").token().expect_err("refused twice");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Clock, Some(2)));
    assert_eq!(issued.lock().expect("no panic").len(), 2);
}

#[test]
fn single_attempt_is_one_request_and_the_next_call_knows_the_servers_clock() {
    let (transport, issued) = refuse_dates(1, "Wed, 31 Dec 2025 23:00:00 GMT");
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(ManualClock::new()).build_uncached();
    let source = source.expect("a source");
    let ask = Ask::new().with_single_attempt();
    assert_eq!(source.token_for(&ask).expect_err("refused").attempts(), Some(1));
    source.token_for(&ask).expect("a token");
    assert_eq!(*issued.lock().expect("no panic"), [ISSUED, ISSUED - 3600]);
}

#[test]
fn endpoint_gets_no_assertion_dated_more_than_a_day_away() {
    for date in
        ["Tue, 06 Jan 2026 00:00:00 GMT", "Fri, 01 Jan 2027 00:00:00 GMT", "Tue, 30 Dec 2025 00:00:00 GMT"]
    {
        let (transport, issued) = refuse_dates(9, date);
        let source = builder("http://127.0.0.1:1").transport(transport).clock(QuickClock(ManualClock::new()));
        let source = source.build_uncached().expect("a source");
        for _ in 0..3 {
            assert_eq!(source.token().expect_err("refused").kind(), ErrorKind::Clock);
        }
        assert_eq!(*issued.lock().expect("no panic"), [ISSUED; 3], "{date}");
    }
}

#[test]
fn clock_is_healed_once_in_a_call() {
    // A server whose clock says something else each time gets one more assertion, not one after the other.
    let issued = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&issued);
    let transport = Scripted::new(move |_, _| {
        let mut issued = counted.lock().expect("no panic");
        *issued += 1;
        let body = json!({"error": "invalid_grant", "error_description": "Token must be in a reasonable timeframe."});
        let date = format!("Wed, 31 Dec 2025 {:02}:00:00 GMT", 23 - *issued);
        Ok(response(400, &[("Date", &date)], body.to_string()))
    });
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(ManualClock::new()).build_uncached();
    let error = source.expect("a source").token().expect_err("refused");
    assert_eq!(
        (error.kind(), error.attempts(), *issued.lock().expect("no panic")),
        (ErrorKind::Clock, Some(2), 2)
    );
}
