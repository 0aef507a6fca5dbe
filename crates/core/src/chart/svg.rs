//! A plotters backend that writes small SVG for a page with a strict content policy.
//!
//! The backend that comes with plotters writes absolute coordinates, one element for each line and font attributes
//! for each text. This one writes a relative path, joins neighbouring paths of one style into one element, and adds a
//! class beside each colour, so that the page may restyle what it shows inline. No `style` attribute, no `<style>`
//! element, no identifiers (several charts share one page).

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt::Write;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};

use super::columns::{Bar, Grid, is_even, outline, strokes};
use super::theme::Colours;

/// Canvas units for one CSS pixel. Plotters has integer coordinates; a tenth of a pixel is below what can be seen.
pub(super) const UNITS: i32 = 10;

/// Size of tick labels, in CSS pixels.
pub(super) const FONT: f64 = 9.5;

/// How a path is drawn; neighbouring paths drawn alike become one element.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stroke {
    colour: (u8, u8, u8),
    alpha: f64,
    width: u32,
    dash: usize,
}

/// Lengths of dashes and of the gaps after them, in widths of the stroke; round caps take one of each gap.
const DASHES: [&[u32]; 4] = [&[], &[4, 3], &[0, 2], &[4, 3, 0, 3]];

/// What was drawn so far.
pub(super) struct Canvas {
    size: (u32, u32),
    colours: Colours,
    body: String,
    /// The line that is being drawn, by its place in the chart.
    line: Option<usize>,
    /// Path data waiting for more of the same stroke.
    path: Option<(Stroke, String)>,
    /// How paths are dashed from now on.
    dash: usize,
}

/// Whether a dashed line of this width is there at this place along it, caps included.
pub(super) fn is_dash(dash: usize, at: f64, width: f64) -> bool {
    let lengths = DASHES[dash % DASHES.len()];
    let all: u32 = lengths.iter().sum();
    if all == 0 {
        return true;
    }
    let mut rest = (at / width).rem_euclid(f64::from(all));
    for (i, length) in lengths.iter().enumerate() {
        let length = f64::from(*length);
        if rest < length {
            // Half a width of the gap on either side is cap.
            return i % 2 == 0 || rest < 0.5 || rest >= length - 0.5;
        }
        rest -= length;
    }
    true
}

impl Canvas {
    pub fn new(size: (u32, u32), colours: Colours) -> RefCell<Self> {
        RefCell::new(Self { size, colours, body: String::new(), line: None, path: None, dash: 0 })
    }

