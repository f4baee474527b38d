//! The scanner for rows in Google's layout, held against serde: both give the same report or the same error.

use crate::random::Random;
use serde_json::{Value, json};
use shortway::Error;
use shortway::analytics::{DateRange, Report, ReportRequest};

/// Everything that a report shows, its rows after its other parts.
type Seen = (String, Vec<Vec<String>>);

/// What a report shows, or what an error says.
fn seen(read: Result<Report, Error>) -> Result<Seen, (String, bool)> {
    let report = read.map_err(|error| (error.to_string(), error.is_retryable()))?;
    let rows = report.each_row().map(|row| row.cells().map(str::to_owned).collect());
    let total = report.total_in::<Option<String>>("date_range_0", "n");
    let written = serde_json::to_string(&report).expect("every report has JSON");
    Ok((format!("{report:?} {total:?} {written}"), rows.collect()))
}

/// Reads both ways; whether it is a report.
fn check(body: &[u8], request: &ReportRequest) -> bool {
    let (fast, slow) = (Report::from_json(body, request), Report::from_json_by_serde(body, request));
    let is_report = fast.is_ok();
    assert_eq!(seen(fast), seen(slow), "{:?}", String::from_utf8_lossy(body));
    is_report
}

fn request() -> ReportRequest {
    ReportRequest::new().dates(DateRange::today()).dimensions(["d", "e"]).metrics(["n"]).limit(250_000)
}

/// Text as it is or with escapes, of any length.
fn text(random: &mut Random) -> String {
    let pieces = [
        "a",
        "é",
        "€",
        "😀",
        "/blog/2026",
        "(not set)",
        "\"",
        "\\",
        "\n",
        "\u{0}",
        "\u{7f}",
        "=",
        "20260101",
    ];
    let count = random.pick(&[0, 1, 1, 1, 2, 9, 40]);
    (0..count).map(|_| random.pick(&pieces)).collect()
}

fn body(random: &mut Random) -> String {
    let cell = |random: &mut Random| match random.below(20) {
        0 => json!({}),
        _ => json!({"value": text(random)}),
    };
    let row = |random: &mut Random| json!({"dimensionValues": [cell(random), cell(random)], "metricValues": [{"value": random.below(999).to_string()}]});
    let rows: Vec<Value> = (0..random.below(7)).map(|_| row(random)).collect();
    let headers = r#""dimensionHeaders":[{"name":"d"},{"name":"e"}],"metricHeaders":[{"name":"n"}]"#;
    let total = r#"{"dimensionValues":[{"value":"RESERVED_TOTAL"},{"value":"RESERVED_TOTAL"}],"metricValues":[{"value":"7"}]}"#;
    let rest = format!(r#""totals":[{total}],"rowCount":9,"kind":"analyticsData#runReport""#);
    let (rows, unknown) = (json!(rows), r#""new":{"rows":[1]}"#);
    let parts = [headers.to_owned(), format!("\"rows\":{rows}"), rest, unknown.to_owned()];
    let order =
        random.pick(&[[0, 1, 2, 3], [0, 1, 2, 2], [0, 1, 1, 2], [3, 0, 1, 2], [1, 0, 2, 3], [0, 2, 3, 1]]);
    let compact = format!("{{{}}}", order.map(|part| parts[part].as_str()).join(","));
    match random.below(2) {
        0 => compact,
        // As Google writes it by default: each key once.
        _ => match serde_json::from_str::<Value>(&compact) {
            Ok(value) => serde_json::to_string_pretty(&value).expect("JSON"),
            Err(_) => compact,
        },
    }
}

/// Changes a few bytes: any byte, a piece of JSON, a cut, a repetition.
fn damage(body: &mut Vec<u8>, random: &mut Random) {
    let pieces: [&[u8]; 24] = [
        b"\"",
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"\0",
        b"\x1f",
        b"\xff",
        b"\xe2\x82",
        b"null",
        b"1",
        b"{}",
        b"\\u00e9",
        b"\\ud83d",
        b"\\ude00",
        b"\\u+123",
        b"\"rows\":[",
        b"\"value\":\"",
        b"{\"value\":\"x\"},",
    ];
    for _ in 0..1 + random.below(3) {
        let at = random.below(body.len());
        let to = (at + random.below(12)).min(body.len());
        match random.below(6) {
            0 => body[at] = random.number() as u8,
            1 => drop(body.drain(at..to)),
            2 => body.truncate(at),
            3 => drop(body.splice(at..at, body[at..to].to_owned())),
            _ => drop(body.splice(at..at, random.pick(&pieces).to_owned())),
        }
        if body.is_empty() {
            return;
        }
    }
}

#[test]
fn scanner_and_serde_read_the_same_report() {
    let mut random = Random::new(8);
    let read = (0..2000).filter(|_| check(body(&mut random).as_bytes(), &request())).count();
    assert!(read > 1000, "only {read} of 2000 bodies are reports");
}

#[test]
fn scanner_and_serde_give_the_same_for_any_damage() {
    let mut random = Random::new(13);
    let mut read = 0;
    for _ in 0..20_000 {
        let mut body = body(&mut random).into_bytes();
        damage(&mut body, &mut random);
        read += usize::from(check(&body, &request()));
    }
    assert!((500..19_000).contains(&read), "{read} of 20000 damaged bodies are reports");
}

#[test]
fn every_cut_of_a_body_is_told_as_serde_tells_it() {
    let mut random = Random::new(5);
    for _ in 0..20 {
        let body = body(&mut random).into_bytes();
        for end in 0..=body.len() {
            check(&body[..end], &request());
        }
    }
}

#[test]
fn rows_of_every_length_are_the_same_over_many_batches() {
    let mut random = Random::new(3);
    for most in [30, 700, 9000, 20_000, 70_000] {
        let cell = |random: &mut Random| "xé".repeat(random.below(most) / 3);
        let rows: Vec<Value> = (0..400_000 / most)
            .map(|_| json!({"dimensionValues": [{"value": cell(&mut random)}, {}], "metricValues": [{"value": "1"}]}))
            .collect();
        let frame =
            json!({"dimensionHeaders": [{"name": "d"}, {"name": "e"}], "metricHeaders": [{"name": "n"}]});
        let frame = frame.to_string();
        let body = format!("{},\"rows\":{}}}", frame.strip_suffix('}').expect("an object"), json!(rows));
        assert!(check(body.as_bytes(), &request()), "cells of up to {most} bytes");
    }
}
