//! Logs: byte for byte, bounded, followed.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::harness::Athanor;
use crate::wait::wait_until;

#[test]
fn bytes_come_back_as_they_were_written() {
    let athanor = Athanor::serving(1);
    let uid = athanor.ok(&[
        "add",
        "--",
        "python3",
        "-c",
        "import os; os.write(1, bytes(range(256)) * 3 + b'no end')",
    ]);
    let uid = uid.trim();
    athanor.until_status(uid, "completed");
    let output = athanor.run(&["log", uid]);
    let expected: Vec<u8> = (0..=255).cycle().take(768).chain(*b"no end").collect();
    assert_eq!(output.stdout, expected);
    let chunk = athanor.json(&["log", uid]);
    assert_eq!(chunk["next"], 774, "offsets count bytes, whatever their encoding");
}

#[test]
fn the_tail_is_the_last_lines() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("seq 1 5000; printf 'half a line'");
    athanor.until_status(&uid, "completed");
    assert_eq!(athanor.ok(&["log", "--tail", "3", &uid]), "4999\n5000\nhalf a line");
}

#[test]
fn following_prints_all_to_the_end_without_gap_or_doubling() {
    let athanor = Athanor::serving(1);
    let uid = athanor
        .add_shell("for i in $(seq 1 300); do echo line $i; [ $((i % 50)) = 0 ] && sleep 0.05; done; true");
    let output = athanor.run(&["log", "-f", &uid]);
    let expected: String = (1..=300).map(|i| format!("line {i}\n")).collect();
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
    assert_eq!(athanor.status(&uid), "completed", "it ends with the job");
}

#[test]
fn what_is_written_now_is_seen_now() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("echo one; while [ ! -e gate ]; do sleep 0.02; done; echo two");
    let mut follower = athanor.command(&["log", "-f", &uid]).stdout(Stdio::piped()).spawn().expect("starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "one", "seen while the job runs");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    assert_eq!(lines.next().expect("a line").expect("read"), "two");
    assert!(lines.next().is_none());
    assert!(follower.wait().expect("ended").success());
}

#[test]
fn a_hundred_megabytes_at_once_are_bounded_and_the_end_is_kept() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["settings", "log_limit=8388608"]);
    let uid =
        athanor.ok(&["add", "--", "sh", "-c", "yes 0123456789abcde | head -c 104857600; echo; echo the end"]);
    let uid = uid.trim();
    let detail = athanor.until_status(uid, "completed");
    assert_eq!(detail["attempts"][0]["log_bytes"], 104_857_600 + 1 + 8);
    assert_eq!(detail["attempts"][0]["log_dropped"], 0);
    assert_eq!(athanor.ok(&["log", "--tail", "1", uid]), "the end\n");
    let kept: u64 = std::fs::read_dir(athanor.attempt(uid, 1))
        .expect("there")
        .flatten()
        .map(|entry| entry.metadata().expect("there").len())
        .sum();
    assert!(kept < 20 << 20, "two generations at most: {kept}");
    let (_, note) = crate::harness::texts(&athanor.run(&["log", uid]));
    assert!(note.contains("rotated away"), "{note}");
}

#[test]
fn progress_is_read_from_a_bar_without_line_ends() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell(
        "for i in 1 2 3; do printf '\\r epoch %d/4' $i; sleep 0.2; done; while [ ! -e gate ]; do sleep 0.05; done",
    );
    let progress = wait_until("progress is seen", || {
        let progress = athanor.experiment(&uid)["progress"].clone();
        (progress["current"] == 3).then_some(progress)
    });
    assert_eq!(progress["total"], 4);
    assert_eq!(progress["unit"], "epoch");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    athanor.until_status(&uid, "completed");
}

