//! The columns of a pivot report: for each pivot the values that they stand for.

use crate::analytics::table::{self, Table};
use crate::analytics::wire::Fill;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// One for each pivot, in the order of the request.
pub(super) type PivotHeaders = Vec<PivotHeader>;

/// How many pivots an answer may have: 16. Google allows as many as dimensions, 9.
const MAX_PIVOTS: usize = 16;

/// The groups of columns of one pivot: each is a value for each of the pivot's dimensions.
#[derive(Clone, Default)]
pub(in crate::analytics) struct PivotHeader {
    pub(in crate::analytics) groups: Table,
    /// How many groups there are in all, those that the pivot's limit cut off included.
    pub(in crate::analytics) row_count: i64,
}

/// Reads the headers of all pivots, of an answer of so many bytes.
pub(super) struct ReadHeaders<'h> {
    pub(super) headers: &'h mut PivotHeaders,
    pub(super) size: usize,
}

impl<'de> DeserializeSeed<'de> for ReadHeaders<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadHeaders<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of pivot headers")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(header) = items.next_element_seed(ReadHeader { size: self.size })? {
            if self.headers.len() >= MAX_PIVOTS {
                return Err(A::Error::custom(format!("it has more than {MAX_PIVOTS} pivots")));
            }
            self.headers.push(header);
        }
        Ok(())
    }
}

struct ReadHeader {
    size: usize,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    PivotDimensionHeaders,
    RowCount,
    #[serde(other)]
    Unknown,
}

impl<'de> DeserializeSeed<'de> for ReadHeader {
    type Value = PivotHeader;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<PivotHeader, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadHeader {
    type Value = PivotHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pivot header")
    }

    fn visit_unit<E>(self) -> Result<PivotHeader, E> {
        Ok(PivotHeader::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PivotHeader, A::Error> {
        let mut header = PivotHeader::default();
        while let Some(key) = map.next_key()? {
            match key {
                Key::PivotDimensionHeaders if header.groups.rows() > 0 => {
                    return Err(A::Error::custom("a pivot has its headers twice"));
                }
                Key::PivotDimensionHeaders => {
                    let table = &mut header.groups;
                    map.next_value_seed(table::Rows { table, size: self.size, sparse: false })?;
                }
                Key::RowCount => map.next_value_seed(Fill(&mut header.row_count))?,
                Key::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(header)
    }
}
