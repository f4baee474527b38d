//! Answers with status 200: what is refused, what is read however it is written, what is kept beside the
//! figures.

use crate::{answer, answer_to, columns, matching, report_of};
use serde_json::{Value, json};
use shortway::analytics::{DateRange, Metric, MetricType, Report, ReportRequest, ResponseMetadata};
use shortway::{Error, ErrorKind};

const NO_REPORT: &str = "the response of Analytics (report) is not valid: ";

fn two_ranges() -> ReportRequest {
    let ranges = DateRange::new("2023-04-01", "2023-04-30");
    ReportRequest::new().dates(ranges.clone()).dates(ranges).dimensions(["date"]).metrics(["sessions"])
}

/// The answer to [`two_ranges`]: rows of date, range, sessions, and totals as they are given.
fn of_two_ranges(rows: &[[&str; 3]], totals: &Value, row_count: usize) -> Value {
    json!({
        "dimensionHeaders": [{"name": "date"}, {"name": "dateRange"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
        "rows": rows.iter().map(row).collect::<Vec<_>>(),
        "totals": totals,
        "rowCount": row_count,
    })
}

fn row([date, range, sessions]: &[&str; 3]) -> Value {
    json!({"dimensionValues": [{"value": date}, {"value": range}], "metricValues": [{"value": sessions}]})
}

fn read(request: &ReportRequest, body: &Value) -> Result<Report, Error> {
    answer_to(request, 200, &body.to_string())
}

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
        (wrong_kind, "it is the response of another method"),
        (two_names, "it has two columns named `a`"),
        (narrow, "its rows and its headers have different numbers of columns"),
        (short, "it has more rows than its own row count says"),
        (negative, "its row count is no number from 0 to 2147483647"),
    ] {
        let twice = message.contains("two columns");
        let report = if twice { answer(200, &body.to_string()) } else { report_of(&body) };
        let error = report.expect_err("no report");
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(error.to_string(), format!("the response of Analytics (report) is not valid: {message}"));
    }
    for body in ["{}", r#"{"nextThing": 1, "propertyQuota": {}}"#, r#"{"kind": null, "rowCount": null}"#] {
        let error = answer(200, body).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Schema);
        assert_eq!(
            error.to_string(),
            "the response of Analytics (report) is not valid: it has none of a report's fields",
            "{body}"
        );
    }
    report_of(&json!({"metricHeaders": [{"name": "n"}]})).expect("headers will do");
    for (body, message) in [
        ("7", "invalid type: integer `7`, expected a report at line 1 column 1"),
        (
            r#"{"rows": [{"metricValues": [{"value": "1"}]}], "rows": []}"#,
            "it has one of its keys twice at line 1 column 53",
        ),
        (" [[], [], []]", "invalid type: sequence, expected a report at line 1 column 1"),
        ("null", "invalid type: null, expected a report at line 1 column 4"),
    ] {
        assert_eq!(answer(200, body).expect_err(body).message(), format!("{NO_REPORT}{message}"));
    }
    let error = answer(200, r#"{"rows": [{"metricValues": [{"val"#).expect_err("cut");
    assert_eq!(error.to_string(), "the response of Analytics (report) is not valid: it ends in the middle");
    assert!(error.is_retryable());
    let error = answer(200, "<html>").expect_err("HTML");
    assert_eq!(
        error.to_string(),
        "the response of Analytics (report) is not valid: it is not JSON (line 1, column 1)"
    );
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
            "schemaRestrictionResponse": {"activeMetricRestrictions": [
                {"metricName": "purchaseRevenue", "restrictedMetricTypes": ["REVENUE_DATA", "NEW_DATA"]},
            ]},
            "dataTruncationReasons": [{
                "dataTruncationType": "DATA_TRUNCATION_TYPE_NEW",
                "dataTruncationMessage": "cut",
                "dataTruncationDate": "2026-09-01",
                "dataTruncationDateRanges": [{"startDate": "2026-09-01", "endDate": "2026-09-07"}, {}],
            }],
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
    assert_eq!(metadata.restricted_metrics().collect::<Vec<_>>(), ["purchaseRevenue"]);
    let restriction =
        &metadata.schema_restriction_response.as_ref().expect("some").active_metric_restrictions[0];
    assert_eq!(restriction.restricted_metric_types, ["REVENUE_DATA", "NEW_DATA"]);
    let reason = &metadata.data_truncation_reasons[0];
    assert_eq!(reason.data_truncation_message.as_deref(), Some("cut"));
    let ranges = &reason.data_truncation_date_ranges;
    assert_eq!((ranges[0].end_date.as_deref(), ranges[1].end_date.as_deref()), (Some("2026-09-07"), None));
    let quota = report.property_quota().and_then(|q| q.tokens_per_day).expect("a quota");
    assert_eq!((quota.consumed, quota.remaining), (Some(1), Some(-1)));
    assert_eq!(report.clone().metadata(), metadata);
}

