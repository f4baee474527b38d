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
    /// Whether they are aggregates: over no rows one may be an empty object, which is no row, or have metrics
    /// without a value.
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
        while let Some(shape) =
            rows.next_element_seed(Row { table: &mut *table, most, sparse: self.sparse })?
        {
            if self.sparse && shape == (0, 0) {
                table.push_empty();
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
    sparse: bool,
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
        let Self { table, most, sparse } = self;
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
            let unset = sparse || matches!(key, RowKey::DimensionValues);
            let count = Some(map.next_value_seed(Values { table: &mut *table, most, unset })?);
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
    /// Whether a cell may be without a value.
    unset: bool,
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
        let Self { table, most, unset } = self;
        while let Some(has_value) = values.next_element_seed(Cell { table: &mut *table, most })? {
            if !has_value && !unset {
                return Err(A::Error::custom(format!("row {} has a metric without a value", table.rows)));
            }
            count += 1;
            if count > MAX_COLUMNS {
                return Err(A::Error::custom(format!(
                    "row {} has more than {MAX_COLUMNS} values",
                    table.rows
                )));
            }
        }
        Ok(count)
    }
}

/// One cell, `{"value": "…"}`; gives whether it has a value: null has none.
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
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a value")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.table.push_unset(self.most);
        Ok(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut value = None;
        while let Some(key) = map.next_key()? {
            match key {
                CellKey::Value if value.is_some() => return Err(A::Error::duplicate_field("value")),
                CellKey::Value => {
                    value = Some(map.next_value_seed(Text { table: &mut *self.table, most: self.most })?);
                }
                CellKey::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if value.is_none() {
            self.table.push_unset(self.most);
        }
        Ok(value.unwrap_or(false))
    }
}

/// The text of a cell, or null; gives whether it is a text. A JSON number is taken where its text is certain: a whole number of 64 bits.
/// Any other has been rounded by the time that it is seen, so it is refused; Google sends text.
struct Text<'t> {
    table: &'t mut Table,
    most: usize,
}

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number of 64 bits")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        self.table.push_unset(self.most);
        Ok(false)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        if text.len() > MAX_CELL {
            return Err(E::custom(format!("row {} has a cell of more than 64 KiB", self.table.rows)));
        }
        self.table.push_cell(text, self.most);
        Ok(true)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        self.visit_str(&number.to_string())
    }

    /// With the feature `arbitrary_precision` of `serde_json` any number comes as its text.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((key, number)) if key == NUMBER => self.visit_str(&number),
            _ => Err(A::Error::custom(format!("row {} has an object for a value", self.table.rows))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::table::MAX_EMPTY;

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
        let wide = format!(r#"[{{"metricValues":[{}]}}]"#, vec![r#"{"value":"1"}"#; 201].join(","));
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
            (r#"[{"metricValues":[{}]}]"#, "row 0 has a metric without a value"),
            (r#"[{"metricValues":[null]}]"#, "row 0 has a metric without a value"),
            (r#"[{"metricValues":[{"value":null}]}]"#, "row 0 has a metric without a value"),
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
    fn cell_without_a_value_is_empty_and_told_apart() {
        let table =
            read(r#"[{"dimensionValues":[null,{},{"value":null},{"value":""},{"value":"a"}]}]"#, false);
        let table = table.expect("one row");
        assert_eq!(rows(&table), [["", "", "", "", "a"]]);
        let values: Vec<_> = table.row(0).values().collect();
        assert_eq!(values, [None, None, None, Some(""), Some("a")]);
        let total = read(r#"[{"metricValues":[{},{"value":"1"}]}]"#, true).expect("an aggregate");
        assert_eq!(total.row(0).values().collect::<Vec<_>>(), [None, Some("1")]);
    }

    #[test]
    fn empty_aggregate_is_no_row() {
        let table = read(r#"[{},{"metricValues":[{"value":"1"}]},null]"#, true).expect("one row");
        assert_eq!((table.rows(), table.shape()), (1, Some((0, 1))));
        assert_eq!((rows(&table), table.empty()), (vec![vec!["1"]], &[(0, 1), (1, 1)][..]));
        let none = read("[{},{},{}]", true).expect("none");
        assert_eq!((none.shape(), none.empty(), none.is_empty()), (None, &[(0, 3)][..], false));
        let many = format!("[{}]", vec![r#"{"metricValues":[{"value":"1"}]},{}"#; 5000].join(","));
        let many = read(&many, true).expect("aggregates");
        assert_eq!((many.rows(), many.empty().len()), (5000, MAX_EMPTY));
    }
}
