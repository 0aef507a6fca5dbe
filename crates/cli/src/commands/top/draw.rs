//! What `top` shows, as lines.

use std::collections::{HashMap, VecDeque};

use athanor_api::wire::{DeviceSample, Experiment, Gpu, GpuProcess, HostFacts, Mig, Reading};

use super::super::devices::{
    driver_faults, driver_versions, jobs, part_of, percent, power, process_cells, processes, reading,
    remarks, whole,
};
use crate::print;

/// Colour and weight of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Bold,
    Quiet,
    /// In use, but not much.
    Low,
    /// In use.
    Middle,
    /// Nearly all in use.
    High,
    /// At fault.
    Bad,
}

impl Style {
    /// The number of the terminal's own colour, so that it fits a light one as well as a dark one.
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Quiet => "\x1b[2m",
            Self::Low => "\x1b[32m",
            Self::Middle => "\x1b[33m",
            Self::High => "\x1b[35m",
            Self::Bad => "\x1b[31m",
        }
    }
}

/// A line of text in pieces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line(Vec<(String, Style)>);

impl Line {
    fn of(text: impl Into<String>, style: Style) -> Self {
        Self(vec![(text.into(), style)])
    }

    fn add(&mut self, text: impl Into<String>, style: Style) -> &mut Self {
        self.0.push((text.into(), style));
        self
    }

    /// Cut to so many columns.
    fn cut(mut self, columns: usize) -> Self {
        let mut left = columns;
        for (text, _) in &mut self.0 {
            let (kept, width) = cut(text, left);
            *text = kept;
            left -= width;
        }
        self
    }

    /// Without colours.
    pub fn plain(&self) -> String {
        let text: String = self.0.iter().map(|(text, _)| text.as_str()).collect();
        text.trim_end().to_owned()
    }

    /// With colours, unless the user wants none (`NO_COLOR`).
    pub fn coloured(&self) -> String {
        if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return self.plain();
        }
        let piece = |(text, style): &(String, Style)| match style.code() {
            "" => text.clone(),
            code => format!("{code}{text}\x1b[0m"),
        };
        self.0.iter().map(piece).collect()
    }
}

/// The beginning of a text that fits into so many columns, and how many it takes. What is no visible character is left
/// out: a command line may hold anything.
fn cut(text: &str, columns: usize) -> (String, usize) {
    let (mut kept, mut width) = (String::new(), 0);
    for c in text.chars().filter(|c| !c.is_control()) {
        let own = columns_of(c);
        if width + own > columns {
            break;
        }
        kept.push(c);
        width += own;
    }
    (kept, width)
}

/// Columns that a character takes: two for those of East Asia and for pictures, none for what joins the one before.
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// A text in a column of its own: filled up, or cut.
fn cell(text: &str, columns: usize) -> String {
    let (mut kept, width) = cut(text, columns);
    kept.extend(std::iter::repeat_n(' ', columns - width));
    kept
}

fn cell_right(text: &str, columns: usize) -> String {
    let (kept, width) = cut(text, columns);
    format!("{}{kept}", " ".repeat(columns - width))
}

/// By what processes are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Memory,
    Use,
    Gpu,
    Owner,
}

impl Sort {
    pub fn next(self) -> Self {
        match self {
            Self::Memory => Self::Use,
            Self::Use => Self::Gpu,
            Self::Gpu => Self::Owner,
            Self::Owner => Self::Memory,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Use => "use",
            Self::Gpu => "GPU",
            Self::Owner => "owner",
        }
    }

    fn apply(self, all: &mut [(&Gpu, &GpuProcess)]) {
        let memory = |process: &GpuProcess| process.memory.value().copied().unwrap_or(0);
        let busy = |process: &GpuProcess| process.utilisation.value().copied().unwrap_or(0);
        all.sort_by(|(gpu, process), (other_gpu, other)| {
            let first = match self {
                Self::Memory => memory(other).cmp(&memory(process)),
                Self::Use => busy(other).cmp(&busy(process)),
                Self::Gpu => gpu.index.cmp(&other_gpu.index),
                Self::Owner => process.owner.cmp(&other.owner),
            };
            first.then_with(|| memory(other).cmp(&memory(process))).then_with(|| process.pid.cmp(&other.pid))
        });
    }
}

