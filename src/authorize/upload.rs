//! A request on its way, once or twice: whether its body can be sent again.
//!
//! In: a request. Out: the same request for each attempt. A body from a reader goes with `Expect:
//! 100-continue`, so that a server can refuse the token before the body is read (RFC 9110 §10.1.1).

use crate::error::{Error, ErrorKind};
use crate::http::{HeaderMap, HeaderValue, Method, Request, RequestBody, Response, StatusCode, Uri, header};
use std::io::{self, Read};
use std::mem;

/// A request, its body kept for another attempt.
pub(super) struct Upload<'a> {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    content: Content<'a>,
}

enum Content<'a> {
    /// In memory, or there is none: it can be sent any number of times.
    Kept(RequestBody<'a>),
    Stream {
        stream: Stream<'a>,
        length: Option<u64>,
        /// Whether the server is asked before the body is sent.
        expects: bool,
    },
}

/// A reader that knows whether something was read.
struct Stream<'a> {
    reader: Box<dyn Read + 'a>,
    is_begun: bool,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.is_begun = true;
        self.reader.read(buffer)
    }
}

impl<'a> Upload<'a> {
    pub(super) fn new(request: Request<RequestBody<'a>>) -> Self {
        let (parts, body) = request.into_parts();
        let content = match body {
            RequestBody::Reader { reader, length } => Content::Stream {
                stream: Stream { reader, is_begun: false },
                length,
                // Without content there is nothing to wait for.
                expects: length != Some(0),
            },
            kept => Content::Kept(kept),
        };
        Self { method: parts.method, uri: parts.uri, headers: parts.headers, content }
    }

    /// The request for an attempt.
    pub(super) fn request(&mut self) -> Request<RequestBody<'_>> {
        let mut headers = self.headers.clone();
        let body = match &mut self.content {
            Content::Kept(RequestBody::Bytes(bytes)) => RequestBody::Bytes(bytes),
            Content::Kept(_) => RequestBody::Empty,
            Content::Stream { stream, length, expects } => {
                if *expects {
                    headers.insert(header::EXPECT, HeaderValue::from_static("100-continue"));
                }
                RequestBody::reader(stream, *length)
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }

    /// Whether the request can be sent again: its body is in memory, or nothing of it was read.
    pub(super) fn can_be_repeated(&self) -> bool {
        match &self.content {
            Content::Kept(_) => true,
            Content::Stream { stream, .. } => !stream.is_begun,
        }
    }

    /// Whether this outcome comes of asking the server before the body is sent: the request is then repeated
    /// without. The server refuses to be asked (RFC 9110 §15.5.18), or gives leave in a form that ureq does
    /// not take, with headers.
    pub(super) fn stops_asking<B>(&mut self, outcome: &Result<Response<B>, Error>) -> bool {
        let Content::Stream { stream, expects, .. } = &mut self.content else { return false };
        let is_about_asking = match outcome {
            Ok(response) => response.status() == StatusCode::EXPECTATION_FAILED,
            Err(error) => error.kind() == ErrorKind::Protocol,
        };
        is_about_asking && !stream.is_begun && mem::take(expects)
    }
}
