//! Time, and waiting for it: the seam that lets tests move both by hand.
//!
//! Two readings, because each alone is wrong somewhere: the wall clock jumps when it is set, the
//! monotonic one stands still while a Linux machine is suspended. Waiting belongs to the clock so
//! that a test, or a model checker, can end a wait whenever it likes.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Tells the time and waits for it. [`SystemClock`] is the real one; `testing::ManualClock`
/// (feature `testing`) is moved by hand.
pub trait Clock: Send + Sync {
    /// The wall clock (UTC), which can be set and can jump.
    fn now(&self) -> SystemTime;

    /// The monotonic clock, which never goes back but may stand still in suspend.
    fn monotonic(&self) -> Instant;

    /// Parks the calling thread until its [`Thread::unpark`](std::thread::Thread::unpark), until
    /// [`monotonic`](Self::monotonic) reaches `deadline`, or for no reason at all: callers look
    /// again at what they wait for.
    fn park_until(&self, deadline: Instant);

    /// Waits until `duration` has passed on the monotonic clock.
    fn sleep(&self, duration: Duration) {
        let deadline = self.monotonic() + duration;
        while self.monotonic() < deadline {
            self.park_until(deadline);
        }
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> SystemTime {
        (**self).now()
    }

    fn monotonic(&self) -> Instant {
        (**self).monotonic()
    }

    fn park_until(&self, deadline: Instant) {
        (**self).park_until(deadline);
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }

    fn park_until(&self, deadline: Instant) {
        thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
    }

    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
}
