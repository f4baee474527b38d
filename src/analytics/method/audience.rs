//! Audience exports: who is in an audience, as of the moment of the export.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties.audienceExports>

use crate::analytics::answer::{Column, EnumValue};
use crate::analytics::call::Target;
use crate::analytics::client::Property;
use crate::analytics::document;
use crate::analytics::report::AudienceBody;
use crate::analytics::request::{Check, Extra};
use crate::analytics::rows::Rows;
use crate::analytics::wire::{Message, Part, as_text, is_default, is_zero, some_as_text, some_float};
use crate::error::{Error, ErrorKind, scrub};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

impl Property {
    /// Begins to export the users of an audience; gives the new export, which takes minutes to become ready.
    /// `audience` is a resource name, `properties/1234/audiences/5678`; dimensions are `deviceId`,
    /// `isAdsPersonalizationAllowed` and the like.
    ///
    /// An export costs tokens of the core quota, so this call is repeated only if it did not reach Google.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// let export = property.create_audience_export("properties/1234/audiences/5678", ["deviceId"])?;
    /// let export = property.ready_audience_export(&export.name, Duration::from_secs(900))?;
    /// let users = property.query_audience_export(&export.name, &Default::default())?;
    /// for user in users.rows::<(String,)>() {
    ///     println!("{}", user?.0);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn create_audience_export<S: Into<String>>(
        &self,
        audience: impl Into<String>,
        dimensions: impl IntoIterator<Item = S>,
    ) -> Result<AudienceExport, Error> {
        let dimension = |name: S| AudienceDimension { dimension_name: name.into() };
        let dimensions = dimensions.into_iter().map(dimension).collect();
        let export = AudienceExport { audience: audience.into(), dimensions, ..AudienceExport::default() };
        let body = super::json("audience export", &export)?;
        let path = format!("v1beta/properties/{}/audienceExports", self.id());
        let what = "the new audience export";
        let target = Target { what, property: self.id(), path: &path, body: Some(&body), reads: false };
        let operation: Operation = self.caller().call(target, |body| document::read(body, "operation"))?;
        operation.export()
    }

    /// An export as it is now. `name` is its resource name or the last part of that.
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn audience_export(&self, name: &str) -> Result<AudienceExport, Error> {
        let path = format!("/audienceExports/{}", self.export_id(name)?);
        self.read(WHAT, &path, None, |body| document::read(body, "audience export"))
    }

    /// The exports of the property: of one page, 200 by default and 1,000 at most. `page_token` is
    /// [`AudienceExports::next_page_token`] of the page before.
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report).
    pub fn audience_exports(
        &self,
        page_size: Option<u32>,
        page_token: Option<&str>,
    ) -> Result<AudienceExports, Error> {
        let size = page_size.map(|size| format!("pageSize={size}"));
        let token = page_token.map(|token| format!("pageToken={}", escaped(token)));
        let query: Vec<String> = size.into_iter().chain(token).collect();
        let separator = if query.is_empty() { "" } else { "?" };
        let path = format!("/audienceExports{separator}{}", query.join("&"));
        self.read("the list of audience exports", &path, None, |body| {
            document::read(body, "list of audience exports")
        })
    }

    /// Users of an export that is ready.
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report); [`ErrorKind::Api`] when the export is not ready yet.
    pub fn query_audience_export(&self, name: &str, query: &AudienceQuery) -> Result<AudienceRows, Error> {
        let path = format!("/audienceExports/{}:query", self.export_id(name)?);
        query.check()?;
        let body = super::json("audience query", query)?;
        self.read("the rows of the audience export", &path, Some(&body), AudienceRows::from_json)
    }

    /// Waits until an export is ready, for `wait` at most: looks at it after 2 s, then after pauses that
    /// double up to 30 s.
    ///
    /// # Errors
    /// As [`run_report`](Self::run_report); [`ErrorKind::Timeout`] when it is not ready in time, then the
    /// same call can be made again; [`ErrorKind::Api`] when Google could not make it.
    pub fn ready_audience_export(&self, name: &str, wait: Duration) -> Result<AudienceExport, Error> {
        let clock = &*self.caller().clock;
        let begun = clock.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let export = self.audience_export(name)?;
            match export.state {
                Some(AudienceExportState::Active) => return Ok(export),
                Some(AudienceExportState::Failed) => return Err(export.failure()),
                _ => {}
            }
            let left = wait.saturating_sub(clock.monotonic().duration_since(begun));
            if left.is_zero() {
                return Err(export.lateness(wait));
            }
            clock.sleep(pause.min(left));
            pause = (pause * 2).min(LAST_PAUSE);
        }
    }

    /// The id of an export of this property, fit for a path.
    fn export_id<'n>(&self, name: &'n str) -> Result<&'n str, Error> {
        let parent = format!("properties/{}/audienceExports/", self.id());
        let id = name.strip_prefix(&parent).unwrap_or(name);
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if id.bytes().all(is_plain) && id.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Ok(id);
        }
        let message = format!("`{}` is no audience export of property {}", scrub(name), self.id());
        let hint = format!("give the name as create_audience_export returns it: {parent}…");
        Err(Error::new(ErrorKind::Config, message).with_hint(hint))
    }
}

