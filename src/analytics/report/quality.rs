//! Where a report is not all there is: one verdict from five places in Google's answer.
//! <https://developers.google.com/analytics/devguides/reporting/data/v1/rest/v1beta/ResponseMetaData>

use super::Report;
use crate::analytics::answer::DataTruncationReason;
use crate::error::{Error, ErrorKind, scrub};
use std::fmt;

/// A reason why the figures of a report are not all there is, or not exact. `Display` is one line for people.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Doubt {
    /// The figures are estimates: Google read only a part of the events.
    #[non_exhaustive]
    Sampled {
        /// The name of the date range; empty if the request has none.
        date_range: String,
        /// Events read.
        read: i64,
        /// Events that there are.
        of: i64,
    },
    /// Some rows are merged into a row `(other)`, because the property has too many different values.
    OtherRow,
    /// Small figures may be withheld so that nobody can be identified.
    Thresholded,
    /// Data is missing, and Google says why.
    Truncated(DataTruncationReason),
    /// Metrics that the account may not see: they come as zeros.
    HiddenMetrics(Vec<String>),
    /// The report has no rows; Google's reason, if it gives one.
    Empty(Option<String>),
    /// Google's own limit cut rows off: 10,000 where the request has no limit, 250,000 in any case.
    #[non_exhaustive]
    Cut {
        /// Rows here.
        rows: u64,
        /// Rows of the whole report.
        of: u64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sampled { read, of, .. } => {
                write!(f, "the figures are estimates: Google read {read} of {of} events (sampling)")
            }
            Self::OtherRow => f.write_str("some rows are merged into a row (other)"),
            Self::Thresholded => {
                f.write_str("small figures may be withheld so that nobody can be identified (thresholding)")
            }
            Self::Truncated(reason) => {
                let kind = reason.data_truncation_type.as_ref().map(|kind| kind.as_str());
                let text = reason.data_truncation_message.as_deref().or(kind);
                write!(f, "data may be missing: {}", scrub(text.unwrap_or("Google does not say why")))
            }
            Self::HiddenMetrics(names) => {
                let names = scrub(&names.join(", "));
                write!(f, "the account may not see these metrics, which come as zeros: {names}")
            }
            Self::Empty(None) => f.write_str("the report has no rows"),
            Self::Empty(Some(reason)) => write!(f, "the report has no rows: {}", scrub(reason)),
            Self::Cut { rows, of } => write!(f, "{rows} of {of} rows are here"),
        }
    }
}

/// What can be said against the figures of a report: see [`Report::quality`].
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Quality {
    /// One item for each doubt; none for an exact report.
    pub doubts: Vec<Doubt>,
}

impl Quality {
    /// Whether nothing is said against the figures.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.doubts.is_empty()
    }
}

impl Report {
    /// What can be said against the figures: sampling, rows merged into `(other)`, thresholds, missing data,
    /// hidden metrics, no rows at all, rows that Google's own limit cut off. Empty for an exact report.
    ///
    /// A realtime report has no metadata: of its figures nothing is known but the last two.
    ///
    /// ```
    /// # fn see(report: &shortway::analytics::Report) {
    /// for doubt in report.quality().doubts {
    ///     eprintln!("note: {doubt}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn quality(&self) -> Quality {
        let metadata = self.metadata();
        let mut doubts: Vec<Doubt> = metadata
            .sampling_metadatas
            .iter()
            .enumerate()
            .map(|(i, sample)| Doubt::Sampled {
                date_range: self.date_ranges().get(i).cloned().unwrap_or_default(),
                read: sample.samples_read_count,
                of: sample.sampling_space_size,
            })
            .collect();
        if metadata.data_loss_from_other_row || self.has_other_row() {
            doubts.push(Doubt::OtherRow);
        }
        if metadata.subject_to_thresholding == Some(true) {
            doubts.push(Doubt::Thresholded);
        }
        doubts.extend(metadata.data_truncation_reasons.iter().cloned().map(Doubt::Truncated));
        let hidden: Vec<String> = metadata.restricted_metrics().map(str::to_owned).collect();
        if !hidden.is_empty() {
            doubts.push(Doubt::HiddenMetrics(hidden));
        }
        if self.is_empty() && self.row_count() == 0 {
            doubts.push(Doubt::Empty(metadata.empty_reason.clone()));
        } else if self.requested.limit_is_googles && self.requested.from_the_start && !self.is_complete() {
            doubts.push(Doubt::Cut { rows: self.len() as u64, of: self.row_count() });
        }
        Quality { doubts }
    }

    /// Refuses a report against whose figures anything can be said.
    ///
    /// # Errors
    /// [`ErrorKind::Inexact`] when [`quality`](Self::quality) has a doubt; the message names each.
    pub fn require_exact(&self) -> Result<(), Error> {
        let doubts = self.quality().doubts;
        if doubts.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = doubts.iter().map(Doubt::to_string).collect();
        let message = scrub(&format!("the report is not exact: {}", words.join("; ")));
        Err(Error::new(ErrorKind::Inexact, message)
            .with_hint("see Report::quality for each reason by itself"))
    }

    /// Whether a dimension of some row is `(other)`.
    fn has_other_row(&self) -> bool {
        let (dimensions, _) = self.rows.shape().unwrap_or_default();
        (0..self.len()).any(|row| self.rows.row(row).take(dimensions).any(|cell| cell == "(other)"))
    }
}
