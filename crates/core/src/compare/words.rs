//! Values and differences as people write them.

use super::Value;

/// A setting as people write it: 3e-4 stays what it is.
#[must_use]
pub fn value_words(value: &Value) -> String {
    match value {
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) => number_words(*number),
        Value::Text(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}

/// A number with six significant digits at most.
pub(super) fn number_words(number: f64) -> String {
    let size = number.abs();
    if !number.is_finite() || number == 0.0 || (number.fract() == 0.0 && size < 1e7) {
        return if number == 0.0 { "0".into() } else { number.to_string() };
    }
    // Rounded to six digits by way of its text, which then is as short as it can be.
    let rounded: f64 = format!("{number:.5e}").parse().unwrap_or(number);
    if (1e-3..1e7).contains(&size) { rounded.to_string() } else { format!("{rounded:e}") }
}

/// Decimals with which a difference is written, so that two digits of `size` are seen.
pub(super) fn decimals(size: f64) -> usize {
    if size == 0.0 || !size.is_finite() {
        return 0;
    }
    let digits = 1.0 - size.abs().log10().floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 0 to 9")]
    let digits = digits.clamp(0.0, 9.0) as usize;
    digits
}

/// A number with so many decimals, and a minus as it is set; very small and very large ones with an exponent.
pub(super) fn fixed(number: f64, decimals: usize) -> String {
    let size = number.abs();
    let text = if size != 0.0 && (size >= 1e9 || (decimals >= 9 && size < 1e-6)) {
        format!("{number:.2e}")
    } else {
        format!("{number:.decimals$}")
    };
    let is_zero = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
    match text.strip_prefix('-') {
        Some(rest) if is_zero => rest.to_owned(),
        Some(rest) => format!("−{rest}"),
        None => text,
    }
}

/// Percent with a digit after the point where it is less than ten.
pub(super) fn percent(percent: f64) -> String {
    let decimals = if percent.abs() < 0.1 { 2 } else { usize::from(percent.abs() < 10.0) };
    format!("{} %", fixed(percent, decimals))
}

/// “1 run”, “2 runs”.
pub(super) fn plural(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        for (number, words) in [
            (0.1, "0.1"),
            (3e-4, "3e-4"),
            (1e-7, "1e-7"),
            (256.0, "256"),
            (0.123_456_789, "0.123457"),
            (1.5e9, "1.5e9"),
            (f64::NAN, "NaN"),
            (-0.0, "0"),
            (-2.0, "-2"),
        ] {
            assert_eq!(number_words(number), words);
        }
        for (number, size, words) in [
            (0.012, 0.008, "0.0120"),
            (-0.012, 0.012, "−0.012"),
            (-0.000_001, 0.5, "0.00"),
            (1234.5, 90.0, "1234"),
            (3e-12, 3e-12, "3.00e-12"),
            (0.0, 0.0, "0"),
        ] {
            assert_eq!(fixed(number, decimals(size)), words);
        }
        assert_eq!([percent(1.34), percent(-34.4), percent(0.034)], ["1.3 %", "−34 %", "0.03 %"]);
        assert_eq!([plural(1, "run"), plural(2, "run")], ["1 run", "2 runs"]);
    }
}
