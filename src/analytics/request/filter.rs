//! Filters of a report request, as Google's JSON has them.

use super::column::{Dimension, Metric};
use super::number::{NumericOperation, NumericValue};
use crate::analytics::wire::is_false;
use crate::error::scrub;
use serde::Serialize;
use std::ops::{BitAnd, BitOr, Not};

/// Which rows a report is made of: one filter, or several put together.
///
/// Given to [`ReportRequest::dimension_filter`](crate::analytics::ReportRequest::dimension_filter()) it is
/// about dimensions and holds before rows are grouped; given to
/// [`ReportRequest::metric_filter`](crate::analytics::ReportRequest::metric_filter()) it is about metrics and
/// holds after. A filter of the wrong kind, an empty list and an empty group are refused before anything is
/// sent. Filters are put together with `&`, `|` and `!`. Source: `FilterExpression` of the Data API.
///
/// ```
/// use serde_json::json;
/// use shortway::analytics::FilterExpression;
///
/// let in_italy = FilterExpression::equals("country", "Italy");
/// let filter = in_italy & !FilterExpression::begins_with("pagePath", "/404");
/// let text = |field, how, value| {
///     json!({"filter": {"fieldName": field, "stringFilter": {"matchType": how, "value": value}}})
/// };
/// assert_eq!(
///     serde_json::to_value(&filter).unwrap(),
///     json!({"andGroup": {"expressions": [
///         text("country", "EXACT", "Italy"),
///         {"notExpression": text("pagePath", "BEGINS_WITH", "/404")},
///     ]}})
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FilterExpression {
    /// All of them hold.
    #[non_exhaustive]
    AndGroup {
        /// The parts.
        expressions: Vec<FilterExpression>,
    },
    /// At least one of them holds.
    #[non_exhaustive]
    OrGroup {
        /// The parts.
        expressions: Vec<FilterExpression>,
    },
    /// It does not hold.
    NotExpression(Box<FilterExpression>),
    /// One test of one field.
    Filter(Filter),
}

impl FilterExpression {
    /// The dimension `field` is exactly `value`; case does not matter, unless
    /// [`case_sensitive`](Self::case_sensitive) is called.
    pub fn equals(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self::text(field, MatchType::Exact, value)
    }

    /// The dimension `field` has `part` somewhere in it; case does not matter, as in
    /// [`equals`](Self::equals).
    pub fn contains(field: impl Into<String>, part: impl Into<String>) -> Self {
        Self::text(field, MatchType::Contains, part)
    }

    /// The dimension `field` begins with `beginning`; case does not matter, as in [`equals`](Self::equals).
    pub fn begins_with(field: impl Into<String>, beginning: impl Into<String>) -> Self {
        Self::text(field, MatchType::BeginsWith, beginning)
    }

    /// The dimension `field` ends with `ending`; case does not matter, as in [`equals`](Self::equals).
    pub fn ends_with(field: impl Into<String>, ending: impl Into<String>) -> Self {
        Self::text(field, MatchType::EndsWith, ending)
    }

    /// The whole of the dimension `field` matches the regular expression (RE2); case does not matter, as in
    /// [`equals`](Self::equals).
    pub fn full_regexp(field: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::text(field, MatchType::FullRegexp, pattern)
    }

    /// Some part of the dimension `field` matches the regular expression (RE2), which is what `=~` meant in
    /// Universal Analytics; case does not matter, as in [`equals`](Self::equals).
    pub fn partial_regexp(field: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::text(field, MatchType::PartialRegexp, pattern)
    }

    /// The dimension `field` matches `value` in this way; case does not matter, as in
    /// [`equals`](Self::equals).
    pub fn text(field: impl Into<String>, match_type: MatchType, value: impl Into<String>) -> Self {
        Self::test(field, FilterTest::StringFilter { match_type, value: value.into(), case_sensitive: false })
    }

