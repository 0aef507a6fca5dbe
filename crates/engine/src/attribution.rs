//! Whose the processes on the GPUs are, and what each job uses of them.
//!
//! A process belongs to the job whose supervisor or main process is among its ancestors: the supervisor is a subreaper,
//! so nothing that a job starts leaves its tree. A process is known by its pid together with its start time, so a pid
//! that is given again is no confusion. What adds up over an attempt is kept in the [`Book`], from where it is stored
//! now and then, so that an engine that comes after goes on from there.

use std::collections::{HashMap, HashSet};

use athanor_core::history::{Alarm, Basis, Idle, Metric, Share, Shrinking, Usage, Used, shares, span_after};
use athanor_shim::tree::Stat;

use crate::devices::{Gpu, Mig, Sample};

/// How far up a process's ancestors are followed.
const GENERATIONS: usize = 64;

/// Walks up from a process before its ancestors are taken for nobody's.
const LOOKS: usize = 3;

/// Processes whose owner is remembered at most: they come and go.
const KNOWN: usize = 4096;

/// Memory of processes on an idle GPU that is worth pointing out, bytes.
const HOARD: u64 = 256 << 20;

/// How long a GPU must be idle for that, milliseconds, and below which utilisation, percent.
const HOARD_IDLE: Idle = Idle { below: 1.0, for_ms: 5 * 60_000 };

/// An attempt under way, with what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The experiment.
    pub id: i64,
    /// The attempt's number.
    pub number: u32,
    /// Uuids of its GPUs.
    pub gpus: Vec<String>,
    /// When it started, UTC milliseconds.
    pub started_at: i64,
    /// Whether the user has stopped it: then it is idle for a reason.
    pub paused: bool,
}

/// A GPU that does nothing while processes hold its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hoard {
    /// The GPU.
    pub uuid: String,
    /// Bytes that they hold.
    pub memory: u64,
    /// For how long it has been idle, milliseconds.
    pub idle_ms: u64,
    /// The processes.
    pub pids: Vec<u32>,
}

/// What is known of a job's use of its GPUs now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JobUse {
    /// What adds up over the attempt.
    pub usage: Usage,
    /// What was seen last.
    pub now: Option<Used>,
}

/// What of a job is to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Unsaved {
    pub id: i64,
    pub number: u32,
    pub usage: Usage,
    pub histories: Vec<(Metric, Vec<u8>)>,
}

#[derive(Debug, Default)]
struct Entry {
    number: u32,
    usage: Usage,
    now: Option<Used>,
    utilisation: Shrinking,
    memory: Shrinking,
    alarm: Alarm,
    /// Whether anything came since it was stored.
    dirty: bool,
}

/// Whose processes are.
#[derive(Debug, Default)]
struct Owners {
    roots: HashMap<u32, i64>,
    /// Start times of the roots in ticks, read when each was first named: one whose pid is given again is none.
    starts: HashMap<u32, u64>,
    /// By pid and start time in ticks; good for as long as the roots are the same.
    known: HashMap<(u32, u64), Option<i64>>,
    /// Processes of which /proc knew nothing in the last sample, and in this one.
    unknown: HashSet<u32>,
    unknown_now: HashSet<u32>,
    /// Processes that were below a root when they were last seen.
    below: HashSet<u32>,
}

/// Whose a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Job(i64),
    Other,
    /// It has ended since the GPU was asked, so that nobody can tell.
    Ended,
}

/// What the jobs under way were seen to use.
#[derive(Debug, Default)]
pub(crate) struct Book {
    jobs: HashMap<i64, Entry>,
    /// What is not stored yet of attempts that others have followed.
    before: Vec<Unsaved>,
    owners: Owners,
    last_at: Option<i64>,
    idle: HashMap<String, Alarm>,
    hoards: Vec<Hoard>,
    /// The job of each process on a GPU, in the newest sample.
    processes: HashMap<u32, i64>,
}

impl Owners {
    fn follow(&mut self, roots: &HashMap<u32, i64>) {
        if self.roots != *roots || self.known.len() > KNOWN {
            self.roots.clone_from(roots);
            self.known.clear();
            if self.below.len() > KNOWN {
                self.below.clear();
            }
            self.starts.retain(|pid, _| roots.contains_key(pid));
            for pid in
                roots.keys().filter(|pid| !self.starts.contains_key(pid)).copied().collect::<Vec<u32>>()
            {
                if let Ok(Some(stat)) = Stat::read(pid) {
                    self.starts.insert(pid, stat.start_ticks);
                }
            }
        }
    }

