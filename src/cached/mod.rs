//! Keeps one token and renews it before it ages.
//!
//! In: any [`TokenSource`]. Out: the same source, with a memory. One caller refreshes, in its own thread, and the others
//! go on with the token that is there; those who have none wait for that one refresh and share its outcome. A failure
//! never touches a token that is still good. No source, no log line and no wait runs under a lock.

mod flight;
mod policy;
mod slots;
mod state;

pub use policy::CachePolicy;

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::retry::random_share;
use crate::sync::{Mutex, MutexGuard};
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use flight::Flight;
use slots::Slots;
use state::{Now, State, Turn, after};
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// A source with a memory of one token.
///
/// | The token held is | The caller gets |
/// |---|---|
/// | fresh: more than 180 to 225 s left | it, at once |
/// | stale but usable: more than 30 s left | it, at once; the one caller who finds the renewal due makes it first, for at most 5 s, and gets the old token if that fails |
/// | used up, or there is none | the outcome, good or bad, of one refresh that all callers share, by its own deadline |
/// | used up, and a refresh failed a moment ago | that failure, at once, as [`ErrorKind::Backoff`] with [`Error::retry_at`] |
///
/// The times are [`CachePolicy`]'s defaults, shorter for tokens that live less than 15 minutes. Both clocks count, wall
/// and monotonic, whichever leaves less time: a suspended machine does not wake with a dead token, and a clock set back
/// does not make one immortal. Nothing is final: after any failure, a panic of the source included, the next call past the
/// back-off tries again. A refresh that hangs is overtaken after 35 s.
///
/// Clones are the same cache: give one to each part of a program that needs tokens.
///
/// A program that must never wait has two more ways: [`usable_token`](Self::usable_token) for callers that cannot block,
/// [`refresh_if_due`](Self::refresh_if_due) for a maintenance thread that renews before anybody else would.
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
pub struct Cached<S>(Arc<Inner<S>>);

struct Inner<S> {
    source: S,
    clock: Arc<dyn Clock>,
    policy: CachePolicy,
    state: Mutex<State>,
    /// Written only under the state's lock.
    slots: Slots,
}

/// What [`Cached::refresh_if_due`] did, and when to call it again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Upkeep {
    /// How the refresh ended, if one was made.
    pub refreshed: Option<Result<Token, Error>>,
    /// How long until the next call can be of use.
    pub next: Duration,
}

impl<S: TokenSource> Cached<S> {
    /// Puts a memory around `source`, with the default policy and the system's clocks.
    pub fn new(source: S) -> Self {
        Self::with_policy(source, CachePolicy::default(), Arc::new(SystemClock))
    }

    /// The same with a policy and a clock of the caller's.
    pub fn with_policy(source: S, policy: CachePolicy, clock: Arc<dyn Clock>) -> Self {
        let (state, slots) = (Mutex::new(State::default()), Slots::default());
        Self(Arc::new(Inner { source, clock, policy, state, slots }))
    }

    /// The source inside.
    pub fn source(&self) -> &S {
        &self.0.source
    }

    /// The token held, if it is usable now. Never waits, never asks the source: for async callers, which take the rare
    /// rest to a thread that may block, and for a last look before giving up.
    pub fn usable_token(&self) -> Option<Token> {
        let now = self.0.now();
        self.0.state().usable(&Ask::new(), now).map(|held| held.token.clone())
    }

    /// Renews the token if it is time, in this thread; for a maintenance thread of the program. It finds the renewal due a
    /// little before any other caller does, so that, called in time, no other caller ever makes one.
    ///
    /// ```no_run
    /// # fn start(tokens: &shortway::Cached<shortway::ServiceAccount>) {
    /// let upkeep = tokens.clone();
    /// std::thread::spawn(move || loop {
    ///     let done = upkeep.refresh_if_due();
    ///     if let Some(Err(error)) = done.refreshed {
    ///         eprintln!("the token was not renewed: {error}");
    ///     }
    ///     std::thread::sleep(done.next);
    /// });
    /// # }
    /// ```
    pub fn refresh_if_due(&self) -> Upkeep {
        let this = &*self.0;
        let now = this.now();
        let deadline = after(now.monotonic, this.policy.wait);
        let turn = {
            let mut state = this.state();
            match state.upkeep_due(now) {
                Err(next) => return Upkeep { refreshed: None, next },
                Ok(()) => {
                    let usable = state.usable(&Ask::new(), now).map(|held| held.token.clone());
                    state.refresh_turn(&this.policy, now, usable, deadline)
                }
            }
        };
        let refreshed = match turn {
            // The failure of a refresh is told even while the old token is good.
            Turn::Lead(flight, usable) => Some(this.lead(&flight, usable, &Ask::new(), now, deadline)),
            Turn::Take(_) | Turn::Fail(_) | Turn::Wait(_) => None,
        };
        let now = this.now();
        let state = this.state();
        let next =
            state.upkeep_due(now).err().unwrap_or_default().max(state.back_off_left(&this.policy, now));
        Upkeep { refreshed, next: next.max(SHORTEST_REST) }
    }
}

