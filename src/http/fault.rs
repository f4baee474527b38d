//! Sorts what can go wrong with a request by what broke.
//!
//! In: ureq's errors, whose own texts can hold whole URLs. Out: ours, in fixed words with the host's name.

use crate::error::{Error, ErrorKind};
use std::io;
use std::time::Duration;
use ureq::Timeout;

/// How far an exchange had come.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Stage {
    /// Up to the answer's head.
    Head,
    /// In the answer's body.
    Body,
}

pub(super) fn sort(error: &ureq::Error, host: &str, limit: Duration, stage: Stage) -> Error {
    let new = |kind, message: String| Error::new(kind, message);
    let slow = || {
        let what = if stage == Stage::Head { "did not answer" } else { "did not finish its answer" };
        new(ErrorKind::Timeout, format!("{host} {what} within {} s", limit.as_secs_f32()))
    };
    match error {
        ureq::Error::HostNotFound => new(ErrorKind::Dns, format!("cannot resolve {host}")),
        ureq::Error::Timeout(Timeout::Resolve) => {
            new(ErrorKind::Timeout, format!("resolving {host} took too long"))
        }
        ureq::Error::Timeout(Timeout::Connect) => {
            new(ErrorKind::Timeout, format!("connecting to {host} took too long"))
        }
        ureq::Error::Timeout(_) => slow(),
        ureq::Error::RequireHttpsOnly(_) => new(
            ErrorKind::Config,
            format!("{host} cannot be reached over plain http: the agent handed in allows https only"),
        ),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => new(
            ErrorKind::Config,
            "a request cannot be sent: its URL or one of its headers is not valid".to_owned(),
        ),
        ureq::Error::ConnectionFailed => new(ErrorKind::Connect, format!("cannot connect to {host}")),
        ureq::Error::InvalidProxyUrl => {
            new(ErrorKind::Config, format!("cannot reach {host}: the proxy's URL is no good"))
        }
        ureq::Error::ConnectProxyFailed(reason) => proxy_refused(host, reason),
        ureq::Error::Rustls(e) => tls(host, &e.to_string()),
        ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::Pem(_) => tls(host, ""),
        ureq::Error::LargeResponseHeader(..) => {
            new(ErrorKind::TooLarge, format!("the header of the answer of {host} is too large"))
        }
        ureq::Error::Io(e) => by_io(e, host).unwrap_or_else(slow),
        _ => new(ErrorKind::Protocol, format!("{host} did not answer in proper HTTP")),
    }
}

/// `None` when it is a matter of time.
fn by_io(error: &io::Error, host: &str) -> Option<Error> {
    use io::ErrorKind as Io;
    let (kind, message) = match error.kind() {
        // rustls's errors travel as invalid data.
        Io::InvalidData => return Some(tls(host, &error.to_string())),
        Io::TimedOut | Io::WouldBlock => return None,
        Io::ConnectionRefused
        | Io::HostUnreachable
        | Io::NetworkUnreachable
        | Io::NetworkDown
        | Io::AddrNotAvailable
        | Io::PermissionDenied => (ErrorKind::Connect, format!("cannot connect to {host}: {}", error.kind())),
        Io::UnexpectedEof
        | Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::BrokenPipe
        | Io::NotConnected => {
            (ErrorKind::Closed, format!("{host} closed the connection before its answer was whole"))
        }
        _ if is_out_of_descriptors(error) => {
            (ErrorKind::Connect, format!("cannot connect to {host}: this process has too many files open"))
        }
        _ if error.raw_os_error().is_some() => {
            (ErrorKind::Connect, format!("cannot connect to {host}: {}", error.kind()))
        }
        // A failed look-up arrives as an error of the resolver, without a code of the system.
        _ => (ErrorKind::Dns, format!("cannot resolve {host}")),
    };
    Some(Error::new(kind, message))
}

/// EMFILE or ENFILE, which std has no word for.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

fn proxy_refused(host: &str, reason: &str) -> Error {
    if reason.contains("407") {
        return Error::new(ErrorKind::Config, format!("cannot reach {host}: the proxy wants a login"))
            .with_hint("put it into the proxy's URL, as in HTTPS_PROXY=http://user:password@host:port");
    }
    Error::new(ErrorKind::Connect, format!("cannot reach {host}: the proxy refused to connect to it"))
}

/// Words of rustls's messages, what they mean, and what to do.
const TLS: [(&str, &str, Option<&str>); 7] = [
    ("xpired", "its certificate has expired", Some(CLOCK)),
    ("NotValidYet", "its certificate is not valid yet", Some(CLOCK)),
    ("not valid yet", "its certificate is not valid yet", Some(CLOCK)),
    ("UnknownIssuer", "its certificate is from an issuer that is not trusted here", Some(ROOTS)),
    ("not valid for name", "its certificate is for another name", Some(ROOTS)),
    ("NotValidForName", "its certificate is for another name", Some(ROOTS)),
    ("evoked", "its certificate was revoked", None),
];

const CLOCK: &str = "compare the clock of this machine with the true time first";
const ROOTS: &str =
    "if a proxy looks into TLS here, give its root certificate to UreqTransport::with_root_certificates";

fn tls(host: &str, reason: &str) -> Error {
    let (what, hint) = if let Some((_, what, hint)) = TLS.iter().find(|(word, ..)| reason.contains(word)) {
        ((*what).to_owned(), *hint)
    } else if let Some((_, alert)) = reason.split_once("received fatal alert: ") {
        let alert: String = alert.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
        (format!("it broke the handshake off ({alert})"), None)
    } else if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
        ("it does not speak TLS there".to_owned(), Some("check the port; a proxy may answer in its place"))
    } else if reason.contains("invalid peer certificate") {
        ("its certificate is no good".to_owned(), Some(ROOTS))
    } else {
        ("the handshake failed".to_owned(), None)
    };
    let error = Error::new(ErrorKind::Tls, format!("no safe connection to {host}: {what}"));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
