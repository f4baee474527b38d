//! The columns of a request: what to group by and what to count.

use crate::analytics::wire::is_false;
use serde::Serialize;

/// A column to group by: a name, or an expression of other dimensions under a name of the caller's.
///
/// ```
/// use shortway::analytics::{Dimension, ReportRequest};
///
/// let request = ReportRequest::new()
///     .dimensions(["pagePath"])
///     .dimensions([Dimension::lower_case("city_small", "city")])
///     .dimensions([Dimension::concatenate("place", ["country", "city"], ", ")]);
/// # let _ = request;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Dimension {
    /// The API name, such as `pagePath`, or `customEvent:name`; or a name of the caller's for an expression:
    /// letters, digits and `_`.
    pub name: String,
    /// What the column is made of, if not of the dimension of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dimension_expression: Option<DimensionExpression>,
}

impl Dimension {
    /// The texts of `of` in lower case, in a column called `name`.
    pub fn lower_case(name: impl Into<String>, of: impl Into<String>) -> Self {
        Self::made_of(name, DimensionExpression::LowerCase { dimension_name: of.into() })
    }

    /// The texts of `of` in upper case, in a column called `name`.
    pub fn upper_case(name: impl Into<String>, of: impl Into<String>) -> Self {
        Self::made_of(name, DimensionExpression::UpperCase { dimension_name: of.into() })
    }

    /// The texts of several dimensions with `delimiter` between them, in a column called `name`.
    pub fn concatenate<S: Into<String>>(
        name: impl Into<String>,
        of: impl IntoIterator<Item = S>,
        delimiter: impl Into<String>,
    ) -> Self {
        let dimension_names = of.into_iter().map(Into::into).collect();
        let delimiter = delimiter.into();
        Self::made_of(name, DimensionExpression::Concatenate { dimension_names, delimiter })
    }

    fn made_of(name: impl Into<String>, expression: DimensionExpression) -> Self {
        Self { name: name.into(), dimension_expression: Some(expression) }
    }
}

impl<S: Into<String>> From<S> for Dimension {
    fn from(name: S) -> Self {
        Self { name: name.into(), dimension_expression: None }
    }
}

/// What a dimension is made of: see the functions of [`Dimension`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum DimensionExpression {
    /// Lower case.
    #[non_exhaustive]
    LowerCase {
        /// The dimension whose texts are taken.
        dimension_name: String,
    },
    /// Upper case.
    #[non_exhaustive]
    UpperCase {
        /// The dimension whose texts are taken.
        dimension_name: String,
    },
    /// Several dimensions, one after the other.
    #[non_exhaustive]
    Concatenate {
        /// The dimensions.
        dimension_names: Vec<String>,
        /// What stands between them.
        #[serde(skip_serializing_if = "String::is_empty")]
        delimiter: String,
    },
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