impl<S: TokenSource> Inner<S> {
    fn now(&self) -> Now {
        Now { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under the lock, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, ask: &Ask, now: Now, deadline: Instant) -> Turn {
        let mut state = self.state();
        let turn = state.turn(&self.policy, ask, now, deadline);
        if let (Turn::Take(_), Some(held)) = (&turn, &state.held)
            && held.fresh_until.is_ahead_of(now)
        {
            self.slots.fill(held);
        }
        turn
    }

    /// Makes the refresh in this thread and tells everyone how it ended, even by a panic. With a usable token there is
    /// little patience.
    fn lead(
        &self,
        flight: &Arc<Flight>,
        usable: bool,
        ask: &Ask,
        now: Now,
        deadline: Instant,
    ) -> Result<Token, Error> {
        let guard = FlightGuard { cached: self, flight, landed: false };
        let mut inner = ask.clone().with_deadline(deadline);
        if usable {
            inner = inner
                .with_deadline(deadline.min(after(now.monotonic, self.policy.stale_wait)))
                .with_single_attempt();
        }
        let not_again = self.state().not_again().cloned();
        if let Some(token) = not_again {
            inner = inner.with_other_than(token);
        }
        let before = self.now();
        let outcome = self.source.token_for(&inner);
        guard.land(outcome, before)
    }
}

/// The least that a maintenance thread rests between two calls: 1 s.
const SHORTEST_REST: Duration = Duration::from_secs(1);

impl<S: TokenSource> TokenSource for Cached<S> {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let this = &*self.0;
        let asked = this.now();
        let deadline = ask.deadline().unwrap_or_else(|| after(asked.monotonic, this.policy.wait));
        let mut now = asked;
        loop {
            if let Some(token) = this.slots.fresh(ask, now) {
                return Ok(token);
            }
            match this.turn(ask, now, deadline) {
                Turn::Take(token) => return Ok(token),
                Turn::Fail(error) => return Err(error),
                Turn::Lead(flight, usable) => {
                    let outcome = this.lead(&flight, usable, ask, now, deadline);
                    // The old token is looked at again: it may have been used up meanwhile.
                    let now = this.now();
                    let old = outcome.as_ref().err().and_then(|error| {
                        let held = this.state().usable(ask, now).map(|held| held.token.clone());
                        held.inspect(|_| {
                            log::debug!("a refresh failed, the old token is still good: {error}");
                        })
                    });
                    return old.map_or(outcome, Ok);
                }
                Turn::Wait(flight) => {
                    let limit = after(flight.started, this.policy.flight_limit);
                    if let Some(outcome) = flight.wait(&*this.clock, deadline, limit) {
                        return outcome;
                    }
                }
            }
            now = this.now();
        }
    }

    fn identity(&self) -> Option<Identity> {
        self.0.source.identity()
    }

    /// Drops this very token, if it is the one held; a newer one stays. At most three a minute are dropped. The source
    /// inside is told too.
    fn invalidate(&self, token: &Token) {
        let this = &*self.0;
        let now = this.now();
        {
            let mut state = this.state();
            state.invalidate(token, now);
            this.slots.clear();
        }
        this.source.invalidate(token);
    }
}

impl<S> Clone for Cached<S> {
    /// The same cache once more: clones share the token.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: fmt::Debug> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self
            .0
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .held
            .as_ref()
            .map(|h| h.token.clone());
        f.debug_struct("Cached").field("source", &self.0.source).field("held", &held).finish_non_exhaustive()
    }
}

/// Lands its flight when dropped, so that a panic in the source strands nobody.
struct FlightGuard<'a, S: TokenSource> {
    cached: &'a Inner<S>,
    flight: &'a Arc<Flight>,
    landed: bool,
}

impl<S: TokenSource> FlightGuard<'_, S> {
    fn land(mut self, outcome: Result<Token, Error>, before: Now) -> Result<Token, Error> {
        self.landed = true;
        self.publish(outcome, before)
    }

    fn publish(&self, outcome: Result<Token, Error>, before: Now) -> Result<Token, Error> {
        let policy = &self.cached.policy;
        let (now, share) = (self.cached.now(), random_share());
        let (told, replaced) = {
            let mut state = self.cached.state();
            let settled = state.settle(policy, self.flight, outcome, (before, now), share);
            self.cached.slots.clear();
            settled
        };
        self.flight.land(told.clone());
        drop(replaced);
        told
    }
}

impl<S: TokenSource> Drop for FlightGuard<'_, S> {
    fn drop(&mut self) {
        if !self.landed {
            let error = Error::new(ErrorKind::Aborted, "the thread that asked for a token panicked");
            let _ = self.publish(Err(error), self.cached.now());
        }
    }
}
