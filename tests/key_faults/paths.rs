//! What is given as the path of a key file, in code and in the environment variable.

use crate::fixture::{CANARY, LINES, PEM, assert_refused, assert_taken, assert_told, file, folder};
use crate::util::canary::all_texts;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use shortway::CREDENTIALS_VARIABLE;
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{Error, ErrorKind, ServiceAccountKey};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn load(path: impl AsRef<Path>) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_file(path)
}

/// [`load`], but a test that fails instead of one that hangs.
#[track_caller]
pub(crate) fn load_in_time(path: &Path) -> Result<ServiceAccountKey, Error> {
    let (send, receive) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || send.send(ServiceAccountKey::from_file(path)));
    receive.recv_timeout(Duration::from_secs(20)).expect("reading does not hang")
}

#[test]
fn path_with_an_odd_end_is_quoted_and_its_cause_is_named() {
    let windows = "the path ends in a carriage return: save the file that sets it with Unix line ends";
    let newline = "the path ends in a line feed: remove it";
    let blank = "the path begins or ends with a blank: remove it";
    let quote = "the path begins or ends with a quotation mark: remove it";
    for (path, shown, hint) in [
        ("/no/such/key.json\r", r#""/no/such/key.json\r""#, windows),
        ("/no/such/key.json\r\n", r#""/no/such/key.json\r\n""#, windows),
        ("/no/such/key.json\n", r#""/no/such/key.json\n""#, newline),
        ("/no/such/key.json ", r#""/no/such/key.json ""#, blank),
        (" /no/such/key.json", r#"" /no/such/key.json""#, blank),
        ("/no/such/key.json\t", r#""/no/such/key.json\t""#, blank),
        ("\"/no/such/key.json\"", r#""\"/no/such/key.json\"""#, quote),
        ("'/no/such/key.json'", r#""'/no/such/key.json'""#, quote),
    ] {
        let text = format!("cannot read the key file {shown}: it does not exist; {hint}");
        assert_told(path, load(path), ErrorKind::Config, &text);
    }
}

#[test]
fn control_and_invisible_characters_of_a_path_are_escaped() {
    for (path, shown) in [
        ("/no/\u{1b}[31m/key.json", r#""/no/\u{1b}[31m/key.json""#),
        ("/no/\u{202e}/key.json", r#""/no/\u{202e}/key.json""#),
        ("/no/\u{7f}/key.json", r#""/no/\u{7f}/key.json""#),
    ] {
        let error = assert_refused(path, load(path), ErrorKind::Config);
        assert_eq!(error.message(), format!("cannot read the key file {shown}: it does not exist"));
    }
    let error = assert_refused("no UTF-8", load(OsStr::from_bytes(b"/no/\xff.json")), ErrorKind::Config);
    assert_eq!(error.message(), r#"cannot read the key file "/no/\xFF.json": it does not exist"#);
    let error = assert_refused("a NUL", load("/no\0/key.json"), ErrorKind::Config);
    assert_eq!(
        error.message(),
        r#"cannot read the key file "/no\0/key.json": the path contains a NUL character"#
    );
}

#[test]
fn long_path_is_a_path_and_is_shortened_in_the_text() {
    let path = format!("/no{}/key.json", "/such-folder".repeat(95));
    let error = assert_refused("1,153 bytes", load(&path), ErrorKind::Config);
    assert_eq!(error.path(), Some(Path::new(&path)));
    let shown = format!("{}…{}", &path[..200], &path[path.len() - 90..]);
    assert_eq!(error.message(), format!("cannot read the key file {shown}: it does not exist"));
    let path = format!("/no{}/key.json", "/such-folder".repeat(400));
    let error = assert_refused("over PATH_MAX", load(&path), ErrorKind::Config);
    assert!(error.message().ends_with(": the path or a part of it is too long"), "{error}");
}

#[test]
fn hint_about_relative_paths_is_given_for_relative_paths_only() {
    let message = "cannot read the key file /no/such/key.json: it does not exist; check the path";
    assert_told("absolute", load("/no/such/key.json"), ErrorKind::Config, message);
    let message = "cannot read the key file no/such/key.json: it does not exist; check the path; it is \
                   relative to the directory that the program runs in";
    assert_told("relative", load("no/such/key.json"), ErrorKind::Config, message);
    let message = "cannot read the key file \"~/no/such/key.json\": it does not exist; give the whole path: \
                   `~` is not expanded here";
    assert_told("home", load("~/no/such/key.json"), ErrorKind::Config, message);
    let message =
        "cannot read the key file \"file:///no/such/key.json\": it does not exist; give a path, not a URL";
    assert_told("a URL", load("file:///no/such/key.json"), ErrorKind::Config, message);
}

#[test]
fn loop_of_symbolic_links_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("loop");
    symlink("loop", &path).expect("a link");
    let text = format!(
        "cannot read the key file {}: its symbolic links form a loop; check the path",
        path.display()
    );
    assert_told("a loop", load(&path), ErrorKind::Config, &text);
}

#[test]
fn file_whose_length_is_0_is_refused_unread() {
    let path = "/proc/kmsg";
    if Path::new(path).exists() {
        let text = "/proc/kmsg: the key file is empty: its length is 0; if it is not a file on a disk, read \
                    it with ServiceAccountKey::from_reader";
        assert_told("a file that blocks", load_in_time(Path::new(path)), ErrorKind::Config, text);
    }
}

#[test]
fn piece_of_a_key_given_as_a_path_is_not_shown() {
    let body = LINES.concat();
    let whole = BASE64_STANDARD.encode(THROW_AWAY_KEY_JSON);
    let lines = LINES[3..6].join(" ");
    let mut pieces =
        vec![lines.as_str(), &LINES[0], &body, &body[64..1000], &whole[..1000], &whole[2000..2064]];
    // Every line of 64 characters, wherever it begins, and every second piece of 24.
    pieces.extend((1..body.len() - 64).map(|start| &body[start..start + 64]));
    pieces.extend((1..body.len() - 24).step_by(2).map(|start| &body[start..start + 24]));
    let hidden = "its path, not shown, looks like a piece of a key";
    for piece in pieces.into_iter().filter(|piece| !piece.starts_with('/')) {
        let error = load(piece).expect_err("not a path");
        assert!(error.message().contains(hidden), "{piece} is shown");
        assert_eq!((error.kind(), error.path()), (ErrorKind::Config, None));
    }
    let error = assert_refused("a line", load(LINES[7]), ErrorKind::Config);
    let text = "cannot read the key file: it does not exist (its path, not shown, looks like a piece of a \
                key); give the path of the JSON key file";
    assert_eq!(error.to_string(), text);
    CANARY.assert_absent(&all_texts(&error));
}

#[test]
fn usual_paths_are_not_taken_for_a_piece_of_a_key() {
    for path in [
        "/var/run/secrets/google/key",
        "/home/Jane/keys/production",
        "/no/such/0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a",
        "/run/user/1000/podman/6Y5IM2XC7TSNIJZZFLJCS6I4I4",
        "C:\\Users\\Jane\\key",
        "keys/MyProductionServiceAccount.json",
        "my-service-account-Key",
    ] {
        let error = assert_refused(path, load(path), ErrorKind::Config);
        assert_eq!(error.path(), Some(Path::new(path)));
        assert_eq!(error.message(), format!("cannot read the key file {path}: it does not exist"));
    }
}

#[test]
fn file_whose_name_looks_like_a_key_is_read_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("QUJDREVGabcdefgh0123QUJDREVG");
    fs::write(&path, THROW_AWAY_KEY_JSON).expect("written");
    assert_taken("an odd name", load(&path));
    fs::write(&path, "{").expect("written");
    let error = assert_refused("an odd name", load(&path), ErrorKind::Config);
    assert_eq!(error.path(), Some(path.as_path()));
}

/// Everything by which a key is given instead of a path to it: the file's text, its base64, the PEM.
fn contents() -> Vec<(&'static str, String)> {
    let json: serde_json::Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    let body = PEM.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    vec![
        ("the JSON", THROW_AWAY_KEY_JSON.to_owned()),
        ("the JSON on one line", json.to_string()),
        ("a half of the JSON on one line", json.to_string()[json.to_string().len() / 2..].to_owned()),
        ("base64 of the JSON", BASE64_STANDARD.encode(THROW_AWAY_KEY_JSON)),
        ("base64url of the JSON", BASE64_URL_SAFE_NO_PAD.encode(THROW_AWAY_KEY_JSON)),
        ("the PEM", PEM.clone()),
        ("the PEM on one line", PEM.replace('\n', "\\n")),
        ("the body of the PEM", body),
        ("quoted JSON", format!("'{json}'")),
        ("a file: URL of the JSON", format!("file://{json}")),
    ]
}

#[test]
fn key_given_in_place_of_a_path_is_refused_and_not_repeated() {
    let mut leaks = Vec::new();
    for (what, content) in contents() {
        let error = ServiceAccountKey::from_file(&content).expect_err("no path");
        assert_eq!(error.kind(), ErrorKind::Config, "{what}");
        leaks.extend(CANARY.find(&all_texts(&error)).map(|piece| format!("{what}: {piece}")));
    }
    assert!(leaks.is_empty(), "the error repeats the key: {leaks:#?}");
}

/// Set for a child process: it prints what `from_env` gives.
const CHILD: &str = "SHORTWAY_TEST_PRINTS_FROM_ENV";

#[test]
fn child_that_prints_what_the_environment_gives() {
    if std::env::var_os(CHILD).is_some() {
        match ServiceAccountKey::from_env() {
            Ok(key) => println!("<key of {}>", key.client_email()),
            Err(error) => println!("<{:?} {}> {}", error.kind(), error, all_texts(&error)),
        }
    }
}

/// What `from_env` prints in a process with this value of the variable.
#[track_caller]
fn from_env(value: Option<&str>) -> String {
    let mut child = Command::new(std::env::current_exe().expect("this program"));
    child.args(["--exact", "paths::child_that_prints_what_the_environment_gives", "--nocapture"]);
    child.env_remove(CREDENTIALS_VARIABLE).env(CHILD, "1");
    if let Some(value) = value {
        child.env(CREDENTIALS_VARIABLE, value);
    }
    let output = child.output().expect("this program runs again");
    assert!(output.status.success(), "the child failed");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn variable_is_a_path_and_nothing_else() {
    let folder = folder();
    let path = file(&folder, "my key.json", THROW_AWAY_KEY_JSON);
    let path = path.to_str().expect("a path");
    let printed = from_env(Some(path));
    assert!(printed.contains("<key of fake@throw-away.iam.gserviceaccount.com>"), "{printed}");
    let unset = "<Config no key file: GOOGLE_APPLICATION_CREDENTIALS is not set; set it to the path of the \
                 service account's JSON key file>";
    for value in [None, Some("")] {
        let printed = from_env(value);
        assert!(printed.contains(unset), "{printed}");
    }
    let printed = from_env(Some("no/such key.json"));
    let told = "<Config cannot read the key file no/such key.json: it does not exist (from \
                GOOGLE_APPLICATION_CREDENTIALS); check the path; it is relative to the directory that the \
                program runs in>";
    assert!(printed.contains(told), "{printed}");
    // No tilde, no URL, no quotes, no variable has a meaning: the value is used as it is.
    for value in ["~/key.json", &format!("file://{path}"), &format!("\"{path}\""), &format!(" {path}")] {
        let printed = from_env(Some(value));
        assert!(printed.contains("<Config cannot read the key file"), "{printed}");
    }
    let printed = from_env(Some("/no/such/key.json\r"));
    let told = "<Config cannot read the key file \"/no/such/key.json\\r\": it does not exist (from \
                GOOGLE_APPLICATION_CREDENTIALS); the path ends in a carriage return: save the file that sets \
                it with Unix line ends>";
    assert!(printed.contains(told), "{printed}");
}

#[test]
fn key_given_in_the_variable_is_refused_and_not_repeated() {
    let mut leaks = Vec::new();
    for (what, content) in contents() {
        let printed = from_env(Some(&content));
        assert!(printed.contains("<Config "), "{what} is refused");
        leaks.extend(CANARY.find(&printed).map(|piece| format!("{what}: {piece}")));
    }
    assert!(leaks.is_empty(), "the error repeats the key: {leaks:#?}");
}
