//! The fake's token endpoint: takes an assertion apart and checks all of it.
//!
//! In: a form. Out: what is granted, or an OAuth error in Google's words. RFC 7523 §3, RFC 6749 §5.2; ID
//! tokens: AIP-4116, `OpenID` Connect Core §2.

use super::answer::Answer;
use super::token_refusal::TokenRefusal;
use crate::testing::key::{THROW_AWAY_PUBLIC_KEY, throw_away_key};
use crate::testing::server::{FakeRequest, decoded_pairs};
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

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

/// Base64url, also with padding. RFC 7515 has none, and Google's page says that it makes a signature invalid;
/// but public clients that are in use (`gcp_auth`, `yup-oauth2`) send it.
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
const GOOGLE: &str = "https://oauth2.googleapis.com/token";
const ANALYTICS_DATA: &str = "https://analyticsdata.googleapis.com/";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// What an assertion requests.
pub(super) enum Requested {
    Scope(String),
    /// An ID token for this audience.
    IdToken(String),
}

/// The number of the account that owns the throw-away key.
pub(super) const ACCOUNT: &str = "100000000000000000001";

/// The tokens that were handed out, by their texts.
pub(super) type Tokens = BTreeMap<String, Granted>;

/// What a token is for.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) scope: String,
    pub(super) end: SystemTime,
}

/// For whom the account may act.
pub(super) enum Delegation {
    All,
    Nobody,
    /// Users and their scopes.
    Users(BTreeMap<String, Vec<String>>),
}

/// What requests are held against.
pub(super) struct Rules<'r> {
    /// The token endpoint.
    pub(super) url: &'r str,
    pub(super) now: SystemTime,
    pub(super) delegation: &'r Delegation,
    pub(super) unknown_scopes: &'r [String],
}

/// Checks a token request; gives what it requests.
pub(super) fn check(request: &FakeRequest, rules: &Rules<'_>) -> Result<Requested, Answer> {
    let content_type = request.header("Content-Type").unwrap_or_default();
    if content_type != "application/x-www-form-urlencoded" {
        return Err(invalid_request(&format!("Content-Type is {content_type}")));
    }
    let assertion = assertion_of(request.body())?;
    let claims: Claims = verified(&assertion)?;
    check_claims(&claims, throw_away_key().client_email(), rules).map_err(TokenRefusal::answer)?;
    requested(claims, rules)
}

/// The payload of a JWT that the throw-away key has signed.
fn verified<T: DeserializeOwned>(jwt: &str) -> Result<T, Answer> {
    let (signed, signature) = jwt.rsplit_once('.').ok_or_else(|| malformed("has no signature"))?;
    let (header, payload) = signed.split_once('.').ok_or_else(|| malformed("has no payload"))?;
    let header: Header = json_part(header, "header")?;
    let key = throw_away_key();
    let is_rs256 = header.alg == "RS256" && header.typ.is_none_or(|t| t == "JWT");
    if !is_rs256 || header.kid.as_deref().is_some_and(|kid| Some(kid) != key.key_id()) {
        return Err(TokenRefusal::InvalidSignature.answer());
    }
    let signature =
        BASE64_URL.decode(signature).map_err(|_| malformed("has a signature that is not base64url"))?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, THROW_AWAY_PUBLIC_KEY)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| TokenRefusal::InvalidSignature.answer())?;
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
fn requested(claims: Claims, rules: &Rules<'_>) -> Result<Requested, Answer> {
    let is_scope = |s: &str| s.starts_with("https://www.googleapis.com/auth/") && !s.contains(',');
    match (claims.scope, claims.target_audience) {
        (Some(scope), None) if scope.split(' ').all(is_scope) => {
            let is_known = |scope: &&str| !rules.unknown_scopes.iter().any(|unknown| unknown == scope);
            let known: Vec<&str> = scope.split(' ').filter(is_known).collect();
            if known.is_empty() {
                return Ok(Requested::IdToken(rules.url.to_owned()));
            }
            Ok(Requested::Scope(known.join(" ")))
        }
        (None, Some(audience)) if !audience.is_empty() => Ok(Requested::IdToken(audience)),
        _ => Err(TokenRefusal::InvalidScope.answer()),
    }
}

