//! Puts the bearer token on a request, and replaces a token that the server refuses.
//!
//! In: a request without credentials. Out: its response, the request sent only where a secret may go. On a
//! 401 that is about the token, that very token is invalidated and the request is sent once more with another
//! one. RFC 6750 §2.1, §3.

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, ErrorKind};
use crate::http::{
    HeaderMap, HeaderName, HeaderValue, Limits, Request, RequestBody, Response, Transport, Url, call, header,
};
use crate::token::Token;
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Sends requests with a token, to any Google API. Cloning shares source and transport.
///
/// On a 401 whose challenge says `invalid_token`, or names no error, or that has no challenge, that very
/// token is invalidated at the source, and the request is sent once more with another one. Any other 401 is
/// the response, and so is one to a body that can be sent only once.
///
/// Responses are read whole, up to 1 MiB ([`with_max_body`](Self::with_max_body)) and within 30 s
/// ([`with_timeout`](Self::with_timeout)).
///
/// ```no_run
/// use shortway::http::{Request, UreqTransport};
/// use shortway::{Authorized, ServiceAccountKey, scope};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::CLOUD_PLATFORM]).build()?;
/// let api = Authorized::new(tokens, UreqTransport::new());
/// let request = Request::get("https://storage.googleapis.com/storage/v1/b?project=my-project").body(())?;
/// let response = api.send(request)?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct Authorized {
    tokens: Arc<dyn TokenSource>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    max_body: usize,
    accept_gzip: bool,
}

/// The response to an authorized request, and the token that it was sent with: no text of the response that
/// repeats the token is shown.
pub(crate) struct Answer {
    pub(crate) response: Response<Vec<u8>>,
    #[cfg_attr(not(feature = "analytics"), expect(dead_code, reason = "errors of Analytics need it"))]
    pub(crate) token: Token,
}

/// What an authorized call failed at.
pub(crate) enum Failed {
    /// The token source had no token; it has retries of its own.
    Token(Error),
    /// The request could not be sent, or its response not be read.
    Request(Error),
}

/// How long a request may take: 30 s.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The largest response taken: 1 MiB.
const MAX_BODY: usize = 1 << 20;

impl Authorized {
    /// Tokens from `tokens`, requests through `transport`. The token source has a transport of its own: the
    /// two never share connections or settings.
    pub fn new(tokens: impl TokenSource + 'static, transport: impl Transport + 'static) -> Self {
        Self {
            tokens: Arc::new(tokens),
            transport: Arc::new(transport),
            clock: Arc::new(SystemClock),
            timeout: TIMEOUT,
            max_body: MAX_BODY,
            accept_gzip: false,
        }
    }

    /// Takes the time from `clock`, which should be the token source's too; by default the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets how long a request may take, the token and the body of the response included: 30 s by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many bytes of a response are taken, decoded: 1 MiB by default. Error responses are cut at 64
    /// KiB.
    #[must_use]
    pub fn with_max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets whether responses may be compressed (with the feature `gzip`): not by default.
    #[must_use]
    pub fn with_gzip(mut self, accept: bool) -> Self {
        self.accept_gzip = accept;
        self
    }

