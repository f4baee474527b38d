//! What a cache knows and what it decides: no clock, no lock, no waiting.
//!
//! In: a call, with the time on both clocks; how a refresh ended. Out: what the call does next. The cache
//! around it locks, waits and calls the source.

use super::back_off::{Asker, BackOff};
use super::fault::Fault;
use super::flight::{Flight, Me};
use super::held::{Held, Now, after};
use super::policy::CachePolicy;
use crate::error::Error;
use crate::token::Token;
use crate::token_source::Ask;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct State {
    held: Option<Held>,
    /// The last tokens that servers refused.
    refused: Vec<Token>,
    /// When the last replacements were made, the oldest first.
    replaced: [Option<Instant>; REPLACEMENTS],
    flight: Option<Arc<Flight>>,
    back_off: BackOff,
}

/// One call.
pub(super) struct Call<'a> {
    pub(super) ask: &'a Ask,
    pub(super) me: Me,
    pub(super) now: Now,
    pub(super) deadline: Instant,
    /// From the moment of the call to its deadline.
    pub(super) patience: Duration,
}

/// What a call does next.
pub(super) enum Turn {
    /// Return this token.
    Take(Token),
    /// Fail.
    Fail(Error),
    /// Return a token that the source keeps, but not this one; without one, fail.
    Kept(Option<Token>, Error),
    /// Make this refresh.
    Lead(Arc<Flight>),
    /// Wait for this refresh.
    Wait(Arc<Flight>),
}

impl State {
    /// The token held, whatever its age.
    pub(super) fn token(&self) -> Option<&Token> {
        self.held.as_ref().map(|held| &held.token)
    }

    /// The token held, if it is usable and not the one that the caller has already.
    pub(super) fn usable(&self, ask: &Ask, now: Now) -> Option<&Held> {
        self.held
            .as_ref()
            .filter(|held| ask.other_than() != Some(&held.token) && held.usable_until.is_ahead_of(now))
    }

    /// The same, if it is fresh.
    pub(super) fn fresh(&self, ask: &Ask, now: Now) -> Option<&Held> {
        self.usable(ask, now).filter(|held| held.fresh_until.is_ahead_of(now))
    }

    /// The token that the source should not return again.
    pub(super) fn not_again(&self) -> Option<&Token> {
        self.token().or(self.refused.last())
    }

    /// Decides what `call` does next. If it leads, its flight is registered.
    pub(super) fn turn(&mut self, policy: &CachePolicy, call: &Call<'_>) -> Turn {
        match self.fresh(call.ask, call.now) {
            Some(held) => Turn::Take(held.token.clone()),
            None => self.refresh_turn(policy, call),
        }
    }

    /// Decides what `call` does that finds a refresh due.
    pub(super) fn refresh_turn(&mut self, policy: &CachePolicy, call: &Call<'_>) -> Turn {
        let usable = self.usable(call.ask, call.now).map(|held| held.token.clone());
        let Some(flight) = self.flight.as_ref().filter(|flight| flight.is_alive(call.me, call.now.monotonic))
        else {
            return match self.start(policy, call, usable.is_some()) {
                Ok(flight) => Turn::Lead(flight),
                Err(error) => match usable {
                    Some(token) => Turn::Take(token),
                    None => Turn::Kept(self.not_again().cloned(), error),
                },
            };
        };
        match usable {
            Some(token) => Turn::Take(token),
            None if flight.is_led_by(call.me) => Turn::Fail(Fault::OwnRefresh.into()),
            None => Turn::Wait(Arc::clone(flight)),
        }
    }

    /// Starts a refresh, unless the back-off or a limit forbids it. `stale`: the caller has a usable token.
    fn start(&mut self, policy: &CachePolicy, call: &Call<'_>, stale: bool) -> Result<Arc<Flight>, Error> {
        let now = call.now.monotonic;
        let (mut deadline, mut patience) = (call.deadline, call.patience);
        if stale {
            deadline = deadline.min(after(now, policy.stale_wait()));
            patience = patience.min(policy.stale_wait());
        }
        if let Some(error) = self.back_off.error(Asker { now: call.now, patience, usable: stale }) {
            return Err(error);
        }
        if now >= deadline {
            return Err(Fault::OutOfTime.into());
        }
        self.allow_replacement(call)?;
        let flight = Arc::new(Flight::new(call.me, (now, deadline), patience, stale));
        self.flight = Some(Arc::clone(&flight));
        Ok(flight)
    }

    /// A call that does not want the fresh token that is held is one of three a minute.
    fn allow_replacement(&mut self, call: &Call<'_>) -> Result<(), Error> {
        if self.fresh(&Ask::new(), call.now).is_none() || self.fresh(call.ask, call.now).is_some() {
            return Ok(());
        }
        self.replace(call.now.monotonic).map_err(|pause| {
            let error = Error::from(Fault::ReplacedTooOften);
            call.now.wall.checked_add(pause).map_or(error.clone(), |at| error.with_retry_at(at))
        })
    }

