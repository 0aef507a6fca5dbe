//! The task that decides what the user is told of.
//!
//! It sleeps until an event was committed, a sample was taken, or a moment has come that it waits for: a burst that is
//! over, the end of quiet hours, the next look at running jobs. What it decides is written down, with how far events
//! were read, before anybody hears of it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use athanor_core::notification::burst::{Burst, Ending};
use athanor_core::notification::machine::{Finding, Machine};
use athanor_core::notification::stall::{self, Stall};
use athanor_core::notification::{Kind, Settings, Words, quiet};
use athanor_core::text;
use athanor_shim::log::LogFolder;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::Parts;
use super::gather::{Meaning, job_of, last_line, meaning_of};
use super::hook::Report;
use super::look::look_of;
use crate::bus::Push;
use crate::error::Result;
use crate::home::now_ms;
use crate::store::{HookState, NewNotification, News, NotificationState, NotifiedJob, RunningRow, Tx};

/// Shortest time between two looks at the events: each writes at most one transaction.
const PACE: Duration = Duration::from_millis(250);

/// A growing notification is shown anew at most so often.
const SHOWN_EVERY: Duration = Duration::from_secs(2);

/// After a refusal of the store (a full disk) it is asked again so much later.
const AFTER_FAULT: Duration = Duration::from_secs(5);

/// Events asked for at a time.
const PAGE: u32 = 500;

/// Logs that are read for their last line in one go: that many are shown by their words.
const LINES_READ: usize = 5;

/// A clock that was set, or a laptop that slept, is noticed at the latest after so long while it is quiet.
const CLOCK_LOOK: Duration = Duration::from_secs(600);

/// A notification that others still join.
#[derive(Debug, Clone)]
struct Open {
    burst: Burst,
    id: u64,
    quiet: bool,
    /// When the desktop was last asked to show it.
    shown: Instant,
    /// It has grown since.
    unshown: bool,
}

pub(super) struct Task {
    parts: Parts,
    due: Arc<Notify>,
    reports: mpsc::UnboundedReceiver<Report>,
    stirred: watch::Receiver<()>,
    zone: TimeZone,
    began: Instant,
    state: NotificationState,
    open: Option<Open>,
    machine: Machine,
    stalls: HashMap<(i64, u32), Stall>,
    /// Events are to be read, but not before this.
    read_at: Option<Instant>,
    next_read: Instant,
    next_stall_look: Instant,
    /// There are samples of the machine.
    is_sampled: bool,
    /// It was quiet when last looked; true at the start, so that what an earlier engine kept is summed up.
    was_quiet: bool,
}

impl Task {
    pub(super) async fn new(
        parts: Parts,
        due: Arc<Notify>,
        reports: mpsc::UnboundedReceiver<Report>,
    ) -> Result<Self> {
        // First listen, then look.
        let stirred = parts.bus.stirred();
        let state = match parts.store.notification_state().await? {
            Some(state) => state,
            // What happened before notifications were kept is no news.
            None => {
                let state =
                    NotificationState { cursor: parts.store.latest_cursor().await?, ..Default::default() };
                let mut tx = parts.store.begin().await?;
                parts.store.set_notification_state(&mut tx, &state).await?;
                tx.commit().await?;
                state
            }
        };
        let now = Instant::now();
        Ok(Self {
            due,
            reports,
            stirred,
            zone: TimeZone::system(),
            began: now,
            machine: Machine::knowing(state.raised.clone()),
            state,
            open: None,
            stalls: HashMap::new(),
            read_at: Some(now),
            next_read: now,
            next_stall_look: now,
            is_sampled: true,
            was_quiet: true,
            parts,
        })
    }

