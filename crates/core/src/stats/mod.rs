//! Statistics of samples: what is drawn of groups, and what is said of differences.
//!
//! All take finite values; a caller that has others says what it does with them. With a NaN among them the answer is
//! NaN. Numbers are those of numpy, pandas and scipy: `tests/fixtures/pandas` holds what these say.

pub mod interval;

mod forest;
mod front;
mod rank;

pub use forest::{Feature, Importance, permutation_importance};
pub use front::front;
pub use rank::{ranks, spearman};

/// The arithmetic mean, or `None` of nothing. As `numpy.mean`, with the rounding errors of the sum made good (Neumaier
/// 1974), so that the order of the values does not show.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let count = values.len() as f64;
    let sum = sum(values.iter().copied());
    // What is too large to be summed up is made smaller first.
    let mean =
        if sum.is_finite() { sum / count } else { self::sum(values.iter().map(|value| value / count)) };
    // By rounding it may lie just outside its values; that of equal ones is what they are.
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    Some(if low <= mean && mean <= high || mean.is_nan() { mean } else { mean.max(low).min(high) })
}

/// The standard deviation of a sample (divisor n − 1), or `None` of fewer than two values. As `numpy.std(ddof=1)` and
/// pandas' `std`.
#[must_use]
pub fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let mean = mean(values)?;
    let largest = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    if mean.is_nan() || largest == 0.0 {
        return Some(if mean.is_nan() { f64::NAN } else { 0.0 });
    }
    // In parts of the largest difference, whose square may be too large or too small for a number.
    let off = || values.iter().map(|value| (value - mean) / largest);
    let count = values.len() as f64;
    // The mean is rounded, too: what that adds is taken out again (Chan, Golub, LeVeque 1983).
    let squares = sum(off().map(|off| off * off)) - sum(off()).powi(2) / count;
    Some(largest * (squares.max(0.0) / (count - 1.0)).sqrt())
}

/// The standard error of the mean, or `None` of fewer than two values. As `scipy.stats.sem` and pandas' `sem`.
#[must_use]
pub fn standard_error(values: &[f64]) -> Option<f64> {
    Some(deviation(values)? / (values.len() as f64).sqrt())
}

/// The value below which the part `q` (0 to 1) of values lies that are in ascending order, or `None` of nothing.
/// Between two of them it is on the straight line: `numpy.quantile` with its default method `linear`, method 7 of
/// Hyndman and Fan, “Sample quantiles in statistical packages”, The American Statistician 50 (1996).
#[must_use]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    if sorted[last].is_nan() || q.is_nan() {
        return Some(f64::NAN);
    }
    let at = q.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = at - below as f64;
    // Not `low + part * (high - low)`: the difference may be too large for a number.
    Some(if low == high { low } else { low * (1.0 - part) + high * part })
}

/// The middle of values in ascending order, or `None` of nothing: their 0.5 quantile.
#[must_use]
pub fn median(sorted: &[f64]) -> Option<f64> {
    quantile(sorted, 0.5)
}

/// The values in ascending order, NaN last: what [`quantile`] takes.
#[must_use]
pub fn sorted(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(|a, b| a.is_nan().cmp(&b.is_nan()).then(a.total_cmp(b)));
    values
}

/// The sum, with its rounding errors made good.
fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0f64, 0.0);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    if sum.is_finite() { sum + lost } else { sum }
}

#[cfg(test)]
mod samples_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_samples_have_the_numbers_that_numpy_gives() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), Some(5.0));
        assert!((deviation(&values).unwrap() - 2.138_089_935_299_395).abs() < 1e-14);
        assert!((standard_error(&values).unwrap() - 0.755_928_946_018_454_5).abs() < 1e-14);
        assert_eq!(
            [0.0, 0.25, 0.5, 0.9, 1.0].map(|q| quantile(&values, q).unwrap()),
            [2.0, 4.0, 4.5, 7.6, 9.0]
        );
    }

    #[test]
    fn what_is_missing_or_extreme_is_not_made_up() {
        assert_eq!(
            (mean(&[]), deviation(&[1.0]), standard_error(&[1.0]), quantile(&[], 0.5)),
            (None, None, None, None)
        );
        assert_eq!((deviation(&[3.0, 3.0]), median(&[3.0])), (Some(0.0), Some(3.0)));
        assert_eq!(mean(&[1e308, 1e308]), Some(1e308));
        let tiny = deviation(&[1e-200, -1e-200]).unwrap() / 1e-200;
        assert!((tiny - std::f64::consts::SQRT_2).abs() < 1e-15, "{tiny}");
        assert_eq!(median(&[-1.5e308, 1.5e308]), Some(0.0));
        assert!(mean(&[1.0, f64::NAN]).unwrap().is_nan() && deviation(&[1.0, f64::NAN]).unwrap().is_nan());
        let with_nan = sorted(vec![f64::NAN, 2.0, -f64::NAN, 1.0]);
        assert!(with_nan[..2] == [1.0, 2.0] && median(&with_nan).unwrap().is_nan());
    }

    proptest! {
        #[test]
        fn the_order_of_values_does_not_matter(values in prop::collection::vec(-1e6..1e6f64, 2..50)) {
            let backwards: Vec<f64> = values.iter().rev().copied().collect();
            let (a, b) = (mean(&values).unwrap(), mean(&backwards).unwrap());
            prop_assert!((a - b).abs() <= 1e-9 * a.abs().max(1e-6));
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            prop_assert!((low..=high).contains(&a));
            prop_assert!(deviation(&values).unwrap() <= (high - low) * (values.len() as f64).sqrt());
            let sorted = sorted(values);
            let mut last = low;
            for step in 0..=20 {
                let at = quantile(&sorted, f64::from(step) / 20.0).unwrap();
                prop_assert!(at >= last && at <= high);
                last = at;
            }
        }
    }
}
