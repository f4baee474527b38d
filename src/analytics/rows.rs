//! Rows as the caller's own types, by serde.
//!
//! In: a table, its columns, a type. Out: one value per row. The type says what a cell is: text is lent as it is,
//! numbers and dates are parsed, and an `Option` of those takes Google's placeholders for `None`.

use super::columns::Column;
use super::table::Table;
use crate::error::{Error, ErrorKind};
use serde::Deserialize;
use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use time::{Date, Month};

/// The rows of a report as values of `T`: see [`Report::rows`](super::Report::rows).
pub struct Rows<'r, T> {
    columns: &'r [Column],
    table: &'r Table,
    next: usize,
    /// Columns known to be an `Option` of a number or a date in `T`, found on the first placeholder met there.
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
            let source = Source { columns: self.columns, table: self.table, row, optional: self.optional };
            match T::deserialize(source) {
                Ok(value) => return Some(Ok(value)),
                // What an Option holds shows only when it is read: the row is read again with that cell as None.
                Err(Misfit { column: Some(column), placeholder: true, .. }) if !self.optional.has(column) => {
                    self.optional.add(column);
                }
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
    let cell = Cell { text, column, none: false, in_option: false };
    match T::deserialize(cell) {
        Err(Misfit { placeholder: true, .. }) => T::deserialize(Cell { none: true, ..cell }),
        other => other,
    }
    .map_err(|misfit| misfit.into_error(None, columns))
}

/// A value for a cell that is not there: `None`, if `T` has one.
pub(super) fn absent<'r, T: Deserialize<'r>>() -> Result<T, Error> {
    T::deserialize(Cell { text: "", column: 0, none: true, in_option: false })
        .map_err(|misfit| misfit.into_error(None, &[]))
}

/// Google's words for "no value here".
const PLACEHOLDERS: [&str; 4] = ["(not set)", "(other)", "(data not available)", ""];

/// Some of the columns. A report has 20 at most: 9 dimensions, the date range, 10 metrics.
#[derive(Clone, Copy, Default)]
struct ColumnSet(u64);

impl ColumnSet {
    fn has(self, column: usize) -> bool {
        column < 64 && self.0 & (1 << column) != 0
    }

    fn add(&mut self, column: usize) {
        if column < 64 {
            self.0 |= 1 << column;
        }
    }
}

/// Why a row does not fit a type.
#[derive(Debug)]
struct Misfit {
    reason: String,
    column: Option<usize>,
    /// The cell is a placeholder inside an `Option`: it may be read as `None`.
    placeholder: bool,
}

impl Misfit {
    fn into_error(self, row: Option<usize>, columns: &[Column]) -> Error {
        let name = self.column.and_then(|c| columns.get(c)).map(|c| c.name.as_str());
        let place = match (row, name) {
            (Some(row), Some(name)) => format!("row {row}, column `{name}`: "),
            (Some(row), None) => format!("row {row}: "),
            (None, Some(name)) => format!("`{name}`: "),
            (None, None) => String::new(),
        };
        let mut error = Error::new(ErrorKind::Row, format!("{place}{}", self.reason)).with_cell(row, name);
        if self.column.is_none() {
            let names: Vec<_> = columns.iter().map(|c| c.name.as_str()).collect();
            error = error.with_hint(format!(
                "the columns of the report are {}; give fields these names, or #[serde(rename = \"…\")]",
                names.join(", ")
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

/// One row, read as a map of names to cells or as a sequence of cells.
#[derive(Clone, Copy)]
struct Source<'r> {
    columns: &'r [Column],
    table: &'r Table,
    row: usize,
    optional: ColumnSet,
}

impl<'r> Source<'r> {
    fn cell(&self, column: usize) -> Cell<'r> {
        let text = self.table.cell(self.row, column).unwrap_or_default();
        let none = self.optional.has(column) && PLACEHOLDERS.contains(&text);
        Cell { text, column, none, in_option: false }
    }
}

impl<'r> Deserializer<'r> for Source<'r> {
    type Error = Misfit;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_map(Walk { source: self, next: 0 })
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
        visitor.visit_seq(Walk { source: self, next: 0 })
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
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        enum identifier ignored_any
    }
}

/// Not, so that `time`'s dates ask for numbers rather than for a text in a form that Analytics does not use.
const HUMAN_READABLE: bool = false;

/// Goes through the cells of a row.
struct Walk<'r> {
    source: Source<'r>,
    next: usize,
}

impl<'r> MapAccess<'r> for Walk<'r> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'r>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        match self.source.columns.get(self.next) {
            Some(column) => seed.deserialize(BorrowedStrDeserializer::new(&column.name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'r>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let column = self.next;
        self.next += 1;
        seed.deserialize(self.source.cell(column)).map_err(|misfit| at(misfit, column))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.source.columns.len() - self.next)
    }
}

