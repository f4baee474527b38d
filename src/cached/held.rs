//! A token and when it expires, on both clocks.

use super::policy::CachePolicy;
use crate::token::Token;
use std::time::{Duration, Instant, SystemTime};

/// Both clocks, read together.
#[derive(Clone, Copy)]
pub(super) struct Now {
    pub(super) wall: SystemTime,
    pub(super) monotonic: Instant,
}

/// A point in time on both clocks. Whichever clock reaches it first counts.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    wall: SystemTime,
    monotonic: Instant,
}

/// A token and its limits, computed when it arrived.
pub(super) struct Held {
    pub(super) token: Token,
    /// From here on `refresh_if_due` refreshes it, a little before other callers do.
    pub(super) due_from: Limit,
    /// Until here it is returned without a refresh.
    pub(super) fresh_until: Limit,
    /// Until here it is returned at all.
    pub(super) usable_until: Limit,
    expires: Limit,
}

impl Held {
    /// `token` as it arrived at `now` from a request that began at `before`; `None` if it has expired.
    /// `share`, from 0 to 1, is its random number.
    pub(super) fn new(
        token: Token,
        (before, now): (Now, Now),
        policy: &CachePolicy,
        share: f64,
    ) -> Option<Self> {
        let left = left(&token, before, now)?;
        let elapsed = now.monotonic.saturating_duration_since(before.monotonic);
        let lifetime = believable(token.lifetime().unwrap_or(left.saturating_add(elapsed)));
        let (window, margin) = policy.windows(lifetime, share);
        let until = |left_then: Duration| Limit::after(now, left.saturating_sub(left_then));
        Some(Self {
            due_from: until(window + window / 10),
            fresh_until: until(window),
            usable_until: until(margin),
            expires: until(Duration::ZERO),
            token,
        })
    }

    /// How long until it expires.
    pub(super) fn left(&self, now: Now) -> Duration {
        self.expires.left(now)
    }

    /// The same token, fresh for some seconds at least, at most for half of the time that it is usable:
    /// tokens that arrive inside their early-refresh window must not cost a request with each call.
    pub(super) fn fresh_for_a_while(mut self, now: Now) -> Self {
        let rest = Limit::after(now, REST.min(self.usable_until.left(now) / 2));
        self.due_from = self.due_from.later(rest);
        self.fresh_until = self.fresh_until.later(rest);
        self
    }

    /// The same token, due for a refresh at once.
    pub(super) fn stale(mut self, now: Now) -> Self {
        self.due_from = Limit::after(now, Duration::ZERO);
        self.fresh_until = self.due_from;
        self
    }
}

/// How long a token that arrives inside its early-refresh window counts as fresh: 5 s, the first pause after
/// a failed refresh.
const REST: Duration = Duration::from_secs(5);

/// The longest lifetime that is believed: 12 h, the most that Google grants. A token that claims more is
/// refreshed then.
const LONGEST_LIFETIME: Duration = Duration::from_secs(12 * 3600);

fn believable(lifetime: Duration) -> Duration {
    lifetime.clamp(Duration::from_secs(1), LONGEST_LIFETIME)
}

/// How long from `now` until `token` expires; `None` if it has expired.
fn left(token: &Token, before: Now, now: Now) -> Option<Duration> {
    let longest = token.lifetime().map_or(LONGEST_LIFETIME, believable);
    time_to(token.expires_at(), before, now).map(|left| left.min(longest))
}

/// How long from `now` until the wall clock shows `time`, which a source computed by a look at it after
/// `before`; `None` if that is past.
///
/// The wall clock may have been set meanwhile. Measured from `now`, a clock that was set forward, or a
/// suspended machine, shortens the time; measured from `before`, by the monotonic clock, one that was set
/// back does. The shorter of the two counts, so that no change makes a token live longer. A clock that was
/// set back before the source looked at it leaves nothing by the second measure: then the first counts alone.
pub(super) fn time_to(time: SystemTime, before: Now, now: Now) -> Option<Duration> {
    let some = |left: &Duration| !left.is_zero();
    let elapsed = now.monotonic.saturating_duration_since(before.monotonic);
    let from_before = time.duration_since(before.wall).ok().and_then(|left| left.checked_sub(elapsed));
    let from_now = time.duration_since(now.wall).ok().filter(some)?;
    Some(from_before.filter(some).map_or(from_now, |left| left.min(from_now)))
}

impl Limit {
    /// So long after `now`, on both clocks.
    fn after(now: Now, span: Duration) -> Self {
        let wall = now.wall.checked_add(span).unwrap_or(now.wall);
        Self { wall, monotonic: after(now.monotonic, span) }
    }

    pub(super) fn is_ahead_of(self, now: Now) -> bool {
        now.wall < self.wall && now.monotonic < self.monotonic
    }

    /// How long until here, by the clock that leaves less.
    pub(super) fn left(self, now: Now) -> Duration {
        let wall = self.wall.duration_since(now.wall).unwrap_or_default();
        wall.min(self.monotonic.saturating_duration_since(now.monotonic))
    }

    /// The later of two limits that were computed at the same moment.
    fn later(self, other: Self) -> Self {
        if other.monotonic > self.monotonic { other } else { self }
    }
}

/// `at` plus `span`, at most ten years, so that the clock can hold it.
pub(super) fn after(at: Instant, span: Duration) -> Instant {
    const TEN_YEARS: Duration = Duration::from_secs(10 * 365 * 86_400);
    at.checked_add(span.min(TEN_YEARS)).unwrap_or(at)
}
