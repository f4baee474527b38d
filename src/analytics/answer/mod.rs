//! What Google sends beside the cells: columns, metadata, quota.

mod column;
mod metadata;
mod quota;

pub(super) use column::Header;
pub use column::{Column, ColumnKind, MetricType};
pub use metadata::{
    ActiveMetricRestriction, DataTruncationDateRange, DataTruncationReason, Metadata, SamplingMetadata,
    SchemaRestrictionResponse,
};
pub use quota::{PropertyQuota, QuotaStatus};
