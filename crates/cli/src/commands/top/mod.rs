//! `athanor top`: the machine live in a terminal.
//!
//! What is drawn is pushed by the engine; this waits for that, for a key, and for a terminal of another size. It draws
//! on the terminal's second screen, and only the lines that have changed. Without a terminal it prints once.

mod draw;
mod screen;

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use athanor_api::command::{DeviceHistory, ListExperiments, LookAtDevice};
use athanor_api::socket::Pushes;
use athanor_api::wire::{self, DeviceSample, ErrorCode, Experiment, HostFacts, Nothing, Push};
use clap::Args;

use self::draw::{Scene, Sort};
use self::screen::Screen;
use crate::backend::Backend;
use crate::exit::{Failure, fail};
use crate::options::values::now;
use crate::print;

/// What `top` takes.
#[derive(Args)]
#[command(after_help = "\
Keys: s sorts the processes by another column, up and down move through them, q ends it.")]
pub struct Arguments {
    /// Print it once and end
    #[arg(long)]
    once: bool,
}

/// How long the engine is asked to look closely, milliseconds; it is asked again at half of that.
const LOOK: u32 = 20_000;

/// What happens.
enum Happening {
    Pushed(Box<Push>),
    Key(Key),
    /// The terminal has another size, or comes back to the front.
    Resized,
    /// We are to end, or the engine has.
    Over(Option<String>),
}

/// What somebody pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Quit,
    Sort,
    Up,
    Down,
}

/// Shows the machine until somebody has seen enough.
pub fn run(backend: &mut Backend, arguments: &Arguments, json: bool) -> Result<ExitCode, Failure> {
    // Listening begins before reading, so that nothing falls in between.
    let pushes = backend.listen()?;
    let history = backend.call::<DeviceHistory>(&Nothing {})?;
    let (Some(pushes), Some(sample)) = (pushes, history.samples.last().cloned()) else {
        return Err(fail(
            ErrorCode::EngineGone,
            "no engine looks at the machine: “athanor serve” or the window runs one",
        ));
    };
    if json {
        print::json(&sample)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut view = View::new(history.facts, sample, jobs(backend)?);
    if arguments.once || !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        let scene = view.scene(false);
        print::lines(draw::frame(&scene, print::columns(), usize::MAX).iter().map(|line| line.plain()))?;
        return Ok(ExitCode::SUCCESS);
    }
    live(backend, &mut view, pushes)
}

struct View {
    facts: Option<HostFacts>,
    sample: DeviceSample,
    jobs: Vec<Experiment>,
    sort: Sort,
    /// The first of the processes that is shown.
    from: usize,
    /// Utilisation of each GPU in the last samples, oldest first.
    past: draw::Past,
}

impl View {
    fn new(facts: Option<HostFacts>, sample: DeviceSample, jobs: Vec<Experiment>) -> Self {
        let mut past = draw::Past::default();
        past.push(&sample);
        Self { facts, sample, jobs, sort: Sort::Memory, from: 0, past }
    }

    fn scene(&self, keys: bool) -> Scene<'_> {
        Scene {
            facts: self.facts.as_ref(),
            sample: &self.sample,
            jobs: &self.jobs,
            past: &self.past,
            sort: self.sort,
            from: self.from,
            now: now(),
            keys,
        }
    }
}

fn jobs(backend: &mut Backend) -> Result<Vec<Experiment>, Failure> {
    let input = wire::ListExperiments {
        section: wire::Section::Active,
        text: None,
        project: None,
        statuses: Vec::new(),
        group: None,
        ungrouped: false,
        archived: false,
        offset: 0,
        limit: 100,
    };
    Ok(backend.call::<ListExperiments>(&input)?.experiments)
}

fn live(backend: &mut Backend, view: &mut View, pushes: Pushes) -> Result<ExitCode, Failure> {
    let (sender, happenings) = mpsc::channel();
    let mut screen = Screen::open()?;
    listen(&sender, pushes);
    watch_keys(&sender);
    watch_signals(&sender);
    let ended = show(backend, view, &mut screen, &happenings);
    // The terminal is as it was before anything is said.
    drop(screen);
    match ended? {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(fail(ErrorCode::EngineGone, why)),
    }
}

