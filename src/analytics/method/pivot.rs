//! `runPivotReport`: a report whose columns are values of dimensions too.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runPivotReport>

use crate::analytics::answer::{Column, PropertyQuota, ResponseMetadata};
use crate::analytics::client::Property;
use crate::analytics::ledger::Category;
use crate::analytics::report::{Expected, PivotBody, PivotHeader};
use crate::analytics::request::{
    Check, CohortSpec, Comparison, ComparisonPart, DateRange, Dimension, Extra, FilterExpression, Metric,
    MetricAggregation, OrderBy, range_names,
};
use crate::analytics::rows::Rows;
use crate::analytics::wire::{as_text, is_default, is_false, is_zero, some_as_text};
use crate::error::Error;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

impl Property {
    /// Runs a pivot report.
    ///
    /// ```no_run
    /// use shortway::analytics::{DateRange, Pivot, PivotRequest};
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let request = PivotRequest::new()
    ///     .dates(DateRange::last_days(30))
    ///     .dimensions(["country", "deviceCategory"])
    ///     .metrics(["sessions"])
    ///     .pivot(Pivot::new(["country"], 20))
    ///     .pivot(Pivot::new(["deviceCategory"], 3));
    /// for row in property.run_pivot_report(&request)?.rows::<(String, String, u64)>() {
    ///     println!("{:?}", row?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn run_pivot_report(&self, request: &PivotRequest) -> Result<PivotReport, Error> {
        request.check()?;
        let body = super::json("pivot request", request)?;
        let read = |body: &[u8]| PivotReport::from_json(body, request);
        let report = self.read("the pivot report", ":runPivotReport", Some(&body), read)?;
        self.saw_quota(Category::Core, report.property_quota());
        Ok(report)
    }
}

/// What a pivot report shall show. Every dimension must be in a pivot or in a filter, in one pivot at most.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PivotRequest {
    /// The dimensions that the pivots use.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<Dimension>,
    /// The figures, one at least.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Vec<Metric>,
    /// The days reported on. With several, a pivot may use the dimension `dateRange`.
    #[serde(skip_serializing_if = "is_default")]
    pub date_ranges: Vec<DateRange>,
    /// The groups of columns.
    #[serde(skip_serializing_if = "is_default")]
    pub pivots: Vec<Pivot>,
    /// Holds before rows are grouped; names requested dimensions only.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_filter: Option<FilterExpression>,
    /// Holds after rows are grouped; names requested metrics only.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_filter: Option<FilterExpression>,
    /// The currency of amounts, ISO 4217; by default the property's.
    #[serde(skip_serializing_if = "is_default")]
    pub currency_code: Option<String>,
    /// Which cohorts the report follows; there are no date ranges then.
    #[serde(skip_serializing_if = "is_default")]
    pub cohort_spec: Option<CohortSpec>,
    /// Keeps rows whose metrics are all zero.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_empty_rows: bool,
    /// Asks for what is left of the property's quota.
    #[serde(skip_serializing_if = "is_false")]
    pub return_property_quota: bool,
    /// Parts of the data beside each other; a column `comparison` is added to the rows.
    #[serde(skip_serializing_if = "is_default")]
    pub comparisons: Vec<Comparison>,
    /// Fields that this crate does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl PivotRequest {
    /// An empty request but for `return_property_quota`, as
    /// [`ReportRequest::new`](crate::analytics::ReportRequest::new). Use `default()` for one without it.
    #[must_use]
    pub fn new() -> Self {
        Self { return_property_quota: true, ..Self::default() }
    }

    /// Adds a range of days.
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

    /// Adds a pivot.
    #[must_use]
    pub fn pivot(mut self, pivot: Pivot) -> Self {
        self.pivots.push(pivot);
        self
    }

    /// Only what this filter lets through, before grouping; a second call narrows it further.
    #[must_use]
    pub fn dimension_filter(mut self, filter: FilterExpression) -> Self {
        self.dimension_filter = FilterExpression::narrowed(self.dimension_filter, filter);
        self
    }

    /// Only rows whose metrics this filter lets through; a second call narrows it further.
    #[must_use]
    pub fn metric_filter(mut self, filter: FilterExpression) -> Self {
        self.metric_filter = FilterExpression::narrowed(self.metric_filter, filter);
        self
    }

    /// The currency of amounts, ISO 4217; by default the property's.
    #[must_use]
    pub fn currency_code(mut self, code: impl Into<String>) -> Self {
        self.currency_code = Some(code.into());
        self
    }

    /// Follows cohorts instead of days.
    #[must_use]
    pub fn cohort_spec(mut self, cohorts: CohortSpec) -> Self {
        self.cohort_spec = Some(cohorts);
        self
    }

    /// Keeps rows whose metrics are all zero.
    #[must_use]
    pub fn keep_empty_rows(mut self, keep: bool) -> Self {
        self.keep_empty_rows = keep;
        self
    }

    /// Asks for what is left of the property's quota.
    #[must_use]
    pub fn return_property_quota(mut self, wanted: bool) -> Self {
        self.return_property_quota = wanted;
        self
    }

    /// Adds comparisons: the same report over parts of the data.
    #[must_use]
    pub fn comparisons(mut self, comparisons: impl IntoIterator<Item = Comparison>) -> Self {
        self.comparisons.extend(comparisons);
        self
    }

    /// Adds a field that this crate does not know, as
    /// [`ReportRequest::extra`](crate::analytics::ReportRequest::extra()).
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra.add(name, value);
        self
    }

    /// The JSON that will be sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the request would be refused before it is sent.
    pub fn effective(&self) -> Result<String, Error> {
        self.check()?;
        super::text("pivot request", self)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let check = Check { what: "pivot request", dimensions: &self.dimensions, metrics: &self.metrics };
        check.columns()?;
        check.ranges("date", &range_names(&self.date_ranges))?;
        check.filters(self.dimension_filter.as_ref(), self.metric_filter.as_ref())?;
        for comparison in &self.comparisons {
            if let ComparisonPart::DimensionFilter(filter) = &comparison.part {
                check.filters(Some(filter), None)?;
            }
        }
        check.extra(&self.extra, || Self { extra: Extra::default(), ..self.clone() })
    }
}

