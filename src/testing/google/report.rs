//! The fake's reports: evaluates a request over a table.
//!
//! In: a table and a request. Out: the JSON of a report in the order and shapes that Google's has, keys left
//! out where Google leaves them out.

use super::columns::{Source, dimensions, metrics};
use super::dates::Days;
use super::filter::{Tested, holds};
use super::order::{Group, sort};
use super::refusal::{FIELDS, Refusal};
use super::table::FakeTable;
use super::wire::WireRequest;
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// What tells the kinds of reports apart.
pub(super) struct Kind {
    /// `kind` of the answer.
    pub(super) name: &'static str,
    /// The column of a table that ranges select by.
    pub(super) range_column: &'static str,
    /// Whether the answer has metadata.
    pub(super) metadata: bool,
}

pub(super) const REPORT: Kind =
    Kind { name: "analyticsData#runReport", range_column: "date", metadata: true };

/// Evaluates `request` over the rows of `table` in `ranges`.
pub(super) fn run(
    table: &FakeTable,
    request: &WireRequest,
    ranges: &[Days],
    kind: &Kind,
) -> Result<Value, Refusal> {
    refuse_beyond(request)?;
    if request.dimensions.is_empty() && request.metrics.is_empty() {
        return Err(Refusal::Invalid("The request must have dimensions or metrics.".into()));
    }
    let Groups { groups, totals } = groups(table, request, ranges, kind.range_column)?;
    let (offset, limit) = (request.offset.count("offset")?, request.limit.count("limit")?);
    let dimensions = request.dimensions.len();
    // Google counts what differs in nothing but the date range once, and cuts by the same count.
    let key = |group: &Group| group.dimensions[..dimensions].to_vec();
    let mut seen = HashSet::new();
    let keys: Vec<Vec<String>> = groups.iter().map(key).filter(|key| seen.insert(key.clone())).collect();
    let row_count = keys.len();
    let limit = if limit == 0 { 10_000 } else { limit.min(250_000) };
    let kept: HashSet<Vec<String>> = keys.into_iter().skip(offset).take(limit).collect();
    let page = groups.iter().filter(|group| kept.contains(&key(group)));

    let mut report = Map::new();
    let mut put = |key: &str, value: Value| {
        if value.as_array().is_none_or(|a| !a.is_empty()) {
            report.insert(key.into(), value);
        }
    };
    let range_column = (ranges.len() > 1).then_some("dateRange");
    let names = request.dimensions.iter().map(|d| d.name.as_str()).chain(range_column);
    put("dimensionHeaders", names.map(|name| json!({"name": name})).collect());
    put("metricHeaders", metric_headers(table, request));
    put("rows", page.map(|group| row(group, request)).collect());
    for aggregation in &request.metric_aggregations {
        let (key, rows) = aggregate(aggregation, request, &groups, &totals, ranges)?;
        put(key, rows);
    }
    if row_count > 0 {
        put("rowCount", row_count.into());
    }
    if kind.metadata {
        put("metadata", metadata());
    }
    put("futureField", json!({"list": [1, null], "text": ""}));
    if request.return_property_quota {
        put("propertyQuota", quota());
    }
    put("kind", kind.name.into());
    Ok(Value::Object(report))
}

/// With a key that is not documented, as there will be some day.
pub(super) fn metadata() -> Value {
    json!({"currencyCode": "USD", "timeZone": "Etc/UTC", "section": "REPORT"})
}

pub(super) fn metric_headers(table: &FakeTable, request: &WireRequest) -> Value {
    let visible = request.metrics.iter().filter(|metric| metric.invisible != Some(true));
    let headers = visible.map(|metric| {
        let is_whole = table.metric(&metric.name).is_some_and(|index| table.is_whole(index));
        json!({"name": metric.name, "type": if is_whole { "TYPE_INTEGER" } else { "TYPE_FLOAT" }})
    });
    headers.collect()
}

/// The rows of all ranges in order, and the sums over each range.
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    totals: Vec<Option<Group>>,
}

pub(super) fn groups(
    table: &FakeTable,
    request: &WireRequest,
    ranges: &[Days],
    range_column: &str,
) -> Result<Groups, Refusal> {
    let (dimensions, metrics) = (dimensions(table, request)?, metrics(table, request)?);
    let date = table.dimension(range_column);
    if date.is_none() && ranges.len() > 1 {
        return Err(Refusal::Beyond(format!(
            "several ranges over a table without a column `{range_column}`"
        )));
    }
    let (mut groups, mut totals) = (Vec::new(), Vec::new());
    for range in ranges {
        let several = ranges.len() > 1;
        let found = group(table, request, &dimensions, &metrics, date, range, several)?;
        totals.push(total(&found, dimensions.len(), several.then_some(range)));
        groups.extend(found);
    }
    sort(&mut groups, &request.order_bys, request, ranges.len() > 1)?;
    Ok(Groups { groups, totals })
}

/// An aggregation's key and its rows, one for each date range; a range without data has an empty object.
fn aggregate(
    aggregation: &str,
    request: &WireRequest,
    groups: &[Group],
    totals: &[Option<Group>],
    ranges: &[Days],
) -> Result<(&'static str, Value), Refusal> {
    let several = ranges.len() > 1;
    let extremes = |largest| ranges.iter().map(|r| extreme(groups, largest, several.then_some(r))).collect();
    let (key, word, found): (_, _, Vec<Option<Group>>) = match aggregation {
        "TOTAL" => ("totals", "RESERVED_TOTAL", totals.to_vec()),
        "MAXIMUM" => ("maximums", "RESERVED_MAX", extremes(true)),
        "MINIMUM" => ("minimums", "RESERVED_MIN", extremes(false)),
        other => return Err(Refusal::Invalid(format!("Invalid value at 'metric_aggregations': {other}"))),
    };
    let rows = found.iter().map(|g| g.as_ref().map_or(json!({}), |g| reserved(g, request, word, several)));
    Ok((key, rows.collect()))
}

