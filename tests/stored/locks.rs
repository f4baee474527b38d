//! The lock file: who waits for it, and for how long.

use crate::child::{Ready, command};
use crate::{Jumping, is_taken, names, numbered, stored, text};
use shortway::testing::{FakeGoogle, ManualClock};
use shortway::{Clock, FileStore, StoreLock, Stored, TokenStore};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

fn lock(store: &FileStore) -> StoreLock<'_> {
    store.try_lock("", Duration::ZERO).expect("a lock")
}

#[test]
fn processes_that_start_together_make_one_request() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    for round in 1..=3 {
        let mut children: Vec<Ready> =
            (0..8).map(|_| Ready::start(&mut command("request", &path, &google.token_url()))).collect();
        children.iter_mut().for_each(Ready::go);
        let tokens: Vec<String> = children.iter_mut().map(|child| child.line("token:")).collect();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert_eq!(google.token_requests(), round);
        fs::remove_file(&path).expect("removed");
    }
}

#[test]
fn stopped_holder_of_the_lock_holds_nobody_up_for_more_than_two_seconds() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let holder = Ready::start(&mut command("hold", &path, ""));
    holder.signal("-STOP");
    let clock = ManualClock::new();
    let source = Stored::new(numbered().with_clock(clock.clone()), FileStore::at(&path).expect("a path"));
    let source = source.with_clock(Arc::new(Jumping(clock.clone())));
    let before = clock.monotonic();
    assert_eq!(text(&source), "token-1");
    let waited = clock.monotonic() - before;
    assert!(waited > Duration::from_millis(1600) && waited < Duration::from_secs(2), "{waited:?}");
    let status = source.status();
    assert_eq!((status.waited_out, status.requested, status.saved, status.failures), (1, 1, 0, 0));
    assert_eq!(names(directory.path()), ["tokens.json.lock"], "without the lock nothing is saved");
    holder.signal("-CONT");
}

#[test]
fn killed_holder_of_the_lock_holds_nobody_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let mut holder = Ready::start(&mut command("hold", &path, ""));
    let store = FileStore::at(&path).expect("a path");
    assert!(matches!(lock(&store), StoreLock::Busy));
    holder.child.kill().expect("killed");
    holder.child.wait().expect("gone");
    assert!(matches!(lock(&store), StoreLock::Held(_)));
    let source = stored(&path);
    assert_eq!((text(&source), source.status().saved), ("token-1".into(), 1));
}

#[test]
fn lock_is_one_for_threads_and_processes_and_ends_with_its_guard() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let (one, two) = (FileStore::at(&path).expect("a path"), FileStore::at(&path).expect("a path"));
    let held = lock(&one);
    assert!(matches!(
        (&held, lock(&one), lock(&two)),
        (StoreLock::Held(_), StoreLock::Busy, StoreLock::Busy)
    ));
    drop(held);
    let again = lock(&two);
    assert!(matches!((&again, lock(&one)), (StoreLock::Held(_), StoreLock::Busy)));
}

#[test]
fn lock_file_that_was_deleted_is_made_anew_and_its_old_lock_counts_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let store = FileStore::at(&path).expect("a path");
    let old = lock(&store);
    fs::remove_file(directory.path().join("tokens.json.lock")).expect("removed");
    let new = lock(&store);
    assert!(matches!((&old, &new, lock(&store)), (StoreLock::Held(_), StoreLock::Held(_), StoreLock::Busy)));
    drop(old);
    assert!(matches!(lock(&store), StoreLock::Busy), "the old lock released the new one");
    drop(new);
    assert!(matches!(lock(&store), StoreLock::Held(_)));
}

#[test]
fn lock_file_is_not_trusted_if_it_is_open_to_others_or_a_link() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("tokens.json");
    let lock = directory.path().join("tokens.json.lock");
    fs::write(&lock, "").expect("written");
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).expect("permissions");
    let source = stored(&path);
    assert_eq!(text(&source), "token-1");
    let told = format!(
        "the token store {} can be read or written by other users; remove it: others may know the tokens in \
         it, and a new one is made for this user alone",
        lock.display()
    );
    assert_eq!(source.status().last_failure.expect("told").to_string(), told);
    fs::remove_file(&lock).expect("removed");
    let target = directory.path().join("target");
    fs::write(&target, "precious").expect("written");
    std::os::unix::fs::symlink(&target, &lock).expect("a link");
    let source = stored(&path);
    assert_eq!((text(&source), source.status().saved), ("token-1".into(), 0));
    assert_eq!(fs::read_to_string(&target).expect("still there"), "precious");
    fs::remove_file(&lock).expect("removed");
    assert_eq!(text(&stored(&path)), "token-1");
    assert!(is_taken(&path));
}
