//! What pages that are fetched side by side gain: a million rows in 25 pages, each 300 ms away on loopback.
//!
//! The server has its pages ready, waits, and sends. Time is that of the wall: nearly all of it is waiting.

use crate::measure::median;
use crate::server::read_request;
use crate::{Result, allocations, body};
use shortway::analytics::{Analytics, Property, ReportRequest};
use shortway::{Token, TokenKind};
use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

pub const PAR4_VS_SEQ: &str = "pages_1m_par4_vs_seq";

const ROWS: usize = 1_000_000;

const PAGE: usize = 40_000;

const LATENCY: Duration = Duration::from_millis(300);

const ROUNDS: usize = 5;

const PARALLEL: usize = 4;

/// Prints the ratio, if it is wanted.
pub fn run(wanted: &impl Fn(&str) -> bool) -> Result<()> {
    if !wanted(PAR4_VS_SEQ) {
        return Ok(());
    }
    let url = serve()?;
    let tokens = shortway::from_fn(|| {
        Token::new(TokenKind::Access, "ya29.x", SystemTime::now() + Duration::from_secs(3600))
    });
    let property = Analytics::new(tokens).with_endpoint(&url)?.property(1);
    let (mut one_by_one, mut side_by_side) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one_by_one.push(timed(|| by_hand(&property))?);
        side_by_side.push(timed(|| pages(&property, PARALLEL))?);
    }
    let floor = LATENCY.as_secs_f64() * (1.0 + ((ROWS / PAGE - 1) as f64 / PARALLEL as f64).ceil());
    side_by_side.sort_by(f64::total_cmp);
    one_by_one.sort_by(f64::total_cmp);
    let (ours, theirs) = (median(&side_by_side), median(&one_by_one));
    println!("\na report of {ROWS} rows in pages of {PAGE}, {} ms a page", LATENCY.as_millis());
    println!("{:46} {theirs:8.2} s", "run_report, page by page");
    println!("{:46} {ours:8.2} s", "pages, 4 at once");
    println!("{:46} {floor:8.2} s", "the latencies alone, 4 at once");
    println!(
        "RATIO {PAR4_VS_SEQ} {:.3} (ours {ours:.2} s, theirs {theirs:.2} s; medians of {ROUNDS})",
        ours / theirs
    );
    peak(&property)
}

/// The peak of memory beside that of as many pages as may be there at once.
fn peak(property: &Property) -> Result<()> {
    let (_, one) = allocations::measured(|| drop(property.run_report(&request(0))));
    let mut result = Ok(());
    let (_, peak) = allocations::measured(|| result = pages(property, PARALLEL));
    result?;
    let pages = PARALLEL + 1;
    println!(
        "peak of {ROWS} rows: {peak} bytes; of one page: {one} bytes; {:.2} times {pages} pages",
        peak as f64 / (one * pages as u64) as f64
    );
    Ok(())
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}

fn request(offset: usize) -> ReportRequest {
    body::request().limit(PAGE as u64).offset(offset as u64)
}

/// As one writes it without an iterator of pages.
fn by_hand(property: &Property) -> Result<()> {
    let mut rows = 0;
    while rows < ROWS {
        rows += property.run_report(&request(rows))?.len();
    }
    (rows == ROWS).then_some(()).ok_or_else(|| format!("{rows} rows").into())
}

fn pages(property: &Property, parallel: usize) -> Result<()> {
    let mut rows = 0;
    for page in property.pages(&request(0)).parallel(parallel) {
        rows += page?.len();
    }
    (rows == ROWS).then_some(()).ok_or_else(|| format!("{rows} rows").into())
}

/// Answers each request with its page, after a while, on connections of which each has a thread.
fn serve() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let whole = Arc::new(body::pages(ROWS, PAGE));
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let pages = Arc::clone(&whole);
            // A connection ends when the client closes it, and an error here is seen there.
            thread::spawn(move || answer(&connection, &pages));
        }
    });
    Ok(url)
}

fn answer(connection: &TcpStream, pages: &[String]) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    while let Some(request) = read_request(&mut reader)? {
        let json: serde_json::Value = serde_json::from_slice(&request).unwrap_or_default();
        let offset: usize = json["offset"].as_str().map_or(0, |text| text.parse().unwrap_or(0));
        thread::sleep(LATENCY);
        let body = &pages[offset / PAGE];
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8";
        write!(&*connection, "{head}\r\nContent-Length: {}\r\n\r\n", body.len())?;
        (&*connection).write_all(body.as_bytes())?;
    }
    Ok(())
}
