//! Other questions than one report: all rows, filters, what happens now, fields, quotas.

use crate::util::endpoint::Endpoint;
use crate::{
    REPORT, columns, command_with_key, getdata, granted, json_endpoint, stderr, stdout, with_throw_away_key,
};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};

const MADE_UP: &str =
    "note: these figures are made up: they come from a fake Google on this machine, see --help\n";

/// What is printed for made-up figures with these arguments, beside the note that they are.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let output = getdata(["--fake"].iter().chain(arguments).copied());
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), MADE_UP));
    stdout(&output).to_owned()
}

#[track_caller]
fn refused(arguments: &[&str], status: i32, words: &str) {
    let output = getdata(["--fake"].iter().chain(arguments).copied());
    assert_eq!(output.status.code(), Some(status), "{}", stderr(&output));
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
}

#[test]
fn all_rows_are_the_same_in_every_format() {
    let all = ["--all", "--dimensions", "date,pagePath,country", "--parallel", "3"];
    let with = |format: &'static str| printed(&[&all[..], &["--format", format]].concat());
    // 30 days, 7 pages, 3 countries.
    let rows = 30 * 7 * 3;
    assert_eq!(with("csv").lines().count(), rows + 1);
    assert_eq!(with("jsonl").lines().count(), rows);
    let json: Value = serde_json::from_str(&with("json")).expect("JSON");
    assert_eq!((json["rows"].as_array().map(Vec::len), json["rowCount"].as_u64()), (Some(rows), Some(630)));
    let lines = with("jsonl");
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(json["rows"].as_array(), Some(&lines), "json and jsonl have the same rows in the same order");
    assert_eq!(with("table").lines().count(), 2 + 1 + 1 + rows);
}

#[test]
fn filter_is_sent_as_dimension_and_metric_filter() {
    let with = |filter: &'static str| {
        let by = ["--dimensions", "country", "--metrics", "sessions", "--format", "jsonl", "--filter"];
        printed(&[&by[..], &[filter]].concat()).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let countries = |filter| {
        let rows = with(filter);
        let name = |row: &String| row.split('"').nth(3).map(str::to_owned);
        let mut names: Vec<String> = rows.iter().filter_map(name).collect();
        names.sort();
        names
    };
    assert_eq!(countries("country==italy"), ["Italy"]);
    assert_eq!(countries(" country == italy ; sessions > 0 "), ["Italy"]);
    assert_eq!(countries("country!=Italy"), ["Chile", "Japan"]);
    assert_eq!(countries("country==Italy,country==Chile"), ["Chile", "Italy"]);
    assert_eq!(countries("country=@ap;pagePath==/"), ["Japan"]);
    assert_eq!(countries("country!@a"), ["Chile"]);
    assert_eq!(countries("country!=Japan;sessions>0"), ["Chile", "Italy"]);
    assert_eq!(countries("sessions<1,sessions>=1"), ["Chile", "Italy", "Japan"]);
}

