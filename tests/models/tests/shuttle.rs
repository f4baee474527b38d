//! Eight threads on one cache, in hundreds of thousands of random schedules: calls, invalidations, failures, panics, time.
//!
//! The number of schedules is `SCHEDULES`, 200,000 unless the environment says otherwise. A failure prints the schedule, and
//! shuttle's `replay` runs it again.
#![cfg(feature = "shuttle")]

use shortway::{Ask, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use shortway_models::cached::{CachePolicy, Cached};
use shuttle::rand::Rng;
use shuttle::sync::Mutex;
use shuttle::thread::{self, ThreadId};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

const THREADS: usize = 8;
const STEPS: usize = 3;
const LIFETIME: u64 = 100;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Time that moves when a thread says so; waiters look again whenever they are scheduled.
#[derive(Clone, Default)]
struct Seconds(Arc<AtomicU64>);

impl Seconds {
    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Seconds {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + self.get())
    }

    fn monotonic(&self) -> Instant {
        *START + Duration::from_secs(self.get())
    }

    fn park_until(&self, _deadline: Instant) {
        // A time-out is a wake-up that may come at any moment: half of the waits end for no reason.
        if shuttle::rand::thread_rng().gen_bool(0.5) {
            thread::yield_now();
        } else {
            thread::park();
        }
    }
}

struct Source {
    clock: Seconds,
    state: Mutex<SourceState>,
}

#[derive(Default)]
struct SourceState {
    made: u64,
    /// When each thread last called the cache; a flight that it leads was begun then or later.
    called: HashMap<ThreadId, Instant>,
    /// The same of the threads whose calls of the source are under way.
    under_way: Vec<Instant>,
    /// Kept, because callers of the cache catch panics.
    violation: Option<String>,
}

impl TokenSource for Source {
    fn token(&self) -> Result<Token, Error> {
        unreachable!("the cache asks with a deadline")
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        assert!(ask.deadline().is_some(), "the cache gives a deadline");
        let (call, called) = {
            let mut state = self.state.lock().unwrap();
            // I2: two calls at once only if the older flight is past the limit. Which comes here first does not matter: a
            // leader may be held up before it asks.
            let (now, limit) = (self.clock.monotonic(), CachePolicy::default().flight_limit);
            let called = state.called[&thread::current().id()];
            if let Some(other) = state.under_way.iter().find(|other| now < called.min(**other) + limit) {
                state.violation =
                    Some(format!("at {now:?} two flights of callers since {called:?} and {other:?}"));
            }
            state.made += 1;
            state.under_way.push(called);
            (state.made, called)
        };
        let expires_at = self.clock.now() + Duration::from_secs(LIFETIME);
        thread::yield_now();
        {
            let mut state = self.state.lock().unwrap();
            let place = state.under_way.iter().position(|c| *c == called).unwrap();
            state.under_way.swap_remove(place);
        }
        match shuttle::rand::thread_rng().gen_range(0..6) {
            0 => Err(Error::new(ErrorKind::Unavailable, "down")),
            1 => std::panic::resume_unwind(Box::new("planted")),
            _ => Token::new(TokenKind::Access, &format!("token-{call}"), expires_at),
        }
    }
}

fn schedule() {
    let clock = Seconds::default();
    let source = Arc::new(Source { clock: clock.clone(), state: Mutex::new(SourceState::default()) });
    let cached = Cached::with_policy(Arc::clone(&source), CachePolicy::default(), Arc::new(clock.clone()));
    let cached = Arc::new(cached);
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (cached, clock) = (Arc::clone(&cached), clock.clone());
            let done = Arc::new(AtomicBool::new(false));
            let mine = Arc::clone(&done);
            let thread = thread::spawn(move || {
                for _ in 0..STEPS {
                    step(&cached, &clock);
                }
                mine.store(true, Ordering::SeqCst);
            });
            (thread, done)
        })
        .collect();
    // Time goes on until everyone is through, so that nobody waits for ever; who parks is woken, as by a time-out.
    for (thread, done) in threads {
        while !done.load(Ordering::SeqCst) {
            clock.pass(10);
            thread.thread().unpark();
            thread::yield_now();
        }
        thread.join().unwrap();
    }
    let violation = source.state.lock().unwrap().violation.take();
    assert_eq!(violation, None);
    // I7, I9: whatever happened, past the back-off the cache works as soon as the source does.
    for _ in 0..200 {
        clock.pass(61);
        note_call(&cached, &clock);
        if let Ok(Ok(_)) = catch_unwind(AssertUnwindSafe(|| cached.token())) {
            return;
        }
    }
    panic!("the cache never recovered");
}

fn step(cached: &Cached<Arc<Source>>, clock: &Seconds) {
    note_call(cached, clock);
    let before = clock.now();
    match shuttle::rand::thread_rng().gen_range(0..8) {
        0 => clock.pass(25),
        1 => {
            if let Some(token) = cached.usable_token() {
                // I1: a tenth of the lifetime is the margin.
                assert!(token.expires_at() > before + Duration::from_secs(LIFETIME / 10), "past its margin");
                cached.invalidate(&token);
            }
        }
        2 => drop(catch_unwind(AssertUnwindSafe(|| cached.refresh_if_due()))),
        3 => {
            let ask = Ask::new().with_deadline(clock.monotonic() + Duration::from_secs(40));
            drop(catch_unwind(AssertUnwindSafe(|| cached.token_for(&ask))));
        }
        _ => drop(catch_unwind(AssertUnwindSafe(|| cached.token()))),
    }
}

fn note_call(cached: &Cached<Arc<Source>>, clock: &Seconds) {
    cached.source().state.lock().unwrap().called.insert(thread::current().id(), clock.monotonic());
}

#[test]
fn eight_threads_in_random_schedules() {
    let schedules = std::env::var("SCHEDULES").map_or(200_000, |n| n.parse().expect("SCHEDULES is a number"));
    let begin = Instant::now();
    shuttle::check_random(schedule, schedules);
    println!("{schedules} schedules of {THREADS} threads in {:.0} s", begin.elapsed().as_secs_f32());
}
