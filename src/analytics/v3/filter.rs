//! The filter of a v3 query.
//!
//! In: the text of `filters`. Out: its tests, as an AND of ORs, and from them the two filters of a report
//! request. `;` is AND, `,` is OR and binds tighter; a backslash takes its meaning from either and has none
//! before anything else, so that regular expressions stay as they are. An OR is all of dimensions or all of
//! metrics, so every filter splits cleanly.

use super::equivalents::FieldKind;
use super::fault::wrong;
use super::names::Field;
use crate::analytics::request::{FilterExpression, MatchType, NumericOperation, NumericValue};
use crate::analytics::wire::quoted;
use crate::error::Error;
use std::mem;

/// One test: a name, an operator, a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Test {
    pub(super) name: String,
    operator: Operator,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Operator {
    sign: &'static str,
    test: Kind,
    negated: bool,
}

/// What an operator does: the same sign means two things where it goes with both kinds of fields.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Equal,
    Text(MatchType),
    Number(NumericOperation),
}

const fn operator(sign: &'static str, test: Kind, negated: bool) -> Operator {
    Operator { sign, test, negated }
}

/// All operators, longer ones before those that they begin with.
const OPERATORS: [Operator; 10] = [
    operator("==", Kind::Equal, false),
    operator("!=", Kind::Equal, true),
    operator("=@", Kind::Text(MatchType::Contains), false),
    operator("!@", Kind::Text(MatchType::Contains), true),
    // v3 looked for a match anywhere in the text.
    operator("=~", Kind::Text(MatchType::PartialRegexp), false),
    operator("!~", Kind::Text(MatchType::PartialRegexp), true),
    operator(">=", Kind::Number(NumericOperation::GreaterThanOrEqual), false),
    operator("<=", Kind::Number(NumericOperation::LessThanOrEqual), false),
    operator(">", Kind::Number(NumericOperation::GreaterThan), false),
    operator("<", Kind::Number(NumericOperation::LessThan), false),
];

const SIGNS: &str = "dimensions have == != =@ !@ =~ !~, metrics have == != > >= < <=";

/// Reads a filter: the groups are joined by AND, the tests of a group by OR.
pub(super) fn parse(text: &str) -> Result<Vec<Vec<Test>>, Error> {
    split(text)?.iter().map(|group| group.iter().map(|test| read(test)).collect()).collect()
}

/// Splits at separators without a backslash before them, and takes that backslash away from the others.
fn split(text: &str) -> Result<Vec<Vec<String>>, Error> {
    if let Some(separator) = [',', ';'].into_iter().find(|s| text.contains(&format!("\\\\{s}"))) {
        return Err(ambiguous(separator));
    }
    let (mut groups, mut group, mut test) = (Vec::new(), Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some(',' | ';')) => test.extend(rest.next()),
            (',' | ';', _) => {
                group.push(mem::take(&mut test));
                if c == ';' {
                    groups.push(mem::take(&mut group));
                }
            }
            _ => test.push(c),
        }
    }
    group.push(test);
    groups.push(group);
    Ok(groups)
}

fn ambiguous(separator: char) -> Error {
    wrong(
        format!("the v3 filter has two backslashes before a `{separator}`, which can be read in two ways"),
        "in a regular expression write [\\\\] for a backslash; compare with another part of the text \
         otherwise",
    )
}

fn read(text: &str) -> Result<Test, Error> {
    let at = text.find(['=', '!', '<', '>']);
    let (name, rest) = at.map(|at| text.split_at(at)).ok_or_else(|| without_operator(text))?;
    let operator = OPERATORS.iter().find(|operator| rest.starts_with(operator.sign));
    let is_range = rest.starts_with("<>");
    let Some(&operator) = operator.filter(|_| !is_range) else {
        return Err(wrong(format!("the v3 filter has an unknown operator in {}", quoted(text)), SIGNS));
    };
    let (name, value) = (name.trim(), &rest[operator.sign.len()..]);
    if name.is_empty() || value.is_empty() {
        let what = if name.is_empty() { "name" } else { "value" };
        return Err(wrong(
            format!("the v3 filter has {} without a {what}", quoted(text)),
            "write a name, an operator and a value; a missing value of a dimension is (not set)",
        ));
    }
    Ok(Test { name: name.to_owned(), operator, value: value.to_owned() })
}

