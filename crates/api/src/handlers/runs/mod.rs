//! The table of runs, one run, and what the user says of them.

pub(crate) mod edit;
pub(crate) mod export;
pub(crate) mod query;
pub(crate) mod views;

use std::path::PathBuf;

use athanor_core::nearest::nearest;
use athanor_core::query::{Field, Plain};
use athanor_engine::Engine;
use athanor_engine::run_folder;
use athanor_engine::store::runs::{GroupSort, RunCell, Sort, Wanted};

use crate::convert;
use crate::wire::{self, ApiError, Cell, ErrorCode};

type Result<T> = std::result::Result<T, ApiError>;

/// Rows of one page.
const ROWS: u32 = 500;
/// Columns of one page.
const COLUMNS: usize = 300;
/// Columns that are sorted by.
const SORTS: usize = 4;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

/// The field of a column by its id.
pub(super) fn column(field: &'static str, id: &str) -> Result<Field> {
    Field::of_column(id).ok_or_else(|| {
        let error = wrong(field, format!("there is no column “{id}”"));
        let hint = "A setting’s column is config.KEY, a metric’s metrics.KEY.last.";
        match nearest(id, Plain::ALL.map(Plain::word)) {
            Some(meant) => error.hint(format!("Did you mean {meant}? {hint}")),
            None => error.hint(hint),
        }
    })
}

pub(super) fn columns(field: &'static str, ids: &[String]) -> Result<Vec<Field>> {
    if ids.len() > COLUMNS {
        return Err(wrong(field, format!("at most {COLUMNS} columns at once")));
    }
    ids.iter().map(|id| column(field, id)).collect()
}

fn sorts(sorts: &[wire::RunSort]) -> Result<Vec<Sort>> {
    if sorts.len() > SORTS {
        return Err(wrong("sort", format!("a table is sorted by at most {SORTS} columns")));
    }
    let sort =
        |sort: &wire::RunSort| Ok(Sort { field: column("sort", &sort.column)?, descending: sort.descending });
    sorts.iter().map(sort).collect()
}

/// Which runs are meant, in which order.
pub(crate) fn wanted(text: &str, order: &[wire::RunSort]) -> Result<Wanted> {
    Ok(Wanted { query: query::parsed(text)?, sort: sorts(order)?, ..Wanted::all(query::now()) })
}

pub(crate) async fn list(engine: &Engine, input: wire::ListRuns) -> Result<wire::RunPage> {
    if input.limit > ROWS {
        return Err(wrong("limit", format!("a page has at most {ROWS} rows")));
    }
    let wanted = wanted(&input.query, &input.sort)?;
    let columns = columns("columns", &input.columns)?;
    let page = engine.runs().store().run_page(&wanted, &columns, input.offset, input.limit).await?;
    Ok(wire::RunPage {
        rows: page.rows.into_iter().map(Into::into).collect(),
        total: page.total.unsigned_abs(),
        all: page.all.unsigned_abs(),
        revision: page.revision.unsigned_abs(),
    })
}

pub(crate) async fn rows(engine: &Engine, input: wire::ReadRunRows) -> Result<wire::RunRows> {
    if input.uids.len() > ROWS as usize {
        return Err(wrong("uids", format!("at most {ROWS} runs at once")));
    }
    let columns = columns("columns", &input.columns)?;
    let store = engine.runs().store();
    let ids = store.ids_of_runs(&input.uids).await?;
    let rows = store.run_rows(&ids, &columns).await?;
    Ok(wire::RunRows { rows: rows.into_iter().map(Into::into).collect() })
}

pub(crate) async fn list_columns(engine: &Engine, input: wire::RunQuery) -> Result<wire::RunColumns> {
    let (columns, total) = engine.runs().store().columns(&wanted(&input.query, &[])?).await?;
    Ok(wire::RunColumns {
        columns: columns.into_iter().map(Into::into).collect(),
        total: total.unsigned_abs(),
    })
}

pub(crate) async fn best(engine: &Engine, input: wire::FindBestRuns) -> Result<wire::BestRuns> {
    let columns = columns("columns", &input.columns)?;
    let best = engine.runs().store().best(&wanted(&input.query, &[])?, &columns).await?;
    Ok(wire::BestRuns { best: best.into_iter().map(Into::into).collect() })
}

pub(crate) async fn group(engine: &Engine, input: wire::GroupRuns) -> Result<wire::RunGroups> {
    let by = columns("by", &input.by)?;
    let summed = columns("columns", &input.columns)?;
    let mut order = Vec::new();
    for sort in &input.sort {
        if sort.column == "count" {
            order.push(GroupSort::Count { descending: sort.descending });
            continue;
        }
        let field = column("sort", &sort.column)?;
        if !by.contains(&field) && !summed.contains(&field) {
            let message = format!("groups can’t be sorted by {}, which is no column of theirs", sort.column);
            return Err(wrong("sort", message));
        }
        order.push(GroupSort::Column(Sort { field, descending: sort.descending }));
    }
    let (groups, total) =
        engine.runs().store().groups(&wanted(&input.query, &[])?, &by, &summed, &order).await?;
    Ok(wire::RunGroups { groups: groups.into_iter().map(Into::into).collect(), total: total.unsigned_abs() })
}

pub(crate) async fn get(engine: &Engine, input: wire::RunRef) -> Result<wire::RunDetail> {
    let store = engine.runs().store();
    let run = store.find_run(&input.uid).await?;
    let metrics = store.metrics_of_run(run.id).await?;
    let settings: Vec<(String, RunCell)> = store.settings_of_run(run.id).await?;
    let facts = store.files_of_run(run.id).await?;
    let watch = match run.watch_id {
        Some(id) => store.watched_path(id).await?,
        None => None,
    };
    // Several runs in one folder: what lies deeper in it may be another's.
    let deep = run.part.is_empty() && store.other_runs_in(run.id, &run.folder).await? == 0;
    let paths: Vec<PathBuf> = facts.iter().map(|file| PathBuf::from(&file.path)).collect();
    let found = run_folder::look(PathBuf::from(&run.folder), deep, paths).await;
    let (mut files, mut media) = (Vec::with_capacity(facts.len()), Vec::new());
    for (facts, exists) in facts.into_iter().zip(found.exist) {
        let (file, others) = convert::run_file(facts, exists);
        files.push(file);
        media.extend(others);
    }
    Ok(wire::RunDetail {
        metrics: metrics.into_iter().map(Into::into).collect(),
        config: settings
            .into_iter()
            .map(|(key, value)| wire::RunSetting { key, value: Cell::from(value) })
            .collect(),
        files,
        media,
        checkpoints: found.checkpoints.into_iter().map(Into::into).collect(),
        logs: found.logs.into_iter().map(Into::into).collect(),
        folder_problem: found.problem,
        host: run.host.clone(),
        commit: run.commit_hash.clone(),
        watch,
        run: run.into(),
    })
}
