//! Encodings that hold a text and nothing else, each undone by a function of its own.
//!
//! In: text. Out: the text inside, wiped when dropped, or nothing when it is not in this encoding.

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

type Text = Zeroizing<String>;

/// A string of JSON: `"{\"type\": …}"`.
pub(super) fn json_string(text: &str) -> Option<Text> {
    text.starts_with('"').then(|| serde_json::from_str(text).ok()).flatten().map(Zeroizing::new)
}

/// Quotes of an env file, a shell or a document around the whole, and what was copied with it.
pub(super) fn between_quotes(text: &str) -> Option<Text> {
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    let inner = pairs.iter().find_map(|(left, right)| text.strip_prefix(*left)?.strip_suffix(*right));
    let inner = inner.or_else(|| {
        let cut = text.trim_end_matches([',', ';']);
        (cut.len() < text.len()).then_some(cut)
    });
    inner.filter(|inner| !inner.is_empty()).map(|inner| Zeroizing::new(inner.to_owned()))
}

/// A fenced block of Markdown.
pub(super) fn fenced(text: &str) -> Option<Text> {
    let (_, inner) = text.strip_prefix("```")?.split_once('\n')?;
    Some(Zeroizing::new(inner.strip_suffix("```")?.to_owned()))
}

/// Quotes as entities of HTML.
pub(super) fn html(text: &str) -> Option<Text> {
    let entities =
        [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&#10;", "\n"), ("&#43;", "+"), ("&amp;", "&")];
    let is_quoted = text.contains("&quot;") || text.contains("&#34;");
    is_quoted.then(|| {
        let mut inner = Zeroizing::new(text.to_owned());
        for (entity, character) in entities {
            inner = Zeroizing::new(inner.replace(entity, character));
        }
        inner
    })
}

/// Escapes of a JSON string or a shell around the whole, without the quotes: `{\"type\": …}`, or line breaks
/// outside of strings as a backslash and an `n`.
pub(super) fn unescaped(text: &str) -> Option<Text> {
    let first = text.strip_prefix(['{', '['])?.trim_start();
    let is_escaped = first.split_once('"').is_some_and(|(before, _)| before.ends_with('\\'));
    if is_escaped && text.contains("\\\\n") {
        return json_string(&quoted(text));
    }
    // A shell escapes the quotes alone.
    if is_escaped {
        return Some(Zeroizing::new(text.replace("\\\"", "\"")));
    }
    first.starts_with('\\').then(|| without_line_breaks(text))
}

/// `text` in quotes, as a string of JSON.
fn quoted(text: &str) -> Text {
    let mut quoted = Zeroizing::new(String::with_capacity(text.len() + 64));
    quoted.push('"');
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `text` without the backslash escapes that are outside of its strings.
fn without_line_breaks(text: &str) -> Text {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    let mut characters = text.chars().peekable();
    let mut is_inside = false;
    while let Some(c) = characters.next() {
        match c {
            '\\' if !is_inside => {
                while characters.next_if_eq(&'\\').is_some() {}
                characters.next_if(|c| matches!(c, 'n' | 'r' | 't'));
            }
            '\\' => {
                out.push(c);
                out.extend(characters.next());
            }
            c => {
                is_inside ^= c == '"';
                out.push(c);
            }
        }
    }
    out
}

/// Percent-encoding: `%7B%22type%22 …`.
pub(super) fn percent(text: &str) -> Option<Text> {
    if !(text.starts_with("%7") || text.starts_with("%22")) {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let code = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(code, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(byte);
        }
    }
    Some(Zeroizing::new(std::str::from_utf8(&bytes).ok()?.to_owned()))
}

/// The shortest base64 that is decoded: 40 characters. A key file is never shorter.
const SHORTEST: usize = 40;

/// Base64 in one of its alphabets, on any number of lines, padded or not, also in a `data:` URL.
pub(super) fn base64(text: &str) -> Option<Text> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,")?.1,
        None => text,
    };
    let mut body = Zeroizing::new(String::with_capacity(text.len()));
    body.extend(text.chars().filter(|c| !c.is_whitespace()));
    if body.len() < SHORTEST {
        return None;
    }
    let alphabet = if body.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    let bytes = Zeroizing::new(GeneralPurpose::new(&alphabet, CONFIG).decode(body.as_bytes()).ok()?);
    let text = std::str::from_utf8(&bytes).ok()?;
    Some(Zeroizing::new(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()))
}
