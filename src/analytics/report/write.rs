//! A report as the JSON that Google would send.

use crate::analytics::answer::{Column, ColumnKind, Header};
use crate::analytics::table::Table;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Writes the headers of these columns, those of dimensions first.
pub(super) fn headers<M: SerializeMap>(map: &mut M, columns: &[Column]) -> Result<(), M::Error> {
    let (dimensions, metrics): (Vec<&Column>, Vec<&Column>) =
        columns.iter().partition(|column| matches!(column.kind, ColumnKind::Dimension));
    for (key, columns) in [("dimensionHeaders", dimensions), ("metricHeaders", metrics)] {
        if !columns.is_empty() {
            let headers: Vec<Header> = columns.into_iter().map(Header::of).collect();
            map.serialize_entry(key, &headers)?;
        }
    }
    Ok(())
}

/// Writes a table of rows, if it has any.
pub(super) fn rows<M: SerializeMap>(map: &mut M, key: &str, table: &Table) -> Result<(), M::Error> {
    if table.rows() > 0 { map.serialize_entry(key, &Rows(table)) } else { Ok(()) }
}

/// The rows of a table.
pub(super) struct Rows<'t>(pub(super) &'t Table);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.0.rows()).map(|row| Row { table: self.0, row }))
    }
}

struct Row<'t> {
    table: &'t Table,
    row: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (dimensions, metrics) = self.table.shape().unwrap_or_default();
        let mut map = serializer.serialize_map(None)?;
        for (key, from, count) in [("dimensionValues", 0, dimensions), ("metricValues", dimensions, metrics)]
        {
            if count > 0 {
                map.serialize_entry(key, &Cells { row: self, from, count })?;
            }
        }
        map.end()
    }
}

struct Cells<'r> {
    row: &'r Row<'r>,
    from: usize,
    count: usize,
}

#[derive(Serialize)]
struct Cell<'t> {
    value: &'t str,
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.row.table.row(self.row.row).skip(self.from).take(self.count);
        serializer.collect_seq(cells.map(|value| Cell { value }))
    }
}
