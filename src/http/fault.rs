//! Every way in which a request fails on its way, with its words and its advice.
//!
//! The words are fixed; the names and ports of the host and the proxy are all that stands in them from
//! outside.

use crate::error::{Error, ErrorKind};
use rustls::{AlertDescription, CertificateError, InvalidMessage};
use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

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
    #[error("cannot reach {0}: {1} requires a login (HTTP status 407)")]
    ProxyLoginMissing(String, ProxyName),
    #[error("cannot reach {0}: {1} refused the login (HTTP status 407)")]
    ProxyLoginRefused(String, ProxyName),
    #[error("cannot reach {0}: {1} refuses to connect to it (HTTP status {2})")]
    ProxyRefused(String, ProxyName, u16),
    #[error("cannot reach {0}: {1} cannot connect to it now (HTTP status {2})")]
    ProxyUnable(String, ProxyName, u16),
    #[error("cannot reach {0}: {1} redirects to another page (HTTP status {2})")]
    ProxyRedirect(String, ProxyName, u16),
    #[error("cannot reach {0}: {1} closed the connection")]
    ProxyClosed(String, ProxyName),
    #[error("{0} does not speak TLS on this port")]
    ProxyNotTls(ProxyName),
    #[error("cannot reach {0}: the URL of the proxy is not valid")]
    ProxyUrl(String),
    #[error("the TLS connection to {0} failed: {1}")]
    Tls(Peer, TlsFault),
    #[error("{0} did not respond in time (waited {1})")]
    NoResponse(Peer, Seconds),
    #[error("{0} did not complete its response in time (waited {1})")]
    SlowBody(Peer, Seconds),
    #[error("{0} sent nothing more of its response for {1}")]
    SilentBody(Peer, Seconds),
    #[error("{0} closed the connection before its response was complete")]
    Closed(Peer),
    #[error("the connection to {0} failed: {1}")]
    Broken(Peer, io::ErrorKind),
    #[error("the response of {0} is not valid HTTP")]
    NotHttp(Peer),
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
    #[error("the request cannot be sent: its method is none of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")]
    Method,
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
    Proxy(ProxyName),
    /// A server through a proxy.
    Through {
        host: String,
        proxy: ProxyName,
    },
}

/// What errors say about a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyName {
    pub(super) host: String,
    pub(super) port: u16,
    /// The variable that names it, if it is the environment's.
    pub(super) variable: Option<&'static str>,
    /// Whether its URL has a user name.
    pub(super) has_login: bool,
}

impl fmt::Display for ProxyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proxy {}:{}", self.host, self.port)
    }
}

