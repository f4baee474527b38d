//! A thousand hostile answers that give back what was sent, in every form: nothing of it gets into any text.

use crate::outlets;
use crate::random::Random;
use crate::util::canary::{Canary, all_texts};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::json;
use shortway::http::{
    HeaderName, HeaderValue, Request, RequestBody, Response, ResponseBody, Timeouts, Transport,
};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{ManualClock, throw_away_key};
use shortway::{Error, RetryPolicy, TokenSource};
use std::sync::{Arc, Mutex};

/// Responds with pieces of what the request holds, at random.
#[derive(Clone)]
struct Hostile(Arc<Mutex<State>>);

struct State {
    random: Random,
    token: String,
    /// What came last.
    assertion: String,
}

const STATUSES: [u16; 20] =
    [200, 200, 200, 200, 400, 400, 400, 400, 401, 403, 407, 408, 421, 429, 500, 503, 302, 204, 999, 101];

/// In how many forms a server or a proxy might print a secret. The first ones show all of it at once; the
/// last two, pieces. The crate knows pieces of the assertion, which it sent. A token is the server's own: in
/// pieces of 60 characters or less, in the text of a refusal, it looks like any word, so there it comes in
/// the first forms alone. Encodings that a server invents in order to hide what it has anyway are not among
/// them.
const FORMS: usize = 10;
const WHOLE: usize = 8;

/// `secret` in one of the first `forms` forms.
fn disguised(random: &mut Random, secret: &str, forms: usize) -> String {
    let bytes = secret.as_bytes();
    let join = |f: &dyn Fn(&u8) -> String, with: &str| bytes.iter().map(f).collect::<Vec<_>>().join(with);
    match random.below(forms) {
        0 => secret.to_owned(),
        1 => BASE64_STANDARD.encode(bytes),
        2 => BASE64_URL_SAFE_NO_PAD.encode(bytes),
        3 => join(&|b| format!("{b:02x}"), ""),
        4 => join(&|b| format!("{b:02X}"), ":"),
        5 => join(&|b| format!("%{b:02x}"), ""),
        6 => join(&u8::to_string, ","),
        7 => format!("https://console.google.com/x?assertion={secret}"),
        8 => {
            let size = 8 + random.below(50);
            let pieces: Vec<String> =
                bytes.chunks(size).map(|c| String::from_utf8_lossy(c).into_owned()).collect();
            pieces.join([" ", ", ", "\n", "\t", "\u{0}", "\" \"", " | "][random.below(7)])
        }
        _ => {
            let start = random.below(bytes.len() - 9);
            let end = start + 8 + random.below(bytes.len() - start - 8);
            secret[start..end].to_owned()
        }
    }
}

/// Text from a server with `echo` somewhere in it.
fn sentence(random: &mut Random, echo: &str) -> String {
    let words =
        ["Invalid", "JWT:", "\u{1b}[1m", "token", "\r\n", "(see", "log)", "\u{202e}", "because", "=", "<b>"];
    let mut text = String::new();
    let (before, after) = (random.below(8), random.below(4));
    for _ in 0..before {
        text += random.pick(&words);
        text += " ";
    }
    text += ["", "'", "\"", "<", "assertion=", "["][random.below(6)];
    text += echo;
    for _ in 0..after {
        text += " ";
        text += random.pick(&words);
    }
    text
}

