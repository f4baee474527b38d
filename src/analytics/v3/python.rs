//! The arguments of a call of Google's client for Python: `ids='ga:1234', start_date='30daysAgo', …`.
//!
//! Only what a program can read without Python: names with texts in quotes, whole numbers, `True`, `False`
//! and `None`.

use super::fault::wrong;
use crate::analytics::wire::quoted;
use crate::error::Error;

/// Whether `text` is such a call: behind the first `=` of its arguments stands a text in quotes.
pub(super) fn is_call(text: &str) -> bool {
    let value = arguments(text).split_once('=').map(|(_, value)| value.trim_start()).unwrap_or_default();
    is_quoted(value) || value.get(1..).is_some_and(|rest| is_prefix(value) && is_quoted(rest))
}

/// What stands in the call; `results = service.data().ga().get(` may stand before it.
fn arguments(text: &str) -> &str {
    let before = text.split(['\'', '"']).next().unwrap_or_default();
    &text[before.rfind('(').map_or(0, |at| at + 1)..]
}

/// The names and values of a call.
pub(super) fn parameters(text: &str) -> Result<Vec<(String, String)>, Error> {
    let mut rest = arguments(text);
    let mut found = Vec::new();
    loop {
        rest = past_blanks(rest.trim_start_matches(|c: char| c == ',' || c.is_whitespace()));
        if rest.is_empty() || rest.starts_with(')') {
            return Ok(found);
        }
        let Some((name, after)) = rest.split_once('=') else {
            // Not quoted: it may be a piece of a token.
            return Err(unreadable(found.last().map_or("its start", |(name, _): &(String, String)| name)));
        };
        let (value, after) = value(name.trim(), past_blanks(after))?;
        if let Some(value) = value {
            found.push((name.trim().to_owned(), value));
        }
        rest = past_blanks(after);
        if !(rest.is_empty() || rest.starts_with([',', ')'])) {
            return Err(unreadable(name.trim()));
        }
    }
}

/// Skips blanks, ends of lines and comments.
fn past_blanks(text: &str) -> &str {
    let mut rest = text.trim_start();
    while let Some(comment) = rest.strip_prefix('#') {
        rest = comment.split_once('\n').map_or("", |(_, next)| next).trim_start();
    }
    rest
}

fn is_quoted(text: &str) -> bool {
    text.starts_with(['\'', '"'])
}

fn is_prefix(text: &str) -> bool {
    text.starts_with(['r', 'R', 'u', 'U'])
}

/// A value, none for `None`, and what follows it. Texts beside each other are one, as in Python.
fn value<'t>(name: &str, text: &'t str) -> Result<(Option<String>, &'t str), Error> {
    let (mut value, mut rest) = (None::<String>, text);
    loop {
        let is_raw = rest.starts_with(['r', 'R']);
        let quoted = if is_prefix(rest) && rest.get(1..).is_some_and(is_quoted) { &rest[1..] } else { rest };
        if !is_quoted(quoted) {
            break;
        }
        let (part, after) = literal(quoted, is_raw).ok_or_else(|| unreadable(name))?;
        value.get_or_insert_default().push_str(&part);
        rest = past_blanks(after);
    }
    if value.is_some() {
        return Ok((value, rest));
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
    match &text[..end] {
        "None" => Ok((None, &text[end..])),
        word @ ("True" | "False") => Ok((Some(word.to_owned()), &text[end..])),
        word if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) => {
            Ok((Some(word.to_owned()), &text[end..]))
        }
        _ => Err(unreadable(name)),
    }
}

/// A text in quotes, and what follows it. Python keeps a backslash before anything that it has no escape for.
fn literal(text: &str, is_raw: bool) -> Option<(String, &str)> {
    let mark = text.chars().next()?;
    let mut value = String::new();
    let mut rest = text[1..].char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '\\' => match rest.next()?.1 {
                escaped if !is_raw && ['\\', '\'', '"'].contains(&escaped) => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            c if c == mark => return Some((value, &text[at + 2..])),
            c => value.push(c),
        }
    }
    None
}

fn unreadable(name: &str) -> Error {
    wrong(
        format!("the v3 query in Python has no plain value at {}", quoted(name)),
        "write each parameter as name='value', variables and calls by the values that they stand for",
    )
}
