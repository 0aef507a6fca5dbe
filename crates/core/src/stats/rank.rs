//! Ranks, and how far two columns go together.

use super::mean;

/// The ranks of finite values from 1 on; equal values share the mean of theirs. As `scipy.stats.rankdata`.
#[must_use]
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&index| ranks[index] = rank);
        before += equal.len();
    }
    ranks
}

/// Spearman's rank correlation of pairs of finite values, −1 to 1 (C. Spearman, “The Proof and Measurement of
/// Association between Two Things”, 1904): 1 if one always grows with the other, however. `None` of fewer than three
/// pairs, or if all values of one side are equal. As `scipy.stats.spearmanr`.
#[must_use]
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    if pairs.len() < 3 {
        return None;
    }
    let side =
        |pick: fn(&(f64, f64)) -> f64| -> Vec<f64> { ranks(&pairs.iter().map(pick).collect::<Vec<f64>>()) };
    let (a, b) = (side(|pair| pair.0), side(|pair| pair.1));
    let (mean_a, mean_b) = (mean(&a)?, mean(&b)?);
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(&b) {
        let (a, b) = (a - mean_a, b - mean_b);
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    (of_a > 0.0 && of_b > 0.0).then(|| (both / (of_a * of_b).sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[10.0, 20.0, 10.0, 5.0]), [2.5, 4.0, 2.5, 1.0]);
        assert_eq!(spearman(&[(1.0, 10.0), (2.0, 1000.0), (3.0, 1001.0)]), Some(1.0));
        assert_eq!(spearman(&[(1.0, 3.0), (1.0, 2.0), (1.0, 1.0)]), None, "nothing differs");
        assert_eq!(spearman(&[(1.0, 3.0), (2.0, 2.0)]), None, "too few");
    }

    proptest! {
        #[test]
        fn correlation_is_symmetric_and_turns_with_its_sides(
            pairs in prop::collection::vec((-9i8..9, -9i8..9), 3..30),
        ) {
            let pairs: Vec<(f64, f64)> = pairs.into_iter().map(|(a, b)| (a.into(), b.into())).collect();
            let turned: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (*b, *a)).collect();
            let negative: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (-a, *b)).collect();
            let cubed: Vec<(f64, f64)> = pairs.iter().map(|(a, b)| (a.powi(3), *b)).collect();
            let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                (a, b) => a == b,
            };
            let own = spearman(&pairs);
            prop_assert!(near(own, spearman(&turned)) && near(own, spearman(&cubed)));
            prop_assert!(near(own, spearman(&negative).map(|it| -it)));
        }
    }
}
