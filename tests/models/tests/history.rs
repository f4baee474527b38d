//! Random histories of one caller against a plain reference, on a clock moved by hand.
//!
//! The reference keeps the same facts in the simplest form that one can read off the table in `Cached`'s documentation, in
//! whole seconds, with nothing drawn by lot. Both are told the same story and must agree on every answer and on every call
//! of the source. I1, I4, I5, I7, I8, I9 hold in every history.
#![cfg(not(feature = "shuttle"))]

use proptest::prelude::*;
use shortway::testing::ManualClock;
use shortway::{Ask, CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
enum Event {
    /// Both clocks go on.
    Advance(u64),
    /// Only the wall clock goes on: a suspended machine.
    Suspend(u64),
    /// The wall clock is set, forward or back.
    SetWall(i64),
    /// A call; if the source is asked, it does this.
    Call(Answer),
    /// A look that never waits.
    Look,
    /// The last token handed out is refused by a server.
    Invalidate,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A new token of this many seconds.
    Token(u64),
    /// The token that it gave last, once more; a new one if there is none.
    Same,
    /// A failure that may pass.
    Down,
    /// A failure that will not.
    Denied,
    Panic,
}

fn event() -> impl Strategy<Value = Event> {
    let answer = prop_oneof![
        4 => prop_oneof![Just(3599_u64), Just(300), Just(40), Just(8), 1..50_000_u64].prop_map(Answer::Token),
        2 => Just(Answer::Same),
        2 => Just(Answer::Down),
        1 => Just(Answer::Denied),
        1 => Just(Answer::Panic),
    ];
    let span = || prop_oneof![0..3_u64, 0..70_u64, 0..400_u64, 0..4000_u64];
    prop_oneof![
        4 => span().prop_map(Event::Advance),
        1 => span().prop_map(Event::Suspend),
        1 => (-4000..4000_i64).prop_map(Event::SetWall),
        8 => answer.prop_map(Event::Call),
        1 => Just(Event::Look),
        1 => Just(Event::Invalidate),
    ]
}

/// What the reference knows. All times in milliseconds of the wall and the monotonic clock since the start.
#[derive(Default)]
struct Reference {
    wall: i64,
    monotonic: i64,
    held: Option<RefToken>,
    refused: Option<u32>,
    /// When the first invalidation of the last minute was made, and how many there were.
    invalidations: Option<(i64, u32)>,
    /// When the last refresh failed, how many did in a row, whether a retry may help.
    failure: Option<(i64, u32, bool)>,
}

#[derive(Clone, Copy)]
struct RefToken {
    number: u32,
    expires: i64,
    /// Fresh and usable until, on the wall and on the monotonic clock.
    fresh: (i64, i64),
    usable: (i64, i64),
}

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Token(u32),
    Failed(ErrorKind),
    Panicked,
}

impl Reference {
    fn usable(&self) -> Option<RefToken> {
        self.held.filter(|t| self.wall < t.usable.0 && self.monotonic < t.usable.1)
    }

    /// The outcome of a call, if the source is not asked.
    fn without_asking(&self) -> Option<Outcome> {
        let usable = self.usable();
        if let Some(token) = usable
            && self.wall < token.fresh.0
            && self.monotonic < token.fresh.1
        {
            return Some(Outcome::Token(token.number));
        }
        let (at, count, retryable) = self.failure?;
        let pause = match (usable, retryable) {
            (Some(_), _) => (5_000 << (count - 1).min(16)).min(60_000),
            (None, true) => (500 << (count - 1).min(16)).min(30_000),
            (None, false) => 60_000,
        };
        (self.monotonic < at + pause)
            .then_some(usable.map_or(Outcome::Failed(ErrorKind::Backoff), |t| Outcome::Token(t.number)))
    }

    /// A token is refused by a server: dropped if it is held, unless insisted on, three times a minute.
    fn invalidate(&mut self, number: u32) {
        if self.refused == Some(number) || self.held.is_none_or(|held| held.number != number) {
            return;
        }
        let (first, count) = match self.invalidations {
            Some((first, count)) if self.monotonic < first + 60_000 => (first, count + 1),
            _ => (self.monotonic, 1),
        };
        if count <= 3 {
            self.invalidations = Some((first, count));
            (self.held, self.refused) = (None, Some(number));
        }
    }

    /// A refresh that failed: noted, and the old token handed out if there is one.
    fn fail(&mut self, kind: ErrorKind, retryable: bool) -> Outcome {
        let count = self.failure.map_or(0, |f| f.1) + 1;
        self.failure = Some((self.monotonic, count, retryable));
        self.usable().map_or(Outcome::Failed(kind), |token| Outcome::Token(token.number))
    }

