//! The engine: everything that touches the world, put together around one data folder.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use athanor_core::series::{Points, SeriesStats, decode_chunk};
use athanor_shim::log::LogFolder;
use tokio::sync::{mpsc, watch};

use crate::bus::{Bus, Notice, NoticeLevel, Push};
use crate::devices::{Attention, Place, Sampler, SamplerParts, Sources};
use crate::error::{Error, ErrorKind, Result};
use crate::history::History;
use crate::home::{Home, HomeLock, now_ms};
use crate::leftovers::Sweep;
use crate::monitor::{self, Monitored, Monitors};
use crate::notifications::{self, Notifications};
use crate::project_watch::ProjectWatch;
use crate::projects::{self, Suggestion};
use crate::queue::{Clock, Hands, Parts, Queue};
use crate::run_files::Followed;
use crate::run_media::Listings;
use crate::runner::Runner;
use crate::runs::Index;
use crate::seal::Sealer;
use crate::store::runs::RunStore;
use crate::store::{self, EventKind, ExperimentRow, ProjectRow, Store};

/// What an engine is run for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// By the desktop program.
    Window,
    /// By `athanor serve`.
    Headless,
    /// By a single command while no engine runs: it looks, records what became of earlier attempts, and accepts; it
    /// starts nothing.
    Offline,
}

/// A running engine. Dropping it leaves running jobs alone; [`Engine::shutdown`] also closes the store.
#[derive(Debug)]
pub struct Engine {
    home: Home,
    mode: Mode,
    store: Store,
    queue: Queue,
    bus: Bus,
    sealer: Arc<Sealer>,
    sampler: Option<Sampler>,
    history: History,
    attention: Attention,
    /// The projects' folders, for those who look at their file systems.
    places: Arc<Mutex<Vec<Place>>>,
    projects: Option<Arc<ProjectWatch>>,
    notifications: Option<Notifications>,
    runs: Index,
    /// The files of runs that somebody looks at.
    followed: Followed,
    /// What is known of images and histograms in files of runs.
    listings: Listings,
    _leftovers: Option<Sweep>,
    notices: Vec<Notice>,
    started_at: i64,
    monitors: Monitors,
    _monitor: mpsc::UnboundedSender<monitor::Watch>,
    lock: HomeLock,
}

/// A series of an attempt, with what its blocks sum up to.
#[derive(Debug, Clone)]
pub struct SeriesSummary {
    /// The store's key.
    pub id: i64,
    /// The metric's name.
    pub key: String,
    /// The attempt.
    pub attempt: u32,
    /// Count, extremes, last value.
    pub stats: SeriesStats,
}

/// A piece of a log.
#[derive(Debug, Clone)]
pub struct LogPiece {
    /// The attempt; 0 before the first.
    pub attempt: u32,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Offset of the first of them.
    pub start: u64,
    /// Offset of the oldest byte that is kept.
    pub oldest: u64,
    /// Offset after the last byte of the log.
    pub end: u64,
    /// Whether nothing will follow.
    pub ended: bool,
}

/// Which piece of a log.
#[derive(Debug, Clone, Copy)]
pub enum LogPart {
    /// From an offset, at most so many bytes.
    From(u64, usize),
    /// The last lines, at most so many bytes.
    Tail(usize, usize),
}

