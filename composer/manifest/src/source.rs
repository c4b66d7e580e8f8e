//! `sources`: what a component is made from that does not stand in its folder.

use tarsia_model::{Code, Diagnostic, Sha256, Span, Spanned};

use crate::record::{choice, record};
use crate::scalar::{Address, InnerPath, PackageArch, PackagePattern, Revision};

choice! {
    /// How a source is had.
    pub enum SourceKind = "a kind of source" {
        /// a package of the system's own package manager
        Deb = "deb",
        /// a file from an address
        Archive = "archive",
        /// a commit of a git repository
        Git = "git",
        /// a file or folder beside the manifest
        Prebuilt = "prebuilt",
    }
}

record! {
    /// What a component is made from: one of `deb`, `archive`, `git` and `prebuilt`. Which version a product uses
    /// is in its lock file.
    pub struct Source = "a source" check check_source {
        /// A Debian package, by name. `{arch}` stands for Debian's name of the architecture.
        "deb" deb: Option<Spanned<PackagePattern>>,
        /// The package's architecture; the board's when absent.
        "arch" arch: Option<Spanned<PackageArch>>,
        /// Whether the package is empty and the one that it depends on is meant: that of the newest version,
        /// under whatever name.
        "follow" follow: Option<Spanned<bool>>,
        /// The address of a file.
        "archive" archive: Option<Spanned<Address>>,
        /// The address of a git repository.
        "git" git: Option<Spanned<Address>>,
        /// The commit.
        "revision" revision: Option<Spanned<Revision>>,
        /// A file or folder in the component's folder that a program made elsewhere.
        "prebuilt" prebuilt: Option<Spanned<InnerPath>>,
        /// The SHA-256 digest of the file; of a folder, that of its [canonical archive](../sources.md#folders).
        "sha256" sha256: Option<Spanned<Sha256>>,
        /// The archive inside the package, archive or folder that is unpacked in its place. Without this key, a
        /// prebuilt file is taken as it is.
        "unpack" unpack: Option<Spanned<InnerPath>>,
        /// How many folders are taken off the front of every path; none when absent.
        "strip" strip: Option<Spanned<u32>>,
        /// Whether names of files may differ by case only, as in Linux's sources.
        "twins" twins: Option<Spanned<bool>>,
    }
}

impl Source {
    /// How it is had.
    pub fn kind(&self) -> SourceKind {
        match (&self.deb, &self.archive, &self.git) {
            (Some(_), ..) => SourceKind::Deb,
            (_, Some(_), _) => SourceKind::Archive,
            (.., Some(_)) => SourceKind::Git,
            _ => SourceKind::Prebuilt,
        }
    }

    /// Where it says how it is had.
    pub fn place(&self) -> Span {
        let spans = [
            self.deb.as_ref().map(|value| value.span),
            self.archive.as_ref().map(|value| value.span),
            self.git.as_ref().map(|value| value.span),
            self.prebuilt.as_ref().map(|value| value.span),
        ];
        spans.into_iter().flatten().next().unwrap_or(self.span)
    }

    /// Whether the package that its package depends on is meant.
    pub fn follows(&self) -> bool {
        self.follow.as_ref().is_some_and(|follow| follow.value)
    }

    /// How many folders are taken off.
    pub fn strip(&self) -> u32 {
        self.strip.as_ref().map_or(0, |strip| strip.value)
    }

    /// Whether names of files may differ by case only.
    pub fn allows_twins(&self) -> bool {
        self.twins.as_ref().is_some_and(|twins| twins.value)
    }
}

/// The keys that mean something, and those that have to be there, by kind.
const fn keys(kind: SourceKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        SourceKind::Deb => (&["arch", "follow", "unpack", "strip", "twins"], &[]),
        SourceKind::Archive => (&["sha256", "unpack", "strip", "twins"], &["sha256"]),
        SourceKind::Git => (&["revision", "strip", "twins"], &["revision"]),
        SourceKind::Prebuilt => (&["sha256", "unpack", "strip", "twins"], &["sha256"]),
    }
}

