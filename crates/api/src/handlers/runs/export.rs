//! The table of runs for other programs.

use std::collections::HashSet;

use athanor_engine::Engine;
use base64::Engine as _;

use super::{Result, columns, wanted, wrong};
use crate::table::{self, Table};
use crate::wire::{self, ApiError, ErrorCode, RunExportFormat};

/// Cells of one export: what is answered is in memory several times over.
const CELLS: usize = 20_000_000;

pub(crate) async fn export(engine: &Engine, input: wire::ExportRuns) -> Result<wire::RunExport> {
    let mut seen = HashSet::new();
    let ids: Vec<String> = input.columns.into_iter().filter(|id| seen.insert(id.clone())).collect();
    let columns = columns("columns", &ids)?;
    if columns.is_empty() {
        return Err(wrong("columns", "name at least one column"));
    }
    let mut wanted = wanted(&input.query, &input.sort)?;
    wanted.uids = input.uids;
    let store = engine.runs().store();
    let ids = store.run_ids(&wanted).await?;
    if ids.len().saturating_mul(columns.len()) > CELLS {
        let message = format!("{} runs with {} columns are too many for one table", ids.len(), columns.len());
        return Err(wrong("columns", message).hint("Choose fewer columns, or filter the runs."));
    }
    let rows = store.run_rows(&ids, &columns).await?;
    let count = rows.len() as u64;
    let table = Table { columns, rows };
    // Tens of thousands of rows take a while.
    let written = tokio::task::spawn_blocking(move || write(&table, input.format)).await;
    let (text, base64) = written.map_err(|cause| internal(&cause))??;
    Ok(wire::RunExport { text, base64, rows: count })
}

fn write(table: &Table, format: RunExportFormat) -> Result<(Option<String>, Option<String>)> {
    Ok(match format {
        RunExportFormat::Csv => (Some(table::csv(table)), None),
        RunExportFormat::Json => (Some(table::json(table)), None),
        RunExportFormat::Markdown => (Some(table::markdown(table)), None),
        RunExportFormat::Latex => (Some(table::latex(table)), None),
        RunExportFormat::Parquet => {
            let bytes = table::parquet(table).map_err(|cause| internal(&cause))?;
            (None, Some(base64::engine::general_purpose::STANDARD.encode(bytes)))
        }
    })
}

fn internal(cause: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, format!("the table can’t be written: {cause}"))
}
