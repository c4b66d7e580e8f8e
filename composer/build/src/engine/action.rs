//! One build step: what it reads, what it makes, and who carries it out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use tarsia_model::{Code, Diagnostic, Name};

use super::graph::ActionId;
use super::job::Job;

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Content that was generated.
    Text(Vec<u8>),
    /// A file.
    File(PathBuf),
    /// A folder with everything below it, but for files whose names end in one of these.
    Tree(PathBuf, &'static [&'static str]),
    /// What another action makes.
    Output(ActionId, String),
}

/// Something that is no file and may influence the outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// What it is: `tool`, `flag`, `environment`, `platform`, `fact`.
    pub kind: &'static str,
    /// Which one.
    pub name: String,
    /// Its value, without paths of this machine.
    pub value: String,
}

impl Setting {
    /// A setting.
    pub fn new(kind: &'static str, name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { kind, name: name.into(), value: value.into() }
    }
}

/// One build step.
pub struct Action<'w> {
    /// The product it is for.
    pub product: Name,
    /// What it makes, unique in its product: `firmware`, `cc/freertos/src/layout.c`.
    pub step: String,
    /// Which builder carries it out, with the version of what it does.
    pub builder: &'static str,
    /// What it reads, by path in its own folder.
    pub inputs: BTreeMap<String, Origin>,
    /// Everything else that may influence the outputs, in order.
    pub settings: Vec<Setting>,
    /// The names of what it makes.
    pub outputs: Vec<&'static str>,
    /// Whether no other such action may be carried out at the same time.
    pub alone: bool,
    /// Carries it out.
    pub work: Box<dyn Work + 'w>,
}

impl Action<'_> {
    /// Its name among all: `soil-sensor/firmware`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.product, self.step)
    }
}

impl std::fmt::Debug for Action<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Action").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// What an action made: the content of each output, by name.
pub type Made = BTreeMap<String, Vec<u8>>;

/// What to run where an action's program would run.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// The working folder, in the action's own; its usual one when none.
    pub folder: Option<String>,
    /// The program with its arguments; an interactive shell when empty.
    pub command: Vec<OsString>,
}

/// What carries an action out.
pub trait Work: Send + Sync {
    /// Makes the outputs.
    ///
    /// # Errors
    /// Why that was not possible.
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic>;

    /// The program that it runs; none when it runs inside this process.
    fn program(&self) -> Option<&'static str> {
        None
    }

    /// Runs another program where and as its own would run; gives the exit code.
    ///
    /// # Errors
    /// Why that is not possible.
    fn shell(&self, job: &Job<'_>, _wish: &Wish) -> Result<i32, Diagnostic> {
        let message = format!("`{}` runs no program", job.name());
        Err(Diagnostic::error(Code::ActionFailed, message))
    }
}
