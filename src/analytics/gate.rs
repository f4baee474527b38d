//! How many requests are under way on a property, and how many server errors they got in this hour.
//!
//! In: a place at which requests are sent, how many may be under way there. Out: a [`Pass`] for one request,
//! as soon as it may be sent, in the order of asking. A request that is under way may end in a server error,
//! so it counts as one until it has ended otherwise: a process cannot spend more than its share.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>

use super::bucket::Quota;
use super::ledger::Category;
use super::property::PropertyId;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Instant, SystemTime};

/// How many server errors of an hour a process spends on a property: 5. Google grants a project ten, and with
/// the last of them refuses every request until the hour has passed.
const MOST_SERVER_ERRORS: u32 = 5;

/// How many requests are under way on a property at the same time by default: 5. Google takes ten, of all
/// programs together; and each may end in a server error.
pub(super) const UNDER_WAY: u32 = MOST_SERVER_ERRORS;

/// Where requests are sent, as far as Google counts them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The service: Google's, a proxy, a fake.
    pub(super) service: String,
    pub(super) property: PropertyId,
    pub(super) category: Category,
}

/// Clones are the same gate.
#[derive(Clone, Default)]
pub(super) struct Gate(Arc<Mutex<BTreeMap<Place, State>>>);

#[derive(Default)]
struct State {
    under_way: u32,
    /// Those that wait, the first to go on at the front.
    waiting: VecDeque<Thread>,
    server_errors: u32,
    /// When the server errors count no more.
    until: Option<SystemTime>,
}

impl Gate {
    /// The one of this process.
    pub(super) fn of_process() -> Self {
        static GATE: LazyLock<Gate> = LazyLock::new(Gate::default);
        GATE.clone()
    }

    /// Waits until a request may be sent: until fewer than `most` are under way, or `deadline` passes.
    pub(super) fn enter(
        &self,
        place: &Place,
        most: u32,
        clock: &dyn Clock,
        deadline: Instant,
    ) -> Result<Pass, Error> {
        let mut turn = None;
        loop {
            self.admit(place, clock.now())?;
            let is_late = clock.monotonic() >= deadline;
            // The look and the place in the queue share one lock: no request ends between the two.
            let under_way = self.with(place, |state| {
                let is_first = state.waiting.front().is_none_or(|first| first.id() == thread::current().id());
                if is_first && state.takes_another(most) {
                    state.under_way += 1;
                    return None;
                }
                if !is_late && turn.is_none() {
                    state.waiting.push_back(thread::current());
                    turn = Some(Turn { gate: self, place });
                }
                Some(state.under_way)
            });
            match under_way {
                None => return Ok(Pass { gate: self.clone(), place: place.clone() }),
                Some(under_way) if is_late => return Err(late(under_way)),
                Some(_) => clock.park_until(deadline),
            }
        }
    }

    /// Refuses a request where the server errors of the hour are spent.
    pub(super) fn admit(&self, place: &Place, now: SystemTime) -> Result<(), Error> {
        let end = self.with(place, |state| {
            if state.until.is_some_and(|end| end <= now) {
                (state.server_errors, state.until) = (0, None);
            }
            state.until.filter(|_| state.server_errors >= MOST_SERVER_ERRORS)
        });
        let Some(end) = end else { return Ok(()) };
        let message = format!(
            "{MOST_SERVER_ERRORS} server errors on property {} in this hour: no request is sent until the hour has passed",
            place.property
        );
        let hint = "Google refuses every request of the project to the property after 10; wait";
        Err(Error::new(ErrorKind::Quota, message).with_hint(hint).with_retry_at(end))
    }

    /// Runs `with` under the lock.
    fn with<T>(&self, place: &Place, with: impl FnOnce(&mut State) -> T) -> T {
        let mut states = self.states();
        if let Some(state) = states.get_mut(place) {
            return with(state);
        }
        with(states.entry(place.clone()).or_default())
    }

    fn wake_first(&self, place: &Place) {
        if let Some(first) = self.with(place, |state| state.waiting.front().cloned()) {
            first.unpark();
        }
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<Place, State>> {
        // Nothing that can panic runs under the lock, so the value of a poisoned lock is complete.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether one more request may be sent where `most` may be under way. After the first server error all
    /// that are under way count as such.
    fn takes_another(&self, most: u32) -> bool {
        let may_fail = self.server_errors + self.under_way;
        self.under_way < most.max(1) && (self.server_errors == 0 || may_fail < MOST_SERVER_ERRORS)
    }
}

/// None of those that are under way ended in time.
fn late(under_way: u32) -> Error {
    let message = format!("{under_way} under way there already, and none ended before the deadline");
    Error::new(ErrorKind::Timeout, message).with_hint(
        "send fewer requests at the same time, or give them more time with Analytics::with_timeout",
    )
}

/// The place of this thread among those that wait.
struct Turn<'g> {
    gate: &'g Gate,
    place: &'g Place,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let me = thread::current();
        self.gate.with(self.place, |state| state.waiting.retain(|thread| thread.id() != me.id()));
        self.gate.wake_first(self.place);
        // A wake-up that ended the wait may have been meant for other code of this thread.
        me.unpark();
    }
}

/// One request may be under way, until this is dropped.
pub(super) struct Pass {
    gate: Gate,
    place: Place,
}

impl Pass {
    /// The request ended in a server error.
    pub(super) fn server_error(&self, now: SystemTime) {
        let end = Quota::ServerErrors.refilled(now);
        self.gate.with(&self.place, |state| {
            // Those of an hour that has passed count no more.
            if state.until.is_some_and(|until| until <= now) {
                state.server_errors = 0;
            }
            state.server_errors = state.server_errors.saturating_add(1);
            state.until = end;
        });
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate.with(&self.place, |state| state.under_way = state.under_way.saturating_sub(1));
        self.gate.wake_first(&self.place);
    }
}
