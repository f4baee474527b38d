//! The crate's side of `.ci/protobuf.py`, which holds it against Google's own messages.
//!
//! `messages requests` prints one request a line: the name of its message, a tab, its JSON. `messages
//! answers` reads such lines of answers, and prints each as it is written after it was read; or `refused: `
//! and why.

use serde::Serialize;
use serde_json::Value;
use shortway::Error;
use shortway::analytics::{
    AudienceExport, AudienceExports, AudienceQuery, AudienceRows, Cohort, CohortSpec, Comparison,
    Compatibility, CompatibilityReport, CompatibilityRequest, DateRange, Dimension, FilterExpression,
    Granularity, MatchType, Metadata, Metric, MetricAggregation, MinuteRange, NumericOperation, OrderBy,
    OrderType, Pivot, PivotReport, PivotRequest, QuotasSnapshot, RealtimeRequest, Report, ReportRequest,
};
use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    match std::env::args().nth(1).as_deref() {
        Some("requests") => requests().iter().try_for_each(|(name, json)| writeln!(out, "{name}\t{json}")),
        Some("answers") => io::stdin().lock().lines().try_for_each(|line| {
            let line = line?;
            let (name, json) = line.split_once('\t').unwrap_or_default();
            match answer(name, json) {
                Ok(json) => writeln!(out, "{json}"),
                Err(error) => writeln!(out, "refused: {error}"),
            }
        }),
        _ => Err(io::Error::other("requests or answers?")),
    }
}

fn json(message: &impl Serialize) -> String {
    serde_json::to_string(message).expect("every message has JSON")
}

fn answer(name: &str, text: &str) -> Result<String, Error> {
    let body = text.as_bytes();
    Ok(match name {
        "RunReportResponse" => json(&Report::from_json(body, &ReportRequest::new().with(text))?),
        "RunRealtimeReportResponse" => json(&RealtimeRequest::new().with(text).report_from_json(body)?),
        "RunPivotReportResponse" => json(&PivotReport::from_json(body, &PivotRequest::new().with(text))?),
        "Metadata" => json(&Metadata::from_json(body)?),
        "CheckCompatibilityResponse" => json(&CompatibilityReport::from_json(body)?),
        "PropertyQuotasSnapshot" => json(&QuotasSnapshot::from_json(body)?),
        "AudienceExport" => json(&AudienceExport::from_json(body)?),
        "ListAudienceExportsResponse" => json(&AudienceExports::from_json(body)?),
        "QueryAudienceExportResponse" => json(&AudienceRows::from_json(body)?),
        other => format!("refused: no message is called {other}"),
    })
}

/// A request for the columns of an answer.
trait Matching: Sized {
    fn columns(self, dimensions: Vec<String>, metrics: Vec<String>) -> Self;

    fn with(self, answer: &str) -> Self {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let names = |key: &str| {
            let headers = answer[key].as_array().map(Vec::as_slice).unwrap_or_default();
            headers.iter().map(|header| header["name"].as_str().unwrap_or_default().to_owned()).collect()
        };
        self.columns(names("dimensionHeaders"), names("metricHeaders"))
    }
}

impl Matching for ReportRequest {
    fn columns(self, dimensions: Vec<String>, metrics: Vec<String>) -> Self {
        self.dimensions(dimensions).metrics(metrics)
    }
}

impl Matching for RealtimeRequest {
    fn columns(self, dimensions: Vec<String>, metrics: Vec<String>) -> Self {
        self.dimensions(dimensions).metrics(metrics)
    }
}

impl Matching for PivotRequest {
    fn columns(self, dimensions: Vec<String>, metrics: Vec<String>) -> Self {
        self.dimensions(dimensions).metrics(metrics)
    }
}

/// Requests that have every field of every message between them.
fn requests() -> Vec<(&'static str, String)> {
    let mut found = vec![
        ("RunReportRequest", report().effective().expect("a request")),
        ("RunReportRequest", cohorts().effective().expect("a request")),
        ("RunReportRequest", ReportRequest::new().effective().expect("a request")),
        ("RunRealtimeReportRequest", realtime().effective().expect("a request")),
        ("RunPivotReportRequest", pivot().effective().expect("a request")),
        ("CheckCompatibilityRequest", json(&compatibility())),
        ("QueryAudienceExportRequest", json(&AudienceQuery::new().offset(u64::MAX >> 1).limit(250_000))),
    ];
    found.extend(
        filters().into_iter().map(|filter| ("RunReportRequest", json(&report().dimension_filter(filter)))),
    );
    found.extend(comparisons_of_numbers().into_iter().map(|filter| {
        ("RunReportRequest", ReportRequest::new().metric_filter(filter).effective().expect("a request"))
    }));
    found
}

