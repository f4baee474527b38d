//! The fake's token endpoint: takes an assertion apart and checks all of it.
//!
//! In: a form. Out: what is granted, or an OAuth error in Google's words. RFC 7523 §3, RFC 6749 §5.2; ID
//! tokens: AIP-4116, `OpenID` Connect Core §2.

use crate::testing::key::{THROW_AWAY_PUBLIC_KEY, throw_away_key};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime};

/// An OAuth error: code and description.
type Refusal = (&'static str, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    scope: Option<String>,
    target_audience: Option<String>,
    aud: String,
    iat: u64,
    exp: u64,
    sub: Option<String>,
}

const GOOGLE: &str = "https://oauth2.googleapis.com/token";
const ANALYTICS_DATA: &str = "https://analyticsdata.googleapis.com/";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TIMEFRAME: &str = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check \
                         your iat and exp values in the JWT claim.";

/// What an assertion requests.
pub(super) enum Requested {
    Scope(String),
    /// An ID token for this audience.
    IdToken(String),
}

/// Checks a token request sent to `url` and received at `now`; gives what it requests.
pub(super) fn check(
    content_type: &str,
    body: &[u8],
    url: &str,
    now: SystemTime,
) -> Result<Requested, Refusal> {
    if content_type != "application/x-www-form-urlencoded" {
        return Err(("invalid_request", format!("Content-Type is {content_type}")));
    }
    let assertion = assertion_of(body)?;
    let key = throw_away_key();
    let claims: Claims = verified(&assertion)?;
    check_claims(&claims, key.client_email(), url, now)?;
    requested(claims)
}

/// The payload of a JWT that the throw-away key has signed.
fn verified<T: DeserializeOwned>(jwt: &str) -> Result<T, Refusal> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(|| malformed("has no signature"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| malformed("has no payload"))?;
    let header: Header = json_part(header, "header")?;
    let key = throw_away_key();
    if header.alg != "RS256" || header.typ.is_some_and(|t| t != "JWT") {
        return Err(("invalid_grant", "Invalid JWT Signature.".into()));
    }
    if header.kid.as_deref().is_some_and(|kid| Some(kid) != key.key_id()) {
        return Err(("invalid_grant", "Invalid JWT Signature.".into()));
    }
    let signature = BASE64_URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| malformed("has a signature that is not base64url"))?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, THROW_AWAY_PUBLIC_KEY)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| ("invalid_grant", "Invalid JWT Signature.".to_owned()))?;
    json_part(payload, "payload")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SelfSigned {
    iss: String,
    sub: String,
    aud: Option<String>,
    scope: Option<String>,
    iat: u64,
    exp: u64,
}

