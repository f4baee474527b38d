//! `checkCompatibility`: which dimensions and metrics go with those of a request.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties/checkCompatibility>

use super::metadata::{DimensionMetadata, MetricMetadata};
use crate::analytics::answer::EnumValue;
use crate::analytics::client::Property;
use crate::analytics::document;
use crate::analytics::request::{Check, Dimension, Extra, FilterExpression, Metric};
use crate::analytics::wire::{Message, Part, is_default};
use crate::error::Error;
use serde::{Serialize, Serializer};

impl Property {
    /// Which dimensions and metrics can be added to those of `request`. Google's answer is advice: a report
    /// may still be refused.
    ///
    /// ```no_run
    /// use shortway::analytics::{Compatibility, CompatibilityRequest};
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let request = CompatibilityRequest::new()
    ///     .dimensions(["itemName"])
    ///     .metrics(["sessions"])
    ///     .compatibility_filter(Compatibility::Incompatible);
    /// for metric in property.check_compatibility(&request)?.metric_compatibilities {
    ///     println!("{} does not go with them", metric.metric_metadata.unwrap_or_default().api_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn check_compatibility(&self, request: &CompatibilityRequest) -> Result<CompatibilityReport, Error> {
        request.check()?;
        let body = super::json("compatibility request", request)?;
        let what = "the compatibility check";
        self.read(what, ":checkCompatibility", Some(&body), CompatibilityReport::from_json)
    }
}

/// Which dimensions and metrics shall go together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CompatibilityRequest {
    /// The dimensions of a report.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<Dimension>,
    /// Its metrics.
    #[serde(skip_serializing_if = "is_default")]
    pub metrics: Vec<Metric>,
    /// Its filter of dimensions.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_filter: Option<FilterExpression>,
    /// Its filter of metrics.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_filter: Option<FilterExpression>,
    /// Only fields of this compatibility are listed; all by default.
    #[serde(skip_serializing_if = "is_default")]
    pub compatibility_filter: Option<Compatibility>,
    /// Fields that this crate does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl CompatibilityRequest {
    /// An empty request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds dimensions, by API name.
    #[must_use]
    pub fn dimensions<D: Into<Dimension>>(mut self, dimensions: impl IntoIterator<Item = D>) -> Self {
        self.dimensions.extend(dimensions.into_iter().map(Into::into));
        self
    }

    /// Adds metrics, by API name.
    #[must_use]
    pub fn metrics<M: Into<Metric>>(mut self, metrics: impl IntoIterator<Item = M>) -> Self {
        self.metrics.extend(metrics.into_iter().map(Into::into));
        self
    }

    /// The filter of dimensions; a second call narrows it further.
    #[must_use]
    pub fn dimension_filter(mut self, filter: FilterExpression) -> Self {
        self.dimension_filter = FilterExpression::narrowed(self.dimension_filter, filter);
        self
    }

    /// The filter of metrics; a second call narrows it further.
    #[must_use]
    pub fn metric_filter(mut self, filter: FilterExpression) -> Self {
        self.metric_filter = FilterExpression::narrowed(self.metric_filter, filter);
        self
    }

    /// Lists only fields of this compatibility.
    #[must_use]
    pub fn compatibility_filter(mut self, compatibility: Compatibility) -> Self {
        self.compatibility_filter = Some(compatibility);
        self
    }

    /// Adds a field that this crate does not know, by Google's name for it.
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra.add(name, value);
        self
    }

    /// The JSON that will be sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the request would be refused before it is sent.
    pub fn effective(&self) -> Result<String, Error> {
        self.check()?;
        super::text("compatibility request", self)
    }

    fn check(&self) -> Result<(), Error> {
        let check =
            Check { what: "compatibility request", dimensions: &self.dimensions, metrics: &self.metrics };
        check.columns()?;
        check.filters(self.dimension_filter.as_ref(), self.metric_filter.as_ref())?;
        check.extra(&self.extra, || Self { extra: Extra::default(), ..self.clone() })
    }
}

/// Which dimensions and metrics can be added to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CompatibilityReport {
    /// The dimensions.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_compatibilities: Vec<DimensionCompatibility>,
    /// The metrics.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_compatibilities: Vec<MetricCompatibility>,
}

impl CompatibilityReport {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        document::read(body, "compatibility check")
    }
}

impl Message for CompatibilityReport {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "dimensionCompatibilities" => Some(&mut self.dimension_compatibilities),
            "metricCompatibilities" => Some(&mut self.metric_compatibilities),
            _ => None,
        }
    }
}

/// A dimension, and whether it goes with the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DimensionCompatibility {
    /// The dimension.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_metadata: Option<DimensionMetadata>,
    /// Whether it goes with the request.
    #[serde(skip_serializing_if = "is_default")]
    pub compatibility: Option<Compatibility>,
}

impl Message for DimensionCompatibility {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "dimensionMetadata" => Some(&mut self.dimension_metadata),
            "compatibility" => Some(&mut self.compatibility),
            _ => None,
        }
    }

    fn most_items() -> usize {
        <DimensionMetadata as Message>::most_items()
    }
}

/// A metric, and whether it goes with the request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct MetricCompatibility {
    /// The metric.
    #[serde(skip_serializing_if = "is_default")]
    pub metric_metadata: Option<MetricMetadata>,
    /// Whether it goes with the request.
    #[serde(skip_serializing_if = "is_default")]
    pub compatibility: Option<Compatibility>,
}

impl Message for MetricCompatibility {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "metricMetadata" => Some(&mut self.metric_metadata),
            "compatibility" => Some(&mut self.compatibility),
            _ => None,
        }
    }

    fn most_items() -> usize {
        <MetricMetadata as Message>::most_items()
    }
}

/// Whether a field goes with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compatibility {
    /// It does.
    Compatible,
    /// It does not.
    Incompatible,
    /// Anything else, by Google's name.
    Other(EnumValue),
}

impl Compatibility {
    fn new(value: &str) -> Self {
        match value {
            "COMPATIBLE" | "1" => Self::Compatible,
            "INCOMPATIBLE" | "2" => Self::Incompatible,
            other => Self::Other(other.into()),
        }
    }
}

impl Default for Compatibility {
    fn default() -> Self {
        Self::Other(EnumValue::default())
    }
}

impl Part for Compatibility {
    fn text(&mut self, text: &str) -> bool {
        *self = Self::new(text);
        true
    }

    fn number(&mut self, number: i64) -> bool {
        self.text(&number.to_string())
    }
}

impl Serialize for Compatibility {
    /// Google's name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Compatible => serializer.serialize_str("COMPATIBLE"),
            Self::Incompatible => serializer.serialize_str("INCOMPATIBLE"),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}
