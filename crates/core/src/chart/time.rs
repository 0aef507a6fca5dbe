//! Ticks of an axis of time: whole seconds, minutes, hours, days, months and years of the reader's zone.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use super::axis::AxisMap;

/// From one tick to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Seconds(i64),
    Days(i32),
    Months(i32),
    Years(i16),
}

const DAY: f64 = 86_400_000.0;

/// From fine to coarse.
const STEPS: [Step; 25] = [
    Step::Seconds(1),
    Step::Seconds(2),
    Step::Seconds(5),
    Step::Seconds(10),
    Step::Seconds(30),
    Step::Seconds(60),
    Step::Seconds(2 * 60),
    Step::Seconds(5 * 60),
    Step::Seconds(10 * 60),
    Step::Seconds(30 * 60),
    Step::Seconds(3600),
    Step::Seconds(2 * 3600),
    Step::Seconds(3 * 3600),
    Step::Seconds(6 * 3600),
    Step::Seconds(12 * 3600),
    Step::Days(1),
    Step::Days(2),
    Step::Days(7),
    Step::Months(1),
    Step::Months(3),
    Step::Months(6),
    Step::Years(1),
    Step::Years(2),
    Step::Years(5),
    Step::Years(20),
];

/// More would never fit.
const MOST: f64 = 60.0;

impl Step {
    /// About its length, milliseconds.
    fn length(self) -> f64 {
        match self {
            Self::Seconds(seconds) => seconds as f64 * 1000.0,
            Self::Days(days) => f64::from(days) * DAY,
            Self::Months(months) => f64::from(months) * 30.4 * DAY,
            Self::Years(years) => f64::from(years) * 365.2 * DAY,
        }
    }

    /// The last of its ticks that is not after a moment of the zone.
    fn floor(self, at: DateTime) -> DateTime {
        let date = at.date();
        let midnight = |date: Date| date.to_datetime(Time::midnight());
        match self {
            Self::Seconds(seconds) => {
                let of_day =
                    i64::from(at.hour()) * 3600 + i64::from(at.minute()) * 60 + i64::from(at.second());
                let floor = Span::new().seconds(of_day / seconds * seconds);
                midnight(date).checked_add(floor).unwrap_or(midnight(date))
            }
            // Weeks begin on Mondays; other steps are counted from the first of the month.
            Self::Days(7) => {
                let back = i64::from(date.weekday().to_monday_zero_offset()).days();
                midnight(date.checked_sub(back).unwrap_or(date))
            }
            Self::Days(days) => {
                let days = i8::try_from(days).unwrap_or(1);
                midnight(
                    Date::new(date.year(), date.month(), (date.day() - 1) / days * days + 1).unwrap_or(date),
                )
            }
            Self::Months(months) => {
                let months = i8::try_from(months).unwrap_or(1);
                midnight(Date::new(date.year(), (date.month() - 1) / months * months + 1, 1).unwrap_or(date))
            }
            Self::Years(years) => {
                midnight(Date::new(date.year().div_euclid(years) * years, 1, 1).unwrap_or(date))
            }
        }
    }

    fn next(self, at: DateTime) -> Option<DateTime> {
        let next = match self {
            Self::Seconds(seconds) => at.checked_add(seconds.seconds()).ok()?,
            // The 31st is no beginning of two days where the next month begins.
            Self::Days(days) => {
                let next = at.checked_add(i64::from(days).days()).ok()?;
                if days != 7 && next.month() != at.month() { next.first_of_month() } else { next }
            }
            Self::Months(months) => at.checked_add(i64::from(months).months()).ok()?,
            Self::Years(years) => at.checked_add(i64::from(years).years()).ok()?,
        };
        (next > at).then_some(next)
    }

    fn label(self, at: DateTime) -> String {
        let midnight = at.time() == Time::midnight();
        let form = match self {
            Self::Seconds(seconds) if seconds < 60 => "%H:%M:%S",
            Self::Seconds(_) if !midnight => "%H:%M",
            Self::Seconds(_) | Self::Days(_) => "%-d %b",
            Self::Months(_) if at.month() != 1 => "%b",
            Self::Months(_) | Self::Years(_) => "%Y",
        };
        at.strftime(form).to_string()
    }
}

/// Sets the finest ticks of which `fits` approves, given their places (0 to 1) and labels. The axis is in UTC
/// milliseconds.
pub(super) fn choose_ticks(axis: &mut AxisMap, zone: &TimeZone, fits: impl Fn(&[f64], &[String]) -> bool) {
    for step in STEPS {
        if (axis.max - axis.min) / step.length() > MOST {
            continue;
        }
        let (ticks, labels) = ticks(axis, zone, step);
        let places: Vec<f64> = ticks.iter().map(|&tick| axis.unit(tick)).collect();
        if ticks.len() <= 1 || fits(&places, &labels) {
            (axis.ticks, axis.labels) = (ticks, labels);
            return;
        }
    }
}