fn show(
    backend: &mut Backend,
    view: &mut View,
    screen: &mut Screen,
    happenings: &Receiver<Happening>,
) -> Result<Option<String>, Failure> {
    let mut asked = 0;
    loop {
        let at = now();
        if at - asked > i64::from(LOOK / 2) {
            backend.call::<LookAtDevice>(&wire::LookAtDevice { for_ms: LOOK })?;
            asked = at;
        }
        let (columns, rows) = screen.size();
        screen.show(&draw::frame(&view.scene(true), columns, rows))?;
        // All that has come meanwhile is drawn at once.
        let Ok(first) = happenings.recv() else { return Ok(None) };
        let mut stale = false;
        for happening in std::iter::once(first).chain(happenings.try_iter()) {
            match happening {
                Happening::Pushed(push) => match *push {
                    Push::DeviceUpdate { sample } => {
                        view.past.push(&sample);
                        view.sample = *sample;
                    }
                    Push::QueueUpdate { .. } | Push::Resync { .. } => stale = true,
                    Push::RunUpdate { uid, progress, metrics, .. } => {
                        if let Some(job) = view.jobs.iter_mut().find(|job| job.uid == uid) {
                            (job.progress, job.metrics) = (progress, metrics);
                        }
                    }
                    Push::EngineStopped {} => return Ok(Some("the engine stopped".into())),
                    _ => {}
                },
                Happening::Resized => screen.forget(),
                Happening::Over(why) => return Ok(why),
                Happening::Key(Key::Quit) => return Ok(None),
                Happening::Key(Key::Sort) => (view.sort, view.from) = (view.sort.next(), 0),
                Happening::Key(Key::Up) => view.from = view.from.saturating_sub(1),
                Happening::Key(Key::Down) => {
                    let last = super::devices::processes(&view.sample).len().saturating_sub(1);
                    view.from = (view.from + 1).min(last);
                }
            }
        }
        if stale {
            view.jobs = jobs(backend)?;
        }
    }
}

fn listen(sender: &Sender<Happening>, pushes: Pushes) {
    let sender = sender.clone();
    thread::spawn(move || {
        for push in pushes {
            if sender.send(Happening::Pushed(Box::new(push))).is_err() {
                return;
            }
        }
        // Who listens may be gone.
        let _ = sender.send(Happening::Over(Some("the engine is gone".into())));
    });
}

fn watch_keys(sender: &Sender<Happening>) {
    let sender = sender.clone();
    thread::spawn(move || {
        let mut bytes = [0u8; 64];
        loop {
            match std::io::stdin().lock().read(&mut bytes) {
                Ok(0) | Err(_) => {
                    // The terminal is gone.
                    let _ = sender.send(Happening::Over(None));
                    return;
                }
                Ok(count) => {
                    for key in keys(&bytes[..count]) {
                        if sender.send(Happening::Key(key)).is_err() {
                            return;
                        }
                    }
                }
            }
        }
    });
}

/// The keys in what was typed. Escape alone is a key, and the beginning of those that have no character.
fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut found = Vec::new();
    while let Some((&first, rest)) = bytes.split_first() {
        let (key, after) = match (first, rest) {
            (0x1b, [b'[' | b'O', b'A', after @ ..]) => (Some(Key::Up), after),
            (0x1b, [b'[' | b'O', b'B', after @ ..]) => (Some(Key::Down), after),
            // Another such key, up to its last byte.
            (0x1b, [b'[' | b'O', after @ ..]) => {
                let end = after
                    .iter()
                    .position(|byte| (0x40..0x7f).contains(byte))
                    .map_or(after.len(), |at| at + 1);
                (None, &after[end..])
            }
            (b'q' | b'Q' | 0x1b | 0x03 | 0x04, after) => (Some(Key::Quit), after),
            (b's', after) => (Some(Key::Sort), after),
            (b'k', after) => (Some(Key::Up), after),
            (b'j', after) => (Some(Key::Down), after),
            (_, after) => (None, after),
        };
        found.extend(key);
        bytes = after;
    }
    found
}

/// Signals come as happenings, so that the terminal is given back whatever ends us.
fn watch_signals(sender: &Sender<Happening>) {
    use tokio::signal::unix::{SignalKind, signal};
    let sender = sender.clone();
    thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let of = |kind| signal(kind).ok();
            let (Some(mut resized), Some(mut continued)) =
                (of(SignalKind::window_change()), of(SignalKind::from_raw(libc::SIGCONT)))
            else {
                return;
            };
            let (Some(mut ended), Some(mut hung_up), Some(mut interrupted)) =
                (of(SignalKind::terminate()), of(SignalKind::hangup()), of(SignalKind::interrupt()))
            else {
                return;
            };
            loop {
                let happening = tokio::select! {
                    _ = resized.recv() => Happening::Resized,
                    _ = continued.recv() => Happening::Resized,
                    _ = ended.recv() => Happening::Over(None),
                    _ = hung_up.recv() => Happening::Over(None),
                    _ = interrupted.recv() => Happening::Over(None),
                };
                if sender.send(happening).is_err() {
                    return;
                }
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_what_they_send() {
        assert_eq!(keys(b"s\x1b[A\x1b[Bjk"), [Key::Sort, Key::Up, Key::Down, Key::Down, Key::Up]);
        assert_eq!(keys(b"\x1b"), [Key::Quit]);
        assert_eq!(keys(b"\x03"), [Key::Quit]);
        assert_eq!(keys(b"\x1b[5~\x1b[1;5Cx"), [], "page up, control and right, and a letter");
        assert_eq!(keys("ä".as_bytes()), []);
    }
}
