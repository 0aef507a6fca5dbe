//! Line charts: which lines there are, what is read of them, and their picture.
//!
//! What a picture needs of a metric is asked for by the rules in core while they draw, and fetched here between one attempt
//! and the next, all lines at once (`tiles`). `courses` knows which blocks there are, `derived` makes smoothed lines and those
//! over other axes, `draw` makes the picture, `read` answers what stands at a place, `points` hands out what was logged.

mod courses;
mod derived;
mod draw;
mod groups;
mod points;
mod read;
mod tiles;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use athanor_core::chart::plots::{Centre, Spread};
use athanor_core::chart::{DASHES, DrawnLine, PALETTE, Rendered, Theme};
use athanor_core::series::course::{Course, Order};
use athanor_core::series::derive::{Along, Recipe};
use athanor_core::series::{MAX_SEGMENTS, Scale, Smoothing, Summary};
use jiff::tz::TimeZone;

pub use read::Reading;

use super::Index;
use crate::error::Result;
use crate::store::runs::{RunCell, TableRow};
use courses::{Name, Spines, Stored, courses};
use derived::{Derived, Shelf, all_points, first_wall};
use tiles::{Cache, Hand, Key, Reach, Tile, fetch};

/// Lines of one chart at most.
pub const LINES: usize = 200;

/// Metrics that say which epoch a step belongs to, the likeliest first.
const EPOCHS: [&str; 4] = ["epoch", "train/epoch", "trainer/epoch", "Epoch"];

/// What stands on the x axis.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum XAxis {
    /// The step.
    #[default]
    Step,
    /// The epoch that was logged at that step, or last before it.
    Epoch,
    /// Seconds since the first point of the metric.
    Relative,
    /// UTC seconds.
    Wall,
    /// The value that another metric had at that step, or last before it.
    Metric(String),
}

/// Runs that are drawn as one line: those that agree in all cells of their rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LineGroups {
    /// What the line is.
    pub centre: Centre,
    /// What the band is.
    pub band: Spread,
}

/// What a chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LinesSpec {
    /// The metrics.
    pub keys: Vec<String>,
    /// The x axis.
    pub x: XAxis,
    /// Its scale.
    pub x_scale: Scale,
    /// That of the y axis.
    pub y_scale: Scale,
    /// How lines are smoothed.
    pub smoothing: Smoothing,
    /// The raw line stands behind a smoothed one.
    pub raw: bool,
    /// The y axis reaches over all values.
    pub outliers: bool,
    /// Runs as one line.
    pub group: Option<LineGroups>,
}

impl Default for LinesSpec {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            x: XAxis::default(),
            x_scale: Scale::default(),
            y_scale: Scale::default(),
            smoothing: Smoothing::default(),
            raw: true,
            outliers: true,
            group: None,
        }
    }
}

/// How a chart is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// CSS pixels.
    pub width: f64,
    /// CSS pixels.
    pub height: f64,
    /// Pixels of the screen for each.
    pub ratio: f64,
    /// It is for a screen of just these pixels, and not for paper or any size.
    pub screen: bool,
    /// Light or dark.
    pub theme: Theme,
    /// Size of labels, CSS pixels.
    pub font: f64,
    /// The zone of moments.
    pub zone: TimeZone,
    /// The range of the x axis that is asked for.
    pub x: Option<(f64, f64)>,
    /// That of the y axis.
    pub y: Option<(f64, f64)>,
}

/// A line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct LineFacts {
    /// Its runs, by their places among those that were given.
    pub runs: Vec<usize>,
    /// The metric.
    pub key: String,
    /// In what a group's runs agree; none for a run.
    pub group: Option<Vec<RunCell>>,
    /// Index into the palette.
    pub colour: usize,
    /// How it is dashed.
    pub dash: usize,
    /// Points of all its runs.
    pub points: u64,
    /// Each point in sight was drawn by itself.
    pub exact: bool,
    /// Its last point: x, and the value as it was logged.
    pub last: Option<(f64, f64)>,
    /// The least finite value.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// A run of it goes on.
    pub live: bool,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct LinesDrawn {
    /// The picture.
    pub rendered: Rendered,
    /// Its lines.
    pub lines: Vec<LineFacts>,
    /// What was drawn of each.
    pub drawn: Vec<DrawnLine>,
    /// How many more there would be.
    pub more: usize,
}

/// What charts read last.
#[derive(Debug, Default)]
pub struct Charts {
    cache: Cache,
    spines: Spines,
    shelf: Shelf,
}

/// A metric of a run as it is drawn.
struct Track {
    base: Arc<Stored>,
    derived: Option<Arc<Derived>>,
    hand: Hand,
}

