//! The builder of kernels that are not built: takes a kernel out of its package, sees that it has what the
//! components ask for, and chooses those of its modules that they need.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tarsia_image::content::Data;
use tarsia_image::cpio;
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_model::{Blake3, Code, Diagnostic, Name, suggest};
use tarsia_plan::Firmware;
use tarsia_plan::linux::{KernelModule, Linux};

use super::kbuild::{CONFIGURATION, KERNEL};
use crate::engine::{Action, Job, Made, Origin, Setting, Work};
use crate::kconfig::{Configuration, check_prebuilt, refuse};
use crate::prebuilt::{Followed, Modules, Package};
use crate::sources::Ready;

/// The modules as they go into the root file system, as an archive (newc).
pub const MODULES: &str = "modules";
/// Which these are, in the order in which they are loaded, and whose.
pub const LIST: &str = "modules.json";
/// What was asked for.
const WANTED: &str = "wanted";

/// A module in the root file system.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Module {
    /// From the root.
    pub path: String,
    /// The component on whose account it is there.
    pub component: String,
}

/// A module with its content.
pub type WithContent = (Module, Vec<u8>);

struct Kernel<'a> {
    linux: &'a Linux,
    source: &'a Ready<'a>,
}

/// The action that takes a kernel out of its package. It runs inside `program`.
pub fn action<'w>(
    plan: &'w Firmware,
    linux: &'w Linux,
    source: &'w Ready<'w>,
    program: Blake3,
) -> Action<'w> {
    Action {
        product: plan.product.clone(),
        step: "kernel".to_owned(),
        builder: "prebuilt 1",
        inputs: BTreeMap::from([(WANTED.to_owned(), Origin::Text(wanted(linux).into_bytes()))]),
        settings: vec![
            Setting::new("source", "kernel", source.identity()),
            Setting::new("tool", "tarsia", program.to_string()),
        ],
        outputs: vec![KERNEL, CONFIGURATION, MODULES, LIST],
        alone: false,
        work: Box::new(Kernel { linux, source }),
    }
}

/// Everything that was asked for, with who asked: a component that lists modules has its options as modules.
fn wanted(linux: &Linux) -> String {
    let mut text = String::new();
    for option in &linux.options {
        let askers: Vec<&str> = option.askers.iter().map(|asker| asker.who.as_str()).collect();
        text += &format!("CONFIG_{}={} # {}\n", option.name, option.value, askers.join(", "));
    }
    for KernelModule { name, component, .. } in &linux.modules {
        text += &format!("{name} # {component}\n");
    }
    text
}

impl Work for Kernel<'_> {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        job.progress("unpacking the package, once");
        let folder = self.source.folder(job.workshop, |source| job.again(source))?;
        let package = Package::open(&folder).map_err(|error| self.unusable(&error))?;
        let read = |found: Result<_, _>| found.map_err(|error| self.unusable(&error));
        let (kernel, config) = (read(package.kernel())?, read(package.configuration())?);
        job.progress("choosing modules");
        let modules = package.modules().map_err(|error| self.unusable(&error))?;
        let asked: Vec<(String, &Name)> =
            self.linux.modules.iter().map(|one| (one.name.clone(), &one.component)).collect();
        let Followed { chosen, missing } =
            modules.follow(&asked).map_err(|error| self.unusable(&error))?;
        let missing: BTreeSet<&str> = missing.iter().map(|one| one.name.as_str()).collect();
        let lost = self.linux.modules.iter().filter(|one| missing.contains(one.name.as_str()));
        let mut problems: Vec<Diagnostic> =
            lost.map(|one| absent(one, &modules, package.version())).collect();
        let made = Configuration::parse(&String::from_utf8_lossy(&config));
        let listing = self.linux.modules.iter().map(|one| one.component.clone()).collect();
        let loaded = chosen.iter().map(|one| one.name.as_str()).collect();
        problems.extend(check_prebuilt(&self.linux.options, &made, &listing, &loaded));
        refuse(problems)?;

        let mut tree = Tree::new(Meta::root(0o755));
        let mut list = Vec::new();
        for one in &chosen {
            let path = format!("lib/modules/{}/{}", package.version(), one.path);
            let bytes = read(package.module(&one.path))?;
            let placed = tree.folders_above(path.as_bytes(), &Meta::root(0o755)).and_then(|()| {
                tree.add(path.as_bytes(), Meta::root(0o644), Kind::File(Data::of(bytes)))
            });
            placed.map_err(|error| self.unusable(&error))?;
            list.push(Module { path, component: one.owner.to_string() });
        }
        let mut archive = Vec::new();
        cpio::write(&tree, &mut archive).map_err(|error| self.unusable(&error))?;
        let list = serde_json::to_vec(&list).map_err(|error| self.unusable(&error))?;
        let made = [(KERNEL, kernel), (CONFIGURATION, config), (MODULES, archive), (LIST, list)];
        Ok(made.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
    }
}

impl Kernel<'_> {
    fn unusable(&self, error: &dyn std::fmt::Display) -> Diagnostic {
        let message = format!("cannot use the prebuilt kernel: {error}");
        Diagnostic::at(Code::ActionFailed, self.source.wanted.source.span, message)
    }
}

fn absent(asked: &KernelModule, modules: &Modules<'_>, version: &str) -> Diagnostic {
    let KernelModule { name, component, span } = asked;
    let message = format!(
        "cannot use the prebuilt kernel: component `{component}` needs the module `{name}`, which \
         Linux {version} has neither in itself nor as a file"
    );
    let near = suggest::did_you_mean(name, modules.names());
    Diagnostic::at(Code::KernelModuleMissing, *span, message).hint(near)
}

/// The modules that the action made, with their content, in the order in which they are loaded; none when what
/// it made is of another form.
pub fn read(list: &[u8], archive: Vec<u8>) -> Option<Vec<WithContent>> {
    let list: Vec<Module> = serde_json::from_slice(list).ok()?;
    let tree = cpio::read(&Data::of(archive)).ok()?;
    let content = |path: &str| match &tree.inode(tree.find(path.as_bytes())?).kind {
        Kind::File(data) => data.bytes().ok(),
        _ => None,
    };
    list.into_iter()
        .map(|module| {
            let bytes = content(&module.path)?;
            Some((module, bytes))
        })
        .collect()
}
