//! Why a report has no total, maximum or minimum: the words and what to do.

use crate::analytics::request::MetricAggregation;
use crate::error::{Error, ErrorKind, scrub};

pub(super) enum NoFigure<'n> {
    NoMetric,
    NotRequested,
    SeveralRanges,
    /// There is one for each comparison, or for each cohort.
    SeveralParts,
    NoRange(&'n str),
    /// There are rows, and Google sent no figure over them.
    NotSent,
    /// There are no rows, in the report or in this date range.
    Empty(Option<&'n str>),
}

impl NoFigure<'_> {
    /// The error for this figure of `metric`, in a report over these date ranges.
    pub(super) fn into_error(self, figure: MetricAggregation, metric: &str, ranges: &[String]) -> Error {
        let what = match figure {
            MetricAggregation::Total => "total",
            MetricAggregation::Maximum => "maximum",
            MetricAggregation::Minimum => "minimum",
            MetricAggregation::Count => "count",
        };
        let metric = scrub(metric);
        Error::new(ErrorKind::Row, format!("no {what} of `{metric}`: {}", self.reason()))
            .with_hint(self.hint(figure, what, ranges))
            .with_cell(None, Some(&metric))
    }

    fn reason(&self) -> String {
        match self {
            Self::NoMetric => "it is not a metric of this report".into(),
            Self::NotRequested => "it was not requested".into(),
            Self::SeveralRanges => "the report has several date ranges".into(),
            Self::SeveralParts => "Google sent one for each comparison or cohort".into(),
            Self::NoRange(range) => format!("the report has no date range `{}`", scrub(range)),
            Self::NotSent => "Google sent none, although there are rows".into(),
            Self::Empty(None) => "the report is empty".into(),
            Self::Empty(Some(range)) => format!("the date range `{}` is empty", scrub(range)),
        }
    }

    fn hint(&self, figure: MetricAggregation, what: &str, ranges: &[String]) -> String {
        let ranges = scrub(&ranges.join(", "));
        match self {
            Self::NoMetric => "add it to the request with metrics([…])".into(),
            Self::NotRequested => {
                format!("add it to the request with metric_aggregations([MetricAggregation::{figure:?}])")
            }
            Self::SeveralRanges => format!("name one with {what}_in(range, metric): {ranges}"),
            Self::SeveralParts => format!("read them as rows with {what}s()"),
            Self::NoRange(_) if ranges.is_empty() => "the request names none".into(),
            Self::NoRange(_) => format!("those requested are called {ranges}"),
            Self::NotSent => "compute it from the rows, where that is right: never for users".into(),
            Self::Empty(_) => "read an Option to get None where there are no rows".into(),
        }
    }
}
