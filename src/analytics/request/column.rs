//! The columns of a request: what to group by and what to count.

use crate::analytics::wire::is_false;
use serde::Serialize;

/// A column to group by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Dimension {
    /// The API name, such as `pagePath`, or `customEvent:name`.
    pub name: String,
}

impl<S: Into<String>> From<S> for Dimension {
    fn from(name: S) -> Self {
        Self { name: name.into() }
    }
}

/// A column of figures: a name, or a formula under a name of the caller's.
///
/// ```
/// use shortway::analytics::{Metric, ReportRequest};
///
/// let request = ReportRequest::new()
///     .metrics(["sessions"])
///     .metrics([Metric::expression("eventsPerSession", "eventCount/sessions")])
///     .metrics([Metric::from("eventCount").invisible()]);
/// # let _ = request;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Metric {
    /// The API name, such as `screenPageViews`, or a name of the caller's for `expression`.
    pub name: String,
    /// A formula of other metrics, such as `eventCount/sessions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// Not shown, only for use in filters, orders and formulas.
    #[serde(skip_serializing_if = "is_false")]
    pub invisible: bool,
}

impl Metric {
    /// What `formula` gives, such as `eventCount/sessions`, in a column called `name`.
    pub fn expression(name: impl Into<String>, formula: impl Into<String>) -> Self {
        Self { expression: Some(formula.into()), ..name.into().into() }
    }

    /// Not shown: no column of the report, only for use in filters, orders and formulas.
    #[must_use]
    pub fn invisible(mut self) -> Self {
        self.invisible = true;
        self
    }
}

impl<S: Into<String>> From<S> for Metric {
    fn from(name: S) -> Self {
        Self { name: name.into(), expression: None, invisible: false }
    }
}
