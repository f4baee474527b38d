//! Sends one request and gives back one bounded answer: the only module that talks HTTP for the crate.
//!
//! In: a [`Request`]. Out: a [`Response`] of any status, or an error sorted by what broke. Nothing is
//! retried here, no redirect is followed, every body is capped on decoded bytes, every request has a time
//! limit.

mod fault;
mod proxy;
mod transport;

pub use transport::UreqTransport;

use crate::error::{Error, ErrorKind};
use std::fmt;
use std::time::{Duration, SystemTime};
use ureq::http::Uri;

/// Sends requests. [`UreqTransport`] is the real one; write another to send them some other way, or to
/// answer them in a test.
///
/// An implementation returns every answer that is HTTP as `Ok`, whatever its status; it follows no redirect,
/// it returns within [`Request::timeout`], and it gives [`ErrorKind::TooLarge`] rather than more than
/// [`Request::max_body`] bytes; only the body of a status from 400 on is cut there instead.
pub trait Transport: Send + Sync {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// [`ErrorKind::Dns`], [`Connect`](ErrorKind::Connect), [`Tls`](ErrorKind::Tls),
    /// [`Timeout`](ErrorKind::Timeout), [`Closed`](ErrorKind::Closed), [`Protocol`](ErrorKind::Protocol),
    /// [`TooLarge`](ErrorKind::TooLarge). No secret of the request is in the error.
    fn send(&self, request: &Request<'_>) -> Result<Response, Error>;
}

/// One request, ready to be sent: a GET from [`Request::get`] or a POST from [`Request::post`], its fields then changed at
/// will.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The absolute URL.
    pub url: &'a str,
    /// Headers beside `Host`, `Content-Length` and `Accept-Encoding`, which the transport sets; it adds a `User-Agent` where
    /// there is none.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body of a POST; `None` makes it a GET.
    pub body: Option<&'a [u8]>,
    /// How long the whole exchange may take, from name resolution to the last byte of the body: 30 s by default.
    pub timeout: Duration,
    /// How many bytes of body are taken, decoded: 1 MiB by default.
    pub max_body: usize,
    /// Whether the answer may come compressed (with the feature `gzip`): not by default.
    pub accept_gzip: bool,
}

impl<'a> Request<'a> {
    /// A GET of `url`.
    #[must_use]
    pub fn get(url: &'a str) -> Self {
        Self {
            url,
            headers: &[],
            body: None,
            timeout: Duration::from_secs(30),
            max_body: 1 << 20,
            accept_gzip: false,
        }
    }

    /// A POST of `body` to `url`; say what it is with a header `Content-Type`.
    #[must_use]
    pub fn post(url: &'a str, body: &'a [u8]) -> Self {
        Self { body: Some(body), ..Self::get(url) }
    }

    /// With these headers.
    #[must_use]
    pub fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// With this time limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
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
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, as they came.
    pub headers: Vec<(String, String)>,
    /// The body, decoded.
    pub body: Vec<u8>,
}

impl Response {
    /// An answer, for a transport of one's own or a test.
    #[must_use]
    pub fn new(status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, headers, body }
    }

    /// The first header of that name (case does not matter).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The server's clock when it answered: the `Date` header, if it is one (RFC 9110 §6.6.1).
    #[must_use]
    pub fn date(&self) -> Option<SystemTime> {
        self.header("date").and_then(http_date)
    }

    /// When the server asks to come back: the `Retry-After` header, seconds or a date (RFC 9110 §10.2.3), as a time of
    /// this machine's clock, whose reading is `now`. A date is taken relative to the server's own. At most an hour
    /// ahead; what makes no sense, or stands there twice, is ignored.
    #[must_use]
    pub fn retry_after(&self, now: SystemTime) -> Option<SystemTime> {
        let mut values = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        let (Some((_, value)), None) = (values.next(), values.next()) else { return None };
        let value = value.trim();
        let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
            // A number with more digits than fit is just as much over the cap.
            Duration::from_secs(value.parse().unwrap_or(u64::MAX))
        } else {
            let date = http_date(value)?;
            date.duration_since(self.date().unwrap_or(now)).unwrap_or_default()
        };
        now.checked_add(wait.min(MAX_RETRY_AFTER))
    }
}

/// The longest wait that a server's `Retry-After` can ask for: 1 h.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A date in any of the three forms of RFC 9110 §5.6.7; none of them is longer than 40 characters.
fn http_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.get(..text.len().min(64))?.trim()).ok()
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

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest[..end].rsplit('@').next().unwrap_or_default()
}

/// Checks a URL that a caller named explicitly: https, or http to a loopback IP address; no userinfo, no
/// query, no fragment. `what` says what the URL is for.
pub(crate) fn check_endpoint(what: &str, url: &str) -> Result<(), Error> {
    if url.contains(['?', '#']) {
        return Err(bad_url(what, "has a query or fragment in it"));
    }
    check_secure(what, url)
}

/// Checks that a secret may be sent to a URL: https, or http to a loopback IP address; no userinfo.
pub(crate) fn check_secure(what: &str, url: &str) -> Result<(), Error> {
    let refuse = |reason: &str| Err(bad_url(what, reason));
    let Ok(uri) = url.parse::<Uri>() else { return refuse("is not a URL") };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return refuse("is not absolute");
    };
    if authority.as_str().contains('@') {
        return refuse("has a user name or password in it");
    }
    // `Uri` keeps ports that are no ports, and ureq then takes the default one in silence.
    let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(|p| p.parse::<u16>().is_ok_and(|p| p > 0)) {
        return refuse("has a port that is none");
    }
    match scheme {
        "https" => Ok(()),
        "http" if is_loopback_ip(authority.host()) => Ok(()),
        "http" if authority.host() == "localhost" => {
            refuse("is plain http to a name, which could be another machine: write 127.0.0.1 for localhost")
        }
        "http" => refuse("is plain http to another machine"),
        _ => refuse("is neither https nor http"),
    }
}

fn bad_url(what: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Config, format!("the {what} URL {reason}"))
        .with_hint("give an https URL, or http with a loopback IP address such as http://127.0.0.1:8080")
}

fn is_loopback_ip(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry_after(headers: &[(&str, &str)]) -> Option<u64> {
        let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let response = Response { status: 503, headers, body: Vec::new() };
        // 1994-11-06 08:49:37 UTC.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        response.retry_after(now).map(|at| at.duration_since(now).expect("never before now").as_secs())
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        for (value, seconds) in [
            ("3", 3),
            ("0", 0),
            ("3601", 3600),
            ("1000000000", 3600),
            ("99999999999999999999", 3600),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
            ("Sun Nov  6 08:49:47 1994", 10),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ] {
            assert_eq!(retry_after(&[("Retry-After", value)]), Some(seconds), "{value}");
        }
        for value in [
            "-1",
            "soon",
            "",
            "1.5",
            "3 s",
            "Sun, 06 Nov 1994",
            &"9".repeat(10_000)[..9_999].replace('9', "x"),
        ] {
            assert_eq!(retry_after(&[("Retry-After", value)]), None, "{value}");
        }
        assert_eq!(retry_after(&[]), None);
        assert_eq!(retry_after(&[("Retry-After", "1"), ("retry-after", "2")]), None);
        // A server whose clock is an hour ahead means ten seconds all the same.
        let ahead =
            [("Date", "Sun, 06 Nov 1994 09:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 09:49:47 GMT")];
        assert_eq!(retry_after(&ahead), Some(10));
    }

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
