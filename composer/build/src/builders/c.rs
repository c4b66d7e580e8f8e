//! The builder of C: compiles one file of a component in a sandbox that shows this file, the declared folders
//! of headers and the system, and nothing else.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fs_err as fs;
use tarsia_model::{Blake3, Code, Diagnostic, Name};
use tarsia_plan::{CPart, Firmware, Place};

use super::cargo::{self, Devices, staging};
use super::{archive, runs};
use crate::c_compiler::{self, Compiler};
use crate::engine::{Action, ActionId, Graph, Job, Made, Origin, Setting, Wish, Work, Workshop};
use crate::pinned::{Contents, Pinned};
use crate::sandbox::{self, Confinement, Mount};
use crate::{own, process, toolchains};

/// What compiling one file makes.
pub const OBJECT: &str = "object.o";

/// What the compiler is told by its environment, beside where programs are.
const ENVIRONMENT: [(&str, &str); 4] =
    [("LC_ALL", "C.UTF-8"), ("SOURCE_DATE_EPOCH", "0"), ("TERM", "dumb"), ("TZ", "UTC")];

/// Where things are: sources of components, those of crates, what is made. All are named from the folder above, which
/// is `/` in the sandbox: then what the compiler is told, and writes down, is the same without one. Rust's compiler has
/// the same names for the first two, so that debug information of both leads to the same owner.
const PLACES: [&str; 3] = ["tarsia", "cargo", "made"];

/// A library of C that a firmware links.
#[derive(Clone, Debug)]
pub struct Library {
    /// Its file's name in the staging workspace.
    pub file: String,
    /// What makes it.
    pub from: ActionId,
}

/// What was added to a graph for the C of a firmware.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// The libraries, by component.
    pub libraries: Vec<Library>,
    /// Every action.
    pub actions: Vec<ActionId>,
}

/// Adds the actions that compile the C of a firmware: one for each file, and one for each component that
/// has some.
///
/// # Errors
/// That a tool or a file is missing; a crate that the lock file does not hold.
pub fn actions<'w>(
    graph: &mut Graph<'w>,
    workshop: &Workshop<'_>,
    devices: &Devices<'_>,
    plan: &'w Firmware,
    program: Blake3,
) -> Result<Added, Diagnostic> {
    let mut added = Added::default();
    for part in &plan.c {
        let drawer = Drawer::of(workshop, devices, plan, part)?;
        let mut objects = Vec::new();
        for place in &part.files {
            let action = drawer.action(workshop, plan, place)?;
            let name = Path::new(&place.path).with_extension("o");
            let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let id = graph.add(action);
            added.actions.push(id);
            objects.push((name, id));
        }
        let owner = (&plan.product, &part.component);
        let from = graph.add(archive::action(owner, &objects, program));
        added.actions.push(from);
        added.libraries.push(Library { file: format!("lib{}.a", part.library()), from });
    }
    Ok(added)
}

/// The folder of each component that has C, in the staging workspace: what debug information leads to it by.
pub fn folders(devices: &Devices<'_>, plan: &Firmware) -> BTreeMap<String, String> {
    let folder =
        |part: &CPart| Some((part.component.to_string(), devices.staged(&part.component)?));
    plan.c.iter().filter_map(folder).collect()
}

/// What all files of a component have in common.
struct Drawer<'w> {
    part: &'w CPart,
    /// The component's folder on the host, and in the staging workspace.
    folder: (PathBuf, String),
    crates: Arc<Crates>,
    compiler: Compiler,
    settings: Vec<Setting>,
}

