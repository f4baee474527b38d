//! Totals, maximums and minimums: the figures that Google computes over all rows.
//!
//! In: a report and what its request asked for. Out: one figure, or why there is none.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/MetricAggregation>

use super::body::schema;
use super::no_figure::NoFigure;
use super::{MetricAggregation, Report};
use crate::analytics::answer::{Column, ColumnKind};
use crate::analytics::rows::{self, Rows};
use crate::analytics::table::Table;
use crate::error::{Error, scrub};
use serde::Deserialize;
use std::collections::HashMap;

impl Report {
    /// The metric over all rows of the report, also those that [`limit`](super::ReportRequest::limit()) left
    /// out, each user counted once: Google computes it. `T` is a number, or an `Option` of one for a report
    /// that may be empty.
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
    /// [`ErrorKind::Row`](crate::ErrorKind::Row) when the metric or the TOTAL aggregation was not requested,
    /// when the report is empty and `T` no `Option`, when Google sent no total although there are rows, when
    /// the figure does not fit `T`, and always when several date ranges were requested: see
    /// [`total_in`](Self::total_in).
    pub fn total<'r, T: Deserialize<'r>>(&'r self, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Total, None, metric)
    }

    /// The same for one of the [date ranges](Self::date_ranges), by its name (`date_range_0` and so on by
    /// default). A range without rows is as an empty report: `None` for an `Option`, else an error.
    ///
    /// # Errors
    /// As [`total`](Self::total), and [`ErrorKind::Row`](crate::ErrorKind::Row) when there is no range of
    /// that name.
    pub fn total_in<'r, T: Deserialize<'r>>(&'r self, range: &str, metric: &str) -> Result<T, Error> {
        self.aggregate(MetricAggregation::Total, Some(range), metric)
    }

    /// The largest value of the metric in any row, if the MAXIMUM aggregation was requested
    /// ([`ReportRequest::metric_aggregations`](super::ReportRequest::metric_aggregations())).
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
    /// ([`ReportRequest::metric_aggregations`](super::ReportRequest::metric_aggregations())).
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

    /// The rows of totals as they came, one for each date range and comparison: every dimension but those two
    /// is `RESERVED_TOTAL`. Read as [`rows`](Self::rows).
    pub fn totals<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.columns, &self.totals)
    }

    /// The rows of maximums, as [`totals`](Self::totals); dimensions are `RESERVED_MAX`.
    pub fn maximums<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.columns, &self.maximums)
    }

    /// The rows of minimums, as [`totals`](Self::totals); dimensions are `RESERVED_MIN`.
    pub fn minimums<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.columns, &self.minimums)
    }

    fn aggregate<'r, T: Deserialize<'r>>(
        &'r self,
        aggregation: MetricAggregation,
        range: Option<&str>,
        metric: &str,
    ) -> Result<T, Error> {
        let fail = |reason: NoFigure<'_>| reason.into_error(aggregation, metric, &self.requested.date_ranges);
        let table = match aggregation {
            MetricAggregation::Total => &self.totals,
            MetricAggregation::Maximum => &self.maximums,
            MetricAggregation::Minimum => &self.minimums,
            // No answer has a place for it.
            MetricAggregation::Count => return Err(fail(NoFigure::NotSent)),
        };
        let column = self.figure_column(aggregation, range, metric).map_err(fail)?;
        let mut rows = (0..table.rows()).filter(|row| self.is_of(table, *row, range));
        let row = rows.next();
        if self.is_split() && rows.next().is_some() {
            return Err(fail(NoFigure::SeveralParts));
        }
        match row {
            Some(row) => rows::cell(&self.columns, table, row, column)
                .map_err(|error| error.with_cell(None, Some(&scrub(metric)))),
            None if self.has_rows(range) => Err(fail(NoFigure::NotSent)),
            None => rows::absent()
                .map_err(|_: Error| fail(NoFigure::Empty(range.filter(|_| self.range_column().is_some())))),
        }
    }

    /// The metric's column, if this figure was requested.
    fn figure_column<'n>(
        &self,
        aggregation: MetricAggregation,
        range: Option<&'n str>,
        metric: &str,
    ) -> Result<usize, NoFigure<'n>> {
        let is_metric = |c: &Column| c.name == metric && matches!(c.kind, ColumnKind::Metric(_));
        let column = self.columns.iter().position(is_metric).ok_or(NoFigure::NoMetric)?;
        match range {
            _ if !self.requested.aggregations.contains(&aggregation) => Err(NoFigure::NotRequested),
            None if self.range_column().is_some() => Err(NoFigure::SeveralRanges),
            Some(range) if !self.requested.date_ranges.iter().any(|name| name == range) => {
                Err(NoFigure::NoRange(range))
            }
            _ => Ok(column),
        }
    }

    /// Refuses totals and the like that no request asked for or that contradict each other.
    pub(super) fn check_aggregate(&self, what: &str, table: &Table) -> Result<(), Error> {
        let column = self.range_column();
        let dimensions = self.columns.iter().filter(|c| matches!(c.kind, ColumnKind::Dimension)).count();
        let figures = |row| table.row(row).skip(dimensions);
        let mut first = HashMap::new();
        for row in 0..table.rows() {
            let range = column.and_then(|column| table.cell(row, column));
            if range.is_some_and(|range| !self.requested.date_ranges.iter().any(|name| name == range)) {
                return Err(schema(&format!("it has a {what} of a date range that was not requested")));
            }
            // Of several parts each has figures of its own.
            let part: Vec<&str> = table.row(row).take(if self.is_split() { dimensions } else { 0 }).collect();
            let first = *first.entry((range, part)).or_insert(row);
            if figures(first).ne(figures(row)) {
                return Err(schema(&format!("it has two {what}s that contradict each other")));
            }
        }
        Ok(())
    }
}
