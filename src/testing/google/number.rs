//! Metric values as text.

/// A number with 15 significant digits if they read back as the same, else with 17: never 16. Not documented,
/// but recorded answers show it.
pub(super) fn number(value: f64) -> String {
    let shortest = value.to_string();
    let digits = shortest.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits.trim_matches('0').len() <= 15 || value.fract() == 0.0 {
        return shortest;
    }
    let exponent = value.abs().log10().floor() as i32;
    let decimals = usize::try_from(16 - exponent).unwrap_or_default();
    format!("{value:.decimals$}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_have_15_digits_or_17() {
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(1.0), "1");
        assert_eq!(number(-0.123_456_789_012_345), "-0.123456789012345");
        assert_eq!(number(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(number(100.0 / 3.0), "33.333333333333336");
        assert_eq!(number(2.0 / 3.0), "0.66666666666666663");
        assert_eq!(number(9_007_199_254_740_993.0), "9007199254740992");
    }

    #[test]
    fn numbers_read_back_as_they_were() {
        for n in 1..2000_u32 {
            let value = f64::from(n).sqrt() / 7.0;
            assert_eq!(number(value).parse(), Ok(value), "{value}");
        }
    }
}
