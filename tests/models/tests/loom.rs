//! Every schedule of a few threads, up to three preemptions: what the cache promises holds in all of them.
//!
//! Time stands still but where a model moves it; a wait that times out is a model that moves the time and wakes the
//! waiter, at any moment loom finds. A waiter that nobody wakes is a deadlock, and loom reports it.
//!
//! I2 one flight at a time unless the limit passed; I4 a failure never touches the slot; I5 the slot's expiry goes down by
//! invalidation only; I6 all who wait share one outcome; I9 a panic leaves the cache usable; I10 callers with a stale token
//! never block; I1 no token past its margin is handed out of the slot.
#![cfg(not(feature = "shuttle"))]

use loom::sync::Mutex;
use loom::thread;
use shortway::{Ask, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use shortway_models::cached::{CachePolicy, Cached};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

/// Threads are switched against their will this often at most; more has found nothing in any published study.
const PREEMPTIONS: usize = 3;

fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    let schedules = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&schedules);
    builder.check(move || {
        count.fetch_add(1, Ordering::Relaxed);
        check();
    });
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    println!("{name}: {} schedules", schedules.load(Ordering::Relaxed));
}

/// Both clocks start here; the same in every execution.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

const LIFETIME: u64 = 3600;

/// Seconds since the start. No point of choice for loom: a model moves it only where that does not matter.
#[derive(Clone, Default)]
struct Seconds(Arc<AtomicU64>);

impl Seconds {
    fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
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
        thread::park();
    }
}

/// A source whose n-th call is a closure's business; counts how many calls are under way.
struct Source<F> {
    clock: Seconds,
    calls: Mutex<Calls>,
    answer: F,
}

#[derive(Default)]
struct Calls {
    made: u64,
    now: u64,
    most: u64,
}

impl<F> Source<F>
where
    F: Fn(u64, &Seconds) -> Result<Token, Error> + Send + Sync,
{
    fn cached(answer: F) -> (Arc<Cached<Arc<Self>>>, Arc<Self>, Seconds) {
        let clock = Seconds::default();
        let source = Arc::new(Self { clock: clock.clone(), calls: Mutex::new(Calls::default()), answer });
        let cached =
            Cached::with_policy(Arc::clone(&source), CachePolicy::default(), Arc::new(clock.clone()));
        (Arc::new(cached), source, clock)
    }

    fn made(&self) -> u64 {
        self.calls.lock().unwrap().made
    }

    fn most_at_once(&self) -> u64 {
        self.calls.lock().unwrap().most
    }
}

impl<F> TokenSource for Source<F>
where
    F: Fn(u64, &Seconds) -> Result<Token, Error> + Send + Sync,
{
    fn token(&self) -> Result<Token, Error> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            calls.made += 1;
            calls.now += 1;
            calls.most = calls.most.max(calls.now);
            calls.made
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.answer)(call, &self.clock)));
        self.calls.lock().unwrap().now -= 1;
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn token(number: u64, clock: &Seconds) -> Result<Token, Error> {
    Token::new(TokenKind::Access, &format!("token-{number}"), clock.now() + Duration::from_secs(LIFETIME))
}

fn down() -> Result<Token, Error> {
    Err(Error::new(ErrorKind::Unavailable, "down"))
}

/// A flag that a thread of the model waits for.
#[derive(Clone)]
struct Gate(Arc<(Mutex<bool>, loom::sync::Condvar)>);

impl Gate {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(false), loom::sync::Condvar::new())))
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut open = self.0.0.lock().unwrap();
        while !*open {
            open = self.0.1.wait(open).unwrap();
        }
    }
}

/// I2, I3, I6: on a cold start one call is made, and nobody is left waiting for it.
#[test]
fn cold_start_is_one_flight_for_all() {
    model(|| {
        let (cached, source, _) = Source::cached(token);
        let others: Vec<_> = (0..2)
            .map(|_| {
                let cached = Arc::clone(&cached);
                thread::spawn(move || cached.token().unwrap())
            })
            .collect();
        let mine = cached.token().unwrap();
        for other in others {
            assert_eq!(other.join().unwrap(), mine);
        }
        assert_eq!((source.made(), source.most_at_once()), (1, 1));
    });
}

