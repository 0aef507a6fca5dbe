//! `cargo xtask test`: every check and test of the project, step by step, up to the first failure.
//!
//! - The page is built before anything that compiles the window, which takes the page in.
//! - All of the workspace is always built together and with one set of features: a step that named
//!   a single package would compile its dependencies again with fewer features.
//! - The last line counts the tests of all steps, for readers and build servers.

mod count;
mod gpu;

use std::io::IsTerminal;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::display::Display;
use crate::process::{answer, call, call_reading_lines, say};
use crate::test::count::Count;
use crate::workspace::{FEATURES, WINDOW_TEST, Workspace};
use crate::{codegen, system, ui};

/// What the user asked for.
pub struct Options {
    window: bool,
    /// Only what is tested against this machine's own GPU.
    gpu: bool,
    /// Empty for all.
    steps: Vec<String>,
}

impl Options {
    /// `[--no-window] [STEP...]`, or `--gpu` alone
    pub fn parse(given: &[String]) -> Result<Self> {
        let mut options = Self { window: true, gpu: false, steps: Vec::new() };
        for argument in given {
            if argument == "--no-window" {
                options.window = false;
            } else if argument == "--gpu" {
                options.gpu = true;
            } else if STEPS.iter().any(|step| step.name == argument) {
                options.steps.push(argument.clone());
            } else {
                bail!("there is no step `{argument}`; the steps are: {}", step_names().join(" "));
            }
        }
        if options.gpu && given.len() > 1 {
            bail!("--gpu is a test of its own: it goes with no other argument");
        }
        Ok(options)
    }

    fn choose(&self, step: &Step) -> bool {
        (self.window || step.name != "window")
            && (self.steps.is_empty() || self.steps.iter().any(|name| name == step.name))
    }
}

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace, &mut Count) -> Result<Done>,
}

