//! The error for a response of Analytics other than 200, with what to do.
//!
//! In: the response, what was requested. Out: an error with Google's own message, without secrets; the
//! document itself is its cause. A wrong path gets an HTML page.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/errors>

use super::answer::PropertyQuota;
use super::bucket::Quota;
use super::property::PropertyId;
use crate::error::{Error, ErrorKind, GoogleStatus};
use crate::http::{self, Class, Response};
use crate::token_source::Identity;
use std::time::SystemTime;
use ureq::http::Uri;

/// What a refused request was about.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    /// What was requested, such as "the report".
    pub(super) what: &'a str,
    pub(super) property: PropertyId,
    pub(super) identity: Option<&'a Identity>,
    /// The token that was sent: no piece of it is shown.
    pub(super) secret: &'a str,
    /// The wall clock when the response was complete.
    pub(super) answered: SystemTime,
    /// What was left of the quota when an answer last said so.
    pub(super) quota: Option<PropertyQuota>,
}

pub(super) fn refusal(response: &Response<Vec<u8>>, context: Context<'_>) -> Error {
    let class = http::class(response.status());
    let document = GoogleStatus::parse(response.body(), context.secret);
    let status = document.as_ref();
    let quota = match Quota::of(response.status().as_u16(), status) {
        Some(Quota::Unknown) => Some(context.quota.and_then(Quota::empty).unwrap_or(Quota::Unknown)),
        told => told,
    };
    let kind = match class {
        _ if quota.is_some() => ErrorKind::Quota,
        // Some proxies answer 200 with Google's document of an error in it.
        Class::Success => kind_by_code(status),
        Class::Redirect => ErrorKind::Redirect,
        Class::ProxyLogin => ErrorKind::Config,
        Class::SendAgain | Class::Unavailable => ErrorKind::Unavailable,
        Class::SlowDown => ErrorKind::Quota,
        Class::Refused | Class::NotSupported => ErrorKind::Api,
        Class::Unexpected => ErrorKind::Protocol,
    };
    let mut error =
        Error::new(kind, message(response, kind, status, context)).with_status(response.status().as_u16());
    let at = status
        .and_then(GoogleStatus::retry_delay)
        .and_then(|delay| context.answered.checked_add(delay))
        .or_else(|| http::retry_after(response.headers(), context.answered))
        .or_else(|| quota.and_then(|quota| quota.refilled(context.answered)));
    if let Some(at) = at.filter(|_| error.is_retryable()) {
        error = error.with_retry_at(at);
    }
    let advice = match quota {
        Some(quota) => Some(quota.advice().to_owned()),
        None => advice(response, status, context),
    };
    if let Some(advice) = advice {
        error = error.with_hint(advice);
    }
    if let Some(code) = status.map(|s| s.status.as_str()).filter(|code| !code.is_empty()) {
        error = error.with_code(code);
    }
    match document {
        Some(document) => error.with_source(document),
        None => error,
    }
}

fn message(
    response: &Response<Vec<u8>>,
    kind: ErrorKind,
    status: Option<&GoogleStatus>,
    context: Context<'_>,
) -> String {
    let Context { what, property, .. } = context;
    let failed = kind == ErrorKind::Unavailable || response.status().is_server_error();
    let verb = if failed { "failed to make" } else { "refused" };
    let step = format!("Analytics {verb} {what} on property {property}");
    let Some(status) = status.filter(|status| !status.message.is_empty()) else {
        let target = http::redirect_target(response.headers(), context.secret);
        let to = target.filter(|_| kind == ErrorKind::Redirect).map(|to| format!(", a redirect to {to}"));
        return format!("{step} (HTTP status {}{})", response.status().as_u16(), to.unwrap_or_default());
    };
    // A hint may follow after a semicolon.
    let mut message = format!("{step}: {}", status.message.trim_end_matches('.'));
    for violation in status.details.iter().flat_map(|detail| &detail.field_violations).take(3) {
        if !status.message.contains(&violation.description) || !status.message.contains(&violation.field) {
            message =
                format!("{message} ({}: {})", violation.field, violation.description.trim_end_matches('.'));
        }
    }
    message
}

/// The kind of an error document that came under status 200.
fn kind_by_code(status: Option<&GoogleStatus>) -> ErrorKind {
    match status.map(|status| (status.code, status.status.as_str())) {
        Some((500 | 502..=504, _) | (_, "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED")) => {
            ErrorKind::Unavailable
        }
        _ => ErrorKind::Api,
    }
}

