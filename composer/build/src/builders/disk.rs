//! The disk of a product: a system partition that the firmware starts from, a read-only root with its hash
//! tree in one slot or two, and a partition for what the product writes. Every identity on it is derived
//! from the product and the content.

use std::collections::BTreeMap;
use std::io::Cursor;

use tarsia_audit::system::Packed as Share;
use tarsia_audit::{Owner, Structural};
use tarsia_image::codec::Codec;
use tarsia_image::content::{Data, Packed};
use tarsia_image::disk::{self, Use};
use tarsia_image::extent::{Extents, Part};
use tarsia_image::slots::{Entry, Loader, Suffix};
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_image::uuid::Uuid;
use tarsia_image::{erofs, ext4, fat, squashfs, uki, verity};
use tarsia_manifest::linux::{Role, RootFormat};
use tarsia_model::{Blake3, Code, Diagnostic};
use tarsia_plan::linux::PartitionSize;

use super::partitions::{Names, Plan, located};

/// The first time that a FAT can tell, 1980, in seconds since 1970: the time of everything on the disk.
const TIME: u64 = 315_532_800;
/// How often a slot is tried before the other one is.
const ATTEMPTS: u32 = 3;

/// What goes onto a disk.
pub struct Contents<'a> {
    /// The product.
    pub product: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The root file system.
    pub tree: &'a Tree,
    /// The kernel.
    pub kernel: &'a [u8],
    /// The boot loader, and the program in front of a kernel.
    pub loader: [&'a [u8]; 2],
    /// Where compressed files are kept.
    pub kept: &'a dyn Packed,
    /// Where the sizes of partitions are decided, for messages.
    pub at: &'a [PartitionSize],
}

/// A written disk.
pub struct Disk {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Whose they are.
    pub shares: Vec<Share>,
}

/// Whose the bytes of an image are.
pub struct Owners<'a> {
    /// Whose an inode of the root file system is, as shares of a size.
    pub inode: &'a dyn Fn(tarsia_image::tree::InodeId, u64) -> Share,
    /// The kernel's.
    pub kernel: Owner,
    /// The boot loader's.
    pub loader: Owner,
}

/// A partition's content with whose its bytes are.
struct Content {
    data: Data,
    shares: Vec<Share>,
}

fn failed(what: &str, error: &dyn std::error::Error) -> Diagnostic {
    let mut message = format!("cannot write {what}: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        message = format!("{message}: {inner}");
        source = inner.source();
    }
    Diagnostic::error(Code::MalformedImage, message)
}

/// Several problems as one, with the place of each.
fn together(problems: Vec<Diagnostic>) -> Diagnostic {
    let all = problems.into_iter().reduce(|first, next| match next.primary {
        Some(label) => first.also(label.span, next.message),
        None => first.note(next.message),
    });
    all.unwrap_or_else(|| Diagnostic::error(Code::DiskLayout, "cannot lay out the disk"))
}

fn structure(kind: Structural, size: u64) -> Share {
    Share { size, pieces: Vec::new(), otherwise: Owner::Structural(kind) }
}

