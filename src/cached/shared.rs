//! The state behind its lock, and copies of the fresh token, so that threads which only take it do not meet.
//!
//! A thread takes its token from one of a few slots. Each slot is on cache lines of its own and has its own
//! copy of the token: threads that use different slots share neither a lock nor the token's reference count.
//! With one token for all, two threads cost each other half of the time of a hit (`benches/peers`).
//!
//! A slot is filled and emptied only under the lock on the state, and every change of the state empties them
//! all, so a slot never holds a token that the state has dropped. Reading a slot takes its own lock alone.

use super::held::{Held, Limit, Now};
use super::state::State;
use crate::sync::{Mutex, MutexGuard, thread_number};
use crate::token::Token;
use crate::token_source::Ask;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

/// How many copies there are at most: 8, so that as many busy threads seldom share one.
const SLOTS: usize = 8;

#[derive(Default)]
pub(super) struct Shared {
    kept: Mutex<Kept>,
    slots: [Slot; SLOTS],
}

#[derive(Default)]
struct Kept {
    state: State,
    /// Whether a slot was filled since they were emptied.
    copied: bool,
}

/// 128 bytes are two cache lines: processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Slot(Mutex<Option<Fresh>>);

/// A token and until when it is returned without a look at the state.
struct Fresh {
    token: Token,
    until: Limit,
}

impl Shared {
    /// The fresh token, unless it is the one that the caller has already. From this thread's slot; the first
    /// time from the state, with a copy left in the slot.
    pub(super) fn fresh(&self, ask: &Ask, now: Now) -> Option<Token> {
        self.copied(ask, now).or_else(|| self.copy(ask, now))
    }

    #[inline]
    fn copied(&self, ask: &Ask, now: Now) -> Option<Token> {
        let slot = self.slot();
        let fresh = slot.as_ref().filter(|fresh| fresh.until.is_ahead_of(now))?;
        (ask.other_than() != Some(&fresh.token)).then(|| fresh.token.clone())
    }

    #[cold]
    fn copy(&self, ask: &Ask, now: Now) -> Option<Token> {
        let mut kept = locked(&self.kept);
        let Kept { state, copied } = &mut *kept;
        let held = state.fresh(ask, now)?;
        *self.slot() = Some(Fresh { token: copy_of(held), until: held.fresh_until });
        *copied = true;
        Some(held.token.clone())
    }

    /// The state, to look at.
    pub(super) fn read(&self) -> impl Deref<Target = State> {
        Reading(locked(&self.kept))
    }

    /// The state, to change.
    pub(super) fn write(&self) -> impl DerefMut<Target = State> {
        Writing { kept: locked(&self.kept), slots: &self.slots }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Fresh>> {
        locked(&self.slots[thread_number() % SLOTS].0)
    }
}

struct Reading<'a>(MutexGuard<'a, Kept>);

impl Deref for Reading<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0.state
    }
}

/// Empties the slots when dropped, before the lock is released.
struct Writing<'a> {
    kept: MutexGuard<'a, Kept>,
    slots: &'a [Slot; SLOTS],
}

impl Deref for Writing<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.kept.state
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.kept.state
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if std::mem::take(&mut self.kept.copied) {
            for slot in self.slots {
                *locked(&slot.0) = None;
            }
        }
    }
}

/// A token with a reference count of its own.
fn copy_of(held: &Held) -> Token {
    let token = &held.token;
    match Token::new(token.kind(), token.expose_secret(), token.expires_at()) {
        Ok(copy) => match token.lifetime() {
            Some(lifetime) => copy.with_lifetime(lifetime),
            None => copy,
        },
        // The text of a token always makes a token. If it did not, sharing it would only be slower.
        Err(_) => token.clone(),
    }
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that can panic runs under these locks, so the value of a poisoned lock is complete.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
