use super::log::{Damage, Found, MAGIC, MAX_RECORD, Place, Records, write};

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
    Records::resume(Place::default())
}

/// The file cut into pieces of that length, reading taken up anew after each.
fn restarted(file: &[u8], length: usize) -> Vec<Seen> {
    let mut records = reader();
    let mut all = Vec::new();
    for (i, piece) in file.chunks(length).enumerate() {
        all.extend(seen(&mut records, piece));
        records = Records::resume(records.place());
        let from = records.place().offset as usize;
        assert_eq!(seen(&mut records, &file[from..file.len().min((i + 1) * length)]), []);
    }
    all
}

#[test]
fn records_lie_in_fragments_over_blocks() {
    // The second does not fit into the first block, the third takes four, the fourth begins behind padding.
    let end = (32 << 10) - 7 - 3;
    let first = end - 7 - 7 - 100;
    let lengths = [first, 100, 100_000, 5];
    let records: Vec<Vec<u8>> = lengths.iter().map(|&length| vec![1; length]).collect();
    let file = write(&records);
    let all = seen(&mut reader(), &file);
    let found: Vec<usize> =
        all.iter().map(|seen| if let Seen::Record(_, length) = seen { *length } else { 0 }).collect();
    assert_eq!(found, lengths);
    // The third begins where the block has three bytes of padding left: in the next one.
    assert_eq!(all[2], Seen::Record(32 << 10, 100_000));
    for length in [1000, 32 << 10, 40_000] {
        assert_eq!(restarted(&file, length), all);
    }
}

#[test]
fn a_record_waits_until_it_is_whole() {
    let file = write(&[vec![1; 40_000]]);
    let mut records = reader();
    assert_eq!(seen(&mut records, &file[..39_000]), []);
    assert_eq!((records.place().offset, records.waiting()), (7, 39_000 - 7));
    assert_eq!(seen(&mut records, &file[39_000..]), [Seen::Record(7, 40_000)]);
    assert_eq!(records.waiting(), 0);
}

#[test]
fn damage_costs_the_rest_of_its_block() {
    let records: Vec<Vec<u8>> = (0..100).map(|_| vec![1; 1000]).collect();
    let mut file = write(&records);
    let sound = seen(&mut reader(), &file);
    file[40_000] ^= 1;
    let struck = seen(&mut reader(), &file);
    let block = 32 << 10;
    let lost = struck.iter().position(|seen| matches!(seen, Seen::Damage(..))).expect("it is told");
    assert!(
        matches!(struck[lost], Seen::Damage(at, Damage::WrongChecksum) if (39_000..40_000).contains(&at))
    );
    assert_eq!(struck[..lost], sound[..lost]);
    // What began in the lost part and goes on in the next block is lost, what begins there is not.
    let next = |seen: &&Seen| matches!(seen, Seen::Record(at, _) if *at > 2 * block);
    assert_eq!(struck[lost + 1..].iter().collect::<Vec<_>>(), sound.iter().filter(next).collect::<Vec<_>>());
    for length in [999, 32 << 10] {
        assert_eq!(restarted(&file, length), struck);
    }
}

#[test]
fn fragments_out_of_order_are_told() {
    let file = write(&[vec![1; 70_000], vec![2; 10]]);
    let block = 32 << 10;
    // Without its first block, the record's others have no beginning.
    let (magic, rest) = (&MAGIC[..], &file[block..]);
    let mut padded = magic.to_vec();
    padded.resize(block, 0);
    padded.extend(rest);
    let all = seen(&mut reader(), &padded);
    assert_eq!(all[0], Seen::Damage(7, Damage::WrongChecksum));
    assert_eq!(all.len(), 2, "{all:?}");
    // Without its last block, it has no end: the next record says so.
    let mut cut = file[..block].to_vec();
    let full = write(&[vec![1; 2 * block]]);
    cut.extend(&full[block..2 * block]);
    cut.truncate(block + 7 + 100);
    assert_eq!(seen(&mut reader(), &cut), []);
    let start = [file[..block].to_vec(), write(&[vec![3; 5]])[7..].to_vec()].concat();
    let all = seen(&mut reader(), &start);
    assert_eq!(all, [Seen::Damage(7, Damage::OutOfOrder), Seen::Record(block as u64, 5)]);
}

#[test]
fn a_record_that_is_too_long_is_left_out() {
    let file = write(&[vec![1; MAX_RECORD + 1], vec![2; 10]]);
    let mut records = reader();
    let mut all = Vec::new();
    for piece in file.chunks(100_001) {
        all.extend(seen(&mut records, piece));
    }
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], Seen::Damage(7, Damage::TooLong));
    assert!(matches!(all[1], Seen::Record(_, 10)));
}

#[test]
fn zeros_are_no_records() {
    let mut file = write(&[vec![1; 10]]);
    file.resize(100_000, 0);
    let all = seen(&mut reader(), &file);
    assert_eq!(all.len(), 5, "one for each block: {all:?}");
    assert_eq!(seen(&mut reader(), &[0; 100])[0], Seen::Damage(0, Damage::NotWandb));
}
