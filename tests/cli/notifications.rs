//! What the user is told of: once, whatever becomes of the engine, and no more than they want.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use athanor_nvml_test::script::{Gpu, Script};
use serde_json::Value;

use crate::harness::{Athanor, script};
use crate::wait::wait_until;

/// All notifications, oldest first.
fn all(athanor: &Athanor) -> Vec<Value> {
    let text = athanor.ok(&["--json", "notifications", "-n", "1000"]);
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn of(athanor: &Athanor, what: &str) -> Vec<Value> {
    all(athanor).into_iter().filter(|it| it["what"] == what).collect()
}

/// Waits for the first of a kind.
fn until(athanor: &Athanor, what: &str) -> Value {
    wait_until(&format!("a notification of the kind {what}"), || of(athanor, what).into_iter().next())
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn a_failure_is_told_of_with_its_reason_and_last_line() {
    let athanor = Athanor::serving(1);
    let line =
        "printf 'epoch 1\\r\\033[1;31mValueError:\\033[0m API_TOKEN=abc123 value sesame-9911\\n\\n'; exit 3";
    let mut command = athanor.command(&["add", "--shell", "--name", "bad one", "--", line]);
    let added = command.env("DOOR_SECRET", "sesame-9911").output().expect("added");
    assert!(added.status.success(), "{added:?}");
    let told = until(&athanor, "failed");
    assert_eq!(told["title"], "bad one failed");
    let body: Vec<&str> = text(&told["body"]).lines().collect();
    assert!(body[0].starts_with("After ") && body[0].contains("xit code 3"), "{body:?}");
    assert_eq!(body[1], "ValueError: API_TOKEN=••• value •••", "plain, and without secrets");
    assert_eq!(told["actions"], serde_json::json!(["open", "log", "retry"]));
    assert_eq!((told["count"].as_u64(), told["read"].as_bool()), (Some(1), Some(false)));

    let listed = athanor.ok(&["notifications", "--unread"]);
    assert!(listed.contains("• ") && listed.contains("bad one failed"), "{listed}");
    assert_eq!(athanor.ok(&["notifications", "read"]), "All notifications are read\n");
    assert_eq!(athanor.ok(&["notifications", "--unread"]), "");
    assert!(athanor.ok(&["notifications"]).contains("bad one failed"), "what was read stays");
}

#[test]
fn many_endings_are_one_notification_and_the_empty_queue_is_told_with_them() {
    let athanor = Athanor::serving(8);
    athanor.ok(&["queue", "pause"]);
    for number in 0..20 {
        athanor.add(&[
            "--shell",
            "--name",
            &format!("job {number}"),
            "--",
            if number == 7 { "exit 1" } else { "true" },
        ]);
    }
    athanor.ok(&["queue", "resume"]);
    let told = wait_until("all are told of", || {
        let all = all(&athanor);
        (all.iter().map(|it| it["count"].as_u64().unwrap_or(0)).sum::<u64>() == 20).then_some(all)
    });
    assert_eq!(told.len(), 1, "{told:?}");
    let told = wait_until("the queue is told to be empty", || {
        all(&athanor).pop().filter(|it| text(&it["body"]).contains("Nothing more"))
    });
    assert_eq!(
        (told["title"].as_str(), told["what"].as_str()),
        (Some("20 experiments ended"), Some("failed"))
    );
    assert_eq!(text(&told["body"]).lines().next(), Some("19 completed, 1 failed: job 7"));
    assert_eq!(told["jobs"].as_array().map(Vec::len), Some(20));
}

#[test]
fn what_ends_while_no_engine_runs_is_told_once() {
    let mut athanor = Athanor::serving(2);
    for gate in ["a", "b"] {
        let uid = athanor.add_shell(&format!(
            "while [ ! -e {gate} ]; do sleep 0.02; done; echo said; touch {gate}.done; exit 4"
        ));
        athanor.job_pid(&uid);
    }
    for gate in ["a", "b"] {
        athanor.kill_engine();
        athanor.file(gate, "");
        wait_until("the job ends", || athanor.work().join(format!("{gate}.done")).exists().then_some(()));
        athanor.serve(&[]);
        let known = if gate == "a" { 1 } else { 2 };
        wait_until("its end is told of", || {
            let counted: u64 = of(&athanor, "failed").iter().filter_map(|it| it["count"].as_u64()).sum();
            assert!(counted <= known, "told twice");
            (counted == known).then_some(())
        });
    }
    athanor.kill_engine();
    athanor.serve(&[]);
    // An engine that begins looks at once; its first look is over when something new is told of.
    athanor.add_shell("true");
    until(&athanor, "completed");
    let counted: u64 = of(&athanor, "failed").iter().filter_map(|it| it["count"].as_u64()).sum();
    assert_eq!(counted, 2);
}

#[test]
fn switches_keep_quiet_what_nobody_wants_to_hear() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["settings", "notify_off=completed", "muted_projects=toys"]);
    let project = athanor.work().join("toys");
    std::fs::create_dir(&project).expect("a folder");
    athanor.ok(&["project", "add", project.to_str().expect("a path")]);
    athanor.add_shell("true");
    athanor.add(&["--shell", "--name", "muted", "--project", "toys", "--", "exit 1"]);
    athanor.add(&["--shell", "--name", "heard", "--", "exit 1"]);
    until(&athanor, "failed");
    let titles: Vec<String> = all(&athanor).iter().map(|it| text(&it["title"]).to_owned()).collect();
    assert_eq!(titles, ["heard failed"]);
}