impl<'w> Drawer<'w> {
    fn of(
        workshop: &Workshop<'_>,
        devices: &Devices<'_>,
        plan: &Firmware,
        part: &'w CPart,
    ) -> Result<Self, Diagnostic> {
        let Workshop { surroundings, digests, confinement, folder: work, .. } = *workshop;
        let compiler = Compiler::find(surroundings, confinement, &part.compiler)?;
        let identity = c_compiler::identity(surroundings, digests, &compiler, work)?;
        let mut settings = vec![Setting::new("tool", "c", identity), confinement.setting()];
        let (lock, pinned) = pinned(devices, part)?;
        let defined = part.define.iter();
        settings.extend(defined.map(|(name, value)| Setting::new("define", name, value)));
        settings.extend(
            ENVIRONMENT.iter().map(|(name, value)| Setting::new("environment", *name, *value)),
        );
        let named = |place: &Place, krate: &str| place.krate.as_deref() == Some(krate);
        let wanted = |krate: &str| {
            let files = part.files.iter().filter(|place| named(place, krate));
            let folders = part.include.iter().filter(|place| named(place, krate));
            files
                .map(|place| place.path.clone())
                .chain(folders.map(|place| format!("{}/", place.path)))
                .collect()
        };
        let wanted = pinned.keys().map(|krate| (krate.clone(), wanted(krate))).collect();
        let cargo = toolchains::find(surroundings, digests, &plan.target, work)?.cargo;
        let folder = devices.folder(&part.component).unwrap_or_default();
        let staged = devices.staged(&part.component).unwrap_or_default();
        let crates = Arc::new(Crates { pinned, wanted, lock, cargo, read: Mutex::new(None) });
        Ok(Self { part, folder: (folder, staged), crates, compiler, settings })
    }

    /// The action that compiles one file.
    fn action(
        &self,
        workshop: &Workshop<'_>,
        plan: &Firmware,
        place: &Place,
    ) -> Result<Action<'w>, Diagnostic> {
        let Self { part, folder: (host, staged), crates, .. } = self;
        let mut inputs = BTreeMap::new();
        for own in part.include.iter().filter(|place| place.krate.is_none()) {
            let path = present(host, own, workshop)?;
            inputs.insert(format!("{staged}/{}", own.path), Origin::Tree(path, &[]));
        }
        if place.krate.is_none() {
            let path = present(host, place, workshop)?;
            inputs.insert(format!("{staged}/{}", place.path), Origin::File(path));
        }
        let compile = Compile {
            part: (*part).clone(),
            staged: staged.clone(),
            source: place.clone(),
            crates: Arc::clone(crates),
            compiler: self.compiler.clone(),
        };
        let mut settings = self.settings.clone();
        settings.extend(
            crates
                .pinned
                .iter()
                .map(|(name, pinned)| Setting::new("source", name, pinned.identity())),
        );
        let words = compile.words().into_iter();
        settings.extend(words.map(|word| Setting::new("flag", word.to_string_lossy(), "")));
        Ok(Action {
            product: plan.product.clone(),
            step: format!("cc/{}/{}", part.component, place.shown()),
            builder: "c 1",
            inputs,
            settings,
            outputs: vec![OBJECT],
            alone: false,
            work: Box::new(compile),
        })
    }
}

/// The crates that have C of a component, and the lock file that says which they are.
fn pinned(
    devices: &Devices<'_>,
    part: &CPart,
) -> Result<(Vec<u8>, BTreeMap<String, Pinned>), Diagnostic> {
    let mut names = part.crates().peekable();
    if names.peek().is_none() {
        return Ok((Vec::new(), BTreeMap::new()));
    }
    let lock = fs::read(devices.workspace.join("Cargo.lock")).map_err(|error| {
        let message = format!("cannot read the device workspace's lock file: {error}");
        Diagnostic::error(Code::Unreadable, message)
    })?;
    let found = names.map(|name| {
        let pinned = Pinned::find(&lock, name).map_err(|why| {
            let message = format!(
                "cannot take C from the crate `{name}` of the device workspace's Cargo.lock: {why}"
            );
            Diagnostic::at(Code::CrateNotLocked, part.span, message).hint(format!(
                "name it among the dependencies in the Cargo.toml of `{}`",
                part.component
            ))
        })?;
        Ok((name.to_owned(), pinned))
    });
    let found = found.collect::<Result<_, Diagnostic>>()?;
    Ok((lock, found))
}

/// Where a file or folder of a component is on the host: in the component's own folder.
fn present(host: &Path, place: &Place, workshop: &Workshop<'_>) -> Result<PathBuf, Diagnostic> {
    let path = host.join(&place.path);
    let shown = path.strip_prefix(workshop.root).unwrap_or(&path).display().to_string();
    own::place(host, &place.path).map(|_| path).map_err(|problem| {
        let message = format!("cannot read {shown}: {problem}");
        Diagnostic::at(problem.code(), place.span, message)
    })
}

/// What a component's C needs of crates: read when the first file is compiled, and held for the others.
struct Crates {
    pinned: BTreeMap<String, Pinned>,
    /// The files, and folders with `/` at the end, that are wanted of each crate.
    wanted: BTreeMap<String, Vec<String>>,
    lock: Vec<u8>,
    cargo: PathBuf,
    read: Mutex<Option<Arc<Contents>>>,
}

