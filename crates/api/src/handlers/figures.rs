//! Charts as files.

use std::fmt::Write as _;

use athanor_core::chart::DrawnLine;
use athanor_core::chart::plots::{Figure, LegendEntry, Table, Value};
use athanor_engine::Engine;
use athanor_engine::figure;
use base64::Engine as _;

use super::plots::{Drawn, Size, describe, plotted};
use super::run_charts::{DrawnLines, LinesSize, draw_lines};
use crate::wire::{self, ApiError, ErrorCode, FigureFormat};

type Result<T> = std::result::Result<T, ApiError>;

/// Device pixels of a CSS pixel for which lines of a vector picture are reduced: 384 columns to the inch.
const FINE: f64 = 4.0;

/// Entries of a legend of runs at most; a picture has no room for more.
const LEGEND: usize = 200;

fn wrong(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidInput, message.into()).field(field)
}

/// A chart, drawn for a figure.
pub(super) struct Made {
    pub svg: String,
    pub table: Table,
    pub notes: Vec<String>,
}

pub(crate) async fn make(engine: &Engine, input: wire::MakeFigure) -> Result<wire::FigureFile> {
    let asked = &input.figure;
    for (field, side) in [("width_mm", asked.width_mm), ("height_mm", asked.height_mm)] {
        if !(10.0..=1000.0).contains(&side) {
            return Err(wrong(field, "a side of a figure is 10 to 1000 millimetres long"));
        }
    }
    if !(3.0..=48.0).contains(&asked.font_pt) {
        return Err(wrong("font_pt", "text of a figure has 3 to 48 points"));
    }
    if input.format == FigureFormat::Png && !(0.1..=20.0).contains(&input.scale) {
        return Err(wrong("scale", "a PNG has 0.1 to 20 pixels for each CSS pixel, of which an inch has 96"));
    }
    let name = named(&asked.chart, asked.title.as_deref().filter(|title| !title.trim().is_empty()));
    let Made { svg, table, notes } = drawn(engine, &input).await?;
    let (format, scale, heading) = (input.format, input.scale, name.clone());
    let write = move || match format {
        FigureFormat::Csv => Ok(csv(&table).into_bytes()),
        FigureFormat::Svg => Ok(figure::Figure::new(&svg)?.svg().into_bytes()),
        #[allow(clippy::cast_possible_truncation, reason = "a scale of 0.1 to 20")]
        FigureFormat::Png => figure::Figure::new(&svg)?.png(scale as f32),
        FigureFormat::Pdf => figure::Figure::new(&svg)?.pdf(&heading),
    };
    let written: athanor_engine::Result<Vec<u8>> =
        tokio::task::spawn_blocking(write).await.map_err(athanor_engine::Error::from)?;
    let (ending, mime) = match format {
        FigureFormat::Csv => ("csv", "text/csv"),
        FigureFormat::Svg => ("svg", "image/svg+xml"),
        FigureFormat::Png => ("png", "image/png"),
        FigureFormat::Pdf => ("pdf", "application/pdf"),
    };
    Ok(wire::FigureFile {
        name: format!("{}.{ending}", file_name(&name)),
        mime: mime.into(),
        base64: base64::engine::general_purpose::STANDARD.encode(written?),
        notes,
    })
}

/// A chart as a picture of its own, with its title, axes and legend.
pub(super) async fn drawn(engine: &Engine, input: &wire::MakeFigure) -> Result<Made> {
    let asked = &input.figure;
    let title = asked.title.clone().filter(|title| !title.trim().is_empty());
    let page = Figure {
        width_mm: asked.width_mm,
        height_mm: asked.height_mm,
        font_pt: asked.font_pt,
        theme: asked.theme.into(),
        title,
        y_title: None,
        x_title: None,
        legend: Vec::new(),
    };
    match &asked.chart {
        wire::ChartSpec::Lines(lines) => lines_of(engine, input, lines, page).await,
        wire::ChartSpec::Plot(plot) => plot_of(engine, asked, plot, page).await,
    }
}

