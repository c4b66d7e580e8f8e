//! Lock files: what is written is read back, and everything else is refused with its place.

use tarsia_manifest::LockFile;
use tarsia_model::{Diagnostic, SourceMap, render};

const LOCK: &str = "\
product: router
sources:
- component: busybox
  source: patches
  kind: prebuilt
  origin:
    path: files/patches
  size: 10240
  sha256: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  blake3: b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
- component: busybox
  source: tool
  kind: archive
  origin:
    address: https://example.org/tool.tar.gz
  size: 7
  sha256: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  blake3: b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
- component: linux
  source: kernel
  kind: deb
  version: 6.1.158-1
  origin:
    origin: Debian
    suite: bookworm
    part: main
    package: linux-source-6.1
    followed: linux-source
    arch: all
    file: pool/main/l/linux/linux-source-6.1_6.1.158-1_all.deb
  size: 138000000
  sha256: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  blake3: b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
- component: linux
  source: patches
  kind: git
  version: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  origin:
    address: https://example.org/patches
  size: 20480
  sha256: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  blake3: b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2
";

fn read(text: &str) -> (SourceMap, Result<LockFile, Vec<Diagnostic>>) {
    let mut sources = SourceMap::default();
    let id = sources.add("products/router.lock", text);
    let lock = LockFile::read(text.as_bytes().to_vec(), id);
    (sources, lock)
}

#[test]
fn written_and_read_again() {
    let lock = read(LOCK).1.expect("sound");
    let text = lock.text();
    assert!(text.starts_with("# Which bytes"), "{text}");
    assert!(text.ends_with(LOCK), "{text}");
    let shuffled =
        LockFile::new(lock.product.value.clone(), lock.sources.iter().rev().cloned().collect());
    assert_eq!(shuffled.text(), text);
    assert_eq!(read(&text).1.expect("sound").text(), text);
    let kernel = lock.find("linux", "kernel").expect("there");
    assert_eq!(kernel.size.value, 138_000_000);
    assert!(lock.find("linux", "tool").is_none());
}

#[test]
fn refused() {
    let mut text = String::new();
    for (what, from, to) in [
        ("nothing", LOCK, ""),
        ("a number as a digest", "blake3: b2", "blake3: xx"),
        ("an unknown key", "  kind: git\n", "  kind: git\n  mirror: x\n"),
        ("an unknown kind", "kind: archive", "kind: zip"),
        (
            "a key of another kind",
            "    path: files/patches",
            "    path: files/patches\n    package: x1",
        ),
        (
            "what a file does not follow",
            "    path: files/patches",
            "    path: files/patches\n    followed: x1",
        ),
        ("a missing key of its kind", "    suite: bookworm\n", ""),
        ("a missing version", "  version: 6.1.158-1\n", ""),
        ("a version of a file", "  kind: archive\n", "  kind: archive\n  version: 1\n"),
        ("a commit that is none", "version: aaaa", "version: zaaa"),
        (
            "out of order",
            "component: linux\n  source: kernel",
            "component: alpha\n  source: kernel",
        ),
        ("twice", "source: tool", "source: patches"),
        ("a file elsewhere", "file: pool", "file: ../pool"),
        ("a size in words", "size: 7", "size: seven"),
        ("a merge conflict", "  size: 7\n", "<<<<<<< HEAD\n  size: 7\n"),
    ] {
        assert!(LOCK.contains(from), "{what}");
        let (sources, lock) = read(&LOCK.replace(from, to));
        let problems = lock.expect_err(what);
        text += &format!("--- {what}\n{}\n", render::all(&problems, &sources, false));
    }
    insta::assert_snapshot!(text);
}
