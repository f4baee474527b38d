//! What `Authorized` adds to a request: nanoseconds per call over a transport that answers at once, beside
//! the cached token alone, and over real connections to this machine.
//!
//! `cargo bench --bench authorized`.
#![allow(missing_docs, reason = "a program")]

use shortway::http::{Request, RequestBody, Response, ResponseBody, Timeouts, Transport, UreqTransport};
use shortway::{Authorized, Cached, Error, Token, TokenKind, TokenSource};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const ROUNDS: usize = 101;
const CALLS: u32 = 2_000;

const URL: &str = "https://storage.googleapis.com/storage/v1/b?project=my-project";

/// Answers every request with 200 and a small body.
struct AtOnce;

impl Transport for AtOnce {
    fn send(&self, request: Request<RequestBody<'_>>, _: Timeouts) -> Result<Response<ResponseBody>, Error> {
        black_box(request);
        Ok(Response::new(b"{}".to_vec().into()))
    }
}

fn main() {
    let tokens = Cached::new(shortway::from_fn(|| {
        Token::new(TokenKind::Access, &"a".repeat(1024), SystemTime::now() + Duration::from_secs(40_000))
    }));
    let api = Authorized::new(tokens.clone(), AtOnce);
    let token = || drop(black_box(tokens.token()));
    let get = || drop(black_box(api.send(Request::get(URL).body(()).expect("a request"))));
    let post = || {
        let request = Request::post(URL).header("Content-Type", "application/json").body("{}");
        drop(black_box(api.send(request.expect("a request"))));
    };
    let url = server();
    let connected = Authorized::new(tokens.clone(), UreqTransport::new()).with_host(&url).expect("a host");
    let over_loopback = || {
        let response = connected.send(Request::get(&url).body(()).expect("a request"));
        assert_eq!(response.expect("a response").body(), b"{}");
    };
    println!("{:<24} {:>28}", "ns, min/median/max", "one thread");
    for (name, call) in [
        ("Cached::token", &token as &dyn Fn()),
        ("Authorized::send, GET", &get),
        ("the same, POST", &post),
        ("GET over loopback", &over_loopback),
    ] {
        let mut figures: Vec<f64> = (0..=ROUNDS).map(|_| time(call)).skip(1).collect();
        figures.sort_by(f64::total_cmp);
        let (min, median, max) = (figures[0], figures[figures.len() / 2], figures[figures.len() - 1]);
        println!("{name:<24} {:>28}", format!("{min:.0} / {median:.0} / {max:.0}"));
    }
}

/// Nanoseconds per call.
fn time(call: &dyn Fn()) -> f64 {
    let begin = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begin.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

/// A server that answers everything on one connection with 200 and a small body.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        stream.set_nodelay(true).expect("an option");
        while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").expect("sent");
        }
    });
    url
}
