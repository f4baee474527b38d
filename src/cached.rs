//! Keeps one token and renews it before it ages.
//!
//! In: any [`TokenSource`]. Out: the same source, with a memory. One caller refreshes, in its own thread, and
//! the others go on with the token that is there; those who have none wait for that one refresh and share its
//! outcome. A failure never touches a token that is still good. No source, no log line and no clock wait runs
//! under a lock.

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::retry::random_share;
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// When a token is renewed and how long callers wait. The defaults are right for Google.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CachePolicy {
    /// How long before its end a token is renewed: 225 s, and at most a quarter of its lifetime. Google's
    /// metadata server hands out the same token until about 4 minutes before its end, so asking sooner gains
    /// nothing.
    pub early_refresh: Duration,
    /// The share of [`early_refresh`](Self::early_refresh) that is drawn by lot once for each token, so that
    /// programs started together do not renew together: 0.2, that is 180 to 225 s before the end.
    pub jitter: f64,
    /// A token with less left than this is never handed out: 30 s, and at most a tenth of its lifetime.
    pub margin: Duration,
    /// How long a caller waits who has no usable token and named no deadline: 30 s.
    pub wait: Duration,
    /// How long the one caller may take who renews a token that is still usable: 5 s.
    pub stale_wait: Duration,
    /// After this long a refresh counts as hung and another caller may start a new one: 35 s.
    pub flight_limit: Duration,
    /// The pause after a failed refresh while no usable token is left: 0.5 s, doubling up to 30 s.
    pub pause: (Duration, Duration),
    /// The pause after a failed refresh while the old token is still usable: 5 s, doubling up to 60 s.
    pub stale_pause: (Duration, Duration),
    /// The pause after a refusal that no retry will mend: 60 s.
    pub denied_pause: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            early_refresh: Duration::from_secs(225),
            jitter: 0.2,
            margin: Duration::from_secs(30),
            wait: Duration::from_secs(30),
            stale_wait: Duration::from_secs(5),
            flight_limit: Duration::from_secs(35),
            pause: (Duration::from_millis(500), Duration::from_secs(30)),
            stale_pause: (Duration::from_secs(5), Duration::from_secs(60)),
            denied_pause: Duration::from_secs(60),
        }
    }
}

/// A source with a memory of one token.
///
/// | The token held is | The caller gets |
/// |---|---|
/// | fresh | it, at once |
/// | within the early-refresh window | it, at once; the one caller who finds the renewal due makes it first, for at most 5 s, and gets the old token if that fails |
/// | used up, or there is none | the outcome of one refresh that all callers share, by its deadline |
/// | used up, and a refresh failed a moment ago | that failure, at once, as [`ErrorKind::Backoff`] with [`Error::retry_at`] |
///
/// Both clocks count, wall and monotonic, whichever leaves less time: a suspended machine does not wake with
/// a dead token, and a clock set back does not make one immortal.
///
/// ```
/// use shortway::{Cached, Token, TokenKind, TokenSource};
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use std::time::{Duration, SystemTime};
///
/// let made = AtomicU32::new(0);
/// let source = Cached::new(shortway::from_fn(|| {
///     made.fetch_add(1, Ordering::Relaxed);
///     Token::new(TokenKind::Access, "ya29.example", SystemTime::now() + Duration::from_secs(3599))
/// }));
/// source.token()?;
/// source.token()?;
/// assert_eq!(made.load(Ordering::Relaxed), 1);
/// # Ok::<(), shortway::Error>(())
/// ```
pub struct Cached<S> {
    source: S,
    clock: Arc<dyn Clock>,
    policy: CachePolicy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// The last token that a server refused: the source is asked for another one.
    refused: Option<Token>,
    flight: Option<Arc<Flight>>,
    failure: Option<Failure>,
}

/// A token and its limits on both clocks, fixed when it was stored.
#[derive(Clone)]
struct Held {
    token: Token,
    fresh_until: Limit,
    usable_until: Limit,
}

/// A point in time on both clocks; whichever comes first counts.
#[derive(Clone, Copy)]
struct Limit {
    wall: SystemTime,
    monotonic: Instant,
}

/// Both clocks, read together.
#[derive(Clone, Copy)]
struct Now {
    wall: SystemTime,
    monotonic: Instant,
}

/// One refresh: made by its leader, awaited by everyone else.
struct Flight {
    started: Instant,
    landing: Mutex<Landing>,
}

#[derive(Default)]
struct Landing {
    outcome: Option<Result<Token, Error>>,
    waiting: Vec<Thread>,
}

/// A refresh that failed, for the back-off.
struct Failure {
    error: Error,
    at: Now,
    /// How many failed in a row.
    count: u32,
    /// The share of the pause that holds, drawn once.
    share: f64,
}

/// What a caller does next.
enum Turn {
    Take(Token),
    Fail(Error),
    Lead(Arc<Flight>, Option<Token>),
    Wait(Arc<Flight>),
}