fn without_operator(text: &str) -> Error {
    if text.trim().is_empty() {
        return wrong(
            "the v3 filter has an empty test",
            "write no `,` or `;` at an end and no two in a row; one in a value needs a backslash",
        );
    }
    wrong(
        format!("the v3 filter has {} without an operator", quoted(text)),
        format!("{SIGNS}; a `,` or `;` in a value needs a backslash"),
    )
}

/// The kind of a whole group, and its filter.
pub(super) fn group(
    tests: &[Test],
    fields: &[Field],
    kind_of: impl Fn(&Field) -> Option<FieldKind>,
) -> Result<(FieldKind, FilterExpression), Error> {
    let mut whole: Option<(FieldKind, FilterExpression)> = None;
    for (test, field) in tests.iter().zip(fields) {
        let kind = kind_of(field).or(test.kind()).ok_or_else(|| test.of_unknown_kind())?;
        let filter = test.filter(&field.ga4, kind)?;
        whole = Some(match whole {
            None => (kind, filter),
            Some((first, _)) if first != kind => return Err(test.of_another_kind()),
            Some((_, whole)) => (kind, whole.or(filter)),
        });
    }
    whole.ok_or_else(|| wrong("the v3 filter has an empty group", SIGNS))
}

impl Test {
    /// The kind of field that alone has this operator.
    fn kind(&self) -> Option<FieldKind> {
        match self.operator.test {
            Kind::Equal => None,
            Kind::Text(_) => Some(FieldKind::Dimension),
            Kind::Number(_) => Some(FieldKind::Metric),
        }
    }

    fn filter(&self, ga4: &str, kind: FieldKind) -> Result<FilterExpression, Error> {
        let filter = match (kind, self.operator.test) {
            (FieldKind::Dimension, Kind::Equal) => FilterExpression::equals(ga4, &self.value),
            (FieldKind::Dimension, Kind::Text(how)) => FilterExpression::text(ga4, how, &self.value),
            (FieldKind::Metric, Kind::Equal) => self.compare(ga4, NumericOperation::Equal)?,
            (FieldKind::Metric, Kind::Number(how)) => self.compare(ga4, how)?,
            (kind, _) => return Err(self.misused(kind)),
        };
        Ok(if self.operator.negated { !filter } else { filter })
    }

    fn compare(&self, ga4: &str, how: NumericOperation) -> Result<FilterExpression, Error> {
        let number = number(self.value.trim()).ok_or_else(|| {
            wrong(
                format!(
                    "the v3 filter compares the metric {} with {}, which is no number",
                    quoted(&self.name),
                    quoted(&self.value)
                ),
                "give digits, with a point before a fraction: 10 or 0.5",
            )
        })?;
        Ok(FilterExpression::number(ga4, how, number))
    }

    fn misused(&self, kind: FieldKind) -> Error {
        let (name, sign) = (quoted(&self.name), self.operator.sign);
        wrong(format!("the v3 filter uses {sign} on the {} {name}", kind.word()), SIGNS)
    }

    fn of_another_kind(&self) -> Error {
        wrong(
            format!("the v3 filter joins dimensions and metrics by OR, at {}", quoted(&self.name)),
            "a `,` joins tests of one kind, and binds tighter than `;`; no report can do both",
        )
    }

    fn of_unknown_kind(&self) -> Error {
        wrong(
            format!("the v3 filter does not say whether {} is a dimension or a metric", quoted(&self.name)),
            "request it too, or compare by an operator of its kind: =~ for text, >= for numbers",
        )
    }
}

/// Decimal digits, with a sign and a fraction if need be.
fn number(text: &str) -> Option<NumericValue> {
    if text.bytes().any(|b| !matches!(b, b'0'..=b'9' | b'.' | b'-')) {
        return None;
    }
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Into::into),
    }
}
