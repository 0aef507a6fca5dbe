//! The queue against a model of it: random commands, ends and turns of the clock, and after each of them every
//! experiment must stand where the model says. What starts is the policy's choice; the model checks that it was
//! eligible and that there was room.

use std::sync::Arc;

use athanor_core::dependency::{Condition, Met, met};
use athanor_core::experiment::{JobCommand, Priority};
use athanor_core::outcome::{Failure, FailureReason};
use athanor_core::requirements::Requirements;
use athanor_core::retry::RetryPolicy;
use athanor_core::state::Status;
use proptest::prelude::*;
use tokio::sync::{mpsc, watch};

use super::{
    Action, Clock, Destination, Hands, Message, NewExperiment, Parent, Parts, Prepared, Queue, SettingsChange,
};
use crate::bus::Bus;
use crate::devices::{Gpu, Gpus, Reading, Sample, Vendor};
use crate::home::Home;
use crate::runner::Ended;
use crate::seal::{Environment, Sealer, environment_hash};
use crate::store::{AttemptEnd, Store};

const SLOTS: u32 = 2;
const GPUS: u32 = 2;
const BEGIN: i64 = 1_790_000_000_000;

#[derive(Debug, Clone)]
enum Step {
    Add {
        gpus: u32,
        after: Vec<(prop::sample::Index, u8)>,
        hold: bool,
        later: Option<i64>,
        by: Option<i64>,
        retries: u32,
    },
    Cancel(prop::sample::Index),
    Pause(prop::sample::Index),
    Resume(prop::sample::Index),
    Retry(prop::sample::Index),
    Top(prop::sample::Index),
    End(prop::sample::Index, Outcome),
    Turn(i64),
    PauseQueue(bool),
    Restart(i64),
    Delete(prop::sample::Index),
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Success,
    Failure,
    Void,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let index = || any::<prop::sample::Index>();
    let step = prop_oneof![
        5 => (
            0..=GPUS,
            prop::collection::vec((index(), 0..3u8), 0..3),
            prop::bool::weighted(0.15),
            prop::option::weighted(0.2, 1..50_000i64),
            prop::option::weighted(0.1, 1..90_000i64),
            0..3u32,
        )
            .prop_map(|(gpus, after, hold, later, by, retries)| Step::Add { gpus, after, hold, later, by, retries }),
        1 => index().prop_map(Step::Cancel),
        1 => index().prop_map(Step::Pause),
        2 => index().prop_map(Step::Resume),
        1 => index().prop_map(Step::Retry),
        1 => index().prop_map(Step::Top),
        6 => (index(), prop_oneof![4 => Just(Outcome::Success), 3 => Just(Outcome::Failure), 1 => Just(Outcome::Void)])
            .prop_map(|(index, outcome)| Step::End(index, outcome)),
        2 => (1..40_000i64).prop_map(Step::Turn),
        1 => any::<bool>().prop_map(Step::PauseQueue),
        1 => (0..40_000i64).prop_map(Step::Restart),
        1 => index().prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Debug, Clone)]
struct Job {
    id: i64,
    status: Status,
    attempt: u32,
    gpus: u32,
    held: bool,
    parents: Vec<(usize, Condition, Met)>,
    not_before: Option<i64>,
    start_by: Option<i64>,
    retries: u32,
    used: u32,
    strikes: u32,
    retry_at: Option<i64>,
    cancelling: bool,
    deleted: bool,
}

impl Job {
    fn waits(&self) -> bool {
        matches!(self.status, Status::Pending | Status::Queued)
    }
}

#[derive(Default)]
struct Model {
    now: i64,
    paused: bool,
    jobs: Vec<Job>,
}

