//! Comparisons: the same report over parts of the data, beside each other.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/Comparison>

use super::filter::FilterExpression;
use serde::Serialize;

/// A part of the data. Google adds a column `comparison` with its name.
///
/// ```
/// use shortway::analytics::{Comparison, DateRange, FilterExpression, ReportRequest};
///
/// let request = ReportRequest::new()
///     .dates(DateRange::last_days(7))
///     .metrics(["activeUsers"])
///     .comparisons([
///         Comparison::of(FilterExpression::equals("platform", "web")).named("web"),
///         Comparison::saved("comparisons/1234"),
///     ]);
/// # let _ = request;
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Comparison {
    /// What it is called in the column `comparison`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is made of.
    #[serde(flatten)]
    pub part: ComparisonPart,
}

impl Comparison {
    /// The data that this filter of dimensions lets through.
    #[must_use]
    pub fn of(filter: FilterExpression) -> Self {
        Self { name: None, part: ComparisonPart::DimensionFilter(filter) }
    }

    /// A comparison that is saved in the property: its resource name, as
    /// [`Metadata::comparisons`](crate::analytics::Metadata::comparisons) has it.
    pub fn saved(name: impl Into<String>) -> Self {
        Self { name: None, part: ComparisonPart::Comparison(name.into()) }
    }

    /// Gives it a name for the column `comparison`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// What a comparison is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ComparisonPart {
    /// A filter of dimensions.
    DimensionFilter(FilterExpression),
    /// A saved comparison.
    Comparison(String),
}
