//! The number of a Google Analytics property, told apart from the ids it is mistaken for.

use super::wire::quoted;
use crate::error::{Error, ErrorKind};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The id of a GA4 property: a number of about nine digits.
///
/// From a `u64`, or parsed from text, plain (`123456789`) or as the resource name that Google's pages show
/// (`properties/123456789`); with serde from a number or such a text, and to a number. No property has the
/// number 0: text that says so is refused, a `u64` is not looked at.
///
/// ```
/// use shortway::analytics::PropertyId;
///
/// assert_eq!("1234".parse::<PropertyId>()?, PropertyId::from(1234));
/// assert_eq!(PropertyId::try_from("properties/1234")?, PropertyId::from(1234));
/// let error = "G-ABC123XYZ0".parse::<PropertyId>().unwrap_err();
/// assert!(error.to_string().starts_with("\"G-ABC123XYZ0\" is a measurement id"));
/// # Ok::<(), shortway::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PropertyId(u64);

impl From<u64> for PropertyId {
    fn from(id: u64) -> Self {
        Self(id)
    }
}

impl From<PropertyId> for u64 {
    fn from(id: PropertyId) -> Self {
        id.0
    }
}

impl fmt::Display for PropertyId {
    /// The bare number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const WHERE: &str = "the property id is a number: in Google Analytics open Admin, Property settings, Property \
                     details; it stands at the top right";

impl FromStr for PropertyId {
    type Err = Error;

    /// # Errors
    /// [`ErrorKind::Config`] when `text` is not a number above 0; known mistakes are named.
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let digits = text.strip_prefix("properties/").unwrap_or(text);
        if digits.bytes().all(|b| b.is_ascii_digit())
            && let Ok(id @ 1..) = digits.parse()
        {
            return Ok(Self(id));
        }
        let upper = text.to_ascii_uppercase();
        let what = if upper.starts_with("UA-") {
            "is the id of a Universal Analytics property; Google shut that product and its API down on \
             1 July 2024"
        } else if upper.starts_with("G-") {
            "is a measurement id: it names a web data stream, which the tag in the pages sends to"
        } else if upper.starts_with("GTM-") {
            "is the id of a Tag Manager container"
        } else if upper.starts_with("GA:") {
            "is the id of a Universal Analytics view; Google shut that product and its API down on \
             1 July 2024"
        } else {
            "is not a property id"
        };
        Err(Error::new(ErrorKind::Config, format!("{} {what}", quoted(text))).with_hint(WHERE))
    }
}

impl TryFrom<&str> for PropertyId {
    type Error = Error;

    /// The same as `text.parse()`.
    fn try_from(text: &str) -> Result<Self, Error> {
        text.parse()
    }
}

impl TryFrom<String> for PropertyId {
    type Error = Error;

    /// The same as `text.parse()`.
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl Serialize for PropertyId {
    /// A number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for PropertyId {
    /// From a number from 1 on, or a text as for [`FromStr`].
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberOrText)
    }
}

struct NumberOrText;

impl Visitor<'_> for NumberOrText {
    type Value = PropertyId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property id, as a number or a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<PropertyId, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, id: u64) -> Result<PropertyId, E> {
        self.visit_str(&id.to_string())
    }

    /// From formats whose integers are signed, such as TOML.
    fn visit_i64<E: de::Error>(self, id: i64) -> Result<PropertyId, E> {
        self.visit_str(&id.to_string())
    }
}
