//! Tokens that a service account's key signs itself.

use super::{Credential, Shared, TokensBuilder};
use crate::credential::{Allowed, SelfSigned};
use crate::error::{Error, ErrorKind};
use crate::key::KeySource;
use crate::scope;

/// Starts a source of tokens that the key signs itself (AIP-4111): no request is sent for them, and there is
/// no token endpoint that can fail. `build` finishes it.
///
/// It is good for Google's own APIs, such as the Analytics Data API, whose clients from Google use it: a job
/// that gets one report saves one of its two requests. `scopes` are those that
/// [`service_account`](crate::service_account) takes. For an API that does not take scopes here, see
/// [`self_signed_for`]. A token is valid for an hour, is cached, and is signed anew before it expires.
///
/// What it cannot do:
///
/// - act for a user (domain-wide delegation): there is no `subject` here, for Google does not support it;
/// - services outside of Google, which check ID tokens: see [`id_token`](crate::id_token);
/// - APIs that have no published definition in <https://github.com/googleapis/googleapis>: those refuse the
///   token with status 401;
/// - correct a clock that is wrong: no server says so before the API refuses the token with status 401;
/// - notice that the key was deleted: the API refuses the token.
///
/// ```no_run
/// use shortway::{ServiceAccountKey, TokenSource, scope};
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::self_signed(key, [scope::ANALYTICS_READONLY]).build()?;
/// let header = tokens.token()?.authorization_secret().to_owned(); // "Bearer eyJ…"
/// # Ok::<(), shortway::Error>(())
/// ```
///
/// ```compile_fail
/// # let key = shortway::ServiceAccountKey::from_file("key.json").unwrap();
/// let tokens = shortway::self_signed(key, [shortway::scope::ANALYTICS]).subject("jane@example.com");
/// ```
pub fn self_signed<S: Into<String>>(
    key: impl Into<KeySource>,
    scopes: impl IntoIterator<Item = S>,
) -> TokensBuilder<SelfSignedOptions> {
    let scopes = scopes.into_iter().map(Into::into).collect();
    TokensBuilder::new(SelfSignedOptions { keys: key.into(), access: Access::Scopes(scopes) })
}

/// Starts a source of tokens that the key signs itself, for the one API that `audience` names:
/// `https://SERVICE/`, with the slash at the end, such as `https://analyticsdata.googleapis.com/`.
///
/// Otherwise as [`self_signed`]; scopes and an audience together are not possible, for Google refuses them.
///
/// ```no_run
/// use shortway::ServiceAccountKey;
///
/// let key = ServiceAccountKey::from_file("key.json")?;
/// let tokens = shortway::self_signed_for(key, "https://analyticsdata.googleapis.com/").build()?;
/// # Ok::<(), shortway::Error>(())
/// ```
pub fn self_signed_for(
    key: impl Into<KeySource>,
    audience: impl Into<String>,
) -> TokensBuilder<SelfSignedOptions> {
    TokensBuilder::new(SelfSignedOptions { keys: key.into(), access: Access::Audience(audience.into()) })
}

/// The options of self-signed tokens: the key, and what they give access to. Of the setters of
/// [`TokensBuilder`], [`transport`](TokensBuilder::transport) has no effect, and
/// [`retry`](TokensBuilder::retry) only for a [`Signer`](crate::Signer) that uses the network.
#[derive(Clone, Debug)]
pub struct SelfSignedOptions {
    keys: KeySource,
    access: Access,
}

#[derive(Clone, Debug)]
enum Access {
    Scopes(Vec<String>),
    Audience(String),
}

impl Credential for SelfSignedOptions {
    type Source = SelfSigned;

    fn into_source(self, shared: Shared) -> Result<SelfSigned, Error> {
        let access = match self.access {
            Access::Scopes(scopes) => Allowed::Scope(scope::checked(scopes)?.join(" ")),
            Access::Audience(audience) => Allowed::Audience(checked(audience)?),
        };
        Ok(SelfSigned::new(self.keys, access, shared.quota_project_id, shared.clock, shared.retry))
    }
}

/// AIP-4111: the URL of the service, with a slash after the host. Some services have a path behind it.
fn checked(audience: String) -> Result<String, Error> {
    let host_and_path = audience.strip_prefix("https://").unwrap_or_default();
    let fault = if audience.contains(|c: char| c.is_whitespace() || c.is_control()) {
        "has a blank or a control character in it"
    } else if host_and_path.is_empty() || host_and_path.starts_with('/') {
        "is not the URL of an API"
    } else if !host_and_path.contains('/') {
        "has no slash after the host"
    } else {
        return Ok(audience);
    };
    Err(Error::new(ErrorKind::Config, format!("the audience of the self-signed token {fault}"))
        .with_hint("it looks like https://analyticsdata.googleapis.com/"))
}
