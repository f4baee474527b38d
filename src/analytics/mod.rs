//! A thin typed client of the Google Analytics Data API (GA4), v1beta.
//!
//! Feature `analytics` (on by default). Requests are plain structs that serialize to exactly Google's JSON; a
//! report gives its rows as the caller's own structs. What this module adds to a request on its own is one
//! thing, and [`ReportRequest::new`] shows it before anything is sent: the TOTAL aggregation. Reference:
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest>.
//!
//! | You have | You need |
//! |---|---|
//! | a source of tokens | [`Analytics::new`], then [`Analytics::property`] |
//! | a property id as text | [`PropertyId`], by `parse` |
//! | a question | [`ReportRequest`] with [`DateRange`], [`OrderBy`], [`FilterExpression`] |
//! | a [`Report`] | [`Report::rows`], [`Report::row`], [`Report::total`], [`Report::metadata`] |

mod answer;
mod call;
mod client;
mod property;
mod refusal;
mod report;
mod request;
mod rows;
mod table;
mod wire;

pub use answer::{
    ActiveMetricRestriction, Column, ColumnKind, DataTruncationDateRange, DataTruncationReason, Metadata,
    MetricType, PropertyQuota, QuotaStatus, SamplingMetadata, SchemaRestrictionResponse,
};
pub use client::{Analytics, Property};
pub use property::PropertyId;
pub use report::Report;
pub use request::{
    DateRange, Dimension, Filter, FilterExpression, FilterTest, MatchType, Metric, MetricAggregation,
    NumericOperation, NumericValue, OrderBy, OrderField, OrderType, ReportRequest,
};
pub use rows::{InRow, Row, Rows};
