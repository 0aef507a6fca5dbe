//! Other values in the text of a config.

use std::collections::HashMap;
use std::ops::Range;

use super::tree::{Content, Id, Place, Tree};
use super::{Changed, SetError};
use crate::sweep::{Kind, Scalar};

/// The config with other values under existing keys. Items of lists are named by their index: `layers.0`.
///
/// - The value of a key is replaced where it stands; comments, order and spacing of everything else stay.
/// - A list of single values can be replaced by one value: so a list in a config becomes the axis of a sweep.
/// - A value that is a list or mapping within brackets can take the place of any value.
/// - The result is read again: every other value must be what it was.
///
/// # Errors
/// [`SetError`]; then nothing is changed.
pub fn set(text: &str, changes: &[(String, Scalar)]) -> Result<Changed, SetError> {
    let tree = Tree::parse(text)?;
    let places = tree.places()?;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut warnings = Vec::new();
    for (index, (key, value)) in changes.iter().enumerate() {
        let refuse = |why: &str| SetError::NotSettable { key: key.clone(), why: why.into() };
        if changes[..index].iter().any(|(earlier, _)| inside(earlier, key) || inside(key, earlier)) {
            return Err(refuse("it is named twice, or together with what it is a part of. Name it once."));
        }
        let place = find(&tree, &places, key)?;
        let node = &tree.nodes[place.node];
        match &tree.resolve(place.node).content {
            Content::Map(_) if value.kind() != Kind::Flow => {
                return Err(refuse("it is a mapping. Set the keys in it one by one."));
            }
            Content::Map(_) | Content::List(_) if node.block && holds_more(&tree, place.node) => {
                return Err(refuse(
                    "it holds lists or mappings over several lines. Change them in the text.",
                ));
            }
            _ => {}
        }
        warn(&tree, place, value, &mut warnings);
        if node.anchored {
            shared(&tree, &places, place, &mut warnings);
        }
        edits.extend(replacement(text, &tree, place, value).ok_or_else(|| by_hand(key))?);
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut changed = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for (range, new) in edits {
        // Two changes of the same bytes would have been of the same key.
        changed.push_str(text.get(done..range.start).unwrap_or_default());
        changed.push_str(&new);
        done = range.end;
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    verify(&tree, &places, &changed, changes)?;
    Ok(Changed { text: changed, warnings })
}

fn by_hand(key: &str) -> SetError {
    SetError::NotSettable {
        key: key.into(),
        why: "its place in the text can't be changed without touching other values. Change it in the text."
            .into(),
    }
}

/// Whether `path` is `around`, or lies in it.
fn inside(path: &str, around: &str) -> bool {
    path.strip_prefix(around).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn holds_more(tree: &Tree, id: Id) -> bool {
    match &tree.nodes[id].content {
        Content::List(items) => items
            .iter()
            .any(|item| !matches!(tree.nodes[*item].content, Content::Scalar(_) | Content::Alias(_))),
        Content::Map(_) => true,
        Content::Scalar(_) | Content::Alias(_) => false,
    }
}

fn find<'a>(tree: &Tree, places: &'a [Place], key: &str) -> Result<&'a Place, SetError> {
    let mut found = places.iter().filter(|place| place.path == key);
    let refuse = |why: String| Err(SetError::NotSettable { key: key.into(), why });
    match (found.next(), found.next()) {
        (Some(place), None) => return Ok(place),
        (Some(_), Some(_)) => {
            return refuse("two keys of the config have this path, one of them with dots in its name. Change it in the text.".into());
        }
        (None, _) => {}
    }
    let behind = places.iter().find(|place| {
        key != place.path
            && inside(key, &place.path)
            && match &tree.nodes[place.node].content {
                Content::Alias(_) => true,
                Content::Map(entries) => entries.iter().any(|entry| entry.key.as_deref() == Some("<<")),
                _ => false,
            }
    });
    if let Some(place) = behind {
        return refuse(format!(
            "“{}” takes keys from another place (an alias or <<). Set it there, or write it out here.",
            place.path
        ));
    }
    Err(SetError::Unknown { key: key.into(), near: nearest(places, key) })
}

/// The replaced bytes and what comes in their place.
fn replacement(
    text: &str,
    tree: &Tree,
    place: &Place,
    value: &Scalar,
) -> Option<Vec<(Range<usize>, String)>> {
    let node = &tree.nodes[place.node];
    let new = value.to_yaml();
    let start = node.span.start;
    if !node.block && !node.span.is_empty() {
        return Some(vec![(node.span.clone(), new)]);
    }
    // Nothing, or a block: it begins behind the colon of its key.
    let key = place.key.as_ref()?;
    let behind = text.get(key.end..)?;
    let colon = key.end + behind.len() - behind.trim_start_matches([' ', '\t']).strip_prefix(':')?.len();
    let spaced = format!(" {new}");
    match &node.content {
        Content::Scalar(_) if !node.block => Some(vec![(colon..colon, spaced)]),
        Content::Scalar(_) => {
            // The mark of a block (| or >) with nothing before it, and the text up to its last line end.
            let header = text.get(colon..start)?;
            if !header.trim_start().starts_with(['|', '>']) {
                return None;
            }
            let content = text.get(start..node.span.end)?;
            let kept = start + content.trim_end_matches(['\n', '\r']).len();
            let end = if content.trim().is_empty() { colon + header.trim_end().len() } else { kept };
            Some(vec![(colon..end, spaced)])
        }
        Content::List(items) => {
            // The line of the key stays with its comment; the lines of the items go.
            let line_end = colon + text.get(colon..start)?.find('\n')?;
            let line_end = if text[..line_end].ends_with('\r') { line_end - 1 } else { line_end };
            let last = &tree.nodes[*items.last()?];
            (!last.block).then(|| vec![(colon..colon, spaced), (line_end..last.span.end, String::new())])
        }
        Content::Map(_) | Content::Alias(_) => None,
    }
}

/// What the user may not have meant.
fn warn(tree: &Tree, place: &Place, value: &Scalar, warnings: &mut Vec<String>) {
    let path = &place.path;
    let was = match &tree.resolve(place.node).content {
        // A value of a sweep is compared with the items of the list that it was taken from.
        Content::List(items) if value.kind() != Kind::Flow => {
            items.iter().find_map(|item| match &tree.resolve(*item).content {
                Content::Scalar(scalar) => Some(scalar),
                _ => None,
            })
        }
        Content::Scalar(scalar) => Some(scalar),
        _ => None,
    };
    let number = |kind| matches!(kind, Kind::Int | Kind::Float);
    if let Some(was) = was {
        let (old, new) = (was.kind(), value.kind());
        if old != new && old != Kind::Null && !(number(old) && number(new)) {
            warnings.push(format!(
                "“{path}” was {} ({}) and becomes {} ({}).",
                old.words(),
                was.to_yaml(),
                new.words(),
                value.to_yaml()
            ));
        }
    }
    let text = value.as_str();
    if value.kind() == Kind::Float
        && let Some((mantissa, exponent)) = text.split_once(['e', 'E'])
        && !(mantissa.contains('.') && exponent.starts_with(['-', '+']))
    {
        let sign = if exponent.starts_with(['-', '+']) { "" } else { "+" };
        let point = if mantissa.contains('.') { "" } else { ".0" };
        warnings.push(format!(
            "PyYAML reads {text} of “{path}” as text. If your program uses it, write {mantissa}{point}e{sign}{exponent}."
        ));
    }
}

/// Warns of the keys that change too, because they are aliases of this one.
fn shared(tree: &Tree, places: &[Place], changed: &Place, warnings: &mut Vec<String>) {
    let alias =
        |place: &&Place| matches!(tree.nodes[place.node].content, Content::Alias(to) if to == changed.node);
    for other in places.iter().filter(alias).take(5) {
        warnings.push(format!("“{}” changes too: it is an alias of “{}”.", other.path, changed.path));
    }
}

/// What a place holds, without where it stands in the text.
#[derive(Debug, PartialEq)]
enum Shape<'a> {
    Scalar(&'a Scalar),
    Alias(&'a str),
    List(usize),
    Map(usize),
}

/// The shapes by path, in order; what lies at or in one of `skipped` is left out.
fn shapes<'a>(
    tree: &'a Tree,
    places: &'a [Place],
    skipped: &[(String, Scalar)],
) -> Vec<(&'a str, Shape<'a>)> {
    let paths: HashMap<Id, &str> = places.iter().map(|place| (place.node, place.path.as_str())).collect();
    let kept = places.iter().filter(|place| !skipped.iter().any(|(key, _)| inside(&place.path, key)));
    kept.map(|place| {
        let shape = match &tree.nodes[place.node].content {
            Content::Scalar(scalar) => Shape::Scalar(scalar),
            Content::Alias(target) => Shape::Alias(paths.get(target).copied().unwrap_or_default()),
            Content::List(items) => Shape::List(items.len()),
            Content::Map(entries) => Shape::Map(entries.len()),
        };
        (place.path.as_str(), shape)
    })
    .collect()
}

/// Holds the result against what was asked for.
fn verify(tree: &Tree, places: &[Place], text: &str, changes: &[(String, Scalar)]) -> Result<(), SetError> {
    let first = || changes.first().map_or("", |(key, _)| key.as_str());
    let new_tree = Tree::parse(text).map_err(|_| by_hand(first()))?;
    let new_places = new_tree.places().map_err(|_| by_hand(first()))?;
    for (key, value) in changes {
        let place = new_places.iter().find(|place| place.path == *key);
        let set = place.is_some_and(|place| match &new_tree.nodes[place.node].content {
            Content::Scalar(scalar) => scalar == value,
            Content::List(_) | Content::Map(_) => value.kind() == Kind::Flow,
            Content::Alias(_) => false,
        });
        if !set {
            return Err(by_hand(key));
        }
    }
    if shapes(tree, places, changes) == shapes(&new_tree, &new_places, changes) {
        Ok(())
    } else {
        Err(by_hand(first()))
    }
}

/// Up to three existing keys that may have been meant, the most likely first.
fn nearest(places: &[Place], key: &str) -> Vec<String> {
    const LOOKED_AT: usize = 5000;
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_lowercase();
    let (wanted, wanted_last) = (key.to_lowercase(), last(key));
    let mut near: Vec<(usize, &str)> = places
        .iter()
        .filter(|place| place.key.is_some() && place.path.len() <= 200)
        .take(LOOKED_AT)
        .filter_map(|place| {
            let whole = distance(&wanted, &place.path.to_lowercase());
            // The same name elsewhere is nearer than a similar one.
            let ends = distance(&wanted_last, &last(&place.path)) * 2 + usize::from(wanted_last != wanted);
            let far = whole.min(ends);
            (far <= (key.chars().count() / 2).clamp(2, 8)).then_some((far, place.path.as_str()))
        })
        .collect();
    near.sort_by_key(|(far, path)| (*far, path.len()));
    near.into_iter().take(3).map(|(_, path)| path.to_owned()).collect()
}

/// The edit distance of Levenshtein, of the first 200 characters.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().take(200).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (done, from) in left.chars().take(200).enumerate() {
        let mut diagonal = done;
        row[0] = done + 1;
        for (at, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[at + 1];
            row[at + 1] = replaced.min(diagonal + 1).min(row[at] + 1);
        }
    }
    row[right.len()]
}
