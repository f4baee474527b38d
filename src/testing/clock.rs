//! A clock that stands still until it is moved.

use crate::clock::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

/// A clock moved by hand. Clones are the same clock.
///
/// It starts at 2026-01-01 00:00 UTC. Whoever waits on it waits, in real time, until somebody moves it far
/// enough.
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
pub struct ManualClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
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
        let hands =
            Hands { wall: SystemTime::UNIX_EPOCH + START, monotonic: Instant::now(), waiting: Vec::new() };
        Self(Arc::new(Mutex::new(hands)))
    }

    /// Lets time pass: both clocks go on.
    pub fn advance(&self, by: Duration) {
        self.turn(|hands| {
            hands.wall += by;
            hands.monotonic += by;
        });
    }

    /// Suspends the machine: only the wall clock goes on.
    pub fn suspend(&self, by: Duration) {
        self.turn(|hands| hands.wall += by);
    }

    /// Sets the wall clock, forward or back.
    pub fn set(&self, wall: SystemTime) {
        self.turn(|hands| hands.wall = wall);
    }

    /// How many threads wait on this clock.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.hands().waiting.len()
    }

    fn turn(&self, turn: impl FnOnce(&mut Hands)) {
        let mut hands = self.hands();
        turn(&mut hands);
        for thread in &hands.waiting {
            thread.unpark();
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
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
        self.hands().wall
    }

    fn monotonic(&self) -> Instant {
        self.hands().monotonic
    }

    fn park_until(&self, deadline: Instant) {
        {
            let mut hands = self.hands();
            if hands.monotonic >= deadline {
                return;
            }
            hands.waiting.push(thread::current());
        }
        thread::park();
        let me = thread::current().id();
        let mut hands = self.hands();
        if let Some(place) = hands.waiting.iter().position(|t| t.id() == me) {
            hands.waiting.swap_remove(place);
        }
    }
}
