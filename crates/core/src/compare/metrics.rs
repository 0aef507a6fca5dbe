//! A metric of several runs.

use crate::goal::Goal;

/// A value and the step that it was reached at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The value, which may be NaN or infinite.
    pub value: f64,
    /// The step, where it is known.
    pub step: Option<f64>,
}

/// A metric’s value in a run, beside the baseline’s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Beside {
    /// The value and its step.
    pub place: Place,
    /// What it is more than the baseline’s. None of the baseline itself, and where one of them is not finite.
    pub difference: Option<f64>,
    /// The same in percent of the baseline’s size. None where that is 0.
    pub percent: Option<f64>,
    /// Whether it is better than the baseline’s. None without a goal, and where they are equal.
    pub better: Option<bool>,
    /// No finite value is better, and one at least is worse.
    pub leads: bool,
}

/// Whether `a` is better than `b`; None where they are equal or one is not finite.
fn better(goal: Goal, a: f64, b: f64) -> Option<bool> {
    if !a.is_finite() || !b.is_finite() || a == b {
        return None;
    }
    Some(match goal {
        Goal::Min => a < b,
        Goal::Max => a > b,
    })
}

/// A difference and what it is in percent of the size of what it is against.
pub(super) fn difference(value: f64, base: f64) -> (Option<f64>, Option<f64>) {
    let difference = Some(value - base).filter(|difference| difference.is_finite());
    let percent = difference.map(|difference| difference / base.abs() * 100.0).filter(|it| it.is_finite());
    (difference, percent)
}

/// Values of runs beside that of the baseline.
pub(super) fn beside(places: &[Option<Place>], baseline: usize, goal: Option<Goal>) -> Vec<Option<Beside>> {
    let base = places.get(baseline).copied().flatten();
    let finite = || places.iter().flatten().map(|place| place.value).filter(|value| value.is_finite());
    let (least, most) = finite()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    let best = match goal {
        Some(Goal::Min) => Some(least),
        Some(Goal::Max) => Some(most),
        None => None,
    };
    let each = |(index, place): (usize, &Option<Place>)| {
        let place = (*place)?;
        let base = base.filter(|_| index != baseline);
        let (difference, percent) = base.map_or((None, None), |base| difference(place.value, base.value));
        Some(Beside {
            place,
            difference,
            percent,
            better: goal.zip(base).and_then(|(goal, base)| better(goal, place.value, base.value)),
            leads: best == Some(place.value) && least < most,
        })
    };
    places.iter().enumerate().map(each).collect()
}

/// The metric that runs are judged by if nobody says which, from names with how many runs have them and their goals:
///
/// - It has a goal.
/// - As many of the runs as possible have it.
/// - It is of validation, before test, before anything else.
/// - It is a loss, before anything else.
/// - The first by name.
pub(super) fn target<'a>(
    metrics: impl IntoIterator<Item = (&'a str, usize, Option<Goal>)>,
) -> Option<&'a str> {
    let of = |name: &str, words: &[&str]| {
        let lower = name.to_lowercase();
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| words.contains(&word))
    };
    let rank = |(name, runs, _): &(&'a str, usize, Option<Goal>)| {
        let part = match () {
            () if of(name, &["val", "valid", "validation", "eval", "evaluation", "dev"]) => 0,
            () if of(name, &["test"]) => 1,
            () => 2,
        };
        (std::cmp::Reverse(*runs), part, !of(name, &["loss"]), *name)
    };
    metrics.into_iter().filter(|(.., goal)| goal.is_some()).min_by_key(rank).map(|(name, ..)| name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places(values: &[f64]) -> Vec<Option<Place>> {
        values.iter().map(|value| Some(Place { value: *value, step: None })).collect()
    }

    #[test]
    fn values_stand_beside_the_baselines() {
        let rows = beside(&places(&[0.5, 0.4, f64::NAN, 0.4]), 0, Some(Goal::Min));
        let told: Vec<_> = rows.iter().flatten().map(|it| (it.better, it.leads)).collect();
        assert_eq!(told, [(None, false), (Some(true), true), (None, false), (Some(true), true)]);
        let second = rows[1].expect("a value");
        assert!((second.difference.expect("finite") + 0.1).abs() < 1e-12);
        assert!((second.percent.expect("finite") + 20.0).abs() < 1e-9);
        assert_eq!(rows[2].expect("a value").difference, None);
        // Of nothing there is no percentage, and what is equal does not lead.
        let rows = beside(&places(&[0.0, 1.0]), 0, None);
        assert_eq!(
            rows[1].map(|it| (it.difference, it.percent, it.better, it.leads)),
            Some((Some(1.0), None, None, false))
        );
        assert!(beside(&places(&[1.0, 1.0]), 0, Some(Goal::Max)).iter().flatten().all(|it| !it.leads));
    }

    #[test]
    fn the_target_is_what_validates() {
        for (names, expected) in [
            (&[("train/loss", 2), ("val/acc", 2), ("val/loss", 2)][..], Some("val/loss")),
            (&[("train/loss", 2), ("val/acc", 2)], Some("val/acc")),
            (&[("train/loss", 3), ("val/loss", 2)], Some("train/loss")),
            (&[("test_acc", 2), ("eval_f1", 2)], Some("eval_f1")),
            (&[("lr", 2), ("epoch", 2)], None),
            (&[], None),
        ] {
            let all = names.iter().map(|(name, runs)| (*name, *runs, crate::goal::goal(name)));
            assert_eq!(target(all), expected);
        }
    }

    proptest! {
        #[test]
        fn swapping_the_sides_flips_the_sign(a in -1e6..1e6_f64, b in -1e6..1e6_f64, less in any::<bool>()) {
            let goal = Some(if less { Goal::Min } else { Goal::Max });
            let there = beside(&places(&[a, b]), 0, goal)[1].expect("a value");
            let back = beside(&places(&[a, b]), 1, goal)[0].expect("a value");
            prop_assert_eq!(there.difference.map(|it| -it), back.difference);
            prop_assert_eq!(there.better.map(|it| !it), back.better);
            prop_assert_eq!(there.leads && back.leads, false);
        }

        #[test]
        fn what_leads_is_worse_than_nothing(values in prop::collection::vec(-10..10_i32, 1..8), less in any::<bool>()) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let goal = if less { Goal::Min } else { Goal::Max };
            for row in beside(&places(&values), 0, Some(goal)).iter().flatten().filter(|row| row.leads) {
                prop_assert!(values.iter().all(|other| better(goal, *other, row.place.value) != Some(true)));
            }
        }
    }
}
