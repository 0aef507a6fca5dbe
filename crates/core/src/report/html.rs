//! A report as one HTML file: no script, nothing loaded, fit for the screen in light and dark, and for print.

use std::fmt::Write as _;

use super::{Block, Document, Figure, Part, Span, Table, Way, escape, escaped, parse, places};
use crate::chart::dark_colours;

/// Nothing may be loaded or run; the style is the file's own.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Letters of a text in a table that is given room.
const LONG: usize = 18;

/// The look of it; [`dark`] is added.
const STYLE: &str = include_str!("style.css");

/// Writes a report as HTML. `version` is the program's.
#[must_use]
pub fn html(document: &Document, version: &str) -> String {
    let mut out = String::with_capacity(STYLE.len() + 4096);
    let title = if document.title.trim().is_empty() { "Report" } else { &document.title };
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"generator\" content=\"Athanor {}\">\n<title>{}</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <main class=\"report\">\n<header>\n<h1>{}</h1>\n",
        escaped(version),
        escaped(title),
        dark(),
        escaped(title),
    );
    if !document.made.is_empty() {
        let _ = writeln!(out, "<p class=\"made\">{}</p>", escaped(&document.made));
    }
    out.push_str("</header>\n");
    for part in &document.parts {
        match part {
            Part::Heading(text) => {
                let _ = writeln!(out, "<h2>{}</h2>", escaped(text));
            }
            Part::Text(text) => blocks(&mut out, &parse(text)),
            Part::Small(text) => {
                let _ = writeln!(out, "<p class=\"small\">{}</p>", escaped(text));
            }
            Part::Figures(row) => figures(&mut out, row),
            Part::Table(sheet) => {
                table(&mut out, &sheet.table());
                if let Some(note) = &sheet.note {
                    let _ = writeln!(out, "<p class=\"small\">{}</p>", escaped(note));
                }
            }
        }
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Charts are drawn in the colours of the light theme; where the page is dark, each takes its counterpart.
fn dark() -> String {
    let mut out = String::from("@media screen and (prefers-color-scheme: dark) {\n");
    for ((r, g, b), (dr, dg, db)) in dark_colours() {
        let (from, to) = (format!("#{r:02x}{g:02x}{b:02x}"), format!("#{dr:02x}{dg:02x}{db:02x}"));
        let _ = writeln!(
            out,
            "  .report svg [fill=\"{from}\"] {{ fill: {to}; }}\n  .report svg [stroke=\"{from}\"] {{ stroke: {to}; }}"
        );
    }
    out.push_str("}\n");
    out
}

fn figures(out: &mut String, row: &[Figure]) {
    let _ = writeln!(out, "<div class=\"figures{}\">", if places(row) > 1 { " two" } else { "" });
    for figure in row {
        out.push_str("<figure>\n");
        out.push_str(&sized(&figure.svg, None, figure.width, figure.height));
        out.push_str("\n<figcaption>");
        spans(out, &figure.spans());
        for note in &figure.notes {
            let _ = write!(out, " <span class=\"note\">{}</span>", escaped(note));
        }
        out.push_str("</figcaption>\n</figure>\n");
    }
    out.push_str("</div>\n");
}

/// An `<svg>` element in another size, at a place of a picture around it.
pub(super) fn sized(svg: &str, at: Option<(f64, f64)>, width: f64, height: f64) -> String {
    let Some((head, body)) = svg.split_once('>') else { return String::new() };
    let mut out = String::with_capacity(svg.len() + 64);
    out.push_str("<svg");
    if let Some((x, y)) = at {
        let _ = write!(out, " x=\"{x:.2}\" y=\"{y:.2}\"");
    }
    let _ = write!(out, " width=\"{width:.2}\" height=\"{height:.2}\"");
    // What else it says of itself: its own size and place are replaced.
    for attribute in head.trim_start_matches("<svg").split("\" ").map(|it| it.trim().trim_end_matches('"')) {
        let Some((name, value)) = attribute.split_once("=\"") else { continue };
        if !matches!(name, "width" | "height" | "x" | "y") {
            let _ = write!(out, " {name}=\"{value}\"");
        }
    }
    out.push('>');
    out.push_str(body);
    out
}

fn blocks(out: &mut String, all: &[Block]) {
    for block in all {
        match block {
            Block::Heading(level, text) => {
                let _ = write!(out, "<h{level}>");
                spans(out, text);
                let _ = writeln!(out, "</h{level}>");
            }
            Block::Paragraph(text) => {
                out.push_str("<p>");
                spans(out, text);
                out.push_str("</p>\n");
            }
            Block::List(first, items) => {
                match first {
                    Some(1) => out.push_str("<ol>\n"),
                    Some(first) => {
                        let _ = writeln!(out, "<ol start=\"{first}\">");
                    }
                    None => out.push_str("<ul>\n"),
                }
                for item in items {
                    out.push_str("<li>");
                    match &item[..] {
                        [Block::Paragraph(text)] => spans(out, text),
                        item => blocks(out, item),
                    }
                    out.push_str("</li>\n");
                }
                out.push_str(if first.is_some() { "</ol>\n" } else { "</ul>\n" });
            }
            Block::Code(text) => {
                let _ = writeln!(out, "<pre><code>{}</code></pre>", escaped(text));
            }
            Block::Quote(inner) => {
                out.push_str("<blockquote>\n");
                blocks(out, inner);
                out.push_str("</blockquote>\n");
            }
            Block::Rule => out.push_str("<hr>\n"),
            Block::Table(of) => table(out, of),
        }
    }
}

fn table(out: &mut String, table: &Table) {
    // A browser would break a long text into one word a line before it made a table wider than the page.
    let long = |cell: &[Span]| cell.iter().map(|span| span.text.chars().count()).sum::<usize>() > LONG;
    let way = |place: usize, cell: &[Span]| match table.ways.get(place) {
        Some(Way::Right) => " class=\"number\"",
        Some(Way::Centre) => " class=\"centre\"",
        _ if long(cell) => " class=\"long\"",
        _ => "",
    };
    // What is wider than the page is moved under the hand, by the keyboard, too.
    out.push_str("<div class=\"wide\" tabindex=\"0\"><table>\n<thead><tr>");
    for (place, cell) in table.head.iter().enumerate() {
        let name = if cell.iter().all(|span| span.text.trim().is_empty()) { "td" } else { "th" };
        let scope = if name == "th" { " scope=\"col\"" } else { "" };
        let _ = write!(out, "<{name}{scope}{}>", way(place, cell));
        spans(out, cell);
        let _ = write!(out, "</{name}>");
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (place, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>", way(place, cell));
            spans(out, cell);
            out.push_str("</td>");
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn spans(out: &mut String, all: &[Span]) {
    for span in all {
        let names = [(span.strong, "strong"), (span.emphasis, "em"), (span.struck, "s"), (span.code, "code")];
        if let Some(link) = &span.link {
            let _ = write!(out, "<a href=\"{}\" rel=\"noreferrer\">", escaped(link));
        }
        for (_, name) in names.iter().filter(|(is, _)| *is) {
            let _ = write!(out, "<{name}>");
        }
        for (place, line) in span.text.split('\n').enumerate() {
            if place > 0 {
                out.push_str("<br>");
            }
            escape(out, line);
        }
        for (_, name) in names.iter().rev().filter(|(is, _)| *is) {
            let _ = write!(out, "</{name}>");
        }
        if span.link.is_some() {
            out.push_str("</a>");
        }
    }
}
