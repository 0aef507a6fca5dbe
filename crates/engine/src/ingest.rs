//! From a growing CSV file into the store: what was appended is read, nothing else; how far it was read is written
//! in the transaction of the points, so that no point is lost or doubled by a kill at any instant.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use athanor_core::csv::{Checkpoint, ColumnKind, CsvReader, Issue, IssueKind, Outcome};
use athanor_core::series::{Appender, Point, decode_chunk};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, ErrorKind, Result};
use crate::live::Latest;
use crate::store::{SourceRow, Store};

/// Bytes read in one transaction at most.
const BATCH: usize = 8 << 20;

/// Bytes at the head of a file whose hash tells that it is still the same.
const HEAD: u64 = 4096;

/// Sentences about unreadable lines kept for each file.
const PROBLEMS: usize = 20;

/// A file as it was at a moment, to tell what was appended since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    size: u64,
    head: u128,
}

impl Baseline {
    /// The file as it is now.
    pub fn of(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let size = file.metadata().ok()?.len();
        Some(Self { size, head: hash_head(&mut file, size.min(HEAD)).ok()? })
    }
}

fn hash_head(file: &mut File, len: u64) -> std::io::Result<u128> {
    let mut head = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
    file.seek(SeekFrom::Start(0))?;
    file.take(len).read_to_end(&mut head)?;
    Ok(xxh3_128(&head))
}

/// A metrics file of one attempt, as far as it was read.
pub struct Source {
    experiment: i64,
    attempt: u32,
    path: PathBuf,
    reader: CsvReader,
    identity: Option<(i64, i64)>,
    generation: i64,
    prefix: (u128, u64),
    /// Rows before this offset belong to an earlier run that wrote into the same file.
    skip_before: u64,
    problems: Vec<String>,
    refused: bool,
}

/// What reading on has given.
#[derive(Debug, Default)]
pub struct Grown {
    /// Series with new points.
    pub keys: Vec<String>,
    /// The latest value of each.
    pub latest: Vec<Latest>,
}

/// Points of one column.
struct NewPoints {
    key: String,
    column: u32,
    points: Vec<Point>,
}

struct Piece {
    source: Source,
    series: Vec<NewPoints>,
    rewritten: bool,
    more: bool,
    changed: bool,
}

impl Source {
    /// A file that was not read before.
    pub fn new(experiment: i64, attempt: u32, path: PathBuf, baseline: Option<&Baseline>) -> Self {
        let unchanged = baseline.filter(|baseline| {
            File::open(&path).and_then(|mut file| hash_head(&mut file, baseline.size.min(HEAD))).ok()
                == Some(baseline.head)
        });
        Self {
            experiment,
            attempt,
            path,
            reader: CsvReader::new(),
            identity: None,
            generation: 0,
            prefix: (0, 0),
            skip_before: unchanged.map_or(0, |baseline| baseline.size),
            problems: Vec::new(),
            refused: false,
        }
    }

    /// A file that an earlier engine read, from its row in the store.
    pub fn resume(experiment: i64, attempt: u32, row: &SourceRow) -> Self {
        let checkpoint: Option<Checkpoint> = serde_json::from_str(&row.reader).ok();
        let hash =
            <[u8; 16]>::try_from(row.prefix_hash.as_slice()).map(u128::from_be_bytes).unwrap_or_default();
        Self {
            experiment,
            attempt,
            path: row.path.clone().into(),
            reader: checkpoint.map_or_else(CsvReader::new, CsvReader::resume),
            identity: Some((row.device, row.inode)),
            generation: row.generation,
            prefix: (hash, row.prefix_len.unsigned_abs()),
            skip_before: 0,
            problems: serde_json::from_str(&row.problems).unwrap_or_default(),
            refused: false,
        }
    }

    /// Whether the file turned out to hold no metrics: it need not be looked at again.
    pub fn is_refused(&self) -> bool {
        self.refused
    }

