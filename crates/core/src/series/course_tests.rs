#![allow(clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;

use super::super::{Columns, Edge, NonFinite, Reduced, Scale, row_above};
use super::*;

/// A run's files in memory, stored as the store has them.
#[derive(Default)]
pub struct Memory {
    blocks: HashMap<(usize, u64), Arc<Points>>,
    rows: HashMap<(usize, RowId), Arc<Buckets>>,
    asked: RefCell<usize>,
}

impl Tiles for Memory {
    fn points(&self, part: usize, block: u64) -> Option<Arc<Points>> {
        *self.asked.borrow_mut() += 1;
        self.blocks.get(&(part, block)).cloned()
    }

    fn buckets(&self, part: usize, row: RowId) -> Option<Arc<Buckets>> {
        *self.asked.borrow_mut() += 1;
        self.rows.get(&(part, row)).cloned()
    }
}

impl Memory {
    pub fn of(parts: &[Points]) -> (Course, Self) {
        let (mut course, mut all) = (Course::new(), Self::default());
        for (part, points) in parts.iter().enumerate() {
            course.begin_part();
            let cut = |from: usize, to: usize| {
                Points::from_columns(points.steps()[from..to].to_vec(), points.values()[from..to].to_vec())
            };
            let blocks: Vec<Points> = (0..points.len())
                .step_by(CHUNK_POINTS)
                .map(|from| cut(from, points.len().min(from + CHUNK_POINTS)))
                .collect();
            let sealed = points.len() / CHUNK_POINTS;
            let rows = sealed / ROW_FAN as usize;
            let mut below = Vec::new();
            for number in 0..rows {
                let own = &blocks[number * ROW_FAN as usize..(number + 1) * ROW_FAN as usize];
                let summary = own.iter().map(Summary::of).reduce(|a, b| a.merge(&b)).unwrap();
                let mut fine = Buckets::default();
                own.iter().for_each(|block| fine.extend_from(&Buckets::of(block)));
                if summary.resets == 0 {
                    course.push(true, number as u64, &summary);
                } else {
                    for (i, block) in own.iter().enumerate() {
                        course.push(false, number as u64 * ROW_FAN + i as u64, &Summary::of(block));
                    }
                }
                below.push(all.put(part, 1, number as u64, fine));
            }
            for (number, block) in blocks.iter().enumerate().skip(rows * ROW_FAN as usize) {
                course.push(false, number as u64, &Summary::of(block));
            }
            for level in 2..5 {
                let next: Vec<_> = below
                    .chunks_exact(ROW_FAN as usize)
                    .map(|own| row_above(own.iter().map(AsRef::as_ref)))
                    .collect();
                below = (0..).zip(next).map(|(number, fine)| all.put(part, level, number, fine)).collect();
            }
            all.blocks.extend((0..).zip(blocks).map(|(number, block)| ((part, number), Arc::new(block))));
        }
        (course, all)
    }

    fn put(&mut self, part: usize, level: u8, number: u64, fine: Buckets) -> Arc<Buckets> {
        let coarse = Arc::new(fine.coarse());
        self.rows.insert((part, RowId { level, coarse: true, number }), coarse.clone());
        self.rows.insert((part, RowId { level, coarse: false, number }), Arc::new(fine));
        coarse
    }
}

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A series of `n` points: even steps, uneven ones, bursts; now and then a spike, a gap, a value that is not finite.
fn series(n: usize, seed: u64, manner: u8, restarts: usize) -> Points {
    let mut noise = Noise(seed.wrapping_mul(2).wrapping_add(1));
    let mut step = 0.0;
    let mut all = Points::with_capacity(n);
    for i in 0..n {
        step += match manner % 4 {
            0 => 1.0,
            1 => noise.next() * 3.0,
            2 => (noise.next() * 1.2).floor(),
            _ => {
                if i % 700 == 0 {
                    5000.0 * noise.next()
                } else {
                    0.01
                }
            }
        };
        if restarts > 0 && i > 0 && i % (n / (restarts + 1)).max(1) == 0 {
            step *= noise.next();
        }
        let value = match noise.next() {
            odd if odd > 0.99995 => 1000.0 * noise.next(),
            odd if odd < 0.00005 => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY][i % 3],
            _ => (i as f64 / 9000.0).sin() + noise.next() - 0.5,
        };
        all.push(super::super::Point { step, value, wall_ms: None });
    }
    all
}

