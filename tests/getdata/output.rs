//! What is printed: table, JSON, CSV, and what hostile cells become in them.

use crate::{REPORT, report, run_for, stderr, stdout};
use serde_json::{Value, json};

/// What a report is printed as in a format.
#[track_caller]
fn printed(report: &str, format: &str) -> String {
    let output = run_for(report, &["--format", format, "--limit", "100"]);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), ""));
    stdout(&output).to_owned()
}

/// A report of one figure for each of these texts.
fn report_of(texts: &[&str]) -> String {
    let rows: Vec<(&str, &[&str])> = texts.iter().map(|text| (*text, &["7"][..])).collect();
    report(&[("sessions", "TYPE_INTEGER")], &rows, &["70"], Value::Null)
}

#[test]
fn table_and_csv_of_the_same_report() {
    assert_eq!(
        printed(REPORT, "table"),
        "screenPageViews: 9007199254740995\nengagementRate: 0.7\n\n\
         pagePath    screenPageViews       engagementRate\n\
         /a,\"b\"=    9007199254740993  0.59756097560975607\n\
         (not set)                 2                    1\n"
    );
    assert_eq!(
        printed(REPORT, "csv"),
        "pagePath,screenPageViews,engagementRate\r\n\
         \"/a,\"\"b\"\"=\",9007199254740993,0.59756097560975607\r\n\
         (not set),2,1\r\n"
    );
}

#[test]
fn table_escapes_what_is_not_seen() {
    // A title is what a visitor's browser says: terminal commands, lines, text that runs backwards.
    let titles =
        ["\u{1b}[2Jgone", "two\r\nlines\t", "\u{202e}txt.exe", "zero\u{200b}\u{ad}\u{feff}", "\u{9b}31m"];
    let table = printed(&report_of(&titles), "table");
    assert_eq!(
        table,
        "sessions: 70\n\n\
         pageTitle                   sessions\n\
         \\u{1b}[2Jgone                      7\n\
         two\\r\\nlines\\t                     7\n\
         \\u{202e}txt.exe                    7\n\
         zero\\u{200b}\\u{ad}\\u{feff}         7\n\
         \\u{9b}31m                          7\n"
    );
    for odd in
        ["\u{2028}", "\u{2029}", "\u{2066}", "\u{61c}", "\u{34f}", "\u{3164}", "\u{e0041}", "\u{7f}", "\0"]
    {
        let table = printed(&report_of(&[odd]), "table");
        assert!(!table.contains(odd), "{odd:?}");
        assert!(table.contains(&odd.escape_default().to_string()), "{odd:?}: {table}");
    }
}

#[test]
fn names_and_figures_are_escaped_as_well() {
    let odd = report(&[("a\nb", "TYPE_INTEGER")], &[("x", &["7\u{1b}"])], &["\u{202e}7"], Value::Null);
    assert_eq!(printed(&odd, "table"), "a\\nb: \\u{202e}7\n\npageTitle     a\\nb\nx          7\\u{1b}\n");
}

#[test]
fn wide_characters_align() {
    assert_eq!(
        printed(&report_of(&["日本", "abc", "é", "e\u{301}"]), "table"),
        "sessions: 70\n\n\
         pageTitle  sessions\n\
         日本              7\n\
         abc               7\n\
         é                 7\n\
         e\u{301}                 7\n"
    );
}

#[test]
fn csv_defuses_formulas_and_leaves_figures() {
    let texts =
        ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1", "\u{feff}=1", "＝1", "a=1", "'", ""];
    let metrics = [("a", "TYPE_INTEGER"), ("b", "TYPE_FLOAT")];
    let rows: Vec<(&str, &[&str])> = texts.iter().map(|text| (*text, &["-7", "=1"][..])).collect();
    let csv = printed(&report(&metrics, &rows, &["-7", "1"], Value::Null), "csv");
    let lines = [
        "pageTitle,a,b",
        "'=1+1,-7,'=1",
        "'+1,-7,'=1",
        "'-1,-7,'=1",
        "'@x,-7,'=1",
        "\"'\t=1\",-7,'=1",
        "\"'\r=1\",-7,'=1",
        "\"'\n=1\",-7,'=1",
        "' =1,-7,'=1",
        "'\u{feff}=1,-7,'=1",
        "'＝1,-7,'=1",
        "a=1,-7,'=1",
        "',-7,'=1",
        ",-7,'=1",
    ];
    assert_eq!(csv, lines.join("\r\n") + "\r\n");
}

