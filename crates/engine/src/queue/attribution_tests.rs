use std::sync::Arc;
use std::time::Duration;

use athanor_core::experiment::JobCommand;
use athanor_core::history::Basis;
use athanor_core::requirements::Requirements;
use tokio::sync::{mpsc, watch};

use super::*;
use crate::bus::Bus;
use crate::devices::{Gpu, Gpus, Reading, Vendor};
use crate::history::History;
use crate::home::Home;
use crate::queue::{Clock, Hands, NewExperiment, Parts, Prepared, Queue, SettingsChange};
use crate::runner::Ended;
use crate::seal::{Environment, Sealer, environment_hash};
use crate::store::{AttemptEnd, Store};

const BEGIN: i64 = 1_790_000_000_000;
const UUID: &str = "GPU-a";

struct World {
    _dir: tempfile::TempDir,
    home: Home,
    store: Store,
    queue: Queue,
    starts: mpsc::UnboundedReceiver<(i64, u32)>,
    machine: watch::Sender<Option<Arc<Sample>>>,
    hand: watch::Sender<i64>,
}

async fn begin(
    home: &Home,
    store: &Store,
    hand: &watch::Sender<i64>,
) -> (Queue, mpsc::UnboundedReceiver<(i64, u32)>, watch::Sender<Option<Arc<Sample>>>) {
    let (told, starts) = mpsc::unbounded_channel();
    let (monitor, mut watched) = mpsc::unbounded_channel();
    tokio::spawn(async move { while watched.recv().await.is_some() {} });
    let (machine, looked) = watch::channel(None);
    let queue = Queue::start(Parts {
        home: home.clone(),
        store: store.clone(),
        bus: Bus::default(),
        sealer: Arc::new(Sealer::open(&home.key()).expect("a key")),
        hands: Hands::Test(told),
        monitor,
        machine: looked,
        clock: Clock::Turned(hand.subscribe()),
    })
    .await
    .expect("starts");
    (queue, starts, machine)
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let (hand, _) = watch::channel(BEGIN);
        let (queue, starts, machine) = begin(&home, &store, &hand).await;
        Self { _dir: dir, home, store, queue, starts, machine, hand }
    }

    /// A job on the GPU that has just started.
    async fn job(&mut self) -> i64 {
        let environment = Environment::new();
        let sealed = Sealer::open(&self.home.key()).expect("the key").seal(&environment).expect("sealed");
        let mut new = NewExperiment::new(JobCommand::Argv(vec!["true".into()]), "/");
        new.requirements = Requirements { gpus: 1, ..Requirements::default() };
        let prepared = Prepared {
            name: "train".into(),
            environment_hash: environment_hash(&environment),
            sealed: sealed.into(),
            config_text: None,
            after: Vec::new(),
            new,
        };
        self.queue.add(vec![prepared], Vec::new()).await.expect("accepted");
        self.show(BEGIN, 0);
        self.starts.recv().await.expect("it starts").0
    }

    fn show(&self, at: i64, utilisation: u32) {
        let mut gpu = Gpu::unread(Vendor::Nvidia, 0);
        (gpu.uuid, gpu.name) = (UUID.into(), "Test".into());
        (gpu.memory_total, gpu.memory_used) = (Reading::Value(16 << 30), Reading::Value(0));
        gpu.utilisation = Reading::Value(utilisation);
        gpu.power = Reading::Value(120.0);
        let gpus = Gpus { list: vec![gpu], drivers: Vec::new() };
        let _ = self.hand.send_replace(at);
        self.machine.send_replace(Some(Arc::new(Sample { cores: 4, gpus, ..Sample::unread(at) })));
    }

    /// Shows the machine every half minute for a while, and has each look taken in.
    async fn pass(&self, id: i64, from: i64, minutes: i64, utilisation: u32) {
        for look in 1..=minutes * 2 {
            let at = from + look * 30_000;
            self.show(at, utilisation);
            wait_until(|| self.queue.usage(id, 1).and_then(|job| job.now).is_some_and(|now| now.at == at))
                .await;
        }
    }

    async fn told(&self, what: EventKind) -> Vec<String> {
        // Until everything that was asked before has been decided.
        self.queue.act(Action::Hold, Vec::new()).await.expect("an answer");
        let events = self.store.events_since(0, 1000).await.expect("readable");
        events.into_iter().filter(|event| event.what == what).map(|event| event.message).collect()
    }
}

