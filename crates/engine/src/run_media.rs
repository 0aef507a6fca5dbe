//! Images and histograms of runs: listed from the files that hold them, and read one at a time.
//!
//! They stay in their files. What a file holds is found by walking it, on a thread that may block, for a moment in each
//! call: the listing is remembered, so that the next call goes on there, and one of a file that has not changed costs a
//! look at its size. One that grew is read on; one that was written anew is listed anew.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use athanor_core::runs::media::{
    At, Encoding, Form, Histogram, MAX_BUCKETS, MAX_PICTURE, Media, Medium, MediumKind, picture,
};
use athanor_core::runs::{Member, Other, Role, format};

use crate::engine::{Engine, LogPart};
use crate::error::{Error, ErrorKind, Result};
use crate::store::runs::{FileFacts, RunStore};

/// How long one call walks through files.
const WALK: Duration = Duration::from_millis(400);

/// Bytes read of a file at once.
const PIECE: usize = 1 << 20;

/// Bytes of memory for what is listed of one file; what comes later in it is not listed.
const LISTED: usize = 32 << 20;

/// Bytes of memory for all listings that nobody looks at now.
const KEPT: usize = 64 << 20;

/// Bytes at the beginning of a file, and before the place up to which it was read, by which it is known again.
const MARK: usize = 4 << 10;

/// Bytes of a histogram at most: three numbers for each bucket, and what is around them.
const MAX_HISTOGRAM: u64 = MAX_BUCKETS as u64 * 24 + (64 << 10);

/// Which images and histograms are asked for.
#[derive(Debug, Clone, Default)]
pub struct MediaWanted {
    /// Only these.
    pub kind: Option<MediumKind>,
    /// Only those of this name.
    pub key: Option<String>,
    /// How many to pass over.
    pub after: usize,
    /// How many at most.
    pub limit: usize,
}

impl MediaWanted {
    fn includes(&self, kind: MediumKind, key: &str) -> bool {
        self.kind.is_none_or(|asked| asked == kind) && self.key.as_deref().is_none_or(|asked| asked == key)
    }
}

/// An image or a histogram of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunMedium {
    /// What it is.
    pub kind: MediumKind,
    /// Its name, with the prefix of its file.
    pub key: String,
    /// Its number among those that were logged at once under that name.
    pub index: u32,
    /// Position on the x axis.
    pub step: f64,
    /// When it was logged, UTC milliseconds.
    pub wall_ms: Option<i64>,
    /// Width and height of an image, where that is said.
    pub size: Option<(u32, u32)>,
    /// The file in which it was found, as the index knows it.
    pub file: String,
    /// Where it is.
    pub place: MediumPlace,
}

/// Where an image or a histogram is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediumPlace {
    /// These bytes of the file.
    Bytes(std::ops::Range<u64>, Form),
    /// A file of its own; the path from the run's folder on.
    File(String),
    /// It was written where it is said to be: so many are listed of the file before it.
    Listed(usize),
}

/// What was asked for, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct MediaPage {
    /// In the order of the files and of what is in them.
    pub items: Vec<RunMedium>,
    /// How many there are, without the limit.
    pub total: usize,
    /// How many there are of each kind and name, whatever was asked for.
    pub groups: BTreeMap<(MediumKind, String), usize>,
    /// All of the files has been walked through. If not, the next call goes on.
    pub done: bool,
    /// Bytes of the files that were walked through.
    pub read: u64,
    /// Bytes of the files.
    pub size: u64,
    /// There are more than are listed.
    pub cut: bool,
    /// What can't be listed, and why.
    pub problems: Vec<(String, String)>,
}

/// A picture as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunImage {
    /// How it is encoded.
    pub encoding: Encoding,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// Histograms of one name over steps.
#[derive(Debug, Clone, Default)]
pub struct RunHistograms {
    /// By steps that grow, each once: of several of one step, the one that was logged last.
    pub columns: Vec<(RunMedium, Histogram)>,
    /// How many steps have one.
    pub total: usize,
    /// How many of those that were chosen could not be read.
    pub unread: usize,
}

type Held = Arc<Mutex<Listing>>;

/// The listings, those last that were looked at last, and the bytes of memory that each takes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listings(Arc<Mutex<Vec<(PathBuf, Held, usize)>>>);

