//! The examples of keys that live elsewhere, as programs: openssl signs, and IAM's signBlob does.
//! Cargo builds examples beside tests only where all kinds of targets are built: with the default features.
#![cfg(feature = "analytics")]

mod util;

#[path = "key_faults/fixture.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod fixture;

use base64::prelude::{BASE64_STANDARD, Engine};
use fixture::PEM;
use serde_json::{Value, json};
use shortway::testing::{FakeGoogle, THROW_AWAY_KEY_JSON, throw_away_key};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;
use util::endpoint::{Answer, Endpoint, Received};
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

/// A token endpoint that says yes, and an IAM Credentials API that signs with the throw-away key.
fn iam(status: u16) -> Endpoint {
    Endpoint::start(move |request: &Received| -> Answer {
        let body = if request.line.starts_with("POST /token ") {
            json!({"access_token": "ya29.granted", "expires_in": 3599})
        } else if status == 200 {
            let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
            let payload = BASE64_STANDARD.decode(asked["payload"].as_str().expect("text")).expect("base64");
            let signature = throw_away_key().signer().sign(&payload, Instant::now()).expect("a signature");
            json!({"keyId": "0123", "signedBlob": BASE64_STANDARD.encode(signature)})
        } else {
            json!({"error": {"code": status, "message": "Permission denied", "status": "PERMISSION_DENIED"}})
        };
        let status = if request.line.starts_with("POST /token ") { 200 } else { status };
        (status, vec![("Content-Type", "application/json".into())], body.to_string().into_bytes())
    })
}

#[track_caller]
fn sign_blob(iam: &Endpoint, token_url: &str) -> Output {
    let folder = fixture::folder();
    let key = fixture::file(&folder, "key.json", THROW_AWAY_KEY_JSON);
    let key = key.to_str().expect("a path");
    let arguments = ["--key", key, "--email", EMAIL, "--iam-url", &iam.url, "--token-url", token_url];
    run("signer_sign_blob", arguments)
}

#[test]
fn sign_blob_signs_with_the_token_of_another_source() {
    let (iam, google) = (iam(200), FakeGoogle::builder().start().expect("a fake"));
    // The fake grants both tokens, and verifies what signBlob has signed.
    let output = sign_blob(&iam, &google.token_url());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    assert!(stdout(&output).starts_with("ya29.fake."), "{}", stdout(&output));
    assert_eq!(google.token_requests(), 2);
    let received = iam.received();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].line, format!("POST /v1/projects/-/serviceAccounts/{EMAIL}:signBlob HTTP/1.1"));
    let bearer = received[0].header("Authorization").expect("a token");
    assert!(bearer.starts_with("Bearer ya29.fake."), "{bearer}");
}

#[test]
fn sign_blob_without_the_role_is_told() {
    let iam = iam(403);
    let output = sign_blob(&iam, &format!("{}/token", iam.url));
    let place = iam.url.trim_start_matches("http://");
    let line = format!(
        "error: {place} refused the request: Permission denied; the account of the key needs the role \
         Service Account Token Creator on the other account\n"
    );
    assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(1), "", line.as_str()));
}
