//! A query of Core Reporting v3, with v3's parameters under v3's names.
//!
//! In: parts, as texts that v3 took. Out: a value that can be looked at, written as a URL again, translated.
//! Source: the discovery document of `analytics/v3`, `data.ga.get`.

use super::fault::wrong;
use crate::analytics::wire::quoted;
use crate::error::Error;

/// How many rows v3 sent where a query did not say: 1,000.
pub(super) const DEFAULT_ROWS: u64 = 1000;

/// How many rows v3 sent at most: 10,000.
pub(super) const MAX_ROWS: u64 = 10_000;

/// A query of Core Reporting v3: its parameters, each as the text that v3 took.
///
/// From parts, or by `parse` from what the old program had: a whole URL, its query string, or the arguments
/// of a call of Google's client for Python (`ids='ga:1234', start_date='30daysAgo', …`). Lists are texts with
/// commas, as in v3. Names match without regard to case. A name without `ga:` is taken as a field of GA4:
/// for fields that have no equivalent.
///
/// ```
/// use shortway::analytics::v3::Query;
///
/// let query = Query::new("ga:1234", "30daysAgo", "yesterday", "ga:pageviews,ga:visitors");
/// let query = query.sort("-ga:pageviews");
/// let pasted = "ids=ga:1234&start-date=30daysAgo&end-date=yesterday&metrics=ga:pageviews,ga:visitors\
///               &sort=-ga:pageviews";
/// assert_eq!(pasted.parse::<Query>()?, query);
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The view, `ga:` and digits.
    pub ids: String,
    /// The first day: `YYYY-MM-DD`, `NdaysAgo`, `yesterday` or `today`.
    pub start_date: String,
    /// The last day.
    pub end_date: String,
    /// The metrics.
    pub metrics: String,
    /// The dimensions; none for totals alone.
    pub dimensions: Option<String>,
    /// What the rows are sorted by, with a minus for largest first.
    pub sort: Option<String>,
    /// The filter.
    pub filters: Option<String>,
    /// The segment. GA4's reports have none: a query with one is not translated.
    pub segment: Option<String>,
    /// `DEFAULT`, `FASTER` or `HIGHER_PRECISION`. GA4's reports have no such choice.
    pub sampling_level: Option<String>,
    /// Whether rows of zeros are kept: they are by default.
    pub include_empty_rows: Option<bool>,
    /// The first row, counted from 1.
    pub start_index: Option<u64>,
    /// How many rows at most: 1,000 by default, never more than 10,000.
    pub max_results: Option<u64>,
    /// Names of parameters without an effect on the figures, such as `prettyPrint`. Their values are not
    /// kept.
    pub others: Vec<String>,
}

impl Query {
    /// A query with the four parameters that v3 required.
    pub fn new(
        ids: impl Into<String>,
        start_date: impl Into<String>,
        end_date: impl Into<String>,
        metrics: impl Into<String>,
    ) -> Self {
        Self {
            ids: ids.into(),
            start_date: start_date.into(),
            end_date: end_date.into(),
            metrics: metrics.into(),
            ..Self::default()
        }
    }

    /// By what the rows are grouped: `ga:country,ga:city`.
    #[must_use]
    pub fn dimensions(mut self, names: impl Into<String>) -> Self {
        self.dimensions = Some(names.into());
        self
    }

    /// By what the rows are sorted: `-ga:pageviews,ga:country`.
    #[must_use]
    pub fn sort(mut self, names: impl Into<String>) -> Self {
        self.sort = Some(names.into());
        self
    }

    /// The filter: `ga:country==Italy;ga:pageviews>10`. `;` is AND, `,` is OR and binds tighter; in a value
    /// either has a backslash before it.
    #[must_use]
    pub fn filters(mut self, filter: impl Into<String>) -> Self {
        self.filters = Some(filter.into());
        self
    }

    /// A segment, by id or by conditions: [`translate`](Self::translate) refuses it and says why.
    #[must_use]
    pub fn segment(mut self, segment: impl Into<String>) -> Self {
        self.segment = Some(segment.into());
        self
    }

    /// `DEFAULT`, `FASTER` or `HIGHER_PRECISION`, which has no effect in GA4.
    #[must_use]
    pub fn sampling_level(mut self, level: impl Into<String>) -> Self {
        self.sampling_level = Some(level.into());
        self
    }

    /// Whether rows of zeros are kept: they are by default.
    #[must_use]
    pub fn include_empty_rows(mut self, keep: bool) -> Self {
        self.include_empty_rows = Some(keep);
        self
    }

    /// The first row, counted from 1.
    #[must_use]
    pub fn start_index(mut self, index: u64) -> Self {
        self.start_index = Some(index);
        self
    }

    /// How many rows at most: 1,000 by default, never more than 10,000.
    #[must_use]
    pub fn max_results(mut self, rows: u64) -> Self {
        self.max_results = Some(rows);
        self
    }

    /// The number of the view in `ids`, for a table of your own from views to properties: there is no other
    /// way from one to the other.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when `ids` is not `ga:` and digits.
    pub fn view(&self) -> Result<u64, Error> {
        let digits = self.ids.trim().strip_prefix("ga:");
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
            wrong(
                format!("the v3 query has the ids {}, which is no view", quoted(&self.ids)),
                "give ga: and the digits of the view, as the old query had it",
            )
        })
    }

    /// The first row, counted from 1.
    pub(super) fn first_row(&self) -> u64 {
        self.start_index.unwrap_or(1)
    }

    /// How many rows an answer has at most.
    pub(super) fn page(&self) -> u64 {
        self.max_results.unwrap_or(DEFAULT_ROWS).min(MAX_ROWS)
    }
}

/// The names of a list, blanks around them taken away.
pub(super) fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}