#[test]
fn json_keeps_the_order_of_columns() {
    let metrics = [("zeta", "TYPE_INTEGER"), ("alpha", "TYPE_INTEGER")];
    let json = printed(&report(&metrics, &[("/", &["1", "2"])], &["1", "2"], Value::Null), "json");
    assert_eq!(
        json,
        concat!(
            r#"{"totals":{"zeta":1,"alpha":2},"#,
            r#""rows":[{"pageTitle":"/","zeta":1,"alpha":2}],"rowCount":1}"#,
            "\n"
        )
    );
}

/// How a metric of `kind` with this cell is written in a row and in the totals of the JSON.
#[track_caller]
fn as_json(kind: &str, cell: &str) -> String {
    let json = printed(&report(&[("m", kind)], &[("/", &[cell])], &[cell], Value::Null), "json");
    let total = json.strip_prefix("{\"totals\":{\"m\":").expect("totals");
    let (total, rows) = total.split_once("},\"rows\":[{\"pageTitle\":\"/\",\"m\":").expect("rows");
    assert_eq!(rows.strip_suffix("}],\"rowCount\":1}\n"), Some(total), "{json}");
    serde_json::from_str::<Value>(&json).expect("JSON");
    total.to_owned()
}

#[test]
fn json_has_one_type_for_a_metric_by_its_header() {
    for (kind, cell, json) in [
        ("TYPE_INTEGER", "0", "0"),
        ("TYPE_INTEGER", "-7", "-7"),
        ("TYPE_INTEGER", "18446744073709551615", "18446744073709551615"),
        ("TYPE_INTEGER", "1.5", "\"1.5\""),
        ("TYPE_FLOAT", "1", "1.0"),
        ("TYPE_FLOAT", "0.59756097560975607", "0.59756097560975607"),
        ("TYPE_FLOAT", "1.5E-7", "1.5E-7"),
        ("TYPE_SECONDS", "0", "0.0"),
        ("TYPE_CURRENCY", "12.34", "12.34"),
        ("TYPE_MILLISECONDS", "12", "12.0"),
        ("TYPE_OF_TOMORROW", "12", "\"12\""),
        ("", "12", "\"12\""),
    ] {
        assert_eq!(as_json(kind, cell), json, "{kind} {cell}");
    }
}

#[test]
fn json_quotes_what_no_number_of_json_holds() {
    for cell in [
        "18446744073709551616",
        "-9223372036854775809",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "(not set)",
        "(other)",
        "",
        "0x10",
        "+5",
        "1\n",
    ] {
        for kind in ["TYPE_INTEGER", "TYPE_FLOAT"] {
            assert_eq!(as_json(kind, cell), json!(cell).to_string(), "{kind} {cell:?}");
        }
    }
}

#[test]
fn json_escapes_what_is_not_seen_without_loss() {
    let title = "\u{1b}[2J\u{202e}\u{9b}\u{e0041}\u{2028}";
    let json = printed(&report_of(&[title]), "json");
    assert!(json.contains("\"pageTitle\":\"\\u001b[2J\\u202e\\u009b\\udb40\\udc41\\u2028\""), "{json}");
    let value: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(value["rows"][0]["pageTitle"], title);
}

#[test]
fn empty_report_is_said_to_be_one() {
    let empty = report(
        &[("sessions", "TYPE_INTEGER")],
        &[],
        &[],
        json!({"rows": [], "totals": [], "metadata": {"emptyReason": "NO\u{1b} DATA"}}),
    );
    let note = "note: Analytics has no rows for this report: NO\\u{1b} DATA\n";
    for (format, text) in [
        ("table", "sessions: no data\n"),
        ("csv", "pageTitle,sessions\r\n"),
        ("json", "{\"totals\":{\"sessions\":null},\"rows\":[],\"rowCount\":0}\n"),
    ] {
        let output = run_for(&empty, &["--format", format]);
        assert_eq!((output.status.code(), stdout(&output), stderr(&output)), (Some(0), text, note));
    }
}
