//! Tables from files, and reports without a server.

use shortway::analytics::{Analytics, DateRange, Report, ReportRequest};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ScriptedSource};
use shortway::{Error, ErrorKind, TokenSource};

type Row = (String, u64, f64);

fn rows(report: &Report) -> Vec<Row> {
    report.rows().map(|row| row.expect("a row that fits")).collect()
}

#[track_caller]
fn assert_refused(table: Result<FakeTable, Error>, why: &str) {
    let error = table.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Schema);
    assert_eq!(error.to_string(), format!("the rows of a fake property cannot be read: {why}"));
}

#[test]
fn csv_says_in_its_header_what_a_column_is() {
    let text = "\u{feff}country,sessions:integer,\"revenue:currency\"\r\n\
                \"Italy, \"\"north\"\"\",12,0.5\r\n\r\n\"two\nlines\",0,-1e3\n";
    let report = FakeTable::from_csv(text).and_then(|table| table.report()).expect("a report");
    assert_eq!(rows(&report), [("Italy, \"north\"".into(), 12, 0.5), ("two\nlines".into(), 0, -1000.0)]);
    let types: Vec<String> = report.columns().iter().map(|column| format!("{:?}", column.kind)).collect();
    assert!(types[2].contains("Currency"), "{types:?}");
    let custom = "customEvent:level:dimension,customEvent:score:float\n3,0.5\n";
    let report = FakeTable::from_csv(custom).and_then(|table| table.report()).expect("a report");
    let names: Vec<&str> = report.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["customEvent:level", "customEvent:score"]);
}

#[test]
fn anything_else_in_a_csv_is_refused_with_its_column() {
    let refused = |text: &str, why: &str| assert_refused(FakeTable::from_csv(text), why);
    refused("", "it has no header");
    refused("a,,b:integer\n", "a column has no name");
    refused(
        "customEvent:level\n",
        "column customEvent:level: level is no type; a metric has one such as integer or float, a dimension has none",
    );
    refused(
        ":integer\n",
        "column :integer: integer is no type; a metric has one such as integer or float, a dimension has none",
    );
    refused("a,a:float\n", "column a is there twice");
    refused("a,b:integer\nx,1\ny\n", "line 3 has 1 cells, and the header has 2");
    refused("a,b:integer\n\n\"x\ny\",1\nz,n/a\n", "line 5, column b: n/a is no number");
    refused("a,b:integer\nx,inf\n", "line 2, column b: inf is no number");
    refused("a\n\"x\n", "line 2: a quote is not closed");
}

#[test]
fn recorded_report_is_the_table_that_answers_the_same() {
    let recorded = r#"{
        "dimensionHeaders": [{"name": "country"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}, {"name": "revenue", "type": "TYPE_FLOAT"}],
        "rows": [
            {"dimensionValues": [{"value": "Italy"}], "metricValues": [{"value": "12"}, {"value": "0.5"}]},
            {"dimensionValues": [{"value": ""}], "metricValues": [{"value": "1"}, {"value": "2"}]}
        ],
        "rowCount": 2, "metadata": {"timeZone": "Europe/Warsaw"}, "kind": "analyticsData#runReport"
    }"#;
    let report = FakeTable::from_json(recorded).and_then(|table| table.report()).expect("a report");
    assert_eq!(rows(&report), [("Italy".into(), 12, 0.5), (String::new(), 1, 2.0)]);
    let refused = |from: &str, to: &str, why: &str| {
        assert_refused(FakeTable::from_json(&recorded.replace(from, to)), why);
    };
    refused("\"country\"", "\"dateRange\"", "it has several date ranges");
    refused("TYPE_FLOAT", "TYPE_X", "column revenue is of the unknown type TYPE_X");
    refused("\"12\"", "\"twelve\"", "row 0, column sessions: twelve is no number");
    refused(", {\"value\": \"2\"}", "", "row 1 has not one cell for each column");
    assert_refused(FakeTable::from_json("[]"), "it has no columns");
    assert_refused(FakeTable::from_json("{}"), "it has no columns");
}

#[test]
fn report_of_a_table_has_its_rows_in_order_and_their_aggregates() {
    let table = FakeTable::new(["country"], ["sessions", "revenue"]);
    let table = table.row(["Italy"], [7.0, 0.5]).row(["Chile"], [9.0, 0.0]).row(["Italy"], [0.0, 0.0]);
    let report = table.report().expect("a report");
    assert_eq!(rows(&report).iter().map(|row| row.1).collect::<Vec<_>>(), [7, 9, 0]);
    assert_eq!(report.total::<u64>("sessions").expect("a total"), 16);
    let largest: Vec<Row> = report.maximums().collect::<Result<_, _>>().expect("rows");
    assert_eq!(largest, [("RESERVED_MAX".into(), 9, 0.5)]);
    assert!(report.is_complete() && report.row_count() == 3);
    let empty = FakeTable::new(["country"], ["sessions"]).report().expect("a report");
    assert!(empty.is_empty());
}

#[test]
fn row_of_zeros_is_in_the_table_s_report_as_in_one_with_keep_empty_rows() {
    let table = FakeTable::new(["country"], ["sessions"]).row(["Italy"], [7]).row(["Chile"], [0]);
    let google = FakeGoogle::builder().property(1234, table.clone()).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY]);
    let tokens = tokens.token_endpoint(google.token_url()).build().expect("a source");
    let property = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client").property(1234);
    let request = ReportRequest::new().dates(DateRange::yesterday()).dimensions(["country"]);
    let request = request.metrics(["sessions"]);
    let count =
        |keep| property.run_report(&request.clone().keep_empty_rows(keep)).expect("a report").row_count();
    assert_eq!((count(false), count(true)), (1, 2));
    assert_eq!(table.report().expect("a report").row_count(), 2);
}

#[test]
fn table_with_a_name_twice_has_no_report() {
    let error = FakeTable::new(["country"], ["country"]).report().expect_err("a name twice");
    assert_eq!(error.kind(), ErrorKind::Schema);
}

fn dropped(source: ScriptedSource, calls: usize) -> Option<String> {
    let dropping = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        (0..calls).for_each(|_| drop(source.token()));
    }));
    dropping.err().map(|message| *message.downcast::<String>().expect("a message"))
}

#[test]
fn scripted_source_asserts_on_drop_when_told_to() {
    let two = || ScriptedSource::new().then_token("ya29.a").then_token("ya29.b");
    assert_eq!(dropped(two(), 1), None);
    assert_eq!(dropped(two().must_be_used(), 2), None);
    assert_eq!(
        dropped(two().must_be_used(), 0).as_deref(),
        Some("the scripted source has 2 outcomes left after 0 calls")
    );
    assert_eq!(
        dropped(two().must_be_used(), 5).as_deref(),
        Some("3 of 5 calls of the scripted source found no outcome")
    );
    assert_eq!(dropped(ScriptedSource::numbered().must_be_used(), 3), None);
}
