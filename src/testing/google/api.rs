//! The fake's Data API: which method a request calls, and its answer.
//!
//! In: verb, path and body. Out: JSON, or why there is none.

use super::audience::Audiences;
use super::columns::unknown;
use super::refusal::Refusal;
use super::report::{self, Kind, REPORT, quota};
use super::table::FakeTable;
use super::wire::{
    self, WireBatch, WireCompatibilityRequest, WirePivotRequest, WireRealtimeRequest, WireRequest,
};
use super::{dates, pivot};
use serde_json::{Map, Value, json};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use tiny_http::Method as Verb;

/// A method of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method<'p> {
    RunReport,
    BatchRunReports,
    RunRealtimeReport,
    Metadata,
    CheckCompatibility,
    QuotasSnapshot,
    RunPivotReport,
    BatchRunPivotReports,
    CreateExport,
    ListExports,
    GetExport(&'p str),
    QueryExport(&'p str),
}

/// The property, as the path has it, and the method.
pub(super) fn route<'p>(verb: &Verb, path: &'p str) -> Option<(&'p str, Method<'p>)> {
    let (version, rest) = path.strip_prefix('/')?.split_once("/properties/")?;
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (property, rest) = rest.split_at(end);
    let method = match (verb, version, rest) {
        (Verb::Post, "v1beta", ":runPivotReport") => Method::RunPivotReport,
        (Verb::Post, "v1beta", ":batchRunPivotReports") => Method::BatchRunPivotReports,
        (Verb::Post, "v1beta", "/audienceExports") => Method::CreateExport,
        (Verb::Get, "v1beta", "/audienceExports") => Method::ListExports,
        (_, "v1beta", rest) if rest.starts_with("/audienceExports/") => {
            let id = rest.trim_start_matches("/audienceExports/");
            match (verb, id.strip_suffix(":query")) {
                (Verb::Post, Some(id)) => Method::QueryExport(id),
                (Verb::Get, None) => Method::GetExport(id),
                _ => return None,
            }
        }
        (Verb::Post, "v1beta", ":runReport") => Method::RunReport,
        (Verb::Post, "v1beta", ":batchRunReports") => Method::BatchRunReports,
        (Verb::Post, "v1beta", ":runRealtimeReport") => Method::RunRealtimeReport,
        (Verb::Get, "v1beta", "/metadata") => Method::Metadata,
        (Verb::Post, "v1beta", ":checkCompatibility") => Method::CheckCompatibility,
        (Verb::Get, "v1alpha", "/propertyQuotasSnapshot") => Method::QuotasSnapshot,
        _ => return None,
    };
    Some((property, method))
}

/// A call on a property, received at `now`.
pub(super) struct Call<'c> {
    pub(super) property: &'c str,
    pub(super) query: &'c str,
    pub(super) body: &'c [u8],
    pub(super) now: SystemTime,
}

/// Answers a call of a method.
pub(super) fn answer(
    method: Method<'_>,
    call: &Call<'_>,
    table: &FakeTable,
    audiences: &Mutex<Audiences>,
) -> Result<Value, Refusal> {
    let Call { property, query, body, now } = *call;
    let audiences = || audiences.lock().unwrap_or_else(PoisonError::into_inner);
    match method {
        Method::RunPivotReport => run_pivot_report(table, &wire::read(body)?, now),
        Method::BatchRunPivotReports => {
            batch(body, |request| run_pivot_report(table, request, now), "pivotReports")
        }
        Method::CreateExport => audiences().create(property, body),
        Method::ListExports => audiences().list(property, query),
        Method::GetExport(id) => audiences().get(property, id),
        Method::QueryExport(id) => audiences().query(property, id, body),
        Method::RunReport => run_report(table, &wire::read(body)?, now),
        Method::BatchRunReports => batch(body, |request| run_report(table, request, now), "reports"),
        Method::RunRealtimeReport => realtime(table, wire::read(body)?),
        Method::Metadata => Ok(metadata(property, table)),
        Method::CheckCompatibility => compatibility(table, &wire::read(body)?),
        Method::QuotasSnapshot => Ok(quotas(property)),
    }
}

fn run_report(table: &FakeTable, request: &WireRequest, now: SystemTime) -> Result<Value, Refusal> {
    report::run(table, request, &dates::read(&request.date_ranges, now)?, &REPORT)
}

fn run_pivot_report(
    table: &FakeTable,
    request: &WirePivotRequest,
    now: SystemTime,
) -> Result<Value, Refusal> {
    pivot::run(table, request, &dates::read(&request.report.date_ranges, now)?)
}

