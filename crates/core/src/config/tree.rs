//! A config as a tree of nodes that know where in the text they stand.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle, options};

use super::{LARGEST, Problem};
use crate::sweep::Scalar;

/// Keys and values at most, also once every alias is replaced by what it stands for: a text of some hundred bytes can stand
/// for billions (“billion laughs”), and other readers would expand it.
const MOST_NODES: u64 = 100_000;

/// Bytes of all dotted paths together at most.
const LONGEST_PATHS: usize = 16 << 20;

/// The index of a node in [`Tree::nodes`].
pub type Id = usize;

/// What a node holds.
#[derive(Debug, PartialEq)]
pub enum Content {
    /// A single value.
    Scalar(Scalar),
    /// Another name for an anchored node.
    Alias(Id),
    /// A list.
    List(Vec<Id>),
    /// A mapping.
    Map(Vec<Entry>),
}

/// One key of a mapping.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// The key, unless it is a list or mapping itself.
    pub key: Option<String>,
    /// The line of the key, from 1.
    pub line: usize,
    /// The bytes of the key, with its quotes.
    pub span: Range<usize>,
    /// The value.
    pub value: Id,
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// Its bytes, without anchor and tag. Of a block (neither brackets nor quotes) only where its content stands.
    pub span: Range<usize>,
    /// Whether it is a block: `|`, `>`, or a list or mapping by indentation.
    pub block: bool,
    /// Whether it has a name that aliases may refer to.
    pub anchored: bool,
    /// Its line, from 1.
    pub line: usize,
    /// Nodes in it, itself included and aliases expanded.
    weight: u64,
}

/// A parsed config.
#[derive(Debug)]
pub struct Tree {
    /// All nodes.
    pub nodes: Vec<Node>,
    /// The outermost one; None for a text without any.
    pub root: Option<Id>,
}

/// A node with its place in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The dotted path.
    pub path: String,
    /// The node.
    pub node: Id,
    /// The bytes of its key, if a mapping holds it.
    pub key: Option<Range<usize>>,
    /// The line of its key, or its own.
    pub line: usize,
}

/// A list or mapping that is not closed yet.
struct Open {
    id: Id,
    /// The key that waits for its value: the key, its line and its bytes.
    key: Option<(Option<String>, usize, Range<usize>)>,
    seen: HashSet<String>,
}

impl Tree {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if text.len() > LARGEST {
            return Err(Problem {
                line: 1,
                column: 1,
                message: format!(
                    "The config has {} bytes, and {LARGEST} (1 MiB) are the most. Leave data out of it, and name the file instead.",
                    text.len()
                ),
            });
        }
        let mut build = Build {
            tree: Self { nodes: Vec::new(), root: None },
            open: Vec::new(),
            anchors: HashMap::new(),
            documents: 0,
        };
        let options = options! { emit_comments: false };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event
                .map_err(|error| problem(error.marker(), format!("This is not YAML: {}.", error.info())))?;
            build.take(event, &span)?;
        }
        Ok(build.tree)
    }

    /// The node itself, or the one that an alias stands for.
    pub fn resolve(&self, id: Id) -> &Node {
        match self.nodes[id].content {
            Content::Alias(target) => &self.nodes[target],
            _ => &self.nodes[id],
        }
    }

    /// All nodes but the root with their paths, in the order of the text. Nothing is looked for behind aliases, and
    /// keys that are lists or mappings themselves have no path.
    pub fn places(&self) -> Result<Vec<Place>, Problem> {
        let mut places: Vec<Place> = Vec::new();
        let mut bytes = 0;
        let mut stack: Vec<Place> = self
            .root
            .map(|node| Place { path: String::new(), node, key: None, line: 1 })
            .into_iter()
            .collect();
        while let Some(place) = stack.pop() {
            let within = |name: &str| {
                if place.path.is_empty() { name.to_owned() } else { format!("{}.{name}", place.path) }
            };
            let before = stack.len();
            match &self.nodes[place.node].content {
                Content::List(items) => stack.extend(items.iter().enumerate().map(|(index, node)| Place {
                    path: within(&index.to_string()),
                    node: *node,
                    key: None,
                    line: self.nodes[*node].line,
                })),
                Content::Map(entries) => stack.extend(entries.iter().filter_map(|entry| {
                    let key = entry.key.as_ref().filter(|key| *key != "<<")?;
                    Some(Place {
                        path: within(key),
                        node: entry.value,
                        key: Some(entry.span.clone()),
                        line: entry.line,
                    })
                })),
                Content::Scalar(_) | Content::Alias(_) => {}
            }
            stack[before..].reverse();
            bytes += place.path.len() + stack[before..].iter().map(|child| child.path.len()).sum::<usize>();
            if bytes > LONGEST_PATHS {
                return Err(Problem {
                    line: place.line,
                    column: 1,
                    message: "The config is nested too deeply for its size: its dotted keys would be longer than 16 MiB. Make it flatter.".into(),
                });
            }
            if Some(place.node) != self.root {
                places.push(place);
            }
        }
        Ok(places)
    }
}

