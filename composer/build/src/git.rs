//! Git as a store of earlier states: revisions, what they hold, and the contents. Only objects are
//! read: no hook, no configuration of the user and no network is involved, so that a revision is
//! the same for everybody.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tarsia_model::{Code, Diagnostic};

use crate::Surroundings;

/// A git repository.
#[derive(Clone, Debug)]
pub struct Repository {
    surroundings: Surroundings,
    git: PathBuf,
    /// Its folder, without links.
    pub top: PathBuf,
}

/// A file of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: ObjectKind,
    /// Its name among the objects, in hexadecimal digits.
    pub id: String,
}

/// What a file of a revision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A regular file.
    File,
    /// A symbolic link; its content is where it leads.
    Link,
    /// A folder that another repository fills.
    Submodule,
}

impl Repository {
    /// The repository that holds a folder.
    ///
    /// # Errors
    /// Git is missing (E0601), or the folder is in no repository (E0703); `revision` is what
    /// was to be read from it.
    pub fn of(
        surroundings: &Surroundings,
        folder: &Path,
        revision: &str,
    ) -> Result<Self, Diagnostic> {
        let Some(git) = surroundings.find("git") else {
            return Err(Diagnostic::error(Code::ToolMissing, "cannot find the program `git`")
                .hint("on Debian and Ubuntu: `apt-get install git`".to_owned()));
        };
        let mut repository = Self { surroundings: surroundings.clone(), git, top: folder.into() };
        let top = repository.output(&["rev-parse", "--show-toplevel"]).map_err(|said| {
            refusal(revision, "the workspace is not in a git repository")
                .note(said)
                .hint("compare with a file instead: `tarsia diff ./old.yaml PRODUCT`".to_owned())
        })?;
        let top = path_from(top.strip_suffix(b"\n").unwrap_or(&top));
        repository.top = top.canonicalize().unwrap_or(top);
        Ok(repository)
    }

    /// A repository without files of its own, in this folder.
    pub(crate) fn bare(surroundings: &Surroundings, git: &Path, folder: &Path) -> Self {
        Self { surroundings: surroundings.clone(), git: git.into(), top: folder.into() }
    }

    /// The commit that a revision stands for, in hexadecimal digits.
    ///
    /// # Errors
    /// E0703 when git does not know it.
    pub fn commit(&self, revision: &str) -> Result<String, Diagnostic> {
        let unknown = || {
            let hint = match revision {
                "HEAD" => "the repository has no commit yet",
                _ => "`git fetch --tags` fetches what the remote has",
            };
            refusal(revision, "git does not know it").hint(hint.to_owned())
        };
        // What starts with a dash would be an option, and is no revision.
        if revision.is_empty() || revision.starts_with('-') {
            return Err(unknown());
        }
        let asked = format!("{revision}^{{commit}}");
        let found =
            self.output(&["rev-parse", "--verify", "--quiet", &asked]).map_err(|_| unknown())?;
        Ok(String::from_utf8_lossy(&found).trim().to_owned())
    }

    /// Every file of a commit, by its path from the top. What is not UTF-8 in a path is replaced.
    ///
    /// # Errors
    /// E0703 when git cannot list them; `revision` is what the user called the commit.
    pub fn files(&self, commit: &str, revision: &str) -> Result<Vec<(String, Object)>, Diagnostic> {
        let listed = self
            .output(&["ls-tree", "-r", "-z", "--full-tree", commit])
            .map_err(|said| refusal(revision, "git cannot list its files").note(said))?;
        Ok(listed.split(|byte| *byte == 0).filter_map(object).collect())
    }

    /// Starts reading contents.
    ///
    /// # Errors
    /// Those of starting git.
    pub fn contents(&self) -> io::Result<Contents> {
        let mut child = self
            .command()
            .args(["cat-file", "--batch"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let (asks, answers) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Contents { child, asks, answers })
    }

    /// Git in this repository, as far from the user's settings as it gets, and without a network.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.surroundings.command(&self.git);
        command
            .current_dir(&self.top)
            // No file of the user's or the system's configuration; the older variable is for git
            // before 2.32.
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("HOME", "/dev/null")
            // What the repository has, and not what stands in for it elsewhere.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_ALLOW_PROTOCOL", "none")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            // Containers often mount a repository of another user. Nothing in it is executed.
            .args(["-c", "safe.directory=*"]);
        command
    }

    /// What git answers, or what it complains about.
    fn output(&self, args: &[&str]) -> Result<Vec<u8>, String> {
        let output = self.command().args(args).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("git says: {}", said.lines().next().unwrap_or("nothing").trim()))
    }
}

fn refusal(revision: &str, why: &str) -> Diagnostic {
    let revision = revision.escape_debug();
    Diagnostic::error(Code::BadRevision, format!("cannot read the revision `{revision}`: {why}"))
}

#[cfg(unix)]
fn path_from(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Reads `MODE SP TYPE SP ID TAB PATH` (git-ls-tree(1), "Output format").
fn object(line: &[u8]) -> Option<(String, Object)> {
    let line = String::from_utf8_lossy(line);
    let (facts, path) = line.split_once('\t')?;
    let mut facts = facts.split(' ');
    let (mode, _, id) = (facts.next()?, facts.next()?, facts.next()?);
    let kind = match mode {
        "120000" => ObjectKind::Link,
        "160000" => ObjectKind::Submodule,
        _ => ObjectKind::File,
    };
    Some((path.to_owned(), Object { kind, id: id.to_owned() }))
}

/// A running git that hands out contents.
#[derive(Debug)]
pub struct Contents {
    child: Child,
    asks: Option<ChildStdin>,
    answers: Option<BufReader<ChildStdout>>,
}

impl Contents {
    /// The content of an object, cut off after `limit` bytes.
    ///
    /// # Errors
    /// Git has ended, or does not have the object.
    pub fn read(&mut self, id: &str, limit: usize) -> io::Result<Vec<u8>> {
        let (Some(asks), Some(answers)) = (&mut self.asks, &mut self.answers) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        writeln!(asks, "{id}")?;
        asks.flush()?;
        let mut header = String::new();
        answers.read_line(&mut header)?;
        // `ID SP TYPE SP SIZE`, or `ID SP missing` (git-cat-file(1), "Batch output").
        let size = header.trim_end().splitn(3, ' ').nth(2).and_then(|size| size.parse().ok());
        let Some(size): Option<u64> = size else {
            let said = header.trim_end().to_owned();
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("git says: {said}")));
        };
        let mut content = Vec::new();
        let kept = size.min(limit as u64);
        answers.take(kept).read_to_end(&mut content)?;
        // What is left of it, and the line's end.
        io::copy(&mut answers.take(size - kept + 1), &mut io::sink())?;
        Ok(content)
    }
}

impl Drop for Contents {
    fn drop(&mut self) {
        // Without anything more to read it ends by itself.
        drop(self.asks.take());
        drop(self.answers.take());
        let _ = self.child.wait();
    }
}
