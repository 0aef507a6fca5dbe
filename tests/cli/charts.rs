//! Charts of runs as files, from the command line.

use std::path::Path;

use athanor_nvml_test::script::{Gpu, Script};

use crate::harness::Athanor;
use crate::wait::wait_until;

/// An engine with six runs: three rates, two seeds each.
fn six() -> Athanor {
    let athanor = Athanor::serving(1);
    for (place, lr) in ["0.1", "0.01", "0.001"].iter().enumerate() {
        for seed in 0..2 {
            let folder = format!("logs/lr{lr}_s{seed}/version_0");
            std::fs::create_dir_all(athanor.work().join(&folder)).expect("made");
            let value = |step: i32| 1.0 / f64::from(step + 1) + place as f64 + 0.25 * f64::from(seed);
            let rows: String = (0..4).map(|step| format!("{step},{}\n", value(step))).collect();
            athanor.file(&format!("{folder}/metrics.csv"), &format!("step,val/loss\n{rows}"));
            athanor.file(&format!("{folder}/hparams.yaml"), &format!("lr: {lr}\nseed: {seed}\n"));
        }
    }
    athanor.ok(&["watch", "add", "logs", "--wait"]);
    athanor
}

fn uids(athanor: &Athanor, query: &str) -> Vec<String> {
    let page = athanor.json(&["runs", "ls", query]);
    let rows = page["rows"].as_array().cloned().unwrap_or_default();
    rows.iter().map(|row| row["uid"].as_str().expect("a uid").to_owned()).collect()
}

fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

#[test]
fn a_chart_becomes_a_file_of_each_kind() {
    let athanor = six();
    let runs = uids(&athanor, "config.lr = 0.1");
    let [first, second] = &runs[..] else { panic!("two runs: {runs:?}") };
    let chart = |out: &str, more: &[&str]| {
        let mut arguments =
            vec!["chart", first, &second[..6], "-m", "val/loss", "--smooth", "0.6", "-o", out];
        arguments.extend(["--width", "85mm", "--height", "60mm", "--font", "8pt", "--title", "Loss of two"]);
        arguments.extend(more);
        athanor.ok(&arguments)
    };
    assert!(chart("a.svg", &[]).starts_with("a.svg written, "));
    let svg = String::from_utf8(bytes(&athanor.work().join("a.svg"))).expect("text");
    assert!(svg.starts_with("<svg ") && !svg.contains("<text") && !svg.contains("font"), "{svg}");
    assert!(svg.contains("width=\"321.") && svg.contains("height=\"226."), "85 by 60 mm at 96 dpi: {svg}");
    chart("a.png", &["--dpi", "300"]);
    let png = bytes(&athanor.work().join("a.png"));
    assert!(png.starts_with(b"\x89PNG"));
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    assert_eq!((side(16), side(20)), (1004, 709), "85 by 60 mm at 300 dpi");
    chart("a.pdf", &["--dark", "--no-legend"]);
    let pdf = bytes(&athanor.work().join("a.pdf"));
    assert!(pdf.starts_with(b"%PDF-"));
    assert!(String::from_utf8_lossy(&pdf).contains("Loss of two"), "its title is that of the document");
}

#[test]
fn the_numbers_of_a_chart_are_those_that_it_shows() {
    let athanor = six();
    let run = &uids(&athanor, "config.lr = 0.1 and config.seed = 0")[0];
    let csv = athanor.ok(&["chart", run, "-m", "val/loss", "--format", "csv"]);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "line,metric,part,x,y");
    assert_eq!(
        lines[1..3],
        ["lr0.1_s0/version_0,val/loss,line,0,1", "lr0.1_s0/version_0,val/loss,line,1,0.5"]
    );
    assert_eq!(lines.len(), 5, "{csv}");
    // The mean of the seeds, and how far they are apart.
    let least = ["--column", "metrics.val/loss.min", "-g", "config.lr", "--band", "range", "--format", "csv"];
    let mut arguments = vec!["chart", "-q", "steps > 0", "-k", "bar"];
    arguments.extend(least);
    let csv = athanor.ok(&arguments);
    assert_eq!(
        csv,
        "group,val/loss (least value),low,high,values\r\n0.1,0.375,0.25,0.5,2\r\n0.01,1.375,1.25,1.5,2\r\n\
         0.001,2.375,2.25,2.5,2\r\n"
    );
    let scatter =
        ["chart", "-q", "steps > 0", "-k", "scatter", "-x", "config.lr", "-y", "metrics.val/loss.min"];
    let csv = athanor.ok(&[&scatter[..], &["--front", "min,min", "--format", "csv"]].concat());
    let front: Vec<&str> = csv.lines().filter(|line| line.ends_with(",true")).collect();
    assert_eq!(front.len(), 3, "the better seed of each rate: {csv}");
    assert!(front.iter().all(|line| line.contains("_s0/")), "{csv}");
}

