//! A service account as a source: each call signs an assertion and trades it for a new token.
//!
//! In: a key, scopes, an endpoint, a transport, a clock. Out: a token per call, from the network. It
//! remembers nothing: [`Cached`](crate::Cached) around it does. AIP-4112, RFC 7523.

use crate::clock::Clock;
use crate::endpoint::token;
use crate::error::{Error, ErrorKind};
use crate::http::Transport;
use crate::jwt::{Claims, assertion};
use crate::key::ServiceAccountKey;
use crate::retry::{self, RetryPolicy};
use crate::token::{Token, TokenKind};
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A service account: signs, asks the token endpoint, remembers nothing.
///
/// Made by [`service_account`](crate::service_account), which puts a cache around it; ask
/// [`build_uncached`](crate::ServiceAccountBuilder::build_uncached) for the bare one.
pub struct ServiceAccount {
    key: ServiceAccountKey,
    identity: Identity,
    scope: String,
    url: String,
    audience: String,
    limits: Limits,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    /// By how many seconds assertions are dated ahead of this machine's clock, learned from a refusal.
    clock_offset: AtomicI64,
}

/// What one call of [`ServiceAccount`] may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// One request, from name resolution to the last byte.
    pub(crate) attempt: Duration,
    /// The whole call with all its attempts and waits, unless the caller's deadline is sooner.
    pub(crate) call: Duration,
    pub(crate) retry: RetryPolicy,
}

/// Who asks for what, all checked.
pub(crate) struct Grant {
    pub(crate) key: ServiceAccountKey,
    pub(crate) scopes: Vec<String>,
    pub(crate) subject: Option<String>,
    pub(crate) url: String,
    pub(crate) audience: Option<String>,
}

impl ServiceAccount {
    pub(crate) fn new(
        grant: Grant,
        limits: Limits,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let Grant { key, scopes, subject, url, audience } = grant;
        let audience = audience.unwrap_or_else(|| url.clone());
        let scope = scopes.join(" ");
        let mut identity = Identity::new()
            .with_email(key.client_email())
            .with_scopes(scopes)
            .with_audience(&audience)
            .with_endpoint(&url)
            .with_kind(TokenKind::Access);
        if let Some(key_id) = key.key_id() {
            identity = identity.with_key_id(key_id);
        }
        if let Some(subject) = subject {
            identity = identity.with_subject(subject);
        }
        let clock_offset = AtomicI64::new(0);
        Self { key, identity, scope, url, audience, limits, transport, clock, clock_offset }
    }
}

impl ServiceAccount {
    /// One assertion, dated by this machine's clock and `offset` seconds, one request, one token.
    fn exchange(&self, claims: &Claims<'_>, offset: i64, deadline: Instant) -> Result<Token, Error> {
        let left = deadline.saturating_duration_since(self.clock.monotonic());
        if left.is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "cannot get a token: no time left to ask for one"));
        }
        let now = self.clock.now();
        let dated = shifted(now, offset);
        let assertion = assertion(self.key.signer(), self.key.key_id(), claims, dated)?;
        let timeout = left.min(self.limits.attempt);
        let token = token::exchange(&*self.transport, &self.url, &assertion, timeout, now)?;
        log::debug!("{} got a token, {token:?}", self.key.client_email());
        Ok(token)
    }

    /// The server's clock, to date assertions by from now on, if a refusal shows that it differs from the one that the
    /// refused assertion was dated by. Tokens go on to be timed by this machine's clock, whose errors cancel out there.
    fn learned_offset(&self, error: &Error, used: i64) -> Option<i64> {
        let offset = error.clock_offset().filter(|offset| offset.abs_diff(used) > token::TOLERATED_OFFSET)?;
        self.clock_offset.store(offset, Ordering::Relaxed);
        log::warn!(
            "the clock of this machine is off by {} s, by the token endpoint's: assertions are dated by that",
            offset.saturating_neg()
        );
        Some(offset)
    }
}

/// `time` plus a number of seconds that may be negative; as it is where that would leave what a clock can show.
fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time.checked_sub(by) } else { time.checked_add(by) }.unwrap_or(time)
}

impl TokenSource for ServiceAccount {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        let own = self.clock.monotonic() + self.limits.call;
        let deadline = ask.deadline().map_or(own, |theirs| theirs.min(own));
        let claims = Claims {
            issuer: self.key.client_email(),
            audience: &self.audience,
            scope: Some(&self.scope),
            subject: self.identity.subject(),
            target_audience: None,
        };
        let policy = if ask.single_attempt() { RetryPolicy::NONE } else { self.limits.retry };
        retry::run(policy, &*self.clock, deadline, || {
            let offset = self.clock_offset.load(Ordering::Relaxed);
            self.exchange(&claims, offset, deadline).or_else(|error| {
                match self.learned_offset(&error, offset) {
                    Some(learned) => self.exchange(&claims, learned, deadline),
                    None => Err(error),
                }
            })
        })
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.identity.clone())
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("identity", &self.identity).finish_non_exhaustive()
    }
}
