//! Hears what code says beside its result: log lines of every level, and the text of a panic.
//!
//! One logger and one panic hook for the whole test program; what a thread says is kept for that thread, and
//! only while it is listened to.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static HEARD: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs `work`. Gives its result, or `None` if it panicked, and all that it said meanwhile on this thread.
pub fn listen<R>(work: impl FnOnce() -> R) -> (Option<R>, String) {
    install();
    HEARD.set(Some(String::new()));
    let result = panic::catch_unwind(AssertUnwindSafe(work)).ok();
    (result, HEARD.take().unwrap_or_default())
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Listener).expect("no other logger in the tests");
        log::set_max_level(log::LevelFilter::Trace);
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !keep(&format!("panic: {info}")) {
                usual(info);
            }
        }));
    });
}

/// Keeps a line if somebody listens to this thread.
fn keep(line: &str) -> bool {
    HEARD.with_borrow_mut(|heard| match heard {
        Some(text) => {
            text.push_str(line);
            text.push('\n');
            true
        }
        None => false,
    })
}

struct Listener;

impl log::Log for Listener {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        keep(&format!("{} {}: {}", record.level(), record.target(), record.args()));
    }

    fn flush(&self) {}
}