#[test]
fn each_stream_is_read_by_itself() {
    let athanor = Athanor::serving(1);
    // Enough of one stream that the last lines of the other lie many steps back.
    let uid = athanor.add_shell(
        "echo error 1 >&2; sleep 0.05; printf 'grö' ; sleep 0.05; echo error 2 >&2; sleep 0.05; echo 'ße'; \
         head -c 1200000 /dev/zero | tr '\\0' 'x'; echo; echo end",
    );
    athanor.until_status(&uid, "completed");
    assert_eq!(athanor.ok(&["log", &uid, "--stderr"]), "error 1\nerror 2\n");
    assert_eq!(athanor.ok(&["log", &uid, "--stderr", "--tail", "1"]), "error 2\n");
    assert_eq!(athanor.ok(&["log", &uid, "--stderr", "-f"]), "error 1\nerror 2\n");
    assert_eq!(athanor.ok(&["log", &uid, "--stdout", "--tail", "1"]), "end\n");
    let out = athanor.ok(&["log", &uid, "--stdout"]);
    assert!(
        out.starts_with("größe\nxxx") && out.ends_with("x\nend\n") && out.len() == 1_200_000 + 13,
        "{}",
        out.len()
    );
    let both = athanor.ok(&["log", &uid]);
    assert!(both.starts_with("error 1\ngröerror 2\nße\n"), "{}", &both[..40]);
    // As text, no character is cut, and the offsets are those of the whole log.
    let chunk = athanor.ok(&["--json", "log", &uid, "--stderr"]);
    let chunk: serde_json::Value =
        serde_json::from_str(chunk.lines().next().expect("a chunk")).expect("JSON");
    assert_eq!((&chunk["text"], &chunk["start"]), (&"error 1\nerror 2\n".into(), &0.into()));
    assert!(chunk["next"].as_u64() > Some(1_000_000), "{}", chunk["next"]);
}

#[test]
fn grep_finds_lines_as_they_were_seen() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell(
        r"printf '10 %%\r100 %%\nlo\033[31mss\033[0m 1\nplain a.b\naxb\n'; echo Loss of patience >&2; printf 'half a loss'",
    );
    athanor.until_status(&uid, "completed");
    let grep = |arguments: &[&str]| {
        let mut all = vec!["log", &uid, "--grep"];
        all.extend(arguments);
        let output = athanor.run(&all);
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    assert_eq!(grep(&["loss", "--stdout"]), ("loss 1\nhalf a loss\n".into(), Some(0)));
    assert_eq!(grep(&["^LOSS", "-i", "--stdout"]), ("loss 1\n".into(), Some(0)));
    assert_eq!(grep(&["a.b"]), ("plain a.b\naxb\n".into(), Some(0)));
    assert_eq!(grep(&["a.b", "-F"]), ("plain a.b\n".into(), Some(0)));
    assert_eq!(grep(&["loss", "-i", "--stderr"]), ("Loss of patience\n".into(), Some(0)));
    assert_eq!(grep(&["^10 "]), (String::new(), Some(1)), "what was drawn over was not seen last");
    let (said, code) = (athanor.run(&["log", &uid, "--grep", "a(b"]), 2);
    assert_eq!(said.status.code(), Some(code));
    assert!(String::from_utf8_lossy(&said.stderr).contains("unclosed group (at character 2)"), "{said:?}");
}

#[test]
fn grep_shows_lines_around_a_match_once() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("seq 1 40");
    athanor.until_status(&uid, "completed");
    let found = athanor.ok(&["log", &uid, "--grep", "^(4|6|20|40)$", "-C", "2"]);
    assert_eq!(found.lines().collect::<Vec<_>>().join(" "), "2 3 4 5 6 7 8 -- 18 19 20 21 22 -- 38 39 40");
}

#[test]
fn grep_reaches_over_rotation_and_goes_on_with_the_job() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["settings", "log_limit=8388608"]);
    let uid = athanor.add_shell(
        "seq -f 'line %.0f of many' 1 1000000; while [ ! -e gate ]; do sleep 0.02; done; echo line 1000000 of many, again",
    );
    let mut follower = athanor
        .command(&["log", "-f", &uid, "--grep", "^line (7|1000000) "])
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let seen = lines.by_ref().map(|line| line.expect("read")).find(|line| line.contains("1000000"));
    assert_eq!(seen.as_deref(), Some("line 1000000 of many"), "found while the job runs");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    assert_eq!(lines.next().expect("a line").expect("read"), "line 1000000 of many, again");
    assert!(lines.next().is_none());
    assert!(follower.wait().expect("ended").success());
    let kept = athanor.run(&["log", &uid, "--grep", "^line 1000000 "]);
    assert_eq!(String::from_utf8_lossy(&kept.stdout).lines().count(), 2);
    assert!(String::from_utf8_lossy(&kept.stderr).contains("were rotated away"));
}
