//! The examples of keys that live elsewhere, as programs: openssl signs, and IAM's signBlob does.
//! Cargo builds examples beside tests only where all kinds of targets are built: with the default features.
#![cfg(feature = "analytics")]

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use base64::prelude::{BASE64_STANDARD, Engine};
use fixture::PEM;
use serde_json::json;
use shortway::testing::{FakeGoogle, FakeRequest, Fault, Matching, THROW_AWAY_KEY_JSON, throw_away_key};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use util::openssl;

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";

/// Runs the built example beside this test's own program.
#[track_caller]
fn run<I: AsRef<OsStr>>(example: &str, arguments: impl IntoIterator<Item = I>) -> Output {
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example {example}");
    let mut command = Command::new(program);
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.args(arguments).stdin(Stdio::null()).output().expect("the example runs")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[test]
fn openssl_program_signs_for_an_exchange_and_for_a_self_signed_token() {
    if !openssl::is_there() {
        return;
    }
    let folder = fixture::folder();
    let pem = fixture::file(&folder, "key.pem", &*PEM);
    let pem = pem.to_str().expect("a path");
    let google = FakeGoogle::builder().start().expect("a fake");
    let url = google.token_url();
    // The fake verifies the signature with the public half of the key.
    let output = run("signer_openssl", ["--pem", pem, "--email", EMAIL, "--token-url", &url]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert!(stdout(&output).starts_with("ya29.fake."), "{}", stdout(&output));
    let output = run("signer_openssl", ["--pem", pem, "--email", EMAIL, "--self-signed"]);
    assert_eq!((output.status.code(), stdout(&output).split('.').count()), (Some(0), 3));
    assert_eq!(google.token_requests(), 1);
    let other = fixture::file(&folder, "other.pem", "no key");
    let other = other.to_str().expect("a path");
    let output = run("signer_openssl", ["--pem", other, "--email", EMAIL, "--self-signed"]);
    let line = "error: the openssl program does not sign; check that the file is an RSA key without a \
                passphrase\n";
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(1), "", line));
}

/// Google with an IAM Credentials API that answers a call of `signBlob` by this.
fn google(sign_blob: Fault) -> FakeGoogle {
    let google = FakeGoogle::builder().start().expect("a fake");
    google.fault(sign_blob.on(Matching::target(":signBlob")));
    google
}

/// A signature by the throw-away key.
fn signed(request: &FakeRequest) -> Fault {
    let asked = request.json();
    let payload = BASE64_STANDARD.decode(asked["payload"].as_str().expect("text")).expect("base64");
    let signature = throw_away_key().signer().sign(&payload, Instant::now()).expect("a signature");
    Fault::answer(200, json!({"keyId": "0123", "signedBlob": BASE64_STANDARD.encode(signature)}))
}

#[track_caller]
fn sign_blob(google: &FakeGoogle) -> Output {
    let folder = fixture::folder();
    let key = fixture::file(&folder, "key.json", THROW_AWAY_KEY_JSON);
    let (key, iam, token) = (key.to_str().expect("a path"), google.api_url(), google.token_url());
    run("signer_sign_blob", ["--key", key, "--email", EMAIL, "--iam-url", &iam, "--token-url", &token])
}

#[test]
fn sign_blob_signs_with_the_token_of_another_source() {
    let google = google(Fault::computed(signed));
    // The fake grants both tokens, and verifies what signBlob has signed.
    let output = sign_blob(&google);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert!(stdout(&output).starts_with("ya29.fake."), "{}", stdout(&output));
    assert_eq!(google.token_requests(), 2);
    let path = format!("/v1/projects/-/serviceAccounts/{EMAIL}:signBlob");
    let received = google.requests(&Matching::target(path).method("POST"));
    let bearer = received[0].header("Authorization").expect("a token");
    assert!(bearer.starts_with("Bearer ya29.fake."), "{bearer}");
}

#[test]
fn sign_blob_without_the_role_is_told() {
    let denied = json!({"code": 403, "message": "Permission denied", "status": "PERMISSION_DENIED"});
    let google = google(Fault::answer(403, json!({"error": denied})));
    let output = sign_blob(&google);
    let url = google.api_url();
    let place = url.trim_start_matches("http://");
    let line = format!(
        "error: {place} refused the request: Permission denied; the account of the key needs the role \
         Service Account Token Creator on the other account\n"
    );
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(1), "", line.as_str()));
}
