//! The table of equivalents, row by row, against Google's page.

use crate::{notes, refusal, request, translated, week};
use serde_json::{Value, json};
use shortway::analytics::v3::{EQUIVALENTS, FieldKind, Query};
use shortway::analytics::{DateRange, Report, ReportRequest};

/// Rows of the page: kind, name in v3, name in the table, today's name.
fn page() -> Vec<[&'static str; 4]> {
    let lines = include_str!("../data/v3/equivalents.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut words = line.split(' ');
            let mut word = || words.next().expect("a word");
            let [kind, ua, table] = [word(), word(), word()];
            [kind, ua, table, words.next().unwrap_or(table)]
        })
        .collect()
}

/// A query that asks for this field, which is a dimension or a metric.
fn query_for(kind: &str, name: &str) -> Query {
    match kind {
        "metric" => week(name),
        _ => week("ga:newUsers").dimensions(name),
    }
}

#[test]
fn table_is_googles_row_by_row() {
    let rows: Vec<(&str, &str, &str)> = EQUIVALENTS
        .iter()
        .map(|row| {
            let kind = if row.kind == FieldKind::Metric { "metric" } else { "dimension" };
            (kind, row.ua, row.ga4)
        })
        .collect();
    let expected: Vec<(&str, &str, &str)> =
        page().iter().map(|[kind, ua, _, ga4]| (*kind, *ua, *ga4)).collect();
    assert_eq!(rows, expected);
    assert_eq!(rows.len(), 101);
}

#[test]
fn every_row_is_requested_by_todays_name() {
    for [kind, ua, _, ga4] in page() {
        let request = request(&query_for(kind, ua));
        let expected = match kind {
            "metric" => ReportRequest::new().metrics([ga4]),
            _ => ReportRequest::new().metrics(["newUsers"]).dimensions([ga4]),
        };
        let expected = serde_json::to_value(expected).expect("JSON");
        assert_eq!(
            (&request["metrics"], &request["dimensions"]),
            (&expected["metrics"], &expected["dimensions"])
        );
    }
}

#[test]
fn every_row_is_found_in_any_case() {
    for [kind, ua, _, _] in page() {
        let as_listed = request(&query_for(kind, ua));
        assert_eq!(request(&query_for(kind, &ua.to_uppercase())), as_listed, "{ua}");
        assert_eq!(request(&query_for(kind, &ua.to_lowercase())), as_listed, "{ua}");
    }
}

