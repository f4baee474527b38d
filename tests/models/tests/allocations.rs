//! A hit of the cache allocates nothing.
#![cfg(not(feature = "shuttle"))]

use shortway::{Ask, Cached, ErrorKind, Token, TokenKind, TokenSource};
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
