//! The answer of `runReport`: rows, totals, and what Google says about them.
//!
//! In: the body, as bytes. Out: a [`Report`] that has been checked against its own headers. Unknown keys are
//! ignored, nothing known is lost.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/RunReportResponse>

use super::answer::{Column, ColumnKind, Metadata, MetricType, PropertyQuota};
use super::request::MetricAggregation;
use super::rows::{self, Rows};
use super::table::Table;
use crate::error::{Error, ErrorKind, scrub};
use serde::Deserialize;
use serde_json::error::Category;
use std::fmt;

/// A report: rows by the columns asked for, totals beside them.
///
/// Nothing is converted before it is asked for: cells are kept as the text that Google sent.
pub struct Report {
    columns: Vec<Column>,
    rows: Table,
    totals: Table,
    maximums: Table,
    minimums: Table,
    row_count: u64,
    metadata: Metadata,
    property_quota: Option<PropertyQuota>,
    /// The names of the ranges requested, in their order.
    date_ranges: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "a report")]
struct Body {
    dimension_headers: Vec<DimensionHeader>,
    metric_headers: Vec<MetricHeader>,
    rows: Table,
    totals: Table,
    maximums: Table,
    minimums: Table,
    row_count: Option<i64>,
    metadata: Option<Metadata>,
    property_quota: Option<PropertyQuota>,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct DimensionHeader {
    name: String,
}

#[derive(Deserialize)]
struct MetricHeader {
    name: String,
    r#type: Option<MetricType>,
}

const KIND: &str = "analyticsData#runReport";

/// Reads the body of a 200 answer to a request for these date ranges.
pub(super) fn parse(body: &[u8], date_ranges: Vec<String>) -> Result<Report, Error> {
    // serde would take an array for a struct without names.
    let is_array = body.trim_ascii_start().starts_with(b"[");
    let body: Body = match is_array {
        true => Body::default(),
        false => serde_json::from_slice(body).map_err(|e| not_a_report(&e))?,
    };
    // Google leaves out what is empty, but never all of these.
    if body.kind.is_none()
        && body.metadata.is_none()
        && body.row_count.is_none()
        && body.dimension_headers.is_empty()
        && body.metric_headers.is_empty()
    {
        return Err(schema("it has nothing of a report in it"));
    }
    if body.kind.as_deref().is_some_and(|kind| kind != KIND) {
        return Err(schema("it is the answer of another method"));
    }
    let dimensions = body.dimension_headers.len();
    let metrics = body.metric_headers.len();
    for table in [&body.rows, &body.totals, &body.maximums, &body.minimums] {
        if table.shape().is_some_and(|shape| shape != (dimensions, metrics)) {
            return Err(schema("its rows and its headers have different numbers of columns"));
        }
    }
    let columns: Vec<Column> = body
        .dimension_headers
        .into_iter()
        .map(|h| Column { name: h.name, kind: ColumnKind::Dimension })
        .chain(body.metric_headers.into_iter().map(|h| Column {
            name: h.name,
            kind: ColumnKind::Metric(h.r#type.unwrap_or(MetricType::Other(String::new()))),
        }))
        .collect();
    if let Some(twice) =
        columns.iter().enumerate().find(|(i, c)| columns[..*i].iter().any(|d| d.name == c.name))
    {
        return Err(schema(&format!("it has two columns named `{}`", twice.1.name)));
    }
    let row_count =
        u64::try_from(body.row_count.unwrap_or(0)).map_err(|_| schema("its row count is negative"))?;
    if row_count < body.rows.rows() as u64 {
        return Err(schema("it has more rows than its own row count says"));
    }
    Ok(Report {
        columns,
        rows: body.rows,
        totals: body.totals,
        maximums: body.maximums,
        minimums: body.minimums,
        row_count,
        metadata: body.metadata.unwrap_or_default(),
        property_quota: body.property_quota,
        date_ranges,
    })
}

fn schema(what: &str) -> Error {
    Error::new(ErrorKind::Schema, format!("the answer of Analytics is no report: {what}"))
}

/// serde's message, which names the place and may quote a piece of the answer; a body that ends too soon may be whole the next time.
fn not_a_report(error: &serde_json::Error) -> Error {
    match error.classify() {
        Category::Eof => schema("it ends in the middle").with_retryable(true),
        Category::Data => schema(&scrub(&error.to_string())),
        _ => schema(&format!("it is not JSON (line {}, column {})", error.line(), error.column())),
    }
}

impl Report {
    /// The rows, each as a value of the caller's type.
    ///
    /// `T` is read by serde. A struct takes its fields from the columns of the same name (`#[serde(rename = "…")]`
    /// where they differ), a map takes all columns, a tuple, an array or a `Vec` takes them in order. What a cell
    /// becomes is up to the type:
    ///
    /// | Type | Cell |
    /// |---|---|
    /// | `String`, `&str` | as it is, `(not set)` and `(other)` included |
    /// | integers, floats | a number of that range, else an error |
    /// | `time::Date` | `YYYYMMDD`, as in the dimension `date` |
    /// | `time::PrimitiveDateTime` | `YYYYMMDDHH` (`dateHour`) or `YYYYMMDDHHMM` (`dateHourMinute`), in the property's time zone; so it is no `OffsetDateTime` |
    /// | `Option` of a number or a date | `None` for `(not set)`, `(other)`, `(data not available)` and an empty cell |
    ///
    /// As everywhere in serde, a field of type `Option` whose column is not in the report is `None`. Do not put numbers
    /// or dates behind `#[serde(flatten)]`: serde does not say there what type it wants, so each cell comes as text, and
    /// the error is serde's `invalid type: string "7", expected u64`.
    ///
    /// # Errors
    /// Each item may be an [`ErrorKind::Row`] that names row and column; later rows can still be read.
    pub fn rows<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.columns, &self.rows)
    }

