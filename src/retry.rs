//! Tries again what deserves it, within a deadline.
//!
//! In: an attempt that may fail, a deadline, a clock. Out: the first success, or the last failure with the
//! number of attempts in it. The wait before try n is drawn evenly from zero to `base` × 2ⁿ⁻¹ ("full
//! jitter"), so that programs which failed together do not come back together.

use crate::clock::Clock;
use crate::error::Error;
use ring::rand::{SecureRandom, SystemRandom};
use std::time::{Duration, Instant};

/// How often a failed request is sent again. Only errors that [`Error::is_retryable`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many attempts are made in all: 3 by default, as Google's Python library does.
    pub attempts: u32,
    /// The longest wait before the second attempt: 1 s by default; it doubles with each further one.
    pub base: Duration,
}

impl RetryPolicy {
    /// Never try again.
    pub const NONE: Self = Self { attempts: 1, base: Duration::ZERO };
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_secs(1) }
    }
}

/// The shortest wait between two attempts: 100 ms.
const FLOOR: Duration = Duration::from_millis(100);

/// Calls `attempt` until it succeeds, fails for good, or neither attempts nor time are left.
pub(crate) fn run<T>(
    policy: RetryPolicy,
    clock: &dyn Clock,
    deadline: Instant,
    mut attempt: impl FnMut() -> Result<T, Error>,
) -> Result<T, Error> {
    let mut made = 0;
    loop {
        made += 1;
        let error = match attempt() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let wait =
            pause(policy.base, made, error.retry_at().and_then(|at| at.duration_since(clock.now()).ok()));
        let in_time = clock.monotonic().checked_add(wait).is_some_and(|then| then < deadline);
        if !error.is_retryable() || made >= policy.attempts || !in_time {
            return Err(error.with_attempts(made));
        }
        log::debug!("attempt {made} failed, trying again in {} ms: {error}", wait.as_millis());
        clock.sleep(wait);
    }
}

/// What the server asked for, or else a random share of the doubled base.
fn pause(base: Duration, made: u32, asked: Option<Duration>) -> Duration {
    let most = base.saturating_mul(1 << (made - 1).min(16));
    asked.unwrap_or_else(|| most.mul_f64(random_share())).max(FLOOR)
}

/// A number drawn evenly from [0, 1).
pub(crate) fn random_share() -> f64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
