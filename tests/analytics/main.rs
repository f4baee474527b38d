//! Reports: from a request over the wire into the caller's own structs.
#![cfg(feature = "analytics")]

#[path = "../util/mod.rs"]
mod util;

#[path = "../util/random.rs"]
#[allow(unreachable_pub, reason = "shared by test programs")]
mod random;

mod answer;
mod client;
mod damage;
mod days;
mod faults;
mod gate;
mod methods;
mod property;
mod quality;
mod refusals;
mod request;
mod retry;
mod rows;
mod scan;
mod totals;

use serde_json::{Value, json};
use shortway::analytics::{Analytics, DateRange, Property, Report, ReportRequest};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ManualClock, ScriptedSource};
use shortway::{Error, Identity, RetryPolicy};
use util::endpoint::Endpoint;

/// A week of a small site; the fake's clock stands at 2026-01-01.
fn table() -> FakeTable {
    FakeTable::new(["date", "country", "pagePath"], ["screenPageViews", "revenue"])
        .row(["20251225", "Italy", "/"], [5.0, 0.5])
        .row(["20251226", "Italy", "/"], [7.0, 1.25])
        .row(["20251226", "Chile", "/"], [3.0, 0.0])
        .row(["20251227", "Chile", "/about"], [4.0, 2.0])
        .row(["20251231", "(not set)", "/about"], [1.0, 0.0])
        .row(["20251231", "Italy", "/404"], [0.0, 0.0])
}

fn fake() -> FakeGoogle {
    FakeGoogle::builder().clock(ManualClock::new()).property(1234, table()).start().expect("a fake")
}

fn property(google: &FakeGoogle, scope: &str) -> Property {
    let tokens = shortway::service_account(google.key(), [scope])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    // One attempt: a quota of an hour is waited for in the last seconds of the hour.
    let analytics = Analytics::new(tokens).with_retry(RetryPolicy::NONE);
    analytics.with_endpoint(&google.api_url()).expect("a client").property(1234)
}

fn run(request: &ReportRequest) -> Result<Report, Error> {
    property(&fake(), ANALYTICS_READONLY).run_report(request)
}

/// The report that a server answers with `body`, to a request for the columns that it has.
fn report_of(body: &Value) -> Result<Report, Error> {
    answer_to(&matching(body), 200, &body.to_string())
}

/// A request for one date range and the columns of `body`.
fn matching(body: &Value) -> ReportRequest {
    let names = |key: &str| {
        let headers = body[key].as_array().map(Vec::as_slice).unwrap_or_default();
        headers.iter().filter_map(|h| h["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    ReportRequest::new().dimensions(names("dimensionHeaders")).metrics(names("metricHeaders"))
}

fn answer(status: u16, body: &str) -> Result<Report, Error> {
    answer_to(&ReportRequest::new(), status, body)
}

fn answer_to(request: &ReportRequest, status: u16, body: &str) -> Result<Report, Error> {
    let server = Endpoint::always(status, body);
    let identity = Identity::new().with_email("nightly@figures.iam.gserviceaccount.com");
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.y").with_identity(identity);
    let analytics =
        Analytics::new(tokens).with_retry(RetryPolicy::NONE).with_endpoint(&server.url).expect("a client");
    analytics.property(1234).run_report(request)
}

/// One dimension column and one metric column, with these cells.
fn columns(dimension: &str, metric: &str, cells: &[(&str, &str)]) -> Value {
    let rows: Vec<Value> = cells
        .iter()
        .map(|(d, m)| json!({"dimensionValues": [{"value": d}], "metricValues": [{"value": m}]}))
        .collect();
    json!({
        "dimensionHeaders": [{"name": dimension}],
        "metricHeaders": [{"name": metric, "type": "TYPE_INTEGER"}],
        "rows": rows,
        "rowCount": cells.len(),
    })
}

fn week() -> ReportRequest {
    ReportRequest::new().dates(DateRange::last_days(7))
}
