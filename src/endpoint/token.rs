//! The token endpoint: an assertion in, a token out.
//!
//! [`form`] and [`parse`] are pure; [`exchange`] puts a [`Transport`] between them. RFC 7523 §2.1,
//! RFC 6749 §5.1 and §5.2, RFC 6750 §4;
//! <https://developers.google.com/identity/protocols/oauth2/service-account#httprest>.

use crate::error::{Error, ErrorKind, scrub_secret};
use crate::http::{Request, Response, Transport};
use crate::secret::Secret;
use crate::token::{Token, TokenKind};
use serde::Deserialize;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Where Google trades assertions for tokens today.
pub const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// The token endpoints that key files have named over the years, all Google's own. A key file that names
/// any other is not believed.
pub const KNOWN: [&str; 4] = [
    GOOGLE,
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://www.googleapis.com/oauth2/v3/token",
];

/// The largest answer taken: 64 KiB. Google's are about 1.2 KiB.
const MAX_BODY: usize = 64 * 1024;

/// How long a token lives when the answer does not say: 300 s. RFC 6749 §5.1 only recommends
/// `expires_in`; to take "not said" for "for ever" has kept dead tokens in use for days.
const LIFETIME_UNSAID: Duration = Duration::from_secs(300);

/// The longest lifetime believed: 12 h, the most that Google grants to any service account token.
const MAX_LIFETIME: u64 = 43_200;

/// Sends `assertion` to the token endpoint at `url` and reads the answer. The token's lifetime counts from
/// `now`, which is read before the request is sent.
///
/// # Errors
/// As [`Transport::send`] and [`parse`].
pub fn exchange(
    transport: &dyn Transport,
    url: &str,
    assertion: &Secret,
    timeout: Duration,
    now: SystemTime,
) -> Result<Token, Error> {
    let form = form(assertion);
    let response = transport
        .send(&Request {
            url,
            headers: &[("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
            body: Some(form.expose_secret().as_bytes()),
            timeout,
            max_body: MAX_BODY,
            accept_gzip: false,
        })
        .map_err(|e| {
            let message = format!("cannot get a token: {}", e.message());
            e.with_message(message)
        })?;
    read(&response, now, assertion.expose_secret())
}

/// The form that the token endpoint takes: grant type and assertion, URL-encoded (RFC 7523 §2.1). Nothing
/// in an assertion needs escaping: its alphabet is base64url and the dot.
#[must_use]
pub fn form(assertion: &Secret) -> Secret {
    const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
    let assertion = assertion.expose_secret();
    let mut form = String::with_capacity(GRANT.len() + assertion.len());
    form.push_str(GRANT);
    form.push_str(assertion);
    Secret::new(form)
}

/// Reads what the token endpoint answered to a request sent at `now`.
///
/// The status counts first: only 200 can hold a token. Then the body must be a JSON object with an
/// `access_token` that a header can carry, a `token_type` of Bearer (or none), and an `expires_in` that
/// makes sense: a positive integer, also as text or as a whole float, at most 12 h of it; 300 s when it is
/// missing.
///
/// # Errors
/// [`ErrorKind::Denied`] when the endpoint refuses for good ([`Error::code`] holds the OAuth code, the hint
/// what to do), [`ErrorKind::Clock`] when it refuses because of the clock, [`ErrorKind::Throttled`] and
/// [`ErrorKind::Unavailable`] when it may not later, [`ErrorKind::Redirect`], [`ErrorKind::Protocol`] and
/// [`ErrorKind::Malformed`] when the answer is none of a token endpoint.
pub fn parse(response: &Response, now: SystemTime) -> Result<Token, Error> {
    read(response, now, "")
}

/// The same for an answer in which pieces of `sent` may come back: none of them gets into an error.
fn read(response: &Response, now: SystemTime, sent: &str) -> Result<Token, Error> {
    let refusals = Refusals { response, now, sent };
    if response.status != 200 {
        return Err(refusals.by_body_or_status());
    }
    let grant: Grant = serde_json::from_slice(&response.body).map_err(|_| {
        malformed("is not the JSON of a token").with_hint(
            "a proxy or a login page may have answered in its place: try the same URL from this machine with curl",
        )
    })?;
    if let Some(Value::String(code)) = &grant.error {
        return Err(refusals.by_code(code, &grant));
    }
    if let Some(kind) = &grant.token_type
        && !kind.as_str().is_some_and(|k| k.eq_ignore_ascii_case("bearer"))
    {
        return Err(malformed("is a token of another type than Bearer"));
    }
    let Some(Value::String(secret)) = grant.access_token else {
        return Err(malformed(if grant.id_token.is_some() {
            "has an ID token and no access token: one of the scopes is unknown to Google"
        } else {
            "has no access token in it"
        }));
    };
    let secret = Secret::new(secret);
    let expires_at = now
        .checked_add(lifetime(grant.expires_in.as_ref())?)
        .ok_or_else(|| Error::new(ErrorKind::Clock, "the clock of this machine stands at the end of time"))?;
    Token::new(TokenKind::Access, secret.expose_secret(), expires_at).map_err(|e| {
        let message = format!("the answer of the token endpoint is no good: {}", e.message());
        e.with_message(message)
    })
}

/// The fields of RFC 6749 §5.1 and §5.2, each as whatever came; repeated ones are refused by serde's derive.
#[derive(Deserialize)]
struct Grant {
    access_token: Option<Value>,
    token_type: Option<Value>,
    expires_in: Option<Value>,
    id_token: Option<Value>,
    error: Option<Value>,
    error_description: Option<Value>,
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the token endpoint said 200, but its answer {what}"))
        .with_status(200)
}

fn lifetime(expires_in: Option<&Value>) -> Result<Duration, Error> {
    let seconds = match expires_in {
        None | Some(Value::Null) => return Ok(LIFETIME_UNSAID),
        Some(Value::Number(n)) => whole_seconds(n.as_u64(), n.as_f64()),
        Some(Value::String(s)) if s.len() <= 32 => whole_seconds(s.parse().ok(), s.parse().ok()),
        Some(_) => None,
    };
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.min(MAX_LIFETIME))),
        _ => Err(malformed("has an `expires_in` that is no lifetime")),
    }
}