    /// The dimension `field` is one of `values`; case does not matter, as in [`equals`](Self::equals).
    pub fn in_list<S: Into<String>>(field: impl Into<String>, values: impl IntoIterator<Item = S>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self::test(field, FilterTest::InListFilter { values, case_sensitive: false })
    }

    /// The dimension `field` is empty or `(not set)`.
    pub fn empty(field: impl Into<String>) -> Self {
        Self::test(field, FilterTest::EmptyFilter {})
    }

    /// The metric `field` is greater than `value`.
    pub fn greater_than(field: impl Into<String>, value: impl Into<NumericValue>) -> Self {
        Self::number(field, NumericOperation::GreaterThan, value)
    }

    /// The metric `field` is less than `value`.
    pub fn less_than(field: impl Into<String>, value: impl Into<NumericValue>) -> Self {
        Self::number(field, NumericOperation::LessThan, value)
    }

    /// The metric `field` compares to `value` in this way.
    pub fn number(
        field: impl Into<String>,
        operation: NumericOperation,
        value: impl Into<NumericValue>,
    ) -> Self {
        Self::test(field, FilterTest::NumericFilter { operation, value: value.into() })
    }

    /// The metric `field` lies between the two, both included.
    pub fn between(
        field: impl Into<String>,
        from: impl Into<NumericValue>,
        to: impl Into<NumericValue>,
    ) -> Self {
        Self::test(field, FilterTest::BetweenFilter { from_value: from.into(), to_value: to.into() })
    }

    fn test(field: impl Into<String>, test: FilterTest) -> Self {
        Self::Filter(Filter { field_name: field.into(), test })
    }

    /// Case matters in every comparison of texts in this filter.
    #[must_use]
    pub fn case_sensitive(mut self) -> Self {
        self.set_case_sensitive();
        self
    }

    fn set_case_sensitive(&mut self) {
        match self {
            Self::AndGroup { expressions } | Self::OrGroup { expressions } => {
                expressions.iter_mut().for_each(Self::set_case_sensitive);
            }
            Self::NotExpression(inner) => inner.set_case_sensitive(),
            Self::Filter(filter) => {
                if let FilterTest::StringFilter { case_sensitive, .. }
                | FilterTest::InListFilter { case_sensitive, .. } = &mut filter.test
                {
                    *case_sensitive = true;
                }
            }
        }
    }

    /// What is wrong with it whatever the property is; `of` judges one test by its place.
    pub(in crate::analytics) fn misuse(&self, of: &dyn Fn(&Filter) -> Option<Misuse>) -> Option<Misuse> {
        match self {
            Self::AndGroup { expressions } | Self::OrGroup { expressions } if expressions.is_empty() => {
                Some(Misuse {
                    message: "a filter is a group without parts".into(),
                    hint: "put at least one filter into the group, or leave it out",
                })
            }
            Self::AndGroup { expressions } | Self::OrGroup { expressions } => {
                expressions.iter().find_map(|part| part.misuse(of))
            }
            Self::NotExpression(inner) => inner.misuse(of),
            Self::Filter(filter) => filter.misuse().or_else(|| of(filter)),
        }
    }

    /// `filter`, and what is there already.
    pub(in crate::analytics) fn narrowed(there: Option<Self>, filter: Self) -> Option<Self> {
        Some(match there {
            Some(there) => there.and(filter),
            None => filter,
        })
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let mut expressions = match self {
            Self::AndGroup { expressions } => expressions,
            one => vec![one],
        };
        expressions.push(other);
        Self::AndGroup { expressions }
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut expressions = match self {
            Self::OrGroup { expressions } => expressions,
            one => vec![one],
        };
        expressions.push(other);
        Self::OrGroup { expressions }
    }
}

impl Not for FilterExpression {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::NotExpression(inner) => *inner,
            other => Self::NotExpression(Box::new(other)),
        }
    }
}

/// The same as [`FilterExpression::and`].
impl BitAnd for FilterExpression {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.and(other)
    }
}

/// The same as [`FilterExpression::or`].
impl BitOr for FilterExpression {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.or(other)
    }
}

