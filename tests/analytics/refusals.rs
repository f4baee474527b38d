//! Answers other than 200.

use crate::util::endpoint::Endpoint;
use crate::{answer, fake, property, run, week};
use serde_json::{Value, json};
use shortway::analytics::{Analytics, ReportRequest};
use shortway::scope::{ANALYTICS_READONLY, CLOUD_PLATFORM};
use shortway::testing::ManualClock;
use shortway::testing::ScriptedSource;
use shortway::{Error, ErrorKind, GoogleStatus, RetryPolicy};

#[test]
fn googles_own_message_is_shown() {
    let error = run(&week().metrics(["pageviews"])).expect_err("an unknown metric");
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Api, Some(400), Some("INVALID_ARGUMENT"))
    );
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 1234: Field pageviews is not a valid metric. For a list of valid \
         dimensions and metrics, see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema; \
         correct the request: Property::metadata lists the dimensions and metrics that there are, \
         Property::check_compatibility those that fit together"
    );
}

#[test]
fn account_that_is_not_on_the_property_is_told_what_to_do() {
    let google = fake();
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    let error =
        analytics.property(99).run_report(&week().metrics(["screenPageViews"])).expect_err("no access");
    assert_eq!(
        (error.kind(), error.status(), error.code()),
        (ErrorKind::Api, Some(403), Some("PERMISSION_DENIED"))
    );
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 99: User does not have sufficient permissions for this property. To learn \
         more about Property ID, see https://developers.google.com/analytics/devguides/reporting/data/v1/property-id; add \
         fake@throw-away.iam.gserviceaccount.com to property 99 as a Viewer (Google Analytics: Admin, Property access \
         management); if it is there already, check the property id"
    );
    let error = property(&google, CLOUD_PLATFORM).run_report(&week()).expect_err("no scope");
    assert_eq!(
        error.hint(),
        Some("the token needs the scope shortway::scope::ANALYTICS_READONLY: give it to the token source")
    );
}

#[test]
fn api_that_is_switched_off_is_told_with_the_link() {
    let link = "https://console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?project=123456789012";
    let body = |link: &str| {
        json!({"error": {
            "code": 403,
            "message": "Google Analytics Data API has not been used in project 123456789012 before or it is disabled.",
            "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED",
                         "metadata": {"activationUrl": link}}],
        }})
        .to_string()
    };
    let account =
        "enable the Google Analytics Data API in the project of nightly@figures.iam.gserviceaccount.com: ";
    let error = answer(403, &body(link)).expect_err("off");
    assert_eq!(error.hint(), Some(format!("{account}{link}").as_str()));
    let error = answer(403, &body("https://evil.example/login")).expect_err("off");
    assert_eq!(
        error.hint(),
        Some(
            format!("{account}https://console.cloud.google.com/apis/library/analyticsdata.googleapis.com")
                .as_str()
        )
    );
}

#[test]
fn other_refusals_keep_their_status() {
    for (status, body, kind, retryable) in [
        (404, "<!DOCTYPE html><title>Error 404</title>", ErrorKind::Api, false),
        (
            429,
            r#"{"error": {"code": 429, "message": "Exhausted concurrent requests quota.", "status": "RESOURCE_EXHAUSTED"}}"#,
            ErrorKind::Quota,
            true,
        ),
        (500, "", ErrorKind::Unavailable, true),
        (503, "<html>", ErrorKind::Unavailable, true),
        (302, "", ErrorKind::Redirect, false),
        (400, "[]", ErrorKind::Api, false),
    ] {
        let error = answer(status, body).expect_err("a refusal");
        assert_eq!(
            (error.kind(), error.status(), error.is_retryable()),
            (kind, Some(status), retryable),
            "{body}"
        );
    }
}

