//! Ranges, ticks and the mapping that plotters draws with.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use super::Axis;
use super::format::{short, tick_labels};
use crate::series::{Scale, symlog, unsymlog};

/// The widest range an axis takes: the difference of its ends must stay finite.
const WIDEST: f64 = 8e307;
/// Ends closer than this part of their size are the same number to a reader.
const SAME: f64 = 1e-12;

/// One axis: its range, its ticks with labels, and where a value lies.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AxisMap {
    pub min: f64,
    pub max: f64,
    pub scale: Scale,
    /// Up to where a symlog axis is linear; 0 of others.
    pub linear: f64,
    /// Where the ends of an axis that is not linear are, on its scale.
    ends: (f64, f64),
    pub ticks: Vec<f64>,
    pub labels: Vec<String>,
}

impl AxisMap {
    /// An axis without ticks. The range must be finite, increasing and, for a log scale, positive.
    pub fn new((min, max): (f64, f64), scale: Scale) -> Self {
        let linear = scale.linear_for(min.abs().max(max.abs()));
        let ends = placed((min, max), scale, linear);
        Self { min, max, scale, linear, ends, ticks: Vec::new(), labels: Vec::new() }
    }

    /// With another linear part, if it is a symlog axis.
    pub fn linear_to(mut self, linear: f64) -> Self {
        if self.scale == Scale::Symlog && linear > 0.0 && linear.is_finite() {
            self.linear = linear;
            self.ends = placed((self.min, self.max), self.scale, linear);
        }
        self
    }

    /// As it is told to whoever asked for the picture.
    pub fn told(&self) -> Axis {
        Axis { min: self.min, max: self.max, kind: self.scale, linear: self.linear }
    }

    /// Where `value` lies, 0 at the lower end and 1 at the upper.
    pub fn unit(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => (value / 2.0 - self.min / 2.0) / (self.max / 2.0 - self.min / 2.0),
            Scale::Log => (value.ln() - self.ends.0) / (self.ends.1 - self.ends.0),
            Scale::Symlog => (symlog(value, self.linear) - self.ends.0) / (self.ends.1 - self.ends.0),
        }
    }

    /// The value at `unit`: the inverse of [`AxisMap::unit`].
    pub fn value(&self, unit: f64) -> f64 {
        match self.scale {
            Scale::Linear => self.min * (1.0 - unit) + self.max * unit,
            Scale::Log => (self.ends.0 * (1.0 - unit) + self.ends.1 * unit).exp(),
            Scale::Symlog => unsymlog(self.ends.0 * (1.0 - unit) + self.ends.1 * unit, self.linear),
        }
    }

    /// Sets the finest ticks of which `fits` approves, given the ticks' places (0 to 1) and labels.
    pub fn choose_ticks(&mut self, whole: bool, fits: impl Fn(&[f64], &[String]) -> bool) {
        for (ticks, labels) in candidates(self, whole) {
            let places: Vec<f64> = ticks.iter().map(|&tick| self.unit(tick)).collect();
            if ticks.len() <= 1 || fits(&places, &labels) {
                (self.ticks, self.labels) = (ticks, labels);
                return;
            }
        }
    }

    /// Lines without labels for an axis that has nothing to say.
    pub fn bare_ticks(&mut self, count: usize) {
        self.ticks = (0..count).map(|i| self.value(i as f64 / (count.max(2) - 1) as f64)).collect();
        self.labels = vec![String::new(); count];
    }
}

fn placed((min, max): (f64, f64), scale: Scale, linear: f64) -> (f64, f64) {
    match scale {
        Scale::Linear => (min, max),
        Scale::Log => (min.ln(), max.ln()),
        Scale::Symlog => (symlog(min, linear), symlog(max, linear)),
    }
}

impl Ranged for AxisMap {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        // What lies outside was clipped before; this only keeps the cast within the canvas.
        let unit = self.unit(*value).clamp(-1.0, 2.0);
        (f64::from(from) + unit * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Plotters asks once for the fine lines and once for those with labels; there are only the latter.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.min..self.max
    }
}

impl ValueFormatter<f64> for AxisMap {
    fn format_ext(&self, value: &f64) -> String {
        let label = self.ticks.iter().position(|tick| tick == value).and_then(|i| self.labels.get(i));
        label.cloned().unwrap_or_default()
    }
}

/// A range that was asked for, if it can be drawn.
pub(super) fn fixed_range((min, max): (f64, f64), scale: Scale) -> Option<(f64, f64)> {
    let (min, max) = (min.clamp(-WIDEST, WIDEST), max.clamp(-WIDEST, WIDEST));
    let distinct = max - min > SAME * min.abs().max(max.abs()) && max - min > 1e-290;
    (distinct && (scale != Scale::Log || min > 1e-300)).then_some((min, max))
}

