//! Which files and directories are trusted, and who can read what is made.

use crate::child::{ARGUMENTS, me, ordered};
use crate::{is_taken, names, stored, text, with_a_token};
use shortway::{ErrorKind, FileStore, TokenStore};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("there").mode() & 0o7777
}

/// The store at `path` is neither used nor changed, and the reason is told.
#[track_caller]
pub(crate) fn assert_refused(path: &Path, told: &str) {
    let before = fs::symlink_metadata(path).map(|found| (found.ino(), found.mtime_nsec(), found.size())).ok();
    let source = stored(path);
    assert_eq!((text(&source), source.source().calls()), ("token-1".into(), 1));
    let status = source.status();
    let failure = status.last_failure.expect("told");
    let told = format!("the token store {} {told}", path.display());
    assert_eq!((failure.kind(), failure.to_string()), (ErrorKind::Store, told));
    assert_eq!((status.saved, status.loaded), (0, 0));
    let after = fs::symlink_metadata(path).map(|found| (found.ino(), found.mtime_nsec(), found.size())).ok();
    assert_eq!(before, after, "it was changed");
}

#[test]
fn missing_file_and_directory_are_made_for_their_owner_alone_under_any_umask() {
    for umask in ["000", "022", "077", "277", "777"] {
        let directory = tempfile::tempdir().expect("a directory");
        let above = directory.path().join("a");
        // With a umask that takes rights from the owner, nobody but root can use a directory that is made.
        let path = if umask > "077" { directory.path().join("t") } else { above.join("b/t") };
        let ended = AtomicBool::new(false);
        let script = format!("umask {umask}; exec \"$0\" \"$@\"");
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| watched(path.parent().expect("one"), &ended));
            let mut child = Command::new("sh");
            child.args(["-c", &script]).arg(me()).args(ARGUMENTS).stdout(Stdio::null());
            let done = ordered(&mut child, "save", &path, "200").status().expect("a child");
            ended.store(true, Ordering::Relaxed);
            assert!(done.success());
            let (looks, wide) = watcher.join().expect("no panic");
            assert!(looks > 100, "only {looks} looks");
            assert_eq!(wide, [""; 0], "umask {umask}");
        });
        assert_eq!((mode(&path), mode(&path.with_file_name("t.lock"))), (0o600, 0o600), "umask {umask}");
        if path.starts_with(&above) {
            assert_eq!((mode(&above), mode(&above.join("b"))), (0o700, 0o700));
        }
        assert!(is_taken(&path), "umask {umask}");
    }
}

/// Looks at every file in a directory, again and again: how often, and which others could open.
fn watched(directory: &Path, ended: &AtomicBool) -> (usize, Vec<String>) {
    let (mut looks, mut wide) = (0, Vec::new());
    while !ended.load(Ordering::Relaxed) {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if let Ok(found) = entry.metadata() {
                looks += 1;
                if found.mode() & 0o077 != 0 {
                    wide.push(format!("{} {:o}", entry.path().display(), found.mode()));
                }
            }
        }
    }
    (looks, wide)
}

#[test]
fn file_that_others_can_open_is_neither_used_nor_repaired() {
    let (_directory, path) = with_a_token();
    for open in [0o644, 0o640, 0o620, 0o604, 0o601, 0o660, 0o666] {
        allow(&path, open);
        assert_refused(
            &path,
            "can be read or written by other users; remove it: others may know the tokens in it, and a new one is \
             made for this user alone",
        );
        assert_eq!(mode(&path), open);
    }
    allow(&path, 0o600);
    assert!(is_taken(&path));
}

