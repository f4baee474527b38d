//! Makes text from outside fit for an error.
//!
//! In: text of a server, a report or a file, and the secret of this call. Out: one line of at most 300
//! characters, without control characters, without characters that are not seen, and without the secret. A
//! hostile server that invents encodings of its own is not pursued: it has the secret already.

use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, NO_PAD};
use base64::{Engine, alphabet};

/// The longest text that is kept: 300 characters, enough for every message that Google documents.
const MAX_TEXT: usize = 300;

/// The longest word that is kept: 60 bytes. A token or an assertion is longer; names, addresses and codes are
/// shorter.
const MAX_WORD: usize = 60;

/// How many characters of a secret in a row remove a word: 8. Fewer are in ordinary words by chance.
const PIECE: usize = 8;

/// The shortest secret that removes words: 4 characters. A shorter one is not a token of any server.
const MIN_SECRET: usize = 4;

/// One line, no control or invisible characters, no word long enough to be a token (links to Google's own
/// pages excepted), cut at 300 characters.
#[cfg(any(feature = "analytics", feature = "testing", test))]
pub(crate) fn scrub(text: &str) -> String {
    scrub_secret(text, "")
}

/// As [`scrub`], and without the words that hold `secret` or eight characters of it in a row, plain,
/// percent-encoded or in base64.
pub(crate) fn scrub_secret(text: &str, secret: &str) -> String {
    // The rest would be cut off anyway; a megabyte need not be read.
    let text: String = text.chars().take(20 * MAX_TEXT).collect();
    let mut kept: Vec<&str> = Vec::new();
    for word in text.split(|c| char::is_whitespace(c) || is_invisible(c)).filter(|word| !word.is_empty()) {
        if (word.len() <= MAX_WORD || is_google_link(word)) && !holds(word, secret) {
            kept.push(word);
        } else if kept.last() != Some(&REMOVED) {
            kept.push(REMOVED);
        }
    }
    let line = kept.join(" ");
    match line.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

const REMOVED: &str = "[removed]";

/// Control characters, and those of Unicode that are not seen or that change the direction of the text around
/// them: general categories Cc, Cf, Zl and Zp, and the property `Default_Ignorable_Code_Point` (Unicode 16).
fn is_invisible(c: char) -> bool {
    const RANGES: [(char, char); 28] = [
        ('\u{ad}', '\u{ad}'),
        ('\u{34f}', '\u{34f}'),
        ('\u{600}', '\u{605}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{6dd}', '\u{6dd}'),
        ('\u{70f}', '\u{70f}'),
        ('\u{890}', '\u{891}'),
        ('\u{8e2}', '\u{8e2}'),
        ('\u{115f}', '\u{1160}'),
        ('\u{17b4}', '\u{17b5}'),
        ('\u{180b}', '\u{180f}'),
        ('\u{200b}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2060}', '\u{206f}'),
        ('\u{3164}', '\u{3164}'),
        ('\u{fe00}', '\u{fe0f}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{ffa0}', '\u{ffa0}'),
        ('\u{fff0}', '\u{fffb}'),
        ('\u{110bd}', '\u{110bd}'),
        ('\u{110cd}', '\u{110cd}'),
        ('\u{13430}', '\u{1343f}'),
        ('\u{1bca0}', '\u{1bca3}'),
        ('\u{1d173}', '\u{1d17a}'),
        ('\u{e0000}', '\u{e00ff}'),
        ('\u{e0100}', '\u{e01ef}'),
        ('\u{e01f0}', '\u{e0fff}'),
        ('\u{f0000}', '\u{10ffff}'),
    ];
    c.is_control() || c > '\u{a0}' && RANGES.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

/// Whether `word` holds the secret or a piece of it.
fn holds(word: &str, secret: &str) -> bool {
    if secret.len() < MIN_SECRET {
        return false;
    }
    has_piece(word.as_bytes(), secret)
        || word.contains('%') && has_piece(&percent_decoded(word), secret)
        || base64_decodings(word).any(|decoded| has_piece(&decoded, secret))
}

fn has_piece(bytes: &[u8], secret: &str) -> bool {
    let secret = secret.as_bytes();
    let contains = |all: &[u8], part: &[u8]| all.windows(part.len()).any(|window| window == part);
    contains(bytes, &secret[..secret.len().min(PIECE)]) && secret.len() <= PIECE
        || bytes.windows(PIECE).any(|piece| contains(secret, piece))
}

fn percent_decoded(word: &str) -> Vec<u8> {
    let bytes = word.as_bytes();
    let digits = |at: usize| bytes.get(at + 1..at + 3).and_then(|two| std::str::from_utf8(two).ok());
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = digits(at).filter(|_| *byte == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        decoded.push(escaped.unwrap_or(*byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

/// What `word` may stand for in base64, standard or URL-safe, wherever in a group of four it begins.
fn base64_decodings(word: &str) -> impl Iterator<Item = Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let plain: Vec<u8> = word
        .bytes()
        .filter_map(|b| match b {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b if b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/') => Some(b),
            _ => None,
        })
        .collect();
    (0..4).filter_map(move |start| {
        let groups = plain.get(start..)?;
        STANDARD.decode(&groups[..groups.len() / 4 * 4]).ok()
    })
}

/// Whether `word` is an https link to a page under google.com, with no userinfo, no fragment, and no part
/// that is long enough to be a token.
fn is_google_link(word: &str) -> bool {
    let Some(rest) = word.strip_prefix("https://") else { return false };
    let (host, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is_name =
        host.len() <= MAX_WORD && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    let long_part = tail.split(['/', '?', '&', '=']).any(|part| part.len() > MAX_WORD);
    is_name && (host == "google.com" || host.ends_with(".google.com")) && !tail.contains('#') && !long_part
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    const TOKEN: &str = "ya29.c.b0Aaekm1K_short-token-of-forty-chars";

    #[test]
    fn text_is_one_line_without_control_and_invisible_characters() {
        assert_eq!(scrub("a\r\nb\t\u{1b}[31mc\u{0}"), "a b [31mc");
        for c in [
            '\u{ad}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{202e}',
            '\u{2066}',
            '\u{206a}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(scrub(&format!("x{c}y")), "x y", "{c:?}");
        }
        assert_eq!(scrub("Zürich 東京 naïve — “quoted”"), "Zürich 東京 naïve — “quoted”");
        assert_eq!(scrub(&"word ".repeat(100)).chars().count(), MAX_TEXT + 1);
    }

    #[test]
    fn secret_is_removed_whole_in_pieces_and_encoded() {
        let percent: String = TOKEN.bytes().map(|b| format!("%{b:02X}")).collect();
        for said in [
            TOKEN.to_owned(),
            format!("\"{TOKEN}\","),
            TOKEN[10..20].to_owned(),
            percent,
            TOKEN.replace('.', "%2E"),
            BASE64_STANDARD.encode(TOKEN),
            BASE64_URL_SAFE_NO_PAD.encode(format!("Bearer {TOKEN}")),
            BASE64_STANDARD.encode(TOKEN)[2..30].to_owned(),
        ] {
            assert_eq!(
                scrub_secret(&format!("bad token {said} sent"), TOKEN),
                "bad token [removed] sent",
                "{said}"
            );
        }
        assert_eq!(scrub_secret("the token x7Yq is bad", "x7Yq"), "the token [removed] is bad");
        assert_eq!(
            scrub_secret("ordinary words of a message remain", TOKEN),
            "ordinary words of a message remain"
        );
    }

    #[test]
    fn links_to_googles_pages_are_kept_and_other_long_words_are_not() {
        let page = "https://console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?project=12345";
        assert_eq!(scrub(page), page);
        for word in [
            "https://console.developers.google.com.evil.example/apis/api/analyticsdata.googleapis.com/overview",
            "https://user@console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?x",
            &"x".repeat(61),
        ] {
            assert_eq!(scrub(word), REMOVED, "{word}");
        }
    }
}