/// The range around finite (on a log axis positive) values from `min` to `max`, with `margin` (a part of its length)
/// on both sides. Equal values are put in the middle. Values that are never negative get no negative margin.
pub(super) fn auto_range(min: f64, max: f64, scale: Scale, margin: f64) -> (f64, f64) {
    if scale == Scale::Log {
        let (low, high) = (min.clamp(1e-300, 1e300).ln(), max.clamp(1e-300, 1e300).ln());
        let pad = if high - low < 1e-9 { std::f64::consts::LN_2 } else { (high - low) * margin };
        return ((low - pad).exp().max(1e-305), (high + pad).exp().min(1e305));
    }
    let (low, high) = (min.clamp(-WIDEST, WIDEST), max.clamp(-WIDEST, WIDEST));
    let size = low.abs().max(high.abs());
    if scale == Scale::Symlog && high - low > SAME * size && size > 1e-280 {
        let linear = scale.linear_for(size);
        let (from, to) = (symlog(low, linear), symlog(high, linear));
        let pad = (to - from) * margin;
        let below = if low >= 0.0 { (from - pad).max(0.0) } else { from - pad };
        let above = if high <= 0.0 { (to + pad).min(0.0) } else { to + pad };
        return (unsymlog(below, linear).max(-WIDEST), unsymlog(above, linear).min(WIDEST));
    }
    if high - low <= SAME * size || high - low <= 1e-290 {
        let pad = if size < 1e-290 { 1.0 } else { size * 0.1 };
        return ((low - pad).max(-WIDEST), (high + pad).min(WIDEST));
    }
    let pad = (high - low) * margin;
    let below = if low >= 0.0 { (low - pad).max(0.0) } else { low - pad };
    let above = if high <= 0.0 { (high + pad).min(0.0) } else { high + pad };
    (below.max(-WIDEST), above.min(WIDEST))
}

type Ticks = (Vec<f64>, Vec<String>);

/// Possible ticks, from fine to coarse.
fn candidates(axis: &AxisMap, whole: bool) -> Vec<Ticks> {
    let (min, max) = (axis.min, axis.max);
    if axis.scale == Scale::Log {
        let (first, last) = (min.log10() - 1e-9, max.log10() + 1e-9);
        let (first, last) = (first.ceil() as i32, last.floor() as i32);
        let inside = |tick: &f64| *tick >= min * (1.0 - SAME) && *tick <= max * (1.0 + SAME);
        let labelled = |ticks: Vec<f64>| {
            let labels = ticks.iter().map(|&tick| short(tick, 3)).collect();
            (ticks, labels)
        };
        let fine: Vec<f64> = (first - 1..=last)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|m| m * power(decade)))
            .filter(inside)
            .collect();
        if fine.len() >= 2 {
            let decades = [1, 2, 3, 5, 10, 20, 50, 100, 200, 1000].map(|stride| {
                // Multiples of the stride, so that 10^0 is among them.
                labelled(
                    (first..=last).filter(|d| d.rem_euclid(stride) == 0).map(power).filter(inside).collect(),
                )
            });
            let fine = (last - first < 3).then(|| labelled(fine));
            return fine.into_iter().chain(decades).collect();
        }
    }
    if axis.scale == Scale::Symlog {
        let all = symlog_candidates(axis);
        if all.first().is_some_and(|(ticks, _)| ticks.len() >= 3) {
            return all;
        }
    }
    let mut found = Vec::new();
    let start = ((max - min).log10().floor() as i32).saturating_sub(2);
    for exponent in start..=start + 4 {
        for tenths in [10, 20, 25, 50] {
            // 2.5 has one more digit than the others.
            let lowest = if tenths == 25 { exponent - 1 } else { exponent };
            if whole && lowest < 0 {
                continue;
            }
            let step = f64::from(tenths) / 10.0 * power(exponent);
            let (low, high) = ((min / step - 1e-6).ceil(), (max / step + 1e-6).floor());
            if !(low.is_finite() && high.is_finite()) || high - low > 40.0 {
                continue;
            }
            // The difference is at most 40.
            let ticks: Vec<f64> = (0..=(high - low).max(-1.0) as i64)
                .filter(|_| high >= low)
                .map(|i| {
                    let count = (low + i as f64) * f64::from(tenths) / 10.0;
                    // Dividing is exact where multiplying by 0.1 is not.
                    if exponent < 0 { count / power(-exponent) } else { count * power(exponent) }
                })
                .collect();
            let labels = tick_labels(&ticks, lowest);
            found.push((ticks, labels));
        }
    }
    found
}

