//! Reports: gathers what is in one, has its charts drawn, and has it written.

mod page;
mod tables;

use std::collections::BTreeMap;
use std::pin::Pin;

use athanor_core::chart::plots::PIXELS_PER_MM;
use athanor_core::report::{self, Document, Part, Sheet, SheetCell, SheetColumn};
use athanor_core::text;
use athanor_engine::Engine;
use athanor_engine::figure;
use athanor_engine::store::runs::RunRow;
use base64::Engine as _;
use futures_util::{StreamExt, stream};
use jiff::Zoned;

use super::figures;
use super::run_charts::runs_of;
use crate::wire::{self, ApiError, ErrorCode, ReportBlock, ReportFormat, RunSet};

type Result<T> = std::result::Result<T, ApiError>;

/// Blocks of a report, charts of its pages among them.
const BLOCKS: usize = 2_000;
/// Bytes of its notes.
const TEXT: usize = 1 << 20;
/// Letters of its title.
const TITLE: usize = 300;
/// Runs that are listed at its end.
const LISTED: usize = 100;

/// Width of a chart as wide as the paper's text, and of one of two, in millimetres.
const WIDTHS: (f64, f64) = (170.0, 82.8);
/// Their height where nothing is asked for.
const HEIGHTS: (f64, f64) = (85.0, 60.0);
/// Their text, in points.
const FONTS: (f64, f64) = (8.0, 7.0);

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

pub(crate) async fn make(engine: &Engine, input: wire::MakeReport) -> Result<wire::FigureFile> {
    let wire::MakeReport { report, format } = input;
    if report.title.chars().count() > TITLE {
        return Err(wrong("title", format!("a title has at most {TITLE} letters")));
    }
    let blocks = expanded(engine, report.blocks).await?;
    let name = figures::file_name(if report.title.trim().is_empty() { "report" } else { &report.title });
    let mut gathered = gather(engine, &report.title, &blocks, format).await?;
    if gathered.parts.is_empty() {
        return Err(
            wrong("blocks", "there is nothing in the report").hint("Choose charts, runs, or write notes.")
        );
    }
    let version = env!("CARGO_PKG_VERSION");
    let runs = match gathered.runs.len() {
        0 => String::new(),
        1 => " from 1 run".to_owned(),
        count => format!(" from {count} runs"),
    };
    let made = format!("Made {} by Athanor {version}{runs}", Zoned::now().strftime("%-d %B %Y, %H:%M %Z"));
    gathered.finish();
    let Gathered { parts, notes, .. } = gathered;
    let document = Document { title: report.title.trim().to_owned(), made, parts };
    // Laying out and writing hundreds of charts takes a while.
    let written = tokio::task::spawn_blocking(move || write(&document, format, version, notes)).await;
    let (bytes, notes) = written.map_err(athanor_engine::Error::from)??;
    let (ending, mime) = match format {
        ReportFormat::Html => ("html", "text/html"),
        ReportFormat::Pdf => ("pdf", "application/pdf"),
        ReportFormat::Markdown => ("md", "text/markdown"),
    };
    Ok(wire::FigureFile {
        name: format!("{name}.{ending}"),
        mime: mime.into(),
        base64: base64::engine::general_purpose::STANDARD.encode(bytes),
        notes,
    })
}

fn write(
    document: &Document,
    format: ReportFormat,
    version: &str,
    mut notes: Vec<String>,
) -> athanor_engine::Result<(Vec<u8>, Vec<String>)> {
    let bytes = match format {
        ReportFormat::Html => report::html(document, version).into_bytes(),
        ReportFormat::Markdown => report::source(document).into_bytes(),
        ReportFormat::Pdf => {
            let pages = report::pages(document, &figure::width);
            let strange: String = figure::strange(&pages).into_iter().take(20).collect();
            if !strange.is_empty() {
                notes.push(format!(
                    "The fonts of a PDF have no letters for “{strange}”: HTML shows them with those of whoever reads it."
                ));
            }
            let title = if document.title.is_empty() { "Report" } else { &document.title };
            figure::pages_pdf(&pages, title)?
        }
    };
    Ok((bytes, notes))
}

