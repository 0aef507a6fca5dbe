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

    proptest! {
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