    pub(super) async fn run(mut self) {
        if let Err(error) = self.resume().await {
            tracing::warn!(%error, "what the last engine left of notifications can't be read");
        }
        loop {
            let next = self.next();
            tokio::select! {
                changed = self.stirred.changed(), if self.read_at.is_none() => {
                    if changed.is_err() {
                        return;
                    }
                    self.read_at = Some(self.next_read.max(Instant::now()));
                }
                changed = self.parts.machine.changed(), if self.is_sampled => {
                    self.is_sampled = changed.is_ok();
                    let sample = self.parts.machine.borrow_and_update().clone();
                    if let Some(sample) = sample
                        && let Err(error) = self.look(&sample).await
                    {
                        tracing::warn!(%error, "trouble of the machine can't be told of");
                    }
                }
                Some(report) = self.reports.recv() => {
                    if let Err(error) = self.hear(report).await {
                        tracing::warn!(%error, "a failure of the hook can't be told of");
                    }
                }
                () = tokio::time::sleep_until(next) => {
                    if let Err(error) = self.on_time().await {
                        tracing::warn!(%error, "notifications can't be kept; it is tried again");
                        let later = Instant::now() + AFTER_FAULT;
                        (self.read_at, self.next_stall_look) = (Some(later), later.max(self.next_stall_look));
                    }
                }
            }
        }
    }

    /// What an engine that was killed left half done.
    async fn resume(&mut self) -> Result<()> {
        if let Some(id) = self.state.open.take() {
            self.settle(id).await?;
        }
        self.due.notify_one();
        Ok(())
    }

    fn settings(&self) -> Settings {
        self.parts.queue.settings().notifications
    }

