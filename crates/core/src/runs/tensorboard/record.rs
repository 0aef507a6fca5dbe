//! Records of a TFRecord file, the envelope of event files.
//!
//! Each record is its length (8 bytes), a checksum of these (4), the data, and a checksum of the data (4), all little
//! endian. A checksum is the CRC-32C, rotated and with a constant added, so that data with checksums in it can be
//! checksummed again (TensorFlow's `record_writer.cc`).
//!
//! What is damaged:
//! - TensorBoard gives up the rest of a file at the first checksum that is wrong. Here a run of weeks is not lost for
//!   a bad sector: where only the data is damaged the record is left out and the next one begins where its length
//!   says; where the length is damaged, the next record begins at the first place that has a length with its right
//!   checksum and less than [`MAX_RECORD`] (a chance match is one in 2^72 for each byte of noise).
//! - Each is an [`Issue`] with its place. No data whose checksum is wrong is ever handed out.
//! - A record that is not whole yet waits.

/// A longer record is passed over: images and graphs come near this, what has points does not.
pub(super) const MAX_RECORD: usize = (16 << 20) - 1;
/// A record that is longer is looked at before it is collected.
const LARGE: usize = 64 << 10;
/// How much of a large record is looked at.
const GLANCE: usize = 64;
const HEADER: usize = 12;
/// Where its data begins in a record.
pub(super) const DATA: u64 = HEADER as u64;
const FOOTER: usize = 4;

/// Something to say about a place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// No record begins here; what follows is searched for the next one.
    NoHeader,
    /// The checksum of the data is wrong.
    WrongChecksum,
    /// The record is longer than [`MAX_RECORD`]: its length in bytes.
    TooLong(u64),
}

/// What was found, with the offset of its first byte in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A whole record's data, its checksum right.
    Record(u64, &'a [u8]),
    /// Damage.
    Damage(u64, Damage),
}

/// Where to go on reading.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// Offset of the first byte that has not been used.
    pub(super) offset: u64,
    /// No record begins there: the next one is being searched for, and that has been said.
    searching: bool,
}

/// A large record that goes by uncollected.
#[derive(Debug, Clone, Copy)]
struct Passing {
    length: u64,
    /// How much of it has gone by, from its header to its last checksum.
    seen: u64,
    sum: u32,
    footer: [u8; FOOTER],
}

/// Cuts bytes into records.
#[derive(Debug)]
pub(super) struct Records {
    at: Place,
    /// The bytes from `at.offset` on, as long as they are no whole record and none goes by.
    pending: Vec<u8>,
    passing: Option<Passing>,
    /// Whether a large record that begins like this is of no use.
    useless: fn(&[u8]) -> bool,
}

impl Records {
    /// Goes on at `at`. A large record is passed over, still checked, when `useless` says so of its first bytes.
    pub(super) fn resume(at: Place, useless: fn(&[u8]) -> bool) -> Self {
        Self { at, pending: Vec::new(), passing: None, useless }
    }

    pub(super) fn place(&self) -> Place {
        self.at
    }

    /// How many bytes after [`Place::offset`] have been taken in and belong to a record that is not whole.
    pub(super) fn waiting(&self) -> u64 {
        match self.passing {
            Some(passing) => passing.seen,
            None if self.at.searching => 0,
            None => self.pending.len() as u64,
        }
    }

