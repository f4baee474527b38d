//! A service account whose key signs the token itself: no request, no endpoint.
//!
//! In: a key, and an API or scopes. Out: a JWT per call, signed anew; [`Cached`](crate::Cached) around it
//! keeps it. AIP-4111.

use crate::clock::Clock;
use crate::endpoint::attempts;
use crate::error::Error;
use crate::jwt::{self, Access, BACKDATED, LIFETIME};
use crate::key::KeySource;
use crate::retry::{Outcome, RetryPolicy};
use crate::token::{Token, TokenKind};
use crate::token_source::{Ask, Identity, TokenSource};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

/// A service account: signs the token itself, sends nothing, keeps nothing.
///
/// Made by [`self_signed`](crate::self_signed), which puts a cache around it;
/// [`build_uncached`](crate::TokensBuilder::build_uncached) gives the bare one.
pub struct SelfSigned {
    keys: KeySource,
    identity: Identity,
    access: Allowed,
    clock: Arc<dyn Clock>,
    retry: RetryPolicy,
}

/// What the tokens give access to: checked.
pub(crate) enum Allowed {
    /// The URL of an API.
    Audience(String),
    /// The names of scopes, joined by one space.
    Scope(String),
}

impl SelfSigned {
    pub(crate) fn new(
        keys: KeySource,
        access: Allowed,
        quota_project_id: Option<String>,
        clock: Arc<dyn Clock>,
        retry: RetryPolicy,
    ) -> Self {
        let key = keys.key();
        let mut identity = Identity::new()
            .with_email(key.client_email())
            .with_kind(TokenKind::Access)
            .with_key_of(key.key_id());
        identity = match &access {
            Allowed::Audience(audience) => identity.with_audience(audience),
            Allowed::Scope(scope) => identity.with_scopes(scope.split(' ')),
        };
        if let Some(project) = quota_project_id {
            identity = identity.with_quota_project_id(project);
        }
        Self { keys, identity, access, clock, retry }
    }

    fn sign(&self, deadline: Instant) -> Result<Token, Error> {
        let access = match &self.access {
            Allowed::Audience(audience) => Access::Audience(audience),
            Allowed::Scope(scope) => Access::Scope(scope),
        };
        let (key, now) = (self.keys.key(), self.clock.now());
        let jwt = jwt::self_signed(key.signer(), key.key_id(), key.client_email(), access, now, deadline)?;
        // `exp` in the token: the time of signing is not later than this machine's clock.
        let expires_at = now + (LIFETIME - BACKDATED);
        Ok(Token::new(TokenKind::Access, jwt.expose_secret(), expires_at)?.with_lifetime(LIFETIME))
    }
}

impl TokenSource for SelfSigned {
    fn token(&self) -> Result<Token, Error> {
        self.token_for(&Ask::new())
    }

    fn token_for(&self, ask: &Ask) -> Result<Token, Error> {
        // What a look finds wrong with the file is logged; the old key stays in use.
        let _ = self.keys.look();
        // Only a signer that is elsewhere fails in a way that another attempt can change.
        attempts(&*self.clock, self.retry, ask, |attempt| match self.sign(attempt.deadline) {
            Err(error) if error.is_retryable() => Outcome::Again(error),
            result => Outcome::Final(result),
        })
    }

    fn identity(&self) -> Option<Identity> {
        Some(self.identity.clone().with_key_of(self.keys.key().key_id()))
    }
}

impl fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfSigned").field("identity", &self.identity).finish_non_exhaustive()
    }
}
