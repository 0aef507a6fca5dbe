//! What `add` and `edit` are told, and what comes of it.

use std::collections::BTreeSet;

use crate::harness::Athanor;

#[test]
fn all_that_is_said_is_kept() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let parent = athanor.add(&["-n", "parent", "--", "true"]);
    let uid = athanor.add(&[
        "-n",
        "child",
        "--group",
        "g",
        "--parallel",
        "3",
        "--priority",
        "high",
        "--cpus",
        "1",
        "--memory",
        "1GiB",
        "--disk",
        "1MiB",
        "--estimate",
        "3h",
        "--after",
        &parent,
        "--any-end",
        "--wait-for-failed",
        "--not-before",
        "+2h",
        "--window",
        "nights",
        "--start-by",
        "+30d",
        "--hold",
        "--retries",
        "3",
        "--backoff",
        "5s",
        "--retry-on",
        "exit_code,lost",
        "--time-limit",
        "12h",
        "--grace",
        "30s",
        "--key",
        "k",
        "--meta",
        "a=b",
        "--tag",
        "x",
        "--notes",
        "why",
        "--",
        "true",
    ]);
    let detail = athanor.json(&["show", &uid]);
    let experiment = &detail["experiment"];
    assert_eq!(experiment["status"], "pending");
    assert_eq!(experiment["group"], "g");
    assert_eq!(experiment["priority"], "high");
    assert_eq!(experiment["requirements"]["memory"], 1u64 << 30);
    assert_eq!(experiment["requirements"]["cpu_cores"], 1);
    assert_eq!(experiment["requirements"]["estimated_ms"], 10_800_000);
    assert_eq!(experiment["held"], true);
    assert_eq!(experiment["window"], "nights");
    assert!(experiment["not_before"].as_i64() < experiment["start_by"].as_i64());
    assert_eq!(experiment["retry_limit"], 3);
    assert_eq!(experiment["time_limit_ms"], 43_200_000);
    assert_eq!(detail["grace_ms"], 30_000);
    assert_eq!(detail["retry"]["delay_ms"], 5_000);
    assert_eq!(detail["retry"]["reasons"], serde_json::json!(["exit_code", "lost"]));
    assert_eq!(detail["after"][0]["uid"], parent.as_str());
    assert_eq!(detail["after"][0]["when"], "any");
    assert_eq!(detail["wait_for_failed"], true);
    assert_eq!(detail["key"], "k");
    assert_eq!(detail["metadata"]["a"], "b");
    assert_eq!(detail["notes"], "why");
    let text = athanor.ok(&["show", &uid]);
    for words in
        ["held", "1.00 GiB of memory", "only in the window nights", "0 of 3 used", "on any end: open", "12 h"]
    {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
    assert!(athanor.ok(&["show", &parent]).contains("before"), "it is seen from the other end, too");
    let group = athanor.json(&["group", "ls"]);
    assert_eq!(group[0]["parallel"], 3);
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let uid = athanor.add(&[
        "-n", "a", "--cpus", "1", "--memory", "1GiB", "--window", "nights", "-e", "A=1", "--", "true",
    ]);
    athanor.ok(&[
        "edit",
        &uid,
        "-n",
        "b",
        "--no-window",
        "--memory",
        "2GiB",
        "--priority",
        "low",
        "--tag",
        "t",
        "-e",
        "B=2",
        "--unset",
        "A",
        "--not-before",
        "+1h",
        "--",
        "sh",
        "-c",
        "echo $A$B",
    ]);
    let experiment = athanor.experiment(&uid);
    assert_eq!(experiment["name"], "b");
    assert_eq!(experiment["window"], serde_json::Value::Null);
    assert_eq!(experiment["requirements"]["memory"], 2u64 << 30);
    assert_eq!(experiment["requirements"]["cpu_cores"], 1, "left as it was");
    assert_eq!(experiment["priority"], "low");
    assert_eq!(experiment["tags"], serde_json::json!(["t"]));
    athanor.ok(&["edit", &uid, "--no-not-before", "--no-needs", "--no-tags"]);
    let experiment = athanor.experiment(&uid);
    assert_eq!(experiment["not_before"], serde_json::Value::Null);
    assert_eq!(experiment["tags"], serde_json::json!([]));
    athanor.ok(&["queue", "resume"]);
    athanor.until_status(&uid, "completed");
    assert_eq!(athanor.ok(&["log", &uid]), "2\n");
    athanor.ok(&["edit", &uid, "--notes", "words may change at any time"]);
    let (code, message) = athanor.fails(&["edit", &uid, "--priority", "high"]);
    assert_eq!(code, 4, "{message}");
    let (code, message) = athanor.fails(&["edit", &uid]);
    assert_eq!(code, 2);
    assert!(message.contains("say what to change"), "{message}");
}

