//! What a request must not have, looked at before it is sent.
//!
//! In: method and headers. Out: a fault that names what is wrong.

use super::fault::Fault;
use crate::error::Error;
use ureq::http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, HeaderName, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use ureq::http::{Method, Request};

/// Headers that the transport sets itself: with other values they would end a message in the wrong place,
/// send it to another host, or change what the connection is (RFC 9112 §6, §7; RFC 9110 §7.2, §7.6).
const FRAMING: [HeaderName; 7] = [CONTENT_LENGTH, TRANSFER_ENCODING, HOST, CONNECTION, TE, TRAILER, UPGRADE];

/// The methods that are sent. CONNECT makes a tunnel and is no request; TRACE sends back what it got, secrets
/// included (RFC 9110 §9.3.8).
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS];

/// Refuses methods that are not sent and headers that are the transport's.
pub(crate) fn check<B>(request: &Request<B>) -> Result<(), Error> {
    if !METHODS.contains(request.method()) {
        return Err(Fault::Method.into());
    }
    match request.headers().keys().find(|name| FRAMING.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Fault::FramingHeader(name.to_string()).into()),
    }
}
