//! The file around the JSON: what is refused before its text is parsed.

use crate::fixture::{BEGIN, PEM, assert_refused, assert_taken, assert_told, file, folder};
use crate::paths::load_in_time;
use crate::util::openssl;
use shortway::testing::THROW_AWAY_KEY_JSON;
use shortway::{ErrorKind, ServiceAccountKey};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

#[test]
fn blank_file_is_refused_as_empty() {
    let folder = folder();
    for content in ["\u{feff}", " \r\n\t", "\u{feff}\n"] {
        let path = file(&folder, "key.json", content);
        let error = assert_refused("a blank file", ServiceAccountKey::from_file(&path), ErrorKind::Config);
        assert_eq!(error.message(), format!("{}: the key file is empty", path.display()), "{content:?}");
        assert_eq!(error.path(), Some(path.as_path()));
    }
}

#[test]
fn file_of_64_kib_is_read_and_one_byte_more_is_refused_unread() {
    let folder = folder();
    let path = folder.path().join("key.json");
    let padded = |size: usize| THROW_AWAY_KEY_JSON.to_owned() + &" ".repeat(size - THROW_AWAY_KEY_JSON.len());
    fs::write(&path, padded(65_536)).expect("written");
    assert_taken("just the cap", ServiceAccountKey::from_file(&path));
    fs::write(&path, padded(65_537)).expect("written");
    let told = format!(
        "{}: the key file is larger than 64 KiB; the JSON key file of a service account has about 2.4 KiB: \
         check which file this is",
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
fn file_that_is_not_regular_is_refused_without_waiting() {
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
fn bytes_that_are_not_utf8_are_named() {
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
    let told = "the key file is not UTF-8 text; give the JSON key file as it was downloaded";
    for place in (0..THROW_AWAY_KEY_JSON.len()).step_by(97) {
        let mut bytes = THROW_AWAY_KEY_JSON.as_bytes().to_vec();
        bytes.insert(place, b'\xff');
        assert_told("a stray byte", ServiceAccountKey::from_bytes(&bytes), ErrorKind::Config, told);
    }
}

#[test]
fn p12_file_is_named_and_told_how_to_convert() {
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
        assert_eq!(error.message(), format!("{}: the key file is a PKCS#12 (.p12) file", path.display()));
        assert_eq!(error.hint(), Some(P12_HINT));
        // Its base64 in the place of the key is named as well.
        let der = fs::read(&path).expect("the P12 file");
        let told = format!(
            "the field `private_key` has a PKCS#12 (.p12) file in it, not an RSA private key; {P12_HINT}"
        );
        assert_told("a P12 in the key", crate::fixture::load_der(&der), ErrorKind::Key, &told);
        // The command of the advice gives what `private_key` needs.
        let command = P12_HINT.split('`').nth(1).expect("a command");
        let path = path.to_str().expect("a path");
        let arguments = command.split(' ').skip(1).map(|word| if word == "key.p12" { path } else { word });
        let printed = String::from_utf8(openssl::run(arguments.collect::<Vec<_>>())).expect("PEM");
        assert_taken("what openssl prints", crate::fixture::load_pem(&printed));
    }
}

const P12_HINT: &str = "create a JSON key for the service account, or convert this one: `openssl pkcs12 \
                        -legacy -in key.p12 -nodes -nocerts -passin pass:notasecret` prints the value of \
                        `private_key` (OpenSSL before 3.0: without -legacy)";

#[test]
fn mode_of_the_file_does_not_matter_as_long_as_it_can_be_read() {
    // Containers mount secrets 0444 and 0644: no reason to refuse.
    let folder = folder();
    let path = file(&folder, "key.json", THROW_AWAY_KEY_JSON);
    for mode in [0o400, 0o600, 0o440, 0o444, 0o644, 0o666, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("permissions");
        assert_taken(&format!("{mode:o}"), ServiceAccountKey::from_file(&path));
    }
}

#[test]
fn link_to_a_key_file_is_followed() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    // As Kubernetes mounts a secret: key.json -> ..data/key.json, ..data -> ..2026_01_01.
    fs::create_dir(at("..2026_01_01")).expect("a folder");
    fs::write(at("..2026_01_01/key.json"), THROW_AWAY_KEY_JSON).expect("written");
    symlink("..2026_01_01", at("..data")).expect("a link");
    symlink("..data/key.json", at("key.json")).expect("a link");
    assert_taken("a link over a link", ServiceAccountKey::from_file(at("key.json")));
    symlink("nowhere", at("dangling")).expect("a link");
    let told =
        format!("cannot read the key file {}: it does not exist; check the path", at("dangling").display());
    assert_told("a dangling link", ServiceAccountKey::from_file(at("dangling")), ErrorKind::Config, &told);
    fs::remove_file(at("..data")).and_then(|()| symlink("gone", at("..data"))).expect("a link");
    assert_refused("a mount that is gone", ServiceAccountKey::from_file(at("key.json")), ErrorKind::Config);
}
