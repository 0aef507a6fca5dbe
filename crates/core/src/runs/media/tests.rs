use proptest::prelude::*;

use super::super::protobuf::Message;
use super::super::{Member, Role, format};
use super::*;

fn listed(id: &str, bytes: &[u8], pieces: &[usize]) -> Vec<Medium> {
    let format = format(id).expect("it is known");
    let mut media = format.media(&Member::new("x", Role::Metrics)).expect("it can hold some");
    let (mut out, mut rest, mut pieces) = (Vec::new(), bytes, pieces.iter().cycle());
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min((*pieces.next().unwrap_or(&1)).max(1)));
        media.push(now, &mut out);
        rest = later;
    }
    out
}

/// A record around an event.
fn record(message: &Message) -> Vec<u8> {
    let mask = |sum: u32| sum.rotate_right(15).wrapping_add(0xa282_ead8);
    let length = (message.0.len() as u64).to_le_bytes();
    let sums = [mask(crc32c::crc32c(&length)), mask(crc32c::crc32c(&message.0))];
    [&length[..], &sums[0].to_le_bytes(), &message.0, &sums[1].to_le_bytes()].concat()
}

fn event(step: i64, values: &[Message]) -> Vec<u8> {
    let summary = values.iter().fold(Message::new(), |all, value| all.bytes(1, value));
    record(&Message::new().double(1, 1_600_000_000.0).int(2, step).bytes(5, summary))
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0";

fn packed(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn events() -> Vec<u8> {
    let plugin = |name: &str| Message::new().bytes(1, Message::new().bytes(1, name));
    let old = Message::new().bytes(1, "old").bytes(4, Message::new().int(1, 2).int(2, 3).bytes(4, PNG));
    let strings = Message::new().int(1, 7).bytes(8, "3").bytes(8, "2").bytes(8, PNG).bytes(8, PNG);
    let new = |first: bool| {
        let value = Message::new().bytes(1, "new").bytes(8, &strings);
        if first { value.bytes(9, plugin("images")) } else { value }
    };
    let proto = Message::new().double(1, -1.0).double(2, 4.0);
    let proto = proto.bytes(6, packed(&[0.0, 2.0, 1e300])).bytes(7, packed(&[1.0, 2.0, 3.0]));
    let tensor = Message::new().int(1, 2).bytes(4, packed(&[0.0, 1.0, 5.0, 1.0, 2.0, 6.0]));
    [
        event(1, &[old, new(true)]),
        event(2, &[new(false), Message::new().bytes(1, "h").bytes(5, proto)]),
        event(3, &[Message::new().bytes(1, "t").bytes(8, tensor).bytes(9, plugin("histograms"))]),
        event(4, &[Message::new().bytes(1, "loss").float(2, 0.5)]),
    ]
    .concat()
}

fn bytes<'a>(file: &'a [u8], medium: &Medium) -> (&'a [u8], Form) {
    match &medium.at {
        At::Bytes { range, form } => (&file[range.start as usize..range.end as usize], *form),
        other => panic!("{other:?}"),
    }
}

#[test]
fn images_and_histograms_of_event_files_are_listed_and_read() {
    let file = events();
    let all = listed("tensorboard", &file, &[usize::MAX]);
    let shown: Vec<_> =
        all.iter().map(|m| (m.kind, m.key.as_str(), m.index, m.step as i64, m.size)).collect();
    let (image, histogram, size) = (MediumKind::Image, MediumKind::Histogram, Some((3, 2)));
    let expected = [
        (image, "old", 0, 1, size),
        (image, "new", 0, 1, size),
        (image, "new", 1, 1, size),
        (image, "new", 0, 2, size),
        (image, "new", 1, 2, size),
        (histogram, "h", 0, 2, None),
        (histogram, "t", 0, 3, None),
    ];
    assert_eq!(shown, expected);
    assert_eq!(listed("tensorboard", &file, &[7, 1, 100]), all, "however the file is cut");
    for medium in &all[..5] {
        let (bytes, form) = bytes(&file, medium);
        assert_eq!((bytes, form), (PNG, Form::Picture));
        let picture = picture(bytes).expect("it is one");
        assert_eq!((picture.encoding.mime(), picture.size), ("image/png", (3, 2)));
    }
    let read = |medium| {
        let (bytes, form) = bytes(&file, medium);
        let histogram = Histogram::read(bytes, form).expect("it is one");
        histogram.buckets.iter().map(|bucket| (bucket.from, bucket.to, bucket.count)).collect::<Vec<_>>()
    };
    assert_eq!(read(&all[5]), [(-1.0, 0.0, 1.0), (0.0, 2.0, 2.0), (2.0, 4.0, 3.0)]);
    assert_eq!(read(&all[6]), [(0.0, 1.0, 5.0), (1.0, 2.0, 6.0)]);
}

#[test]
fn real_event_files_hold_what_is_counted() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/runs/tensorboard/custom");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the fixture is there").flatten() {
        let file = std::fs::read(entry.path()).expect("it can be read");
        for medium in listed("tensorboard", &file, &[4096]) {
            let (bytes, form) = bytes(&file, &medium);
            let histogram = Histogram::read(bytes, form).expect("it is one");
            assert!(histogram.buckets.iter().all(|bucket| bucket.from <= bucket.to && bucket.count >= 0.0));
            assert!(!histogram.buckets.is_empty());
            found += 1;
        }
    }
    assert_eq!(found, 200);
}

