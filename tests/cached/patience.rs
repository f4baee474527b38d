//! A time-out says something only about callers that give no more time than the one whose refresh timed out.

use crate::{SECOND, Scripted, cache, secret};
use shortway::testing::ManualClock;
use shortway::{Ask, CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const HURRIED: Duration = Duration::from_millis(100);

/// Options of a call that gives `time`.
fn within(clock: &ManualClock, time: Duration) -> Ask {
    Ask::new().with_deadline(clock.monotonic() + time)
}

/// Lets the time of the call pass and fails.
fn time_out(clock: &ManualClock, ask: &Ask) -> Result<Token, Error> {
    let deadline = ask.deadline().expect("the cache sets a deadline");
    clock.advance(deadline.saturating_duration_since(clock.monotonic()));
    Err(Error::new(ErrorKind::Timeout, "no response in time"))
}

fn token(clock: &ManualClock, call: usize) -> Result<Token, Error> {
    Token::new(TokenKind::Access, &format!("token-{call}"), clock.now() + 3600 * SECOND)
}

/// A source that answers only calls that give at least a second.
fn slow(clock: &ManualClock) -> Scripted<impl Fn(usize, &Ask) -> Result<Token, Error> + use<>> {
    let clock = clock.clone();
    Scripted::new(move |call, ask: &Ask| {
        let left = ask.deadline().expect("a deadline").saturating_duration_since(clock.monotonic());
        if left < SECOND { time_out(&clock, ask) } else { token(&clock, call) }
    })
}

/// Waits for a condition. A test that would hang fails instead.
#[track_caller]
fn until(condition: impl Fn() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < 20 * SECOND, "what the test waits for does not happen");
        thread::yield_now();
    }
}

#[test]
fn patient_callers_take_over_from_a_hurried_one_that_timed_out() {
    let clock = ManualClock::new();
    let waits = clock.clone();
    let cached = cache(
        Scripted::new(move |call, ask| {
            if call == 1 {
                until(|| waits.waiting() == 8);
                return time_out(&waits, ask);
            }
            token(&waits, call)
        }),
        &clock,
    );
    thread::scope(|scope| {
        let hurried = scope.spawn(|| cached.token_for(&within(&clock, HURRIED)));
        until(|| cached.source().calls() == 1);
        let patient: Vec<_> = (0..8).map(|_| scope.spawn(|| cached.token())).collect();
        match hurried.join().expect("no panic") {
            Err(error) => {
                assert_eq!((error.kind(), error.message()), (ErrorKind::Timeout, "no response in time"));
            }
            // Another caller was quick.
            Ok(token) => assert_eq!(token.expose_secret(), "token-2"),
        }
        for caller in patient {
            let token = caller.join().expect("no panic").expect("a token");
            assert_eq!(token.expose_secret(), "token-2");
        }
    });
    assert_eq!(cached.source().calls(), 2);
}

#[test]
fn callers_with_the_same_patience_share_one_time_out() {
    let clock = ManualClock::new();
    let waits = clock.clone();
    let cached = cache(
        Scripted::new(move |_, ask| {
            until(|| waits.waiting() == 7);
            time_out(&waits, ask)
        }),
        &clock,
    );
    thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| cached.token())).collect();
        for caller in callers {
            let error = caller.join().expect("no panic").expect_err("nothing came");
            assert_eq!(error.kind(), ErrorKind::Timeout);
        }
    });
    assert_eq!(cached.source().calls(), 1);
    assert_eq!(cached.token().expect_err("too soon").kind(), ErrorKind::Backoff);
}

#[test]
fn time_out_of_a_hurried_caller_holds_off_hurried_callers_only() {
    let clock = ManualClock::new();
    let cached = cache(slow(&clock), &clock);
    let hurried = || cached.token_for(&within(&clock, HURRIED)).expect_err("no time").kind();
    assert_eq!(hurried(), ErrorKind::Timeout);
    assert_eq!(hurried(), ErrorKind::Backoff);
    assert_eq!(cached.source().calls(), 1);
    assert_eq!(secret(&cached), "token-2");
}

/// A source without a network fails like this at the deadline of its caller.
#[test]
fn refused_connection_of_a_hurried_caller_holds_off_hurried_callers_only() {
    for kind in [ErrorKind::Connect, ErrorKind::Dns] {
        let clock = ManualClock::new();
        let time = clock.clone();
        let cached = cache(
            Scripted::new(move |call, _| {
                if call == 1 { Err(Error::new(kind, "no network yet")) } else { token(&time, call) }
            }),
            &clock,
        );
        let error = cached.token_for(&within(&clock, HURRIED)).expect_err("no network");
        assert_eq!(error.kind(), kind);
        assert_eq!(secret(&cached), "token-2");
    }
}

#[test]
fn time_outs_of_hurried_callers_do_not_lengthen_the_pause_for_others() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |_, ask| {
            let left = ask.deadline().expect("a deadline").saturating_duration_since(time.monotonic());
            if left < SECOND { time_out(&time, ask) } else { Err(Error::new(ErrorKind::Unavailable, "down")) }
        }),
        &clock,
    );
    for _ in 0..10 {
        let _ = cached.token_for(&within(&clock, HURRIED));
        clock.advance(60 * SECOND);
    }
    assert_eq!(cached.source().calls(), 10);
    assert_eq!(cached.token().expect_err("down").kind(), ErrorKind::Unavailable);
    let next = cached.token().expect_err("too soon").retry_at().expect("a time");
    assert!(next <= clock.now() + SECOND / 2, "the first pause");
}

