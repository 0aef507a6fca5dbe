//! Pages of charts from the command line.

use crate::harness::{Athanor, texts};

/// An engine with two runs of a project, of two metrics each.
fn watched() -> Athanor {
    let athanor = Athanor::serving(1);
    for name in ["one", "two"] {
        let folder = athanor.work().join("runs").join(name);
        std::fs::create_dir_all(&folder).expect("made");
        let rows: String =
            (0..20).map(|step| format!("{step},{},{}\n", 1.0 / f64::from(step + 1), step)).collect();
        std::fs::write(folder.join("metrics.csv"), format!("step,train/loss,val/acc\n{rows}"))
            .expect("written");
        std::fs::write(folder.join("hparams.yaml"), "lr: 0.1\n").expect("written");
    }
    athanor.ok(&["watch", "add", "runs", "--project", "p \"q\"", "--wait"]);
    athanor
}

fn ids(athanor: &Athanor, project: &str) -> Vec<String> {
    let shown = athanor.json(&["page", "show", project]);
    let panels = shown["page"]["panels"].as_array().expect("panels").iter();
    panels.map(|panel| panel["id"].as_str().expect("id").to_owned()).collect()
}

#[test]
fn charts_are_added_listed_and_taken_off() {
    let athanor = watched();
    assert!(athanor.ok(&["page", "ls"]).contains("no pages yet"));
    let (code, said) = athanor.fails(&["page", "show", "p \"q\""]);
    assert!(code != 0 && said.contains("nobody arranged charts") && said.contains("page add"), "{said}");

    athanor.ok(&["page", "add", "p \"q\"", "--all"]);
    let added = ids(&athanor, "p \"q\"");
    assert_eq!(added.len(), 2, "a chart for each metric: {added:?}");
    assert!(athanor.ok(&["page", "add", "p \"q\"", "--all"]).contains("already"));
    athanor.ok(&["page", "add", "p \"q\"", "--metric", "val/acc,lr", "--section", "mine"]);
    let all = ids(&athanor, "p \"q\"");
    assert_eq!(all.len(), 4, "what is asked for by name comes again: {all:?}");
    let shown = athanor.ok(&["page", "show", "p \"q\""]);
    assert!(shown.contains("train/loss") && shown.contains("mine") && shown.contains("newest 10"), "{shown}");
    let listed = athanor.json(&["page", "ls"]);
    assert_eq!(
        (&listed["pages"][0]["project"], &listed["pages"][0]["panels"]),
        (&"p \"q\"".into(), &4.into())
    );

    let (_, said) = athanor.fails(&["page", "rm", "p \"q\"", "val/acc"]);
    assert!(said.contains("2 charts are called"), "{said}");
    athanor.ok(&["page", "rm", "p \"q\"", "train/loss", &all[2]]);
    assert_eq!(ids(&athanor, "p \"q\""), [all[1].clone(), all[3].clone()]);
    athanor.ok(&["page", "rm", "p \"q\"", "--all"]);
    assert!(ids(&athanor, "p \"q\"").is_empty());
}

#[test]
fn a_page_goes_from_one_machine_to_another() {
    let athanor = watched();
    athanor.ok(&["page", "add", "p \"q\"", "--all"]);
    athanor.ok(&["page", "export", "p \"q\"", "--out", "page.json"]);
    let (_, said) = athanor.fails(&["page", "export", "p \"q\"", "--out", "page.json"]);
    assert!(said.contains("--force"), "nothing is written over: {said}");
    let (_, said) = athanor.fails(&["page", "import", "page.json"]);
    assert!(said.contains("already") && said.contains("--force"), "{said}");
    athanor.ok(&["page", "import", "page.json", "--project", "other"]);
    assert_eq!(ids(&athanor, "other"), ids(&athanor, "p \"q\""));
    athanor.ok(&["page", "rm", "p \"q\"", "--all"]);
    athanor.ok(&["page", "import", "page.json"]);
    assert_eq!(ids(&athanor, "p \"q\"").len(), 2, "a page without charts is in nobody's way");
    let fed = athanor.fed(&["page", "import", "-", "--project", "third"], r#"{"panels":[{"id":"a"}]}"#);
    let (_, said) = texts(&fed);
    assert!(!fed.status.success() && said.contains("is no page of charts"), "{said}");
}
