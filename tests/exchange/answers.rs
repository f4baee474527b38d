//! What a response of the token endpoint must be to hold a token.

use crate::{NOW, builder, read, response};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use shortway::endpoint::token::parse;
use shortway::testing::{FakeGoogle, Fault};
use shortway::{Error, ErrorKind, TokenKind, TokenSource};
use std::time::Duration;

fn lifetime(expires_in: &str) -> Result<u64, Error> {
    let token = read(200, format!(r#"{{"access_token": "ya29.x", "expires_in": {expires_in}}}"#))?;
    Ok(token.expires_at().duration_since(NOW).expect("later").as_secs())
}

#[test]
fn lifetime_is_read_by_the_table() {
    for (expires_in, seconds) in [
        ("3599", 3599),
        ("\"3599\"", 3599),
        ("3599.0", 3599),
        ("3.599e3", 3599),
        ("1", 1),
        ("null", 300),
        ("43200", 43_200),
        ("43201", 43_200),
        ("2147483648", 43_200),
        ("9007199254740992", 43_200),
        ("9223372036854775808", 43_200),
        ("18446744073709551616", 43_200),
    ] {
        assert_eq!(lifetime(expires_in).ok(), Some(seconds), "{expires_in}");
    }
    for expires_in in
        ["0", "-1", "\"0\"", "3599.5", "\"soon\"", "\"\"", "true", "[]", "{}", "\"NaN\"", "\"inf\""]
    {
        let error = lifetime(expires_in).expect_err(expires_in);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{expires_in}");
        assert_eq!(
            error.to_string(),
            "the token endpoint answered 200, but its response has an `expires_in` that is not a number of seconds above 0"
        );
    }
    let unsaid = read(200, r#"{"access_token": "ya29.x"}"#).expect("a token");
    assert_eq!(unsaid.expires_at(), NOW + Duration::from_secs(300));
}

#[test]
fn only_a_bearer_token_with_status_200_is_believed() {
    let good =
        r#"{"access_token": "ya29.x", "token_type": "bEARER", "expires_in": 10, "scope": "x", "new": [1]}"#;
    assert_eq!(read(200, good).expect("a token").expose_secret(), "ya29.x");
    for (body, message) in [
        ("", "is not a JSON object with a token"),
        ("<html>sign in</html>", "is not a JSON object with a token"),
        ("access_token=ya29.x&expires_in=10", "is not a JSON object with a token"),
        (r#"{"access_token": "ya29.x", "access_token": "ya29.y"}"#, "is not a JSON object with a token"),
        (r#"{"access_token": "ya29.x"} x"#, "is not a JSON object with a token"),
        ("{}", "has no access token"),
        (r#"{"access_token": null}"#, "has no access token"),
        (r#"{"access_token": 5}"#, "has no access token"),
        (
            r#"{"id_token": "a.b.c"}"#,
            "has an ID token and no access token: one of the scopes is unknown to Google",
        ),
        (r#"{"access_token": "ya29.x", "token_type": "mac"}"#, "has a token of another type than Bearer"),
        (r#"{"access_token": "ya29.x", "token_type": 1}"#, "has a token of another type than Bearer"),
    ] {
        let error = read(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        assert_eq!(
            error.message(),
            format!("the token endpoint answered 200, but its response {message}"),
            "{body}"
        );
    }
    let error = read(200, r#"{"access_token": "ya29.a b"}"#).expect_err("a space");
    assert_eq!(
        error.to_string(),
        "the token endpoint answered 200, but its token cannot be used: the token holds characters that a header cannot carry"
    );
    for status in [100, 201, 204, 206, 304, 404, 600] {
        read(status, good).expect_err("only 200 holds a token");
    }
}

#[test]
fn oversized_answer_is_cut_off() {
    let body = format!(r#"{{"access_token": "{}"}}"#, "a".repeat(100_000));
    let server = FakeGoogle::playing(Fault::body(200, body)).expect("a fake");
    let source = builder(&server.api_url()).build().expect("a source");
    let error = source.token().expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.message().ends_with("is larger than 65536 bytes"), "{error}");
}

#[test]
fn token_carries_the_lifetime_that_was_granted() {
    let token = read(200, r#"{"access_token": "ya29.x", "expires_in": 3599}"#).expect("a token");
    assert_eq!(token.lifetime(), Some(Duration::from_secs(3599)));
    assert!(!token.is_expired(NOW + Duration::from_secs(3598)) && token.is_expired(token.expires_at()));
}

#[test]
fn byte_order_mark_is_skipped() {
    let body = "\u{feff}{\"access_token\": \"ya29.x\"}";
    assert_eq!(read(200, body).expect("a token").expose_secret(), "ya29.x");
    let error = read(400, "\u{feff}{\"error\": \"invalid_scope\"}").expect_err("a refusal");
    assert_eq!(error.code(), Some("invalid_scope"));
}

#[test]
fn id_token_expires_when_it_says_itself() {
    let jwt = |claims: &str| format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let read = |body: String| parse(&response(200, &[], body), TokenKind::Id, NOW, NOW);
    let body = format!(r#"{{"id_token": "{}"}}"#, jwt(r#"{"exp": 4600, "iat": 1000, "aud": "x"}"#));
    let token = read(body).expect("an ID token");
    assert_eq!((token.kind(), token.expires_at()), (TokenKind::Id, NOW + Duration::from_secs(4600)));
    assert_eq!(token.lifetime(), Some(Duration::from_secs(3600)));
    for (body, what) in [
        (r#"{"access_token": "ya29.x"}"#.to_owned(), "has no ID token"),
        (format!(r#"{{"id_token": "{}"}}"#, jwt("{}")), "has an ID token that does not say when it expires"),
        (r#"{"id_token": "x"}"#.to_owned(), "has an ID token that does not say when it expires"),
    ] {
        let error = read(body).expect_err(what);
        assert_eq!(error.message(), format!("the token endpoint answered 200, but its response {what}"));
    }
}
