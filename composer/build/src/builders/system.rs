//! The builder of images that run Linux: from the linked program, the kernel and the files of components
//! to what boots, and to the account of its bytes. It runs inside this program, so this program is one
//! of its inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tarsia_audit::image_json::{File, Role};
use tarsia_audit::system::{Packed as Share, Piece, account};
use tarsia_audit::{Input, Owner, Part, Structural};
use tarsia_cache::{ActionResult, Output};
use tarsia_image::compression::Compression;
use tarsia_image::content::Packed;
use tarsia_image::tree::{InodeId, Tree};
use tarsia_image::{Flash, Region, cpio, strip};
use tarsia_manifest::linux::RootFormat;
use tarsia_model::{Blake3, Code, Diagnostic, Name};
use tarsia_plan::linux::{Layout, Linux, PartitionSize};

use super::disk::{self, Contents, Disk};
use super::image::{ACCOUNT, Facts as Program, LIST, owners};
use super::installed::{Installed, Placed};
use super::partitions::Plan;
use super::root::{Filled, Root};
use super::{cargo, kbuild, prebuilt, template};
use crate::crates;
use crate::engine::{Action, ActionId, Graph, Job, Made, Origin, Setting, Work, Workshop};
use crate::prebuilt::memory;
use crate::product::{Given, board};
use crate::sources::Ready;

/// The file with the root file system that the kernel unpacks.
const INITRAMFS: &str = "initramfs";
/// The file that goes onto the device's disk.
const DISK: &str = "disk.img";
/// The input with what the selection says.
const FACTS: &str = "facts.json";
/// How the initramfs is packed: smaller than by any other. The kernel needs the dictionary's size in memory to
/// unpack it, and that of level 4 is 4 MiB (xz(1), table of presets): a device with 32 MiB has that.
const XZ: Compression = Compression::Xz { level: 4 };

/// The actions of a product that runs Linux, beside the one that compiles its program.
pub struct Added {
    /// What makes the kernel.
    pub kernel: ActionId,
    /// What makes the image.
    pub image: ActionId,
    /// What renders files for it.
    pub parts: Vec<ActionId>,
    /// What is written of each action's outputs.
    pub written: Vec<(ActionId, &'static str)>,
}

/// What the selection says about an image.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    program: Program,
    version: String,
    kernel: String,
    prebuilt: bool,
    layout: String,
    placed: Vec<Placed>,
    disk: Option<Plan>,
}

/// Adds the actions of a product to a graph.
///
/// # Errors
/// What is missing for them.
pub fn actions<'w>(
    graph: &mut Graph<'w>,
    given: &Given<'_, 'w>,
    linux: &'w Linux,
    firmware: ActionId,
) -> Result<Added, Vec<Diagnostic>> {
    let (installed, disk) = match (Installed::look(given.devices, linux), disk(given, linux)) {
        (Ok(installed), Ok(disk)) => (installed, disk),
        (installed, disk) => {
            let problems = installed.err().into_iter().chain(disk.err());
            return Err(problems.flatten().collect());
        }
    };
    add(graph, given, linux, (firmware, installed, disk)).map_err(|problem| vec![problem])
}

