//! Text in, jobs out, and back.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::wire::{Command, Condition, Dependency, FailureReason, Priority, Requirements, RetryPolicy};

const NOW: i64 = 1_795_000_000_000;

fn context() -> Context {
    Context { cwd: "/home/user".into(), now_ms: NOW, zone: TimeZone::UTC }
}

fn jobs(text: &str) -> Vec<NewExperiment> {
    read(text, None, &context()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn fault(text: &str) -> String {
    read(text, None, &context()).expect_err(text).message
}

#[test]
fn the_three_forms_say_the_same() {
    let lines = r#"{"command": ["python3", "train.py", "--lr", "0.1"], "name": "a", "gpus": 2, "memory_gb": 1.5}

{"command": "make data && ./run.sh", "priority": "high", "cwd": "sub", "estimated_runtime_hours": 0.5}
"#;
    let array = r#"[
        {"command": ["python3", "train.py", "--lr", "0.1"], "name": "a", "gpu_count": 2, "memory": "1.5GiB"},
        {"command": "make data && ./run.sh", "priority": "high", "cwd": "/home/user/sub", "estimate": "30m", "key": null}
    ]"#;
    let toml = r#"
# Two jobs.
[[job]]
command = ["python3", "train.py", "--lr", "0.1"]
name = "a"
gpus = 2
memory = 1610612736

[[job]]
command = "make data && ./run.sh"
priority = "high"
cwd = "sub"
estimate = "30m"
"#;
    let expected = jobs(lines);
    assert_eq!(expected[0].requirements.gpus, 2);
    assert_eq!(expected[0].requirements.memory, Some(3 << 29));
    assert_eq!(expected[1].command, Command::Shell("make data && ./run.sh".into()));
    assert_eq!(expected[1].cwd, "/home/user/sub");
    assert_eq!(expected[1].priority, Priority::High);
    assert_eq!(expected[1].requirements.estimated_ms, Some(1_800_000));
    assert_eq!(jobs(array), expected);
    assert_eq!(jobs(toml), expected);
    assert_eq!(jobs(&format!("\u{feff}{lines}")), expected, "a byte order mark is no part of the text");
    let pretty = "{\n  \"command\": \"true\"\n}\n";
    assert_eq!(jobs(pretty).len(), 1, "one object over several lines");
    assert_eq!(jobs("job.command = \"true\"").len(), 1, "a single job needs no list");
}

#[test]
fn all_fields_are_taken() {
    let text = r#"
[[job]]
command = "true"
label = "first"
[[job]]
command = "true"
after = ["@first", "any:20261121_7e3a", { uid = "other", when = "failure" }]
wait_for_failed = true
hold = true
delay = "10m"
start_by = 2026-11-30T12:00:00Z
window = "nights"
retries = 3
backoff = "30s"
retry_on = ["exit_code", "lost"]
time_limit = "12h"
grace = "30s"
key = "k"
group = "g"
gpu_memory_gb = 10
disk_space_gb = 50
cpu_cores = 8
env = { A = "1" }
metadata = { sha = "abc" }
tags = ["x", "y"]
"#;
    let job = jobs(text).remove(1);
    let when = |uid: &str, when| Dependency { uid: uid.into(), when };
    assert_eq!(
        job.after,
        [
            when("@first", Condition::Success),
            when("20261121_7e3a", Condition::Any),
            when("other", Condition::Failure)
        ]
    );
    assert!(job.wait_for_failed && job.hold);
    assert_eq!(job.not_before, Some(NOW + 600_000));
    assert_eq!(job.start_by, Some(1_796_040_000_000));
    assert_eq!(
        job.retry,
        Some(RetryPolicy {
            limit: 3,
            delay_ms: Some(30_000),
            reasons: Some(vec![FailureReason::ExitCode, FailureReason::Lost])
        })
    );
    assert_eq!((job.time_limit_ms, job.grace_ms), (Some(43_200_000), Some(30_000)));
    assert_eq!(job.requirements.gpus, 1, "memory on a GPU asks for one");
    assert_eq!(job.requirements.gpu_memory, Some(10 << 30));
    assert_eq!(job.requirements.disk, Some(50 << 30));
    assert_eq!(job.set["A"], "1");
    assert_eq!(job.metadata["sha"], "abc");
}

#[test]
fn faults_name_the_line_and_the_next_step() {
    for (text, words) in [
        ("", "line 1: there is no job"),
        (
            "{\"command\": \"true\"}\n{\"comand\": \"true\"}",
            "line 2: there is no field “comand”; did you mean “command”?",
        ),
        (
            "{\"command\": \"true\"}\n\n{\"command\": \"true\", \"gpu_cout\": 2}",
            "line 3: there is no field “gpu_cout”; did you mean “gpu_count”?",
        ),
        ("{\"command\": \"true\", \"colour\": 2}", "there are command, cwd, name"),
        ("{\"command\": \"true\"}\n{\"command\": ", "line 2: this is not JSON"),
        ("[\n{\"command\": \"true\"},\n{\"name\": \"x\"}\n]", "line 3: a job needs a “command”"),
        ("[\n{\"command\": \"true\",\n \"gpus\": -1}\n]", "line 3: “gpus” is -1"),
        ("[1]", "a job is an object"),
        ("{\"command\": \"true\", \"gpus\": 1e99}", "“gpus” is 1e+99"),
        ("{\"command\": \"true\", \"memory_gb\": 1e300}", "out of all reason"),
        ("{\"command\": \"true\", \"memory_gb\": -1}", "out of all reason"),
        ("{\"command\": [\"a\", 1]}", "has a word that is 1"),
        ("{\"command\": \"true\", \"gpus\": 1, \"gpu_count\": 2}", "“gpu_count” and “gpus” say the same"),
        ("{\"command\": \"true\", \"name\": \"a\", \"name\": \"b\"}", "“name” stands there twice"),
        ("{\"command\": \"true\", \"time_limit\": 5}", "write a duration with its unit"),
        ("{\"command\": \"true\", \"backoff\": \"30s\"}", "need “retries”"),
        ("{\"command\": \"true\", \"retries\": 1, \"retry_on\": [\"rain\"]}", "is “rain”; write exit_code"),
        ("{\"command\": \"true\", \"priority\": \"soon\"}", "is “soon”; write urgent, high, normal or low"),
        (
            "{\"command\": \"true\", \"after\": [\"@b\"]}\n{\"command\": \"true\", \"label\": \"b\"}",
            "line 1: no job before this one has the label “b”",
        ),
        (
            "{\"command\": \"true\", \"label\": \"b\"}\n{\"command\": \"true\", \"label\": \"b\"}",
            "line 2: two jobs have the label “b”",
        ),
        ("[[job]]\ncommand = \"true\"\n[[job]]\ncomand = 1", "line 4: there is no field “comand”"),
        ("[[job]]\ncommand = ", "line 2: this is not TOML"),
        ("[[job]]\ncommand = \"true\"\nmemory_gb = nan", "line 3: “memory_gb” is a text"),
        ("[[jobs]]\ncommand = \"true\"", "line 1: “jobs” stands outside a job"),
        ("[[job]]\ncommand = \"true\"\ncommand = \"false\"", "line 3: this is not TOML"),
    ] {
        let said = fault(text);
        assert!(said.contains(words), "{text}\n  says: {said}\n  not:  {words}");
    }
}

#[test]
fn a_text_that_looks_like_a_list_is_told_apart() {
    for (text, format) in [
        ("[[job]]", TransferFormat::Toml),
        ("  [job]", TransferFormat::Toml),
        ("[\n{}]", TransferFormat::Json),
        ("[]", TransferFormat::Json),
        ("{}", TransferFormat::JsonLines),
        ("# TOML", TransferFormat::Toml),
        ("", TransferFormat::Toml),
    ] {
        assert_eq!(source::format_of(text), format, "{text}");
    }
}

/// Text with everything that a format has to escape.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9_.]{0,11}",
        1 => "[ -~\\n\\tä∂🜂\"'\\\\{}@:#=]{0,24}",
        1 => Just("any:failure:success:".to_owned()),
        1 => Just("'''\n\"\"\"\n".to_owned()),
    ]
}

