//! The client: calls Analytics with tokens from any source, again if that may help, and by a deadline.

use super::answer::PropertyQuota;
use super::call::{Caller, Target};
use super::gate::{Gate, UNDER_WAY};
use super::ledger::{Category, Ledger};
use super::property::PropertyId;
use crate::authorize::Authorized;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::http::{Transport, UreqTransport, Url};
use crate::retry::RetryPolicy;
use crate::token_source::TokenSource;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long one report may take: 120 s. Reports over long spans take tens of seconds; Google's own client
/// gives them 60.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The longest time limit that counts: a day. Added to a clock's reading it must not overflow.
const MAX_TIMEOUT: Duration = Duration::from_secs(86_400);

/// How often a report is requested at most: twice. Each answer of 5xx is one of the ten server errors that a
/// property grants a project in an hour; the last of them would close it for the rest of the hour.
const ATTEMPTS: u32 = 2;

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
/// println!("{} in all", report.total::<u64>("screenPageViews")?); // the type says how to read the figure
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct Analytics(Arc<Caller>);

impl Analytics {
    /// A client of Google's API with tokens from `tokens`, over connections of its own. To use the same
    /// source elsewhere too, give clones of it away ([`Cached`](crate::Cached)), or of an `Arc` around it
    /// (any source).
    pub fn new(tokens: impl TokenSource + 'static) -> Self {
        Self::with_transport(tokens, UreqTransport::new())
    }

    /// The same over `transport`.
    pub fn with_transport(tokens: impl TokenSource + 'static, transport: impl Transport + 'static) -> Self {
        Self(Arc::new(Caller {
            http: Authorized::new(tokens, transport),
            clock: Arc::new(SystemClock),
            retry: RetryPolicy::default().with_attempts(ATTEMPTS),
            endpoint: None,
            timeout: TIMEOUT,
            max_body: MAX_BODY,
            ledger: Ledger::default(),
            gate: Gate::of_process(),
            under_way: UNDER_WAY,
            floor: 0,
        }))
    }

    /// Asks the service at `url` instead of Google's: a proxy, a fake. It must be https, or http with a
    /// loopback IP address. Tokens are sent there.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when `url` is neither.
    pub fn with_endpoint(mut self, url: &str) -> Result<Self, Error> {
        let url = Url::endpoint("API", url)?;
        let inner = Arc::make_mut(&mut self.0);
        inner.http = inner.http.clone().with_host_of(&url);
        inner.endpoint = Some(url);
        Ok(self)
    }

    /// How long one report may take in all, the token, every attempt and the waits between them included: 120
    /// s by default, a day at most.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.0).timeout = timeout.min(MAX_TIMEOUT);
        self
    }

    /// How often a report is requested: twice by default, the second time after up to a second. Each answer
    /// of 5xx is one of the ten server errors that Google grants a project on a property in an hour, so many
    /// attempts do harm. After five in an hour this process sends the property no request until the hour has
    /// passed: the error has the kind [`ErrorKind::Quota`](crate::ErrorKind::Quota).
    ///
    /// Whatever `policy` says, only network faults, answers of 5xx, bodies that end too soon, and quotas that
    /// are refilled within the policy's longest pause (too many requests at the same time: 1 to 5 s) are
    /// requested again: never a refusal, never because the token source failed, which has retries of its own.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        Arc::make_mut(&mut self.0).retry = policy;
        self
    }

    /// Leaves so many tokens of a property to other programs: 0 by default. A request is refused before it is
    /// sent when the last answer said that fewer tokens are left, for the day, the hour, or the hour of this
    /// project, until that quota is reset ([`Error::retry_at`]). What answers say is known of requests that
    /// ask for the quota, as those of `new()` do.
    #[must_use]
    pub fn with_quota_floor(mut self, tokens: u32) -> Self {
        Arc::make_mut(&mut self.0).floor = tokens;
        self
    }

    /// How many requests may be under way on one property at the same time: 5 by default, 0 counts as 1. All
    /// those of this process count. One more waits for its turn, within its [time](Self::with_timeout); when
    /// that passes, the error has the kind [`ErrorKind::Timeout`](crate::ErrorKind::Timeout).
    ///
    /// Google takes 10 at the same time of all programs together, and 50 for a property of Analytics 360.
    /// Each of them may end in one of the five server errors that this process spends in an hour. So after the
    /// first of these fewer are sent at the same time; and with more than 5 a fault of Google's may cost as
    /// many server errors.
    #[must_use]
    pub fn with_concurrent_requests(mut self, most: u32) -> Self {
        Arc::make_mut(&mut self.0).under_way = most;
        self
    }

    /// Takes the time from `clock`, which should be the token source's too; by default the system's. A client
    /// with a clock of its own counts requests and server errors of its own: its clones', not the process's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.clock = Arc::new(clock);
        inner.gate = Gate::default();
        inner.http = inner.http.clone().with_clock(Arc::clone(&inner.clock));
        self
    }

    /// How many bytes a report may have, decoded: 512 MiB by default.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.0).max_body = bytes;
        self
    }

    /// The property, by its id: a number, or a [`PropertyId`] parsed from text.
    pub fn property(&self, id: impl Into<PropertyId>) -> Property {
        Property { client: self.clone(), id: id.into() }
    }
}

impl fmt::Debug for Analytics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analytics")
            .field("identity", &self.0.http.identity())
            .field("endpoint", &self.0.endpoint)
            .field("timeout", &self.0.timeout)
            .finish_non_exhaustive()
    }
}

/// One property of [`Analytics`]: its methods are those of the API.
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

    /// What was left of the core quota (reports, pivot reports, both batches) when an answer last said so.
    /// Requests ask for it unless `return_property_quota(false)` is set; a quota that other programs share
    /// may be lower by now. `None` until an answer has said.
    #[must_use]
    pub fn last_quota(&self) -> Option<PropertyQuota> {
        self.caller().ledger.quota(self.id, Category::Core)
    }

    /// The same for the quota of realtime reports.
    #[must_use]
    pub fn last_realtime_quota(&self) -> Option<PropertyQuota> {
        self.caller().ledger.quota(self.id, Category::Realtime)
    }

    /// Keeps what an answer says about a quota.
    pub(super) fn saw_quota(&self, category: Category, quota: Option<&PropertyQuota>) {
        if let Some(quota) = quota {
            let caller = self.caller();
            caller.ledger.saw(self.id, category, *quota, caller.clock.now());
        }
    }

    /// Calls a method that only reads: posts `body` as JSON, or sends GET without one, to `rest` after the
    /// property's own path, such as `:runReport`.
    pub(super) fn read<T>(
        &self,
        what: &str,
        rest: &str,
        body: Option<&[u8]>,
        parse: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let path = format!("v1beta/properties/{}{rest}", self.id);
        self.caller().call(Target { what, property: self.id, path: &path, body, reads: true }, parse)
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.client.0
    }
}
