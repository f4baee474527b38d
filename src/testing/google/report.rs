//! The fake's reports: evaluates a request over a table.
//!
//! In: a table and a request. Out: the JSON of a report in the shapes that Google's has, keys left out where
//! Google leaves them out.

use super::columns::{Source, dimensions, filtered, metrics};
use super::dates::Days;
use super::enums::{AGGREGATION, WireEnum};
use super::filter::Filter;
use super::number::number;
use super::order::{Group, sort};
use super::refusal::Refusal;
use super::table::FakeTable;
#[cfg(feature = "analytics")]
use super::wire::WireName;
use super::wire::WireRequest;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

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
    let Groups { mut groups, totals } = groups(table, request, ranges, kind.range_column)?;
    sort(&mut groups, &request.order_bys, request, ranges.len() > 1)?;
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
    put("dimensionHeaders", dimension_headers(request, ranges));
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
    put("kind", kind.name.into());
    Ok(Value::Object(report))
}

#[cfg(feature = "analytics")]
impl FakeTable {
    /// The JSON of a report of all its rows, and the names of its columns.
    pub(in crate::testing) fn whole_report(&self) -> (Value, &[String], &[String]) {
        (whole(self), &self.dimensions, &self.metrics)
    }
}

/// The report of all rows of `table` in their order, with all columns and aggregates.
#[cfg(feature = "analytics")]
fn whole(table: &FakeTable) -> Value {
    let names = |names: &[String]| names.iter().map(|name| WireName::of(name)).collect();
    let request = WireRequest {
        dimensions: names(&table.dimensions),
        metrics: names(&table.metrics),
        ..WireRequest::default()
    };
    let groups: Vec<Group> =
        table.rows.iter().map(|(d, m)| Group { dimensions: d.clone(), sums: m.clone() }).collect();
    let aggregate = |word: &str, group: Option<Group>| {
        let reserved =
            |group: Group| Group { dimensions: vec![word.into(); table.dimensions.len()], ..group };
        json!([group.map_or(json!({}), |group| row(&reserved(group), &request))])
    };
    json!({
        "dimensionHeaders": dimension_headers(&request, &[]),
        "metricHeaders": metric_headers(table, &request),
        "rows": groups.iter().map(|group| row(group, &request)).collect::<Vec<_>>(),
        "totals": aggregate(TOTAL, sum(groups.iter())),
        "maximums": aggregate(MAXIMUM, extreme(groups.iter(), true)),
        "minimums": aggregate(MINIMUM, extreme(groups.iter(), false)),
        "rowCount": groups.len(),
        "metadata": metadata(),
        "kind": REPORT.name,
    })
}

/// With a key that is not documented, as there will be some day.
pub(super) fn metadata() -> Value {
    json!({"currencyCode": "USD", "timeZone": "Etc/UTC", "section": "REPORT"})
}

/// The names of the dimensions, the implicit one of several ranges last.
pub(super) fn dimension_headers(request: &WireRequest, ranges: &[Days]) -> Value {
    let range = (ranges.len() > 1).then_some("dateRange");
    request
        .dimensions
        .iter()
        .map(|d| d.name.as_str())
        .chain(range)
        .map(|name| json!({"name": name}))
        .collect()
}

pub(super) fn metric_headers(table: &FakeTable, request: &WireRequest) -> Value {
    let visible = request.metrics.iter().filter(|metric| metric.invisible != Some(true));
    let headers = visible.filter_map(|metric| {
        let metric_type = table.type_of(table.metric(&metric.name)?);
        Some(json!({"name": metric.name, "type": metric_type}))
    });
    headers.collect()
}

/// The rows of all ranges, and the sums over each range.
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
    let selection = Selection::read(table, request, range_column)?;
    if selection.range.is_none() && ranges.len() > 1 {
        return Err(Refusal::Beyond(format!(
            "several ranges over a table without a column `{range_column}`"
        )));
    }
    let (mut groups, mut totals) = (Vec::new(), Vec::new());
    for range in ranges {
        let several = ranges.len() > 1;
        let found = selection.group(range, several);
        totals.push(total(&found, selection.dimensions.len(), several.then_some(range)));
        groups.extend(found);
    }
    Ok(Groups { groups, totals })
}

/// What a request selects of a table: columns that exist, filters that are read.
struct Selection<'s> {
    table: &'s FakeTable,
    dimensions: Vec<Source>,
    metrics: Vec<usize>,
    /// The column that ranges select by.
    range: Option<usize>,
    before: Option<Filter<Source>>,
    /// The filter of sums; of metrics that the request need not have.
    after: Option<Filter<usize>>,
    keeps_empty: bool,
}

impl<'s> Selection<'s> {
    fn read(table: &'s FakeTable, request: &WireRequest, range_column: &str) -> Result<Self, Refusal> {
        let before = request.dimension_filter.as_ref();
        let before = before.map(|filter| Filter::read(filter, &|name| filtered(table, request, name)));
        let metric = |name: &str| table.metric(name).ok_or_else(|| super::columns::unknown(name, "metric"));
        let after = request.metric_filter.as_ref().map(|filter| Filter::read(filter, &metric)).transpose()?;
        if let Some(&metric) = after.as_ref().and_then(Filter::of_text) {
            let name = &table.metrics[metric];
            return Err(Refusal::Invalid(format!("{name} is a metric: compare it to numbers.")));
        }
        Ok(Self {
            table,
            dimensions: dimensions(table, request)?,
            metrics: metrics(table, request)?,
            range: table.dimension(range_column),
            before: before.transpose()?,
            after,
            keeps_empty: request.keep_empty_rows,
        })
    }

