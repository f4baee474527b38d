//! Reads rows that are written as Google writes them, several times as fast as a reader of any JSON.
//!
//! In: the text after `"rows":`. Out: the same table as from `read`, or `None` at the first byte that is not as
//! expected: a key in another place, a value that is no text, other white space, a control character, a surrogate
//! without its other half. Then the caller reads the whole answer by serde, which decides what is an error, so that
//! this file decides nothing.

use super::read::{MAX_BLOCK, MAX_CELL};
use super::{MAX_COLUMNS, Table};
use std::marker::PhantomData;

/// Reads an array of rows at the beginning of `text` into an empty table; gives what stands behind the array.
/// `size` is the size of the answer in bytes.
pub(in crate::analytics) fn scan<'j>(text: &'j str, table: &mut Table, size: usize) -> Option<&'j str> {
    let most = (size / 64).min(MAX_BLOCK);
    match text.strip_prefix(Compact::ROWS) {
        Some(rest) => Scan::<Compact>::new(rest, table, most).rows(),
        None => Scan::<Pretty>::new(text.strip_prefix(Pretty::ROWS)?, table, most).rows(),
    }
}

/// What stands between the texts of an answer.
trait Layout {
    const ROWS: &str;
    const ROW: &str;
    const DIMENSIONS: &str;
    const METRICS: &str;
    const CELL: &str;
    const EMPTY_CELL: &str;
    const CELL_END: &str;
    const VALUES_END: &str;
    const ROW_END: &str;
    const ROWS_END: &str;
}

/// With `prettyPrint=false`.
struct Compact;

impl Layout for Compact {
    const ROWS: &str = "[";
    const ROW: &str = "{";
    const DIMENSIONS: &str = "\"dimensionValues\":[";
    const METRICS: &str = "\"metricValues\":[";
    const CELL: &str = "{\"value\":\"";
    const EMPTY_CELL: &str = "{}";
    const CELL_END: &str = "\"}";
    const VALUES_END: &str = "]";
    const ROW_END: &str = "}";
    const ROWS_END: &str = "]";
}

/// By default: two spaces a level.
struct Pretty;

impl Layout for Pretty {
    const ROWS: &str = " [";
    const ROW: &str = "\n    {";
    const DIMENSIONS: &str = "\n      \"dimensionValues\": [";
    const METRICS: &str = "\n      \"metricValues\": [";
    const CELL: &str = "\n        {\n          \"value\": \"";
    const EMPTY_CELL: &str = "\n        {}";
    const CELL_END: &str = "\"\n        }";
    const VALUES_END: &str = "\n      ]";
    const ROW_END: &str = "\n    }";
    const ROWS_END: &str = "\n  ]";
}

struct Scan<'j, 't, L> {
    rest: &'j str,
    table: &'t mut Table,
    /// The size of the largest block.
    most: usize,
    /// A cell without its escapes.
    unescaped: String,
    layout: PhantomData<L>,
}

impl<'j, 't, L: Layout> Scan<'j, 't, L> {
    fn new(rest: &'j str, table: &'t mut Table, most: usize) -> Self {
        Self { rest, table, most, unescaped: String::new(), layout: PhantomData }
    }

    fn rows(mut self) -> Option<&'j str> {
        loop {
            let shape = self.row()?;
            if *self.table.shape.get_or_insert(shape) != shape {
                return None;
            }
            self.table.end_row();
            if !self.is_next(",") {
                self.expect(L::ROWS_END)?;
                return Some(self.rest);
            }
        }
    }

    /// One row; gives how many dimensions and metrics it has.
    fn row(&mut self) -> Option<(usize, usize)> {
        self.expect(L::ROW)?;
        let dimensions = if self.is_next(L::DIMENSIONS) { self.values()? } else { 0 };
        let mut metrics = 0;
        if dimensions == 0 || self.is_next(",") {
            self.expect(L::METRICS)?;
            metrics = self.values()?;
        }
        self.expect(L::ROW_END)?;
        Some((dimensions, metrics))
    }

    /// The cells of an array, at least one; gives how many.
    #[inline]
    fn values(&mut self) -> Option<usize> {
        for count in 1..=MAX_COLUMNS {
            self.cell()?;
            if !self.is_next(",") {
                self.expect(L::VALUES_END)?;
                return Some(count);
            }
        }
        None
    }

    #[inline]
    fn cell(&mut self) -> Option<()> {
        if !self.is_next(L::CELL) {
            self.expect(L::EMPTY_CELL)?;
            self.table.push_cell("", self.most);
            return Some(());
        }
        let (text, rest) = self.rest.split_at_checked(plain(self.rest.as_bytes()))?;
        if rest.starts_with('\\') {
            self.escaped()?;
        } else if text.len() <= MAX_CELL {
            self.table.push_cell(text, self.most);
            self.rest = rest;
        } else {
            return None;
        }
        self.expect(L::CELL_END)
    }

    /// A cell with escapes, up to its closing quote.
    #[cold]
    fn escaped(&mut self) -> Option<()> {
        self.unescaped.clear();
        loop {
            let (text, rest) = self.rest.split_at_checked(plain(self.rest.as_bytes()))?;
            self.unescaped.push_str(text);
            self.rest = rest;
            if self.unescaped.len() > MAX_CELL {
                return None;
            }
            let Some(escape) = rest.strip_prefix('\\') else { break };
            let (character, rest) = unescape(escape)?;
            self.unescaped.push(character);
            self.rest = rest;
        }
        self.table.push_cell(&self.unescaped, self.most);
        Some(())
    }

    #[inline]
    fn is_next(&mut self, what: &str) -> bool {
        self.expect(what).is_some()
    }

    #[inline]
    fn expect(&mut self, what: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(what)?;
        Some(())
    }
}

