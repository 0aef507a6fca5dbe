use std::path::PathBuf;

use proptest::prelude::*;

use super::super::protobuf::Message;
use super::super::testing::{Names, blows, every_flip_is_noticed, holds, pieces, stream, whole};
use super::super::{Batch, End, Fact, Format, Found, Issue, Member, Other, Outcome, Place, Role};
use super::record::write;
use super::{TensorBoard, event};

fn fixture(name: &str) -> Vec<u8> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/runs/tensorboard").join(name);
    let mut files = std::fs::read_dir(folder).expect("the fixture is there");
    std::fs::read(files.next().expect("with a file").expect("that is listed").path())
        .expect("and can be read")
}

#[test]
fn the_event_files_of_a_folder_are_one_run() {
    let first = "events.out.tfevents.1600000000.host.1.0";
    let second = "events.out.tfevents.1600009999.host.2.0.v2";
    let folder = Names::new(&["checkpoint.pt", first, second], &["plugins"], &[]);
    let found = TensorBoard.recognise(&folder);
    assert_eq!(
        found,
        [Found::run(vec![Member::new(first, Role::Metrics), Member::new(second, Role::Metrics)])]
    );
    assert_eq!(TensorBoard.recognise(&Names::new(&["events.json"], &[], &[])), []);
}

fn event(step: i64) -> Message {
    Message::new().double(1, 1_600_000_000.25 + step as f64).int(2, step)
}

/// An event with these summary values.
fn summary(step: i64, values: &[Message]) -> Vec<u8> {
    let all = values.iter().fold(Message::new(), |all, value| all.bytes(1, value));
    write(event(step).bytes(5, all).as_ref())
}

fn scalar(tag: &str, value: f32) -> Message {
    Message::new().bytes(1, tag).float(2, value)
}

fn plugin(name: &str, content: &[u8]) -> Message {
    Message::new().bytes(1, Message::new().bytes(1, name).bytes(2, content))
}

fn begin() -> Vec<u8> {
    write(Message::new().double(1, 1_600_000_000.0).bytes(3, "brain.Event:2").as_ref())
}

#[test]
fn files_of_tensorflow_and_pytorch_are_read_whole() {
    // Counts and numbers as TensorBoard's own reader gives them.
    let standard = whole(&TensorBoard, &fixture("standard/validation"));
    assert_eq!((standard.points().len(), standard.batch.issues.len()), (400, 0));
    assert_eq!(standard.keys, ["epoch_loss", "epoch_accuracy"]);
    let accuracy = standard.series("epoch_accuracy");
    assert_eq!((accuracy.len(), accuracy[199].0), (200, 199.0));

    let custom = whole(&TensorBoard, &fixture("custom"));
    assert_eq!((custom.points().len(), custom.batch.issues.len()), (100, 0));
    let others: Vec<_> = custom.others.iter().map(|other| (&*other.kind, other.count)).collect();
    assert_eq!(others.iter().filter(|other| other.0 == "histograms").map(|other| other.1).sum::<u64>(), 200);
    assert_eq!(others.iter().filter(|other| other.0 == "graph_run_metadata_graph").count(), 1);

    let trainer = whole(&TensorBoard, &fixture("trainer"));
    assert_eq!((trainer.points().len(), trainer.batch.issues.len()), (126, 0));
    let config = |name: &str| {
        let found = trainer.batch.facts.iter().find_map(|fact| match fact {
            Fact::Config { key, value } if key == name => Some(value.to_yaml()),
            _ => None,
        });
        found.unwrap_or_default()
    };
    assert_eq!(config("output_dir"), "./results");
    assert_eq!(config("model_config.model_type"), "roberta");

    let atari = whole(&TensorBoard, &fixture("atari"));
    assert_eq!(atari.outcome, Outcome::Fits);
    assert_eq!(atari.batch.issues.len(), 1, "it breaks off within a record");
}

