//! Caches one token and refreshes it before it expires.
//!
//! In: any [`TokenSource`]. Out: the same source with a cache. One caller makes the refresh, in its own
//! thread. The others take the token that is there; those without a usable token wait for the refresh and get
//! its outcome.
//!
//! What holds, whatever sources, clocks and callers do. The margin is 30 s and at most a tenth of a token's
//! lifetime; a token is usable while it has more left than the margin, by the clock that leaves less.
//!
//! 1. **Margin.** A token that the cache holds is returned only while it is usable. A caller without a usable
//!    token gets the token that its refresh brought, if that has not expired.
//! 2. **One refresh at a time.** A second one starts only if the first is still running 5 s after its
//!    deadline, or belongs to the parent process.
//! 3. **Deadlines.** Every caller that waits returns by its deadline.
//! 4. **Failures change no token.** After a refresh that fails, panics or is overtaken the cache holds what
//!    it held.
//! 5. **The better token stays.** A token is replaced only by one with more left, by the clock that leaves
//!    less. A token that a server refused is dropped; it never replaces another usable token, and any usable
//!    token replaces it.
//! 6. **One outcome.** All callers that wait for a refresh get its outcome. One exception: a failure for lack
//!    of time (a time-out, or no connection) is an outcome only for callers that gave no more time than the
//!    caller that made the refresh and have no more left than the refresh had. For the others, one of them
//!    makes another refresh. Where a refresh failed, or none may be made, a caller gets the token that the
//!    source keeps, if it has one ([`TokenSource::kept_token`]).
//! 7. **Nothing is permanent.** When the cause of a failure is gone, the first call after [`Error::retry_at`]
//!    succeeds.
//! 8. **No storm.** After a failed refresh a pause follows, at least a quarter of a second and longer with
//!    each failure in a row; a refresh that brings no better token counts as failed. A failure for lack of
//!    time holds off only callers that give no more time than the refresh had. At most three tokens a minute
//!    are replaced before their time.
//! 9. **Panics.** After a panic of the source or of the clock the cache works on.
//! 10. **Usable means no wait.** A caller with a usable token waits for no other thread. One caller at a time
//!     makes the refresh itself, for at most 5 s.
//!
//! No source, no clock, no log line and no wait runs under a lock, and the cache logs nothing during a
//! refresh.

mod back_off;
mod fault;
mod flight;
mod held;
mod policy;
mod shared;
mod state;

pub use policy::CachePolicy;

use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::random::random_share;
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use fault::Fault;
use flight::{Flight, Me, Waited};
use held::{Now, after};
use shared::Shared;
use state::{Call, Turn};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A source with a cache of one token.
///
/// | The cached token is | The caller gets |
/// |---|---|
/// | fresh: more than 180 to 225 s left | it, at once |
/// | stale but usable: more than 30 s left | it, at once; one caller refreshes it first, for at most 5 s |
/// | expired, or there is none | the outcome of one refresh for all callers, by its own deadline |
/// | expired, and a refresh failed a moment ago | what the source [keeps](TokenSource::kept_token), else an error of the kind [`Backoff`], at once |
///
/// A refresh that fails leaves a usable token in use; the caller that made it gets that token too. A
/// [`Backoff`] error tells why the refresh failed, and has the time of the next one as
/// [`Error::retry_at`].
///
/// The times are [`CachePolicy`]'s defaults. They are shorter for tokens that live less than 15 minutes. Both
/// clocks count, wall and monotonic, whichever leaves less time: a suspended machine does not wake with an
/// expired token, and a clock that is set back, even during a refresh, does not make a token live longer. Of
/// two tokens the one with more left stays, and one that a server refused never replaces another.
///
/// No failure is permanent: after any failure, a panic of the source included, the next call after the pause
/// makes a refresh. A refresh that is still running 5 s after its deadline is overtaken.
///
/// A failure for lack of time (a time-out, or no connection) counts only for callers that give no more time
/// than the caller that made the refresh: a caller with a short deadline takes no token from the others.
///
/// [`Backoff`]: crate::ErrorKind::Backoff
///
/// Clones are the same cache: give one to each part of a program that needs tokens.
///
/// A program that must never wait has two more ways: [`usable_token`](Self::usable_token) for callers that
/// cannot block, and [`refresh_if_due`](Self::refresh_if_due) for a thread of its own that refreshes before
/// other callers do.
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
///
/// # Calls from inside a refresh
///
/// A source, or a logger that it calls, may request a token from its own cache. In the thread that makes the
/// refresh it gets the old token if that is usable, else an error at once; it never waits for itself. A
/// source that hands this call to another thread and waits for that thread waits until its deadline.
///
/// # Fork
///
/// After `fork` the child has a cache of its own with the same token. It does not wait for a refresh that
/// runs in the parent, but makes its own. One thing cannot be held: if another thread of the parent holds one
/// of the cache's locks at the moment of the fork (for well under a microsecond per call), the child's copy
/// of that lock stays locked, and a call in the child waits for ever. Fork before the program starts threads,
/// or start a new program after it.
pub struct Cached<S>(Arc<Inner<S>>);

