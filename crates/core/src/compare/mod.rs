//! Runs side by side: what differs in their settings, texts, code and surroundings, and which is better by how much.
//!
//! Whoever compares brings what there is of each run, in one order; everything here is said against one of them, the
//! *baseline*. Values are compared by type: 0.1 and 1e-1 are the same setting, 1 and “1” are not.

mod code;
mod comparison;
mod environment;
mod groups;
mod markdown;
mod metrics;
mod settings;
mod text;
mod verdict;
mod words;

pub use code::{CodeFault, CodeFile, files as code_files};
pub use comparison::{Asked, Comparison, Metric, Plan, Run, RunMetric, Verdict, Which};
pub use environment::{Fact, FactRow, facts, packages, packages_of_conda, wandb_metadata};
pub use groups::{Group, is_seed, is_set_aside};
pub use markdown::markdown;
pub use metrics::{Beside, Place};
pub use settings::Row;
pub use text::{Hunk, Line, Part, Side, TextDiff, diff};
pub use verdict::{Judged, Member, Method, Outcome, WORTH, judge};
pub use words::value_words;

/// A setting’s value.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A number, which may be NaN.
    Number(f64),
    /// Text.
    Text(String),
}

impl Value {
    /// Whether they are the same setting: of one type and equal, however they were written. NaN is the same as NaN.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a == b || (a.is_nan() && b.is_nan()),
            (a, b) => a == b,
        }
    }
}

/// What became of something from the baseline to another run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is the same, or neither has it.
    Same,
    /// The baseline has none.
    Added,
    /// Only the baseline has it.
    Removed,
    /// It is another.
    Changed,
}

/// What became of each, compared with the one of the baseline; and whether not all of them are alike.
fn changes<T>(all: &[Option<T>], baseline: usize, same: impl Fn(&T, &T) -> bool) -> (Vec<Change>, bool) {
    let base = all.get(baseline).and_then(Option::as_ref);
    let each = all.iter().map(|one| match (base, one) {
        (None, None) => Change::Same,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(a), Some(b)) if same(a, b) => Change::Same,
        (Some(_), Some(_)) => Change::Changed,
    });
    let each: Vec<Change> = each.collect();
    // What is the same as the baseline in all runs is the same in all runs.
    let differs = each.iter().any(|change| *change != Change::Same);
    (each, differs)
}

/// Names as people order them: `layers.2` before `layers.10`.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let number = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (n, m) = (number(left), number(right));
        let ordering = if n > 0 && m > 0 {
            let (x, y) = (left[..n].trim_start_matches('0'), right[..m].trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            left.chars().next().cmp(&right.chars().next())
        };
        if ordering.is_ne() {
            return ordering;
        }
        if left.is_empty() {
            // Such as “01” and “1”.
            return a.cmp(b);
        }
        let step = |text: &str, digits: usize| match digits {
            0 => text.chars().next().map_or(0, char::len_utf8),
            digits => digits,
        };
        let both = n > 0 && m > 0;
        let (x, y) = (step(left, if both { n } else { 0 }), step(right, if both { m } else { 0 }));
        (left, right) = (&left[x..], &right[y..]);
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_the_same_by_type() {
        let number = Value::Number;
        let text = |text: &str| Value::Text(text.into());
        for (a, b, same) in [
            (number(0.1), number(1e-1), true),
            (number(1.0), number(1.0), true),
            (number(f64::NAN), number(f64::NAN), true),
            (number(0.0), number(-0.0), true),
            (number(1.0), text("1"), false),
            (number(1.0), Value::Bool(true), false),
            (text("adam"), text("Adam"), false),
        ] {
            assert_eq!(a.same(&b), same, "{a:?} {b:?}");
            assert_eq!(b.same(&a), same, "{b:?} {a:?}");
        }
    }

    #[test]
    fn names_are_ordered_as_people_do() {
        let mut names = ["a.10.b", "a.2.b", "a", "b1", "a.2", "A", "b01", "ä"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["A", "a", "a.2", "a.2.b", "a.10.b", "b01", "b1", "ä"]);
    }

    proptest! {
        #[test]
        fn the_order_of_names_is_one(a in "[a-b0-2.ä]{0,6}", b in "[a-b0-2.ä]{0,6}", c in "[a-b0-2.ä]{0,6}") {
            prop_assert_eq!(natural(&a, &b), natural(&b, &a).reverse());
            prop_assert_eq!(natural(&a, &b) == Ordering::Equal, a == b);
            if natural(&a, &b).is_le() && natural(&b, &c).is_le() {
                prop_assert!(natural(&a, &c).is_le());
            }
        }

        #[test]
        fn changes_turn_around_with_the_sides(values in prop::collection::vec(prop::option::of(0_u8..3), 2)) {
            let (there, differs) = changes(&values, 0, |a, b| a == b);
            let (back, also) = changes(&values, 1, |a, b| a == b);
            prop_assert_eq!(differs, also);
            let turned = match there[1] {
                Change::Added => Change::Removed,
                Change::Removed => Change::Added,
                other => other,
            };
            prop_assert_eq!(turned, back[0]);
            prop_assert_eq!(there[0], Change::Same);
        }
    }
}
