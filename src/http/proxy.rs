//! The proxy that the environment names, and the hosts that are reached without it.
//!
//! ureq has a reading of its own, which passes over what it cannot use and connects directly; here that is an
//! error. `HTTP_PROXY` is not read: plain http goes only to this machine, and in a CGI program that variable
//! is a header of the request (CVE-2016-5385).

use super::Url;
use super::no_proxy::NoProxy;
use crate::error::{Error, ErrorKind};
use std::env;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use ureq::Proxy;

/// What the environment said when the transport was made.
pub(super) struct Proxies {
    https: Result<Option<Route>, Error>,
    no_proxy: NoProxy,
}

/// The way through a proxy.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) proxy: Proxy,
    /// The variable that names the proxy; `None` for the proxy of a caller's agent.
    pub(super) variable: Option<&'static str>,
}

/// Why a proxy cannot be used. The value may hold a password: nothing of it is in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it is not the URL of a proxy")]
    NotAUrl,
    #[error("its scheme is neither http nor https")]
    Scheme,
    #[error("it is a SOCKS proxy")]
    Socks,
    #[error("it has no host")]
    NoHost,
    #[error("its port is not a number from 1 to 65535")]
    Port,
    #[error("there is a path, a query or a fragment after its host")]
    Rest,
    #[error("its user name or password holds a character that must be percent-encoded")]
    Login,
}

impl Fault {
    fn hint(self, variable: &str) -> String {
        let way_out = format!("set {variable} to http://host:port, or unset it to connect directly");
        match self {
            Self::Login => {
                "in the user name and the password write %23 for #, %2F for /, %3F for ?, %40 for @, \
                            %25 for %"
                    .to_owned()
            }
            Self::Socks => format!(
                "if there is an HTTP proxy, {way_out}; a program can give UreqTransport::with_agent an agent \
                 that knows SOCKS"
            ),
            _ => way_out,
        }
    }

    fn of(self, variable: &str) -> Error {
        let message = format!("the proxy that {variable} names cannot be used: {self}");
        Error::new(ErrorKind::Config, message).with_hint(self.hint(variable))
    }
}

impl Proxies {
    pub(super) fn from_env() -> Self {
        let (proxies, list, skipped) =
            Self::read(&|name| Some(env::var_os(name)?.to_string_lossy().into_owned()));
        // Once for a program: each of its transports reads the same variable.
        static TOLD: AtomicBool = AtomicBool::new(false);
        if let Some(first) = skipped.first()
            && !TOLD.swap(true, Relaxed)
        {
            let (count, all) = (skipped.len(), skipped.len() + proxies.no_proxy.len());
            log::warn!(
                "{list} holds entries that are not understood and are skipped: {count} of {all}, the \
                 first is number {first}"
            );
        }
        proxies
    }

    /// The proxies, the variable that was read as `NO_PROXY`, and the places in it, counted from 1, whose
    /// entries are not understood.
    fn read(variable: &dyn Fn(&str) -> Option<String>) -> (Self, &'static str, Vec<usize>) {
        let first = |names: &[&'static str]| {
            let set = |name| {
                let value = variable(name)?.trim().to_owned();
                (!value.is_empty()).then_some((name, value))
            };
            names.iter().copied().find_map(set)
        };
        let proxy = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
        let https = match proxy {
            None => Ok(None),
            Some((name, value)) => match parse(&value) {
                Ok(proxy) => Ok(Some(Route { proxy, variable: Some(name) })),
                Err(fault) => Err(fault.of(name)),
            },
        };
        let (list, entries) = first(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
        let (no_proxy, skipped) = NoProxy::parse(&entries);
        (Self { https, no_proxy }, list, skipped)
    }

    /// The proxy for `url`, if any.
    pub(super) fn for_url(&self, url: &Url) -> Result<Option<Route>, Error> {
        if url.is_plain() || self.no_proxy.covers(url.host(), url.port()) {
            return Ok(None);
        }
        self.https.clone()
    }
}

/// A proxy from `[scheme://][user[:password]@]host[:port][/]`. Without a scheme it is http; without a port it
/// is the scheme's, 80 or 443, as in every other URL (curl takes 1080 for http).
fn parse(value: &str) -> Result<Proxy, Fault> {
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None => ("http".to_owned(), value),
    };
    match scheme.as_str() {
        "http" | "https" => {}
        _ if scheme.starts_with("socks") => return Err(Fault::Socks),
        _ if scheme.bytes().all(|b| b.is_ascii_alphanumeric()) => return Err(Fault::Scheme),
        _ => return Err(Fault::NotAUrl),
    }
    // The last @ ends the login, as in curl; what would end the whole authority before it is not escaped.
    let (login, place) = match rest.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, rest),
    };
    if login.is_some_and(|login| login.contains(['/', '?', '#'])) {
        return Err(Fault::Login);
    }
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(Fault::Rest);
    }
    check_place(place)?;
    let login = login.map(|login| format!("{login}@")).unwrap_or_default();
    let fault = if login.is_empty() { Fault::NotAUrl } else { Fault::Login };
    Proxy::new(&format!("{scheme}://{login}{place}")).map_err(|_| fault)
}

