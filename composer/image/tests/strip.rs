//! Programs are the same without what only debuggers read, and start as before.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use object::{Object as _, ObjectSection as _};
use proptest::prelude::*;
use tarsia_image::strip::{StripError, strip};

fn own() -> Vec<u8> {
    std::fs::read(std::env::current_exe().expect("a program")).expect("its bytes")
}

#[test]
fn a_stripped_program_starts_and_has_no_sections() {
    let whole = own();
    let stripped = strip(&whole).expect("an ELF");
    assert!(stripped.len() < whole.len(), "{} of {}", stripped.len(), whole.len());
    let before = object::File::parse(&*whole).expect("an ELF");
    assert!(before.section_by_name(".symtab").is_some_and(|symbols| symbols.size() > 0));
    let after = object::File::parse(&*stripped).expect("an ELF");
    assert_eq!((after.sections().count(), after.symbols().count()), (0, 0));
    assert_eq!(after.entry(), before.entry());
    assert_eq!(strip(&stripped).as_ref(), Ok(&stripped), "once is enough");

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("program");
    std::fs::write(&path, &stripped).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("executable");
    let listed = Command::new(&path).arg("--list").output().expect("it starts");
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    assert!(listed.contains("a_stripped_program_starts_and_has_no_sections: test"), "{listed}");
}

#[test]
fn what_is_no_program_is_refused() {
    assert!(matches!(strip(b"no program"), Err(StripError::Elf(_))));
    let whole = own();
    let end = strip(&whole).expect("an ELF").len();
    let cut = strip(&whole[..end - 1]);
    let truncated = StripError::Truncated { size: end as u64 - 1, end: end as u64 };
    assert_eq!(cut, Err(truncated));
}

proptest! {
    #[test]
    fn damaged_programs_never_panic(at in 0..4_096usize, byte: u8, keep in 0..8_192usize) {
        let mut bytes = own();
        bytes[at] = byte;
        let _ = strip(&bytes);
        bytes.truncate(keep);
        let _ = strip(&bytes);
    }
}
