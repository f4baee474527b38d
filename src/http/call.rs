//! One request and its whole response, read under a limit and by a deadline.
//!
//! In: a transport, a request, limits. Out: a response of any status with its body in memory, decoded.

use super::fault::{Fault, Peer};
use super::{RequestBody, ResponseBody, Timeouts, Transport, Url};
use crate::clock::Clock;
use crate::error::Error;
use std::io::{self, Read};
use std::time::{Duration, Instant};
use ureq::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderValue, USER_AGENT};
use ureq::http::{HeaderMap, Request, Response};

/// How a response is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// When the body must be complete, by the monotonic clock.
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

/// Sends `request` and reads the response. The body of a redirect is not read, that of a status from 400 on
/// is cut at 64 KiB.
pub(crate) fn call(
    transport: &dyn Transport,
    clock: &dyn Clock,
    mut request: Request<RequestBody<'_>>,
    limits: Limits,
) -> Result<Response<Vec<u8>>, Error> {
    let host = Url::of_request(request.uri())?.place();
    let total = limits.deadline.saturating_duration_since(clock.monotonic());
    if total.is_zero() {
        return Err(Fault::DeadlinePassed(host).into());
    }
    set_headers(request.headers_mut(), limits.accept_gzip);
    let response = transport.send(request, Timeouts { total, head: limits.head })?;
    let (mut parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let max = if status >= 400 { limits.max_body.min(MAX_ERROR_BODY) } else { limits.max_body };
    let mut body = match status {
        300..=399 => Vec::new(),
        _ => read(body, &parts.headers, max, limits, clock, &host)?,
    };
    parts.headers.remove(CONTENT_ENCODING);
    if body.len() > max {
        if status < 400 {
            return Err(Fault::LargeBody(host, max).into());
        }
        body.truncate(max);
    }
    Ok(Response::from_parts(parts, body))
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

/// The body, decoded: at most one byte more than `max`, which tells that there is more.
fn read(
    body: ResponseBody,
    headers: &HeaderMap,
    max: usize,
    limits: Limits,
    clock: &dyn Clock,
    host: &str,
) -> Result<Vec<u8>, Error> {
    let encoding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let reading = Reading { max, limits, clock, host };
    match encoding.as_deref() {
        None | Some(b"identity" | b"") => reading.read(body, length.unwrap_or(0)),
        #[cfg(feature = "gzip")]
        Some(b"gzip") if limits.accept_gzip => reading.read(flate2::read::MultiGzDecoder::new(body), 0),
        Some(_) => Err(Fault::ContentCoding(host.to_owned()).into()),
    }
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
                Err(error) => return Err(self.broken(&error)),
            }
            if body.len() > self.max {
                return Ok(body);
            }
            if self.clock.monotonic() >= self.limits.deadline {
                return Err(Fault::DeadlinePassed(self.host.to_owned()).into());
            }
        }
    }

    /// What the error of a reader means. A transport's own error travels inside.
    fn broken(&self, error: &io::Error) -> Error {
        use io::ErrorKind as Io;
        let host = || self.host.to_owned();
        if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return error.clone();
        }
        match error.kind() {
            Io::UnexpectedEof | Io::ConnectionReset | Io::ConnectionAborted | Io::BrokenPipe => {
                Fault::Closed(Peer::Host(host())).into()
            }
            Io::TimedOut | Io::WouldBlock => Fault::DeadlinePassed(host()).into(),
            // The words of a decoder for content that it cannot decode.
            Io::InvalidData | Io::InvalidInput => Fault::DamagedBody(host()).into(),
            kind => Fault::Broken(Peer::Host(host()), kind).into(),
        }
    }
}

fn append(body: &mut Vec<u8>, piece: &[u8]) {
    if body.capacity() - body.len() < piece.len() {
        body.reserve_exact((body.len() / 4).min(MAX_GROWTH).max(piece.len()));
    }
    body.extend_from_slice(piece);
}
