//! What is done with waiting and running experiments, with groups and GPUs, and what can be told of the queue.

use std::collections::HashSet;

use athanor_core::placement::{Assignment, GpuState};
use athanor_engine::Engine;
use athanor_engine::home::now_ms;
use athanor_engine::queue::{Action, Destination, Edit, Holdings, NewGroup};
use athanor_engine::store::ExperimentRow;

use super::Result;
use crate::convert;
use crate::wire::{self, ApiError, ErrorCode, Nothing};

/// Most attempts on a timeline.
const BARS: u32 = 5_000;

/// Longest timeline, milliseconds: two years.
const LONGEST: i64 = 2 * 366 * 24 * 60 * 60 * 1000;

pub(crate) async fn cancel(engine: &Engine, input: wire::Selection) -> Result<wire::Outcomes> {
    act(engine, Action::Cancel, input).await
}

pub(crate) async fn pause(engine: &Engine, input: wire::Selection) -> Result<wire::Outcomes> {
    act(engine, Action::Pause, input).await
}

pub(crate) async fn resume(engine: &Engine, input: wire::Selection) -> Result<wire::Outcomes> {
    act(engine, Action::Resume, input).await
}

pub(crate) async fn hold(engine: &Engine, input: wire::Selection) -> Result<wire::Outcomes> {
    act(engine, Action::Hold, input).await
}

pub(crate) async fn retry(engine: &Engine, input: wire::Selection) -> Result<wire::Outcomes> {
    act(engine, Action::Retry, input).await
}

pub(crate) async fn archive(engine: &Engine, input: wire::ArchiveExperiments) -> Result<wire::Outcomes> {
    let action = if input.archived { Action::Archive } else { Action::Restore };
    act(engine, action, wire::Selection { uids: input.uids, group: None }).await
}

pub(crate) async fn delete(engine: &Engine, input: wire::ExperimentRefs) -> Result<wire::Outcomes> {
    act(engine, Action::Delete, wire::Selection { uids: input.uids, group: None }).await
}

pub(crate) async fn reorder(engine: &Engine, input: wire::MoveExperiments) -> Result<wire::Outcomes> {
    let destination = match input.destination {
        wire::Destination::Top {} => Destination::Top,
        wire::Destination::Bottom {} => Destination::Bottom,
        wire::Destination::Before { other } => Destination::Before(engine.find(&other).await?.id),
        wire::Destination::After { other } => Destination::After(engine.find(&other).await?.id),
    };
    act(engine, Action::Move(destination), wire::Selection { uids: input.uids, group: None }).await
}

/// Whether an action means something for a member of a group that was not named by itself.
fn concerns(action: Action, row: &ExperimentRow) -> bool {
    let status = row.status;
    let waits = !status.is_active() && !status.is_terminal();
    match action {
        Action::Cancel => !status.is_terminal(),
        Action::Pause => !status.is_terminal() && !row.gate.held,
        Action::Hold => waits && !row.gate.held,
        Action::Resume => {
            row.gate.held || row.gate.retry_at.is_some() || status == athanor_core::state::Status::Paused
        }
        Action::Retry => status.is_terminal() && status != athanor_core::state::Status::Completed,
        Action::Move(_) => waits,
        Action::Archive | Action::Restore | Action::Delete => status.is_terminal(),
    }
}

/// Does an action with all that are named; those that can't be found are told as such.
async fn act(engine: &Engine, action: Action, selection: wire::Selection) -> Result<wire::Outcomes> {
    let found = selected(engine, selection, |row| concerns(action, row)).await?;
    let done = engine.queue().act(action, ids(&found)).await?;
    outcomes(engine, found, done).await
}

pub(crate) async fn edit_many(engine: &Engine, input: wire::EditExperiments) -> Result<wire::Outcomes> {
    if input.changes == wire::Changes::default() {
        return Err(ApiError::new(ErrorCode::InvalidInput, "nothing is to be changed").field("changes"));
    }
    let edit = Edit::from(input.changes);
    let waits = |row: &ExperimentRow| !row.status.is_active() && !row.status.is_terminal();
    let found = selected(engine, input.selection, waits).await?;
    let done = engine.edit_many(ids(&found), edit).await?;
    outcomes(engine, found, done).await
}

/// Experiments by what they were named: their uid and key, or that there is none such.
type Found = Vec<(String, Result<i64>)>;

fn ids(found: &Found) -> Vec<i64> {
    found.iter().filter_map(|(_, id)| id.as_ref().ok().copied()).collect()
}

