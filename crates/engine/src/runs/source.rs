//! One file of a run, as far as it was read: what was appended is read, nothing else.
//!
//! Reading gives [`Piece`]s, each of which is written in one transaction together with how far the file was read. The
//! encoding of blocks, which costs more than the parsing, happens here and beside it, so that whoever writes only writes.

mod blocks;
mod settings;
mod told;

pub(super) use settings::setting;

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};

use athanor_core::runs::printed::{self, Pattern};
use athanor_core::runs::{
    self, Batch, Checkpoint, Document, Fact, Issue, Member, Other, Outcome, Place, Reader, Role, Stream,
};
use athanor_core::series::{
    At, Buckets, ChunkError, ChunkWrite, Grower, Points, ROW_FAN, Summary, encode_row, median,
};
use xxhash_rust::xxh3::xxh3_128;

use blocks::{Encoded, Taken, encode_here};

use super::keeper::STALE_AFTER;
use super::tree::Stamp;
use crate::home::now_ms;
use crate::store::runs::{FileRow, KnownFile, NewSetting, Said};

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// Bytes after which what was read is written, at the next end of a buffer, while more is read. Open blocks are encoded
/// anew for each piece, so a large one is cheap; what it holds meanwhile is what bounds the memory.
const PIECE: u64 = 16 << 20;

/// Above so many bytes blocks are encoded beside the parsing.
const BESIDE: u64 = 1 << 20;

/// Threads that encode beside the one that parses.
const ENCODERS: usize = 2;

/// Bytes at the head of a file, and before the place up to which it was read, whose hashes tell that it was not
/// rewritten.
const MARK: u64 = 4096;

/// Sentences about unreadable places kept for each file; the others are counted.
const PROBLEMS: usize = 20;

/// Formats of runs whose only source of metrics is what was printed.
const PRINTED: [&str; 2] = ["printed", "job_status"];

/// How Git LFS begins a file that stands for another one.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What could not be read of a file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Problem {
    /// Where, if it is only a part.
    pub place: Option<Place>,
    /// Why: a clause.
    pub message: String,
    /// How many further places are like it.
    #[serde(default)]
    pub more: u64,
}

/// A metric of a file.
#[derive(Debug, Default)]
struct Line {
    grower: Grower,
    /// Of all points that were handed out in blocks.
    whole: Summary,
    /// How many points of the open block are in it already.
    counted: usize,
    /// It was handed out before: the store has it.
    stored: bool,
    /// Of the full blocks since the last row of them was complete, if none is missing.
    fine: Vec<Buckets>,
}

impl Line {
    /// Notes what a full block holds; makes the row that it completes.
    fn complete(&mut self, write: &mut ChunkWrite) -> Result<(), ChunkError> {
        let place = usize::try_from(write.index % ROW_FAN).unwrap_or(0);
        if place == 0 {
            self.fine.clear();
        }
        if let Some(fine) = write.fine.take().filter(|_| self.fine.len() == place) {
            self.fine.push(fine);
        }
        if self.fine.len() as u64 == ROW_FAN {
            let mut row = Buckets::default();
            self.fine.drain(..).for_each(|block| row.extend_from(&block));
            write.row = Some(encode_row(&row)?);
        }
        Ok(())
    }
}

/// A file of a run.
pub(super) struct Source {
    row: FileRow,
    path: PathBuf,
    member: Member,
    said: Said,
    problems: Vec<Problem>,
    /// How metrics are found in it, if it is a log that is read for them.
    pattern: Option<Pattern>,
    stream: Option<Box<dyn Stream>>,
    /// Bytes that the stream was fed, a partial last record included.
    fed: u64,
    /// By the reader's index; none for a name that has no points.
    lines: Vec<Option<Box<Line>>>,
    keys: Vec<String>,
}

/// A series to be written on.
#[derive(Debug)]
pub(super) struct Written {
    pub name: String,
    pub position: u32,
    pub blocks: Vec<ChunkWrite>,
    /// Of all its points.
    pub summary: Summary,
    /// The store has nothing of it yet.
    pub fresh: bool,
    /// Its median, where all points are at hand.
    pub median: Option<At>,
}