    /// Reads what was appended, into the store. `finished` takes a last line without line end as complete.
    ///
    /// # Errors
    /// The file can't be read, or the store refuses; then the points are read again next time.
    pub async fn read_on(mut self, store: &Store, finished: bool) -> (Self, Result<Grown>) {
        let mut all = Grown::default();
        loop {
            let before = self.row();
            let (experiment, attempt) = (self.experiment, self.attempt);
            let piece = match tokio::task::spawn_blocking(move || self.read_piece(finished)).await {
                Ok(Ok(piece)) => piece,
                Ok(Err(failed)) => return (failed.0, Err(failed.1)),
                Err(error) => return (Self::resume(experiment, attempt, &before), Err(error.into())),
            };
            self = piece.source;
            if piece.changed
                && let Err(error) = self.write(store, &piece.series, piece.rewritten).await
            {
                // What was not written must be read again.
                let path = self.path.clone();
                let mut source = Self::resume(experiment, attempt, &before);
                source.path = path;
                return (source, Err(error));
            }
            for series in piece.series {
                let Some(last) = series.points.last() else { continue };
                let latest = Latest { key: series.key.clone(), value: last.value, step: last.step };
                match all.latest.iter_mut().find(|known| known.key == series.key) {
                    Some(known) => *known = latest,
                    None => all.latest.push(latest),
                }
                if !all.keys.contains(&series.key) {
                    all.keys.push(series.key);
                }
            }
            if !piece.more {
                return (self, Ok(all));
            }
        }
    }

    /// Reads at most [`BATCH`] bytes. Blocks on the disk.
    fn read_piece(mut self, finished: bool) -> std::result::Result<Piece, Box<(Self, Error)>> {
        let opened = (|| {
            let mut file = File::open(&self.path)?;
            let meta = file.metadata()?;
            let identity = (meta.dev().cast_signed(), meta.ino().cast_signed());
            let same = self.identity.is_none_or(|known| known == identity)
                && meta.len() >= self.reader.offset()
                && (self.prefix.1 == 0 || hash_head(&mut file, self.prefix.1)? == self.prefix.0);
            Ok((file, meta.len(), identity, same))
        })();
        let (mut file, size, identity, same) = match opened {
            Ok(opened) => opened,
            Err(cause) => {
                let error = Error::path("read", &self.path, &cause);
                return Err(Box::new((self, error)));
            }
        };
        let rewritten = !same;
        if rewritten {
            self.reader = CsvReader::new();
            self.generation += 1;
            self.skip_before = 0;
            self.problems.clear();
        }
        self.identity = Some(identity);
        let mut bytes = Vec::new();
        let offset = self.reader.offset();
        // What an earlier run wrote is only read for the header's sake.
        let earlier = self.skip_before > offset;
        let limit = if earlier { (self.skip_before - offset).min(BATCH as u64) } else { BATCH as u64 };
        let read = (|| {
            let prefix = size.min(HEAD);
            if rewritten || self.prefix.1 < prefix {
                self.prefix = (hash_head(&mut file, prefix)?, prefix);
            }
            file.seek(SeekFrom::Start(self.reader.offset()))?;
            Read::by_ref(&mut file).take(limit).read_to_end(&mut bytes)
        })();
        if let Err(cause) = read {
            let error = Error::path("read", &self.path, &cause);
            return Err(Box::new((self, error)));
        }
        // Feeding from the checkpoint's offset: a partial last line is fed again, whole, next time.
        let mut reader = CsvReader::resume(self.reader.checkpoint());
        let mut batch = reader.push(&bytes);
        let passed = earlier && offset + bytes.len() as u64 >= self.skip_before;
        if passed {
            self.skip_before = 0;
        }
        let more = passed || (bytes.len() as u64 == limit && reader.offset() > offset);
        if finished && !more {
            let rest = reader.finish();
            batch.rows.extend(rest.rows);
            batch.issues.extend(rest.issues);
        }
        if let Outcome::NotMetrics(_) = reader.outcome() {
            self.refused = true;
        }
        let rows = if earlier { Vec::new() } else { batch.rows };
        let mut by_column: BTreeMap<u32, NewPoints> = BTreeMap::new();
        for row in rows {
            for (column, value) in row.values {
                let kind = reader.kind(column as usize);
                if kind != ColumnKind::Metric {
                    continue;
                }
                by_column
                    .entry(column)
                    .or_insert_with(|| NewPoints {
                        key: reader
                            .columns()
                            .get(column as usize)
                            .map(|column| column.name.clone())
                            .unwrap_or_default(),
                        column,
                        points: Vec::new(),
                    })
                    .points
                    .push(Point { step: row.step, value, wall_ms: row.wall_ms });
            }
        }
        let room = PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(batch.issues.iter().filter_map(sentence).take(room));
        let changed = reader.offset() != offset || rewritten;
        self.reader = reader;
        Ok(Piece { series: by_column.into_values().collect(), rewritten, more, changed, source: self })
    }