impl Crates {
    /// The content of all that is wanted, by path below `/cargo`.
    fn contents(&self, job: &Job<'_>) -> Result<Arc<Contents>, Diagnostic> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(contents) = &*read {
            return Ok(Arc::clone(contents));
        }
        let Workshop { surroundings, folder, .. } = *job.workshop;
        let mut contents = Contents::new();
        for (name, pinned) in &self.pinned {
            let wanted = &self.wanted[name];
            let is_wanted = |path: &str| wanted.iter().any(|one| is_at_or_below(path, one));
            let by = (self.cargo.as_path(), self.lock.as_slice());
            for (path, bytes) in pinned.read(surroundings, by, folder, &is_wanted)? {
                contents.insert(format!("{}/{path}", pinned.folder()), bytes);
            }
            let folder = pinned.folder();
            let has = |one: &&String| {
                let mut paths = contents
                    .keys()
                    .filter_map(|path| path.strip_prefix(&folder)?.strip_prefix('/'));
                paths.any(|path| is_at_or_below(path, one))
            };
            if let Some(missing) = wanted.iter().find(|one| !has(one)) {
                let message = format!("cannot take C from the crate {folder}: it has no {missing}");
                return Err(Diagnostic::error(Code::Unreadable, message));
            }
        }
        Ok(Arc::clone(read.insert(Arc::new(contents))))
    }
}

/// Whether a path is this file, or in this folder, which has `/` at its end.
fn is_at_or_below(path: &str, wanted: &str) -> bool {
    if wanted.ends_with('/') { path.starts_with(wanted) } else { path == wanted }
}

/// Compiles one file.
struct Compile {
    part: CPart,
    /// The component's folder in the staging workspace.
    staged: String,
    source: Place,
    crates: Arc<Crates>,
    compiler: Compiler,
}

impl Compile {
    /// Where something is.
    fn at(&self, place: &Place) -> String {
        let [tarsia, cargo, _] = PLACES;
        match &place.krate {
            Some(krate) => {
                let folder = self.crates.pinned.get(krate).map(Pinned::folder).unwrap_or_default();
                format!("{cargo}/{folder}/{}", place.path)
            }
            None => format!("{tarsia}/{}/{}", self.staged, place.path),
        }
    }

    /// What the compiler is told, but for macros.
    fn words(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = self.part.flags.iter().map(OsString::from).collect();
        for folder in &self.part.include {
            words.push("-I".into());
            words.push(self.at(folder).into());
        }
        words.push("-c".into());
        words.push(self.at(&self.source).into());
        words.push("-o".into());
        words.push(format!("{}/{OBJECT}", PLACES[2]).into());
        words
    }

    /// Puts everything in its place and does something with the compiler's run; no other process does at
    /// the same time.
    fn staged<T>(
        &self,
        job: &Job<'_>,
        then: impl FnOnce(sandbox::Job, &Path) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let work = job.workshop.folder.join(if job.other { "other/c" } else { "c" });
        let folder = work.join(job.name());
        fs::create_dir_all(&folder).map_err(|error| staging(&error))?;
        let folder = fs::canonicalize(folder).map_err(|error| staging(&error))?;
        let guard = fs::File::create(folder.join("lock")).map_err(|error| staging(&error))?;
        guard.file().lock().map_err(|error| staging(&error))?;
        let host = PLACES.map(|name| folder.join(name));
        for place in &host {
            if place.exists() {
                fs::remove_dir_all(place).map_err(|error| staging(&error))?;
            }
            fs::create_dir_all(place).map_err(|error| staging(&error))?;
        }
        cargo::sources(job)?.write(&host[0])?;
        let include = self.part.include.iter().filter(|place| place.krate.is_some());
        let seen: Vec<PathBuf> = include
            .chain([&self.source])
            .filter_map(|place| {
                self.at(place).strip_prefix(&format!("{}/", PLACES[1])).map(PathBuf::from)
            })
            .collect();
        for (path, bytes) in &*self.crates.contents(job)? {
            if seen.iter().any(|seen| Path::new(path).starts_with(seen)) {
                let path = host[1].join(path);
                let parent = path.parent().unwrap_or(&host[1]);
                fs::create_dir_all(parent).map_err(|error| staging(&error))?;
                fs::write(&path, bytes).map_err(|error| staging(&error))?;
            }
        }
        let answer = then(self.run(job, &folder), &host[2])?;
        for place in &host {
            fs::remove_dir_all(place).map_err(|error| staging(&error))?;
        }
        Ok(answer)
    }