/// Pages of charts become their charts.
async fn expanded(engine: &Engine, blocks: Vec<ReportBlock>) -> Result<Vec<ReportBlock>> {
    let mut all = Vec::with_capacity(blocks.len());
    for block in blocks {
        match block {
            ReportBlock::Page(of) => all.extend(page::blocks(engine, of).await?),
            ReportBlock::Text(text) if text.text.len() > TEXT => {
                return Err(wrong("text", "notes have at most 1 MiB"));
            }
            block => all.push(block),
        }
    }
    if all.len() > BLOCKS {
        return Err(wrong("blocks", format!("a report has at most {BLOCKS} blocks")));
    }
    Ok(all)
}

/// What is in a report, in order.
#[derive(Default)]
struct Gathered {
    parts: Vec<Part>,
    /// Of which runs it tells, the first mentioned first.
    runs: Vec<RunRow>,
    notes: Vec<String>,
}

/// A chart that was drawn, or why it was not.
struct Chart {
    svg: Result<String>,
    caption: String,
    notes: Vec<String>,
    millimetres: (f64, f64),
    half: bool,
}

async fn gather(
    engine: &Engine,
    title: &str,
    blocks: &[ReportBlock],
    format: ReportFormat,
) -> Result<Gathered> {
    let mut gathered = Gathered::default();
    let mut told: Vec<RunSet> = Vec::new();
    for set in blocks.iter().filter_map(set_of) {
        if !told.contains(set) {
            gathered.meet(runs_of(engine, set, &[]).await?.into_iter().map(|row| row.run));
            told.push(set.clone());
        }
    }
    let asked: Vec<&wire::ReportChart> = blocks
        .iter()
        .filter_map(|block| match block {
            ReportBlock::Chart(chart) => Some(chart),
            _ => None,
        })
        .collect();
    let drawn = drawn(engine, &asked, format).await;
    let common = common_notes(&drawn);
    let mut drawn = drawn.into_iter();
    let mut number = 0;
    for block in blocks {
        match block {
            ReportBlock::Heading(heading) => gathered.parts.push(Part::Heading(heading.text.clone())),
            ReportBlock::Text(text) if text.text.trim().is_empty() => {}
            ReportBlock::Text(text) => gathered.parts.push(Part::Text(text.text.clone())),
            ReportBlock::Table(table) => {
                let keys = tables::keys(&asked);
                let sheet = tables::sheet(engine, table, &keys).await?;
                gathered.parts.push(Part::Table(sheet));
            }
            ReportBlock::Compare(compare) => {
                let (text, runs) = super::compare::told(engine, compare.clone()).await?;
                gathered.meet(runs);
                // Its heading is left out where the report is called just so.
                let rest = text.strip_prefix(&format!("## {}\n", title.trim()));
                gathered.parts.push(Part::Text(rest.unwrap_or(&text).trim_start().to_owned()));
            }
            ReportBlock::Chart(_) => {
                let Some(chart) = drawn.next() else { continue };
                number += 1;
                gathered.chart(chart, number, &common);
            }
            // They were made into others.
            ReportBlock::Page(_) => {}
        }
    }
    gathered.parts.extend(common.into_iter().map(Part::Small));
    Ok(gathered)
}

fn set_of(block: &ReportBlock) -> Option<&RunSet> {
    match block {
        ReportBlock::Chart(chart) => Some(&chart.runs),
        ReportBlock::Table(table) => Some(&table.runs),
        _ => None,
    }
}

/// What is noted of more than one chart is told once.
fn common_notes(drawn: &[Chart]) -> Vec<String> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for note in drawn.iter().flat_map(|chart| &chart.notes) {
        *counted.entry(note).or_default() += 1;
    }
    let often = counted.into_iter().filter(|(_, count)| *count > 1);
    often.map(|(note, _)| note.to_owned()).collect()
}

impl Gathered {
    fn meet(&mut self, runs: impl IntoIterator<Item = RunRow>) {
        let mut known: std::collections::HashSet<i64> = self.runs.iter().map(|run| run.id).collect();
        self.runs.extend(runs.into_iter().filter(|run| known.insert(run.id)));
    }