/// What a figure is called: its title, or what it shows.
pub(super) fn named(chart: &wire::ChartSpec, title: Option<&str>) -> String {
    match (title, chart) {
        (Some(title), _) => title.to_owned(),
        (None, wire::ChartSpec::Lines(lines)) => lines.keys.join(", "),
        (None, wire::ChartSpec::Plot(plot)) => describe(plot),
    }
}

/// A name that is one safe path segment everywhere.
pub(super) fn file_name(name: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || "-_.,+=".contains(c) { c } else { '_' };
    let name: String = name.chars().map(safe).take(80).collect();
    let name = name.trim_matches(['.', '_']);
    if name.is_empty() { "chart".into() } else { name.to_owned() }
}

async fn lines_of(
    engine: &Engine,
    input: &wire::MakeFigure,
    lines: &wire::LinesSpec,
    mut page: Figure,
) -> Result<Made> {
    let asked = &input.figure;
    let (width, height, font) = page.pixels();
    let ratio = if input.format == FigureFormat::Png { input.scale.clamp(0.5, FINE) } else { FINE };
    page.y_title = Some(lines.keys.join(", ")).filter(|keys| !keys.is_empty());
    page.x_title = match lines.x.by {
        wire::RunAxis::Step => Some("step".into()),
        wire::RunAxis::Epoch => Some("epoch".into()),
        wire::RunAxis::Relative => Some("time since the start".into()),
        // Moments speak for themselves.
        wire::RunAxis::Wall => None,
        wire::RunAxis::Metric => lines.x.key.clone(),
    };
    let draw = async |width: f64, height: f64| {
        let size = LinesSize { width, height, ratio, font, screen: false };
        draw_lines(engine, &asked.runs, lines, size, asked.theme, asked.view).await
    };
    // What the legend says is known only when the lines are; the room that it takes decides how high they are.
    let mut drawn = draw(width, height).await?;
    if asked.legend {
        page.legend = legend(&drawn, lines.keys.len());
    }
    let room = page.room();
    if room != (width, height) {
        drawn = draw(room.0, room.1).await?;
    }
    let mut notes = Vec::new();
    if drawn.drawn.more > 0 {
        notes.push(format!("{} more lines are not drawn: a chart has at most 200.", drawn.drawn.more));
    }
    if drawn.drawn.lines.is_empty() {
        notes.push(format!("None of these runs has {}.", lines.keys.join(" or ")));
    } else if drawn.drawn.lines.iter().any(|line| !line.exact) {
        notes.push(
            "Where several points share a column of the picture, their least and greatest values are shown."
                .into(),
        );
    }
    Ok(Made { svg: page.around(&drawn.drawn.rendered.svg), table: table_of(&drawn), notes })
}

fn legend(drawn: &DrawnLines, keys: usize) -> Vec<LegendEntry> {
    let alone = drawn.told.iter().all(|line| line.uids == drawn.told[0].uids);
    let entry = |line: &wire::RunLine| LegendEntry {
        label: match (keys, alone) {
            (..2, _) => line.label.clone(),
            (_, true) => line.key.clone(),
            (_, false) => format!("{} · {}", line.label, line.key),
        },
        colour: line.colour as usize,
        dash: line.dash as usize,
    };
    drawn.told.iter().map(entry).collect()
}

