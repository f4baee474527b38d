//! What is known about an exchange, and what ureq's error means when it fails.
//!
//! In: ureq's errors, whose own texts can hold whole URLs, and rustls' inside them. Out: a [`Fault`].

use super::fault::{Fault, Peer, ProxyName, Seconds, TlsFault};
use super::proxy::Route;
use super::resolver::{Unresolved, Why};
use super::{Timeouts, Url};
use std::io;
use std::time::Duration;
use ureq::Timeout;

/// What is known about an exchange when it fails.
pub(super) struct Exchange {
    host: String,
    /// The host, with the port where it is not the scheme's own.
    pub(super) place: String,
    /// The proxy that the request goes through.
    proxy: Option<ProxyName>,
    total: Duration,
    /// The limit for the head of the response.
    head: Duration,
    /// The limit for each read of the body, if the total ends with the head.
    read: Option<Duration>,
}

/// How far an exchange has come.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    /// Somewhere before the end of the head: the agent is a caller's.
    Unknown,
    /// Before a connection was used.
    Connecting,
    /// Connected to the proxy, which has not opened its tunnel.
    Tunnel,
    /// Up to the head of the response.
    Head,
    /// In the body of the response.
    Body,
}

impl Exchange {
    pub(super) fn new(url: &Url, route: Option<&Route>, timeouts: Timeouts) -> Self {
        let Timeouts { total, head, read } = timeouts;
        let proxy = route.map(|Route { proxy, variable }| ProxyName {
            host: proxy.host().to_owned(),
            port: proxy.port(),
            variable: *variable,
            has_login: proxy.username().is_some(),
        });
        let head = head.map_or(total, |head| head.min(total));
        Self { host: url.host().to_owned(), place: url.place(), proxy, total, head, read }
    }

    pub(super) fn has_proxy(&self) -> bool {
        self.proxy.is_some()
    }

    /// What `error` means at `stage`.
    pub(super) fn fault(&self, error: ureq::Error, stage: Stage) -> Fault {
        let place = || self.place.clone();
        match error {
            ureq::Error::Other(other) => match other.downcast::<Unresolved>() {
                Ok(unresolved) => self.unresolved(&unresolved),
                Err(_) => self.not_http(stage),
            },
            ureq::Error::HostNotFound => Fault::NotFound(self.first_name()),
            ureq::Error::Timeout(timeout) => self.late(timeout, stage),
            ureq::Error::RequireHttpsOnly(_) => Fault::HttpsOnly(place()),
            ureq::Error::Http(_) | ureq::Error::BadUri(_) => Fault::InvalidRequest,
            ureq::Error::ConnectionFailed => Fault::NoConnector(self.first_peer()),
            ureq::Error::InvalidProxyUrl => Fault::ProxyUrl(place()),
            ureq::Error::ConnectProxyFailed(reason) => self.proxy_failed(&reason, stage),
            ureq::Error::Rustls(error) => self.tls((&error).into(), stage),
            ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::Pem(_) => {
                self.tls(TlsFault::Handshake, stage)
            }
            ureq::Error::LargeResponseHeader(..) => Fault::LargeHeaders(place()),
            ureq::Error::Io(error) => self.io(error, stage),
            _ => self.not_http(stage),
        }
    }

    /// Where the first connection goes.
    fn first_peer(&self) -> Peer {
        match &self.proxy {
            Some(proxy) => Peer::Proxy(proxy.clone()),
            None => Peer::Host(self.place.clone()),
        }
    }

    /// Whose name is resolved first.
    fn first_name(&self) -> Peer {
        match &self.proxy {
            Some(proxy) => Peer::Proxy(proxy.clone()),
            None => Peer::Host(self.host.clone()),
        }
    }

    /// The other end at `stage`.
    fn peer(&self, stage: Stage) -> Peer {
        match (&self.proxy, stage) {
            (None, _) => Peer::Host(self.place.clone()),
            (Some(proxy), Stage::Connecting | Stage::Tunnel) => Peer::Proxy(proxy.clone()),
            (Some(proxy), _) => Peer::Through { host: self.place.clone(), proxy: proxy.clone() },
        }
    }

    /// The response that came at `stage` is not HTTP. After the TLS handshake no proxy can write one.
    pub(super) fn not_http(&self, stage: Stage) -> Fault {
        Fault::NotHttp(match stage {
            Stage::Head | Stage::Body => Peer::Host(self.place.clone()),
            _ => self.peer(stage),
        })
    }

    fn tls(&self, fault: TlsFault, stage: Stage) -> Fault {
        match self.peer(stage) {
            Peer::Proxy(proxy) if fault == TlsFault::NotTls => Fault::ProxyNotTls(proxy),
            peer => Fault::Tls(peer, fault),
        }
    }

