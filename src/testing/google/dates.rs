//! Ranges of days and of minutes as the Data API takes them; days in UTC, the fake property's time zone.

use super::refusal::Refusal;
use super::wire::{WireDateRange, WireMinuteRange};
use std::time::SystemTime;
use time::{Date, Duration, Month, OffsetDateTime};

/// A range with its name and its days, first and last included, as `YYYYMMDD`; or its minutes ago, as `MM`.
pub(super) struct Days {
    pub(super) name: String,
    first: String,
    last: String,
}

impl Days {
    pub(super) fn contains(&self, day: &str) -> bool {
        (self.first.as_str()..=self.last.as_str()).contains(&day)
    }
}

/// Reads the ranges of a request made at `now`.
pub(super) fn read(ranges: &[WireDateRange], now: SystemTime) -> Result<Vec<Days>, Refusal> {
    let invalid = |message: String| Err(Refusal::Invalid(message));
    if ranges.is_empty() {
        return invalid("A dateRange is required.".into());
    }
    if ranges.len() > 4 {
        return invalid("Requests are limited to 4 dateRanges.".into());
    }
    let today = OffsetDateTime::from(now).date();
    let mut days = Vec::new();
    for (index, range) in ranges.iter().enumerate() {
        let (Some(first), Some(last)) = (day(&range.start_date, today), day(&range.end_date, today)) else {
            return invalid(format!(
                "Invalid startDate: {} or endDate: {}. Use the format YYYY-MM-DD, NdaysAgo, yesterday, or today.",
                range.start_date, range.end_date
            ));
        };
        if first > last {
            return invalid(format!("startDate {} is after endDate {}.", range.start_date, range.end_date));
        }
        days.push(Days {
            name: name(range.name.as_deref(), index)?,
            first: compact(first),
            last: compact(last),
        });
    }
    Ok(days)
}

fn name(given: Option<&str>, index: usize) -> Result<String, Refusal> {
    match given {
        Some(name) if name.starts_with("date_range_") || name.starts_with("RESERVED_") => {
            Err(Refusal::Invalid(format!("The dateRange name {name} is reserved.")))
        }
        Some(name) => Ok(name.to_owned()),
        None => Ok(format!("date_range_{index}")),
    }
}

/// Reads the minute ranges of a request; the last 30 minutes without one.
pub(super) fn minutes(ranges: &[WireMinuteRange]) -> Result<Vec<Days>, Refusal> {
    if ranges.is_empty() {
        return Ok(vec![Days { name: "date_range_0".into(), first: "00".into(), last: "29".into() }]);
    }
    if ranges.len() > 2 {
        return Err(Refusal::Invalid("Requests are limited to 2 minuteRanges.".into()));
    }
    let mut found = Vec::new();
    for (index, range) in ranges.iter().enumerate() {
        let (start, end) = (range.start_minutes_ago.unwrap_or(29), range.end_minutes_ago.unwrap_or(0));
        if start > 29 || end > start {
            return Err(Refusal::Invalid(format!(
                "Invalid minuteRange: startMinutesAgo {start}, endMinutesAgo {end}; standard properties have the last 30 minutes."
            )));
        }
        let name = name(range.name.as_deref(), index)?;
        found.push(Days { name, first: format!("{end:02}"), last: format!("{start:02}") });
    }
    Ok(found)
}

fn day(text: &str, today: Date) -> Option<Date> {
    match text {
        "today" => Some(today),
        "yesterday" => today.previous_day(),
        _ => match text.strip_suffix("daysAgo") {
            Some(days) => today.checked_sub(Duration::days(days.parse::<u32>().ok()?.into())),
            None => {
                let (year, rest) = text.split_once('-')?;
                let (month, day) = rest.split_once('-')?;
                let plain = (year.len(), month.len(), day.len()) == (4, 2, 2);
                let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
                Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok().filter(|_| plain)
            }
        },
    }
}

fn compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day())
}