impl Listings {
    /// The listings of a run's files.
    fn of(&self, files: &[FileFacts]) -> Vec<Held> {
        let mut all = lock(&self.0);
        let held = files.iter().map(|file| {
            let path = Path::new(&file.path);
            let entry = match all.iter().position(|(known, ..)| known == path) {
                Some(at) => all.remove(at),
                None => (path.to_owned(), Held::default(), 0),
            };
            let listing = entry.1.clone();
            all.push(entry);
            listing
        });
        held.collect()
    }

    /// Says what the last so many take now, and forgets others while all take too much.
    fn settle(&self, weights: &[(PathBuf, usize)]) {
        let mut all = lock(&self.0);
        for (path, weight) in weights {
            if let Some(entry) = all.iter_mut().find(|(known, ..)| known == path) {
                entry.2 = *weight;
            }
        }
        let mut sum: usize = all.iter().map(|(.., weight)| weight).sum();
        all.retain(|(path, _, weight)| {
            let stays = sum <= KEPT || weights.iter().any(|(now, _)| now == path);
            sum -= if stays { 0 } else { *weight };
            stays
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a file was when it was last looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Known {
    device: u64,
    inode: u64,
    size: u64,
    modified_ns: i64,
}

impl Known {
    fn of(meta: &Metadata) -> Self {
        let modified_ns = meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec());
        Self { device: meta.dev(), inode: meta.ino(), size: meta.len(), modified_ns }
    }
}

/// What is known of the media in a file.
#[derive(Default)]
struct Listing {
    reader: Option<Box<dyn Media>>,
    known: Option<Known>,
    /// Bytes that were walked through.
    read: u64,
    /// The first bytes, and the last before `read`.
    marks: (Vec<u8>, Vec<u8>),
    media: Vec<Medium>,
    /// How many there are of each kind and name.
    groups: BTreeMap<(MediumKind, String), usize>,
    /// Bytes of memory that `media` take.
    weight: usize,
    /// There is no room for more.
    full: bool,
}

impl std::fmt::Debug for Listing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listing").field("known", &self.known).field("media", &self.media.len()).finish()
    }
}

impl Listing {
    /// Goes on through the file until its end or `until`, at least for one piece.
    fn go_on(&mut self, of: &FileFacts, until: Instant) -> Result<()> {
        let path = Path::new(&of.path);
        let (file, now) = match open(path) {
            Ok(opened) => opened,
            Err(error) => {
                *self = Self::default();
                return Err(error);
            }
        };
        let failed = |cause: std::io::Error| Error::path("read", path, &cause);
        if self.known == Some(now) && self.is_done() {
            return Ok(());
        }
        if !self.is_same(&file, now).map_err(failed)? {
            *self = Self::default();
        }
        self.known = Some(now);
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => {
                let member = Member::new(of.path.clone(), Role::Metrics).prefixed(of.prefix.clone());
                let Some(reader) = format(&of.format).and_then(|format| format.media(&member)) else {
                    self.read = now.size;
                    return Ok(());
                };
                self.reader.insert(reader)
            }
        };
        let mut piece = vec![0; PIECE.min(usize::try_from(now.size - self.read).unwrap_or(PIECE))];
        while self.read < now.size && !self.full {
            let most = piece.len().min(usize::try_from(now.size - self.read).unwrap_or(usize::MAX));
            let count = file.read_at(&mut piece[..most], self.read).map_err(failed)?;
            if count == 0 {
                break;
            }
            let bytes = &piece[..count];
            let before = self.media.len();
            reader.push(bytes, &mut self.media);
            self.read += count as u64;
            let (head, tail) = &mut self.marks;
            head.extend_from_slice(&bytes[..count.min(MARK - head.len().min(MARK))]);
            tail.extend_from_slice(&bytes[count.saturating_sub(MARK)..]);
            tail.drain(..tail.len().saturating_sub(MARK));
            for medium in &self.media[before..] {
                *self.groups.entry((medium.kind, medium.key.clone())).or_default() += 1;
            }
            self.weight += self.media[before..].iter().map(weight).sum::<usize>();
            if self.weight > LISTED {
                self.full = true;
            }
            if Instant::now() >= until {
                break;
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.full || self.known.is_some_and(|known| self.read >= known.size)
    }

    /// Whether the file holds what it held, and maybe more.
    fn is_same(&self, file: &File, now: Known) -> std::io::Result<bool> {
        let Some(known) = self.known else { return Ok(true) };
        let moved = (known.device, known.inode) != (now.device, now.inode);
        let rewritten = known.size == now.size && known.modified_ns != now.modified_ns;
        if moved || rewritten || now.size < known.size {
            return Ok(false);
        }
        let (head, tail) = &self.marks;
        let mut bytes = [0; MARK];
        for (mark, at) in [(head, 0), (tail, self.read - tail.len() as u64)] {
            let bytes = &mut bytes[..mark.len()];
            match file.read_exact_at(bytes, at) {
                Ok(()) if bytes == &mark[..] => {}
                Ok(()) => return Ok(false),
                Err(cause) if cause.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(false),
                Err(cause) => return Err(cause),
            }
        }
        Ok(true)
    }
}

fn told(of: &FileFacts, key: String, at: usize, medium: &Medium) -> RunMedium {
    let place = match &medium.at {
        At::Bytes { range, form } => MediumPlace::Bytes(range.clone(), *form),
        At::File(path) => MediumPlace::File(path.clone()),
        At::Json(_) => MediumPlace::Listed(at),
    };
    let (kind, index, step, wall_ms, size) =
        (medium.kind, medium.index, medium.step, medium.wall_ms, medium.size);
    RunMedium { kind, key, index, step, wall_ms, size, file: of.path.clone(), place }
}

fn weight(medium: &Medium) -> usize {
    let own = match &medium.at {
        At::Bytes { .. } => 0,
        At::File(text) | At::Json(text) => text.len(),
    };
    size_of::<Medium>() + medium.key.len() + own
}

/// Opens a regular file, and says what it is. Opening a pipe that took its place does not wait.
fn open(path: &Path) -> Result<(File, Known)> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map(File::from);
    let file = opened.map_err(|cause| match cause {
        rustix::io::Errno::NOENT => gone(path),
        cause => Error::path("open", path, &cause.into()),
    })?;
    let meta = file.metadata().map_err(|cause| Error::path("look at", path, &cause))?;
    if !meta.is_file() {
        return Err(Error::new(ErrorKind::Path, format!("{} is no regular file any more", path.display())));
    }
    Ok((file, Known::of(&meta)))
}

fn gone(path: &Path) -> Error {
    Error::new(ErrorKind::NotFound, format!("{} is no longer there", path.display()))
        .in_field("file")
        .hint("It was moved or removed since it was listed.")
}

fn rewritten(path: &Path, why: &str) -> Error {
    let message = format!("{} was written anew since it was listed: {why}", path.display());
    Error::new(ErrorKind::Path, message)
        .in_field("file")
        .hint("Open the run once more to see what is in it now.")
}

/// The bytes of a place.
fn bytes_of(
    (file, now): &(File, Known),
    path: &Path,
    range: &std::ops::Range<u64>,
    most: u64,
) -> Result<Vec<u8>> {
    let length = range.end.checked_sub(range.start).filter(|length| *length <= most);
    let Some(length) = length.and_then(|length| usize::try_from(length).ok()) else {
        return Err(Error::invalid("place", format!("a place has 0 to {most} bytes")));
    };
    if range.end > now.size {
        return Err(rewritten(path, "it is shorter"));
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, range.start).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::UnexpectedEof => rewritten(path, "it is shorter"),
        _ => Error::path("read", path, &cause),
    })?;
    Ok(bytes)
}

