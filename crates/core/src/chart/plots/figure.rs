//! A chart as a figure: on a ground of its own, with a title above and a legend below, in millimetres.

use super::super::{PlotRect, Theme};
use super::sheet::{Anchor, Ink, Sheet};
use super::{Page, rows::EDGE};

/// CSS pixels of a millimetre: an inch has 96 of them.
pub const PIXELS_PER_MM: f64 = 96.0 / 25.4;
/// CSS pixels of a point: an inch has 72 of these.
pub const PIXELS_PER_POINT: f64 = 96.0 / 72.0;

/// Length of a line in the legend, in parts of the size of the text.
const SAMPLE: f64 = 1.6;
/// An entry of the legend takes at most this part of the width.
const ENTRY: f64 = 0.48;
/// The legend takes at most this part of the height.
const LEGEND: f64 = 0.3;

/// What a line or a colour is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegendEntry {
    /// What it is called.
    pub label: String,
    /// Index of its colour in the palette.
    pub colour: usize,
    /// How its line is dashed.
    pub dash: usize,
}

/// A figure around a chart.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Width in millimetres.
    pub width_mm: f64,
    /// Height in millimetres.
    pub height_mm: f64,
    /// Size of the text in points.
    pub font_pt: f64,
    /// Light or dark.
    pub theme: Theme,
    /// What stands above.
    pub title: Option<String>,
    /// What the vertical axis shows, if the chart itself does not say so.
    pub y_title: Option<String>,
    /// What the horizontal axis shows, likewise.
    pub x_title: Option<String>,
    /// What stands below.
    pub legend: Vec<LegendEntry>,
}

/// Where an entry stands, and its text as far as it fits.
struct Placed {
    x: f64,
    row: usize,
    text: String,
}

impl Figure {
    /// Width, height and size of the text in CSS pixels.
    #[must_use]
    pub fn pixels(&self) -> (f64, f64, f64) {
        let side = |mm: f64| (mm * PIXELS_PER_MM).round().clamp(40.0, 8000.0);
        (side(self.width_mm), side(self.height_mm), self.font_pt * PIXELS_PER_POINT)
    }

    /// What is left for the chart: width and height in CSS pixels.
    #[must_use]
    pub fn room(&self) -> (f64, f64) {
        let (width, height, _) = self.pixels();
        let sheet = self.sheet();
        let (above, below) = (self.above(&sheet), self.below(&sheet));
        (width, (height - above - below).max(40.0).round())
    }

    /// An `<svg>` document of the figure's size with a chart in it, which was drawn as large as there is room.
    #[must_use]
    pub fn around(&self, chart: &str) -> String {
        let sheet = self.sheet();
        let (width, height, font) = self.pixels();
        let whole = PlotRect { x: 0.0, y: 0.0, width, height };
        sheet.cells(&[whole], Ink::of(sheet.colours.ground));
        let (above, heading) = (self.above(&sheet), self.heading(&sheet));
        if let Some(title) = self.title.as_deref().filter(|_| heading > 0.0) {
            // A heading is a little larger than labels.
            let text = super::sheet::fitted(title, (width - 2.0 * EDGE) / (font * 1.2));
            sheet.text(
                (EDGE, above / 2.0 + 1.0),
                &text,
                Anchor::Left,
                Ink::of(sheet.colours.ink),
                font * 1.2,
            );
        }
        let room = width - 2.0 * EDGE;
        if let Some(title) = &self.y_title {
            sheet.label((EDGE, heading + font * 0.9), &sheet.fitted(title, room), Anchor::Left);
        }
        let top = height - self.below(&sheet) + self.x_room(&sheet);
        if let Some(title) = &self.x_title {
            let place = (width - EDGE, top - self.x_room(&sheet) + font * 0.6);
            sheet.label(place, &sheet.fitted(title, room), Anchor::Right);
        }
        let (placed, _) = self.placed(&sheet);
        for (entry, Placed { x, row, text }) in self.legend.iter().zip(&placed) {
            let y = top + (*row as f64 + 0.7) * font * 1.5;
            sheet.dash(entry.dash);
            sheet.line(
                [(*x, y), (x + SAMPLE * font, y)],
                sheet.run_ink(entry.colour),
                (font * 0.17).max(1.0),
            );
            sheet.dash(0);
            sheet.label((x + (SAMPLE + 0.5) * font, y), text, Anchor::Left);
        }
        let more = self.legend.len() - placed.len();
        if more > 0 {
            let rows = placed.last().map_or(0, |last| last.row);
            let text = format!("and {more} more");
            sheet.label((width - EDGE, top + (rows as f64 + 0.7) * font * 1.5), &text, Anchor::Right);
        }
        let svg = sheet.finish(self.title.as_deref().unwrap_or_default());
        // The size in millimetres; the picture is drawn in whole pixels, less than one off.
        let millimetres = format!(
            " width=\"{}mm\" height=\"{}mm\" preserveAspectRatio=\"none\" viewBox=",
            self.width_mm, self.height_mm
        );
        let pixels = format!(" width=\"{width}\" height=\"{height}\" viewBox=");
        let svg = svg.replacen(&pixels, &millimetres, 1);
        let units = f64::from(super::super::svg::UNITS);
        let inner = chart.replacen("<svg ", "<svg x=\"0\" y=\"0\" ", 1);
        let body = svg.strip_suffix("</svg>").unwrap_or(&svg);
        format!("{body}<g transform=\"translate(0 {}) scale({units})\">{inner}</g></svg>", above * units)
    }

