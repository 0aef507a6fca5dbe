//! `athanor settings`

use std::process::ExitCode;

use athanor_api::autostart;
use athanor_api::command::{ChangeSettings, GetHook, GetSettings, SetHook};
use athanor_api::transfer::nearest;
use athanor_api::wire::{self, ErrorCode, Nothing};
use clap::Args;
use serde_json::Value;

use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::{values, windows};
use crate::print;

/// What `settings` takes.
#[derive(Args)]
#[command(after_help = "\
Settings:
  slots=2                    jobs at once of those that do not say what they need
  max_running=none           jobs at once of every kind
  per_gpu=none               jobs that may share a GPU
  per_project=none           jobs of a project at once
  ignore_idle_processes=true idle processes of others leave a GPU free
  windows=\"nights mon-sun 22:00-07:00; weekends sat,sun 00:00-24:00\"
                             parts of the week in which scheduled jobs may start
  keep_days=30               after which events and logs may be cleaned up
  idle_gpu_percent=5         below this the GPUs of a running job count as idle; 0 is never
  idle_gpu_minutes=15        after so many minutes of that you are told
  idle_gpu_cancel=false      and the job is cancelled
  log_limit=64MiB            size at which a job's log is rotated
  notify=true                the desktop shows notifications; they are kept in any case
  notify_off=completed,drained
                             kinds that nothing is told of: completed, failed, cancelled, blocked,
                             drained, gpu_hot, gpu_lost, disk_low, stalled, gpu_idle
  muted_projects=toys,old    projects whose jobs nothing is told of
  quiet=\"nights mon-sun 22:00-07:00\"
                             when nothing is shown; it is summed up afterwards
  gpu_hot=87                 from here on a GPU is hot, °C
  disk_low=5GiB              below this a disk is nearly full
  stall=1h                   a job that has written nothing for so long has stalled
  hook=\"COMMAND LINE\"       run with each notification as JSON on its standard input; none takes it away
  hook_url=https://…         posted to instead
  close_action=tray          what closing the window does: tray or quit
  autostart=false            the desktop starts the window's program, hidden in the tray
  appearance=system          the look: system, light or dark")]
pub struct Arguments {
    /// Settings to change; none to show them all
    #[arg(value_name = "NAME=VALUE")]
    changes: Vec<String>,
}

/// Shows or changes settings. Names and values are those of the JSON form; hyphens are taken, too.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    let (hooks, changes): (Vec<String>, Vec<String>) =
        arguments.changes.iter().cloned().partition(|change| is_hook(change));
    // Read whole before anything is changed.
    let hook = hooks.last().map(|change| hook(change)).transpose()?;
    let changes = if changes.is_empty() { None } else { Some(parse(&changes)?) };
    if let Some(hook) = hook {
        backend.call::<SetHook>(&wire::SetHook { hook })?;
    }
    let settings = match &changes {
        None => backend.call::<GetSettings>(&Nothing {})?,
        Some(changes) => backend.call::<ChangeSettings>(changes)?,
    };
    if let Some(wanted) = changes.and_then(|changes| changes.autostart) {
        start_with_desktop(wanted);
    }
    if json {
        print::json(&settings)?;
        return Ok(ExitCode::SUCCESS);
    }
    let all = serde_json::to_value(&settings).unwrap_or_default();
    let plain = all.as_object().into_iter().flatten().filter(|(name, _)| *name != "notifications");
    print::lines(plain.map(|(name, value)| {
        let text = match (name.as_str(), value) {
            ("windows", _) => windows::print(&settings.windows),
            ("log_limit", _) => athanor_api::quantity::print_bytes(settings.log_limit),
            (_, Value::Null) => "none".to_owned(),
            (_, Value::String(text)) => text.clone(),
            _ => value.to_string(),
        };
        format!("{name}={text}")
    }))?;
    print::lines(told_of(&settings.notifications))?;
    print::lines(hook_lines(&backend.call::<GetHook>(&Nothing {})?))?;
    Ok(ExitCode::SUCCESS)
}

