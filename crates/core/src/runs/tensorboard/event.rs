//! Events: what the records of an event file say.
//!
//! Field numbers are those of TensorFlow's `event.proto`, `summary.proto`, `tensor.proto` and `types.proto`, and of
//! the hparams plugin's `plugin_data.proto` and `api.proto`.

use half::{bf16, f16};

use super::super::protobuf::{Fields, Malformed, Value, varint};

/// Plugin of single numbers.
pub(super) const SCALARS: &str = "scalars";
/// Plugin of hyperparameters.
pub(super) const HPARAMS: &str = "hparams";
/// Plugin of text.
pub(super) const TEXT: &str = "text";

/// The envelope of what one record says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Event<'a> {
    /// Seconds since the Unix epoch.
    pub(super) wall: f64,
    pub(super) step: i64,
    /// Its message of summaries, and what follows it: a second one is rare, and read too.
    summaries: Option<&'a [u8]>,
    more: Option<Fields<'a>>,
}

const WALL: u32 = 1;
const STEP: u32 = 2;
const GRAPH: u32 = 4;
const SUMMARY: u32 = 5;
const RUN_METADATA: u32 = 8;
const META_GRAPH: u32 = 9;

impl<'a> Event<'a> {
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Malformed> {
        let mut event = Self::default();
        let mut fields = Fields::new(data);
        while let Some(field) = fields.next() {
            match field? {
                (WALL, Value::Fixed64(bits)) => event.wall = f64::from_bits(bits),
                (STEP, Value::Varint(bits)) => event.step = bits.cast_signed(),
                (SUMMARY, Value::Bytes(summary)) if event.summaries.is_none() => {
                    event.summaries = Some(summary);
                    event.more = Some(fields);
                }
                _ => {}
            }
        }
        Ok(event)
    }

    /// The messages of its summary values.
    pub(super) fn values(&self) -> impl Iterator<Item = Result<&'a [u8], Malformed>> + use<'a> {
        let more = self.more.into_iter().flatten().filter_map(|field| match field {
            Ok((SUMMARY, Value::Bytes(summary))) => Some(summary),
            _ => None,
        });
        self.summaries.into_iter().chain(more).flat_map(Fields::new).filter_map(|field| match field {
            Ok((1, Value::Bytes(value))) => Some(Ok(value)),
            Ok(_) => None,
            Err(malformed) => Some(Err(malformed)),
        })
    }

    /// When, in milliseconds since the Unix epoch, if that is a time.
    pub(super) fn wall_ms(&self) -> Option<i64> {
        millis(self.wall)
    }
}

/// Unix time in milliseconds from seconds between 1970 and 5138; anything else is no time.
pub(super) fn millis(seconds: f64) -> Option<i64> {
    (seconds > 0.0 && seconds < 1e11).then(|| (seconds * 1000.0).round() as i64)
}

/// Whether a large record that begins with these bytes holds no summary: a graph, or what profiling found.
pub(super) fn is_useless(mut data: &[u8]) -> bool {
    // Time and step come first, from every writer there is; a field before them that is neither decides too.
    while let Some(key) = varint(&mut data) {
        match (key >> 3, key & 7) {
            (1, 1) if data.len() > 8 => data = &data[8..],
            (2, 0) => {
                if varint(&mut data).is_none() {
                    return false;
                }
            }
            (field, 2) => {
                return [GRAPH, RUN_METADATA, META_GRAPH].iter().any(|&graph| u64::from(graph) == field);
            }
            _ => return false,
        }
    }
    false
}

/// What a summary value holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Held<'a> {
    Nothing,
    Number(f32),
    /// The message of a tensor.
    Tensor(&'a [u8]),
    /// The message of an image.
    Image(&'a [u8]),
    /// The message of a histogram.
    Histogram(&'a [u8]),
    /// Something of a kind of its own, named by the plugin that shows it.
    Kind(&'static str),
}

/// One value of one tag.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Summary<'a> {
    pub(super) tag: &'a [u8],
    pub(super) held: Held<'a>,
    /// The message of its metadata, which only the first value of a tag must have.
    pub(super) metadata: Option<&'a [u8]>,
}

impl<'a> Summary<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut summary = Self { tag: b"", held: Held::Nothing, metadata: None };
        for field in Fields::new(message) {
            match field? {
                (1, Value::Bytes(tag)) => summary.tag = tag,
                (2, Value::Fixed32(bits)) => summary.held = Held::Number(f32::from_bits(bits)),
                // Before TensorFlow 1.0.
                (3, Value::Bytes(_)) => summary.held = Held::Kind("histograms"),
                (4, Value::Bytes(image)) => summary.held = Held::Image(image),
                (5, Value::Bytes(histogram)) => summary.held = Held::Histogram(histogram),
                (6, Value::Bytes(_)) => summary.held = Held::Kind("audio"),
                (8, Value::Bytes(tensor)) => summary.held = Held::Tensor(tensor),
                (9, Value::Bytes(metadata)) => summary.metadata = Some(metadata),
                _ => {}
            }
        }
        Ok(summary)
    }
}

/// Which plugin shows a tag's values, and the plugin's own data.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Metadata<'a> {
    plugin: &'a [u8],
    pub(super) content: &'a [u8],
    /// Another plugin's numbers are numbers too, if it says so.
    scalar: bool,
}

