//! Sends one request and gives back its response: the only module that speaks HTTP for the crate.
//!
//! The seam is [`Transport`]: a request of the `http` crate in, a response whose body is a reader out. Above
//! it `call` reads a body under a limit on decoded bytes and by a deadline; every token, API and report call
//! goes through that, and a response that the caller reads through `open`. Nothing is retried here, and no
//! redirect is followed.

mod agent;
mod body;
mod call;
mod check;
mod connection;
mod exchange;
mod fault;
mod no_proxy;
mod proxy;
mod resolver;
mod status;
mod stream;
mod times;
mod transport;
mod url;

pub use body::{RequestBody, ResponseBody};
pub(crate) use call::{Limits, call, open};
pub(crate) use check::check;
pub(crate) use status::{Class, class, is_html, redirect_target};
pub use times::{date, retry_after};
pub use transport::UreqTransport;
pub use ureq::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header,
};
pub use url::Url;

use crate::error::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

/// Sends requests. [`UreqTransport`] is the real one; write another to send them some other way, or to answer
/// them in a test.
///
/// The crate calls [`send`](Self::send) once for each attempt, from any thread, and reads the body of the
/// response in that thread. It sets the headers, `Accept-Encoding` and `User-Agent` included, and decodes
/// gzip itself. An implementation
///
/// - returns every HTTP response as `Ok`, whatever its status, as soon as its head is there;
/// - follows no redirect;
/// - ends the exchange, body included, within [`Timeouts::total`], and with [`ErrorKind::Timeout`] if there
///   is no head within [`Timeouts::head`]; with [`Timeouts::read`] the total ends with the head, and a read
///   of the body fails after that time;
/// - reads a body of the request only when the server is ready for it, if the request says `Expect:
///   100-continue`, or after a second, and not at all if a response comes instead (RFC 9110 §10.1.1);
/// - puts no secret of the request into an error.
///
/// ```
/// use shortway::Error;
/// use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport};
///
/// /// Answers every request with 204.
/// struct NoContent;
///
/// impl Transport for NoContent {
///     fn send(&self, _: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
///         Ok(Response::builder().status(204).body(Vec::new().into())?)
///     }
/// }
/// ```
pub trait Transport: Send + Sync {
    /// Sends `request` and returns the response when its head has arrived.
    ///
    /// # Errors
    /// [`ErrorKind::Dns`], [`Connect`](ErrorKind::Connect), [`Tls`](ErrorKind::Tls),
    /// [`Timeout`](ErrorKind::Timeout), [`Closed`](ErrorKind::Closed), [`Protocol`](ErrorKind::Protocol), and
    /// [`Config`](ErrorKind::Config) for a request that cannot be sent.
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error>;
}

/// How long an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// From name resolution to the last byte of the body.
    pub total: Duration,
    /// From the last byte of the request until the head of the response has arrived; `None`: no limit but the
    /// total.
    pub head: Option<Duration>,
    /// How long each read of the body of the response may take. With such a limit, `total` ends with the
    /// head; `None`: the body is part of the total.
    pub read: Option<Duration>,
}

impl Timeouts {
    /// `total` for the whole exchange.
    #[must_use]
    pub fn new(total: Duration) -> Self {
        Self { total, head: None, read: None }
    }

    /// The same with a limit for the head of the response.
    #[must_use]
    pub fn with_head(mut self, head: Duration) -> Self {
        self.head = Some(head);
        self
    }

    /// The same with a limit for each read of the body, which is no longer part of the total.
    #[must_use]
    pub fn with_read(mut self, read: Duration) -> Self {
        self.read = Some(read);
        self
    }
}

impl<T: Transport + ?Sized> Transport for &T {
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        (**self).send(request, timeouts)
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        (**self).send(request, timeouts)
    }
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(
        &self,
        request: Request<RequestBody<'_>>,
        timeouts: Timeouts,
    ) -> Result<Response<ResponseBody>, Error> {
        (**self).send(request, timeouts)
    }
}

impl From<ureq::http::Error> for Error {
    /// A request or response that the `http` crate refuses to build. Its values are not shown.
    fn from(_: ureq::http::Error) -> Self {
        Self::new(ErrorKind::Config, "the request cannot be sent: its URL or one of its headers is not valid")
    }
}
