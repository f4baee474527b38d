//! The grammar of filters: operators, escapes, precedence, and what cannot be read.

use crate::{notes, refusal, request, week};
use serde_json::{Value, json};

/// The two filters of the request.
#[track_caller]
fn filters(filter: &str) -> (Value, Value) {
    let mut request = request(&week("ga:newUsers").filters(filter));
    (request["dimensionFilter"].take(), request["metricFilter"].take())
}

fn text(field: &str, how: &str, value: &str) -> Value {
    json!({"filter": {"fieldName": field, "stringFilter": {"matchType": how, "value": value}}})
}

fn number(field: &str, how: &str, value: Value) -> Value {
    json!({"filter": {"fieldName": field, "numericFilter": {"operation": how, "value": value}}})
}

fn not(filter: Value) -> Value {
    json!({"notExpression": filter})
}

#[test]
fn operators_of_dimensions() {
    for (sign, how, is_negated) in [
        ("==", "EXACT", false),
        ("!=", "EXACT", true),
        ("=@", "CONTAINS", false),
        ("!@", "CONTAINS", true),
        ("=~", "PARTIAL_REGEXP", false),
        ("!~", "PARTIAL_REGEXP", true),
    ] {
        let plain = text("browser", how, "Fire|Opera");
        let expected = if is_negated { not(plain) } else { plain };
        assert_eq!(filters(&format!("ga:browser{sign}Fire|Opera")), (expected, Value::Null));
    }
}

#[test]
fn operators_of_metrics() {
    for (sign, how, is_negated) in [
        ("==", "EQUAL", false),
        ("!=", "EQUAL", true),
        (">", "GREATER_THAN", false),
        (">=", "GREATER_THAN_OR_EQUAL", false),
        ("<", "LESS_THAN", false),
        ("<=", "LESS_THAN_OR_EQUAL", false),
    ] {
        let plain = number("screenPageViews", how, json!({"int64Value": "10"}));
        let expected = if is_negated { not(plain) } else { plain };
        assert_eq!(filters(&format!("ga:pageviews{sign}10")), (Value::Null, expected));
    }
    let double = |value: f64| number("itemRevenue", "GREATER_THAN", json!({"doubleValue": value}));
    assert_eq!(filters("ga:itemRevenue>0.5").1, double(0.5));
    assert_eq!(filters("ga:itemRevenue> -2.25 ").1, double(-2.25));
}

#[test]
fn terms_of_dimensions_and_metrics_are_split() {
    assert_eq!(
        filters("ga:country==Italy;ga:pageviews>10"),
        (
            text("country", "EXACT", "Italy"),
            number("screenPageViews", "GREATER_THAN", json!({"int64Value": "10"}))
        )
    );
}

#[test]
fn or_binds_tighter_than_and() {
    let (a, b) = (text("country", "EXACT", "A"), text("city", "EXACT", "B"));
    let (c, d) = (text("browser", "EXACT", "C"), text("language", "EXACT", "D"));
    let or = |parts: [&Value; 2]| json!({"orGroup": {"expressions": parts}});
    assert_eq!(
        filters("ga:country==A,ga:city==B;ga:browser==C,ga:language==D").0,
        json!({"andGroup": {"expressions": [or([&a, &b]), or([&c, &d])]}})
    );
    assert_eq!(
        filters("ga:country==A;ga:city==B,ga:browser==C;ga:language==D").0,
        json!({"andGroup": {"expressions": [a, or([&b, &c]), d]}})
    );
}

#[test]
fn backslash_makes_a_separator_a_part_of_the_value_and_is_itself_elsewhere() {
    assert_eq!(filters(r"ga:pageTitle==a\,b\;c").0, text("pageTitle", "EXACT", "a,b;c"));
    assert_eq!(
        filters(r"ga:pageTitle=~^\d{1\,3}\.\\w").0,
        text("pageTitle", "PARTIAL_REGEXP", r"^\d{1,3}\.\\w")
    );
    assert_eq!(filters(r"ga:pageTitle==a\").0, text("pageTitle", "EXACT", r"a\"));
    assert_eq!(filters("ga:pageTitle==a=b!=c>d").0, text("pageTitle", "EXACT", "a=b!=c>d"));
    assert_eq!(
        filters("ga:pageTitle== a ").0,
        text("pageTitle", "EXACT", " a "),
        "blanks of a value are kept"
    );
    assert_eq!(filters(" GA:PAGETITLE ==x").0, text("pageTitle", "EXACT", "x"));
}

#[test]
fn case_is_left_to_ga4_and_noted_as_unverified() {
    let query = week("ga:newUsers").filters("ga:country==italy;ga:users>1");
    let note = "not verified: GA4 compares texts in filters without regard to case; whether v3 always did is \
                not known";
    assert!(notes(&query).iter().any(|n| n == note), "{:?}", notes(&query));
    assert!(!notes(&week("ga:newUsers").filters("ga:users>1")).iter().any(|n| n == note));
}

#[test]
fn what_cannot_be_read_is_refused() {
    let signs = "dimensions have == != =@ !@ =~ !~, metrics have == != > >= < <=";
    let empty = "the v3 filter has an empty test; write no `,` or `;` at an end and no two in a row; one in \
                 a value needs a backslash";
    let parts = "write a name, an operator and a value; a missing value of a dimension is (not set)";
    let two = "which can be read in two ways; in a regular expression write [\\\\] for a backslash; compare \
               with another part of the text otherwise";
    let kind = "a `,` joins tests of one kind, and binds tighter than `;`; no report can do both";
    let digits = "give digits, with a point before a fraction: 10 or 0.5";
    for (filter, message) in [
        ("", empty.to_owned()),
        ("ga:country==A;", empty.to_owned()),
        ("ga:country==A,,ga:city==B", empty.to_owned()),
        (
            "ga:country",
            format!("the v3 filter has \"ga:country\" without an operator; {signs}; a `,` or `;` in a value \
                     needs a backslash"),
        ),
        ("ga:country=A", format!("the v3 filter has an unknown operator in \"ga:country=A\"; {signs}")),
        ("ga:users<>1_9", format!("the v3 filter has an unknown operator in \"ga:users<>1_9\"; {signs}")),
        ("==A", format!("the v3 filter has \"==A\" without a name; {parts}")),
        ("ga:country==", format!("the v3 filter has \"ga:country==\" without a value; {parts}")),
        ("ga:country>5", format!("the v3 filter uses > on the dimension \"ga:country\"; {signs}")),
        ("ga:users=~5", format!("the v3 filter uses =~ on the metric \"ga:users\"; {signs}")),
        (
            "ga:country==A,ga:users>5",
            format!("the v3 filter joins dimensions and metrics by OR, at \"ga:users\"; {kind}"),
        ),
        (
            "ga:users>five",
            format!("the v3 filter compares the metric \"ga:users\" with \"five\", which is no number; \
                     {digits}"),
        ),
        (
            "ga:users>inf",
            format!("the v3 filter compares the metric \"ga:users\" with \"inf\", which is no number; \
                     {digits}"),
        ),
        (
            r"ga:pageTitle==a\\,ga:city==b",
            format!("the v3 filter has two backslashes before a `,`, {two}"),
        ),
        (r"ga:pageTitle==a\\;ga:city==b", format!("the v3 filter has two backslashes before a `;`, {two}")),
        (
            "someField==7",
            "the v3 filter does not say whether \"someField\" is a dimension or a metric; request it too, or \
             compare by an operator of its kind: =~ for text, >= for numbers"
                .to_owned(),
        ),
    ] {
        assert_eq!(refusal(&week("ga:newUsers").filters(filter)), message);
    }
}
