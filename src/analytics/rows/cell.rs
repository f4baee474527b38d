//! One cell: a text, read as the type that the caller wants.

use super::misfit::{Fault, Misfit};
use super::number::{eight_digits, float, short_whole};
use crate::analytics::answer::{Column, ColumnKind};
use crate::analytics::wire::quoted;
use serde::de::value::SeqDeserializer;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::any::type_name;
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Timestamp, UtcDateTime, Weekday};

/// Google's words for "no value here".
const PLACEHOLDERS: [&str; 4] = ["(not set)", "(other)", "(data not available)", ""];

/// One cell.
#[derive(Clone, Copy)]
pub(super) struct Cell<'r> {
    pub(super) text: &'r str,
    pub(super) columns: &'r [Column],
    /// Which of the columns it is in.
    pub(super) column: usize,
    /// Read it as `None`, if the type is an `Option`.
    pub(super) none: bool,
}

impl<'r> Cell<'r> {
    pub(super) fn new(columns: &'r [Column], column: usize, text: &'r str) -> Self {
        Self { text, columns, column, none: false }
    }

    /// Whether it is a number where the type does not say what it wants.
    fn is_metric(&self) -> bool {
        self.columns.get(self.column).is_some_and(|c| matches!(c.kind, ColumnKind::Metric(_)))
    }

    pub(super) fn is_placeholder(&self) -> bool {
        PLACEHOLDERS.contains(&self.text)
    }

    #[cold]
    fn misfit(&self, expected: &str) -> Misfit {
        let reason = format!("{} is not {expected}", quoted(self.text));
        Misfit::new(Fault { reason, column: Some(self.column), placeholder: false })
    }

    fn parse<T: std::str::FromStr>(&self, expected: &str) -> Result<T, Misfit> {
        self.text.parse().map_err(|_| self.misfit(expected))
    }

    #[inline]
    fn whole<T: std::str::FromStr + TryFrom<u64>>(&self, expected: &str) -> Result<T, Misfit> {
        match short_whole(self.text.as_bytes()) {
            Some(number) => T::try_from(number).map_err(|_| self.misfit(expected)),
            None => self.parse(expected),
        }
    }

    /// For a visitor of one of `time`'s types, its value.
    ///
    /// `time` asks for a tuple of numbers, or, with its feature `serde-human-readable`, for anything, so a
    /// date is known by the type that the visitor makes. Nothing else gets a tuple from one cell.
    #[inline]
    fn time<V: Visitor<'r>>(&self, visitor: V) -> Result<Result<V::Value, Misfit>, V> {
        let made = type_name::<V::Value>();
        if made == type_name::<Date>() {
            Ok(match date(self.text) {
                Some(date) => visitor.visit_seq(SeqDeserializer::new(date.into_iter())),
                None => Err(self.misfit("a date of the form YYYYMMDD")),
            })
        } else if made == type_name::<PrimitiveDateTime>() {
            Ok(match date_time(self.text) {
                Some(parts) => visitor.visit_seq(SeqDeserializer::new(parts.into_iter())),
                None => Err(self.misfit("a time of the form YYYYMMDDHH or YYYYMMDDHHMM")),
            })
        } else if [type_name::<OffsetDateTime>(), type_name::<UtcDateTime>(), type_name::<Timestamp>()]
            .contains(&made)
        {
            Ok(Err(self.misfit("a time with an offset from UTC: use time::PrimitiveDateTime")))
        } else if made == type_name::<Month>() || made == type_name::<Weekday>() {
            Ok(self.parse("the number of a month or a day of the week").and_then(|n| visitor.visit_u8(n)))
        } else {
            Err(visitor)
        }
    }
}

/// Year and day of the year of `YYYYMMDD`.
fn date(digits: &str) -> Option<[i64; 2]> {
    let number = eight_digits(digits.as_bytes().try_into().ok()?)?;
    let month = Month::try_from((number / 100 % 100) as u8).ok()?;
    let date = Date::from_calendar_date((number / 10_000) as i32, month, (number % 100) as u8);
    let (year, day) = date.ok()?.to_ordinal_date();
    Some([year.into(), day.into()])
}

