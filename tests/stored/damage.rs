//! Store files that are damaged: not used, told, and replaced by the next save.

use crate::{contents, identity, is_taken, only_key, stored, text, with_a_token};
use shortway::testing::{ManualClock, ScriptedSource};
use shortway::{ErrorKind, FileStore, Stored, TokenSource};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Puts these bytes into a store, for its owner alone.
fn fill(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("permissions");
}

/// A store with these bytes is not used, the failure is told, and the file is replaced.
#[track_caller]
fn assert_replaced(path: &Path, bytes: &[u8], told: &str) {
    fill(path, bytes);
    let source = stored(path);
    assert_eq!((text(&source), source.source().calls()), ("token-1".into(), 1));
    let status = source.status();
    let failure = status.last_failure.expect("told");
    let told = format!("the token store {} {told}; the next token that is saved replaces it", path.display());
    assert_eq!((failure.kind(), failure.to_string(), failure.path()), (ErrorKind::Store, told, Some(path)));
    assert_eq!((status.saved, status.failures), (1, 2), "a look before the lock and one behind it");
    assert!(is_taken(path));
}

#[test]
fn file_that_is_cut_at_any_byte_is_replaced() {
    let (_directory, path) = with_a_token();
    let whole = fs::read(&path).expect("a store");
    for end in (1..whole.len()).step_by(7).chain([whole.len() - 1]) {
        assert_replaced(&path, &whole[..end], "holds no tokens that can be read");
    }
    // A file without a byte is a store without tokens.
    fill(&path, b"");
    let source = stored(&path);
    assert_eq!((text(&source), source.status().failures), ("token-1".into(), 0));
}

#[test]
fn garbage_another_version_and_a_large_file_are_replaced() {
    let (_directory, path) = with_a_token();
    for garbage in [&b"\0"[..], b"\0\0\0\0", b"{\"version\":", b"{\"version\":1,\"tokens\":[]}"] {
        assert_replaced(&path, garbage, "holds no tokens that can be read");
    }
    let other = br#"{"version":7,"tokens":"of another kind"}"#;
    assert_replaced(&path, other, "was written by another version of this crate (format 7)");
    let mut large = fs::read(&path).expect("a store");
    large.resize(10 << 20, b' ');
    assert_replaced(&path, &large, "is larger than 1 MiB");
}

#[test]
fn file_that_was_never_a_store_is_left_as_it_is() {
    let (_directory, path) = with_a_token();
    let key = shortway::testing::THROW_AWAY_KEY_JSON.as_bytes();
    let large = vec![b'x'; 10 << 20];
    let others: [&[u8]; 7] = [key, b"not JSON", b"[]", b"{}", b"\xff\xfe{\0}\0", b" ", &large];
    for other in others {
        fill(&path, other);
        let source = stored(&path);
        assert_eq!((text(&source), text(&source)), ("token-1".into(), "token-2".into()));
        let status = source.status();
        assert_eq!((status.saved, status.loaded), (0, 0));
        let told = format!(
            "the token store {} holds something else, and is left as it is; name a file of its own; tokens are kept \
             in memory alone",
            path.display()
        );
        assert_eq!(status.last_failure.expect("told").to_string(), told);
        source.invalidate(&source.token().expect("a token"));
        assert_eq!(fs::read(&path).expect("a file"), other);
    }
}

#[test]
fn bad_entry_of_another_hides_no_token_and_a_bad_one_of_ours_is_replaced() {
    let (_directory, path) = with_a_token();
    let mut file = contents(&path);
    file["tokens"]["another"] = serde_json::json!(["not", "an", "entry"]);
    fill(&path, file.to_string().as_bytes());
    assert!(is_taken(&path));
    let key = only_key_but_another(&file);
    for bad in [
        serde_json::json!(null),
        serde_json::json!({}),
        serde_json::json!({"token": "no times"}),
        bad_with(&file["tokens"][&key], "token", "two words".into()),
        bad_with(&file["tokens"][&key], "token", "x".repeat(20_000).into()),
        bad_with(&file["tokens"][&key], "expires_at_ms", (-1).into()),
        bad_with(&file["tokens"][&key], "lifetime_ms", "3600".into()),
    ] {
        file["tokens"][&key] = bad;
        fill(&path, file.to_string().as_bytes());
        let source = stored(&path);
        assert_eq!((text(&source), source.source().calls(), source.status().saved), ("token-1".into(), 1, 1));
        let failure = source.status().last_failure.expect("told").to_string();
        let told =
            "the token store has an entry that cannot be read; the next token that is saved replaces it";
        assert_eq!(failure, told);
        assert_eq!(only_key(&path), key, "bad entries are dropped");
    }
}

fn only_key_but_another(file: &serde_json::Value) -> String {
    let tokens = file["tokens"].as_object().expect("an object");
    tokens.keys().find(|key| *key != "another").expect("a key").clone()
}

fn bad_with(entry: &serde_json::Value, field: &str, value: serde_json::Value) -> serde_json::Value {
    let mut bad = entry.clone();
    bad[field] = value;
    bad
}

#[test]
fn times_that_no_clock_can_hold_are_not_used() {
    let (_directory, path) = with_a_token();
    let (file, key) = (contents(&path), only_key(&path));
    for (field, value) in [("expires_at_ms", u64::MAX), ("lifetime_ms", u64::MAX), ("lifetime_ms", 0)] {
        let mut odd = file.clone();
        odd["tokens"][&key][field] = value.into();
        fill(&path, odd.to_string().as_bytes());
        let source = stored(&path);
        text(&source);
        assert_eq!(
            source.status().saved,
            u64::from(value != u64::MAX || field != "lifetime_ms"),
            "{field} {value}"
        );
    }
}

#[test]
fn expired_token_is_not_used_and_leaves_the_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let (path, clock) = (directory.path().join("tokens.json"), ManualClock::new());
    let source = |subject: &str| {
        let source = ScriptedSource::numbered().with_identity(identity().with_subject(subject));
        Stored::new(source.with_clock(clock.clone()), FileStore::at(&path).expect("a path"))
            .with_clock(Arc::new(clock.clone()))
    };
    text(&source("jane@example.com"));
    text(&source("joe@example.com"));
    let tokens = || contents(&path)["tokens"].as_object().expect("an object").len();
    assert_eq!(tokens(), 2);
    clock.advance(Duration::from_secs(3600));
    let late = source("jane@example.com");
    text(&late);
    assert_eq!((late.source().calls(), tokens()), (1, 1));
}

#[test]
fn copied_file_is_as_good_as_the_first_and_no_better() {
    let (directory, path) = with_a_token();
    let copy = directory.path().join("copy.json");
    fs::copy(&path, &copy).expect("copied");
    assert!(is_taken(&copy));
    let other = ScriptedSource::numbered().with_identity(identity().with_subject("jane@example.com"));
    let other = Stored::new(other, FileStore::at(&copy).expect("a path"));
    text(&other);
    assert_eq!(other.source().calls(), 1);
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).expect("permissions");
    assert!(!is_taken(&copy));
}
