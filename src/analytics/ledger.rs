//! What is known of a property's quotas: what was left when an answer last said so, and how many server
//! errors this client got in this hour. It refuses a request that would go below a floor.

use super::answer::{PropertyQuota, QuotaStatus};
use super::bucket::Quota;
use super::property::PropertyId;
use crate::error::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// Which quotas of a property a method uses. Those of funnel reports are not seen here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Category {
    Core,
    Realtime,
}

/// How many server errors of an hour a client spends on a property: 5. Google grants a project ten, and with
/// the last of them refuses every request until the hour has passed.
const MOST_SERVER_ERRORS: u32 = 5;

/// Shared by the clones of a client.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    quotas: BTreeMap<(PropertyId, Category), (PropertyQuota, SystemTime)>,
    /// How many server errors, and when they count no more.
    server_errors: BTreeMap<(PropertyId, Category), (u32, SystemTime)>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was left when an answer last said so.
    pub(super) fn quota(&self, property: PropertyId, category: Category) -> Option<PropertyQuota> {
        self.entries().quotas.get(&(property, category)).map(|(quota, _)| *quota)
    }

    pub(super) fn saw(
        &self,
        property: PropertyId,
        category: Category,
        quota: PropertyQuota,
        now: SystemTime,
    ) {
        self.entries().quotas.insert((property, category), (quota, now));
    }

    /// Counts a server error.
    pub(super) fn server_error(&self, property: PropertyId, category: Category, now: SystemTime) {
        let Some(end) = Quota::ServerErrors.refilled(now) else { return };
        let mut entries = self.entries();
        let entry = entries.server_errors.entry((property, category)).or_insert((0, end));
        *entry = if entry.1 <= now { (1, end) } else { (entry.0.saturating_add(1), entry.1) };
    }

    /// Refuses a request that would spend more server errors than a client may, or tokens below `floor`.
    pub(super) fn admit(
        &self,
        property: PropertyId,
        category: Category,
        floor: u32,
        now: SystemTime,
    ) -> Result<(), Error> {
        let entries = self.entries();
        let errors = entries.server_errors.get(&(property, category));
        if let Some((_, end)) = errors.filter(|(count, end)| *count >= MOST_SERVER_ERRORS && *end > now) {
            let message = format!(
                "{MOST_SERVER_ERRORS} server errors on property {property} in this hour: no request is sent until \
                 the hour has passed"
            );
            let hint = "Google refuses every request of the project to the property after 10; wait";
            return Err(Error::new(ErrorKind::Quota, message).with_hint(hint).with_retry_at(*end));
        }
        let Some((quota, seen)) = entries.quotas.get(&(property, category)).filter(|_| floor > 0) else {
            return Ok(());
        };
        let buckets = [
            (quota.tokens_per_day, Quota::Day, "today"),
            (quota.tokens_per_hour, Quota::Hour, "this hour"),
            (quota.tokens_per_project_per_hour, Quota::ProjectHour, "this hour and project"),
        ];
        buckets.into_iter().try_for_each(|(bucket, of, when)| {
            let left = bucket.and_then(|bucket: QuotaStatus| bucket.remaining).map(i64::from);
            let refilled = of.refilled(*seen).filter(|at| *at > now);
            match (left, refilled) {
                (Some(left), Some(at)) if left < i64::from(floor) => {
                    let message = format!(
                        "property {property} has {left} tokens left for {when}, fewer than the floor of {floor}: the \
                         request is not sent"
                    );
                    let hint = "wait until the quota is reset, or lower the floor of Analytics::with_quota_floor";
                    Err(Error::new(ErrorKind::Quota, message).with_hint(hint).with_retry_at(at))
                }
                _ => Ok(()),
            }
        })
    }
}