impl Contents<'_> {
    /// Writes the disk.
    ///
    /// # Errors
    /// What does not fit, with the numbers; and what a format cannot hold.
    pub fn disk(&self, plan: &Plan, owners: &Owners<'_>) -> Result<Disk, Diagnostic> {
        let root = self.root(plan, owners)?;
        let names = Names { product: self.product, of: root.data.digest() };
        let salt = Blake3::of(&[names.of.0.as_slice(), b"verity salt"].concat()).0.to_vec();
        let options = verity::Options { salt, superblock: None };
        let mut hashes = Vec::new();
        let tree = verity::write(&root.data, &options, &mut hashes)
            .map_err(|e| failed("the hash tree", &e))?;
        let size = hashes.len() as u64;
        let hashes =
            Content { data: Data::of(hashes), shares: vec![structure(Structural::HashTree, size)] };
        let esp = self.esp(plan, &names, &tree, owners);
        let data = plan.size(Role::Data).map(|size| data(&names, size)).transpose()?;
        let content = |role: Role| match role {
            Role::Esp => esp.as_ref().ok(),
            Role::RootA | Role::RootB => Some(&root),
            Role::VerityA | Role::VerityB => Some(&hashes),
            Role::Data => data.as_ref(),
        };
        let contents: Vec<Option<&Content>> =
            plan.partitions.iter().map(|(role, _)| content(*role)).collect();
        let sizes: Vec<Option<u64>> =
            contents.iter().map(|content| content.map(|content| content.data.size())).collect();
        let table = plan.table(&names, &sizes, self.at);
        let mut problems = esp.as_ref().err().cloned().into_iter().collect::<Vec<_>>();
        let table = table.map_err(|found| problems.extend(found)).ok();
        let Some(table) = table.filter(|_| problems.is_empty()) else {
            return Err(together(problems));
        };
        let filled: Vec<Option<Data>> =
            contents.iter().map(|content| content.map(|content| content.data.clone())).collect();
        let mut out = Cursor::new(Vec::new());
        let areas = disk::write(&table, &filled, &mut out).map_err(|e| failed("the disk", &e))?;
        let mut shares = Vec::new();
        for area in areas {
            match area.of {
                Use::Content(at) => {
                    shares.extend(contents[at].iter().flat_map(|c| c.shares.clone()));
                }
                Use::Rest(_) => shares.push(structure(Structural::Free, area.size)),
                Use::Gap => shares.push(structure(Structural::Padding, area.size)),
                _ => shares.push(structure(Structural::PartitionTable, area.size)),
            }
        }
        let mut bytes = out.into_inner();
        let whole = table.sectors * table.sector.bytes();
        bytes.resize(usize::try_from(whole).unwrap_or(bytes.len()), 0);
        Ok(Disk { bytes, shares })
    }

    fn root(&self, plan: &Plan, owners: &Owners<'_>) -> Result<Content, Diagnostic> {
        let mut out = Cursor::new(Vec::new());
        let uuid =
            Uuid::derived(&format!("{} {} root", self.product, self.version), Blake3::of(b"")).0;
        let what = "the root file system";
        let extents = match plan.root {
            RootFormat::Initramfs => {
                let message = "cannot put an initramfs onto a disk";
                return Err(Diagnostic::error(Code::MalformedImage, message));
            }
            RootFormat::Erofs => {
                let compression = erofs::Compression {
                    tails: false,
                    cluster: 65_536,
                    ..erofs::Compression::DEFAULT
                };
                let options = erofs::Options {
                    uuid,
                    name: b"root".to_vec(),
                    built: 0,
                    nanoseconds: 0,
                    compression: Some(compression),
                };
                erofs::write(self.tree, &options, self.kept, &mut out)
                    .map_err(|e| failed(what, &e))?
            }
            RootFormat::Squashfs => {
                let options = squashfs::Options::new(Codec::Zstd { level: 15 });
                squashfs::write(self.tree, &options, self.kept, &mut out)
                    .map_err(|e| failed(what, &e))?
            }
            RootFormat::Ext4 => {
                let options = ext4::Options {
                    uuid,
                    hash_seed: uuid,
                    label: b"root".to_vec(),
                    made: 0,
                    size: ext4::Size::Smallest { free: 0 },
                    inodes: None,
                    journal: ext4::Journal::None,
                };
                ext4::write(self.tree, &options, &mut out).map_err(|e| failed(what, &e))?
            }
        };
        let mut bytes = out.into_inner();
        let mut shares = by_inode(&extents, owners);
        // The hash tree is over whole blocks.
        let rest = bytes.len().next_multiple_of(4_096) - bytes.len();
        bytes.resize(bytes.len() + rest, 0);
        shares.push(structure(Structural::Padding, rest as u64));
        Ok(Content { data: Data::of(bytes), shares })
    }

    fn esp(
        &self,
        plan: &Plan,
        names: &Names<'_>,
        root: &verity::Root,
        owners: &Owners<'_>,
    ) -> Result<Content, Diagnostic> {
        let what = "the system partition";
        let mut tree = Tree::new(Meta::root(0o755));
        let mut kernels = Vec::new();
        let mut add = |path: &str, bytes: Vec<u8>| {
            tree.folders_above(path.as_bytes(), &Meta::root(0o755))
                .map_err(|e| failed(what, &e))?;
            let file = Kind::File(Data::of(bytes));
            tree.add(path.as_bytes(), Meta::root(0o644), file).map_err(|e| failed(what, &e))
        };
        let program = format!("EFI/BOOT/BOOT{}.EFI", plan.efi.to_ascii_uppercase());
        add(&program, self.loader[0].to_vec())?;
        let settings = Loader { timeout: Some(0), editor: Some(false), ..Loader::default() };
        let settings = settings.text().map_err(|e| failed(what, &e))?;
        add("loader/loader.conf", settings.into_bytes())?;
        for (slot, _, hashes) in plan.slots() {
            let entry = Entry::new(&format!("{}-{slot}", self.product), Suffix::Efi)
                .and_then(|entry| entry.counted(ATTEMPTS))
                .map_err(|e| failed(what, &e))?;
            let verified = plan.size(hashes).is_some();
            let image = self.kernel(plan, names, root, (slot, verified))?;
            kernels.push(add(&format!("EFI/Linux/{entry}"), image)?);
        }
        let volume = u32::from_le_bytes(names.uuid("esp").0[..4].try_into().unwrap_or_default());
        let size = plan.size(Role::Esp);
        let options = fat::Options {
            size,
            label: "ESP".to_owned(),
            modified: TIME,
            ..fat::Options::smallest(volume)
        };
        let mut bytes = Vec::new();
        let extents = fat::write(&tree, &options, &mut bytes).map_err(|error| {
            let message = failed(what, &error).message;
            located(self.at, Some(Role::Esp.as_str()), message)
        })?;
        let sum = |is: &dyn Fn(&Part) -> bool| -> u64 {
            extents.iter().filter(|extent| is(&extent.part)).map(|extent| extent.size).sum()
        };
        let free = sum(&|part| matches!(part, Part::Structure("free clusters")));
        let taken = sum(&|part| matches!(part, Part::Inode(id) if kernels.contains(id)));
        let headroom = (taken * u64::from(plan.headroom)).div_ceil(100);
        if size.is_some() && free < headroom {
            let message = format!(
                "cannot write {what}: its kernels of {taken} bytes leave {free} bytes free, {} less than their headroom of \
                 {} % ({headroom})",
                headroom - free,
                plan.headroom
            );
            return Err(located(self.at, Some(Role::Esp.as_str()), message));
        }
        let shares = extents.iter().map(|extent| match &extent.part {
            Part::Inode(id) if matches!(tree.inode(*id).kind, Kind::File(_)) => {
                let owner = if kernels.contains(id) { &owners.kernel } else { &owners.loader };
                Share { size: extent.size, pieces: Vec::new(), otherwise: owner.clone() }
            }
            Part::Structure("free clusters") => structure(Structural::Free, extent.size),
            _ => structure(Structural::FileSystem, extent.size),
        });
        Ok(Content { data: Data::of(bytes), shares: shares.collect() })
    }

    /// The kernel of a slot, with the command line by which it finds and verifies its root.
    fn kernel(
        &self,
        plan: &Plan,
        names: &Names<'_>,
        root: &verity::Root,
        (slot, verified): (&str, bool),
    ) -> Result<Vec<u8>, Diagnostic> {
        let what = "the kernel of a slot";
        let device = |role: &str| format!("PARTUUID={}", names.uuid(&format!("{role}-{slot}")));
        let (data, hashes) = (device("root"), device("verity"));
        let line = if verified {
            let table = verity::Table {
                data: &data,
                hashes: &hashes,
                offset: 0,
                parameters: &["restart_on_corruption"],
            };
            let argument = root.boot_argument("root", &table).map_err(|e| failed(what, &e))?;
            format!("{argument} root=/dev/dm-0")
        } else {
            format!("root={data}")
        };
        let line = format!(
            "{} {line} rootfstype={} rootwait ro init=/init tarsia.slot={slot}",
            plan.command_line, plan.root
        );
        // Of two slots with one version the first is to come first.
        let version =
            if slot == "a" { self.version.to_owned() } else { format!("{}~{slot}", self.version) };
        let release = format!(
            "ID={}\nNAME={:?}\nPRETTY_NAME=\"{} {} ({slot})\"\nVERSION_ID={version:?}\n",
            self.product, self.product, self.product, self.version
        );
        let sections = BTreeMap::from([
            (uki::Name::OsRelease, Data::of(release)),
            (uki::Name::CommandLine, Data::of(line)),
            (uki::Name::Linux, Data::of(self.kernel.to_vec())),
        ]);
        let mut image = Vec::new();
        uki::write(&Data::of(self.loader[1].to_vec()), &sections, &mut image)
            .map_err(|e| failed(what, &e))?;
        Ok(image)
    }
}

