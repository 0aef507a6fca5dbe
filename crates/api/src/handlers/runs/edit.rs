//! What the user says of runs, and their removal.

use athanor_engine::Engine;
use athanor_engine::run_edit::RunChange;

use super::{Result, wrong};
use crate::convert;
use crate::wire::{self, Outcome, Outcomes};

/// Runs of one request.
const RUNS: usize = 10_000;

pub(crate) async fn edit(engine: &Engine, input: wire::EditRuns) -> Result<Outcomes> {
    check(&input.uids)?;
    let change = RunChange { add: input.tags_add, remove: input.tags_remove, notes: input.notes };
    let done = engine.edit_runs(&input.uids, &change).await?;
    Ok(outcomes(input.uids, done))
}

pub(crate) async fn remove(engine: &Engine, input: wire::RemoveRuns) -> Result<Outcomes> {
    check(&input.uids)?;
    let Some(files) = input.files else {
        let done = engine.remove_runs(&input.uids).await?;
        return Ok(outcomes(input.uids, done));
    };
    let [uid] = input.uids.as_slice() else {
        return Err(wrong("uids", "files are removed of one run at a time, whose name is typed"));
    };
    engine.remove_run_files(uid, &files.confirm).await?;
    Ok(outcomes(input.uids, vec![Ok(())]))
}

pub(crate) async fn plan(engine: &Engine, input: wire::RunRef) -> Result<wire::RunFilesPlan> {
    let (run, removal) = engine.removal(&input.uid).await?;
    Ok(convert::run_removal(run.name, removal))
}

fn check(uids: &[String]) -> Result<()> {
    match uids.len() {
        0 => Err(wrong("uids", "no run was named")),
        count if count > RUNS => Err(wrong("uids", format!("at most {RUNS} runs at once"))),
        _ => Ok(()),
    }
}

fn outcomes(uids: Vec<String>, done: Vec<athanor_engine::error::Result<()>>) -> Outcomes {
    let outcome = |(uid, done): (String, athanor_engine::error::Result<()>)| Outcome {
        uid,
        experiment: None,
        error: done.err().map(Into::into),
    };
    Outcomes { outcomes: uids.into_iter().zip(done).map(outcome).collect() }
}
