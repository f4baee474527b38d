//! Reads rows that are written as Google writes them, several times as fast as a reader of any JSON.
//!
//! In: the bytes after `"rows":`. Out: the same table as from `read`, or `None` at the first byte that is not
//! as expected: a key in another place, a value that is no text, other white space, a control character, half
//! a surrogate pair, what is not UTF-8. Then the caller reads the whole answer by serde, which decides what
//! is an error, so that this file decides nothing.

use super::read::{MAX_BLOCK, MAX_CELL};
use super::{MAX_COLUMNS, Table, UNSET, length_bytes};
use std::marker::PhantomData;

/// Reads an array of rows at the beginning of `json` into an empty table; gives what stands behind the array.
/// `size` is the size of the answer in bytes.
pub(in crate::analytics) fn scan<'j>(json: &'j [u8], table: &mut Table, size: usize) -> Option<&'j [u8]> {
    let most = (size / 64).min(MAX_BLOCK);
    match json.strip_prefix(Compact::ROWS) {
        Some(rest) => Scan::<Compact>::new(rest, table, most).rows(),
        None => Scan::<Pretty>::new(json.strip_prefix(Pretty::ROWS)?, table, most).rows(),
    }
}

/// What stands between the texts of an answer.
trait Layout {
    const ROWS: &[u8];
    const ROW: &[u8];
    const DIMENSIONS: &[u8];
    const METRICS: &[u8];
    const CELL: &[u8];
    const EMPTY_CELL: &[u8];
    const CELL_END: &[u8];
    const VALUES_END: &[u8];
    const ROW_END: &[u8];
    const ROWS_END: &[u8];
}

/// With `prettyPrint=false`.
struct Compact;

impl Layout for Compact {
    const ROWS: &[u8] = b"[";
    const ROW: &[u8] = b"{";
    const DIMENSIONS: &[u8] = b"\"dimensionValues\":[";
    const METRICS: &[u8] = b"\"metricValues\":[";
    const CELL: &[u8] = b"{\"value\":\"";
    const EMPTY_CELL: &[u8] = b"{}";
    const CELL_END: &[u8] = b"\"}";
    const VALUES_END: &[u8] = b"]";
    const ROW_END: &[u8] = b"}";
    const ROWS_END: &[u8] = b"]";
}

/// By default: two spaces a level.
struct Pretty;

impl Layout for Pretty {
    const ROWS: &[u8] = b" [";
    const ROW: &[u8] = b"\n    {";
    const DIMENSIONS: &[u8] = b"\n      \"dimensionValues\": [";
    const METRICS: &[u8] = b"\n      \"metricValues\": [";
    const CELL: &[u8] = b"\n        {\n          \"value\": \"";
    const EMPTY_CELL: &[u8] = b"\n        {}";
    const CELL_END: &[u8] = b"\"\n        }";
    const VALUES_END: &[u8] = b"\n      ]";
    const ROW_END: &[u8] = b"\n    }";
    const ROWS_END: &[u8] = b"\n  ]";
}

/// So many bytes of cells are gathered before they go to the table: 16 KiB, a fraction of a processor's
/// nearest cache. A row of more than that is left to serde.
const BATCH: usize = 16 << 10;

struct Scan<'j, 't, L> {
    at: Cursor<'j>,
    table: &'t mut Table,
    /// The size of the table's largest block.
    most: usize,
    /// Rows for the table: each cell as its length, then its text.
    batch: Vec<u8>,
    /// Where each row begins in the batch.
    starts: Vec<u32>,
    layout: PhantomData<L>,
}

impl<'j, 't, L: Layout> Scan<'j, 't, L> {
    fn new(rest: &'j [u8], table: &'t mut Table, most: usize) -> Self {
        // A batch is never larger than its JSON.
        let batch = vec![0; rest.len().min(2 * BATCH)];
        Self { at: Cursor { rest, end: 0 }, table, most, batch, starts: Vec::new(), layout: PhantomData }
    }

    fn rows(mut self) -> Option<&'j [u8]> {
        loop {
            self.starts.push(u32::try_from(self.at.end).ok()?);
            let shape = self.row()?;
            if *self.table.shape.get_or_insert(shape) != shape {
                return None;
            }
            let is_last = !self.at.is_next(b",");
            if is_last || self.at.end >= BATCH {
                let cells = str::from_utf8(&self.batch[..self.at.end]).ok()?;
                self.table.push_rows(cells, &self.starts, self.most);
                self.starts.clear();
                self.at.end = 0;
            }
            if is_last {
                self.at.expect(L::ROWS_END)?;
                return Some(self.at.rest);
            }
        }
    }

    /// One row; gives how many dimensions and metrics it has.
    #[inline]
    fn row(&mut self) -> Option<(usize, usize)> {
        // A cursor of its own stays in registers.
        let mut at = self.at;
        at.expect(L::ROW)?;
        let dimensions = if at.is_next(L::DIMENSIONS) { at.values::<L>(&mut self.batch, true)? } else { 0 };
        let mut metrics = 0;
        if dimensions == 0 || at.is_next(b",") {
            at.expect(L::METRICS)?;
            metrics = at.values::<L>(&mut self.batch, false)?;
        }
        at.expect(L::ROW_END)?;
        self.at = at;
        Some((dimensions, metrics))
    }
}

