//! Attribution as a whole: exact sums for whatever an ELF claims, owners where they are known, and a
//! firmware that a real compiler and linker made.

#[path = "../../image/tests/elf/mod.rs"]
mod elf;

use object::elf::{EM_ARM, EM_RISCV, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, STT_FUNC, STT_OBJECT};
use proptest::prelude::*;
use std::process::Command;
use tarsia_audit::{
    Attribution, AuditError, Component, Input, Owner, Owners, Package, Structural, Usage, attribute,
};
use tarsia_image::{Flash, Region};

const FLASH: Region = Region { base: 0, size: 0x1_0000 };
const RAM: Region = Region { base: 0x2000_0000, size: 0x4000 };
const STACK: u64 = 512;

fn package(name: &str, prefix: &str) -> Package {
    Package { name: name.into(), version: None, prefixes: vec![prefix.into()] }
}

fn owners() -> Owners {
    let component = |name: &str, package| Component {
        name: name.parse().expect(name),
        packages: vec![package],
        identifiers: vec![format!("{name}_start")],
    };
    Owners {
        components: vec![
            component("telemetry", package("tarsia-telemetry", "/tarsia/telemetry/")),
            component("blink", package("tarsia-blink", "/tarsia/blink/")),
        ],
        shared: vec![package("heapless", "/cargo/heapless-0.9.3/")],
        root: package("firmware", "/tarsia/root/"),
    }
}

fn account(elf: &[u8]) -> Result<Attribution, AuditError> {
    attribute(Input { elf, flash: FLASH, ram: RAM, owners: &owners(), stack: STACK })
}

fn sum(usage: &Usage) -> u64 {
    usage.rows.iter().flat_map(|row| &row.parts).map(|part| part.bytes).sum()
}

fn bytes_of(usage: &Usage, owner: &str) -> u64 {
    usage.rows.iter().find(|row| row.owner.to_string() == owner).map_or(0, |row| row.bytes())
}

/// .vector_table, .text, .rodata, .data and .bss as a linker script places them.
fn sections(text: Vec<u8>, rodata: Vec<u8>, data: Vec<u8>, bss: usize) -> Vec<elf::Section> {
    let mut load = 0;
    let mut place = |name: &str, address: Option<u64>, bytes: Vec<u8>, flags| {
        let start = load;
        load = (load + bytes.len() as u64).next_multiple_of(4);
        let address = address.unwrap_or(start);
        elf::Section { name: name.into(), address, load: Some(start), bytes, flags, align: 4 }
    };
    let writable = SHF_ALLOC | SHF_WRITE;
    let mut all = vec![
        place(".vector_table", None, vec![0; 16], SHF_ALLOC),
        place(".text", None, text, SHF_ALLOC | SHF_EXECINSTR),
        place(".rodata", None, rodata, SHF_ALLOC),
        place(".data", Some(RAM.base), data, writable),
    ];
    let start = (RAM.base + all[3].bytes.len() as u64).next_multiple_of(8);
    let (name, bytes) = (".bss".into(), vec![0; bss]);
    all.push(elf::Section { name, address: start, load: None, bytes, flags: writable, align: 8 });
    all
}

fn symbol(name: &str, section: usize, address: u64, size: u64) -> elf::Symbol {
    let kind = if section == 1 { STT_FUNC } else { STT_OBJECT };
    elf::Symbol { name: name.into(), section, address, size, kind }
}

const TELEMETRY: &str = "_RNvCs1_16tarsia_telemetry3run";
const TABLE: &str = "_RNvCs1_16tarsia_telemetry5TABLE";
const BLINK: &str = "_RNvCs1_12tarsia_blink3run";
const SLOT_BLINK: &str = "_RNvCs1_8firmware10SLOT_BLINK";
const EXECUTOR: &str = "_RNvCs1_8firmware8EXECUTOR";
const DROP_STRING: &str = "_RINvNtCs1_4core3ptr13drop_in_placeNtCs1_8heapless6StringECs1_8firmware";
const STRANGER: &str = "_RNvCs1_8stranger5STATE";
const DROP_BOTH: &str = "_RINvNtCs1_4core3ptr13drop_in_placeINtCs1_16tarsia_telemetry3RunNtCs1_12tarsia_blink4LampEECs1_8firmware";
const PAD: &str = "_RNvMNtCs1_4core3fmtNtB2_9Formatter3pad";

