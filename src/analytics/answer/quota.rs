//! What is left of a property's quota.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/PropertyQuota>

use serde::Deserialize;

/// What is left of a property's quota, if [`ReportRequest::return_property_quota`](crate::analytics::ReportRequest) was set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PropertyQuota {
    /// Tokens of the property for today (Pacific time).
    pub tokens_per_day: Option<QuotaStatus>,
    /// Tokens of the property for this hour.
    pub tokens_per_hour: Option<QuotaStatus>,
    /// Tokens of this project on the property for this hour: the bucket that empties first.
    pub tokens_per_project_per_hour: Option<QuotaStatus>,
    /// Requests at the same time.
    pub concurrent_requests: Option<QuotaStatus>,
    /// Server errors of this hour.
    pub server_errors_per_project_per_hour: Option<QuotaStatus>,
    /// Requests of this hour that could reveal persons.
    pub potentially_thresholded_requests_per_hour: Option<QuotaStatus>,
}

/// One bucket of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct QuotaStatus {
    /// What this request cost.
    pub consumed: Option<i32>,
    /// What is left; Google has sent -1.
    pub remaining: Option<i32>,
}
