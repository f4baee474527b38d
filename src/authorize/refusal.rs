//! What a response means to a caller that wants JSON: the value, or an error with what to do.
//!
//! In: a response in memory. Out: the value that is its JSON, or an error with the document of the API as its
//! cause (AIP-193).

use crate::error::{Error, ErrorKind, GoogleStatus, scrub_secret};
use crate::http::{Class, Response, class, is_html, redirect_target, retry_after};
use crate::token_source::Identity;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::time::SystemTime;

/// What a response answers.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// Host and port of the API.
    pub(super) place: &'a str,
    pub(super) identity: Option<&'a Identity>,
    /// The token that was sent: no piece of it is shown.
    pub(super) secret: &'a str,
    /// The wall clock when the response was complete.
    pub(super) answered: SystemTime,
}

/// The value that a response of 2xx holds. No content is `null`.
pub(super) fn value<T: DeserializeOwned>(
    response: &Response<Vec<u8>>,
    context: Context<'_>,
) -> Result<T, Error> {
    if !response.status().is_success() {
        return Err(refusal(response, context));
    }
    let body = response.body().as_slice();
    let text = if body.trim_ascii().is_empty() { b"null" } else { body };
    serde_json::from_slice(text).map_err(|error| {
        let error = match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) if error.is_data() => misfit(&error, text == body, context),
            Ok(_) => no_json(&error, is_html(response.headers()), context),
            Err(fault) => no_json(&fault, is_html(response.headers()), context),
        };
        error.with_status(response.status().as_u16())
    })
}

/// The error for JSON that does not fit the caller's type.
fn misfit(fault: &serde_json::Error, has_content: bool, context: Context<'_>) -> Error {
    let what = if has_content { "" } else { " has no content, which" };
    let reason = reason(fault, has_content, context.secret);
    let message =
        format!("the response of {}{what} does not fit the type that it is read as: {reason}", context.place);
    Error::new(ErrorKind::Schema, message).with_hint(match has_content {
        true => "correct the type, or read the response with Authorized::send",
        false => "read it as an Option, or as serde::de::IgnoredAny",
    })
}

/// The error for a response that is not JSON.
fn no_json(fault: &serde_json::Error, is_html: bool, context: Context<'_>) -> Error {
    let reason = reason(fault, true, context.secret);
    let message = format!("the response of {} is not JSON: {reason}", context.place);
    // A body that ends too soon may come whole the next time.
    let error = Error::new(ErrorKind::Schema, message).with_retryable(fault.is_eof());
    error.with_hint(match (is_html, fault.is_eof()) {
        (true, _) => MAYBE_A_PROXY,
        (false, true) => AGAIN,
        (false, false) => "read a response that is not JSON with Authorized::send or Authorized::stream",
    })
}

/// The words of serde, with the place if it is wanted and one of the text.
fn reason(fault: &serde_json::Error, has_place: bool, secret: &str) -> String {
    let text = fault.to_string();
    let place = format!(" at line {} column {}", fault.line(), fault.column());
    let words = text.strip_suffix(&place).filter(|_| !has_place || fault.column() == 0);
    scrub_secret(words.unwrap_or(&text), secret)
}

/// The error for a response other than 2xx.
fn refusal(response: &Response<Vec<u8>>, context: Context<'_>) -> Error {
    let code = response.status().as_u16();
    let document = GoogleStatus::parse(response.body(), context.secret);
    let status = document.as_ref();
    let (kind, verb) = match class(response.status()) {
        Class::Redirect => (ErrorKind::Redirect, "redirects"),
        Class::ProxyLogin => (ErrorKind::Config, "refused"),
        Class::SendAgain | Class::Unavailable => (ErrorKind::Unavailable, "failed to answer"),
        Class::SlowDown => (ErrorKind::Quota, "refused"),
        Class::Refused | Class::NotSupported => (ErrorKind::Api, "refused"),
        Class::Success | Class::Unexpected => (ErrorKind::Protocol, "did not answer"),
    };
    let reason = status.map(|status| status.message.trim_end_matches('.')).filter(|text| !text.is_empty());
    let target = redirect_target(response.headers(), context.secret).filter(|_| kind == ErrorKind::Redirect);
    let to = target.map(|target| format!(" to {target}")).unwrap_or_default();
    let message = match reason {
        Some(reason) => format!("{} {verb} the request{to}: {reason}", context.place),
        None => format!("{} {verb} the request{to} (HTTP status {code})", context.place),
    };
    let hint = hint(response, status, context);
    let mut error = Error::new(kind, message).with_status(code).with_hint(hint);
    let delay = status.and_then(GoogleStatus::retry_delay);
    let at = delay.and_then(|delay| context.answered.checked_add(delay));
    if let Some(at) = at.or_else(|| retry_after(response.headers(), context.answered)) {
        error = error.with_retry_at(at);
    }
    if let Some(code) = status.map(|status| status.status.as_str()).filter(|code| !code.is_empty()) {
        error = error.with_code(code);
    }
    match document {
        Some(document) => error.with_source(document),
        None => error,
    }
}

fn hint(response: &Response<Vec<u8>>, status: Option<&GoogleStatus>, context: Context<'_>) -> String {
    let code = response.status().as_u16();
    let is_page = status.is_none() && is_html(response.headers());
    let text = match (class(response.status()), code) {
        (Class::Redirect, _) => return format!("redirects are never followed: {MAYBE_A_PROXY}"),
        (Class::Unexpected, 304) => "the request has a condition: read its response with Authorized::send",
        (Class::SendAgain | Class::Unavailable, _) if is_page => {
            return format!("{AGAIN}; if it repeats, {MAYBE_A_PROXY}");
        }
        (Class::SendAgain | Class::Unavailable, _) => AGAIN,
        (Class::SlowDown, _) => "send the request again later, and fewer requests at a time",
        (_, 404) if is_page => {
            return format!(
                "check the path of the URL: Google answers 404 with a page to one that it does not know; \
                 else {MAYBE_A_PROXY}"
            );
        }
        _ if is_page => MAYBE_A_PROXY,
        (Class::ProxyLogin | Class::Unexpected, _) | (_, 511) => MAYBE_A_PROXY,
        (_, 401) => "check that the token source gives tokens of the kind that this API takes",
        (_, 403) => return forbidden(status, context.identity),
        (_, 404 | 405 | 410) => "check the method, the URL and the names in it",
        (_, 409 | 412) => "read the resource as it is now, and change the request to fit",
        (_, 413 | 414 | 431) => "send less in one request",
        _ => "change the request: the same one is refused again",
    };
    text.to_owned()
}

/// What to do about a 403.
fn forbidden(status: Option<&GoogleStatus>, identity: Option<&Identity>) -> String {
    let who = identity.and_then(Identity::email).unwrap_or("the account that the token stands for");
    match status.and_then(GoogleStatus::reason) {
        Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT") => {
            "give the token source the scope that this method needs".into()
        }
        Some("SERVICE_DISABLED") => format!("enable this API in the project of {who}"),
        _ => format!("give {who} a role that allows this"),
    }
}

const AGAIN: &str = "send the request again later";

const MAYBE_A_PROXY: &str = "a proxy or a login page may have answered instead of the API";
