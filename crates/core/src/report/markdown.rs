//! Markdown of people, read as CommonMark with tables (pulldown-cmark).
//!
//! HTML in it is text. Pictures are not fetched: what describes one stands in its place. A link leads to `http`, `https`
//! or `mailto`, or nowhere.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Block, Span, Table, Way};

/// Lists and quotes within each other; deeper ones stand at this depth. What walks through blocks calls itself.
const DEPTH: usize = 12;

/// What is open while Markdown is read.
enum Open {
    Text(Option<u8>),
    List(Option<u64>, Vec<Vec<Block>>),
    Item,
    Quote,
    /// One of these that is too deep: what is in it goes to what is around it.
    Flat,
    Code(String),
    Html(String),
    Table(Table),
}

#[derive(Default)]
struct Reader {
    /// What is open, each with the blocks that are in it so far.
    open: Vec<(Open, Vec<Block>)>,
    done: Vec<Block>,
    /// Text of the paragraph, heading or cell that is open.
    spans: Vec<Span>,
    strong: usize,
    emphasis: usize,
    struck: usize,
    links: Vec<Option<String>>,
}

/// Reads Markdown. Its greatest headings are of level 2, as the title of a report is above them.
#[must_use]
pub fn parse(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    let mut reader = Reader::default();
    for event in Parser::new_ext(text, options) {
        reader.take(event);
    }
    let mut blocks = reader.finish();
    let least = least_level(&blocks);
    if least > 0 {
        lower(&mut blocks, least);
    }
    blocks
}

fn least_level(blocks: &[Block]) -> u8 {
    let levels = blocks.iter().filter_map(|block| match block {
        Block::Heading(level, _) => Some(*level),
        _ => None,
    });
    levels.min().unwrap_or(0)
}

fn lower(blocks: &mut [Block], least: u8) {
    for block in blocks {
        match block {
            Block::Heading(level, _) => *level = (*level + 2).saturating_sub(least).clamp(2, 6),
            Block::Quote(blocks) => lower(blocks, least),
            Block::List(_, items) => items.iter_mut().for_each(|item| lower(item, least)),
            _ => {}
        }
    }
}

/// An address that a link may lead to.
fn allowed(address: &str) -> Option<String> {
    let head = address.trim_start().get(..8).unwrap_or(address.trim_start()).to_ascii_lowercase();
    let fine = ["http://", "https://", "mailto:"].iter().any(|scheme| head.starts_with(scheme));
    let clean = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (fine && clean).then(|| address.to_owned())
}

