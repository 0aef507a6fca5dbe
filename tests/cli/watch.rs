//! Watch folders from the command line, and the queue's own runs in the index.

use crate::harness::Athanor;
use crate::wait::wait_until;

fn chart(athanor: &Athanor, uid: &str) -> serde_json::Value {
    athanor.json(&["runs", "show", uid])
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
    let detail = chart(&athanor, &run);
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
