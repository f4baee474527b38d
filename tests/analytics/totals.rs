//! Aggregates: totals, maximums, minimums.

use crate::{run, week};
use serde_json::json;
use shortway::analytics::{
    Cohort, CohortSpec, Comparison, DateRange, FilterExpression, Granularity, MetricAggregation, Report,
    ReportRequest,
};
use std::collections::HashMap;
use time::macros::date;

#[test]
fn totals_come_from_google_and_are_never_guessed() {
    let several = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 12 - 25), date!(2025 - 12 - 26)).named("then"))
        .dates(DateRange::yesterday())
        .dimensions(["country"])
        .metrics(["screenPageViews"]))
    .expect("a report");
    assert_eq!(several.columns()[1].name, "dateRange");
    assert_eq!(several.date_ranges(), ["then", "date_range_1"]);
    assert_eq!(several.total_in::<u64>("then", "screenPageViews").expect("a total"), 15);
    assert_eq!(several.total_in::<u64>("date_range_1", "screenPageViews").expect("a total"), 1);
    assert_eq!(
        several.total::<u64>("screenPageViews").expect_err("which?").to_string(),
        "no total of `screenPageViews`: the report has several date ranges; name one with total_in(range, metric): then, \
         date_range_1"
    );
    assert_eq!(
        several.total_in::<u64>("now", "screenPageViews").expect_err("no such range").to_string(),
        "no total of `screenPageViews`: the report has no date range `now`; those requested are called then, date_range_1"
    );

    let one = run(&week().metrics(["screenPageViews"])).expect("a report");
    assert_eq!(one.total::<u64>("screenPageViews").expect("a total"), 20);
    assert_eq!(
        one.total::<u64>("sessions").expect_err("not asked for").to_string(),
        "no total of `sessions`: it is not a metric of this report; add it to the request with metrics([…])"
    );
    assert_eq!(one.total::<u8>("screenPageViews").expect("fits"), 20);
    assert_eq!(one.total_in::<u8>("date_range_0", "screenPageViews").expect("the only one"), 20);
    assert_eq!(
        one.total_in::<u8>("date_range_1", "screenPageViews").expect_err("no such range").to_string(),
        "no total of `screenPageViews`: the report has no date range `date_range_1`; those requested are called date_range_0"
    );

    let bare = run(&ReportRequest::default().dates(DateRange::last_days(7)).metrics(["screenPageViews"]))
        .expect("a report");
    assert_eq!(
        bare.total::<u64>("screenPageViews").expect_err("not asked for").to_string(),
        "no total of `screenPageViews`: it was not requested; add it to the request with \
         metric_aggregations([MetricAggregation::Total])"
    );
}

#[test]
fn total_of_one_range_is_never_taken_for_that_of_all() {
    let one_with_rows = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 06 - 01), date!(2025 - 06 - 02)).named("summer"))
        .dates(DateRange::last_days(7))
        .metrics(["screenPageViews"])
        .metric_aggregations([MetricAggregation::Maximum]))
    .expect("a report");
    assert_eq!(
        one_with_rows.total::<Option<u64>>("screenPageViews").expect_err("which?").message(),
        "no total of `screenPageViews`: the report has several date ranges"
    );
    assert_eq!(one_with_rows.total_in::<u64>("date_range_1", "screenPageViews").expect("a total"), 20);
    assert_eq!(one_with_rows.total_in::<Option<u64>>("summer", "screenPageViews").expect("none"), None);
    assert_eq!(
        one_with_rows.total_in::<u64>("summer", "screenPageViews").expect_err("no figure").to_string(),
        "no total of `screenPageViews`: the date range `summer` is empty; read an Option to get None where there are no \
         rows"
    );
    assert_eq!(one_with_rows.maximum_in::<u64>("date_range_1", "screenPageViews").expect("a maximum"), 20);
    assert_eq!(
        one_with_rows.maximum::<u64>("screenPageViews").expect_err("which?").hint(),
        Some("name one with maximum_in(range, metric): summer, date_range_1")
    );

    let empty = run(&ReportRequest::new()
        .dates(DateRange::new("2025-06-01", "2025-06-02"))
        .dates(DateRange::new("2025-06-03", "2025-06-04"))
        .metrics(["screenPageViews"]))
    .expect("an empty report");
    empty.total::<Option<u64>>("screenPageViews").expect_err("which?");
    assert_eq!(empty.total_in::<Option<u64>>("date_range_0", "screenPageViews").expect("none"), None);
    empty.total_in::<Option<u64>>("date_range_2", "screenPageViews").expect_err("no such range");
}