#[test]
fn quiet_hours_are_summed_up_afterwards() {
    let mut athanor = Athanor::serving(1);
    athanor.ok(&["settings", "quiet=always mon-sun 00:00-24:00"]);
    athanor.add(&["--shell", "--name", "by night", "--", "exit 1"]);
    let told = until(&athanor, "failed");
    assert_eq!(told["quiet"], true);
    athanor.kill_engine();
    athanor.serve(&[]);
    athanor.ok(&["settings", "quiet=none"]);
    let summary = until(&athanor, "summary");
    assert_eq!(summary["title"], "While it was quiet, 1 experiment ended");
    assert_eq!(summary["body"], "1 failed.");
    athanor.ok(&["settings", "quiet=always mon-sun 00:00-24:00"]);
    athanor.ok(&["settings", "quiet=none"]);
    athanor.add(&["--shell", "--name", "by day", "--", "exit 1"]);
    wait_until("the next is told of", || (of(&athanor, "failed").len() == 2).then_some(()));
    assert_eq!(of(&athanor, "summary").len(), 1, "nothing is summed up twice");
}

#[test]
fn a_job_that_writes_nothing_any_more_is_told_of_once() {
    let mut athanor = Athanor::serving(2);
    athanor.ok(&["settings", "stall=1s"]);
    athanor.add(&[
        "--shell",
        "--name",
        "silent",
        "--",
        "echo begins; while [ ! -e gate ]; do sleep 0.05; done",
    ]);
    athanor.add(&["--shell", "--name", "talks", "--", "while [ ! -e gate ]; do echo on; sleep 0.1; done"]);
    let told = until(&athanor, "stalled");
    assert_eq!(told["title"], "silent has written nothing for 1.0 s");
    athanor.kill_engine();
    athanor.serve(&[]);
    athanor.file("gate", "");
    wait_until("both end", || {
        (of(&athanor, "completed").iter().filter_map(|it| it["count"].as_u64()).sum::<u64>() == 2)
            .then_some(())
    });
    assert_eq!(of(&athanor, "stalled").len(), 1, "neither the one that talks, nor twice");
}

#[test]
fn trouble_of_the_machine_is_told_of_once() {
    let mut athanor = Athanor::serving(1);
    athanor.ok(&["settings", "disk_low=1024TiB"]);
    let told = until(&athanor, "disk_low");
    assert!(text(&told["title"]).starts_with("Disk nearly full: "), "{told}");
    assert_eq!(told["urgency"], "critical");
    let before = of(&athanor, "disk_low").len();
    athanor.kill_engine();
    athanor.serve(&[]);
    athanor.add_shell("true");
    until(&athanor, "completed");
    assert_eq!(of(&athanor, "disk_low").len(), before, "a restart does not tell again");
}

