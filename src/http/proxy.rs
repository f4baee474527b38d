//! The proxy that the environment names.
//!
//! ureq has a reading of its own, which passes over what it cannot use and connects directly; here that is an error.
//! `HTTP_PROXY` is not read: plain http goes only to this machine, and in a CGI program that variable is a header of the
//! request (CVE-2016-5385).

use crate::error::{Error, ErrorKind};
use std::env;
use ureq::{Proxy, ProxyProtocol};

/// What the environment said when the transport was made.
pub(super) struct Proxies {
    https: Result<Option<Proxy>, Error>,
}

impl Proxies {
    pub(super) fn from_env() -> Self {
        Self { https: read(&|name| env::var_os(name).map(|v| v.to_string_lossy().into_owned())) }
    }

    /// The proxy for https, if any; ureq passes by it for the hosts of `NO_PROXY`.
    pub(super) fn for_https(&self) -> Result<Option<Proxy>, Error> {
        self.https.clone()
    }
}

fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Error> {
    let first = |names: [&'static str; 4]| {
        names
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()).map(|value| (name, value)))
    };
    let Some((name, value)) = first(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]) else {
        return Ok(None);
    };
    // The value may hold a password: it is not shown.
    let unusable = |why: &str| {
        Err(Error::new(ErrorKind::Config, format!("the proxy that {name} names cannot be used: {why}"))
            .with_hint("set it to http://host:port, or unset it to connect directly"))
    };
    let Ok(proxy) = Proxy::new(&value) else { return unusable("it is no URL of a proxy") };
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return unusable(
            "it is a SOCKS proxy, which only an agent of your own can talk to (UreqTransport::with_agent)",
        );
    }
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(username) = proxy.username() {
        builder = builder.username(username);
    }
    if let Some(password) = proxy.password() {
        builder = builder.password(password);
    }
    for entry in variable("NO_PROXY").or_else(|| variable("no_proxy")).iter().flat_map(|list| list.split(','))
    {
        builder = builder.no_proxy(entry.trim());
    }
    builder.build().map(Some).or_else(|_| unusable("it is no URL of a proxy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Option<Proxy>, Error> {
        read(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn proxy_is_the_first_that_is_set() {
        assert!(with(&[]).expect("none").is_none());
        assert!(with(&[("HTTPS_PROXY", ""), ("HTTP_PROXY", "http://a:1")]).expect("none").is_none());
        let host =
            |variables: &[(&str, &str)]| with(variables).expect("usable").expect("set").host().to_owned();
        assert_eq!(host(&[("ALL_PROXY", "http://all:1"), ("https_proxy", "http://lower:1")]), "lower");
        assert_eq!(host(&[("all_proxy", "http://all:1"), ("HTTPS_PROXY", "https://upper:1")]), "upper");
    }

    #[test]
    fn hosts_of_no_proxy_are_reached_directly() {
        let proxy = with(&[("HTTPS_PROXY", "http://u:p@proxy:8080"), ("NO_PROXY", "example.com, .internal")]);
        let proxy = proxy.expect("usable").expect("set");
        let direct = |uri: &str| proxy.is_no_proxy(&uri.parse().expect("a URI"));
        assert!(direct("https://example.com/") && direct("https://a.internal/"));
        assert!(!direct("https://oauth2.googleapis.com/"));
        assert_eq!((proxy.port(), proxy.username(), proxy.password()), (8080, Some("u"), Some("p")));
    }

    #[test]
    fn unusable_proxy_is_an_error_without_its_password() {
        for value in ["::not a url::", "http://", "ftp://user:s3cret@proxy:21", "http://user:s3cret@pro xy"] {
            let error = with(&[("HTTPS_PROXY", value)]).expect_err(value);
            assert_eq!(error.kind(), ErrorKind::Config, "{value}");
            assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
        }
        let error = with(&[("ALL_PROXY", "socks5://proxy:1080")]).expect_err("SOCKS");
        assert_eq!(
            error.to_string(),
            "the proxy that ALL_PROXY names cannot be used: it is a SOCKS proxy, which only an agent of your own can talk to \
             (UreqTransport::with_agent); set it to http://host:port, or unset it to connect directly"
        );
    }
}
