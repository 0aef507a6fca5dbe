//! Colours of the window's design, so that an exported chart looks like the one on screen.

use plotters::style::RGBColor;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Dark ink on a light page.
    #[default]
    Light,
    /// Light ink on a dark page.
    Dark,
}

/// How many line colours there are; a colour index beyond wraps around.
pub const PALETTE: usize = 12;

const fn rgb(hex: u32) -> RGBColor {
    RGBColor((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The colours of one theme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colours {
    /// What charts stand on in the window, and in a file.
    pub ground: RGBColor,
    /// Headings.
    pub ink: RGBColor,
    pub grid: RGBColor,
    pub tick: RGBColor,
    pub lines: [RGBColor; PALETTE],
}

impl Theme {
    pub(super) const fn colours(self) -> Colours {
        match self {
            Self::Light => Colours {
                ground: rgb(0xffffff),
                ink: rgb(0x1c1b19),
                grid: rgb(0xe6e5e1),
                tick: rgb(0x6b6963),
                lines: [
                    rgb(0x1d6fd1),
                    rgb(0xd9730d),
                    rgb(0x0f8a6d),
                    rgb(0x8250c4),
                    rgb(0xc2255c),
                    rgb(0x5c7f0c),
                    rgb(0x0e7490),
                    rgb(0x8a5a2b),
                    rgb(0xd6409f),
                    rgb(0x3b4cb8),
                    rgb(0xa97800),
                    rgb(0x5b6b7a),
                ],
            },
            Self::Dark => Colours {
                ground: rgb(0x1b1a18),
                ink: rgb(0xecebe8),
                grid: rgb(0x2b2926),
                tick: rgb(0xa09c93),
                lines: [
                    rgb(0x62a8ff),
                    rgb(0xf5a04c),
                    rgb(0x3ec9a0),
                    rgb(0xb794f6),
                    rgb(0xf783ac),
                    rgb(0xa9cf4a),
                    rgb(0x5ad1e6),
                    rgb(0xc9a27a),
                    rgb(0xff8ad8),
                    rgb(0x94a5ff),
                    rgb(0xe6c84d),
                    rgb(0xa8b5c2),
                ],
            },
        }
    }
}

impl Colours {
    /// Name of the class that the page may use to set the colour by its own tokens.
    pub fn class(&self, colour: (u8, u8, u8)) -> Option<&'static str> {
        const CLASSES: [&str; PALETTE] =
            ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10", "c11", "c12"];
        let is = |own: RGBColor| (own.0, own.1, own.2) == colour;
        if is(self.grid) {
            return Some("grid");
        }
        if is(self.tick) {
            return Some("tick");
        }
        self.lines.iter().position(|&line| is(line)).map(|i| CLASSES[i])
    }
}

/// A colour's red, green and blue.
type Rgb = (u8, u8, u8);

/// What each colour of a picture in the light theme is in the dark one: where a picture is shown on either ground.
#[must_use]
pub fn dark_colours() -> Vec<(Rgb, Rgb)> {
    let all = |theme: Theme| {
        let colours = theme.colours();
        let own = [colours.ground, colours.ink, colours.grid, colours.tick];
        own.into_iter().chain(colours.lines).map(|colour| (colour.0, colour.1, colour.2)).collect::<Vec<_>>()
    };
    all(Theme::Light).into_iter().zip(all(Theme::Dark)).collect()
}
