//! The JSON document of an answer: text, whole, and one object.
//!
//! In: the body as bytes, and what it shall be, for errors: "report". Out: a message of the API.

use super::wire::{Fill, Part};
use crate::error::{Error, ErrorKind, scrub};
use serde::de::DeserializeSeed;
use serde_json::error::Category;

/// Reads a message; what is not known in it is skipped.
pub(super) fn read<T: Part + Default>(body: &[u8], what: &str) -> Result<T, Error> {
    let text = text(body, what)?;
    if !text.trim_start().starts_with('{') {
        return Err(schema(what, "it is not a JSON object"));
    }
    let mut message = T::default();
    let mut json = serde_json::Deserializer::from_str(text);
    Fill(&mut message).deserialize(&mut json).and_then(|()| json.end()).map_err(|e| no_json(what, &e))?;
    Ok(message)
}

/// The text of a body, if it can be read without much memory beside it.
pub(super) fn text<'b>(body: &'b [u8], what: &str) -> Result<&'b str, Error> {
    let text = str::from_utf8(body).map_err(|error| match error.error_len() {
        None => cut(what),
        Some(_) => schema(what, "it is not UTF-8"),
    })?;
    if has_giant_token(body) {
        return Err(schema(what, "a long stretch of it has no text"));
    }
    Ok(text)
}

/// Whether a sixty-fourth of an answer of more than 4 MiB is one text, or one nest of brackets: `serde_json`
/// needs memory of its own for those, up to three times their size. Google sends a text every few bytes.
pub(super) fn has_giant_token(body: &[u8]) -> bool {
    let is_text_end = |pair: &[u8]| pair[1] == b'"' && pair[0] != b'\\';
    body.len() > 4 << 20 && body.chunks_exact(body.len() / 64).any(|c| !c.windows(2).any(is_text_end))
}

/// The answer is not what it shall be.
pub(super) fn schema(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::Schema, format!("the response of Analytics ({what}) is not valid: {why}"))
}

/// A body that ends too soon may be whole the next time.
fn cut(what: &str) -> Error {
    schema(what, "it ends in the middle").with_retryable(true)
}

/// serde's message, which names the place and may quote a piece of the answer.
pub(super) fn no_json(what: &str, error: &serde_json::Error) -> Error {
    match error.classify() {
        Category::Eof => cut(what),
        Category::Data => schema(what, &scrub(&error.to_string())),
        _ => schema(what, &format!("it is not JSON (line {}, column {})", error.line(), error.column())),
    }
}