/// What is to be written together.
#[derive(Debug)]
pub(super) struct Piece {
    /// The file as it will be known.
    pub row: FileRow,
    pub series: Vec<Written>,
    /// Settings; `None` if it said nothing of them.
    pub settings: Option<Vec<NewSetting>>,
    /// They replace what the file said before.
    pub settings_anew: bool,
    /// It said something of the run as a whole that it had not said before.
    pub said_more: bool,
    /// What becomes of the points that earlier generations of the file had.
    pub before: Before,
    /// There is more to read.
    pub more: bool,
}

/// What becomes of the points of earlier generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// There are none, or it is not known yet.
    Stays,
    /// All of the file has been read: those that it holds again go, and others stay as an earlier segment.
    Compare,
    /// They go: they were read to an end that was none.
    Goes,
}

/// A stored series: name, the reader's index, summary, and its last block.
pub(super) type Stored = Vec<(String, u32, Summary, Option<(u64, Points)>)>;

/// Stands in the place of the hashes where the last line was taken without its end.
const TAKEN_EARLY: &[u8] = b"early";

fn hash(file: &mut File, from: u64, len: u64) -> io::Result<[u8; 16]> {
    let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.seek(SeekFrom::Start(from))?;
    file.take(len).read_to_end(&mut bytes)?;
    Ok(xxh3_128(&bytes).to_be_bytes())
}

/// Nanoseconds since the epoch at which a file was last written, by its file system's clock.
pub(super) fn modified_ns(meta: &Metadata) -> i64 {
    meta.mtime().saturating_mul(1_000_000_000).saturating_add(meta.mtime_nsec())
}

impl Source {
    /// From what the store has of it. `folder` is the run's.
    pub fn resume(row: FileRow, folder: &Path, stored: Stored) -> Self {
        let role = match row.known.role.as_str() {
            "metrics" => Role::Metrics,
            "config" => Role::Config,
            "meta" => Role::Meta,
            "copy" => Role::Copy,
            _ => Role::Log,
        };
        let path = PathBuf::from(&row.known.path);
        // What describes several runs lies above them; its name is all that matters then.
        let own = path.strip_prefix(folder).ok().or_else(|| path.file_name().map(Path::new));
        let own = own.map(|own| own.to_string_lossy().into_owned()).unwrap_or_default();
        let mut lines = Vec::new();
        for (_, position, whole, last) in stored {
            let Some((index, points)) = last else { continue };
            let counted = points.len();
            let Ok(grower) = Grower::resume(index, points) else { continue };
            let counted = if grower.tail().is_empty() { 0 } else { counted };
            *slot(&mut lines, position) =
                Some(Box::new(Line { grower, whole, counted, stored: true, fine: Vec::new() }));
        }
        Self {
            member: Member::new(own, role).prefixed(row.known.prefix.clone()),
            said: serde_json::from_str(&row.facts).unwrap_or_default(),
            problems: serde_json::from_str(&row.problems).unwrap_or_default(),
            keys: serde_json::from_str(&row.keys).unwrap_or_default(),
            path,
            row,
            pattern: None,
            stream: None,
            fed: 0,
            lines,
        }
    }

    /// The same, read for metrics by a pattern if it is a log whose run has no other source of them.
    #[must_use]
    pub fn printing(mut self, pattern: Option<Pattern>) -> Self {
        let alone = PRINTED.contains(&self.row.known.format.as_str());
        self.pattern = pattern.filter(|_| alone && self.member.role == Role::Log);
        self
    }

    /// The file's key in the store.
    pub fn id(&self) -> i64 {
        self.row.known.id
    }

    /// Bytes of it that were read.
    pub fn offset(&self) -> u64 {
        self.row.offset.cast_unsigned()
    }

    /// How the file was when it was last read to its end.
    pub fn stamp(&self) -> Stamp {
        let KnownFile { device, inode, size, modified_ns, .. } = self.row.known;
        Stamp { device, inode, size, modified_ns }
    }

    /// When it was last seen to change, UTC milliseconds; `None` if it was found changed.
    pub fn noticed(&self) -> Option<i64> {
        self.said.noticed
    }

    /// Why nothing of it is read.
    pub fn refusal(&self) -> Option<&str> {
        self.row.refused.as_deref()
    }

    /// Notes why it can't be read.
    pub fn refuse(&mut self, why: String) -> FileRow {
        self.row.refused = Some(why);
        self.row.clone()
    }

