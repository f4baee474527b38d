//! A client on a raw connection, which sees what travels.

use shortway::testing::FakeGoogle;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// A request with a length and nothing else.
pub(crate) fn request(method: &str, target: &str, body: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

pub(crate) struct Connection {
    stream: TcpStream,
}

/// The head of an answer, and as much body as it says.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}

impl Connection {
    pub(crate) fn to(google: &FakeGoogle) -> Self {
        let url = google.api_url();
        let host = url.strip_prefix("http://").expect("plain HTTP");
        Self { stream: TcpStream::connect(host).expect("a connection") }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("a request");
    }

    pub(crate) fn head(&mut self) -> io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        Ok(String::from_utf8(head).expect("text"))
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head().expect("the head of an answer");
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("Content-Length").map_or(0, |v| v.parse().expect("a length"));
        answer.body = vec![0; length];
        self.stream.read_exact(&mut answer.body).expect("a body");
        answer
    }

    /// What comes until the connection ends, or how it breaks.
    pub(crate) fn rest(&mut self) -> Result<Vec<u8>, ErrorKind> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).map(|_| rest).map_err(|e| e.kind())
    }
}
