//! One method of the Data API, called with a token, again if that may help, and by a deadline.

use super::gate::{Gate, Pass, Place};
use super::ledger::{Category, Ledger};
use super::property::PropertyId;
use super::refusal::{self, refusal};
use crate::authorize::{Answer, Authorized, Failed};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind, GoogleStatus};
use crate::http::{Class, Limits, Request, Url, class, header, is_html};
use crate::retry::{self, Attempt, Outcome, RetryPolicy, Schedule};
use crate::token_source::Ask;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The Data API's own address.
const GOOGLE: &str = "https://analyticsdata.googleapis.com";

/// The settings of a client.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) http: Authorized,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retry: RetryPolicy,
    /// The address of the API, if it is not Google's.
    pub(super) endpoint: Option<Url>,
    pub(super) timeout: Duration,
    pub(super) max_body: usize,
    /// What is known of the quotas; clones share it.
    pub(super) ledger: Ledger,
    /// What is under way; the clients of a process share it.
    pub(super) gate: Gate,
    /// How many requests may be under way on a property.
    pub(super) under_way: u32,
    /// How many tokens are left to other programs: 0 for none.
    pub(super) floor: u32,
}

/// A method, what it is called on, and what is sent.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    /// What is requested, for errors: "the report".
    pub(super) what: &'a str,
    pub(super) property: PropertyId,
    /// Version, resource and custom method (AIP-136), perhaps with a query:
    /// `v1beta/properties/1234:runReport`.
    pub(super) path: &'a str,
    /// The JSON that is posted; without one the method is GET.
    pub(super) body: Option<&'a [u8]>,
    /// Whether a second call does no harm: the method only reads.
    pub(super) reads: bool,
}

impl Target<'_> {
    fn category(&self) -> Category {
        if self.path.ends_with(":runRealtimeReport") { Category::Realtime } else { Category::Core }
    }
}

impl Caller {
    /// Calls the method and reads the response with `parse`.
    pub(super) fn call<T>(
        &self,
        target: Target<'_>,
        parse: impl Fn(&[u8]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let url = self.url(target.path)?;
        let place = self.place(target);
        self.admit(target, &place)?;
        let deadline = self.clock.monotonic() + self.timeout;
        let schedule =
            Schedule { policy: self.retry, clock: &*self.clock, deadline, waits_for_network: false };
        retry::run(schedule, |attempt| {
            let pass = match self.gate.enter(&place, self.under_way, &*self.clock, deadline) {
                Ok(pass) => pass,
                Err(error) if error.kind() == ErrorKind::Timeout => {
                    return Outcome::Final(Err(about(target, &error)));
                }
                Err(error) => return Outcome::Final(Err(error)),
            };
            match self.attempt(target, &url, &parse, deadline, attempt) {
                Ok(value) => Outcome::Final(Ok(value)),
                Err(Failed::Token(error)) => Outcome::Final(Err(error)),
                Err(Failed::Request(error)) => {
                    self.count(pass, &error);
                    if may_pass(&error, target.reads) && self.admit(target, &place).is_ok() {
                        log::debug!("attempt {} for {} failed: {error}", attempt.number, target.what);
                        Outcome::Again(error)
                    } else {
                        Outcome::Final(Err(error.with_attempts(attempt.number)))
                    }
                }
            }
        })
    }

    fn place(&self, target: Target<'_>) -> Place {
        let service = self.endpoint.as_ref().map_or_else(|| GOOGLE.to_owned(), Url::to_string);
        Place { service, property: target.property, category: target.category() }
    }

    /// Refuses a call for which there is nothing left to spend.
    fn admit(&self, target: Target<'_>, place: &Place) -> Result<(), Error> {
        let now = self.clock.now();
        self.gate.admit(place, now)?;
        self.ledger.admit(target.property, target.category(), self.floor, now)
    }

    /// Ends a request; counts an answer that spent one of the property's server errors, by Google's word 500
    /// and 503. Of others only Google's own are, not those of a proxy.
    fn count(&self, pass: Pass, error: &Error) {
        let by_google = error.cause::<GoogleStatus>().map(|status| status.code);
        if matches!(error.status(), Some(500 | 503)) || matches!(by_google, Some(500 | 502..=504)) {
            pass.server_error(self.clock.now());
        }
    }

    fn url(&self, path: &str) -> Result<Url, Error> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = format!("/{path}{separator}prettyPrint=false");
        match &self.endpoint {
            Some(endpoint) => endpoint.join(&path),
            None => format!("{GOOGLE}{path}").parse(),
        }
    }

    fn attempt<T>(
        &self,
        target: Target<'_>,
        url: &Url,
        parse: impl Fn(&[u8]) -> Result<T, Error>,
        deadline: Instant,
        attempt: Attempt,
    ) -> Result<T, Failed> {
        let request = match target.body {
            Some(body) => Request::post(url.uri())
                .header(header::CONTENT_TYPE, "application/json")
                .header(header::ACCEPT, "application/json")
                .body(body.into()),
            None => Request::get(url.uri()).header(header::ACCEPT, "application/json").body(().into()),
        };
        let request = request.map_err(|error| Failed::Request(error.into()))?;
        // A server that shows no sign of a response in half of the time left may answer another request.
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        let head = (!attempt.is_last).then(|| left / 2);
        let limits = Limits { deadline, head, max_body: self.max_body, accept_gzip: true };
        let Answer { response, token } =
            self.http.call(request, &Ask::new(), limits).map_err(|failed| match failed {
                Failed::Token(error) => Failed::Token(error),
                Failed::Request(error) => Failed::Request(about(target, &error)),
            })?;
        let identity = self.http.identity();
        let context = refusal::Context {
            what: target.what,
            property: target.property,
            identity: identity.as_ref(),
            secret: token.expose_secret(),
            answered: self.clock.now(),
            quota: self.ledger.quota(target.property, target.category()),
        };
        if class(response.status()) != Class::Success {
            return Err(Failed::Request(refusal(&response, context)));
        }
        parse(response.body()).map_err(|error| match GoogleStatus::parse(response.body(), context.secret) {
            // Some proxies answer 200 with Google's error document in it.
            Some(_) => Failed::Request(refusal(&response, context)),
            None if is_html(response.headers()) => {
                Failed::Request(error.without(context.secret).with_hint(refusal::MAYBE_A_PROXY))
            }
            None => Failed::Request(error.without(context.secret)),
        })
    }
}

/// Names the step that a fault of the network ended.
fn about(target: Target<'_>, error: &Error) -> Error {
    let message = format!("cannot get {} on property {}: {}", target.what, target.property, error.message());
    let error = error.clone().with_message(message);
    match error.kind() {
        ErrorKind::TooLarge => {
            error.with_hint("raise the limit with Analytics::with_max_body, or request fewer rows")
        }
        _ => error,
    }
}

/// Whether another attempt may help: the network failed, the server did, or the body ended too soon. A call
/// that changes something is repeated only if it did not reach the server.
fn may_pass(error: &Error, reads: bool) -> bool {
    match error.kind() {
        ErrorKind::Dns | ErrorKind::Connect => true,
        ErrorKind::Timeout | ErrorKind::Closed | ErrorKind::Protocol | ErrorKind::Unavailable => reads,
        ErrorKind::Schema => reads && error.is_retryable(),
        // The request was refused, so that nothing was done; only a short wait is waited for.
        ErrorKind::Quota => error.retry_at().is_some(),
        _ => false,
    }
}
