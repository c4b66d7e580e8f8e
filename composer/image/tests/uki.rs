//! Unified kernel images of a made-up stub and of that of systemd-boot, held against binutils.

mod trees;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use object::read::pe::PeFile64;
use object::{Object as _, ObjectSection as _};
use proptest::prelude::*;
use tarsia_image::content::Data;
use tarsia_image::extent::{Extent, Part};
use tarsia_image::uki::{self, Error, Name};
use tarsia_model::Blake3;
use trees::{Random, installed};

const AMD64: u16 = 0x8664;

/// A program of two sections that does nothing, as far as this is to do with its headers: those at
/// 0x80, its sections at 0x400 and 0x600, and a symbol table behind them.
fn stub(header_size: usize) -> Vec<u8> {
    let mut pe = b"MZ".to_vec();
    pe.resize(0x3c, 0);
    pe.extend(0x80u32.to_le_bytes());
    pe.resize(0x80, 0x90);
    pe.extend(b"PE\0\0");
    // File header: machine, sections, a time, symbols, size of the optional header, flags.
    pe.extend([AMD64, 2].map(u16::to_le_bytes).concat());
    let symbols = header_size as u32 + 0x400;
    pe.extend([0x6000_0000, symbols, 1].map(u32::to_le_bytes).concat());
    pe.extend([240u16, 0x206].map(u16::to_le_bytes).concat());
    pe.extend([0x0b, 0x02, 2, 40]);
    // Code, data, uninitialised data, entry, base of code.
    pe.extend([0x200u32, 0x200, 0, 0x1000, 0x1000].map(u32::to_le_bytes).concat());
    pe.extend(0u64.to_le_bytes());
    pe.extend([0x1000u32, 0x200].map(u32::to_le_bytes).concat());
    pe.extend([0; 16]);
    pe.extend([0x3000, header_size as u32, 0x1234_5678].map(u32::to_le_bytes).concat());
    pe.extend([10u16, 0].map(u16::to_le_bytes).concat());
    pe.extend([0; 36]);
    pe.extend(16u32.to_le_bytes());
    pe.resize(pe.len() + 16 * 8, 0);
    assert_eq!(pe.len(), 0x80 + 24 + 240);
    for (name, address, offset, flags) in [
        (b".text\0\0\0", 0x1000u32, header_size as u32, 0x6000_0020u32),
        (b".data\0\0\0", 0x2000, header_size as u32 + 0x200, 0xc000_0040),
    ] {
        pe.extend(name);
        pe.extend([0x1ff, address, 0x200, offset, 0, 0, 0, flags].map(u32::to_le_bytes).concat());
    }
    pe.resize(header_size, 0);
    pe.resize(header_size + 0x200, 0xcc);
    pe.resize(header_size + 0x400, 0xdd);
    // A symbol of 18 bytes and an empty string table.
    pe.resize(pe.len() + 18, 1);
    pe.extend(4u32.to_le_bytes());
    pe
}

fn resources(seed: u64) -> BTreeMap<Name, Data> {
    let mut random = Random::new(seed);
    let mut blob = |size: u64| -> Vec<u8> { (0..size).map(|_| random.next() as u8).collect() };
    BTreeMap::from([
        (Name::OsRelease, Data::of(*b"ID=tarsia\nVERSION_ID=1\n")),
        (Name::CommandLine, Data::of(*b"console=ttyS0 quiet")),
        (Name::Release, Data::of(*b"6.12.0")),
        (Name::DeviceTree, Data::of(blob(512))),
        (Name::Initrd, Data::of(blob(70_001))),
        (Name::Linux, Data::of(blob(300_000))),
    ])
}