/// One to five requests; a batch with one that is refused is refused as a whole, as Google does.
fn batch<T: serde::de::DeserializeOwned>(
    body: &[u8],
    run: impl Fn(&T) -> Result<Value, Refusal>,
    what: &str,
) -> Result<Value, Refusal> {
    let batch: WireBatch<T> = wire::read(body)?;
    if batch.requests.is_empty() || batch.requests.len() > 5 {
        return Err(Refusal::Invalid("Batch requests must have between 1 and 5 requests.".into()));
    }
    let reports: Vec<Value> = batch.requests.iter().map(run).collect::<Result<_, _>>()?;
    let kind = if what == "reports" { "batchRunReports" } else { "batchRunPivotReports" };
    Ok(json!({what: reports, "kind": format!("analyticsData#{kind}")}))
}

const REALTIME: Kind =
    Kind { name: "analyticsData#runRealtimeReport", range_column: "minutesAgo", metadata: false };

fn realtime(table: &FakeTable, request: WireRealtimeRequest) -> Result<Value, Refusal> {
    let ranges = dates::minutes(&request.minute_ranges)?;
    let request = WireRequest {
        dimensions: request.dimensions,
        metrics: request.metrics,
        dimension_filter: request.dimension_filter,
        metric_filter: request.metric_filter,
        limit: request.limit,
        metric_aggregations: request.metric_aggregations,
        order_bys: request.order_bys,
        return_property_quota: request.return_property_quota,
        ..WireRequest::default()
    };
    report::run(table, &request, &ranges, &REALTIME)
}

/// A dimension or metric as `getMetadata` describes it; a custom one says so.
fn field(name: &str, kind: Option<&str>) -> Value {
    let mut field = Map::new();
    field.insert("apiName".into(), name.into());
    field.insert("uiName".into(), name.into());
    field.insert("description".into(), format!("The column {name} of a fake property.").into());
    if name.contains(':') {
        field.insert("customDefinition".into(), true.into());
    }
    if let Some(kind) = kind {
        field.insert("type".into(), kind.into());
    }
    field.insert("category".into(), "Fake".into());
    Value::Object(field)
}

/// The fields of a table, custom ones left out for the property 0.
fn fields(property: &str, table: &FakeTable) -> (Vec<Value>, Vec<Value>) {
    let is_shown = |name: &&String| property != "0" || !name.contains(':');
    let dimensions = table.dimensions.iter().filter(is_shown).map(|name| field(name, None)).collect();
    let metrics = table.metrics.iter().enumerate().filter(|(_, name)| is_shown(name)).map(|(index, name)| {
        field(name, Some(if table.is_whole(index) { "TYPE_INTEGER" } else { "TYPE_FLOAT" }))
    });
    (dimensions, metrics.collect())
}

fn metadata(property: &str, table: &FakeTable) -> Value {
    let (dimensions, metrics) = fields(property, table);
    json!({
        "dimensions": dimensions,
        "metrics": metrics,
        "name": format!("properties/{property}/metadata"),
    })
}

/// Every column of a table goes with every other one.
fn compatibility(table: &FakeTable, request: &WireCompatibilityRequest) -> Result<Value, Refusal> {
    if request.dimension_filter.is_some() || request.metric_filter.is_some() {
        return Err(Refusal::Beyond("a filter in checkCompatibility".into()));
    }
    if let Some(name) = request.dimensions.iter().find(|d| table.dimension(&d.name).is_none()) {
        return Err(unknown(&name.name, "dimension"));
    }
    if let Some(name) = request.metrics.iter().find(|m| table.metric(&m.name).is_none()) {
        return Err(unknown(&name.name, "metric"));
    }
    match request.compatibility_filter.as_deref() {
        None | Some("COMPATIBLE") => {}
        Some("INCOMPATIBLE") => return Ok(json!({})),
        Some(other) => {
            return Err(Refusal::Invalid(format!("Invalid value at 'compatibility_filter': {other}")));
        }
    }
    let list = |key: &str, fields: Vec<Value>| -> Vec<Value> {
        fields.into_iter().map(|field| json!({key: field, "compatibility": "COMPATIBLE"})).collect()
    };
    let (dimensions, metrics) = fields("1", table);
    Ok(json!({
        "dimensionCompatibilities": list("dimensionMetadata", dimensions),
        "metricCompatibilities": list("metricMetadata", metrics),
    }))
}

fn quotas(property: &str) -> Value {
    json!({
        "name": format!("properties/{property}/propertyQuotasSnapshot"),
        "corePropertyQuota": quota(),
        "realtimePropertyQuota": quota(),
        "funnelPropertyQuota": quota(),
    })
}
