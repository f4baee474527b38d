//! The methods of the Data API: one file each, with its request and its answer.

mod audience;
mod audience_export;
mod audience_rows;
mod batch;
mod compatibility;
mod metadata;
mod pivot;
mod quotas;
mod realtime;
mod run_report;

pub use audience_export::{AudienceDimension, AudienceExport, AudienceExportState, AudienceExports};
pub use audience_rows::{AudienceQuery, AudienceRows};
pub use compatibility::{
    Compatibility, CompatibilityReport, CompatibilityRequest, DimensionCompatibility, MetricCompatibility,
};
pub use metadata::{ComparisonMetadata, DimensionMetadata, Metadata, MetricMetadata};
pub use pivot::{Pivot, PivotReport, PivotRequest, PivotValues};
pub use quotas::QuotasSnapshot;
pub use realtime::{MinuteRange, RealtimeRequest};

use crate::error::{Error, ErrorKind};
use serde::Serialize;

/// The JSON of a request.
fn json(what: &str, request: &impl Serialize) -> Result<Vec<u8>, Error> {
    text(what, request).map(String::into_bytes)
}

fn text(what: &str, request: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(request)
        .map_err(|e| Error::new(ErrorKind::Other, format!("cannot write the {what}")).with_source(e))
}