/// I10, I2: while a stale token is renewed, everybody else has it at once. The source answers only when the others are
/// through, so a caller that blocked would be a deadlock.
#[test]
fn stale_callers_never_block() {
    model(|| {
        let through = Gate::new();
        let gate = through.clone();
        let (cached, source, clock) = Source::cached(move |call, clock: &Seconds| {
            if call == 2 {
                gate.pass();
            }
            token(call, clock)
        });
        let old = cached.token().unwrap();
        clock.set(LIFETIME - 100);
        let leader = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token().unwrap())
        };
        // Whoever finds the flight under way is not the leader and returns; if this thread leads, nobody else is in the way.
        let mine = {
            let cached = Arc::clone(&cached);
            let through = through.clone();
            thread::spawn(move || {
                let turn = cached.usable_token();
                through.open();
                turn.unwrap()
            })
        };
        assert_eq!(mine.join().unwrap().kind(), TokenKind::Access);
        let new = leader.join().unwrap();
        assert_ne!(new, old);
        assert_eq!((source.made(), source.most_at_once()), (2, 1));
    });
}

/// I10 again, by the ordinary call: two callers in the stale window, the source hangs until one of them has returned.
#[test]
fn of_two_stale_callers_one_returns_before_the_refresh_ends() {
    model(|| {
        let through = Gate::new();
        let gate = through.clone();
        let (cached, source, clock) = Source::cached(move |call, clock: &Seconds| {
            if call == 2 {
                gate.pass();
            }
            token(call, clock)
        });
        let old = cached.token().unwrap();
        clock.set(LIFETIME - 100);
        let call = |through: Gate| {
            let cached = Arc::clone(&cached);
            thread::spawn(move || {
                let token = cached.token().unwrap();
                through.open();
                token
            })
        };
        let (a, b) = (call(through.clone()), call(through));
        let tokens = [a.join().unwrap(), b.join().unwrap()];
        assert!(tokens.contains(&old), "one of the two led, the other had the old token");
        assert_eq!((source.made(), source.most_at_once()), (2, 1));
    });
}

/// I6, I4, I7: a failure is told to all who wait for it, and to nobody it happens twice; past the back-off all is well.
#[test]
fn failure_is_shared_and_forgotten() {
    model(|| {
        let (cached, source, clock) =
            Source::cached(|call, clock: &Seconds| if call == 1 { down() } else { token(call, clock) });
        let other = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token().unwrap_err().kind())
        };
        let kinds = [cached.token().unwrap_err().kind(), other.join().unwrap()];
        // Who came after the flight had landed is told of the back-off.
        assert!(kinds.iter().all(|k| matches!(k, ErrorKind::Unavailable | ErrorKind::Backoff)), "{kinds:?}");
        assert!(kinds.contains(&ErrorKind::Unavailable));
        assert_eq!(source.made(), 1);
        clock.set(1);
        assert_eq!(cached.token().unwrap().expose_secret(), "token-2");
    });
}

/// I4: a refresh that fails leaves the stale token where it is, for everyone.
#[test]
fn failure_never_touches_a_good_token() {
    model(|| {
        let (cached, source, clock) =
            Source::cached(|call, clock: &Seconds| if call == 2 { down() } else { token(call, clock) });
        let old = cached.token().unwrap();
        clock.set(LIFETIME - 100);
        let other = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token().unwrap())
        };
        assert_eq!(cached.token().unwrap(), old);
        assert_eq!(other.join().unwrap(), old);
        assert_eq!(cached.usable_token(), Some(old));
        assert_eq!(source.made(), 2);
    });
}

/// I9, I3: the leader panics; whoever waits hears of it, and past the pause the cache works.
#[test]
fn panic_strands_nobody() {
    model(|| {
        let (cached, source, clock) = Source::cached(|call, clock: &Seconds| {
            if call == 1 {
                // Quietly: a panic's message and backtrace would be printed in each of thousands of schedules.
                std::panic::resume_unwind(Box::new("planted"));
            }
            token(call, clock)
        });
        let call =
            |cached: &Arc<Cached<_>>| catch_unwind(AssertUnwindSafe(|| cached.token().map_err(|e| e.kind())));
        let other = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || call(&cached))
        };
        let outcomes = [call(&cached), other.join().unwrap()];
        assert_eq!(
            outcomes.iter().filter(|o| o.is_err()).count(),
            1,
            "the leader's panic goes on, in the leader alone"
        );
        let told = outcomes.into_iter().find_map(Result::ok).unwrap().unwrap_err();
        assert!(matches!(told, ErrorKind::Aborted | ErrorKind::Backoff), "{told:?}");
        clock.set(1);
        assert_eq!(cached.token().unwrap().expose_secret(), "token-2");
        assert_eq!(source.made(), 2);
    });
}

