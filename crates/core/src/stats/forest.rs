//! What a number hangs on: permutation importance by a random forest.
//!
//! L. Breiman, “Random Forests”, Machine Learning 45 (2001). Each of many regression trees is grown on a sample of the
//! rows, drawn with replacement, and sees a third of the features at each split, two at least. The rows that a tree was not grown on
//! tell how well it predicts; how much worse it does when one feature's values are shuffled among them is that
//! feature's importance. It is told in parts of the target's variance.
//!
//! - Numbers are put into at most 64 bins of about equally many rows first, so that a split costs a pass over the rows.
//! - Categories are ordered by their mean of the target in a node, which finds the best of all two-way splits
//!   (W. D. Fisher, “On Grouping for Maximum Homogeneity”, 1958).
//! - What is missing is a value of its own: below all numbers, or a category.
//! - Chance is seeded, so the same rows have the same answer.

use super::{deviation, mean, ranks};

/// Trees of a forest.
const TREES: usize = 200;
/// Rows of a leaf at least.
const LEAF: usize = 3;
/// Bins of a feature at most.
const BINS: usize = 64;
/// Rows below which nothing can be told.
const LEAST: usize = 20;

/// A feature of all rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Feature {
    /// Numbers; what is not finite is missing.
    Numbers(Vec<f64>),
    /// Categories by number; `None` is missing. Those that are rare are one where there are more than 63.
    Categories(Vec<Option<u32>>),
}

/// What features are worth for predicting a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// For each feature: by how much of the target's variance predictions get worse when it is shuffled. About 0 for
    /// one that does not matter, and a little below by chance.
    pub features: Vec<f64>,
    /// Standard error of each, over the trees.
    pub errors: Vec<f64>,
    /// The part of the target's variance that the forest predicts of rows that its trees have not seen; 0 or less if it
    /// predicts no better than the mean.
    pub explained: f64,
}

/// How much each feature tells of a target; as many rows everywhere, all targets finite. `None` of fewer than 20 rows,
/// without a feature, or if all targets are equal.
#[must_use]
pub fn permutation_importance(features: &[Feature], target: &[f64]) -> Option<Importance> {
    let rows = target.len();
    let spread = deviation(target)?;
    if rows < LEAST || features.is_empty() || spread.is_nan() || spread <= 0.0 {
        return None;
    }
    // Away from the sizes of numbers.
    let centre = mean(target)?;
    let target: Vec<f64> = target.iter().map(|value| (value - centre) / spread).collect();
    let binned: Vec<Binned> = features.iter().map(|feature| Binned::of(feature, rows)).collect();
    let tried = features.len().div_ceil(3).max(features.len().min(2));
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut losses: Vec<Vec<f64>> = vec![Vec::with_capacity(TREES); features.len()];
    let (mut sums, mut votes) = (vec![0.0; rows], vec![0u32; rows]);
    for _ in 0..TREES {
        let mut drawn = vec![false; rows];
        let mut sample: Vec<usize> = (0..rows).map(|_| chance.below(rows)).collect();
        sample.iter().for_each(|&row| drawn[row] = true);
        let tree = Tree::grow(&binned, &target, &mut sample, tried, &mut chance);
        let unseen: Vec<usize> = (0..rows).filter(|&row| !drawn[row]).collect();
        if unseen.is_empty() {
            continue;
        }
        let own = |row: usize, feature: usize| binned[feature].bins[row];
        let mut before = 0.0;
        for &row in &unseen {
            let guess = tree.predict(|feature| own(row, feature));
            (sums[row], votes[row]) = (sums[row] + guess, votes[row] + 1);
            before += (guess - target[row]).powi(2);
        }
        for (index, losses) in losses.iter_mut().enumerate() {
            if !tree.uses(index) {
                losses.push(0.0);
                continue;
            }
            let mut shuffled = unseen.clone();
            chance.shuffle(&mut shuffled);
            let after: f64 = unseen
                .iter()
                .zip(&shuffled)
                .map(|(&row, &other)| {
                    let seen = |feature: usize| own(if feature == index { other } else { row }, feature);
                    (tree.predict(seen) - target[row]).powi(2)
                })
                .sum();
            losses.push((after - before) / unseen.len() as f64);
        }
    }
    let seen: Vec<usize> = (0..rows).filter(|&row| votes[row] > 0).collect();
    let wrong: f64 = seen.iter().map(|&row| (sums[row] / f64::from(votes[row]) - target[row]).powi(2)).sum();
    let all: f64 = seen.iter().map(|&row| target[row].powi(2)).sum();
    Some(Importance {
        features: losses.iter().map(|losses| mean(losses).unwrap_or(0.0)).collect(),
        errors: losses.iter().map(|losses| super::standard_error(losses).unwrap_or(0.0)).collect(),
        explained: if all > 0.0 { 1.0 - wrong / all } else { 0.0 },
    })
}

/// A feature in bins.
struct Binned {
    bins: Vec<u8>,
    count: usize,
    ordered: bool,
}

