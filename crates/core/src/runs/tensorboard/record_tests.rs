use super::event::is_useless;
use super::record::{Damage, Found, MAX_RECORD, Place, Records, write};

#[derive(Debug, PartialEq)]
enum Seen {
    Record(u64, usize),
    Damage(u64, Damage),
}

fn seen(records: &mut Records, bytes: &[u8]) -> Vec<Seen> {
    let mut all = Vec::new();
    records.push(bytes, &mut |found| {
        all.push(match found {
            Found::Record(offset, data) => Seen::Record(offset, data.len()),
            Found::Damage(offset, damage) => Seen::Damage(offset, damage),
        });
    });
    all
}

fn reader() -> Records {
    Records::resume(Place::default(), is_useless)
}

#[test]
fn what_tensorflow_wrote_is_read() {
    // `file_version` as TensorFlow 2 writes it; the checksums are its own.
    let mut file = b"\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7f\x4b\x22".to_vec();
    file.extend(b"\x09\x00\x00\x80\x38\x99\xd6\xd7\x41\x1a\x0dbrain.Event:2");
    file.extend(b"\x12\x4b\x36\xab");
    assert_eq!(seen(&mut reader(), &file), [Seen::Record(0, 24)]);
    assert_eq!(write(&file[12..36]), file);
}

#[test]
fn a_record_waits_until_it_is_whole() {
    let file = write(b"12345");
    let mut records = reader();
    for &byte in &file[..file.len() - 1] {
        assert_eq!(seen(&mut records, &[byte]), []);
        assert_eq!(records.place().offset, 0);
    }
    assert_eq!(records.waiting(), 20);
    assert_eq!(seen(&mut records, &file[file.len() - 1..]), [Seen::Record(0, 5)]);
    assert_eq!((records.place().offset, records.waiting()), (21, 0));
}

#[test]
fn damaged_data_costs_its_record_alone() {
    let mut file = [write(b"first"), write(b"second"), write(b"third")].concat();
    file[21 + 12] ^= 1;
    let expected = [Seen::Record(0, 5), Seen::Damage(21, Damage::WrongChecksum), Seen::Record(43, 5)];
    assert_eq!(seen(&mut reader(), &file), expected);
}

#[test]
fn after_a_damaged_length_the_next_record_is_found() {
    let mut file = [write(b"first"), write(b"second"), write(b"third")].concat();
    file[21] ^= 1;
    let expected = [Seen::Record(0, 5), Seen::Damage(21, Damage::NoHeader), Seen::Record(43, 5)];
    assert_eq!(seen(&mut reader(), &file), expected);
    // A disk that lost a part of the file leaves zeros.
    let file = [write(b"first"), vec![0; 5000], write(b"third")].concat();
    let expected = [Seen::Record(0, 5), Seen::Damage(21, Damage::NoHeader), Seen::Record(5021, 5)];
    assert_eq!(seen(&mut reader(), &file), expected);
    // It is said once, also when reading is taken up again.
    let mut records = reader();
    assert_eq!(seen(&mut records, &file[..3000]), expected[..2]);
    let mut records = Records::resume(records.place(), is_useless);
    let from = records.place().offset as usize;
    assert_eq!(seen(&mut records, &file[from..]), expected[2..]);
}

#[test]
fn a_record_that_is_too_long_goes_by() {
    let long = vec![7; MAX_RECORD + 1];
    let file = [write(b"first"), write(&long), write(b"third")].concat();
    let expected = [
        Seen::Record(0, 5),
        Seen::Damage(21, Damage::TooLong(1 << 24)),
        Seen::Record(21 + 16 + (1 << 24), 5),
    ];
    let mut records = reader();
    let mut all = Vec::new();
    for piece in file.chunks(100_001) {
        all.extend(seen(&mut records, piece));
        assert!(records.held() <= 128, "it is not collected");
    }
    assert_eq!(all, expected);
}

#[test]
fn a_graph_goes_by_and_is_checked() {
    // wall_time, step, graph_def of a million bytes.
    let mut graph = b"\x09\x00\x00\x80\x38\x99\xd6\xd7\x41\x10\x05\x22\xc0\x84\x3d".to_vec();
    graph.resize(graph.len() + 1_000_000, 1);
    let mut file = [write(&graph), write(b"next")].concat();
    let length = graph.len() as u64;
    let read = |file: &[u8]| {
        let mut records = reader();
        let mut all = Vec::new();
        for piece in file.chunks(4096) {
            all.extend(seen(&mut records, piece));
            assert!(records.held() <= 4096, "it is not collected");
        }
        all
    };
    assert_eq!(read(&file), [Seen::Record(length + 16, 4)]);
    file[500_000] ^= 1;
    assert_eq!(read(&file), [Seen::Damage(0, Damage::WrongChecksum), Seen::Record(length + 16, 4)]);
    // A summary of that size is collected.
    graph[11] = 0x2a;
    let mut records = reader();
    let expected = [Seen::Record(0, graph.len())];
    let all: Vec<_> = write(&graph).chunks(4096).flat_map(|piece| seen(&mut records, piece)).collect();
    assert_eq!(all, expected);
    assert!(records.held() <= 64 << 10, "the room for it is given back");
}

#[test]
fn a_length_that_no_file_has_is_none() {
    let length = u64::MAX.to_le_bytes();
    let sum = crc32c::crc32c(&length).rotate_right(15).wrapping_add(0xa282_ead8);
    let file = [&length[..], &sum.to_le_bytes(), &write(b"next")].concat();
    assert_eq!(seen(&mut reader(), &file), [Seen::Damage(0, Damage::NoHeader), Seen::Record(12, 4)]);
}
