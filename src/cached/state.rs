//! What a cache knows and what it decides: no clock, no lock, no waiting.
//!
//! In: the state, what a caller wishes, the time on both clocks. Out: the caller's turn. The cache around it locks,
//! asks and waits.

use super::flight::Flight;
use super::policy::CachePolicy;
use crate::error::{Error, ErrorKind};
use crate::token::Token;
use crate::token_source::Ask;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

#[derive(Default)]
pub(super) struct State {
    pub(super) held: Option<Held>,
    /// The last token that a server refused: the source is asked for another one.
    refused: Option<Token>,
    /// When the first of the invalidations of the last minute was made, and how many there were.
    invalidations: Option<(Instant, u32)>,
    pub(super) flight: Option<Arc<Flight>>,
    failure: Option<Failure>,
}

/// A token and its limits on both clocks, fixed when it was stored.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) token: Token,
    /// Until here it is handed out without a thought.
    pub(super) fresh_until: Limit,
    /// From here on a maintenance call renews it, a little before anybody else would.
    upkeep_from: Limit,
    /// Until here it is handed out at all.
    usable_until: Limit,
}

/// A point in time on both clocks; whichever comes first counts.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    wall: SystemTime,
    monotonic: Instant,
}

/// Both clocks, read together.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Instant,
}

/// A refresh that failed, for the back-off.
pub(super) struct Failure {
    error: Error,
    at: Now,
    /// How many failed in a row.
    count: u32,
    /// This failure's draw, from 0 to 1.
    share: f64,
}

/// What a caller does next.
pub(super) enum Turn {
    /// Take this token.
    Take(Token),
    /// Fail.
    Fail(Error),
    /// Make the refresh; `true` if a token is usable meanwhile.
    Lead(Arc<Flight>, bool),
    /// Wait for the refresh that is under way.
    Wait(Arc<Flight>),
}

impl State {
    /// The token held, if it is usable and not the one that the caller has already.
    pub(super) fn usable(&self, ask: &Ask, now: Now) -> Option<&Held> {
        self.held
            .as_ref()
            .filter(|held| ask.other_than() != Some(&held.token) && held.usable_until.is_ahead_of(now))
    }

    /// Decides what a caller does who has until `deadline`. A caller who is to lead finds its flight begun.
    pub(super) fn turn(&mut self, policy: &CachePolicy, ask: &Ask, now: Now, deadline: Instant) -> Turn {
        let usable = self.usable(ask, now);
        if let Some(held) = usable.filter(|held| held.fresh_until.is_ahead_of(now)) {
            return Turn::Take(held.token.clone());
        }
        let usable = usable.map(|held| held.token.clone());
        self.refresh_turn(policy, now, usable, deadline)
    }

    /// Decides what a caller does who finds the token due for renewal.
    pub(super) fn refresh_turn(
        &mut self,
        policy: &CachePolicy,
        now: Now,
        usable: Option<Token>,
        deadline: Instant,
    ) -> Turn {
        if let Some(flight) = &self.flight {
            let young = now.monotonic < after(flight.started, policy.flight_limit);
            match usable {
                Some(token) if young => return Turn::Take(token),
                None if young => return Turn::Wait(Arc::clone(flight)),
                _ => {}
            }
        }
        if let Some(failure) = &self.failure {
            let pause = failure.pause(policy, usable.is_some());
            let over = after(failure.at.monotonic, pause);
            if now.monotonic < over {
                return match usable {
                    Some(token) => Turn::Take(token),
                    None => Turn::Fail(failure.as_back_off(pause)),
                };
            }
        }
        if usable.is_none() && now.monotonic >= deadline {
            // Who has no time for a refresh must not lead one for those who have.
            return Turn::Fail(Error::new(ErrorKind::Timeout, "no token, and no time left to ask for one"));
        }
        let flight = Arc::new(Flight::new(now.monotonic));
        self.flight = Some(Arc::clone(&flight));
        Turn::Lead(flight, usable.is_some())
    }

    /// The token that the source should not hand out again.
    pub(super) fn not_again(&self) -> Option<&Token> {
        self.held.as_ref().map(|held| &held.token).or(self.refused.as_ref())
    }

    /// Takes in how a flight ended; gives what its leader and all who wait for it are told, and the failure that this
    /// replaces: it may hold an error type of the source's, whose `drop` is not ours to run under a lock. `before` was read
    /// before the source was asked, a lifetime counts from there; `now` after. `share` is this outcome's draw, from 0 to 1.
    pub(super) fn settle(
        &mut self,
        policy: &CachePolicy,
        flight: &Arc<Flight>,
        outcome: Result<Token, Error>,
        (before, now): (Now, Now),
        share: f64,
    ) -> (Result<Token, Error>, Option<Failure>) {
        let ours = self.flight.as_ref().is_some_and(|current| Arc::ptr_eq(current, flight));
        if ours {
            self.flight = None;
        }
        let outcome = outcome.and_then(|token| {
            let expires_at = token.expires_at();
            if expires_at > before.wall && expires_at > now.wall { Ok(token) } else { Err(expired()) }
        });
        let fault = match &outcome {
            Ok(token) => {
                let held = Held::new(token.clone(), before, policy, share);
                // A token that is used up does not stand in the way of any other.
                let better = match self.held.as_ref().filter(|held| held.usable_until.is_ahead_of(now)) {
                    Some(usable) => token.expires_at() > usable.token.expires_at(),
                    None => self.not_again() != Some(token),
                };
                if better && held.usable_until.is_ahead_of(now) {
                    self.held = Some(held);
                    self.refused = None;
                    return (outcome, self.failure.take());
                }
                if self.is_better_than_none(token, before, policy) {
                    // Renewed as soon as the back-off allows.
                    self.held =
                        Some(Held { fresh_until: Limit::at(before), upkeep_from: Limit::at(before), ..held });
                }
                Error::new(ErrorKind::Unavailable, "the source handed out the same token again")
            }
            Err(error) => error.clone(),
        };
        if !ours {
            return (outcome, None);
        }
        let count = self.failure.as_ref().map_or(0, |f| f.count).saturating_add(1);
        (outcome, self.failure.replace(Failure { error: fault, at: now, count, share }))
    }

