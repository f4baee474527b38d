//! Signs claims into an assertion for the token endpoint, or into a token that APIs take as it is.
//!
//! In: [`Claims`] or [`Access`], and a [`Signer`]. Out: a compact JWS, base64url without padding. No clock,
//! no network: the time is an argument. RFC 7515 §3.1, RFC 7518 §3.3, RFC 7523 §3, AIP-4111.

use crate::error::{Error, ErrorKind};
use crate::key::Signer;
use crate::secret::Secret;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Serialize;
use std::fmt;
use std::time::{Duration, Instant, SystemTime};

/// How far `iat` is set back: 10 s. A clock that is a little fast would otherwise sign from the future, which
/// Google refuses; golang/oauth2 and google-cloud-rust do the same.
pub const BACKDATED: Duration = Duration::from_secs(10);

/// How long an assertion or a self-signed JWT is valid, `exp` − `iat`: 3600 s, the most that Google accepts.
pub const LIFETIME: Duration = Duration::from_secs(3600);

/// What an assertion says: who signs, for whom, and what is requested, either scopes or an ID token
/// (AIP-4116).
///
/// ```
/// use shortway::jwt::{Claims, assertion};
/// use std::time::{Duration, Instant, SystemTime};
/// # let key = shortway::testing::throw_away_key();
///
/// let audience = "https://oauth2.googleapis.com/token";
/// let claims = Claims::for_scope(key.client_email(), audience, shortway::scope::ANALYTICS_READONLY);
/// let deadline = Instant::now() + Duration::from_secs(10);
/// let signed = assertion(key.signer(), key.key_id(), &claims, SystemTime::now(), deadline)?;
/// assert_eq!(signed.expose_secret().split('.').count(), 3);
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Claims<'a> {
    issuer: &'a str,
    audience: &'a str,
    subject: Option<&'a str>,
    requested: Requested<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Requested<'a> {
    Scope(&'a str),
    TargetAudience(&'a str),
}

impl<'a> Claims<'a> {
    /// Requests an access token. `issuer` (`iss`) is the account's e-mail address, `audience` (`aud`) the URL
    /// of the token endpoint, `scope` the names of the scopes, joined by one space (RFC 6749 §3.3).
    #[must_use]
    pub fn for_scope(issuer: &'a str, audience: &'a str, scope: &'a str) -> Self {
        Self { issuer, audience, subject: None, requested: Requested::Scope(scope) }
    }

    /// Requests an ID token for `target_audience`; `issuer` and `audience` as in
    /// [`for_scope`](Self::for_scope).
    #[must_use]
    pub fn for_target_audience(issuer: &'a str, audience: &'a str, target_audience: &'a str) -> Self {
        Self { issuer, audience, subject: None, requested: Requested::TargetAudience(target_audience) }
    }

    /// `sub`: the user to act for (domain-wide delegation, AIP-4112). By default, the account acts for
    /// itself.
    #[must_use]
    pub fn subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    fn payload(&self) -> Payload<'a> {
        let (scope, target_audience) = match self.requested {
            Requested::Scope(scope) => (Some(scope), None),
            Requested::TargetAudience(audience) => (None, Some(audience)),
        };
        let aud = Some(self.audience);
        Payload { iss: self.issuer, sub: self.subject, scope, target_audience, aud, iat: 0, exp: 0 }
    }
}

/// What a self-signed JWT gives access to: an API by its name, or scopes, never both (AIP-4111).
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// The API with this URL, `https://SERVICE/`, in the claim `aud`.
    Audience(&'a str),
    /// What these scopes allow, joined by one space, in the claim `scope`.
    Scope(&'a str),
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
enum What {
    Assertion,
    SelfSigned,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Assertion => "an assertion",
            Self::SelfSigned => "a JWT",
        })
    }
}

/// Why it cannot be signed.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("cannot sign {0}: its {1} is empty")]
    Empty(What, &'static str),
    #[error("cannot sign {0}: the clock of this machine is before 1970")]
    Clock(What),
}

