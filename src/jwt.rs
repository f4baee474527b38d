//! Signs claims into an assertion.
//!
//! In: [`Claims`] and a [`Signer`]. Out: a compact JWS, base64url without padding. No clock, no network:
//! the time is an argument. RFC 7515 §3.1, RFC 7518 §3.3, RFC 7523 §3.

use crate::error::{Error, ErrorKind};
use crate::key::Signer;
use crate::secret::Secret;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// How far `iat` is set back: 10 s. A clock that is a little fast would otherwise sign from the future,
/// which Google refuses; golang/oauth2 and google-cloud-rust do the same.
pub const BACKDATED: Duration = Duration::from_secs(10);

/// How long an assertion lives, `exp` − `iat`: 3600 s, the most that Google takes.
pub const LIFETIME: Duration = Duration::from_secs(3600);

/// What an assertion says. Fields that are `None` are left out of the JSON.
///
/// Give `scope` for an access token or `target_audience` for an ID token, never both (AIP-4116).
#[derive(Clone, Copy, Debug, Default)]
pub struct Claims<'a> {
    /// `iss`: who signs, the account's e-mail address.
    pub issuer: &'a str,
    /// `aud`: whom the assertion is for, the URL of the token endpoint.
    pub audience: &'a str,
    /// `scope`: what the token shall be good for, names joined by one space (RFC 6749 §3.3).
    pub scope: Option<&'a str>,
    /// `sub`: the user to act for (domain-wide delegation, AIP-4112).
    pub subject: Option<&'a str>,
    /// `target_audience`: whom the ID token is for.
    pub target_audience: Option<&'a str>,
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    typ: &'a str,
}

#[derive(Serialize)]
struct Payload<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_audience: Option<&'a str>,
    aud: &'a str,
    iat: u64,
    exp: u64,
}

/// The assertion for `claims`, signed by `signer` whose key is named `key_id`, as of `now`: `iat` is
/// [`BACKDATED`], `exp` is [`LIFETIME`] after it.
///
/// # Errors
/// [`ErrorKind::Clock`] when `now` is before 1970; otherwise whatever the signer reports.
pub fn assertion(
    signer: &dyn Signer,
    key_id: Option<&str>,
    claims: &Claims<'_>,
    now: SystemTime,
) -> Result<Secret, Error> {
    let mut jwt = signing_input(key_id, claims, now)?;
    let signature = signer.sign(jwt.as_bytes())?;
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    Ok(Secret::new(jwt))
}

/// Header and payload, encoded and joined: what is signed (RFC 7515 §5.1).
fn signing_input(key_id: Option<&str>, claims: &Claims<'_>, now: SystemTime) -> Result<String, Error> {
    let iat = now
        .checked_sub(BACKDATED)
        .and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok())
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Clock,
                "cannot sign an assertion: the clock of this machine stands before 1970",
            )
            .with_hint("set the clock, or let it be set by NTP")
        })?
        .as_secs();
    let header = Header { alg: "RS256", kid: key_id, typ: "JWT" };
    let payload = Payload {
        iss: claims.issuer,
        sub: claims.subject,
        scope: claims.scope,
        target_audience: claims.target_audience,
        aud: claims.audience,
        iat,
        exp: iat.saturating_add(LIFETIME.as_secs()),
    };
    // Room for the signature of a 4096-bit key, so that the text is never moved while it is secret.
    let mut jwt = String::with_capacity(2048);
    BASE64_URL_SAFE_NO_PAD.encode_string(to_json(&header)?, &mut jwt);
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(to_json(&payload)?, &mut jwt);
    Ok(jwt)
}

fn to_json(part: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(part)
        .map_err(|e| Error::new(ErrorKind::Other, "cannot write an assertion").with_source(e))
}