fn written(stub: &[u8], sections: &BTreeMap<Name, Data>) -> Vec<u8> {
    let mut image = Vec::new();
    let extents = uki::write(&Data::of(stub), sections, &mut image).expect("an image");
    assert_eq!(extents.size(), image.len() as u64, "every byte has an owner");
    let found = uki::read(&Data::of(image.clone())).expect("own image");
    let parsed = PeFile64::parse(image.as_slice()).expect("a PE file");
    for (name, data) in sections {
        let by_crate = parsed.section_by_name(name.text()).expect("there");
        assert_eq!(by_crate.data().expect("inside"), data.bytes().expect("memory"), "{name:?}");
        let section = found.section(*name).expect("there");
        let range = section.offset as usize..(section.offset + section.size) as usize;
        assert_eq!(image[range], data.bytes().expect("memory"), "{name:?}");
        assert_eq!(section.address % 4_096, 0, "{name:?}");
        let part = Part::Structure(name.text());
        let sizes: Vec<_> = extents.iter().filter(|e| e.part == part).map(|e| e.size).collect();
        assert_eq!(sizes, [data.size()], "{name:?}");
    }
    let last = found.sections.iter().max_by_key(|section| section.address).expect("sections");
    assert_eq!(last.name, ".linux", "with room behind it");
    image
}

/// Each section as `objdump -h` lists it: name, size, address, offset.
fn listed(path: &Path) -> Vec<(String, u64, u64, u64)> {
    let output = Command::new("objdump").arg("-h").arg(path).output().expect("objdump");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let lines = text.lines().filter(|line| line.trim_start().starts_with(|c: char| c.is_numeric()));
    let hex = |word: &str| u64::from_str_radix(word, 16).expect("a number");
    lines
        .map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            (words[1].to_owned(), hex(words[2]), hex(words[3]), hex(words[5]))
        })
        .collect()
}

#[expect(clippy::print_stderr, reason = "what is skipped is said")]
fn binutils_agree(stub: &[u8], sections: &BTreeMap<Name, Data>) {
    let image = written(stub, sections);
    if !installed("objdump") || !installed("objcopy") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("stub.efi"), stub).expect("written");
    let known = Command::new("objdump").arg("-f").arg(at("stub.efi")).output().expect("objdump");
    if !known.status.success() {
        eprintln!("skipped: this objdump does not know the machine of the stub");
        return;
    }
    std::fs::write(at("uki.efi"), &image).expect("written");
    let ours = uki::read(&Data::of(image.clone())).expect("own image").sections;
    let ours: Vec<_> = ours
        .into_iter()
        .map(|section| (section.name, section.size, section.address, section.offset))
        .collect();
    assert_eq!(listed(&at("uki.efi")), ours);
    let copy = |section: &str| {
        let output = Command::new("objcopy")
            .args(["-O", "binary", "--only-section", section])
            .args([at("uki.efi"), at("section")])
            .output()
            .expect("objcopy");
        assert!(output.status.success(), "{output:?}");
        std::fs::read(at("section")).expect("written")
    };
    for (name, data) in sections {
        assert!(copy(name.text()) == data.bytes().expect("memory"), "{name:?}");
    }
    // The stub itself is there as it was.
    for (number, section) in listed(&at("stub.efi")).into_iter().enumerate() {
        assert_eq!(ours[number], section);
        let (from, size) = (section.3 as usize, section.1 as usize);
        assert!(image[from..from + size] == stub[from..from + size]);
    }
}

#[test]
fn a_small_image_is_pinned() {
    let image = written(&stub(0x400), &resources(1));
    let extents = uki::write(&Data::of(stub(0x400)), &resources(1), &mut Vec::new());
    let shown = |extent: &Extent| (extent.offset, extent.size, extent.part.clone());
    let shown: Vec<_> = extents.expect("an image").iter().take(3).map(shown).collect();
    let part = |offset, size, what| (offset, size, Part::Structure(what));
    let first = [part(0, 0x400, "headers"), part(0x400, 0x400, "stub"), part(0x800, 23, ".osrel")];
    assert_eq!(shown, first);
    let half = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().expect("four"));
    assert_eq!(half(0x86), 8, "sections");
    assert_eq!([word(0x88), word(0x8c), word(0x90)], [0; 3], "no time, no symbols");
    let (code, data) = (300_032, 512 * 4 + 70_144);
    assert_eq!([word(0x9c), word(0xa0)], [0x200 + code, 0x200 + data]);
    // Up to 0x3000, four pages of one each, 18 of the initramfs, 74 of the kernel.
    assert_eq!(word(0x98 + 56), 0x3000 + 0x1000 * (4 + 18 + 74), "size of the image");
    assert_eq!([word(0x98 + 60), word(0x98 + 64)], [0x400, 0], "size of headers, no checksum");
    assert_eq!(image.len(), 0x800 + code as usize + data as usize);
    assert_eq!(
        Blake3::of(&image).to_string(),
        "45d46f2df7d1ef9f6cd1965c7d18acf20fcdfae6e43eaf3cd6cc6602caf0814c"
    );
}