    fn unresolved(&self, Unresolved { host, why }: &Unresolved) -> Fault {
        let peer = match &self.proxy {
            Some(proxy) if proxy.host == *host => Peer::Proxy(proxy.clone()),
            _ => Peer::Host(host.clone()),
        };
        match why {
            Why::NotFound => Fault::NotFound(peer),
            Why::Slow => Fault::SlowLookUp(peer),
            Why::NoThread => Fault::NoThread(peer),
        }
    }

    fn late(&self, timeout: Timeout, stage: Stage) -> Fault {
        match timeout {
            Timeout::Resolve => Fault::SlowLookUp(self.first_name()),
            // The proxy may have waited for the server.
            Timeout::Connect if stage == Stage::Tunnel => Fault::SlowConnection(self.peer(Stage::Unknown)),
            Timeout::Connect => Fault::SlowConnection(self.peer(stage)),
            _ if stage == Stage::Body && self.read.is_some() => {
                Fault::SilentBody(self.peer(stage), Seconds(self.read.unwrap_or_default()))
            }
            _ if stage == Stage::Body => Fault::SlowBody(self.peer(stage), Seconds(self.total)),
            Timeout::RecvResponse => Fault::NoResponse(self.peer(stage), Seconds(self.head)),
            _ => Fault::NoResponse(self.peer(stage), Seconds(self.total)),
        }
    }

