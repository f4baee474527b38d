//! What memory is spent: nothing on a hit, and little on an answer that unpacks to very much.
#![cfg(not(feature = "shuttle"))]

use flate2::Compression;
use flate2::write::GzEncoder;
use shortway::http::{Request, Transport, UreqTransport};
use shortway::{Ask, Cached, ErrorKind, Token, TokenKind, TokenSource};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

#[test]
fn hit_allocates_nothing() {
    let cached = Cached::new(shortway::from_fn(|| {
        Token::new(TokenKind::Access, &"a".repeat(1024), SystemTime::now() + Duration::from_secs(3599))
    }));
    // The first call fetches, the second copies into this thread's slot.
    let first = allocation_counter::measure(|| drop(cached.token()));
    let second = allocation_counter::measure(|| drop(cached.token()));
    assert!(first.count_total > 0 && second.count_total > 0, "the counter counts");
    let hits = allocation_counter::measure(|| {
        for _ in 0..1000 {
            drop(cached.token());
        }
    });
    assert_eq!(hits.count_total, 0);
}

/// A thread that polls a refresh which hangs, with deadlines in the past and in the next microseconds.
#[test]
fn waiters_that_left_cost_no_memory() {
    let (release, released) = mpsc::channel::<()>();
    let (started, running) = mpsc::channel();
    let gate = Mutex::new((started, released));
    let cached = Cached::new(shortway::from_fn(|| {
        let gate = gate.lock().unwrap();
        gate.0.send(()).unwrap();
        let _ = gate.1.recv();
        Token::new(TokenKind::Access, "late", SystemTime::now() + Duration::from_secs(3599))
    }));
    thread::scope(|scope| {
        scope.spawn(|| cached.token());
        running.recv().unwrap();
        let mut kinds = Vec::with_capacity(10_000);
        let polls = allocation_counter::measure(|| {
            for poll in 0..10_000 {
                let ask = Ask::new().with_deadline(Instant::now() + Duration::from_micros(poll % 3));
                kinds.push(cached.token_for(&ask).unwrap_err().kind());
            }
        });
        assert!(kinds.iter().all(|kind| *kind == ErrorKind::Timeout));
        assert!(polls.bytes_current < 1000, "{} bytes are left", polls.bytes_current);
        drop(release);
    });
}

/// Answers every request with `body`, said to be gzip; gives its URL.
fn serve_gzip(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            // The client hangs up in the middle of a body that is too large.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
        }
    });
    url
}

fn packed(length: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![b'a'; 1 << 20];
    for start in (0..length).step_by(block.len()) {
        encoder.write_all(&block[..block.len().min(length - start)]).unwrap();
    }
    encoder.finish().unwrap()
}

const CAP: usize = 1 << 20;

fn get(url: &str, accept_gzip: bool) -> (Result<usize, ErrorKind>, u64) {
    let mut outcome = Ok(0);
    let memory = allocation_counter::measure(|| {
        let mut request = Request::get(url);
        (request.max_body, request.accept_gzip) = (CAP, accept_gzip);
        outcome =
            UreqTransport::new().send(&request).map(|response| response.body.len()).map_err(|e| e.kind());
    });
    (outcome, memory.bytes_max)
}

/// With and without ureq's own gzip (feature `ureq-gzip`), which knows no cap: whoever unpacks, decoded bytes
/// count.
#[test]
fn gzip_bomb_costs_little() {
    let bomb = serve_gzip(packed(200 << 20));
    let (outcome, peak) = get(&bomb, true);
    assert_eq!(outcome, Err(ErrorKind::TooLarge));
    println!("ureq's own gzip {}: a bomb of 200 MiB cost {} KiB", cfg!(feature = "ureq-gzip"), peak >> 10);
    assert!(peak < 5 << 20, "{peak} bytes");

    let whole = serve_gzip(packed(CAP));
    assert_eq!(get(&whole, true).0, Ok(CAP), "just the cap");
    let over = serve_gzip(packed(CAP + 1));
    assert_eq!(get(&over, true).0, Err(ErrorKind::TooLarge), "one byte more");
}

/// Not asked for, it is refused as it comes, or unpacked by ureq under the same cap where ureq does that
/// unasked.
#[test]
fn gzip_that_was_not_asked_for_costs_little_too() {
    let bomb = serve_gzip(packed(200 << 20));
    let (outcome, peak) = get(&bomb, false);
    let expected = if cfg!(feature = "ureq-gzip") { ErrorKind::TooLarge } else { ErrorKind::Protocol };
    assert_eq!(outcome, Err(expected));
    assert!(peak < 5 << 20, "{peak} bytes");
}
