//! Sends one request and gives back one bounded answer: the only module that talks HTTP for the crate.
//!
//! In: a [`Request`]. Out: a [`Response`] of any status, or an error sorted by what broke. Nothing is
//! retried here, no redirect is followed, every body is capped on decoded bytes, every request has a time
//! limit. All of that is set per request, so that an agent handed in by a user cannot undo it.

use crate::error::{Error, ErrorKind};
use std::fmt;
use std::io::Read;
use std::time::Duration;
use ureq::http::Uri;
use ureq::{Agent, Timeout};

/// Sends requests. [`UreqTransport`] is the real one; write another to send them some other way, or to
/// answer them in a test.
///
/// An implementation returns every answer that is HTTP as `Ok`, whatever its status; it follows no redirect,
/// it returns within [`Request::timeout`], and it gives [`ErrorKind::TooLarge`] rather than more than
/// [`Request::max_body`] bytes.
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// [`ErrorKind::Dns`], [`Connect`](ErrorKind::Connect), [`Tls`](ErrorKind::Tls),
    /// [`Timeout`](ErrorKind::Timeout), [`Closed`](ErrorKind::Closed), [`Protocol`](ErrorKind::Protocol),
    /// [`TooLarge`](ErrorKind::TooLarge). No secret of the request is in the error.
    fn send(&self, request: &Request<'_>) -> Result<Response, Error>;
}

/// One request, ready to be sent.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The absolute URL.
    pub url: &'a str,
    /// Headers beside `Host`, `Content-Length` and `Accept-Encoding`, which the transport sets.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body of a POST; `None` makes it a GET.
    pub body: Option<&'a [u8]>,
    /// How long the whole exchange may take, from name resolution to the last byte of the body.
    pub timeout: Duration,
    /// How many bytes of body are taken, decoded.
    pub max_body: usize,
    /// Whether the answer may come compressed.
    pub accept_gzip: bool,
}

impl fmt::Debug for Request<'_> {
    /// Method, URL and sizes: headers and body hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &if self.body.is_some() { "POST" } else { "GET" })
            .field("url", &self.url)
            .field("body_len", &self.body.map(<[u8]>::len))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// One answer, read whole.
#[derive(Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, as they came.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that name (case does not matter).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

impl fmt::Debug for Response {
    /// Status and size: headers and body may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How long connecting may take, TLS included: 5 s. Google answers in tens of milliseconds; a route that
/// is dead should leave time for another try.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest response header block taken: 32 KiB. Google's are under 2 KiB.
const MAX_HEADERS: usize = 32 * 1024;

/// Requests over ureq: HTTP/1.1, rustls, connections kept for 15 s.
///
/// Cloning shares the connections.
#[derive(Clone, Debug)]
pub struct UreqTransport {
    agent: Agent,
}

impl UreqTransport {
    /// With a fresh agent: webpki's root certificates, the proxy that the environment names.
    #[must_use]
    pub fn new() -> Self {
        Self { agent: Agent::new_with_defaults() }
    }

    /// With an agent of the caller's, for its proxy, root certificates and resolver. Redirects, time limits,
    /// status handling and caps stay this crate's, whatever the agent says.
    #[must_use]
    pub fn with_agent(agent: Agent) -> Self {
        Self { agent }
    }
}

impl Default for UreqTransport {
    fn default() -> Self {
        Self::new()
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: &Request<'_>) -> Result<Response, Error> {
        let host = host_of(request.url);
        let fail = |e: ureq::Error| sort(&e, host, request.timeout);
        let mut response = match request.body {
            Some(body) => with_rules(self.agent.post(request.url), request).send(body),
            None => with_rules(self.agent.get(request.url), request).call(),
        }
        .map_err(fail)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let mut response = Response {
            status: response.status().as_u16(),
            headers,
            body: {
                let mut body = Vec::new();
                let encoding =
                    response.headers().get("content-encoding").map(|v| v.as_bytes().to_ascii_lowercase());
                let reader = response.body_mut().as_reader();
                match encoding.as_deref() {
                    None | Some(b"identity") => read_capped(reader, &mut body, request),
                    #[cfg(feature = "gzip")]
                    Some(b"gzip") if request.accept_gzip => {
                        read_capped(flate2::read::MultiGzDecoder::new(reader), &mut body, request)
                    }
                    Some(_) => Err(Error::new(
                        ErrorKind::Protocol,
                        format!("{host} answered in an encoding that was not asked for"),
                    )),
                }?;
                body
            },
        };
        response.headers.retain(|(name, _)| name != "content-encoding");
        Ok(response)
    }
}

/// Sets on one request all that must hold whatever the agent's own configuration says.
fn with_rules<B>(builder: ureq::RequestBuilder<B>, request: &Request<'_>) -> ureq::RequestBuilder<B> {
    let mut builder = builder
        .config()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_response_header_size(MAX_HEADERS)
        .timeout_global(Some(request.timeout))
        .timeout_connect(Some(CONNECT_TIMEOUT.min(request.timeout)))
        .user_agent(concat!("shortway/", env!("CARGO_PKG_VERSION")))
        .build();
    let gzip = request.accept_gzip && cfg!(feature = "gzip");
    builder = builder.header("Accept-Encoding", if gzip { "gzip" } else { "identity" });
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    builder
}

fn read_capped(reader: impl Read, body: &mut Vec<u8>, request: &Request<'_>) -> Result<(), Error> {
    let host = host_of(request.url);
    let cap = request.max_body as u64;
    reader.take(cap + 1).read_to_end(body).map_err(|e| {
        if e.kind() == std::io::ErrorKind::InvalidData || e.kind() == std::io::ErrorKind::InvalidInput {
            Error::new(ErrorKind::Protocol, format!("the compressed answer of {host} is damaged"))
        } else {
            sort(&ureq::Error::from(e), host, request.timeout)
        }
    })?;
    if body.len() as u64 > cap {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("the answer of {host} is larger than {cap} bytes"),
        ));
    }
    Ok(())
}

