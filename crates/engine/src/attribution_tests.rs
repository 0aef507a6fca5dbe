use std::process::{Child, Command};
use std::sync::Arc;

use super::*;
use crate::devices::{GpuProcess, GpuWork, Gpus, ProcessAbout, Reading, Vendor};

const IDLE: Idle = Idle { below: 5.0, for_ms: 60_000 };

/// A process of this test's own, ended when it is dropped.
struct Own(Child);

impl Own {
    fn start() -> Self {
        Self(Command::new("sleep").arg("600").spawn().expect("started"))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn process(pid: u32, memory: u64, utilisation: Option<u32>) -> GpuProcess {
    let ticks = Stat::read(pid).ok().flatten().map(|stat| stat.start_ticks);
    GpuProcess {
        pid,
        memory: Reading::Value(memory),
        utilisation: utilisation.map_or(Reading::Unsupported, Reading::Value),
        work: GpuWork::Compute,
        about: ticks.map(|start_ticks| {
            Arc::new(ProcessAbout {
                start_ticks,
                started_at: 0,
                user_id: 0,
                owner: "me".into(),
                name: "sleep".into(),
                command: "sleep 600".into(),
            })
        }),
    }
}

fn gpu(uuid: &str, utilisation: u32, power: f64, processes: Vec<GpuProcess>) -> Gpu {
    let mut gpu = Gpu::unread(Vendor::Nvidia, 0);
    gpu.uuid = uuid.into();
    gpu.utilisation = Reading::Value(utilisation);
    gpu.power = Reading::Value(power);
    gpu.processes = Reading::Value(processes);
    gpu
}

fn sample(at: i64, list: Vec<Gpu>) -> Sample {
    Sample { gpus: Gpus { list, drivers: Vec::new() }, ..Sample::unread(at) }
}

fn held(id: i64, gpus: &[&str]) -> Held {
    Held { id, number: 1, gpus: gpus.iter().map(ToString::to_string).collect(), started_at: 0, paused: false }
}

#[test]
fn a_job_alone_on_its_gpus_has_all_of_them() {
    let (one, other) = (Own::start(), Own::start());
    let mut book = Book::default();
    let roots = HashMap::from([(one.pid(), 7)]);
    for second in 0..=10 {
        let gpus = vec![
            gpu("a", 80, 300.0, vec![process(one.pid(), 4 << 30, None)]),
            gpu("b", 60, 200.0, vec![process(one.pid(), 2 << 30, None)]),
            gpu("c", 100, 400.0, vec![process(other.pid(), 9 << 30, None)]),
        ];
        book.look(&sample(100_000 + second * 1000, gpus), &roots, &[held(7, &["a", "b"])], &IDLE);
    }
    let job = book.attempt((7, 1)).expect("seen");
    let now = job.now.expect("seen");
    assert_eq!((now.memory, now.utilisation, now.power), (Some(6 << 30), Some(70.0), Some(500.0)));
    assert_eq!((job.usage.peak_memory, job.usage.basis), (Some(6 << 30), Some(Basis::Whole)));
    assert!((job.usage.energy_wh.expect("known") - 500.0 * 11.0 / 3600.0).abs() < 1e-9, "{:?}", job.usage);
    assert_eq!(book.processes(), &HashMap::from([(one.pid(), 7)]), "the other is nobody's");
    assert_eq!(book.attempt((7, 2)), None, "another attempt");
}

#[test]
fn a_shared_gpu_is_split_and_the_way_is_said() {
    let (one, two) = (Own::start(), Own::start());
    let roots = HashMap::from([(one.pid(), 1), (two.pid(), 2)]);
    let both = [held(1, &["a"]), held(2, &["a"])];
    let look = |processes: Vec<GpuProcess>, held: &[Held]| {
        let mut book = Book::default();
        book.look(&sample(1000, vec![gpu("a", 90, 100.0, processes)]), &roots, held, &IDLE);
        book
    };
    let told = look(vec![process(one.pid(), 30, Some(60)), process(two.pid(), 10, Some(20))], &both);
    let power = |book: &Book, id| book.attempt((id, 1)).and_then(|job| job.now).and_then(|now| now.power);
    assert_eq!((power(&told, 1), power(&told, 2)), (Some(75.0), Some(25.0)));
    let own = told.attempt((1, 1)).expect("seen");
    assert_eq!((own.usage.basis, own.usage.utilisation), (Some(Basis::Utilisation), Some(60.0)));

    let silent = look(vec![process(one.pid(), 30, None), process(two.pid(), 10, None)], &both);
    assert_eq!((power(&silent, 1), power(&silent, 2)), (Some(75.0), Some(25.0)));
    let own = silent.attempt((1, 1)).expect("seen");
    assert_eq!(
        (own.usage.basis, own.usage.utilisation),
        (Some(Basis::Memory), Some(90.0)),
        "what the GPU does"
    );

    let stranger = Own::start();
    let foreign = look(vec![process(one.pid(), 30, None), process(stranger.pid(), 10, None)], &both[..1]);
    assert_eq!(power(&foreign, 1), Some(75.0), "the other's part is nobody's");
    let unseen = look(Vec::new(), &both[..1]);
    assert_eq!(power(&unseen, 1), Some(100.0), "it holds the GPU, whether or not its process is seen");
}

#[test]
fn what_stands_on_the_gpus_of_a_job_that_has_not_said_who_it_is_may_be_its_own() {
    let (own, older) = (Own::start(), Own::start());
    let mut book = Book::default();
    let mut look = |second: i64, roots: HashMap<u32, i64>| {
        let gpus = vec![gpu("a", 90, 100.0, vec![process(own.pid(), 30, None)])];
        book.look(&sample(second * 1000, gpus), &roots, &[held(1, &["a"])], &IDLE);
        book.attempt((1, 1)).expect("seen").usage.basis
    };
    // Another job is known already.
    let before = HashMap::from([(older.pid(), 2)]);
    assert_eq!(look(1, before.clone()), Some(Basis::Whole));
    let mut since = before;
    since.insert(own.pid(), 1);
    assert_eq!(look(2, since), Some(Basis::Whole));
}

#[test]
fn a_process_that_has_just_ended_is_nobody_and_one_that_stays_unknown_is_another() {
    let (own, ended) = (Own::start(), Own::start());
    let gone = ended.pid();
    drop(ended);
    let roots = HashMap::from([(own.pid(), 1)]);
    let mut book = Book::default();
    let mut look = |second: i64, processes: Vec<GpuProcess>| {
        let gpus = vec![gpu("a", 90, 100.0, processes)];
        book.look(&sample(second * 1000, gpus), &roots, &[held(1, &["a"])], &IDLE);
        let job = book.attempt((1, 1)).expect("seen");
        (job.now.and_then(|now| now.power), job.usage.basis)
    };
    let both = || vec![process(own.pid(), 30, None), process(gone, 10, None)];
    assert_eq!(look(1, both()), (Some(100.0), Some(Basis::Whole)), "it was most likely the job's own");
    assert_eq!(look(2, vec![process(own.pid(), 30, None)]), (Some(100.0), Some(Basis::Whole)));
    assert_eq!(look(3, both()), (Some(100.0), Some(Basis::Whole)), "once more, for the first time");
    assert_eq!(look(4, both()), (Some(75.0), Some(Basis::Memory)), "it lives where nobody can look");
}

#[test]
fn a_jobs_own_process_that_has_ended_is_nobody_for_as_long_as_the_driver_lists_it() {
    // Two processes below the test's own: the job's main one, and one that it started.
    let (main, child) = (Own::start(), Own::start());
    let roots = HashMap::from([(std::process::id(), 1)]);
    let mut book = Book::default();
    let pids = [main.pid(), child.pid()];
    let mut look = |second: i64| {
        // Nothing is known of one that has ended but its pid.
        let gpus = vec![gpu("a", 90, 100.0, pids.map(|pid| process(pid, 10, None)).to_vec())];
        book.look(&sample(second * 1000, gpus), &roots, &[held(1, &["a"])], &IDLE);
        book.attempt((1, 1)).expect("seen").usage.basis
    };
    assert_eq!(look(1), Some(Basis::Whole));
    drop(child);
    for second in 2..6 {
        assert_eq!(look(second), Some(Basis::Whole), "nobody else came: second {second}");
    }
}

#[test]
fn what_runs_on_an_instance_is_not_counted_on_the_gpu_that_it_is_part_of() {
    let own = Own::start();
    let on_it = || vec![process(own.pid(), 3 << 30, None)];
    let mut whole = gpu("a", 0, 200.0, on_it());
    whole.mig = Mig::Divided { instances: 2 };
    let mut instance = gpu("MIG-1", 0, 0.0, on_it());
    instance.mig = Mig::Instance { parent: "a".into(), number: 0 };
    (instance.utilisation, instance.power) = (Reading::Unsupported, Reading::Unsupported);
    let mut book = Book::default();
    let roots = HashMap::from([(own.pid(), 7)]);
    book.look(&sample(1000, vec![whole, instance]), &roots, &[held(7, &["MIG-1"])], &IDLE);
    let now = book.attempt((7, 1)).and_then(|job| job.now).expect("seen");
    assert_eq!(
        (now.memory, now.utilisation, now.power),
        (Some(3 << 30), None, None),
        "an instance tells no more"
    );
}

#[test]
fn a_pid_that_is_given_again_is_another_process() {
    let child = Own::start();
    let ticks = Stat::read(child.pid()).expect("readable").expect("there").start_ticks;
    let roots = HashMap::from([(child.pid(), 7)]);
    let mut owners = Owners::default();
    owners.follow(&roots);
    assert_eq!(owners.of(child.pid(), Some(ticks)), Owner::Job(7));
    // The same pid, but the root that had it when it was named was another process.
    owners.starts.insert(child.pid(), ticks + 1);
    assert_eq!(
        owners.of(child.pid(), Some(ticks)),
        Owner::Job(7),
        "what was found of this very process holds"
    );
    assert_eq!(owners.look(child.pid()), Some(Found::Stranger), "somebody else's, looked at anew");
    // The job is over: its processes are nobody's.
    owners.follow(&HashMap::from([(std::process::id(), 8)]));
    assert_eq!(owners.of(child.pid(), Some(ticks)), Owner::Job(8), "the nearest root counts");
    owners.follow(&HashMap::new());
    assert_eq!(owners.of(child.pid(), Some(ticks)), Owner::Other);
}

#[test]
fn what_was_gathered_is_stored_and_taken_up_again() {
    let mut book = Book::default();
    let jobs = [held(7, &["a"])];
    for second in 0..5 {
        book.look(
            &sample(1000 + second * 1000, vec![gpu("a", 50, 360.0, Vec::new())]),
            &HashMap::new(),
            &jobs,
            &IDLE,
        );
    }
    let first = book.unsaved();
    assert_eq!(
        (first.len(), first[0].id, first[0].histories.len()),
        (1, 7, 1),
        "utilisation; no memory was seen"
    );
    assert!(book.unsaved().is_empty(), "nothing new");
    book.saved(first, false);
    let again = book.unsaved();
    assert_eq!(again.len(), 1, "what could not be stored is offered again");

    let mut next = Book::default();
    let histories: Vec<(Metric, Shrinking)> = again[0]
        .histories
        .iter()
        .map(|(metric, data)| (*metric, Shrinking::from_bytes(data).expect("readable")))
        .collect();
    next.restore((7, 1), again[0].usage, histories);
    next.look(&sample(60_000, vec![gpu("a", 50, 360.0, Vec::new())]), &HashMap::new(), &jobs, &IDLE);
    let usage = next.attempt((7, 1)).expect("known").usage;
    assert!((usage.energy_wh.expect("known") - 0.6).abs() < 1e-9, "six seconds at 0.1 Wh: {usage:?}");
    assert_eq!(next.history((7, 1), Metric::JobUtilisation).expect("kept").buckets().len(), 6);
    // The job ends: what is not stored yet stays until it is.
    next.look(&sample(61_000, Vec::new()), &HashMap::new(), &[], &IDLE);
    assert_eq!(next.unsaved().len(), 1);
    next.look(&sample(62_000, Vec::new()), &HashMap::new(), &[], &IDLE);
    assert_eq!(next.attempt((7, 1)), None);
}

#[test]
fn a_retry_does_not_inherit_what_the_attempt_before_it_used() {
    let mut book = Book::default();
    let look = |book: &mut Book, at: i64, number: u32| {
        let job = Held { number, ..held(7, &["a"]) };
        book.look(&sample(at, vec![gpu("a", 50, 360.0, Vec::new())]), &HashMap::new(), &[job], &IDLE);
    };
    look(&mut book, 1000, 1);
    look(&mut book, 2000, 2);
    assert_eq!(book.attempt((7, 2)).expect("seen").usage.sampled_ms, 1000);
    let unsaved = book.unsaved();
    assert_eq!(unsaved.iter().map(|job| job.number).collect::<Vec<_>>(), [1, 2], "neither is lost");
}

#[test]
fn a_job_is_told_of_once_when_its_gpus_lie_idle_and_never_while_it_is_paused() {
    let run = |utilisation: u32, paused: bool| {
        let mut book = Book::default();
        let job = [Held { paused, ..held(7, &["a"]) }];
        let mut raised = Vec::new();
        for look in 0..20 {
            let list = vec![gpu("a", utilisation, 50.0, Vec::new())];
            raised.extend(book.look(&sample(100_000 + look * 10_000, list), &HashMap::new(), &job, &IDLE));
        }
        raised
    };
    assert_eq!(run(2, false), [(7, 61_000)]);
    assert_eq!(run(5, false), []);
    assert_eq!(run(0, true), [], "the user has stopped it");
}

#[test]
fn idle_gpus_that_hold_memory_are_pointed_out_after_a_while() {
    let holder = Own::start();
    let mut book = Book::default();
    let mut look = |at: i64, utilisation: u32, memory: u64| {
        let list = vec![
            gpu("a", utilisation, 50.0, vec![process(holder.pid(), memory, None)]),
            gpu("b", 0, 50.0, Vec::new()),
        ];
        book.look(&sample(at, list), &HashMap::new(), &[], &IDLE);
        book.hoards().to_vec()
    };
    assert_eq!(look(0, 0, 4 << 30), []);
    let mut at = 0;
    let found = loop {
        at += 10_000;
        let found = look(at, 0, 4 << 30);
        if !found.is_empty() {
            break found;
        }
        assert!(at < 600_000, "never pointed out");
    };
    assert_eq!((found.len(), found[0].uuid.as_str(), found[0].memory), (1, "a", 4 << 30));
    assert_eq!(found[0].pids, [holder.pid()]);
    assert!((HOARD_IDLE.for_ms..HOARD_IDLE.for_ms + 10_000).contains(&found[0].idle_ms));
    assert_eq!(look(at + 10_000, 0, 1 << 20), [], "that little harms nobody");
    assert_eq!(look(at + 20_000, 40, 4 << 30), [], "it is in use again");
}
