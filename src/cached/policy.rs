//! When a token is refreshed and how long callers wait: numbers, and what they mean for one token or one
//! failure.

use std::time::Duration;

/// When a token is refreshed and how long callers wait. The defaults fit Google's tokens.
///
/// ```
/// use shortway::CachePolicy;
/// use std::time::Duration;
///
/// let policy = CachePolicy::default().with_early_refresh(Duration::from_secs(60));
/// assert_eq!(policy.early_refresh(), Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    early_refresh: Duration,
    margin: Duration,
    wait: Duration,
    stale_wait: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            early_refresh: Duration::from_secs(225),
            margin: Duration::from_secs(30),
            wait: Duration::from_secs(30),
            stale_wait: Duration::from_secs(5),
        }
    }
}

impl CachePolicy {
    /// How long before it expires a token is refreshed: 225 s by default, and at most a quarter of its
    /// lifetime. Google's metadata server returns the same token until about 4 minutes before it expires, so
    /// an earlier request gains nothing. Up to a fifth is taken off at random, once per token, so that
    /// programs started together do not refresh together: 180 to 225 s.
    #[must_use]
    pub fn early_refresh(&self) -> Duration {
        self.early_refresh
    }

    /// Sets [`early_refresh`](Self::early_refresh).
    #[must_use]
    pub fn with_early_refresh(mut self, before_expiry: Duration) -> Self {
        self.early_refresh = before_expiry;
        self
    }

    /// A token with less left than this is not returned from the cache: 30 s by default, and at most a tenth
    /// of its lifetime. A request needs some time to arrive, and clocks differ by some seconds.
    #[must_use]
    pub fn margin(&self) -> Duration {
        self.margin
    }

    /// Sets [`margin`](Self::margin).
    #[must_use]
    pub fn with_margin(mut self, left: Duration) -> Self {
        self.margin = left;
        self
    }

    /// How long a caller without a usable token waits if it sets no deadline: 30 s by default. A refresh
    /// counts as hung 5 s after its deadline.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// Sets [`wait`](Self::wait).
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long the refresh of a token that is still usable may take: 5 s by default, for one attempt. The
    /// caller that makes it gets the old token if it fails.
    #[must_use]
    pub fn stale_wait(&self) -> Duration {
        self.stale_wait
    }

    /// Sets [`stale_wait`](Self::stale_wait).
    #[must_use]
    pub fn with_stale_wait(mut self, wait: Duration) -> Self {
        self.stale_wait = wait;
        self
    }

    /// How long before it expires a token with this lifetime is due for a refresh, and how long before it
    /// expires it is no longer usable. `share`, from 0 to 1, is this token's random number.
    pub(super) fn windows(&self, lifetime: Duration, share: f64) -> (Duration, Duration) {
        let margin = self.margin.min(lifetime / 10);
        let window = less(self.early_refresh.min(lifetime / 4), JITTER * share);
        (window.max(margin), margin)
    }
}

/// How long no refresh is made after `count` failures in a row. `share`, from 0 to 1, is this failure's
/// random number.
pub(super) fn pause(count: u32, share: f64, usable: bool) -> Duration {
    let (first, longest) = if usable { STALE_PAUSE } else { PAUSE };
    let doubled = first.saturating_mul(1 << count.saturating_sub(1).min(16)).min(longest);
    less(doubled, PAUSE_JITTER * share)
}

fn less(time: Duration, share: f64) -> Duration {
    // Floating point cannot hold the longest durations.
    time.min(Duration::from_secs(365 * 86_400)).mul_f64(1.0 - share)
}

/// The largest part of the early-refresh window that is taken off at random: a fifth. 180 to 225 s spread the
/// refreshes of programs that start together over 45 s.
const JITTER: f64 = 0.2;

/// The pause after a failed refresh while no token is usable: 0.5 s, doubled with each failure up to 30 s.
/// Callers get errors meanwhile, so it starts short.
const PAUSE: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The pause after a failed refresh while the old token is usable: 5 s, doubled with each failure up to 60 s.
/// No caller waits for it, and 180 s hold several attempts.
const STALE_PAUSE: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(60));

/// The largest part of a pause that is taken off at random: a half. Programs that failed together retry
/// apart, and the other half keeps two failures from following at once.
const PAUSE_JITTER: f64 = 0.5;

/// The pause after a refusal that no retry changes, while no token is usable: 60 s. Somebody has to change a
/// setting first, and the program notices within a minute.
pub(super) const DENIED_PAUSE: Duration = Duration::from_secs(60);

/// The longest pause that a server can set with `Retry-After`: 1 h, the lifetime of a token.
pub(super) const LONGEST_ASKED_PAUSE: Duration = Duration::from_secs(3600);

/// How long after its deadline a refresh counts as hung: 5 s. A source that keeps to its deadline has
/// returned by then.
pub(super) const FLIGHT_GRACE: Duration = Duration::from_secs(5);