impl Model {
    /// Moves everything to where it must stand when nothing more happens, starts aside.
    fn rest(&mut self) {
        loop {
            let mut changed = false;
            for place in 0..self.jobs.len() {
                let job = &self.jobs[place];
                if !job.waits() {
                    continue;
                }
                let never = job.parents.iter().any(|(_, _, stands)| *stands == Met::Never);
                let open = job.parents.iter().any(|(_, _, stands)| *stands != Met::Yes);
                let early = job.not_before.into_iter().chain(job.retry_at).any(|at| at > self.now);
                let next = if job.used == 0 && job.start_by.is_some_and(|by| self.now >= by) {
                    Status::Expired
                } else if never {
                    Status::Failed
                } else if job.held || open || early {
                    Status::Pending
                } else {
                    Status::Queued
                };
                if next != job.status {
                    changed = true;
                    self.go(place, next);
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn go(&mut self, place: usize, next: Status) {
        self.jobs[place].status = next;
        if !next.is_terminal() {
            return;
        }
        self.jobs[place].retry_at = None;
        for child in self.jobs.iter_mut().filter(|job| job.waits()) {
            for (parent, condition, stands) in &mut child.parents {
                if *parent == place {
                    *stands = met(*condition, next);
                }
            }
        }
    }

    /// An attempt turned out never to have started: what was asked of it meanwhile holds.
    fn void(&mut self, place: usize) {
        let job = &mut self.jobs[place];
        if job.cancelling {
            return self.go(place, Status::Cancelled);
        }
        job.held = job.held || job.status == Status::Paused;
        job.status = Status::Pending;
    }

    fn started(&mut self, id: i64, number: u32) {
        let job = self.jobs.iter_mut().find(|job| job.id == id).expect("only what was added starts");
        assert_eq!(job.status, Status::Queued, "only what is eligible starts");
        assert!(!self.paused, "a paused queue starts nothing");
        assert_eq!(number, job.attempt + 1, "attempts are counted one by one");
        (job.status, job.attempt, job.retry_at, job.cancelling) = (Status::Running, number, None, false);
    }

    fn check_room(&self) {
        let active = self.jobs.iter().filter(|job| job.status.is_active());
        let (mut slots, mut gpus) = (0, 0);
        for job in active {
            gpus += job.gpus;
            slots += u32::from(job.gpus == 0);
        }
        assert!(slots <= SLOTS && gpus <= GPUS, "{slots} slots and {gpus} GPUs are taken");
        if self.paused {
            return;
        }
        let waits = |gpus: u32| self.jobs.iter().any(|job| job.status == Status::Queued && job.gpus == gpus);
        assert!(slots == SLOTS || !waits(0), "a slot is free and a job without needs waits");
        let wanted = (1..=GPUS).any(waits);
        assert!(gpus > 0 || !wanted, "all GPUs are free and a job waits for one");
        assert!(gpus == GPUS || !waits(1) || waits(2), "a GPU is free and only small jobs wait");
    }
}

struct World {
    queue: Queue,
    home: Home,
    store: Store,
    sealer: Sealer,
    starts: mpsc::UnboundedReceiver<(i64, u32)>,
    hand: watch::Sender<i64>,
    _machine: watch::Sender<Option<Arc<Sample>>>,
    _dir: tempfile::TempDir,
}

fn sample() -> Sample {
    let gpus = (0..GPUS).map(|index| Gpu {
        uuid: format!("GPU-{index}"),
        utilisation: Reading::Value(0),
        memory_used: Reading::Value(0),
        memory_total: Reading::Value(16 << 30),
        processes: Reading::Value(Vec::new()),
        ..Gpu::unread(Vendor::Nvidia, index)
    });
    Sample {
        cores: 8,
        memory_used: Reading::Value(0),
        memory_total: Reading::Value(32 << 30),
        gpus: Gpus { list: gpus.collect(), drivers: Vec::new() },
        ..Sample::unread(BEGIN)
    }
}

type Begun = (Queue, mpsc::UnboundedReceiver<(i64, u32)>, watch::Sender<Option<Arc<Sample>>>);

async fn begin(home: &Home, store: &Store, hand: &watch::Sender<i64>) -> Begun {
    let (told, starts) = mpsc::unbounded_channel();
    let (monitor, mut watched) = mpsc::unbounded_channel();
    tokio::spawn(async move { while watched.recv().await.is_some() {} });
    let (machine, looked) = watch::channel(None);
    let queue = Queue::start(Parts {
        home: home.clone(),
        store: store.clone(),
        bus: Bus::default(),
        sealer: Arc::new(Sealer::open(&home.key()).expect("the same key")),
        hands: Hands::Test(told),
        monitor,
        machine: looked,
        clock: Clock::Turned(hand.subscribe()),
    })
    .await
    .expect("starts");
    machine.send_replace(Some(Arc::new(sample())));
    wait_for_machine(&queue).await;
    (queue, starts, machine)
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = Home::at(dir.path());
        home.create().expect("folders");
        let store = Store::open(&home).await.expect("opens").store;
        let sealer = Sealer::open(&home.key()).expect("a key");
        let (hand, _) = watch::channel(BEGIN);
        let (queue, starts, machine) = begin(&home, &store, &hand).await;
        let change = SettingsChange { slots: Some(SLOTS), ..SettingsChange::default() };
        queue.change_settings(change).await.expect("a setting");
        Self { queue, home, store, sealer, starts, hand, _machine: machine, _dir: dir }
    }

    /// The queue of this engine stops, and that of the next one finds what is there.
    async fn restart(&mut self) {
        self.queue.stop().await;
        (self.queue, self.starts, self._machine) = begin(&self.home, &self.store, &self.hand).await;
    }

    /// Until everything that was asked before has been decided.
    async fn rest(&self) {
        self.queue.act(Action::Hold, Vec::new()).await.expect("an answer");
    }

    fn prepared(&self, new: NewExperiment, after: Vec<Parent>) -> Prepared {
        let environment = Environment::new();
        let sealed = self.sealer.seal(&environment).expect("sealed");
        let environment_hash = environment_hash(&environment);
        Prepared {
            name: "job".into(),
            environment_hash,
            sealed: sealed.into(),
            config_text: None,
            after,
            new,
        }
    }
}

async fn wait_for_machine(queue: &Queue) {
    while queue.holdings().machine.is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

fn end(now: i64, outcome: Outcome, cancelled: bool) -> Ended {
    let (status, reason) = match outcome {
        Outcome::Void => return Ended::NeverStarted,
        _ if cancelled => (Status::Cancelled, None),
        Outcome::Success => (Status::Completed, None),
        Outcome::Failure => (Status::Failed, Some(FailureReason::ExitCode)),
    };
    Ended::Known(Box::new(AttemptEnd {
        started_at: Some(now),
        ended_at: now,
        status,
        exit_code: None,
        signal: None,
        failure: reason.map(|reason| Failure {
            reason,
            exit_code: Some(1),
            signal: None,
            message: "Exit code 1.".into(),
        }),
        cpu_ms: None,
        peak_memory: None,
        log_bytes: 0,
        log_dropped: 0,
        process: None,
        gpu_ms: None,
        peak_gpu_memory: None,
        machine_fault: false,
    }))
}

async fn take(world: &mut World, model: &mut Model, step: Step) {
    let pick = |index: &prop::sample::Index, model: &Model| match model.jobs.len() {
        0 => None,
        count => Some(index.index(count)).filter(|place| !model.jobs[*place].deleted),
    };
    match step {
        Step::Add { gpus, after, hold, later, by, retries } => {
            let mut parents: Vec<(usize, Condition, Met)> = Vec::new();
            for (index, condition) in &after {
                let Some(place) = pick(index, model) else { continue };
                let condition = Condition::ALL[usize::from(*condition)];
                if !parents.iter().any(|(known, ..)| *known == place) {
                    parents.push((place, condition, met(condition, model.jobs[place].status)));
                }
            }
            let mut new = NewExperiment::new(JobCommand::Argv(vec!["true".into()]), "/");
            new.requirements = Requirements { gpus, ..Requirements::default() };
            new.hold = hold;
            new.not_before = later.map(|later| model.now + later);
            new.start_by = by.map(|by| model.now + by);
            new.retry = Some(RetryPolicy { delay_ms: 20_000, ..RetryPolicy::with_limit(retries) });
            let job = Job {
                id: 0,
                status: Status::Pending,
                attempt: 0,
                gpus,
                held: hold,
                not_before: new.not_before,
                start_by: new.start_by,
                retries,
                used: 0,
                strikes: 0,
                retry_at: None,
                cancelling: false,
                deleted: false,
                parents: parents.clone(),
            };
            let there = parents.iter().map(|(place, when, _)| Parent::There {
                id: model.jobs[*place].id,
                uid: "other".into(),
                when: *when,
            });
            let prepared = world.prepared(new, there.collect());
            let added = world.queue.add(vec![prepared], Vec::new()).await.expect("accepted");
            model.jobs.push(Job { id: added.rows[0].id, ..job });
        }
        Step::Cancel(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Cancel, model.jobs[place].id).await;
            assert_eq!(done, !model.jobs[place].status.is_terminal());
            if model.jobs[place].waits() {
                model.go(place, Status::Cancelled);
            } else if model.jobs[place].status.is_active() {
                model.jobs[place].cancelling = true;
            }
        }
        Step::Pause(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Pause, model.jobs[place].id).await;
            let job = &mut model.jobs[place];
            let may = match job.status {
                Status::Paused => true,
                Status::Running => !job.cancelling,
                _ => job.waits(),
            };
            assert_eq!(done, may, "{job:?}");
            if job.waits() {
                job.held = true;
            } else if done {
                job.status = Status::Paused;
            }
        }
        Step::Resume(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Resume, model.jobs[place].id).await;
            let job = &mut model.jobs[place];
            assert_eq!(done, job.waits() || job.status == Status::Paused, "{job:?}");
            if job.waits() {
                (job.held, job.retry_at) = (false, None);
            } else if done {
                job.status = Status::Running;
            }
        }
        Step::Retry(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Retry, model.jobs[place].id).await;
            let status = model.jobs[place].status;
            assert_eq!(done, status.is_terminal() && status != Status::Completed);
            if !done {
                return;
            }
            let statuses: Vec<Status> = model.jobs.iter().map(|job| job.status).collect();
            let now = model.now;
            let job = &mut model.jobs[place];
            (job.status, job.used, job.strikes, job.held) = (Status::Pending, 0, 0, false);
            (job.start_by, job.cancelling) = (job.start_by.filter(|by| *by > now), false);
            for (parent, condition, stands) in &mut job.parents {
                *stands = met(*condition, statuses[*parent]);
            }
            for child in model.jobs.iter_mut().filter(|job| job.waits()) {
                for (parent, _, stands) in &mut child.parents {
                    if *parent == place && *stands == Met::Never {
                        *stands = Met::Open;
                    }
                }
            }
        }
        Step::Top(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Move(Destination::Top), model.jobs[place].id).await;
            assert_eq!(done, model.jobs[place].waits());
        }
        Step::End(index, outcome) => {
            let active: Vec<usize> =
                (0..model.jobs.len()).filter(|place| model.jobs[*place].status.is_active()).collect();
            if active.is_empty() {
                return;
            }
            let place = active[index.index(active.len())];
            let (now, job) = (model.now, model.jobs[place].clone());
            let ended = end(now, outcome, job.cancelling);
            let message = Message::Ended { id: job.id, number: job.attempt, ended };
            world.queue.sender.send(message).expect("the queue is there");
            let kept = &mut model.jobs[place];
            match outcome {
                Outcome::Void => model.void(place),
                _ if job.cancelling => {
                    kept.held = false;
                    model.go(place, Status::Cancelled);
                }
                Outcome::Success => {
                    (kept.held, kept.strikes) = (false, 0);
                    model.go(place, Status::Completed);
                }
                Outcome::Failure => {
                    (kept.held, kept.strikes) = (false, kept.strikes + 1);
                    if kept.strikes < 5 && kept.used < kept.retries {
                        // Whoever was stopped by the user does not go on by itself.
                        kept.held = job.status == Status::Paused;
                        let delay = 20_000 << kept.used;
                        kept.used += 1;
                        (kept.retry_at, kept.status) = (Some(now + delay), Status::Pending);
                    } else {
                        model.go(place, Status::Failed);
                    }
                }
            }
        }
        Step::Turn(by) => {
            model.now += by;
            world.hand.send_replace(model.now);
        }
        Step::Restart(by) => {
            world.queue.stop().await;
            model.now += by;
            world.hand.send_replace(model.now);
            world.restart().await;
            // No supervisor has claimed what a test was told to start.
            for place in 0..model.jobs.len() {
                if model.jobs[place].status.is_active() {
                    model.void(place);
                }
            }
        }
        Step::Delete(index) => {
            let Some(place) = pick(&index, model) else { return };
            let done = act(world, Action::Delete, model.jobs[place].id).await;
            assert_eq!(done, model.jobs[place].status.is_terminal());
            model.jobs[place].deleted = done;
        }
        Step::PauseQueue(paused) => {
            let change = SettingsChange { queue_paused: Some(paused), ..SettingsChange::default() };
            world.queue.change_settings(change).await.expect("a setting");
            model.paused = paused;
        }
    }
}

