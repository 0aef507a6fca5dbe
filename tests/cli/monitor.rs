//! How the files of running jobs are followed: where the kernel tells, where it does not, and where it tells too much.

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use athanor_api::Home;
use athanor_api::socket::Client;
use athanor_api::wire::{Monitor, MonitorMode, MonitoredFiles, Push};
use rustix::process::Signal;
use serde_json::Value;

use crate::harness::{Athanor, signal};
use crate::wait::{PATIENCE, wait_a_moment, wait_until};

/// An engine started in a way of its own, which ends with the test.
pub struct Engine(Child);

impl Engine {
    /// Starts `program` with `athanor serve` as its last arguments, and waits until the engine answers.
    fn start(athanor: &Athanor, before: &[&str], environment: &[(&str, &str)]) -> Self {
        let serve = athanor.command(&["serve", "--slots", "4"]);
        let mut words =
            before.iter().map(std::ffi::OsStr::new).chain([serve.get_program()]).chain(serve.get_args());
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).current_dir(athanor.work()).envs(environment.iter().copied());
        command.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let engine = Self(command.spawn().expect("the engine starts"));
        athanor.until_served();
        engine
    }

    /// One to which the kernel gives so few watches. The limit can be lowered for a part of the system alone, in a user
    /// namespace (see namespaces(7)). Where there is none to be had, the rule itself is tested beside its code.
    pub fn with_watches(athanor: &Athanor, count: usize) -> Option<Self> {
        let limits = format!("echo {count} > /proc/sys/user/max_inotify_watches && exec \"$@\"");
        let before = ["unshare", "--user", "--map-root-user", "sh", "-c", &limits, "sh"];
        let possible = Command::new(before[0]).args(&before[1..]).arg("true").stderr(Stdio::null()).status();
        if !possible.is_ok_and(|status| status.success()) {
            eprintln!("no user namespace to be had: the kernel's own limit is not tested here");
            return None;
        }
        Some(Self::start(athanor, &before, &[]))
    }

    /// One that looks at everything by itself.
    pub fn polling(athanor: &Athanor) -> Self {
        Self::start(athanor, &[], &[("ATHANOR_WATCH", "poll")])
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything that is pushed, until a push answers the question.
fn listen_until<T>(
    pushes: &mut impl Iterator<Item = Push>,
    what: &str,
    mut ask: impl FnMut(Push) -> Option<T>,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        if let Some(answer) = ask(pushes.next().expect("the engine runs")) {
            return answer;
        }
    }
}

fn pushes(athanor: &Athanor) -> impl Iterator<Item = Push> + use<> {
    let client = Client::connect(&Home::at(athanor.home())).expect("connects").expect("an engine serves");
    client.listen().expect("listens")
}

fn points(athanor: &Athanor, uid: &str, key: &str) -> Option<u64> {
    let list = athanor.json(&["metrics", uid]);
    list["series"].as_array()?.iter().find(|series| series["key"] == key)?["points"].as_u64()
}

/// What is followed, by kind of files.
fn monitors(athanor: &Athanor) -> BTreeMap<String, Value> {
    let status = athanor.json(&["status"]);
    let all = status["monitors"].as_array().expect("a list").iter();
    all.map(|monitor| (monitor["files"].as_str().expect("a word").to_owned(), monitor.clone())).collect()
}

fn until_points(athanor: &Athanor, uid: &str, key: &str, points_wanted: u64) {
    wait_until(&format!("{points_wanted} points of {key} are read"), || {
        let points = points(athanor, uid, key)?;
        assert!(points <= points_wanted, "{points} points of {key}: some were read twice");
        (points == points_wanted).then_some(())
    });
}

fn open(athanor: &Athanor, gate: &str) {
    std::fs::write(athanor.work().join(gate), "").expect("opened");
}

/// Writes steps into a file, whole lines at a time, as the gates open.
const GROWS: &str = "echo step,loss > metrics.csv; for i in 0 1 2; do echo $i,0.5 >> metrics.csv; echo line $i; done; \
     while [ ! -e one ]; do sleep 0.05; done; \
     mkdir -p runs/late; echo step,reward > runs/late/progress.csv; \
     for i in 0 1 2 3; do echo $i,0.5 >> metrics.csv; echo $i,1.5 >> runs/late/progress.csv; done; echo half way; \
     while [ ! -e two ]; do sleep 0.05; done; \
     echo 9,0.5 >> metrics.csv; printf '9,1.5' >> runs/late/progress.csv; echo the end";

