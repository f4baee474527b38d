//! Tests of a report's filter, as the configuration has them: `country == Italy`.
//!
//! The operators are those of the old Core Reporting API: `==`, `!=`, `=@` (contains), `!@`, `=~` (a regular
//! expression matches a part), `!~` for dimensions; `==`, `!=`, `>`, `>=`, `<`, `<=` for metrics.

use shortway::analytics::{FilterExpression, NumericOperation, NumericValue};

/// What a test is about: a dimension before rows are grouped, a metric after.
pub(super) enum Test {
    Dimension(FilterExpression),
    Metric(FilterExpression),
}

/// Reads one test; the fault says what is wrong with it.
pub(super) fn read(text: &str, metrics: &[String]) -> Result<Test, String> {
    const FORM: &str = "write a field, an operator and a value: country == Italy";
    let text = text.trim();
    let end = text.find(|c: char| c.is_whitespace() || "=!<>".contains(c)).filter(|end| *end > 0);
    let (field, rest) = text.split_at(end.ok_or_else(|| format!("`{text}` is not a test; {FORM}"))?);
    let rest = rest.trim_start();
    let length = rest.find(|c: char| !"=!<>@~".contains(c)).unwrap_or(rest.len());
    let (operator, value) = (&rest[..length], rest[length..].trim());
    if value.is_empty() {
        return Err(format!("`{text}` has no value; {FORM}"));
    }
    if metrics.iter().any(|metric| metric == field) {
        of_metric(field, operator, value).map(Test::Metric)
    } else {
        of_dimension(field, operator, value).map(Test::Dimension)
    }
}

fn of_dimension(field: &str, operator: &str, value: &str) -> Result<FilterExpression, String> {
    Ok(match operator {
        "==" => FilterExpression::equals(field, value),
        "!=" => !FilterExpression::equals(field, value),
        "=@" => FilterExpression::contains(field, value),
        "!@" => !FilterExpression::contains(field, value),
        "=~" => FilterExpression::partial_regexp(field, value),
        "!~" => !FilterExpression::partial_regexp(field, value),
        _ => {
            return Err(format!(
                "`{operator}` is not an operator of the dimension `{field}`; use ==, !=, =@, !@, =~ or \
                 !~, or add `{field}` to the metrics of the report"
            ));
        }
    })
}

fn of_metric(field: &str, operator: &str, value: &str) -> Result<FilterExpression, String> {
    let whole = value.parse::<i64>().map(NumericValue::from);
    let number = whole.or_else(|_| value.parse::<f64>().map(NumericValue::from));
    let number =
        number.map_err(|_| format!("`{value}` is not a number; compare the metric `{field}` to one"))?;
    let operation = match operator {
        "==" | "!=" => NumericOperation::Equal,
        ">" => NumericOperation::GreaterThan,
        ">=" => NumericOperation::GreaterThanOrEqual,
        "<" => NumericOperation::LessThan,
        "<=" => NumericOperation::LessThanOrEqual,
        _ => {
            return Err(format!(
                "`{operator}` is not an operator of the metric `{field}`; use ==, !=, >, >=, < or <="
            ));
        }
    };
    let test = FilterExpression::number(field, operation, number);
    Ok(if operator == "!=" { !test } else { test })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimension(text: &str) -> FilterExpression {
        match read(text, &["sessions".to_owned()]) {
            Ok(Test::Dimension(test)) => test,
            _ => panic!("`{text}` is not a test of a dimension"),
        }
    }

    fn metric(text: &str) -> FilterExpression {
        match read(text, &["sessions".to_owned()]) {
            Ok(Test::Metric(test)) => test,
            _ => panic!("`{text}` is not a test of a metric"),
        }
    }

    #[test]
    fn a_test_of_a_dimension_and_one_of_a_metric_are_told_apart() {
        let kingdom = FilterExpression::equals("country", "United Kingdom");
        assert_eq!(dimension("country == United Kingdom"), kingdom);
        assert_eq!(dimension(" country!=United Kingdom "), !kingdom);
        assert_eq!(dimension("city =@ on"), FilterExpression::contains("city", "on"));
        let at_least = |number: NumericValue| {
            FilterExpression::number("sessions", NumericOperation::GreaterThanOrEqual, number)
        };
        assert_eq!(metric("sessions>=10"), at_least(10.into()));
        assert_eq!(metric("sessions >= 0.5"), at_least(0.5.into()));
    }

    #[test]
    fn values_keep_the_signs_that_are_not_at_their_beginning() {
        assert_eq!(dimension("pagePath =~ ^/a=b$"), FilterExpression::partial_regexp("pagePath", "^/a=b$"));
    }

    #[test]
    fn what_is_wrong_with_a_test_is_said() {
        let fault = |text| read(text, &["sessions".to_owned()]).err().unwrap();
        let form = "write a field, an operator and a value: country == Italy";
        assert_eq!(fault("country"), format!("`country` is not a test; {form}"));
        assert_eq!(fault("country =="), format!("`country ==` has no value; {form}"));
        assert_eq!(
            fault("country > 3"),
            "`>` is not an operator of the dimension `country`; use ==, !=, =@, !@, =~ or !~, or add \
             `country` to the metrics of the report"
        );
        assert_eq!(fault("sessions > many"), "`many` is not a number; compare the metric `sessions` to one");
        assert_eq!(
            fault("sessions =~ 1"),
            "`=~` is not an operator of the metric `sessions`; use ==, !=, >, >=, < or <="
        );
    }
}
