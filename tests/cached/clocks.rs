//! Clocks that are set, stand still or panic, before, during and after a refresh.

use crate::{SECOND, Scripted, cache, cached, fail, secret};
use shortway::testing::ManualClock;
use shortway::{CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant, SystemTime};

const HOUR: Duration = Duration::from_secs(3600);

/// During the first call the wall clock is changed, before or after the source reads it.
fn changed_during_refresh(
    change: fn(&ManualClock),
    before_reading: bool,
) -> (Cached<impl TokenSource>, ManualClock) {
    let clock = ManualClock::new();
    let time = clock.clone();
    let source = Scripted::new(move |call, _| {
        if before_reading && call == 1 {
            change(&time);
        }
        let token = Token::new(TokenKind::Access, &format!("token-{call}"), time.now() + HOUR);
        if !before_reading && call == 1 {
            change(&time);
        }
        token
    });
    (cache(source, &clock), clock)
}

#[test]
fn clock_set_forward_during_a_refresh_and_back_later_makes_no_token_immortal() {
    for before_reading in [true, false] {
        let (cached, clock) =
            changed_during_refresh(|clock| clock.set(clock.now() + 2 * HOUR), before_reading);
        let first = cached.token();
        clock.set(clock.now() - 2 * HOUR);
        clock.advance(HOUR - 29 * SECOND);
        assert_eq!(cached.usable_token(), None, "{first:?}");
    }
}

#[test]
fn clock_set_back_during_a_refresh_refuses_no_good_token() {
    for before_reading in [true, false] {
        let (cached, clock) =
            changed_during_refresh(|clock| clock.set(clock.now() - 2 * HOUR), before_reading);
        assert_eq!(secret(&cached), "token-1");
        clock.advance(HOUR / 2);
        assert_eq!(secret(&cached), "token-1");
        clock.advance(HOUR / 2 - 29 * SECOND);
        assert_eq!(cached.usable_token(), None);
    }
}

#[test]
fn machine_suspended_during_a_refresh_does_not_wake_with_an_expired_token() {
    let (cached, clock) = changed_during_refresh(|clock| clock.suspend(2 * HOUR), false);
    let error = cached.token().expect_err("expired while suspended");
    assert_eq!(error.message(), "the source returned a token that has expired already");
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "token-2");
}

/// By the wall alone the token would be good again for two hours after a suspend.
#[test]
fn token_fetched_by_a_fast_clock_expires_in_a_suspend() {
    let (cached, clock) = changed_during_refresh(|clock| clock.set(clock.now() - 2 * HOUR), false);
    assert_eq!(secret(&cached), "token-1");
    clock.suspend(HOUR);
    assert_eq!(cached.usable_token(), None);
}

/// Panics in one thread.
struct Panicking(ManualClock, Arc<Mutex<Option<ThreadId>>>);

impl Clock for Panicking {
    fn now(&self) -> SystemTime {
        let broken = *self.1.lock().unwrap_or_else(PoisonError::into_inner);
        assert_ne!(broken, Some(thread::current().id()), "planted");
        self.0.now()
    }

    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }

    fn park_until(&self, deadline: Instant) {
        self.0.park_until(deadline);
    }
}

#[test]
fn clock_that_panics_after_the_source_returned_strands_nobody() {
    let (clock, broken) = (ManualClock::new(), Arc::new(Mutex::new(None)));
    let (time, breaks) = (clock.clone(), Arc::clone(&broken));
    let source = Scripted::new(move |call, _| {
        while call == 1 && time.waiting() == 0 {
            thread::yield_now();
        }
        *breaks.lock().expect("a thread") = (call == 1).then(|| thread::current().id());
        Token::new(TokenKind::Access, &format!("token-{call}"), time.now() + HOUR)
    });
    let panicking = Panicking(clock.clone(), Arc::clone(&broken));
    let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(panicking));
    thread::scope(|scope| {
        let leader = scope.spawn(|| cached.token());
        while cached.source().calls() == 0 {
            thread::yield_now();
        }
        let (told, outcome) = mpsc::channel();
        let cached = &cached;
        let waiter = scope.spawn(move || told.send(cached.token().expect_err("aborted").kind()));
        leader.join().expect_err("the panic goes on in the leader");
        let kind = outcome.recv_timeout(20 * SECOND).inspect_err(|_| clock.advance(60 * SECOND));
        assert_eq!(kind, Ok(ErrorKind::Aborted));
        waiter.join().expect("no panic").expect("told");
    });
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "token-2");
}

/// Runs `wait` in a thread that an executor has woken, and gives whether that wake-up is still there
/// afterwards.
fn wake_up_survives(wait: impl FnOnce() + Send) -> bool {
    thread::scope(|scope| {
        let (told, done) = mpsc::channel();
        let thread = scope.spawn(move || {
            thread::current().unpark();
            wait();
            thread::park();
            told.send(()).expect("the test listens");
        });
        let survives = done.recv_timeout(20 * SECOND).is_ok();
        thread.thread().unpark();
        survives
    })
}

/// Each look at it lets a second pass.
struct Ticking(ManualClock);

impl Clock for Ticking {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn monotonic(&self) -> Instant {
        self.0.advance(SECOND);
        self.0.monotonic()
    }

    fn park_until(&self, _deadline: Instant) {
        thread::park_timeout(Duration::from_millis(1));
    }
}

#[test]
fn sleep_keeps_a_wake_up_that_is_meant_for_others() {
    assert!(wake_up_survives(|| Ticking(ManualClock::new()).sleep(5 * SECOND)));
}

#[test]
fn wait_for_a_refresh_keeps_a_wake_up_that_is_meant_for_others() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let cached = cache(
        Scripted::new(move |_, _| {
            let _ = released.lock().expect("one call").recv();
            Token::new(TokenKind::Access, "token", time.now() + HOUR)
        }),
        &clock,
    );
    thread::scope(|scope| {
        scope.spawn(|| cached.token());
        while cached.source().calls() == 0 {
            thread::yield_now();
        }
        let release = Some(release);
        assert!(wake_up_survives(|| {
            scope.spawn(|| {
                while clock.waiting() == 0 {
                    thread::yield_now();
                }
                drop(release);
            });
            drop(cached.token());
        }));
    });
}

#[test]
fn token_expires_by_the_clock_that_leaves_less() {
    let far = 3590 * SECOND;
    let moves: [fn(&ManualClock, Duration); 2] = [ManualClock::suspend, |clock, by| {
        let wall = clock.now();
        clock.advance(by);
        clock.set(wall);
    }];
    for go_on in moves {
        let clock = ManualClock::new();
        let cached = cached(&clock, 3600 * SECOND);
        secret(&cached);
        fail(&cached, ErrorKind::Dns);
        go_on(&clock, far);
        cached.token().expect_err("expired, and the refresh fails");
    }
}

/// By the wall alone the pause would last two hours more.
#[test]
fn clock_set_back_during_a_refused_refresh_does_not_lengthen_the_pause() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, _| {
            let now = time.now();
            if call == 1 {
                time.set(now - 2 * HOUR);
                return Err(Error::new(ErrorKind::Throttled, "slow down").with_retry_at(now + 5 * SECOND));
            }
            Token::new(TokenKind::Access, &format!("token-{call}"), now + HOUR)
        }),
        &clock,
    );
    assert_eq!(cached.token().expect_err("throttled").kind(), ErrorKind::Throttled);
    let next = cached.token().expect_err("too soon").retry_at();
    assert_eq!(next, Some(clock.now() + 5 * SECOND));
    clock.advance(5 * SECOND);
    assert_eq!(secret(&cached), "token-2");
}