/// Tells by what broke, in fixed words: ureq's own texts can hold whole URLs.
fn sort(error: &ureq::Error, host: &str, limit: Duration) -> Error {
    use std::io::ErrorKind as Io;
    let (kind, message) = match error {
        ureq::Error::HostNotFound => (ErrorKind::Dns, format!("cannot resolve {host}")),
        ureq::Error::Timeout(Timeout::Resolve) => {
            (ErrorKind::Timeout, format!("resolving {host} took too long"))
        }
        ureq::Error::Timeout(Timeout::Connect) => {
            (ErrorKind::Timeout, format!("connecting to {host} took too long"))
        }
        ureq::Error::Timeout(_) => {
            (ErrorKind::Timeout, format!("{host} did not answer within {} s", limit.as_secs_f32()))
        }
        ureq::Error::ConnectionFailed => (ErrorKind::Connect, format!("cannot connect to {host}")),
        ureq::Error::InvalidProxyUrl | ureq::Error::ConnectProxyFailed(_) => {
            (ErrorKind::Connect, format!("cannot connect to {host} through the proxy"))
        }
        ureq::Error::Tls(_) | ureq::Error::TlsRequired | ureq::Error::Rustls(_) | ureq::Error::Pem(_) => {
            (ErrorKind::Tls, format!("the TLS handshake with {host} failed"))
        }
        ureq::Error::LargeResponseHeader(..) => {
            (ErrorKind::TooLarge, format!("the header of the answer of {host} is too large"))
        }
        ureq::Error::Io(e) => match e.kind() {
            Io::InvalidData => (ErrorKind::Tls, format!("the TLS handshake with {host} failed")),
            Io::ConnectionRefused
            | Io::HostUnreachable
            | Io::NetworkUnreachable
            | Io::NetworkDown
            | Io::AddrNotAvailable => (ErrorKind::Connect, format!("cannot connect to {host}: {}", e.kind())),
            Io::UnexpectedEof
            | Io::ConnectionReset
            | Io::ConnectionAborted
            | Io::BrokenPipe
            | Io::NotConnected => {
                (ErrorKind::Closed, format!("{host} closed the connection before its answer was whole"))
            }
            Io::TimedOut | Io::WouldBlock => {
                (ErrorKind::Timeout, format!("{host} did not answer within {} s", limit.as_secs_f32()))
            }
            // A failed look-up arrives as an uncategorized error of the resolver.
            Io::Other => (ErrorKind::Connect, format!("cannot reach {host}")),
            _ => (ErrorKind::Dns, format!("cannot resolve {host}")),
        },
        _ => (ErrorKind::Protocol, format!("{host} did not answer in proper HTTP")),
    };
    Error::new(kind, message)
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest[..end].rsplit('@').next().unwrap_or_default()
}

/// Checks a URL that a caller named explicitly: https, or http to a loopback IP address; no userinfo, no
/// query, no fragment. `what` says what the URL is for.
pub(crate) fn check_endpoint(what: &str, url: &str) -> Result<(), Error> {
    let refuse = |reason: &str| {
        Err(Error::new(ErrorKind::Config, format!("the {what} URL {reason}"))
            .with_hint("give an https URL, or http with a loopback IP address such as http://127.0.0.1:8080"))
    };
    let Ok(uri) = url.parse::<Uri>() else { return refuse("is not a URL") };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refuse("is not absolute");
    };
    if authority.as_str().contains('@') {
        return refuse("has a user name or password in it");
    }
    if uri.query().is_some() || url.contains('#') {
        return refuse("has a query or fragment in it");
    }
    // `Uri` keeps ports that are no ports, and ureq then takes the default one in silence.
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok_and(|p| p > 0)) {
        return refuse("has a port that is none");
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback_ip(authority.host()) => Ok(()),
        "http" => refuse("is plain http to another machine"),
        _ => refuse("is neither https nor http"),
    }
}

fn is_loopback_ip(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
            check_endpoint("token endpoint", url).expect(url);
        }
    }

    #[test]
    fn endpoints_that_nobody_may_name() {
        for url in [
            "",
            "token",
            "//oauth2.googleapis.com/token",
            "http://oauth2.googleapis.com/token",
            "http://localhost:8080/token",
            "http://127.0.0.1.evil.example/token",
            "http://2130706433/token",
            "https://user@oauth2.googleapis.com/token",
            "https://user:pass@oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com:99999/token",
            "https://oauth2.googleapis.com:0/token",
            "https://oauth2.googleapis.com:/token",
            "https://oauth2.googleapis.com/token?x=1",
            "https://oauth2.googleapis.com/token#x",
            "file:///etc/passwd",
            "ftp://oauth2.googleapis.com/token",
            "https://oauth2.googleapis.com/to ken",
            "https://oauth2.googleapis.com/token\r\nX: y",
        ] {
            let error = check_endpoint("token endpoint", url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        }
    }
}