fn histogram_at(
    opened: &(File, Known),
    path: &Path,
    range: &std::ops::Range<u64>,
    form: Form,
) -> Result<Histogram> {
    let bytes = bytes_of(opened, path, range, MAX_HISTOGRAM)?;
    Histogram::read(&bytes, form).map_err(|why| rewritten(path, &format!("where a histogram was, {why}")))
}

impl Engine {
    /// Images and histograms of a run: as many as are known after a moment's look through its files.
    ///
    /// # Errors
    /// There is no such run, or the store can't be read. What can't be read of its files is told in the page.
    pub async fn run_media(&self, uid: &str, wanted: MediaWanted) -> Result<MediaPage> {
        let run = self.runs().store().find_run(uid).await?;
        let files = media_files(self.runs().store(), run.id).await?;
        let listings = self.listings().clone();
        tokio::task::spawn_blocking(move || page(&listings, &files, &wanted)).await.map_err(Error::from)
    }

    /// An image of a run, as it is stored.
    ///
    /// # Errors
    /// There is no such run, the file is none of its files, is gone, can't be read or holds no image there any more.
    pub async fn run_image(&self, uid: &str, file: &str, place: &MediumPlace) -> Result<RunImage> {
        let of = self.media_file(uid, file).await?;
        let (path, bytes) = match place {
            MediumPlace::File(inside) => {
                let most = usize::try_from(MAX_PICTURE).unwrap_or(usize::MAX);
                let piece = self.read_file(uid, inside, LogPart::From(0, most)).await?;
                if piece.state.size > MAX_PICTURE {
                    let message = format!("{inside} has more than the {MAX_PICTURE} bytes that are shown");
                    return Err(Error::new(ErrorKind::Path, message).in_field("place"));
                }
                (PathBuf::from(inside), piece.bytes)
            }
            MediumPlace::Bytes(range, Form::Picture) => {
                let (path, range) = (PathBuf::from(of.path), range.clone());
                let read =
                    move || bytes_of(&open(&path)?, &path, &range, MAX_PICTURE).map(|bytes| (path, bytes));
                tokio::task::spawn_blocking(read).await??
            }
            MediumPlace::Bytes(..) | MediumPlace::Listed(_) => {
                return Err(Error::invalid("place", "there is no image at such a place"));
            }
        };
        let (encoding, size) = match picture(&bytes) {
            Ok(found) => (found.encoding, found.size),
            Err(why) => return Err(rewritten(&path, &format!("where an image was, {why}"))),
        };
        Ok(RunImage { encoding, size, bytes })
    }