/// A count of seconds, from an integer or from a float without a fraction.
fn whole_seconds(integer: Option<u64>, float: Option<f64>) -> Option<u64> {
    integer.or_else(|| {
        let float = float?;
        // A float beyond u64 saturates, and is clamped afterwards like any other absurd lifetime.
        (float.is_finite() && float >= 0.0 && float.fract() == 0.0).then_some(float as u64)
    })
}

/// An answer that holds no token, and what it takes to say why.
struct Refusals<'a> {
    response: &'a Response,
    now: SystemTime,
    sent: &'a str,
}

impl Refusals<'_> {
    /// Sorts an answer other than 200 by its OAuth code if it has one, else by its status.
    fn by_body_or_status(&self) -> Error {
        let status = self.response.status;
        if let Ok(grant) = serde_json::from_slice::<Grant>(&self.response.body)
            && let Some(Value::String(code)) = &grant.error
        {
            return self.by_code(code, &grant);
        }
        let (kind, what) = match status {
            304 => (ErrorKind::Protocol, "answered with a status that makes no sense here"),
            300..=399 => (ErrorKind::Redirect, "answered with a redirect, which is never followed"),
            407 => (ErrorKind::Config, "was not reached: the proxy wants a login"),
            421 | 425 => (ErrorKind::Protocol, "asked to send the request again"),
            408 => (ErrorKind::Unavailable, "asked to send the request again"),
            429 => (ErrorKind::Throttled, "asked to slow down"),
            400..=499 => (ErrorKind::Denied, "refused the request"),
            501 | 505 | 511 => (ErrorKind::Denied, "cannot handle the request"),
            500..=599 => (ErrorKind::Unavailable, "is out of order"),
            _ => (ErrorKind::Protocol, "answered with a status that makes no sense here"),
        };
        let error =
            Error::new(kind, format!("the token endpoint {what} (HTTP status {status})")).with_status(status);
        self.with_retry_after(match status {
            300..=399 | 501 | 505 | 511 => {
                error.with_hint("a proxy or a login page may have answered in its place")
            }
            _ => error,
        })
    }

    fn by_code(&self, code: &str, grant: &Grant) -> Error {
        let status = self.response.status;
        // Codes are words like invalid_grant; anything else is text, perhaps an echo.
        let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let code = if code.len() <= 60 && code.bytes().all(is_word) { code } else { "an unknown code" };
        let code = scrub_secret(code, self.sent);
        // Beside a token, text may repeat the token, which is not among what was sent.
        let silent = grant.access_token.is_some() || grant.id_token.is_some();
        let description = grant.error_description.as_ref().filter(|_| !silent);
        let description =
            description.and_then(Value::as_str).map(|d| scrub_secret(d, self.sent)).unwrap_or_default();
        let mut message = format!("the token endpoint refused the assertion: {code}");
        if !description.is_empty() {
            message = format!("{message} ({description})");
        }
        let (kind, hint) = meaning(status, &code, &description);
        let mut error = Error::new(kind, message).with_status(status).with_code(code);
        if !description.is_empty() {
            error = error.with_description(description);
        }
        if kind == ErrorKind::Clock {
            return self.about_the_clock(error);
        }
        self.with_retry_after(match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        })
    }

    /// Compares the clocks where a refusal smells of time. Only a difference that is there makes it the clock's fault.
    fn about_the_clock(&self, error: Error) -> Error {
        let measured = self.response.date().map(|theirs| seconds_ahead(theirs, self.now));
        let Some(offset) = measured.filter(|offset| offset.unsigned_abs() > TOLERATED_OFFSET) else {
            let hint = "compare the clock of this machine with the true time, and let it be set by NTP";
            let error = error.with_kind(ErrorKind::Denied).with_hint(hint);
            // Told all the same: an offset learned earlier may be what is wrong now.
            return match measured {
                Some(measured) => error.with_clock_offset(measured),
                None => error,
            };
        };
        let (by, how) = (offset.unsigned_abs(), if offset > 0 { "slow" } else { "fast" });
        let by = if by < 120 { format!("{by} seconds") } else { format!("{} minutes", by / 60) };
        let hint = format!(
            "the clock of this machine is {by} {how}, by the server's: set it, or let it be set by NTP"
        );
        error.with_hint(hint).with_clock_offset(offset)
    }

    fn with_retry_after(&self, error: Error) -> Error {
        match self.response.retry_after(self.now).filter(|_| error.is_retryable()) {
            Some(at) => error.with_retry_at(at),
            None => error,
        }
    }
}