/// The scopes of a self-signed JWT for the API at `url`, at `now`; `None` if it is not a good one (AIP-4111).
/// One for the API as a whole has all scopes of it.
pub(super) fn self_signed_scope(jwt: &str, url: &str, now: SystemTime) -> Option<String> {
    let claims: SelfSigned = verified(jwt).ok()?;
    let (key, now) = (throw_away_key(), seconds(now));
    let is_account = claims.iss == key.client_email() && claims.sub == claims.iss;
    let is_current =
        claims.iat <= now && now < claims.exp && claims.iat.checked_add(3600) == Some(claims.exp);
    match (claims.aud, claims.scope) {
        _ if !is_account || !is_current => None,
        (Some(aud), None) => {
            let is_this = aud == ANALYTICS_DATA || aud.strip_suffix('/') == Some(url);
            is_this.then(|| crate::scope::ANALYTICS.to_owned())
        }
        (None, Some(scope)) => Some(scope),
        _ => None,
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

/// Scopes or a target audience, never both and never none.
fn requested(claims: Claims) -> Result<Requested, Refusal> {
    let is_scope = |s: &str| s.starts_with("https://www.googleapis.com/auth/") && !s.contains(',');
    match (claims.scope, claims.target_audience) {
        (Some(scope), None) if scope.split(' ').all(is_scope) => Ok(Requested::Scope(scope)),
        (None, Some(audience)) if !audience.is_empty() => Ok(Requested::IdToken(audience)),
        _ => Err(("invalid_scope", "Invalid OAuth scope or ID token audience provided.".into())),
    }
}

fn check_claims(claims: &Claims, email: &str, url: &str, now: SystemTime) -> Result<(), Refusal> {
    let now = seconds(now);
    if claims.iss != email {
        return Err(("invalid_grant", "Invalid grant: account not found".into()));
    }
    if claims.aud != url && claims.aud != GOOGLE {
        return Err(("invalid_grant", "Invalid JWT: Failed audience check.".into()));
    }
    if claims.iat > now || claims.exp <= now || claims.exp <= claims.iat || claims.exp - claims.iat > 3600 {
        return Err(("invalid_grant", TIMEFRAME.into()));
    }
    if claims.sub.as_deref().is_some_and(|sub| !sub.contains('@')) {
        return Err(("invalid_grant", "Invalid email or User ID".into()));
    }
    Ok(())
}

/// The form's two fields, each exactly once, and nothing else.
fn assertion_of(body: &[u8]) -> Result<String, Refusal> {
    let body =
        std::str::from_utf8(body).map_err(|_| ("invalid_request", "the form is not text".to_owned()))?;
    let (mut grant_type, mut assertion) = (None, None);
    for (name, value) in body.split('&').filter_map(|pair| pair.split_once('=')) {
        let slot = match name {
            "grant_type" => &mut grant_type,
            "assertion" => &mut assertion,
            other => return Err(("invalid_request", format!("unknown parameter {other}"))),
        };
        if slot.replace(percent_decoded(value)).is_some() {
            return Err(("invalid_request", format!("{name} is there twice")));
        }
    }
    if grant_type.as_deref() != Some(GRANT_TYPE) {
        return Err((
            "unsupported_grant_type",
            format!("Invalid grant_type: {}", grant_type.unwrap_or_default()),
        ));
    }
    assertion.ok_or_else(|| ("invalid_request", "Missing required parameter: assertion".into()))
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let code = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, code) {
            (b'%', Some(code)) => {
                out.push(code);
                rest = &tail[2..];
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn json_part<T: DeserializeOwned>(part: &str, what: &str) -> Result<T, Refusal> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| malformed(&format!("has a {what} that is not base64url")))?;
    serde_json::from_slice(&json).map_err(|e| malformed(&format!("has a {what} that is wrong: {e}")))
}

fn malformed(what: &str) -> Refusal {
    ("invalid_grant", format!("Invalid JWT: the assertion {what}"))
}

/// A token as long as a service account's, new each time.
pub(super) fn new_token() -> String {
    let mut bytes = [0; 750];
    // Without random bytes tokens repeat, and tests that tell them apart fail.
    let _ = SystemRandom::new().fill(&mut bytes);
    format!("ya29.fake.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// An ID token as Google makes them for service accounts, signed with the throw-away key, since there is no
/// other.
pub(super) fn new_id_token(audience: &str, now: SystemTime, lifetime: Duration) -> String {
    let key = throw_away_key();
    let issued = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let header = json!({"alg": "RS256", "kid": key.key_id(), "typ": "JWT"});
    let payload = json!({
        "aud": audience,
        "azp": key.client_email(),
        "email": key.client_email(),
        "email_verified": true,
        "exp": (issued + lifetime).as_secs(),
        "iat": issued.as_secs(),
        "iss": "https://accounts.google.com",
        "sub": "100000000000000000001",
    });
    let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(&header), encoded(&payload));
    // The throw-away key signs in memory and does not fail; without a signature a test that checks it does.
    let signature = key.signer().sign(signed.as_bytes(), Instant::now()).unwrap_or_default();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