    /// Bytes that it takes in memory, about.
    pub fn weight(&self) -> usize {
        let of = |line: &Line| {
            line.grower.tail().len() * 24 + line.fine.iter().map(Buckets::weight).sum::<usize>() + 400
        };
        let tails: usize = self.lines.iter().flatten().map(|line| of(line)).sum();
        tails + self.lines.len() * 8 + self.row.state.len() * 3 + 1000
    }

    /// Reads what is new, up to about [`PIECE`] bytes; `None` if nothing is. `at_rest`: it is not being written any more, so
    /// that a last line without an end is one. `live`: what has changed did so just now. Blocks on the disk.
    ///
    /// # Errors
    /// It can't be read. After an error the source is to be made anew from the store.
    pub fn read(&mut self, at_rest: bool, live: bool) -> io::Result<Option<Piece>> {
        let early = self.row.prefix_hash == TAKEN_EARLY;
        // A partial last record waits for more, or for the time when the file is at rest.
        let size = self.row.known.size;
        let waits = self.row.offset < size && !early && self.said.cut != Some(size);
        let read_before = self.row.generation > 0 && !(at_rest && waits);
        if read_before && Stamp::of(&self.path) == Some(self.stamp()) {
            return Ok(None);
        }
        let mut file = File::open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file any more"));
        }
        // What is met for the first time long after it was written has nobody who would tell that it is at rest.
        let quiet_ms = now_ms() - modified_ns(&meta) / 1_000_000;
        let at_rest = at_rest || (self.row.known.modified_ns == 0 && quiet_ms > STALE_AFTER);
        let rewritten = !self.is_same(&mut file, meta.len())?;
        // A copy of it may have taken its place.
        let unchanged = self.row.known.size == meta.len().cast_signed()
            && self.row.known.modified_ns == modified_ns(&meta);
        if read_before && unchanged && !rewritten {
            return Ok(None);
        }
        if rewritten || self.row.generation == 0 {
            self.begin(&meta);
        }
        let format = runs::format(&self.row.known.format);
        let from = (self.row.generation > 0 && !self.row.state.is_empty())
            .then(|| Checkpoint { offset: self.row.offset.cast_unsigned(), state: self.row.state.clone() });
        let mut piece = Piece {
            row: self.row.clone(),
            series: Vec::new(),
            settings: None,
            settings_anew: false,
            said_more: rewritten,
            before: if early && rewritten { Before::Goes } else { Before::Stays },
            more: false,
        };
        let reader = match self.stream.take() {
            Some(stream) => Some(Reader::Stream(stream)),
            None => {
                let reader = match &self.pattern {
                    Some(pattern) => {
                        Some(Reader::Stream(printed::stream(pattern, &self.member.prefix, from.as_ref())))
                    }
                    None => format.map(|format| format.reader(&self.member, from.as_ref())),
                };
                if let Some(Reader::Stream(stream)) = &reader {
                    self.fed = stream.offset();
                }
                reader
            }
        };
        match reader {
            Some(Reader::Stream(stream)) => self.read_stream(file, &meta, stream, at_rest, &mut piece)?,
            Some(Reader::Document(document)) => self.read_document(file, &*document, &mut piece)?,
            _ => self.glance(file)?,
        }
        let modified = Some(modified_ns(&meta) / 1_000_000);
        if self.said.modified != modified {
            self.said.modified = modified;
            // The clock of a file server may be minutes away from ours: what was seen needs none.
            self.said.noticed = live.then(now_ms);
        }
        if !piece.more {
            self.row.known.device = meta.dev().cast_signed();
            self.row.known.inode = meta.ino().cast_signed();
            self.row.known.size = meta.len().cast_signed();
            self.row.known.modified_ns = modified_ns(&meta);
            if self.row.generation > 1 && piece.before == Before::Stays {
                piece.before = Before::Compare;
            }
        }
        self.row.facts = serde_json::to_string(&self.said).unwrap_or_else(|_| "{}".into());
        self.row.problems = serde_json::to_string(&self.problems).unwrap_or_else(|_| "[]".into());
        piece.row = self.row.clone();
        Ok(Some(piece))
    }

    /// Whether the file still begins with what was read of it.
    fn is_same(&self, file: &mut File, size: u64) -> io::Result<bool> {
        let unread = matches!(self.member.role, Role::Log | Role::Copy) && self.pattern.is_none();
        if self.row.generation == 0 || unread {
            return Ok(true);
        }
        let offset = self.row.offset.cast_unsigned();
        if size < offset {
            return Ok(false);
        }
        if self.row.prefix_hash == TAKEN_EARLY {
            return Ok(size == self.row.known.size.cast_unsigned());
        }
        let Ok(marks) = <[u8; 32]>::try_from(self.row.prefix_hash.as_slice()) else { return Ok(false) };
        let head = self.row.prefix_len.cast_unsigned();
        let before = offset.min(MARK);
        Ok(hash(file, 0, head)? == marks[..16] && hash(file, offset - before, before)? == marks[16..])
    }

    /// Reads from the beginning: a new file, or one that was rewritten.
    fn begin(&mut self, meta: &Metadata) {
        self.row.generation += 1;
        self.row.offset = 0;
        self.row.state.clear();
        self.row.prefix_hash.clear();
        self.row.known.device = meta.dev().cast_signed();
        self.row.known.inode = meta.ino().cast_signed();
        self.row.refused = None;
        self.stream = None;
        self.lines.clear();
        self.keys.clear();
        self.problems.clear();
        let born = meta.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let born = born.and_then(|since| i64::try_from(since.as_millis()).ok());
        // A copy of an old run was born when it was copied.
        let born = born.map(|born| born.min(modified_ns(meta) / 1_000_000));
        let host = runs::host_of_events(self.member.name()).map(str::to_owned);
        self.said = Said { born: self.said.born.or(born), host, ..Said::default() };
    }

    /// A file that only repeats another one, or that is a log: it is opened, no more.
    fn glance(&mut self, file: File) -> io::Result<()> {
        let mut head = Vec::new();
        if self.member.role == Role::Copy {
            file.take(LFS.len() as u64).read_to_end(&mut head)?;
        }
        self.row.refused = (head == LFS).then(lfs);
        self.row.offset = 0;
        self.row.prefix_hash = TAKEN_EARLY.to_vec();
        Ok(())
    }

    fn read_document(&mut self, file: File, document: &dyn Document, piece: &mut Piece) -> io::Result<()> {
        // It is replaced as a whole: what it held is compared with what it holds.
        if self.row.generation > 0 && self.row.offset > 0 {
            let meta = file.metadata()?;
            self.begin(&meta);
        }
        let (mut bytes, limit) = (Vec::new(), document.limit());
        file.take(limit + 1).read_to_end(&mut bytes)?;
        self.row.prefix_hash = TAKEN_EARLY.to_vec();
        self.row.offset = bytes.len().cast_signed() as i64;
        if bytes.len() as u64 > limit {
            let mib = limit >> 20;
            self.row.refused =
                Some(format!("it has more than {mib} MiB, the most that such a file may have"));
            return Ok(());
        }
        if bytes.starts_with(LFS) {
            self.row.refused = Some(lfs());
            return Ok(());
        }
        let mut contents = document.read(&bytes);
        self.keys = std::mem::take(&mut contents.keys);
        self.row.refused = match contents.outcome {
            Outcome::Refused(why) => Some(why),
            Outcome::Waiting if !bytes.is_empty() => {
                Some("it breaks off in the middle, as a file does that is being written".into())
            }
            Outcome::Waiting | Outcome::Fits => None,
        };
        let mut full = Vec::new();
        self.take_facts(&mut contents.batch, piece, true);
        self.take_points(&contents.batch, &mut |block| full.push(block));
        let blocks = encode_here(full)?;
        self.hand_out(blocks, piece)?;
        piece.before = Before::Compare;
        self.row.keys = serde_json::to_string(&self.keys).unwrap_or_else(|_| "[]".into());
        Ok(())
    }

    fn read_stream(
        &mut self,
        mut file: File,
        meta: &Metadata,
        mut stream: Box<dyn Stream>,
        at_rest: bool,
        piece: &mut Piece,
    ) -> io::Result<()> {
        if self.fed == 0 && self.row.offset > 0 {
            // Another version wrote the checkpoint: all of it is read anew.
            self.begin(meta);
            piece.before = Before::Goes;
        }
        file.seek(SeekFrom::Start(self.fed))?;
        let left = meta.len().saturating_sub(self.fed);
        let (blocks, read, ended) = if left < BESIDE {
            let mut full = Vec::new();
            let (read, ended) = self.parse(&mut file, &mut *stream, piece, &mut |block| full.push(block))?;
            (encode_here(full)?, read, ended)
        } else {
            self.parse_beside(&mut file, &mut *stream, piece)?
        };
        piece.more = !ended;
        self.fed += read;
        let checkpoint = stream.checkpoint();
        let mut marks = [0; 32];
        let head = checkpoint.offset.min(MARK);
        marks[..16].copy_from_slice(&hash(&mut file, 0, head)?);
        marks[16..].copy_from_slice(&hash(&mut file, checkpoint.offset - head, head)?);
        self.row.prefix_hash = marks.to_vec();
        self.row.prefix_len = head.cast_signed();
        self.row.offset = checkpoint.offset.cast_signed();
        self.row.state = checkpoint.state;
        let mut blocks = blocks;
        let partial = ended && at_rest && checkpoint.offset < self.fed;
        if partial {
            let mut rest = Batch::default();
            stream.finish(&mut rest);
            if rest.issues.is_empty() && !rest.readings.is_empty() {
                self.sync_keys(&*stream);
                let mut full = Vec::new();
                self.take_facts(&mut rest, piece, false);
                self.take_points(&rest, &mut |block| full.push(block));
                blocks.extend(encode_here(full)?);
                self.row.prefix_hash = TAKEN_EARLY.to_vec();
                self.row.offset = self.fed.cast_signed();
            } else {
                self.said.cut = Some(self.fed.cast_signed());
            }
        }
        self.sync_keys(&*stream);
        self.hand_out(blocks, piece)?;
        self.row.refused = match stream.outcome() {
            Outcome::Refused(why) => Some(why),
            Outcome::Waiting | Outcome::Fits => None,
        };
        let others: Vec<Other> = stream.others();
        self.row.others = serde_json::to_string(&others).unwrap_or_else(|_| "[]".into());
        self.row.keys = serde_json::to_string(&self.keys).unwrap_or_else(|_| "[]".into());
        // One that was told of an end reads no more.
        if !partial {
            self.stream = Some(stream);
        }
        Ok(())
    }

    /// Feeds the reader; returns how many bytes, and whether the end of the file was reached.
    fn parse(
        &mut self,
        file: &mut File,
        stream: &mut dyn Stream,
        piece: &mut Piece,
        full: &mut dyn FnMut(Taken),
    ) -> io::Result<(u64, bool)> {
        let mut buffer = vec![0; BUFFER];
        let mut read = 0;
        let mut batch = Batch::default();
        while read < PIECE {
            let length = match file.read(&mut buffer) {
                Ok(length) => length,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause),
            };
            if length == 0 {
                return Ok((read, true));
            }
            if read == 0 && self.row.offset == 0 && buffer[..length].starts_with(LFS) {
                self.row.refused = Some(lfs());
            }
            read += length as u64;
            stream.push(&buffer[..length], &mut batch);
            self.take_facts(&mut batch, piece, false);
            self.take_points(&batch, full);
            batch.readings.clear();
            if let Outcome::Refused(_) = stream.outcome() {
                return Ok((read, true));
            }
        }
        Ok((read, false))
    }

    /// As [`Source::parse`], with blocks encoded on other threads meanwhile.
    fn parse_beside(
        &mut self,
        file: &mut File,
        stream: &mut dyn Stream,
        piece: &mut Piece,
    ) -> io::Result<(Vec<Encoded>, u64, bool)> {
        // A few blocks wait at most: whoever parses faster than others encode encodes, too.
        let (sender, receiver) = mpsc::sync_channel::<Taken>(4 * ENCODERS);
        let receiver = Mutex::new(receiver);
        std::thread::scope(|scope| {
            let encode = || {
                let mut done = Vec::new();
                loop {
                    let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(taken) = next else { return done };
                    done.push(taken.encode());
                }
            };
            let beside: Vec<_> = (0..ENCODERS).map(|_| scope.spawn(encode)).collect();
            let mut here = Vec::new();
            let parsed = self.parse(file, stream, piece, &mut |taken| match sender.try_send(taken) {
                Ok(()) => {}
                Err(mpsc::TrySendError::Full(taken) | mpsc::TrySendError::Disconnected(taken)) => {
                    here.push(taken.encode());
                }
            });
            drop(sender);
            let mut all = here;
            for thread in beside {
                all.extend(thread.join().map_err(|_| io::Error::other("a thread that encodes ended"))?);
            }
            let all = all.into_iter().collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
            let (read, ended) = parsed?;
            Ok((all, read, ended))
        })
    }

    fn sync_keys(&mut self, stream: &dyn Stream) {
        if stream.keys().len() > self.keys.len() {
            self.keys.extend_from_slice(&stream.keys()[self.keys.len()..]);
        }
    }

    fn take_points(&mut self, batch: &Batch, full: &mut dyn FnMut(Taken)) {
        for reading in &batch.readings {
            let line = slot(&mut self.lines, reading.key).get_or_insert_default();
            if let Some(wall) = reading.point.wall_ms
                && self.said.first_point.is_none_or(|first| wall < first)
                && wall > 0
            {
                self.said.first_point = Some(wall);
            }
            if let Some(block) = line.grower.push(reading.point) {
                let counted = std::mem::take(&mut line.counted);
                full(Taken { position: reading.key, counted, block });
            }
        }
    }

    fn take_facts(&mut self, batch: &mut Batch, piece: &mut Piece, anew: bool) {
        if anew {
            piece.settings = Some(Vec::new());
            piece.settings_anew = true;
        }
        for fact in batch.facts.drain(..) {
            match fact {
                Fact::Config { key, value } => {
                    piece.settings.get_or_insert_default().push(setting(key, &value));
                    continue;
                }
                Fact::Name(name) => self.said.name = Some(name),
                Fact::Project(project) => self.said.project = Some(project),
                Fact::Group(group) => self.said.group = Some(group),
                Fact::Tag(tag) => {
                    if !self.said.tags.contains(&tag) {
                        self.said.tags.push(tag);
                    }
                }
                Fact::Notes(notes) => self.said.notes = Some(notes),
                Fact::Started(at) => self.said.started = Some(at),
                Fact::Ended(at) => self.said.ended = Some(at),
                Fact::End(end) => self.said.end = Some(end),
                Fact::Total(total) => self.said.total = Some(total),
                Fact::Commit(commit) => self.said.commit = Some(commit),
            }
            piece.said_more = true;
        }
        for Issue { place, message } in batch.issues.drain(..) {
            if self.problems.len() < PROBLEMS {
                self.problems.push(Problem { place: Some(place), message, more: 0 });
            } else if let Some(last) = self.problems.last_mut() {
                last.more += 1;
            }
        }
    }

    /// Puts blocks, and the open ones that grew, into the piece.
    fn hand_out(&mut self, mut blocks: Vec<Encoded>, piece: &mut Piece) -> io::Result<()> {
        let mut medians = Vec::new();
        for (position, line) in (0..).zip(&mut self.lines) {
            let Some(line) = line else { continue };
            if let Some(block) = line.grower.open() {
                if block.index == 0 {
                    medians.push((position, median(&block.points)));
                }
                let counted = std::mem::replace(&mut line.counted, block.points.len());
                let open = Taken { position, counted, block };
                blocks.push(open.encode().map_err(io::Error::other)?);
            }
        }
        blocks.sort_by_key(|block| (block.position, block.write.index));
        let mut medians = medians.into_iter().peekable();
        for mut block in blocks {
            let Some(line) = slot(&mut self.lines, block.position) else { continue };
            line.complete(&mut block.write).map_err(io::Error::other)?;
            line.whole = line.whole.merge(&block.fresh);
            let named = piece.series.last().is_some_and(|last| last.position == block.position);
            if !named {
                let name = self.keys.get(block.position as usize).cloned().unwrap_or_default();
                let fresh = !std::mem::replace(&mut line.stored, true);
                let median = medians.next_if(|(of, _)| *of == block.position).and_then(|(_, median)| median);
                let (position, summary) = (block.position, Summary::default());
                piece.series.push(Written { name, position, blocks: Vec::new(), summary, fresh, median });
            }
            let Some(series) = piece.series.last_mut() else { continue };
            series.summary = line.whole;
            series.blocks.push(block.write);
        }
        Ok(())
    }
}

/// The place of a metric, made if it is not there.
fn slot(lines: &mut Vec<Option<Box<Line>>>, position: u32) -> &mut Option<Box<Line>> {
    let at = position as usize;
    if at >= lines.len() {
        lines.resize_with(at + 1, || None);
    }
    &mut lines[at]
}

fn lfs() -> String {
    "Git LFS has not fetched it; run “git lfs pull” there".into()
}
