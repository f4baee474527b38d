//! The locks and threads that [`Cached`](crate::Cached) is made of, in one place: the model checker in `tests/models`
//! compiles the same code over its own.

pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{self, Thread};

use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of the calling thread: threads that live at the same time seldom share one.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    // A thread that is ending has no number any more.
    NUMBER.try_with(|number| *number).unwrap_or_default()
}
