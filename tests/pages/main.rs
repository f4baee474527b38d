//! All rows of a report, page after page.
#![cfg(feature = "analytics")]

#[path = "../util/random.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared by test programs")]
mod random;
#[allow(unreachable_pub, reason = "a part of this program")]
mod simulation;
#[allow(unreachable_pub, reason = "a part of this program")]
mod site;

use shortway::analytics::{
    Analytics, DateRange, Interrupted, OrderBy, OrderType, Pages, Property, ReportRequest, ResumePoint,
};
use shortway::testing::{FakeGoogle, FakeTable, ManualClock};
use shortway::{Error, ErrorKind, RetryPolicy, Token, TokenKind, scope};
use site::{Fault, Row, Site};
use std::time::{Duration, SystemTime};

/// The property of this site.
fn property(site: &Site, id: u64) -> Property {
    let tokens = shortway::from_fn(|| {
        Token::new(TokenKind::Access, "ya29.x", SystemTime::now() + Duration::from_secs(3600))
    });
    let analytics = Analytics::with_transport(tokens, site.clone()).with_retry(RetryPolicy::NONE);
    analytics.with_concurrent_requests(10).property(id)
}

fn request(ranges: usize, limit: u64) -> ReportRequest {
    let request = ReportRequest::new().dimensions(["key"]).metrics(["sessions"]).limit(limit);
    (0..ranges).fold(request, |request, _| request.dates(DateRange::last_days(7)))
}

/// So many rows in one date range.
fn rows(count: usize) -> Vec<Row> {
    (0..count).map(|i| (format!("k{i:03}"), vec![Some(i as u64 + 1)])).collect()
}

/// All rows up to the end or the first error.
fn read(pages: &mut Pages) -> (Vec<Vec<String>>, Option<Error>) {
    let mut rows = Vec::new();
    for page in pages {
        match page {
            Ok(page) => rows.extend(page.rows::<Vec<String>>().map(|row| row.expect("a row"))),
            Err(error) => return (rows, Some(error)),
        }
    }
    (rows, None)
}

fn failure(mut pages: Pages) -> Error {
    read(&mut pages).1.expect("an error")
}

fn point(error: &Error) -> &ResumePoint {
    &error.cause::<Interrupted>().expect("a resume point").resume_point
}

#[test]
fn all_rows_come_in_order_and_no_page_is_requested_beyond_the_last() {
    for (count, limit, offsets) in
        [(10, 4, vec![0, 4, 8]), (8, 4, vec![0, 4]), (3, 4, vec![0]), (0, 4, vec![0]), (4, 4, vec![0])]
    {
        let site = Site::new(rows(count), 1, true);
        let mut pages = property(&site, 1).pages(&request(1, limit));
        let (found, error) = read(&mut pages);
        assert!(error.is_none() && pages.next().is_none());
        assert_eq!(found, site.state().flat());
        assert_eq!(pages.row_count(), Some(count as u64));
        let mut requested = site.state().offsets.clone();
        requested.sort_unstable();
        assert_eq!(requested, offsets, "{count} rows");
    }
}

