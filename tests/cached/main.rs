//! The cache: one refresh for all callers, and the old token while it is usable.

mod clocks;
mod herd;
mod misuse;
mod patience;
#[path = "../util/mod.rs"]
mod util;
mod winner;

use shortway::testing::{ManualClock, ScriptedSource};
use shortway::{Ask, CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Numbered tokens of this lifetime on a clock moved by hand, in a cache.
fn cached(clock: &ManualClock, lifetime: Duration) -> Cached<ScriptedSource> {
    cache(ScriptedSource::numbered().with_clock(clock.clone()).with_lifetime(lifetime), clock)
}

/// `source` in a cache with the default policy.
fn cache<S: TokenSource>(source: S, clock: &ManualClock) -> Cached<S> {
    Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()))
}

/// A source that calls a closure with the number of the call, counted from 1, and its options.
struct Scripted<F>(F, AtomicUsize);

impl<F: Fn(usize, &Ask) -> Result<Token, Error> + Send + Sync> Scripted<F> {
    fn new(answer: F) -> Self {
        Self(answer, AtomicUsize::new(0))
    }

    fn calls(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl<F: Fn(usize, &Ask) -> Result<Token, Error> + Send + Sync> TokenSource for Scripted<F> {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        (self.0)(self.1.fetch_add(1, Ordering::SeqCst) + 1, ask)
    }
}

/// The next call of the source fails.
fn fail(cached: &Cached<ScriptedSource>, kind: ErrorKind) {
    cached.source().push(Err(Error::new(kind, "no")));
}

#[track_caller]
fn secret(cached: &impl TokenSource) -> String {
    cached.token().expect("a token").expose_secret().to_owned()
}

#[test]
fn token_is_kept_until_the_early_refresh_window() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(3374 * SECOND);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(46 * SECOND); // 180 s before it expires: the latest refresh
    assert_eq!(secret(&cached), "token-2");
    assert_eq!(cached.source().calls(), 2);
}

#[test]
fn failed_refresh_leaves_the_old_token_in_use() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    secret(&cached);
    clock.advance(3450 * SECOND);
    fail(&cached, ErrorKind::Unavailable);
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(cached.source().calls(), 2, "the back-off holds the second refresh off");
    clock.advance(10 * SECOND);
    assert_eq!(secret(&cached), "token-3");
}

#[test]
fn without_a_usable_token_callers_get_an_error_until_the_back_off_ends() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    fail(&cached, ErrorKind::Dns);
    assert_eq!(cached.token().expect_err("no network").kind(), ErrorKind::Dns);
    let held_off = cached.token().expect_err("too soon");
    assert_eq!(held_off.kind(), ErrorKind::Backoff);
    assert_eq!(held_off.to_string(), "no token: the last refresh failed (no), the next one is due in 1 s");
    let at = held_off.retry_at().expect("a time");
    assert!(held_off.is_retryable() && at > clock.now() && at <= clock.now() + SECOND);
    clock.advance(SECOND / 10);
    assert_eq!(cached.token().expect_err("too soon").retry_at(), Some(at));
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "token-2");
}

#[test]
fn cause_of_a_failure_is_the_cause_of_the_errors_that_follow() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    let refused = Error::new(ErrorKind::Unavailable, "the vault is sealed").with_source(std::fmt::Error);
    cached.source().push(Err(refused.with_hint("unseal it")));
    cached.token().expect_err("sealed");
    let held_off = cached.token().expect_err("too soon");
    assert_eq!(
        held_off.to_string(),
        "no token: the last refresh failed (the vault is sealed), the next one is due in 1 s; unseal it"
    );
    assert!(held_off.cause::<std::fmt::Error>().is_some());
}

#[test]
fn invalidate_drops_that_token_and_no_newer_one() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    let first = cached.token().expect("a token");
    cached.invalidate(&first);
    let second = cached.token().expect("another");
    assert_ne!(second, first);
    cached.invalidate(&first);
    assert_eq!(cached.token().expect("kept"), second);
    let third = cached.token_for(&Ask::new().with_other_than(second.clone())).expect("a third");
    assert_ne!(third, second);
    assert_eq!(cached.source().calls(), 3);
}

