use proptest::prelude::*;

use super::*;

fn sweep(axes: &[&str], mode: Mode) -> Sweep {
    Sweep { axes: axes.iter().map(|axis| parse_axis(axis).unwrap()).collect(), mode }
}

fn names(sweep: &Sweep) -> Vec<String> {
    sweep.points().map(|point| sweep.names().name(&point)).collect()
}

fn point(pairs: &[(&str, &str)]) -> Point {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), Scalar::source(value))).collect()
}

#[test]
fn a_grid_goes_through_all_combinations_the_last_axis_first() {
    let grid = sweep(&["optimizer.lr=0.10,0.01", "seed=1..3"], Mode::Grid);
    assert_eq!(grid.count(), 6);
    assert_eq!(grid.validate(), Ok(()));
    let expected = ["lr=0.10 seed=1", "lr=0.10 seed=2", "lr=0.10 seed=3", "lr=0.01 seed=1"];
    assert_eq!(&names(&grid)[..4], expected);
    assert_eq!(grid.points().size_hint(), (6, Some(6)));
}

#[test]
fn points_that_were_listed_come_as_they_are() {
    let points = vec![point(&[("a", "1"), ("b", "x")]), point(&[("a", "2")])];
    let listed = Sweep { axes: Vec::new(), mode: Mode::Listed { points: points.clone() } };
    assert_eq!(listed.validate(), Ok(()));
    assert_eq!(listed.points().collect::<Vec<_>>(), points);
    assert_eq!(names(&listed), ["a=1 b=x", "a=2"]);
}

