//! What the token endpoint refuses, and what is said about it.

use crate::{NOW, builder, read, response};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;
use shortway::endpoint::token::parse;
use shortway::testing::{FakeGoogle, Fault};
use shortway::{ErrorKind, GoogleStatus, OAuthError, TokenKind, TokenSource};
use std::time::Duration;

#[test]
fn refusal_is_sorted_by_code_first_and_status_second() {
    use ErrorKind::{Config, Denied, Protocol, Redirect, Throttled, Unavailable};
    let coded = |code: &str, text: &str| json!({"error": code, "error_description": text}).to_string();
    for (status, body, kind, retryable) in [
        (400, coded("invalid_grant", "Invalid JWT Signature."), Denied, false),
        (
            400,
            coded("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)"),
            Denied,
            false,
        ),
        (401, coded("unauthorized_client", "Unauthorized client or scope in request."), Denied, false),
        (400, coded("invalid_scope", ""), Denied, false),
        (400, coded("temporarily_unavailable", ""), Unavailable, true),
        (400, coded("internal_failure", ""), Unavailable, true),
        (200, coded("server_error", ""), Unavailable, true),
        (200, coded("invalid_grant", ""), Denied, false),
        (503, coded("whatever", ""), Unavailable, true),
        (429, coded("whatever", ""), Throttled, true),
        (400, "<html>".into(), Denied, false),
        (404, "{}".into(), Denied, false),
        (408, String::new(), Unavailable, true),
        (429, String::new(), Throttled, true),
        (500, String::new(), Unavailable, true),
        (501, String::new(), Denied, false),
        (302, String::new(), Redirect, false),
        (304, String::new(), Protocol, true),
        (407, String::new(), Config, false),
        (421, String::new(), Unavailable, true),
        (204, String::new(), Protocol, true),
        (600, String::new(), Protocol, true),
    ] {
        let error = read(status, body.clone()).expect_err("a refusal");
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable), "{status} {body}");
        assert_eq!(error.status(), Some(status));
    }
    let error = read(400, coded("invalid_grant", "Invalid JWT Signature.")).expect_err("a refusal");
    assert_eq!(error.code(), Some("invalid_grant"));
    assert_eq!(
        error.to_string(),
        "the token endpoint refused the assertion: invalid_grant (Invalid JWT Signature.); the key was deleted or disabled, \
         or belongs to another account: create a new key and use its file"
    );
}

/// Every code that Google documents or that was seen, with what to do about it.
#[test]
fn every_documented_code_comes_with_advice() {
    for (code, description, advice) in [
        ("invalid_grant", "Invalid JWT Signature.", "create a new key"),
        ("invalid_grant", "Invalid JWT: Failed audience check.", "the audience must be"),
        ("invalid_grant", "Invalid JWT: No valid verifier found for issuer.", "does not exist any more"),
        ("invalid_grant", "Invalid grant: account not found", "does not exist any more"),
        ("invalid_grant", "Invalid email or User ID", "not a user of the domain"),
        ("invalid_grant", "Not a valid email.", "not a user of the domain"),
        ("invalid_grant", "account deleted", "was deleted or disabled"),
        ("invalid_grant", "Bad Request", "check that the key file is complete"),
        ("unauthorized_client", "Unauthorized client or scope in request.", "numeric client id"),
        ("access_denied", "", "numeric client id"),
        ("admin_policy_enforced", "", "contact its administrator"),
        ("invalid_scope", "Invalid OAuth scope or ID token audience provided.", "each is a whole URL"),
        ("invalid_client", "", "download a new key"),
        ("deleted_client", "", "restored within 30 days"),
        ("disabled_client", "The OAuth client was disabled.", "enable it"),
        ("org_internal", "", "its own organization"),
        ("invalid_request", "Invalid prn field", "check that it is Google's token endpoint"),
    ] {
        let body = json!({"error": code, "error_description": description}).to_string();
        let error = read(400, body).expect_err(code);
        assert_eq!(
            (error.kind(), error.code(), error.is_retryable()),
            (ErrorKind::Denied, Some(code), false)
        );
        assert_eq!(error.description().unwrap_or_default(), description);
        assert!(
            error.hint().is_some_and(|hint| hint.contains(advice)),
            "{code} {description}: {:?}",
            error.hint()
        );
    }
}

#[test]
fn server_text_is_scrubbed_and_cut() {
    let assertion = format!("eyJ{}.eyJ{}.sig", "x".repeat(100), "y".repeat(300));
    let text = format!("bad\r\n\u{1b}[31m\u{202e}assertion\u{200b} {assertion} {}", "word ".repeat(1000));
    let error = read(400, json!({"error": "invalid_request", "error_description": text}).to_string())
        .expect_err("refused");
    let message = error.message();
    assert!(message.contains("bad [31m assertion [removed] word word"), "{message}");
    assert!(message.len() < 400 && !message.contains(['\r', '\n', '\u{1b}']), "{message}");
}

#[test]
fn pieces_of_what_was_sent_do_not_come_back() {
    let server = FakeGoogle::playing(Fault::computed(|request| {
        let assertion = request.form("assertion").unwrap_or_default();
        let pieces: Vec<&str> =
            assertion.as_bytes().chunks(20).map(|c| std::str::from_utf8(c).expect("text")).collect();
        let encoded = BASE64_STANDARD.encode(&assertion);
        let text = format!("bad: {} or {encoded}", pieces.join(" "));
        Fault::answer(400, json!({"error": "invalid_request", "error_description": text}))
    }));
    let server = server.expect("a fake");
    let source = builder(&server.api_url()).build().expect("a source");
    let error = source.token().expect_err("refused");
    assert_eq!(
        error.message(),
        "the token endpoint refused the assertion of fake@throw-away.iam.gserviceaccount.com: invalid_request \
         (bad: [removed] or [removed])"
    );
}

