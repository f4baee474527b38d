//! The bodies of requests and responses.

use std::fmt;
use std::io::{self, Read};

/// The body of a request. From `()`, `&[u8]`, `&Vec<u8>`, `&str` and `&String` by `into()`, from a reader by
/// [`RequestBody::reader`].
#[non_exhaustive]
pub enum RequestBody<'a> {
    /// There is no body.
    Empty,
    /// These bytes, which can be sent again.
    Bytes(&'a [u8]),
    /// Everything that the reader gives, sent once: such a request is never sent again.
    Reader {
        /// The content.
        reader: Box<dyn Read + 'a>,
        /// How many bytes are sent, for `Content-Length`; without it the body is sent in chunks. A reader
        /// that ends earlier is an error; what it has beyond them is not read.
        length: Option<u64>,
    },
}

impl<'a> RequestBody<'a> {
    /// Everything that `reader` gives, `length` bytes if that is known.
    pub fn reader(reader: impl Read + 'a, length: Option<u64>) -> Self {
        Self::Reader { reader: Box::new(reader), length }
    }

    /// The same body once more; `None` for a reader.
    #[must_use]
    pub fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Bytes(bytes) => Some(Self::Bytes(bytes)),
            Self::Reader { .. } => None,
        }
    }
}

impl From<()> for RequestBody<'_> {
    fn from((): ()) -> Self {
        Self::Empty
    }
}

impl<'a> From<&'a [u8]> for RequestBody<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for RequestBody<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for RequestBody<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl<'a> From<&'a String> for RequestBody<'a> {
    fn from(text: &'a String) -> Self {
        Self::Bytes(text.as_bytes())
    }
}

impl fmt::Debug for RequestBody<'_> {
    /// The form and the size: a body may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Reader { length, .. } => write!(f, "Reader(length: {length:?})"),
        }
    }
}

/// The body of a response: a reader that ends with the body.
///
/// What breaks on the way is an `io::Error` that holds an [`Error`](crate::Error) of this crate.
pub struct ResponseBody(Box<dyn Read + Send>);

impl ResponseBody {
    /// The body that `reader` gives.
    pub fn reader(reader: impl Read + Send + 'static) -> Self {
        Self(Box::new(reader))
    }
}

impl From<Vec<u8>> for ResponseBody {
    fn from(bytes: Vec<u8>) -> Self {
        Self::reader(io::Cursor::new(bytes))
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseBody(..)")
    }
}
