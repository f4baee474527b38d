//! Access tokens of a service account, from its key.

use super::exchange::{Exchange, Exchanges};
use super::{Credential, Shared, TokensBuilder};
use crate::credential::{ServiceAccount, ServiceAccountRequest, Wanted};
use crate::error::{Error, ErrorKind};
use crate::key::KeySource;
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
    key: impl Into<KeySource>,
    scopes: impl IntoIterator<Item = S>,
) -> TokensBuilder<ServiceAccountOptions> {
    TokensBuilder::new(ServiceAccountOptions {
        keys: key.into(),
        scopes: scopes.into_iter().map(Into::into).collect(),
        subject: None,
        exchange: Exchange::default(),
    })
}

/// The options of a service account: its key, the scopes, and what [`TokensBuilder`] adds for it.
#[derive(Clone, Debug)]
pub struct ServiceAccountOptions {
    keys: KeySource,
    scopes: Vec<String>,
    subject: Option<String>,
    exchange: Exchange,
}

impl TokensBuilder<ServiceAccountOptions> {
    /// Acts for this user, an e-mail address (domain-wide delegation). The account's client id must be
    /// authorized for the scopes in the domain's Admin console.
    ///
    /// The subject is part of the source: for another user, build another source.
    pub fn subject(mut self, email: impl Into<String>) -> Self {
        self.credential.subject = Some(email.into());
        self
    }
}

impl Exchanges for ServiceAccountOptions {
    fn exchange(&mut self) -> &mut Exchange {
        &mut self.exchange
    }
}

impl Credential for ServiceAccountOptions {
    type Source = ServiceAccount;

    fn into_source(self, shared: Shared) -> Result<ServiceAccount, Error> {
        self.subject.as_deref().map_or(Ok(()), check_subject)?;
        let request = ServiceAccountRequest {
            url: self.exchange.url(self.keys.key().token_uri())?,
            wanted: Wanted::Scope(scope::checked(self.scopes)?.join(" ")),
            keys: self.keys,
            subject: self.subject,
            audience: self.exchange.audience,
            quota_project_id: shared.quota_project_id.clone(),
        };
        Ok(ServiceAccount::new(request, shared.remote()))
    }
}

/// Google knows users by e-mail address; what is not the address of one user is refused there with
/// `invalid_grant`.
fn check_subject(subject: &str) -> Result<(), Error> {
    let is_one = !subject.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
    let parts = subject.split_once('@').filter(|(name, domain)| !name.is_empty() && !domain.is_empty());
    if is_one && parts.is_some() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "the subject is not the e-mail address of one user")
        .with_hint("give one address, such as jane@example.com, and build a source for each user; leave the subject out to act as the account itself"))
}
