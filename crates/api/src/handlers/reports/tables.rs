//! Tables of runs in reports.

use athanor_core::goal::goal;
use athanor_core::query::{Field, Plain, Stat};
use athanor_core::report::Sheet;
use athanor_engine::Engine;

use super::super::run_charts::runs_of;
use super::super::runs::{columns, wanted};
use super::Result;
use crate::table::{self, Table};
use crate::wire::{self, ChartSpec, PlotSpec};

/// Settings and metrics of a table whose columns nobody chose.
const CHOSEN: (usize, usize) = (6, 6);

/// The metrics that charts show, in their order.
pub(super) fn keys(charts: &[&wire::ReportChart]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for chart in charts {
        let own: &[String] = match &chart.chart {
            ChartSpec::Lines(lines) => &lines.keys,
            ChartSpec::Plot(PlotSpec::Usage(usage)) => std::slice::from_ref(&usage.key),
            ChartSpec::Plot(_) => &[],
        };
        for key in own {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

pub(super) async fn sheet(engine: &Engine, asked: &wire::ReportTable, keys: &[String]) -> Result<Sheet> {
    let store = engine.runs().store();
    let mut rows = runs_of(engine, &asked.runs, &[]).await?;
    let uids: Vec<String> = rows.iter().map(|row| row.run.uid.clone()).collect();
    let fields = match &asked.columns {
        Some(ids) => columns("columns", ids)?,
        None => {
            let mut of = wanted("", &[])?;
            of.uids = Some(uids.clone());
            chosen(&store.columns(&of).await?.0, keys)
        }
    };
    let ids: Vec<i64> = if asked.sort.is_empty() {
        rows.iter().map(|row| row.run.id).collect()
    } else {
        let mut of = wanted("", &asked.sort)?;
        of.uids = Some(uids);
        store.run_ids(&of).await?
    };
    rows = store.run_rows(&ids, &fields).await?;
    Ok(table::sheet(&Table { columns: fields, rows }, !asked.plain))
}

/// Columns that tell most: the name, settings that differ, and metrics with the value that counts.
fn chosen(there: &[athanor_engine::store::runs::ColumnFacts], keys: &[String]) -> Vec<Field> {
    let mut fields = vec![Field::Plain(Plain::Name), Field::Plain(Plain::Status)];
    let settings = there.iter().filter(|column| matches!(column.field, Field::Config(_)) && !column.constant);
    fields.extend(settings.take(CHOSEN.0).map(|column| column.field.clone()));
    let known = |key: &&String| {
        there.iter().any(|column| matches!(&column.field, Field::Metric(own, _) if own == *key))
    };
    let judged = |key: &&String| goal(key).is_some();
    // What is judged by comes first; without a chart, of all metrics.
    let all: Vec<String> = match keys {
        [] => there
            .iter()
            .filter_map(|column| match &column.field {
                Field::Metric(key, _) => Some(key.clone()),
                _ => None,
            })
            .collect(),
        keys => keys.to_vec(),
    };
    let (first, rest): (Vec<&String>, Vec<&String>) = all.iter().filter(known).partition(judged);
    fields.extend(first.into_iter().chain(rest).take(CHOSEN.1).map(|key| {
        let stat = match goal(key) {
            Some(athanor_core::goal::Goal::Min) => Stat::Min,
            Some(athanor_core::goal::Goal::Max) => Stat::Max,
            None => Stat::Last,
        };
        Field::Metric(key.clone(), stat)
    }));
    fields
}
