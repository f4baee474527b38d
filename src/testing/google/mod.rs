//! A fake Google on loopback: real HTTP, real signatures, made-up rows.
//!
//! In: requests as Google's documentation has them. Out: answers in Google's words and shapes. It is strict
//! on purpose: a claim that is wrong, a field that it does not know, a question that it cannot evaluate is
//! refused, so that a test never passes by luck.

mod answer;
mod api;
mod audience;
mod columns;
mod dates;
mod filter;
mod order;
mod pivot;
mod refusal;
mod report;
mod table;
mod token;
mod wire;

pub use table::FakeTable;

use super::key::throw_away_key;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::key::ServiceAccountKey;
use answer::Answer;
use audience::Audiences;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};
use tiny_http::{Header, Method, Request, Server};
use token::Requested;

/// A token endpoint and an Analytics API on loopback, until dropped.
///
/// The token endpoint verifies the assertion's signature with the public half of [`throw_away_key`] and
/// checks every claim; its ID tokens are signed with the same key. Its API also takes a JWT that this key has
/// signed itself (AIP-4111). It checks the token and answers from the rows of a [`FakeTable`]: it selects,
/// filters (all but regular expressions), groups and sums, orders (rows that tie come in another order each
/// time), cuts by offset and limit, and adds totals. What it cannot evaluate it refuses with status 501 and
/// says so.
///
/// It has `runReport`, `runPivotReport`, both batches, `runRealtimeReport` (a column `minutesAgo`, `00` to
/// `29`, makes minute ranges work), `getMetadata`, `checkCompatibility`, the quotas snapshot, and audience
/// exports of each [`audience`](FakeGoogleBuilder::audience).
///
/// Its answers have the shapes of Google's: an aggregate over no rows is an empty object, the row count of
/// several date ranges counts a row once, zeros are left out, and there are keys that are not documented.
/// With the feature `gzip` they are packed for a client that accepts gzip and says `gzip` in its
/// `User-Agent`.
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
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    server: Server,
    address: String,
    clock: Arc<dyn Clock>,
    token_lifetime: Duration,
    properties: BTreeMap<u64, FakeTable>,
    audiences: Mutex<Audiences>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    /// Tokens handed out: text, scopes, end.
    tokens: BTreeMap<String, (String, SystemTime)>,
    token_requests: usize,
    /// Verb and path, and the body, of each request to the API.
    api_requests: Vec<(String, Value)>,
    token_answers: VecDeque<Answer>,
    report_answers: VecDeque<Answer>,
}

/// What a fake Google is made of: see [`FakeGoogle::builder`].
#[must_use = "nothing listens before `start`"]
pub struct FakeGoogleBuilder {
    clock: Arc<dyn Clock>,
    token_lifetime: Duration,
    properties: BTreeMap<u64, FakeTable>,
    audiences: BTreeMap<String, FakeTable>,
}

/// How many requests are served at the same time.
const WORKERS: usize = 4;

/// The largest request body taken: 1 MiB.
const MAX_BODY: u64 = 1 << 20;

impl FakeGoogleBuilder {
    /// Adds a property that the account may read, with its rows.
    pub fn property(mut self, id: u64, table: FakeTable) -> Self {
        self.properties.insert(id, table);
        self
    }

    /// Adds an audience by its resource name, `properties/1234/audiences/5`, with a row for each user; the
    /// property is one that was added too. An export of it is ready when it has been looked at twice.
    pub fn audience(mut self, name: impl Into<String>, table: FakeTable) -> Self {
        self.audiences.insert(name.into(), table);
        self
    }

    /// Takes the time from `clock`; by default the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How long tokens live, `expires_in`: 3599 s by default, as Google's do.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Starts to listen on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// [`ErrorKind::Other`] when the system gives no port.
    pub fn start(self) -> Result<FakeGoogle, Error> {
        let no_port = || Error::new(ErrorKind::Other, "the fake Google cannot listen on 127.0.0.1");
        let server = Server::http(("127.0.0.1", 0)).map_err(|_| no_port())?;
        let address = format!("http://{}", server.server_addr().to_ip().ok_or_else(no_port)?);
        let shared = Arc::new(Shared {
            server,
            address,
            clock: self.clock,
            token_lifetime: self.token_lifetime,
            properties: self.properties,
            audiences: Mutex::new(Audiences::new(self.audiences)),
            state: Mutex::default(),
        });
        let workers = (0..WORKERS)
            .map(|_| {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve())
            })
            .collect();
        Ok(FakeGoogle { shared, workers })
    }
}

