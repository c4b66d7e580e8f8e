//! The builder of images that run Linux: from the linked program, the kernel and the files of components
//! to what boots, and to the account of its bytes. It runs inside this program, so this program is one
//! of its inputs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tarsia_audit::image_json::{File, Role};
use tarsia_audit::system::{Packed, Piece, account};
use tarsia_audit::{Input, Owner, Part, Structural};
use tarsia_image::compression::Compression;
use tarsia_image::{Region, cpio, strip};
use tarsia_manifest::linux::RootFormat;
use tarsia_model::{Blake3, Code, Diagnostic, Name};
use tarsia_plan::Firmware;
use tarsia_plan::linux::Linux;
use tarsia_resolve::Selection;

use super::cargo::{self, Devices};
use super::image::{ACCOUNT, Facts as Program, LIST, owners};
use super::kbuild;
use super::root::{self, Placed};
use crate::crates;
use crate::engine::{Action, ActionId, Graph, Job, Made, Origin, Setting, Work, Workshop};

/// The file with the root file system that the kernel unpacks.
const INITRAMFS: &str = "initramfs";
/// The input with what the selection says.
const FACTS: &str = "facts.json";
/// How the initramfs is packed: as the kernel is, smaller than any other.
const XZ: Compression = Compression::Xz { level: 9 };

/// A product whose actions are planned.
pub struct Product<'p, 'w> {
    /// Where it will be built.
    pub workshop: &'p Workshop<'p>,
    /// Where the sources of components are.
    pub devices: &'p Devices<'p>,
    /// What it consists of.
    pub selection: &'p Selection<'p>,
    /// Its program.
    pub plan: &'w Firmware,
    /// Its Linux.
    pub linux: &'w Linux,
    /// This program.
    pub program: Blake3,
}

/// The actions of a product that runs Linux.
pub struct Added {
    /// What makes the kernel.
    pub kernel: ActionId,
    /// What makes the image.
    pub image: ActionId,
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
    root: String,
    placed: Vec<Placed>,
}

impl<'w> Product<'_, 'w> {
    /// Adds them to a graph, after the one that compiles the program.
    ///
    /// # Errors
    /// What is missing for them.
    pub fn steps(&self, graph: &mut Graph<'w>, firmware: ActionId) -> Result<Added, Diagnostic> {
        let source = crate::sources::Fetched {
            identity: "stub".into(),
            path: "/tmp/kern/linux-source-6.1".into(),
        };
        let kernel = graph.add(kbuild::action(self.workshop, self.plan, self.linux, source)?);
        let facts = self.facts()?;
        let text = serde_json::to_vec_pretty(&facts).map_err(|e| failed("write its facts", &e))?;
        let mut inputs: BTreeMap<String, Origin> = BTreeMap::new();
        inputs.insert(FACTS.to_owned(), Origin::Text(text));
        for name in cargo::OUTPUTS {
            inputs.insert(name.to_owned(), Origin::Output(firmware, name.to_owned()));
        }
        for name in [kbuild::OUTPUTS[0], kbuild::OUTPUTS[2]] {
            inputs.insert(name.to_owned(), Origin::Output(kernel, name.to_owned()));
        }
        for (placed, file) in facts.placed.iter().zip(&self.linux.files) {
            let folder = self.devices.folder(&file.component);
            let path = folder.map(|folder| folder.join(&file.from)).unwrap_or_default();
            let origin = if path.is_dir() { Origin::Tree(path) } else { Origin::File(path) };
            inputs.insert(placed.input.clone(), origin);
        }
        let made: &[&'static str] = match self.linux.layout.root {
            RootFormat::Initramfs => &[INITRAMFS],
            other => {
                let message = format!("a root file system `{other}` cannot be written yet");
                return Err(Diagnostic::error(Code::CrateContract, message));
            }
        };
        let image = graph.add(Action {
            product: self.plan.product.clone(),
            step: "image",
            builder: "system 1",
            inputs,
            settings: vec![Setting::new("tool", "tarsia", self.program.to_string())],
            outputs: made.iter().copied().chain([LIST, ACCOUNT]).collect(),
            alone: false,
            work: Box::new(Image),
        });
        let mut written = vec![(firmware, cargo::OUTPUTS[1])];
        written.extend(kbuild::OUTPUTS[..2].iter().map(|name| (kernel, *name)));
        written.extend(made.iter().map(|name| (image, *name)));
        Ok(Added { kernel, image, written })
    }

    fn facts(&self) -> Result<Facts, Diagnostic> {
        let Self { selection, plan, linux, .. } = self;
        let board = crate::product::board(selection)?;
        let region = |name: &str| {
            let size = board.memory.get(name).map_or(0, |region| region.size.value.0);
            Region { base: 0, size }
        };
        let placed = linux.files.iter().enumerate().map(|(at, file)| Placed {
            input: format!("files/{at}"),
            to: file.to.clone(),
            component: file.component.to_string(),
            executable: file.executable,
        });
        Ok(Facts {
            program: Program {
                product: plan.product.to_string(),
                components: selection.components.keys().map(Name::to_string).collect(),
                flash: region("flash"),
                ram: region("ram"),
                stack: 0,
                uf2_family: None,
            },
            version: selection
                .product
                .version
                .as_ref()
                .map_or_else(String::new, |v| v.value.clone()),
            kernel: linux.kernel.0.to_string(),
            root: linux.layout.component.to_string(),
            placed: placed.collect(),
        })
    }
}

