//! What the user is told of.

use athanor_core::notification;
use athanor_core::notification::mask;
use athanor_engine::Engine;
use athanor_engine::notifications::{self as domain, Read};
use athanor_engine::store::{HookState, NotificationRow};

use super::Result;
use crate::convert;
use crate::wire::{self, Nothing};

const PAGE_MAX: u32 = 200;

pub(crate) async fn list(engine: &Engine, input: wire::ListNotifications) -> Result<wire::NotificationPage> {
    let limit = input.limit.clamp(1, PAGE_MAX);
    let page = engine.notifications(input.before, input.unread, limit).await?;
    Ok(wire::NotificationPage {
        notifications: page.rows.into_iter().map(Into::into).collect(),
        unread: page.unread,
        more: page.more,
    })
}

pub(crate) async fn mark(engine: &Engine, input: wire::MarkNotifications) -> Result<wire::Unread> {
    let read = match input.ids {
        Some(ids) => Read::These(ids),
        None => Read::UpTo(input.up_to),
    };
    Ok(wire::Unread { unread: engine.read_notifications(read).await? })
}

pub(crate) async fn test(engine: &Engine, _: Nothing) -> Result<wire::NotificationTest> {
    let tested = engine.test_notification().await?;
    let hook = tested.map(|test| wire::HookTest { error: test.error, took_ms: test.took_ms });
    Ok(wire::NotificationTest { hook })
}

pub(crate) async fn get_hook(engine: &Engine, _: Nothing) -> Result<wire::HookInfo> {
    Ok(engine.hook().await?.into())
}

pub(crate) async fn set_hook(engine: &Engine, input: wire::SetHook) -> Result<wire::HookInfo> {
    let hook = input.hook.map(|hook| match hook {
        wire::Hook::Command(command) => domain::Hook::Command(command.into()),
        wire::Hook::Webhook(url) => domain::Hook::Webhook(url.trim().to_owned()),
    });
    Ok(engine.set_hook(hook).await?.into())
}

impl From<domain::HookInfo> for wire::HookInfo {
    fn from(info: domain::HookInfo) -> Self {
        Self {
            hook: info.hook.map(|hook| match hook {
                domain::Hook::Command(command) => wire::Hook::Command(command.into()),
                domain::Hook::Webhook(url) => wire::Hook::Webhook(mask::address(&url)),
            }),
            failure: info.failure.map(|(at, message)| wire::HookFailure { at, message }),
        }
    }
}

impl From<NotificationRow> for wire::Notification {
    fn from(row: NotificationRow) -> Self {
        let single = row.count == 1 && row.jobs.len() == 1;
        Self {
            id: row.id,
            at: row.at,
            updated_at: row.updated_at,
            what: row.kind.into(),
            urgency: row.kind.urgency().into(),
            title: row.title,
            body: row.body,
            count: row.count,
            actions: row.kind.actions(single).iter().copied().map(Into::into).collect(),
            jobs: row
                .jobs
                .into_iter()
                .map(|job| wire::NotifiedJob {
                    uid: job.uid,
                    name: job.name,
                    project: job.project,
                    attempt: job.attempt,
                    what: job.kind.into(),
                    last_line: job.line,
                })
                .collect(),
            quiet: row.quiet,
            read: row.read_at.is_some(),
            hook_error: match row.hook {
                HookState::Failed(why) => Some(why),
                HookState::None | HookState::Due | HookState::Done => None,
            },
        }
    }
}

impl From<notification::Settings> for wire::NotificationSettings {
    fn from(settings: notification::Settings) -> Self {
        Self {
            off: settings.off.into_iter().map(Into::into).collect(),
            muted_projects: settings.muted_projects.into_iter().collect(),
            quiet: settings.quiet.into_iter().map(Into::into).collect(),
            gpu_hot: settings.gpu_hot,
            disk_low: settings.disk_low,
            stall_ms: settings.stall_ms,
        }
    }
}

/// Settings of notifications to change, as the engine takes them.
///
/// # Errors
/// A quiet hour has no such form.
pub(crate) fn change(change: wire::ChangeNotifications) -> Result<notification::Change> {
    let quiet = change
        .quiet
        .map(|windows| windows.into_iter().map(|window| convert::window(window, "quiet")).collect())
        .transpose()?;
    Ok(notification::Change {
        off: change.off.map(|kinds| kinds.into_iter().map(Into::into).collect()),
        muted_projects: change.muted_projects.map(|names| names.into_iter().collect()),
        quiet,
        gpu_hot: change.gpu_hot,
        disk_low: change.disk_low,
        stall_ms: change.stall_ms,
    })
}
