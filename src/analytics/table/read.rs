//! Reads the rows of an answer into a table, cell by cell, without a tree in between.

use super::{MAX_COLUMNS, Table};
use crate::analytics::wire::NUMBER;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// The longest cell: 64 KiB. Google cuts the values of dimensions at a thousand characters and less.
pub(super) const MAX_CELL: usize = 64 << 10;

/// The largest block: 64 MiB, so that 32 bits hold where a row begins, also where a caller raises the cap on
/// answers.
pub(super) const MAX_BLOCK: usize = 64 << 20;

/// Reads an array of rows, or null, into a table.
pub(in crate::analytics) struct Rows<'t> {
    pub(in crate::analytics) table: &'t mut Table,
    /// The size of the answer in bytes.
    pub(in crate::analytics) size: usize,
    /// Whether a row may be an empty object, which is left out: an aggregate over no rows.
    pub(in crate::analytics) sparse: bool,
}

impl<'de> DeserializeSeed<'de> for Rows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let (table, most) = (self.table, (self.size / 64).min(MAX_BLOCK));
        while let Some(shape) = rows.next_element_seed(Row { table: &mut *table, most })? {
            if self.sparse && shape == (0, 0) {
                continue;
            }
            if *table.shape.get_or_insert(shape) != shape {
                return Err(A::Error::custom(format!(
                    "row {} has another number of values than row 0",
                    table.rows
                )));
            }
            table.end_row();
        }
        Ok(())
    }
}

