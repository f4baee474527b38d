//! The users in an audience export.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties.audienceExports/query>

use super::audience_export::AudienceExport;
use crate::analytics::answer::Column;
use crate::analytics::report::AudienceBody;
use crate::analytics::request::{Check, Extra};
use crate::analytics::rows::Rows;
use crate::analytics::wire::{as_text, is_default, is_zero, some_as_text};
use crate::error::Error;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

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

    pub(super) fn check(&self) -> Result<(), Error> {
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
    /// [`ErrorKind::Schema`](crate::ErrorKind::Schema) when `body` is not a response to a query of an
    /// audience export, or contradicts itself.
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
    /// The JSON of Google's `QueryAudienceExportResponse`: the same message as was read.
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