#[test]
fn side_note_of_any_shape_never_costs_the_report() {
    let odd = [
        json!(null),
        json!(7),
        json!(-1.5),
        json!("x"),
        json!(true),
        json!([[1], {"a": 1}]),
        json!({"a": [1]}),
    ];
    let good = columns("country", "sessions", &[("Italy", "7")]);
    let places = [
        &["kind"][..],
        &["rowCount"],
        &["metadata"],
        &["metadata", "currencyCode"],
        &["metadata", "dataLossFromOtherRow"],
        &["metadata", "subjectToThresholding"],
        &["metadata", "samplingMetadatas"],
        &["metadata", "samplingMetadatas", "samplesReadCount"],
        &["metadata", "schemaRestrictionResponse"],
        &["metadata", "schemaRestrictionResponse", "activeMetricRestrictions"],
        &["metadata", "schemaRestrictionResponse", "activeMetricRestrictions", "restrictedMetricTypes"],
        &["metadata", "dataTruncationReasons"],
        &["metadata", "dataTruncationReasons", "dataTruncationDateRanges"],
        &["propertyQuota"],
        &["propertyQuota", "tokensPerDay"],
        &["propertyQuota", "tokensPerDay", "consumed"],
        &["nextThing"],
    ];
    for place in places {
        for value in odd.iter().filter(|value| place[0] != "kind" || !value.is_string()) {
            let mut nested = value.clone();
            for (depth, key) in place.iter().enumerate().skip(1).rev() {
                let in_list = place[depth - 1].ends_with('s') && depth > 1;
                nested = if in_list { json!([{*key: nested}]) } else { json!({*key: nested}) };
            }
            let mut body = good.clone();
            body[place[0]] = nested;
            let report = report_of(&body).unwrap_or_else(|error| panic!("{place:?} {value}: {error}"));
            let row = report.rows::<(String, u8)>().next().expect("a row").expect("fits");
            assert_eq!(row, ("Italy".into(), 7));
        }
    }
}

#[test]
fn zeros_and_nulls_that_are_left_out_are_the_default() {
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["metricHeaders"][0]["type"] = Value::Null;
    body["rowCount"] = json!("1");
    body["totals"] = Value::Null;
    body["metadata"] = json!({
        "samplingMetadatas": [{"samplingSpaceSize": 12}, {"samplesReadCount": null}],
        "dataTruncationReasons": [{"dataTruncationType": null}],
        "schemaRestrictionResponse": null,
        "dataLossFromOtherRow": null,
    });
    body["propertyQuota"] =
        json!({"tokensPerDay": {"remaining": "9"}, "tokensPerHour": {}, "concurrentRequests": null});
    let report = report_of(&body).expect("a report");
    assert_eq!(report.row_count(), 1);
    assert_eq!(report.columns()[1].kind, shortway::analytics::ColumnKind::Metric(MetricType::default()));
    let sampling = &report.metadata().sampling_metadatas;
    assert_eq!((sampling[0].samples_read_count, sampling[0].sampling_space_size), (0, 12));
    assert_eq!((sampling[1].samples_read_count, sampling[1].sampling_space_size), (0, 0));
    let quota = report.property_quota().expect("a quota");
    assert_eq!(quota.tokens_per_day.map(|q| (q.consumed, q.remaining)), Some((None, Some(9))));
    assert_eq!((quota.tokens_per_hour.is_some(), quota.concurrent_requests), (true, None));
    let body = json!({"kind": "analyticsData#runReport", "rows": null, "dimensionHeaders": null});
    assert!(report_of(&body).expect("an empty report").is_empty());
    let metadata: ResponseMetadata =
        serde_json::from_value(json!({"timeZone": "Etc/UTC"})).expect("metadata");
    assert_eq!(metadata.time_zone.as_deref(), Some("Etc/UTC"));
}