impl<S: TokenSource> Cached<S> {
    /// Puts a memory around `source`, with the default policy and the system's clocks.
    pub fn new(source: S) -> Self {
        Self::with_policy(source, CachePolicy::default(), Arc::new(SystemClock))
    }

    /// The same with a policy and a clock of the caller's.
    pub fn with_policy(source: S, policy: CachePolicy, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, policy, state: Mutex::default() }
    }

    /// The source inside.
    pub fn source(&self) -> &S {
        &self.source
    }

    fn now(&self) -> Now {
        Now { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that can panic runs under the lock, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides under the lock what this caller does.
    fn turn(&self, state: &mut State, ask: &Ask, now: Now) -> Turn {
        let wanted = state.held.as_ref().filter(|held| ask.unwanted() != Some(&held.token));
        let usable = match wanted {
            Some(held) if held.fresh_until.is_ahead_of(now) => return Turn::Take(held.token.clone()),
            Some(held) if held.usable_until.is_ahead_of(now) => Some(held.token.clone()),
            _ => None,
        };
        if let Some(flight) = &state.flight {
            let young = now.monotonic < after(flight.started, self.policy.flight_limit);
            match usable {
                Some(token) => return Turn::Take(token),
                None if young => return Turn::Wait(Arc::clone(flight)),
                None => {}
            }
        }
        if let Some(failure) = &state.failure {
            let pause = failure.pause(&self.policy, usable.is_some());
            if now.monotonic < after(failure.at.monotonic, pause) {
                return match usable {
                    Some(token) => Turn::Take(token),
                    None => Turn::Fail(failure.as_backoff(pause)),
                };
            }
        }
        let flight = Arc::new(Flight { started: now.monotonic, landing: Mutex::default() });
        state.flight = Some(Arc::clone(&flight));
        Turn::Lead(flight, usable)
    }

    /// Makes the refresh in this thread and tells everyone how it ended, even by a panic.
    fn lead(
        &self,
        flight: Arc<Flight>,
        usable: Option<Token>,
        ask: &Ask,
        asked: Now,
    ) -> Result<Token, Error> {
        let guard = FlightGuard { cached: self, flight: &flight, landed: false };
        let known = {
            let state = self.state();
            state.held.as_ref().map(|held| held.token.clone()).or_else(|| state.refused.clone())
        };
        let wait = if usable.is_some() { self.policy.stale_wait } else { self.policy.wait };
        let deadline = after(asked.monotonic, wait);
        let mut inner = Ask::new().deadline(ask.deadline_at().map_or(deadline, |d| d.min(deadline)));
        if let Some(token) = known {
            inner = inner.other_than(token);
        }
        let before = self.now();
        let outcome = self.source.token_for(&inner);
        let outcome = guard.land(outcome, before);
        match (outcome, usable) {
            (Ok(token), _) => Ok(token),
            (Err(error), Some(token)) => {
                log::debug!("a refresh failed, the old token is still good: {error}");
                Ok(token)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Waits for another caller's refresh; `None` when it hangs and this caller should look again.
    fn wait(&self, flight: &Flight, deadline: Instant) -> Option<Result<Token, Error>> {
        let limit = after(flight.started, self.policy.flight_limit);
        loop {
            {
                let mut landing = flight.landing();
                if let Some(outcome) = &landing.outcome {
                    return Some(outcome.clone());
                }
                let me = thread::current();
                if !landing.waiting.iter().any(|t| t.id() == me.id()) {
                    landing.waiting.push(me);
                }
            }
            let now = self.clock.monotonic();
            if now >= deadline {
                return Some(Err(Error::new(
                    ErrorKind::Timeout,
                    "no token in time: another thread's request for one is still under way",
                )));
            }
            if now >= limit {
                return None;
            }
            self.clock.park_until(deadline.min(limit));
        }
    }

    /// Stores what a flight brought. `before` was read before the source was asked: a lifetime counts from
    /// there.
    fn settle(&self, state: &mut State, flight: &Arc<Flight>, outcome: &Result<Token, Error>, before: Now) {
        let ours = state.flight.as_ref().is_some_and(|current| Arc::ptr_eq(current, flight));
        if ours {
            state.flight = None;
        }
        let progress = outcome.as_ref().ok().filter(|token| {
            state.refused.as_ref() != Some(token)
                && state.held.as_ref().is_none_or(|held| token.expires_at() > held.token.expires_at())
        });
        if let Some(token) = progress {
            state.held = Some(Held::new(token.clone(), before, &self.policy));
            state.failure = None;
            state.refused = None;
        } else if ours {
            let error = match outcome {
                Err(error) => error.clone(),
                Ok(_) => Error::new(ErrorKind::Unavailable, "the source handed out the same token again"),
            };
            let count = state.failure.as_ref().map_or(0, |f| f.count).saturating_add(1);
            state.failure = Some(Failure { error, at: self.now(), count, share: random_share() });
        }
    }
}

impl<S: TokenSource> TokenSource for Cached<S> {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let asked = self.now();
        let deadline = ask.deadline_at().unwrap_or_else(|| after(asked.monotonic, self.policy.wait));
        let mut now = asked;
        loop {
            let turn = self.turn(&mut self.state(), ask, now);
            match turn {
                Turn::Take(token) => return Ok(token),
                Turn::Fail(error) => return Err(error),
                Turn::Lead(flight, usable) => return self.lead(flight, usable, ask, now),
                Turn::Wait(flight) => {
                    if let Some(outcome) = self.wait(&flight, deadline) {
                        return outcome;
                    }
                }
            }
            now = self.now();
        }
    }

    fn identity(&self) -> Option<&Identity> {
        self.source.identity()
    }

    /// Drops this very token, if it is the one held; a newer one stays. The source inside is told too.
    fn invalidate(&self, token: &Token) {
        let mut state = self.state();
        let held = state.held.take_if(|held| held.token == *token);
        if let Some(held) = held {
            state.refused = Some(held.token);
        }
        drop(state);
        self.source.invalidate(token);
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held =
            self.state.lock().unwrap_or_else(PoisonError::into_inner).held.as_ref().map(|h| h.token.clone());
        f.debug_struct("Cached").field("source", &self.source).field("held", &held).finish_non_exhaustive()
    }
}

/// Lands its flight when dropped, so that a panic in the source strands nobody.
struct FlightGuard<'a, S: TokenSource> {
    cached: &'a Cached<S>,
    flight: &'a Arc<Flight>,
    landed: bool,
}

impl<S: TokenSource> FlightGuard<'_, S> {
    fn land(mut self, outcome: Result<Token, Error>, before: Now) -> Result<Token, Error> {
        self.landed = true;
        self.publish(&outcome, before);
        outcome
    }

    fn publish(&self, outcome: &Result<Token, Error>, before: Now) {
        self.cached.settle(&mut self.cached.state(), self.flight, outcome, before);
        let waiting = {
            let mut landing = self.flight.landing();
            landing.outcome = Some(outcome.clone());
            std::mem::take(&mut landing.waiting)
        };
        for thread in waiting {
            thread.unpark();
        }
    }
}

impl<S: TokenSource> Drop for FlightGuard<'_, S> {
    fn drop(&mut self) {
        if !self.landed {
            let error = Error::new(ErrorKind::Aborted, "the thread that asked for a token panicked");
            self.publish(&Err(error), self.cached.now());
        }
    }
}