#[test]
fn a_gpu_that_is_lost_is_told_of() {
    let mut athanor = Athanor::with_gpus(&[80, 80]);
    athanor.serve(&[]);
    wait_until("the GPUs are seen", || {
        (athanor.json(&["resources"])["gpus"].as_array()?.len() == 2).then_some(())
    });
    let left = Gpu { uuid: "GPU-0".into(), memory_total: 80 << 30, ..Gpu::default() };
    athanor.set_gpus(&Script { gpus: vec![left], ..Script::default() });
    let told = until(&athanor, "gpu_lost");
    assert_eq!(told["urgency"], "critical");
    assert!(text(&told["title"]).contains("GPU 1"), "{told}");
}

#[test]
fn a_hook_is_given_what_happened_as_json() {
    let athanor = Athanor::serving(1);
    let hook = athanor.work().join("hook.sh");
    script(&hook, "#!/bin/sh\ncat > given.$$\nmv given.$$ \"$ATHANOR_HOME/../given\"\n");
    athanor.ok(&["settings", &format!("hook={}", hook.display())]);
    let settings = athanor.ok(&["settings"]);
    assert!(settings.contains(&format!("hook={}\n", hook.display())), "{settings}");
    let uid = athanor.add(&["--shell", "--name", "hooked", "--", "exit 5"]);
    let given = wait_until("the hook is run", || {
        let text = std::fs::read_to_string(athanor.home().join("../given")).ok()?;
        serde_json::from_str::<Value>(&text).ok()
    });
    assert_eq!((given["kind"].as_str(), given["title"].as_str()), (Some("failed"), Some("hooked failed")));
    assert_eq!(given["experiments"][0]["uid"].as_str(), Some(uid.as_str()));
    assert!(text(&given["text"]).contains("xit code 5"), "{given}");

    athanor.ok(&["settings", "hook=echo no route to chat >&2; exit 9"]);
    let (code, said) = athanor.fails(&["notifications", "test"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the hook failed: it ended with exit code 9: no route to chat"), "{said}");
    assert!(athanor.ok(&["settings"]).contains("no route to chat"), "the settings say what it did last");
    assert!(athanor.ok(&["notifications"]).contains("no route to chat"), "and so does the list");
    athanor.ok(&["settings", "hook=none"]);
    assert_eq!(athanor.ok(&["notifications", "test"]), "A notification was sent; no hook is set\n");
}

#[test]
fn an_address_keeps_its_secret() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["settings", "hook_url=https://hooks.example.com/services/T0/secret-path"]);
    let settings = athanor.ok(&["settings"]);
    assert!(settings.contains("hook_url=https://hooks.example.com/•••\n"), "{settings}");
    let database = std::fs::read(athanor.home().join("athanor.db-wal")).unwrap_or_default();
    let database = [database, std::fs::read(athanor.home().join("athanor.db")).expect("a database")].concat();
    assert!(!database.windows(11).any(|bytes| bytes == b"secret-path"), "it is sealed");
    let (code, said) = athanor.fails(&["settings", "hook_url=file:///etc/passwd"]);
    assert!(code != 0 && said.contains("the address looks like https://"), "{said}");
}

#[test]
fn notifications_can_be_followed() {
    let athanor = Athanor::serving(1);
    let mut follower = athanor.command(&["--json", "notifications", "-f"]);
    let mut follower = follower.stdout(Stdio::piped()).spawn().expect("starts");
    athanor.add(&["--shell", "--name", "followed", "--", "exit 1"]);
    let mut line = String::new();
    BufReader::new(follower.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(told["title"], "followed failed");
    follower.kill().expect("ends");
    follower.wait().expect("ended");
}

#[test]
fn the_desktop_starts_the_window_only_if_the_user_wants_it() {
    let athanor = Athanor::new();
    let config = athanor.work().join("config");
    let settings = |change: &str| {
        let mut command = athanor.command(&["settings", change]);
        // Where programs are looked for there is a window's program.
        let bin = athanor.work().join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        script(&bin.join("athanor-desktop"), "#!/bin/sh\n");
        let done = command.env("XDG_CONFIG_HOME", &config).env("PATH", &bin).output().expect("runs");
        assert!(done.status.success(), "{done:?}");
    };
    let entry = config.join("autostart/athanor.desktop");
    settings("slots=1");
    assert!(!entry.exists(), "off by default");
    settings("autostart=true");
    let text = std::fs::read_to_string(&entry).expect("written");
    assert!(text.contains("athanor-desktop\" --hidden") && text.contains("ATHANOR_HOME="), "{text}");
    settings("autostart=false");
    assert!(!entry.exists());
}
