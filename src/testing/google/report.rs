//! The fake's `runReport`: evaluates a request over a table.
//!
//! In: a table and the JSON of a request. Out: the JSON of a report in the order and shapes that Google's has, keys
//! left out where Google leaves them out. The request is read by types of its own, so that a mistake in the client's
//! is seen.

use super::dates::{self, Days};
use super::refusal::Refusal;
use super::table::FakeTable;
use super::wire::{WireExpression, WireFilter, WireInt64, WireName, WireOrderBy, WireRequest};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value, json};
use std::cmp::Ordering;
use std::collections::HashSet;
use std::time::SystemTime;

/// A group of rows: what it is grouped by, the date range last if there are several, and its sums.
#[derive(Clone)]
struct Group {
    dimensions: Vec<String>,
    sums: Vec<f64>,
}

const FIELDS: &str = "For a list of valid dimensions and metrics, see \
                      https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema";

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
    put("metricHeaders", request.metrics.iter().zip(&metrics).map(|(metric, &index)| {
        json!({"name": metric.name, "type": if table.is_whole(index) { "TYPE_INTEGER" } else { "TYPE_FLOAT" }})
    }).collect());
    put("rows", page.iter().map(|g| row(g)).collect());
    for aggregation in &request.metric_aggregations {
        let (key, word) = match aggregation.as_str() {
            "TOTAL" => ("totals", "RESERVED_TOTAL"),
            "MAXIMUM" => ("maximums", "RESERVED_MAX"),
            "MINIMUM" => ("minimums", "RESERVED_MIN"),
            other => {
                return Err(Refusal::Invalid(format!("Invalid value at 'metric_aggregations': {other}")));
            }
        };
        // A range without data has an empty object.
        let found: Vec<Option<Group>> = match key {
            "totals" => totals.clone(),
            _ => {
                ranges.iter().map(|r| extreme(&groups, key == "maximums", range_column.map(|_| r))).collect()
            }
        };
        let several = range_column.is_some();
        let rows =
            found.iter().map(|g| g.as_ref().map_or(json!({}), |g| reserved(g, word, several))).collect();
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

fn holds(expression: &WireExpression, table: &FakeTable, texts: &[String]) -> Result<bool, Refusal> {
    match expression {
        WireExpression::NotExpression(inner) => Ok(!holds(inner, table, texts)?),
        WireExpression::AndGroup(group) => {
            group.expressions.iter().try_fold(true, |all, e| Ok(holds(e, table, texts)? && all))
        }
        WireExpression::OrGroup(group) => {
            group.expressions.iter().try_fold(false, |any, e| Ok(holds(e, table, texts)? || any))
        }
        WireExpression::Filter(filter) => {
            let Some(column) = table.dimension(&filter.field_name) else {
                return Err(Refusal::Invalid(format!(
                    "Field {} is not a valid dimension. {FIELDS}",
                    filter.field_name
                )));
            };
            let same = |wanted: &str, case: bool| {
                if case {
                    texts[column] == wanted
                } else {
                    texts[column].to_lowercase() == wanted.to_lowercase()
                }
            };
            match filter {
                WireFilter {
                    string_filter: Some(f),
                    in_list_filter: None,
                    numeric_filter: None,
                    between_filter: None,
                    empty_filter: None,
                    ..
                } => match f.match_type.as_deref() {
                    Some("EXACT") => Ok(same(&f.value, f.case_sensitive)),
                    other => Err(Refusal::Beyond(format!(
                        "a stringFilter of type {}",
                        other.unwrap_or("unspecified")
                    ))),
                },
                WireFilter {
                    in_list_filter: Some(f),
                    string_filter: None,
                    numeric_filter: None,
                    between_filter: None,
                    empty_filter: None,
                    ..
                } => Ok(f.values.iter().any(|v| same(v, f.case_sensitive))),
                _ => Err(Refusal::Beyond("a filter other than equality".into())),
            }
        }
    }
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

/// The largest or smallest value of each metric over all groups, or those of a date range; none over no groups.
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

/// Orders the groups; those that tie stand in an order drawn anew for each request, as Google promises none.
fn sort(groups: &mut [Group], request: &WireRequest, several: bool) -> Result<(), Refusal> {
    shuffle(groups);
    let mut keys = Vec::new();
    for order in &request.order_bys {
        let unknown = |name: &str| Refusal::Invalid(format!("OrderBy field {name} is not in the request."));
        let key = match order {
            WireOrderBy { metric: Some(by), dimension: None, pivot: None, .. } => {
                let place = request.metrics.iter().position(|m| m.name == by.metric_name);
                Key::Metric(place.ok_or_else(|| unknown(&by.metric_name))?)
            }
            WireOrderBy { dimension: Some(by), metric: None, pivot: None, .. } => {
                let name = &by.dimension_name;
                let place = request.dimensions.iter().position(|d| d.name == *name);
                let place =
                    place.or_else(|| (several && name == "dateRange").then_some(request.dimensions.len()));
                let place = place.ok_or_else(|| unknown(name))?;
                match by.order_type.as_deref() {
                    None | Some("ALPHANUMERIC") => Key::Text(place),
                    Some("CASE_INSENSITIVE_ALPHANUMERIC") => Key::Folded(place),
                    Some("NUMERIC") => Key::Number(place),
                    Some(other) => {
                        return Err(Refusal::Invalid(format!("Invalid value at 'order_type': {other}")));
                    }
                }
            }
            _ => return Err(Refusal::Beyond("an order other than by one metric or dimension".into())),
        };
        keys.push((key, order.desc));
    }
    if keys.is_empty() && !request.metrics.is_empty() {
        keys.push((Key::Metric(0), true));
    }
    groups.sort_by(|a, b| {
        let by = |(key, desc): &(Key, bool)| if *desc { key.compare(b, a) } else { key.compare(a, b) };
        keys.iter().map(by).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    });
    Ok(())
}

enum Key {
    Metric(usize),
    Text(usize),
    Folded(usize),
    Number(usize),
}

impl Key {
    fn compare(&self, a: &Group, b: &Group) -> Ordering {
        let number = |text: &str| text.parse().unwrap_or(f64::NEG_INFINITY);
        match *self {
            Self::Metric(i) => a.sums[i].total_cmp(&b.sums[i]),
            Self::Text(i) => a.dimensions[i].cmp(&b.dimensions[i]),
            Self::Folded(i) => a.dimensions[i].to_lowercase().cmp(&b.dimensions[i].to_lowercase()),
            Self::Number(i) => number(&a.dimensions[i]).total_cmp(&number(&b.dimensions[i])),
        }
    }
}

fn shuffle<T>(items: &mut [T]) {
    let random = SystemRandom::new();
    for last in (1..items.len()).rev() {
        let mut bytes = [0; 8];
        if random.fill(&mut bytes).is_ok() {
            items.swap(last, (u64::from_le_bytes(bytes) % (last as u64 + 1)) as usize);
        }
    }
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
