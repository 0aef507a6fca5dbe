//! Bad input and a world that does not play along: each is said clearly, and nothing is lost.

use std::os::unix::fs::PermissionsExt;

use crate::harness::{Athanor, script, texts};
use crate::wait::wait_until;

#[test]
fn an_unknown_working_directory_is_refused_at_once() {
    let athanor = Athanor::serving(1);
    let (code, message) = athanor.fails(&["add", "-C", "/nowhere/at/all", "--", "true"]);
    assert_eq!(code, 2);
    assert!(message.contains("the folder /nowhere/at/all does not exist"), "{message}");
    assert_eq!(athanor.json(&["ls", "--all"]).as_array().map(Vec::len), Some(0), "no partial effect");
}

#[test]
fn a_working_directory_that_vanishes_before_the_start_is_said() {
    let athanor = Athanor::serving(1);
    athanor.ok(&["queue", "pause"]);
    let folder = athanor.work().join("gone");
    std::fs::create_dir(&folder).expect("made");
    let uid = athanor.ok(&["add", "-C", "gone", "--", "true"]).trim().to_owned();
    std::fs::remove_dir(&folder).expect("removed");
    athanor.ok(&["queue", "resume"]);
    let failure = athanor.until_status(&uid, "failed")["experiment"]["failure"].clone();
    assert_eq!(failure["reason"], "could_not_start");
    assert!(failure["message"].as_str().expect("words").contains("does not exist"), "{failure}");
}

