//! The columns of a report: names, and what their cells are.

use crate::analytics::wire::{Message, Part};

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

impl MetricType {
    fn from_name(name: &str) -> Self {
        match name {
            "TYPE_INTEGER" => Self::Integer,
            "TYPE_FLOAT" => Self::Float,
            "TYPE_SECONDS" => Self::Seconds,
            "TYPE_CURRENCY" => Self::Currency,
            _ => Self::Other(name.to_owned()),
        }
    }
}

impl Default for MetricType {
    /// What a header without a type has: `Other` of an empty name.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

/// `DimensionHeader` and `MetricHeader` of the API; the first has no type.
#[derive(Clone, Debug, Default)]
pub(in crate::analytics) struct Header {
    pub(in crate::analytics) name: String,
    r#type: String,
}

impl Header {
    pub(in crate::analytics) fn dimension(self) -> Column {
        Column { name: self.name, kind: ColumnKind::Dimension }
    }

    pub(in crate::analytics) fn metric(self) -> Column {
        Column { name: self.name, kind: ColumnKind::Metric(MetricType::from_name(&self.r#type)) }
    }
}

impl Message for Header {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "name" => Some(&mut self.name),
            "type" => Some(&mut self.r#type),
            _ => None,
        }
    }
}
