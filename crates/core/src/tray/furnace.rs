//! The furnace of a machine without GPUs: its arch, and in it what it does.
//!
//! - nothing runs: the arch is empty
//! - one job runs: a flame; more: their number (a flame, too, where a disc would cover it)
//! - the queue is paused: two bars, in the arch when nothing runs, else on a disc at its foot

use super::shapes::{bars, digit, distance, polygon, segment};
use super::{DARK, EMBER, FLAME, Ink, Picture, Point, RIM, WHITE};

const LINE: f32 = 2.1;
const RIM_WIDTH: f32 = 1.1;

/// Lays the furnace over a pixel.
pub(super) fn draw(ink: &mut Ink, at: Point, picture: &Picture, flame: &[Point]) {
    arch(ink, at);
    inside(ink, at, picture, flame);
    let centre = Point(17.6, 17.2);
    if picture.failed {
        super::cross(ink, at, centre, 5.6);
    } else if picture.paused && picture.running > 0 {
        let disc = distance(at, centre) - 5.4;
        ink.fill(disc - 0.9, RIM);
        ink.fill(disc, WHITE);
        ink.fill(bars(at, centre, 1.6, 2.3, 1.8), DARK);
    }
}

/// The arch with its dark mouth, on its base.
fn arch(ink: &mut Ink, at: Point) {
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
    ink.fill(mouth, DARK);
    ink.fill(line, WHITE);
}

fn inside(ink: &mut Ink, at: Point, picture: &Picture, flame: &[Point]) {
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
