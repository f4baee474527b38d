//! What the figures are worth, and what is left of the quota.

use crate::util::endpoint::Endpoint;
use crate::{answer_to, columns, fake, matching, property, week};
use serde_json::{Value, json};
use shortway::analytics::{Analytics, Doubt, RealtimeRequest, Report, ReportRequest};
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{ManualClock, ScriptedSource};
use shortway::{Clock, ErrorKind, RetryPolicy};
use std::time::Duration;

fn with_metadata(cells: &[(&str, &str)], metadata: &Value) -> Report {
    let mut body = columns("country", "sessions", cells);
    body["metadata"] = metadata.clone();
    Report::from_json(body.to_string().as_bytes(), &matching(&body)).expect("a report")
}

#[test]
fn exact_report_has_no_doubts() {
    let report = with_metadata(&[("Italy", "7")], &json!({"subjectToThresholding": false}));
    assert!(report.quality().is_exact());
    report.require_exact().expect("exact");
}

#[test]
fn every_doubt_is_told_and_can_be_made_an_error() {
    let metadata = json!({
        "dataLossFromOtherRow": true,
        "subjectToThresholding": true,
        "samplingMetadatas": [{"samplesReadCount": "1", "samplingSpaceSize": "4"}],
        "dataTruncationReasons": [{"dataTruncationType": 3}],
        "schemaRestrictionResponse": {"activeMetricRestrictions": [{"metricName": "sessions"}]},
    });
    let report = with_metadata(&[("Italy", "7")], &metadata);
    let told: Vec<String> = report.quality().doubts.iter().map(Doubt::to_string).collect();
    assert_eq!(
        told,
        [
            "the figures are estimates: Google read 1 of 4 events (sampling)",
            "some rows are merged into a row (other)",
            "small figures may be withheld so that nobody can be identified (thresholding)",
            "data may be missing: 3",
            "the account may not see these metrics, which come as zeros: sessions",
        ]
    );
    let error = report.require_exact().expect_err("doubts");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Inexact, false));
    assert!(error.message().starts_with("the report is not exact: the figures are estimates"), "{error}");
}

#[test]
fn other_row_is_a_doubt_also_where_the_flag_is_missing() {
    let report = with_metadata(&[("Italy", "7"), ("(other)", "2")], &json!({}));
    assert_eq!(report.quality().doubts, [Doubt::OtherRow]);
}

#[test]
fn empty_report_tells_why() {
    let report = with_metadata(&[], &json!({"emptyReason": "NO_DATA"}));
    assert_eq!(report.quality().doubts, [Doubt::Empty(Some("NO_DATA".into()))]);
    assert_eq!(
        report.require_exact().expect_err("empty").to_string(),
        "the report is not exact: the report has no rows: NO_DATA; see Report::quality for each reason by itself"
    );
}

#[test]
fn rows_that_googles_limit_cut_are_a_doubt_and_those_of_ones_own_limit_are_none() {
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["rowCount"] = json!(10_001);
    let told = |request: ReportRequest| {
        let report = Report::from_json(body.to_string().as_bytes(), &request).expect("a report");
        report.quality().doubts.iter().map(Doubt::to_string).collect::<Vec<_>>()
    };
    assert_eq!(told(matching(&body)), ["1 of 10001 rows are here"]);
    assert_eq!(told(matching(&body).limit(300_000)), ["1 of 10001 rows are here"]);
    assert!(told(matching(&body).limit(1)).is_empty());
}

#[test]
fn quota_is_requested_unless_switched_off_and_the_last_one_is_kept() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    assert_eq!(property.last_quota(), None);
    let off = week().metrics(["screenPageViews"]).return_property_quota(false);
    property.run_report(&off).expect("a report");
    assert_eq!(property.last_quota(), None);
    property.run_report(&week().metrics(["screenPageViews"])).expect("a report");
    let left = property.clone().last_quota().and_then(|quota| quota.tokens_per_day).expect("a quota");
    assert_eq!(left.remaining, Some(199_999));
    assert_eq!(property.last_realtime_quota(), None, "another quota");
    property
        .run_realtime_report(&RealtimeRequest::new().metrics(["screenPageViews"]))
        .expect("a realtime report");
    assert!(property.last_realtime_quota().is_some());
    let asked = google.reports_asked();
    assert_eq!(
        (&asked[0]["returnPropertyQuota"], &asked[1]["returnPropertyQuota"]),
        (&Value::Null, &json!(true))
    );
}

