//! One call's dealings with a store: looks, waits for the lock, saves, all within a time of its own.

use super::entry;
use super::fault::Fault;
use super::status::Counts;
use super::store::{HeldLock, StoreLock, TokenStore};
use crate::clock::Clock;
use crate::error::Error;
use crate::token::Token;
use crate::token_source::{Ask, Identity};
use std::time::{Duration, Instant};

/// How long one call spends on the store in all: 1.95 s, and at most half of the time that the call has. The
/// release of a lock may add its 50 ms.
const STORE_TIME: Duration = Duration::from_millis(1950);

/// How much of that is left for a look and a save when the wait for the lock ends: 250 ms, and at most an
/// eighth of all.
const RESERVE: Duration = Duration::from_millis(250);

/// How long a caller without the lock waits before it looks again: 5 ms at first, twice as long each time, up
/// to 50 ms. An exchange takes some 100 ms.
const POLL: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// How long the request of a new token may take while the stored one can still be used: 5 s, as in
/// [`CachePolicy::stale_wait`](crate::CachePolicy::stale_wait).
const STALE_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Visit<'a> {
    store: &'a dyn TokenStore,
    key: String,
    identity: Identity,
    ask: &'a Ask,
    clock: &'a dyn Clock,
    margin: Duration,
    counts: &'a Counts,
    /// How much time is left for the store.
    left: Duration,
    turn: Turn<'a>,
}

/// Who may save.
enum Turn<'a> {
    /// This caller, and the others wait for it.
    Ours(HeldLock<'a>),
    /// Everybody: the store has no lock.
    Everybodys,
    /// Not this caller.
    NotOurs,
}

/// What the store has for a call.
pub(super) enum Found {
    /// A token for the caller.
    Take(Token),
    /// One for the case that no other can be had.
    Spare(Token),
    Nothing,
}

