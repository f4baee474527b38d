//! The response of the token endpoint that holds no token: why, and what to do. RFC 6749 §5.2, AIP-193.

use super::advice::{self, Fault};
use super::document::{Context, Document};
use crate::error::{Error, ErrorKind, GoogleStatus, OAuthError, scrub_secret};
use crate::http::{self, Class, Response};
use crate::json::Scalar;
use std::time::SystemTime;

/// How far two clocks may differ before the difference is the reason of a refusal: 60 s. Responses take
/// seconds, and Google is lenient within minutes.
pub(crate) const TOLERATED_OFFSET: u64 = 60;

/// The error for `response`, by its OAuth document, else by its API document, else by its status.
pub(super) fn error(
    response: &Response<Vec<u8>>,
    document: Option<&Document>,
    context: Context<'_>,
) -> Error {
    let refusal = Refusal { response, context };
    if let Some(document) = document.filter(|document| document.error.as_text().is_some()) {
        return refusal.by_oauth_error(document);
    }
    match GoogleStatus::parse(response.body(), context.secret) {
        Some(status) => refusal.by_api_status(status),
        None => refusal.by_http_status(),
    }
}

struct Refusal<'a> {
    response: &'a Response<Vec<u8>>,
    context: Context<'a>,
}

impl Refusal<'_> {
    fn by_oauth_error(&self, document: &Document) -> Error {
        // Codes are words like invalid_grant; anything else is text, perhaps an echo.
        let is_word = |code: &&str| {
            code.len() <= 60
                && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        let secret = self.context.secret;
        let said = document.error.as_text();
        let code =
            said.filter(is_word).filter(|code| scrub_secret(code, secret) == **code).map(str::to_owned);
        let shown = |field: &Scalar| {
            let text = field.as_text().filter(|_| !document.has_token())?;
            Some(scrub_secret(text, secret)).filter(|text| !text.is_empty())
        };
        // Text in the place of a code is an explanation, if there is no other.
        let description =
            shown(&document.error_description).or_else(|| shown(&document.error).filter(|_| code.is_none()));
        let fault = advice::of(
            self.response.status().as_u16(),
            code.as_deref().unwrap_or_default(),
            description.as_deref().unwrap_or_default(),
        );
        let mut message = self.step(fault.kind);
        if let Some(code) = &code {
            message = format!("{message}: {code}");
        }
        if let Some(description) = &description {
            message = format!("{message} ({description})");
        }
        let cause = OAuthError::new(code.clone(), description.clone(), shown(&document.error_uri));
        let mut error = Error::new(fault.kind, message).with_source(cause);
        if let Some(code) = code {
            error = error.with_code(code);
        }
        if let Some(description) = description {
            error = error.with_description(description);
        }
        self.complete(error, fault)
    }

    fn by_api_status(&self, status: GoogleStatus) -> Error {
        let fault = advice::of(self.response.status().as_u16(), "", &status.message);
        let message = format!("{}: {}", self.step(fault.kind), status.message.trim_end_matches('.'));
        let mut error = Error::new(fault.kind, message).with_description(status.message.clone());
        if !status.status.is_empty() {
            error = error.with_code(&status.status);
        }
        if let Some(at) = status.retry_delay().and_then(|delay| self.context.answered.checked_add(delay)) {
            error = error.with_retry_at(at);
        }
        self.complete(error.with_source(status), fault)
    }

    fn by_http_status(&self) -> Error {
        let status = self.response.status();
        let (kind, what) = match http::class(status) {
            Class::Redirect => (ErrorKind::Redirect, "answered with a redirect, which is never followed"),
            Class::ProxyLogin => (ErrorKind::Config, "was not reached: the proxy requires a login"),
            Class::SendAgain => (ErrorKind::Unavailable, "asks to send the request again"),
            Class::SlowDown => (ErrorKind::Throttled, "asks to slow down"),
            Class::Refused => (ErrorKind::Denied, "refused the request"),
            Class::NotSupported => (ErrorKind::Denied, "does not support the request"),
            Class::Unavailable => (ErrorKind::Unavailable, "is temporarily unavailable"),
            Class::Success | Class::Unexpected => {
                (ErrorKind::Protocol, "answered with a status that makes no sense here")
            }
        };
        let about = match self.context.account {
            Some(account) => format!("HTTP status {}, account {account}", status.as_u16()),
            None => format!("HTTP status {}", status.as_u16()),
        };
        let error = Error::new(kind, format!("the token endpoint {what} ({about})"));
        let hint = match kind {
            ErrorKind::Redirect => Some(MAYBE_A_PROXY),
            ErrorKind::Config => {
                Some("put the login into the proxy's URL: HTTPS_PROXY=http://user:password@host:port")
            }
            ErrorKind::Unavailable | ErrorKind::Throttled => Some("run the job again later"),
            _ if http::class(status) == Class::NotSupported => Some(MAYBE_A_PROXY),
            _ if http::is_html(self.response.headers()) => Some(MAYBE_A_PROXY),
            _ => None,
        };
        self.complete(error, Fault { kind, hint })
    }

    /// Which step failed, and for whom. A server that fails has not refused anything.
    fn step(&self, kind: ErrorKind) -> String {
        let what = match kind {
            ErrorKind::Unavailable => "failed",
            ErrorKind::Throttled => "asks to slow down",
            _ => "refused the assertion",
        };
        match (kind, self.context.account) {
            (_, None) => format!("the token endpoint {what}"),
            (ErrorKind::Unavailable | ErrorKind::Throttled, Some(account)) => {
                format!("the token endpoint {what} for {account}")
            }
            (_, Some(account)) => format!("the token endpoint {what} of {account}"),
        }
    }

    fn complete(&self, error: Error, fault: Fault) -> Error {
        let error = error.with_status(self.response.status().as_u16());
        if fault.kind == ErrorKind::Clock {
            return self.about_the_clock(error);
        }
        let error = match fault.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        };
        match http::retry_after(self.response.headers(), self.context.answered) {
            Some(at) if error.is_retryable() => error.with_retry_at(at),
            _ => error,
        }
    }

    /// Compares the clocks when a refusal is about dates. Only a real difference makes it the clock's fault.
    fn about_the_clock(&self, error: Error) -> Error {
        let server = http::date(self.response.headers());
        let Some(offset) = server.map(|server| seconds_ahead(server, self.context.answered)) else {
            return error
                .with_kind(ErrorKind::Denied)
                .with_hint("compare the clock of this machine with the true time, and let NTP set it");
        };
        let by = offset.unsigned_abs();
        let kind = if by > TOLERATED_OFFSET { ErrorKind::Clock } else { ErrorKind::Denied };
        let how = if offset > 0 { "slow" } else { "fast" };
        let by = match by {
            0..120 => format!("{by} seconds"),
            120..7_200 => format!("{} minutes", by / 60),
            7_200..172_800 => format!("{} hours", by / 3600),
            _ => format!("{} days", by / 86_400),
        };
        let hint = format!(
            "the clock of this machine is {by} {how}, compared with the server's: set it, or let NTP set it"
        );
        error.with_kind(kind).with_hint(hint).with_clock_offset(offset)
    }
}

pub(super) const MAYBE_A_PROXY: &str = "a proxy or a login page may have answered instead: send a request to the same URL from this machine with curl";

fn seconds_ahead(server: SystemTime, ours: SystemTime) -> i64 {
    match server.duration_since(ours) {
        Ok(ahead) => i64::try_from(ahead.as_secs()).unwrap_or(i64::MAX),
        Err(behind) => -i64::try_from(behind.duration().as_secs()).unwrap_or(i64::MAX),
    }
}