/// How far two clocks may be apart before the difference counts: 60 s. Answers take seconds, and Google is lenient within
/// minutes.
pub(crate) const TOLERATED_OFFSET: u64 = 60;

fn seconds_ahead(theirs: SystemTime, ours: SystemTime) -> i64 {
    match theirs.duration_since(ours) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX),
        Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap_or(i64::MAX),
    }
}

/// What a code means for the caller. Codes:
/// <https://developers.google.com/identity/protocols/oauth2/service-account#error-codes>.
fn meaning(status: u16, code: &str, description: &str) -> (ErrorKind, Option<&'static str>) {
    let says = |text: &str| description.to_ascii_lowercase().contains(text);
    match code {
        "internal_failure" | "server_error" | "temporarily_unavailable" => (ErrorKind::Unavailable, None),
        _ if status == 429 => (ErrorKind::Throttled, None),
        _ if (500..=599).contains(&status) => (ErrorKind::Unavailable, None),
        "invalid_grant" if says("short-lived token") || says("reasonable timeframe") => {
            (ErrorKind::Clock, None)
        }
        "invalid_grant" if says("signature") => (
            ErrorKind::Denied,
            Some(
                "the key was deleted or disabled, or belongs to another account: create a new key and use its file",
            ),
        ),
        "invalid_grant" if says("account not found") || says("issuer") => (
            ErrorKind::Denied,
            Some("the service account does not exist any more: check `client_email` in the key file"),
        ),
        "invalid_grant" if says("audience") => {
            (ErrorKind::Denied, Some("the audience must be https://oauth2.googleapis.com/token"))
        }
        "invalid_grant" if says("email") || says("user id") => {
            (ErrorKind::Denied, Some("the subject is no user of the domain: check the address acted for"))
        }
        "invalid_grant" if says("deleted") || says("disabled") => (
            ErrorKind::Denied,
            Some("the service account was deleted or disabled: see to it in the Cloud console"),
        ),
        "invalid_grant" => (
            ErrorKind::Denied,
            Some(
                "check that the key file is whole and current, that its account exists, and the clock of this machine",
            ),
        ),
        "invalid_request" | "unsupported_grant_type" | "unsupported_response_type" => (
            ErrorKind::Denied,
            Some(
                "the endpoint does not understand the request: is it Google's token endpoint, and the subject an address?",
            ),
        ),
        "unauthorized_client" | "access_denied" => (
            ErrorKind::Denied,
            Some(
                "authorize the account's numeric client id for these very scopes in the Admin console \
                 (domain-wide delegation), which can take a day to work; without a subject this code should not come",
            ),
        ),
        "admin_policy_enforced" => (
            ErrorKind::Denied,
            Some("a policy of the Workspace domain blocks one of the scopes: ask its administrator"),
        ),
        "invalid_scope" => (ErrorKind::Denied, Some("check the spelling of the scopes: each is a whole URL")),
        "disabled_client" => (
            ErrorKind::Denied,
            Some("the service account or its key is disabled: enable it in the Cloud console"),
        ),
        "deleted_client" => {
            (ErrorKind::Denied, Some("the client was deleted: it can be restored within 30 days"))
        }
        "org_internal" => {
            (ErrorKind::Denied, Some("the project takes only accounts of its own organization"))
        }
        "invalid_client" => {
            (ErrorKind::Denied, Some("the key file does not fit the account: download a new key"))
        }
        _ => (ErrorKind::Denied, None),
    }
}
