//! Every method but `runReport`, over the fake.

use crate::util::endpoint::Endpoint;
use crate::{fake, property, table, week};
use serde_json::{Value, json};
use shortway::analytics::{
    Analytics, AudienceExportState, AudienceQuery, Compatibility, CompatibilityRequest, DateRange,
    FilterExpression, Metric, MetricType, MinuteRange, OrderBy, Pivot, PivotRequest, Property, QuotaStatus,
    QuotasSnapshot, RealtimeRequest, ReportRequest,
};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{FakeGoogle, FakeTable, ManualClock, ScriptedSource};
use shortway::{ErrorKind, RetryPolicy};
use std::thread;
use std::time::Duration;

#[test]
fn metadata_lists_what_can_be_requested() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let metadata = property.metadata().expect("metadata");
    assert_eq!(metadata.name, "properties/1234/metadata");
    let names: Vec<&str> = metadata.dimensions.iter().map(|d| d.api_name.as_str()).collect();
    assert_eq!(names, ["date", "country", "pagePath"]);
    assert_eq!(metadata.metric("revenue").map(|m| &m.r#type), Some(&MetricType::Float));
    assert_eq!(metadata.dimension("revenue"), None);
    assert_eq!(google.paths_asked(), ["GET /v1beta/properties/1234/metadata?prettyPrint=false"]);
    assert_eq!(google.reports_asked(), [Value::Null]);
}

#[test]
fn metadata_common_to_all_properties_is_that_of_property_0() {
    let table = FakeTable::new(["date", "customEvent:level"], ["sessions"]);
    let google = FakeGoogle::builder().property(1234, table).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    let common = analytics.common_metadata().expect("metadata");
    assert_eq!(common.dimensions.len(), 1);
    let own = analytics.property(1234).metadata().expect("metadata");
    assert!(own.dimension("customEvent:level").expect("its own").custom_definition);
    assert_eq!(google.paths_asked()[0], "GET /v1beta/properties/0/metadata?prettyPrint=false");
}

#[test]
fn metadata_keeps_old_names_and_long_lists() {
    let dimension = |i: usize| json!({"apiName": format!("d{i}"), "deprecatedApiNames": [format!("old{i}")]});
    let body = json!({"dimensions": (0..2000).map(dimension).collect::<Vec<_>>(), "metrics": null, "new": 1});
    let metadata = shortway::analytics::Metadata::from_json(body.to_string().as_bytes()).expect("metadata");
    assert_eq!(metadata.dimensions.len(), 2000);
    assert_eq!(metadata.dimension("old7").map(|d| d.api_name.as_str()), Some("d7"));
    let error = shortway::analytics::Metadata::from_json(b"[]").expect_err("a list");
    assert_eq!(
        error.to_string(),
        "the response of Analytics (metadata) is not valid: it is not a JSON object"
    );
    let error = shortway::analytics::Metadata::from_json(br#"{"name": "x"#).expect_err("cut");
    assert_eq!(error.to_string(), "the response of Analytics (metadata) is not valid: it ends in the middle");
    assert!(error.is_retryable());
}

#[test]
fn compatibility_is_told_for_each_field() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let request = CompatibilityRequest::new()
        .dimensions(["country"])
        .metrics(["screenPageViews"])
        .compatibility_filter(Compatibility::Compatible);
    let found = property.check_compatibility(&request).expect("an answer");
    assert_eq!((found.dimension_compatibilities.len(), found.metric_compatibilities.len()), (3, 2));
    let first = &found.dimension_compatibilities[0];
    assert_eq!(first.compatibility, Some(Compatibility::Compatible));
    assert_eq!(first.dimension_metadata.as_ref().map(|d| d.api_name.as_str()), Some("date"));
    assert_eq!(
        google.reports_asked(),
        [json!({
            "dimensions": [{"name": "country"}],
            "metrics": [{"name": "screenPageViews"}],
            "compatibilityFilter": "COMPATIBLE",
        })]
    );
    let error = property.check_compatibility(&CompatibilityRequest::new().metrics(["x"])).expect_err("x");
    assert_eq!(
        error.to_string(),
        "Analytics refused the compatibility check on property 1234: Field x is not a valid metric. For a list of \
         valid dimensions and metrics, see https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema; \
         correct the request: Property::metadata lists the dimensions and metrics that there are, \
         Property::check_compatibility those that fit together"
    );
    assert_eq!(CompatibilityRequest::new().extra("a", [1]).effective().expect("JSON"), r#"{"a":[1]}"#);
    let twice = CompatibilityRequest::new().metrics(["x", "x"]);
    let error = property.check_compatibility(&twice).expect_err("twice");
    assert_eq!(error.message(), "the compatibility request has two columns named `x`");
}

#[test]
fn quotas_are_shown_without_a_report() {
    let google = fake();
    let snapshot = property(&google, ANALYTICS_READONLY).quotas_snapshot().expect("a snapshot");
    let core = snapshot.core_property_quota.and_then(|q| q.tokens_per_day).expect("tokens");
    assert_eq!(core.remaining, Some(199_999));
    assert!(snapshot.realtime_property_quota.is_some() && snapshot.funnel_property_quota.is_some());
    let path = "GET /v1alpha/properties/1234/propertyQuotasSnapshot?prettyPrint=false";
    assert_eq!(google.paths_asked(), [path]);
}

#[test]
fn quota_that_v1alpha_leaves_out_of_a_snapshot_is_zero() {
    let body = br#"{"corePropertyQuota": {"tokensPerDay": {"consumed": 7}, "tokensPerHour": {}}}"#;
    let core = QuotasSnapshot::from_json(body).expect("a snapshot").core_property_quota.expect("a quota");
    let numbers = |status: Option<QuotaStatus>| status.map(|status| (status.consumed, status.remaining));
    assert_eq!(numbers(core.tokens_per_day), Some((Some(7), Some(0))));
    assert_eq!(numbers(core.tokens_per_hour), Some((Some(0), Some(0))));
    assert_eq!(numbers(core.concurrent_requests), None, "a bucket that is not there is not known");
}

fn realtime_site() -> (FakeGoogle, Property) {
    let table = FakeTable::new(["minutesAgo", "country"], ["activeUsers"])
        .row(["00", "Italy"], [5])
        .row(["03", "Chile"], [2])
        .row(["29", "Italy"], [1]);
    let google = FakeGoogle::builder().property(1234, table).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    (google, analytics.property(1234))
}

#[test]
fn realtime_report_covers_half_an_hour_or_ranges_of_minutes() {
    let (google, property) = realtime_site();
    let request = RealtimeRequest::new().dimensions(["country"]).metrics(["activeUsers"]);
    let report = property.run_realtime_report(&request).expect("a report");
    let rows: Vec<(String, u64)> = report.rows().map(|row| row.expect("fits")).collect();
    assert_eq!(rows, [("Italy".into(), 6), ("Chile".into(), 2)]);
    assert_eq!(report.total::<u64>("activeUsers").expect("a total"), 8);
    assert!(report.is_complete());

    let request = RealtimeRequest::new()
        .metrics(["activeUsers"])
        .minutes(MinuteRange::last(5).named("now"))
        .minutes(MinuteRange::new(29, 5))
        .limit(10);
    let report = property.run_realtime_report(&request).expect("a report");
    assert_eq!(report.total_in::<u64>("now", "activeUsers").expect("a total"), 7);
    assert_eq!(report.total_in::<u64>("date_range_1", "activeUsers").expect("a total"), 1);
    assert_eq!(
        google.reports_asked()[1],
        json!({
            "metrics": [{"name": "activeUsers"}],
            "minuteRanges": [
                {"startMinutesAgo": 4, "endMinutesAgo": 0, "name": "now"},
                {"startMinutesAgo": 29, "endMinutesAgo": 5},
            ],
            "limit": "10",
            "metricAggregations": ["TOTAL"],
            "returnPropertyQuota": true,
        })
    );
    let backwards = RealtimeRequest::new().metrics(["activeUsers"]).minutes(MinuteRange::new(0, 5));
    let error = property.run_realtime_report(&backwards).expect_err("backwards");
    assert_eq!(
        error.to_string(),
        "a minute range begins 0 minutes ago and ends 5 minutes ago; give the earlier minute first"
    );
    let far = RealtimeRequest::new().metrics(["activeUsers"]).minutes(MinuteRange::last(60));
    let error = property.run_realtime_report(&far).expect_err("an hour");
    assert!(error.message().starts_with("Analytics refused the realtime report on property 1234: "));
}

#[test]
fn answer_of_another_method_is_no_report() {
    let request = RealtimeRequest::new().metrics(["activeUsers"]);
    let body = json!({"metricHeaders": [{"name": "activeUsers"}], "kind": "analyticsData#runReport"});
    let error = request.report_from_json(body.to_string().as_bytes()).expect_err("a runReport");
    assert_eq!(
        error.to_string(),
        "the response of Analytics (report) is not valid: it is the response of another method"
    );
}

fn by(dimension: &str) -> ReportRequest {
    week().dimensions([dimension]).metrics(["screenPageViews"])
}

#[test]
fn batch_runs_five_to_a_call_and_keeps_the_order() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let requests: Vec<ReportRequest> = (0..12).map(|i| by(["country", "pagePath", "date"][i % 3])).collect();
    let results = property.batch_run_reports(&requests);
    assert_eq!(results.len(), 12);
    for (result, request) in results.iter().zip(&requests) {
        let report = result.as_ref().expect("a report");
        assert_eq!(report.columns()[0].name, request.dimensions[0].name);
        assert_eq!(report.total::<u64>("screenPageViews").expect("a total"), 20);
    }
    let sizes: Vec<usize> = google
        .reports_asked()
        .iter()
        .map(|body| body["requests"].as_array().expect("a batch").len())
        .collect();
    assert_eq!(sizes, [5, 5, 2]);
    assert!(property.batch_run_reports(&[]).is_empty());
}

#[test]
fn wrong_request_in_a_batch_does_not_cost_the_others() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let requests = [by("country"), by("nonsense"), by("pagePath"), week().metrics(["a", "a"])];
    let results = property.batch_run_reports(&requests);
    assert!(results[0].is_ok() && results[2].is_ok());
    let error = results[1].as_ref().expect_err("nonsense");
    assert!(error.message().contains("Field nonsense is not a valid dimension"), "{error}");
    let error = results[3].as_ref().expect_err("twice");
    assert_eq!(error.message(), "the report request has two columns named `a`");
    let paths = google.paths_asked();
    let verbs: Vec<&str> = paths.iter().filter_map(|path| path.split([':', '?']).nth(1)).collect();
    assert_eq!(verbs, ["batchRunReports", "runReport", "runReport", "runReport"]);
}

