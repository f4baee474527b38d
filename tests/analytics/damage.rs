//! Answers damaged at random: an error on one line or a report that can be read, never a panic.

use crate::random::Random;
use serde::Serialize;
use serde_json::{Value, json};
use shortway::Error;
use shortway::analytics::{
    AudienceExports, AudienceRows, CompatibilityReport, DateRange, Metadata, MetricAggregation, PivotReport,
    PivotRequest, QuotasSnapshot, Report, ReportRequest,
};

/// What stands in answers, and what hurts readers of JSON and of numbers.
const PIECES: [&str; 32] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "1e999",
    "-0",
    "9007199254740993.0",
    "\"value\"",
    "{}",
    "[{}]",
    "\"rows\"",
    "\"totals\"",
    "\"rowCount\"",
    "\"metadata\"",
    "\"dimensionValues\"",
    "\"metricValues\"",
    "\"dateRange\"",
    "\"name\"",
    "\\u0000",
    "\\ud800",
    "\u{202e}",
    "\u{1b}[31m",
    "(not set)",
    "1e39",
    "20260105",
    "\"$serde_json::private::Number\"",
];

fn request() -> ReportRequest {
    ReportRequest::new()
        .dates(DateRange::today())
        .dates(DateRange::yesterday())
        .dimensions(["date"])
        .metrics(["sessions", "revenue"])
        .metric_aggregations([MetricAggregation::Maximum])
}

fn body() -> String {
    let row = |date: &str, range: &str, sessions: &str| {
        json!({"dimensionValues": [{"value": date}, {"value": range}],
               "metricValues": [{"value": sessions}, {"value": "0.5"}]})
    };
    json!({
        "dimensionHeaders": [{"name": "date"}, {"name": "dateRange"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}, {"name": "revenue", "type": "TYPE_CURRENCY"}],
        "rows": [row("20260105", "date_range_0", "7"), row("(other)", "date_range_1", "(not set)")],
        "totals": [row("RESERVED_TOTAL", "date_range_0", "7"), {}],
        "maximums": [{}, row("RESERVED_MAX", "date_range_1", "7")],
        "rowCount": 2,
        "metadata": {"samplingMetadatas": [{"samplesReadCount": "5"}], "timeZone": "Etc/UTC"},
        "propertyQuota": {"tokensPerDay": {"consumed": 1, "remaining": -1}},
        "kind": "analyticsData#runReport",
    })
    .to_string()
}

fn damaged(body: String, random: &mut Random) -> Vec<u8> {
    let mut bytes = body.into_bytes();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(12)).min(bytes.len());
        let piece = match random.below(4) {
            0 => Vec::new(),
            1 => random.bytes(1),
            2 => bytes[end..(end + random.below(80)).min(bytes.len())].to_vec(),
            _ => random.pick(&PIECES).as_bytes().to_vec(),
        };
        bytes.splice(at..end, piece);
    }
    bytes
}

/// Everything that a report gives, read in every way.
fn read(report: &Report) -> Vec<String> {
    let mut errors = Vec::new();
    let mut note = |error: Option<Error>| errors.extend(error.map(|e| e.to_string()));
    let width = report.columns().len();
    for row in report.rows::<Vec<&str>>() {
        assert_eq!(row.expect("text").len(), width);
    }
    for row in report.rows::<Value>() {
        assert!(row.expect("a map").as_object().is_some_and(|row| row.len() == width));
    }
    report.rows::<Vec<Option<f32>>>().for_each(|row| note(row.err()));
    report.rows::<Vec<u8>>().for_each(|row| note(row.err()));
    report.rows::<(time::Date, String, Option<u64>, f64)>().for_each(|row| note(row.err()));
    for range in ["date_range_0", "date_range_1"] {
        note(report.total_in::<Option<u64>>(range, "sessions").err());
        note(report.maximum_in::<f32>(range, "revenue").err());
    }
    note(report.total::<u64>("sessions").err());
    let _ = (report.row_count(), report.is_complete(), report.clone(), format!("{report:?}"));
    errors
}

