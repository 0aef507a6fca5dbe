//! Axes of plots: of numbers, of moments, or of categories.

use jiff::tz::TimeZone;

use super::super::axis::{AxisMap, auto_range};
use super::super::{Axis, time};
use super::sheet::wide;
use super::value::{Column, Value, ValueKind};
use crate::series::Scale;

/// Where a value lies on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// At this part of its length.
    At(f64),
    /// Not a number.
    Nan,
    /// Positive infinity.
    Above,
    /// Negative infinity, and what is not positive on a log axis.
    Below,
    /// Nothing is there to be placed.
    Missing,
}

#[derive(Debug, Clone)]
enum Of {
    /// Values are divided by this first.
    Numbers(AxisMap, f64),
    Moments(AxisMap),
    Words(Vec<Value>, ValueKind),
    Nothing,
}

/// An axis.
#[derive(Debug, Clone)]
pub(super) struct PlotAxis {
    /// What stands beside it.
    pub title: String,
    of: Of,
    /// Parts of its length, with labels.
    pub ticks: Vec<(f64, String)>,
}

/// What durations are told in: by how many milliseconds they are divided, and the unit.
fn duration_unit(most: f64) -> (f64, &'static str) {
    let units = [(86_400_000.0, "d"), (3_600_000.0, "h"), (60_000.0, "min"), (1000.0, "s")];
    units.into_iter().find(|(length, _)| most >= 2.0 * length).unwrap_or((1000.0, "s"))
}

impl PlotAxis {
    /// An axis for a column's values. `margin` is a part of its length on both sides; `from_zero`: zero is on it.
    pub fn new(column: &Column, scale: Scale, margin: f64, from_zero: bool) -> Self {
        let title = column.name.clone();
        if !column.is_numeric() {
            let words = column.categories();
            let of = if words.is_empty() { Of::Nothing } else { Of::Words(words, column.kind) };
            return Self { title, of, ticks: Vec::new() };
        }
        Self::of_numbers(
            title,
            column.kind,
            column.finite().map(|(_, number)| number),
            scale,
            margin,
            from_zero,
        )
    }

    /// An axis for finite numbers.
    pub fn of_numbers(
        title: String,
        kind: ValueKind,
        numbers: impl Iterator<Item = f64>,
        scale: Scale,
        margin: f64,
        from_zero: bool,
    ) -> Self {
        let placed = |number: &f64| scale != Scale::Log || *number > 0.0;
        let range = numbers.filter(placed).fold(None, |range: Option<(f64, f64)>, number| {
            Some(range.map_or((number, number), |(low, high)| (low.min(number), high.max(number))))
        });
        let Some((mut low, mut high)) = range else {
            return Self { title, of: Of::Nothing, ticks: Vec::new() };
        };
        if kind == ValueKind::Moment {
            // The years that have a name: to about 9900.
            let (low, high) = (low.clamp(-2.5e14, 2.5e14), high.clamp(-2.5e14, 2.5e14));
            let (low, high) = if high - low < 1000.0 { (low - 500.0, high + 500.0) } else { (low, high) };
            let pad = (high - low) * margin;
            let map = AxisMap::new((low - pad, high + pad), Scale::Linear);
            return Self { title, of: Of::Moments(map), ticks: Vec::new() };
        }
        if from_zero && scale != Scale::Log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let (divisor, title) = match kind {
            ValueKind::Duration => {
                let (divisor, unit) = duration_unit(high.abs());
                (divisor, format!("{title} ({unit})"))
            }
            _ => (1.0, title),
        };
        let map = AxisMap::new(auto_range(low / divisor, high / divisor, scale, margin), scale);
        Self { title, of: Of::Numbers(map, divisor), ticks: Vec::new() }
    }

    /// An axis over a range of the caller's.
    pub fn over(title: String, range: (f64, f64)) -> Self {
        Self { title, of: Of::Numbers(AxisMap::new(range, Scale::Linear), 1.0), ticks: Vec::new() }
    }

    /// Whether it has categories.
    pub fn words(&self) -> Option<&[Value]> {
        if let Of::Words(words, _) = &self.of { Some(words) } else { None }
    }

    /// Whether anything has a place on it.
    pub fn is_empty(&self) -> bool {
        matches!(self.of, Of::Nothing)
    }

    /// Whether it is logarithmic.
    pub fn is_log(&self) -> bool {
        matches!(&self.of, Of::Numbers(map, _) if map.scale == Scale::Log)
    }

    /// Where a value lies.
    pub fn place(&self, value: &Value) -> Place {
        match (&self.of, value) {
            (_, Value::Missing) | (Of::Nothing, _) => Place::Missing,
            (Of::Words(words, _), value) => match words.iter().position(|word| word.order(value).is_eq()) {
                Some(index) => Place::At((index as f64 + 0.5) / words.len() as f64),
                None => Place::Missing,
            },
            (Of::Numbers(..) | Of::Moments(_), value) => match value.number() {
                Some(number) => self.number(number),
                None => Place::Missing,
            },
        }
    }

