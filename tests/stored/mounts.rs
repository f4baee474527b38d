//! Disks that are full or cannot be written to, and other users. These need root, who alone mounts and
//! becomes another user; without root they print that they skip.
//!
//! A script mounts what it needs in a namespace of its own, so that nothing stays mounted, and runs children
//! there.

use crate::child::{ARGUMENTS, me, ordered};
use crate::skipped;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Defines `save`, which runs a child, and what a script needs to look at the store `$1` in `$2`.
const PRELUDE: &str = r#"
set -eu
program=$0 store=$1 directory=$2
save() { SHORTWAY_TEST_DETAIL=$1 "$program" child::obeys --exact --nocapture --quiet | grep -E '^[a-z]+: .' ; }
look() { echo "look: $(cksum <"$store")"; echo "names: $(cd "$directory" && ls -A | grep -v fill | tr '\n' ' ')"; }
"#;

/// What a script prints that runs as root in a namespace of mounts of its own; `None` if that is not
/// possible.
fn in_a_namespace(script: &str, directory: &Path) -> Option<Vec<String>> {
    let can = Command::new("unshare").args(["--mount", "true"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        skipped("mounts: only root can make them");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &format!("{PRELUDE}{script}")]).arg(me());
    let store = directory.join("tokens.json");
    let output = ordered(command.arg(&store).arg(directory), "save", &store, "").output().expect("a shell");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Some(printed.lines().map(str::to_owned).collect())
}

/// The lines that begin like this, without their beginning.
fn of<'a>(lines: &'a [String], start: &str) -> Vec<&'a str> {
    lines.iter().filter_map(|line| line.strip_prefix(start)).collect()
}

#[test]
fn full_disk_leaves_the_old_file_and_no_other_and_fails_no_call() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = r#"
mount -t tmpfs -o size=64k,mode=700 none "$directory"
save 1; look
dd if=/dev/zero of="$directory/fill" bs=4k 2>/dev/null || true
save 4; look
rm "$directory/fill"
save 2; look
"#;
    let Some(lines) = in_a_namespace(script, directory.path()) else { return };
    let counts = [
        "1 requested, 1 saved, 0 failures",
        "3 requested, 0 saved, 3 failures",
        "1 requested, 1 saved, 0 failures",
    ];
    assert_eq!(of(&lines, "counts: "), counts, "{lines:?}");
    let store = directory.path().join("tokens.json");
    let told = format!("cannot write the token store {}: no storage space", store.display());
    assert_eq!(of(&lines, "failure: "), [told.as_str()]);
    assert_eq!(of(&lines, "system: "), ["No space left on device (os error 28)"]);
    assert_eq!(of(&lines, "logged: "), [format!("WARN: tokens are not kept in the token store: {told}")]);
    let looks = of(&lines, "look: ");
    assert!(looks[0] == looks[1] && looks[1] != looks[2], "{looks:?}");
    assert_eq!(of(&lines, "names: "), ["tokens.json tokens.json.lock "; 3]);
}

#[test]
fn disk_without_room_for_another_file_fails_no_call() {
    let directory = tempfile::tempdir().expect("a directory");
    // The directory, the store and the lock file take three.
    let script = r#"
mount -t tmpfs -o nr_inodes=4,mode=700 none "$directory"
save 1
touch "$directory/fill"
save 2; look
mkdir "$directory/deep" 2>/dev/null || echo "full: yes"
"#;
    let Some(lines) = in_a_namespace(script, directory.path()) else { return };
    assert_eq!(of(&lines, "full: "), ["yes"]);
    let counts = ["1 requested, 1 saved, 0 failures", "1 requested, 0 saved, 1 failures"];
    assert_eq!(of(&lines, "counts: "), counts, "{lines:?}");
    let store = directory.path().join("tokens.json");
    let told = format!("cannot create a file beside the token store {}: no storage space", store.display());
    assert_eq!(of(&lines, "failure: "), [told]);
    assert_eq!(of(&lines, "names: "), ["tokens.json tokens.json.lock "]);
}

#[test]
fn read_only_file_system_gives_its_token_and_takes_none_with_one_warning() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = r#"
save 1; look
mount --bind "$directory" "$directory"
mount -o remount,bind,ro "$directory"
save 4; look
"#;
    let Some(lines) = in_a_namespace(script, directory.path()) else { return };
    // The first of the four tokens comes from the file.
    let counts = ["1 requested, 1 saved, 0 failures", "3 requested, 0 saved, 3 failures"];
    assert_eq!(of(&lines, "counts: "), counts, "{lines:?}");
    let lock = directory.path().join("tokens.json.lock");
    let told =
        format!("cannot open the token store {}: read-only filesystem or storage medium", lock.display());
    assert_eq!(of(&lines, "failure: "), [told.as_str()]);
    assert_eq!(of(&lines, "logged: "), [format!("WARN: tokens are not kept in the token store: {told}")]);
    let looks = of(&lines, "look: ");
    assert_eq!((looks[0], of(&lines, "names: ")), (looks[1], vec!["tokens.json tokens.json.lock "; 2]));
}

#[test]
fn read_only_file_system_without_a_store_fails_no_call() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = r#"
mount --bind "$directory" "$directory"
mount -o remount,bind,ro "$directory"
save 3
"#;
    let Some(lines) = in_a_namespace(script, directory.path()) else { return };
    assert_eq!(of(&lines, "counts: "), ["3 requested, 0 saved, 3 failures"], "{lines:?}");
    assert_eq!(of(&lines, "logged: ").len(), 1);
}

/// `nobody`.
const UID: &str = "65534";

#[test]
fn user_who_may_not_enter_or_write_the_directory_gets_tokens() {
    let can = Command::new("setpriv")
        .args(["--reuid", UID, "--regid", UID, "--clear-groups", "--", "true"])
        .output();
    if !can.is_ok_and(|output| output.status.success()) {
        return skipped("another user: only root becomes one");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("program");
    fs::copy(me(), &program).expect("copied");
    let allow = |path: &Path, mode: u32| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
    };
    allow(directory.path(), 0o755);
    allow(&program, 0o755);
    for (name, mode, told) in [
        ("closed", 0o700, "cannot open the directory of the token store"),
        ("locked", 0o755, "cannot create a file beside the token store"),
    ] {
        let inside = directory.path().join(name);
        fs::create_dir(&inside).expect("a directory");
        allow(&inside, mode);
        let mut command = Command::new("setpriv");
        command.args(["--reuid", UID, "--regid", UID, "--clear-groups", "--"]).arg(&program).args(ARGUMENTS);
        let store = inside.join("tokens.json");
        let output =
            ordered(&mut command, "save", &store, "2").current_dir("/").output().expect("setpriv runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        assert!(of(&lines, "counts: ")[0].starts_with("2 requested, 0 saved, "), "{printed}");
        let told = format!("{told} {}.lock: permission denied", store.display());
        assert_eq!(of(&lines, "failure: "), [told]);
        assert_eq!(of(&lines, "logged: ").len(), 1);
    }
}
