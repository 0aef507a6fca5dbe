//! `athanor scan`: what would be indexed in a folder, told without an engine and without a trace.

use std::path::{Path, PathBuf};

use crate::harness::{Athanor, texts};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/runs")
}

fn scan(athanor: &Athanor, arguments: &[&str], folder: &Path) -> String {
    let mut all = vec!["scan"];
    all.extend(arguments);
    all.push(folder.to_str().expect("UTF-8"));
    athanor.ok(&all)
}

/// The same with its keys in the order of the alphabet. In what order they are written depends on which programs the
/// test is built with.
fn sorted(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(map) => {
            let map: std::collections::BTreeMap<String, serde_json::Value> =
                map.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::Value::Object(map.into_iter().collect())
        }
        serde_json::Value::Array(all) => serde_json::Value::Array(all.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[test]
fn real_runs_are_found_by_format() {
    let athanor = Athanor::new();
    insta::assert_snapshot!("formats", scan(&athanor, &[], &fixtures()));
    insta::assert_snapshot!("runs", scan(&athanor, &["--runs"], &fixtures()));
    let json = scan(&athanor, &["--json"], &fixtures().join("text"));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    insta::assert_snapshot!("json", serde_json::to_string_pretty(&sorted(json)).expect("written"));
    assert!(!athanor.home().exists(), "a scan needs no data folder and makes none");
}

fn put(athanor: &Athanor, path: &str, text: &str) {
    let path = athanor.work().join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
}

/// Formats of which no real files may be passed on, made anew, and files that are not as they should be.
fn make(athanor: &Athanor) {
    let put = |path: &str, text: &str| put(athanor, path, text);
    let args = "task: detect\nmode: train\nepochs: 2\nlr0: 0.01\n";
    let results = "   epoch,   train/box_loss,   metrics/mAP50(B)\n   1,   1.5,   0.1\n   2,   1.25,   0.2\n";
    put("yolo/train/args.yaml", args);
    put("yolo/train/results.csv", results);
    put("yolo/train2/args.yaml", args);
    put("yolo/train2/weights/best.pt", "");
    put(
        "yolo/v5/results.txt",
        "  0/1  0.455G  0.1  0.4  0.02  0.5  12  640  0.07  0.2  0.04  0.01  0.1  0.3  0.02\n  1/1  0.455G  0.1  0.4  0.02  0.5  12  640\n",
    );
    put("yolo/v5/hyp.yaml", "lr0: 0.01\n");
    put("mlruns/0/meta.yaml", "experiment_id: '0'\nlifecycle_stage: active\nname: Default\n");
    put(
        "mlruns/0/abc/meta.yaml",
        "experiment_id: '0'\nlifecycle_stage: active\nrun_id: abc\nrun_name: calm-ape\nstart_time: 1727962840000\nend_time: 1727962850000\nstatus: 4\n",
    );
    put("mlruns/0/abc/params/lr", "0.1");
    put("mlruns/0/abc/tags/mlflow.runName", "calm-ape");
    put("mlruns/0/abc/metrics/val/loss", "1727962840969 0.5 0\n1727962840970 nan 1\n");
    put(
        "ray/result.json",
        "{\"timesteps_total\": 10, \"episode_reward_mean\": NaN, \"config\": {\"lr\": 1}, \"done\": false}\n{\"timesteps_total\": 20, \"episode_reward_mean\": 2, \"config\": {\"lr\": 1}, \"done\": true}\n",
    );
    put("ray/progress.csv", "timesteps_total,episode_reward_mean\n10,nan\n20,2\n");
    put("ray/params.json", "{\"lr\": 0.1}");
    put(
        "mmdet/None.log.json",
        "{\"env_info\": \"\"}\n{\"mode\": \"train\", \"epoch\": 1, \"iter\": 10, \"loss\": 1}\n{\"mode\": \"val\", \"epoch\": 1, \"iter\": 3, \"mAP\": 0.5}\n",
    );
    put("spinup/s0/progress.txt", "Epoch\tAverageEpRet\tTotalEnvInteracts\n0\t-1.5\t4000\n1\t2\t8000\n");
    put("spinup/s0/config.json", "{\n    \"seed\":\t0,\n    \"ac_kwargs\":\t{\"hidden_sizes\": [64, 32]}\n}");
    put(
        "sacred/1/run.json",
        "{\"status\": \"INTERRUPTED\", \"start_time\": \"2024-02-08T23:08:18.504687\", \"experiment\": {\"name\": \"sweep\"}}",
    );
    put("sacred/1/config.json", "{\"lr\": 0.1, \"seed\": 1}");
    put(
        "sacred/1/metrics.json",
        "{\"loss\": {\"steps\": [1, 2], \"timestamps\": [\"2024-02-08T23:08:19\", \"2024-02-08T23:08:20\"], \"values\": [0.5, {\"py/object\": \"numpy.float64\", \"value\": 0.25}]}}",
    );
    put(
        "status/vision/lr/resnet/7/metadata.json",
        "{\"project\": \"vision\", \"group\": \"lr\", \"status\": \"running\"}",
    );
    put("status/vision/lr/resnet/7/output.log", "epoch 1\n");
    put("multirun/0/.hydra/config.yaml", "lr: ${base.lr}\nbase:\n  lr: 0.1\n");
    put("plain/run-a.csv", "step,loss\n1,0.5\n2,0.25\n");
    put("plain/run-b.jsonl", "{\"step\": 1, \"loss\": 0.5}\n{\"step\": 2, \"loss\": Infinity}\n");
    put("plain/people.csv", "name,age\nAda,36\n");
    put("broken/ragged/metrics.csv", "step,loss\n1,2,3\n2,0.5\n3\n4\n5\n6\n");
    put("broken/cut/trainer_state.json", "{\"log_history\": [{\"step\": 1, \"loss\": 0.5}, {\"st");
    put("broken/yaml/hparams.yaml", "lr: [0.1\nseed: 1\n");
    put("broken/lfs/args.yaml", "task: detect\nmode: train\n");
    put("broken/lfs/results.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n");
}

#[test]
fn made_runs_are_found_and_broken_ones_told() {
    let athanor = Athanor::new();
    make(&athanor);
    insta::assert_snapshot!("made", scan(&athanor, &["--runs"], &athanor.work()));
}

#[test]
fn nothing_is_touched() {
    let athanor = Athanor::new();
    make(&athanor);
    let seen = || {
        let mut found = Vec::new();
        let mut waiting = vec![athanor.work()];
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(folder).expect("listed").flatten() {
                let meta = entry.metadata().expect("there");
                if meta.is_dir() {
                    waiting.push(entry.path());
                }
                found.push((entry.path(), meta.modified().expect("known"), meta.len()));
            }
        }
        found.sort();
        found
    };
    let before = seen();
    scan(&athanor, &[], &athanor.work());
    assert_eq!(seen(), before);
}

#[test]
fn a_folder_that_is_not_there_is_an_error_of_the_path() {
    let athanor = Athanor::new();
    let (code, message) = athanor.fails(&["scan", "nowhere"]);
    assert_eq!(code, 6);
    assert!(message.contains("nowhere"), "{message}");
    athanor.file("file", "");
    let (code, message) = athanor.fails(&["scan", "file"]);
    assert_eq!(code, 6);
    assert!(message.contains("is not a folder"), "{message}");
    let output = athanor.run(&["scan", "."]);
    let (out, err) = texts(&output);
    assert!(output.status.success(), "{err}");
    assert!(out.starts_with("No runs:"), "{out}");
}

const LOG: &str = "Using 4 GPUs\nepoch 1/2\n 10%|#  | 1/10 [00:01, loss=2]\r100%|###| 10/10 [00:10, loss=1]\n\u{1b}[32mVal acc: 0.5\u{1b}[0m\nepoch 2/2 loss nan\ndone in 12s\n";

#[test]
fn metrics_that_are_printed_are_read_by_a_pattern() {
    let athanor = Athanor::new();
    put(&athanor, "runs/train.log", LOG);
    put(&athanor, "runs/other/notes.log", "nothing is in it\n");
    put(&athanor, "status/p/g/n/r/metadata.json", "{\"status\": \"completed\", \"project\": \"p\"}");
    put(&athanor, "status/p/g/n/r/output.log", "step=1 loss=2\nstep=2 loss=1\n");
    let log = athanor.work().join("runs/train.log");
    let shown = scan(&athanor, &["--pattern", "auto"], &log);
    insta::assert_snapshot!("preview", shown);
    insta::assert_snapshot!("preview_nothing", scan(&athanor, &["--pattern", "{loss} now"], &log));
    insta::assert_snapshot!("pattern", scan(&athanor, &["--runs", "--pattern", "auto"], &athanor.work()));
    let without = scan(&athanor, &["--runs"], &athanor.work());
    assert!(!without.contains("printed"), "{without}");
    let (code, message) = athanor.fails(&["scan", ".", "--pattern", "/(/"]);
    assert_eq!(code, 2);
    assert!(message.contains("bad pattern") && message.contains("at character"), "{message}");
}
