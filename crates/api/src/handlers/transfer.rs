//! Jobs as text, out and in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use athanor_core::dependency::Met;
use athanor_core::experiment::JobCommand;
use athanor_engine::Engine;
use athanor_engine::home::now_ms;
use athanor_engine::queue::NewExperiment as Queued;
use athanor_engine::store::{ExperimentRow, Filter, Section};
use jiff::tz::TimeZone;

use super::config::blocking;
use super::{Result, added};
use crate::transfer::{self, Context};
use crate::wire::{self, ApiError, Dependency, ErrorCode, NewExperiment};

/// Jobs that a preview shows.
const SHOWN: usize = 50;
/// What the engine gives a job that says nothing, from SIGTERM to SIGKILL.
const USUAL_GRACE_MS: u64 = 10_000;
/// Rows asked for at a time.
const PAGE: u32 = 1000;

pub(crate) async fn export(engine: &Engine, input: wire::ExportJobs) -> Result<wire::ExportedJobs> {
    let rows = selected(engine, input.selection).await?;
    let written: HashSet<i64> = rows.iter().map(|row| row.id).collect();
    let mut jobs = Vec::with_capacity(rows.len());
    let mut needed: HashSet<String> = HashSet::new();
    for row in rows {
        let mut after = Vec::new();
        for parent in engine.store().parents(row.id).await? {
            let together = parent.id.is_some_and(|id| written.contains(&id));
            // What was deleted since can't be named any more; if it had its say, nothing is lost.
            if parent.status.is_none() && parent.standing == Met::Yes {
                continue;
            }
            let when = parent.condition.into();
            after.push(match together {
                true => Dependency { uid: format!("@{}", parent.uid), when },
                false => Dependency { uid: parent.uid.clone(), when },
            });
            if together {
                needed.insert(parent.uid);
            }
        }
        jobs.push((row.uid.clone(), described(row, after)));
    }
    for (uid, job) in &mut jobs {
        job.label = needed.contains(uid).then(|| uid.clone());
    }
    let jobs: Vec<NewExperiment> = parents_first(jobs.into_iter().map(|(_, job)| job).collect());
    let count = jobs.len() as u64;
    let text = blocking(move || transfer::write(&jobs, input.format)).await?;
    Ok(wire::ExportedJobs { text, count })
}

/// The experiments that are meant, each once: those that were named, the members of a group, or all that wait.
async fn selected(engine: &Engine, selection: wire::Selection) -> Result<Vec<ExperimentRow>> {
    let mut rows = Vec::new();
    if selection.uids.is_empty() && selection.group.is_none() {
        loop {
            let offset = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let page = engine.store().list(Section::Waiting, &Filter::default(), offset, PAGE).await?;
            let last = page.len() < PAGE as usize;
            rows.extend(page);
            if last {
                break;
            }
        }
    }
    for uid in &selection.uids {
        rows.push(engine.find(uid).await?);
    }
    if let Some(group) = &selection.group {
        let members = engine.store().members(group).await?;
        if members.is_empty() {
            let text = format!("there is no group “{group}”, or it has no members");
            return Err(ApiError::new(ErrorCode::NotFound, text).field("group"));
        }
        for id in members {
            rows.extend(engine.store().experiment(id).await?);
        }
    }
    let mut seen = HashSet::new();
    rows.retain(|row| seen.insert(row.id));
    Ok(rows)
}

/// An experiment as somebody would queue it once more. What has passed since is left out: a moment to wait for, a
/// deadline.
fn described(row: ExperimentRow, after: Vec<Dependency>) -> NewExperiment {
    let now = now_ms();
    let ahead = |at: Option<i64>| at.filter(|at| *at > now);
    NewExperiment {
        name: Some(row.name),
        project: row.project,
        group: row.group,
        priority: row.priority.into(),
        config_text: row.config_text.filter(|_| row.config_copy),
        config_path: row.config_path,
        requirements: row.requirements.into(),
        after,
        wait_for_failed: row.wait_for_failed,
        hold: row.gate.held,
        not_before: ahead(row.gate.not_before),
        window: row.gate.window,
        start_by: ahead(row.gate.start_by),
        retry: row.retry.map(Into::into),
        key: row.key,
        user: row.submitted_by,
        metadata: row.metadata,
        tags: row.tags,
        notes: row.notes,
        time_limit_ms: row.time_limit_ms,
        grace_ms: Some(row.grace_ms).filter(|ms| *ms != USUAL_GRACE_MS),
        ..transfer::blank(row.command.into(), row.cwd)
    }
}

