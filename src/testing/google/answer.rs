//! What the fake answers, before it is written: JSON pretty or compact, HTML, packed or not, with the headers
//! that go with it.

use serde_json::{Value, json};
#[cfg(feature = "gzip")]
use std::io::Read;
use tiny_http::{Header, Response};

/// An answer before it is written.
pub(super) struct Answer {
    status: u16,
    body: Body,
    /// Whether to say that the token is invalid, in the header that RFC 6750 has for it.
    pub(super) challenge: bool,
}

enum Body {
    Json(Value),
    Html(&'static str),
}

impl Answer {
    pub(super) fn json(status: u16, body: Value) -> Self {
        Self { status, body: Body::Json(body), challenge: false }
    }

    pub(super) fn html(status: u16, body: &'static str) -> Self {
        Self { status, body: Body::Html(body), challenge: false }
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

    pub(super) fn into_response(self, pretty: bool, gzip: bool) -> Response<std::io::Cursor<Vec<u8>>> {
        let (content_type, mut body) = match self.body {
            Body::Json(json) => {
                let text = if pretty { format!("{json:#}") } else { json.to_string() };
                ("application/json; charset=UTF-8", text.into_bytes())
            }
            Body::Html(html) => ("text/html; charset=UTF-8", html.as_bytes().to_vec()),
        };
        let mut headers = vec![("Content-Type", content_type)];
        if let Some(packed) = gzip.then(|| compressed(&body)).flatten() {
            body = packed;
            headers.push(("Content-Encoding", "gzip"));
        }
        if self.challenge {
            headers.push((
                "WWW-Authenticate",
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            ));
        }
        let mut response = Response::from_data(body).with_status_code(self.status);
        for (name, value) in headers {
            if let Ok(header) = Header::from_bytes(name, value) {
                response.add_header(header);
            }
        }
        response
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
