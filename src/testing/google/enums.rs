//! Enum values by name and by number: requests may have either (protobuf's JSON), and an answer has numbers
//! for a client that asks for them, as Google's own REST clients do.

use super::refusal::Refusal;
use serde::Deserialize;
use serde_json::Value;

/// The values of an enum, with their numbers in Google's protobuf messages; 0 is left out.
pub(super) type Names = &'static [(i64, &'static str)];

pub(super) const AGGREGATION: Names = &[(1, "TOTAL"), (4, "COUNT"), (5, "MINIMUM"), (6, "MAXIMUM")];
pub(super) const MATCH_TYPE: Names = &[
    (1, "EXACT"),
    (2, "BEGINS_WITH"),
    (3, "ENDS_WITH"),
    (4, "CONTAINS"),
    (5, "FULL_REGEXP"),
    (6, "PARTIAL_REGEXP"),
];
pub(super) const OPERATION: Names = &[
    (1, "EQUAL"),
    (2, "LESS_THAN"),
    (3, "LESS_THAN_OR_EQUAL"),
    (4, "GREATER_THAN"),
    (5, "GREATER_THAN_OR_EQUAL"),
];
pub(super) const ORDER_TYPE: Names =
    &[(1, "ALPHANUMERIC"), (2, "CASE_INSENSITIVE_ALPHANUMERIC"), (3, "NUMERIC")];
pub(super) const COMPATIBILITY: Names = &[(1, "COMPATIBLE"), (2, "INCOMPATIBLE")];
pub(super) const METRIC_TYPE: Names = &[
    (1, "TYPE_INTEGER"),
    (2, "TYPE_FLOAT"),
    (4, "TYPE_SECONDS"),
    (5, "TYPE_MILLISECONDS"),
    (6, "TYPE_MINUTES"),
    (7, "TYPE_HOURS"),
    (8, "TYPE_STANDARD"),
    (9, "TYPE_CURRENCY"),
    (10, "TYPE_FEET"),
    (11, "TYPE_MILES"),
    (12, "TYPE_METERS"),
    (13, "TYPE_KILOMETERS"),
];
const STATE: Names = &[(1, "CREATING"), (2, "ACTIVE"), (3, "FAILED")];

/// The fields of answers that are enums.
const ANSWERED: [(&str, Names); 3] =
    [("type", METRIC_TYPE), ("compatibility", COMPATIBILITY), ("state", STATE)];

/// An enum value of a request.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WireEnum {
    Number(i64),
    Name(String),
}

impl WireEnum {
    /// The name of the value; `None` for the one that says nothing.
    pub(super) fn name(&self, names: Names, field: &str) -> Result<Option<&'static str>, Refusal> {
        let found = match self {
            Self::Number(0) => return Ok(None),
            Self::Name(name) if name.ends_with("_UNSPECIFIED") => return Ok(None),
            Self::Number(number) => names.iter().find(|(known, _)| known == number),
            Self::Name(name) => names.iter().find(|(_, known)| known == name),
        };
        let shown = match self {
            Self::Number(number) => number.to_string(),
            Self::Name(name) => name.clone(),
        };
        let invalid = || Refusal::Invalid(format!("Invalid value at '{field}': {shown}"));
        found.map(|(_, name)| Some(*name)).ok_or_else(invalid)
    }
}

/// Replaces the names of enum values in an answer by their numbers.
pub(super) fn to_numbers(answer: &mut Value) {
    match answer {
        Value::Array(items) => items.iter_mut().for_each(to_numbers),
        Value::Object(fields) => {
            for (name, value) in fields {
                let names = ANSWERED.iter().find(|(field, _)| field == name).map(|(_, names)| *names);
                let text = value.as_str().unwrap_or_default();
                let known = names.unwrap_or_default().iter().find(|(_, name)| *name == text);
                match known {
                    Some((number, _)) => *value = (*number).into(),
                    None => to_numbers(value),
                }
            }
        }
        _ => {}
    }
}