/// What was drawn of lines: the points of each, those that stand behind it, and the edges of its band.
fn table_of(drawn: &DrawnLines) -> Table {
    let mut rows = Vec::new();
    for (line, shown) in drawn.told.iter().zip(&drawn.drawn.drawn) {
        let DrawnLine { pieces, raw, past, band, specials, .. } = shown;
        let empty = Vec::new();
        let (high, low) = band.as_ref().map_or((&empty, &empty), |(high, low)| (high, low));
        let parts =
            [("line", pieces), ("raw", raw), ("run again", past), ("band, low", low), ("band, high", high)];
        let mut put = |part: &str, x: f64, y: f64| {
            rows.push(vec![
                Value::Text(line.label.clone()),
                Value::Text(line.key.clone()),
                Value::Text(part.to_owned()),
                Value::Number(x),
                Value::Number(y),
            ]);
        };
        for (part, pieces) in parts {
            pieces.iter().flatten().for_each(|&(x, y)| put(part, x, y));
        }
        for special in specials {
            let value = match special.kind {
                athanor_core::chart::NonFinite::Nan => f64::NAN,
                athanor_core::chart::NonFinite::PosInf => f64::INFINITY,
                athanor_core::chart::NonFinite::NegInf => f64::NEG_INFINITY,
            };
            put("not on the axis", special.step, value);
        }
    }
    Table { header: ["line", "metric", "part", "x", "y"].map(str::to_owned).to_vec(), rows }
}

async fn plot_of(
    engine: &Engine,
    asked: &wire::Figure,
    plot: &wire::PlotSpec,
    mut page: Figure,
) -> Result<Made> {
    let (_, _, font) = page.pixels();
    let theme = asked.theme.into();
    // The others name their runs, or say in the picture what their colours are.
    let own = matches!(plot, wire::PlotSpec::Scatter(scatter) if scatter.colour.is_none());
    let draw = async |(width, height): (f64, f64)| {
        plotted(engine, &asked.runs, plot, Size { width, height, font, theme }).await
    };
    let mut drawn = draw(page.room()).await?;
    if asked.legend && own {
        let entry = |run: &athanor_engine::store::runs::RunRow| LegendEntry {
            label: run.name.clone(),
            colour: athanor_core::runs::colour(run.experiment.as_ref().unwrap_or(&run.uid)),
            dash: 0,
        };
        page.legend = drawn.runs.iter().take(LEGEND).map(entry).collect();
        drawn = draw(page.room()).await?;
    }
    let Drawn { plot, .. } = drawn;
    Ok(Made { svg: page.around(&plot.svg), table: plot.table, notes: plot.notes })
}

/// Comma-separated values after RFC 4180, numbers in full precision.
fn csv(table: &Table) -> String {
    let mut out = String::new();
    let quoted = |out: &mut String, text: &str| {
        if text.contains(['"', ',', '\n', '\r']) {
            let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
        } else {
            out.push_str(text);
        }
    };
    for (place, name) in table.header.iter().enumerate() {
        out.push_str(if place > 0 { "," } else { "" });
        quoted(&mut out, name);
    }
    out.push_str("\r\n");
    for row in &table.rows {
        for (place, value) in row.iter().enumerate() {
            out.push_str(if place > 0 { "," } else { "" });
            match value {
                Value::Missing => {}
                Value::Bool(yes) => out.push_str(if *yes { "true" } else { "false" }),
                Value::Number(number) => {
                    let _ = write!(out, "{number}");
                }
                Value::Text(text) => quoted(&mut out, text),
            }
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_one_safe_segment() {
        for (name, expected) in [
            ("val/loss by config.lr", "val_loss_by_config.lr"),
            ("../../etc", "etc"),
            ("", "chart"),
            ("größe, 3", "größe,_3"),
        ] {
            assert_eq!(file_name(name), expected);
        }
    }

    #[test]
    fn csv_quotes_what_it_must_and_keeps_every_digit() {
        let text = |text: &str| Value::Text(text.into());
        let rows = vec![
            vec![text("a \"b\", c"), Value::Number(0.1 + 0.2), Value::Missing],
            vec![text("d"), Value::Number(f64::NAN), Value::Bool(true)],
        ];
        let table = Table { header: vec!["run".into(), "x".into(), "y".into()], rows };
        let expected = "run,x,y\r\n\"a \"\"b\"\", c\",0.30000000000000004,\r\nd,NaN,true\r\n";
        assert_eq!(csv(&table), expected);
    }
}
