//! Answers with status 200: the checks, and what Google says beside the figures.

use crate::{answer, columns, report_of};
use serde_json::json;
use shortway::ErrorKind;

#[test]
fn answer_that_is_no_report_is_told_so() {
    let wrong_kind = json!({"kind": "analyticsData#runPivotReport"});
    let two_names = json!({"dimensionHeaders": [{"name": "a"}, {"name": "a"}]});
    let mut narrow = columns("d", "n", &[("x", "1")]);
    narrow["metricHeaders"] = json!([{"name": "n"}, {"name": "m"}]);
    let mut short = columns("d", "n", &[("x", "1"), ("y", "2")]);
    short["rowCount"] = json!(1);
    let mut negative = columns("d", "n", &[]);
    negative["rowCount"] = json!(-1);
    for (body, message) in [
        (wrong_kind, "it is the answer of another method"),
        (two_names, "it has two columns named `a`"),
        (narrow, "its rows and its headers have different numbers of columns"),
        (short, "it has more rows than its own row count says"),
        (negative, "its row count is negative"),
    ] {
        let error = report_of(&body).expect_err("no report");
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(error.to_string(), format!("the answer of Analytics is no report: {message}"));
    }
    for body in ["{}", "[]", " [[], [], []]", r#"{"nextThing": 1, "propertyQuota": {}}"#] {
        let error = answer(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(
            error.to_string(),
            "the answer of Analytics is no report: it has nothing of a report in it",
            "{body}"
        );
    }
    report_of(&json!({"metricHeaders": [{"name": "n"}]})).expect("headers will do");
    let error = answer(200, "7").expect_err("a number");
    assert_eq!(
        error.to_string(),
        "the answer of Analytics is no report: invalid type: integer `7`, expected a report at line 1 column 1"
    );
    let error = answer(200, r#"{"rows": [{"metricValues": [{"val"#).expect_err("cut");
    assert_eq!(error.to_string(), "the answer of Analytics is no report: it ends in the middle");
    assert!(error.is_retryable());
    let error = answer(200, "<html>").expect_err("HTML");
    assert_eq!(error.to_string(), "the answer of Analytics is no report: it is not JSON (line 1, column 1)");
}

#[test]
fn what_google_says_about_the_report_is_kept() {
    let report = report_of(&json!({
        "metadata": {
            "currencyCode": "EUR",
            "timeZone": "Europe/Warsaw",
            "dataLossFromOtherRow": true,
            "subjectToThresholding": false,
            "emptyReason": "none",
            "samplingMetadatas": [{"samplesReadCount": "5000", "samplingSpaceSize": "9007199254740993"}],
            "schemaRestrictionResponse": {"activeMetricRestrictions": [{"metricName": "purchaseRevenue"}]},
            "dataTruncationReasons": [{"dataTruncationType": "DATA_TRUNCATION_TYPE_NEW", "dataTruncationMessage": "cut"}],
            "section": "UNKNOWN_TO_US",
        },
        "propertyQuota": {"tokensPerDay": {"consumed": 1, "remaining": -1}, "newBucket": {}},
        "kind": "analyticsData#runReport",
        "nextThing": 1,
    }))
    .expect("a report");
    let metadata = report.metadata();
    assert_eq!(metadata.currency_code.as_deref(), Some("EUR"));
    assert!(metadata.data_loss_from_other_row);
    assert_eq!(metadata.subject_to_thresholding, Some(false));
    assert_eq!(metadata.sampling_metadatas[0].sampling_space_size, 9_007_199_254_740_993);
    assert_eq!(metadata.restricted_metrics, ["purchaseRevenue"]);
    assert_eq!(metadata.data_truncation_reasons[0].message.as_deref(), Some("cut"));
    let quota = report.property_quota().and_then(|q| q.tokens_per_day).expect("a quota");
    assert_eq!((quota.consumed, quota.remaining), (Some(1), Some(-1)));
}
