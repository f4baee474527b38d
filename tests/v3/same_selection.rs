//! A filter and its translation select the same rows: random filters over random rows.
//!
//! The filter is made as a tree, written in v3's grammar, parsed and translated by the crate. Then the tree
//! is evaluated as v3 documents it, and the JSON of the request as Google documents that.

use crate::random::Random;
use crate::{request, week};
use serde_json::Value;

/// How many filters: each over 20 rows.
const FILTERS: usize = 5000;
const ROWS: usize = 20;

/// Dimensions and metrics in both vocabularies.
const DIMENSIONS: [(&str, &str); 3] =
    [("ga:country", "country"), ("ga:source", "sessionSource"), ("city", "city")];
const METRICS: [(&str, &str); 3] =
    [("ga:pageviews", "screenPageViews"), ("ga:visitors", "totalUsers"), ("ga:itemRevenue", "itemRevenue")];

/// Texts with what the grammar has a meaning for, short enough that tests hold often.
const PIECES: [&str; 12] = ["a", "b", "ab", ",", ";", "\\d", "=", "!@", ">", " ", "é", "%"];

struct Row {
    texts: [String; 3],
    numbers: [f64; 3],
}

#[derive(Debug)]
enum Test {
    Text { dimension: usize, sign: &'static str, value: String },
    Number { metric: usize, sign: &'static str, value: f64 },
}

#[test]
fn filter_and_its_translation_select_the_same_rows() {
    let mut random = Random::new(12);
    let (mut selected, mut seen) = (0, 0);
    for _ in 0..FILTERS {
        let tree = tree(&mut random);
        let filter = written(&tree);
        let query = week("ga:newUsers").dimensions("city").filters(&filter);
        let request = request(&query);
        for _ in 0..ROWS {
            let row = row(&mut random);
            let by_v3 = tree.iter().all(|group| group.iter().any(|test| test.holds(&row)));
            let by_ga4 = ["dimensionFilter", "metricFilter"]
                .into_iter()
                .all(|side| request.get(side).is_none_or(|filter| holds(filter, &row, side)));
            assert_eq!(by_v3, by_ga4, "{filter} on {:?} {:?}: {request}", row.texts, row.numbers);
            seen += 1;
            selected += usize::from(by_v3);
        }
    }
    assert!(
        (seen / 10..seen * 9 / 10).contains(&selected),
        "{selected} of {seen} rows: the test says little"
    );
}

fn row(random: &mut Random) -> Row {
    Row { texts: std::array::from_fn(|_| text(random, 0)), numbers: std::array::from_fn(|_| number(random)) }
}

fn text(random: &mut Random, least: usize) -> String {
    let pieces = least + random.below(3 - least);
    (0..pieces).map(|_| random.pick(&PIECES)).collect()
}

fn number(random: &mut Random) -> f64 {
    random.below(5) as f64 / 2.0 - 1.0
}

/// Groups joined by AND, each of tests of one kind joined by OR.
fn tree(random: &mut Random) -> Vec<Vec<Test>> {
    (0..1 + random.below(3))
        .map(|_| {
            let is_of_texts = random.below(2) == 0;
            (0..1 + random.below(3)).map(|_| Test::random(random, is_of_texts)).collect()
        })
        .collect()
}

/// The tree in v3's grammar.
fn written(tree: &[Vec<Test>]) -> String {
    let group = |group: &Vec<Test>| group.iter().map(Test::written).collect::<Vec<_>>().join(",");
    tree.iter().map(group).collect::<Vec<_>>().join(";")
}

impl Test {
    fn random(random: &mut Random, is_of_texts: bool) -> Self {
        if !is_of_texts {
            let sign = random.pick(&["==", "!=", ">", ">=", "<", "<="]);
            return Self::Number { metric: random.below(METRICS.len()), sign, value: number(random) };
        }
        let sign = random.pick(&["==", "!=", "=@", "!@", "=~", "!~"]);
        let plain = text(random, 1);
        let value = match sign {
            "=~" | "!~" => {
                let (start, end) = (random.pick(&["^", ""]), random.pick(&["$", ""]));
                format!("{start}{}{end}", plain.replace("\\d", "[1]"))
            }
            _ => plain,
        };
        Self::Text { dimension: random.below(DIMENSIONS.len()), sign, value }
    }

    fn written(&self) -> String {
        match self {
            Self::Text { dimension, sign, value } => {
                let escaped = value.replace(',', "\\,").replace(';', "\\;");
                format!("{}{sign}{escaped}", DIMENSIONS[*dimension].0)
            }
            Self::Number { metric, sign, value } => format!("{}{sign}{value}", METRICS[*metric].0),
        }
    }

    fn holds(&self, row: &Row) -> bool {
        match self {
            Self::Text { dimension, sign, value } => {
                let text = &row.texts[*dimension];
                match *sign {
                    "==" => text == value,
                    "!=" => text != value,
                    "=@" => text.contains(value.as_str()),
                    "!@" => !text.contains(value.as_str()),
                    "=~" => matches_somewhere(value, text),
                    _ => !matches_somewhere(value, text),
                }
            }
            Self::Number { metric, sign, value } => {
                let number = &row.numbers[*metric];
                match *sign {
                    "==" => number == value,
                    "!=" => number != value,
                    ">" => number > value,
                    ">=" => number >= value,
                    "<" => number < value,
                    _ => number <= value,
                }
            }
        }
    }
}

/// Regular expressions of literal text, `[1]`, `^` at the start and `$` at the end.
fn matches_somewhere(pattern: &str, text: &str) -> bool {
    let (pattern, starts) = pattern.strip_prefix('^').map_or((pattern, false), |rest| (rest, true));
    let (pattern, ends) = pattern.strip_suffix('$').map_or((pattern, false), |rest| (rest, true));
    let literal = pattern.replace("[1]", "1");
    match (starts, ends) {
        (true, true) => text == literal,
        (true, false) => text.starts_with(&literal),
        (false, true) => text.ends_with(&literal),
        (false, false) => text.contains(&literal),
    }
}

/// Google's filters, as its reference has them; `side` says which fields they may name.
fn holds(filter: &Value, row: &Row, side: &str) -> bool {
    let parts = |group: &Value| group["expressions"].as_array().expect("expressions").clone();
    if let Some(group) = filter.get("andGroup") {
        return parts(group).iter().all(|part| holds(part, row, side));
    }
    if let Some(group) = filter.get("orGroup") {
        return parts(group).iter().any(|part| holds(part, row, side));
    }
    if let Some(inner) = filter.get("notExpression") {
        return !holds(inner, row, side);
    }
    let test = &filter["filter"];
    let name = test["fieldName"].as_str().expect("a field");
    if side == "dimensionFilter" {
        let text = &row.texts[DIMENSIONS.iter().position(|(_, ga4)| *ga4 == name).expect("a dimension")];
        let value = test["stringFilter"]["value"].as_str().expect("a text");
        return match test["stringFilter"]["matchType"].as_str().expect("a type") {
            "EXACT" => text == value,
            "CONTAINS" => text.contains(value),
            "PARTIAL_REGEXP" => matches_somewhere(value, text),
            other => panic!("{other} is nothing that v3 had"),
        };
    }
    let number = row.numbers[METRICS.iter().position(|(_, ga4)| *ga4 == name).expect("a metric")];
    let value = &test["numericFilter"]["value"];
    let whole = value["int64Value"].as_str().map(|digits| digits.parse().expect("a number"));
    let value = whole.or(value["doubleValue"].as_f64()).expect("a value");
    match test["numericFilter"]["operation"].as_str().expect("an operation") {
        "EQUAL" => number == value,
        "GREATER_THAN" => number > value,
        "GREATER_THAN_OR_EQUAL" => number >= value,
        "LESS_THAN" => number < value,
        "LESS_THAN_OR_EQUAL" => number <= value,
        other => panic!("{other} is nothing that v3 had"),
    }
}