#[test]
fn panic_in_the_source_strands_nobody() {
    let clock = ManualClock::new();
    let calls = Mutex::new(0);
    let cached = cache(
        shortway::from_fn(|| {
            let mut calls = calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *calls += 1;
            assert_ne!(*calls, 1, "the first call panics");
            Token::new(TokenKind::Access, "after", clock.now() + 3600 * SECOND)
        }),
        &clock,
    );
    thread::scope(|scope| scope.spawn(|| cached.token()).join().expect_err("the panic goes on"));
    assert_eq!(cached.token().expect_err("a moment later").kind(), ErrorKind::Backoff);
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "after");
}

#[test]
fn refresh_if_due_refreshes_before_other_callers_do() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    assert_eq!(cached.usable_token(), None);
    let first = cached.refresh_if_due();
    assert!(first.refreshed.expect("due").is_ok());
    // 225 s and a tenth of that before the end, less at most a fifth at random.
    assert!((3300 * SECOND..3410 * SECOND).contains(&first.next), "{:?}", first.next);
    assert_eq!(cached.usable_token().expect("held").expose_secret(), "token-1");
    assert!(cached.refresh_if_due().refreshed.is_none());

    clock.advance(first.next);
    assert_eq!(secret(&cached), "token-1", "no other caller finds it due yet");
    assert_eq!(cached.source().calls(), 1);
    fail(&cached, ErrorKind::Unavailable);
    let failed = cached.refresh_if_due();
    assert_eq!(
        failed.refreshed.expect("due").expect_err("the source is down").kind(),
        ErrorKind::Unavailable
    );
    assert!(failed.next <= 5 * SECOND, "{:?}", failed.next);
    assert_eq!(cached.usable_token().expect("held").expose_secret(), "token-1");
    clock.advance(failed.next);
    assert!(cached.refresh_if_due().refreshed.expect("due").is_ok());
    assert_eq!((secret(&cached), cached.source().calls()), ("token-3".to_owned(), 3));
}

#[test]
fn refresh_of_a_usable_token_has_five_seconds_and_one_attempt() {
    let clock = ManualClock::new();
    let token =
        |n: u64| Token::new(TokenKind::Access, &format!("t{n}"), clock.now() + (3600 + n as u32) * SECOND);
    let scripted = Arc::new(ScriptedSource::new().then(token(1)).then(token(4000)));
    let cached = Cached::with_policy(Arc::clone(&scripted), CachePolicy::default(), Arc::new(clock.clone()));
    let first = cached.token().expect("a token");
    let ask = scripted.asks().pop().expect("a call");
    assert_eq!(ask.deadline(), Some(clock.monotonic() + 30 * SECOND));
    assert_eq!((ask.single_attempt(), ask.other_than()), (false, None));
    clock.advance(3450 * SECOND);
    cached.token().expect("a token");
    let ask = scripted.asks().pop().expect("a call");
    assert_eq!(ask.deadline(), Some(clock.monotonic() + 5 * SECOND));
    assert_eq!((ask.single_attempt(), ask.other_than()), (true, Some(&first)));
}

#[test]
fn token_that_has_expired_already_is_an_error() {
    let clock = ManualClock::new();
    let dead = Token::new(TokenKind::Access, "dead", clock.now() - SECOND);
    let cached = Cached::with_policy(
        ScriptedSource::new().then(dead),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    let error = cached.token().expect_err("expired");
    assert_eq!(error.message(), "the source returned a token that has expired already");
    assert_eq!(cached.token().expect_err("at once").kind(), ErrorKind::Backoff);
}

#[test]
fn caller_past_its_deadline_starts_no_refresh() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    let late = Ask::new().with_deadline(clock.monotonic());
    let error = cached.token_for(&late).expect_err("no time");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Timeout, "no token, and no time left to request one")
    );
    assert_eq!(cached.source().calls(), 0);
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(cached.token_for(&late).expect("it is there").expose_secret(), "token-1");
}

#[test]
fn token_that_expires_while_its_refresh_fails_is_not_returned() {
    let clock = ManualClock::new();
    let calls = AtomicUsize::new(0);
    let cached = cache(
        shortway::from_fn(|| {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                return Token::new(TokenKind::Access, "short", clock.now() + 20 * SECOND);
            }
            clock.advance(5 * SECOND);
            Err(Error::new(ErrorKind::Timeout, "no response in time"))
        }),
        &clock,
    );
    cached.token().expect("a token");
    clock.advance(17 * SECOND);
    assert_eq!(cached.token().expect_err("expired meanwhile").kind(), ErrorKind::Timeout);
}
