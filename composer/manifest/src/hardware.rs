//! The `board` section: where memory is, for which target code is compiled, and how the board is
//! emulated.

use tarsia_model::{ByteSize, Code, Diagnostic, Name, Spanned};

use crate::collection::Table;
use crate::linux::LinuxBoard;
use crate::record::record;
use crate::scalar::ProgramName;

record! {
    /// The hardware of a board.
    pub struct Board = "a board" check check_memory {
        /// Its architecture.
        "arch" arch: Spanned<Name>,
        /// The Rust target its code is compiled for.
        "target" target: Spanned<String>,
        /// The chip, as its maker writes it.
        "chip" chip: Spanned<String>,
        /// Regions of memory; the image goes to `flash` (under Linux the disk), variables to `ram`.
        "memory" memory: Table<Name, MemoryRegion>,
        /// How it runs Linux; it does not when absent.
        "linux" linux: Option<LinuxBoard>,
        /// The family id of its UF2 files, from the UF2 family registry.
        "uf2-family" uf2_family: Option<Spanned<u32>>,
        /// The emulator that runs its images.
        "emulator" emulator: Option<Emulator>,
    }
}

record! {
    /// A region of memory.
    pub struct MemoryRegion = "a memory region" {
        /// Address of its first byte.
        "base" base: Spanned<u64>,
        /// How large it is.
        "size" size: Spanned<ByteSize>,
    }
}

record! {
    /// An emulator that runs a board's images.
    pub struct Emulator = "an emulator" {
        /// The program.
        "program" program: Spanned<ProgramName>,
        /// The Debian package that has the program.
        "package" package: Spanned<String>,
        /// Its arguments; `{bin}`, `{hex}` and `{elf}` become the path of the image. Under Linux also
        /// `{kernel}`, `{initramfs}` and `{disk}`, `{command-line}`, `{ram}` (the limit in MiB) and
        /// `{forward}` (ports of the device that the host reaches).
        "args" args: Vec<Spanned<String>>,
        /// Further arguments for an image laid out by a component: its boot loader's.
        "layouts" layouts: Table<Name, Vec<Spanned<String>>>,
    }
}

/// An image needs `flash` and `ram`; regions lie within the address space and do not overlap.
fn check_memory(board: &Board, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    for needed in ["flash", "ram"] {
        if board.memory.get(needed).is_none() {
            let message = format!("a board's memory needs the region `{needed}`");
            problems.push(Diagnostic::at(Code::MissingKey, board.span, message));
        }
    }
    let mut regions: Vec<_> = board.memory.iter().collect();
    regions.sort_by_key(|(_, region)| region.base.value);
    for (name, region) in &regions {
        if region.size.0 == 0 {
            let message = format!("the region `{}` is empty", name.value);
            problems.push(Diagnostic::at(Code::BadValue, region.size.span, message));
        }
        if region.base.checked_add(region.size.0).is_none() {
            let message = format!("the region `{}` ends beyond the address space", name.value);
            problems.push(Diagnostic::at(Code::BadValue, region.span, message));
        }
    }
    for pair in regions.windows(2) {
        let [(low, first), (high, second)] = pair else {
            continue;
        };
        // A disk has addresses of its own.
        if board.linux.is_some() {
            continue;
        }
        if first.base.saturating_add(first.size.0) > second.base.value {
            let message = format!("the regions `{}` and `{}` overlap", low.value, high.value);
            problems.push(
                Diagnostic::at(Code::BadValue, second.base.span, message)
                    .also(first.base.span, format!("`{}` starts here", low.value)),
            );
        }
    }
    (problems.len() == before).then_some(())
}
