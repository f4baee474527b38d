//! Counts heap allocations and what they hold, when asked to.
//!
//! The one place with `unsafe`: an allocator cannot be wrapped without it. Every call is handed to the
//! system's allocator as it came.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// How often any thread allocates while `work` runs.
pub fn counted(work: impl FnOnce()) -> u64 {
    measured(work).0
}

/// How often any thread allocates while `work` runs, and how many bytes more than before are held at the
/// peak.
pub fn measured(work: impl FnOnce()) -> (u64, u64) {
    COUNT.store(0, Ordering::Relaxed);
    HELD.store(0, Ordering::Relaxed);
    PEAK.store(0, Ordering::Relaxed);
    COUNTING.store(true, Ordering::SeqCst);
    work();
    COUNTING.store(false, Ordering::SeqCst);
    (COUNT.load(Ordering::Relaxed), PEAK.load(Ordering::Relaxed).unsigned_abs())
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Off while anything is timed.
static COUNTING: AtomicBool = AtomicBool::new(false);

static COUNT: AtomicU64 = AtomicU64::new(0);

static HELD: AtomicI64 = AtomicI64::new(0);

static PEAK: AtomicI64 = AtomicI64::new(0);

/// An allocation that takes so many bytes more, or a release of so many.
fn count(allocations: u64, bytes: i64) {
    if COUNTING.load(Ordering::Relaxed) {
        COUNT.fetch_add(allocations, Ordering::Relaxed);
        let held = HELD.fetch_add(bytes, Ordering::Relaxed) + bytes;
        PEAK.fetch_max(held, Ordering::Relaxed);
    }
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

// SAFETY: `System` keeps the contract, and every call reaches it unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, signed(layout.size()));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, signed(layout.size()));
        // SAFETY: as promised by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, signed(size) - signed(layout.size()));
        // SAFETY: as promised by the caller.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, -signed(layout.size()));
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}
