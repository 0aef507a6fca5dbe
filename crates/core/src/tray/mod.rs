//! The tray icon's pixels: how the GPUs and the queue stand, at a glance.
//!
//! On a dark plate stands a column for each GPU: from the line in its middle its utilisation grows upwards and its
//! memory hangs downwards, so the two are told apart by their place. A column that nothing is known of is dotted. At
//! the foot lies the hearth, which is what the queue does:
//!
//! - nothing runs: a thin line
//! - something runs: a thick bar
//! - the queue is paused: two short bars
//! - something failed since the user last looked: besides, a disc with a cross, before anything else
//!
//! A machine without GPUs shows the furnace instead: its arch, and in it a flame or the number of running jobs.
//!
//! States differ by shape and not by colour alone. The dark plate with a light rim is readable on light and dark
//! panels. Columns lie on whole pixels at every size, and only their ends are smooth.

mod columns;
mod furnace;
mod shapes;

use shapes::Point;

/// Edges of the pictures that a panel is given to choose from, in pixels.
pub const SIZES: [u32; 5] = [16, 22, 24, 32, 48];

/// GPUs that have a column each; of more, neighbours share one.
pub const COLUMNS_MAX: usize = 8;

/// Steps that a column's height is rounded to: as many as the largest picture can show. What is nearer than this looks
/// the same, and need not be drawn anew.
const STEPS: u8 = 24;

/// What is known of one GPU, in percent; none where nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Of the time that anything ran on it.
    pub utilisation: Option<u8>,
    /// Of its memory.
    pub memory: Option<u8>,
}

/// What the icon shows. Two that are the same look the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// The columns, in steps of their height.
    columns: Vec<Load>,
    /// Running jobs, at most 99, as many as the furnace can tell apart; with columns 0 or 1.
    running: u8,
    paused: bool,
    failed: bool,
}

impl Picture {
    /// The picture of these GPUs and of this queue.
    #[must_use]
    pub fn new(gpus: &[Load], running: u64, paused: bool, failed: bool) -> Self {
        let columns = together(gpus);
        let most = if columns.is_empty() { 99 } else { 1 };
        Self { columns, running: u8::try_from(running.min(most)).unwrap_or(99), paused, failed }
    }
}

/// At most [`COLUMNS_MAX`] columns in steps; neighbours that share one have their mean.
fn together(gpus: &[Load]) -> Vec<Load> {
    let columns = gpus.len().min(COLUMNS_MAX);
    let step = |percent: u32| {
        let steps = (percent.min(100) * u32::from(STEPS)).div_ceil(100);
        u8::try_from(steps).unwrap_or(STEPS)
    };
    let mean = |values: &mut dyn Iterator<Item = u8>| {
        let (count, sum) = values.fold((0_u32, 0_u32), |(count, sum), it| (count + 1, sum + u32::from(it)));
        (count > 0).then(|| step(sum.div_ceil(count.max(1))))
    };
    (0..columns)
        .map(|column| {
            let (from, to) = (column * gpus.len() / columns, (column + 1) * gpus.len() / columns);
            let share = &gpus[from..to];
            Load {
                utilisation: mean(&mut share.iter().filter_map(|gpu| gpu.utilisation)),
                memory: mean(&mut share.iter().filter_map(|gpu| gpu.memory)),
            }
        })
        .collect()
}

/// Draws a picture as `size` rows of `size` pixels in RGBA, alpha not multiplied in.
#[must_use]
pub fn draw(picture: &Picture, size: u32) -> Vec<u8> {
    let flame = shapes::flame();
    let layout = columns::Layout::of(picture.columns.len(), size);
    let scale = units(size);
    let mut pixels = Vec::with_capacity((size * size * 4) as usize);
    for y in 0..size {
        for x in 0..size {
            let at = Point((to_float(x) + 0.5) / scale, (to_float(y) + 0.5) / scale);
            let mut ink = Ink { colour: [0.0; 4], scale };
            match &layout {
                Some(layout) => columns::draw(&mut ink, at, (x, y), picture, layout),
                None => furnace::draw(&mut ink, at, picture, &flame),
            }
            pixels.extend(ink.bytes());
        }
    }
    pixels
}

/// Pixels of a unit: shapes are described in a square of 24.
fn units(size: u32) -> f32 {
    to_float(size) / 24.0
}

#[allow(clippy::cast_precision_loss, reason = "an icon's edge is far below 2^23")]
fn to_float(pixels: u32) -> f32 {
    pixels as f32
}

type Colour = [f32; 4];

const WHITE: Colour = [1.0, 1.0, 1.0, 1.0];
const RIM: Colour = [0.08, 0.07, 0.06, 0.85];
const DARK: Colour = [0.12, 0.105, 0.095, 0.94];
const FLAME: Colour = [0.965, 0.52, 0.19, 1.0];
const EMBER: Colour = [1.0, 0.8, 0.5, 1.0];
const RED: Colour = [0.84, 0.16, 0.2, 1.0];

/// One pixel while shapes are laid over it.
struct Ink {
    colour: Colour,
    scale: f32,
}

impl Ink {
    /// Lays a shape over it, given the distance to the shape's edge in units (negative inside).
    fn fill(&mut self, distance: f32, colour: Colour) {
        self.cover((0.5 - distance * self.scale).clamp(0.0, 1.0), colour);
    }

    /// Lays a colour over a part of it, 0 to 1.
    fn cover(&mut self, part: f32, colour: Colour) {
        let cover = part * colour[3];
        let [.., below] = self.colour;
        let alpha = cover + below * (1.0 - cover);
        if alpha > 0.0 {
            for (own, over) in self.colour.iter_mut().zip(colour).take(3) {
                *own = (over * cover + *own * below * (1.0 - cover)) / alpha;
            }
        }
        self.colour[3] = alpha;
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "parts of colours are 0 to 1")]
    fn bytes(&self) -> [u8; 4] {
        self.colour.map(|part| (part.clamp(0.0, 1.0) * 255.0).round() as u8)
    }
}

/// The disc that says that something failed, at the foot on the right.
fn cross(ink: &mut Ink, at: Point, centre: Point, radius: f32) {
    let disc = shapes::distance(at, centre) - radius;
    ink.fill(disc - 1.2, DARK);
    ink.fill(disc, RED);
    let arm = radius * 0.42;
    let strokes =
        shapes::segment(at, Point(centre.0 - arm, centre.1 - arm), Point(centre.0 + arm, centre.1 + arm))
            .min(shapes::segment(
                at,
                Point(centre.0 - arm, centre.1 + arm),
                Point(centre.0 + arm, centre.1 - arm),
            ));
    ink.fill(strokes - radius * 0.19, WHITE);
}

#[cfg(test)]
mod tests;
