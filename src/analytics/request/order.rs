//! The order of the rows, as Google's JSON has it.

use crate::analytics::wire::is_false;
use serde::Serialize;

/// One level of the order of the rows; ascending unless [`desc`](OrderBy::desc) is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OrderBy {
    /// What it goes by.
    #[serde(flatten)]
    pub field: OrderField,
    /// Whether the largest comes first.
    #[serde(skip_serializing_if = "is_false")]
    pub desc: bool,
}

/// What an order goes by. It must be one of the columns requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum OrderField {
    /// A metric's value.
    #[non_exhaustive]
    Metric {
        /// The metric.
        metric_name: String,
    },
    /// A dimension's text.
    #[non_exhaustive]
    Dimension {
        /// The dimension.
        dimension_name: String,
        /// How texts compare; by Unicode code point by default.
        #[serde(skip_serializing_if = "Option::is_none")]
        order_type: Option<OrderType>,
    },
    /// A metric's value in one group of columns of a pivot report.
    #[non_exhaustive]
    Pivot {
        /// The metric.
        metric_name: String,
        /// Which group of columns: one value for each dimension.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pivot_selections: Vec<PivotSelection>,
    },
}

/// One value of one dimension, which selects columns of a pivot report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PivotSelection {
    /// The dimension.
    pub dimension_name: String,
    /// Its value.
    pub dimension_value: String,
}

/// How the texts of a dimension compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum OrderType {
    /// By Unicode code point.
    Alphanumeric,
    /// The same without regard to case.
    CaseInsensitiveAlphanumeric,
    /// As numbers; what is not a number comes first.
    Numeric,
}

impl OrderBy {
    /// By a metric.
    pub fn metric(name: impl Into<String>) -> Self {
        Self { field: OrderField::Metric { metric_name: name.into() }, desc: false }
    }

    /// By a dimension's text.
    pub fn dimension(name: impl Into<String>) -> Self {
        Self { field: OrderField::Dimension { dimension_name: name.into(), order_type: None }, desc: false }
    }

    /// By a metric in the columns of a pivot report that have these values, `[("country", "Italy")]`.
    pub fn pivot<D: Into<String>, V: Into<String>>(
        metric: impl Into<String>,
        selections: impl IntoIterator<Item = (D, V)>,
    ) -> Self {
        let selection = |(name, value): (D, V)| PivotSelection {
            dimension_name: name.into(),
            dimension_value: value.into(),
        };
        let pivot_selections = selections.into_iter().map(selection).collect();
        Self { field: OrderField::Pivot { metric_name: metric.into(), pivot_selections }, desc: false }
    }

    /// How the texts of the dimension compare; by Unicode code point by default. An order by a metric stays
    /// as it is.
    #[must_use]
    pub fn order_type(mut self, how: OrderType) -> Self {
        if let OrderField::Dimension { order_type, .. } = &mut self.field {
            *order_type = Some(how);
        }
        self
    }

    /// Largest first.
    #[must_use]
    pub fn desc(mut self) -> Self {
        self.desc = true;
        self
    }
}
