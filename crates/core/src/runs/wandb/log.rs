//! The log format of LevelDB, in which W&B's records lie.
//!
//! A file is 7 bytes of header (`:W&B`, the number 0xBEE1, version 0) and then blocks of 32 KiB, the header counting
//! towards the first. In a block lie fragments: a checksum (4 bytes), a length (2), a type (1), the data, all little
//! endian. A record is one fragment (full), or a first, any number of middle and a last one. Where fewer than 7 bytes
//! of a block are left, they are padding. Unlike LevelDB's, the checksum is the plain CRC-32 (IEEE) of type and data
//! (<https://github.com/google/leveldb/blob/main/doc/log_format.md>, W&B's `datastore.py`).
//!
//! What is damaged is told with its place: a fragment whose checksum is wrong says nothing for sure, not even
//! how long it is, so the rest of its block is left out, as LevelDB does, with the record that it belongs to. What is
//! not whole yet waits.

/// What a file must begin with.
pub(super) const MAGIC: [u8; 7] = *b":W&B\xe1\xbe\x00";
const BLOCK: u64 = 32 << 10;
const HEADER: usize = 7;
/// A longer record is left out: what has numbers or settings is far shorter.
pub(super) const MAX_RECORD: usize = 16 << 20;

const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// Something to say about a place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// The file does not begin as one of W&B's does.
    NotWandb,
    /// The checksum of a fragment is wrong, or its length goes beyond its block.
    WrongChecksum,
    /// A record begins before the one before it has ended, or goes on without having begun.
    OutOfOrder,
    /// The record is longer than [`MAX_RECORD`].
    TooLong,
}

/// What was found, with the offset of its first byte in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole record.
    Record(u64, &'a [u8]),
    /// Damage.
    Damage(u64, Damage),
}

/// Where to go on reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// Offset of the first byte that has not been used: of a whole record.
    pub(super) offset: u64,
    /// The rest of the block there is passed over.
    skipping: bool,
    /// Middle and last fragments there belong to a record that was left out.
    dropping: bool,
}

/// Cuts bytes into records.
#[derive(Debug)]
pub(super) struct Records {
    /// What has been dealt with.
    at: Place,
    /// What is no whole fragment yet.
    pending: Vec<u8>,
    /// A record that is not whole yet: where it began, its fragments so far.
    begun: Option<(Place, Vec<u8>)>,
}

impl Records {
    pub(super) fn resume(at: Place) -> Self {
        Self { at, pending: Vec::new(), begun: None }
    }

    /// Where to go on from after a restart.
    pub(super) fn place(&self) -> Place {
        self.begun.as_ref().map_or(self.at, |(place, _)| *place)
    }

    /// How many bytes after [`Place::offset`] have been taken in and belong to a record that is not whole.
    pub(super) fn waiting(&self) -> u64 {
        self.at.offset + self.pending.len() as u64 - self.place().offset
    }

    /// Takes in the bytes that follow.
    pub(super) fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Found<'_>)) {
        while !bytes.is_empty() {
            if self.pending.is_empty() {
                let used = self.cut(bytes, each);
                self.pending.extend_from_slice(&bytes[used..]);
                return;
            }
            // At least one byte is missing: `cut` leaves nothing that it could use.
            let needed = match length(&self.pending) {
                Some(length) if self.at.offset > 0 => HEADER + length,
                _ => HEADER,
            };
            let missing = needed.saturating_sub(self.pending.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(missing);
            self.pending.extend_from_slice(now);
            bytes = rest;
            let mut buffer = std::mem::take(&mut self.pending);
            let used = self.cut(&buffer, each);
            buffer.drain(..used);
            self.pending = buffer;
        }
    }

    /// Uses what is whole in `bytes`, which begin at `at`, and says how much that is.
    fn cut(&mut self, bytes: &[u8], each: &mut impl FnMut(Found<'_>)) -> usize {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let done = self.step(rest, each);
            if done == 0 && !self.at.skipping {
                return used;
            }
            used += done;
            self.at.offset += done as u64;
            if done > 0 && self.at.offset.is_multiple_of(BLOCK) {
                self.at.skipping = false;
            }
            if used == bytes.len() {
                return used;
            }
        }
    }