/// The longest lifetime that is believed: 12 h, the most that Google grants. A token that claims more is renewed
/// then.
const MAX_LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// `at` plus `wait`, however absurdly long a policy makes it.
fn after(at: Instant, wait: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
    at.checked_add(wait.min(TEN_YEARS)).unwrap_or(at)
}

impl Flight {
    fn landing(&self) -> MutexGuard<'_, Landing> {
        self.landing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new(token: Token, before: Now, policy: &CachePolicy) -> Self {
        let lifetime = token.expires_at().duration_since(before.wall).unwrap_or_default().min(MAX_LIFETIME);
        let window = policy.early_refresh.min(lifetime / 4);
        let window = window.mul_f64(1.0 - policy.jitter.clamp(0.0, 1.0) * random_share());
        let margin = policy.margin.min(lifetime / 10);
        let limit = |left: Duration| Limit {
            wall: before.wall + (lifetime - left),
            monotonic: before.monotonic + (lifetime - left),
        };
        Self { fresh_until: limit(window.max(margin)), usable_until: limit(margin), token }
    }
}

impl Limit {
    fn is_ahead_of(self, now: Now) -> bool {
        now.wall < self.wall && now.monotonic < self.monotonic
    }
}

impl Failure {
    /// How long after the failure no refresh is made.
    fn pause(&self, policy: &CachePolicy, usable: bool) -> Duration {
        if let Some(asked) = self.error.retry_at().and_then(|at| at.duration_since(self.at.wall).ok()) {
            return asked;
        }
        if !self.error.is_retryable() && !usable {
            return policy.denied_pause;
        }
        let (first, most) = if usable { policy.stale_pause } else { policy.pause };
        let pause = first.saturating_mul(1 << (self.count - 1).min(16)).min(most);
        // Half of the pause is certain, half is drawn: two failures never follow at once.
        pause.mul_f64(0.5 + self.share / 2.0)
    }

    fn as_backoff(&self, pause: Duration) -> Error {
        let error = Error::new(
            ErrorKind::Backoff,
            format!("no token, and the last try failed a moment ago: {}", self.error.message()),
        )
        .with_retryable(self.error.is_retryable())
        .with_source(self.error.clone());
        let error = match self.error.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        match self.at.wall.checked_add(pause) {
            Some(at) => error.with_retry_at(at),
            None => error,
        }
    }
}
