//! The columns of a report: names, and what their cells are.

use super::enum_value::EnumValue;
use crate::analytics::wire::{Message, Part, is_default};
use serde::{Serialize, Serializer};

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
    /// An amount in the currency of [`currency_code`](crate::analytics::ResponseMetadata::currency_code).
    Currency,
    /// Any other type, by Google's name: `TYPE_MILLISECONDS`, `TYPE_METERS`, …
    Other(String),
}

impl MetricType {
    /// Google's names and, for answers with enums as numbers, Google's numbers.
    pub(in crate::analytics) fn new(value: &EnumValue) -> Self {
        match value.as_str() {
            "TYPE_INTEGER" | "1" => Self::Integer,
            "TYPE_FLOAT" | "2" => Self::Float,
            "TYPE_SECONDS" | "4" => Self::Seconds,
            "TYPE_CURRENCY" | "9" => Self::Currency,
            other => Self::Other(other.to_owned()),
        }
    }

    /// Google's name, such as `TYPE_INTEGER`; empty where a header has no type.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Integer => "TYPE_INTEGER",
            Self::Float => "TYPE_FLOAT",
            Self::Seconds => "TYPE_SECONDS",
            Self::Currency => "TYPE_CURRENCY",
            Self::Other(name) => name,
        }
    }
}

impl Part for MetricType {
    fn text(&mut self, text: &str) -> bool {
        *self = Self::new(&text.into());
        true
    }

    fn number(&mut self, number: i64) -> bool {
        self.text(&number.to_string())
    }
}

impl Serialize for MetricType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EnumValue::from(self.as_str()).serialize(serializer)
    }
}

impl Default for MetricType {
    /// What a header without a type has: `Other` of an empty name.
    fn default() -> Self {
        Self::Other(String::new())
    }
}

/// `DimensionHeader` and `MetricHeader` of the API; the first has no type.
#[derive(Clone, Debug, Default, Serialize)]
pub(in crate::analytics) struct Header {
    #[serde(skip_serializing_if = "is_default")]
    pub(in crate::analytics) name: String,
    #[serde(skip_serializing_if = "is_default")]
    r#type: EnumValue,
}

impl Header {
    /// The header that a column came from.
    pub(in crate::analytics) fn of(column: &Column) -> Self {
        let r#type = match &column.kind {
            ColumnKind::Dimension => EnumValue::default(),
            ColumnKind::Metric(kind) => kind.as_str().into(),
        };
        Self { name: column.name.clone(), r#type }
    }

    pub(in crate::analytics) fn dimension(self) -> Column {
        Column { name: self.name, kind: ColumnKind::Dimension }
    }

    pub(in crate::analytics) fn metric(self) -> Column {
        Column { name: self.name, kind: ColumnKind::Metric(MetricType::new(&self.r#type)) }
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
