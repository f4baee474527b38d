//! The quotas of the fake's properties: what is left, when it is full again, what is said when it is empty.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>

use super::refusal::Refusal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A quota of a property, as `propertyQuota` names them; see
/// [`FakeGoogle::set_quota`](super::FakeGoogle::set_quota).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FakeQuota {
    /// `tokensPerDay`: full again at 08:00 UTC, midnight Pacific standard time.
    TokensPerDay,
    /// `tokensPerHour`: full again at the full hour, as all that follow.
    TokensPerHour,
    /// `concurrentRequests`.
    ConcurrentRequests,
    /// `serverErrorsPerProjectPerHour`: each fault with status 500 or 503 takes one.
    ServerErrorsPerProjectPerHour,
    /// `potentiallyThresholdedRequestsPerHour`.
    PotentiallyThresholdedRequestsPerHour,
    /// `tokensPerProjectPerHour`.
    TokensPerProjectPerHour,
}

use FakeQuota::{
    ConcurrentRequests, PotentiallyThresholdedRequestsPerHour, ServerErrorsPerProjectPerHour, TokensPerDay,
    TokensPerHour, TokensPerProjectPerHour,
};

/// Each quota with what is left of it on a standard property after a report, and the sentence of the 429 when
/// it is empty. Recorded are those of `tokensPerProjectPerHour`, `concurrentRequests` and
/// `potentiallyThresholdedRequestsPerHour`; the others are worded after them.
const QUOTAS: [(FakeQuota, &str, i64, &str); 6] = [
    (TokensPerDay, "tokensPerDay", 199_999, "Exhausted property tokens per day."),
    (TokensPerHour, "tokensPerHour", 39_999, "Exhausted property tokens per hour."),
    (ConcurrentRequests, "concurrentRequests", 10, "Exhausted concurrent requests quota."),
    (
        ServerErrorsPerProjectPerHour,
        "serverErrorsPerProjectPerHour",
        10,
        "Exhausted server errors for a project per hour.",
    ),
    (
        PotentiallyThresholdedRequestsPerHour,
        "potentiallyThresholdedRequestsPerHour",
        120,
        "Exhausted potentially thresholded requests quota.",
    ),
    (
        TokensPerProjectPerHour,
        "tokensPerProjectPerHour",
        13_999,
        "Exhausted property tokens for a project per hour.",
    ),
];

/// The quotas of one property that a test has set; the others are always full.
#[derive(Default)]
pub(super) struct Quotas {
    set: BTreeMap<FakeQuota, Set>,
}

struct Set {
    remaining: i64,
    /// The hour or the day of it.
    period: u64,
}

impl Quotas {
    /// Takes one token for a request; refuses it when a quota is empty.
    pub(super) fn take(&mut self, now: SystemTime) -> Result<(), Refusal> {
        if let Some((.., words)) = QUOTAS.iter().find(|(quota, ..)| self.remaining(*quota, now) <= 0) {
            return Err(Refusal::Exhausted((*words).into()));
        }
        self.lower(&[TokensPerDay, TokensPerHour, TokensPerProjectPerHour]);
        Ok(())
    }

    pub(super) fn server_error(&mut self) {
        self.lower(&[ServerErrorsPerProjectPerHour]);
    }

    /// Only what a test has set runs out.
    fn lower(&mut self, quotas: &[FakeQuota]) {
        let set = self.set.iter_mut().filter(|(quota, _)| quotas.contains(quota));
        set.for_each(|(_, set)| set.remaining -= 1);
    }

    pub(super) fn set(&mut self, quota: FakeQuota, remaining: i64, now: SystemTime) {
        self.set.insert(quota, Set { remaining, period: period(quota, now) });
    }

    fn remaining(&self, quota: FakeQuota, now: SystemTime) -> i64 {
        let limit = QUOTAS.iter().find(|(known, ..)| *known == quota).map_or(0, |(_, _, limit, _)| *limit);
        let set = self.set.get(&quota).filter(|set| set.period == period(quota, now));
        set.map_or(limit, |set| set.remaining)
    }

    /// `propertyQuota` of a report that has `consumed` so many tokens; without zeros as v1alpha writes it.
    pub(super) fn shown(&self, consumed: i64, leaves_zeros_out: bool, now: SystemTime) -> Value {
        let mut shown = Map::new();
        for (quota, name, ..) in QUOTAS {
            let is_tokens = matches!(quota, TokensPerDay | TokensPerHour | TokensPerProjectPerHour);
            let consumed = if is_tokens { consumed } else { 0 };
            let mut status = json!({"consumed": consumed, "remaining": self.remaining(quota, now)});
            if let Some(status) = status.as_object_mut().filter(|_| leaves_zeros_out) {
                status.retain(|_, number| *number != 0);
            }
            shown.insert(name.into(), status);
        }
        Value::Object(shown)
    }
}

/// The hour since 1970, or the day that begins at 08:00 UTC.
fn period(quota: FakeQuota, now: SystemTime) -> u64 {
    let hours = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs() / 3600);
    if quota == TokensPerDay { (hours + 16) / 24 } else { hours }
}
