//! External sources are what their digests say, wherever they come from, and nothing of a hostile one gets out of
//! its place.

#[path = "../../image/tests/archives/mod.rs"]
mod archives;
#[path = "sources/bench.rs"]
mod bench;
#[path = "sources/server.rs"]
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use archives::hostile::{gzip, hostile, tar, xz};
use bench::{Bench, run, source};
use server::{Server, reply};
use tarsia_build::sources::{Drift, Ready};
use tarsia_image::content::Data;
use tarsia_image::tree::Kind;
use tarsia_manifest::{LockFile, LockedSource, Source};
use tarsia_model::{Diagnostic, Sha256};

fn code(problem: &Diagnostic) -> &str {
    problem.code.as_str()
}

/// Everything below a folder: its kind, and of files the content.
fn listing(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in at.read_dir().expect("a folder") {
            let path = entry.expect("an entry").path();
            let data = path.symlink_metadata().expect("metadata");
            let mut what = format!("{:o} ", data.permissions().mode()).into_bytes();
            if data.is_dir() {
                open.push(path.clone());
            } else if data.is_file() {
                what.extend(std::fs::read(&path).expect("a file"));
            }
            found.insert(path.display().to_string(), what);
        }
    }
    found
}

/// Every hostile archive, from its address to where it would be unpacked.
#[test]
fn hostile_archives_write_nothing() {
    let bench = Bench::new();
    bench.file("target/canary", b"untouched");
    let before = listing(&bench.at("target"));
    for (what, bytes, _) in hostile() {
        let address = bench.file("served/archive", &bytes);
        let text = format!("{{ archive: \"{address}\", sha256: {} }}", Sha256::of(&bytes));
        // The limits of the table are smaller than those in use.
        if ["too many", "too large"].contains(&what) {
            continue;
        }
        let source = source(&text);
        let locked = bench.lock(&source).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        let to = bench.at("target/unpacked");
        let refused = bench.folder(&source, &locked, &to).expect_err(what);
        assert_eq!(code(&refused), "E0804", "{what}: {}", refused.message);
        assert_eq!(listing(&bench.at("target")), before, "{what}");
        // In a system's root, absolute links stay inside.
        if !["link to the root", "absolute link"].contains(&what) {
            let refused = bench.tree(&source, &locked).expect_err(what);
            assert_eq!(code(&refused), "E0804", "{what}: {}", refused.message);
        }
    }
}

#[test]
fn archives_as_trees_and_folders() {
    let bench = Bench::new();
    let large: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let mut script = archives::Fields::new("top/run", b'0').size(3);
    script.mode = b"0004755\0".to_vec();
    let bytes = xz(&tar()
        .folder("top/")
        .file("top/large", &large)
        .raw(&script, b"#!\n")
        .hard_link("top/other", "top/run")
        .symlink("top/d/link", "../run")
        .end());
    let address = bench.file("served/a.tar.xz", &bytes);
    let digest = Sha256::of(&bytes);
    let source = source(&format!("{{ archive: \"{address}\", sha256: {digest}, strip: 1 }}"));
    let locked = bench.lock(&source).expect("locked");
    assert_eq!((locked.sha256.value, locked.size.value), (digest, bytes.len() as u64));
    // From here on, the store has it.
    std::fs::remove_file(bench.at("served/a.tar.xz")).expect("a file");
    assert!(!bench.fetch(&source, &locked).expect("in the store"));

    let tree = bench.tree(&source, &locked).expect("a tree");
    let file = |path: &str| &tree.inode(tree.find(path.as_bytes()).expect(path)).kind;
    let Kind::File(data) = file("large") else { panic!("a file") };
    assert_eq!(
        (data.digest(), data.bytes().expect("read")),
        (Data::of(large.clone()).digest(), large.clone())
    );
    let mut piece = [0; 8];
    data.read_at(8, &mut piece).expect("inside");
    assert_eq!(piece, large[8..16]);
    assert!(data.read_at(399_999, &mut piece).is_err(), "beyond the end");
    assert_eq!(tree.find(b"run"), tree.find(b"other"));
    assert_eq!(tree.inode(tree.find(b"run").expect("run")).meta.mode, 0o4755);

    let to = bench.at("out/unpacked");
    bench.folder(&source, &locked, &to).expect("unpacked");
    assert_eq!(std::fs::read(to.join("large")).expect("a file"), large);
    assert_eq!(std::fs::read(to.join("d/link")).expect("a link"), b"#!\n");
    let mode = to.join("run").metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o7777, 0o755, "no set-user-ID bit");
    let again = bench.folder(&source, &locked, &to).expect_err("it is there");
    assert_eq!(code(&again), "E0802");
    let names: Vec<_> = bench.at("out").read_dir().expect("a folder").collect();
    assert_eq!(names.len(), 1, "nothing is left over");

    // Damage in the store is noticed, and mended by fetching again.
    for shard in bench.at("cache/blobs").read_dir().expect("blobs") {
        for blob in shard.expect("a shard").path().read_dir().expect("a shard") {
            let path = blob.expect("a blob").path();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))
                .expect("a mode");
            let mut bytes = std::fs::read(&path).expect("a blob");
            bytes[0] ^= 1;
            std::fs::write(path, bytes).expect("a blob");
        }
    }
    let damaged = bench.tree(&source, &locked).expect_err("damaged");
    assert_eq!(code(&damaged), "E0802", "{}", damaged.message);
    bench.file("served/a.tar.xz", &bytes);
    assert!(bench.fetch(&source, &locked).expect("fetched again"));
    bench.tree(&source, &locked).expect("whole again");
}

