//! A small HTTP/1.1 server on loopback: connections that stay open, bodies by length and in chunks, TLS.
//!
//! In: a function from a request to a reply. Out: the reply as it says itself, which may be late, cut short
//! or a lie. It takes no more of HTTP than clients of APIs send. RFC 9112; TLS by the version of rustls that
//! the HTTP client has.

mod channel;
mod connection;
mod reply;
mod request;
mod tls;

pub(super) use reply::{Reply, Way};
pub use request::FakeRequest;
pub(super) use request::decoded_pairs;
pub(super) use tls::Certificate;

use connection::Connection;
use rustls::ServerConfig;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Answers a request.
type Answering = dyn Fn(&FakeRequest) -> Reply + Send + Sync;

/// A port of 127.0.0.1 that is listened on.
pub(super) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Binds this port; a free one for 0.
    pub(super) fn new(port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves requests, over TLS if there is a certificate.
    pub(super) fn serve(
        self,
        certificate: Option<&Certificate>,
        answer: impl Fn(&FakeRequest) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let shared = Arc::new(Shared {
            tls: certificate.map(Certificate::config),
            answer: Box::new(answer),
            open: Mutex::default(),
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&shared);
        let accepting = thread::spawn(move || accept(&self.listener, &ours));
        Server { address: self.address, shared, accepting: Some(accepting) }
    }
}

/// A server, until dropped.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads of the connections share.
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    answer: Box<Answering>,
    open: Mutex<Open>,
    /// Told when the server stops and when a connection ends.
    changed: Condvar,
}

#[derive(Default)]
struct Open {
    stopped: bool,
    accepted: usize,
    connections: BTreeMap<usize, TcpStream>,
}

impl Server {
    /// How many connections were made to it.
    pub(super) fn connections(&self) -> usize {
        self.shared.open().accepted
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut open = self.shared.open();
        open.stopped = true;
        for connection in open.connections.values() {
            // One that the client has closed already is no fault.
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.shared.changed.notify_all();
        drop(open);
        // Wakes the thread that waits for connections.
        let woken = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(accepting) = self.accepting.take().filter(|_| woken.is_ok()) {
            let _ = accepting.join();
        }
        let mut open = self.shared.open();
        while !open.connections.is_empty() {
            open = self.shared.changed.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        let mut open = shared.open();
        if open.stopped {
            return;
        }
        let Ok(stream) = stream else { continue };
        let Ok(kept) = stream.try_clone() else { continue };
        let number = open.accepted;
        open.accepted += 1;
        open.connections.insert(number, kept);
        drop(open);
        let ended = Ended { shared: Arc::clone(shared), number };
        thread::spawn(move || {
            // A client that leaves in the middle ends its connection, and nothing else.
            let _ = Connection::new(stream, &ended.shared).and_then(Connection::serve);
        });
    }
}

/// Takes a connection off the list when its thread ends, also by a panic.
struct Ended {
    shared: Arc<Shared>,
    number: usize,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.shared.open().connections.remove(&self.number);
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// Waits this long; fails when the server stops.
    fn pause(&self, time: Duration) -> io::Result<()> {
        let start = Instant::now();
        let mut open = self.open();
        while !open.stopped {
            let Some(rest) = time.checked_sub(start.elapsed()).filter(|rest| !rest.is_zero()) else {
                return Ok(());
            };
            open = self.changed.wait_timeout(open, rest).unwrap_or_else(PoisonError::into_inner).0;
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
