//! The request of `runReport`, as Google's JSON has it.
//!
//! Fields that are empty are left out; 64-bit integers are strings on the wire.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runReport>

mod check;
mod cohort;
mod column;
mod comparison;
mod date;
mod extra;
mod filter;
mod number;
mod order;

pub(super) use check::Check;
pub use cohort::{Cohort, CohortReportSettings, CohortSpec, CohortsRange, Granularity};
pub use column::{Dimension, DimensionExpression, Metric};
pub use comparison::{Comparison, ComparisonPart};
pub use date::DateRange;
pub use extra::Extra;
pub use filter::{Filter, FilterExpression, FilterTest, MatchType};
pub use number::{NumericOperation, NumericValue};
pub use order::{OrderBy, OrderField, OrderType, PivotSelection};

use super::wire::{as_text, is_false, is_zero, some_as_text};
use crate::error::{Error, ErrorKind};
use serde::Serialize;

/// What a report shall show: which metrics, by which dimensions, over which days, in what order.
///
/// Every field is public; the methods are shorter ways to fill them. Names of dimensions and metrics:
/// <https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema>.
///
/// ```
/// use shortway::analytics::{DateRange, OrderBy, ReportRequest};
///
/// let request = ReportRequest::new()
///     .dates(DateRange::last_days(30))
///     .dimensions(["pagePath"])
///     .metrics(["screenPageViews"])
///     .order_by(OrderBy::metric("screenPageViews").desc());
/// assert_eq!(
///     serde_json::to_value(&request).unwrap(),
///     serde_json::json!({
///         "dateRanges": [{"startDate": "30daysAgo", "endDate": "yesterday"}],
///         "dimensions": [{"name": "pagePath"}],
///         "metrics": [{"name": "screenPageViews"}],
///         "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": true}],
///         "metricAggregations": ["TOTAL"],
///         "returnPropertyQuota": true,
///     })
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReportRequest {
    /// Columns to group by, at most 9.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// Columns of figures, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Metric>,
    /// The days reported on: one to four ranges. With two or more, a column `dateRange` is added to the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub date_ranges: Vec<DateRange>,
    /// Holds before rows are grouped; may name dimensions that are not requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension_filter: Option<FilterExpression>,
    /// Holds after rows are grouped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric_filter: Option<FilterExpression>,
    /// How many rows are skipped: 0 by default.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "as_text")]
    pub offset: u64,
    /// How many rows at most. Google's default, for 0 too, is 10,000; more than 250,000 are cut to that
    /// without a word.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "some_as_text")]
    pub limit: Option<u64>,
    /// Sums over all rows, and the like, beside the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metric_aggregations: Vec<MetricAggregation>,
    /// The order of the rows. Without one Google promises none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order_bys: Vec<OrderBy>,
    /// The currency of amounts, ISO 4217; by default the property's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency_code: Option<String>,
    /// Keeps rows whose metrics are all zero. It does not add days without data.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_empty_rows: bool,
    /// Asks for what is left of the property's quota: see
    /// [`Report::property_quota`](super::Report::property_quota).
    #[serde(skip_serializing_if = "is_false")]
    pub return_property_quota: bool,
    /// Which cohorts the report follows; there are no date ranges then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cohort_spec: Option<CohortSpec>,
    /// Parts of the data beside each other; a column `comparison` is added to the rows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// Fields that this crate does not know: see [`extra`](Self::extra()).
    #[serde(flatten)]
    pub extra: Extra,
}

impl ReportRequest {
    /// An empty request but for two things, which cost nothing: it requests the TOTAL aggregation, which
    /// makes [`Report::total`](super::Report::total) right where a sum over rows would be wrong (users,
    /// averages), and what is left of the property's quota
    /// ([`Property::last_quota`](super::Property::last_quota)). Use `default()` for a request without them.
    #[must_use]
    pub fn new() -> Self {
        Self {
            metric_aggregations: vec![MetricAggregation::Total],
            return_property_quota: true,
            ..Self::default()
        }
    }

    /// Adds a range of days; the first is the only one unless this is called again.
    #[must_use]
    pub fn dates(mut self, range: DateRange) -> Self {
        self.date_ranges.push(range);
        self
    }

    /// Adds dimensions, by API name.
    #[must_use]
    pub fn dimensions<D: Into<Dimension>>(mut self, dimensions: impl IntoIterator<Item = D>) -> Self {
        self.dimensions.extend(dimensions.into_iter().map(Into::into));
        self
    }

    /// Adds metrics, by API name.
    #[must_use]
    pub fn metrics<M: Into<Metric>>(mut self, metrics: impl IntoIterator<Item = M>) -> Self {
        self.metrics.extend(metrics.into_iter().map(Into::into));
        self
    }

    /// Adds an order, after those that are there.
    #[must_use]
    pub fn order_by(mut self, order: OrderBy) -> Self {
        self.order_bys.push(order);
        self
    }

