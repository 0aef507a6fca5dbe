//! Several lines as one: what stands for their values at a place, and how far they reach around it.

use crate::chart::plots::{Centre, Spread};
use crate::stats::{deviation, mean, median, quantile, standard_error};

/// A point of several lines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joint {
    /// What stands for the values.
    pub centre: f64,
    /// Where the band around it begins; NaN where there is none: of a single value no deviation is known.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
    /// Of how many lines.
    pub lines: usize,
}

/// What values have in common. Those that are not finite are left out; without any other there is no point.
#[must_use]
pub fn joint(values: &mut Vec<f64>, centre: Centre, spread: Spread) -> Option<Joint> {
    values.retain(|value| value.is_finite());
    values.sort_unstable_by(f64::total_cmp);
    let middle = match centre {
        Centre::Mean => mean(values)?,
        Centre::Median => median(values)?,
    };
    let around = |reach: Option<f64>| reach.map(|reach| (middle - reach, middle + reach));
    let band = match spread {
        Spread::None => None,
        Spread::Deviation => around(deviation(values)),
        Spread::Error => around(standard_error(values)),
        Spread::Quantile => quantile(values, 0.25).zip(quantile(values, 0.75)),
        Spread::Range => values.first().copied().zip(values.last().copied()),
    };
    let (low, high) = band.unwrap_or((f64::NAN, f64::NAN));
    Some(Joint { centre: middle, low, high, lines: values.len() })
}

/// Lines as one, joined where they have points of the same `x`: there, each that has one counts with its last (as pandas'
/// `groupby(step)` of the lines' last values). Each line's `x` do not go back.
#[must_use]
pub fn join(lines: &[(Vec<f64>, Vec<f64>)], centre: Centre, spread: Spread) -> Vec<(f64, Joint)> {
    let mut next = vec![0; lines.len()];
    let longest = lines.iter().map(|line| line.0.len()).max().unwrap_or(0);
    let (mut all, mut values) = (Vec::with_capacity(longest), Vec::with_capacity(lines.len()));
    loop {
        let heads = lines.iter().zip(&next).filter_map(|(line, &at)| line.0.get(at).copied());
        let Some(x) = heads.reduce(f64::min) else { return all };
        values.clear();
        for ((xs, ys), at) in lines.iter().zip(&mut next) {
            let mut last = None;
            while xs.get(*at).is_some_and(|own| *own <= x) {
                last = ys.get(*at);
                *at += 1;
            }
            values.extend(last);
        }
        if let Some(joint) = joint(&mut values, centre, spread) {
            all.push((x, joint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_where_they_have_the_same_steps() {
        let lines = [
            (vec![1.0, 2.0, 2.0, 4.0], vec![1.0, 9.0, 2.0, 4.0]),
            (vec![1.0, 2.0, 3.0], vec![3.0, 4.0, f64::NAN]),
            (vec![], vec![]),
        ];
        let got = join(&lines, Centre::Mean, Spread::Deviation);
        let plain: Vec<_> = got.iter().map(|(x, it)| (*x, it.centre, it.lines)).collect();
        assert_eq!(
            plain,
            [(1.0, 2.0, 2), (2.0, 3.0, 2), (4.0, 4.0, 1)],
            "the last of step 2; NaN is no point"
        );
        assert!((got[0].1.low - (2.0 - 2f64.sqrt())).abs() < 1e-12);
        assert!(got[2].1.low.is_nan(), "one value has no deviation");
        let got = join(&lines, Centre::Median, Spread::Range);
        assert_eq!((got[0].1.low, got[0].1.high), (1.0, 3.0));
    }
}
