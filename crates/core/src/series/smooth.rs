//! Smoothing: exponential with bias correction, as TensorBoard draws it; the mean of the points around; a bell curve.
//!
//! A value that is not finite is passed on as it is and counts for no other. Where a run is begun anew, smoothing begins anew.

use std::ops::Range;

/// How a line is smoothed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Smoothing {
    /// Not at all.
    #[default]
    None,
    /// See [`smooth_into`]. The weight of what came before, 0 to below 1.
    Exponential(f64),
    /// The mean of so many points, as many before as after, or one more before: pandas'
    /// `rolling(n, min_periods=1, center=True).mean()`.
    Mean(usize),
    /// The mean weighted by a bell curve of this standard deviation in points, up to four of which are counted on each side;
    /// beyond the ends the line is mirrored: `scipy.ndimage.gaussian_filter1d` with its default mode `reflect`. Next to values
    /// that are not finite the others' weights make up for theirs.
    Gaussian(f64),
}

impl Smoothing {
    /// How many points before and after one count.
    #[must_use]
    pub fn reach(self) -> usize {
        match self {
            Self::None | Self::Exponential(_) => 0,
            Self::Mean(points) => points / 2,
            Self::Gaussian(sigma) => radius(sigma),
        }
    }
}

/// As scipy has it.
fn radius(sigma: f64) -> usize {
    (4.0 * sigma + 0.5) as usize
}

/// The state of an exponential smoothing between two points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    average: f64,
    bias: f64,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { average: 0.0, bias: 1.0 }
    }
}

impl Exponential {
    /// Takes the next value and answers the smoothed one; `weight` from 0 to below 1.
    pub fn next(&mut self, value: f64, weight: f64) -> f64 {
        if !value.is_finite() || weight == 0.0 {
            return value;
        }
        self.average = self.average * weight + (1.0 - weight) * value;
        self.bias *= weight;
        self.average / (1.0 - self.bias)
    }
}

/// Smooths those of `values` that are `own`, by the means of [`Smoothing::Mean`] or [`Smoothing::Gaussian`]. `values` are a
/// segment, or so much around `own` that its ends lie [`Smoothing::reach`] away.
pub fn smooth_around(values: &[f64], own: Range<usize>, smoothing: Smoothing, out: &mut Vec<f64>) {
    let own = own.start.min(values.len())..own.end.min(values.len());
    match smoothing {
        Smoothing::None | Smoothing::Exponential(_) => out.extend_from_slice(&values[own]),
        Smoothing::Mean(points) => running_mean(values, own, points.max(1), out),
        Smoothing::Gaussian(sigma) => bell(values, own, sigma, out),
    }
}

fn running_mean(values: &[f64], own: Range<usize>, points: usize, out: &mut Vec<f64>) {
    let (before, after) = (points / 2, (points - 1) / 2);
    // Neumaier's compensated sum (1974), so that a spike that has passed leaves nothing behind.
    let add = |value: f64, sign: f64, (sum, error, count): &mut (f64, f64, f64)| {
        if value.is_finite() {
            let (term, total) = (sign * value, *sum + sign * value);
            *error += if sum.abs() >= term.abs() { (*sum - total) + term } else { (term - total) + *sum };
            *sum = total;
            *count += sign;
        }
    };
    let mut state = (0.0, 0.0, 0.0);
    let start = own.start.saturating_sub(before);
    let mut window = start..start;
    for at in own {
        let wanted = at.saturating_sub(before)..(at + after + 1).min(values.len());
        while window.end < wanted.end {
            add(values[window.end], 1.0, &mut state);
            window.end += 1;
        }
        while window.start < wanted.start {
            add(values[window.start], -1.0, &mut state);
            window.start += 1;
        }
        let value = values[at];
        out.push(if value.is_finite() { (state.0 + state.1) / state.2 } else { value });
    }
}

fn bell(values: &[f64], own: Range<usize>, sigma: f64, out: &mut Vec<f64>) {
    let radius = radius(sigma);
    let half: Vec<f64> = (0..=radius).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let whole = half[0] + 2.0 * half[1..].iter().sum::<f64>();
    let kernel: Vec<f64> = half[1..].iter().rev().chain(&half).map(|weight| weight / whole).collect();
    let n = values.len();
    // Mirrored at both ends: d c b a | a b c d | d c b a. So much is added that no place is below zero.
    let turns = radius.div_ceil(2 * n.max(1)) * 2 * n;
    let mirrored = |at: usize| {
        let place = (at + turns - radius) % (2 * n);
        values[if place < n { place } else { 2 * n - 1 - place }]
    };
    for at in own {
        let value = values[at];
        if !value.is_finite() {
            out.push(value);
            continue;
        }
        let around = at.checked_sub(radius).and_then(|from| values.get(from..=at + radius));
        let sum: f64 = match around {
            Some(around) => around.iter().zip(&kernel).map(|(value, weight)| value * weight).sum(),
            None => (at..).zip(&kernel).map(|(i, weight)| mirrored(i) * weight).sum(),
        };
        if sum.is_finite() {
            out.push(sum);
            continue;
        }
        let near = (at..).zip(&kernel).map(|(i, weight)| (mirrored(i), weight));
        let (sum, weight) = near
            .filter(|(value, _)| value.is_finite())
            .fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + value * weight, all + weight));
        out.push(sum / weight);
    }
}

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
    let mut state = Exponential::default();
    out.extend(values.iter().map(|&value| state.next(value, weight)));
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
