//! A key file that the program is not allowed to read. The test becomes another user for it, so it needs root
//! and
//! `setpriv`; without them it prints that it skips, and in CI that is a failure.
#![cfg(unix)]

mod util;

use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{ErrorKind, ServiceAccountKey};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use util::canary::all_texts;

/// `nobody`.
const UID: &str = "65534";

/// Set for the child process that runs as nobody: the file to read.
const CHILD: &str = "SHORTWAY_TEST_READS_AS_NOBODY";

#[test]
fn child_that_reads_the_file() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let error = ServiceAccountKey::from_file(&path).expect_err("nobody may not read it");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Config, false));
    assert_eq!(error.path(), Some(Path::new(&path)));
    assert!(error.hint().is_some());
    println!("<{error}> {}", all_texts(&error));
}

/// What the child prints, run as nobody from a copy that nobody may run.
#[track_caller]
fn read_as_nobody(program: &Path, file: &Path) -> String {
    let output = Command::new("setpriv")
        .args(["--reuid", UID, "--regid", UID, "--clear-groups", "--"])
        .arg(program)
        .args(["--exact", "child_that_reads_the_file", "--nocapture"])
        .env(CHILD, file)
        .current_dir("/")
        .output()
        .expect("setpriv runs");
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}");
    printed.into_owned()
}

/// Whether this process can become nobody.
fn can_become_nobody() -> bool {
    let mut as_nobody = Command::new("setpriv");
    as_nobody.args(["--reuid", UID, "--regid", UID, "--clear-groups", "--", "true"]);
    let can = as_nobody.output().is_ok_and(|output| output.status.success());
    if !can {
        assert!(std::env::var_os("CI").is_none(), "needs root and setpriv: in CI nothing is skipped");
        eprintln!("SKIPPED: needs root and setpriv, so a key file without read permission was not tried");
    }
    can
}

#[test]
fn file_without_read_permission_is_refused_with_its_path() {
    if !can_become_nobody() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let allow = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
    };
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().expect("this program"), &program).expect("copied");
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    let (file, inside) = (folder.path().join("key.json"), closed.join("key.json"));
    for path in [&file, &inside] {
        fs::write(path, THROW_AWAY_KEY_JSON).expect("written");
    }
    allow(folder.path(), 0o755);
    allow(&program, 0o755);
    allow(&file, 0o600);
    allow(&inside, 0o644);
    allow(&closed, 0o700);
    for path in [&file, &inside] {
        let printed = read_as_nobody(&program, path);
        let told = format!(
            "<cannot read the key file {}: permission denied; let the user that runs this program read it>",
            path.display()
        );
        assert!(printed.contains(&told), "{printed}");
    }
    // Root may, and so may nobody once the mode allows it.
    ServiceAccountKey::from_file(&file).expect("readable for its owner");
}
