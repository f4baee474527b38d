//! A report out of a table, without a server: the only fake that knows the types of `analytics`.

use super::google::FakeTable;
use crate::analytics::{MetricAggregation, Report, ReportRequest};
use crate::error::Error;

impl FakeTable {
    /// A report of all rows in their order, with all columns and their totals, as
    /// [`run_report`](crate::analytics::Property::run_report) would return it: for code that takes a
    /// [`Report`].
    ///
    /// The request is one with [`keep_empty_rows`](ReportRequest::keep_empty_rows): rows whose metrics are
    /// all 0 are there. To a request without it, Google and [`FakeGoogle`](super::FakeGoogle) do not send
    /// them: leave them out of the table when your code requests its report so.
    ///
    /// ```
    /// use shortway::testing::FakeTable;
    ///
    /// let table = FakeTable::new(["country"], ["sessions"]);
    /// let report = table.row(["Italy"], [7]).row(["Chile"], [3]).report()?;
    /// let rows: Vec<(String, u64)> = report.rows().collect::<Result<_, _>>()?;
    /// assert_eq!(rows, [("Italy".to_owned(), 7), ("Chile".to_owned(), 3)]);
    /// assert_eq!(report.total::<u64>("sessions")?, 10);
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when two columns have the same name.
    pub fn report(&self) -> Result<Report, Error> {
        let (json, dimensions, metrics) = self.whole_report();
        let request = ReportRequest::new()
            .dimensions(dimensions.iter().cloned())
            .metrics(metrics.iter().cloned())
            .keep_empty_rows(true)
            .metric_aggregations([
                MetricAggregation::Total,
                MetricAggregation::Maximum,
                MetricAggregation::Minimum,
            ]);
        Report::from_json(json.to_string().as_bytes(), &request)
    }
}
