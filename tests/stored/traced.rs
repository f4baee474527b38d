//! The order of system calls, and errors of them that no disk here makes: strace looks, and puts the errors
//! in.

use crate::child::{ARGUMENTS, me, ordered};
use crate::{is_taken, names, only_key, skipped, with_a_token};
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whether strace is there and may trace.
fn can_trace() -> bool {
    let can = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let can = can.is_ok_and(|output| output.status.success());
    if !can {
        skipped("faults of system calls: they need strace, and the right to trace");
    }
    can
}

/// What a traced child prints that takes one token from the store and then requests one, and its trace.
struct Traced {
    printed: String,
    trace: Vec<String>,
}

/// Runs `order` under strace with these options.
#[track_caller]
fn traced(options: &[&str], order: &str, store: &Path) -> Traced {
    let folder = tempfile::tempdir().expect("a directory");
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-o"]).arg(&trace).args(options).arg(me()).args(ARGUMENTS);
    let output = ordered(&mut command, order, store, "2").output().expect("strace runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let trace = fs::read_to_string(&trace).expect("a trace");
    Traced { printed, trace: trace.lines().map(str::to_owned).collect() }
}

impl Traced {
    /// The line that begins like this, without its beginning.
    #[track_caller]
    fn line(&self, start: &str) -> &str {
        let found = self.printed.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no {start}: {}", self.printed)).trim()
    }
}

#[test]
fn power_failure_leaves_the_old_file_or_the_new_one() {
    if !can_trace() {
        return;
    }
    let (directory, path) = with_a_token();
    let calls = "trace=openat,write,fsync,rename,renameat,renameat2,flock,unlinkat";
    let traced = traced(&["-e", calls], "save", &path);
    let seen = |what: &str, more: &str| {
        let found = traced.trace.iter().position(|line| line.contains(what) && line.contains(more));
        found.unwrap_or_else(|| panic!("no {what} {more}:\n{}", traced.trace.join("\n")))
    };
    let folder = directory.path().display();
    let order = [
        seen("flock(", "LOCK_EX|LOCK_NB) = 0"),
        seen("openat(", ".tmp\", O_RDWR|O_CREAT|O_EXCL|"),
        seen("write(", ".tmp>, \"{\\\"version"),
        seen("fsync(", ".tmp>) = 0"),
        seen("renameat", ".tmp\""),
        seen("fsync(", &format!("<{folder}>)")),
        seen("flock(", "LOCK_UN) = 0"),
    ];
    assert!(order.is_sorted(), "{order:?}\n{}", traced.trace.join("\n"));
    assert_eq!(traced.line("counts:"), "1 requested, 1 saved, 0 failures");
}

#[test]
fn error_of_any_call_of_a_save_leaves_the_old_file_and_no_other() {
    if !can_trace() {
        return;
    }
    let faults = [
        ("fsync", "ENOSPC", "cannot write the token store {}: no storage space"),
        ("fsync", "EDQUOT", "cannot write the token store {}: quota exceeded"),
        ("fsync", "EIO", "cannot write the token store {}: uncategorized error"),
        ("renameat", "ENOSPC", "cannot replace the token store {}: no storage space"),
        ("renameat", "EXDEV", "cannot replace the token store {}: cross-device link or rename"),
        ("renameat", "EDQUOT", "cannot replace the token store {}: quota exceeded"),
        ("renameat", "EIO", "cannot replace the token store {}: uncategorized error"),
        ("renameat", "EROFS", "cannot replace the token store {}: read-only filesystem or storage medium"),
        ("renameat", "ENAMETOOLONG", "cannot replace the token store {}: invalid filename"),
        ("flock", "EIO", "cannot lock the token store {}.lock: uncategorized error"),
    ];
    for (call, error, told) in faults {
        let (directory, path) = with_a_token();
        let before = fs::read(&path).expect("a store");
        let inject = format!("inject=/{call}.*:error={error}");
        let traced = traced(&["-e", &inject], "save", &path);
        assert_eq!(traced.line("counts:"), "1 requested, 0 saved, 1 failures", "{call} {error}");
        assert_eq!(traced.line("failure:"), told.replace("{}", &path.display().to_string()));
        assert_eq!(fs::read(&path).expect("a store"), before, "{call} {error}");
        assert_eq!(names(directory.path()), ["tokens.json", "tokens.json.lock"], "{call} {error}");
        assert!(is_taken(&path));
    }
}

#[test]
fn file_system_that_cannot_sync_a_directory_or_list_it_is_good_enough() {
    if !can_trace() {
        return;
    }
    let (_directory, path) = with_a_token();
    for fault in ["fsync:error=EINVAL:when=2", "getdents64:error=EIO", "fsync:error=EINTR:when=1"] {
        let traced = traced(&["-e", &format!("inject={fault}")], "save", &path);
        assert_eq!(traced.line("counts:"), "1 requested, 1 saved, 0 failures", "{fault}");
        assert!(traced.trace.iter().any(|line| line.contains("INJECTED")), "{fault}");
        assert!(is_taken(&path));
    }
    // An error of the directory is told; the file is in place by then.
    let told = traced(&["-e", "inject=fsync:error=EIO:when=2"], "save", &path);
    assert_eq!(told.line("counts:"), "1 requested, 0 saved, 1 failures");
    assert!(is_taken(&path));
}

#[test]
fn file_that_cannot_be_read_is_told_and_fails_no_call() {
    if !can_trace() {
        return;
    }
    let (_directory, path) = with_a_token();
    let only_this = path.to_str().expect("text");
    let traced = traced(&["-P", only_this, "-e", "inject=read:error=EIO"], "save", &path);
    assert!(traced.line("counts:").starts_with("2 requested, 0 saved, "), "{}", traced.printed);
    let told = format!("cannot read the token store {}: uncategorized error", path.display());
    assert_eq!(
        (traced.line("failure:"), traced.line("system:")),
        (told.as_str(), "Input/output error (os error 5)")
    );
    assert!(is_taken(&path));
}

#[test]
fn file_system_without_locks_is_used_without_them_and_only_old_strays_are_removed() {
    if !can_trace() {
        return;
    }
    for error in ["ENOLCK", "ENOSYS", "EOPNOTSUPP"] {
        let (directory, path) = with_a_token();
        let stray = |digit: &str| directory.path().join(format!(".tokens.json.{}.tmp", digit.repeat(16)));
        let (old, new) = (stray("0"), stray("f"));
        for file in [&old, &new] {
            fs::write(file, "{").expect("written");
        }
        let long_ago = std::time::SystemTime::now() - Duration::from_secs(700);
        File::options().write(true).open(&old).and_then(|file| file.set_modified(long_ago)).expect("dated");
        let traced = traced(&["-e", &format!("inject=flock:error={error}")], "save", &path);
        assert_eq!(traced.line("counts:"), "1 requested, 1 saved, 0 failures", "{error}");
        assert!(!old.exists() && new.exists(), "{error}: {:?}", names(directory.path()));
        assert!(is_taken(&path));
        // With the lock, the other goes with the next save.
        let key = only_key(&path);
        shortway::TokenStore::remove(&shortway::FileStore::at(&path).expect("a path"), &key, Duration::ZERO)
            .expect("removed");
        assert!(!new.exists());
    }
}

#[test]
fn lock_on_a_file_that_was_replaced_meanwhile_is_no_lock() {
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let (path, lock) = (directory.path().join("tokens.json"), directory.path().join("tokens.json.lock"));
    let mut command = Command::new("strace");
    // The first lock is taken two seconds after its file was opened.
    let late = "inject=flock:delay_enter=2000000:when=1";
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", late]).arg(me()).args(ARGUMENTS);
    let child = ordered(&mut command, "lock", &path, "").stdout(Stdio::piped()).spawn().expect("strace runs");
    let start = Instant::now();
    while !lock.exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the child makes no lock file");
        std::thread::yield_now();
    }
    fs::remove_file(&lock).expect("removed");
    let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&lock).expect("a new one");
    new.lock().expect("a lock");
    let output = child.wait_with_output().expect("an end");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("lock: Ok(Busy)"), "{printed}");
}
