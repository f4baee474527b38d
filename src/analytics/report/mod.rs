//! The answer of `runReport`: rows, totals, and what Google says about them.
//!
//! In: the body, as bytes. Out: a [`Report`] that has been checked against its own headers. Unknown keys are
//! ignored, nothing known is lost.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/RunReportResponse>

mod aggregates;
mod audience;
mod body;
mod days;
mod expected;
mod keys;
mod no_figure;
mod pivot;
mod pivot_headers;
mod quality;
mod write;

use super::answer::{Column, PropertyQuota, ResponseMetadata};
use super::request::{MetricAggregation, ReportRequest};
use super::rows::{Row, Rows};
use super::table::Table;
use crate::error::Error;
pub(super) use audience::AudienceBody;
pub(super) use body::DATE_RANGE;
use body::{Body, schema};
use expected::COMPARISON;
pub(super) use expected::Expected;
pub(super) use pivot::PivotBody;
pub(super) use pivot_headers::PivotHeader;
pub use quality::{Doubt, Quality};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// A report: rows by the columns requested, totals beside them.
///
/// Nothing is converted before it is read: cells are kept as the text that Google sent.
#[derive(Clone)]
pub struct Report {
    columns: Vec<Column>,
    rows: Table,
    totals: Table,
    maximums: Table,
    minimums: Table,
    row_count: Option<u64>,
    /// Whether Google sent metadata, be it empty.
    has_metadata: bool,
    metadata: ResponseMetadata,
    property_quota: Option<PropertyQuota>,
    kind: Option<String>,
    requested: Requested,
}

/// What a report needs to know of its request.
#[derive(Clone)]
struct Requested {
    /// The names of the date ranges, in their order.
    date_ranges: Vec<String>,
    aggregations: Vec<MetricAggregation>,
    /// How many parts of the data are compared.
    comparisons: usize,
    /// Whether cohorts are followed.
    cohorts: bool,
    /// No row is left out before the first.
    from_the_start: bool,
    /// How many rows at most.
    limit: u64,
    /// Whether that is Google's own limit, and not one that the request chose.
    limit_is_googles: bool,
}

/// How many rows Google sends where the request has no limit, or 0.
const DEFAULT_LIMIT: u64 = 10_000;

/// How many rows Google sends at most, whatever the limit.
pub(super) const MAX_LIMIT: u64 = 250_000;

impl Report {
    /// Reads the body of a 200 answer to `request`, for a program with an HTTP client of its own. No network,
    /// no clock.
    ///
    /// Costs at most little more memory than `body` has, beside it: cells are copied into blocks of text, and
    /// what is not known is skipped. Absent, null and empty are the same everywhere. A cell is a text; a JSON
    /// number is taken where its digits are certain, so as a whole number of 64 bits, and refused otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is not a response of `runReport`,
    /// contradicts itself, or has other columns than `request`: [`is_retryable`](Error::is_retryable) when it
    /// ends too soon.
    pub fn from_json(body: &[u8], request: &ReportRequest) -> Result<Self, Error> {
        Self::read(body, &Expected::of(request))
    }

    /// The same report or the same error as from [`from_json`](Self::from_json), without its shortcut for
    /// rows: for the tests that hold the two against each other.
    ///
    /// # Errors
    /// As [`from_json`](Self::from_json).
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn from_json_by_serde(body: &[u8], request: &ReportRequest) -> Result<Self, Error> {
        let expected = Expected::of(request);
        Self::new(body::read_by_serde(body, expected.kind)?, &expected)
    }

    /// Reads an answer that is held against `expected`.
    pub(super) fn read(body: &[u8], expected: &Expected<'_>) -> Result<Self, Error> {
        Self::new(body::read(body, expected.kind)?, expected)
    }

