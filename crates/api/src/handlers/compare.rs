//! Runs side by side.

use athanor_core::compare::{Which, markdown};
use athanor_core::text;
use athanor_engine::Engine;
use athanor_engine::runs::compare::{Asking, Compared, Named};
use athanor_engine::store::runs::RunRow;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::runs::columns;
use crate::wire::{self, ApiError};

type Result<T> = std::result::Result<T, ApiError>;

async fn compared(engine: &Engine, input: wire::CompareRuns) -> Result<Compared> {
    let by = input.group_by.as_deref().map(|ids| columns("group_by", ids)).transpose()?;
    let asking = Asking {
        uids: input.uids,
        baseline: input.baseline,
        target: input.target,
        goals: input.goals.into_iter().map(|(key, goal)| (key, goal.into())).collect(),
        which: Which::from(input.value),
        by,
    };
    Ok(engine.compare(asking).await?)
}

pub(crate) async fn compare(engine: &Engine, input: wire::CompareRuns) -> Result<wire::Comparison> {
    Ok(compared(engine, input).await?.into())
}

pub(crate) async fn as_markdown(engine: &Engine, input: wire::CompareRuns) -> Result<wire::ComparisonText> {
    Ok(wire::ComparisonText { text: told(engine, input).await?.0 })
}

/// A comparison as Markdown, and its runs.
pub(crate) async fn told(engine: &Engine, input: wire::CompareRuns) -> Result<(String, Vec<RunRow>)> {
    let Compared { runs, comparison } = compared(engine, input).await?;
    let zone = TimeZone::system();
    let time = |ms: Option<i64>| {
        let at = ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
        at.map(|at| at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()).unwrap_or_default()
    };
    let short = |commit: &str| commit.chars().take(10).collect::<String>();
    let of = |each: &dyn Fn(&RunRow) -> String| runs.iter().map(each).collect();
    let facts: [(&str, Vec<String>); 8] = [
        ("Run", of(&|run| run.uid.clone())),
        ("Status", of(&|run| run.status.clone())),
        ("Started", of(&|run| time(run.started_at))),
        ("Duration", of(&|run| run.duration_ms().map(text::duration).unwrap_or_default())),
        ("Steps", of(&|run| run.steps.map(|steps| steps.to_string()).unwrap_or_default())),
        ("Commit", of(&|run| run.commit_hash.as_deref().map(short).unwrap_or_default())),
        ("Host", of(&|run| run.host.clone().unwrap_or_default())),
        ("Tags", of(&|run| run.tags().join(", "))),
    ];
    Ok((markdown(&comparison, &facts), runs))
}

pub(crate) async fn configs(engine: &Engine, input: wire::ComparedUids) -> Result<wire::ComparedConfigs> {
    let runs = engine.compared_configs(&input.uids, input.baseline.as_deref()).await?;
    Ok(wire::ComparedConfigs { runs: runs.into_iter().map(Into::into).collect() })
}

/// Lines around what differs.
fn lines(context: Option<u32>) -> Option<usize> {
    context.map(|lines| usize::try_from(lines).unwrap_or(usize::MAX))
}

pub(crate) async fn texts(engine: &Engine, input: wire::CompareTexts) -> Result<wire::TextDiff> {
    let wire::CompareTexts { old, new, context } = input;
    let old = (old.uid.as_str(), old.file.as_str());
    let new = (new.uid.as_str(), new.file.as_str());
    Ok(engine.compare_configs(old, new, lines(context)).await?.into())
}

pub(crate) async fn code(engine: &Engine, input: wire::CompareCode) -> Result<wire::CodeDiff> {
    Ok(engine.compare_code(&input.old, &input.new).await?.into())
}

pub(crate) async fn code_file(engine: &Engine, input: wire::CompareCodeFile) -> Result<wire::TextDiff> {
    let wire::CompareCodeFile { old, new, path, old_path, context } = input;
    let before = old_path.unwrap_or_else(|| path.clone());
    let diff = engine.compare_code_file(&old, &new, (before.clone(), path.clone()), lines(context)).await?;
    Ok(Named { old: before, new: path, diff }.into())
}

pub(crate) async fn environments(
    engine: &Engine,
    input: wire::ComparedUids,
) -> Result<wire::ComparedEnvironment> {
    Ok(engine.compare_environments(&input.uids, input.baseline.as_deref()).await?.into())
}
