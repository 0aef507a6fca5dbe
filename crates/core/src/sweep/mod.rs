//! Sweeps: one command tried with many values.
//!
//! A sweep is its axes and how points are taken from them. It is counted without being expanded, and its points are
//! made one at a time, so a slip of the pen with millions of them costs nothing.

mod apply;
mod parse;
mod scalar;

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64_with_seed;

pub use apply::{Applied, Style, apply};
pub use parse::parse_axis;
pub use scalar::{Kind, Scalar};

/// Why a sweep can't be taken: a sentence that names what was given and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Fault(pub String);

/// One key with the values that it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Axis {
    /// The dotted key, such as `optimizer.lr`.
    pub key: String,
    /// Its values in the order in which they were given.
    pub values: Vec<Scalar>,
}

/// One choice of values: key and value, in the order of the axes.
pub type Point = Vec<(String, Scalar)>;

/// What tells a point from every other, in 32 hexadecimal digits: names of points are cut where they are long.
#[must_use]
pub fn fingerprint(point: &[(String, Scalar)]) -> String {
    let mut text = String::new();
    for (key, value) in point {
        // Lengths keep the parts apart, whatever they hold.
        let value = value.to_yaml();
        text.push_str(&format!("{}:{key}{}:{value}", key.len(), value.len()));
    }
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes()))
}

/// How points are taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Mode {
    /// Every combination; the last axis changes fastest.
    #[default]
    Grid,
    /// Distinct points of the grid.
    Random {
        /// How many.
        count: u64,
        /// The same seed draws the same points.
        seed: u64,
    },
    /// These points; the axes are not used.
    Listed {
        /// The points.
        points: Vec<Point>,
    },
}

/// A sweep.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sweep {
    /// The axes of the grid.
    pub axes: Vec<Axis>,
    /// How points are taken from it.
    pub mode: Mode,
}

impl Sweep {
    /// Above this many points the caller asks the user first.
    pub const ASK_ABOVE: u128 = 10_000;

    /// Points at most; [`validate`](Self::validate) refuses more.
    pub const LIMIT: u128 = 1_000_000;

    /// How many points there are, without expanding them. Saturates.
    #[must_use]
    pub fn count(&self) -> u128 {
        match &self.mode {
            Mode::Grid => self.grid(),
            Mode::Random { count, .. } => self.grid().min(u128::from(*count)),
            Mode::Listed { points } => points.len() as u128,
        }
    }

    /// Combinations of the axes; none without axes.
    fn grid(&self) -> u128 {
        if self.axes.is_empty() {
            return 0;
        }
        self.axes.iter().fold(1, |count: u128, axis| count.saturating_mul(axis.values.len() as u128))
    }

    /// Whether the sweep can be taken.
    ///
    /// # Errors
    /// [`Fault`] for the first thing that stands against it: no points, more than [`LIMIT`](Self::LIMIT), a key or a
    /// value that stands twice, more random points than the grid has.
    pub fn validate(&self) -> Result<(), Fault> {
        if let Mode::Listed { points } = &self.mode {
            return validate_points(points);
        }
        let keys = self.axes.iter().map(|axis| axis.key.as_str());
        check_keys(keys, "The sweep")?;
        for Axis { key, values } in &self.axes {
            if values.is_empty() {
                return Err(Fault(format!("“{key}” has no values: write {key}=0.1,0.01.")));
            }
        }
        let grid = self.grid();
        if let Mode::Random { count, .. } = &self.mode {
            if *count == 0 {
                return Err(Fault("The sweep asks for 0 random points. Ask for at least 1.".into()));
            }
            if u64::try_from(grid).is_err() {
                return Err(Fault(
                    "The grid has too many combinations to draw from. Give fewer values.".into(),
                ));
            }
            if u128::from(*count) > grid {
                return Err(Fault(format!(
                    "The sweep asks for {count} random points, and its grid has {grid}. Ask for fewer, or run the whole grid."
                )));
            }
        }
        check_count(self.count())?;
        for Axis { key, values } in &self.axes {
            if let Some(twice) = repeated(values) {
                return Err(Fault(format!(
                    "“{key}” has the value {} twice. Take one of them out.",
                    twice.to_yaml()
                )));
            }
        }
        Ok(())
    }