    /// Begins another sample.
    fn begin(&mut self) {
        self.unknown = std::mem::take(&mut self.unknown_now);
    }

    /// Whose a process is, by its ancestors. Reads /proc for one that is new.
    fn of(&mut self, pid: u32, start_ticks: Option<u64>) -> Owner {
        let owned = |owner: Option<i64>| owner.map_or(Owner::Other, Owner::Job);
        if self.roots.is_empty() {
            return Owner::Other;
        }
        if let Some(ticks) = start_ticks
            && let Some(owner) = self.known.get(&(pid, ticks))
        {
            return owned(*owner);
        }
        // A parent may end between two looks, and then its child has another.
        match (0..LOOKS).find_map(|_| self.look(pid)) {
            Some(Found::Gone) => {
                // One that stays unknown lives where /proc does not show it, as in another container; not so a job's own,
                // which the driver may list for a moment longer.
                self.unknown_now.insert(pid);
                let elsewhere = self.unknown.contains(&pid) && !self.below.contains(&pid);
                if elsewhere { Owner::Other } else { Owner::Ended }
            }
            found => {
                let owner = found.and_then(|found| match found {
                    Found::Below(id) => Some(id),
                    Found::Stranger | Found::Gone => None,
                });
                if let Some(ticks) = start_ticks {
                    self.known.insert((pid, ticks), owner);
                }
                match owner {
                    Some(_) => self.below.insert(pid),
                    None => self.below.remove(&pid),
                };
                owned(owner)
            }
        }
    }

    /// One walk up to a root; `None` when an ancestor ended on the way.
    fn look(&self, pid: u32) -> Option<Found> {
        let mut at = pid;
        for _ in 0..GENERATIONS {
            let Ok(Some(stat)) = Stat::read(at) else { return (at == pid).then_some(Found::Gone) };
            if let Some(id) = self.roots.get(&at)
                && self.starts.get(&at).is_none_or(|start| *start == stat.start_ticks)
            {
                return Some(Found::Below(*id));
            }
            if stat.ppid <= 1 {
                break;
            }
            at = stat.ppid;
        }
        Some(Found::Stranger)
    }
}

/// What a walk through the ancestors of a process finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Below(i64),
    Stranger,
    /// There is no such process.
    Gone,
}

/// What the processes of one owner do on one GPU.
#[derive(Debug, Clone, Copy)]
struct OnGpu {
    share: Share,
    seen: bool,
}

impl Default for OnGpu {
    fn default() -> Self {
        Self { share: Share { memory: Some(0), utilisation: Some(0.0) }, seen: false }
    }
}

impl OnGpu {
    fn add(&mut self, memory: Option<u64>, utilisation: Option<f64>) {
        self.seen = true;
        // What is not known of one is not known of all.
        self.share.memory = self.share.memory.zip(memory).map(|(sum, own)| sum + own);
        self.share.utilisation = self.share.utilisation.zip(utilisation).map(|(sum, own)| sum + own);
    }
}

/// One GPU, by owner.
#[derive(Debug, Default)]
struct Split {
    jobs: HashMap<i64, OnGpu>,
    others: OnGpu,
    listed: bool,
}

impl Split {
    fn of(gpu: &Gpu, owners: &mut Owners, processes: &mut HashMap<u32, i64>) -> Self {
        if matches!(gpu.mig, Mig::Divided { .. }) {
            // Its instances have its processes.
            return Self::default();
        }
        let mut split = Self { listed: gpu.processes.value().is_some(), ..Self::default() };
        for process in gpu.processes() {
            let (memory, utilisation) =
                (process.memory.value().copied(), process.utilisation.value().copied().map(f64::from));
            let ticks = process.about.as_ref().map(|about| about.start_ticks);
            match owners.of(process.pid, ticks) {
                Owner::Job(id) => {
                    processes.insert(process.pid, id);
                    split.jobs.entry(id).or_default().add(memory, utilisation);
                }
                // Who only draws and tells nothing of itself takes nothing that counts.
                Owner::Other if process.work.computes() || memory.is_some() || utilisation.is_some() => {
                    split.others.add(memory, utilisation);
                }
                Owner::Other | Owner::Ended => {}
            }
        }
        split
    }
}