#[test]
fn every_byte_goes_where_its_symbol_says() {
    // Telemetry loads the address of a constant in .rodata from a literal after its code.
    let mut text = vec![0; 48];
    text[..4].copy_from_slice(&[0x00, 0x48, 0x70, 0x47]); // ldr r0, [pc, #0]; bx lr
    let constant = 16 + 48 + 32;
    text[4..8].copy_from_slice(&u32::to_le_bytes(constant));
    let all = sections(text, vec![b'x'; 40], vec![1; 12], 100);
    let (rodata, bss) = (all[2].address, all[4].address);
    assert_eq!(u64::from(constant), rodata + 32);
    let symbols = [
        symbol("$t", 1, 16, 0),
        symbol(TELEMETRY, 1, 16 | 1, 4), // the thumb bit is not part of the address
        symbol("$d", 1, 20, 0),
        symbol("$t", 1, 24, 0),
        symbol(BLINK, 1, 24 | 1, 10),
        symbol("alias_of_blink", 1, 24 | 1, 10),
        symbol(DROP_STRING, 1, 36 | 1, 4),
        symbol(PAD, 1, 40 | 1, 4),
        symbol("memcpy", 1, 44 | 1, 4),
        symbol("Reset", 1, 48 | 1, 0),       // assembly: up to the next
        symbol("blink_start", 1, 60 | 1, 0), // assembly that a component names
        symbol(TABLE, 2, rodata, 20),
        symbol(SLOT_BLINK, 3, RAM.base, 12),
        symbol(EXECUTOR, 4, bss, 60),
        symbol("__ebss", 4, bss + 100, 0),
    ];
    let found = account(&elf::write(EM_ARM, &all, &symbols)).expect("a sound ELF");
    let flash = [
        ("vector table", 16),
        ("telemetry", 4 + 4 + 20 + 8), // code, its literal, its table, the constant it points to
        ("blink", 10 + 12 + 4),        // code, initial value of its slot, its assembly
        ("heapless", 4),
        ("Rust core library", 4),
        ("compiler runtime", 4),
        ("assembly and code without source", 12),
        ("padding and alignment", 2), // between blink and drop_in_place
        ("shared constants", 12),     // nothing refers to them
    ];
    for (owner, bytes) in flash {
        assert_eq!(bytes_of(&found.flash, owner), bytes, "{owner} in flash");
    }
    assert_eq!(found.flash.used, flash.iter().map(|(_, bytes)| bytes).sum::<u64>());
    let ram = [
        ("blink", 12),
        ("composition root", 60),
        ("shared variables", 40),
        ("padding and alignment", 4), // between .data and .bss
        ("main stack", STACK),
    ];
    for (owner, bytes) in ram {
        assert_eq!(bytes_of(&found.ram, owner), bytes, "{owner} in RAM");
    }
    assert_eq!(found.ram.used, ram.iter().map(|(_, bytes)| bytes).sum::<u64>());
}

#[test]
fn a_crate_nobody_was_said_to_bring_in_has_a_row_of_its_own() {
    let all = sections(vec![0; 8], Vec::new(), vec![1; 8], 4);
    let symbols = [symbol(DROP_BOTH, 1, 17, 8), symbol(STRANGER, 3, RAM.base, 8)];
    let found = account(&elf::write(EM_ARM, &all, &symbols)).expect("a sound ELF");
    assert_eq!(bytes_of(&found.ram, "stranger"), 8);
    assert_eq!(bytes_of(&found.flash, "stranger"), 8);
    // The drop of telemetry's type is telemetry's, whatever that type is made of.
    assert_eq!(bytes_of(&found.flash, "telemetry"), 8);
}

