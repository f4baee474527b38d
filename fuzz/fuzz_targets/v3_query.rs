//! Any text as a v3 query: it is refused in one line, or translated, and the answer's own link is a query
//! that gives the same request.
//!
//! Input: the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use shortway::analytics::Report;
use shortway::analytics::v3::{Query, Translation};
use shortway_fuzz::{check_error, check_line};

fuzz_target!(|text: &str| {
    let translation = match text.parse::<Query>().and_then(|query| query.translate()) {
        Ok(translation) => translation,
        Err(error) => return check_error(&error),
    };
    for note in &translation.notes {
        check_line(&note.to_string());
    }
    let answer = translation.answer(&empty_report(&translation)).expect("an answer");
    let linked: Query = answer.self_link.parse().expect("a query");
    assert_eq!(linked.translate().expect("the same query").request, translation.request);
});

/// An empty report with the columns of the request.
fn empty_report(translation: &Translation) -> Report {
    let request = serde_json::to_value(&translation.request).expect("JSON");
    let headers = |key: &str, kind: Value| {
        let names = request[key].as_array().map(Vec::as_slice).unwrap_or_default();
        names.iter().map(|column| json!({"name": column["name"], "type": kind})).collect::<Value>()
    };
    let body = json!({
        "dimensionHeaders": headers("dimensions", Value::Null),
        "metricHeaders": headers("metrics", json!("TYPE_INTEGER")),
    });
    Report::from_json(body.to_string().as_bytes(), &translation.request).expect("a report")
}