impl Book {
    /// Takes up what an engine before this one had gathered of an attempt under way.
    pub fn restore(&mut self, (id, number): (i64, u32), usage: Usage, histories: Vec<(Metric, Shrinking)>) {
        let entry = self.entry(id, number);
        entry.usage = usage;
        for (metric, history) in histories {
            match metric {
                Metric::JobUtilisation => entry.utilisation = history,
                Metric::JobMemory => entry.memory = history,
                _ => {}
            }
        }
    }

    /// Takes in a sample: `roots` are the supervisors and main processes of the jobs under way. Returns the jobs whose
    /// GPUs have been idle for too long, each once, with for how long, milliseconds.
    pub fn look(
        &mut self,
        sample: &Sample,
        roots: &HashMap<u32, i64>,
        held: &[Held],
        idle: &Idle,
    ) -> Vec<(i64, u64)> {
        let span = span_after(self.last_at, sample.at);
        self.last_at = Some(sample.at);
        // Those that have ended stay until they are stored.
        self.jobs.retain(|id, entry| entry.dirty || held.iter().any(|held| held.id == *id));
        self.owners.follow(roots);
        self.owners.begin();
        self.processes.clear();
        let gpus = &sample.gpus.list;
        let splits: Vec<Split> =
            gpus.iter().map(|gpu| Split::of(gpu, &mut self.owners, &mut self.processes)).collect();
        self.look_for_hoards(gpus, span);
        // A job that was only just started has not said yet which processes are its own: each on its GPUs may be.
        let told: HashSet<i64> = roots.values().copied().collect();
        // Watts of each job, and how they were found.
        let mut powers: HashMap<i64, (f64, Basis)> = HashMap::new();
        for (gpu, split) in gpus.iter().zip(&splits) {
            let Some(power) = gpu.power.value() else { continue };
            let on_it: Vec<i64> =
                held.iter().filter(|held| held.gpus.contains(&gpu.uuid)).map(|held| held.id).collect();
            // A job of which the driver shows no process may be on it in another namespace.
            let share = |id: &i64| match split.jobs.get(id) {
                Some(on) => on.share,
                None if split.listed => OnGpu::default().share,
                None => Share::default(),
            };
            let own: Vec<Share> = on_it.iter().map(share).collect();
            let strange = split.others.seen && on_it.iter().all(|id| told.contains(id));
            let others = strange.then_some(split.others.share);
            let (parts, basis) = shares(&own, others);
            for (id, part) in on_it.iter().zip(parts) {
                let (sum, roughest) = powers.entry(*id).or_insert((0.0, basis));
                *sum += power * part;
                *roughest = basis.max(*roughest);
            }
        }
        let mut raised = Vec::new();
        for job in held {
            let seen = seen_of(job, gpus, &splits);
            if job.gpus.is_empty() && seen.is_none() {
                continue;
            }
            let (memory, utilisation) = seen.unwrap_or((None, None));
            let power = powers.get(&job.id);
            let (power, basis) = (power.map(|power| power.0), power.map_or(Basis::Whole, |power| power.1));
            // What came before its start is not its own.
            let span = span.min(sample.at.saturating_sub(job.started_at).max(1).unsigned_abs());
            let entry = self.entry(job.id, job.number);
            entry.add(Used { at: sample.at, span, memory, utilisation, power, basis });
            match job.paused {
                true => entry.alarm = Alarm::default(),
                false if !job.gpus.is_empty() && entry.alarm.look(idle, utilisation, span) => {
                    raised.push((job.id, entry.alarm.idle_ms()));
                }
                false => {}
            }
        }
        raised
    }

    fn look_for_hoards(&mut self, gpus: &[Gpu], span: u64) {
        self.hoards.clear();
        self.idle.retain(|uuid, _| gpus.iter().any(|gpu| gpu.uuid == *uuid));
        for gpu in gpus {
            let utilisation = gpu.utilisation.value().copied().map(f64::from);
            let alarm = self.idle.entry(gpu.uuid.clone()).or_default();
            alarm.look(&HOARD_IDLE, utilisation, span);
            let holders: Vec<(u32, u64)> = gpu
                .processes()
                .iter()
                .filter(|process| process.work.computes())
                .filter_map(|process| Some((process.pid, process.memory.value().copied()?)))
                .collect();
            let memory: u64 = holders.iter().map(|(_, bytes)| bytes).sum();
            if alarm.idle_ms() >= HOARD_IDLE.for_ms && memory >= HOARD {
                let pids = holders.into_iter().map(|(pid, _)| pid).collect();
                self.hoards.push(Hoard { uuid: gpu.uuid.clone(), memory, idle_ms: alarm.idle_ms(), pids });
            }
        }
    }

