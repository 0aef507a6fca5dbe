use std::path::PathBuf;

use proptest::prelude::*;

use super::super::protobuf::Message;
use super::super::testing::{Names, Said, blows, every_flip_is_noticed, holds_or, pieces, stream, whole};
use super::super::{Batch, Fact, Format, Found, Member, Other, Outcome, Role};
use super::Wandb;
use super::log::write;

fn item(key: &str, json: &str) -> Message {
    Message::new().bytes(1, key).bytes(16, json)
}

/// A key in the way of newer versions, part by part.
fn nested(parts: &[&str], json: &str) -> Message {
    parts.iter().fold(Message::new(), |item, part| item.bytes(2, part)).bytes(16, json)
}

fn list(field: u32, items: &[Message]) -> Message {
    items.iter().fold(Message::new(), |list, item| list.bytes(field, item))
}

fn record(field: u32, message: Message) -> Vec<u8> {
    Message::new().int(1, 5).bytes(field, message).bytes(16, Message::new().int(5, 1)).0
}

fn row(step: i64, items: &[Message]) -> Vec<u8> {
    record(2, list(1, items).bytes(2, Message::new().int(1, step)))
}

fn run() -> Vec<u8> {
    let config = list(
        1,
        &[item("lr", "0.001"), item("_wandb", "{\"a\": 1}"), nested(&["opt", "betas"], "[0.9, NaN]")],
    );
    let run = Message::new()
        .bytes(1, "abc123")
        .bytes(3, "cats")
        .bytes(4, config)
        .bytes(6, "seeds")
        .bytes(8, "brisk-sun-1")
        .bytes(9, "a note")
        .bytes(10, "baseline")
        .bytes(10, "v2")
        .bytes(17, Message::new().int(1, 1_700_000_000).int(2, 500_000_000))
        .bytes(21, Message::new().bytes(1, "git@example.org:x.git").bytes(2, "c0ffee"));
    record(17, run)
}

fn read(records: &[Vec<u8>]) -> Said {
    whole(&Wandb, &write(records))
}

fn facts(said: &Said) -> Vec<String> {
    let words = |fact: &Fact| match fact {
        Fact::Config { key, value } => format!("{key}: {}", value.to_yaml()),
        other => format!("{other:?}"),
    };
    said.batch.facts.iter().map(words).collect()
}

#[test]
fn a_file_of_a_killed_run_is_read_to_its_last_whole_record() {
    let path = "../../tests/fixtures/runs/wandb/run-20250402_225749-8qal19d1/run-8qal19d1.wandb";
    let file =
        std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the fixture is there");
    let said = whole(&Wandb, &file);
    assert_eq!(said.outcome, Outcome::Fits);
    let expected = ["Project(\"ai4bmr-learn\")", "Started(1743627469304)"];
    assert_eq!(facts(&said)[..2], expected);
    let power = said.series("system.gpu.0.powerWatts");
    assert_eq!((power.len(), power[0]), (40, (15.573, 33.819)));
    assert_eq!(said.batch.issues.len(), 1, "the last record breaks off");
    assert_eq!(pieces(&Wandb, &file, &[1000, 77, 5000], true), said);
}

/// What an independent reader counted: points of these metrics.
fn check_counts(name: &str, expected: &[(&str, usize)]) -> Said {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wandb").join(name);
    let said = whole(&Wandb, &std::fs::read(path).expect("the fixture is there"));
    for (key, count) in expected {
        assert_eq!(said.series(key).len(), *count, "{key} in {name}");
    }
    assert_eq!((said.outcome.clone(), said.batch.issues.len()), (Outcome::Fits, 0));
    said
}

#[test]
fn files_of_the_python_library_and_of_the_go_service_are_read_whole() {
    let said = check_counts(
        "sdk-0.15.wandb",
        &[
            ("valid-loss", 64),
            ("train-score", 64),
            ("epoch", 128),
            ("trainer/global_step", 0),
            ("_runtime", 0),
        ],
    );
    // `*` goes by `trainer/global_step`.
    assert_eq!(said.series("valid-loss")[0], (0.0, 1.720_789_670_944_213_9));
    assert!(facts(&said).ends_with(&["Ended(1685417177337)".into(), "End(Completed)".into()]));
    assert!(facts(&said).contains(&"beta: 0.5".into()));

    let said = check_counts(
        "core-0.23.wandb",
        &[("eval/accuracy", 137), ("eval/loss", 137), ("drift/score", 13), ("step", 0)],
    );
    assert_eq!(said.series("eval/accuracy")[..2], [(1.0, 62.5), (2.0, 42.1875)]);
    assert!(facts(&said).contains(&"train.batch_size: 64".into()));
    assert!(facts(&said).ends_with(&["End(Failed)".into()]));
}

