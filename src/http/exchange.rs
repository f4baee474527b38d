//! What is known about an exchange, and what ureq's error means when it fails.
//!
//! In: ureq's errors, whose own texts can hold whole URLs, and rustls' inside them. Out: a [`Fault`].

use super::fault::{Fault, Peer, Seconds, TlsFault};
use super::resolver::{Unresolved, Why};
use std::io;
use std::time::Duration;
use ureq::{Proxy, Timeout};

/// What is known about an exchange when it fails.
pub(super) struct Exchange<'a> {
    pub(super) host: &'a str,
    /// The proxy that the request goes through.
    pub(super) proxy: Option<&'a Proxy>,
    pub(super) total: Duration,
    /// The limit for the head of the response.
    pub(super) head: Option<Duration>,
}

/// How far an exchange has come.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    /// Before a connection was used.
    Connecting,
    /// Up to the head of the response.
    Head,
    /// In the body of the response.
    Body,
}

impl Exchange<'_> {
    /// What `error` means at `stage`.
    pub(super) fn fault(&self, error: ureq::Error, stage: Stage) -> Fault {
        let host = || self.host.to_owned();
        match error {
            ureq::Error::Other(other) => match other.downcast::<Unresolved>() {
                Ok(unresolved) => self.unresolved(*unresolved),
                Err(_) => Fault::NotHttp(host()),
            },
            ureq::Error::HostNotFound => Fault::NotFound(self.first_peer()),
            ureq::Error::Timeout(timeout) => self.late(timeout, stage),
            ureq::Error::RequireHttpsOnly(_) => Fault::HttpsOnly(host()),
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Fault::InvalidRequest,
            ureq::Error::ConnectionFailed => Fault::NoConnector(self.first_peer()),
            ureq::Error::InvalidProxyUrl => Fault::ProxyUrl(host()),
            ureq::Error::ConnectProxyFailed(reason) => self.proxy_failed(&reason),
            ureq::Error::Rustls(error) => Fault::Tls(host(), (&error).into()),
            ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::Pem(_) => {
                Fault::Tls(host(), TlsFault::Handshake)
            }
            ureq::Error::LargeResponseHeader(..) => Fault::LargeHeaders(host()),
            ureq::Error::Io(error) => self.io(error, stage),
            _ => Fault::NotHttp(host()),
        }
    }

    /// Where the first connection goes.
    fn first_peer(&self) -> Peer {
        match self.proxy {
            Some(proxy) => Peer::Proxy(format!("{}:{}", proxy.host(), proxy.port())),
            None => Peer::Host(self.host.to_owned()),
        }
    }

    fn unresolved(&self, Unresolved { host, why }: Unresolved) -> Fault {
        let peer = match self.proxy {
            Some(proxy) if proxy.host() == host => Peer::Proxy(host),
            _ => Peer::Host(host),
        };
        match why {
            Why::NotFound => Fault::NotFound(peer),
            Why::Slow => Fault::SlowLookUp(peer),
            Why::NoThread => Fault::NoThread(peer),
        }
    }

    fn late(&self, timeout: Timeout, stage: Stage) -> Fault {
        let host = self.host.to_owned();
        match timeout {
            Timeout::Resolve => Fault::SlowLookUp(self.first_peer()),
            Timeout::Connect => Fault::SlowConnection(match self.proxy {
                Some(proxy) => Peer::Through { host, proxy: proxy.host().to_owned() },
                None => Peer::Host(host),
            }),
            _ if stage == Stage::Body => Fault::SlowBody(host, Seconds(self.total)),
            Timeout::RecvResponse => Fault::NoResponse(host, Seconds(self.head.unwrap_or(self.total))),
            _ => Fault::NoResponse(host, Seconds(self.total)),
        }
    }

    fn proxy_failed(&self, reason: &str) -> Fault {
        let host = self.host.to_owned();
        // "proxy server responded 407/407", or words without a number.
        let status = reason.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok());
        let has_login = self.proxy.is_some_and(|proxy| proxy.username().is_some());
        match status {
            Some(407) if has_login => Fault::ProxyLoginRefused(host),
            Some(407) => Fault::ProxyLoginMissing(host),
            Some(status) => Fault::ProxyRefused(host, status),
            None => Fault::ProxyClosed(host),
        }
    }

    fn io(&self, error: io::Error, stage: Stage) -> Fault {
        use io::ErrorKind as Io;
        let host = || self.host.to_owned();
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return Fault::Tls(host(), error.into());
        }
        match error.kind() {
            Io::TimedOut | Io::WouldBlock => self.late(Timeout::Global, stage),
            Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected => Fault::Closed(host()),
            kind if stage != Stage::Connecting => Fault::Broken(host(), kind),
            _ if is_failed_look_up(&error) => Fault::NotFound(self.first_peer()),
            _ if is_out_of_descriptors(&error) => Fault::NoDescriptor(self.first_peer()),
            kind => Fault::NoConnection(self.first_peer(), kind),
        }
    }
}