    /// The metric over all rows of the report, also those that [`limit`](super::ReportRequest::limit()) left out, each
    /// user counted once: Google computes it. `T` is a number, or an `Option` of one for a report that may be empty.
    ///
    /// ```
    /// # fn see(report: &shortway::analytics::Report) -> Result<(), shortway::Error> {
    /// let views = report.total::<u64>("screenPageViews")?;
    /// let or_none: Option<f64> = report.total("userEngagementDuration")?;
    /// # let _ = (views, or_none);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the metric or the TOTAL aggregation was not requested, when the report is empty and `T`
    /// no `Option`, when the figure does not fit `T`, and always when several date ranges were requested: see
    /// [`total_in`](Self::total_in).
    pub fn total<'r, T: Deserialize<'r>>(&'r self, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Total, None, metric)
    }

    /// The same for one of the [date ranges](Self::date_ranges), by its name (`date_range_0` and so on by default). A
    /// range without rows is as an empty report: `None` for an `Option`, else an error.
    ///
    /// # Errors
    /// As [`total`](Self::total), and [`ErrorKind::Row`] when there is no range of that name.
    pub fn total_in<'r, T: Deserialize<'r>>(&'r self, range: &str, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Total, Some(range), metric)
    }

    /// The largest value of the metric in any row, if the MAXIMUM aggregation was requested
    /// ([`ReportRequest::aggregate`](super::ReportRequest::aggregate)).
    ///
    /// # Errors
    /// As [`total`](Self::total).
    pub fn maximum<'r, T: Deserialize<'r>>(&'r self, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Maximum, None, metric)
    }

    /// The same for one of the date ranges, as [`total_in`](Self::total_in).
    ///
    /// # Errors
    /// As [`total_in`](Self::total_in).
    pub fn maximum_in<'r, T: Deserialize<'r>>(&'r self, range: &str, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Maximum, Some(range), metric)
    }

    /// The smallest value of the metric in any row, if the MINIMUM aggregation was requested
    /// ([`ReportRequest::aggregate`](super::ReportRequest::aggregate)).
    ///
    /// # Errors
    /// As [`total`](Self::total).
    pub fn minimum<'r, T: Deserialize<'r>>(&'r self, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Minimum, None, metric)
    }