#[test]
fn numbers_are_read_with_arbitrary_precision_too() {
    // What serde_json hands out for 1 when another crate of the program has switched that feature on.
    let one = json!({"$serde_json::private::Number": "1"});
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["rowCount"] = one.clone();
    body["metadata"] = json!({"samplingMetadatas": [{"samplesReadCount": one}]});
    let report = report_of(&body).expect("a report");
    assert!(report.is_complete());
    assert_eq!(report.metadata().sampling_metadatas[0].samples_read_count, 1);
}

#[test]
fn few_side_notes_are_kept_of_very_many() {
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["metadata"] = json!({
        "emptyReason": "é".repeat(5000),
        "samplingMetadatas": vec![json!({"samplesReadCount": "1"}); 1000],
    });
    let report = report_of(&body).expect("a report");
    assert_eq!(report.metadata().sampling_metadatas.len(), 256);
    assert_eq!(report.metadata().empty_reason.as_ref().map(String::len), Some(4096));
}

#[test]
fn rows_without_a_row_count_are_a_report() {
    let mut body = columns("country", "sessions", &[("Italy", "7"), ("Chile", "2")]);
    for absent in [false, true] {
        match absent {
            true => body.as_object_mut().expect("an object").remove("rowCount"),
            false => body.as_object_mut().expect("an object").insert("rowCount".into(), Value::Null),
        };
        let report = report_of(&body).expect("a report");
        assert_eq!((report.len(), report.row_count(), report.is_complete()), (2, 2, true));
        let page = |request: ReportRequest| read(&request, &body).expect("a report").is_complete();
        assert!(!page(matching(&body).limit(2)), "there may be more");
        assert!(!page(matching(&body).offset(1)), "there are more");
    }
    body["rowCount"] = json!(0);
    assert_eq!(
        report_of(&body).expect_err("a contradiction").message(),
        format!("{NO_REPORT}it has more rows than its own row count says")
    );
}

#[test]
fn row_count_of_several_ranges_counts_a_row_once() {
    let rows = [["20230401", "date_range_0", "2"], ["20230401", "date_range_1", "0"]];
    let report = read(&two_ranges(), &of_two_ranges(&rows, &json!([]), 1)).expect("a report");
    assert_eq!((report.len(), report.row_count(), report.is_complete()), (2, 1, true));
    let page = read(&two_ranges(), &of_two_ranges(&rows, &json!([]), 2)).expect("a report");
    assert_eq!((page.len(), page.row_count(), page.is_complete()), (2, 2, true), "a count of every row");
    let two_days = [rows[0], ["20230402", "date_range_1", "1"]];
    for (cut, count, is_complete) in [
        (two_ranges().limit(2), 2, true), // the limit counts as the row count does
        (two_ranges().limit(2), 3, false),
        (two_ranges().offset(1), 2, false),
    ] {
        let report = read(&cut, &of_two_ranges(&two_days, &json!([]), count)).expect("a report");
        assert_eq!(report.is_complete(), is_complete);
    }
    let three = [rows[0], rows[1], ["20230402", "date_range_0", "1"]];
    let error = read(&two_ranges(), &of_two_ranges(&three, &json!([]), 1)).expect_err("too many rows");
    assert_eq!(error.message(), format!("{NO_REPORT}it has more rows than its own row count says"));
}

#[test]
fn empty_aggregate_is_no_figure() {
    let mut body = columns("country", "sessions", &[]);
    body["totals"] = json!([{}]);
    let report = report_of(&body).expect("an empty report");
    assert_eq!((report.len(), report.is_complete()), (0, true));
    assert_eq!(report.total::<Option<u64>>("sessions").expect("none"), None);
    assert_eq!(
        report.total::<u64>("sessions").expect_err("no figure").to_string(),
        "no total of `sessions`: the report is empty; read an Option to get None where there are no rows"
    );
}

