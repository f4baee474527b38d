//! Rows as one text and the places where its cells end.
//!
//! In: the `rows` array of a report, straight from the JSON. Out: `&str` cells by row and column. A quarter of a
//! million rows cost a handful of allocations instead of millions.

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Write};

/// Rows of equal width: dimensions first, then metrics.
#[derive(Default)]
pub(super) struct Table {
    text: String,
    /// Where each cell ends in `text`, row by row.
    ends: Vec<u32>,
    /// How many dimensions and metrics the first row has; every other row has the same.
    shape: Option<(usize, usize)>,
    rows: usize,
}

impl Table {
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Dimensions and metrics of each row, if there is a row.
    pub(super) fn shape(&self) -> Option<(usize, usize)> {
        self.shape
    }

    /// The text of a cell; `None` past the edges.
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let (dimensions, metrics) = self.shape?;
        let width = dimensions + metrics;
        if row >= self.rows || column >= width {
            return None;
        }
        let index = row * width + column;
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? as usize };
        self.text.get(start..*self.ends.get(index)? as usize)
    }

    fn end_cell<E: Error>(&mut self) -> Result<(), E> {
        // The default cap on a body is far below; a caller may raise it.
        let end = u32::try_from(self.text.len())
            .map_err(|_| E::custom("the report holds more than 4 GiB of text"))?;
        self.ends.push(end);
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Table {
    /// From an array of rows, or null.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = Self::default();
        deserializer.deserialize_option(Rows(&mut table))?;
        Ok(table)
    }
}

struct Rows<'t>(&'t mut Table);

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while rows.next_element_seed(Row(self.0))?.is_some() {}
        Ok(())
    }
}

/// One row: `{"dimensionValues": [cell…], "metricValues": [cell…]}`, either absent when empty.
struct Row<'t>(&'t mut Table);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RowKey {
    DimensionValues,
    MetricValues,
    #[serde(other)]
    Unknown,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row with dimensionValues and metricValues")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let table = self.0;
        let first = table.ends.len();
        let (mut dimensions, mut metrics) = (None, None);
        while let Some(key) = map.next_key()? {
            match key {
                RowKey::DimensionValues if dimensions.is_none() => {
                    // Cells are kept in the order of the columns, whatever the order of the keys.
                    let behind = metrics.is_some().then(|| Aside::take(table, first));
                    dimensions = Some(map.next_value_seed(Cells { table, numbers: false })?);
                    if let Some(aside) = behind {
                        aside.put_back(table);
                    }
                }
                RowKey::MetricValues if metrics.is_none() => {
                    metrics = Some(map.next_value_seed(Cells { table, numbers: true })?);
                }
                RowKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => return Err(A::Error::custom(format!("row {} has its values twice", table.rows))),
            }
        }
        let shape = (dimensions.unwrap_or(0), metrics.unwrap_or(0));
        if *table.shape.get_or_insert(shape) != shape {
            return Err(A::Error::custom(format!(
                "row {} has another number of values than row 0",
                table.rows
            )));
        }
        table.rows += 1;
        Ok(())
    }
}

/// Metric cells that came before their row's dimensions, set aside.
struct Aside {
    text: String,
    lengths: Vec<u32>,
}

impl Aside {
    fn take(table: &mut Table, first: usize) -> Self {
        let start = if first == 0 { 0 } else { table.ends[first - 1] };
        let text = table.text.split_off(start as usize);
        let ends = table.ends.split_off(first);
        let lengths =
            ends.iter().scan(start, |last, end| Some(end - std::mem::replace(last, *end))).collect();
        Self { text, lengths }
    }

    fn put_back(self, table: &mut Table) {
        let mut end = table.ends.last().copied().unwrap_or(0);
        table.text.push_str(&self.text);
        for length in self.lengths {
            end += length;
            table.ends.push(end);
        }
    }
}

/// An array of cells; gives how many.
struct Cells<'t> {
    table: &'t mut Table,
    /// Whether the cells are metrics, which must have a value.
    numbers: bool,
}

impl<'de> DeserializeSeed<'de> for Cells<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cells<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while let Some(has_value) = cells.next_element_seed(Cell(&mut *self.table))? {
            if self.numbers && !has_value {
                return Err(A::Error::custom(format!(
                    "row {} has a metric without a value",
                    self.table.rows
                )));
            }
            self.table.end_cell()?;
            count += 1;
        }
        Ok(count)
    }
}

/// One cell, `{"value": "…"}` or `{}`; gives whether it had a value.
struct Cell<'t>(&'t mut Table);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum CellKey {
    Value,
    #[serde(other)]
    Unknown,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut has_value = false;
        while let Some(key) = map.next_key()? {
            match key {
                CellKey::Value if has_value => return Err(A::Error::duplicate_field("value")),
                CellKey::Value => {
                    map.next_value_seed(Text(&mut self.0.text))?;
                    has_value = true;
                }
                CellKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(has_value)
    }
}

/// A text, appended where it belongs. Numbers are taken as they would be written.
struct Text<'t>(&'t mut String);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        write!(self.0, "{number}").map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        write!(self.0, "{number}").map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        write!(self.0, "{number}").map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(json: &str) -> Result<Table, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn cells_stand_by_column_whatever_the_order_of_keys() {
        let table = table(
            r#"[{"dimensionValues":[{"value":"a"},{"value":""}],"metricValues":[{"value":"1"}]},
                {"metricValues":[{"value":"22"}],"new":[1],"dimensionValues":[{"value":"bb"},{}]}]"#,
        )
        .expect("two rows");
        assert_eq!((table.rows(), table.shape()), (2, Some((2, 1))));
        let cells: Vec<_> =
            (0..2).flat_map(|r| (0..3).map(move |c| (r, c))).map(|(r, c)| table.cell(r, c)).collect();
        assert_eq!(cells, [Some("a"), Some(""), Some("1"), Some("bb"), Some(""), Some("22")]);
        assert_eq!((table.cell(2, 0), table.cell(0, 3)), (None, None));
    }

    #[test]
    fn rows_that_do_not_add_up_are_refused() {
        for (json, message) in [
            (r#"[{"metricValues":[{}]}]"#, "row 0 has a metric without a value"),
            (r#"[{"metricValues":[{"value":"1"}]},{}]"#, "row 1 has another number of values than row 0"),
            (r#"[{"metricValues":[],"metricValues":[]}]"#, "row 0 has its values twice"),
            (r#"[{"metricValues":[{"value":"1","value":"2"}]}]"#, "duplicate field `value`"),
            (
                r#"[{"metricValues":[{"value":true}]}]"#,
                "invalid type: boolean `true`, expected a text or a number",
            ),
            (r#"{}"#, "invalid type: map, expected an array of rows"),
        ] {
            let error = table(json).err().expect(json).to_string();
            assert!(error.starts_with(message), "{json}: {error}");
        }
    }

    #[test]
    fn numbers_and_null_are_taken() {
        let numbers =
            table(r#"[{"metricValues":[{"value":7},{"value":-1},{"value":0.5}]}]"#).expect("numbers");
        assert_eq!([0, 1, 2].map(|c| numbers.cell(0, c)), [Some("7"), Some("-1"), Some("0.5")]);
        assert_eq!(table("null").expect("null is no rows").rows(), 0);
    }
}
