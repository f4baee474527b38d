//! The token endpoint: what is sent, what is believed, and what is said when it is not.

mod answers;
mod clock;
mod id_tokens;
mod refusals;
mod retry;
mod source;
#[path = "../util/mod.rs"]
mod util;

use shortway::endpoint::token::parse;
use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{ManualClock, throw_away_key};
use shortway::{Clock, Error, ServiceAccountOptions, Token, TokenKind, TokensBuilder};
use std::sync::Mutex;
use std::time::{Instant, SystemTime};

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn read(status: u16, body: impl Into<Vec<u8>>) -> Result<Token, Error> {
    parse(&response(status, &[], body), TokenKind::Access, NOW, NOW)
}

fn response(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Response<Vec<u8>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).expect("a response")
}

/// A service account with the throw-away key, for an endpoint at `url`.
fn builder(url: &str) -> TokensBuilder<ServiceAccountOptions> {
    shortway::service_account(throw_away_key(), [ANALYTICS_READONLY]).token_endpoint(format!("{url}/token"))
}

/// A clock whose waits end at once: they move it.
#[derive(Clone)]
struct QuickClock(ManualClock);

impl Clock for QuickClock {
    fn now(&self) -> SystemTime {
        self.0.now()
    }

    fn monotonic(&self) -> Instant {
        self.0.monotonic()
    }

    fn park_until(&self, deadline: Instant) {
        self.0.advance(deadline.saturating_duration_since(self.0.monotonic()));
    }
}

/// A transport that a closure stands for.
struct Scripted<F>(Mutex<F>);

impl<F> Scripted<F>
where
    F: FnMut(&[u8], Timeouts) -> Result<Response<Vec<u8>>, Error> + Send,
{
    fn new(answer: F) -> Self {
        Self(Mutex::new(answer))
    }
}

impl<F> Transport for Scripted<F>
where
    F: FnMut(&[u8], Timeouts) -> Result<Response<Vec<u8>>, Error> + Send,
{
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        let RequestBody::Bytes(body) = request.into_body() else { panic!("a form is bytes") };
        (self.0.lock().expect("no panic"))(body, timeouts).map(|response| response.map(ResponseBody::from))
    }
}

/// A response with a token of this text.
fn token_response(secret: &str) -> Response<Vec<u8>> {
    response(200, &[], format!(r#"{{"access_token": "{secret}", "expires_in": 3599}}"#))
}

/// The claims of the assertion in a form.
fn claims(form: &[u8]) -> serde_json::Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let form = std::str::from_utf8(form).expect("text");
    let payload = form.rsplit('=').next().and_then(|jwt| jwt.split('.').nth(1)).expect("an assertion");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}
