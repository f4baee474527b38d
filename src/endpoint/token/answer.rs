//! The response of the token endpoint that holds a token. RFC 6749 §5.1; ID tokens: `OpenID` Connect Core §2.

use super::document::{Context, Document};
use super::refusal;
use crate::error::{Error, ErrorKind};
use crate::http::Response;
use crate::json::Scalar;
use crate::secret::Secret;
use crate::token::{Token, TokenKind};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// How long a token lives when the response does not say: 300 s. RFC 6749 §5.1 only recommends `expires_in`;
/// a client that takes "not said" for "never" keeps expired tokens in use for days.
const LIFETIME_UNSAID: Duration = Duration::from_secs(300);

/// The longest lifetime believed: 12 h, the most that Google grants to a token of a service account.
const MAX_LIFETIME: u64 = 43_200;

pub(super) fn read(response: &Response<Vec<u8>>, context: Context<'_>) -> Result<Token, Error> {
    let document = Document::parse(response.body());
    if response.status() != 200 || document.as_ref().is_some_and(|d| d.error.as_text().is_some()) {
        return Err(refusal::error(response, document.as_ref(), context));
    }
    let Some(document) = document else {
        return Err(malformed("is not a JSON object with a token").with_hint(refusal::MAYBE_A_PROXY));
    };
    match context.kind {
        TokenKind::Access => access_token(document, context.requested),
        TokenKind::Id => id_token(document),
    }
    .map_err(|error| if error.status().is_some() { error } else { unusable(&error) })
}

fn access_token(document: Document, requested: SystemTime) -> Result<Token, Error> {
    let is_bearer = |kind: &Scalar| kind.as_text().is_some_and(|k| k.eq_ignore_ascii_case("bearer"));
    if !document.token_type.is_null() && !is_bearer(&document.token_type) {
        return Err(malformed("has a token of another type than Bearer"));
    }
    let Scalar::Text(secret) = document.access_token else {
        return Err(malformed(if document.id_token.is_null() {
            "has no access token"
        } else {
            "has an ID token and no access token: one of the scopes is unknown to Google"
        }));
    };
    let secret = Secret::new(secret);
    let lifetime = lifetime(&document.expires_in)?;
    let expires_at = requested.checked_add(lifetime).ok_or_else(clock_out_of_range)?;
    Ok(Token::new(TokenKind::Access, secret.expose_secret(), expires_at)?.with_lifetime(lifetime))
}

fn id_token(document: Document) -> Result<Token, Error> {
    let Scalar::Text(secret) = document.id_token else { return Err(malformed("has no ID token")) };
    let secret = Secret::new(secret);
    let Some(times) = times(secret.expose_secret()) else {
        return Err(malformed("has an ID token that does not say when it expires"));
    };
    let expires_at =
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(times.exp)).ok_or_else(clock_out_of_range)?;
    let token = Token::new(TokenKind::Id, secret.expose_secret(), expires_at)?;
    Ok(match times.iat.and_then(|iat| times.exp.checked_sub(iat)) {
        Some(lifetime) => token.with_lifetime(Duration::from_secs(lifetime.min(MAX_LIFETIME))),
        None => token,
    })
}

/// When a JWT was issued and when it expires: seconds since 1970 (RFC 7519 §4.1).
#[derive(Deserialize)]
struct Times {
    exp: u64,
    iat: Option<u64>,
}

fn times(jwt: &str) -> Option<Times> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn lifetime(expires_in: &Scalar) -> Result<Duration, Error> {
    let seconds = match expires_in {
        Scalar::Null => return Ok(LIFETIME_UNSAID),
        Scalar::Whole(seconds) => Some(*seconds),
        Scalar::Float(float) => whole(*float),
        Scalar::Text(text) if text.len() <= 32 => {
            text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
        }
        Scalar::Text(_) | Scalar::Other => None,
    };
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds.min(MAX_LIFETIME))),
        _ => Err(malformed("has an `expires_in` that is not a number of seconds above 0")),
    }
}

/// A count of seconds from a float without a fraction; one beyond 64 bits becomes the largest.
fn whole(float: f64) -> Option<u64> {
    (float.is_finite() && float >= 0.0 && float.fract() == 0.0).then_some(float as u64)
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the token endpoint answered 200, but its response {what}"))
        .with_status(200)
}

fn unusable(error: &Error) -> Error {
    let message =
        format!("the token endpoint answered 200, but its token cannot be used: {}", error.message());
    error.clone().with_message(message).with_status(200)
}

fn clock_out_of_range() -> Error {
    Error::new(ErrorKind::Clock, "the system time is out of range")
        .with_hint("set the clock, or let NTP set it")
}
