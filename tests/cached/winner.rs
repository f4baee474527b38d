//! Which of two tokens is kept: the one with more left on both clocks, and never a refused one.

use crate::{SECOND, Scripted, cache, cached, secret};
use shortway::testing::ManualClock;
use shortway::{Ask, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::time::{Duration, SystemTime};

fn token(text: &str, expires_at: SystemTime) -> Result<Token, Error> {
    Token::new(TokenKind::Access, text, expires_at)
}

/// Calls once a second for `seconds`; every call must succeed.
#[track_caller]
fn poll(cached: &impl TokenSource, clock: &ManualClock, seconds: u32) {
    for second in 0..seconds {
        clock.advance(SECOND);
        if let Err(error) = cached.token() {
            panic!("after {second} s: {error}");
        }
    }
}

/// Fetched while the wall clock was ahead: its nominal expiry is later than that of all tokens after it.
#[test]
fn clock_that_is_put_right_costs_no_request_more_and_no_outage() {
    for ahead in [0, 240, 3600, 7200, 86_400, 365 * 86_400] {
        let clock = ManualClock::new();
        let cached = cached(&clock, 3600 * SECOND);
        let true_time = clock.now();
        clock.set(true_time + ahead * SECOND);
        assert_eq!(secret(&cached), "token-1");
        clock.set(true_time);
        poll(&cached, &clock, 3500);
        assert_eq!(secret(&cached), "token-2", "{ahead} s ahead");
        poll(&cached, &clock, 3000);
        assert_eq!(cached.source().calls(), 2, "{ahead} s ahead");
    }
}

#[test]
fn refused_token_that_is_repeated_does_not_outrank_its_replacements() {
    let clock = ManualClock::new();
    let (time, long) = (clock.clone(), clock.now() + 12 * 3600 * SECOND);
    let cached = cache(
        Scripted::new(move |call, _| match call {
            1 | 2 => token("refused", long),
            _ => token(&format!("token-{call}"), time.now() + 3600 * SECOND),
        }),
        &clock,
    );
    cached.invalidate(&cached.token().expect("a token"));
    assert_eq!(secret(&cached), "refused", "the source has no other");
    clock.advance(6 * SECOND);
    for _ in 0..120 {
        assert_eq!(secret(&cached), "token-3");
        clock.advance(SECOND);
    }
    assert_eq!(cached.source().calls(), 3);
}

#[test]
fn refused_token_does_not_replace_another_one() {
    let clock = ManualClock::new();
    let (time, long) = (clock.clone(), clock.now() + 12 * 3600 * SECOND);
    let cached = cache(
        Scripted::new(move |call, _| match call {
            2 | 3 => token(&format!("token-{call}"), time.now() + 3600 * SECOND),
            1 | 4 => token("refused", long),
            _ => Err(Error::new(ErrorKind::Unavailable, "down")),
        }),
        &clock,
    );
    cached.invalidate(&cached.token().expect("the first"));
    cached.invalidate(&cached.token().expect("the second"));
    assert_eq!(secret(&cached), "token-3");
    clock.advance(3450 * SECOND);
    assert_eq!(secret(&cached), "token-3", "the caller that refreshes gets the better one, too");
    assert_eq!(secret(&cached), "token-3");
    assert_eq!(cached.source().calls(), 4);
}

#[test]
fn token_with_less_left_than_the_held_one_is_not_taken() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, _| {
            let lifetime = if call == 1 { 3600 } else { 60 };
            token(&format!("token-{call}"), time.now() + lifetime * SECOND)
        }),
        &clock,
    );
    secret(&cached);
    clock.advance(3450 * SECOND);
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(cached.source().calls(), 2, "the back-off holds the next refresh off");
}

/// A static token whose source grants it anew each time.
#[test]
fn repeated_token_that_is_granted_anew_is_fresh_again() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(Scripted::new(move |_, _| token("static", time.now() + 3600 * SECOND)), &clock);
    poll(&cached, &clock, 3500);
    assert_eq!(cached.source().calls(), 2);
}

/// A metadata server repeats a token and rounds what is left of it.
#[test]
fn repeated_token_with_a_moment_more_left_does_not_end_the_back_off() {
    let clock = ManualClock::new();
    let end = clock.now() + 3600 * SECOND;
    let cached = cache(
        Scripted::new(move |call, _| {
            Ok(token("same", end + call as u32 * SECOND / 1000)?.with_lifetime(3600 * SECOND))
        }),
        &clock,
    );
    secret(&cached);
    clock.advance(3450 * SECOND);
    for _ in 0..100 {
        secret(&cached);
    }
    assert_eq!(cached.source().calls(), 2);
}