    /// Milliseconds of a clock that does not step.
    fn mono(&self) -> i64 {
        i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn instant(&self, mono: i64) -> Instant {
        self.began + Duration::from_millis(mono.max(0).unsigned_abs())
    }

    /// When there is something to do, if nothing happens.
    fn next(&self) -> Instant {
        let settings = self.settings();
        let mut next = self.next_stall_look;
        if let Some(at) = self.read_at {
            next = next.min(at);
        }
        if let Some(open) = &self.open {
            next = next.min(self.instant(open.burst.ends_at()));
            if open.unshown {
                next = next.min(open.shown + SHOWN_EVERY);
            }
        }
        if !settings.quiet.is_empty() {
            let now = now_ms();
            let change = settings.next_change(now, &self.zone).map_or(i64::MAX, |at| at.saturating_sub(now));
            let wait = Duration::from_millis(change.max(1).unsigned_abs()).min(CLOCK_LOOK);
            next = next.min(Instant::now() + wait);
        }
        next
    }

    async fn on_time(&mut self) -> Result<()> {
        let now = Instant::now();
        if self.read_at.is_some_and(|at| at <= now) {
            self.read().await?;
            (self.read_at, self.next_read) = (None, Instant::now() + PACE);
        }
        if let Some(open) = &self.open {
            if open.burst.is_over(self.mono()) {
                self.close().await?;
            } else if open.unshown && open.shown + SHOWN_EVERY <= now {
                self.show_open().await?;
            }
        }
        self.end_of_quiet().await?;
        let settings = self.settings();
        let every = Duration::from_millis(stall::look_every(settings.stall_ms));
        // The user may have made it shorter.
        self.next_stall_look = self.next_stall_look.min(now + every);
        if self.next_stall_look <= now {
            // Before the look: one that fails is not repeated at once.
            self.next_stall_look = now + every;
            if settings.wants(Kind::Stalled, None) {
                self.look_for_stalls(&settings).await?;
            }
        }
        Ok(())
    }

    // Events.

    async fn read(&mut self) -> Result<()> {
        let to = self.parts.store.latest_cursor().await?;
        while self.state.cursor < to {
            let news = self.parts.store.news(self.state.cursor, to, PAGE).await?;
            let last = news.last().map(|last| last.cursor);
            let reached = if news.len() < PAGE as usize { to } else { last.unwrap_or(to) };
            if news.is_empty() {
                // Read again after a crash, what is here would be passed over again: nothing needs to be written.
                self.state.cursor = reached;
            } else {
                self.tell(&news, reached).await?;
            }
        }
        Ok(())
    }

    async fn tell(&mut self, news: &[News], reached: u64) -> Result<()> {
        let settings = self.settings();
        let mut state = NotificationState { cursor: reached, ..self.state.clone() };
        let (mut endings, mut others, mut ended) = (Vec::new(), Vec::new(), false);
        let mut lines = LINES_READ;
        for item in news {
            match meaning_of(item) {
                Meaning::Nothing => {}
                Meaning::Other { kind, words, job } => others.push((kind, words, job)),
                Meaning::ByPolicy { uid, why } => {
                    // Its end is told of, and why; that it was idle stands there.
                    others.retain(|(kind, _, job): &(Kind, Words, Option<NotifiedJob>)| {
                        *kind != Kind::GpuIdle || job.as_ref().is_none_or(|job| job.uid != uid)
                    });
                    state.by_policy.insert(uid, why);
                }
                Meaning::Cancelled(ending) => {
                    ended = true;
                    state.ended += 1;
                    if let Some(why) = state.by_policy.remove(&ending.uid)
                        && settings.wants(Kind::Cancelled, ending.project.as_deref())
                    {
                        endings.push(Ending { reason: Some(format!("{why}.")), ..ending });
                    }
                }
                Meaning::Ended(mut ending) => {
                    ended = true;
                    state.ended += 1;
                    state.by_policy.remove(&ending.uid);
                    if !settings.wants(ending.kind, ending.project.as_deref()) {
                        continue;
                    }
                    if let (Some(job), Some(attempt), true) =
                        (&item.job, item.attempt, ending.kind != Kind::Completed && lines > 0)
                    {
                        lines -= 1;
                        ending.line = last_line(&self.parts, job, attempt).await;
                    }
                    endings.push(ending);
                }
            }
        }
        let idle = ended && !self.parts.store.has_work().await?;
        // The end of a single job is told of as that.
        let drained = idle && state.ended > 1 && settings.wants(Kind::Drained, None);
        let count = state.ended;
        if idle {
            state.ended = 0;
        }

        let quiet = settings.is_quiet(now_ms(), &self.zone);
        let mono = self.mono();
        let joins = |open: &&Open| !open.burst.is_over(mono) && open.quiet == quiet;
        let before = self.open.as_ref().filter(joins).cloned();
        if before.is_none() && !endings.is_empty() {
            self.close().await?;
            state.open = None;
        }
        let was = before.as_ref().map(|open| open.id);
        let mut burst = before.map(|open| open.burst);
        for ending in endings.iter().cloned() {
            match &mut burst {
                Some(burst) => burst.join(mono, ending),
                None => burst = Some(Burst::new(mono, ending)),
            }
        }
        if drained {
            match &mut burst {
                Some(burst) => burst.drain(),
                None => others.push((
                    Kind::Drained,
                    Words::new(
                        "The queue is empty",
                        format!("{count} experiments have ended; nothing more waits or runs."),
                    ),
                    None,
                )),
            }
        }

        let mut tx = self.parts.store.begin_lightly().await?;
        let mut told = Vec::new();
        for (kind, words, job) in others {
            let project = job.as_ref().and_then(|job| job.project.as_deref());
            if settings.wants(kind, project) {
                told.push(self.add(&mut tx, kind, words, job.into_iter().collect(), quiet).await?);
            }
        }
        let grown = !endings.is_empty() || drained;
        if let Some(burst) = burst.as_ref().filter(|_| grown) {
            let new = notification_of(burst, quiet);
            let id = match was {
                Some(id) => {
                    self.parts.store.grow_notification(&mut tx, id, now_ms(), &new).await?;
                    id
                }
                None => self.parts.store.add_notification(&mut tx, &new).await?,
            };
            state.open = Some(id);
        }
        self.parts.store.set_notification_state(&mut tx, &state).await?;
        tx.commit().await?;
        let open = state.open;
        self.state = state;
        for id in told {
            self.push(id, !quiet).await?;
        }
        if let (Some(burst), Some(id), true) = (burst, open, grown) {
            self.took(burst, id, quiet, was.is_some()).await?;
        }
        if idle {
            // Nothing is left that could join.
            self.close().await?;
        }
        Ok(())
    }

    /// A burst was begun or has grown: shows it, unless it was shown a moment ago.
    async fn took(&mut self, burst: Burst, id: u64, quiet: bool, grew: bool) -> Result<()> {
        let now = Instant::now();
        let shown = self.open.as_ref().filter(|open| open.id == id).map(|open| open.shown);
        let wait = grew && shown.is_some_and(|shown| now < shown + SHOWN_EVERY);
        self.open = Some(Open {
            burst,
            id,
            quiet,
            shown: if wait { shown.unwrap_or(now) } else { now },
            unshown: wait,
        });
        self.push(id, !quiet && !wait).await
    }

    async fn show_open(&mut self) -> Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        (open.shown, open.unshown) = (Instant::now(), false);
        let (id, quiet) = (open.id, open.quiet);
        self.push(id, !quiet).await
    }

