//! Rows as the caller's own types, by serde, and rows without a type, cell by cell.
//!
//! In: a table, its columns, a type. Out: one value per row. The type says what a cell is: text is borrowed
//! as it is, numbers and dates are parsed, and an `Option` of those takes Google's placeholders for `None`.

mod cell;
mod misfit;
mod number;
mod plain;
mod row;

use super::answer::Column;
use super::table::{Table, Walk};
use crate::error::Error;
use cell::Cell;
use misfit::Misfit;
pub use plain::{InRow, Row};
use row::{ColumnSet, RowReader};
use serde::Deserialize;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

/// The rows of a report as values of `T`: see [`Report::rows`](crate::analytics::Report::rows).
pub struct Rows<'r, T> {
    columns: &'r [Column],
    rows: Walk<'r>,
    next: usize,
    /// Columns whose placeholders `T` does not take as they are: they are read as `None`, where `T` has an
    /// `Option`.
    optional: ColumnSet,
    values: PhantomData<fn() -> T>,
}

impl<'r, T> Rows<'r, T> {
    pub(super) fn new(columns: &'r [Column], table: &'r Table) -> Self {
        Self { columns, rows: table.walk(), next: 0, optional: ColumnSet::default(), values: PhantomData }
    }
}

impl<'r, T: Deserialize<'r>> Iterator for Rows<'r, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let cells = self.rows.next()?;
        let row = self.next;
        self.next += 1;
        loop {
            let cells = cells.clone();
            match T::deserialize(RowReader { columns: self.columns, cells, optional: &self.optional }) {
                Ok(value) => return Some(Ok(value)),
                // What an Option holds shows only when it is read: the row is read once more, this cell as
                // None.
                Err(misfit) if misfit.placeholder && self.optional.add(misfit.column) => {}
                Err(misfit) => return Some(Err(misfit.into_error(Some(row), self.columns))),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl<'r, T: Deserialize<'r>> ExactSizeIterator for Rows<'r, T> {}
impl<'r, T: Deserialize<'r>> FusedIterator for Rows<'r, T> {}

impl<T> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("next", &self.next)
            .field("left", &self.rows.len())
            .finish_non_exhaustive()
    }
}

/// One cell as a value of `T`.
pub(super) fn cell<'r, T: Deserialize<'r>>(
    columns: &'r [Column],
    table: &'r Table,
    row: usize,
    column: usize,
) -> Result<T, Error> {
    let cell = Cell::new(columns, column, table.cell(row, column).unwrap_or_default());
    read_cell(&cell).map_err(|misfit| misfit.into_error(None, columns))
}

fn read_cell<'r, T: Deserialize<'r>>(cell: &Cell<'r>) -> Result<T, Misfit> {
    let read = T::deserialize(cell).or_else(|misfit| match cell.is_placeholder() {
        true => T::deserialize(&Cell { none: true, ..*cell }),
        false => Err(misfit),
    });
    read.map_err(|mut misfit| {
        misfit.column = Some(cell.column);
        misfit
    })
}

/// A value for a cell that is not there: `None`, if `T` has one.
pub(super) fn absent<'r, T: Deserialize<'r>>() -> Result<T, Error> {
    T::deserialize(&Cell { none: true, ..Cell::new(&[], 0, "") })
        .map_err(|misfit| misfit.into_error(None, &[]))
}
