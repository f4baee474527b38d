//! A raw server on loopback that plays a script: each connection gets a list of acts, until the server is
//! healed.
//!
//! It speaks no TLS of its own: [`Act::Upgrade`] takes a function that makes a TLS channel of a connection.
#![allow(dead_code, unreachable_pub, reason = "each program that takes this file in uses a part")]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What bytes travel through: the connection itself, or TLS over it.
pub trait Channel: Read + Write + Send {
    /// The end of the channel, before the connection is closed.
    ///
    /// # Errors
    /// When the client has left.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Channel for TcpStream {}

/// Makes another channel over a connection.
pub type Upgrade = Arc<dyn Fn(TcpStream) -> io::Result<Box<dyn Channel>> + Send + Sync>;

/// Status, further headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

/// Answers a request.
pub type Answering = Arc<dyn Fn(&Received) -> Answer + Send + Sync>;

/// Answers a request of which only the head was read, if it answers it so soon.
pub type Deciding = Arc<dyn Fn(&Received) -> Option<Answer> + Send + Sync>;

/// One act of the server on a connection. After the last one the connection is closed: with FIN if all that
/// came was read, else with RST.
#[derive(Clone)]
pub enum Act {
    /// Reads a whole request.
    Read,
    /// Reads the head of a request.
    ReadHead,
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
    /// Another channel from here on, such as TLS.
    Upgrade(Upgrade),
    /// The proper end of the channel. Without it the connection is just cut.
    End,
    Wait(Duration),
    /// Answers every request, until the client leaves.
    Answer(Answering),
    /// The same, but looks at the head first: refuses the request then and there, its body unread, or lets a
    /// client go on that asks (`Expect: 100-continue`).
    Decide(Deciding, Answering),
}

/// A request as it came.
#[derive(Clone, Debug, Default)]
pub struct Received {
    /// Method, target and version.
    pub line: String,
    pub headers: Vec<(String, String)>,
    /// The content; chunks are put together.
    pub body: Vec<u8>,
    /// All bytes as they came.
    pub raw: Vec<u8>,
}

impl Received {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What a good token endpoint answers.
#[must_use]
pub fn good(token: &str) -> Vec<u8> {
    let body = format!(r#"{{"access_token": "{token}", "expires_in": 3599, "token_type": "Bearer"}}"#);
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json";
    format!("{head}\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
}

/// The token of a healed server.
pub const GOOD: &str = "ya29.good-after-all";

pub struct Server {
    /// Host and port.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    healed: AtomicBool,
    connections: AtomicUsize,
    received: Mutex<Vec<Received>>,
    script: Box<dyn Fn(usize) -> Vec<Act> + Send + Sync>,
    /// What comes before the good answers of a healed server.
    opening: Vec<Act>,
}

impl Server {
    /// Plays `acts` on every connection.
    #[must_use]
    pub fn always(acts: Vec<Act>) -> Self {
        Self::start(move |_| acts.clone(), Vec::new())
    }

    /// Plays what `script` says for connection 0, 1, …; once healed, `opening` and then good answers.
    ///
    /// # Panics
    /// When there is no port.
    pub fn start(script: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static, opening: Vec<Act>) -> Self {
        Self::start_at("127.0.0.1:0", script, opening)
    }

    /// The same at this address.
    ///
    /// # Panics
    /// When the address is taken.
    pub fn start_at(
        address: &str,
        script: impl Fn(usize) -> Vec<Act> + Send + Sync + 'static,
        opening: Vec<Act>,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let shared = Arc::new(Shared {
            healed: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            received: Mutex::new(Vec::new()),
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

    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// From now on every new connection is answered well.
    pub fn heal(&self) {
        self.shared.healed.store(true, Ordering::SeqCst);
    }

    /// How many connections were made to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The requests that were read so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().expect("the log").clone()
    }

    /// The assertions that arrived, whole or in part.
    #[must_use]
    pub fn assertions(&self) -> Vec<String> {
        let texts = self.received();
        let texts = texts.iter().map(|r| String::from_utf8_lossy(&r.raw).into_owned());
        texts.filter_map(|t| t.split_once("&assertion=").map(|(_, a)| a.to_owned())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.heal();
    }
}

impl Shared {
    fn serve(&self, tcp: TcpStream, number: usize) -> io::Result<()> {
        tcp.set_nodelay(true)?;
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
            Act::Read => drop(self.read(&mut **channel, 0)?),
            Act::ReadHead => self.keep(&read_head(&mut **channel)?),
            Act::ReadAlmost => drop(self.read(&mut **channel, 1)?),
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
            Act::Upgrade(upgrade) => *channel = upgrade(tcp.try_clone()?)?,
            Act::End => channel.end()?,
            Act::Wait(time) => thread::sleep(*time),
            Act::Answer(answer) => loop {
                let request = self.read(&mut **channel, 0)?;
                send(channel, &message(&answer(&request)))?;
            },
            Act::Decide(decide, answer) => loop {
                let mut request = read_head(&mut **channel)?;
                if let Some(early) = decide(&request) {
                    self.keep(&request);
                    send(channel, &message(&early))?;
                    continue;
                }
                if request.header("expect") == Some("100-continue") {
                    send(channel, b"HTTP/1.1 100 Continue\r\n\r\n")?;
                }
                read_body(&mut **channel, &mut request, 0)?;
                self.keep(&request);
                send(channel, &message(&answer(&request)))?;
            },
        }
        Ok(())
    }

    /// Reads a request, all but its last `leave` bytes, and keeps it.
    fn read(&self, channel: &mut dyn Channel, leave: usize) -> io::Result<Received> {
        let mut request = read_head(channel)?;
        read_body(channel, &mut request, leave)?;
        self.keep(&request);
        Ok(request)
    }

    fn keep(&self, request: &Received) {
        self.received.lock().expect("the log").push(request.clone());
    }
}

fn read_head(channel: &mut dyn Channel) -> io::Result<Received> {
    let mut request = Received { raw: read_until(channel, b"\r\n\r\n")?, ..Received::default() };
    let head = String::from_utf8_lossy(&request.raw).into_owned();
    let mut lines = head.lines();
    request.line = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    request.headers = headers.map(|(n, v)| (n.to_owned(), v.trim().to_owned())).collect();
    Ok(request)
}

/// Reads the body of `request`, all but its last `leave` bytes.
fn read_body(channel: &mut dyn Channel, request: &mut Received, leave: usize) -> io::Result<()> {
    if request.header("transfer-encoding") == Some("chunked") {
        loop {
            let line = read_until(channel, b"\r\n")?;
            let size = String::from_utf8_lossy(&line).trim().to_owned();
            let mut chunk = vec![0; usize::from_str_radix(&size, 16).map_err(io::Error::other)? + 2];
            channel.read_exact(&mut chunk)?;
            if chunk.len() == 2 {
                break;
            }
            request.body.extend_from_slice(&chunk[..chunk.len() - 2]);
        }
    } else {
        let length = request.header("content-length").and_then(|v| v.parse().ok());
        request.body = vec![0; length.unwrap_or(0_usize).saturating_sub(leave)];
        channel.read_exact(&mut request.body)?;
    }
    request.raw.extend_from_slice(&request.body);
    Ok(())
}

fn read_until(channel: &mut dyn Channel, end: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let mut byte = [0];
        channel.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    Ok(bytes)
}

fn message((status, headers, body): &Answer) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