    fn new(body: Body, expected: &Expected<'_>) -> Result<Self, Error> {
        let columns = body::columns(body.dimension_headers, body.metric_headers)?;
        body::fits(&columns, [&body.rows, &body.totals, &body.maximums, &body.minimums])?;
        body::as_requested(&columns, expected)?;
        // Google's is an int32.
        let row_count = body.row_count.map(|count| i32::try_from(count).and_then(u64::try_from)).transpose();
        let report = Self {
            columns,
            rows: body.rows,
            totals: body.totals,
            maximums: body.maximums,
            minimums: body.minimums,
            row_count: row_count.map_err(|_| schema("its row count is no number from 0 to 2147483647"))?,
            has_metadata: body.metadata.is_some(),
            metadata: body.metadata.unwrap_or_default(),
            property_quota: body.property_quota,
            kind: body.kind,
            requested: Requested {
                date_ranges: expected.ranges.clone(),
                aggregations: expected.aggregations.to_vec(),
                comparisons: expected.comparisons,
                cohorts: expected.cohorts,
                from_the_start: expected.offset == 0,
                limit_is_googles: expected.limit.is_none_or(|limit| limit == 0 || limit > MAX_LIMIT),
                limit: expected.limit.filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT),
            },
        };
        report.check(expected.limit.filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT))?;
        Ok(report)
    }

    /// The rows, each as a value of the caller's type.
    ///
    /// `T` is read by serde. A struct takes its fields from the columns of the same name (`#[serde(rename =
    /// "…")]` where they differ), a map takes all columns, a tuple, an array or a `Vec` takes them in order.
    /// What a cell becomes is up to the type:
    ///
    /// | Type | Cell |
    /// |---|---|
    /// | `String`, `&str` | as it is, `(not set)` and `(other)` included |
    /// | integers, floats | a number of that range, else an error |
    /// | `time::Date` | `YYYYMMDD`, as in the dimension `date` |
    /// | `time::PrimitiveDateTime` | `YYYYMMDDHH` (`dateHour`) or `YYYYMMDDHHMM` (`dateHourMinute`) |
    /// | any other type that reads text, such as `IpAddr` | the text |
    /// | `Option` of any of these but text | `None` for a placeholder |
    /// | `serde_json::Value` | a metric as a number, any other cell as text |
    ///
    /// Placeholders are `(not set)`, `(other)`, `(data not available)` and an empty cell. Times are in the
    /// property's time zone, so they are no `OffsetDateTime`.
    ///
    /// Behind `#[serde(flatten)]` and in untagged enums serde does not say what a field wants: a metric comes
    /// as a number, if an `i64`, a `u64` or an `f64` holds it exactly, any other cell as text. Put neither
    /// dates there, nor metrics as text. As everywhere in serde, a field of type `Option` whose column is not
    /// in the report is `None`.
    ///
    /// # Errors
    /// Each item may be an [`ErrorKind::Row`](crate::ErrorKind::Row) that names row and column; later rows
    /// can still be read.
    pub fn rows<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.columns, &self.rows)
    }

    /// One row without a struct, by its number from 0; `None` past the end.
    ///
    /// ```
    /// # fn see(report: &shortway::analytics::Report) -> Result<(), shortway::Error> {
    /// if let Some(row) = report.row(0) {
    ///     let country = row.get("country").unwrap_or("?");
    ///     let sessions: u64 = row.read("sessions")?;
    ///     println!("{country}: {sessions}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn row(&self, number: usize) -> Option<Row<'_>> {
        Row::new(&self.columns, &self.rows, number)
    }

    /// All rows, each as from [`row`](Self::row).
    pub fn each_row(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        Row::all(&self.columns, &self.rows)
    }

    /// Whether Google may send an aggregate for each of several parts: of comparisons, of cohorts.
    fn is_split(&self) -> bool {
        self.requested.comparisons > 0 || self.requested.cohorts
    }

    /// Where the name of a row's comparison stands, if there are comparisons.
    fn comparison_column(&self) -> Option<usize> {
        let compares = self.requested.comparisons > 0;
        compares.then(|| self.columns.iter().position(|c| c.name == COMPARISON)).flatten()
    }

    /// Where the name of a row's date range stands, if several ranges were requested.
    fn range_column(&self) -> Option<usize> {
        let several = self.requested.date_ranges.len() > 1;
        several.then(|| self.columns.iter().position(|c| c.name == DATE_RANGE)).flatten()
    }

    /// Whether a row is of this date range; with one range in the request, each is.
    fn is_of(&self, table: &Table, row: usize, range: Option<&str>) -> bool {
        self.range_column().is_none_or(|column| table.cell(row, column) == range)
    }

    /// Whether the report has rows of this date range, as far as they are here.
    fn has_rows(&self, range: Option<&str>) -> bool {
        let one_range = self.range_column().is_none();
        (one_range && self.row_count() > 0) || (0..self.len()).any(|row| self.is_of(&self.rows, row, range))
    }

    /// Refuses a report that contradicts itself, or the request's own limit; Google may raise its own.
    fn check(&self, limit: u64) -> Result<(), Error> {
        let most = |count: u64| count.saturating_mul(self.rows_in_one());
        if self.row_count.is_some_and(|count| self.len() as u64 > most(count)) {
            return Err(schema("it has more rows than its own row count says"));
        }
        if self.len() as u64 > most(limit) {
            return Err(schema("it has more rows than the request's limit"));
        }
        if self.is_empty() && self.requested.from_the_start && self.row_count() > 0 {
            let message = format!("it has no rows, and its row count says {}", self.row_count());
            return Err(schema(&message).with_retryable(true));
        }
        let tables = [("total", &self.totals), ("maximum", &self.maximums), ("minimum", &self.minimums)];
        tables.into_iter().try_for_each(|(what, table)| self.check_aggregate(what, table))
    }

    /// What the requested date ranges are called, in their order: `date_range_0` and so on, unless
    /// [named](super::DateRange::named).
    #[must_use]
    pub fn date_ranges(&self) -> &[String] {
        &self.requested.date_ranges
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

    /// How many rows the whole report has, those that `limit` and `offset` left out included. With several
    /// date ranges Google counts rows that differ in nothing but the range once. Where Google does not say,
    /// how many are here.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.row_count.unwrap_or_else(|| self.distinct())
    }

    /// Whether all rows of the report are here.
    ///
    /// Where Google does not say how many there are, they are if the request skips none and fewer came than
    /// its limit allows. With several date ranges its count and its limit take rows that differ in nothing
    /// but the range as one; a count of every row is understood too.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let rows = self.len() as u64;
        let is_uncut = self.requested.from_the_start && rows < self.requested.limit;
        match self.row_count {
            Some(count) if self.range_column().or(self.comparison_column()).is_some() => {
                let all = count.saturating_mul(self.rows_in_one());
                let is_uncut = self.requested.from_the_start && count <= self.requested.limit;
                rows == all || is_uncut && (rows == count || self.distinct() == count)
            }
            Some(count) => rows == count,
            None => self.is_empty() || is_uncut,
        }
    }

    /// What Google says about the report as a whole: time zone, currency, sampling, data loss.
    #[must_use]
    pub fn metadata(&self) -> &ResponseMetadata {
        &self.metadata
    }

    /// What is left of the property's quota, if it was requested.
    #[must_use]
    pub fn property_quota(&self) -> Option<&PropertyQuota> {
        self.property_quota.as_ref()
    }
}

impl Serialize for Report {
    /// The JSON of Google's `RunReportResponse`: the same message as was read. A cell without a value and an
    /// aggregate that is an empty object are written as they came.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        write::headers(&mut map, &self.columns)?;
        write::rows(&mut map, "rows", &self.rows)?;
        write::rows(&mut map, "totals", &self.totals)?;
        write::rows(&mut map, "maximums", &self.maximums)?;
        write::rows(&mut map, "minimums", &self.minimums)?;
        if let Some(count) = self.row_count.filter(|count| *count > 0) {
            map.serialize_entry("rowCount", &count)?;
        }
        if self.has_metadata {
            map.serialize_entry("metadata", &self.metadata)?;
        }
        if let Some(quota) = &self.property_quota {
            map.serialize_entry("propertyQuota", quota)?;
        }
        if let Some(kind) = &self.kind {
            map.serialize_entry("kind", kind)?;
        }
        map.end()
    }
}

impl fmt::Debug for Report {
    /// Columns and counts, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("columns", &self.columns)
            .field("len", &self.len())
            .field("row_count", &self.row_count())
            .field("metadata", &self.metadata)
            .field("property_quota", &self.property_quota)
            .finish_non_exhaustive()
    }
}