#[test]
fn a_folder_of_a_run_is_one_run() {
    let files = ["files/config.yaml", "files/output.log", "files/media/x.png", "files/wandb-summary.json"];
    let folder = Names::new(&["run-abc.wandb"], &["files", "logs"], &files);
    let members = vec![
        Member::new("run-abc.wandb", Role::Metrics),
        Member::new("files/config.yaml", Role::Copy),
        Member::new("files/output.log", Role::Log),
        Member::new("files/wandb-summary.json", Role::Copy),
    ];
    assert_eq!(Wandb.recognise(&folder), [Found::run(members)]);
    assert_eq!(Wandb.recognise(&Names::new(&["debug.log"], &[], &[])), []);
}

#[test]
fn a_run_says_who_it_is() {
    let said = read(&[run()]);
    assert_eq!(
        facts(&said),
        [
            "Project(\"cats\")",
            "lr: 0.001",
            "opt.betas.0: 0.9",
            "opt.betas.1: NaN",
            "Group(\"seeds\")",
            "Name(\"brisk-sun-1\")",
            "Notes(\"a note\")",
            "Tag(\"baseline\")",
            "Tag(\"v2\")",
            "Started(1700000000500)",
            "Commit(\"c0ffee\")",
        ]
    );
}

#[test]
fn rows_of_history_are_points() {
    let said = read(&[
        run(),
        row(0, &[item("loss", "0.5"), nested(&["val", "acc"], "1"), item("_timestamp", "1700000001.25")]),
        row(3, &[item("loss", "NaN"), item("grad", "\"Infinity\""), item("_runtime", "3")]),
        row(4, &[item("nest", "{\"a\": {\"b\": 2, \"c\": \"x\"}, \"d\": -Infinity}"), item("ok", "true")]),
        row(
            5,
            &[
                item("image", "{\"_type\": \"image-file\", \"size\": 3}"),
                item("l", "[1,2]"),
                item("t", "\"x\""),
            ],
        ),
        // `_step` is the step where an old version gives no other.
        record(2, list(1, &[item("loss", "0.25"), item("_step", "9")])),
        record(2, list(1, &[item("loss", "0.125")])),
    ]);
    assert_eq!(said.keys, ["loss", "val.acc", "grad", "nest.a.b", "nest.d"]);
    let loss: Vec<(f64, String)> = said.series("loss").iter().map(|(x, y)| (*x, y.to_string())).collect();
    let expected = [(0.0, "0.5"), (3.0, "NaN"), (9.0, "0.25"), (10.0, "0.125")];
    assert_eq!(loss, expected.map(|(x, y)| (x, y.to_owned())));
    assert_eq!(said.points()[0].3, Some(1_700_000_001_250));
    assert_eq!(said.series("grad"), [(3.0, f64::INFINITY)]);
    assert_eq!(
        (said.series("nest.a.b"), said.series("nest.d")),
        (vec![(4.0, 2.0)], vec![(4.0, f64::NEG_INFINITY)])
    );
    let others: Vec<_> = said.others.iter().map(|other| (&*other.key, &*other.kind)).collect();
    assert_eq!(others, [("ok", "true or false"), ("image", "image-file"), ("l", "lists"), ("t", "text")]);
    assert_eq!(said.batch.issues, []);
}

#[test]
fn a_defined_step_is_the_x_axis() {
    let define =
        |field: u32, name: &str, axis: &str| record(12, Message::new().bytes(field, name).bytes(4, axis));
    let said = read(&[
        define(2, "*", "trainer/global_step"),
        define(2, "val/*", "epoch"),
        define(1, "val/odd", "_step"),
        row(0, &[item("loss", "1"), item("trainer/global_step", "50"), item("epoch", "0")]),
        // A row without it stands where the one before stood.
        row(1, &[item("loss", "2"), item("val/acc", "0.5"), item("epoch", "1")]),
        row(2, &[item("loss", "3"), item("trainer/global_step", "100")]),
    ]);
    assert_eq!(said.series("loss"), [(50.0, 1.0), (50.0, 2.0), (100.0, 3.0)]);
    assert_eq!(said.series("val/acc"), [(1.0, 0.5)]);
    assert_eq!(said.series("epoch"), [(50.0, 0.0), (50.0, 1.0)]);
    assert!(!said.keys.contains(&"trainer/global_step".to_owned()));
}