/// One row, `{"dimensionValues": [cell…], "metricValues": [cell…]}`, either absent when empty; gives how many
/// of both.
struct Row<'t> {
    table: &'t mut Table,
    most: usize,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum RowKey {
    DimensionValues,
    MetricValues,
    #[serde(other)]
    Unknown,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = (usize, usize);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = (usize, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row with dimensionValues and metricValues")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok((0, 0))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { table, most } = self;
        let (mut dimensions, mut metrics) = (None, None);
        while let Some(key) = map.next_key()? {
            let values = match key {
                RowKey::DimensionValues => &mut dimensions,
                RowKey::MetricValues => &mut metrics,
                RowKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if values.is_some() {
                return Err(A::Error::custom(format!("row {} has its values twice", table.rows)));
            }
            // Cells are kept in the order of the columns, whatever the order of the keys: metrics step aside.
            let aside = match (&key, metrics) {
                (RowKey::DimensionValues, Some(_)) => {
                    let block = table.room(0, most);
                    let cells = block.text[block.begun..].to_owned();
                    block.text.truncate(block.begun);
                    cells
                }
                _ => String::new(),
            };
            let count = Some(map.next_value_seed(Values { table: &mut *table, most })?);
            match key {
                RowKey::DimensionValues => dimensions = count,
                _ => metrics = count,
            }
            if !aside.is_empty() {
                table.room(aside.len(), most).text.push_str(&aside);
            }
        }
        Ok((dimensions.unwrap_or(0), metrics.unwrap_or(0)))
    }
}

/// An array of cells, or null; gives how many.
struct Values<'t> {
    table: &'t mut Table,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of values")
    }

    fn visit_unit<E>(self) -> Result<usize, E> {
        Ok(0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<usize, A::Error> {
        let mut count = 0;
        while values.next_element_seed(Cell { table: &mut *self.table, most: self.most })?.is_some() {
            count += 1;
            if count > MAX_COLUMNS {
                return Err(A::Error::custom(format!(
                    "row {} has more than {MAX_COLUMNS} values",
                    self.table.rows
                )));
            }
        }
        Ok(count)
    }
}

/// One cell, `{"value": "…"}`; one without a value, or null, is empty.
struct Cell<'t> {
    table: &'t mut Table,
    most: usize,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum CellKey {
    Value,
    #[serde(other)]
    Unknown,
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.table.push_cell("", self.most);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut has_value = false;
        while let Some(key) = map.next_key()? {
            match key {
                CellKey::Value if has_value => return Err(A::Error::duplicate_field("value")),
                CellKey::Value => {
                    map.next_value_seed(Text { table: &mut *self.table, most: self.most })?;
                    has_value = true;
                }
                CellKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !has_value {
            self.table.push_cell("", self.most);
        }
        Ok(())
    }
}

/// The text of a cell, or null. A JSON number is taken where its text is certain: a whole number of 64 bits.
/// Any other has been rounded by the time that it is seen, so it is refused; Google sends text.
struct Text<'t> {
    table: &'t mut Table,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number of 64 bits")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.table.push_cell("", self.most);
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if text.len() > MAX_CELL {
            return Err(E::custom(format!("row {} has a cell of more than 64 KiB", self.table.rows)));
        }
        self.table.push_cell(text, self.most);
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    /// With the feature `arbitrary_precision` of `serde_json` any number comes as its text.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        match map.next_entry::<String, String>()? {
            Some((key, number)) if key == NUMBER => self.visit_str(&number),
            _ => Err(A::Error::custom(format!("row {} has an object for a value", self.table.rows))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, sparse: bool) -> Result<Table, serde_json::Error> {
        let mut table = Table::default();
        let mut json = serde_json::Deserializer::from_str(json);
        Rows { table: &mut table, size: 0, sparse }.deserialize(&mut json)?;
        json.end().map(|()| table)
    }

    fn rows(table: &Table) -> Vec<Vec<&str>> {
        (0..table.rows()).map(|row| table.row(row).collect()).collect()
    }

    #[test]
    fn cells_stand_by_column_whatever_the_order_of_keys() {
        let table = read(
            r#"[{"dimensionValues":[{"value":"a"},{"value":""}],"metricValues":[{"value":"1"}]},
                {"metricValues":[{"value":"22"}],"new":[1],"dimensionValues":[{"value":"bb"},{}]}]"#,
            false,
        )
        .expect("two rows");
        assert_eq!((table.rows(), table.shape()), (2, Some((2, 1))));
        assert_eq!(rows(&table), [["a", "", "1"], ["bb", "", "22"]]);
        assert_eq!((table.cell(2, 0), table.cell(0, 3)), (None, None));
    }

    #[test]
    fn rows_of_every_length_are_kept_over_many_blocks() {
        let texts: Vec<String> = (0..400).map(|n| "é".repeat(n * n % 1777)).collect();
        for metrics_first in [false, true] {
            let row = |text: &String| {
                let dimensions = format!(r#""dimensionValues":[{{"value":"{text}"}},{{}}]"#);
                let metrics = r#""metricValues":[{"value":"7"}]"#;
                match metrics_first {
                    true => format!("{{{metrics},{dimensions}}}"),
                    false => format!("{{{dimensions},{metrics}}}"),
                }
            };
            let json = format!("[{}]", texts.iter().map(row).collect::<Vec<_>>().join(","));
            let table = read(&json, false).expect("rows");
            assert!(table.blocks.len() > 10, "{} blocks", table.blocks.len());
            let want: Vec<Vec<&str>> = texts.iter().map(|text| vec![text.as_str(), "", "7"]).collect();
            assert!(rows(&table) == want, "some row differs");
        }
    }

    #[test]
    fn rows_that_do_not_add_up_are_refused() {
        let wide = format!(r#"[{{"metricValues":[{}]}}]"#, vec!["{}"; 201].join(","));
        let long = format!(r#"[{{"metricValues":[{{"value":"{}"}}]}}]"#, "x".repeat(MAX_CELL + 1));
        for (json, message) in [
            (r#"[{"metricValues":[{"value":"1"}]},{}]"#, "row 1 has another number of values than row 0"),
            (r#"[{"metricValues":[],"metricValues":[]}]"#, "row 0 has its values twice"),
            (r#"[{"metricValues":[{"value":"1","value":"2"}]}]"#, "duplicate field `value`"),
            (
                r#"[{"metricValues":[{"value":true}]}]"#,
                "invalid type: boolean `true`, expected a text or a whole number of 64 bits",
            ),
            (r#"[{"metricValues":[{"value":{}}]}]"#, "row 0 has an object for a value"),
            (r#"{}"#, "invalid type: map, expected an array of rows"),
            (&wide, "row 0 has more than 200 values"),
            (&long, "row 0 has a cell of more than 64 KiB"),
        ] {
            let error = read(json, false).err().expect(json).to_string();
            assert!(error.starts_with(message), "{json}: {error}");
        }
    }

    #[test]
    fn number_is_taken_only_where_its_text_is_certain() {
        let json = r#"[{"metricValues":[{"value":18446744073709551615},{"value":-9223372036854775808},
                       {"value":{"$serde_json::private::Number":"0.10"}}]}]"#;
        let table = read(json, false).expect("numbers");
        assert_eq!(rows(&table), [["18446744073709551615", "-9223372036854775808", "0.10"]]);
        for number in ["9007199254740993.0", "123456789012345678901234567890", "1e3", "0.5", "-0"] {
            let json = format!(r#"[{{"metricValues":[{{"value":{number}}}]}}]"#);
            let error = read(&json, false).err().expect(number).to_string();
            assert!(error.contains("expected a text or a whole number of 64 bits"), "{number}: {error}");
        }
    }

    #[test]
    fn null_is_the_default_everywhere() {
        assert_eq!(read("null", false).expect("no rows").rows(), 0);
        let table = read(
            r#"[{"dimensionValues":[null,{"value":null},{}],"metricValues":null},
                {"dimensionValues":[{},{"value":"x"},{}]}]"#,
            false,
        )
        .expect("two rows");
        assert_eq!(rows(&table), [["", "", ""], ["", "x", ""]]);
        let none = read("[{},null]", false).expect("two rows without columns");
        assert_eq!((none.rows(), none.shape(), none.row(0).count()), (2, Some((0, 0)), 0));
    }

    #[test]
    fn empty_aggregate_is_left_out() {
        let table = read(r#"[{},{"metricValues":[{"value":"1"}]},null]"#, true).expect("one row");
        assert_eq!((table.rows(), table.shape()), (1, Some((0, 1))));
        assert_eq!(rows(&table), [["1"]]);
        assert_eq!(read("[{}]", true).expect("none").shape(), None);
    }
}