    /// Nothing joins the open notification any more.
    async fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if open.unshown {
            self.push(open.id, !open.quiet).await?;
        }
        self.settle(open.id).await
    }

    /// A notification is complete: the hook is run for it.
    async fn settle(&mut self, id: u64) -> Result<()> {
        let hooked = self.is_hooked().await?;
        let state = NotificationState { open: None, ..self.state.clone() };
        let mut tx = self.parts.store.begin_lightly().await?;
        if hooked {
            self.parts.store.set_hook_state(&mut tx, id, &HookState::Due).await?;
        }
        self.parts.store.set_notification_state(&mut tx, &state).await?;
        tx.commit().await?;
        self.state = state;
        self.due.notify_one();
        Ok(())
    }

    // The machine.

    async fn look(&mut self, sample: &crate::devices::Sample) -> Result<()> {
        let settings = self.settings();
        let found = self.machine.look(&look_of(sample, self.mono()), &settings);
        let raised = self.machine.raised();
        if found.is_empty() && raised == self.state.raised {
            return Ok(());
        }
        let state = NotificationState { raised, ..self.state.clone() };
        let wanted = found.into_iter().filter(|found| settings.wants(found.kind, None));
        let told = wanted.map(|Finding { kind, words }| (kind, words, Vec::new())).collect();
        self.write(state, told, &settings).await
    }

    // Running jobs that write nothing.

    async fn look_for_stalls(&mut self, settings: &Settings) -> Result<()> {
        let running = self.parts.store.running_attempts().await?;
        let (mut known, mut stalled) = (HashMap::new(), BTreeMap::new());
        let mut told = Vec::new();
        for row in running {
            let key = (row.id, row.attempt);
            let name = format!("{}/{}", row.uid, row.attempt);
            let mark = self.fingerprint(&row).await?;
            let mono = self.mono();
            let before = self.state.stalled.get(&name) == Some(&mark);
            let mut stall = self.stalls.get(&key).copied().unwrap_or_else(|| Stall::new(mono, mark, before));
            if stall.look(mono, mark, settings.stall_ms)
                && settings.wants(Kind::Stalled, row.project.as_deref())
            {
                told.push(has_stalled(&row, settings));
            }
            if stall.is_told() {
                stalled.insert(name, mark);
            }
            known.insert(key, stall);
        }
        if !told.is_empty() || stalled != self.state.stalled {
            let state = NotificationState { stalled, ..self.state.clone() };
            self.write(state, told, settings).await?;
        }
        self.stalls = known;
        Ok(())
    }

    /// A number for all that an attempt has written: it changes when anything is added.
    async fn fingerprint(&self, row: &RunningRow) -> Result<u64> {
        let folder = self.parts.home.attempt(&row.uid, row.attempt);
        let sources = self.parts.store.sources(row.id, row.attempt).await?;
        Ok(tokio::task::spawn_blocking(move || {
            let mut hash = xxhash_rust::xxh3::Xxh3::new();
            LogFolder::open(&folder).and_then(|log| log.end()).unwrap_or(0).hash(&mut hash);
            for source in sources {
                let meta = std::fs::metadata(&source.path).ok();
                let seen = meta.map(|meta| (meta.len(), meta.modified().ok()));
                (source.path, seen).hash(&mut hash);
            }
            hash.finish()
        })
        .await?)
    }

    // Quiet hours.

    async fn end_of_quiet(&mut self) -> Result<()> {
        let settings = self.settings();
        let quiet = settings.is_quiet(now_ms(), &self.zone);
        if quiet || !self.was_quiet {
            self.was_quiet = quiet;
            return Ok(());
        }
        let kept = self.parts.store.kept_quiet(self.state.summed).await?;
        let newest = self.parts.store.newest_notification().await?;
        if let Some(words) = quiet::sum_up(&kept) {
            let state = NotificationState { summed: newest, ..self.state.clone() };
            self.write(state, vec![(Kind::Summary, words, Vec::new())], &settings).await?;
        }
        self.was_quiet = false;
        Ok(())
    }

    // The hook.

    async fn hear(&mut self, report: Report) -> Result<()> {
        let fails = report.error.is_some();
        if fails == self.state.hook_fails {
            return Ok(());
        }
        let settings = self.settings();
        let state = NotificationState { hook_fails: fails, ..self.state.clone() };
        let told = report.error.map(|why| {
            let body =
                format!("{why}. The settings say what it is; a test there says whether it works again.");
            (Kind::HookFailed, Words::new("The notification hook fails", body), Vec::new())
        });
        self.write(state, told.into_iter().collect(), &settings).await
    }

    // Writing down, and telling.

    async fn is_hooked(&self) -> Result<bool> {
        Ok(self.parts.store.sealed_hook().await?.is_some())
    }

    /// Keeps notifications with the state that they belong to, and pushes them.
    async fn write(
        &mut self,
        state: NotificationState,
        told: Vec<(Kind, Words, Vec<NotifiedJob>)>,
        settings: &Settings,
    ) -> Result<()> {
        let quiet = settings.is_quiet(now_ms(), &self.zone);
        let mut tx = self.parts.store.begin_lightly().await?;
        let mut ids = Vec::new();
        for (kind, words, jobs) in told {
            // A summary comes when it is not quiet any more.
            ids.push(self.add(&mut tx, kind, words, jobs, quiet && kind.has_switch()).await?);
        }
        self.parts.store.set_notification_state(&mut tx, &state).await?;
        tx.commit().await?;
        self.state = state;
        for id in ids {
            self.push(id, !quiet).await?;
        }
        self.due.notify_one();
        Ok(())
    }

    async fn add(
        &self,
        tx: &mut Tx,
        kind: Kind,
        Words { title, body }: Words,
        jobs: Vec<NotifiedJob>,
        quiet: bool,
    ) -> Result<u64> {
        // That the hook fails is nothing to be told by it.
        let hook = kind != Kind::HookFailed && self.is_hooked().await?;
        let new = NewNotification { at: now_ms(), kind, title, body, count: 1, jobs, quiet, hook };
        self.parts.store.add_notification(tx, &new).await
    }

    async fn push(&self, id: u64, alert: bool) -> Result<()> {
        let alert = alert && self.parts.queue.settings().notify;
        let Some(row) = self.parts.store.notification(id).await? else { return Ok(()) };
        let unread = self.parts.store.unread_notifications().await?;
        self.parts.bus.publish(Push::Notification { row: Box::new(row), unread, alert });
        Ok(())
    }
}

fn notification_of(burst: &Burst, quiet: bool) -> NewNotification {
    let Words { title, body } = burst.words();
    NewNotification {
        at: now_ms(),
        kind: burst.kind(),
        title,
        body,
        count: burst.count(),
        jobs: burst.endings().iter().map(job_of).collect(),
        quiet,
        // Due when nothing joins it any more.
        hook: false,
    }
}

fn has_stalled(row: &RunningRow, settings: &Settings) -> (Kind, Words, Vec<NotifiedJob>) {
    let silent = text::duration(i64::try_from(settings.stall_ms).unwrap_or(i64::MAX));
    let words = Words::new(
        format!("{} has written nothing for {silent}", row.name),
        "Neither its log nor its metrics have grown. It may hang; it goes on until you cancel it.",
    );
    let job = NotifiedJob {
        uid: row.uid.clone(),
        name: row.name.clone(),
        project: row.project.clone(),
        attempt: Some(row.attempt),
        kind: Kind::Stalled,
        line: None,
    };
    (Kind::Stalled, words, vec![job])
}
