//! What became of the calls of a source with a token store.

use crate::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a [`Stored`](crate::Stored) source did since it was made: see
/// [`Stored::status`](crate::Stored::status).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreStatus {
    /// How many tokens came from the store: calls without an exchange.
    pub loaded: u64,
    /// How many tokens the source inside made.
    pub requested: u64,
    /// How many of them were saved.
    pub saved: u64,
    /// How many calls waited for the lock in vain: the token was requested without it, and not saved.
    pub waited_out: u64,
    /// How many times the store could not be used. No call failed for that.
    pub failures: u64,
    /// Why it could not be used the last time.
    pub last_failure: Option<Error>,
}

#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<StoreStatus>);

impl Counts {
    pub(super) fn status(&self) -> StoreStatus {
        self.locked().clone()
    }

    pub(super) fn loaded(&self) {
        self.locked().loaded += 1;
    }

    pub(super) fn requested(&self) {
        self.locked().requested += 1;
    }

    pub(super) fn saved(&self) {
        self.locked().saved += 1;
    }

    pub(super) fn waited_out(&self) {
        self.locked().waited_out += 1;
    }

    /// Counts a failure. The first one is a warning in the log, the others are not repeated there.
    pub(super) fn failed(&self, error: Error) {
        let (first, replaced) = {
            let mut status = self.locked();
            status.failures += 1;
            (status.failures == 1, status.last_failure.replace(error.clone()))
        };
        // It may hold an error type of the store's, which must not be dropped under a lock.
        drop(replaced);
        if first {
            log::warn!("tokens are not kept in the token store: {error}");
        } else {
            log::debug!("the token store failed again: {error}");
        }
    }

    fn locked(&self) -> MutexGuard<'_, StoreStatus> {
        // Nothing that can panic runs under the lock, so the value of a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
