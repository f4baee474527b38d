//! What nobody can be faster than, and what locks and reference counts cost by themselves.

use crate::measure::Candidate;
use std::hint::black_box;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Instant, SystemTime};

/// Where in [`all`] the two clock reads are that a hit of ours must do.
pub const BOTH_CLOCKS: usize = 3;

pub fn all() -> Vec<Candidate<'static>> {
    let token = Arc::new("x".repeat(1024));
    let (read_write, exclusive) = (RwLock::new(Arc::clone(&token)), Mutex::new(Arc::clone(&token)));
    vec![
        floor("floor: empty loop", || ()),
        floor("floor: Instant::now()", Instant::now),
        floor("floor: SystemTime::now()", SystemTime::now),
        floor("floor: SystemTime::now() + Instant::now()", || (SystemTime::now(), Instant::now())),
        floor("floor: Arc clone + drop", move || Arc::clone(&token)),
        floor("floor: RwLock<Arc> read + clone + drop", move || {
            Arc::clone(&read_write.read().expect("nobody panics"))
        }),
        floor("floor: Mutex<Arc> lock + clone + drop", move || {
            Arc::clone(&exclusive.lock().expect("nobody panics"))
        }),
    ]
}

fn floor<T>(name: &'static str, call: impl Fn() -> T + Sync + 'static) -> Candidate<'static> {
    Candidate::new(name, move |count| {
        for _ in 0..count {
            black_box(call());
        }
    })
}
