//! One row, as a map of names to cells or as a sequence of cells.

use super::cell::Cell;
use super::misfit::Misfit;
use crate::analytics::answer::Column;
use crate::analytics::table::Cells;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// One row, read as a map of names to cells or as a sequence of cells.
pub(super) struct RowReader<'r, 'o> {
    pub(super) columns: &'r [Column],
    pub(super) cells: Cells<'r>,
    /// Columns whose placeholders are `None`.
    pub(super) optional: &'o ColumnSet,
}

impl<'r> Deserializer<'r> for RowReader<'r, '_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Walk::new(self))
    }

    fn deserialize_struct<V: Visitor<'r>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_seq(Walk::new(self))
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, len: usize, visitor: V) -> Result<V::Value, Misfit> {
        if len != self.columns.len() {
            return Err(de::Error::custom(format_args!(
                "a row of {} columns does not fit a tuple of {len}",
                self.columns.len()
            )));
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'r>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'r>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct enum identifier ignored_any
    }
}

/// Goes through the cells of a row.
struct Walk<'r, 'o> {
    /// The cells behind this one.
    cells: Cells<'r>,
    optional: &'o ColumnSet,
    /// The next cell; its text is read with its value.
    cell: Cell<'r>,
}

impl<'r, 'o> Walk<'r, 'o> {
    #[inline(always)]
    fn new(row: RowReader<'r, 'o>) -> Self {
        Self { cells: row.cells, optional: row.optional, cell: Cell::new(row.columns, 0, "") }
    }

    #[inline]
    fn left(&self) -> usize {
        self.cell.columns.len().saturating_sub(self.cell.column)
    }

    #[cold]
    fn place(&self, mut misfit: Misfit) -> Misfit {
        misfit.column = Some(self.cell.column);
        misfit.placeholder = self.cell.is_placeholder();
        misfit
    }
}

impl<'r> MapAccess<'r> for Walk<'r, '_> {
    type Error = Misfit;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        match self.cell.columns.get(self.cell.column) {
            Some(column) => seed.deserialize(BorrowedStrDeserializer::new(&column.name)).map(Some),
            None => Ok(None),
        }
    }

    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'r>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        self.cell.text = self.cells.next().unwrap_or_default();
        self.cell.none = self.optional.has(self.cell.column) && self.cell.is_placeholder();
        let value = seed.deserialize(&self.cell).map_err(|misfit| self.place(misfit));
        self.cell.column += 1;
        value
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left())
    }
}

impl<'r> SeqAccess<'r> for Walk<'r, '_> {
    type Error = Misfit;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.left() == 0 {
            return Ok(None);
        }
        self.next_value_seed(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left())
    }
}

/// Some of the columns of a report: a flag for each up to the last of them.
#[derive(Default)]
pub(super) struct ColumnSet(Vec<bool>);

impl ColumnSet {
    #[inline]
    fn has(&self, column: usize) -> bool {
        self.0.get(column).is_some_and(|is_in| *is_in)
    }

    /// Whether the column was not there and is now.
    pub(super) fn add(&mut self, column: Option<usize>) -> bool {
        let Some(column) = column else { return false };
        self.0.resize(self.0.len().max(column + 1), false);
        !std::mem::replace(&mut self.0[column], true)
    }
}