    /// The points, made one at a time: a grid in the order of its axes, the last one changing fastest.
    #[must_use]
    pub fn points(&self) -> Points<'_> {
        let shuffle = match &self.mode {
            Mode::Random { seed, .. } => {
                Some(Shuffle::new(u64::try_from(self.grid()).unwrap_or(u64::MAX), *seed))
            }
            Mode::Grid | Mode::Listed { .. } => None,
        };
        Points { sweep: self, shuffle, next: 0, count: self.count() }
    }

    /// The combination with this index.
    fn combination(&self, mut index: u128) -> Point {
        let mut point: Point = Vec::with_capacity(self.axes.len());
        for Axis { key, values } in self.axes.iter().rev() {
            let radix = (values.len() as u128).max(1);
            // The remainder is below the number of values.
            let value = usize::try_from(index % radix).ok().and_then(|at| values.get(at));
            point.extend(value.map(|value| (key.clone(), value.clone())));
            index /= radix;
        }
        point.reverse();
        point
    }

    /// What gives points of this sweep their short names.
    #[must_use]
    pub fn names(&self) -> Names {
        match &self.mode {
            Mode::Listed { points } => Names::new(points.iter().flatten().map(|(key, _)| key.as_str())),
            Mode::Grid | Mode::Random { .. } => Names::new(self.axes.iter().map(|axis| axis.key.as_str())),
        }
    }
}

fn check_count(count: u128) -> Result<(), Fault> {
    if count > Sweep::LIMIT {
        let count = if count == u128::MAX { "more than can be counted".into() } else { count.to_string() };
        return Err(Fault(format!(
            "The sweep has too many points ({count}); 1,000,000 are the most. Give fewer values, or draw random points."
        )));
    }
    Ok(())
}

fn check_keys<'a>(keys: impl Iterator<Item = &'a str>, owner: &str) -> Result<(), Fault> {
    let mut seen = HashSet::new();
    for key in keys {
        parse::check_key(key)?;
        if !seen.insert(key) {
            return Err(Fault(format!("{owner} names “{key}” twice. Put all its values behind one key.")));
        }
    }
    if seen.is_empty() {
        return Err(Fault(format!("{owner} has no key. Name one with its values, such as lr=0.1,0.01.")));
    }
    Ok(())
}

fn validate_points(points: &[Point]) -> Result<(), Fault> {
    if points.is_empty() {
        return Err(Fault("The sweep lists no points. Give at least one, such as lr=0.1 seed=3.".into()));
    }
    check_count(points.len() as u128)?;
    for (index, point) in points.iter().enumerate() {
        check_keys(point.iter().map(|(key, _)| key.as_str()), &format!("Point {}", index + 1))?;
    }
    match repeated(points) {
        Some(twice) => Err(Fault(format!(
            "The point “{}” stands twice in the list. Take one of them out.",
            Names::new(twice.iter().map(|(key, _)| key.as_str())).name(twice)
        ))),
        None => Ok(()),
    }
}

/// The first item that equals an earlier one. Values are told apart by their text: 0.1 and 0.10 are two.
fn repeated<T: Eq + std::hash::Hash>(items: &[T]) -> Option<&T> {
    let mut seen = HashSet::new();
    items.iter().find(|item| !seen.insert(*item))
}

/// The points of a sweep; see [`Sweep::points`].
#[derive(Debug, Clone)]
pub struct Points<'a> {
    sweep: &'a Sweep,
    shuffle: Option<Shuffle>,
    next: u128,
    count: u128,
}