#[test]
fn code_is_never_our_own_prose() {
    for said in ["Something went wrong", "invalid grant", "INVALID", &"x".repeat(61)] {
        let error = read(400, json!({"error": said}).to_string()).expect_err("a refusal");
        assert_eq!((error.kind(), error.code()), (ErrorKind::Denied, None), "{said}");
    }
    let error = read(400, json!({"error": "Something went wrong"}).to_string()).expect_err("a refusal");
    assert_eq!(error.message(), "the token endpoint refused the assertion (Something went wrong)");
    assert_eq!(error.description(), Some("Something went wrong"));
}

#[test]
fn document_of_an_api_keeps_the_servers_message() {
    let body = json!({"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "The caller has no permission.",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED"}]}});
    let error = read(403, body.to_string()).expect_err("a refusal");
    assert_eq!((error.kind(), error.code()), (ErrorKind::Denied, Some("PERMISSION_DENIED")));
    assert_eq!(error.message(), "the token endpoint refused the assertion: The caller has no permission");
    let cause = error.cause::<GoogleStatus>().expect("the document");
    assert_eq!(cause.reason(), Some("IAM_PERMISSION_DENIED"));
}

#[test]
fn oauth_document_is_the_cause() {
    let body = json!({"error": "invalid_grant", "error_description": "Bad Request", "error_uri": "https://x.example/"});
    let error = read(400, body.to_string()).expect_err("a refusal");
    let cause = error.cause::<OAuthError>().expect("the document");
    assert_eq!(
        (cause.error.as_deref(), cause.description.as_deref(), cause.uri.as_deref()),
        (Some("invalid_grant"), Some("Bad Request"), Some("https://x.example/"))
    );
}

#[test]
fn rate_limit_is_a_rate_limit_by_whatever_status() {
    let status =
        json!({"error": {"code": 403, "message": "Rate Limit Exceeded", "status": "RESOURCE_EXHAUSTED"}});
    for (http, body) in [
        (403, status.to_string()),
        (400, json!({"error": "rate_limit_exceeded"}).to_string()),
        (403, json!({"error": "denied", "error_description": "Rate limit exceeded."}).to_string()),
    ] {
        let error = read(http, body).expect_err("a refusal");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Throttled, true), "{error}");
    }
}

#[test]
fn server_that_fails_is_not_said_to_refuse() {
    for (status, body, message) in [
        (
            500,
            json!({"error": "internal_failure"}).to_string(),
            "the token endpoint failed: internal_failure",
        ),
        (
            400,
            json!({"error": "invalid_request", "error_description": "internal_failure"}).to_string(),
            "the token endpoint failed: invalid_request (internal_failure)",
        ),
        (
            503,
            json!({"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE"}}).to_string(),
            "the token endpoint failed: Try later",
        ),
        (502, "<html>".into(), "the token endpoint is temporarily unavailable (HTTP status 502)"),
    ] {
        let error = read(status, body).expect_err("a failure");
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unavailable, message));
    }
}

const PROXY: &str = "a proxy or a login page may have answered instead: send a request to the same URL from this machine with curl";

#[test]
fn status_is_final_or_passes_by_its_meaning() {
    for status in [408, 421, 425, 500, 502, 503, 504, 507, 509, 512, 520, 599] {
        assert!(read(status, "").expect_err("no token").is_retryable(), "{status}");
    }
    for status in [400, 404, 407, 410, 301, 501, 505, 506, 508, 510, 511] {
        assert!(!read(status, "").expect_err("no token").is_retryable(), "{status}");
    }
    let page = response(404, &[("Content-Type", "text/html; charset=utf-8")], "<html>");
    let error = parse(&page, TokenKind::Access, NOW, NOW).expect_err("a page");
    assert_eq!(error.hint(), Some(PROXY));
}

#[test]
fn retry_after_counts_from_the_response() {
    let answered = NOW + Duration::from_secs(8);
    let busy = response(503, &[("Retry-After", "5")], "");
    let error = parse(&busy, TokenKind::Access, NOW, answered).expect_err("busy");
    assert_eq!(error.retry_at(), Some(NOW + Duration::from_secs(13)));
}

#[test]
fn retry_info_of_a_status_sets_the_time() {
    let body = json!({"error": {"code": 503, "message": "Try later.", "status": "UNAVAILABLE",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}]}});
    let error = read(503, body.to_string()).expect_err("busy");
    assert_eq!(error.retry_at(), Some(NOW + Duration::from_millis(7500)));
}

#[test]
fn every_refusal_names_the_account() {
    for (status, body, message) in [
        (
            400,
            r#"{"error": "invalid_grant"}"#,
            "the token endpoint refused the assertion of ACCOUNT: invalid_grant",
        ),
        (400, r#"{"error": "internal_failure"}"#, "the token endpoint failed for ACCOUNT: internal_failure"),
        (404, "", "the token endpoint refused the request (HTTP status 404, account ACCOUNT)"),
    ] {
        let server = FakeGoogle::playing(Fault::body(status, body)).expect("a fake");
        let source = builder(&server.api_url()).retry(shortway::RetryPolicy::NONE).build().expect("a source");
        let error = source.token().expect_err("a refusal");
        assert_eq!(error.message(), message.replace("ACCOUNT", "fake@throw-away.iam.gserviceaccount.com"));
    }
}
