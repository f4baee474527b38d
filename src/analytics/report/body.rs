//! The body of an answer: read into its parts, and held against the request.

use super::expected::Expected;
use super::pivot_headers::{PivotHeaders, ReadHeaders};
use crate::analytics::answer::{Column, ColumnKind, Header, PropertyQuota, ResponseMetadata};
use crate::analytics::document;
use crate::analytics::table::{self, MAX_COLUMNS, Table};
use crate::analytics::wire::{Fill, Part};
use crate::error::{Error, scrub};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// The column that Google adds where several date ranges are requested.
pub(in crate::analytics) const DATE_RANGE: &str = "dateRange";

#[derive(Default)]
pub(super) struct Body {
    pub(super) dimension_headers: Vec<Header>,
    pub(super) metric_headers: Vec<Header>,
    pub(super) rows: Table,
    pub(super) totals: Table,
    pub(super) maximums: Table,
    pub(super) minimums: Table,
    pub(super) row_count: Option<i64>,
    pub(super) metadata: Option<ResponseMetadata>,
    pub(super) property_quota: Option<PropertyQuota>,
    /// Of a pivot report.
    pub(super) pivot_headers: PivotHeaders,
    pub(super) aggregates: Table,
    pub(super) kind: Option<String>,
    /// The keys that were read.
    keys: Vec<Key>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    DimensionHeaders,
    MetricHeaders,
    Rows,
    Totals,
    Maximums,
    Minimums,
    RowCount,
    Metadata,
    PropertyQuota,
    PivotHeaders,
    Aggregates,
    Kind,
    #[serde(other)]
    Unknown,
}

/// Reads an answer of so many bytes.
struct Reader<'b> {
    size: usize,
    body: &'b mut Body,
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { size, body } = self;
        while let Some(key) = map.next_key()? {
            if body.keys.contains(&key) {
                return Err(A::Error::custom("it has one of its keys twice"));
            }
            if key != Key::Unknown {
                body.keys.push(key);
            }
            let part: &mut dyn Part = match key {
                Key::DimensionHeaders => &mut body.dimension_headers,
                Key::MetricHeaders => &mut body.metric_headers,
                Key::RowCount => &mut body.row_count,
                Key::Metadata => &mut body.metadata,
                Key::PropertyQuota => &mut body.property_quota,
                Key::Kind => &mut body.kind,
                Key::PivotHeaders => {
                    map.next_value_seed(ReadHeaders { headers: &mut body.pivot_headers, size })?;
                    continue;
                }
                Key::Rows | Key::Totals | Key::Maximums | Key::Minimums | Key::Aggregates => {
                    let sparse = !matches!(key, Key::Rows);
                    let table = match key {
                        Key::Rows => &mut body.rows,
                        Key::Totals => &mut body.totals,
                        Key::Maximums => &mut body.maximums,
                        Key::Aggregates => &mut body.aggregates,
                        _ => &mut body.minimums,
                    };
                    map.next_value_seed(table::Rows { table, size, sparse })?;
                    continue;
                }
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            map.next_value_seed(Fill(part))?;
        }
        Ok(())
    }
}

/// Reads a body; `kind` is what the method's answers say of themselves.
pub(super) fn read(json: &[u8], kind: &str) -> Result<Body, Error> {
    let scanned = if document::has_giant_token(json) { None } else { by_scan(json) };
    scanned.map_or_else(|| read_by_serde(json, kind), |body| checked(body, kind))
}

/// The answer as serde reads it, rows and all. [`read`] gives the same, sooner.
pub(super) fn read_by_serde(json: &[u8], kind: &str) -> Result<Body, Error> {
    let text = document::text(json, REPORT)?;
    let mut body = Body::default();
    fill(&mut body, text, text.len()).map_err(|error| document::no_json(REPORT, &error))?;
    checked(body, kind)
}

/// Refuses what is not a report.
fn checked(body: Body, kind: &str) -> Result<Body, Error> {
    // Google leaves out what is empty, but never all of these.
    if body.kind.is_none()
        && body.metadata.is_none()
        && body.row_count.is_none()
        && body.dimension_headers.is_empty()
        && body.metric_headers.is_empty()
        && body.pivot_headers.is_empty()
    {
        return Err(schema("it has none of a report's fields"));
    }
    if body.kind.as_deref().is_some_and(|found| found != kind) {
        return Err(schema("it is the response of another method"));
    }
    Ok(body)
}

