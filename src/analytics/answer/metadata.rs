//! What Google says about a report as a whole: where data may be missing, and why. Most of it is absent from
//! most answers.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/ResponseMetaData>

use super::enum_value::EnumValue;
use crate::analytics::wire::{Message, Part, as_text, is_default, message};
use serde::{Deserialize, Deserializer, Serialize};

/// What Google says about a report as a whole, as `ResponseMetaData` of the API has it.
///
/// Of a list the first 256 items are kept, of a text the first 4 KiB. A value of another shape than
/// documented is as an absent one: it never costs the report.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ResponseMetadata {
    /// Some rows were rolled into a row `(other)` because there were too many.
    #[serde(skip_serializing_if = "is_default")]
    pub data_loss_from_other_row: bool,
    /// Which metrics are hidden from the account, if some are.
    #[serde(skip_serializing_if = "is_default")]
    pub schema_restriction_response: Option<SchemaRestrictionResponse>,
    /// The currency of amounts, ISO 4217.
    #[serde(skip_serializing_if = "is_default")]
    pub currency_code: Option<String>,
    /// The property's time zone, an IANA name: the days of the report are days there.
    #[serde(skip_serializing_if = "is_default")]
    pub time_zone: Option<String>,
    /// Why the report is empty, if it is and Google says why.
    #[serde(skip_serializing_if = "is_default")]
    pub empty_reason: Option<String>,
    /// Small figures may have been withheld so that nobody can be recognized.
    #[serde(skip_serializing_if = "is_default")]
    pub subject_to_thresholding: Option<bool>,
    /// How much of the data was read for each date range, in the order of the request; empty when all of it
    /// was.
    #[serde(skip_serializing_if = "is_default")]
    pub sampling_metadatas: Vec<SamplingMetadata>,
    /// Why some of the data may be missing.
    #[serde(skip_serializing_if = "is_default")]
    pub data_truncation_reasons: Vec<DataTruncationReason>,
}

impl ResponseMetadata {
    /// The metrics that the account may not see, by name: they come as zeros.
    pub fn restricted_metrics(&self) -> impl Iterator<Item = &str> {
        let restrictions =
            self.schema_restriction_response.iter().flat_map(|r| &r.active_metric_restrictions);
        restrictions.filter_map(|restriction| restriction.metric_name.as_deref())
    }
}

impl Message for ResponseMetadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "dataLossFromOtherRow" => Some(&mut self.data_loss_from_other_row),
            "schemaRestrictionResponse" => Some(&mut self.schema_restriction_response),
            "currencyCode" => Some(&mut self.currency_code),
            "timeZone" => Some(&mut self.time_zone),
            "emptyReason" => Some(&mut self.empty_reason),
            "subjectToThresholding" => Some(&mut self.subject_to_thresholding),
            "samplingMetadatas" => Some(&mut self.sampling_metadatas),
            "dataTruncationReasons" => Some(&mut self.data_truncation_reasons),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for ResponseMetadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        message(deserializer)
    }
}

/// Which metrics are hidden from the account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SchemaRestrictionResponse {
    /// One item for each hidden metric.
    #[serde(skip_serializing_if = "is_default")]
    pub active_metric_restrictions: Vec<ActiveMetricRestriction>,
}

impl Message for SchemaRestrictionResponse {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "activeMetricRestrictions" => Some(&mut self.active_metric_restrictions),
            _ => None,
        }
    }
}

/// A metric that is hidden from the account: its cells come as zeros.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActiveMetricRestriction {
    /// The metric's API name.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_name: Option<String>,
    /// Why, by Google's names: `COST_DATA`, `REVENUE_DATA`.
    #[serde(skip_serializing_if = "is_default")]
    pub restricted_metric_types: Vec<EnumValue>,
}

impl Message for ActiveMetricRestriction {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "metricName" => Some(&mut self.metric_name),
            "restrictedMetricTypes" => Some(&mut self.restricted_metric_types),
            _ => None,
        }
    }
}

/// How much of the data of one date range was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SamplingMetadata {
    /// Events read.
    #[serde(skip_serializing_if = "is_default", serialize_with = "as_text")]
    pub samples_read_count: i64,
    /// Events that there are.
    #[serde(skip_serializing_if = "is_default", serialize_with = "as_text")]
    pub sampling_space_size: i64,
}

impl Message for SamplingMetadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "samplesReadCount" => Some(&mut self.samples_read_count),
            "samplingSpaceSize" => Some(&mut self.sampling_space_size),
            _ => None,
        }
    }
}

/// One reason why data may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataTruncationReason {
    /// Google's name for it, such as `DATA_TRUNCATION_TYPE_DATE_RANGE`.
    #[serde(skip_serializing_if = "is_default")]
    pub data_truncation_type: Option<EnumValue>,
    /// Google's explanation.
    #[serde(skip_serializing_if = "is_default")]
    pub data_truncation_message: Option<String>,
    /// The day from which on data is missing.
    #[serde(skip_serializing_if = "is_default")]
    pub data_truncation_date: Option<String>,
    /// The ranges of days in which data is missing.
    #[serde(skip_serializing_if = "is_default")]
    pub data_truncation_date_ranges: Vec<DataTruncationDateRange>,
}

impl Message for DataTruncationReason {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "dataTruncationType" => Some(&mut self.data_truncation_type),
            "dataTruncationMessage" => Some(&mut self.data_truncation_message),
            "dataTruncationDate" => Some(&mut self.data_truncation_date),
            "dataTruncationDateRanges" => Some(&mut self.data_truncation_date_ranges),
            _ => None,
        }
    }
}

/// A range of days in which data is missing, first and last included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DataTruncationDateRange {
    /// The first day.
    #[serde(skip_serializing_if = "is_default")]
    pub start_date: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "is_default")]
    pub end_date: Option<String>,
}

impl Message for DataTruncationDateRange {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "startDate" => Some(&mut self.start_date),
            "endDate" => Some(&mut self.end_date),
            _ => None,
        }
    }
}
