//! The example `print_token` as its users run it: arguments in, stdout, stderr and exit status out.
//! Cargo builds examples beside tests only where all kinds of targets are built: with the default features.
#![cfg(feature = "analytics")]

mod util;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde_json::Value;
use shortway::scope::{ANALYTICS, ANALYTICS_READONLY};
use shortway::testing::{FakeGoogle, Fault, Matching, THROW_AWAY_KEY_JSON, TokenRefusal};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use util::canary::Canary;

const EMAIL: &str = "fake@throw-away.iam.gserviceaccount.com";
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The built example beside this test's own program.
fn program() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("print_token{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example print_token");
    program
}

/// A run with the throw-away key in a file.
#[track_caller]
fn print_token<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.json");
    std::fs::write(&key, THROW_AWAY_KEY_JSON).expect("written");
    let output = run(Command::new(program()).arg("--key").arg(key).args(arguments));
    let key: Value = serde_json::from_str(THROW_AWAY_KEY_JSON).expect("JSON");
    let canary = Canary::new(key["private_key"].as_str().expect("text"), &[]);
    canary.assert_absent(stderr(&output));
    output
}

#[track_caller]
fn run(command: &mut Command) -> Output {
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.stdin(Stdio::null()).output().expect("print_token runs")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[track_caller]
fn assert_failed(output: &Output, status: i32, line: &str) {
    assert_eq!((output.status.code(), stdout(output), stderr(output)), (Some(status), "", line));
}

/// The claims of a JWT.
fn claims(jwt: &str) -> Value {
    let payload = jwt.trim().split('.').nth(1).expect("a JWT");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

#[test]
fn token_alone_is_on_stdout_and_all_else_on_stderr() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let output = print_token(["--scope", ANALYTICS_READONLY, "--token-url", &google.token_url()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let (token, rest) = stdout(&output).split_once('\n').expect("a line");
    assert!(token.starts_with("ya29.fake.") && rest.is_empty(), "{rest}");
    let note = format!("note: an access token of {EMAIL}, valid until ");
    assert!(stderr(&output).starts_with(&note) && stderr(&output).ends_with("Z\n"), "{}", stderr(&output));
    assert!(!stderr(&output).contains(token) && stderr(&output).lines().count() == 1);
    assert_eq!(google.token_requests(), 1);
}

#[test]
fn header_is_what_curl_takes_and_json_has_the_end() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let url = google.token_url();
    let arguments = ["--scope", ANALYTICS, ANALYTICS_READONLY, "--token-url", &url, "--format"];
    let output = print_token(arguments.iter().chain(&["header"]));
    assert!(stdout(&output).starts_with("Authorization: Bearer ya29.fake."), "{}", stdout(&output));
    let output = print_token(arguments.iter().chain(&["json"]));
    let printed: Value = serde_json::from_str(stdout(&output)).expect("one object");
    assert_eq!((&printed["kind"], &printed["token_type"]), (&"access".into(), &"Bearer".into()));
    assert_eq!(printed["email"], EMAIL);
    let end = printed["expires_at"].as_str().expect("a time");
    assert!(end.len() == 20 && end.ends_with('Z') && stderr(&output).contains(end), "{end}");
    assert_eq!(printed.as_object().map(serde_json::Map::len), Some(5));
}

#[test]
fn id_token_and_subject_arrive_at_the_endpoint() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let output =
        print_token(["--audience", "https://service.example.com/", "--token-url", &google.token_url()]);
    assert_eq!(claims(stdout(&output))["aud"], "https://service.example.com/");
    assert!(stderr(&output).starts_with("note: an ID token of "), "{}", stderr(&output));
    google.forget_requests();
    let url = google.token_url();
    let arguments = ["--scope", ANALYTICS, "--subject", "jane@example.com", "--token-url", &url];
    assert!(stdout(&print_token(arguments)).starts_with("ya29.fake."));
    let claims = claims(&google.requests(&Matching::token())[0].form("assertion").expect("an assertion"));
    assert_eq!((&claims["sub"], &claims["scope"]), (&"jane@example.com".into(), &ANALYTICS.into()));
}

#[test]
fn self_signed_token_needs_no_endpoint() {
    let output = print_token(["--self-signed", "--scope", ANALYTICS]);
    let signed = claims(stdout(&output));
    assert_eq!((&signed["sub"], &signed["scope"]), (&EMAIL.into(), &ANALYTICS.into()));
    let api = "https://analyticsdata.googleapis.com/";
    let output = print_token(["--self-signed", "--audience", api]);
    let signed = claims(stdout(&output));
    assert_eq!((&signed["aud"], &signed["scope"]), (&api.into(), &Value::Null));
}

#[test]
fn refused_request_is_one_line_and_exit_status_1() {
    let google = FakeGoogle::playing(Fault::token_refusal(TokenRefusal::InvalidSignature)).expect("a fake");
    let output = print_token(["--scope", ANALYTICS, "--token-url", &google.token_url()]);
    assert_failed(
        &output,
        1,
        &format!(
            "error: the token endpoint refused the assertion of {EMAIL}: invalid_grant (Invalid JWT \
             Signature.); \
             the key was deleted or disabled, or belongs to another account: create a new key and use its \
             file\n"
        ),
    );
}

#[test]
fn key_comes_from_the_variable_where_no_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key.json");
    std::fs::write(&key, THROW_AWAY_KEY_JSON).expect("written");
    let arguments = ["--self-signed", "--scope", ANALYTICS];
    let output = run(Command::new(program()).args(arguments).env(VARIABLE, &key));
    assert_eq!((output.status.code(), claims(stdout(&output))["iss"].as_str()), (Some(0), Some(EMAIL)));
    let output = run(Command::new(program()).args(arguments).env_remove(VARIABLE));
    let unset = "error: no key file: GOOGLE_APPLICATION_CREDENTIALS is not set; set it to the path of the \
                 service \
                 account's JSON key file\n";
    assert_failed(&output, 1, unset);
    let output = run(Command::new(program()).args(arguments).args(["--key", "/no/such/key.json"]));
    let missing = "error: cannot read the key file /no/such/key.json: it does not exist; check the path\n";
    assert_failed(&output, 1, missing);
}

