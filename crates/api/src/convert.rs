//! Between the engine's types and the wire. The only place where they meet.

use std::sync::Arc;

use athanor_core::dependency;
use athanor_core::experiment::{self as core_experiment, JobCommand};
use athanor_core::notification;
use athanor_core::requirements::Requirements;
use athanor_core::retry::RetryPolicy;
use athanor_core::{outcome, progress, schedule, state};
use athanor_engine::attribution::JobUse;
use athanor_engine::bus::{self, NoticeLevel};
use athanor_engine::home::now_ms;
use athanor_engine::live::{Latest, Live};
use athanor_engine::queue::{self, NewExperiment, Prospect, SettingsChange, Stats};
use athanor_engine::store::{self, AttemptRow, EventRow, ExperimentRow};
use athanor_engine::{Engine, ErrorKind, projects};

use crate::{handlers, wire};

impl From<athanor_engine::Error> for wire::ApiError {
    fn from(error: athanor_engine::Error) -> Self {
        let code = match error.kind() {
            ErrorKind::Invalid => wire::ErrorCode::InvalidInput,
            ErrorKind::NotFound => wire::ErrorCode::NotFound,
            ErrorKind::IllegalMove => wire::ErrorCode::IllegalTransition,
            ErrorKind::Cycle => wire::ErrorCode::DependencyCycle,
            ErrorKind::Impossible => wire::ErrorCode::Impossible,
            ErrorKind::Path => wire::ErrorCode::Path,
            ErrorKind::DiskFull => wire::ErrorCode::DiskFull,
            ErrorKind::Busy => wire::ErrorCode::EngineBusy,
            ErrorKind::Stopping => wire::ErrorCode::EngineGone,
            ErrorKind::NewerDatabase => wire::ErrorCode::NewerDatabase,
            ErrorKind::Damaged | ErrorKind::Internal => wire::ErrorCode::Internal,
        };
        Self {
            code,
            message: error.to_string(),
            hint: error.next_step().map(str::to_owned),
            field: error.field().map(str::to_owned),
            place: None,
        }
    }
}

/// An axis of a picture.
pub(crate) fn axis(axis: athanor_core::chart::Axis) -> wire::ChartAxis {
    let linear = (axis.linear > 0.0).then_some(axis.linear);
    wire::ChartAxis { min: axis.min, max: axis.max, scale: axis.kind.into(), linear }
}

/// Two enums with the same words, one in each direction.
macro_rules! same_words {
    ($domain:path => $wire:path: $($word:ident)*) => {
        impl From<$domain> for $wire {
            fn from(value: $domain) -> Self {
                use $domain as Domain;
                match value { $(Domain::$word => Self::$word),* }
            }
        }

        impl From<$wire> for $domain {
            fn from(value: $wire) -> Self {
                use $wire as Wire;
                match value { $(Wire::$word => Self::$word),* }
            }
        }
    };
}

same_words!(state::Status => wire::Status: Pending Queued Running Paused Completed Failed Cancelled Expired);
same_words!(core_experiment::Priority => wire::Priority: Urgent High Normal Low);
same_words!(outcome::FailureReason => wire::FailureReason:
    ExitCode Signal TimeLimit OutOfMemory CouldNotStart Lost DependencyFailed DiskFull);
same_words!(dependency::Condition => wire::Condition: Success Any Failure);
same_words!(progress::Unit => wire::ProgressUnit: Epoch Step Percent);
same_words!(store::Section => wire::Section: Active Waiting Finished All);
same_words!(store::CloseAction => wire::CloseAction: Tray Quit);
same_words!(store::Appearance => wire::Appearance: System Light Dark);
same_words!(notification::Kind => wire::NotificationKind:
    Completed Failed Cancelled Blocked Drained GpuHot GpuLost DiskLow Stalled GpuIdle Summary HookFailed Test);