impl Reader {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => self.text(&text, false),
            Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => self.text(&text, true),
            Event::SoftBreak => self.text(" ", false),
            Event::HardBreak => self.text("\n", false),
            Event::Rule => self.put(Block::Rule),
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }, false),
            Event::FootnoteReference(name) => self.text(&format!("[{name}]"), false),
        }
    }

    fn text(&mut self, text: &str, code: bool) {
        if let Some((Open::Code(all) | Open::Html(all), _)) = self.open.last_mut() {
            all.push_str(text);
            return;
        }
        let span = Span {
            text: text.to_owned(),
            strong: self.strong > 0,
            emphasis: self.emphasis > 0,
            struck: self.struck > 0,
            code,
            link: self.links.iter().rev().flatten().next().cloned(),
        };
        match self.spans.last_mut() {
            Some(last)
                if (Span { text: String::new(), ..last.clone() }
                    == Span { text: String::new(), ..span.clone() }) =>
            {
                last.text.push_str(text);
            }
            _ => self.spans.push(span),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        let depth = self.open.len();
        let open = match tag {
            Tag::Paragraph => Open::Text(None),
            Tag::Heading { level, .. } => Open::Text(Some(level_of(level))),
            Tag::List(first) => {
                self.loose();
                if depth < 2 * DEPTH { Open::List(first, Vec::new()) } else { Open::Flat }
            }
            Tag::Item => match self.open.last() {
                Some((Open::List(..), _)) => Open::Item,
                _ => Open::Flat,
            },
            Tag::BlockQuote(_) => {
                self.loose();
                if depth < 2 * DEPTH { Open::Quote } else { Open::Flat }
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.loose();
                Open::Code(String::new())
            }
            Tag::HtmlBlock => Open::Html(String::new()),
            Tag::Table(ways) => {
                let way = |way: Alignment| match way {
                    Alignment::Right => Way::Right,
                    Alignment::Center => Way::Centre,
                    Alignment::None | Alignment::Left => Way::Left,
                };
                Open::Table(Table { ways: ways.into_iter().map(way).collect(), ..Table::default() })
            }
            Tag::TableRow => {
                if let Some((Open::Table(table), _)) = self.open.last_mut() {
                    table.rows.push(Vec::new());
                }
                return;
            }
            Tag::Strong => return self.strong += 1,
            Tag::Emphasis => return self.emphasis += 1,
            Tag::Strikethrough => return self.struck += 1,
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                return self.links.push(allowed(&dest_url));
            }
            _ => return,
        };
        self.open.push((open, Vec::new()));
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.strong = self.strong.saturating_sub(1),
            TagEnd::Emphasis => self.emphasis = self.emphasis.saturating_sub(1),
            TagEnd::Strikethrough => self.struck = self.struck.saturating_sub(1),
            TagEnd::Link | TagEnd::Image => {
                self.links.pop();
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some((Open::Table(table), _)) = self.open.last_mut() {
                    match table.rows.last_mut() {
                        Some(row) => row.push(cell),
                        None => table.head.push(cell),
                    }
                }
            }
            TagEnd::Paragraph
            | TagEnd::Heading(_)
            | TagEnd::List(_)
            | TagEnd::Item
            | TagEnd::BlockQuote(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::Table => self.close(),
            _ => {}
        }
    }

    fn close(&mut self) {
        let Some((open, blocks)) = self.open.pop() else { return };
        match open {
            Open::Text(level) => {
                let spans = std::mem::take(&mut self.spans);
                match level {
                    Some(level) => self.put(Block::Heading(level, spans)),
                    None if spans.is_empty() => {}
                    None => self.put(Block::Paragraph(spans)),
                }
            }
            Open::Code(text) => self.put(Block::Code(text.trim_end_matches('\n').to_owned())),
            Open::Html(text) => self.put(Block::Paragraph(vec![Span::plain(text.trim_end())])),
            Open::Table(mut table) => {
                table.ways.truncate(table.head.len());
                for row in &mut table.rows {
                    row.resize(table.head.len(), Vec::new());
                }
                self.put(Block::Table(table));
            }
            Open::Quote => self.put(Block::Quote(blocks)),
            Open::List(first, items) => self.put(Block::List(first, items)),
            Open::Item => {
                self.open.push((Open::Item, blocks));
                self.loose();
                let item = self.open.pop().map(|(_, blocks)| blocks).unwrap_or_default();
                if let Some((Open::List(_, items), _)) = self.open.last_mut() {
                    items.push(item);
                }
            }
            Open::Flat => {
                self.loose();
                blocks.into_iter().for_each(|block| self.put(block));
            }
        }
    }

    /// Text that stands in an item of a list without a paragraph of its own becomes one.
    fn loose(&mut self) {
        if !self.spans.is_empty() {
            let spans = std::mem::take(&mut self.spans);
            self.put(Block::Paragraph(spans));
        }
    }

    fn put(&mut self, block: Block) {
        self.open.last_mut().map_or(&mut self.done, |(_, blocks)| blocks).push(block);
    }

    fn finish(mut self) -> Vec<Block> {
        self.loose();
        while !self.open.is_empty() {
            self.close();
        }
        self.done
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(spans: &[Span]) -> String {
        spans.iter().map(|span| span.text.as_str()).collect()
    }

    #[test]
    fn notes_are_read_with_their_structure() {
        insta::assert_debug_snapshot!(parse(
            "# Result\n\nA *warm-up* of **500 steps** with `lr`\nhelps.\n\n1. first\n2. second\n   - inner\n\n| a | b |\n|:--|--:|\n| x | 1 |\n\n> said\n\n```\nlet x;\n```\n\n---\n"
        ));
    }

    #[test]
    fn a_link_leads_to_a_page_or_a_mail_address_or_nowhere() {
        let link = |text: &str| match &parse(text)[..] {
            [Block::Paragraph(spans)] => (words(spans), spans[0].link.clone()),
            other => panic!("{other:?}"),
        };
        for fine in ["http://a.b/c", "https://a.b/?c=<d>", "mailto:a@b.c", "HTTPS://A.B"] {
            assert!(link(&format!("[x](<{fine}>)").replace("<d>", "d")).1.is_some(), "{fine}");
        }
        for wrong in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "//evil.example/x",
            "&#106;avascript:alert(1)",
            " javascript:x",
            "vbscript:x",
            "relative.html",
        ] {
            assert_eq!(link(&format!("[x](<{wrong}>)")), ("x".into(), None), "{wrong}");
        }
        assert_eq!(
            link("![a curve](https://a.b/c.png)"),
            ("a curve".into(), Some("https://a.b/c.png".into()))
        );
    }

    #[test]
    fn html_is_text() {
        let blocks = parse("<script>alert(1)</script>\n\nand <img src=x onerror=alert(1)> here");
        let [Block::Paragraph(first), Block::Paragraph(second)] = &blocks[..] else { panic!("{blocks:?}") };
        assert_eq!(words(first), "<script>alert(1)</script>");
        assert_eq!(words(second), "and <img src=x onerror=alert(1)> here");
    }

    #[test]
    fn what_is_nested_without_end_ends() {
        let deep = format!("{}deep", "> ".repeat(50_000));
        let mut blocks = &parse(&deep)[..];
        let mut depth = 0;
        while let [Block::Quote(inner)] = blocks {
            (blocks, depth) = (inner, depth + 1);
        }
        assert!(depth <= 2 * DEPTH, "{depth}");
        assert!(matches!(blocks, [Block::Paragraph(spans)] if words(spans) == "deep"), "{blocks:?}");
        let lists: String = (0..200).map(|level| format!("{}- a\n", "  ".repeat(level))).collect();
        assert!(format!("{:?}", parse(&lists)).matches("\"a\"").count() == 200);
    }
}
