//! Answers in v3's shape.

use crate::{translated, week};
use serde_json::{Value, json};
use shortway::ErrorKind;
use shortway::analytics::v3::{GaData, Query};
use shortway::analytics::{Analytics, Report, ReportRequest};
use shortway::testing::{FakeGoogle, FakeTable, ManualClock};

#[track_caller]
fn answer(query: &Query, body: &Value) -> GaData {
    let translation = translated(query);
    let report = Report::from_json(body.to_string().as_bytes(), &translation.request).expect("a report");
    translation.answer(&report).expect("an answer")
}

/// Two pages of an answer with a metric of each type; the dimensions are not in the order of the letters.
fn body() -> Value {
    let row = |dimensions: [&str; 2], metrics: [&str; 3]| {
        let cells = |cells: &[&str]| cells.iter().map(|cell| json!({"value": cell})).collect::<Vec<_>>();
        json!({"dimensionValues": cells(&dimensions), "metricValues": cells(&metrics)})
    };
    json!({
        "dimensionHeaders": [{"name": "sessionSource"}, {"name": "country"}],
        "metricHeaders": [
            {"name": "totalUsers", "type": "TYPE_INTEGER"},
            {"name": "userEngagementDuration", "type": "TYPE_SECONDS"},
            {"name": "itemRevenue", "type": "TYPE_CURRENCY"},
        ],
        "rows": [
            row(["(direct)", "Italy"], ["7", "31.5", "0.25"]),
            row(["google", "Chile"], ["3", "1", "0"]),
        ],
        "totals": [row(["RESERVED_TOTAL", "RESERVED_TOTAL"], ["9", "40.5", "10.25"])],
        "rowCount": 7,
        "metadata": {
            "timeZone": "Europe/Rome",
            "samplingMetadatas": [{"samplesReadCount": "50", "samplingSpaceSize": "9007199254740993"}],
        },
    })
}

fn query() -> Query {
    Query::new("ga:1234", "2020-01-01", "2020-12-31", "ga:visitors,ga:timeOnSite,ga:itemRevenue")
        .dimensions("ga:source,ga:Country")
        .sort("-ga:visitors,ga:source")
        .filters("ga:country==Italy,ga:country==Chile")
        .start_index(3)
        .max_results(2)
}

#[test]
fn whole_envelope() {
    let url = |first: u64| {
        format!(
            "https://www.googleapis.com/analytics/v3/data/ga?ids=ga:1234&dimensions=ga:source,ga:Country&\
             metrics=ga:visitors,ga:timeOnSite,ga:itemRevenue&sort=-ga:visitors,ga:source&\
             filters=ga:country%3D%3DItaly,ga:country%3D%3DChile&start-date=2020-01-01&end-date=2020-12-31&\
             start-index={first}&max-results=2"
        )
    };
    let header =
        |name: &str, kind: &str, data: &str| json!({"name": name, "columnType": kind, "dataType": data});
    assert_eq!(
        serde_json::to_value(answer(&query(), &body())).expect("JSON"),
        json!({
            "kind": "analytics#gaData",
            "id": url(3),
            "query": {
                "start-date": "2020-01-01",
                "end-date": "2020-12-31",
                "ids": "ga:1234",
                "dimensions": "ga:source,ga:Country",
                "metrics": ["ga:visitors", "ga:timeOnSite", "ga:itemRevenue"],
                "sort": ["-ga:visitors", "ga:source"],
                "filters": "ga:country==Italy,ga:country==Chile",
                "start-index": 3,
                "max-results": 2,
            },
            "itemsPerPage": 2,
            "totalResults": 7,
            "selfLink": url(3),
            "previousLink": url(1),
            "nextLink": url(5),
            "profileInfo": {"profileId": "1234", "tableId": "ga:1234"},
            "containsSampledData": true,
            "sampleSize": "50",
            "sampleSpace": "9007199254740993",
            "columnHeaders": [
                header("ga:source", "DIMENSION", "STRING"),
                header("ga:Country", "DIMENSION", "STRING"),
                header("ga:visitors", "METRIC", "INTEGER"),
                header("ga:timeOnSite", "METRIC", "TIME"),
                header("ga:itemRevenue", "METRIC", "CURRENCY"),
            ],
            "totalsForAllResults": {"ga:visitors": "9", "ga:timeOnSite": "40.5", "ga:itemRevenue": "10.25"},
            "rows": [["(direct)", "Italy", "7", "31.5", "0.25"], ["google", "Chile", "3", "1", "0"]],
        })
    );
}

