//! What an answer is held against: the request, as far as a report needs it.

use crate::analytics::request::{Dimension, Metric, MetricAggregation, ReportRequest};

/// What a request for a report of any kind requested.
pub(in crate::analytics) struct Expected<'r> {
    /// `kind` of the answers of the method.
    pub(in crate::analytics) kind: &'static str,
    pub(in crate::analytics) dimensions: &'r [Dimension],
    pub(in crate::analytics) metrics: &'r [Metric],
    /// The names of the ranges of days or minutes, in their order.
    pub(in crate::analytics) ranges: Vec<String>,
    /// How many parts of the data are compared.
    pub(in crate::analytics) comparisons: usize,
    /// Whether cohorts are followed.
    pub(in crate::analytics) cohorts: bool,
    pub(in crate::analytics) aggregations: &'r [MetricAggregation],
    pub(in crate::analytics) offset: u64,
    pub(in crate::analytics) limit: Option<u64>,
}

/// The column that Google adds where parts of the data are compared.
pub(super) const COMPARISON: &str = "comparison";

impl<'r> Expected<'r> {
    pub(in crate::analytics) fn of(request: &'r ReportRequest) -> Self {
        Self {
            kind: "analyticsData#runReport",
            dimensions: &request.dimensions,
            metrics: &request.metrics,
            ranges: request.range_names(),
            comparisons: request.comparisons.len(),
            cohorts: request.cohort_spec.is_some(),
            aggregations: &request.metric_aggregations,
            offset: request.offset,
            limit: request.limit,
        }
    }

    /// Whether Google may add a dimension of this name, beside `dateRange`.
    pub(super) fn adds(&self, name: &str) -> bool {
        self.comparisons > 0 && name == COMPARISON || self.cohorts && name.starts_with("cohort")
    }
}
