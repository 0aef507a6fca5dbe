//! Charts of runs, from files to pictures.

use std::fmt::Write as _;

use athanor_core::chart::plots::{Centre, Spread};
use athanor_core::chart::{LABELS, Theme};
use athanor_core::query::Field;
use athanor_core::series::{Smoothing, smooth};
use jiff::tz::TimeZone;
use sqlx::Executor as _;

use super::*;
use crate::runs::lines::{Frame, LineGroups, LinesSpec, XAxis};
use crate::store::runs::TableRow;

fn frame(x: Option<(f64, f64)>) -> Frame {
    Frame {
        width: 800.0,
        height: 400.0,
        ratio: 2.0,
        screen: true,
        theme: Theme::Light,
        font: LABELS,
        zone: TimeZone::UTC,
        x,
        y: None,
    }
}

fn of(key: &str) -> LinesSpec {
    LinesSpec { keys: vec![key.to_owned()], ..LinesSpec::default() }
}

impl Case {
    async fn rows(&self, columns: &[Field]) -> Vec<TableRow> {
        let store = self.index.store();
        let now = athanor_core::query::Now { ms: 0, zone: TimeZone::UTC };
        let ids = store.run_ids(&crate::store::runs::Wanted::all(now)).await;
        let mut rows = store.run_rows(&ids.expect("listed"), columns).await.expect("read");
        rows.sort_by(|a, b| a.run.folder.cmp(&b.run.folder));
        rows
    }
}

