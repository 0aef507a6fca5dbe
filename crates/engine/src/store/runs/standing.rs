//! How runs stand: what their files say together, and what a table shows of their metrics.

use std::collections::HashMap;

use athanor_core::runs::{End, RunStatus, Signs, status};
use athanor_core::series::{At, SeriesStats, Summary};
use serde::{Deserialize, Serialize};
use sqlx::Arguments;
use sqlx::sqlite::SqliteArguments;

use super::{RunStore, Tx, queries};
use crate::error::Result;
use crate::store::total;
use crate::store::transaction::Bound;

queries! {
    METRIC_SUMMARIES = "SELECT series.summary FROM series JOIN run_file ON run_file.id = file_id
                        WHERE series.run_id = ? AND key_id = ? ORDER BY run_file.position, file_id, series.generation";
    PUT_METRIC = "INSERT INTO run_metric (run_id, key_id, count, not_finite, last, last_step, min, min_step, max, max_step,
                      mean, reached, median, median_step, median_of)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
                  ON CONFLICT (run_id, key_id) DO UPDATE SET count = excluded.count, not_finite = excluded.not_finite,
                      last = excluded.last, last_step = excluded.last_step, min = excluded.min,
                      min_step = excluded.min_step, max = excluded.max, max_step = excluded.max_step,
                      mean = excluded.mean, reached = excluded.reached,
                      median = coalesce(excluded.median, median), median_step = coalesce(excluded.median_step, median_step),
                      median_of = iif(excluded.median_of = 0, median_of, excluded.median_of)";
    ADD_WHOLE = "INSERT INTO series (id, file_id, generation, key_id, run_id, position, summary)
                 VALUES ($1, $2, $3, $4, $5, $6, $7);
                 INSERT INTO block (series_id, level, number, summary, data) VALUES ($1, 0, 0, $7, $8);
                 INSERT OR REPLACE INTO run_metric (run_id, key_id, count, not_finite, last, last_step, min, min_step, max,
                     max_step, mean, reached, median, median_step, median_of)
                 VALUES ($5, $4, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)";
    DROP_METRIC = "DELETE FROM run_metric WHERE run_id = ? AND key_id = ?";
    PUT_MEDIAN = "UPDATE run_metric SET median = ?, median_step = ?, median_of = ? WHERE run_id = ? AND key_id = ?";
    UNSETTLED = "SELECT key_id, count FROM run_metric WHERE run_id = ? AND median_of <> count
                 AND (? OR median_of = 0 OR count > median_of + median_of / 8)";
    RUNS_NOW = "SELECT run.id, name, folder, part, project, grouping, tags, notes, tags_mine, notes_mine, experiment, status,
                   finished_at, (SELECT coalesce(sum(count), 0) FROM run_metric WHERE run_id = run.id) AS measured,
                   (SELECT max(reached) FROM run_metric WHERE run_id = run.id) AS furthest,
                   (SELECT json_group_array(json(facts)) FROM
                       (SELECT facts FROM run_file WHERE run_id = run.id ORDER BY position, id)) AS said,
                   iif(wanted.value ->> 1, (SELECT substr(group_concat(word, char(10)), 1, 65536) FROM
                       (SELECT config_key.name || ' ' || text AS word FROM run_config
                        JOIN config_key ON config_key.id = key_id WHERE run_id = run.id ORDER BY key_id LIMIT 2000)),
                       NULL) AS words
               FROM json_each(?) AS wanted JOIN run ON run.id = wanted.value ->> 0";
    PUT_RUN = "UPDATE run SET name = $1, project = $2, grouping = $3, tags = $4, notes = $5, status = $6, started_at = $7,
                   finished_at = $8, changed_at = $9, steps = $10, total_steps = $11, commit_hash = $12, host = $13, points = $14,
                   revision = $15 WHERE id = $16";
    SETTINGS = "SELECT substr(group_concat(word, char(10)), 1, 65536) FROM
                    (SELECT config_key.name || ' ' || text AS word FROM run_config
                     JOIN config_key ON config_key.id = key_id WHERE run_id = ? ORDER BY key_id LIMIT 2000)";
    PUT_TEXT = "DELETE FROM run_text WHERE rowid = $1;
                INSERT INTO run_text (rowid, name, notes, tags, config) VALUES ($1, $2, $3, $4, $5)";
}

