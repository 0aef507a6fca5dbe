//! What plots are made from: values of runs out of their table, and what GPUs did while a run went on.

use std::collections::HashSet;

use athanor_core::chart::Pieces;
use athanor_core::chart::plots::{Column, Subject, Thinned, Value, ValueKind};
use athanor_core::history::{Bucket, Metric};
use athanor_core::query::{Field, Kind, Stat};

use super::Index;
use crate::Engine;
use crate::error::Result;
use crate::home::{host_name, now_ms};
use crate::store::runs::{RunCell, RunRow, Wanted};

/// Blocks of points that are held at once.
const BLOCKS: u64 = 64;

/// Which runs are drawn.
#[derive(Debug, Clone)]
pub enum Choice {
    /// These, in this order.
    These(Vec<String>),
    /// Those that are wanted, but for these.
    Wanted(Box<Wanted>, Vec<String>),
}

/// Runs with what plots show of them.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The runs.
    pub runs: Vec<RunRow>,
    /// What each of them is called, and its colour.
    pub subjects: Vec<Subject>,
    /// Their values, in the order of the fields that were asked for.
    pub columns: Vec<Column>,
    /// How many runs there are, also beyond those that are drawn at most.
    pub total: usize,
}

impl From<RunCell> for Value {
    fn from(cell: RunCell) -> Self {
        match cell {
            RunCell::Missing => Self::Missing,
            RunCell::Bool(yes) => Self::Bool(yes),
            RunCell::Number(number) => Self::Number(number),
            RunCell::Text(text) => Self::Text(text),
        }
    }
}

/// What a column is called beside an axis.
#[must_use]
pub fn title(field: &Field) -> String {
    match field {
        Field::Plain(plain) => plain.word().to_owned(),
        Field::Config(key) | Field::Metric(key, Stat::Last) => key.clone(),
        Field::Metric(key, stat) => format!("{key} ({})", stat.words()),
    }
}

impl Index {
    /// Runs with the values of these fields, at most so many runs.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn chosen(&self, choice: &Choice, fields: &[Field], most: usize) -> Result<Chosen> {
        let ids = match choice {
            Choice::These(uids) => self.store().ids_of_runs(uids).await?,
            Choice::Wanted(wanted, hidden) => {
                let hidden: HashSet<i64> = self.store().ids_of_runs(hidden).await?.into_iter().collect();
                let all = self.store().run_ids(wanted).await?;
                all.into_iter().filter(|id| !hidden.contains(id)).collect()
            }
        };
        let rows = self.store().run_rows(&ids[..ids.len().min(most)], fields).await?;
        let mut columns: Vec<Column> = fields
            .iter()
            .map(|field| Column {
                name: title(field),
                kind: match field.kind() {
                    Kind::Moment => ValueKind::Moment,
                    Kind::Duration => ValueKind::Duration,
                    _ => ValueKind::Plain,
                },
                values: Vec::with_capacity(rows.len()),
            })
            .collect();
        let (mut runs, mut subjects) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        for row in rows {
            for (column, cell) in columns.iter_mut().zip(row.cells) {
                column.values.push(cell.into());
            }
            let named = row.run.experiment.as_ref().unwrap_or(&row.run.uid);
            let colour = athanor_core::runs::colour(named);
            subjects.push(Subject { name: row.run.name.clone(), colour });
            runs.push(row.run);
        }
        Ok(Chosen { runs, subjects, columns, total: ids.len() })
    }

    /// Settings in which these runs differ, those that most of them have first.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn differing(&self, runs: &[RunRow]) -> Result<Vec<Field>> {
        let uids = runs.iter().map(|run| run.uid.clone()).collect();
        let now = athanor_core::query::Now { ms: now_ms(), zone: jiff::tz::TimeZone::UTC };
        let wanted = Wanted { uids: Some(uids), ..Wanted::all(now) };
        let (facts, _) = self.store().columns(&wanted).await?;
        let mut facts: Vec<_> = facts
            .into_iter()
            .filter(|facts| matches!(facts.field, Field::Config(_)) && !facts.constant)
            .collect();
        facts.sort_by_key(|facts| std::cmp::Reverse(facts.runs));
        Ok(facts.into_iter().map(|facts| facts.field).collect())
    }

    /// A metric of a run over time, thinned out to so many columns; with the ends of its time, and how many values are
    /// NaN or infinite. `None` if it has none that came with a time.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn over_time(
        &self,
        run: &RunRow,
        key: &str,
        columns: usize,
    ) -> Result<Option<((i64, i64), Pieces, u64)>> {
        let stretches = self.store().stretches(run.id, key).await?;
        let mut ends: Option<(i64, i64)> = None;
        for stretch in &stretches {
            let last = stretch.summary.count.saturating_sub(1) / athanor_core::series::CHUNK_POINTS as u64;
            for number in [0, last] {
                for (_, points) in self.store().points(stretch.series, (number, number)).await? {
                    for at in points.iter().filter_map(|point| point.wall_ms) {
                        ends = Some(ends.map_or((at, at), |(from, to)| (from.min(at), to.max(at))));
                    }
                }
            }
        }
        let Some(ends) = ends else { return Ok(None) };
        let mut thinned = Thinned::new(ends, columns);
        for stretch in &stretches {
            let mut first = 0;
            loop {
                let blocks = self.store().points(stretch.series, (first, first + BLOCKS - 1)).await?;
                if blocks.is_empty() {
                    break;
                }
                for (_, points) in blocks {
                    for point in points.iter() {
                        if let Some(at) = point.wall_ms {
                            thinned.push(at, point.value);
                        }
                    }
                }
                first += BLOCKS;
            }
        }
        let odd = thinned.odd();
        Ok(Some((ends, thinned.finish(), odd)))
    }
}

