//! Where a download stopped, and how to go on from there.

use crate::analytics::property::PropertyId;
use crate::analytics::request::ReportRequest;
use crate::error::{Error, ErrorKind};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::error::Error as StdError;
use std::fmt::{self, Write as _};

/// Where a download goes on: give it to [`Pages::resume`](super::Pages::resume), in this process or, since it
/// serializes, in a later one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResumePoint {
    /// The offset of the first row that was not returned.
    pub offset: u64,
    /// How many rows the report had.
    pub row_count: u64,
    /// How Google counts the rows of several date ranges, as far as the pages told.
    pub(super) counting: Option<Counting>,
    /// The totals that the pages had.
    pub(super) totals: Vec<String>,
    /// A hash of property and request.
    pub(super) request: String,
}

impl fmt::Debug for ResumePoint {
    /// Where it is, not the figures.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumePoint")
            .field("offset", &self.offset)
            .field("row_count", &self.row_count)
            .finish_non_exhaustive()
    }
}

/// What `rowCount`, `limit` and `offset` count where a report has several date ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Counting {
    /// Rows that differ in nothing but the range, once.
    Keys,
    /// Every row.
    Rows,
}

/// What tells a request to a property from another, whatever its offset.
pub(super) fn hash(property: PropertyId, request: &ReportRequest) -> Result<String, Error> {
    let request = ReportRequest { offset: 0, ..request.clone() };
    let text = format!("{property} {}", request.effective()?);
    let mut hash = String::new();
    for byte in digest(&SHA256, text.as_bytes()).as_ref().iter().take(16) {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
    }
    Ok(hash)
}

/// Refuses a point of another report, and one that lies outside of it.
pub(super) fn check(point: &ResumePoint, property: PropertyId, request: &ReportRequest) -> Result<(), Error> {
    let end = point.row_count.saturating_add(request.limit.unwrap_or(0));
    if point.request == hash(property, request)? && (request.offset..=end).contains(&point.offset) {
        return Ok(());
    }
    let message = "the resume point is of another report";
    Err(Error::new(ErrorKind::Config, message)
        .with_hint("resume with the property and the request that the download began with, or begin anew"))
}

/// Why a download ended before its last page, as [`Error::cause`]: what was returned before stays right.
///
/// ```
/// # fn see(error: shortway::Error) {
/// use shortway::analytics::Interrupted;
///
/// if let Some(Interrupted { resume_point, .. }) = error.cause() {
///     println!("{} of {} rows are here", resume_point.offset, resume_point.row_count);
/// }
/// # }
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Interrupted {
    /// Where to go on.
    pub resume_point: ResumePoint,
    error: Error,
}

impl Interrupted {
    /// The same error, with the point as its first cause.
    pub(super) fn adds(resume_point: ResumePoint, error: Error) -> Error {
        error.clone().with_source(Self { resume_point, error })
    }
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResumePoint { offset, row_count, .. } = self.resume_point;
        write!(f, "the download stopped at offset {offset} of {row_count}")
    }
}

impl fmt::Debug for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupted").field("resume_point", &self.resume_point).finish_non_exhaustive()
    }
}

impl StdError for Interrupted {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
