//! The columns of a report: names, and what their cells are.

use serde::{Deserialize, Deserializer};

/// A column of a report: dimensions come first, then metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// The API name. With several date ranges the last dimension is `dateRange`.
    pub name: String,
    /// Dimension or metric.
    pub kind: ColumnKind,
}

/// Dimension or metric.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// Text to group by.
    Dimension,
    /// A figure of this type.
    Metric(MetricType),
}

/// What the figures of a metric are.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricType {
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// Seconds.
    Seconds,
    /// An amount in the currency of [`Metadata::currency_code`](crate::analytics::Metadata::currency_code).
    Currency,
    /// Any other type, by Google's name: `TYPE_MILLISECONDS`, `TYPE_METERS`, …
    Other(String),
}

impl<'de> Deserialize<'de> for MetricType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(match name.as_str() {
            "TYPE_INTEGER" => Self::Integer,
            "TYPE_FLOAT" => Self::Float,
            "TYPE_SECONDS" => Self::Seconds,
            "TYPE_CURRENCY" => Self::Currency,
            _ => Self::Other(name),
        })
    }
}
