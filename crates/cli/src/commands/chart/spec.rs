//! What is drawn.

use athanor_api::wire::{self, ErrorCode, PlotCentre, PlotSpread, RunAxis, RunGoal, Scale, SmoothingKind};
use clap::{Args, ValueEnum};

use super::measure;
use crate::exit::{Failure, fail};

/// What is drawn of runs.
#[derive(Args)]
pub struct What {
    /// What kind of chart
    #[arg(short, long, value_enum, default_value_t = Kind::Lines)]
    kind: Kind,

    /// Metrics; several with commas, or the option several times
    #[arg(short, long, value_name = "METRIC", value_delimiter = ',')]
    metric: Vec<String>,

    /// Lines: step, epoch, relative, wall or a metric. Scatter, sweep: a column, such as config.lr or metrics.loss.min
    #[arg(short, long, value_name = "AXIS")]
    x: Option<String>,

    /// Scatter, sweep: the column from bottom to top
    #[arg(short, long, value_name = "COLUMN")]
    y: Option<String>,

    /// Bar, box, sweep, importance: the column with the values; the last values of --metric if not given
    #[arg(long, value_name = "COLUMN")]
    column: Option<String>,

    /// Parallel, importance: the columns, with commas; settings that differ if not given
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,

    /// Scatter, parallel: the column that gives colours
    #[arg(long, value_name = "COLUMN", visible_alias = "color")]
    colour: Option<String>,

    /// Lines, bar, box: runs that agree in these columns are one, such as config.seed
    #[arg(short, long, value_name = "COLUMNS", value_delimiter = ',')]
    group_by: Vec<String>,

    /// Lines: all runs are one group
    #[arg(long, conflicts_with = "group_by")]
    group_all: bool,

    /// What stands for a group
    #[arg(long, value_enum, default_value_t = Centre::Mean)]
    centre: Centre,

    /// How far a group reaches around that: a band, or a mark on a bar
    #[arg(long, value_enum, default_value_t = Band::Error)]
    band: Band,

    /// Lines: the weight of an exponential smoothing (0 to below 1), mean:POINTS, or gaussian:POINTS
    #[arg(short, long, value_name = "AMOUNT", value_parser = smoothing)]
    smooth: Option<wire::Smoothing>,

    /// Lines: without the raw line behind a smoothed one
    #[arg(long)]
    no_raw: bool,

    /// Lines: the y axis leaves out what is far from most
    #[arg(long)]
    no_outliers: bool,

    /// A logarithmic x axis
    #[arg(long)]
    log_x: bool,

    /// A logarithmic axis of values
    #[arg(long)]
    log_y: bool,

    /// Lines: an axis of values that is logarithmic on both sides of a linear middle
    #[arg(long, conflicts_with = "log_y")]
    symlog_y: bool,

    /// Lines: from where to where on the x axis
    #[arg(long, value_name = "FROM:TO", value_parser = measure::range, allow_hyphen_values = true)]
    x_range: Option<(f64, f64)>,

    /// Lines: from where to where on the y axis
    #[arg(long, value_name = "FROM:TO", value_parser = measure::range, allow_hyphen_values = true)]
    y_range: Option<(f64, f64)>,

    /// Scatter: draw the Pareto front; which way x and y are better, such as min,max
    #[arg(long, value_name = "X,Y", value_parser = goals)]
    front: Option<wire::ParetoGoals>,

    /// Sweep: what a cell shows of its runs
    #[arg(long, value_enum, default_value_t = Statistic::Mean)]
    statistic: Statistic,

