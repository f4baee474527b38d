//! From a v3 query to a report request.
//!
//! In: a [`Query`]. Out: a request, notes, and which column of the report each name asked for is. No network,
//! no clock; whatever GA4 cannot answer is refused here, all names without an equivalent in one error.

use super::date;
use super::equivalents::FieldKind;
use super::fault::wrong;
use super::filter::{self, Test};
use super::names::{self, Field, Missing};
use super::note::Note;
use super::query::{MAX_ROWS, Query, names as list};
use crate::analytics::request::{DateRange, OrderBy, ReportRequest};
use crate::analytics::wire::quoted;
use crate::error::Error;

/// What became of a v3 query: see [`Query::translate`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Translation {
    /// The query.
    pub query: Query,
    /// The request for a property of GA4, whichever the caller chooses.
    pub request: ReportRequest,
    /// What changed, and what could not be kept.
    pub notes: Vec<Note>,
    pub(super) columns: Columns,
}

/// The names asked for, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) dimensions: Vec<Field>,
    pub(super) metrics: Vec<Field>,
}

impl Query {
    /// Translates the query for GA4.
    ///
    /// The request has v3's own defaults, where GA4 has others: 1,000 rows, rows of zeros kept. Rows that tie
    /// in the order of `sort` are in that of their dimensions, so that no page has a row of another. A name
    /// that stands for the same GA4 field as another one is requested once.
    ///
    /// ```
    /// use shortway::analytics::v3::Query;
    ///
    /// let translation = Query::new("ga:1234", "7daysAgo", "yesterday", "ga:visitors").translate()?;
    /// assert_eq!(translation.request.metrics[0].name, "totalUsers");
    /// assert_eq!(
    ///     translation.notes[1].to_string(),
    ///     "renamed more than once: ga:visitors -> ga:users -> totalUsers"
    /// );
    /// # Ok::<(), shortway::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when a name has no equivalent (the hint has the
    /// nearest field), when there is a segment, when a date lies before 2015-08-14 or is none, when the
    /// filter cannot be read, when something else is in the query that v3 refused.
    pub fn translate(&self) -> Result<Translation, Error> {
        self.view()?;
        self.refuse_segment()?;
        date::check(&self.start_date, &self.end_date)?;
        let groups = self.filters.as_deref().map(filter::parse).transpose()?.unwrap_or_default();
        let mut resolved = Resolved::default();
        let columns = resolved.columns(self)?;
        let fields: Vec<Vec<Field>> = groups.iter().map(|group| resolved.group(group)).collect();
        if !resolved.missing.is_empty() {
            return Err(names::refusal(&resolved.missing));
        }
        let range = DateRange::new(&self.start_date, &self.end_date);
        let request = ReportRequest::new()
            .dates(range)
            .dimensions(once(&columns.dimensions))
            .metrics(once(&columns.metrics))
            .keep_empty_rows(self.include_empty_rows.unwrap_or(true))
            .limit(self.rows()?)
            .offset(self.offset()?);
        let request = filtered(request, &columns, &groups, &fields)?;
        let request = self.sorted(request, &columns)?;
        request.check()?;
        let notes = self.notes(&resolved, &request);
        Ok(Translation { query: self.clone(), request, notes, columns })
    }

    fn refuse_segment(&self) -> Result<(), Error> {
        match &self.segment {
            None => Ok(()),
            Some(segment) => Err(wrong(
                format!(
                    "the v3 query has the segment {}, and reports of GA4 have no segments",
                    quoted(segment)
                ),
                "a segment of sessions can often be written as a filter of dimensions; for one of users, \
                 make an audience in the property and request the dimension audienceName",
            )),
        }
    }

    fn rows(&self) -> Result<u64, Error> {
        match self.max_results {
            Some(0) => {
                Err(wrong("the v3 query has max-results=0", "give 1 or more; totals come with any number"))
            }
            _ => Ok(self.page()),
        }
    }

    fn offset(&self) -> Result<u64, Error> {
        self.first_row()
            .checked_sub(1)
            .ok_or_else(|| wrong("the v3 query has start-index=0", "v3 counts rows from 1"))
    }

    /// Adds the order: that of `sort`, then by the dimensions from left to right, so that no two rows tie and
    /// the pages of `start-index` fit together.
    fn sorted(&self, mut request: ReportRequest, columns: &Columns) -> Result<ReportRequest, Error> {
        let mut decided = Vec::new();
        for item in list(self.sort.as_deref().unwrap_or_default()) {
            let (name, is_descending) = match item.strip_prefix('-') {
                Some(name) => (name.trim(), true),
                None => (item, false),
            };
            let (kind, ga4) = columns.sortable(name)?;
            let by = match kind {
                FieldKind::Metric => OrderBy::metric(ga4),
                FieldKind::Dimension => OrderBy::dimension(ga4),
            };
            request = request.order_by(if is_descending { by.desc() } else { by });
            decided.push(ga4);
        }
        let rest = once(&columns.dimensions).into_iter().filter(|name| !decided.contains(name));
        Ok(rest.map(OrderBy::dimension).fold(request, ReportRequest::order_by))
    }

