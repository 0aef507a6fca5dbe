//! Tables and values for people.

use std::io::{IsTerminal, Write};

use athanor_api::wire::{Experiment, Number, Progress, ProgressUnit, Status};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::exit::Failure;

/// One JSON value on a line.
pub fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// One text a line.
pub fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Result<(), Failure> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in lines {
        writeln!(out, "{}", line.as_ref())?;
    }
    out.flush()?;
    Ok(())
}

/// Rows in columns as wide as they need; the last one takes the rest.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut out = std::io::stdout().lock();
    let bold = out.is_terminal();
    let heads: Vec<String> = heads.iter().map(ToString::to_string).collect();
    for (index, row) in std::iter::once(&heads).chain(rows).enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            let fill = width - cell.chars().count() + 2;
            line.extend(std::iter::repeat_n(' ', fill));
        }
        let line = line.trim_end();
        match bold && index == 0 {
            true => writeln!(out, "\x1b[1m{line}\x1b[0m")?,
            false => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}

/// Columns of the terminal; 100 where there is none.
pub fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(100)
}

/// A moment in the user's zone.
pub fn time(ms: i64) -> String {
    match Timestamp::from_millisecond(ms) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => String::from("?"),
    }
}

/// A duration; the same words as in the window.
pub use athanor_api::text::{bytes, duration};

/// A status as a word.
pub fn status(experiment: &Experiment) -> String {
    let word = match experiment.status {
        Status::Pending => "pending",
        Status::Queued => "queued",
        Status::Running if experiment.cancelling => "cancelling",
        Status::Running => "running",
        Status::Paused => "paused",
        Status::Completed => "completed",
        Status::Failed => "failed",
        Status::Cancelled => "cancelled",
        Status::Expired => "expired",
    };
    word.to_owned()
}

/// What there is to say of an experiment in a line: why it waits, how far it is, or how it ended.
pub fn remark(experiment: &Experiment) -> String {
    if let Some(reason) = &experiment.wait_reason {
        return reason.clone();
    }
    if let Some(failure) = &experiment.failure {
        return failure.message.clone();
    }
    let mut parts: Vec<String> = Vec::new();
    if let Some(progress) = experiment.progress.filter(|_| !is_terminal(experiment.status)) {
        parts.push(progress_words(&progress));
    }
    parts.extend(
        experiment.metrics.iter().take(3).map(|metric| format!("{} {}", metric.key, number(metric.value))),
    );
    parts.join("  ")
}

/// Whether nothing happens any more.
pub fn is_terminal(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Failed | Status::Cancelled | Status::Expired)
}

fn progress_words(progress: &Progress) -> String {
    let unit = match progress.unit {
        ProgressUnit::Epoch => "epoch ",
        ProgressUnit::Step => "step ",
        ProgressUnit::Percent => "",
    };
    match (progress.current, progress.total, progress.fraction) {
        (Some(current), Some(total), _) => format!("{unit}{current} of {total}"),
        (Some(current), None, _) => format!("{unit}{current}"),
        (_, _, Some(fraction)) => format!("{:.0} %", fraction * 100.0),
        _ => String::new(),
    }
}

/// A metric's value with at most five digits.
pub fn number(value: Number) -> String {
    let value = value.0;
    let size = value.abs();
    if !value.is_finite() || value == 0.0 {
        return value.to_string();
    }
    if !(1e-4..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = if size >= 1000.0 { 1 } else { 4 };
    let text = format!("{value:.digits$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        for (value, text) in [
            (0.0, "0"),
            (0.41234567, "0.4123"),
            (12.0, "12"),
            (1234.56, "1234.6"),
            (2e-7, "2.000e-7"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(Number(value)), text);
        }
    }
}