    /// Writes points and the place up to which the file was read, together.
    async fn write(&self, store: &Store, series: &[NewPoints], rewritten: bool) -> Result<()> {
        let mut tx = store.begin_lightly().await?;
        for new in series {
            let position = i64::from(new.column);
            let id = store.ensure_series(&mut tx, self.experiment, self.attempt, &new.key, position).await?;
            let fault = |cause: &dyn std::fmt::Display| {
                Error::new(
                    ErrorKind::Damaged,
                    format!("the points of {} can't be added to: {cause}", new.key),
                )
            };
            let last = store.last_chunk(&mut tx, id).await?;
            let mut appender = match last {
                // A rewritten file that holds at least as much as before replaces what was read of it: the writer
                // added a column. One that holds less was begun anew, and follows as a segment.
                Some(last) if rewritten => {
                    let before = store.points_in(&mut tx, id).await?;
                    if new.points.len() as u64 >= before {
                        store.clear_chunks(&mut tx, id).await?;
                        Appender::new()
                    } else {
                        resume(&last).map_err(|cause| fault(&cause))?
                    }
                }
                Some(last) => resume(&last).map_err(|cause| fault(&cause))?,
                None => Appender::new(),
            };
            for write in appender.append(&new.points).map_err(|cause| fault(&cause))? {
                let number = i64::try_from(write.index).unwrap_or(i64::MAX);
                store.put_chunk(&mut tx, id, number, &write.summary.to_bytes(), &write.bytes).await?;
            }
        }
        store.put_source(&mut tx, self.experiment, self.attempt, &self.row()).await?;
        tx.commit().await?;
        Ok(())
    }

    fn row(&self) -> SourceRow {
        let (device, inode) = self.identity.unwrap_or_default();
        SourceRow {
            path: self.path.display().to_string(),
            device,
            inode,
            generation: self.generation,
            offset: i64::try_from(self.reader.offset()).unwrap_or(i64::MAX),
            prefix_hash: self.prefix.0.to_be_bytes().to_vec(),
            prefix_len: i64::try_from(self.prefix.1).unwrap_or(0),
            reader: serde_json::to_string(&self.reader.checkpoint()).unwrap_or_default(),
            problems: serde_json::to_string(&self.problems).unwrap_or_default(),
        }
    }
}

fn resume(last: &crate::store::ChunkRow) -> std::result::Result<Appender, athanor_core::series::ChunkError> {
    Appender::resume(last.number.unsigned_abs(), decode_chunk(&last.data)?)
}

fn sentence(issue: &Issue) -> Option<String> {
    let what = match &issue.kind {
        IssueKind::Ragged { expected, found } => format!("{found} cells where the header has {expected}"),
        IssueKind::NoPosition { cell } => format!("“{cell}” is no step"),
        IssueKind::UnclosedQuote => "a quote is not closed".into(),
        IssueKind::RepeatedHeader => return None,
    };
    Some(format!("Line {}: {what}", issue.line))
}
