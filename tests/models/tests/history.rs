//! Random histories of one caller on a clock moved by hand. What must hold is stated as properties of what
//! the caller and the source saw, not as a second copy of the cache's rules.
//!
//! The numbers I1 to I10 are those of the invariants that open `src/cached/mod.rs`. Clocks run ahead and are
//! put right, between the calls and in the middle of a refresh, before or after the source reads them.
#![cfg(not(feature = "shuttle"))]

use proptest::prelude::*;
use shortway::testing::ManualClock;
use shortway::{Ask, CachePolicy, Cached, Clock, Error, ErrorKind, Token, TokenKind, TokenSource};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

#[derive(Clone, Debug)]
enum Event {
    Time(Change),
    /// A call; if the source is called, it does this.
    Call {
        answer: Answer,
        during: During,
        other: bool,
        seconds: u64,
    },
    /// The last token that was returned is refused by a server.
    Invalidate,
}

/// What happens to the clocks.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Both clocks go on.
    Advance(u64),
    /// Only the wall clock goes on: a suspended machine.
    Suspend(u64),
    /// The wall clock is set, forward or back.
    SetWall(i64),
    /// The wall clock is set to the true time.
    PutRight,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// A new token of this many seconds, and whether it says so itself.
    Token(u64, bool),
    /// The token that it gave so many calls ago; a new one if there is none.
    Again(usize),
    Fail(ErrorKind),
    Panic,
}

/// What happens to the clocks during a refresh.
#[derive(Clone, Copy, Debug)]
enum During {
    Nothing,
    BeforeReading(Change),
    AfterReading(Change),
}

impl During {
    /// Whether both clocks go on alike.
    fn is_even(self) -> bool {
        match self {
            Self::Nothing => true,
            Self::BeforeReading(change) | Self::AfterReading(change) => matches!(change, Change::Advance(_)),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let span = || prop_oneof![0..3_u64, 0..70_u64, 0..400_u64, 0..4000_u64];
    let far = prop_oneof![Just(3600_i64), Just(7200), Just(86_400), Just(31_536_000), 0..4000_i64];
    prop_oneof![
        8 => span().prop_map(Change::Advance),
        1 => span().prop_map(Change::Suspend),
        1 => (far, any::<bool>()).prop_map(|(by, back)| Change::SetWall(if back { -by } else { by })),
        1 => Just(Change::PutRight),
    ]
}

fn good() -> impl Strategy<Value = Answer> {
    let lifetime = prop_oneof![Just(3599_u64), Just(300), Just(40), Just(8), 1..50_000_u64];
    (lifetime, any::<bool>()).prop_map(|(seconds, says)| Answer::Token(seconds, says))
}

fn during() -> impl Strategy<Value = During> {
    prop_oneof![
        6 => Just(During::Nothing),
        1 => change().prop_map(During::BeforeReading),
        1 => change().prop_map(During::AfterReading),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let fault = prop_oneof![Just(ErrorKind::Unavailable), Just(ErrorKind::Timeout), Just(ErrorKind::Denied)];
    let answer = prop_oneof![
        4 => good(),
        2 => (0..4_usize).prop_map(Answer::Again),
        3 => fault.prop_map(Answer::Fail),
        1 => Just(Answer::Panic),
    ];
    let seconds = prop_oneof![3 => Just(30_u64), 1 => Just(1), 1 => Just(0)];
    let call = (answer, during(), prop::bool::weighted(0.1), seconds)
        .prop_map(|(answer, during, other, seconds)| Event::Call { answer, during, other, seconds });
    prop_oneof![6 => change().prop_map(Event::Time), 8 => call, 1 => Just(Event::Invalidate)]
}

/// The clocks, and the true time, which no clock of the machine need show.
#[derive(Clone)]
struct World {
    clock: ManualClock,
    truth: Arc<Mutex<SystemTime>>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let truth = Arc::new(Mutex::new(clock.now()));
        Self { clock, truth }
    }

    fn change(&self, change: Change) {
        let pass = |seconds| *self.truth.lock().unwrap() += Duration::from_secs(seconds);
        match change {
            Change::Advance(seconds) => {
                pass(seconds);
                self.clock.advance(Duration::from_secs(seconds));
            }
            Change::Suspend(seconds) => {
                pass(seconds);
                self.clock.suspend(Duration::from_secs(seconds));
            }
            Change::SetWall(seconds) => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                let now = self.clock.now();
                self.clock.set(if seconds < 0 { now - by } else { now + by });
            }
            Change::PutRight => self.clock.set(self.truth()),
        }
    }

    fn truth(&self) -> SystemTime {
        *self.truth.lock().unwrap()
    }
}

/// A token as the source offered it: its ends on both clocks, by what was true or at least claimed at that
/// moment.
#[derive(Clone, Debug)]
struct Offer {
    token: Token,
    wall_end: SystemTime,
    monotonic_end: Instant,
    margin: Duration,
    /// Whether the token was new and the clocks went on evenly during the refresh, so that the cache knows
    /// exactly what is left. Else this is the most that it can think.
    exact: bool,
}

impl Offer {
    /// How long until it expires, by the clock that leaves less.
    fn left(&self, clock: &ManualClock) -> Duration {
        let wall = self.wall_end.duration_since(clock.now()).unwrap_or_default();
        wall.min(self.monotonic_end.saturating_duration_since(clock.monotonic()))
    }