#[test]
fn pages_of_the_fake_are_one_report() {
    let mut table = FakeTable::new(["date", "country"], ["sessions"]);
    for i in 0..25_u32 {
        table = table.row(["20251231", &format!("country {}", i % 23)], [f64::from(i + 1)]);
    }
    let google =
        FakeGoogle::builder().clock(ManualClock::new()).property(1234, table).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [scope::ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    let request = ReportRequest::new()
        .dates(DateRange::last_days(7))
        .dimensions(["country"])
        .metrics(["sessions"])
        .order_by(OrderBy::metric("sessions").desc());
    let pages = analytics.property(1234).pages(&request.clone().limit(4));
    let found: Vec<(String, u64)> = pages.rows().map(|row| row.expect("a row")).collect();
    let whole = analytics.property(1234).run_report(&request).expect("a report");
    assert_eq!((found.len(), whole.len(), google.report_requests()), (23, 23, 7));
    let sum = |rows: &[(String, u64)]| rows.iter().map(|(_, sessions)| sessions).sum::<u64>();
    assert_eq!(sum(&found), 25 * 26 / 2);
    assert!(
        found
            .windows(2)
            .all(|pair| (pair[1].1, &pair[0].0) < (pair[0].1, &pair[1].0) || pair[0].1 > pair[1].1)
    );
}

#[test]
fn order_is_completed_by_each_dimension_that_it_does_not_decide() {
    let site = Site::new(Vec::new(), 1, true);
    let sent = |request: ReportRequest| {
        let pages = property(&site, 1).pages(&request.return_property_quota(false));
        let json: serde_json::Value = serde_json::from_str(&pages.effective().expect("JSON")).expect("JSON");
        (json["orderBys"].to_string(), json["limit"].to_string())
    };
    let plain = ReportRequest::new().dimensions(["date", "path"]).metrics(["sessions"]);
    let by = |name: &str| format!(r#"{{"dimension":{{"dimensionName":"{name}"}}}}"#);
    let metric = r#"{"desc":true,"metric":{"metricName":"sessions"}}"#;
    assert_eq!(sent(plain.clone()), (format!("[{},{}]", by("date"), by("path")), r#""100000""#.into()));
    let ordered = plain.clone().order_by(OrderBy::metric("sessions").desc()).limit(1_000_000);
    let order = format!("[{metric},{},{}]", by("date"), by("path"));
    assert_eq!(sent(ordered), (order, r#""250000""#.into()));
    let ordered = plain.clone().order_by(OrderBy::dimension("path")).limit(5);
    assert_eq!(sent(ordered), (format!("[{},{}]", by("path"), by("date")), r#""5""#.into()));
    // Two texts that differ in case alone tie without regard to case.
    let folded = OrderBy::dimension("path").order_type(OrderType::CaseInsensitiveAlphanumeric);
    let (order, _) = sent(plain.clone().order_by(folded));
    assert!(order.ends_with(&format!("{},{}]", by("date"), by("path"))), "{order}");
    let ranges = plain.dates(DateRange::last_days(7)).dates(DateRange::last_days(14));
    assert_eq!(sent(ranges).0, format!("[{},{},{}]", by("date"), by("path"), by("dateRange")));
}

#[test]
fn short_page_is_requested_once_more() {
    for fault in [Fault::Short(1), Fault::Empty] {
        let site = Site::new(rows(10), 1, true);
        site.state().faults.insert(4, vec![fault]);
        let (found, error) = read(&mut property(&site, 1).pages(&request(1, 4)));
        assert!(error.is_none());
        assert_eq!(found, site.state().flat());
        assert_eq!(site.state().offsets.iter().filter(|offset| **offset == 4).count(), 2);
    }
}

#[test]
fn page_that_is_short_twice_ends_the_download_with_a_point_to_resume_at() {
    for (fault, has) in [(Fault::Short(1), 3), (Fault::Empty, 0)] {
        let site = Site::new(rows(10), 1, true);
        site.state().faults.insert(4, vec![fault; 2]);
        let mut pages = property(&site, 77).pages(&request(1, 4));
        let (mut found, error) = read(&mut pages);
        let error = error.expect("an error");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Incomplete, true));
        assert_eq!(
            error.to_string(),
            format!(
                "the page of the report on property 77 at offset 4 has {has} rows instead of 4, also when it was \
                 requested again; resume the download later, or request the whole report again"
            )
        );
        assert!(pages.next().is_none(), "the iterator has ended");
        assert_eq!((point(&error).offset, point(&error).row_count), (4, 10));
        assert_eq!(pages.resume_point().as_ref(), Some(point(&error)));
        let kept = serde_json::to_string(point(&error)).expect("JSON");
        let kept: ResumePoint = serde_json::from_str(&kept).expect("a point");
        let rest = property(&site, 77).pages(&request(1, 4)).resume(&kept).expect("the same request");
        found.extend(read(&mut { rest }).0);
        assert_eq!(found, site.state().flat());
    }
}

#[test]
fn page_that_fails_keeps_its_error_and_has_a_point_to_resume_at() {
    for (status, kind) in [(503, ErrorKind::Unavailable), (429, ErrorKind::Quota), (400, ErrorKind::Api)] {
        let site = Site::new(rows(10), 1, true);
        site.state().faults.insert(8, vec![Fault::Status(status)]);
        let (found, error) = read(&mut property(&site, 2).pages(&request(1, 4)));
        let error = error.expect("an error");
        assert_eq!((error.kind(), error.status()), (kind, Some(status)));
        assert_eq!((found.len(), point(&error).offset), (8, 8));
        assert!(error.cause::<shortway::GoogleStatus>().is_some(), "Google's document is behind the point");
        let words = error.cause::<Interrupted>().expect("a point").to_string();
        assert_eq!(words, "the download stopped at offset 8 of 10");
    }
    let site = Site::new(rows(10), 1, true);
    site.state().faults.insert(0, vec![Fault::Status(503)]);
    let error = failure(property(&site, 2).pages(&request(1, 4)));
    assert!(error.cause::<Interrupted>().is_none(), "nothing was returned");
}

#[test]
fn report_that_changes_during_the_download_is_an_error() {
    let mut more = rows(11);
    more[10].0 = "a".into();
    more.sort();
    let mut other_figure = rows(10);
    other_figure[0].1[0] = Some(100);
    let mut swapped = rows(9);
    // One row vanishes behind, one appears before: as many rows, the same sum.
    swapped.insert(0, ("a".into(), vec![Some(10)]));
    let cases = [
        (more, "says that the report has 11 rows, and the first page said 10"),
        (other_figure, "has other totals than the pages before it"),
        (swapped, "has a row that came before"),
    ];
    for (rows_after, words) in cases {
        let site = Site::new(rows(10), 1, true);
        site.state().change = Some((4, rows_after));
        let error = failure(property(&site, 3).pages(&request(1, 4)));
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Drift, true));
        assert_eq!(
            error.to_string(),
            format!(
                "the page of the report on property 3 at offset 4 {words}; the data changed during the download: \
                 request the whole report again; the figures of the last days still change, so end the report \
                 some days ago if it happens often"
            )
        );
        assert_eq!(point(&error).offset, 4);
        assert!(!format!("{error:?}").contains("RESERVED_TOTAL"), "Debug shows figures: {error:?}");
    }
}

#[test]
fn row_that_stands_twice_on_a_page_and_page_that_is_too_long_are_errors() {
    let site = Site::new(rows(10), 1, true);
    site.state().faults.insert(4, vec![Fault::Doubled]);
    let error = failure(property(&site, 3).pages(&request(1, 4)));
    assert_eq!(error.kind(), ErrorKind::Drift);
    let site = Site::new(rows(10), 1, true);
    site.state().faults.insert(4, vec![Fault::Long]);
    let error = failure(property(&site, 3).pages(&request(1, 4)));
    assert_eq!(
        (error.kind(), error.message()),
        (
            ErrorKind::Schema,
            "the response of Analytics (report) is not valid: it has more rows than the request's limit"
        )
    );
}

#[test]
fn pages_of_several_date_ranges_are_whole_whichever_way_rows_are_counted() {
    let mixed = |i: usize| match i % 3 {
        0 => vec![Some(1), Some(2)],
        1 => vec![None, Some(3)],
        _ => vec![Some(4), None],
    };
    for counts_keys in [true, false] {
        for both in [true, false] {
            let rows = (0..11).map(|i| (format!("k{i:03}"), if both { mixed(0) } else { mixed(i) }));
            let site = Site::new(rows.collect(), 2, counts_keys);
            let (found, error) = read(&mut property(&site, 4).pages(&request(2, 4)));
            assert!(error.is_none(), "{error:?}");
            assert_eq!(found, site.state().flat(), "{counts_keys} {both}");
            let count = if counts_keys { 11 } else { found.len() };
            assert_eq!(site.state().offsets.len(), count.div_ceil(4));
        }
    }
}

#[test]
fn page_that_counts_in_another_way_than_those_before_is_drift() {
    let both = |i: usize| (format!("k{i:03}"), vec![Some(1), Some(1)]);
    let site = Site::new((0..8).map(both).collect(), 2, true);
    // Half of the keys of the second page: four rows, which would be whole if every row counted.
    site.state().faults.insert(4, vec![Fault::Short(2)]);
    let error = failure(property(&site, 5).pages(&request(2, 4)));
    assert_eq!(
        (error.kind(), error.message()),
        (
            ErrorKind::Drift,
            "the page of the report on property 5 at offset 4 counts the rows of several date ranges in another \
             way than the pages before it"
        )
    );
}

#[test]
fn as_many_pages_are_requested_at_the_same_time_as_allowed() {
    for parallel in [1, 3, 10] {
        let site = Site::new(rows(60), 1, true);
        site.state().gate = parallel;
        let (found, error) = read(&mut property(&site, 6).pages(&request(1, 4)).parallel(parallel));
        assert!(error.is_none());
        let state = site.state();
        assert_eq!((found, state.most), (state.flat(), parallel));
    }
}

#[test]
fn resume_point_of_another_request_is_refused() {
    let site = Site::new(rows(10), 1, true);
    let mut pages = property(&site, 7).pages(&request(1, 4));
    assert!(pages.resume_point().is_none(), "nothing was returned");
    assert!(pages.next().is_some());
    let point = pages.resume_point().expect("a point");
    let other = property(&site, 7).pages(&request(1, 5)).resume(&point).expect_err("another page size");
    assert_eq!(
        (other.kind(), other.to_string()),
        (
            ErrorKind::Config,
            "the resume point is of another report; resume with the property and the request that the download \
             began with, or begin anew"
                .to_owned()
        )
    );
    let other = property(&site, 8).pages(&request(1, 4)).resume(&point).expect_err("another property");
    assert_eq!(other.kind(), ErrorKind::Config);
    let mut beyond = point.clone();
    beyond.offset = 5_000;
    let beyond = property(&site, 7).pages(&request(1, 4)).resume(&beyond).expect_err("beyond the last row");
    assert_eq!(beyond.kind(), ErrorKind::Config);
    site.state().rows = rows(11);
    let changed = property(&site, 7).pages(&request(1, 4)).resume(&point).expect("the same request");
    assert_eq!(failure(changed).kind(), ErrorKind::Drift);
    let mut at_the_end = point;
    at_the_end.offset = 10;
    let mut done = property(&site, 7).pages(&request(1, 4)).resume(&at_the_end).expect("the same request");
    assert!(done.next().is_none());
}

#[test]
fn typed_rows_come_from_all_pages_and_a_wrong_one_does_not_end_them() {
    let mut some = rows(9);
    some[5].0 = "(not set)".into();
    let site = Site::new(some, 1, true);
    let found: Vec<Result<(Option<String>, u64), Error>> =
        property(&site, 8).pages(&request(1, 4)).rows().collect();
    assert_eq!(found.iter().filter_map(|row| row.as_ref().ok()).map(|(_, n)| n).sum::<u64>(), 45);
    let numbers: Vec<Result<(u64, u64), Error>> = property(&site, 8).pages(&request(1, 4)).rows().collect();
    assert_eq!(numbers.len(), 9);
    assert!(numbers.iter().all(|row| row.as_ref().is_err_and(|error| error.kind() == ErrorKind::Row)));
}