/// Reads an object of the answer's keys.
fn fill(body: &mut Body, object: &str, size: usize) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(object);
    json.deserialize_map(Reader { size, body })?;
    json.end()
}

/// How much of an answer may stand before the rows, and how much behind them: an eighth of it, or 16 KiB. It
/// is copied.
const MAX_FRAME: usize = 16 << 10;

/// The answer, where the rows are as Google writes them. What stands before and behind them is read by serde,
/// in the same order; `None` where anything differs, be it an error or not.
fn by_scan(json: &[u8]) -> Option<Body> {
    const KEY: &[u8] = b"\"rows\":";
    let most = MAX_FRAME.max(json.len() / 8);
    let key = json.get(..most).unwrap_or(json).windows(KEY.len()).position(|w| w == KEY)?;
    let (head, rows) = json.split_at_checked(key + KEY.len())?;
    // Behind a backslash the quote is part of another key.
    if json[..key].ends_with(b"\\") {
        return None;
    }
    let mut body = Body::default();
    // One closing bracket makes it whole, so the key is the answer's own and not one of an object inside.
    let head = str::from_utf8(head).ok()?;
    fill(&mut body, &format!("{head}null}}"), json.len()).ok()?;
    let tail = table::scan(rows, &mut body.rows, json.len())?;
    let tail = str::from_utf8(tail).ok().filter(|tail| tail.len() <= most)?;
    fill(&mut body, &format!("{{\"\":null{tail}"), json.len()).ok()?;
    Some(body)
}

pub(super) fn columns(dimensions: Vec<Header>, metrics: Vec<Header>) -> Result<Vec<Column>, Error> {
    if dimensions.len() + metrics.len() > MAX_COLUMNS {
        return Err(schema(&format!("it has more than {MAX_COLUMNS} columns")));
    }
    let dimensions = dimensions.into_iter().map(Header::dimension);
    let columns: Vec<Column> = dimensions.chain(metrics.into_iter().map(Header::metric)).collect();
    let mut names = HashSet::new();
    match columns.iter().find(|column| !names.insert(&column.name)) {
        Some(twice) => Err(schema(&format!("it has two columns named `{}`", scrub(&twice.name)))),
        None => Ok(columns),
    }
}

/// Refuses tables of another width than the headers.
pub(super) fn fits<'t>(columns: &[Column], tables: impl IntoIterator<Item = &'t Table>) -> Result<(), Error> {
    let dimensions = columns.iter().filter(|c| matches!(c.kind, ColumnKind::Dimension)).count();
    let shape = (dimensions, columns.len() - dimensions);
    if tables.into_iter().any(|table| table.shape().is_some_and(|found| found != shape)) {
        return Err(schema("its rows and its headers have different numbers of columns"));
    }
    Ok(())
}

/// Figures must never stand under another name than their own: rows may be read by position.
pub(super) fn as_requested(columns: &[Column], expected: &Expected<'_>) -> Result<(), Error> {
    let mut wanted: Vec<&str> = expected.dimensions.iter().map(|d| d.name.as_str()).collect();
    if expected.ranges.len() > 1 && !wanted.contains(&DATE_RANGE) {
        wanted.push(DATE_RANGE);
    }
    let dimensions = wanted.len();
    let metrics = expected.metrics.iter().filter(|m| !m.invisible).map(|m| m.name.as_str());
    wanted.extend(metrics);
    let is_dimension = |c: &Column| matches!(c.kind, ColumnKind::Dimension);
    // What Google adds stands where it likes.
    let is_added =
        |c: &Column| is_dimension(c) && expected.adds(&c.name) && !wanted.contains(&c.name.as_str());
    let found: Vec<&Column> = columns.iter().filter(|column| !is_added(column)).collect();
    let names: Vec<&str> = found.iter().map(|c| c.name.as_str()).collect();
    if names == wanted && found.iter().filter(|column| is_dimension(column)).count() == dimensions {
        return Ok(());
    }
    Err(schema(&format!("its columns are {}, requested were {}", list(&names), list(&wanted))))
}

pub(super) fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { scrub(&names.join(", ")) }
}

/// What the answer shall be, for errors.
const REPORT: &str = "report";

pub(super) fn schema(why: &str) -> Error {
    document::schema(REPORT, why)
}