/// A group of columns: all values of some dimensions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pivot {
    /// The dimensions; `dateRange` too, with several date ranges.
    #[serde(skip_serializing_if = "is_default")]
    pub field_names: Vec<String>,
    /// The order of the values; the largest first metric first by default.
    #[serde(skip_serializing_if = "is_default")]
    pub order_bys: Vec<OrderBy>,
    /// How many values are skipped: 0 by default.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "as_text")]
    pub offset: u64,
    /// How many values at most; Google wants it. The product of the limits of all pivots is 250,000 at most.
    #[serde(skip_serializing_if = "is_default", serialize_with = "some_as_text")]
    pub limit: Option<u64>,
    /// Aggregations over the values of this pivot.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_aggregations: Vec<MetricAggregation>,
}

impl Pivot {
    /// The values of these dimensions, at most `limit` of them.
    pub fn new<S: Into<String>>(dimensions: impl IntoIterator<Item = S>, limit: u64) -> Self {
        let field_names = dimensions.into_iter().map(Into::into).collect();
        Self { field_names, limit: Some(limit), ..Self::default() }
    }

    /// Adds an order of the values, after those that are there.
    #[must_use]
    pub fn order_by(mut self, order: OrderBy) -> Self {
        self.order_bys.push(order);
        self
    }

    /// Skips so many values.
    #[must_use]
    pub fn offset(mut self, values: u64) -> Self {
        self.offset = values;
        self
    }

    /// Adds aggregations, each once however often it is named.
    #[must_use]
    pub fn metric_aggregations(mut self, aggregations: impl IntoIterator<Item = MetricAggregation>) -> Self {
        MetricAggregation::add(&mut self.metric_aggregations, aggregations);
        self
    }
}

/// A pivot report: one row for each combination of values that has data, as Google sends it.
#[derive(Clone)]
pub struct PivotReport(PivotBody);

impl PivotReport {
    /// Reads the body of a 200 answer to `request`, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is not a pivot report, contradicts itself,
    /// or has columns that were not requested: [`is_retryable`](Error::is_retryable) when it ends too soon.
    pub fn from_json(body: &[u8], request: &PivotRequest) -> Result<Self, Error> {
        let expected = Expected {
            kind: "analyticsData#runPivotReport",
            dimensions: &request.dimensions,
            metrics: &request.metrics,
            ranges: range_names(&request.date_ranges),
            comparisons: request.comparisons.len(),
            cohorts: request.cohort_spec.is_some(),
            aggregations: &[],
            offset: 0,
            limit: None,
        };
        PivotBody::read(body, &expected).map(Self)
    }

    /// The rows, each as a value of the caller's type: see [`Report::rows`](crate::analytics::Report::rows).
    pub fn rows<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.0.columns, &self.0.rows)
    }

    /// The aggregations of all pivots as rows: a dimension over which one goes is `RESERVED_TOTAL`,
    /// `RESERVED_MAX` or `RESERVED_MIN`.
    pub fn aggregates<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.0.columns, &self.0.aggregates)
    }

    /// The values that the pivots have as columns, one for each pivot in the order of the request.
    pub fn pivots(&self) -> impl Iterator<Item = PivotValues<'_>> {
        self.0.headers.iter().map(PivotValues)
    }

    /// The columns of the rows: dimensions, then metrics.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.0.columns
    }

    /// How many rows there are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.rows.rows()
    }

    /// Whether there is no row here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What Google says about the report as a whole.
    #[must_use]
    pub fn metadata(&self) -> &ResponseMetadata {
        &self.0.metadata
    }

    /// What is left of the property's quota, if it was requested.
    #[must_use]
    pub fn property_quota(&self) -> Option<&PropertyQuota> {
        self.0.property_quota.as_ref()
    }
}

impl Serialize for PivotReport {
    /// The JSON of Google's `RunPivotReportResponse`: the same message as was read.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl fmt::Debug for PivotReport {
    /// Columns and counts, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PivotReport")
            .field("columns", &self.0.columns)
            .field("len", &self.len())
            .field("pivots", &self.0.headers.len())
            .field("metadata", &self.0.metadata)
            .finish_non_exhaustive()
    }
}

/// The values that one pivot has as columns.
#[derive(Clone, Copy)]
pub struct PivotValues<'r>(&'r PivotHeader);

impl<'r> PivotValues<'r> {
    /// The values here: for each group of columns one value for each dimension of the pivot.
    pub fn values(self) -> impl Iterator<Item = Vec<&'r str>> {
        let groups = &self.0.groups;
        (0..groups.rows()).map(|row| groups.row(row).collect())
    }

    /// How many groups there are in all, those beyond the pivot's limit included.
    #[must_use]
    pub fn row_count(self) -> i64 {
        self.0.row_count
    }

    /// Whether the pivot's limit and offset cut nothing off.
    #[must_use]
    pub fn is_complete(self) -> bool {
        usize::try_from(self.0.row_count) == Ok(self.0.groups.rows())
    }
}

impl fmt::Debug for PivotValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PivotValues").field("row_count", &self.row_count()).finish_non_exhaustive()
    }
}