    fn chart(&mut self, chart: Chart, number: usize, common: &[String]) {
        let svg = match chart.svg {
            Ok(svg) => svg,
            Err(error) => {
                let text =
                    format!("Figure {number} ({}) could not be drawn: {}.", chart.caption, error.message);
                self.notes.push(text.clone());
                return self.parts.push(Part::Small(text));
            }
        };
        let figure = report::Figure {
            number,
            svg,
            width: chart.millimetres.0 * PIXELS_PER_MM,
            height: chart.millimetres.1 * PIXELS_PER_MM,
            caption: chart.caption,
            notes: chart.notes.into_iter().filter(|note| !common.contains(note)).collect(),
        };
        let narrow = |it: &report::Figure| it.width < WIDTHS.0 * PIXELS_PER_MM / 2.0;
        match self.parts.last_mut() {
            Some(Part::Figures(row)) if chart.half && row.len() == 1 && row.iter().all(narrow) => {
                row.push(figure)
            }
            _ => self.parts.push(Part::Figures(vec![figure])),
        }
    }

    /// The runs, at the end.
    fn finish(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let column = |label: &str| SheetColumn { label: label.into(), numbers: false };
        let cell = |text: String| SheetCell { text, best: false };
        let row = |run: &RunRow| {
            let started = run.started_at.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            let started = started
                .map(|at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string());
            vec![
                cell(run.name.clone()),
                cell(run.uid.clone()),
                cell(run.project.clone().unwrap_or_default()),
                cell(run.status.clone()),
                cell(started.unwrap_or_default()),
                cell(run.duration_ms().map(text::duration).unwrap_or_default()),
            ]
        };
        let more = self.runs.len().saturating_sub(LISTED);
        self.parts.push(Part::Heading("Runs".into()));
        self.parts.push(Part::Table(Sheet {
            columns: ["Run", "Uid", "Project", "Status", "Started", "Duration"].map(column).to_vec(),
            rows: self.runs.iter().take(LISTED).map(row).collect(),
            note: (more > 0).then(|| format!("and {more} more")),
        }));
    }
}

/// Draws charts side by side, as many at once as there are cores.
async fn drawn(engine: &Engine, charts: &[&wire::ReportChart], format: ReportFormat) -> Vec<Chart> {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let mut tasks: Vec<Pin<Box<dyn Future<Output = Chart> + Send + '_>>> = Vec::with_capacity(charts.len());
    for chart in charts {
        tasks.push(Box::pin(draw(engine, chart, format)));
    }
    stream::iter(tasks).buffered(cores).collect().await
}

/// Draws a chart of a report.
async fn draw(engine: &Engine, asked: &wire::ReportChart, format: ReportFormat) -> Chart {
    let of = |(one, two): (f64, f64)| if asked.half { two } else { one };
    let (width, height) = (of(WIDTHS), asked.height_mm.unwrap_or(of(HEIGHTS)).clamp(20.0, 240.0));
    let figure = wire::Figure {
        runs: asked.runs.clone(),
        chart: asked.chart.clone(),
        view: wire::ChartView::default(),
        width_mm: width,
        height_mm: height,
        font_pt: of(FONTS),
        theme: wire::Theme::Light,
        title: None,
        legend: true,
    };
    let caption = asked.caption.clone().filter(|caption| !caption.trim().is_empty());
    let caption = caption.unwrap_or_else(|| figures::named(&asked.chart, None));
    let mut notes = match &asked.chart {
        wire::ChartSpec::Lines(lines) => method(lines),
        wire::ChartSpec::Plot(_) => Vec::new(),
    };
    // Lines for a screen have as many columns as that; paper is finer.
    let format = match format {
        ReportFormat::Pdf => wire::FigureFormat::Svg,
        ReportFormat::Html | ReportFormat::Markdown => wire::FigureFormat::Png,
    };
    let input = wire::MakeFigure { figure, format, scale: 2.0 };
    let svg = match figures::drawn(engine, &input).await {
        Ok(made) => {
            notes.extend(made.notes);
            Ok(made.svg)
        }
        Err(error) => Err(error),
    };
    Chart { svg, caption, notes, millimetres: (width, height), half: asked.half }
}

