//! Any filter of a v3 query: it is refused in one line, or its translation says the same as it.
//!
//! Input: the filter. The query asks for the metric `newUsers` and the dimension `city`. What the request
//! says is written in v3's grammar again, and that must give the same request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use shortway::Error;
use shortway::analytics::ReportRequest;
use shortway::analytics::v3::{EQUIVALENTS, FieldKind, Query};
use shortway_fuzz::check_error;

fuzz_target!(|filter: &str| {
    let request = match translated(filter) {
        Ok(request) => request,
        Err(error) => return check_error(&error),
    };
    let json: Value = serde_json::from_str(&request.effective().expect("a request to send")).expect("JSON");
    let sides = [("dimensionFilter", FieldKind::Dimension), ("metricFilter", FieldKind::Metric)];
    let groups: Vec<String> = sides
        .iter()
        .flat_map(|(side, kind)| json.get(*side).map(|filter| and(filter, *kind)))
        .flatten()
        .collect();
    assert_eq!(1 + separators(filter), tests(&groups), "{filter:?}: {json}");
    // At the end of a filter a backslash is itself; before a separator it would not be.
    if !groups.iter().any(|group| group.ends_with('\\')) {
        let again = translated(&groups.join(";")).expect("the same filter");
        assert_eq!(again, request, "{groups:?}");
    }
});

fn translated(filter: &str) -> Result<ReportRequest, Error> {
    let query = Query::new("ga:1", "today", "today", "newUsers").dimensions("city").filters(filter);
    Ok(query.translate()?.request)
}

/// How many `,` and `;` have no backslash before them.
fn separators(text: &str) -> usize {
    let plain = text.replace("\\,", "").replace("\\;", "");
    plain.matches([',', ';']).count()
}

fn tests(groups: &[String]) -> usize {
    groups.iter().map(|group| 1 + separators(group)).sum()
}

/// The groups that are joined by AND, each in v3's grammar.
fn and(filter: &Value, kind: FieldKind) -> Vec<String> {
    match filter.pointer("/andGroup/expressions").and_then(Value::as_array) {
        Some(groups) => groups.iter().map(|group| or(group, kind)).collect(),
        None => vec![or(filter, kind)],
    }
}

fn or(filter: &Value, kind: FieldKind) -> String {
    match filter.pointer("/orGroup/expressions").and_then(Value::as_array) {
        Some(tests) => tests.iter().map(|one| test(one, kind)).collect::<Vec<_>>().join(","),
        None => test(filter, kind),
    }
}

fn test(filter: &Value, kind: FieldKind) -> String {
    let (filter, is_negated) = match filter.get("notExpression") {
        Some(inner) => (&inner["filter"], true),
        None => (&filter["filter"], false),
    };
    let (how, value) = match filter.get("stringFilter") {
        Some(test) => (&test["matchType"], test["value"].as_str().expect("a text").to_owned()),
        None => {
            let value = &filter["numericFilter"]["value"];
            let whole = value["int64Value"].as_str().map(str::to_owned);
            // With a point, so that it is no integer.
            let double = || {
                let text = value["doubleValue"].as_f64().expect("a number").to_string();
                if text.contains('.') { text } else { text + ".0" }
            };
            (&filter["numericFilter"]["operation"], whole.unwrap_or_else(double))
        }
    };
    let sign = match (how.as_str().expect("a type"), is_negated) {
        ("EXACT" | "EQUAL", false) => "==",
        ("EXACT" | "EQUAL", true) => "!=",
        ("CONTAINS", false) => "=@",
        ("CONTAINS", true) => "!@",
        ("PARTIAL_REGEXP", false) => "=~",
        ("PARTIAL_REGEXP", true) => "!~",
        ("GREATER_THAN", false) => ">",
        ("GREATER_THAN_OR_EQUAL", false) => ">=",
        ("LESS_THAN", false) => "<",
        ("LESS_THAN_OR_EQUAL", false) => "<=",
        other => panic!("{other:?} is nothing that v3 had"),
    };
    let name = filter["fieldName"].as_str().expect("a name");
    let row = EQUIVALENTS.iter().find(|row| row.kind == kind && row.ga4 == name);
    let escaped = |text: &str| text.replace(',', "\\,").replace(';', "\\;");
    format!("{}{sign}{}", escaped(row.map_or(name, |row| row.ua)), escaped(&value))
}
