//! Filters of a report request, as Google's JSON has them.

use crate::analytics::wire::{as_text, is_false};
use serde::Serialize;
use std::ops::Not;

/// Which rows a report is made of: one filter, or several put together.
///
/// Given to [`ReportRequest::filter`](crate::analytics::ReportRequest::filter) it is about dimensions and holds before rows are
/// grouped; given to [`ReportRequest::metric_filter`](crate::analytics::ReportRequest::metric_filter()) it is about metrics and holds
/// after. Source: `FilterExpression` of the Data API.
///
/// ```
/// use shortway::analytics::FilterExpression;
///
/// let filter = FilterExpression::equals("country", "Italy").and(!FilterExpression::equals("browser", "Safari"));
/// assert_eq!(
///     serde_json::to_string(&filter).unwrap(),
///     r#"{"andGroup":{"expressions":[{"filter":{"fieldName":"country","stringFilter":{"matchType":"EXACT","value":"Italy"}}},"#.to_owned()
///         + r#"{"notExpression":{"filter":{"fieldName":"browser","stringFilter":{"matchType":"EXACT","value":"Safari"}}}}]}}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FilterExpression {
    /// All of them hold.
    AndGroup {
        /// The parts.
        expressions: Vec<FilterExpression>,
    },
    /// At least one of them holds.
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
    /// The dimension `field` is exactly `value`; case does not matter to Google unless
    /// [`case_sensitive`](FilterTest::StringFilter) is set.
    pub fn equals(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self::text(field, MatchType::Exact, value)
    }

    /// The dimension `field` has `part` somewhere in it; case does not matter, as in [`equals`](Self::equals).
    pub fn contains(field: impl Into<String>, part: impl Into<String>) -> Self {
        Self::text(field, MatchType::Contains, part)
    }

    /// The dimension `field` begins with `beginning`; case does not matter, as in [`equals`](Self::equals).
    pub fn begins_with(field: impl Into<String>, beginning: impl Into<String>) -> Self {
        Self::text(field, MatchType::BeginsWith, beginning)
    }

    /// The dimension `field` is one of `values`; case does not matter, as in [`equals`](Self::equals).
    pub fn in_list<S: Into<String>>(field: impl Into<String>, values: impl IntoIterator<Item = S>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self::test(field, FilterTest::InListFilter { values, case_sensitive: false })
    }

    /// The metric `field` is greater than `value`.
    pub fn greater_than(field: impl Into<String>, value: impl Into<NumericValue>) -> Self {
        Self::number(field, NumericOperation::GreaterThan, value)
    }

    /// The metric `field` is less than `value`.
    pub fn less_than(field: impl Into<String>, value: impl Into<NumericValue>) -> Self {
        Self::number(field, NumericOperation::LessThan, value)
    }

    /// The metric `field` lies between the two, both included.
    pub fn between(
        field: impl Into<String>,
        from: impl Into<NumericValue>,
        to: impl Into<NumericValue>,
    ) -> Self {
        Self::test(field, FilterTest::BetweenFilter { from_value: from.into(), to_value: to.into() })
    }

    fn text(field: impl Into<String>, match_type: MatchType, value: impl Into<String>) -> Self {
        Self::test(field, FilterTest::StringFilter { match_type, value: value.into(), case_sensitive: false })
    }

    fn number(field: impl Into<String>, operation: NumericOperation, value: impl Into<NumericValue>) -> Self {
        Self::test(field, FilterTest::NumericFilter { operation, value: value.into() })
    }

    fn test(field: impl Into<String>, test: FilterTest) -> Self {
        Self::Filter(Filter { field_name: field.into(), test })
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

/// One test of one field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filter {
    /// A dimension or a metric, by its API name.
    pub field_name: String,
    /// What its value must be.
    #[serde(flatten)]
    pub test: FilterTest,
}

/// What the value of a field must be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum FilterTest {
    /// Text that matches.
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
    InListFilter {
        /// The list.
        values: Vec<String>,
        /// Whether case matters; not by default.
        #[serde(skip_serializing_if = "is_false")]
        case_sensitive: bool,
    },
    /// A number that compares.
    NumericFilter {
        /// How it is compared.
        operation: NumericOperation,
        /// With what.
        value: NumericValue,
    },
    /// A number between two, both included.
    BetweenFilter {
        /// The lower end.
        from_value: NumericValue,
        /// The upper end.
        to_value: NumericValue,
    },
    /// An empty value, `(not set)` included.
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

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum NumericOperation {
    /// Equal.
    Equal,
    /// Less.
    LessThan,
    /// Less or equal.
    LessThanOrEqual,
    /// Greater.
    GreaterThan,
    /// Greater or equal.
    GreaterThanOrEqual,
}

/// A number in a filter: from an `i64` (an integer literal is one) or an `f64`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum NumericValue {
    /// An integer; on the wire a string, as all 64-bit integers of the API.
    #[serde(rename = "int64Value", serialize_with = "as_text")]
    Int64(i64),
    /// A floating-point number.
    #[serde(rename = "doubleValue")]
    Double(f64),
}

impl From<i64> for NumericValue {
    fn from(number: i64) -> Self {
        Self::Int64(number)
    }
}

impl From<f64> for NumericValue {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}