impl Iterator for Points<'_> {
    type Item = Point;

    fn next(&mut self) -> Option<Point> {
        if self.next >= self.count {
            return None;
        }
        let index = self.next;
        self.next += 1;
        match (&self.sweep.mode, self.shuffle) {
            (Mode::Listed { points }, _) => points.get(usize::try_from(index).ok()?).cloned(),
            (_, Some(shuffle)) => {
                Some(self.sweep.combination(u128::from(shuffle.at(u64::try_from(index).ok()?))))
            }
            (_, None) => Some(self.sweep.combination(index)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.count - self.next);
        (left.unwrap_or(usize::MAX), left.ok())
    }
}

/// A permutation of the numbers below `size` that needs no memory: a Feistel network over the next power of four,
/// walked on until it falls below `size` (Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002).
#[derive(Debug, Clone, Copy)]
struct Shuffle {
    size: u64,
    seed: u64,
    /// Bits of each half, 4 to 32. Smaller halves would mix too little.
    half: u32,
}

impl Shuffle {
    const ROUNDS: u64 = 8;

    fn new(size: u64, seed: u64) -> Self {
        let bits = u64::BITS - size.saturating_sub(1).leading_zeros();
        Self { size, seed, half: bits.div_ceil(2).max(4) }
    }

    /// The number at `index`, which is below `size`.
    fn at(self, index: u64) -> u64 {
        let mut value = index;
        loop {
            value = self.mix(value);
            if value < self.size {
                return value;
            }
        }
    }

    fn mix(self, value: u64) -> u64 {
        let mask = (1u64 << self.half) - 1;
        let (mut left, mut right) = (value >> self.half, value & mask);
        for round in 0..Self::ROUNDS {
            let mut input = [0; 16];
            input[..8].copy_from_slice(&right.to_le_bytes());
            input[8..].copy_from_slice(&round.to_le_bytes());
            (left, right) = (right, left ^ (xxh3_64_with_seed(&input, self.seed) & mask));
        }
        left << self.half | right
    }
}

/// Names of points: `lr=0.1 seed=3`. Of a dotted key only so many of its last parts are shown as tell it from the
/// others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    short: HashMap<String, String>,
}

impl Names {
    /// Characters of a name at most.
    pub const LONGEST: usize = 80;

    fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let keys: BTreeSet<&str> = keys.collect();
        // How many keys end in each of the suffixes.
        let mut ends: HashMap<&str, u32> = HashMap::new();
        for suffix in keys.iter().flat_map(|key| suffixes(key)) {
            *ends.entry(suffix).or_default() += 1;
        }
        let short =
            |key: &str| suffixes(key).find(|suffix| ends.get(suffix) == Some(&1)).unwrap_or(key).to_owned();
        Self { short: keys.iter().map(|key| ((*key).to_owned(), short(key))).collect() }
    }

    /// The name of `point`, at most [`LONGEST`](Self::LONGEST) characters on one line. What is cut ends in `…` and four
    /// digits of a hash, so that long names differ where the points do.
    #[must_use]
    pub fn name(&self, point: &[(String, Scalar)]) -> String {
        let words = point.iter().map(|(key, value)| {
            let key = self.short.get(key).map_or(key.as_str(), String::as_str);
            let value: String = value
                .as_str()
                .chars()
                .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
                .collect();
            format!("{key}={value}")
        });
        let name = words.collect::<Vec<_>>().join(" ");
        if name.chars().count() <= Self::LONGEST {
            return name;
        }
        let hash = xxh3_64_with_seed(name.as_bytes(), 0) & 0xffff;
        let kept: String = name.chars().take(Self::LONGEST - 5).collect();
        format!("{kept}…{hash:04x}")
    }
}

/// `lr`, `optimizer.lr`, `model.optimizer.lr`: the ends of a dotted key, the shortest first.
fn suffixes(key: &str) -> impl Iterator<Item = &str> {
    let starts = key.rmatch_indices('.').map(|(at, _)| &key[at + 1..]).filter(|suffix| !suffix.is_empty());
    starts.chain([key])
}

#[cfg(test)]
mod tests;
