//! The example `fake_google` as programs in any language use it: arguments in, lines and HTTP out.
//! Cargo builds examples beside tests only where all kinds of targets are built: with the default features.
#![cfg(feature = "analytics")]

use shortway::analytics::{Analytics, DateRange, ReportRequest};
use shortway::http::UreqTransport;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::throw_away_key;
use shortway::{Error, ErrorKind, RetryPolicy, TokenSource};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The built example beside this test's own program.
fn program() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("fake_google{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example fake_google");
    program
}

/// The program at work, and what it printed.
struct Running {
    child: Child,
    printed: BTreeMap<String, String>,
    folder: TempDir,
}

fn run(arguments: &[&str]) -> Running {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(program());
    command.args(arguments).arg("--folder").arg(folder.path());
    let mut child = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut printed = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().expect("stdout")).lines() {
        let line = line.expect("text");
        let (name, value) = line.split_once('=').expect("NAME=value");
        if name == "READY" {
            break;
        }
        printed.insert(name.to_owned(), value.to_owned());
    }
    Running { child, printed, folder }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn url(&self, name: &str) -> &str {
        &self.printed[name]
    }

    /// Sessions in all.
    fn sessions(&self, transport: UreqTransport) -> Result<u64, Error> {
        let tokens = shortway::service_account(throw_away_key(), [ANALYTICS_READONLY])
            .token_endpoint(self.url("TOKEN_URL"))
            .transport(transport)
            .retry(RetryPolicy::NONE)
            .build()?;
        tokens.token()?;
        let transport = match self.printed.get("CA_FILE") {
            Some(path) => UreqTransport::with_root_certificates(&std::fs::read(path).expect("a file"))?,
            None => UreqTransport::new(),
        };
        let analytics = Analytics::with_transport(tokens, transport).with_retry(RetryPolicy::NONE);
        let analytics = analytics.with_endpoint(self.url("API_URL"))?;
        let request = ReportRequest::new().dates(DateRange::last_days(7)).metrics(["sessions"]);
        analytics.property(1234).run_report(&request)?.total("sessions")
    }
}

fn refused(arguments: &[&str]) -> String {
    let output = Command::new(program()).args(arguments).stdin(Stdio::null()).output().expect("it runs");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn rows_of_a_file_are_served_over_https_with_the_authority_that_it_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, "country,sessions:integer\nItaly,7\nChile,5\n").expect("written");
    let running = run(&["--https", "--rows", rows.to_str().expect("a path")]);
    let root = std::fs::read(running.url("CA_FILE")).expect("a file");
    let transport = UreqTransport::with_root_certificates(&root).expect("a transport");
    assert_eq!(running.sessions(transport).expect("a report"), 12);
    let key = std::fs::read_to_string(running.url("KEY_FILE")).expect("a file");
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    assert_eq!(key["token_uri"], running.url("TOKEN_URL"));
    assert!(Path::new(running.url("KEY_FILE")).starts_with(running.folder.path()));
}

#[test]
fn faults_are_played_on_the_requests_that_they_name() {
    let running = run(&["--fault", "status:503:7*2@:runReport", "--fault", "refusal:disabled_client@token"]);
    let code = running.sessions(UreqTransport::new()).expect_err("a refusal");
    assert_eq!(code.code(), Some("disabled_client"));
    for _ in 0..2 {
        let error = running.sessions(UreqTransport::new()).expect_err("a fault");
        assert_eq!((error.status(), error.kind()), (Some(503), ErrorKind::Unavailable));
    }
}

#[cfg(unix)]
#[test]
fn signal_ends_it_with_status_0_and_removes_its_files() {
    for signal in ["INT", "TERM", "HUP"] {
        let mut running = run(&["--https"]);
        assert_eq!(std::fs::read_dir(running.folder.path()).expect("a folder").count(), 2);
        let id = running.child.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().expect("kill runs");
        assert!(sent.success());
        assert_eq!(running.child.wait().expect("it ends").code(), Some(0), "{signal}");
        assert_eq!(std::fs::read_dir(running.folder.path()).expect("a folder").count(), 0, "{signal}");
    }
}

