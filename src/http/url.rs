//! A URL, parsed and checked once: it knows its host and that a secret may be sent there.
//!
//! In: text, or the URI of a request. Out: a [`Url`] with scheme https, or http with a loopback IP address.
//! RFC 3986.

use crate::error::{Error, ErrorKind};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use ureq::http::Uri;

/// A URL that requests with secrets may go to: https, or plain http to a loopback IP address (`127.0.0.1`,
/// `[::1]`), without user name and password. Cloning copies pointers.
///
/// ```
/// use shortway::http::Url;
///
/// let url: Url = "https://oauth2.googleapis.com/token".parse()?;
/// assert_eq!(url.host(), "oauth2.googleapis.com");
/// assert!("http://oauth2.googleapis.com/token".parse::<Url>().is_err());
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: Arc<str>,
    uri: Uri,
    is_plain: bool,
}

/// Why a URL is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("is not a URL")]
    NotAUrl,
    #[error("is not absolute")]
    Relative,
    #[error("has a user name or password in it")]
    UserInfo,
    #[error("has an invalid port")]
    Port,
    #[error("has a query or fragment in it")]
    Query,
    #[error("is plain http to a host name, which may be another machine: write 127.0.0.1 for localhost")]
    Localhost,
    #[error("is plain http to another machine")]
    Plain,
    #[error("is neither https nor http")]
    Scheme,
}

impl Fault {
    /// As an error about the URL of `what`. The URL is not shown: it may hold a password.
    fn about(self, what: &str) -> Error {
        Error::new(ErrorKind::Config, format!("the {what} URL {self}"))
            .with_hint("give an https URL, or http with a loopback IP address such as http://127.0.0.1:8080")
    }
}

impl Url {
    /// The URL of an endpoint that a caller names: no query, no fragment. `what` is for the error.
    pub(crate) fn endpoint(what: &str, text: &str) -> Result<Self, Error> {
        if text.contains(['?', '#']) {
            return Err(Fault::Query.about(what));
        }
        Self::parse(text).map_err(|fault| fault.about(what))
    }

    /// The URL of a request.
    pub(crate) fn of_request(uri: &Uri) -> Result<Self, Error> {
        Self::check(uri.clone(), None).map_err(|fault| fault.about("request's"))
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        Self::check(text.parse().map_err(|_| Fault::NotAUrl)?, Some(text))
    }

    fn check(uri: Uri, text: Option<&str>) -> Result<Self, Fault> {
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(Fault::Relative);
        };
        if authority.as_str().contains('@') {
            return Err(Fault::UserInfo);
        }
        // `Uri` keeps ports that are not numbers, and ureq then silently takes the default port.
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok_and(|p| p > 0))
        {
            return Err(Fault::Port);
        }
        let is_plain = match scheme {
            "https" => false,
            "http" if is_loopback_ip(authority.host()) => true,
            "http" if authority.host() == "localhost" => return Err(Fault::Localhost),
            "http" => return Err(Fault::Plain),
            _ => return Err(Fault::Scheme),
        };
        let text = text.map_or_else(|| uri.to_string().into(), Into::into);
        Ok(Self { text, uri, is_plain })
    }

    /// The URL with `rest` (path and query) after its own path.
    #[cfg(feature = "analytics")]
    pub(crate) fn join(&self, rest: &str) -> Result<Self, Error> {
        let text = format!("{}{rest}", self.text.trim_end_matches('/'));
        Self::parse(&text).map_err(|fault| fault.about("request's"))
    }

    /// The host: a name, or an IP address (IPv6 in brackets).
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    /// The port, also where it is the scheme's own: 443 for https, 80 for http.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_plain { 80 } else { 443 })
    }

    /// The host, and the port where it is not the scheme's own: how errors name the server.
    pub(crate) fn place(&self) -> String {
        match self.uri.port_u16() {
            Some(port) if port != if self.is_plain { 80 } else { 443 } => format!("{}:{port}", self.host()),
            _ => self.host().to_owned(),
        }
    }

    /// The URL as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL as the `http` crate has it, for a request.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Whether the scheme is plain http; the host is then a loopback IP address.
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }
}

fn is_loopback_ip(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl FromStr for Url {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Config`] when the text is not such a URL. The text is not in the error.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).map_err(|fault| fault.about("given"))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_that_a_caller_may_name() {
        for url in [
            "https://oauth2.googleapis.com/token",
            "https://proxy.example:8443/token",
            "http://127.0.0.1:8080/token",
            "http://[::1]:8080",
        ] {
            assert_eq!(Url::endpoint("token endpoint", url).expect(url).as_str(), url);
        }
    }

    #[test]
    fn place_has_the_port_that_is_not_the_schemes_own() {
        for (url, place) in [
            ("https://h.example/token", "h.example"),
            ("https://h.example:443", "h.example"),
            ("https://h.example:8443", "h.example:8443"),
            ("https://h.example:80", "h.example:80"),
            ("http://[::1]:80/", "[::1]"),
            ("http://[::1]:443/", "[::1]:443"),
        ] {
            assert_eq!(url.parse::<Url>().expect(url).place(), place);
        }
    }

    #[test]
    fn endpoints_that_nobody_may_name() {
        for (url, fault) in [
            ("", Fault::NotAUrl),
            ("token", Fault::Relative),
            ("//oauth2.googleapis.com/token", Fault::Relative),
            ("http://oauth2.googleapis.com/token", Fault::Plain),
            ("http://localhost:8080/token", Fault::Localhost),
            ("http://127.0.0.1.evil.example/token", Fault::Plain),
            ("http://2130706433/token", Fault::Plain),
            ("https://user@oauth2.googleapis.com/token", Fault::UserInfo),
            ("https://user:pass@oauth2.googleapis.com/token", Fault::UserInfo),
            ("https://oauth2.googleapis.com:99999/token", Fault::Port),
            ("https://oauth2.googleapis.com:0/token", Fault::Port),
            ("https://oauth2.googleapis.com:/token", Fault::Port),
            ("https://oauth2.googleapis.com/token?x=1", Fault::Query),
            ("https://oauth2.googleapis.com/token#x", Fault::Query),
            ("file:///etc/passwd", Fault::NotAUrl),
            ("ftp://oauth2.googleapis.com/token", Fault::Scheme),
            ("https://oauth2.googleapis.com/to ken", Fault::NotAUrl),
            ("https://oauth2.googleapis.com/token\r\nX: y", Fault::NotAUrl),
        ] {
            let error = Url::endpoint("token endpoint", url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
            assert_eq!(error.message(), format!("the token endpoint URL {fault}"), "{url}");
        }
    }
}
