//! A day of a report as it goes to a sink: rows, and a record of what is known about them.

use crate::config::Definition;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use shortway::analytics::{Column, ColumnKind, Doubt, MetricType, Report};
use shortway::{Error, ErrorKind};
use std::collections::BTreeMap;

/// One day of one report of one site, whole.
pub(crate) struct Day<'d> {
    pub(crate) site: &'d str,
    pub(crate) report: &'d str,
    /// Its pages, in order; at least one.
    pub(crate) pages: &'d [Report],
    pub(crate) record: Record,
}

/// What is known about a stored day: a row of the table `runs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) date: Date,
    /// When it was downloaded, UTC, in whole seconds.
    pub(crate) fetched_at: Timestamp,
    pub(crate) rows: u64,
    /// `exact`, or what can be said against the figures: words with commas, `sampled,thresholded`.
    pub(crate) quality: String,
    /// What the request cost, in tokens of the property's quota, where Google said.
    pub(crate) tokens: Option<i32>,
    /// How many tokens were left for the day.
    pub(crate) tokens_left: Option<i32>,
    pub(crate) time_zone: String,
    /// Each metric over the whole day, each user counted once: Google computes it.
    pub(crate) totals: BTreeMap<String, f64>,
    /// What the metrics are counted in: empty, `s`, or a currency.
    pub(crate) units: BTreeMap<String, String>,
    /// See [`Definition::text`].
    pub(crate) definition: String,
}

/// What a column stores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Text,
    Integer,
    Real,
}

impl Kind {
    pub(crate) fn of(column: &Column) -> Self {
        match column.kind {
            ColumnKind::Metric(MetricType::Integer) => Self::Integer,
            ColumnKind::Metric(_) => Self::Real,
            _ => Self::Text,
        }
    }
}

/// A cell as a column stores it.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'c> {
    Text(&'c str),
    Integer(i64),
    Real(f64),
    /// A placeholder of Google's where a figure should be.
    Null,
}

impl<'c> Cell<'c> {
    /// # Errors
    /// When a figure is none.
    pub(crate) fn read(kind: Kind, text: &'c str) -> Result<Self, Error> {
        let cell = match kind {
            Kind::Text => Some(Cell::Text(text)),
            Kind::Integer => text.parse().ok().map(Cell::Integer),
            Kind::Real => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Cell::Real),
        };
        match cell {
            Some(cell) => Ok(cell),
            None if matches!(text, "" | "(not set)" | "(other)" | "(data not available)") => Ok(Cell::Null),
            None => Err(Error::new(ErrorKind::Row, "a figure of the report is not a number of its type")),
        }
    }
}

impl<'d> Day<'d> {
    pub(crate) fn new(
        site: &'d str,
        definition: &'d Definition,
        date: Date,
        pages: &'d [Report],
    ) -> Result<Self, Error> {
        let none = || Error::new(ErrorKind::Schema, "the report has no page");
        let (first, rest) = pages.split_first().ok_or_else(none)?;
        let mut quality: Vec<&str> = pages.iter().flat_map(|page| page.quality().doubts).map(word).collect();
        quality.dedup();
        let quota = |page: &Report| page.property_quota().and_then(|quota| quota.tokens_per_day);
        let record = Record {
            date,
            fetched_at: Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default(),
            rows: pages.iter().map(|page| page.len() as u64).sum(),
            quality: if quality.is_empty() { "exact".to_owned() } else { quality.join(",") },
            tokens: pages.iter().filter_map(|page| quota(page)?.consumed).reduce(i32::saturating_add),
            tokens_left: quota(rest.last().unwrap_or(first)).and_then(|tokens| tokens.remaining),
            time_zone: first.metadata().time_zone.clone().unwrap_or_default(),
            totals: totals(first),
            units: units(first),
            definition: definition.text.clone(),
        };
        Ok(Self { site, report: &definition.name, pages, record })
    }

    /// The columns of the rows, in the order of the cells.
    pub(crate) fn columns(&self) -> &[Column] {
        self.pages.first().map_or(&[], |page| page.columns())
    }

    /// The cells of each row, as text.
    pub(crate) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = &str>> {
        self.pages.iter().flat_map(|page| page.each_row().map(|row| row.cells()))
    }
}

fn word(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Sampled { .. } => "sampled",
        Doubt::OtherRow => "other-row",
        Doubt::Thresholded => "thresholded",
        Doubt::Truncated(_) => "truncated",
        Doubt::HiddenMetrics(_) => "hidden-metrics",
        Doubt::Empty(_) => "empty",
        _ => "inexact",
    }
}

fn metrics(report: &Report) -> impl Iterator<Item = (&str, &MetricType)> {
    report.columns().iter().filter_map(|column| match &column.kind {
        ColumnKind::Metric(kind) => Some((column.name.as_str(), kind)),
        _ => None,
    })
}

/// A metric without a total, as on a day without rows, is left out.
fn totals(report: &Report) -> BTreeMap<String, f64> {
    let total = |name: &str| report.total::<Option<f64>>(name).ok().flatten();
    metrics(report).filter_map(|(name, _)| Some((name.to_owned(), total(name)?))).collect()
}

fn units(report: &Report) -> BTreeMap<String, String> {
    let currency = report.metadata().currency_code.as_deref().unwrap_or_default();
    let unit = |kind: &MetricType| match kind.as_str() {
        "TYPE_SECONDS" => "s",
        "TYPE_MILLISECONDS" => "ms",
        "TYPE_MINUTES" => "min",
        "TYPE_HOURS" => "h",
        "TYPE_CURRENCY" => currency,
        "TYPE_FEET" => "ft",
        "TYPE_MILES" => "mi",
        "TYPE_METERS" => "m",
        "TYPE_KILOMETERS" => "km",
        _ => "",
    };
    metrics(report).map(|(name, kind)| (name.to_owned(), unit(kind).to_owned())).collect()
}
