//! An enum value of an answer, kept as it came.

use crate::analytics::wire::Part;
use serde::{Serialize, Serializer};
use std::fmt;

/// An enum value of an answer by Google's name for it, such as `COST_DATA`.
///
/// Names may be added at any time, so the name is kept as text. A value that Google sends as a number, for
/// lack of a name or because it was asked for numbers, is kept as that number's text. Empty where there is
/// none.
///
/// Source: <https://protobuf.dev/programming-guides/json/>.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EnumValue(String);

impl EnumValue {
    /// The name, or a number's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EnumValue {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for EnumValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for EnumValue {
    fn eq(&self, name: &str) -> bool {
        self.0 == name
    }
}

impl PartialEq<&str> for EnumValue {
    fn eq(&self, name: &&str) -> bool {
        self.0 == *name
    }
}

impl Part for EnumValue {
    fn text(&mut self, text: &str) -> bool {
        Part::text(&mut self.0, text)
    }

    fn number(&mut self, number: i64) -> bool {
        self.0 = number.to_string();
        true
    }
}

impl Serialize for EnumValue {
    /// As it came: a name as text, a number as a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.parse::<i32>() {
            Ok(number) => serializer.serialize_i32(number),
            Err(_) => serializer.serialize_str(&self.0),
        }
    }
}