impl FakeGoogle {
    /// Starts the choice of what it knows.
    pub fn builder() -> FakeGoogleBuilder {
        FakeGoogleBuilder {
            clock: Arc::new(SystemClock),
            token_lifetime: Duration::from_secs(3599),
            properties: BTreeMap::new(),
            audiences: BTreeMap::new(),
        }
    }

    /// The one key that it knows: [`throw_away_key`].
    #[must_use]
    pub fn key(&self) -> ServiceAccountKey {
        throw_away_key()
    }

    /// The URL of its token endpoint, for `token_endpoint`.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/token", self.shared.address)
    }

    /// The URL of its API, for `with_endpoint`.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.shared.address.clone()
    }

    /// How many requests came to the token endpoint.
    #[must_use]
    pub fn token_requests(&self) -> usize {
        self.shared.state().token_requests
    }

    /// How many requests came to the API.
    #[must_use]
    pub fn report_requests(&self) -> usize {
        self.shared.state().api_requests.len()
    }

    /// The bodies of the requests that came to the API, in their order; one that was no JSON, as a string;
    /// null for a request without a body.
    #[must_use]
    pub fn reports_asked(&self) -> Vec<Value> {
        self.shared.state().api_requests.iter().map(|(_, body)| body.clone()).collect()
    }

    /// The verbs, paths and queries of the requests that came to the API, in their order:
    /// `POST /v1beta/properties/1234:runReport?prettyPrint=false`.
    #[must_use]
    pub fn paths_asked(&self) -> Vec<String> {
        self.shared.state().api_requests.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Refuses, from now on, every token that it handed out: a request with one is answered 401 with the
    /// challenge `error="invalid_token"` (RFC 6750), as Google answers for a token that was revoked. Tokens
    /// asked for later are good. So a test sees whether a client replaces a token that is refused.
    pub fn revoke_tokens(&self) {
        self.shared.state().tokens.clear();
    }

    /// Answers the next token request with this status and JSON, whatever it says. Several calls queue.
    pub fn answer_next_token(&self, status: u16, body: Value) {
        self.shared.state().token_answers.push_back(Answer::json(status, body));
    }

    /// Answers the next API request with this status and JSON, whatever it says. Several calls queue.
    pub fn answer_next_report(&self, status: u16, body: Value) {
        self.shared.state().report_answers.push_back(Answer::json(status, body));
    }
}

impl Drop for FakeGoogle {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        for _ in &self.workers {
            self.shared.server.unblock();
        }
        for worker in self.workers.drain(..) {
            // A worker that panicked has printed why; the test fails by the answer that never came.
            let _ = worker.join();
        }
    }
}