#[test]
fn where_the_kernel_tells_nothing_a_job_is_seen_live_and_whole() {
    let athanor = Athanor::new();
    let _engine = Engine::polling(&athanor);
    let mut pushes = pushes(&athanor);
    assert!(monitors(&athanor).is_empty(), "nothing is followed while no job runs");
    let uid = athanor.add_shell(GROWS);

    let update = |files: MonitoredFiles, mode: MonitorMode| {
        move |push: Push| match push {
            Push::MonitorUpdate { monitor } if monitor.files == files && monitor.mode == mode => {
                Some(monitor)
            }
            _ => None,
        }
    };
    let began: Monitor = listen_until(
        &mut pushes,
        "its folder is polled",
        update(MonitoredFiles::Metrics, MonitorMode::Polling),
    );
    assert_eq!(began.experiments, std::slice::from_ref(&uid));
    assert!(began.reason.expect("a reason").contains("ATHANOR_WATCH"));
    let now = monitors(&athanor);
    assert_eq!(now["metrics"]["mode"], "polling");
    assert_eq!(now["logs"]["mode"], "polling");
    assert!(athanor.ok(&["status"]).contains("Polled   metrics in "), "a person is told");

    until_points(&athanor, &uid, "loss", 3);
    open(&athanor, "one");
    listen_until(&mut pushes, "the log is seen to grow", |push| match push {
        Push::LogAppend { end, .. } if end >= 30 => Some(()),
        _ => None,
    });
    until_points(&athanor, &uid, "loss", 7);
    until_points(&athanor, &uid, "reward", 4);
    assert_eq!(athanor.status(&uid), "running", "all of that was seen live");
    open(&athanor, "two");
    athanor.until_status(&uid, "completed");
    until_points(&athanor, &uid, "loss", 8);
    until_points(&athanor, &uid, "reward", 5);
    let ended =
        listen_until(&mut pushes, "its folder is left", update(MonitoredFiles::Metrics, MonitorMode::Off));
    assert_eq!(ended.folder, began.folder);
    wait_until("nothing is followed any more", || monitors(&athanor).is_empty().then_some(()));
}

#[test]
fn where_the_kernel_tells_everything_nothing_is_polled() {
    let athanor = Athanor::serving(2);
    let uid = athanor.add_shell("mkdir -p runs/a; while [ ! -e gate ]; do sleep 0.05; done");
    let now = wait_until("its folders are followed", || {
        let now = monitors(&athanor);
        (now.get("metrics")?["folders"] == 3).then_some(now)
    });
    for files in ["metrics", "logs"] {
        assert_eq!(now[files]["mode"], "events", "{now:?}");
        assert_eq!(now[files]["reason"], Value::Null);
        assert_eq!(now[files]["experiments"], serde_json::json!([uid]));
    }
    assert!(!athanor.ok(&["status"]).contains("Polled"), "nothing to tell when all is well");
    open(&athanor, "gate");
    athanor.until_status(&uid, "completed");
}

#[test]
fn a_folder_that_a_job_removes_and_makes_anew_is_followed() {
    let athanor = Athanor::serving(1);
    let uid = athanor.add_shell(
        "mkdir -p runs; while [ ! -e one ]; do sleep 0.05; done; rm -r runs; sleep 0.2; mkdir runs; sleep 0.5; \
         (echo step,loss; seq -f %g,1 5) > runs/metrics.csv; while [ ! -e two ]; do sleep 0.05; done",
    );
    wait_until("the first is followed", || {
        (monitors(&athanor).get("metrics")?["folders"] == 2).then_some(())
    });
    open(&athanor, "one");
    until_points(&athanor, &uid, "loss", 5);
    assert_eq!(athanor.status(&uid), "running");
    open(&athanor, "two");
    athanor.until_status(&uid, "completed");
}

