//! One request and its response, decoded, under limits.
//!
//! In: a transport, a request, limits. Out: a response of any status, with its body in memory, or with a body
//! that the caller reads.

use super::fault::{Fault, Peer};
use super::{RequestBody, ResponseBody, Timeouts, Transport, Url};
use crate::clock::Clock;
use crate::error::Error;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use ureq::http::response::Parts;
use ureq::http::{HeaderMap, Method, Request, Response};

/// How a response is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// When the response must be complete, or its head be there, by the monotonic clock.
    pub(crate) deadline: Instant,
    /// How long to wait for the head of the response, if that is less.
    pub(crate) head: Option<Duration>,
    /// How many bytes of body are taken, decoded.
    pub(crate) max_body: usize,
    /// Whether the response may be compressed.
    pub(crate) accept_gzip: bool,
}

/// How many bytes of an error page are read: 64 KiB. Google's are below 4 KiB.
const MAX_ERROR_BODY: usize = 64 * 1024;

/// So many bytes are read at once, between two looks at the clock: 64 KiB, a fraction of a millisecond of
/// decompression.
const CHUNK: usize = 64 * 1024;

/// So much room is made for a body because its `Content-Length` says so: 4 MiB. The rest has to come first.
const MAX_TRUSTED: usize = 4 << 20;

/// The buffer of a body grows by a quarter, and at most by 64 MiB.
const MAX_GROWTH: usize = 64 << 20;

/// Sends `request` to `url`, its own, and reads the response. The body of a redirect is not read, that of a
/// status from 400 on is cut at 64 KiB.
pub(crate) fn call(
    transport: &dyn Transport,
    clock: &dyn Clock,
    (url, request): (&Url, Request<RequestBody<'_>>),
    limits: Limits,
) -> Result<Response<Vec<u8>>, Error> {
    let host = url.place();
    let Begun { mut parts, body, coding } = begin(transport, clock, (&host, request), limits, None)?;
    let status = parts.status.as_u16();
    let max = if status >= 400 { limits.max_body.min(MAX_ERROR_BODY) } else { limits.max_body };
    let length = parts.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let reading = Reading { max, limits, clock, host: &host };
    let mut body = match coding {
        _ if (300..=399).contains(&status) => Vec::new(),
        Coding::Identity => reading.read(body, length.unwrap_or(0))?,
        Coding::Gzip => reading.read(unpacked(body), 0)?,
    };
    coding.remove_from(&mut parts.headers);
    if body.len() > max {
        if status < 400 {
            return Err(Fault::LargeBody(host, max).into());
        }
        body.truncate(max);
    }
    Ok(Response::from_parts(parts, body))
}

/// Sends `request` to `url`, its own, and returns the response with a body that is still to be read: the
/// deadline ends with the head, and each read may take `read`. What breaks on the way is an `io::Error` with
/// an [`Error`] inside.
pub(crate) fn open(
    transport: &dyn Transport,
    clock: &dyn Clock,
    (url, request): (&Url, Request<RequestBody<'_>>),
    limits: Limits,
    read: Duration,
) -> Result<Response<ResponseBody>, Error> {
    let host = url.place();
    let Begun { mut parts, body, coding } = begin(transport, clock, (&host, request), limits, Some(read))?;
    let max = limits.max_body;
    let body = match coding {
        Coding::Identity => ResponseBody::reader(Opened { reader: body, host, max, left: max }),
        Coding::Gzip => ResponseBody::reader(Opened { reader: unpacked(body), host, max, left: max }),
    };
    coding.remove_from(&mut parts.headers);
    Ok(Response::from_parts(parts, body))
}

/// A response of which only the head is there.
struct Begun {
    parts: Parts,
    body: ResponseBody,
    coding: Coding,
}

fn begin(
    transport: &dyn Transport,
    clock: &dyn Clock,
    (host, mut request): (&str, Request<RequestBody<'_>>),
    limits: Limits,
    read: Option<Duration>,
) -> Result<Begun, Error> {
    let total = limits.deadline.saturating_duration_since(clock.monotonic());
    if total.is_zero() {
        return Err(Fault::DeadlinePassed(host.to_owned()).into());
    }
    set_headers(request.headers_mut(), limits.accept_gzip);
    let is_head = request.method() == Method::HEAD;
    let response = transport.send(request, Timeouts { total, head: limits.head, read })?;
    let (parts, body) = response.into_parts();
    // A response without content has the headers of the content that there would be (RFC 9110 §9.3.2).
    let is_empty = is_head || matches!(parts.status.as_u16(), 204 | 300..=399);
    let coding = match Coding::of(&parts.headers, limits.accept_gzip) {
        _ if is_empty => Coding::Identity,
        Some(coding) => coding,
        None => return Err(Fault::ContentCoding(host.to_owned()).into()),
    };
    Ok(Begun { parts, body, coding })
}

/// How the content of a response is coded (RFC 9110 §8.4).
#[derive(Clone, Copy, PartialEq)]
enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// The coding that `headers` tell; `None` for one that was not requested.
    fn of(headers: &HeaderMap, accept_gzip: bool) -> Option<Self> {
        let value = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
        match value.as_deref() {
            None | Some(b"identity" | b"") => Some(Self::Identity),
            Some(b"gzip") if accept_gzip && cfg!(feature = "gzip") => Some(Self::Gzip),
            Some(_) => None,
        }
    }

    /// Removes from `headers` what is no longer true of the decoded content.
    fn remove_from(self, headers: &mut HeaderMap) {
        if self != Self::Identity {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
    }
}

fn set_headers(headers: &mut HeaderMap, accept_gzip: bool) {
    let gzip = accept_gzip && cfg!(feature = "gzip");
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(if gzip { "gzip" } else { "identity" }));
    // Google compresses only for clients whose name says gzip as well:
    // https://developers.google.com/analytics/devguides/reporting/core/v4/performance
    let name = if gzip {
        concat!("shortway/", env!("CARGO_PKG_VERSION"), " (gzip)")
    } else {
        concat!("shortway/", env!("CARGO_PKG_VERSION"))
    };
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(name));
}

#[cfg(feature = "gzip")]
fn unpacked(body: ResponseBody) -> impl Read + Send {
    flate2::read::MultiGzDecoder::new(body)
}

/// Without the feature nothing is packed.
#[cfg(not(feature = "gzip"))]
fn unpacked(body: ResponseBody) -> impl Read + Send {
    body
}

/// How a body is read.
struct Reading<'a> {
    max: usize,
    limits: Limits,
    clock: &'a dyn Clock,
    host: &'a str,
}

