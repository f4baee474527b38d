//! What a response says about time: the server's clock, and when to come back.

use std::time::{Duration, SystemTime};
use ureq::http::header::{DATE, HeaderMap, RETRY_AFTER};

/// The longest wait that a server's `Retry-After` can ask for: 1 h.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The server's clock when it answered: the `Date` header, if it is a date (RFC 9110 §6.6.1).
#[must_use]
pub fn date(headers: &HeaderMap) -> Option<SystemTime> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

/// When the server asks to come back: the `Retry-After` header, seconds or a date (RFC 9110 §10.2.3), as a
/// time of this machine's clock. `now` is its reading when the response came. A date is taken relative to the
/// server's own. At most an hour ahead; a value that is neither, or that comes twice, is ignored.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<SystemTime> {
    let mut values = headers.get_all(RETRY_AFTER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let value = value.to_str().ok()?.trim();
    let wait = if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number with more digits than fit is over the limit as well.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        http_date(value)?.duration_since(date(headers).unwrap_or(now)).unwrap_or_default()
    };
    now.checked_add(wait.min(MAX_RETRY_AFTER))
}

/// A date in any of the three forms of RFC 9110 §5.6.7; none of them is longer than 40 characters.
fn http_date(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text.get(..text.len().min(64))?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ureq::http::HeaderName;

    fn retry_after(headers: &[(&str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).expect("a name"), value.parse().expect("a value"));
        }
        // 1994-11-06 08:49:37 UTC.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        super::retry_after(&map, now).map(|at| at.duration_since(now).expect("never before now").as_secs())
    }

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        for (value, seconds) in [
            ("3", 3),
            ("0", 0),
            ("3601", 3600),
            ("1000000000", 3600),
            ("99999999999999999999", 3600),
            ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
            ("Sunday, 06-Nov-94 08:49:47 GMT", 10),
            ("Sun Nov  6 08:49:47 1994", 10),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
        ] {
            assert_eq!(retry_after(&[("Retry-After", value)]), Some(seconds), "{value}");
        }
        for value in [
            "-1",
            "soon",
            "",
            "1.5",
            "3 s",
            "Sun, 06 Nov 1994",
            &"9".repeat(10_000)[..9_999].replace('9', "x"),
        ] {
            assert_eq!(retry_after(&[("Retry-After", value)]), None, "{value}");
        }
        assert_eq!(retry_after(&[]), None);
        assert_eq!(retry_after(&[("Retry-After", "1"), ("retry-after", "2")]), None);
        // A server whose clock is an hour ahead means ten seconds all the same.
        let ahead =
            [("Date", "Sun, 06 Nov 1994 09:49:37 GMT"), ("Retry-After", "Sun, 06 Nov 1994 09:49:47 GMT")];
        assert_eq!(retry_after(&ahead), Some(10));
    }
}
