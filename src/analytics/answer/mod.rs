//! What Google sends beside the cells: columns, metadata, quota.

mod column;
mod enum_value;
mod metadata;
mod quota;

pub(super) use column::Header;
pub use column::{Column, ColumnKind, MetricType};
pub use enum_value::EnumValue;
pub use metadata::{
    ActiveMetricRestriction, DataTruncationDateRange, DataTruncationReason, ResponseMetadata,
    SamplingMetadata, SchemaRestrictionResponse,
};
pub use quota::{PropertyQuota, QuotaStatus};
