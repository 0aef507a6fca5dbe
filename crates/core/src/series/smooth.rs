//! Exponential smoothing with bias correction, as TensorBoard draws it.

/// Smooths one segment of values; see [`smooth_into`].
pub fn smooth(values: &[f64], weight: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    smooth_into(values, weight, &mut out);
    out
}

/// Appends the smoothed `values` to `out`, one for each.
///
/// - `s_i = w·s_(i-1) + (1-w)·v_i`, shown as `s_i / (1 - w^i)`, where `i` counts the finite values so far. Without
///   the division the start is pulled towards zero (Kingma and Ba 2015, section 3; TensorBoard's `resmoothDataset`).
/// - A value that is not finite is passed on as it is and changes nothing for those after it.
/// - `weight` is taken into 0..=0.9999; NaN counts as 0. Weight 0 gives the values back exactly.
/// - Call it once for each segment: a restart must not inherit the average of what it repeats.
pub fn smooth_into(values: &[f64], weight: f64, out: &mut Vec<f64>) {
    let weight = if weight.is_nan() { 0.0 } else { weight.clamp(0.0, 0.9999) };
    if weight == 0.0 {
        out.extend_from_slice(values);
        return;
    }
    let mut average = 0.0;
    let mut bias = 1.0;
    out.extend(values.iter().map(|&value| {
        if !value.is_finite() {
            return value;
        }
        average = average * weight + (1.0 - weight) * value;
        bias *= weight;
        average / (1.0 - bias)
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn follows_the_formula() {
        let got = smooth(&[1.0, 3.0, f64::NAN, 5.0], 0.5);
        assert_eq!(got[0], 1.0, "the first value is shown as it is");
        assert!((got[1] - (0.25 + 1.5) / 0.75).abs() < 1e-12);
        assert!(got[2].is_nan());
        assert!((got[3] - (0.125 + 0.75 + 2.5) / 0.875).abs() < 1e-12, "the gap changes nothing after it");
        assert_eq!(smooth(&[f64::INFINITY, 2.0], 0.9), [f64::INFINITY, 2.0]);
    }

    proptest! {
        #[test]
        fn stays_within_the_values_and_keeps_constants(
            values in prop::collection::vec(-1e6..1e6f64, 1..200), weight in 0.0..1.0f64, c in -1e3..1e3f64,
        ) {
            let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            for v in smooth(&values, weight) {
                prop_assert!(v >= low - 1e-3 && v <= high + 1e-3);
            }
            for v in smooth(&vec![c; 50], weight) {
                prop_assert!((v - c).abs() <= 1e-6 * (1.0 + c.abs()));
            }
        }
    }
}
