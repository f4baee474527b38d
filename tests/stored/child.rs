//! Another process with the same store: this program again, with its orders in the environment.

use crate::{numbered, text};
use shortway::testing::{ScriptedSource, throw_away_key};
use shortway::{Ask, FileStore, StoreLock, Stored, TokenSource, TokenStore, scope};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the child does: a word, and what it needs.
const ORDER: &str = "SHORTWAY_TEST_ORDER";
const STORE: &str = "SHORTWAY_TEST_STORE";
/// An endpoint, or a number.
const DETAIL: &str = "SHORTWAY_TEST_DETAIL";

/// The arguments that make this program a child.
pub(crate) const ARGUMENTS: [&str; 4] = ["child::obeys", "--exact", "--nocapture", "--quiet"];

pub(crate) fn me() -> PathBuf {
    std::env::current_exe().expect("this program")
}

/// The environment of a child with this order.
pub(crate) fn ordered<'a>(
    command: &'a mut Command,
    order: &str,
    store: &Path,
    detail: &str,
) -> &'a mut Command {
    command.env(ORDER, order).env(STORE, store).env(DETAIL, detail)
}

/// A child with this order.
pub(crate) fn command(order: &str, store: &Path, detail: &str) -> Command {
    let mut command = Command::new(me());
    ordered(command.args(ARGUMENTS), order, store, detail);
    command
}

/// A child that says when it is ready.
pub(crate) struct Ready {
    pub(crate) child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Ready {
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a child");
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        let mut ready = Self { child, lines };
        ready.line("ready");
        ready
    }

    /// Waits for a line that begins like this, and gives the rest of it.
    #[track_caller]
    pub(crate) fn line(&mut self, start: &str) -> String {
        let mut line = String::new();
        while self.lines.read_line(&mut line).expect("text") > 0 {
            if let Some(rest) = line.trim_end().strip_prefix(start) {
                return rest.trim_start().to_owned();
            }
            line.clear();
        }
        panic!("the child has ended without a line that begins with {start}");
    }

    /// Lets the child go on.
    pub(crate) fn go(&mut self) {
        self.child.stdin.take().expect("not yet").write_all(b"go\n").expect("written");
    }

    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("stdout");
}

/// Says what is logged.
struct Warnings;

impl log::Log for Warnings {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        say(&format!("logged: {}: {}", record.level(), record.args()));
    }
    fn flush(&self) {}
}

pub(crate) fn ready() {
    say("ready");
}

fn wait_for_go() {
    let _ = std::io::stdin().lock().read_line(&mut String::new());
}

/// Not a test: what a child does. Without an order it does nothing.
#[test]
fn obeys() {
    let Ok(order) = std::env::var(ORDER) else { return };
    let path = PathBuf::from(std::env::var_os(STORE).expect("a store"));
    let detail = std::env::var(DETAIL).expect("a detail");
    // The line of the test harness is not ended yet.
    say("");
    match order.as_str() {
        "save" => save(&path, detail.parse().expect("a number")),
        "hold" => hold(&path),
        "lock" => lock(&path),
        "request" => request(&path, &detail),
        "write" => write(&path, &detail),
        "serve" => crate::processes::serve(&path, &detail),
        other => panic!("{other} is no order"),
    }
}

/// Requests so many tokens, one after the other, and says what became of them.
fn save(path: &Path, count: usize) {
    log::set_logger(&Warnings).map(|()| log::set_max_level(log::LevelFilter::Warn)).expect("the first");
    let source = Stored::new(numbered(), FileStore::at(path).expect("a path"));
    let mut last = None;
    for _ in 0..count {
        let ask = last.take().map_or_else(Ask::new, |token| Ask::new().with_other_than(token));
        last = Some(source.token_for(&ask).expect("a token"));
    }
    let status = source.status();
    let (calls, failure) = (source.source().calls(), status.last_failure.as_ref());
    say(&format!("token: {}", last.expect("one").expose_secret()));
    say(&format!("counts: {calls} requested, {} saved, {} failures", status.saved, status.failures));
    let system = failure.and_then(|error| error.cause::<std::io::Error>()).map(ToString::to_string);
    say(&format!("failure: {}", failure.map(ToString::to_string).unwrap_or_default()));
    say(&format!("system: {}", system.unwrap_or_default()));
}

/// Tries once to lock, and says how that ended.
fn lock(path: &Path) {
    let store = FileStore::at(path).expect("a path");
    say(&format!("lock: {:?}", store.try_lock("", Duration::ZERO)));
}

/// Holds the lock until it is told to go on.
fn hold(path: &Path) {
    let store = FileStore::at(path).expect("a path");
    let lock = store.try_lock("", Duration::ZERO).expect("a lock");
    assert!(matches!(lock, StoreLock::Held(_)), "{lock:?}");
    ready();
    wait_for_go();
}

/// Requests a token of the endpoint, when it is told to.
fn request(path: &Path, endpoint: &str) {
    let tokens = shortway::service_account(throw_away_key(), [scope::ANALYTICS])
        .token_endpoint(endpoint)
        .store(FileStore::at(path).expect("a path"))
        .build()
        .expect("tokens");
    ready();
    wait_for_go();
    say(&format!("token: {}", text(&tokens)));
}

/// Saves long tokens for ever.
fn write(path: &Path, name: &str) {
    let source = ScriptedSource::new().with_identity(crate::identity());
    let source = Stored::new(source, FileStore::at(path).expect("a path"));
    ready();
    let mut last = None;
    for n in 0_u64.. {
        source.source().push(Ok(crate::token(&crate::processes::recognizable(name, n))));
        let ask = last.take().map_or_else(Ask::new, |token| Ask::new().with_other_than(token));
        last = source.token_for(&ask).ok();
    }
}
