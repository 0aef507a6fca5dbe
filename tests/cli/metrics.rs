//! Metrics files below the working directory are read while they grow, and to the last line.

use crate::harness::Athanor;
use crate::wait::wait_until;

const WRITER: &str = "import sys, time, os\n\
    path = sys.argv[1]; rows = int(sys.argv[2])\n\
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)\n\
    with open(path, 'w') as f:\n\
    \u{20}   f.write('step,loss,acc\\n'); f.flush()\n\
    \u{20}   for i in range(rows):\n\
    \u{20}       f.write(f'{i},{1/(i+1)},' + (f'{i/rows}' if i % 10 == 0 else '') + '\\n'); f.flush()\n\
    \u{20}       if i == rows // 2:\n\
    \u{20}           while not os.path.exists('gate'): time.sleep(0.02)\n\
    \u{20}   f.write(f'{rows},nan,0.5')\n";

fn points(athanor: &Athanor, uid: &str, key: &str) -> Option<u64> {
    let list = athanor.json(&["metrics", uid]);
    list["series"].as_array()?.iter().find(|series| series["key"] == key)?["points"].as_u64()
}

#[test]
fn a_growing_file_is_read_live_and_to_its_last_unfinished_line() {
    let athanor = Athanor::serving(1);
    let uid =
        athanor.ok(&["add", "--", "python3", "-c", WRITER, "out/a/metrics.csv", "400"]).trim().to_owned();
    wait_until("half of it is read while it runs", || (points(&athanor, &uid, "loss")? == 201).then_some(()));
    assert_eq!(athanor.status(&uid), "running");
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    athanor.until_status(&uid, "completed");
    wait_until("all of it is read", || (points(&athanor, &uid, "loss")? == 401).then_some(()));
    assert_eq!(points(&athanor, &uid, "acc"), Some(41), "empty cells are no points");
    let list = athanor.json(&["metrics", &uid]);
    assert_eq!(list["series"][0]["last"], "NaN", "kept as such");
    assert_eq!(list["series"][0]["not_finite"], 1);
    let svg = athanor.work().join("loss.svg");
    athanor.ok(&["metrics", &uid, "-k", "loss", "-o", svg.to_str().expect("text")]);
    assert!(std::fs::read_to_string(&svg).expect("written").starts_with("<svg"));
}

#[test]
fn two_jobs_in_one_folder_keep_their_own_files() {
    let athanor = Athanor::serving(2);
    let add = |path: &str, rows: &str| {
        athanor.ok(&["add", "--", "python3", "-c", WRITER, path, rows]).trim().to_owned()
    };
    let (a, b) = (add("a/metrics.csv", "20"), add("b/metrics.csv", "60"));
    wait_until("both are read", || {
        (points(&athanor, &a, "loss")? == 11 && points(&athanor, &b, "loss")? == 31).then_some(())
    });
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    athanor.until_status(&a, "completed");
    athanor.until_status(&b, "completed");
    wait_until("both are whole", || {
        (points(&athanor, &a, "loss")? == 21 && points(&athanor, &b, "loss")? == 61).then_some(())
    });
}

#[test]
fn what_an_earlier_run_left_in_the_file_is_not_taken_for_ours() {
    let athanor = Athanor::serving(1);
    let old: String = (0..50).map(|i| format!("{i},9.0\n")).collect();
    let path = athanor.work().join("metrics.csv");
    std::fs::write(&path, format!("step,loss\n{old}")).expect("written");
    // Written a while ago: file systems keep coarse times.
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options().write(true).open(&path).expect("there").set_modified(past).expect("set");
    let uid =
        athanor.add_shell("sleep 0.8; for i in 50 51 52; do echo $i,1.0 >> metrics.csv; done; sleep 0.3");
    athanor.until_status(&uid, "completed");
    wait_until("its own three lines are read", || (points(&athanor, &uid, "loss")? == 3).then_some(()));
}

#[test]
fn an_engine_that_was_away_catches_up() {
    let mut athanor = Athanor::serving(1);
    let uid = athanor.ok(&["add", "--", "python3", "-c", WRITER, "metrics.csv", "100"]).trim().to_owned();
    wait_until("half of it is read", || (points(&athanor, &uid, "loss")? == 51).then_some(()));
    athanor.kill_engine();
    std::fs::write(athanor.work().join("gate"), "").expect("opened");
    wait_until("it ends while nobody runs", || {
        athanor_shim::attempt::read_exit(&athanor.attempt(&uid, 1)).ok().flatten()
    });
    athanor.serve(&[]);
    assert_eq!(athanor.status(&uid), "completed");
    wait_until("nothing is missing or doubled", || (points(&athanor, &uid, "loss")? == 101).then_some(()));
}