async fn act(world: &World, action: Action, id: i64) -> bool {
    world.queue.act(action, vec![id]).await.expect("an answer")[0].is_ok()
}

async fn run(steps: Vec<Step>) {
    let mut world = World::new().await;
    let mut model = Model { now: BEGIN, ..Model::default() };
    for step in steps {
        let told = format!("{step:?}");
        take(&mut world, &mut model, step).await;
        world.rest().await;
        // The model knows nothing of the devices' circuit breaker: what that takes out is given back.
        for gpu in world.queue.holdings().tripped {
            world.queue.block_gpu(&gpu.uuid, false).await.expect("given back");
        }
        model.rest();
        while let Ok((id, number)) = world.starts.try_recv() {
            model.started(id, number);
        }
        for job in model.jobs.iter().filter(|job| !job.deleted) {
            let row = world.store.experiment(job.id).await.expect("readable").expect("there");
            assert_eq!(row.status, job.status, "after {told}: {job:?}");
            assert_eq!((row.attempt, row.retries_used), (job.attempt, job.used), "after {told}: {job:?}");
        }
        model.check_room();
        let counts = world.queue.stats().counts;
        for status in Status::ALL {
            let jobs = model.jobs.iter().filter(|job| !job.deleted);
            let expected = jobs.filter(|job| job.status == status).count() as u64;
            assert_eq!(counts.of(status), expected, "{status} after {told}");
        }
    }
    let events = world.store.events_since(0, 100_000).await.expect("readable");
    assert!(events.windows(2).all(|pair| pair[0].cursor < pair[1].cursor), "cursors only grow");
    world.queue.stop().await;
}

