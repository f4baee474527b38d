//! The token endpoint: an assertion in, a token out.
//!
//! [`form`] and [`parse`] are pure, for programs with an HTTP client of their own. RFC 7523 §2.1, RFC 6749
//! §5.1 and §5.2, RFC 6750 §4;
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>.

mod advice;
mod answer;
mod document;
mod refusal;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::http::{Limits, Request, Response, Transport, Url, call, header};
use crate::secret::Secret;
use crate::token::{Token, TokenKind};
use document::Context;
pub(crate) use refusal::TOLERATED_OFFSET;
use std::time::{Instant, SystemTime};

/// Google's token endpoint.
pub const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// The token endpoints that key files have named over the years, all of them Google's own. A key file that
/// names another one is not believed.
pub const KNOWN: &[&str] = &[
    GOOGLE,
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://www.googleapis.com/oauth2/v3/token",
];

/// The largest response taken: 64 KiB. Google's are about 1.2 KiB.
const MAX_BODY: usize = 64 * 1024;

/// An assertion for the token endpoint, and what it requests.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grant<'a> {
    pub(crate) assertion: &'a Secret,
    /// The kind of token that the assertion's claims request.
    pub(crate) kind: TokenKind,
    /// The account that signed, for errors.
    pub(crate) account: &'a str,
}

/// Sends `grant` to the token endpoint at `url` and reads the response. The lifetime of the token counts from
/// before the request is sent.
///
/// # Errors
/// As [`Transport::send`] and [`parse`].
pub(crate) fn exchange(
    transport: &dyn Transport,
    clock: &dyn Clock,
    url: &Url,
    grant: Grant<'_>,
    deadline: Instant,
) -> Result<Token, Error> {
    let form = form(grant.assertion);
    let request = Request::post(url.uri())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ACCEPT, "application/json")
        .body(form.expose_secret().into())?;
    let limits = Limits { deadline, head: None, max_body: MAX_BODY, accept_gzip: false };
    let requested = clock.now();
    let response = call(transport, clock, (url, request), limits).map_err(|error| {
        let message = format!("cannot get a token for {}: {}", grant.account, error.message());
        error.with_message(message)
    })?;
    let secret = grant.assertion.expose_secret();
    let context =
        Context { kind: grant.kind, requested, answered: clock.now(), secret, account: Some(grant.account) };
    answer::read(&response, context)
}

/// Whether a refusal is about the key: it was deleted or disabled, or belongs to another account, so that
/// another key may help. A refusal about the audience or the subject is not.
pub(crate) fn is_about_the_key(error: &Error) -> bool {
    let said = error.description().unwrap_or_default().to_ascii_lowercase();
    let is_other = ["audience", "email", "user id"].iter().any(|word| said.contains(word));
    let code = matches!(error.code(), Some("invalid_grant" | "invalid_client" | "disabled_client"));
    error.kind() == ErrorKind::Denied && code && !is_other
}

/// The form that the token endpoint takes: grant type and assertion, URL-encoded (RFC 7523 §2.1). An
/// assertion needs no escapes: its alphabet is base64url and the dot.
#[must_use]
pub fn form(assertion: &Secret) -> Secret {
    const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let assertion = assertion.expose_secret();
    let mut form = String::with_capacity(GRANT.len() + assertion.len());
    form.push_str(GRANT);
    form.push_str(assertion);
    Secret::new(form)
}

/// Reads the response of the token endpoint to a request for a token of `kind`, sent at `requested` and
/// answered at `answered`.
///
/// The status counts first: only 200 can hold a token. Then the body must be a JSON object. For an access
/// token it has an `access_token` that a header can carry, a `token_type` of Bearer (or none), and an
/// `expires_in`: a positive number of seconds, also as text or as a whole float, at most 12 h of it; 300 s
/// when it is missing. For an ID token it has an `id_token`, whose own `exp` says when it expires.
///
/// # Errors
/// [`ErrorKind::Denied`] when the endpoint refuses the request ([`Error::code`] is the OAuth code, the hint
/// says what to do, [`Error::cause`] gives the document as [`OAuthError`] or [`GoogleStatus`]),
/// [`ErrorKind::Clock`] when it refuses because of the clock, [`ErrorKind::Throttled`] and
/// [`ErrorKind::Unavailable`] when it may not refuse later, [`ErrorKind::Redirect`], [`ErrorKind::Protocol`]
/// and [`ErrorKind::Malformed`] when the response is not one of a token endpoint.
///
/// [`OAuthError`]: crate::OAuthError
/// [`GoogleStatus`]: crate::GoogleStatus
pub fn parse(
    response: &Response<Vec<u8>>,
    kind: TokenKind,
    requested: SystemTime,
    answered: SystemTime,
) -> Result<Token, Error> {
    answer::read(response, Context { kind, requested, answered, secret: "", account: None })
}