    fn sheet(&self) -> Sheet {
        let (width, height, font) = self.pixels();
        Sheet::new(&Page {
            width,
            height,
            theme: self.theme,
            title: String::new(),
            font,
            zone: jiff::tz::TimeZone::UTC,
        })
    }

    fn above(&self, sheet: &Sheet) -> f64 {
        let y_title = if self.y_title.is_some() { sheet.font * 1.5 } else { 0.0 };
        (self.heading(sheet) + y_title).round()
    }

    fn heading(&self, sheet: &Sheet) -> f64 {
        let titled = self.title.as_ref().is_some_and(|title| !title.trim().is_empty());
        if titled { (sheet.font * 2.2).round() } else { 0.0 }
    }

    fn below(&self, sheet: &Sheet) -> f64 {
        let rows = self.placed(sheet).1;
        let legend = if rows == 0 { 0.0 } else { sheet.font * (1.5 * rows as f64 + 0.4) };
        (self.x_room(sheet) + legend).round()
    }

    fn x_room(&self, sheet: &Sheet) -> f64 {
        if self.x_title.is_some() { (sheet.font * 1.4).round() } else { 0.0 }
    }

    /// Entries side by side in rows, as many as have room, and how many rows these are.
    fn placed(&self, sheet: &Sheet) -> (Vec<Placed>, usize) {
        let font = sheet.font;
        let most = ((sheet.height * LEGEND) / (font * 1.5)).max(1.0) as usize;
        let (mut x, mut row) = (EDGE, 0);
        let mut placed = Vec::new();
        let more = sheet.wide("and 1000 more") + font;
        for (index, entry) in self.legend.iter().enumerate() {
            let head = (SAMPLE + 0.5) * font;
            let text = sheet.fitted(&entry.label, sheet.width * ENTRY - head);
            let wide = head + sheet.wide(&text);
            // The last row leaves room to say that there are more.
            let last = row + 1 == most && index + 1 < self.legend.len();
            let end = sheet.width - EDGE - if last { more } else { 0.0 };
            if x > EDGE && x + wide > end {
                if row + 1 == most {
                    break;
                }
                (x, row) = (EDGE, row + 1);
            }
            placed.push(Placed { x, row, text });
            x += wide + font * 1.4;
        }
        let rows = if placed.is_empty() { 0 } else { row + 1 };
        (placed, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(entries: usize) -> Figure {
        let entry = |index: usize| LegendEntry {
            label: format!("run number {index}"),
            colour: index,
            dash: index % 3,
        };
        Figure {
            width_mm: 85.0,
            height_mm: 60.0,
            font_pt: 8.0,
            theme: Theme::Light,
            title: Some("Loss & <co>".into()),
            y_title: None,
            x_title: None,
            legend: (0..entries).map(entry).collect(),
        }
    }

    #[test]
    fn a_figure_has_its_size_in_millimetres_and_leaves_room_for_title_and_legend() {
        let (width, height, font) = figure(0).pixels();
        assert_eq!((width, height), (321.0, 227.0));
        assert!((font - 10.667).abs() < 1e-3);
        let (plain, some) = (Figure { title: None, ..figure(0) }, figure(4));
        assert_eq!(plain.room(), (321.0, 227.0));
        assert!(some.room().1 < 190.0);
        let named = Figure { y_title: Some("loss".into()), x_title: Some("step".into()), ..some.clone() };
        assert_eq!(some.room().1 - named.room().1, 31.0, "a line each");
        let svg = some.around("<svg width=\"321\">chart</svg>");
        assert!(
            svg.contains(" width=\"85mm\" height=\"60mm\" ")
                && svg.contains("<svg x=\"0\" y=\"0\" width=\"321\">")
        );
        assert!(svg.contains(">Loss &amp; &lt;co&gt;</text>"), "{svg}");
    }

    #[test]
    fn a_long_legend_says_how_much_is_missing() {
        let long = figure(90);
        let svg = long.around("<svg></svg>");
        let shown = (0..90).filter(|index| svg.contains(&format!(">run number {index}</text>"))).count();
        assert!(shown > 4 && svg.contains(&format!("and {} more", 90 - shown)), "{shown}: {svg}");
        assert!(long.room().1 > 100.0);
    }
}
