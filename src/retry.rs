//! Repeats an attempt within a deadline.
//!
//! In: an attempt that may fail, a deadline, a clock. Out: the first success, or the last failure with the
//! number of attempts in it. The pause before attempt n is random, from zero to `initial_delay` × 2ⁿ⁻² ("full
//! jitter"), so that programs which failed together do not come back together. Nothing is logged here: an
//! attempt for a token runs inside a refresh, and a logger that needs a token would wait for it.

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::random::random_share;
use std::time::{Duration, Instant};

/// How often a failed request is sent again, and after how long.
///
/// Between two attempts lies a random part of [`initial_delay`](Self::initial_delay), doubled each time, at
/// least 100 ms; or what the server asks for with `Retry-After`, if that is at most
/// [`max_delay`](Self::max_delay). No pause goes past the deadline of the call: the failure is returned
/// instead, with [`Error::retry_at`] if the server named a time.
///
/// ```
/// use shortway::RetryPolicy;
/// use std::time::Duration;
///
/// let patient = RetryPolicy::default().with_attempts(5).with_initial_delay(Duration::from_secs(2));
/// assert_eq!(patient.attempts(), 5);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    initial_delay: Duration,
    max_delay: Duration,
}

impl RetryPolicy {
    /// One attempt.
    pub const NONE: Self = Self { attempts: 1, initial_delay: Duration::ZERO, max_delay: Duration::ZERO };

    /// Sets how many attempts are made in all: 3 by default, as in Google's Python library; 0 counts as 1.
    /// After a response that makes no sense ([`ErrorKind::Malformed`], [`ErrorKind::Protocol`]) there is at
    /// most one more.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the longest pause before the second attempt: 1 s by default; it doubles with each further one.
    #[must_use]
    pub fn with_initial_delay(mut self, delay: Duration) -> Self {
        self.initial_delay = delay;
        self
    }

    /// Sets the longest pause between two attempts, `Retry-After` included: 30 s by default.
    #[must_use]
    pub fn with_max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// How many attempts are made in all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The longest pause before the second attempt.
    #[must_use]
    pub fn initial_delay(&self) -> Duration {
        self.initial_delay
    }

    /// The longest pause between two attempts.
    #[must_use]
    pub fn max_delay(&self) -> Duration {
        self.max_delay
    }

    /// How many attempts are made at most when one of them failed with `error`.
    fn attempts_after(&self, error: &Error) -> u32 {
        match error.kind() {
            ErrorKind::Malformed | ErrorKind::Protocol => self.attempts.min(2),
            _ => self.attempts,
        }
    }

    /// A random part of the doubled delay, at least [`MIN_DELAY`].
    fn pause(&self, failures: u32, most: Duration) -> Duration {
        let doubled = self.initial_delay.saturating_mul(1 << (failures.max(1) - 1).min(16));
        doubled.min(most).mul_f64(random_share()).max(MIN_DELAY)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 3, initial_delay: Duration::from_secs(1), max_delay: Duration::from_secs(30) }
    }
}

/// The shortest pause between two attempts: 100 ms.
const MIN_DELAY: Duration = Duration::from_millis(100);

/// The longest pause while there is no connection: 5 s. A job that starts before its network should not miss
/// it by much.
const MAX_NETWORK_DELAY: Duration = Duration::from_secs(5);

/// When and how long attempts are made.
#[derive(Clone, Copy)]
pub(crate) struct Schedule<'a> {
    pub(crate) policy: RetryPolicy,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) deadline: Instant,
    /// Whether attempts for which no connection was made go on until the deadline, and are not counted.
    pub(crate) waits_for_network: bool,
}

/// How an attempt ended.
pub(crate) enum Outcome<T> {
    /// Nothing is repeated.
    Final(Result<T, Error>),
    /// A repetition may help, after a pause.
    Again(Error),
    /// A repetition may help, at once: something was learned.
    AgainAtOnce(Error),
}

/// Which attempt is made.
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    /// From 1 on.
    pub(crate) number: u32,
    /// Whether it is the last one.
    #[cfg_attr(not(feature = "analytics"), expect(dead_code, reason = "calls of Analytics need it"))]
    pub(crate) is_last: bool,
}

/// Calls `attempt` until an outcome is final, or neither attempts nor time are left.
pub(crate) fn run<T>(
    schedule: Schedule<'_>,
    mut attempt: impl FnMut(Attempt) -> Outcome<T>,
) -> Result<T, Error> {
    let mut progress = Progress::default();
    loop {
        let number = progress.made + 1;
        let (error, at_once) = match attempt(Attempt { number, is_last: number >= schedule.policy.attempts })
        {
            // An attempt that the deadline cuts short hides why those before it had no connection.
            Outcome::Final(Err(error)) | Outcome::Again(error)
                if error.kind() == ErrorKind::Timeout
                    && progress.obstacle.is_some()
                    && schedule.clock.monotonic() >= schedule.deadline =>
            {
                return Err(progress.obstacle.unwrap_or(error).with_attempts(progress.made));
            }
            Outcome::Final(result) => return result,
            Outcome::Again(error) => (error, false),
            Outcome::AgainAtOnce(error) => (error, true),
        };
        let counts = progress.count(&error, schedule.waits_for_network);
        match progress.pause(&schedule, &error, counts, at_once) {
            Some(pause) => schedule.clock.sleep(pause),
            None => return Err(error.with_attempts(progress.made)),
        }
    }
}

/// The attempts so far.
#[derive(Default)]
struct Progress {
    /// Those that count.
    made: u32,
    /// Those without a connection, if they do not count.
    unconnected: u32,
    /// Why there was no connection, if the last attempt had none.
    obstacle: Option<Error>,
}

impl Progress {
    /// Counts an attempt that failed with `error`, if it counts: what did not reach the server may not.
    fn count(&mut self, error: &Error, waits_for_network: bool) -> bool {
        let no_connection = matches!(error.kind(), ErrorKind::Dns | ErrorKind::Connect);
        let counts = !(no_connection && waits_for_network);
        if counts {
            self.made += 1;
            self.obstacle = None;
        } else {
            self.unconnected += 1;
            self.obstacle = Some(error.clone());
        }
        counts
    }

    /// How long to wait before the next attempt; `None` if there is none.
    fn pause(&self, schedule: &Schedule<'_>, error: &Error, counts: bool, at_once: bool) -> Option<Duration> {
        let Schedule { policy, clock, deadline, .. } = *schedule;
        let asked = error.retry_at().map(|at| at.duration_since(clock.now()).unwrap_or_default());
        let pause = match asked {
            _ if at_once => Duration::ZERO,
            // The server closed a connection that was kept from an earlier request; the next one is new.
            _ if self.made == 1 && error.kind() == ErrorKind::Closed => Duration::ZERO,
            Some(asked) => asked.max(MIN_DELAY),
            None if counts => policy.pause(self.made, policy.max_delay),
            None => policy.pause(self.unconnected, MAX_NETWORK_DELAY),
        };
        let is_left = !counts || self.made < policy.attempts_after(error);
        let in_time = clock.monotonic().checked_add(pause).is_some_and(|then| then < deadline);
        let in_reach = asked.is_none_or(|asked| asked <= policy.max_delay);
        (is_left && in_time && in_reach).then_some(pause)
    }
}