#[test]
fn totals_keep_the_order_of_the_query() {
    let text = serde_json::to_string(&answer(&query(), &body())).expect("JSON");
    let totals =
        r#""totalsForAllResults":{"ga:visitors":"9","ga:timeOnSite":"40.5","ga:itemRevenue":"10.25"}"#;
    assert!(text.contains(totals), "{text}");
}

#[test]
fn links_lead_through_all_pages() {
    let first = answer(&query().start_index(1), &body());
    assert_eq!(first.previous_link, None);
    let mut pages = 1;
    let mut next = first.next_link;
    while let Some(link) = next {
        let page = answer(&link.parse().expect("a query"), &body());
        assert_eq!(page.query.start_index, Some(1 + 2 * pages));
        assert_eq!(page.query.filters, query().filters);
        pages += 1;
        next = page.next_link;
    }
    assert_eq!(pages, 4, "seven rows, two on a page");
}

/// The fake sends rows that tie in another order each time, as Google may.
#[test]
fn pages_of_rows_that_tie_have_each_row_once() {
    let table = (0..25).fold(FakeTable::new(["date", "city"], ["totalUsers"]), |table, i| {
        table.row(["20251231".to_owned(), format!("city {i:02}")], [i % 3])
    });
    let google = FakeGoogle::builder().clock(ManualClock::new()).property(1, table).start().expect("a fake");
    let tokens = shortway::service_account(google.key(), [shortway::scope::ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    let analytics = Analytics::new(tokens).with_endpoint(&google.api_url()).expect("a client");
    let mut next = Some(week("ga:users").dimensions("ga:city").sort("-ga:users").max_results(4));
    let (mut cities, mut pages) = (Vec::new(), 0);
    while let Some(query) = next {
        let translation = translated(&query);
        let report = analytics.property(1).run_report(&translation.request).expect("a report");
        let page = translation.answer(&report).expect("an answer");
        assert_eq!(page.totals_for_all_results, [("ga:users".to_owned(), "24".to_owned())]);
        cities.extend(page.rows.iter().map(|row| row[0].clone()));
        next = page.next_link.map(|link| link.parse().expect("a query"));
        pages += 1;
    }
    cities.sort();
    assert_eq!(cities, (0..25).map(|i| format!("city {i:02}")).collect::<Vec<_>>());
    assert_eq!(pages, 7);
}

#[test]
fn report_without_rows_has_zeros_as_totals_and_no_rows() {
    let mut body = body();
    for key in ["rows", "rowCount", "metadata"] {
        body.as_object_mut().expect("an object").remove(key);
    }
    body["totals"] = json!([{}]);
    let answer = serde_json::to_value(answer(&query().start_index(1), &body)).expect("JSON");
    assert_eq!(
        answer["totalsForAllResults"],
        json!({"ga:visitors": "0", "ga:timeOnSite": "0.0", "ga:itemRevenue": "0.0"})
    );
    assert_eq!((&answer["totalResults"], &answer["containsSampledData"]), (&json!(0), &json!(false)));
    for absent in ["rows", "nextLink", "previousLink", "sampleSize", "sampleSpace"] {
        assert_eq!(answer.get(absent), None, "{absent}");
    }
}

#[test]
fn report_of_another_request_is_refused() {
    let request = ReportRequest::new().metrics(["sessions"]);
    let body = json!({"metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}]});
    let report = Report::from_json(body.to_string().as_bytes(), &request).expect("a report");
    let error = translated(&week("ga:users")).answer(&report).expect_err("another request");
    assert_eq!(error.kind(), ErrorKind::Row);
    assert_eq!(
        error.to_string(),
        "the report has no column \"totalUsers\" for the v3 query; give it the report for the request of the \
         same translation"
    );
}
