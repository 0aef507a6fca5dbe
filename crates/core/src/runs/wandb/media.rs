//! Images and histograms in a W&B file. Images are files below `files/`, which the history names; histograms stand in
//! the history itself.

use super::super::json::{Cursor, Leaf, Next};
use super::super::loose_json;
use super::super::media::{At, MAX_KEY, Media, Medium, MediumKind};
use super::super::protobuf::{Fields, Malformed, Value};
use super::history::{Item, millis};
use super::log::{self, Found, Records};

/// A longer histogram is not listed: each is kept until it is looked at.
const MAX_JSON: usize = 64 << 10;

/// Lists them.
pub(super) struct WandbMedia {
    records: Records,
    next_step: f64,
}

impl WandbMedia {
    pub(super) fn new() -> Self {
        Self { records: Records::resume(log::Place::default()), next_step: 0.0 }
    }
}

impl Media for WandbMedia {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Medium>) {
        let next_step = &mut self.next_step;
        self.records.push(bytes, &mut |found| {
            let Found::Record(_, data) = found else { return };
            let before = out.len();
            if list(data, next_step, out).is_err() {
                out.truncate(before);
            }
        });
    }
}

fn list(data: &[u8], next_step: &mut f64, out: &mut Vec<Medium>) -> Result<(), Malformed> {
    for field in Fields::new(data) {
        let (2, Value::Bytes(history)) = field? else { continue };
        let (mut items, mut step, mut wall_ms) = (Vec::new(), None, None);
        for field in Fields::new(history) {
            match field? {
                (1, Value::Bytes(message)) => {
                    let item = Item::parse(message)?;
                    match &*item.key {
                        "_step" => {
                            step = loose_json::number(item.json).filter(|step| step.is_finite()).or(step)
                        }
                        "_timestamp" => wall_ms = loose_json::number(item.json).and_then(millis),
                        _ if item.json.trim_start().starts_with('{') => items.push(item),
                        _ => {}
                    }
                }
                (2, Value::Bytes(message)) => {
                    for field in Fields::new(message) {
                        if let (1, value) = field? {
                            step = step.or(value.int().map(|step| step as f64));
                        }
                    }
                }
                _ => {}
            }
        }
        let step = step.unwrap_or(*next_step);
        *next_step = step + 1.0;
        for item in items.iter().filter(|item| item.key.len() <= MAX_KEY) {
            read(item, step, wall_ms, out);
        }
    }
    Ok(())
}

/// Reads an object, if it is a medium.
fn read(item: &Item<'_>, step: f64, wall_ms: Option<i64>, out: &mut Vec<Medium>) {
    let (mut kind, mut files) = (String::new(), Vec::new());
    let (mut width, mut height) = (None, None);
    let read = Cursor::new(item.json.as_bytes()).map(|cursor, key| match (key.as_str(), cursor.next()?) {
        ("_type" | "path" | "width" | "height", Next::Leaf) => {
            match (key.as_str(), cursor.leaf()?) {
                ("_type", Leaf::Text(text)) => kind = text,
                ("path", Leaf::Text(text)) => files.push(text),
                ("width", Leaf::Number(number, _)) => width = Some(number as u32),
                ("height", Leaf::Number(number, _)) => height = Some(number as u32),
                _ => {}
            }
            Ok(())
        }
        // Several images at once.
        ("filenames", Next::List) => cursor.list(|cursor, _| {
            files.extend(cursor.leaf()?.text());
            Ok(())
        }),
        _ => cursor.skip(),
    });
    if read.is_err() {
        return;
    }
    let medium = |kind, index, at| Medium {
        kind,
        key: item.key.clone().into_owned(),
        index,
        step,
        wall_ms,
        size: width.zip(height).filter(|size: &(u32, u32)| size.0 > 0 && size.1 > 0),
        at,
    };
    match kind.as_str() {
        "image-file" | "images/separated" => {
            let inside = files.into_iter().filter(|path| is_inside(path)).zip(0..);
            out.extend(
                inside
                    .map(|(path, index)| medium(MediumKind::Image, index, At::File(format!("files/{path}")))),
            );
        }
        "histogram" if item.json.len() <= MAX_JSON => {
            out.push(medium(MediumKind::Histogram, 0, At::Json(item.json.to_owned())));
        }
        _ => {}
    }
}

/// Whether a path leads nowhere but into the run's folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
