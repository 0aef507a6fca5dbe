//! The tray icon's pixels: the furnace's arch, and in it what the furnace does.
//!
//! - nothing runs: the arch is empty
//! - one job runs: a flame; more: their number (a flame, too, where a disc would cover it)
//! - the queue is paused: two bars, in the arch when nothing runs, else on a disc at its foot
//! - something failed since the user last looked: a red disc with a cross at its foot, before anything else
//!
//! States differ by shape and not by colour alone. White lines in a dark rim are readable on light and dark panels.
//! Shapes are distances to edges in a square of 24 units, so that edges are smooth at any size.

/// Edge of the picture in pixels. Panels show it at 22 to 48 and scale it down well.
pub(super) const SIZE: u32 = 48;

/// Edge of the square that shapes are described in.
const UNITS: f32 = 24.0;

/// What the icon shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    /// Running jobs, at most 99: as many as the icon can tell apart.
    running: u8,
    paused: bool,
    failed: bool,
}

impl Picture {
    pub(super) fn new(running: u64, paused: bool, failed: bool) -> Self {
        Self { running: u8::try_from(running.min(99)).unwrap_or(99), paused, failed }
    }
}

#[derive(Debug, Clone, Copy)]
struct Point(f32, f32);

type Colour = [f32; 4];

const WHITE: Colour = [1.0, 1.0, 1.0, 1.0];
const RIM: Colour = [0.08, 0.07, 0.06, 0.85];
const MOUTH: Colour = [0.12, 0.105, 0.095, 0.92];
const FLAME: Colour = [0.965, 0.52, 0.19, 1.0];
const EMBER: Colour = [1.0, 0.8, 0.5, 1.0];
const RED: Colour = [0.84, 0.16, 0.2, 1.0];

const LINE: f32 = 2.1;
const RIM_WIDTH: f32 = 1.1;

/// Draws a picture as `SIZE` rows of `SIZE` pixels in RGBA.
pub(super) fn draw(picture: Picture) -> Vec<u8> {
    draw_at(picture, SIZE)
}

#[allow(clippy::cast_precision_loss, reason = "an icon's edge is far below 2^23")]
fn draw_at(picture: Picture, size: u32) -> Vec<u8> {
    let scale = size as f32 / UNITS;
    let flame = flame();
    let mut pixels = Vec::with_capacity((size * size * 4) as usize);
    for y in 0..size {
        for x in 0..size {
            let at = Point((x as f32 + 0.5) / scale, (y as f32 + 0.5) / scale);
            let mut ink = Ink { colour: [0.0; 4], scale };
            furnace(&mut ink, at);
            inside(&mut ink, at, picture, &flame);
            badge(&mut ink, at, picture);
            pixels.extend(ink.bytes());
        }
    }
    pixels
}

/// One pixel while shapes are laid over it.
struct Ink {
    colour: Colour,
    scale: f32,
}

