//! What a cached token costs: nanoseconds per hit, beside the floors under it, in one interleaved run.
//!
//! `cargo bench --bench cached`. Two threads use one source. Against peers: `benches/peers`.
#![allow(missing_docs, reason = "a program")]

use shortway::{Cached, Token, TokenKind, TokenSource};
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const ROUNDS: usize = 101;
const CALLS: u32 = 20_000;

fn main() {
    let source = Cached::new(shortway::from_fn(|| {
        Token::new(TokenKind::Access, &"a".repeat(1024), SystemTime::now() + Duration::from_secs(40_000))
    }));
    let shared = Arc::new(0);
    let hit = || drop(black_box(source.token()));
    let clocks = || {
        black_box((SystemTime::now(), Instant::now()));
    };
    let count = || drop(black_box(Arc::clone(&shared)));
    let rows: [(&str, &(dyn Fn() + Sync)); 3] =
        [("both clocks", &clocks), ("Arc clone and drop", &count), ("Cached::token", &hit)];

    let mut figures = vec![(Vec::new(), Vec::new()); rows.len()];
    for round in 0..=ROUNDS {
        for ((_, call), (one, two)) in rows.iter().zip(&mut figures) {
            let (alone, together) = (time(1, *call), time(2, *call));
            // The first round warms up.
            if round > 0 {
                one.push(alone);
                two.push(together);
            }
        }
    }
    println!("{:<20} {:>28} {:>28}", "ns, min/median/max", "one thread", "two threads");
    for ((name, _), (one, two)) in rows.iter().zip(&mut figures) {
        println!("{name:<20} {:>28} {:>28}", spread(one), spread(two));
    }
}

/// Nanoseconds per call, the slowest of so many threads at once.
fn time(threads: usize, call: &(dyn Fn() + Sync)) -> f64 {
    let barrier = Barrier::new(threads);
    thread::scope(|scope| {
        let run = || {
            barrier.wait();
            let begin = Instant::now();
            for _ in 0..CALLS {
                call();
            }
            begin.elapsed().as_nanos() as f64 / f64::from(CALLS)
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().map(|h| h.join().expect("no panic")).fold(0.0, f64::max)
    })
}

fn spread(figures: &mut [f64]) -> String {
    figures.sort_by(f64::total_cmp);
    format!("{:.1} / {:.1} / {:.1}", figures[0], figures[figures.len() / 2], figures[figures.len() - 1])
}
