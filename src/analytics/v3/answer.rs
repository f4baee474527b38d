//! A report in the shape that v3's answers had, for programs that were written for those.
//!
//! In: a translation and the report for its request. Out: `GaData`, v3's own name for it.
//! Source: the discovery document of `analytics/v3`, schema `GaData`.

use super::equivalents::FieldKind;
use super::link::url;
use super::names::Field;
use super::query::{Query, names};
use super::translation::{Columns, Translation};
use crate::analytics::answer::{Column, ColumnKind, MetricType};
use crate::analytics::report::Report;
use crate::analytics::rows::Row;
use crate::analytics::wire::quoted;
use crate::error::{Error, ErrorKind};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// An answer in v3's shape: columns by the names that the query asks for, in its order, figures as texts.
///
/// It serializes to v3's JSON. What GA4 does not say is not in it: `dataLastRefreshed`, and of `profileInfo`
/// all but the id. The links are URLs that [`Query`] parses; nothing answers there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GaData {
    /// `analytics#gaData`.
    pub kind: &'static str,
    /// The query as a URL.
    pub id: String,
    /// The query.
    #[serde(serialize_with = "echo")]
    pub query: Query,
    /// How many rows the query allows in one answer.
    pub items_per_page: u64,
    /// How many rows there are in all pages.
    pub total_results: u64,
    /// The query as a URL.
    pub self_link: String,
    /// The query for the page before, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_link: Option<String>,
    /// The query for the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
    /// The view of the query.
    pub profile_info: ProfileInfo,
    /// Whether the figures are estimates.
    pub contains_sampled_data: bool,
    /// How many events were read, if not all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_size: Option<String>,
    /// How many events there are, if not all were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample_space: Option<String>,
    /// The columns: dimensions, then metrics.
    pub column_headers: Vec<ColumnHeader>,
    /// Each metric over all rows of all pages, by its name in the query, in its order; 0 without rows.
    #[serde(serialize_with = "map")]
    pub totals_for_all_results: Vec<(String, String)>,
    /// The rows of this page. As in v3, the JSON has no `rows` where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Vec<String>>,
}

/// The view that a query is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ProfileInfo {
    /// Its number.
    pub profile_id: String,
    /// The same with `ga:` before it.
    pub table_id: String,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ColumnHeader {
    /// The name in the query.
    pub name: String,
    /// `DIMENSION` or `METRIC`.
    pub column_type: &'static str,
    /// `STRING`, `INTEGER`, `FLOAT`, `TIME` or `CURRENCY`.
    pub data_type: &'static str,
}