    /// Only what this filter lets through, before grouping; a second call narrows it further.
    #[must_use]
    pub fn dimension_filter(mut self, filter: FilterExpression) -> Self {
        self.dimension_filter = FilterExpression::narrowed(self.dimension_filter, filter);
        self
    }

    /// Only rows whose metrics this filter lets through, after grouping; a second call narrows it further.
    #[must_use]
    pub fn metric_filter(mut self, filter: FilterExpression) -> Self {
        self.metric_filter = FilterExpression::narrowed(self.metric_filter, filter);
        self
    }

    /// Adds aggregations over all rows, each once however often it is named; TOTAL is there from
    /// [`new`](Self::new) on.
    #[must_use]
    pub fn metric_aggregations(mut self, aggregations: impl IntoIterator<Item = MetricAggregation>) -> Self {
        MetricAggregation::add(&mut self.metric_aggregations, aggregations);
        self
    }

    /// At most so many rows; 0 is Google's default, 10,000.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Skips so many rows.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = rows;
        self
    }

    /// The currency of amounts, ISO 4217; by default the property's.
    #[must_use]
    pub fn currency_code(mut self, code: impl Into<String>) -> Self {
        self.currency_code = Some(code.into());
        self
    }

    /// Keeps rows whose metrics are all zero. It does not add days without data.
    #[must_use]
    pub fn keep_empty_rows(mut self, keep: bool) -> Self {
        self.keep_empty_rows = keep;
        self
    }

    /// Whether to ask for what is left of the property's quota, which [`new`](Self::new) does: see
    /// [`Report::property_quota`](super::Report::property_quota).
    #[must_use]
    pub fn return_property_quota(mut self, wanted: bool) -> Self {
        self.return_property_quota = wanted;
        self
    }

    /// Follows cohorts instead of days.
    #[must_use]
    pub fn cohort_spec(mut self, cohorts: CohortSpec) -> Self {
        self.cohort_spec = Some(cohorts);
        self
    }

    /// Adds comparisons: the same report over parts of the data.
    #[must_use]
    pub fn comparisons(mut self, comparisons: impl IntoIterator<Item = Comparison>) -> Self {
        self.comparisons.extend(comparisons);
        self
    }

    /// Adds a field that this crate does not know, by Google's name for it, with a value that serializes to
    /// its JSON. A null in it, and a field that is set already, are refused before the request is sent.
    ///
    /// ```
    /// use shortway::analytics::ReportRequest;
    ///
    /// let value = serde_json::json!({"attributionModel": "LAST_CLICK"});
    /// let request = ReportRequest::default().extra("conversionSpec", value);
    /// assert_eq!(request.effective()?, r#"{"conversionSpec":{"attributionModel":"LAST_CLICK"}}"#);
    /// # Ok::<(), shortway::Error>(())
    /// ```
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra.add(name, value);
        self
    }

    /// The JSON that will be sent: what [`new`](Self::new) adds is in it.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the request would be refused before it is sent.
    pub fn effective(&self) -> Result<String, Error> {
        self.check()?;
        serde_json::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Other, "cannot write the report request").with_source(e))
    }

    /// What Google calls the date ranges, in their order.
    pub(super) fn range_names(&self) -> Vec<String> {
        range_names(&self.date_ranges)
    }

    /// Refuses what no report could come of: two columns or two date ranges of one name, filters and extra
    /// fields that cannot be sent. Everything else is Google's to judge.
    pub(super) fn check(&self) -> Result<(), Error> {
        let check = Check { what: "report request", dimensions: &self.dimensions, metrics: &self.metrics };
        check.columns()?;
        check.ranges("date", &self.range_names())?;
        check.filters(self.dimension_filter.as_ref(), self.metric_filter.as_ref())?;
        for comparison in &self.comparisons {
            if let ComparisonPart::DimensionFilter(filter) = &comparison.part {
                check.filters(Some(filter), None)?;
            }
        }
        check.extra(&self.extra, || Self { extra: Extra::default(), ..self.clone() })
    }
}

/// What Google calls these date ranges.
pub(super) fn range_names(ranges: &[DateRange]) -> Vec<String> {
    let ranges = ranges.iter().enumerate();
    ranges.map(|(i, range)| range.name.clone().unwrap_or_else(|| format!("date_range_{i}"))).collect()
}

/// What is computed over all rows, beside the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum MetricAggregation {
    /// The metric over the whole report, each user counted once.
    Total,
    /// The smallest value of a row.
    Minimum,
    /// The largest value of a row.
    Maximum,
    /// How many rows there are. The API has the name, and `runReport` refuses it.
    Count,
}

impl MetricAggregation {
    /// Adds aggregations to a list, each once.
    pub(super) fn add(list: &mut Vec<Self>, aggregations: impl IntoIterator<Item = Self>) {
        for aggregation in aggregations {
            if !list.contains(&aggregation) {
                list.push(aggregation);
            }
        }
    }
}
