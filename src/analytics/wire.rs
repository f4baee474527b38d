//! Protobuf's JSON, in one place.
//!
//! Requests: a 64-bit integer is text, a default is left out. Responses: absent and null are the default, a
//! 64-bit integer is text or a number, an enum's name is kept as text, an unknown key is skipped. A [`Part`]
//! reads a response by these rules and never fails on a value of another shape: the value is skipped without
//! being built.
//! <https://protobuf.dev/programming-guides/json/>

use crate::error::scrub;
use serde::Serializer;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt::{self, Display};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Whether a value is its type's default, which protobuf's JSON leaves out.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A 64-bit integer as the string that protobuf's JSON makes of it.
pub(super) fn as_text<S: Serializer>(number: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

pub(super) fn some_as_text<S: Serializer>(number: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(number),
        None => serializer.serialize_none(),
    }
}

/// A double, as protobuf's JSON has it: text where JSON has no number.
pub(super) fn some_float<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        None => serializer.serialize_none(),
        Some(number) if number.is_finite() => serializer.serialize_f64(number),
        Some(number) if number.is_nan() => serializer.serialize_str("NaN"),
        Some(number) => serializer.serialize_str(if number > 0.0 { "Infinity" } else { "-Infinity" }),
    }
}

/// A piece of text from outside as an error quotes it: in quotes, one line, at most 60 characters.
pub(super) fn quoted(text: &str) -> String {
    let line = scrub(text);
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}", format!("{}…", &line[..end])),
        None => format!("{line:?}"),
    }
}

/// How many items of a list in a response are kept: 256. Google sends at most a few; a report has at most 200
/// columns.
const MAX_ITEMS: usize = 256;

/// How many bytes of a text in a response are kept, the cells of rows excepted: 4 KiB. Google's are a
/// sentence or two.
const MAX_TEXT: usize = 4096;

/// A value in a response. A method is called for what the JSON has in its place and says whether the value
/// takes it; by default everything is skipped.
pub(super) trait Part {
    fn text(&mut self, _text: &str) -> bool {
        false
    }
    fn number(&mut self, _number: i64) -> bool {
        false
    }
    fn flag(&mut self, _flag: bool) -> bool {
        false
    }
    fn object(&mut self) -> bool {
        false
    }
    /// Where the value of this key goes; `None` skips it.
    fn field(&mut self, _key: &str) -> Option<&mut dyn Part> {
        None
    }
    /// Where the next item of a list goes; `None` skips it.
    fn item(&mut self) -> Option<&mut dyn Part> {
        None
    }
    /// Takes the last item back: the list has ended.
    fn no_item(&mut self) {}
    fn float(&mut self, _number: f64) -> bool {
        false
    }
    /// How many items of a list of these are kept.
    fn most() -> usize
    where
        Self: Sized,
    {
        MAX_ITEMS
    }
}

/// A message of the API: an object with known keys.
pub(super) trait Message {
    /// Where the value of this key goes; `None` skips it.
    fn field(&mut self, key: &str) -> Option<&mut dyn Part>;
    /// How many items of a list of these are kept.
    fn most_items() -> usize
    where
        Self: Sized,
    {
        MAX_ITEMS
    }
}

impl<T: Message> Part for T {
    fn most() -> usize {
        T::most_items()
    }

    fn object(&mut self) -> bool {
        true
    }

    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        Message::field(self, key)
    }
}

impl Part for String {
    fn text(&mut self, text: &str) -> bool {
        let end = (0..=text.len().min(MAX_TEXT)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text[..end].clone_into(self);
        true
    }
}

impl Part for bool {
    fn flag(&mut self, flag: bool) -> bool {
        *self = flag;
        true
    }
}

impl Part for i64 {
    fn text(&mut self, text: &str) -> bool {
        text.parse().is_ok_and(|number| self.number(number))
    }

    fn number(&mut self, number: i64) -> bool {
        *self = number;
        true
    }
}

impl Part for i32 {
    fn text(&mut self, text: &str) -> bool {
        text.parse().is_ok_and(|number| self.number(number))
    }