    /// Bar: in the order of the runs, not by value
    #[arg(long)]
    unsorted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Metrics over steps
    Lines,
    /// A bar for each run or group
    Bar,
    /// A box for each group
    Box,
    /// Runs by two columns
    Scatter,
    /// Runs as lines through axes side by side
    Parallel,
    /// What a column hangs on
    Importance,
    /// A column by two settings
    Sweep,
    /// Histograms of a run over steps
    Histogram,
    /// A metric above the use of the run’s GPUs
    Usage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Centre {
    Mean,
    Median,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Band {
    None,
    Deviation,
    Error,
    Quantile,
    Range,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Statistic {
    Mean,
    Median,
    Best,
    Min,
    Max,
    Count,
}

impl From<Centre> for PlotCentre {
    fn from(centre: Centre) -> Self {
        match centre {
            Centre::Mean => Self::Mean,
            Centre::Median => Self::Median,
        }
    }
}

impl From<Band> for PlotSpread {
    fn from(band: Band) -> Self {
        match band {
            Band::None => Self::None,
            Band::Deviation => Self::Deviation,
            Band::Error => Self::Error,
            Band::Quantile => Self::Quantile,
            Band::Range => Self::Range,
        }
    }
}

impl From<Statistic> for wire::SweepStatistic {
    fn from(statistic: Statistic) -> Self {
        match statistic {
            Statistic::Mean => Self::Mean,
            Statistic::Median => Self::Median,
            Statistic::Best => Self::Best,
            Statistic::Min => Self::Min,
            Statistic::Max => Self::Max,
            Statistic::Count => Self::Count,
        }
    }
}

fn smoothing(text: &str) -> Result<wire::Smoothing, String> {
    let (kind, amount) = match text.split_once(':') {
        None => (SmoothingKind::Exponential, text),
        Some(("exponential", amount)) => (SmoothingKind::Exponential, amount),
        Some(("mean", amount)) => (SmoothingKind::Mean, amount),
        Some(("gaussian", amount)) => (SmoothingKind::Gaussian, amount),
        Some((other, _)) => return Err(format!("“{other}” is none of exponential, mean and gaussian")),
    };
    let amount = amount.trim().parse().map_err(|_| format!("“{amount}” is no number"))?;
    Ok(wire::Smoothing { kind, amount })
}

fn goals(text: &str) -> Result<wire::ParetoGoals, String> {
    let way = |word: &str| match word.trim() {
        "min" => Ok(RunGoal::Min),
        "max" => Ok(RunGoal::Max),
        other => Err(format!("“{other}” is neither min nor max")),
    };
    let (x, y) = text.split_once(',').ok_or("say it of both, such as min,max")?;
    Ok(wire::ParetoGoals { x: way(x)?, y: way(y)? })
}

fn log(yes: bool) -> Scale {
    if yes { Scale::Log } else { Scale::Linear }
}

impl What {
    /// The document of the chart.
    pub fn chart(&self) -> Result<wire::ChartSpec, Failure> {
        let plot = match self.kind {
            Kind::Lines => return Ok(wire::ChartSpec::Lines(self.lines()?)),
            Kind::Bar => wire::PlotSpec::Bar(wire::BarPlot {
                column: self.values()?,
                by: self.group_by.clone(),
                centre: self.centre.into(),
                spread: self.band.into(),
                order: if self.unsorted { wire::BarOrder::Given } else { wire::BarOrder::Value },
                scale: log(self.log_y || self.log_x),
            }),
            Kind::Box => wire::PlotSpec::Box(wire::BoxPlot {
                column: self.values()?,
                by: self.group_by.clone(),
                points: true,
                scale: log(self.log_y || self.log_x),
            }),
            Kind::Scatter => wire::PlotSpec::Scatter(wire::ScatterPlot {
                x: self.needed(self.x.as_ref(), "--x")?,
                y: self.needed(self.y.as_ref(), "--y")?,
                colour: self.colour.clone(),
                x_scale: log(self.log_x),
                y_scale: log(self.log_y),
                front: self.front,
            }),
            Kind::Parallel => wire::PlotSpec::Parallel(wire::ParallelPlot {
                columns: self.columns.clone(),
                colour: self.colour.clone().or_else(|| self.values().ok()),
                log: None,
            }),
            Kind::Importance => wire::PlotSpec::Importance(wire::ImportancePlot {
                target: self.values()?,
                columns: self.columns.clone(),
            }),
            Kind::Sweep => wire::PlotSpec::Sweep(wire::SweepPlot {
                x: self.needed(self.x.as_ref(), "--x")?,
                y: self.needed(self.y.as_ref(), "--y")?,
                value: match self.statistic {
                    Statistic::Count => self.values().unwrap_or_default(),
                    _ => self.values()?,
                },
                statistic: self.statistic.into(),
            }),
            Kind::Histogram => wire::PlotSpec::Histogram(wire::HistogramPlot {
                key: self.needed(self.metric.first(), "--metric")?,
            }),
            Kind::Usage => wire::PlotSpec::Usage(wire::UsagePlot {
                key: self.needed(self.metric.first(), "--metric")?,
                scale: log(self.log_y),
            }),
        };
        Ok(wire::ChartSpec::Plot(plot))
    }

    fn lines(&self) -> Result<wire::LinesSpec, Failure> {
        self.needed(self.metric.first(), "--metric")?;
        let (by, key) = match self.x.as_deref() {
            None | Some("step") => (RunAxis::Step, None),
            Some("epoch") => (RunAxis::Epoch, None),
            Some("relative") => (RunAxis::Relative, None),
            Some("wall") => (RunAxis::Wall, None),
            Some(metric) => (RunAxis::Metric, Some(metric.to_owned())),
        };
        let grouped = self.group_all || !self.group_by.is_empty();
        Ok(wire::LinesSpec {
            keys: self.metric.clone(),
            x: wire::LinesX { by, key },
            x_scale: log(self.log_x),
            y_scale: if self.symlog_y { Scale::Symlog } else { log(self.log_y) },
            smoothing: self.smooth.unwrap_or_default(),
            raw: !self.no_raw,
            outliers: !self.no_outliers,
            group: grouped.then(|| wire::LineGroups {
                by: self.group_by.clone(),
                centre: self.centre.into(),
                band: self.band.into(),
            }),
            x_range: self.x_range,
            y_range: self.y_range,
        })
    }

    /// The column with the values.
    fn values(&self) -> Result<String, Failure> {
        match (&self.column, &self.metric[..]) {
            (Some(column), _) => Ok(column.clone()),
            (None, [metric]) => Ok(format!("metrics.{metric}.last")),
            (None, []) => self.needed(None, "--column or --metric"),
            (None, _) => Err(fail(ErrorCode::InvalidInput, "this kind of chart shows one metric at a time")),
        }
    }

    fn needed(&self, value: Option<&String>, option: &str) -> Result<String, Failure> {
        value.cloned().ok_or_else(|| {
            let kind = self.kind.to_possible_value();
            let kind = kind.as_ref().map_or("this chart", clap::builder::PossibleValue::get_name);
            fail(ErrorCode::InvalidInput, format!("a chart of kind {kind} needs {option}"))
        })
    }
}
