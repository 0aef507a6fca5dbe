//! Which group of runs is better, by how much, and whether so few runs can tell.

use super::metrics::difference;
use super::words::{decimals, fixed, percent, plural};
use super::{Group, Value};
use crate::goal::Goal;
use crate::stats::interval::{Interval, paired, welch};
use crate::stats::{deviation, mean};

/// Of how many runs a side an interval is worth something. Below, the deviation itself is hardly known: with three runs
/// it may be half or twice as large as the true one.
pub const WORTH: usize = 5;

/// How sure an interval is.
const CONFIDENCE: f64 = 0.95;

/// A run of a group, with a finite value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The value.
    pub value: f64,
    /// The run’s seed, where it names one.
    pub seed: Option<Value>,
}

/// How an interval was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Welch’s t: the groups may vary differently.
    Welch,
    /// Student’s t of the differences of runs with the same seed.
    Paired,
}

/// How it turned out for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is what the others are compared with.
    Baseline,
    /// It is better, and the interval is all on that side.
    Better,
    /// It is worse, and the interval is all on that side.
    Worse,
    /// The interval includes 0.
    Unclear,
    /// Nothing can be told from so few runs, or from ones that do not vary.
    TooFew,
    /// One of the two has no value at all.
    Nothing,
}

/// A metric over the runs of a group, beside the baseline’s.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// How many of its runs have a finite value.
    pub count: usize,
    /// Their mean.
    pub mean: Option<f64>,
    /// Their standard deviation (n − 1).
    pub deviation: Option<f64>,
    /// What the mean is more than the baseline’s.
    pub difference: Option<f64>,
    /// The same in percent of the baseline’s.
    pub percent: Option<f64>,
    /// The interval of the difference.
    pub interval: Option<Interval>,
    /// How it was found.
    pub method: Option<Method>,
    /// How it turned out.
    pub outcome: Outcome,
    /// The same in a sentence without a full stop; empty for the baseline.
    pub words: String,
}

/// Judges each group against the first, whose members have these values; `labels` are what the groups are called.
pub(super) fn verdicts(members: &[Vec<Member>], labels: &[&str], goal: Goal) -> Vec<Judged> {
    let base = members.first().map(Vec::as_slice).unwrap_or_default();
    let base_label = labels.first().copied().unwrap_or_default();
    let each = members.iter().zip(labels).enumerate().map(|(place, (group, label))| match place {
        0 => numbers(group),
        _ => judge((label, group), (base_label, base), goal),
    });
    each.collect()
}

/// Count, mean and deviation alone.
fn numbers(members: &[Member]) -> Judged {
    let values: Vec<f64> = members.iter().map(|member| member.value).collect();
    Judged {
        count: values.len(),
        mean: mean(&values),
        deviation: deviation(&values),
        difference: None,
        percent: None,
        interval: None,
        method: None,
        outcome: Outcome::Baseline,
        words: String::new(),
    }
}

/// Judges a group against another one:
///
/// - Runs are paired by seed where both have the same seeds, each of them once; else the two are taken as they are.
/// - Both need two runs, and the values have to vary: else there is no interval, and nothing is said of which is better.
/// - It is better or worse where the interval leaves out 0.
#[must_use]
pub fn judge(group: (&str, &[Member]), base: (&str, &[Member]), goal: Goal) -> Judged {
    let ((label, members), (base_label, base)) = (group, base);
    let mut judged = numbers(members);
    let of_base = numbers(base);
    let (Some(own), Some(other)) = (judged.mean, of_base.mean) else {
        judged.outcome = Outcome::Nothing;
        let without = if members.is_empty() { label } else { base_label };
        judged.words = format!("{without} has no finite value");
        return judged;
    };
    (judged.difference, judged.percent) = difference(own, other);
    let pairs = pairs(members, base);
    let values = |all: &[Member]| all.iter().map(|member| member.value).collect::<Vec<f64>>();
    (judged.interval, judged.method) = match &pairs {
        Some(pairs) => (paired(pairs, CONFIDENCE), Some(Method::Paired)),
        None => (welch(&values(members), &values(base), CONFIDENCE), Some(Method::Welch)),
    };
    if judged.interval.is_none() {
        judged.method = None;
    }
    let gain = match goal {
        Goal::Min => other - own,
        Goal::Max => own - other,
    };
    judged.outcome = match judged.interval {
        None => Outcome::TooFew,
        Some(Interval { low, high, .. }) if low <= 0.0 && high >= 0.0 => Outcome::Unclear,
        Some(_) if gain > 0.0 => Outcome::Better,
        Some(_) => Outcome::Worse,
    };
    let sizes = sizes(members, base, pairs.is_some());
    let still = members.len() > 1 && base.len() > 1;
    judged.words = words(&judged, (label, base_label), (gain, &sizes), still, goal);
    judged
}

