//! The URL of a v3 query, by which v3's answers name themselves and their next page.

use super::query::Query;
use std::fmt::Write as _;

/// Where Core Reporting v3 was.
const ADDRESS: &str = "https://www.googleapis.com/analytics/v3/data/ga";

/// The URL of the query from the row `start_index` on. Nothing answers there any more; `parse` reads it.
pub(super) fn url(query: &Query, start_index: u64) -> String {
    let (first, rows) = (start_index.to_string(), query.page().to_string());
    let empty_rows = query.include_empty_rows.map(|keep| keep.to_string());
    let parameters = [
        ("ids", Some(query.ids.as_str())),
        ("dimensions", query.dimensions.as_deref()),
        ("metrics", Some(&query.metrics)),
        ("sort", query.sort.as_deref()),
        ("filters", query.filters.as_deref()),
        ("segment", query.segment.as_deref()),
        ("samplingLevel", query.sampling_level.as_deref()),
        ("include-empty-rows", empty_rows.as_deref()),
        ("start-date", Some(&query.start_date)),
        ("end-date", Some(&query.end_date)),
        ("start-index", Some(&first)),
        ("max-results", Some(&rows)),
    ];
    let given = parameters.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let pairs: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    format!("{ADDRESS}?{}", pairs.join("&"))
}

/// Percent-encodes all but RFC 3986's unreserved characters, the colon and the comma.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b',' => {
                out.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}
