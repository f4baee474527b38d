//! A report as text: a table for people, JSON and JSON lines for programs, CSV for spreadsheets.
//!
//! The JSON is not written by a map of `serde_json`, which sorts the columns. The features that change this
//! would change the crate under test too.

use crate::arguments::Format;
use crate::text::{escaped, is_invisible};
use shortway::Error;
use shortway::analytics::{Column, ColumnKind, MetricType, Report};
use std::fmt::Write as _;
use std::slice;
use unicode_width::UnicodeWidthStr as _;

pub(crate) fn report(report: &Report, format: Format) -> Result<String, Error> {
    reports(slice::from_ref(report), format)
}

/// The pages of one report as one.
pub(crate) fn reports(pages: &[Report], format: Format) -> Result<String, Error> {
    match format {
        Format::Table => table(pages),
        Format::Json => json(pages),
        Format::Jsonl => pages.iter().map(jsonl).collect(),
        Format::Csv => {
            let mut is_first = true;
            pages.iter().map(|page| csv(page, std::mem::take(&mut is_first))).collect()
        }
    }
}

/// Each metric and its total as Google wrote it; none when the report is empty.
fn totals(report: &Report) -> Result<Vec<(&Column, Option<&str>)>, Error> {
    let metrics = report.columns().iter().filter(|c| !is_dimension(c));
    metrics.map(|c| Ok((c, report.total(&c.name)?))).collect()
}

fn is_dimension(column: &Column) -> bool {
    column.kind == ColumnKind::Dimension
}

fn table(pages: &[Report]) -> Result<String, Error> {
    let mut out = String::new();
    let Some(first) = pages.first() else { return Ok(out) };
    for (metric, total) in totals(first)? {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}: {}", escaped(&metric.name), escaped(total.unwrap_or("no data")));
    }
    if first.is_empty() {
        return Ok(out);
    }
    let mut lines = vec![first.columns().iter().map(|c| escaped(&c.name)).collect::<Vec<_>>()];
    for row in pages.iter().flat_map(Report::rows::<Vec<&str>>) {
        lines.push(row?.into_iter().map(escaped).collect());
    }
    out.push('\n');
    out.push_str(&columns(&lines, |column| first.columns().get(column).is_some_and(is_dimension)));
    Ok(out)
}

