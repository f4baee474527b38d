//! Faults of answers: each is refused, or taken for what it is, and never a wrong figure.

use crate::util::endpoint::Endpoint;
use crate::{answer, columns, matching, report_of, week};
use serde_json::{Value, json};
use shortway::analytics::{Analytics, Report, ReportRequest};
use shortway::testing::ScriptedSource;
use shortway::{Error, ErrorKind, RetryPolicy};
use std::time::{Duration, SystemTime};

const NOT_VALID: &str = "the response of Analytics (report) is not valid: ";

/// A whole answer with one dimension, one metric, and these rows.
fn body(rows: &Value, count: &Value) -> Value {
    let mut body = columns("country", "sessions", &[]);
    (body["rows"], body["rowCount"]) = (rows.clone(), count.clone());
    body
}

fn row(dimensions: &Value, metrics: &Value) -> Value {
    json!({"dimensionValues": dimensions, "metricValues": metrics})
}

/// Why an answer is refused, and whether it may be whole the next time.
#[track_caller]
fn refused(read: Result<Report, Error>) -> (String, bool) {
    let error = read.expect_err("no report");
    assert_eq!(error.kind(), ErrorKind::Schema);
    let message = error.message().strip_prefix(NOT_VALID).expect("the prefix").to_owned();
    (message, error.is_retryable())
}

#[test]
fn answer_without_rows_is_an_empty_report_unless_it_counts_some() {
    for (rows, count) in [(json!(null), json!(0)), (json!([]), json!(null)), (json!([]), json!("0"))] {
        let report = report_of(&body(&rows, &count)).expect("an empty report");
        assert!(report.is_empty() && report.is_complete() && report.row_count() == 0);
    }
    let (message, again) = refused(report_of(&body(&json!(null), &json!(7))));
    assert_eq!((message.as_str(), again), ("it has no rows, and its row count says 7", true));
    let behind = body(&json!([]), &json!(7)).to_string();
    let page = Report::from_json(behind.as_bytes(), &matching(&body(&json!([]), &json!(7))).offset(7));
    assert_eq!(page.expect("a page past the end").row_count(), 7);
}

#[test]
fn report_without_rows_that_counts_some_is_requested_once_more() {
    let server = Endpoint::always(200, &body(&json!(null), &json!(7)).to_string());
    let tokens = ScriptedSource::new().then_token("ya29.x").then_token("ya29.x");
    let policy = RetryPolicy::default().with_attempts(2).with_initial_delay(Duration::ZERO);
    let analytics = Analytics::new(tokens).with_retry(policy).with_endpoint(&server.url).expect("a client");
    let request = week().dimensions(["country"]).metrics(["sessions"]);
    let error = analytics.property(1234).run_report(&request).expect_err("no rows");
    assert_eq!((error.attempts(), server.received().len()), (Some(2), 2));
}

#[test]
fn rows_that_are_no_list_are_refused() {
    for rows in [json!({}), json!("rows"), json!([[]]), json!([7])] {
        let (message, again) = refused(report_of(&body(&rows, &json!(1))));
        assert!(message.starts_with("invalid type: ") && !again, "{message}");
    }
}

#[test]
fn row_of_another_width_is_refused_with_its_number() {
    let (d, m) = (json!([{"value": "a"}]), json!([{"value": "1"}]));
    for odd in [
        row(&json!([{"value": "a"}, {"value": "b"}]), &m),
        row(&d, &json!([])),
        row(&d, &json!([{"value": "1"}, {"value": "2"}])),
        json!({}),
    ] {
        let (message, _) = refused(report_of(&body(&json!([row(&d, &m), odd]), &json!(2))));
        assert!(message.starts_with("row 1 has another number of values than row 0"), "{message}");
        let (message, _) = refused(report_of(&body(&json!([odd]), &json!(1))));
        assert_eq!(message, "its rows and its headers have different numbers of columns");
    }
}