#[test]
fn range_gets_its_own_total_where_another_range_is_empty() {
    let full = |range: &str| row(&["RESERVED_TOTAL", range, "9"]);
    let rows = |range| [["20230401", range, "9"]];
    for (totals, of) in [
        (json!([{}, full("date_range_1")]), "date_range_1"),
        (json!([full("date_range_1"), {}]), "date_range_1"),
        (json!([{}, full("date_range_0")]), "date_range_0"),
    ] {
        let report = read(&two_ranges(), &of_two_ranges(&rows(of), &totals, 1)).expect("a report");
        for range in ["date_range_0", "date_range_1"] {
            let total = report.total_in::<Option<u64>>(range, "sessions").expect("a total or none");
            assert_eq!(total, (range == of).then_some(9), "{totals} {range}");
        }
    }
    let both = read(&two_ranges(), &of_two_ranges(&[], &json!([{}, {}]), 0)).expect("an empty report");
    assert_eq!(both.total_in::<Option<u64>>("date_range_1", "sessions").expect("none"), None);
}

#[test]
fn total_that_is_missing_is_never_taken_for_none() {
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["totals"] = json!([{}]);
    let message = "no total of `sessions`: Google sent none, although there are rows";
    let error = report_of(&body).expect("a report").total::<Option<u64>>("sessions").expect_err("no figure");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Row, message));
    let rows = [["20230401", "date_range_0", "2"]];
    let report = read(&two_ranges(), &of_two_ranges(&rows, &json!([{}, {}]), 1)).expect("a report");
    let error = report.total_in::<Option<u64>>("date_range_0", "sessions").expect_err("no figure");
    assert_eq!(error.message(), message);
    assert_eq!(report.total_in::<Option<u64>>("date_range_1", "sessions").expect("none"), None);
}

#[test]
fn totals_that_contradict_each_other_are_refused() {
    let total =
        |n: &str| json!({"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": [{"value": n}]});
    let mut body = columns("country", "sessions", &[("Italy", "7")]);
    body["totals"] = json!([total("1"), total("99")]);
    let twice = format!("{NO_REPORT}it has two totals that contradict each other");
    assert_eq!(report_of(&body).expect_err("which?").message(), twice);
    body["totals"] = json!([total("7"), total("7")]);
    assert_eq!(report_of(&body).expect("a report").total::<u8>("sessions").expect("the same"), 7);

    let of = |range: &str, n: &str| row(&["RESERVED_TOTAL", range, n]);
    let totals = json!([of("date_range_0", "1"), of("date_range_1", "2"), of("date_range_1", "3")]);
    let error = read(&two_ranges(), &of_two_ranges(&[], &totals, 0)).expect_err("which?");
    assert_eq!((error.kind(), error.message()), (ErrorKind::Schema, twice.as_str()));
    let totals = json!([of("date_range_7", "1")]);
    assert_eq!(
        read(&two_ranges(), &of_two_ranges(&[], &totals, 0)).expect_err("no such range").message(),
        format!("{NO_REPORT}it has a total of a date range that was not requested")
    );
}

#[test]
fn requested_dimension_date_range_does_not_hide_the_total() {
    let mut body = columns("dateRange", "sessions", &[("date_range_0", "7")]);
    body["totals"] =
        json!([{"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": [{"value": "7"}]}]);
    let request = matching(&body).dates(DateRange::yesterday());
    let report = read(&request, &body).expect("a report");
    assert_eq!(report.total::<u64>("sessions").expect("a total"), 7);
    assert_eq!(report.total_in::<u64>("date_range_0", "sessions").expect("a total"), 7);
}

