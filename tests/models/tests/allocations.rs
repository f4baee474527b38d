//! A hit of the cache allocates nothing.
#![cfg(not(feature = "shuttle"))]

use shortway::{Cached, Token, TokenKind, TokenSource};
use std::time::{Duration, SystemTime};

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
