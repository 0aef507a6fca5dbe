//! Restarts: a run that goes back over earlier steps starts a new segment.

use std::ops::Range;

/// A series with more segments than this is not a run that was restarted that often but one whose points arrive out
/// of order (several writers, asynchronous logging). It is drawn sorted by step, as one line.
pub const MAX_SEGMENTS: usize = 64;

/// A stretch of points whose steps never go back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// 0 for the first, counting restarts.
    pub number: usize,
    /// Which points belong to it.
    pub range: Range<usize>,
    /// The part that no later segment has gone over again: the points whose step lies before the first step of
    /// every later segment. It is a prefix of `range`, empty when the whole was repeated. This is what "the newest is
    /// shown" shows; the rest stays as history.
    pub live: Range<usize>,
}

/// Splits steps where they decrease. An equal step does not start a segment: Lightning writes one row for the train
/// values and one for the validation values of the same step. A NaN step, which a stored series does not have, is
/// never a decrease.
pub fn segments(steps: &[f64]) -> Vec<Segment> {
    let mut found: Vec<Segment> = Vec::new();
    let mut start = 0;
    for at in 1..=steps.len() {
        if at == steps.len() || steps[at] < steps[at - 1] {
            found.push(Segment { number: found.len(), range: start..at, live: start..at });
            start = at;
        }
    }
    let mut overtaken_from = f64::INFINITY;
    for segment in found.iter_mut().rev() {
        let own = &steps[segment.range.clone()];
        let kept = own.partition_point(|&step| step < overtaken_from);
        segment.live.end = segment.range.start + kept;
        overtaken_from = overtaken_from.min(own[0]);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_starts_a_segment_and_takes_over_what_it_repeats() {
        let steps = [1.0, 2.0, 2.0, 3.0, 2.0, 3.0, 4.0, 0.0];
        let found = segments(&steps);
        let ranges: Vec<_> = found.iter().map(|s| (s.number, s.range.clone(), s.live.clone())).collect();
        assert_eq!(ranges, [(0, 0..4, 0..0), (1, 4..7, 4..4), (2, 7..8, 7..8)]);
        let found = segments(&steps[..7]);
        assert_eq!(found[0].live, 0..1, "step 2 of the first segment was run again");
        assert!(segments(&[]).is_empty());
    }
}