/// Lines whose cells stand below each other, at the left where `is_left` says so, else at the right.
pub(crate) fn columns(lines: &[Vec<impl AsRef<str>>], is_left: impl Fn(usize) -> bool) -> String {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| lines.iter().filter_map(|line| Some(line.get(i)?.as_ref().width())).max();
    let widths: Vec<usize> = (0..count).map(|i| width(i).unwrap_or(0)).collect();
    let mut out = String::new();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let cell = cell.as_ref();
            let blanks = " ".repeat(width - cell.width());
            if is_left(column) { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn json(pages: &[Report]) -> Result<String, Error> {
    let Some(first) = pages.first() else { return Ok("null\n".to_owned()) };
    let totals = totals(first)?.into_iter().map(|(metric, total)| {
        let total = total.map_or_else(|| "null".to_owned(), |cell| json_cell(metric, cell));
        (metric, total)
    });
    let totals = json_object(totals);
    let mut rows = Vec::new();
    for page in pages {
        rows.append(&mut json_rows(page)?);
    }
    let (rows, count) = (rows.join(","), first.row_count());
    Ok(format!("{{\"totals\":{totals},\"rows\":[{rows}],\"rowCount\":{count}}}\n"))
}

/// One object a line, for each row.
pub(crate) fn jsonl(report: &Report) -> Result<String, Error> {
    Ok(json_rows(report)?.into_iter().map(|row| row + "\n").collect())
}

fn json_rows(report: &Report) -> Result<Vec<String>, Error> {
    let row = |row: Vec<&str>| {
        let cells = report.columns().iter().zip(row);
        json_object(cells.map(|(column, cell)| (column, json_cell(column, cell))))
    };
    report.rows::<Vec<&str>>().map(|cells| cells.map(row)).collect()
}

fn json_object<'a>(members: impl Iterator<Item = (&'a Column, String)>) -> String {
    let members = members.map(|(column, value)| format!("{}:{value}", json_text(&column.name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// A cell as its column has it; text where it is not such a number.
fn json_cell(column: &Column, cell: &str) -> String {
    let number = match &column.kind {
        ColumnKind::Metric(MetricType::Integer) => whole_number(cell),
        ColumnKind::Metric(MetricType::Float | MetricType::Seconds | MetricType::Currency) => number(cell),
        ColumnKind::Metric(MetricType::Other(name)) if MEASURES.contains(&name.as_str()) => number(cell),
        _ => None,
    };
    number.unwrap_or_else(|| json_text(cell))
}

/// The types of metrics that are numbers and that the crate has no variant for: those of custom metrics.
/// <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/MetricType>
const MEASURES: [&str; 8] = [
    "TYPE_MILLISECONDS",
    "TYPE_MINUTES",
    "TYPE_HOURS",
    "TYPE_STANDARD",
    "TYPE_FEET",
    "TYPE_MILES",
    "TYPE_METERS",
    "TYPE_KILOMETERS",
];

/// A whole number of JSON, if it is one of 64 bits.
fn whole_number(cell: &str) -> Option<String> {
    let is_one = serde_json::from_str::<i64>(cell).is_ok() || serde_json::from_str::<u64>(cell).is_ok();
    (is_one && !cell.contains(char::is_whitespace)).then(|| cell.to_owned())
}

/// A number of JSON with all its digits, and with a fraction: one type for the whole column.
fn number(cell: &str) -> Option<String> {
    let is_whole = cell.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_whole {
        return whole_number(cell).map(|digits| digits + ".0");
    }
    let is_finite = serde_json::from_str::<f64>(cell).is_ok_and(f64::is_finite);
    (is_finite && !cell.contains(char::is_whitespace)).then(|| cell.to_owned())
}

/// A JSON string; what would not be seen is escaped too, which changes nothing for its reader.
fn json_text(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    if !quoted.contains(is_invisible) {
        return quoted;
    }
    let mut out = String::with_capacity(2 * quoted.len());
    for c in quoted.chars() {
        match is_invisible(c) {
            true => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
            false => out.push(c),
        }
    }
    out
}

/// The rows of a page, after a line of names if it is the first one.
pub(crate) fn csv(report: &Report, is_first: bool) -> Result<String, Error> {
    let mut lines = Vec::with_capacity(report.len() + 1);
    if is_first {
        lines.push(csv_line(report.columns().iter().map(|c| csv_text(&c.name))));
    }
    for row in report.rows::<Vec<&str>>() {
        let cells = report.columns().iter().zip(row?);
        lines.push(csv_line(cells.map(|(column, cell)| match cell.parse::<f64>() {
            Ok(_) if !is_dimension(column) => cell.to_owned(),
            _ => csv_text(cell),
        })));
    }
    Ok(lines.into_iter().map(|line| line + "\r\n").collect())
}

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    cells.collect::<Vec<_>>().join(",")
}

/// Text that no spreadsheet runs, in quotes where RFC 4180 wants them.
fn csv_text(text: &str) -> String {
    let mark = if is_formula(text) { "'" } else { "" };
    match text.contains([',', ';', '"', '\t', '\n', '\r']) {
        true => format!("\"{mark}{}\"", text.replace('"', "\"\"")),
        false => format!("{mark}{text}"),
    }
}

/// Whether a spreadsheet may run a cell as a formula, blanks and invisible characters before it or not.
/// <https://owasp.org/www-community/attacks/CSV_Injection>
fn is_formula(text: &str) -> bool {
    let seen = text.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
    text.starts_with(['\t', '\r', '\n']) || seen.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}