    /// Bytes of memory held for a record that is not whole.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.pending.capacity()
    }

    /// Takes in the bytes that follow.
    pub(super) fn push(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Found<'_>)) {
        while !bytes.is_empty() {
            if self.passing.is_some() {
                self.pass(&mut bytes, each);
            } else if self.pending.is_empty() {
                let used = self.cut(bytes, each);
                if self.passing.is_none() {
                    self.pending.extend_from_slice(&bytes[used..]);
                    return;
                }
                bytes = &bytes[used..];
            } else {
                // At least one byte is missing: `cut` leaves nothing that it could use.
                let missing = self.needed().saturating_sub(self.pending.len()).min(bytes.len());
                let (now, rest) = bytes.split_at(missing);
                self.pending.extend_from_slice(now);
                bytes = rest;
                let buffer = std::mem::take(&mut self.pending);
                let used = self.cut(&buffer, each);
                self.keep(buffer, used, each);
            }
        }
    }

    /// Puts what `cut` left of a buffer back.
    fn keep(&mut self, mut buffer: Vec<u8>, used: usize, each: &mut impl FnMut(Found<'_>)) {
        if self.passing.is_some() {
            self.pass(&mut &buffer[used..], each);
            buffer.clear();
        } else {
            buffer.drain(..used);
        }
        if buffer.is_empty() && buffer.capacity() > LARGE {
            buffer = Vec::new();
        }
        self.pending = buffer;
    }

    /// How many bytes the pending ones must become before more can be said.
    fn needed(&self) -> usize {
        match header(&self.pending) {
            _ if self.at.searching => HEADER.max(self.pending.len() + 1),
            None | Some(Err(_)) => HEADER,
            Some(Ok(length)) if length > LARGE as u64 && self.pending.len() < HEADER + GLANCE => {
                HEADER + GLANCE
            }
            // At most MAX_RECORD: a longer one passes by.
            Some(Ok(length)) => HEADER + length as usize + FOOTER,
        }
    }

    /// Hands out what is whole in `bytes`, which begin at `at.offset`, and says how many are done with.
    fn cut(&mut self, bytes: &[u8], each: &mut impl FnMut(Found<'_>)) -> usize {
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            if self.at.searching {
                let (skipped, found) = search(rest);
                used += skipped;
                self.at.offset += skipped as u64;
                self.at.searching = !found;
                if !found {
                    return used;
                }
                continue;
            }
            let length = match header(rest) {
                None => return used,
                Some(Ok(length)) => length,
                Some(Err(())) => {
                    each(Found::Damage(self.at.offset, Damage::NoHeader));
                    self.at.searching = true;
                    continue;
                }
            };
            let body = &rest[HEADER..];
            // Whether a record passes by must not hang on how much of it is here.
            let large = length > LARGE as u64;
            if length > MAX_RECORD as u64 || large && body.get(..GLANCE).is_some_and(self.useless) {
                self.passing = Some(Passing { length, seen: 0, sum: 0, footer: [0; FOOTER] });
                return used;
            }
            let length = length as usize;
            if body.len() < length + FOOTER {
                return used;
            }
            let (data, footer) = body.split_at(length);
            if mask(crc32c::crc32c(data)).to_le_bytes() == footer[..FOOTER] {
                each(Found::Record(self.at.offset, data));
            } else {
                each(Found::Damage(self.at.offset, Damage::WrongChecksum));
            }
            used += HEADER + length + FOOTER;
            self.at.offset += (HEADER + length + FOOTER) as u64;
        }
    }

    /// Lets a large record go by.
    fn pass(&mut self, bytes: &mut &[u8], each: &mut impl FnMut(Found<'_>)) {
        let Some(passing) = &mut self.passing else { return };
        let body = HEADER as u64 + passing.length;
        let end = body.saturating_add(FOOTER as u64);
        while !bytes.is_empty() && passing.seen < end {
            let part =
                [HEADER as u64, body, end].into_iter().find(|&part| passing.seen < part).unwrap_or(end);
            // What is left of that part, or all bytes there are.
            let count = usize::try_from(part - passing.seen).unwrap_or(usize::MAX).min(bytes.len());
            let (now, rest) = bytes.split_at(count);
            if part == body && part > HEADER as u64 {
                passing.sum = crc32c::crc32c_append(passing.sum, now);
            } else if part == end {
                let from = (passing.seen - body) as usize;
                passing.footer[from..from + count].copy_from_slice(now);
            }
            passing.seen += count as u64;
            *bytes = rest;
        }
        if passing.seen < end {
            return;
        }
        if mask(passing.sum).to_le_bytes() != passing.footer {
            each(Found::Damage(self.at.offset, Damage::WrongChecksum));
        } else if passing.length > MAX_RECORD as u64 {
            each(Found::Damage(self.at.offset, Damage::TooLong(passing.length)));
        }
        self.at.offset = self.at.offset.saturating_add(end);
        self.passing = None;
    }
}

/// The length that a header tells, if there is a whole one and it is sound.
fn header(bytes: &[u8]) -> Option<Result<u64, ()>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (sum, _) = rest.split_first_chunk::<4>()?;
    let sound = mask(crc32c::crc32c(length)) == u32::from_le_bytes(*sum);
    // A length that no file has is none: offsets are added up.
    let length = Some(u64::from_le_bytes(*length)).filter(|&length| sound && length < 1 << 60);
    Some(length.ok_or(()))
}

/// How many bytes to skip to the next header, or to where one might still begin.
fn search(bytes: &[u8]) -> (usize, bool) {
    for (i, window) in bytes.windows(HEADER).enumerate() {
        let short = window[3..8] == [0; 5];
        if short && matches!(header(window), Some(Ok(_))) {
            return (i, true);
        }
    }
    (bytes.len().saturating_sub(HEADER - 1), false)
}

/// The checksum as it is written.
fn mask(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// A record around `data`, for tests.
#[cfg(test)]
pub(super) fn write(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut out = length.to_vec();
    out.extend(mask(crc32c::crc32c(&length)).to_le_bytes());
    out.extend(data);
    out.extend(mask(crc32c::crc32c(data)).to_le_bytes());
    out
}