#[test]
fn combination_that_google_refuses_is_wrong_usage() {
    let scope = ["--scope", ANALYTICS];
    let cases: [(&[&str], &str); 8] = [
        (&[], "error: the following required arguments were not provided:"),
        (&["--self-signed"], "error: the following required arguments were not provided:"),
        (
            &["--audience", "a", "--scope", "b"],
            "error: the argument '--audience <AUDIENCE>' cannot be used with",
        ),
        (
            &["--audience", "a", "--subject", "b"],
            "error: the argument '--audience <AUDIENCE>' cannot be used with",
        ),
        (
            &["--self-signed", scope[0], scope[1], "--subject", "b"],
            "error: the argument '--self-signed' cannot be",
        ),
        (
            &["--self-signed", scope[0], scope[1], "--token-url", "b"],
            "error: the argument '--self-signed' cannot be",
        ),
        (&["--scope", ""], "error: a value is required for '--scope <SCOPE>...' but none was supplied"),
        (&["--scope", ANALYTICS, "--format", "xml"], "error: invalid value 'xml' for '--format <FORMAT>'"),
    ];
    for (arguments, begin) in cases {
        let output = print_token(arguments);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{arguments:?}");
        assert!(stderr(&output).starts_with(begin), "{arguments:?}: {}", stderr(&output));
    }
}

