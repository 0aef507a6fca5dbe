//! What a folder holds.

use std::collections::BTreeMap;

use athanor_core::runs::printed::{Preview, Previewed};
use athanor_core::runs::{End, Place, Role};
use athanor_engine::scan::{Media, Problem, Report, RunReport};

use crate::wire;

same_words!(End => wire::ScannedEnd: Completed Failed Cancelled);
same_words!(Role => wire::ScannedRole: Metrics Config Meta Log Copy);

impl From<Report> for wire::ScanReport {
    fn from(report: Report) -> Self {
        Self {
            folders: report.progress.folders,
            files: report.progress.files,
            bytes: report.progress.bytes,
            formats: formats(&report.runs),
            runs: report.runs.into_iter().map(run).collect(),
            problems: report.problems.into_iter().map(problem).collect(),
        }
    }
}

fn formats(runs: &[RunReport]) -> Vec<wire::ScannedFormat> {
    let mut sums: BTreeMap<&str, wire::ScannedFormat> = BTreeMap::new();
    for run in runs {
        let sum = sums.entry(run.format).or_insert_with(|| wire::ScannedFormat {
            format: run.format.into(),
            label: run.label.into(),
            runs: 0,
            metrics: 0,
            points: 0,
        });
        sum.runs += 1;
        sum.metrics += run.metrics;
        sum.points += run.points;
    }
    let mut sums: Vec<_> = sums.into_values().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.runs));
    sums
}

fn run(run: RunReport) -> wire::ScannedRun {
    let files = run.files.into_iter().map(|file| wire::ScannedFile {
        path: file.path,
        format: file.format.into(),
        role: file.role.into(),
        points: file.points,
        left: file.left,
    });
    wire::ScannedRun {
        folder: run.folder,
        part: run.part,
        format: run.format.into(),
        metrics: run.metrics,
        points: run.points,
        settings: run.settings,
        media: run.media.into_iter().map(media).collect(),
        ended: run.end.map(Into::into),
        files: files.collect(),
    }
}

fn media(media: Media) -> wire::ScannedMedia {
    wire::ScannedMedia { kind: media.kind, names: media.names, count: media.count }
}

pub(crate) fn problem(problem: Problem) -> wire::ScanProblem {
    let (line, byte) = match problem.place {
        Some(Place::Line(line)) => (Some(line), None),
        Some(Place::Byte(byte)) => (None, Some(byte)),
        Some(Place::File) | None => (None, None),
    };
    wire::ScanProblem { path: problem.path, line, byte, message: problem.message, more: problem.more }
}

impl From<Preview> for wire::LogPreview {
    fn from(preview: Preview) -> Self {
        let line = |line: Previewed| wire::PreviewedLine {
            line: line.line,
            text: line.text,
            x: line.reads.x.map(|x| x.key),
            step: line.step,
            values: line.reads.values.into_iter().map(|hit| (hit.key, wire::Number(hit.value))).collect(),
        };
        Self {
            lines: preview.lines.into_iter().map(line).collect(),
            seen: preview.seen,
            read: preview.read,
            points: preview.points,
            metrics: preview.metrics,
        }
    }
}
