//! Rows 1 to 11 and 29 to 32: the file around the JSON, before a word of it is read.

use crate::covers;
use crate::fixture::{BEGIN, CANARY, PEM, assert_refused, assert_taken, assert_told};
use crate::util::{canary::all_texts, openssl};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use shortway::key::CREDENTIALS_VARIABLE;
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{Error, ErrorKind, ServiceAccountKey};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A file in `folder` with these bytes.
fn file(folder: &tempfile::TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, content).expect("written");
    path
}

/// Reads the file, and fails rather than waits for ever.
#[track_caller]
fn load_in_time(path: &Path) -> Result<ServiceAccountKey, Error> {
    let (tell, told) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || tell.send(ServiceAccountKey::from_file(path)));
    told.recv_timeout(Duration::from_secs(20)).expect("reading does not hang")
}

#[test]
fn file_that_is_empty_or_blank_is_told() {
    covers(&[4]);
    let folder = folder();
    for content in ["", "\u{feff}", " \r\n\t", "\u{feff}\n"] {
        let path = file(&folder, "key.json", content);
        let error = assert_refused("a blank file", ServiceAccountKey::from_file(&path), ErrorKind::Config);
        assert_eq!(error.message(), format!("{}: the key file is empty", path.display()), "{content:?}");
        assert_eq!(error.path(), Some(path.as_path()));
    }
}

#[test]
fn file_of_64_kib_is_read_and_one_byte_more_is_refused_unread() {
    covers(&[5]);
    let folder = folder();
    let path = folder.path().join("key.json");
    let padded = |size: usize| THROW_AWAY_KEY_JSON.to_owned() + &" ".repeat(size - THROW_AWAY_KEY_JSON.len());
    fs::write(&path, padded(65_536)).expect("written");
    assert_taken("just the cap", ServiceAccountKey::from_file(&path));
    fs::write(&path, padded(65_537)).expect("written");
    let told = format!(
        "{}: the key file is larger than 64 KiB; a service account's key file is about 2.4 KiB of JSON: is this the right \
         file?",
        path.display()
    );
    assert_told("a byte over the cap", ServiceAccountKey::from_file(&path), ErrorKind::TooLarge, &told);
    // 10 MB of what looks like a key's base64: no more of it is read than shows that it is too much.
    let large = format!("{{\"private_key\": \"{BEGIN}{}\"}}", "QUJD".repeat(2_500_000));
    fs::write(&path, &large).expect("written");
    assert_told("10 MB of base64", load_in_time(&path), ErrorKind::TooLarge, &told);
    let mut rest = large.as_bytes();
    let read = ServiceAccountKey::from_reader(&mut rest);
    assert_refused("10 MB from a reader", read, ErrorKind::TooLarge);
    assert_eq!(large.len() - rest.len(), 65_537);
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    covers(&[2, 6]);
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let made = Command::new("mkfifo").arg(path("pipe")).status().expect("mkfifo runs");
    assert!(made.success());
    let _listener = UnixListener::bind(path("socket")).expect("a socket");
    symlink(path("pipe"), path("link to a pipe")).expect("a link");
    symlink("/dev/zero", path("link to zeros")).expect("a link");
    symlink(folder.path(), path("link to a folder")).expect("a link");
    for name in ["pipe", "socket", "link to a pipe", "link to zeros"] {
        let told = format!(
            "cannot read the key file {}: it is not a regular file; give the path of a JSON file",
            path(name).display()
        );
        assert_told(name, load_in_time(&path(name)), ErrorKind::Config, &told);
    }
    for device in ["/dev/zero", "/dev/null", "/dev/full"] {
        let error = assert_refused(device, load_in_time(Path::new(device)), ErrorKind::Config);
        assert_eq!(error.message(), format!("cannot read the key file {device}: it is not a regular file"));
    }
    let told = format!(
        "cannot read the key file {}: it is a directory; give the path of the JSON file in it",
        path("link to a folder").display()
    );
    assert_told("a link to a folder", load_in_time(&path("link to a folder")), ErrorKind::Config, &told);
    let below = file(&folder, "key.json", THROW_AWAY_KEY_JSON).join("more");
    let error = assert_refused("below a file", load_in_time(&below), ErrorKind::Config);
    let told = format!("cannot read the key file {}: a part of the path is not a directory", below.display());
    assert_eq!(error.message(), told);
}

#[test]
fn bytes_that_are_no_utf8_are_told_by_what_they_are() {
    covers(&[8, 9]);
    let units = |mark: &str| format!("{mark}{THROW_AWAY_KEY_JSON}");
    let little = |text: String| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: String| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    for (what, bytes) in [
        ("little-endian, marked", little(units("\u{feff}"))),
        ("big-endian, marked", big(units("\u{feff}"))),
        ("little-endian, unmarked", little(units(""))),
        ("big-endian, unmarked", big(units(""))),
    ] {
        let told = "the key file is UTF-16 text; save it as UTF-8";
        assert_told(what, ServiceAccountKey::from_bytes(&bytes), ErrorKind::Config, told);
    }
    let told = "the key file is not UTF-8 text; give the JSON key file just as it was downloaded";
    for place in (0..THROW_AWAY_KEY_JSON.len()).step_by(97) {
        let mut bytes = THROW_AWAY_KEY_JSON.as_bytes().to_vec();
        bytes.insert(place, b'\xff');
        assert_told("a stray byte", ServiceAccountKey::from_bytes(&bytes), ErrorKind::Config, told);
    }
}

