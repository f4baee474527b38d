//! The fake's pivot reports: groups of columns, and the rows that lie in one group of each pivot.

use super::dates::Days;
use super::order::{Group, sort};
use super::refusal::Refusal;
use super::report::{Groups, groups, metadata, metric_headers, quota, refuse_beyond, row};
use super::table::FakeTable;
use super::wire::{WirePivot, WirePivotRequest, WireRequest};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Evaluates `request` over the rows of `table` in `ranges`, of which there is one.
pub(super) fn run(table: &FakeTable, request: &WirePivotRequest, ranges: &[Days]) -> Result<Value, Refusal> {
    if ranges.len() > 1 {
        return Err(Refusal::Beyond("several date ranges in a pivot report".into()));
    }
    let WirePivotRequest { pivots, report: request } = request;
    refuse_beyond(request)?;
    check(pivots, request)?;
    let Groups { groups: rows, .. } = groups(table, request, ranges, "date")?;
    let mut headers = Vec::new();
    let mut kept: Vec<(Vec<usize>, Vec<Vec<String>>)> = Vec::new();
    for pivot in pivots {
        let columns: Vec<usize> = pivot.field_names.iter().filter_map(|name| place(request, name)).collect();
        let found = values(pivot, &columns, &rows, request)?;
        let (offset, limit) = (pivot.offset.count("offset")?, pivot.limit.count("limit")?);
        let count = found.len();
        let page: Vec<Vec<String>> = found.into_iter().skip(offset).take(limit).collect();
        let cells = |group: &Vec<String>| group.iter().map(|v| json!({"value": v})).collect::<Vec<_>>();
        let shown: Vec<Value> = page.iter().map(|group| json!({"dimensionValues": cells(group)})).collect();
        headers.push(json!({"pivotDimensionHeaders": shown, "rowCount": count}));
        kept.push((columns, page));
    }
    let lies_in = |group: &&Group| {
        kept.iter().all(|(columns, page)| {
            let key: Vec<String> = columns.iter().map(|c| group.dimensions[*c].clone()).collect();
            page.contains(&key)
        })
    };
    let rows: Vec<Value> = rows.iter().filter(lies_in).map(|group| row(group, request)).collect();
    let mut report = Map::new();
    report.insert("pivotHeaders".into(), headers.into());
    let names: Vec<Value> = request.dimensions.iter().map(|d| json!({"name": d.name})).collect();
    for (key, list) in [("dimensionHeaders", names), ("rows", rows)] {
        if !list.is_empty() {
            report.insert(key.into(), list.into());
        }
    }
    report.insert("metricHeaders".into(), metric_headers(table, request));
    report.insert("metadata".into(), metadata());
    if request.return_property_quota {
        report.insert("propertyQuota".into(), quota());
    }
    report.insert("kind".into(), "analyticsData#runPivotReport".into());
    Ok(Value::Object(report))
}

fn place(request: &WireRequest, name: &str) -> Option<usize> {
    request.dimensions.iter().position(|dimension| dimension.name == name)
}

/// What Google documents about pivots.
fn check(pivots: &[WirePivot], request: &WireRequest) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::Invalid(message));
    if request.metrics.is_empty() || pivots.is_empty() {
        return invalid("A pivot report must have metrics and pivots.".into());
    }
    let names: Vec<&String> = pivots.iter().flat_map(|pivot| &pivot.field_names).collect();
    if let Some(name) = names.iter().find(|name| place(request, name).is_none()) {
        return invalid(format!("Pivot field {name} is not in the request."));
    }
    if let Some(name) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
        return invalid(format!("No two pivots may share the dimension {name}."));
    }
    if let Some(unused) = request.dimensions.iter().find(|d| !names.contains(&&d.name)) {
        if request.dimension_filter.is_some() {
            return Err(Refusal::Beyond("a dimension that no pivot uses".into()));
        }
        return invalid(format!("Dimension {} is not used in a pivot or a filter.", unused.name));
    }
    let mut product: usize = 1;
    for pivot in pivots {
        match pivot.limit.count("limit")? {
            0 => return invalid("Each pivot must have a limit.".into()),
            limit => product = product.saturating_mul(limit),
        }
        if !pivot.metric_aggregations.is_empty() {
            return Err(Refusal::Beyond("metricAggregations of a pivot".into()));
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
    request: &WireRequest,
) -> Result<Vec<Vec<String>>, Refusal> {
    let mut sums: HashMap<Vec<String>, Vec<f64>> = HashMap::new();
    for group in rows {
        let key: Vec<String> = columns.iter().map(|c| group.dimensions[*c].clone()).collect();
        let sum = sums.entry(key).or_insert_with(|| vec![0.0; group.sums.len()]);
        sum.iter_mut().zip(&group.sums).for_each(|(sum, add)| *sum += add);
    }
    // The columns of other pivots are empty here; an order by one of them says nothing.
    let mut groups: Vec<Group> = sums
        .into_iter()
        .map(|(key, sums)| {
            let mut dimensions = vec![String::new(); request.dimensions.len()];
            columns.iter().zip(key).for_each(|(column, value)| dimensions[*column] = value);
            Group { dimensions, sums }
        })
        .collect();
    sort(&mut groups, &pivot.order_bys, request, false)?;
    Ok(groups.iter().map(|g| columns.iter().map(|c| g.dimensions[*c].clone()).collect()).collect())
}
