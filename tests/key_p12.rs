//! PKCS#12 containers that the `openssl` program makes, legacy and modern.
#![cfg(feature = "p12")]

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use fixture::{CANARY, PEM, assert_refused, assert_taken, assert_told};
use shortway::testing::FakeGoogle;
use shortway::{Error, ErrorKind, ServiceAccountKey, TokenSource, scope};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use util::canary::all_texts;
use util::openssl;

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";
const PASSWORD: &str = "notasecret";

/// How containers are made: the options of `openssl pkcs12 -export`.
const FORMS: [(&str, &str); 6] = [
    ("as Google makes them: 40-bit RC2, triple DES, a SHA-1 MAC", "-legacy"),
    ("triple DES alone, a SHA-1 MAC", "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg SHA1"),
    ("PBES2 with AES-256, a SHA-256 MAC", "-keypbe AES-256-CBC -certpbe AES-256-CBC -macalg SHA256"),
    ("PBES2 with AES-128, a SHA-1 MAC", "-keypbe AES-128-CBC -certpbe AES-128-CBC -macalg SHA1"),
    ("what openssl does by itself", ""),
    ("certificates that are not encrypted", "-certpbe NONE"),
];

struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    /// The throw-away key and a certificate of it.
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("key.pem"), &*PEM).expect("written");
        let made = Self { folder };
        let (key, certificate) = (made.at("key.pem"), made.at("cert.pem"));
        openssl::run([
            "req",
            "-new",
            "-x509",
            "-days",
            "2",
            "-subj",
            "/CN=100000000000000000000",
            "-key",
            &key,
            "-out",
            &certificate,
        ]);
        made
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path").to_owned()
    }

    fn container(&self, options: &str, password: &str) -> PathBuf {
        let (key, certificate, out) = (self.at("key.pem"), self.at("cert.pem"), self.at("key.p12"));
        let password = format!("pass:{password}");
        let mut arguments = vec!["pkcs12", "-export", "-inkey", &key, "-in", &certificate, "-out", &out];
        arguments.extend(["-name", "privatekey", "-passout", &password]);
        arguments.extend(options.split_whitespace());
        openssl::run(arguments);
        PathBuf::from(out)
    }
}

fn load(path: &Path, password: &str) -> Result<ServiceAccountKey, Error> {
    ServiceAccountKey::from_p12_file(EMAIL, path, password)
}

#[test]
fn container_of_each_form_is_read_and_signs_as_its_key() {
    if !openssl::is_there() {
        return;
    }
    let made = Made::new();
    let google = FakeGoogle::builder().start().expect("a fake");
    for (what, options) in FORMS {
        for password in [PASSWORD, "", "pa\u{df}w\u{f6}rt with blanks"] {
            let path = made.container(options, password);
            let key = assert_taken(what, load(&path, password));
            assert_eq!((key.client_email(), key.key_id()), (EMAIL, None));
            let bytes = fs::read(&path).expect("the container");
            assert_taken(what, ServiceAccountKey::from_p12(EMAIL, &bytes, password));
            if password == PASSWORD {
                let tokens = shortway::service_account(key, [scope::ANALYTICS_READONLY]);
                let tokens = tokens.token_endpoint(google.token_url()).build().expect("a source");
                tokens.token().expect("a token");
            }
        }
    }
}

#[test]
fn wrong_password_is_told_as_such() {
    if !openssl::is_there() {
        return;
    }
    let (made, mut by_chance) = (Made::new(), 0);
    for (what, options) in FORMS {
        let path = made.container(options, PASSWORD);
        for password in ["", "secret", "Notasecret", "notasecret "] {
            let told = format!(
                "{}: the password of the PKCS#12 file is wrong; Google's .p12 files have the password \
                 notasecret",
                path.display()
            );
            // The salt is another one in each run, and one wrong password in 256 decrypts to a valid padding.
            let is_damaged = |error: &Error| error.message().ends_with("is incomplete or damaged");
            let result = load(&path, password);
            if result.as_ref().is_err_and(is_damaged) {
                by_chance += 1;
            } else {
                assert_told(&format!("{what}, {password:?}"), result, ErrorKind::Config, &told);
            }
        }
    }
    assert!(by_chance <= 3, "{by_chance} of 24");
}