#[test]
fn damaged_answer_is_an_error_of_one_line_or_a_report() {
    let request = request();
    let mut random = Random::new(7);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..15_000 {
        let body = damaged(body(), &mut random);
        let texts = match Report::from_json(&body, &request) {
            Ok(report) => {
                good += 1;
                read(&report)
            }
            Err(error) => {
                bad += 1;
                vec![error.to_string()]
            }
        };
        for text in texts {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
            assert!(text.chars().count() < 800, "{text}");
        }
    }
    assert!(good > 500 && bad > 500, "{good} reports, {bad} errors");
}

/// Reads an answer of some other method; an error's text, or what the answer is written as.
type Read = fn(&[u8]) -> Result<String, Error>;

fn json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("every answer has JSON")
}

/// An answer of each method but `runReport`, and how it is read.
fn others() -> [(Value, Read); 6] {
    let field = json!({"apiName": "date", "type": "TYPE_INTEGER", "deprecatedApiNames": ["day"]});
    let cell = json!({"dimensionValues": [{"value": "a"}]});
    let row = json!({"dimensionValues": [{"value": "a"}], "metricValues": [{"value": "7"}]});
    let export = json!({"name": "x", "state": "ACTIVE", "percentageCompleted": 99.5, "rowCount": 1,
        "dimensions": [{"dimensionName": "deviceId"}]});
    let pivot = json!({
        "pivotHeaders": [{"pivotDimensionHeaders": [cell], "rowCount": 1}],
        "dimensionHeaders": [{"name": "country"}], "metricHeaders": [{"name": "sessions"}],
        "rows": [row], "aggregates": [row, {}], "metadata": {}, "kind": "analyticsData#runPivotReport",
    });
    [
        (json!({"name": "x", "dimensions": [field], "metrics": [field]}), |b| {
            Ok(json(&Metadata::from_json(b)?))
        }),
        (json!({"metricCompatibilities": [{"metricMetadata": field, "compatibility": "COMPATIBLE"}]}), |b| {
            Ok(json(&CompatibilityReport::from_json(b)?))
        }),
        (json!({"corePropertyQuota": {"tokensPerDay": {"remaining": 7}}}), |b| {
            Ok(json(&QuotasSnapshot::from_json(b)?))
        }),
        (pivot, |b| {
            let request = PivotRequest::new().dimensions(["country"]).metrics(["sessions"]);
            let report = PivotReport::from_json(b, &request)?;
            report.rows::<Vec<&str>>().chain(report.aggregates()).for_each(|row| assert!(row.is_ok()));
            report.pivots().for_each(|pivot| assert!(pivot.values().count() < 1000));
            Ok(json(&report))
        }),
        (json!({"audienceExports": [export], "nextPageToken": "x"}), |b| {
            Ok(json(&AudienceExports::from_json(b)?))
        }),
        (json!({"audienceExport": export, "audienceRows": [cell, cell], "rowCount": 2}), |b| {
            let users = AudienceRows::from_json(b)?;
            users.rows::<Vec<&str>>().for_each(|row| assert!(row.is_ok()));
            Ok(json(&users))
        }),
    ]
}

#[test]
fn damaged_answer_of_any_method_is_an_error_of_one_line_or_can_be_written_and_read_again() {
    let mut random = Random::new(8);
    for (body, read) in others() {
        read(body.to_string().as_bytes()).expect("undamaged");
        let (mut good, mut bad) = (0, 0);
        for _ in 0..3000 {
            match read(&damaged(body.to_string(), &mut random)) {
                Ok(written) => {
                    good += 1;
                    assert_eq!(read(written.as_bytes()).expect(&written), written);
                }
                Err(error) => {
                    bad += 1;
                    let text = error.to_string();
                    assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
                    assert!(text.chars().count() < 800, "{text}");
                }
            }
        }
        assert!(good > 100 && bad > 100, "{good} answers, {bad} errors of {body}");
    }
}
