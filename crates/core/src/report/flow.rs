//! A report as pages of A4.
//!
//! Everything flows from top to bottom. What is set by itself (a chart with its caption, a row of a table) is kept whole
//! as long as a page can hold it; a heading stays with what follows; nothing is cut off or left out.

use super::lines::{Line, Look, lines, verbatim};
use super::page::{Face, Ink, Item, MARGIN, Measure, PAGE, Page};
use super::{Block, Document, Figure, Part, Span, Way, parse, places, table};

/// CSS pixels of a point.
const PT: f64 = 96.0 / 72.0;
/// Height of a line in sizes of its letters.
pub(super) const LEADING: f64 = 1.42;
/// Where letters stand in their line.
pub(super) const BASE: f64 = 1.02;
/// Between paragraphs.
const GAP: f64 = 6.0 * PT;
/// How far lists and quotes stand in; no farther than `DEEPEST`.
const INDENT: f64 = 14.0 * PT;
const DEEPEST: f64 = 100.0 * PT;

pub(super) const BODY: Look = Look { size: 9.5 * PT, ink: Ink::Black, strong: false };
pub(super) const SMALL: Look = Look { size: 8.0 * PT, ink: Ink::Dim, strong: false };
const CAPTION: Look = Look { size: 8.0 * PT, ink: Ink::Black, strong: false };
const CODE: Look = Look { size: 8.5 * PT, ink: Ink::Black, strong: false };
const TITLE: Look = Look { size: 20.0 * PT, ink: Ink::Black, strong: true };

/// The left edge and the width of what is printed.
pub(super) const LEFT: f64 = MARGIN;
/// See [`LEFT`].
pub(super) const WIDTH: f64 = PAGE.0 - 2.0 * MARGIN;
const TOP: f64 = MARGIN;
/// Below it stands the page's number only.
const BOTTOM: f64 = PAGE.1 - MARGIN - 4.0 * PT;

/// Lays a report out. `measure` says how wide text is.
#[must_use]
pub fn pages(document: &Document, measure: Measure<'_>) -> Vec<Page> {
    let mut flow = Flow { measure, pages: vec![Page::default()], y: TOP };
    let title = if document.title.trim().is_empty() { "Report" } else { &document.title };
    flow.text(&[Span::plain(title)], TITLE, LEFT, WIDTH);
    if !document.made.is_empty() {
        flow.space(4.0 * PT);
        flow.text(&[Span::plain(document.made.clone())], SMALL, LEFT, WIDTH);
    }
    flow.space(7.0 * PT);
    flow.rule(Ink::Line);
    flow.space(12.0 * PT);
    let set: Vec<Vec<Set<'_>>> = document.parts.iter().map(Set::of).collect();
    let all: Vec<&Set<'_>> = set.iter().flatten().collect();
    for (place, one) in all.iter().enumerate() {
        flow.set(one, all.get(place + 1).copied());
    }
    flow.number(title);
    flow.pages
}

/// What is set one after the other.
enum Set<'a> {
    Block(Block),
    Small(&'a str),
    Figures(&'a [Figure]),
}

impl<'a> Set<'a> {
    fn of(part: &'a Part) -> Vec<Self> {
        match part {
            Part::Heading(text) => vec![Self::Block(Block::Heading(2, vec![Span::plain(text.clone())]))],
            Part::Text(text) => parse(text).into_iter().map(Self::Block).collect(),
            Part::Small(text) => vec![Self::Small(text)],
            Part::Figures(row) => vec![Self::Figures(row)],
            Part::Table(sheet) => {
                let table = Self::Block(Block::Table(sheet.table()));
                std::iter::once(table).chain(sheet.note.as_deref().map(Self::Small)).collect()
            }
        }
    }
}

/// Where the next thing goes.
pub(super) struct Flow<'a> {
    pub measure: Measure<'a>,
    pages: Vec<Page>,
    y: f64,
}

