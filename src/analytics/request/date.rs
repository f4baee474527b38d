//! Ranges of days, as Google's JSON has them.

use serde::Serialize;
use time::{Date, Duration, Month};

/// A range of days, first and last included, in the property's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DateRange {
    /// `YYYY-MM-DD`, `NdaysAgo`, `yesterday` or `today`.
    pub start_date: String,
    /// The same.
    pub end_date: String,
    /// What the range is called in the column `dateRange`; `date_range_0`, `date_range_1`, … by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl DateRange {
    /// From `start_date` to `end_date`, each `YYYY-MM-DD`, `NdaysAgo`, `yesterday` or `today`.
    pub fn new(start_date: impl Into<String>, end_date: impl Into<String>) -> Self {
        Self { start_date: start_date.into(), end_date: end_date.into(), name: None }
    }

    /// So many whole days, the last of them yesterday. The property's time zone decides which day that is;
    /// the day that is still running is not in it. No days, `last_days(0)`, would begin after they end:
    /// Google refuses that.
    #[must_use]
    pub fn last_days(days: u32) -> Self {
        Self::new(format!("{days}daysAgo"), "yesterday")
    }

    /// The same range with so many days more before it: for a job that runs every day and corrects what it
    /// stored, because Google's figures still change for some days. A relative start stays relative. A start
    /// that is not of the documented form stays as it is.
    ///
    /// ```
    /// use shortway::analytics::DateRange;
    ///
    /// assert_eq!(DateRange::last_days(1).look_back(3), DateRange::last_days(4));
    /// ```
    #[must_use]
    pub fn look_back(mut self, days: u32) -> Self {
        if let Some(start) = earlier(&self.start_date, days) {
            self.start_date = start;
        }
        self
    }

    /// Whether the range goes on to `today` or later, so that its figures still change while a report is read,
    /// page by page or one day after the other. `today` is the day in the property's time zone. An end that is
    /// not of the documented form may be any day.
    ///
    /// ```
    /// use shortway::analytics::DateRange;
    /// # let today = time::Date::from_calendar_date(2026, time::Month::January, 1)?;
    ///
    /// assert!(DateRange::new("7daysAgo", "today").reaches(today));
    /// assert!(!DateRange::last_days(7).reaches(today));
    /// # Ok::<(), time::error::ComponentRange>(())
    /// ```
    #[must_use]
    pub fn reaches(&self, today: Date) -> bool {
        match Day::read(&self.end_date) {
            Some(Day::Ago(days)) => days == 0,
            Some(Day::On(date)) => date >= today,
            None => true,
        }
    }

    /// From one calendar day to another.
    #[must_use]
    pub fn between(first: Date, last: Date) -> Self {
        Self::new(iso(first), iso(last))
    }

    /// Yesterday.
    #[must_use]
    pub fn yesterday() -> Self {
        Self::new("yesterday", "yesterday")
    }

    /// Today so far: figures still change for a day or two.
    #[must_use]
    pub fn today() -> Self {
        Self::new("today", "today")
    }

    /// Gives the range a name for the column `dateRange`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// A start or an end of a documented form.
enum Day {
    /// So many days ago.
    Ago(u32),
    On(Date),
}

impl Day {
    fn read(text: &str) -> Option<Self> {
        match text {
            "today" => return Some(Self::Ago(0)),
            "yesterday" => return Some(Self::Ago(1)),
            _ => {}
        }
        if let Some(days) = text.strip_suffix("daysAgo") {
            return days.parse().ok().map(Self::Ago);
        }
        let mut parts = text.splitn(3, '-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok().map(Self::On)
    }
}

/// The day that lies so many days before a start.
fn earlier(start: &str, days: u32) -> Option<String> {
    match Day::read(start)? {
        Day::Ago(ago) => Some(format!("{}daysAgo", ago.saturating_add(days))),
        Day::On(date) => date.checked_sub(Duration::days(days.into())).map(iso),
    }
}

fn iso(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}
