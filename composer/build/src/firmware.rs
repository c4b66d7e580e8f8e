//! Compiles a firmware: stages its sources, runs cargo offline, and hands back the linked program
//! with the crates that are in it. The result is kept in the store under the key of all inputs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;
use fs_err as fs;
use tarsia_cache::{ActionResult, Output, Store};
use tarsia_manifest::walk::sorted_dir;
use tarsia_model::{Blake3, Code, Diagnostic};
use tarsia_plan::Firmware;
use tarsia_plan::key::{self, Describe, Visitor};

use crate::crates::{self, LinkedCrate};
use crate::stage::{self, Crates, Sources};
use crate::toolchain::{Core, Toolchain};
use crate::{Surroundings, lock};

/// What happens during a compilation, for whoever shows progress.
#[derive(Clone, Debug)]
pub enum Event {
    /// The store already has the result.
    Cached,
    /// Crates are being fetched, once.
    Fetching,
    /// Compilation starts with this toolchain.
    Compiling(String),
    /// A crate is compiled.
    Compiled(String),
}

/// Where a compilation happens.
#[derive(Clone, Debug)]
pub struct Workplace<'a> {
    /// The machine.
    pub surroundings: &'a Surroundings,
    /// The device workspace with its `Cargo.toml` and `Cargo.lock`.
    pub devices: &'a Path,
    /// Where the crates stand that are not in it, by their folders in the staging workspace.
    pub elsewhere: &'a BTreeMap<String, PathBuf>,
    /// The folder for staging and cargo's own intermediate files.
    pub work: &'a Path,
    /// Where results are kept.
    pub store: &'a Store,
}

/// A compiled firmware.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The linked program.
    pub elf: Vec<u8>,
    /// The crates it links, by name and version.
    pub crates: Vec<LinkedCrate>,
    /// The toolchain's identity.
    pub toolchain: String,
    /// The key of the compilation.
    pub key: Blake3,
}

struct Compilation<'a> {
    plan: &'a Firmware,
    sources: &'a Sources,
    toolchain: &'a Toolchain,
    c_compiler: &'a Option<String>,
}

impl Describe for Compilation<'_> {
    fn describe(&self, visitor: &mut dyn Visitor) {
        visitor.input("target", "", &self.plan.target);
        visitor.input("toolchain", "rust", &self.toolchain.identity());
        visitor.input("toolchain", "c", self.c_compiler.as_deref().unwrap_or("none"));
        for flag in flags() {
            visitor.input("flag", flag, "");
        }
        for (path, digest) in self.sources.digests() {
            visitor.input("source", path, &digest.to_string());
        }
    }
}

/// Compiler flags that are the same for every product and machine.
const fn flags() -> &'static [&'static str] {
    &["-Csymbol-mangling-version=v0"]
}

/// Compiles, or recalls what was compiled before.
pub fn compile(
    place: &Workplace<'_>,
    plan: &Firmware,
    progress: &mut dyn FnMut(Event),
) -> Result<Compiled, Diagnostic> {
    let toolchain = Toolchain::find(place.surroundings, &plan.target)?;
    let c_compiler = c_compiler(place.surroundings, plan)?;
    let sources = gather(place, plan)?;
    let key = key::key(&Compilation {
        plan,
        sources: &sources,
        toolchain: &toolchain,
        c_compiler: &c_compiler,
    });
    let compiled = |elf, crates| Compiled { elf, crates, toolchain: toolchain.identity(), key };
    let cached =
        |error: tarsia_cache::CacheError| Diagnostic::error(Code::OutputFailed, error.to_string());
    if let Some(mut outputs) = place.store.recall_bytes(key).map_err(cached)?
        && let Some(elf) = outputs.remove("firmware.elf")
        && let Some(crates) = outputs.remove("crates.json").and_then(|json| crates::read(&json))
    {
        progress(Event::Cached);
        return Ok(compiled(elf, crates));
    }
    progress(Event::Compiling(toolchain.identity()));
    let (elf, crates) = run(place, plan, &toolchain, &sources, progress)?;
    let outputs = [("firmware.elf", elf.as_slice()), ("crates.json", &crates::write(&crates))]
        .into_iter()
        .map(|(name, bytes)| {
            place.store.put(bytes)?;
            Ok((name.to_owned(), Output::of(bytes)))
        })
        .collect::<Result<BTreeMap<_, _>, _>>()
        .map_err(cached)?;
    place
        .store
        .record(key, &ActionResult { outputs, ..ActionResult::default() })
        .map_err(cached)?;
    Ok(compiled(elf, crates))
}

/// Everything the compilation reads.
fn gather(place: &Workplace<'_>, plan: &Firmware) -> Result<Sources, Diagnostic> {
    let mut sources = Sources::default();
    let crates = Crates {
        workspace: place.devices,
        elsewhere: place.elsewhere,
        members: stage::members(&plan.device_manifest)?,
    };
    for folder in plan.crates.values() {
        sources.add_crate(&crates, folder)?;
    }
    for (path, text) in &plan.generated {
        sources.add(path, text.as_bytes());
    }
    let lock = place.devices.join("Cargo.lock");
    sources.add("Cargo.lock", fs::read(&lock).map_err(|error| unreadable(&error))?);
    Ok(sources)
}

fn unreadable(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::Unreadable, format!("cannot read the device workspace: {error}"))
}

