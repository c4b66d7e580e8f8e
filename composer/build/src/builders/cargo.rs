//! The builder of Rust components: stages the crates of a firmware, runs cargo offline, and hands back
//! the linked program with the crates that are in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fs_err as fs;
use tarsia_manifest::Catalogue;
use tarsia_model::{Blake3, Code, Diagnostic, Name};
use tarsia_plan::Firmware;

use super::archive::LIBRARY;
use super::c::Library;
use super::places::VENDORED;
use super::runs::Cargo;
use crate::c_compiler::{self, Compiler};
use crate::crates::{self, LinkedCrate};
use crate::engine::{Action, Job, Made, Origin, Setting, Wish, Work, Workshop};
use crate::sandbox::Confinement;
use crate::stage::{self, Crates, Sources};
use crate::toolchain::{Core, Toolchain};
use crate::{inputs, lock, toolchains};

/// The step that compiles a firmware.
const STEP: &str = "firmware";
/// Its outputs: the crates it links, and the linked program.
pub const OUTPUTS: [&str; 2] = ["crates.json", "firmware.elf"];

/// Where the sources of devices are.
#[derive(Clone, Debug)]
pub struct Devices<'c> {
    /// The device workspace with its `Cargo.toml` and `Cargo.lock`.
    pub workspace: PathBuf,
    /// Where the crates stand that are not in it, by their folders in the staging workspace.
    pub elsewhere: BTreeMap<String, PathBuf>,
    /// The workspace.
    pub root: &'c Path,
    /// Its components.
    pub catalogue: &'c Catalogue,
}

impl Devices<'_> {
    /// The folder of a component.
    pub fn folder(&self, component: &Name) -> Option<PathBuf> {
        Some(self.root.join(self.catalogue.components.folder(component.as_str())?))
    }

    /// The folder of a component in the staging workspace.
    pub fn staged(&self, component: &Name) -> Option<String> {
        let folder = self.catalogue.components.folder(component.as_str())?;
        inputs::staged(self.catalogue, folder).map(str::to_owned)
    }
}

/// How the files of a component end that are for its C alone, when it has some.
const C: [&str; 4] = [".c", ".h", ".s", ".S"];

/// Compiles one firmware.
struct Compilation<'a> {
    plan: &'a Firmware,
    toolchain: Toolchain,
    /// The C compiler, which links what is linked against a C library.
    c: Option<Compiler>,
}

/// The action that compiles a firmware.
///
/// # Errors
/// That a tool is missing, or the device workspace cannot be read.
pub fn action<'w>(
    workshop: &Workshop<'_>,
    devices: &Devices<'_>,
    plan: &'w Firmware,
    libraries: &[Library],
) -> Result<Action<'w>, Diagnostic> {
    let Workshop { surroundings, digests, confinement, folder: work, .. } = *workshop;
    let toolchain = toolchains::find(surroundings, digests, &plan.target, work)?;
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read a tool: {error}"))
    };
    let digest = toolchain.digest(digests, &plan.target).map_err(unreadable)?;
    let mut settings = vec![
        Setting::new("platform", "target", &plan.target),
        Setting::new("tool", "rust", format!("{} {digest}", toolchain.identity())),
    ];
    let c = plan.c_compiler.as_ref();
    let c = c.map(|program| Compiler::find(surroundings, confinement, program)).transpose()?;
    if let Some(compiler) = &c {
        let identity = c_compiler::identity(surroundings, digests, compiler, work)?;
        settings.push(Setting::new("tool", "c", identity));
        if plan.linux.is_some() {
            let library = c_compiler::library(surroundings, digests, compiler)?;
            settings.push(Setting::new("tool", "libc", library));
        }
    }
    // Cargo reads the user's own settings, which the sandbox shows: they may say how to compile.
    for name in USER_SETTINGS {
        let path = surroundings.cargo_home.join(name);
        let what = match path.is_file() {
            true => digests.file(&path).map_err(unreadable)?.to_string(),
            false => "none".to_owned(),
        };
        settings.push(Setting::new("tool", format!("cargo {name}"), what));
    }
    settings.push(confinement.setting());
    settings.push(Setting::new("command", "cargo build", BUILD.join(" ")));
    settings.extend(flags(plan).into_iter().map(|flag| Setting::new("flag", flag, "")));
    settings
        .extend(ENVIRONMENT.iter().map(|(name, value)| Setting::new("environment", *name, *value)));
    Ok(Action {
        product: plan.product.clone(),
        step: STEP.to_owned(),
        builder: "cargo 1",
        inputs: inputs(devices, plan, libraries)?,
        settings,
        outputs: OUTPUTS.to_vec(),
        // Crates that products share are compiled once, in one staging workspace.
        alone: true,
        work: Box::new(Compilation { plan, toolchain, c }),
    })
}

