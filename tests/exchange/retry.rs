//! Attempts: how many, when, and until when.

use crate::{QuickClock, Scripted, builder, response, token_response};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, Fault, ManualClock};
use shortway::{Ask, Clock, Error, ErrorKind, RetryPolicy, TokenSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

#[test]
fn server_that_asks_to_come_back_later_is_obeyed() {
    let busy =
        |after: &str| FakeGoogle::playing(Fault::body(429, "").header("Retry-After", after)).expect("a fake");
    let call = |server: &FakeGoogle, clock: &ManualClock| {
        let source = shortway::service_account(server.key(), [ANALYTICS_READONLY])
            .token_endpoint(server.token_url())
            .clock(clock.clone())
            .build()
            .expect("a source");
        std::thread::spawn(move || source.token().expect_err("busy"))
    };
    let (server, clock) = (busy("3"), ManualClock::new());
    let caller = call(&server, &clock);
    for attempt in 1..=2 {
        while server.token_requests() < attempt || clock.waiting() == 0 {
            std::thread::yield_now();
        }
        clock.advance(Duration::from_secs(3));
    }
    let error = caller.join().expect("no panic");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Throttled, Some(3)));
    assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(3)));

    let (server, clock) = (busy("31"), ManualClock::new());
    let error = call(&server, &clock).join().expect("no panic");
    assert_eq!((error.attempts(), server.token_requests()), (Some(1), 1), "longer than the call may take");
    assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(31)));
}

#[test]
fn failing_server_is_asked_three_times_and_a_refusing_one_once() {
    let ask = |status: u16, body: &str, policy: RetryPolicy| {
        let server = FakeGoogle::playing(Fault::body(status, body)).expect("a fake");
        let source = shortway::service_account(server.key(), [ANALYTICS_READONLY])
            .token_endpoint(server.token_url())
            .retry(policy)
            .build()
            .expect("a source");
        let error = source.token().expect_err("a failure");
        assert_eq!(error.attempts(), Some(server.token_requests() as u32));
        server.token_requests()
    };
    let quick = RetryPolicy::default().with_initial_delay(Duration::from_millis(1));
    assert_eq!(ask(503, "", quick), 3);
    assert_eq!(ask(503, "", RetryPolicy::NONE), 1);
    assert_eq!(ask(400, r#"{"error": "invalid_grant"}"#, quick), 1);
}

/// A source whose transport makes no connection `failures` times; how often it was called.
fn unconnected(kind: ErrorKind, failures: u32, clock: &QuickClock) -> (impl TokenSource, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let transport = Scripted::new(move |_, _| match counted.fetch_add(1, Ordering::Relaxed) {
        made if made < failures => Err(Error::new(kind, "no connection")),
        _ => Ok(token_response("ya29.x")),
    });
    let source = builder("http://127.0.0.1:1").transport(transport).clock(clock.clone()).build_uncached();
    (source.expect("a source"), calls)
}

#[test]
fn job_that_starts_before_its_network_waits_for_it() {
    for kind in [ErrorKind::Connect, ErrorKind::Dns] {
        let clock = QuickClock(ManualClock::new());
        let (source, calls) = unconnected(kind, 7, &clock);
        source.token().expect("a token at the eighth attempt");
        assert_eq!(calls.load(Ordering::Relaxed), 8);
    }
}

#[test]
fn attempts_without_a_connection_end_at_the_deadline_and_do_not_count() {
    let clock = QuickClock(ManualClock::new());
    let (source, calls) = unconnected(ErrorKind::Connect, u32::MAX, &clock);
    let begin = clock.monotonic();
    let error =
        source.token_for(&Ask::new().with_deadline(begin + Duration::from_secs(30))).expect_err("no network");
    let took = clock.monotonic() - begin;
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, Some(0)));
    assert!(calls.load(Ordering::Relaxed) > 6, "{calls:?} attempts in {took:?}");
    assert!(took <= Duration::from_secs(30) && took > Duration::from_secs(20), "{took:?}");
}

#[test]
fn single_attempt_does_not_wait_for_the_network() {
    let clock = QuickClock(ManualClock::new());
    let (source, calls) = unconnected(ErrorKind::Connect, u32::MAX, &clock);
    source.token_for(&Ask::new().with_single_attempt()).expect_err("no network");
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

#[test]
fn attempt_that_the_deadline_cuts_short_does_not_hide_why_there_was_no_connection() {
    let clock = QuickClock(ManualClock::new());
    let begin = clock.monotonic();
    let clock_of_transport = clock.clone();
    let transport = Scripted::new(move |_, timeouts| {
        if clock_of_transport.monotonic() - begin < Duration::from_secs(25) {
            return Err(Error::new(ErrorKind::Connect, "connection refused"));
        }
        clock_of_transport.0.advance(timeouts.total);
        Err(Error::new(ErrorKind::Timeout, "connecting took too long"))
    });
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(clock).build_uncached().expect("a source");
    let error =
        source.token_for(&Ask::new().with_deadline(begin + Duration::from_secs(30))).expect_err("no network");
    assert!(error.message().ends_with("connection refused"), "{error}");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Connect, Some(0)));
}

#[test]
fn fault_after_the_network_came_counts_as_before() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let transport = Scripted::new(move |_, _| match counted.fetch_add(1, Ordering::Relaxed) {
        0..5 => Err(Error::new(ErrorKind::Dns, "no name")),
        _ => Ok(response(503, &[], "")),
    });
    let clock = QuickClock(ManualClock::new());
    let source =
        builder("http://127.0.0.1:1").transport(transport).clock(clock).build_uncached().expect("a source");
    let error = source.token().expect_err("unavailable");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unavailable, Some(3)));
    assert_eq!(calls.load(Ordering::Relaxed), 8);
}

#[test]
fn attempts_of_zero_are_one() {
    assert_eq!(RetryPolicy::default().with_attempts(0).attempts(), 1);
}
