//! The rows behind a fake property.

use super::enums::METRIC_TYPE;
use std::collections::BTreeMap;

/// Rows that a fake property answers from: text for dimensions, numbers for metrics.
///
/// A column of metrics whose numbers are all whole is reported as integers. Grouping adds numbers up, so use
/// metrics that may be added (views, sessions), not averages. A column named `date` (`YYYYMMDD`) makes date
/// ranges work, one named `minutesAgo` (`00` to `29`) those of minutes; in a table without one, a range
/// selects every row, and more than one is refused.
///
/// Rows whose metrics are all 0: a [`FakeGoogle`](super::FakeGoogle) leaves them out of a report, as Google
/// does, unless the request has `keepEmptyRows`; `FakeTable::report` keeps them.
///
/// ```
/// use shortway::testing::FakeTable;
///
/// let table = FakeTable::new(["date", "country"], ["sessions", "engagementRate"])
///     .row(["20260101", "Italy"], [12.0, 0.5])
///     .row(["20260102", "Italy"], [7.0, 0.25]);
/// # let _ = table;
/// ```
#[derive(Clone, Debug)]
pub struct FakeTable {
    pub(super) dimensions: Vec<String>,
    pub(super) metrics: Vec<String>,
    /// The types of metrics that were given, by their places.
    types: BTreeMap<usize, &'static str>,
    pub(super) rows: Vec<(Vec<String>, Vec<f64>)>,
}

impl FakeTable {
    /// A table without rows.
    #[must_use]
    pub fn new<D: Into<String>, M: Into<String>>(
        dimensions: impl IntoIterator<Item = D>,
        metrics: impl IntoIterator<Item = M>,
    ) -> Self {
        Self {
            dimensions: dimensions.into_iter().map(Into::into).collect(),
            metrics: metrics.into_iter().map(Into::into).collect(),
            types: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    /// Sets the type of a metric: `TYPE_CURRENCY`, `TYPE_SECONDS`, as `MetricType` of the Data API has them.
    /// By default it is `TYPE_INTEGER` where all numbers are whole and `TYPE_FLOAT` elsewhere.
    ///
    /// # Panics
    /// When there is no such metric or no such type.
    #[must_use]
    pub fn metric_type(mut self, metric: &str, metric_type: &str) -> Self {
        let place = self.metric(metric).expect("the table has the metric");
        let known = METRIC_TYPE.iter().find(|(_, name)| *name == metric_type);
        self.types.insert(place, known.expect("a type of MetricType").1);
        self
    }

    /// Adds a row: texts for the dimensions, then numbers of any type for the metrics, `[10, 8]` or `[7.0]`.
    ///
    /// # Panics
    /// When the row has not one value for each column, or a metric is not a finite number.
    #[must_use]
    pub fn row<D: Into<String>, M: ToString>(
        mut self,
        dimensions: impl IntoIterator<Item = D>,
        metrics: impl IntoIterator<Item = M>,
    ) -> Self {
        let dimensions: Vec<String> = dimensions.into_iter().map(Into::into).collect();
        let number = |metric: M| metric.to_string().parse().expect("a metric is a number");
        let metrics: Vec<f64> = metrics.into_iter().map(number).collect();
        assert_eq!(dimensions.len(), self.dimensions.len(), "a row has one text for each dimension");
        assert_eq!(metrics.len(), self.metrics.len(), "a row has one number for each metric");
        assert!(metrics.iter().all(|m| m.is_finite()), "a metric is a finite number");
        self.rows.push((dimensions, metrics));
        self
    }

    pub(super) fn dimension(&self, name: &str) -> Option<usize> {
        self.dimensions.iter().position(|d| d == name)
    }

    pub(super) fn metric(&self, name: &str) -> Option<usize> {
        self.metrics.iter().position(|m| m == name)
    }

    /// The type of the metric at this place.
    pub(super) fn type_of(&self, metric: usize) -> &'static str {
        let is_whole = || self.rows.iter().all(|(_, metrics)| metrics[metric].fract() == 0.0);
        let by_rows = || if is_whole() { "TYPE_INTEGER" } else { "TYPE_FLOAT" };
        self.types.get(&metric).copied().unwrap_or_else(by_rows)
    }
}
