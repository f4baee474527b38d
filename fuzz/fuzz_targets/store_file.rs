//! Any bytes as a token store: no panic, no token but the account's own that has not expired, and after a save a
//! store that can be read and has no other entry than before.
//!
//! Input: the bytes of the file. The time is 2026-01-01 00:00 UTC.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shortway::testing::{ManualClock, ScriptedSource};
use shortway::{FileStore, Identity, Stored, TokenKind, TokenSource};
use shortway_fuzz::check_error;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// The key of `identity()`: SHA-256 over all that it says.
const KEY: &str = "c20dd3b3d5dad0c0d21f9bbf9ac864133f9758d1fd57e361e85aa64bc2bf8102";

/// The time in milliseconds.
const NOW: u64 = 1_767_225_600_000;

/// In memory where that is to be had: a save waits for the disk.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() { memory } else { std::env::temp_dir() };
    let directory = place.join(format!("shortway-fuzz-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    directory.join("store")
});

fn identity() -> Identity {
    Identity::new()
        .with_email("fake@throw-away.iam.gserviceaccount.com")
        .with_key_id("key-1")
        .with_scopes(["https://www.googleapis.com/auth/analytics.readonly"])
        .with_audience("https://oauth2.googleapis.com/token")
        .with_endpoint("https://oauth2.googleapis.com/token")
        .with_kind(TokenKind::Access)
}

fn stored(path: &Path) -> Stored<ScriptedSource> {
    let clock = ManualClock::new();
    let source = ScriptedSource::numbered().with_identity(identity()).with_clock(clock.clone());
    Stored::new(source, FileStore::at(path).expect("a path")).with_clock(Arc::new(clock))
}

/// For the owner alone, or the store is not read.
fn fill(path: &Path, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).and_then(|mut file| file.write_all(bytes)).expect("written");
}

fn entries(bytes: &[u8]) -> Value {
    serde_json::from_slice::<Value>(bytes).map(|file| file["tokens"].clone()).unwrap_or_default()
}

fuzz_target!(|input: &[u8]| {
    let path = &*PATH;
    fill(path, input);
    let source = stored(path);
    let token = source.token().expect("a token, whatever the store holds");
    let status = source.status();
    status.last_failure.iter().for_each(check_error);
    let before = entries(input);
    if source.source().calls() == 0 {
        let entry = &before[KEY];
        assert_eq!(entry["token"], token.expose_secret());
        assert!(entry["expires_at_ms"].as_u64().is_some_and(|at| at > NOW), "an expired token");
        let email = entry["identity"]["email"].as_str();
        assert_eq!(email, identity().email(), "a token of another account");
        return;
    }
    assert_eq!(token.expose_secret(), "token-1");
    if status.saved == 0 {
        let is_cut = input.iter().zip(b"{\"version\":").all(|(a, b)| a == b);
        assert!(!is_cut && input.iter().any(|byte| *byte != 0), "a store is not replaced");
        assert_eq!(fs::read(path).expect("a file"), input, "something else is replaced");
        return;
    }
    let after = entries(&fs::read(path).expect("a store"));
    for (key, entry) in after.as_object().expect("entries") {
        assert!(key == KEY || before[key] == *entry, "a new entry, or a changed one");
    }
    let second = stored(path);
    assert_eq!(second.token().expect("a token").expose_secret(), "token-1");
    assert_eq!(second.source().calls(), 0, "what was saved is not found");
});