#[test]
fn what_can_not_be_taken_is_refused_before_it_is_expanded() {
    let listed = |points| Sweep { axes: Vec::new(), mode: Mode::Listed { points } };
    let huge: Vec<String> = (0..40).map(|key| format!("k{key}=0..1999")).collect();
    let huge: Vec<&str> = huge.iter().map(String::as_str).collect();
    let empty = Sweep { axes: vec![Axis { key: "a".into(), values: Vec::new() }], mode: Mode::Grid };
    for (sweep, part) in [
        (sweep(&[], Mode::Grid), "has no key"),
        (empty, "no values"),
        (sweep(&["a=1", "a=2"], Mode::Grid), "names “a” twice"),
        (sweep(&["a=1,2,1"], Mode::Grid), "the value 1 twice"),
        (sweep(&["a=0..1000", "b=0..999"], Mode::Grid), "too many points (1001000)"),
        (sweep(&huge[..2], Mode::Grid), "too many points (4000000)"),
        (sweep(&huge, Mode::Grid), "more than can be counted"),
        (sweep(&huge, Mode::Random { count: 3, seed: 0 }), "too many combinations"),
        (sweep(&["a=1,2"], Mode::Random { count: 3, seed: 0 }), "its grid has 2"),
        (sweep(&["a=1,2"], Mode::Random { count: 0, seed: 0 }), "0 random points"),
        (listed(vec![]), "lists no points"),
        (listed(vec![vec![]]), "Point 1 has no key"),
        (listed(vec![point(&[("a", "1"), ("a", "2")])]), "Point 1 names “a” twice"),
        (listed(vec![point(&[("a", "1")]), point(&[("a", "1")])]), "“a=1” stands twice"),
    ] {
        let message = sweep.validate().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(sweep(&["a=0.1,0.10,'1',1"], Mode::Grid).validate(), Ok(()), "told apart by their text");
}

#[test]
fn names_are_short_but_not_ambiguous() {
    let name = |axes: &[&str]| names(&sweep(axes, Mode::Grid)).remove(0);
    assert_eq!(name(&["model.encoder.lr=1", "model.decoder.lr=2"]), "encoder.lr=1 decoder.lr=2");
    assert_eq!(name(&["lr=1", "model.lr=2"]), "lr=1 model.lr=2");
    assert_eq!(name(&["a.b=x"]), "b=x");
    assert_eq!(name(&["t='a\nb'"]), "t=a b");
    let long: Vec<String> = ["x", "y"].map(|end| name(&[&format!("t='{}{end}'", "é".repeat(200))])).into();
    assert_eq!(long[0].chars().count(), Names::LONGEST);
    assert_ne!(long[0], long[1], "what was cut still tells them apart");
}

#[test]
fn random_points_of_a_large_grid_need_no_time() {
    let axes: Vec<String> = (0..6).map(|key| format!("k{key}=0..999")).collect();
    let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
    let large = sweep(&axes, Mode::Random { count: 1000, seed: 7 });
    assert_eq!(large.validate(), Ok(()));
    let points: HashSet<Point> = large.points().collect();
    assert_eq!(points.len(), 1000);
    // All parts of the grid are drawn from: with 1000 points each tenth of an axis has about 100.
    let low = points.iter().filter(|point| point[0].1.as_str().len() < 3).count();
    assert!((50..200).contains(&low), "{low} of 1000 in the lowest tenth");
}

#[test]
fn the_seed_stays_what_it_was() {
    // A stored sweep is expanded again after an upgrade: these must not change.
    let random = sweep(&["a=0..9", "b=0..9"], Mode::Random { count: 3, seed: 42 });
    assert_eq!(names(&random).join(", "), "a=1 b=6, a=2 b=3, a=2 b=4");
}

#[test]
fn the_stored_form_reads_back() {
    let random = sweep(&["lr=0.10,1e-3", "id='1',1"], Mode::Random { count: 2, seed: 1 });
    let json = serde_json::to_string(&random).unwrap();
    assert_eq!(
        json,
        r#"{"axes":[{"key":"lr","values":["0.10","1e-3"]},{"key":"id","values":["'1'","1"]}],"mode":{"kind":"random","count":2,"seed":1}}"#
    );
    assert_eq!(serde_json::from_str::<Sweep>(&json).unwrap(), random);
}

proptest! {
    #[test]
    fn random_points_are_distinct_points_of_the_grid(
        sizes in prop::collection::vec(1usize..7, 1..4), seed: u64, part in 0.0f64..=1.0,
    ) {
        let axes: Vec<String> =
            sizes.iter().enumerate().map(|(key, size)| format!("k{key}=1..{size}")).collect();
        let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
        let grid: HashSet<Point> = sweep(&axes, Mode::Grid).points().collect();
        prop_assert_eq!(grid.len(), sizes.iter().product::<usize>(), "a grid has no point twice");
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let count = (grid.len() as f64 * part) as usize;
        let random = sweep(&axes, Mode::Random { count: count as u64, seed });
        let points: Vec<Point> = random.points().collect();
        prop_assert_eq!(points.len(), count);
        prop_assert_eq!(random.count(), count as u128);
        let distinct: HashSet<Point> = points.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), count, "drawn without replacement");
        prop_assert!(distinct.is_subset(&grid));
        prop_assert_eq!(random.points().collect::<Vec<_>>(), points, "the same seed, the same points");
    }

    #[test]
    fn a_shuffle_has_every_number_once(size in 1u64..600, seed: u64) {
        let shuffle = Shuffle::new(size, seed);
        let mut numbers: Vec<u64> = (0..size).map(|index| shuffle.at(index)).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..size).collect::<Vec<_>>());
    }

    #[test]
    fn shuffles_of_any_size_stay_inside(size in 1u64.., seed: u64, index: u64) {
        prop_assert!(Shuffle::new(size, seed).at(index % size) < size);
    }

    #[test]
    fn points_keep_the_order_of_the_axes(values in prop::collection::vec(1usize..5, 1..5)) {
        let axes: Vec<String> =
            values.iter().enumerate().map(|(key, size)| format!("k{key}=1..{size}")).collect();
        let axes: Vec<&str> = axes.iter().map(String::as_str).collect();
        let digits = |point: &Point| {
            point.iter().map(|(_, value)| value.as_str().parse::<usize>().unwrap()).collect::<Vec<_>>()
        };
        let points: Vec<Vec<usize>> = sweep(&axes, Mode::Grid).points().map(|point| digits(&point)).collect();
        prop_assert!(points.is_sorted(), "the first axis changes slowest");
    }
}
