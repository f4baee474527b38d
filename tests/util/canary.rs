//! Looks for pieces of a secret in output, in every form in which programs print bytes by mistake.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use std::collections::HashSet;
use std::error::Error;

/// Pieces of a secret as they would look in output.
pub struct Canary {
    pieces: HashSet<String>,
    /// How long pieces are, each length once.
    lengths: Vec<usize>,
    /// How pieces begin: most places in an output need no further look.
    starts: HashSet<[u8; START]>,
}

/// How many bytes of a piece are looked at first.
const START: usize = 4;

/// How many bytes of a secret in a row count as a leak.
const BYTES: usize = 6;

/// How many characters in a row of a secret text count as a leak.
const CHARACTERS: usize = 8;

impl Canary {
    /// Watches for `text` itself and for each of `blobs`, bytes that it stands for: plain, as base64 of both
    /// alphabets at all three alignments, as hex, as a list of decimal numbers, percent-encoded.
    #[must_use]
    pub fn new(text: &str, blobs: &[&[u8]]) -> Self {
        // The BEGIN and END lines are the same for all keys, and no secret.
        let body: Vec<&str> = text.lines().filter(|line| !line.starts_with("-----")).collect();
        let text = body.join("\n");
        let mut pieces = HashSet::new();
        let characters: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
        pieces.extend(characters.windows(CHARACTERS).map(|w| w.iter().collect::<String>()));
        for bytes in blobs.iter().copied().chain([text.as_bytes()]) {
            for window in bytes.windows(BYTES) {
                let join = |f: &dyn Fn(&u8) -> String, with: &str| {
                    window.iter().map(f).collect::<Vec<_>>().join(with)
                };
                pieces.insert(join(&|b| format!("{b:02x}"), ""));
                pieces.insert(join(&|b| format!("{b:02X}"), ""));
                pieces.insert(join(&|b| format!("{b:02x}"), ":"));
                pieces.insert(join(&|b| format!("{b:02x}"), " "));
                pieces.insert(join(&|b| b.to_string(), ", "));
                pieces.insert(join(&|b| b.to_string(), ","));
                pieces.insert(join(&|b| format!("%{b:02X}"), ""));
                pieces.insert(join(&|b| format!("%{b:02x}"), ""));
                // As `{:02x?}` and `{:#04x?}` print bytes, and `\x` escapes.
                pieces.insert(join(&|b| format!("{b:02x}"), ","));
                pieces.insert(join(&|b| format!("{b:#04x}"), ","));
                pieces.insert(join(&|b| format!("\\x{b:02x}"), ""));
                // 6 bytes are 8 characters without padding, so windows at all offsets cover every alignment.
                pieces.insert(BASE64_STANDARD.encode(window));
                pieces.insert(BASE64_URL_SAFE_NO_PAD.encode(window));
            }
        }
        let mut lengths: Vec<usize> = pieces.iter().map(String::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let starts = pieces.iter().filter_map(|piece| piece.as_bytes().first_chunk().copied()).collect();
        Self { pieces, lengths, starts }
    }

    /// The first leak in `output`.
    #[must_use]
    pub fn find(&self, output: &str) -> Option<String> {
        let squeezed: String = output.chars().filter(|c| !c.is_whitespace()).collect();
        for text in [output, squeezed.as_str()] {
            for start in text.char_indices().map(|(i, _)| i) {
                let begins = text.as_bytes()[start..].first_chunk::<START>();
                if !begins.is_some_and(|begin| self.starts.contains(begin)) {
                    continue;
                }
                for length in &self.lengths {
                    if let Some(piece) = text.get(start..start + length)
                        && self.pieces.contains(piece)
                    {
                        return Some(piece.to_owned());
                    }
                }
            }
        }
        None
    }

    /// Fails when a piece of the secret is in `output`.
    ///
    /// # Panics
    /// When a piece of the secret is in `output`.
    #[track_caller]
    pub fn assert_absent(&self, output: &str) {
        if let Some(piece) = self.find(output) {
            panic!("a piece of the secret, {piece:?}, is in:\n{output}");
        }
    }
}

/// All that an error can print: Display, both Debug forms, and the same of its causes.
#[must_use]
pub fn all_texts(error: &dyn Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    if let Some(source) = error.source() {
        text += &all_texts(source);
    }
    text
}
