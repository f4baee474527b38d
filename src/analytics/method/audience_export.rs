//! An audience export as Google describes it: its columns, its state.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties.audienceExports>

use crate::analytics::answer::EnumValue;
use crate::analytics::document;
use crate::analytics::wire::{Message, Part, is_default, some_float};
use crate::error::{Error, ErrorKind, scrub};
use serde::{Serialize, Serializer};
use std::time::Duration;

/// An export of the users of an audience.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AudienceExport {
    /// The resource: `properties/1234/audienceExports/5678`.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// The audience: `properties/1234/audiences/5678`.
    #[serde(skip_serializing_if = "is_default")]
    pub audience: String,
    /// The audience's name in Google Analytics.
    #[serde(skip_serializing_if = "is_default")]
    pub audience_display_name: String,
    /// The columns.
    #[serde(skip_serializing_if = "is_default")]
    pub dimensions: Vec<AudienceDimension>,
    /// Whether it is ready.
    #[serde(skip_serializing_if = "is_default")]
    pub state: Option<AudienceExportState>,
    /// When it was begun, RFC 3339, UTC.
    #[serde(skip_serializing_if = "is_default")]
    pub begin_creating_time: Option<String>,
    /// How many tokens it cost.
    #[serde(skip_serializing_if = "is_default")]
    pub creation_quota_tokens_charged: i32,
    /// How many users are in it.
    #[serde(skip_serializing_if = "is_default")]
    pub row_count: Option<i32>,
    /// Why it failed.
    #[serde(skip_serializing_if = "is_default")]
    pub error_message: Option<String>,
    /// How far it is, from 0 to 100.
    #[serde(skip_serializing_if = "is_default", serialize_with = "some_float")]
    pub percentage_completed: Option<f64>,
}

impl AudienceExport {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] when `body` is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        document::read(body, "audience export")
    }

    pub(super) fn failure(&self) -> Error {
        let why = self.error_message.as_deref().map_or("Google does not say why".into(), scrub);
        let message = format!("Analytics failed to make the audience export `{}`: {why}", scrub(&self.name));
        Error::new(ErrorKind::Api, message).with_hint("create another one")
    }

    pub(super) fn lateness(&self, wait: Duration) -> Error {
        let name = scrub(&self.name);
        let done = self.percentage_completed.map(|done| format!(" ({done:.0} % done)")).unwrap_or_default();
        let message = format!("the audience export `{name}` is not ready after {} s{done}", wait.as_secs());
        Error::new(ErrorKind::Timeout, message).with_hint("wait for it again: it goes on being made")
    }
}

impl Message for AudienceExport {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "name" => Some(&mut self.name),
            "audience" => Some(&mut self.audience),
            "audienceDisplayName" => Some(&mut self.audience_display_name),
            "dimensions" => Some(&mut self.dimensions),
            "state" => Some(&mut self.state),
            "beginCreatingTime" => Some(&mut self.begin_creating_time),
            "creationQuotaTokensCharged" => Some(&mut self.creation_quota_tokens_charged),
            "rowCount" => Some(&mut self.row_count),
            "errorMessage" => Some(&mut self.error_message),
            "percentageCompleted" => Some(&mut self.percentage_completed),
            _ => None,
        }
    }

    fn most_items() -> usize {
        1000
    }
}

/// A column of an audience export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AudienceDimension {
    /// The API name, such as `deviceId`.
    #[serde(skip_serializing_if = "is_default")]
    pub dimension_name: String,
}

impl Message for AudienceDimension {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "dimensionName" => Some(&mut self.dimension_name),
            _ => None,
        }
    }
}

/// Whether an audience export is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AudienceExportState {
    /// It is being made.
    Creating,
    /// It is ready.
    Active,
    /// It could not be made.
    Failed,
    /// Anything else, by Google's name.
    Other(EnumValue),
}

impl Default for AudienceExportState {
    fn default() -> Self {
        Self::Other(EnumValue::default())
    }
}

impl Part for AudienceExportState {
    fn text(&mut self, text: &str) -> bool {
        *self = match text {
            "CREATING" | "1" => Self::Creating,
            "ACTIVE" | "2" => Self::Active,
            "FAILED" | "3" => Self::Failed,
            other => Self::Other(other.into()),
        };
        true
    }

    fn number(&mut self, number: i64) -> bool {
        self.text(&number.to_string())
    }
}

impl Serialize for AudienceExportState {
    /// Google's name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Creating => serializer.serialize_str("CREATING"),
            Self::Active => serializer.serialize_str("ACTIVE"),
            Self::Failed => serializer.serialize_str("FAILED"),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

/// One page of the exports of a property.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AudienceExports {
    /// The exports, the first 1,000.
    #[serde(skip_serializing_if = "is_default")]
    pub audience_exports: Vec<AudienceExport>,
    /// The token of the next page, if there is one.
    #[serde(skip_serializing_if = "is_default")]
    pub next_page_token: Option<String>,
}

impl AudienceExports {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] when `body` is no JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        document::read(body, "list of audience exports")
    }
}

impl Message for AudienceExports {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "audienceExports" => Some(&mut self.audience_exports),
            "nextPageToken" => Some(&mut self.next_page_token),
            _ => None,
        }
    }
}
