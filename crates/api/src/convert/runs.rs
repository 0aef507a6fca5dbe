//! The table of runs.

use athanor_core::goal::Goal;
use athanor_core::query::{Field, Plain, Stat, Suggested, Suggestion};
use athanor_core::runs::{self, Other, Place, RunStatus};
use athanor_engine::run_edit::Removal;
use athanor_engine::run_folder::{FoundCheckpoint, FoundLog};
use athanor_engine::runs::FileProblem;
use athanor_engine::store::runs::{
    Best, ColumnFacts, FileFacts, Group, MetricFacts, RunCell, RunRow, Spread, TableRow,
};

use crate::wire::{self, Number};

same_words!(RunStatus => wire::RunStatus: Running Paused Stale Completed Failed Cancelled Ended);
same_words!(Goal => wire::RunGoal: Min Max);
same_words!(athanor_core::chart::plots::Centre => wire::PlotCentre: Mean Median);
same_words!(athanor_core::chart::plots::Spread => wire::PlotSpread: None Deviation Error Quantile Range);
same_words!(Suggested => wire::SuggestionKind: Field Config Metric Operator Value Keyword);

impl From<RunCell> for wire::Cell {
    fn from(cell: RunCell) -> Self {
        match cell {
            RunCell::Missing => Self::Missing,
            RunCell::Bool(yes) => Self::Bool(yes),
            RunCell::Number(value) => Self::Number(Number(value)),
            RunCell::Text(text) => Self::Text(text),
        }
    }
}

fn status(name: &str) -> wire::RunStatus {
    RunStatus::from_name(name).unwrap_or(RunStatus::Ended).into()
}

impl From<RunRow> for wire::RunRow {
    fn from(run: RunRow) -> Self {
        Self {
            tags: run.tags(),
            status: status(&run.status),
            label: runs::format(&run.format)
                .map_or_else(|| run.format.clone(), |format| format.label().to_owned()),
            colour: u32::try_from(runs::colour(run.experiment.as_ref().unwrap_or(&run.uid)))
                .unwrap_or_default(),
            uid: run.uid,
            name: run.name,
            project: run.project,
            group: run.grouping,
            format: run.format,
            started: run.started_at,
            finished: run.finished_at,
            changed: run.changed_at,
            steps: run.steps,
            total_steps: run.total_steps,
            points: run.points.unsigned_abs(),
            notes: run.notes,
            folder: run.folder,
            part: run.part,
            experiment: run.experiment,
            attempt: run.attempt,
            missing: run.missing,
            cells: Vec::new(),
        }
    }
}

impl From<TableRow> for wire::RunRow {
    fn from(row: TableRow) -> Self {
        Self { cells: row.cells.into_iter().map(Into::into).collect(), ..row.run.into() }
    }
}

/// A plain field in words.
fn words(plain: Plain) -> &'static str {
    match plain {
        Plain::Tag => "Tags",
        Plain::Name => "Name",
        Plain::Project => "Project",
        Plain::Group => "Group",
        Plain::Status => "Status",
        Plain::Format => "Format",
        Plain::Folder => "Folder",
        Plain::Notes => "Notes",
        Plain::Host => "Host",
        Plain::Commit => "Commit",
        Plain::Experiment => "Experiment",
        Plain::Started => "Started",
        Plain::Finished => "Finished",
        Plain::Changed => "Changed",
        Plain::Duration => "Duration",
        Plain::Steps => "Steps",
        Plain::Points => "Points",
    }
}

impl From<ColumnFacts> for wire::RunColumn {
    fn from(facts: ColumnFacts) -> Self {
        let (kind, label) = match &facts.field {
            Field::Plain(plain) => (wire::RunColumnKind::Field, words(*plain).to_owned()),
            Field::Config(key) => (wire::RunColumnKind::Config, key.clone()),
            Field::Metric(key, Stat::Last) => (wire::RunColumnKind::Metric, key.clone()),
            Field::Metric(key, stat) => (wire::RunColumnKind::Metric, format!("{key} {}", stat.word())),
        };
        Self {
            id: facts.field.column(),
            kind,
            label,
            runs: facts.runs.unsigned_abs(),
            constant: facts.constant,
            numeric: facts.numeric,
            goal: facts.goal.map(Into::into),
        }
    }
}

