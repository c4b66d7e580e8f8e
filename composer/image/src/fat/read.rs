//! Reading of a FAT. Fields, copies, chains and names have to fit each other: what a checker would repair is refused.
//! FATs of other programs are read too, as long as they are sound.

use super::directory::ENTRY;
use super::error::FatError;
use super::folder::{Item, Items, items};
use super::geometry::Geometry;
use super::image::{COPY_SECTOR, EXTENDED, INFO, MEDIA, NO_LABEL, SIGNATURE, extended};
use super::table::Table;
use super::time::EARLIEST;
use super::{Volume, Width};
use crate::content::Data;
use crate::layout::Sector;
use crate::tree::{Kind, Meta, Tree};

/// Reads a FAT with everything in it into memory: at most a few times the size of the image.
///
/// # Errors
/// The first rule that is broken.
pub fn read(image: &Data) -> Result<Volume, FatError> {
    let boot = Boot::read(image)?;
    let Boot { geometry, .. } = boot;
    let mut table = Table::read(image, &geometry)?;
    let cluster = geometry.cluster();
    let mut tree = Tree::new(Meta { modified: EARLIEST, ..Meta::root(0o755) });
    let mut label = None;
    // Folders whose entries are to be read, with the cluster of the one above.
    let mut open = vec![(Vec::new(), boot.root, 0)];
    while let Some((path, first, above)) = open.pop() {
        let shown = String::from_utf8_lossy(&path).escape_debug().to_string();
        let is_root = path.is_empty();
        let bytes = match first {
            0 => piece(
                image,
                (geometry.data() - geometry.root()) * geometry.sector,
                (geometry.root_entries as usize) * ENTRY,
            )?,
            first => {
                let chain = table.chain(first, &shown)?;
                content(image, &geometry, &chain, chain.len() as u64 * cluster)?
            }
        };
        let own = (!is_root).then_some([first, above]);
        let Items { label: found, items } = items(&bytes, &shown, own)?;
        label = label.or(found);
        for Item { name, entry, folder, modified } in items {
            let slash: &[u8] = if is_root { b"" } else { b"/" };
            let inner = [path.as_slice(), slash, name.as_bytes()].concat();
            let text = || String::from_utf8_lossy(&inner).escape_debug().to_string();
            let meta = |mode| Meta { modified, ..Meta::root(mode) };
            if folder {
                tree.add(&inner, meta(0o755), Kind::Folder(Default::default()))?;
                if inner.len() > super::error::LONGEST_PATH {
                    let why = "are of a path that is too long";
                    return Err(FatError::Chain { path: text(), why, cluster: entry.cluster });
                }
                // To a folder in the root, the one above is 0 whatever it has.
                open.push((inner, entry.cluster, if is_root { 0 } else { first }));
                continue;
            }
            let size = u64::from(entry.size);
            let chain = match entry.cluster {
                0 => Vec::new(),
                first => table.chain(first, &text())?,
            };
            if chain.len() as u64 != geometry.clusters_of(size) {
                let why = "are more or fewer than its size needs";
                let cluster = chain.last().copied().unwrap_or(0);
                return Err(FatError::Chain { path: text(), why, cluster });
            }
            let bytes = content(image, &geometry, &chain, size)?;
            tree.add(&inner, meta(0o644), Kind::File(Data::of(bytes)))?;
        }
    }
    let free = table.free()? * cluster;
    let label = label.unwrap_or_default();
    let Boot { sector, volume, .. } = boot;
    Ok(Volume { tree, label, volume, width: geometry.width, sector, cluster, free })
}

/// What the boot sector says.
struct Boot {
    geometry: Geometry,
    sector: Sector,
    volume: u32,
    /// First cluster of the root; 0 for a root of fixed size.
    root: u32,
}

