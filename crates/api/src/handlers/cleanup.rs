//! Taking away what nobody needs any more, shown before it goes.

use athanor_engine::Engine;
use athanor_engine::cleanup::Old;

use super::Result;
use crate::wire;

/// Logs that are named one by one.
const NAMED: usize = 200;

pub(crate) async fn preview(engine: &Engine, input: wire::CleanUp) -> Result<wire::CleanUpPlan> {
    Ok(plan(engine.old(input.days).await?))
}

pub(crate) async fn run(engine: &Engine, input: wire::CleanUp) -> Result<wire::CleanUpPlan> {
    Ok(plan(engine.clean_up(input.days).await?))
}

fn plan(old: Old) -> wire::CleanUpPlan {
    let bytes = old.logs.iter().map(|(_, bytes)| bytes).sum();
    let logs = old.logs.len() as u64;
    let mut largest = old.logs;
    largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    wire::CleanUpPlan {
        before: old.before,
        events: old.events,
        logs,
        bytes,
        largest: largest
            .into_iter()
            .take(NAMED)
            .map(|(log, bytes)| wire::OldLog {
                uid: log.uid,
                name: log.name,
                attempt: log.number,
                ended_at: log.ended_at,
                bytes,
            })
            .collect(),
    }
}