#[test]
fn every_renaming_is_noted_with_every_name_in_between() {
    for [kind, ua, table, ga4] in page() {
        let is_slip = table == "adveristerAdCost";
        let expected = match () {
            () if ua == format!("ga:{ga4}") => None,
            () if table == ga4 || is_slip => Some(format!("renamed: {ua} -> {ga4}")),
            () => Some(format!("renamed more than once: {ua} -> {table} -> {ga4}")),
        };
        let renamed: Vec<String> = notes(&query_for(kind, ua))
            .into_iter()
            .filter(|note| note.starts_with("renamed") && note.contains(ua))
            .collect();
        assert_eq!(renamed, expected.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn every_difference_is_noted() {
    let mut count = 0;
    for row in EQUIVALENTS {
        let kind = if row.kind == FieldKind::Metric { "metric" } else { "dimension" };
        let notes = notes(&query_for(kind, row.ua));
        let start = format!("{} is not quite {}: ", row.ga4, row.ua);
        let found: Vec<&str> = notes.iter().filter_map(|note| note.strip_prefix(&start)).collect();
        assert_eq!(found, row.differs.into_iter().collect::<Vec<_>>(), "{}", row.ua);
        count += found.len();
    }
    // Those that are known to mean something else, at least.
    for ua in
        ["ga:users", "ga:sessionsPerUser", "ga:sessions", "ga:sessionDuration", "ga:hits", "ga:pageviews"]
    {
        assert!(EQUIVALENTS.iter().any(|row| row.ua == ua && row.differs.is_some()), "{ua}");
    }
    assert_eq!(count, 26);
}

#[test]
fn every_row_can_be_filtered_by_its_kind_alone() {
    for [kind, ua, _, ga4] in page() {
        let (good, bad, side) = match kind {
            "metric" => (format!("{ua}>=2"), format!("{ua}=@2"), "metricFilter"),
            _ => (format!("{ua}=@x"), format!("{ua}>=2"), "dimensionFilter"),
        };
        let request = request(&week("ga:newUsers").filters(good));
        assert_eq!(request[side]["filter"]["fieldName"], ga4);
        let refusal = refusal(&week("ga:newUsers").filters(bad));
        let sign = if kind == "metric" { "=@" } else { ">=" };
        assert!(
            refusal.starts_with(&format!("the v3 filter uses {sign} on the {kind} \"{ua}\"; ")),
            "{refusal}"
        );
    }
}

#[test]
fn every_row_is_answered_under_the_name_asked_for() {
    for [kind, ua, _, ga4] in page() {
        let asked = ua.to_uppercase().replace("GA:", "ga:");
        let translation = translated(&query_for(kind, &asked));
        let metric = if kind == "metric" { ga4 } else { "newUsers" };
        let mut body = json!({
            "metricHeaders": [{"name": metric, "type": "TYPE_INTEGER"}],
            "rows": [{"metricValues": [{"value": "7"}]}],
            "totals": [{"metricValues": [{"value": "7"}]}],
            "rowCount": 1,
        });
        if kind == "dimension" {
            body["dimensionHeaders"] = json!([{"name": ga4}]);
            body["rows"][0]["dimensionValues"] = json!([{"value": "x"}]);
            body["totals"][0]["dimensionValues"] = json!([{"value": "RESERVED_TOTAL"}]);
        }
        let report = Report::from_json(body.to_string().as_bytes(), &translation.request).expect("a report");
        let answer: Value =
            serde_json::to_value(translation.answer(&report).expect("an answer")).expect("JSON");
        let header = &answer["columnHeaders"][0];
        assert_eq!(
            (header["name"].as_str(), header["columnType"].as_str()),
            (Some(asked.as_str()), Some(kind.to_uppercase().as_str()))
        );
        let total = if kind == "metric" { &asked } else { "ga:newUsers" };
        assert_eq!(answer["totalsForAllResults"], json!({total: "7"}));
    }
}

#[test]
fn names_from_before_2014_go_through_both_renamings() {
    for (old, between, ga4) in [
        ("ga:visitors", "ga:users", "totalUsers"),
        ("ga:visits", "ga:sessions", "sessions"),
        ("ga:newVisits", "ga:newUsers", "newUsers"),
        ("ga:timeOnSite", "ga:sessionDuration", "userEngagementDuration"),
        ("ga:appviews", "ga:screenviews", "screenPageViews"),
    ] {
        let query = week(old);
        assert_eq!(request(&query)["metrics"], json!([{"name": ga4}]));
        assert_eq!(notes(&query)[1], format!("renamed more than once: {old} -> {between} -> {ga4}"));
    }
    let query = week("ga:visits").dimensions("ga:visitorGender,ga:visitorAgeBracket");
    assert_eq!(request(&query)["dimensions"], json!([{"name": "userGender"}, {"name": "userAgeBracket"}]));
}

#[test]
fn two_names_of_one_field_are_requested_once_and_answered_twice() {
    let query = week("ga:visits,ga:sessions").dimensions("ga:campaignCode,ga:adwordsCampaignID");
    let translation = translated(&query);
    let expected = ReportRequest::new()
        .dates(DateRange::new("7daysAgo", "yesterday"))
        .dimensions(["sessionCampaignId"])
        .metrics(["sessions"]);
    assert_eq!(translation.request.metrics, expected.metrics);
    assert_eq!(translation.request.dimensions, expected.dimensions);
    let body = json!({
        "dimensionHeaders": [{"name": "sessionCampaignId"}],
        "metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}],
        "rows": [{"dimensionValues": [{"value": "c"}], "metricValues": [{"value": "7"}]}],
        "totals": [{"dimensionValues": [{"value": "RESERVED_TOTAL"}], "metricValues": [{"value": "7"}]}],
        "rowCount": 1,
    });
    let report = Report::from_json(body.to_string().as_bytes(), &translation.request).expect("a report");
    let answer = translation.answer(&report).expect("an answer");
    assert_eq!(answer.rows, [["c", "c", "7", "7"]]);
    let total = |name: &str| (name.to_owned(), "7".to_owned());
    assert_eq!(answer.totals_for_all_results, [total("ga:visits"), total("ga:sessions")]);
}

#[test]
fn names_without_an_equivalent_are_refused_together_with_the_nearest_fields() {
    let query = week("ga:bounces,ga:exits,ga:goal12Completions").dimensions("ga:yearMonth,ga:country");
    assert_eq!(
        refusal(&query),
        "\"ga:bounces\", \"ga:exits\", \"ga:goal12Completions\", \"ga:yearMonth\" have no equivalent in GA4; \
         by name the nearest field is bounceRate to \"ga:bounces\", keyEvents to \"ga:goal12Completions\", \
         yearMonth to \"ga:yearMonth\": where its meaning serves, write it without `ga:`; leave out \
         \"ga:exits\": nothing is near"
    );
    assert_eq!(
        refusal(&week("ga:visitBounceRate")),
        "\"ga:visitBounceRate\" has no equivalent in GA4; by name the nearest field is bounceRate to \
         \"ga:visitBounceRate\": where its meaning serves, write it without `ga:`"
    );
    assert_eq!(
        refusal(&week("ga:users").filters("ga:dimension3==x")),
        "\"ga:dimension3\" has no equivalent in GA4; by name the nearest field is customEvent:NAME or \
         customUser:NAME to \"ga:dimension3\": where its meaning serves, write it without `ga:`"
    );
    assert_eq!(
        refusal(&week("ga:pagevews")),
        "\"ga:pagevews\" has no equivalent in GA4; leave out \"ga:pagevews\": nothing is near"
    );
    let many: Vec<String> = (0..10).map(|i| format!("ga:x{}", "y".repeat(i))).collect();
    let refusal = refusal(&week(&many.join(",")));
    assert!(refusal.contains("\"ga:xyyyyyyy\", and 2 more have no equivalent in GA4; "), "{refusal}");
}

#[test]
fn names_without_ga_are_fields_of_ga4() {
    let query = week("ga:pageviews,bounceRate").dimensions("yearMonth").sort("-bounceRate,yearMonth");
    let request = request(&query.filters("bounceRate>0.5;yearMonth==202501,yearMonth==202502;city=@a"));
    assert_eq!(request["metrics"], json!([{"name": "screenPageViews"}, {"name": "bounceRate"}]));
    assert_eq!(request["orderBys"][0], json!({"metric": {"metricName": "bounceRate"}, "desc": true}));
    assert_eq!(request["metricFilter"]["filter"]["fieldName"], "bounceRate");
    assert_eq!(request["dimensionFilter"]["andGroup"]["expressions"][1]["filter"]["fieldName"], "city");
}