#[test]
fn several_values_and_nan_are_points() {
    let values = [scalar("loss", f32::NAN), scalar("loss", 0.5), scalar("ä/b", f32::INFINITY)];
    let said = whole(&TensorBoard, &[begin(), summary(7, &values)].concat());
    let wall = Some(1_600_000_007_250);
    assert_eq!(
        said.points(),
        [
            ("loss", 7f64.to_bits(), f64::from(f32::NAN).to_bits(), wall),
            ("loss", 7f64.to_bits(), 0.5f64.to_bits(), wall),
            ("ä/b", 7f64.to_bits(), f64::INFINITY.to_bits(), wall),
        ]
    );
    assert_eq!(said.batch.facts, [Fact::Started(1_600_000_000_000)]);
    assert_eq!((said.outcome, said.batch.issues), (Outcome::Fits, vec![]));
}

fn check_tensor(tensor: Message, expected: Option<f64>) {
    assert_eq!(event::number(tensor.as_ref()), Ok(expected), "{tensor:?}");
}

#[test]
fn tensors_of_one_number_are_numbers_whatever_their_type() {
    let shape = |dims: &[i64]| {
        dims.iter().fold(Message::new(), |shape, &dim| shape.bytes(2, Message::new().int(1, dim)))
    };
    let typed = |kind: i64| Message::new().int(1, kind).bytes(2, shape(&[]));
    check_tensor(typed(1).float(5, 0.5), Some(0.5));
    check_tensor(typed(1).bytes(5, 0.5f32.to_le_bytes()), Some(0.5));
    check_tensor(typed(1).bytes(4, 0.5f32.to_le_bytes()), Some(0.5));
    check_tensor(Message::new().int(1, 1).bytes(4, 0.5f32.to_le_bytes()), Some(0.5));
    check_tensor(typed(2).double(6, 0.1), Some(0.1));
    check_tensor(typed(2).bytes(4, 0.1f64.to_le_bytes()), Some(0.1));
    check_tensor(typed(3).int(7, -3), Some(-3.0));
    check_tensor(typed(3).bytes(4, (-3i32).to_le_bytes()), Some(-3.0));
    check_tensor(typed(9).bytes(10, Message::new().int(1, 5).0.split_off(1)), Some(5.0));
    check_tensor(typed(10).int(11, 1), Some(1.0));
    // 1.5 as half and as bfloat16, in both ways.
    check_tensor(typed(19).int(13, 0x3e00), Some(1.5));
    check_tensor(typed(19).bytes(4, 0x3e00u16.to_le_bytes()), Some(1.5));
    check_tensor(typed(14).int(13, 0x3fc0), Some(1.5));
    check_tensor(typed(14).bytes(4, 0x3fc0u16.to_le_bytes()), Some(1.5));
    check_tensor(typed(23).bytes(4, u64::MAX.to_le_bytes()), Some(u64::MAX as f64));
    // One number in a shape that has room for one.
    check_tensor(Message::new().int(1, 1).bytes(2, shape(&[1, 1])).float(5, 2.0), Some(2.0));
    // None, or more.
    check_tensor(typed(1), None);
    check_tensor(typed(1).bytes(4, [1, 2]), None);
    check_tensor(typed(1).float(5, 1.0).float(5, 2.0), None);
    check_tensor(Message::new().int(1, 1).bytes(2, shape(&[2])).float(5, 1.0), None);
    check_tensor(Message::new().int(1, 1).bytes(2, Message::new().int(3, 1)).float(5, 1.0), None);
    check_tensor(typed(7).bytes(8, "text"), None);
    // A shape of 2^65 numbers is none of one.
    check_tensor(Message::new().int(1, 1).bytes(2, shape(&[i64::MAX, 4, 4])).float(5, 1.0), None);
}

fn tensor(tag: &str, value: f64) -> Message {
    Message::new().bytes(1, tag).bytes(8, Message::new().int(1, 2).double(6, value))
}

