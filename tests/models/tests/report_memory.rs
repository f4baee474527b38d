//! What memory a report costs beside its body, whatever its JSON holds: never more than the body again.
#![cfg(not(feature = "shuttle"))]

use shortway::analytics::{Report, ReportRequest};

/// Reading costs at most the size of the body once more, and 64 KiB for the small things.
fn check(what: &str, request: &ReportRequest, body: &str) -> Option<Report> {
    measured(what, request, body, body.len())
}

fn measured(what: &str, request: &ReportRequest, body: &str, most: usize) -> Option<Report> {
    let mut report = None;
    let memory = allocation_counter::measure(|| report = Some(Report::from_json(body.as_bytes(), request)));
    let report = report.unwrap();
    let share = memory.bytes_max as f64 / body.len() as f64;
    println!("{what}: {} KiB of JSON cost {:.2} of that, {}", body.len() >> 10, share, report.is_ok());
    assert!(memory.bytes_max <= most as u64 + (64 << 10), "{what}: {share:.2} of the body");
    report.ok()
}

const SIZE: usize = 16 << 20;

fn request(dimensions: usize, metrics: usize) -> ReportRequest {
    ReportRequest::new()
        .dimensions((0..dimensions).map(|n| format!("d{n}")))
        .metrics((0..metrics).map(|n| format!("m{n}")))
        .limit(SIZE as u64)
}

/// A report with one row again and again, until it is large.
fn report(dimensions: usize, metrics: usize, row: &str) -> String {
    let headers = |letter: char, count: usize| {
        let headers: Vec<String> = (0..count).map(|n| format!(r#"{{"name":"{letter}{n}"}}"#)).collect();
        headers.join(",")
    };
    let rows = vec![row; SIZE / (row.len() + 1)];
    format!(
        r#"{{"dimensionHeaders":[{}],"metricHeaders":[{}],"rows":[{}],"rowCount":{}}}"#,
        headers('d', dimensions),
        headers('m', metrics),
        rows.join(","),
        rows.len()
    )
}

fn cells(cells: &[&str]) -> String {
    cells.iter().map(|cell| format!(r#"{{"value":"{cell}"}}"#)).collect::<Vec<_>>().join(",")
}

#[test]
fn rows_cost_no_more_than_their_json() {
    let ordinary = format!(
        r#"{{"dimensionValues":[{}],"metricValues":[{}]}}"#,
        cells(&["20260101", "Italy", "/blog/2026/hello-world"]),
        cells(&["1234", "99", "0.59756097560975607", "3.25"])
    );
    let read = check("ordinary rows", &request(3, 4), &report(3, 4, &ordinary)).unwrap();
    assert!(read.is_complete());
    let path = "/a/long/path/".repeat(40);
    for path in [path.clone(), path.replace('/', "\\/")] {
        let row = format!(r#"{{"dimensionValues":[{}]}}"#, cells(&[&path]));
        check("long cells", &request(1, 0), &report(1, 0, &row)).unwrap();
    }
    let big = "x".repeat(60_000);
    for cell in [big.clone(), big.replacen('x', "\\n", 1)] {
        let row = format!(r#"{{"dimensionValues":[{}]}}"#, cells(&[&cell]));
        let body = report(1, 0, &row);
        // JSON of almost nothing but text: the last block comes on top.
        measured("the longest cells", &request(1, 0), &body, body.len() / 32 * 33).unwrap();
    }
    check("no values", &request(1, 0), &report(1, 0, r#"{"dimensionValues":[{}]}"#)).unwrap();
    let wide = format!(r#"{{"dimensionValues":[{}]}}"#, vec!["{}"; 200].join(","));
    check("200 empty cells", &request(200, 0), &report(200, 0, &wide)).unwrap();
    check("no columns", &request(0, 0), &report(0, 0, "{}"));
    let backwards = format!(
        r#"{{"metricValues":[{}],"dimensionValues":[{}]}}"#,
        cells(&["1"]),
        cells(&["x".repeat(500).as_str()])
    );
    check("metrics first", &request(1, 1), &report(1, 1, &backwards)).unwrap();
}

/// `open` again and again, then what closes it.
fn nest(open: &str, close: &str) -> String {
    let times = SIZE / (open.len() + close.len());
    format!("{}{}", open.repeat(times), close.repeat(times))
}

#[test]
fn side_notes_and_unknown_parts_cost_next_to_nothing() {
    let list = |item: &str| format!("[{}]", vec![item; SIZE / (item.len() + 1)].join(","));
    let long = format!("\"{}\"", "x".repeat(SIZE));
    let escaped = format!("\"{}\"", "\\n".repeat(SIZE / 2));
    let values = [
        list("[]"),
        list("{}"),
        list("null"),
        list("1"),
        list("\"\""),
        list(r#"{"samplesReadCount":[1,2,3]}"#),
        list(r#"{"a":{"b":{}}}"#),
        list(r#"{"name":"x"}"#),
        nest("[", "]"),
        nest(r#"{"a":"#, "}"),
        long,
        escaped,
    ];
    let places = [
        r#"{"metadata":{"samplingMetadatas":[{"samplesReadCount":VALUE}]},"kind":"analyticsData#runReport"}"#,
        r#"{"metadata":{"samplingMetadatas":VALUE},"kind":"analyticsData#runReport"}"#,
        r#"{"metadata":{"schemaRestrictionResponse":{"activeMetricRestrictions":VALUE}}}"#,
        r#"{"metadata":{"dataTruncationReasons":[{"dataTruncationDateRanges":VALUE}]}}"#,
        r#"{"metadata":{"emptyReason":VALUE}}"#,
        r#"{"propertyQuota":VALUE,"kind":"analyticsData#runReport"}"#,
        r#"{"nextThing":VALUE,"kind":"analyticsData#runReport"}"#,
        r#"{"dimensionHeaders":VALUE}"#,
        r#"{"rows":VALUE}"#,
        r#"{"totals":VALUE}"#,
        r#"{"rowCount":VALUE}"#,
        r#"{"kind":VALUE}"#,
        r#"{"rows":[{"dimensionValues":VALUE}]}"#,
        r#"{"rows":[{"dimensionValues":[{"value":VALUE}]}]}"#,
        "VALUE",
    ];
    for place in places {
        for value in &values {
            let start = value.chars().take(20).collect::<String>();
            check(&format!("{place} with {start}"), &ReportRequest::new(), &place.replace("VALUE", value));
        }
        let start = place.split("VALUE").next().unwrap();
        check(
            "a key without end",
            &ReportRequest::new(),
            &format!("{start}{{\"{}\":1}}", "\\n".repeat(SIZE / 2)),
        );
    }
}
