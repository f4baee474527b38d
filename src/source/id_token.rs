//! ID tokens of a service account, from its key.

use super::exchange::{Exchange, Exchanges};
use super::{Credential, Shared, TokensBuilder};
use crate::credential::{ServiceAccount, ServiceAccountRequest, Wanted};
use crate::error::{Error, ErrorKind};
use crate::key::KeySource;

/// Starts a source of ID tokens for a service account; `build` finishes it.
///
/// An ID token says to a service who calls: Cloud Run, Cloud Functions, Identity-Aware Proxy, or a service of
/// your own. `target_audience` is the service, as the service itself checks it: for Cloud Run its URL, for
/// Identity-Aware Proxy its OAuth client id. [`Token::expires_at`](crate::Token::expires_at) is the token's
/// own `exp`; Google grants an hour.
///
/// An ID token has no scopes and acts for the account itself, so there is no way to set scopes or a subject
/// here. Google's APIs do not accept it: for those, see [`service_account`](crate::service_account).
/// AIP-4116.
///
/// ```no_run
/// use shortway::{ServiceAccountKey, TokenSource};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::id_token(key, "https://report-a1b2c3-ew.a.run.app").build()?;
/// let header = tokens.token()?.authorization_secret().to_owned(); // "Bearer eyJ…"
/// # Ok::<(), shortway::Error>(())
/// ```
///
/// ```compile_fail
/// # let key = shortway::ServiceAccountKey::from_file("key.json").unwrap();
/// let tokens = shortway::id_token(key, "https://service.example").subject("jane@example.com");
/// ```
pub fn id_token(
    key: impl Into<KeySource>,
    target_audience: impl Into<String>,
) -> TokensBuilder<IdTokenOptions> {
    let (target_audience, exchange) = (target_audience.into(), Exchange::default());
    TokensBuilder::new(IdTokenOptions { keys: key.into(), target_audience, exchange })
}

/// The options of ID tokens: the account's key, whom they are for, and what [`TokensBuilder`] adds.
#[derive(Clone, Debug)]
pub struct IdTokenOptions {
    keys: KeySource,
    target_audience: String,
    exchange: Exchange,
}

impl Exchanges for IdTokenOptions {
    fn exchange(&mut self) -> &mut Exchange {
        &mut self.exchange
    }
}

impl Credential for IdTokenOptions {
    type Source = ServiceAccount;

    fn into_source(self, shared: Shared) -> Result<ServiceAccount, Error> {
        check(&self.target_audience)?;
        let request = ServiceAccountRequest {
            url: self.exchange.url(self.keys.key().token_uri())?,
            wanted: Wanted::TargetAudience(self.target_audience),
            keys: self.keys,
            subject: None,
            audience: self.exchange.audience,
            quota_project_id: shared.quota_project_id.clone(),
        };
        Ok(ServiceAccount::new(request, shared.remote()))
    }
}

/// Google refuses an audience that is empty; one with blanks in it is two audiences, or a mistake.
fn check(target_audience: &str) -> Result<(), Error> {
    let fault = if target_audience.is_empty() {
        "is empty"
    } else if target_audience.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "has a blank or a control character in it"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Config, format!("the target audience of the ID token {fault}"))
        .with_hint("give the URL or the client id that the service checks, one audience for each source"))
}
