//! The fake's Data API: which method a request calls, and its answer.
//!
//! In: verb, path and body. Out: JSON, or why there is none.

use super::audience::Audiences;
use super::columns::unknown;
use super::enums::{self, COMPATIBILITY};
use super::quota::Quotas;
use super::refusal::Refusal;
use super::report::{self, Kind, REPORT};
use super::table::FakeTable;
use super::wire::{
    self, WireBatch, WireCompatibilityRequest, WirePivotRequest, WireRealtimeRequest, WireRequest,
};
use super::{dates, pivot};
use crate::testing::server::{FakeRequest, decoded_pairs};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::time::SystemTime;

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
pub(super) fn route<'p>(verb: &str, path: &'p str) -> Option<(&'p str, Method<'p>)> {
    let (version, rest) = path.strip_prefix('/')?.split_once("/properties/")?;
    let end = rest.find([':', '/']).unwrap_or(rest.len());
    let (property, rest) = rest.split_at(end);
    let method = match (verb, version, rest) {
        ("POST", "v1beta", ":runPivotReport") => Method::RunPivotReport,
        ("POST", "v1beta", ":batchRunPivotReports") => Method::BatchRunPivotReports,
        ("POST", "v1beta", "/audienceExports") => Method::CreateExport,
        ("GET", "v1beta", "/audienceExports") => Method::ListExports,
        (_, "v1beta", rest) if rest.starts_with("/audienceExports/") => {
            let id = rest.trim_start_matches("/audienceExports/");
            match (verb, id.strip_suffix(":query")) {
                ("POST", Some(id)) => Method::QueryExport(id),
                ("GET", None) => Method::GetExport(id),
                _ => return None,
            }
        }
        ("POST", "v1beta", ":runReport") => Method::RunReport,
        ("POST", "v1beta", ":batchRunReports") => Method::BatchRunReports,
        ("POST", "v1beta", ":runRealtimeReport") => Method::RunRealtimeReport,
        ("GET", "v1beta", "/metadata") => Method::Metadata,
        ("POST", "v1beta", ":checkCompatibility") => Method::CheckCompatibility,
        ("GET", "v1alpha", "/propertyQuotasSnapshot") => Method::QuotasSnapshot,
        _ => return None,
    };
    Some((property, method))
}

/// A call on a property, received at `now`.
pub(super) struct Call<'c> {
    pub(super) property: &'c str,
    pub(super) request: &'c FakeRequest,
    pub(super) now: SystemTime,
    pub(super) table: &'c FakeTable,
    pub(super) quotas: &'c mut Quotas,
    pub(super) audiences: &'c mut Audiences,
}

/// Answers a call of a method.
pub(super) fn answer(method: Method<'_>, call: &mut Call<'_>) -> Result<Value, Refusal> {
    check_parameters(call.request)?;
    let (property, request, body) = (call.property, call.request, call.request.body());
    let mut answer = match method {
        Method::RunReport => run_report(call, &wire::read(body)?)?,
        Method::BatchRunReports => batch(call, run_report, "reports")?,
        Method::RunRealtimeReport => realtime(call, wire::read(body)?)?,
        Method::RunPivotReport => run_pivot_report(call, &wire::read(body)?)?,
        Method::BatchRunPivotReports => batch(call, run_pivot_report, "pivotReports")?,
        Method::Metadata => call.quotas.take(call.now).map(|()| metadata(property, call.table))?,
        Method::CheckCompatibility => {
            call.quotas.take(call.now)?;
            compatibility(call.table, &wire::read(body)?)?
        }
        Method::QuotasSnapshot => quotas(property, &call.quotas.shown(0, true, call.now)),
        Method::CreateExport => {
            call.quotas.take(call.now)?;
            call.audiences.create(property, body)?
        }
        Method::ListExports => call.audiences.list(property, request)?,
        Method::GetExport(id) => call.audiences.get(property, id)?,
        Method::QueryExport(id) => call.audiences.query(property, id, body)?,
    };
    if request.parameter("$alt").is_some() {
        enums::to_numbers(&mut answer);
    }
    Ok(answer)
}

