//! The quotas of a property that a request may meet: which one, what to do, and when it is refilled.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/quotas>

use super::answer::{PropertyQuota, QuotaStatus};
use crate::error::GoogleStatus;
use crate::random::random_share;
use std::time::{Duration, SystemTime};
use time::{Date, Month, OffsetDateTime};

/// A quota that a request met. The bucket can be told only from the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quota {
    Day,
    Hour,
    ProjectHour,
    Concurrent,
    Thresholded,
    ServerErrors,
    /// Requests a minute, of all Google APIs.
    Minute,
    Unknown,
}

impl Quota {
    /// The quota that a response with this HTTP status names, if it is about one.
    pub(super) fn of(http: u16, status: Option<&GoogleStatus>) -> Option<Self> {
        let text = status.map(|status| status.message.to_ascii_lowercase()).unwrap_or_default();
        let reason = status.and_then(GoogleStatus::reason).unwrap_or_default();
        let limit = status.and_then(|s| s.metadata("quota_limit")).unwrap_or_default().to_ascii_lowercase();
        // Under status 200 the document says which one was meant.
        let http = status.filter(|_| http == 200).map_or(http, |status| status.code);
        let about_quota = http == 429
            || status.is_some_and(|status| status.status == "RESOURCE_EXHAUSTED")
            || matches!(reason, "RATE_LIMIT_EXCEEDED" | "RESOURCE_QUOTA_EXCEEDED" | "QUOTA_EXCEEDED")
            || http == 403 && (text.contains("quota exceeded") || text.contains("rate limit exceeded"));
        let says = |words: &[&str]| words.iter().all(|word| text.contains(word));
        about_quota.then(|| {
            if says(&["concurrent"]) {
                Self::Concurrent
            } else if says(&["threshold"]) {
                Self::Thresholded
            } else if says(&["server error"]) {
                Self::ServerErrors
            } else if says(&["tokens", "project", "hour"]) {
                Self::ProjectHour
            } else if says(&["tokens", "hour"]) {
                Self::Hour
            } else if says(&["day"]) || says(&["daily"]) || limit.contains("perday") {
                Self::Day
            } else if says(&["minute"]) || limit.contains("perminute") || reason == "RATE_LIMIT_EXCEEDED" {
                Self::Minute
            } else {
                Self::Unknown
            }
        })
    }

    /// The bucket that was empty when the property's quota was last seen.
    pub(super) fn empty(quota: PropertyQuota) -> Option<Self> {
        let buckets = [
            (quota.tokens_per_day, Self::Day),
            (quota.tokens_per_hour, Self::Hour),
            (quota.tokens_per_project_per_hour, Self::ProjectHour),
            (quota.server_errors_per_project_per_hour, Self::ServerErrors),
            (quota.potentially_thresholded_requests_per_hour, Self::Thresholded),
            (quota.concurrent_requests, Self::Concurrent),
        ];
        let is_empty =
            |bucket: &Option<QuotaStatus>| bucket.and_then(|b| b.remaining).is_some_and(|left| left <= 0);
        buckets.into_iter().find(|(bucket, _)| is_empty(bucket)).map(|(_, quota)| quota)
    }

    /// When another request may be answered. Quotas of an hour are taken to be reset at the full hour, that
    /// of a day is at midnight Pacific time; a slot for a request at the same time is free in seconds.
    pub(super) fn refilled(self, now: SystemTime) -> Option<SystemTime> {
        let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        let wait = match self {
            Self::Hour | Self::ProjectHour | Self::Thresholded | Self::ServerErrors => 3600 - seconds % 3600,
            Self::Minute => 60,
            Self::Concurrent => {
                let wait = SHORTEST_WAIT + (LONGEST_WAIT - SHORTEST_WAIT).mul_f64(random_share());
                return now.checked_add(wait);
            }
            Self::Day => pacific_midnight(seconds)?.checked_sub(seconds)?,
            Self::Unknown => return None,
        };
        now.checked_add(Duration::from_secs(wait))
    }

    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Day => {
                "the property's tokens for today are used up; the quota is reset at midnight Pacific time: send fewer or smaller requests, or wait"
            }
            Self::Hour => {
                "the property's tokens for this hour are used up; wait: the quota is reset within an hour"
            }
            Self::ProjectHour => {
                "the tokens of this project on the property for this hour are used up; wait: the quota is reset within an hour"
            }
            Self::Concurrent => {
                "too many requests at the same time on this property; send the request again when another one has ended"
            }
            Self::Thresholded => {
                "too many requests in this hour that could identify persons (demographics, audiences); wait: the quota is reset within an hour"
            }
            Self::ServerErrors => {
                "too many server errors in this hour: Google refuses every request of this project to the property; wait: the quota is reset within an hour"
            }
            Self::Minute => "too many requests in this minute; wait a minute",
            Self::Unknown => {
                "a quota is exhausted; quotas_snapshot shows which one; most are reset within an hour, daily ones at midnight Pacific time"
            }
        }
    }
}