#[test]
fn server_that_fails_is_not_said_to_refuse() {
    let message = |status, body: &str| answer(status, body).expect_err("no report").to_string();
    assert_eq!(
        message(502, "<html>"),
        "Analytics failed to make the report on property 1234 (HTTP status 502); run the job again later"
    );
    assert_eq!(
        message(
            500,
            r#"{"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}"#
        ),
        "Analytics failed to make the report on property 1234: Internal error encountered; run the job again later: \
         Google refuses every request of the project to the property after ten such answers in an hour"
    );
    assert_eq!(
        message(400, "[]"),
        "Analytics refused the report on property 1234 (HTTP status 400); correct the request: Property::metadata lists the \
         dimensions and metrics that there are, Property::check_compatibility those that fit together"
    );
}

#[test]
fn token_that_stays_refused_is_told_with_what_to_check() {
    let body = r#"{"error": {"code": 401, "message": "Request had invalid authentication credentials.",
                    "status": "UNAUTHENTICATED"}}"#;
    let error = answer(401, body).expect_err("a refusal");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Api, Some(1)));
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 1234: Request had invalid authentication credentials; check that the \
         token source gives access tokens with the scope shortway::scope::ANALYTICS_READONLY"
    );
}

/// The error for a response with this content type.
fn typed_answer(status: u16, content_type: &'static str, body: &'static str) -> Error {
    let server =
        Endpoint::start(move |_| (status, vec![("Content-Type", content_type.to_owned())], body.into()));
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.y");
    let analytics =
        Analytics::new(tokens).with_retry(RetryPolicy::NONE).with_endpoint(&server.url).expect("a client");
    analytics.property(1234).run_report(&ReportRequest::new()).expect_err("no report")
}

/// What is told of an answer: its kind, whether a later request may help, and the whole text.
fn told(status: u16, body: &Value) -> (ErrorKind, bool, String) {
    let error = answer(status, &body.to_string()).expect_err("a refusal");
    (error.kind(), error.is_retryable(), error.to_string())
}

/// An error document with one detail.
fn document(code: u16, status: &str, message: &str, detail: &Value) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": [detail]}})
}

const REFUSED: &str = "Analytics refused the report on property 1234: ";

#[test]
fn quota_errors_say_which_bucket_and_how_long() {
    for (message, advice) in [
        (
            "Exhausted property tokens for a project per hour",
            "the tokens of this project on the property for this hour are used up; wait: the quota is reset within an hour",
        ),
        (
            "Exhausted property tokens per hour",
            "the property's tokens for this hour are used up; wait: the quota is reset within an hour",
        ),
        (
            "Exhausted property tokens per day",
            "the property's tokens for today are used up; the quota is reset at midnight Pacific time: send fewer or \
             smaller requests, or wait",
        ),
        (
            "Exhausted concurrent requests quota",
            "too many requests at the same time on this property; send the request again when another one has ended",
        ),
        (
            "Exhausted server errors per project per hour",
            "too many server errors in this hour: Google refuses every request of this project to the property; wait: \
             the quota is reset within an hour",
        ),
        (
            "Exhausted potentially thresholded requests quota",
            "too many requests in this hour that could identify persons (demographics, audiences); wait: the quota is \
             reset within an hour",
        ),
        (
            "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'",
            "too many requests in this minute; wait a minute",
        ),
        (
            "Resource has been exhausted (e.g. check quota)",
            "a quota is exhausted; quotas_snapshot shows which one; most are reset within an hour, daily ones at midnight \
             Pacific time",
        ),
    ] {
        let body =
            json!({"error": {"code": 429, "message": format!("{message}."), "status": "RESOURCE_EXHAUSTED"}});
        let want = (ErrorKind::Quota, true, format!("{REFUSED}{message}; {advice}"));
        for status in [429, 403, 200] {
            assert_eq!(told(status, &body), want, "{status}");
        }
    }
    let minute = "Quota exceeded for quota metric 'Requests' and limit 'Requests per minute'";
    let body =
        json!({"error": {"code": 403, "message": format!("{minute}."), "status": "PERMISSION_DENIED"}});
    for status in [403, 200] {
        let text = format!("{REFUSED}{minute}; too many requests in this minute; wait a minute");
        assert_eq!(told(status, &body), (ErrorKind::Quota, true, text), "{status}");
    }
}