/// What GPUs did while a run went on.
#[derive(Debug, Clone, Default)]
pub struct GpuUse {
    /// Each of them.
    pub gpus: Vec<UsedGpu>,
    /// Whose GPUs these are, and why there are none.
    pub notes: Vec<String>,
    /// When the run's attempt began and ended, if the queue ran it.
    pub attempt: Option<(i64, i64)>,
}

/// A GPU's utilisation, in percent.
#[derive(Debug, Clone)]
pub struct UsedGpu {
    /// What it is called: `GPU 0`.
    pub label: String,
    /// Sorted.
    pub buckets: Vec<Bucket>,
    /// Width of a bucket, milliseconds.
    pub step: i64,
}

impl Engine {
    /// What GPUs did while a run went on: those that the queue gave it; of a run that the queue did not start, all of
    /// this machine if it may have run here.
    ///
    /// # Errors
    /// A store can't be read.
    pub async fn gpu_use(&self, run: &RunRow, span: (i64, i64), width: u32) -> Result<GpuUse> {
        let mut used = GpuUse::default();
        if let Some(uid) = &run.experiment {
            if let Ok(row) = self.find(uid).await {
                return self.of_attempt(run, &row, width).await;
            }
            used.notes.push(format!("The experiment {uid} is no longer in the queue’s memory."));
        }
        let here = host_name();
        if let Some(host) = run.host.as_deref().filter(|host| *host != here) {
            used.notes
                .push(format!("The run was on {host}; what GPUs did is recorded on this machine alone."));
            return Ok(used);
        }
        used.gpus = self.gpus_of(None, span, width).await?;
        used.notes.push(match (used.gpus.is_empty(), &run.host) {
            (true, _) => "Nothing was recorded of this machine’s GPUs while the run went on.".to_owned(),
            (false, Some(_)) => {
                "The queue did not start this run: all GPUs of this machine are shown.".to_owned()
            }
            (false, None) => {
                "The queue did not start this run, and its files do not say where it ran: all GPUs of this \
                              machine are shown, as if it ran here."
                    .to_owned()
            }
        });
        Ok(used)
    }

    async fn of_attempt(
        &self,
        run: &RunRow,
        row: &crate::store::ExperimentRow,
        width: u32,
    ) -> Result<GpuUse> {
        let mut used = GpuUse::default();
        let number = run.attempt.unwrap_or(row.attempt);
        let attempts = self.store().attempts(row.id).await?;
        let Some(attempt) = attempts.into_iter().find(|attempt| attempt.number == number) else {
            used.notes.push(format!("Nothing is known of attempt {number} of {}.", row.uid));
            return Ok(used);
        };
        let span = (attempt.started_at, attempt.ended_at.unwrap_or_else(now_ms).max(attempt.started_at + 1));
        used.attempt = Some(span);
        let given: Vec<String> =
            attempt.assignment.map_or_else(Vec::new, |it| it.gpus.into_iter().map(|gpu| gpu.uuid).collect());
        if !given.is_empty() {
            used.gpus = self.gpus_of(Some(&given), span, width).await?;
        }
        if !used.gpus.is_empty() {
            return Ok(used);
        }
        // What was seen of its own processes, without knowing on which GPU.
        let own = self.history().read_attempt(row, number, Metric::JobUtilisation).await?;
        if own.buckets.is_empty() {
            used.notes.push(match given.is_empty() {
                true => "The run was given no GPU, and none was seen to be used by it.".into(),
                false => "Nothing was recorded of the run’s GPUs while it went on.".into(),
            });
        } else {
            used.gpus.push(UsedGpu { label: "by this run".into(), buckets: own.buckets, step: own.step });
        }
        Ok(used)
    }

    /// GPUs of this machine of which something was recorded in a stretch of time.
    async fn gpus_of(
        &self,
        only: Option<&[String]>,
        (since, until): (i64, i64),
        width: u32,
    ) -> Result<Vec<UsedGpu>> {
        let mut known = self.history().series().await?;
        known.retain(|series| {
            series.metric == Metric::GpuUtilisation && only.is_none_or(|only| only.contains(&series.subject))
        });
        known.sort_by_key(|series| series.position);
        let mut gpus = Vec::new();
        for series in known {
            let of = (series.metric, series.subject.as_str());
            let stretch = self.history().read(of, (Some(since), until), width, now_ms()).await?;
            if !stretch.buckets.is_empty() {
                let label = format!("GPU {}", series.position);
                gpus.push(UsedGpu { label, buckets: stretch.buckets, step: stretch.step });
            }
        }
        Ok(gpus)
    }
}
