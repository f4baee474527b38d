//! Which days are downloaded: pure functions of what is stored, of the time, and of the property's time zone.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;

/// How many days a first run goes back where the configuration has no `since`: 30.
const FIRST_DAYS: i32 = 30;

/// What the choice of days depends on beside the stored ones.
pub(crate) struct Wanted<'w> {
    /// The last whole day of the property.
    pub(crate) yesterday: Date,
    /// Where the stored history shall begin, by the configuration.
    pub(crate) since: Option<Date>,
    /// From this day on everything is downloaded again: `--since`.
    pub(crate) again_since: Option<Date>,
    /// So many of the last days are downloaded again, because their figures may have changed.
    pub(crate) look_back: u32,
    /// What the report is now; a day that was stored under another definition is missing.
    pub(crate) definition: &'w str,
}

/// The last day that is over in `zone`, an IANA name, at the time `now`.
pub(crate) fn yesterday(now: Timestamp, zone: &str) -> Result<Date, Error> {
    let unknown = |error| {
        Error::new(ErrorKind::Schema, format!("the property's time zone `{zone}` is not known"))
            .with_hint("update nightly: its table of time zones may be old")
            .with_source(error)
    };
    let zone = TimeZone::get(zone).map_err(unknown)?;
    Ok(before(zone.to_datetime(now).date(), 1))
}

/// The days to download, the newest first: those that are missing, and the look-back.
///
/// `stored` has the definition under which each stored day was downloaded.
pub(crate) fn days(stored: &BTreeMap<Date, String>, wanted: &Wanted<'_>) -> Vec<Date> {
    let last = wanted.yesterday;
    let default = before(last, FIRST_DAYS - 1);
    let oldest = stored.keys().next().copied().unwrap_or(default).min(default);
    let first = wanted.since.unwrap_or(oldest);
    let first = wanted.again_since.map_or(first, |again| first.min(again));
    let look_back = i32::try_from(wanted.look_back).unwrap_or(i32::MAX);
    let is_due = |day: &Date| {
        let days_ago = (last - *day).get_days();
        days_ago < look_back
            || wanted.again_since.is_some_and(|again| *day >= again)
            || stored.get(day).is_none_or(|definition| definition != wanted.definition)
    };
    let mut days: Vec<Date> = first.series(1.day()).take_while(|day| *day <= last).filter(is_due).collect();
    days.reverse();
    days
}

/// The day so many days earlier; the calendar's first day where there is none.
fn before(day: Date, days: i32) -> Date {
    day.saturating_sub(days.days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const LAST: Date = date(2026, 3, 10);

    fn wanted() -> Wanted<'static> {
        let since = Some(date(2026, 3, 1));
        Wanted { yesterday: LAST, since, again_since: None, look_back: 3, definition: "views" }
    }

    fn stored(days: impl IntoIterator<Item = i8>) -> BTreeMap<Date, String> {
        days.into_iter().map(|day| (date(2026, 3, day), "views".to_owned())).collect()
    }

    fn in_march(days: impl IntoIterator<Item = i8>) -> Vec<Date> {
        days.into_iter().map(|day| date(2026, 3, day)).collect()
    }

    #[test]
    fn nothing_stored_is_everything_since_the_first_day_the_newest_first() {
        assert_eq!(days(&stored([]), &wanted()), in_march((1..=10).rev()));
    }

    #[test]
    fn without_a_first_day_thirty_days_are_wanted() {
        let days = days(&stored([]), &Wanted { since: None, ..wanted() });
        assert_eq!((days.len(), days[29]), (30, date(2026, 2, 9)));
    }

    #[test]
    fn everything_stored_is_the_look_back_alone() {
        assert_eq!(days(&stored(1..=10), &wanted()), in_march([10, 9, 8]));
        assert_eq!(days(&stored(1..=10), &Wanted { look_back: 0, ..wanted() }), []);
    }

    #[test]
    fn nights_that_were_missed_and_holes_are_filled() {
        assert_eq!(days(&stored([1, 2, 4, 5, 6, 7]), &wanted()), in_march([10, 9, 8, 3]));
        assert_eq!(days(&stored(1..=3), &wanted()), in_march((4..=10).rev()));
    }

    #[test]
    fn stored_days_before_the_first_default_day_stay_part_of_the_history() {
        let old = BTreeMap::from([(date(2026, 1, 1), "views".to_owned())]);
        let days = days(&old, &Wanted { since: None, ..wanted() });
        assert_eq!((days.len(), days.last()), (68, Some(&date(2026, 1, 2))));
    }

    #[test]
    fn days_of_another_definition_are_missing() {
        let mut stored = stored(1..=10);
        stored.insert(date(2026, 3, 2), "users".to_owned());
        assert_eq!(days(&stored, &wanted()), in_march([10, 9, 8, 2]));
    }

    #[test]
    fn since_on_the_command_line_downloads_stored_days_again_and_older_ones_too() {
        let again = |day| Wanted { again_since: Some(day), ..wanted() };
        assert_eq!(days(&stored(1..=10), &again(date(2026, 3, 6))), in_march((6..=10).rev()));
        assert_eq!(days(&stored(1..=10), &again(date(2026, 2, 27))).len(), 12);
    }

    #[test]
    fn a_first_day_that_is_not_over_is_nothing_to_do() {
        assert_eq!(days(&stored([]), &Wanted { since: Some(date(2026, 3, 11)), ..wanted() }), []);
    }

    #[test]
    fn the_day_is_the_property_s_not_the_machine_s() {
        let now = "2026-03-08T02:30:00Z".parse().unwrap();
        let day = |zone| yesterday(now, zone).unwrap().to_string();
        assert_eq!(day("Etc/UTC"), "2026-03-07");
        assert_eq!(day("America/Los_Angeles"), "2026-03-06");
        assert_eq!(day("Pacific/Kiritimati"), "2026-03-07");
        let late = "2026-03-08T12:00:00Z".parse().unwrap();
        assert_eq!(yesterday(late, "Pacific/Kiritimati").unwrap().to_string(), "2026-03-08");
    }

    #[test]
    fn the_night_of_a_clock_change_has_one_yesterday() {
        // In New York 2026-03-08 has 23 hours: midnight is 05:00 UTC before it, 04:00 UTC after it.
        let day = |now: &str| yesterday(now.parse().unwrap(), "America/New_York").unwrap().to_string();
        assert_eq!(day("2026-03-08T04:59:59Z"), "2026-03-06");
        assert_eq!(day("2026-03-08T05:00:00Z"), "2026-03-07");
        assert_eq!(day("2026-03-09T03:59:59Z"), "2026-03-07");
        assert_eq!(day("2026-03-09T04:00:00Z"), "2026-03-08");
    }

    #[test]
    fn a_time_zone_that_nobody_knows_is_told_with_the_way_out() {
        let error = yesterday(Timestamp::UNIX_EPOCH, "Mars/Olympus").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the property's time zone `Mars/Olympus` is not known; \
             update nightly: its table of time zones may be old"
        );
    }
}
