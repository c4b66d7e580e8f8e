//! What apt says of the archives of packages it knows, and what their signed indexes say of a package: paragraphs
//! of fields (deb-control(5)).

use std::collections::BTreeMap;
use std::io::{self, BufRead};

use tarsia_manifest::PackageName;
use tarsia_model::Sha256;

use super::SourceError;

/// The fields of a paragraph, without continued lines.
pub(super) type Fields = BTreeMap<String, String>;

/// An index of packages that apt has (apt-get(8), `indextargets`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    /// The index's file.
    pub(super) file: String,
    /// Where packages are fetched from; it names a machine, and stays here.
    pub(super) base: String,
    pub(super) origin: String,
    pub(super) suite: String,
    pub(super) part: String,
    /// Whether its signature was good, or the system's owner says it needs none.
    pub(super) trusted: bool,
}

/// A package in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) version: String,
    pub(super) file: String,
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    /// What it depends on, as the index has it.
    pub(super) depends: String,
}

/// Every index in apt's answer, in its order, which is that of preference among equals.
pub(super) fn indexes(answer: &str) -> Vec<Index> {
    let mut found = Vec::new();
    for paragraph in answer.split("\n\n") {
        let fields = fields(paragraph.as_bytes());
        let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
        if field("Created-By") != "Packages" {
            continue;
        }
        // A suite moves from `testing` to `stable` to `oldstable`; its code name stays.
        let suite = [field("Codename"), field("Suite"), field("Release")];
        found.push(Index {
            file: field("Filename"),
            base: field("Repo-URI"),
            origin: field("Origin"),
            suite: suite.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            part: field("Component"),
            trusted: field("Trusted") == "yes",
        });
    }
    found
}

/// The package of a name, version and architecture (or for all) in an index.
///
/// # Errors
/// Those of reading; that what the index says cannot be.
pub(super) fn find(
    mut index: impl BufRead,
    name: &str,
    version: &str,
    arch: &str,
) -> Result<Option<Package>, SourceError> {
    let wanted = format!("Package: {name}\n");
    let (mut paragraph, mut line, mut named) = (Vec::new(), Vec::new(), false);
    loop {
        line.clear();
        let read = index.read_until(b'\n', &mut line).map_err(SourceError::io("read an index"))?;
        if read > 0 && line != b"\n" {
            named |= line == wanted.as_bytes();
            paragraph.extend_from_slice(&line);
            continue;
        }
        if named {
            let fields = fields(&paragraph);
            let field = |name: &str| fields.get(name).map_or("", String::as_str);
            if field("Version") == version && [arch, "all"].contains(&field("Architecture")) {
                return package(&fields).map(Some);
            }
        }
        if read == 0 {
            return Ok(None);
        }
        paragraph.clear();
        named = false;
    }
}

/// The version that apt would install (apt-cache(8), `policy`).
pub(super) fn candidate(answer: &str) -> Option<&str> {
    let lines = answer.lines().filter_map(|line| line.trim().strip_prefix("Candidate: "));
    lines.map(str::trim).find(|version| *version != "(none)" && is_version(version))
}

/// The one package that a field `Depends` names, with its version if that has to be a certain one (Debian Policy
/// 4.7, section 7.1); none where there are several, a choice, or other conditions.
pub(super) fn only_dependency(depends: &str) -> Option<(&str, Option<&str>)> {
    let (name, condition) = depends.split_once('(').unwrap_or((depends, ""));
    let version = match condition.trim() {
        "" => None,
        condition => Some(condition.strip_prefix('=')?.strip_suffix(')')?.trim()),
    };
    let name = name.trim();
    let is_name = name.parse::<PackageName>().is_ok();
    (is_name && version.is_none_or(is_version)).then_some((name, version))
}

/// Debian Policy 4.7, section 5.6.12.
fn is_version(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte))
}

