//! Any `Retry-After` and `Date` at any time: no panic, and the next try is due within the hour or at no set
//! time.
//!
//! Input, in lines: the time (a count of milliseconds since 1970), the status (its first byte chooses 429,
//! 503 or 400), `Retry-After`, `Date`, the body. A line that is empty or missing leaves that header out.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use shortway::TokenKind;
use shortway::endpoint::token::parse;
use shortway_fuzz::{check_error, response};
use std::time::{Duration, SystemTime};

/// The last millisecond of the year 9999.
const END_OF_TIME: u64 = 253_402_300_799_999;

/// The longest wait that a server can ask for, and what rounding to whole seconds may add.
const MAX_WAIT: Duration = Duration::from_secs(3600);
const ROUNDING: Duration = Duration::from_secs(1);

fuzz_target!(|input: &[u8]| -> Corpus {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.splitn(5, '\n');
    let mut line = || lines.next().unwrap_or_default();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(millis(line()));
    let status = [429, 503, 400][usize::from(line().bytes().next().unwrap_or_default()) % 3];
    let mut headers = vec![("retry-after", line()), ("date", line())];
    headers.retain(|(_, value)| !value.is_empty());
    let response = response(status, &headers, line().as_bytes()).expect("a response");
    let error = parse(&response, TokenKind::Access, now, now).expect_err("no token comes with such a status");
    check_error(&error);
    if let Some(at) = error.retry_at() {
        assert!(at >= now - ROUNDING, "a try that was due before: {at:?} at {now:?}");
        assert!(at <= now + MAX_WAIT + ROUNDING, "a try that is due in too long: {at:?} at {now:?}");
    }
    Corpus::Keep
});

/// The digits of `text` as a time before the end of the year 9999; other characters count for nothing.
fn millis(text: &str) -> u64 {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    digits.fold(0, |n, d| (n * 10 + u64::from(d - b'0')) % (END_OF_TIME + 1))
}
