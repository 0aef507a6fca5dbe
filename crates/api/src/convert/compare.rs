//! Runs side by side.

use athanor_core::compare::{
    Beside, Change, CodeFile, FactRow, Group, Hunk, Judged, Line, Method, Metric, Outcome, Part, Row, Side,
    Value, Verdict, Which,
};
use athanor_engine::runs::compare::{Code, Compared, Config, Configs, Environments, Named, Section};

use crate::wire::{self, Cell, Number};

same_words!(Change => wire::ComparedChange: Same Added Removed Changed);
same_words!(Which => wire::ComparedValue: AtTarget Best Last);
same_words!(Outcome => wire::VerdictOutcome: Baseline Better Worse Unclear TooFew Nothing);
same_words!(Method => wire::IntervalMethod: Welch Paired);

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn cell(value: Option<Value>) -> Cell {
    match value {
        None => Cell::Missing,
        Some(Value::Bool(yes)) => Cell::Bool(yes),
        Some(Value::Number(number)) => Cell::Number(Number(number)),
        Some(Value::Text(text)) => Cell::Text(text),
    }
}

impl From<Compared> for wire::Comparison {
    fn from(compared: Compared) -> Self {
        let Compared { runs, comparison } = compared;
        let group_of = |place: usize| {
            count(comparison.groups.iter().position(|group| group.runs.contains(&place)).unwrap_or_default())
        };
        let run = |(place, run): (usize, athanor_engine::store::runs::RunRow)| wire::ComparedRun {
            label: comparison.labels[place].clone(),
            duration: run.duration_ms(),
            commit: run.commit_hash.clone(),
            host: run.host.clone(),
            group: group_of(place),
            best_step: comparison.best_steps[place],
            run: run.into(),
        };
        Self {
            runs: runs.into_iter().enumerate().map(run).collect(),
            baseline: count(comparison.baseline),
            settings: comparison.settings.into_iter().map(Into::into).collect(),
            target: comparison.target,
            metrics: comparison.metrics.into_iter().map(Into::into).collect(),
            value: comparison.which.into(),
            groups: comparison.groups.into_iter().map(Into::into).collect(),
            set_aside: comparison.set_aside,
            verdicts: comparison.verdicts.into_iter().map(Into::into).collect(),
            summary: comparison.summary,
            notes: comparison.notes,
        }
    }
}

impl From<Row> for wire::ComparedSetting {
    fn from(row: Row) -> Self {
        Self {
            key: row.key,
            values: row.values.into_iter().map(cell).collect(),
            changes: row.changes.into_iter().map(Into::into).collect(),
            differs: row.differs,
        }
    }
}

impl From<Metric> for wire::ComparedMetric {
    fn from(metric: Metric) -> Self {
        let places = |all: Vec<Option<Beside>>| all.into_iter().map(|one| one.map(Into::into)).collect();
        Self {
            key: metric.key,
            goal: metric.goal.map(Into::into),
            named: metric.named,
            at_target: places(metric.at_target),
            best: places(metric.best),
            last: places(metric.last),
        }
    }
}

impl From<Beside> for wire::MetricPlace {
    fn from(beside: Beside) -> Self {
        let Beside { place, difference, percent, better, leads } = beside;
        Self { value: Number(place.value), step: place.step, difference, percent, better, leads }
    }
}

impl From<Group> for wire::ComparedGroup {
    fn from(group: Group) -> Self {
        let setting = |(key, value)| wire::GroupSetting { key, value: cell(value) };
        Self {
            label: group.label,
            runs: group.runs.into_iter().map(count).collect(),
            values: group.values.into_iter().map(setting).collect(),
            seeds: group.seeds.into_iter().map(cell).collect(),
        }
    }
}

impl From<Verdict> for wire::Verdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            key: verdict.key,
            goal: verdict.goal.into(),
            groups: verdict.groups.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Judged> for wire::GroupVerdict {
    fn from(judged: Judged) -> Self {
        Self {
            count: count(judged.count),
            mean: judged.mean,
            deviation: judged.deviation,
            difference: judged.difference,
            percent: judged.percent,
            interval: judged.interval.map(|interval| (interval.low, interval.high)),
            method: judged.method.map(Into::into),
            freedom: judged.interval.map(|interval| interval.freedom),
            outcome: judged.outcome.into(),
            words: judged.words,
        }
    }
}

impl From<Configs> for wire::RunConfigs {
    fn from(configs: Configs) -> Self {
        let choice = |Config { id, label, size, kept }: Config| wire::ConfigChoice { id, label, size, kept };
        Self {
            uid: configs.uid,
            chosen: configs.chosen,
            files: configs.files.into_iter().map(choice).collect(),
            problem: configs.problem,
        }
    }
}

impl From<Named> for wire::TextDiff {
    fn from(named: Named) -> Self {
        let Named { old, new, diff } = named;
        Self {
            old,
            new,
            removed: diff.removed,
            added: diff.added,
            hunks: diff.hunks.into_iter().map(hunk).collect(),
            notes: diff.notes,
        }
    }
}

fn hunk(hunk: Hunk) -> wire::DiffHunk {
    let part = |Part { text, changed }: Part| wire::DiffPart { text, changed };
    let side = |side: Side| wire::DiffSide {
        line: count(side.line),
        parts: side.parts.into_iter().map(part).collect(),
    };
    let row =
        |line: Line| wire::DiffRow { same: line.same, old: line.old.map(side), new: line.new.map(side) };
    wire::DiffHunk { head: hunk.head, rows: hunk.lines.into_iter().map(row).collect() }
}

impl From<Code> for wire::CodeDiff {
    fn from(code: Code) -> Self {
        Self {
            commits: code.commits.map(|(old, new)| wire::CommitPair { old, new }),
            repository: code.repository.map(|path| path.display().to_string()),
            files: code.files.into_iter().map(Into::into).collect(),
            total: code.total as u64,
            problem: code.problem,
            hint: code.hint,
            notes: code.notes,
        }
    }
}

impl From<CodeFile> for wire::CodeFile {
    fn from(file: CodeFile) -> Self {
        let CodeFile { path, old_path, change, added, removed } = file;
        Self { path, old_path, change: change.into(), added, removed }
    }
}

impl From<Environments> for wire::ComparedEnvironment {
    fn from(all: Environments) -> Self {
        Self {
            uids: all.uids,
            sections: all.sections.into_iter().map(Into::into).collect(),
            notes: all.notes,
        }
    }
}

impl From<Section> for wire::EnvironmentSection {
    fn from(section: Section) -> Self {
        let fact = |row: FactRow| wire::EnvironmentFact {
            key: row.key,
            values: row.values,
            changes: row.changes.into_iter().map(Into::into).collect(),
            differs: row.differs,
        };
        Self { title: section.title.to_owned(), facts: section.rows.into_iter().map(fact).collect() }
    }
}
