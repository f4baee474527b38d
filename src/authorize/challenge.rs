//! What a 401 is about: its challenges.
//!
//! In: a response. Out: whether another token may help. RFC 6750 §3, RFC 9110 §11.6.1.

use crate::http::{HeaderMap, Response, header};

/// Whether the response is a 401 that another token may cure: its challenges name the error `invalid_token`,
/// or none (RFC 6750 §3.1; Google's services have sent 401 without one).
pub(super) fn is_about_the_token<B>(response: &Response<B>) -> bool {
    if response.status() != 401 {
        return false;
    }
    let errors: Vec<String> = challenge_errors(response.headers()).collect();
    errors.is_empty() || errors.iter().any(|error| error == "invalid_token")
}

/// The values of the attribute `error` in all challenges, quoted or bare (RFC 9110 §11.6.1; old Google
/// services leave the quotes out), blanks around `=` allowed.
fn challenge_errors(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    texts.flat_map(attributes).filter(|(name, _)| name.eq_ignore_ascii_case("error")).map(|(_, value)| value)
}

/// Names and values of a challenge. What stands in another attribute's quotes is part of that value.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        let name = before.trim_end().rsplit([',', ' ', '\t']).next().unwrap_or_default();
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted_value(quoted),
            None => {
                let end = after.find([',', ' ', '\t']).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        found.push((name.to_owned(), value));
        rest = next;
    }
    found
}

/// A quoted string up to its closing quote, its escapes undone, and what follows.
fn quoted_value(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_replaced(challenge: Option<&str>) -> bool {
        let mut response = Response::builder().status(401);
        if let Some(challenge) = challenge {
            response = response.header(header::WWW_AUTHENTICATE, challenge);
        }
        is_about_the_token(&response.body(()).expect("a response"))
    }

    #[test]
    fn challenge_is_read_quoted_and_bare_and_with_blanks() {
        for challenge in [
            r#"Bearer realm="https://accounts.google.com/", error="invalid_token""#,
            "Bearer realm=google,error=invalid_token",
            r#"Bearer realm="x", error = "invalid_token""#,
            "Bearer error\t=\tinvalid_token",
            r#"Bearer realm="a \"b\", error=insufficient_scope", error="invalid_token""#,
        ] {
            assert!(is_replaced(Some(challenge)), "{challenge}");
        }
    }

    #[test]
    fn refusal_without_an_error_is_about_the_token_and_one_with_another_error_is_not() {
        assert!(is_replaced(None));
        assert!(is_replaced(Some(r#"Bearer realm="https://accounts.google.com/""#)));
        assert!(!is_replaced(Some(r#"Bearer error="insufficient_scope""#)));
        assert!(!is_replaced(Some(r#"Bearer error="invalid_request", realm="error=invalid_token""#)));
    }
}