#[test]
fn files_from_servers() {
    let bench = Bench::new();
    if bench.surroundings.find("curl").is_none() {
        eprintln!("skipped: curl is not installed");
        return;
    }
    let body = gzip(&tar().file("a", b"1").end());
    let digest = Sha256::of(&body);
    let secret = bench.file("secret", b"of this machine");
    let served = body.clone();
    let server = Server::new(move |path, stream| match path {
        "/good" => reply(stream, "200 OK", "", &served),
        "/moved" => reply(stream, "302 Found", "Location: /good\r\n", b""),
        "/file" => reply(stream, "302 Found", &format!("Location: {secret}\r\n"), b""),
        "/other" => reply(stream, "200 OK", "", b"something else"),
        "/circle" => reply(stream, "302 Found", "Location: /circle\r\n", b""),
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[0; 1 << 16]).is_ok() {}
        }
        "/cut" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\nabc");
        }
        _ => reply(stream, "404 Not Found", "", b""),
    });
    let source_at =
        |path: &str| source(&format!("{{ archive: \"{}\", sha256: {digest} }}", server.at(path)));
    for path in ["/moved", "/good"] {
        let locked = bench.lock(&source_at(path)).expect(path);
        assert_eq!(locked.size.value, body.len() as u64);
    }
    assert_eq!(server.asked(), 2, "one with its redirection; the other is in the store");
    let fresh = Bench::new();
    for (path, expected, says) in [
        ("/other", "E0803", "digest"),
        ("/file", "E0802", "curl says"),
        ("/circle", "E0802", "redirects"),
        ("/none", "E0802", "404"),
        ("/cut", "E0802", "curl says"),
    ] {
        let refused = fresh.lock(&source_at(path)).expect_err(path);
        assert_eq!(code(&refused), expected, "{path}: {}", refused.message);
        assert!(refused.message.contains(says), "{path}: {}", refused.message);
    }
    // What is locked says how large it is: more is not even read.
    let mut locked = bench.lock(&source_at("/good")).expect("locked");
    let endless = source_at("/endless");
    locked.origin.address.clone_from(&endless.archive);
    let refused = fresh.fetch(&endless, &locked).expect_err("endless");
    assert!(refused.message.contains("larger than"), "{}", refused.message);
    let left: Vec<_> = fresh.at("cache/fetching").read_dir().expect("a folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

/// A new repository with a commit; gives the commit.
fn repository(folder: &Path, prepare: impl FnOnce(&Path)) -> String {
    std::fs::create_dir_all(folder).expect("a folder");
    run("git", &["init", "--quiet", "."], folder);
    prepare(folder);
    commit(folder)
}

fn commit(folder: &Path) -> String {
    run("git", &["add", "--all"], folder);
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.org"];
    run("git", &[&who[..], &["commit", "--quiet", "--message", "x"]].concat(), folder);
    run("git", &["rev-parse", "HEAD"], folder)
}

#[test]
fn commits_of_repositories() {
    let bench = Bench::new();
    if bench.surroundings.find("git").is_none() {
        eprintln!("skipped: git is not installed");
        return;
    }
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("a file");
    let first = repository(&bench.at("repo"), |at| {
        std::fs::create_dir(at.join("d")).expect("a folder");
        write(&at.join("d/run"), "#!/bin/sh\n");
        std::fs::set_permissions(at.join("d/run"), std::fs::Permissions::from_mode(0o755))
            .expect("a mode");
        write(&at.join("a.txt"), "$Id$\n");
        // Would change contents and names if anybody listened to it.
        write(
            &at.join(".gitattributes"),
            "* text eol=crlf ident export-subst\nsecret export-ignore\n",
        );
        write(&at.join("secret"), "kept");
        std::os::unix::fs::symlink("d/run", at.join("link")).expect("a link");
    });
    write(&bench.at("repo/a.txt"), "later");
    let second = commit(&bench.at("repo"));
    let address = format!("file://{}", bench.at("repo").display());
    let at = |revision: &str| source(&format!("{{ git: \"{address}\", revision: {revision} }}"));
    let one = at(&first);
    let locked = bench.lock(&one).expect("locked");
    let tree = bench.tree(&one, &locked).expect("a tree");
    let text = |path: &str| match &tree.inode(tree.find(path.as_bytes()).expect(path)).kind {
        Kind::File(data) => String::from_utf8(data.bytes().expect("memory")).expect("UTF-8"),
        other => panic!("{other:?}"),
    };
    assert_eq!((text("a.txt").as_str(), text("secret").as_str()), ("$Id$\n", "kept"));
    assert_eq!(tree.inode(tree.find(b"d/run").expect("run")).meta.mode, 0o755);
    assert!(tree.find(b".git").is_none());
    assert_ne!(bench.lock(&at(&second)).expect("locked").sha256, locked.sha256);

    // The same commit from another copy is the same bytes: they do not depend on how it was packed.
    run("git", &["clone", "--quiet", "--bare", "repo", "copy"], bench.folder.path());
    run("git", &["gc", "--quiet"], &bench.at("copy"));
    let address = format!("file://{}", bench.at("copy").display());
    let copy = source(&format!("{{ git: \"{address}\", revision: {first} }}"));
    let fresh = Bench::new();
    assert_eq!(fresh.lock(&copy).expect("locked").blake3, locked.blake3);

    let missing = bench.lock(&at(&"1".repeat(40))).expect_err("no such commit");
    assert_eq!(code(&missing), "E0802", "{}", missing.message);
    write(&bench.at("repo/.gitmodules"), "[submodule \"s\"]\n\tpath = s\n\turl = ../copy\n");
    let link = format!("160000,{first},s");
    run("git", &["update-index", "--add", "--cacheinfo", &link], &bench.at("repo"));
    run("git", &["add", ".gitmodules"], &bench.at("repo"));
    let who =
        ["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "--quiet", "-m", "x"];
    run("git", &who, &bench.at("repo"));
    let third = run("git", &["rev-parse", "HEAD"], &bench.at("repo"));
    let submodule = bench.lock(&at(&third)).expect_err("a submodule");
    assert!(submodule.message.contains("submodule `s`"), "{}", submodule.message);
}

/// Nothing that a repository or the user has set up is run.
#[test]
fn hooks_and_filters_of_git_do_not_run() {
    let bench = Bench::new();
    if bench.surroundings.find("git").is_none() {
        return;
    }
    let marker = bench.at("ran");
    let touch = format!("touch {}", marker.display());
    let revision = repository(&bench.at("repo"), |at| {
        std::fs::write(at.join("a"), "x").expect("a file");
        std::fs::write(at.join(".gitattributes"), "* filter=evil\n").expect("a file");
    });
    for hook in ["post-checkout", "post-merge", "reference-transaction", "pre-receive", "update"] {
        let path = bench.at("repo/.git/hooks").join(hook);
        std::fs::write(&path, format!("#!/bin/sh\n{touch}\n")).expect("a file");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    run("git", &["config", "filter.evil.smudge", &touch], &bench.at("repo"));
    let text =
        format!("{{ git: \"file://{}\", revision: {revision} }}", bench.at("repo").display());
    let source = source(&text);
    let locked = bench.lock(&source).expect("locked");
    bench.folder(&source, &locked, &bench.at("unpacked")).expect("unpacked");
    assert!(!marker.exists());
}

#[test]
fn files_and_folders_beside_the_manifest() {
    let bench = Bench::new();
    bench.file("component/files/b", b"two");
    bench.file("component/files/a/x", b"one");
    bench.file("component/blob", b"blob");
    let at =
        |path: &str, digest: &str| source(&format!("{{ prebuilt: {path}, sha256: {digest} }}"));
    let blob = at("blob", &Sha256::of(b"blob").to_string());
    let locked = bench.lock(&blob).expect("locked");
    assert!(bench.tree(&blob, &locked).expect("a tree").find(b"blob").is_some());
    bench.folder(&blob, &locked, &bench.at("out")).expect("a folder");
    assert_eq!(std::fs::read(bench.at("out/blob")).expect("a file"), b"blob");

    // A digest nobody knows yet is told by the refusal.
    let refused = bench.lock(&at("files", &"0".repeat(64))).expect_err("another digest");
    assert_eq!(code(&refused), "E0803");
    let digest = refused.message.split([' ', ',']).find(|word| word.len() == 64).expect("a digest");
    let files = at("files", digest);
    let folder = bench.lock(&files).expect("locked");
    let tree = bench.tree(&files, &folder).expect("a tree");
    assert!(tree.find(b"a/x").is_some() && tree.find(b"b").is_some());

    // It is looked at each time, even while the store has what it was.
    bench.fetch(&blob, &locked).expect("the same");
    bench.file("component/blob", b"blub");
    assert_eq!(code(&bench.fetch(&blob, &locked).expect_err("changed")), "E0803");
    bench.file("outside", b"x");
    std::os::unix::fs::symlink("../outside", bench.at("component/link")).expect("a link");
    let outside = bench.lock(&at("link", &Sha256::of(b"x").to_string())).expect_err("outside");
    assert_eq!(code(&outside), "E0802");
}

/// What stays unpacked from build to build is what was unpacked, or unpacked anew.
#[test]
fn unpacked_folders_are_what_they_were() {
    let bench = Bench::new();
    let bytes =
        tar().folder("d/").file("d/one", b"one").file("two", b"two").symlink("link", "d/one").end();
    let address = bench.file("served/a.tar", &bytes);
    let source = source(&format!("{{ archive: \"{address}\", sha256: {} }}", Sha256::of(&bytes)));
    let locked = bench.lock(&source).expect("locked");
    let said = Mutex::new(Vec::new());
    let say = |text: &str| said.lock().expect("no panic").push(text.to_owned());
    let told = || std::mem::take(&mut *said.lock().expect("no panic"));
    bench.kept(&source, &locked, |ready, workshop| {
        let folder = || ready.folder(workshop, say).expect("a folder");
        let place = folder().to_owned();
        let good = listing(&place);
        assert_eq!(good.len(), 4, "{good:?}");
        let inode = |path: &str| place.join(path).metadata().expect("a file").ino();
        let first = inode("two");
        assert_eq!(*folder(), *place);
        assert_eq!((inode("two"), told()), (first, Vec::new()), "unpacked once");

        let write =
            |path: &str, text: &str| std::fs::write(place.join(path), text).expect("a file");
        let remove = |path: &str| std::fs::remove_file(place.join(path)).expect("a file");
        let seal = place.with_extension("seal");
        let changes: [(&str, &dyn Fn()); 8] = [
            ("edited, and its time set back", &|| {
                let old = place.join("two").metadata().expect("a file").modified().expect("a time");
                write("two", "own");
                let file = std::fs::File::options().write(true).open(place.join("two"));
                file.and_then(|file| file.set_modified(old)).expect("a time");
            }),
            ("lost", &|| remove("d/one")),
            ("added", &|| write("d/.three", "")),
            ("to be run", &|| {
                let mode = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(place.join("two"), mode).expect("a mode");
            }),
            ("led elsewhere", &|| {
                remove("link");
                std::os::unix::fs::symlink("d/two", place.join("link")).expect("a link");
            }),
            ("no folder", &|| {
                std::fs::remove_dir_all(&place).expect("a folder");
                std::fs::write(&place, "").expect("a file");
            }),
            ("not sealed", &|| std::fs::remove_file(&seal).expect("a seal")),
            ("sealed by half", &|| std::fs::write(&seal, "").expect("a seal")),
        ];
        for (what, change) in changes {
            // A file system's clock ticks a few hundred times in a second.
            std::thread::sleep(Duration::from_millis(20));
            change();
            assert_eq!(*folder(), *place, "{what}");
            assert_eq!(listing(&place), good, "{what}");
            assert_eq!(told(), ["tool.code"], "{what}");
            folder();
            assert_eq!(told(), Vec::<String>::new(), "{what}");
        }
        std::fs::remove_dir_all(&place).expect("a folder");
        assert_eq!((listing(&folder()), told()), (good.clone(), Vec::new()), "nothing was there");

        // Nobody's folder is taken away while it is in use.
        let (one, other) = (folder(), folder());
        remove("two");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| listing(&folder()));
            for user in [one, other] {
                std::thread::sleep(Duration::from_millis(100));
                assert!(!waiting.is_finished() && !place.join("two").exists());
                drop(user);
            }
            assert_eq!(waiting.join().expect("no panic"), good);
        });
    });
}

