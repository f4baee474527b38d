//! Every way in which a request fails on its way, with its words and its advice.
//!
//! In: ureq's errors, whose own texts can hold whole URLs, and rustls' inside them. Out: ours, in fixed words
//! with the names of the host and the proxy.

use super::resolver::{Unresolved, Why};
use crate::error::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::fmt;
use std::io;
use std::time::Duration;
use ureq::{Proxy, Timeout};

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot resolve {0}")]
    NotFound(Peer),
    #[error("resolving {0} took too long")]
    SlowLookUp(Peer),
    #[error("cannot resolve {0}: the system gives this process no further thread")]
    NoThread(Peer),
    #[error("cannot connect to {0}: {1}")]
    NoConnection(Peer, io::ErrorKind),
    #[error("cannot connect to {0}: this process has too many files open")]
    NoDescriptor(Peer),
    #[error("cannot connect to {0}")]
    NoConnector(Peer),
    #[error("connecting to {0} took too long")]
    SlowConnection(Peer),
    #[error("cannot reach {0}: the proxy requires a login (HTTP status 407)")]
    ProxyLoginMissing(String),
    #[error("cannot reach {0}: the proxy refused the login (HTTP status 407)")]
    ProxyLoginRefused(String),
    #[error("cannot reach {0}: the proxy refused to connect to it (HTTP status {1})")]
    ProxyRefused(String, u16),
    #[error("cannot reach {0}: the proxy closed the connection")]
    ProxyClosed(String),
    #[error("cannot reach {0}: the URL of the proxy is not valid")]
    ProxyUrl(String),
    #[error("the TLS connection to {0} failed: {1}")]
    Tls(String, TlsFault),
    #[error("{0} did not respond within {1}")]
    NoResponse(String, Seconds),
    #[error("{0} did not complete its response within {1}")]
    SlowBody(String, Seconds),
    #[error("{0} closed the connection before its response was complete")]
    Closed(String),
    #[error("the connection to {0} failed: {1}")]
    Broken(String, io::ErrorKind),
    #[error("the response of {0} is not valid HTTP")]
    NotHttp(String),
    #[error("{0} sent a response in a transfer coding that was not requested")]
    TransferCoding(String),
    #[error("{0} sent a response in a content coding that was not requested")]
    ContentCoding(String),
    #[error("the compressed response of {0} is damaged")]
    DamagedBody(String),
    #[error("the response of {0} is larger than {1} bytes")]
    LargeBody(String, usize),
    #[error("the deadline passed before the response of {0} was complete")]
    DeadlinePassed(String),
    #[error("the response headers of {0} are too large")]
    LargeHeaders(String),
    #[error("{0} cannot be reached over plain http: the agent allows only https")]
    HttpsOnly(String),
    #[error("the request cannot be sent: its URL or one of its headers is not valid")]
    InvalidRequest,
    #[error("the request cannot be sent: its header `{0}` is set by the transport")]
    FramingHeader(String),
    #[error("the request cannot be sent: its body ended before the {0} bytes of its length")]
    ShortBody(u64),
    #[error("the request cannot be sent: its body cannot be read ({0})")]
    UnreadableBody(io::ErrorKind),
    #[error("the HTTP client panicked during the request to {0}")]
    Panicked(String),
    #[error("there is no root certificate in what was given")]
    NoRootCertificate,
    #[error("a root certificate is damaged: it is not PEM, or its content is not a certificate")]
    DamagedRootCertificate,
}

/// What broke in TLS, by rustls' own types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TlsFault {
    #[error("its certificate has expired")]
    Expired,
    #[error("its certificate is not valid yet")]
    NotYetValid,
    #[error("its certificate is for another name")]
    WrongName,
    #[error("its certificate is from an issuer that is not trusted here")]
    UnknownIssuer,
    #[error("its certificate was revoked")]
    Revoked,
    #[error("its certificate is not valid")]
    InvalidCertificate,
    #[error("the server aborted it ({0:?})")]
    Alert(AlertDescription),
    #[error("the server does not speak TLS on this port")]
    NotTls,
    #[error("client and server have no TLS version or cipher in common")]
    NothingInCommon,
    #[error("a message was damaged on the way")]
    Damaged,
    #[error("the handshake failed")]
    Handshake,
}

/// The other end of a connection: the server, or the proxy on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Host(String),
    Proxy(String),
    /// A server through a proxy.
    Through {
        host: String,
        proxy: String,
    },
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Proxy(proxy) => write!(f, "the proxy {proxy}"),
            Self::Through { host, proxy } => write!(f, "{host} through the proxy {proxy}"),
        }
    }
}

/// A time for people: `10 s`, `0.3 s`, `20 ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.as_millis().saturating_add(50) / 100;
        match (tenths / 10, tenths % 10) {
            (0, 0) => write!(f, "{} ms", self.0.as_millis()),
            (whole @ 10.., tenths) => write!(f, "{} s", whole + u128::from(tenths >= 5)),
            (whole, 0) => write!(f, "{whole} s"),
            (whole, tenths) => write!(f, "{whole}.{tenths} s"),
        }
    }
}

