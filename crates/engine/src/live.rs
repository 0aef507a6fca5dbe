//! What is shown of a running attempt beyond its status: progress, and the latest value of each metric.

use athanor_core::progress::{Progress, Unit};
use serde::{Deserialize, Serialize};

/// Progress and latest metrics.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Live {
    /// How far it is.
    pub progress: Option<Progress>,
    /// The latest value of each metric, in the order of the file's columns.
    pub metrics: Vec<Latest>,
}

/// The latest value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Latest {
    /// The metric's name.
    pub key: String,
    /// Its value; may be NaN or infinite.
    pub value: f64,
    /// The step at which it was written.
    pub step: f64,
}

#[derive(Serialize, Deserialize)]
struct StoredProgress {
    fraction: Option<f64>,
    current: Option<u64>,
    total: Option<u64>,
    unit: String,
}

impl Live {
    /// From the two JSON columns of the store. What can't be read is left out: it is shown again with the next
    /// line that the job writes.
    #[must_use]
    pub fn from_stored(progress: Option<&str>, metrics: Option<&str>) -> Self {
        let progress =
            progress.and_then(|text| serde_json::from_str::<StoredProgress>(text).ok()).map(|stored| {
                let unit = match stored.unit.as_str() {
                    "epoch" => Unit::Epoch,
                    "step" => Unit::Step,
                    _ => Unit::Percent,
                };
                Progress { fraction: stored.fraction, current: stored.current, total: stored.total, unit }
            });
        // Values as text, since JSON has no NaN; Rust's own form of a float reads back bit by bit.
        let metrics = metrics
            .and_then(|text| serde_json::from_str::<Vec<(String, String, f64)>>(text).ok())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|(key, value, step)| Some(Latest { key, value: value.parse().ok()?, step }))
            .collect();
        Self { progress, metrics }
    }

    /// The two JSON columns of the store.
    #[must_use]
    pub fn to_stored(&self) -> (Option<String>, Option<String>) {
        let progress = self.progress.map(|progress| StoredProgress {
            fraction: progress.fraction,
            current: progress.current,
            total: progress.total,
            unit: match progress.unit {
                Unit::Epoch => "epoch",
                Unit::Step => "step",
                Unit::Percent => "percent",
            }
            .into(),
        });
        let metrics: Vec<(&str, String, f64)> = self
            .metrics
            .iter()
            .map(|latest| (latest.key.as_str(), latest.value.to_string(), latest.step))
            .collect();
        (
            progress.and_then(|progress| serde_json::to_string(&progress).ok()),
            (!metrics.is_empty()).then(|| serde_json::to_string(&metrics).ok()).flatten(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back() {
        let live = Live {
            progress: Some(Progress {
                fraction: Some(0.25),
                current: Some(3),
                total: Some(12),
                unit: Unit::Epoch,
            }),
            metrics: vec![
                Latest { key: "loss".into(), value: 0.1 + 0.2, step: 7.0 },
                Latest { key: "diverged".into(), value: f64::INFINITY, step: 8.0 },
            ],
        };
        let (progress, metrics) = live.to_stored();
        assert_eq!(Live::from_stored(progress.as_deref(), metrics.as_deref()), live);
        assert_eq!(Live::from_stored(Some("{"), Some("nonsense")), Live::default());
    }
}