/// As [`choose_ticks`], for an axis in UTC seconds.
pub(super) fn choose_seconds(axis: &mut AxisMap, zone: &TimeZone, fits: impl Fn(&[f64], &[String]) -> bool) {
    if axis.max - axis.min < 10.0 {
        return choose_fractions(axis, zone, fits);
    }
    let mut fine = AxisMap::new((axis.min * 1000.0, axis.max * 1000.0), axis.scale);
    choose_ticks(&mut fine, zone, fits);
    axis.ticks = fine.ticks.iter().map(|tick| tick / 1000.0).collect();
    axis.labels = fine.labels;
}

/// Parts of seconds, of a moment that is looked at very closely.
fn choose_fractions(axis: &mut AxisMap, zone: &TimeZone, fits: impl Fn(&[f64], &[String]) -> bool) {
    let step = [5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001]
        .into_iter()
        .rev()
        .filter(|step| (axis.max - axis.min) / step <= MOST)
        .find_map(|step: f64| {
            let (first, last) = ((axis.min / step).ceil() as i64, (axis.max / step).floor() as i64);
            let ticks: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
            let label = |tick: &f64| {
                let moment = Timestamp::from_millisecond((tick * 1000.0).round() as i64).unwrap_or_default();
                let civil = zone.to_datetime(moment);
                let form = if step < 1.0 { "%M:%S%.3f" } else { "%H:%M:%S" };
                civil.strftime(form).to_string()
            };
            let labels: Vec<String> = ticks.iter().map(label).collect();
            let places: Vec<f64> = ticks.iter().map(|&tick| axis.unit(tick)).collect();
            (ticks.len() <= 1 || fits(&places, &labels)).then_some((ticks, labels))
        });
    (axis.ticks, axis.labels) = step.unwrap_or_default();
}

/// Distances between ticks of a duration, in seconds.
const DURATIONS: [f64; 26] = [
    0.001,
    0.01,
    0.1,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    432_000.0,
    864_000.0,
    2_592_000.0,
    8_640_000.0,
    86_400_000.0,
];

/// Sets the finest ticks of which `fits` approves on an axis of seconds since a start.
pub(super) fn choose_durations(axis: &mut AxisMap, fits: impl Fn(&[f64], &[String]) -> bool) {
    for step in DURATIONS {
        if (axis.max - axis.min) / step > MOST {
            continue;
        }
        let (first, last) = ((axis.min / step - 1e-9).ceil() as i64, (axis.max / step + 1e-9).floor() as i64);
        let ticks: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
        let longest = axis.min.abs().max(axis.max.abs());
        let labels: Vec<String> = ticks.iter().map(|tick| duration(*tick, step, longest)).collect();
        let places: Vec<f64> = ticks.iter().map(|&tick| axis.unit(tick)).collect();
        if ticks.len() <= 1 || fits(&places, &labels) {
            (axis.ticks, axis.labels) = (ticks, labels);
            return;
        }
    }
}

/// A duration in seconds, as exactly as ticks need it that are `step` apart on an axis that reaches up to `longest`.
fn duration(seconds: f64, step: f64, longest: f64) -> String {
    if seconds == 0.0 {
        return "0".to_owned();
    }
    let (sign, size) = (if seconds < 0.0 { "-" } else { "" }, seconds.abs());
    let whole = (size + 1e-6).floor();
    let (days, hours, minutes) = (whole / DAY_S, whole % DAY_S / 3600.0, whole % 3600.0 / 60.0);
    let (days, hours, minutes) = (days.floor(), hours.floor(), minutes.floor());
    let rest = size - (whole / 60.0).floor() * 60.0;
    let text = if step < 1.0 {
        let decimals = if step < 0.01 {
            3
        } else if step < 0.1 {
            2
        } else {
            1
        };
        if longest < 60.0 {
            format!("{size:.decimals$} s")
        } else {
            format!("{}:{rest:0width$.decimals$}", (whole / 60.0).floor(), width = decimals + 3)
        }
    } else if step >= DAY_S {
        format!("{days} d")
    } else if longest < 60.0 {
        format!("{rest:.0} s")
    } else if step < 60.0 && longest < 3600.0 {
        format!("{minutes}:{rest:02.0}")
    } else if longest < 3600.0 {
        format!("{minutes} min")
    } else if step < 60.0 {
        format!("{}:{minutes:02}:{rest:02.0}", (whole / 3600.0).floor())
    } else if step < 3600.0 {
        format!("{}:{minutes:02} h", (whole / 3600.0).floor())
    } else if days == 0.0 {
        format!("{hours} h")
    } else if hours == 0.0 {
        format!("{days} d")
    } else {
        format!("{days} d {hours} h")
    };
    format!("{sign}{text}")
}

const DAY_S: f64 = 86_400.0;