fn drawn(course: &Course, tiles: &Memory, range: Range<u64>, columns: Columns) -> (Reduced, bool) {
    let (mut painter, mut out) = (Painter::new(columns), Reduced::default());
    course.paint(range, tiles, &mut painter);
    painter.draw(Edge::Both, &mut out);
    (out, painter.is_exact())
}

type Extremes = std::collections::BTreeMap<usize, (f64, f64)>;

fn extremes(points: impl Iterator<Item = (f64, f64)>, columns: &Columns) -> Extremes {
    let mut all = Extremes::new();
    let (from, to) = columns.range();
    for (x, y) in points.filter(|(x, y)| *x >= from && *x <= to && y.is_finite()) {
        let own = all.entry(columns.of(x)).or_insert((y, y));
        *own = (own.0.min(y), own.1.max(y));
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_point_lies_outside_of_what_is_drawn(
        n in prop_oneof![1usize..300, 1000usize..20_000, 60_000usize..260_000], seed in any::<u64>(), manner in 0u8..4,
        restarts in 0usize..4, files in 1usize..3, count in 1usize..2000,
        ends in prop_oneof![2 => Just((0.0, 1.0)), 3 => (0.0..1.0f64, 0.0..1.0f64)],
        scale in prop::sample::select(vec![Scale::Linear, Scale::Log, Scale::Symlog]),
    ) {
        let all = series(n, seed, manner, restarts);
        let cut = n / files;
        let parts: Vec<Points> = (0..files)
            .map(|i| all.iter().skip(i * cut).take(if i + 1 == files { n } else { cut }).collect())
            .collect();
        let (course, tiles) = Memory::of(&parts);
        prop_assert_eq!(course.len(), n as u64);
        let Some(Order::Segments(segments)) = course.order(&tiles) else { panic!("few restarts") };
        let expected = super::super::segments(all.steps());
        let plain = |range: &Range<usize>| range.start as u64..range.end as u64;
        let expected: Vec<Segment> =
            expected.iter().map(|it| Segment { range: plain(&it.range), live: plain(&it.live) }).collect();
        prop_assert_eq!(&segments, &expected);

        let (low, high) = course.span().unwrap();
        let floor = if scale == Scale::Log { low.max(high * 1e-6) } else { low };
        let at = |part: f64| floor + (high - floor) * part;
        let columns = Columns::new(at(ends.0.min(ends.1)), at(ends.0.max(ends.1)), count, scale);
        for segment in segments {
            let own = segment.range.start as usize..segment.range.end as usize;
            let points: Vec<(f64, f64)> =
                all.steps()[own.clone()].iter().copied().zip(all.values()[own].iter().copied()).collect();
            let (got, exact) = drawn(&course, &tiles, segment.range.clone(), columns);
            let truth = extremes(points.iter().copied(), &columns);
            let shown = extremes(got.pieces.iter().flatten().copied(), &columns);
            for (column, (low, high)) in &truth {
                let own = shown.get(column);
                prop_assert!(own.is_some_and(|own| own.0 <= *low && own.1 >= *high), "column {} of {:?}", column, own);
            }
            // What a bucket across an edge brings over lies in a column beside it, or as near beyond the range.
            let beyond = points.iter().filter(|p| p.1.is_finite()).filter_map(|p| {
                let place = columns.place(p.0);
                let last = columns.count() - 1;
                let column = if (-1.0..0.0).contains(&place) { 0 } else { last };
                let near = (-1.0..0.0).contains(&place) || p.0 > columns.range().1 && place <= last as f64 + 2.0;
                near.then_some((column, p.1))
            });
            let mut truth = truth;
            for (column, value) in beyond {
                let own = truth.entry(column).or_insert((value, value));
                *own = (own.0.min(value), own.1.max(value));
            }
            for (column, (low, high)) in &shown {
                let near = truth.range(column.saturating_sub(1)..=column + 1);
                let near = near.fold((f64::MAX, f64::MIN), |all, (_, own)| (all.0.min(own.0), all.1.max(own.1)));
                prop_assert!(near.0 <= *low && near.1 >= *high, "column {column}: {low} {high} of {near:?}");
            }
            let inside = |x: f64| x >= columns.range().0 && x <= columns.range().1;
            if exact {
                let mut every = points.iter().filter(|p| inside(p.0) && p.1.is_finite());
                let lone = got.pieces.iter().flatten().filter(|p| inside(p.0)).all(|p| every.next() == Some(p));
                prop_assert!(lone && every.next().is_none(), "each point is its own");
            }
            for kind in [NonFinite::Nan, NonFinite::PosInf, NonFinite::NegInf] {
                let is = |p: &&(f64, f64)| inside(p.0) && NonFinite::of(p.1) == Some(kind);
                let marked = got.specials.iter().any(|special| special.kind == kind);
                prop_assert_eq!(points.iter().any(|p| is(&p)), marked);
            }
        }
    }

    #[test]
    fn a_point_is_found_by_its_step(
        n in prop_oneof![1usize..9000, 60_000usize..200_000], seed in any::<u64>(), manner in 0u8..4, part in -0.1..1.1f64,
    ) {
        let all = series(n, seed, manner, 0);
        let (course, tiles) = Memory::of(std::slice::from_ref(&all));
        let (low, high) = course.span().unwrap();
        let x = low + (high - low) * part;
        let expected = all.steps().partition_point(|step| *step < x) as u64;
        prop_assert_eq!(course.first_from(0..n as u64, x, &tiles), Some(expected));
        if let Some(point) = all.get(expected as usize) {
            let got = course.point(expected, &tiles).unwrap();
            prop_assert_eq!((got.step, got.value.to_bits()), (point.step, point.value.to_bits()));
        }
    }
}

#[test]
fn a_spike_in_ten_million_points_is_drawn_from_few_buckets() {
    let n = 10_000_000;
    let mut values: Vec<f64> = (0..n).map(|i| f64::from(i % 1000) / 1000.0).collect();
    values[7_654_321] = 42.0;
    let points = Points::from_columns((0..n).map(f64::from).collect(), values);
    let (course, tiles) = Memory::of(&[points]);
    tiles.asked.replace(0);
    for count in [3200, 480, 20] {
        let columns = Columns::new(0.0, f64::from(n - 1), count, Scale::Linear);
        let (got, exact) = drawn(&course, &tiles, 0..course.len(), columns);
        assert!(!exact);
        let spike = got.pieces.iter().flatten().find(|p| p.1 == 42.0).unwrap();
        assert!((spike.0 - 7_654_321.0).abs() <= f64::from(n) / count as f64, "{spike:?}");
        assert!(got.len() <= 2 * count + 4, "{} points in {count} columns", got.len());
    }
    let asked = tiles.asked.replace(0);
    assert!(asked < 200, "{asked} tiles for three pictures");
    let columns = Columns::new(7_654_300.0, 7_654_340.0, 1600, Scale::Linear);
    let (got, exact) = drawn(&course, &tiles, 0..course.len(), columns);
    assert!(exact && got.pieces[0].contains(&(7_654_321.0, 42.0)));
    assert_eq!(got.len(), 43, "41 points and one beyond each end");
}

#[test]
fn points_out_of_order_have_an_envelope() {
    let steps: Vec<f64> = (0..200_000u32).map(|i| f64::from(i ^ 3)).collect();
    let values: Vec<f64> = steps.iter().map(|x| if *x == 777.0 { 9.0 } else { x.sin() }).collect();
    let (course, tiles) = Memory::of(&[Points::from_columns(steps, values)]);
    assert_eq!(course.order(&tiles), Some(Order::None));
    let columns = Columns::new(0.0, 200_000.0, 300, Scale::Linear);
    let (mut painter, mut out) = (Painter::new(columns).loose(), Reduced::default());
    course.paint(0..course.len(), &tiles, &mut painter);
    painter.draw(Edge::Both, &mut out);
    assert_eq!(out.pieces.len(), 1, "one line");
    assert!(out.pieces[0].windows(2).all(|two| two[0].0 <= two[1].0), "by step");
    assert_eq!(out.pieces[0].iter().filter(|p| p.1 == 9.0).count(), 1);
}

#[test]
fn what_is_missing_is_said() {
    let (course, _) = Memory::of(&[series(70_000, 1, 0, 1)]);
    assert_eq!(course.order(&Memory::default()), None);
    assert_eq!(course.point(3, &Memory::default()).map(|it| it.step), None);
    assert_eq!(course.first_from(0..100, 50.0, &Memory::default()), None);
}
