//! The rows of an audience export: texts only.

use super::write;
use crate::analytics::answer::{Column, ColumnKind};
use crate::analytics::document;
use crate::analytics::table::{self, Table};
use crate::analytics::wire::{Fill, Part};
use crate::error::Error;
use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::fmt;

/// What the answer shall be, for errors.
const WHAT: &str = "answer to a query of an audience export";

/// The rows and how many there are in all.
#[derive(Clone, Default)]
pub(in crate::analytics) struct AudienceBody {
    pub(in crate::analytics) columns: Vec<Column>,
    pub(in crate::analytics) rows: Table,
    pub(in crate::analytics) row_count: Option<i64>,
}

impl AudienceBody {
    /// Reads a body; the export in it goes to `export`.
    pub(in crate::analytics) fn read(body: &[u8], export: &mut dyn Part) -> Result<Self, Error> {
        let text = document::text(body, WHAT)?;
        let mut found = Self::default();
        let mut json = serde_json::Deserializer::from_str(text);
        let reader = Reader { found: &mut found, export, size: body.len() };
        json.deserialize_map(reader).and_then(|()| json.end()).map_err(|e| document::no_json(WHAT, &e))?;
        Ok(found)
    }

    /// Gives the columns their names; where Google sends none they are numbered.
    pub(in crate::analytics) fn name_columns<'n>(
        &mut self,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<(), Error> {
        let column = |name: &str| Column { name: name.to_owned(), kind: ColumnKind::Dimension };
        self.columns = names.map(column).collect();
        let Some((width, metrics)) = self.rows.shape() else { return Ok(()) };
        if self.columns.is_empty() {
            self.columns = (0..width).map(|index| column(&index.to_string())).collect();
        }
        if (width, metrics) != (self.columns.len(), 0) {
            return Err(document::schema(WHAT, "its rows and its export have different numbers of columns"));
        }
        Ok(())
    }

    /// Writes Google's JSON.
    pub(in crate::analytics) fn write<S: Serializer>(
        &self,
        export: &Option<impl Serialize>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(export) = export {
            map.serialize_entry("audienceExport", export)?;
        }
        write::rows(&mut map, "audienceRows", &self.rows)?;
        if let Some(count) = self.row_count {
            map.serialize_entry("rowCount", &count)?;
        }
        map.end()
    }
}

struct Reader<'f> {
    found: &'f mut AudienceBody,
    export: &'f mut dyn Part,
    size: usize,
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rows of an audience export")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "audienceExport" => map.next_value_seed(Fill(&mut *self.export))?,
                "rowCount" => map.next_value_seed(Fill(&mut self.found.row_count))?,
                "audienceRows" => {
                    let table = &mut self.found.rows;
                    if table.rows() > 0 {
                        return Err(A::Error::custom("it has rows twice"));
                    }
                    map.next_value_seed(table::Rows { table, size: self.size, sparse: false })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}
