//! `cargo xtask bench`: measures whole programs, as a user would meet them, against stated targets.
//!
//! - Release builds, each engine on a data folder of its own that is removed afterwards.
//! - A comparison runs in the same call, in turns with what it is compared to, and medians count:
//!   what else the machine does then weighs on both.
//! - Nothing here is a test: a busy machine may miss a target. The exit status tells, the table shows.

mod charts;
mod devices;
mod engine;
mod history;
mod idle;
mod latency;
mod logs;
mod queue;
mod rivals;
mod runs;
mod survival;
mod table;
mod throughput;
mod tray;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::process::{call, say};
use crate::workspace::Workspace;

/// How often both sides of a comparison take turns.
const ROUNDS: usize = 3;

/// One measured number, with its target where there is one.
#[derive(Serialize)]
pub struct Figure {
    /// What was measured, in words.
    name: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// What a figure must reach.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The figure must be smaller.
    Below(f64),
    /// The figure must be at least this.
    AtLeast(f64),
}

impl Figure {
    /// A figure that must be met.
    pub fn aimed(name: impl Into<String>, value: f64, unit: &'static str, target: Target) -> Self {
        Self { name: name.into(), value, unit, target: Some(target) }
    }

    /// A figure that is only told.
    pub fn told(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, target: None }
    }

    fn ratio(&self) -> Option<f64> {
        match self.target? {
            Target::Below(target) | Target::AtLeast(target) => Some(self.value / target),
        }
    }

    fn missed(&self) -> bool {
        // Not a number misses every target.
        match self.target {
            None => false,
            Some(Target::Below(target)) => {
                !matches!(self.value.partial_cmp(&target), Some(std::cmp::Ordering::Less))
            }
            Some(Target::AtLeast(target)) => !matches!(
                self.value.partial_cmp(&target),
                Some(std::cmp::Ordering::Greater | std::cmp::Ordering::Equal)
            ),
        }
    }
}

type Measure = fn(&Workspace) -> Result<Vec<Figure>>;

const MEASURES: &[(&str, Measure)] = &[
    ("latency", latency::measure),
    ("throughput", throughput::measure),
    ("queue", queue::measure),
    ("idle", idle::measure),
    ("devices", devices::measure),
    ("history", history::measure),
    ("tray", tray::measure),
    ("survival", survival::measure),
    ("runs", runs::measure),
    ("table", table::measure),
    ("logs", logs::measure),
    ("charts", charts::measure),
];

/// Builds, measures what is asked for (all when nothing is), prints the table, writes the JSON.
pub fn run(workspace: &Workspace, asked: &[String]) -> Result<ExitCode> {
    for name in asked {
        if !MEASURES.iter().any(|(known, _)| known == name) {
            let known: Vec<&str> = MEASURES.iter().map(|(known, _)| *known).collect();
            bail!("there is no figure `{name}`; known: {}", known.join(" "));
        }
    }
    say("Building the release programs");
    call(&mut workspace.cargo([
        "build",
        "--release",
        "--bins",
        "--package",
        "athanor-cli",
        "--package",
        "athanor-shim",
        "--package",
        "xtask",
    ]))?;

    let machine = Machine::here();
    println!("load before: {} on {} cores", machine.load, machine.cores);
    let mut figures = Vec::new();
    for (name, measure) in MEASURES {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            say(&format!("Measuring {name}"));
            figures.extend(measure(workspace).with_context(|| format!("measuring {name}"))?);
        }
    }

    println!("\n{}", table(&figures));
    let path = workspace.target.join("bench.json");
    let report = Report { machine, figures: figures.iter().map(Row::of).collect() };
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", path.display()))?;
    println!("\nwritten to {}", path.display());

    let missed = figures.iter().filter(|figure| figure.missed()).count();
    if missed > 0 {
        println!("{missed} of {} targets missed", figures.iter().filter(|f| f.target.is_some()).count());
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Report<'a> {
    machine: Machine,
    figures: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    ratio: Option<f64>,
    pass: Option<bool>,
}

impl<'a> Row<'a> {
    fn of(figure: &'a Figure) -> Self {
        Self { figure, ratio: figure.ratio(), pass: figure.target.map(|_| !figure.missed()) }
    }
}

/// What the figures were taken on.
#[derive(Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    /// Runnable processes on average over the last minute and more, before anything was measured.
    load: String,
}

impl Machine {
    fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| {
                line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim().to_owned())
            })
            .unwrap_or_default();
        Self {
            processor,
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load: read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Columns: figure, measured, target, ratio, mark.
fn table(figures: &[Figure]) -> String {
    let number = |value: f64, unit: &str| format!("{value:.2} {unit}");
    let rows: Vec<[String; 5]> =
        std::iter::once(["figure", "measured", "target", "ratio", ""].map(str::to_owned))
            .chain(figures.iter().map(|figure| {
                let target = match figure.target {
                    None => String::new(),
                    Some(Target::Below(target)) => format!("< {}", number(target, figure.unit)),
                    Some(Target::AtLeast(target)) => format!("≥ {}", number(target, figure.unit)),
                };
                let mark = match figure.target {
                    None => "",
                    Some(_) if figure.missed() => "MISSED",
                    Some(_) => "pass",
                };
                let ratio = figure.ratio().map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
                [figure.name.clone(), number(figure.value, figure.unit), target, ratio, mark.to_owned()]
            }))
            .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    let lines: Vec<String> = rows
        .iter()
        .map(|[name, measured, target, ratio, mark]| {
            let [a, b, c, d] = widths;
            format!("{name:<a$}  {measured:>b$}  {target:>c$}  {ratio:>d$}  {mark}").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// The value below which `share` (0 to 1) of `values` lie; NaN of nothing.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    #[expect(clippy::cast_precision_loss, reason = "far fewer values than 2^52")]
    let place = share * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}

fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        for (values, share, expected) in [
            (&[3.0, 1.0, 2.0][..], 0.5, 2.0),
            (&[1.0, 2.0, 3.0, 4.0], 0.5, 2.5),
            (&[5.0], 0.95, 5.0),
            (&[0.0, 10.0], 0.95, 9.5),
        ] {
            let found = quantile(values, share);
            assert!((found - expected).abs() < 1e-9, "{share} of {values:?} is {found}");
        }
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn targets_are_met_or_missed() {
        let missed = |value, target| Figure::aimed("x", value, "ms", target).missed();
        assert!(!missed(9.9, Target::Below(10.0)));
        assert!(missed(10.0, Target::Below(10.0)));
        assert!(!missed(10.0, Target::AtLeast(10.0)));
        assert!(missed(f64::NAN, Target::AtLeast(10.0)) && missed(f64::NAN, Target::Below(10.0)));
    }

    #[test]
    fn a_table_lines_up() {
        let figures =
            [Figure::aimed("idle", 0.5, "%", Target::Below(1.0)), Figure::told("rival, median", 5.0, "ms")];
        let expected = "\
figure         measured    target  ratio
idle             0.50 %  < 1.00 %   0.50  pass
rival, median   5.00 ms";
        assert_eq!(table(&figures), expected);
    }
}