    fn is_usable(&self, clock: &ManualClock) -> bool {
        self.left(clock) > self.margin
    }
}

/// A source that does what it is told next.
struct Told {
    world: World,
    state: Mutex<ToldState>,
}

struct ToldState {
    answer: Answer,
    during: During,
    calls: u32,
    /// All tokens that it gave, with their true ends.
    given: Vec<(Token, SystemTime)>,
    /// What the last call offered.
    offer: Option<Offer>,
}

impl Told {
    fn new(world: &World) -> Arc<Self> {
        let (answer, during) = (Answer::Panic, During::Nothing);
        let state = ToldState { answer, during, calls: 0, given: Vec::new(), offer: None };
        Arc::new(Self { world: world.clone(), state: Mutex::new(state) })
    }

    fn tell(&self, answer: Answer, during: During) {
        let mut state = self.state.lock().unwrap();
        (state.answer, state.during, state.offer) = (answer, during, None);
    }

    fn calls(&self) -> u32 {
        self.state.lock().unwrap().calls
    }

    /// The offer of `token` as it arrives now.
    fn offer(&self, token: &Token, true_end: Option<SystemTime>, (began, even): (Instant, bool)) -> Offer {
        let clock = &self.world.clock;
        let claimed = token.expires_at().duration_since(clock.now()).unwrap_or_default();
        let longest =
            token.lifetime().unwrap_or(Duration::from_secs(12 * 3600)).min(Duration::from_secs(12 * 3600));
        // Of a new token the true end is known. One that is repeated has only its claim.
        let left = true_end
            .map_or(claimed, |end| end.duration_since(self.world.truth()).unwrap_or_default().min(claimed))
            .min(longest);
        // Else from the start of the refresh.
        let unknown = left + clock.monotonic().duration_since(began);
        let lifetime =
            token.lifetime().map_or(unknown, |lifetime| lifetime.min(Duration::from_secs(12 * 3600)));
        let margin = if even || token.lifetime().is_some() { lifetime / 10 } else { Duration::ZERO };
        Offer {
            token: token.clone(),
            wall_end: clock.now() + left,
            monotonic_end: clock.monotonic() + left,
            margin: margin.min(Duration::from_secs(30)),
            exact: even && true_end.is_some(),
        }
    }
}

impl TokenSource for Told {
    fn token(&self) -> Result<Token, Error> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let (began, even) = (self.world.clock.monotonic(), state.during.is_even());
        if let During::BeforeReading(change) = state.during {
            self.world.change(change);
        }
        let (number, back) = (state.calls, state.given.len());
        let new = |seconds, says: bool| {
            let lifetime = Duration::from_secs(seconds);
            let token = Token::new(TokenKind::Access, &number.to_string(), self.world.clock.now() + lifetime);
            let token = token.map(|token| if says { token.with_lifetime(lifetime) } else { token });
            (token.unwrap(), self.world.truth() + lifetime)
        };
        let (token, is_new) = match state.answer {
            Answer::Token(seconds, says) => (Ok(new(seconds, says)), true),
            Answer::Again(ago) if ago < back => (Ok(state.given[back - 1 - ago].clone()), false),
            Answer::Again(_) => (Ok(new(3599, true)), true),
            Answer::Fail(kind) => (Err(Error::new(kind, "told to fail")), false),
            Answer::Panic => (Err(Error::new(ErrorKind::Aborted, "told to panic")), false),
        };
        if let During::AfterReading(change) = state.during {
            self.world.change(change);
        }
        if matches!(state.answer, Answer::Panic) {
            drop(state);
            std::panic::resume_unwind(Box::new("planted"));
        }
        let (token, end) = token?;
        state.offer = Some(self.offer(&token, is_new.then_some(end), (began, even)));
        if is_new {
            state.given.push((token.clone(), end));
        }
        Ok(token)
    }
}

