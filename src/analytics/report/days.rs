//! A report by day, with the days that Google leaves out because nothing happened.

use super::Report;
use crate::analytics::answer::ColumnKind;
use crate::analytics::rows::Row;
use crate::error::{Error, ErrorKind};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::iter::successors;
use time::Date;

/// The dimension that a report by day has.
const DATE: &str = "date";

impl Report {
    /// Each day from `first` to `last` with its row, in order; `None` for a day without one. Google sends no
    /// row for a day on which nothing happened, with `keep_empty_rows` neither.
    ///
    /// The report's only dimension is `date`. Which days relative dates mean is up to the property's time zone
    /// ([`time_zone`](crate::analytics::ResponseMetadata::time_zone)), so the days are named here.
    ///
    /// ```
    /// use time::{Date, Month};
    ///
    /// # fn see(report: &shortway::analytics::Report) -> Result<(), Box<dyn std::error::Error>> {
    /// let first = Date::from_calendar_date(2026, Month::January, 1)?;
    /// for (day, row) in report.by_day(first, first + time::Duration::days(30))? {
    ///     let sessions: u64 = row.map_or(Ok(0), |row| row.read("sessions"))?;
    ///     println!("{day} {sessions}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when the report has another dimension or not this one, when rows are missing
    /// ([`is_complete`](Self::is_complete)), when a cell is no day, as `(other)` is none, when two rows are of
    /// one day, and when a day does not lie between `first` and `last`.
    pub fn by_day(
        &self,
        first: Date,
        last: Date,
    ) -> Result<impl Iterator<Item = (Date, Option<Row<'_>>)>, Error> {
        let dimensions = self.columns.iter().filter(|column| matches!(column.kind, ColumnKind::Dimension));
        if !dimensions.map(|column| column.name.as_str()).eq([DATE]) {
            return Err(Error::new(ErrorKind::Row, "the report is not by day")
                .with_hint("request the dimension `date` and no other, for one date range"));
        }
        if !self.is_complete() {
            return Err(Error::new(ErrorKind::Row, "the report has not all of its days")
                .with_hint("request it without offset and with a larger limit"));
        }
        let mut rows = BTreeMap::new();
        for row in self.each_row() {
            let (number, day) = (row.number(), row.read::<Date>(0)?);
            let fault = match rows.entry(day) {
                _ if !(first..=last).contains(&day) => format!("{day} is not between {first} and {last}"),
                Entry::Occupied(_) => format!("{day} has a row already"),
                Entry::Vacant(place) => {
                    place.insert(row);
                    continue;
                }
            };
            let message = format!("row {number}, column `{DATE}`: {fault}");
            return Err(Error::new(ErrorKind::Row, message).with_cell(Some(number), Some(DATE)));
        }
        let days = successors(Some(first), |day| day.next_day()).take_while(move |day| *day <= last);
        Ok(days.map(move |day| (day, rows.remove(&day))))
    }
}