/// What is wrong with a filter, and what to do.
pub(in crate::analytics) struct Misuse {
    pub(super) message: String,
    pub(super) hint: &'static str,
}

/// One test of one field: made by the functions of [`FilterExpression`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Filter {
    /// A dimension or a metric, by its API name.
    pub field_name: String,
    /// What its value must be.
    #[serde(flatten)]
    pub test: FilterTest,
}

impl Filter {
    fn misuse(&self) -> Option<Misuse> {
        let numbers = match &self.test {
            FilterTest::InListFilter { values, .. } if values.is_empty() => {
                return Some(Misuse {
                    message: format!("the filter of `{}` is a list without values", scrub(&self.field_name)),
                    hint: "put at least one value into the list, or leave the filter out",
                });
            }
            FilterTest::NumericFilter { value, .. } => [*value, *value],
            FilterTest::BetweenFilter { from_value, to_value } => [*from_value, *to_value],
            _ => return None,
        };
        let number = numbers.into_iter().find(|number| !number.is_sendable())?;
        let field = scrub(&self.field_name);
        Some(Misuse {
            message: format!("the filter of `{field}` compares with {number}, which cannot be sent"),
            hint: "give a finite number, or an integer that fits an i64",
        })
    }

    /// What is wrong with it in a filter of dimensions, in a request for these metrics.
    pub(super) fn misuse_of_dimension(&self, metrics: &[Metric]) -> Option<Misuse> {
        metrics.iter().any(|metric| metric.name == self.field_name).then(|| Misuse {
            message: format!("the filter of dimensions names the metric `{}`", scrub(&self.field_name)),
            hint: "give it to metric_filter",
        })
    }

    /// What is wrong with it in a filter of metrics, in a request for these dimensions.
    pub(super) fn misuse_of_metric(&self, dimensions: &[Dimension]) -> Option<Misuse> {
        let field = scrub(&self.field_name);
        if dimensions.iter().any(|dimension| dimension.name == self.field_name) {
            return Some(Misuse {
                message: format!("the filter of metrics names the dimension `{field}`"),
                hint: "give it to dimension_filter",
            });
        }
        matches!(self.test, FilterTest::StringFilter { .. } | FilterTest::InListFilter { .. }).then(|| {
            Misuse {
                message: format!("the filter of metrics compares `{field}` with text"),
                hint: "compare a metric with a number, or give a filter of a dimension to dimension_filter",
            }
        })
    }
}

/// What the value of a field must be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FilterTest {
    /// Text that matches.
    #[non_exhaustive]
    StringFilter {
        /// How it is compared.
        match_type: MatchType,
        /// With what.
        value: String,
        /// Whether case matters; not by default.
        #[serde(skip_serializing_if = "is_false")]
        case_sensitive: bool,
    },
    /// One of a list.
    #[non_exhaustive]
    InListFilter {
        /// The list.
        values: Vec<String>,
        /// Whether case matters; not by default.
        #[serde(skip_serializing_if = "is_false")]
        case_sensitive: bool,
    },
    /// A number that compares.
    #[non_exhaustive]
    NumericFilter {
        /// How it is compared.
        operation: NumericOperation,
        /// With what.
        value: NumericValue,
    },
    /// A number between two, both included.
    #[non_exhaustive]
    BetweenFilter {
        /// The lower end.
        from_value: NumericValue,
        /// The upper end.
        to_value: NumericValue,
    },
    /// An empty value, `(not set)` included.
    #[non_exhaustive]
    EmptyFilter {},
}

/// How a text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum MatchType {
    /// The whole value.
    Exact,
    /// Its beginning.
    BeginsWith,
    /// Its end.
    EndsWith,
    /// Any part of it.
    Contains,
    /// A regular expression (RE2) that matches the whole value.
    FullRegexp,
    /// A regular expression (RE2) that matches some part; what Universal Analytics' `=~` meant.
    PartialRegexp,
}