impl From<Best> for wire::BestRun {
    fn from(best: Best) -> Self {
        Self { column: best.field.column(), uid: best.uid, value: best.value }
    }
}

impl From<Suggestion> for wire::QuerySuggestion {
    fn from(item: Suggestion) -> Self {
        Self { insert: item.insert, label: item.label, kind: item.kind.into(), detail: item.detail }
    }
}

impl From<Spread> for wire::GroupCell {
    fn from(spread: Spread) -> Self {
        let Spread { count, mean, deviation, min, max } = spread;
        Self { mean, deviation, min, max, count: count.unsigned_abs() }
    }
}

impl From<Group> for wire::RunGroup {
    fn from(group: Group) -> Self {
        Self {
            query: group.query.to_string(),
            values: group.values.into_iter().map(Into::into).collect(),
            count: group.count.unsigned_abs(),
            status: group
                .status
                .into_iter()
                .map(|(word, runs)| (status(word), runs.unsigned_abs()))
                .collect(),
            cells: group.sums.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<MetricFacts> for wire::RunMetric {
    fn from(facts: MetricFacts) -> Self {
        Self {
            goal: athanor_core::goal::goal(&facts.key).map(Into::into),
            key: facts.key,
            points: facts.count.unsigned_abs(),
            last: (facts.count > 0).then(|| Number(facts.last.unwrap_or(f64::NAN))),
            last_step: facts.last_step,
            min: facts.min,
            min_step: facts.min_step,
            max: facts.max,
            max_step: facts.max_step,
            mean: facts.mean,
            median: facts.median,
            not_finite: facts.not_finite.unsigned_abs(),
        }
    }
}

/// A file of a run and whether it is there now; and what else is in it.
pub(crate) fn file(facts: FileFacts, exists: bool) -> (wire::RunFile, Vec<wire::RunMedia>) {
    let problems: Vec<FileProblem> = serde_json::from_str(&facts.problems).unwrap_or_default();
    let others: Vec<Other> = serde_json::from_str(&facts.others).unwrap_or_default();
    let file = wire::RunFile {
        path: facts.path,
        role: facts.role,
        format: facts.format,
        size: facts.size.unsigned_abs(),
        modified: (facts.modified_ns > 0).then_some(facts.modified_ns / 1_000_000),
        problems: problems.into_iter().map(problem).collect(),
        refused: facts.refused,
        exists,
    };
    let media = others.into_iter().map(|other| wire::RunMedia {
        kind: other.kind,
        key: other.key,
        count: other.count,
    });
    (file, media.collect())
}

fn problem(problem: FileProblem) -> wire::RunFileProblem {
    let place = match problem.place {
        Some(Place::Line(line)) => Some(format!("line {line}")),
        Some(Place::Byte(byte)) => Some(format!("byte {byte}")),
        Some(Place::File) | None => None,
    };
    let more = match problem.more {
        0 => String::new(),
        1 => " (and 1 more place)".into(),
        more => format!(" (and {more} more places)"),
    };
    wire::RunFileProblem { place, message: format!("{}{more}", problem.message) }
}

impl From<FoundCheckpoint> for wire::RunCheckpoint {
    fn from(found: FoundCheckpoint) -> Self {
        Self {
            path: found.path.display().to_string(),
            size: found.size,
            modified: found.modified,
            step: found.step,
            kind: found.kind,
        }
    }
}

impl From<FoundLog> for wire::RunLog {
    fn from(found: FoundLog) -> Self {
        Self { path: found.path.display().to_string(), size: found.size }
    }
}

/// What a removal takes away.
pub(crate) fn removal(name: String, removal: Removal) -> wire::RunFilesPlan {
    let folder = removal.paths.first().filter(|_| removal.whole).map(|path| path.display().to_string());
    wire::RunFilesPlan {
        name,
        folder,
        files: removal.files.iter().map(|path| path.display().to_string()).collect(),
        count: removal.count,
        size: removal.size,
    }
}