fn report() -> ReportRequest {
    ReportRequest::new()
        .dates(DateRange::last_days(7).named("week"))
        .dates(DateRange::new("2026-01-01", "today"))
        .dimensions(["country", "customEvent:level"])
        .dimensions([
            Dimension::lower_case("small", "city"),
            Dimension::upper_case("large", "city"),
            Dimension::concatenate("place", ["country", "city"], ", "),
        ])
        .metrics(["sessions"])
        .metrics([
            Metric::expression("perSession", "eventCount/sessions"),
            Metric::from("eventCount").invisible(),
        ])
        .order_by(OrderBy::metric("sessions").desc())
        .order_by(OrderBy::dimension("country").order_type(OrderType::CaseInsensitiveAlphanumeric))
        .order_by(OrderBy::dimension("small").order_type(OrderType::Numeric))
        .metric_aggregations([MetricAggregation::Minimum, MetricAggregation::Maximum])
        .metric_filter(FilterExpression::between("sessions", i64::MIN, 1.5))
        .offset(10)
        .limit(u64::MAX >> 1)
        .currency_code("EUR")
        .keep_empty_rows(true)
        .comparisons([
            Comparison::of(FilterExpression::equals("platform", "web")).named("web"),
            Comparison::saved("comparisons/1"),
        ])
}

fn cohorts() -> ReportRequest {
    let cohort = Cohort::new(DateRange::new("2026-01-04", "2026-01-10"));
    let spec = CohortSpec::new([cohort.clone().named("first"), cohort], Granularity::Weekly, 4);
    ReportRequest::default()
        .dimensions(["cohort"])
        .metrics(["cohortActiveUsers"])
        .cohort_spec(spec.start_offset(1).accumulate(true))
}

fn realtime() -> RealtimeRequest {
    RealtimeRequest::new()
        .dimensions(["country"])
        .metrics(["activeUsers"])
        .minutes(MinuteRange::last(5).named("now"))
        .minutes(MinuteRange::new(29, 5))
        .dimension_filter(FilterExpression::equals("country", "Italy"))
        .metric_filter(FilterExpression::greater_than("activeUsers", 1))
        .order_by(OrderBy::metric("activeUsers"))
        .metric_aggregations([MetricAggregation::Maximum])
        .limit(10)
}

fn pivot() -> PivotRequest {
    let order = OrderBy::pivot("sessions", [("country", "Italy")]);
    let by_country = Pivot::new(["country"], 20).offset(1).order_by(order);
    PivotRequest::new()
        .dates(DateRange::yesterday())
        .dimensions(["country", "city"])
        .metrics(["sessions"])
        .pivot(by_country.metric_aggregations([MetricAggregation::Count]))
        .pivot(Pivot::new(["city"], 5))
        .dimension_filter(FilterExpression::empty("city"))
        .metric_filter(FilterExpression::less_than("sessions", 0.5))
        .currency_code("EUR")
        .cohort_spec(CohortSpec::new([Cohort::new(DateRange::today())], Granularity::Daily, 1))
        .keep_empty_rows(true)
        .comparisons([Comparison::saved("comparisons/1")])
}

fn compatibility() -> CompatibilityRequest {
    CompatibilityRequest::new()
        .dimensions(["country"])
        .metrics(["sessions"])
        .dimension_filter(FilterExpression::equals("country", "Italy"))
        .metric_filter(FilterExpression::greater_than("sessions", 1))
        .compatibility_filter(Compatibility::Incompatible)
}

fn filters() -> Vec<FilterExpression> {
    let kinds = [
        MatchType::Exact,
        MatchType::BeginsWith,
        MatchType::EndsWith,
        MatchType::Contains,
        MatchType::FullRegexp,
        MatchType::PartialRegexp,
    ];
    let mut filters: Vec<_> =
        kinds.into_iter().map(|kind| FilterExpression::text("country", kind, "ä\"\n\u{0}")).collect();
    filters.push(FilterExpression::in_list("country", ["Italy", "Chile"]).case_sensitive());
    filters.push(FilterExpression::empty("country"));
    let all = filters.iter().cloned().reduce(|all, filter| all & !filter.case_sensitive());
    let any = filters.iter().cloned().reduce(|any, filter| any | filter);
    filters.extend(all.into_iter().chain(any));
    filters
}

fn comparisons_of_numbers() -> Vec<FilterExpression> {
    [
        NumericOperation::Equal,
        NumericOperation::LessThan,
        NumericOperation::LessThanOrEqual,
        NumericOperation::GreaterThan,
        NumericOperation::GreaterThanOrEqual,
    ]
    .into_iter()
    .flat_map(|operation| {
        [
            FilterExpression::number("sessions", operation, i64::MAX),
            FilterExpression::number("sessions", operation, 1e-300),
        ]
    })
    .collect()
}
