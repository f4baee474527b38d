//! Puts the bearer token on a request, and takes care of a token that the server refuses.
//!
//! In: a request without credentials. Out: the answer to it with them, sent only where a secret may go. On a 401 that says `invalid_token`, that
//! very token is invalidated and the request is sent once more with another one. RFC 6750 §2.1 and §3.

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::http::{Request, Response, Transport, check_secure};
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::Arc;

/// Sends requests with a token on them, to any Google API. Cloning shares source and transport.
///
/// On a 401 whose challenge says `invalid_token` that very token is invalidated at the source, and the request is sent once
/// more with another one. Any other 401 is the answer.
///
/// ```no_run
/// use shortway::http::{Request, UreqTransport};
/// use shortway::{Authorized, ServiceAccountKey, scope};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::CLOUD_PLATFORM]).build()?;
/// let api = Authorized::new(tokens, UreqTransport::new());
/// let answer = api.send(&Request::get("https://storage.googleapis.com/storage/v1/b?project=my-project"))?;
/// assert_eq!(answer.status, 200);
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct Authorized {
    tokens: Arc<dyn TokenSource>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
}

/// What an authorized call failed at.
pub(crate) enum Failed {
    /// The token source had no token; it has retries of its own.
    Token(Error),
    /// The request could not be sent or its answer not be read.
    Request(Error),
}

impl Authorized {
    /// Tokens from `tokens`, requests through `transport`. The token source has a transport of its own: the two
    /// never share connections or settings.
    pub fn new(tokens: impl TokenSource + 'static, transport: impl Transport + 'static) -> Self {
        Self { tokens: Arc::new(tokens), transport: Arc::new(transport), clock: Arc::new(SystemClock) }
    }

    /// Takes the time from `clock`, which should be the token source's too; by default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sends `request` with an `Authorization` header. An answer of any status is `Ok`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the URL is neither https nor http with a loopback IP address: no token goes there. Those
    /// of the token source and of [`Transport::send`].
    pub fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        self.send_for(request, &Ask::new())
    }

    /// The same with wishes for the token. A deadline holds for the whole call: the token, the request, its repetition.
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`ErrorKind::Timeout`] at the deadline.
    pub fn send_for(&self, request: &Request<'_>, ask: &Ask) -> Result<Response, Error> {
        self.call(request, ask).map_err(|failed| match failed {
            Failed::Token(error) | Failed::Request(error) => error,
        })
    }

    /// The same, telling what failed.
    pub(crate) fn call(&self, request: &Request<'_>, ask: &Ask) -> Result<Response, Failed> {
        check_secure("request's", request.url).map_err(Failed::Request)?;
        let token = self.tokens.token_for(ask).map_err(Failed::Token)?;
        let response = self.send_with(request, ask, &token)?;
        if response.status != 401 || !says_invalid_token(&response) {
            return Ok(response);
        }
        log::debug!("the server refused a token that should be good, asking for another one");
        self.tokens.invalidate(&token);
        match self.tokens.token_for(ask) {
            Ok(other) if other != token => self.send_with(request, ask, &other),
            Err(error) if error.kind() != ErrorKind::Backoff => Err(Failed::Token(error)),
            // No other token is to be had for now: the refusal is the answer.
            Ok(_) | Err(_) => Ok(response),
        }
    }

    fn send_with(&self, request: &Request<'_>, ask: &Ask, token: &Token) -> Result<Response, Failed> {
        let mut headers = Vec::with_capacity(request.headers.len() + 1);
        headers
            .extend(request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("authorization")));
        headers.push(("Authorization", token.authorization_secret()));
        let mut request = Request { headers: &headers, ..*request };
        if let Some(deadline) = ask.deadline() {
            let left = deadline.saturating_duration_since(self.clock.monotonic());
            if left.is_zero() {
                let message = "no time left to send the request that a token was got for";
                return Err(Failed::Request(Error::new(ErrorKind::Timeout, message)));
            }
            request.timeout = request.timeout.min(left);
        }
        self.transport.send(&request).map_err(Failed::Request)
    }

    /// Who the tokens speak for, if the source knows.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.tokens.identity()
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("identity", &self.identity()).finish_non_exhaustive()
    }
}

/// Whether a challenge has the attribute `error=invalid_token`, quoted or bare (RFC 6750 §3.1; old Google services
/// leave the quotes out).
fn says_invalid_token(response: &Response) -> bool {
    let challenges =
        response.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    challenges.flat_map(|(_, value)| value.split([',', ' '])).any(|attribute| {
        attribute.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("error") && value.trim_matches('"') == "invalid_token"
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_is_read_quoted_and_bare() {
        let response = |value: &str| Response {
            status: 401,
            headers: vec![("WWW-Authenticate".into(), value.into())],
            body: Vec::new(),
        };
        assert!(says_invalid_token(&response(
            r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#
        )));
        assert!(says_invalid_token(&response("Bearer realm=google,error=invalid_token")));
        assert!(!says_invalid_token(&response(r#"Bearer realm="https://accounts.google.com/""#)));
        assert!(!says_invalid_token(&response(r#"Bearer error="insufficient_scope""#)));
    }
}