/// How long to wait for a slot at least, and at most: 1 s and 5 s. Most reports take that long.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The next midnight in California, in seconds after 1970.
fn pacific_midnight(now: u64) -> Option<u64> {
    let now = OffsetDateTime::from_unix_timestamp(i64::try_from(now).ok()?).ok()?;
    let today = now.checked_add(time::Duration::hours(pacific_offset(now)?))?.date();
    let midnight = today.next_day()?.midnight().assume_utc();
    // The clocks change at 2 in the morning, so also in summer this is before a change of that day.
    let offset = pacific_offset(midnight.checked_add(time::Duration::hours(8))?)?;
    let midnight = midnight.checked_sub(time::Duration::hours(offset))?;
    u64::try_from(midnight.unix_timestamp()).ok()
}

/// How many hours California is ahead of UTC: -7 from the second Sunday of March, 10:00 UTC, to the first
/// Sunday of November, 9:00 UTC, else -8 (Energy Policy Act of 2005).
fn pacific_offset(at: OffsetDateTime) -> Option<i64> {
    let begin = sunday(at.year(), Month::March, 2)?.with_hms(10, 0, 0).ok()?.assume_utc();
    let end = sunday(at.year(), Month::November, 1)?.with_hms(9, 0, 0).ok()?.assume_utc();
    Some(if (begin..end).contains(&at) { -7 } else { -8 })
}

/// The first, second, … Sunday of a month.
fn sunday(year: i32, month: Month, which: u8) -> Option<Date> {
    let first = Date::from_calendar_date(year, month, 1).ok()?.weekday().number_days_from_sunday();
    Date::from_calendar_date(year, month, 1 + (7 - first) % 7 + 7 * (which - 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn quota_is_told_by_the_message() {
        let of = |http, message: &str, reason: &str| {
            let detail = format!(r#"[{{"reason":"{reason}"}}]"#);
            let body = format!(r#"{{"error":{{"code":{http},"message":"{message}","details":{detail}}}}}"#);
            Quota::of(http, GoogleStatus::parse(body.as_bytes(), "").as_ref())
        };
        for (message, quota) in [
            ("Exhausted property tokens for a project per hour.", Quota::ProjectHour),
            ("Exhausted concurrent requests quota.", Quota::Concurrent),
            ("Exhausted potentially thresholded requests quota.", Quota::Thresholded),
            ("Exhausted server errors quota for a project per hour.", Quota::ServerErrors),
            ("Exhausted property tokens per hour.", Quota::Hour),
            ("Exhausted property tokens per day.", Quota::Day),
            (
                "Quota exceeded for quota metric 'x' and limit 'Requests per minute' of service.",
                Quota::Minute,
            ),
            ("no more", Quota::Unknown),
        ] {
            assert_eq!(of(429, message, ""), Some(quota), "{message}");
        }
        assert_eq!(of(403, "Quota exceeded for limit 'Requests per minute'", ""), Some(Quota::Minute));
        assert_eq!(of(403, "no", "RATE_LIMIT_EXCEEDED"), Some(Quota::Minute));
        assert_eq!(of(403, "User does not have sufficient permissions for this property.", ""), None);
    }

    #[test]
    fn day_ends_at_midnight_in_california() {
        for (now, midnight) in [
            (datetime!(2026-01-15 12:00 UTC), datetime!(2026-01-16 08:00 UTC)),
            (datetime!(2026-01-15 07:59 UTC), datetime!(2026-01-15 08:00 UTC)),
            (datetime!(2026-01-15 08:00 UTC), datetime!(2026-01-16 08:00 UTC)),
            (datetime!(2026-07-15 06:59 UTC), datetime!(2026-07-15 07:00 UTC)),
            (datetime!(2026-03-08 07:59 UTC), datetime!(2026-03-08 08:00 UTC)), // winter ends that day
            (datetime!(2026-03-08 08:00 UTC), datetime!(2026-03-09 07:00 UTC)),
            (datetime!(2026-11-01 06:59 UTC), datetime!(2026-11-01 07:00 UTC)), // summer ends that day
            (datetime!(2026-11-01 07:00 UTC), datetime!(2026-11-02 08:00 UTC)),
        ] {
            let found = pacific_midnight(now.unix_timestamp() as u64);
            assert_eq!(found, Some(midnight.unix_timestamp() as u64), "{now}");
        }
        assert_eq!(pacific_midnight(u64::MAX), None);
    }

    #[test]
    fn hour_ends_at_the_full_hour_and_a_slot_is_free_in_seconds() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(Quota::ProjectHour.refilled(at(3599)), Some(at(3600)));
        assert_eq!(Quota::ServerErrors.refilled(at(3600)), Some(at(7200)));
        let slot = Quota::Concurrent.refilled(at(0)).expect("a time");
        assert!((at(1)..=at(5)).contains(&slot));
        assert_eq!(Quota::Unknown.refilled(at(0)), None);
    }
}
