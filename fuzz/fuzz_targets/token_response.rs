//! Any answer of a token endpoint: no panic, every token fits a header and dies in time, every error is fit
//! for a log.
//!
//! Input: four bytes whose low halves choose status, `Date`, `Retry-After` and `Content-Type` (`0` to `9` are
//! the first ten of each table, `J` to `O` the rest), then the body.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use shortway::TokenKind;
use shortway::endpoint::token::parse;
use shortway_fuzz::{check_error, check_no_echo, response};
use std::time::{Duration, SystemTime};

const STATUS: [u16; 16] = [200, 400, 401, 403, 404, 429, 500, 503, 302, 407, 408, 501, 204, 100, 999, 0];

const DATE: [Option<&str>; 16] = [
    None,
    Some("Fri, 15 Jan 2027 08:00:00 GMT"), // now
    Some("Fri, 15 Jan 2027 08:00:30 GMT"),
    Some("Fri, 15 Jan 2027 07:00:00 GMT"),
    Some("Sat, 16 Jan 2027 08:00:00 GMT"),
    Some("Thu, 01 Jan 1970 00:00:00 GMT"),
    Some("Fri, 31 Dec 9999 23:59:59 GMT"),
    Some("Friday, 15-Jan-27 08:00:00 GMT"),
    Some("Fri Jan 15 08:00:00 2027"),
    Some("2027-01-15T08:00:00Z"),
    Some(""),
    Some("now"),
    Some("Fri, 32 Jan 2027 08:00:00 GMT"),
    Some("Fri, 15 Jan 2027 08:00:00 +0100"),
    Some("Fri, 31 Dec 99999 23:59:59 GMT"),
    Some("Fri, 15 J\u{e4}n 2027 08:00:00 GMT"),
];

const RETRY_AFTER: [Option<&str>; 16] = [
    None,
    Some("0"),
    Some("1"),
    Some("120"),
    Some("3600"),
    Some("3601"),
    Some("86400"),
    Some("18446744073709551615"),
    Some("18446744073709551616"),
    Some("-1"),
    Some("1.5"),
    Some(""),
    Some("Fri, 15 Jan 2027 08:01:00 GMT"),
    Some("Thu, 01 Jan 1970 00:00:00 GMT"),
    Some("Fri, 31 Dec 9999 23:59:59 GMT"),
    Some("soon"),
];

const CONTENT_TYPE: [Option<&str>; 16] = [
    Some("application/json; charset=utf-8"),
    None,
    Some("application/json"),
    Some("APPLICATION/JSON"),
    Some("text/html; charset=utf-8"),
    Some("text/plain"),
    Some(""),
    Some("application/x-www-form-urlencoded"),
    Some("application/problem+json"),
    Some("multipart/form-data; boundary=x"),
    Some(";"),
    Some("application/json; charset=utf-16"),
    Some("json"),
    Some("*/*"),
    Some("application/jwt"),
    Some("\u{fffd}"),
];

/// The longest token and the longest life that the crate promises: 8 KiB and 12 h.
const MAX_TOKEN: usize = 8192;
const MAX_LIFETIME: Duration = Duration::from_secs(43_200);

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((choices, body)) = input.split_first_chunk::<4>() else { return Corpus::Reject };
    let [status, date, retry_after, content_type] = choices.map(|byte| usize::from(byte & 15));
    let headers = [
        ("Date", DATE[date]),
        ("Retry-After", RETRY_AFTER[retry_after]),
        ("Content-Type", CONTENT_TYPE[content_type]),
    ];
    let headers: Vec<_> = headers.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    // No status below 100 is one of HTTP.
    let Some(response) = response(STATUS[status], &headers, body) else { return Corpus::Reject };
    let kind = if choices[0] & 16 == 0 { TokenKind::Access } else { TokenKind::Id };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    match parse(&response, kind, now, now) {
        Ok(token) => {
            assert_eq!(response.status(), 200, "a token from another status than 200");
            let text = token.expose_secret();
            assert!((1..=MAX_TOKEN).contains(&text.len()), "a token of {} bytes", text.len());
            assert!(is_b68token(text), "a token that no header can carry");
            assert_eq!(token.kind(), kind);
            if kind == TokenKind::Id {
                return Corpus::Keep;
            }
            let life = token.expires_at().duration_since(now).expect("a token that has not expired");
            assert!((Duration::from_secs(1)..=MAX_LIFETIME).contains(&life), "a token for {life:?}");
        }
        Err(error) => {
            check_error(&error);
            check_no_echo(body, "access_token", &format!("{error} {error:?}"));
            check_no_echo(body, "id_token", &format!("{error} {error:?}"));
        }
    }
    Corpus::Keep
});

/// RFC 6750 §2.1, read byte by byte: one or more of letters, digits and `-._~+/`, then any number of `=`.
fn is_b68token(text: &str) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(b);
    let length = text.bytes().take_while(allowed).count();
    length > 0 && text.bytes().skip(length).all(|b| b == b'=')
}