#[test]
fn every_refusal_says_what_to_do() {
    let invalid = "correct the request: Property::metadata lists the dimensions and metrics that there are, \
                   Property::check_compatibility those that fit together";
    let who = "nightly@figures.iam.gserviceaccount.com";
    let info = |reason: &str| json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason});
    let violation = json!({"@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"description": "Invalid JSON payload received. Unknown name \"dimension\": Cannot find field."}]});
    let billing = "https://console.developers.google.com/billing/enable?project=123456789012";
    let help = json!({"@type": "type.googleapis.com/google.rpc.Help", "reason": "BILLING_DISABLED",
        "links": [{"url": "https://evil.example/billing"}, {"url": billing}]});
    let cases = [
        (
            400,
            "INVALID_ARGUMENT",
            "Did you mean screenPageViews? Field pageviews is not a valid metric",
            json!({}),
            invalid.to_owned(),
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "Please remove city to make the request compatible",
            json!({}),
            invalid.to_owned(),
        ),
        (
            400,
            "INVALID_ARGUMENT",
            "Invalid JSON payload received. Unknown name \"dimension\": Cannot find field",
            violation,
            invalid.to_owned(),
        ),
        (
            401,
            "UNAUTHENTICATED",
            "Request is missing required authentication credential",
            info("CREDENTIALS_MISSING"),
            "the request came without its token: a proxy may take the header Authorization away".into(),
        ),
        (
            401,
            "UNAUTHENTICATED",
            "Request had invalid authentication credentials",
            info("ACCESS_TOKEN_TYPE_UNSUPPORTED"),
            "check that the token source gives access tokens with the scope shortway::scope::ANALYTICS_READONLY".into(),
        ),
        (
            403,
            "PERMISSION_DENIED",
            "User does not have sufficient permissions for this property",
            json!({}),
            format!(
                "add {who} to property 1234 as a Viewer (Google Analytics: Admin, Property access management); if it is \
                 there already, check the property id"
            ),
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Request had insufficient authentication scopes",
            info("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            "the token needs the scope shortway::scope::ANALYTICS_READONLY: give it to the token source".into(),
        ),
        (
            403,
            "PERMISSION_DENIED",
            "Google Analytics Data API has not been used in project 123456789012 before or it is disabled",
            info("SERVICE_DISABLED"),
            format!(
                "enable the Google Analytics Data API in the project of {who}: \
                 https://console.cloud.google.com/apis/library/analyticsdata.googleapis.com"
            ),
        ),
        (
            403,
            "PERMISSION_DENIED",
            "This API method requires billing to be enabled",
            help,
            format!("enable billing for the project of {who}: {billing}"),
        ),
    ];
    for (status, code, message, detail, advice) in cases {
        let body = document(status, code, &format!("{message}."), &detail);
        let want = (ErrorKind::Api, false, format!("{REFUSED}{message}; {advice}"));
        assert_eq!(told(status, &body), want);
        assert_eq!(told(200, &body), want, "inside a 200");
    }
    for (status, text) in [
        (404, "check the API URL: Google answers 404 to a path that it does not know"),
        (413, "the request is too large: use shorter filters and fewer columns"),
        (414, "the request is too large: use shorter filters and fewer columns"),
    ] {
        let error = answer(status, "").expect_err("a refusal");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Api, false));
        let place = "Analytics refused the report on property 1234 (HTTP status";
        assert_eq!(error.to_string(), format!("{place} {status}); {text}"));
    }
}

#[test]
fn every_failure_of_the_server_says_what_to_do() {
    let later = "run the job again later: Google refuses every request of the project to the property after ten such \
                 answers in an hour";
    let slow =
        "Google took too long: request fewer days, columns or rows at once, or run the job again later";
    for (status, code, message, advice) in [
        (500, "INTERNAL", "Internal error encountered", later),
        (503, "UNAVAILABLE", "The service is currently unavailable", later),
        (504, "DEADLINE_EXCEEDED", "Deadline exceeded", slow),
    ] {
        let body = document(status, code, &format!("{message}."), &json!({}));
        let text = format!("Analytics failed to make the report on property 1234: {message}; {advice}");
        let want = (ErrorKind::Unavailable, true, text);
        assert_eq!(told(status, &body), want);
        assert_eq!(told(200, &body), want, "inside a 200");
    }
}