#[test]
fn impatient_poller_does_not_keep_the_token_from_others() {
    let clock = ManualClock::new();
    let cached = cache(slow(&clock), &clock);
    for _ in 0..200 {
        let _ = cached.token_for(&within(&clock, HURRIED));
        clock.advance(SECOND / 200);
    }
    cached.token().expect("a token");
}

#[test]
fn caller_past_its_deadline_takes_the_stale_token_and_starts_no_refresh() {
    let clock = ManualClock::new();
    let cached = cache(slow(&clock), &clock);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(3450 * SECOND);
    for _ in 0..60 {
        let late = cached.token_for(&within(&clock, Duration::ZERO)).expect("the stale token");
        assert_eq!(late.expose_secret(), "token-1");
        clock.advance(SECOND);
    }
    assert_eq!(cached.source().calls(), 1);
    assert_eq!(secret(&cached), "token-2");
}

#[test]
fn hurried_caller_in_the_window_does_not_hold_off_the_refresh() {
    let clock = ManualClock::new();
    let cached = cache(slow(&clock), &clock);
    assert_eq!(secret(&cached), "token-1");
    clock.advance(3450 * SECOND);
    let hurried = cached.token_for(&within(&clock, HURRIED)).expect("the stale token");
    assert_eq!(hurried.expose_secret(), "token-1");
    assert_eq!(secret(&cached), "token-3");
}

/// It had 5 s; a caller without a token gives 30 s.
#[test]
fn time_out_of_a_stale_refresh_does_not_hold_off_callers_after_expiry() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, ask| if call == 2 { time_out(&time, ask) } else { token(&time, call) }),
        &clock,
    );
    secret(&cached);
    clock.advance(3566 * SECOND);
    assert_eq!(cached.token().expect_err("expired meanwhile").kind(), ErrorKind::Timeout);
    assert_eq!(secret(&cached), "token-3");
}

#[test]
fn refresh_is_overtaken_five_seconds_after_its_own_deadline() {
    let clock = ManualClock::new();
    let (time, released) = (clock.clone(), Arc::new(AtomicUsize::new(0)));
    let release = Arc::clone(&released);
    let policy = CachePolicy::default().with_wait(120 * SECOND);
    let source = Scripted::new(move |call, ask: &Ask| {
        assert_eq!(ask.deadline(), Some(time.monotonic() + 120 * SECOND));
        let token = token(&time, call);
        until(|| call != 1 || release.load(Ordering::SeqCst) == 1);
        token
    });
    let cached = Cached::with_policy(source, policy, Arc::new(clock.clone()));
    thread::scope(|scope| {
        let hung = scope.spawn(|| cached.token());
        until(|| cached.source().calls() == 1);
        clock.advance(60 * SECOND);
        let error = cached.token_for(&within(&clock, Duration::ZERO)).expect_err("under way");
        assert_eq!(error.message(), "no token in time: the refresh by another thread has not ended");
        clock.advance(64 * SECOND);
        cached.token_for(&within(&clock, Duration::ZERO)).expect_err("under way");
        assert_eq!(cached.source().calls(), 1);
        clock.advance(SECOND);
        assert_eq!(secret(&cached), "token-2");
        released.store(1, Ordering::SeqCst);
        hung.join().expect("no panic").expect("a token");
    });
    assert_eq!(secret(&cached), "token-2");
}

/// It waited for a refresh that hung, so its own had one second. A caller that came late has 29.
#[test]
fn time_out_of_a_caller_that_had_waited_long_does_not_count_for_one_that_has_time_left() {
    let clock = ManualClock::new();
    let (time, released) = (clock.clone(), Arc::new(AtomicUsize::new(0)));
    let release = Arc::clone(&released);
    let source = Scripted::new(move |call, ask: &Ask| match call {
        1 => {
            until(|| release.load(Ordering::SeqCst) == 1);
            Err(Error::new(ErrorKind::Unavailable, "late"))
        }
        2 => {
            until(|| time.waiting() == 1);
            time_out(&time, ask)
        }
        _ => token(&time, call),
    });
    let cached = cache(source, &clock);
    thread::scope(|scope| {
        let hung = scope.spawn(|| cached.token());
        until(|| cached.source().calls() == 1);
        clock.advance(6 * SECOND);
        let first = scope.spawn(|| cached.token());
        until(|| clock.waiting() == 1);
        clock.advance(29 * SECOND);
        until(|| cached.source().calls() == 2);
        let second = scope.spawn(|| cached.token());
        assert_eq!(second.join().expect("no panic").expect("a token").expose_secret(), "token-3");
        released.store(1, Ordering::SeqCst);
        let _ = (first.join().expect("no panic"), hung.join().expect("no panic"));
    });
    assert_eq!(secret(&cached), "token-3");
}

#[test]
fn hurried_and_patient_callers_together_do_not_keep_the_pause_short() {
    let clock = ManualClock::new();
    let cached = cache(Scripted::new(|_, _| Err(Error::new(ErrorKind::Connect, "refused"))), &clock);
    for _ in 0..1200 {
        let _ = cached.token_for(&within(&clock, HURRIED));
        let _ = cached.token();
        clock.advance(SECOND / 10);
    }
    let calls = cached.source().calls();
    assert!(calls <= 40, "{calls} calls in 120 s");
}