#[test]
fn a_constant_of_two_owners_is_nobodys() {
    // Both functions load the same address.
    let mut text = Vec::new();
    for _ in 0..2 {
        text.extend([0x00, 0x48, 0x70, 0x47]);
        text.extend(u32::to_le_bytes(16 + 16));
    }
    let all = sections(text, vec![b'x'; 8], Vec::new(), 0);
    let symbols = [symbol(TELEMETRY, 1, 17, 8), symbol(BLINK, 1, 25, 8)];
    let found = account(&elf::write(EM_ARM, &all[..3], &symbols)).expect("a sound ELF");
    assert_eq!(bytes_of(&found.flash, "shared constants"), 8);
    assert_eq!(bytes_of(&found.flash, "telemetry"), 8);
    let one = [symbols[0].clone(), symbol(PAD, 1, 25, 8)];
    let found = account(&elf::write(EM_ARM, &all[..3], &one)).expect("a sound ELF");
    assert_eq!(bytes_of(&found.flash, "shared constants"), 8);
}

#[test]
fn a_section_outside_both_memories_is_an_error() {
    let mut all = sections(vec![0; 4], Vec::new(), Vec::new(), 8);
    all[4].address = 0x1000_0000;
    let error = account(&elf::write(EM_ARM, &[all[1].clone(), all[4].clone()], &[]));
    assert!(matches!(error, Err(AuditError::Stray { ref section, .. }) if section == ".bss"));
}

/// Symbols that overlap, nest, leave their section, share addresses or have no size.
fn any_symbols() -> impl Strategy<Value = Vec<elf::Symbol>> {
    let names = [
        TELEMETRY,
        TABLE,
        BLINK,
        SLOT_BLINK,
        EXECUTOR,
        DROP_STRING,
        PAD,
        "memcpy",
        "Reset",
        "$t",
        "$d",
        "$x",
        ".Lanon.1",
        "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
        "",
    ];
    let bases = [0u64, 16, 16, RAM.base - 4, RAM.base + 8];
    let one = (prop::sample::select(names.to_vec()), 0usize..5, 0u64..260, 0u64..120);
    let symbol = one.prop_map(move |(name, section, offset, size)| {
        let far = size == 119;
        let size = if far { u64::from(u32::MAX) } else { size };
        symbol(name, section, bases[section] + offset, size)
    });
    prop::collection::vec(symbol, 0..25)
}

fn any_sections() -> impl Strategy<Value = Vec<elf::Section>> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 1..most);
    (bytes(200), bytes(150), bytes(60), 1usize..200)
        .prop_map(|(text, rodata, data, bss)| sections(text, rodata, data, bss))
}