#[test]
fn regular_expressions_are_sent_as_they_are() {
    let api = json_endpoint(200, REPORT);
    let filter = ["--filter", r"pagePath=~^/a\d,country!~^(J\,|C)"].map(str::to_owned);
    let arguments = [&columns(REPORT)[..], &filter].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = with_throw_away_key(&api, &arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let received = api.received();
    let body: Value = serde_json::from_slice(&received.last().expect("a request").body).expect("JSON");
    let test = |name: &str, value: &str| json!({"filter": {"fieldName": name, "stringFilter": {"matchType": "PARTIAL_REGEXP", "value": value}}});
    let expressions = [test("pagePath", r"^/a\d"), json!({"notExpression": test("country", "^(J,|C)")})];
    assert_eq!(body["dimensionFilter"], json!({"orGroup": {"expressions": expressions}}));
}

#[test]
fn filter_that_is_wrong_is_told_before_anything_is_sent() {
    let cases = [
        (
            "country",
            "--filter: \"country\" has no operator; write NAME, one of == != =@ !@ =~ !~ < <= > >=, and a value",
        ),
        ("==Italy", "--filter: \"==Italy\" has no name before =="),
        ("sessions>many", "--filter: \"sessions>many\" compares with \"many\", which is no number"),
        ("sessions>NaN", "compares with \"NaN\", which is no number"),
        ("sessions=@7", "--filter: \"sessions=@7\": =@ is for dimensions, and sessions is a metric"),
        ("country==Italy,sessions>1", "joins a dimension and a metric by a comma; join them by ;"),
    ];
    for (filter, words) in cases {
        refused(&["--filter", filter], 2, words);
    }
}

#[test]
fn fields_fits_quotas_and_what_happens_now_are_printed() {
    assert_eq!(
        printed(&["--metadata", "PATH"]).split_whitespace().take(6).collect::<Vec<_>>(),
        ["NAME", "TITLE", "DESCRIPTION", "dimension", "pagePath", "pagePath"]
    );
    assert!(printed(&["--metadata"]).lines().count() > 5);
    refused(&["--metadata", "zzz"], 1, "the property has no dimension and no metric with \"zzz\"");
    assert_eq!(
        printed(&["--check"]),
        "pagePath         fits\nscreenPageViews  fits\nsessions         fits\n"
    );
    refused(&["--check", "--metrics", "cats"], 1, "cats");
    refused(&["--metrics", "cats"], 1, "--metadata lists the dimensions and metrics that there are");
    assert!(printed(&["--quota"]).contains("reports           tokens today"));
    let json: Value = serde_json::from_str(&printed(&["--quota", "--format", "json"])).expect("JSON");
    assert_eq!(json["corePropertyQuota"]["tokensPerDay"]["remaining"], 199_999);
    let now = printed(&["--realtime"]);
    assert!(now.starts_with("screenPageViews: ") && now.contains("\ncountry  screenPageViews\n"), "{now}");
    refused(&["--metadata", "--format", "csv"], 2, "--format csv is for reports; choose table or json");
}

#[test]
fn questions_exclude_each_other() {
    for arguments in [
        &["--all", "--limit", "3"][..],
        &["--all", "--realtime"],
        &["--parallel", "3"],
        &["--check", "--quota"],
        &["--realtime", "--start", "today"],
        &["--realtime", "--exact"],
    ] {
        refused(arguments, 2, "--help");
    }
    refused(&["--all", "--parallel", "6"], 2, "give a whole number from 1 to 5");
}

#[cfg(unix)]
#[test]
fn download_that_is_ended_by_a_signal_is_never_called_complete() {
    // A full page, and the next one never comes.
    let rows = r#"{"dimensionValues":[{"value":"/"}],"metricValues":[{"value":"1"}]}"#;
    let row = |i: usize| rows.replace("\"/\"", &format!("\"/{i:06}\""));
    let rows: Vec<String> = (0..100_000).map(row).collect();
    let page = format!(
        r#"{{"dimensionHeaders":[{{"name":"pagePath"}}],"metricHeaders":[{{"name":"sessions","type":
            "TYPE_INTEGER"}}],"rows":[{}],"rowCount":100001}}"#,
        rows.join(",")
    );
    for format in ["csv", "json", "table"] {
        let page = page.clone();
        let (second, arrived) = mpsc::channel();
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let end = Arc::clone(&ended);
        let api = Endpoint::start(move |request| {
            let json = vec![("Content-Type", "application/json".to_owned())];
            if request.line.starts_with("POST /token ") {
                return (200, json, granted());
            }
            if String::from_utf8_lossy(&request.body).contains("offset") {
                let _ = second.send(());
                let (is_over, waits) = &*end;
                let over = waits.wait_while(is_over.lock().expect("a lock"), |is_over| !*is_over);
                drop(over);
            }
            (200, json, page.clone().into_bytes())
        });
        let folder = tempfile::tempdir().expect("a folder");
        let columns = ["--dimensions", "pagePath", "--metrics", "sessions", "--all", "--format", format];
        let mut command = command_with_key(&api, folder.path(), &columns);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("getdata runs");
        arrived.recv().expect("the second page is requested");
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        *ended.0.lock().expect("a lock") = true;
        ended.1.notify_all();
        let output = child.wait_with_output().expect("an end");
        assert!(!output.status.success(), "{format}");
        let lines = stdout(&output).lines().count();
        assert!(lines <= 100_001 && (format == "csv" || lines == 0), "{format}: {lines} lines");
    }
}