impl<'a> Visit<'a> {
    /// `None` if the identity gives no key.
    pub(super) fn new(
        store: &'a dyn TokenStore,
        identity: Identity,
        ask: &'a Ask,
        (clock, margin): (&'a dyn Clock, Duration),
        counts: &'a Counts,
    ) -> Option<Self> {
        let key = entry::key(&identity)?;
        let now = clock.monotonic();
        let left =
            ask.deadline().map_or(STORE_TIME, |at| STORE_TIME.min(at.saturating_duration_since(now) / 2));
        Some(Self { store, key, identity, ask, clock, margin, counts, left, turn: Turn::NotOurs })
    }

    /// Looks into the store until there is a token for the caller, or it is the caller's turn to request one,
    /// or the time is over.
    pub(super) fn look(&mut self) -> Found {
        let mut found = self.load();
        let reserve = RESERVE.min(self.left / 8);
        let mut pause = POLL.0;
        while !matches!(found, Found::Take(_)) {
            match self.within(|store, key, left| store.try_lock(key, left)) {
                None => break,
                Some(StoreLock::None) => {
                    self.turn = Turn::Everybodys;
                    break;
                }
                Some(StoreLock::Held(lock)) => {
                    self.turn = Turn::Ours(lock);
                    // Who held it before may have left a token.
                    found = self.load();
                    break;
                }
                Some(StoreLock::Busy) if self.left <= reserve => {
                    self.counts.waited_out();
                    log::debug!("waited in vain for the lock of the token store");
                    break;
                }
                Some(StoreLock::Busy) => {
                    self.wait(pause.min(self.left - reserve));
                    pause = (pause * 2).min(POLL.1);
                    found = self.load();
                }
            }
        }
        if let Found::Take(token) = &found {
            self.counts.loaded();
            log::debug!("no request was made: the token store has {token:?}");
            self.leave();
        }
        found
    }

    /// The options for the source: with a token in reserve one attempt has to do.
    pub(super) fn ask_with(&self, spare: Option<&Token>) -> Ask {
        let ask = self.ask.clone();
        if spare.is_none() {
            return ask;
        }
        let limit = self.clock.monotonic() + STALE_WAIT;
        let deadline = ask.deadline().map_or(limit, |deadline| deadline.min(limit));
        ask.with_deadline(deadline).with_single_attempt()
    }

    /// Saves the token that the source returned, if it is this caller's turn, and ends it.
    pub(super) fn keep(mut self, identity: Option<Identity>, token: &Token) {
        if matches!(self.turn, Turn::NotOurs) {
            return;
        }
        let identity = identity.unwrap_or_else(|| self.identity.clone());
        let entry = entry::text(&identity, token, self.clock.now()).zip(entry::key(&identity));
        let saved = entry.and_then(|(text, key)| {
            self.within(|store, _, left| store.save(&key, &text, token.expires_at(), left))
        });
        if saved.is_some() {
            self.counts.saved();
        }
        self.leave();
    }

    /// A token in place of the one that the source did not return: one that another process has saved
    /// meanwhile, else `spare`.
    pub(super) fn instead(mut self, spare: Option<Token>) -> Option<Token> {
        let found = match self.turn {
            Turn::Ours(_) => Found::Nothing,
            Turn::Everybodys | Turn::NotOurs => self.load(),
        };
        self.leave();
        match found {
            Found::Take(token) | Found::Spare(token) => Some(token),
            Found::Nothing => spare.filter(|token| self.has_left(token, 1)),
        }
        .inspect(|_| self.counts.loaded())
    }

    /// Removes `token`, if it is the one stored and nobody holds the lock.
    pub(super) fn remove(&mut self, token: &Token) {
        match self.within(|store, key, left| store.try_lock(key, left)) {
            Some(StoreLock::Held(lock)) => self.turn = Turn::Ours(lock),
            Some(StoreLock::None) => self.turn = Turn::Everybodys,
            Some(StoreLock::Busy) | None => return,
        }
        if self.stored().as_ref() == Some(token) {
            self.within(|store, key, left| store.remove(key, left));
        }
        self.leave();
    }

    /// What the store has for this call now.
    fn load(&mut self) -> Found {
        let other = self.ask.other_than();
        let Some(token) = self.stored().filter(|token| other != Some(token)) else { return Found::Nothing };
        let is_later = other.is_none_or(|other| token.expires_at() > other.expires_at());
        if is_later && self.has_left(&token, 2) {
            Found::Take(token)
        } else if self.has_left(&token, 1) {
            Found::Spare(token)
        } else {
            Found::Nothing
        }
    }

    /// The token of this identity in the store, if it has not expired.
    fn stored(&mut self) -> Option<Token> {
        let text = self.within(|store, key, left| store.load(key, left))??;
        match entry::read(text.expose_secret(), &self.identity, self.clock.now()) {
            Ok(token) => token,
            Err(damage) => {
                self.counts.failed(Fault::from(damage).into());
                None
            }
        }
    }

    /// Whether `token` has more left than the margin so many times. The margin is at most a tenth of the
    /// lifetime, as in the cache.
    fn has_left(&self, token: &Token, times: u32) -> bool {
        let margin = token.lifetime().map_or(self.margin, |lifetime| self.margin.min(lifetime / 10));
        let left = token.expires_at().duration_since(self.clock.now()).unwrap_or_default();
        left > margin.saturating_mul(times)
    }

    /// Calls the store with the time that is left for it, and counts a failure. `None` if it failed, or if
    /// there is no time left.
    fn within<T>(
        &mut self,
        call: impl FnOnce(&'a dyn TokenStore, &str, Duration) -> Result<T, Error>,
    ) -> Option<T> {
        if self.left.is_zero() {
            return None;
        }
        let before = self.clock.monotonic();
        let result = call(self.store, &self.key, self.left);
        self.spend(before);
        result.map_err(|error| self.counts.failed(error)).ok()
    }

    fn wait(&mut self, pause: Duration) {
        let before = self.clock.monotonic();
        self.clock.sleep(pause);
        self.spend(before);
    }

    fn spend(&mut self, before: Instant) {
        self.left = self.left.saturating_sub(self.clock.monotonic().saturating_duration_since(before));
    }

    /// Ends this caller's turn.
    fn leave(&mut self) {
        if let Turn::Ours(lock) = std::mem::replace(&mut self.turn, Turn::NotOurs) {
            lock.release(self.left);
        }
    }
}
