//! The project's own tasks, so that nobody has to remember a command: `cargo xtask help`.
//!
//! Each task is a module. What several of them need stands in [`workspace`] (where things are),
//! [`process`] (starting other programs), [`system`] (what the machine must have) and [`display`]
//! (a screen that exists only in memory).

mod bench;
mod codegen;
mod display;
mod process;
mod run;
mod shots;
mod system;
mod test;
mod ui;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask TASK

  run [--release] [-- ARGUMENTS]   install what is missing, build, and open the window
  test [--no-window] [STEP...]     every test, or only the steps named (see below)
  test --gpu                       what can be tested against this machine's own NVIDIA GPU
  setup [--test]                   only install what is missing; --test: what the tests need too
  codegen [--check]                write the TypeScript types of the commands, or check them
  shots [VIEW...]                  take the pictures in docs/shots anew, or only those of the views named
  bench [FIGURE...]                measure latency, throughput, idle; table and target/bench.json
  help                             this text

Steps of test, in order:
  ";

fn main() -> ExitCode {
    match task() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn task() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match name.as_str() {
        "run" => {
            let options = run::Options::parse(&rest)?;
            let workspace = Workspace::find()?;
            system::install(&[system::Set::Build])?;
            run::run(&workspace, &options)?;
        }
        "setup" => {
            let tests = switches(&rest, ["--test"])?[0];
            let workspace = Workspace::find()?;
            let sets: &[system::Set] =
                if tests { &[system::Set::Build, system::Set::Test] } else { &[system::Set::Build] };
            system::install(sets)?;
            ui::install(&workspace)?;
        }
        "test" => return test::run(&Workspace::find()?, &test::Options::parse(&rest)?),
        "codegen" => codegen::run(&Workspace::find()?, switches(&rest, ["--check"])?[0])?,
        "shots" => {
            let workspace = Workspace::find()?;
            system::install(&[system::Set::Build, system::Set::Test])?;
            shots::run(&workspace, &rest)?;
        }
        "bench" => return bench::run(&Workspace::find()?, &rest),
        "help" | "--help" | "-h" => {
            println!("{HELP}{}", test::step_names().join(" "));
        }
        "" => bail!("which task? `cargo xtask help` lists them"),
        other => bail!("there is no task `{other}`; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads arguments that are all optional switches; the answer says of each whether it was given.
fn switches<const N: usize>(arguments: &[String], known: [&str; N]) -> Result<[bool; N]> {
    let mut given = [false; N];
    for argument in arguments {
        match known.iter().position(|switch| switch == argument) {
            Some(index) => given[index] = true,
            None => bail!("unknown argument `{argument}`; known here: {}", known.join(", ")),
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_and_others_refused() {
        let read = |given: &[&str]| {
            let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
            switches(&given, ["--check", "--fast"])
        };
        assert_eq!(read(&[]).unwrap(), [false, false]);
        assert_eq!(read(&["--fast"]).unwrap(), [false, true]);
        let refused = read(&["--slow"]).unwrap_err().to_string();
        assert!(refused.contains("--slow") && refused.contains("--check, --fast"), "{refused}");
    }
}
