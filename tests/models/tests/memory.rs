//! What a response costs in memory: never more than twice its decoded size, whatever its JSON holds, and next
//! to nothing where it is streamed.
//!
//! The counter counts what the calling thread has allocated, as the allocator sees it: a buffer that grows in
//! place is counted once, at its new size.
#![cfg(not(feature = "shuttle"))]

#[path = "../../util/endpoint.rs"]
mod endpoint;
#[path = "../../util/server.rs"]
mod server;

use endpoint::Endpoint;
use flate2::Compression;
use flate2::write::GzEncoder;
use shortway::analytics::{Analytics, DateRange, ReportRequest};
use shortway::http::{Request, RequestBody, UreqTransport};
use shortway::{Authorized, Error, ErrorKind, RetryPolicy, Token, TokenKind, TokenSource};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime};

struct Counting;

thread_local! {
    /// Bytes allocated by this thread and not yet freed, and the most that it was.
    static BYTES: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // At the end of a thread there is nothing to count in.
    let _ = BYTES.try_with(|counted| {
        let now = counted.get().0 + bytes;
        counted.set((now, counted.get().1.max(now)));
    });
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `work` gives, and how many bytes this thread had at most meanwhile.
fn peak<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let before = BYTES.get().0;
    BYTES.set((before, before));
    let result = work();
    (result, (BYTES.get().1 - before) as usize)
}

/// The size of a response: 64 MiB.
const SIZE: usize = 64 << 20;

/// `SIZE` bytes of JSON: `before`, an array of small values, `after`.
fn json(before: &str, after: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(SIZE);
    body.extend_from_slice(before.as_bytes());
    while body.len() + after.len() + 2 < SIZE {
        body.extend_from_slice(b"0,");
    }
    body.push(b'0');
    body.extend_from_slice(after.as_bytes());
    body
}

fn packed(body: &[u8]) -> Vec<u8> {
    packed_pieces(&[body])
}

fn packed_pieces(pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for piece in pieces {
        encoder.write_all(piece).expect("packed");
    }
    encoder.finish().expect("packed")
}

fn tokens() -> impl TokenSource + 'static {
    shortway::from_fn(|| {
        let end = SystemTime::now() + Duration::from_secs(3600);
        Token::new(TokenKind::Access, "ya29.token", end)
    })
}

/// The peaks of an API call and of a report whose response has this status and body, plain and compressed.
fn peaks(status: u16, body: &[u8]) -> Vec<(String, usize)> {
    let mut peaks = Vec::new();
    for encoding in ["identity", "gzip"] {
        let body = if encoding == "gzip" { packed(body) } else { body.to_vec() };
        let server =
            Endpoint::start(move |_| (status, vec![("Content-Encoding", encoding.into())], body.clone()));
        let api = Authorized::new(tokens(), UreqTransport::new())
            .with_host(&server.url)
            .expect("a host")
            .with_gzip(true)
            .with_max_body(2 * SIZE)
            .with_timeout(Duration::from_secs(300));
        let (outcome, bytes) = peak(|| {
            let request = Request::get(&server.url).body(()).expect("a request");
            api.send(request).map(|response| response.body().len())
        });
        println!("{status} {encoding}, an API call: {:.2} MiB, {outcome:?}", bytes as f64 / 1048576.0);
        peaks.push((format!("{status} {encoding}, an API call"), bytes));

        let analytics = Analytics::new(tokens())
            .with_endpoint(&server.url)
            .expect("an endpoint")
            .with_max_body(2 * SIZE)
            .with_timeout(Duration::from_secs(300))
            .with_retry(RetryPolicy::NONE);
        let request = ReportRequest::new().dates(DateRange::last_days(1)).metrics(["sessions"]);
        let (outcome, bytes) = peak(|| {
            let report: Result<_, Error> = analytics.property(1234).run_report(&request);
            report.map(|report| report.len()).map_err(|error| error.to_string())
        });
        println!("{status} {encoding}, a report: {:.2} MiB, {outcome:?}", bytes as f64 / 1048576.0);
        peaks.push((format!("{status} {encoding}, a report"), bytes));
    }
    peaks
}

