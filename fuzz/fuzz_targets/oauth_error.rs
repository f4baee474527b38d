//! Any body under a refusal: no panic, and what of it gets into the error is one line without a word that is
//! long enough to be a token.
//!
//! Input: a byte whose two low bits choose the status (`0` is 400, `1` 401, `2` 403, `3` 200), then the body.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use shortway::TokenKind;
use shortway::endpoint::token::parse;
use shortway_fuzz::{check_error, response};
use std::time::{Duration, SystemTime};

const STATUS: [u16; 4] = [400, 401, 403, 200];

/// The longest word that is no link: 80 characters, the crate's 60 bytes with its own punctuation around
/// them.
const MAX_WORD: usize = 80;

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((choice, body)) = input.split_first() else { return Corpus::Reject };
    let headers = [("Content-Type", "application/json; charset=utf-8")];
    let response = response(STATUS[usize::from(choice & 3)], &headers, body).expect("a response");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let Err(error) = parse(&response, TokenKind::Access, now, now) else { return Corpus::Keep };
    check_error(&error);
    for word in error.to_string().split_whitespace() {
        assert!(
            word.chars().count() <= MAX_WORD || is_google_link(word),
            "a long word in an error: {word:?}"
        );
    }
    assert!(error.code().is_none_or(|code| code.chars().count() <= 301), "a code that was not cut");
    Corpus::Keep
});

/// Whether `word`, punctuation aside, is an https link to a host name under google.com, with no user name in
/// it.
fn is_google_link(word: &str) -> bool {
    let Some(rest) = word.trim_start_matches('(').strip_prefix("https://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let labels = host.strip_suffix("google.com").unwrap_or("?");
    (labels.is_empty() || labels.ends_with('.'))
        && labels.len() <= MAX_WORD
        && labels.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}
