//! The fake's `runReport`: evaluates a request over a table.
//!
//! In: a table and the JSON of a request. Out: the JSON of a report in the order and shapes that Google's
//! has, keys left out where Google leaves them out. The request is read by types of its own, so that a
//! mistake in the client's is seen.

use super::dates::{self, Days};
use super::filter::holds;
use super::order::{Group, sort};
use super::refusal::{FIELDS, Refusal};
use super::table::FakeTable;
use super::wire::{WireInt64, WireName, WireRequest};
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::time::SystemTime;

/// Evaluates the request in `body`, received at `now`, over `table`.
pub(super) fn run(table: &FakeTable, body: &[u8], now: SystemTime) -> Result<Value, Refusal> {
    let request: WireRequest = serde_json::from_slice(body)
        .map_err(|e| Refusal::Invalid(format!("Invalid JSON payload received. {e}")))?;
    refuse_beyond(&request)?;
    let dimensions = columns(&request.dimensions, "dimension", 9, |name| table.dimension(name))?;
    let metrics = columns(&request.metrics, "metric", 10, |name| table.metric(name))?;
    if dimensions.is_empty() && metrics.is_empty() {
        return Err(Refusal::Invalid("The request must have dimensions or metrics.".into()));
    }
    let ranges = dates::read(&request.date_ranges, now)?;
    let date = table.dimension("date");
    if date.is_none() && ranges.len() > 1 {
        return Err(Refusal::Beyond("several date ranges over a table without a column `date`".into()));
    }
    let (offset, limit) = (int64(&request.offset, "offset")?, int64(&request.limit, "limit")?);

    let mut groups: Vec<Group> = Vec::new();
    let mut totals: Vec<Option<Group>> = Vec::new();
    for range in &ranges {
        let several = ranges.len() > 1;
        let found = group(table, &request, &dimensions, &metrics, date, range, several)?;
        totals.push(total(&found, &dimensions, several.then_some(range)));
        groups.extend(found);
    }
    sort(&mut groups, &request, ranges.len() > 1)?;
    // Google counts what differs in nothing but the date range once.
    let keys: HashSet<&[String]> = groups.iter().map(|g| &g.dimensions[..dimensions.len()]).collect();
    let row_count = keys.len();
    let limit = if limit == 0 { 10_000 } else { limit.min(250_000) };
    let page: Vec<&Group> = groups.iter().skip(offset).take(limit).collect();

    let mut report = Map::new();
    let mut put = |key: &str, value: Value| {
        if value.as_array().is_none_or(|a| !a.is_empty()) {
            report.insert(key.into(), value);
        }
    };
    let range_column = (ranges.len() > 1).then_some("dateRange");
    let names = request.dimensions.iter().map(|d| d.name.as_str()).chain(range_column);
    put("dimensionHeaders", names.map(|name| json!({"name": name})).collect());
    let headers = request.metrics.iter().zip(&metrics).map(|(metric, &index)| {
        let kind = if table.is_whole(index) { "TYPE_INTEGER" } else { "TYPE_FLOAT" };
        json!({"name": metric.name, "type": kind})
    });
    put("metricHeaders", headers.collect());
    put("rows", page.iter().map(|g| row(g)).collect());
    for aggregation in &request.metric_aggregations {
        let (key, rows) = aggregate(aggregation, &groups, &totals, &ranges)?;
        put(key, rows);
    }
    if row_count > 0 {
        put("rowCount", row_count.into());
    }
    // With a key that is not documented, as there will be some day.
    put("metadata", json!({"currencyCode": "USD", "timeZone": "Etc/UTC", "section": "REPORT"}));
    put("futureField", json!({"list": [1, null], "text": ""}));
    if request.return_property_quota {
        put("propertyQuota", quota());
    }
    put("kind", "analyticsData#runReport".into());
    Ok(Value::Object(report))
}

/// An aggregation's key and its rows, one for each date range; a range without data has an empty object.
fn aggregate(
    aggregation: &str,
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
    let rows = found.iter().map(|g| g.as_ref().map_or(json!({}), |g| reserved(g, word, several)));
    Ok((key, rows.collect()))
}

