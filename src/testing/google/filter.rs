//! Which rows a filter lets through: every test but regular expressions, together, either and not.

use super::refusal::Refusal;
use super::wire::{WireExpression, WireFilter, WireInListFilter, WireNumber, WireStringFilter};

/// The value that a filter tests.
pub(super) enum Tested<'t> {
    Text(&'t str),
    Number(f64),
}

/// Whether the filter lets the row through whose fields `value` gives by name.
pub(super) fn holds<'t>(
    expression: &WireExpression,
    value: &dyn Fn(&str) -> Result<Tested<'t>, Refusal>,
) -> Result<bool, Refusal> {
    let parts = match expression {
        WireExpression::NotExpression(inner) => return Ok(!holds(inner, value)?),
        WireExpression::Filter(filter) => return test(filter, value(&filter.field_name)?),
        WireExpression::AndGroup(group) | WireExpression::OrGroup(group) => &group.expressions,
    };
    if parts.is_empty() {
        return Err(Refusal::Invalid("A FilterExpressionList must have expressions.".into()));
    }
    let is_and = matches!(expression, WireExpression::AndGroup(_));
    parts.iter().try_fold(is_and, |so_far, part| {
        let holds = holds(part, value)?;
        Ok(if is_and { so_far && holds } else { so_far || holds })
    })
}

fn test(filter: &WireFilter, value: Tested<'_>) -> Result<bool, Refusal> {
    let given = [
        filter.string_filter.is_some(),
        filter.in_list_filter.is_some(),
        filter.numeric_filter.is_some(),
        filter.between_filter.is_some(),
        filter.empty_filter.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(Refusal::Invalid(format!("The filter of {} must have one test.", filter.field_name)));
    }
    match value {
        Tested::Text(text) => match filter {
            WireFilter { string_filter: Some(test), .. } => matches(test, text),
            WireFilter { in_list_filter: Some(test), .. } => is_listed(test, text),
            WireFilter { empty_filter: Some(_), .. } => Ok(matches!(text, "" | "(not set)")),
            _ => Err(Refusal::Beyond("a number in the filter of a dimension".into())),
        },
        Tested::Number(number) => match filter {
            WireFilter { numeric_filter: Some(test), .. } => compares(&test.operation, number, &test.value),
            WireFilter { between_filter: Some(test), .. } => {
                Ok((test.from_value.number()?..=test.to_value.number()?).contains(&number))
            }
            _ => Err(Refusal::Invalid(format!("{} is a metric: compare it to numbers.", filter.field_name))),
        },
    }
}

fn folded(text: &str, case_sensitive: bool) -> String {
    if case_sensitive { text.to_owned() } else { text.to_lowercase() }
}

fn matches(test: &WireStringFilter, text: &str) -> Result<bool, Refusal> {
    let (text, wanted) = (folded(text, test.case_sensitive), folded(&test.value, test.case_sensitive));
    match test.match_type.as_deref() {
        Some("EXACT") => Ok(text == wanted),
        Some("BEGINS_WITH") => Ok(text.starts_with(&wanted)),
        Some("ENDS_WITH") => Ok(text.ends_with(&wanted)),
        Some("CONTAINS") => Ok(text.contains(&wanted)),
        other => Err(Refusal::Beyond(format!("a stringFilter of type {}", other.unwrap_or("unspecified")))),
    }
}

fn is_listed(test: &WireInListFilter, text: &str) -> Result<bool, Refusal> {
    if test.values.is_empty() {
        return Err(Refusal::Invalid("An inListFilter must have values.".into()));
    }
    let text = folded(text, test.case_sensitive);
    Ok(test.values.iter().any(|value| folded(value, test.case_sensitive) == text))
}

fn compares(operation: &str, number: f64, value: &WireNumber) -> Result<bool, Refusal> {
    let value = value.number()?;
    match operation {
        "EQUAL" => Ok(number == value),
        "LESS_THAN" => Ok(number < value),
        "LESS_THAN_OR_EQUAL" => Ok(number <= value),
        "GREATER_THAN" => Ok(number > value),
        "GREATER_THAN_OR_EQUAL" => Ok(number >= value),
        other => Err(Refusal::Invalid(format!("Invalid value at 'operation': {other}"))),
    }
}