    /// The rows of one range, filtered, grouped and added up.
    fn group(&self, range: &Days, several: bool) -> Vec<Group> {
        let mut places: HashMap<Vec<String>, usize> = HashMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for (texts, numbers) in &self.table.rows {
            let in_range = self.range.is_none_or(|column| range.contains(&texts[column]));
            let holds = |filter: &Filter<Source>| filter.holds(&|of, test| test.text(&of.text(texts)));
            if !in_range || !self.before.as_ref().is_none_or(holds) {
                continue;
            }
            let mut key: Vec<String> = self.dimensions.iter().map(|d| d.text(texts)).collect();
            if several {
                key.push(range.name.clone());
            }
            let place = *places.entry(key).or_insert_with_key(|key| {
                groups.push(Group { dimensions: key.clone(), sums: vec![0.0; numbers.len()] });
                groups.len() - 1
            });
            groups[place].sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += number);
        }
        if let Some(filter) = &self.after {
            groups.retain(|group| filter.holds(&|&metric, test| test.number(group.sums[metric])));
        }
        for group in &mut groups {
            group.sums = self.metrics.iter().map(|&metric| group.sums[metric]).collect();
        }
        if !self.keeps_empty && !self.metrics.is_empty() {
            groups.retain(|group| group.sums.iter().any(|sum| *sum != 0.0));
        }
        groups
    }
}

/// An aggregation's key and its rows, one for each date range; a range without data has an empty object.
fn aggregate(
    aggregation: &WireEnum,
    request: &WireRequest,
    groups: &[Group],
    totals: &[Option<Group>],
    ranges: &[Days],
) -> Result<(&'static str, Value), Refusal> {
    let several = ranges.len() > 1;
    let extremes = |largest| {
        let of_range = |range: &Days| {
            let in_range = |g: &&Group| !several || g.dimensions.last() == Some(&range.name);
            extreme(groups.iter().filter(in_range), largest)
        };
        ranges.iter().map(of_range).collect()
    };
    let (key, word, found): (_, _, Vec<Option<Group>>) =
        match aggregation.name(AGGREGATION, "metric_aggregations")? {
            Some("TOTAL") => ("totals", TOTAL, totals.to_vec()),
            Some("MAXIMUM") => ("maximums", MAXIMUM, extremes(true)),
            Some("MINIMUM") => ("minimums", MINIMUM, extremes(false)),
            // COUNT is in the enum, but recorded answers show that no report has it.
            other => {
                let other = other.unwrap_or("METRIC_AGGREGATION_UNSPECIFIED");
                return Err(Refusal::Invalid(format!("Invalid value at 'metric_aggregations': {other}")));
            }
        };
    let names = request.dimensions.len();
    let reserved = |group: &Group| {
        let dimensions = group.dimensions.iter().enumerate();
        let dimensions = dimensions.map(|(i, d)| if i < names { word.to_owned() } else { d.clone() });
        row(&Group { dimensions: dimensions.collect(), sums: group.sums.clone() }, request)
    };
    Ok((key, found.iter().map(|group| group.as_ref().map_or(json!({}), reserved)).collect()))
}

/// What stands for the values that an aggregate goes over; not documented, but recorded.
pub(super) const TOTAL: &str = "RESERVED_TOTAL";
pub(super) const MAXIMUM: &str = "RESERVED_MAX";
pub(super) const MINIMUM: &str = "RESERVED_MIN";

pub(super) fn refuse_beyond(request: &WireRequest) -> Result<(), Refusal> {
    let beyond = if request.currency_code.is_some() {
        "currencyCode"
    } else if request.cohort_spec.is_some() {
        "cohortSpec"
    } else if request.comparisons.is_some() {
        "comparisons"
    } else {
        return Ok(());
    };
    Err(Refusal::Beyond(beyond.into()))
}

/// The sums over all groups of a date range; none over no groups.
fn total(groups: &[Group], dimensions: usize, range: Option<&Days>) -> Option<Group> {
    let mut total = sum(groups.iter())?;
    total.dimensions = vec![String::new(); dimensions];
    total.dimensions.extend(range.map(|r| r.name.clone()));
    Some(total)
}

/// The sums over groups; none over no groups.
pub(super) fn sum<'g>(groups: impl Iterator<Item = &'g Group>) -> Option<Group> {
    groups.cloned().reduce(|mut total, group| {
        total.sums.iter_mut().zip(&group.sums).for_each(|(sum, add)| *sum += add);
        total
    })
}

/// The largest or smallest value of each metric over groups; none over no groups.
pub(super) fn extreme<'g>(groups: impl Iterator<Item = &'g Group>, largest: bool) -> Option<Group> {
    groups.cloned().reduce(|mut extreme, group| {
        for (held, new) in extreme.sums.iter_mut().zip(&group.sums) {
            *held = if largest { held.max(*new) } else { held.min(*new) };
        }
        extreme
    })
}

pub(super) fn row(group: &Group, request: &WireRequest) -> Value {
    let mut row = Map::new();
    if !group.dimensions.is_empty() {
        row.insert("dimensionValues".into(), group.dimensions.iter().map(|d| json!({"value": d})).collect());
    }
    let metrics = group.sums.iter().zip(&request.metrics);
    let visible = metrics.filter(|(_, metric)| metric.invisible != Some(true));
    let values: Vec<Value> = visible.map(|(sum, _)| json!({"value": number(*sum)})).collect();
    if !values.is_empty() {
        row.insert("metricValues".into(), values.into());
    }
    Value::Object(row)
}
