//! What a response means to a caller that wants JSON: the value, or an error with what to do.
//!
//! In: a response in memory. Out: the value that is its JSON, or an error with the document of the API as its
//! cause (AIP-193).

use crate::error::{Error, ErrorKind, GoogleStatus, scrub_secret};
use crate::http::{Class, Response, class, is_html, retry_after};
use crate::token_source::Identity;
use serde::de::DeserializeOwned;
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
        let reason = scrub_secret(&error.to_string(), context.secret);
        let message =
            format!("the response of {} is not the JSON that was expected: {reason}", context.place);
        let error = Error::new(ErrorKind::Schema, message)
            .with_status(response.status().as_u16())
            // A body that ends too soon may come whole the next time.
            .with_retryable(error.is_eof());
        if is_html(response.headers()) { error.with_hint(MAYBE_A_PROXY) } else { error }
    })
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
    let message = match reason {
        Some(reason) => format!("{} {verb} the request: {reason}", context.place),
        None => format!("{} {verb} the request (HTTP status {code})", context.place),
    };
    let mut error = Error::new(kind, message).with_status(code);
    if let Some(hint) = hint(response, status, context) {
        error = error.with_hint(hint);
    }
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

fn hint(response: &Response<Vec<u8>>, status: Option<&GoogleStatus>, context: Context<'_>) -> Option<String> {
    let who = context.identity.and_then(Identity::email).unwrap_or("the account that the token stands for");
    match (response.status().as_u16(), status.and_then(GoogleStatus::reason)) {
        (300..=399, _) => Some(format!("redirects are never followed: {MAYBE_A_PROXY}")),
        (407, _) => Some(MAYBE_A_PROXY.into()),
        _ if status.is_none() && is_html(response.headers()) => Some(MAYBE_A_PROXY.into()),
        (401, _) => Some("check that the token source gives tokens of the kind that this API takes".into()),
        (403, Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT")) => {
            Some("give the token source the scope that this method needs".into())
        }
        (403, Some("SERVICE_DISABLED")) => Some(format!("enable this API in the project of {who}")),
        (403, _) => Some(format!("give {who} a role that allows this")),
        _ => None,
    }
}

const MAYBE_A_PROXY: &str = "a proxy or a login page may have answered instead of the API";
