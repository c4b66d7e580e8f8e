//! Which blocks of a file have something in them. Those of zeros take no place in an image.

use std::io;

use super::BLOCK;
use crate::content::Data;

/// How much is read at a time, in bytes.
const PIECE: usize = 1 << 20;

/// Runs of blocks of a file that are not all zeros: the first, and how many. Files have fewer than 2^32 blocks.
pub(super) fn filled(data: &Data, buffer: &mut Vec<u8>) -> io::Result<Vec<(u32, u32)>> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut at = 0;
    while at < data.size() {
        let size = (data.size() - at).min(PIECE as u64) as usize;
        buffer.resize(size, 0);
        data.read_at(at, buffer)?;
        for (number, block) in (at / BLOCK as u64..).zip(buffer.chunks(BLOCK)) {
            let number = number as u32;
            match runs.last_mut() {
                _ if is_zero(block) => {}
                Some((start, count)) if *start + *count == number => *count += 1,
                _ => runs.push((number, 1)),
            }
        }
        at += size as u64;
    }
    Ok(runs)
}

fn is_zero(block: &[u8]) -> bool {
    // Pieces without a way out in between: they become a few wide instructions.
    block.chunks(64).all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_zeros_are_left_out() {
        let mut bytes = vec![0; 3 * PIECE + 1];
        for at in [0, BLOCK, PIECE - 1, PIECE, 3 * PIECE] {
            bytes[at] = 1;
        }
        let runs = filled(&Data::of(bytes), &mut Vec::new()).expect("memory");
        assert_eq!(runs, [(0, 2), (255, 2), (768, 1)]);
        let runs = filled(&Data::of(vec![0; 5_000]), &mut Vec::new()).expect("memory");
        assert_eq!(runs, []);
    }
}
