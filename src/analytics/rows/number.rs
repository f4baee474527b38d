//! Numbers from digits: the common forms at once, any other by std.

/// The number that `text` writes, as `str::parse` reads it; `None` for what is none.
#[inline]
pub(super) fn float(text: &str) -> Option<f64> {
    short_decimal(text.as_bytes()).or_else(|| text.parse().ok())
}

/// How many characters a short decimal has at most, its sign left out: 19, so that 64 bits hold its digits.
/// Google writes 15 to 17 digits.
const SHORT: usize = 19;

/// A number of digits and perhaps a point. `None` also where 64 bits do not tell how it is rounded: once in a
/// thousand.
#[inline]
fn short_decimal(text: &[u8]) -> Option<f64> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    if unsigned.len() > SHORT {
        return None;
    }
    let (digits, rest) = leading_digits(unsigned);
    let places = rest.len().saturating_sub(1);
    let digits = match rest {
        _ if rest.len() == unsigned.len() => return None,
        [b'.', fraction @ ..] => digits_after(digits, fraction)?,
        [] => digits,
        _ => return None,
    };
    let float = quotient(digits, places)?;
    Some(if unsigned.len() < text.len() { -float } else { float })
}

/// A whole number of digits alone, short enough for 64 bits.
#[inline]
pub(super) fn short_whole(text: &[u8]) -> Option<u64> {
    let (number, rest) = if text.len() <= SHORT { leading_digits(text) } else { (0, text) };
    (rest.is_empty() && !text.is_empty()).then_some(number)
}

/// The number that the first bytes write as far as they are digits, and the rest.
#[inline]
fn leading_digits(mut text: &[u8]) -> (u64, &[u8]) {
    let mut number = 0;
    while let [digit @ b'0'..=b'9', rest @ ..] = text {
        number = number * 10 + u64::from(digit - b'0');
        text = rest;
    }
    (number, text)
}

/// The number that `number` and then `digits` write, together at most 19 digits.
#[inline]
fn digits_after(mut number: u64, mut digits: &[u8]) -> Option<u64> {
    while let Some((eight, rest)) = digits.split_first_chunk() {
        number = number * 100_000_000 + eight_digits(*eight)?;
        digits = rest;
    }
    for digit in digits {
        number = number * 10 + u64::from(digit.checked_sub(b'0').filter(|digit| *digit <= 9)?);
    }
    Some(number)
}

/// The number that eight digits write.
#[inline]
pub(super) fn eight_digits(digits: [u8; 8]) -> Option<u64> {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(digits);
    // '0' to '9' are 0x30 to 0x39: the upper half of each byte is 3, also with 6 more.
    if ((word ^ (ONES * 0x30)) | (word.wrapping_add(ONES * 6) ^ (ONES * 0x30))) & (ONES * 0xf0) != 0 {
        return None;
    }
    // Four numbers of two digits, two of four, one of eight; the first digit is in the lowest byte.
    let word = word & (ONES * 0x0f);
    let word = (word * 10 + (word >> 8)) & 0x00ff_00ff_00ff_00ff;
    let word = (word * 100 + (word >> 16)) & 0x0000_ffff_0000_ffff;
    Some((word * 10_000 + (word >> 32)) & 0xffff_ffff)
}

/// For so many decimal places: `2^shift / 10^places`, rounded down to a number of exactly 64 bits, and `shift`.
const RECIPROCALS: [(u64, u32); SHORT] = {
    let mut reciprocals = [(0, 0); SHORT];
    let (mut places, mut power) = (0, 1_u64);
    while places < SHORT {
        let shift = 63 + u64::BITS - (power - 1).leading_zeros();
        reciprocals[places] = (((1 << shift) / power as u128) as u64, shift);
        places += 1;
        power *= 10;
    }
    reciprocals
};

/// `digits / 10^places`, rounded to the nearest float; `None` where the product with the reciprocal, which is
/// at most two too small in its upper 64 bits, does not tell which one that is.
#[inline]
fn quotient(digits: u64, places: usize) -> Option<f64> {
    if digits == 0 {
        return Some(0.0);
    }
    let (reciprocal, shift) = RECIPROCALS.get(places)?;
    let zeros = digits.leading_zeros();
    let product = ((u128::from(digits << zeros) * u128::from(*reciprocal)) >> 64) as u64;
    // A float has 53 bits.
    let excess = 11 - product.leading_zeros();
    let (rest, half) = (product & ((1 << excess) - 1), 1 << (excess - 1));
    if rest == half || rest + 1 == half {
        return None;
    }
    let mantissa = (product >> excess) + u64::from(rest > half);
    let exponent = 1023 + 64 + excess - zeros - shift;
    Some(mantissa as f64 * f64::from_bits(u64::from(exponent) << 52))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// splitmix64.
    fn random(state: &mut u64) -> u64 {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn every_text_is_the_float_that_std_reads() {
        let same = |text: &str| {
            let (ours, theirs) = (float(text).map(f64::to_bits), text.parse().ok().map(f64::to_bits));
            assert_eq!(ours, theirs, "{text}");
        };
        for text in [
            "",
            "-",
            ".",
            "-.",
            "0",
            "-0",
            "0.0",
            "-0.0",
            "00.50",
            ".5",
            "5.",
            "-5.",
            "+1",
            "+1.5",
            "1e5",
            "1.5e-3",
            "inf",
            "nan",
            "1.2.3",
            "1 ",
            " 1",
            "1,234",
            "12abc",
            "0x10",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.0",
            "9.007199254740993",
            "0.1",
            "0.30000000000000004",
            "1797693134862315708",
            "99999999999999999999",
            "0.000000000000000001",
            "1234567:",
            "1234567/",
            "12345678.1234567/",
            "１",
            "-.5",
            "--1",
        ] {
            same(text);
        }
        let mut state = 7;
        let mut short = 0;
        for _ in 0..200_000 {
            let digits = random(&mut state) >> (random(&mut state) % 64);
            let mut text = digits.to_string();
            if random(&mut state) & 3 > 0 {
                text.insert(random(&mut state) as usize % (text.len() + 1), '.');
            }
            if random(&mut state) & 3 == 0 {
                text.insert(0, '-');
            }
            if text.len() < 20 {
                assert_eq!(short_whole(text.as_bytes()), text.parse().ok(), "{text}");
            }
            short += usize::from(short_decimal(text.as_bytes()).is_some());
            same(&text);
            same(&(f64::from_bits(random(&mut state)).to_string()));
            same(&((random(&mut state) >> 11) as f64 / (1_u64 << 53) as f64 * 1e4).to_string());
        }
        assert!(short > 150_000, "{short}");
    }
}