    /// The whole document. `title` is read out by screen readers.
    pub fn finish(mut self, title: &str) -> String {
        self.flush();
        let (width, height) = self.size;
        let units = UNITS as u32;
        let mut out = String::with_capacity(self.body.len() + 400);
        let _ = write!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\"",
            width / units,
            height / units,
        );
        if !title.is_empty() {
            out.push_str(" aria-label=\"");
            escape(&mut out, title);
            out.push('"');
        }
        out.push_str(" font-family=\"'Inter Variable', Inter, system-ui, sans-serif\">");
        out.push_str(&self.body);
        out.push_str("</svg>");
        out
    }

    /// Paths from now on are dashed so: 0 not at all, then as [`DASHES`] lists them.
    pub fn dash(&mut self, dash: usize) {
        self.dash = dash % DASHES.len();
    }

    /// What is drawn from now on is of this line, and says so as `data-line`: several lines share a colour, and the page
    /// brings one of them out.
    pub fn line(&mut self, line: Option<usize>) {
        if self.line != line {
            self.flush();
            self.line = line;
        }
    }

    /// Rectangles of one colour in one element: left, top, width and height in canvas units.
    pub fn cells(&mut self, colour: (u8, u8, u8), alpha: f64, cells: &[[i32; 4]]) {
        self.flush();
        self.body.push_str("<path");
        self.class(colour);
        self.paint("fill", colour, alpha);
        // Neighbours that meet between two pixels would show a seam.
        self.body.push_str(" shape-rendering=\"crispEdges\" d=\"");
        for [left, top, width, height] in cells {
            let _ = write!(self.body, "M{left} {top}h{width}v{height}h-{width}z");
        }
        self.body.push_str("\"/>");
    }

    /// What bars of one colour cover together, in one element.
    pub fn bars(&mut self, colour: (u8, u8, u8), alpha: f64, bars: &[Bar], grid: &Grid) {
        self.flush();
        self.body.push_str("<path");
        self.class(colour);
        if is_even(bars) {
            self.paint("fill", colour, alpha);
            self.body.push_str(" d=\"");
            outline(&mut self.body, bars);
        } else {
            self.paint("stroke", colour, alpha);
            let _ = write!(self.body, " stroke-width=\"{}\" fill=\"none\" d=\"", grid.stroke());
            strokes(&mut self.body, bars.iter().flat_map(|bar| grid.pixels(*bar)));
        }
        self.body.push_str("\"/>");
    }

    fn flush(&mut self) {
        let Some((stroke, data)) = self.path.take() else { return };
        self.body.push_str("<path");
        self.class(stroke.colour);
        self.paint("stroke", stroke.colour, stroke.alpha);
        if let dashes @ [_, ..] = DASHES[stroke.dash] {
            let lengths: Vec<String> = dashes.iter().map(|it| (it * stroke.width).to_string()).collect();
            let _ = write!(self.body, " stroke-dasharray=\"{}\"", lengths.join(" "));
        }
        let _ = write!(
            self.body,
            " stroke-width=\"{}\" fill=\"none\" stroke-linejoin=\"round\" stroke-linecap=\"round\" d=\"{data}\"/>",
            stroke.width
        );
    }

    fn class(&mut self, colour: (u8, u8, u8)) {
        if let Some(class) = self.colours.class(colour) {
            let _ = write!(self.body, " class=\"{class}\"");
        }
        if let Some(line) = self.line {
            let _ = write!(self.body, " data-line=\"{line}\"");
        }
    }

    fn paint(&mut self, attribute: &str, (r, g, b): (u8, u8, u8), alpha: f64) {
        let _ = write!(self.body, " {attribute}=\"#{r:02x}{g:02x}{b:02x}\"");
        if alpha < 1.0 {
            let _ = write!(self.body, " {attribute}-opacity=\"{}\"", (alpha * 100.0).round() / 100.0);
        }
    }

    fn path(&mut self, points: impl Iterator<Item = BackendCoord>, stroke: Stroke) {
        if self.path.as_ref().is_some_and(|(open, _)| *open != stroke) {
            self.flush();
        }
        let (_, data) = self.path.get_or_insert((stroke, String::new()));
        let mut last: Option<BackendCoord> = None;
        let mut moved = false;
        for (x, y) in points {
            match last {
                None => {
                    let _ = write!(data, "M{x} {y}");
                }
                Some(before) if before == (x, y) => continue,
                Some((bx, by)) => {
                    let (dx, dy) = (x.wrapping_sub(bx), y.wrapping_sub(by));
                    if !moved {
                        data.push('l');
                    } else if dx >= 0 {
                        data.push(' ');
                    }
                    let _ = write!(data, "{dx}{}{dy}", if dy < 0 { "" } else { " " });
                    moved = true;
                }
            }
            last = Some((x, y));
        }
        if last.is_some() && !moved {
            // A lone point: the round cap makes it a dot.
            data.push_str("h0");
        }
    }
}

/// Escapes text for element content and attribute values; drops what XML 1.0 cannot hold.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
}

/// The drawing side of a [`Canvas`]; plotters wants to own its backend.
pub(super) struct Pen<'a>(pub &'a RefCell<Canvas>);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn stroke_of(style: &impl BackendStyle) -> Stroke {
    let BackendColor { alpha, rgb } = style.color();
    Stroke { colour: rgb, alpha, width: style.stroke_width(), dash: 0 }
}

