//! Sources that call their own cache, and callers that ask for another token again and again.

use crate::{SECOND, Scripted, cache, cached, secret};
use shortway::testing::ManualClock;
use shortway::{Ask, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

type Reentrant = Cached<Box<dyn TokenSource>>;
type Outcomes = Arc<Mutex<Vec<Result<Token, Error>>>>;

/// A cache whose source, or a logger that it calls, asks the cache for a token in each refresh. Beside it the
/// outcomes of those calls.
fn reentrant(clock: &ManualClock) -> (Reentrant, Outcomes) {
    let (own, inner) = (Arc::new(OnceLock::<Reentrant>::new()), Outcomes::default());
    let (cell, log, time) = (Arc::clone(&own), Arc::clone(&inner), clock.clone());
    let source = Scripted::new(move |call, _| {
        let deadline = time.monotonic() + Duration::from_millis(50);
        // The deadline keeps the test from waiting for ever where the cache waits for its own thread.
        let time_passes = time.clone();
        let watch = std::thread::spawn(move || {
            std::thread::park_timeout(2 * SECOND);
            time_passes.advance(SECOND);
        });
        let got = cell.get().expect("the cache").token_for(&Ask::new().with_deadline(deadline));
        watch.thread().unpark();
        watch.join().expect("no panic");
        log.lock().expect("the log").push(got);
        Token::new(TokenKind::Access, &format!("token-{call}"), time.now() + 3600 * SECOND)
    });
    let cached = cache(Box::new(source) as Box<dyn TokenSource>, clock);
    let _ = own.set(cached.clone());
    (cached, inner)
}

#[test]
fn source_that_calls_its_own_cache_gets_an_error_at_once() {
    let clock = ManualClock::new();
    let (cached, inner) = reentrant(&clock);
    assert_eq!(secret(&cached), "token-1");
    let error = inner.lock().expect("the log").pop().expect("a call").expect_err("its own refresh");
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (
            ErrorKind::Other,
            "the token source called its own cache during a refresh; give it, or the logger that it calls, \
             another token source"
        )
    );
    assert!(!error.is_retryable());
}

#[test]
fn source_that_calls_its_own_cache_gets_the_old_token_while_it_is_usable() {
    let clock = ManualClock::new();
    let (cached, inner) = reentrant(&clock);
    secret(&cached);
    clock.advance(3450 * SECOND);
    assert_eq!(secret(&cached), "token-2");
    let old = inner.lock().expect("the log").pop().expect("a call").expect("the old token");
    assert_eq!(old.expose_secret(), "token-1");
}

#[test]
fn request_for_another_token_is_accepted_three_times_a_minute() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    for _ in 0..1000 {
        let held = cached.token().expect("a token");
        let _ = cached.token_for(&Ask::new().with_other_than(held));
        clock.advance(SECOND / 100);
    }
    assert!(cached.source().calls() <= 4, "{} calls", cached.source().calls());
    let held = cached.token().expect("a token");
    clock.advance(60 * SECOND);
    let calls = cached.source().calls();
    cached.token_for(&Ask::new().with_other_than(held)).expect("another");
    assert_eq!(cached.source().calls(), calls + 1);
}

#[test]
fn request_for_another_token_past_the_limit_says_when_the_next_is_accepted() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, _| {
            let lifetime = (3600 + call as u32) * SECOND;
            Token::new(TokenKind::Access, &format!("token-{call}"), time.now() + lifetime)
        }),
        &clock,
    );
    let other = || cached.token_for(&Ask::new().with_other_than(cached.token().expect("a token")));
    let first = clock.now();
    for call in 2..=4 {
        assert_eq!(other().expect("another").expose_secret(), format!("token-{call}"));
        clock.advance(SECOND);
    }
    let error = other().expect_err("the fourth");
    assert_eq!(
        (error.kind(), error.message(), error.retry_at()),
        (
            ErrorKind::Backoff,
            "no other token: the cached one was replaced three times within a minute",
            Some(first + 60 * SECOND)
        )
    );
    cached.invalidate(&cached.token().expect("a token"));
    assert_eq!(secret(&cached), "token-4", "an invalidation counts in the same limit");
    clock.advance(60 * SECOND);
    assert_eq!(other().expect("another").expose_secret(), "token-5");
}

#[test]
fn server_that_refuses_every_token_does_not_cost_a_request_each_time() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    for _ in 0..1000 {
        cached.invalidate(&cached.token().expect("a token"));
    }
    assert_eq!(cached.source().calls(), 4);
    clock.advance(60 * SECOND);
    cached.invalidate(&cached.token().expect("a token"));
    assert_eq!(secret(&cached), "token-5");
}