/// What a file says of its run beside settings and metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The run's name.
    pub name: Option<String>,
    /// The project or experiment that it belongs to.
    pub project: Option<String>,
    /// The group.
    pub group: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// What the user wrote about it, where the files say that.
    pub notes: Option<String>,
    /// When it started, UTC milliseconds.
    pub started: Option<i64>,
    /// When it ended.
    pub ended: Option<i64>,
    /// How.
    pub end: Option<End>,
    /// How many steps it is meant to have.
    pub total: Option<f64>,
    /// The commit of the code.
    pub commit: Option<String>,
    /// The machine that it ran on.
    pub host: Option<String>,
    /// The time of the earliest point.
    pub first_point: Option<i64>,
    /// When the file came to be, as far as the file system knows.
    pub born: Option<i64>,
    /// When the file was last written, UTC milliseconds on the file system's clock.
    pub modified: Option<i64>,
    /// When it was seen to be written then, on this machine's clock; none if that was only found out later.
    pub noticed: Option<i64>,
    /// Its size when it was at rest and what it ended with was no record: it is not opened again for that.
    pub cut: Option<i64>,
}

/// A run as it stands.
#[derive(Debug, sqlx::FromRow)]
struct RunNow {
    id: i64,
    name: String,
    folder: String,
    part: String,
    project: Option<String>,
    grouping: Option<String>,
    tags: String,
    notes: String,
    tags_mine: bool,
    notes_mine: bool,
    experiment: Option<String>,
    status: String,
    finished_at: Option<i64>,
    /// Points of all its metrics.
    measured: i64,
    /// The greatest step of all.
    furthest: Option<f64>,
    /// JSON: what its files say, in their order.
    said: String,
    /// Its settings, as far as full text search sees them; none if they were not asked for.
    words: Option<String>,
}

/// What a look at a run found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked {
    /// After how many milliseconds of silence its status may change.
    pub again_ms: Option<i64>,
}

/// How the time since a run's last change is told.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Now, UTC milliseconds.
    pub now: i64,
    /// After so much silence a run is stale, milliseconds.
    pub stale_after: i64,
}

impl RunStore {
    /// Recomputes what a table shows of a metric of a run.
    ///
    /// # Errors
    /// The database refuses, or a stored summary can't be read.
    pub async fn refresh_metric(&self, tx: &mut Tx, run: i64, key: i64) -> Result<()> {
        let connection = tx.now().await?;
        let summaries: Vec<Vec<u8>> =
            sqlx::query_scalar(METRIC_SUMMARIES).bind(run).bind(key).fetch_all(&mut *connection).await?;
        if summaries.is_empty() {
            sqlx::query(DROP_METRIC).bind(run).bind(key).execute(connection).await?;
            return Ok(());
        }
        self.put_metric(tx, (run, key), &total(&summaries)?, None).await
    }