impl ProxyName {
    /// Where its URL is to be changed.
    fn place(&self) -> &'static str {
        self.variable.unwrap_or("the proxy's URL")
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => f.write_str(host),
            Self::Proxy(proxy) => proxy.fmt(f),
            Self::Through { host, proxy } => write!(f, "{host} through {proxy}"),
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
            | Self::ProxyUnable(..)
            | Self::ProxyRedirect(..)
            | Self::ProxyClosed(..) => ErrorKind::Connect,
            // A status from 400 on is a rule of the proxy: a later attempt does not change it.
            Self::ProxyRefused(_, _, 400..) => ErrorKind::Config,
            Self::ProxyRefused(..) => ErrorKind::Connect,
            Self::SlowLookUp(_)
            | Self::SlowConnection(_)
            | Self::NoResponse(..)
            | Self::SlowBody(..)
            | Self::SilentBody(..)
            | Self::DeadlinePassed(_) => ErrorKind::Timeout,
            Self::Tls(..) | Self::ProxyNotTls(_) => ErrorKind::Tls,
            Self::Closed(_) | Self::Broken(..) => ErrorKind::Closed,
            Self::NotHttp(_) | Self::TransferCoding(_) | Self::ContentCoding(_) | Self::DamagedBody(_) => {
                ErrorKind::Protocol
            }
            Self::LargeHeaders(_) | Self::LargeBody(..) => ErrorKind::TooLarge,
            Self::Panicked(_) => ErrorKind::Aborted,
            Self::ProxyLoginMissing(..)
            | Self::ProxyLoginRefused(..)
            | Self::ProxyUrl(_)
            | Self::HttpsOnly(_)
            | Self::InvalidRequest
            | Self::Method
            | Self::FramingHeader(_)
            | Self::ShortBody(_)
            | Self::UnreadableBody(_)
            | Self::NoRootCertificate
            | Self::DamagedRootCertificate => ErrorKind::Config,
        }
    }

    fn hint(&self) -> Option<Cow<'static, str>> {
        if let Some(hint) = self.proxy_hint() {
            return Some(hint.into());
        }
        let hint = match self {
            Self::NotFound(_) | Self::SlowLookUp(_) => {
                "check that this machine has a network and that its DNS works"
            }
            Self::NoConnection(Peer::Proxy(_), _) | Self::SlowConnection(Peer::Proxy(_)) => {
                "requests go through this proxy: is it running, and are its name and port right?"
            }
            Self::NoConnection(_, io::ErrorKind::ConnectionRefused) => {
                "no program accepts connections there: check host and port, or a firewall refuses them"
            }
            Self::NoConnection(..) | Self::SlowConnection(_) => {
                "check that this machine has a network and that no firewall is in the way"
            }
            Self::NoResponse(..)
            | Self::SlowBody(..)
            | Self::SilentBody(..)
            | Self::DeadlinePassed(_)
            | Self::Closed(_)
            | Self::Broken(..) => {
                "run the job again later; if it repeats, look for a firewall or proxy in the way"
            }
            Self::NotHttp(Peer::Proxy(_)) => "check host and port of the proxy: is it an HTTP proxy?",
            Self::NotHttp(_) => "check host and port; a proxy or another program may have answered instead",
            Self::NoThread(_) | Self::Panicked(_) => "is this process at a limit of threads or memory?",
            Self::Tls(peer, fault) => return fault.hint(peer).map(Into::into),
            Self::FramingHeader(name) if matches!(name.as_str(), "content-length" | "transfer-encoding") => {
                "leave the header out; give the length of a body with RequestBody::reader"
            }
            Self::FramingHeader(_) => "leave the header out",
            Self::NoRootCertificate => "give PEM text with at least one block -----BEGIN CERTIFICATE-----",
            _ => return None,
        };
        Some(hint.into())
    }

    /// Advice about the proxy's URL, or to those who run the proxy.
    fn proxy_hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound(Peer::Proxy(proxy)) => format!("check the name of the proxy in {}", proxy.place()),
            Self::ProxyLoginMissing(_, proxy) => {
                let variable = proxy.variable.unwrap_or("HTTPS_PROXY");
                format!("put it into the proxy's URL, as in {variable}=http://user:password@host:port")
            }
            Self::ProxyLoginRefused(_, proxy) => format!(
                "check user name and password in {}, where special characters are percent-encoded (@ is \
                 %40); the proxy may also want another method than Basic",
                proxy.place()
            ),
            Self::ProxyRefused(..) => "ask the administrator of the proxy to allow this host".to_owned(),
            Self::ProxyUnable(..) | Self::SlowConnection(Peer::Through { .. }) => {
                "run the job again later; if it repeats, tell the administrator of the proxy".to_owned()
            }
            Self::ProxyRedirect(..) => {
                "this is often a login page: log in with a browser on this network, or \
                                        ask the administrator of the proxy how programs log in"
                    .to_owned()
            }
            Self::ProxyClosed(_, proxy) => format!(
                "check its host and port in {}, and whether http:// or https:// is right there; the proxy \
                 may also refuse this machine",
                proxy.place()
            ),
            Self::ProxyNotTls(proxy) => format!("write http:// instead of https:// in {}", proxy.place()),
            _ => return None,
        })
    }
}

impl TlsFault {
    fn hint(self, peer: &Peer) -> Option<&'static str> {
        match self {
            Self::Expired | Self::NotYetValid => {
                Some("compare the clock of this machine with the true time first")
            }
            Self::UnknownIssuer | Self::WrongName | Self::InvalidCertificate => Some(
                "if a proxy opens TLS connections here, give its root certificate to \
                 UreqTransport::with_root_certificates",
            ),
            Self::NotTls if matches!(peer, Peer::Through { .. }) => Some(
                "check the port; the proxy may have answered with a page of its own, such as a login page",
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
}
