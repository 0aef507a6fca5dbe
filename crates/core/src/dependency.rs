//! When one experiment may start because of how another one ended, and the check that no experiment waits for itself.
//!
//! Who depends on whom is kept by the store; here are only the two rules.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::state::Status;

/// What the experiment that is waited for has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It completes.
    #[default]
    Success,
    /// It ends, in whatever way.
    Any,
    /// It fails, or its deadline to start passes. A cancel is the user's own wish and no failure.
    Failure,
}

impl Condition {
    /// All conditions.
    pub const ALL: [Self; 3] = [Self::Success, Self::Any, Self::Failure];

    /// The word in the store, on the wire and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Any => "any",
            Self::Failure => "failure",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.as_str() == word)
            .ok_or_else(|| format!("unknown condition “{word}”: use success, any or failure"))
    }
}

/// Whether a condition is met. `Never` is the strongest: one dependency that can't be met decides for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Met {
    /// It is.
    Yes,
    /// Not yet: the other one has not ended.
    Open,
    /// The other one ended otherwise. Only a retry of it by the user changes that.
    Never,
}

impl Met {
    /// What holds for an experiment with all these dependencies; `Yes` when there are none.
    #[must_use]
    pub fn all(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter().max().unwrap_or(Self::Yes)
    }
}

/// Whether `condition` is met by a parent with the status `parent`.
#[must_use]
pub fn met(condition: Condition, parent: Status) -> Met {
    if !parent.is_terminal() {
        return Met::Open;
    }
    let yes = match condition {
        Condition::Any => true,
        Condition::Success => parent == Status::Completed,
        Condition::Failure => matches!(parent, Status::Failed | Status::Expired),
    };
    if yes { Met::Yes } else { Met::Never }
}

/// A cycle among what can be reached from `start`, in order: each element leads to the next one, and the last to the
/// first. `edges` gives the direct successors of a node; it is asked once for each.
///
/// Without recursion, so that a chain of any length is no danger to the stack. Time and memory grow with the nodes
/// and edges that are reached.
pub fn find_cycle<I>(mut edges: impl FnMut(i64) -> I, start: i64) -> Option<Vec<i64>>
where
    I: IntoIterator<Item = i64>,
{
    /// Where a node stands on the path, or that all behind it is free of cycles.
    enum Mark {
        OnPath(usize),
        Done,
    }
    let mut marks = HashMap::from([(start, Mark::OnPath(0))]);
    let mut path = vec![(start, edges(start).into_iter())];
    while let Some((node, rest)) = path.last_mut() {
        let Some(next) = rest.next() else {
            marks.insert(*node, Mark::Done);
            path.pop();
            continue;
        };
        let depth = path.len();
        match marks.entry(next) {
            Entry::Occupied(known) => {
                if let Mark::OnPath(at) = known.get() {
                    return Some(path[*at..].iter().map(|(node, _)| *node).collect());
                }
            }
            Entry::Vacant(new) => {
                new.insert(Mark::OnPath(depth));
                path.push((next, edges(next).into_iter()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_condition_waits_and_then_decides() {
        use Met::{Never, Open, Yes};
        for (status, success, any, failure) in [
            (Status::Pending, Open, Open, Open),
            (Status::Queued, Open, Open, Open),
            (Status::Running, Open, Open, Open),
            (Status::Paused, Open, Open, Open),
            (Status::Completed, Yes, Yes, Never),
            (Status::Failed, Never, Yes, Yes),
            (Status::Cancelled, Never, Yes, Never),
            (Status::Expired, Never, Yes, Yes),
        ] {
            assert_eq!(met(Condition::Success, status), success, "success of a {status} one");
            assert_eq!(met(Condition::Any, status), any, "any end of a {status} one");
            assert_eq!(met(Condition::Failure, status), failure, "failure of a {status} one");
        }
    }

    #[test]
    fn one_dependency_that_never_comes_decides_for_all() {
        assert_eq!(Met::all([]), Met::Yes);
        assert_eq!(Met::all([Met::Yes, Met::Open]), Met::Open);
        assert_eq!(Met::all([Met::Yes, Met::Never, Met::Open]), Met::Never);
    }

    #[test]
    fn words_and_conditions_are_one_to_one() {
        for condition in Condition::ALL {
            assert_eq!(condition.as_str().parse(), Ok(condition));
        }
        assert!("done".parse::<Condition>().is_err());
    }

    #[test]
    fn the_cycle_comes_in_order() {
        let edges = BTreeMap::from([(1, vec![2, 5]), (2, vec![3]), (3, vec![4]), (4, vec![2]), (5, vec![])]);
        let next = |node| edges.get(&node).cloned().unwrap_or_default();
        assert_eq!(find_cycle(next, 1), Some(vec![2, 3, 4]));
        assert_eq!(find_cycle(next, 5), None);
        assert_eq!(find_cycle(|_| [7], 7), Some(vec![7]), "an experiment that waits for itself");
    }

    #[test]
    fn a_long_chain_is_no_danger_to_the_stack() {
        assert_eq!(find_cycle(|node| (node < 200_000).then_some(node + 1), 0), None);
        let cycle = find_cycle(|node| [(node + 1) % 200_000], 0);
        assert_eq!(cycle.map(|cycle| cycle.len()), Some(200_000));
    }

    /// Everything that at least one step leads to.
    fn reachable(edges: &BTreeSet<(i64, i64)>, start: i64) -> BTreeSet<i64> {
        let mut found = BTreeSet::new();
        loop {
            let more: Vec<i64> = edges
                .iter()
                .filter(|(from, to)| (*from == start || found.contains(from)) && !found.contains(to))
                .map(|(_, to)| *to)
                .collect();
            if more.is_empty() {
                return found;
            }
            found.extend(more);
        }
    }

    proptest! {
        #[test]
        fn a_cycle_is_found_exactly_where_there_is_one(
            edges in prop::collection::btree_set((0i64..8, 0i64..8), 0..16), start in 0i64..8,
        ) {
            let next = |node| edges.iter().filter(move |(from, _)| *from == node).map(|(_, to)| *to);
            let mut nodes = reachable(&edges, start);
            nodes.insert(start);
            let expected = nodes.iter().any(|node| reachable(&edges, *node).contains(node));
            let found = find_cycle(next, start);
            prop_assert_eq!(found.is_some(), expected);
            if let Some(cycle) = found {
                for (at, node) in cycle.iter().enumerate() {
                    let following = cycle[(at + 1) % cycle.len()];
                    prop_assert!(edges.contains(&(*node, following)), "{node} does not lead to {following}");
                    prop_assert!(nodes.contains(node), "{node} can't be reached from {start}");
                }
                let distinct: BTreeSet<_> = cycle.iter().collect();
                prop_assert_eq!(distinct.len(), cycle.len(), "a node stands twice in the cycle");
            }
        }
    }
}