#[test]
fn what_it_cannot_read_is_refused_with_the_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_str().expect("a path").to_owned()
    };
    let path = file("rows.csv", "country,sessions:whole\n");
    assert_eq!(
        refused(&["--rows", &path]),
        format!(
            "error: --rows {path}: the rows of a fake property cannot be read: column sessions:whole: whole is no type; \
             a metric has one such as integer or float, a dimension has none\n"
        )
    );
    let path = file("rows.txt", "");
    assert_eq!(
        refused(&["--rows", &path]),
        format!("error: --rows {path}: the file must end in .csv or .json\n")
    );
}

#[test]
fn fault_that_it_does_not_know_is_refused_with_what_is_wrong() {
    let codes = "invalid_grant, unauthorized_client, access_denied, admin_policy_enforced, invalid_scope, invalid_client, \
                 deleted_client, disabled_client, org_internal, invalid_request, unsupported_grant_type, internal_failure";
    let codes = format!("refusal needs an OAuth error code of these: {codes}");
    let kinds = "explode is no kind of fault; the kinds are status, html, redirect, reset, truncated, wrong-length, \
                 drip, late, bomb and refusal";
    for (fault, why) in [
        ("explode", kinds),
        ("status", "status needs a status from 200 to 599: status:503"),
        ("status:99", "status needs a status from 200 to 599: status:503"),
        ("html:502:7", "html needs a status from 200 to 599: html:503"),
        ("status:503:x", "x is no number of seconds for Retry-After"),
        ("status:503:", " is no number of seconds for Retry-After"),
        ("status:503*0", "*0: after * comes a number from 1 on, or always"),
        ("reset*x", "*x: after * comes a number from 1 on, or always"),
        ("status:503@", "there is no target after @"),
        ("status:503@api*2", "write *TIMES before @: api*2"),
        ("reset:5", "reset has no value"),
        ("truncated:", "truncated has no value"),
        ("redirect:/elsewhere", "redirect needs a URL: redirect:https://elsewhere.invalid/"),
        ("wrong-length:0", "wrong-length needs a number of bytes that is not 0: wrong-length:-3"),
        ("late:soon", "late needs a number of milliseconds from 1 on: late:10"),
        ("drip:-1", "drip needs a number of milliseconds from 1 on: drip:10"),
        ("refusal:none", &codes),
    ] {
        assert_eq!(refused(&["--fault", fault]), format!("error: --fault {fault}: {why}\n"));
    }
    #[cfg(feature = "gzip")]
    assert_eq!(
        refused(&["--fault", "bomb"]),
        "error: --fault bomb: bomb needs a number of MiB from 1 on: bomb:100\n"
    );
}

#[test]
fn option_that_means_nothing_is_refused() {
    let refused = |option: &str, value: &str, why: &str| {
        assert_eq!(refused(&[option, value]), format!("error: {option} {value}: {why}\n"));
    };
    refused("--property", "0", "the number of a property is 1 or more");
    refused("--token-lifetime", "0", "a token lives from 1 to 43200 seconds (12 hours)");
    refused("--token-lifetime", "43201", "a token lives from 1 to 43200 seconds (12 hours)");
    refused("--delegate", "boss", "there is no =; it is USER=SCOPE");
    refused("--delegate", "=s", "there is no user; it is USER=SCOPE");
    refused("--delegate", "a@b.c=", "there is no scope; it is USER=SCOPE");
}

#[test]
fn without_rows_there_are_figures_for_each_of_the_last_days() {
    let running = run(&[]);
    let sessions = running.sessions(UreqTransport::new()).expect("a report");
    // The four rows of a day have 27 sessions, and the first of them 0 to 6 more, by the day of seven.
    assert_eq!(sessions, 7 * 27 + 21);
}
