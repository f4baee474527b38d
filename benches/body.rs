//! A response of `runReport` as a large report has it, and the naive way to read it. The same on every run.
//!
//! Three dimensions (date, country, path) and four metrics (two whole numbers, two floats of 15 to 17
//! digits), some 86 bytes of text a row. One path in ten has `=` and `&`, which Google escapes.

#![allow(unreachable_pub, dead_code, reason = "a part of two programs")]

use serde::Deserialize;
use shortway::analytics::ReportRequest;
use std::fmt::Write;
use std::ops::Range;
use time::{Date, Month};

/// The request that the body answers.
pub fn request() -> ReportRequest {
    ReportRequest::new().dimensions(DIMENSIONS).metrics(METRICS.map(|(name, _)| name)).limit(250_000)
}

const DIMENSIONS: [&str; 3] = ["date", "country", "pagePath"];

const METRICS: [(&str, &str); 4] = [
    ("activeUsers", "TYPE_INTEGER"),
    ("screenPageViews", "TYPE_INTEGER"),
    ("engagementRate", "TYPE_FLOAT"),
    ("userEngagementDuration", "TYPE_SECONDS"),
];

const COUNTRIES: [&str; 8] =
    ["Italy", "United States", "Chile", "Côte d’Ivoire", "(not set)", "Germany", "India", "Japan"];

/// As Google sends it with `prettyPrint=false`.
pub fn compact(rows: usize) -> String {
    page(&mut 42, 0..rows, rows)
}

/// The same in pages of so many rows.
pub fn pages(rows: usize, of: usize) -> Vec<String> {
    let mut state = 42;
    (0..rows).step_by(of).map(|first| page(&mut state, first..rows.min(first + of), rows)).collect()
}

/// These rows of a report of `count`.
fn page(state: &mut u64, rows: Range<usize>, count: usize) -> String {
    let dimensions = DIMENSIONS.map(|name| format!(r#"{{"name":"{name}"}}"#)).join(",");
    let metrics = METRICS.map(|(name, kind)| format!(r#"{{"name":"{name}","type":"{kind}"}}"#)).join(",");
    let mut body = format!(r#"{{"dimensionHeaders":[{dimensions}],"metricHeaders":[{metrics}],"rows":["#);
    let first = rows.start;
    for row in rows {
        let comma = if row == first { "" } else { "," };
        write!(body, "{comma}{{\"dimensionValues\":[{}],", cells(&dimension_cells(row, state)))
            .expect("a String takes it");
        write!(body, "\"metricValues\":[{}]}}", cells(&metric_cells(state))).expect("a String takes it");
    }
    let metadata = r#"{"currencyCode":"EUR","timeZone":"Europe/Rome"}"#;
    write!(body, r#"],"rowCount":{count},"metadata":{metadata},"kind":"analyticsData#runReport"}}"#)
        .expect("a String takes it");
    body
}

fn cells(texts: &[String]) -> String {
    texts.iter().map(|text| format!(r#"{{"value":"{text}"}}"#)).collect::<Vec<_>>().join(",")
}

fn dimension_cells(row: usize, state: &mut u64) -> [String; 3] {
    let word = |number: u64| format!("{:x}", number % 0x10_0000);
    let path = match row % 10 {
        0 => format!("/search?q\\u003d{}\\u0026page\\u003d{}", word(random(state)), row % 7),
        _ => format!("/blog/2026/{}/{}-{}", row % 12, word(random(state)), word(random(state))),
    };
    let date = format!("2026{:02}{:02}", 1 + row / 31 % 12, 1 + row % 28);
    [date, COUNTRIES[random(state) as usize % COUNTRIES.len()].to_owned(), path]
}

fn metric_cells(state: &mut u64) -> [String; 4] {
    let share = |state: &mut u64| (random(state) >> 11) as f64 / (1_u64 << 53) as f64;
    let (users, views) = (random(state) % 10_000, random(state) % 100_000);
    let (rate, seconds) = (share(state), share(state) * 10_000.0);
    [users.to_string(), views.to_string(), rate.to_string(), seconds.to_string()]
}

/// splitmix64.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The body in structs, as one writes them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub struct Naive {
    pub dimension_headers: Vec<NaiveHeader>,
    pub metric_headers: Vec<NaiveHeader>,
    pub rows: Vec<NaiveRow>,
    pub row_count: i64,
    pub kind: String,
}

#[derive(Deserialize)]
pub struct NaiveHeader {
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NaiveRow {
    pub dimension_values: Vec<NaiveValue>,
    pub metric_values: Vec<NaiveValue>,
}

#[derive(Deserialize)]
pub struct NaiveValue {
    pub value: String,
}

/// A row in a struct of the user's.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    pub date: Date,
    pub country: String,
    pub page_path: String,
    pub active_users: i64,
    pub screen_page_views: i64,
    pub engagement_rate: f64,
    pub user_engagement_duration: f64,
}

impl Page {
    /// Takes the texts over and parses the numbers.
    pub fn from_naive(mut row: NaiveRow) -> Option<Self> {
        let [date, country, path] = row.dimension_values.get_mut(..)? else { return None };
        let [users, views, rate, seconds] = row.metric_values.get(..)? else { return None };
        let month = Month::try_from(date.value.get(4..6)?.parse::<u8>().ok()?).ok()?;
        let (year, day) = (date.value.get(..4)?.parse().ok()?, date.value.get(6..)?.parse().ok()?);
        Some(Self {
            date: Date::from_calendar_date(year, month, day).ok()?,
            country: std::mem::take(&mut country.value),
            page_path: std::mem::take(&mut path.value),
            active_users: users.value.parse().ok()?,
            screen_page_views: views.value.parse().ok()?,
            engagement_rate: rate.value.parse().ok()?,
            user_engagement_duration: seconds.value.parse().ok()?,
        })
    }
}