    /// Writes a series of one block that is not stored, and what a table shows of it: it is all of its run's metric.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn add_whole(
        &self,
        tx: &mut Tx,
        (file, generation, key, run): (i64, i64, i64, i64),
        position: i64,
        (whole, data): (&Summary, &[u8]),
        median: Option<At>,
    ) -> Result<()> {
        let stats = SeriesStats::from(whole);
        let (id, summary, data) = (self.keys.series(), whole.to_bytes(), data.to_vec());
        tx.put_off(ADD_WHOLE, |to| {
            for number in [id, file, generation, key, run, position] {
                to.add(number)?;
            }
            to.add(summary)?;
            to.add(data)?;
            numbers(to, &stats, median)
        })
        .await
    }

    /// Records what a table shows of a metric of a run. Without a median the last one stays until it is found.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_metric(
        &self,
        tx: &mut Tx,
        (run, key): (i64, i64),
        whole: &Summary,
        median: Option<At>,
    ) -> Result<()> {
        let stats = SeriesStats::from(whole);
        tx.put_off(PUT_METRIC, |to| {
            to.add(run)?;
            to.add(key)?;
            numbers(to, &stats, median)
        })
        .await
    }

    /// Metrics of a run whose median is not that of all their points: with `all` every one, else only those that have
    /// grown by an eighth since. Metric and number of points.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn unsettled(&self, run: i64, all: bool) -> Result<Vec<(i64, i64)>> {
        Ok(sqlx::query_as(UNSETTLED).bind(run).bind(all).fetch_all(self.readers()).await?)
    }

    /// Records a median of so many points.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn put_median(
        &self,
        tx: &mut Tx,
        (run, key): (i64, i64),
        median: Option<(f64, f64)>,
        of: i64,
    ) -> Result<()> {
        sqlx::query(PUT_MEDIAN)
            .bind(median.map(|(value, _)| value))
            .bind(median.map(|(_, step)| step))
            .bind(of)
            .bind(run)
            .bind(key)
            .execute(tx.now().await?)
            .await?;
        Ok(())
    }

    /// Recomputes what a run's files say of it as a whole; see [`RunStore::refresh_runs`].
    ///
    /// # Errors
    /// The database refuses.
    pub async fn refresh_run(
        &self,
        tx: &mut Tx,
        run: i64,
        clock: Clock,
        text: bool,
        revision: i64,
    ) -> Result<Option<Looked>> {
        let all = self.refresh_runs(tx, &HashMap::from([(run, text)]), clock, revision).await?;
        Ok(all.into_iter().next().map(|(_, looked)| looked))
    }

    /// Recomputes what runs' files say of them as a whole: names, times, status, sums. Where the files do not say, a run
    /// is called by its place. Where `true` stands beside a run, the full text index follows. Answers those that exist.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn refresh_runs(
        &self,
        tx: &mut Tx,
        runs: &HashMap<i64, bool>,
        clock: Clock,
        revision: i64,
    ) -> Result<Vec<(i64, Looked)>> {
        let wanted = serde_json::to_string(&runs.iter().collect::<Vec<_>>()).unwrap_or_default();
        let all: Vec<RunNow> = sqlx::query_as(RUNS_NOW).bind(wanted).fetch_all(tx.now().await?).await?;
        let mut looked = Vec::with_capacity(all.len());
        for now in all {
            let (run, text) = (now.id, runs.get(&now.id).copied().unwrap_or_default());
            looked.push((run, self.refresh(tx, now, clock, text, revision).await?));
        }
        Ok(looked)
    }

    async fn refresh(
        &self,
        tx: &mut Tx,
        now: RunNow,
        clock: Clock,
        text: bool,
        revision: i64,
    ) -> Result<Looked> {
        let run = now.id;
        let (points, steps) = (now.measured, now.furthest);
        let said: Vec<Said> = serde_json::from_str(&now.said).unwrap_or_default();
        let all = Said::of_all(&said);
        let written = said.iter().filter_map(|file| file.noticed.or(file.modified)).max();
        let quiet_ms = clock.now - written.unwrap_or(clock.now);
        let signs = Signs { end: all.end, steps, total: all.total, quiet_ms };
        // The queue knows better how its own runs stand.
        let (standing, again_ms) = match (&now.experiment, RunStatus::from_name(&now.status)) {
            (Some(_), Some(standing)) => (standing, None),
            _ => status(&signs, clock.stale_after),
        };
        let started = all.started.or(all.first_point).or(all.born);
        let finished = match (&now.experiment, standing.is_open()) {
            (Some(_), _) => now.finished_at,
            (None, true) => None,
            (None, false) => all.ended.or(all.modified),
        };
        let tags = if now.tags_mine || all.tags.is_empty() {
            now.tags
        } else {
            serde_json::to_string(&all.tags).unwrap_or_else(|_| "[]".into())
        };
        let notes = if now.notes_mine { now.notes } else { all.notes.unwrap_or(now.notes) };
        let name = all.name.unwrap_or(now.name);
        let (to_name, to_notes, to_tags) = (name.clone(), notes.clone(), tags.clone());
        tx.put_off(PUT_RUN, |to| {
            to.add(to_name)?;
            to.add(all.project.or(now.project))?;
            to.add(all.group.or(now.grouping))?;
            to.add(to_tags)?;
            to.add(to_notes)?;
            to.add(standing.name())?;
            to.add(started)?;
            to.add(finished)?;
            to.add(all.modified)?;
            to.add(steps)?;
            to.add(all.total)?;
            to.add(all.commit)?;
            to.add(all.host)?;
            to.add(points)?;
            to.add(revision)?;
            to.add(run)
        })
        .await?;
        if text {
            let place = format!("{name} {} {}", now.folder, now.part);
            self.put_text(tx, run, [place, notes, tags, now.words.unwrap_or_default()]).await?;
        }
        Ok(Looked { again_ms })
    }

    /// Writes a run's words into the full text index.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn refresh_text(
        &self,
        tx: &mut Tx,
        run: i64,
        name: &str,
        notes: &str,
        tags: &str,
    ) -> Result<()> {
        let words: Option<String> = sqlx::query_scalar(SETTINGS).bind(run).fetch_one(tx.now().await?).await?;
        let texts = [name, notes, tags].map(str::to_owned);
        let [name, notes, tags] = texts;
        self.put_text(tx, run, [name, notes, tags, words.unwrap_or_default()]).await
    }

    /// `texts` are name and place, notes, tags and settings.
    async fn put_text(&self, tx: &mut Tx, run: i64, texts: [String; 4]) -> Result<()> {
        tx.put_off(PUT_TEXT, |to| {
            to.add(run)?;
            texts.into_iter().try_for_each(|text| to.add(text))
        })
        .await
    }
}

