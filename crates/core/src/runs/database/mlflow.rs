//! MLflow's tables (`mlflow/store/tracking/dbmodels/models.py`).
//!
//! - `value` cannot hold what is not finite: NaN is 0 with `is_nan`, the infinities are the largest finite numbers.
//! - A deleted run keeps its rows and says so (`lifecycle_stage`). It is left out; should it be restored, the database
//!   is read anew.

use std::collections::HashMap;

use super::super::{End, Fact, mlflow};
use super::{Cell, Named, Seen, State, Table, Told};
use crate::csv::wall_ms;
use crate::sweep::Scalar;

pub(super) const TABLES: [Table; 5] = [
    Table { name: "experiments", grows: false, must: true },
    Table { name: "runs", grows: false, must: true },
    Table { name: "params", grows: true, must: true },
    Table { name: "tags", grows: false, must: true },
    Table { name: "metrics", grows: true, must: true },
];

pub(super) struct MlFlow {
    pub(super) columns: HashMap<&'static str, Vec<String>>,
    /// Names of the experiments by their ids.
    experiments: HashMap<i64, String>,
    seen: Seen,
}

impl MlFlow {
    pub(super) fn new(columns: HashMap<&'static str, Vec<String>>) -> Self {
        Self { columns, experiments: HashMap::new(), seen: Seen::default() }
    }

    pub(super) fn forget(&mut self) {
        self.seen = Seen::default();
    }

    /// Whether the database must be read anew.
    pub(super) fn row(
        &mut self,
        table: &'static str,
        cells: &[Cell<'_>],
        state: &mut State,
        out: &mut Told,
    ) -> bool {
        let Some(columns) = self.columns.get(table) else { return false };
        let row = Named { columns, cells };
        if table == "experiments" {
            if let (Some(id), Some(name)) = (row.get("experiment_id").int(), row.text("name")) {
                self.experiments.insert(id, name.to_owned());
            }
            return false;
        }
        let Some(run) = row.text("run_uuid") else {
            out.issue(format!("a row of the table {table} names no run"));
            return false;
        };
        if table == "runs" {
            let is_deleted = row.text("lifecycle_stage") == Some("deleted");
            if is_deleted {
                if state.deleted.insert(run.to_owned()) {
                    out.gone.push(run.to_owned());
                }
                return false;
            }
            if state.deleted.remove(run) {
                return true;
            }
        }
        if state.deleted.contains(run) {
            return false;
        }
        match table {
            "runs" if self.seen.is_new(&[Cell::Integer(0), row.get("run_uuid")], cells) => {
                let project = row.get("experiment_id").int().and_then(|id| self.experiments.get(&id));
                let facts = &mut out.of(run).facts;
                facts.extend(project.cloned().map(Fact::Project));
                facts.extend(row.text("name").map(|name| Fact::Name(name.to_owned())));
                facts.extend(row.get("start_time").int().and_then(time).map(Fact::Started));
                facts.extend(row.get("end_time").int().and_then(time).map(Fact::Ended));
                facts.extend(row.text("source_version").map(|commit| Fact::Commit(commit.to_owned())));
                facts.extend(match row.text("status") {
                    Some("FINISHED") => Some(Fact::End(End::Completed)),
                    Some("FAILED") => Some(Fact::End(End::Failed)),
                    Some("KILLED") => Some(Fact::End(End::Cancelled)),
                    _ => None,
                });
            }
            "params" => {
                if let (Some(key), value) = (row.text("key"), row.get("value").text().unwrap_or_default()) {
                    let value = Scalar::plain(value);
                    out.of(run).facts.push(Fact::Config { key: key.to_owned(), value });
                }
            }
            "tags" if self.seen.is_new(&[Cell::Integer(1), row.get("run_uuid"), row.get("key")], cells) => {
                if let (Some(key), value) = (row.text("key"), row.get("value").text().unwrap_or_default())
                    && let Some(fact) = mlflow::tag(key, value)
                {
                    out.of(run).facts.push(fact);
                }
            }
            "metrics" => {
                let (key, step) = (row.text("key"), row.get("step").number());
                let (Some(key), Some(step)) = (key, step) else {
                    out.issue("a row of the table metrics has no name or no step".into());
                    return false;
                };
                let is_nan = row.get("is_nan").int() == Some(1);
                let value = match row.get("value").number() {
                    Some(_) | None if is_nan => f64::NAN,
                    Some(value) if value >= LARGEST => f64::INFINITY,
                    Some(value) if value <= -LARGEST => f64::NEG_INFINITY,
                    Some(value) => value,
                    None => return false,
                };
                let wall = row.get("timestamp").int().and_then(time);
                state.point(key, (step, value, wall), run, out);
            }
            _ => {}
        }
        false
    }
}

/// What MLflow writes for infinity.
const LARGEST: f64 = 1.797_693_134_862_315_7e308;

/// Milliseconds since the Unix epoch.
fn time(number: i64) -> Option<i64> {
    wall_ms(number as f64)
}
