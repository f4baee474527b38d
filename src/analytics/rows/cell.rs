//! One cell: a text, read as the type that is asked for.

use super::Misfit;
use serde::de::value::SeqDeserializer;
use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use time::{Date, Month};

/// Google's words for "no value here".
pub(super) const PLACEHOLDERS: [&str; 4] = ["(not set)", "(other)", "(data not available)", ""];

/// Not, so that `time`'s dates ask for numbers rather than for a text in a form that Analytics does not use.
pub(super) const HUMAN_READABLE: bool = false;

/// One cell.
#[derive(Clone, Copy)]
pub(super) struct Cell<'r> {
    pub(super) text: &'r str,
    pub(super) column: usize,
    /// Read it as `None`.
    pub(super) none: bool,
    /// An `Option` asked for what is read now.
    pub(super) in_option: bool,
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
