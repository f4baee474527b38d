//! Checks that the fuzz targets share: what an error may look like, and what must never be in one.

use serde_json::Value;
use shortway::Error;
use shortway::http::Response;

/// The longest error text: 2,000 characters, three times what the crate's own words and a server's capped
/// ones make.
const MAX_TEXT: usize = 2000;

/// How many characters of a secret in a row count as an echo. The longest run of base64 characters in the
/// crate's own sentences is shorter.
const WINDOW: usize = 16;

/// A response with these headers; those that no server can send (their value is not valid) are left out.
///
/// # Panics
/// Never: status and headers are checked before.
#[must_use]
pub fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Option<Response<Vec<u8>>> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        if let Ok(value) = shortway::http::HeaderValue::from_str(value) {
            response = response.header(*name, value);
        }
    }
    response.body(body.to_vec()).ok()
}

/// An error is one line, of a bearable length, with no control characters, in `Display` and in `Debug`.
///
/// # Panics
/// When it is not: that is the finding.
pub fn check_error(error: &Error) {
    check_line(&error.to_string());
    check_line(&format!("{error:?}"));
}

/// The same for a text of another kind.
///
/// # Panics
/// When it is not: that is the finding.
pub fn check_line(text: &str) {
    assert!(!text.is_empty(), "an error without a word");
    assert!(text.chars().count() < MAX_TEXT, "an error of {} characters", text.chars().count());
    assert!(!text.chars().any(char::is_control), "a control character in an error: {text:?}");
}

/// No 16 characters in a row of the string `field` of the JSON object `input` are in `text`.
///
/// Only runs of base64 characters count, since secrets are made of them and sentences are not. What stands in
/// another field too may be shown on that field's account.
///
/// # Panics
/// When they are: that is the finding.
pub fn check_no_echo(input: &[u8], field: &str, text: &str) {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(input) else { return };
    let Some(Value::String(secret)) = fields.remove(field) else { return };
    let mut shown = String::new();
    for value in fields.values().filter_map(Value::as_str) {
        // As the crate prints fields: without control characters, or escaped.
        shown.extend(value.chars().filter(|c| !c.is_control()));
        shown.push_str(&format!(" {value:?} "));
    }
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || b"+/=".contains(b);
    for window in secret.as_bytes().windows(WINDOW).filter(|w| w.iter().all(base64)) {
        let window = str::from_utf8(window).expect("base64 is ASCII");
        assert!(!text.contains(window) || shown.contains(window), "{window:?} of {field} is in {text:?}");
    }
}
