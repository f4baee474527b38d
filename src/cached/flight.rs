//! One refresh: made by its leader, awaited by everyone else.
//!
//! The leader lands it exactly once, with an outcome; whoever waits is woken and gets that same outcome.

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::sync::{Mutex, MutexGuard, Thread, thread};
use crate::token::Token;
use std::sync::PoisonError;
use std::time::Instant;

pub(super) struct Flight {
    pub(super) started: Instant,
    landing: Mutex<Landing>,
}

#[derive(Default)]
struct Landing {
    outcome: Option<Result<Token, Error>>,
    waiting: Vec<Thread>,
}

impl Flight {
    pub(super) fn new(started: Instant) -> Self {
        Self { started, landing: Mutex::new(Landing::default()) }
    }

    /// Publishes the outcome and wakes all who wait.
    pub(super) fn land(&self, outcome: Result<Token, Error>) {
        let waiting = {
            let mut landing = self.landing();
            landing.outcome = Some(outcome);
            std::mem::take(&mut landing.waiting)
        };
        for thread in waiting {
            thread.unpark();
        }
    }

    /// Waits for the outcome until `deadline`, then with an error; `None` when the flight is not down by `limit` and
    /// this caller should look again whether to start another.
    pub(super) fn wait(
        &self,
        clock: &dyn Clock,
        deadline: Instant,
        limit: Instant,
    ) -> Option<Result<Token, Error>> {
        let mut registered = false;
        // What parked this thread may have used up a wake-up that was meant for somebody else in it, such as an executor:
        // one too many does no harm, one too few would.
        let _give_back = GiveBack;
        loop {
            {
                // Outcome and registration under one lock: a landing in between would wake nobody.
                let mut landing = self.landing();
                if let Some(outcome) = &landing.outcome {
                    return Some(outcome.clone());
                }
                if !registered {
                    landing.waiting.push(thread::current());
                    registered = true;
                }
            }
            let now = clock.monotonic();
            if now >= deadline {
                return Some(Err(Error::new(
                    ErrorKind::Timeout,
                    "no token in time: another thread's request for one is still under way",
                )));
            }
            if now >= limit {
                return None;
            }
            clock.park_until(deadline.min(limit));
        }
    }

    fn landing(&self) -> MutexGuard<'_, Landing> {
        // Nothing that can panic runs under the lock, so a poisoned landing is still a whole one.
        self.landing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes its own thread when dropped, so that the next park returns at once.
struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        thread::current().unpark();
    }
}
