//! The `tarsia` command: arguments in, rendered answers out. What it does is done by the other
//! crates.

mod args;
mod board;
mod commands;
mod compared;
mod making;
mod manifests;
mod progress;
mod recall;
mod session;
mod side;
mod sources;
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
        Command::Cache { what } => return commands::cache::run(&cli.global, ui, &what),
        Command::Completions { shell } => return commands::completions::run(shell),
        Command::Explain { code } => return commands::explain::run(ui, code.as_deref()),
        Command::Man { folder } => return commands::man::run(ui, &folder),
        _ => {}
    }
    let session = match Session::open(&cli.global, ui) {
        Ok(session) => session,
        Err(problem) => return ui.report(&[problem], &SourceMap::default()),
    };
    match cli.command {
        Command::Check { products, all: _ } => commands::check::run(&session, &products),
        Command::Build { products, out, how, .. } => {
            commands::build::run(&session, &products, out.as_deref(), &how.into())
        }
        Command::Lock { products, all: _, locked } => {
            commands::lock::run(&session, &products, locked)
        }
        Command::Update { product, components } => {
            commands::update::run(&session, &product, &components)
        }
        Command::Fetch { products, all: _, from } => {
            commands::fetch::run(&session, &products, from.as_deref())
        }
        Command::Vendor { folder, products, all: _ } => {
            commands::vendor::run(&session, &folder, &products)
        }
        Command::Run { product, until, timeout, forward } => {
            let wish = commands::run::Wish { until: until.as_deref(), timeout, forward: &forward };
            commands::run::run(&session, &product, &wish)
        }
        Command::Shell { product, component, file, command } => {
            let file = file.as_deref();
            commands::shell::run(&session, &product, component.as_deref(), file, command)
        }
        Command::Size { product, detail } => commands::size::run(&session, &product, detail),
        Command::Graph { product, format, out } => {
            commands::graph::run(&session, &product, format, out.as_deref())
        }
        Command::Show { product, origin } => commands::show::run(&session, &product, origin),
        Command::Diff { before, after, exit_code } => {
            commands::diff::run(&session, &before, after.as_deref(), exit_code)
        }
        Command::Matrix { products, capabilities, features, differing, csv } => {
            let wanted = commands::matrix::Wanted { capabilities, features, differing, csv };
            commands::matrix::run(&session, &products, wanted)
        }
        Command::Tree { product, invert } => {
            commands::tree::run(&session, &product, invert.as_ref().map(Option::as_deref))
        }
        Command::Why { product, asked } => commands::why::run(&session, &product, &asked),
        Command::WhyNot { product, asked } => commands::why_not::run(&session, &product, &asked),
        Command::WhatIf { product, changes } => {
            commands::what_if::run(&session, &product, &changes)
        }
        Command::List { kind } => commands::list::run(&session, kind),
        Command::New { what } => commands::new::run(&session, &what),
        Command::Cache { .. }
        | Command::Completions { .. }
        | Command::Explain { .. }
        | Command::Man { .. } => Outcome::Success,
    }
}
