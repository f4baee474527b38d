//! Says on stderr what a slow run waits for: a job may start before its network.
//!
//! The crate logs each failed attempt at debug level, without secrets; the last line tells why the run waits.

use crate::say;
use log::{LevelFilter, Log, Metadata, Record};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// After how long without a token or a report the note is printed: 3 s. Most reports take less than one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Makes the call that gets `what`, and says once that it has not come if that takes long.
pub(crate) fn announced<T>(what: &'static str, call: impl FnOnce() -> T) -> T {
    LAST_LINE.remember(None);
    // Fails when this is the second call: the first has set it.
    if log::set_logger(&LAST_LINE).is_ok() {
        log::set_max_level(LevelFilter::Debug);
    }
    let (end, ended) = mpsc::channel::<()>();
    let watcher = thread::Builder::new().spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let reason = LAST_LINE.get().map(|line| format!(": {line}"));
            let seconds = PATIENCE.as_secs();
            let reason = reason.unwrap_or_default();
            say("note", format!("no {what} after {seconds} s, still waiting for it{reason}"));
        }
    });
    let result = call();
    drop(end);
    // The note stands before all that is said next. Without a thread there is none.
    let _ = watcher.map(thread::JoinHandle::join);
    result
}

/// A log that keeps the last line of the crate's own.
struct LastLine(Mutex<Option<String>>);

static LAST_LINE: LastLine = LastLine(Mutex::new(None));

impl LastLine {
    fn remember(&self, line: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Log for LastLine {
    /// Not the HTTP client's: it can log whole requests.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().split("::").next() == Some("shortway") && metadata.level() <= LevelFilter::Debug
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.remember(Some(record.args().to_string()));
        }
    }

    fn flush(&self) {}
}