impl Boot {
    fn read(image: &Data) -> Result<Self, FatError> {
        let boot = piece(image, 0, 512)?;
        let number = |at: usize, size: usize| {
            boot[at..at + size].iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let wrong = |field, at: usize, size, expected| FatError::Field {
            field,
            offset: at as u64,
            found: number(at, size),
            expected,
        };
        let expect = |field, at, size, expected| match number(at, size) == expected {
            true => Ok(()),
            false => Err(wrong(field, at, size, Some(expected))),
        };
        expect("Signature_word", 510, 2, u64::from(u16::from_le_bytes(SIGNATURE)))?;
        if !(boot[0] == 0xe9 || boot[0] == 0xeb && boot[2] == 0x90) {
            return Err(wrong("BS_jmpBoot", 0, 3, None));
        }
        let sector = match number(11, 2) {
            512 => Sector::S512,
            4_096 => Sector::S4096,
            _ => return Err(wrong("BPB_BytsPerSec", 11, 2, None)),
        };
        let per_cluster = number(13, 1);
        if !per_cluster.is_power_of_two() {
            return Err(wrong("BPB_SecPerClus", 13, 1, None));
        }
        expect("BPB_NumFATs", 16, 1, 2)?;
        expect("BPB_Media", 21, 1, u64::from(MEDIA))?;
        let (reserved, root_entries) = (number(14, 2), number(17, 2));
        if reserved == 0 {
            return Err(wrong("BPB_RsvdSecCnt", 14, 2, None));
        }
        let small = number(22, 2);
        let table = if small == 0 { number(36, 4) } else { small };
        let (short, long) = (number(19, 2), number(32, 4));
        let sectors = if short == 0 { long } else { short };
        // Both may be said where both are the same.
        if sectors == 0 || short != 0 && long != 0 && short != long {
            return Err(wrong("BPB_TotSec32", 32, 4, Some(short)));
        }
        let geometry = Geometry {
            width: Width::Fat12,
            sector: sector.bytes(),
            sectors,
            reserved,
            table,
            root_entries,
            per_cluster,
            clusters: 0,
        };
        let clusters = sectors.checked_sub(geometry.data()).map_or(0, |rest| rest / per_cluster);
        let geometry = Geometry { width: Width::of(clusters), clusters, ..geometry };
        let Some(entries) = (table * sector.bytes() * 8).checked_div(geometry.width.bits()) else {
            return Err(wrong("BPB_FATSz32", 36, 4, None));
        };
        if clusters == 0 || entries < clusters + 2 || clusters > 0x0fff_fff5 {
            return Err(match small {
                0 => wrong("BPB_FATSz32", 36, 4, None),
                _ => wrong("BPB_FATSz16", 22, 2, None),
            });
        }
        let wide = geometry.width == Width::Fat32;
        if wide != (root_entries == 0) || !root_entries.is_multiple_of(sector.bytes() / 32) {
            return Err(wrong("BPB_RootEntCnt", 17, 2, None));
        }
        if wide != (small == 0) {
            return Err(wrong("BPB_FATSz16", 22, 2, None));
        }
        let size = sectors * sector.bytes();
        if size > image.size() {
            return Err(FatError::Short { size, image: image.size() });
        }
        let start = extended(geometry.width);
        expect("BS_BootSig", start + 2, 1, u64::from(EXTENDED))?;
        let mut root = 0;
        if wide {
            expect("BPB_ExtFlags", 40, 2, 0)?;
            expect("BPB_FSVer", 42, 2, 0)?;
            root = number(44, 4) as u32;
            if root == 0 {
                return Err(wrong("BPB_RootClus", 44, 4, None));
            }
            let (info, copy) = (number(48, 2), number(50, 2));
            expect("BPB_BkBootSec", 50, 2, u64::from(COPY_SECTOR))?;
            if info == 0 || info >= reserved || copy >= reserved || info == copy {
                return Err(wrong("BPB_FSInfo", 48, 2, None));
            }
            if piece(image, copy * sector.bytes(), 512)? != boot {
                return Err(FatError::Copies { what: "boot sector" });
            }
            let offset = info * sector.bytes();
            let info = piece(image, offset, 512)?;
            for (at, signature) in INFO {
                let found =
                    u32::from_le_bytes([info[at], info[at + 1], info[at + 2], info[at + 3]]);
                if found != signature {
                    let (found, expected) = (u64::from(found), Some(u64::from(signature)));
                    let (field, offset) = ("a signature of FSInfo", offset + at as u64);
                    return Err(FatError::Field { field, offset, found, expected });
                }
            }
        }
        Ok(Self { geometry, sector, volume: number(start + 3, 4) as u32, root })
    }
}

/// The first `size` bytes of a chain of clusters.
fn content(
    image: &Data,
    geometry: &Geometry,
    chain: &[u32],
    size: u64,
) -> Result<Vec<u8>, FatError> {
    let cluster = geometry.cluster();
    // Not more than the chain, which is not more than the image.
    let mut bytes = Vec::with_capacity((chain.len() as u64 * cluster) as usize);
    let mut rest = chain;
    while let [first, ..] = rest {
        let run = rest.iter().zip(u64::from(*first)..).take_while(|(a, b)| u64::from(**a) == *b);
        let count = run.count();
        let offset = geometry.data() * geometry.sector + (u64::from(*first) - 2) * cluster;
        bytes.extend(piece(image, offset, count * cluster as usize)?);
        rest = &rest[count..];
    }
    bytes.truncate(size as usize);
    Ok(bytes)
}

/// Bytes of the image; those who ask know that there are so many.
pub(super) fn piece(image: &Data, offset: u64, size: usize) -> Result<Vec<u8>, FatError> {
    let inside = offset.checked_add(size as u64).is_some_and(|end| end <= image.size());
    let failed = |source| FatError::Read { offset, size, source };
    if !inside {
        return Err(failed(std::io::ErrorKind::UnexpectedEof.into()));
    }
    let mut bytes = vec![0; size];
    image.read_at(offset, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Whether a label says that there is none.
pub(super) fn no_label(label: &[u8; 11]) -> bool {
    *label == NO_LABEL
}