fn check_source(source: &Source, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    let kinds: Vec<(SourceKind, Span)> = [
        (SourceKind::Deb, source.deb.as_ref().map(|value| value.span)),
        (SourceKind::Archive, source.archive.as_ref().map(|value| value.span)),
        (SourceKind::Git, source.git.as_ref().map(|value| value.span)),
        (SourceKind::Prebuilt, source.prebuilt.as_ref().map(|value| value.span)),
    ]
    .into_iter()
    .filter_map(|(kind, span)| Some((kind, span?)))
    .collect();
    let kind = match kinds.as_slice() {
        [(kind, _)] => *kind,
        [] => {
            let message = "a source needs one of the keys `deb`, `archive`, `git` and `prebuilt`";
            problems.push(Diagnostic::at(Code::BadSource, source.span, message));
            return None;
        }
        [(first, place), (second, other), ..] => {
            let message = format!("a source is either `{first}` or `{second}`, not both");
            problems.push(
                Diagnostic::at(Code::BadSource, *other, message)
                    .also(*place, format!("here it is `{first}`"))
                    .hint("keep one, or give each a name of its own under `sources`".to_owned()),
            );
            return None;
        }
    };
    let others = [
        ("arch", source.arch.as_ref().map(|value| value.span)),
        ("follow", source.follow.as_ref().map(|value| value.span)),
        ("revision", source.revision.as_ref().map(|value| value.span)),
        ("sha256", source.sha256.as_ref().map(|value| value.span)),
        ("unpack", source.unpack.as_ref().map(|value| value.span)),
        ("strip", source.strip.as_ref().map(|value| value.span)),
        ("twins", source.twins.as_ref().map(|value| value.span)),
    ];
    let (meant, needed) = keys(kind);
    for (key, span) in others {
        match span {
            Some(span) if !meant.contains(&key) => {
                let message = format!("`{key}` means nothing for a source of the kind `{kind}`");
                let hint = match key {
                    "sha256" => "its digest is in the lock file, which `tarsia lock` writes",
                    "revision" => "only a source with `git` has revisions",
                    "arch" => "only a source with `deb` has an architecture",
                    "follow" => "only a source with `deb` depends on another",
                    _ => "remove the key",
                };
                problems.push(
                    Diagnostic::at(Code::BadSource, span, message)
                        .also(source.place(), format!("here it is `{kind}`"))
                        .hint(hint.to_owned()),
                );
            }
            None if needed.contains(&key) => {
                let message = format!("a source of the kind `{kind}` needs the key `{key}`");
                problems.push(Diagnostic::at(Code::MissingKey, source.place(), message));
            }
            _ => {}
        }
    }
    // Without it, a file is taken as it is, and a folder is not in an archive at all.
    if kind == SourceKind::Prebuilt && source.unpack.is_none() {
        let of_archives = [
            ("strip", source.strip.as_ref().map(|value| value.span)),
            ("twins", source.twins.as_ref().map(|value| value.span)),
        ];
        for (key, span) in of_archives {
            let Some(span) = span else { continue };
            let message = format!("`{key}` means nothing for what is not unpacked");
            problems.push(
                Diagnostic::at(Code::BadSource, span, message)
                    .also(source.place(), format!("here it is `{kind}`, without `unpack`"))
                    .hint("remove the key, or name the archive in it under `unpack`".to_owned()),
            );
        }
    }
    if let Some(archive) = source.archive.as_ref().filter(|one| one.as_str().starts_with("ssh:")) {
        let message = "a file cannot be fetched through `ssh`";
        problems.push(
            Diagnostic::at(Code::BadSource, archive.span, message)
                .hint("write `https://…`; a git repository stands under `git`".to_owned()),
        );
    }
    (problems.len() == before).then_some(())
}
