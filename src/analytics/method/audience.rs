//! Audience exports: who is in an audience, as of the moment of the export.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/properties.audienceExports>

use super::audience_export::{AudienceDimension, AudienceExport, AudienceExportState, AudienceExports};
use super::audience_rows::{AudienceQuery, AudienceRows};
use crate::analytics::call::Target;
use crate::analytics::client::Property;
use crate::analytics::document;
use crate::analytics::wire::{Message, Part};
use crate::error::{Error, ErrorKind, scrub};
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
        let message = format!("`{}` is not an audience export of property {}", scrub(name), self.id());
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