/// A window that runs does this by itself; without one it is done here.
fn start_with_desktop(wanted: bool) {
    let done = match autostart::window_program() {
        Some(program) => autostart::apply(&program, wanted).map_err(|error| error.to_string()),
        None if wanted => Err("the program athanor-desktop was not found; open the window once".into()),
        None => Ok(()),
    };
    if let Err(why) = done {
        eprintln!(
            "athanor: the setting is kept, but the desktop's autostart entry could not be changed: {why}"
        );
    }
}

/// The settings of notifications by the names that are taken here.
fn told_of(settings: &wire::NotificationSettings) -> Vec<String> {
    let words = serde_json::to_value(&settings.off).unwrap_or_default();
    let words: Vec<&str> = words.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    vec![
        format!("notify_off={}", words.join(",")),
        format!("muted_projects={}", settings.muted_projects.join(",")),
        format!("quiet={}", windows::print(&settings.quiet)),
        format!("gpu_hot={}", settings.gpu_hot),
        format!("disk_low={}", athanor_api::quantity::print_bytes(settings.disk_low)),
        format!("stall={}", print::duration(i64::try_from(settings.stall_ms).unwrap_or(i64::MAX))),
    ]
}

fn hook_lines(info: &wire::HookInfo) -> Vec<String> {
    let mut lines = vec![match &info.hook {
        None => "hook=none".to_owned(),
        Some(wire::Hook::Command(wire::Command::Shell(line))) => format!("hook={line}"),
        Some(wire::Hook::Command(wire::Command::Argv(argv))) => format!("hook={}", argv.join(" ")),
        // The rest of it often is a secret.
        Some(wire::Hook::Webhook(url)) => format!("hook_url={url}"),
    }];
    if let Some(failure) = &info.failure {
        lines.push(format!("# it failed at {}: {}", print::time(failure.at), failure.message));
    }
    lines
}

fn is_hook(change: &str) -> bool {
    change.split_once('=').is_some_and(|(name, _)| matches!(name, "hook" | "hook_url" | "hook-url"))
}

/// A hook of `hook=LINE` or `hook_url=ADDRESS`.
fn hook(change: &str) -> Result<Option<wire::Hook>, Failure> {
    let (name, text) = change.split_once('=').unwrap_or((change, ""));
    Ok(match (name, text.trim()) {
        (_, "none" | "") => None,
        ("hook", line) if line.starts_with("http://") || line.starts_with("https://") => {
            Some(wire::Hook::Webhook(line.to_owned()))
        }
        ("hook", line) => Some(wire::Hook::Command(wire::Command::Shell(line.to_owned()))),
        (_, url) => Some(wire::Hook::Webhook(url.to_owned())),
    })
}

/// Settings of notifications, and what they are in the JSON form.
const TOLD_OF: [(&str, &str); 6] = [
    ("notify_off", "off"),
    ("muted_projects", "muted_projects"),
    ("quiet", "quiet"),
    ("gpu_hot", "gpu_hot"),
    ("disk_low", "disk_low"),
    ("stall", "stall_ms"),
];

const NAMES: [&str; 15] = [
    "slots",
    "close_action",
    "autostart",
    "appearance",
    "notify",
    "log_limit",
    "max_running",
    "per_gpu",
    "per_project",
    "ignore_idle_processes",
    "windows",
    "keep_days",
    "idle_gpu_percent",
    "idle_gpu_minutes",
    "idle_gpu_cancel",
];

