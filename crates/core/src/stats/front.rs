//! The Pareto front: what is not beaten in both of two numbers.

use crate::goal::Goal;

/// The places of the points that no other point dominates: none is better in one number and at least as good in the
/// other. Points that are equal are both on it. Sorted from the best to the worst first number. All are finite.
#[must_use]
pub fn front(points: &[(f64, f64)], goal_x: Goal, goal_y: Goal) -> Vec<usize> {
    // Adding zero turns -0 into 0: they are one number.
    let towards = |goal: Goal, number: f64| if goal == Goal::Min { number } else { -number } + 0.0;
    let key = |index: usize| (towards(goal_x, points[index].0), towards(goal_y, points[index].1));
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| key(a).0.total_cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)).then(a.cmp(&b)));
    let mut best = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for index in order {
        let (x, y) = key(index);
        if last.is_none_or(|(last_x, last_y)| y < last_y || (x == last_x && y == last_y)) {
            best.push(index);
            last = Some((x, y));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_beaten_is_on_the_front() {
        let points = [(1.0, 5.0), (2.0, 3.0), (3.0, 3.0), (4.0, 1.0), (2.0, 3.0), (2.0, 4.0)];
        assert_eq!(front(&points, Goal::Min, Goal::Min), [0, 1, 4, 3]);
        assert_eq!(front(&points, Goal::Max, Goal::Max), [3, 2, 5, 0]);
        assert!(front(&[], Goal::Min, Goal::Max).is_empty());
    }

    proptest! {
        #[test]
        fn the_front_is_what_a_comparison_of_all_pairs_leaves(
            points in prop::collection::vec((-4i8..4, -4i8..4), 0..40),
            max_x in any::<bool>(),
            max_y in any::<bool>(),
        ) {
            let points: Vec<(f64, f64)> = points.into_iter().map(|(x, y)| (x.into(), y.into())).collect();
            let goal = |max: bool| if max { Goal::Max } else { Goal::Min };
            let sign = |max: bool| if max { -1.0 } else { 1.0 };
            let beats = |a: (f64, f64), b: (f64, f64)| {
                let (x, y) = (sign(max_x) * (a.0 - b.0), sign(max_y) * (a.1 - b.1));
                x <= 0.0 && y <= 0.0 && (x < 0.0 || y < 0.0)
            };
            let expected: Vec<usize> = (0..points.len())
                .filter(|&i| !points.iter().any(|&other| beats(other, points[i])))
                .collect();
            let mut got = front(&points, goal(max_x), goal(max_y));
            got.sort_unstable();
            prop_assert_eq!(got, expected);
        }
    }
}