fn add<'w>(
    graph: &mut Graph<'w>,
    given: &Given<'_, 'w>,
    linux: &'w Linux,
    (firmware, installed, disk): (ActionId, Installed<'_>, Option<Plan>),
) -> Result<Added, Diagnostic> {
    let mut parts = Vec::new();
    let Given { workshop, plan, .. } = *given;
    let (component, name) = &linux.kernel;
    let tree = source(given.sources, component, name, linux)?;
    let kernel = graph.add(match linux.prebuilt {
        true => prebuilt::action(plan, linux, tree, given.program),
        false => kbuild::action(workshop, plan, linux, tree)?,
    });
    let facts = facts(given, linux, installed.placed, disk)?;
    let text = serde_json::to_vec_pretty(&facts).map_err(|e| failed("write its facts", &e))?;
    let mut inputs: BTreeMap<String, Origin> = BTreeMap::new();
    inputs.insert(FACTS.to_owned(), Origin::Text(text));
    for name in cargo::OUTPUTS {
        inputs.insert(name.to_owned(), Origin::Output(firmware, name.to_owned()));
    }
    let further: &[&str] = match linux.prebuilt {
        true => &[prebuilt::MODULES, prebuilt::LIST],
        false => &[kbuild::SYMBOLS],
    };
    for name in [kbuild::KERNEL, kbuild::CONFIGURATION].iter().chain(further) {
        inputs.insert((*name).to_owned(), Origin::Output(kernel, (*name).to_owned()));
    }
    inputs.extend(installed.files.into_iter().map(|(input, path)| (input, Origin::File(path))));
    for (input, (file, path)) in installed.templates {
        let id = graph.add(template::action(&plan.product, file, path, given.program)?);
        parts.push(id);
        inputs.insert(input, Origin::Output(id, template::RENDERED.to_owned()));
    }
    let mut settings = vec![Setting::new("tool", "tarsia", given.program.to_string())];
    let Layout { component, loader, .. } = &linux.layout;
    let loader = loader.as_ref().map(|loader| -> Result<_, Diagnostic> {
        let ready = source(given.sources, component, &loader.source, linux)?;
        settings.push(Setting::new("source", "loader", ready.identity()));
        let files = ["loader program", "loader stub"].into_iter().zip(&loader.files);
        settings.extend(files.map(|(name, file)| Setting::new("source", name, file)));
        Ok((ready, &loader.files))
    });
    let loader = loader.transpose()?;
    let made = if facts.disk.is_some() { DISK } else { INITRAMFS };
    let mut outputs = vec![made, LIST, ACCOUNT];
    outputs.sort_unstable();
    let image = graph.add(Action {
        product: plan.product.clone(),
        step: "image".to_owned(),
        builder: "system 1",
        inputs,
        settings,
        outputs,
        alone: false,
        work: Box::new(Image { loader, sizes: &linux.layout.partitions }),
    });
    let mut written = vec![(firmware, cargo::OUTPUTS[1])];
    written.extend([(kernel, kbuild::KERNEL), (kernel, kbuild::CONFIGURATION)]);
    written.push((image, made));
    Ok(Added { kernel, image, parts, written })
}

fn source<'w>(
    sources: &'w [Ready<'w>],
    component: &Name,
    name: &Name,
    linux: &Linux,
) -> Result<&'w Ready<'w>, Diagnostic> {
    let found = sources.iter().find(|one| one.is(component.as_str(), name.as_str()));
    found.ok_or_else(|| {
        let message = format!("`{component}` has no source `{name}`");
        Diagnostic::at(Code::CrateContract, linux.span, message)
    })
}

fn facts(
    given: &Given<'_, '_>,
    linux: &Linux,
    placed: Vec<Placed>,
    disk: Option<Plan>,
) -> Result<Facts, Diagnostic> {
    let Given { devices, selection, plan, .. } = *given;
    let board = board(selection)?;
    let region = |name: &str| {
        let size = board.memory.get(name).map_or(0, |region| region.size.value.0);
        Region { base: 0, size }
    };
    let version = selection.product.version.as_ref();
    Ok(Facts {
        program: Program {
            product: plan.product.to_string(),
            components: selection.components.keys().map(Name::to_string).collect(),
            with_c: super::c::folders(devices, plan),
            flash: region("flash"),
            ram: region("ram"),
            stack: 0,
            uf2_family: None,
        },
        version: version.map_or_else(String::new, |version| version.value.clone()),
        kernel: linux.kernel.0.to_string(),
        prebuilt: linux.prebuilt,
        layout: linux.layout.component.to_string(),
        placed,
        disk,
    })
}

/// The disk of a product, if it has one.
fn disk(given: &Given<'_, '_>, linux: &Linux) -> Result<Option<Plan>, Vec<Diagnostic>> {
    let layout = &linux.layout;
    if layout.root == RootFormat::Initramfs {
        return Ok(None);
    }
    let board = board(given.selection).map_err(|problem| vec![problem])?;
    let room = board.memory.get("flash").map_or(0, |region| region.size.value.0);
    let plan = Plan {
        root: layout.root,
        partitions: layout.partitions.iter().map(|one| (one.role, one.size.0)).collect(),
        efi: layout.loader.as_ref().map_or_else(String::new, |loader| loader.efi.clone()),
        command_line: linux.command_line.clone(),
        headroom: layout.headroom,
    };
    let problems = plan.problems(&layout.partitions, room);
    if problems.is_empty() { Ok(Some(plan)) } else { Err(problems) }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::MalformedImage, format!("cannot {what}: {error}"))
}

