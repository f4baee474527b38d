//! A thousand threads, with real requests to a server on loopback.

use crate::{SECOND, secret};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, Fault, ManualClock, throw_away_key};
use shortway::{
    CachePolicy, Cached, Clock, Error, ErrorKind, RetryPolicy, Token, TokenKind, TokenSource, Tokens,
};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread;

/// Calls from a thousand threads at once, and the outcome of each.
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

fn real_source(token_url: String, clock: &ManualClock) -> Tokens {
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
            // A caller that came after the response gets the back-off.
            let kind = outcome.expect_err("the server is down").kind();
            assert!(matches!(kind, ErrorKind::Unavailable | ErrorKind::Backoff), "{kind:?}");
        }
        assert_eq!(google.token_requests(), round);
        clock.advance(60 * SECOND);
    }
    source.token().expect("the server is back");
    assert_eq!(google.token_requests(), 3);
}

/// The server answers the refresh only when every other caller has returned: if one of them waited, none
/// would.
#[test]
fn nobody_waits_for_the_refresh_of_a_stale_token() {
    let clock = ManualClock::new();
    let returned = Arc::new((Mutex::new(0), Condvar::new()));
    let (count, served) = (Arc::clone(&returned), AtomicUsize::new(0));
    let server = FakeGoogle::playing(Fault::computed(move |_| {
        let served = served.fetch_add(1, Ordering::SeqCst);
        if served == 1 {
            let guard = count.0.lock().expect("the count");
            let others = THREADS - 1;
            let (guard, wait) =
                count.1.wait_timeout_while(guard, 20 * SECOND, |n| *n < others).expect("the count");
            assert!(!wait.timed_out(), "only {} of {others} returned during the refresh", *guard);
        }
        Fault::body(200, format!(r#"{{"access_token": "token-{served}", "expires_in": 3600}}"#))
    }));
    let server = server.expect("a fake");
    const THREADS: usize = 1000;
    // The refresh may take as long as all others need to return.
    let policy = CachePolicy::default().with_stale_wait(30 * SECOND);
    let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(server.token_url())
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
    assert_eq!(tokens.iter().filter(|t| *t == "token-1").count(), 1, "the caller that refreshed");
    assert_eq!(tokens.iter().filter(|t| *t == "token-0").count(), THREADS - 1);
    assert_eq!(server.token_requests(), 2);
}

#[test]
fn server_that_repeats_a_token_is_not_stormed() {
    let clock = ManualClock::new();
    let repeated = Fault::body(200, r#"{"access_token": "same", "expires_in": 20}"#);
    let server = FakeGoogle::playing(repeated).expect("a fake");
    let fixed = clock.now() + 20 * SECOND;
    // As a metadata server does: token and expiry stay the same.
    let bare = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
        .token_endpoint(server.token_url())
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
    // Fresh for 15 s or more; one request then, and the pause of a usable token; after 18 s it is expired,
    // and the pauses are half a second and its doubles, or half of that.
    let requests = server.token_requests();
    assert!((2..=6).contains(&requests), "{requests} requests");
}
