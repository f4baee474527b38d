//! A clock that stands still until it is moved.

use crate::clock::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// A clock moved by hand. Clones are the same clock.
///
/// It starts at 2026-01-01 00:00 UTC. A thread that waits on it waits, in real time, until another thread
/// moves it far enough.
///
/// ```
/// use shortway::Clock;
/// use shortway::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now(), before + Duration::from_secs(3600));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<Times>>);

#[derive(Debug)]
struct Times {
    wall: SystemTime,
    monotonic: Instant,
    waiting: Vec<Thread>,
}

/// 2026-01-01 00:00:00 UTC, in seconds after 1970.
const START: Duration = Duration::from_secs(1_767_225_600);

impl ManualClock {
    /// A clock that shows 2026-01-01 00:00 UTC.
    #[must_use]
    pub fn new() -> Self {
        let times =
            Times { wall: SystemTime::UNIX_EPOCH + START, monotonic: Instant::now(), waiting: Vec::new() };
        Self(Arc::new(Mutex::new(times)))
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, by: Duration) {
        self.change(|times| {
            times.wall += by;
            times.monotonic += by;
        });
    }

    /// Suspends the machine: time passes on the wall clock only.
    pub fn suspend(&self, by: Duration) {
        self.change(|times| times.wall += by);
    }

    /// Sets the wall clock, forward or back.
    pub fn set(&self, wall: SystemTime) {
        self.change(|times| times.wall = wall);
    }

    /// How many threads wait on this clock.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.times().waiting.len()
    }

    fn change(&self, change: impl FnOnce(&mut Times)) {
        let mut times = self.times();
        change(&mut times);
        for thread in &times.waiting {
            thread.unpark();
        }
    }

    fn times(&self) -> MutexGuard<'_, Times> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        self.times().wall
    }

    fn monotonic(&self) -> Instant {
        self.times().monotonic
    }

    fn park_until(&self, deadline: Instant) {
        {
            let mut times = self.times();
            if times.monotonic >= deadline {
                return;
            }
            times.waiting.push(thread::current());
        }
        thread::park();
        let me = thread::current().id();
        let mut times = self.times();
        if let Some(place) = times.waiting.iter().position(|t| t.id() == me) {
            times.waiting.swap_remove(place);
        }
    }
}
