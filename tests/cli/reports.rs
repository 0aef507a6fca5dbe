//! What is told about the queue and the machine, and what is set.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::harness::Athanor;
use crate::wait::{PATIENCE, wait_until};

#[test]
fn statistics_and_resources_are_told() {
    let athanor = Athanor::serving(2);
    let uid = athanor.add(&["--", "true"]);
    athanor.until_status(&uid, "completed");
    let report = athanor.json(&["stats"]);
    assert_eq!(report["stats"]["completed"], 1);
    assert!(report["mean_run_ms"].is_number(), "{report}");
    let text = athanor.ok(&["stats"]);
    assert!(text.contains("1 completed"), "{text}");
    let resources = wait_until("the machine is known", || {
        let resources = athanor.json(&["resources"]);
        (resources["known"] == true).then_some(resources)
    });
    assert!(resources["cpu_cores"]["total"].as_u64() >= Some(1), "{resources}");
    assert!(athanor.ok(&["resources"]).contains("Cores"));
}

#[test]
fn the_timeline_shows_what_ran() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add(&["-n", "quick", "--", "true"]);
    athanor.until_status(&uid, "completed");
    let timeline = athanor.json(&["timeline", "--since", "1h"]);
    assert_eq!(timeline["bars"][0]["uid"], uid.as_str());
    assert_eq!(timeline["bars"][0]["lanes"], serde_json::json!(["cpu"]));
    let text = athanor.ok(&["timeline", "--since", "1h", "--width", "80"]);
    assert!(text.contains("CPU") && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let (code, message) = athanor.fails(&["timeline", "--since", "+2h"]);
    assert_eq!(code, 2, "{message}");
}

#[test]
fn events_are_followed_by_cursor() {
    let mut athanor = Athanor::serving(1);
    let before = athanor.add(&["-n", "before", "--", "true"]);
    athanor.until_status(&before, "completed");
    let known = athanor.ok(&["--json", "events"]).lines().count();
    let mut command = athanor.command(&["--json", "events", "-f", "--since", "1"]);
    let mut following = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(following.stdout.take().expect("a pipe")).lines();
    let mut read = || -> serde_json::Value {
        serde_json::from_str(&lines.next().expect("more").expect("readable")).expect("JSON")
    };
    let mut cursors: Vec<u64> = (1..known).map(|_| read()["cursor"].as_u64().expect("a cursor")).collect();
    let after = athanor.add(&["-n", "after", "--", "true"]);
    loop {
        let event = read();
        cursors.push(event["cursor"].as_u64().expect("a cursor"));
        if event["uid"] == after.as_str() && event["what"] == "completed" {
            break;
        }
    }
    assert!(cursors.windows(2).all(|pair| pair[0] < pair[1]), "in order, each once: {cursors:?}");
    athanor.stop_engine();
    assert_eq!(following.wait().expect("it ends").code(), Some(5), "it ends with the engine");
}

#[test]
fn events_are_looked_through_from_either_end() {
    let mut athanor = Athanor::new();
    let uid = athanor.add(&["-n", "alpha", "--", "true"]);
    athanor.serve(&["--slots", "1"]);
    athanor.until_status(&uid, "completed");
    let other = athanor.add(&["-n", "beta", "--", "true"]);
    athanor.until_status(&other, "completed");
    let read = |arguments: &[&str]| -> Vec<(u64, String)> {
        let mut all = vec!["--json", "events"];
        all.extend(arguments);
        let text = athanor.ok(&all);
        let events = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        events.map(|event| (event["cursor"].as_u64().expect("a cursor"), event["what"].to_string())).collect()
    };
    let all = read(&[]);
    let last = read(&["--last", "3"]);
    assert_eq!(last, all[all.len() - 3..], "in their order");
    let before = last[0].0.to_string();
    assert_eq!(read(&["--last", "2", "--before", &before]), all[all.len() - 5..all.len() - 3]);
    assert_eq!(read(&["--last", "9999"]), all);
    let alpha = read(&["--text", "ALPHA"]);
    assert!(!alpha.is_empty() && alpha.len() < all.len() && alpha.iter().all(|event| all.contains(event)));
    let kinds: Vec<String> = read(&["-t", "beta completed"]).into_iter().map(|(_, what)| what).collect();
    assert_eq!(kinds, ["\"completed\""]);
    assert_eq!(read(&["--text", "alpha", "--last", "1"]), alpha[alpha.len() - 1..]);
    let of = read(&[&uid]);
    assert_eq!(read(&[&uid, "--last", "2"]), of[of.len() - 2..]);
    assert!(read(&["--text", "nothing like it"]).is_empty());
}

