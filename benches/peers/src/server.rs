//! A token endpoint on loopback: speaks as much HTTP/1.1 as the clients here need, and counts.

use crate::Result;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How many characters a token has: 1024, as many as a service account's.
pub const TOKEN_LENGTH: usize = 1024;

/// How long a token lasts unless a run wants it shorter: 3599 s, as Google's.
pub const LIFETIME: Duration = Duration::from_secs(3599);

/// A running token endpoint; it runs until the program ends.
pub struct Server {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    requests: AtomicU64,
    delay_ms: AtomicU64,
    lifetime_s: AtomicU64,
}

impl Server {
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/token", listener.local_addr()?);
        let shared = Arc::new(Shared {
            requests: AtomicU64::new(0),
            delay_ms: AtomicU64::new(0),
            lifetime_s: AtomicU64::new(LIFETIME.as_secs()),
        });
        let server = Self { url, shared: Arc::clone(&shared) };
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A connection ends when the client closes it, and an error here is seen there.
                thread::spawn(move || shared.serve(&connection));
            }
        });
        Ok(server)
    }

    /// Where tokens are traded.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many token requests came in so far.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// From now on answers come this late.
    pub fn answer_after(&self, delay: Duration) {
        self.shared.delay_ms.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    /// From now on tokens last this long, in whole seconds.
    pub fn lifetime(&self, lifetime: Duration) {
        self.shared.lifetime_s.store(lifetime.as_secs(), Ordering::SeqCst);
    }
}

impl Shared {
    /// Answers requests until the client closes the connection.
    fn serve(&self, connection: &TcpStream) -> std::io::Result<()> {
        connection.set_nodelay(true)?;
        let mut reader = BufReader::new(connection);
        while read_request(&mut reader)?.is_some() {
            let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
            thread::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst)));
            let body = format!(
                r#"{{"access_token":"ya29.{number:0width$}","expires_in":{},"token_type":"Bearer"}}"#,
                self.lifetime_s.load(Ordering::SeqCst),
                width = TOKEN_LENGTH - "ya29.".len(),
            );
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8";
            let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            (&*connection).write_all(answer.as_bytes())?;
        }
        Ok(())
    }
}

/// Reads a request to its end, and gives its body; none when there is no request.
pub fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Vec<u8>>> {
    let mut line = String::new();
    let mut length = 0;
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().unwrap_or(0);
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some(body))
}