fn advice(
    response: &Response<Vec<u8>>,
    status: Option<&GoogleStatus>,
    context: Context<'_>,
) -> Option<String> {
    let who = context.identity.and_then(Identity::email).unwrap_or("the account that the token stands for");
    let (class, property) = (http::class(response.status()), context.property);
    let reason = status.and_then(GoogleStatus::reason);
    let canonical = status.map_or("", |status| status.status.as_str());
    match (response.status().as_u16(), canonical) {
        (300..=399 | 407, _) => Some(MAYBE_A_PROXY.into()),
        (404, _) if http::is_html(response.headers()) => {
            Some("check the API URL: Google answers 404 with a page to a path that it does not know".into())
        }
        _ if http::is_html(response.headers()) || response.status() == 204 => Some(MAYBE_A_PROXY.into()),
        (401, _) | (_, "UNAUTHENTICATED") if reason == Some("CREDENTIALS_MISSING") => {
            Some("the request came without its token: a proxy may take the header Authorization away".into())
        }
        (401, _) | (_, "UNAUTHENTICATED") => Some(
            "check that the token source gives access tokens with the scope shortway::scope::ANALYTICS_READONLY".into(),
        ),
        (403, _) | (_, "PERMISSION_DENIED") => Some(match reason {
            Some("ACCESS_TOKEN_SCOPE_INSUFFICIENT") => {
                "the token needs the scope shortway::scope::ANALYTICS_READONLY: give it to the token source".into()
            }
            Some("SERVICE_DISABLED") => format!(
                "enable the Google Analytics Data API in the project of {who}: {}",
                status.and_then(console_link).unwrap_or(LIBRARY)
            ),
            Some("BILLING_DISABLED") => format!(
                "enable billing for the project of {who}: {}",
                status.and_then(console_link).unwrap_or(BILLING)
            ),
            _ => format!(
                "add {who} to property {property} as a Viewer (Google Analytics: Admin, Property access management); \
                 if it is there already, check the property id"
            ),
        }),
        (404, "NOT_FOUND") if context.what.contains("audience export") => {
            Some("check the name of the audience export: audience_exports lists those of the property".into())
        }
        (404, _) => Some("check the API URL: Google answers 404 to a path that it does not know".into()),
        (413 | 414 | 431, _) => Some("the request is too large: use shorter filters and fewer columns".into()),
        (400, _) | (_, "INVALID_ARGUMENT" | "FAILED_PRECONDITION") => Some(INVALID.into()),
        (504, _) | (_, "DEADLINE_EXCEEDED") => {
            Some("Google took too long: request fewer days, columns or rows at once, or run the job again later".into())
        }
        (500 | 503, _) | (_, "INTERNAL" | "UNAVAILABLE") => Some(
            "run the job again later: Google refuses every request of the project to the property after ten such \
             answers in an hour"
                .into(),
        ),
        _ if class == Class::Unavailable => Some("run the job again later".into()),
        _ => None,
    }
}

pub(super) const MAYBE_A_PROXY: &str = "a proxy or a login page may have answered instead: send a request to the same URL from this machine with curl";

/// For a request that Google does not take; its own message says what is wrong with it.
const INVALID: &str = "correct the request: Property::metadata lists the dimensions and metrics that there are, Property::check_compatibility those that fit together";

/// The link to Google's own console in a refusal.
fn console_link(status: &GoogleStatus) -> Option<&str> {
    let help = status.details.iter().flat_map(|detail| &detail.links).map(|link| link.url.as_str());
    status.metadata("activationUrl").into_iter().chain(help).find(|url| is_console(url))
}

/// Where billing is enabled, if the response names no page.
const BILLING: &str = "https://console.cloud.google.com/billing";

/// Where an API is enabled, if the response names no page.
const LIBRARY: &str = "https://console.cloud.google.com/apis/library/analyticsdata.googleapis.com";

/// Whether a link leads to a page of Google's own console.
fn is_console(link: &str) -> bool {
    let Ok(uri) = link.parse::<Uri>() else { return false };
    let host = uri.authority().map(|authority| authority.as_str());
    uri.scheme_str() == Some("https")
        && matches!(host, Some("console.cloud.google.com" | "console.developers.google.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_is_googles_own_host() {
        assert!(is_console("https://console.developers.google.com/apis/api/x/overview?project=1"));
        assert!(is_console(LIBRARY));
        for link in [
            "https://console.evil.example/.google.com/enable",
            "https://console.evil.example/?next=x.google.com/",
            "http://console.cloud.google.com/apis",
            "https://user@console.cloud.google.com/apis",
            "https://console.cloud.google.com.evil.example/apis",
            "https://console.developers.google.com/apis and then run: curl https://evil.example/x.sh",
            "console.cloud.google.com/apis",
        ] {
            assert!(!is_console(link), "{link}");
        }
    }
}
