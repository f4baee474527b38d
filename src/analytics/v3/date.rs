//! Dates of a v3 query: `YYYY-MM-DD`, `today`, `yesterday`, `NdaysAgo`, the same in both APIs.

use super::fault::wrong;
use crate::analytics::wire::quoted;
use crate::error::Error;
use time::{Date, Month};

/// The first day that GA4 has: 14 August 2015. Its API refuses days before it.
/// <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/DateRange>
const FIRST_DAY: (i32, Month, u8) = (2015, Month::August, 14);

/// Refuses a range that GA4 has no answer to.
pub(super) fn check(start: &str, end: &str) -> Result<(), Error> {
    let (first, last) = (day("start-date", start)?, day("end-date", end)?);
    match (first, last) {
        (Some(first), Some(last)) if first > last => Err(wrong(
            format!("the v3 query ends on {end}, before it starts on {start}"),
            "give start-date the earlier day",
        )),
        _ => Ok(()),
    }
}

/// The calendar day, or none for a relative one.
fn day(parameter: &str, text: &str) -> Result<Option<Date>, Error> {
    if text == "today" || text == "yesterday" {
        return Ok(None);
    }
    if let Some(days) = text.strip_suffix("daysAgo")
        && is_digits(days)
        && days.parse::<u32>().is_ok()
    {
        return Ok(None);
    }
    let Some(date) = calendar(text) else {
        return Err(wrong(
            format!("the v3 query has the {parameter} {}, which is no day", quoted(text)),
            "give YYYY-MM-DD, NdaysAgo, yesterday or today",
        ));
    };
    if (date.year(), date.month(), date.day()) < FIRST_DAY {
        return Err(wrong(
            format!("the v3 query has the {parameter} {text}, and GA4 has no data before 2015-08-14"),
            "give a later day; figures of Universal Analytics cannot be queried any more",
        ));
    }
    Ok(Some(date))
}

fn calendar(text: &str) -> Option<Date> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let is_plain = (year.len(), month.len(), day.len()) == (4, 2, 2);
    if !is_plain || ![year, month, day].into_iter().all(is_digits) {
        return None;
    }
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
