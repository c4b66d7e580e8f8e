//! Runs of cargo in the sandbox, with what each gets to see: finding out which crates a firmware needs,
//! compiling it, and a shell in the same place.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufReader, Read as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use cargo_metadata::Message;
use tarsia_model::{Code, Diagnostic};
use tarsia_plan::Firmware;

use super::cargo::{BUILD, ENVIRONMENT, flags};
use super::places::{Fetched, Places};
use crate::c_compiler::Compiler;
use crate::engine::{Job, Jobs, Wish, Workshop};
use crate::toolchain::{Core, Toolchain};
use crate::{process, sandbox, stage};

/// Cargo for one firmware.
pub(super) struct Cargo<'a> {
    /// The action.
    pub(super) job: &'a Job<'a>,
    /// What is compiled.
    pub(super) plan: &'a Firmware,
    /// With what.
    pub(super) toolchain: &'a Toolchain,
    /// And the C compiler, when one is needed.
    pub(super) c: Option<&'a Compiler>,
    /// The staging workspace and cargo's own folder, on the host.
    pub(super) folders: [&'a Path; 2],
}

impl Cargo<'_> {
    /// A run of cargo that sees what it needs.
    fn run(&self, verb: &str, fetched: Fetched<'_>) -> (Places, sandbox::Job) {
        let workshop = self.job.workshop;
        let Workshop { surroundings, confinement, .. } = *workshop;
        let places = Places::of(confinement, surroundings, self.toolchain, self.folders, fetched);
        let mut job = sandbox::Job::new(places.tool(&self.toolchain.cargo));
        job.folder = places.stage.clone();
        job.mounts = places.mounts.clone();
        let root = places.stage.join(stage::root_folder(self.plan.product.as_str()));
        job.args = vec![verb.into(), "--manifest-path".into(), root.join("Cargo.toml").into()];
        let target = &self.plan.target;
        let variable = target.replace('-', "_");
        let mut environment: BTreeMap<OsString, OsString> = BTreeMap::new();
        let mut set = |name: String, value: OsString| drop(environment.insert(name.into(), value));
        for (name, value) in ENVIRONMENT {
            set(name.to_owned(), value.into());
        }
        set("PATH".into(), places.path.clone());
        set("HOME".into(), places.home.clone().into());
        set("CARGO_HOME".into(), places.cargo_home.clone().into());
        set("RUSTC".into(), places.tool(&self.toolchain.rustc).into());
        set("CARGO_TARGET_DIR".into(), places.target.clone().into());
        set("CARGO_ENCODED_RUSTFLAGS".into(), rust_flags(self.plan, &places));
        set(format!("CFLAGS_{variable}"), c_flags(&places).into());
        if let Some(compiler) = self.c {
            job.mounts.extend(compiler.mount.clone());
            set(format!("CC_{variable}"), compiler.inside.clone().into());
        }
        let linker = match (&self.plan.linux, self.c) {
            // What links against the C library is the C compiler.
            (Some(_), Some(compiler)) => Some(compiler.inside.clone()),
            _ => self.toolchain.linker.as_ref().map(|linker| places.tool(linker)),
        };
        if let Some(linker) = linker {
            let upper = variable.to_ascii_uppercase();
            set(format!("CARGO_TARGET_{upper}_LINKER"), linker.into());
        }
        if self.toolchain.core == Core::FromSource {
            // `-Z` options on the compiler that is there: what Debian's packages are made for.
            set("RUSTC_BOOTSTRAP".into(), "1".into());
            job.args.extend(self.library().map(Into::into));
        }
        job.environment = environment;
        if self.job.other {
            job.host_name = "another";
        }
        (places, job)
    }

    /// Which parts of Rust's library are made from source.
    fn library(&self) -> [&'static str; 2] {
        match self.plan.linux {
            Some(_) => ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="],
            None => ["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"],
        }
    }

    /// The crates of this firmware for its target; fetches them once when they are not there yet.
    pub(super) fn metadata(&self) -> Result<cargo_metadata::Metadata, Diagnostic> {
        let ask = || -> Result<String, Diagnostic> {
            let (_, mut job) = self.run("metadata", Fetched::All);
            job.args
                .extend(["--format-version=1", "--offline", "--filter-platform"].map(Into::into));
            job.args.push(self.plan.target.clone().into());
            let mut text = String::new();
            let ended = process::run(&job, self.job.workshop, &mut |mut stdout| {
                // What is no text is no answer.
                let _ = stdout.read_to_string(&mut text);
            });
            let ended = ended.map_err(|error| unstarted("cargo metadata", &error))?;
            if ended.success {
                return Ok(text);
            }
            let log = self.job.keep_log(&command(&job), &ended.stderr);
            Err(logged(failed("cargo metadata", &ended.stderr), log))
        };
        let text = match ask() {
            Ok(text) => text,
            Err(ended) if self.job.workshop.is_interrupted() => return Err(ended),
            Err(_) => {
                self.job.progress("fetching crates, once");
                self.fetch()?;
                ask()?
            }
        };
        cargo_metadata::MetadataCommand::parse(&text).map_err(|error| {
            Diagnostic::error(Code::ActionFailed, format!("cannot read what cargo says: {error}"))
        })
    }

    /// The one step that uses the network. What it brings is pinned by the lock file's checksums; no
    /// code of it runs.
    fn fetch(&self) -> Result<(), Diagnostic> {
        let surroundings = self.job.workshop.surroundings;
        let mut command = surroundings.command(&self.toolchain.cargo);
        let root = self.folders[0].join(stage::root_folder(self.plan.product.as_str()));
        command.args(["fetch", "--target"]).arg(&self.plan.target);
        command.arg("--manifest-path").arg(root.join("Cargo.toml")).current_dir(self.folders[0]);
        command.envs(ENVIRONMENT).env("RUSTC", &self.toolchain.rustc);
        if self.toolchain.core == Core::FromSource {
            command.env("RUSTC_BOOTSTRAP", "1");
            command.args(self.library());
        }
        command.envs(surroundings.network.iter().map(|(name, value)| (name, value)));
        process::finish(command, "cargo fetch").map(drop).map_err(|diagnostic| {
            diagnostic.hint("the first build needs the network to fetch crates".to_owned())
        })
    }

    /// A compilation that shares the job tokens.
    fn compilation(&self, crates: &[PathBuf]) -> Result<(Places, sandbox::Job), Diagnostic> {
        let (places, mut job) = self.run("build", Fetched::Only(crates));
        job.args.extend(BUILD.map(Into::into));
        job.args.extend(["--target".into(), self.plan.target.clone().into()]);
        let shared = if self.job.other {
            // How many jobs there are must make no difference.
            Jobs::new(NonZeroUsize::MIN).and_then(|jobs| jobs.share())
        } else {
            self.job.workshop.jobs.share()
        };
        let shared = shared.map_err(|error| unstarted("cargo", &error))?;
        let count = if self.job.other { 1 } else { self.job.workshop.jobs.count.get() };
        job.environment.insert("CARGO_BUILD_JOBS".into(), count.to_string().into());
        for name in ["CARGO_MAKEFLAGS", "MAKEFLAGS"] {
            job.environment.insert(name.into(), shared.flags.clone().into());
        }
        job.inherited = shared.descriptors;
        Ok((places, job))
    }

    /// Runs another program where the compilation would run.
    pub(super) fn shell(&self, crates: &[PathBuf], wish: &Wish) -> Result<i32, Diagnostic> {
        let (places, job) = self.compilation(crates)?;
        let folder = wish.folder.as_ref().map(|folder| places.stage.join(folder));
        instead(self.job, job, folder, &wish.command)
    }

    /// Compiles and links; gives the program.
    pub(super) fn build(&self, crates: &[PathBuf]) -> Result<Vec<u8>, Diagnostic> {
        let (places, job) = self.compilation(crates)?;
        let mut program = None;
        let mut compiled = 0;
        let ended = process::run(&job, self.job.workshop, &mut |stdout| {
            for message in Message::parse_stream(BufReader::new(stdout)).map_while(Result::ok) {
                if let Message::CompilerArtifact(artifact) = message {
                    compiled += 1;
                    self.job.progress(&format!("{compiled} crates, last {}", artifact.target.name));
                    if let Some(path) = artifact.executable
                        && artifact.target.name == "firmware"
                    {
                        program = Some(path.into_std_path_buf());
                    }
                }
            }
        });
        let ended = ended.map_err(|error| unstarted("cargo", &error))?;
        let log = self.job.keep_log(&command(&job), &ended.stderr);
        let program = program.filter(|_| ended.success).ok_or_else(|| {
            let confined =
                matches!(self.job.workshop.confinement, sandbox::Confinement::Bubblewrap { .. });
            let hint = confined.then(|| {
                format!("`tarsia shell {}` opens a shell in its sandbox", self.plan.product)
            });
            logged(explain(&ended.stderr, &places), log).hint(hint)
        })?;
        let inside = program
            .strip_prefix(&places.target)
            .map_err(|_| unstarted("cargo", &format!("it wrote to {}", program.display())))?;
        let file = sandbox::open_output(self.folders[1], inside);
        let mut file = file.map_err(|refusal| unstarted("cargo", &refusal))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| unstarted("cargo", &error))?;
        Ok(bytes)
    }
}

