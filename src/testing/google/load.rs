//! Tables from files: a report as Google sends it, or CSV with the types in its header.

use super::enums::METRIC_TYPE;
use super::table::FakeTable;
use crate::error::{Error, ErrorKind, scrub};
use serde::Deserialize;

/// A report of Google's, as far as a table needs it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Report {
    dimension_headers: Vec<Header>,
    metric_headers: Vec<Header>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Header {
    name: String,
    r#type: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Row {
    dimension_values: Vec<Cell>,
    metric_values: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    #[serde(default)]
    value: String,
}

impl FakeTable {
    /// The rows of a report as `runReport` of Google's API answers it: the body of a recorded answer is the
    /// table that answers the same.
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] when it is no such report, or one of several date ranges, or a cell of a metric
    /// is not a number: it says which.
    pub fn from_json(report: &str) -> Result<Self, Error> {
        let report: Report =
            serde_json::from_str(report).map_err(|e| refused(format!("it is no report: {e}")))?;
        let names = |headers: &[Header]| headers.iter().map(|h| h.name.clone()).collect::<Vec<_>>();
        let (dimensions, metrics) = (names(&report.dimension_headers), names(&report.metric_headers));
        if dimensions.is_empty() && metrics.is_empty() {
            return Err(refused("it has no columns".into()));
        }
        if dimensions.iter().any(|name| name == "dateRange") {
            return Err(refused("it has several date ranges".into()));
        }
        let mut table = empty(dimensions, metrics)?;
        for header in &report.metric_headers {
            let metric_type = header.r#type.as_deref().unwrap_or("TYPE_INTEGER");
            if !METRIC_TYPE.iter().any(|(_, name)| *name == metric_type) {
                return Err(refused(format!("column {} is of the unknown type {metric_type}", header.name)));
            }
            table = table.metric_type(&header.name, metric_type);
        }
        for (number, row) in report.rows.into_iter().enumerate() {
            let texts = |cells: Vec<Cell>| cells.into_iter().map(|cell| cell.value).collect::<Vec<_>>();
            let (dimensions, metrics) = (texts(row.dimension_values), texts(row.metric_values));
            table.push(&format!("row {number}"), dimensions, &metrics)?;
        }
        Ok(table)
    }

    /// The rows of a CSV text (RFC 4180) whose header says what a column is: `country` is a dimension,
    /// `sessions:integer` and `revenue:currency` are metrics, by the names of `MetricType` without `TYPE_`:
    /// `integer`, `float`, `seconds`, `milliseconds`, `minutes`, `hours`, `standard`, `currency`, `feet`,
    /// `miles`, `meters`, `kilometers`. A custom dimension, which has a colon in its name, says so too:
    /// `customEvent:level:dimension`.
    ///
    /// ```
    /// use shortway::testing::FakeTable;
    ///
    /// let rows = "date,country,sessions:integer\n20260101,Italy,12\n20260102,Chile,7\n";
    /// let table = FakeTable::from_csv(rows)?;
    /// # let _ = table;
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Schema`] with the column, and the line if it is not the header.
    pub fn from_csv(text: &str) -> Result<Self, Error> {
        let mut lines = records(text.strip_prefix('\u{feff}').unwrap_or(text))?.into_iter();
        let (_, header) = lines.next().ok_or_else(|| refused("it has no header".into()))?;
        let columns: Vec<Column> = header.iter().map(|name| column(name)).collect::<Result<_, _>>()?;
        let of = |wanted: bool| columns.iter().filter(move |c| c.metric_type.is_some() == wanted);
        let names = |wanted: bool| of(wanted).map(|c| c.name.clone()).collect::<Vec<_>>();
        let mut table = empty(names(false), names(true))?;
        for column in of(true) {
            table = table.metric_type(&column.name, column.metric_type.unwrap_or_default());
        }
        for (line, cells) in lines {
            let place = format!("line {line}");
            if cells.len() != columns.len() {
                let (found, wanted) = (cells.len(), columns.len());
                return Err(refused(format!("{place} has {found} cells, and the header has {wanted}")));
            }
            let (metrics, dimensions): (Vec<_>, Vec<_>) =
                cells.into_iter().zip(&columns).partition(|(_, column)| column.metric_type.is_some());
            let texts =
                |cells: Vec<(String, &Column)>| cells.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
            table.push(&place, texts(dimensions), &texts(metrics))?;
        }
        Ok(table)
    }

    /// Adds a row whose metrics are texts.
    fn push(&mut self, place: &str, dimensions: Vec<String>, metrics: &[String]) -> Result<(), Error> {
        if (dimensions.len(), metrics.len()) != (self.dimensions.len(), self.metrics.len()) {
            return Err(refused(format!("{place} has not one cell for each column")));
        }
        let mut numbers = Vec::new();
        for (name, text) in self.metrics.iter().zip(metrics) {
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            numbers
                .push(number.ok_or_else(|| refused(format!("{place}, column {name}: {text} is no number")))?);
        }
        self.rows.push((dimensions, numbers));
        Ok(())
    }
}

struct Column {
    name: String,
    /// `None` for a dimension.
    metric_type: Option<&'static str>,
}

fn column(header: &str) -> Result<Column, Error> {
    let Some((name, what)) = header.rsplit_once(':') else {
        return match header {
            "" => Err(refused("a column has no name".into())),
            name => Ok(Column { name: name.into(), metric_type: None }),
        };
    };
    let wanted = format!("TYPE_{}", what.to_ascii_uppercase());
    let known = METRIC_TYPE.iter().find(|(_, name)| *name == wanted).map(|(_, name)| *name);
    if name.is_empty() || known.is_none() && what != "dimension" {
        return Err(refused(format!(
            "column {header}: {what} is no type; a metric has one such as integer or float, a dimension has none"
        )));
    }
    Ok(Column { name: name.into(), metric_type: known })
}

/// A table with these columns, no two of the same name.
fn empty(dimensions: Vec<String>, metrics: Vec<String>) -> Result<FakeTable, Error> {
    let names: Vec<&String> = dimensions.iter().chain(&metrics).collect();
    if let Some(name) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
        return Err(refused(format!("column {name} is there twice")));
    }
    Ok(FakeTable::new(dimensions, metrics))
}

/// The records of a CSV text, each with the line that it begins on; empty lines are skipped.
fn records(text: &str) -> Result<Vec<(usize, Vec<String>)>, Error> {
    let (mut records, mut record, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut start, mut quoted) = (1, 1, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        line += usize::from(letter == '\n');
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted || cell.is_empty() => quoted = !quoted,
            letter if quoted => cell.push(letter),
            ',' => record.push(std::mem::take(&mut cell)),
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' => {
                record.push(std::mem::take(&mut cell));
                let full = std::mem::take(&mut record);
                if full != [""] {
                    records.push((start, full));
                }
                start = line;
            }
            letter => cell.push(letter),
        }
    }
    if quoted {
        return Err(refused(format!("line {start}: a quote is not closed")));
    }
    if !cell.is_empty() || !record.is_empty() {
        record.push(cell);
        records.push((start, record));
    }
    Ok(records)
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::Schema, scrub(&format!("the rows of a fake property cannot be read: {why}")))
}