    /// The same for one of the date ranges, as [`total_in`](Self::total_in).
    ///
    /// # Errors
    /// As [`total_in`](Self::total_in).
    pub fn minimum_in<'r, T: Deserialize<'r>>(&'r self, range: &str, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Minimum, Some(range), metric)
    }

    fn aggregate<'r, T: Deserialize<'r>>(
        &'r self,
        aggregation: MetricAggregation,
        range: Option<&str>,
        metric: &str,
    ) -> Result<T, Error> {
        let (what, table) = match aggregation {
            MetricAggregation::Total => ("total", &self.totals),
            MetricAggregation::Maximum => ("maximum", &self.maximums),
            MetricAggregation::Minimum => ("minimum", &self.minimums),
        };
        let fail = |reason: &str, hint: &str| {
            Err(Error::new(ErrorKind::Row, format!("no {what} of `{metric}`: {reason}"))
                .with_hint(hint)
                .with_cell(None, Some(metric)))
        };
        let is_metric = |c: &Column| c.name == metric && matches!(c.kind, ColumnKind::Metric(_));
        let Some(column) = self.columns.iter().position(is_metric) else {
            return fail("it is no metric of this report", "add it to the request with metrics([…])");
        };
        let names = self.date_ranges.join(", ");
        // Google adds this column when several ranges are requested, and then one row of figures for each range that
        // has rows.
        let ranges = self.columns.iter().position(|c| c.name == "dateRange");
        let row = match (range, ranges) {
            (None, Some(_)) => {
                let hint = format!("name one with {what}_in(range, metric): {names}");
                return fail("the report has several date ranges", &hint);
            }
            (Some(range), _) if !self.date_ranges.iter().any(|name| name == range) => {
                let hint = match names.as_str() {
                    "" => "the request names none".to_owned(),
                    names => format!("those requested are called {names}"),
                };
                return fail(&format!("the report has no date range `{range}`"), &hint);
            }
            (Some(range), Some(c)) => (0..table.rows()).find(|row| table.cell(*row, c) == Some(range)),
            (_, None) if table.rows() > 1 => {
                let hint = "look at columns() for what Google added to the report";
                return fail("Google sent several, and no date range to tell them apart", hint);
            }
            (_, None) => (table.rows() > 0).then_some(0),
        };
        let Some(row) = row else {
            if table.rows() == 0 && self.row_count > 0 {
                let hint =
                    format!("add it to the request with aggregate(MetricAggregation::{aggregation:?})");
                return fail("the request did not ask for it", &hint);
            }
            let empty = match (range, ranges) {
                (Some(range), Some(_)) => format!("the date range `{range}`"),
                _ => "the report".to_owned(),
            };
            return rows::absent().or_else(|_: Error| {
                fail(&format!("{empty} is empty"), "ask for an Option to get None where there are no rows")
            });
        };
        rows::cell(&self.columns, table, row, column).map_err(|e| e.with_cell(None, Some(metric)))
    }

    /// What the requested date ranges are called, in their order: `date_range_0` and so on, unless
    /// [named](super::DateRange::named).
    #[must_use]
    pub fn date_ranges(&self) -> &[String] {
        &self.date_ranges
    }

    /// The columns, in the order of the cells: dimensions, then metrics.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.rows()
    }

    /// Whether there is no row here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows the whole report has, those that `limit` and `offset` left out included.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.row_count
    }

    /// Whether all rows of the report are here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.row_count == self.len() as u64
    }

    /// What Google says about the report as a whole: time zone, currency, sampling, data loss.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What is left of the property's quota, if the request asked for it.
    #[must_use]
    pub fn property_quota(&self) -> Option<&PropertyQuota> {
        self.property_quota.as_ref()
    }
}

impl fmt::Debug for Report {
    /// Columns and counts, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("columns", &self.columns)
            .field("len", &self.len())
            .field("row_count", &self.row_count)
            .field("metadata", &self.metadata)
            .field("property_quota", &self.property_quota)
            .finish_non_exhaustive()
    }
}