impl Binned {
    fn of(feature: &Feature, rows: usize) -> Self {
        match feature {
            Feature::Numbers(numbers) => Self::of_numbers(numbers),
            Feature::Categories(categories) => {
                let mut counts: Vec<(usize, u32)> = Vec::new();
                let mut sorted: Vec<u32> = categories.iter().filter_map(|it| *it).collect();
                sorted.sort_unstable();
                sorted.chunk_by(|a, b| a == b).for_each(|same| counts.push((same.len(), same[0])));
                counts.sort_by_key(|&(count, name)| (std::cmp::Reverse(count), name));
                // The first bin is for what is missing, the last for all that are rare.
                let bin = |category: &Option<u32>| {
                    let place = category.and_then(|name| counts.iter().position(|(_, known)| *known == name));
                    place.map_or(0, |place| (place + 1).min(BINS - 1)) as u8
                };
                let bins = (0..rows).map(|row| bin(&categories.get(row).copied().flatten())).collect();
                Self { bins, count: (counts.len() + 1).min(BINS), ordered: false }
            }
        }
    }

    fn of_numbers(numbers: &[f64]) -> Self {
        let finite: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
        let ranks = ranks(&finite);
        let mut different = finite.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let mut next = ranks.iter().zip(&finite);
        let bin = |number: &f64| {
            if !number.is_finite() {
                return 0;
            }
            let Some((rank, number)) = next.next() else { return 0 };
            let place = if different.len() < BINS {
                different.partition_point(|other| other < number)
            } else {
                ((rank - 0.5) / finite.len() as f64 * (BINS - 1) as f64) as usize
            };
            (place + 1).min(BINS - 1) as u8
        };
        Self { bins: numbers.iter().map(bin).collect(), count: BINS, ordered: true }
    }
}

enum Node {
    Leaf(f64),
    /// Bins whose bit is set go to the next node, the others to the one of this number.
    Split(usize, u64, usize),
}

struct Tree {
    nodes: Vec<Node>,
    used: Vec<bool>,
}

impl Tree {
    fn grow(
        binned: &[Binned],
        target: &[f64],
        rows: &mut [usize],
        tried: usize,
        chance: &mut Chance,
    ) -> Self {
        let mut tree = Self { nodes: Vec::new(), used: vec![false; binned.len()] };
        let mut order: Vec<usize> = (0..binned.len()).collect();
        // What is still to be grown: a stretch of the rows, and the split whose other side it is.
        let mut waiting = vec![(0, rows.len(), None)];
        while let Some((from, to, parent)) = waiting.pop() {
            if let Some(parent) = parent {
                let here = tree.nodes.len();
                if let Some(Node::Split(_, _, other)) = tree.nodes.get_mut(parent) {
                    *other = here;
                }
            }
            let part = &mut rows[from..to];
            let sum: f64 = part.iter().map(|&row| target[row]).sum();
            chance.shuffle(&mut order);
            let mut best: Option<(f64, usize, u64)> = None;
            if part.len() >= 2 * LEAF {
                for &feature in &order[..tried] {
                    let split = split(&binned[feature], target, part, sum);
                    if let Some((gain, bins)) = split
                        && best.is_none_or(|(most, ..)| gain > most)
                    {
                        best = Some((gain, feature, bins));
                    }
                }
            }
            let Some((_, feature, bins)) = best else {
                tree.nodes.push(Node::Leaf(sum / part.len().max(1) as f64));
                continue;
            };
            tree.used[feature] = true;
            let inside = |row: usize| bins >> binned[feature].bins[row] & 1 == 1;
            let mut middle = 0;
            for index in 0..part.len() {
                if inside(part[index]) {
                    part.swap(index, middle);
                    middle += 1;
                }
            }
            waiting.push((from + middle, to, Some(tree.nodes.len())));
            waiting.push((from, from + middle, None));
            tree.nodes.push(Node::Split(feature, bins, 0));
        }
        tree
    }

    fn predict(&self, bin: impl Fn(usize) -> u8) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes.get(at) {
                Some(Node::Leaf(value)) => return *value,
                Some(Node::Split(feature, bins, other)) => {
                    at = if bins >> bin(*feature) & 1 == 1 { at + 1 } else { *other };
                }
                None => return 0.0,
            }
        }
    }

    fn uses(&self, feature: usize) -> bool {
        self.used[feature]
    }
}