/// Zero, and powers of ten on both sides of it from the linear part on.
fn symlog_candidates(axis: &AxisMap) -> Vec<Ticks> {
    let inside = |tick: &f64| (-SAME..=1.0 + SAME).contains(&axis.unit(*tick));
    let top = axis.min.abs().max(axis.max.abs()).max(axis.linear).log10() + 1e-9;
    let (first, last) = ((axis.linear.log10() - 1e-9).ceil() as i32, top.floor() as i32);
    [1, 2, 3, 5, 10, 20, 50, 100, 200, 1000]
        .into_iter()
        .map(|stride| {
            // Counted from the greatest, so that the ends of the axis keep theirs.
            let decades = || (first..=last).filter(move |decade| (last - decade) % stride == 0).map(power);
            let below: Vec<f64> = decades().map(|size| -size).collect();
            let ticks: Vec<f64> =
                below.into_iter().rev().chain([0.0]).chain(decades()).filter(inside).collect();
            let labels = ticks.iter().map(|&tick| short(tick, 3)).collect();
            (ticks, labels)
        })
        .collect()
}

fn power(exponent: i32) -> f64 {
    10f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(range: (f64, f64), scale: Scale, whole: bool, most: usize, expected: &str) {
        let mut axis = AxisMap::new(range, scale);
        axis.choose_ticks(whole, |_, labels| labels.len() <= most);
        assert_eq!(axis.labels.join(" "), expected, "{range:?}");
    }

    #[test]
    fn ticks_are_round_numbers() {
        check((0.0, 60_000.0), Scale::Linear, true, 4, "0 20k 40k 60k");
        check((0.23, 2.6), Scale::Linear, false, 5, "0.5 1.0 1.5 2.0 2.5");
        check((0.0, 3e-4), Scale::Linear, false, 4, "0 1e-4 2e-4 3e-4");
        check((0.0, 3.0), Scale::Linear, true, 20, "0 1 2 3");
        check((0.4, 1.6), Scale::Linear, true, 20, "1");
        check((0.2, 0.8), Scale::Linear, true, 20, "");
        check((1e-5, 1.0), Scale::Log, false, 4, "1e-4 0.01 1");
        check((1.0, 90.0), Scale::Log, false, 8, "1 2 5 10 20 50");
        check((1.1, 1.4), Scale::Log, false, 4, "1.1 1.2 1.3 1.4");
        check((-100.0, 1000.0), Scale::Symlog, false, 9, "-100 -10 -1 0 1 10 100 1000");
        check((-100.0, 1000.0), Scale::Symlog, false, 5, "-10 0 10 1000");
        check((0.0, 50.0), Scale::Symlog, false, 9, "0 0.01 0.1 1 10");
        check((40.0, 50.0), Scale::Symlog, false, 4, "40 45 50");
        check((0.998, 1.002), Scale::Linear, false, 5, "0.998 0.999 1.000 1.001 1.002");
    }

    #[test]
    fn equal_values_lie_in_the_middle() {
        assert_eq!(auto_range(0.0, 0.0, Scale::Linear, 0.05), (-1.0, 1.0));
        assert_eq!(auto_range(5.0, 5.0, Scale::Linear, 0.05), (4.5, 5.5));
        assert_eq!(auto_range(0.0, 10.0, Scale::Linear, 0.1), (0.0, 11.0), "no negative margin for counts");
    }

    fn any_scale() -> impl Strategy<Value = Scale> {
        prop::sample::select(vec![Scale::Linear, Scale::Log, Scale::Symlog])
    }

    proptest! {
        #[test]
        fn any_range_has_an_axis(a in any::<f64>(), b in any::<f64>(), scale in any_scale(), whole in any::<bool>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let (low, high) = auto_range(a.min(b), a.max(b), scale, 0.05);
            prop_assert!(low < high && (high - low).is_finite());
            let mut axis = AxisMap::new((low, high), scale);
            axis.choose_ticks(whole, |_, labels| labels.len() <= 6);
            prop_assert!(axis.ticks.len() <= 6);
            for tick in &axis.ticks {
                prop_assert!((-1e-3..=1.001).contains(&axis.unit(*tick)), "{tick} in {low}..{high}");
            }
            let mut labels = axis.labels.clone();
            labels.dedup();
            prop_assert_eq!(labels.len(), axis.labels.len(), "labels tell ticks apart: {:?}", axis.labels);
            if let Some(range) = fixed_range((a, b), scale) {
                prop_assert!(range.0 < range.1);
            }
        }
    }
}