impl fmt::Debug for FakeGoogle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeGoogle").field("address", &self.shared.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for FakeGoogleBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeGoogleBuilder")
            .field("properties", &self.properties.keys())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn serve(&self) {
        loop {
            match self.server.recv() {
                Ok(request) => self.handle(request),
                Err(_) if self.state().stopped => return,
                Err(_) => {}
            }
            if self.state().stopped {
                return;
            }
        }
    }

    fn handle(&self, mut request: Request) {
        let mut body = Vec::new();
        let read = request.as_reader().take(MAX_BODY).read_to_end(&mut body);
        let answer = match read {
            Ok(_) => self.answer(&request, &body),
            Err(_) => return,
        };
        let pretty = !request.url().contains("prettyPrint=false");
        // Google packs only for a client that says so twice.
        let gzip = ["Accept-Encoding", "User-Agent"]
            .iter()
            .all(|name| header(&request, name).is_some_and(|value| value.contains("gzip")));
        let mut response = answer.into_response(pretty, gzip);
        if let Some(date) = http_date(self.clock.now()) {
            response.add_header(date);
        }
        // The client may have gone; then there is nobody left to tell.
        let _ = request.respond(response);
    }

    fn answer(&self, request: &Request, body: &[u8]) -> Answer {
        let path = request.url().split('?').next().unwrap_or_default();
        if path == "/token" {
            let mut state = self.state();
            state.token_requests += 1;
            if let Some(answer) = state.token_answers.pop_front() {
                return answer;
            }
            drop(state);
            return self.grant(request, body);
        }
        let Some((property, method)) = api::route(request.method(), path) else {
            return Answer::html(404, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>");
        };
        let mut state = self.state();
        let asked = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
        };
        state.api_requests.push((format!("{} {}", request.method(), request.url()), asked));
        if let Some(answer) = state.report_answers.pop_front() {
            return answer;
        }
        drop(state);
        self.call(request, property, method, body).unwrap_or_else(|refusal| refusal)
    }

    /// The token endpoint.
    fn grant(&self, request: &Request, body: &[u8]) -> Answer {
        if *request.method() != Method::Post {
            return Answer::html(404, "<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>");
        }
        let now = self.clock.now();
        let content_type = header(request, "Content-Type").unwrap_or_default();
        match token::check(&content_type, body, &format!("{}/token", self.address), now) {
            Ok(Requested::IdToken(audience)) => {
                let token = token::new_id_token(&audience, now, self.token_lifetime);
                Answer::json(200, json!({"id_token": token}))
            }
            Ok(Requested::Scope(scope)) => {
                let text = token::new_token();
                self.state().tokens.insert(text.clone(), (scope, now + self.token_lifetime));
                let body = json!({
                    "access_token": text,
                    "expires_in": self.token_lifetime.as_secs(),
                    "token_type": "Bearer",
                });
                Answer::json(200, body)
            }
            Err((error, description)) => {
                Answer::json(400, json!({"error": error, "error_description": description}))
            }
        }
    }

    /// The API: checks the token, the property, the request; then evaluates it.
    fn call(
        &self,
        request: &Request,
        property: &str,
        method: api::Method<'_>,
        body: &[u8],
    ) -> Result<Answer, Answer> {
        let authorization = header(request, "Authorization");
        let Some(token) = authorization.as_deref().and_then(|v| v.strip_prefix("Bearer ")) else {
            return Err(Answer::api(
                401,
                "UNAUTHENTICATED",
                "Request is missing required authentication credential.",
                Some("CREDENTIALS_MISSING"),
            ));
        };
        let now = self.clock.now();
        let granted = self.state().tokens.get(token).filter(|(_, end)| now < *end).map(|(s, _)| s.clone());
        let scope = match granted.or_else(|| token::self_signed_scope(token, &self.address, now)) {
            Some(scope) => scope,
            None => {
                let mut answer = Answer::api(
                    401,
                    "UNAUTHENTICATED",
                    "Request had invalid authentication credentials.",
                    None,
                );
                answer.challenge = true;
                return Err(answer);
            }
        };
        if !scope.split(' ').any(|s| matches!(s, crate::scope::ANALYTICS | crate::scope::ANALYTICS_READONLY))
        {
            return Err(Answer::api(
                403,
                "PERMISSION_DENIED",
                "Request had insufficient authentication scopes.",
                Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            ));
        }
        // The fields common to all properties; the fake takes those of its first one.
        let is_common = property == "0" && method == api::Method::Metadata;
        let common = is_common.then(|| self.properties.values().next()).flatten();
        let of = |id: &str| id.parse().ok().and_then(|id: u64| self.properties.get(&id));
        let Some(table) = common.or_else(|| of(property)) else {
            return Err(Answer::api(
                403,
                "PERMISSION_DENIED",
                "User does not have sufficient permissions for this property. To learn more about Property ID, see \
                 https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.",
                None,
            ));
        };
        let query = request.url().split_once('?').map_or("", |(_, query)| query);
        let call = api::Call { property, query, body, now };
        match api::answer(method, &call, table, &self.audiences) {
            Ok(body) => Ok(Answer::json(200, body)),
            Err(refusal) => Err(refusal.into_answer()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The `Date` header by the fake's clock; none where that shows a year that the header cannot.
fn http_date(now: SystemTime) -> Option<Header> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let year_10000 = 253_402_300_800;
    let date = (seconds < year_10000).then(|| httpdate::fmt_http_date(now))?;
    Header::from_bytes("Date", date).ok()
}

fn header(request: &Request, name: &'static str) -> Option<String> {
    request.headers().iter().find(|h| h.field.equiv(name)).map(|h| h.value.as_str().to_owned())
}
