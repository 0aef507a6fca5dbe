//! Values at a step, as comparisons read them.

use super::*;

/// The last value at the greatest step up to this one, by looking at all points.
fn expected(points: &[(f64, f64)], step: f64) -> Option<(f64, f64)> {
    let fitting = points.iter().copied().filter(|(at, _)| *at <= step);
    fitting.fold(None, |best: Option<(f64, f64)>, next| match best {
        Some(best) if best.0 > next.0 => Some(best),
        _ => Some(next),
    })
}

#[tokio::test]
async fn a_metrics_value_at_a_step_is_found_among_many_points_and_after_restarts() {
    let case = Case::new().await;
    // Enough for summaries of summaries; it goes back twice, once a little and once to the start.
    let steps = (0..40_000_u32).chain(39_000..52_345).chain(10..20);
    let value = |place: usize| f64::from(u32::try_from(place).expect("few")) / 8.0;
    let points: Vec<(f64, f64)> =
        steps.enumerate().map(|(place, step)| (f64::from(step * 2), value(place))).collect();
    let rows: String = points.iter().map(|(step, value)| format!("{step},{value}\n")).collect();
    case.write("long/metrics.csv", &format!("step,loss\n{rows}"));
    case.write("short/metrics.csv", "step,loss\n5,1\n10,nan\n15,3\n");
    let watch = case.watch().await;
    let known = case.index.store().known_runs(watch).await.expect("readable");
    let run = |name: &str| known.iter().find(|run| run.folder.ends_with(name)).expect("the run").id;
    let at = async |name: &str, metric: &str, step: f64| {
        case.index.value_at(run(name), metric, step).await.expect("readable")
    };
    for step in [
        0.0, 1.0, 20.0, 25.0, 38.0, 39.0, 40.0, 1_000.5, 77_999.0, 78_000.0, 79_998.0, 80_000.0, 99_999.0,
        104_688.0, 1e9,
    ] {
        let found = at("long", "loss", step).await.map(|place| (place.step.expect("a step"), place.value));
        assert_eq!(found, expected(&points, step), "step {step}");
    }
    assert_eq!(at("long", "loss", -1.0).await, None);
    assert_eq!(at("long", "accuracy", 5.0).await, None);
    assert_eq!(at("short", "loss", 4.0).await, None);
    assert!(
        at("short", "loss", 12.0).await.is_some_and(|place| place.value.is_nan() && place.step == Some(10.0))
    );
    assert_eq!(at("short", "loss", 15.0).await.map(|place| place.value), Some(3.0));
}