impl Engine {
    /// Takes the data folder, opens the store, finds out what became of earlier attempts, and begins to work.
    ///
    /// # Errors
    /// Another engine has the folder, or the store can't be opened; see [`Store::open`].
    pub async fn open(home: Home, mode: Mode) -> Result<Self> {
        home.create()?;
        let lock = home.lock()?;
        let opened = Store::open(&home).await?;
        let mut notices = Vec::new();
        if let Some(aside) = opened.set_aside {
            notices.push(Notice {
                level: NoticeLevel::Error,
                title: "The database was damaged".into(),
                message: format!(
                    "It was set aside, unchanged, as {} and a new one was begun. Logs and results on disk are untouched. \
                     What was found: {}. Backups lie in the same folder. This is said until that file is moved away.",
                    aside.path.display(),
                    aside.reason
                ),
            });
        }
        if let Some(backup) = opened.backup {
            tracing::info!(backup = %backup.display(), "backed up before the schema was changed");
        }
        let store = opened.store;
        let sealer = Arc::new(Sealer::open(&home.key())?);
        let bus = Bus::default();
        let hands = match mode {
            Mode::Offline => Hands::None,
            Mode::Window | Mode::Headless => Hands::Runner(Runner::new()?),
        };
        let (newest, machine) = watch::channel(None);
        let samples = machine.clone();
        let recorded = (mode != Mode::Offline).then(|| machine.clone());
        let attention = Attention::default();
        let (monitor, monitors) = monitor::start(monitor::Parts {
            home: home.clone(),
            store: store.clone(),
            bus: bus.clone(),
            attention: attention.clone(),
        });
        if mode != Mode::Offline {
            // What an engine that was killed did not read to the end. The queue adds those that ended meanwhile.
            for (id, uid, attempt, cwd, since) in store.unread_attempts().await? {
                let job = monitor::Job { id, uid, attempt, cwd: cwd.into(), since };
                let _ = monitor.send(monitor::Watch::End(job));
            }
        }
        let queue = Queue::start(Parts {
            home: home.clone(),
            store: store.clone(),
            bus: bus.clone(),
            sealer: sealer.clone(),
            hands,
            monitor: monitor.clone(),
            machine,
            clock: Clock::System,
        })
        .await?;
        let history = History::start(store.clone(), queue.book(), recorded).await?;
        if mode != Mode::Offline {
            tell(&store, EventKind::EngineStarted, "An engine began to work").await?;
        }
        let notifications = match mode {
            Mode::Offline => None,
            Mode::Window | Mode::Headless => Some(
                Notifications::start(notifications::Parts {
                    home: home.clone(),
                    store: store.clone(),
                    bus: bus.clone(),
                    queue: queue.clone(),
                    sealer: sealer.clone(),
                    machine: samples,
                })
                .await?,
            ),
        };
        let places = Arc::new(Mutex::new(Vec::new()));
        let sampler = (mode != Mode::Offline).then(|| {
            let (places, monitors) = (places.clone(), monitors.clone());
            Sampler::start(SamplerParts {
                bus: bus.clone(),
                data: home.root().to_owned(),
                places: Box::new(move || {
                    let mut all: Vec<Place> = places.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    all.extend(watched(&monitors));
                    all
                }),
                newest,
                attention: attention.clone(),
                sources: Sources::from_environment(),
            })
        });
        let projects =
            (mode != Mode::Offline).then(|| Arc::new(ProjectWatch::start(bus.clone(), store.clone())));
        let (run_store, aside) = RunStore::open(&home).await?;
        if let Some(aside) = aside {
            notices.push(Notice {
                level: NoticeLevel::Error,
                title: "The index of runs was damaged".into(),
                message: format!(
                    "It was set aside, unchanged, as {} and a new one was begun: add your watch folders again, and their \
                     runs are read anew. Nothing on disk was touched; tags and notes are in the old file. What was \
                     found: {}.",
                    aside.path.display(),
                    aside.reason
                ),
            });
        }
        let runs = Index::start(&home, run_store, bus.clone(), (mode != Mode::Offline).then_some(&store));
        let leftovers = (mode != Mode::Offline).then(|| Sweep::start(home.clone(), store.clone()));
        let followed = Followed::start(bus.clone());
        let engine = Self {
            home,
            mode,
            store,
            queue,
            bus,
            sealer,
            sampler,
            history,
            attention,
            places,
            projects,
            notifications,
            runs,
            followed,
            listings: Listings::default(),
            _leftovers: leftovers,
            notices,
            started_at: now_ms(),
            monitors,
            _monitor: monitor,
            lock,
        };
        engine.follow_projects(engine.store.projects().await?).await;
        Ok(engine)
    }

    /// Watches the folders of these projects.
    async fn follow_projects(&self, projects: Vec<ProjectRow>) {
        let place = |row: &ProjectRow| Place {
            what: format!("project {}", row.name),
            path: row.folder.clone().into(),
        };
        *self.places.lock().unwrap_or_else(PoisonError::into_inner) = projects.iter().map(place).collect();
        let Some(watch) = self.projects.clone() else { return };
        if let Err(error) = tokio::task::spawn_blocking(move || watch.follow(&projects)).await {
            tracing::warn!(%error, "the projects' folders are not watched");
        }
    }