/// The character that an escape means, by what stands behind its backslash, and the text behind it.
fn unescape(escape: &str) -> Option<(char, &str)> {
    let mut rest = escape.chars();
    let character = match rest.next()? {
        same @ ('"' | '\\' | '/') => same,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(rest.as_str()),
        _ => return None,
    };
    Some((character, rest.as_str()))
}

/// The character of `\uXXXX`, or of two of them where the first is half a character.
fn unicode(escape: &str) -> Option<(char, &str)> {
    let (first, rest) = four_digits(escape)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, rest));
    }
    let (second, rest) = four_digits(rest.strip_prefix("\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, rest))
}

fn four_digits(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    let is_hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_hexadecimal.then(|| u16::from_str_radix(digits, 16).ok().map(|number| (number, rest)))?
}

/// How many bytes come before the first quote, backslash or control character, eight at a time.
#[inline]
fn plain(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(eight) = text[at..].first_chunk() {
        let special = special(u64::from_le_bytes(*eight));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let is_special = |b: &u8| matches!(b, b'"' | b'\\' | ..0x20);
    at + text[at..].iter().position(is_special).unwrap_or(text.len() - at)
}

/// Sets the highest bit of the first byte that is a quote, a backslash or a control character. Bytes above that one
/// may be marked too, where a subtraction borrows.
/// <https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>
#[inline]
fn special(eight: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let is = |byte: u8| below(eight ^ (ONES * u64::from(byte)), 1);
    (below(eight, 0x20) | is(b'"') | is(b'\\')) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeSeed;

    /// What stands behind the rows and the cells, if the scanner takes them.
    fn read(text: &str) -> Option<(&str, Vec<Vec<String>>)> {
        let mut table = Table::default();
        let rest = scan(text, &mut table, text.len())?;
        Some((rest, cells(&table)))
    }

    fn cells(table: &Table) -> Vec<Vec<String>> {
        (0..table.rows()).map(|row| table.row(row).map(str::to_owned).collect()).collect()
    }

    #[test]
    fn rows_as_google_writes_them_are_taken() {
        let compact = concat!(
            r#"[{"dimensionValues":[{"value":"20260101"},{"value":""}],"metricValues":[{"value":"1"}]},"#,
            r#"{"dimensionValues":[{},{"value":"/a\u003d\"\\\/\b\f\n\r\t\ud83d\uDE00é"}],"#,
            r#""metricValues":[{"value":"-0.5"}]}],"rowCount":2}"#
        );
        let want = [["20260101", "", "1"], ["", "/a=\"\\/\u{8}\u{c}\n\r\t\u{1f600}é", "-0.5"]];
        let (rest, rows) = read(compact).expect("as Google writes it");
        assert_eq!(rest, r#","rowCount":2}"#);
        assert_eq!(rows, want);

        let array = compact.strip_suffix(rest).expect("a suffix");
        let value: serde_json::Value = serde_json::from_str(array).expect("JSON");
        let pretty = serde_json::to_string_pretty(&serde_json::json!({"rows": value})).expect("JSON");
        let (rest, rows) = read(pretty.split_once("\"rows\":").expect("rows").1).expect("as Google writes it");
        assert_eq!((rest, rows.len()), ("\n}", 2));
        assert_eq!(rows, want);
    }

    #[test]
    fn rows_of_dimensions_or_of_metrics_alone_are_taken() {
        for key in ["dimensionValues", "metricValues"] {
            let (_, rows) = read(&format!(r#"[{{"{key}":[{{"value":"a"}}]}}]"#)).expect("one row");
            assert_eq!(rows, [["a"]]);
        }
    }

    #[test]
    fn anything_else_is_left_to_serde() {
        let long = "x".repeat(MAX_CELL + 1);
        let wide = vec!["{}"; MAX_COLUMNS + 1].join(",");
        for row in [
            "",
            "null",
            "{}",
            r#"{"metricValues":[]}"#,
            r#"{"metricValues":null}"#,
            r#"{"metricValues":[null]}"#,
            r#"{"metricValues":[{"value":1}]}"#,
            r#"{"metricValues":[{"value":null}]}"#,
            r#"{"metricValues":[{"value":"1","value":"2"}]}"#,
            r#"{"metricValues":[{"value":"1"}],"new":1}"#,
            r#"{"metricValues":[{"value":"1"}],"metricValues":[{"value":"1"}]}"#,
            r#"{"metricValues":[{"value":"1"}],"dimensionValues":[{"value":"1"}]}"#,
            r#"{"metricValues": [{"value":"1"}]}"#,
            r#"{"metricValues":[{"value":"1"}]},"#,
            r#"{"metricValues":[{"value":"1"}]},{"metricValues":[{"value":"1"},{"value":"1"}]}"#,
            r#"{"metricValues":[{"value":"1"}]},{"dimensionValues":[{"value":"1"}]}"#,
            "{\"metricValues\":[{\"value\":\"tab\t\"}]}",
            "{\"metricValues\":[{\"value\":\"nul\0\"}]}",
            r#"{"metricValues":[{"value":"\ud800"}]}"#,
            r#"{"metricValues":[{"value":"\ud800\u0041"}]}"#,
            r#"{"metricValues":[{"value":"\udc00"}]}"#,
            r#"{"metricValues":[{"value":"\u+041"}]}"#,
            r#"{"metricValues":[{"value":"\u00e"}]}"#,
            r#"{"metricValues":[{"value":"\x"}]}"#,
            r#"{"metricValues":[{"value":"\"#,
            &format!(r#"{{"metricValues":[{{"value":"{long}"}}]}}"#),
            &format!(r#"{{"metricValues":[{{"value":"\n{long}"}}]}}"#),
            &format!(r#"{{"metricValues":[{wide}]}}"#),
        ] {
            assert_eq!(read(&format!("[{row}]")), None, "{row}");
        }
        assert_eq!(read(r#"[{"metricValues":[{"value":"1"}]}"#), None);
    }

    #[test]
    fn cell_of_any_length_ends_at_any_special_character() {
        for length in 0..40 {
            let text = "é€x~\u{7f}😀".chars().cycle().take(length).collect::<String>();
            for end in ['"', '\\', '\0', '\u{1f}', '\n'] {
                for rest in ["", "\"", "abcdefgh\\"] {
                    assert_eq!(plain(format!("{text}{end}{rest}").as_bytes()), text.len());
                }
            }
            assert_eq!(plain(text.as_bytes()), text.len());
        }
        for byte in 0..=u8::MAX {
            let want = if matches!(byte, b'"' | b'\\' | ..0x20) { 3 } else { 9 };
            assert_eq!(plain(&[b'a', 0x80, b'!', byte, b'#', b']', b' ', 0xff, b'a']), want, "{byte}");
        }
    }

    #[test]
    fn every_escape_is_what_serde_makes_of_it() {
        let bytes: Vec<String> = (' '..='~').map(|c| format!("\\{c}")).collect();
        let units = (0..=0xffff_u32).step_by(7).map(|unit| format!("\\u{unit:04x}"));
        let pairs = (0xd7f0..0xe010).step_by(5).map(|unit| format!("\\u{unit:04X}\\u{:04x}", unit ^ 0x0450));
        for escape in bytes.into_iter().chain(units).chain(pairs) {
            let rows = format!(r#"[{{"metricValues":[{{"value":"a{escape}b"}}]}}]"#);
            let mut table = Table::default();
            let mut json = serde_json::Deserializer::from_str(&rows);
            let seed = crate::analytics::table::Rows { table: &mut table, size: 0, sparse: false };
            let by_serde = seed.deserialize(&mut json).ok().map(|()| cells(&table));
            assert_eq!(read(&rows).map(|(_, rows)| rows), by_serde, "{escape}");
        }
    }
}
