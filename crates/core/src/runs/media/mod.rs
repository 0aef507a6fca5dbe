//! Images and histograms of runs: where they are, and what they hold.
//!
//! They stay where they are. A [`Media`] is fed a file's bytes as a [`super::Stream`] is, and lists what it meets with
//! its place in the file; [`picture`] and [`Histogram::read`] read one of them from the bytes of that place. A file may
//! be another one by then: what is read is checked anew, and no bytes make it fail otherwise than by saying so.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::json::{Cursor, Fault};
use super::protobuf::{Fields, Malformed, Value};

/// Bytes of a picture at most. Records of event files have less than 16 MiB.
pub const MAX_PICTURE: u64 = 16 << 20;
/// Buckets of a histogram at most. TensorFlow writes 30 or some 1,500, W&B 64 to 512.
pub const MAX_BUCKETS: usize = 100_000;
/// A longer name is not listed.
pub(super) const MAX_KEY: usize = 4 << 10;

/// An image or a histogram that was logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Medium {
    /// What it is.
    pub kind: MediumKind,
    /// The name under which it was logged.
    pub key: String,
    /// Its number among those that were logged at once under that name, from 0.
    pub index: u32,
    /// Position on the x axis.
    pub step: f64,
    /// When, in milliseconds since the Unix epoch.
    pub wall_ms: Option<i64>,
    /// Width and height of an image, where that is said.
    pub size: Option<(u32, u32)>,
    /// Where it is.
    pub at: At,
}

/// What is shown otherwise than as a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediumKind {
    /// An encoded picture.
    Image,
    /// Counts by value.
    Histogram,
}

/// Where a medium is.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    /// These bytes of the file that was read.
    Bytes {
        /// From the file's first byte on.
        range: Range<u64>,
        /// How they are to be read.
        form: Form,
    },
    /// A file of its own; the path from the run's folder on.
    File(String),
    /// It was small, and is here: a histogram as W&B writes it.
    Json(String),
}

/// How the bytes of a medium are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A picture as it was encoded: PNG, JPEG or GIF.
    Picture,
    /// A histogram as TensorFlow 1 and PyTorch write it (`HistogramProto`).
    Buckets,
    /// A histogram as TensorFlow 2 writes it: a tensor of left edges, right edges and counts.
    Tensor,
}

/// Lists the images and histograms of a file that grows.
pub trait Media: Send {
    /// Takes the next bytes and adds what they complete to `out`.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Medium>);
}

/// How a picture is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Portable network graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// The first or only picture of a GIF.
    Gif,
}

impl Encoding {
    /// Its MIME type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
        }
    }
}

/// A picture as it is stored: to be shown as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// All of its bytes.
    pub bytes: &'a [u8],
}

/// Looks at the beginning of a picture. Of the rest nothing is checked: whoever shows it decodes it.
///
/// # Errors
/// It is too large, or none of the encodings that are known, in a clause.
pub fn picture(bytes: &[u8]) -> Result<Picture<'_>, String> {
    if bytes.len() as u64 > MAX_PICTURE {
        return Err(format!("it has {} bytes, more than the {MAX_PICTURE} that are shown", bytes.len()));
    }
    let found = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png(bytes).map(|size| (Encoding::Png, size))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        jpeg(bytes).map(|size| (Encoding::Jpeg, size))
    } else if bytes.starts_with(b"GIF8") {
        gif(bytes).map(|size| (Encoding::Gif, size))
    } else {
        return Err("it is neither PNG nor JPEG nor GIF".into());
    };
    match found {
        Some((encoding, size)) if size.0 > 0 && size.1 > 0 => Ok(Picture { encoding, size, bytes }),
        _ => Err("its beginning is damaged".into()),
    }
}

/// The size in the header chunk, which is the first (PNG specification, 11.2.2).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.get(8..24).filter(|header| &header[4..8] == b"IHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    Some((number(8)?, number(12)?))
}

/// The size in the frame header, which comes after some other segments (ITU T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.get(2..)?;
    loop {
        let (&[0xff, marker], after) = rest.split_first_chunk::<2>()? else { return None };
        if marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let number =
                |at: usize| Some(u32::from(u16::from_be_bytes(after.get(at..at + 2)?.try_into().ok()?)));
            return Some((number(5)?, number(3)?));
        }
        rest = after.get(length.max(2)..)?;
    }
}

fn gif(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    Some((number(6)?, number(8)?))
}

/// Counts by value.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// In the order of their values. Empty ones are among them.
    pub buckets: Vec<Bucket>,
}

/// How many values lie between two limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The lower limit.
    pub from: f64,
    /// The upper limit.
    pub to: f64,
    /// How many: a weight, and not always a whole number.
    pub count: f64,
}

impl Histogram {
    /// Reads a histogram from the bytes of its place.
    ///
    /// # Errors
    /// They are no histogram, or one of too many buckets: a clause.
    pub fn read(bytes: &[u8], form: Form) -> Result<Self, String> {
        let buckets = match form {
            Form::Buckets => buckets(bytes),
            Form::Tensor => tensor(bytes),
            Form::Picture => return Err("it is a picture".into()),
        };
        Self::checked(buckets.map_err(|Malformed| "it is no message".to_owned())?)
    }