fn parse(changes: &[String]) -> Result<wire::ChangeSettings, Failure> {
    let wrong = |text: String| fail(ErrorCode::InvalidInput, text);
    let mut object = serde_json::Map::new();
    let mut told_of = serde_json::Map::new();
    let known = || NAMES.into_iter().chain(TOLD_OF.map(|(name, _)| name)).chain(["hook", "hook_url"]);
    for change in changes {
        let (name, text) =
            change.split_once('=').ok_or_else(|| wrong(format!("“{change}” is not NAME=VALUE")))?;
        let name = match name.replace('-', "_") {
            name if name == "ignore_idle" => "ignore_idle_processes".to_owned(),
            name => name,
        };
        if let Some((_, key)) = TOLD_OF.iter().find(|(known, _)| *known == name) {
            let list = || {
                text.split(',')
                    .map(str::trim)
                    .filter(|word| !word.is_empty() && *word != "none")
                    .collect::<Vec<_>>()
            };
            let value = match *key {
                "off" | "muted_projects" => list().into(),
                "quiet" if text == "none" => Value::Array(Vec::new()),
                "quiet" => serde_json::to_value(windows::parse(text).map_err(wrong)?).unwrap_or_default(),
                "disk_low" => values::size(text).map_err(wrong)?.into(),
                "stall_ms" => values::duration(text).map_err(wrong)?.into(),
                _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            };
            told_of.insert((*key).to_owned(), value);
            continue;
        }
        if !NAMES.contains(&name.as_str()) {
            return Err(wrong(match nearest(&name, known()) {
                Some(meant) => format!("there is no setting “{name}”; did you mean “{meant}”?"),
                None => {
                    format!(
                        "there is no setting “{name}”; there are {}",
                        known().collect::<Vec<_>>().join(", ")
                    )
                }
            }));
        }
        let value = match name.as_str() {
            "windows" => serde_json::to_value(windows::parse(text).map_err(wrong)?).unwrap_or_default(),
            "log_limit" => values::size(text).map_err(wrong)?.into(),
            "max_running" | "per_gpu" | "per_project" if text == "none" => Value::Null,
            // Numbers and truth values as such, everything else as a word.
            _ => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        object.insert(name, value);
    }
    if !told_of.is_empty() {
        object.insert("notifications".into(), told_of.into());
    }
    serde_json::from_value(object.into())
        .map_err(|cause| wrong(format!("that value is not possible: {cause}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(text: &str) -> Result<wire::ChangeSettings, String> {
        parse(&text.split('|').map(str::to_owned).collect::<Vec<_>>()).map_err(|failure| failure.0.message)
    }

    #[test]
    fn limits_can_be_set_and_taken_away() {
        let set = change("max-running=4|per_gpu=none|log_limit=8MiB|ignore-idle=true").expect("settings");
        assert_eq!(set.max_running, Some(Some(4)));
        assert_eq!(set.per_gpu, Some(None));
        assert_eq!(set.per_project, None, "left as it is");
        assert_eq!(set.log_limit, Some(8 << 20));
        assert_eq!(set.ignore_idle_processes, Some(true));
        assert_eq!(change("windows=").expect("settings").windows, Some(Vec::new()));
    }

    #[test]
    fn what_is_told_of_can_be_set() {
        let set =
            change("notify-off=completed, drained|gpu_hot=90|disk_low=1GiB|stall=90m|muted_projects=a,b")
                .expect("settings")
                .notifications
                .expect("of notifications");
        assert_eq!(set.off, Some(vec![wire::NotificationKind::Completed, wire::NotificationKind::Drained]));
        assert_eq!((set.gpu_hot, set.disk_low, set.stall_ms), (Some(90), Some(1 << 30), Some(5_400_000)));
        assert_eq!(set.muted_projects, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(set.quiet, None, "left as it is");
        assert_eq!(
            change("notify_off=none").expect("settings").notifications.expect("some").off,
            Some(Vec::new())
        );
        assert!(change("slots=2").expect("settings").notifications.is_none());
    }

    #[test]
    fn a_hook_is_a_line_an_address_or_none() {
        let of = |change: &str| hook(change).map_err(|failure| failure.0.message).expect("a hook");
        assert_eq!(of("hook=none"), None);
        assert_eq!(
            of("hook=notify-send x=1"),
            Some(wire::Hook::Command(wire::Command::Shell("notify-send x=1".into())))
        );
        assert_eq!(of("hook_url=https://host/x"), Some(wire::Hook::Webhook("https://host/x".into())));
        assert_eq!(of("hook=https://host/x"), Some(wire::Hook::Webhook("https://host/x".into())));
        assert!(is_hook("hook=a=b") && !is_hook("hooks=a"));
    }

    #[test]
    fn faults_say_what_there_is() {
        for (text, words) in [
            ("slot=2", "did you mean “slots”"),
            ("colour=red", "there is no setting “colour”; there are slots"),
            ("slots", "not NAME=VALUE"),
            ("slots=many", "not possible"),
            ("max_running=-1", "not possible"),
            ("windows=soon", "nights mon-sun"),
            ("notify_off=everything", "not possible"),
            ("stal=1h", "did you mean “stall”"),
            ("stall=soon", "soon"),
        ] {
            let said = change(text).err().unwrap_or_default();
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