/// How far the scan is.
#[derive(Clone, Copy)]
struct Cursor<'j> {
    /// The JSON that is left.
    rest: &'j [u8],
    /// Where the batch ends; the place behind it is free.
    end: usize,
}

impl Cursor<'_> {
    /// The cells of an array, at least one; gives how many. They may be without a value if `unset`.
    #[inline(always)]
    fn values<L: Layout>(&mut self, batch: &mut [u8], unset: bool) -> Option<usize> {
        for count in 1..=MAX_COLUMNS {
            if self.is_next(L::CELL) {
                self.text(batch)?;
                self.expect(L::CELL_END)?;
            } else if unset {
                self.expect(L::EMPTY_CELL)?;
                *batch.get_mut(self.end..)?.first_chunk_mut()? = UNSET;
                self.end += UNSET.len();
            } else {
                return None;
            }
            if !self.is_next(b",") {
                self.expect(L::VALUES_END)?;
                return Some(count);
            }
        }
        None
    }

    /// A cell up to its closing quote.
    #[inline(always)]
    fn text(&mut self, batch: &mut [u8]) -> Option<()> {
        let start = self.end;
        // One byte is left for the length.
        self.end += 1;
        while self.plain(batch)? == b'\\' {
            *self = self.escape(batch)?;
        }
        let length = self.end - start - 1;
        match length {
            ..0x40 => *batch.get_mut(start)? = length as u8,
            _ => self.end = long(batch, start, self.end)?,
        }
        Some(())
    }

    /// Copies text up to the first quote, backslash or control character, eight bytes at a time; gives that
    /// character. `None` when the JSON or the room for a row ends.
    #[inline(always)]
    fn plain(&mut self, batch: &mut [u8]) -> Option<u8> {
        loop {
            let eight = self.rest.first_chunk::<8>()?;
            *batch.get_mut(self.end..)?.first_chunk_mut()? = *eight;
            let special = special(u64::from_le_bytes(*eight));
            let plain = special.trailing_zeros() as usize / 8;
            self.rest = self.rest.get(plain..)?;
            self.end += plain;
            if special != 0 {
                return self.rest.first().copied();
            }
        }
    }

    /// Puts the character that an escape means into the batch.
    #[cold]
    fn escape(mut self, batch: &mut [u8]) -> Option<Self> {
        let (character, rest) = unescape(self.rest.strip_prefix(b"\\")?)?;
        self.rest = rest;
        let place = batch.get_mut(self.end..self.end + character.len_utf8())?;
        self.end += character.encode_utf8(place).len();
        Some(self)
    }

    #[inline(always)]
    fn is_next(&mut self, what: &[u8]) -> bool {
        self.expect(what).is_some()
    }

    #[inline(always)]
    fn expect(&mut self, what: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(what)?;
        Some(())
    }
}

/// Makes room for a length of more than a byte before the text that begins behind `start`; gives its new end.
#[cold]
fn long(batch: &mut [u8], start: usize, end: usize) -> Option<usize> {
    let text = start + 1..end;
    let (length, digits) = length_bytes(text.len());
    if text.len() > MAX_CELL || end + digits > batch.len() {
        return None;
    }
    batch.copy_within(text, start + digits);
    batch.get_mut(start..start + digits)?.copy_from_slice(&length[..digits]);
    Some(end + digits - 1)
}

/// The character that an escape means, by what stands behind its backslash, and the text behind it.
fn unescape(escape: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = escape.split_first()?;
    let character = match first {
        b'"' | b'\\' | b'/' => char::from(*first),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(rest),
        _ => return None,
    };
    Some((character, rest))
}

/// The character of `\uXXXX`, or of two of them where the first is half a character.
fn unicode(escape: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = four_digits(escape)?;
    if let Some(character) = char::from_u32(first.into()) {
        return Some((character, rest));
    }
    let (second, rest) = four_digits(rest.strip_prefix(b"\\u")?)?;
    let character = char::decode_utf16([first, second]).next()?.ok()?;
    Some((character, rest))
}

fn four_digits(text: &[u8]) -> Option<(u16, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let digit = |number: u16, byte: &u8| Some(number << 4 | char::from(*byte).to_digit(16)? as u16);
    Some((digits.iter().try_fold(0, digit)?, rest))
}

