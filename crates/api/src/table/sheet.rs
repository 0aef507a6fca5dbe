//! A table of runs for a report.

use athanor_core::goal::{Goal, goal};
use athanor_core::query::{Field, Stat};
use athanor_core::report::{Sheet, SheetCell, SheetColumn};
use athanor_engine::store::runs::RunCell;

use super::{Table, is_numeric, label, rounded};

/// The table as people read it; `mark`: the best value of each metric whose name tells which way it is better is marked,
/// where there are several runs and another is worse.
#[must_use]
pub fn sheet(table: &Table, mark: bool) -> Sheet {
    let best: Vec<Option<f64>> =
        (0..table.columns.len()).map(|column| best(table, column).filter(|_| mark)).collect();
    let cells = |row: &athanor_engine::store::runs::TableRow| {
        let each = table.columns.iter().zip(&row.cells).zip(&best);
        each.map(|((field, cell), best)| SheetCell {
            text: rounded(field, cell).unwrap_or_default(),
            best: matches!((cell, best), (RunCell::Number(value), Some(best)) if value == best),
        })
        .collect()
    };
    let column = |(place, field)| SheetColumn { label: label(field), numbers: is_numeric(table, place) };
    let marked = best.iter().any(Option::is_some);
    Sheet {
        columns: table.columns.iter().enumerate().map(column).collect(),
        rows: table.rows.iter().map(cells).collect(),
        note: marked.then(|| "Bold: the best of its column.".to_owned()),
    }
}

fn best(table: &Table, column: usize) -> Option<f64> {
    let Field::Metric(key, Stat::Last | Stat::Min | Stat::Max | Stat::Mean | Stat::Median) =
        &table.columns[column]
    else {
        return None;
    };
    let better = match goal(key)? {
        Goal::Min => f64::min,
        Goal::Max => f64::max,
    };
    let values = || {
        table.rows.iter().filter_map(move |row| match row.cells[column] {
            RunCell::Number(value) if value.is_finite() => Some(value),
            _ => None,
        })
    };
    let best = values().reduce(better)?;
    values().any(|value| value != best).then_some(best)
}
