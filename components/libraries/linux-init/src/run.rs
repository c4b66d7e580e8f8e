//! One program, many names: what it is this time is told by the name it was started under.

use std::path::Path;
use std::process::ExitCode;

use rustix::process::getpid;
use tarsia_process::Exit;

use crate::{Process, System, confine, init};

/// The whole of a product's `main`. As process 1, or under the name `init`, supervises the processes
/// until the product is shut down; under the name of a process, confines itself and becomes it.
///
/// Under the name `init` but not as process 1, which is how tests run it, nothing is mounted and
/// the machine is left running at the end.
pub fn run(processes: &'static [Process], system: &'static System) -> ExitCode {
    let first = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&first).file_name().unwrap_or_default();
    if getpid().is_init() || name == "init" {
        return init::run(processes, system);
    }
    match processes.iter().find(|process| name == process.name) {
        Some(process) => become_process(process),
        None => {
            let known: Vec<_> = processes.iter().map(|process| process.name).collect();
            tarsia_process::say(format_args!(
                "`{}` is neither `init` nor a process of {} ({})",
                name.display(),
                system.name,
                known.join(", ")
            ));
            ExitCode::from(2)
        }
    }
}

fn become_process(process: &'static Process) -> ExitCode {
    tarsia_process::call(process.name);
    let exit = match confine::confine(process) {
        Ok(()) => {
            tarsia_process::started();
            (process.run)()
        }
        Err(error) => Exit::failed("give up privileges", error),
    };
    exit.tell();
    match exit {
        Exit::Done => ExitCode::SUCCESS,
        Exit::Failed(_) => ExitCode::FAILURE,
    }
}