pub(super) fn refuse_beyond(request: &WireRequest) -> Result<(), Refusal> {
    let beyond = if request.currency_code.is_some() {
        "currencyCode"
    } else if request.cohort_spec.is_some() {
        "cohortSpec"
    } else if request.comparisons.is_some() {
        "comparisons"
    } else if request.property.is_some() {
        "property in the body"
    } else {
        return Ok(());
    };
    Err(Refusal::Beyond(beyond.into()))
}

/// The rows of one date range, filtered, grouped and added up.
fn group(
    table: &FakeTable,
    request: &WireRequest,
    dimensions: &[Source],
    metrics: &[usize],
    date: Option<usize>,
    range: &Days,
    several: bool,
) -> Result<Vec<Group>, Refusal> {
    let mut groups: Vec<Group> = Vec::new();
    for (texts, numbers) in &table.rows {
        if date.is_some_and(|date| !range.contains(&texts[date])) {
            continue;
        }
        if let Some(filter) = &request.dimension_filter
            && !holds(filter, &|name| match table.dimension(name) {
                Some(column) => Ok(Tested::Text(&texts[column])),
                None => Err(Refusal::Invalid(format!("Field {name} is not a valid dimension. {FIELDS}"))),
            })?
        {
            continue;
        }
        let mut key: Vec<String> = dimensions.iter().map(|d| d.text(texts)).collect();
        if several {
            key.push(range.name.clone());
        }
        let place = groups.iter().position(|g| g.dimensions == key).unwrap_or_else(|| {
            groups.push(Group { dimensions: key, sums: vec![0.0; metrics.len()] });
            groups.len() - 1
        });
        for (sum, &metric) in groups[place].sums.iter_mut().zip(metrics) {
            *sum += numbers[metric];
        }
    }
    if !request.keep_empty_rows && !metrics.is_empty() {
        groups.retain(|g| g.sums.iter().any(|s| *s != 0.0));
    }
    let Some(filter) = &request.metric_filter else { return Ok(groups) };
    let mut passed = Vec::new();
    for group in groups {
        let value = |name: &str| match request.metrics.iter().position(|metric| metric.name == name) {
            Some(metric) => Ok(Tested::Number(group.sums[metric])),
            None => Err(Refusal::Beyond(format!("the filter of {name}, which is not requested"))),
        };
        if holds(filter, &value)? {
            passed.push(group);
        }
    }
    Ok(passed)
}

/// The sums over all groups of a date range; none over no groups.
fn total(groups: &[Group], dimensions: usize, range: Option<&Days>) -> Option<Group> {
    let first = groups.first()?;
    let mut sums = vec![0.0; first.sums.len()];
    for group in groups {
        for (sum, add) in sums.iter_mut().zip(&group.sums) {
            *sum += add;
        }
    }
    let mut names = vec![String::new(); dimensions];
    names.extend(range.map(|r| r.name.clone()));
    Some(Group { dimensions: names, sums })
}

/// The largest or smallest value of each metric over all groups, or those of a date range; none over no
/// groups.
fn extreme(groups: &[Group], largest: bool, range: Option<&Days>) -> Option<Group> {
    let mut of_range = groups.iter().filter(|g| range.is_none_or(|r| g.dimensions.last() == Some(&r.name)));
    let mut extreme = of_range.next()?.clone();
    for group in of_range {
        for (held, new) in extreme.sums.iter_mut().zip(&group.sums) {
            *held = if largest { held.max(*new) } else { held.min(*new) };
        }
    }
    Some(extreme)
}

pub(super) fn row(group: &Group, request: &WireRequest) -> Value {
    let mut row = Map::new();
    if !group.dimensions.is_empty() {
        row.insert("dimensionValues".into(), group.dimensions.iter().map(|d| json!({"value": d})).collect());
    }
    let metrics = group.sums.iter().zip(&request.metrics);
    let visible = metrics.filter(|(_, metric)| metric.invisible != Some(true));
    let values: Vec<Value> = visible.map(|(sum, _)| json!({"value": sum.to_string()})).collect();
    if !values.is_empty() {
        row.insert("metricValues".into(), values.into());
    }
    Value::Object(row)
}

/// An aggregate's row: every dimension but the date range is a reserved word.
fn reserved(group: &Group, request: &WireRequest, word: &str, several: bool) -> Value {
    let names = group.dimensions.len() - usize::from(several);
    let dimensions = group.dimensions.iter().enumerate();
    let dimensions = dimensions.map(|(i, d)| if i < names { word.to_owned() } else { d.clone() }).collect();
    row(&Group { dimensions, sums: group.sums.clone() }, request)
}

/// A quota that never runs out, in the shape that Google sends.
pub(super) fn quota() -> Value {
    json!({
        "tokensPerDay": {"consumed": 1, "remaining": 199_999},
        "tokensPerHour": {"consumed": 1, "remaining": 39_999},
        "concurrentRequests": {"consumed": 0, "remaining": 10},
        "serverErrorsPerProjectPerHour": {"consumed": 0, "remaining": 10},
        "potentiallyThresholdedRequestsPerHour": {"consumed": 0, "remaining": 120},
        "tokensPerProjectPerHour": {"consumed": 1, "remaining": 13_999},
    })
}