#[test]
fn batch_whose_quota_is_exhausted_is_not_split() {
    let google = fake();
    let refusal = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
        "message": "Exhausted property tokens for a project per hour."}});
    google.answer_next_report(429, refusal);
    let requests: Vec<ReportRequest> = (0..7).map(|_| by("country")).collect();
    let results = property(&google, ANALYTICS_READONLY).batch_run_reports(&requests);
    assert_eq!(results.len(), 7);
    assert!(results.iter().all(|result| result.as_ref().is_err_and(|e| e.kind() == ErrorKind::Quota)));
    assert_eq!(google.report_requests(), 1);
}

#[test]
fn batch_with_another_number_of_reports_is_refused() {
    let google = fake();
    google.answer_next_report(200, json!({"reports": [], "kind": "analyticsData#batchRunReports"}));
    let results = property(&google, ANALYTICS_READONLY).batch_run_reports(&[by("country"), by("date")]);
    let error = results[1].as_ref().expect_err("no reports");
    assert_eq!(
        error.to_string(),
        "the response of Analytics (batch of reports) is not valid: it has 0 reports, requested were 2"
    );
    google
        .answer_next_report(200, json!({"reports": [{}, {}], "kind": "analyticsData#batchRunPivotReports"}));
    let results = property(&google, ANALYTICS_READONLY).batch_run_reports(&[by("country"), by("date")]);
    assert_eq!(
        results[0].as_ref().expect_err("pivot reports").to_string(),
        "the response of Analytics (batch of reports) is not valid: it is the response of another method"
    );
}