/// An empty file system for what the product writes.
fn data(names: &Names<'_>, size: u64) -> Result<Content, Diagnostic> {
    let options = ext4::Options {
        uuid: names.uuid("data").0,
        hash_seed: names.uuid("data seed").0,
        label: b"data".to_vec(),
        made: TIME,
        size: ext4::Size::Exactly(size),
        inodes: None,
        journal: ext4::Journal::Fitting,
    };
    let mut out = Cursor::new(Vec::new());
    let tree = Tree::new(Meta::root(0o755));
    ext4::write(&tree, &options, &mut out).map_err(|e| failed("the data partition", &e))?;
    let mut bytes = out.into_inner();
    bytes.resize(usize::try_from(size).unwrap_or(bytes.len()), 0);
    Ok(Content { data: Data::of(bytes), shares: vec![structure(Structural::FileSystem, size)] })
}

fn by_inode(extents: &Extents, owners: &Owners<'_>) -> Vec<Share> {
    let shares = extents.iter().flat_map(|extent| match &extent.part {
        Part::Inode(id) => vec![(owners.inode)(*id, extent.size)],
        Part::Shared(parts) => {
            let pieces = parts.iter().flat_map(|(id, size)| (owners.inode)(*id, *size).pieces);
            let otherwise = Owner::Structural(Structural::FileSystem);
            vec![Share { size: extent.size, pieces: pieces.collect(), otherwise }]
        }
        Part::Structure(_) => vec![structure(Structural::FileSystem, extent.size)],
    });
    shares.collect()
}
