//! Marks connections that must not be used again, below ureq.
//!
//! ureq decides alone whether a connection is kept, and it keeps two that it should close: after a response
//! with both `Content-Length` and chunks (RFC 9112 §6.3), and after chunks whose size has a sign, which
//! another reader of the same bytes may take for something else. So each connection of our own agents carries
//! a [`Mark`]: the transport sets it when it sees such a response, and a marked connection says that it is
//! closed. And through a proxy there are two parties that can fail: the mark tells how far a connection came.
//!
//! ureq knows no limit that ends with the head of the response: the deadline of a head is held here too.

use std::cell::{Cell, RefCell};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use ureq::Timeout;
use ureq::unversioned::transport::time;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

thread_local! {
    /// The connection that this thread used last.
    static USED: RefCell<Option<Mark>> = const { RefCell::new(None) };
    /// When the head of the response must be there that this thread waits for.
    static HEAD_BY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The deadline of the head that this thread waits for, as long as this lives.
pub(super) struct HeadBy {
    /// The one of the exchange around this one: a body that is sent may come from another response.
    outer: Option<Instant>,
}

impl HeadBy {
    pub(super) fn set(deadline: Option<Instant>) -> Self {
        Self { outer: HEAD_BY.replace(deadline) }
    }
}

impl Drop for HeadBy {
    fn drop(&mut self) {
        HEAD_BY.set(self.outer);
    }
}

/// What the transport says about a connection while ureq holds it.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// Not to be used again.
    closing: AtomicBool,
    /// The body that comes next is in chunks: they are watched.
    watched: AtomicBool,
    /// The size of a chunk is not a plain number.
    damaged: AtomicBool,
    /// What is sent goes through the tunnel of a proxy: CONNECT is over.
    tunnel: AtomicBool,
    /// How long each read of the body that comes next may take, in milliseconds; 0: as ureq says.
    read: AtomicU64,
}

impl Mark {
    /// Forgets which connection this thread used.
    pub(super) fn reset() {
        USED.set(None);
    }

    /// The connection that this thread used since the [reset](Self::reset).
    pub(super) fn of_this_thread() -> Option<Self> {
        USED.take()
    }

    /// Closes the connection after the response.
    pub(super) fn close(&self) {
        self.0.closing.store(true, Relaxed);
    }

    /// Watches the chunks of the body that begins here.
    pub(super) fn watch_chunks(&self) {
        self.0.watched.store(true, Relaxed);
    }

    /// Whether a chunk was seen that is not as RFC 9112 §7.1 has it.
    pub(super) fn is_damaged(&self) -> bool {
        self.0.damaged.load(Relaxed)
    }

    /// Limits each read of the body that begins here, and nothing else.
    pub(super) fn limit_reads(&self, limit: Duration) {
        self.0.read.store(u64::try_from(limit.as_millis()).unwrap_or(u64::MAX).max(1), Relaxed);
    }

    /// Whether the proxy has opened its tunnel. Of use only where there is a proxy.
    pub(super) fn is_past_proxy(&self) -> bool {
        self.0.tunnel.load(Relaxed)
    }
}

/// ureq's own connector, with a mark on each connection.
#[derive(Debug, Default)]
pub(super) struct Marking(DefaultConnector);

impl Connector<()> for Marking {
    type Out = Marked;

    fn connect(&self, details: &ConnectionDetails, _: Option<()>) -> Result<Option<Marked>, ureq::Error> {
        // No request changes the TLS settings of our agents. As settings of the agent they are read once, and
        // TLS sessions are resumed; as settings of the request they would be read for each connection.
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: false,
            resolver: details.resolver,
            now: details.now,
            timeout: by_deadline(details.timeout),
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        let connection = self.0.connect(&details, None)?;
        let mark = Mark::default();
        // ureq makes the connection to a proxy with settings that name none; this one is in the tunnel.
        mark.0.tunnel.store(details.config.proxy().is_some(), Relaxed);
        Ok(connection.map(|inner| Marked { inner, mark, chunks: None, has_input: false, has_news: false }))
    }
}

/// At most until the head must be there.
fn by_deadline(timeout: NextTimeout) -> NextTimeout {
    let Some(deadline) = HEAD_BY.get() else { return timeout };
    let left = deadline.saturating_duration_since(Instant::now()).into();
    // ureq takes the end of this wait for leave to go on; the next wait then has no time at all.
    let reason = if timeout.reason == Timeout::Await100 { timeout.reason } else { Timeout::Global };
    if left < timeout.after { NextTimeout { after: left, reason, ..timeout } } else { timeout }
}

/// A connection with its mark.
#[derive(Debug)]
pub(super) struct Marked {
    inner: Box<dyn Transport>,
    mark: Mark,
    chunks: Option<Chunks>,
    /// Whether something came.
    has_input: bool,
    /// Whether something came since ureq was last told to look at what is there.
    has_news: bool,
}

