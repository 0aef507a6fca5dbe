//! Colours of numbers, from least to greatest.

use plotters::style::RGBColor;

use super::super::Theme;

/// Nine colours of “plasma” (Nathaniel J. Smith and Stéfan van der Walt for matplotlib, CC0): even steps to the eye,
/// also to one that does not tell red from green, and in print without colour.
const PLASMA: [(u8, u8, u8); 9] = [
    (0x0d, 0x08, 0x87),
    (0x4b, 0x03, 0xa1),
    (0x7d, 0x03, 0xa8),
    (0xa8, 0x22, 0x96),
    (0xcb, 0x46, 0x79),
    (0xe5, 0x6b, 0x5d),
    (0xf8, 0x94, 0x41),
    (0xfd, 0xc3, 0x28),
    (0xf0, 0xf9, 0x21),
];

/// The colour of a number at `part` (0 to 1) of the way from least to greatest: the greatest stands out most from the
/// page, and the least still does.
pub(super) fn ramp(theme: Theme, part: f64) -> RGBColor {
    let part = if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) };
    let along = match theme {
        Theme::Light => 0.84 - 0.84 * part,
        Theme::Dark => 0.3 + 0.66 * part,
    };
    let place = along * (PLASMA.len() - 1) as f64;
    let below = (place as usize).min(PLASMA.len() - 2);
    let share = place - below as f64;
    let mix = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * share).round() as u8;
    let (from, to) = (PLASMA[below], PLASMA[below + 1]);
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Whether dark text is easier to read on a colour than light text (relative luminance of WCAG 2.1, against 0.18).
pub(super) fn takes_dark_text(RGBColor(r, g, b): RGBColor) -> bool {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b) > 0.18
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_goes_one_way_and_any_number_has_a_colour() {
        assert_eq!(ramp(Theme::Light, 1.0), RGBColor(0x0d, 0x08, 0x87));
        assert_eq!(ramp(Theme::Dark, f64::NAN), ramp(Theme::Dark, -5.0));
        assert!(takes_dark_text(ramp(Theme::Light, 0.0)) && !takes_dark_text(ramp(Theme::Light, 1.0)));
        assert!(takes_dark_text(ramp(Theme::Dark, 1.0)) && !takes_dark_text(ramp(Theme::Dark, 0.0)));
    }
}
