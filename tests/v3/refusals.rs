//! What no report can answer is refused before anything is sent, with the reason.

use crate::{refusal, week};
use shortway::analytics::v3::Query;

fn days(start: &str, end: &str) -> Query {
    Query::new("ga:1234", start, end, "ga:users")
}

#[test]
fn segment_is_refused_with_the_reason() {
    let hint = "a segment of sessions can often be written as a filter of dimensions; for one of users, make \
                an audience in the property and request the dimension audienceName";
    for segment in ["gaid::-11", "users::condition::ga:browser==Chrome"] {
        assert_eq!(
            refusal(&week("ga:users").segment(segment)),
            format!(
                "the v3 query has the segment \"{segment}\", and reports of GA4 have no segments; {hint}"
            )
        );
    }
}

#[test]
fn days_before_ga4_has_any_are_refused() {
    let hint = "give a later day; figures of Universal Analytics cannot be queried any more";
    assert_eq!(
        refusal(&days("2012-01-01", "2012-12-31")),
        format!("the v3 query has the start-date 2012-01-01, and GA4 has no data before 2015-08-14; {hint}")
    );
    assert_eq!(
        refusal(&days("30daysAgo", "2015-08-13")),
        format!("the v3 query has the end-date 2015-08-13, and GA4 has no data before 2015-08-14; {hint}")
    );
    days("2015-08-14", "2015-08-14").translate().expect("the first day");
    days("2015-08-14", "today").translate().expect("the first day");
}

#[test]
fn what_is_no_day_is_refused() {
    let bad = [
        "",
        "Today",
        "2020-02-30",
        "2020-1-1",
        "20200101",
        "+020-01-01",
        "daysAgo",
        "-1daysAgo",
        "1.5daysAgo",
        "2020-01-01 ",
        "99999999999daysAgo",
        "30DaysAgo",
        "12020-01-01",
    ];
    for bad in bad {
        assert_eq!(
            refusal(&days(bad, "today")),
            format!(
                "the v3 query has the start-date {:?}, which is no day; give YYYY-MM-DD, NdaysAgo, yesterday \
                 or today",
                bad.trim()
            )
        );
    }
    assert_eq!(
        refusal(&days("2020-01-02", "2020-01-01")),
        "the v3 query ends on 2020-01-01, before it starts on 2020-01-02; give start-date the earlier day"
    );
}

#[test]
fn what_is_no_view_is_refused() {
    for ids in ["", "1234", "ga:", "ga:12x", "rt:1234", "mcf:1234", "UA-1234-1", "ga:99999999999999999999"] {
        let query = Query::new(ids, "today", "today", "ga:users");
        assert_eq!(
            refusal(&query),
            format!(
                "the v3 query has the ids {ids:?}, which is no view; give ga: and the digits of the view, as \
                 the old query had it"
            )
        );
    }
}

#[test]
fn columns_that_v3_refused_are_refused() {
    for (query, message) in [
        (week(" , "), "the v3 query has no metrics; name at least one, such as ga:pageviews"),
        (week("ga:users,ga:Users"), "the v3 query has \"ga:Users\" twice in metrics; name each column once"),
        (
            week("ga:country"),
            "the v3 query has the dimension \"ga:country\" in metrics; move it to dimensions",
        ),
        (
            week("ga:users").dimensions("ga:hits"),
            "the v3 query has the metric \"ga:hits\" in dimensions; move it to metrics",
        ),
        (
            week("ga:users").sort("-ga:sessions"),
            "the v3 query sorts by \"ga:sessions\", which is not one of its columns; name one of its metrics \
             or dimensions as it stands there, with a minus for largest first",
        ),
        (week("ga:users").start_index(0), "the v3 query has start-index=0; v3 counts rows from 1"),
        (
            week("ga:users").max_results(0),
            "the v3 query has max-results=0; give 1 or more; totals come with any number",
        ),
        (
            week("sessions").dimensions("sessions"),
            "the report request has two columns named `sessions`; name each dimension and each metric once",
        ),
    ] {
        assert_eq!(refusal(&query), message);
    }
}
