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
///
/// A clock of your own reads the two times and parks. A wait here may consume an `unpark` that is meant for
/// other code of the same thread, such as an executor; [`sleep`](Self::sleep) and the waits of this crate
/// give it back.
pub trait Clock: Send + Sync {
    /// The wall clock (UTC), which can be set and can jump.
    fn now(&self) -> SystemTime;

    /// The monotonic clock, which never goes back but may stand still in suspend.
    fn monotonic(&self) -> Instant;

    /// Parks the calling thread until its [`Thread::unpark`](std::thread::Thread::unpark), until
    /// [`monotonic`](Self::monotonic) reaches `deadline`, or for no reason at all: callers look
    /// again at what they wait for.
    fn park_until(&self, deadline: Instant);

    /// Waits until `duration` has passed on the monotonic clock, at most ten years.
    fn sleep(&self, duration: Duration) {
        let _give_back = GiveBack;
        let deadline = self.monotonic() + duration.min(TEN_YEARS);
        while self.monotonic() < deadline {
            self.park_until(deadline);
        }
    }
}

/// So long that no sleep needs more, and so short that every clock can hold it.
const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Wakes its own thread when dropped, so that its next park returns at once. A wake-up that ended a wait may
/// have been meant for other code of the thread. One too many does no harm, one too few would.
struct GiveBack;

impl Drop for GiveBack {
    fn drop(&mut self) {
        thread::current().unpark();
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
