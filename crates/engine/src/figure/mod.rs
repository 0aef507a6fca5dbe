//! Pictures as files: SVG with outlines for text, PNG, PDF.
//!
//! All three come from one tree that is made with the font in this program (Inter, of which `fonts/README.md` tells), so
//! that a figure looks the same wherever it was made. No font of the system is looked at.

use std::sync::{Arc, OnceLock};

use krilla::Document;
use krilla::geom::Size;
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Options, Tree, WriteOptions, fontdb};

use crate::error::{Error, ErrorKind, Result};

/// Pixels of a PNG at most: 100 megapixels take 400 MB while they are drawn.
const PIXELS: f64 = 100e6;

/// Points of a CSS pixel: an inch has 72 of the former and 96 of the latter.
const POINTS: f32 = 72.0 / 96.0;

mod pages;

pub use pages::{pages_pdf, strange, width};

/// Inter in regular weight: Latin, Greek, Cyrillic, punctuation, arrows and signs of mathematics.
static FONT: &[u8] = include_bytes!("../../fonts/Inter-Regular.otf");

fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_source(fontdb::Source::Binary(Arc::new(FONT)));
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

/// A picture, ready to be written in any form.
#[derive(Debug)]
pub struct Figure {
    tree: Tree,
}

fn failed(what: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("the figure can’t be {what}: {cause}"))
}

impl Figure {
    /// Takes an SVG of this program's own making, its size in CSS pixels or millimetres.
    ///
    /// # Errors
    /// It is none.
    pub fn new(svg: &str) -> Result<Self> {
        let options = Options { font_family: "Inter".into(), fontdb: fonts(), ..Options::default() };
        let tree = Tree::from_str(svg, &options).map_err(|cause| failed("read", cause))?;
        Ok(Self { tree })
    }

    /// Its width and height in CSS pixels.
    #[must_use]
    pub fn size(&self) -> (f32, f32) {
        (self.tree.size().width(), self.tree.size().height())
    }

    /// As SVG that needs no font: its text is outlines.
    #[must_use]
    pub fn svg(&self) -> String {
        let options = WriteOptions {
            preserve_text: false,
            // A hundredth of a pixel.
            coordinates_precision: 2,
            transforms_precision: 6,
            indent: usvg::Indent::None,
            attributes_indent: usvg::Indent::None,
            ..WriteOptions::default()
        };
        self.tree.to_string(&options)
    }

    /// As PNG with so many pixels for each CSS pixel; its size in millimetres is written into it.
    ///
    /// # Errors
    /// It would be too large, or can't be written.
    pub fn png(&self, scale: f32) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let side = |length: f32| (length * scale).round().max(1.0);
        let (across, down) = (side(width), side(height));
        if !scale.is_finite() || scale <= 0.0 || f64::from(across) * f64::from(down) > PIXELS {
            let message = format!(
                "a picture of {across} × {down} pixels is too large: 100 million pixels is the most that is drawn"
            );
            return Err(Error::invalid("scale", message).hint("Choose a smaller scale, or PDF or SVG."));
        }
        let mut pixels = Pixmap::new(across as u32, down as u32)
            .ok_or_else(|| failed("drawn", "there is no room for its pixels"))?;
        let transform = Transform::from_scale(across / width, down / height);
        resvg::render(&self.tree, transform, &mut pixels.as_mut());
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, across as u32, down as u32);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        let per_metre = |pixels: f32, length: f32| (pixels / (length / 96.0 * 0.0254)).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: per_metre(across, width),
            yppu: per_metre(down, height),
            unit: png::Unit::Meter,
        }));
        let colours: Vec<u8> = pixels
            .pixels()
            .iter()
            .flat_map(|pixel| {
                let plain = pixel.demultiply();
                [plain.red(), plain.green(), plain.blue(), plain.alpha()]
            })
            .collect();
        let mut writer = encoder.write_header().map_err(|cause| failed("written as PNG", cause))?;
        writer.write_image_data(&colours).map_err(|cause| failed("written as PNG", cause))?;
        writer.finish().map_err(|cause| failed("written as PNG", cause))?;
        Ok(bytes)
    }

    /// As a PDF of one page of the figure's size, with the letters it uses of the font in it: its text can be selected.
    ///
    /// # Errors
    /// It can't be written.
    pub fn pdf(&self, title: &str) -> Result<Vec<u8>> {
        let (width, height) = self.size();
        let (across, down) = (width * POINTS, height * POINTS);
        let refused = || failed("written as PDF", "its size is none");
        let size = Size::from_wh(across, down).ok_or_else(refused)?;
        let mut document = Document::new();
        let settings = PageSettings::from_wh(across, down).ok_or_else(refused)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        let drawn = surface.draw_svg(&self.tree, size, SvgSettings::default());
        surface.finish();
        page.finish();
        drawn.ok_or_else(|| failed("written as PDF", "it can’t be drawn"))?;
        document.set_metadata(Metadata::new().title(title.to_owned()).creator("Athanor".into()));
        document.finish().map_err(|cause| failed("written as PDF", format!("{cause:?}")))
    }
}

#[cfg(test)]
mod tests;
