//! Writing the job's output, so that the job never waits for a disk that refuses.
//!
//! - A segment is full when its bytes and its stream marks together reach the limit, so a job that switches
//!   streams at every byte is bounded like any other.
//! - Writes go to computed positions and not to the file's end, so an offset means the same byte even if somebody
//!   truncates a segment.
//! - When a write fails, the bytes are counted and dropped, and the next try comes with later output. The first
//!   thing written then is a notice of how much is missing.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use athanor_shim::log::{MARK_LEN, Stream, format_mark, segment_name, streams_name};
use athanor_shim::record::LogTotals;
use rustix::fs::{AtFlags, Mode, OFlags, fstat, ftruncate, openat, statat, unlinkat};
use rustix::io::{Errno, pwrite};

use crate::folder::{Folder, Gone};

/// Between two tries after a failed write.
const RETRY: Duration = Duration::from_millis(200);
/// Between two looks at whether the files are still where they were.
const LOOK: Duration = Duration::from_secs(1);

pub struct Output {
    limit: u64,
    segment: Option<Segment>,
    /// Base of the generation before, which is kept.
    older: Option<u64>,
    totals: LogTotals,
    trouble: Option<Trouble>,
    next_look: Instant,
}

struct Segment {
    file: OwnedFd,
    marks: OwnedFd,
    base: u64,
    len: u64,
    marks_len: u64,
    /// The stream that the last mark names.
    stream: Option<Stream>,
}

struct Trouble {
    errno: Errno,
    dropped: u64,
    retry_at: Instant,
}

impl Output {
    pub fn new(limit: u64) -> Output {
        Output {
            limit,
            segment: None,
            older: None,
            totals: LogTotals::default(),
            trouble: None,
            next_look: Instant::now() + LOOK,
        }
    }

    pub fn totals(&self) -> LogTotals {
        self.totals
    }

    /// Takes bytes of the job; never fails.
    pub fn write(&mut self, folder: &mut Folder, stream: Stream, bytes: &[u8], now: Instant) {
        if now >= self.next_look {
            // A failure is kept as trouble, which the next lines see.
            let _ = self.look(folder, now);
        }
        if self.trouble.as_ref().is_some_and(|trouble| now < trouble.retry_at) {
            self.drop_bytes(bytes.len());
            return;
        }
        if let Err(errno) = self.tell_of_gap(folder) {
            self.fail(errno, now);
            self.drop_bytes(bytes.len());
            return;
        }
        if let Err((written, errno)) = self.append(folder, stream, bytes) {
            self.fail(errno, now);
            self.drop_bytes(bytes.len() - written);
        }
    }

    /// The last chance to tell of a gap, and to have the folder in place before the end is recorded.
    pub fn finish(&mut self, folder: &mut Folder) {
        let now = Instant::now();
        if !self.look(folder, now) {
            // The record of the end will wait for the folder; the log has nowhere to go.
            self.totals.lost += self.missing(folder, true);
            return;
        }
        if let Err(errno) = self.tell_of_gap(folder) {
            self.fail(errno, now);
        }
    }

    /// Begins anew where somebody has removed the folder or the segment. What cannot be put back now is tried
    /// again at the next look; false then.
    fn look(&mut self, folder: &mut Folder, now: Instant) -> bool {
        self.next_look = now + LOOK;
        let in_place = folder.is_in_place();
        let has_segment = |segment: &Segment| fstat(&segment.file).is_ok_and(|stat| stat.st_nlink > 0);
        if in_place && self.segment.as_ref().is_none_or(has_segment) {
            folder.catch_up();
            return true;
        }
        if let Err(gone) = folder.put_back() {
            let errno = match gone {
                Gone::Failed(errno) => errno,
                Gone::Displaced => Errno::EXIST,
            };
            // Bytes written from here on would go to files that no one can find.
            self.trouble = Some(Trouble { errno, dropped: self.pending(), retry_at: self.next_look });
            return false;
        }
        self.totals.lost += self.missing(folder, !in_place);
        self.segment = None;
        // Even before there is more output: readers take the end of the log from the newest segment.
        if self.totals.bytes > 0
            && let Err(errno) = self.open_segment(folder)
        {
            self.fail(errno, now);
        }
        true
    }

    /// How many of the bytes that should be there are gone, and forgets the older generation if it is.
    fn missing(&mut self, folder: &Folder, all: bool) -> u64 {
        let Some(segment) = &self.segment else { return 0 };
        let older_gone = |base: &mut u64| {
            all || matches!(
                statat(folder.fd(), segment_name(*base), AtFlags::SYMLINK_NOFOLLOW),
                Err(Errno::NOENT)
            )
        };
        let from = self.older.take_if(older_gone).unwrap_or(segment.base);
        self.totals.bytes - from
    }