/// Sets the highest bit of the first byte that is a quote, a backslash or a control character. Bytes above
/// that one may be marked too, where a subtraction borrows.
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
        let rest = scan(text.as_bytes(), &mut table, text.len())?;
        Some((str::from_utf8(rest).expect("UTF-8"), cells(&table)))
    }

    fn cells(table: &Table) -> Vec<Vec<String>> {
        let text = |cell: Option<&str>| cell.unwrap_or("no value").to_owned();
        (0..table.rows()).map(|row| table.row(row).values().map(text).collect()).collect()
    }

    #[test]
    fn rows_as_google_writes_them_are_taken() {
        let compact = concat!(
            r#"[{"dimensionValues":[{"value":"20260101"},{"value":""}],"metricValues":[{"value":"1"}]},"#,
            r#"{"dimensionValues":[{},{"value":"/a\u003d\"\\\/\b\f\n\r\t\ud83d\uDE00é"}],"#,
            r#""metricValues":[{"value":"-0.5"}]}],"rowCount":2}"#
        );
        let want = [["20260101", "", "1"], ["no value", "/a=\"\\/\u{8}\u{c}\n\r\t\u{1f600}é", "-0.5"]];
        let (rest, rows) = read(compact).expect("as Google writes it");
        assert_eq!(rest, r#","rowCount":2}"#);
        assert_eq!(rows, want);

        let array = compact.strip_suffix(rest).expect("a suffix");
        let value: serde_json::Value = serde_json::from_str(array).expect("JSON");
        let pretty = serde_json::to_string_pretty(&serde_json::json!({"rows": value})).expect("JSON");
        let (rest, rows) =
            read(pretty.split_once("\"rows\":").expect("rows").1).expect("as Google writes it");
        assert_eq!((rest, rows.len()), ("\n}", 2));
        assert_eq!(rows, want);
    }

    #[test]
    fn rows_of_dimensions_or_of_metrics_alone_are_taken() {
        for key in ["dimensionValues", "metricValues"] {
            let (_, rows) =
                read(&format!(r#"[{{"{key}":[{{"value":"a"}}]}}],"rowCount":1}}"#)).expect("one row");
            assert_eq!(rows, [["a"]]);
        }
    }

    #[test]
    fn anything_else_is_left_to_serde() {
        let long = "x".repeat(MAX_CELL + 1);
        let wide = vec![r#"{"value":""}"#; MAX_COLUMNS + 1].join(",");
        for row in [
            "",
            "null",
            "{}",
            r#"{"metricValues":[]}"#,
            r#"{"metricValues":null}"#,
            r#"{"metricValues":[null]}"#,
            r#"{"metricValues":[{}]}"#,
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
            assert_eq!(read(&format!(r#"[{row}],"rowCount":1}}"#)), None, "{row}");
        }
        assert_eq!(read(r#"[{"metricValues":[{"value":"1"}]}"#), None);
    }

    #[test]
    fn cells_of_every_length_are_kept() {
        let texts: Vec<String> =
            (0..300).map(|n| "é€x~\u{7f}😀".chars().cycle().take(n * n % 977).collect()).collect();
        let row = |text: &String| {
            format!(r#"{{"dimensionValues":[{{"value":"{text}"}},{{"value":"\n{text}\n"}}]}}"#)
        };
        let json = format!("[{}]        ", texts.iter().map(row).collect::<Vec<_>>().join(","));
        let want: Vec<_> = texts.iter().map(|text| vec![text.clone(), format!("\n{text}\n")]).collect();
        assert!(read(&json).expect("rows").1 == want, "some row differs");
    }

    #[test]
    fn first_special_byte_is_found_among_all_others() {
        for byte in 0..=u8::MAX {
            for place in 0..8 {
                let mut eight = [b'a', 0x80, b'!', b'#', b']', b'[', b' ', 0xff];
                eight[place] = byte;
                let found = special(u64::from_le_bytes(eight)).trailing_zeros() as usize / 8;
                let is_special = matches!(byte, b'"' | b'\\' | ..0x20);
                assert_eq!(found, if is_special { place } else { 8 }, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_left_to_serde() {
        for bytes in [&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xed\xa0\x80", b"\x80"] {
            let json = [&b"[{\"metricValues\":[{\"value\":\"a"[..], bytes, b"\"},{\"value\":\"\xa9\"}]}]  "]
                .concat();
            assert!(scan(&json, &mut Table::default(), json.len()).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn every_escape_is_what_serde_makes_of_it() {
        let bytes: Vec<String> = (' '..='~').map(|c| format!("\\{c}")).collect();
        let units = (0..=0xffff_u32).step_by(7).map(|unit| format!("\\u{unit:04x}"));
        let pairs = (0xd7f0..0xe010).step_by(5).map(|unit| format!("\\u{unit:04X}\\u{:04x}", unit ^ 0x0450));
        for escape in bytes.into_iter().chain(units).chain(pairs) {
            let rows = format!(r#"[{{"metricValues":[{{"value":"a{escape}b"}}]}}]        "#);
            let mut table = Table::default();
            let mut json = serde_json::Deserializer::from_str(&rows);
            let seed = crate::analytics::table::Rows { table: &mut table, size: 0, sparse: false };
            let by_serde = seed.deserialize(&mut json).ok().map(|()| cells(&table));
            assert_eq!(read(&rows).map(|(_, rows)| rows), by_serde, "{escape}");
        }
    }
}