impl Ink {
    /// Lays a shape over it, given the distance to the shape's edge (negative inside).
    fn fill(&mut self, distance: f32, colour: Colour) {
        let cover = (0.5 - distance * self.scale).clamp(0.0, 1.0) * colour[3];
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

/// The arch with its dark mouth, on its base.
fn furnace(ink: &mut Ink, at: Point) {
    let (left, right, foot, spring) = (4.4, 19.6, 20.6, 10.4);
    let radius = (right - left) / 2.0;
    let centre = Point((left + right) / 2.0, spring);
    let crown = if at.1 < spring { (distance(at, centre) - radius).abs() } else { f32::MAX };
    let legs = segment(at, Point(left, spring), Point(left, foot)).min(segment(
        at,
        Point(right, spring),
        Point(right, foot),
    ));
    let base = segment(at, Point(2.4, foot), Point(21.6, foot));
    let line = crown.min(legs).min(base) - LINE / 2.0;
    let mouth = if at.1 < spring {
        distance(at, centre) - radius
    } else {
        ((at.0 - centre.0).abs() - radius).max(at.1 - foot)
    };
    ink.fill(line - RIM_WIDTH, RIM);
    ink.fill(mouth, MOUTH);
    ink.fill(line, WHITE);
}

fn inside(ink: &mut Ink, at: Point, picture: Picture, flame: &[Point]) {
    let covered = picture.failed || picture.paused;
    match picture.running {
        0 if picture.paused => ink.fill(bars(at, Point(12.0, 13.2), 2.5, 3.6, 2.6), WHITE),
        0 => {}
        number if number == 1 || covered => {
            ink.fill(polygon(at, flame), FLAME);
            // The hot heart, the same shape at its foot.
            let heart = Point(12.0 + (at.0 - 12.0) / 0.45, 18.6 + (at.1 - 18.6) / 0.45);
            ink.fill(polygon(heart, flame) * 0.45, EMBER);
        }
        few @ ..10 => ink.fill(digit(at, few, Point(9.2, 7.6), Point(5.6, 9.6)) - 1.1, WHITE),
        many => {
            let (tens, ones) = (many / 10, many % 10);
            ink.fill(digit(at, tens, Point(7.2, 9.0), Point(3.4, 8.0)) - 0.8, WHITE);
            ink.fill(digit(at, ones, Point(13.4, 9.0), Point(3.4, 8.0)) - 0.8, WHITE);
        }
    }
}

/// The disc at the furnace's foot.
fn badge(ink: &mut Ink, at: Point, picture: Picture) {
    let centre = Point(18.2, 17.8);
    let disc = distance(at, centre) - 5.2;
    if picture.failed {
        ink.fill(disc - 0.9, RIM);
        ink.fill(disc, RED);
        let arm = 2.0;
        let cross = segment(at, Point(centre.0 - arm, centre.1 - arm), Point(centre.0 + arm, centre.1 + arm))
            .min(segment(at, Point(centre.0 - arm, centre.1 + arm), Point(centre.0 + arm, centre.1 - arm)));
        ink.fill(cross - 0.95, WHITE);
    } else if picture.paused && picture.running > 0 {
        ink.fill(disc - 0.9, RIM);
        ink.fill(disc, WHITE);
        ink.fill(bars(at, centre, 1.6, 2.3, 1.8), MOUTH);
    }
}

fn distance(a: Point, b: Point) -> f32 {
    (a.0 - b.0).hypot(a.1 - b.1)
}

/// Distance to the line between two points.
fn segment(at: Point, from: Point, to: Point) -> f32 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = ((at.0 - from.0) * dx + (at.1 - from.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    distance(at, Point(from.0 + along * dx, from.1 + along * dy))
}

/// Two upright bars, `apart` from the centre's line, `half` as high on either side.
fn bars(at: Point, centre: Point, apart: f32, half: f32, width: f32) -> f32 {
    [-apart, apart]
        .map(|dx| segment(at, Point(centre.0 + dx, centre.1 - half), Point(centre.0 + dx, centre.1 + half)))
        .into_iter()
        .fold(f32::MAX, f32::min)
        - width / 2.0
}

/// Distance to a digit's strokes, drawn as on a display of seven segments.
fn digit(at: Point, digit: u8, corner: Point, extent: Point) -> f32 {
    // Top, upper right, lower right, bottom, lower left, upper left, middle.
    const LIT: [[u8; 7]; 10] = [
        [1, 1, 1, 1, 1, 1, 0],
        [0, 1, 1, 0, 0, 0, 0],
        [1, 1, 0, 1, 1, 0, 1],
        [1, 1, 1, 1, 0, 0, 1],
        [0, 1, 1, 0, 0, 1, 1],
        [1, 0, 1, 1, 0, 1, 1],
        [1, 0, 1, 1, 1, 1, 1],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 0, 1, 1],
    ];
    let corners = |x: f32, y: f32| Point(corner.0 + x * extent.0, corner.1 + y * extent.1);
    let strokes = [
        (corners(0.0, 0.0), corners(1.0, 0.0)),
        (corners(1.0, 0.0), corners(1.0, 0.5)),
        (corners(1.0, 0.5), corners(1.0, 1.0)),
        (corners(0.0, 1.0), corners(1.0, 1.0)),
        (corners(0.0, 0.5), corners(0.0, 1.0)),
        (corners(0.0, 0.0), corners(0.0, 0.5)),
        (corners(0.0, 0.5), corners(1.0, 0.5)),
    ];
    LIT[usize::from(digit % 10)]
        .into_iter()
        .zip(strokes)
        .filter(|(lit, _)| *lit == 1)
        .map(|(_, (from, to))| segment(at, from, to))
        .fold(f32::MAX, f32::min)
}

/// The flame of the program's icon as a polygon.
fn flame() -> Vec<Point> {
    let curves = [
        [(254.0, 372.0), (206.0, 372.0), (182.0, 341.0), (182.0, 305.0)],
        [(182.0, 305.0), (182.0, 252.0), (256.0, 237.0), (246.0, 164.0)],
        [(246.0, 164.0), (304.0, 195.0), (330.0, 248.0), (334.0, 297.0)],
        [(334.0, 297.0), (334.0, 343.0), (303.0, 372.0), (254.0, 372.0)],
    ];
    let place = |x: f32, y: f32| Point(12.0 + (x - 258.0) * 0.066, 18.6 + (y - 372.0) * 0.06);
    curves
        .iter()
        .flat_map(|curve| {
            (0_u8..10).map(move |step| {
                let t = f32::from(step) / 10.0;
                let weights =
                    [(1.0 - t).powi(3), 3.0 * t * (1.0 - t).powi(2), 3.0 * t * t * (1.0 - t), t.powi(3)];
                let x = weights.iter().zip(curve).map(|(weight, point)| weight * point.0).sum();
                let y = weights.iter().zip(curve).map(|(weight, point)| weight * point.1).sum();
                place(x, y)
            })
        })
        .collect()
}

/// Distance to a polygon's edge, negative inside.
fn polygon(at: Point, corners: &[Point]) -> f32 {
    let mut nearest = f32::MAX;
    let mut within = false;
    for (number, to) in corners.iter().enumerate() {
        let from = corners[(number + corners.len() - 1) % corners.len()];
        nearest = nearest.min(segment(at, from, *to));
        let crosses = (from.1 > at.1) != (to.1 > at.1);
        if crosses && at.0 < (to.0 - from.0) * (at.1 - from.1) / (to.1 - from.1) + from.0 {
            within = !within;
        }
    }
    if within { -nearest } else { nearest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Picture> {
        let mut all = Vec::new();
        for running in [0, 1, 2, 7, 12, 99] {
            for (paused, failed) in [(false, false), (true, false), (false, true), (true, true)] {
                all.push(Picture::new(running, paused, failed));
            }
        }
        all
    }

    /// How different two pictures are at a small size: mean difference of the channels over the panel's colour.
    fn difference(a: Picture, b: Picture, panel: f32) -> f32 {
        let on_panel = |picture| {
            draw_at(picture, 22)
                .chunks_exact(4)
                .map(|pixel| {
                    let alpha = f32::from(pixel[3]) / 255.0;
                    // Brightness alone: shapes, not colours, must tell the states apart.
                    let bright = (f32::from(pixel[0]) + f32::from(pixel[1]) + f32::from(pixel[2])) / 765.0;
                    bright * alpha + panel * (1.0 - alpha)
                })
                .collect::<Vec<_>>()
        };
        on_panel(a).iter().zip(on_panel(b)).map(|(a, b)| (a - b).abs()).sum::<f32>() / 484.0
    }

    #[test]
    fn states_look_different_even_small_and_without_colour() {
        let states = [
            Picture::new(0, false, false),
            Picture::new(1, false, false),
            Picture::new(2, false, false),
            Picture::new(3, false, false),
            Picture::new(12, false, false),
            Picture::new(0, true, false),
            Picture::new(1, true, false),
            Picture::new(0, false, true),
            Picture::new(1, false, true),
        ];
        for (number, a) in states.iter().enumerate() {
            for b in &states[number + 1..] {
                for panel in [0.1, 0.95] {
                    let seen = difference(*a, *b, panel);
                    assert!(seen > 0.01, "{a:?} and {b:?} on {panel}: {seen}");
                }
            }
        }
    }

    #[test]
    fn the_glyph_stands_out_from_light_and_dark_panels() {
        let pixels = draw(Picture::new(0, false, false));
        let solid = pixels.chunks_exact(4).filter(|pixel| pixel[3] > 200);
        let (mut bright, mut dark) = (0, 0);
        for pixel in solid {
            if pixel[0] > 200 {
                bright += 1
            } else if pixel[0] < 60 {
                dark += 1
            }
        }
        assert!(bright > 200 && dark > 200, "{bright} bright and {dark} dark pixels");
        let corner = &pixels[..4];
        assert_eq!(corner[3], 0, "around it the panel shows");
    }

    #[test]
    fn pictures_have_their_size_and_more_jobs_than_fit_are_99() {
        for picture in all() {
            assert_eq!(draw(picture).len(), (SIZE * SIZE * 4) as usize, "{picture:?}");
        }
        assert_eq!(Picture::new(4000, false, false), Picture::new(99, false, false));
    }

    /// With `ATHANOR_TRAY_SHEET=FILE.pam` draws all states at the sizes of panels, for eyes.
    #[test]
    fn a_sheet_of_all_states_can_be_looked_at() {
        let Some(file) = std::env::var_os("ATHANOR_TRAY_SHEET") else { return };
        let (cell, states) = (56_usize, all());
        let (width, height) = (cell * states.len(), cell * 6);
        let mut sheet = vec![0_u8; width * height * 4];
        for (column, picture) in states.into_iter().enumerate() {
            for (row, (size, panel)) in
                [(48, 30_u8), (32, 30), (22, 30), (48, 240), (32, 240), (22, 240)].into_iter().enumerate()
            {
                let pixels = draw_at(picture, size);
                let size = size as usize;
                for y in 0..cell {
                    for x in 0..cell {
                        let to = ((row * cell + y) * width + column * cell + x) * 4;
                        let at = (x.wrapping_sub(4), y.wrapping_sub(4));
                        let ink = if at.0 < size && at.1 < size {
                            &pixels[(at.1 * size + at.0) * 4..][..4]
                        } else {
                            &[0; 4]
                        };
                        for part in 0..3 {
                            let alpha = f32::from(ink[3]) / 255.0;
                            let mixed = f32::from(ink[part]) * alpha + f32::from(panel) * (1.0 - alpha);
                            #[allow(
                                clippy::cast_possible_truncation,
                                clippy::cast_sign_loss,
                                reason = "0 to 255"
                            )]
                            let mixed = mixed as u8;
                            sheet[to + part] = mixed;
                        }
                        sheet[to + 3] = 255;
                    }
                }
            }
        }
        let head =
            format!("P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n");
        std::fs::write(file, [head.as_bytes(), &sheet].concat()).expect("writable");
    }
}
