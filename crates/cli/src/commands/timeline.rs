//! `athanor timeline`

use std::process::ExitCode;

use athanor_api::command::ReadTimeline;
use athanor_api::wire::{self, Bar, Status, Timeline};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::backend::Backend;
use crate::exit::Failure;
use crate::options::values::{now, past};
use crate::print;

/// What `timeline` takes.
#[derive(Args)]
pub struct Arguments {
    /// From when: how long ago, such as 24h, or a moment
    #[arg(long, value_name = "WHEN", default_value = "24h", value_parser = past)]
    since: i64,

    /// Columns; as many as the terminal has if absent
    #[arg(long, value_name = "N")]
    width: Option<u16>,
}

/// Rows of one lane at most; what does not fit is counted.
const ROWS: usize = 8;
/// Fewest columns in which anything can be told.
const NARROWEST: usize = 40;

/// Prints who ran where, when.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let span = (arguments.since, now());
    let timeline = backend.call::<ReadTimeline>(&wire::ReadTimeline { from: span.0, to: span.1 })?;
    if json {
        print::json(&timeline)?;
        return Ok(ExitCode::SUCCESS);
    }
    if timeline.bars.is_empty() {
        eprintln!("Nothing ran since {}.", print::time(span.0));
        return Ok(ExitCode::SUCCESS);
    }
    let width = arguments.width.map_or_else(print::columns, usize::from);
    print::lines(draw(&timeline, span, width.max(NARROWEST), &TimeZone::system()))?;
    if timeline.truncated {
        eprintln!("athanor: only the newest {} are shown", timeline.bars.len());
    }
    Ok(ExitCode::SUCCESS)
}

/// The lanes as lines of at most `width` columns, a line of times above them and the signs below.
fn draw(timeline: &Timeline, span: (i64, i64), width: usize, zone: &TimeZone) -> Vec<String> {
    let label =
        timeline.lanes.iter().map(|lane| lane.label.chars().count()).max().unwrap_or(0).min(width / 4);
    let scale = Scale { from: span.0, to: span.1.max(span.0 + 1), columns: width - label - 2 };
    let mut lines = vec![format!("{:label$}  {}", "", scale.ticks(zone))];
    for lane in &timeline.lanes {
        let bars: Vec<&Bar> = timeline.bars.iter().filter(|bar| bar.lanes.contains(&lane.id)).collect();
        if bars.is_empty() && !lane.present {
            continue;
        }
        let (rows, left) = stack(&bars, &scale);
        let mut name: String = lane.label.chars().take(label).collect();
        for row in rows {
            lines.push(format!("{name:label$}  {row}").trim_end().to_owned());
            name.clear();
        }
        if left > 0 {
            lines.push(format!("{:label$}  and {left} more at the same time", ""));
        }
    }
    let signs: Vec<String> = SIGNS.iter().map(|(_, sign, word)| format!("{sign} {word}")).collect();
    lines.push(format!("{:label$}  {}", "", signs.join("   ")));
    lines
}

/// The bars of a lane in as few rows as they need, and how many did not fit into [`ROWS`]. Short ones that end within
/// the column in which they start share it: a column of minutes may hold hundreds. One that failed is seen among them.
fn stack(bars: &[&Bar], scale: &Scale) -> (Vec<String>, usize) {
    let mut rows: Vec<Vec<char>> = vec![Vec::new()];
    // The column of the last short bar, with its row.
    let mut short: Option<(usize, usize)> = None;
    let mut left = 0;
    for bar in bars {
        let Some((start, end)) = scale.place(bar) else { continue };
        let brief = end == start + 1 && bar.to.is_some();
        if let Some((column, row)) = short
            && brief
            && column == start
            && rows[row].len() == start + 1
        {
            if bar.status == Status::Failed {
                rows[row][start] = sign(bar.status);
            }
            continue;
        }
        let row = match rows.iter().position(|row| row.len() <= start) {
            Some(row) => row,
            None if rows.len() < ROWS => {
                rows.push(Vec::new());
                rows.len() - 1
            }
            None => {
                left += 1;
                continue;
            }
        };
        if brief {
            short = Some((start, row));
        }
        rows[row].resize(start, ' ');
        rows[row].extend(picture(bar, end - start));
    }
    (rows.into_iter().map(String::from_iter).collect(), left)
}

const SIGNS: [(Status, char, &str); 5] = [
    (Status::Completed, '=', "completed"),
    (Status::Failed, 'x', "failed"),
    (Status::Cancelled, '-', "cancelled"),
    (Status::Running, '>', "running"),
    (Status::Paused, '"', "paused"),
];

fn sign(status: Status) -> char {
    SIGNS.iter().find(|(known, ..)| *known == status).map_or('=', |(_, sign, _)| *sign)
}

/// A bar of so many columns, with its name where that fits.
fn picture(bar: &Bar, width: usize) -> Vec<char> {
    let sign = sign(bar.status);
    if width < 4 {
        return vec![sign; width];
    }
    let mut drawn = vec!['['];
    drawn.extend(bar.name.chars().take(width - 2));
    drawn.resize(width - 1, sign);
    drawn.push(if bar.to.is_some() { ']' } else { sign });
    drawn
}

/// From moments to columns.
struct Scale {
    from: i64,
    to: i64,
    columns: usize,
}

impl Scale {
    /// The column of a moment, those outside at the nearest end.
    fn column(&self, at: i64) -> usize {
        let part = i128::from(at.clamp(self.from, self.to) - self.from) * self.columns as i128
            / i128::from(self.to - self.from);
        usize::try_from(part).unwrap_or(0)
    }