impl Track {
    fn stored(base: Arc<Stored>) -> Self {
        let hand = Hand::new(base.hand.parts.clone());
        Self { base, derived: None, hand }
    }

    fn derived(base: Arc<Stored>, derived: Arc<Derived>) -> Self {
        let hand = derived.hand();
        Self { base, derived: Some(derived), hand }
    }

    fn course(&self) -> &Course {
        self.derived.as_ref().map_or(&self.base.course, |derived| &derived.course)
    }

    fn reach<'a>(&'a self, cache: &'a Cache) -> Reach<'a> {
        Reach { hand: &self.hand, cache }
    }

    fn order(&self, cache: &Cache) -> Option<Order> {
        self.course().order(&self.reach(cache))
    }
}

/// A line that is to be drawn: one run's, or several runs' as one.
struct Planned {
    runs: Vec<usize>,
    key: String,
    group: Option<Vec<RunCell>>,
    colour: usize,
    dash: usize,
    /// Smoothed, if lines are.
    tracks: Vec<Track>,
    /// The raw line, where it is drawn behind.
    raw: Option<Track>,
    whole: Summary,
    live: bool,
}

impl Planned {
    fn all(&self) -> impl Iterator<Item = &Track> {
        self.tracks.iter().chain(&self.raw)
    }
}

impl Index {
    /// The lines of a chart of these runs, as far as they are drawn, and how many more there would be.
    async fn plan(&self, rows: &[TableRow], spec: &LinesSpec) -> Result<(Vec<Planned>, usize)> {
        let store = self.store();
        let ids: Vec<i64> = rows.iter().map(|row| row.run.id).collect();
        let mut stretches = store.all_stretches(&ids, &spec.keys).await?;
        let mut sets: Vec<(Vec<usize>, Option<Vec<RunCell>>)> = Vec::new();
        if spec.group.is_some() {
            let mut groups: BTreeMap<String, usize> = BTreeMap::new();
            for (place, row) in rows.iter().enumerate() {
                // As text, in which NaN is equal to itself.
                let at = *groups.entry(format!("{:?}", row.cells)).or_insert(sets.len());
                match sets.get_mut(at) {
                    Some(set) => set.0.push(place),
                    None => sets.push((vec![place], Some(row.cells.clone()))),
                }
            }
        } else {
            sets.extend((0..rows.len()).map(|place| (vec![place], None)));
        }
        let (mut lines, mut more) = (Vec::new(), 0);
        let mut of_colour = [0; PALETTE];
        for (set, (runs, group)) in sets.iter().enumerate() {
            for (place, key) in spec.keys.iter().enumerate() {
                let has = |run: &&usize| stretches.contains_key(&(rows[**run].run.id, key.clone()));
                let runs: Vec<usize> = runs.iter().filter(has).copied().collect();
                let Some(first) = runs.first() else { continue };
                if lines.len() == LINES {
                    more += 1;
                    continue;
                }
                // One run's metrics are told apart by their place, runs by the colour that they have everywhere.
                let run = &rows[*first].run;
                let colour = match (sets.len(), spec.keys.len(), group) {
                    (1, 2.., _) => place % PALETTE,
                    (_, _, Some(_)) => set % PALETTE,
                    (_, _, None) => athanor_core::runs::colour(run.experiment.as_ref().unwrap_or(&run.uid)),
                };
                let dash = of_colour[colour] % DASHES;
                of_colour[colour] += 1;
                lines.push((runs, key.clone(), group.clone(), colour, dash));
            }
        }
        let drawn: BTreeSet<Name> = lines
            .iter()
            .flat_map(|(runs, key, ..)| runs.iter().map(|run| (rows[*run].run.id, key.clone())))
            .collect();
        stretches.retain(|name, _| drawn.contains(name));
        let stored = courses(store, &self.charts.spines, &stretches).await?;
        let along = self.along(&ids, spec).await?;
        let mut planned = Vec::with_capacity(lines.len());
        for (runs, key, group, colour, dash) in lines {
            let mut line = Planned {
                live: runs.iter().any(|run| rows[*run].run.status == "running"),
                runs,
                key,
                group,
                colour,
                dash,
                tracks: Vec::new(),
                raw: None,
                whole: Summary::default(),
            };
            for run in &line.runs {
                let id = rows[*run].run.id;
                let Some(base) = stored.get(&(id, line.key.clone())) else { continue };
                line.whole = line.whole.merge(&base.whole);
                let Some(along) = self.along_of(id, spec, base, &along).await? else { continue };
                line.tracks.push(self.track(base, along.clone(), spec.smoothing).await?);
                if spec.raw && spec.group.is_none() && spec.smoothing != Smoothing::None {
                    line.raw = Some(self.track(base, along, Smoothing::None).await?);
                }
            }
            planned.push(line);
        }
        Ok((planned, more))
    }