impl Reading<'_> {
    /// Reads piece by piece into one buffer that grows by a quarter, so that it never costs much more than
    /// the body.
    fn read(&self, mut reader: impl Read, length: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::with_capacity(length.min(self.max.saturating_add(1)).min(MAX_TRUSTED));
        let mut piece = vec![0; CHUNK];
        loop {
            let room = CHUNK.min(self.max.saturating_add(1) - body.len());
            match reader.read(&mut piece[..room]) {
                Ok(0) => return Ok(body),
                Ok(read) => append(&mut body, &piece[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error, self.host)),
            }
            if body.len() > self.max {
                return Ok(body);
            }
            if self.clock.monotonic() >= self.limits.deadline {
                return Err(Fault::DeadlinePassed(self.host.to_owned()).into());
            }
        }
    }
}

/// What the error of a reader means. A transport's own error travels inside.
fn broken(error: &io::Error, host: &str) -> Error {
    use io::ErrorKind as Io;
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return error.clone();
    }
    let host = host.to_owned();
    match error.kind() {
        Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
            Fault::Closed(Peer::Host(host)).into()
        }
        Io::TimedOut | Io::WouldBlock => Fault::DeadlinePassed(host).into(),
        // The words of a decoder for content that it cannot decode.
        Io::InvalidData | Io::InvalidInput => Fault::DamagedBody(host).into(),
        kind => Fault::Broken(Peer::Host(host), kind).into(),
    }
}

fn append(body: &mut Vec<u8>, piece: &[u8]) {
    if body.capacity() - body.len() < piece.len() {
        body.reserve_exact((body.len() / 4).min(MAX_GROWTH).max(piece.len()));
    }
    body.extend_from_slice(piece);
}

/// A body that the caller reads: its faults are ours, and beyond `max` bytes it is one.
struct Opened<R> {
    reader: R,
    host: String,
    max: usize,
    /// How many bytes may still come.
    left: usize,
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // One byte more than may come tells that there is more.
        let room = buffer.len().min(self.left.saturating_add(1));
        let read = self.reader.read(&mut buffer[..room]).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => io::Error::other(broken(&error, &self.host)),
        })?;
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Err(io::Error::other(Error::from(Fault::LargeBody(self.host.clone(), self.max)))),
        }
        Ok(read)
    }
}