fn check_claims(claims: &Claims, email: &str, rules: &Rules<'_>) -> Result<(), TokenRefusal> {
    let now = seconds(rules.now);
    if claims.iss != email {
        return Err(TokenRefusal::UnknownAccount);
    }
    if claims.aud != rules.url && claims.aud != GOOGLE {
        return Err(TokenRefusal::Audience);
    }
    if claims.iat > now || claims.exp <= now || claims.exp <= claims.iat || claims.exp - claims.iat > 3600 {
        return Err(TokenRefusal::Clock);
    }
    match &claims.sub {
        Some(user) if *user != claims.iss => check_user(user, claims.scope.as_deref(), rules.delegation),
        _ => Ok(()),
    }
}

/// Whether the account may act for the user with the scopes.
fn check_user(user: &str, scope: Option<&str>, delegation: &Delegation) -> Result<(), TokenRefusal> {
    if !user.contains('@') {
        return Err(TokenRefusal::UnknownUser);
    }
    let users = match delegation {
        Delegation::All => return Ok(()),
        Delegation::Nobody => return Err(TokenRefusal::DelegationNotAllowed),
        Delegation::Users(users) => users,
    };
    let granted = users.get(user).ok_or(TokenRefusal::UnknownUser)?;
    let is_granted = |scope: &str| granted.iter().any(|granted| granted == scope);
    if scope.unwrap_or_default().split(' ').all(is_granted) {
        Ok(())
    } else {
        Err(TokenRefusal::AccessDenied)
    }
}

/// The form's two fields, each exactly once, and nothing else.
fn assertion_of(body: &[u8]) -> Result<String, Answer> {
    let body = std::str::from_utf8(body).map_err(|_| invalid_request("the form is not text"))?;
    let (mut grant_type, mut assertion) = (None, None);
    for (name, value) in decoded_pairs(body) {
        let slot = match name.as_str() {
            "grant_type" => &mut grant_type,
            "assertion" => &mut assertion,
            other => return Err(invalid_request(&format!("unknown parameter {other}"))),
        };
        if slot.replace(value).is_some() {
            return Err(invalid_request(&format!("{name} is there twice")));
        }
    }
    if grant_type.as_deref() != Some(GRANT_TYPE) {
        let description = format!("Invalid grant_type: {}", grant_type.unwrap_or_default());
        return Err(refused("unsupported_grant_type", &description));
    }
    assertion.ok_or_else(|| invalid_request("Missing required parameter: assertion"))
}

fn refused(code: &str, description: &str) -> Answer {
    Answer::json(400, json!({"error": code, "error_description": description}))
}

fn invalid_request(description: &str) -> Answer {
    refused("invalid_request", description)
}

fn json_part<T: DeserializeOwned>(part: &str, what: &str) -> Result<T, Answer> {
    let json =
        BASE64_URL.decode(part).map_err(|_| malformed(&format!("has a {what} that is not base64url")))?;
    serde_json::from_slice(&json).map_err(|e| malformed(&format!("has a {what} that is wrong: {e}")))
}

fn malformed(what: &str) -> Answer {
    refused("invalid_grant", &format!("Invalid JWT: the assertion {what}"))
}

/// The claims of an ID token of this fake that has not expired.
pub(super) fn id_token_claims(jwt: &str, now: SystemTime) -> Option<Map<String, Value>> {
    let claims: Map<String, Value> = verified(jwt).ok()?;
    let is_ours = claims.get("iss")? == "https://accounts.google.com";
    (is_ours && seconds(now) < claims.get("exp")?.as_u64()?).then_some(claims)
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
        "sub": ACCOUNT,
    });
    let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encoded(&header), encoded(&payload));
    // The throw-away key signs in memory and does not fail; without a signature a test that checks it does.
    let signature = key.signer().sign(signed.as_bytes(), Instant::now()).unwrap_or_default();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
