//! `runRealtimeReport`: what happened in the last half an hour.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/runRealtimeReport>

use crate::analytics::client::Property;
use crate::analytics::ledger::Category;
use crate::analytics::report::{Expected, Report};
use crate::analytics::request::{
    Check, Dimension, Extra, FilterExpression, Metric, MetricAggregation, OrderBy,
};
use crate::analytics::wire::{is_default, is_false, some_as_text};
use crate::error::{Error, ErrorKind};
use serde::Serialize;

impl Property {
    /// Reports events of the last 30 minutes, or 60 for a 360 property. The report has no metadata, and it
    /// cannot be paged: at most `limit` rows, 10,000 by default ([`Report::is_complete`] tells).
    ///
    /// ```no_run
    /// use shortway::analytics::RealtimeRequest;
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let request = RealtimeRequest::new().dimensions(["country"]).metrics(["activeUsers"]);
    /// for row in property.run_realtime_report(&request)?.rows::<(String, u64)>() {
    ///     println!("{:?}", row?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn run_realtime_report(&self, request: &RealtimeRequest) -> Result<Report, Error> {
        request.check()?;
        let body = super::json("realtime request", request)?;
        let read = |body: &[u8]| request.report_from_json(body);
        let report = self.read("the realtime report", ":runRealtimeReport", Some(&body), read)?;
        self.saw_quota(Category::Realtime, report.property_quota());
        Ok(report)
    }
}

/// What a realtime report shall show. Names of dimensions and metrics:
/// <https://developers.google.com/analytics/devguides/reporting/data/v1/realtime-api-schema>.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RealtimeRequest {
    /// Columns to group by.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<Dimension>,
    /// Columns of figures.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Vec<Metric>,
    /// The minutes reported on: one range or two; the last 30 by default. With two, a column `dateRange` is
    /// added to the rows.
    #[serde(skip_serializing_if = "is_default")]
    pub minute_ranges: Vec<MinuteRange>,
    /// Holds before rows are grouped.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_filter: Option<FilterExpression>,
    /// Holds after rows are grouped.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_filter: Option<FilterExpression>,
    /// How many rows at most: 10,000 by default, 250,000 at most.
    #[serde(skip_serializing_if = "is_default", serialize_with = "some_as_text")]
    pub limit: Option<u64>,
    /// Sums over all rows, and the like, beside the rows.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_aggregations: Vec<MetricAggregation>,
    /// The order of the rows.
    #[serde(skip_serializing_if = "is_default")]
    pub order_bys: Vec<OrderBy>,
    /// Asks for what is left of the property's realtime quota.
    #[serde(skip_serializing_if = "is_false")]
    pub return_property_quota: bool,
    /// Fields that this crate does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl RealtimeRequest {
    /// An empty request but for what [`ReportRequest::new`](crate::analytics::ReportRequest::new) adds too.
    /// Use `default()` for a request without it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            metric_aggregations: vec![MetricAggregation::Total],
            return_property_quota: true,
            ..Self::default()
        }
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

    /// Adds a range of minutes.
    #[must_use]
    pub fn minutes(mut self, range: MinuteRange) -> Self {
        self.minute_ranges.push(range);
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

    /// Adds an order, after those that are there.
    #[must_use]
    pub fn order_by(mut self, order: OrderBy) -> Self {
        self.order_bys.push(order);
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Adds aggregations over all rows, each once however often it is named.
    #[must_use]
    pub fn metric_aggregations(mut self, aggregations: impl IntoIterator<Item = MetricAggregation>) -> Self {
        MetricAggregation::add(&mut self.metric_aggregations, aggregations);
        self
    }

    /// Asks for what is left of the property's realtime quota.
    #[must_use]
    pub fn return_property_quota(mut self, wanted: bool) -> Self {
        self.return_property_quota = wanted;
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
    /// [`ErrorKind::Config`] when the request would be refused before it is sent.
    pub fn effective(&self) -> Result<String, Error> {
        self.check()?;
        super::text("realtime request", self)
    }

    /// Reads the body of a 200 answer to this request, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// As [`Report::from_json`].
    pub fn report_from_json(&self, body: &[u8]) -> Result<Report, Error> {
        let expected = Expected {
            kind: "analyticsData#runRealtimeReport",
            dimensions: &self.dimensions,
            metrics: &self.metrics,
            ranges: self.range_names(),
            comparisons: 0,
            cohorts: false,
            aggregations: &self.metric_aggregations,
            offset: 0,
            limit: self.limit,
        };
        Report::read(body, &expected)
    }

    fn range_names(&self) -> Vec<String> {
        let ranges = self.minute_ranges.iter().enumerate();
        ranges.map(|(i, range)| range.name.clone().unwrap_or_else(|| format!("date_range_{i}"))).collect()
    }

    fn check(&self) -> Result<(), Error> {
        let check = Check { what: "realtime request", dimensions: &self.dimensions, metrics: &self.metrics };
        check.columns()?;
        check.ranges("minute", &self.range_names())?;
        check.filters(self.dimension_filter.as_ref(), self.metric_filter.as_ref())?;
        if let Some(range) = self.minute_ranges.iter().find(|range| range.is_backwards()) {
            let (start, end) = (range.start_minutes_ago.unwrap_or(29), range.end_minutes_ago.unwrap_or(0));
            let message = format!("a minute range begins {start} minutes ago and ends {end} minutes ago");
            return Err(Error::new(ErrorKind::Config, message).with_hint("give the earlier minute first"));
        }
        check.extra(&self.extra, || Self { extra: Extra::default(), ..self.clone() })
    }
}

/// A range of minutes before now, first and last included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MinuteRange {
    /// The first minute, so many ago: 29 by default, which is the most (59 for a 360 property).
    #[serde(skip_serializing_if = "is_default")]
    pub start_minutes_ago: Option<u32>,
    /// The last minute, so many ago: 0 by default.
    #[serde(skip_serializing_if = "is_default")]
    pub end_minutes_ago: Option<u32>,
    /// What the range is called in the column `dateRange`; `date_range_0`, `date_range_1` by default.
    #[serde(skip_serializing_if = "is_default")]
    pub name: Option<String>,
}

impl MinuteRange {
    /// From the minute that began `start` minutes ago to the one that began `end` minutes ago; 0 is the
    /// current one.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self { start_minutes_ago: Some(start), end_minutes_ago: Some(end), name: None }
    }

    /// The last so many minutes, the current one included; one at least.
    #[must_use]
    pub fn last(minutes: u32) -> Self {
        Self::new(minutes.saturating_sub(1), 0)
    }

    /// Gives the range a name for the column `dateRange`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    fn is_backwards(&self) -> bool {
        self.start_minutes_ago.unwrap_or(29) < self.end_minutes_ago.unwrap_or(0)
    }
}
