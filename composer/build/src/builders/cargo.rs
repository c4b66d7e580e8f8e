//! The builder of Rust components: stages the crates of a firmware, runs cargo offline, and hands back
//! the linked program with the crates that are in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;
use fs_err as fs;
use tarsia_manifest::walk::sorted_dir;
use tarsia_model::{Blake3, Code, Diagnostic};
use tarsia_plan::Firmware;

use crate::crates::{self, LinkedCrate};
use crate::digests::Digests;
use crate::engine::{Action, Failure, Job, Made, Origin, Setting, Work};
use crate::stage::{self, Crates, Sources};
use crate::toolchain::{Core, Toolchain};
use crate::{Surroundings, lock, toolchains};

/// The step that compiles a firmware.
pub const STEP: &str = "firmware";
/// Its outputs: the crates it links, and the linked program.
pub const OUTPUTS: [&str; 2] = ["crates.json", "firmware.elf"];

/// Where the sources of devices are.
#[derive(Clone, Debug)]
pub struct Devices {
    /// The device workspace with its `Cargo.toml` and `Cargo.lock`.
    pub workspace: PathBuf,
    /// Where the crates stand that are not in it, by their folders in the staging workspace.
    pub elsewhere: BTreeMap<String, PathBuf>,
}

/// Compiles one firmware.
struct Compilation<'a> {
    plan: &'a Firmware,
    toolchain: Toolchain,
    work: PathBuf,
}

/// The action that compiles a firmware.
///
/// # Errors
/// That a tool is missing, or the device workspace cannot be read.
pub fn action<'w>(
    surroundings: &Surroundings,
    digests: &Digests,
    devices: &Devices,
    plan: &'w Firmware,
    work: &Path,
) -> Result<Action<'w>, Diagnostic> {
    let toolchain = toolchains::find(surroundings, digests, &plan.target, work)?;
    let c_compiler = c_compiler(surroundings, plan)?;
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read a tool: {error}"))
    };
    let digest = toolchain.digest(digests, &plan.target).map_err(unreadable)?;
    let mut settings = vec![
        Setting::new("platform", "target", &plan.target),
        Setting::new("tool", "rust", format!("{} {digest}", toolchain.identity())),
    ];
    if let Some((path, version)) = &c_compiler {
        let digest = digests.file(path).map_err(unreadable)?;
        settings.push(Setting::new("tool", "c", format!("{version} {digest}")));
    }
    settings.extend(flags().iter().map(|flag| Setting::new("flag", *flag, "")));
    settings
        .extend(ENVIRONMENT.iter().map(|(name, value)| Setting::new("environment", *name, *value)));
    Ok(Action {
        product: plan.product.clone(),
        step: STEP,
        builder: "cargo 1",
        inputs: inputs(devices, plan)?,
        settings,
        outputs: OUTPUTS.to_vec(),
        // Crates that products share are compiled once, in one staging workspace.
        alone: true,
        work: Box::new(Compilation { plan, toolchain, work: work.to_owned() }),
    })
}

/// Everything the compilation reads, by path in the staging workspace.
fn inputs(devices: &Devices, plan: &Firmware) -> Result<BTreeMap<String, Origin>, Diagnostic> {
    let crates = Crates {
        workspace: &devices.workspace,
        elsewhere: &devices.elsewhere,
        members: stage::members(&plan.device_manifest)?,
    };
    let mut inputs: BTreeMap<String, Origin> = BTreeMap::new();
    for folder in crates.closure(plan.crates.values())? {
        let origin = Origin::Tree(crates.origin(&folder));
        inputs.insert(folder, origin);
    }
    for (path, text) in &plan.generated {
        inputs.insert(path.clone(), Origin::Text(text.clone().into_bytes()));
    }
    let lock = devices.workspace.join("Cargo.lock");
    inputs.insert("Cargo.lock".to_owned(), Origin::File(lock));
    Ok(inputs)
}