fn pivot() -> PivotRequest {
    PivotRequest::new()
        .dates(DateRange::last_days(7))
        .dimensions(["country", "pagePath"])
        .metrics(["screenPageViews"])
        .pivot(Pivot::new(["country"], 2).order_by(OrderBy::metric("screenPageViews").desc()))
        .pivot(Pivot::new(["pagePath"], 10))
}

#[test]
fn pivot_report_has_rows_and_the_values_of_its_columns() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let report = property.run_pivot_report(&pivot()).expect("a report");
    let mut rows: Vec<(String, String, u64)> = report.rows().map(|row| row.expect("fits")).collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            ("Chile".into(), "/".into(), 3),
            ("Chile".into(), "/about".into(), 4),
            ("Italy".into(), "/".into(), 12),
        ]
    );
    let pivots: Vec<_> = report.pivots().collect();
    assert_eq!(pivots[0].values().collect::<Vec<_>>(), [["Italy"], ["Chile"]]);
    assert_eq!((pivots[0].row_count(), pivots[0].is_complete(), pivots[1].is_complete()), (3, false, true));
    assert_eq!(
        google.reports_asked()[0]["pivots"],
        json!([
            {"fieldNames": ["country"], "limit": "2",
             "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": true}]},
            {"fieldNames": ["pagePath"], "limit": "10"},
        ])
    );
    let mut without_limit = pivot();
    without_limit.pivots[0].limit = None;
    let error = property.run_pivot_report(&without_limit).expect_err("no limit");
    assert!(error.message().starts_with("Analytics refused the pivot report on property 1234: "), "{error}");
}

