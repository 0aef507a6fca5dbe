//! What plots are drawn on: shapes and text in CSS pixels, through the same backend as the line charts.

use std::cell::RefCell;

use plotters::prelude::{IntoFont, IntoTextStyle, RGBColor, ShapeStyle};
use plotters::style::Color;
use plotters_backend::text_anchor::{HPos, Pos, VPos};
use plotters_backend::{BackendCoord, DrawingBackend};

use super::super::PlotRect;
use super::super::svg::{Canvas, Pen, UNITS};
use super::super::theme::Colours;
use super::Page;

/// Advance widths of Inter's characters from space to `~`, in hundredths of an em.
const ADVANCES: [u8; 95] = [
    28, 28, 40, 63, 64, 81, 64, 22, 36, 36, 50, 66, 28, 46, 28, 36, 62, 46, 61, 64, 64, 61, 62, 57, 62, 62,
    28, 28, 66, 66, 66, 51, 94, 68, 65, 73, 72, 60, 59, 74, 74, 26, 54, 65, 56, 89, 75, 76, 63, 76, 64, 64,
    64, 74, 68, 95, 64, 66, 62, 36, 36, 36, 47, 45, 50, 56, 62, 56, 62, 58, 36, 61, 59, 24, 24, 54, 24, 87,
    59, 60, 61, 61, 37, 52, 36, 58, 56, 81, 54, 56, 54, 36, 33, 36, 66,
];

/// Canvas units of CSS pixels.
fn units(pixels: f64) -> i32 {
    (pixels * f64::from(UNITS)).round() as i32
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// A colour with how much of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ink {
    pub colour: RGBColor,
    pub alpha: f64,
}

impl Ink {
    pub fn of(colour: RGBColor) -> Self {
        Self { colour, alpha: 1.0 }
    }

    pub fn faint(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    fn style(self, width: f64) -> ShapeStyle {
        ShapeStyle::from(&self.colour.mix(self.alpha)).stroke_width(units(width).unsigned_abs().max(1))
    }
}

/// A picture that is being drawn.
pub(super) struct Sheet {
    canvas: RefCell<Canvas>,
    pub colours: Colours,
    pub width: f64,
    pub height: f64,
    /// Size of labels in CSS pixels.
    pub font: f64,
}

impl Sheet {
    pub fn new(page: &Page) -> Self {
        let side = |length: f64| if length.is_nan() { 40.0 } else { length.clamp(40.0, 8000.0).round() };
        let (width, height) = (side(page.width), side(page.height));
        let size = (width as u32 * UNITS as u32, height as u32 * UNITS as u32);
        let colours = page.theme.colours();
        let font = if page.font.is_finite() { page.font.clamp(3.0, 100.0) } else { super::FONT };
        Self { canvas: Canvas::new(size, colours), colours, width, height, font }
    }

    pub fn finish(self, title: &str) -> String {
        self.canvas.into_inner().finish(title)
    }

    /// Ink of the labels.
    pub fn label_ink(&self) -> Ink {
        Ink::of(self.colours.tick)
    }

    pub fn grid_ink(&self) -> Ink {
        Ink::of(self.colours.grid)
    }

    /// Ink of a run's colour.
    pub fn run_ink(&self, colour: usize) -> Ink {
        Ink::of(self.colours.lines[colour % super::super::PALETTE])
    }

    // The backend cannot fail: what it answers says nothing.
    fn pen(&self) -> Pen<'_> {
        Pen(&self.canvas)
    }

    pub fn line(&self, points: impl IntoIterator<Item = (f64, f64)>, ink: Ink, width: f64) {
        let path: Vec<BackendCoord> = points.into_iter().map(at).collect();
        let _ = self.pen().draw_path(path, &ink.style(width));
    }

    /// Lines from now on are dashed so.
    pub fn dash(&self, dash: usize) {
        self.canvas.borrow_mut().dash(dash);
    }

