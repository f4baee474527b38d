//! A connection, plain or under TLS, that can also be reset.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// What bytes travel through.
pub(super) enum Channel {
    Plain(Held),
    Tls(Box<StreamOwned<ServerConnection, Held>>),
}

impl Channel {
    pub(super) fn new(stream: TcpStream, tls: Option<Arc<ServerConfig>>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let held = Held { stream, is_holding: false };
        let Some(config) = tls else { return Ok(Self::Plain(held)) };
        let tls = ServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Self::Tls(Box::new(StreamOwned::new(tls, held))))
    }

    /// Takes the byte that is held back: from here on the connection ends in order.
    pub(super) fn settle(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(held) => held.settle(),
            Self::Tls(stream) => stream.sock.settle(),
        }
    }

    /// Ends the connection as HTTP and TLS want it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            stream.flush()?;
        }
        self.cut()
    }

    /// Sends no more, without a word of TLS.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        let held = match self {
            Self::Plain(held) => held,
            Self::Tls(stream) => &mut stream.sock,
        };
        held.stream.shutdown(Shutdown::Write)
    }
}

impl Read for Channel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(held) => held.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(held) => held.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(held) => held.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A connection that leaves the last byte it has read in the system's buffer until it reads again: a socket
/// that is closed with something unread in it is closed by a reset.
pub(super) struct Held {
    stream: TcpStream,
    is_holding: bool,
}

impl Held {
    fn settle(&mut self) -> io::Result<()> {
        if self.is_holding {
            self.stream.read_exact(&mut [0])?;
            self.is_holding = false;
        }
        Ok(())
    }
}

impl Read for Held {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.settle()?;
        let seen = self.stream.peek(buffer)?;
        if let Some(taken) = seen.checked_sub(1) {
            self.stream.read_exact(&mut buffer[..taken])?;
            self.is_holding = true;
        }
        Ok(seen)
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