fn failed(what: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(Code::MalformedImage, format!("cannot {what}: {error}"))
}

struct Image;

impl Work for Image {
    fn make(&self, job: &Job<'_>) -> Result<Made, Diagnostic> {
        let facts: Facts = serde_json::from_slice(&job.bytes(FACTS)?)
            .map_err(|error| failed("write an image without its facts", &error))?;
        let elf = job.bytes(cargo::OUTPUTS[1])?;
        let program = strip::strip(&elf).map_err(|error| failed("strip the program", &error))?;
        let size = program.len() as u64;
        let root = root::Root {
            product: &facts.program.product,
            version: &facts.version,
            program,
            component: &facts.root,
        };
        let root = root.tree(job, &facts.placed)?;

        let mut initramfs = Vec::new();
        let mut packer = XZ.writer(&mut initramfs).map_err(|e| failed("compress", &e))?;
        cpio::write(&root.tree, &mut packer).map_err(|e| failed("write the initramfs", &e))?;
        packer.finish().map_err(|error| failed("compress the initramfs", &error))?;

        let kernel = job.bytes(kbuild::OUTPUTS[0])?;
        let symbols = job.bytes(kbuild::OUTPUTS[2])?;
        let owner = |name: &str| name.parse().map_or(ROOT, Owner::Component);
        let mut pieces = inside(job, &facts, &elf, size)?;
        pieces.extend(root.files.iter().map(|file| Piece {
            owner: owner(&file.component),
            part: part("root", Some(file.path.clone()), file.size),
        }));
        let kernel_piece = |section: &str, size| Packed {
            size,
            pieces: vec![Piece { owner: owner(&facts.kernel), part: part(section, None, size) }],
            otherwise: ROOT,
        };
        let unpacked = pieces.iter().map(|piece| piece.part.bytes).sum();
        let stored = [
            kernel_piece("kernel", kernel.len() as u64),
            Packed { size: initramfs.len() as u64, pieces: pieces.clone(), otherwise: ROOT },
        ];
        let memory = [
            kernel_piece("kernel in memory", extent(&symbols).unwrap_or(kernel.len() as u64)),
            Packed { size: unpacked, pieces, otherwise: ROOT },
        ];
        let account = account(&stored, &memory, facts.program.flash, facts.program.ram);
        let account = serde_json::to_vec(&account).map_err(|e| failed("write the account", &e))?;
        let list = [
            File::of(cargo::OUTPUTS[1], Role::Debug, &elf),
            File::of(kbuild::OUTPUTS[0], Role::Image, &kernel),
            File::of(INITRAMFS, Role::Image, &initramfs),
        ];
        let list = serde_json::to_vec(&list).map_err(|e| failed("write the list of files", &e))?;
        Ok(Made::from([
            (INITRAMFS.to_owned(), initramfs),
            (ACCOUNT.to_owned(), account),
            (LIST.to_owned(), list),
        ]))
    }
}

/// Whose something is that no component brought.
const ROOT: Owner = Owner::Structural(Structural::Root);

fn part(section: &str, file: Option<String>, bytes: u64) -> Part {
    Part { section: section.to_owned(), file, symbol: None, bytes }
}

/// What is in the program, by owner: its stored bytes, and for the rest of the file its root.
fn inside(job: &Job<'_>, facts: &Facts, elf: &[u8], size: u64) -> Result<Vec<Piece>, Diagnostic> {
    let crates = crates::read(&job.bytes(cargo::OUTPUTS[0])?);
    let crates = crates.ok_or_else(|| failed("account for the program", &"no list of crates"))?;
    let found = tarsia_audit::attribute(Input {
        elf,
        // Wherever the linker puts a program; what is not stored is not asked for.
        flash: Region { base: 0, size: 1 << 47 },
        ram: Region { base: 1 << 47, size: 1 << 47 },
        owners: &owners(&facts.program, &crates),
        stack: 0,
    });
    let found = found.map_err(|error| failed("account for the program's bytes", &error))?;
    let rows = found.flash.rows.into_iter();
    let pieces: Vec<Piece> = rows
        .flat_map(|row| {
            let owner = row.owner;
            row.parts.into_iter().map(move |part| Piece { owner: owner.clone(), part })
        })
        .collect();
    Ok(pieces)
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