    fn append(&mut self, folder: &mut Folder, stream: Stream, bytes: &[u8]) -> Result<(), (usize, Errno)> {
        let mut done = 0;
        while done < bytes.len() {
            let room = match &self.segment {
                Some(segment) => {
                    let mark = if segment.stream == Some(stream) { 0 } else { MARK_LEN };
                    self.limit.saturating_sub(segment.len + segment.marks_len + mark)
                }
                None => 0,
            };
            if room == 0 {
                self.rotate(folder).map_err(|errno| (done, errno))?;
                continue;
            }
            let Some(segment) = &mut self.segment else { continue };
            segment.mark(stream).map_err(|errno| (done, errno))?;
            let take = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len() - done);
            let (written, result) = write_at(&segment.file, &bytes[done..done + take], segment.len);
            segment.len += written as u64;
            self.totals.bytes += written as u64;
            done += written;
            result.map_err(|errno| (done, errno))?;
        }
        Ok(())
    }

    /// Writes the notice about dropped bytes, all of it or nothing.
    fn tell_of_gap(&mut self, folder: &mut Folder) -> Result<(), Errno> {
        let Some(Trouble { errno, dropped, .. }) = self.trouble else { return Ok(()) };
        if dropped > 0 {
            let notice = notice(dropped, errno);
            let full = self.segment.as_ref().is_none_or(|s| s.len + s.marks_len >= self.limit);
            if full {
                self.rotate(folder)?;
            }
            let Some(segment) = &mut self.segment else { return Err(Errno::IO) };
            segment.mark(segment.stream.unwrap_or(Stream::Stdout))?;
            let (written, result) = write_at(&segment.file, notice.as_bytes(), segment.len);
            if let Err(errno) = result {
                // Readers must not see bytes that will be others later.
                if written > 0 {
                    let _ = ftruncate(&segment.file, segment.len);
                }
                return Err(errno);
            }
            segment.len += written as u64;
            self.totals.bytes += written as u64;
        }
        self.trouble = None;
        Ok(())
    }

    /// Begins the next segment. The oldest one goes first, since that may be what makes room on a full disk.
    fn rotate(&mut self, folder: &mut Folder) -> Result<(), Errno> {
        if self.segment.is_some() {
            if let Some(older) = self.older.take() {
                remove(folder, older);
            }
            let full = self.segment.as_ref().map(|segment| segment.base);
            if !folder.is_in_place() {
                return match self.look(folder, Instant::now()) {
                    true if self.segment.is_some() => Ok(()),
                    _ => Err(self.trouble.as_ref().map_or(Errno::NOENT, |trouble| trouble.errno)),
                };
            }
            self.open_segment(folder)?;
            self.older = full;
            return Ok(());
        }
        self.open_segment(folder)
    }

    fn open_segment(&mut self, folder: &Folder) -> Result<(), Errno> {
        let base = self.totals.bytes;
        let create = |name: &str| {
            let flags = OFlags::CREATE | OFlags::TRUNC | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            openat(folder.fd(), name, flags, Mode::from_raw_mode(0o600))
        };
        let marks = create(&streams_name(base))?;
        let file = create(&segment_name(base))?;
        self.segment = Some(Segment { file, marks, base, len: 0, marks_len: 0, stream: None });
        Ok(())
    }

    fn fail(&mut self, errno: Errno, now: Instant) {
        self.trouble = Some(Trouble { errno, dropped: self.pending(), retry_at: now + RETRY });
    }

    /// Bytes that were dropped since the last notice.
    fn pending(&self) -> u64 {
        self.trouble.as_ref().map_or(0, |trouble| trouble.dropped)
    }

    fn drop_bytes(&mut self, count: usize) {
        self.totals.dropped += count as u64;
        if let Some(trouble) = &mut self.trouble {
            trouble.dropped += count as u64;
        }
    }
}

impl Segment {
    /// Says that the next byte is of this stream, unless that is known.
    fn mark(&mut self, stream: Stream) -> Result<(), Errno> {
        if self.stream != Some(stream) {
            // A mark that was written in part is overwritten by the next, and readers skip it until then.
            write_at(&self.marks, &format_mark(self.base + self.len, stream), self.marks_len).1?;
            self.marks_len += MARK_LEN;
            self.stream = Some(stream);
        }
        Ok(())
    }
}

fn write_at(file: &OwnedFd, bytes: &[u8], offset: u64) -> (usize, Result<(), Errno>) {
    let mut done = 0;
    while done < bytes.len() {
        match pwrite(file, &bytes[done..], offset + done as u64) {
            Ok(0) => return (done, Err(Errno::IO)),
            Ok(n) => done += n,
            Err(Errno::INTR) => {}
            Err(errno) => return (done, Err(errno)),
        }
    }
    (done, Ok(()))
}

fn remove(folder: &Folder, base: u64) {
    let _ = unlinkat(folder.fd(), segment_name(base), AtFlags::empty());
    let _ = unlinkat(folder.fd(), streams_name(base), AtFlags::empty());
}

fn notice(dropped: u64, errno: Errno) -> String {
    let reason = io::Error::from(errno).to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    format!("\n[athanor: {} bytes of output were dropped here: {reason}]\n", grouped(dropped))
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_reads_well() {
        let check = |dropped, expected: &str| assert_eq!(grouped(dropped), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(12_345_678, "12,345,678");
        assert_eq!(
            notice(12_345, Errno::NOSPC),
            "\n[athanor: 12,345 bytes of output were dropped here: No space left on device]\n"
        );
    }
}