#[test]
fn binutils_find_the_sections_of_an_image() {
    binutils_agree(&stub(0x400), &resources(2));
    // Aligned to 512 bytes, as old stubs are.
    let mut old = stub(0x400);
    old[0x98 + 32..0x98 + 36].copy_from_slice(&0x200u32.to_le_bytes());
    binutils_agree(&old, &resources(2));
}

#[test]
fn a_symbol_table_is_left_out_and_other_bytes_behind_the_stub_stay() {
    let sections = resources(8);
    let mut stub = stub(0x400);
    let offset = |stub: &[u8]| {
        let image = written(stub, &sections);
        let found = uki::read(&Data::of(image.clone())).expect("own image");
        (found.section(Name::OsRelease).expect("there").offset as usize, image)
    };
    assert_eq!(offset(&stub).0, 0x800);
    stub[0x8c..0x90].fill(0);
    let (start, image) = offset(&stub);
    assert_eq!(start, 0xa00);
    assert_eq!(image[0x400..stub.len()], stub[0x400..]);
}

#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "where a stub is")]
fn real_stub() -> Option<Vec<u8>> {
    let folder = Path::new("/usr/lib/systemd/boot/efi");
    let known = ["linuxx64.efi.stub", "linuxaa64.efi.stub"].map(|name| folder.join(name));
    let asked = std::env::var_os("TARSIA_STUB").map(PathBuf::from);
    let found = asked.or_else(|| known.into_iter().find(|path| path.is_file()));
    if found.is_none() {
        eprintln!("skipped: no stub of systemd-boot; TARSIA_STUB can name one");
    }
    found.map(|path| std::fs::read(path).expect("the stub"))
}

#[test]
fn a_stub_of_systemd_boot_becomes_an_image() {
    let Some(stub) = real_stub() else { return };
    binutils_agree(&stub, &resources(3));
}

#[test]
fn a_kernel_gets_the_memory_that_it_asks_for() {
    let mut sections = resources(4);
    let mut kernel = stub(0x400);
    kernel[0x98 + 56..0x98 + 60].copy_from_slice(&0x10_0000u32.to_le_bytes());
    sections.insert(Name::Linux, Data::of(kernel.clone()));
    let mut image = Vec::new();
    uki::write(&Data::of(stub(0x400)), &sections, &mut image).expect("an image");
    let found = uki::read(&Data::of(image.clone())).expect("own image");
    let linux = found.section(Name::Linux).expect("there");
    assert_eq!(linux.memory, 0x10_0000);
    let content = linux.content(&Data::of(image)).expect("there").bytes().expect("memory");
    assert!(content.starts_with(&kernel) && content.len() == kernel.len().next_multiple_of(512));
    // 0xaa64 is AArch64.
    kernel[0x84..0x86].copy_from_slice(&0xaa64u16.to_le_bytes());
    sections.insert(Name::Linux, Data::of(kernel));
    let error = uki::write(&Data::of(stub(0x400)), &sections, &mut Vec::new());
    let message = "the stub is for machine 0x8664, the kernel for 0xaa64";
    assert_eq!(error.expect_err("refused").to_string(), message);
}

#[test]
fn a_header_grows_as_far_as_nothing_else_is_there() {
    let sections = resources(5);
    // Table: two entries from 0x188 on; six more end at 0x2c8.
    let fails = |stub: Vec<u8>| {
        uki::write(&Data::of(stub), &sections, &mut Vec::new()).expect_err("refused").to_string()
    };
    let message = |room, free| {
        format!(
            "the stub has room for {room} more sections in its header, and 6 are needed: {free} bytes \
             are free behind its table"
        )
    };
    assert_eq!(fails(stub(0x200)), message(1, 0x200 - 0x1d8));
    let mut occupied = stub(0x400);
    // The debug directory.
    occupied[0x98 + 112 + 8 * 6..][..8].copy_from_slice(&[0xc7, 2, 0, 0, 28, 0, 0, 0]);
    assert_eq!(fails(occupied), message(5, 0x2c7 - 0x1d8));
    let mut behind = stub(0x400);
    behind[0x2c8] = 1;
    assert_eq!(written(&behind, &sections)[0x2c8], 1, "what is behind the table stays");
    // A stub whose headers are said to be smaller than its first section is far away.
    let mut small = stub(0x400);
    small[0x98 + 60..0x98 + 64].copy_from_slice(&0x200u32.to_le_bytes());
    let image = written(&small, &sections);
    assert_eq!(image[0x98 + 60..0x98 + 64], 0x400u32.to_le_bytes());
}