    /// What an attempt is seen to use.
    pub fn attempt(&self, (id, number): (i64, u32)) -> Option<JobUse> {
        let entry = self.jobs.get(&id).filter(|entry| entry.number == number)?;
        Some(JobUse { usage: entry.usage, now: entry.now })
    }

    /// The jobs of the processes on the GPUs, by pid.
    pub fn processes(&self) -> &HashMap<u32, i64> {
        &self.processes
    }

    /// GPUs that do nothing while processes hold their memory.
    pub fn hoards(&self) -> &[Hoard] {
        &self.hoards
    }

    /// The history of an attempt, as far as it is in memory.
    pub fn history(&self, (id, number): (i64, u32), metric: Metric) -> Option<Shrinking> {
        let entry = self.jobs.get(&id).filter(|entry| entry.number == number)?;
        Some(entry.history(metric)?.clone())
    }

    /// What is to be stored; see [`Book::saved`].
    pub fn unsaved(&mut self) -> Vec<Unsaved> {
        let mut all = std::mem::take(&mut self.before);
        for (id, entry) in self.jobs.iter_mut().filter(|(_, entry)| entry.dirty) {
            entry.dirty = false;
            all.push(entry.unsaved(*id));
        }
        all
    }

    /// Says whether what was to be stored is: what is not is offered again.
    pub fn saved(&mut self, unsaved: Vec<Unsaved>, done: bool) {
        if done {
            return;
        }
        for job in unsaved {
            match self.jobs.get_mut(&job.id) {
                Some(entry) if entry.number == job.number => entry.dirty = true,
                _ => self.before.push(job),
            }
        }
    }

    fn entry(&mut self, id: i64, number: u32) -> &mut Entry {
        let entry = self.jobs.entry(id).or_default();
        if entry.number != number {
            if entry.dirty {
                self.before.push(entry.unsaved(id));
            }
            *entry = Entry { number, ..Entry::default() };
        }
        entry
    }
}

impl Entry {
    fn add(&mut self, used: Used) {
        self.usage.add(&used);
        if let Some(now) = used.utilisation {
            self.utilisation.push(used.at, now, used.span);
        }
        if let Some(now) = used.memory {
            #[allow(clippy::cast_precision_loss, reason = "seven digits are kept")]
            self.memory.push(used.at, now as f64, used.span);
        }
        self.now = Some(used);
        self.dirty = true;
    }

    fn history(&self, metric: Metric) -> Option<&Shrinking> {
        match metric {
            Metric::JobUtilisation => Some(&self.utilisation),
            Metric::JobMemory => Some(&self.memory),
            _ => None,
        }
    }

    fn unsaved(&self, id: i64) -> Unsaved {
        let known = [Metric::JobUtilisation, Metric::JobMemory].into_iter().filter_map(|metric| {
            let history = self.history(metric).filter(|history| !history.buckets().is_empty())?;
            Some((metric, history.to_bytes()))
        });
        Unsaved { id, number: self.number, usage: self.usage, histories: known.collect() }
    }
}

/// What a job is seen to do: bytes on all GPUs, and percent as a mean over those that it holds. `None`: nothing is known.
///
/// - Where the driver tells what each process computes, that of its own counts.
/// - Where it does not, or shows none of its processes (they may live in another namespace), what the whole GPU does.
fn seen_of(job: &Held, gpus: &[Gpu], splits: &[Split]) -> Option<(Option<u64>, Option<f64>)> {
    let own = || splits.iter().filter_map(|split| split.jobs.get(&job.id));
    let memory = own().map(|on| on.share.memory).reduce(|sum, bytes| Some(sum? + bytes?)).flatten();
    let of_gpu = |(gpu, split): (&Gpu, &Split)| {
        let process = split.jobs.get(&job.id).and_then(|on| on.share.utilisation);
        process.or_else(|| gpu.utilisation.value().copied().map(f64::from))
    };
    let held = gpus.iter().zip(splits).filter(|(gpu, _)| job.gpus.contains(&gpu.uuid));
    let known: Vec<f64> = held.filter_map(of_gpu).map(|percent| percent.clamp(0.0, 100.0)).collect();
    #[allow(clippy::cast_precision_loss, reason = "a handful of GPUs")]
    let utilisation = (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64);
    (memory.is_some() || utilisation.is_some()).then_some((memory, utilisation))
}

#[cfg(test)]
#[path = "attribution_tests.rs"]
mod tests;