enum Done {
    Passed,
    /// Why it could not be done here, though nothing is wrong with the project.
    Skipped(&'static str),
}

const STEPS: &[Step] = &[
    Step { name: "fmt", what: "formatting", run: fmt },
    Step { name: "ui-install", what: "npm packages", run: ui_install },
    Step { name: "bindings", what: "TypeScript types of the commands are current", run: bindings },
    Step { name: "ui-check", what: "types of the page", run: ui_check },
    Step { name: "ui-test", what: "unit tests of the page", run: ui_test },
    Step { name: "ui-build", what: "the page", run: ui_build },
    Step { name: "clippy", what: "lints, warnings denied", run: clippy },
    Step { name: "deny", what: "licences, bans and sources of dependencies", run: deny },
    Step { name: "build", what: "all programs and tests", run: build },
    Step { name: "rust", what: "Rust unit and integration tests", run: rust },
    Step { name: "doc", what: "Rust documentation tests", run: doc },
    Step { name: "demo", what: "the demo project's tests", run: demo },
    Step { name: "browser", what: "the page in Chromium over the bridge", run: browser },
    Step { name: "window", what: "the real window", run: window },
];

/// A run of the page or the window that takes longer than this hangs.
const LIMIT_SECONDS: u32 = 900;

/// The names that choose steps on the command line.
pub fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs the chosen steps; fails at the first that fails.
pub fn run(workspace: &Workspace, options: &Options) -> Result<ExitCode> {
    if options.gpu {
        return gpu::run(workspace);
    }
    if options.steps.is_empty() {
        system::install(&[system::Set::Build, system::Set::Test])?;
    }
    let mut total = Count::default();
    let mut times: Vec<String> = Vec::new();
    let mut broken = None;
    for step in STEPS.iter().filter(|step| options.choose(step)) {
        say(&format!("{}: {}", step.name, step.what));
        let started = Instant::now();
        let mut count = Count::default();
        let outcome = (step.run)(workspace, &mut count);
        let took = seconds(started.elapsed());
        let word = match &outcome {
            Ok(Done::Passed) => "passed".to_owned(),
            Ok(Done::Skipped(reason)) => format!("skipped: {reason}"),
            Err(_) => "FAILED".to_owned(),
        };
        times.push(format!("{took:>8}  {:<11} {word}", step.name));
        say(&format!("{}: {word} after {}", step.name, took.trim()));
        if outcome.is_err() {
            // A step may fail without a failed test, as when something does not compile.
            count.failed = count.failed.max(1);
        }
        total.add(count);
        if let Err(error) = outcome {
            broken = Some((step.name, error));
            break;
        }
    }

    println!("\n{}", times.join("\n"));
    if let Some((name, error)) = &broken {
        println!("\nStep {name} failed: {error:#}\nTo run only this step: cargo xtask test {name}");
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    Ok(if broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Runs `command` and counts the tests that it tells of.
fn counted(command: &mut Command, count: &mut Count) -> Result<Done> {
    call_reading_lines(command, |line| count.read(line))?;
    Ok(Done::Passed)
}

fn checked(command: &mut Command) -> Result<Done> {
    call(command)?;
    Ok(Done::Passed)
}

/// A cargo command on the whole workspace with its one set of features.
fn whole(workspace: &Workspace, task: &[&str]) -> Command {
    let mut command = workspace.cargo(task.iter().copied());
    command.args(["--workspace", "--features", FEATURES]);
    command
}

fn npm_script(workspace: &Workspace, script: &str) -> Command {
    let mut command = ui::npm(workspace, &["run", script]);
    if !std::io::stdout().is_terminal() {
        // Some Node programs colour their output on build servers.
        command.env("NO_COLOR", "1");
    }
    command
}

fn fmt(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    let mut command = workspace.cargo(["fmt", "--all", "--check"]);
    if !std::io::stdout().is_terminal() {
        // It colours its differences wherever they go.
        command.args(["--", "--color", "never"]);
    }
    checked(&mut command).context("run `cargo fmt --all`")
}

fn ui_install(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    ui::install(workspace)?;
    Ok(Done::Passed)
}

fn bindings(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    codegen::run(workspace, true)?;
    Ok(Done::Passed)
}

fn ui_check(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    checked(&mut npm_script(workspace, "check"))
}

fn ui_test(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    counted(&mut npm_script(workspace, "test"), count)
}

fn ui_build(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    ui::build(workspace)?;
    Ok(Done::Passed)
}

fn clippy(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    checked(whole(workspace, &["clippy", "--all-targets"]).args(["--", "--deny", "warnings"]))
}

fn deny(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    if answer(&mut workspace.cargo(["deny", "--version"])).is_none() {
        return Ok(Done::Skipped("cargo-deny is not installed (`cargo install cargo-deny`)"));
    }
    checked(&mut workspace.cargo(["deny", "--offline", "check", "licenses", "bans", "sources"]))
}

fn build(workspace: &Workspace, _: &mut Count) -> Result<Done> {
    checked(&mut whole(workspace, &["build", "--all-targets"]))
}

/// All but the window's test, which needs a display.
fn rust(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    if !std::path::Path::new("/dev/fuse").exists() {
        say("THERE IS NO /dev/fuse HERE: network folders, and servers that hang, are not tested");
    }
    if answer(&mut workspace.cargo(["nextest", "--version"])).is_some() {
        let mut command = whole(workspace, &["nextest", "run", "--no-fail-fast"]);
        // It refuses to pass over what is not there.
        if workspace.has_test(WINDOW_TEST) {
            command.args(["--filterset", &format!("not binary(={WINDOW_TEST})")]);
        }
        return counted(&mut command, count);
    }
    let mut command = whole(workspace, &["test", "--no-fail-fast", "--lib", "--bins"]);
    for test in workspace.tests.iter().filter(|test| *test != WINDOW_TEST) {
        command.args(["--test", test]);
    }
    counted(&mut command, count)
}

fn doc(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    counted(&mut whole(workspace, &["test", "--doc"]), count)
}

fn demo(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    let mut command = Command::new("python3");
    command.args(["-m", "unittest", "--verbose"]).current_dir(workspace.root.join("examples/demo"));
    // Compiled modules would lie about in the sources.
    counted(command.env("PYTHONDONTWRITEBYTECODE", "1"), count)
}

fn browser(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    let mut command = npm_script(workspace, "test:browser");
    counted(command.env("ATHANOR_BIN", workspace.program(false, "athanor")), count)
}

fn window(workspace: &Workspace, count: &mut Count) -> Result<Done> {
    if !workspace.has_test(WINDOW_TEST) {
        bail!("no package declares the test `{WINDOW_TEST}`, so the window would go untested");
    }
    let display = Display::start()?;
    let cargo = whole(workspace, &["test", "--test", WINDOW_TEST]);
    let mut command = display.command(&cargo.get_program().to_string_lossy(), LIMIT_SECONDS);
    command.args(cargo.get_args()).current_dir(&workspace.root);
    counted(&mut command, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(words: &str) -> Result<Vec<&'static str>> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        let options = Options::parse(&words)?;
        Ok(STEPS.iter().filter(|step| options.choose(step)).map(|step| step.name).collect())
    }

    #[test]
    fn steps_are_chosen_by_name_and_kept_in_order() {
        assert_eq!(chosen("").unwrap(), step_names());
        assert_eq!(chosen("rust fmt").unwrap(), ["fmt", "rust"]);
        assert!(!chosen("--no-window").unwrap().contains(&"window"));
        assert!(chosen("--gpu fmt").is_err(), "a test of its own");
        let refused = chosen("rsut").unwrap_err().to_string();
        assert!(refused.contains("`rsut`") && refused.contains("rust"), "{refused}");
    }

    #[test]
    fn the_page_is_built_before_the_window_is_compiled() {
        let place = |name| STEPS.iter().position(|step| step.name == name).unwrap();
        for later in ["clippy", "build", "rust", "window"] {
            assert!(place("ui-build") < place(later), "{later} compiles the window");
        }
    }
}