/// All that are named, and those members of a group that it `concerns`; each once.
async fn selected(
    engine: &Engine,
    selection: wire::Selection,
    concerns: impl Fn(&ExperimentRow) -> bool,
) -> Result<Found> {
    let mut found = Found::with_capacity(selection.uids.len());
    let mut known = HashSet::new();
    for uid in selection.uids {
        match engine.find(&uid).await {
            Ok(row) if known.insert(row.id) => found.push((row.uid, Ok(row.id))),
            // Named twice, it is meant once.
            Ok(_) => {}
            Err(error) => found.push((uid, Err(error.into()))),
        }
    }
    if let Some(group) = &selection.group {
        let members = engine.store().members(group).await?;
        if members.is_empty() {
            let text = format!("there is no group “{group}”, or it has no members");
            return Err(ApiError::new(ErrorCode::NotFound, text).field("group"));
        }
        for id in members {
            if let Some(row) = engine.store().experiment(id).await?
                && concerns(&row)
                && known.insert(id)
            {
                found.push((row.uid, Ok(id)));
            }
        }
    }
    Ok(found)
}

/// What became of each, with the experiment as it is now.
async fn outcomes(
    engine: &Engine,
    found: Found,
    done: Vec<athanor_engine::Result<()>>,
) -> Result<wire::Outcomes> {
    let mut done = done.into_iter();
    let mut outcomes = Vec::with_capacity(found.len());
    for (uid, id) in found {
        let id = match id {
            Ok(id) => id,
            Err(error) => {
                outcomes.push(wire::Outcome { uid, experiment: None, error: Some(error) });
                continue;
            }
        };
        outcomes.push(match done.next() {
            Some(Err(error)) => wire::Outcome { uid, experiment: None, error: Some(error.into()) },
            _ => {
                let row = engine.store().experiment(id).await?;
                let experiment = row.map(|row| convert::experiment(engine, row));
                wire::Outcome { uid, experiment, error: None }
            }
        });
    }
    Ok(wire::Outcomes { outcomes })
}

pub(crate) async fn edit(engine: &Engine, input: wire::EditExperiment) -> Result<wire::ExperimentDetail> {
    let row = engine.find(&input.uid).await?;
    let uid = row.uid.clone();
    engine.edit(&row, input.into()).await?;
    super::get(engine, wire::ExperimentRef { uid }).await
}

pub(crate) async fn list_groups(engine: &Engine, _: Nothing) -> Result<wire::Groups> {
    let groups = engine.store().groups().await?;
    Ok(wire::Groups {
        groups: groups
            .into_iter()
            // A group whose members were all put away is put away with them; an empty new one is shown.
            .filter(|group| group.counts.total() > 0 || group.sweep.is_none())
            .map(|group| wire::Group {
                name: group.name,
                parallel: group.parallel,
                sweep: group.sweep.and_then(|text| serde_json::from_str(&text).ok()),
                created_at: group.created_at,
                counts: group.counts.into(),
            })
            .collect(),
    })
}

pub(crate) async fn set_group(engine: &Engine, input: wire::SetGroup) -> Result<wire::Groups> {
    engine.queue().set_group(NewGroup { name: input.name, parallel: input.parallel, sweep: None }).await?;
    list_groups(engine, Nothing {}).await
}

pub(crate) async fn resources(engine: &Engine, _: Nothing) -> Result<wire::Resources> {
    Ok(all_resources(engine))
}

fn all_resources(engine: &Engine) -> wire::Resources {
    let stats = engine.queue().stats();
    let held = engine.queue().holdings();
    let sum = |part: fn(&Assignment) -> u64| held.jobs.iter().map(|(_, _, job)| part(job)).sum::<u64>();
    let machine = held.machine.clone().unwrap_or_default();
    wire::Resources {
        known: held.machine.is_some(),
        cpu_cores: wire::Amount {
            total: machine.cpu_cores.into(),
            reserved: sum(|job| job.cpu_cores.into()),
            foreign: 0,
        },
        memory: wire::Amount {
            total: machine.memory_total,
            reserved: sum(|job| job.memory),
            foreign: machine.memory_foreign,
        },
        disk_free: engine
            .sampler()
            .and_then(|sampler| sampler.history().last()?.disks.first()?.free.value().copied())
            .unwrap_or(0),
        slots: wire::Amount {
            total: stats.slots.into(),
            reserved: sum(|job| u64::from(job.slot)),
            foreign: 0,
        },
        gpus: machine.gpus.iter().map(|gpu| gpu_resource(gpu, &held)).collect(),
        no_gpus: machine.gpu_fault,
    }
}

