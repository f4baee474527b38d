//! Where a token may go: Google's API hosts, and the hosts that the program names.
//!
//! In: the URL of a request. Out: leave to send a token there, or an error that says how to give it.

use crate::error::{Error, ErrorKind};
use crate::http::Url;

/// The hosts that were named, beside Google's own.
#[derive(Clone, Default)]
pub(super) struct Hosts(Vec<Origin>);

/// Scheme, host and port (RFC 6454 §4).
#[derive(Clone, PartialEq, Eq)]
struct Origin {
    is_plain: bool,
    /// In lower case.
    host: String,
    port: u16,
}

impl Origin {
    fn of(url: &Url) -> Self {
        Self { is_plain: url.is_plain(), host: url.host().to_ascii_lowercase(), port: url.port() }
    }

    fn is_of(&self, url: &Url) -> bool {
        self.is_plain == url.is_plain()
            && self.port == url.port()
            && self.host.eq_ignore_ascii_case(url.host())
    }
}

impl Hosts {
    /// Adds the host of `url`.
    pub(super) fn add(&mut self, url: &Url) {
        if !self.0.iter().any(|origin| origin.is_of(url)) {
            self.0.push(Origin::of(url));
        }
    }

    /// Fails where no token goes.
    pub(super) fn check(&self, url: &Url) -> Result<(), Error> {
        if is_googles(url) || self.0.iter().any(|origin| origin.is_of(url)) {
            return Ok(());
        }
        let (scheme, place) = (if url.is_plain() { "http" } else { "https" }, url.place());
        let message =
            format!("the request is not sent: {place} is not among the hosts that the token may go to");
        Err(Error::new(ErrorKind::Config, message).with_hint(format!(
            "if this service is meant to have the token, name it with \
             Authorized::with_host(\"{scheme}://{place}\")"
        )))
    }
}

/// Whether `url` leads to an API of Google: `googleapis.com` and every host below it, over https at its own
/// port. All of them are Google's, those of single buckets and regions included.
fn is_googles(url: &Url) -> bool {
    const DOMAIN: &[u8] = b"googleapis.com";
    let host = url.host().as_bytes();
    let Some(start) = host.len().checked_sub(DOMAIN.len()) else { return false };
    let (below, domain) = host.split_at(start);
    !url.is_plain()
        && url.port() == 443
        && domain.eq_ignore_ascii_case(DOMAIN)
        && below.last().is_none_or(|byte| *byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(hosts: &Hosts, url: &str) -> bool {
        hosts.check(&url.parse().expect(url)).is_ok()
    }

    #[test]
    fn googles_api_hosts_are_allowed_and_their_look_alikes_are_not() {
        let hosts = Hosts::default();
        for url in [
            "https://storage.googleapis.com/storage/v1/b",
            "https://googleapis.com/",
            "https://www.googleapis.com:443/drive/v3/files",
            "https://my-bucket.storage.googleapis.com/object",
            "HTTPS://Storage.GoogleAPIs.COM/",
        ] {
            assert!(is_allowed(&hosts, url), "{url}");
        }
        for url in [
            "https://storage.googleapis.com:8443/",
            "https://storage.googleapis.com.evil.example/",
            "https://evilgoogleapis.com/",
            "https://googleapis.com.example/",
            "https://oogleapis.com/",
            "https://storage.googleapis.com./",
            "https://googleapis.co/",
            "https://google.com/",
            "https://my-service-x.run.app/",
            "https://127.0.0.1/",
            "http://127.0.0.1:8080/",
            "http://[::1]/",
        ] {
            assert!(!is_allowed(&hosts, url), "{url}");
        }
    }

    #[test]
    fn named_host_counts_with_its_scheme_and_port() {
        let mut hosts = Hosts::default();
        for url in ["https://My-Service-x.run.app/path", "http://127.0.0.1:8080", "https://h.example:8443"] {
            hosts.add(&url.parse().expect(url));
        }
        for url in [
            "https://my-service-x.run.app/other",
            "https://MY-SERVICE-x.run.app:443/",
            "http://127.0.0.1:8080/x",
            "https://h.example:8443/",
            "https://storage.googleapis.com/",
        ] {
            assert!(is_allowed(&hosts, url), "{url}");
        }
        for url in [
            "https://my-service-x.run.app:8443/",
            "https://below.my-service-x.run.app/",
            "http://127.0.0.1:8081/",
            "http://127.0.0.1/",
            "https://127.0.0.1:8080/",
            "http://127.0.0.2:8080/",
            "https://h.example/",
        ] {
            assert!(!is_allowed(&hosts, url), "{url}");
        }
    }
}