/// Utilisation of each GPU in the last samples.
#[derive(Debug, Default)]
pub(super) struct Past(HashMap<String, VecDeque<Option<u32>>>);

/// Samples that are remembered: as many as the widest trace shows.
const REMEMBERED: usize = 60;

impl Past {
    pub fn push(&mut self, sample: &DeviceSample) {
        self.0.retain(|uuid, _| sample.gpus.list.iter().any(|gpu| gpu.uuid == *uuid));
        for gpu in &sample.gpus.list {
            let trace = self.0.entry(gpu.uuid.clone()).or_default();
            if trace.len() == REMEMBERED {
                trace.pop_front();
            }
            trace.push_back(gpu.utilisation.value().copied());
        }
    }

    /// The last so many as a row of bars; a space where nothing was read.
    fn trace(&self, uuid: &str, columns: usize) -> String {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let known = self.0.get(uuid);
        let bars = known.into_iter().flatten().rev().take(columns).map(|value| match value {
            Some(percent) => BARS[(*percent as usize * 8 / 101).min(7)],
            None => ' ',
        });
        let bars: Vec<char> = bars.collect();
        let missing = columns - bars.len();
        std::iter::repeat_n(' ', missing).chain(bars.into_iter().rev()).collect()
    }
}

/// All that is drawn.
pub(super) struct Scene<'a> {
    pub facts: Option<&'a HostFacts>,
    pub sample: &'a DeviceSample,
    pub jobs: &'a [Experiment],
    pub past: &'a Past,
    pub sort: Sort,
    pub from: usize,
    pub now: i64,
    pub keys: bool,
}

/// A bar of so many columns, in eighths of one.
fn bar(part: Option<f64>, columns: usize) -> (String, Style) {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let Some(part) = part else { return (cell("", columns), Style::Quiet) };
    let part = part.clamp(0.0, 1.0);
    // It is never below 0, and a terminal is not wide.
    let eighths = (part * columns as f64 * 8.0).round() as usize;
    let mut text: String = std::iter::repeat_n('█', eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        text.push(PARTS[eighths % 8]);
    }
    let style = match part {
        p if p >= 0.9 => Style::High,
        p if p >= 0.5 => Style::Middle,
        _ => Style::Low,
    };
    (cell(&text, columns), style)
}

fn fraction(used: &Reading<u64>, total: &Reading<u64>) -> Option<f64> {
    let (used, total) = (*used.value()?, *total.value()?);
    (total > 0).then(|| used as f64 / total as f64)
}

/// A name, a bar and words.
fn meter(name: &str, part: Option<f64>, columns: usize, words: &str) -> Line {
    let mut line = Line::of(cell(name, 8), Style::Quiet);
    let (text, style) = bar(part, columns);
    line.add("[", Style::Quiet).add(text, style).add("] ", Style::Quiet).add(words, Style::Plain);
    line
}

/// The lines, each at most `columns` wide, and no more of them than `rows`.
pub(super) fn frame(scene: &Scene<'_>, columns: usize, rows: usize) -> Vec<Line> {
    let mut lines = host(scene, columns);
    let gpus = &scene.sample.gpus.list;
    lines.push(Line::default());
    lines.extend(driver_faults(scene.sample).into_iter().map(|fault| Line::of(fault, Style::Bad)));
    for gpu in gpus {
        lines.extend(gpu_lines(scene, gpu, columns));
    }
    if !gpus.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(job_lines(scene));
    let foot = usize::from(scene.keys);
    let room = rows.saturating_sub(lines.len() + foot);
    lines.extend(process_lines(scene, columns, room));
    lines.truncate(rows.saturating_sub(foot));
    if scene.keys {
        lines.resize(rows.saturating_sub(1), Line::default());
        let mut keys = Line::default();
        for (key, does) in [("q", "quit"), ("s", scene.sort.word()), ("↑↓", "processes")] {
            let does = if key == "s" { format!(" sorted by {does}   ") } else { format!(" {does}   ") };
            keys.add(key, Style::Bold).add(does, Style::Quiet);
        }
        lines.push(keys);
    }
    lines.into_iter().map(|line| line.cut(columns)).collect()
}