impl Fault {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotFound(_) => ErrorKind::Dns,
            Self::NoThread(_)
            | Self::NoConnection(..)
            | Self::NoDescriptor(_)
            | Self::NoConnector(_)
            | Self::ProxyClosed(_) => ErrorKind::Connect,
            // A status from 400 on that a later attempt does not change is a rule of the proxy.
            Self::ProxyRefused(_, 400..=407 | 409..=428 | 430..=499) => ErrorKind::Config,
            Self::ProxyRefused(..) => ErrorKind::Connect,
            Self::SlowLookUp(_)
            | Self::SlowConnection(_)
            | Self::NoResponse(..)
            | Self::SlowBody(..)
            | Self::DeadlinePassed(_) => ErrorKind::Timeout,
            Self::Tls(..) => ErrorKind::Tls,
            Self::Closed(_) | Self::Broken(..) => ErrorKind::Closed,
            Self::NotHttp(_) | Self::TransferCoding(_) | Self::ContentCoding(_) | Self::DamagedBody(_) => {
                ErrorKind::Protocol
            }
            Self::LargeHeaders(_) | Self::LargeBody(..) => ErrorKind::TooLarge,
            Self::Panicked(_) => ErrorKind::Aborted,
            Self::ProxyLoginMissing(_)
            | Self::ProxyLoginRefused(_)
            | Self::ProxyUrl(_)
            | Self::HttpsOnly(_)
            | Self::InvalidRequest
            | Self::FramingHeader(_)
            | Self::ShortBody(_)
            | Self::UnreadableBody(_)
            | Self::NoRootCertificate
            | Self::DamagedRootCertificate => ErrorKind::Config,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotFound(Peer::Proxy(_)) => Some("check the name of the proxy in HTTPS_PROXY or ALL_PROXY"),
            Self::NoConnection(Peer::Proxy(_), _) | Self::SlowConnection(Peer::Proxy(_)) => {
                Some("requests go through this proxy: is it running, and are its name and port right?")
            }
            Self::NoThread(_) | Self::Panicked(_) => Some("is this process at a limit of threads or memory?"),
            Self::ProxyLoginMissing(_) => {
                Some("put it into the proxy's URL, as in HTTPS_PROXY=http://user:password@host:port")
            }
            Self::ProxyLoginRefused(_) => Some(
                "check user name and password in the proxy's URL, where special characters are \
                 percent-encoded \
                 (@ is %40); the proxy may also want another method than Basic",
            ),
            Self::ProxyRefused(..) => {
                Some("the proxy is reached but refuses this host: ask its administrator to allow it")
            }
            Self::Tls(_, fault) => fault.hint(),
            Self::FramingHeader(_) => {
                Some("leave the header out; give the length of a body with RequestBody::reader")
            }
            Self::NoRootCertificate => {
                Some("give PEM text with at least one block -----BEGIN CERTIFICATE-----")
            }
            _ => None,
        }
    }
}

impl TlsFault {
    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Expired | Self::NotYetValid => {
                Some("compare the clock of this machine with the true time first")
            }
            Self::UnknownIssuer | Self::WrongName | Self::InvalidCertificate => Some(
                "if a proxy opens TLS connections here, give its root certificate to \
                 UreqTransport::with_root_certificates",
            ),
            Self::NotTls => Some("check the port; a proxy may have answered instead"),
            _ => None,
        }
    }
}

impl From<&rustls::Error> for TlsFault {
    fn from(error: &rustls::Error) -> Self {
        use CertificateError as C;
        match error {
            rustls::Error::InvalidCertificate(fault) => match fault {
                C::Expired | C::ExpiredContext { .. } => Self::Expired,
                C::NotValidYet | C::NotValidYetContext { .. } => Self::NotYetValid,
                C::NotValidForName | C::NotValidForNameContext { .. } => Self::WrongName,
                C::UnknownIssuer => Self::UnknownIssuer,
                C::Revoked => Self::Revoked,
                _ => Self::InvalidCertificate,
            },
            rustls::Error::AlertReceived(alert) => Self::Alert(*alert),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Self::NotTls,
            rustls::Error::InvalidMessage(_)
            | rustls::Error::DecryptError
            | rustls::Error::PeerSentOversizedRecord => Self::Damaged,
            rustls::Error::PeerIncompatible(_) => Self::NothingInCommon,
            _ => Self::Handshake,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        let error = Self::new(fault.kind(), fault.to_string());
        match fault.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

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

    #[test]
    fn times_are_rounded_for_people() {
        for (millis, text) in [
            (7_995, "8 s"),
            (10_000, "10 s"),
            (29_999, "30 s"),
            (29_400, "29 s"),
            (9_960, "10 s"),
            (300, "0.3 s"),
            (1_249, "1.2 s"),
            (90, "0.1 s"),
            (20, "20 ms"),
            (0, "0 ms"),
        ] {
            assert_eq!(Seconds(Duration::from_millis(millis)).to_string(), text, "{millis}");
        }
    }

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
