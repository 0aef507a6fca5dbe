#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::page::MARGIN;
use super::*;

/// As wide as many letters are: half their size, in bold a little more.
fn measure(text: &str, face: Face, size: f64) -> f64 {
    let each = match face {
        Face::Regular | Face::Emphasis => 0.5,
        Face::Strong => 0.55,
        Face::Code => 0.6,
    };
    text.chars().count() as f64 * each * size
}

fn laid(document: &Document) -> Vec<Page> {
    pages(document, &measure)
}

/// All text of a report in the order in which it stands, without the foot of each page.
fn told(pages: &[Page]) -> Vec<String> {
    let foot = PAGE.1 - MARGIN;
    let mut all = Vec::new();
    for item in pages.iter().flat_map(|page| &page.items) {
        match item {
            Item::Text { y, text, .. } if *y < foot => all.push(text.clone()),
            _ => {}
        }
    }
    all
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn assert_inside(pages: &[Page]) {
    for (place, page) in pages.iter().enumerate() {
        for item in &page.items {
            let [left, top, right, bottom] = match item {
                Item::Text { x, y, width, size, .. } => [*x, y - size, x + width, y + size * 0.3],
                Item::Box { x, y, width, height, .. } | Item::Picture { x, y, width, height, .. } => {
                    [*x, *y, x + width, y + height]
                }
            };
            let inside = left >= MARGIN - 0.1
                && right <= PAGE.0 - MARGIN + 0.1
                && top >= MARGIN - 2.0
                && bottom <= PAGE.1 - MARGIN * 0.4;
            assert!(inside, "page {place}: {item:?}");
        }
    }
}

fn figure(number: usize, caption: &str, high: f64) -> Figure {
    Figure {
        number,
        svg: "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"85mm\" height=\"55mm\" viewBox=\"0 0 10 10\"><rect width=\"10\" height=\"10\" fill=\"#ffffff\"/></svg>".into(),
        width: 320.0,
        height: high,
        caption: caption.into(),
        notes: Vec::new(),
    }
}

fn sheet(columns: usize, rows: usize, cell: impl Fn(usize, usize) -> String) -> Sheet {
    let column = |at: usize| SheetColumn { label: format!("column{at}"), numbers: at % 2 == 1 };
    let row = |at: usize| {
        (0..columns).map(|it| SheetCell { text: cell(at, it), best: at == 0 && it == 1 }).collect()
    };
    Sheet { columns: (0..columns).map(column).collect(), rows: (0..rows).map(row).collect(), note: None }
}

fn small() -> Document {
    let notes = "A *warm-up* of **500 steps** helps, see <https://example.org/a?b=1&c=2>.\n\n- first\n- second with `code`\n\n| lr | loss |\n|---|---:|\n| 0.1 | 0.42 |\n";
    Document {
        title: "Warm-up & <b>friends</b>".into(),
        made: "Made 2026-11-22 09:30 by Athanor 0.1.0 from 2 runs".into(),
        parts: vec![
            Part::Text(notes.into()),
            Part::Heading("train".into()),
            Part::Figures(vec![figure(1, "loss", 200.0), figure(2, "accuracy", 200.0)]),
            Part::Table(Sheet {
                note: Some("Bold: the best.".into()),
                ..sheet(3, 2, |row, column| format!("r{row}c{column}"))
            }),
            Part::Small("Drawn from all points.".into()),
        ],
    }
}

#[test]
fn a_small_report_as_html() {
    let text = html(&small(), "0.1.0");
    let (before, rest) = text.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    insta::assert_snapshot!(format!("{before}<style></style>{after}"));
}

#[test]
fn a_small_report_as_markdown() {
    insta::assert_snapshot!(source(&small()));
}

#[test]
fn hostile_words_are_words() {
    const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>' onload='x javascript:alert(1) </style></title>";
    let mut document = Document {
        title: EVIL.into(),
        made: EVIL.into(),
        parts: vec![
            Part::Heading(EVIL.into()),
            Part::Text(format!(
                "{EVIL}\n\n[x](javascript:alert(1)) ![x](https://a.b/c.png \"{EVIL}\") `{EVIL}`\n\n<iframe src=x></iframe>\n\n<svg onload=alert(1)>\n\n```\n{EVIL}\n```\n\n| {EVIL} |\n|---|\n| <a onclick=x> |"
            )),
            Part::Small(EVIL.into()),
            Part::Figures(vec![Figure { notes: vec![EVIL.into()], ..figure(1, EVIL, 100.0) }]),
            Part::Table(sheet(2, 1, |_, _| EVIL.into())),
        ],
    };
    document.parts.push(Part::Text(format!("[{EVIL}](https://a.b/\"onmouseover=\"alert(1))")));
    let text = html(&document, EVIL);
    let lower = text.to_lowercase();
    let tags: Vec<&str> = lower.split('<').skip(1).filter_map(|it| it.split('>').next()).collect();
    for tag in &tags {
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        let known = [
            "",
            "html",
            "head",
            "meta",
            "title",
            "style",
            "body",
            "main",
            "header",
            "h1",
            "h2",
            "h3",
            "p",
            "div",
            "figure",
            "svg",
            "rect",
            "figcaption",
            "strong",
            "span",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "a",
            "code",
            "pre",
            "em",
            "br",
        ];
        assert!(known.contains(&name.as_str()), "<{tag}>");
        // What stands outside of quotes are the names of attributes.
        let bare: String = tag.split('"').step_by(2).collect();
        for attribute in bare.split_whitespace().skip(1).map(|it| it.trim_end_matches(['=', '/'])) {
            let known = [
                "",
                "lang",
                "charset",
                "http-equiv",
                "content",
                "name",
                "class",
                "role",
                "aria-label",
                "tabindex",
                "scope",
                "width",
                "height",
                "xmlns",
                "viewbox",
                "fill",
                "href",
                "rel",
                "html",
            ];
            assert!(known.contains(&attribute), "{attribute}: <{tag}>");
        }
        assert!(!tag.contains("href=\"javascript"), "<{tag}>");
    }
    assert!(text.contains("default-src 'none'") && !lower.contains("<script"));
    let head = text.find("Content-Security-Policy").unwrap();
    assert!(head < text.find("<title>").unwrap(), "the policy stands before all else");
    for page in laid(&document) {
        assert!(!page.svg().contains("<script") && !page.svg().contains("<img"));
    }
}

#[test]
fn a_heading_stays_with_its_chart_and_a_chart_with_its_caption() {
    let mut parts = Vec::new();
    for number in 1..=40 {
        parts.push(Part::Heading(format!("heading{number}")));
        parts.push(Part::Figures(vec![figure(number, "caption", 120.0 + number as f64 * 7.0)]));
    }
    let pages = laid(&Document { title: "t".into(), made: String::new(), parts });
    assert_inside(&pages);
    let mut seen = 0;
    for page in &pages {
        let kinds: Vec<&str> = page
            .items
            .iter()
            .filter_map(|item| match item {
                Item::Picture { .. } => Some("picture"),
                Item::Text { text, .. } if text.starts_with("heading") => Some("heading"),
                Item::Text { text, .. } if text.starts_with("Figure") => Some("caption"),
                _ => None,
            })
            .collect();
        assert!(kinds.chunks(3).all(|it| it == ["heading", "picture", "caption"]), "{kinds:?}");
        seen += kinds.len() / 3;
    }
    assert_eq!(seen, 40);
}

#[test]
fn a_table_has_its_head_on_every_page_and_all_its_rows() {
    let table = sheet(4, 300, |row, column| format!("cell{row}x{column}"));
    let pages = laid(&Document { title: "t".into(), made: String::new(), parts: vec![Part::Table(table)] });
    assert!(pages.len() > 3);
    assert_inside(&pages);
    let heads = told(&pages).iter().filter(|text| *text == "column0").count();
    assert_eq!(heads, pages.len());
    let rows: Vec<String> = told(&pages).into_iter().filter(|text| text.starts_with("cell")).collect();
    let all: Vec<String> =
        (0..300).flat_map(|row| (0..4).map(move |column| format!("cell{row}x{column}"))).collect();
    assert_eq!(rows, all);
}

#[test]
fn a_wide_table_goes_on_below_with_its_first_column() {
    let table = sheet(40, 3, |row, column| format!("value{row}x{column}"));
    let pages = laid(&Document { title: "t".into(), made: String::new(), parts: vec![Part::Table(table)] });
    assert_inside(&pages);
    let all = told(&pages);
    for (row, column) in [(0, 39), (2, 20), (1, 1)] {
        let count = all.iter().filter(|text| **text == format!("value{row}x{column}")).count();
        assert_eq!(count, 1, "{row} {column}");
    }
    assert!(all.iter().filter(|text| *text == "value0x0").count() > 3);
}

#[test]
fn a_heading_stays_with_the_head_of_its_table() {
    for before in 0..40 {
        let mut table = sheet(3, 2, |row, column| format!("r{row}c{column}"));
        table.columns[1].label = "a name of many words that is broken into lines ".repeat(6);
        let mut parts = vec![Part::Text("line\n\n".repeat(before))];
        parts.extend([Part::Heading("heading".into()), Part::Table(table)]);
        let pages = laid(&Document { title: "t".into(), made: String::new(), parts });
        let of = |word: &str| {
            let there = |page: &Page| {
                page.items.iter().any(|it| matches!(it, Item::Text { text, .. } if text == word))
            };
            pages.iter().position(there)
        };
        assert_eq!(of("heading"), of("r0c0"), "after {before} paragraphs");
    }
}

#[test]
fn a_page_says_where_its_links_lead() {
    let parts = vec![Part::Text("go to [the page](https://example.org) now".into())];
    let pages = laid(&Document { title: "t".into(), made: String::new(), parts });
    let links = pages[0].links();
    assert_eq!(links.len(), 1, "{links:?}");
    assert_eq!(links[0].address, "https://example.org");
    let [x, y, width, height] = links[0].place;
    assert!(x > MARGIN && y > MARGIN && width > 30.0 && height > 8.0, "{links:?}");
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![8 => "[a-z]{1,12}", 1 => "[a-z]{60,260}", 1 => "[α-ωА-я漢字]{1,9}"]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(word(), 1..120).prop_map(|words| words.join(" "))
}

/// A part, with the letters that it is to tell, in order.
fn part() -> impl Strategy<Value = (Part, String)> {
    let join = |items: &[String]| letters(&items.concat());
    prop_oneof![
        text().prop_map(|text| (Part::Text(text.clone()), letters(&text))),
        text().prop_map(|text| (Part::Heading(text.clone()), letters(&text))),
        text().prop_map(|text| (Part::Small(text.clone()), letters(&text))),
        prop::collection::vec(text(), 1..6).prop_map(move |items| {
            let all: String = items.iter().map(|item| format!("- {item}\n")).collect();
            let told: String = items.iter().map(|item| format!("•{}", letters(item))).collect();
            (Part::Text(all), told)
        }),
        prop::collection::vec(text(), 1..30).prop_map(move |rows| {
            let columns = vec![SheetColumn { label: "one".into(), numbers: false }];
            let cell = |text: &String| vec![SheetCell { text: text.clone(), best: false }];
            let told = join(&rows);
            (Part::Table(Sheet { columns, rows: rows.iter().map(cell).collect(), note: None }), told)
        }),
        (text(), 10.0..3000.0f64).prop_map(|(caption, high)| {
            let told = format!("Figure7.{}", letters(&caption));
            (Part::Figures(vec![figure(7, &caption, high)]), told)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn nothing_lies_outside_no_letter_is_lost_and_order_is_kept(all in prop::collection::vec(part(), 0..12)) {
        let parts = all.iter().map(|(part, _)| part.clone()).collect();
        let pages = laid(&Document { title: "title".into(), made: "made".into(), parts });
        assert_inside(&pages);
        // The head of a table is told again on each page.
        let told: String = told(&pages).iter().filter(|text| *text != "one").map(|text| letters(text)).collect();
        let wanted: String = all.iter().map(|(_, told)| told.as_str()).collect();
        prop_assert_eq!(told.replace("one", ""), format!("titlemade{wanted}").replace("one", ""));
    }

    #[test]
    fn any_notes_are_read_and_set(notes in "(\\PC|[\n#>*|`~_<\\[\\]()!-]){0,300}") {
        let document = Document { title: notes.clone(), made: String::new(), parts: vec![Part::Text(notes)] };
        assert_inside(&laid(&document));
        let text = html(&document, "1");
        prop_assert!(!text.to_lowercase().contains("<script"));
    }
}