fn table() -> impl Strategy<Value = BTreeMap<String, String>> {
    proptest::collection::btree_map(words(), words(), 0..3)
}

prop_compose! {
    fn requirements()(
        cpu_cores in proptest::option::of(1u32..64),
        memory in proptest::option::of(1u64..1 << 50),
        disk in proptest::option::of(1u64..1 << 50),
        gpus in 0u32..9,
        gpu_memory in proptest::option::of(1u64..1 << 40),
        gpu_model in proptest::option::of(words()),
        gpu_uuids in proptest::collection::vec("GPU-[0-9a-f]{8}", 0..3),
        gpu_exclusive in proptest::option::of(any::<bool>()),
        estimated_ms in proptest::option::of(1u64..315_360_000_000),
    ) -> Requirements {
        Requirements {
            cpu_cores, memory, disk, gpus, gpu_memory, gpu_model, gpu_uuids, gpu_exclusive, estimated_ms,
        }
    }
}

fn reason() -> impl Strategy<Value = FailureReason> {
    use FailureReason::{CouldNotStart, ExitCode, Lost, OutOfMemory, Signal};
    proptest::sample::select(vec![CouldNotStart, ExitCode, Lost, OutOfMemory, Signal])
}

prop_compose! {
    fn retry()(
        limit in 0u32..1000,
        delay_ms in proptest::option::of(0u64..1_000_000_000),
        reasons in proptest::option::of(proptest::collection::vec(reason(), 0..3)),
    ) -> RetryPolicy {
        RetryPolicy { limit, delay_ms, reasons }
    }
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        words().prop_map(Command::Shell),
        proptest::collection::vec(words(), 1..4).prop_map(Command::Argv),
    ]
}