impl Work for Compilation<'_> {
    fn make(&self, job: &Job<'_>) -> Result<Made, Failure> {
        let work = if job.other { self.work.join("other") } else { self.work.clone() };
        let stage = work.join("stage");
        fs::create_dir_all(&stage).map_err(|error| staging(&error))?;
        // Tools see the folder's real path where they ask the system; a link on the way to it would
        // be another path than the one that is replaced in the firmware.
        let stage = fs::canonicalize(stage).map_err(|error| staging(&error))?;
        // One compilation at a time in this staging workspace; other processes wait here.
        let guard = fs::File::create(work.join("lock")).map_err(|error| staging(&error))?;
        guard.file().lock().map_err(|error| staging(&error))?;
        let sources = sources(job)?;
        sources.write(&stage)?;

        let cargo = Cargo { job, plan: self.plan, toolchain: &self.toolchain, stage: &stage };
        let metadata = cargo.metadata()?;
        let checked_in = sources.get("Cargo.lock").unwrap_or_default();
        let used = fs::read(stage.join("Cargo.lock")).map_err(|error| staging(&error))?;
        lock::check(checked_in, &used)?;
        let crates: Vec<LinkedCrate> = crates::linked(&metadata, &self.plan.package())?;
        let program = cargo.build()?;
        let elf = fs::read(program).map_err(|error| staging(&error))?;
        let [crates_name, elf_name] = OUTPUTS.map(str::to_owned);
        Ok(Made::from([(crates_name, crates::write(&crates)), (elf_name, elf)]))
    }

    fn program(&self) -> Option<&'static str> {
        Some("cargo")
    }
}

/// The content of all inputs: exactly what the key was made of.
fn sources(job: &Job<'_>) -> Result<Sources, Failure> {
    let mut sources = Sources::default();
    for (folder, path, tree) in job.trees() {
        for (name, file) in tree.files() {
            let bytes = fs::read(path.join(&name)).map_err(|error| staging(&error))?;
            if Blake3::of(&bytes) != file.digest {
                let message = format!("{folder}/{name} was changed while it was read");
                return Err(Diagnostic::error(Code::ActionFailed, message).into());
            }
            sources.add(format!("{folder}/{name}"), bytes);
        }
        sources.own(folder);
    }
    for path in job.files() {
        sources.add(path, job.bytes(path)?);
    }
    Ok(sources)
}

/// What the tools are told by their environment, beside places.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("CARGO_INCREMENTAL", "0"),
    // Makes the crate `cc` read the flags as a shell would (its documentation, "External
    // configuration via environment variables").
    ("CC_SHELL_ESCAPED_FLAGS", "1"),
];

/// Compiler flags that are the same for every product and machine.
const fn flags() -> &'static [&'static str] {
    &["-Csymbol-mangling-version=v0"]
}

fn staging(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot stage the sources: {error}"))
}

struct Cargo<'a> {
    job: &'a Job<'a>,
    plan: &'a Firmware,
    toolchain: &'a Toolchain,
    stage: &'a Path,
}

