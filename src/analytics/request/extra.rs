//! Fields of a request that this crate does not know.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields of a request that this crate does not know, for what Google adds tomorrow: see
/// [`ReportRequest::extra`](crate::analytics::ReportRequest::extra()).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Extra(BTreeMap<String, Value>);

impl Extra {
    /// Adds a field. What has no JSON is kept as null, and null is refused when the request is sent.
    pub(in crate::analytics) fn add(&mut self, name: impl Into<String>, value: impl Serialize) {
        self.0.insert(name.into(), serde_json::to_value(value).unwrap_or_default());
    }

    /// A field with a null anywhere in it, which Google does not expect and JSON makes of NaN.
    pub(in crate::analytics) fn null(&self) -> Option<&str> {
        self.0.iter().find(|(_, value)| has_null(value)).map(|(name, _)| name.as_str())
    }

    /// The names of the fields.
    pub(in crate::analytics) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        _ => false,
    }
}