/// What the caller knows.
struct History {
    world: World,
    source: Arc<Told>,
    cached: Cached<Arc<Told>>,
    /// The last token that was returned.
    returned: Option<Token>,
    offers: Vec<Offer>,
    /// All tokens that were reported as refused, whether the cache held them at that moment or not.
    reported: Vec<Token>,
    /// Those that the cache has certainly dropped, with the number of reports at that moment.
    refused: Vec<(Token, usize)>,
    /// The end of the last refresh that failed, and how much time it had if that was why.
    failed: Option<(Instant, Option<Duration>)>,
}

impl History {
    fn new() -> Self {
        let world = World::new();
        let source = Told::new(&world);
        let clock = Arc::new(world.clock.clone());
        let cached = Cached::with_policy(Arc::clone(&source), CachePolicy::default(), clock);
        let (offers, reported, refused) = (Vec::new(), Vec::new(), Vec::new());
        Self { world, source, cached, returned: None, offers, reported, refused, failed: None }
    }

    fn offers_of(&self, token: &Token) -> impl Iterator<Item = &Offer> {
        self.offers.iter().filter(move |offer| offer.token == *token)
    }

    /// The offer of `token` that leaves most.
    fn best_offer(&self, token: &Token) -> Option<&Offer> {
        self.offers_of(token).max_by_key(|offer| offer.left(&self.world.clock))
    }

    /// What the cache must know of `token`, if it was offered once. A token that was dropped and comes back
    /// has no more than its last offer leaves, which is less than the first where the machine was suspended.
    fn certain_offer(&self, token: &Token) -> Option<&Offer> {
        let mut offers = self.offers_of(token);
        offers.next().filter(|offer| offer.exact && offers.next().is_none())
    }

    /// Whether the cache must know that `token` is refused: it remembers three.
    fn is_refused(&self, token: &Token) -> bool {
        self.refused.iter().filter(|(refused, _)| refused == token).any(|(_, reports)| {
            let later: HashSet<_> = self.reported[*reports..].iter().map(Token::expose_secret).collect();
            later.len() < 3
        })
    }

    /// I1: what the cache holds is usable, by both clocks.
    fn held(&self) -> Result<Option<Token>, TestCaseError> {
        let held = self.cached.usable_token();
        if let Some(token) = &held {
            let clock = &self.world.clock;
            let usable = self.offers.iter().any(|offer| offer.token == *token && offer.is_usable(clock));
            prop_assert!(usable, "{:?} is past its margin: {:?}", token, self.best_offer(token));
        }
        Ok(held)
    }

    fn invalidate(&mut self) -> Result<(), TestCaseError> {
        let Some(token) = self.returned.clone() else { return Ok(()) };
        let before = self.held()?;
        self.cached.invalidate(&token);
        self.reported.push(token.clone());
        let after = self.held()?;
        if before.as_ref() == Some(&token) && after.is_none() {
            self.refused.push((token, self.reported.len()));
        } else {
            prop_assert_eq!(before, after, "only the very token is dropped");
        }
        Ok(())
    }

