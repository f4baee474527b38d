//! What a report of 250,000 rows of 7 columns costs to decode and to drop, beside the same by others.
//!
//! Each round times everyone once, in an order that moves on by one; the first round warms up. Time is that
//! of the processor: a run is far longer than a scheduler's slice. That all read the same is checked before.

use crate::body::{self, Naive, Page};
use crate::{Result, allocations, versions};
use google_analyticsdata1_beta::api::RunReportResponse;
use rustix::time::{ClockId, clock_gettime};
use serde::de::IgnoredAny;
use shortway::analytics::{Report, ReportRequest};
use std::hint::black_box;

pub const VS_NAIVE: &str = "decode_250k_vs_naive";
pub const VS_BYRON: &str = "decode_250k_vs_byron";
pub const VS_IGNORED_ANY: &str = "decode_250k_vs_ignored_any";
pub const TYPED_VS_NAIVE: &str = "typed_250k_vs_naive";
pub const PEAK_VS_BODY: &str = "decode_250k_peak_vs_body";

/// Every ratio of this file.
pub const NAMES: [&str; 5] = [VS_NAIVE, VS_BYRON, VS_IGNORED_ANY, TYPED_VS_NAIVE, PEAK_VS_BODY];

const BYRON: &str = "google-analyticsdata1_beta";

const ROWS: usize = 250_000;

const ROUNDS: usize = 9;

/// Prints those ratios that are wanted.
pub fn run(wanted: &impl Fn(&str) -> bool) -> Result<()> {
    if !NAMES.iter().any(|name| wanted(name)) {
        return Ok(());
    }
    let text = body::compact(ROWS);
    let (json, request) = (text.as_bytes(), body::request());
    check(json, &request)?;
    let runs: [(&str, &dyn Fn()); 6] = [
        ("shortway: Report::from_json", &|| drop(black_box(ours(json, &request)))),
        ("plain structs, serde_json::from_slice", &|| drop(black_box(naive(json)))),
        (BYRON, &|| drop(black_box(byron(json)))),
        ("IgnoredAny, serde_json::from_slice", &|| _ = black_box(ignored(json))),
        ("shortway: Report::rows to a Vec", &|| drop(black_box(typed(json, &request)))),
        ("plain structs to a Vec", &|| drop(black_box(naive_typed(json)))),
    ];
    println!("\na report of {ROWS} rows, {} bytes, with {}", json.len(), versions::with_version(BYRON));
    println!(
        "{:46} {:>8} {:>8} {:>8} {:>12} {:>10}",
        "ms", "min", "median", "max", "allocations", "peak/body"
    );
    let (medians, peaks) = measure(&runs, json.len());
    let [decode, naive, byron, ignored, typed, naive_typed] = medians;
    let ratios = [
        (VS_NAIVE, decode, naive),
        (VS_BYRON, decode, byron),
        (VS_IGNORED_ANY, decode, ignored),
        (TYPED_VS_NAIVE, typed, naive_typed),
    ];
    for (name, ours, theirs) in ratios.into_iter().filter(|(name, ..)| wanted(name)) {
        let value = ours / theirs;
        println!("RATIO {name} {value:.3} (ours {ours:.1} ms, theirs {theirs:.1} ms; medians of {ROUNDS})");
    }
    if wanted(PEAK_VS_BODY) {
        let (body, peak) = (json.len(), peaks[0]);
        println!(
            "RATIO {PEAK_VS_BODY} {:.3} (peak {peak} bytes, body {body} bytes)",
            peak as f64 / body as f64
        );
    }
    Ok(())
}

/// The medians in ms, and the peaks in bytes.
fn measure<const N: usize>(runs: &[(&str, &dyn Fn()); N], body: usize) -> ([f64; N], [u64; N]) {
    let counted = runs.map(|(_, run)| allocations::measured(run));
    let mut samples = [const { Vec::new() }; N];
    for round in 0..=ROUNDS {
        for turn in 0..N {
            let index = (round + turn) % N;
            let begin = processor_ms();
            runs[index].1();
            if round > 0 {
                samples[index].push(processor_ms() - begin);
            }
        }
    }
    for ((samples, (name, _)), (count, peak)) in samples.iter_mut().zip(runs).zip(counted) {
        samples.sort_by(f64::total_cmp);
        let (min, median, max) = (samples[0], samples[ROUNDS / 2], samples[ROUNDS - 1]);
        let share = peak as f64 / body as f64;
        println!("  {name:44} {min:8.1} {median:8.1} {max:8.1} {count:12} {share:10.3}");
    }
    (samples.map(|samples| samples[ROUNDS / 2]), counted.map(|(_, peak)| peak))
}

/// How long this thread has run, in ms.
fn processor_ms() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

fn ours(json: &[u8], request: &ReportRequest) -> Report {
    Report::from_json(json, request).expect("a report")
}

fn typed(json: &[u8], request: &ReportRequest) -> Vec<Page> {
    let report = ours(json, request);
    // `collect` into a `Result` does not know how many there will be.
    let mut pages = Vec::with_capacity(report.len());
    pages.extend(report.rows().map(|page| page.expect("a row that fits")));
    pages
}

fn naive(json: &[u8]) -> Naive {
    serde_json::from_slice(json).expect("a report")
}

fn naive_typed(json: &[u8]) -> Vec<Page> {
    let rows = naive(json).rows;
    let mut pages = Vec::with_capacity(rows.len());
    pages.extend(rows.into_iter().map(|row| Page::from_naive(row).expect("a row that fits")));
    pages
}

fn byron(json: &[u8]) -> RunReportResponse {
    serde_json::from_slice(json).expect("a report")
}

fn ignored(json: &[u8]) -> IgnoredAny {
    serde_json::from_slice(json).expect("JSON")
}

/// All read the same cells.
fn check(json: &[u8], request: &ReportRequest) -> Result<()> {
    let (ours, naive, byron) = (ours(json, request), naive(json), byron(json).rows.unwrap_or_default());
    let same = (naive.rows.len(), byron.len()) == (ROWS, ROWS)
        && ours.rows::<Vec<&str>>().zip(naive.rows.iter().zip(&byron)).all(|(ours, (naive, byron))| {
            let theirs = naive.dimension_values.iter().chain(&naive.metric_values);
            let dimensions = byron.dimension_values.iter().flatten().map(|cell| cell.value.as_deref());
            let metrics = byron.metric_values.iter().flatten().map(|cell| cell.value.as_deref());
            ours.is_ok_and(|row| {
                row.iter().copied().eq(theirs.map(|cell| cell.value.as_str()))
                    && row.iter().map(|cell| Some(*cell)).eq(dimensions.chain(metrics))
            })
        });
    match same && typed(json, request) == naive_typed(json) {
        true => Ok(()),
        false => Err("not everyone reads the same report".into()),
    }
}
