//! What Google tells about tokens: their content, their end, and the keys of ID tokens.
//!
//! Google's reference says little about these answers; their shapes here are those that public clients read.

use super::answer::Answer;
use super::token::{self, ACCOUNT, Tokens};
use crate::testing::key::{THROW_AWAY_PUBLIC_KEY, throw_away_key};
use crate::testing::server::FakeRequest;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

/// What a token is for: of an access token its scopes and its end, of an ID token its claims as text.
pub(super) fn token_info(request: &FakeRequest, tokens: &Tokens, now: SystemTime) -> Answer {
    let given = |name: &str| request.parameter(name).or_else(|| request.form(name));
    if let Some(id_token) = given("id_token") {
        return match token::id_token_claims(&id_token, now) {
            Some(claims) => Answer::json(200, Value::Object(as_text(claims))),
            None => invalid("Invalid Value"),
        };
    }
    let granted = given("access_token").and_then(|token| tokens.get(&token));
    let left = granted.and_then(|granted| granted.end.duration_since(now).ok());
    let (Some(granted), Some(left)) = (granted, left) else { return invalid("Invalid Value") };
    let end = granted.end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Answer::json(
        200,
        json!({
            "azp": ACCOUNT,
            "aud": ACCOUNT,
            "scope": granted.scope,
            "exp": end.as_secs().to_string(),
            "expires_in": left.as_secs().to_string(),
            "access_type": "online",
        }),
    )
}

/// Ends a token (RFC 7009, but Google says of an unknown token that it is one).
pub(super) fn revoke(request: &FakeRequest, tokens: &mut Tokens) -> Answer {
    let token = request.form("token").or_else(|| request.parameter("token"));
    match token.and_then(|token| tokens.remove(&token)) {
        Some(_) => Answer::json(200, json!({})),
        None => invalid("Token expired or revoked"),
    }
}

/// The public half of the throw-away key, which signs ID tokens here: a JWK Set (RFC 7517).
pub(super) fn certificates() -> Answer {
    let key = throw_away_key();
    let (modulus, exponent) = public_numbers();
    let encoded = |number: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(number);
    let key = json!({
        "kty": "RSA",
        "alg": "RS256",
        "use": "sig",
        "kid": key.key_id(),
        "n": encoded(modulus),
        "e": encoded(exponent),
    });
    Answer::json(200, json!({"keys": [key]}))
}

/// Modulus and exponent out of `RSAPublicKey`: a sequence with a head of 4 bytes, an integer of 257 bytes
/// with a head of 4 whose first is zero, and an integer of 3.
fn public_numbers() -> (&'static [u8], &'static [u8]) {
    let modulus = THROW_AWAY_PUBLIC_KEY.get(9..265).unwrap_or_default();
    (modulus, THROW_AWAY_PUBLIC_KEY.get(267..).unwrap_or_default())
}

fn as_text(claims: Map<String, Value>) -> Map<String, Value> {
    let texts = claims.into_iter().map(|(name, value)| match value {
        Value::String(text) => (name, text.into()),
        other => (name, other.to_string().into()),
    });
    texts.collect()
}

fn invalid(description: &str) -> Answer {
    Answer::json(400, json!({"error": "invalid_token", "error_description": description}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_numbers_are_those_of_the_key() {
        let (modulus, exponent) = public_numbers();
        assert_eq!(THROW_AWAY_PUBLIC_KEY[..9], [0x30, 0x82, 1, 0x0a, 2, 0x82, 1, 1, 0]);
        assert_eq!(
            (modulus.len(), &THROW_AWAY_PUBLIC_KEY[265..267], exponent),
            (256, &[2, 3][..], &[1, 0, 1][..])
        );
    }
}
