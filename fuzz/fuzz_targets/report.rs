//! Any answer to a report request: no panic, every report can be read in every way, every error is fit for a
//! log.
//!
//! Input: the body. The request has the columns `d` and `m` over one date range or two, by the first byte.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;
use shortway::analytics::{DateRange, MetricAggregation, Report, ReportRequest};
use shortway_fuzz::check_error;

fuzz_target!(|data: &[u8]| -> Corpus {
    let Some((ranges, body)) = data.split_first() else { return Corpus::Reject };
    let request = ReportRequest::new().dates(DateRange::today()).dimensions(["d"]).metrics(["m"]);
    let request = match ranges % 2 {
        0 => request,
        _ => request.dates(DateRange::yesterday()).metric_aggregations([MetricAggregation::Maximum]),
    };
    match Report::from_json(body, &request) {
        Ok(report) => read(&report),
        Err(error) => check_error(&error),
    }
    Corpus::Keep
});

fn read(report: &Report) {
    let width = report.columns().len();
    for row in report.rows::<Vec<&str>>() {
        assert_eq!(row.expect("text fits any cell").len(), width);
    }
    for row in report.rows::<Value>() {
        assert!(row.expect("any cell is a value").is_object());
    }
    let numbers = report.rows::<Vec<Option<u64>>>().filter_map(Result::err);
    let addresses = report.rows::<(Option<std::net::IpAddr>, f32)>().filter_map(Result::err);
    let figures = ["date_range_0", "date_range_1"].map(|range| {
        [report.total_in::<Option<f64>>(range, "m").err(), report.maximum_in::<u8>(range, "m").err()]
    });
    for error in numbers.chain(addresses).chain(figures.into_iter().flatten().flatten()) {
        check_error(&error);
    }
    assert!(report.row_count() > 0 || report.is_empty());
}
