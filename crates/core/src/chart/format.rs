//! Numbers as tick labels and in tooltips.

/// A number in short: `0.01`, `1e-4`, `20k`, `1.5M`, with at most `digits` significant digits (1 to 17).
///
/// Below a thousandth and from 10^15 on it is scientific, from ten thousand on it has a suffix (k, M, G, T).
/// NaN and infinities are `NaN`, `inf` and `-inf`.
pub fn short(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    // Four digits before the point are kept in any case: 1234 is no longer than 1230.
    let least = if (1000.0..9999.5).contains(&value.abs()) { 4 } else { 1 };
    let digits = digits.clamp(least, 17);
    // Rounding first: 999999 with 3 digits is 1M and not 1000k.
    let scientific = format!("{:.*e}", digits - 1, value);
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-3..15).contains(&exponent) {
        return format!("{}e{exponent}", trim(mantissa));
    }
    let (unit, suffix) = if exponent >= 4 { suffix_for(exponent) } else { (0, "") };
    let decimals = (digits - 1).saturating_add_signed((unit - exponent) as isize);
    let rounded: f64 = scientific.parse().unwrap_or(value);
    let text = format!("{:.*}", decimals, rounded / 10f64.powi(unit));
    format!("{}{suffix}", trim(&text))
}

fn suffix_for(exponent: i32) -> (i32, &'static str) {
    match exponent {
        12.. => (12, "T"),
        9.. => (9, "G"),
        6.. => (6, "M"),
        _ => (3, "k"),
    }
}

/// Without zeros at the end of a fraction.
fn trim(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The labels of evenly spaced ticks whose lowest digit stands at `10^lowest`: all with the same number of decimals,
/// so that they stand under each other, and as many as tell them apart.
pub(super) fn tick_labels(ticks: &[f64], lowest: i32) -> Vec<String> {
    let largest = ticks.iter().fold(0.0f64, |largest, tick| largest.max(tick.abs()));
    // A little more, because the logarithm of 1000 may come out just below 3.
    let top = if largest > 0.0 { (largest.log10() + 1e-9).floor() as i32 } else { 0 };
    let decimals = |unit: i32| (unit - lowest).clamp(0, 17) as usize;
    if !(-3..15).contains(&top) {
        let scientific = |&tick: &f64| {
            if tick == 0.0 {
                return "0".to_owned();
            }
            let own = (tick.abs().log10() + 1e-9).floor() as i32;
            let text = format!("{:.*e}", decimals(own), tick);
            let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{}e{exponent}", trim(mantissa))
        };
        return ticks.iter().map(scientific).collect();
    }
    if top >= 4 {
        let (unit, suffix) = suffix_for(top);
        if unit - lowest <= 2 {
            let suffixed = |&tick: &f64| {
                let text = format!("{:.*}", decimals(unit), tick / 10f64.powi(unit));
                if tick == 0.0 { "0".to_owned() } else { format!("{}{suffix}", trim(&text)) }
            };
            return ticks.iter().map(suffixed).collect();
        }
    }
    // Adding zero turns -0 into 0.
    ticks.iter().map(|tick| format!("{:.*}", decimals(0), tick + 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.01, "0.01"),
            (1e-4, "1e-4"),
            (0.000_123_45, "1.23e-4"),
            (0.8231, "0.823"),
            (42.0, "42"),
            (1234.0, "1234"),
            (20_000.0, "20k"),
            (999_999.0, "1M"),
            (1_500_000.0, "1.5M"),
            (-2.5e9, "-2.5G"),
            (3e14, "300T"),
            (3e15, "3e15"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::MAX, "1.8e308"),
        ] {
            assert_eq!(short(value, 3), expected);
        }
    }

    #[test]
    fn labels_of_one_axis_agree() {
        for (ticks, lowest, expected) in [
            (vec![0.0, 0.5, 1.0], -1, "0.0 0.5 1.0"),
            (vec![0.0, 20e3, 40e3], 4, "0 20k 40k"),
            (vec![0.5e6, 1e6, 1.5e6], 5, "0.5M 1M 1.5M"),
            (vec![0.0, 5e-5, 1e-4, 1.5e-4], -5, "0 5e-5 1e-4 1.5e-4"),
            (vec![1_000_002.0, 1_000_004.0], 0, "1000002 1000004"),
            (vec![-1.0, 0.0, 1.0], 0, "-1 0 1"),
            (vec![1000.0, 2000.0], 3, "1000 2000"),
        ] {
            assert_eq!(tick_labels(&ticks, lowest).join(" "), expected);
        }
    }

    proptest! {
        #[test]
        fn any_number_has_a_short_form(value in any::<f64>(), digits in 0usize..30) {
            prop_assert!(!short(value, digits).is_empty());
            prop_assert!(short(value, 4).len() <= 12, "{}", short(value, 4));
        }
    }
}
