#![allow(clippy::unwrap_used)]

use serde_json::Value;

use super::*;

/// Written by `tests/fixtures/pandas/samples.py`.
const PANDAS: &str = include_str!("../../../../tests/fixtures/pandas/samples.json");

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn near(own: Option<f64>, theirs: &Value, what: &str) {
    let (own, theirs) = (own.unwrap(), theirs.as_f64().unwrap());
    assert!((own - theirs).abs() <= 1e-9 * theirs.abs().max(1e-12), "{what}: {own} and {theirs}");
}

#[test]
fn samples_have_the_numbers_of_numpy_pandas_and_scipy() {
    let all: Value = serde_json::from_str(PANDAS).unwrap();
    for sample in all["samples"].as_array().unwrap() {
        let values = numbers(&sample["values"]);
        near(mean(&values), &sample["mean"], "mean");
        near(deviation(&values), &sample["deviation"], "deviation");
        near(standard_error(&values), &sample["error"], "error");
        assert_eq!(ranks(&values), numbers(&sample["ranks"]));
        let ordered = sorted(values);
        for pair in sample["quantiles"].as_array().unwrap() {
            near(quantile(&ordered, pair[0].as_f64().unwrap()), &pair[1], "quantile");
        }
        let whiskers = crate::chart::plots::whiskers(&ordered).unwrap();
        near(Some(whiskers.0), &sample["whiskers"][0], "lower whisker");
        near(Some(whiskers.1), &sample["whiskers"][1], "upper whisker");
    }
    for pair in all["pairs"].as_array().unwrap() {
        let pairs: Vec<(f64, f64)> = pair["pairs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (it[0].as_f64().unwrap(), it[1].as_f64().unwrap()))
            .collect();
        near(spearman(&pairs), &pair["spearman"], "spearman");
    }
}