#[test]
fn pivot_report_with_other_columns_is_refused() {
    let report = |dimension: &str, metric: &str| {
        let body = json!({
            "dimensionHeaders": [{"name": dimension}], "metricHeaders": [{"name": metric}],
            "kind": "analyticsData#runPivotReport",
        });
        shortway::analytics::PivotReport::from_json(body.to_string().as_bytes(), &pivot())
    };
    assert!(report("pagePath", "screenPageViews").is_ok());
    assert_eq!(
        report("city", "screenPageViews").expect_err("city").to_string(),
        "the response of Analytics (report) is not valid: its dimensions are city, requested were country, pagePath"
    );
    assert_eq!(
        report("country", "sessions").expect_err("sessions").to_string(),
        "the response of Analytics (report) is not valid: its metrics are sessions, requested were screenPageViews"
    );
}

#[test]
fn pivot_reports_come_in_batches_too() {
    let google = fake();
    let wrong = pivot().pivot(Pivot::new(["country"], 1));
    let results = property(&google, ANALYTICS_READONLY).batch_run_pivot_reports(&[pivot(), wrong, pivot()]);
    assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(google.report_requests(), 4);
}

const AUDIENCE: &str = "properties/1234/audiences/5";

fn audience(clock: &ManualClock) -> (FakeGoogle, Property) {
    let users = FakeTable::new(["deviceId", "language"], ["x"]).row(["a", "it"], [0]).row(["b", "es"], [0]);
    let google = FakeGoogle::builder()
        .clock(clock.clone())
        .property(1234, table())
        .audience(AUDIENCE, users)
        .start()
        .expect("a fake");
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(clock.clone())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_clock(clock.clone());
    let property = analytics.with_endpoint(&google.api_url()).expect("a client").property(1234);
    (google, property)
}

#[test]
fn audience_export_is_created_waited_for_and_read() {
    let clock = ManualClock::new();
    let (google, property) = audience(&clock);
    let export = property.create_audience_export(AUDIENCE, ["language", "deviceId"]).expect("an export");
    assert_eq!(
        (export.name.as_str(), export.state),
        ("properties/1234/audienceExports/1", Some(AudienceExportState::Creating))
    );
    let twice = AudienceQuery::new().limit(1).extra("limit", "2");
    let error = property.query_audience_export(&export.name, &twice).expect_err("there already");
    assert_eq!(error.message(), "the extra field `limit` of the audience query is there already");
    let error = property.query_audience_export(&export.name, &AudienceQuery::new()).expect_err("too early");
    assert_eq!(error.code(), Some("FAILED_PRECONDITION"));
    // The clock may run far ahead while the waiter is slow to wake.
    let patience = Duration::from_secs(365 * 86_400);
    let export = thread::scope(|scope| {
        let waiter = scope.spawn(|| property.ready_audience_export("1", patience));
        while !waiter.is_finished() {
            if clock.waiting() > 0 {
                clock.advance(Duration::from_secs(2));
            }
            thread::yield_now();
        }
        waiter.join().expect("no panic").expect("ready")
    });
    assert_eq!((export.row_count, export.percentage_completed), (Some(2), Some(100.0)));
    let users = property.query_audience_export(&export.name, &AudienceQuery::new().offset(1)).expect("users");
    let rows: Vec<(&str, &str)> = users.rows().map(|row| row.expect("fits")).collect();
    assert_eq!((rows, users.row_count()), (vec![("es", "b")], Some(2)));
    assert_eq!(users.columns()[1].name, "deviceId");
    let asked = google.reports_asked();
    assert_eq!(
        asked[0],
        json!({"audience": AUDIENCE, "dimensions": [{"dimensionName": "language"}, {"dimensionName": "deviceId"}]})
    );
    assert_eq!(asked.last(), Some(&json!({"offset": "1"})));
}