same_words!(notification::Urgency => wire::Urgency: Normal Critical);
same_words!(notification::Action => wire::NotificationAction: Open Log Retry);
same_words!(NoticeLevel => wire::NoticeLevel: Info Warning Error);
same_words!(athanor_engine::MonitorMode => wire::MonitorMode: Events Polling Off);
same_words!(athanor_engine::MonitoredFiles => wire::MonitoredFiles: Metrics Logs);
same_words!(athanor_engine::LogStream => wire::LogStream: Stdout Stderr);
same_words!(athanor_engine::Mode => wire::EngineOwner: Window Headless Offline);
same_words!(athanor_core::series::Scale => wire::Scale: Linear Log Symlog);
same_words!(athanor_core::chart::Theme => wire::Theme: Light Dark);
same_words!(store::EventKind => wire::EventKind:
    Added Started Voided CancelRequested Completed Failed Cancelled Expired Released Held Paused Resumed Retrying
    Requeued Edited Moved Archived Restored Deleted GroupChanged GpuBlocked GpuTripped GpuUnblocked QueuePaused QueueTripped QueueResumed GpuIdle PolicyCancel EngineStarted EngineStopped);

mod compare;
mod device;
mod runs;
mod scan;
pub(crate) use runs::{file as run_file, removal as run_removal};
pub(crate) use scan::problem;
mod usage;
pub(crate) use device::sample;
pub(crate) use usage::attributed;
use usage::gpu_use;

impl From<wire::Command> for JobCommand {
    fn from(command: wire::Command) -> Self {
        match command {
            wire::Command::Argv(argv) => Self::Argv(argv),
            wire::Command::Shell(line) => Self::Shell(line),
        }
    }
}

impl From<JobCommand> for wire::Command {
    fn from(command: JobCommand) -> Self {
        match command {
            JobCommand::Argv(argv) => Self::Argv(argv),
            JobCommand::Shell(line) => Self::Shell(line),
        }
    }
}

impl From<wire::NewExperiment> for NewExperiment {
    fn from(new: wire::NewExperiment) -> Self {
        Self {
            command: new.command.into(),
            cwd: new.cwd,
            name: new.name,
            project: new.project,
            priority: new.priority.into(),
            environment: new.environment.map(Arc::new),
            set: new.set,
            config_path: new.config_path,
            tags: new.tags,
            notes: new.notes,
            time_limit_ms: new.time_limit_ms,
            grace_ms: new.grace_ms,
            config_text: new.config_text,
            requirements: new.requirements.into(),
            after: new.after.into_iter().map(|after| (after.uid, after.when.into())).collect(),
            wait_for_failed: new.wait_for_failed,
            label: new.label,
            hold: new.hold,
            not_before: new.not_before,
            window: new.window,
            start_by: new.start_by,
            retry: new.retry.map(Into::into),
            group: new.group,
            key: new.key,
            submitted_by: new.user,
            metadata: new.metadata,
            parent_id: None,
        }
    }
}

/// Settings to change, as the engine takes them.
///
/// # Errors
/// A window has no such form.
pub(crate) fn settings_change(change: wire::ChangeSettings) -> Result<SettingsChange, wire::ApiError> {
    let windows = change
        .windows
        .map(|windows| windows.into_iter().map(|it| window(it, "windows")).collect())
        .transpose()?;
    Ok(SettingsChange {
        slots: change.slots,
        queue_paused: None,
        close_action: change.close_action.map(Into::into),
        appearance: change.appearance.map(Into::into),
        notify: change.notify,
        log_limit: change.log_limit,
        max_running: change.max_running,
        per_gpu: change.per_gpu,
        per_project: change.per_project,
        ignore_idle_processes: change.ignore_idle_processes,
        windows,
        keep_days: change.keep_days,
        idle_gpu_percent: change.idle_gpu_percent,
        idle_gpu_minutes: change.idle_gpu_minutes,
        idle_gpu_cancel: change.idle_gpu_cancel,
        autostart: change.autostart,
        notifications: handlers::notifications::change(change.notifications.unwrap_or_default())?,
    })
}