impl DrawingBackend for Pen<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.0.borrow().size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.draw_rect(point, (point.0 + 1, point.1 + 1), &color, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        if style.color().alpha > 0.0 {
            let mut canvas = self.0.borrow_mut();
            let stroke = Stroke { dash: canvas.dash, ..stroke_of(style) };
            canvas.path(path.into_iter(), stroke);
        }
        Ok(())
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [a, (b.0, a.1), b, (a.0, b.1)];
        if fill {
            self.fill_polygon(corners, style)
        } else {
            self.draw_path(corners.into_iter().chain([a]), style)
        }
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        vert: I,
        style: &S,
    ) -> Drawn {
        let BackendColor { alpha, rgb } = style.color();
        if alpha > 0.0 {
            let mut canvas = self.0.borrow_mut();
            canvas.flush();
            canvas.body.push_str("<path");
            canvas.class(rgb);
            canvas.paint("fill", rgb, alpha);
            let corners: Vec<String> = vert.into_iter().map(|(x, y)| format!("{x} {y}")).collect();
            let _ = write!(canvas.body, " d=\"M{}z\"/>", corners.join("L"));
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let Stroke { colour, alpha, width, .. } = stroke_of(style);
        if alpha > 0.0 {
            let mut canvas = self.0.borrow_mut();
            canvas.flush();
            canvas.body.push_str("<circle");
            canvas.class(colour);
            if fill {
                canvas.paint("fill", colour, alpha);
            } else {
                canvas.paint("stroke", colour, alpha);
                let _ = write!(canvas.body, " stroke-width=\"{width}\" fill=\"none\"");
            }
            let _ = write!(canvas.body, " cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>");
        }
        Ok(())
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, (x, y): BackendCoord) -> Drawn {
        let BackendColor { alpha, rgb } = style.color();
        if alpha <= 0.0 || text.is_empty() {
            return Ok(());
        }
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // Digits of Inter are 0.73 em high; `dominant-baseline` is not the same in all renderers.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.73,
            VPos::Center => 0.365,
            VPos::Bottom => 0.0,
        };
        let baseline = y + (style.size() * below).round() as i32;
        let mut canvas = self.0.borrow_mut();
        canvas.flush();
        canvas.body.push_str("<text");
        canvas.class(rgb);
        canvas.paint("fill", rgb, alpha);
        let _ = write!(canvas.body, " x=\"{x}\" y=\"{baseline}\" font-size=\"{}\"{anchor}>", style.size());
        escape(&mut canvas.body, text);
        canvas.body.push_str("</text>");
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok(((text_width(text) * style.size()).ceil() as u32, style.size().ceil() as u32))
    }
}

/// Width of a tick label in ems, a little more than Inter's tabular figures take so that a fallback font fits too.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            '.' | ',' | ' ' | ':' => 0.32,
            '-' => 0.46,
            'M' | 'G' | 'm' => 0.92,
            _ => 0.64,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Theme;

    #[test]
    fn text_cannot_leave_its_place() {
        let canvas = Canvas::new((100, 100), Theme::Light.colours()).into_inner();
        let svg = canvas.finish("\"><script>alert('x')</script>&\u{1}\n");
        assert!(
            svg.contains("aria-label=\"&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp; \""),
            "{svg}"
        );
    }

    #[test]
    fn dashes_are_where_a_stroke_has_them() {
        let seen = |dash, many: u32| -> String {
            let at = (0..many).map(|i| is_dash(dash, f64::from(i) * 5.0 + 2.5, 10.0));
            at.map(|on| if on { '#' } else { '.' }).collect()
        };
        assert_eq!(seen(0, 5), "#####");
        assert_eq!(seen(1, 14), "#########....#", "four and a cap on either end, then what is left of three");
        assert_eq!(seen(2, 8), "#..##..#");
        assert_eq!(seen(3, 20), "#########....##....#");
    }

    #[test]
    fn neighbouring_paths_of_one_stroke_are_one_element() {
        let canvas = Canvas::new((100, 100), Theme::Light.colours());
        let mut pen = Pen(&canvas);
        let style = BackendColor { alpha: 1.0, rgb: (0x1d, 0x6f, 0xd1) };
        pen.draw_path([(0, 0), (5, -3), (5, -3), (2, 4)], &style).unwrap();
        pen.draw_path([(50, 50)], &style).unwrap();
        let svg = canvas.into_inner().finish("");
        assert!(svg.contains(" d=\"M0 0l5-3-3 7M50 50h0\"/>"), "{svg}");
        assert!(svg.contains("class=\"c1\" stroke=\"#1d6fd1\""), "{svg}");
    }
}
