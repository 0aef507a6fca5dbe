//! Charts of a page as they stand in a report.

use std::collections::HashSet;

use athanor_engine::Engine;

use super::super::runs::wanted;
use super::{HEIGHTS, Result, wrong};
use crate::wire::{
    ChartPage, ChartSpec, LinesSpec, Panel, PlotSpec, ReportBlock, ReportChart, ReportHeading, ReportPage,
    ReportSize, ReportTable, RunSet,
};

/// Height of a panel that nobody changed, in CSS pixels.
const USUAL: f64 = 230.0;

/// The table of a page's runs and its charts, section by section.
pub(super) async fn blocks(engine: &Engine, asked: ReportPage) -> Result<Vec<ReportBlock>> {
    let ReportPage { page, without, table, columns, size } = asked;
    let runs = runs(engine, &page).await?;
    let mut blocks = Vec::new();
    if table {
        blocks.push(ReportBlock::Table(ReportTable {
            runs: runs.clone(),
            columns,
            ..ReportTable::default()
        }));
    }
    let without: HashSet<&String> = without.iter().collect();
    for name in sections(&page) {
        let panels = page.panels.iter().filter(|panel| panel.section == name && !without.contains(&panel.id));
        let charts: Vec<ReportBlock> =
            panels.map(|panel| ReportBlock::Chart(chart(panel, &page.defaults, &runs, size))).collect();
        if !charts.is_empty() && !name.is_empty() {
            blocks.push(ReportBlock::Heading(ReportHeading { text: name.to_owned() }));
        }
        blocks.extend(charts);
    }
    Ok(blocks)
}

/// The runs that a page draws: the newest of its query, and those that are shown beside them, without those hidden.
async fn runs(engine: &Engine, page: &ChartPage) -> Result<RunSet> {
    let query = match (page.project.as_str(), page.query.trim()) {
        ("", query) => query.to_owned(),
        (project, "") => format!("project = {}", quoted(project)),
        (project, query) => format!("project = {} and ({query})", quoted(project)),
    };
    if page.newest > 200 {
        return Err(wrong("newest", "1 to 200 of the newest runs are drawn"));
    }
    let list = engine.runs().store().run_page(&wanted(&query, &[])?, &[], 0, page.newest).await?;
    let mut seen: HashSet<&str> = page.hidden.iter().map(String::as_str).collect();
    let newest = list.rows.iter().map(|row| row.run.uid.as_str());
    let uids = newest.chain(page.shown.iter().map(String::as_str)).filter(|uid| seen.insert(uid));
    Ok(RunSet { uids: uids.map(str::to_owned).collect(), query: None })
}

/// A text of the language of the query bar.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The sections in their order: as they are listed, then as panels name them.
fn sections(page: &ChartPage) -> Vec<&str> {
    let used: HashSet<&str> = page.panels.iter().map(|panel| panel.section.as_str()).collect();
    let listed = page.sections.iter().map(|section| section.name.as_str()).filter(|name| used.contains(name));
    let mut seen = HashSet::new();
    listed
        .chain(page.panels.iter().map(|panel| panel.section.as_str()))
        .filter(|name| seen.insert(*name))
        .collect()
}

fn chart(panel: &Panel, page: &LinesSpec, runs: &RunSet, size: ReportSize) -> ReportChart {
    let chart = match &panel.chart {
        ChartSpec::Lines(own) => ChartSpec::Lines(effective(own, &panel.own, page)),
        plot @ ChartSpec::Plot(_) => plot.clone(),
    };
    let half = match size {
        ReportSize::One => false,
        ReportSize::Two => true,
        // Axes side by side need their room.
        ReportSize::Arranged => {
            panel.columns <= 6 && !matches!(chart, ChartSpec::Plot(PlotSpec::Parallel(_)))
        }
    };
    let usual = if half { HEIGHTS.1 } else { HEIGHTS.0 };
    let height = (usual * f64::from(panel.height) / USUAL).clamp(usual * 0.6, 200.0);
    let caption = panel.title.clone().filter(|title| !title.trim().is_empty());
    ReportChart { runs: runs.clone(), chart, caption, half, height_mm: Some(height) }
}

/// A chart's own document with what it leaves to its page.
fn effective(own: &LinesSpec, keeps: &[String], page: &LinesSpec) -> LinesSpec {
    let of = |field: &str| if keeps.iter().any(|kept| kept == field) { own } else { page };
    LinesSpec {
        keys: own.keys.clone(),
        x: of("x").x.clone(),
        x_scale: of("x_scale").x_scale,
        y_scale: of("y_scale").y_scale,
        smoothing: of("smoothing").smoothing,
        raw: of("raw").raw,
        outliers: of("outliers").outliers,
        group: of("group").group.clone(),
        x_range: own.x_range,
        y_range: own.y_range,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn charts_stand_in_their_sections_and_take_from_the_page_what_is_not_their_own() {
        let page: ChartPage = serde_json::from_value(json!({
            "defaults": { "y_scale": "log", "raw": false },
            "sections": [{ "name": "val", "folded": true }, { "name": "gone", "folded": false }],
            "panels": [
                { "id": "a", "section": "train", "chart": { "kind": "lines", "keys": ["a"] } },
                { "id": "b", "section": "val", "columns": 8, "height": 460, "own": ["y_scale"], "chart": { "kind": "lines", "keys": ["b"] } },
            ],
        }))
        .expect("read");
        assert_eq!(sections(&page), ["val", "train"]);
        let runs = RunSet { uids: vec!["u".into()], query: None };
        let made = |at: usize, size| chart(&page.panels[at], &page.defaults, &runs, size);
        let (first, second) = (made(0, ReportSize::Arranged), made(1, ReportSize::Arranged));
        let (ChartSpec::Lines(a), ChartSpec::Lines(b)) = (&first.chart, &second.chart) else {
            panic!("lines")
        };
        assert_eq!((a.y_scale, a.raw), (crate::wire::Scale::Log, false));
        assert_eq!((b.y_scale, b.raw), (crate::wire::Scale::Linear, false));
        assert_eq!((first.half, second.half, made(1, ReportSize::Two).half), (true, false, true));
        assert_eq!((first.height_mm, second.height_mm), (Some(HEIGHTS.1), Some(2.0 * HEIGHTS.0)));
    }

    #[test]
    fn a_project_is_named_as_the_query_bar_reads_it() {
        assert_eq!(quoted(r#"a "b" \c"#), r#""a \"b\" \\c""#);
    }
}