/// A part of the week, as the engine takes it.
///
/// # Errors
/// It has no such form; `field` is at fault.
pub(crate) fn window(window: wire::TimeWindow, field: &str) -> Result<schedule::Window, wire::ApiError> {
    let fault = |message: String| wire::ApiError::new(wire::ErrorCode::InvalidInput, message).field(field);
    Ok(schedule::Window {
        name: window.name,
        days: window.days.try_into().map_err(fault)?,
        from: window.from.try_into().map_err(fault)?,
        to: window.to.try_into().map_err(fault)?,
    })
}

impl From<store::Settings> for wire::Settings {
    fn from(settings: store::Settings) -> Self {
        Self {
            slots: settings.slots,
            close_action: settings.close_action.into(),
            appearance: settings.appearance.into(),
            notify: settings.notify,
            log_limit: settings.log_limit,
            max_running: settings.max_running,
            per_gpu: settings.per_gpu,
            per_project: settings.per_project,
            ignore_idle_processes: settings.ignore_idle_processes,
            windows: settings.windows.into_iter().map(Into::into).collect(),
            keep_days: settings.keep_days,
            idle_gpu_percent: settings.idle_gpu_percent,
            idle_gpu_minutes: settings.idle_gpu_minutes,
            idle_gpu_cancel: settings.idle_gpu_cancel,
            autostart: settings.autostart,
            notifications: settings.notifications.into(),
        }
    }
}

impl From<schedule::Window> for wire::TimeWindow {
    fn from(window: schedule::Window) -> Self {
        Self { name: window.name, days: window.days.into(), from: window.from.into(), to: window.to.into() }
    }
}

impl From<wire::Requirements> for Requirements {
    fn from(asked: wire::Requirements) -> Self {
        Self {
            cpu_cores: asked.cpu_cores,
            memory: asked.memory,
            disk: asked.disk,
            gpus: asked.gpus,
            gpu_memory: asked.gpu_memory,
            gpu_model: asked.gpu_model,
            gpu_uuids: asked.gpu_uuids,
            gpu_exclusive: asked.gpu_exclusive,
            estimated_ms: asked.estimated_ms,
        }
    }
}

impl From<Requirements> for wire::Requirements {
    fn from(asked: Requirements) -> Self {
        Self {
            cpu_cores: asked.cpu_cores,
            memory: asked.memory,
            disk: asked.disk,
            gpus: asked.gpus,
            gpu_memory: asked.gpu_memory,
            gpu_model: asked.gpu_model,
            gpu_uuids: asked.gpu_uuids,
            gpu_exclusive: asked.gpu_exclusive,
            estimated_ms: asked.estimated_ms,
        }
    }
}

impl From<wire::RetryPolicy> for RetryPolicy {
    fn from(policy: wire::RetryPolicy) -> Self {
        let usual = Self::with_limit(policy.limit);
        Self {
            delay_ms: policy.delay_ms.unwrap_or(usual.delay_ms),
            // The longest delay grows with the first, which may be longer than the usual longest.
            max_delay_ms: usual.max_delay_ms.max(policy.delay_ms.unwrap_or(0)),
            reasons: policy
                .reasons
                .map_or(usual.reasons, |reasons| reasons.into_iter().map(Into::into).collect()),
            ..usual
        }
    }
}

impl From<RetryPolicy> for wire::RetryPolicy {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            limit: policy.limit,
            delay_ms: Some(policy.delay_ms),
            reasons: Some(policy.reasons.into_iter().map(Into::into).collect()),
        }
    }
}

impl From<wire::EditExperiment> for queue::Edit {
    fn from(edit: wire::EditExperiment) -> Self {
        Self {
            name: edit.name,
            tags: edit.tags,
            notes: edit.notes,
            command: edit.command.map(Into::into),
            cwd: edit.cwd,
            priority: edit.priority.map(Into::into),
            requirements: edit.requirements.map(Into::into),
            after: edit
                .after
                .map(|after| after.into_iter().map(|other| (other.uid, other.when.into())).collect()),
            wait_for_failed: edit.wait_for_failed,
            not_before: edit.not_before,
            window: edit.window,
            start_by: edit.start_by,
            retry: edit.retry.map(|retry| retry.map(Into::into)),
            group: edit.group,
            time_limit_ms: edit.time_limit_ms,
            grace_ms: edit.grace_ms,
            config_text: edit.config_text,
            set: edit.set,
            tagging: None,
            hold: None,
        }
    }
}

