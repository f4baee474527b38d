//! A fake Google on loopback: real HTTP, real signatures, made-up rows.
//!
//! In: requests as Google's documentation has them. Out: answers in Google's words and shapes. It is strict
//! on purpose: a claim that is wrong, a field that it does not know, a question that it cannot evaluate is
//! refused, so that a test never passes by luck.

mod answer;
mod api;
mod audience;
mod builder;
mod columns;
mod dates;
mod enums;
mod fault;
mod filter;
mod identity;
mod load;
mod matching;
mod number;
mod order;
mod pivot;
mod quota;
mod refusal;
mod report;
mod shared;
mod table;
mod token;
mod token_refusal;
mod wire;

pub use builder::FakeGoogleBuilder;
pub use fault::Fault;
pub use matching::Matching;
pub use quota::FakeQuota;
pub use table::FakeTable;
pub use token_refusal::TokenRefusal;

use super::key::{THROW_AWAY_KEY_JSON, throw_away_key};
use super::server::{Certificate, FakeRequest, Server};
use crate::error::{Error, ErrorKind};
use crate::http::UreqTransport;
use crate::key::ServiceAccountKey;
use serde_json::Value;
use shared::Shared;
use std::fmt;
use std::sync::Arc;

/// A token endpoint and an Analytics API on loopback, until dropped.
///
/// The token endpoint verifies the assertion's signature with the public half of [`throw_away_key`] and
/// checks every claim; its ID tokens are signed with the same key. Its API also takes a JWT that this key has
/// signed itself (AIP-4111). It checks the token and answers from the rows of a [`FakeTable`]: it selects,
/// filters, groups and sums, orders (rows that tie come in another order each time), cuts by offset and
/// limit, and adds totals, maximums and minimums. What it cannot evaluate (cohorts, comparisons, expressions
/// of metrics, other currencies) it refuses with status 501 and says so.
///
/// It has `runReport`, `runPivotReport`, both batches, `runRealtimeReport` (a column `minutesAgo`, `00` to
/// `29`, makes minute ranges work), `getMetadata`, `checkCompatibility`, the quotas snapshot, and audience
/// exports of each [`audience`](FakeGoogleBuilder::audience).
///
/// Its answers have the shapes of Google's: an aggregate over no rows is an empty object, the row count of
/// several date ranges counts a row once, zeros are left out, and there are keys that are not documented.
/// With the feature `gzip` they are packed for a client that accepts gzip and says `gzip` in its
/// `User-Agent`; enum values are numbers for one that asks for them with `$alt=json;enum-encoding=int`.
///
/// A [`Fault`] makes it fail as servers do, [`FakeQuota`] as a property whose tokens are used up.
///
/// ```
/// # #[cfg(not(feature = "analytics"))]
/// # fn main() {}
/// # #[cfg(feature = "analytics")]
/// # fn main() -> Result<(), shortway::Error> {
/// use shortway::analytics::{Analytics, DateRange, ReportRequest};
/// use shortway::testing::{FakeGoogle, FakeTable};
/// use shortway::scope;
///
/// let google = FakeGoogle::builder()
///     .property(1234, FakeTable::new(["country"], ["sessions"]).row(["Italy"], [7]).row(["Chile"], [3]))
///     .start()?;
/// let tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
///     .token_endpoint(google.token_url())
///     .build()?;
/// let analytics = Analytics::new(tokens).with_endpoint(&google.api_url())?;
/// let report = analytics.property(1234).run_report(
///     &ReportRequest::new().dates(DateRange::last_days(7)).dimensions(["country"]).metrics(["sessions"]),
/// )?;
/// assert_eq!(report.rows::<(String, u64)>().next().unwrap()?, ("Italy".to_owned(), 7));
/// assert_eq!(report.total::<u64>("sessions")?, 10);
/// assert_eq!(google.reports_asked()[0]["dimensions"], serde_json::json!([{"name": "country"}]));
/// # Ok(())
/// # }
/// ```
pub struct FakeGoogle {
    shared: Arc<Shared>,
    server: Server,
    certificate: Option<Certificate>,
}

impl FakeGoogle {
    /// Starts the choice of what it knows.
    pub fn builder() -> FakeGoogleBuilder {
        FakeGoogleBuilder::new()
    }

    /// The one key that it knows: [`throw_away_key`].
    #[must_use]
    pub fn key(&self) -> ServiceAccountKey {
        throw_away_key()
    }

    /// The same as the text of a key file whose `token_uri` is this fake's, for programs that read one. (This
    /// crate takes no `token_uri` but Google's from a key file: give it [`token_url`](Self::token_url).)
    #[must_use]
    pub fn key_json(&self) -> String {
        THROW_AWAY_KEY_JSON.replace("https://oauth2.googleapis.com/token", &self.token_url())
    }

