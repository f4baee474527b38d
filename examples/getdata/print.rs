//! A report as text: a table for people, JSON for programs, CSV for spreadsheets.
//!
//! The JSON is not written by a map of `serde_json`, which sorts the columns. The features that change this
//! would change the crate under test too.

use crate::arguments::Format;
use crate::text::{escaped, is_invisible};
use shortway::Error;
use shortway::analytics::{Column, ColumnKind, MetricType, Report};
use std::fmt::Write as _;
use unicode_width::UnicodeWidthStr as _;

pub(crate) fn report(report: &Report, format: Format) -> Result<String, Error> {
    match format {
        Format::Table => table(report),
        Format::Json => json(report),
        Format::Csv => csv(report),
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

fn table(report: &Report) -> Result<String, Error> {
    let mut out = String::new();
    for (metric, total) in totals(report)? {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{}: {}", escaped(&metric.name), escaped(total.unwrap_or("no data")));
    }
    if report.is_empty() {
        return Ok(out);
    }
    let mut lines = vec![report.columns().iter().map(|c| escaped(&c.name)).collect::<Vec<_>>()];
    for row in report.rows::<Vec<&str>>() {
        lines.push(row?.into_iter().map(escaped).collect());
    }
    let widths: Vec<usize> = (0..report.columns().len())
        .map(|i| lines.iter().map(|line| line[i].width()).max().unwrap_or(0))
        .collect();
    out.push('\n');
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(report.columns()).map(|((cell, width), column)| {
            let blanks = " ".repeat(width - cell.width());
            if is_dimension(column) { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") }
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    Ok(out)
}

fn json(report: &Report) -> Result<String, Error> {
    let totals = totals(report)?.into_iter().map(|(metric, total)| {
        let total = total.map_or_else(|| "null".to_owned(), |cell| json_cell(metric, cell));
        (metric, total)
    });
    let totals = json_object(totals);
    let mut rows = Vec::with_capacity(report.len());
    for row in report.rows::<Vec<&str>>() {
        let cells = report.columns().iter().zip(row?);
        rows.push(json_object(cells.map(|(column, cell)| (column, json_cell(column, cell)))));
    }
    let (rows, count) = (rows.join(","), report.row_count());
    Ok(format!("{{\"totals\":{totals},\"rows\":[{rows}],\"rowCount\":{count}}}\n"))
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

fn csv(report: &Report) -> Result<String, Error> {
    let mut lines = vec![csv_line(report.columns().iter().map(|c| csv_text(&c.name)))];
    for row in report.rows::<Vec<&str>>() {
        let cells = report.columns().iter().zip(row?);
        lines.push(csv_line(cells.map(|(column, cell)| match cell.parse::<f64>() {
            Ok(_) if !is_dimension(column) => cell.to_owned(),
            _ => csv_text(cell),
        })));
    }
    Ok(lines.join("\r\n") + "\r\n")
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