#[test]
fn error_document_inside_a_200_is_an_error_of_the_api() {
    let error = answer(200, r#"{"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}"#);
    let error = error.expect_err("an error");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Api, Some("PERMISSION_DENIED")));
    assert!(error.message().ends_with("property 1234: No"), "{error}");
    let error = answer(200, r#"{"error": {"code": 503, "message": "Later.", "status": "UNAVAILABLE"}}"#);
    assert_eq!(error.expect_err("an error").kind(), ErrorKind::Unavailable);
}

#[test]
fn details_are_reachable_and_shown_where_they_help() {
    let body = json!({"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest",
                     "fieldViolations": [{"field": "dimensions[0].name", "description": "Unknown name."}]}]}});
    let error = answer(400, &body.to_string()).expect_err("a refusal");
    assert_eq!(
        error.message(),
        "Analytics refused the report on property 1234: Request contains an invalid argument (dimensions[0].name: Unknown name)"
    );
    let body = json!({"error": {"code": 429, "message": "Exhausted.", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED",
                     "metadata": {"quota_limit": "PerMinute"}},
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "30s"}]}});
    let error = answer(429, &body.to_string()).expect_err("a quota");
    assert_eq!(error.cause::<GoogleStatus>().and_then(|s| s.metadata("quota_limit")), Some("PerMinute"));
    assert!(error.retry_at().is_some(), "RetryInfo sets the time");
}

#[test]
fn status_is_final_or_passes_by_its_meaning() {
    for status in [408, 421, 425, 507, 509, 520, 599] {
        assert!(answer(status, "").expect_err("no report").is_retryable(), "{status}");
    }
    for status in [400, 501, 505, 506, 508, 510, 511, 301, 407] {
        assert!(!answer(status, "").expect_err("no report").is_retryable(), "{status}");
    }
}

const PROXY: &str = "a proxy or a login page may have answered instead: send a request to the same URL from this machine with curl";

#[test]
fn pages_redirects_and_empty_responses_are_explained() {
    let html = "text/html; charset=utf-8";
    for (status, content_type) in [(200, html), (302, html), (403, html), (204, "application/json")] {
        let error =
            typed_answer(status, content_type, if status == 204 { "" } else { "<html>sign in</html>" });
        assert_eq!(error.hint(), Some(PROXY), "{status}: {error}");
    }
    let error = typed_answer(404, html, "<html>not here</html>");
    assert_eq!(
        error.hint(),
        Some("check the API URL: Google answers 404 with a page to a path that it does not know")
    );
}

#[test]
fn redirect_is_told_with_the_host_that_it_points_to() {
    let header = ("Location", "https://login.example/path?code=secret".to_owned());
    let server = Endpoint::start(move |_| (302, vec![header.clone()], Vec::new()));
    let analytics = Analytics::new(ScriptedSource::numbered()).with_endpoint(&server.url).expect("a client");
    let error = analytics.property(1234).run_report(&ReportRequest::new()).expect_err("a redirect");
    assert_eq!(
        error.message(),
        "Analytics refused the report on property 1234 (HTTP status 302, a redirect to https://login.example)"
    );
}

#[test]
fn token_of_the_call_is_in_no_text() {
    for body in [
        r#"{"error": {"code": 400, "message": "bad ya29.x", "status": "ya29.x", "details": [{"reason": "ya29.x"}]}}"#,
        r#"{"error": {"code": 400, "message": "bad token=ya29.x", "status": "A"}}"#,
    ] {
        let error = answer(400, body).expect_err("a refusal");
        assert!(!format!("{error:?} {error}").contains("ya29.x"), "{error:?}");
    }
    let twice = r#"{"dimensionHeaders": [{"name": "ya29.x"}, {"name": "ya29.x"}], "rowCount": 0}"#;
    let error = answer(200, twice).expect_err("two columns of one name");
    assert!(!format!("{error:?} {error}").contains("ya29.x"), "{error:?}");
}