/// Year, day of the year, hour, minute, second, nanosecond of `YYYYMMDDHH` or `YYYYMMDDHHMM`.
fn date_time(digits: &str) -> Option<[i64; 6]> {
    let (day, time) = digits.split_at_checked(8)?;
    if !matches!(time.len(), 2 | 4) || !time.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let [year, day] = date(day)?;
    let (hour, minute) = time.split_at(2);
    let (hour, minute) = (hour.parse().ok()?, if minute.is_empty() { 0 } else { minute.parse().ok()? });
    (hour < 24 && minute < 60).then_some([year, day, hour, minute, 0, 0])
}

/// A figure as the number that holds it exactly.
enum Figure {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// The number that `text` writes; none if no `i64`, `u64` or `f64` holds it exactly.
fn figure(text: &str) -> Option<Figure> {
    // "inf", "nan" and "+7" are numbers to Rust.
    if !text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(number) = text.parse() {
        return Some(Figure::Signed(number));
    }
    if let Ok(number) = text.parse() {
        return Some(Figure::Unsigned(number));
    }
    let float: f64 = text.parse().ok()?;
    // Google writes an f64 with 15 digits, or with 17 where it takes them: written with as many, it is the
    // same again.
    let digits = significant(text);
    let written = format!("{float:.*e}", digits.len().saturating_sub(1));
    let is_exact = float.is_finite() && digits.len() <= 17 && significant(&written) == digits;
    is_exact.then_some(Figure::Float(float))
}

/// The digits of a number without sign, point, exponent and the zeros around.
fn significant(number: &str) -> String {
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// Methods of [`Deserializer`] that parse a whole number.
macro_rules! numbers {
    ($($method:ident $visit:ident $expected:literal)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(self.whole($expected)?)
        }
    )*};
}

/// Methods of [`Deserializer`] that give the text.
macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_borrowed_str(self.text)
        }
    )*};
}

// By reference, so that the layers of serde do not copy it at every step.
impl<'r> Deserializer<'r> for &Cell<'r> {
    type Error = Misfit;

    /// A type that does not say what it wants (`flatten`, an untagged enum, `serde_json::Value`) gets a
    /// metric as a number, any other cell as text.
    fn deserialize_any<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let visitor = match self.time(visitor) {
            Ok(value) => return value,
            Err(visitor) => visitor,
        };
        match figure(self.text).filter(|_| self.is_metric()) {
            Some(Figure::Signed(number)) => visitor.visit_i64(number),
            Some(Figure::Unsigned(number)) => visitor.visit_u64(number),
            Some(Figure::Float(number)) => visitor.visit_f64(number),
            None => visitor.visit_borrowed_str(self.text),
        }
    }

    fn deserialize_bool<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_bool(self.parse("true or false")?)
    }

    numbers! {
        deserialize_i8 visit_i8 "a whole number from -128 to 127"
        deserialize_i16 visit_i16 "a whole number of 16 bits"
        deserialize_i32 visit_i32 "a whole number of 32 bits"
        deserialize_i64 visit_i64 "a whole number of 64 bits"
        deserialize_u8 visit_u8 "a whole number from 0 to 255"
        deserialize_u16 visit_u16 "a whole number from 0 to 65535"
        deserialize_u32 visit_u32 "a whole number from 0 to 4294967295"
        deserialize_u64 visit_u64 "a whole number of 64 bits, 0 or more"
        deserialize_u128 visit_u128 "a whole number of 128 bits, 0 or more"
    }

    /// `time::Timestamp` is an `i128` too, and no digits of Google's are that.
    fn deserialize_i128<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.time(visitor) {
            Ok(value) => value,
            Err(visitor) => visitor.visit_i128(self.parse("a whole number of 128 bits")?),
        }
    }

    // Rust reads "1e400" as infinity and "nan" as a number; neither is a figure.
    fn deserialize_f32<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let float: f32 = self.parse("a number")?;
        if float.is_finite() {
            visitor.visit_f32(float)
        } else {
            Err(self.misfit("a finite number of 32 bits"))
        }
    }

    fn deserialize_f64<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let float = float(self.text).ok_or_else(|| self.misfit("a number"))?;
        if float.is_finite() { visitor.visit_f64(float) } else { Err(self.misfit("a finite number")) }
    }

    texts! {
        deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_identifier
    }

    fn deserialize_option<V: Visitor<'r>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.none { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'r>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'r>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.time(visitor).unwrap_or_else(|_| Err(self.misfit("a sequence")))
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

    forward_to_deserialize_any! { <V: Visitor<'r>> unit unit_struct seq tuple_struct map struct }
}
