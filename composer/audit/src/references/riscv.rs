//! RISC-V with compressed instructions (The RISC-V Instruction Set Manual, Volume I, 2.4 to 2.6 and
//! "C" extension): `lui` or `auipc` followed by an addition, a load or a store with the low part,
//! and addresses relative to `gp`.

use super::Reference;
use crate::firmware::Section;

/// `x3`, which start-up code sets to the middle of small variables (RISC-V psABI).
const GP: usize = 3;

pub(super) fn scan(
    section: &Section<'_>,
    start: u64,
    end: u64,
    global_pointer: Option<u64>,
) -> Vec<Reference> {
    let mut state = State { found: Vec::new(), registers: [None; 32], global_pointer };
    state.forget(|_| true);
    let mut at = start;
    while at < end {
        let Some(half) = section.half(at) else { break };
        if half & 3 == 3 {
            let Some(word) = section.word(at) else { break };
            state.full(at, word);
            at += 4;
        } else {
            state.compressed(at, half);
            at += 2;
        }
    }
    state.found
}

/// What the registers are known to hold.
struct State {
    found: Vec<Reference>,
    registers: [Option<u32>; 32],
    global_pointer: Option<u64>,
}

impl State {
    fn set(&mut self, register: usize, value: Option<u32>) {
        if register != 0 && register != GP {
            self.registers[register] = value;
        }
    }

    fn forget(&mut self, which: impl Fn(usize) -> bool) {
        for register in (0..32).filter(|register| which(*register)) {
            self.registers[register] = None;
        }
        self.registers[GP] = self.global_pointer.and_then(|value| u32::try_from(value).ok());
    }

    /// A jump ends the straight line; a call leaves what the callee must keep (psABI, "Integer
    /// Register Convention": `s0`, `s1`, `s2` to `s11`).
    fn jump(&mut self, link: bool) {
        self.forget(|register| !link || !matches!(register, 8 | 9 | 18..=27));
    }

    /// The address `register + offset`, noted when it is known.
    fn refer(&mut self, at: u64, register: usize, offset: i32) -> Option<u32> {
        let to = self.registers[register]?.wrapping_add_signed(offset);
        self.found.push(Reference { from: at, to: to.into(), literal: None });
        Some(to)
    }

    fn full(&mut self, at: u64, word: u32) {
        let rd = (word >> 7 & 31) as usize;
        let rs1 = (word >> 15 & 31) as usize;
        let signed = word.cast_signed();
        match word & 0x7f {
            0x37 => self.set(rd, Some(word & 0xffff_f000)),
            0x17 => self.set(rd, Some((at as u32).wrapping_add(word & 0xffff_f000))),
            0x13 if word >> 12 & 7 == 0 => {
                let value = self.refer(at, rs1, signed >> 20);
                self.set(rd, value);
            }
            0x03 => {
                self.refer(at, rs1, signed >> 20);
                self.set(rd, None);
            }
            0x23 => {
                let offset = signed >> 25 << 5 | (word >> 7 & 31).cast_signed();
                self.refer(at, rs1, offset);
            }
            0x2f => {
                self.refer(at, rs1, 0);
                self.set(rd, None);
            }
            0x63 => {}
            0x67 | 0x6f => self.jump(rd != 0),
            _ => self.set(rd, None),
        }
    }

    fn compressed(&mut self, at: u64, half: u16) {
        let half = u32::from(half);
        let bits = |from: u32, count: u32| half >> from & ((1 << count) - 1);
        let rd = bits(7, 5) as usize;
        let (high, low) = (bits(7, 3) as usize + 8, bits(2, 3) as usize + 8);
        // The six-bit immediate of C.LUI and C.ADDI, sign in bit 12.
        let six = (bits(12, 1) << 31 | bits(2, 5) << 26).cast_signed() >> 26;
        match (half & 3, half >> 13) {
            (0, 2 | 6) => {
                let offset = bits(10, 3) << 3 | bits(6, 1) << 2 | bits(5, 1) << 6;
                self.refer(at, high, offset.cast_signed());
                if half >> 13 == 2 {
                    self.set(low, None);
                }
            }
            (0, 0 | 1 | 3) => self.set(low, None),
            (1, 0) => {
                let value = self.refer(at, rd, six);
                self.set(rd, value);
            }
            (1, 3) if rd != 2 => self.set(rd, Some((six << 12).cast_unsigned())),
            (1, 2) | (2, 0..=3) => self.set(rd, None),
            (1, 1) => self.jump(true),
            (1, 4) => self.set(high, None),
            (1, 5) => self.jump(false),
            (2, 4) => match (bits(12, 1), bits(2, 5) as usize) {
                (0, 0) => self.jump(false),
                (0, source) => self.set(rd, self.registers[source]),
                (_, 0) if rd != 0 => self.jump(true),
                _ => self.set(rd, None),
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::section_of;
    use super::*;

    fn scanned(code: &[u8], gp: Option<u64>) -> Vec<(u64, u64)> {
        let section = section_of(0x2040_0000, code);
        let found = scan(&section, section.address, section.end(), gp);
        found.into_iter().map(|reference| (reference.from - 0x2040_0000, reference.to)).collect()
    }

    #[test]
    fn pairs_loads_and_stores() {
        let words = |words: &[u32]| words.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<_>>();
        // lui a1, 0x20401; addi a1, a1, 0x478; lw a0, -8(a1); sw a0, 4(a1)
        let code = words(&[0x2040_15b7, 0x4785_8593, 0xff85_a503, 0x00a5_a223]);
        let expected = [(4, 0x2040_1478), (8, 0x2040_1470), (12, 0x2040_147c)];
        assert_eq!(scanned(&code, None), expected);
        // auipc a0, 1; addi a0, a0, 16
        assert_eq!(scanned(&words(&[0x0000_1517, 0x0105_0513]), None), [(4, 0x2040_1010)]);
        // lui s0, 0x20401; jal ra, 0; addi a0, s0, 1; jal x0, 0; addi a0, s0, 1
        let code = words(&[0x2040_1437, 0x0000_00ef, 0x0014_0513, 0x0000_006f, 0x0014_0513]);
        assert_eq!(scanned(&code, None), [(8, 0x2040_1001)]);
        // addi a0, gp, -4
        assert_eq!(scanned(&words(&[0xffc1_8513]), Some(0x8000_0800)), [(0, 0x8000_07fc)]);
    }

    #[test]
    fn compressed() {
        // c.lui a0, 0xfffe1 (sign extended); c.addi a0, 4; c.lw a1, 4(a0); c.mv a2, a0; c.sw a1, 0(a2)
        let code = [0x7505u16, 0x0511, 0x414c, 0x862a, 0xc20c];
        let bytes: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        let base = 0xfffe_1000u64;
        assert_eq!(scanned(&bytes, None), [(2, base + 4), (4, base + 8), (8, base + 4)]);
    }
}
