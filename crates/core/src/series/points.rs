//! Points in columns: the shape that compresses, scans and draws fastest.

/// One reading of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Position on the x axis: a step, or an epoch, which may be fractional. Always finite in a stored series.
    pub step: f64,
    /// The value as logged; NaN (with its payload) and infinities are values like any other.
    pub value: f64,
    /// When it was logged, in milliseconds since the Unix epoch, if the source says so.
    pub wall_ms: Option<i64>,
}

/// Stands for "no wall time" inside the column; no clock shows the year minus 292 million.
pub(super) const NO_WALL: i64 = i64::MIN;

/// A sequence of points, column by column, in the order they arrived.
#[derive(Debug, Clone, Default)]
pub struct Points {
    steps: Vec<f64>,
    values: Vec<f64>,
    /// Empty as long as no point has a wall time, else as long as `steps`.
    walls: Vec<i64>,
}

impl Points {
    /// No points.
    pub fn new() -> Self {
        Self::default()
    }

    /// No points yet, with room for `n`.
    pub fn with_capacity(n: usize) -> Self {
        Self { steps: Vec::with_capacity(n), values: Vec::with_capacity(n), walls: Vec::new() }
    }

    /// Takes columns that are already apart. The longer one is cut to the length of the shorter.
    pub fn from_columns(mut steps: Vec<f64>, mut values: Vec<f64>) -> Self {
        let n = steps.len().min(values.len());
        steps.truncate(n);
        values.truncate(n);
        Self { steps, values, walls: Vec::new() }
    }

    /// `walls` must be empty or as long as the other two.
    pub(super) fn from_parts(steps: Vec<f64>, values: Vec<f64>, walls: Vec<i64>) -> Self {
        debug_assert!(steps.len() == values.len() && (walls.is_empty() || walls.len() == steps.len()));
        Self { steps, values, walls }
    }

    /// Adds one point at the end.
    pub fn push(&mut self, point: Point) {
        // i64::MIN itself cannot be told from "none", and is none.
        let wall = point.wall_ms.unwrap_or(NO_WALL);
        if wall != NO_WALL && self.walls.is_empty() {
            self.walls.resize(self.steps.len(), NO_WALL);
            self.walls.push(wall);
        } else if !self.walls.is_empty() {
            self.walls.push(wall);
        }
        self.steps.push(point.step);
        self.values.push(point.value);
    }

    /// Adds all points of `other` at the end.
    pub fn extend_from(&mut self, other: &Points) {
        if !(self.walls.is_empty() && other.walls.is_empty()) {
            self.walls.resize(self.steps.len(), NO_WALL);
            if other.walls.is_empty() {
                self.walls.resize(self.steps.len() + other.len(), NO_WALL);
            } else {
                self.walls.extend_from_slice(&other.walls);
            }
        }
        self.steps.extend_from_slice(&other.steps);
        self.values.extend_from_slice(&other.values);
    }

    /// How many points there are.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The x positions.
    pub fn steps(&self) -> &[f64] {
        &self.steps
    }

    /// The values.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The wall times in milliseconds, `i64::MIN` where a point has none; empty when no point has one.
    pub(super) fn walls(&self) -> &[i64] {
        &self.walls
    }

    /// The point at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Point> {
        let step = *self.steps.get(index)?;
        let value = *self.values.get(index)?;
        let wall_ms = self.walls.get(index).copied().filter(|&wall| wall != NO_WALL);
        Some(Point { step, value, wall_ms })
    }

    /// The first `count` of them.
    #[must_use]
    pub fn head(mut self, count: usize) -> Self {
        self.steps.truncate(count);
        self.values.truncate(count);
        self.walls.truncate(count);
        self
    }

    /// All points in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Point> + '_ {
        (0..self.len()).map(|i| Point {
            step: self.steps[i],
            value: self.values[i],
            wall_ms: self.walls.get(i).copied().filter(|&wall| wall != NO_WALL),
        })
    }
}

impl FromIterator<Point> for Points {
    fn from_iter<I: IntoIterator<Item = Point>>(points: I) -> Self {
        let mut all = Self::new();
        all.extend(points);
        all
    }
}

impl Extend<Point> for Points {
    fn extend<I: IntoIterator<Item = Point>>(&mut self, points: I) {
        for point in points {
            self.push(point);
        }
    }
}