    /// Counts one replacement before the token's time. Fails with the time until the next is allowed: a
    /// server that refuses every token must not cost a request each time.
    fn replace(&mut self, now: Instant) -> Result<(), Duration> {
        match self.replaced[0].map(|oldest| after(oldest, MINUTE)) {
            Some(allowed) if now < allowed => Err(allowed.saturating_duration_since(now)),
            _ => {
                self.replaced.rotate_left(1);
                self.replaced[REPLACEMENTS - 1] = Some(now);
                Ok(())
            }
        }
    }

    /// Records how a refresh ended that began at `before`. `share`, from 0 to 1, is this outcome's random
    /// number. Returns what the leader and all threads that wait get, and the failures that this replaces:
    /// they may hold an error type of the source's, which must not be dropped under a lock.
    pub(super) fn settle(
        &mut self,
        policy: &CachePolicy,
        flight: &Arc<Flight>,
        outcome: Result<Token, Error>,
        (before, now): (Now, Now),
        share: f64,
    ) -> (Result<Token, Error>, BackOff) {
        let current = self.flight.take_if(|current| Arc::ptr_eq(current, flight)).is_some();
        let (outcome, failure) = match outcome {
            Err(error) => (Err(error.clone()), error),
            Ok(token) => match Held::new(token.clone(), (before, now), policy, share) {
                None => (Err(Fault::Expired.into()), Fault::Expired.into()),
                Some(new) => match self.offer(new, now) {
                    Ok(()) => return (Ok(token), std::mem::take(&mut self.back_off)),
                    Err(fault) => (Ok(token), fault.into()),
                },
            },
        };
        let replaced = if current {
            self.back_off.add(failure, (before, now), share, flight.time)
        } else {
            BackOff::default()
        };
        (outcome, replaced)
    }

    /// Keeps `new` if it has more left than the token held, by both clocks. A refused token never replaces
    /// another one that is usable, and any other replaces it. Fails if this refresh brought no progress: then
    /// the pause of a failure follows, so that a source which repeats itself is not called with each call.
    fn offer(&mut self, new: Held, now: Now) -> Result<(), Fault> {
        let is_refused = |token: &Token| self.refused.contains(token);
        let refused = is_refused(&new.token);
        let same = self.token().filter(|held| **held == new.token);
        // The same claim read by a clock that was set back is no longer life.
        let repeated = same.is_some_and(|held| held.expires_at() >= new.token.expires_at());
        let rival = self.usable(&Ask::new(), now).filter(|held| !is_refused(&held.token));
        let wins = rival.is_none_or(|held| !refused && !repeated && new.left(now) > held.left(now));
        let fault = if refused {
            Fault::Refused
        } else if repeated || (same.is_some() && !new.fresh_until.is_ahead_of(now)) {
            Fault::Repeated
        } else if !wins {
            Fault::NoLater
        } else if !new.usable_until.is_ahead_of(now) {
            Fault::AboutToExpire
        } else {
            self.held = Some(new.fresh_for_a_while(now));
            return Ok(());
        };
        if wins && new.usable_until.is_ahead_of(now) {
            self.held = Some(new.stale(now));
        }
        Err(fault)
    }

    /// Drops `token` if it is the one held, unless the source has repeated it after it was refused, or three
    /// were replaced in the last minute.
    pub(super) fn invalidate(&mut self, token: &Token, now: Now) {
        if self.token() != Some(token) || self.refused.contains(token) || self.replace(now.monotonic).is_err()
        {
            return;
        }
        self.held = None;
        if self.refused.len() == REFUSED {
            self.refused.remove(0);
        }
        self.refused.push(token.clone());
    }

    /// How long until `refresh_if_due` should refresh the token; zero if it is due.
    pub(super) fn due_in(&self, now: Now) -> Duration {
        self.held.as_ref().map(|held| held.due_from.left(now)).unwrap_or_default()
    }

    /// How long the pause after the last failure lasts for a caller that gives so much time.
    pub(super) fn pause_left(&self, policy: &CachePolicy, now: Now) -> Duration {
        let usable = self.usable(&Ask::new(), now).is_some();
        let patience = if usable { policy.wait().min(policy.stale_wait()) } else { policy.wait() };
        self.back_off.left(Asker { now, patience, usable })
    }
}

/// How many tokens a minute are replaced before their time, because a server refused them or a caller needs
/// another one: 3.
const REPLACEMENTS: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// How many refused tokens are remembered: 3, as many as can be refused in a minute.
const REFUSED: usize = 3;