/// A run of 200,000 steps with a spike and a gap, begun anew at 150,000.
fn long() -> (String, Vec<(f64, f64)>) {
    let steps = (0..180_000).chain(150_000..200_000);
    let value = |i: i32| match i {
        77_777 => 42.0,
        99_999 => f64::NAN,
        _ => f64::from(i % 1000) / 1000.0,
    };
    let points: Vec<(f64, f64)> = steps.map(|i| (f64::from(i), value(i))).collect();
    let mut text = String::from("step,loss\n");
    points.iter().for_each(|(step, value)| writeln!(text, "{step},{value}").expect("text"));
    (text, points)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_run_is_drawn_from_its_rows_and_from_its_blocks_alike() {
    let case = Case::new().await;
    let (text, points) = long();
    case.write("a/metrics.csv", &text);
    case.watch().await;
    let rows = case.rows(&[]).await;
    let drawn = case.index.lines(&rows, &of("loss"), &frame(None)).await.expect("drawn");
    let [line] = &drawn.lines[..] else { panic!("one line: {:?}", drawn.lines) };
    assert_eq!((line.points, line.exact, line.last), (230_000, false, Some((199_999.0, 0.999))));
    let shown = &drawn.drawn[0];
    assert!(shown.pieces.iter().flatten().any(|point| point.1 == 42.0), "the spike");
    assert_eq!(shown.specials.len(), 1, "the gap is marked");
    assert_eq!((shown.past[0][0].0 / 100.0).round(), 1500.0, "what was run again is the past");
    assert!(drawn.rendered.svg.len() < 30_000, "{} bytes", drawn.rendered.svg.len());

    // Another engine, whose rows were written without buckets.
    let Case { dir, .. } = case;
    let path = format!("sqlite:{}", Home::at(dir.path().join("home")).run_database().display());
    let database = sqlx::SqlitePool::connect(&path);
    let gone = database.await.expect("opens").execute("UPDATE block SET data = NULL WHERE level > 0").await;
    assert_eq!(gone.expect("written").rows_affected(), 3, "rows of level 1");
    let again = Case::over(dir).await;
    let rows = again.rows(&[]).await;
    let old = again.index.lines(&rows, &of("loss"), &frame(None)).await.expect("drawn");
    let extremes = |drawn: &crate::runs::lines::LinesDrawn| {
        drawn.drawn[0]
            .pieces
            .iter()
            .flatten()
            .fold((9.0f64, 0.0f64), |all, at| (all.0.min(at.1), all.1.max(at.1)))
    };
    assert_eq!(extremes(&old), extremes(&drawn));
    assert_eq!(old.drawn[0].past.len(), 1);

    let near =
        again.index.lines(&rows, &of("loss"), &frame(Some((77_700.0, 77_800.0)))).await.expect("drawn");
    assert!(near.lines[0].exact);
    let expected: Vec<(f64, f64)> = points[77_699..=77_801].to_vec();
    assert_eq!(near.drawn[0].pieces, [expected], "each point is its own, and one beyond each end");
    for at in [0.0, 77_777.2, 149_999.6, 150_000.0, 199_999.4] {
        let read = again.index.read_lines(&rows, &of("loss"), at, 0.5).await.expect("read");
        let expected = points.iter().rev().find(|point| point.0 == at.round()).expect("there");
        assert_eq!((read[0].x, read[0].y), *expected);
    }
    assert!(
        again.index.read_lines(&rows, &of("loss"), 200_000.0, 0.5).await.expect("read").is_empty(),
        "it has ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn smoothed_lines_are_those_of_all_points_wherever_one_looks() {
    let case = Case::new().await;
    let (text, points) = long();
    case.write("a/metrics.csv", &text);
    case.watch().await;
    let rows = case.rows(&[]).await;
    // What counts: the second segment from its first step on.
    let first: Vec<f64> = points[..180_000].iter().map(|point| point.1).collect();
    let second: Vec<f64> = points[180_000..].iter().map(|point| point.1).collect();
    let check = async |smoothing: Smoothing, expected: &dyn Fn(usize) -> f64| {
        let spec = LinesSpec { smoothing, ..of("loss") };
        for step in [0usize, 3, 4095, 4096, 70_000, 77_790, 149_999, 150_000, 150_003, 199_999] {
            let read = case.index.read_lines(&rows, &spec, step as f64, 0.5).await.expect("read");
            let (got, expected) = (read[0].y, expected(step));
            assert!(
                (got - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
                "{smoothing:?} at {step}: {got} {expected}"
            );
            assert_eq!(
                read[0].raw,
                Some(points.iter().rev().find(|point| point.0 == step as f64).expect("there").1)
            );
        }
        let drawn = case.index.lines(&rows, &spec, &frame(Some((77_000.0, 78_000.0)))).await.expect("drawn");
        assert!(drawn.drawn[0].raw.iter().flatten().any(|point| point.1 == 42.0), "the raw line behind");
    };
    let (one, two) = (smooth(&first, 0.99), smooth(&second, 0.99));
    check(Smoothing::Exponential(0.99), &|step| if step < 150_000 { one[step] } else { two[step - 150_000] })
        .await;
    let mean = |values: &[f64], at: usize| {
        let near: Vec<f64> = values[at.saturating_sub(5000)..(at + 5000).min(values.len())]
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .collect();
        near.iter().sum::<f64>() / near.len() as f64
    };
    check(Smoothing::Mean(10_000), &|step| {
        if step < 150_000 { mean(&first, step) } else { mean(&second, step - 150_000) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_metrics_and_times_stand_on_the_x_axis() {
    let case = Case::new().await;
    let mut text = String::from("step,epoch,loss,samples,timestamp\n");
    for i in 0..50 {
        let (epoch, samples) = (i / 10, i * i);
        // Epochs are logged at every other step.
        let epoch = if i % 2 == 0 { epoch.to_string() } else { String::new() };
        writeln!(text, "{i},{epoch},{},{samples},", 50 - i).expect("text");
    }
    case.write("a/metrics.csv", &text);
    case.watch().await;
    let rows = case.rows(&[]).await;
    let x = |axis: XAxis| LinesSpec { x: axis, ..of("loss") };
    let drawn =
        case.index.lines(&rows, &x(XAxis::Metric("samples".into())), &frame(None)).await.expect("drawn");
    let expected: Vec<(f64, f64)> = (0..50).map(|i| (f64::from(i * i), f64::from(50 - i))).collect();
    assert_eq!(drawn.drawn[0].pieces, [expected]);
    let drawn = case.index.lines(&rows, &x(XAxis::Epoch), &frame(None)).await.expect("drawn");
    assert_eq!((drawn.rendered.x.min, drawn.rendered.x.max), (0.0, 4.0));
    let read = case.index.read_lines(&rows, &x(XAxis::Epoch), 2.0, 0.1).await.expect("read");
    assert_eq!(
        (read[0].x, read[0].y),
        (2.0, 21.0),
        "the last of that epoch: step 30 begins the next, 29 ends this one"
    );
    let drawn =
        case.index.lines(&rows, &x(XAxis::Metric("missing".into())), &frame(None)).await.expect("drawn");
    assert!(drawn.drawn[0].pieces.is_empty() && drawn.lines[0].last.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_that_agree_are_one_line() {
    let case = Case::new().await;
    for (name, lr, seed) in [("a", 0.1, 1), ("b", 0.1, 2), ("c", 0.01, 1)] {
        case.write(&format!("{name}/hparams.yaml"), &format!("lr: {lr}\nseed: {seed}\n"));
        let text = (0..100).fold(String::from("step,loss\n"), |text, i| format!("{text}{i},{}\n", i * seed));
        case.write(&format!("{name}/metrics.csv"), &text);
    }
    case.watch().await;
    let rows = case.rows(&[Field::of_column("config.lr").expect("a column")]).await;
    let spec =
        LinesSpec { group: Some(LineGroups { centre: Centre::Mean, band: Spread::Range }), ..of("loss") };
    let drawn = case.index.lines(&rows, &spec, &frame(None)).await.expect("drawn");
    let runs: Vec<usize> = drawn.lines.iter().map(|line| line.runs.len()).collect();
    assert_eq!(runs, [2, 1]);
    assert_eq!(drawn.drawn[0].pieces[0][10], (10.0, 15.0));
    let (upper, lower) = drawn.drawn[0].band.as_ref().expect("a band");
    assert_eq!((upper[0][10].1, lower[0][10].1), (20.0, 10.0));
    let read = case.index.read_lines(&rows, &spec, 30.2, 0.5).await.expect("read");
    assert_eq!((read[0].x, read[0].y, read[0].band, read[0].runs), (30.0, 45.0, Some((30.0, 60.0)), 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_appended_is_in_the_next_picture() {
    let case = Case::new().await;
    let value = |i: usize| (i % 7) as f64 + (i / 5000) as f64;
    let mut all: Vec<f64> = (0..150_000).map(value).collect();
    let mut text = String::from("step,loss\n");
    all.iter().enumerate().for_each(|(i, value)| writeln!(text, "{i},{value}").expect("text"));
    case.write("a/metrics.csv", &text);
    case.watch().await;
    let rows = case.rows(&[]).await;
    let exponential = LinesSpec { smoothing: Smoothing::Exponential(0.99), ..of("loss") };
    let mean = LinesSpec { smoothing: Smoothing::Mean(101), ..of("loss") };
    let before = case.index.lines(&rows, &of("loss"), &frame(None)).await.expect("drawn");
    assert_eq!(before.lines[0].last, Some((149_999.0, all[149_999])));
    for more in [1, 3000, 60_000] {
        for spec in [&exponential, &mean] {
            case.index.lines(&rows, spec, &frame(None)).await.expect("drawn");
            let near = Some((all.len() as f64 - 100.0, all.len() as f64));
            case.index.lines(&rows, spec, &frame(near)).await.expect("drawn");
        }
        let from = all.len();
        all.extend((from..from + more).map(value));
        all[from + more - 1] = 99.0;
        let text = (from..from + more).fold(String::new(), |mut text, i| {
            writeln!(text, "{i},{}", all[i]).expect("text");
            text
        });
        case.append("a/metrics.csv", &text);
        let after = case.wait("it is read", async || {
            let drawn = case.index.lines(&rows, &of("loss"), &frame(None)).await.expect("drawn");
            (drawn.lines[0].points == all.len() as u64).then_some(drawn)
        });
        let last = all.len() - 1;
        assert_eq!(after.await.drawn[0].pieces[0].last(), Some(&(last as f64, 99.0)));
        let smoothed = smooth(&all, 0.99);
        for at in [0, 131_071, 131_072, from - 60, from - 1, from, last] {
            let read = async |spec| {
                case.index.read_lines(&rows, spec, at as f64, 0.5).await.expect("read")[0].clone()
            };
            assert!((read(&exponential).await.y - smoothed[at]).abs() < 1e-9, "at {at} of {last}");
            let near = &all[at.saturating_sub(50)..(at + 51).min(all.len())];
            let expected = near.iter().sum::<f64>() / near.len() as f64;
            assert!((read(&mean).await.y - expected).abs() < 1e-9, "the mean at {at} of {last}");
            assert_eq!(read(&mean).await.raw, Some(all[at]));
        }
        let drawn = case.index.lines(&rows, &exponential, &frame(None)).await.expect("drawn");
        let high = drawn.drawn[0].pieces.iter().flatten().fold(0.0f64, |high, at| high.max(at.1));
        assert_eq!(high, smoothed.iter().copied().fold(0.0, f64::max));
    }
}