/// Checks `host[:port]`: ureq takes the default port for one that is not a number.
fn check_place(place: &str) -> Result<(), Fault> {
    let host_end = match place.strip_prefix('[') {
        Some(_) => place.find(']').ok_or(Fault::NotAUrl)? + 1,
        None => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at(host_end);
    if host.is_empty() {
        return Err(Fault::NoHost);
    }
    let is_name = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:%".contains(&b));
    match port.strip_prefix(':') {
        _ if !is_name => Err(Fault::NotAUrl),
        None if port.is_empty() => Ok(()),
        Some(port)
            if port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p > 0) =>
        {
            Ok(())
        }
        _ => Err(Fault::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(&|name| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())).0
    }

    fn proxy(variables: &[(&str, &str)], url: &str) -> Result<Option<Proxy>, Error> {
        Ok(with(variables).for_url(&url.parse().expect("a URL"))?.map(|route| route.proxy))
    }

    const GOOGLE: &str = "https://oauth2.googleapis.com/token";

    #[test]
    fn proxy_is_the_first_that_is_set() {
        assert!(proxy(&[], GOOGLE).expect("none").is_none());
        assert!(proxy(&[("HTTPS_PROXY", ""), ("HTTP_PROXY", "http://a:1")], GOOGLE).expect("none").is_none());
        let host =
            |variables: &[_]| proxy(variables, GOOGLE).expect("usable").expect("set").host().to_owned();
        assert_eq!(host(&[("ALL_PROXY", "http://all:1"), ("https_proxy", "http://lower:1")]), "lower");
        assert_eq!(host(&[("all_proxy", "http://all:1"), ("HTTPS_PROXY", "https://upper:1")]), "upper");
        assert_eq!(host(&[("HTTPS_PROXY", " http://blanks:1\r\n")]), "blanks");
    }

    #[test]
    fn hosts_of_no_proxy_need_no_usable_proxy() {
        for value in ["http://proxy:8080", "not a proxy"] {
            let variables =
                [("HTTPS_PROXY", value), ("NO_PROXY", "example.com, internal"), ("no_proxy", "*")];
            for direct in ["https://example.com/", "https://a.internal/", "http://127.0.0.1:1/"] {
                assert!(proxy(&variables, direct).expect("direct").is_none(), "{direct}");
            }
            assert_eq!(proxy(&variables, GOOGLE).is_ok(), value.starts_with("http"), "{value}");
        }
        let empty = [("HTTPS_PROXY", "http://proxy:8080"), ("NO_PROXY", ""), ("no_proxy", "googleapis.com")];
        assert!(proxy(&empty, GOOGLE).expect("an empty variable is not set").is_none());
    }

    #[test]
    fn urls_of_proxies_are_read_as_written() {
        for (value, host, port, user, password) in [
            ("http://proxy:3128", "proxy", 3128, None, None),
            ("http://proxy:3128/", "proxy", 3128, None, None),
            ("proxy.example", "proxy.example", 80, None, None),
            ("https://proxy.example", "proxy.example", 443, None, None),
            ("HTTP://[::1]:3128", "[::1]", 3128, None, None),
            ("http://u:p@proxy:8080", "proxy", 8080, Some("u"), Some("p")),
            ("http://u@proxy:8080", "proxy", 8080, Some("u"), None),
            ("http://dom%5Cu:p%23%2F%3F%40%25+@proxy:8080", "proxy", 8080, Some("dom\\u"), Some("p#/?@%+")),
            ("http://u:p@ss@proxy:8080", "proxy", 8080, Some("u"), Some("p@ss")),
            ("http://u:p%2523@proxy:8080", "proxy", 8080, Some("u"), Some("p%23")),
        ] {
            let proxy = parse(value).expect(value);
            assert_eq!(
                (proxy.host(), proxy.port(), proxy.username(), proxy.password()),
                (host, port, user, password),
                "{value}"
            );
        }
    }

    #[test]
    fn proxy_that_cannot_be_used_is_an_error_that_says_why_and_never_another_host_or_port() {
        for (value, fault) in [
            ("::not a url::", Fault::NoHost),
            ("http://", Fault::NoHost),
            ("http://user:s3cret@", Fault::NoHost),
            ("ftp://user:s3cret@proxy:21", Fault::Scheme),
            ("http://user:s3cret@pro xy", Fault::NotAUrl),
            ("http://[::1", Fault::NotAUrl),
            ("http://proxy:", Fault::Port),
            ("http://proxy:0", Fault::Port),
            ("http://proxy:3128x", Fault::Port),
            ("http://proxy:+80", Fault::Port),
            ("http://proxy:99999", Fault::Port),
            ("http://::1:3128", Fault::NoHost),
            ("http://user:s3cret@proxy:http", Fault::Port),
            ("http://user:s3c#ret@proxy:3128", Fault::Login),
            ("http://user:s3c/ret@proxy:3128", Fault::Login),
            ("http://user:s3c?ret@proxy:3128", Fault::Login),
            ("user:s3c#ret@proxy:3128", Fault::Login),
            ("http://us er:s3cret@proxy:3128", Fault::Login),
            ("http://user:s3c\"ret@proxy:3128", Fault::Login),
            ("http://proxy:3128/path", Fault::Rest),
            ("http://proxy:3128?x=1", Fault::Rest),
            ("http://proxy#:3128", Fault::Rest),
            ("socks5://user:s3cret@proxy:1080", Fault::Socks),
        ] {
            assert_eq!(parse(value).map(|proxy| format!("{proxy:?}")), Err(fault), "{value}");
            let error = proxy(&[("HTTPS_PROXY", value)], GOOGLE).expect_err(value);
            assert_eq!(error.kind(), ErrorKind::Config, "{value}");
            assert!(!format!("{error:?}").contains("s3c"), "{error:?}");
        }
        let error = proxy(&[("ALL_PROXY", "http://u:a#b@proxy:1")], GOOGLE).expect_err("not escaped");
        assert_eq!(
            error.to_string(),
            "the proxy that ALL_PROXY names cannot be used: its user name or password holds a character \
             that must be \
             percent-encoded; in the user name and the password write %23 for #, %2F for /, %3F for ?, %40 \
             for @, %25 for %"
        );
    }
}