#[test]
fn the_plugin_of_a_tag_is_remembered_across_checkpoints() {
    let named = |tag: &str, name: &str| tensor(tag, 1.0).bytes(9, plugin(name, b""));
    let file = [
        begin(),
        summary(0, &[named("hist", "histograms"), named("loss", "scalars"), tensor("none", 1.0)]),
        summary(1, &[tensor("hist", 2.0), tensor("loss", 2.0), tensor("none", 2.0)]),
    ]
    .concat();
    let said = pieces(&TensorBoard, &file, &[50], true);
    assert_eq!(said, whole(&TensorBoard, &file));
    assert_eq!(said.keys, ["loss", "none"]);
    assert_eq!(said.series("loss"), [(0.0, 1.0), (1.0, 2.0)]);
    assert_eq!(said.others, [Other { kind: "histograms".into(), key: "hist".into(), count: 2 }]);
}

#[test]
fn images_and_histograms_of_the_old_kind_are_counted() {
    let held = |tag: &str, field: u32| Message::new().bytes(1, tag).bytes(field, [0; 3]);
    let values = [held("a", 4), held("b", 5), held("b", 3), held("c", 6), held("a", 4)];
    let said = whole(&TensorBoard, &[begin(), summary(0, &values)].concat());
    let others: Vec<_> = said.others.iter().map(|other| (&*other.kind, &*other.key, other.count)).collect();
    assert_eq!(others, [("images", "a", 2), ("histograms", "b", 2), ("audio", "c", 1)]);
    assert!(said.points().is_empty() && said.batch.issues.is_empty());
}

#[test]
fn a_session_of_the_hparams_plugin_gives_config_and_end() {
    let entry = |key: &str, value: Message| Message::new().bytes(1, key).bytes(2, value);
    let start = Message::new()
        .bytes(1, entry("lr", Message::new().double(2, 1e-4)))
        .bytes(1, entry("layers", Message::new().double(2, 12.0)))
        .bytes(1, entry("optimizer", Message::new().bytes(3, "adam")))
        .bytes(1, entry("amp", Message::new().int(4, 1)))
        .bytes(4, "sweep-3")
        .double(5, 1_600_000_001.0);
    let end = Message::new().int(1, 2).double(2, 1_600_000_009.5);
    let value = |tag: &str, data: Message| {
        let metadata = plugin("hparams", data.as_ref());
        Message::new().bytes(1, tag).bytes(8, Message::new().int(1, 1)).bytes(9, metadata)
    };
    let values = [
        value("_hparams_/session_start_info", Message::new().int(1, 0).bytes(3, start)),
        value("_hparams_/session_end_info", Message::new().bytes(4, end)),
    ];
    let said = whole(&TensorBoard, &[begin(), summary(0, &values)].concat());
    let facts: Vec<String> = said
        .batch
        .facts
        .iter()
        .map(|fact| match fact {
            Fact::Config { key, value } => format!("{key}: {}", value.to_yaml()),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        facts,
        [
            "Started(1600000000000)",
            "lr: 0.0001",
            "layers: 12",
            "optimizer: adam",
            "amp: true",
            "Group(\"sweep-3\")",
            "Started(1600000001000)",
            "End(Failed)",
            "Ended(1600000009500)",
        ]
    );
    assert!(said.batch.facts.contains(&Fact::End(End::Failed)));
    assert!(said.others.is_empty(), "{:?}", said.others);
}

#[test]
fn a_record_that_is_no_event_gives_nothing_and_is_told() {
    let bad = Message::new().double(1, 1.0).bytes(5, [0x0a, 0x7f]);
    let half = Message::new().bytes(1, scalar("loss", 1.0)).bytes(1, [0x0a, 0x7f]);
    let file = [
        begin(),
        write(bad.as_ref()),
        write(event(1).bytes(5, half).as_ref()),
        summary(2, &[scalar("loss", 2.0)]),
    ];
    let said = whole(&TensorBoard, &file.concat());
    assert_eq!(said.series("loss"), [(2.0, 2.0)]);
    let places: Vec<_> = said.batch.issues.iter().map(|issue| issue.place).collect();
    let begin = begin().len() as u64;
    assert_eq!(places, [Place::Byte(begin), Place::Byte(begin + 16 + bad.0.len() as u64)]);
}

#[test]
fn a_pointer_in_place_of_the_file_is_refused() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    for lengths in [&[1][..], &[5], &[1000]] {
        let said = pieces(&TensorBoard, pointer, lengths, true);
        assert!(
            matches!(&said.outcome, Outcome::Refused(why) if why.contains("git lfs pull")),
            "{:?}",
            said.outcome
        );
        assert_eq!(said.batch, Batch::default());
    }
    // What is neither is said to be so; an empty file waits.
    let said = whole(&TensorBoard, b"version 2 of my notes, which are no events");
    assert_eq!((said.outcome, said.batch.issues.len()), (Outcome::Waiting, 1));
    assert_eq!(whole(&TensorBoard, b"").batch.issues, Vec::<Issue>::new());
}