/// Each takes a tenth of a second; `PROPTEST_CASES` asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(48)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_the_model_says(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}

#[test]
fn priorities_and_moves_decide_who_is_first() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut world = World::new().await;
        let pause = SettingsChange { queue_paused: Some(true), slots: Some(1), ..SettingsChange::default() };
        world.queue.change_settings(pause).await.expect("a setting");
        let mut ids = Vec::new();
        for priority in [Priority::Low, Priority::Normal, Priority::Normal, Priority::High] {
            let mut new = NewExperiment::new(JobCommand::Argv(vec!["true".into()]), "/");
            new.priority = priority;
            let added = world.queue.add(vec![world.prepared(new, Vec::new())], Vec::new()).await;
            ids.push(added.expect("accepted").rows[0].id);
        }
        let [low, first, second, high] = ids[..] else { panic!("four") };
        // The low one goes before the first normal one and so takes its priority; the second goes to the top.
        world.queue.act(Action::Move(Destination::Before(first)), vec![low]).await.expect("an answer");
        world.queue.act(Action::Move(Destination::Top), vec![second]).await.expect("an answer");
        let resume = SettingsChange { queue_paused: Some(false), ..SettingsChange::default() };
        world.queue.change_settings(resume).await.expect("a setting");
        let mut order = Vec::new();
        while order.len() < 4 {
            let (id, number) = world.starts.recv().await.expect("a start");
            order.push(id);
            let ended = end(BEGIN, Outcome::Success, false);
            world.queue.sender.send(Message::Ended { id, number, ended }).expect("sent");
        }
        assert_eq!(order, [high, second, low, first]);
        world.queue.stop().await;
    });
}
