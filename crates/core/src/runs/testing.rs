//! What every reader must hold to, for tests.

use proptest::prelude::*;

use super::{Batch, Checkpoint, Folder, Format, Member, Other, Outcome, Reader, Role, Stream};

/// All that a stream said of a file, keys by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) batch: Batch,
    pub(super) keys: Vec<String>,
    pub(super) others: Vec<Other>,
    pub(super) outcome: Outcome,
}

impl Said {
    /// Key, bits of step and of value, wall time of each point.
    pub(super) fn points(&self) -> Vec<(&str, u64, u64, Option<i64>)> {
        let point = |reading: &super::Reading| {
            let point = reading.point;
            (&*self.keys[reading.key as usize], point.step.to_bits(), point.value.to_bits(), point.wall_ms)
        };
        self.batch.readings.iter().map(point).collect()
    }

    /// The points of one key as step and value.
    pub(super) fn series(&self, key: &str) -> Vec<(f64, f64)> {
        let of_key = self.points().into_iter().filter(|point| point.0 == key);
        of_key.map(|(_, step, value, _)| (f64::from_bits(step), f64::from_bits(value))).collect()
    }
}

/// A stream of that format.
pub(super) fn stream(format: &dyn Format, from: Option<&Checkpoint>) -> Box<dyn Stream> {
    match format.reader(&Member::new("x", Role::Metrics), from) {
        Reader::Stream(stream) => stream,
        _ => panic!("{} reads its metrics as streams", format.id()),
    }
}

/// A folder of these names.
pub(super) struct Names {
    pub(super) files: Vec<String>,
    pub(super) folders: Vec<String>,
    pub(super) below: Vec<String>,
}

impl Names {
    pub(super) fn new(files: &[&str], folders: &[&str], below: &[&str]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self { files: owned(files), folders: owned(folders), below: owned(below) }
    }
}

impl Folder for Names {
    fn path(&self) -> &str {
        "runs/a"
    }

    fn files(&self) -> &[String] {
        &self.files
    }

    fn folders(&self) -> &[String] {
        &self.folders
    }

    fn below(&self, folder: &str) -> Vec<String> {
        self.below.iter().filter(|path| path.starts_with(&format!("{folder}/"))).cloned().collect()
    }

    fn head(&self, _: &str) -> Vec<u8> {
        panic!("the names are enough")
    }
}

fn said(stream: &dyn Stream, batch: Batch) -> Said {
    Said { batch, keys: stream.keys().to_vec(), others: stream.others(), outcome: stream.outcome() }
}

/// What is said of a file that is read in one go and ends there.
pub(super) fn whole(format: &dyn Format, bytes: &[u8]) -> Said {
    let mut stream = stream(format, None);
    let mut batch = Batch::default();
    stream.push(bytes, &mut batch);
    stream.finish(&mut batch);
    said(&*stream, batch)
}

/// The same, read in pieces of these lengths, and by a new reader after each piece if `restart`.
pub(super) fn pieces(format: &dyn Format, bytes: &[u8], lengths: &[usize], restart: bool) -> Said {
    let mut reader = stream(format, None);
    let mut batch = Batch::default();
    let (mut at, mut lengths) = (0, lengths.iter().cycle());
    while at < bytes.len() {
        let end = bytes.len().min(at + (*lengths.next().expect("there are lengths")).max(1));
        reader.push(&bytes[at..end], &mut batch);
        at = end;
        if restart {
            let checkpoint = reader.checkpoint();
            assert_eq!(checkpoint.offset, reader.offset());
            assert!(checkpoint.offset <= at as u64, "nothing is consumed that was not pushed");
            reader = stream(format, Some(&checkpoint));
            reader.push(&bytes[checkpoint.offset as usize..at], &mut batch);
        }
    }
    reader.finish(&mut batch);
    said(&*reader, batch)
}

/// Whether `part` is `whole` with some left out.
pub(super) fn is_subsequence<T: PartialEq>(part: &[T], whole: &[T]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|item| rest.any(|other| other == item))
}

/// What may happen to a file.
#[derive(Debug, Clone)]
pub(super) enum Blow {
    Set(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
    Cut(usize),
}

pub(super) fn blows() -> impl Strategy<Value = Vec<Blow>> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..40);
    let blow = prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Blow::Set(at, byte)),
        (any::<usize>(), bytes).prop_map(|(at, bytes)| Blow::Insert(at, bytes)),
        (any::<usize>(), 0usize..40).prop_map(|(at, count)| Blow::Remove(at, count)),
        any::<usize>().prop_map(Blow::Cut),
    ];
    proptest::collection::vec(blow, 0..4)
}

pub(super) fn strike(mut file: Vec<u8>, blows: &[Blow]) -> Vec<u8> {
    for blow in blows {
        let length = file.len();
        match blow {
            Blow::Set(at, byte) if length > 0 => file[at % length] = *byte,
            Blow::Set(..) => {}
            Blow::Insert(at, bytes) => {
                let at = at % (length + 1);
                file.splice(at..at, bytes.iter().copied());
            }
            Blow::Remove(at, count) => {
                let at = at % (length + 1);
                file.drain(at..length.min(at + count));
            }
            Blow::Cut(at) => file.truncate(at % (length + 1)),
        }
    }
    file
}

/// A damaged file says the same however it is cut and wherever reading is taken up again, and nothing that the whole
/// file does not say.
pub(super) fn holds(
    format: &dyn Format,
    file: &[u8],
    blows: &[Blow],
    lengths: &[usize],
) -> Result<(), TestCaseError> {
    holds_or(format, file, file, blows, lengths)
}

/// The same for a file whose points are told otherwise, as `other` tells them, once a part of it is lost.
pub(super) fn holds_or(
    format: &dyn Format,
    file: &[u8],
    other: &[u8],
    blows: &[Blow],
    lengths: &[usize],
) -> Result<(), TestCaseError> {
    let sound = [file, other].map(|file| whole(format, file));
    let file = strike(file.to_vec(), blows);
    let at_once = whole(format, &file);
    prop_assert_eq!(&pieces(format, &file, lengths, false), &at_once);
    prop_assert_eq!(&pieces(format, &file, lengths, true), &at_once);
    let points = at_once.points();
    let logged = sound.iter().any(|sound| is_subsequence(&points, &sound.points()));
    prop_assert!(logged, "a point that nobody logged");
    Ok(())
}

/// Any change of any byte leaves the points as they are, or leaves some out and says so.
pub(super) fn every_flip_is_noticed(format: &dyn Format, file: &[u8]) {
    let sound = whole(format, file);
    assert!(sound.batch.issues.is_empty() && !sound.points().is_empty());
    let mut file = file.to_vec();
    for at in 0..file.len() {
        for bit in 0..8 {
            file[at] ^= 1 << bit;
            let struck = whole(format, &file);
            let (points, all) = (struck.points(), sound.points());
            assert!(is_subsequence(&points, &all), "bit {bit} of byte {at} makes a point that nobody logged");
            let told = !struck.batch.issues.is_empty() || matches!(struck.outcome, Outcome::Refused(_));
            assert!(told || points == all, "bit {bit} of byte {at} costs points and nobody is told");
            file[at] ^= 1 << bit;
        }
    }
}
