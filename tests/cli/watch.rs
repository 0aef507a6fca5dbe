//! Watch folders from the command line, and the queue's own runs in the index.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::harness::Athanor;
use crate::monitor::Engine;
use crate::wait::wait_until;

/// The values of a metric of the one run that a query finds, as they stand in the index.
pub fn values(athanor: &Athanor, query: &str, key: &str) -> Vec<f64> {
    let page = athanor.json(&["runs", "ls", query]);
    let Some(run) = page["rows"][0]["uid"].as_str() else { return Vec::new() };
    let csv = athanor.run(&["metrics", run, "--key", key, "--csv"]);
    let text = String::from_utf8(csv.stdout).expect("text");
    text.lines().skip(1).filter_map(|line| line.split(',').nth(1)?.parse().ok()).collect()
}

#[test]
fn a_folder_is_watched_until_it_is_forgotten() {
    let athanor = Athanor::serving(1);
    std::fs::create_dir_all(athanor.work().join("results/a")).expect("made");
    athanor.file("results/a/metrics.csv", "step,loss\n1,0.5\n2,0.25\n");
    let shown = athanor.ok(&["watch", "add", "results", "--wait"]);
    assert!(shown.contains("results") && shown.contains("by events"), "{shown}");
    let list = athanor.json(&["watch", "ls"]);
    assert_eq!(list["folders"][0]["runs"], 1);
    assert_eq!(list["folders"][0]["looking"], false);
    assert!(list["folders"][0]["looked_at"].is_i64());
    let (code, words) = athanor.fails(&["watch", "add", "results/a"]);
    assert!(code != 0 && words.contains("watched already"), "{words}");
    let (_, words) = athanor.fails(&["watch", "add", "nowhere"]);
    assert!(words.contains("nowhere"), "{words}");
    assert!(athanor.ok(&["watch", "rm", "results"]).contains("No folder is watched"));
    assert!(athanor.work().join("results/a/metrics.csv").exists());
}

#[test]
fn without_an_engine_a_folder_is_noted_down_for_the_next() {
    let mut athanor = Athanor::new();
    std::fs::create_dir_all(athanor.work().join("results")).expect("made");
    athanor.file("results/metrics.csv", "step,loss\n1,0.5\n");
    athanor.ok(&["watch", "add", "results"]);
    assert_eq!(athanor.json(&["watch", "ls"])["folders"][0]["runs"], 0);
    athanor.serve(&[]);
    wait_until("it is looked through", || {
        (athanor.json(&["watch", "ls"])["folders"][0]["runs"] == 1).then_some(())
    });
}

#[test]
fn what_the_queue_ran_is_a_run_wherever_it_wrote() {
    let athanor = Athanor::serving(1);
    let script = "mkdir -p \"$1\"; printf 'step,loss\\n1,0.5\\n2,0.25\\n' > \"$1/metrics.csv\"; sleep 0.4";
    athanor.file("write.sh", script);
    let uid = athanor.ok(&["add", "--", "sh", "write.sh", "out", "--lr", "0.1"]).trim().to_owned();
    athanor.until_status(&uid, "completed");
    let find = |uid: &str| {
        let page = athanor.json(&["runs", "ls", &format!("experiment = {uid}")]);
        page["rows"].as_array().cloned().unwrap_or_default()
    };
    let rows = wait_until("it is in the index", || {
        let rows = find(&uid);
        (rows.len() == 1 && rows[0]["status"] == "completed" && rows[0]["points"] == 2).then_some(rows)
    });
    let run = rows[0]["uid"].as_str().expect("a uid").to_owned();
    let detail = athanor.json(&["runs", "show", &run]);
    assert_eq!(detail["metrics"][0]["key"], "loss");
    assert_eq!(detail["config"][0]["key"], "lr");

    // In a watch folder the run there is told who wrote it, and there is no second one.
    std::fs::create_dir_all(athanor.work().join("watched")).expect("made");
    athanor.ok(&["watch", "add", "watched", "--wait"]);
    let uid = athanor.ok(&["add", "--", "sh", "write.sh", "watched/a"]).trim().to_owned();
    athanor.until_status(&uid, "completed");
    wait_until("the run there is linked", || {
        let rows = find(&uid);
        (rows.len() == 1
            && rows[0]["status"] == "completed"
            && rows[0]["folder"].as_str().is_some_and(|folder| folder.ends_with("watched/a")))
        .then_some(())
    });
}