struct Inner<S> {
    source: S,
    clock: Arc<dyn Clock>,
    policy: CachePolicy,
    shared: Shared,
}

/// What [`Cached::refresh_if_due`] did, and when to call it again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Upkeep {
    /// The outcome of the refresh, if one was due.
    pub refreshed: Option<Result<Token, Error>>,
    /// How long until the next refresh is due, at least 1 s.
    pub next: Duration,
}

impl<S: TokenSource> Cached<S> {
    /// Wraps `source` in a cache with the default policy and the system's clocks.
    pub fn new(source: S) -> Self {
        Self::with_policy(source, CachePolicy::default(), Arc::new(SystemClock))
    }

    /// Wraps `source` in a cache with this policy and this clock.
    pub fn with_policy(source: S, policy: CachePolicy, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner { source, clock, policy, shared: Shared::default() }))
    }

    /// The source inside.
    pub fn source(&self) -> &S {
        &self.0.source
    }

    /// The cached token, if it is usable now. Never waits and never calls the source: for async code, which
    /// calls [`token`](TokenSource::token) in a thread that may block if this is `None`.
    pub fn usable_token(&self) -> Option<Token> {
        let now = self.0.now();
        self.0.shared.read().usable(&Ask::new(), now).map(|held| held.token.clone())
    }

    /// Refreshes the token if that is due, in this thread. It is due here a little earlier than for other
    /// callers: a thread that calls this in time spares all others the refresh.
    ///
    /// ```no_run
    /// # fn start(tokens: &shortway::Cached<shortway::ServiceAccount>) {
    /// let tokens = tokens.clone();
    /// std::thread::spawn(move || loop {
    ///     let done = tokens.refresh_if_due();
    ///     if let Some(Err(error)) = done.refreshed {
    ///         eprintln!("cannot refresh the token: {error}");
    ///     }
    ///     std::thread::sleep(done.next);
    /// });
    /// # }
    /// ```
    pub fn refresh_if_due(&self) -> Upkeep {
        let this = &*self.0;
        let now = this.now();
        let (ask, patience) = (Ask::new(), this.policy.wait());
        let call = Call { ask: &ask, me: Me::new(), now, deadline: after(now.monotonic, patience), patience };
        let turn = {
            let mut state = this.shared.write();
            let due_in = state.due_in(now);
            if !due_in.is_zero() {
                return Upkeep { refreshed: None, next: due_in.max(SHORTEST_REST) };
            }
            state.refresh_turn(&this.policy, &call)
        };
        let refreshed = match turn {
            // A failure is reported even while the old token is usable.
            Turn::Lead(flight) => Some(this.lead(&flight, &call)),
            Turn::Take(_) | Turn::Fail(_) | Turn::Kept(..) | Turn::Wait(_) => None,
        };
        let now = this.now();
        let state = this.shared.read();
        let next = state.due_in(now).max(state.pause_left(&this.policy, now));
        Upkeep { refreshed, next: next.max(SHORTEST_REST) }
    }
}

/// The shortest time between two calls of [`Cached::refresh_if_due`]: 1 s.
const SHORTEST_REST: Duration = Duration::from_secs(1);

impl<S> Inner<S> {
    fn now(&self) -> Now {
        Now { wall: self.clock.now(), monotonic: self.clock.monotonic() }
    }
}

impl<S: TokenSource> Inner<S> {
    /// A token for a call at `now` that found none that is fresh.
    #[cold]
    fn refreshed(&self, ask: &Ask, mut now: Now) -> Result<Token, Error> {
        let deadline = ask.deadline().unwrap_or_else(|| after(now.monotonic, self.policy.wait()));
        let patience = deadline.saturating_duration_since(now.monotonic);
        let me = Me::new();
        loop {
            let call = Call { ask, me, now, deadline, patience };
            let turn = self.shared.write().turn(&self.policy, &call);
            match turn {
                Turn::Take(token) => return Ok(token),
                Turn::Fail(error) => return Err(error),
                Turn::Kept(not_again, error) => return self.kept(&call, not_again).ok_or(error),
                Turn::Lead(flight) => return self.best(&call, self.lead(&flight, &call)),
                Turn::Wait(flight) => match flight.wait(&*self.clock, deadline) {
                    Waited::OutOfTime => return Err(Fault::UnderWay.into()),
                    Waited::Landed(outcome) => {
                        let left = deadline.saturating_duration_since(self.clock.monotonic());
                        if flight.decides_for(patience, left, &outcome) {
                            return self.best(&call, outcome);
                        }
                    }
                    Waited::Hung => {}
                },
            }
            now = self.now();
        }
    }

