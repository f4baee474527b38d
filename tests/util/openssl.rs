//! The `openssl` program: an implementation that shares nothing with the crate.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

/// Whether `openssl` can be run. If not, the test says that it skips; in CI that is a failure.
#[must_use]
pub fn is_there() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|o| o.status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed: in CI nothing is skipped");
        eprintln!("SKIPPED: openssl is not installed, so nothing was checked against it");
    }
    there
}

/// Runs openssl and gives what it printed to stdout.
///
/// # Panics
/// When it fails.
#[track_caller]
pub fn run<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A new RSA key in `folder`: the private half as PKCS#8 PEM text, the public half in the file `public.pem`.
#[track_caller]
pub fn new_rsa_key(folder: &Path) -> String {
    let (private, public) = (folder.join("private.pem"), folder.join("public.pem"));
    let bits = "rsa_keygen_bits:2048";
    run([
        OsStr::new("genpkey"),
        "-algorithm".as_ref(),
        "RSA".as_ref(),
        "-pkeyopt".as_ref(),
        bits.as_ref(),
        "-out".as_ref(),
        private.as_ref(),
    ]);
    run([
        OsStr::new("pkey"),
        "-in".as_ref(),
        private.as_ref(),
        "-pubout".as_ref(),
        "-out".as_ref(),
        public.as_ref(),
    ]);
    std::fs::read_to_string(private).expect("the private key")
}
