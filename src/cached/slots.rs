//! Copies of the fresh token, so that threads which only take it do not meet.
//!
//! A thread takes its token from one of a few slots, each on cache lines of its own and with a copy of the token of its own:
//! neither the lock nor the token's reference count is shared with a thread that uses another slot. With one token for all,
//! two threads cost each other half of the time of a hit (`benches/peers`).
//!
//! Slots are filled and emptied only by who holds the lock on the cache's state, so a slot is never behind the state; reading
//! one takes the slot's lock alone.

use super::state::{Held, Limit, Now};
use crate::sync::{Mutex, MutexGuard, thread_number};
use crate::token::Token;
use crate::token_source::Ask;
use std::sync::PoisonError;

/// How many copies there are at most: 8, so that as many busy threads seldom share one.
const SLOTS: usize = 8;

#[derive(Default)]
pub(super) struct Slots([Slot; SLOTS]);

/// 128 bytes are two cache lines: processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Slot(Mutex<Option<Fresh>>);

/// A token and until when it may be taken without a look at the state.
struct Fresh {
    token: Token,
    until: Limit,
}

impl Slots {
    /// The token of this thread's slot, if it is fresh and not the one that the caller has already.
    pub(super) fn fresh(&self, ask: &Ask, now: Now) -> Option<Token> {
        let slot = self.mine();
        let fresh = slot.as_ref().filter(|fresh| fresh.until.is_ahead_of(now))?;
        (ask.other_than() != Some(&fresh.token)).then(|| fresh.token.clone())
    }

    /// Puts a copy of `held` into this thread's slot. The caller holds the state's lock.
    pub(super) fn fill(&self, held: &Held) {
        // A token of the same text always makes a token; were it not so, sharing it would only be slower.
        let copy = Token::new(held.token.kind(), held.token.expose_secret(), held.token.expires_at());
        let token = copy.unwrap_or_else(|_| held.token.clone());
        *self.mine() = Some(Fresh { token, until: held.fresh_until });
    }

    /// Empties all slots. The caller holds the state's lock.
    pub(super) fn clear(&self) {
        for slot in &self.0 {
            *lock(slot) = None;
        }
    }

    fn mine(&self) -> MutexGuard<'_, Option<Fresh>> {
        lock(&self.0[thread_number() % SLOTS])
    }
}

fn lock(slot: &Slot) -> MutexGuard<'_, Option<Fresh>> {
    // Nothing that can panic runs under the lock, so a poisoned slot is still a whole one.
    slot.0.lock().unwrap_or_else(PoisonError::into_inner)
}
