//! ID tokens: what is sent for one, what is granted, what is refused before anything is sent.

use crate::{Scripted, claims, response};
use shortway::testing::{FakeGoogle, ManualClock, throw_away_key};
use shortway::{Ask, Clock, Error, ErrorKind, IdTokenOptions, TokenKind, TokenSource, TokensBuilder};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const AUDIENCE: &str = "https://service.example.com/";

/// Made by `PyJWT` at the time that [`ManualClock`] starts with, and verified by it for [`AUDIENCE`].
const ASSERTION: &str = include_str!("../data/golden/id_token.jwt");
const ID_TOKEN: &str = include_str!("../data/golden/fake_id_token.jwt");

fn id_token(audience: &str) -> TokensBuilder<IdTokenOptions> {
    shortway::id_token(throw_away_key(), audience).clock(ManualClock::new())
}

#[test]
fn assertion_for_an_id_token_is_what_pyjwt_makes() {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let forms = Arc::clone(&sent);
    let transport = Scripted::new(move |form, _| {
        forms.lock().expect("no panic").push(String::from_utf8_lossy(form).into_owned());
        Ok(response(200, &[], format!(r#"{{"id_token": "{ID_TOKEN}"}}"#)))
    });
    let source = id_token(AUDIENCE).transport(transport).build_uncached().expect("a source");
    assert_eq!(source.token().expect("a token").expose_secret(), ID_TOKEN);
    let form = &sent.lock().expect("no panic")[0];
    assert_eq!(form.split_once("&assertion=").expect("a form").1, ASSERTION);
    let claims = claims(form.as_bytes());
    assert_eq!((&claims["target_audience"], &claims["scope"]), (&AUDIENCE.into(), &serde_json::Value::Null));
}

#[test]
fn fake_google_grants_the_id_token_that_pyjwt_verifies() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder().clock(clock.clone()).start().expect("a fake");
    let source = shortway::id_token(google.key(), AUDIENCE)
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build_uncached()
        .expect("a source");
    let token = source.token().expect("an ID token");
    assert_eq!((token.kind(), token.expose_secret()), (TokenKind::Id, ID_TOKEN));
    // Its own `exp`: an hour less a second, as the fake's access tokens.
    assert_eq!(token.expires_at(), clock.now() + Duration::from_secs(3599));
    let identity = source.identity().expect("known");
    assert_eq!(identity.kind(), Some(TokenKind::Id));
    assert_eq!((identity.target_audience(), identity.scopes()), (Some(AUDIENCE), &[][..]));
}

#[test]
fn id_token_is_cached_until_shortly_before_its_own_exp() {
    let clock = ManualClock::new();
    let google = FakeGoogle::builder()
        .clock(clock.clone())
        .token_lifetime(Duration::from_secs(1800))
        .start()
        .expect("a fake");
    let tokens = shortway::id_token(google.key(), AUDIENCE)
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build()
        .expect("a source");
    let first = tokens.token().expect("a token");
    assert_eq!(first.expires_at(), clock.now() + Duration::from_secs(1800));
    clock.advance(Duration::from_secs(1800 - 226));
    assert_eq!(tokens.token().expect("the same"), first);
    clock.advance(Duration::from_secs(50));
    assert_ne!(tokens.token().expect("a new one"), first);
    assert_eq!(google.token_requests(), 2);
}

#[test]
fn audience_that_google_refuses_builds_no_source() {
    let hint = "give the URL or the client id that the service checks, one audience for each source";
    for (audience, fault) in [
        ("", "is empty"),
        (" https://service.example.com/", "has a blank or a control character in it"),
        ("https://a.example https://b.example", "has a blank or a control character in it"),
        ("https://service.example.com/\n", "has a blank or a control character in it"),
        ("https://service.example.com/\0", "has a blank or a control character in it"),
    ] {
        let error = id_token(audience).build().expect_err(audience);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.to_string(), format!("the target audience of the ID token {fault}; {hint}"));
    }
    let client_id = "1234-abc.apps.googleusercontent.com";
    let source = id_token(client_id).build().expect("not every audience is a URL");
    assert_eq!(source.identity().expect("known").target_audience(), Some(client_id));
}

#[test]
fn refused_id_token_is_told_like_a_refused_access_token() {
    let refused: Error = {
        let transport = Scripted::new(|_, _| {
            Ok(response(
                400,
                &[],
                r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#,
            ))
        });
        let source = id_token(AUDIENCE).transport(transport).build_uncached().expect("a source");
        source.token_for(&Ask::new()).expect_err("a refusal")
    };
    assert_eq!(refused.kind(), ErrorKind::Denied);
    assert_eq!(
        refused.message(),
        "the token endpoint refused the assertion of fake@throw-away.iam.gserviceaccount.com: invalid_grant \
         (Invalid JWT Signature.)"
    );
}

#[test]
fn access_token_in_place_of_an_id_token_is_not_taken() {
    let transport = Scripted::new(|_, _| Ok(crate::token_response("ya29.x")));
    let source = id_token(AUDIENCE).transport(transport).clock(crate::QuickClock(ManualClock::new()));
    let error = source.build_uncached().expect("a source").token().expect_err("no ID token");
    assert_eq!(error.message(), "the token endpoint answered 200, but its response has no ID token");
}