#[test]
fn events_that_the_kernel_dropped_are_made_up_for_at_once() {
    let mut athanor = Athanor::new();
    athanor.serve(&["--slots", "1"]);
    let uid = athanor.add_shell("while [ ! -e two ]; do sleep 0.05; done");
    wait_until("its folder is followed", || monitors(&athanor).contains_key("metrics").then_some(()));
    // While the engine can't listen, more happens than the kernel keeps; the last of it is what matters.
    signal(athanor.engine_pid(), Signal::STOP);
    let limit = std::fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").expect("the limit");
    let limit: usize = limit.trim().parse().expect("a number");
    let noise = ["one", "other"].map(|name| std::fs::File::create(athanor.work().join(name)).expect("made"));
    for turn in 0..limit + 100 {
        std::os::unix::fs::FileExt::write_all_at(&noise[turn % 2], b"x", 0).expect("written");
    }
    let late = athanor.work().join("runs/late");
    std::fs::create_dir_all(&late).expect("made");
    std::fs::write(late.join("metrics.csv"), "step,loss\n1,2\n2,3\n").expect("written");
    signal(athanor.engine_pid(), Signal::CONT);
    until_points(&athanor, &uid, "loss", 2);
    assert_eq!(athanor.status(&uid), "running");
    // And from now on that folder is told of.
    std::fs::write(late.join("metrics.csv"), "step,loss\n1,2\n2,3\n3,4\n").expect("written");
    until_points(&athanor, &uid, "loss", 3);
    assert_eq!(monitors(&athanor)["metrics"]["mode"], "events");
    open(&athanor, "two");
    athanor.until_status(&uid, "completed");
}

/// The kernel's limit of watches.
#[test]
fn where_the_limit_of_watches_is_reached_the_rest_is_polled_until_there_is_room() {
    let athanor = Athanor::new();
    let Some(_engine) = Engine::with_watches(&athanor, 5) else { return };
    let mut pushes = pushes(&athanor);
    for folder in ["a", "b", "c", "d", "e"] {
        std::fs::create_dir_all(athanor.work().join("runs").join(folder)).expect("made");
    }
    let uid = athanor.add_shell(
        "for f in a b c d e; do (echo step,$f; seq -f %g,1 3) > runs/$f/metrics.csv; done; \
         while [ ! -e one ]; do sleep 0.05; done; rm -r runs/a runs/b runs/c; \
         while [ ! -e two ]; do sleep 0.05; done; for f in d e; do echo 9,1 >> runs/$f/metrics.csv; done",
    );
    for key in ["a", "b", "c", "d", "e"] {
        until_points(&athanor, &uid, key, 3);
    }
    assert_eq!(athanor.status(&uid), "running");
    let (mut polled, mut noticed) = (None, false);
    listen_until(&mut pushes, "it is said", |push| {
        match push {
            Push::MonitorUpdate { monitor } if monitor.mode == MonitorMode::Polling => polled = Some(monitor),
            Push::Notice { notice } => noticed |= notice.message.contains("max_user_watches"),
            _ => {}
        }
        (noticed && polled.is_some()).then_some(())
    });
    let polled = polled.expect("was seen");
    assert!(polled.reason.expect("a reason").contains("max_user_watches"));
    assert!(0 < polled.polled && polled.polled < polled.folders, "only those concerned are polled");
    // There is room when folders go.
    open(&athanor, "one");
    listen_until(&mut pushes, "all of it is told again", |push| match push {
        Push::MonitorUpdate { monitor }
            if monitor.mode == MonitorMode::Events && monitor.files == MonitoredFiles::Metrics =>
        {
            Some(())
        }
        _ => None,
    });
    open(&athanor, "two");
    athanor.until_status(&uid, "completed");
    for key in ["d", "e"] {
        until_points(&athanor, &uid, key, 4);
    }
}

#[test]
fn a_job_that_ended_while_nobody_looked_keeps_to_its_own_time() {
    let mut athanor = Athanor::serving(2);
    let first = athanor.add_shell("while [ ! -e one ]; do sleep 0.05; done");
    let second = athanor
        .add_shell("while [ ! -e two ]; do sleep 0.05; done; (echo step,loss; seq -f %g,1 5) > metrics.csv");
    athanor.until_status(&first, "running");
    athanor.until_status(&second, "running");
    wait_until("both are followed", || {
        let now = monitors(&athanor);
        (now.get("metrics")?["experiments"].as_array()?.len() == 2).then_some(())
    });
    athanor.kill_engine();
    let until_exit = |uid: &str| {
        wait_until("it ends while nobody runs", || {
            athanor_shim::attempt::read_exit(&athanor.attempt(uid, 1)).ok().flatten()
        });
    };
    open(&athanor, "one");
    until_exit(&first);
    // Longer than file systems round their times.
    wait_a_moment(1200);
    open(&athanor, "two");
    until_exit(&second);
    athanor.serve(&[]);
    until_points(&athanor, &second, "loss", 5);
    assert_eq!(points(&athanor, &first, "loss"), None, "it had ended before that was written");
}