    /// The URL of its token endpoint, for `token_endpoint`.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/token", self.shared.address)
    }

    /// The URL of its API, for `with_endpoint`. `/tokeninfo`, `/revoke` and `/oauth2/v3/certs` (the public
    /// keys of its ID tokens) are under the same.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.shared.address.clone()
    }

    /// The authority of its certificate, a PEM block `CERTIFICATE`, for clients in any language; `None`
    /// without [`https`](FakeGoogleBuilder::https).
    #[must_use]
    pub fn root_certificate(&self) -> Option<&str> {
        self.certificate.as_ref().map(Certificate::root_pem)
    }

    /// A transport that trusts this fake's certificate and no other. Each call makes one with connections of
    /// its own.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] without [`https`](FakeGoogleBuilder::https).
    pub fn transport(&self) -> Result<UreqTransport, Error> {
        let root = self.root_certificate().ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "the fake Google has no certificate: it was started without `https`",
            )
        })?;
        UreqTransport::with_root_certificates(root.as_bytes())
    }

    /// A fake that answers every request by this fault: a server for a test of what a client makes of an
    /// answer.
    ///
    /// ```
    /// use shortway::testing::{FakeGoogle, Fault};
    ///
    /// let server = FakeGoogle::playing(Fault::html(502))?;
    /// # let _ = server;
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`start`](FakeGoogleBuilder::start).
    pub fn playing(fault: Fault) -> Result<Self, Error> {
        let google = Self::builder().start()?;
        google.fault(fault.always());
        Ok(google)
    }

    /// Plays a fault on the next request that it is for; see [`Fault`].
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Ends all faults that wait, those of [`answer_next_token`](Self::answer_next_token) and
    /// [`answer_next_report`](Self::answer_next_report) included.
    pub fn clear_faults(&self) {
        self.shared.state().faults.clear();
    }

    /// Sets what is left of a quota of a property: from then on it runs out, and a request that finds it
    /// empty is answered 429, until the hour or the day is over by the fake's clock. Each report takes a
    /// token of the three quotas of tokens. Quotas that are not set are always full.
    ///
    /// ```
    /// use shortway::testing::{FakeGoogle, FakeQuota, FakeTable};
    ///
    /// let google = FakeGoogle::builder().property(1234, FakeTable::new(["country"], ["sessions"])).start()?;
    /// google.set_quota(1234, FakeQuota::TokensPerProjectPerHour, 2); // the third report is refused
    /// # Ok::<(), shortway::Error>(())
    /// ```
    pub fn set_quota(&self, property: u64, quota: FakeQuota, remaining: i32) {
        self.shared.set_quota(property, quota, remaining.into());
    }

    /// The requests of a kind that came, in their order, also those that were refused.
    #[must_use]
    pub fn requests(&self, matching: &Matching) -> Vec<FakeRequest> {
        let state = self.shared.state();
        state.requests.iter().filter(|request| matching.matches(request)).cloned().collect()
    }

    /// Asserts that so many requests of a kind came.
    ///
    /// # Panics
    /// When there were more or fewer; the message lists all that came.
    #[track_caller]
    pub fn assert_requests(&self, matching: &Matching, count: usize) {
        let state = self.shared.state();
        let found = state.requests.iter().filter(|request| matching.matches(request)).count();
        let all: Vec<String> = state.requests.iter().map(shared::line).collect();
        drop(state);
        assert!(found == count, "{found} {matching}, expected {count}; received: {all:#?}");
    }

    /// Forgets the requests that came. Without it all of them are kept, with their bodies.
    pub fn forget_requests(&self) {
        self.shared.state().requests.clear();
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// How many requests came to the token endpoint.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.requests(&Matching::token()).len()
    }

    /// How many requests came to the API.
    #[must_use]
    pub fn report_requests(&self) -> usize {
        self.requests(&Matching::api()).len()
    }

    /// The bodies of the requests that came to the API, in their order; one that was no JSON, as a string;
    /// null for a request without a body.
    #[must_use]
    pub fn reports_asked(&self) -> Vec<Value> {
        self.requests(&Matching::api()).iter().map(FakeRequest::json).collect()
    }

    /// The verbs, paths and queries of the requests that came to the API, in their order:
    /// `POST /v1beta/properties/1234:runReport?prettyPrint=false`.
    #[must_use]
    pub fn paths_asked(&self) -> Vec<String> {
        self.requests(&Matching::api()).iter().map(shared::line).collect()
    }

    /// Refuses, from now on, every token that it handed out: a request with one is answered 401 with the
    /// challenge `error="invalid_token"` (RFC 6750), as Google answers for a token that was revoked. Tokens
    /// asked for later are good. So a test sees whether a client replaces a token that is refused.
    pub fn revoke_tokens(&self) {
        self.shared.state().tokens.clear();
    }

    /// Answers the next token request with this status and JSON, whatever it says. Several calls queue. It is
    /// a [`Fault::answer`] on [`Matching::token`].
    pub fn answer_next_token(&self, status: u16, body: Value) {
        self.fault(Fault::answer(status, body).on(Matching::token()));
    }

    /// Answers the next API request with this status and JSON, whatever it says. Several calls queue. It is a
    /// [`Fault::answer`] on [`Matching::api`].
    pub fn answer_next_report(&self, status: u16, body: Value) {
        self.fault(Fault::answer(status, body).on(Matching::api()));
    }
}

impl fmt::Debug for FakeGoogle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeGoogle").field("address", &self.shared.address).finish_non_exhaustive()
    }
}
