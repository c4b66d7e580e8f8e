//! Writes a generated catalogue for measurements beside other tools (docs/performance.md):
//! `catalogue COUNT FOLDER` makes `FOLDER/tarsia`, and a folder for each of the others.

mod generator;
mod peers;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use generator::Catalogue;
use peers::{gn, kconfig, laze, libsolv, nix};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = || io::Error::new(io::ErrorKind::InvalidInput, "usage: catalogue COUNT FOLDER");
    let count: usize = args.next().and_then(|count| count.parse().ok()).ok_or_else(usage)?;
    let folder = args.next().ok_or_else(usage)?;
    let catalogue = Catalogue::of(count.max(100));
    let all = [
        ("tarsia", catalogue.workspace()),
        ("gn", gn::files(&catalogue)),
        ("kconfig", kconfig::files(&catalogue)),
        ("laze", laze::files(&catalogue)),
        ("libsolv", libsolv::files(&catalogue)),
        ("nix", nix::files(&catalogue)),
    ];
    all.into_iter().try_for_each(|(tool, files)| write(&Path::new(&folder).join(tool), files))
}

fn write(folder: &Path, files: BTreeMap<String, String>) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
