//! Confidence intervals of differences between means.

use statrs::distribution::{Continuous, ContinuousCDF, StudentsT};

use super::{deviation, mean};

/// A difference between means, and between which bounds it lies with some confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The difference that was seen.
    pub difference: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
    /// Degrees of freedom; a fraction where they are estimated.
    pub freedom: f64,
}

/// The value below which a part `p` (between 0 and 1) of Student’s t distribution lies. As `scipy.stats.t.ppf`.
/// None outside of that, or without any freedom.
#[must_use]
pub fn student_quantile(p: f64, freedom: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0 && freedom > 0.0 && freedom.is_finite()) {
        return None;
    }
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    // The lower half is the mirror image of the upper one.
    let above = p.min(1.0 - p);
    let mut upper = student.inverse_cdf(1.0 - above);
    // The inverse stops a little early; two of Newton’s steps make it exact.
    for _ in 0..2 {
        let step = (student.sf(upper) - above) / student.pdf(upper);
        if step.is_finite() {
            upper += step;
        }
    }
    Some(if p < 0.5 { -upper } else { upper })
}

/// The mean of `a` less that of `b`, by Welch’s t with the degrees of freedom of Satterthwaite, so that the two may vary
/// differently. As `scipy.stats.ttest_ind(a, b, equal_var=False).confidence_interval`.
/// B. L. Welch, “The generalization of ‘Student’s’ problem when several different population variances are involved”,
/// Biometrika 34 (1947); F. E. Satterthwaite, “An approximate distribution of estimates of variance components”,
/// Biometrics Bulletin 2 (1946).
///
/// None of fewer than two values on a side, of values that do not vary on either, and of ones that are not finite.
#[must_use]
pub fn welch(a: &[f64], b: &[f64], confidence: f64) -> Option<Interval> {
    let difference = mean(a)? - mean(b)?;
    let (n, m) = (a.len() as f64, b.len() as f64);
    let (of_a, of_b) = (deviation(a)? / n.sqrt(), deviation(b)? / m.sqrt());
    let error = of_a.hypot(of_b);
    if stands_still(error, a.iter().chain(b)) {
        return None;
    }
    // In parts of the whole, so that no square is too large or too small for a number.
    let (x, y) = ((of_a / error).powi(2), (of_b / error).powi(2));
    let freedom = (x + y).powi(2) / (x * x / (n - 1.0) + y * y / (m - 1.0));
    around(difference, error, freedom, confidence)
}

/// The mean of the differences of pairs, first less second, by Student’s t. As
/// `scipy.stats.ttest_rel(a, b).confidence_interval`.
///
/// None of fewer than two pairs, of differences that do not vary, and of values that are not finite.
#[must_use]
pub fn paired(pairs: &[(f64, f64)], confidence: f64) -> Option<Interval> {
    let differences: Vec<f64> = pairs.iter().map(|(a, b)| a - b).collect();
    let error = deviation(&differences)? / (differences.len() as f64).sqrt();
    if stands_still(error, pairs.iter().flat_map(|(a, b)| [a, b])) {
        return None;
    }
    around(mean(&differences)?, error, differences.len() as f64 - 1.0, confidence)
}

/// Whether what varies is no more than the rounding of such values: 0.3 − 0.1 and 0.4 − 0.2 are one difference.
fn stands_still<'a>(error: f64, values: impl Iterator<Item = &'a f64>) -> bool {
    let largest = values.fold(0.0_f64, |largest, value| largest.max(value.abs()));
    error <= largest * 1e-14
}