    fn number(&mut self, number: i64) -> bool {
        i32::try_from(number).is_ok_and(|number| {
            *self = number;
            true
        })
    }
}

/// A double: a number, or text, as protobuf's JSON has "NaN" and "Infinity".
impl Part for f64 {
    fn text(&mut self, text: &str) -> bool {
        text.parse().is_ok_and(|number| self.float(number))
    }

    fn number(&mut self, number: i64) -> bool {
        self.float(number as f64)
    }

    fn float(&mut self, number: f64) -> bool {
        *self = number;
        true
    }
}

/// `None` stays for a value that `T` does not take.
impl<T: Part + Default> Part for Option<T> {
    fn text(&mut self, text: &str) -> bool {
        put(self, |value| value.text(text))
    }

    fn number(&mut self, number: i64) -> bool {
        put(self, |value| value.number(number))
    }

    fn flag(&mut self, flag: bool) -> bool {
        put(self, |value| value.flag(flag))
    }

    fn float(&mut self, number: f64) -> bool {
        put(self, |value| value.float(number))
    }

    fn object(&mut self) -> bool {
        put(self, T::object)
    }

    fn field(&mut self, key: &str) -> Option<&mut dyn Part> {
        self.as_mut()?.field(key)
    }
}

fn put<T: Default>(place: &mut Option<T>, fill: impl FnOnce(&mut T) -> bool) -> bool {
    let mut value = T::default();
    let taken = fill(&mut value);
    if taken {
        *place = Some(value);
    }
    taken
}

/// The first items, as many as [`Part::most`] says; the rest is skipped.
impl<T: Part + Default> Part for Vec<T> {
    fn item(&mut self) -> Option<&mut dyn Part> {
        if self.len() >= T::most() {
            return None;
        }
        self.push(T::default());
        self.last_mut().map(|item| item as &mut dyn Part)
    }

    fn no_item(&mut self) {
        self.pop();
    }
}

/// Fills a part from the JSON of a response.
pub(super) struct Fill<'p>(pub(super) &'p mut dyn Part);

/// Reads a message by itself.
pub(super) fn message<'de, T: Part + Default, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut message = T::default();
    Fill(&mut message).deserialize(deserializer)?;
    Ok(message)
}

impl<'de> DeserializeSeed<'de> for Fill<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fill<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.0.flag(flag);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.number(number);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        if let Ok(number) = i64::try_from(number) {
            self.0.number(number);
        }
        Ok(())
    }

    /// A whole number may be written as `7.0` or `7e0`; up to 2^53 it is read exactly.
    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        let is_whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
        if !self.0.float(number) && is_whole {
            self.0.number(number as i64);
        }
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let list = self.0;
        loop {
            let item = match list.item() {
                Some(item) => items.next_element_seed(Fill(item))?,
                None if items.next_element::<IgnoredAny>()?.is_some() => continue,
                None => return Ok(()),
            };
            if item.is_none() {
                list.no_item();
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut begun = false;
        loop {
            match map.next_key_seed(Key { part: &mut *self.0, begun: &mut begun })? {
                None => break,
                Some(Some(part)) => map.next_value_seed(Fill(part))?,
                Some(None) => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if !begun {
            self.0.object();
        }
        Ok(())
    }
}

/// How `serde_json` hands out a number when some crate in the program has switched its `arbitrary_precision`
/// on: an object with this key and the number's text.
pub(super) const NUMBER: &str = "$serde_json::private::Number";

/// A key, as the place of its value.
struct Key<'p, 'b> {
    part: &'p mut dyn Part,
    begun: &'b mut bool,
}

impl<'de, 'p> DeserializeSeed<'de> for Key<'p, '_> {
    type Value = Option<&'p mut dyn Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<'p> Visitor<'_> for Key<'p, '_> {
    type Value = Option<&'p mut dyn Part>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        if std::mem::replace(self.begun, true) {
            return Ok(self.part.field(key));
        }
        if key == NUMBER {
            return Ok(Some(self.part));
        }
        self.part.object();
        Ok(self.part.field(key))
    }
}
