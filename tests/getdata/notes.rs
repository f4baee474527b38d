//! What is said on stderr beside the figures: where they are not all there is, and what a slow run waits for.

use crate::util::endpoint::Endpoint;
use crate::{
    REPORT, TOKEN, assert_options_are_in_help, columns, command_with_key, command_with_key_at, granted,
    json_endpoint_at, report, run_for, stderr,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::mpsc;

/// The notes on a report with `more` in it.
#[track_caller]
fn notes(more: Value) -> String {
    let body = report(&[("sessions", "TYPE_INTEGER")], &[("/", &["7"])], &["7"], more);
    let output = run_for(&body, &["--format", "csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stderr(&output).to_owned()
}

#[test]
fn figures_that_are_not_all_there_is_are_never_silent() {
    assert_eq!(notes(json!({})), "");
    assert_eq!(notes(json!({"rowCount": 12})), "note: 1 of 12 rows shown, see --limit and --all\n");
    for (metadata, note) in [
        (
            json!({"samplingMetadatas": [{"samplesReadCount": "500", "samplingSpaceSize": "1000"}]}),
            "note: the figures are estimates: Google read 500 of 1000 events (sampling)\n",
        ),
        (
            json!({"subjectToThresholding": true}),
            "note: small figures may be withheld so that nobody can be identified (thresholding)\n",
        ),
        (
            json!({"dataLossFromOtherRow": true}),
            "note: the property has too many different values: some rows are merged into a row (other)\n",
        ),
        (
            json!({"dataTruncationReasons": [{
                "dataTruncationType": "DATA_TRUNCATION_TYPE_DATE_RANGE",
                "dataTruncationMessage": "too\u{1b} old",
            }]}),
            "note: data may be missing: too\\u{1b} old\n",
        ),
        (
            json!({"dataTruncationReasons": [{"dataTruncationType": "DATA_TRUNCATION_TYPE_DATE_RANGE"}]}),
            "note: data may be missing: DATA_TRUNCATION_TYPE_DATE_RANGE\n",
        ),
        (
            json!({"dataTruncationReasons": [{
                "dataTruncationMessage": "too old",
                "dataTruncationDateRanges": [{"startDate": "2026-01-01", "endDate": "2026-01-31"}],
            }]}),
            "note: data may be missing: too old (2026-01-01 to 2026-01-31)\n",
        ),
        (
            json!({"schemaRestrictionResponse": {"activeMetricRestrictions": [
                {"metricName": "totalRevenue", "restrictedMetricTypes": ["REVENUE_DATA"]},
                {"metricName": "sessions", "restrictedMetricTypes": ["COST_DATA"]},
            ]}}),
            "note: the account may not see these metrics, which come as zeros: totalRevenue, sessions\n",
        ),
    ] {
        assert_eq!(notes(json!({"metadata": metadata})), note);
    }
}

#[test]
fn text_of_a_note_is_one_line_of_bounded_length() {
    for (text, shown) in [("x", "x".repeat(279)), ("\n", "\\n".repeat(139) + "\\")] {
        let reasons = json!([{"dataTruncationMessage": text.repeat(5000)}]);
        let noted = notes(json!({"metadata": {"dataTruncationReasons": reasons}}));
        assert_eq!(noted, format!("note: data may be missing: {shown}…\n"));
    }
}

/// Runs against a server that refuses the first `unavailable` requests, and holds the answer to a request for
/// `held` back until a note is read. Gives all notes.
fn notes_while_held(held: &'static str, unavailable: usize) -> Vec<String> {
    let (release, released) = mpsc::channel::<()>();
    let state = Mutex::new((released, 0));
    let server = Endpoint::start(move |request| {
        let json = vec![("Content-Type", "application/json".to_owned())];
        let mut state = state.lock().expect("the state");
        state.1 += 1;
        if state.1 <= unavailable {
            return (503, json, Vec::new());
        }
        if request.line.contains(held) {
            // An error: the sender is dropped.
            let _ = state.0.recv();
        }
        let is_token = request.line.starts_with("POST /token ");
        (200, json, if is_token { granted() } else { REPORT.as_bytes().to_vec() })
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command_with_key(&server, folder.path(), &["--format", "csv"])
        .args(columns(REPORT))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("getdata runs");
    let lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut lines = lines.map(|line| line.expect("text"));
    let mut read: Vec<String> = lines.next().into_iter().collect();
    drop(release);
    read.extend(lines);
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{read:?}");
    assert_options_are_in_help(&read.join("\n"));
    read
}

#[test]
fn late_token_is_announced_once() {
    assert_eq!(notes_while_held("/token", 0), ["note: no token after 3 s, still waiting for it"]);
}

#[test]
fn late_report_is_announced_once() {
    assert_eq!(notes_while_held("runReport", 0), ["note: no report after 3 s, still waiting for it"]);
}

#[test]
fn announcement_tells_the_last_failure_and_no_secret() {
    let read = notes_while_held("/token", 1);
    let [note] = read.as_slice() else { panic!("one note: {read:?}") };
    assert!(
        note.starts_with(
            "note: no token after 3 s, still waiting for it: the server answers with HTTP status 503"
        ),
        "{note}"
    );
    assert!(note.contains("503"), "{note}");
    assert!(!note.contains("assertion=") && !note.contains("eyJ") && !note.contains(TOKEN), "{note}");
}

#[test]
fn job_that_starts_before_its_network_says_what_it_waits_for_and_succeeds() {
    // A port that nobody listens on yet.
    let address =
        TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = command_with_key_at(&format!("http://{address}"), folder.path(), &["--format", "csv"])
        .args(columns(REPORT))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("getdata runs");
    let mut notes = BufReader::new(child.stderr.take().expect("stderr")).lines();
    assert_eq!(
        notes.next().expect("a note").expect("text"),
        format!(
            "note: no token after 3 s, still waiting for it: cannot connect to {address}: connection refused"
        )
    );
    let _server = json_endpoint_at(&address, 200, REPORT);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{:?}", notes.collect::<Vec<_>>());
    assert!(output.stdout.starts_with(b"pagePath,"), "{}", String::from_utf8_lossy(&output.stdout));
}