struct Image<'a> {
    /// The source with the boot loader's files, and which they are.
    loader: Option<(&'a Ready<'a>, &'a [String; 2])>,
    /// Where the sizes of partitions are decided.
    sizes: &'a [PartitionSize],
}

/// Whose something is that no component brought.
const ROOT: Owner = Owner::Structural(Structural::Root);

impl Work for Image<'_> {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let facts: Facts = serde_json::from_slice(&job.bytes(FACTS)?)
            .map_err(|error| failed("write an image without its facts", &error))?;
        let elf = job.bytes(cargo::OUTPUTS[1])?;
        let kernel = job.bytes(kbuild::KERNEL)?;
        let (taken, modules) = if facts.prebuilt {
            let modules =
                prebuilt::read(&job.bytes(prebuilt::LIST)?, job.bytes(prebuilt::MODULES)?);
            let modules = modules.ok_or_else(|| failed("add modules", &"none of a known form"))?;
            (memory(&kernel), Some((facts.kernel.as_str(), modules)))
        } else {
            (extent(&job.bytes(kbuild::SYMBOLS)?), None)
        };
        let program = strip::strip(&elf).map_err(|error| failed("strip the program", &error))?;
        let root = Root { program, component: &facts.layout, modules };
        let whose =
            Whose { root: root.tree(job, &facts.placed)?, program: inside(job, &facts, &elf)? };
        let owner = |name: &str| name.parse().map_or(ROOT, Owner::Component);
        let whole = |section: &str, owner: Owner, size| Share {
            size,
            pieces: vec![Piece { owner, part: part(section, None, size) }],
            otherwise: ROOT,
        };
        let taken = taken.ok_or_else(|| {
            let why = "neither its header nor its symbols say how much memory it takes";
            failed("account for the kernel", &why)
        })?;
        let mut in_memory = vec![whole("kernel in memory", owner(&facts.kernel), taken)];
        let (name, bytes, stored) = match (&facts.disk, self.loader) {
            (Some(plan), Some((source, files))) => {
                let [loader, stub] = files;
                let [loader, stub] = [loader, stub].map(|path| source.file(job.workshop, path));
                let contents = Contents {
                    product: &facts.program.product,
                    version: &facts.version,
                    tree: &whose.root.tree,
                    kernel: &kernel,
                    loader: [&loader?, &stub?],
                    kept: &Kept(job.workshop),
                    at: self.sizes,
                };
                let owners = disk::Owners {
                    inode: &|id, size| whose.inode(id, size),
                    kernel: owner(&facts.kernel),
                    loader: owner(&facts.layout),
                };
                let Disk { bytes, shares } = contents.disk(plan, &owners)?;
                (DISK, bytes, shares)
            }
            (Some(_), None) => {
                return Err(failed("write a disk", &"its layout names no boot loader"));
            }
            (None, _) => {
                let initramfs = initramfs(&whose.root.tree)?;
                let pieces = whose.all();
                // Unpacked, it stays in memory.
                let unpacked = pieces.iter().map(|piece| piece.part.bytes).sum();
                in_memory.push(Share { size: unpacked, pieces: pieces.clone(), otherwise: ROOT });
                let stored = vec![
                    whole("kernel", owner(&facts.kernel), kernel.len() as u64),
                    Share { size: initramfs.len() as u64, pieces, otherwise: ROOT },
                ];
                (INITRAMFS, initramfs, stored)
            }
        };
        let account = account(&stored, &in_memory, facts.program.flash, facts.program.ram);
        let account = serde_json::to_vec(&account).map_err(|e| failed("write the account", &e))?;
        let role = if facts.disk.is_some() { Role::Debug } else { Role::Image };
        let list = [
            File::of(cargo::OUTPUTS[1], Role::Debug, &elf),
            File::of(kbuild::KERNEL, role, &kernel),
            File::of(kbuild::CONFIGURATION, Role::Report, &job.bytes(kbuild::CONFIGURATION)?),
            File::of(name, Role::Image, &bytes),
        ];
        let list = serde_json::to_vec(&list).map_err(|e| failed("write the list of files", &e))?;
        Ok(Made::from([
            (name.to_owned(), bytes),
            (ACCOUNT.to_owned(), account),
            (LIST.to_owned(), list),
        ]))
    }
}

