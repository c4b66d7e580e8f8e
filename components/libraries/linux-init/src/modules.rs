//! Modules of the kernel, where it was not built with all that the product needs: the image has them,
//! with a list in the order in which they can be loaded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::system::finit_module;
use tarsia_process::say;

/// The list: a path a line, from the root. Absent, nothing is to be loaded.
pub(crate) const LIST: &str = "/etc/modules";

/// Why a module, or the list, was of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ModuleError {
    #[error("read {LIST}: {0}")]
    List(io::Error),
    #[error("open the module {}: {error}", .path.display())]
    Open { path: PathBuf, error: io::Error },
    #[error("load the module {}: {error}", .path.display())]
    Load { path: PathBuf, error: Errno },
}

/// Loads every module of the list, below `root`. A module that fails is no reason to stop: what it was for
/// says so itself when it is started, and the rest may be enough to be reached and repaired.
pub(crate) fn load_all(root: &Path, load: impl Fn(&fs::File) -> Result<(), Errno>) {
    let list = match fs::read_to_string(below(root, LIST)) {
        Ok(list) => list,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return tell(&ModuleError::List(error)),
    };
    for line in list.lines().filter(|line| !line.is_empty()) {
        if let Err(error) = load_one(below(root, line), &load) {
            tell(&error);
        }
    }
}

fn load_one(
    path: PathBuf,
    load: impl Fn(&fs::File) -> Result<(), Errno>,
) -> Result<(), ModuleError> {
    let file = match fs::File::open(&path) {
        Ok(file) => file,
        Err(error) => return Err(ModuleError::Open { path, error }),
    };
    match load(&file) {
        // There it is, whoever loaded it.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(ModuleError::Load { path, error }),
    }
}

/// Hands a module to the kernel, with no parameters.
pub(crate) fn load(file: &fs::File) -> Result<(), Errno> {
    finit_module(file, c"", 0)
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn tell(error: &ModuleError) {
    say(format_args!("failed to {error}; going on without"));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io::Read as _;

    use super::*;

    #[test]
    fn all_are_loaded_in_their_order_whatever_becomes_of_one() {
        let root = tempfile::tempdir().expect("a folder");
        let loaded = RefCell::new(Vec::new());
        let load = |mut file: &fs::File| {
            let mut text = String::new();
            file.read_to_string(&mut text).expect("read");
            loaded.borrow_mut().push(text.clone());
            match text.as_str() {
                "there" => Err(Errno::EXIST),
                "broken" => Err(Errno::NOEXEC),
                _ => Ok(()),
            }
        };
        // Without a list there is nothing to do.
        load_all(root.path(), load);
        assert!(loaded.borrow().is_empty());

        for name in ["broken", "first", "last", "there"] {
            fs::write(root.path().join(name), name).expect("written");
        }
        fs::create_dir(root.path().join("etc")).expect("made");
        let list = "first\nbroken\nmissing\n\n/there\nlast\n";
        fs::write(root.path().join("etc/modules"), list).expect("written");
        load_all(root.path(), load);
        assert_eq!(*loaded.borrow(), ["first", "broken", "there", "last"]);
    }

    #[test]
    fn complaints_name_module_and_reason() {
        let missing = load_one("/no/such.ko".into(), |_| Ok(())).expect_err("missing");
        assert_eq!(
            missing.to_string(),
            "open the module /no/such.ko: No such file or directory (os error 2)"
        );
        let file = tempfile::NamedTempFile::new().expect("a file");
        let refused = load_one(file.path().into(), |_| Err(Errno::NOEXEC)).expect_err("refused");
        let expected =
            format!("load the module {}: Exec format error (os error 8)", file.path().display());
        assert_eq!(refused.to_string(), expected);
    }
}