fn refuse_beyond(request: &WireRequest) -> Result<(), Refusal> {
    let formula = |c: &WireName| {
        c.expression.is_some() || c.dimension_expression.is_some() || c.invisible == Some(true)
    };
    let beyond = if request.metric_filter.is_some() {
        "metricFilter"
    } else if request.currency_code.is_some() {
        "currencyCode"
    } else if request.cohort_spec.is_some() {
        "cohortSpec"
    } else if request.comparisons.is_some() {
        "comparisons"
    } else if request.property.is_some() {
        "property in the body"
    } else if request.dimensions.iter().chain(&request.metrics).any(formula) {
        "expressions and invisible metrics"
    } else {
        return Ok(());
    };
    Err(Refusal::Beyond(beyond.into()))
}

fn columns(
    wanted: &[WireName],
    what: &str,
    most: usize,
    find: impl Fn(&str) -> Option<usize>,
) -> Result<Vec<usize>, Refusal> {
    if wanted.len() > most {
        return Err(Refusal::Invalid(format!("Requests are limited to {most} {what}s.")));
    }
    let index = |c: &WireName| {
        find(&c.name)
            .ok_or_else(|| Refusal::Invalid(format!("Field {} is not a valid {what}. {FIELDS}", c.name)))
    };
    wanted.iter().map(index).collect()
}

fn int64(value: &WireInt64, name: &str) -> Result<usize, Refusal> {
    let number = match value {
        WireInt64::Number(number) => Some(*number),
        WireInt64::Text(text) => text.parse().ok(),
    };
    number
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| Refusal::Invalid(format!("Invalid value at '{name}' (TYPE_INT64)")))
}

/// The rows of one date range, filtered, grouped and added up.
fn group(
    table: &FakeTable,
    request: &WireRequest,
    dimensions: &[usize],
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
            && !holds(filter, table, texts)?
        {
            continue;
        }
        let mut key: Vec<String> = dimensions.iter().map(|&d| texts[d].clone()).collect();
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
    Ok(groups)
}

/// The sums over all groups of a date range; none over no groups.
fn total(groups: &[Group], dimensions: &[usize], range: Option<&Days>) -> Option<Group> {
    let first = groups.first()?;
    let mut sums = vec![0.0; first.sums.len()];
    for group in groups {
        for (sum, add) in sums.iter_mut().zip(&group.sums) {
            *sum += add;
        }
    }
    let mut names = vec![String::new(); dimensions.len()];
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

fn row(group: &Group) -> Value {
    let mut row = Map::new();
    if !group.dimensions.is_empty() {
        row.insert("dimensionValues".into(), group.dimensions.iter().map(|d| json!({"value": d})).collect());
    }
    if !group.sums.is_empty() {
        row.insert(
            "metricValues".into(),
            group.sums.iter().map(|m| json!({"value": m.to_string()})).collect(),
        );
    }
    Value::Object(row)
}

/// An aggregate's row: every dimension but the date range is a reserved word.
fn reserved(group: &Group, word: &str, several: bool) -> Value {
    let names = group.dimensions.len() - usize::from(several);
    let dimensions = group.dimensions.iter().enumerate();
    let dimensions = dimensions.map(|(i, d)| if i < names { word.to_owned() } else { d.clone() }).collect();
    row(&Group { dimensions, sums: group.sums.clone() })
}

/// A quota that never runs out, in the shape that Google sends.
fn quota() -> Value {
    json!({
        "tokensPerDay": {"consumed": 1, "remaining": 199_999},
        "tokensPerHour": {"consumed": 1, "remaining": 39_999},
        "concurrentRequests": {"consumed": 0, "remaining": 10},
        "serverErrorsPerProjectPerHour": {"consumed": 0, "remaining": 10},
        "potentiallyThresholdedRequestsPerHour": {"consumed": 0, "remaining": 120},
        "tokensPerProjectPerHour": {"consumed": 1, "remaining": 13_999},
    })
}
