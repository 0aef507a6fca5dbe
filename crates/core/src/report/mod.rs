//! Reports: charts, tables and notes as one document, written as HTML, as Markdown, or as pages of A4.
//!
//! Whoever makes a report brings what is in it, charts drawn; everything here is a pure function of that. Text of people
//! is Markdown, read by [`parse`]. *Invariant:* what anybody wrote, or called a run, is shown as text: no element, script,
//! style or address of theirs but links to web pages and mail reaches what is written.

mod flow;
mod html;
mod lines;
mod markdown;
mod page;
mod source;
mod table;
#[cfg(test)]
mod tests;

pub use flow::pages;
pub use html::html;
pub use markdown::parse;
pub use page::{Face, Item, Link, Measure, PAGE, Page};
pub use source::source;

/// A report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Document {
    /// What it is called.
    pub title: String,
    /// When, by what and of what it was made: a line below the title.
    pub made: String,
    /// What is in it, in order.
    pub parts: Vec<Part>,
}

/// A part of a report.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// The heading of what follows, plain text.
    Heading(String),
    /// Markdown.
    Text(String),
    /// A paragraph in small letters, plain text.
    Small(String),
    /// A chart, or two side by side.
    Figures(Vec<Figure>),
    /// A table.
    Table(Sheet),
}

/// A chart of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its number, counted from 1.
    pub number: usize,
    /// An `<svg>` element of this program's own making.
    pub svg: String,
    /// Width in CSS pixels.
    pub width: f64,
    /// Height in CSS pixels.
    pub height: f64,
    /// What stands below it, plain text.
    pub caption: String,
    /// How it was made, and what it leaves out: sentences.
    pub notes: Vec<String>,
}

/// A table of plain text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sheet {
    /// The columns.
    pub columns: Vec<SheetColumn>,
    /// The rows, with a cell for each column.
    pub rows: Vec<Vec<SheetCell>>,
    /// What stands below it.
    pub note: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SheetColumn {
    /// What it is called.
    pub label: String,
    /// Numbers stand at the right.
    pub numbers: bool,
}

/// A cell of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SheetCell {
    /// Its text.
    pub text: String,
    /// It is the best of its column.
    pub best: bool,
}

/// A piece of a document as it is set.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading of level 2 (below the title) to 6.
    Heading(u8, Vec<Span>),
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// A list; numbered from a number, if it has one.
    List(Option<u64>, Vec<Vec<Block>>),
    /// Text in which every space and line counts.
    Code(String),
    /// Somebody else's words.
    Quote(Vec<Block>),
    /// A line across.
    Rule,
    /// A table.
    Table(Table),
}

/// A table as it is set.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Where the text of each column stands.
    pub ways: Vec<Way>,
    /// The names of the columns.
    pub head: Vec<Vec<Span>>,
    /// The rows, with a cell for each column.
    pub rows: Vec<Vec<Vec<Span>>>,
}

/// Where text stands in its column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Way {
    /// At the left.
    #[default]
    Left,
    /// In the middle.
    Centre,
    /// At the right.
    Right,
}

/// Text in one style.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// The text; a line end in it ends the line.
    pub text: String,
    /// It stands out.
    pub strong: bool,
    /// It is stressed.
    pub emphasis: bool,
    /// It is struck out.
    pub struck: bool,
    /// It is code.
    pub code: bool,
    /// What it leads to: a web page or a mail address.
    pub link: Option<String>,
}

impl Span {
    /// Plain text.
    #[must_use]
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Sheet {
    /// As it is set.
    #[must_use]
    pub fn table(&self) -> Table {
        let way = |column: &SheetColumn| if column.numbers { Way::Right } else { Way::Left };
        let cell = |cell: &SheetCell| vec![Span { strong: cell.best, ..Span::plain(cell.text.clone()) }];
        Table {
            ways: self.columns.iter().map(way).collect(),
            head: self.columns.iter().map(|column| vec![Span::plain(column.label.clone())]).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
        }
    }
}

/// How many figures of this width stand side by side; one that is alone keeps the place of one of two.
fn places(row: &[Figure]) -> usize {
    let narrow = |figure: &Figure| figure.width <= flow::WIDTH / 2.0;
    row.len().max(if row.iter().all(narrow) { 2 } else { 1 })
}

impl Figure {
    /// Its caption with its number.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let number = Span { strong: true, ..Span::plain(format!("Figure {}.", self.number)) };
        if self.caption.is_empty() {
            vec![number]
        } else {
            vec![number, Span::plain(format!(" {}", self.caption))]
        }
    }
}

/// Signs that neither HTML nor XML takes for its own; what XML 1.0 can't hold is left out. Line ends stay.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\r' => {}
            '\t' | '\n' => out.push(c),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(&mut out, text);
    out
}
