#![allow(clippy::unwrap_used)]

use super::*;

/// 60 by 30 millimetres: a red field with a word.
const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60mm\" height=\"30mm\" viewBox=\"0 0 600 300\" \
    font-family=\"'Inter Variable', Inter, system-ui, sans-serif\"><rect width=\"600\" height=\"300\" fill=\"#ff0000\"/>\
    <text x=\"20\" y=\"200\" font-size=\"150\" fill=\"#0000ff\">Größe αβ Ж</text></svg>";

#[test]
fn svg_has_outlines_and_needs_no_font() {
    let figure = Figure::new(PICTURE).unwrap();
    let svg = figure.svg();
    assert!(!svg.contains("<text") && !svg.contains("font") && !svg.contains("<style"), "{svg}");
    assert!(svg.matches("<path").count() >= 2, "{svg}");
    let again = Figure::new(&svg).unwrap();
    assert!((again.size().0 - 226.77).abs() < 0.5, "{:?}", again.size());
}

#[test]
fn a_png_has_its_pixels_and_its_size_in_millimetres() {
    let figure = Figure::new(PICTURE).unwrap();
    // 300 dots to the inch.
    let bytes = figure.png(300.0 / 96.0).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (709, 354));
    let dots = info.pixel_dims.unwrap();
    let mm = f64::from(info.width) / f64::from(dots.xppu) * 1000.0;
    assert!((mm - 60.0).abs() < 0.1, "{mm}");
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert_eq!(pixels[..4], [255, 0, 0, 255]);
    let blue = pixels.chunks(4).filter(|pixel| pixel[2] > 200).count();
    assert!(blue > 3000, "the word is drawn with the font that is bundled: {blue}");
}

#[test]
fn a_pdf_has_the_size_and_embeds_the_font() {
    let figure = Figure::new(PICTURE).unwrap();
    let bytes = figure.pdf("Größe").unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-1.") && text.trim_end().ends_with("%%EOF"));
    let page = text.split_once("/MediaBox").unwrap().1;
    let numbers: Vec<f64> = page[..page.find(']').unwrap()]
        .trim_start_matches([' ', '['])
        .split_whitespace()
        .map(|number| number.parse().unwrap())
        .collect();
    assert!(
        (numbers[2] - 60.0 / 25.4 * 72.0).abs() < 0.1 && (numbers[3] - 30.0 / 25.4 * 72.0).abs() < 0.1,
        "{numbers:?}"
    );
    assert!(text.contains("+Inter") && text.contains("/FontFile"), "the font is in it");
    assert!(text.contains("/ToUnicode"), "its text can be selected");
}

#[test]
fn what_is_too_large_is_refused_before_it_takes_the_memory() {
    let error = Figure::new(PICTURE).unwrap().png(100.0).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
    assert!(Figure::new("<svg").is_err());
}

/// Kinds of plots whose pictures core keeps.
const KINDS: [&str; 10] = [
    "bars",
    "bars_of_groups",
    "boxes",
    "scatter",
    "scatter_by_words",
    "parallel",
    "importance",
    "correlation",
    "sweep",
    "usage",
];

/// Set, it has the pictures written anew, to be looked at.
const UPDATE: &str = "ATHANOR_UPDATE_PICTURES";

/// A picture as core keeps it: a snapshot with an element on each line.
fn kept(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/chart/plots/snapshots");
    let path = folder.join(format!("athanor_core__chart__plots__tests__{name}.snap"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()));
    let svg = text.splitn(3, "---\n").nth(2).unwrap();
    svg.trim().replace(">\n<", "><")
}

fn pixels(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    (reader.info().width, reader.info().height, pixels)
}

#[test]
fn every_kind_of_plot_has_the_pixels_that_were_looked_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/figure/pictures");
    for name in KINDS {
        let drawn = Figure::new(&kept(name)).unwrap().png(1.0).unwrap();
        let path = folder.join(format!("{name}.png"));
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, &drawn).unwrap();
        }
        let (width, height, own) = pixels(&drawn);
        let (as_wide, as_high, seen) = pixels(&std::fs::read(&path).unwrap());
        assert_eq!((width, height), (as_wide, as_high), "{name}");
        // An edge may be softened a little differently by another release of the renderer; a shape or a letter that
        // moved makes many pixels differ much.
        let off: Vec<u64> = own.iter().zip(&seen).map(|(a, b)| u64::from(a.abs_diff(*b))).collect();
        let mean = off.iter().sum::<u64>() as f64 / off.len() as f64;
        let much = off.chunks(4).filter(|pixel| pixel.iter().any(|off| *off > 64)).count() as f64;
        let part = much / f64::from(width * height);
        assert!(mean < 0.5 && part < 0.001, "{name}: mean {mean}, {part} of its pixels");
    }
}
