//! What an HTTP status means for a client of Google's endpoints and APIs. RFC 9110 §15.

use crate::error::scrub_secret;
use ureq::http::StatusCode;
use ureq::http::header::{CONTENT_TYPE, HeaderMap, LOCATION};

/// What a status means, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// 200: the body is the answer.
    Success,
    /// 3xx but 304: redirects are never followed.
    Redirect,
    /// 407.
    ProxyLogin,
    /// 408, 421, 425: the same request may succeed on another connection.
    SendAgain,
    /// 429.
    SlowDown,
    /// Any other 4xx.
    Refused,
    /// A 5xx that is final by its meaning: 501, 505, 506, 508, 510, 511.
    NotSupported,
    /// Any other 5xx.
    Unavailable,
    /// 1xx, 2xx but 200 (204 has no body), 304, and everything beyond 599.
    Unexpected,
}

pub(crate) fn class(status: StatusCode) -> Class {
    match status.as_u16() {
        200 => Class::Success,
        304 => Class::Unexpected,
        300..=399 => Class::Redirect,
        407 => Class::ProxyLogin,
        408 | 421 | 425 => Class::SendAgain,
        429 => Class::SlowDown,
        400..=499 => Class::Refused,
        501 | 505 | 506 | 508 | 510 | 511 => Class::NotSupported,
        500..=599 => Class::Unavailable,
        _ => Class::Unexpected,
    }
}

/// Whether the body is said to be a page for people.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    let is_html = |value: &str| value.trim_start().to_ascii_lowercase().starts_with("text/html");
    headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_html)
}

/// Where a redirect points: scheme, host and port of an absolute `Location` (RFC 9110 §10.2.2). Path, query
/// and user name are left out, for they may hold secrets; so is every piece of `secret`.
pub(crate) fn redirect_target(headers: &HeaderMap, secret: &str) -> Option<String> {
    let (scheme, rest) = headers.get(LOCATION)?.to_str().ok()?.trim().split_once("://")?;
    let place = rest.split(['/', '?', '#', '\\']).next()?.rsplit('@').next()?;
    let is_scheme = scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (is_scheme && !place.is_empty()).then(|| scrub_secret(&format!("{scheme}://{place}"), secret))
}
