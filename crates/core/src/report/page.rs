//! A page of paper, and what stands on it.

use std::fmt::Write as _;

use super::escape;
use super::html::sized;

/// Width and height of A4 in CSS pixels, of which an inch has 96: 210 by 297 millimetres.
pub const PAGE: (f64, f64) = (210.0 / 25.4 * 96.0, 297.0 / 25.4 * 96.0);

/// From the edge of the paper to what stands on it: 20 millimetres.
pub(super) const MARGIN: f64 = 20.0 / 25.4 * 96.0;

/// Which letters text is set in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Face {
    /// Plain ones.
    #[default]
    Regular,
    /// Bolder ones.
    Strong,
    /// Slanted ones.
    Emphasis,
    /// Letters of one width.
    Code,
}

/// How wide text is in CSS pixels: in which letters, of which size in CSS pixels.
pub type Measure<'a> = &'a dyn Fn(&str, Face, f64) -> f64;

/// Colours of what is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Ink {
    /// Text.
    #[default]
    Black,
    /// What is said beside.
    Dim,
    /// A link.
    Link,
    /// A thin line.
    Line,
    /// The ground of code.
    Soft,
}

impl Ink {
    const fn hex(self) -> &'static str {
        match self {
            Self::Black => "#1c1b19",
            Self::Dim => "#5d5b55",
            Self::Link => "#1a63bd",
            Self::Line => "#d3d1ca",
            Self::Soft => "#f5f4f1",
        }
    }
}

/// Something that stands on a page. Lengths are CSS pixels from its upper left corner.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Text on one line.
    Text {
        /// Where it begins.
        x: f64,
        /// The line that its letters stand on.
        y: f64,
        /// How wide it is.
        width: f64,
        /// The text.
        text: String,
        /// Its letters.
        face: Face,
        /// Their size.
        size: f64,
        /// Their colour.
        ink: Ink,
        /// It is struck out.
        struck: bool,
        /// What it leads to.
        link: Option<String>,
    },
    /// A line or a ground.
    Box {
        /// Left.
        x: f64,
        /// Top.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// Its colour.
        ink: Ink,
    },
    /// A chart.
    Picture {
        /// Left.
        x: f64,
        /// Top.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// An `<svg>` element.
        svg: String,
    },
}

/// Part of a page that leads somewhere: left, top, width and height in CSS pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Where it is.
    pub place: [f64; 4],
    /// A web page or a mail address.
    pub address: String,
}

/// A page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// What stands on it, in the order in which it is read.
    pub items: Vec<Item>,
}

impl Page {
    /// What on it leads somewhere.
    #[must_use]
    pub fn links(&self) -> Vec<Link> {
        let link = |item: &Item| match item {
            Item::Text { x, y, width, size, link: Some(address), .. } => {
                Some(Link { place: [*x, y - size * 0.8, *width, size * 1.05], address: address.clone() })
            }
            _ => None,
        };
        self.items.iter().filter_map(link).collect()
    }

    /// As an SVG document of the size of the paper.
    #[must_use]
    pub fn svg(&self) -> String {
        let (width, height) = PAGE;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" \
             viewBox=\"0 0 {width:.3} {height:.3}\" font-family=\"Inter, sans-serif\">"
        );
        for item in &self.items {
            match item {
                Item::Box { x, y, width, height, ink } => {
                    let ink = ink.hex();
                    let _ = write!(
                        out,
                        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{ink}\"/>"
                    );
                }
                Item::Picture { x, y, width, height, svg } => {
                    out.push_str(&sized(svg, Some((*x, *y)), *width, *height));
                }
                Item::Text { x, y, width, text, face, size, ink, struck, .. } => {
                    let look = match face {
                        Face::Regular => "",
                        Face::Strong => " font-weight=\"600\"",
                        Face::Emphasis => " font-style=\"italic\"",
                        Face::Code => " font-family=\"JetBrains Mono\"",
                    };
                    let ink = ink.hex();
                    let _ = write!(
                        out,
                        "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size:.2}\"{look} fill=\"{ink}\" xml:space=\"preserve\">"
                    );
                    escape(&mut out, text);
                    out.push_str("</text>");
                    if *struck {
                        let at = y - size * 0.3;
                        let _ = write!(
                            out,
                            "<rect x=\"{x:.2}\" y=\"{at:.2}\" width=\"{width:.2}\" height=\"0.8\" fill=\"{ink}\"/>"
                        );
                    }
                }
            }
        }
        out.push_str("</svg>");
        out
    }
}