    /// How many bytes at the beginning of `bytes` are done with after one step.
    fn step(&mut self, bytes: &[u8], each: &mut impl FnMut(Found<'_>)) -> usize {
        if self.at.offset == 0 {
            let Some(magic) = bytes.get(..MAGIC.len()) else { return 0 };
            if magic != MAGIC {
                each(Found::Damage(0, Damage::NotWandb));
            }
            return MAGIC.len();
        }
        let left = (BLOCK - self.at.offset % BLOCK) as usize;
        if self.at.skipping || left < HEADER {
            return left.min(bytes.len());
        }
        let Some(length) = length(bytes) else { return 0 };
        let end = HEADER + length;
        if end > left {
            return self.damaged(each);
        }
        if bytes.len() < end {
            return 0;
        }
        let (header, data) = bytes[..end].split_at(HEADER);
        let sum = crc32fast::hash(&bytes[6..end]);
        if sum.to_le_bytes() != header[..4] {
            return self.damaged(each);
        }
        self.fragment(header[6], data, each);
        end
    }

    /// Gives up the rest of the block and the record that has begun.
    fn damaged(&mut self, each: &mut impl FnMut(Found<'_>)) -> usize {
        each(Found::Damage(self.at.offset, Damage::WrongChecksum));
        self.begun = None;
        self.at.skipping = true;
        self.at.dropping = true;
        0
    }

    fn fragment(&mut self, kind: u8, data: &[u8], each: &mut impl FnMut(Found<'_>)) {
        if !matches!(kind, MIDDLE | LAST) {
            if let Some((place, _)) = self.begun.take() {
                each(Found::Damage(place.offset, Damage::OutOfOrder));
            }
            self.at.dropping = false;
            match kind {
                FULL => each(Found::Record(self.at.offset, data)),
                FIRST => self.begun = Some((self.at, data.to_vec())),
                _ => each(Found::Damage(self.at.offset, Damage::OutOfOrder)),
            }
            return;
        }
        match &mut self.begun {
            Some((place, begun)) if begun.len() + data.len() > MAX_RECORD => {
                each(Found::Damage(place.offset, Damage::TooLong));
                self.begun = None;
                self.at.dropping = true;
            }
            Some((_, begun)) => begun.extend_from_slice(data),
            None if self.at.dropping => {}
            None => {
                each(Found::Damage(self.at.offset, Damage::OutOfOrder));
                self.at.dropping = true;
            }
        }
        if kind == LAST {
            self.at.dropping = false;
            if let Some((place, record)) = self.begun.take() {
                each(Found::Record(place.offset, &record));
            }
        }
    }
}

/// The length in a fragment's header.
fn length(bytes: &[u8]) -> Option<usize> {
    let header = bytes.get(..HEADER)?;
    Some(usize::from(u16::from_le_bytes([header[4], header[5]])))
}

/// A file with these records, for tests.
#[cfg(test)]
pub(super) fn write(records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    for record in records {
        let mut rest = &record[..];
        let mut first = true;
        loop {
            let left = BLOCK as usize - out.len() % BLOCK as usize;
            if left < HEADER {
                out.resize(out.len() + left, 0);
                continue;
            }
            let (now, later) = rest.split_at(rest.len().min(left - HEADER));
            let kind = match (first, later.is_empty()) {
                (true, true) => FULL,
                (true, false) => FIRST,
                (false, false) => MIDDLE,
                (false, true) => LAST,
            };
            let mut summed = vec![kind];
            summed.extend(now);
            out.extend(crc32fast::hash(&summed).to_le_bytes());
            out.extend((now.len() as u16).to_le_bytes());
            out.extend(&summed);
            (rest, first) = (later, false);
            if rest.is_empty() {
                break;
            }
        }
    }
    out
}