    /// A histogram of a run.
    ///
    /// # Errors
    /// As for [`Engine::run_image`].
    pub async fn run_histogram(&self, uid: &str, file: &str, place: &MediumPlace) -> Result<Histogram> {
        let of = self.media_file(uid, file).await?;
        let (listings, place) = (self.listings().clone(), place.clone());
        let read = move || match place {
            MediumPlace::Bytes(range, form) if form != Form::Picture => {
                let path = Path::new(&of.path);
                histogram_at(&open(path)?, path, &range, form)
            }
            MediumPlace::Listed(at) => listed_at(&listings, &of, at),
            MediumPlace::Bytes(..) | MediumPlace::File(_) => {
                Err(Error::invalid("place", "there is no histogram at such a place"))
            }
        };
        tokio::task::spawn_blocking(read).await?
    }

    /// Histograms of one name over steps, at most so many, which are chosen evenly: the first and the last are among
    /// them.
    ///
    /// # Errors
    /// There is no such run, or the store can't be read.
    pub async fn run_histograms(&self, uid: &str, key: &str, most: usize) -> Result<RunHistograms> {
        let run = self.runs().store().find_run(uid).await?;
        let files = media_files(self.runs().store(), run.id).await?;
        let (listings, key) = (self.listings().clone(), key.to_owned());
        tokio::task::spawn_blocking(move || histograms(&listings, &files, key, most))
            .await
            .map_err(Error::from)
    }

    /// A file of a run that may hold media.
    async fn media_file(&self, uid: &str, file: &str) -> Result<FileFacts> {
        let run = self.runs().store().find_run(uid).await?;
        let files = media_files(self.runs().store(), run.id).await?;
        files.into_iter().find(|of| of.path == file).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("{file} is no file of {} with images or histograms", run.name),
            )
            .in_field("file")
            .hint(format!("“athanor runs media {}” lists what there is.", run.uid))
        })
    }
}

/// The files of a run with images or histograms in them, in the order in which they are read.
async fn media_files(store: &RunStore, run: i64) -> Result<Vec<FileFacts>> {
    let mut files = store.files_of_run(run).await?;
    files.retain(|file| {
        let others: Vec<Other> = serde_json::from_str(&file.others).unwrap_or_default();
        let shown = |other: &Other| other.kind.contains("image") || other.kind.contains("histogram");
        file.role == "metrics" && others.iter().any(shown)
    });
    Ok(files)
}