#[test]
fn link_directory_fifo_and_device_are_not_used_and_what_links_lead_to_is_not_touched() {
    let (directory, target) = with_a_token();
    let (path, before) = (directory.path().join("store"), fs::read(&target).expect("a store"));
    let hint = "name a file of its own, or remove what is there";
    symlink(&target, &path).expect("a link");
    assert_refused(&path, &format!("is a symbolic link; {hint}"));
    assert_eq!(fs::read(&target).expect("a store"), before);
    fs::remove_file(&path).expect("removed");
    symlink(directory.path().join("nothing"), &path).expect("a link");
    assert_refused(&path, &format!("is a symbolic link; {hint}"));
    assert!(!directory.path().join("nothing").exists());
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a directory");
    assert_refused(&path, &format!("is a directory; {hint}"));
    fs::remove_dir(&path).expect("removed");
    let made = |arguments: &[&str]| {
        let run = Command::new(arguments[0]).arg(&path).args(&arguments[1..]).stderr(Stdio::null()).status();
        run.is_ok_and(|status| status.success())
    };
    assert!(made(&["mkfifo"]));
    assert_refused(&path, &format!("is not a regular file; {hint}"));
    fs::remove_file(&path).expect("removed");
    if made(&["mknod", "c", "1", "7"]) {
        assert_refused(&path, &format!("is not a regular file; {hint}"));
        fs::remove_file(&path).expect("removed");
    } else {
        crate::skipped("a device in place of the store: only root makes devices");
    }
    let temporary = |name: &String| name.starts_with('.');
    assert!(!names(directory.path()).iter().any(temporary), "{:?}", names(directory.path()));
}

#[test]
fn directory_may_be_reached_through_links() {
    let (directory, path) = with_a_token();
    let link = directory.path().with_extension("link");
    symlink(directory.path(), &link).expect("a link");
    assert!(is_taken(&link.join(path.file_name().expect("a name"))));
    fs::remove_file(&link).expect("removed");
}

#[test]
fn directory_where_everybody_can_replace_files_is_refused() {
    let (directory, path) = with_a_token();
    for open in [0o777, 0o703] {
        allow(directory.path(), open);
        let told = "is in a directory where everybody can replace it; name a file in a directory that only this \
                    user can write to";
        let lock = path.with_file_name("tokens.json.lock");
        let source = stored(&path);
        text(&source);
        let failure = source.status().last_failure.expect("told").to_string();
        assert_eq!(failure, format!("the token store {} {told}", lock.display()));
        let loading = FileStore::at(&path).expect("a path").load("x", Duration::ZERO).expect_err("refused");
        assert_eq!(loading.to_string(), format!("the token store {} {told}", path.display()));
    }
    for closed in [0o1777, 0o755, 0o775, 0o700] {
        allow(directory.path(), closed);
        assert!(is_taken(&path), "{closed:o}");
    }
}

#[test]
fn file_of_another_user_is_not_used() {
    let (_directory, path) = with_a_token();
    if std::os::unix::fs::chown(&path, Some(65534), None).is_err() {
        crate::skipped("a store of another user: only root gives files away");
        return;
    }
    assert_refused(&path, "belongs to another user; name a file of the user that runs this program");
}

#[test]
fn link_that_is_swapped_in_under_a_reader_is_never_followed() {
    let (directory, target) = with_a_token();
    let (path, aside) = (directory.path().join("store"), directory.path().join("aside"));
    let key = crate::only_key(&target);
    let opens: usize = crate::size("SHORTWAY_SWAPS", 10_000);
    let ended = AtomicBool::new(false);
    let (mut links, mut missing, mut others) = (0, 0, Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                symlink(&target, &aside).expect("a link");
                fs::rename(&aside, &path).expect("renamed");
                fs::write(&aside, "").expect("written");
                allow(&aside, 0o600);
                fs::rename(&aside, &path).expect("renamed");
            }
        });
        let store = FileStore::at(&path).expect("a path");
        for _ in 0..opens {
            match store.load(&key, Duration::ZERO) {
                Ok(None) => missing += 1,
                Ok(Some(_)) => others.push("the target of the link was read".to_owned()),
                Err(error) if error.to_string().contains("is a symbolic link") => links += 1,
                Err(error) => others.push(error.to_string()),
            }
        }
        ended.store(true, Ordering::Relaxed);
    });
    println!("{opens} looks: {links} met a link, {missing} an empty file, others: {others:?}");
    assert!(links > 0 && missing > 0 && others.is_empty());
}
