//! One row without a struct: cells by the name of their column, or by its place.

use super::cell::Cell;
use super::read_cell;
use crate::analytics::answer::Column;
use crate::analytics::table::{Cells, Table};
use crate::error::{Error, ErrorKind, scrub};
use serde::Deserialize;
use std::fmt;

/// One row of a report: see [`Report::row`](crate::analytics::Report::row).
///
/// A column is told by its name or by its place, from 0. Text comes as Google sent it, anything else is read
/// as [`Report::rows`](crate::analytics::Report::rows) reads it.
///
/// ```
/// # fn see(report: &shortway::analytics::Report) -> Result<(), shortway::Error> {
/// for row in report.each_row() {
///     let path = row.get("pagePath").unwrap_or_default();
///     let views: u64 = row.read("screenPageViews")?;
///     let rate: Option<f64> = row.read("bounceRate")?;
///     let day: time::Date = row.read(0)?;
/// #   let _ = (path, views, rate, day);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Row<'r> {
    columns: &'r [Column],
    cells: Cells<'r>,
    number: usize,
}

impl<'r> Row<'r> {
    pub(in crate::analytics) fn new(columns: &'r [Column], table: &'r Table, number: usize) -> Option<Self> {
        (number < table.rows()).then(|| Self { columns, cells: table.row(number), number })
    }

    /// All rows, in their order.
    pub(in crate::analytics) fn all(
        columns: &'r [Column],
        table: &'r Table,
    ) -> impl ExactSizeIterator<Item = Self> {
        table.walk().enumerate().map(move |(number, cells)| Self { columns, cells, number })
    }

    /// Which row of the report it is, from 0.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The text of a cell as Google sent it, `(not set)` and `(other)` included; `None` where the report has
    /// no such column.
    #[must_use]
    pub fn get(&self, column: impl InRow) -> Option<&'r str> {
        self.cells.clone().nth(column.place(self.columns)?)
    }

    /// A cell as a whole number, a float, a date or whatever else a field of a struct may be: the table at
    /// [`Report::rows`](crate::analytics::Report::rows) says what each type takes.
    ///
    /// # Errors
    /// [`ErrorKind::Row`](crate::ErrorKind::Row), with row and column, when the cell does not fit `T` or the
    /// report has no such column.
    pub fn read<T: Deserialize<'r>>(&self, column: impl InRow) -> Result<T, Error> {
        let place = column.place(self.columns).unwrap_or(usize::MAX);
        match self.cells.clone().nth(place) {
            Some(text) => read_cell(&Cell::new(self.columns, place, text))
                .map_err(|misfit| misfit.into_error(Some(self.number), self.columns)),
            None => Err(self.no_column(&column.to_string())),
        }
    }

    fn no_column(&self, column: &str) -> Error {
        let names: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
        let (row, column) = (self.number, scrub(column));
        Error::new(ErrorKind::Row, format!("row {row}: the report has no column `{column}`"))
            .with_hint(format!("the columns of the report are {}", scrub(&names.join(", "))))
            .with_cell(Some(row), Some(&column))
    }

    /// The texts of all cells, in the order of the report's columns.
    pub fn cells(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        self.cells.clone()
    }
}

impl fmt::Debug for Row<'_> {
    /// Which row it is, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What tells a column of a [`Row`]: its name (`&str`, `&String`) or its place (`usize`, from 0).
pub trait InRow: sealed::Sealed {}

impl InRow for usize {}
impl InRow for &str {}
impl InRow for &String {}

mod sealed {
    use crate::analytics::answer::Column;
    use std::fmt::Display;

    pub trait Sealed: Copy + Display {
        fn place(self, columns: &[Column]) -> Option<usize>;
    }
}

impl sealed::Sealed for usize {
    fn place(self, _: &[Column]) -> Option<usize> {
        Some(self)
    }
}

impl sealed::Sealed for &str {
    fn place(self, columns: &[Column]) -> Option<usize> {
        columns.iter().position(|column| column.name == self)
    }
}

impl sealed::Sealed for &String {
    fn place(self, columns: &[Column]) -> Option<usize> {
        self.as_str().place(columns)
    }
}