    /// The outcome of a call that asked, and was answered with a token (number, expiry) or a failure.
    fn asked(&mut self, answer: Result<(u32, i64), (ErrorKind, bool)>) -> Outcome {
        match answer {
            Err((kind, retryable)) => self.fail(kind, retryable),
            Ok((_, expires)) if expires <= self.wall => self.fail(ErrorKind::Unavailable, true),
            Ok((number, expires)) => {
                let known = self.held.map(|held| held.number).or(self.refused);
                let better = match self.usable() {
                    Some(held) => expires > held.expires,
                    None => known != Some(number),
                };
                let lifetime = (expires - self.wall).min(12 * 3_600_000);
                let margin = (lifetime / 10).min(30_000);
                let window = (lifetime / 4).min(225_000).max(margin);
                let until = |left: i64| (self.wall + lifetime - left, self.monotonic + lifetime - left);
                let token = RefToken { number, expires, fresh: until(window), usable: until(margin) };
                let used_up = self.held.is_some_and(|held| held.number == number) && self.usable().is_none();
                if better {
                    (self.held, self.refused, self.failure) = (Some(token), None, None);
                } else {
                    self.fail(ErrorKind::Unavailable, true);
                    if self.held.is_none() || (used_up && expires - self.wall > 30_000) {
                        self.held = Some(RefToken { fresh: (self.wall, self.monotonic), ..token });
                    }
                }
                Outcome::Token(number)
            }
        }
    }
}

/// A source that does what it is told next.
struct Told {
    clock: ManualClock,
    state: Mutex<ToldState>,
}

struct ToldState {
    answer: Answer,
    asked: u32,
    last: Option<(u32, SystemTime)>,
    given: Option<Result<(u32, SystemTime), (ErrorKind, bool)>>,
}

impl TokenSource for Told {
    fn token(&self) -> Result<Token, Error> {
        let now = self.clock.now();
        let given = {
            let mut state = self.state.lock().unwrap();
            state.asked += 1;
            let new = |seconds: u64, asked| Ok((asked, now + Duration::from_secs(seconds)));
            let given = match state.answer {
                Answer::Token(seconds) => new(seconds, state.asked),
                Answer::Same => state.last.map_or_else(|| new(3599, state.asked), Ok),
                Answer::Down => Err((ErrorKind::Unavailable, true)),
                Answer::Denied => Err((ErrorKind::Denied, false)),
                Answer::Panic => Err((ErrorKind::Aborted, true)),
            };
            if let Ok(token) = given {
                state.last = Some(token);
            }
            state.given = Some(given);
            given
        };
        match given {
            Ok((number, expires_at)) => Token::new(TokenKind::Access, &number.to_string(), expires_at),
            Err((ErrorKind::Aborted, _)) => std::panic::resume_unwind(Box::new("planted")),
            Err((kind, _)) => Err(Error::new(kind, "told to fail")),
        }
    }
}

/// Since `start`, in milliseconds.
fn since(start: SystemTime, time: SystemTime) -> i64 {
    match time.duration_since(start) {
        Ok(later) => later.as_millis() as i64,
        Err(earlier) => -(earlier.duration().as_millis() as i64),
    }
}