    /// Reads one that W&B wrote: `{"_type": "histogram", "values": […], "bins": […]}`, one limit more than values.
    ///
    /// # Errors
    /// It is none, or one of too many buckets: a clause.
    pub fn read_json(json: &str) -> Result<Self, String> {
        let (mut counts, mut limits) = (Vec::new(), Vec::new());
        let mut cursor = Cursor::new(json.as_bytes());
        let read = cursor.map(|cursor, key| {
            let numbers = match key.as_str() {
                "values" => &mut counts,
                "bins" => &mut limits,
                _ => return cursor.skip(),
            };
            cursor.list(|cursor, index| {
                if index > MAX_BUCKETS {
                    return Err(Fault::Broken { at: 0, what: "it is too long" });
                }
                numbers.extend(cursor.leaf()?.number());
                Ok(())
            })
        });
        read.map_err(|fault| fault.words())?;
        if limits.len() != counts.len() + 1 {
            return Err("its limits and counts do not fit each other".into());
        }
        let edges = limits.windows(2).zip(counts);
        Self::checked(Some(edges.map(|(edge, count)| Bucket { from: edge[0], to: edge[1], count }).collect()))
    }

    /// How many values there are in all, as far as counts are positive and finite.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.filled().map(|bucket| bucket.count).sum()
    }

    /// The value below which half of the others lie, if those of a bucket lie evenly in it. `None`: there are none, or
    /// it lies in a bucket without an end.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let half = self.total() / 2.0;
        let mut before = 0.0;
        for bucket in self.filled() {
            if before + bucket.count >= half {
                let median = bucket.from + (bucket.to - bucket.from) * (half - before) / bucket.count;
                return median.is_finite().then_some(median);
            }
            before += bucket.count;
        }
        None
    }

    fn filled(&self) -> impl Iterator<Item = &Bucket> {
        self.buckets.iter().filter(|bucket| bucket.count > 0.0 && bucket.count.is_finite())
    }

    fn checked(buckets: Option<Vec<Bucket>>) -> Result<Self, String> {
        match buckets {
            Some(buckets) if buckets.len() <= MAX_BUCKETS => Ok(Self { buckets }),
            Some(_) => Err(format!("it has more than {MAX_BUCKETS} buckets")),
            None => Err("its limits and counts do not fit each other".into()),
        }
    }
}

/// `HistogramProto`: the upper limit of each bucket, and their counts. The outermost limits, which may be as far out as
/// numbers go, are the least and the greatest value, as TensorBoard has it (`data_compat.py`). `None`: nonsense.
fn buckets(message: &[u8]) -> Result<Option<Vec<Bucket>>, Malformed> {
    let (mut min, mut max) = (None, None);
    let (mut limits, mut counts) = (Vec::new(), Vec::new());
    for field in Fields::new(message) {
        match field? {
            (1, value) => min = value.double(),
            (2, value) => max = value.double(),
            (6, value) => doubles(value, &mut limits),
            (7, value) => doubles(value, &mut counts),
            _ => {}
        }
    }
    if limits.len() != counts.len() {
        return Ok(None);
    }
    let last = limits.len().saturating_sub(1);
    let from = |at: usize| if at == 0 { min.unwrap_or(limits[0]) } else { limits[at - 1] };
    let to = |at: usize| if at == last { max.unwrap_or(limits[at]) } else { limits[at] };
    let bucket = |(at, &count): (usize, &f64)| Bucket { from: from(at), to: to(at), count };
    Ok(Some(counts.iter().enumerate().map(bucket).collect()))
}

/// A tensor of three columns.
fn tensor(message: &[u8]) -> Result<Option<Vec<Bucket>>, Malformed> {
    let (mut kind, mut content, mut numbers) = (0, &[][..], Vec::new());
    for field in Fields::new(message) {
        match field? {
            (1, Value::Varint(number)) => kind = number,
            (4, Value::Bytes(bytes)) => content = bytes,
            (5, Value::Fixed32(bits)) => numbers.push(f64::from(f32::from_bits(bits))),
            (5, Value::Bytes(packed)) => numbers.extend(floats(packed)),
            (6, value) => doubles(value, &mut numbers),
            _ => {}
        }
    }
    match kind {
        // Of `float` and `double`.
        1 => numbers.extend(floats(content)),
        2 => doubles(Value::Bytes(content), &mut numbers),
        _ => {}
    }
    if numbers.len() % 3 != 0 {
        return Ok(None);
    }
    let bucket = |row: &[f64]| Bucket { from: row[0], to: row[1], count: row[2] };
    Ok(Some(numbers.chunks_exact(3).map(bucket).collect()))
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes)))
}

/// One number or a packed list of them.
fn doubles(value: Value<'_>, out: &mut Vec<f64>) {
    match value {
        Value::Fixed64(bits) => out.push(f64::from_bits(bits)),
        Value::Bytes(bytes) => out.extend(bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes))),
        _ => {}
    }
}