#[test]
fn headers_that_are_missing_empty_doubled_or_in_another_order_are_refused() {
    let request = ReportRequest::new().dimensions(["a", "b"]).metrics(["n"]);
    for headers in [json!(null), json!([]), json!([{"name": "a"}, {}]), json!([{"name": "b"}, {"name": "a"}])]
    {
        let body = json!({"dimensionHeaders": headers, "metricHeaders": [{"name": "n"}], "rowCount": 0});
        let (message, _) = refused(Report::from_json(body.to_string().as_bytes(), &request));
        assert!(
            message.starts_with("its columns are ") && message.ends_with("requested were a, b, n"),
            "{message}"
        );
    }
    let twice = json!({"dimensionHeaders": [{"name": "a"}, {"name": "a"}], "metricHeaders": [{"name": "n"}]});
    let (message, _) = refused(Report::from_json(twice.to_string().as_bytes(), &request));
    assert_eq!(message, "it has two columns named `a`");
}

#[test]
fn cell_without_a_value_is_an_empty_dimension_and_no_metric() {
    for cell in [json!({}), json!(null), json!({"value": null})] {
        let rows = json!([row(&json!([cell]), &json!([{"value": "1"}]))]);
        let report = report_of(&body(&rows, &json!(1))).expect("a report");
        assert_eq!(report.row(0).and_then(|row| row.get("country")), Some(""));
        let (message, _) =
            refused(report_of(&body(&json!([row(&json!([{"value": "a"}]), &json!([cell]))]), &json!(1))));
        assert!(message.starts_with("row 0 has a metric without a value"), "{message}");
    }
}

#[test]
fn figure_that_is_no_number_stays_text_and_never_becomes_one() {
    let digits = "9".repeat(40);
    for (text, whole, float) in [
        ("NaN", None, None),
        ("Infinity", None, None),
        ("-0", Some(0), Some(-0.0)),
        ("1e400", None, None),
        ("12abc", None, None),
        ("", None, None),
        ("1,234", None, None),
        ("9007199254740993", Some(9_007_199_254_740_993), Some(9_007_199_254_740_992.0)),
        (&digits, None, Some(1e40)),
    ] {
        let report = report_of(&columns("country", "sessions", &[("Italy", text)])).expect("a report");
        let row = report.row(0).expect("a row");
        assert_eq!(row.get("sessions"), Some(text));
        assert_eq!(row.read::<i64>("sessions").ok(), whole, "{text}");
        assert_eq!(row.read::<f64>("sessions").ok(), float, "{text}");
        assert!(row.read::<u8>("sessions").is_err(), "{text}");
    }
}

#[test]
fn row_count_that_the_rows_contradict_is_refused() {
    let one = json!([row(&json!([{"value": "a"}]), &json!([{"value": "1"}]))]);
    for (count, message) in [
        (json!(0), "it has more rows than its own row count says"),
        (json!(-1), "its row count is no number from 0 to 2147483647"),
        (json!(2_147_483_648_u64), "its row count is no number from 0 to 2147483647"),
        (json!("2147483648"), "its row count is no number from 0 to 2147483647"),
    ] {
        assert_eq!(refused(report_of(&body(&one, &count))), (message.to_owned(), false), "{count}");
    }
    for count in [json!("1"), json!(1.0), json!(null)] {
        assert_eq!(report_of(&body(&one, &count)).expect("a report").row_count(), 1, "{count}");
    }
}

#[test]
fn more_rows_than_the_limit_are_refused() {
    let two = columns("country", "sessions", &[("a", "1"), ("b", "2")]);
    let read = |limit| Report::from_json(two.to_string().as_bytes(), &matching(&two).limit(limit));
    assert_eq!(refused(read(1)), ("it has more rows than the request's limit".to_owned(), false));
    assert_eq!(read(2).expect("a report").len(), 2);
}

