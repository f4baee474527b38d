//! Tokens of a service account, from its key.

use super::{Credential, Shared, TokensBuilder};
use crate::credential::{ServiceAccount, ServiceAccountRequest};
use crate::endpoint::token;
use crate::error::{Error, ErrorKind};
use crate::http::Url;
use crate::key::ServiceAccountKey;
use crate::scope;

/// Starts a source of access tokens for a service account; `build` finishes it.
///
/// `scopes` are URLs such as those in [`scope`](crate::scope). Nothing is sent until the first token is
/// needed.
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
) -> TokensBuilder<ServiceAccountOptions> {
    TokensBuilder::new(ServiceAccountOptions {
        key,
        scopes: scopes.into_iter().map(Into::into).collect(),
        subject: None,
        token_endpoint: None,
        audience: None,
    })
}

/// The options of a service account: its key, the scopes, and what [`TokensBuilder`] adds for it.
#[derive(Clone, Debug)]
pub struct ServiceAccountOptions {
    key: ServiceAccountKey,
    scopes: Vec<String>,
    subject: Option<String>,
    token_endpoint: Option<String>,
    audience: Option<String>,
}

impl TokensBuilder<ServiceAccountOptions> {
    /// Acts for this user, an e-mail address (domain-wide delegation). The account's client id must be
    /// authorized for the scopes in the domain's Admin console.
    pub fn subject(mut self, email: impl Into<String>) -> Self {
        self.credential.subject = Some(email.into());
        self
    }

    /// Sends assertions to `url` instead of the endpoint that the key file names: a proxy, a private
    /// endpoint, a fake. It must be https, or http with a loopback IP address. This is the only way to an
    /// endpoint that is not Google's.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.credential.token_endpoint = Some(url.into());
        self
    }

    /// Sets the audience of assertions; by default the URL of the endpoint. It is needed when the endpoint
    /// only forwards to Google, which insists on `https://oauth2.googleapis.com/token`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.credential.audience = Some(audience.into());
        self
    }
}

impl Credential for ServiceAccountOptions {
    type Source = ServiceAccount;

    fn into_source(self, shared: Shared) -> Result<ServiceAccount, Error> {
        let request = ServiceAccountRequest {
            url: url(self.token_endpoint.as_deref(), self.key.token_uri())?,
            scopes: scope::checked(self.scopes)?,
            key: self.key,
            subject: self.subject,
            audience: self.audience,
            quota_project_id: shared.quota_project_id.clone(),
        };
        Ok(ServiceAccount::new(request, shared.remote()))
    }
}

/// The endpoint that the caller names, else the key file's if it is Google's own, else Google's.
fn url(named: Option<&str>, token_uri: Option<&str>) -> Result<Url, Error> {
    match (named, token_uri) {
        (Some(url), _) => Url::endpoint("token endpoint", url),
        (None, None) => Url::endpoint("token endpoint", token::GOOGLE),
        (None, Some(uri)) if token::KNOWN.contains(&uri) => Url::endpoint("token endpoint", uri),
        (None, Some(_)) => Err(Error::new(
            ErrorKind::Config,
            "the `token_uri` of the key file is not one of Google's token endpoints, so nothing is sent there",
        )
        .with_hint(format!(
            "it should be {}; to use another endpoint on purpose, name it with token_endpoint()",
            token::GOOGLE
        ))),
    }
}
