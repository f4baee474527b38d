//! Queries of Core Reporting v3: parsed, translated, answered in v3's shape.
#![cfg(feature = "analytics")]

#[path = "../util/random.rs"]
#[allow(unreachable_pub, dead_code, reason = "shared by test programs")]
mod random;

mod answer;
mod filter;
mod query;
mod refusals;
mod same_selection;
mod table;

use serde_json::Value;
use shortway::analytics::v3::{Query, Translation};

/// A query for `metrics` over the last week.
fn week(metrics: &str) -> Query {
    Query::new("ga:1234", "7daysAgo", "yesterday", metrics)
}

#[track_caller]
fn translated(query: &Query) -> Translation {
    query.translate().expect("a query that can be translated")
}

/// The JSON of the request.
#[track_caller]
fn request(query: &Query) -> Value {
    serde_json::to_value(translated(query).request).expect("JSON")
}

#[track_caller]
fn notes(query: &Query) -> Vec<String> {
    translated(query).notes.iter().map(ToString::to_string).collect()
}

/// The whole text of the error, hint included.
#[track_caller]
fn refusal(query: &Query) -> String {
    query.translate().expect_err("a query that cannot be translated").to_string()
}
