#![allow(clippy::unwrap_used)]

//! The numbers that pandas and scipy have: `tests/fixtures/pandas/lines.py`.

use serde_json::Value;

use super::together::join;
use super::{Smoothing, smooth, smooth_around};
use crate::chart::plots::{Centre, Spread};

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../../tests/fixtures/pandas/lines.json")).unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

/// Equal to a billionth of what counts: the value itself, or what it was computed from.
fn check(what: &str, got: &[f64], expected: &[f64], size: impl Fn(usize) -> f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let near =
            (got - expected).abs() <= 1e-9 * expected.abs().max(size(i)) || got.is_nan() && expected.is_nan();
        assert!(near, "{what} at {i}: {got} and not {expected}");
    }
}

fn around(values: &[f64], smoothing: Smoothing) -> Vec<f64> {
    let mut out = Vec::new();
    smooth_around(values, 0..values.len(), smoothing, &mut out);
    // In parts, from no more than it reaches around them, it is the same.
    let (reach, mut parts) = (smoothing.reach(), Vec::new());
    for from in (0..values.len()).step_by(64) {
        let to = values.len().min(from + 64);
        let (start, end) = (from.saturating_sub(reach), values.len().min(to + reach));
        smooth_around(&values[start..end], from - start..to - start, smoothing, &mut parts);
    }
    check("in parts", &parts, &out, |_| 0.0);
    out
}

#[test]
fn smoothed_lines_are_those_of_pandas_and_scipy() {
    let all = &fixture()["smoothed"];
    let (values, gaps) = (numbers(&all["values"]), numbers(&all["gaps"]));
    for (weight, expected) in all["exponential"].as_object().unwrap() {
        check("exponential", &smooth(&values, weight.parse().unwrap()), &numbers(expected), |_| 0.0);
    }
    // Of a missing value pandas says again what it said before; here it stays missing.
    let but_gaps = |mut expected: Vec<f64>| {
        expected.iter_mut().zip(&gaps).filter(|(_, gap)| gap.is_nan()).for_each(|(it, _)| *it = f64::NAN);
        expected
    };
    check("with gaps", &smooth(&gaps, 0.9), &but_gaps(numbers(&all["exponential_gaps"])), |_| 0.0);
    for (points, expected) in all["mean"].as_object().unwrap() {
        // pandas keeps a trace of the spike after it has passed.
        let near = |i: usize| if i > 77 { 1e6 * 1e-6 } else { 0.0 };
        check("mean", &around(&values, Smoothing::Mean(points.parse().unwrap())), &numbers(expected), near);
    }
    check(
        "mean with gaps",
        &around(&gaps, Smoothing::Mean(9)),
        &but_gaps(numbers(&all["mean_gaps"])),
        |_| 1.0,
    );
    for (sigma, expected) in all["gaussian"].as_object().unwrap() {
        let got = around(&values, Smoothing::Gaussian(sigma.parse().unwrap()));
        check("gaussian", &got, &numbers(expected), |_| 0.0);
    }
}

#[test]
fn lines_as_one_are_those_of_pandas() {
    let all = &fixture()["together"];
    let lines: Vec<(Vec<f64>, Vec<f64>)> =
        all["runs"].as_array().unwrap().iter().map(|run| (numbers(&run[0]), numbers(&run[1]))).collect();
    let steps = numbers(&all["step"]);
    let of = |centre, spread| join(&lines, centre, spread);
    let got = of(Centre::Mean, Spread::Deviation);
    assert_eq!(got.iter().map(|point| point.0).collect::<Vec<_>>(), steps);
    let column = |got: &[(f64, super::together::Joint)],
                  of: fn(&super::together::Joint) -> f64|
     -> Vec<f64> { got.iter().map(|(_, joint)| of(joint)).collect() };
    let one = |_: usize| 1.0;
    check("mean", &column(&got, |it| it.centre), &numbers(&all["mean"]), one);
    check("deviation", &column(&got, |it| it.high - it.centre), &numbers(&all["deviation"]), one);
    check("count", &column(&got, |it| it.lines as f64), &numbers(&all["count"]), one);
    check(
        "error",
        &column(&of(Centre::Mean, Spread::Error), |it| it.centre - it.low),
        &numbers(&all["error"]),
        one,
    );
    let got = of(Centre::Median, Spread::Quantile);
    check("median", &column(&got, |it| it.centre), &numbers(&all["median"]), one);
    check("25 %", &column(&got, |it| it.low), &numbers(&all["low"]), one);
    check("75 %", &column(&got, |it| it.high), &numbers(&all["high"]), one);
    let got = of(Centre::Mean, Spread::Range);
    check("least", &column(&got, |it| it.low), &numbers(&all["least"]), one);
    check("greatest", &column(&got, |it| it.high), &numbers(&all["greatest"]), one);
}
