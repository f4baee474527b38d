//! One client, one source of tokens.

use crate::{fake, property, week};
use shortway::ErrorKind;
use shortway::analytics::Analytics;
use shortway::scope::ANALYTICS_READONLY;
use shortway::testing::{ManualClock, ScriptedSource};

#[test]
fn one_source_serves_several_clients() {
    let google = fake();
    let tokens = shortway::service_account(google.key(), [ANALYTICS_READONLY])
        .token_endpoint(google.token_url())
        .clock(ManualClock::new())
        .build()
        .expect("a source");
    for _ in 0..2 {
        let analytics = Analytics::new(tokens.clone()).with_endpoint(&google.api_url()).expect("a client");
        analytics.property(1234).run_report(&week().metrics(["screenPageViews"])).expect("a report");
    }
    assert_eq!((google.token_requests(), google.report_requests()), (1, 2));
}

#[test]
fn token_that_google_refuses_is_replaced_once() {
    let google = fake();
    let property = property(&google, ANALYTICS_READONLY);
    let request = week().metrics(["screenPageViews"]);
    property.run_report(&request).expect("a report");
    google.revoke_tokens();
    property.run_report(&request).expect("a report with another token");
    assert_eq!((google.token_requests(), google.report_requests()), (2, 3));
}

#[test]
fn client_goes_only_to_https_or_loopback() {
    for url in [
        "http://analyticsdata.googleapis.com",
        "http://localhost:1",
        "https://user@example.com",
        "example.com",
    ] {
        let error = Analytics::new(ScriptedSource::new()).with_endpoint(url).expect_err(url);
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
