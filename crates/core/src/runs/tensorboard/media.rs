//! Images and histograms in event files, of both forms: as values of their own, and as tensors of the plugins that show
//! them. An image's tensor is a list of strings: width, height, and one encoded picture after the other.

use std::collections::HashMap;

use super::super::media::{At, Form, MAX_KEY, Media, Medium, MediumKind};
use super::super::protobuf::{Fields, Malformed, Value};
use super::super::tags::MAX_TAGS;
use super::event::{self, Event, Held, Metadata, Summary};
use super::record::{self, DATA, Found, Records};

/// Lists them.
pub(super) struct EventMedia {
    records: Records,
    /// What is shown under a tag, by its first value's word.
    shown: HashMap<Vec<u8>, MediumKind>,
}

impl EventMedia {
    pub(super) fn new() -> Self {
        let records = Records::resume(record::Place::default(), event::is_useless);
        Self { records, shown: HashMap::new() }
    }
}

impl Media for EventMedia {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Medium>) {
        let shown = &mut self.shown;
        self.records.push(bytes, &mut |found| {
            let Found::Record(offset, data) = found else { return };
            let before = out.len();
            // A record counts as a whole or not at all, as for points.
            if list(offset, data, shown, out).is_err() {
                out.truncate(before);
            }
        });
    }
}

/// Lists what is in a record's data, which begins at `offset` in the file with its header.
fn list(
    offset: u64,
    data: &[u8],
    shown: &mut HashMap<Vec<u8>, MediumKind>,
    out: &mut Vec<Medium>,
) -> Result<(), Malformed> {
    let event = Event::parse(data)?;
    for value in event.values() {
        let summary = Summary::parse(value?)?;
        if summary.tag.len() > MAX_KEY {
            continue;
        }
        if let Some(message) = summary.metadata
            && !shown.contains_key(summary.tag)
            && shown.len() < MAX_TAGS
        {
            let kind = match Metadata::parse(message)?.plugin().as_deref() {
                Some("images") => Some(MediumKind::Image),
                Some("histograms") => Some(MediumKind::Histogram),
                _ => None,
            };
            shown.extend(kind.map(|kind| (summary.tag.to_vec(), kind)));
        }
        let place = |bytes: &[u8]| {
            let from = offset + DATA + (bytes.as_ptr() as usize - data.as_ptr() as usize) as u64;
            from..from + bytes.len() as u64
        };
        let mut add = |kind, index, size, bytes: &[u8], form| {
            out.push(Medium {
                kind,
                key: String::from_utf8_lossy(summary.tag).into_owned(),
                index,
                step: event.step as f64,
                wall_ms: event.wall_ms(),
                size,
                at: At::Bytes { range: place(bytes), form },
            });
        };
        match (summary.held, shown.get(summary.tag)) {
            (Held::Image(image), _) => {
                let (mut width, mut height, mut encoded) = (0, 0, None);
                for field in Fields::new(image) {
                    match field? {
                        (1, Value::Varint(number)) => height = number,
                        (2, Value::Varint(number)) => width = number,
                        (4, Value::Bytes(bytes)) => encoded = Some(bytes),
                        _ => {}
                    }
                }
                if let Some(bytes) = encoded {
                    add(MediumKind::Image, 0, size(width, height), bytes, Form::Picture);
                }
            }
            (Held::Histogram(message), _) => add(MediumKind::Histogram, 0, None, message, Form::Buckets),
            (Held::Tensor(tensor), Some(MediumKind::Histogram)) => {
                add(MediumKind::Histogram, 0, None, tensor, Form::Tensor);
            }
            (Held::Tensor(tensor), Some(MediumKind::Image)) => {
                let mut sizes = [0; 2];
                let mut at = 0u32;
                for field in Fields::new(tensor) {
                    let (8, Value::Bytes(bytes)) = field? else { continue };
                    match sizes.get_mut(at as usize) {
                        Some(number) => *number = decimal(bytes),
                        None => {
                            add(MediumKind::Image, at - 2, size(sizes[0], sizes[1]), bytes, Form::Picture)
                        }
                    }
                    at += 1;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn decimal(bytes: &[u8]) -> u64 {
    std::str::from_utf8(bytes).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

/// A size, where it is said.
fn size(width: u64, height: u64) -> Option<(u32, u32)> {
    let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
    (width > 0 && height > 0).then_some((width, height))
}