    /// Sends `request` with an `Authorization` header. A response of any status is `Ok`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the URL is neither https nor http with a loopback IP address: no token goes
    /// there. Those of the token source and of [`Transport::send`]; [`ErrorKind::TooLarge`] and
    /// [`ErrorKind::Timeout`] at the limits.
    pub fn send<'a>(&self, request: Request<impl Into<RequestBody<'a>>>) -> Result<Response<Vec<u8>>, Error> {
        self.send_for(request, &Ask::new())
    }

    /// The same with options for the token. A deadline holds for the whole call: the token, the request, its
    /// repetition.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_for<'a>(
        &self,
        request: Request<impl Into<RequestBody<'a>>>,
        ask: &Ask,
    ) -> Result<Response<Vec<u8>>, Error> {
        let timeout = self.clock.monotonic() + self.timeout;
        let deadline = ask.deadline().map_or(timeout, |deadline| deadline.min(timeout));
        let limits = Limits { deadline, head: None, max_body: self.max_body, accept_gzip: self.accept_gzip };
        match self.call(request.map(Into::into), ask, limits) {
            Ok(answer) => Ok(answer.response),
            Err(Failed::Token(error)) => Err(error),
            Err(Failed::Request(error)) if error.kind() == ErrorKind::TooLarge => {
                Err(error.with_hint("raise the limit with Authorized::with_max_body"))
            }
            Err(Failed::Request(error)) => Err(error),
        }
    }

    /// The same within `limits`, telling what failed.
    pub(crate) fn call(
        &self,
        request: Request<RequestBody<'_>>,
        ask: &Ask,
        limits: Limits,
    ) -> Result<Answer, Failed> {
        Url::of_request(request.uri()).map_err(Failed::Request)?;
        let ask = ask.clone().with_deadline(limits.deadline);
        let token = self.tokens.token_for(&ask).map_err(Failed::Token)?;
        let again = again(&request);
        let response = self.send_with(request, limits, &token).map_err(Failed::Request)?;
        let Some(again) = again.filter(|_| is_about_the_token(&response)) else {
            return Ok(Answer { response, token });
        };
        self.tokens.invalidate(&token);
        match self.tokens.token_for(&ask) {
            Ok(other) if other != token => {
                let response = self.send_with(again, limits, &other).map_err(Failed::Request)?;
                Ok(Answer { response, token: other })
            }
            Err(error) if error.kind() != ErrorKind::Backoff => Err(Failed::Token(error)),
            // There is no other token yet: the refusal is the response.
            Ok(_) | Err(_) => Ok(Answer { response, token }),
        }
    }

    fn send_with(
        &self,
        mut request: Request<RequestBody<'_>>,
        limits: Limits,
        token: &Token,
    ) -> Result<Response<Vec<u8>>, Error> {
        let headers = request.headers_mut();
        let mut bearer =
            HeaderValue::from_str(token.authorization_secret()).map_err(ureq::http::Error::from)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        if let Some(project) = self.identity().as_ref().and_then(Identity::quota_project_id) {
            let project = HeaderValue::from_str(project).map_err(ureq::http::Error::from)?;
            headers.entry(QUOTA_PROJECT).or_insert(project);
        }
        call(&*self.transport, &*self.clock, request, limits)
    }

    /// The identity that the tokens stand for, if the source knows it.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        self.tokens.identity()
    }
}

/// The project whose quota a request counts against (AIP-4110).
const QUOTA_PROJECT: HeaderName = HeaderName::from_static("x-goog-user-project");

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("identity", &self.identity()).finish_non_exhaustive()
    }
}

/// The same request once more; `None` if its body can be sent only once.
fn again<'a>(request: &Request<RequestBody<'a>>) -> Option<Request<RequestBody<'a>>> {
    let mut again = Request::new(request.body().again()?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// Whether the response is a 401 that another token may cure: its challenges name the error `invalid_token`,
/// or none (RFC 6750 §3.1; Google's services have sent 401 without one).
fn is_about_the_token(response: &Response<Vec<u8>>) -> bool {
    if response.status() != 401 {
        return false;
    }
    let errors: Vec<String> = challenge_errors(response.headers()).collect();
    errors.is_empty() || errors.iter().any(|error| error == "invalid_token")
}

/// The values of the attribute `error` in all challenges, quoted or bare (RFC 9110 §11.6.1; old Google
/// services leave the quotes out), blanks around `=` allowed.
fn challenge_errors(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(attributes).filter(|(name, _)| name.eq_ignore_ascii_case("error")).map(|(_, value)| value)
}

/// Names and values of a challenge. What stands in another attribute's quotes is part of that value.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.trim_end().rsplit([',', ' ', '\t']).next().unwrap_or_default();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => {
                let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        found.push((name.to_owned(), value));
        rest = next;
    }
    found
}

/// A quoted string up to its closing quote, its escapes undone, and what follows.
fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_replaced(challenge: Option<&str>) -> bool {
        let mut response = Response::builder().status(401);
        if let Some(challenge) = challenge {
            response = response.header(header::WWW_AUTHENTICATE, challenge);
        }
        is_about_the_token(&response.body(Vec::new()).expect("a response"))
    }

    #[test]
    fn challenge_is_read_quoted_and_bare_and_with_blanks() {
        for challenge in [
            r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#,
            "Bearer realm=google,error=invalid_token",
            r#"Bearer realm="x", error = "invalid_token""#,
            "Bearer error\t=\tinvalid_token",
            r#"Bearer realm="a \"b\", error=insufficient_scope", error="invalid_token""#,
        ] {
            assert!(is_replaced(Some(challenge)), "{challenge}");
        }
    }

    #[test]
    fn refusal_without_an_error_is_about_the_token_and_one_with_another_error_is_not() {
        assert!(is_replaced(None));
        assert!(is_replaced(Some(r#"Bearer realm="https://accounts.google.com/""#)));
        assert!(!is_replaced(Some(r#"Bearer error="insufficient_scope""#)));
        assert!(!is_replaced(Some(r#"Bearer error="invalid_request", realm="error=invalid_token""#)));
    }
}
