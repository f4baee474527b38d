//! A stored token as text: one line of JSON with everything that the token stands for. No I/O, no clock.
//!
//! In: an identity and its token; or text of unknown origin, the identity that is wanted, and the time. Out:
//! the text; or the token, if it is that identity's and not expired. No private key is ever part of it.

use crate::secret::Secret;
use crate::token::{Token, TokenKind};
use crate::token_source::Identity;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// The version of the format: part of every key, and of the file.
pub(super) const VERSION: u64 = 1;

/// The longest entry that is read: 16 KiB. A token has at most 8.
pub(super) const MAX_ENTRY: usize = 16 * 1024;

/// How far into the future the clock of the machine that saved a token may have been: 30 s, and at most a
/// tenth of the token's lifetime.
const CLOCK_SLACK: Duration = Duration::from_secs(30);

/// What a token stands for, in words. The quota project is no part of it: it shapes requests, not tokens.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Names {
    email: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    scopes: Vec<String>,
    subject: Option<String>,
    audience: Option<String>,
    target_audience: Option<String>,
    endpoint: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Access,
    Id,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    identity: Names,
    expires_at_ms: u64,
    lifetime_ms: u64,
    token: String,
}

/// The times of an entry in milliseconds, rounded down, `expires_at_ms` since 1970 (UTC).
#[derive(Clone, Copy, Deserialize)]
struct Times {
    expires_at_ms: u64,
    lifetime_ms: u64,
}

/// Why an entry is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    Unreadable,
    OtherIdentity,
}

/// The key of the tokens of `identity`: SHA-256 in hexadecimal digits. `None` for an identity that does not
/// say which account it is, which kind of token, or what for: two of those may be different.
pub(super) fn key(identity: &Identity) -> Option<String> {
    let is_for_something = !identity.scopes().is_empty()
        || identity.audience().is_some()
        || identity.target_audience().is_some();
    identity.email().filter(|_| is_for_something)?;
    let text = serde_json::to_vec(&(VERSION, Names::of(identity)?)).ok()?;
    let mut key = String::with_capacity(64);
    for byte in digest(&SHA256, &text).as_ref() {
        let _ = write!(key, "{byte:02x}");
    }
    Some(key)
}

/// The text of `token`, received at `now`. `None` if it is not a token of `identity`, or not worth storing.
pub(super) fn text(identity: &Identity, token: &Token, now: SystemTime) -> Option<Secret> {
    if identity.kind() != Some(token.kind()) {
        return None;
    }
    let left = token.expires_at().duration_since(now).ok()?;
    let entry = Entry {
        identity: Names::of(identity)?,
        expires_at_ms: milliseconds(token.expires_at().duration_since(SystemTime::UNIX_EPOCH).ok()?)?,
        lifetime_ms: milliseconds(token.lifetime().unwrap_or(left))?,
        token: token.expose_secret().to_owned(),
    };
    let text = serde_json::to_string(&entry).ok().map(Secret::new);
    drop(Secret::new(entry.token));
    text.filter(|text| text.expose_secret().len() <= MAX_ENTRY)
}

/// The token in `text`, if it is one of `identity` that has not expired at `now`.
pub(super) fn read(text: &str, identity: &Identity, now: SystemTime) -> Result<Option<Token>, Damage> {
    if text.len() > MAX_ENTRY {
        return Err(Damage::Unreadable);
    }
    let entry: Entry = serde_json::from_str(text).map_err(|_| Damage::Unreadable)?;
    let token = Secret::new(entry.token);
    if Names::of(identity).is_none_or(|wanted| entry.identity != wanted) {
        return Err(Damage::OtherIdentity);
    }
    let times = Times { expires_at_ms: entry.expires_at_ms, lifetime_ms: entry.lifetime_ms };
    let (expires_at, lifetime) = times.believed(now).ok_or(Damage::Unreadable)?;
    if times.left(now).is_none() {
        return Ok(None);
    }
    Token::new(entry.identity.kind.into(), token.expose_secret(), expires_at)
        .map(|token| Some(token.with_lifetime(lifetime)))
        .map_err(|_| Damage::Unreadable)
}

/// How long the token in `text` can still be used; `None` if it has expired, or cannot be read.
pub(super) fn left(text: &str, now: SystemTime) -> Option<Duration> {
    serde_json::from_str::<Times>(text).ok()?.left(now)
}

/// When the token in `text` was issued; `None` if that cannot be read.
pub(super) fn issued_at(text: &str) -> Option<SystemTime> {
    let times: Times = serde_json::from_str(text).ok()?;
    let issued = times.expires_at_ms.checked_sub(times.lifetime_ms)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(issued))
}

impl Times {
    /// When the token expires, and its lifetime, if times can hold them.
    fn believed(self, now: SystemTime) -> Option<(SystemTime, Duration)> {
        let expires_at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(self.expires_at_ms))?;
        now.checked_add(Duration::from_millis(self.lifetime_ms))?;
        Some((expires_at, Duration::from_millis(self.lifetime_ms)))
    }

    /// `None` if the token has expired, or was saved by a clock that was ahead of this one: then nobody knows
    /// how long it lives.
    fn left(self, now: SystemTime) -> Option<Duration> {
        let (expires_at, lifetime) = self.believed(now)?;
        let left = expires_at.duration_since(now).ok().filter(|left| !left.is_zero())?;
        (left <= lifetime.saturating_add(CLOCK_SLACK.min(lifetime / 10))).then_some(left)
    }
}

impl Names {
    fn of(identity: &Identity) -> Option<Self> {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Some(Self {
            email: text(identity.email()),
            key_id: text(identity.key_id()),
            scopes: identity.scopes().to_vec(),
            subject: text(identity.subject()),
            audience: text(identity.audience()),
            target_audience: text(identity.target_audience()),
            endpoint: text(identity.endpoint()),
            kind: match identity.kind()? {
                TokenKind::Access => Kind::Access,
                TokenKind::Id => Kind::Id,
            },
        })
    }
}

impl From<Kind> for TokenKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Access => Self::Access,
            Kind::Id => Self::Id,
        }
    }
}

fn milliseconds(span: Duration) -> Option<u64> {
    u64::try_from(span.as_millis()).ok()
}