/// EMFILE or ENFILE, which std has no kind for.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Whether std's own look-up failed, in an agent of a caller: there is no kind and no code for that, but a
/// text.
fn is_failed_look_up(error: &io::Error) -> bool {
    error.raw_os_error().is_none() && error.to_string().starts_with("failed to lookup address information")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    fn exchange(proxy: Option<&Proxy>) -> Exchange<'_> {
        Exchange { host: "h.example", proxy, total: Duration::from_secs(10), head: None }
    }

    #[test]
    fn unknown_io_error_is_not_a_failed_look_up() {
        for (error, stage, kind, message) in [
            (
                io::Error::other("something new"),
                Stage::Connecting,
                ErrorKind::Connect,
                "cannot connect to h.example: other error",
            ),
            (
                io::Error::other("something new"),
                Stage::Head,
                ErrorKind::Closed,
                "the connection to h.example failed: other error",
            ),
            (
                io::ErrorKind::HostUnreachable.into(),
                Stage::Body,
                ErrorKind::Closed,
                "the connection to h.example failed: host unreachable",
            ),
            (
                io::Error::other("failed to lookup address information: Name or service not known"),
                Stage::Connecting,
                ErrorKind::Dns,
                "cannot resolve h.example",
            ),
            (
                io::Error::new(io::ErrorKind::InvalidData, "no TLS inside"),
                Stage::Body,
                ErrorKind::Closed,
                "the connection to h.example failed: invalid data",
            ),
        ] {
            let error = Error::from(exchange(None).fault(error.into(), stage));
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    }

    #[test]
    fn refusals_of_a_proxy_say_whether_a_login_was_sent() {
        let (with, without) = (Proxy::new("http://u:p@proxy:1"), Proxy::new("http://proxy:1"));
        let (with, without) = (with.expect("a proxy"), without.expect("a proxy"));
        for (proxy, reason, kind, message) in [
            (
                &with,
                "proxy server responded 407/407",
                ErrorKind::Config,
                "cannot reach h.example: the proxy refused the login (HTTP status 407)",
            ),
            (
                &without,
                "proxy server responded 407/407",
                ErrorKind::Config,
                "cannot reach h.example: the proxy requires a login (HTTP status 407)",
            ),
            (
                &without,
                "proxy server responded 403/403",
                ErrorKind::Config,
                "cannot reach h.example: the proxy refused to connect to it (HTTP status 403)",
            ),
            (
                &without,
                "proxy server responded 502/502",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy refused to connect to it (HTTP status 502)",
            ),
            (
                &without,
                "proxy server did not respond",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy closed the connection",
            ),
        ] {
            let error = ureq::Error::ConnectProxyFailed(reason.to_owned());
            let error = Error::from(exchange(Some(proxy)).fault(error, Stage::Head));
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    }
}