#[test]
fn dependents_follow_what_becomes_of_the_first() {
    let athanor = Athanor::serving(2);
    athanor.ok(&["queue", "pause"]);
    let parent = athanor.add(&["-n", "parent", "--", "false"]);
    let success = athanor.add(&["--after", &parent, "--", "true"]);
    let any = athanor.add(&["--after", "parent", "--any-end", "--", "true"]);
    let failure = athanor.add(&["--after", &format!("failure:{parent}"), "--", "true"]);
    let patient = athanor.add(&["--after", &parent, "--wait-for-failed", "--", "true"]);
    assert_eq!(athanor.status(&any), "pending");
    athanor.ok(&["queue", "resume"]);
    athanor.until_status(&any, "completed");
    athanor.until_status(&failure, "completed");
    let failed = athanor.until_status(&success, "failed");
    assert_eq!(failed["experiment"]["failure"]["reason"], "dependency_failed");
    assert_eq!(athanor.status(&patient), "pending");
}

#[test]
fn ten_processes_with_one_key_queue_one_experiment() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let uids: BTreeSet<String> = std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..10).map(|_| scope.spawn(|| athanor.add(&["--key", "once", "--", "true"]))).collect();
        clients.into_iter().map(|client| client.join().expect("answered")).collect()
    });
    assert_eq!(uids.len(), 1, "{uids:?}");
    assert_eq!(athanor.names(&[]).len(), 1);
    let again = athanor.run(&["add", "--key", "once", "--", "true"]);
    assert!(crate::harness::texts(&again).1.contains("was there already with this key"));
}

#[test]
fn values_are_set_in_the_command_and_in_the_config() {
    let athanor = Athanor::serving(1);
    athanor.file("config.yaml", "# ours\nlr: 0.1  # small\nmodel:\n  depth: 18\n");
    let uid = athanor.add(&[
        "--config",
        "config.yaml",
        "--set",
        "lr=0.01",
        "--set",
        "model.depth=50",
        "--set",
        "who=me",
        "--set",
        "extra=1",
        "--",
        "sh",
        "-c",
        "cat $ATHANOR_CONFIG; echo {who} $0",
    ]);
    athanor.until_status(&uid, "completed");
    let log = athanor.ok(&["log", &uid]);
    assert_eq!(log, "# ours\nlr: 0.01  # small\nmodel:\n  depth: 50\nme --extra=1\n");
    let original = std::fs::read_to_string(athanor.work().join("config.yaml")).expect("there");
    assert!(original.contains("lr: 0.1  # small"), "the user's file is as it was");
    athanor.ok(&["queue", "pause"]);
    let waiting = athanor.add(&["--config", "config.yaml", "--", "sh", "-c", "cat $ATHANOR_CONFIG"]);
    athanor.ok(&["edit", &waiting, "--set", "lr=7"]);
    athanor.ok(&["queue", "resume"]);
    athanor.until_status(&waiting, "completed");
    assert!(athanor.ok(&["log", &waiting]).contains("lr: 7  # small"));
}

#[test]
fn a_retry_happens_as_often_as_was_asked() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add(&["--retries", "2", "--backoff", "10ms", "--", "false"]);
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["attempts"].as_array().map(Vec::len), Some(3));
    assert_eq!(detail["experiment"]["retries_used"], 2);
}
