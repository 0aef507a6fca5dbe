//! Jobs as text, in and out.

use crate::harness::{Athanor, texts};

#[test]
fn jobs_of_a_file_are_queued_in_one_go() {
    let athanor = Athanor::serving(2);
    let lines = "{\"command\": [\"sh\", \"-c\", \"echo $A > first\"], \"name\": \"first\", \"label\": \"f\", \"env\": {\"A\": \"1\"}}\n\
                 {\"command\": \"cat first > second\", \"name\": \"second\", \"after\": [\"@f\"], \"memory_gb\": 0.1}\n";
    let output = athanor.fed(&["add", "--from", "-"], lines);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{err}");
    let uids: Vec<&str> = out.lines().collect();
    assert_eq!(uids.len(), 2);
    athanor.until_status(uids[1], "completed");
    assert_eq!(std::fs::read_to_string(athanor.work().join("second")).expect("written"), "1\n");
    athanor.file("jobs.toml", "[[job]]\ncommand = \"true\"\nname = \"t\"\ncwd = \".\"\n");
    let uid = athanor.ok(&["import", "jobs.toml"]);
    athanor.until_status(uid.trim(), "completed");
    let preview = athanor.ok(&["add", "--from", "jobs.toml", "--dry-run"]);
    assert!(preview.contains("1 experiment would be queued"), "{preview}");
}

#[test]
fn a_fault_in_one_job_keeps_all_out_and_names_its_line() {
    let athanor = Athanor::new();
    for (text, words) in [
        (
            "{\"command\": \"true\"}\n{\"command\": \"true\", \"gpu_cout\": 1}\n",
            "line 2: there is no field “gpu_cout”; did you mean “gpu_count”?",
        ),
        ("{\"command\": \"true\"}\n{\"command\": [\"true\"]\n", "line 3: this is not JSON"),
        (
            "[[job]]\ncommand = \"true\"\n\n[[job]]\ncommand = \"true\"\ntime_limit = \"soon\"\n",
            "line 6: “time_limit” is no duration",
        ),
        ("{\"command\": \"true\"}\n{\"command\": \"true\", \"cwd\": \"nowhere\"}\n", "job 2: "),
        (
            "{\"command\": \"true\"}\n{\"command\": \"true\", \"after\": [\"20200101_ffff\"]}\n",
            "there is no experiment",
        ),
        ("{\"command\": \"true\"}\n{\"command\": \"true\", \"cpu_cores\": 0}\n", "job 2: "),
        ("", "there is no job in this text"),
    ] {
        athanor.file("jobs", text);
        let (code, message) = athanor.fails(&["import", "jobs"]);
        assert!(code == 2 || code == 3, "{text}: {message}");
        assert!(message.contains(words), "{text}: {message}");
    }
    let (code, message) = athanor.fails(&["import", "none.toml"]);
    assert_eq!(code, 6, "{message}");
    std::fs::write(athanor.work().join("jobs"), b"{\"command\": \"\xff\"}").expect("written");
    let (code, message) = athanor.fails(&["import", "jobs"]);
    assert!(code == 2 && message.contains("line 1: this is not UTF-8"), "{message}");
    assert!(athanor.names(&["--all"]).is_empty(), "nothing was queued");
}