async fn wait_until(mut done: impl FnMut() -> bool) {
    for _ in 0..20_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never came to that");
}

#[tokio::test]
async fn a_job_that_does_not_use_its_gpus_is_told_of_once_and_goes_on() {
    let mut world = World::new().await;
    let id = world.job().await;
    world.pass(id, BEGIN, 14, 2).await;
    assert_eq!(world.told(EventKind::GpuIdle).await, Vec::<String>::new());
    world.pass(id, BEGIN + 14 * 60_000, 20, 2).await;
    let told = world.told(EventKind::GpuIdle).await;
    assert_eq!(told, ["train runs, but does not use what it holds: its GPUs below 5 % for 15 min"]);
    assert_eq!(
        world.told(EventKind::CancelRequested).await,
        Vec::<String>::new(),
        "unless the user wants it"
    );
}

#[tokio::test]
async fn such_a_job_is_cancelled_where_the_user_wants_that() {
    let mut world = World::new().await;
    let change = SettingsChange {
        idle_gpu_cancel: Some(true),
        idle_gpu_minutes: Some(2),
        idle_gpu_percent: Some(10),
        ..SettingsChange::default()
    };
    world.queue.change_settings(change).await.expect("settings");
    let id = world.job().await;
    world.pass(id, BEGIN, 3, 9).await;
    let told = world.told(EventKind::PolicyCancel).await;
    assert_eq!(told, ["train is being cancelled, as the settings say for GPUs below 10 % for 2 min"]);
    assert_eq!(world.told(EventKind::CancelRequested).await.len(), 1);
}

#[tokio::test]
async fn what_an_attempt_used_is_kept_over_a_restart_and_with_its_end() {
    let mut world = World::new().await;
    let id = world.job().await;
    world.pass(id, BEGIN, 30, 80).await;
    // What was stored when the engine was killed.
    let history = History::start(world.store.clone(), world.queue.book(), None).await.expect("begins");
    history.finish().await;
    world.queue.stop().await;
    // Nobody can tell how it ended.
    std::fs::remove_dir_all(world.home.attempts()).expect("removed");
    (world.queue, world.starts, world.machine) = begin(&world.home, &world.store, &world.hand).await;
    wait_until(|| world.queue.active().is_empty()).await;
    let attempt = world.store.attempts(id).await.expect("readable").remove(0);
    assert!(
        (attempt.usage.energy_wh.expect("kept") - 60.0).abs() < 0.1,
        "half an hour at 120 W: {attempt:?}"
    );
    assert!((attempt.usage.utilisation.expect("kept") - 80.0).abs() < 0.5);
    assert_eq!(attempt.usage.basis, Some(Basis::Whole));
    let row = world.store.experiment(id).await.expect("readable").expect("there");
    let stretch = history.read_attempt(&row, 1, Metric::JobUtilisation).await.expect("readable");
    assert!(stretch.buckets.len() > 50, "its own history stays: {}", stretch.buckets.len());
}

#[tokio::test]
async fn the_end_of_an_attempt_has_what_was_seen_last() {
    let mut world = World::new().await;
    let id = world.job().await;
    world.pass(id, BEGIN, 1, 40).await;
    let end = AttemptEnd {
        started_at: Some(BEGIN),
        ended_at: BEGIN + 61_000,
        status: Status::Completed,
        exit_code: Some(0),
        signal: None,
        failure: None,
        cpu_ms: None,
        peak_memory: None,
        log_bytes: 0,
        log_dropped: 0,
        process: None,
        gpu_ms: None,
        peak_gpu_memory: None,
        machine_fault: false,
    };
    let ended = Ended::Known(Box::new(end));
    world.queue.sender.send(Message::Ended { id, number: 1, ended }).expect("heard");
    wait_until(|| world.queue.active().is_empty()).await;
    let attempt = world.store.attempts(id).await.expect("readable").remove(0);
    assert!((attempt.usage.energy_wh.expect("known") - 2.0).abs() < 0.05, "a minute at 120 W: {attempt:?}");
    assert_eq!(attempt.gpu_ms, Some(61_000));
}
