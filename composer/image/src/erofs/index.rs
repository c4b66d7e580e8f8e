//! The index of a compressed file (erofs_fs.h, `struct z_erofs_lcluster_index`, data layout 1): for each
//! 4 KiB of the file, whether a run starts in it, where in it, and in which block that is stored; or else
//! how far the run's start is, and the next one.

use super::disk::{BLOCK, u16_at, u32_at};
use super::pack::Run;

/// Size of an entry.
pub const ENTRY: usize = 8;
/// `struct z_erofs_map_header`, and 8 bytes that nothing uses (`Z_EROFS_FULL_INDEX_ALIGN`).
pub const HEADER: usize = 16;
/// Entry of an uncompressed run, of a compressed one, and of what is in the middle of a run
/// (`Z_EROFS_LCLUSTER_TYPE_*`).
const PLAIN: u16 = 0;
const PACKED: u16 = 1;
const WITHIN: u16 = 2;
/// Set in the first entry within a run, where its number of blocks stands (`Z_EROFS_LI_D0_CBLKCNT`).
const BLOCKS: u16 = 1 << 11;
/// `Z_EROFS_ADVISE_BIG_PCLUSTER_1` and `_INLINE_PCLUSTER`.
const BIG: u16 = 0x2;
const TAIL: u16 = 0x8;

/// A run, and where it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub run: Run,
    /// First block; 0 when it is the tail beside the inode.
    pub block: u32,
}

/// Size in bytes of header and index of a file of `size` bytes.
pub fn size(size: u64) -> u64 {
    HEADER as u64 + size.div_ceil(BLOCK) * ENTRY as u64
}

/// Header and index of the runs of a file. `big` when clusters may have several blocks; `tail` is the
/// size of the last run when that stands beside the inode.
pub fn bytes(places: &[Place], big: bool, tail: Option<u16>) -> Vec<u8> {
    let size: u64 = places.iter().map(|place| u64::from(place.run.unpacked)).sum();
    let mut bytes = Vec::with_capacity(self::size(size) as usize);
    let advice = if big { BIG } else { 0 } | if tail.is_some() { TAIL } else { 0 };
    bytes.extend([0; 2]);
    bytes.extend(tail.unwrap_or(0).to_le_bytes());
    bytes.extend(advice.to_le_bytes());
    bytes.resize(HEADER, 0); // LZ4 is algorithm 0; entries are for 4 KiB
    let mut start = 0;
    for Place { run, block } in places {
        let offset = (start % BLOCK) as u16;
        let kind = if run.packed { PACKED } else { PLAIN };
        put(&mut bytes, kind, offset, *block);
        let end = start + u64::from(run.unpacked);
        // Where the next run starts, or the file ends.
        let next = if end == size { size.div_ceil(BLOCK) } else { end / BLOCK };
        let distance = next - start / BLOCK;
        let marks_end = end == size && !size.is_multiple_of(BLOCK) && distance > 1;
        for at in 1..distance - u64::from(marks_end) {
            let back = match at {
                1 if big => BLOCKS | run.blocks() as u16,
                at => at as u16,
            };
            let ahead = (distance - at) as u16;
            put(&mut bytes, WITHIN, offset, u32::from(back) | u32::from(ahead) << 16);
        }
        if marks_end {
            // Where a file ends in the middle of 4 KiB in which no run starts, Linux learns that from
            // a start of nothing.
            put(&mut bytes, PLAIN, (size % BLOCK) as u16, 0);
        }
        start = end;
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, kind: u16, offset: u16, rest: u32) {
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend(rest.to_le_bytes());
}

/// The runs of a file of `size` bytes by its header and index, and the size of its tail beside the
/// inode; `stored` of a run is whole blocks, but for the tail. Nothing when [`bytes`] would not have
/// written that.
pub fn read(index: &[u8], size: u64, big: bool) -> Option<(Vec<Place>, Option<u16>)> {
    let tail = (u16_at(index, 4)? & TAIL != 0).then(|| u16_at(index, 2)).flatten();
    let mut starts = Vec::new();
    let entries = index.get(HEADER..)?;
    for (at, entry) in entries.chunks_exact(ENTRY).enumerate() {
        let kind = u16_at(entry, 0)?;
        let start = at as u64 * BLOCK + u64::from(u16_at(entry, 2)?);
        if kind != WITHIN && start < size {
            let blocks = match entries.get((at + 1) * ENTRY..(at + 2) * ENTRY) {
                Some(next) if big && u16_at(next, 0)? == WITHIN => u16_at(next, 4)? & !BLOCKS,
                _ => 1,
            };
            starts.push((start, kind == PACKED, blocks, u32_at(entry, 4)?));
        }
    }
    let ends = starts.iter().skip(1).map(|next| next.0).chain([size]);
    let mut places = Vec::with_capacity(starts.len());
    for ((start, packed, blocks, block), end) in starts.iter().zip(ends) {
        let unpacked = u32::try_from(end.checked_sub(*start)?).ok()?;
        let stored = if *packed { u32::from(*blocks) * BLOCK as u32 } else { unpacked };
        places.push(Place { run: Run { unpacked, stored, packed: *packed }, block: *block });
    }
    let is_plain = |place: &&Place| !place.run.packed;
    if places.iter().filter(is_plain).any(|place| u64::from(place.run.stored) > BLOCK) {
        return None;
    }
    if let Some(tail) = tail {
        places.last_mut()?.run.stored = tail.into();
    }
    (bytes(&places, big, tail) == index).then_some((places, tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_come_back(
            sizes in proptest::collection::vec((4_096u32..100_000, any::<bool>()), 1..50),
            last in 1u32..9_000, big: bool, tail: bool,
        ) {
            let mut block = 7;
            let mut places = Vec::new();
            for (unpacked, packed) in sizes {
                let stored = match (packed, big) {
                    (false, _) => 4_096,
                    (true, false) => 4_096,
                    (true, true) => (unpacked - 1) / 4_096 * 4_096,
                };
                let packed = packed && stored > 0 && unpacked > stored;
                let (unpacked, stored) = if packed { (unpacked, stored) } else { (4_096, 4_096) };
                places.push(Place { run: Run { unpacked, stored, packed }, block });
                block += stored / 4_096;
            }
            let (packed, stored) = if last > 4_096 { (true, 4_096) } else { (false, last) };
            places.push(Place { run: Run { unpacked: last, stored, packed }, block });
            let tail = tail.then_some(stored as u16);
            let size = places.iter().map(|place| u64::from(place.run.unpacked)).sum();
            let index = bytes(&places, big, tail);
            prop_assert_eq!(index.len() as u64, super::size(size));
            prop_assert_eq!(read(&index, size, big), Some((places, tail)));
        }
    }
}
