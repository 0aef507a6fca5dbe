//! When waiting jobs may start.

use super::{Candidate, Plan};

/// The estimated start (milliseconds UTC) of each of the first `at_most` of the `waiting` jobs, which come in the
/// order of the queue; `None` where run times that nobody knows make it unknowable.
#[must_use]
pub fn forecast<'a>(
    _plan: &Plan,
    waiting: impl IntoIterator<Item = Candidate<'a>>,
    at_most: usize,
) -> Vec<(i64, Option<i64>)> {
    waiting.into_iter().take(at_most).map(|candidate| (candidate.id, None)).collect()
}