/// Runs another program, or a shell, in place of that of an action and where that would run.
pub(super) fn instead(
    job: &Job<'_>,
    mut run: sandbox::Job,
    folder: Option<PathBuf>,
    words: &[OsString],
) -> Result<i32, Diagnostic> {
    job.instead_of(&command(&run));
    let shell = [OsString::from("/bin/sh"), "-i".into()];
    // As a shell would find it.
    run.program = "/usr/bin/env".into();
    run.args = if words.is_empty() { shell.to_vec() } else { words.to_vec() };
    if let Some(folder) = folder {
        run.folder = folder;
    }
    (run.stdout, run.stderr) = (sandbox::Stream::Caller, sandbox::Stream::Caller);
    run.environment.insert("PS1".into(), "tarsia$ ".into());
    let running = job.workshop.confinement.spawn(&run);
    let ending = running.and_then(sandbox::Running::wait);
    match ending.map_err(|error| unstarted("the program", &error))? {
        sandbox::Ending::Exited(code) => Ok(code),
        sandbox::Ending::TimedOut | sandbox::Ending::Killed => Ok(137),
    }
}

/// What a job runs, as people would type it.
pub(super) fn command(job: &sandbox::Job) -> String {
    let words = job.args.iter().map(|word| word.to_string_lossy().into_owned());
    [job.program.display().to_string()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Says where all of it is.
pub(super) fn logged(diagnostic: Diagnostic, log: Option<String>) -> Diagnostic {
    match log {
        Some(log) => diagnostic.note(format!("full log: {log}")),
        None => diagnostic,
    }
}

fn unstarted(what: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::ActionFailed, format!("cannot run {what}: {error}"))
}

fn failed(what: &str, stderr: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::ActionFailed, format!("cannot run {what}"));
    diagnostic.note(stderr.trim().to_owned())
}