fn tell(events: &[Event]) -> Result<(), TestCaseError> {
    let clock = ManualClock::new();
    let start = clock.now();
    let state = ToldState { answer: Answer::Down, asked: 0, last: None, given: None };
    let source = Arc::new(Told { clock: clock.clone(), state: Mutex::new(state) });
    let mut policy = CachePolicy::default();
    (policy.jitter, policy.pause_jitter) = (0.0, 0.0);
    let cached = Cached::with_policy(Arc::clone(&source), policy, Arc::new(clock.clone()));
    let mut reference = Reference::default();
    let mut handed_out: Option<Token> = None;

    for event in events {
        match *event {
            Event::Advance(seconds) => {
                clock.advance(Duration::from_secs(seconds));
                reference.wall += seconds as i64 * 1000;
                reference.monotonic += seconds as i64 * 1000;
            }
            Event::Suspend(seconds) => {
                clock.suspend(Duration::from_secs(seconds));
                reference.wall += seconds as i64 * 1000;
            }
            Event::SetWall(seconds) => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                clock.set(if seconds < 0 { clock.now() - by } else { clock.now() + by });
                reference.wall += seconds * 1000;
            }
            Event::Look => {
                let number = cached.usable_token().map(|t| t.expose_secret().parse::<u32>().unwrap());
                prop_assert_eq!(number, reference.usable().map(|t| t.number));
            }
            Event::Invalidate => {
                if let Some(token) = &handed_out {
                    cached.invalidate(token);
                    let number = token.expose_secret().parse::<u32>().unwrap();
                    reference.invalidate(number);
                }
            }
            Event::Call(answer) => {
                let before = {
                    let mut state = source.state.lock().unwrap();
                    (state.answer, state.given) = (answer, None);
                    state.asked
                };
                let expected = reference.without_asking();
                let outcome = match catch_unwind(AssertUnwindSafe(|| cached.token_for(&Ask::new()))) {
                    Ok(Ok(token)) => {
                        let number = token.expose_secret().parse().unwrap();
                        handed_out = Some(token);
                        Outcome::Token(number)
                    }
                    Ok(Err(error)) => Outcome::Failed(error.kind()),
                    Err(_) => Outcome::Panicked,
                };
                let (asked, given) = {
                    let state = source.state.lock().unwrap();
                    (state.asked - before, state.given)
                };
                match (expected, given) {
                    (Some(expected), _) => {
                        prop_assert_eq!(asked, 0, "the source was asked out of turn");
                        prop_assert_eq!(outcome, expected);
                    }
                    (None, Some(given)) => {
                        prop_assert_eq!(asked, 1);
                        let told =
                            reference.asked(given.map(|(number, expires)| (number, since(start, expires))));
                        let panicked = matches!(given, Err((ErrorKind::Aborted, _)));
                        prop_assert_eq!(outcome, if panicked { Outcome::Panicked } else { told });
                    }
                    (None, None) => prop_assert!(false, "the source should have been asked"),
                }
            }
        }
    }
    // I7: when all faults are over, the first call past the longest pause succeeds.
    clock.advance(Duration::from_secs(3601));
    source.state.lock().unwrap().answer = Answer::Token(3599);
    let token = cached.token();
    prop_assert!(token.is_ok(), "{:?}", token);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn history_goes_as_the_reference_says(events in prop::collection::vec(event(), 1..60)) {
        tell(&events)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// I8: whatever the source does, in any span it is asked no more often than the shortest pause allows, once more for each
    /// token that it gave and each that was refused.
    #[test]
    fn failing_source_is_not_stormed(steps in prop::collection::vec(1..400_u64, 1..300)) {
        let clock = ManualClock::new();
        let asked = Mutex::new(0_u64);
        let source = shortway::from_fn(|| {
            *asked.lock().unwrap() += 1;
            Err(Error::new(ErrorKind::Unavailable, "down"))
        });
        let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
        let mut passed = 0;
        for step in steps {
            clock.advance(Duration::from_millis(step));
            passed += step;
            let _ = cached.token();
        }
        // The first pause, 500 ms, less the half that is drawn by lot.
        let most = 1 + passed / 250;
        let asked = *asked.lock().unwrap();
        prop_assert!(asked <= most, "{} requests in {} ms", asked, passed);
    }

    /// The same for a source that hands out one token, nearly used up, again and again.
    #[test]
    fn source_that_repeats_itself_is_not_stormed(steps in prop::collection::vec(1..400_u64, 1..300)) {
        let clock = ManualClock::new();
        let asked = Mutex::new(0_u64);
        let token = Token::new(TokenKind::Access, "same", clock.now() + Duration::from_secs(20)).unwrap();
        let source = shortway::from_fn(|| {
            *asked.lock().unwrap() += 1;
            Ok(token.clone())
        });
        let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
        let mut passed = 0;
        for step in steps {
            clock.advance(Duration::from_millis(step));
            passed += step;
            let _ = cached.token();
        }
        let asked = *asked.lock().unwrap();
        prop_assert!(asked <= 2 + passed / 250, "{} requests in {} ms", asked, passed);
    }

    /// I3: whoever waits leaves at its own deadline, whatever others wait for.
    #[test]
    fn waiters_leave_at_their_own_deadlines(seconds in prop::collection::vec(1..29_u64, 1..6)) {
        let clock = ManualClock::new();
        let (asked, left) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (release, released) = mpsc::channel::<()>();
        let released = Mutex::new(released);
        let source = shortway::from_fn(|| {
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = released.lock().unwrap().recv();
            Err(Error::new(ErrorKind::Unavailable, "released"))
        });
        let cached = Cached::with_policy(source, CachePolicy::default(), Arc::new(clock.clone()));
        let start = clock.monotonic();
        let until = |condition: &dyn Fn() -> bool| while !condition() { thread::yield_now() };
        thread::scope(|scope| {
            let leader = scope.spawn(|| cached.token());
            until(&|| asked.load(Ordering::SeqCst) == 1);
            let waiters: Vec<_> = seconds
                .iter()
                .map(|after| {
                    let ask = Ask::new().with_deadline(start + Duration::from_secs(*after));
                    let (cached, clock, left) = (&cached, &clock, &left);
                    scope.spawn(move || {
                        let kind = cached.token_for(&ask).expect_err("no token").kind();
                        let at = clock.monotonic() - start;
                        left.fetch_add(1, Ordering::SeqCst);
                        (kind, at.as_secs(), *after)
                    })
                })
                .collect();
            until(&|| clock.waiting() == seconds.len());
            for second in 1..30 {
                clock.advance(Duration::from_secs(1));
                let due = seconds.iter().filter(|after| **after <= second).count();
                until(&|| left.load(Ordering::SeqCst) == due && clock.waiting() == seconds.len() - due);
            }
            for waiter in waiters {
                let (kind, at, after) = waiter.join().expect("no panic");
                assert_eq!((kind, at), (ErrorKind::Timeout, after));
            }
            drop(release);
            assert_eq!(leader.join().expect("no panic").expect_err("released").kind(), ErrorKind::Unavailable);
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
