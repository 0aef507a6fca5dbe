//! Folders of runs as training programs leave them, of a stated size.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The seconds since the epoch at which all of these runs began.
const BEGAN: f64 = 1.75e9;

/// What of points an event file is made.
pub struct Events<'a> {
    /// Names of its metrics.
    pub tags: &'a [&'a str],
    /// Steps, each with a point of every metric.
    pub steps: u64,
    /// All points of a step are in one record, as TensorFlow's own writers can; else each has a record of its own, as
    /// PyTorch's `SummaryWriter` does.
    pub together: bool,
}

/// Writes an event file into a folder that it makes; returns its size.
pub fn events(folder: &Path, events: &Events<'_>) -> Result<u64> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join("events.out.tfevents.1750000000.bench.1.0");
    let mut file = create(&path)?;
    let mut record = Vec::new();
    let mut version = head(BEGAN, None);
    field(&mut version, 3, b"brain.Event:2");
    framed(&mut file, &version)?;
    for step in 0..events.steps {
        #[expect(clippy::cast_precision_loss, reason = "a few million steps")]
        let at = BEGAN + step as f64 * 0.01;
        let mut summary = Vec::new();
        for (number, tag) in events.tags.iter().enumerate() {
            let mut value = Vec::new();
            field(&mut value, 1, tag.as_bytes());
            value.push(0x15);
            value.extend_from_slice(&point(number as u64, step).to_le_bytes());
            field(&mut summary, 1, &value);
            if !events.together || number + 1 == events.tags.len() {
                record.clear();
                record.extend_from_slice(&head(at, Some(step)));
                field(&mut record, 5, &summary);
                framed(&mut file, &record)?;
                summary.clear();
            }
        }
    }
    finish(file, &path)
}

/// Writes a table of a step column and four metrics; returns its size.
pub fn table(path: &Path, rows: u64) -> Result<u64> {
    let mut file = create(path)?;
    writeln!(file, "step,train/loss,val/loss,val/acc,lr")?;
    for step in 0..rows {
        let [a, b, c, d] = [0, 1, 2, 3].map(|number| point(number, step));
        writeln!(file, "{step},{a:.6},{b:.6},{c:.5},{d:.6}")?;
    }
    finish(file, path)
}

/// How a log is written.
#[derive(Clone, Copy)]
pub enum Look {
    /// As it is read.
    Plain,
    /// With colours: several escape sequences in every line.
    Colours,
    /// With bars that are drawn again and again in one line, and a line in colours after each.
    Bars,
}

/// A log of about so many bytes, as training programs print; about one line in 20,000 has `needle`, and the last one.
pub fn log(path: &Path, bytes: u64, look: Look, needle: &str) -> Result<u64> {
    let mut block = String::new();
    match look {
        Look::Plain => (0..20_000).for_each(|line| plain(line, &mut block)),
        Look::Colours => (0..20_000).for_each(|line| colours(line, &mut block)),
        Look::Bars => (0..300).for_each(|line| bar(line, &mut block)),
    }
    let needle = match look {
        Look::Plain => format!("{needle}\n"),
        Look::Colours | Look::Bars => format!("\x1b[1;31m{needle}\x1b[0m\n"),
    };
    block.push_str(&needle);
    let mut file = create(path)?;
    for _ in 0..bytes.div_ceil(block.len() as u64) {
        file.write_all(block.as_bytes())?;
    }
    finish(file, path)
}

fn plain(line: u64, into: &mut String) {
    let [loss, acc] = [point(0, line), point(2, line)];
    into.push_str(&format!(
        "{} INFO trainer.py:214 epoch {} step {line} loss={loss:.6} acc={acc:.4} lr=1.0e-03\n",
        moment(line),
        line / 400,
    ));
}

fn colours(line: u64, into: &mut String) {
    let [loss, acc] = [point(0, line), point(2, line)];
    into.push_str(&format!(
        "\x1b[2m{}\x1b[0m \x1b[32mINFO\x1b[0m \x1b[36mtrainer.py:214\x1b[0m epoch \x1b[1m{}\x1b[0m step \x1b[1m{line}\x1b[0m \
         \x1b[33mloss\x1b[0m=\x1b[1;36m{loss:.6}\x1b[0m \x1b[33macc\x1b[0m=\x1b[1;36m{acc:.4}\x1b[0m \x1b[33mlr\x1b[0m=\x1b[1;36m1.0e-03\x1b[0m\n",
        moment(line),
        line / 400,
    ));
}

fn bar(line: u64, into: &mut String) {
    for state in 0_u64..=100 {
        let (done, left) = (usize::try_from(state / 10).unwrap_or(0), 100 - state);
        into.push_str(&format!(
            "\repoch {line}: {state:3}%|{:<10}| {state}0/1000 [00:{:02}<00:{:02}, 19.{left:02}it/s, loss={:.4}]",
            "\u{2588}".repeat(done),
            state / 2,
            left / 2,
            point(line, state),
        ));
    }
    into.push('\n');
    colours(line, into);
}

/// When a line was written, as `logging` tells it.
fn moment(line: u64) -> String {
    format!("2026-11-21 19:{:02}:{:02},{:03}", line / 60 % 60, line % 60, line * 7 % 1000)
}

/// A noisy curve.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any number does")]
pub fn point(series: u64, step: u64) -> f32 {
    // https://prng.di.unimi.it/splitmix64.c
    let mut word = (series << 40 | step).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let noise = (word >> 40) as f64 / (1_u64 << 24) as f64;
    (1.0 / (1.0 + step as f64 * 1e-4) + 0.1 * noise) as f32
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create_new(path).with_context(|| format!("creating {}", path.display()))?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

fn finish(file: BufWriter<File>, path: &Path) -> Result<u64> {
    let file = file.into_inner().with_context(|| format!("writing {}", path.display()))?;
    // What is still to be written to the disk would be measured with what comes first.
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// The beginning of an event: when, and at which step.
fn head(at: f64, step: Option<u64>) -> Vec<u8> {
    let mut event = vec![0x09];
    event.extend_from_slice(&at.to_le_bytes());
    if let Some(step) = step {
        event.push(0x10);
        varint(&mut event, step);
    }
    event
}

/// A field of bytes, as protocol buffers write it: <https://protobuf.dev/programming-guides/encoding>.
fn field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    varint(into, bytes.len() as u64);
    into.extend_from_slice(bytes);
}

fn varint(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    into.push(number.to_le_bytes()[0]);
}

/// A record: length, its checksum, data, its checksum, as `tensorflow/core/lib/io/record_writer.h` describes.
fn framed(file: &mut impl Write, data: &[u8]) -> Result<()> {
    let length = (data.len() as u64).to_le_bytes();
    let masked =
        |bytes: &[u8]| crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes();
    file.write_all(&length)?;
    file.write_all(&masked(&length))?;
    file.write_all(data)?;
    file.write_all(&masked(data))?;
    Ok(())
}

/// The folders of so many runs below one.
pub fn folders(below: &Path, count: usize) -> impl Iterator<Item = PathBuf> + '_ {
    (0..count).map(|number| below.join(format!("run{number:04}")))
}