    fn proxy_failed(&self, reason: &str, stage: Stage) -> Fault {
        let Some(proxy) = self.proxy.clone() else { return self.not_http(stage) };
        let host = self.place.clone();
        // "proxy server responded 407/407", or words without a number.
        match reason.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse().ok()) {
            Some(407) if proxy.has_login => Fault::ProxyLoginRefused(host, proxy),
            Some(407) => Fault::ProxyLoginMissing(host, proxy),
            Some(status @ 300..=399) => Fault::ProxyRedirect(host, proxy, status),
            Some(status @ (408 | 429 | 500..=599)) => Fault::ProxyUnable(host, proxy, status),
            Some(status) => Fault::ProxyRefused(host, proxy, status),
            None => Fault::ProxyClosed(host, proxy),
        }
    }

    fn io(&self, error: io::Error, stage: Stage) -> Fault {
        use io::ErrorKind as Io;
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return self.tls(error.into(), stage);
        }
        match error.kind() {
            Io::TimedOut | Io::WouldBlock => self.late(Timeout::Global, stage),
            Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected => self.closed(stage),
            kind if matches!(stage, Stage::Tunnel | Stage::Head | Stage::Body) => {
                Fault::Broken(self.peer(stage), kind)
            }
            _ if is_failed_look_up(&error) => Fault::NotFound(self.first_name()),
            _ if is_out_of_descriptors(&error) => Fault::NoDescriptor(self.first_peer()),
            kind => Fault::NoConnection(self.first_peer(), kind),
        }
    }

    fn closed(&self, stage: Stage) -> Fault {
        match self.peer(stage) {
            Peer::Proxy(proxy) => Fault::ProxyClosed(self.place.clone(), proxy),
            peer => Fault::Closed(peer),
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
    use ureq::Proxy;

    fn exchange(url: &str, proxy: Option<&str>) -> Exchange {
        let route =
            |url: &str| Route { proxy: Proxy::new(url).expect("a proxy"), variable: Some("ALL_PROXY") };
        let route = proxy.map(route);
        let timeouts = Timeouts::new(Duration::from_secs(10)).with_head(Duration::from_secs(20));
        Exchange::new(&url.parse().expect("a URL"), route.as_ref(), timeouts)
    }

    const URL: &str = "https://h.example/";

    #[test]
    fn unknown_io_error_is_not_a_failed_look_up() {
        for (error, stage, kind, message) in [
            (
                io::Error::other("something new"),
                Stage::Connecting,
                ErrorKind::Connect,
                "cannot connect to h.example:8443: other error",
            ),
            (
                io::Error::other("something new"),
                Stage::Head,
                ErrorKind::Closed,
                "the connection to h.example:8443 failed: other error",
            ),
            (
                io::ErrorKind::HostUnreachable.into(),
                Stage::Body,
                ErrorKind::Closed,
                "the connection to h.example:8443 failed: host unreachable",
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
                "the connection to h.example:8443 failed: invalid data",
            ),
        ] {
            let error = Error::from(exchange("https://h.example:8443/", None).fault(error.into(), stage));
            assert_eq!((error.kind(), error.message()), (kind, message));
        }
    }

    #[test]
    fn refusals_of_a_proxy_say_what_to_do_by_their_status() {
        let (with, without) = ("http://u:p@proxy", "https://proxy");
        for (proxy, reason, kind, text) in [
            (
                with,
                "proxy server responded 407/407",
                ErrorKind::Config,
                "cannot reach h.example: the proxy proxy:80 refused the login (HTTP status 407); check user \
                 name and password in ALL_PROXY, where special characters are percent-encoded (@ is %40); \
                 the proxy may also want another method than Basic",
            ),
            (
                without,
                "proxy server responded 407/407",
                ErrorKind::Config,
                "cannot reach h.example: the proxy proxy:443 requires a login (HTTP status 407); put it \
                 into the proxy's URL, as in ALL_PROXY=http://user:password@host:port",
            ),
            (
                without,
                "proxy server responded 403/403",
                ErrorKind::Config,
                "cannot reach h.example: the proxy proxy:443 refuses to connect to it (HTTP status 403); \
                 ask the administrator of the proxy to allow this host",
            ),
            (
                without,
                "proxy server responded 502/502",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy proxy:443 cannot connect to it now (HTTP status 502); \
                 run the job again later; if it repeats, tell the administrator of the proxy",
            ),
            (
                without,
                "proxy server responded 429/429",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy proxy:443 cannot connect to it now (HTTP status 429); \
                 run the job again later; if it repeats, tell the administrator of the proxy",
            ),
            (
                without,
                "proxy server responded 302/302",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy proxy:443 redirects to another page (HTTP status 302); \
                 this is often a login page: log in with a browser on this network, or ask the \
                 administrator of the proxy how programs log in",
            ),
            (
                without,
                "proxy server did not respond",
                ErrorKind::Connect,
                "cannot reach h.example: the proxy proxy:443 closed the connection; check its host and port \
                 in ALL_PROXY, and whether http:// or https:// is right there; the proxy may also refuse \
                 this machine",
            ),
        ] {
            let error = ureq::Error::ConnectProxyFailed(reason.to_owned());
            let error = Error::from(exchange(URL, Some(proxy)).fault(error, Stage::Tunnel));
            assert_eq!((error.kind(), error.to_string().as_str()), (kind, text));
        }
    }

    #[test]
    fn failure_behind_a_proxy_names_the_party_that_the_stage_points_to() {
        let agent = exchange("https://h.example:8443/", Some("http://proxy:3128"));
        let io = |kind: io::ErrorKind| ureq::Error::Io(kind.into());
        let late = ureq::Error::Timeout;
        for (error, stage, message) in [
            (
                io(io::ErrorKind::ConnectionReset),
                Stage::Connecting,
                "cannot reach h.example:8443: the proxy proxy:3128 closed the connection",
            ),
            (
                io(io::ErrorKind::ConnectionReset),
                Stage::Tunnel,
                "cannot reach h.example:8443: the proxy proxy:3128 closed the connection",
            ),
            (
                io(io::ErrorKind::ConnectionReset),
                Stage::Unknown,
                "h.example:8443 through the proxy proxy:3128 closed the connection before its response was \
                 complete",
            ),
            (
                io(io::ErrorKind::ConnectionReset),
                Stage::Head,
                "h.example:8443 through the proxy proxy:3128 closed the connection before its response was \
                 complete",
            ),
            (
                io(io::ErrorKind::HostUnreachable),
                Stage::Tunnel,
                "the connection to the proxy proxy:3128 failed: host unreachable",
            ),
            (late(Timeout::Connect), Stage::Connecting, "connecting to the proxy proxy:3128 took too long"),
            (
                late(Timeout::Connect),
                Stage::Tunnel,
                "connecting to h.example:8443 through the proxy proxy:3128 took too long",
            ),
            (
                late(Timeout::RecvResponse),
                Stage::Head,
                "h.example:8443 through the proxy proxy:3128 did not respond in time (waited 10 s)",
            ),
            (
                late(Timeout::Global),
                Stage::Body,
                "h.example:8443 through the proxy proxy:3128 did not complete its response in time (waited \
                 10 s)",
            ),
            (
                ureq::Error::BodyExceedsLimit(1),
                Stage::Unknown,
                "the response of h.example:8443 through the proxy proxy:3128 is not valid HTTP",
            ),
            (
                ureq::Error::BodyExceedsLimit(1),
                Stage::Tunnel,
                "the response of the proxy proxy:3128 is not valid HTTP",
            ),
            (
                ureq::Error::BodyExceedsLimit(1),
                Stage::Head,
                "the response of h.example:8443 is not valid HTTP",
            ),
            (ureq::Error::HostNotFound, Stage::Unknown, "cannot resolve the proxy proxy:3128"),
        ] {
            assert_eq!(Error::from(agent.fault(error, stage)).message(), message);
        }
        for (stage, hint) in [
            (
                Stage::Connecting,
                "requests go through this proxy: is it running, and are its name and port right?",
            ),
            (Stage::Tunnel, "run the job again later; if it repeats, tell the administrator of the proxy"),
        ] {
            assert_eq!(Error::from(agent.fault(late(Timeout::Connect), stage)).hint(), Some(hint));
        }
    }
}