/// The best split of rows by a feature: how much it lessens the squared error, and the bins of one side.
fn split(binned: &Binned, target: &[f64], rows: &[usize], sum: f64) -> Option<(f64, u64)> {
    let (mut counts, mut sums) = ([0u32; BINS], [0.0f64; BINS]);
    for &row in rows {
        let bin = usize::from(binned.bins[row]);
        counts[bin] += 1;
        sums[bin] += target[row];
    }
    let mut order = [0usize; BINS];
    let mut filled = 0;
    for (bin, &count) in counts[..binned.count].iter().enumerate() {
        if count > 0 {
            order[filled] = bin;
            filled += 1;
        }
    }
    let order = &mut order[..filled];
    if !binned.ordered {
        let mean = |bin: usize| sums[bin] / f64::from(counts[bin]);
        order.sort_by(|&a, &b| mean(a).total_cmp(&mean(b)));
    }
    let all = rows.len() as f64;
    let mut best: Option<(f64, u64)> = None;
    let (mut count, mut part, mut bins) = (0usize, 0.0, 0u64);
    for &bin in &order[..filled.saturating_sub(1)] {
        count += counts[bin] as usize;
        part += sums[bin];
        bins |= 1 << bin;
        if count < LEAF || rows.len() - count < LEAF {
            continue;
        }
        let (left, right) = (part * part / count as f64, (sum - part).powi(2) / (all - count as f64));
        let gain = left + right - sum * sum / all;
        if gain > 1e-12 && best.is_none_or(|(most, _)| gain > most) {
            best = Some((gain, bins));
        }
    }
    best
}

/// Numbers by chance, always the same (SplitMix64: G. L. Steele, D. Lea, C. H. Flood, 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to below `end`.
    fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for index in (1..all.len()).rev() {
            all.swap(index, self.below(index + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uniform(chance: &mut Chance) -> f64 {
        (chance.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A target of two numbers, a category and noise, beside features that have nothing to do with it.
    fn made(rows: usize) -> (Vec<Feature>, Vec<f64>) {
        let mut chance = Chance(7);
        let mut column = |_| (0..rows).map(|_| uniform(&mut chance)).collect::<Vec<f64>>();
        let (a, b, noise, none) = (column(0), column(1), column(2), column(3));
        let category: Vec<Option<u32>> = (0..rows).map(|row| Some((row % 3) as u32)).collect();
        let add = [0.0, 2.0, -1.0];
        let target = (0..rows)
            .map(|row| 4.0 * a[row] + (b[row] - 0.5).abs() * 4.0 + add[row % 3] + 0.2 * noise[row])
            .collect();
        let constant = vec![1.0; rows];
        let features = vec![
            Feature::Numbers(a),
            Feature::Numbers(b),
            Feature::Categories(category),
            Feature::Numbers(none),
            Feature::Numbers(constant),
        ];
        (features, target)
    }

    #[test]
    fn what_matters_is_told_from_what_does_not() {
        let (features, target) = made(1500);
        let found = permutation_importance(&features, &target).unwrap();
        assert!(found.explained > 0.9, "{found:?}");
        // Shuffling a feature that adds something independent costs twice the variance of what it adds: here 4 a has
        // 16/12, 4 |b − 1/2| has 1/3 and the category 14/9.
        let all = 16.0 / 12.0 + 1.0 / 3.0 + 14.0 / 9.0;
        let expected = [16.0 / 12.0, 1.0 / 3.0, 14.0 / 9.0, 0.0, 0.0].map(|own| 2.0 * own / all);
        for (own, expected) in found.features.iter().zip(expected) {
            assert!((own - expected).abs() < 0.2, "{expected}: {found:?}");
        }
        assert_eq!(permutation_importance(&features, &target).unwrap(), found, "no chance in it");
    }

    #[test]
    fn noise_is_not_explained() {
        let mut chance = Chance(3);
        let target: Vec<f64> = (0..60).map(|_| uniform(&mut chance)).collect();
        let features: Vec<Feature> =
            (0..4).map(|_| Feature::Numbers((0..60).map(|_| uniform(&mut chance)).collect())).collect();
        let found = permutation_importance(&features, &target).unwrap();
        assert!(found.explained < 0.15, "{found:?}");
        assert!(found.features.iter().all(|it| it.abs() < 0.3), "{found:?}");
    }

    #[test]
    fn what_is_missing_is_a_value_too() {
        let target: Vec<f64> = (0..60).map(|row| f64::from(row % 2)).collect();
        let numbers = (0..60).map(|row| if row % 2 == 0 { f64::NAN } else { 1.0 }).collect();
        let words = (0..60).map(|row| (row % 2 == 0).then_some(4)).collect();
        for feature in [Feature::Numbers(numbers), Feature::Categories(words)] {
            let found = permutation_importance(&[feature], &target).unwrap();
            assert!(found.explained > 0.99 && found.features[0] > 1.0, "{found:?}");
        }
    }

    #[test]
    fn of_too_little_nothing_is_said() {
        let (features, target) = made(19);
        assert_eq!(permutation_importance(&features, &target), None);
        assert_eq!(permutation_importance(&[], &[0.0; 30]), None);
        let (features, _) = made(30);
        assert_eq!(permutation_importance(&features, &[2.0; 30]), None, "all equal");
    }

    #[test]
    fn many_categories_and_huge_numbers_hold() {
        let words = (0..500).map(|row| Some(row / 2)).collect();
        let huge = (0..500).map(|row| f64::from(row) * 1e305).collect();
        let target: Vec<f64> = (0..500).map(|row| f64::from(row) * 1e300).collect();
        let found =
            permutation_importance(&[Feature::Categories(words), Feature::Numbers(huge)], &target).unwrap();
        assert!(found.explained > 0.9 && found.features[1] > found.features[0], "{found:?}");
    }
}
