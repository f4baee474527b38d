//! Queries from parts and as pasted, and what the request is made of.

use crate::{notes, request, translated, week};
use serde_json::json;
use shortway::ErrorKind;
use shortway::analytics::v3::Query;

#[track_caller]
fn parsed(text: &str) -> Query {
    text.parse().expect("a query")
}

#[track_caller]
fn fault(text: &str) -> String {
    let error = text.parse::<Query>().expect_err("no query");
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

/// The query of the 2012 script.
fn old() -> Query {
    Query::new("ga:1234", "30daysAgo", "yesterday", "ga:pageviews,ga:visitors").sort("-ga:pageviews")
}

#[test]
fn url_query_string_and_python_call_are_one_query() {
    for text in [
        "ids=ga:1234&start-date=30daysAgo&end-date=yesterday&metrics=ga:pageviews,ga:visitors&\
         sort=-ga:pageviews",
        "?ids=ga:1234&start_date=30daysAgo&end_date=yesterday&metrics=ga:pageviews,ga:visitors&\
         sort=-ga:pageviews&",
        "https://www.googleapis.com/analytics/v3/data/ga?ids=ga%3A1234&start-date=30daysAgo&\
         end-date=yesterday&metrics=ga%3Apageviews%2Cga%3avisitors&sort=-ga%3Apageviews#top",
        "  ids='ga:1234', start_date='30daysAgo', end_date=\"yesterday\",\n  \
         metrics='ga:pageviews,ga:visitors',\n sort='-ga:pageviews'\n",
        "results = service.data().ga().get(ids = 'ga:' '1234', start_date=u'30daysAgo', # a comment, here\n\
         end_date=r'yesterday', metrics='ga:pageviews,'\n 'ga:visitors', sort='-ga:pageviews',\
         filters=None).execute()",
    ] {
        assert_eq!(parsed(text), old(), "{text}");
    }
}

#[test]
fn every_parameter_is_read() {
    let url = "ids=ga:1&start-date=2020-01-01&end-date=today&metrics=ga:users&dimensions=ga:country&\
               sort=ga:country&filters=ga:country%3D%3DCosta+Rica%5C,x&segment=gaid::-1&samplingLevel=FASTER\
               &include-empty-rows=false&start-index=11&max-results=10&prettyPrint=true&\
               access_token=ya29.secret";
    let query = parsed(url);
    let mut expected = Query::new("ga:1", "2020-01-01", "today", "ga:users")
        .dimensions("ga:country")
        .sort("ga:country")
        .filters("ga:country==Costa Rica\\,x")
        .segment("gaid::-1")
        .sampling_level("FASTER")
        .include_empty_rows(false)
        .start_index(11)
        .max_results(10);
    expected.others = vec!["prettyPrint".into(), "access_token".into()];
    assert_eq!(query, expected);
    assert!(!format!("{query:?}").contains("ya29"));
    let call = "ids='ga:1', start_date='2020-01-01', end_date='today', metrics='ga:users', \
                dimensions='ga:country', sort='ga:country', filters='ga:country==Costa Rica\\,x', \
                segment='gaid::-1', samplingLevel='FASTER', include_empty_rows=False, start_index='11', \
                max_results=10, prettyPrint=True, access_token='ya29.secret'";
    assert_eq!(parsed(call), expected);
}

#[test]
fn python_texts_keep_what_python_keeps() {
    let filters = |literal: &str| {
        let call =
            format!("ids='ga:1',start_date='today',end_date='today',metrics='ga:hits',filters={literal}");
        parsed(&call).filters.expect("a filter")
    };
    assert_eq!(filters(r"'ga:pagePath=~^/a\.b\,c'"), r"ga:pagePath=~^/a\.b\,c");
    assert_eq!(filters(r"'ga:pagePath==it\'s'"), "ga:pagePath==it's");
    assert_eq!(filters(r#""ga:pagePath==\"a\" \\ b""#), r#"ga:pagePath=="a" \ b"#);
    assert_eq!(filters(r"r'ga:pagePath=~\\'"), r"ga:pagePath=~\\");
}

#[test]
fn what_is_no_query_is_refused_with_the_forms() {
    let forms = "paste the whole URL, its query string (ids=ga:1234&start-date=…), or the arguments of the \
                 call in Python (ids='ga:1234', start_date='…')";
    let rest = "&start-date=today&end-date=today&metrics=ga:hits";
    for (text, message) in [
        (String::new(), format!("the v3 query has no ids; {forms}")),
        ("ids=ga:1&start-date=today&end-date=today".into(), format!("the v3 query has no metrics; {forms}")),
        ("ids".into(), format!("the v3 query has a parameter without `=`; {forms}")),
        (
            format!("ids=ga:1&ids=ga:2{rest}"),
            "the v3 query has the parameter \"ids\" twice; give it once; a list has commas".into(),
        ),
        (
            format!("ids=ga:1{rest}&filter=ga:country==Italy"),
            "the v3 query has an unknown parameter \"filter\"; v3 has ids, start-date, end-date, metrics, \
             dimensions, sort, filters, segment, samplingLevel, include-empty-rows, start-index, max-results"
                .into(),
        ),
        (
            format!("ids=ga:1{rest}&max-results=-1"),
            "the v3 query has the max-results \"-1\"; give a whole number from 1 on".into(),
        ),
        (
            format!("ids=ga:1{rest}&include-empty-rows=no"),
            "the v3 query has the include-empty-rows \"no\"; give true or false".into(),
        ),
        (
            format!("ids=ga:1{rest}&filters=100%"),
            "the v3 query has a \"filters\" that is not percent-encoded UTF-8; write a percent sign of its \
             own as %25"
                .into(),
        ),
        (
            "https://www.googleapis.com/analytics/v3/data/realtime?ids=ga:1".into(),
            "the URL \"https://www.googleapis.com/analytics/v3/data/realtime\" is not of Core Reporting v3, \
             whose path ends in /data/ga; other APIs of Universal Analytics (realtime, multi-channel \
             funnels, v4) have no translation here"
                .into(),
        ),
        (
            "ids='ga:1', start_date=str(start)".into(),
            "the v3 query in Python has no plain value at \"start_date\"; write each parameter as \
             name='value', variables and calls by the values that they stand for"
                .into(),
        ),
    ] {
        assert_eq!(fault(&text), message);
    }
    for broken in ["ids='ga:1", "ids='ga:1' start_date='today'", "ids='ga:1', 7", "ids='a', b", "ids='\\"] {
        assert!(fault(broken).starts_with("the v3 query in Python has no plain value at "), "{broken}");
    }
}

#[test]
fn values_of_keys_and_tokens_are_in_no_error() {
    for text in [
        "key=AIzaSecret%",
        "access_token=AIzaSecret&ids=x",
        "key='AIzaSecret', key='AIzaSecret'",
        "key='x', AIza",
    ] {
        assert!(!fault(text).contains("AIza"), "{text}");
    }
}

#[test]
fn old_query_becomes_this_request() {
    assert_eq!(
        request(&old()),
        json!({
            "dateRanges": [{"startDate": "30daysAgo", "endDate": "yesterday"}],
            "metrics": [{"name": "screenPageViews"}, {"name": "totalUsers"}],
            "orderBys": [{"metric": {"metricName": "screenPageViews"}, "desc": true}],
            "keepEmptyRows": true,
            "limit": "1000",
            "metricAggregations": ["TOTAL"],
            "returnPropertyQuota": true,
        })
    );
    assert_eq!(
        notes(&old()),
        [
            "ga:1234 is a view of Universal Analytics and names no property: the figures are those of the \
             property that is queried, and only as far back as it has any",
            "renamed: ga:pageviews -> screenPageViews",
            "screenPageViews is not quite ga:pageviews: counts the screens of apps too",
            "renamed more than once: ga:visitors -> ga:users -> totalUsers",
            "totalUsers is not quite ga:visitors: GA4's own pages show activeUsers instead; users of several \
             rows must not be added up",
        ]
    );
}

#[test]
fn rows_have_v3s_defaults_and_the_notes_say_so() {
    let query = week("ga:users").dimensions("ga:country,ga:city");
    let by = |name: &str| json!({"dimension": {"dimensionName": name}});
    let request = request(&query);
    assert_eq!(request["orderBys"], json!([by("country"), by("city")]));
    assert_eq!((&request["keepEmptyRows"], &request["limit"]), (&json!(true), &json!("1000")));
    assert_eq!(
        notes(&query)[3..],
        [
            "max-results: 1000 rows at most, as in v3 by default; GA4 sends 10000",
            "include-empty-rows: rows of zeros are kept where there is data; GA4 adds no rows for days \
             without any",
            "not verified: the rows are sorted by their dimensions, as v3 seemed to do without sort; GA4 \
             promises no order",
        ]
    );
}

#[test]
fn parameters_for_rows_are_kept() {
    let query = week("ga:users")
        .dimensions(" ga:country , ga:city ")
        .sort("-ga:users, ga:country")
        .include_empty_rows(false)
        .start_index(21)
        .max_results(20);
    let request = request(&query);
    assert_eq!((&request["offset"], &request["limit"]), (&json!("20"), &json!("20")));
    assert_eq!(request.get("keepEmptyRows"), None);
    assert_eq!(
        request["orderBys"],
        json!([
            {"metric": {"metricName": "totalUsers"}, "desc": true},
            {"dimension": {"dimensionName": "country"}},
            {"dimension": {"dimensionName": "city"}},
        ]),
        "the dimension that sort does not decide is last, so that no two rows tie"
    );
    assert_eq!(notes(&query).len(), 3, "nothing to say about rows: {:?}", notes(&query));
}

#[test]
fn more_rows_than_v3_sent_are_cut_to_its_limit_with_a_note() {
    let query = week("ga:users").dimensions("ga:country").max_results(50_000);
    assert_eq!(request(&query)["limit"], "10000");
    let note = "max-results: 10000 rows at most, as in v3; a request to GA4 can have 250000";
    assert!(notes(&query).iter().any(|n| n == note), "{:?}", notes(&query));
}

#[test]
fn parameters_without_an_effect_are_noted() {
    let mut query = week("ga:newUsers").sampling_level("HIGHER_PRECISION");
    query.others = vec!["prettyPrint".into()];
    assert_eq!(
        notes(&query)[1..],
        [
            "samplingLevel is ignored: GA4's reports have no choice; a sampled answer says so",
            "prettyPrint is ignored: it has no effect on the figures",
        ]
    );
}

#[test]
fn view_is_the_key_for_the_callers_own_table() {
    assert_eq!(old().view().expect("a view"), 1234);
    assert_eq!(translated(&old()).query, old());
}
