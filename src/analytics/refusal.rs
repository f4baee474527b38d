//! What Analytics says when it says no.
//!
//! In: an answer other than 200. Out: an error with Google's own message, scrubbed, and with what to do. Google's
//! errors are `google.rpc.Status` in JSON, `{"error": {"code", "message", "status", "details"}}`; a wrong path gets
//! an HTML page. <https://developers.google.com/analytics/devguides/reporting/data/v1/errors>

use super::property::PropertyId;
use crate::error::{Error, ErrorKind, scrub};
use crate::http::Response;
use crate::token_source::Identity;
use serde::Deserialize;
use serde_json::Value;
use std::time::SystemTime;

#[derive(Deserialize)]
struct Envelope {
    error: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
    status: String,
    details: Vec<Value>,
}

/// The error for `response`, which came at `now`: an answer about `property` to a request made as `identity`.
pub(super) fn refusal(
    response: &Response,
    property: PropertyId,
    identity: Option<&Identity>,
    now: SystemTime,
) -> Error {
    let status = serde_json::from_slice(&response.body).map(|e: Envelope| e.error).unwrap_or_default();
    let kind = match response.status {
        429 => ErrorKind::Quota,
        300..=399 => ErrorKind::Redirect,
        500 | 502..=504 => ErrorKind::Unavailable,
        _ => ErrorKind::Api,
    };
    let what = if response.status >= 500 { "failed to make" } else { "refused" };
    let mut message = format!("Analytics {what} the report on property {property}");
    if status.message.is_empty() {
        message = format!("{message} (HTTP status {})", response.status);
    } else {
        // A hint may follow after a semicolon.
        message = format!("{message}: {}", scrub(&status.message).trim_end_matches('.'));
    }
    let mut error = Error::new(kind, message).with_status(response.status);
    if let (429 | 500.., Some(at)) = (response.status, response.retry_after(now)) {
        error = error.with_retry_at(at);
    }
    if let Some(hint) = hint(response.status, &status, property, identity) {
        error = error.with_hint(hint);
    }
    if !status.status.is_empty() {
        error = error.with_code(scrub(&status.status));
    }
    error
}

fn hint(http: u16, status: &Status, property: PropertyId, identity: Option<&Identity>) -> Option<String> {
    let reason = |wanted: &str| status.details.iter().find(|d| d["reason"] == wanted);
    let who = identity.and_then(Identity::email).unwrap_or("the account that the token stands for");
    match http {
        401 => Some(
            "check that the token source gives access tokens with the scope shortway::scope::ANALYTICS_READONLY"
                .into(),
        ),
        403 if reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT").is_some() => {
            Some("ask the token source for the scope shortway::scope::ANALYTICS_READONLY".into())
        }
        403 => Some(match reason("SERVICE_DISABLED") {
            Some(details) => {
                let link = details["metadata"]["activationUrl"].as_str().map(scrub);
                let link =
                    link.filter(|url| url.starts_with("https://console.") && url.contains(".google.com/"));
                format!(
                    "enable the Google Analytics Data API in the project of {who}: {}",
                    link.as_deref().unwrap_or(
                        "https://console.cloud.google.com/apis/library/analyticsdata.googleapis.com"
                    )
                )
            }
            None => format!(
                "add {who} to property {property} as a Viewer (Google Analytics: Admin, Property access management); \
                 if it is there already, check the property id"
            ),
        }),
        404 => Some("check the API URL: Google answers 404 to a path that it does not know".into()),
        429 => Some("wait: hourly quotas refill within the hour, daily ones at midnight Pacific time".into()),
        _ => None,
    }
}
