//! `tarsia man`: the man pages, from the definition of the command line.

use std::path::Path;

use clap::CommandFactory as _;
use tarsia_model::{Code, Diagnostic, SourceMap};

use crate::args::Cli;
use crate::ui::{Outcome, Ui};

/// Writes one page for the command and one for each subcommand.
pub fn run(ui: Ui, folder: &Path) -> Outcome {
    let written = fs_err::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    match written {
        Ok(()) => Outcome::Success,
        Err(error) => {
            let message = format!("the man pages could not be written: {error}");
            ui.report(&[Diagnostic::error(Code::OutputFailed, message)], &SourceMap::default())
        }
    }
}
