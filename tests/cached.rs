//! The cache: one refresh for all, an old token while it lasts, nothing thrown away.

use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, ManualClock};
use shortway::{Ask, CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::collections::VecDeque;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A source on the same hand-moved clock: gives numbered tokens of a lifetime, or the errors queued.
struct Source {
    clock: ManualClock,
    lifetime: Duration,
    made: Mutex<u32>,
    errors: Mutex<VecDeque<Error>>,
}

impl Source {
    fn new(clock: &ManualClock, lifetime: Duration) -> Arc<Self> {
        Arc::new(Self { clock: clock.clone(), lifetime, made: Mutex::default(), errors: Mutex::default() })
    }

    fn made(&self) -> u32 {
        *self.made.lock().expect("the count")
    }

    fn fail(&self, kind: ErrorKind) {
        self.errors.lock().expect("the errors").push_back(Error::new(kind, "no"));
    }
}

impl TokenSource for Source {
    fn token(&self) -> Result<Token, Error> {
        let mut made = self.made.lock().expect("the count");
        *made += 1;
        if let Some(error) = self.errors.lock().expect("the errors").pop_front() {
            return Err(error);
        }
        Token::new(TokenKind::Access, &format!("token-{made}"), self.clock.now() + self.lifetime)
    }
}

fn cached(source: &Arc<Source>) -> Cached<Arc<Source>> {
    Cached::with_policy(Arc::clone(source), CachePolicy::default(), Arc::new(source.clock.clone()))
}

#[track_caller]
fn secret(cached: &impl TokenSource) -> String {
    cached.token().expect("a token").expose_secret().to_owned()
}

#[test]
fn token_is_kept_until_the_early_refresh_window() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(3374 * SECOND);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(46 * SECOND); // 180 s before the end: the latest that the jitter may draw
    assert_eq!(secret(&cached), "token-2");
    assert_eq!(source.made(), 2);
}

#[test]
fn failed_refresh_leaves_the_old_token_in_use() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    secret(&cached);
    clock.advance(3450 * SECOND);
    source.fail(ErrorKind::Unavailable);
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(source.made(), 2, "the back-off holds the second refresh off");
    clock.advance(10 * SECOND);
    assert_eq!(secret(&cached), "token-3");
}

#[test]
fn without_a_usable_token_the_failure_is_told_until_the_back_off_ends() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    source.fail(ErrorKind::Dns);
    assert_eq!(cached.token().expect_err("no network").kind(), ErrorKind::Dns);
    let held_off = cached.token().expect_err("too soon");
    assert_eq!(held_off.kind(), ErrorKind::Backoff);
    assert_eq!(held_off.to_string(), "no token, and the last try failed a moment ago: no");
    let at = held_off.retry_at().expect("when");
    assert!(held_off.is_retryable() && at > clock.now() && at <= clock.now() + SECOND);
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "token-2");
}

#[test]
fn token_dies_by_whichever_clock_is_further() {
    let far = 3590 * SECOND;
    let moves: [fn(&ManualClock, Duration); 2] = [ManualClock::suspend, |clock, by| {
        let wall = clock.now();
        clock.advance(by);
        clock.set(wall);
    }];
    for go_on in moves {
        let clock = ManualClock::new();
        let source = Source::new(&clock, 3600 * SECOND);
        let cached = cached(&source);
        secret(&cached);
        source.fail(ErrorKind::Dns);
        go_on(&clock, far);
        cached.token().expect_err("used up, and no new one to be had");
    }
}

#[test]
fn invalidate_drops_that_token_and_no_newer_one() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    let first = cached.token().expect("a token");
    cached.invalidate(&first);
    let second = cached.token().expect("another");
    assert_ne!(second, first);
    cached.invalidate(&first);
    assert_eq!(cached.token().expect("kept"), second);
    let third = cached.token_for(&Ask::new().other_than(second.clone())).expect("a third");
    assert_ne!(third, second);
    assert_eq!(source.made(), 3);
}

#[test]
fn panic_in_the_source_strands_nobody() {
    let clock = ManualClock::new();
    let calls = Mutex::new(0);
    let cached = Cached::with_policy(
        shortway::from_fn(|| {
            let mut calls = calls.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *calls += 1;
            assert_ne!(*calls, 1, "the first call panics");
            Token::new(TokenKind::Access, "after", clock.now() + 3600 * SECOND)
        }),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    thread::scope(|scope| scope.spawn(|| cached.token()).join().expect_err("the panic goes on"));
    assert_eq!(cached.token().expect_err("a moment later").kind(), ErrorKind::Backoff);
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "after");
}

#[test]
fn hundred_threads_on_a_cold_source_make_one_request() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let source = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()
        .expect("a source");
    let barrier = Barrier::new(100);
    let tokens: Vec<Token> = thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    source.token().expect("a token")
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    assert!(tokens.iter().all(|t| *t == tokens[0]));
    assert_eq!(google.token_requests(), 1);
}