/// The parameters that all methods have; one that is unknown is refused.
fn check_parameters(request: &FakeRequest) -> Result<(), Refusal> {
    for (name, value) in decoded_pairs(request.query()) {
        match (name.as_str(), value.as_str()) {
            ("alt", "json") | ("$alt", "json;enum-encoding=int") => {}
            ("prettyPrint" | "$prettyPrint" | "key" | "quotaUser" | "$.xgafv", _) => {}
            ("pageSize" | "pageToken", _) if request.path().ends_with("/audienceExports") => {}
            ("alt" | "$alt" | "fields" | "callback" | "access_token" | "oauth_token", _) => {
                return Err(Refusal::Beyond(format!("the parameter {name}={value}")));
            }
            _ => {
                return Err(Refusal::Invalid(format!(
                    "Invalid JSON payload received. Unknown name \"{name}\": Cannot bind query parameter. Field \
                     '{name}' could not be found in request message."
                )));
            }
        }
    }
    Ok(())
}

fn run_report(call: &mut Call<'_>, request: &WireRequest) -> Result<Value, Refusal> {
    check_property(call.property, request.property.as_deref())?;
    let ranges = dates::read(&request.date_ranges, call.now)?;
    let report = report::run(call.table, request, &ranges, &REPORT)?;
    charged(call, report, request.return_property_quota)
}

fn run_pivot_report(call: &mut Call<'_>, request: &WirePivotRequest) -> Result<Value, Refusal> {
    check_property(call.property, request.report.property.as_deref())?;
    let ranges = dates::read(&request.report.date_ranges, call.now)?;
    let report = pivot::run(call.table, request, &ranges)?;
    charged(call, report, request.report.return_property_quota)
}

/// A report for a token, with the quotas if they are asked for.
fn charged(call: &mut Call<'_>, mut report: Value, shows_quota: bool) -> Result<Value, Refusal> {
    call.quotas.take(call.now)?;
    if shows_quota {
        report["propertyQuota"] = call.quotas.shown(1, false, call.now);
    }
    Ok(report)
}

/// The body may name the property of the path, and no other.
fn check_property(of_path: &str, of_body: Option<&str>) -> Result<(), Refusal> {
    match of_body.filter(|name| !name.is_empty()) {
        Some(name) if name.strip_prefix("properties/") != Some(of_path) => {
            Err(Refusal::Invalid(format!("The property {name} is not that of the path.")))
        }
        _ => Ok(()),
    }
}

/// One to five requests; a batch with one that is refused is refused as a whole, as Google does.
fn batch<T: DeserializeOwned>(
    call: &mut Call<'_>,
    run: impl Fn(&mut Call<'_>, &T) -> Result<Value, Refusal>,
    what: &str,
) -> Result<Value, Refusal> {
    let batch: WireBatch<T> = wire::read(call.request.body())?;
    check_property(call.property, batch.property.as_deref())?;
    if batch.requests.is_empty() || batch.requests.len() > 5 {
        return Err(Refusal::Invalid("Batch requests must have between 1 and 5 requests.".into()));
    }
    let reports: Vec<Value> =
        batch.requests.iter().map(|request| run(call, request)).collect::<Result<_, _>>()?;
    let kind = if what == "reports" { "batchRunReports" } else { "batchRunPivotReports" };
    Ok(json!({what: reports, "kind": format!("analyticsData#{kind}")}))
}

const REALTIME: Kind =
    Kind { name: "analyticsData#runRealtimeReport", range_column: "minutesAgo", metadata: false };

fn realtime(call: &mut Call<'_>, request: WireRealtimeRequest) -> Result<Value, Refusal> {
    check_property(call.property, request.property.as_deref())?;
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
    let report = report::run(call.table, &request, &ranges, &REALTIME)?;
    charged(call, report, request.return_property_quota)
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
    let metrics = table
        .metrics
        .iter()
        .enumerate()
        .filter(|(_, name)| is_shown(name))
        .map(|(index, name)| field(name, Some(table.type_of(index))));
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
    let filter = request.compatibility_filter.as_ref();
    let filter = filter.map(|f| f.name(COMPATIBILITY, "compatibility_filter")).transpose()?.flatten();
    if filter == Some("INCOMPATIBLE") {
        return Ok(json!({}));
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

/// The fake charges reports of all kinds to the same quotas; Google has some for each.
fn quotas(property: &str, quota: &Value) -> Value {
    json!({
        "name": format!("properties/{property}/propertyQuotasSnapshot"),
        "corePropertyQuota": quota,
        "realtimePropertyQuota": quota,
        "funnelPropertyQuota": quota,
    })
}
