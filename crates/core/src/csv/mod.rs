//! Metrics in CSV and TSV files, read as they grow.
//!
//! A training script appends lines to a file; the engine hands over the bytes it has not read yet, cut wherever the
//! file happened to end. [`CsvReader`] turns them into [`Row`]s of points. It is a pure state machine: what it has to
//! remember between two reads, or two starts of the program, is a [`Checkpoint`].
//!
//! Rules, in the order they apply:
//! - A byte order mark and blank lines are passed over; so are comment lines (`#`) before the header. Stable-Baselines3
//!   starts its monitor files with `#{json}`. A commented header (`# epoch,loss`) is taken as a header.
//! - The delimiter is the one of comma, tab and semicolon that the header has most of, in that order where equal. With
//!   a semicolon a number may have a decimal comma.
//! - Names and cells are trimmed (Ultralytics pads them). A repeated name gets `.1`, `.2` and so on, as in pandas.
//! - The x axis is chosen by name, see [`XColumn`].
//! - A cell that is empty or says `NA`, `N/A`, `null`, `None` or `-` is no point. `nan`, `inf`, `-inf`, `Infinity` in
//!   any case are points. Anything else that is not a number counts as text; a column of text is named, not read.
//! - A column with Unix time (`timestamp`, `_timestamp`, `wall_time`, `created_at`) gives the points' wall time.
//! - A line that does not fit is an [`Issue`] and gives no points; reading goes on. A partial last line waits.
//! - A quoted field may span lines up to [`MAX_QUOTED`] bytes; one that goes on longer was never closed, and its first
//!   line alone is given up.

mod columns;
mod reader;

pub use columns::{Column, ColumnKind, XColumn};
pub(crate) use columns::{is_wall_name, wall_ms, x_rank};
pub(crate) use reader::Rows;
pub use reader::{Batch, Checkpoint, CsvReader, Issue, IssueKind, NotMetrics, Outcome, Row};

/// A line longer than this is refused, with its file.
pub const MAX_LINE: usize = 16 << 20;
/// A header with more columns than this is refused.
pub const MAX_COLUMNS: usize = 10_000;
/// The most bytes that one line with a field in quotes may take when the field has line breaks in it.
pub const MAX_QUOTED: usize = 16 << 10;
/// After this many rows without a single number the file is given up as one without metrics.
pub const TRIAL_ROWS: u64 = 64;
