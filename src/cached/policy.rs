//! When a token is renewed and how long callers wait: numbers, and what they mean for one token or one failure.

use std::time::Duration;

/// When a token is renewed and how long callers wait. The defaults are right for Google.
///
/// ```
/// use shortway::CachePolicy;
/// use std::time::Duration;
///
/// let mut policy = CachePolicy::default();
/// policy.early_refresh = Duration::from_secs(60);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CachePolicy {
    /// How long before its end a token is renewed: 225 s, and at most a quarter of its lifetime. Google's metadata
    /// server hands out the same token until about 4 minutes before its end, so asking sooner gains nothing.
    pub early_refresh: Duration,
    /// The share of [`early_refresh`](Self::early_refresh) that is drawn by lot once for each token, so that programs
    /// started together do not renew together: 0.2, that is 180 to 225 s before the end.
    pub jitter: f64,
    /// A token with less left than this is never handed out from memory: 30 s, and at most a tenth of its lifetime.
    pub margin: Duration,
    /// How long a caller waits who has no usable token and named no deadline: 30 s.
    pub wait: Duration,
    /// How long the one caller may take who renews a token that is still usable: 5 s, for a single attempt.
    pub stale_wait: Duration,
    /// After this long a refresh counts as hung and another caller may start a new one: 35 s.
    pub flight_limit: Duration,
    /// The pause after a failed refresh while no usable token is left: 0.5 s at first, doubling up to 30 s.
    pub pause: (Duration, Duration),
    /// The pause after a failed refresh while the old token is still usable: 5 s at first, doubling up to 60 s.
    pub stale_pause: (Duration, Duration),
    /// The share of a pause that is drawn by lot, so that programs that failed together do not come back together: 0.5, that
    /// is between half of the pause and all of it. What is left is certain: two failures never follow at once.
    pub pause_jitter: f64,
    /// The pause after a refusal that no retry will mend, while no usable token is left: 60 s.
    pub denied_pause: Duration,
    /// The longest pause that a server can ask for with `Retry-After`: 1 h.
    pub asked_pause: Duration,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            early_refresh: Duration::from_secs(225),
            jitter: 0.2,
            margin: Duration::from_secs(30),
            wait: Duration::from_secs(30),
            stale_wait: Duration::from_secs(5),
            flight_limit: Duration::from_secs(35),
            pause: (Duration::from_millis(500), Duration::from_secs(30)),
            stale_pause: (Duration::from_secs(5), Duration::from_secs(60)),
            pause_jitter: 0.5,
            denied_pause: Duration::from_secs(60),
            asked_pause: Duration::from_secs(3600),
        }
    }
}

impl CachePolicy {
    /// How long before its end a token of this lifetime is due for renewal, and how long before its end it is used up.
    /// `share`, from 0 to 1, is this token's draw.
    pub(super) fn windows(&self, lifetime: Duration, share: f64) -> (Duration, Duration) {
        let margin = self.margin.min(lifetime / 10);
        let window = self.early_refresh.min(lifetime / 4);
        let window = less(window, self.jitter, share);
        (window.max(margin), margin)
    }

    /// How long no refresh is made after `count` failures in a row; `share`, from 0 to 1, is this failure's draw.
    pub(super) fn pause(&self, count: u32, share: f64, usable: bool) -> Duration {
        let (first, most) = if usable { self.stale_pause } else { self.pause };
        let doubled = first.saturating_mul(1 << count.saturating_sub(1).min(16)).min(most);
        less(doubled, self.pause_jitter, share)
    }
}

/// `time` less a drawn part of it: `share` of `jitter`, which counts as 0 where it is no share.
fn less(time: Duration, jitter: f64, share: f64) -> Duration {
    let jitter = if (0.0..=1.0).contains(&jitter) { jitter } else { 0.0 };
    // No pause of a policy needs to be longer, and floating point cannot take the longest there are.
    time.min(Duration::from_secs(365 * 86_400)).mul_f64(1.0 - jitter * share)
}