/// An archive beside the manifest is unpacked when its manifest says which of its files that is, and taken as it
/// is otherwise.
#[test]
fn an_archive_beside_the_manifest() {
    let bench = Bench::new();
    let inner = xz(&tar().file("top/Name", b"1").file("top/name", b"2").end());
    let outer = gzip(&tar().file("inner.tar.xz", &inner).end());
    bench.file("component/outer.tar.gz", &outer);
    bench.file("component/same", &outer);
    let digest = Sha256::of(&outer);
    let at =
        |path: &str, more: &str| source(&format!("{{ prebuilt: {path}, sha256: {digest}{more} }}"));
    let unpacked = at("outer.tar.gz", ", unpack: inner.tar.xz, strip: 1, twins: true");
    let locked = bench.lock(&unpacked).expect("locked");
    bench.folder(&unpacked, &locked, &bench.at("out")).expect("a folder");
    assert_eq!(std::fs::read(bench.at("out/name")).expect("a file"), b"2");
    let tree = bench.tree(&unpacked, &locked).expect("a tree");
    assert!(tree.find(b"Name").is_some() && tree.find(b"outer.tar.gz").is_none());
    let strict = at("outer.tar.gz", ", unpack: inner.tar.xz, strip: 1");
    assert_eq!(code(&bench.tree(&strict, &locked).expect_err("twins")), "E0804");

    // The same bytes are not the same source.
    let sources = [unpacked, strict, at("outer.tar.gz", ""), at("same", "")];
    let identities: BTreeSet<String> = sources
        .iter()
        .map(|source| {
            let (wanted, locked) = (bench.wanted(source), bench.lock(source).expect("locked"));
            Ready { wanted, locked }.identity()
        })
        .collect();
    assert_eq!(identities.len(), sources.len(), "{identities:?}");
}

