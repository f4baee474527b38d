//! What can be requested, what fits together, and what is left of the quotas.
//!
//! A table for people; `--format json` and `jsonl` print Google's own document.

use crate::arguments::{Arguments, Format};
use crate::site::Site;
use crate::text::escaped;
use crate::{Failure, print, usage};
use serde::Serialize;
use shortway::analytics::{Compatibility, CompatibilityRequest, Metadata, PropertyQuota, QuotaStatus};
use shortway::{Error, ErrorKind};

/// `--metadata`: the dimensions and metrics that have `word` in a name, in their description or category.
pub(crate) fn metadata(arguments: &Arguments, word: &str, site: &Site) -> Result<String, Failure> {
    let mut metadata = site.ask("list of fields", |property| property.metadata())?;
    let word = word.to_lowercase();
    let has = |texts: [&String; 4]| texts.iter().any(|text| text.to_lowercase().contains(&word));
    metadata.dimensions.retain(|d| has([&d.api_name, &d.ui_name, &d.description, &d.category]));
    metadata.metrics.retain(|m| has([&m.api_name, &m.ui_name, &m.description, &m.category]));
    if metadata.dimensions.is_empty() && metadata.metrics.is_empty() {
        let message =
            format!("the property has no dimension and no metric with {word:?} in its name or description");
        return Err(Error::new(ErrorKind::Config, message).with_hint("try a shorter word, or none").into());
    }
    document(arguments, &metadata, || fields(&metadata))
}

fn fields(metadata: &Metadata) -> Vec<Vec<String>> {
    let line = |kind: &str, name: &str, title: &str, about: &str| {
        [kind, name, title, about].map(|text| escaped(text).into_owned()).to_vec()
    };
    let mut lines = vec![line("", "NAME", "TITLE", "DESCRIPTION")];
    let dimensions = metadata.dimensions.iter();
    lines.extend(dimensions.map(|d| line("dimension", &d.api_name, &d.ui_name, &d.description)));
    let metrics = metadata.metrics.iter();
    lines.extend(metrics.map(|m| line("metric", &m.api_name, &m.ui_name, &m.description)));
    lines
}

/// `--check`: which of the requested names fit together. A failure if one does not.
pub(crate) fn check(arguments: &Arguments, site: &Site) -> Result<String, Failure> {
    let request = arguments.request()?;
    let mut check =
        CompatibilityRequest::new().dimensions(request.dimensions.clone()).metrics(request.metrics.clone());
    check.dimension_filter.clone_from(&request.dimension_filter);
    check.metric_filter.clone_from(&request.metric_filter);
    let report = site.ask("check", |property| property.check_compatibility(&check))?;
    let is_requested = |name: &str| {
        request.dimensions.iter().any(|d| d.name == name) || request.metrics.iter().any(|m| m.name == name)
    };
    let dimensions = report.dimension_compatibilities.iter();
    let dimensions =
        dimensions.filter_map(|d| Some((&d.dimension_metadata.as_ref()?.api_name, d.compatibility.as_ref())));
    let metrics = report.metric_compatibilities.iter();
    let metrics =
        metrics.filter_map(|m| Some((&m.metric_metadata.as_ref()?.api_name, m.compatibility.as_ref())));
    let found: Vec<_> = dimensions.chain(metrics).filter(|(name, _)| is_requested(name)).collect();
    let misfits: Vec<&str> = found
        .iter()
        .filter(|(_, fits)| *fits == Some(&Compatibility::Incompatible))
        .map(|(name, _)| name.as_str())
        .collect();
    if !misfits.is_empty() {
        let message = format!("these names do not fit with the others: {}", misfits.join(", "));
        return Err(Error::new(ErrorKind::Api, message)
            .with_hint("leave them out, or request them in a report of their own")
            .into());
    }
    document(arguments, &report, || {
        let line = |name: &str, fits: &str| vec![escaped(name).into_owned(), fits.to_owned()];
        found.iter().map(|(name, _)| line(name, "fits")).collect()
    })
}

/// `--quota`: what is left for reports, realtime reports and funnels.
pub(crate) fn quota(arguments: &Arguments, site: &Site) -> Result<String, Failure> {
    let snapshot = site.ask("quotas", |property| property.quotas_snapshot())?;
    let kinds = [
        ("reports", &snapshot.core_property_quota),
        ("realtime reports", &snapshot.realtime_property_quota),
        ("funnels", &snapshot.funnel_property_quota),
    ];
    document(arguments, &snapshot, || {
        let line = |texts: [&str; 4]| texts.map(str::to_owned).to_vec();
        let mut lines = vec![line(["", "QUOTA", "LEFT", "USED"])];
        for (kind, quota) in kinds.iter().filter_map(|(kind, quota)| Some((kind, quota.as_ref()?))) {
            for (name, status) in buckets(quota) {
                let number = |number: Option<i32>| number.map_or("?".to_owned(), |number| number.to_string());
                let (left, used) = (number(status.remaining), number(status.consumed));
                lines.push(line([kind, name, &left, &used]));
            }
        }
        lines
    })
}

fn buckets(quota: &PropertyQuota) -> impl Iterator<Item = (&'static str, QuotaStatus)> {
    let buckets = [
        ("tokens today", quota.tokens_per_day),
        ("tokens this hour", quota.tokens_per_hour),
        ("tokens this hour, of this project", quota.tokens_per_project_per_hour),
        ("requests at the same time", quota.concurrent_requests),
        ("server errors this hour, of this project", quota.server_errors_per_project_per_hour),
        ("requests that may be thresholded, this hour", quota.potentially_thresholded_requests_per_hour),
    ];
    buckets.into_iter().filter_map(|(name, status)| Some((name, status?)))
}

/// Lines in columns, or the document as JSON.
fn document(
    arguments: &Arguments,
    document: &impl Serialize,
    lines: impl FnOnce() -> Vec<Vec<String>>,
) -> Result<String, Failure> {
    match arguments.format {
        Format::Table => Ok(print::columns(&lines(), |_| true)),
        Format::Json | Format::Jsonl => match serde_json::to_string(document) {
            Ok(json) => Ok(json + "\n"),
            Err(e) => Err(Error::new(ErrorKind::Other, "cannot write the document").with_source(e).into()),
        },
        Format::Csv => Err(usage(
            Error::new(ErrorKind::Config, "--format csv is for reports").with_hint("choose table or json"),
        )),
    }
}
