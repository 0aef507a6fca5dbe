//! Pages of a report as PDF, and how wide text is on them.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use athanor_core::report::{Face, PAGE, Page};
use krilla::Document;
use krilla::action::{Action, LinkAction};
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::geom::{Rect, Size};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla_svg::{SurfaceExt, SvgSettings};
use resvg::usvg::{Options, Tree, fontdb};

use super::{FONT, POINTS, failed};
use crate::error::Result;

static STRONG: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.otf");
static EMPHASIS: &[u8] = include_bytes!("../../fonts/Inter-Italic.otf");
static CODE: &[u8] = include_bytes!("../../fonts/JetBrainsMono-Regular.ttf");

/// Each with the letters of its face, in the order of [`place`].
static ALL: [&[u8]; 4] = [FONT, STRONG, EMPHASIS, CODE];

const fn place(face: Face) -> usize {
    match face {
        Face::Regular => 0,
        Face::Strong => 1,
        Face::Emphasis => 2,
        Face::Code => 3,
    }
}

/// The fonts of a report. Those of charts are looked for by family and weight, which stay unambiguous here.
fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        for font in ALL {
            fonts.load_font_source(fontdb::Source::Binary(Arc::new(font)));
        }
        fonts.set_sans_serif_family("Inter");
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

fn parsed() -> &'static [Option<ttf_parser::Face<'static>>; 4] {
    static PARSED: OnceLock<[Option<ttf_parser::Face<'static>>; 4]> = OnceLock::new();
    PARSED.get_or_init(|| ALL.map(|font| ttf_parser::Face::parse(font, 0).ok()))
}

/// How wide text is, in the unit of the size. Kerning, which mostly makes it narrower, is left out.
#[must_use]
pub fn width(text: &str, face: Face, size: f64) -> f64 {
    let Some(font) = &parsed()[place(face)] else { return text.chars().count() as f64 * size };
    let wide = |c: char| {
        let letter = font.glyph_index(c).unwrap_or(ttf_parser::GlyphId(0));
        u32::from(font.glyph_hor_advance(letter).unwrap_or(0))
    };
    f64::from(text.chars().map(wide).sum::<u32>()) / f64::from(font.units_per_em()) * size
}

/// Letters of a report that its fonts lack.
#[must_use]
pub fn strange(pages: &[Page]) -> BTreeSet<char> {
    let mut found = BTreeSet::new();
    for item in pages.iter().flat_map(|page| &page.items) {
        let athanor_core::report::Item::Text { text, face, .. } = item else { continue };
        if let Some(font) = &parsed()[place(*face)] {
            let lacking = |c: &char| !c.is_whitespace() && !c.is_control() && font.glyph_index(*c).is_none();
            found.extend(text.chars().filter(lacking));
        }
    }
    found
}

/// Pages of A4 as PDF, with the letters of the fonts that they use in it: its text can be selected, its links lead on.
///
/// # Errors
/// It can't be written.
pub fn pages_pdf(pages: &[Page], title: &str) -> Result<Vec<u8>> {
    let options = Options { font_family: "Inter".into(), fontdb: fonts(), ..Options::default() };
    let refused = || failed("written as PDF", "its size is none");
    #[allow(clippy::cast_possible_truncation, reason = "pixels of a page")]
    let points = |pixels: f64| pixels as f32 * POINTS;
    let (across, down) = (points(PAGE.0), points(PAGE.1));
    let size = Size::from_wh(across, down).ok_or_else(refused)?;
    let mut document = Document::new();
    for page in pages {
        let tree = Tree::from_str(&page.svg(), &options).map_err(|cause| failed("read", cause))?;
        let settings = PageSettings::from_wh(across, down).ok_or_else(refused)?;
        let mut sheet = document.start_page_with(settings);
        let mut surface = sheet.surface();
        let drawn = surface.draw_svg(&tree, size, SvgSettings::default());
        surface.finish();
        for link in page.links() {
            let [left, top, width, height] = link.place.map(points);
            if let Some(place) = Rect::from_xywh(left, top, width, height) {
                let target = Target::Action(Action::Link(LinkAction::new(link.address)));
                sheet.add_annotation(Annotation::from(LinkAnnotation::new(place, target)));
            }
        }
        sheet.finish();
        drawn.ok_or_else(|| failed("written as PDF", "a page can’t be drawn"))?;
    }
    let metadata = Metadata::new().title(title.to_owned()).creator("Athanor".into());
    document.set_metadata(metadata);
    document.finish().map_err(|cause| failed("written as PDF", format!("{cause:?}")))
}

#[cfg(test)]
mod tests {
    use athanor_core::report::{Document as Report, Part, pages};

    use super::*;

    #[test]
    fn letters_are_as_wide_as_the_font_says() {
        let wide = |text: &str, face| width(text, face, 100.0);
        assert!((wide("mmmm", Face::Code) - wide("iiii", Face::Code)).abs() < 1e-9, "one width");
        assert!(wide("mmmm", Face::Regular) > 2.0 * wide("iiii", Face::Regular));
        assert!(wide("word", Face::Strong) > wide("word", Face::Regular));
        assert!(
            (wide("ab", Face::Regular) - wide("a", Face::Regular) - wide("b", Face::Regular)).abs() < 1e-9
        );
        assert!(wide("漢", Face::Regular) > 20.0, "what the font lacks has a width, too");
    }

    #[test]
    fn a_report_is_pages_of_a4_with_its_fonts_and_links() {
        let text = "Größe **fett** *schräg* `code` [page](https://example.org/x)\n\n".repeat(90);
        let report = Report { title: "Title".into(), made: "made".into(), parts: vec![Part::Text(text)] };
        let set = pages(&report, &width);
        assert!(set.len() > 1 && strange(&set).is_empty());
        let bytes = pages_pdf(&set, &report.title).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(text.matches("/Type/Page/").count(), set.len());
        for font in ["+Inter", "+JetBrains"] {
            assert!(text.contains(font), "{font} is in it");
        }
        assert_eq!(text.matches("https://example.org/x").count(), 90);
        let strange_ones = pages(&Report { title: "漢字".into(), ..Report::default() }, &width);
        assert_eq!(strange(&strange_ones).into_iter().collect::<String>(), "字漢");
    }
}
