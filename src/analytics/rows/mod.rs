//! Rows as the caller's own types, by serde.
//!
//! In: a table, its columns, a type. Out: one value per row. The type says what a cell is: text is lent as it is,
//! numbers and dates are parsed, and an `Option` of those takes Google's placeholders for `None`.

mod cell;
mod row;

use super::answer::{Column, ColumnKind};
use super::table::Table;
use crate::error::{Error, ErrorKind, scrub};
use cell::Cell;
use row::Row;
use serde::Deserialize;
use serde::de;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

/// The rows of a report as values of `T`: see [`Report::rows`](crate::analytics::Report::rows).
pub struct Rows<'r, T> {
    columns: &'r [Column],
    table: &'r Table,
    next: usize,
    /// Columns whose placeholders `T` does not take as they are: they are read as `None`, where `T` has an `Option`.
    optional: ColumnSet,
    values: PhantomData<fn() -> T>,
}

impl<'r, T> Rows<'r, T> {
    pub(super) fn new(columns: &'r [Column], table: &'r Table) -> Self {
        Self { columns, table, next: 0, optional: ColumnSet::default(), values: PhantomData }
    }
}

impl<'r, T: Deserialize<'r>> Iterator for Rows<'r, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.table.rows() {
            return None;
        }
        let row = self.next;
        self.next += 1;
        loop {
            let cells = self.table.row(row);
            match T::deserialize(Row { columns: self.columns, cells, optional: &self.optional }) {
                Ok(value) => return Some(Ok(value)),
                // What an Option holds shows only when it is read: the row is read once more, this cell as None.
                Err(Misfit { column: Some(column), placeholder: true, .. }) if self.optional.add(column) => {}
                Err(misfit) => return Some(Err(misfit.into_error(Some(row), self.columns))),
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.table.rows() - self.next;
        (left, Some(left))
    }
}

impl<'r, T: Deserialize<'r>> ExactSizeIterator for Rows<'r, T> {}
impl<'r, T: Deserialize<'r>> FusedIterator for Rows<'r, T> {}

impl<T> fmt::Debug for Rows<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("next", &self.next)
            .field("of", &self.table.rows())
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
    let text = table.cell(row, column).unwrap_or_default();
    let cell = Cell { text, column, metric: is_metric(columns, column), none: false };
    match T::deserialize(cell) {
        Err(_) if cell.is_placeholder() => T::deserialize(Cell { none: true, ..cell }),
        other => other,
    }
    .map_err(|misfit| misfit.into_error(None, columns))
}

/// A value for a cell that is not there: `None`, if `T` has one.
pub(super) fn absent<'r, T: Deserialize<'r>>() -> Result<T, Error> {
    T::deserialize(Cell { text: "", column: 0, metric: false, none: true })
        .map_err(|misfit| misfit.into_error(None, &[]))
}

fn is_metric(columns: &[Column], column: usize) -> bool {
    columns.get(column).is_some_and(|c| matches!(c.kind, ColumnKind::Metric(_)))
}

/// Some of the columns of a report, which has 200 at most.
#[derive(Clone, Copy, Default)]
struct ColumnSet([u64; 4]);

impl ColumnSet {
    fn has(&self, column: usize) -> bool {
        self.0.get(column / 64).is_some_and(|word| word & (1 << (column % 64)) != 0)
    }

    /// Whether the column was not there and is now.
    fn add(&mut self, column: usize) -> bool {
        let is_new = !self.has(column);
        match self.0.get_mut(column / 64) {
            Some(word) => *word |= 1 << (column % 64),
            None => return false,
        }
        is_new
    }
}

/// Why a row does not fit a type.
#[derive(Debug)]
struct Misfit {
    reason: String,
    column: Option<usize>,
    /// The cell is a placeholder: where the type is an `Option`, it can be read as `None`.
    placeholder: bool,
}

impl Misfit {
    fn into_error(self, row: Option<usize>, columns: &[Column]) -> Error {
        let name = self.column.and_then(|c| columns.get(c)).map(|c| scrub(&c.name));
        let place = match (row, &name) {
            (Some(row), Some(name)) => format!("row {row}, column `{name}`: "),
            (Some(row), None) => format!("row {row}: "),
            (None, Some(name)) => format!("`{name}`: "),
            (None, None) => String::new(),
        };
        let message = format!("{place}{}", scrub(&self.reason));
        let mut error = Error::new(ErrorKind::Row, message).with_cell(row, name.as_deref());
        if self.column.is_none() {
            let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
            error = error.with_hint(format!(
                "the columns of the report are {}; give fields these names, or #[serde(rename = \"…\")]",
                scrub(&names.join(", "))
            ));
        }
        error
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Misfit {}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self { reason: reason.to_string(), column: None, placeholder: false }
    }

    fn missing_field(field: &'static str) -> Self {
        de::Error::custom(format_args!("the report has no column `{field}`"))
    }
}
