//! Servers that refuse tokens, and many threads: how much a refusal costs.

use super::*;
use shortway::http::{Response, ResponseBody, Timeouts, Transport};
use shortway::testing::ManualClock;
use shortway::{CachePolicy, Cached, Clock, Error};
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const THREADS: usize = 50;

/// How many requests each thread sends.
const REQUESTS: usize = 20;

/// A cache around `source`, both by `clock`.
fn cached(clock: &ManualClock) -> Cached<ScriptedSource> {
    let source = ScriptedSource::numbered().with_clock(clock.clone());
    Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()))
}

/// The server revokes the token in use while 50 threads send requests.
#[test]
fn server_that_revokes_a_token_midway_costs_one_replay_a_request_and_one_exchange() {
    let served = AtomicUsize::new(0);
    let server = Endpoint::start(move |request| {
        let is_revoked = served.fetch_add(1, Ordering::SeqCst) >= THREADS * REQUESTS / 2;
        if is_revoked && is_old(request) { unauthorized() } else { ok() }
    });
    let clock = ManualClock::new();
    let tokens = cached(&clock);
    let api = api(tokens.clone(), &server.url).with_clock(clock);
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (api, url) = (&api, &server.url);
            scope.spawn(move || {
                for number in 0..REQUESTS {
                    let request =
                        Request::post(url).header("X-Id", format!("{thread}.{number}")).body("body");
                    let response = api.send(request.expect("a request")).expect("a response");
                    assert_eq!(response.status(), 200, "{thread}.{number}");
                }
            });
        }
    });
    let mut times_sent: HashMap<String, usize> = HashMap::new();
    for request in server.received() {
        *times_sent.entry(request.header("X-Id").expect("an id").to_owned()).or_default() += 1;
    }
    assert_eq!(times_sent.len(), THREADS * REQUESTS);
    let replays = times_sent.values().filter(|times| **times == 2).count();
    println!("{} requests, {replays} replays, {} exchanges", times_sent.len(), tokens.source().calls());
    assert!(times_sent.values().all(|times| *times <= 2), "a request was sent more than twice");
    assert!((1..=THREADS).contains(&replays), "{replays} replays, with {THREADS} requests under way");
    assert_eq!(tokens.source().calls(), 2, "one exchange at first, one after the revocation");
}

/// A server that refuses every token, and counts the requests.
#[derive(Clone, Default)]
struct Refusing(Arc<AtomicUsize>);

impl Transport for Refusing {
    fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Response::builder().status(401).body(Vec::new().into())?)
    }
}

/// When a source was asked, by its clock.
#[derive(Clone, Default)]
struct Exchanges(Arc<Mutex<Vec<Instant>>>);

impl Exchanges {
    /// A client of a server that refuses every token.
    fn client(&self, clock: &ManualClock, transport: Refusing) -> Authorized {
        let (times, at) = (self.clone(), clock.clone());
        let numbered = ScriptedSource::numbered().with_clock(clock.clone());
        let source = shortway::from_fn(move || {
            times.0.lock().expect("no panic").push(at.monotonic());
            numbered.token()
        });
        let tokens = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
        Authorized::new(tokens, transport).with_clock(clock.clone())
    }

    fn times(&self) -> Vec<Instant> {
        self.0.lock().expect("no panic").clone()
    }
}

/// The largest number of exchanges in any minute.
fn most_in_a_minute(times: &[Instant]) -> usize {
    let within = |begin: &Instant| {
        times.iter().filter(|at| *at >= begin && at.duration_since(*begin) < Duration::from_secs(60)).count()
    };
    times.iter().map(within).max().unwrap_or_default()
}

const URL: &str = "https://storage.googleapis.com/";

/// Sends requests in bursts of five, with these pauses before them in turn, for an hour.
fn most_exchanges_in_a_minute(pauses: &[u64]) -> usize {
    let (clock, exchanges, server) = (ManualClock::new(), Exchanges::default(), Refusing::default());
    let api = exchanges.client(&clock, server.clone());
    let (begin, mut calls) = (clock.monotonic(), 0);
    for (pause, burst) in pauses.iter().cycle().zip([5, 1].iter().cycle()) {
        clock.advance(Duration::from_secs(*pause));
        if clock.monotonic() - begin > Duration::from_secs(3600) {
            break;
        }
        for _ in 0..*burst {
            assert_eq!(api.send(get(URL)).expect("a response").status(), 401);
            calls += 1;
        }
    }
    let (sent, times) = (server.0.load(Ordering::SeqCst), exchanges.times());
    // The first token is not the price of a refusal.
    let most = most_in_a_minute(&times[1..]);
    println!(
        "{pauses:?} s: {calls} calls, {sent} requests, {} exchanges, at most {most} a minute",
        times.len()
    );
    assert!(sent <= calls + times.len(), "each exchange is worth one replay");
    most
}

#[test]
fn server_that_refuses_for_ever_costs_at_most_three_exchanges_a_minute() {
    for pauses in [&[1][..], &[7], &[19], &[29], &[59], &[61], &[59, 2], &[2, 59], &[1, 61, 58]] {
        let most = most_exchanges_in_a_minute(pauses);
        assert!(most <= 3, "{most} exchanges within a minute, with pauses of {pauses:?}");
    }
}

#[test]
fn fifty_threads_at_a_server_that_refuses_for_ever_cost_no_more_than_one() {
    let (clock, exchanges, server) = (ManualClock::new(), Exchanges::default(), Refusing::default());
    let api = exchanges.client(&clock, server.clone());
    for minute in 1..=3 {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..REQUESTS {
                        assert_eq!(api.send(get(URL)).expect("a response").status(), 401);
                    }
                });
            }
        });
        let exchanges = exchanges.times().len();
        println!("minute {minute}: {exchanges} exchanges, {} requests", server.0.load(Ordering::SeqCst));
        assert!(exchanges <= 1 + 3 * minute, "{exchanges} exchanges in {minute} minutes");
        assert!(server.0.load(Ordering::SeqCst) <= minute * (THREADS * REQUESTS + 3 * THREADS));
        clock.advance(Duration::from_secs(60));
    }
}