fn host(scene: &Scene<'_>, columns: usize) -> Vec<Line> {
    let sample = scene.sample;
    let name = scene.facts.map_or(sample.host.as_str(), |facts| facts.name.as_str());
    let time = print::time(sample.at);
    let mut head = Line::of(name, Style::Bold);
    head.add(format!("  {}", time.rsplit(' ').next().unwrap_or_default()), Style::Plain);
    if let Some(facts) = scene.facts {
        head.add(format!("  up {}", print::duration(scene.now - facts.booted_at)), Style::Quiet);
    }
    let load = reading(&sample.load, |load| format!("{:.2} {:.2} {:.2}", load.one, load.five, load.fifteen));
    head.add(format!("  load {load}"), Style::Quiet);
    for driver in driver_versions(sample) {
        head.add(format!("  {driver}"), Style::Quiet);
    }
    let wide = (columns / 3).clamp(8, 40);
    let cpu = sample.cpu.value().map(|cpu| cpu / 100.0);
    let cores = format!("{} of {} cores", reading(&sample.cpu, |cpu| format!("{cpu:.0} %")), sample.cores);
    let mut lines = vec![head, meter("CPU", cpu, wide, &cores)];
    let memory = fraction(&sample.memory_used, &sample.memory_total);
    lines.push(meter("Memory", memory, wide, &part_of(&sample.memory_used, &sample.memory_total)));
    if sample.swap_total.value().is_some_and(|total| *total > 0) {
        let swap = fraction(&sample.swap_used, &sample.swap_total);
        lines.push(meter("Swap", swap, wide, &part_of(&sample.swap_used, &sample.swap_total)));
    }
    let mut rest = Line::of(cell("Disk", 8), Style::Quiet);
    for disk in &sample.disks {
        let free = reading(&disk.free, |free| print::bytes(*free));
        rest.add(format!("{free} free "), Style::Plain).add(format!("({})  ", disk.label), Style::Quiet);
    }
    if !sample.network.is_empty() {
        let sum = |of: fn(&athanor_api::wire::Interface) -> &Reading<f64>| {
            print::bytes(whole(sample.network.iter().filter_map(|it| of(it).value().copied()).sum()))
        };
        rest.add(format!("{}/s in, {}/s out", sum(|it| &it.received), sum(|it| &it.sent)), Style::Plain);
    }
    if !(sample.disks.is_empty() && sample.network.is_empty()) {
        lines.push(rest);
    }
    lines
}

fn gpu_lines(scene: &Scene<'_>, gpu: &Gpu, columns: usize) -> Vec<Line> {
    let name = match &gpu.mig {
        Mig::Instance { number, .. } => format!("  └ instance {number}"),
        Mig::Off {} | Mig::Divided { .. } => gpu.name.clone(),
    };
    let mut head = Line::of(format!("{:<3}", gpu.index), Style::Bold);
    head.add(cell(&name, if columns >= 100 { 32 } else { 24 }), Style::Plain);
    let words = [
        reading(&gpu.temperature, |degrees| format!("{degrees} °C")),
        power(gpu),
        format!("fan {}", reading(&gpu.fan, percent)),
        reading(&gpu.clock, |clock| format!("{clock} MHz")),
    ];
    head.add(cell_right(&words[0], 8), Style::Plain);
    head.add(cell_right(&words[1], 14), Style::Plain);
    head.add(format!("  {}  {}", words[2], words[3]), Style::Quiet);
    let jobs = jobs(gpu);
    if !jobs.is_empty() {
        head.add(format!("  {}", jobs.join(" ")), Style::Low);
    }
    let mut lines = vec![head];
    if let Some(fault) = &gpu.fault {
        lines.push(Line::of(format!("   {} {}", fault.message, fault.next_step), Style::Bad));
        return lines;
    }
    let trace = if columns >= 110 { 20 } else { 0 };
    let wide = ((columns.saturating_sub(3 + 8 + 24 + trace)) / 2).clamp(6, 34);
    let mut meters = Line::of("   ", Style::Plain);
    let busy = gpu.utilisation.value().map(|percent| f64::from(*percent) / 100.0);
    let (text, style) = bar(busy, wide);
    meters.add("[", Style::Quiet).add(text, style).add("]", Style::Quiet);
    meters.add(cell_right(&reading(&gpu.utilisation, percent), 6), Style::Plain);
    if trace > 0 {
        meters.add(" ", Style::Plain).add(scene.past.trace(&gpu.uuid, trace), Style::Quiet);
    }
    let (text, style) = bar(fraction(&gpu.memory_used, &gpu.memory_total), wide);
    meters.add("  [", Style::Quiet).add(text, style).add("] ", Style::Quiet);
    meters.add(part_of(&gpu.memory_used, &gpu.memory_total), Style::Plain);
    lines.push(meters);
    lines.extend(remarks(gpu).into_iter().map(|remark| Line::of(format!("   {remark}"), Style::Middle)));
    lines
}

