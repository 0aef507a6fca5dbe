//! Draws a chart of the machine's history from what stands on standard input, for the pictures of the page over an
//! engine in memory (`cargo xtask shots`): there the numbers are made up, and the picture is the engine's own.

use std::io::Read as _;

use athanor_core::chart::{HistoryChart, HistoryLine, Theme, render_history};
use athanor_core::history::{Bucket, Unit};
use jiff::tz::TimeZone;
use serde::Deserialize;

#[derive(Deserialize)]
struct Wanted {
    width: f64,
    height: f64,
    dark: bool,
    unit: String,
    since: i64,
    until: i64,
    step: i64,
    lines: Vec<Drawn>,
}

#[derive(Deserialize)]
struct Drawn {
    colour: usize,
    /// Beginning, least, mean, greatest.
    buckets: Vec<(i64, f64, f64, f64)>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let Wanted { width, height, dark, unit, since, until, step, lines } = serde_json::from_str(&text)?;
    let lines: Vec<(usize, Vec<Bucket>)> = lines
        .into_iter()
        .map(|line| {
            let span = u64::try_from(step).unwrap_or(1000);
            let bucket = |(start, min, mean, max)| Bucket { start, min, mean, max, count: span / 1000, span };
            (line.colour, line.buckets.into_iter().map(bucket).collect())
        })
        .collect();
    let rendered = render_history(&HistoryChart {
        width,
        height,
        theme: if dark { Theme::Dark } else { Theme::Light },
        title: String::new(),
        unit: match unit.as_str() {
            "bytes" => Unit::Bytes,
            "bytes_per_second" => Unit::BytesPerSecond,
            "watt" => Unit::Watt,
            "celsius" => Unit::Celsius,
            "megahertz" => Unit::Megahertz,
            _ => Unit::Percent,
        },
        since,
        until,
        zone: TimeZone::UTC,
        lines: lines.iter().map(|(colour, buckets)| HistoryLine { colour: *colour, buckets, step }).collect(),
    });
    let answer = serde_json::json!({
        "svg": rendered.svg,
        "plot": { "left": rendered.plot.x, "top": rendered.plot.y, "width": rendered.plot.width, "height": rendered.plot.height },
        "y": { "min": rendered.y.min, "max": rendered.y.max },
    });
    println!("{answer}");
    Ok(())
}
