//! The client: asks Analytics with tokens from any source.

use super::property::PropertyId;
use super::refusal::refusal;
use super::report::{self, Report};
use super::request::ReportRequest;
use crate::authorize::Authorized;
use crate::error::{Error, ErrorKind};
use crate::http::{Request, Transport, UreqTransport, check_endpoint};
use crate::token_source::TokenSource;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Where the Data API lives.
const GOOGLE: &str = "https://analyticsdata.googleapis.com";

/// How long one report may take: 120 s. Reports over long spans take tens of seconds; Google's own client gives them 60.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The largest report body taken: 512 MiB decoded. The largest page, 250,000 rows, is a quarter of that.
const MAX_BODY: usize = 512 << 20;

/// A client of the Analytics Data API. Cloning copies a pointer; one client serves all threads.
///
/// ```no_run
/// use shortway::analytics::{Analytics, DateRange, OrderBy, ReportRequest};
/// use shortway::{ServiceAccountKey, scope};
///
/// #[derive(serde::Deserialize)]
/// struct Page {
///     #[serde(rename = "pagePath")]
///     path: String,
///     #[serde(rename = "screenPageViews")]
///     views: u64,
/// }
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).build()?;
/// let report = Analytics::new(tokens).property(1234).run_report(
///     &ReportRequest::new()
///         .dates(DateRange::last_days(30))
///         .dimensions(["pagePath"])
///         .metrics(["screenPageViews"])
///         .order_by(OrderBy::metric("screenPageViews").desc()),
/// )?;
/// for page in report.rows::<Page>() {
///     let page = page?;
///     println!("{} {}", page.views, page.path);
/// }
/// println!("{} in all", report.total::<u64>("screenPageViews")?);
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct Analytics(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    http: Authorized,
    endpoint: String,
    timeout: Duration,
    max_body: usize,
}

impl Analytics {
    /// A client that asks Google with tokens from `tokens`, over connections of its own.
    pub fn new(tokens: impl TokenSource + 'static) -> Self {
        Self::with_transport(tokens, UreqTransport::new())
    }

    /// The same over `transport`.
    pub fn with_transport(tokens: impl TokenSource + 'static, transport: impl Transport + 'static) -> Self {
        let http = Authorized::new(tokens, transport);
        Self(Arc::new(Inner { http, endpoint: GOOGLE.to_owned(), timeout: TIMEOUT, max_body: MAX_BODY }))
    }

    /// Asks the service at `url` instead of Google's: a proxy, a fake. It must be https, or http with a loopback IP
    /// address. Tokens are sent there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when `url` is neither.
    pub fn with_endpoint(mut self, url: &str) -> Result<Self, Error> {
        check_endpoint("API", url)?;
        Arc::make_mut(&mut self.0).endpoint = url.trim_end_matches('/').to_owned();
        Ok(self)
    }

    /// How long one report may take, from name resolution to the last byte: 120 s by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.0).timeout = timeout;
        self
    }

    /// How many bytes a report may have, decoded: 512 MiB by default.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.0).max_body = bytes;
        self
    }

    /// The property to ask about: a number, or a [`PropertyId`] parsed from text.
    pub fn property(&self, id: impl Into<PropertyId>) -> Property {
        Property { client: self.clone(), id: id.into() }
    }
}

impl fmt::Debug for Analytics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analytics")
            .field("http", &self.0.http)
            .field("endpoint", &self.0.endpoint)
            .finish_non_exhaustive()
    }
}

/// One property of [`Analytics`], to ask for reports.
#[derive(Clone, Debug)]
pub struct Property {
    client: Analytics,
    id: PropertyId,
}

impl Property {
    /// The property's id.
    #[must_use]
    pub fn id(&self) -> PropertyId {
        self.id
    }

    /// Runs a report and reads the whole answer: at most as many rows as the request's limit, or 10,000
    /// ([`Report::is_complete`] tells). Sends nothing but `request` itself, with `prettyPrint=false`, which halves the
    /// answer.
    ///
    /// # Errors
    /// Those of the token source; those of [`Transport::send`]; [`ErrorKind::Api`] when Analytics refuses (Google's
    /// message is in the text; for a 403 the hint names the account, the property and what to do), [`ErrorKind::Quota`],
    /// [`ErrorKind::Unavailable`]; [`ErrorKind::Schema`] when the answer is no report.
    pub fn run_report(&self, request: &ReportRequest) -> Result<Report, Error> {
        let client = &*self.client.0;
        let url = format!("{}/v1beta/properties/{}:runReport?prettyPrint=false", client.endpoint, self.id);
        let body = serde_json::to_vec(request)
            .map_err(|e| Error::new(ErrorKind::Other, "cannot write the report request").with_source(e))?;
        let response = client.http.send(&Request {
            url: &url,
            headers: &[("Content-Type", "application/json"), ("Accept", "application/json")],
            body: Some(&body),
            timeout: client.timeout,
            max_body: client.max_body,
            accept_gzip: true,
        })?;
        if response.status != 200 {
            return Err(refusal(&response, self.id, client.http.identity()));
        }
        report::parse(&response.body)
    }
}
