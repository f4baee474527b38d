//! The short way to tokens: key, credential and cache put together in the one right order.
//!
//! In: a key, scopes, and whatever of the rest the caller wants to choose. Out: a source that caches, has time
//! limits and retries what deserves it.

use crate::cached::{CachePolicy, Cached};
use crate::clock::{Clock, SystemClock};
use crate::endpoint::token;
use crate::error::{Error, ErrorKind};
use crate::http::{Transport, UreqTransport, check_endpoint};
use crate::key::ServiceAccountKey;
use crate::retry::RetryPolicy;
use crate::scope;
use crate::service_account::{Grant, Limits, ServiceAccount};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Starts a source of access tokens for a service account; `build` finishes it.
///
/// `scopes` are URLs such as those in [`scope`](crate::scope). Nothing is sent until the first token is asked for.
///
/// ```no_run
/// use shortway::{ServiceAccountKey, TokenSource, scope};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]).build()?;
/// let header = tokens.token()?.authorization_secret().to_owned(); // "Bearer ya29.…"
/// # Ok::<(), shortway::Error>(())
/// ```
pub fn service_account<S: Into<String>>(
    key: ServiceAccountKey,
    scopes: impl IntoIterator<Item = S>,
) -> ServiceAccountBuilder {
    ServiceAccountBuilder {
        key,
        scopes: scopes.into_iter().map(Into::into).collect(),
        subject: None,
        token_endpoint: None,
        audience: None,
        retry: RetryPolicy::default(),
        cache: CachePolicy::default(),
        transport: None,
        clock: Arc::new(SystemClock),
    }
}

/// How long one request to the token endpoint may take: 10 s. Google answers in a tenth of a second.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How long a call may take with all its attempts, unless the caller says less: 30 s.
const CALL: Duration = Duration::from_secs(30);

/// Choices on the way to a source: see [`service_account`].
#[must_use = "nothing is made before `build`"]
pub struct ServiceAccountBuilder {
    key: ServiceAccountKey,
    scopes: Vec<String>,
    subject: Option<String>,
    token_endpoint: Option<String>,
    audience: Option<String>,
    retry: RetryPolicy,
    cache: CachePolicy,
    transport: Option<Arc<dyn Transport>>,
    clock: Arc<dyn Clock>,
}

impl ServiceAccountBuilder {
    /// Acts for this user, an e-mail address (domain-wide delegation). The account's client id must be
    /// authorized for the scopes in the domain's Admin console.
    pub fn subject(mut self, email: impl Into<String>) -> Self {
        self.subject = Some(email.into());
        self
    }

    /// Trades assertions at `url` instead of the endpoint that the key file names: a proxy, a private endpoint, a
    /// fake. It must be https, or http with a loopback IP address. This is the only way to an endpoint that is
    /// not Google's.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.token_endpoint = Some(url.into());
        self
    }

    /// Addresses assertions to `audience` instead of the endpoint's URL. Needed when the endpoint is only a way to
    /// Google, which insists on `https://oauth2.googleapis.com/token`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// How often a failed request is sent again: three attempts by default.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// When tokens are renewed.
    pub fn cache(mut self, policy: CachePolicy) -> Self {
        self.cache = policy;
        self
    }

    /// Sends requests through `transport`; by default a [`UreqTransport`] of its own.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Takes the time from `clock`; by default the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The finished source: cached, shareable between threads.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a scope is none, when the token endpoint given here is not https, or when the one in
    /// the key file is not Google's.
    pub fn build(self) -> Result<Cached<ServiceAccount>, Error> {
        let (cache, clock) = (self.cache, Arc::clone(&self.clock));
        Ok(Cached::with_policy(self.build_uncached()?, cache, clock))
    }

    /// The bare exchange: every call of `token` asks the token endpoint. For those who cache elsewhere.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_uncached(self) -> Result<ServiceAccount, Error> {
        let url = match (self.token_endpoint, self.key.token_uri()) {
            (Some(url), _) => {
                check_endpoint("token endpoint", &url)?;
                url
            }
            (None, None) => token::GOOGLE.to_owned(),
            (None, Some(uri)) if token::KNOWN.contains(&uri) => uri.to_owned(),
            (None, Some(_)) => {
                return Err(Error::new(
                    ErrorKind::Config,
                    "the `token_uri` of the key file is none of Google's token endpoints, so nothing is sent there",
                )
                .with_hint(format!(
                    "it should be {}; to use another endpoint on purpose, name it with token_endpoint()",
                    token::GOOGLE
                )));
            }
        };
        let grant = Grant {
            scopes: scope::checked(self.scopes)?,
            key: self.key,
            subject: self.subject,
            url,
            audience: self.audience,
        };
        let limits = Limits { attempt: ATTEMPT, call: CALL, retry: self.retry };
        let transport = self.transport.unwrap_or_else(|| Arc::new(UreqTransport::new()));
        Ok(ServiceAccount::new(grant, limits, transport, self.clock))
    }
}

impl fmt::Debug for ServiceAccountBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccountBuilder")
            .field("key", &self.key)
            .field("scopes", &self.scopes)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
