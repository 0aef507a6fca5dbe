//! How values map to places on an axis.

/// How an axis maps values to positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal differences, equal distances.
    #[default]
    Linear,
    /// Equal ratios, equal distances; only positive values have a place.
    Log,
    /// Linear around zero, logarithmic beyond on both sides (matplotlib's `symlog` with base 10 and `linscale` 1).
    Symlog,
}

/// Decades of a symlog axis that are logarithmic, when its data say how far it reaches.
const DECADES: i32 = 3;

impl Scale {
    /// Whether a finite value has a place.
    #[must_use]
    pub fn places(self, value: f64) -> bool {
        self != Self::Log || value > 0.0
    }

    /// Up to which size a symlog axis is linear, for data whose greatest size is `most`: the power of ten that leaves
    /// three logarithmic decades, or almost four, on each side. 0 for other scales.
    #[must_use]
    pub fn linear_for(self, most: f64) -> f64 {
        if self != Self::Symlog {
            return 0.0;
        }
        let top = if most.is_finite() && most > 0.0 { most.clamp(1e-290, 1e300) } else { 1.0 };
        // A little more, because the logarithm of 1000 may come out just below 3.
        10f64.powi((top.log10() + 1e-9).floor() as i32 - DECADES)
    }
}

/// What the linear part of a symlog axis, up to its threshold, is long: as much as one decade and a ninth.
const LINEAR_PART: f64 = 10.0 / 9.0;

/// The place of a value on a symlog axis, in decades from zero. `linear` is positive.
#[must_use]
pub fn symlog(value: f64, linear: f64) -> f64 {
    let size = value.abs() / linear;
    let place = if size <= 1.0 { size * LINEAR_PART } else { LINEAR_PART + size.log10() };
    place.copysign(value)
}

/// The value at a place: the inverse of [`symlog`].
#[must_use]
pub fn unsymlog(place: f64, linear: f64) -> f64 {
    let size = place.abs();
    let value = if size <= LINEAR_PART { size / LINEAR_PART } else { 10f64.powf(size - LINEAR_PART) };
    (value * linear).copysign(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `matplotlib.scale.SymmetricalLogTransform(10, 2, 1).transform`, without its factor of `linthresh`.
    #[test]
    fn symlog_is_that_of_matplotlib() {
        for (value, expected) in [
            (0.0, 0.0),
            (1.0, 0.555_555_555_555_555_6),
            (2.0, 1.111_111_111_111_111_2),
            (20.0, 2.111_111_111_111_111),
            (-200.0, -3.111_111_111_111_111),
        ] {
            assert!((symlog(value, 2.0) - expected).abs() < 1e-12, "{value}");
        }
    }

    #[test]
    fn the_linear_part_leaves_three_decades() {
        for (most, expected) in [(1.0, 1e-3), (950.0, 0.1), (1000.0, 1.0), (0.0, 1e-3), (f64::NAN, 1e-3)] {
            let linear = Scale::Symlog.linear_for(most);
            assert!((linear / expected - 1.0).abs() < 1e-12, "{most}: {linear}");
        }
    }

    proptest! {
        #[test]
        fn symlog_grows_and_has_an_inverse(a in -1e12..1e12f64, b in -1e12..1e12f64, linear in 1e-6..1e6f64) {
            let back = unsymlog(symlog(a, linear), linear);
            prop_assert!((back - a).abs() <= 1e-9 * a.abs() + 1e-12 * linear);
            prop_assert_eq!(a < b, symlog(a, linear) < symlog(b, linear));
        }
    }
}
