//! A reply, and how it travels.

use std::time::Duration;

/// A reply before it is written.
#[derive(Clone, Debug)]
pub(in crate::testing) struct Reply {
    pub(in crate::testing) status: u16,
    pub(in crate::testing) headers: Vec<(String, String)>,
    pub(in crate::testing) body: Vec<u8>,
    /// How long it waits before its first byte.
    pub(in crate::testing) delay: Duration,
    pub(in crate::testing) way: Way,
}

/// How a reply travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::testing) enum Way {
    Whole,
    /// Not at all: the connection is reset.
    Reset,
    /// Half of the body, then the connection ends.
    Truncated,
    /// The body byte by byte, with this pause before each.
    Drip(Duration),
    /// Whole, under a length that is by this much wrong.
    WrongLength(i64),
}

impl Reply {
    pub(in crate::testing) fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body, delay: Duration::ZERO, way: Way::Whole }
    }

    pub(in crate::testing) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The head, with the length that it claims.
    pub(super) fn head(&self, closes: bool) -> String {
        let length = self.body.len() as i64;
        let length = if let Way::WrongLength(by) = self.way { (length + by).max(0) } else { length };
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if closes {
            head += "Connection: close\r\n";
        }
        head + &format!("Content-Length: {length}\r\n\r\n")
    }
}

/// What a status is called (RFC 9110 §15).
fn reason(status: u16) -> &'static str {
    let status = ureq::http::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or("Unknown")
}
