//! What tells the rows of a report apart, for those who read it page by page.

use super::Report;
use crate::analytics::answer::{ColumnKind, MetricType};
use crate::analytics::table::Cells;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};

impl Report {
    /// How many rows Google says that the report has.
    pub(in crate::analytics) fn stated_count(&self) -> Option<u64> {
        self.row_count
    }

    /// How many rows of a report Google may count as one: one for each date range and comparison.
    pub(in crate::analytics) fn rows_in_one(&self) -> u64 {
        (self.requested.date_ranges.len().max(1) * self.requested.comparisons.max(1)) as u64
    }

    /// How many rows there are here, but counted once where they differ in nothing but the date
    /// range and the comparison.
    pub(in crate::analytics) fn distinct(&self) -> u64 {
        let (range, comparison) = (self.range_column(), self.comparison_column());
        if range.or(comparison).is_none() {
            return self.len() as u64;
        }
        let mut seen = HashSet::with_capacity(self.len());
        let hasher = seen.hasher().clone();
        let is_counted = |column: usize| Some(column) != range && Some(column) != comparison;
        seen.extend(self.keys(&hasher, is_counted));
        seen.len() as u64
    }

    /// A hash of each row's dimensions, of those in the columns that `is_counted` names.
    pub(in crate::analytics) fn keys(
        &self,
        hasher: &impl BuildHasher,
        is_counted: impl Fn(usize) -> bool,
    ) -> impl Iterator<Item = u64> {
        let dimensions = self.columns.iter().filter(|c| matches!(c.kind, ColumnKind::Dimension)).count();
        self.rows.walk().map(move |cells: Cells<'_>| {
            let mut key = hasher.build_hasher();
            for (_, cell) in cells.take(dimensions).enumerate().filter(|(column, _)| is_counted(*column)) {
                cell.hash(&mut key);
            }
            key.finish()
        })
    }

    /// The totals of the metrics that are whole numbers, of every date range: the same on all pages. Sums of
    /// fractions may differ in their last digit.
    pub(in crate::analytics) fn whole_totals(&self) -> Vec<String> {
        let is_whole = |kind: &ColumnKind| matches!(kind, ColumnKind::Metric(MetricType::Integer));
        let rows = self.totals.walk().map(|cells| {
            let cells = self.columns.iter().zip(cells);
            let kept = cells
                .filter(|(column, _)| is_whole(&column.kind) || matches!(column.kind, ColumnKind::Dimension));
            kept.map(|(_, cell)| cell).collect::<Vec<_>>().join("\u{1f}")
        });
        let mut rows: Vec<String> = rows.collect();
        rows.sort();
        rows
    }
}