impl Marked {
    fn note_use(&self) {
        USED.set(Some(self.mark.clone()));
    }

    /// Reads on in the chunks: `seen` bytes of the input were read before.
    fn follow(&mut self, seen: usize) {
        let Some(chunks) = &mut self.chunks else { return };
        let new = self.inner.buffers().input().get(seen..).unwrap_or_default();
        if !chunks.follow(new) {
            self.mark.close();
            self.mark.0.damaged.store(true, Relaxed);
        }
    }
}

impl Transport for Marked {
    fn buffers(&mut self) -> &mut dyn Buffers {
        if self.mark.0.watched.swap(false, Relaxed) {
            // What came together with the head is in the buffer already.
            self.chunks = Some(Chunks::Size(Vec::new()));
            self.follow(0);
        }
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        // A request begins: what is still watched for had no body, as after HEAD.
        self.mark.0.watched.store(false, Relaxed);
        self.mark.0.read.store(0, Relaxed);
        self.chunks = None;
        // On a connection to a proxy, what follows its response to CONNECT is for the server.
        if self.has_input {
            self.mark.0.tunnel.store(true, Relaxed);
        }
        let sent = self.inner.transmit_output(amount, by_deadline(timeout));
        // After the call: a tunnel through a proxy is a connection in a connection, and the outer one counts.
        self.note_use();
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        // ureq looks at a response that comes instead of leave to send a body only when more comes, and a
        // server that keeps the connection sends no more: a head that is complete is shown once more.
        if mem::take(&mut self.has_news) && has_head(self.inner.buffers().input()) {
            return Ok(true);
        }
        let seen = self.inner.buffers().input().len();
        let timeout = match self.mark.0.read.load(Relaxed) {
            0 => by_deadline(timeout),
            millis => NextTimeout {
                after: time::Duration::NotHappening,
                per_read: Some(Duration::from_millis(millis).into()),
                ..timeout
            },
        };
        let progress = self.inner.await_input(timeout);
        self.has_news = matches!(progress, Ok(true));
        self.has_input |= self.has_news;
        self.note_use();
        self.follow(seen);
        progress
    }

    fn is_open(&mut self) -> bool {
        !self.mark.0.closing.load(Relaxed) && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Whether the head of a message is complete in `bytes`: a line without content (RFC 9112 §2.2).
fn has_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|end| end == b"\n\r\n")
}

/// How far the chunks of a body were followed (RFC 9112 §7.1). ureq decodes them; here only the sizes are
/// looked at.
#[derive(Debug)]
enum Chunks {
    /// In the line with a size: its bytes so far.
    Size(Vec<u8>),
    /// In the content and its line end: this many bytes are left.
    Content(usize),
    /// After the last chunk, or where ureq finds a fault of its own.
    End,
}

/// The longest line with a size that ureq takes: 20 bytes.
const MAX_LINE: usize = 20;

impl Chunks {
    /// Follows `bytes`; `false` where a size does not begin with a digit.
    fn follow(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self {
                Self::End => return true,
                Self::Content(0) => *self = Self::Size(Vec::new()),
                Self::Content(left) => {
                    let skipped = bytes.len().min(*left);
                    *left -= skipped;
                    bytes = &bytes[skipped..];
                }
                Self::Size(line) if byte == b'\n' => {
                    if !line.first().is_some_and(u8::is_ascii_hexdigit) {
                        return false;
                    }
                    *self = match size(line) {
                        None | Some(0) => Self::End,
                        Some(size) => Self::Content(size.saturating_add(2)),
                    };
                    bytes = rest;
                }
                Self::Size(line) if line.len() > MAX_LINE => *self = Self::End,
                Self::Size(line) => {
                    line.push(byte);
                    bytes = rest;
                }
            }
        }
        true
    }
}

/// The size in a line: its leading hexadecimal digits.
fn size(line: &[u8]) -> Option<usize> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    usize::from_str_radix(str::from_utf8(&line[..digits]).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_followed_however_they_are_cut() {
        let sound = b"5\r\nab+\r\n\r\nA;x=+y\r\n+5\r\n+5\r\n+5\r\n0\r\n\r\n+trailing\r\n";
        let signed = b"5\r\nabcde\r\n+5\r\nabcde\r\n0\r\n\r\n";
        for step in 1..sound.len() {
            let mut chunks = Chunks::Size(Vec::new());
            assert!(sound.chunks(step).all(|piece| chunks.follow(piece)), "{step}");
            let mut chunks = Chunks::Size(Vec::new());
            assert!(!signed.chunks(step).all(|piece| chunks.follow(piece)), "{step}");
        }
    }
}