impl Flow<'_> {
    /// Begins a page, if this one has less room than that and something on it.
    pub fn need(&mut self, height: f64) {
        if self.y + height > BOTTOM && self.y > TOP {
            self.pages.push(Page::default());
            self.y = TOP;
        }
    }

    /// How high the highest thing is that a page can hold.
    pub const fn room() -> f64 {
        BOTTOM - TOP
    }

    /// Whether nothing stands on the page yet.
    pub fn fresh(&self) -> bool {
        self.y <= TOP
    }

    pub fn fits(&self, height: f64) -> bool {
        self.y + height <= BOTTOM
    }

    pub fn put(&mut self, item: Item) {
        if let Some(page) = self.pages.last_mut() {
            page.items.push(item);
        }
    }

    /// Goes down; at the top of a page there is no gap.
    pub fn space(&mut self, height: f64) {
        if !self.fresh() {
            self.y = (self.y + height).min(BOTTOM);
        }
    }

    /// Takes height, and says where it begins.
    pub fn take(&mut self, height: f64) -> f64 {
        let y = self.y;
        self.y += height;
        y
    }

    fn rule(&mut self, ink: Ink) {
        self.need(1.0);
        let y = self.take(0.75);
        self.put(Item::Box { x: LEFT, y, width: WIDTH, height: 0.75, ink });
    }

    fn text(&mut self, spans: &[Span], look: Look, x: f64, width: f64) {
        let set = lines(spans, look, width, self.measure);
        self.lines(&set, look, x, width);
    }

    /// Lines one below the other; of a paragraph no single line is left alone at the end of a page.
    fn lines(&mut self, set: &[Line], look: Look, x: f64, width: f64) {
        let high = look.size * LEADING;
        for (place, line) in set.iter().enumerate() {
            let left = set.len() - place;
            let together = if place == 0 && left > 1 || left == 2 { 2.0 } else { 1.0 };
            self.need(high * together);
            let y = self.take(high);
            for item in line.items(x, y + look.size * BASE, width, Way::Left) {
                self.put(item);
            }
        }
    }

    fn set(&mut self, one: &Set<'_>, next: Option<&Set<'_>>) {
        match one {
            Set::Block(block @ Block::Heading(..)) => {
                let after = next.map_or(0.0, |next| self.least(next));
                self.heading(block, after, LEFT, WIDTH);
            }
            Set::Block(block) => self.block(block, LEFT, WIDTH, BODY.ink),
            Set::Small(text) => {
                self.text(&[Span::plain(*text)], SMALL, LEFT, WIDTH);
                self.space(GAP);
            }
            Set::Figures(row) => self.figures(row),
        }
    }

    /// How much of what follows a heading stands below it at least.
    fn least(&self, next: &Set<'_>) -> f64 {
        match next {
            Set::Figures(row) => (self.figures_height(row).1 + GAP).min(Self::room() * 0.85),
            Set::Block(Block::Table(table)) => {
                (table::begin(self, table, WIDTH) + GAP).min(Self::room() * 0.5)
            }
            Set::Block(Block::Heading(..)) => BODY.size * LEADING * 5.0,
            Set::Block(_) | Set::Small(_) => BODY.size * LEADING * 2.0,
        }
    }

    fn heading(&mut self, block: &Block, after: f64, x: f64, width: f64) {
        let Block::Heading(level, spans) = block else { return };
        let (size, above, below) = match level {
            ..=2 => (14.0, 12.0, 5.0),
            3 => (11.0, 9.0, 4.0),
            _ => (9.5, 7.0, 3.0),
        };
        let look = Look { size: size * PT, ink: Ink::Black, strong: true };
        let set = lines(spans, look, width, self.measure);
        let high = set.len() as f64 * look.size * LEADING;
        self.need((above + below) * PT + high + after);
        self.space(above * PT);
        self.lines(&set, look, x, width);
        self.space(below * PT);
    }

    fn blocks(&mut self, all: &[Block], x: f64, width: f64, ink: Ink) {
        for block in all {
            self.block(block, x, width, ink);
        }
    }

    fn block(&mut self, block: &Block, x: f64, width: f64, ink: Ink) {
        let look = Look { ink, ..BODY };
        match block {
            Block::Heading(..) => self.heading(block, BODY.size * LEADING * 2.0, x, width),
            Block::Paragraph(spans) => {
                self.text(spans, look, x, width);
                self.space(GAP);
            }
            Block::Code(text) => self.code(text, x, width),
            Block::Rule => {
                self.space(GAP);
                self.rule(Ink::Line);
                self.space(GAP * 1.5);
            }
            Block::Table(of) => {
                self.space(GAP * 0.5);
                table::set(self, of, x, width);
                self.space(GAP * 1.5);
            }
            Block::Quote(inner) => {
                let step = self.step(x);
                self.blocks(inner, x + step, width - step, Ink::Dim);
            }
            Block::List(first, items) => {
                let step = self.step(x);
                for (place, item) in items.iter().enumerate() {
                    let sign = match first {
                        Some(first) => format!("{}.", first.saturating_add(place as u64)),
                        None => "•".to_owned(),
                    };
                    self.need(BODY.size * LEADING);
                    let (page, y) = (self.pages.len(), self.y);
                    let wide = (self.measure)(&sign, Face::Regular, BODY.size);
                    self.put(Item::Text {
                        x: if first.is_some() { (x + step - wide - 3.0 * PT).max(x) } else { x + 4.0 * PT },
                        y: y + BODY.size * BASE,
                        width: wide,
                        text: sign,
                        face: Face::Regular,
                        size: BODY.size,
                        ink: Ink::Dim,
                        struck: false,
                        link: None,
                    });
                    self.item(item, x + step, width - step, ink);
                    if self.pages.len() == page && (self.y - y) < BODY.size * LEADING {
                        self.y = y + BODY.size * LEADING;
                    }
                    self.space(GAP * 0.25);
                }
                self.space(GAP * 0.75);
            }
        }
    }

    /// What is in an item of a list; its paragraphs stand closer.
    fn item(&mut self, item: &[Block], x: f64, width: f64, ink: Ink) {
        for (place, block) in item.iter().enumerate() {
            match block {
                Block::Paragraph(spans) => {
                    let look = Look { ink, ..BODY };
                    let set = lines(spans, look, width, self.measure);
                    // The first line stays beside its sign.
                    let (first, rest) = set.split_at(usize::from(place == 0).min(set.len()));
                    self.lines(first, look, x, width);
                    self.lines(rest, look, x, width);
                    if place + 1 < item.len() {
                        self.space(GAP * 0.4);
                    }
                }
                block => self.block(block, x, width, ink),
            }
        }
    }

    fn step(&self, x: f64) -> f64 {
        if x - LEFT < DEEPEST { INDENT } else { 0.0 }
    }

    fn code(&mut self, text: &str, x: f64, width: f64) {
        let pad = 5.0 * PT;
        let set = verbatim(text, CODE, width - 2.0 * pad, self.measure);
        let high = CODE.size * LEADING;
        for line in &set {
            self.need(high);
            let y = self.take(high);
            self.put(Item::Box { x, y, width, height: high, ink: Ink::Soft });
            for item in line.items(x + pad, y + CODE.size * BASE, width, Way::Left) {
                self.put(item);
            }
        }
        self.space(GAP * 1.5);
    }

    /// Of figures side by side: how high the pictures are, and how high they are with their captions.
    fn figures_height(&self, row: &[Figure]) -> (f64, f64) {
        let set = self.captions(row);
        let lines = set.iter().map(Vec::len).max().unwrap_or(0);
        let most = row.iter().zip(fitted(row)).map(|(_, (_, height))| height).fold(0.0, f64::max);
        (most, most + 4.0 * PT + lines as f64 * CAPTION.size * LEADING)
    }

    fn captions(&self, row: &[Figure]) -> Vec<Vec<Line>> {
        let width = column(places(row));
        let set = |figure: &Figure| {
            let mut set = lines(&figure.spans(), CAPTION, width, self.measure);
            for note in &figure.notes {
                set.extend(lines(&[Span::plain(note.clone())], SMALL, width, self.measure));
            }
            set
        };
        row.iter().map(set).collect()
    }

    fn figures(&mut self, row: &[Figure]) {
        self.space(GAP);
        let (pictures, whole) = self.figures_height(row);
        // A caption that is longer than a page goes on on the next one.
        self.need(if whole <= Self::room() { whole } else { pictures + 4.0 * PT });
        let top = self.take(pictures + 4.0 * PT);
        let width = column(places(row));
        let left = |place: usize| LEFT + place as f64 * (width + GUTTER);
        for (place, (figure, (wide, high))) in row.iter().zip(fitted(row)).enumerate() {
            self.put(Item::Picture {
                x: left(place),
                y: top,
                width: wide,
                height: high,
                svg: figure.svg.clone(),
            });
        }
        let captions = self.captions(row);
        let high = CAPTION.size * LEADING;
        for at in 0..captions.iter().map(Vec::len).max().unwrap_or(0) {
            self.need(high);
            let y = self.take(high) + CAPTION.size * BASE;
            for (place, lines) in captions.iter().enumerate() {
                for item in
                    lines.get(at).into_iter().flat_map(|line| line.items(left(place), y, width, Way::Left))
                {
                    self.put(item);
                }
            }
        }
        self.space(GAP * 2.0);
    }

    /// The title and the number, at the foot of each page.
    fn number(&mut self, title: &str) {
        let all = self.pages.len();
        let y = PAGE.1 - MARGIN * 0.55;
        for (place, page) in self.pages.iter_mut().enumerate() {
            let number = format!("{} / {all}", place + 1);
            let wide = (self.measure)(&number, Face::Regular, SMALL.size);
            let room = WIDTH - wide - 20.0 * PT;
            let set = lines(&[Span::plain(title)], SMALL, room, self.measure);
            // A long title is told in full where the report begins.
            if let Some(line) = set.first() {
                page.items.extend(line.items(LEFT, y, room, Way::Left));
            }
            page.items.push(Item::Text {
                x: LEFT + WIDTH - wide,
                y,
                width: wide,
                text: number,
                face: Face::Regular,
                size: SMALL.size,
                ink: Ink::Dim,
                struck: false,
                link: None,
            });
        }
    }
}

/// Between figures side by side.
const GUTTER: f64 = 12.0 * PT;

fn column(count: usize) -> f64 {
    let count = count.max(1) as f64;
    (WIDTH - GUTTER * (count - 1.0)) / count
}

/// Width and height of each picture in its column, no higher than most of a page.
fn fitted(row: &[Figure]) -> Vec<(f64, f64)> {
    let (width, most) = (column(places(row)), Flow::room() * 0.85);
    let fit = |figure: &Figure| {
        let (wide, high) = (figure.width.max(1.0), figure.height.max(1.0));
        let scale = (width / wide).min(most / high);
        (wide * scale, high * scale)
    };
    row.iter().map(fit).collect()
}