#[test]
fn quota_that_google_does_not_name_is_told_from_the_last_state() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let request = week().metrics(["screenPageViews"]);
    let quota = json!({"tokensPerDay": {"consumed": 1, "remaining": 9}, "tokensPerHour": {"consumed": 1, "remaining": -1}});
    let report = json!({"metricHeaders": [{"name": "screenPageViews"}], "propertyQuota": quota});
    google.answer_next_report(200, report);
    property.run_report(&request).expect("a report");
    let refusal = json!({"error": {"code": 429, "message": "No more.", "status": "RESOURCE_EXHAUSTED"}});
    google.answer_next_report(429, refusal.clone());
    let error = property.run_report(&request).expect_err("no more");
    assert_eq!(
        error.to_string(),
        "Analytics refused the report on property 1234: No more; the property's tokens for this hour are used up; wait: \
         the quota is reset within an hour"
    );
    let error = answer_to(&request, 429, &refusal.to_string()).expect_err("nothing known");
    assert_eq!(
        error.hint(),
        Some(
            "a quota is exhausted; quotas_snapshot shows which one; most are reset within an hour, daily ones at midnight \
             Pacific time"
        )
    );
}

#[test]
fn answers_serialize_to_the_json_that_they_came_from() {
    let body = json!({
        "dimensionHeaders": [{"name": "country"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}, {"name": "x", "type": 77}],
        "rows": [{"dimensionValues": [{"value": ""}], "metricValues": [{"value": "7"}, {"value": "1e-7"}]}],
        "totals": [{"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": [{"value": "7"}, {"value": "0"}]}],
        "rowCount": 1,
        "metadata": {
            "samplingMetadatas": [{"samplesReadCount": "1", "samplingSpaceSize": "9007199254740993"}],
            "schemaRestrictionResponse": {"activeMetricRestrictions":
                [{"metricName": "sessions", "restrictedMetricTypes": ["COST_DATA", 9]}]},
            "subjectToThresholding": false,
        },
        "propertyQuota": {"tokensPerDay": {"consumed": 0, "remaining": -1}},
        "kind": "analyticsData#runReport",
    });
    let report = Report::from_json(body.to_string().as_bytes(), &matching(&body)).expect("a report");
    assert_eq!(serde_json::to_value(&report).expect("JSON"), body);
}

#[test]
fn floor_of_tokens_is_kept_until_the_quota_is_reset() {
    let clock = ManualClock::new();
    let google = fake();
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.x").then_token("ya29.x");
    let analytics = Analytics::new(tokens).with_clock(clock.clone()).with_quota_floor(100);
    let property = analytics.with_endpoint(&google.api_url()).expect("a client").property(1234);
    let request = week().metrics(["screenPageViews"]);
    let answer = |left: i32| {
        let quota =
            json!({"tokensPerDay": {"remaining": 9000}, "tokensPerProjectPerHour": {"remaining": left}});
        google.answer_next_report(
            200,
            json!({"metricHeaders": [{"name": "screenPageViews"}], "propertyQuota": quota}),
        );
    };
    answer(100);
    property.run_report(&request).expect("nothing is known yet");
    answer(99);
    property.run_report(&request).expect("as many as the floor");
    let error = property.run_report(&request).expect_err("below the floor");
    assert_eq!((error.kind(), google.report_requests()), (ErrorKind::Quota, 2));
    assert_eq!(
        error.to_string(),
        "property 1234 has 99 tokens left for this hour and project, fewer than the floor of 100: the request is not \
         sent; wait until the quota is reset, or lower the floor of Analytics::with_quota_floor"
    );
    assert_eq!(error.retry_at(), Some(clock.now() + Duration::from_secs(3600)));
    clock.advance(Duration::from_secs(3600));
    answer(14_000);
    property.run_report(&request).expect("the next hour");
}

#[test]
fn client_with_a_clock_of_its_own_spends_five_server_errors_of_an_hour_and_no_more() {
    let server = Endpoint::always(503, "");
    let clock = ManualClock::new();
    let tokens = (0..20).fold(ScriptedSource::new(), |tokens, _| tokens.then_token("ya29.x"));
    let analytics = Analytics::new(tokens).with_clock(clock.clone()).with_retry(RetryPolicy::NONE);
    let property = analytics.with_endpoint(&server.url).expect("a client").property(1234);
    let kinds = || property.run_report(&week()).expect_err("out of order").kind();
    for _ in 0..5 {
        assert_eq!(kinds(), ErrorKind::Unavailable);
    }
    let error = property.run_report(&week()).expect_err("spent");
    assert_eq!(
        error.to_string(),
        "5 server errors on property 1234 in this hour: no request is sent until the hour has passed; Google refuses \
         every request of the project to the property after 10; wait"
    );
    assert_eq!((error.kind(), server.received().len()), (ErrorKind::Quota, 5));
    clock.advance(Duration::from_secs(3600));
    assert_eq!(kinds(), ErrorKind::Unavailable);
}
