//! The machine's history on the wire.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{ChartAxis, Rectangle, Status, Theme};

/// What a metric is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum HistoryUnit {
    /// 0 to 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Bytes a second.
    BytesPerSecond,
    /// Watts.
    Watt,
    /// °C.
    Celsius,
    /// Megahertz.
    Megahertz,
}

/// Which history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistoryRef {
    /// The metric's name: `gpu.util`, `gpu.mem`, `gpu.power`, `gpu.temp`, `gpu.fan`, `gpu.clock`, `gpu.mem_clock`,
    /// `gpu.mem_util`, `cpu.util`, `mem.used`, `swap.used`, `net.in`, `net.out`, `disk.free`, `job.gpu.util`,
    /// `job.gpu.mem`.
    pub metric: String,
    /// For `gpu.`: its index, its uuid, or the unique beginning of one. If absent: of the only one, or in a chart of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub gpu: Option<String>,
    /// For `disk.free`: its label. If absent: the data folder's, or in a chart all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub disk: Option<String>,
    /// For `job.`: the experiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub uid: Option<String>,
    /// For `job.`: the attempt; the newest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub attempt: Option<u32>,
}

/// A GPU as it was called when it was last seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistoryGpu {
    /// Its uuid.
    pub uuid: String,
    /// Its index then.
    pub index: u32,
    /// Its model.
    pub name: String,
}

/// Something of which there is a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistorySeries {
    /// The metric's name.
    pub metric: String,
    /// What the metric is called.
    pub title: String,
    /// What it is measured in.
    pub unit: HistoryUnit,
    /// Of which GPU.
    pub gpu: Option<HistoryGpu>,
    /// Of which disk.
    pub disk: Option<String>,
    /// Of which experiment.
    pub uid: Option<String>,
    /// Of which attempt.
    pub attempt: Option<u32>,
    /// About when it was last recorded.
    pub seen_at: i64,
}

/// Everything of which there is a history, attempts of jobs aside.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryMetrics {
    /// In the order in which they are offered.
    pub series: Vec<HistorySeries>,
    /// When it begins; null while there is none.
    pub begins_at: Option<i64>,
}

/// A history to be read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ReadHistory {
    /// Which.
    pub series: HistoryRef,
    /// From when on; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<i64>,
    /// Up to when; now if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<i64>,
    /// In how many buckets at most, 1 to 2,000.
    pub width: u32,
}

/// What a metric did in a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct HistoryBucket {
    /// Where it begins.
    pub at: i64,
    /// The least value.
    pub min: f64,
    /// The mean.
    pub mean: f64,
    /// The greatest value.
    pub max: f64,
    /// How many samples it is made from.
    pub count: u64,
}

/// What a metric did from one moment to another.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryStretch {
    /// Of what.
    pub series: HistorySeries,
    /// Where it begins: what was asked for, or later where the history does.
    pub since: i64,
    /// Where it ends.
    pub until: i64,
    /// Width of a bucket, milliseconds.
    pub step_ms: i64,
    /// In order; nothing stands for a time in which nothing was read.
    pub buckets: Vec<HistoryBucket>,
    /// How many stored pieces could not be read and are missing.
    pub damaged: u32,
}

/// A chart of histories to be drawn: all of one unit.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct DrawHistory {
    /// Which, one line each.
    pub series: Vec<HistoryRef>,
    /// From when on; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<i64>,
    /// Up to when; now if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<i64>,
    /// Width in CSS pixels, 40 to 8000.
    pub width: u32,
    /// Height in CSS pixels, 40 to 8000.
    pub height: u32,
    /// The theme.
    pub theme: Theme,
}

/// One line of a history's chart.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryLine {
    /// Of what.
    pub series: HistorySeries,
    /// Index of its colour in the palette (0 is `--c1`).
    pub colour: u32,
    /// What was drawn, in order, each at the middle of its width.
    pub buckets: Vec<HistoryBucket>,
}

/// A job that ran while the chart's time passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct JobMark {
    /// The experiment.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// The attempt.
    pub attempt: u32,
    /// When it started.
    pub from: i64,
    /// When it ended; null while it runs.
    pub to: Option<i64>,
    /// Where the attempt stands.
    pub status: Status,
    /// Indices of the GPUs that it was given.
    pub gpus: Vec<u32>,
}

/// A drawn chart of histories: means, and behind each the band from least to greatest.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryChart {
    /// The picture: an SVG document without scripts, styles or external references.
    pub svg: String,
    /// Where the data is.
    pub plot: Rectangle,
    /// The axis of time, UTC milliseconds.
    pub x: ChartAxis,
    /// The axis of values, in the unit itself.
    pub y: ChartAxis,
    /// What the values are measured in.
    pub unit: HistoryUnit,
    /// Width of a bucket, milliseconds.
    pub step_ms: i64,
    /// The lines.
    pub lines: Vec<HistoryLine>,
    /// Jobs that ran in that time, in the order of their start; on the GPUs that are shown, if these are GPUs.
    pub jobs: Vec<JobMark>,
    /// Whether there were more jobs than these: the newest are shown.
    pub jobs_cut: bool,
    /// How many stored pieces could not be read and are missing.
    pub damaged: u32,
}

/// A history to be written as CSV, a page at a time.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ExportHistory {
    /// Which.
    pub series: HistoryRef,
    /// From when on; from the beginning if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub since: Option<i64>,
    /// Up to when; now if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub until: Option<i64>,
    /// Where the page before this one ended; the first if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub after: Option<HistoryPlace>,
}

/// A place in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HistoryPlace {
    /// Where the next page begins.
    pub from: i64,
    /// Where the last one ends.
    pub until: i64,
    /// Width of a bucket, milliseconds.
    pub step_ms: i64,
}

/// A page of an export.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct HistoryCsv {
    /// A name for the file.
    pub name: String,
    /// Lines `time,min,mean,max,samples`, each time in UTC; the first page has this heading.
    pub text: String,
    /// Where the next page begins; null after the last.
    pub next: Option<HistoryPlace>,
}

/// How the energy of GPUs that others used, too, was split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum EnergyBasis {
    /// They were all the job's.
    Whole,
    /// In proportion to what each computed.
    Utilisation,
    /// In proportion to the memory that each held.
    Memory,
    /// In equal parts.
    Equal,
}

/// What an attempt does on its GPUs now.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct GpuUseNow {
    /// When that was seen.
    pub at: i64,
    /// Bytes on all its GPUs; null where the driver does not tell.
    pub memory: Option<u64>,
    /// Percent, as a mean over its GPUs: its processes' own where the driver tells, else what the whole GPUs do.
    pub utilisation: Option<f64>,
    /// Watts, its part of them.
    pub power: Option<f64>,
}

/// What an attempt used of its GPUs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GpuUse {
    /// What it does now; null once it has ended.
    pub now: Option<GpuUseNow>,
    /// Mean utilisation, percent.
    pub utilisation: Option<f64>,
    /// The time in which that was known, milliseconds.
    pub sampled_ms: u64,
    /// Watt-hours of its GPUs, as far as their power was known.
    pub energy_wh: Option<f64>,
    /// How GPUs that others used, too, were split: the roughest way that was needed.
    pub energy_basis: Option<EnergyBasis>,
}

/// Memory that processes hold on a GPU that does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct IdleMemory {
    /// Bytes.
    pub memory: u64,
    /// For how long the GPU has been idle, milliseconds.
    pub idle_ms: u64,
    /// The processes.
    pub pids: Vec<u32>,
}