#[test]
fn system_metrics_stand_at_seconds_since_the_start() {
    let stats = |seconds: i64, power: &str| {
        let time = Message::new().int(1, seconds).int(2, 250_000_000);
        record(7, Message::new().bytes(2, time).bytes(3, item("gpu.0.powerWatts", power)))
    };
    let said = read(&[run(), stats(1_700_000_010, "33.5"), stats(1_700_000_020, "34")]);
    assert_eq!(said.series("system.gpu.0.powerWatts"), [(9.75, 33.5), (19.75, 34.0)]);
    assert_eq!(said.points()[0].3, Some(1_700_000_010_250));
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let exit = |code: i64| record(18, Message::new().int(1, code).int(2, 60));
    let end = |said: &Said| facts(said).split_off(said.batch.facts.len() - 2);
    assert_eq!(end(&read(&[run(), exit(0)])), ["Ended(1700000060500)", "End(Completed)"]);
    assert_eq!(end(&read(&[run(), exit(255)])), ["Ended(1700000060500)", "End(Failed)"]);
}

#[test]
fn a_number_of_the_summary_alone_is_a_point_at_the_end() {
    let summary = |items: &[Message]| record(3, list(1, items));
    let said = read(&[
        run(),
        summary(&[item("test_acc", "0.5"), item("late", "7"), item("_runtime", "1"), item("note", "\"x\"")]),
        row(4, &[item("late", "1")]),
        summary(&[item("test_acc", "0.75"), item("late", "1")]),
        record(18, Message::new()),
    ]);
    assert_eq!(said.series("test_acc"), [(4.0, 0.75)]);
    assert_eq!(said.series("late"), [(4.0, 1.0)]);
    assert_eq!(said.keys.len(), 2);
}

#[test]
fn other_files_are_refused() {
    for bytes in [&b":W&B\xe1\xbe\x01 of a later version"[..], b"not one at all", b"version https://git-lfs"]
    {
        let said = pieces(&Wandb, bytes, &[3], true);
        assert!(matches!(said.outcome, Outcome::Refused(_)));
        assert_eq!(said.batch, Batch::default());
    }
    assert_eq!(whole(&Wandb, b":W&B").outcome, Outcome::Waiting);
}

#[test]
fn a_long_name_before_a_long_list_costs_no_more_than_it_is_worth() {
    let list = format!("[{}]", vec!["1"; 200_000].join(","));
    let said = read(&[record(5, super::tests::list(1, &[item(&"x".repeat(500), &list)]))]);
    let bytes: usize = said.batch.facts.iter().map(|fact| format!("{fact:?}").len()).sum();
    assert!((1 << 20..64 << 20).contains(&bytes), "{bytes}");
    assert_eq!(said.others, Vec::<Other>::new());
}

/// A run with rows that go over several blocks where `padding` is large.
fn small(padding: usize) -> Vec<u8> {
    small_with(padding, true)
}

/// The same with or without the record that makes one of its metrics the x axis.
fn small_with(padding: usize, defined: bool) -> Vec<u8> {
    let text = format!("\"{}\"", "x".repeat(padding));
    let define = record(12, Message::new().bytes(2, "*").bytes(4, "s"));
    let line = |step: i64| {
        row(
            step,
            &[
                item("loss", &format!("0.{step}")),
                item("acc", "1"),
                item("t", &text),
                item("s", &step.to_string()),
            ],
        )
    };
    let mut records = vec![run()];
    records.extend(defined.then_some(define));
    records.extend((0..6).map(line));
    records.push(record(3, list(1, &[item("test", "1")])));
    records.push(record(18, Message::new()));
    write(&records)
}

#[test]
fn no_flipped_bit_goes_unnoticed() {
    every_flip_is_noticed(&Wandb, &small(10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damage_costs_what_it_hits(blows in blows(), lengths in proptest::collection::vec(1usize..20_000, 1..5)) {
        // One that is left out may have been the latest of its x axis, so what is compared has a point of each row.
        // Where the record is hit that names the axis, that is a metric like the others.
        holds_or(&Wandb, &small(15_000), &small_with(15_000, false), &blows, &lengths)?;
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), length in 1usize..50) {
        let file = [&super::log::MAGIC[..], &bytes].concat();
        prop_assert_eq!(pieces(&Wandb, &file, &[length], true), whole(&Wandb, &file));
        // Within a sound record they get further.
        let file = write(&[record(2, Message::new().bytes(1, &bytes)), record(5, Message::new().bytes(1, &bytes))]);
        prop_assert_eq!(pieces(&Wandb, &file, &[length], true), whole(&Wandb, &file));
    }

    #[test]
    fn any_state_is_survived(state in proptest::collection::vec(any::<u8>(), 0..100)) {
        let from = super::super::Checkpoint { offset: 7, state };
        prop_assert_eq!(stream(&Wandb, Some(&from)).offset(), 0);
    }
}