fn ticks(axis: &AxisMap, zone: &TimeZone, step: Step) -> (Vec<f64>, Vec<String>) {
    let (mut ticks, mut labels): (Vec<f64>, Vec<String>) = Default::default();
    let Ok(first) = Timestamp::from_millisecond(axis.min as i64) else { return (ticks, labels) };
    let mut at = Some(step.floor(zone.to_datetime(first)));
    while let Some(civil) = at {
        // A time that summer time leaves out, or has twice, is the later or the earlier one.
        let Ok(moment) = zone.to_timestamp(civil) else { break };
        let moment = moment.as_millisecond() as f64;
        if moment > axis.max {
            break;
        }
        if moment >= axis.min && ticks.last().is_none_or(|last| *last < moment) {
            ticks.push(moment);
            labels.push(step.label(civil));
        }
        at = step.next(civil);
    }
    (ticks, labels)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::Scale;

    fn check(zone: &str, from: &str, to: &str, most: usize, expected: &str) {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond() as f64;
        let mut axis = AxisMap::new((at(from), at(to)), Scale::Linear);
        choose_ticks(&mut axis, &TimeZone::get(zone).unwrap(), |_, labels| labels.len() <= most);
        assert_eq!(axis.labels.join(", "), expected, "{from} {to}");
    }

    #[test]
    fn ticks_are_round_in_the_zone_of_the_reader() {
        let day = "2026-11-21T";
        let at = |time: &str| format!("{day}{time}Z");
        check(
            "UTC",
            &at("10:00:03"),
            &at("10:01:03"),
            8,
            "10:00:10, 10:00:20, 10:00:30, 10:00:40, 10:00:50, 10:01:00",
        );
        check("UTC", &at("09:13:00"), &at("10:13:00"), 8, "09:20, 09:30, 09:40, 09:50, 10:00, 10:10");
        check("Asia/Kolkata", &at("15:00:00"), &at("23:00:00"), 5, "22:00, 22 Nov, 02:00, 04:00");
        check(
            "UTC",
            "2026-11-14T10:00:00Z",
            "2026-11-21T10:00:00Z",
            8,
            "15 Nov, 16 Nov, 17 Nov, 18 Nov, 19 Nov, 20 Nov, 21 Nov",
        );
        check("UTC", "2026-10-22T10:00:00Z", "2026-11-21T10:00:00Z", 6, "26 Oct, 2 Nov, 9 Nov, 16 Nov");
        check("UTC", "2025-11-21T10:00:00Z", "2026-11-21T10:00:00Z", 6, "2026, Apr, Jul, Oct");
        check("UTC", "2016-11-21T10:00:00Z", "2026-11-21T10:00:00Z", 6, "2018, 2020, 2022, 2024, 2026");
        check(
            "Europe/Berlin",
            "2026-10-25T00:00:00Z",
            "2026-10-25T06:00:00Z",
            8,
            "02:00, 03:00, 04:00, 05:00, 06:00, 07:00",
        );
    }

    #[test]
    fn durations_are_round() {
        for (to, most, expected) in [
            (20.0, 5, "0, 5 s, 10 s, 15 s, 20 s"),
            (100.0, 5, "0, 0:30, 1:00, 1:30"),
            (1500.0, 6, "0, 5 min, 10 min, 15 min, 20 min, 25 min"),
            (9000.0, 6, "0, 0:30 h, 1:00 h, 1:30 h, 2:00 h, 2:30 h"),
            (40_000.0, 4, "0, 3 h, 6 h, 9 h"),
            (400_000.0, 5, "0, 1 d, 2 d, 3 d, 4 d"),
            (200_000.0, 5, "0, 12 h, 1 d, 1 d 12 h, 2 d"),
            (0.25, 4, "0, 0.1 s, 0.2 s"),
        ] {
            let mut axis = AxisMap::new((0.0, to), Scale::Linear);
            choose_durations(&mut axis, |_, labels| labels.len() <= most);
            assert_eq!(axis.labels.join(", "), expected);
        }
    }

    proptest! {
        #[test]
        fn any_length_has_durations_in_order(from in -1e3..1e3f64, power in -3.0..8.0f64, most in 2usize..12) {
            let mut axis = AxisMap::new((from, from + 10f64.powf(power)), Scale::Linear);
            choose_durations(&mut axis, |_, labels| labels.len() <= most);
            prop_assert!(axis.ticks.len() <= most && axis.ticks.len() == axis.labels.len());
            let mut labels = axis.labels.clone();
            labels.dedup();
            prop_assert_eq!(labels.len(), axis.labels.len(), "{:?}", axis.labels);
        }

        #[test]
        fn any_range_has_ticks_in_order(from in -3_000_000_000_000i64..5_000_000_000_000, length in 1i64..2_000_000_000_000, most in 2usize..12) {
            let mut axis = AxisMap::new((from as f64, (from + length) as f64), Scale::Linear);
            let zone = TimeZone::get("America/New_York").unwrap();
            choose_ticks(&mut axis, &zone, |_, labels| labels.len() <= most);
            prop_assert!(axis.ticks.len() <= most.max(1), "{:?}", axis.labels);
            prop_assert_eq!(axis.ticks.len(), axis.labels.len());
            prop_assert!(axis.ticks.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(axis.ticks.iter().all(|tick| (0.0..=1.0).contains(&axis.unit(*tick))));
        }
    }
}
