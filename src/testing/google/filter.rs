//! Which rows of a table a dimension filter lets through: equality and lists, together, either and not.

use super::refusal::{FIELDS, Refusal};
use super::table::FakeTable;
use super::wire::{WireExpression, WireFilter};

/// Whether the filter lets a row of these texts through.
pub(super) fn holds(
    expression: &WireExpression,
    table: &FakeTable,
    texts: &[String],
) -> Result<bool, Refusal> {
    match expression {
        WireExpression::NotExpression(inner) => Ok(!holds(inner, table, texts)?),
        WireExpression::AndGroup(group) => {
            group.expressions.iter().try_fold(true, |all, e| Ok(holds(e, table, texts)? && all))
        }
        WireExpression::OrGroup(group) => {
            group.expressions.iter().try_fold(false, |any, e| Ok(holds(e, table, texts)? || any))
        }
        WireExpression::Filter(filter) => {
            let Some(column) = table.dimension(&filter.field_name) else {
                return Err(Refusal::Invalid(format!(
                    "Field {} is not a valid dimension. {FIELDS}",
                    filter.field_name
                )));
            };
            let same = |wanted: &str, case: bool| {
                if case {
                    texts[column] == wanted
                } else {
                    texts[column].to_lowercase() == wanted.to_lowercase()
                }
            };
            match filter {
                WireFilter {
                    string_filter: Some(f),
                    in_list_filter: None,
                    numeric_filter: None,
                    between_filter: None,
                    empty_filter: None,
                    ..
                } => match f.match_type.as_deref() {
                    Some("EXACT") => Ok(same(&f.value, f.case_sensitive)),
                    other => Err(Refusal::Beyond(format!(
                        "a stringFilter of type {}",
                        other.unwrap_or("unspecified")
                    ))),
                },
                WireFilter {
                    in_list_filter: Some(f),
                    string_filter: None,
                    numeric_filter: None,
                    between_filter: None,
                    empty_filter: None,
                    ..
                } => Ok(f.values.iter().any(|v| same(v, f.case_sensitive))),
                _ => Err(Refusal::Beyond("a filter other than equality".into())),
            }
        }
    }
}