#[test]
fn p12_file_is_named_and_told_how_to_convert() {
    covers(&[11, 54]);
    if !openssl::is_there() {
        return;
    }
    let folder = folder();
    let pem = file(&folder, "private.pem", &*PEM).to_str().expect("a path").to_owned();
    let path = folder.path().join("key.p12");
    for ciphers in ["", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg SHA1"] {
        let export = "pkcs12 -export -nocerts -passout pass:notasecret -inkey";
        let mut arguments: Vec<&str> = export.split(' ').collect();
        arguments.extend([pem.as_str(), "-out", path.to_str().expect("a path")]);
        arguments.extend(ciphers.split_whitespace());
        openssl::run(arguments);
        let error = assert_refused("a P12 file", ServiceAccountKey::from_file(&path), ErrorKind::Config);
        let (message, hint) = (error.message(), error.hint().unwrap_or_default());
        assert!(message.contains("PKCS#12 (.p12) file"), "{message}");
        assert!(hint.contains("create a key of type JSON"), "{hint}");
        assert!(hint.contains("openssl pkcs12 -in key.p12 -nodes -nocerts"), "how to convert: {hint}");
        // Its base64, in the place of the key: no P12 is opened, nor mistaken for a damaged key.
        let der = fs::read(&path).expect("the P12 file");
        let error = assert_refused("a P12 in the key", crate::fixture::load_der(&der), ErrorKind::Key);
        assert_eq!(error.message(), "the private key is of an unknown algorithm, not RSA");
    }
}

#[test]
fn mode_of_the_file_does_not_matter_as_long_as_it_can_be_read() {
    // Containers mount secrets 0444 and 0644: no reason to refuse.
    covers(&[30]);
    let folder = folder();
    let path = file(&folder, "key.json", THROW_AWAY_KEY_JSON);
    for mode in [0o400, 0o600, 0o440, 0o444, 0o644, 0o666, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        assert_taken(&format!("{mode:o}"), ServiceAccountKey::from_file(&path));
    }
}

#[test]
fn link_to_a_key_file_is_followed() {
    covers(&[32]);
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    // As Kubernetes mounts a secret: key.json -> ..data/key.json, ..data -> ..2026_01_01.
    fs::create_dir(at("..2026_01_01")).expect("a folder");
    fs::write(at("..2026_01_01/key.json"), THROW_AWAY_KEY_JSON).expect("written");
    symlink("..2026_01_01", at("..data")).expect("a link");
    symlink("..data/key.json", at("key.json")).expect("a link");
    assert_taken("a link over a link", ServiceAccountKey::from_file(at("key.json")));
    symlink("nowhere", at("dangling")).expect("a link");
    let told = format!(
        "cannot read the key file {}: it does not exist; check the path; it is relative to the directory that the program \
         runs in",
        at("dangling").display()
    );
    assert_told("a dangling link", ServiceAccountKey::from_file(at("dangling")), ErrorKind::Config, &told);
    symlink("loop", at("loop")).expect("a link");
    assert_refused("a link to itself", ServiceAccountKey::from_file(at("loop")), ErrorKind::Config);
    fs::remove_file(at("..data")).and_then(|()| symlink("gone", at("..data"))).expect("a link");
    assert_refused("a mount that is gone", ServiceAccountKey::from_file(at("key.json")), ErrorKind::Config);
}

/// Everything by which a key is given instead of a path to it: the file's text, its base64, the PEM.
fn contents() -> Vec<(&'static str, String)> {
    let json: serde_json::Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    let body = PEM.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    vec![
        ("the JSON", THROW_AWAY_KEY_JSON.to_owned()),
        ("the JSON on one line", json.to_string()),
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
    covers(&[29]);
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
    child.args(["--exact", "files::child_that_prints_what_the_environment_gives", "--nocapture"]);
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
    covers(&[1, 29]);
    let folder = folder();
    let path = file(&folder, "my key.json", THROW_AWAY_KEY_JSON);
    let path = path.to_str().expect("a path");
    let printed = from_env(Some(path));
    assert!(printed.contains("<key of fake@throw-away.iam.gserviceaccount.com>"), "{printed}");
    let unset = "<Config no key file: GOOGLE_APPLICATION_CREDENTIALS is not set; set it to the path of the service \
                 account's JSON key file>";
    for value in [None, Some("")] {
        let printed = from_env(value);
        assert!(printed.contains(unset), "{printed}");
    }
    let printed = from_env(Some("no/such key.json"));
    let told = "<Config cannot read the key file no/such key.json: it does not exist (from \
                GOOGLE_APPLICATION_CREDENTIALS); check the path; it is relative to the directory that the program runs in>";
    assert!(printed.contains(told), "{printed}");
    // No tilde, no URL, no quotes, no variable is understood: what is not a path to a file is none.
    for value in ["~/key.json", &format!("file://{path}"), &format!("\"{path}\""), &format!(" {path}")] {
        let printed = from_env(Some(value));
        assert!(printed.contains("<Config cannot read the key file"), "{printed}");
    }
}

#[test]
fn key_given_in_the_variable_is_refused_and_not_repeated() {
    covers(&[29]);
    let mut leaks = Vec::new();
    for (what, content) in contents() {
        let printed = from_env(Some(&content));
        assert!(printed.contains("<Config "), "{what} is refused");
        leaks.extend(CANARY.find(&printed).map(|piece| format!("{what}: {piece}")));
    }
    assert!(leaks.is_empty(), "the error repeats the key: {leaks:#?}");
}