/// Binds what a table shows of a metric, beginning with how many points it has.
fn numbers(to: &mut SqliteArguments, stats: &SeriesStats, median: Option<At>) -> Bound {
    let count = i64::try_from(stats.count).unwrap_or(i64::MAX);
    to.add(count)?;
    to.add(i64::try_from(stats.non_finite).unwrap_or(i64::MAX))?;
    for at in [stats.last, stats.min, stats.max] {
        to.add(at.map(|at| at.value))?;
        to.add(at.map(|at| at.step))?;
    }
    to.add(stats.mean)?;
    to.add(stats.max_step)?;
    to.add(median.map(|at| at.value))?;
    to.add(median.map(|at| at.step))?;
    to.add(if median.is_some() { count } else { 0 })
}

impl Said {
    /// What several files of a run say, the first of them first.
    #[must_use]
    pub fn of_all(files: &[Self]) -> Self {
        let mut all = Self::default();
        for file in files {
            let file = file.clone();
            all.name = all.name.or(file.name);
            all.project = all.project.or(file.project);
            all.group = all.group.or(file.group);
            all.notes = all.notes.or(file.notes);
            all.started = least(all.started, file.started);
            all.ended = all.ended.max(file.ended);
            all.end = all.end.or(file.end);
            all.total = all.total.or(file.total);
            all.commit = all.commit.or(file.commit);
            all.host = all.host.or(file.host);
            all.first_point = least(all.first_point, file.first_point);
            all.born = least(all.born, file.born);
            all.modified = all.modified.max(file.modified);
            all.noticed = all.noticed.max(file.noticed);
            for tag in file.tags {
                if !all.tags.contains(&tag) {
                    all.tags.push(tag);
                }
            }
        }
        all
    }
}

fn least(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