#[test]
fn key_that_stands_twice_is_refused_before_and_behind_the_rows() {
    let body = columns("country", "sessions", &[("a", "1")]);
    let object = body.to_string();
    let inner = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("an object");
    for key in ["rowCount", "rows", "dimensionHeaders", "metricHeaders", "kind", "metadata", "propertyQuota"]
    {
        let pair = json!({key: body[key]}).to_string();
        let pair = pair.trim_start_matches('{').strip_suffix('}').expect("an object");
        let is_there = !body[key].is_null();
        for twice in [
            format!("{{{pair},{}{inner}}}", if is_there { String::new() } else { format!("{pair},") }),
            format!("{{{inner},{pair}{}}}", if is_there { String::new() } else { format!(",{pair}") }),
        ] {
            let (message, _) = refused(Report::from_json(twice.as_bytes(), &matching(&body)));
            assert!(message.starts_with("it has one of its keys twice"), "{twice}: {message}");
        }
    }
    let unknown = object.replacen('{', r#"{"new":1,"new":{},"#, 1);
    assert_eq!(Report::from_json(unknown.as_bytes(), &matching(&body)).expect("unknown keys").len(), 1);
}

#[test]
fn text_that_is_no_text_is_refused_and_nul_is_kept() {
    let body = columns("country", "sessions", &[("NUL", "1")]).to_string();
    let request = ReportRequest::new().dimensions(["country"]).metrics(["sessions"]);
    let read = |text: &[u8]| {
        let at = body.find("NUL").expect("the cell");
        Report::from_json(&[&body.as_bytes()[..at], text, &body.as_bytes()[at + 3..]].concat(), &request)
    };
    assert_eq!(read(b"\\u0000").expect("a report").row(0).and_then(|row| row.get(0)), Some("\0"));
    for text in [&b"\\ud800"[..], b"\\udc00", b"\xff", b"\xed\xa0\x80", b"a\0b"] {
        assert!(!refused(read(text)).1, "{text:?}");
    }
}

#[test]
fn nest_without_end_is_skipped_or_refused_and_never_ends_the_stack() {
    let body = columns("country", "sessions", &[("a", "1")]);
    let nest = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for (key, is_known) in [("new", false), ("metadata", true), ("rows", true), ("totals", true)] {
        let mut object = body.clone();
        object[key] = json!("NEST");
        let text = object.to_string().replace("\"NEST\"", &nest);
        let read = Report::from_json(text.as_bytes(), &matching(&body));
        assert_eq!(read.is_err(), is_known && key != "metadata", "{key}");
    }
}

#[test]
fn answer_beyond_the_cap_is_too_large_and_says_how_to_raise_it() {
    let server = Endpoint::always(200, &" ".repeat(5000));
    let tokens = ScriptedSource::new().then_token("ya29.x");
    let analytics = Analytics::new(tokens).with_max_body(4096).with_endpoint(&server.url).expect("a client");
    let error = analytics.property(1234).run_report(&week()).expect_err("too large");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::TooLarge, Some(1)));
    let place = server.url.trim_start_matches("http://");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot get the report on property 1234: the response of {place} is larger than 4096 bytes; raise the limit \
             with Analytics::with_max_body, or request fewer rows"
        )
    );
}

#[test]
fn time_that_a_quota_names_is_kept() {
    let told = |value: &'static str| {
        let server = Endpoint::start(move |_| (429, vec![("Retry-After", value.into())], Vec::new()));
        let tokens = ScriptedSource::new().then_token("ya29.x");
        let analytics = Analytics::new(tokens).with_endpoint(&server.url).expect("a client");
        let error = analytics.property(1234).run_report(&week()).expect_err("a quota");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Quota, Some(1)));
        error.retry_at()
    };
    let begun = SystemTime::now();
    let wait = told("300").expect("a time").duration_since(begun).expect("later").as_secs();
    assert!((299..=330).contains(&wait), "{wait}");
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    let day = told("Fri, 01 Jan 2100 00:00:00 GMT");
    assert!(day.is_none_or(|day| day <= date), "{day:?}");
    assert!(told("soon").is_none());
}

#[test]
fn error_body_of_any_form_keeps_its_status() {
    let any = json!({"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/new.Kind", "deep": [[[{"a": {"b": [1]}}]]]}, 7, null]}});
    let long = "x".repeat(10 << 20);
    for body in ["[]", "[{\"error\":{}}]", "<html>", "", "null", "\u{feff}{}", &long, &any.to_string()] {
        let error = answer(400, body).expect_err("a refusal");
        assert_eq!((error.kind(), error.status()), (ErrorKind::Api, Some(400)), "{:.30}", body);
        assert!(error.to_string().len() < 700, "{error}");
    }
}

#[test]
fn report_of_another_method_is_refused() {
    let mut body = columns("country", "sessions", &[]);
    body["kind"] = json!("analyticsData#runRealtimeReport");
    assert_eq!(refused(report_of(&body)).0, "it is the response of another method");
}