#[test]
fn largest_and_smallest_come_on_request() {
    let request = week().dimensions(["country"]).metrics(["screenPageViews"]);
    let report = run(&request
        .clone()
        .metric_aggregations([MetricAggregation::Maximum])
        .metric_aggregations([MetricAggregation::Minimum])
        .metric_aggregations([MetricAggregation::Total]))
    .expect("a report");
    assert_eq!(report.maximum::<u64>("screenPageViews").expect("a maximum"), 12);
    assert_eq!(report.minimum::<u64>("screenPageViews").expect("a minimum"), 1);
    assert_eq!(
        run(&request)
            .expect("a report")
            .maximum::<u64>("screenPageViews")
            .expect_err("not asked for")
            .to_string(),
        "no maximum of `screenPageViews`: it was not requested; add it to the request with \
         metric_aggregations([MetricAggregation::Maximum])"
    );
}

#[test]
fn empty_report_is_no_error_and_has_no_total() {
    let report = run(&ReportRequest::new()
        .dates(DateRange::between(date!(2025 - 06 - 01), date!(2025 - 06 - 02)))
        .dimensions(["country"])
        .metrics(["screenPageViews"]))
    .expect("an empty report");
    assert_eq!((report.len(), report.row_count(), report.is_complete()), (0, 0, true));
    assert_eq!(report.total::<Option<u64>>("screenPageViews").expect("none"), None);
    assert_eq!(
        report.total::<u64>("screenPageViews").expect_err("no figure").to_string(),
        "no total of `screenPageViews`: the report is empty; read an Option to get None where there are no rows"
    );
}

/// A report over two comparisons, with these totals.
fn compared(column: usize, row_count: usize) -> Report {
    let mut names = vec!["country"];
    names.insert(column, "comparison");
    let row = |part: &str, country: &str, value: &str| {
        let mut cells = vec![json!({"value": country})];
        cells.insert(column, json!({"value": part}));
        json!({"dimensionValues": cells, "metricValues": [{"value": value}]})
    };
    let body = json!({
        "dimensionHeaders": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>(),
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
        "rows": [row("web", "Italy", "5"), row("all", "Italy", "7")],
        "totals": [row("web", "RESERVED_TOTAL", "5"), row("all", "RESERVED_TOTAL", "7")],
        "rowCount": row_count,
    });
    let all = Comparison::saved("comparisons/1");
    let web = Comparison::of(FilterExpression::equals("platform", "web")).named("web");
    let request = ReportRequest::new().dimensions(["country"]).metrics(["sessions"]).comparisons([web, all]);
    Report::from_json(body.to_string().as_bytes(), &request).expect("a report")
}

#[test]
fn report_over_comparisons_is_taken_wherever_google_puts_their_column() {
    for (column, row_count) in [(0, 1), (1, 1), (1, 2)] {
        let report = compared(column, row_count);
        assert_eq!(report.len(), 2);
        assert!(report.is_complete(), "{row_count}");
        let error = report.total::<u64>("sessions").expect_err("two totals");
        assert_eq!(
            error.to_string(),
            "no total of `sessions`: Google sent one for each comparison or cohort; read them as rows with totals()"
        );
        let totals: Vec<HashMap<String, String>> = report.totals().map(|row| row.expect("fits")).collect();
        assert_eq!(totals.iter().map(|row| row["sessions"].as_str()).collect::<Vec<_>>(), ["5", "7"]);
    }
}

#[test]
fn report_over_cohorts_is_taken_with_the_columns_that_google_adds() {
    let body = json!({
        "dimensionHeaders": [{"name": "cohort"}, {"name": "cohortNthWeek"}],
        "metricHeaders": [{"name": "cohortActiveUsers", "type": "TYPE_INTEGER"}],
        "rows": [{"dimensionValues": [{"value": "cohort_0"}, {"value": "0000"}], "metricValues": [{"value": "7"}]}],
        "rowCount": 1,
    });
    let cohort = Cohort::new(DateRange::yesterday());
    let request = ReportRequest::new()
        .dimensions(["cohort"])
        .metrics(["cohortActiveUsers"])
        .cohort_spec(CohortSpec::new([cohort], Granularity::Weekly, 1));
    let report = Report::from_json(body.to_string().as_bytes(), &request).expect("a report");
    let rows: Vec<(String, u32, u64)> = report.rows().map(|row| row.expect("fits")).collect();
    assert_eq!(rows, [("cohort_0".into(), 0, 7)]);
    let plain = ReportRequest::new().dimensions(["cohort"]).metrics(["cohortActiveUsers"]);
    Report::from_json(body.to_string().as_bytes(), &plain).expect_err("a column too many");
}
