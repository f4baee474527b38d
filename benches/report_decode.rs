//! What a report costs to decode: nanoseconds a row for 10, 10,000 and 250,000 rows of 7 columns, beside
//! naive structs and beside serde that keeps nothing, in one interleaved run. Freeing the result is part of
//! it.
//!
//! `cargo bench --bench report_decode [-- PART-OF-A-NAME]`. One thread. Against peers, and allocations: `benches/peers`.
#![allow(missing_docs, reason = "a program")]

mod body;

use body::{Naive, Page};
use serde::de::IgnoredAny;
use shortway::analytics::Report;
use std::hint::black_box;
use std::time::Instant;

/// How often each size is timed, the first time not counted.
const ROUNDS: usize = 11;

/// At least so many rows make one sample.
const ROWS: usize = 10_000;

fn main() {
    println!("{:<44} {:>30}", "ns a row, min/median/max", "rate");
    for rows in [10, 10_000, 250_000] {
        let compact = body::compact(rows);
        let value: serde_json::Value = serde_json::from_str(&compact).expect("JSON");
        run(rows, "compact", &compact);
        run(rows, "pretty", &serde_json::to_string_pretty(&value).expect("JSON"));
    }
}

fn run(rows: usize, layout: &str, body: &str) {
    let request = body::request();
    let report = || Report::from_json(body.as_bytes(), &request).expect("a report");
    let naive = || serde_json::from_slice::<Naive>(body.as_bytes()).expect("a report");
    let typed = |report: Report| report.rows::<Page>().collect::<Result<Vec<_>, _>>().expect("rows");
    let naive_typed = |naive: Naive| {
        naive.rows.into_iter().map(Page::from_naive).collect::<Option<Vec<_>>>().expect("rows")
    };
    assert!(typed(report()) == naive_typed(naive()), "both read the same");

    let made = report();
    let candidates: [(&str, &dyn Fn()); 6] = [
        ("serde_json, nothing kept", &|| {
            drop(black_box(serde_json::from_slice::<IgnoredAny>(body.as_bytes())));
        }),
        ("naive structs", &|| drop(black_box(naive()))),
        ("Report::from_json", &|| drop(black_box(report()))),
        ("naive structs to a Vec of a struct", &|| drop(black_box(naive_typed(naive())))),
        ("Report::from_json to a Vec of a struct", &|| drop(black_box(typed(report())))),
        ("Report::rows to text, no decoding", &|| {
            for row in made.rows::<[&str; 7]>() {
                drop(black_box(row));
            }
        }),
    ];
    // Cargo adds `--bench`.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let candidates: Vec<_> = candidates.into_iter().filter(|(name, _)| name.contains(&wanted)).collect();
    let repeat = (ROWS / rows).max(1);
    let mut samples = vec![Vec::new(); candidates.len()];
    for round in 0..=ROUNDS {
        for ((_, candidate), samples) in candidates.iter().zip(&mut samples) {
            let begin = Instant::now();
            for _ in 0..repeat {
                candidate();
            }
            // The first round warms up.
            if round > 0 {
                samples.push(begin.elapsed().as_nanos() as f64 / (repeat * rows) as f64);
            }
        }
    }
    println!("\n{rows} rows, {layout}, {} bytes a row", body.len() / rows);
    for ((name, _), samples) in candidates.iter().zip(&mut samples) {
        samples.sort_by(f64::total_cmp);
        let (min, median, max) = (samples[0], samples[ROUNDS / 2], samples[ROUNDS - 1]);
        let rate = 1000.0 * body.len() as f64 / rows as f64 / median;
        println!("  {name:<42} {min:8.0} / {median:6.0} / {max:6.0} {rate:8.0} MB/s");
    }
}