/// Everything the compilation reads, by path in the staging workspace.
fn inputs(
    devices: &Devices<'_>,
    plan: &Firmware,
    libraries: &[Library],
) -> Result<BTreeMap<String, Origin>, Diagnostic> {
    let crates = Crates {
        workspace: &devices.workspace,
        elsewhere: &devices.elsewhere,
        members: stage::members(&plan.device_manifest)?,
    };
    let mut inputs: BTreeMap<String, Origin> = BTreeMap::new();
    let with_c: BTreeSet<&String> =
        plan.c.iter().filter_map(|part| plan.crates.get(&part.component)).collect();
    for folder in crates.closure(plan.crates.values())? {
        let path = crates.origin(&folder);
        // An edit of C that makes the same library is none of Rust.
        let without: &[&str] = if with_c.contains(&folder) { &C } else { &[] };
        inputs.insert(folder, Origin::Tree(path, without));
    }
    for Library { file, from } in libraries {
        let path = format!("{}/{file}", tarsia_plan::c_libraries(&plan.product));
        inputs.insert(path, Origin::Output(*from, LIBRARY.to_owned()));
    }
    for (path, text) in &plan.generated {
        inputs.insert(path.clone(), Origin::Text(text.clone().into_bytes()));
    }
    let lock = devices.workspace.join("Cargo.lock");
    inputs.insert("Cargo.lock".to_owned(), Origin::File(lock));
    Ok(inputs)
}

impl Compilation<'_> {
    /// Stages the sources and does something with them; no other process does at the same time.
    fn staged<T>(
        &self,
        job: &Job<'_>,
        then: impl FnOnce(&Cargo<'_>, &cargo_metadata::Metadata) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let folder = job.workshop.folder;
        let work = if job.other { folder.join("other") } else { folder.to_owned() };
        if job.other && work.exists() {
            // The second of two runs has nothing left from before.
            fs::remove_dir_all(&work).map_err(|error| staging(&error))?;
        }
        let stage = work.join("stage");
        fs::create_dir_all(&stage).map_err(|error| staging(&error))?;
        // Tools see the folder's real path where they ask the system; a link on the way to it would
        // be another path than the one that is replaced in the firmware.
        let stage = fs::canonicalize(stage).map_err(|error| staging(&error))?;
        // One compilation at a time in this staging workspace; other processes wait here.
        let guard = fs::File::create(work.join("lock")).map_err(|error| staging(&error))?;
        guard.file().lock().map_err(|error| staging(&error))?;
        let mut sources = sources(job)?;
        sources.own(tarsia_plan::c_libraries(&self.plan.product));
        sources.write(&stage)?;

        // Build scripts write down where they were: that is another place in a sandbox.
        let target = work.join(match job.workshop.confinement {
            Confinement::Bubblewrap { .. } => "target",
            Confinement::None { .. } => "target-unconfined",
        });
        fs::create_dir_all(&target).map_err(|error| staging(&error))?;
        let target = fs::canonicalize(target).map_err(|error| staging(&error))?;
        let folders = [stage.as_path(), target.as_path()];
        let cargo =
            Cargo { job, plan: self.plan, toolchain: &self.toolchain, c: self.c.as_ref(), folders };
        let metadata = cargo.metadata()?;
        let checked_in = sources.get("Cargo.lock").unwrap_or_default();
        let used = fs::read(stage.join("Cargo.lock")).map_err(|error| staging(&error))?;
        lock::check(checked_in, &used)?;
        then(&cargo, &metadata)
    }
}