    /// Makes the refresh in this thread and publishes how it ended, even by a panic.
    fn lead(&self, flight: &Arc<Flight>, call: &Call<'_>) -> Result<Token, Error> {
        let guard = FlightGuard { cached: self, flight, before: call.now, landed: false };
        let not_again = self.shared.read().not_again().cloned();
        let mut ask = without(call.ask, not_again).with_deadline(flight.deadline);
        if flight.stale {
            ask = ask.with_single_attempt();
        }
        guard.land(self.source.token_for(&ask))
    }

    /// A token that the source keeps, for a call that may not make a refresh.
    fn kept(&self, call: &Call<'_>, not_again: Option<Token>) -> Option<Token> {
        let ask = without(call.ask, not_again).with_deadline(call.deadline);
        self.source.kept_token(&ask).filter(|token| call.ask.other_than() != Some(token))
    }

    /// The usable token that the cache holds after a refresh, else the outcome of the refresh.
    fn best(&self, call: &Call<'_>, outcome: Result<Token, Error>) -> Result<Token, Error> {
        let now = self.now();
        let (held, not_again) = {
            let state = self.shared.read();
            (state.usable(call.ask, now).map(|held| held.token.clone()), state.not_again().cloned())
        };
        match (held, outcome) {
            (held, Ok(token)) => {
                log::debug!("a refresh brought {token:?}");
                Ok(held.unwrap_or(token))
            }
            (Some(held), Err(error)) => {
                log::debug!("a refresh failed, the cached token is still usable: {error}");
                Ok(held)
            }
            (None, Err(error)) => {
                log::debug!("a refresh failed: {error}");
                // Another process may have had more luck meanwhile.
                self.kept(call, not_again).ok_or(error)
            }
        }
    }
}

/// The same options for a source that should not return `token` again.
fn without(ask: &Ask, token: Option<Token>) -> Ask {
    let ask = ask.clone();
    match token {
        Some(token) => ask.with_other_than(token),
        None => ask,
    }
}

impl<S: TokenSource> TokenSource for Cached<S> {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let now = self.0.now();
        match self.0.shared.fresh(ask, now) {
            Some(token) => Ok(token),
            None => self.0.refreshed(ask, now),
        }
    }

    fn kept_token(&self, ask: &Ask) -> Option<Token> {
        let held = self.0.shared.read().usable(ask, self.0.now()).map(|held| held.token.clone());
        held.or_else(|| self.0.source.kept_token(ask))
    }

    fn identity(&self) -> Option<Identity> {
        self.0.source.identity()
    }

    /// Drops this very token, if it is the one held; a newer one stays. At most three a minute are dropped.
    /// The source inside is told too.
    fn invalidate(&self, token: &Token) {
        let now = self.0.now();
        self.0.shared.write().invalidate(token, now);
        self.0.source.invalidate(token);
    }
}

impl<S> Clone for Cached<S> {
    /// The same cache: clones share the token.
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: TokenSource> fmt::Debug for Cached<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.shared.read().token().cloned();
        f.debug_struct("Cached")
            .field("identity", &self.0.source.identity())
            .field("held", &held)
            .finish_non_exhaustive()
    }
}

/// Publishes the outcome of a refresh when dropped, so that after a panic of the source or the clock nobody
/// waits for it.
struct FlightGuard<'a, S> {
    cached: &'a Inner<S>,
    flight: &'a Arc<Flight>,
    /// When the refresh began. Lifetimes count from here.
    before: Now,
    landed: bool,
}

impl<S> FlightGuard<'_, S> {
    fn land(mut self, outcome: Result<Token, Error>) -> Result<Token, Error> {
        let told = self.publish(outcome, self.cached.now());
        self.landed = true;
        told
    }

    fn publish(&self, outcome: Result<Token, Error>, now: Now) -> Result<Token, Error> {
        let (policy, share) = (&self.cached.policy, random_share());
        let (told, replaced) =
            self.cached.shared.write().settle(policy, self.flight, outcome, (self.before, now), share);
        self.flight.land(told.clone());
        drop(replaced);
        told
    }
}

impl<S> Drop for FlightGuard<'_, S> {
    fn drop(&mut self) {
        if !self.landed {
            // The clock may be what panicked.
            let now = catch_unwind(AssertUnwindSafe(|| self.cached.now())).unwrap_or(self.before);
            let _ = self.publish(Err(Fault::Panicked.into()), now);
        }
    }
}
