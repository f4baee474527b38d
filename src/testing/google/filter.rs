//! Which rows a filter lets through: every test, together, either and not.
//!
//! In: a filter of a request, once. Out: a filter whose fields are found, whose numbers are read and whose
//! regular expressions are compiled (RE2's syntax), for as many rows as there are.

use super::enums::{MATCH_TYPE, OPERATION};
use super::refusal::Refusal;
use super::wire::{
    WireBetweenFilter, WireExpression, WireFilter, WireInListFilter, WireNumericFilter, WireStringFilter,
};
use regex::{Regex, RegexBuilder};

/// A filter over fields that `F` names.
pub(super) enum Filter<F> {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Field(F, Test),
}

/// A test of one value.
pub(super) enum Test {
    Text(&'static str, String, bool),
    Pattern(Regex),
    List(Vec<String>, bool),
    Empty,
    Compare(&'static str, f64),
    Between(f64, f64),
}

impl<F> Filter<F> {
    /// Reads a filter; `field` finds a field by its name.
    pub(super) fn read(
        expression: &WireExpression,
        field: &dyn Fn(&str) -> Result<F, Refusal>,
    ) -> Result<Self, Refusal> {
        let parts = match expression {
            WireExpression::NotExpression(inner) => {
                return Ok(Self::Not(Box::new(Self::read(inner, field)?)));
            }
            WireExpression::Filter(filter) => {
                return Ok(Self::Field(field(&filter.field_name)?, test(filter)?));
            }
            WireExpression::AndGroup(group) | WireExpression::OrGroup(group) => &group.expressions,
        };
        if parts.is_empty() {
            return Err(Refusal::Invalid("A FilterExpressionList must have expressions.".into()));
        }
        let parts = parts.iter().map(|part| Self::read(part, field)).collect::<Result<_, _>>()?;
        let is_and = matches!(expression, WireExpression::AndGroup(_));
        Ok(if is_and { Self::All(parts) } else { Self::Any(parts) })
    }

    /// Whether it lets a row through in which a field's test is decided by `holds`.
    pub(super) fn holds(&self, holds: &dyn Fn(&F, &Test) -> bool) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(holds)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(holds)),
            Self::Not(inner) => !inner.holds(holds),
            Self::Field(field, test) => holds(field, test),
        }
    }

    /// The first test that no metric can have.
    pub(super) fn of_text(&self) -> Option<&F> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().find_map(Self::of_text),
            Self::Not(inner) => inner.of_text(),
            Self::Field(_, Test::Compare(..) | Test::Between(..)) => None,
            Self::Field(field, _) => Some(field),
        }
    }
}

impl Test {
    /// Whether the text of a dimension passes. A text that is no number passes no test of numbers; Google
    /// says of those that they are for numeric and date values.
    pub(super) fn text(&self, text: &str) -> bool {
        match self {
            Self::Text(match_type, wanted, case) => {
                let text = folded(text, *case);
                match *match_type {
                    "BEGINS_WITH" => text.starts_with(wanted),
                    "ENDS_WITH" => text.ends_with(wanted),
                    "CONTAINS" => text.contains(wanted),
                    _ => text == *wanted,
                }
            }
            Self::Pattern(pattern) => pattern.is_match(text),
            Self::List(values, case) => values.contains(&folded(text, *case)),
            Self::Empty => matches!(text, "" | "(not set)"),
            Self::Compare(..) | Self::Between(..) => text.parse().is_ok_and(|number| self.number(number)),
        }
    }

    /// Whether the value of a metric passes.
    pub(super) fn number(&self, number: f64) -> bool {
        match *self {
            Self::Compare("LESS_THAN", value) => number < value,
            Self::Compare("LESS_THAN_OR_EQUAL", value) => number <= value,
            Self::Compare("GREATER_THAN", value) => number > value,
            Self::Compare("GREATER_THAN_OR_EQUAL", value) => number >= value,
            Self::Compare(_, value) => number == value,
            Self::Between(first, last) => (first..=last).contains(&number),
            _ => false,
        }
    }
}

/// The one test of a filter.
fn test(filter: &WireFilter) -> Result<Test, Refusal> {
    let tests = [
        filter.string_filter.as_ref().map(text_test),
        filter.in_list_filter.as_ref().map(list_test),
        filter.numeric_filter.as_ref().map(number_test),
        filter.between_filter.as_ref().map(between_test),
        filter.empty_filter.as_ref().map(|_| Ok(Test::Empty)),
    ];
    let mut tests = tests.into_iter().flatten();
    match (tests.next(), tests.next()) {
        (Some(test), None) => test,
        _ => Err(Refusal::Invalid(format!("The filter of {} must have one test.", filter.field_name))),
    }
}

/// A test of text; exact without a type, as in Google's own samples.
fn text_test(test: &WireStringFilter) -> Result<Test, Refusal> {
    let match_type = test.match_type.as_ref().map(|t| t.name(MATCH_TYPE, "match_type")).transpose()?;
    let match_type = match_type.flatten().unwrap_or("EXACT");
    let pattern = match match_type {
        "FULL_REGEXP" => format!("^(?:{})$", test.value),
        "PARTIAL_REGEXP" => test.value.clone(),
        _ => {
            return Ok(Test::Text(match_type, folded(&test.value, test.case_sensitive), test.case_sensitive));
        }
    };
    let pattern = RegexBuilder::new(&pattern).case_insensitive(!test.case_sensitive).build();
    let invalid = |_| Refusal::Invalid(format!("The regular expression {} is invalid.", test.value));
    pattern.map(Test::Pattern).map_err(invalid)
}

fn list_test(test: &WireInListFilter) -> Result<Test, Refusal> {
    if test.values.is_empty() {
        return Err(Refusal::Invalid("An inListFilter must have values.".into()));
    }
    let values = test.values.iter().map(|value| folded(value, test.case_sensitive)).collect();
    Ok(Test::List(values, test.case_sensitive))
}

fn number_test(test: &WireNumericFilter) -> Result<Test, Refusal> {
    let operation = test.operation.as_ref().map(|o| o.name(OPERATION, "operation")).transpose()?.flatten();
    let operation =
        operation.ok_or_else(|| Refusal::Invalid("A numericFilter must have an operation.".into()))?;
    Ok(Test::Compare(operation, test.value.number()?))
}

fn between_test(test: &WireBetweenFilter) -> Result<Test, Refusal> {
    Ok(Test::Between(test.from_value.number()?, test.to_value.number()?))
}

fn folded(text: &str, case_sensitive: bool) -> String {
    if case_sensitive { text.to_owned() } else { text.to_lowercase() }
}