#[test]
fn every_kind_of_chart_is_drawn_or_says_what_it_needs() {
    let athanor = six();
    let best = ["--column", "metrics.val/loss.min"];
    for (kind, more) in [
        ("lines", &["-m", "val/loss", "--group-all", "--log-y"][..]),
        ("bar", &best),
        ("box", &best),
        ("scatter", &["-x", "config.lr", "-y", "config.seed", "--colour", "name"]),
        ("parallel", &best),
        ("importance", &best),
        (
            "sweep",
            &[
                "-x",
                "config.lr",
                "-y",
                "config.seed",
                "--column",
                "metrics.val/loss.min",
                "--statistic",
                "best",
            ],
        ),
        ("histogram", &["-m", "weights"]),
        ("usage", &["-m", "val/loss"]),
    ] {
        let chart = ["chart", "-q", "steps > 0", "--kind", kind, "--format", "svg"];
        let svg = athanor.ok(&[&chart[..], more].concat());
        assert!(svg.trim_end().ends_with("</svg>") && svg.len() > 500, "{kind}: {svg}");
    }
    for (kind, needs) in
        [("lines", "--metric"), ("scatter", "--x"), ("bar", "--column"), ("usage", "--metric")]
    {
        let (_, said) = athanor.fails(&["chart", "-q", "", "-k", kind, "--format", "svg"]);
        assert!(said.contains(needs), "{kind}: {said}");
    }
    let (_, said) = athanor.fails(&["chart", "-q", "", "-k", "bar", "--column", "loss", "--format", "csv"]);
    assert!(said.contains("there is no column “loss”") && said.contains("metrics.KEY"), "{said}");
}

#[test]
fn a_file_that_is_there_is_left_alone() {
    let athanor = six();
    athanor.file("mine.svg", "mine");
    let chart = ["chart", "-q", "steps > 0", "-m", "val/loss", "-o"];
    let (_, said) = athanor.fails(&[&chart[..], &["mine.svg"]].concat());
    assert!(said.contains("mine.svg is there already") && said.contains("--force"), "{said}");
    assert_eq!(bytes(&athanor.work().join("mine.svg")), b"mine");
    athanor.ok(&[&chart[..], &["mine.svg", "--force"]].concat());
    assert!(bytes(&athanor.work().join("mine.svg")).starts_with(b"<svg "));
    let (_, said) = athanor.fails(&[&chart[..], &["mine.jpeg"]].concat());
    assert!(said.contains("does not tell what to write") && said.contains("pdf"), "{said}");
    let (_, said) = athanor.fails(&[&chart[..], &["none/mine.svg"]].concat());
    assert!(said.contains("could not write none/mine.svg"), "{said}");
    let (_, said) = athanor.fails(&[&chart[..], &["b.png", "--width", "3km"]].concat());
    assert!(said.contains("“km” is no unit here: use mm, cm, in, px"), "{said}");
    let (_, said) = athanor.fails(&[&chart[..], &["b.png", "--width", "900mm", "--dpi", "1900"]].concat());
    assert!(said.contains("too large"), "{said}");
    let left = std::fs::read_dir(athanor.work()).expect("listed").count();
    assert_eq!(left, 2, "the runs and the file: nothing half done is left");
}

#[test]
fn a_metric_stands_above_what_the_run_had_of_its_gpu() {
    let mut athanor = Athanor::with_gpus(&[80, 80]);
    let gpu = |index: usize| Gpu {
        uuid: format!("GPU-{index}"),
        memory_total: 80 << 30,
        utilisation: Some(80.0.into()),
        ..Gpu::default()
    };
    athanor.set_gpus(&Script { gpus: (0..2).map(gpu).collect(), ..Script::default() });
    athanor.serve(&["--slots", "1"]);
    let line = "echo step,timestamp,loss > metrics.csv; for i in 1 2 3; do echo $i,$(date +%s),0.5 >> metrics.csv; \
                sleep 1; done";
    let uid = athanor.ok(&["add", "--gpus", "1", "--", "sh", "-c", line]).trim().to_owned();
    athanor.until_status(&uid, "completed");
    let query = format!("experiment = {uid}");
    let csv = wait_until("the run and what its GPU did are known", || {
        let arguments = ["chart", "-q", &query, "-k", "usage", "-m", "loss", "--format", "csv"];
        let csv = athanor.ok(&arguments);
        (csv.contains("GPU ") && csv.contains("loss,")).then_some(csv)
    });
    assert_eq!(csv.lines().filter(|line| line.starts_with("loss,")).count(), 3, "{csv}");
    assert!(!(csv.contains("GPU 0") && csv.contains("GPU 1")), "only the one that it was given: {csv}");
}