fn package(fields: &Fields) -> Result<Package, SourceError> {
    let field = |name: &str| {
        let found = fields.get(name).filter(|value| !value.is_empty());
        found.ok_or_else(|| SourceError::Index(format!("a package has no `{name}`")))
    };
    let bad = |what: &str, value: &str| {
        SourceError::Index(format!("the {what} of a package is `{}`", value.escape_debug()))
    };
    let (size, sha256, file) = (field("Size")?, field("SHA256")?, field("Filename")?);
    Ok(Package {
        version: field("Version")?.clone(),
        file: file.strip_prefix("./").unwrap_or(file).to_owned(),
        size: size.parse().map_err(|_| bad("size", size))?,
        sha256: sha256.parse().map_err(|_| bad("digest", sha256))?,
        depends: fields.get("Depends").cloned().unwrap_or_default(),
    })
}

fn fields(paragraph: &[u8]) -> Fields {
    let text = String::from_utf8_lossy(paragraph);
    let lines = text.lines().filter(|line| !line.starts_with([' ', '\t']));
    let pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// Reads an index file.
pub(super) fn open(file: &str) -> io::Result<impl BufRead> {
    Ok(io::BufReader::with_capacity(1 << 18, fs_err::File::open(file)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "\
Package: tool
Version: 1.2-1
Architecture: amd64
Filename: pool/main/t/tool/tool_1.2-1_amd64.deb
Size: 10
SHA256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
Description: about
 Package: other

Package: other
Version: 2
Architecture: all
Filename: ./other_2_all.deb
Size: 20
SHA256: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb

Package: broken
Version: 1
Architecture: all
Filename: broken.deb
Size: many
SHA256: bbbb
";

    #[test]
    fn packages_are_found_by_name_version_and_architecture() {
        let look = |name, version, arch| find(INDEX.as_bytes(), name, version, arch);
        let tool = look("tool", "1.2-1", "amd64").expect("read").expect("there");
        assert_eq!((tool.size, tool.file.as_str()), (10, "pool/main/t/tool/tool_1.2-1_amd64.deb"));
        assert_eq!(
            look("other", "2", "arm64").expect("read").expect("there").file,
            "other_2_all.deb"
        );
        for (name, version, arch) in
            [("tool", "1.2-1", "arm64"), ("tool", "1.2", "amd64"), ("too", "1.2-1", "amd64")]
        {
            assert_eq!(look(name, version, arch).expect("read"), None);
        }
        assert!(look("broken", "1", "all").is_err());
    }

    #[test]
    fn only_indexes_of_packages_count() {
        let answer = "Created-By: Packages\nFilename: /l/a\nRepo-URI: http://m/d/\nOrigin: Debian\n\
            Codename: bookworm\nSuite: oldstable\nComponent: main\nTrusted: yes\n\n\
            Created-By: Sources\nFilename: /l/b\n\nCreated-By: Packages\nFilename: /l/c\nSuite: x\n";
        let found = indexes(answer);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].suite.as_str(), found[0].trusted), ("bookworm", true));
        assert_eq!((found[1].suite.as_str(), found[1].trusted), ("x", false));
    }

    #[test]
    fn one_dependency() {
        let cases = [
            ("tool (= 1.2-1)", Some(("tool", Some("1.2-1")))),
            (" tool ", Some(("tool", None))),
            ("tool(=2)", Some(("tool", Some("2")))),
            ("", None),
            ("tool, other", None),
            ("tool | other", None),
            ("tool (>= 1.2)", None),
            ("tool (= 1), other (= 1)", None),
            ("tool (= $(rm))", None),
        ];
        for (depends, expected) in cases {
            assert_eq!(only_dependency(depends), expected, "{depends}");
        }
    }

    #[test]
    fn candidates() {
        let policy = "tool:\n  Installed: (none)\n  Candidate: 1:2.0~rc1-3+b1\n  Version table:\n";
        assert_eq!(candidate(policy), Some("1:2.0~rc1-3+b1"));
        assert_eq!(candidate("tool:\n  Candidate: (none)\n"), None);
        assert_eq!(candidate("  Candidate: $(rm)\n"), None);
        assert_eq!(candidate(""), None);
    }
}
