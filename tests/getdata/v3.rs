//! Queries of Core Reporting v3: totals as the old script printed them, notes beside them.

use crate::{assert_failed, getdata, json_endpoint, report, stderr, stdout, with_throw_away_key};
use serde_json::{Value, json};

/// The query of the old script.
const OLD: &str = "ids=ga:1234&start-date=30daysAgo&end-date=yesterday&metrics=ga:pageviews,ga:visitors\
                   &sort=-ga:pageviews";

const NOTES: &str = "\
note: ga:1234 is a view of Universal Analytics and names no property: the figures are those of the property \
that is queried, and only as far back as it has any
note: renamed: ga:pageviews -> screenPageViews
note: screenPageViews is not quite ga:pageviews: counts the screens of apps too
note: renamed more than once: ga:visitors -> ga:users -> totalUsers
note: totalUsers is not quite ga:visitors: GA4's own pages show activeUsers instead; users of several rows \
must not be added up
";

const MADE_UP: &str =
    "note: these figures are made up: they come from a fake Google on this machine, see --help\n";

/// What Google answers to the old query.
fn answer(more: Value) -> String {
    let mut answer = json!({
        "metricHeaders": [
            {"name": "screenPageViews", "type": "TYPE_INTEGER"},
            {"name": "totalUsers", "type": "TYPE_INTEGER"},
        ],
        "rows": [{"metricValues": [{"value": "1234"}, {"value": "567"}]}],
        "totals": [{"metricValues": [{"value": "1234"}, {"value": "567"}]}],
        "rowCount": 1,
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        answer[name] = value.clone();
    }
    answer.to_string()
}

#[test]
fn old_query_prints_the_totals_of_the_fake() {
    let python = "ids='ga:1234', start_date='30daysAgo', end_date='yesterday', \
                  metrics='ga:pageviews,ga:visitors', sort='-ga:pageviews'";
    let outputs = [OLD, python].map(|query| getdata(["--fake", "--v3", query]));
    for output in &outputs {
        assert_eq!((output.status.code(), stderr(output)), (Some(0), format!("{NOTES}{MADE_UP}").as_str()));
        let lines: Vec<(&str, u64)> = stdout(output)
            .lines()
            .map(|line| line.rsplit_once(": ").expect("a name and a figure"))
            .map(|(name, total)| (name, total.parse().expect("a whole number")))
            .collect();
        assert_eq!(lines.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["ga:pageviews", "ga:visitors"]);
        assert!(lines.iter().all(|(_, total)| *total > 0), "{lines:?}");
    }
    assert_eq!(stdout(&outputs[0]), stdout(&outputs[1]));
}

#[test]
fn old_query_prints_the_totals_of_a_property() {
    let output = with_throw_away_key(&json_endpoint(200, &answer(Value::Null)), &["--v3", OLD]);
    assert_eq!(
        (output.status.code(), stdout(&output), stderr(&output)),
        (Some(0), "ga:pageviews: 1234\nga:visitors: 567\n", NOTES)
    );
}

#[test]
fn doubts_about_the_figures_are_noted_and_an_empty_report_has_zeros() {
    let empty = answer(json!({
        "rows": [],
        "totals": [{}],
        "rowCount": 0,
        "metadata": {"samplingMetadatas": [{"samplesReadCount": "1", "samplingSpaceSize": "2"}]},
    }));
    let output = with_throw_away_key(&json_endpoint(200, &empty), &["--v3", OLD]);
    let doubts = "note: Analytics has no rows for this report\nnote: the figures are estimates: Google read \
                  1 of 2 events (sampling)\n";
    assert_eq!(
        (output.status.code(), stdout(&output), stderr(&output)),
        (Some(0), "ga:pageviews: 0\nga:visitors: 0\n", format!("{NOTES}{doubts}").as_str())
    );
}

#[test]
fn json_is_the_answer_that_v3_gave() {
    let titles =
        report(&[("totalUsers", "TYPE_INTEGER")], &[("a", &["7"]), ("b", &["3"])], &["9"], Value::Null);
    let query = "ids=ga:1&start-date=7daysAgo&end-date=today&metrics=ga:users&dimensions=ga:pageTitle";
    let output = with_throw_away_key(&json_endpoint(200, &titles), &["--v3", query, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let printed: Value = serde_json::from_str(stdout(&output)).expect("JSON");
    assert_eq!(printed["kind"], "analytics#gaData");
    assert_eq!(printed["totalsForAllResults"], json!({"ga:users": "9"}));
    assert_eq!(printed["rows"], json!([["a", "7"], ["b", "3"]]));
    assert!(stdout(&output).ends_with("}\n"));
}

#[test]
fn query_that_cannot_be_translated_is_wrong_usage() {
    for (query, message) in [
        (
            "ids=ga:1&start-date=2012-01-01&end-date=today&metrics=ga:hits",
            "the v3 query has the start-date 2012-01-01, and GA4 has no data before 2015-08-14; give a later \
             day; figures of Universal Analytics cannot be queried any more",
        ),
        (
            "ids=ga:1&start-date=today&end-date=today&metrics=ga:bounceRate",
            "\"ga:bounceRate\" has no equivalent in GA4; by name the nearest field is bounceRate to \
             \"ga:bounceRate\": where its meaning serves, write it without `ga:`",
        ),
        (
            "ids=ga:1&start-date=today&end-date=today&metrics=ga:hits&segment=gaid::-1",
            "the v3 query has the segment \"gaid::-1\", and reports of GA4 have no segments; a segment of \
             sessions can often be written as a filter of dimensions; for one of users, make an audience in \
             the property and request the dimension audienceName",
        ),
    ] {
        assert_failed(&getdata(["--fake", "--v3", query]), 2, &format!("error: --v3: {message}\n"));
    }
    assert_failed(
        &getdata(["--fake", "--v3", OLD, "--format", "csv"]),
        2,
        "error: --v3 has the formats table and json; leave --format out for the totals, or give json for \
         v3's own answer with rows\n",
    );
}

#[test]
fn options_that_the_query_says_itself_are_refused() {
    for (option, value) in [
        ("--start", "today"),
        ("--end", "today"),
        ("--metrics", "sessions"),
        ("--dimensions", ""),
        ("--order-by", "sessions"),
        ("--limit", "5"),
    ] {
        let output = getdata(["--fake", "--v3", OLD, option, value]);
        assert_eq!((output.status.code(), stdout(&output)), (Some(2), ""));
        let refusal = "error: the argument '--v3 <QUERY>' cannot be used with '";
        assert!(stderr(&output).starts_with(&format!("{refusal}{option}")), "{}", stderr(&output));
    }
}

#[test]
fn query_without_a_key_never_prints_made_up_figures() {
    let output = getdata(["--v3", OLD]);
    assert_failed(
        &output,
        2,
        &format!(
            "{NOTES}error: neither --key (or GOOGLE_APPLICATION_CREDENTIALS) nor --property is given; give \
             both, or --fake for made-up figures\n"
        ),
    );
}