impl Translation {
    /// The report in the shape that v3's answers had.
    ///
    /// ```no_run
    /// # fn see(property: &shortway::analytics::Property) -> Result<(), shortway::Error> {
    /// use shortway::analytics::v3::Query;
    ///
    /// let query: Query = "ids=ga:1234&start-date=30daysAgo&end-date=yesterday&metrics=ga:visits".parse()?;
    /// let translation = query.translate()?;
    /// let results = translation.answer(&property.run_report(&translation.request)?)?;
    /// for (name, total) in &results.totals_for_all_results {
    ///     println!("{name}: {total}"); // ga:visits: 1234
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Row`] when `report` has not the columns or the totals of this translation's request.
    pub fn answer(&self, report: &Report) -> Result<GaData, Error> {
        let query = &self.query;
        let (first, rows, all) = (query.first_row(), query.page(), report.row_count());
        let next = first.saturating_add(rows);
        let (view, table_id) = (query.view()?, query.ids.trim().to_owned());
        let sample = report.metadata().sampling_metadatas.first();
        let columns = self.columns.in_report(report)?;
        Ok(GaData {
            kind: "analytics#gaData",
            id: url(query, first),
            query: query.clone(),
            items_per_page: rows,
            total_results: all,
            self_link: url(query, first),
            previous_link: (first > 1).then(|| url(query, first.saturating_sub(rows).max(1))),
            next_link: (next <= all).then(|| url(query, next)),
            profile_info: ProfileInfo { profile_id: view.to_string(), table_id },
            contains_sampled_data: sample.is_some(),
            sample_size: sample.map(|sample| sample.samples_read_count.to_string()),
            sample_space: sample.map(|sample| sample.sampling_space_size.to_string()),
            column_headers: columns
                .iter()
                .map(|(field, place)| header(field, &report.columns()[*place]))
                .collect(),
            totals_for_all_results: totals(report, &columns)?,
            rows: cells(report, &columns),
        })
    }
}

/// A name asked for, and where its column stands in the report.
type Placed<'t> = (&'t Field, usize);

impl Columns {
    fn in_report(&self, report: &Report) -> Result<Vec<Placed<'_>>, Error> {
        let kinds = [(&self.dimensions, FieldKind::Dimension), (&self.metrics, FieldKind::Metric)];
        let fields =
            kinds.into_iter().flat_map(|(fields, kind)| fields.iter().map(move |field| (field, kind)));
        fields.map(|(field, kind)| Ok((field, place(report, field, kind)?))).collect()
    }
}

/// Where the column of a field stands in the report.
fn place(report: &Report, field: &Field, kind: FieldKind) -> Result<usize, Error> {
    let is_dimension = kind == FieldKind::Dimension;
    let is_it =
        |column: &Column| column.name == field.ga4 && (column.kind == ColumnKind::Dimension) == is_dimension;
    report.columns().iter().position(is_it).ok_or_else(|| {
        Error::new(
            ErrorKind::Row,
            format!("the report has no column {} for the v3 query", quoted(&field.ga4)),
        )
        .with_hint("give it the report for the request of the same translation")
    })
}

fn header(field: &Field, column: &Column) -> ColumnHeader {
    let (column_type, data_type) = match &column.kind {
        ColumnKind::Dimension => ("DIMENSION", "STRING"),
        ColumnKind::Metric(kind) => ("METRIC", data_type(kind)),
    };
    ColumnHeader { name: field.asked.clone(), column_type, data_type }
}

/// v3's name for a type of metrics.
fn data_type(kind: &MetricType) -> &'static str {
    match kind {
        MetricType::Integer => "INTEGER",
        MetricType::Seconds => "TIME",
        MetricType::Currency => "CURRENCY",
        _ => "FLOAT",
    }
}

/// The total of each metric. v3 had zeros for a report without rows.
fn totals(report: &Report, columns: &[Placed<'_>]) -> Result<Vec<(String, String)>, Error> {
    let mut totals = Vec::new();
    for (field, place) in columns {
        let ColumnKind::Metric(kind) = &report.columns()[*place].kind else { continue };
        let total: Option<String> = report.total(&field.ga4)?;
        let zero = if *kind == MetricType::Integer { "0" } else { "0.0" };
        totals.push((field.asked.clone(), total.unwrap_or_else(|| zero.to_owned())));
    }
    Ok(totals)
}

fn cells(report: &Report, columns: &[Placed<'_>]) -> Vec<Vec<String>> {
    let cells_of = |row: Row<'_>| {
        let cells: Vec<&str> = row.cells().collect();
        columns.iter().map(|(_, place)| cells.get(*place).copied().unwrap_or_default().to_owned()).collect()
    };
    report.each_row().map(cells_of).collect()
}

fn map<S: Serializer>(pairs: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

/// The query as v3 repeated it: `metrics` and `sort` as lists, `dimensions` as one text.
fn echo<S: Serializer>(query: &Query, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("start-date", &query.start_date)?;
    map.serialize_entry("end-date", &query.end_date)?;
    map.serialize_entry("ids", query.ids.trim())?;
    if let Some(dimensions) = &query.dimensions {
        map.serialize_entry("dimensions", dimensions)?;
    }
    map.serialize_entry("metrics", &names(&query.metrics).collect::<Vec<_>>())?;
    if let Some(sort) = &query.sort {
        map.serialize_entry("sort", &names(sort).collect::<Vec<_>>())?;
    }
    if let Some(filters) = &query.filters {
        map.serialize_entry("filters", filters)?;
    }
    if let Some(level) = &query.sampling_level {
        map.serialize_entry("samplingLevel", level)?;
    }
    map.serialize_entry("start-index", &query.first_row())?;
    map.serialize_entry("max-results", &query.page())?;
    map.end()
}