    /// First column, and the one after the last, of a bar that can be seen.
    fn place(&self, bar: &Bar) -> Option<(usize, usize)> {
        if bar.from >= self.to || bar.to.is_some_and(|to| to < self.from) {
            return None;
        }
        let start = self.column(bar.from).min(self.columns - 1);
        Some((start, self.column(bar.to.unwrap_or(self.to)).max(start + 1)))
    }

    /// Times above the lanes, as many as can be told apart.
    fn ticks(&self, zone: &TimeZone) -> String {
        const MINUTE: i64 = 60_000;
        const STEPS: [i64; 14] = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200];
        let apart = 12;
        let least = (self.to - self.from) / i64::try_from(self.columns / apart).unwrap_or(1).max(1);
        let step =
            STEPS.iter().map(|step| step * MINUTE).find(|step| *step >= least).unwrap_or(STEPS[13] * MINUTE);
        let local = |ms: i64| Timestamp::from_millisecond(ms).ok().map(|at| at.to_zoned(zone.clone()));
        let offset = local(self.from).map_or(0, |at| i64::from(at.offset().seconds()) * 1000);
        let mut line: Vec<char> = Vec::new();
        let mut at = self.from - (self.from + offset).rem_euclid(step) + step;
        while at < self.to {
            let column = self.column(at);
            if let Some(time) = local(at)
                && line.len() <= column
            {
                let midnight = time.hour() == 0 && time.minute() == 0;
                let text = time.strftime(if midnight || step >= 1440 * MINUTE { "|%b %d" } else { "|%H:%M" });
                line.resize(column, ' ');
                line.extend(text.to_string().chars());
            }
            at += step;
        }
        line.truncate(self.columns);
        String::from_iter(line)
    }
}

#[cfg(test)]
mod tests {
    use athanor_api::wire::Lane;

    use super::*;

    const HOUR: i64 = 3_600_000;
    /// 2026-11-21 00:00 UTC.
    const DAY: i64 = 1_795_219_200_000;

    fn lane(id: &str, label: &str) -> Lane {
        Lane { id: id.into(), label: label.into(), present: true }
    }

    fn bar(name: &str, lane: &str, from: i64, to: Option<i64>, status: Status) -> Bar {
        Bar {
            uid: "20261121_7e3a".into(),
            name: name.into(),
            group: None,
            attempt: 1,
            lanes: vec![lane.into()],
            from: DAY + from,
            to: to.map(|to| DAY + to),
            status,
        }
    }

    #[test]
    fn lanes_show_who_ran_when() {
        let timeline = Timeline {
            lanes: vec![lane("a", "GPU 0"), lane("b", "GPU 1"), lane("cpu", "CPU")],
            bars: vec![
                bar("train", "a", 0, Some(2 * HOUR), Status::Completed),
                bar("resnet", "a", 2 * HOUR, None, Status::Running),
                bar("tiny", "cpu", HOUR, Some(HOUR + 1000), Status::Failed),
                bar("one", "cpu", 2 * HOUR, Some(4 * HOUR), Status::Cancelled),
                bar("two", "cpu", 3 * HOUR, Some(5 * HOUR), Status::Completed),
            ],
            truncated: false,
        };
        let lines = draw(&timeline, (DAY, DAY + 6 * HOUR), 67, &TimeZone::UTC);
        let expected = [
            "                           |02:00              |04:00",
            "GPU 0  [train=============][resnet>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>",
            "GPU 1",
            "CPU              x         [one---------------]",
            "                                     [two===============]",
            "       = completed   x failed   - cancelled   > running   \" paused",
        ];
        assert_eq!(lines, expected, "{lines:#?}");
    }

    #[test]
    fn nothing_outside_the_window_is_drawn_and_no_width_breaks_it() {
        let bars = (0..200i64)
            .map(|n| bar("job", "cpu", n * HOUR / 7, (n % 5 > 0).then_some(n * HOUR), Status::Completed))
            .collect();
        let timeline = Timeline {
            lanes: vec![lane("cpu", "a label that is far too long for its place")],
            bars,
            truncated: false,
        };
        for width in [40, 80, 200] {
            for span in [(DAY, DAY + 1), (DAY - HOUR, DAY + HOUR), (DAY, DAY + 700 * HOUR), (0, DAY)] {
                let lines = draw(&timeline, span, width, &TimeZone::UTC);
                assert!(lines.len() <= ROWS + 3, "{lines:#?}");
                let most = lines.iter().map(|line| line.chars().count()).max();
                // The signs need their own width.
                assert!(most <= Some(width.max(90)), "{width} {span:?} {lines:#?}");
            }
        }
    }

    #[test]
    fn many_short_ones_share_a_column() {
        let status = |n: i64| if n == 70 { Status::Failed } else { Status::Completed };
        let mut bars: Vec<Bar> =
            (0..100).map(|n| bar("s", "cpu", n * 1000, Some(n * 1000 + 900), status(n))).collect();
        bars.push(bar("later", "cpu", HOUR, Some(2 * HOUR), Status::Completed));
        let timeline = Timeline { lanes: vec![lane("cpu", "CPU")], bars, truncated: false };
        let lines = draw(&timeline, (DAY, DAY + 6 * HOUR), 65, &TimeZone::UTC);
        assert_eq!(lines[1..lines.len() - 1], ["CPU  x         [later===]"], "{lines:#?}");
    }

    #[test]
    fn days_are_named_at_midnight() {
        let scale = Scale { from: DAY - 10 * HOUR, to: DAY + 30 * HOUR, columns: 100 };
        let ticks = scale.ticks(&TimeZone::UTC);
        assert!(ticks.contains("|Nov 21") && ticks.contains("|12:00"), "{ticks}");
    }
}