const WHAT: &str = "the audience export";

/// How long the first pause is while an export is waited for: 2 s. Small audiences take that long.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// How long a pause is at most: 30 s. Large audiences take a quarter of an hour.
const LAST_PAUSE: Duration = Duration::from_secs(30);

/// A text as part of a query: all but letters and digits as `%XX` (RFC 3986 §2.1).
fn escaped(text: &str) -> String {
    let byte = |b: u8| match b {
        b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~') => char::from(b).to_string(),
        b => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

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

    fn failure(&self) -> Error {
        let why = self.error_message.as_deref().map_or("Google does not say why".into(), scrub);
        let message = format!("Analytics failed to make the audience export `{}`: {why}", scrub(&self.name));
        Error::new(ErrorKind::Api, message).with_hint("create another one")
    }

    fn lateness(&self, wait: Duration) -> Error {
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

/// Which users of an export are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AudienceQuery {
    /// How many rows are skipped: 0 by default.
    #[serde(skip_serializing_if = "is_zero", serialize_with = "as_text")]
    pub offset: u64,
    /// How many rows at most: 10,000 by default, 250,000 at most.
    #[serde(skip_serializing_if = "is_default", serialize_with = "some_as_text")]
    pub limit: Option<u64>,
    /// Fields that this crate does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AudienceQuery {
    /// From the first user on, with Google's limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Skips so many rows.
    #[must_use]
    pub fn offset(mut self, rows: u64) -> Self {
        self.offset = rows;
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, rows: u64) -> Self {
        self.limit = Some(rows);
        self
    }

    /// Adds a field that this crate does not know, as
    /// [`ReportRequest::extra`](crate::analytics::ReportRequest::extra()).
    #[must_use]
    pub fn extra(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.extra.add(name, value);
        self
    }

    fn check(&self) -> Result<(), Error> {
        let check = Check { what: "audience query", dimensions: &[], metrics: &[] };
        check.extra(&self.extra, || Self { extra: Extra::default(), ..self.clone() })
    }
}

/// Users of an audience export.
#[derive(Clone)]
pub struct AudienceRows {
    body: AudienceBody,
    export: Option<AudienceExport>,
}

impl AudienceRows {
    /// Reads the body of an answer, for a program with an HTTP client of its own.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] when `body` is no answer to a query of an audience export, or contradicts
    /// itself.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        let mut export: Option<AudienceExport> = None;
        let mut body = AudienceBody::read(body, &mut export)?;
        let dimensions = export.iter().flat_map(|export| &export.dimensions);
        body.name_columns(dimensions.map(|dimension| dimension.dimension_name.as_str()))?;
        Ok(Self { body, export })
    }

    /// The users, each as a value of the caller's type: see
    /// [`Report::rows`](crate::analytics::Report::rows).
    pub fn rows<'r, T: Deserialize<'r>>(&'r self) -> Rows<'r, T> {
        Rows::new(&self.body.columns, &self.body.rows)
    }

    /// The columns of the rows.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.body.columns
    }

    /// The export that the rows are of.
    #[must_use]
    pub fn export(&self) -> Option<&AudienceExport> {
        self.export.as_ref()
    }

    /// How many rows there are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.rows.rows()
    }

    /// Whether there is no row here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many rows the export has in all, if Google says so.
    #[must_use]
    pub fn row_count(&self) -> Option<i64> {
        self.body.row_count
    }
}

impl Serialize for AudienceRows {
    /// The JSON of Google's `QueryAudienceExportResponse`. An empty cell is written as `{"value": ""}`, also
    /// where it came without a value.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body.write(&self.export, serializer)
    }
}

impl fmt::Debug for AudienceRows {
    /// Columns and counts, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AudienceRows")
            .field("columns", &self.body.columns)
            .field("len", &self.len())
            .field("row_count", &self.row_count())
            .finish_non_exhaustive()
    }
}

/// The answer to the creation of an export: a long-running operation (AIP-151).
#[derive(Default)]
struct Operation {
    name: String,
    error: Option<Fault>,
    response: Option<AudienceExport>,
}

#[derive(Default)]
struct Fault {
    message: String,
}

impl Operation {
    fn export(self) -> Result<AudienceExport, Error> {
        if let Some(fault) = self.error {
            let message = format!("Analytics failed to make the audience export: {}", scrub(&fault.message));
            return Err(Error::new(ErrorKind::Api, message));
        }
        match self.response.filter(|export| !export.name.is_empty()) {
            Some(export) => Ok(export),
            None => {
                Err(document::schema("audience export", "it does not name the new one").with_hint(format!(
                    "see which exports there are with audience_exports; the operation is `{}`",
                    scrub(&self.name)
                )))
            }
        }
    }
}

impl Message for Operation {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "name" => Some(&mut self.name),
            "error" => Some(&mut self.error),
            "response" => Some(&mut self.response),
            _ => None,
        }
    }
}

impl Message for Fault {
    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        match key {
            "message" => Some(&mut self.message),
            _ => None,
        }
    }
}