    /// Whether a token that the source insists on is kept: if there is no other, and not where it was given up before its
    /// end because too little was left of it.
    fn is_better_than_none(&self, token: &Token, before: Now, policy: &CachePolicy) -> bool {
        self.held.as_ref().is_none_or(|held| {
            let left = token.expires_at().duration_since(before.wall).unwrap_or_default();
            held.token == *token && !held.usable_until.is_ahead_of(before) && left > policy.margin
        })
    }

    /// Drops `token` if it is the one held, unless the source has insisted on it already, or this was done three times in
    /// the last minute: a server that refuses every token must not cost a request each time.
    pub(super) fn invalidate(&mut self, token: &Token, now: Now) {
        if self.refused.as_ref() == Some(token) || self.held.as_ref().is_none_or(|held| held.token != *token)
        {
            return;
        }
        let (first, count) = match self.invalidations {
            Some((first, count)) if now.monotonic < after(first, MINUTE) => (first, count + 1),
            _ => (now.monotonic, 1),
        };
        if count <= INVALIDATIONS {
            self.invalidations = Some((first, count));
            self.refused = self.held.take().map(|held| held.token);
        }
    }

    /// Whether a maintenance call should renew the token now; else how long until it should.
    pub(super) fn upkeep_due(&self, now: Now) -> Result<(), Duration> {
        match self.held.as_ref().map(|held| held.upkeep_from.left(now)) {
            Some(left) if !left.is_zero() => Err(left),
            _ => Ok(()),
        }
    }

    /// How long the back-off of the last failure still lasts.
    pub(super) fn back_off_left(&self, policy: &CachePolicy, now: Now) -> Duration {
        let usable = self.usable(&Ask::new(), now).is_some();
        self.failure.as_ref().map_or(Duration::ZERO, |failure| {
            after(failure.at.monotonic, failure.pause(policy, usable))
                .saturating_duration_since(now.monotonic)
        })
    }
}

impl Held {
    fn new(token: Token, before: Now, policy: &CachePolicy, share: f64) -> Self {
        let lifetime = token.expires_at().duration_since(before.wall).unwrap_or_default().min(MAX_LIFETIME);
        let (window, margin) = policy.windows(lifetime, share);
        let end = |left: Duration| Limit {
            wall: before.wall + (lifetime - left),
            monotonic: before.monotonic + (lifetime - left),
        };
        Self {
            fresh_until: end(window),
            upkeep_from: end((window + window / 10).min(lifetime)),
            usable_until: end(margin),
            token,
        }
    }
}

impl Limit {
    fn at(now: Now) -> Self {
        Self { wall: now.wall, monotonic: now.monotonic }
    }

    pub(super) fn is_ahead_of(self, now: Now) -> bool {
        now.wall < self.wall && now.monotonic < self.monotonic
    }

    /// How long until here, by the clock that leaves less.
    fn left(self, now: Now) -> Duration {
        let wall = self.wall.duration_since(now.wall).unwrap_or_default();
        wall.min(self.monotonic.saturating_duration_since(now.monotonic))
    }
}

impl Failure {
    /// How long after the failure no refresh is made.
    fn pause(&self, policy: &CachePolicy, usable: bool) -> Duration {
        if let Some(asked) = self.error.retry_at().and_then(|at| at.duration_since(self.at.wall).ok()) {
            return asked.min(policy.asked_pause).max(policy.pause(1, self.share, usable));
        }
        if !self.error.is_retryable() && !usable {
            return policy.denied_pause;
        }
        policy.pause(self.count, self.share, usable)
    }

    fn as_back_off(&self, pause: Duration) -> Error {
        let message = format!("no token, and the last try failed a moment ago: {}", self.error.message());
        let mut error = Error::new(ErrorKind::Backoff, message)
            .with_retryable(self.error.is_retryable())
            .with_source(self.error.clone());
        if let Some(hint) = self.error.hint() {
            error = error.with_hint(hint);
        }
        if let Some(status) = self.error.status() {
            error = error.with_status(status);
        }
        if let Some(code) = self.error.code() {
            error = error.with_code(code);
        }
        match self.at.wall.checked_add(pause) {
            Some(at) => error.with_retry_at(at),
            None => error,
        }
    }
}

/// How many tokens a minute are dropped because a server refused them: 3.
const INVALIDATIONS: u32 = 3;
const MINUTE: Duration = Duration::from_secs(60);

/// The longest lifetime that is believed: 12 h, the most that Google grants. A token that claims more is renewed then.
const MAX_LIFETIME: Duration = Duration::from_secs(12 * 3600);

fn expired() -> Error {
    Error::new(ErrorKind::Unavailable, "the source handed out a token that has expired already")
        .with_hint("if this goes on, compare the clock of this machine with the true time")
}

/// `at` plus `wait`, however absurdly long a policy makes it.
pub(super) fn after(at: Instant, wait: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
    at.checked_add(wait.min(TEN_YEARS)).unwrap_or(at)
}