#[test]
fn printed_metrics_are_read_where_a_pattern_says_so() {
    let athanor = Athanor::serving(1);
    std::fs::create_dir_all(athanor.work().join("logs")).expect("made");
    athanor.file("logs/a.log", "epoch 1 loss=0.5\nhello\nepoch 2 loss=0.25\n");
    athanor.file("logs/quiet.log", "nothing to see\n");
    athanor.ok(&["watch", "add", "logs", "--pattern", "auto", "--wait"]);
    assert_eq!(athanor.json(&["watch", "ls"])["folders"][0]["runs"], 1, "a log without metrics is no run");
    assert_eq!(values(&athanor, "name = a.log", "loss"), [0.5, 0.25]);
    append(&athanor, "logs/a.log", "epoch 3 loss=0.125\n");
    wait_until("it is followed", || {
        (values(&athanor, "name = a.log", "loss") == [0.5, 0.25, 0.125]).then_some(())
    });
    append(&athanor, "logs/quiet.log", "epoch 1 loss=7\n");
    wait_until("it is one now", || (values(&athanor, "name = quiet.log", "loss") == [7.0]).then_some(()));
    let (_, words) = athanor.fails(&["watch", "add", ".", "--pattern", "/(/"]);
    assert!(words.contains("pattern") || words.contains("expression"), "{words}");
}

#[test]
fn where_the_kernel_does_not_tell_the_folder_is_looked_at() {
    let athanor = Athanor::new();
    std::fs::create_dir_all(athanor.work().join("results/a")).expect("made");
    athanor.file("results/a/metrics.csv", "step,loss\n1,0.5\n");
    let _engine = Engine::polling(&athanor);
    let shown = athanor.ok(&["watch", "add", "results", "--wait"]);
    assert!(shown.contains("looked at every few seconds") && shown.contains("ATHANOR_WATCH"), "{shown}");
    append(&athanor, "results/a/metrics.csv", "2,0.25\n");
    wait_until("the line is read", || (values(&athanor, "name = a", "loss") == [0.5, 0.25]).then_some(()));
    std::fs::create_dir_all(athanor.work().join("results/b")).expect("made");
    athanor.file("results/b/metrics.csv", "step,loss\n1,7\n");
    wait_until("the new run is found", || (values(&athanor, "name = b", "loss") == [7.0]).then_some(()));
}

#[test]
fn where_the_limit_of_watches_is_reached_the_other_folders_are_looked_at() {
    let athanor = Athanor::new();
    let folders = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for folder in folders {
        std::fs::create_dir_all(athanor.work().join("results").join(folder)).expect("made");
        athanor.file(&format!("results/{folder}/metrics.csv"), "step,loss\n1,0.5\n");
    }
    let Some(_engine) = Engine::with_watches(&athanor, 5) else { return };
    let shown = athanor.ok(&["watch", "add", "results", "--wait"]);
    assert!(shown.contains("looked at every few seconds") && shown.contains("max_user_watches"), "{shown}");
    for folder in folders {
        append(&athanor, &format!("results/{folder}/metrics.csv"), "2,0.25\n");
    }
    for folder in folders {
        let query = format!("name = {folder}");
        wait_until("the line is read", || (values(&athanor, &query, "loss") == [0.5, 0.25]).then_some(()));
    }
}

/// A file server whose clock is behind gives what it writes a time that has long passed here.
#[test]
fn a_run_that_is_seen_to_grow_runs_whatever_the_clock_of_its_file_system_says() {
    let athanor = Athanor::serving(1);
    std::fs::create_dir_all(athanor.work().join("results/a")).expect("made");
    athanor.file("results/a/metrics.csv", "step,loss\n1,0.5\n");
    let behind = |text: &str| {
        let path = athanor.work().join("results/a/metrics.csv");
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).expect("opens");
        file.write_all(text.as_bytes()).expect("appended");
        let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        file.set_modified(then).expect("set");
    };
    let status = || athanor.json(&["runs", "ls", "name = a"])["rows"][0]["status"].clone();
    behind("2,0.25\n");
    athanor.ok(&["watch", "add", "results", "--wait"]);
    wait_until("what is found to be old is not taken for a running one", || {
        (status() == "ended" || status() == "stale").then_some(())
    });
    behind("3,0.125\n");
    wait_until("the line is read", || (values(&athanor, "name = a", "loss").len() == 3).then_some(()));
    wait_until("it is seen to run", || (status() == "running").then_some(()));
}

pub fn append(athanor: &Athanor, path: &str, text: &str) {
    let path = athanor.work().join(path);
    let mut file = std::fs::OpenOptions::new().append(true).open(path).expect("opens");
    file.write_all(text.as_bytes()).expect("appended");
}

