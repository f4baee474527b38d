//! Answers other than 200.

use crate::{answer, fake, property, run, week};
use serde_json::json;
use shortway::ErrorKind;
use shortway::analytics::Analytics;
use shortway::scope::{ANALYTICS_READONLY, CLOUD_PLATFORM};
use shortway::testing::ManualClock;

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
         dimensions and metrics, see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
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
    assert_eq!(error.hint(), Some("ask the token source for the scope shortway::scope::ANALYTICS_READONLY"));
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
        "Analytics failed to make the report on property 1234 (HTTP status 502)"
    );
    assert_eq!(
        message(
            500,
            r#"{"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}"#
        ),
        "Analytics failed to make the report on property 1234: Internal error encountered"
    );
    assert_eq!(message(400, "[]"), "Analytics refused the report on property 1234 (HTTP status 400)");
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