fn run(
    place: &Workplace<'_>,
    plan: &Firmware,
    toolchain: &Toolchain,
    sources: &Sources,
    progress: &mut dyn FnMut(Event),
) -> Result<(Vec<u8>, Vec<LinkedCrate>), Diagnostic> {
    let stage = place.work.join("stage");
    fs::create_dir_all(&stage).map_err(|error| staging(&error))?;
    // Tools see the folder's real path where they ask the system; a link on the way to it would be
    // another path than the one that is replaced in the firmware.
    let stage = fs::canonicalize(stage).map_err(|error| staging(&error))?;
    // One compilation at a time in this staging workspace; other processes wait here.
    let guard = fs::File::create(place.work.join("lock")).map_err(|error| staging(&error))?;
    guard.file().lock().map_err(|error| staging(&error))?;
    sources.write(&stage)?;

    let cargo = Cargo { place, plan, toolchain, stage: &stage };
    let metadata = cargo.metadata(progress)?;
    let checked_in = sources.get("Cargo.lock").unwrap_or_default();
    let used = fs::read(stage.join("Cargo.lock")).map_err(|error| staging(&error))?;
    lock::check(checked_in, &used)?;
    let crates = crates::linked(&metadata, &plan.package())?;
    let program = cargo.build(progress)?;
    Ok((fs::read(program).map_err(|error| staging(&error))?, crates))
}

fn staging(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot stage the sources: {error}"))
}

struct Cargo<'a> {
    place: &'a Workplace<'a>,
    plan: &'a Firmware,
    toolchain: &'a Toolchain,
    stage: &'a Path,
}

impl Cargo<'_> {
    fn command(&self, verb: &str) -> Command {
        let place = self.place;
        let mut command = place.surroundings.command(&self.toolchain.cargo);
        command
            .arg(verb)
            .arg("--manifest-path")
            .arg(self.stage.join(stage::root_folder(self.plan.product.as_str())).join("Cargo.toml"))
            .current_dir(self.stage)
            .env("RUSTC", &self.toolchain.rustc)
            .env("CARGO_TARGET_DIR", self.stage.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_ENCODED_RUSTFLAGS", self.rust_flags());
        let variable = self.plan.target.replace('-', "_");
        command.env(format!("CFLAGS_{variable}"), self.c_flags());
        // Makes the crate `cc` read the flags as a shell would (its documentation, "External
        // configuration via environment variables").
        command.env("CC_SHELL_ESCAPED_FLAGS", "1");
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
        for registry in registries(&self.place.surroundings.cargo_home) {
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
    fn metadata(
        &self,
        progress: &mut dyn FnMut(Event),
    ) -> Result<cargo_metadata::Metadata, Diagnostic> {
        let ask = || {
            let mut command = self.command("metadata");
            command.args(["--format-version=1", "--offline", "--filter-platform"]);
            command.arg(&self.plan.target);
            finish(command, "cargo metadata")
        };
        let text = match ask() {
            Ok(text) => text,
            Err(_) => {
                progress(Event::Fetching);
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
        command.envs(self.place.surroundings.network.iter().map(|(name, value)| (name, value)));
        finish(command, "cargo fetch").map(drop).map_err(|diagnostic| {
            diagnostic.hint("the first build needs the network to fetch crates".to_owned())
        })
    }

    fn build(&self, progress: &mut dyn FnMut(Event)) -> Result<PathBuf, Diagnostic> {
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
        let start = |error: std::io::Error| {
            Diagnostic::error(Code::ActionFailed, format!("cannot start cargo: {error}"))
        };
        let mut child = command.spawn().map_err(start)?;
        let stderr = child.stderr.take();
        let stderr = std::thread::spawn(move || {
            let mut text = Vec::new();
            if let Some(mut pipe) = stderr {
                let _ = std::io::Read::read_to_end(&mut pipe, &mut text);
            }
            String::from_utf8_lossy(&text).into_owned()
        });
        let mut program = None;
        if let Some(stdout) = child.stdout.take() {
            for message in Message::parse_stream(BufReader::new(stdout)).map_while(Result::ok) {
                if let Message::CompilerArtifact(artifact) = message {
                    if let Some(path) = artifact.executable
                        && artifact.target.name == "firmware"
                    {
                        program = Some(path.into_std_path_buf());
                    }
                    progress(Event::Compiled(artifact.target.name));
                }
            }
        }
        let success = child.wait().map_err(start)?.success();
        let log = stderr.join().unwrap_or_default();
        program.filter(|_| success).ok_or_else(|| self.explain(&log))
    }

    /// A failed compilation, with paths as the user knows them.
    fn explain(&self, log: &str) -> Diagnostic {
        let stage = format!("{}/", self.stage.display());
        let log = log.replace(&stage, "");
        let errors: Vec<&str> =
            log.lines().skip_while(|line| !line.starts_with("error")).take(60).collect();
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
fn c_compiler(surroundings: &Surroundings, plan: &Firmware) -> Result<Option<String>, Diagnostic> {
    let Some(program) = &plan.c_compiler else {
        return Ok(None);
    };
    let found = surroundings.find(program).ok_or_else(|| {
        Diagnostic::error(Code::ToolMissing, format!("cannot find the C compiler `{program}`"))
            .hint("on Debian and Ubuntu: `apt-get install gcc-arm-none-eabi`".to_owned())
    })?;
    let mut command = surroundings.command(&found);
    command.arg("--version");
    Ok(finish(command, program)?.lines().next().map(str::to_owned))
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
