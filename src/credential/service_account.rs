//! A service account as a source: each call signs an assertion and exchanges it for a new token.
//!
//! In: a key, what is requested (scopes, or an ID token for an audience), an endpoint, a way to it. Out: a
//! token per call, from the network. Nothing is kept; [`Cached`](crate::Cached) around it keeps the token.
//! AIP-4112, AIP-4116, RFC 7523.

use crate::endpoint::token::{self, Grant, TOLERATED_OFFSET};
use crate::endpoint::{Attempt, Remote};
use crate::error::Error;
use crate::http::Url;
use crate::jwt::{Claims, assertion};
use crate::key::{Found, KeySource, ServiceAccountKey};
use crate::retry::Outcome;
use crate::token::{Token, TokenKind};
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A service account: signs, calls the token endpoint, keeps nothing.
///
/// Made by [`service_account`](crate::service_account) and [`id_token`](crate::id_token), which put a cache
/// around it; [`build_uncached`](crate::TokensBuilder::build_uncached) gives the bare one.
pub struct ServiceAccount {
    keys: KeySource,
    identity: Identity,
    wanted: Wanted,
    url: Url,
    audience: String,
    remote: Remote,
    /// By how many seconds assertions are dated ahead of this machine's clock, learned from a refusal.
    clock_offset: AtomicI64,
}

/// What is requested: an access token or an ID token, never both (AIP-4116).
pub(crate) enum Wanted {
    /// The names of scopes, joined by one space.
    Scope(String),
    /// The audience of an ID token.
    TargetAudience(String),
}

/// The account, what is requested, and where: all checked.
pub(crate) struct Request {
    pub(crate) keys: KeySource,
    pub(crate) wanted: Wanted,
    pub(crate) subject: Option<String>,
    pub(crate) url: Url,
    pub(crate) audience: Option<String>,
    pub(crate) quota_project_id: Option<String>,
}

/// How far assertions are dated away from this machine's clock at most: a day. A machine that is further off
/// fails every TLS handshake, and an endpoint must not collect assertions that are valid in years.
const MAX_OFFSET: u64 = 86_400;

/// Differences below this are not corrected: 2 s. `Date` has whole seconds, and a response takes a while.
const MIN_OFFSET: u64 = 2;

impl Wanted {
    fn kind(&self) -> TokenKind {
        match self {
            Self::Scope(_) => TokenKind::Access,
            Self::TargetAudience(_) => TokenKind::Id,
        }
    }
}

impl ServiceAccount {
    pub(crate) fn new(request: Request, remote: Remote) -> Self {
        let Request { keys, wanted, subject, url, audience, quota_project_id } = request;
        let (key, audience) = (keys.key(), audience.unwrap_or_else(|| url.as_str().to_owned()));
        let mut identity = Identity::new()
            .with_email(key.client_email())
            .with_audience(&audience)
            .with_endpoint(url.as_str())
            .with_kind(wanted.kind())
            .with_key_of(key.key_id());
        identity = match &wanted {
            Wanted::Scope(scope) => identity.with_scopes(scope.split(' ')),
            Wanted::TargetAudience(audience) => identity.with_target_audience(audience),
        };
        if let Some(subject) = subject {
            identity = identity.with_subject(subject);
        }
        if let Some(project) = quota_project_id {
            identity = identity.with_quota_project_id(project);
        }
        Self { keys, identity, wanted, url, audience, remote, clock_offset: AtomicI64::new(0) }
    }

    /// One assertion, dated by this machine's clock and `offset` seconds, one request, one token.
    fn exchange(&self, key: &ServiceAccountKey, offset: i64, deadline: Instant) -> Result<Token, Error> {
        let Remote { transport, clock, .. } = &self.remote;
        let email = key.client_email();
        let mut claims = match &self.wanted {
            Wanted::Scope(scope) => Claims::for_scope(email, &self.audience, scope),
            Wanted::TargetAudience(target) => Claims::for_target_audience(email, &self.audience, target),
        };
        if let Some(subject) = self.identity.subject() {
            claims = claims.subject(subject);
        }
        let dated = shifted(clock.now(), offset);
        let assertion = assertion(key.signer(), key.key_id(), &claims, dated, deadline)?;
        let grant = Grant { assertion: &assertion, kind: self.wanted.kind(), account: email };
        token::exchange(&**transport, &**clock, &self.url, grant, deadline)
    }

    /// The server's clock, to date assertions by from now on, if a refusal about dates shows that it differs
    /// from the one that the refused assertion was dated by. Lifetimes of tokens are measured by this
    /// machine's clock all the same: its error cancels out there.
    fn learned_offset(&self, error: &Error, used: i64) -> Option<i64> {
        let offset = error.clock_offset()?;
        if offset.abs_diff(used) < MIN_OFFSET || offset.unsigned_abs() > MAX_OFFSET {
            return None;
        }
        self.clock_offset.store(offset, Ordering::Relaxed);
        if offset.unsigned_abs() > TOLERATED_OFFSET {
            log::warn!(
                "the clock of this machine is off by {} s, compared with the token endpoint's: assertions are dated by that",
                offset.saturating_neg()
            );
        }
        Some(offset)
    }

    fn attempt(&self, attempt: Attempt, healed: &mut Healed) -> Outcome<Token> {
        let (key, offset) = (self.keys.key(), self.clock_offset.load(Ordering::Relaxed));
        let mut error = match self.exchange(&key, offset, attempt.deadline) {
            Ok(token) => return Outcome::Final(Ok(token)),
            Err(error) => error,
        };
        if self.learned_offset(&error, offset).is_some() && !std::mem::replace(&mut healed.clock, true) {
            return Outcome::AgainAtOnce(error);
        }
        if token::is_about_the_key(&error) && !std::mem::replace(&mut healed.key, true) {
            let found = self.keys.look();
            if !self.keys.key().is(&key) {
                return Outcome::AgainAtOnce(error);
            }
            if let Found::Unusable(file) = found {
                error = error.with_hint(format!("its file has no other key of the account: {file}"));
            }
        }
        if error.is_retryable() {
            Outcome::Again(error)
        } else {
            Outcome::Final(Err(error.with_attempts(attempt.number)))
        }
    }
}

/// What a call has corrected already, each at most once.
#[derive(Default)]
struct Healed {
    clock: bool,
    key: bool,
}

/// `time` plus a number of seconds that may be negative; unchanged if the result is out of range.
fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time.checked_sub(by) } else { time.checked_add(by) }.unwrap_or(time)
}

impl TokenSource for ServiceAccount {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        // What a look finds wrong with the file is logged; it matters here only once the key is refused.
        let _ = self.keys.look();
        let mut healed = Healed::default();
        self.remote.run(ask, |attempt| self.attempt(attempt, &mut healed))
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.identity.clone().with_key_of(self.keys.key().key_id()))
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("identity", &self.identity).finish_non_exhaustive()
    }
}