/// Opening a file on which another process has a lease waits until that gives it up: so does a server that does not
/// answer.
#[test]
fn a_folder_that_hangs_holds_up_no_other() {
    let athanor = Athanor::serving(1);
    for folder in ["slow", "quick"] {
        std::fs::create_dir_all(athanor.work().join(folder)).expect("made");
        athanor.file(&format!("{folder}/metrics.csv"), "step,loss\n1,0.5\n");
    }
    let lease = "import fcntl, signal, sys\n\
        signal.signal(signal.SIGIO, signal.SIG_IGN)\n\
        file = open(sys.argv[1], 'r+')\n\
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n\
        print('held', flush=True)\n\
        sys.stdin.read()\n";
    let mut holder = Command::new("python3")
        .args(["-c", lease])
        .arg(athanor.work().join("slow/metrics.csv"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut said = String::new();
    BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut said).expect("readable");
    assert_eq!(said.trim(), "held");
    athanor.ok(&["watch", "add", "slow"]);
    athanor.ok(&["watch", "add", "quick"]);
    wait_until("the other folder is read", || {
        (values(&athanor, "folder ~ quick", "loss") == [0.5]).then_some(())
    });
    append(&athanor, "quick/metrics.csv", "2,0.25\n");
    wait_until("and followed", || (values(&athanor, "folder ~ quick", "loss") == [0.5, 0.25]).then_some(()));
    let folders = athanor.json(&["watch", "ls"]);
    let slow = folders["folders"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|it| it["path"].as_str().is_some_and(|path| path.ends_with("/slow")));
    assert_eq!(slow.expect("listed")["looking"], true, "the other one still waits");
    drop(holder.stdin.take());
    holder.wait().expect("ended");
    wait_until("it is read when it answers", || {
        (values(&athanor, "folder ~ slow", "loss") == [0.5]).then_some(())
    });
}

#[test]
fn an_engine_that_is_killed_at_any_instant_loses_no_point_and_doubles_none() {
    let mut athanor = Athanor::new();
    athanor.serve(&[]);
    let runs = 4;
    for run in 0..runs {
        std::fs::create_dir_all(athanor.work().join(format!("results/run{run}"))).expect("made");
        athanor.file(&format!("results/run{run}/metrics.csv"), "step,loss\n");
    }
    athanor.ok(&["watch", "add", "results"]);
    let mut written = 0;
    for round in 0..8_u32 {
        for line in 0..40 {
            for run in 0..runs {
                append(&athanor, &format!("results/run{run}/metrics.csv"), &format!("{written},{written}\n"));
            }
            written += 1;
            // Somewhere in the middle of it.
            if line == round * 5 {
                athanor.kill_engine();
                athanor.serve(&[]);
            }
        }
    }
    let expected: Vec<f64> = (0..written).map(f64::from).collect();
    for run in 0..runs {
        wait_until("every line is there once", || {
            (values(&athanor, &format!("name = run{run}"), "loss") == expected).then_some(())
        });
    }
}

#[test]
fn a_full_disk_stops_the_reading_until_there_is_room() {
    let mut athanor = Athanor::new();
    let home = athanor.home();
    std::fs::create_dir_all(&home).expect("made");
    let options = format!("size=16m,mode=700,uid={}", rustix::process::getuid().as_raw());
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&home).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("passed over: a small file system can't be mounted here");
        return;
    }
    let _unmount = Unmount(home.clone());
    athanor.serve(&[]);
    let noise: String = (0..600_000_u64)
        .map(|step| format!("{step},{}\n", (step.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 * 1.1e-7))
        .collect();
    std::fs::create_dir_all(athanor.work().join("results/big")).expect("made");
    athanor.file("results/big/metrics.csv", &format!("step,noise\n{noise}"));
    let filler = home.join("filler");
    std::fs::write(&filler, vec![0_u8; 14 << 20]).expect("there is room for it");
    athanor.ok(&["watch", "add", "results"]);
    std::fs::create_dir_all(athanor.work().join("results/small")).expect("made");
    athanor.file("results/small/metrics.csv", "step,loss\n1,0.5\n");
    wait_until("the disk is full", || {
        let disk = rustix::fs::statvfs(&home).expect("it is mounted");
        (disk.f_bavail * disk.f_frsize < 256 << 10).then_some(())
    });
    assert!(athanor.run(&["status"]).status.success(), "the engine lives");
    std::fs::remove_file(&filler).expect("room is made");
    wait_until("all of it is read when there is room", || {
        (values(&athanor, "name = small", "loss") == [0.5]
            && values(&athanor, "name = big", "noise").len() == 600_000)
            .then_some(())
    });
    athanor.stop_engine();
}

struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}
