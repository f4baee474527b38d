//! Reads values out of TOML and collects what is wrong with them, each with its line and a suggestion.

use jiff::civil::Date;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The first day that Google takes.
const FIRST_DAY: Date = Date::constant(2015, 8, 14);

/// A table of the file: the whole of it, or one `[[site]]`.
#[derive(Clone, Copy)]
pub(super) struct Section<'t> {
    name: &'static str,
    at: usize,
    table: &'t DeTable<'t>,
}

impl<'t> Section<'t> {
    pub(super) fn whole(table: &'t Spanned<DeTable<'t>>) -> Self {
        Self { name: "the file", at: 0, table: table.get_ref() }
    }

    /// Where the section begins in the text.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

/// A value and where it begins in the text.
pub(super) struct Found<T> {
    pub(super) at: usize,
    pub(super) value: T,
}

pub(super) struct Reader<'t> {
    /// The name of the file, for the faults.
    file: &'t str,
    text: &'t str,
    faults: Vec<(usize, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, faults: Vec::new() }
    }

    /// Notes that what begins at `at` is wrong.
    pub(super) fn fault(&mut self, at: usize, words: impl Into<String>) {
        self.faults.push((at, words.into()));
    }

    /// One line for each fault, in the order of the file; none where all is well.
    pub(super) fn finish(mut self) -> Vec<String> {
        self.faults.sort();
        let line = |at: usize| 1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        self.faults.iter().map(|(at, words)| format!("{}:{}: {words}", self.file, line(*at))).collect()
    }

    /// Notes keys of `section` that are not among `keys`.
    pub(super) fn known(&mut self, section: &Section<'t>, keys: &[&str]) {
        for key in section.table.keys() {
            let (name, Range { start, .. }) = (key.get_ref().as_ref(), key.span());
            if !keys.contains(&name) {
                let suggestion = suggestion(name, keys);
                self.fault(start, format!("unknown key `{name}` in {}; {suggestion}", section.name));
            }
        }
    }

    /// A text that must be there and must not be empty.
    pub(super) fn required(&mut self, section: &Section<'t>, key: &str) -> Option<Found<&'t str>> {
        if !section.table.contains_key(key) {
            self.fault(section.at, format!("{} has no `{key}`; add {key} = \"…\"", section.name));
        }
        self.text(section, key)
    }

    pub(super) fn text(&mut self, section: &Section<'t>, key: &str) -> Option<Found<&'t str>> {
        self.value(section, key, "a text in quotes", |value| value.as_str().filter(|text| !text.is_empty()))
    }

    pub(super) fn number(&mut self, section: &Section<'t>, key: &str) -> Option<Found<u32>> {
        self.value(section, key, "a whole number from 0 on", |value| {
            let number = value.as_integer()?;
            u32::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }

    /// A whole number or a text, as text.
    pub(super) fn number_or_text(&mut self, section: &Section<'t>, key: &str) -> Option<Found<&'t str>> {
        if !section.table.contains_key(key) {
            self.fault(section.at, format!("{} has no `{key}`; add {key} = 123456789", section.name));
        }
        self.value(section, key, "a number", |value| {
            value.as_str().or_else(|| value.as_integer().map(|number| number.as_str()))
        })
    }

    pub(super) fn day(&mut self, section: &Section<'t>, key: &str) -> Option<Date> {
        let found = self.value(section, key, "a day such as 2026-01-31, without quotes", |value| {
            let value = value.as_datetime().filter(|value| value.time.is_none())?;
            let (year, month, day) = value.date.map(|date| (date.year, date.month, date.day))?;
            Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
        });
        let found = found?;
        if found.value < FIRST_DAY {
            let words =
                format!("`{key}` is not {FIRST_DAY}, the first day that Google Analytics 4 has, or later");
            self.fault(found.at, words);
        }
        Some(found.value)
    }

    /// A list of texts; an empty one where the key is missing.
    pub(super) fn texts(&mut self, section: &Section<'t>, key: &str) -> Vec<Found<&'t str>> {
        let wanted = "a list of texts, [\"…\", \"…\"]";
        let found = self.value(section, key, wanted, |value| {
            let items = value.as_array()?.iter();
            let text = |item: &'t Spanned<DeValue<'t>>| {
                Some(Found { at: item.span().start, value: item.get_ref().as_str()? })
            };
            items.map(text).collect::<Option<Vec<_>>>()
        });
        found.map_or_else(Vec::new, |found| found.value)
    }

    /// The tables of this name: `[[site]]`.
    pub(super) fn sections(&mut self, root: &Section<'t>, key: &str, name: &'static str) -> Vec<Section<'t>> {
        let wanted = format!("a list of tables, each under a line {name}");
        let found = self.value(root, key, &wanted, |value| {
            let section = |item: &'t Spanned<DeValue<'t>>| {
                Some(Section { name, at: item.span().start, table: item.get_ref().as_table()? })
            };
            value.as_array()?.iter().map(section).collect::<Option<Vec<_>>>()
        });
        found.map_or_else(Vec::new, |found| found.value)
    }

    fn value<T>(
        &mut self,
        section: &Section<'t>,
        key: &str,
        wanted: &str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<Found<T>> {
        let value = section.table.get(key)?;
        let at = value.span().start;
        let found = read(value.get_ref());
        if found.is_none() {
            self.fault(at, format!("`{key}` is not {wanted}"));
        }
        found.map(|value| Found { at, value })
    }
}

/// `did you mean …?`, or everything that it may be.
pub(super) fn suggestion(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(&word.to_lowercase(), known), known));
    match near.min() {
        Some((distance, known)) if distance <= 1 + word.len() / 4 => format!("did you mean `{known}`?"),
        _ => format!("known are {}", known.join(", ")),
    }
}
