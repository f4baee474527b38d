//! The cache: one refresh for all, an old token while it lasts, nothing thrown away.

mod util;

use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, ManualClock, ScriptedSource, throw_away_key};
use shortway::{
    Ask, CachePolicy, Cached, Clock, Error, ErrorKind, RetryPolicy, ServiceAccount, Token, TokenKind,
    TokenSource,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;
use std::time::Duration;
use util::endpoint::Endpoint;

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
    let third = cached.token_for(&Ask::new().with_other_than(second.clone())).expect("a third");
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

/// Calls from a thousand threads at once; what each got.
fn thousand_calls(source: &(impl TokenSource + ?Sized)) -> Vec<Result<Token, Error>> {
    const THREADS: usize = 1000;
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        let call = || {
            barrier.wait();
            source.token()
        };
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, call).expect("a thread")
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    })
}

fn real_source(token_url: String, clock: &ManualClock) -> Cached<ServiceAccount> {
    shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(token_url)
        .clock(clock.clone())
        .retry(RetryPolicy::NONE)
        .build()
        .expect("a source")
}

#[test]
fn thousand_threads_on_a_cold_and_on_an_expired_source_make_one_request_each_time() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let source = real_source(google.token_url(), &clock);
    for round in 1..=3 {
        let tokens: Vec<Token> = thousand_calls(&source).into_iter().map(|t| t.expect("a token")).collect();
        assert!(tokens.iter().all(|t| *t == tokens[0]));
        assert_eq!(google.token_requests(), round);
        clock.advance(3600 * SECOND);
    }
}

#[test]
fn thousand_threads_share_one_failure() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let source = real_source(google.token_url(), &clock);
    for round in 1..=2 {
        google.answer_next_token(503, serde_json::json!({}));
        for outcome in thousand_calls(&source) {
            // Who came after the answer is told of the back-off.
            let kind = outcome.expect_err("the server is down").kind();
            assert!(matches!(kind, ErrorKind::Unavailable | ErrorKind::Backoff), "{kind:?}");
        }
        assert_eq!(google.token_requests(), round);
        clock.advance(60 * SECOND);
    }
    source.token().expect("the server is back");
    assert_eq!(google.token_requests(), 3);
}