/// I5: two report the same token, a third goes on asking: it is dropped once, and its successor is not.
#[test]
fn invalidation_drops_one_token_once() {
    model(|| {
        let (cached, source, _) = Source::cached(token);
        let old = cached.token().unwrap();
        let report = || {
            let (cached, old) = (Arc::clone(&cached), old.clone());
            thread::spawn(move || {
                cached.invalidate(&old);
                cached.token().unwrap()
            })
        };
        let (a, b) = (report(), report());
        let new = [a.join().unwrap(), b.join().unwrap()];
        assert!(new.iter().all(|t| t.expose_secret() == "token-2"), "{new:?}");
        assert_eq!((source.made(), source.most_at_once()), (2, 1));
    });
}

/// I3: a waiter leaves at its own deadline while the flight goes on; a time-out may come at any moment.
#[test]
fn waiter_leaves_at_its_own_deadline() {
    model(|| {
        let release = Gate::new();
        let gate = release.clone();
        let (cached, source, clock) = Source::cached(move |call, clock: &Seconds| {
            gate.pass();
            token(call, clock)
        });
        let leader = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token())
        };
        let waiter = {
            let (cached, release) = (Arc::clone(&cached), release.clone());
            let deadline = clock.monotonic() + Duration::from_secs(2);
            thread::spawn(move || {
                let outcome = cached.token_for(&Ask::new().with_deadline(deadline));
                release.open();
                outcome
            })
        };
        clock.set(3);
        waiter.thread().unpark();
        release.open();
        let waited = waiter.join().unwrap();
        let led = leader.join().unwrap().unwrap();
        match waited {
            Ok(token) => assert_eq!(token, led),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Timeout),
        }
        assert_eq!((source.made(), source.most_at_once()), (1, 1));
    });
}

/// I2, I5: a flight that hangs past the limit is overtaken once; its late token, which ends sooner, changes nothing.
#[test]
fn hung_flight_is_overtaken_and_its_late_result_is_dropped() {
    model(|| {
        let release = Gate::new();
        let gate = release.clone();
        let (cached, source, clock) = Source::cached(move |call, clock: &Seconds| {
            let made = token(call, clock);
            if call == 1 {
                gate.pass();
            }
            made
        });
        let hung = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token().unwrap())
        };
        while source.made() == 0 {
            thread::yield_now();
        }
        clock.set(36);
        let new = cached.token().unwrap();
        assert_eq!(new.expose_secret(), "token-2");
        release.open();
        assert_eq!(hung.join().unwrap().expose_secret(), "token-1");
        assert_eq!(cached.token().unwrap(), new);
        assert_eq!((source.made(), source.most_at_once()), (2, 2));
    });
}

/// I2, I4: a flight that was overtaken fails late, while its successor is in the air; who comes then waits for the successor.
#[test]
fn late_failure_does_not_end_the_successor() {
    model(|| {
        let (first, second) = (Gate::new(), Gate::new());
        let gates = (first.clone(), second.clone());
        let (cached, source, clock) = Source::cached(move |call, clock: &Seconds| {
            if call == 1 {
                gates.0.pass();
                return down();
            }
            gates.1.pass();
            token(call, clock)
        });
        let call = |cached: &Arc<Cached<_>>| {
            let cached = Arc::clone(cached);
            thread::spawn(move || cached.token().map_err(|e| e.kind()))
        };
        let hung = call(&cached);
        while source.made() < 1 {
            thread::yield_now();
        }
        clock.set(36);
        let successor = call(&cached);
        while source.made() < 2 {
            thread::yield_now();
        }
        first.open();
        assert_eq!(hung.join().unwrap().unwrap_err(), ErrorKind::Unavailable);
        let late = call(&cached);
        second.open();
        let tokens = [successor.join().unwrap().unwrap(), late.join().unwrap().unwrap()];
        assert!(tokens.iter().all(|t| t.expose_secret() == "token-2"), "{tokens:?}");
        assert_eq!((source.made(), source.most_at_once()), (2, 2));
    });
}

/// I1: at the edge of the margin one caller refreshes; nobody is handed the old token from the slot.
#[test]
fn token_past_its_margin_is_never_handed_out() {
    model(|| {
        let (cached, source, clock) = Source::cached(token);
        let old = cached.token().unwrap();
        clock.set(LIFETIME - 30);
        assert_eq!(cached.usable_token(), None);
        let other = {
            let cached = Arc::clone(&cached);
            thread::spawn(move || cached.token().unwrap())
        };
        let tokens = [cached.token().unwrap(), other.join().unwrap()];
        assert!(!tokens.contains(&old), "{tokens:?}");
        assert_eq!((source.made(), source.most_at_once()), (2, 1));
    });
}
