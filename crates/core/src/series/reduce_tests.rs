#![allow(clippy::unwrap_used)]

use super::*;
use crate::series::{Points, Summary};
use proptest::prelude::*;

fn linear(from: f64, to: f64, count: usize) -> Columns {
    Columns::new(from, to, count, Scale::Linear)
}

fn line(reduced: &Reduced) -> Vec<(f64, f64)> {
    reduced.pieces.concat()
}

/// Non-decreasing steps with repeats, values with a few that are not finite.
fn any_series() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let value = prop_oneof![
        12 => -100.0..100.0f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
    ];
    prop::collection::vec((0u8..4, value), 0..600).prop_map(|raw| {
        let mut step = 0.0;
        raw.into_iter()
            .map(|(ahead, value)| {
                step += f64::from(ahead) * 0.75;
                (step, value)
            })
            .collect()
    })
}

fn split(points: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    points.iter().copied().unzip()
}

/// Positions of `part` in `whole`, in order, or nothing when it is no subsequence.
fn subsequence(part: &[(f64, f64)], whole: &[(f64, f64)]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|point| rest.any(|other| other == point))
}

proptest! {
    #[test]
    fn keeps_extremes_and_order_within_bounds(
        points in any_series(), count in 1usize..60, from in -10.0..300.0f64, width in 0.5..700.0f64,
    ) {
        let (steps, values) = split(&points);
        let columns = linear(from, from + width, count);
        let got = reduce(&steps, &values, &columns);
        let kept = line(&got);
        let finite: Vec<_> = points.iter().copied().filter(|p| p.1.is_finite()).collect();
        let inside: Vec<_> = finite.iter().copied().filter(|p| p.0 >= columns.from && p.0 <= columns.to).collect();
        prop_assert!(subsequence(&kept, &finite), "never reorders or invents");
        prop_assert!(kept.len() <= (4 * count + 2).max(inside.len().min(2 * count) + 2));
        let mut extremes = std::collections::BTreeMap::<usize, (f64, f64)>::new();
        for p in &inside {
            let e = extremes.entry(columns.of(p.0)).or_insert((p.1, p.1));
            *e = (e.0.min(p.1), e.1.max(p.1));
        }
        for (column, (low, high)) in extremes {
            let own: Vec<f64> = kept.iter()
                .filter(|p| p.0 >= columns.from && p.0 <= columns.to && columns.of(p.0) == column)
                .map(|p| p.1).collect();
            prop_assert!(own.contains(&low) && own.contains(&high), "column {} lost an extreme", column);
        }
        prop_assert!(got.specials.len() <= (3 * count).max(2 * count));
        for kind in [NonFinite::Nan, NonFinite::PosInf, NonFinite::NegInf] {
            let first = points.iter().find(|p| {
                p.0 >= columns.from && p.0 <= columns.to && NonFinite::of(p.1) == Some(kind)
            });
            let seen = got.specials.iter().find(|s| s.kind == kind);
            prop_assert_eq!(first.map(|p| p.0), seen.map(|s| s.step));
        }
    }

    #[test]
    fn few_points_are_kept_as_they_are(points in any_series()) {
        let (steps, values) = split(&points);
        let count = points.len().div_ceil(2).max(1);
        let got = reduce(&steps, &values, &linear(0.0, 2000.0, count));
        let expected: Vec<Vec<(f64, f64)>> = points
            .split(|p| !p.1.is_finite())
            .filter(|run| !run.is_empty())
            .map(<[_]>::to_vec)
            .collect();
        prop_assert_eq!(got.pieces, expected, "every point and every gap");
        prop_assert_eq!(got.specials.len(), points.iter().filter(|p| !p.1.is_finite()).count());
    }

    #[test]
    fn chunks_and_summaries_give_the_same_line(
        points in any_series(), chunk in 1usize..40, count in 1usize..40, from in -10.0..200.0f64, width in 1.0..900.0f64,
    ) {
        let (steps, values) = split(&points);
        let columns = linear(from, from + width, count);
        let mut whole = Reducer::new(columns);
        whole.extend(&steps, &values);
        let (mut pieces, mut undecoded) = (Reducer::new(columns), Reducer::new(columns));
        for (s, v) in steps.chunks(chunk).zip(values.chunks(chunk)) {
            pieces.extend(s, v);
            let summary = Summary::of(&Points::from_columns(s.to_vec(), v.to_vec()));
            if undecoded.wants_points(&summary) {
                undecoded.extend(s, v);
            } else {
                undecoded.extend_summary(&summary);
            }
        }
        let whole = whole.finish();
        prop_assert_eq!(&whole, &pieces.finish());
        prop_assert_eq!(&whole, &undecoded.finish());
    }

    #[test]
    fn any_floats_and_ranges_do(
        raw in prop::collection::vec((any::<f64>(), any::<f64>()), 0..100),
        from in any::<f64>(), to in any::<f64>(), count in 0usize..50, log in any::<bool>(),
    ) {
        let (steps, values) = split(&raw);
        let scale = if log { Scale::Log } else { Scale::Linear };
        let _ = reduce(&steps, &values, &Columns::new(from, to, count, scale));
    }
}

#[test]
fn a_spike_among_a_million_points_survives() {
    let n = 1_000_000;
    let steps: Vec<f64> = (0..n).map(f64::from).collect();
    let mut values: Vec<f64> = steps.iter().map(|x| (x / 5e4).sin()).collect();
    values[777_777] = 42.0;
    values[123_456] = f64::NAN;
    let got = reduce(&steps, &values, &linear(0.0, f64::from(n - 1), 480));
    assert!(line(&got).contains(&(777_777.0, 42.0)));
    assert!(got.len() <= 4 * 480);
    assert_eq!(got.specials, [Special { step: 123_456.0, kind: NonFinite::Nan }]);
}

#[test]
fn a_gap_wider_than_a_column_breaks_the_line() {
    let steps: Vec<f64> = (0..1000).map(f64::from).collect();
    let values: Vec<f64> = (0..1000).map(|i| if (400..500).contains(&i) { f64::NAN } else { 1.0 }).collect();
    let got = reduce(&steps, &values, &linear(0.0, 999.0, 50));
    assert_eq!(got.pieces.len(), 2);
    assert_eq!(got.pieces[0].last(), Some(&(399.0, 1.0)));
    assert_eq!(got.pieces[1][0], (500.0, 1.0));
}

#[test]
fn a_step_back_starts_a_piece() {
    let steps = [0.0, 1.0, 2.0, 1.0, 2.0, 3.0];
    let got = reduce(&steps, &[1.0; 6], &linear(0.0, 3.0, 100));
    assert_eq!(got.pieces.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn neighbours_outside_the_range_carry_the_line_to_its_edges() {
    let steps: Vec<f64> = (0..100).map(f64::from).collect();
    let got = reduce(&steps, &steps, &linear(10.5, 12.5, 20));
    assert_eq!(got.pieces, [[(10.0, 10.0), (11.0, 11.0), (12.0, 12.0), (13.0, 13.0)]]);
    let between = reduce(&steps, &steps, &linear(10.2, 10.8, 20));
    assert_eq!(between.pieces, [[(10.0, 10.0), (11.0, 11.0)]]);
}

#[test]
fn log_columns_are_equal_ratios() {
    let columns = Columns::new(1.0, 1000.0, 3, Scale::Log);
    assert_eq!([2.0, 20.0, 200.0, 1000.0].map(|x| columns.of(x)), [0, 1, 2, 2]);
}