fn page(listings: &Listings, files: &[FileFacts], wanted: &MediaWanted) -> MediaPage {
    let until = Instant::now() + WALK;
    let mut page = MediaPage { done: true, ..MediaPage::default() };
    let mut weights = Vec::new();
    for (of, held) in files.iter().zip(listings.of(files)) {
        let mut listing = lock(&held);
        // Where the time is over, what is known of the others counts.
        if Instant::now() < until
            && let Err(error) = listing.go_on(of, until)
        {
            page.problems.push((of.path.clone(), error.to_string()));
            continue;
        }
        page.done &= listing.is_done();
        page.cut |= listing.full;
        page.size += listing.known.map_or(of.size.unsigned_abs(), |known| known.size);
        page.read += listing.read;
        let mut here = 0;
        for ((kind, key), count) in &listing.groups {
            let key = format!("{}{key}", of.prefix);
            if wanted.includes(*kind, &key) {
                here += count;
            }
            *page.groups.entry((*kind, key)).or_default() += count;
        }
        let skip = wanted.after.saturating_sub(page.total);
        let room = wanted.limit - page.items.len();
        if here > skip && room > 0 {
            let prefixed = |medium: &Medium| format!("{}{}", of.prefix, medium.key);
            let asked = listing.media.iter().enumerate().map(|(at, medium)| (prefixed(medium), at, medium));
            let asked = asked.filter(|(key, _, medium)| wanted.includes(medium.kind, key));
            let items = asked.skip(skip).take(room).map(|(key, at, medium)| told(of, key, at, medium));
            page.items.extend(items);
        }
        page.total += here;
        weights.push((PathBuf::from(&of.path), listing.weight));
    }
    listings.settle(&weights);
    page
}

fn histograms(listings: &Listings, files: &[FileFacts], key: String, most: usize) -> RunHistograms {
    let wanted =
        MediaWanted { kind: Some(MediumKind::Histogram), key: Some(key), after: 0, limit: usize::MAX };
    let mut all = page(listings, files, &wanted).items;
    // Of equals the later one counts, as for points.
    all.reverse();
    all.sort_by(|a, b| a.step.total_cmp(&b.step));
    all.dedup_by(|later, kept| later.step == kept.step);
    let (total, most) = (all.len(), most.max(1));
    let chosen: BTreeSet<usize> = match total <= most {
        true => (0..total).collect(),
        false => {
            (0..most).map(|i| if most == 1 { total - 1 } else { i * (total - 1) / (most - 1) }).collect()
        }
    };
    let mut opened: BTreeMap<String, Option<(File, Known)>> = BTreeMap::new();
    let mut out = RunHistograms { total, ..RunHistograms::default() };
    for (_, medium) in all.into_iter().enumerate().filter(|(at, _)| chosen.contains(at)) {
        let path = Path::new(&medium.file);
        let read = match &medium.place {
            MediumPlace::Bytes(range, form) => {
                let file = opened.entry(medium.file.clone()).or_insert_with(|| open(path).ok());
                file.as_ref().and_then(|file| histogram_at(file, path, range, *form).ok())
            }
            MediumPlace::Listed(at) => {
                let of = files.iter().find(|of| of.path == medium.file);
                of.and_then(|of| {
                    let held = listings.of(std::slice::from_ref(of));
                    let listing = lock(&held[0]);
                    listing.media.get(*at).and_then(|found| listed_histogram(of, found).ok())
                })
            }
            MediumPlace::File(_) => None,
        };
        match read {
            Some(histogram) => out.columns.push((medium, histogram)),
            None => out.unread += 1,
        }
    }
    out
}

/// The histogram that was listed as the so-manieth of a file.
fn listed_at(listings: &Listings, of: &FileFacts, at: usize) -> Result<Histogram> {
    let held = listings.of(std::slice::from_ref(of));
    let mut listing = lock(&held[0]);
    while listing.media.len() <= at {
        let before = listing.read;
        listing.go_on(of, Instant::now())?;
        if listing.read == before {
            return Err(rewritten(Path::new(&of.path), "it holds less"));
        }
    }
    listed_histogram(of, &listing.media[at])
}

fn listed_histogram(of: &FileFacts, medium: &Medium) -> Result<Histogram> {
    let path = Path::new(&of.path);
    match &medium.at {
        At::Json(json) => Histogram::read_json(json).map_err(|why| {
            Error::new(ErrorKind::Path, format!("a histogram in {} can’t be read: {why}", path.display()))
        }),
        At::Bytes { .. } | At::File(_) => Err(rewritten(path, "it holds something else")),
    }
}