#[test]
fn damaged_container_is_told_as_such_with_the_right_password() {
    if !openssl::is_there() {
        return;
    }
    let made = Made::new();
    let damaged = "the PKCS#12 file is incomplete or damaged; give the .p12 file as it was downloaded";
    for (what, options) in FORMS {
        let whole = fs::read(made.container(options, PASSWORD)).expect("the container");
        for end in [1, 2, 20, whole.len() / 2, whole.len() - 1] {
            let cut = ServiceAccountKey::from_p12(EMAIL, &whole[..end], PASSWORD);
            assert_told(what, cut, ErrorKind::Key, damaged);
        }
        let (mut told, mut cases) = (0, 0);
        for place in (0..whole.len()).step_by(61) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x10;
            let error = match ServiceAccountKey::from_p12(EMAIL, &bytes, PASSWORD) {
                Err(error) => error,
                Ok(key) => {
                    assert!(fixture::signs_right(&key), "{what}: it signs wrongly");
                    continue;
                }
            };
            CANARY.assert_absent(&all_texts(&error));
            cases += 1;
            told += usize::from(error.to_string() == damaged);
        }
        // What decrypts to nothing, such as a changed salt, cannot be told from a wrong password.
        assert!(told * 10 >= cases * 8, "{what}: {told} of {cases} are told as damaged");
    }
}

#[test]
fn what_is_not_a_container_of_one_key_is_named() {
    if !openssl::is_there() {
        return;
    }
    let made = Made::new();
    let (certificate, out) = (made.at("cert.pem"), made.at("certificates.p12"));
    openssl::run([
        "pkcs12",
        "-export",
        "-nokeys",
        "-in",
        &certificate,
        "-out",
        &out,
        "-passout",
        "pass:notasecret",
    ]);
    let no_key = "the PKCS#12 file has no private key with a certificate in it";
    let error = assert_refused("no key", load(Path::new(&out), PASSWORD), ErrorKind::Key);
    assert_eq!(error.message(), format!("{out}: {no_key}"));
    let out = made.at("key_alone.p12");
    let key = made.at("key.pem");
    openssl::run([
        "pkcs12",
        "-export",
        "-nocerts",
        "-inkey",
        &key,
        "-out",
        &out,
        "-passout",
        "pass:notasecret",
    ]);
    let error = assert_refused("no certificate", load(Path::new(&out), PASSWORD), ErrorKind::Key);
    assert_eq!(error.message(), format!("{out}: {no_key}"));
    let damaged = "the PKCS#12 file is incomplete or damaged; give the .p12 file as it was downloaded";
    for (what, bytes) in [("the PEM", PEM.as_bytes()), ("nothing", &[]), ("zeros", &[0; 100])] {
        assert_told(what, ServiceAccountKey::from_p12(EMAIL, bytes, PASSWORD), ErrorKind::Key, damaged);
    }
    let large = ServiceAccountKey::from_p12(EMAIL, &[0x30; 70_000], PASSWORD);
    assert_refused("over 64 KiB", large, ErrorKind::TooLarge);
    let path = made.container("", PASSWORD);
    let error = ServiceAccountKey::from_p12_file("nobody", &path, PASSWORD).expect_err("no e-mail address");
    assert_eq!(error.message(), "the field `client_email` is not the e-mail address of a service account");
    let error = load(Path::new("/no/such/key.p12"), PASSWORD).expect_err("no file");
    assert_eq!(error.message(), "cannot read the key file /no/such/key.p12: it does not exist");
}

#[test]
fn print_token_takes_a_p12_file_with_an_email_address() {
    if !openssl::is_there() {
        return;
    }
    let made = Made::new();
    let path = made.container("-legacy", PASSWORD);
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("print_token{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(program);
    command.args(["--self-signed", "--scope", scope::ANALYTICS, "--email", EMAIL, "--key"]).arg(&path);
    let output = command.output().expect("print_token runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.starts_with(&format!("note: an access token of {EMAIL}, valid until ")), "{told}");
    CANARY.assert_absent(&told);
}
