//! Numbers in filters, and how they are compared.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt;

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum NumericOperation {
    /// Equal.
    Equal,
    /// Less.
    LessThan,
    /// Less or equal.
    LessThanOrEqual,
    /// Greater.
    GreaterThan,
    /// Greater or equal.
    GreaterThanOrEqual,
}

/// A number in a filter: from any integer of up to 64 bits, or a float.
///
/// The API has signed 64-bit integers and doubles. A larger integer, an infinity and NaN can be made here, so
/// that filters take numbers without a question mark; a request with one is refused before it is sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumericValue(Number);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Integer(i128),
    Double(f64),
}

impl NumericValue {
    pub(super) fn is_sendable(self) -> bool {
        match self.0 {
            Number::Integer(number) => i64::try_from(number).is_ok(),
            Number::Double(number) => number.is_finite(),
        }
    }
}

impl fmt::Display for NumericValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Number::Integer(number) => number.fmt(f),
            Number::Double(number) => number.fmt(f),
        }
    }
}

impl Serialize for NumericValue {
    /// `{"int64Value": "7"}`, text as all 64-bit integers of the API are, or `{"doubleValue": 7.5}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut value = serializer.serialize_struct("NumericValue", 1)?;
        match self.0 {
            Number::Integer(number) => value.serialize_field("int64Value", &number.to_string())?,
            Number::Double(number) => value.serialize_field("doubleValue", &number)?,
        }
        value.end()
    }
}

/// The conversions of integers, none of which loses anything.
macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl From<$integer> for NumericValue {
            fn from(number: $integer) -> Self {
                Self(Number::Integer(number as i128))
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

impl From<f32> for NumericValue {
    fn from(number: f32) -> Self {
        Self(Number::Double(number.into()))
    }
}

impl From<f64> for NumericValue {
    fn from(number: f64) -> Self {
        Self(Number::Double(number))
    }
}
