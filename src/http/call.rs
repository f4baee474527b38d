//! One request and its whole response, read under a limit and by a deadline.
//!
//! In: a transport, a request, limits. Out: a response of any status with its body in memory, decoded.

use super::{RequestBody, ResponseBody, Timeouts, Transport, Url};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
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

/// Between two looks at the clock so many bytes are read: 256 KiB, a millisecond of decompression.
const CHUNK: usize = 256 * 1024;

/// Sends `request` and reads the response. The body of a redirect is not read, that of a status from 400 on is cut at
/// 64 KiB.
pub(crate) fn call(
    transport: &dyn Transport,
    clock: &dyn Clock,
    mut request: Request<RequestBody<'_>>,
    limits: Limits,
) -> Result<Response<Vec<u8>>, Error> {
    let host = Url::of_request(request.uri())?.host().to_owned();
    let total = limits.deadline.saturating_duration_since(clock.monotonic());
    if total.is_zero() {
        return Err(too_late(&host));
    }
    set_headers(request.headers_mut(), limits.accept_gzip);
    let response = transport.send(request, Timeouts { total, head: limits.head })?;
    let (mut parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let max = if status >= 400 { limits.max_body.min(MAX_ERROR_BODY) } else { limits.max_body };
    let body = match status {
        300..=399 => Vec::new(),
        _ => read(body, &parts.headers, max, limits, clock, &host)?,
    };
    parts.headers.remove(CONTENT_ENCODING);
    let body = match body.len() > max {
        true if status >= 400 => body[..max].to_vec(),
        true => return Err(too_large(&host, max)),
        false => body,
    };
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
    let in_time = || match clock.monotonic() < limits.deadline {
        true => Ok(()),
        false => Err(too_late(host)),
    };
    match encoding.as_deref() {
        None | Some(b"identity" | b"") => read_up_to(body, max, length.unwrap_or(0), &in_time)
            .map_err(|fault| fault.into_error(host, "the response")),
        #[cfg(feature = "gzip")]
        Some(b"gzip") if limits.accept_gzip => {
            read_up_to(flate2::read::MultiGzDecoder::new(body), max, 0, &in_time)
                .map_err(|fault| fault.into_error(host, "the compressed response"))
        }
        Some(_) => Err(Error::new(
            ErrorKind::Protocol,
            format!("{host} sent a response in an encoding that was not requested"),
        )),
    }
}

/// What ends the reading of a body.
enum Fault {
    Read(io::Error),
    Late(Error),
}

impl Fault {
    fn into_error(self, host: &str, what: &str) -> Error {
        match self {
            Self::Late(error) => error,
            // The transport's own error travels inside.
            Self::Read(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
                Some(inner) => inner.clone(),
                None if error.kind() == io::ErrorKind::UnexpectedEof => Error::new(
                    ErrorKind::Closed,
                    format!("{host} closed the connection before {what} was complete"),
                ),
                None => Error::new(ErrorKind::Protocol, format!("{what} of {host} is damaged")),
            },
        }
    }
}

/// Reads in chunks into one buffer that grows by a quarter, so that it never costs much more than the body.
fn read_up_to(
    mut reader: impl Read,
    max: usize,
    length: usize,
    in_time: &dyn Fn() -> Result<(), Error>,
) -> Result<Vec<u8>, Fault> {
    // The end of a body is found by reading past it; that takes room, too.
    let mut body = Vec::with_capacity(length.min(max).saturating_add(SLACK));
    loop {
        let left = max.saturating_add(1) - body.len();
        if body.capacity() - body.len() < SLACK {
            body.reserve_exact((body.len() / 4).clamp(8 * SLACK, 64 << 20));
        }
        let room = (body.capacity() - body.len()).min(CHUNK).min(left);
        let read = reader.by_ref().take(room as u64).read_to_end(&mut body).map_err(Fault::Read)?;
        if read < room || body.len() > max {
            return Ok(body);
        }
        in_time().map_err(Fault::Late)?;
    }
}

/// Free room in the buffer below which it grows: 64 bytes.
const SLACK: usize = 64;

fn too_late(host: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("the deadline passed before the response of {host} was complete"))
}

fn too_large(host: &str, max: usize) -> Error {
    Error::new(ErrorKind::TooLarge, format!("the response of {host} is larger than {max} bytes"))
}