/// The values of runs with the same seed, if both sides have the same seeds, each of them once.
fn pairs(members: &[Member], base: &[Member]) -> Option<Vec<(f64, f64)>> {
    if members.len() != base.len() || members.len() < 2 || !distinct(members) || !distinct(base) {
        return None;
    }
    let partner = |member: &Member| {
        let seed = member.seed.as_ref()?;
        let other = base.iter().find(|other| other.seed.as_ref().is_some_and(|it| it.same(seed)))?;
        Some((member.value, other.value))
    };
    members.iter().map(partner).collect()
}

/// Whether all name a seed, each another one.
fn distinct(members: &[Member]) -> bool {
    members.iter().enumerate().all(|(place, member)| {
        let seed = member.seed.as_ref();
        seed.is_some_and(|seed| {
            !members[..place].iter().any(|other| other.seed.as_ref().is_some_and(|it| it.same(seed)))
        })
    })
}

/// “5 and 4 seeds”, “3 pairs by seed”.
fn sizes(members: &[Member], base: &[Member], paired: bool) -> String {
    match (members.len(), base.len()) {
        (pairs, _) if paired => format!("{} by seed", plural(pairs, "pair")),
        (1, 1) => "one run each".into(),
        (n, m) if distinct(members) && distinct(base) => format!("{n} and {m} seeds"),
        (n, m) => format!("{n} and {m} runs"),
    }
}

fn words(
    judged: &Judged,
    (label, base): (&str, &str),
    (gain, sizes): (f64, &str),
    still: bool,
    goal: Goal,
) -> String {
    let share = judged.percent.map(|it| format!(" ({})", percent(it.abs()))).unwrap_or_default();
    let Some(interval) = judged.interval else {
        let size = fixed(gain.abs(), decimals(gain));
        let which = match gain {
            0.0 => format!("{label} and {base} were equal"),
            gain if gain > 0.0 => format!("{label} was better than {base} by {size}{share}"),
            _ => format!("{label} was worse than {base} by {size}{share}"),
        };
        return match still {
            true => format!("{which}, each time alike, so that there is no interval, {sizes}"),
            false => format!("Too few runs to tell: {which}, {sizes}"),
        };
    };
    // As a gain: what is better is positive.
    let (low, high) = match goal {
        Goal::Max => (interval.low, interval.high),
        Goal::Min => (-interval.high, -interval.low),
    };
    // Two digits of what is wider are seen, and no more of the other than anybody reads.
    let places = decimals((high - low) / 2.0).min(decimals(gain) + 3).max(decimals(gain).min(9));
    // A bound that is not 0 is not written as if it were.
    let nearest = decimals(low.abs().min(high.abs())).saturating_sub(1);
    let places = places.max(nearest.min(places + 3));
    let number = |value: f64| fixed(value, places);
    match judged.outcome {
        Outcome::Better => format!(
            "{label} is better than {base} by {}{share}, 95 % interval {} to {}, {sizes}",
            number(gain),
            number(low),
            number(high)
        ),
        Outcome::Worse => format!(
            "{label} is worse than {base} by {}{share}, 95 % interval {} to {}, {sizes}",
            number(-gain),
            number(-high),
            number(-low)
        ),
        _ => {
            let which = match gain {
                0.0 => "equal".to_owned(),
                gain if gain > 0.0 => format!("{}{share} better", number(gain)),
                _ => format!("{}{share} worse", number(-gain)),
            };
            format!(
                "No difference between {label} and {base} is shown: {which} on average, and the 95 % interval {} to {} \
                 includes 0, {sizes}",
                number(low),
                number(high)
            )
        }
    }
}