#[test]
fn too_many_and_too_long_tags_are_told_once_and_each() {
    let long = "x".repeat(5000);
    let said =
        whole(&TensorBoard, &[begin(), summary(0, &[scalar(&long, 1.0), scalar("loss", 1.0)])].concat());
    assert_eq!((said.keys.len(), said.batch.issues.len()), (1, 1));
    // A record each, so that no record is too long.
    let mut reader = stream(&TensorBoard, None);
    let mut batch = Batch::default();
    let tags: Vec<Message> = (0..200_010).map(|i| scalar(&i.to_string(), 1.0)).collect();
    for part in tags.chunks(1000) {
        reader.push(&summary(0, part), &mut batch);
    }
    assert_eq!((reader.keys().len(), batch.readings.len(), batch.issues.len()), (200_000, 200_000, 1));
    // Long ones are fewer: all are kept in memory.
    let mut reader = stream(&TensorBoard, None);
    let mut batch = Batch::default();
    for i in 0..10_000 {
        reader.push(&summary(0, &[scalar(&format!("{i:04000}"), 1.0)]), &mut batch);
    }
    assert_eq!((reader.keys().len(), batch.issues.len()), ((32 << 20) / 4000 + 1, 1));
}

/// Two tags over three steps, a histogram, a graph.
fn small() -> Vec<u8> {
    let row = |step: i64| summary(step, &[scalar("a", step as f32), scalar("b", -0.5), tensor("c", 0.1)]);
    let graph = write(event(0).bytes(4, [1; 30]).as_ref());
    [begin(), row(0), graph, row(1), row(2)].concat()
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    every_flip_is_noticed(&TensorBoard, &small());
}

#[test]
fn the_name_says_on_which_machine() {
    let host = super::host_of_events;
    assert_eq!(host("events.out.tfevents.1534990609.host"), Some("host"));
    assert_eq!(host("events.out.tfevents.1585383831.node-7.66143.345.v2"), Some("node-7"));
    assert_eq!(
        host("events.out.tfevents.1744227257.gpu1.lab.example.org.5388.0"),
        Some("gpu1.lab.example.org")
    );
    assert_eq!(host("events.out.tfevents.1744227257.10.0.0.7.5388.0"), Some("10.0.0.7"));
    assert_eq!(host("events.out.tfevents.1744227257"), None);
    assert_eq!(host("events.out.tfevents.early.host"), None);
    assert_eq!(host("metrics.csv"), None);
}

proptest! {
    #[test]
    fn damage_costs_what_it_hits(blows in blows(), lengths in proptest::collection::vec(1usize..90, 1..5)) {
        holds(&TensorBoard, &small(), &blows, &lengths)?;
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), length in 1usize..50) {
        let said = pieces(&TensorBoard, &bytes, &[length], true);
        prop_assert_eq!(&said, &whole(&TensorBoard, &bytes));
        // Within a sound record they get further.
        let record = write(event(0).bytes(5, Message::new().bytes(1, &bytes)).as_ref());
        prop_assert_eq!(pieces(&TensorBoard, &record, &[length], true), whole(&TensorBoard, &record));
    }

    #[test]
    fn any_state_is_survived(state in proptest::collection::vec(any::<u8>(), 0..100)) {
        let from = super::super::Checkpoint { offset: 7, state };
        prop_assert_eq!(stream(&TensorBoard, Some(&from)).offset(), 0);
    }
}
