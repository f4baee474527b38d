//! The options of all kinds that exchange an assertion for a token: where, and for which audience.

use super::TokensBuilder;
use crate::endpoint::token;
use crate::error::{Error, ErrorKind};
use crate::http::Url;

/// Where assertions go, and whom they are for.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub(super) token_endpoint: Option<String>,
    pub(super) audience: Option<String>,
}

/// A kind of credential that exchanges assertions. Sealed by living in a private module.
pub trait Exchanges {
    /// The options of the exchange.
    fn exchange(&mut self) -> &mut Exchange;
}

impl<C: Exchanges> TokensBuilder<C> {
    /// Sends assertions to `url` instead of the endpoint that the key file names: a proxy, a private
    /// endpoint, a fake. It must be https, or http with a loopback IP address. This is the only way to an
    /// endpoint that is not Google's.
    pub fn token_endpoint(mut self, url: impl Into<String>) -> Self {
        self.credential.exchange().token_endpoint = Some(url.into());
        self
    }

    /// Sets the audience of assertions; by default the URL of the endpoint. It is needed when the endpoint
    /// only forwards to Google, which insists on `https://oauth2.googleapis.com/token`.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.credential.exchange().audience = Some(audience.into());
        self
    }
}

impl Exchange {
    /// The endpoint that the caller names, else the key file's if it is Google's own, else Google's.
    pub(super) fn url(&self, token_uri: Option<&str>) -> Result<Url, Error> {
        if self.audience.as_deref() == Some("") {
            return Err(Error::new(ErrorKind::Config, "the audience of assertions is empty")
                .with_hint(format!("leave it out, or name Google's: {}", token::GOOGLE)));
        }
        match (self.token_endpoint.as_deref(), token_uri) {
            (Some(url), _) => Url::endpoint("token endpoint", url),
            (None, None) => Url::endpoint("token endpoint", token::GOOGLE),
            (None, Some(uri)) if token::KNOWN.contains(&uri) => Url::endpoint("token endpoint", uri),
            (None, Some(_)) => Err(Error::new(
                ErrorKind::Config,
                "the `token_uri` of the key file is not one of Google's token endpoints, so nothing is sent \
                 there",
            )
            .with_hint(format!(
                "it should be {}; to use another endpoint on purpose, name it with token_endpoint()",
                token::GOOGLE
            ))),
        }
    }
}
