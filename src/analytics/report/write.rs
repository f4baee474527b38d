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

/// Writes a table of rows as it was read, if it has any.
pub(super) fn rows<M: SerializeMap>(map: &mut M, key: &str, table: &Table) -> Result<(), M::Error> {
    if table.is_empty() { Ok(()) } else { map.serialize_entry(key, &Rows(table)) }
}

/// The rows of a table.
pub(super) struct Rows<'t>(pub(super) &'t Table);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Empty objects stand before the row that they came before.
        let mut empty = self.0.empty().iter().peekable();
        let rows = (0..=self.0.rows()).flat_map(|row| {
            let before = empty.next_if(|(at, _)| *at == row).map_or(0, |(_, count)| *count);
            let row = (row < self.0.rows()).then_some(Row { table: self.0, row: Some(row) });
            std::iter::repeat_n(Row { table: self.0, row: None }, before).chain(row)
        });
        serializer.collect_seq(rows)
    }
}

#[derive(Clone)]
struct Row<'t> {
    table: &'t Table,
    /// Without one it is an empty object.
    row: Option<usize>,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let Some(row) = self.row else { return map.end() };
        let (dimensions, metrics) = self.table.shape().unwrap_or_default();
        for (key, from, count) in [("dimensionValues", 0, dimensions), ("metricValues", dimensions, metrics)]
        {
            if count > 0 {
                map.serialize_entry(key, &Cells { table: self.table, row, from, count })?;
            }
        }
        map.end()
    }
}

struct Cells<'t> {
    table: &'t Table,
    row: usize,
    from: usize,
    count: usize,
}

#[derive(Serialize)]
struct Cell<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'t str>,
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cells = self.table.row(self.row).values().skip(self.from).take(self.count);
        serializer.collect_seq(cells.map(|value| Cell { value }))
    }
}
