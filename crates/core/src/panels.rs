//! Which charts a set of metrics fills: one for each, in sections by the prefix of their names.

use std::cmp::Ordering;

/// The section of a metric: what stands before the first `/` of its name; none if nothing does.
#[must_use]
pub fn section(key: &str) -> &str {
    key.split_once('/').map_or("", |(prefix, _)| prefix)
}

/// Whether a metric only counts or keeps time, or is a setting of the optimiser: it says nothing of how well a run does.
#[must_use]
pub fn is_bookkeeping(key: &str) -> bool {
    const ALONE: [&str; 7] = ["step", "global_step", "epoch", "iter", "iters", "iteration", "iterations"];
    const WORDS: [&str; 11] = [
        "time",
        "seconds",
        "elapsed",
        "wall",
        "lr",
        "learning_rate",
        "throughput",
        "eta",
        "fps",
        "it",
        "timestamp",
    ];
    let key = key.trim().to_lowercase();
    let last = key.rsplit('/').next().unwrap_or_default();
    ALONE.contains(&last)
        || last.split(['_', ' ', '.', '-', '/']).any(|word| WORDS.contains(&word))
        || last.contains("learning_rate")
}

/// Metrics in the order in which their charts stand.
///
/// - Sections come in the order `train`, `val` and its like, `test`, then by name; what has no prefix comes first.
/// - A section that only keeps time comes after the others; within a section, so do metrics that do.
/// - Else by name, digits by their value: `layer.2` before `layer.10`.
#[must_use]
pub fn arranged<'a>(keys: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = keys.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let serious: Vec<&str> = keys.iter().filter(|key| !is_bookkeeping(key)).map(|key| section(key)).collect();
    let rank = |section: &str| match section.to_lowercase().as_str() {
        _ if !serious.contains(&section) => 5,
        "" => 0,
        "train" | "training" => 1,
        "val" | "valid" | "validation" | "eval" | "dev" => 2,
        "test" => 3,
        _ => 4,
    };
    keys.sort_by(|a, b| {
        let (first, second) = (section(a), section(b));
        rank(first)
            .cmp(&rank(second))
            .then_with(|| by_number(first, second))
            .then_with(|| is_bookkeeping(a).cmp(&is_bookkeeping(b)))
            .then_with(|| by_number(a, b))
    });
    keys
}

/// Text by its characters, and numbers in it by their value.
fn by_number(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let (one, two) = (digits(left), digits(right));
        if one > 0 && two > 0 {
            let (x, y) = (left[..one].trim_start_matches('0'), right[..two].trim_start_matches('0'));
            let order = x.len().cmp(&y.len()).then_with(|| x.cmp(y));
            if order != Ordering::Equal {
                return order;
            }
            (left, right) = (&left[one..], &right[two..]);
            continue;
        }
        let (mut ones, mut twos) = (left.chars(), right.chars());
        match (ones.next(), twos.next()) {
            (Some(x), Some(y)) if x == y => (left, right) = (ones.as_str(), twos.as_str()),
            // What is alike but for leading zeros still has one order.
            (None, None) => return a.cmp(b),
            (x, y) => return x.cmp(&y),
        }
    }
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sections_stand_in_the_order_of_a_training() {
        let keys = [
            "val/loss",
            "lr",
            "train/lr",
            "grad/layer.10",
            "train/loss",
            "grad/layer.2",
            "time/step",
            "loss",
            "test/acc",
            "train/acc",
        ];
        assert_eq!(
            arranged(keys),
            [
                "loss",
                "lr",
                "train/acc",
                "train/loss",
                "train/lr",
                "val/loss",
                "test/acc",
                "grad/layer.2",
                "grad/layer.10",
                "time/step"
            ]
        );
    }

    #[test]
    fn what_keeps_time_is_known() {
        for key in [
            "lr",
            "train/lr",
            "lr-AdamW",
            "epoch",
            "train/global_step",
            "time/epoch_seconds",
            "perf/it",
            "learning_rate",
        ] {
            assert!(is_bookkeeping(key), "{key}");
        }
        for key in ["loss", "train/loss", "best_epoch_loss", "clr", "iteration_loss", "val/timely"] {
            assert!(!is_bookkeeping(key), "{key}");
        }
    }

    #[test]
    fn the_prefix_is_what_stands_before_the_first_slash() {
        for (key, expected) in [("train/a/b", "train"), ("loss", ""), ("/odd", ""), ("val/", "val")] {
            assert_eq!(section(key), expected, "{key}");
        }
    }

    proptest! {
        #[test]
        fn numbers_and_text_have_one_order(a in "[a-c0-9/]{0,6}", b in "[a-c0-9/]{0,6}", c in "[a-c0-9/]{0,6}") {
            prop_assert_eq!(by_number(&a, &b), by_number(&b, &a).reverse());
            prop_assert_eq!(by_number(&a, &b) == Ordering::Equal, a == b);
            if by_number(&a, &b) != Ordering::Greater && by_number(&b, &c) != Ordering::Greater {
                prop_assert!(by_number(&a, &c) != Ordering::Greater);
            }
        }

        #[test]
        fn every_metric_has_one_place(keys in proptest::collection::vec("[a-z/]{0,5}", 0..20)) {
            let arranged = arranged(keys.iter().map(String::as_str));
            let mut sorted = keys.clone();
            sorted.sort();
            sorted.dedup();
            let mut there: Vec<String> = arranged.iter().map(|&key| key.to_owned()).collect();
            // Sections are not torn apart.
            let mut sections: Vec<&str> = arranged.iter().map(|key| section(key)).collect();
            sections.dedup();
            let many = sections.len();
            sections.sort_unstable();
            sections.dedup();
            prop_assert_eq!(many, sections.len());
            there.sort();
            prop_assert_eq!(there, sorted);
        }
    }
}
