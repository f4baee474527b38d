//! What is wrong with a request whatever the property is. Everything else is Google's to judge.

use super::column::{Dimension, Metric};
use super::extra::Extra;
use super::filter::{FilterExpression, Misuse};
use crate::error::{Error, ErrorKind, scrub};
use serde::Serialize;
use std::collections::HashSet;

/// The columns of a request, and what it is called: "report request".
pub(in crate::analytics) struct Check<'r> {
    pub(in crate::analytics) what: &'r str,
    pub(in crate::analytics) dimensions: &'r [Dimension],
    pub(in crate::analytics) metrics: &'r [Metric],
}

impl Check<'_> {
    /// Refuses two columns of one name.
    pub(in crate::analytics) fn columns(&self) -> Result<(), Error> {
        let dimensions = self.dimensions.iter().map(|d| d.name.as_str());
        match repeated(dimensions.chain(self.metrics.iter().map(|m| m.name.as_str()))) {
            Some(name) => refuse(
                format!("the {} has two columns named `{}`", self.what, scrub(name)),
                "name each dimension and each metric once",
            ),
            None => Ok(()),
        }
    }

    /// Refuses two ranges of one name; `what` is "date".
    pub(in crate::analytics) fn ranges(&self, what: &str, names: &[String]) -> Result<(), Error> {
        match repeated(names.iter().map(String::as_str)) {
            Some(name) => refuse(
                format!("the {} has two {what} ranges named `{}`", self.what, scrub(name)),
                "give each range a name of its own, or none",
            ),
            None => Ok(()),
        }
    }

    /// Refuses filters with nothing in them, with numbers that JSON does not hold, and of the wrong kind.
    pub(in crate::analytics) fn filters(
        &self,
        dimension_filter: Option<&FilterExpression>,
        metric_filter: Option<&FilterExpression>,
    ) -> Result<(), Error> {
        let of_dimensions =
            dimension_filter.and_then(|filter| filter.misuse(&|f| f.misuse_of_dimension(self.metrics)));
        let of_metrics =
            metric_filter.and_then(|filter| filter.misuse(&|f| f.misuse_of_metric(self.dimensions)));
        match of_dimensions.or(of_metrics) {
            Some(Misuse { message, hint }) => refuse(message, hint),
            None => Ok(()),
        }
    }

    /// Refuses extra fields without a value, and those that `bare`, the request without them, has itself.
    pub(in crate::analytics) fn extra<R: Serialize>(
        &self,
        extra: &Extra,
        bare: impl FnOnce() -> R,
    ) -> Result<(), Error> {
        if extra.names().next().is_none() {
            return Ok(());
        }
        if let Some(name) = extra.null() {
            return refuse(
                format!("the extra field `{}` of the {} has no JSON value", scrub(name), self.what),
                "give a value without null, NaN and infinity",
            );
        }
        let own = serde_json::to_value(bare()).unwrap_or_default();
        match extra.names().find(|name| own.get(name).is_some()) {
            Some(name) => refuse(
                format!("the extra field `{}` of the {} is there already", scrub(name), self.what),
                "set it once, as extra field or by its own method",
            ),
            None => Ok(()),
        }
    }
}

pub(in crate::analytics) fn repeated<'n>(mut names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let mut seen = HashSet::new();
    names.find(|name| !seen.insert(*name))
}

pub(in crate::analytics) fn refuse(message: String, hint: &str) -> Result<(), Error> {
    Err(Error::new(ErrorKind::Config, message).with_hint(hint))
}