#[test]
fn audience_export_that_is_late_can_be_waited_for_again() {
    let (google, property) = audience(&ManualClock::new());
    let export = property.create_audience_export(AUDIENCE, ["deviceId"]).expect("an export");
    let error = property.ready_audience_export(&export.name, Duration::ZERO).expect_err("late");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "the audience export `properties/1234/audienceExports/1` is not ready after 0 s (50 % done); wait for it \
         again: it goes on being made"
    );
    let failed = json!({"name": export.name, "state": "FAILED", "errorMessage": "too\nlarge"});
    google.answer_next_report(200, failed);
    let error = property.ready_audience_export(&export.name, Duration::ZERO).expect_err("failed");
    assert_eq!(
        error.to_string(),
        "Analytics failed to make the audience export `properties/1234/audienceExports/1`: too large; create another one"
    );
}

#[test]
fn audience_exports_are_listed_page_by_page() {
    let (google, property) = audience(&ManualClock::new());
    for _ in 0..3 {
        property.create_audience_export(AUDIENCE, ["deviceId"]).expect("an export");
    }
    let first = property.audience_exports(Some(2), None).expect("a page");
    let token = first.next_page_token.expect("another page");
    let second = property.audience_exports(Some(2), Some(&token)).expect("a page");
    assert_eq!((first.audience_exports.len(), second.audience_exports.len()), (2, 1));
    assert_eq!(second.next_page_token, None);
    property.audience_exports(None, Some("a b&c")).expect_err("no such page");
    let paths = google.paths_asked();
    let base = "GET /v1beta/properties/1234/audienceExports";
    assert_eq!(paths[4], format!("{base}?pageSize=2&pageToken=2&prettyPrint=false"));
    assert_eq!(paths[5], format!("{base}?pageToken=a%20b%26c&prettyPrint=false"));
}

#[test]
fn name_of_an_export_never_leaves_its_property() {
    let (google, property) = audience(&ManualClock::new());
    for name in ["", "..", "a/b", "../metadata", "1?x=y", "1:query", "properties/99/audienceExports/1"] {
        let error = property.audience_export(name).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.message(), format!("`{name}` is not an audience export of property 1234"));
    }
    assert_eq!(google.report_requests(), 0);
    let error = property.audience_export("77").expect_err("none");
    assert_eq!(
        error.to_string(),
        "Analytics refused the audience export on property 1234: Audience export properties/1234/audienceExports/77 is \
         not found; check the name of the audience export: audience_exports lists those of the property"
    );
}

#[test]
fn export_is_not_created_twice_when_google_fails() {
    let server = Endpoint::always(503, "");
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.y");
    let analytics = Analytics::new(tokens)
        .with_retry(RetryPolicy::default().with_attempts(3))
        .with_clock(ManualClock::new())
        .with_endpoint(&server.url)
        .expect("a client");
    let error = analytics
        .property(1)
        .create_audience_export("properties/1/audiences/2", ["deviceId"])
        .expect_err("503");
    assert_eq!(
        error.message(),
        "Analytics failed to make the new audience export on property 1 (HTTP status 503)"
    );
    assert_eq!(server.received().len(), 1);
}

#[test]
fn fake_evaluates_filters_of_metrics_and_texts() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let rows = |request: ReportRequest| -> Vec<(String, u64)> {
        let report = property.run_report(&request.dimensions(["pagePath"])).expect("a report");
        report.rows().map(|row| row.expect("fits")).collect()
    };
    let views = || week().metrics(["screenPageViews"]);
    let more = views().metric_filter(FilterExpression::greater_than("screenPageViews", 5));
    assert_eq!(rows(more), [("/".into(), 15)]);
    let between = views().metric_filter(FilterExpression::between("screenPageViews", 5, 6.5));
    assert_eq!(rows(between), [("/about".into(), 5)]);
    let ends = views().dimension_filter(FilterExpression::ends_with("pagePath", "OUT"));
    assert_eq!(rows(ends), [("/about".into(), 5)]);
    let not_set = views().dimension_filter(FilterExpression::empty("country"));
    assert_eq!(rows(not_set), [("/about".into(), 1)]);
    let request = views().metrics([Metric::from("revenue").invisible()]).order_by(OrderBy::metric("revenue"));
    assert_eq!(rows(request), [("/".into(), 15), ("/about".into(), 5)]);
    let pattern = views().dimension_filter(FilterExpression::partial_regexp("pagePath", "^/a"));
    assert_eq!(rows(pattern), [("/about".into(), 5)]);
}
