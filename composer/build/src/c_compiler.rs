//! Who a C compiler is: its version, and the content of the driver, the compiler proper and the assembler. Asked
//! once for each content, because starting it takes longer than all else of a build without changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tarsia_model::{Blake3, Code, Diagnostic};

use crate::digests::Digests;
use crate::{Surroundings, process, remembered};

/// What a driver said of itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    driver: Blake3,
    version: String,
    /// Where the compiler proper is; GCC's driver only starts it.
    proper: PathBuf,
    /// Where the assembler is; none when the compiler has it in itself.
    assembler: Option<PathBuf>,
}

/// The identity of a C compiler, without a path.
///
/// # Errors
/// That it is not installed, or cannot be asked.
pub fn identity(
    surroundings: &Surroundings,
    digests: &Digests,
    program: &str,
    folder: &Path,
) -> Result<String, Diagnostic> {
    let found = surroundings.find(program).ok_or_else(|| {
        Diagnostic::error(Code::ToolMissing, format!("cannot find the C compiler `{program}`"))
            .hint("on Debian and Ubuntu: `apt-get install gcc-arm-none-eabi`".to_owned())
    })?;
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read a tool: {error}"))
    };
    let driver = digests.file(&found).map_err(unreadable)?;
    let place = folder.join("c-compilers.json");
    let mut known: BTreeMap<PathBuf, Said> = remembered::read(&place).unwrap_or_default();
    let is_there = |said: &&Said| {
        said.proper.is_file() && said.assembler.as_ref().is_none_or(|path| path.is_file())
    };
    let said = known.get(&found).filter(|said| said.driver == driver).filter(is_there);
    let said = match said {
        Some(said) => said.clone(),
        None => {
            let said = ask(surroundings, &found, program, driver)?;
            known.insert(found, said.clone());
            remembered::write(&place, &known);
            said
        }
    };
    let proper = digests.file(&said.proper).map_err(unreadable)?;
    let assembler = said.assembler.as_ref().map(|path| digests.file(path)).transpose();
    let assembler = assembler.map_err(unreadable)?.map_or(String::new(), |own| format!(" {own}"));
    Ok(format!("{} {driver} {proper}{assembler}", said.version))
}

/// A digest over what a C compiler links into every program: the C library, its start files and the
/// compiler's own library.
///
/// # Errors
/// That the compiler cannot be asked, or something is not installed.
pub fn library(
    surroundings: &Surroundings,
    digests: &Digests,
    program: &str,
) -> Result<String, Diagnostic> {
    let missing = |what: &str| {
        Diagnostic::error(
            Code::ToolMissing,
            format!("cannot find `{what}` of the C compiler `{program}`"),
        )
        .hint(
            "on Debian and Ubuntu: `apt-get install libc6-dev`; for arm64 `libc6-dev-arm64-cross`"
                .to_owned(),
        )
    };
    let found = surroundings.find(program).ok_or_else(|| missing("the program"))?;
    let mut all = Vec::new();
    for name in ["libc.a", "libgcc.a", "libgcc_eh.a", "crt1.o", "crti.o", "crtn.o"] {
        let mut command = surroundings.command(&found);
        command.arg(format!("-print-file-name={name}"));
        let path = process::finish(command, program)?;
        let path = PathBuf::from(path.trim());
        // What it does not find it names without a folder.
        let digest = path.is_absolute().then(|| digests.file(&path).ok()).flatten();
        all.extend(digest.ok_or_else(|| missing(name))?.0);
    }
    Ok(Blake3::of(&all).to_string())
}

fn ask(
    surroundings: &Surroundings,
    path: &Path,
    program: &str,
    driver: Blake3,
) -> Result<Said, Diagnostic> {
    let ask = |word: &str| -> Result<String, Diagnostic> {
        let mut command = surroundings.command(path);
        command.arg(word);
        let said = process::finish(command, program)?;
        Ok(said.lines().next().unwrap_or_default().trim().to_owned())
    };
    let version = ask("--version")?;
    // A compiler that is its own driver (clang) knows no other.
    let proper = PathBuf::from(ask("-print-prog-name=cc1")?);
    let proper = if proper.is_file() { proper } else { path.to_owned() };
    // Named without a folder, it is the one that the search path has.
    let assembler = PathBuf::from(ask("-print-prog-name=as")?);
    let assembler = match assembler.is_absolute() {
        true => Some(assembler),
        false => surroundings.find(&assembler.to_string_lossy()),
    };
    Ok(Said { driver, version, proper, assembler: assembler.filter(|path| path.is_file()) })
}