fn around(difference: f64, error: f64, freedom: f64, confidence: f64) -> Option<Interval> {
    let reach = student_quantile(0.5 + confidence / 2.0, freedom)? * error;
    let interval = Interval { difference, low: difference - reach, high: difference + reach, freedom };
    (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What scipy says; see `tests/fixtures/pandas/intervals.py`.
    const SCIPY: &str = include_str!("../../../../tests/fixtures/pandas/intervals.json");

    #[derive(serde::Deserialize)]
    struct Said {
        quantiles: Vec<(f64, f64, f64)>,
        welch: Vec<Case>,
        paired: Vec<Case>,
    }

    #[derive(serde::Deserialize)]
    struct Case {
        a: Vec<f64>,
        b: Vec<f64>,
        confidence: f64,
        difference: f64,
        low: f64,
        high: f64,
        freedom: f64,
    }

    fn said() -> Said {
        serde_json::from_str(SCIPY).expect("the fixture")
    }

    fn near(value: f64, expected: f64, scale: f64, what: &str) {
        assert!(
            (value - expected).abs() <= 1e-9 * scale.max(expected.abs()),
            "{what}: {value}, not {expected}"
        );
    }

    #[test]
    fn quantiles_are_those_of_scipy() {
        for (p, freedom, expected) in said().quantiles {
            let value = student_quantile(p, freedom).expect("a quantile");
            near(value, expected, 1e-12, &format!("p {p}, freedom {freedom}"));
        }
        for (p, freedom) in [(0.0, 1.0), (1.0, 1.0), (0.5, 0.0), (0.5, f64::NAN), (f64::NAN, 3.0)] {
            assert_eq!(student_quantile(p, freedom), None);
        }
    }

    fn agrees(interval: Option<Interval>, case: &Case) {
        let found = interval.expect("an interval");
        let reach = case.high - case.low;
        near(found.difference, case.difference, reach, "difference");
        near(found.low, case.low, reach, "low");
        near(found.high, case.high, reach, "high");
        near(found.freedom, case.freedom, 1.0, "freedom");
    }

    #[test]
    fn intervals_are_those_of_scipy() {
        for case in said().welch {
            agrees(welch(&case.a, &case.b, case.confidence), &case);
        }
        for case in said().paired {
            let pairs: Vec<(f64, f64)> = case.a.iter().copied().zip(case.b.iter().copied()).collect();
            agrees(paired(&pairs, case.confidence), &case);
        }
    }

    #[test]
    fn of_too_little_there_is_no_interval() {
        assert_eq!(welch(&[1.0], &[1.0, 2.0], 0.95), None);
        assert_eq!(welch(&[1.0, 1.0], &[2.0, 2.0], 0.95), None);
        assert_eq!(welch(&[1.0, f64::NAN], &[2.0, 3.0], 0.95), None);
        assert_eq!(welch(&[], &[], 0.95), None);
        assert_eq!(paired(&[(1.0, 2.0)], 0.95), None);
        assert_eq!(paired(&[(1.0, 2.0), (2.0, 3.0)], 0.95), None);
        assert_eq!(
            paired(&[(0.3, 0.1), (0.4, 0.2), (0.7, 0.5)], 0.95),
            None,
            "they differ by rounding alone"
        );
        assert!(welch(&[1.0, 1.0], &[2.0, 3.0], 0.95).is_some(), "one side may stand still");
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-1e3..1e3_f64, 2..8)
    }

    proptest! {
        #[test]
        fn swapping_the_sides_flips_the_sign(a in values(), b in values()) {
            let (there, back) = (welch(&a, &b, 0.95), welch(&b, &a, 0.95));
            prop_assert_eq!(there.map(|it| (-it.difference, -it.high, -it.low)), back.map(|it| (it.difference, it.low, it.high)));
        }

        #[test]
        fn the_difference_lies_inside_and_more_confidence_is_wider(a in values(), b in values()) {
            let Some(narrow) = welch(&a, &b, 0.8) else { return Ok(()) };
            let wide = welch(&a, &b, 0.99).expect("another interval of the same");
            prop_assert!(narrow.low <= narrow.difference && narrow.difference <= narrow.high);
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
            let (n, m) = (a.len() as f64, b.len() as f64);
            prop_assert!(narrow.freedom >= n.min(m) - 1.0 - 1e-9 && narrow.freedom <= n + m - 2.0 + 1e-9);
        }

        #[test]
        fn moving_both_sides_moves_nothing(a in values(), b in values(), by in -100.0..100.0_f64) {
            let Some(before) = welch(&a, &b, 0.95) else { return Ok(()) };
            let moved = |all: &[f64]| all.iter().map(|it| it + by).collect::<Vec<_>>();
            let after = welch(&moved(&a), &moved(&b), 0.95).expect("an interval");
            let reach = (before.high - before.low).max(1e-3);
            prop_assert!((before.low - after.low).abs() < 1e-6 * reach, "{before:?} {after:?}");
        }

        #[test]
        fn quantiles_rise_and_are_symmetric(p in 0.01..0.49_f64, freedom in 1.0..100.0_f64) {
            let low = student_quantile(p, freedom).expect("a quantile");
            prop_assert_eq!(student_quantile(1.0 - p, freedom).map(|high| (high + low).abs() < 1e-9 * high.max(1.0)), Some(true));
            prop_assert!(low < student_quantile(p + 0.005, freedom).expect("a quantile"));
        }
    }
}
