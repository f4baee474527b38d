//! The locks and threads of [`Cached`](crate::Cached), in one place: the model checkers in `tests/models`
//! compile the same code over their own.

pub(crate) use std::process::id as process_id;
pub(crate) use std::sync::{Mutex, MutexGuard};
pub(crate) use std::thread::{self, Thread, ThreadId};

use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of the calling thread. Threads that live at the same time seldom share one.
pub(crate) fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed));
    // A thread that is ending has no number any more.
    NUMBER.try_with(|number| *number).unwrap_or_default()
}