/// The server answers the renewal only when every other caller has returned: had one of them waited, nobody would ever.
#[test]
fn in_the_stale_window_nobody_waits_for_the_one_who_renews() {
    let clock = ManualClock::new();
    let returned = Arc::new((Mutex::new(0), Condvar::new()));
    let (count, served) = (Arc::clone(&returned), AtomicUsize::new(0));
    let server = Endpoint::start(move |_| {
        let served = served.fetch_add(1, Ordering::SeqCst);
        if served == 1 {
            let guard = count.0.lock().expect("the count");
            let others = THREADS - 1;
            let (guard, wait) =
                count.1.wait_timeout_while(guard, 20 * SECOND, |n| *n < others).expect("the count");
            assert!(
                !wait.timed_out(),
                "only {} of {others} returned while the renewal was under way",
                *guard
            );
        }
        (200, Vec::new(), format!(r#"{{"access_token": "token-{served}", "expires_in": 3600}}"#).into_bytes())
    });
    const THREADS: usize = 1000;
    // The renewal may take as long as all others need to return.
    let mut policy = CachePolicy::default();
    policy.stale_wait = 30 * SECOND;
    let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(format!("{}/token", server.url))
        .clock(clock.clone())
        .cache(policy)
        .build()
        .expect("a source");
    assert_eq!(secret(&source), "token-0");
    clock.advance(3450 * SECOND);
    let counted = shortway::from_fn(|| {
        let token = source.token();
        *returned.0.lock().expect("the count") += 1;
        returned.1.notify_all();
        token
    });
    let tokens: Vec<String> = thousand_calls(&counted)
        .into_iter()
        .map(|t| t.expect("a token").expose_secret().to_owned())
        .collect();
    assert_eq!(tokens.iter().filter(|t| *t == "token-1").count(), 1, "the one who renewed");
    assert_eq!(tokens.iter().filter(|t| *t == "token-0").count(), THREADS - 1);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn server_that_repeats_a_token_is_not_stormed() {
    let clock = ManualClock::new();
    let server = Endpoint::always(200, r#"{"access_token": "same", "expires_in": 20}"#);
    let fixed = clock.now() + 20 * SECOND;
    // A metadata server's way: the token stays, and so does its end.
    let bare = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(format!("{}/token", server.url))
        .clock(clock.clone())
        .build_uncached()
        .expect("a source");
    let repeating =
        shortway::from_fn(move || Token::new(TokenKind::Access, bare.token()?.expose_secret(), fixed));
    let source = Cached::with_policy(repeating, CachePolicy::default(), Arc::new(clock.clone()));
    for _ in 0..400 {
        let _ = source.token();
        clock.advance(SECOND / 20);
    }
    // Fresh for 15 s or more; one request then, and the pause of a usable token; past 18 s it is used up, and the pauses are
    // half a second and its doubles, or half of that.
    let requests = server.received().len();
    assert!((2..=6).contains(&requests), "{requests} requests");
}

#[test]
fn token_that_a_server_refuses_and_the_source_insists_on_is_kept() {
    let clock = ManualClock::new();
    let made = AtomicUsize::new(0);
    let token = Token::new(TokenKind::Access, "only", clock.now() + 3600 * SECOND).expect("a token");
    let cached = Cached::with_policy(
        shortway::from_fn(|| {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(token.clone())
        }),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    for _ in 0..50 {
        cached.invalidate(&cached.token().expect("better than none"));
    }
    assert_eq!(made.load(Ordering::SeqCst), 2, "asked for another one once");
    clock.advance(6 * SECOND);
    cached.token().expect("still that one");
    assert_eq!(made.load(Ordering::SeqCst), 3, "and again when the back-off is over");
}

#[test]
fn token_can_be_had_without_ever_waiting() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    assert_eq!(cached.usable_token(), None);
    let first = cached.refresh_if_due();
    assert!(first.refreshed.expect("due").is_ok());
    // 225 s and a tenth of that before the end, less at most a fifth drawn by lot.
    assert!((3300 * SECOND..3410 * SECOND).contains(&first.next), "{:?}", first.next);
    assert_eq!(cached.usable_token().expect("held").expose_secret(), "token-1");
    assert!(cached.refresh_if_due().refreshed.is_none());

    clock.advance(first.next);
    assert_eq!(secret(&cached), "token-1", "no other caller finds it due yet");
    assert_eq!(source.made(), 1);
    source.fail(ErrorKind::Unavailable);
    let failed = cached.refresh_if_due();
    assert_eq!(
        failed.refreshed.expect("due").expect_err("the source is down").kind(),
        ErrorKind::Unavailable
    );
    assert!(failed.next <= 5 * SECOND, "{:?}", failed.next);
    assert_eq!(cached.usable_token().expect("held").expose_secret(), "token-1");
    clock.advance(failed.next);
    assert!(cached.refresh_if_due().refreshed.expect("due").is_ok());
    assert_eq!((secret(&cached), source.made()), ("token-3".to_owned(), 3));
}

#[test]
fn renewal_of_a_usable_token_is_asked_for_with_little_patience() {
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
fn token_that_has_expired_already_is_no_token() {
    let clock = ManualClock::new();
    let dead = Token::new(TokenKind::Access, "dead", clock.now() - SECOND);
    let cached = Cached::with_policy(
        ScriptedSource::new().then(dead),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    let error = cached.token().expect_err("dead");
    assert_eq!(error.message(), "the source handed out a token that has expired already");
    assert_eq!(cached.token().expect_err("at once").kind(), ErrorKind::Backoff);
}

/// A token that is used up does not stand in the way of a new one, whatever its claimed end.
#[test]
fn token_that_ends_sooner_than_a_used_up_one_is_kept() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
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
    assert_eq!(source.made(), 2);
}

#[test]
fn token_that_never_changes_and_claims_years_stays_in_use() {
    let clock = ManualClock::new();
    let made = AtomicUsize::new(0);
    let token =
        Token::new(TokenKind::Access, "static", clock.now() + 10 * 365 * 86_400 * SECOND).expect("a token");
    let cached = Cached::with_policy(
        shortway::from_fn(|| {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(token.clone())
        }),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    for _ in 0..100 {
        assert_eq!(secret(&cached), "static");
        clock.advance(3600 * SECOND);
    }
    assert!(made.load(Ordering::SeqCst) <= 100, "{made:?} requests");
}

#[test]
fn who_has_no_time_does_not_ask_for_all() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    let late = Ask::new().with_deadline(clock.monotonic());
    let error = cached.token_for(&late).expect_err("no time");
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Timeout, "no token, and no time left to ask for one")
    );
    assert_eq!(source.made(), 0);
    assert_eq!(secret(&cached), "token-1");
    assert_eq!(cached.token_for(&late).expect("it is there").expose_secret(), "token-1");
}

#[test]
fn server_that_refuses_every_token_does_not_cost_a_request_each_time() {
    let clock = ManualClock::new();
    let source = Source::new(&clock, 3600 * SECOND);
    let cached = cached(&source);
    for _ in 0..1000 {
        cached.invalidate(&cached.token().expect("a token"));
    }
    assert_eq!(source.made(), 4);
    clock.advance(60 * SECOND);
    cached.invalidate(&cached.token().expect("a token"));
    assert_eq!(secret(&cached), "token-5");
}

#[test]
fn old_token_that_is_used_up_while_its_renewal_fails_is_not_handed_out() {
    let clock = ManualClock::new();
    let calls = AtomicUsize::new(0);
    let cached = Cached::with_policy(
        shortway::from_fn(|| {
            if calls.fetch_add(1, Ordering::SeqCst) == 0 {
                return Token::new(TokenKind::Access, "short", clock.now() + 20 * SECOND);
            }
            clock.advance(5 * SECOND);
            Err(Error::new(ErrorKind::Timeout, "slow and in vain"))
        }),
        CachePolicy::default(),
        Arc::new(clock.clone()),
    );
    cached.token().expect("a token");
    clock.advance(17 * SECOND);
    assert_eq!(cached.token().expect_err("used up meanwhile").kind(), ErrorKind::Timeout);
}
