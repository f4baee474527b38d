//! The example program as its users run it: arguments in, stdout, stderr and exit status out.
#![cfg(feature = "analytics")]

#[path = "../util/mod.rs"]
mod util;

#[path = "../net_faults/certificates.rs"]
#[allow(dead_code, reason = "shared by test programs")]
mod certificates;

mod advice;
mod notes;
mod output;
mod questions;
mod usage;
mod v3;
mod wire;

use serde_json::{Value, json};
use shortway::testing::THROW_AWAY_KEY_JSON;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use util::endpoint::Endpoint;

/// The variable that names a key file.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The built example beside this test's own program.
fn program() -> PathBuf {
    let me = std::env::current_exe().expect("this program");
    let folder = me.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join("examples").join(format!("getdata{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example getdata");
    program
}

/// The program without the variables of this machine.
fn command<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_remove(VARIABLE);
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.stdin(Stdio::null());
    command
}

#[track_caller]
fn getdata<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    run(&mut command(arguments))
}

/// Runs it; whatever it says may name only options that `--help` lists.
#[track_caller]
fn run(command: &mut Command) -> Output {
    let output = command.output().expect("getdata runs");
    assert_options_are_in_help(stderr(&output));
    output
}

fn help() -> &'static str {
    static HELP: OnceLock<String> = OnceLock::new();
    HELP.get_or_init(|| {
        let output = command(["--help"]).output().expect("getdata runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    })
}

#[track_caller]
fn assert_options_are_in_help(text: &str) {
    let listed: Vec<&str> = options(help()).collect();
    // clap quotes an option that it does not know, and says how to end the options.
    for option in options(text).filter(|option| !["--", "--unknown"].contains(option)) {
        assert!(listed.contains(&option), "{option} is not in --help: {text}");
    }
}

/// The words of `text` that are options.
fn options(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
    text.split(move |c| !inside(c)).filter(|word| word.starts_with("--"))
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).expect("UTF-8")
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).expect("UTF-8")
}

#[track_caller]
fn assert_failed(output: &Output, status: i32, lines: &str) {
    assert_eq!((output.status.code(), stdout(output), stderr(output)), (Some(status), "", lines));
}

/// A report as Google sends it: pretty, totals beside the rows.
const REPORT: &str = r#"{
  "dimensionHeaders": [
    {
      "name": "pagePath"
    }
  ],
  "metricHeaders": [
    {
      "name": "screenPageViews",
      "type": "TYPE_INTEGER"
    },
    {
      "name": "engagementRate",
      "type": "TYPE_FLOAT"
    }
  ],
  "rows": [
    {
      "dimensionValues": [{"value": "/a,\"b\"\u003d"}],
      "metricValues": [{"value": "9007199254740993"}, {"value": "0.59756097560975607"}]
    },
    {
      "dimensionValues": [{"value": "(not set)"}],
      "metricValues": [{"value": "2"}, {"value": "1"}]
    }
  ],
  "totals": [
    {
      "dimensionValues": [{"value": "RESERVED_TOTAL"}],
      "metricValues": [{"value": "9007199254740995"}, {"value": "0.7"}]
    }
  ],
  "rowCount": 2,
  "metadata": {
    "currencyCode": "USD",
    "timeZone": "America/Los_Angeles"
  },
  "kind": "analyticsData#runReport"
}
"#;

const TOKEN: &str = "ya29.c.b0Aaekm1K-from_the.endpoint";

/// A report with one dimension: its metrics by name and type, rows, totals, and further members.
fn report(metrics: &[(&str, &str)], rows: &[(&str, &[&str])], totals: &[&str], more: Value) -> String {
    let cells = |cells: &[&str]| cells.iter().map(|cell| json!({"value": cell})).collect::<Value>();
    let rows: Value = rows
        .iter()
        .map(|(text, figures)| json!({"dimensionValues": [{"value": text}], "metricValues": cells(figures)}))
        .collect();
    let mut report = json!({
        "dimensionHeaders": [{"name": "pageTitle"}],
        "metricHeaders": metrics.iter().map(|(n, t)| json!({"name": n, "type": t})).collect::<Value>(),
        "rows": rows,
        "totals": [{"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": cells(totals)}],
        "rowCount": rows.as_array().map(Vec::len),
        "metadata": {"currencyCode": "USD", "timeZone": "America/Los_Angeles"},
        "kind": "analyticsData#runReport",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        report[name] = value.clone();
    }
    report.to_string()
}

/// A token endpoint that grants, and an API that always answers with `status` and `body`.
fn json_endpoint(status: u16, body: &str) -> Endpoint {
    json_endpoint_at("127.0.0.1:0", status, body)
}

/// The same at this address.
fn json_endpoint_at(address: &str, status: u16, body: &str) -> Endpoint {
    let body = body.as_bytes().to_vec();
    Endpoint::start_at(address, move |request| {
        let json = vec![("Content-Type", "application/json; charset=utf-8".to_owned())];
        if request.line.starts_with("POST /token ") {
            (200, json, granted())
        } else {
            (status, json, body.clone())
        }
    })
}

/// The answer of a token endpoint.
fn granted() -> Vec<u8> {
    json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).to_string().into_bytes()
}

/// A run against `server` with the throw-away key and property 1234.
#[track_caller]
fn with_throw_away_key(server: &Endpoint, rest: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    run(&mut command_with_key(server, folder.path(), rest))
}

/// A run that requests the columns of `report`, which is the answer.
#[track_caller]
fn run_for(report: &str, rest: &[&str]) -> Output {
    let columns = columns(report);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    with_throw_away_key(&json_endpoint(200, report), &[&columns[..], rest].concat())
}

/// The options that request the columns of `report`.
fn columns(report: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(report).expect("JSON");
    let names = |headers: &str| {
        let names = report[headers].as_array().expect("headers").iter();
        names.map(|header| header["name"].as_str().expect("a name")).collect::<Vec<_>>().join(",")
    };
    vec!["--dimensions".into(), names("dimensionHeaders"), "--metrics".into(), names("metricHeaders")]
}

/// The command of such a run; the key file lies in `folder`.
fn command_with_key(server: &Endpoint, folder: &Path, rest: &[&str]) -> Command {
    command_with_key_at(&server.url, folder, rest)
}

/// The same for a server at `url`, which need not be there yet.
fn command_with_key_at(url: &str, folder: &Path, rest: &[&str]) -> Command {
    let key = folder.join("key.json");
    std::fs::write(&key, THROW_AWAY_KEY_JSON).expect("written");
    let mut command = command(rest.iter().copied());
    command.arg("--key").arg(key).args(["--property", "1234", "--api-url", url]);
    command.args(["--token-url", &format!("{url}/token")]);
    command
}