    /// Tells what the projects are now, and watches their folders.
    async fn projects_changed(&self) -> Result<()> {
        let projects = self.store.projects().await?;
        self.follow_projects(projects.clone()).await;
        self.bus.publish(Push::Projects(projects));
        Ok(())
    }

    /// The data folder.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// What it is run for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The store, for reading.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The queue.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(crate) fn sealer(&self) -> &Arc<Sealer> {
        &self.sealer
    }

    /// The bus.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// The sampler; an offline engine has none.
    #[must_use]
    pub fn sampler(&self) -> Option<&Sampler> {
        self.sampler.as_ref()
    }

    /// Who is interested in the machine: sets the pace of the samples.
    #[must_use]
    pub fn attention(&self) -> &Attention {
        &self.attention
    }

    /// The history of the machine and of attempts.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The index of runs.
    #[must_use]
    pub fn runs(&self) -> &Index {
        &self.runs
    }

    /// The folders whose files are followed now, and how.
    #[must_use]
    pub fn monitors(&self) -> Vec<Monitored> {
        self.monitors.list()
    }

    /// The hook may have something to do.
    pub(crate) fn ring_hook(&self) {
        if let Some(notifications) = &self.notifications {
            notifications.ring_hook();
        }
    }

    /// What was noticed at the start.
    #[must_use]
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// When it started, UTC milliseconds.
    #[must_use]
    pub fn started_at(&self) -> i64 {
        self.started_at
    }

    pub(crate) fn followed(&self) -> &Followed {
        &self.followed
    }

    pub(crate) fn listings(&self) -> &Listings {
        &self.listings
    }

    /// Stops deciding, tells listeners, and closes the store. What runs goes on under its supervisors.
    pub async fn shutdown(&self) {
        self.queue.stop().await;
        self.runs.stop().await;
        self.history.finish().await;
        if let Some(notifications) = &self.notifications {
            notifications.stop().await;
        }
        if self.mode != Mode::Offline
            && let Err(error) =
                tell(&self.store, EventKind::EngineStopped, "The engine stopped; running jobs go on").await
        {
            tracing::warn!(%error, "the end could not be recorded");
        }
        self.bus.publish(Push::Stopped);
        self.store.close().await;
        self.lock.release();
    }

    /// A piece of the log of an experiment's attempt; of the newest if none is named.
    ///
    /// # Errors
    /// There is no such attempt, or its folder can't be read.
    pub async fn log(&self, row: &ExperimentRow, attempt: Option<u32>, part: LogPart) -> Result<LogPiece> {
        let number = attempt.unwrap_or(row.attempt);
        if number > row.attempt || attempt == Some(0) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("{} has {} attempts, and no attempt {number}", row.uid, row.attempt),
            ));
        }
        let waits = !row.status.is_active() && !row.status.is_terminal();
        if number == 0 || (waits && attempt.is_none()) {
            // The log that is asked for is that of the attempt to come.
            return Ok(LogPiece {
                attempt: 0,
                bytes: Vec::new(),
                start: 0,
                oldest: 0,
                end: 0,
                ended: !waits,
            });
        }
        let folder = self.home.attempt(&row.uid, number);
        // Asked before the bytes are read: what is written in between is read next time.
        let ended = !(row.status.is_active() && number == row.attempt);
        tokio::task::spawn_blocking(move || {
            let log = LogFolder::open(&folder)?;
            let chunk = match part {
                LogPart::From(offset, max) => log.read(offset, max)?,
                LogPart::Tail(lines, max) => log.tail_lines(lines, max)?,
            };
            let (oldest, end) = (log.start()?, log.end()?);
            Ok(LogPiece { attempt: number, start: chunk.start, bytes: chunk.bytes, oldest, end, ended })
        })
        .await?
    }

    /// The series of an attempt, with what they sum up to.
    ///
    /// # Errors
    /// The store refuses, or holds a block that can't be read.
    pub async fn series(&self, experiment: i64, attempt: u32) -> Result<Vec<SeriesSummary>> {
        let mut all = Vec::new();
        for row in self.store.series(experiment, attempt).await? {
            let stats = SeriesStats::from(&store::total(&self.store.summaries(row.id).await?)?);
            all.push(SeriesSummary { id: row.id, key: row.key, attempt: row.attempt, stats });
        }
        Ok(all)
    }

    /// All points of a series.
    ///
    /// # Errors
    /// The store refuses, or holds a block that can't be read.
    pub async fn points(&self, series: i64) -> Result<Points> {
        let chunks = self.store.chunks(series).await?;
        tokio::task::spawn_blocking(move || {
            let mut all = Points::new();
            for chunk in chunks {
                let points = decode_chunk(&chunk.data).map_err(|cause| {
                    Error::new(
                        ErrorKind::Damaged,
                        format!("block {} of a series can't be read: {cause}", chunk.number),
                    )
                })?;
                all.extend_from(&points);
            }
            Ok(all)
        })
        .await?
    }

    /// The projects, each with what could be run there, and whether its folder can be used.
    ///
    /// # Errors
    /// The store refuses.
    pub async fn projects(&self) -> Result<Vec<(ProjectRow, bool, Vec<Suggestion>)>> {
        let rows = self.store.projects().await?;
        Ok(tokio::task::spawn_blocking(move || {
            rows.into_iter()
                .map(|row| {
                    let folder = PathBuf::from(&row.folder);
                    let available = projects::check_folder(&folder).is_ok();
                    let suggestions = if available { projects::suggestions(&folder) } else { Vec::new() };
                    (row, available, suggestions)
                })
                .collect()
        })
        .await?)
    }

    /// Makes a folder a project.
    ///
    /// # Errors
    /// The folder can't be used, or name or folder are taken.
    pub async fn add_project(&self, folder: &str, name: Option<&str>) -> Result<String> {
        let folder = projects::expand(folder);
        let name = name.map(str::to_owned);
        let row = tokio::task::spawn_blocking(move || {
            projects::check_folder(&folder).map_err(|error| Error::invalid("folder", error.to_string()))?;
            let folder = folder.canonicalize().map_err(|cause| Error::path("find", &folder, &cause))?;
            let name = projects::project_name(&folder, name.as_deref())?;
            Ok::<_, Error>(ProjectRow { name, folder: folder.display().to_string(), demo: false })
        })
        .await??;
        self.register(row).await
    }

    /// Places the bundled demo in the data folder and makes it a project.
    ///
    /// # Errors
    /// It can't be written.
    pub async fn add_demo(&self) -> Result<String> {
        let home = self.home.clone();
        let folder = tokio::task::spawn_blocking(move || projects::place_demo(&home)).await??;
        let folder = folder.display().to_string();
        if let Some(there) = self.store.projects().await?.into_iter().find(|project| project.folder == folder)
        {
            return Ok(there.name);
        }
        self.register(ProjectRow { name: projects::DEMO.into(), folder, demo: true }).await
    }

    async fn register(&self, row: ProjectRow) -> Result<String> {
        for other in self.store.projects().await? {
            if other.name == row.name {
                return Err(Error::invalid(
                    "name",
                    format!("there is a project “{}” already, in {}", other.name, other.folder),
                ));
            }
            if other.folder == row.folder {
                return Err(Error::invalid(
                    "folder",
                    format!("that folder is the project “{}” already", other.name),
                ));
            }
        }
        let mut tx = self.store.begin().await?;
        self.store.add_project(&mut tx, &row, now_ms()).await?;
        tx.commit().await?;
        self.projects_changed().await?;
        Ok(row.name)
    }

    /// Forgets a project; its folder and its experiments stay.
    ///
    /// # Errors
    /// There is none of that name.
    pub async fn remove_project(&self, name: &str) -> Result<()> {
        let mut tx = self.store.begin().await?;
        let removed = self.store.remove_project(&mut tx, name).await?;
        tx.commit().await?;
        if !removed {
            return Err(Error::new(ErrorKind::NotFound, format!("there is no project “{name}”")));
        }
        self.projects_changed().await
    }
}

/// The folders that jobs work in, for those who look at their file systems.
fn watched(monitors: &Monitors) -> Vec<Place> {
    let working = monitors.list().into_iter().filter(|it| it.files == monitor::MonitoredFiles::Metrics);
    working.map(|it| Place { what: format!("jobs in {}", it.folder), path: it.folder.into() }).collect()
}

/// Appends an event about the engine itself.
async fn tell(store: &Store, what: EventKind, message: &str) -> Result<()> {
    let mut tx = store.begin().await?;
    store.append_event(&mut tx, now_ms(), what, None, message).await?;
    tx.commit().await
}
