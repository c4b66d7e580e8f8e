//! From ELF to flash image to file formats, against random ELFs, damaged ones, and GNU objcopy.

#![expect(clippy::print_stdout, reason = "a skipped check must be seen")]

mod elf;

use object::elf::{EM_ARM, SHF_ALLOC};
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use tarsia_image::{Flash, FlashError, Region, Segment, SegmentError, Segments, bin, hex, uf2};

const FLASH: Region = Region { base: 0x0800_0000, size: 0x2_0000 };

fn section(address: u64, load: u64, bytes: Vec<u8>) -> elf::Section {
    let name = format!(".s{load:x}");
    elf::Section { name, address, load: Some(load), bytes, flags: SHF_ALLOC, align: 1 }
}

/// Sections one after the other in flash, some of which run elsewhere.
fn any_sections() -> impl Strategy<Value = Vec<elf::Section>> {
    let one = (0u64..300, prop::collection::vec(any::<u8>(), 1..400), any::<bool>());
    prop::collection::vec(one, 1..6).prop_map(|list| {
        let mut at = FLASH.base;
        let sections = list.into_iter().map(|(gap, bytes, moved)| {
            let load = at + gap;
            at = load + bytes.len() as u64;
            section(if moved { 0x2000_0000 + gap } else { load }, load, bytes)
        });
        sections.collect()
    })
}

fn pieces(sections: &[elf::Section]) -> Segments {
    let piece = |s: &elf::Section| Some(Segment { address: s.load?, bytes: s.bytes.clone() });
    Segments::new(sections.iter().filter_map(piece).collect()).expect("laid out apart")
}

#[test]
fn segments_outside_or_over_each_other_are_named_with_numbers() {
    let from = |sections: &[elf::Section]| {
        Flash::from_elf(&elf::write(EM_ARM, sections, &[]), FLASH).map(|flash| flash.used())
    };
    let inside = section(FLASH.base, FLASH.base, vec![1; 16]);
    assert_eq!(from(std::slice::from_ref(&inside)), Ok(16));
    let below = section(0, FLASH.base - 1, vec![2; 8]);
    let segment = Region { base: FLASH.base - 1, size: 8 };
    assert_eq!(from(&[inside.clone(), below]), Err(FlashError::Outside { segment, region: FLASH }));
    let beyond = section(0, FLASH.end() - 4, vec![2; 5]);
    let error = from(&[beyond]).expect_err("one byte too many");
    assert_eq!(
        error.to_string(),
        "the segment 0x0801fffc..0x08020001 (5 bytes) lies outside the flash 0x08000000..0x08020000"
    );
    let over = section(0, FLASH.base + 12, vec![3; 8]);
    let expected = SegmentError::Overlap {
        first: Region { base: FLASH.base, size: 16 },
        second: Region { base: FLASH.base + 12, size: 8 },
        bytes: 4,
    };
    assert_eq!(from(&[inside, over]), Err(FlashError::Segments(expected)));
    let nothing = elf::Section { load: None, ..section(0, 0, vec![0; 8]) };
    assert_eq!(from(&[nothing]), Err(FlashError::Empty));
    assert!(matches!(Flash::from_elf(b"no", FLASH), Err(FlashError::Elf(_))));
}

proptest! {
    #[test]
    fn an_image_has_the_bytes_of_every_section_at_its_load_address(sections in any_sections()) {
        let elf = elf::write(EM_ARM, &sections, &[]);
        let flash = Flash::from_elf(&elf, FLASH).expect("fits");
        prop_assert_eq!(&flash.segments, &pieces(&sections));
        prop_assert_eq!(flash.entry, 0x101);
        let bytes = flash.bytes();
        prop_assert_eq!(bytes.len() as u64, flash.used());
        let text = hex::write(&flash.segments, None).expect("32-bit");
        let from_hex = hex::read(text.as_bytes()).expect("own file").segments;
        prop_assert_eq!(&bin::write(&from_hex, FLASH.base), &bytes);
        let blocks = uf2::write(&flash.segments, Some(7)).expect("32-bit");
        let from_uf2 = bin::write(&uf2::read(&blocks).expect("own file").segments, FLASH.base);
        prop_assert_eq!(&from_uf2[..bytes.len()], &bytes[..]);
    }

    #[test]
    fn damaged_elfs_never_panic(
        sections in any_sections(), at in any::<prop::sample::Index>(), with: u8, cut in any::<prop::sample::Index>(),
    ) {
        let mut elf = elf::write(EM_ARM, &sections, &[]);
        let index = at.index(elf.len().min(0x200));
        elf[index] = with;
        let _ = Flash::from_elf(&elf, FLASH);
        elf.truncate(cut.index(elf.len()));
        let _ = Flash::from_elf(&elf, FLASH);
    }
}

/// Runs objcopy from `input` to a flat image with gaps of 0xff, or to another format; `None` where
/// it is not installed.
fn objcopy(folder: &Path, from: &str, to: &str, input: &[u8]) -> Option<Vec<u8>> {
    let (source, target) = (folder.join("in"), folder.join("out"));
    fs_err(std::fs::write(&source, input));
    let run = Command::new("objcopy")
        .args(["-I", from, "-O", to, "--gap-fill", "0xff"])
        .args([&source, &target])
        .output();
    let Ok(run) = run else {
        println!("SKIPPED: objcopy (binutils) is not installed");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(fs_err(std::fs::read(&target)))
}

fn fs_err<T>(result: std::io::Result<T>) -> T {
    result.expect("a temporary folder works")
}

#[test]
fn gnu_objcopy_agrees() {
    let folder = fs_err(tempfile::tempdir());
    let folder = folder.path();
    for base in [0u64, 0xfff0, 0x0001_8000, 0x0800_0000] {
        let region = Region { base, size: 0x4_0000 };
        let pattern = |seed: u64, size: u64| (0..size).map(|at| (at * 7 + seed) as u8).collect();
        let sections = [
            section(base, base, pattern(1, 1000)),
            section(0x2000_0000, base + 1001, pattern(2, 37)),
            section(base + 0x1_0000, base + 0x1_0000, pattern(3, 0x1_0003)),
        ];
        let elf = elf::write(EM_ARM, &sections, &[]);
        let flash = Flash::from_elf(&elf, region).expect("fits");
        let Some(flat) = objcopy(folder, "elf32-little", "binary", &elf) else {
            return;
        };
        assert!(flat == flash.bytes(), "the flat image differs at base {base:#x}");
        let ours = hex::write(&flash.segments, Some(0x101)).expect("32-bit");
        let theirs = objcopy(folder, "ihex", "binary", ours.as_bytes()).expect("installed");
        assert!(theirs == flash.bytes(), "objcopy reads our HEX differently at base {base:#x}");
        let text = objcopy(folder, "elf32-little", "ihex", &elf).expect("installed");
        let read = hex::read(&text).expect("GNU's HEX is valid");
        assert_eq!(read.start, Some(0x101));
        assert!(bin::write(&read.segments, base) == flash.bytes(), "GNU's HEX at {base:#x}");
    }
}