impl Fault {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Empty(..) => ErrorKind::Config,
            Self::Clock(_) => ErrorKind::Clock,
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Empty(..) => "give a value: without one, Google refuses it",
            Self::Clock(_) => "set the clock, or let NTP set it",
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.kind(), fault.to_string()).with_hint(fault.hint())
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    iat: u64,
    exp: u64,
}

/// The assertion for `claims`, signed by `signer` whose key is named `key_id`, as of `now`: `iat` is
/// [`BACKDATED`], `exp` is [`LIFETIME`] after it. A signer that is elsewhere is given `deadline`.
///
/// # Errors
/// [`ErrorKind::Config`] when a claim is empty, [`ErrorKind::Clock`] when `now` is before 1970; otherwise
/// what the signer reports.
pub fn assertion(
    signer: &dyn Signer,
    key_id: Option<&str>,
    claims: &Claims<'_>,
    now: SystemTime,
    deadline: Instant,
) -> Result<Secret, Error> {
    sign(signer, key_id, What::Assertion, claims.payload(), (now, deadline))
}

/// A JWT that Google's APIs take in place of an access token (AIP-4111): `email` is its issuer and its
/// subject, so the account can act only for itself. Times, `signer` and `key_id` as in [`assertion`].
///
/// # Errors
/// As [`assertion`].
pub fn self_signed(
    signer: &dyn Signer,
    key_id: Option<&str>,
    email: &str,
    access: Access<'_>,
    now: SystemTime,
    deadline: Instant,
) -> Result<Secret, Error> {
    let (aud, scope) = match access {
        Access::Audience(audience) => (Some(audience), None),
        Access::Scope(scope) => (None, Some(scope)),
    };
    let payload = Payload { iss: email, sub: Some(email), scope, target_audience: None, aud, iat: 0, exp: 0 };
    sign(signer, key_id, What::SelfSigned, payload, (now, deadline))
}

/// Dates `payload` by `now` and signs it.
fn sign(
    signer: &dyn Signer,
    key_id: Option<&str>,
    what: What,
    mut payload: Payload<'_>,
    (now, deadline): (SystemTime, Instant),
) -> Result<Secret, Error> {
    payload.check(what)?;
    let backdated = now.checked_sub(BACKDATED).and_then(|t| t.duration_since(SystemTime::UNIX_EPOCH).ok());
    payload.iat = backdated.ok_or(Fault::Clock(what))?.as_secs();
    payload.exp = payload.iat.saturating_add(LIFETIME.as_secs());
    let mut jwt = signing_input(key_id, &payload)?;
    let signature = signer.sign(jwt.as_bytes(), deadline)?;
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut jwt);
    Ok(Secret::new(jwt))
}

impl Payload<'_> {
    fn check(&self, what: What) -> Result<(), Fault> {
        let parts = [
            ("issuer", Some(self.iss)),
            ("audience", self.aud),
            ("subject", self.sub),
            ("scope", self.scope),
            ("target audience", self.target_audience),
        ];
        match parts.into_iter().find(|(_, value)| value.is_some_and(str::is_empty)) {
            Some((name, _)) => Err(Fault::Empty(what, name)),
            None => Ok(()),
        }
    }
}

/// Header and payload, encoded and joined: what is signed (RFC 7515 §5.1).
fn signing_input(key_id: Option<&str>, payload: &Payload<'_>) -> Result<String, Error> {
    let header = Header { alg: "RS256", kid: key_id, typ: "JWT" };
    // Room for the signature of a 4096-bit key, so that the text is never moved while it is secret.
    let mut jwt = String::with_capacity(2048);
    BASE64_URL_SAFE_NO_PAD.encode_string(to_json(&header)?, &mut jwt);
    jwt.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(to_json(payload)?, &mut jwt);
    Ok(jwt)
}

fn to_json(part: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(part)
        .map_err(|e| Error::new(ErrorKind::Other, "cannot write an assertion as JSON").with_source(e))
}