impl<'a> Metadata<'a> {
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, Malformed> {
        let mut metadata = Self::default();
        for field in Fields::new(message) {
            match field? {
                (1, Value::Bytes(plugin)) => {
                    for field in Fields::new(plugin) {
                        match field? {
                            (1, Value::Bytes(name)) => metadata.plugin = name,
                            (2, Value::Bytes(content)) => metadata.content = content,
                            _ => {}
                        }
                    }
                }
                (4, Value::Varint(class)) => metadata.scalar = class == 1,
                _ => {}
            }
        }
        Ok(metadata)
    }

    /// The plugin's name, if one is given.
    pub(super) fn plugin(&self) -> Option<String> {
        if self.scalar {
            return Some(SCALARS.to_owned());
        }
        // Names are a word; a longer one would be kept for each tag.
        let name = &self.plugin[..self.plugin.len().min(64)];
        (!name.is_empty()).then(|| String::from_utf8_lossy(name).into_owned())
    }
}

/// The number that a tensor of one number holds, whatever the shape that says so.
pub(super) fn number(tensor: &[u8]) -> Result<Option<f64>, Malformed> {
    let mut kind = 0;
    let mut content: &[u8] = &[];
    let (mut count, mut last) = (0usize, None);
    let mut elements = 1u64;
    for field in Fields::new(tensor) {
        match field? {
            (1, Value::Varint(number)) => kind = number,
            (2, Value::Bytes(shape)) => elements = size(shape)?,
            (4, Value::Bytes(bytes)) => content = bytes,
            // A list of numbers, packed into bytes or (by old writers) field by field.
            (5, Value::Fixed32(bits)) => (count, last) = (count + 1, Some(f64::from(f32::from_bits(bits)))),
            (6, Value::Fixed64(bits)) => (count, last) = (count + 1, Some(f64::from_bits(bits))),
            (field @ (7 | 10 | 11 | 13 | 16 | 17), Value::Varint(bits)) => {
                (count, last) = (count + 1, Some(integer(field, kind, bits)));
            }
            (5, Value::Bytes(packed)) => {
                count += packed.len() / 4;
                last = packed.last_chunk().map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
            }
            (6, Value::Bytes(packed)) => {
                count += packed.len() / 8;
                last = packed.last_chunk().map(|bytes| f64::from_le_bytes(*bytes));
            }
            (field @ (7 | 10 | 11 | 13 | 16 | 17), Value::Bytes(mut packed)) => {
                while !packed.is_empty() && count < 2 {
                    let bits = varint(&mut packed).ok_or(Malformed)?;
                    (count, last) = (count + 1, Some(integer(field, kind, bits)));
                }
            }
            _ => {}
        }
    }
    if elements != 1 {
        return Ok(None);
    }
    Ok(match count {
        0 if content.is_empty() => None,
        0 => from_content(kind, content),
        1 => last,
        _ => None,
    })
}

/// How many elements a shape has; one of unknown rank has none.
fn size(shape: &[u8]) -> Result<u64, Malformed> {
    let mut elements = 1u64;
    for field in Fields::new(shape) {
        match field? {
            (2, Value::Bytes(dim)) => {
                let mut length = 0;
                for field in Fields::new(dim) {
                    if let (1, Value::Varint(bits)) = field? {
                        length = bits;
                    }
                }
                elements = elements.saturating_mul(length);
            }
            (3, Value::Varint(unknown)) if unknown != 0 => return Ok(0),
            _ => {}
        }
    }
    Ok(elements)
}

const BFLOAT16: u64 = 14;

/// An element of a list of integers. Lists of halves hold the bits of each.
fn integer(field: u32, kind: u64, bits: u64) -> f64 {
    match field {
        13 if kind == BFLOAT16 => bf16::from_bits(bits as u16).to_f64(),
        13 => f16::from_bits(bits as u16).to_f64(),
        16 | 17 => bits as f64,
        11 => f64::from(u8::from(bits != 0)),
        _ => bits.cast_signed() as f64,
    }
}

/// The number in `tensor_content`, which holds exactly one of that type.
fn from_content(kind: u64, content: &[u8]) -> Option<f64> {
    Some(match kind {
        1 => f64::from(f32::from_le_bytes(content.try_into().ok()?)),
        2 => f64::from_le_bytes(content.try_into().ok()?),
        3 => f64::from(i32::from_le_bytes(content.try_into().ok()?)),
        4 => f64::from(u8::from_le_bytes(content.try_into().ok()?)),
        5 => f64::from(i16::from_le_bytes(content.try_into().ok()?)),
        6 => f64::from(i8::from_le_bytes(content.try_into().ok()?)),
        9 => i64::from_le_bytes(content.try_into().ok()?) as f64,
        10 => f64::from(u8::from(u8::from_le_bytes(content.try_into().ok()?) != 0)),
        BFLOAT16 => bf16::from_le_bytes(content.try_into().ok()?).to_f64(),
        17 => f64::from(u16::from_le_bytes(content.try_into().ok()?)),
        19 => f16::from_le_bytes(content.try_into().ok()?).to_f64(),
        22 => f64::from(u32::from_le_bytes(content.try_into().ok()?)),
        23 => u64::from_le_bytes(content.try_into().ok()?) as f64,
        _ => return None,
    })
}

/// The first string of a tensor of strings.
pub(super) fn text(tensor: &[u8]) -> Option<&[u8]> {
    Fields::new(tensor).find_map(|field| match field {
        Ok((8, Value::Bytes(text))) => Some(text),
        _ => None,
    })
}
