//! One refresh: made by one thread, its leader, and awaited by others.
//!
//! The leader publishes the outcome exactly once. All threads that wait are woken and get it.

use super::back_off::{is_for_lack_of_time, is_more};
use super::held::after;
use super::policy::FLIGHT_GRACE;
use crate::clock::Clock;
use crate::error::Error;
use crate::sync::{Mutex, MutexGuard, Thread, ThreadId, process_id, thread};
use crate::token::Token;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

pub(super) struct Flight {
    /// When the leader's source has to return.
    pub(super) deadline: Instant,
    /// How much time the refresh has.
    pub(super) time: Duration,
    /// How much time the leader gave. It may have waited for another refresh first.
    patience: Duration,
    /// Whether the old token is still usable: then the source makes a single attempt.
    pub(super) stale: bool,
    leader: Me,
    landing: Mutex<Landing>,
}

/// A thread of a process. After a fork the child has a thread with the same id.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Me {
    process: u32,
    thread: ThreadId,
}

#[derive(Default)]
struct Landing {
    outcome: Option<Result<Token, Error>>,
    waiting: Vec<Thread>,
}

/// How a wait ended.
pub(super) enum Waited {
    /// The refresh ended.
    Landed(Result<Token, Error>),
    /// The deadline of the caller passed.
    OutOfTime,
    /// The refresh hangs: the caller may start another one.
    Hung,
}

impl Me {
    pub(super) fn new() -> Self {
        Self { process: process_id(), thread: thread::current().id() }
    }
}

impl Flight {
    pub(super) fn new(
        leader: Me,
        (now, deadline): (Instant, Instant),
        patience: Duration,
        stale: bool,
    ) -> Self {
        let time = deadline.saturating_duration_since(now);
        Self { deadline, time, patience, stale, leader, landing: Mutex::default() }
    }

    /// Whether an outcome can still be expected: not from a leader that hangs, nor from one in the parent
    /// process, which publishes it in the parent's memory.
    pub(super) fn is_alive(&self, me: Me, now: Instant) -> bool {
        self.leader.process == me.process && now < self.limit()
    }

    pub(super) fn is_led_by(&self, me: Me) -> bool {
        self.leader == me
    }

    /// Whether the outcome counts for a caller that gave `patience` and has `left` of it. One for lack of
    /// time does not if the caller gave more time than the leader, or has more left than the refresh had.
    pub(super) fn decides_for(
        &self,
        patience: Duration,
        left: Duration,
        outcome: &Result<Token, Error>,
    ) -> bool {
        let hurried = outcome.as_ref().is_err_and(is_for_lack_of_time);
        !hurried || !(is_more(patience, self.patience) || is_more(left, self.time))
    }

    /// Publishes the outcome and wakes all threads that wait.
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

    /// Waits until the refresh ends, `deadline` passes, or the refresh counts as hung.
    pub(super) fn wait(&self, clock: &dyn Clock, deadline: Instant) -> Waited {
        let until = deadline.min(self.limit());
        let mut place = None;
        loop {
            let now = clock.monotonic();
            {
                // The look and the registration share one lock: no outcome is published between the two.
                let mut landing = self.landing();
                if let Some(outcome) = &landing.outcome {
                    return Waited::Landed(outcome.clone());
                }
                if now < until && place.is_none() {
                    landing.waiting.push(thread::current());
                    place = Some(Place(self));
                }
            }
            if now >= deadline {
                return Waited::OutOfTime;
            }
            if now >= until {
                return Waited::Hung;
            }
            clock.park_until(until);
        }
    }

    /// From here on the refresh counts as hung.
    fn limit(&self) -> Instant {
        after(self.deadline, FLIGHT_GRACE)
    }

    fn landing(&self) -> MutexGuard<'_, Landing> {
        // Nothing that can panic runs under the lock, so the value of a poisoned lock is complete.
        self.landing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of this thread in the list of those that wait.
struct Place<'a>(&'a Flight);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let me = thread::current();
        let mut landing = self.0.landing();
        if let Some(place) = landing.waiting.iter().position(|thread| thread.id() == me.id()) {
            landing.waiting.swap_remove(place);
        }
        drop(landing);
        // A wake-up that ended a wait here may have been meant for other code of this thread, such as an
        // executor. One too many does no harm, one too few would.
        me.unpark();
    }
}