impl Cargo<'_> {
    fn surroundings(&self) -> &Surroundings {
        self.job.workshop.surroundings
    }

    fn command(&self, verb: &str) -> Command {
        let surroundings = self.surroundings();
        let mut command = surroundings.command(&self.toolchain.cargo);
        command
            .arg(verb)
            .arg("--manifest-path")
            .arg(self.stage.join(stage::root_folder(self.plan.product.as_str())).join("Cargo.toml"))
            .current_dir(self.stage)
            .env("RUSTC", &self.toolchain.rustc)
            .env("CARGO_TARGET_DIR", self.stage.join("target"))
            .envs(ENVIRONMENT)
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags());
        let variable = self.plan.target.replace('-', "_");
        command.env(format!("CFLAGS_{variable}"), self.c_flags());
        if let Some(linker) = &self.toolchain.linker {
            let upper = variable.to_ascii_uppercase();
            command.env(format!("CARGO_TARGET_{upper}_LINKER"), linker);
        }
        if self.toolchain.core == Core::FromSource {
            // `-Z` options on the compiler that is there: what Debian's packages are made for.
            command
                .env("RUSTC_BOOTSTRAP", "1")
                .args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
        }
        command
    }

    /// Folders of this machine and the names they get in the firmware.
    fn remapped(&self) -> Vec<(PathBuf, &'static str)> {
        let mut pairs = vec![(self.stage.to_owned(), "/tarsia")];
        for registry in registries(&self.surroundings().cargo_home) {
            pairs.push((registry, "/cargo"));
        }
        let library = self.toolchain.sysroot.join("lib/rustlib/src/rust");
        if let Ok(real) = fs::canonicalize(&library) {
            pairs.push((real, "/rust"));
        }
        pairs.push((library, "/rust"));
        pairs
    }

    fn rust_flags(&self) -> OsString {
        let mut all = OsString::from(flags().join("\u{1f}"));
        for (from, to) in self.remapped() {
            all.push("\u{1f}--remap-path-prefix=");
            all.push(from);
            all.push("=");
            all.push(to);
        }
        all
    }

    /// Flags for C, each quoted as for a shell: a folder's name may have blanks.
    fn c_flags(&self) -> String {
        let quoted = |(from, to): (PathBuf, &str)| {
            let from = from.display().to_string().replace('\'', r"'\''");
            format!("'-ffile-prefix-map={from}={to}'")
        };
        self.remapped().into_iter().map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// The crates of this firmware for its target; fetches them once when they are not there yet.
    fn metadata(&self) -> Result<cargo_metadata::Metadata, Diagnostic> {
        let ask = || {
            let mut command = self.command("metadata");
            command.args(["--format-version=1", "--offline", "--filter-platform"]);
            command.arg(&self.plan.target);
            finish(command, "cargo metadata")
        };
        let text = match ask() {
            Ok(text) => text,
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

    /// The one step that uses the network. What it brings is pinned by the lock file's checksums.
    fn fetch(&self) -> Result<(), Diagnostic> {
        let mut command = self.command("fetch");
        command.arg("--target").arg(&self.plan.target);
        command.envs(self.surroundings().network.iter().map(|(name, value)| (name, value)));
        finish(command, "cargo fetch").map(drop).map_err(|diagnostic| {
            diagnostic.hint("the first build needs the network to fetch crates".to_owned())
        })
    }

    fn build(&self) -> Result<PathBuf, Failure> {
        let mut command = self.command("build");
        command
            .args([
                "--release",
                "--offline",
                "--message-format=json-render-diagnostics",
                "--target",
            ])
            .arg(&self.plan.target)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.job.workshop.jobs.share(&mut command);
        let mut program = None;
        let mut compiled = 0;
        let ended = crate::process::run(command, self.job.workshop, &mut |stdout| {
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
        let ended = ended.map_err(|error| {
            Diagnostic::error(Code::ActionFailed, format!("cannot start cargo: {error}"))
        })?;
        program.filter(|_| ended.success).ok_or_else(|| Failure {
            diagnostic: self.explain(&ended.stderr),
            log: ended.stderr.clone(),
        })
    }

    /// A failed compilation, with paths as the user knows them.
    fn explain(&self, log: &str) -> Diagnostic {
        let stage = format!("{}/", self.stage.display());
        let log = log.replace(&stage, "");
        // How many were busy when it failed is no part of the reason.
        let said = |line: &&str| !line.starts_with("warning: build failed, waiting");
        let errors: Vec<&str> = log
            .lines()
            .skip_while(|line| !line.starts_with("error"))
            .filter(said)
            .take(60)
            .collect();
        let generated = errors.iter().any(|line| line.contains("--> products/"));
        let (code, message) = if generated {
            (
                Code::CrateContract,
                "cannot bind the components: a crate and its component.yaml disagree",
            )
        } else {
            (Code::ActionFailed, "cannot compile the firmware")
        };
        let shown = if errors.is_empty() { log.as_str() } else { &errors.join("\n") };
        Diagnostic::error(code, message).note(shown.trim().to_owned())
    }
}

/// The folders of unpacked crates: one per registry that crates came from.
fn registries(cargo_home: &Path) -> Vec<PathBuf> {
    sorted_dir(&cargo_home.join("registry/src")).unwrap_or_default()
}

/// The cross compiler's identity, when the firmware has C in it.
fn c_compiler(
    surroundings: &Surroundings,
    plan: &Firmware,
) -> Result<Option<(PathBuf, String)>, Diagnostic> {
    let Some(program) = &plan.c_compiler else {
        return Ok(None);
    };
    let found = surroundings.find(program).ok_or_else(|| {
        Diagnostic::error(Code::ToolMissing, format!("cannot find the C compiler `{program}`"))
            .hint("on Debian and Ubuntu: `apt-get install gcc-arm-none-eabi`".to_owned())
    })?;
    let mut command = surroundings.command(&found);
    command.arg("--version");
    let version = finish(command, program)?.lines().next().unwrap_or_default().to_owned();
    Ok(Some((found, version)))
}

fn finish(mut command: Command, name: &str) -> Result<String, Diagnostic> {
    let output = command.output().map_err(|error| {
        Diagnostic::error(Code::ActionFailed, format!("cannot start {name}: {error}"))
    })?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(Diagnostic::error(Code::ActionFailed, format!("cannot run {name}"))
            .note(stderr.trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
