//! What is known of a property's quotas: what was left when an answer last said so. It refuses a request that
//! would go below a floor.

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

/// Shared by the clones of a client.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Quotas>>);

/// What was left of each, and when.
type Quotas = BTreeMap<(PropertyId, Category), (PropertyQuota, SystemTime)>;

impl Ledger {
    fn quotas(&self) -> MutexGuard<'_, Quotas> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was left when an answer last said so.
    pub(super) fn quota(&self, property: PropertyId, category: Category) -> Option<PropertyQuota> {
        self.quotas().get(&(property, category)).map(|(quota, _)| *quota)
    }

    pub(super) fn saw(
        &self,
        property: PropertyId,
        category: Category,
        quota: PropertyQuota,
        now: SystemTime,
    ) {
        self.quotas().insert((property, category), (quota, now));
    }

    /// Refuses a request that would spend tokens below `floor`.
    pub(super) fn admit(
        &self,
        property: PropertyId,
        category: Category,
        floor: u32,
        now: SystemTime,
    ) -> Result<(), Error> {
        let quotas = self.quotas();
        let Some((quota, seen)) = quotas.get(&(property, category)).filter(|_| floor > 0) else {
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