#[test]
fn who_listens_and_does_not_read_holds_nobody_up_and_catches_up_by_cursor() {
    const MANY: usize = 9_000;
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let stream = UnixStream::connect(athanor.home().join("athanor.sock")).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut listener = BufReader::new(stream);
    listener.get_mut().write_all(b"{\"version\": 1, \"method\": \"listen\"}\n").expect("asked");
    let mut push = || -> serde_json::Value {
        let mut line = String::new();
        listener.read_line(&mut line).expect("told");
        serde_json::from_str::<serde_json::Value>(&line).expect("JSON")["push"].clone()
    };
    let hello = push();
    assert_eq!(hello["kind"], "hello");
    let begun = hello["cursor"].as_u64().expect("a cursor");
    // More than is kept for it, and more than a socket takes.
    let jobs = "{\"command\": [\"true\"]}\n".repeat(MANY);
    assert!(athanor.fed(&["add", "--from", "-"], &jobs).status.success());
    assert!(athanor.ok(&["status"]).contains("9000 waiting"), "others are served");

    let mut seen = Vec::new();
    let missed_up_to = loop {
        let push = push();
        match push["kind"].as_str() {
            Some("queue_update") => seen.push(push["event"]["cursor"].as_u64().expect("a cursor")),
            Some("resync") => break push["cursor"].as_u64().expect("a cursor"),
            _ => {}
        }
    };
    let gap = seen.windows(2).find(|pair| pair[0] + 1 != pair[1]);
    assert_eq!(gap, None, "no gap until it is told of one, at {missed_up_to}, after {} pushes", seen.len());
    let last = seen.last().copied().unwrap_or(begun);
    let rest = athanor.ok(&["--json", "events", "--since", &last.to_string()]);
    let rest = rest.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let cursors: Vec<u64> = rest.map(|event| event["cursor"].as_u64().expect("a cursor")).collect();
    assert!(cursors.windows(2).all(|pair| pair[0] + 1 == pair[1]), "the table has the others, each once");
    assert_eq!(cursors.first().copied(), Some(last + 1));
    assert!(cursors.contains(&missed_up_to));
    assert_eq!(seen.len() + cursors.len(), MANY, "all of them, each once");
}

#[test]
fn a_clean_up_says_first_what_goes() {
    let mut athanor = Athanor::serving(1);
    let old = athanor.add_shell("echo something; echo step,loss > metrics.csv");
    athanor.until_status(&old, "completed");
    assert!(athanor.ok(&["gc"]).contains("nothing to take away"), "it ended just now");
    athanor.stop_engine();
    // As it will be in forty days, written with the system's own library through Python.
    let python = "import sqlite3, sys\n\
                  db = sqlite3.connect(sys.argv[1])\n\
                  ago = 40 * 86400000\n\
                  db.execute('UPDATE experiment SET completed_at = completed_at - ?', (ago,))\n\
                  db.execute('UPDATE attempt SET started_at = started_at - ?1, ended_at = ended_at - ?1', (ago,))\n\
                  db.execute('UPDATE event SET at = at - ?', (ago,))\n\
                  db.commit()\n";
    let done = Command::new("python3").arg("-c").arg(python).arg(athanor.home().join("athanor.db")).status();
    assert!(done.expect("python runs").success());
    athanor.serve(&[]);
    let fresh = athanor.add_shell("echo fresh");
    athanor.until_status(&fresh, "completed");
    // A log goes only after it was read to its end.
    let plan = wait_until("the old log may go", || {
        let plan = athanor.json(&["gc", "--dry-run"]);
        (plan["logs"] == 1).then_some(plan)
    });
    assert_eq!(plan["largest"][0]["uid"], old.as_str());
    let (code, message) = athanor.fails(&["gc"]);
    assert_eq!(code, 8, "{message}");
    assert_eq!(athanor.ok(&["log", &old]), "something\n", "nothing went unasked");
    let said = athanor.ok(&["gc", "--yes"]);
    assert!(said.contains("1 log"), "{said}");
    assert_eq!(athanor.ok(&["log", &fresh]), "fresh\n");
    assert_eq!(athanor.status(&old), "completed", "the experiment stays");
    assert!(athanor.work().join("metrics.csv").exists(), "what the job wrote stays");
    assert_eq!(athanor.json(&["gc", "--dry-run"])["logs"], 0);
    for days in ["0", "99999"] {
        assert_eq!(athanor.fails(&["gc", "--days", days, "--yes"]).0, 2);
    }
}

