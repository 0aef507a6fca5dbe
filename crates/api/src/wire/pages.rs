//! Pages of charts on the wire.
//!
//! A page is a document: every field has a default, so that old ones stay readable.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartSpec, LinesSpec, PageReport};

/// A page of charts, one for each project and one for all runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct ChartPage {
    /// The project; empty for all runs.
    pub project: String,
    /// Which of its runs, in the language of the query bar.
    pub query: String,
    /// Runs that are not drawn.
    pub hidden: Vec<String>,
    /// Runs that are drawn although they are not among the newest.
    pub shown: Vec<String>,
    /// So many of the newest runs are drawn, 1 to 200.
    pub newest: u32,
    /// How line charts are drawn that do not say it themselves; its metrics and ranges mean nothing.
    pub defaults: LinesSpec,
    /// The sections in their order.
    pub sections: Vec<PageSection>,
    /// The panels in their order.
    pub panels: Vec<Panel>,
    /// What its next report begins with.
    #[ts(optional)]
    pub report: Option<PageReport>,
}

/// A part of a page with a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct PageSection {
    /// Its name; panels without a section are in the one whose name is empty.
    pub name: String,
    /// Only its name is shown.
    pub folded: bool,
}

/// A chart of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Panel {
    /// Tells it from the others of its page.
    pub id: String,
    /// Its name; what it shows, if absent.
    #[serde(default)]
    pub title: Option<String>,
    /// The section that it is in.
    #[serde(default)]
    pub section: String,
    /// How many of the page's twelve columns it spans, 1 to 12.
    #[serde(default = "third")]
    pub columns: u32,
    /// Its height in CSS pixels, 100 to 2,000.
    #[serde(default = "usual_height")]
    pub height: u32,
    /// What it shows.
    pub chart: ChartSpec,
    /// What of a line chart is its own; the rest is as the page says: `x`, `x_scale`, `y_scale`, `smoothing`, `raw`,
    /// `outliers`, `group`.
    #[serde(default)]
    pub own: Vec<String>,
    /// The names of its lines stand below it; as there are few lines, if absent.
    #[serde(default)]
    pub legend: Option<bool>,
}

fn third() -> u32 {
    4
}

fn usual_height() -> u32 {
    230
}

/// Asks for a page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct GetPage {
    /// The project; empty for all runs.
    pub project: String,
}

/// What is told of a page of charts without opening it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PageFacts {
    /// The project; empty for all runs.
    pub project: String,
    /// How many panels it has.
    pub panels: i64,
    /// Counts how often it was saved.
    pub revision: i64,
    /// When it last was, UTC milliseconds.
    pub saved_at: i64,
}

/// The pages of charts that there are.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct PageList {
    /// By their projects; that of all runs, which has no name, first.
    pub pages: Vec<PageFacts>,
}

/// A page as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct StoredPage {
    /// The page, if there is one.
    pub page: Option<ChartPage>,
    /// Counts how often it was saved; 0 if it never was.
    pub revision: i64,
}

/// Saves a page.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SavePage {
    /// The page, in place of the one of its project.
    pub page: ChartPage,
    /// The revision that it goes on from. It is refused if another one was saved meanwhile.
    pub revision: i64,
}

/// That a page was saved.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SavedPage {
    /// Its revision now.
    pub revision: i64,
}

/// Asks for the panels that runs would fill.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SuggestPanels {
    /// Which runs, in the language of the query bar.
    #[serde(default)]
    pub query: String,
}

/// Panels that runs would fill.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct SuggestedPanels {
    /// A line chart for each metric, in sections by the prefix of their names (`train/`); what counts or keeps time last.
    pub panels: Vec<Panel>,
    /// How many metrics there are no panels for, because a page holds no more.
    pub more: u64,
}
