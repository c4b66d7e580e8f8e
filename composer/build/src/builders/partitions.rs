//! The partitions of a disk: what each is for, whether they fit, and the table that says so.

use serde::{Deserialize, Serialize};
use tarsia_image::gpt::{self, kind};
use tarsia_image::layout::{Headroom, LayoutProblem, Sector, Wanted, WantedPartition, place};
use tarsia_image::uuid::Uuid;
use tarsia_image::verity;
use tarsia_manifest::linux::{Role, RootFormat};
use tarsia_model::{Blake3, Code, Diagnostic};
use tarsia_plan::linux::PartitionSize;

/// What a manifest says of a disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What holds the root file system; not an initramfs, which is on no disk.
    pub root: RootFormat,
    /// Partitions in their order: what each is for, and its size in bytes.
    pub partitions: Vec<(Role, u64)>,
    /// The architecture, as files of UEFI have it: `x64`, `aa64`.
    pub efi: String,
    /// The kernel's command line.
    pub command_line: String,
    /// How much of a slot the next version may need more, in hundredths of the slot.
    pub headroom: u8,
}

impl Plan {
    /// The size of the partition for this, in bytes; none without one.
    pub fn size(&self, role: Role) -> Option<u64> {
        self.partitions.iter().find(|(known, _)| *known == role).map(|(_, size)| *size)
    }

    /// The slots that there are: their names, and the partitions of each with root and hash tree.
    pub fn slots(&self) -> impl Iterator<Item = (&'static str, Role, Role)> {
        let slots = [("a", Role::RootA, Role::VerityA), ("b", Role::RootB, Role::VerityB)];
        slots.into_iter().filter(|(_, root, _)| self.size(*root).is_some())
    }

    /// The types of partitions with a root and with its hash tree.
    fn kinds(&self) -> Result<[Uuid; 2], Diagnostic> {
        match self.efi.as_str() {
            "aa64" => Ok([kind::ROOT_ARM64, kind::ROOT_VERITY_ARM64]),
            "x64" => Ok([kind::ROOT_X86_64, kind::ROOT_VERITY_X86_64]),
            other => {
                let message =
                    format!("cannot lay out a disk for the architecture `{other}` of UEFI");
                Err(Diagnostic::error(Code::MalformedImage, message))
            }
        }
    }

    /// What is wrong with it, whatever goes onto it. `at` says where each size is decided, and `room` how many bytes
    /// the board has.
    pub fn problems(&self, at: &[PartitionSize], room: u64) -> Vec<Diagnostic> {
        let nothing = vec![None; self.partitions.len()];
        let mut found = match place(&self.wanted(&nothing)) {
            Ok(_) => Vec::new(),
            Err(problems) => all(&problems, at),
        };
        found.extend(self.kinds().err());
        for (_, root, hashes) in self.slots() {
            let (Some(size), Some(has)) = (self.size(root), self.size(hashes)) else { continue };
            // What is no whole block is a problem of its own.
            let Ok(needs) = verity::size(size, false) else { continue };
            if needs > has {
                let message = format!(
                    "cannot lay out the disk: the hash tree of a full `{root}` of {size} bytes has {needs} bytes, \
                     {} more than `{hashes}` of {has}",
                    needs - has
                );
                found.push(located(at, Some(hashes.as_str()), message));
            }
        }
        let sum = at.iter().fold(0_u64, |sum, one| sum.saturating_add(one.size.0));
        if sum > room
            && let Some(largest) = at.iter().max_by_key(|one| one.size)
        {
            let message = format!(
                "cannot lay out the disk: its partitions have {sum} bytes, {} more than the {room} of the board's flash",
                sum - room
            );
            found.push(Diagnostic::at(Code::DiskLayout, largest.span, message));
        }
        found
    }

    fn wanted(&self, contents: &[Option<u64>]) -> Wanted {
        let partitions = self.partitions.iter().zip(contents).map(|((role, size), content)| {
            let headroom = match role {
                Role::RootA | Role::RootB => self.headroom,
                _ => 0,
            };
            WantedPartition {
                content: *content,
                headroom: Headroom::Percent(headroom),
                ..WantedPartition::new(role.as_str(), *size)
            }
        });
        Wanted { sector: Sector::S512, size: None, partitions: partitions.collect() }
    }

    /// The partition table for partitions with contents of these sizes.
    ///
    /// # Errors
    /// All that does not fit.
    pub fn table(
        &self,
        names: &Names<'_>,
        contents: &[Option<u64>],
        at: &[PartitionSize],
    ) -> Result<gpt::Table, Vec<Diagnostic>> {
        let [root, hashes] = self.kinds().map_err(|problem| vec![problem])?;
        let placed = place(&self.wanted(contents)).map_err(|problems| all(&problems, at))?;
        let read_only = gpt::READ_ONLY | gpt::NO_AUTOMOUNT;
        let partitions =
            placed.partitions.iter().zip(&self.partitions).map(|(partition, (role, _))| {
                let (kind, attributes) = match role {
                    Role::Esp => (kind::ESP, 0),
                    Role::RootA | Role::RootB => (root, read_only),
                    Role::VerityA | Role::VerityB => (hashes, read_only),
                    Role::Data => (kind::LINUX, 0),
                };
                gpt::Partition {
                    kind,
                    id: names.uuid(&partition.name),
                    name: partition.name.clone(),
                    first: partition.first,
                    sectors: partition.sectors,
                    attributes,
                }
            });
        Ok(gpt::Table {
            sector: placed.sector,
            sectors: placed.sectors,
            id: names.uuid("disk"),
            partitions: partitions.collect(),
        })
    }
}

/// A problem of a layout, at the line that decides the size of the partition that it is about.
pub fn located(at: &[PartitionSize], partition: Option<&str>, message: String) -> Diagnostic {
    match at.iter().find(|one| partition == Some(one.role.as_str())) {
        Some(one) => Diagnostic::at(Code::DiskLayout, one.span, message),
        None => Diagnostic::error(Code::DiskLayout, message),
    }
}

fn all(problems: &[LayoutProblem], at: &[PartitionSize]) -> Vec<Diagnostic> {
    let diagnostic = |problem: &LayoutProblem| {
        located(at, problem.about(), format!("cannot lay out the disk: {problem}"))
    };
    problems.iter().map(diagnostic).collect()
}

/// The identity of something on the disk.
pub struct Names<'a> {
    /// The product.
    pub product: &'a str,
    /// Its content.
    pub of: Blake3,
}

impl Names<'_> {
    /// The identity of this.
    pub fn uuid(&self, what: &str) -> Uuid {
        Uuid::derived(&format!("{} {what}", self.product), self.of)
    }
}