fn gpu_resource(gpu: &GpuState, held: &Holdings) -> wire::GpuResource {
    let on_it = || {
        held.jobs.iter().flat_map(|job| {
            let share = job.2.gpus.iter().find(|share| share.uuid == gpu.uuid);
            share.map(|share| (job, share))
        })
    };
    let exclusive = on_it().any(|(job, _)| job.2.exclusive);
    let reserved = match exclusive {
        true => gpu.memory_total.saturating_sub(gpu.memory_foreign),
        false => on_it().map(|(_, share)| share.memory).sum(),
    };
    let tripped = held.tripped.iter().find(|tripped| tripped.uuid == gpu.uuid);
    wire::GpuResource {
        index: gpu.index,
        uuid: gpu.uuid.clone(),
        name: gpu.model.clone(),
        memory: wire::Amount { total: gpu.memory_total, reserved, foreign: gpu.memory_foreign },
        jobs: on_it()
            .map(|((uid, name, _), _)| wire::JobName { uid: uid.clone(), name: name.clone() })
            .collect(),
        exclusive,
        foreign_processes: gpu.foreign_processes,
        unavailable: gpu.unavailable.clone(),
        blocked: tripped.is_some() || held.blocked.contains(&gpu.uuid),
        tripped_at: tripped.map(|tripped| tripped.at),
    }
}

pub(crate) async fn report(engine: &Engine, _: Nothing) -> Result<wire::QueueReport> {
    let (mean_wait_ms, mean_run_ms) = engine.store().means().await?;
    let longest = engine.store().longest_running().await?;
    let oldest = engine.store().oldest_queued().await?;
    let lasting = |(uid, name, since)| wire::Lasting { uid, name, since };
    Ok(wire::QueueReport {
        stats: engine.queue().stats().into(),
        resources: all_resources(engine),
        mean_wait_ms,
        mean_run_ms,
        longest: longest.map(lasting),
        oldest: oldest.map(lasting),
    })
}

pub(crate) async fn timeline(engine: &Engine, input: wire::ReadTimeline) -> Result<wire::Timeline> {
    if input.to <= input.from || input.to - input.from > LONGEST {
        let text = "a timeline begins before it ends, and is at most two years long";
        return Err(ApiError::new(ErrorCode::InvalidInput, text).field("from"));
    }
    let mut rows = engine.store().bars(input.from, input.to, BARS).await?;
    rows.reverse();
    let machine = engine.queue().holdings().machine.unwrap_or_default();
    let mut lanes: Vec<wire::Lane> = machine
        .gpus
        .iter()
        .map(|gpu| wire::Lane { id: gpu.uuid.clone(), label: format!("GPU {}", gpu.index), present: true })
        .collect();
    let truncated = rows.len() >= BARS as usize;
    let mut bars = Vec::with_capacity(rows.len());
    for row in rows {
        let gpus = row.assignment.map(|held| held.gpus).unwrap_or_default();
        for share in &gpus {
            if !lanes.iter().any(|lane| lane.id == share.uuid) {
                let label = format!("GPU {} (gone)", share.index);
                lanes.push(wire::Lane { id: share.uuid.clone(), label, present: false });
            }
        }
        let on: Vec<String> = match gpus.is_empty() {
            true => vec!["cpu".into()],
            false => gpus.into_iter().map(|share| share.uuid).collect(),
        };
        bars.push(wire::Bar {
            uid: row.uid,
            name: row.name,
            group: row.group,
            attempt: row.attempt,
            lanes: on,
            from: row.from,
            to: row.to,
            status: row.status.into(),
        });
    }
    lanes.push(wire::Lane { id: "cpu".into(), label: "CPU".into(), present: true });
    Ok(wire::Timeline { lanes, bars, truncated })
}

pub(crate) async fn block_gpu(engine: &Engine, input: wire::BlockGpu) -> Result<wire::Resources> {
    engine.queue().block_gpu(&input.gpu, input.blocked).await?;
    Ok(all_resources(engine))
}

pub(crate) async fn check_requirements(
    engine: &Engine,
    input: wire::CheckRequirements,
) -> Result<wire::RequirementsCheck> {
    let requirements = input.requirements.into();
    let answer =
        |possible, fits_now, words, field| wire::RequirementsCheck { possible, fits_now, words, field };
    if let Err(fault) = athanor_core::requirements::Requirements::validate(&requirements) {
        return Ok(answer(false, false, fault.message, Some(fault.field.to_owned())));
    }
    if let Some(why) = engine.queue().impossible(&requirements) {
        return Ok(answer(false, false, why, None));
    }
    Ok(match engine.queue().fits_now(&requirements) {
        None => answer(true, false, "The machine is being looked at".into(), None),
        Some(Ok(assignment)) => answer(true, true, fits_words(&assignment), None),
        Some(Err(reason)) => answer(true, false, reason.words_at(now_ms()), None),
    })
}

fn fits_words(assignment: &Assignment) -> String {
    let indices: Vec<String> = assignment.gpus.iter().map(|share| share.index.to_string()).collect();
    match indices.as_slice() {
        [] => "Fits now".into(),
        [one] => format!("Fits now, on GPU {one}"),
        more => format!("Fits now, on GPUs {}", more.join(", ")),
    }
}