impl Transport for Hostile {
    fn send(&self, request: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        let mut state = self.0.lock().expect("the state");
        let State { random, token, assertion } = &mut *state;
        let RequestBody::Bytes(form) = request.into_body() else { panic!("a form") };
        let form = String::from_utf8_lossy(form).into_owned();
        form.rsplit('=').next().expect("an assertion").clone_into(assertion);
        let mut echo = || {
            let (secret, forms) =
                if random.below(2) == 0 { (assertion.as_str(), FORMS) } else { (token.as_str(), WHOLE) };
            let echo = disguised(random, secret, forms);
            sentence(random, &echo)
        };
        let (one, two, three) = (echo(), echo(), echo());
        let codes =
            ["invalid_grant", "invalid_request", "server_error", "temporarily_unavailable", "access_denied"];
        let code = if random.below(3) == 0 { one.clone() } else { random.pick(&codes).to_owned() };
        let body = match random.below(9) {
            0 => json!({"error": code, "error_description": two}).to_string(),
            1 => json!({"error": {"code": 400, "message": one, "status": two}}).to_string(),
            2 => json!({"error": code, "error_description": token[..40], "access_token": token}).to_string(),
            3 => json!({"access_token": format!("{} x", token), "token_type": two}).to_string(),
            4 => json!({"access_token": token, "expires_in": one, "token_type": three}).to_string(),
            5 => json!({"access_token": format!("{}\u{e9}", token), "expires_in": 3599}).to_string(),
            6 => json!({"access_token": token, "expires_in": 3599, "scope": one}).to_string(),
            7 => format!("<html>{one} {two}"),
            _ => format!("{{\"error\": {one}"),
        };
        let headers = ["Retry-After", "Date", "Location", "WWW-Authenticate", "Content-Type", "Set-Cookie"];
        let mut response = Response::new(body.into_bytes().into());
        *response.status_mut() = random.pick(&STATUSES).try_into().expect("a status");
        for i in 0..random.below(4) {
            let value = if random.below(2) == 0 { &two } else { &three };
            let name: HeaderName = headers[(i + random.below(6)) % 6].parse().expect("a name");
            if let Ok(value) = HeaderValue::from_str(&value.replace(['\r', '\n'], " ")) {
                response.headers_mut().append(name, value);
            }
        }
        Ok(response)
    }
}

/// A text of the alphabet of base64url.
fn secret_text(random: &mut Random, length: usize) -> String {
    let mut text = BASE64_URL_SAFE_NO_PAD.encode(random.bytes(length));
    text.truncate(length);
    text
}

#[test]
fn scanner_finds_planted_leaks() {
    let mut random = Random::new(1);
    let secret = secret_text(&mut random, 300);
    let canary = Canary::new(&secret, &[]);
    for _ in 0..300 {
        let echo = disguised(&mut random, &secret, FORMS);
        let text = sentence(&mut random, &echo);
        let error = Error::new(shortway::ErrorKind::Denied, text.clone());
        assert!(canary.find(&all_texts(&error)).is_some(), "not found in {text}");
    }
    let wrapped = Error::new(shortway::ErrorKind::Denied, "clean")
        .with_source(std::io::Error::other(secret[100..108].to_owned()));
    assert!(canary.find(&all_texts(&wrapped)).is_some());
    let long =
        "the token endpoint refused the request (HTTP status 400); a proxy or a login page may have answered";
    assert_eq!(canary.find(long), None);
}

#[test]
fn thousand_hostile_responses_give_nothing_away() {
    let (mut tokens, mut errors) = (0, 0);
    for seed in 0..20 {
        let mut random = Random::new(seed);
        let token = format!("ya29.{}", secret_text(&mut random, 150));
        let mut canaries = vec![Canary::new(&token["ya29.".len()..], &[])];
        let hostile = Hostile(Arc::new(Mutex::new(State { random, token, assertion: String::new() })));
        // A clock that stands still: every assertion of a source is the same.
        let source = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
            .transport(hostile.clone())
            .clock(ManualClock::new())
            .retry(RetryPolicy::NONE)
            .build_uncached()
            .expect("a source");
        for round in 0..50 {
            let (outcome, said) = outlets::listen(|| source.token());
            if round == 0 {
                canaries.push(Canary::new(&hostile.0.lock().expect("the state").assertion, &[]));
            }
            let text = match outcome.unwrap_or_else(|| panic!("seed {seed}, response {round}: {said}")) {
                Ok(token) => {
                    tokens += 1;
                    format!("{token:?} {token:#?}")
                }
                Err(error) => {
                    errors += 1;
                    let one_line = error.to_string();
                    assert!(!one_line.contains(|c: char| c.is_control()), "{one_line:?}");
                    all_texts(&error) + error.code().unwrap_or_default()
                }
            };
            for canary in &canaries {
                let found = canary.find(&(text.clone() + &said));
                assert_eq!(found, None, "seed {seed}, response {round}, in:\n{text}{said}");
            }
        }
    }
    println!("{tokens} tokens and {errors} errors, no leak");
    assert!(tokens > 5 && errors > 900 && tokens + errors == 1000);
}