#[test]
fn error_page_costs_no_more_than_what_is_read_of_it() {
    let body = json(
        r#"{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": ["#,
        "]}}",
    );
    for status in [400, 403, 503] {
        for (name, bytes) in peaks(status, &body) {
            assert!(bytes < 1 << 20, "{name}: {bytes} bytes");
        }
    }
}

#[test]
fn success_with_unknown_parts_costs_at_most_twice_its_size() {
    for (before, after) in [
        (r#"{"rowCount": 0, "unknown": ["#, "]}"),
        (r#"{"rowCount": 0, "metadata": {"samplingMetadatas": [{"samplesReadCount": ["#, "]}]}}"),
        (r#"{"rowCount": 0, "propertyQuota": {"tokensPerDay": {"consumed": ["#, "]}}}"),
    ] {
        println!("{before}");
        for (name, bytes) in peaks(200, &json(before, after)) {
            assert!(bytes <= 2 * SIZE, "{name}: {bytes} bytes, {before}");
        }
    }
}

/// The largest body that is taken in the tests of bombs: 1 MiB.
const CAP: usize = 1 << 20;

/// How a call ends whose response is `body`, said to be gzip, and what it costs.
fn get_packed(body: Vec<u8>, accept_gzip: bool) -> (Result<usize, ErrorKind>, usize) {
    let server = Endpoint::start(move |_| (200, vec![("Content-Encoding", "gzip".into())], body.clone()));
    let api = Authorized::new(tokens(), UreqTransport::new()).with_host(&server.url).expect("a host");
    let api = api.with_gzip(accept_gzip).with_max_body(CAP);
    let request = Request::get(&server.url).body(()).expect("a request");
    peak(|| api.send(request).map(|response| response.body().len()).map_err(|error| error.kind()))
}

/// With and without ureq's own gzip (feature `ureq-gzip`), which knows no cap: decoded bytes count either
/// way.
#[test]
fn gzip_bomb_costs_little() {
    let block = vec![b'a'; 1 << 20];
    let (outcome, bytes) = get_packed(packed_pieces(&[block.as_slice(); 200]), true);
    assert_eq!(outcome, Err(ErrorKind::TooLarge));
    println!("ureq's own gzip {}: a bomb of 200 MiB cost {} KiB", cfg!(feature = "ureq-gzip"), bytes >> 10);
    assert!(bytes < 5 << 20, "{bytes} bytes");
    assert_eq!(get_packed(packed(&block), true).0, Ok(CAP), "just the cap");
    assert_eq!(get_packed(packed_pieces(&[&block, b"a"]), true).0, Err(ErrorKind::TooLarge), "one byte more");
}

/// Not requested, it is refused as it comes, or unpacked by ureq under the same cap where ureq does that
/// unasked.
#[test]
fn gzip_that_was_not_requested_costs_little_too() {
    let block = vec![b'a'; 1 << 20];
    let (outcome, bytes) = get_packed(packed_pieces(&[block.as_slice(); 200]), false);
    let expected = if cfg!(feature = "ureq-gzip") { ErrorKind::TooLarge } else { ErrorKind::Protocol };
    assert_eq!(outcome, Err(expected));
    assert!(bytes < 5 << 20, "{bytes} bytes");
}

#[test]
fn streams_of_any_size_cost_little_both_ways() {
    let server = Endpoint::deciding(|_| None, |_| (200, Vec::new(), vec![b'a'; SIZE]));
    let api = Authorized::new(tokens(), UreqTransport::new()).with_host(&server.url).expect("a host");
    let api = api.with_timeout(Duration::from_secs(300));
    let (copied, bytes) = peak(|| {
        let up = RequestBody::reader(io::repeat(b'b').take(SIZE as u64), None);
        let request = Request::put(&server.url).body(up).expect("a request");
        let response = api.stream(request).expect("a response");
        io::copy(&mut response.into_body(), &mut io::sink()).expect("a body")
    });
    assert_eq!((copied, server.received()[0].body.len()), (SIZE as u64, SIZE));
    println!("64 MiB up and 64 MiB down: {} KiB", bytes >> 10);
    assert!(bytes < 1 << 20, "{bytes} bytes");
}