/// With the system's own apt, keys and archives.
#[test]
fn packages() {
    let bench = Bench::new();
    if bench.surroundings.find("apt-get").is_none() {
        eprintln!("skipped: apt is not installed");
        return;
    }
    let state = Path::new("/var/lib/apt/lists");
    let before = state.symlink_metadata().ok().and_then(|data| data.modified().ok());
    let package = source("{ deb: hello, arch: arm64 }");
    let locked = match bench.lock(&package) {
        Ok(locked) => locked,
        Err(problem) => {
            eprintln!("skipped: no archives of packages here: {}", problem.message);
            return;
        }
    };
    assert_eq!(state.symlink_metadata().ok().and_then(|data| data.modified().ok()), before);
    let origin = &locked.origin;
    let text = format!("{origin:?}");
    assert!(!text.contains("://"), "no mirror: {text}");
    let file = origin.file.as_ref().expect("a file").as_str();
    assert!(file.starts_with("pool/") && file.ends_with("_arm64.deb"), "{file}");
    let tree = bench.tree(&package, &locked).expect("a tree");
    let Kind::File(program) = &tree.inode(tree.find(b"usr/bin/hello").expect("there")).kind else {
        panic!("a file")
    };
    // ELF for AArch64 (e_machine 183).
    assert_eq!(program.bytes().expect("read")[18], 183);

    // Another machine fetches it without having looked anything up.
    let fresh = Bench::new();
    assert!(fresh.fetch(&package, &locked).expect("fetched"));
    assert_eq!(fresh.tree(&package, &locked).expect("a tree"), tree);
    let mut gone = locked.clone();
    gone.origin.file = Some(tarsia_model::Spanned::new(
        "pool/main/h/hello/hello_0.deb".parse().expect("a path"),
        origin.span,
    ));
    let refused = Bench::new().fetch(&package, &gone).expect_err("no such file");
    assert_eq!(code(&refused), "E0802");
    assert!(
        !refused.message.contains("://") && !refused.message.contains(".org"),
        "{}",
        refused.message
    );
    let unknown =
        bench.lock(&source("{ deb: no-such-package-at-all, arch: all }")).expect_err("unknown");
    assert!(unknown.message.contains("no package `no-such-package-at-all`"), "{}", unknown.message);
    // The empty package of the newest headers leads to theirs, whose name has a number that changes.
    let meta = source("{ deb: \"linux-headers-{arch}\", arch: arm64, follow: true }");
    if let Ok(locked) = bench.lock(&meta) {
        let [named, meant] = [&locked.origin.followed, &locked.origin.package]
            .map(|name| name.as_ref().expect("a name").as_str());
        assert_eq!(named, "linux-headers-arm64");
        assert!(meant.starts_with("linux-headers-") && meant.ends_with("-arm64"), "{meant}");
        assert!(meant.len() > named.len() && locked.size.value > 100_000, "{meant}");
        let unfollowed = source("{ deb: \"linux-headers-{arch}\", arch: arm64 }");
        let drift = |source: &Source, locked: &LockedSource| {
            let file = LockFile::new("p".parse().expect("a name"), vec![locked.clone()]);
            Drift::of(&[bench.wanted(source)], Some(&file)).lines()
        };
        assert_eq!(drift(&meta, &locked), Vec::<String>::new());
        let changed = drift(&unfollowed, &locked);
        let expected = "~ tool.code: package linux-headers-arm64 for arm64, locked as package ";
        assert!(changed[0].starts_with(expected), "{changed:?}");
    } else {
        eprintln!("skipped: no package linux-headers-arm64 here");
    }
    let several = bench.lock(&source("{ deb: bash, arch: arm64, follow: true }"));
    let several = several.expect_err("bash depends on several");
    assert!(several.message.contains("does not depend on one package"), "{}", several.message);
    let boardless = bench.lock(&source("{ deb: hello }")).expect_err("no architecture");
    assert!(boardless.message.contains("armv7m"), "{}", boardless.message);
}