#[test]
fn settings_are_read_and_changed() {
    let athanor = Athanor::new();
    athanor.ok(&[
        "settings",
        "max-running=4",
        "per_gpu=2",
        "per-project=3",
        "keep-days=7",
        "ignore-idle=true",
        "windows=nights mon-sun 22:00-07:00; lunch mon-fri 12:00-13:00",
    ]);
    let settings = athanor.json(&["settings"]);
    assert_eq!(settings["max_running"], 4);
    assert_eq!(settings["keep_days"], 7);
    assert_eq!(settings["windows"][1]["days"], serde_json::json!(["mon", "tue", "wed", "thu", "fri"]));
    let text = athanor.ok(&["settings"]);
    assert!(text.contains("windows=nights mon-sun 22:00-07:00; lunch mon-fri 12:00-13:00\n"), "{text}");
    let windows = text.lines().find(|line| line.starts_with("windows=")).expect("a line");
    athanor.ok(&["settings", windows, "max_running=none"]);
    assert_eq!(athanor.json(&["settings"])["max_running"], serde_json::Value::Null);
    assert_eq!(
        athanor.json(&["settings"])["windows"],
        settings["windows"],
        "what it prints can be given back"
    );
    for (change, words) in [
        ("windows=lunch mon-fri 12:00-25:00", "25:00"),
        ("windows=lunch someday 12:00-13:00", "someday"),
        ("keep-days=soon", "not possible"),
        ("max_runing=2", "did you mean “max_running”"),
        ("slots=-1", "not possible"),
    ] {
        let (code, message) = athanor.fails(&["settings", change]);
        assert_eq!(code, 2, "{change}");
        assert!(message.contains(words), "{change}: {message}");
    }
}

#[test]
fn shells_can_complete_commands() {
    let athanor = Athanor::new();
    for (shell, words) in
        [("bash", "complete "), ("zsh", "#compdef athanor"), ("fish", "complete -c athanor")]
    {
        let script = athanor.ok(&["completions", shell]);
        assert!(script.contains(words) && script.contains("sweep-random"), "{shell}");
    }
    assert!(!athanor.home().exists(), "nothing was opened for it");
}

#[test]
fn lists_are_narrowed_down() {
    let athanor = Athanor::serving(1);
    let failed = athanor.add(&["-n", "bad", "--group", "g", "--", "false"]);
    athanor.until_status(&failed, "failed");
    athanor.ok(&["queue", "pause"]);
    athanor.add(&["-n", "waiting", "--", "true"]);
    assert_eq!(athanor.names(&["--group", "g"]), ["bad"]);
    assert_eq!(athanor.names(&["--status", "queued"]), ["waiting"]);
    assert_eq!(athanor.names(&["--status", "failed,queued"]), ["waiting", "bad"]);
    let text = athanor.ok(&["ls"]);
    assert!(text.contains("GROUP") && text.contains("The queue is paused"), "{text}");
    assert!(!text.contains("PROJECT"), "a column in which nothing stands is left out: {text}");
}
