//! The short way to tokens: credential and cache put together in the one right order.
//!
//! In: a credential, and whatever of the rest the caller wants to choose. Out: [`Tokens`], a source that
//! caches, has time limits and retries transient failures. Each kind of credential is a file here; the
//! setters that all share exist once.

mod exchange;
mod id_token;
mod self_signed;
mod service_account;

pub use id_token::{IdTokenOptions, id_token};
pub use self_signed::{SelfSignedOptions, self_signed, self_signed_for};
pub use service_account::{ServiceAccountOptions, service_account};

use crate::cached::{CachePolicy, Cached};
use crate::clock::{Clock, SystemClock};
use crate::endpoint::Remote;
use crate::error::{Error, ErrorKind};
use crate::http::{Transport, UreqTransport};
use crate::retry::RetryPolicy;
use crate::stored::{Stored, TokenStore};
use crate::token_source::TokenSource;
use std::fmt;
use std::sync::Arc;

/// What every `build()` returns: a cache around a source of any kind, and between them the
/// [store](TokensBuilder::store), if there is one. Clones share the token.
///
/// A program that has to name the type of its tokens writes this one, whatever the credential is.
/// `tokens.source().status()` says what came from the store ([`StoreStatus`](crate::StoreStatus)).
pub type Tokens = Cached<Stored<Arc<dyn TokenSource>>>;

/// Options of a source, on the way to [`build`](Self::build). `C` is the kind of credential, with options of
/// its own: see [`service_account`], [`id_token`] and [`self_signed`].
#[must_use = "nothing is made before `build`"]
#[derive(Clone)]
pub struct TokensBuilder<C> {
    credential: C,
    shared: Shared,
}

/// The options that all kinds of credentials share.
#[derive(Clone)]
pub struct Shared {
    retry: RetryPolicy,
    cache: CachePolicy,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
    quota_project_id: Option<String>,
    store: Option<Arc<dyn TokenStore>>,
}

/// A kind of credential: makes the bare source of its options. Sealed by living in a private module.
pub trait Credential {
    /// The bare source.
    type Source: TokenSource + 'static;

    /// Checks the options. Nothing is sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when an option is not valid.
    fn into_source(self, shared: Shared) -> Result<Self::Source, Error>;
}

impl<C> TokensBuilder<C> {
    fn new(credential: C) -> Self {
        let shared = Shared {
            retry: RetryPolicy::default(),
            cache: CachePolicy::default(),
            transport: None,
            clock: Arc::new(SystemClock),
            quota_project_id: None,
            store: None,
        };
        Self { credential, shared }
    }

    /// How often a failed request is sent again: three attempts by default.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.shared.retry = policy;
        self
    }

    /// When tokens are refreshed.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.shared.cache = policy;
        self
    }

    /// Sends requests through `transport`; by default a [`UreqTransport`] of its own.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.shared.transport = Some(Arc::new(transport));
        self
    }

    /// Takes the time from `clock`; by default the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.shared.clock = Arc::new(clock);
        self
    }

    /// Counts API requests against the quota of this project (AIP-4110): [`Authorized`](crate::Authorized)
    /// sends it as `x-goog-user-project`. By default they count against the account's own project.
    pub fn quota_project_id(mut self, project: impl Into<String>) -> Self {
        self.shared.quota_project_id = Some(project.into());
        self
    }

    /// Keeps tokens in `store`, such as a [`FileStore`](crate::FileStore): the next run of a nightly job, and
    /// other processes, use a token until it expires instead of requesting one each. The cache is in front of
    /// the store: a call that finds a fresh token in memory does not look there.
    ///
    /// A token is found again only by the same account, key, scopes, subject, audiences and endpoint.
    /// Whatever is wrong with the store, no call fails for it: see [`StoreStatus`](crate::StoreStatus). A key
    /// that [signs tokens itself](crate::self_signed) needs a store only if its [`Signer`](crate::Signer) is
    /// slow or costs money.
    pub fn store(mut self, store: impl TokenStore + 'static) -> Self {
        self.shared.store = Some(Arc::new(store));
        self
    }
}

impl<C: Credential> TokensBuilder<C> {
    /// The finished source: cached, for any number of threads. Nothing is sent until the first token is
    /// needed.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when an option is not valid: a scope, a URL, the
    /// `token_uri` of the key file.
    pub fn build(mut self) -> Result<Tokens, Error> {
        let (cache, clock) = (self.shared.cache, Arc::clone(&self.shared.clock));
        let store = self.shared.store.take();
        let source: Arc<dyn TokenSource> = Arc::new(self.build_uncached()?);
        let stored = Stored::of(source, store, Arc::clone(&clock), cache.margin());
        Ok(Cached::with_policy(stored, cache, clock))
    }

    /// The bare source: every call of `token` sends a request. For programs that cache elsewhere.
    ///
    /// # Errors
    /// As [`build`](Self::build), and [`ErrorKind::Config`](crate::ErrorKind::Config) with a
    /// [`store`](Self::store), which nothing would use: [`Stored`](crate::Stored) around this source is one.
    pub fn build_uncached(self) -> Result<C::Source, Error> {
        if self.shared.store.is_some() {
            return Err(Error::new(ErrorKind::Config, "a source without a cache has no token store")
                .with_hint("finish with build(), or leave out store()"));
        }
        check_quota_project(self.shared.quota_project_id.as_deref())?;
        self.credential.into_source(self.shared)
    }
}

/// What cannot be a header is refused here, not with the first request.
fn check_quota_project(project: Option<&str>) -> Result<(), Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.:".contains(&b);
    match project {
        Some(project) if project.is_empty() || !project.bytes().all(plain) => {
            Err(Error::new(ErrorKind::Config, "the quota project is not a project id")
                .with_hint("it looks like my-project-123, or is the project's number"))
        }
        _ => Ok(()),
    }
}

impl Shared {
    fn remote(self) -> Remote {
        let transport = self.transport.unwrap_or_else(|| Arc::new(UreqTransport::new()));
        Remote { transport, clock: self.clock, retry: self.retry }
    }
}

impl<C: fmt::Debug> fmt::Debug for TokensBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokensBuilder").field("credential", &self.credential).finish_non_exhaustive()
    }
}