fn problem(marker: &Marker, message: String) -> Problem {
    Problem { line: marker.line(), column: marker.col() + 1, message }
}

struct Build {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, Id>,
    documents: u32,
}

impl Build {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(problem(
                        &span.start,
                        "A second document begins here, and a config is one. Take “---” out, or put it into a file of its own.".into(),
                    ));
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain
                    && tag.is_none_or(|tag| tag.suffix() != "str" && tag.original_handle() != "!");
                let empty = span.start == span.end;
                let scalar = match plain {
                    // The parser gives ~ for what is not there.
                    true if empty => Scalar::plain(""),
                    true => Scalar::plain(&text),
                    false => Scalar::text(&text),
                };
                let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                let id = self.add(Content::Scalar(scalar), span, anchor, block)?;
                self.place(id, span)?;
            }
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                let target = target.filter(|target| self.open.iter().all(|open| open.id != *target));
                let target = target.ok_or_else(|| {
                    problem(
                        &span.start,
                        "This alias stands for something that it is a part of. Write it out.".into(),
                    )
                })?;
                // An alias of an alias stands for the same node.
                let id = self.add(Content::Alias(target), span, 0, false)?;
                self.tree.nodes[id].weight = self.tree.nodes[target].weight;
                self.place(id, span)?;
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(Content::List(Vec::new()), span, anchor, style)?;
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(Content::Map(Vec::new()), span, anchor, style)?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(closed) = self.open.pop() else { return Ok(()) };
                if !self.tree.nodes[closed.id].block {
                    self.tree.nodes[closed.id].span.end = bytes(span).end;
                }
                self.place(closed.id, span)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        content: Content,
        span: &Span,
        anchor: usize,
        style: StructureStyle,
    ) -> Result<(), Problem> {
        let id = self.add(content, span, anchor, style == StructureStyle::Block)?;
        self.open.push(Open { id, key: None, seen: HashSet::new() });
        Ok(())
    }

    fn add(&mut self, content: Content, span: &Span, anchor: usize, block: bool) -> Result<Id, Problem> {
        let id = self.tree.nodes.len();
        self.too_many(id as u64 + 1, span)?;
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        if self.tree.root.is_none() {
            if !matches!(content, Content::Map(_) | Content::Scalar(_))
                || matches!(&content, Content::Scalar(scalar) if !scalar.as_str().is_empty())
            {
                return Err(problem(
                    &span.start,
                    "A config is a mapping of keys to values, such as lr: 0.1; this is not one.".into(),
                ));
            }
            self.tree.root = Some(id);
        }
        self.tree.nodes.push(Node {
            content,
            span: bytes(span),
            block,
            anchored: anchor > 0,
            line: span.start.line(),
            weight: 1,
        });
        Ok(id)
    }

    /// Hands a finished node to the list or mapping around it.
    fn place(&mut self, id: Id, span: &Span) -> Result<(), Problem> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        let node = &self.tree.nodes[id];
        let (weight, key, line, place) = (node.weight, scalar_text(node), node.line, node.span.clone());
        let around = &mut self.tree.nodes[open.id];
        around.weight = around.weight.saturating_add(weight);
        let total = around.weight;
        match &mut around.content {
            Content::List(items) => items.push(id),
            Content::Map(entries) => match open.key.take() {
                None => {
                    if let Some(key) = &key
                        && key != "<<"
                        && !open.seen.insert(key.clone())
                    {
                        return Err(problem(
                            &span.start,
                            format!(
                                "The key “{key}” stands twice in the same mapping. Take one of them out."
                            ),
                        ));
                    }
                    open.key = Some((key, line, place));
                }
                Some((key, line, span)) => entries.push(Entry { key, line, span, value: id }),
            },
            Content::Scalar(_) | Content::Alias(_) => {}
        }
        self.too_many(total, span)
    }

    fn too_many(&self, count: u64, span: &Span) -> Result<(), Problem> {
        if count <= MOST_NODES {
            return Ok(());
        }
        Err(problem(
            &span.start,
            format!(
                "The config has more than {MOST_NODES} keys and values, aliases counted as what they stand for. Leave data out of it."
            ),
        ))
    }
}

fn scalar_text(node: &Node) -> Option<String> {
    match &node.content {
        Content::Scalar(scalar) => Some(scalar.as_str().to_owned()),
        _ => None,
    }
}

/// The bytes of a span. The parser knows them, because it reads from one text.
fn bytes(span: &Span) -> Range<usize> {
    let start = span.start.byte_offset().unwrap_or(0);
    start..span.end.byte_offset().unwrap_or(start)
}