#[test]
fn a_command_that_is_not_there_and_one_that_may_not_be_run() {
    let athanor = Athanor::serving(1);
    let missing = athanor.ok(&["add", "--", "no-such-program"]).trim().to_owned();
    let failure = athanor.until_status(&missing, "failed")["experiment"]["failure"].clone();
    assert_eq!(failure["reason"], "could_not_start");
    assert!(
        failure["message"].as_str().expect("words").contains("“no-such-program” was not found"),
        "{failure}"
    );

    let path = athanor.work().join("plain");
    script(&path, "#!/bin/sh\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("made plain");
    let denied = athanor.ok(&["add", "--", "./plain"]).trim().to_owned();
    let failure = athanor.until_status(&denied, "failed")["experiment"]["failure"].clone();
    assert!(failure["message"].as_str().expect("words").contains("chmod +x"), "{failure}");
}

#[test]
fn absurd_input_is_refused_with_the_field_and_no_effect() {
    let athanor = Athanor::serving(1);
    for (arguments, code, words) in [
        (vec!["add", "--name", "a\u{1b}[31mb", "--", "true"], 2, "controls a terminal"),
        (vec!["add", "--time-limit", "0s", "--", "true"], 2, "longer than 0"),
        (vec!["add", "--time-limit", "-5s", "--", "true"], 2, "time-limit"),
        (vec!["add", "--config", "none.yaml", "--", "true"], 2, "none.yaml can't be used"),
        (vec!["add", "--", ""], 2, "command is empty"),
        (vec!["add"], 2, "COMMAND"),
        (vec!["show", "20260101_ffff"], 3, "there is no experiment"),
        (vec!["log", "nothing"], 3, "there is no experiment"),
        (vec!["settings", "slots=9999"], 2, "at most 256"),
        (vec!["settings", "colour=red"], 2, "there is no setting"),
        (vec!["project", "add", "/nowhere"], 2, "does not exist"),
    ] {
        let (got, message) = athanor.fails(&arguments);
        assert_eq!(got, code, "{arguments:?}: {message}");
        assert!(message.contains(words), "{arguments:?}: {message}");
    }
    assert_eq!(athanor.json(&["ls", "--all"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn a_config_that_is_no_text_is_refused() {
    let athanor = Athanor::serving(1);
    std::fs::write(athanor.work().join("config.yaml"), [0xff, 0xfe, 0x00]).expect("written");
    let (code, message) = athanor.fails(&["add", "--config", "config.yaml", "--", "true"]);
    assert_eq!(code, 2);
    assert!(message.contains("config.yaml can't be used"), "{message}");
    std::fs::write(athanor.work().join("config.yaml"), "lr: 0.1\n").expect("written");
    let uid = athanor.ok(&["add", "--config", "config.yaml", "--", "true"]).trim().to_owned();
    std::fs::write(athanor.work().join("config.yaml"), "lr: 99\n").expect("changed afterwards");
    assert_eq!(athanor.json(&["show", &uid])["config_text"], "lr: 0.1\n", "as it was when it was submitted");
}

#[test]
fn a_second_engine_is_refused_and_names_the_first() {
    let athanor = Athanor::serving(1);
    let (code, message) = athanor.fails(&["serve"]);
    assert_eq!(code, 5, "{message}");
    assert!(message.contains("another engine (process"), "{message}");
    athanor.ok(&["status"]);
}

#[test]
fn a_lock_and_a_socket_left_over_stop_nobody() {
    let mut athanor = Athanor::serving(1);
    athanor.kill_engine();
    assert!(athanor.home().join("engine.lock").exists() && athanor.home().join("athanor.sock").exists());
    athanor.serve(&[]);
    let uid = athanor.add_shell("true");
    athanor.until_status(&uid, "completed");
}

#[test]
fn only_the_owner_can_reach_the_socket() {
    let athanor = Athanor::serving(1);
    let mode = |path: &str| athanor.home().join(path).metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode("athanor.sock"), 0o600);
    assert_eq!(mode(""), 0o700);
    assert_eq!(mode("secret.key"), 0o600);
}

#[test]
fn a_log_folder_that_is_removed_costs_the_log_and_not_the_outcome() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("echo before; while [ ! -e gate ]; do sleep 0.02; done; echo after; exit 4");
    let folder = athanor.attempt(&uid, 1);
    wait_until("something is logged", || (athanor.ok(&["log", &uid]) == "before\n").then_some(()));
    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    let detail = athanor.until_status(&uid, "failed");
    assert_eq!(detail["attempts"][0]["exit_code"], 4);
}

#[test]
fn a_supervisor_that_is_killed_is_said_and_leaves_nothing_running() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell("sleep 600");
    let (job, shim) = (athanor.job_pid(&uid), athanor.shim_pid(&uid));
    crate::harness::signal(shim, rustix::process::Signal::KILL);
    // What vanished is tried again after a while, unless the user said otherwise.
    let shown = athanor.until_status(&uid, "pending");
    assert_eq!(shown["experiment"]["failure"]["reason"], "lost");
    assert_eq!(
        (&shown["experiment"]["retries_used"], &shown["experiment"]["retry_limit"]),
        (&1.into(), &3.into())
    );
    assert_eq!(shown["attempts"][0]["status"], "failed");
    wait_until("the job is gone, too", || (!crate::harness::lives(job)).then_some(()));
}

#[test]
fn a_newer_database_is_refused_with_its_own_exit_code() {
    let mut athanor = Athanor::serving(1);
    athanor.stop_engine();
    // What a newer program would leave, written with the system's own library through Python.
    let python = "import sqlite3, sys\n\
                  db = sqlite3.connect(sys.argv[1])\n\
                  db.execute(\"insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'future', 1, x'00', 0)\")\n\
                  db.commit()\n";
    let done = std::process::Command::new("python3")
        .arg("-c")
        .arg(python)
        .arg(athanor.home().join("athanor.db"))
        .status();
    assert!(done.expect("python runs").success());
    let (code, message) = athanor.fails(&["serve"]);
    assert_eq!(code, 7, "{message}");
    assert!(message.contains("a newer Athanor wrote it"), "{message}");
}

#[test]
fn a_damaged_database_is_set_aside_and_said() {
    let mut athanor = Athanor::serving(1);
    let uid = athanor.add_shell("true");
    athanor.until_status(&uid, "completed");
    athanor.stop_engine();
    let path = athanor.home().join("athanor.db");
    let mut bytes = std::fs::read(&path).expect("readable");
    bytes.iter_mut().skip(100).step_by(3).for_each(|byte| *byte ^= 0xa5);
    std::fs::write(&path, &bytes).expect("damaged");
    // A clean end does not make the damage invisible.
    athanor.serve(&[]);
    let notices = athanor.json(&["status"])["engine"]["notices"].clone();
    assert_eq!(notices[0]["level"], "error", "{notices}");
    let kept = std::fs::read_dir(athanor.home().join("backups"))
        .expect("there")
        .flatten()
        .find(|entry| std::fs::read(entry.path()).ok().as_deref() == Some(&bytes));
    assert!(kept.is_some(), "kept as it was found");
    let next = athanor.add_shell("true");
    athanor.until_status(&next, "completed");
}

#[test]
fn a_full_disk_refuses_new_jobs_and_keeps_the_old() {
    let mut athanor = Athanor::new();
    let home = athanor.home();
    std::fs::create_dir(&home).expect("made");
    let mount = |size: &str, options: &str| {
        let options = format!("size={size},mode=700{options}");
        std::process::Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&home).output()
    };
    let mounted = mount("6m", "").is_ok_and(|done| done.status.success());
    if !mounted {
        // Only root may mount. Elsewhere the same path is exercised in the shim's tests by a file size limit.
        assert_ne!(rustix::process::geteuid().as_raw(), 0, "root can mount a file system");
        return;
    }
    struct Unmount(std::path::PathBuf);
    impl Drop for Unmount {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
        }
    }
    let _unmount = Unmount(home.clone());
    athanor.serve(&["--slots", "1"]);
    let before = athanor.add_shell("exit 5");
    athanor.until_status(&before, "failed");
    let running = athanor.add_shell("while [ ! -e gate ]; do sleep 0.05; done; exit 6");
    // Its supervisor has claimed the attempt, and with it room for the exit record.
    athanor.job_pid(&running);
    let filler = home.join("filler");
    let _ = std::fs::write(&filler, vec![0u8; 6 << 20]);
    let refused = wait_until("an add is refused", || {
        let output = athanor.run(&["add", "--notes", &"n".repeat(1900), "--", "true"]);
        (!output.status.success()).then_some(output)
    });
    let (_, message) = texts(&refused);
    assert_eq!(refused.status.code(), Some(6), "{message}");
    assert!(message.contains("full"), "{message}");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    wait_until("the job has ended", || {
        athanor_shim::attempt::read_exit(&athanor.attempt(&running, 1)).ok().flatten()
    });
    std::fs::remove_file(&filler).expect("room again");
    let detail = athanor.until_status(&running, "failed");
    assert_eq!(detail["attempts"][0]["exit_code"], 6, "recorded as soon as there is room");
    let after = athanor.add_shell("true");
    athanor.until_status(&after, "completed");
    athanor.stop_engine();
}

