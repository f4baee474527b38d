//! Requests as they came: the head, and the body by its length or in chunks.

use serde_json::Value;
use std::fmt;
use std::io::{self, BufRead, Read};

/// A request as the fake received it.
///
/// ```
/// use shortway::testing::{FakeGoogle, Matching};
/// use shortway::{TokenSource, scope};
///
/// let google = FakeGoogle::builder().start()?;
/// let tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
///     .token_endpoint(google.token_url())
///     .build()?;
/// tokens.token()?;
/// let request = &google.requests(&Matching::token())[0];
/// assert_eq!((request.method(), request.path()), ("POST", "/token"));
/// assert_eq!(request.form("grant_type").as_deref(), Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FakeRequest {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    pub(super) must_close: bool,
}

/// Why there is no request.
pub(super) enum NoRequest {
    /// The client has closed the connection between two requests, or it broke.
    Closed,
    /// The client speaks no HTTP/1, or more than is taken here.
    Refused(u16),
}

impl From<io::Error> for NoRequest {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}

/// The longest head, and the longest line of a chunk: 64 KiB.
const MAX_HEAD: u64 = 64 << 10;

/// The largest body: 1 MiB.
const MAX_BODY: usize = 1 << 20;

impl FakeRequest {
    /// The method: `GET`, `POST`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Path and query as they came: `/v1beta/properties/1234:runReport?prettyPrint=false`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query without its question mark; empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The value of a header, by its name in any case; the first if there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers in their order.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body, chunks put together.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as JSON: null for none, a string for one that is no JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        match self.body() {
            [] => Value::Null,
            body => serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into()),
        }
    }

    /// A field of a form (`application/x-www-form-urlencoded`), decoded.
    #[must_use]
    pub fn form(&self, name: &str) -> Option<String> {
        parameter(std::str::from_utf8(&self.body).ok()?, name)
    }

    /// A parameter of the query, decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.query(), name)
    }
}

/// The body's length only: it may hold an assertion. Of the headers only the names.
impl fmt::Debug for FakeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("FakeRequest")
            .field("method", &self.method)
            .field("path", &self.path())
            .field("headers", &names)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

fn parameter(pairs: &str, name: &str) -> Option<String> {
    decoded_pairs(pairs).find(|(found, _)| found == name).map(|(_, value)| value)
}

/// The pairs of a form or a query, decoded (WHATWG URL §5.1).
pub(in crate::testing) fn decoded_pairs(text: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(code)) => {
                out.push(code);
                rest = &tail[2..];
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Reads the head of a request; `Closed` if the client sends none.
pub(super) fn read_head(reader: &mut impl BufRead) -> Result<FakeRequest, NoRequest> {
    let mut lines = reader.take(MAX_HEAD);
    let first = match line(&mut lines)?.as_str() {
        // An empty line before a request is skipped (RFC 9112 §2.2).
        "" => line(&mut lines)?,
        first => first.to_owned(),
    };
    let mut words = first.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(if first.is_empty() { NoRequest::Closed } else { NoRequest::Refused(400) });
    };
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !target.starts_with('/') {
        return Err(NoRequest::Refused(400));
    }
    let mut request = FakeRequest { method: method.into(), target: target.into(), ..FakeRequest::default() };
    loop {
        let line = line(&mut lines)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or(NoRequest::Refused(400))?;
        request.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let says_close = request.header("Connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
    request.must_close = says_close || version == "HTTP/1.0";
    Ok(request)
}

/// Reads the body of a request whose head is there.
pub(super) fn read_body(reader: &mut impl BufRead, request: &mut FakeRequest) -> Result<(), NoRequest> {
    let chunked = request.header("Transfer-Encoding").map(|v| v.eq_ignore_ascii_case("chunked"));
    let length = request.header("Content-Length").map(|v| v.parse::<usize>());
    match (chunked, length) {
        (Some(true), None) => request.body = read_chunks(reader)?,
        (None, Some(Ok(length))) if length <= MAX_BODY => {
            request.body = vec![0; length];
            reader.read_exact(&mut request.body)?;
        }
        (None, Some(Ok(_))) => return Err(NoRequest::Refused(413)),
        (None, None) => {}
        // An unknown coding, two ways to tell the length, or a length that is no number.
        _ => return Err(NoRequest::Refused(400)),
    }
    Ok(())
}

fn read_chunks(reader: &mut impl BufRead) -> Result<Vec<u8>, NoRequest> {
    let mut body = Vec::new();
    loop {
        let size = line(&mut reader.take(MAX_HEAD))?;
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| NoRequest::Refused(400))?;
        if size == 0 {
            // Trailers, up to the empty line.
            while !line(&mut reader.take(MAX_HEAD))?.is_empty() {}
            return Ok(body);
        }
        if size > MAX_BODY - body.len() {
            return Err(NoRequest::Refused(413));
        }
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..])?;
        if !line(&mut reader.take(MAX_HEAD))?.is_empty() {
            return Err(NoRequest::Refused(400));
        }
    }
}

/// A line without its end; one without an end is cut off, which is `Closed` or too long.
fn line(reader: &mut impl BufRead) -> Result<String, NoRequest> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    match bytes.pop() {
        Some(b'\n') => {}
        Some(_) if bytes.len() + 1 == MAX_HEAD as usize => return Err(NoRequest::Refused(431)),
        _ => return Err(NoRequest::Closed),
    }
    if bytes.last() == Some(&b'\r') {
        bytes.pop();
    }
    String::from_utf8(bytes).map_err(|_| NoRequest::Refused(400))
}