#[test]
fn what_is_exported_is_imported_as_the_same_jobs() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    athanor.file("config.yaml", "lr: 0.1\n");
    let first = athanor.add(&[
        "-n",
        "first",
        "--cpus",
        "1",
        "--memory",
        "1GiB",
        "--retries",
        "2",
        "--",
        "echo",
        "it's \"so\"",
    ]);
    athanor.add(&[
        "-n",
        "second",
        "--after",
        &first,
        "--any-end",
        "--window",
        "nights",
        "--hold",
        "--not-before",
        "+3h",
        "--group",
        "g",
        "--tag",
        "x",
        "--meta",
        "a=b",
        "--time-limit",
        "90m",
        "--grace",
        "1s",
        "--notes",
        "two\nlines",
        "--config",
        "config.yaml",
        "--set",
        "lr=0.5",
        "--shell",
        "--",
        "echo $HOME | cat",
    ]);
    athanor.ok(&["move", "second", "--top"]);
    let of =
        |name: &str| athanor.json(&["export", "--format", name])["text"].as_str().expect("text").to_owned();
    let known = of("jsonl");
    assert_eq!(known.lines().count(), 2);
    assert!(known.lines().next().expect("a line").contains("\"first\""), "what is waited for stands above");
    assert!(!known.contains("PATH"), "no environment");
    for format in ["toml", "json", "jsonl"] {
        let text = of(format);
        athanor.ok(&["cancel", "first", "second"]);
        for uid in athanor.json(&["ls", "--all"]).as_array().expect("a list") {
            athanor.ok(&["delete", "--yes", uid["uid"].as_str().expect("a uid")]);
        }
        let output = athanor.fed(&["import", "-", "--format", format], &text);
        assert!(output.status.success(), "{format}: {}", texts(&output).1);
        // Labels are the uids that the jobs had, and those are new.
        let blank = |text: &str| {
            let jobs =
                text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
            jobs.map(|mut job| {
                for field in ["label", "after"] {
                    job[field] = job[field].is_null().into();
                }
                job
            })
            .collect::<Vec<_>>()
        };
        assert_eq!(blank(&of("jsonl")), blank(&known), "{format}");
    }
}

#[test]
fn finished_jobs_and_groups_are_exported_by_name() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add(&["-n", "done", "--group", "g", "--", "true"]);
    athanor.until_status(&uid, "completed");
    let nothing = athanor.run(&["export"]);
    assert!(nothing.status.success() && nothing.stdout.is_empty());
    assert!(athanor.ok(&["export", &uid]).contains("name = \"done\""));
    assert_eq!(athanor.json(&["export", "--group", "g"])["count"], 1);
    assert_eq!(athanor.fails(&["export", "nobody"]).0, 3);
    assert_eq!(athanor.fails(&["export", "--group", "none"]).0, 3);
}

#[test]
fn thousands_are_accepted_in_one_call() {
    let athanor = Athanor::new();
    let lines: String = (0..2_000)
        .map(|n| {
            format!("{{\"command\": [\"true\", \"{n}\"], \"name\": \"job {n}\", \"memory\": \"1GiB\"}}\n")
        })
        .collect();
    let output = athanor.fed(&["import", "-"], &lines);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{err}");
    assert_eq!(out.lines().count(), 2_000);
}

#[test]
fn an_import_tells_what_was_there_under_its_key() {
    let athanor = Athanor::new();
    let there = athanor.add(&["--key", "k1", "--", "true"]);
    athanor.file(
        "jobs",
        "{\"command\": \"true\", \"key\": \"k1\"}\n{\"command\": \"true\", \"key\": \"k2\"}\n{\"command\": \"true\"}\n",
    );
    let preview = athanor.json(&["import", "jobs", "--dry-run"]);
    assert_eq!(
        (&preview["existing"], &preview["count"]),
        (&serde_json::json!([there]), &serde_json::json!(3))
    );
    let (_, said) = texts(&athanor.run(&["import", "jobs", "--dry-run"]));
    assert!(
        said.contains(&format!("{there} was there already with this key; nothing would be queued")),
        "{said}"
    );
    assert_eq!(athanor.names(&["--all"]).len(), 1);

    let imported = athanor.json(&["import", "jobs"]);
    assert_eq!(imported["existing"], serde_json::json!([there]));
    assert_eq!(imported["experiments"].as_array().map(Vec::len), Some(3), "it is returned, too");
    assert_eq!(imported["experiments"][0]["uid"], there.as_str());
    assert_eq!(athanor.names(&["--all"]).len(), 3);
    let (out, said) = texts(&athanor.run(&["import", "jobs"]));
    assert_eq!(out.lines().next(), Some(there.as_str()));
    assert_eq!(said.matches("was there already with this key").count(), 2, "{said}");
    assert_eq!(athanor.names(&["--all"]).len(), 4, "the one without a key is another one");
}
