//! A server that misbehaves by script: each connection is played a list of acts, until the server is healed.

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One act of the server on a connection. After the last one the connection is closed: with FIN if all that came was
/// read, else with RST.
#[derive(Clone)]
pub(crate) enum Act {
    /// Reads a whole request.
    Read,
    /// Reads a request but for its last byte: what closes the connection afterwards is a reset.
    ReadAlmost,
    /// Reads this many bytes.
    ReadBytes(usize),
    Send(Vec<u8>),
    /// Sends this again and again with pauses, until the client leaves.
    Drip(Vec<u8>, Duration),
    /// Sends this again and again at full speed, until the client leaves.
    Flood(Vec<u8>),
    /// Waits until the client closes the connection.
    AwaitLeaving,
    /// Does nothing, not even read, until the server is healed.
    Hang,
    /// The server's side of a TLS handshake, and TLS from here on.
    Tls(Arc<ServerConfig>),
    /// The proper end of TLS. Without it the connection is just cut.
    TlsEnd,
    Wait(Duration),
}

/// What a good token endpoint answers.
pub(crate) fn good(token: &str) -> Vec<u8> {
    let body = format!(r#"{{"access_token": "{token}", "expires_in": 3599, "token_type": "Bearer"}}"#);
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The token of a healed server.
pub(crate) const GOOD: &str = "ya29.good-after-all";

pub(crate) struct Server {
    /// Host and port.
    pub(crate) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    healed: AtomicBool,
    connections: AtomicUsize,
    requests: Mutex<Vec<Vec<u8>>>,
    script: Box<dyn Fn(usize) -> Vec<Act> + Send + Sync>,
    /// What comes before the good answers of a healed server.
    opening: Vec<Act>,
}

impl Server {
    /// Plays `acts` on every connection.
    pub(crate) fn always(acts: Vec<Act>) -> Self {
        Self::start(move |_| acts.clone(), Vec::new())
    }

    /// Plays what `script` says for connection 0, 1, …; once healed, `opening` and then good answers.
    pub(crate) fn start(
        script: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
        opening: Vec<Act>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let shared = Arc::new(Shared {
            healed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            requests: Mutex::new(Vec::new()),
            script: Box::new(script),
            opening,
        });
        let ours = Arc::clone(&shared);
        // The threads end with the process: a test's server needs no shorter life.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = ours.connections.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&ours);
                thread::spawn(move || {
                    let _ = shared.serve(stream, number);
                });
            }
        });
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// From now on every new connection is answered well.
    pub(crate) fn heal(&self) {
        self.shared.healed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// All that was read of requests, each with its head.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.shared.requests.lock().expect("the log").clone()
    }

    /// The assertions that arrived, whole or in part.
    pub(crate) fn assertions(&self) -> Vec<String> {
        let texts = self.requests();
        let texts = texts.iter().map(|r| String::from_utf8_lossy(r).into_owned());
        texts.filter_map(|t| t.split_once("&assertion=").map(|(_, a)| a.to_owned())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.heal();
    }
}

trait Channel: Read + Write {
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel for TcpStream {}

impl Channel for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

impl Shared {
    fn serve(&self, tcp: TcpStream, number: usize) -> io::Result<()> {
        let mut channel: Box<dyn Channel> = Box::new(tcp.try_clone()?);
        if self.healed.load(Ordering::SeqCst) {
            for act in &self.opening {
                self.play(act, &tcp, &mut channel)?;
            }
            loop {
                self.read(&mut *channel, 0)?;
                self.play(&Act::Send(good(GOOD)), &tcp, &mut channel)?;
            }
        }
        for act in (self.script)(number) {
            self.play(&act, &tcp, &mut channel)?;
        }
        Ok(())
    }

    fn play(&self, act: &Act, tcp: &TcpStream, channel: &mut Box<dyn Channel>) -> io::Result<()> {
        let send = |channel: &mut Box<dyn Channel>, bytes: &[u8]| {
            channel.write_all(bytes).and_then(|()| channel.flush())
        };
        match act {
            Act::Read => self.read(&mut **channel, 0)?,
            Act::ReadAlmost => self.read(&mut **channel, 1)?,
            Act::ReadBytes(count) => channel.read_exact(&mut vec![0; *count])?,
            Act::Send(bytes) => send(channel, bytes)?,
            Act::Drip(bytes, pause) => loop {
                send(channel, bytes)?;
                thread::sleep(*pause);
            },
            Act::Flood(bytes) => loop {
                send(channel, bytes)?;
            },
            Act::AwaitLeaving => while channel.read(&mut [0; 1000])? > 0 {},
            Act::Hang => {
                while !self.healed.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                }
            }
            Act::Tls(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                *channel = Box::new(StreamOwned::new(connection, tcp.try_clone()?));
            }
            Act::TlsEnd => channel.end()?,
            Act::Wait(time) => thread::sleep(*time),
        }
        Ok(())
    }

    /// Reads a request, all but its last `leave` bytes, and keeps it.
    fn read(&self, channel: &mut dyn Channel, leave: usize) -> io::Result<()> {
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            channel.read_exact(&mut byte)?;
            request.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok());
        let mut body = vec![0; length.unwrap_or(0_usize).saturating_sub(leave)];
        channel.read_exact(&mut body)?;
        request.extend_from_slice(&body);
        self.requests.lock().expect("the log").push(request);
        Ok(())
    }
}