/// What is to be kept in mind with verdicts on this many metrics, of which `smallest` is the smallest number of runs
/// that an interval rests on.
fn caveats(intervals: usize, smallest: Option<usize>) -> Vec<String> {
    let mut notes = Vec::new();
    if intervals > 1 {
        notes.push(format!(
            "Each 95 % interval holds by itself. There are {intervals} here, not corrected for their number: where \
             nothing differs, one in 20 leaves out 0 all the same."
        ));
    }
    if let Some(smallest) = smallest.filter(|smallest| *smallest < WORTH) {
        notes.push(format!(
            "Some intervals rest on {} a side. From {WORTH} seeds on they are worth something; below, the deviation \
             itself is hardly known.",
            plural(smallest, "run")
        ));
    }
    notes
}

/// The caveats of these verdicts, each by group with the baseline’s first.
pub(super) fn notes<'a>(all: impl Iterator<Item = &'a [Judged]> + Clone) -> Vec<String> {
    let with = || {
        all.clone().flat_map(|groups| {
            let base = groups.first().map_or(0, |group| group.count);
            groups.iter().filter(|group| group.interval.is_some()).map(move |group| group.count.min(base))
        })
    };
    caveats(with().count(), with().min())
}

/// Values of a metric by group; those that are not finite are left out.
pub(super) fn members(groups: &[Group], values: &[Option<f64>]) -> Vec<Vec<Member>> {
    let of = |group: &Group| {
        let each = group.runs.iter().zip(&group.seeds).filter_map(|(run, seed)| {
            let value = values.get(*run).copied().flatten().filter(|value| value.is_finite())?;
            Some(Member { value, seed: seed.clone() })
        });
        each.collect()
    };
    groups.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[f64]) -> Vec<Member> {
        values.iter().map(|value| Member { value: *value, seed: None }).collect()
    }

    fn seeded(values: &[(i32, f64)]) -> Vec<Member> {
        let member = |(seed, value): &(i32, f64)| Member {
            value: *value,
            seed: Some(Value::Number(f64::from(*seed))),
        };
        values.iter().map(member).collect()
    }

    fn told(a: &[Member], b: &[Member], goal: Goal) -> (Outcome, Option<Method>, String) {
        let judged = judge(("A", a), ("B", b), goal);
        (judged.outcome, judged.method, judged.words)
    }

    #[test]
    fn verdicts_are_worded_plainly() {
        let a = [0.91, 0.92, 0.93, 0.915, 0.925];
        let b = [0.90, 0.905, 0.91, 0.895, 0.907];
        insta::assert_snapshot!(
            [
                told(&of(&a), &of(&b), Goal::Max).2,
                told(&of(&a), &of(&b), Goal::Min).2,
                told(&of(&b), &of(&a), Goal::Max).2,
                told(&of(&[0.9, 0.92]), &of(&[0.905, 0.913]), Goal::Max).2,
                told(&of(&[0.9]), &of(&[0.88]), Goal::Max).2,
                told(&of(&[0.9]), &of(&[0.88, 0.89]), Goal::Min).2,
                told(&of(&[0.9]), &of(&[0.9]), Goal::Min).2,
                told(&of(&[]), &of(&[0.88]), Goal::Max).2,
                told(&of(&[1.0, 1.0]), &of(&[2.0, 2.0]), Goal::Min).2,
                told(&of(&[1.0, 1.0]), &of(&[1.0, 1.0]), Goal::Min).2,
                told(&of(&[0.0, 2.0]), &of(&[1.0, 1.0]), Goal::Min).2,
                told(
                    &seeded(&[(1, 0.9), (2, 0.92), (3, 0.94)]),
                    &seeded(&[(3, 0.93), (1, 0.888), (2, 0.911)]),
                    Goal::Max
                )
                .2,
                told(
                    &seeded(&[(1, 0.9), (2, 0.92), (4, 0.94)]),
                    &seeded(&[(3, 0.93), (1, 0.888), (2, 0.911)]),
                    Goal::Max
                )
                .2,
                told(&of(&[1.2e-9, 1.3e-9]), &of(&[1.0e-9, 1.05e-9]), Goal::Min).2,
                told(&of(&[3.56, 1.56, 3.16]), &of(&[0.1, 0.2, 0.104]), Goal::Max).2,
                told(&of(&[1.2e12, 1.3e12]), &of(&[1.0e9, 1.05e9]), Goal::Max).2,
            ]
            .join("\n")
        );
    }

    #[test]
    fn runs_are_paired_by_seed_where_all_of_them_match() {
        let a = seeded(&[(1, 0.9), (2, 0.92), (3, 0.94)]);
        let b = seeded(&[(3, 0.93), (1, 0.888), (2, 0.911)]);
        assert_eq!(told(&a, &b, Goal::Max).1, Some(Method::Paired));
        let (outcome, method, _) = told(&a, &seeded(&[(1, 0.888), (1, 0.911), (3, 0.93)]), Goal::Max);
        assert_eq!((outcome, method), (Outcome::Unclear, Some(Method::Welch)), "one seed twice");
        assert_eq!(told(&a, &of(&[0.888, 0.911, 0.93]), Goal::Max).1, Some(Method::Welch), "no seeds");
        // Pairs see what the spread over the seeds hides from the groups.
        assert_eq!(told(&a, &b, Goal::Max).0, Outcome::Better);
    }

    #[test]
    fn caveats_are_said() {
        assert_eq!(caveats(1, Some(5)), Vec::<String>::new());
        assert_eq!(caveats(0, None).len(), 0);
        assert!(caveats(7, Some(5))[0].contains("There are 7 here"));
        assert!(caveats(1, Some(2))[0].contains("2 runs a side"));
        let all = verdicts(&[of(&[1.0, 2.0]), of(&[1.0, 3.0]), of(&[1.0])], &["b", "a", "c"], Goal::Min);
        assert_eq!(
            all.iter().map(|it| it.outcome).collect::<Vec<_>>(),
            [Outcome::Baseline, Outcome::Unclear, Outcome::TooFew]
        );
        assert_eq!(notes([all.as_slice()].into_iter()).len(), 1);
    }

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(-100.0..100.0_f64, 0..7)
    }

    proptest! {
        #[test]
        fn swapping_the_sides_turns_the_verdict(a in values(), b in values(), less in any::<bool>()) {
            let goal = if less { Goal::Min } else { Goal::Max };
            let (there, back) = (judge(("A", &of(&a)), ("B", &of(&b)), goal), judge(("B", &of(&b)), ("A", &of(&a)), goal));
            prop_assert_eq!(there.difference.map(|it| -it), back.difference);
            let turned = match there.outcome {
                Outcome::Better => Outcome::Worse,
                Outcome::Worse => Outcome::Better,
                other => other,
            };
            prop_assert_eq!(turned, back.outcome);
        }

        #[test]
        fn turning_the_goal_turns_the_verdict(a in values(), b in values()) {
            let (less, more) = (judge(("A", &of(&a)), ("B", &of(&b)), Goal::Min), judge(("A", &of(&a)), ("B", &of(&b)), Goal::Max));
            prop_assert_eq!(less.interval, more.interval);
            prop_assert_eq!(less.outcome == Outcome::Better, more.outcome == Outcome::Worse);
            prop_assert_eq!(less.outcome == Outcome::TooFew, more.outcome == Outcome::TooFew);
        }

        #[test]
        fn a_side_of_one_run_proves_nothing(a in -1e6..1e6_f64, b in values(), less in any::<bool>()) {
            let goal = if less { Goal::Min } else { Goal::Max };
            let judged = judge(("A", &of(&[a])), ("B", &of(&b)), goal);
            prop_assert!(matches!(judged.outcome, Outcome::TooFew | Outcome::Nothing));
            prop_assert!(judged.interval.is_none() && judged.method.is_none());
        }
    }
}