fn job_lines(scene: &Scene<'_>) -> Vec<Line> {
    if scene.jobs.is_empty() {
        return Vec::new();
    }
    let mut lines =
        vec![Line::of(format!("{:<15}{:<24}{:<10}{:<12}", "JOB", "NAME", "GPUS", "RUNS"), Style::Bold)];
    for job in scene.jobs {
        let gpus: Vec<String> = job.gpus.iter().map(ToString::to_string).collect();
        let gpus = if gpus.is_empty() { "–".to_owned() } else { gpus.join(",") };
        let runs = job.started_at.map(|at| print::duration(scene.now - at)).unwrap_or_default();
        let mut line = Line::of(cell(&job.uid, 15), Style::Low);
        line.add(cell(&job.name, 23), Style::Plain).add(" ", Style::Plain).add(cell(&gpus, 10), Style::Plain);
        line.add(cell(&runs, 12), Style::Plain).add(print::remark(job), Style::Quiet);
        lines.push(line);
    }
    lines.push(Line::default());
    lines
}

fn process_lines(scene: &Scene<'_>, columns: usize, room: usize) -> Vec<Line> {
    let mut all = processes(scene.sample);
    if all.is_empty() || room < 2 {
        return Vec::new();
    }
    scene.sort.apply(&mut all);
    let widths = [4, 9, 12, 15, 11, 7];
    let cells = |cells: [&str; 6]| {
        let mut text = String::new();
        for (place, (value, width)) in cells.into_iter().zip(widths).enumerate() {
            let right = matches!(place, 1 | 4 | 5);
            let own = if right { cell_right(value, width - 1) } else { cell(value, width - 1) };
            text.push_str(&own);
            text.push_str(if right { "  " } else { " " });
        }
        text
    };
    let mut lines =
        vec![Line::of(cells(["GPU", "PID", "OWNER", "JOB", "MEMORY", "USE"]) + "COMMAND", Style::Bold)];
    let shown = room - 1;
    let from = scene.from.min(all.len().saturating_sub(1));
    let left = all.len().saturating_sub(from);
    let fit = if left > shown { shown.saturating_sub(1) } else { left };
    for (gpu, process) in all.iter().skip(from).take(fit) {
        let [owner, job, memory, busy, command] = process_cells(process);
        let (gpu, pid) = (gpu.index.to_string(), process.pid.to_string());
        let mut line = Line::of(cells([&gpu, &pid, &owner, &job, &memory, &busy]), Style::Plain);
        line.add(command, if job.is_empty() { Style::Quiet } else { Style::Plain });
        lines.push(line.cut(columns));
    }
    if left > fit {
        lines.push(Line::of(format!("    and {} more", left - fit), Style::Quiet));
    }
    lines
}

#[cfg(test)]
#[path = "draw_tests.rs"]
mod tests;
