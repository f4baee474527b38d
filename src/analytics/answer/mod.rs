//! What Google sends beside the cells: columns, metadata, quota.

mod column;
mod metadata;
mod quota;

pub use column::{Column, ColumnKind, MetricType};
pub use metadata::{DataTruncationReason, Metadata, SamplingMetadata};
pub use quota::{PropertyQuota, QuotaStatus};
