//! `getMetadata`: which dimensions and metrics a property has.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/getMetadata>

use crate::analytics::answer::{EnumValue, MetricType};
use crate::analytics::client::{Analytics, Property};
use crate::analytics::document;
use crate::analytics::wire::{Message, Part, is_default};
use crate::error::Error;
use serde::Serialize;

/// How many fields of a kind are kept: 10,000. A property has a few hundred, and as many custom ones at most.
const MAX_FIELDS: usize = 10_000;

impl Property {
    /// The dimensions and metrics that can be requested of this property, its custom ones included.
    ///
    /// ```no_run
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// for dimension in property.metadata()?.dimensions {
    ///     println!("{}: {}", dimension.api_name, dimension.description);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn metadata(&self) -> Result<Metadata, Error> {
        self.read("the list of dimensions and metrics", "/metadata", None, Metadata::from_json)
    }
}

impl Analytics {
    /// The dimensions and metrics that all properties have: the metadata of the property 0.
    ///
    /// # Errors
    /// As [`Property::run_report`].
    pub fn common_metadata(&self) -> Result<Metadata, Error> {
        self.property(0).metadata()
    }
}

/// The dimensions, metrics and comparisons of a property.
///
/// Of each list the first 10,000 are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Metadata {
    /// The resource: `properties/1234/metadata`.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// What can be grouped by.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<DimensionMetadata>,
    /// What is counted.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Vec<MetricMetadata>,
    /// Saved comparisons.
    #[serde(skip_serializing_if = "is_default")]
    pub comparisons: Vec<ComparisonMetadata>,
}

impl Metadata {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        document::read(body, "metadata")
    }

    /// The dimension of this API name, or that once had it.
    #[must_use]
    pub fn dimension(&self, name: &str) -> Option<&DimensionMetadata> {
        let is_now = |d: &&DimensionMetadata| d.api_name == name;
        let was = |d: &&DimensionMetadata| d.deprecated_api_names.iter().any(|old| old == name);
        self.dimensions.iter().find(is_now).or_else(|| self.dimensions.iter().find(was))
    }

    /// The metric of this API name, or that once had it.
    #[must_use]
    pub fn metric(&self, name: &str) -> Option<&MetricMetadata> {
        let is_now = |m: &&MetricMetadata| m.api_name == name;
        let was = |m: &&MetricMetadata| m.deprecated_api_names.iter().any(|old| old == name);
        self.metrics.iter().find(is_now).or_else(|| self.metrics.iter().find(was))
    }
}

impl Message for Metadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "name" => Some(&mut self.name),
            "dimensions" => Some(&mut self.dimensions),
            "metrics" => Some(&mut self.metrics),
            "comparisons" => Some(&mut self.comparisons),
            _ => None,
        }
    }
}

/// A dimension that can be requested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DimensionMetadata {
    /// The name for requests, such as `pagePath`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_name: String,
    /// The name in Google Analytics, such as "Page path".
    #[serde(skip_serializing_if = "is_default")]
    pub ui_name: String,
    /// What it is.
    #[serde(skip_serializing_if = "is_default")]
    pub description: String,
    /// Names that it had before; requests may still use them.
    #[serde(skip_serializing_if = "is_default")]
    pub deprecated_api_names: Vec<String>,
    /// Whether the property defines it itself.
    #[serde(skip_serializing_if = "is_default")]
    pub custom_definition: bool,
    /// The group in which Google Analytics shows it.
    #[serde(skip_serializing_if = "is_default")]
    pub category: String,
}

impl Message for DimensionMetadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "apiName" => Some(&mut self.api_name),
            "uiName" => Some(&mut self.ui_name),
            "description" => Some(&mut self.description),
            "deprecatedApiNames" => Some(&mut self.deprecated_api_names),
            "customDefinition" => Some(&mut self.custom_definition),
            "category" => Some(&mut self.category),
            _ => None,
        }
    }

    fn most_items() -> usize {
        MAX_FIELDS
    }
}

/// A metric that can be requested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricMetadata {
    /// The name for requests, such as `screenPageViews`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_name: String,
    /// The name in Google Analytics, such as "Views".
    #[serde(skip_serializing_if = "is_default")]
    pub ui_name: String,
    /// What it counts.
    #[serde(skip_serializing_if = "is_default")]
    pub description: String,
    /// Names that it had before; requests may still use them.
    #[serde(skip_serializing_if = "is_default")]
    pub deprecated_api_names: Vec<String>,
    /// What its figures are.
    #[serde(skip_serializing_if = "is_default")]
    pub r#type: MetricType,
    /// The formula of a calculated metric.
    #[serde(skip_serializing_if = "is_default")]
    pub expression: String,
    /// Whether the property defines it itself.
    #[serde(skip_serializing_if = "is_default")]
    pub custom_definition: bool,
    /// Why the account may not see it, by Google's names: `NO_REVENUE_METRICS`, `NO_COST_METRICS`.
    #[serde(skip_serializing_if = "is_default")]
    pub blocked_reasons: Vec<EnumValue>,
    /// The group in which Google Analytics shows it.
    #[serde(skip_serializing_if = "is_default")]
    pub category: String,
}

impl Message for MetricMetadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "apiName" => Some(&mut self.api_name),
            "uiName" => Some(&mut self.ui_name),
            "description" => Some(&mut self.description),
            "deprecatedApiNames" => Some(&mut self.deprecated_api_names),
            "type" => Some(&mut self.r#type),
            "expression" => Some(&mut self.expression),
            "customDefinition" => Some(&mut self.custom_definition),
            "blockedReasons" => Some(&mut self.blocked_reasons),
            "category" => Some(&mut self.category),
            _ => None,
        }
    }

    fn most_items() -> usize {
        MAX_FIELDS
    }
}

/// A saved comparison, for [`Comparison::saved`](crate::analytics::Comparison::saved).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ComparisonMetadata {
    /// The name for requests: `comparisons/1234`.
    #[serde(skip_serializing_if = "is_default")]
    pub api_name: String,
    /// The name in Google Analytics.
    #[serde(skip_serializing_if = "is_default")]
    pub ui_name: String,
    /// What it compares.
    #[serde(skip_serializing_if = "is_default")]
    pub description: String,
}

impl Message for ComparisonMetadata {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "apiName" => Some(&mut self.api_name),
            "uiName" => Some(&mut self.ui_name),
            "description" => Some(&mut self.description),
            _ => None,
        }
    }

    fn most_items() -> usize {
        MAX_FIELDS
    }
}
