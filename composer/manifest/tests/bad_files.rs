//! Files that hold no readable YAML: each problem has its code and its place, and none ends the
//! reading of the others.

mod common;

use std::io;

use common::{COMPONENT, cases, component, loaded, product, shown};
use tarsia_manifest::files::{Entry, EntryKind, Files, Home, Stat};
use tarsia_manifest::{Disk, Memory, load, yaml};

fn bytes(content: &[u8]) -> String {
    shown(&load(&Memory::from_iter([("products/p.yaml", content)])))
}

#[test]
fn text_and_encoding() {
    let text = cases([
        ("not UTF-8", bytes(b"product: p\nsummary: caf\xe9 au lait\n")),
        ("UTF-16", bytes(b"\xff\xfep\0r\0o\0")),
        ("byte order mark", bytes("\u{feff}product: p\n".as_bytes())),
        ("empty", bytes(b"")),
        ("only comments", bytes(b"# nothing\n\n# here\n")),
        ("only a document start", bytes(b"---\n")),
        ("too large", bytes(&vec![b'#'; yaml::MAX_FILE + 1])),
        ("control character", bytes(b"product: p\nsummary: \"\x01\"\n\x02\n")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn yaml() {
    let deep_flow = format!("product: p\nsummary: {}\n", "[".repeat(200));
    let deep_block: String = (0..100).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    let wide = format!("product: [{}]\n", "x,".repeat(yaml::MAX_NODES));
    let text = cases([
        ("unclosed bracket", shown(&product("product: p\nservices: [a, b\n"))),
        ("unclosed quotes", shown(&product("product: p\nsummary: \"half\n"))),
        ("tab", shown(&product("product: p\nbudget:\n\tflash: 1KiB\n"))),
        ("colon in text", shown(&product("product: p\nsummary: what: ever\n"))),
        ("nothing to alias", shown(&product("product: *p\n"))),
        ("alias inside its anchor", shown(&product("product: p\nservices: &s [*s]\n"))),
        ("two documents", shown(&product("product: p\n---\nproduct: q\n"))),
        ("tag", shown(&product("product: !!str p\n"))),
        ("merge key", shown(&product("product: p\nbudget:\n  <<: {flash: 1KiB}\n"))),
        ("directive", shown(&product("%YAML 1.1\n---\nproduct: p\n"))),
        ("list as key", shown(&product("product: p\n? [a, b]\n: c\n"))),
        ("deep brackets", shown(&product(&deep_flow))),
        ("deep indentation", shown(&product(&deep_block))),
        ("bomb", shown(&product(&bomb))),
        ("too many values", shown(&product(&wide))),
        ("a list", shown(&product("- product\n"))),
        ("a word", shown(&product("product\n"))),
    ]);
    insta::assert_snapshot!(text);
}

/// A broken line can have more problems than anybody reads.
#[test]
fn a_flood_is_cut_off() {
    let loaded = product(&format!("product: p\nbudget: {{ {} }}\n", "a, ".repeat(10_000)));
    assert_eq!(loaded.diagnostics.len(), 100);
    let last = loaded.diagnostics.iter().flat_map(|problem| &problem.notes).next();
    assert_eq!(last.map(String::as_str), Some("9900 more problems of this file are not shown"));
}

#[test]
fn aliases_stand_for_their_anchors() {
    let loaded = product("product: p\nservices: &same [log]\napps: *same\n");
    assert!(loaded.diagnostics.is_empty(), "{}", shown(&loaded));
    let product = loaded.catalogue.products.values().next().expect("a product");
    assert_eq!(product.services, product.apps);
}

#[test]
fn names_of_files() {
    let manifest = "product: p\n";
    let text = cases([(
        "names",
        shown(&loaded(&[
            ("products/-rf.yaml", manifest),
            ("products/a\nb.yaml", manifest),
            ("products/a\u{1b}[2Jb.yaml", manifest),
            ("products/A.yaml", manifest),
            ("products/ok.yml", manifest),
            ("products/.hidden.yaml", manifest),
            ("products/README.md", manifest),
            ("components/drivers/-x/component.yaml", COMPONENT),
            ("components/drivers/notes/README.md", "no component here"),
        ])),
    )]);
    insta::assert_snapshot!(text);
}

/// A workspace in memory of which some files cannot be read.
struct Failing(Memory);

impl Files for Failing {
    fn home(&self, folder: &str) -> io::Result<Home> {
        self.0.home(folder)
    }
    fn list(&self, folder: &str, home: &Home) -> io::Result<Vec<Entry>> {
        self.0.list(folder, home)
    }
    fn stat(&self, path: &str, home: &Home) -> io::Result<Stat> {
        if path == "profiles" {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.0.stat(path, home)
    }
    fn read(&self, path: &str, limit: usize) -> io::Result<Vec<u8>> {
        if path == "products/p.yaml" {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.0.read(path, limit)
    }
}

#[test]
fn unreadable() {
    let files =
        Memory::from_iter([("products/p.yaml", "product: p\n"), ("products/q.yaml", "product: q")]);
    let loaded = load(&Failing(files));
    assert_eq!(loaded.catalogue.products.len(), 1, "the other is read all the same");
    assert_eq!(loaded.catalogue.broken.products.len(), 1);
    insta::assert_snapshot!(shown(&loaded));
}

#[cfg(unix)]
#[test]
fn links() {
    use std::os::unix::fs::symlink;

    let outside = tempfile::tempdir().expect("a folder");
    let inside = tempfile::tempdir().expect("a folder");
    let (out, root) = (outside.path(), inside.path());
    for folder in ["products", "profiles", "components/drivers"] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    std::fs::create_dir(out.join("probe")).expect("a folder");
    std::fs::write(out.join("probe/component.yaml"), COMPONENT).expect("a file");
    std::fs::write(out.join("p.yaml"), "product: p\n").expect("a file");
    std::fs::write(root.join("products/real.yaml"), "product: real\n").expect("a file");
    symlink(out.join("p.yaml"), root.join("products/p.yaml")).expect("a link");
    symlink(out.join("probe"), root.join("components/drivers/probe")).expect("a link");
    symlink(out, root.join("products-elsewhere")).expect("a link that nobody reads");
    symlink("nowhere", root.join("products/gone.yaml")).expect("a link");
    symlink("../products/real.yaml", root.join("profiles/inner.yaml")).expect("a link");

    let disk = Disk::new(root).expect("a workspace");
    let home = disk.home(".").expect("a folder");
    let entries = disk.list("products", &home).expect("a folder");
    assert_eq!((entries[1].kind, entries[1].linked), (EntryKind::Outside, true));
    let loaded = load(&disk);
    assert!(loaded.catalogue.products.contains_key("real"));
    insta::assert_snapshot!(shown(&loaded));
}

#[cfg(unix)]
#[test]
fn a_linked_root_is_not_read() {
    let outside = tempfile::tempdir().expect("a folder");
    let inside = tempfile::tempdir().expect("a folder");
    std::fs::write(outside.path().join("p.yaml"), "product: p\n").expect("a file");
    std::os::unix::fs::symlink(outside.path(), inside.path().join("products")).expect("a link");
    let loaded = load(&Disk::new(inside.path()).expect("a workspace"));
    assert!(loaded.catalogue.products.is_empty());
    insta::assert_snapshot!(shown(&loaded));
}

#[test]
fn a_component_keeps_its_folder() {
    let loaded = component(COMPONENT);
    assert_eq!(loaded.catalogue.components.folder("probe"), Some("components/drivers/probe"));
}