fn dependency() -> impl Strategy<Value = Dependency> {
    let condition = proptest::sample::select(vec![Condition::Success, Condition::Any, Condition::Failure]);
    // A label would have to be one of the same text.
    let uid = words().prop_filter("no label", |uid| !uid.starts_with('@'));
    (uid, condition).prop_map(|(uid, when)| Dependency { uid, when })
}

prop_compose! {
    fn described()(
        command in command(),
        cwd in words(),
        name in proptest::option::of(words()),
        project in proptest::option::of(words()),
        group in proptest::option::of(words()),
        priority in proptest::sample::select(vec![Priority::Urgent, Priority::High, Priority::Normal, Priority::Low]),
        set in table(),
        config_path in proptest::option::of(words()),
        config_text in proptest::option::of(words()),
        key in proptest::option::of(words()),
        tags in proptest::collection::vec(words(), 0..3),
        notes in words(),
    ) -> NewExperiment {
        NewExperiment {
            name, project, group, priority, set, config_path, config_text, key, tags, notes,
            ..fields::blank(command, format!("/{cwd}"))
        }
    }
}

prop_compose! {
    fn experiment()(
        base in described(),
        requirements in requirements(),
        after in proptest::collection::vec(dependency(), 0..3),
        flags in any::<[bool; 2]>(),
        not_before in proptest::option::of(0i64..4_000_000_000_000),
        start_by in proptest::option::of(0i64..4_000_000_000_000),
        window in proptest::option::of(words()),
        retry in proptest::option::of(retry()),
        user in proptest::option::of(words()),
        metadata in table(),
        time_limit_ms in proptest::option::of(0u64..315_360_000_000),
        grace_ms in proptest::option::of(0u64..86_400_000),
    ) -> NewExperiment {
        NewExperiment {
            requirements, after, wait_for_failed: flags[0], hold: flags[1], not_before, start_by, window,
            retry, user, metadata, time_limit_ms, grace_ms,
            ..base
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back_to_the_same_jobs(
        all in proptest::collection::vec(experiment(), 1..4),
        format in proptest::sample::select(vec![
            TransferFormat::Json, TransferFormat::JsonLines, TransferFormat::Toml,
        ]),
        told in any::<bool>(),
    ) {
        let text = write(&all, format).expect("a job can be written");
        let back = read(&text, told.then_some(format), &context());
        prop_assert_eq!(back.map_err(|error| format!("{error}\n{text}")), Ok(all));
    }

    #[test]
    fn no_text_makes_it_fall(text in "[\\[\\]{}\"a-z:, =\\n\\\\0-9]{0,60}") {
        let _ = read(&text, None, &context());
        let _ = read(&format!("[[job]]\n{text}"), None, &context());
        let _ = read(&format!("{{\"command\": {text}"), None, &context());
    }
}

#[test]
fn ten_thousand_jobs_are_read_in_a_moment() {
    let lines: String = (0..10_000)
        .map(|n| format!("{{\"command\": [\"python3\", \"train.py\", \"--seed\", \"{n}\"], \"name\": \"job {n}\", \"gpus\": 1, \"memory_gb\": 8}}\n"))
        .collect();
    assert_eq!(jobs(&lines).len(), 10_000);
}