#[test]
fn option_that_no_source_can_be_built_of_is_wrong_usage() {
    let cases: [(&[&str], &str); 4] = [
        (
            &["--scope", "a,b"],
            "\"a,b\" is not one scope; give a list of scopes, one URL each, such as \
             [shortway::scope::ANALYTICS_READONLY]",
        ),
        (
            &["--audience", "a b"],
            "the target audience of the ID token has a blank or a control character in it; give the URL or \
             the client \
             id that the service checks, one audience for each source",
        ),
        (
            &["--self-signed", "--audience", "https://analyticsdata.googleapis.com"],
            "the audience of the self-signed token has no slash after the host; it looks like \
             https://analyticsdata.googleapis.com/",
        ),
        (
            &["--scope", ANALYTICS, "--token-url", "http://example.com/token"],
            "the token endpoint URL is plain http to another machine; give an https URL, or http with a \
             loopback IP \
             address such as http://127.0.0.1:8080",
        ),
    ];
    for (arguments, message) in cases {
        let output = print_token(arguments);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""), "{arguments:?}");
        let line = stderr(&output).trim_end();
        assert!(line.starts_with(&format!("error: {message}")), "{arguments:?}: {line}");
        assert_eq!(line.lines().count(), 1);
    }
}

#[test]
fn email_is_for_a_p12_file() {
    let output = print_token(["--self-signed", "--scope", ANALYTICS, "--email", EMAIL]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), ""));
    let line = stderr(&output);
    let message = if cfg!(feature = "p12") {
        "the PKCS#12 file is incomplete or damaged; give the .p12 file as it was downloaded"
    } else {
        "this program was built without the feature p12, which --email needs; build it anew: cargo build \
         --example \
         print_token --features p12"
    };
    assert!(line.starts_with("error: ") && line.trim_end().ends_with(message), "{line}");
}

#[test]
fn help_names_every_option() {
    let output = run(Command::new(program()).arg("--help"));
    for option in
        ["--key", "--email", "--scope", "--subject", "--audience", "--self-signed", "--token-url", "--format"]
    {
        assert!(stdout(&output).contains(option), "{option}");
    }
}

#[test]
fn second_run_with_a_store_makes_no_exchange_and_says_so() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let folder = tempfile::tempdir().expect("a folder");
    let (store, url) = (folder.path().join("token.json"), google.token_url());
    let store = store.to_str().expect("text");
    let arguments = ["--scope", ANALYTICS, "--token-url", &url, "--store", store];
    let (first, second) =
        (print_token(arguments.iter().chain(&["-v"])), print_token(arguments.iter().chain(&["-v"])));
    let line = |output: &Output| stderr(output).lines().next().map(str::to_owned);
    assert_eq!(line(&first), Some(format!("note: the token was requested, and saved in {store}")));
    assert_eq!(line(&second), Some(format!("note: the token comes from {store}, no request was made")));
    assert_eq!((stdout(&first), google.token_requests()), (stdout(&second), 1));
    // An ID token is another one, and without -v nothing is said.
    let id = ["--audience", "https://service.example.com/", "--token-url", &url, "--store", store];
    assert_eq!((stderr(&print_token(id)).lines().count(), google.token_requests()), (1, 2));
}

#[test]
fn store_that_cannot_be_used_is_a_warning() {
    let google = FakeGoogle::builder().start().expect("a fake");
    let folder = tempfile::tempdir().expect("a folder");
    let (store, url) = (folder.path().to_str().expect("text"), google.token_url());
    let arguments = ["--scope", ANALYTICS, "--token-url", &url, "-v", "--store", store];
    let output = print_token(arguments);
    let told = format!(
        "warning: the token store {store} is a directory; name a file of its own, or remove what is there\n\
         note: the token was requested, and not saved\n"
    );
    assert!(stderr(&output).starts_with(&told) && output.status.success(), "{}", stderr(&output));
    let output = print_token(["--scope", ANALYTICS, "--token-url", &url, "--store", "/"]);
    let told = "error: the path of the token store is not one of a file; name a file in a directory of the user that \
                runs this program\n";
    assert_failed(&output, 2, told);
}
