//! A workspace in a temporary folder, and what the real binary says in it.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::catalogue;

/// A workspace that is removed when the test ends.
pub struct Workspace {
    folder: tempfile::TempDir,
}

/// What a command did.
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Workspace {
    /// The catalogue of these tests, and no product.
    pub fn new() -> Self {
        let workspace = Self::empty();
        let workspace = workspace.file("products/.keep", "");
        catalogue::FILES
            .iter()
            .fold(workspace, |workspace, (path, text)| workspace.file(path, text))
    }

    /// A folder with nothing in it.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Writes a file.
    pub fn file(self, path: impl AsRef<OsStr>, content: impl AsRef<[u8]>) -> Self {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
        self
    }

    /// Makes a folder.
    pub fn folder(self, path: &str) -> Self {
        std::fs::create_dir_all(self.at(path)).expect("a folder");
        self
    }

    /// Makes a symbolic link to `target`, which stands as it is in the link.
    pub fn link(self, path: &str, target: impl AsRef<Path>) -> Self {
        let path = self.at(path);
        // A link may stand in for a file or folder of the catalogue.
        if path.is_dir() {
            std::fs::remove_dir_all(&path).expect("a folder");
        } else if path.exists() {
            std::fs::remove_file(&path).expect("a file");
        }
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::os::unix::fs::symlink(target, path).expect("a link");
        self
    }

    /// A path in the workspace.
    pub fn at(&self, path: impl AsRef<OsStr>) -> PathBuf {
        self.folder.path().join(path.as_ref())
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).expect("a file")
    }

    /// Runs a command at the top of the workspace.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Run {
        self.run_in("", args)
    }

    /// Runs a command in a folder of the workspace.
    pub fn run_in<S: AsRef<OsStr>>(&self, folder: &str, args: &[S]) -> Run {
        run(&self.at(folder), self.folder.path(), args)
    }
}

/// Runs a command in `here`, with nothing of the caller's environment; `root` is shown as
/// `[WORKSPACE]`.
pub fn run<S: AsRef<OsStr>>(here: &Path, root: &Path, args: &[S]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_tarsia"))
        .args(args)
        .current_dir(here)
        .env_clear()
        // The panic test below each case looks for a backtrace: one must be possible.
        .env("RUST_BACKTRACE", "1")
        .env("HOME", root)
        .output()
        .expect("the command starts");
    let canonical = root.canonicalize().expect("the workspace");
    let text = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).expect("what is printed is UTF-8");
        let text = text.replace(&*canonical.to_string_lossy(), "[WORKSPACE]");
        text.replace(&*root.to_string_lossy(), "[WORKSPACE]")
    };
    Run {
        stdout: text(output.stdout),
        stderr: text(output.stderr),
        code: output.status.code().expect("no signal ended it"),
    }
}

/// All that a user sees, for a snapshot.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit code: {}", self.code)?;
        for (title, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(f, "----- {title}\n{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}