    fn call(
        &mut self,
        answer: Answer,
        during: During,
        other: bool,
        seconds: u64,
    ) -> Result<(), TestCaseError> {
        let clock = self.world.clock.clone();
        let before = self.held()?;
        let (began, calls) = (clock.monotonic(), self.source.calls());
        self.source.tell(answer, during);
        let mut ask = Ask::new().with_deadline(began + Duration::from_secs(seconds));
        if let Some(token) = self.returned.clone().filter(|_| other) {
            ask = ask.with_other_than(token);
        }
        // Offered once, by clocks that went on evenly, and not refused.
        let fresh = before.as_ref().is_some_and(|token| {
            let long = |offer: &Offer| offer.left(&clock) > Duration::from_secs(225);
            self.certain_offer(token).is_some_and(long) && !self.reported.contains(token)
        });
        let outcome = catch_unwind(AssertUnwindSafe(|| self.cached.token_for(&ask)));
        let calls = self.source.calls() - calls;
        let offer = self.source.state.lock().unwrap().offer.clone();
        self.offers.extend(offer.clone());
        let after = self.held()?;

        prop_assert!(calls <= 1, "{} calls of the source in one call of the cache", calls);
        if fresh && ask.other_than() != before.as_ref() {
            prop_assert_eq!(calls, 0, "a fresh token is not refreshed");
        }
        // I8: after a failure no call for a while, but for a caller with more time where time was what
        // lacked.
        let usable = before.as_ref().is_some_and(|token| ask.other_than() != Some(token));
        let patience = Duration::from_secs(if usable { seconds.min(5) } else { seconds });
        if let Some((at, had)) = self.failed
            && calls == 1
            && had.is_none_or(|had| patience <= had)
        {
            let pause = Duration::from_millis(if usable { 2500 } else { 250 });
            prop_assert!(began >= at + pause, "called {:?} after a failure", began.duration_since(at));
        }
        if calls == 1 {
            prop_assert!(seconds > 0, "a caller without time starts no refresh");
            self.note_failure(&answer, offer.as_ref(), before.as_ref(), patience);
        }
        // I4: a failure changes no token; time may have passed meanwhile.
        if offer.is_none() && during.is_even() {
            prop_assert!(after.is_none() || after == before, "{:?} became {:?}", before, after);
        }
        self.check_outcome(&outcome, &ask, before.as_ref(), after.as_ref(), offer.as_ref())?;
        if let Ok(Ok(token)) = outcome {
            self.returned = Some(token);
        }
        Ok(())
    }

    fn note_failure(
        &mut self,
        answer: &Answer,
        offer: Option<&Offer>,
        before: Option<&Token>,
        patience: Duration,
    ) {
        let now = self.world.clock.monotonic();
        let for_lack_of_time = matches!(answer, Answer::Fail(ErrorKind::Timeout));
        self.failed = match offer {
            None => Some((now, for_lack_of_time.then_some(patience))),
            Some(offer) if self.is_refused(&offer.token) => Some((now, None)),
            // The same token with the same end.
            Some(offer) if before == Some(&offer.token) => Some((now, None)),
            Some(_) => None,
        };
    }

    /// `before` and `after` are what the cache held; `offer` is what the source offered.
    fn check_outcome(
        &self,
        outcome: &thread::Result<Result<Token, Error>>,
        ask: &Ask,
        before: Option<&Token>,
        after: Option<&Token>,
        offer: Option<&Offer>,
    ) -> Result<(), TestCaseError> {
        let clock = &self.world.clock;
        let wanted = |token: &&Token| ask.other_than() != Some(*token);
        let Ok(outcome) = outcome else { return Ok(()) };
        let Ok(token) = outcome else {
            prop_assert_eq!(after.filter(wanted), None, "an error beside a usable token: {:?}", outcome);
            return Ok(());
        };
        prop_assert!(
            offer.is_some_and(|offer| offer.token == *token) || after == Some(token),
            "a token from nowhere"
        );
        // I5, of what was there before and of what came: never one with less left, never a refused one.
        let rivals = before.into_iter().chain(offer.map(|offer| &offer.token));
        for rival in rivals.filter(|rival| wanted(rival) && !self.reported.contains(rival)) {
            if self.offers_of(rival).all(|offer| offer.is_usable(clock)) {
                prop_assert!(!self.is_refused(token), "refused, and {:?} was there", rival);
            }
            let mine = self.best_offer(token).expect("an offer");
            if let Some(rival) = self.certain_offer(rival).filter(|rival| rival.is_usable(clock)) {
                prop_assert!(mine.left(clock) >= rival.left(clock), "{:?} rather than {:?}", mine, rival);
            }
        }
        Ok(())
    }
}