    /// The compiler's run; on the host, its places are in `folder`.
    fn run(&self, job: &Job<'_>, folder: &Path) -> sandbox::Job {
        let Workshop { surroundings, confinement, .. } = *job.workshop;
        let confined = matches!(confinement, Confinement::Bubblewrap { .. });
        let mut run = sandbox::Job::new(&self.compiler.inside);
        run.folder = if confined { "/".into() } else { folder.to_owned() };
        run.mounts = Confinement::system();
        let read = |host: &Path, inside: &Path| Mount::ReadOnly {
            host: host.into(),
            inside: inside.into(),
        };
        let inside = run.folder.clone();
        let [tarsia, cargo, made] = PLACES.map(|name| (folder.join(name), inside.join(name)));
        run.mounts.push(read(&tarsia.0, &tarsia.1));
        run.mounts.push(read(&cargo.0, &cargo.1));
        run.mounts.push(Mount::ReadWrite { host: made.0, inside: made.1 });
        run.mounts.extend(self.compiler.mount.clone());
        let mut words = self.words();
        words.extend(
            self.part.define.iter().map(|(name, value)| format!("-D{name}={value}").into()),
        );
        if !confined {
            let mut word = OsString::from("-ffile-prefix-map=");
            word.push(folder);
            word.push("=/");
            words.push(word);
        }
        run.args = words;
        run.environment =
            ENVIRONMENT.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let path = if confined {
            "/usr/local/bin:/usr/bin:/bin".into()
        } else {
            surroundings.path.clone()
        };
        run.environment.insert("PATH".into(), path);
        if job.other {
            run.host_name = "another";
        }
        run
    }

    /// A failed compilation, with paths as the user knows them.
    fn failed(&self, said: &str, product: &Name) -> Diagnostic {
        let crates = self.crates.pinned.values().map(|pinned| (PLACES[1], pinned.folder()));
        let places = crates.chain([(PLACES[0], self.staged.clone())]);
        let said = places.fold(said.to_owned(), |said, (place, folder)| {
            said.replace(&format!("{place}/{folder}/"), &format!("{folder}/"))
        });
        let lines: Vec<&str> = said.lines().take(60).collect();
        let shown = self.source.shown();
        let message = format!("cannot compile {shown} of `{}`", self.part.component);
        let component = &self.part.component;
        Diagnostic::error(Code::ActionFailed, message)
            .note(lines.join("\n").trim().to_owned())
            .hint(format!(
                "`tarsia shell {product} {component} --file {shown}` opens a shell in its sandbox"
            ))
    }
}

impl Work for Compile {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        self.staged(job, |run, made| {
            let ended = process::run(&run, job.workshop, &mut |mut stdout| {
                // It has nothing to say there.
                let _ = std::io::copy(&mut stdout, &mut std::io::sink());
            });
            let unstarted = |error: &dyn std::fmt::Display| {
                let message = format!("cannot run `{}`: {error}", self.part.compiler);
                Diagnostic::error(Code::ActionFailed, message)
            };
            let ended = ended.map_err(|error| unstarted(&error))?;
            let log = job.keep_log(&runs::command(&run), &ended.stderr);
            if !ended.success {
                let failed = self.failed(&ended.stderr, &job.described.action.product);
                return Err(runs::logged(failed, log));
            }
            let object = sandbox::open_output(made, Path::new(OBJECT));
            let mut object = object.map_err(|refusal| unstarted(&refusal))?;
            let mut bytes = Vec::new();
            object.read_to_end(&mut bytes).map_err(|error| unstarted(&error))?;
            Ok(Made::from([(OBJECT.to_owned(), bytes)]))
        })
    }

    fn shell(&self, job: &Job<'_>, wish: &Wish) -> Result<i32, Diagnostic> {
        if let Confinement::None { reason } = job.workshop.confinement {
            let message = format!("cannot open a sandbox: {reason}");
            return Err(Diagnostic::error(Code::ToolMissing, message));
        }
        self.staged(job, |run, _| {
            let folder = wish.folder.as_ref().map(|folder| Path::new("/tarsia").join(folder));
            runs::instead(job, run, folder, &wish.command)
        })
    }

    fn program(&self) -> Option<&'static str> {
        Some("cc")
    }
}