impl Compilation<'_> {
    /// The fetched crates that a compilation sees: the firmware's, and when Rust's whole library is made from
    /// source, those that it is made of.
    fn needed(&self, metadata: &cargo_metadata::Metadata) -> Vec<PathBuf> {
        let mut needed = fetched(metadata);
        if self.plan.linux.is_none() || self.toolchain.core == Core::Installed {
            return needed;
        }
        let lock = self.toolchain.sysroot.join("lib/rustlib/src/rust/library/Cargo.lock");
        let lock = fs::read_to_string(lock).unwrap_or_default();
        let lock = lock.parse::<toml::Table>().unwrap_or_default();
        let packages = lock.get("package").and_then(toml::Value::as_array);
        let registries: BTreeSet<PathBuf> =
            needed.iter().filter_map(|path| Some(path.parent()?.to_owned())).collect();
        for package in packages.into_iter().flatten().filter(|one| one.get("source").is_some()) {
            let text = |key| package.get(key).and_then(toml::Value::as_str).unwrap_or_default();
            let name = format!("{}-{}", text("name"), text("version"));
            needed.extend(registries.iter().map(
                |folder| match folder.starts_with("registry/cache") {
                    true => folder.join(format!("{name}.crate")),
                    false => folder.join(&name),
                },
            ));
        }
        needed
    }
}

impl Work for Compilation<'_> {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        self.staged(job, |cargo, metadata| {
            let crates: Vec<LinkedCrate> = crates::linked(metadata, &self.plan.package())?;
            let elf = cargo.build(&self.needed(metadata))?;
            let [crates_name, elf_name] = OUTPUTS.map(str::to_owned);
            Ok(Made::from([(crates_name, crates::write(&crates)), (elf_name, elf)]))
        })
    }

    fn shell(&self, job: &Job<'_>, wish: &Wish) -> Result<i32, Diagnostic> {
        if let Confinement::None { reason } = job.workshop.confinement {
            let message = format!("cannot open a sandbox: {reason}");
            return Err(Diagnostic::error(Code::ToolMissing, message));
        }
        self.staged(job, |cargo, metadata| cargo.shell(&self.needed(metadata), wish))
    }

    fn program(&self) -> Option<&'static str> {
        Some("cargo")
    }
}

/// The content of all inputs: exactly what the key was made of.
pub(super) fn sources(job: &Job<'_>) -> Result<Sources, Diagnostic> {
    let mut sources = Sources::default();
    for (folder, path, tree) in job.trees() {
        for (name, file) in tree.files() {
            let bytes = fs::read(path.join(&name)).map_err(|error| staging(&error))?;
            if Blake3::of(&bytes) != file.digest {
                let message = format!("{folder}/{name} was changed while it was read");
                return Err(Diagnostic::error(Code::ActionFailed, message));
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

/// The crates that were fetched for a firmware, unpacked and packed, below cargo's home.
fn fetched(metadata: &cargo_metadata::Metadata) -> Vec<PathBuf> {
    let fetched = metadata.packages.iter().filter(|package| package.source.is_some());
    let below = fetched.filter_map(|package| {
        let folder = package.manifest_path.parent()?.as_str();
        if let Some((_, below)) = folder.rsplit_once("/registry/src/") {
            return Some(vec![
                format!("registry/src/{below}"),
                format!("registry/cache/{below}.crate"),
            ]);
        }
        let (_, below) = folder.rsplit_once(&format!("/{VENDORED}/"))?;
        Some(vec![format!("{VENDORED}/{below}")])
    });
    below.flatten().map(PathBuf::from).collect()
}

/// The files of cargo's home in which users set what holds for all their builds; cargo takes the
/// second where both are (The Cargo Book, "Configuration").
pub(super) const USER_SETTINGS: [&str; 2] = ["config.toml", "config"];

/// What cargo is told beside places and the target.
pub(super) const BUILD: [&str; 4] =
    ["--release", "--offline", "--locked", "--message-format=json-render-diagnostics"];

/// What the tools are told by their environment, beside places.
pub(super) const ENVIRONMENT: [(&str, &str); 6] = [
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "0"),
    ("TERM", "dumb"),
    ("TZ", "UTC"),
    ("CARGO_INCREMENTAL", "0"),
    // Makes the crate `cc` read the flags as a shell would (its documentation, "External
    // configuration via environment variables").
    ("CC_SHELL_ESCAPED_FLAGS", "1"),
];

/// Compiler flags that are the same on every machine. A program for Linux is all that its root file
/// system has of Rust, so it brings the C library along.
pub(super) fn flags(plan: &Firmware) -> Vec<&'static str> {
    let mut flags = vec!["-Csymbol-mangling-version=v0"];
    if plan.linux.is_some() {
        flags.extend(["-Ctarget-feature=+crt-static", "-Crelocation-model=static"]);
    }
    flags
}

pub(super) fn staging(error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(Code::OutputFailed, format!("cannot stage the sources: {error}"))
}
