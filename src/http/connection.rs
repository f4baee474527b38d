//! Marks connections that must not be used again, below ureq.
//!
//! ureq decides alone whether a connection is kept, and it keeps two that it should close: after a response
//! with both `Content-Length` and chunks (RFC 9112 §6.3), and after chunks whose size has a sign, which
//! another reader of the same bytes may take for something else. So each connection of our own agents carries
//! a [`Mark`]: the transport sets it when it sees such a response, and a marked connection says that it is
//! closed. And through a proxy there are two parties that can fail: the mark tells how far a connection came.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};

thread_local! {
    /// The connection that this thread used last.
    static USED: RefCell<Option<Mark>> = const { RefCell::new(None) };
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
            timeout: details.timeout,
            current_time: Arc::clone(&details.current_time),
            run_connector: Arc::clone(&details.run_connector),
            register_shutdown: Arc::clone(&details.register_shutdown),
        };
        let connection = self.0.connect(&details, None)?;
        let mark = Mark::default();
        // ureq makes the connection to a proxy with settings that name none; this one is in the tunnel.
        mark.0.tunnel.store(details.config.proxy().is_some(), Relaxed);
        Ok(connection.map(|inner| Marked { inner, mark, chunks: None, has_input: false }))
    }
}

/// A connection with its mark.
#[derive(Debug)]
pub(super) struct Marked {
    inner: Box<dyn Transport>,
    mark: Mark,
    chunks: Option<Chunks>,
    /// Whether something came.
    has_input: bool,
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
        self.chunks = None;
        // On a connection to a proxy, what follows its response to CONNECT is for the server.
        if self.has_input {
            self.mark.0.tunnel.store(true, Relaxed);
        }
        let sent = self.inner.transmit_output(amount, timeout);
        // After the call: a tunnel through a proxy is a connection in a connection, and the outer one counts.
        self.note_use();
        sent
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let seen = self.inner.buffers().input().len();
        let progress = self.inner.await_input(timeout);
        self.has_input |= matches!(progress, Ok(true));
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
