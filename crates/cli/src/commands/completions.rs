//! `athanor completions`

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use clap_complete::{Shell, generate};

/// What `completions` takes.
#[derive(Args)]
pub struct Arguments {
    /// The shell
    shell: Known,
}

#[derive(Clone, Copy, ValueEnum)]
enum Known {
    /// In ~/.bashrc: eval "$(athanor completions bash)"
    Bash,
    /// In ~/.zshrc, after compinit: eval "$(athanor completions zsh)"
    Zsh,
    /// athanor completions fish > ~/.config/fish/completions/athanor.fish
    Fish,
}

/// Prints what makes a shell complete commands and options.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> ExitCode {
    let shell = match arguments.shell {
        Known::Bash => Shell::Bash,
        Known::Zsh => Shell::Zsh,
        Known::Fish => Shell::Fish,
    };
    generate(shell, &mut command, "athanor", &mut std::io::stdout().lock());
    ExitCode::SUCCESS
}
