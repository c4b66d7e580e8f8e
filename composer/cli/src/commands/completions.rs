//! `tarsia completions`: a completion script for a shell, from the definition of the command line.

use clap::CommandFactory as _;

use crate::args::Cli;
use crate::ui::Outcome;

/// Writes the script to the standard output.
pub fn run(shell: clap_complete::Shell) -> Outcome {
    clap_complete::generate(shell, &mut Cli::command(), "tarsia", &mut std::io::stdout());
    Outcome::Success
}