proptest! {
    #[test]
    fn the_rows_sum_to_what_is_used_whatever_the_symbols_claim(
        sections in any_sections(), symbols in any_symbols(), arm: bool,
    ) {
        let elf = elf::write(if arm { EM_ARM } else { EM_RISCV }, &sections, &symbols);
        let found = account(&elf).expect("sections in place");
        let last = &sections[3];
        let flash = last.load.expect("stored") + last.bytes.len() as u64;
        prop_assert_eq!(found.flash.used, flash);
        prop_assert_eq!(sum(&found.flash), flash);
        let ram = sections[4].address + sections[4].bytes.len() as u64 - RAM.base + STACK;
        prop_assert_eq!(found.ram.used, ram);
        prop_assert_eq!(sum(&found.ram), ram);
        let image = Flash::from_elf(&elf, FLASH).expect("fits");
        prop_assert_eq!(found.flash.used, image.bytes().len() as u64);
        for usage in [&found.flash, &found.ram] {
            let owners: Vec<&Owner> = usage.rows.iter().map(|row| &row.owner).collect();
            prop_assert!(owners.windows(2).all(|pair| pair[0] < pair[1]), "one row an owner");
            prop_assert!(usage.rows.iter().flat_map(|row| &row.parts).all(|part| part.bytes > 0));
        }
    }

    #[test]
    fn damaged_elfs_give_an_error_or_exact_sums(
        sections in any_sections(), symbols in any_symbols(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut elf = elf::write(EM_ARM, &sections, &symbols);
        for (at, with) in damage {
            let at = at.index(elf.len());
            elf[at] = with;
        }
        if let Some(cut) = cut {
            elf.truncate(cut.index(elf.len()));
        }
        if let Ok(found) = account(&elf) {
            prop_assert_eq!(sum(&found.flash), found.flash.used);
            prop_assert_eq!(sum(&found.ram), found.ram.used);
        }
    }
}

const SOURCES: [(&str, &str); 2] = [
    (
        "telemetry/run.c",
        "int blink(int);\n\
         static const char *const topics[] = {\"greenhouse/soil\", \"greenhouse/air\"};\n\
         volatile int sent = 7; char buffer[50];\n\
         __attribute__((noinline)) const char *topic(int n) { sent++; return topics[n & 1]; }\n\
         int main(void) { for (;;) { buffer[blink(sent) % 50] = topic(sent)[3]; } }\n",
    ),
    ("blink/run.c", "static int lamp[9];\nint blink(int n) { return lamp[n % 9]++ / n; }\n"),
];

const SCRIPT: &str = "ENTRY(main)\n\
    MEMORY { FLASH : ORIGIN = 0, LENGTH = 64K\n RAM : ORIGIN = 0x20000000, LENGTH = 16K }\n\
    SECTIONS {\n\
      .vector_table : { LONG(0x20004000) LONG(main) } > FLASH\n\
      .text : { *(.text .text.*) } > FLASH\n\
      .rodata : ALIGN(4) { *(.rodata .rodata.*) } > FLASH\n\
      .ARM.exidx : { *(.ARM.exidx*) } > FLASH\n\
      .data : ALIGN(4) { *(.data .data.*) } > RAM AT > FLASH\n\
      .bss (NOLOAD) : ALIGN(4) { *(.bss .bss.* COMMON) } > RAM\n\
    }\n";

#[test]
fn c_from_a_real_compiler_and_linker() {
    let folder = tempfile::tempdir().expect("a temporary folder works");
    let folder = folder.path();
    let map = format!("-ffile-prefix-map={}=/tarsia", folder.display());
    let run = |arguments: &[&str]| {
        Command::new("arm-none-eabi-gcc").current_dir(folder).args(arguments).output()
    };
    std::fs::write(folder.join("link.ld"), SCRIPT).expect("a temporary folder works");
    for (name, text) in SOURCES {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("works");
        std::fs::write(path, text).expect("a temporary folder works");
    }
    let built = run(&[
        "-mcpu=cortex-m3",
        "-mthumb",
        "-Os",
        "-g",
        "-ffreestanding",
        "-nostartfiles",
        "-nostdlib",
        &map,
        "-Wl,--build-id=none",
        "-T",
        "link.ld",
        "-o",
        "out.elf",
        "telemetry/run.c",
        "blink/run.c",
    ]);
    let Ok(built) = built else {
        println!("SKIPPED: arm-none-eabi-gcc is not installed");
        return;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let elf = std::fs::read(folder.join("out.elf")).expect("the linker wrote it");
    let found = account(&elf).expect("a sound ELF");
    assert_eq!((sum(&found.flash), sum(&found.ram)), (found.flash.used, found.ram.used));
    // Declared in telemetry's file: 4 + 50 bytes, and blink's lamps.
    assert_eq!(bytes_of(&found.ram, "telemetry"), 54);
    assert_eq!(bytes_of(&found.ram, "blink"), 36);
    assert_eq!(bytes_of(&found.flash, "vector table"), 8);
    // Code, the table of topics and both strings, and the initial value of `sent`.
    let strings = "greenhouse/soil".len() + "greenhouse/air".len() + 2;
    let telemetry = bytes_of(&found.flash, "telemetry");
    assert!(telemetry > 8 + strings as u64 + 4 + 20, "{telemetry}");
    assert!(bytes_of(&found.flash, "blink") > 10);
    let nobody = bytes_of(&found.flash, &Structural::Constants.to_string())
        + bytes_of(&found.flash, &Structural::Code.to_string());
    assert_eq!(nobody, 0, "{:#?}", found.flash.rows);
}
