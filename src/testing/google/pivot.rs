//! The fake's pivot reports: groups of columns, and the rows that lie in one group of each pivot.

use super::dates::Days;
use super::enums::AGGREGATION;
use super::order::{Group, sort};
use super::refusal::Refusal;
use super::report::{self, Groups};
use super::table::FakeTable;
use super::wire::{WirePivot, WirePivotRequest, WireRequest};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};

/// A pivot: its columns, and the values of its groups that are shown.
struct Kept {
    columns: Vec<usize>,
    page: Vec<Vec<String>>,
}

impl Kept {
    fn key(&self, group: &Group) -> Vec<String> {
        self.columns.iter().map(|c| group.dimensions[*c].clone()).collect()
    }
}

/// Evaluates `request` over the rows of `table` in `ranges`.
pub(super) fn run(table: &FakeTable, request: &WirePivotRequest, ranges: &[Days]) -> Result<Value, Refusal> {
    let WirePivotRequest { pivots, report: request } = request;
    report::refuse_beyond(request)?;
    let several = ranges.len() > 1;
    let names = Names { request, several };
    check(pivots, &names)?;
    let Groups { mut groups, .. } = report::groups(table, request, ranges, "date")?;
    sort(&mut groups, &[], request, several)?;
    let (mut headers, mut kept) = (Vec::new(), Vec::new());
    for pivot in pivots {
        let columns: Vec<usize> = pivot.field_names.iter().filter_map(|name| names.place(name)).collect();
        let found = values(pivot, &columns, &groups, &names)?;
        let (offset, limit) = (pivot.offset.count("offset")?, pivot.limit.count("limit")?);
        let count = found.len();
        let page: Vec<Vec<String>> = found.into_iter().skip(offset).take(limit).collect();
        let cells = |group: &Vec<String>| group.iter().map(|v| json!({"value": v})).collect::<Vec<_>>();
        let shown: Vec<Value> = page.iter().map(|group| json!({"dimensionValues": cells(group)})).collect();
        headers.push(json!({"pivotDimensionHeaders": shown, "rowCount": count}));
        kept.push(Kept { columns, page });
    }
    let lies_in = |group: &&Group| kept.iter().all(|kept| kept.page.contains(&kept.key(group)));
    let rows: Vec<Value> = groups.iter().filter(lies_in).map(|group| report::row(group, request)).collect();
    let aggregates = aggregates(pivots, &kept, &groups, request)?;
    let mut answer = Map::new();
    answer.insert("pivotHeaders".into(), headers.into());
    for (key, list) in [
        ("dimensionHeaders", report::dimension_headers(request, ranges)),
        ("rows", rows.into()),
        ("aggregates", aggregates.into()),
    ] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            answer.insert(key.into(), list);
        }
    }
    answer.insert("metricHeaders".into(), report::metric_headers(table, request));
    answer.insert("metadata".into(), report::metadata());
    answer.insert("kind".into(), "analyticsData#runPivotReport".into());
    Ok(Value::Object(answer))
}

/// The dimensions that pivots may name: those of the request, and `dateRange` for several ranges.
struct Names<'n> {
    request: &'n WireRequest,
    several: bool,
}

impl Names<'_> {
    fn place(&self, name: &str) -> Option<usize> {
        let dimensions = &self.request.dimensions;
        let requested = dimensions.iter().position(|dimension| dimension.name == name);
        requested.or_else(|| (self.several && name == "dateRange").then_some(dimensions.len()))
    }
}

/// What Google documents about pivots.
fn check(pivots: &[WirePivot], names: &Names<'_>) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::Invalid(message));
    let request = names.request;
    if request.metrics.is_empty() || pivots.is_empty() {
        return invalid("A pivot report must have metrics and pivots.".into());
    }
    let used: Vec<&String> = pivots.iter().flat_map(|pivot| &pivot.field_names).collect();
    if let Some(name) = used.iter().find(|name| names.place(name).is_none()) {
        return invalid(format!("Pivot field {name} is not in the request."));
    }
    if let Some(name) = used.iter().find(|name| used.iter().filter(|other| other == name).count() > 1) {
        return invalid(format!("No two pivots may share the dimension {name}."));
    }
    if let Some(unused) = request.dimensions.iter().find(|d| !used.contains(&&d.name)) {
        if request.dimension_filter.is_some() {
            return Err(Refusal::Beyond("a dimension that no pivot uses".into()));
        }
        return invalid(format!("Dimension {} is not used in a pivot or a filter.", unused.name));
    }
    if names.several && !used.iter().any(|name| *name == "dateRange") {
        return Err(Refusal::Beyond("several date ranges without `dateRange` in a pivot".into()));
    }
    let mut product: usize = 1;
    for pivot in pivots {
        match pivot.limit.count("limit")? {
            0 => return invalid("Each pivot must have a limit.".into()),
            limit => product = product.saturating_mul(limit),
        }
    }
    if product > 250_000 {
        return invalid("The product of the limits of all pivots must be 250,000 at most.".into());
    }
    Ok(())
}

