//! The `tarsia` command: arguments in, rendered answers out. What it does is done by the other
//! crates.

mod args;
mod commands;
mod session;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use tarsia_model::SourceMap;

use args::{Cli, Command};
use session::Session;
use ui::{Outcome, Ui};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = Ui::new(&cli.global);
    ExitCode::from(run(cli, ui).code())
}

fn run(cli: Cli, ui: Ui) -> Outcome {
    match cli.command {
        Command::Completions { shell } => return commands::completions::run(shell),
        Command::Man { folder } => return commands::man::run(ui, &folder),
        _ => {}
    }
    let session = match Session::open(&cli.global, ui) {
        Ok(session) => session,
        Err(problem) => return ui.report(&[problem], &SourceMap::default()),
    };
    match cli.command {
        Command::Check { products, all: _ } => commands::check::run(&session, &products),
        Command::Build { product, out } => commands::build::run(&session, &product, out.as_deref()),
        Command::Run { product, until, timeout } => {
            commands::run::run(&session, &product, until.as_deref(), timeout)
        }
        Command::Size { product, detail } => commands::size::run(&session, &product, detail),
        Command::Tree { product } => commands::tree::run(&session, &product),
        Command::List { kind } => commands::list::run(&session, kind),
        Command::New { what } => commands::new::run(&session, &what),
        Command::Completions { .. } | Command::Man { .. } => Outcome::Success,
    }
}