impl From<wire::Changes> for queue::Edit {
    fn from(changes: wire::Changes) -> Self {
        let tagging = queue::Tagging { add: changes.add_tags, remove: changes.remove_tags };
        Self {
            tags: changes.tags,
            tagging: (tagging != queue::Tagging::default()).then_some(tagging),
            priority: changes.priority.map(Into::into),
            requirements: changes.requirements.map(Into::into),
            wait_for_failed: changes.wait_for_failed,
            not_before: changes.not_before,
            window: changes.window,
            start_by: changes.start_by,
            retry: changes.retry.map(|retry| retry.map(Into::into)),
            group: changes.group,
            time_limit_ms: changes.time_limit_ms,
            grace_ms: changes.grace_ms,
            hold: changes.hold,
            ..Self::default()
        }
    }
}

impl From<store::DependencyRow> for wire::DependencyInfo {
    fn from(row: store::DependencyRow) -> Self {
        Self {
            name: row.name.unwrap_or_else(|| row.uid.clone()),
            uid: row.uid,
            status: row.status.map(Into::into),
            when: row.condition.into(),
            standing: match row.standing {
                dependency::Met::Open => wire::DependencyStanding::Open,
                dependency::Met::Yes => wire::DependencyStanding::Met,
                dependency::Met::Never => wire::DependencyStanding::Never,
            },
        }
    }
}

impl From<store::Counts> for wire::GroupCounts {
    fn from(counts: store::Counts) -> Self {
        use state::Status;
        Self {
            pending: counts.of(Status::Pending),
            queued: counts.of(Status::Queued),
            running: counts.of(Status::Running),
            paused: counts.of(Status::Paused),
            completed: counts.of(Status::Completed),
            failed: counts.of(Status::Failed),
            cancelled: counts.of(Status::Cancelled),
            expired: counts.of(Status::Expired),
        }
    }
}

impl From<Stats> for wire::QueueStats {
    fn from(stats: Stats) -> Self {
        use state::Status;
        let of = |status| stats.counts.of(status);
        Self {
            pending: of(Status::Pending),
            queued: of(Status::Queued),
            running: of(Status::Running),
            paused: of(Status::Paused),
            completed: of(Status::Completed),
            failed: of(Status::Failed),
            cancelled: of(Status::Cancelled),
            expired: of(Status::Expired),
            slots: stats.slots,
            queue_paused: stats.paused,
        }
    }
}

impl From<outcome::Failure> for wire::Failure {
    fn from(failure: outcome::Failure) -> Self {
        Self {
            reason: failure.reason.into(),
            exit_code: failure.exit_code,
            signal: failure.signal,
            message: failure.message,
        }
    }
}

impl From<progress::Progress> for wire::Progress {
    fn from(progress: progress::Progress) -> Self {
        Self {
            fraction: progress.fraction,
            current: progress.current,
            total: progress.total,
            unit: progress.unit.into(),
        }
    }
}

impl From<Latest> for wire::MetricValue {
    fn from(latest: Latest) -> Self {
        Self { key: latest.key, value: wire::Number(latest.value), step: latest.step }
    }
}

/// Latest values as a list of them.
pub(crate) fn metrics(live: Live) -> Vec<wire::MetricValue> {
    live.metrics.into_iter().map(Into::into).collect()
}

