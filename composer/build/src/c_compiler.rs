//! Which C compiler a name stands for, on the host and to programs in a sandbox; and who it is: its version, and
//! the content of the driver, the compiler proper and the assembler. Asked once for each content, because starting
//! it takes longer than all else of a build without changes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tarsia_model::{Blake3, Code, Diagnostic};

use crate::digests::Digests;
use crate::sandbox::{Confinement, Mount};
use crate::{Surroundings, process, remembered};

/// A C compiler on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// Where it is on the host.
    host: PathBuf,
    /// Where it is to programs of a build.
    pub inside: PathBuf,
    /// What has to be shown for that: of a compiler that was unpacked somewhere, its folder.
    pub mount: Option<Mount>,
}

impl Compiler {
    /// The first in the search path of whoever builds.
    ///
    /// # Errors
    /// That there is none.
    pub fn find(
        surroundings: &Surroundings,
        confinement: &Confinement,
        program: &str,
    ) -> Result<Self, Diagnostic> {
        let host = surroundings.find(program).ok_or_else(|| {
            Diagnostic::error(Code::ToolMissing, format!("cannot find the C compiler `{program}`"))
                .hint(format!("on Debian and Ubuntu: `apt-get install {}`", package(program)))
        })?;
        Ok(match confinement {
            Confinement::None { .. } => Self { inside: host.clone(), host, mount: None },
            Confinement::Bubblewrap { .. } => Self::shown(host),
        })
    }

    /// One that is to be seen in a sandbox, which shows the system's own programs anyway. By its own name where
    /// that is possible: a driver may go by it.
    fn shown(host: PathBuf) -> Self {
        let beside = host.parent().and_then(|folder| folder.canonicalize().ok());
        let own = beside.filter(|folder| folder.starts_with("/usr"));
        if let Some(inside) = own.zip(host.file_name()).map(|(folder, name)| folder.join(name)) {
            return Self { host, inside, mount: None };
        }
        let real = host.canonicalize().unwrap_or_else(|_| host.clone());
        let unpacked = real.parent().and_then(Path::parent).map(Path::to_owned);
        match unpacked {
            Some(own) if !real.starts_with("/usr") => {
                let place = Path::new("/compiler");
                let inside =
                    real.strip_prefix(&own).map_or_else(|_| real.clone(), |p| place.join(p));
                let mount = Some(Mount::ReadOnly { host: own, inside: place.to_owned() });
                Self { host, inside, mount }
            }
            _ => Self { host, inside: real, mount: None },
        }
    }
}

/// The package that has a C compiler.
fn package(program: &str) -> String {
    match program.strip_suffix("-gcc") {
        Some("x86_64-linux-gnu") => "gcc".to_owned(),
        Some(triple) => format!("gcc-{triple}"),
        None => program.to_owned(),
    }
}

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
/// That it cannot be asked.
pub fn identity(
    surroundings: &Surroundings,
    digests: &Digests,
    compiler: &Compiler,
    folder: &Path,
) -> Result<String, Diagnostic> {
    let found = &compiler.host;
    let unreadable = |error: std::io::Error| {
        Diagnostic::error(Code::Unreadable, format!("cannot read a tool: {error}"))
    };
    let driver = digests.file(found).map_err(unreadable)?;
    let place = folder.join("c-compilers.json");
    let mut known: BTreeMap<PathBuf, Said> = remembered::read(&place).unwrap_or_default();
    let is_there = |said: &&Said| {
        said.proper.is_file() && said.assembler.as_ref().is_none_or(|path| path.is_file())
    };
    let said = known.get(found).filter(|said| said.driver == driver).filter(is_there);
    let said = match said {
        Some(said) => said.clone(),
        None => {
            let said = ask(surroundings, found, driver)?;
            known.insert(found.clone(), said.clone());
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
    compiler: &Compiler,
) -> Result<String, Diagnostic> {
    let program = compiler.host.display().to_string();
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
    let mut all = Vec::new();
    for name in ["libc.a", "libgcc.a", "libgcc_eh.a", "crt1.o", "crti.o", "crtn.o"] {
        let mut command = surroundings.command(&compiler.host);
        command.arg(format!("-print-file-name={name}"));
        let path = process::finish(command, &program)?;
        let path = PathBuf::from(path.trim());
        // What it does not find it names without a folder.
        let digest = path.is_absolute().then(|| digests.file(&path).ok()).flatten();
        all.extend(digest.ok_or_else(|| missing(name))?.0);
    }
    Ok(Blake3::of(&all).to_string())
}

fn ask(surroundings: &Surroundings, path: &Path, driver: Blake3) -> Result<Said, Diagnostic> {
    let program = path.display().to_string();
    let ask = |word: &str| -> Result<String, Diagnostic> {
        let mut command = surroundings.command(path);
        command.arg(word);
        let said = process::finish(command, &program)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn packages_are_called_as_debian_calls_them() {
        for (program, expected) in [
            ("arm-none-eabi-gcc", "gcc-arm-none-eabi"),
            ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
            ("x86_64-linux-gnu-gcc", "gcc"),
            ("gcc", "gcc"),
            ("gcc-12", "gcc-12"),
            ("clang", "clang"),
        ] {
            assert_eq!(package(program), expected);
        }
    }

    #[test]
    fn what_was_unpacked_somewhere_is_shown_and_what_the_system_has_keeps_its_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().canonicalize().expect("a folder");
        std::fs::create_dir_all(own.join("gcc-13/bin")).expect("a folder");
        std::fs::write(own.join("gcc-13/bin/arm-gcc"), "").expect("written");
        symlink("gcc-13/bin/arm-gcc", own.join("arm-gcc")).expect("a link");
        symlink("/usr/bin/env", own.join("system-gcc")).expect("a link");
        let mount = || {
            let host = own.join("gcc-13");
            Some(Mount::ReadOnly { host, inside: "/compiler".into() })
        };
        for (host, inside, shown) in [
            (own.join("gcc-13/bin/arm-gcc"), "/compiler/bin/arm-gcc", mount()),
            (own.join("arm-gcc"), "/compiler/bin/arm-gcc", mount()),
            (own.join("system-gcc"), "/usr/bin/env", None),
            // As the name of another driver may decide what it does.
            ("/usr/bin/sh".into(), "/usr/bin/sh", None),
            ("/usr/../usr/bin/sh".into(), "/usr/bin/sh", None),
        ] {
            let expected = Compiler { host: host.clone(), inside: inside.into(), mount: shown };
            assert_eq!(Compiler::shown(host), expected);
        }
    }
}
