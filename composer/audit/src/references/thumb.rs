//! Thumb-2 (ARMv7-M Architecture Reference Manual, DDI 0403E, A5 and A7.7): literals and
//! `movw`/`movt` pairs.

use super::Reference;
use crate::firmware::Section;

pub(super) fn scan(
    section: &Section<'_>,
    start: u64,
    end: u64,
    is_pool: impl Fn(u64) -> bool,
) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut low: [Option<u64>; 16] = [None; 16];
    let mut at = start;
    while at < end {
        if is_pool(at) {
            at += 2;
            continue;
        }
        let Some(first) = section.half(at) else { break };
        // A5.1: the top five bits tell a 32-bit instruction.
        let wide = first >> 11 >= 0b11101;
        let second = if wide { section.half(at + 2).unwrap_or(0) } else { 0 };
        // A7.7.43: literals are relative to the next but one halfword, aligned down.
        let base = (at + 4) & !3;
        let mut literal = |address: u64| {
            let value = section.word(address).unwrap_or(0);
            found.push(Reference { from: at, to: value.into(), literal: Some(address) });
        };
        let signed = |offset: u16, up: bool| {
            let offset = u64::from(offset);
            if up { base.wrapping_add(offset) } else { base.wrapping_sub(offset) }
        };
        let register = usize::from(second >> 8 & 15);
        if first & 0xf800 == 0x4800 {
            // LDR (literal) T1.
            literal(base + u64::from(first & 0xff) * 4);
        } else if wide && first & 0xff7f == 0xf85f {
            // LDR (literal) T2.
            literal(signed(second & 0xfff, first & 0x80 != 0));
        } else if wide && first & 0xff7f == 0xe95f {
            // LDRD (literal) T1.
            let address = signed((second & 0xff) * 4, first & 0x80 != 0);
            literal(address);
            literal(address.wrapping_add(4));
        } else if wide && first & 0xfbf0 == 0xf240 && second & 0x8000 == 0 {
            // MOV (immediate) T3, known as MOVW.
            low[register] = Some(immediate(first, second));
        } else if wide && first & 0xfbf0 == 0xf2c0 && second & 0x8000 == 0 {
            // MOVT T1.
            if let Some(low) = low[register].take() {
                let to = immediate(first, second) << 16 | low;
                found.push(Reference { from: at, to, literal: None });
            }
        }
        at += if wide { 4 } else { 2 };
    }
    found
}

/// imm4:i:imm3:imm8 of MOVW and MOVT.
fn immediate(first: u16, second: u16) -> u64 {
    let (first, second) = (u64::from(first), u64::from(second));
    (first & 15) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xff
}

#[cfg(test)]
mod tests {
    use super::super::section_of;
    use super::*;

    #[test]
    fn literals_and_pairs() {
        // Assembled with `arm-none-eabi-as -mcpu=cortex-m3 -mthumb`:
        //   ldr r0, =0x1234 (literal at 16) ; movw r3, #0xbeef ; movt r3, #0x2000 ; ldr.w r1, [pc, #4]
        let code = [
            0x03, 0x48, // ldr r0, [pc, #12]
            0x4b, 0xf6, 0xef, 0x63, // movw r3, #0xbeef
            0xc2, 0xf2, 0x00, 0x03, // movt r3, #0x2000
            0xdf, 0xf8, 0x04, 0x10, // ldr.w r1, [pc, #4]
            0x00, 0xbf, // nop
            0x34, 0x12, 0x00, 0x00, // .word 0x1234
            0x78, 0x56, 0x00, 0x20, // .word 0x20005678
        ];
        let section = section_of(0x400, &code);
        let found = scan(&section, 0x400, 0x418, |at| at >= 0x410);
        assert_eq!(
            found,
            [
                Reference { from: 0x400, to: 0x1234, literal: Some(0x410) },
                Reference { from: 0x406, to: 0x2000_beef, literal: None },
                Reference { from: 0x40a, to: 0x1234, literal: Some(0x410) },
            ]
        );
    }
}