fn rust_flags(plan: &Firmware, places: &Places) -> OsString {
    let mut all = OsString::from(flags(plan).join("\u{1f}"));
    for (from, to) in &places.renamed {
        all.push("\u{1f}--remap-path-prefix=");
        all.push(from);
        all.push("=");
        all.push(to);
    }
    all
}

/// Flags for C, each quoted as for a shell: a folder's name may have blanks.
fn c_flags(places: &Places) -> String {
    let quoted = |(from, to): &(PathBuf, &str)| {
        let from = from.display().to_string().replace('\'', r"'\''");
        format!("'-ffile-prefix-map={from}={to}'")
    };
    places.renamed.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A failed compilation, with paths as the user knows them.
fn explain(log: &str, places: &Places) -> Diagnostic {
    let log = log.replace(&format!("{}/", places.stage.display()), "");
    // How many were busy when it failed is no part of the reason.
    let said = |line: &&str| !line.starts_with("warning: build failed, waiting");
    let errors: Vec<&str> =
        log.lines().skip_while(|line| !line.starts_with("error")).filter(said).take(60).collect();
    let generated = errors.iter().any(|line| line.contains("--> products/"));
    let (code, message) = if generated {
        (Code::CrateContract, "cannot bind the components: a crate and its component.yaml disagree")
    } else {
        (Code::ActionFailed, "cannot compile the firmware")
    };
    let shown = if errors.is_empty() { log.as_str() } else { &errors.join("\n") };
    Diagnostic::error(code, message).note(shown.trim().to_owned())
}