#[test]
fn columns_that_were_not_requested_are_refused() {
    let body = columns("city", "totalUsers", &[("Rome", "5")]);
    let refused = |request: &ReportRequest, message: &str| {
        let error = read(request, &body).expect_err(message);
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Schema, format!("{NO_REPORT}{message}").as_str())
        );
    };
    let request =
        |dimension: &str, metric: &str| ReportRequest::new().dimensions([dimension]).metrics([metric]);
    refused(
        &request("country", "sessions"),
        "its columns are city, totalUsers, requested were country, sessions",
    );
    refused(&ReportRequest::new(), "its columns are city, totalUsers, requested were none");
    refused(
        &request("city", "totalUsers").dates(DateRange::yesterday()).dates(DateRange::today()),
        "its columns are city, totalUsers, requested were city, dateRange, totalUsers",
    );
    refused(
        &ReportRequest::new().metrics(["city", "totalUsers"]),
        "its columns are city, totalUsers, requested were city, totalUsers",
    );
    let visible = ReportRequest::new()
        .dimensions(["city"])
        .metrics([Metric::from("sessions").invisible(), Metric::expression("totalUsers", "sessions*2")]);
    assert_eq!(read(&visible, &body).expect("a report").len(), 1);
}

#[test]
fn columns_without_end_are_refused_before_they_are_compared() {
    let headers: Vec<Value> = (0..100_000).map(|n| json!({"name": n.to_string()})).collect();
    for key in ["dimensionHeaders", "metricHeaders"] {
        let error = answer(200, &json!({key: headers}).to_string()).expect_err("too many");
        assert_eq!(error.message(), format!("{NO_REPORT}it has more than 200 columns"));
    }
    let cells = vec![json!({"value": "1"}); 201];
    let error = answer(200, &json!({"rows": [{"metricValues": cells}]}).to_string()).expect_err("too many");
    let expected = format!("{NO_REPORT}row 0 has more than 200 values at line 1");
    assert!(error.message().starts_with(&expected), "{error}");
}

#[test]
fn errors_quote_little_of_an_answer_on_one_line() {
    let hostile = format!("evil\n\u{1b}[31m\u{202e} ya29.{} {}", "x".repeat(100), "long ".repeat(10_000));
    let name = json!({"name": hostile});
    let texts = [
        answer(200, &json!({"dimensionHeaders": [name, name]}).to_string()).expect_err("twice"),
        answer(200, &json!({"dimensionHeaders": [name]}).to_string()).expect_err("not requested"),
        answer(200, &json!({"rows": hostile}).to_string()).expect_err("no rows"),
        answer(200, &json!({"rows": [{"metricValues": [hostile]}]}).to_string()).expect_err("no cell"),
    ];
    let mut body = columns("country", "sessions", &[(&hostile, &hostile)]);
    let report = report_of(&body).expect("a report");
    let cells = [
        report.rows::<(String, u64)>().next().expect("a row").expect_err("no number"),
        report.rows::<(time::Date, String)>().next().expect("a row").expect_err("no date"),
        report.total::<u64>(&hostile).expect_err("no such metric"),
        report.total_in::<u64>(&hostile, "sessions").expect_err("no such range"),
    ];
    body["dimensionHeaders"][0]["name"] = json!(format!("{} {}", "a\u{7}b", "é".repeat(9)));
    let named = report_of(&body).expect("a report");
    let named = [
        named.rows::<(u8, String)>().next().expect("a row").expect_err("no number"),
        named.rows::<std::collections::BTreeMap<u8, u8>>().next().expect("a row").expect_err("no number"),
    ];
    for error in texts.iter().chain(&cells).chain(&named) {
        let all = format!("{error} {:?}", error.column());
        assert!(!all.contains(char::is_control) && !all.contains('\u{202e}'), "{all}");
        assert!(error.message().chars().count() < 400 && !all.contains("ya29"), "{all}");
    }
    assert!(cells[0].message().chars().count() < 140, "{}", cells[0]);
}

#[test]
fn answer_that_is_cut_anywhere_may_be_whole_the_next_time() {
    let body = columns("country", "sessions", &[("Österreich – 日本", "7")]);
    let text = body.to_string();
    for end in 1..text.len() {
        let error = Report::from_json(&text.as_bytes()[..end], &matching(&body)).expect_err("cut");
        assert_eq!(error.message(), format!("{NO_REPORT}it ends in the middle"), "{end}");
        assert!(error.is_retryable());
    }
    let error = Report::from_json(b"{\"kind\": \"\xff\"}", &ReportRequest::new()).expect_err("not UTF-8");
    assert_eq!(
        (error.message(), error.is_retryable()),
        (format!("{NO_REPORT}it is not UTF-8").as_str(), false)
    );
}