#[test]
fn what_cannot_be_an_image_is_named() {
    let all = resources(6);
    let with = |at: usize, value: u32| {
        let mut stub = stub(0x400);
        stub[at..at + 4].copy_from_slice(&value.to_le_bytes());
        uki::write(&Data::of(stub), &all, &mut Vec::new()).expect_err("refused")
    };
    for at in [0, 0x80, 0x98] {
        assert!(matches!(with(at, 0), Error::NotPe { .. }), "{at:#x}");
    }
    assert!(matches!(with(0x3c, u32::MAX), Error::NotPe { .. }));
    assert!(matches!(with(0x98 + 36, 0x300), Error::NotPe { .. }), "file alignment");
    assert!(matches!(with(0x98 + 68, 2), Error::Subsystem { found: 2 }));
    assert!(matches!(with(0x98 + 112 + 8 * 4, 0x500), Error::Signed));
    let linux = u32::from_le_bytes(*b".lin");
    assert!(matches!(with(0x188, u32::from_le_bytes(*b"/123")), Error::Section { .. }));
    assert!(matches!(with(0x188 + 12, 0x2000), Error::Section { .. }), "they overlap in memory");
    assert!(matches!(with(0x188 + 20, 0x601), Error::Section { .. }), "they overlap in the file");
    assert!(matches!(with(0x188 + 40 + 16, 0x4000), Error::Section { .. }), "beyond the file");
    let mut taken = stub(0x400);
    taken[0x188..0x18c].copy_from_slice(&linux.to_le_bytes());
    taken[0x18c..0x18e].copy_from_slice(b"ux");
    let stub = Data::of(stub(0x400));
    let refused = |stub: &Data, sections: &BTreeMap<Name, Data>| {
        uki::write(stub, sections, &mut Vec::new()).expect_err("refused")
    };
    assert!(matches!(refused(&Data::of(taken), &all), Error::Taken { name: ".linux" }));
    assert!(matches!(refused(&stub, &BTreeMap::new()), Error::NoLinux));
    let changed = |name, bytes: &[u8]| {
        let mut sections = all.clone();
        sections.insert(name, Data::of(bytes));
        refused(&stub, &sections)
    };
    assert!(matches!(changed(Name::Initrd, b""), Error::Empty { name: ".initrd" }));
    let nul = changed(Name::CommandLine, b"quiet\0init=/x");
    assert!(matches!(nul, Error::Nul { name: ".cmdline", offset: 5 }));
    assert!(matches!(uki::read(&stub), Err(Error::NoLinux)));
}

proptest! {
    #[test]
    fn damage_is_never_a_panic(
        flips in prop::collection::vec((0usize..0x400, any::<u8>()), 1..6), cut in 0usize..0x2000,
    ) {
        let sections = resources(7);
        let mut image = written(&stub(0x400), &sections);
        let mut damaged = stub(0x400);
        for (at, with) in flips {
            // The headers; half of the time the fields that everything depends on.
            let at = if with % 2 == 0 { 0x80 + at % 0x200 } else { at };
            image[at] ^= with;
            damaged[at] ^= with;
        }
        if cut % 4 == 0 {
            image.truncate(cut);
            damaged.truncate(cut);
        }
        let _ = uki::read(&Data::of(image));
        let mut again = Vec::new();
        // What is made of a damaged stub is an image that can be read.
        if uki::write(&Data::of(damaged), &sections, &mut again).is_ok() {
            prop_assert!(uki::read(&Data::of(again)).is_ok());
        }
    }
}