impl<'r> SeqAccess<'r> for Walk<'r> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'r>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        if self.next >= self.source.columns.len() {
            return Ok(None);
        }
        self.next_value_seed(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.source.columns.len() - self.next)
    }
}

fn at(misfit: Misfit, column: usize) -> Misfit {
    Misfit { column: Some(column), ..misfit }
}

/// One cell.
#[derive(Clone, Copy)]
struct Cell<'r> {
    text: &'r str,
    column: usize,
    /// Read it as `None`.
    none: bool,
    /// An `Option` asked for what is read now.
    in_option: bool,
}

impl Cell<'_> {
    fn misfit(&self, expected: &str) -> Misfit {
        Misfit {
            reason: format!("{:?} is not {expected}", self.text),
            column: Some(self.column),
            placeholder: self.in_option && PLACEHOLDERS.contains(&self.text),
        }
    }

    fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Misfit> {
        self.text.parse().map_err(|_| self.misfit(expected))
    }

    fn float(&self) -> Result<f64, Misfit> {
        // Rust reads "1e400" as infinity and "nan" as a number; neither is a figure.
        let float: f64 = self.parse("a number")?;
        if float.is_finite() { Ok(float) } else { Err(self.misfit("a finite number")) }
    }

    /// Year and day of the year of `YYYYMMDD`.
    fn date(&self, digits: &str) -> Option<[i64; 2]> {
        if digits.len() != 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let month = Month::try_from(digits.get(4..6)?.parse::<u8>().ok()?).ok()?;
        let date =
            Date::from_calendar_date(digits.get(..4)?.parse().ok()?, month, digits.get(6..)?.parse().ok()?);
        let (year, day) = date.ok()?.to_ordinal_date();
        Some([year.into(), day.into()])
    }

    /// Year, day of the year, hour, minute, second, nanosecond of `YYYYMMDDHH` or `YYYYMMDDHHMM`.
    fn date_time(&self) -> Option<[i64; 6]> {
        let (date, time) = self.text.split_at_checked(8)?;
        if !matches!(time.len(), 2 | 4) || !time.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let [year, day] = self.date(date)?;
        let (hour, minute) = time.split_at(2);
        let (hour, minute) = (hour.parse().ok()?, if minute.is_empty() { 0 } else { minute.parse().ok()? });
        (hour < 24 && minute < 60).then_some([year, day, hour, minute, 0, 0])
    }
}

/// Methods of [`Deserializer`] that parse a number.
macro_rules! numbers {
    ($($method:ident $visit:ident $expected:literal)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(self.parse($expected)?)
        }
    )*};
}

impl<'r> Deserializer<'r> for Cell<'r> {
    type Error = Misfit;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_borrowed_str(self.text)
    }

    numbers! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i8 "a whole number from -128 to 127"
        deserialize_i16 visit_i16 "a whole number of 16 bits"
        deserialize_i32 visit_i32 "a whole number of 32 bits"
        deserialize_i64 visit_i64 "a whole number of 64 bits"
        deserialize_i128 visit_i128 "a whole number of 128 bits"
        deserialize_u8 visit_u8 "a whole number from 0 to 255"
        deserialize_u16 visit_u16 "a whole number from 0 to 65535"
        deserialize_u32 visit_u32 "a whole number of 32 bits without sign"
        deserialize_u64 visit_u64 "a whole number of 64 bits without sign"
        deserialize_u128 visit_u128 "a whole number of 128 bits without sign"
    }

    fn deserialize_f32<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_f64(self.float()?)
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.none { visitor.visit_none() } else { visitor.visit_some(Cell { in_option: true, ..self }) }
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// `time::Date` asks for two numbers, `time::PrimitiveDateTime` for six, `time::OffsetDateTime` for nine.
    fn deserialize_tuple<V: Visitor<'r>>(self, len: usize, visitor: V) -> Result<V::Value, Misfit> {
        match len {
            2 => match self.date(self.text) {
                Some(date) => visitor.visit_seq(SeqDeserializer::new(date.into_iter())),
                None => Err(self.misfit("a date of the form YYYYMMDD")),
            },
            6 => match self.date_time() {
                Some(parts) => visitor.visit_seq(SeqDeserializer::new(parts.into_iter())),
                None => Err(self.misfit("a time of the form YYYYMMDDHH or YYYYMMDDHHMM")),
            },
            9 => Err(self.misfit("a time with an offset from UTC: use time::PrimitiveDateTime")),
            _ => Err(self.misfit("a sequence")),
        }
    }

    fn deserialize_enum<V: Visitor<'r>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        IntoDeserializer::<Misfit>::into_deserializer(self.text).deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'r>>
        char str string bytes byte_buf unit unit_struct seq tuple_struct map struct identifier
    }
}
