//! Reports on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartPage, ChartSpec, CompareRuns, RunSet, RunSort};

/// A report: charts, tables and notes as one document.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Report {
    /// What it is called, 300 characters at most.
    pub title: String,
    /// What is in it, in order, 2,000 blocks at most.
    pub blocks: Vec<ReportBlock>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReportBlock {
    /// The heading of what follows.
    Heading(ReportHeading),
    /// Notes.
    Text(ReportText),
    /// A chart.
    Chart(ReportChart),
    /// A table of runs.
    Table(ReportTable),
    /// Runs side by side.
    Compare(CompareRuns),
    /// Charts of a page, in its sections.
    Page(ReportPage),
}

/// A heading.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ReportHeading {
    /// Plain text.
    pub text: String,
}

/// Notes: Markdown, 1 MiB at most. HTML in it is shown as text, pictures are not fetched, and links lead to `http`, `https`
/// or `mailto` only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ReportText {
    /// The text.
    pub text: String,
}

/// A chart in a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReportChart {
    /// Of which runs.
    pub runs: RunSet,
    /// What is drawn.
    pub chart: ChartSpec,
    /// What stands below it; what it shows, if absent.
    #[serde(default)]
    #[ts(optional)]
    pub caption: Option<String>,
    /// It is half as wide as the page; two that follow each other stand side by side.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub half: bool,
    /// Height in millimetres, 20 to 240; what fits its width, if absent.
    #[serde(default)]
    #[ts(optional)]
    pub height_mm: Option<f64>,
}

/// A table of runs in a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ReportTable {
    /// The runs, 1,000 at most.
    pub runs: RunSet,
    /// Ids of its columns; the settings that differ and the metrics of the report's charts, if absent.
    #[ts(optional)]
    pub columns: Option<Vec<String>>,
    /// Its order; that of the runs if empty.
    #[ts(optional, as = "Option<Vec<RunSort>>")]
    pub sort: Vec<RunSort>,
    /// The best value of each metric whose name tells which way it is better is not marked.
    #[ts(optional, as = "Option<bool>")]
    pub plain: bool,
}

/// How wide the charts of a page are in a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReportSize {
    /// Those that span more than half of their page as wide as the paper, others two in a row.
    #[default]
    Arranged,
    /// Two in a row.
    Two,
    /// One in a row.
    One,
}

/// Charts of a page in a report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ReportPage {
    /// The page. Its runs are those that it draws.
    pub page: ChartPage,
    /// Ids of its panels that are left out.
    #[ts(optional, as = "Option<Vec<String>>")]
    pub without: Vec<String>,
    /// A table of its runs stands before its charts.
    #[ts(optional, as = "Option<bool>")]
    pub table: bool,
    /// Ids of the table's columns; as those of a table, if absent.
    #[ts(optional)]
    pub columns: Option<Vec<String>>,
    /// How wide its charts are.
    #[ts(optional, as = "Option<ReportSize>")]
    pub size: ReportSize,
}

/// What is kept with a page for its next report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct PageReport {
    /// The title; the project's name if empty.
    pub title: String,
    /// Notes: Markdown.
    pub notes: String,
    /// Ids of panels that are left out.
    pub without: Vec<String>,
    /// There is no table of runs.
    pub no_table: bool,
    /// How wide charts are.
    pub size: ReportSize,
}

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// One file that needs nothing else: no scripts, nothing is loaded.
    Html,
    /// Pages of A4, fonts in it.
    Pdf,
    /// Text; of charts their captions.
    Markdown,
}

/// Asks for a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MakeReport {
    /// The report.
    pub report: Report,
    /// As what.
    pub format: ReportFormat,
}
