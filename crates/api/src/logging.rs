//! The program's own log: a file a day in the data folder, for its owner only, a week of them kept.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Begins to log. What is still to be written is written when the guard is dropped. `ATHANOR_LOG` sets the level,
/// in the form of `tracing_subscriber::EnvFilter`.
///
/// Without a file (the folder can't be written) it logs to standard error alone: a program that can't log still works.
///
/// A panic is logged, too: the task that panicked is gone, and its message must not be.
#[must_use]
pub fn start(folder: &Path, to_stderr: bool) -> Option<WorkerGuard> {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        tracing::error!(%panic, "a fault in the program");
        usual(panic);
    }));
    let filter = EnvFilter::try_from_env("ATHANOR_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("athanor")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_target(false);
    match file {
        Ok(file) => {
            let (writer, guard) = tracing_appender::non_blocking(file);
            let set = match to_stderr {
                true => {
                    let warnings = std::io::stderr.with_max_level(tracing::Level::WARN);
                    builder.with_writer(writer.and(warnings)).try_init()
                }
                false => builder.with_writer(writer).try_init(),
            };
            set.is_ok().then_some(guard)
        }
        Err(error) => {
            let _ = builder.with_writer(std::io::stderr).try_init();
            tracing::warn!(%error, folder = %folder.display(), "no log file");
            None
        }
    }
}