fn tell(events: &[Event]) -> Result<(), TestCaseError> {
    let mut history = History::new();
    for event in events {
        match *event {
            Event::Time(change) => history.world.change(change),
            Event::Invalidate => history.invalidate()?,
            Event::Call { answer, during, other, seconds } => history.call(answer, during, other, seconds)?,
        }
        history.held()?;
    }
    // I7: when all faults are over, the first call at the time that the error named succeeds.
    history.source.tell(Answer::Token(3599, true), During::Nothing);
    let Err(error) = history.cached.token() else { return Ok(()) };
    let next = error.retry_at().expect("a time").duration_since(history.world.clock.now());
    history.world.clock.advance(next.expect("a time to come"));
    let token = history.cached.token();
    prop_assert!(token.is_ok(), "{:?}", token);
    Ok(())
}

/// The machine was suspended, so the second offer of the first token leaves less than its first one.
#[test]
fn token_that_comes_back_has_what_its_last_offer_leaves() {
    let call = |answer| Event::Call { answer, during: During::Nothing, other: false, seconds: 30 };
    let events = [
        call(Answer::Token(3599, true)),
        Event::Time(Change::Suspend(3392)),
        call(Answer::Token(300, false)),
        Event::Invalidate,
        call(Answer::Again(1)),
        Event::Time(Change::Advance(60)),
        Event::Time(Change::SetWall(-31_536_000)),
        call(Answer::Token(300, false)),
    ];
    // Whether the second call makes a refresh is the token's random number.
    for _ in 0..64 {
        tell(&events).unwrap();
    }
}

/// So many histories, or as many times more as the variable `HISTORIES_TIMES` says.
fn cases(cases: u32) -> ProptestConfig {
    let times = std::env::var("HISTORIES_TIMES").ok().and_then(|times| times.parse().ok()).unwrap_or(1);
    ProptestConfig {
        cases: cases.saturating_mul(times),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(20_000))]

    #[test]
    fn every_history_keeps_the_properties(events in prop::collection::vec(event(), 1..60)) {
        tell(&events)?;
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    /// A source that never fails, and clocks that run ahead, stand still and are put right: then no call
    /// fails, and one request is made for a token's lifetime.
    #[test]
    fn clocks_that_are_put_right_cost_nothing(
        events in prop::collection::vec((change(), during(), any::<bool>()), 1..20),
    ) {
        let world = World::new();
        let source = Told::new(&world);
        let clock = Arc::new(world.clock.clone());
        let cached = Cached::with_policy(Arc::clone(&source), CachePolicy::default(), clock);
        for (change, during, says) in events {
            source.tell(Answer::Token(3599, says), during);
            let _ = cached.token();
            world.change(change);
        }
        world.change(Change::PutRight);
        world.change(Change::Advance(60));
        source.tell(Answer::Token(3599, true), During::Nothing);
        let calls = source.calls();
        for _ in 0..300 {
            let token = cached.token();
            prop_assert!(token.is_ok(), "{:?}", token);
            world.change(Change::Advance(10));
        }
        let calls = source.calls() - calls;
        prop_assert!(calls <= 1, "{} calls in 3,000 s", calls);
    }
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// I8: a source that fails is called no more often than the shortest pause allows.
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
        // The first pause, 500 ms, less the half that is taken off at random.
        let most = 1 + passed / 250;
        let asked = *asked.lock().unwrap();
        prop_assert!(asked <= most, "{} requests in {} ms", asked, passed);
    }

    /// The same for a source that returns one token, about to expire, again and again.
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

    /// I3: every caller that waits returns at its own deadline, whatever others wait for.
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
            let led = leader.join().expect("no panic").expect_err("released");
            assert_eq!(led.kind(), ErrorKind::Unavailable);
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
