//! What a file of a run says, and the machines that find out.

use serde::{Deserialize, Serialize};

use super::database::Tables;
use crate::series::Point;
use crate::sweep::Scalar;

/// How a file is read.
pub enum Reader {
    /// It grows: appended bytes alone are read.
    Stream(Box<dyn Stream>),
    /// It is written anew as a whole: it is read as a whole, when it has changed.
    Document(Box<dyn Document>),
    /// It is a database that holds many runs, and is asked for the rows that are new.
    Database(Box<dyn Tables>),
    /// Nothing in it is of interest beyond its being there ([`super::Role::Copy`], logs).
    Nothing,
}

/// Reads a file that grows, fed its bytes as they arrive, cut anywhere.
///
/// For any way of cutting, and for going on from a checkpoint taken at any moment, the points, facts and issues are the
/// same. No input makes it panic, and what it keeps between two calls is bounded.
pub trait Stream: Send {
    /// Takes the next bytes and adds what they complete to `out`. After [`Outcome::Refused`] they are passed over.
    fn push(&mut self, bytes: &[u8], out: &mut Batch);

    /// Takes what is left as complete. Only for a file that will not grow any more: `0.5` may be the beginning of
    /// `0.52`. Whoever wants to feed more later goes on from a checkpoint taken before.
    fn finish(&mut self, out: &mut Batch);

    /// Bytes consumed, up to the end of the last complete record.
    fn offset(&self) -> u64;

    /// What to store beside the points read so far, in the same transaction. The next bytes to push to the reader that
    /// is made from it are those from its offset on.
    fn checkpoint(&self) -> Checkpoint;

    /// What the file has shown itself to be.
    fn outcome(&self) -> Outcome;

    /// Names of the metrics by the index in [`Reading::key`]. Names are only ever added, also across checkpoints.
    fn keys(&self) -> &[String];

    /// What was found beside points and is not read, so far: images, histograms, text.
    fn others(&self) -> Vec<Other> {
        Vec::new()
    }
}

/// Values of one name that are no points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Other {
    /// What they are, in the words of the file's format: `images`, `histograms`, `text`, `table`.
    pub kind: String,
    /// Their name.
    pub key: String,
    /// How many there are.
    pub count: u64,
}

/// Reads a file that is replaced as a whole.
pub trait Document: Send {
    /// The most bytes that such a file may have; a larger one is refused unread.
    fn limit(&self) -> u64;

    /// Reads all of it.
    fn read(&self, bytes: &[u8]) -> Contents;
}

/// All that must be remembered to go on reading a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Bytes consumed, up to the end of the last complete record.
    pub offset: u64,
    /// The reader's own state. It says itself which reader wrote it.
    pub state: Vec<u8>,
}

/// What a document holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// What it has shown itself to be: [`Outcome::Waiting`] when it breaks off in the middle, as a file does that is
    /// being written; then there may be some of its contents.
    pub outcome: Outcome,
    /// Names of the metrics by the index in [`Reading::key`].
    pub keys: Vec<String>,
    /// What it says.
    pub batch: Batch,
}

/// How far the reading of a file has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Too little of it is there to tell.
    #[default]
    Waiting,
    /// It is what its reader reads.
    Fits,
    /// It is not, for this reason: a clause that can follow a file name. Final, the rest of the file is passed over.
    Refused(String),
}

/// What bytes gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Batch {
    /// Points in the order of the file.
    pub readings: Vec<Reading>,
    /// What is said about the run beside its metrics.
    pub facts: Vec<Fact>,
    /// Records that gave nothing, or less than they should.
    pub issues: Vec<Issue>,
}

impl Batch {
    /// Adds a point. One without a finite position is left out: it has no place in a series.
    pub fn point(&mut self, key: u32, step: f64, value: f64, wall_ms: Option<i64>) {
        if step.is_finite() {
            self.readings.push(Reading { key, point: Point { step, value, wall_ms } });
        }
    }
}

/// One point of one metric. An epoch that stands beside a step is a metric of its own, named `epoch`.
#[derive(Debug, Clone, Copy)]
pub struct Reading {
    /// Index in [`Stream::keys`].
    pub key: u32,
    /// Position, value and time.
    pub point: Point,
}

impl PartialEq for Reading {
    /// Bit by bit, so that NaN equals itself.
    fn eq(&self, other: &Self) -> bool {
        let bits = |reading: &Self| {
            (reading.key, reading.point.step.to_bits(), reading.point.value.to_bits(), reading.point.wall_ms)
        };
        bits(self) == bits(other)
    }
}

/// What a file says about its run.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A hyperparameter or another setting.
    Config {
        /// Dotted: `optimizer.lr`, items of lists by their index.
        key: String,
        /// What it was set to.
        value: Scalar,
    },
    /// The run's name.
    Name(String),
    /// The project or experiment that it belongs to.
    Project(String),
    /// The group (sweep, seed group) that it belongs to.
    Group(String),
    /// A tag; what is written as key and value is `key=value`.
    Tag(String),
    /// What the user wrote about it.
    Notes(String),
    /// When it started, in milliseconds since the Unix epoch.
    Started(i64),
    /// When it ended, likewise.
    Ended(i64),
    /// How it ended: the run's own end marker.
    End(End),
    /// How many steps or epochs it is meant to have, on the x axis of its metrics.
    Total(f64),
    /// The git commit of the code.
    Commit(String),
}

/// How a run ended, in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// As it should.
    Completed,
    /// With an error.
    Failed,
    /// Its user stopped it.
    Cancelled,
}

/// Something in a file that gave nothing. Reading goes on after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Where.
    pub place: Place,
    /// What is wrong there, and the consequence where it is not plain: a clause.
    pub message: String,
}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// A line, from 1.
    Line(u64),
    /// A byte, from 0.
    Byte(u64),
    /// The file as a whole.
    File,
}
