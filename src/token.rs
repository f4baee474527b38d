//! A token: a secret with an end.
//!
//! In: the secret text and when it expires. Out: a value that is cheap to clone, with the
//! `Authorization` header ready made. RFC 6750 §2.1.

use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::OffsetDateTime;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// An access token: opaque, sent to APIs.
    Access,
    /// An ID token: a JWT about the caller, sent to services that check who calls (AIP-4116).
    Id,
}

/// A bearer token and when it expires. Cloning copies a pointer.
///
/// `Debug` shows kind and expiry and never the secret. Two tokens are equal when a server cannot tell them
/// apart: kind and secret are the same, whatever their expiry.
///
/// ```
/// use shortway::{Token, TokenKind};
/// use std::time::{Duration, SystemTime};
///
/// let expires_at = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
/// let token = Token::new(TokenKind::Access, "ya29.example", expires_at)?;
/// assert_eq!(token.authorization_secret(), "Bearer ya29.example");
/// assert_eq!(format!("{token:?}"), "Token { kind: Access, expires_at: 2096-10-02T07:06:40Z, secret: [redacted] }");
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone)]
pub struct Token(Arc<Inner>);

struct Inner {
    kind: TokenKind,
    authorization: Secret,
    expires_at: SystemTime,
    lifetime: Option<Duration>,
}

const BEARER: &str = "Bearer ";

/// The longest token taken: 8 KiB. Google's are about 1 KiB; header blocks of servers end at 8 to 16.
const MAX_TOKEN: usize = 8192;

impl Token {
    /// A token from its secret text, without the word `Bearer`.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] when `secret` is empty, over 8 KiB, or holds a character that RFC 6750
    /// §2.1 does not allow in a header. The text itself is not in the error.
    pub fn new(kind: TokenKind, secret: &str, expires_at: SystemTime) -> Result<Self, Error> {
        let fault = if secret.is_empty() {
            "is empty"
        } else if secret.len() > MAX_TOKEN {
            "is longer than 8 KiB"
        } else if !is_b68token(secret) {
            "holds characters that a header cannot carry"
        } else {
            let mut authorization = String::with_capacity(BEARER.len() + secret.len());
            authorization.push_str(BEARER);
            authorization.push_str(secret);
            let authorization = Secret::new(authorization);
            return Ok(Self(Arc::new(Inner { kind, authorization, expires_at, lifetime: None })));
        };
        Err(Error::new(ErrorKind::Malformed, format!("the token {fault}")).with_retryable(false))
    }

    /// Sets the lifetime that the server granted, from issue to expiry. A token that arrives with less left (from a
    /// store, from a metadata server that caches) is refreshed by its granted lifetime, not by what is left.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        let Inner { kind, expires_at, .. } = *self.0;
        let authorization = Secret::new(self.authorization_secret().to_owned());
        Self(Arc::new(Inner { kind, authorization, expires_at, lifetime: Some(lifetime) }))
    }

    /// The token itself, for places other than a header.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.authorization_secret()[BEARER.len()..]
    }

    /// The value of the `Authorization` header, `Bearer …`, made once with the token.
    #[must_use]
    pub fn authorization_secret(&self) -> &str {
        self.0.authorization.expose_secret()
    }

    /// What the token is for.
    #[must_use]
    pub fn kind(&self) -> TokenKind {
        self.0.kind
    }

    /// When servers stop accepting the token (UTC), counted from before it was requested.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.0.expires_at
    }

    /// The lifetime that the server granted, if it is known.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.0.lifetime
    }

    /// Whether the token has expired at `now`.
    #[must_use]
    pub fn is_expired(&self, now: SystemTime) -> bool {
        self.0.expires_at <= now
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.kind() == other.kind() && self.authorization_secret() == other.authorization_secret())
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("kind", &self.0.kind)
            .field("expires_at", &format_args!("{}", rfc3339(self.0.expires_at)))
            .field("secret", &self.0.authorization)
            .finish()
    }
}

/// RFC 6750 §2.1: letters, digits, `-._~+/`, then `=` for padding.
fn is_b68token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty() && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// A time as people read it in logs: RFC 3339, UTC, whole seconds.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    let seconds = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_secs()).unwrap_or(i64::MAX),
    };
    let Ok(t) = OffsetDateTime::from_unix_timestamp(seconds) else {
        return format!("{seconds} s after 1970");
    };
    let (year, month, day) = (t.year(), u8::from(t.month()), t.day());
    let (hour, minute, second) = (t.hour(), t.minute(), t.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