/// Copies a folder as it is.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("readable").flatten() {
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied")),
        }
    }
}

#[test]
fn a_folder_that_a_killed_engine_left_is_gone_with_the_next_and_nothing_else_is() {
    let mut athanor = Athanor::serving(2);
    let (deleted, kept) = (athanor.add_shell("echo something"), athanor.add_shell("echo something else"));
    athanor.until_status(&deleted, "completed");
    athanor.until_status(&kept, "completed");
    let attempts = athanor.home().join("attempts");
    let aside = athanor.work().join("aside");
    copy(&attempts.join(&deleted), &aside);
    athanor.ok(&["delete", "--yes", &deleted]);
    wait_until("its folder is gone", || (!attempts.join(&deleted).exists()).then_some(()));
    athanor.kill_engine();
    // As it is when the engine dies between the deletion and the removal.
    copy(&aside, &attempts.join(&deleted));
    // What is not of a deleted experiment is nobody's to remove.
    for other in ["notes", "20200101_abcd"] {
        copy(&aside, &attempts.join(other));
    }
    athanor.serve(&["--slots", "1"]);
    wait_until("what was left is gone", || (!attempts.join(&deleted).exists()).then_some(()));
    assert!(attempts.join("notes").exists() && attempts.join("20200101_abcd").exists());
    assert_eq!(athanor.ok(&["log", &kept]), "something else\n");
}
