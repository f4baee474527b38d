//! What Google says about a report as a whole: where data may be missing, and why. Most of it is absent from most answers.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/ResponseMetaData>

use crate::analytics::wire::int64;
use serde::{Deserialize, Deserializer};

/// What Google says about a report as a whole.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Metadata {
    /// The currency of amounts, ISO 4217.
    pub currency_code: Option<String>,
    /// The property's time zone, an IANA name: the days of the report are days there.
    pub time_zone: Option<String>,
    /// Why the report is empty, if it is and Google says why.
    pub empty_reason: Option<String>,
    /// Some rows were rolled into a row `(other)` because there were too many.
    pub data_loss_from_other_row: bool,
    /// Small figures may have been withheld so that nobody can be recognized.
    pub subject_to_thresholding: Option<bool>,
    /// How much of the data was read for each date range; empty when all of it was.
    pub sampling_metadatas: Vec<SamplingMetadata>,
    /// Why some of the data may be missing.
    pub data_truncation_reasons: Vec<DataTruncationReason>,
    /// Metrics that the account may not see: they come as zeros.
    #[serde(rename = "schemaRestrictionResponse", deserialize_with = "restricted_names")]
    pub restricted_metrics: Vec<String>,
}

/// How much of the data of one date range was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SamplingMetadata {
    /// Events read.
    #[serde(deserialize_with = "int64")]
    pub samples_read_count: i64,
    /// Events that there are.
    #[serde(deserialize_with = "int64")]
    pub sampling_space_size: i64,
}

/// One reason why data may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct DataTruncationReason {
    /// Google's name for it, such as `DATA_TRUNCATION_TYPE_DATE_RANGE`.
    #[serde(rename = "dataTruncationType")]
    pub kind: Option<String>,
    /// Google's explanation.
    #[serde(rename = "dataTruncationMessage")]
    pub message: Option<String>,
    /// The day from which on data is missing.
    #[serde(rename = "dataTruncationDate")]
    pub date: Option<String>,
}

fn restricted_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct SchemaRestriction {
        active_metric_restrictions: Vec<ActiveMetricRestriction>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ActiveMetricRestriction {
        metric_name: Option<String>,
    }
    let restriction = Option::<SchemaRestriction>::deserialize(deserializer)?.unwrap_or_default();
    Ok(restriction.active_metric_restrictions.into_iter().filter_map(|r| r.metric_name).collect())
}
