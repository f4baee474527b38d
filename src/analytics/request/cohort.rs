//! Cohorts: users who began at the same time, and how many came back.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/CohortSpec>

use super::date::DateRange;
use crate::analytics::wire::{is_default, is_false};
use serde::Serialize;

/// Which cohorts a report follows, and for how long.
///
/// The request then has no date ranges, and the dimension `cohort` among its dimensions.
///
/// ```
/// use shortway::analytics::{Cohort, CohortSpec, DateRange, Granularity, ReportRequest};
///
/// let week = Cohort::new(DateRange::new("2026-01-04", "2026-01-10")).named("first_week");
/// let request = ReportRequest::new()
///     .dimensions(["cohort", "cohortNthWeek"])
///     .metrics(["cohortActiveUsers"])
///     .cohort_spec(CohortSpec::new([week], Granularity::Weekly, 4));
/// # let _ = request;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CohortSpec {
    /// The cohorts.
    #[serde(skip_serializing_if = "is_default")]
    pub cohorts: Vec<Cohort>,
    /// How long they are followed.
    #[serde(skip_serializing_if = "is_default")]
    pub cohorts_range: Option<CohortsRange>,
    /// Settings of the report.
    #[serde(skip_serializing_if = "is_default")]
    pub cohort_report_settings: Option<CohortReportSettings>,
}

impl CohortSpec {
    /// Follows `cohorts` from their beginning to the end of so many days, weeks or months after the first.
    pub fn new(cohorts: impl IntoIterator<Item = Cohort>, granularity: Granularity, end_offset: u32) -> Self {
        Self {
            cohorts: cohorts.into_iter().collect(),
            cohorts_range: Some(CohortsRange { granularity, start_offset: 0, end_offset }),
            cohort_report_settings: None,
        }
    }

    /// Begins so many days, weeks or months after the first: 0 by default.
    #[must_use]
    pub fn start_offset(mut self, offset: u32) -> Self {
        if let Some(range) = &mut self.cohorts_range {
            range.start_offset = offset;
        }
        self
    }

    /// Counts from the first day up to each day, instead of each day by itself. Google takes it in pivot
    /// reports only.
    #[must_use]
    pub fn accumulate(mut self, accumulate: bool) -> Self {
        self.cohort_report_settings = Some(CohortReportSettings { accumulate });
        self
    }
}

/// Users whose first session was in a range of days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cohort {
    /// What it is called in the column `cohort`: `cohort_0`, `cohort_1`, … by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The dimension whose value makes the cohort: `firstSessionDate`, the only one there is.
    pub dimension: String,
    /// The days of the first session.
    pub date_range: DateRange,
}

impl Cohort {
    /// Users whose first session was in `days`.
    #[must_use]
    pub fn new(days: DateRange) -> Self {
        Self { name: None, dimension: "firstSessionDate".into(), date_range: days }
    }

    /// Gives the cohort a name; Google takes none that begins with `cohort_` or `RESERVED_`.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// How long cohorts are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CohortsRange {
    /// What the offsets count.
    pub granularity: Granularity,
    /// The first day, week or month: 0 by default.
    #[serde(skip_serializing_if = "is_default")]
    pub start_offset: u32,
    /// The last one.
    #[serde(skip_serializing_if = "is_default")]
    pub end_offset: u32,
}

/// The unit of time in which cohorts are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Granularity {
    /// Days.
    Daily,
    /// Weeks.
    Weekly,
    /// Months.
    Monthly,
}

/// Settings of a report over cohorts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CohortReportSettings {
    /// Whether each day counts all days before it too.
    #[serde(skip_serializing_if = "is_false")]
    pub accumulate: bool,
}
