//! Tokens in a store: the decorator `Stored` over stores of memory, and `FileStore` on real file systems.

#[cfg(unix)]
mod child;
#[cfg(unix)]
mod damage;
mod decorator;
#[cfg(unix)]
mod locks;
#[cfg(target_os = "linux")]
mod mounts;
mod paths;
#[cfg(unix)]
mod processes;
#[cfg(target_os = "linux")]
mod traced;
#[cfg(unix)]
mod trust;

#[path = "../util/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "a part is used")]
mod random;
#[path = "../util/mod.rs"]
mod util;

use shortway::testing::ScriptedSource;
use shortway::{FileStore, Identity, Secret, Stored, Token, TokenKind, TokenSource, TokenStore};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The identity of the sources here.
fn identity() -> Identity {
    Identity::new()
        .with_email("fake@throw-away.iam.gserviceaccount.com")
        .with_key_id("key-1")
        .with_scopes(["https://www.googleapis.com/auth/analytics.readonly"])
        .with_audience("https://oauth2.googleapis.com/token")
        .with_endpoint("https://oauth2.googleapis.com/token")
        .with_kind(TokenKind::Access)
}

/// A source of tokens `token-1`, `token-2`, …
fn numbered() -> ScriptedSource {
    ScriptedSource::numbered().with_identity(identity())
}

/// A numbered source with its tokens in this file.
fn stored(path: &Path) -> Stored<ScriptedSource> {
    Stored::new(numbered(), FileStore::at(path).expect("a path"))
}

/// The text of the token that a source returns.
#[track_caller]
fn text(source: &impl TokenSource) -> String {
    source.token().expect("a token").expose_secret().to_owned()
}

/// A token for an hour.
fn token(text: &str) -> Token {
    let hour = Duration::from_secs(3600);
    Token::new(TokenKind::Access, text, SystemTime::now() + hour).expect("a token").with_lifetime(hour)
}

/// A directory, and the path of a store in it that holds `token-1`.
fn with_a_token() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    assert_eq!(text(&stored(&path)), "token-1");
    (directory, path)
}

/// Whether a second source takes the token that `with_a_token` has stored.
#[track_caller]
fn is_taken(path: &Path) -> bool {
    let second = stored(path);
    text(&second);
    second.source().calls() == 0
}

/// The names in a directory, sorted.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What a store holds under every key, as JSON.
fn contents(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).expect("a store")).expect("JSON")
}

/// The only key of a store.
fn only_key(path: &Path) -> String {
    let contents = contents(path);
    let tokens = contents["tokens"].as_object().expect("an object");
    assert_eq!(tokens.len(), 1);
    tokens.keys().next().expect("a key").clone()
}

/// A store of memory, which every clone shares.
#[derive(Clone, Default)]
struct Memory(std::sync::Arc<std::sync::Mutex<std::collections::BTreeMap<String, String>>>);

impl Memory {
    fn entries(&self) -> Vec<String> {
        self.0.lock().expect("no panic").values().cloned().collect()
    }
}

impl TokenStore for Memory {
    fn load(&self, key: &str, _: Duration) -> Result<Option<Secret>, shortway::Error> {
        Ok(self.0.lock().expect("no panic").get(key).cloned().map(Secret::new))
    }
    fn save(&self, key: &str, entry: &Secret, _: SystemTime, _: Duration) -> Result<(), shortway::Error> {
        self.0.lock().expect("no panic").insert(key.to_owned(), entry.expose_secret().to_owned());
        Ok(())
    }
    fn remove(&self, key: &str, _: Duration) -> Result<(), shortway::Error> {
        self.0.lock().expect("no panic").remove(key);
        Ok(())
    }
}

/// Says that a part was not tried, for want of what it needs. In CI nothing is skipped.
fn skipped(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "not tried, and in CI nothing is skipped: {what}");
    eprintln!("SKIPPED: {what}");
}

/// The size of a long proof: `.ci/full` sets it in the environment.
fn size<T: std::str::FromStr>(variable: &str, small: T) -> T {
    std::env::var(variable).ok().and_then(|size| size.parse().ok()).unwrap_or(small)
}

/// A clock on which a wait ends as soon as it begins, at its deadline.
struct Jumping(shortway::testing::ManualClock);

impl shortway::Clock for Jumping {
    fn now(&self) -> SystemTime {
        self.0.now()
    }
    fn monotonic(&self) -> std::time::Instant {
        self.0.monotonic()
    }
    fn park_until(&self, deadline: std::time::Instant) {
        self.0.advance(deadline.saturating_duration_since(self.0.monotonic()));
    }
}