/// A root file system as the kernel unpacks it.
pub(super) fn initramfs(tree: &Tree) -> Result<Vec<u8>, Diagnostic> {
    let mut packed = Vec::new();
    let mut packer = XZ.writer(&mut packed).map_err(|error| failed("compress", &error))?;
    cpio::write(tree, &mut packer).map_err(|error| failed("write the initramfs", &error))?;
    packer.finish().map_err(|error| failed("compress the initramfs", &error))?;
    Ok(packed)
}

/// Whose the bytes of a root file system are.
struct Whose {
    root: Filled,
    /// What is in the program.
    program: Vec<Piece>,
}

impl Whose {
    fn file(&self, file: &super::root::Owned, bytes: u64) -> Piece {
        let owner = file.component.parse().map_or(ROOT, Owner::Component);
        Piece { owner, part: part("root", Some(file.path.clone()), bytes) }
    }

    /// Everything in it, with sizes before compression.
    fn all(&self) -> Vec<Piece> {
        let files = self.root.files.iter().map(|file| self.file(file, file.size));
        self.program.iter().cloned().chain(files).collect()
    }

    /// Whose some bytes of an inode are.
    fn inode(&self, id: InodeId, size: u64) -> Share {
        let structure = Owner::Structural(Structural::FileSystem);
        let pieces = if id == self.root.program {
            self.program.clone()
        } else {
            self.root
                .files
                .iter()
                .filter(|file| file.inode == id)
                .map(|f| self.file(f, size))
                .collect()
        };
        Share { size, pieces, otherwise: structure }
    }
}

fn part(section: &str, file: Option<String>, bytes: u64) -> Part {
    Part { section: section.to_owned(), file, symbol: None, bytes }
}

/// What is in the program, by owner.
fn inside(job: &Job<'_>, facts: &Facts, elf: &[u8]) -> Result<Vec<Piece>, Diagnostic> {
    let crates = crates::read(&job.bytes(cargo::OUTPUTS[0])?);
    let crates = crates.ok_or_else(|| failed("account for the program", &"no list of crates"))?;
    // Wherever the linker put it. What is not stored is not asked for.
    let anywhere = Region { base: 0, size: 1 << 47 };
    let loaded = Flash::from_elf(elf, anywhere)
        .map_err(|error| failed("account for the program's bytes", &error))?;
    let base = loaded.segments.span().map_or(0, |span| span.base);
    let found = tarsia_audit::attribute(Input {
        elf,
        flash: Region { base, size: anywhere.size - base },
        ram: Region { base: anywhere.size, size: anywhere.size },
        owners: &owners(&facts.program, &crates),
        stack: 0,
    });
    let found = found.map_err(|error| failed("account for the program's bytes", &error))?;
    let pieces = found.flash.rows.into_iter().flat_map(|row| {
        let owner = row.owner;
        row.parts.into_iter().map(move |part| Piece { owner: owner.clone(), part })
    });
    Ok(pieces.collect())
}

/// How much memory a kernel takes with its variables: from its first symbol to its last
/// (`_text` and `_end` of System.map).
fn extent(map: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(map);
    let address = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let (rest, _) = lines.find(|(_, name)| *name == wanted)?;
        u64::from_str_radix(rest.split(' ').next()?, 16).ok()
    };
    address("_end")?.checked_sub(address("_text")?)
}

/// The name of a compressed file among what the store keeps under its key.
const PACKED: &str = "packed";

/// Compressed files of earlier images, in the store under the digest of what they were made from.
struct Kept<'a>(&'a Workshop<'a>);

impl Packed for Kept<'_> {
    fn get(&self, key: Blake3) -> Option<Vec<u8>> {
        let result = self.0.store.recall(key).ok()??;
        let output = result.outputs.get(PACKED)?;
        self.0.store.get(output.digest).ok()?
    }

    fn put(&self, key: Blake3, bytes: &[u8]) {
        // What is not kept is made again.
        if self.0.store.put(bytes).is_ok() {
            let outputs = BTreeMap::from([(PACKED.to_owned(), Output::of(bytes))]);
            let _ = self.0.store.record(key, &ActionResult { outputs, ..ActionResult::default() });
        }
    }
}