/// An experiment with what the queue knows of it.
pub(crate) fn experiment(engine: &Engine, row: ExperimentRow) -> wire::Experiment {
    let prospect = match row.status.is_terminal() {
        true => Prospect::default(),
        false => engine.queue().prospect(row.id),
    };
    let wait_reason = prospect.reason.map(|reason| reason.words_at(now_ms()));
    let retry_limit = row.retry.as_ref().map_or_else(|| RetryPolicy::default().limit, |policy| policy.limit);
    wire::Experiment {
        command_line: row.command.display(),
        command: row.command.into(),
        uid: row.uid,
        name: row.name,
        project: row.project,
        cwd: row.cwd,
        priority: row.priority.into(),
        status: row.status.into(),
        cancelling: row.cancel_requested_at.is_some() && !row.status.is_terminal(),
        failure: row.failure.map(Into::into),
        wait_reason,
        attempt: row.attempt,
        created_at: row.created_at,
        started_at: row.started_at,
        completed_at: row.completed_at,
        progress: row.live.progress.map(Into::into),
        metrics: metrics(row.live),
        tags: row.tags,
        group: row.group,
        requirements: row.requirements.into(),
        gpus: prospect
            .assignment
            .map_or_else(Vec::new, |held| held.gpus.iter().map(|share| share.index).collect()),
        held: row.gate.held,
        not_before: row.gate.not_before,
        window: row.gate.window,
        start_by: row.gate.start_by,
        waits_for: prospect.waits_for,
        retries_used: row.retries_used,
        retry_limit,
        retry_at: row.gate.retry_at,
        estimated_start: prospect.starts_at,
        estimated_end: prospect.ends_at,
        time_limit_ms: row.time_limit_ms,
        archived: row.archived_at.is_some(),
    }
}

/// An attempt with what lies in its folder.
pub(crate) fn attempt(
    row: AttemptRow,
    folder: &std::path::Path,
    log_bytes: u64,
    metrics_file: Option<String>,
    seen: Option<JobUse>,
) -> wire::Attempt {
    let usage = seen.map_or(row.usage, |seen| seen.usage);
    wire::Attempt {
        number: row.number,
        pid: row.pid,
        started_at: row.started_at,
        ended_at: row.ended_at,
        status: row.status.into(),
        exit_code: row.exit_code,
        signal: row.signal,
        failure: row.failure.map(Into::into),
        folder: folder.display().to_string(),
        log_bytes: row.log_bytes.max(log_bytes),
        log_dropped: row.log_dropped,
        cpu_ms: row.cpu_ms,
        peak_memory: row.peak_memory,
        gpus: row
            .assignment
            .map(|held| held.gpus)
            .unwrap_or_default()
            .into_iter()
            .map(|share| wire::GivenGpu { index: share.index, uuid: share.uuid })
            .collect(),
        gpu_ms: row.gpu_ms,
        peak_gpu_memory: usage.peak_memory,
        gpu_use: gpu_use(usage, seen.and_then(|seen| seen.now).filter(|_| row.ended_at.is_none())),
        metrics_file,
    }
}

impl From<EventRow> for wire::Event {
    fn from(row: EventRow) -> Self {
        Self {
            cursor: row.cursor,
            at: row.at,
            what: row.what.into(),
            uid: row.uid,
            attempt: row.attempt,
            message: row.message,
        }
    }
}

impl From<bus::Notice> for wire::Notice {
    fn from(notice: bus::Notice) -> Self {
        Self { level: notice.level.into(), title: notice.title, message: notice.message }
    }
}

impl From<athanor_engine::Monitored> for wire::Monitor {
    fn from(monitored: athanor_engine::Monitored) -> Self {
        Self {
            folder: monitored.folder,
            files: monitored.files.into(),
            mode: monitored.mode.into(),
            reason: monitored.reason,
            experiments: monitored.experiments,
            folders: u32::try_from(monitored.folders).unwrap_or(u32::MAX),
            polled: u32::try_from(monitored.polled).unwrap_or(u32::MAX),
        }
    }
}

impl From<projects::Suggestion> for wire::Suggestion {
    fn from(suggestion: projects::Suggestion) -> Self {
        Self {
            label: suggestion.label,
            detail: suggestion.detail,
            name: suggestion.name,
            command: suggestion.command,
        }
    }
}
