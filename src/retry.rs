//! Tries again what deserves it, within a deadline.
//!
//! In: an attempt that may fail, a deadline, a clock. Out: the first success, or the last failure with the
//! number of attempts in it. The wait before try n is drawn evenly from zero to `base` × 2ⁿ⁻¹ ("full
//! jitter"), so that programs which failed together do not come back together.

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use ring::rand::{SecureRandom, SystemRandom};
use std::time::{Duration, Instant};

/// Which failed requests are sent again, how often, and after how long.
///
/// Between two attempts lies a random share of [`base`](Self::base), doubled each time, at least 100 ms; or what the
/// server asks for with `Retry-After`, if it is not more than [`most`](Self::most). No wait goes past the call's deadline:
/// the failure is returned instead, with
/// [`Error::retry_at`] if the server named a time.
///
/// ```
/// use shortway::RetryPolicy;
/// use std::time::Duration;
///
/// let mut patient = RetryPolicy::default();
/// patient.attempts = 5;
/// patient.base = Duration::from_secs(2);
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many attempts are made in all: 3 by default, as Google's Python library does. An answer that makes no sense
    /// ([`ErrorKind::Malformed`], [`ErrorKind::Protocol`]) is asked for twice at most.
    pub attempts: u32,
    /// The longest wait before the second attempt: 1 s by default; it doubles with each further one.
    pub base: Duration,
    /// The longest wait that is made, `Retry-After` included: 30 s by default.
    pub most: Duration,
    /// Which failures are tried again; [`Error::is_retryable`] by default.
    pub retries: fn(&Error) -> bool,
}

impl RetryPolicy {
    /// Never try again.
    pub const NONE: Self =
        Self { attempts: 1, base: Duration::ZERO, most: Duration::ZERO, retries: Error::is_retryable };

    /// How often an attempt that ended in `error` is made at most.
    fn attempts_for(&self, error: &Error) -> u32 {
        match error.kind() {
            ErrorKind::Malformed | ErrorKind::Protocol => self.attempts.min(2),
            _ => self.attempts,
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_secs(1),
            most: Duration::from_secs(30),
            retries: Error::is_retryable,
        }
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
        let asked = error.retry_at().map(|at| at.duration_since(clock.now()).unwrap_or_default());
        let wait = if made == 1 && error.kind() == ErrorKind::Closed {
            // A kept connection that the server closed just then: the next one is new.
            Duration::ZERO
        } else {
            pause(&policy, made, asked)
        };
        let in_time = clock.monotonic().checked_add(wait).is_some_and(|then| then < deadline);
        let patient = asked.is_none_or(|asked| asked <= policy.most);
        if !(policy.retries)(&error) || made >= policy.attempts_for(&error) || !in_time || !patient {
            return Err(error.with_attempts(made));
        }
        log::debug!("attempt {made} failed, trying again in {} ms: {error}", wait.as_millis());
        clock.sleep(wait);
    }
}

/// What the server asked for, or else a random share of the doubled base.
fn pause(policy: &RetryPolicy, made: u32, asked: Option<Duration>) -> Duration {
    let doubled = policy.base.saturating_mul(1 << (made - 1).min(16)).min(policy.most);
    asked.unwrap_or_else(|| doubled.mul_f64(random_share())).max(FLOOR)
}

/// A number drawn evenly from [0, 1).
pub(crate) fn random_share() -> f64 {
    let mut bytes = [0; 4];
    match SystemRandom::new().fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