    pub fn dashed(&self, from: (f64, f64), to: (f64, f64), ink: Ink, width: f64) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while done < length {
            let end = (done + 3.0).min(length);
            let on = |way: f64| {
                let part = way / length;
                (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part)
            };
            self.line([on(done), on(end)], ink, width);
            done += 6.0;
        }
    }

    pub fn fill(&self, corners: impl IntoIterator<Item = (f64, f64)>, ink: Ink) {
        let path: Vec<BackendCoord> = corners.into_iter().map(at).collect();
        let _ = self.pen().fill_polygon(path, &ink.style(1.0));
    }

    pub fn bar(&self, place: PlotRect, ink: Ink) {
        let (right, bottom) = (place.x + place.width, place.y + place.height);
        self.fill([(place.x, place.y), (right, place.y), (right, bottom), (place.x, bottom)], ink);
    }

    pub fn outline(&self, place: PlotRect, ink: Ink, width: f64) {
        let (right, bottom) = (place.x + place.width, place.y + place.height);
        let start = (place.x, place.y);
        self.line([start, (right, place.y), (right, bottom), (place.x, bottom), start], ink, width);
    }

    /// Rectangles of one ink in one element, without seams.
    pub fn cells(&self, places: &[PlotRect], ink: Ink) {
        let cell = |place: &PlotRect| {
            let (left, top) = at((place.x, place.y));
            let (right, bottom) = at((place.x + place.width, place.y + place.height));
            [left, top, right - left, bottom - top]
        };
        let cells: Vec<[i32; 4]> = places.iter().map(cell).collect();
        let RGBColor(r, g, b) = ink.colour;
        self.canvas.borrow_mut().cells((r, g, b), ink.alpha, &cells);
    }

    /// Dots of one ink in one element: a dozen bytes each.
    pub fn dots(&self, places: impl IntoIterator<Item = (f64, f64)>, ink: Ink, diameter: f64) {
        places.into_iter().for_each(|place| self.line([place], ink, diameter));
    }

    pub fn ring(&self, place: (f64, f64), ink: Ink, radius: f64, width: f64) {
        let _ = self.pen().draw_circle(at(place), units(radius).unsigned_abs(), &ink.style(width), false);
    }

    /// A hollow triangle for what has no place: its tip points where it would be.
    pub fn triangle(&self, tip: (f64, f64), way: (f64, f64), ink: Ink) {
        const LONG: f64 = 4.0;
        const HALF: f64 = 2.5;
        let base = (tip.0 - way.0 * LONG, tip.1 - way.1 * LONG);
        let (a, b) =
            ((base.0 - way.1 * HALF, base.1 + way.0 * HALF), (base.0 + way.1 * HALF, base.1 - way.0 * HALF));
        self.line([a, b, tip, a], ink, 1.0);
    }

    /// Text whose middle is at the height of `place`.
    pub fn text(&self, place: (f64, f64), text: &str, anchor: Anchor, ink: Ink, size: f64) {
        let h_pos = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let font = ("sans-serif", size * f64::from(UNITS)).into_font();
        let style =
            font.color(&ink.colour.mix(ink.alpha)).with_anchor::<RGBColor>(Pos::new(h_pos, VPos::Center));
        let _ = self.pen().draw_text(text, &style.into_text_style(&(0, 0)), at(place));
    }

    /// A label in the usual size and ink.
    pub fn label(&self, place: (f64, f64), text: &str, anchor: Anchor) {
        self.text(place, text, anchor, self.label_ink(), self.font);
    }

    /// Width of a label in CSS pixels.
    pub fn wide(&self, text: &str) -> f64 {
        wide(text) * self.font
    }

    /// A label that is not wider than this: what is too long loses its middle, since names differ at their ends.
    pub fn fitted(&self, text: &str, most: f64) -> String {
        fitted(text, most / self.font)
    }
}

fn at((x, y): (f64, f64)) -> BackendCoord {
    (units(x), units(y))
}

/// Width of a text in ems.
pub(super) fn wide(text: &str) -> f64 {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> f64 {
    let ascii = (c as usize).checked_sub(32).and_then(|index| ADVANCES.get(index));
    match (ascii, c) {
        (Some(&hundredths), _) => f64::from(hundredths) / 100.0,
        (None, '…') => 0.83,
        (None, '\u{1100}'..) => 1.0,
        (None, _) => 0.68,
    }
}

/// A text of at most so many ems.
pub(super) fn fitted(text: &str, most: f64) -> String {
    // Half a thousandth more is rounding.
    if wide(text) <= most + 5e-4 {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let (mut head, mut tail, mut left) = (0, chars.len(), most - width_of('…'));
    while head < tail {
        // A little more of the beginning than of the end.
        let from_head = head <= 2 * (chars.len() - tail);
        let next = if from_head { chars[head] } else { chars[tail - 1] };
        left -= width_of(next);
        if left < 0.0 {
            break;
        }
        if from_head { head += 1 } else { tail -= 1 }
    }
    if head == 0 {
        return if most >= width_of('…') { "…".into() } else { String::new() };
    }
    chars[..head].iter().chain(&['…']).chain(&chars[tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(fitted("short", 10.0), "short");
        let cut = fitted("resnet50_imagenet_batch_256_seed_3", 8.0);
        assert!(cut.starts_with("resnet") && cut.contains('…') && cut.ends_with('3'), "{cut}");
        assert_eq!(fitted("anything", 0.0), "");
    }

    proptest! {
        #[test]
        fn no_label_is_wider_than_its_place(text in ".{0,40}", most in 0.0..30.0f64) {
            prop_assert!(wide(&fitted(&text, most)) <= most.max(0.0) + 6e-4 || wide(&text) <= most);
        }
    }
}