    async fn track(&self, base: &Arc<Stored>, along: Along, smoothing: Smoothing) -> Result<Track> {
        // In no order, there are no points before and after one.
        let many = base.whole.resets >= MAX_SEGMENTS as u64;
        let recipe = Recipe { along, smoothing: if many { Smoothing::None } else { smoothing } };
        if recipe == Recipe::default() {
            return Ok(Track::stored(base.clone()));
        }
        let derived = self.charts.shelf.derived(self.store(), base, recipe).await?;
        Ok(Track::derived(base.clone(), derived))
    }

    /// The metrics that stand on the x axis, by run.
    async fn along(&self, ids: &[i64], spec: &LinesSpec) -> Result<HashMap<i64, Arc<Vec<(f64, f64)>>>> {
        let names: Vec<String> = match &spec.x {
            XAxis::Epoch => EPOCHS.map(str::to_owned).to_vec(),
            XAxis::Metric(name) => vec![name.clone()],
            XAxis::Step | XAxis::Relative | XAxis::Wall => return Ok(HashMap::new()),
        };
        let stretches = self.store().all_stretches(ids, &names).await?;
        let stored = courses(self.store(), &self.charts.spines, &stretches).await?;
        let mut all = HashMap::new();
        for id in ids {
            let Some(base) = names.iter().find_map(|name| stored.get(&(*id, name.clone()))) else { continue };
            let mut along: Vec<(f64, f64)> = Vec::new();
            for block in all_points(self.store(), &self.charts.cache, base).await? {
                for point in block.iter() {
                    // What was begun anew takes over from there.
                    while along.last().is_some_and(|last| last.0 > point.step) {
                        along.pop();
                    }
                    match along.last_mut() {
                        Some(last) if last.0.to_bits() == point.step.to_bits() => last.1 = point.value,
                        // While it stays the same, its last step says as much.
                        Some(last) if last.1.to_bits() == point.value.to_bits() => {}
                        _ => along.push((point.step, point.value)),
                    }
                }
            }
            all.insert(*id, Arc::new(along));
        }
        Ok(all)
    }

    /// What a run's line is drawn along; nothing if it has no such thing.
    async fn along_of(
        &self,
        id: i64,
        spec: &LinesSpec,
        base: &Stored,
        along: &HashMap<i64, Arc<Vec<(f64, f64)>>>,
    ) -> Result<Option<Along>> {
        Ok(match spec.x {
            XAxis::Step => Some(Along::Step),
            XAxis::Epoch | XAxis::Metric(_) => along.get(&id).cloned().map(Along::Metric),
            XAxis::Wall | XAxis::Relative => {
                let first = first_wall(self.store(), &self.charts.cache, base).await?;
                first.map(|first| Along::Since(if spec.x == XAxis::Wall { 0 } else { first }))
            }
        })
    }

    /// Does what needs tiles until none is missing. `work` is done on a thread that may take its time.
    async fn settle<T, W>(&self, lines: &Arc<Vec<Planned>>, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: Fn(&[Planned], &Cache) -> T + Clone + Send + 'static,
    {
        loop {
            let (lines_there, charts, work) = (lines.clone(), self.charts.clone(), work.clone());
            let done = tokio::task::spawn_blocking(move || work(&lines_there, &charts.cache)).await?;
            let mut stored: BTreeSet<Key> = BTreeSet::new();
            let mut wanted: Vec<(&Track, BTreeSet<Key>)> = Vec::new();
            for track in lines.iter().flat_map(Planned::all) {
                let missing = track.hand.missing();
                if missing.is_empty() {
                    continue;
                }
                if track.derived.is_none() {
                    stored.extend(&missing);
                }
                wanted.push((track, missing));
            }
            if wanted.is_empty() {
                return Ok(done);
            }
            let read: HashMap<Key, Tile> = fetch(self.store(), &stored).await?.into_iter().collect();
            for (key, tile) in &read {
                self.charts.cache.put(*key, tile.clone());
            }
            for (track, keys) in wanted {
                let Some(derived) = &track.derived else {
                    for (key, tile) in keys.iter().filter_map(|key| Some((key, read.get(key)?))) {
                        track.hand.put(*key, tile.clone());
                    }
                    continue;
                };
                let made = derived.make(self.store(), &self.charts.cache, &track.base, &keys).await?;
                for (key, tile) in made {
                    self.charts.cache.put(key, tile.clone());
                    track.hand.put(key, tile);
                }
            }
        }
    }
}