/// The values of a pivot in their order: the largest first metric first, unless it orders otherwise.
fn values(
    pivot: &WirePivot,
    columns: &[usize],
    rows: &[Group],
    names: &Names<'_>,
) -> Result<Vec<Vec<String>>, Refusal> {
    let mut sums: HashMap<Vec<String>, Vec<f64>> = HashMap::new();
    for group in rows {
        let key: Vec<String> = columns.iter().map(|c| group.dimensions[*c].clone()).collect();
        let sum = sums.entry(key).or_insert_with(|| vec![0.0; group.sums.len()]);
        sum.iter_mut().zip(&group.sums).for_each(|(sum, add)| *sum += add);
    }
    // The columns of other pivots are empty here; an order by one of them says nothing.
    let width = names.request.dimensions.len() + usize::from(names.several);
    let mut groups: Vec<Group> = sums
        .into_iter()
        .map(|(key, sums)| {
            let mut dimensions = vec![String::new(); width];
            columns.iter().zip(key).for_each(|(column, value)| dimensions[*column] = value);
            Group { dimensions, sums }
        })
        .collect();
    sort(&mut groups, &pivot.order_bys, names.request, names.several)?;
    Ok(groups.iter().map(|g| columns.iter().map(|c| g.dimensions[*c].clone()).collect()).collect())
}

/// The aggregates of the pivot that has some: a row for each group of values of the other pivots, its own
/// columns filled with a reserved word. How several pivots with aggregates go together is not documented.
fn aggregates(
    pivots: &[WirePivot],
    kept: &[Kept],
    groups: &[Group],
    request: &WireRequest,
) -> Result<Vec<Value>, Refusal> {
    let mut with =
        pivots.iter().zip(kept).enumerate().filter(|(_, (p, _))| !p.metric_aggregations.is_empty());
    let Some((number, (pivot, own))) = with.next() else { return Ok(Vec::new()) };
    if with.next().is_some() {
        return Err(Refusal::Beyond("metricAggregations of several pivots".into()));
    }
    let others: Vec<&Kept> = kept.iter().enumerate().filter(|(n, _)| *n != number).map(|(_, k)| k).collect();
    let mut rows = Vec::new();
    for aggregation in &pivot.metric_aggregations {
        let aggregation = aggregation.name(AGGREGATION, "metric_aggregations")?;
        for groups in of_others(groups, &others).into_values() {
            let (word, found) = match aggregation {
                Some("TOTAL") => (report::TOTAL, report::sum(groups.iter())),
                Some("MAXIMUM") => (report::MAXIMUM, report::extreme(groups.iter(), true)),
                Some("MINIMUM") => (report::MINIMUM, report::extreme(groups.iter(), false)),
                Some(other) => return Err(Refusal::Beyond(format!("the aggregation {other} of a pivot"))),
                None => return Err(Refusal::Invalid("Invalid value at 'metric_aggregations': 0".into())),
            };
            let Some(mut found) = found else { continue };
            own.columns.iter().for_each(|column| found.dimensions[*column] = word.into());
            rows.push(report::row(&found, request));
        }
    }
    Ok(rows)
}

/// The groups by their values in other pivots, those that are shown.
fn of_others(groups: &[Group], others: &[&Kept]) -> BTreeMap<Vec<Vec<String>>, Vec<Group>> {
    let mut found: BTreeMap<Vec<Vec<String>>, Vec<Group>> = BTreeMap::new();
    for group in groups {
        let keys: Vec<Vec<String>> = others.iter().map(|kept| kept.key(group)).collect();
        if others.iter().zip(&keys).all(|(kept, key)| kept.page.contains(key)) {
            found.entry(keys).or_default().push(group.clone());
        }
    }
    found
}
