//! `products/<name>.lock`: which bytes each external source of a product's components is.

use tarsia_model::{Blake3, Code, Diagnostic, Name, Sha256, SourceId, Span, Spanned};

use crate::item::Item as _;
use crate::read;
use crate::record::record;
use crate::scalar::{Address, InnerPath, PackageArch, PackageName, Revision};
use crate::source::SourceKind;
use crate::yaml::{self, MAX_FILE};

/// What every lock file starts with.
const HEADER: &str = "\
# Which bytes each external source of this product is. `tarsia lock` writes this file, `tarsia update`
# moves it to newer versions. Check it in; do not edit it.
";

record! {
    /// A lock file.
    pub struct LockFile = "a lock file" check check_lock {
        /// The product.
        "product" product: Spanned<Name>,
        /// Every external source, in the order of components and names.
        "sources" sources: Vec<LockedSource>,
    }
}

record! {
    /// An external source with what it was when it was locked.
    pub struct LockedSource = "a locked source" check check_locked {
        /// The component.
        "component" component: Spanned<Name>,
        /// The source's name in the component's manifest.
        "source" source: Spanned<Name>,
        /// How it is had.
        "kind" kind: Spanned<SourceKind>,
        /// The version of a package, or the commit.
        "version" version: Option<Spanned<String>>,
        /// Where it comes from.
        "origin" origin: LockedOrigin,
        /// Bytes of the package or file; of a commit or folder, those of its canonical archive.
        "size" size: Spanned<u64>,
        /// SHA-256 of these bytes.
        "sha256" sha256: Spanned<Sha256>,
        /// BLAKE3 of these bytes.
        "blake3" blake3: Spanned<Blake3>,
    }
}

record! {
    /// Where a source comes from.
    pub struct LockedOrigin = "the origin of a source" {
        /// Of a package: who publishes the archive of packages (`Origin` in its Release file).
        "origin" origin: Option<Spanned<String>>,
        /// Of a package: the release (`Codename` or `Suite`).
        "suite" suite: Option<Spanned<String>>,
        /// Of a package: the archive's part, such as `main`.
        "part" part: Option<Spanned<String>>,
        /// Of a package: its name.
        "package" package: Option<Spanned<PackageName>>,
        /// Of a package that the one in the manifest depends on: the name of that one.
        "followed" followed: Option<Spanned<PackageName>>,
        /// Of a package: its architecture, as the manifest asks for it.
        "arch" arch: Option<Spanned<PackageArch>>,
        /// Of a package: its file below the archive's top (`Filename` in Packages).
        "file" file: Option<Spanned<InnerPath>>,
        /// Of a file or repository: its address.
        "address" address: Option<Spanned<Address>>,
        /// Of what is in the component's folder: its path.
        "path" path: Option<Spanned<InnerPath>>,
    }
}

fn check_lock(lock: &LockFile, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    for pair in lock.sources.windows(2) {
        let [one, two] = pair else { continue };
        if one.key() >= two.key() {
            let message = format!(
                "the source `{}` of `{}` stands twice or out of order",
                two.source.value, two.component.value
            );
            let found = Diagnostic::at(Code::DuplicateEntry, two.source.span, message);
            problems.push(found.hint("`tarsia lock` writes the file anew".to_owned()));
        }
    }
    (problems.len() == before).then_some(())
}

fn check_locked(locked: &LockedSource, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    let origin = &locked.origin;
    let present = [
        ("origin", origin.origin.is_some()),
        ("suite", origin.suite.is_some()),
        ("part", origin.part.is_some()),
        ("package", origin.package.is_some()),
        ("arch", origin.arch.is_some()),
        ("file", origin.file.is_some()),
        ("address", origin.address.is_some()),
        ("path", origin.path.is_some()),
    ];
    let kind = locked.kind.value;
    let expected: &[&str] = match kind {
        SourceKind::Deb => &["origin", "suite", "part", "package", "arch", "file"],
        SourceKind::Archive | SourceKind::Git => &["address"],
        SourceKind::Prebuilt => &["path"],
    };
    if let Some(followed) = origin.followed.as_ref().filter(|_| kind != SourceKind::Deb) {
        let message = format!("the origin of a source of the kind `{kind}` has no key `followed`");
        problems.push(Diagnostic::at(Code::UnknownKey, followed.span, message));
    }
    for (key, there) in present {
        if there == expected.contains(&key) {
            continue;
        }
        let (code, what) =
            if there { (Code::UnknownKey, "has no") } else { (Code::MissingKey, "needs the") };
        let message = format!("the origin of a source of the kind `{kind}` {what} key `{key}`");
        problems.push(Diagnostic::at(code, origin.span, message));
    }
    let versioned = matches!(kind, SourceKind::Deb | SourceKind::Git);
    if versioned != locked.version.is_some() {
        let what = if versioned { "needs a" } else { "has no" };
        let message = format!("a source of the kind `{kind}` {what} `version`");
        problems.push(Diagnostic::at(Code::BadValue, locked.kind.span, message));
    }
    if let (SourceKind::Git, Some(version)) = (kind, &locked.version)
        && let Err(rule) = version.value.parse::<Revision>()
    {
        let message = format!("`{}` is not a revision", version.value.escape_debug());
        problems.push(Diagnostic::at(Code::BadValue, version.span, message).hint(rule));
    }
    (problems.len() == before).then_some(())
}

impl LockedSource {
    /// What it is found by.
    pub fn key(&self) -> (&Name, &Name) {
        (&self.component.value, &self.source.value)
    }
}

impl LockFile {
    /// A lock file of these sources, which it puts in order.
    pub fn new(product: Name, mut sources: Vec<LockedSource>) -> Self {
        sources.sort_by(|one, two| one.key().cmp(&two.key()));
        let span = Span::file(SourceId(0));
        Self { span, product: Spanned::new(product, span), sources }
    }

    /// Reads a lock file strictly.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(bytes: Vec<u8>, source: SourceId) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let text = read::text(bytes, source, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let node = yaml::parse(source, &text, &mut problems);
        let lock = node.and_then(|node| Self::decode(&node, &mut problems));
        lock.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// The text of the file.
    pub fn text(&self) -> String {
        let body = serde_yaml::to_string(&self.encode()).unwrap_or_default();
        format!("{HEADER}{body}")
    }

    /// The entry of a component's source.
    pub fn find(&self, component: &str, source: &str) -> Option<&LockedSource> {
        let named = |one: &&LockedSource| {
            one.component.as_str() == component && one.source.as_str() == source
        };
        self.sources.iter().find(named)
    }
}

/// The largest lock file that is read, in bytes.
pub const LARGEST_LOCK: usize = MAX_FILE;