/// From a store, or from a server that caches: 40 of 3,600 s are left. The margin is that of its lifetime, 30
/// s.
#[test]
fn token_that_arrives_old_is_not_handed_out_to_its_last_seconds() {
    let clock = ManualClock::new();
    let old = token("old", clock.now() + 40 * SECOND).expect("a token").with_lifetime(3600 * SECOND);
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, _| match call {
            1 => Ok(old.clone()),
            2 => Err(Error::new(ErrorKind::Unavailable, "down")),
            _ => token("new", time.now() + 3600 * SECOND),
        }),
        &clock,
    );
    assert_eq!(secret(&cached), "old");
    clock.advance(9 * SECOND);
    assert_eq!(secret(&cached), "old", "due for a refresh, which fails");
    clock.advance(SECOND);
    assert_eq!(cached.usable_token(), None);
    clock.advance(SECOND);
    assert_eq!(secret(&cached), "new");
}

#[test]
fn tokens_that_arrive_inside_their_window_are_not_fetched_with_each_call() {
    let clock = ManualClock::new();
    let time = clock.clone();
    let cached = cache(
        Scripted::new(move |call, _| {
            let granted = token(&format!("token-{call}"), time.now() + 100 * SECOND)?;
            Ok(granted.with_lifetime(3600 * SECOND))
        }),
        &clock,
    );
    for _ in 0..1000 {
        secret(&cached);
        clock.advance(Duration::from_millis(10));
    }
    let calls = cached.source().calls();
    assert!(calls <= 3, "{calls} calls in 10 s");
}

#[test]
fn caller_that_needs_another_token_gets_what_came() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    let first = cached.token().expect("a token");
    // Both expire at the same moment, so the first one stays.
    let other = cached.token_for(&Ask::new().with_other_than(first.clone())).expect("another");
    assert_eq!((other.expose_secret(), secret(&cached).as_str()), ("token-2", "token-1"));
}

/// The same claim, read by a clock that was set back, would give it another hour.
#[test]
fn repeated_token_does_not_live_longer_after_the_clock_is_set_back() {
    let clock = ManualClock::new();
    let end = clock.now() + 3600 * SECOND;
    let cached = cache(Scripted::new(move |_, _| token("same", end)), &clock);
    let first = cached.token().expect("a token");
    clock.set(clock.now() - 3600 * SECOND);
    cached.token_for(&Ask::new().with_other_than(first)).expect("the same");
    clock.advance(3571 * SECOND);
    assert_eq!(cached.usable_token(), None);
}

#[test]
fn refused_token_that_the_source_repeats_is_kept() {
    let clock = ManualClock::new();
    let token = Token::new(TokenKind::Access, "only", clock.now() + 3600 * SECOND).expect("a token");
    let cached = cache(Scripted::new(move |_, _| Ok(token.clone())), &clock);
    for _ in 0..50 {
        cached.invalidate(&cached.token().expect("a token"));
    }
    assert_eq!(cached.source().calls(), 2, "one request for another token");
    clock.advance(6 * SECOND);
    cached.token().expect("the same token");
    assert_eq!(cached.source().calls(), 3, "another one after the back-off");
}

#[test]
fn expired_token_is_replaced_by_one_with_a_sooner_nominal_expiry() {
    let clock = ManualClock::new();
    let cached = cached(&clock, 3600 * SECOND);
    // Fetched while the wall clock was a day ahead, which was then put right.
    let true_time = clock.now();
    clock.set(true_time + 86_400 * SECOND);
    assert_eq!(secret(&cached), "token-1");
    clock.set(true_time);
    clock.advance(3600 * SECOND);
    assert_eq!(secret(&cached), "token-2");
    for _ in 0..100 {
        clock.advance(SECOND);
        assert_eq!(secret(&cached), "token-2");
    }
    assert_eq!(cached.source().calls(), 2);
}

#[test]
fn token_that_never_changes_and_is_valid_for_years_stays_in_use() {
    let clock = ManualClock::new();
    let token =
        Token::new(TokenKind::Access, "static", clock.now() + 10 * 365 * 86_400 * SECOND).expect("a token");
    let cached = cache(Scripted::new(move |_, _| Ok(token.clone())), &clock);
    for _ in 0..100 {
        assert_eq!(secret(&cached), "static");
        clock.advance(3600 * SECOND);
    }
    assert!(cached.source().calls() <= 100, "{} calls", cached.source().calls());
}