    /// Where a number lies.
    pub fn number(&self, number: f64) -> Place {
        let (map, divisor) = match &self.of {
            Of::Numbers(map, divisor) => (map, *divisor),
            Of::Moments(map) => (map, 1.0),
            Of::Words(..) | Of::Nothing => return Place::Missing,
        };
        let number = number / divisor;
        match number {
            number if number.is_nan() => Place::Nan,
            f64::INFINITY => Place::Above,
            number if number == f64::NEG_INFINITY || (map.scale == Scale::Log && number <= 0.0) => {
                Place::Below
            }
            number => Place::At(map.unit(number).clamp(0.0, 1.0)),
        }
    }

    /// Chooses the ticks of a horizontal axis of this length, in CSS pixels.
    pub fn choose_across(&mut self, length: f64, font: f64, zone: &TimeZone) {
        let most = (length / (font * 6.0)).clamp(3.0, 10.0);
        self.choose(zone, |places, labels| {
            let apart = |i: usize| {
                let room = (places[i] - places[i - 1]) * length;
                room >= (wide(&labels[i]) + wide(&labels[i - 1])) * font / 2.0 + font
            };
            labels.len() as f64 <= most && (1..labels.len()).all(apart)
        });
        self.thin(length, |label| wide(label) * font + font * 0.6);
    }

    /// Chooses the ticks of a vertical axis of this length, in CSS pixels.
    pub fn choose_down(&mut self, length: f64, font: f64, zone: &TimeZone) {
        let most = (length / (font * 2.4)).clamp(2.0, 6.0);
        self.choose(zone, |places, labels| {
            let room = |two: &[f64]| (two[1] - two[0]) * length >= font * 1.6;
            labels.len() as f64 <= most && places.windows(2).all(room)
        });
        self.thin(length, |_| font * 1.2);
    }

    /// Ticks at the very values of a column that has few of them, as far as their labels have room on a vertical axis of
    /// this length.
    pub fn choose_values(&mut self, column: &Column, length: f64, font: f64, zone: &TimeZone) {
        let values = column.categories();
        if !matches!(self.of, Of::Numbers(_, 1.0)) || values.len() > 8 {
            return;
        }
        let place = |value: &Value| match self.place(value) {
            Place::At(part) => Some((part, value.say(column.kind, zone))),
            _ => None,
        };
        let ticks: Vec<(f64, String)> = values.iter().filter_map(place).collect();
        if ticks.windows(2).all(|two| (two[1].0 - two[0].0) * length >= font * 1.3) {
            self.ticks = ticks;
        }
    }

    /// The number at a part of the length.
    pub fn number_at(&self, part: f64) -> Option<f64> {
        match &self.of {
            Of::Numbers(map, divisor) => Some(map.value(part) * divisor),
            Of::Moments(map) => Some(map.value(part)),
            Of::Words(..) | Of::Nothing => None,
        }
    }

    fn choose(&mut self, zone: &TimeZone, fits: impl Fn(&[f64], &[String]) -> bool) {
        match &mut self.of {
            Of::Nothing => {}
            Of::Words(words, kind) => {
                let part = |index: usize| (index as f64 + 0.5) / words.len() as f64;
                self.ticks =
                    words.iter().enumerate().map(|(i, word)| (part(i), word.say(*kind, zone))).collect();
            }
            Of::Numbers(map, _) => {
                map.choose_ticks(false, fits);
                self.ticks = map.ticks.iter().map(|&tick| map.unit(tick)).zip(map.labels.clone()).collect();
            }
            Of::Moments(map) => {
                time::choose_ticks(map, zone, fits);
                self.ticks = map.ticks.iter().map(|&tick| map.unit(tick)).zip(map.labels.clone()).collect();
            }
        }
    }

    /// Leaves out labels of categories that would lie over each other: every so-manieth stays.
    fn thin(&mut self, length: f64, takes: impl Fn(&str) -> f64) {
        let Of::Words(words, _) = &self.of else { return };
        let each = length / words.len() as f64;
        // Long labels are cut to what a slot has, so what counts is the shortest that still says something.
        let least = self.ticks.iter().map(|(_, label)| takes(label)).fold(0.0, f64::max).min(40.0);
        let stride = (least / each).ceil().max(1.0) as usize;
        for (index, (_, label)) in self.ticks.iter_mut().enumerate() {
            if !index.is_multiple_of(stride) {
                label.clear();
            }
        }
    }

    /// The room of a category with its label, in parts of the length; none of an axis of numbers.
    pub fn slot(&self) -> Option<f64> {
        let Of::Words(words, _) = &self.of else { return None };
        let labelled = self.ticks.iter().filter(|(_, label)| !label.is_empty()).count().max(1);
        Some(words.len().div_ceil(labelled) as f64 / words.len() as f64)
    }

    /// Its ends, if it is one of numbers.
    pub fn ends(&self) -> Option<Axis> {
        match &self.of {
            Of::Numbers(map, divisor) => {
                let (min, max) = (map.min * divisor, map.max * divisor);
                Some(Axis { min, max, kind: map.scale, linear: map.linear * divisor })
            }
            Of::Moments(map) => Some(Axis { min: map.min, max: map.max, kind: Scale::Linear, linear: 0.0 }),
            Of::Words(..) | Of::Nothing => None,
        }
    }
}
