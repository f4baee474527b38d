//! What the fake answers, before it is written: JSON pretty or compact, HTML, packed or not, with the headers
//! that go with it.

use crate::testing::server::{FakeRequest, Reply};
use serde_json::{Value, json};
#[cfg(feature = "gzip")]
use std::io::Read;
use std::time::SystemTime;

/// An answer before it is written.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    status: u16,
    body: Body,
    /// What the header says that asks for a token (RFC 6750 §3).
    challenge: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Body {
    Json(Value),
    Html(String),
    /// Bytes as they are, without a header.
    Bytes(Vec<u8>),
    #[cfg(feature = "gzip")]
    Packed(Vec<u8>),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), challenge: None }
    }

    pub(super) fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, body: Body::Bytes(body), challenge: None }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// A page as Google's front end has it.
    pub(super) fn error_page(status: u16) -> Self {
        let what = ureq::http::StatusCode::from_u16(status).ok();
        let what = what.and_then(|status| status.canonical_reason()).unwrap_or("Error");
        let page = format!("<!DOCTYPE html><title>Error {status} ({what})!!1</title>");
        Self { status, body: Body::Html(page), challenge: None }
    }

    /// An error as APIs word it: `google.rpc.Status`.
    pub(super) fn api(status: u16, code: &str, message: &str, reason: Option<&str>) -> Self {
        let mut error = json!({"code": status, "message": message, "status": code});
        if let Some(reason) = reason {
            error["details"] = json!([{
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": reason,
                "domain": "googleapis.com",
            }]);
        }
        Self::json(status, json!({"error": error}))
    }

    /// The API's answer to a request without a token.
    pub(super) fn missing_token() -> Self {
        let message = "Request is missing required authentication credential.";
        let answer = Self::api(401, "UNAUTHENTICATED", message, Some("CREDENTIALS_MISSING"));
        Self { challenge: Some("Bearer realm=\"https://accounts.google.com/\""), ..answer }
    }

    /// The API's answer to a request with a token that is not good (RFC 6750 §3.1).
    pub(super) fn invalid_token() -> Self {
        let message = "Request had invalid authentication credentials.";
        let challenge = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";
        Self { challenge: Some(challenge), ..Self::api(401, "UNAUTHENTICATED", message, None) }
    }

    /// Spaces, packed; members of gzip may follow one another (RFC 1952 §2.2).
    #[cfg(feature = "gzip")]
    pub(super) fn bomb(mebibytes: usize) -> Self {
        let member = compressed(&vec![b' '; 1 << 20]).unwrap_or_default();
        Self { status: 200, body: Body::Packed(member.repeat(mebibytes)), challenge: None }
    }

    /// The reply to a request, in the shape that it asks for, at `now`.
    pub(super) fn into_reply(self, request: &FakeRequest, now: SystemTime) -> Reply {
        let reply = match self.body {
            Body::Json(json) => {
                let is_pretty = request.parameter("prettyPrint").as_deref() != Some("false");
                let text = if is_pretty { format!("{json:#}") } else { json.to_string() };
                packed_if_asked(
                    Reply::new(self.status, text.into_bytes()).header("Content-Type", JSON),
                    request,
                )
            }
            Body::Html(html) => packed_if_asked(
                Reply::new(self.status, html.into_bytes()).header("Content-Type", HTML),
                request,
            ),
            Body::Bytes(body) => return Reply::new(self.status, body),
            #[cfg(feature = "gzip")]
            Body::Packed(body) => {
                Reply::new(self.status, body).header("Content-Type", JSON).header("Content-Encoding", "gzip")
            }
        };
        let reply = match self.challenge {
            Some(challenge) => reply.header("WWW-Authenticate", challenge),
            None => reply,
        };
        match http_date(now) {
            Some(date) => reply.header("Date", &date),
            None => reply,
        }
    }
}

/// The `Date` header; none for a year that the header cannot show.
fn http_date(now: SystemTime) -> Option<String> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let year_10000 = 253_402_300_800;
    (seconds < year_10000).then(|| httpdate::fmt_http_date(now))
}

const JSON: &str = "application/json; charset=UTF-8";
const HTML: &str = "text/html; charset=UTF-8";

/// Google packs only for a client that says gzip twice.
fn packed_if_asked(reply: Reply, request: &FakeRequest) -> Reply {
    let says_gzip = |name: &&str| request.header(name).is_some_and(|value| value.contains("gzip"));
    if !["Accept-Encoding", "User-Agent"].iter().all(says_gzip) {
        return reply;
    }
    match compressed(&reply.body) {
        Some(body) => Reply { body, ..reply }.header("Content-Encoding", "gzip"),
        None => reply,
    }
}

#[cfg(feature = "gzip")]
fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    let mut packed = Vec::new();
    flate2::read::GzEncoder::new(body, flate2::Compression::fast()).read_to_end(&mut packed).ok()?;
    Some(packed)
}

#[cfg(not(feature = "gzip"))]
fn compressed(_: &[u8]) -> Option<Vec<u8>> {
    None
}
