//! What is left of a property's quota.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/PropertyQuota>

use crate::analytics::wire::{Message, Part, is_default, message};
use serde::{Deserialize, Deserializer, Serialize};

/// What is left of a property's quota, if
/// [`return_property_quota`](crate::analytics::ReportRequest::return_property_quota()) was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PropertyQuota {
    /// Tokens of the property for today (Pacific time).
    #[serde(skip_serializing_if = "is_default")]
    pub tokens_per_day: Option<QuotaStatus>,
    /// Tokens of the property for this hour.
    #[serde(skip_serializing_if = "is_default")]
    pub tokens_per_hour: Option<QuotaStatus>,
    /// Tokens of this project on the property for this hour: the bucket that empties first.
    #[serde(skip_serializing_if = "is_default")]
    pub tokens_per_project_per_hour: Option<QuotaStatus>,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "is_default")]
    pub concurrent_requests: Option<QuotaStatus>,
    /// Server errors of this hour.
    #[serde(skip_serializing_if = "is_default")]
    pub server_errors_per_project_per_hour: Option<QuotaStatus>,
    /// Requests of this hour that could reveal persons.
    #[serde(skip_serializing_if = "is_default")]
    pub potentially_thresholded_requests_per_hour: Option<QuotaStatus>,
}

impl PropertyQuota {
    /// Fills in the zeros that v1alpha leaves out: there a number without presence is 0, in v1beta it is not
    /// known.
    pub(in crate::analytics) fn with_zeros(mut self) -> Self {
        let buckets = [
            &mut self.tokens_per_day,
            &mut self.tokens_per_hour,
            &mut self.tokens_per_project_per_hour,
            &mut self.concurrent_requests,
            &mut self.server_errors_per_project_per_hour,
            &mut self.potentially_thresholded_requests_per_hour,
        ];
        for status in buckets.into_iter().flatten() {
            status.consumed.get_or_insert(0);
            status.remaining.get_or_insert(0);
        }
        self
    }
}

impl Message for PropertyQuota {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "tokensPerDay" => Some(&mut self.tokens_per_day),
            "tokensPerHour" => Some(&mut self.tokens_per_hour),
            "tokensPerProjectPerHour" => Some(&mut self.tokens_per_project_per_hour),
            "concurrentRequests" => Some(&mut self.concurrent_requests),
            "serverErrorsPerProjectPerHour" => Some(&mut self.server_errors_per_project_per_hour),
            "potentiallyThresholdedRequestsPerHour" => {
                Some(&mut self.potentially_thresholded_requests_per_hour)
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for PropertyQuota {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        message(deserializer)
    }
}

/// One bucket of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QuotaStatus {
    /// What this request cost.
    #[serde(skip_serializing_if = "is_default")]
    pub consumed: Option<i32>,
    /// What is left; Google has sent -1.
    #[serde(skip_serializing_if = "is_default")]
    pub remaining: Option<i32>,
}

impl Message for QuotaStatus {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "consumed" => Some(&mut self.consumed),
            "remaining" => Some(&mut self.remaining),
            _ => None,
        }
    }
}