/// The same jobs in their order, save that each stands below those whose labels it names.
fn parents_first(jobs: Vec<NewExperiment>) -> Vec<NewExperiment> {
    let places: HashMap<String, usize> =
        jobs.iter().enumerate().filter_map(|(place, job)| Some((job.label.clone()?, place))).collect();
    if places.is_empty() {
        return jobs;
    }
    let parents: Vec<Vec<usize>> = jobs
        .iter()
        .map(|job| {
            let labels = job.after.iter().filter_map(|after| after.uid.strip_prefix('@'));
            labels.filter_map(|label| places.get(label).copied()).collect()
        })
        .collect();
    let mut jobs: Vec<Option<NewExperiment>> = jobs.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(jobs.len());
    let mut on_path = vec![false; jobs.len()];
    for start in 0..jobs.len() {
        // Down to those that wait for nobody who is not written yet, then back up. The engine allows no circles.
        let mut path = vec![start];
        while let Some(at) = path.last().copied() {
            on_path[at] = true;
            match parents[at].iter().find(|parent| jobs[**parent].is_some() && !on_path[**parent]) {
                Some(parent) => path.push(*parent),
                None => {
                    ordered.extend(jobs[at].take());
                    path.pop();
                }
            }
        }
    }
    ordered
}

pub(crate) async fn import(engine: &Engine, input: wire::ImportJobs) -> Result<wire::ImportedJobs> {
    let wire::ImportJobs { text, format, cwd, environment, dry_run } = input;
    let mut jobs = blocking(move || {
        let context = Context { cwd, now_ms: now_ms(), zone: TimeZone::system() };
        transfer::read(&text, format, &context)
    })
    .await?;
    let count = jobs.len() as u64;
    if dry_run {
        let (mut existing, mut preview) = (Vec::new(), Vec::new());
        for job in &jobs {
            let known = match &job.key {
                Some(key) => engine.store().experiment_with_key(key).await?,
                None => None,
            };
            match known {
                Some(row) => existing.push(row.uid),
                None if preview.len() < SHOWN => preview.push(shown(job)),
                None => {}
            }
        }
        return Ok(wire::ImportedJobs {
            experiments: Vec::new(),
            existing,
            count,
            preview,
            engine_running: engine.mode() != athanor_engine::Mode::Offline,
        });
    }
    let preview = jobs.iter().take(SHOWN).map(shown).collect();
    let user = environment.as_ref().and_then(|environment| environment.get("USER").cloned());
    for job in &mut jobs {
        job.user = job.user.take().or_else(|| user.clone());
    }
    let environment = environment.map(Arc::new);
    let jobs = jobs.into_iter().map(|job| Queued { environment: environment.clone(), ..job.into() });
    let all = engine.add(jobs.collect()).await?;
    let wire::AddedExperiments { experiments, existing, engine_running } = added(engine, all);
    Ok(wire::ImportedJobs { experiments, existing, count, preview, engine_running })
}

fn shown(job: &NewExperiment) -> wire::SweepPoint {
    let command = JobCommand::from(job.command.clone());
    wire::SweepPoint {
        name: job.name.clone().unwrap_or_else(|| command.default_name()),
        command_line: command.display(),
        values: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(label: &str, after: &[&str]) -> NewExperiment {
        NewExperiment {
            label: Some(label.into()),
            after: after
                .iter()
                .map(|uid| Dependency { uid: format!("@{uid}"), when: wire::Condition::Success })
                .collect(),
            ..transfer::blank(wire::Command::Shell("true".into()), "/".into())
        }
    }

    #[test]
    fn whoever_is_waited_for_stands_above() {
        let order = |jobs: Vec<NewExperiment>| -> String {
            parents_first(jobs).into_iter().filter_map(|job| job.label).collect()
        };
        assert_eq!(order(vec![job("a", &[]), job("b", &[])]), "ab");
        assert_eq!(
            order(vec![job("a", &["c"]), job("b", &[]), job("c", &["b", "d"]), job("d", &[])]),
            "bdca"
        );
        assert_eq!(order(vec![job("a", &["gone"])]), "a");
        assert_eq!(order(vec![job("a", &["b"]), job("b", &["a"])]).len(), 2, "no circle holds it up");
        let chain: Vec<NewExperiment> =
            (0..500).map(|n| job(&format!("{n}."), &[&format!("{}.", n + 1)])).collect();
        assert!(order(chain).starts_with("499.498."));
    }
}
