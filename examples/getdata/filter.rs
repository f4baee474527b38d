//! The syntax of `--filter`: conditions, joined by `;` (and) and `,` (or, which binds tighter).
//!
//! A condition is a name, an operator and a value: `country==Italy`, `pagePath=~^/blog`, `sessions>10`. A
//! backslash takes the next character as it is. Those on metrics and those on dimensions go to Google in two
//! filters, so one `,` joins conditions of one kind.

use shortway::analytics::{FilterExpression, NumericOperation};

/// What the operators do, the longer ones first.
const OPERATORS: [(&str, Operator); 10] = [
    ("==", Operator::Is),
    ("!=", Operator::IsNot),
    ("=@", Operator::Contains),
    ("!@", Operator::ContainsNot),
    ("=~", Operator::Matches),
    ("!~", Operator::MatchesNot),
    ("<=", Operator::Compares(NumericOperation::LessThanOrEqual)),
    (">=", Operator::Compares(NumericOperation::GreaterThanOrEqual)),
    ("<", Operator::Compares(NumericOperation::LessThan)),
    (">", Operator::Compares(NumericOperation::GreaterThan)),
];

#[derive(Clone, Copy)]
enum Operator {
    Is,
    IsNot,
    Contains,
    ContainsNot,
    Matches,
    MatchesNot,
    Compares(NumericOperation),
}

/// What a filter means for Google.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Filters {
    pub(crate) dimensions: Option<FilterExpression>,
    pub(crate) metrics: Option<FilterExpression>,
}

/// Reads a filter; a name is a metric if it is one of `metrics` or if it is compared with `<` or `>`.
pub(crate) fn parse(text: &str, metrics: &[String]) -> Result<Filters, String> {
    let mut filters = Filters::default();
    for part in split(text, ';') {
        let mut found: Option<(bool, FilterExpression)> = None;
        for condition in split(part, ',') {
            let (of_metric, condition) = read(condition, metrics)?;
            found = Some(match found {
                None => (of_metric, condition),
                Some((same, others)) if same == of_metric => (same, others | condition),
                Some(_) => {
                    return Err(format!(
                        "{part:?} joins a dimension and a metric by a comma; join them by ;"
                    ));
                }
            });
        }
        match found {
            Some((true, filter)) => add(&mut filters.metrics, filter),
            Some((false, filter)) => add(&mut filters.dimensions, filter),
            None => {}
        }
    }
    Ok(filters)
}

fn add(filters: &mut Option<FilterExpression>, filter: FilterExpression) {
    *filters = Some(match filters.take() {
        Some(others) => others & filter,
        None => filter,
    });
}

/// The parts of `text` between `separator`s that no backslash stands before.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let ends = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })
}

/// One condition, and whether it is on a metric.
fn read(condition: &str, metrics: &[String]) -> Result<(bool, FilterExpression), String> {
    let at = condition.find(['=', '!', '<', '>']).unwrap_or(condition.len());
    let (name, rest) = condition.split_at(at);
    let operator = OPERATORS.iter().find(|(sign, _)| rest.starts_with(sign));
    let (name, Some((sign, operator))) = (name.trim(), operator) else {
        return Err(format!("{condition:?} has no operator; {HELP}"));
    };
    if name.is_empty() {
        return Err(format!("{condition:?} has no name before {sign}; {HELP}"));
    }
    let value = unescaped(rest[sign.len()..].trim());
    let is_metric = metrics.iter().any(|metric| metric == name);
    let number = |operation| match value.parse::<i64>() {
        Ok(whole) => Ok((true, FilterExpression::number(name, operation, whole))),
        Err(_) => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok((true, FilterExpression::number(name, operation, number))),
            _ => Err(format!("{condition:?} compares with {value:?}, which is no number")),
        },
    };
    let text = |filter: FilterExpression| Ok((false, filter));
    match operator {
        Operator::Compares(operation) => number(*operation),
        Operator::Is if is_metric => number(NumericOperation::Equal),
        Operator::IsNot if is_metric => number(NumericOperation::Equal).map(|(is, filter)| (is, !filter)),
        _ if is_metric => Err(format!("{condition:?}: {sign} is for dimensions, and {name} is a metric")),
        Operator::Is => text(FilterExpression::equals(name, value)),
        Operator::IsNot => text(!FilterExpression::equals(name, value)),
        Operator::Contains => text(FilterExpression::contains(name, value)),
        Operator::ContainsNot => text(!FilterExpression::contains(name, value)),
        Operator::Matches => text(FilterExpression::partial_regexp(name, value)),
        Operator::MatchesNot => text(!FilterExpression::partial_regexp(name, value)),
    }
}

const HELP: &str = "write NAME, one of == != =@ !@ =~ !~ < <= > >=, and a value";

fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(c) = characters.next() {
        // A backslash stays where it is part of a pattern, as in \d.
        match (c, characters.clone().next()) {
            ('\\', Some(next @ (',' | ';' | '\\'))) => {
                out.push(next);
                characters.next();
            }
            _ => out.push(c),
        }
    }
    out
}