#[test]
fn images_of_wandb_are_files_and_histograms_stand_in_the_history() {
    let item = |key: &str, json: &str| Message::new().bytes(2, key).bytes(16, json);
    let history = [
        item("_step", "7"),
        item(
            "a",
            "{\"_type\": \"image-file\", \"path\": \"media/images/a.png\", \"width\": 3, \"height\": 2}",
        ),
        item(
            "b",
            "{\"_type\": \"images/separated\", \"filenames\": [\"media/1.png\", \"../../x\", \"media/2.png\"]}",
        ),
        item("h", "{\"_type\": \"histogram\", \"values\": [1, 2], \"bins\": [0, 0.5, 1]}"),
        item("loss", "0.5"),
    ];
    let history = history.iter().fold(Message::new(), |all, item| all.bytes(1, item));
    let record = Message::new().bytes(2, history).0;
    let mut file = b":W&B\xe1\xbe\x00".to_vec();
    file.extend(crc32fast::hash(&[&[1], &record[..]].concat()).to_le_bytes());
    file.extend((record.len() as u16).to_le_bytes());
    file.push(1);
    file.extend(record);
    let all = listed("wandb", &file, &[5]);
    let at: Vec<_> = all.iter().map(|m| (m.key.as_str(), m.index, m.step as i64, m.at.clone())).collect();
    let file = |path: &str| At::File(format!("files/media/{path}"));
    assert_eq!(at[0], ("a", 0, 7, file("images/a.png")));
    assert_eq!(all[0].size, Some((3, 2)));
    assert_eq!(at[1..3], [("b", 0, 7, file("1.png")), ("b", 1, 7, file("2.png"))]);
    let At::Json(json) = &all[3].at else { panic!("{:?}", all[3]) };
    let histogram = Histogram::read_json(json).expect("it is one");
    let expected = [Bucket { from: 0.0, to: 0.5, count: 1.0 }, Bucket { from: 0.5, to: 1.0, count: 2.0 }];
    assert_eq!(histogram.buckets, expected);
    assert_eq!(all.len(), 4);
}

#[test]
fn a_picture_says_its_size_or_why_not() {
    let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x0b\x08\0\x05\0\x09\x03";
    assert_eq!(picture(jpeg).map(|found| (found.encoding, found.size)), Ok((Encoding::Jpeg, (9, 5))));
    let gif = b"GIF89a\x04\0\x03\0";
    assert_eq!(picture(gif).map(|found| (found.encoding, found.size)), Ok((Encoding::Gif, (4, 3))));
    for (bytes, words) in
        [(&b""[..], "neither"), (&PNG[..20], "damaged"), (&jpeg[..10], "damaged"), (b"<svg", "neither")]
    {
        assert!(picture(bytes).is_err_and(|why| why.contains(words)), "{bytes:?}");
    }
    assert!(picture(&vec![0; MAX_PICTURE as usize + 1]).is_err_and(|why| why.contains("more than")));
}

proptest! {
    #[test]
    fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), begin in 0..4usize, json in "[\\[\\]{}\":,0-9a-z_.]{0,60}") {
        for form in [Form::Buckets, Form::Tensor, Form::Picture] {
            let _ = Histogram::read(&bytes, form);
        }
        let _ = Histogram::read_json(&json);
        for id in ["tensorboard", "wandb"] {
            listed(id, &record(&Message(bytes.clone())), &[50]);
            listed(id, &bytes, &[50]);
        }
        bytes.splice(0..0, [&b""[..], b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8"][begin].iter().copied());
        let _ = picture(&bytes);
    }

    #[test]
    fn damaged_files_list_only_what_is_in_them(at: proptest::sample::Index, byte: u8) {
        let mut file = events();
        let all = listed("tensorboard", &file, &[usize::MAX]);
        let at = at.index(file.len());
        file[at] = byte;
        for medium in listed("tensorboard", &file, &[60]) {
            prop_assert!(all.contains(&medium));
        }
    }
}
