//! How fast files of runs are read: `cargo bench -p athanor-core --bench runs`.
//!
//! The file is in memory and is fed in pieces, as a file on disk is. Each number stands beside that of a plain pass
//! over the same bytes, taken in turns with it: a copy, and the checksum that has to be computed anyway.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use athanor_core::runs::{Batch, Member, Reader, Role, format};

const POINTS: usize = 1_000_000;
/// Rows of tables, with five points each.
const ROWS: usize = POINTS / 5;
const PIECE: usize = 256 << 10;

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A field of bytes.
fn field(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// An event file of a million scalars under 50 tags, so many of them in each event.
fn events(in_each: usize) -> Vec<u8> {
    let tags: Vec<String> = (0..50).map(|tag| format!("train/metric_{tag:02}")).collect();
    let mask = |sum: u32| sum.rotate_right(15).wrapping_add(0xa282_ead8);
    let mut out = Vec::new();
    for event in 0..POINTS / in_each {
        let mut summary = Vec::new();
        for value in 0..in_each {
            let point = event * in_each + value;
            let mut message = Vec::new();
            field(&mut message, 1, tags[point % tags.len()].as_bytes());
            message.push(2 << 3 | 5);
            message.extend(((point as f32) * 1e-3).sin().to_le_bytes());
            field(&mut summary, 1, &message);
        }
        let mut data = vec![1 << 3 | 1];
        data.extend((1_700_000_000.0 + event as f64 * 0.25).to_le_bytes());
        data.push(2 << 3);
        varint(&mut data, (event * in_each / tags.len()) as u64);
        field(&mut data, 5, &summary);
        let length = (data.len() as u64).to_le_bytes();
        out.extend(length);
        out.extend(mask(crc32c::crc32c(&length)).to_le_bytes());
        out.extend(&data);
        out.extend(mask(crc32c::crc32c(&data)).to_le_bytes());
    }
    out
}

/// A W&B file of a million points, ten in each row of its history.
fn rows() -> Vec<u8> {
    let mut out = b":W&B\xe1\xbe\x00".to_vec();
    for row in 0..POINTS / 10 {
        let mut history = Vec::new();
        let mut item = |key: &str, json: &str| {
            let mut message = Vec::new();
            field(&mut message, 2, key.as_bytes());
            field(&mut message, 16, json.as_bytes());
            field(&mut history, 1, &message);
        };
        for metric in 0..10 {
            let value = ((row * 10 + metric) as f64 * 1e-3).sin();
            item(&format!("train/metric_{metric:02}"), &value.to_string());
        }
        item("_step", &row.to_string());
        item("_timestamp", &(1_700_000_000.0 + row as f64 * 0.25).to_string());
        let mut record = Vec::new();
        field(&mut record, 2, &history);
        let mut rest = &record[..];
        let mut first = true;
        while first || !rest.is_empty() {
            let left = (32 << 10) - out.len() % (32 << 10);
            if left < 7 {
                out.resize(out.len() + left, 0);
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(left - 7));
            let kind = [[3, 4], [2, 1]][usize::from(first)][usize::from(later.is_empty())];
            let mut summed = vec![kind];
            summed.extend(now);
            out.extend(crc32fast::hash(&summed).to_le_bytes());
            out.extend((now.len() as u16).to_le_bytes());
            out.extend(summed);
            (rest, first) = (later, false);
        }
    }
    out
}

/// A table of a million rows with a step and five metrics, as pandas writes them: 17 digits each.
fn table() -> Vec<u8> {
    let mut out = b"step,loss,val_loss,acc,lr,grad_norm\n".to_vec();
    for row in 0..ROWS {
        let at = row as f64 * 1e-3;
        let cells = [at.sin(), at.cos(), at.sin().abs(), 1e-4 * (1.0 + at.cos()), at.sqrt()];
        out.extend(row.to_string().as_bytes());
        for cell in cells {
            out.push(b',');
            out.extend(cell.to_string().as_bytes());
        }
        out.push(b'\n');
    }
    out
}

/// The same with numbers as people print them, `{:.4f}`.
fn short_table() -> Vec<u8> {
    let mut out = b"step,loss,val_loss,acc,lr,grad_norm\n".to_vec();
    for row in 0..ROWS {
        let at = row as f64 * 1e-3;
        let line = format!(
            "{row},{:.4},{:.4},{:.4},{:.6},{:.3}\n",
            at.sin(),
            at.cos(),
            at.sin().abs(),
            1e-4 * (1.0 + at.cos()),
            at.sqrt()
        );
        out.extend(line.as_bytes());
    }
    out
}

/// The numbers of the table as JSON lines.
fn json_lines() -> Vec<u8> {
    let mut out = Vec::new();
    for row in 0..ROWS {
        let at = row as f64 * 1e-3;
        let line = format!(
            "{{\"step\": {row}, \"loss\": {}, \"val_loss\": {}, \"acc\": {}, \"lr\": {}, \"grad_norm\": {}}}\n",
            at.sin(),
            at.cos(),
            at.sin().abs(),
            1e-4 * (1.0 + at.cos()),
            at.sqrt()
        );
        out.extend(line.as_bytes());
    }
    out
}

/// Reads all of it as the format says and counts the points.
fn read(id: &str, file: &[u8]) -> usize {
    let Some(Reader::Stream(mut reader)) =
        format(id).map(|format| format.reader(&Member::new("x", Role::Metrics), None))
    else {
        return 0;
    };
    let mut batch = Batch::default();
    let mut points = 0;
    for piece in file.chunks(PIECE) {
        reader.push(piece, &mut batch);
        points += batch.readings.len();
        black_box(&batch);
        batch.readings.clear();
    }
    points
}

/// The middle one of many measurements.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64).max(f64::EPSILON)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn main() -> ExitCode {
    // Without this word, cargo only wants to see that it runs.
    let rounds = if std::env::args().any(|word| word == "--bench") { 21 } else { 1 };
    let mut met = true;
    // Nanoseconds that a point may take. Five million points of an event file are to be ready within about a second,
    // stored, and a million rows of a table within about 0.4: half of either is left to the store. 300 MB/s are 69 ns of
    // a long number and 30 of a short one; the rest is room for a busy machine.
    for (name, id, file, sum, target) in [
        (
            "event file, one scalar an event",
            "tensorboard",
            events(1),
            crc32c::crc32c as fn(&[u8]) -> u32,
            100.0,
        ),
        ("event file, 50 scalars an event", "tensorboard", events(50), crc32c::crc32c, 75.0),
        ("W&B file, 10 numbers a row", "wandb", rows(), crc32fast::hash, 400.0),
        ("table, 17 digits a number", "csv", table(), crc32fast::hash, 100.0),
        ("table, short numbers", "csv", short_table(), crc32fast::hash, 50.0),
        ("JSON lines, 17 digits a number", "jsonl", json_lines(), crc32fast::hash, 400.0),
    ] {
        let mut copy = vec![0; PIECE];
        let (mut passes, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            passes.push(timed(|| {
                for piece in file.chunks(PIECE) {
                    copy[..piece.len()].copy_from_slice(piece);
                    black_box(sum(black_box(&copy[..piece.len()])));
                }
            }));
            reads.push(timed(|| {
                let points = black_box(read(id, black_box(&file)));
                assert_eq!(points, POINTS, "every point is read");
            }));
        }
        let (pass, read) = (median(passes), median(reads));
        let megabytes = file.len() as f64 / 1e6;
        let each = read * 1e9 / POINTS as f64;
        println!(
            "{name}, {megabytes:.0} MB: {:.0} MB/s, {:.1} million points/s, {each:.0} ns a point; {:.1} plain passes of {:.0} MB/s",
            megabytes / read,
            POINTS as f64 / read / 1e6,
            read / pass,
            megabytes / pass,
        );
        if each >= target {
            println!("that is more than the {target:.0} ns that a point may take");
            met = false;
        }
    }
    if rounds > 1 && !met {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