    fn notes(&self, resolved: &Resolved, request: &ReportRequest) -> Vec<Note> {
        let mut notes = vec![Note::View(self.ids.trim().to_owned())];
        for note in resolved.fields.iter().flat_map(Note::of) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        if request.dimension_filter.is_some() {
            notes.push(Note::Unverified(
                "GA4 compares texts in filters without regard to case; whether v3 always did is not known",
            ));
        }
        if !request.dimensions.is_empty() {
            self.note_defaults(&mut notes);
        }
        if self.sampling_level.is_some() {
            let why = "GA4's reports have no choice; a sampled answer says so";
            notes.push(Note::Ignored { parameter: "samplingLevel".into(), why });
        }
        notes.extend(
            self.others.iter().map(|name| Note::Ignored {
                parameter: name.clone(),
                why: "it has no effect on the figures",
            }),
        );
        notes
    }

    /// Where GA4 does something else with rows.
    fn note_defaults(&self, notes: &mut Vec<Note>) {
        let mut note = |parameter, how| notes.push(Note::Default { parameter, how });
        match self.max_results {
            None => note("max-results", "1000 rows at most, as in v3 by default; GA4 sends 10000"),
            Some(rows) if rows > MAX_ROWS => {
                note("max-results", "10000 rows at most, as in v3; a request to GA4 can have 250000");
            }
            _ => {}
        }
        if self.include_empty_rows != Some(false) {
            let how = "rows of zeros are kept where there is data; GA4 adds no rows for days without any";
            note("include-empty-rows", how);
        }
        if self.sort.is_none() {
            notes.push(Note::Unverified(
                "the rows are sorted by their dimensions, as v3 seemed to do without sort; GA4 promises no \
                 order",
            ));
        }
    }
}

/// The GA4 names of these fields, each once.
fn once(fields: &[Field]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for field in fields {
        if !names.contains(&field.ga4.as_str()) {
            names.push(&field.ga4);
        }
    }
    names
}

/// The names that were looked up so far.
#[derive(Default)]
struct Resolved {
    fields: Vec<Field>,
    missing: Vec<Missing>,
}

impl Resolved {
    fn columns(&mut self, query: &Query) -> Result<Columns, Error> {
        let metrics = self.list("metrics", &query.metrics, FieldKind::Metric)?;
        let dimensions = query.dimensions.as_deref().unwrap_or_default();
        let dimensions = self.list("dimensions", dimensions, FieldKind::Dimension)?;
        if list(&query.metrics).next().is_none() {
            return Err(wrong("the v3 query has no metrics", "name at least one, such as ga:pageviews"));
        }
        Ok(Columns { dimensions, metrics })
    }

    fn list(&mut self, parameter: &str, text: &str, kind: FieldKind) -> Result<Vec<Field>, Error> {
        let mut fields: Vec<Field> = Vec::new();
        for name in list(text) {
            if fields.iter().any(|field| field.asked.eq_ignore_ascii_case(name)) {
                let message = format!("the v3 query has {} twice in {parameter}", quoted(name));
                return Err(wrong(message, "name each column once"));
            }
            let Some(field) = self.find(name) else { continue };
            if let Some(other) = field.kind().filter(|other| *other != kind) {
                let message =
                    format!("the v3 query has the {} {} in {parameter}", other.word(), quoted(name));
                return Err(wrong(message, format!("move it to {}s", other.word())));
            }
            fields.push(field);
        }
        Ok(fields)
    }

    fn group(&mut self, tests: &[Test]) -> Vec<Field> {
        tests.iter().filter_map(|test| self.find(&test.name)).collect()
    }

    fn find(&mut self, name: &str) -> Option<Field> {
        match names::find(name) {
            Ok(field) => {
                self.fields.push(field.clone());
                Some(field)
            }
            Err(missing) => {
                self.missing.push(missing);
                None
            }
        }
    }
}

impl Columns {
    /// The kind of a field: by its row in the table, or by where the query asks for it.
    fn kind(&self, field: &Field) -> Option<FieldKind> {
        let is_among = |fields: &[Field]| fields.iter().any(|asked| asked.ga4 == field.ga4);
        field.kind().or_else(|| match () {
            () if is_among(&self.dimensions) => Some(FieldKind::Dimension),
            () if is_among(&self.metrics) => Some(FieldKind::Metric),
            () => None,
        })
    }

    /// The GA4 field that a name of `sort` stands for, which must be one of the columns.
    fn sortable(&self, name: &str) -> Result<(FieldKind, &str), Error> {
        let metrics = self.metrics.iter().map(|field| (FieldKind::Metric, field));
        let dimensions = self.dimensions.iter().map(|field| (FieldKind::Dimension, field));
        let mut columns = metrics.chain(dimensions);
        let found = columns.find(|(_, field)| field.asked.eq_ignore_ascii_case(name));
        found.map(|(kind, field)| (kind, field.ga4.as_str())).ok_or_else(|| {
            wrong(
                format!("the v3 query sorts by {}, which is not one of its columns", quoted(name)),
                "name one of its metrics or dimensions as it stands there, with a minus for largest first",
            )
        })
    }
}

/// Adds the filter: the groups of dimensions to one, those of metrics to the other.
fn filtered(
    mut request: ReportRequest,
    columns: &Columns,
    groups: &[Vec<Test>],
    fields: &[Vec<Field>],
) -> Result<ReportRequest, Error> {
    for (tests, fields) in groups.iter().zip(fields) {
        let (kind, filter) = filter::group(tests, fields, |field| columns.kind(field))?;
        request = match kind {
            FieldKind::Dimension => request.dimension_filter(filter),
            FieldKind::Metric => request.metric_filter(filter),
        };
    }
    Ok(request)
}
