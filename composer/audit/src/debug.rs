//! Questions to the debug information (DWARF): which source files the code at an address comes
//! from, where a variable is declared, and which crate a hash in a symbol's name means.

use std::collections::BTreeMap;

use addr2line::Context;
use gimli::{AttributeValue, EndianSlice, Operation, RunTimeEndian};
use object::{Object as _, ObjectSection as _};

use crate::AuditError;

type Slice<'data> = EndianSlice<'data, RunTimeEndian>;

/// A function, inlined or not, at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Source file of the line.
    pub file: Option<String>,
    /// Mangled name.
    pub function: Option<String>,
}

/// The debug information of one ELF.
pub(crate) struct Debug<'data> {
    context: Context<Slice<'data>>,
    /// Source file by the address of the variable declared there.
    variables: BTreeMap<u64, String>,
    /// Folder and file of the crate's root, by crate name and hash as symbols have them.
    crates: BTreeMap<(String, String), String>,
}

impl<'data> Debug<'data> {
    /// Reads what is there; an ELF without debug information answers nothing.
    pub(crate) fn parse(file: &object::File<'data>) -> Result<Self, AuditError> {
        let endian =
            if file.is_little_endian() { RunTimeEndian::Little } else { RunTimeEndian::Big };
        let load = |id: gimli::SectionId| -> Result<Slice<'data>, gimli::Error> {
            let data = file.section_by_name(id.name()).and_then(|section| section.data().ok());
            Ok(EndianSlice::new(data.unwrap_or(&[]), endian))
        };
        let dwarf = gimli::Dwarf::load(load)?;
        let (mut variables, mut crates) = (BTreeMap::new(), BTreeMap::new());
        let mut headers = dwarf.units();
        while let Some(header) = headers.next()? {
            let unit = dwarf.unit(header)?;
            let unit = unit.unit_ref(&dwarf);
            // rustc names a unit `/path/src/lib.rs/@/crate_name.hash-cgu.0`.
            if let Some(name) = unit.name.map(|name| name.to_string_lossy().into_owned())
                && let Some((path, id)) = name.split_once("/@/")
                && let Some((library, rest)) = id.split_once('.')
            {
                let hash = rest.split('-').next().unwrap_or(rest);
                let folder = unit.comp_dir.map(|dir| dir.to_string_lossy().into_owned());
                let path = joined(folder.as_deref().unwrap_or(""), path);
                crates.insert((library.to_owned(), hash.to_owned()), path);
            }
            read_variables(unit, &mut variables)?;
        }
        Ok(Self { context: Context::from_dwarf(dwarf)?, variables, crates })
    }

    /// The functions whose code is at an address, innermost inlined one first.
    pub(crate) fn frames(&self, address: u64) -> Vec<Frame> {
        let mut found = Vec::new();
        if let Ok(mut frames) = self.context.find_frames(address).skip_all_loads() {
            while let Ok(Some(frame)) = frames.next() {
                let name = frame.function.as_ref().and_then(|name| name.raw_name().ok());
                found.push(Frame {
                    file: frame.location.and_then(|place| place.file).map(normal),
                    function: name.map(|name| name.into_owned()),
                });
            }
        }
        found
    }

    /// Source file in which the variable at an address is declared.
    pub(crate) fn variable(&self, address: u64) -> Option<&str> {
        self.variables.get(&address).map(String::as_str)
    }

    /// The root file of a crate.
    pub(crate) fn crate_root(&self, library: &str, hash: &str) -> Option<&str> {
        self.crates.get(&(library.to_owned(), hash.to_owned())).map(String::as_str)
    }
}

/// Notes the file of every variable that has a fixed address.
fn read_variables(
    unit: gimli::UnitRef<'_, Slice<'_>>,
    variables: &mut BTreeMap<u64, String>,
) -> Result<(), gimli::Error> {
    let mut entries = unit.entries();
    while let Some(entry) = entries.next_dfs()? {
        if entry.tag() != gimli::DW_TAG_variable {
            continue;
        }
        let location = entry.attr_value(gimli::DW_AT_location);
        let Some(AttributeValue::Exprloc(expression)) = location else {
            continue;
        };
        let address = match expression.operations(unit.encoding()).next()? {
            Some(Operation::Address { address }) => address,
            Some(Operation::AddressIndex { index }) => unit.address(index)?,
            _ => continue,
        };
        // A static's declaration may carry the file instead of its definition.
        let declared = match entry.attr_value(gimli::DW_AT_specification) {
            Some(AttributeValue::UnitRef(offset)) => {
                unit.entry(offset)?.attr_value(gimli::DW_AT_decl_file)
            }
            _ => entry.attr_value(gimli::DW_AT_decl_file),
        };
        let Some(AttributeValue::FileIndex(index)) = declared else {
            continue;
        };
        let Some(program) = &unit.line_program else {
            continue;
        };
        let Some(file) = program.header().file(index) else {
            continue;
        };
        let mut path = unit.comp_dir.map_or_else(String::new, |dir| dir.to_string_lossy().into());
        if let Some(directory) = file.directory(program.header()) {
            path = joined(&path, &unit.attr_string(directory)?.to_string_lossy());
        }
        path = joined(&path, &unit.attr_string(file.path_name())?.to_string_lossy());
        variables.insert(address, normal(&path));
    }
    Ok(())
}

fn joined(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() {
        path.to_owned()
    } else {
        format!("{}/{path}", folder.trim_end_matches('/'))
    }
}

/// A path without `.`, `..` and doubled `/`, as compilers leave them when they join folders.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    format!("{}{}", if path.starts_with('/') { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_plain() {
        for (path, plain) in [
            ("/a/src/../b//c.rs", "/a/b/c.rs"),
            ("./a/./b", "a/b"),
            ("../a", "../a"),
            (
                "/library/compiler-builtins/src/math/../../libm/x.rs",
                "/library/compiler-builtins/libm/x.rs",
            ),
        ] {
            assert_eq!(normal(path), plain);
        }
        assert_eq!(joined("/a/", "b"), "/a/b");
        assert_eq!(joined("/a", "/b"), "/b");
    }
}
