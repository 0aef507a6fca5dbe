//! What a shim writes to its status descriptor, for an engine that is there to read it.
//!
//! First a line on how the start went; then, once all of the job's processes are gone, the text of the exit record (see
//! [`crate::record::Exit`]), just before that goes to disk. So an engine that listens need neither watch the folder nor
//! wait for the disk. A descriptor that closes without a line means that the shim died early, or was not understood;
//! one that closes without a record means that the folder has to be read.
//!
//! Over a descriptor that is a socket the engine may answer a record with the next request (see [`crate::launch`]), and
//! all this begins anew; it closes its end when it has none.

/// How a start went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// `started PID START_TICKS SHIM_PID SHIM_START_TICKS`: the job runs, and the record says so.
    Started {
        /// The job's main process.
        pid: u32,
        /// Its start time.
        start_ticks: u64,
        /// The shim.
        shim_pid: u32,
        /// Its start time.
        shim_start_ticks: u64,
    },
    /// `failed`: the job could not be started, and the exit record says why.
    Failed,
    /// `taken`: somebody else owns the attempt; nothing was started.
    Taken,
    /// `refused ERRNO`: the attempt could not be claimed; nothing was started and nothing recorded.
    Refused {
        /// What the system said, 0 if unknown.
        errno: i32,
    },
}

impl Status {
    /// The line, with its line end.
    pub fn format(&self) -> String {
        match self {
            Status::Started { pid, start_ticks, shim_pid, shim_start_ticks } => {
                format!("started {pid} {start_ticks} {shim_pid} {shim_start_ticks}\n")
            }
            Status::Failed => "failed\n".to_owned(),
            Status::Taken => "taken\n".to_owned(),
            Status::Refused { errno } => format!("refused {errno}\n"),
        }
    }

    /// Reads the line; `None` if it is incomplete or none of ours.
    pub fn parse(line: &str) -> Option<Status> {
        let mut words = line.strip_suffix('\n')?.split(' ');
        let status = match words.next()? {
            "started" => Status::Started {
                pid: words.next()?.parse().ok()?,
                start_ticks: words.next()?.parse().ok()?,
                shim_pid: words.next()?.parse().ok()?,
                shim_start_ticks: words.next()?.parse().ok()?,
            },
            "failed" => Status::Failed,
            "taken" => Status::Taken,
            "refused" => Status::Refused { errno: words.next()?.parse().ok()? },
            _ => return None,
        };
        Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_reads_back_and_no_cut_does() {
        for status in [
            Status::Started { pid: 12, start_ticks: 3456, shim_pid: 7, shim_start_ticks: 89 },
            Status::Failed,
            Status::Taken,
            Status::Refused { errno: 28 },
        ] {
            let line = status.format();
            assert_eq!(Status::parse(&line), Some(status));
            for cut in 0..line.len() {
                assert_eq!(Status::parse(&line[..cut]), None, "{line:?} cut at {cut}");
            }
        }
    }
}
