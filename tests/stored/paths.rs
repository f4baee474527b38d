//! Which paths a store may have.

use crate::{is_taken, stored, text};
use shortway::{ErrorKind, FileStore};
use std::path::Path;

#[test]
fn path_that_no_file_can_have_is_an_error_at_once() {
    for path in ["", "/", "..", "/tmp/..", "tokens/", "/tmp/tokens/.", "a\0b"] {
        let error = FileStore::at(path).expect_err(path);
        let told = "the path of the token store is not one of a file; name a file in a directory of the user that \
                    runs this program";
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, told), "{path:?}");
    }
}

#[test]
fn home_directory_of_a_shell_is_not_made_as_a_directory() {
    let error = FileStore::at("~/tokens.json").expect_err("no shell was here");
    let told = "the path of the token store begins with ~, which only a shell replaces; write the path of the home \
                directory in full, or ./~ for a directory of that name";
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Config, told));
    assert!(FileStore::at("./~/tokens.json").is_ok() && FileStore::at("~tokens.json").is_ok());
}

#[test]
fn relative_path_stays_where_the_program_was_when_it_was_given() {
    let store = FileStore::at("tokens.json").expect("a path");
    assert_eq!(store.path(), std::env::current_dir().expect("here").join("tokens.json"));
    let store = FileStore::at("./a/../tokens.json").expect("a path");
    assert!(
        store.path().is_absolute() && store.path().ends_with("tokens.json"),
        "{}",
        store.path().display()
    );
}

#[test]
fn path_with_blanks_or_quotes_or_without_utf8_works() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut names =
        vec![std::ffi::OsString::from("with blanks"), "'\"$HOME\n".into(), "ünï".into(), ".hidden".into()];
    #[cfg(unix)]
    names.push(std::os::unix::ffi::OsStringExt::from_vec(b"\xff\xfe".to_vec()));
    for name in names {
        let path = directory.path().join(&name).join(&name);
        assert_eq!(text(&stored(&path)), "token-1");
        assert!(path.is_file() && is_taken(&path), "{name:?}");
    }
}

#[test]
fn name_that_leaves_no_room_for_another_is_told_and_fails_no_call() {
    let directory = tempfile::tempdir().expect("a directory");
    for length in [240, 255, 300] {
        let path = directory.path().join("x".repeat(length));
        let source = stored(&path);
        assert_eq!(text(&source), "token-1");
        let failure = source.status().last_failure.expect("told");
        assert_eq!(failure.kind(), ErrorKind::Store);
        assert!(failure.to_string().ends_with(": invalid filename"), "{failure}");
        assert!(!Path::new(&path).exists());
    }
}

#[test]
fn path_is_shown_on_one_line_and_not_in_full_length() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a\nb\u{202e}").join("x".repeat(600));
    let failure = stored_in(&path);
    assert!(failure.contains("a\\nb\\u{202e}/xxx") && failure.contains("xxx…xxx"), "{failure}");
    assert!(failure.chars().count() < 400 && !failure.contains(['\n', '\u{202e}']), "{failure}");
}

/// What is told about a store that cannot be used.
fn stored_in(path: &Path) -> String {
    let source = stored(path);
    text(&source);
    source.status().last_failure.expect("told").to_string()
}