/// What was done to lines before they were drawn: a reader of paper has no settings to look at.
fn method(lines: &wire::LinesSpec) -> Vec<String> {
    let mut notes = Vec::new();
    let amount = athanor_core::chart::short(lines.smoothing.amount, 6);
    let raw = if lines.raw { "; the raw line stands faint behind" } else { "" };
    match lines.smoothing.kind {
        wire::SmoothingKind::None => {}
        wire::SmoothingKind::Exponential if lines.smoothing.amount == 0.0 => {}
        wire::SmoothingKind::Exponential => {
            notes.push(format!(
                "Smoothed exponentially, weight {amount}, without the pull towards zero{raw}."
            ));
        }
        wire::SmoothingKind::Mean => notes.push(format!("Smoothed by the mean of {amount} points{raw}.")),
        wire::SmoothingKind::Gaussian => {
            notes.push(format!("Smoothed by a Gaussian, σ {amount} points{raw}."));
        }
    }
    if let Some(group) = &lines.group {
        let centre = match group.centre {
            wire::PlotCentre::Mean => "mean",
            wire::PlotCentre::Median => "median",
        };
        let of = if group.by.is_empty() {
            "all runs".to_owned()
        } else {
            format!("runs with the same {}", group.by.join(", "))
        };
        let band = match group.band {
            wire::PlotSpread::None => "",
            wire::PlotSpread::Deviation => ", with one standard deviation to both sides",
            wire::PlotSpread::Error => ", with one standard error to both sides",
            wire::PlotSpread::Quantile => ", with the 25 % to 75 % quantiles",
            wire::PlotSpread::Range => ", with least and greatest",
        };
        notes.push(format!("Lines are the {centre} of {of}{band}."));
    }
    if !lines.outliers {
        notes.push("The y axis leaves out what is far from most values.".into());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_to_lines_is_said() {
        let smoothing = wire::Smoothing { kind: wire::SmoothingKind::Exponential, amount: 0.9 };
        let group = wire::LineGroups { by: vec!["config.lr".into()], ..wire::LineGroups::default() };
        let lines =
            wire::LinesSpec { smoothing, group: Some(group), outliers: false, ..wire::LinesSpec::default() };
        assert_eq!(
            method(&lines),
            [
                "Smoothed exponentially, weight 0.9, without the pull towards zero; the raw line stands faint behind.",
                "Lines are the mean of runs with the same config.lr, with one standard error to both sides.",
                "The y axis leaves out what is far from most values.",
            ]
        );
        assert!(method(&wire::LinesSpec::default()).is_empty());
    }

    #[test]
    fn two_halves_stand_side_by_side_and_a_chart_that_failed_says_so() {
        let chart = |half: bool, svg: Result<String>| Chart {
            svg,
            caption: "loss".into(),
            notes: vec!["once".into(), "often".into()],
            millimetres: if half { (WIDTHS.1, HEIGHTS.1) } else { (WIDTHS.0, HEIGHTS.0) },
            half,
        };
        let mut gathered = Gathered::default();
        for (number, half) in [true, true, true, false, true].into_iter().enumerate() {
            gathered.chart(chart(half, Ok("<svg></svg>".into())), number + 1, &["often".into()]);
        }
        gathered.chart(chart(true, Err(wrong("keys", "choose a metric"))), 6, &[]);
        let rows: Vec<Vec<usize>> = gathered
            .parts
            .iter()
            .map(|part| match part {
                Part::Figures(row) => row.iter().map(|figure| figure.number).collect(),
                _ => Vec::new(),
            })
            .collect();
        assert_eq!(rows, [vec![1, 2], vec![3], vec![4], vec![5], vec![]]);
        assert_eq!(gathered.notes, ["Figure 6 (loss) could not be drawn: choose a metric."]);
        let Part::Figures(row) = &gathered.parts[0] else { panic!("figures") };
        assert_eq!(row[0].notes, ["once"]);
    }
}
