//! The cache's own source files, compiled over the model checker's locks and threads.
//!
//! `cached` is `src/cached/` itself, not a copy. What it takes from the rest of the crate stands below under
//! the names that it uses; only `sync` differs, and the random numbers are fixed, because a model must not
//! depend on chance.

#[path = "../../../src/cached/mod.rs"]
pub mod cached;

mod clock {
    pub(crate) use shortway::{Clock, SystemClock};
}

mod error {
    pub(crate) use shortway::{Error, ErrorKind};
}

mod random {
    pub(crate) fn random_share() -> f64 {
        0.0
    }
}

mod token {
    pub(crate) use shortway::Token;
}

mod token_source {
    pub(crate) use shortway::{Ask, Identity, TokenSource};
}

/// The process that a model runs in, as far as the cache can tell: a model forks by changing it.
#[cfg(not(feature = "shuttle"))]
pub mod process {
    use std::cell::Cell;

    // All threads of a model run in one thread of the operating system.
    thread_local!(static ID: Cell<u32> = const { Cell::new(1) });

    pub(crate) fn process_id() -> u32 {
        ID.get()
    }

    /// From now on the model runs in the process `id`.
    pub fn become_process(id: u32) {
        ID.set(id);
    }
}

#[cfg(not(feature = "shuttle"))]
mod sync {
    pub(crate) use crate::process::process_id;
    pub(crate) use loom::sync::{Mutex, MutexGuard};
    pub(crate) use loom::thread::{self, Thread, ThreadId};

    /// By loom's own count of the model's threads, which is the same in every schedule.
    pub(crate) fn thread_number() -> usize {
        let id = format!("{:?}", thread::current().id());
        id.chars().filter(char::is_ascii_digit).collect::<String>().parse().expect("a thread's number")
    }
}

#[cfg(feature = "shuttle")]
mod sync {
    pub(crate) use shuttle::sync::{Mutex, MutexGuard};
    pub(crate) use shuttle::thread::{self, Thread, ThreadId};
    pub(crate) use std::process::id as process_id;

    /// By shuttle's own count, halved: some threads share a slot.
    pub(crate) fn thread_number() -> usize {
        usize::from(thread::current().id()) / 2
    }
}