/// Linux's sources, an archive in a package, as `dpkg-deb` and `tar` unpack them. They are 1.3 GB, so that
/// `TARSIA_CASES` has to ask for it.
#[test]
fn sources_of_linux() {
    #[expect(clippy::disallowed_methods, reason = "the switch of a test")]
    let asked = std::env::var_os("TARSIA_CASES").is_some();
    let bench = Bench::new();
    let there = ["apt-get", "dpkg-deb", "tar", "diff"]
        .iter()
        .all(|program| bench.surroundings.find(program).is_some());
    if !asked || !there {
        eprintln!("skipped: unpacking Linux's sources needs TARSIA_CASES, dpkg-deb, tar and diff");
        return;
    }
    let text = |more: &str| {
        let inner = "usr/src/linux-source-6.1.tar.xz";
        source(&format!("{{ deb: linux-source-6.1, arch: all, unpack: {inner}, strip: 1{more} }}"))
    };
    let linux = text(", twins: true");
    let locked = match bench.lock(&linux) {
        Ok(locked) => locked,
        Err(problem) => {
            eprintln!("skipped: {}", problem.message);
            return;
        }
    };
    let (ours, theirs) = (bench.at("ours"), bench.at("theirs"));
    bench.folder(&linux, &locked, &ours).expect("unpacked");
    let tree = bench.tree(&linux, &locked).expect("a tree");
    let count = tree.walk().len();
    let refused = bench.folder(&text(""), &locked, &bench.at("strict")).expect_err("twins");
    assert!(refused.hints.iter().any(|hint| hint.contains("twins: true")), "{refused:?}");

    std::fs::create_dir(&theirs).expect("a folder");
    let deb = bench.at("linux.deb");
    tarsia_build::sources::bytes(&bench.store, &bench.wanted(&linux), &locked, &deb)
        .expect("a file");
    let script = "dpkg-deb --fsys-tarfile linux.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz \
        | tar -xJ --strip-components=1 -C theirs";
    run("sh", &["-c", script], bench.folder.path());
    assert_eq!(run("diff", &["-r", "--no-dereference", "ours", "theirs"], bench.folder.path()), "");
    let names = |folder: &Path| run("sh", &["-c", "find . | wc -l"], folder);
    assert_eq!(names(&ours), names(&theirs));
    assert_eq!(names(&ours), count.to_string());
}
