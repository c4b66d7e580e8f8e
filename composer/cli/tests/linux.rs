//! Products that run Linux: the real binary builds their kernels from source, their programs and their
//! images, and they boot in their boards' emulators.

#[path = "firmware/cases.rs"]
mod cases;
#[path = "firmware/console.rs"]
mod console;
#[path = "firmware/documented.rs"]
mod documented;
#[path = "firmware/machine.rs"]
mod machine;
#[path = "firmware/other.rs"]
mod other;
#[path = "firmware/senml.rs"]
mod senml;
#[expect(dead_code, reason = "tests of microcontrollers use the rest")]
#[path = "firmware/workspace.rs"]
mod workspace;

use std::io::{Cursor, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cases::cases;
use console::Console;
use machine::Machine;
use other::{difference, other_workspace};
use serde_json::Value;
use tarsia_image::content::Data;
use tarsia_image::tree::{Kind, Meta};
use tarsia_image::{compression, cpio, ext4, gpt};
use tempfile::TempDir;
use workspace::{Workspace, kept, sources};

/// The copy of the repository that these tests share: a kernel is built once in it.
const SHARED: &str = "linux";

fn json(workspace: &Workspace, product: &str, name: &str) -> Value {
    let text = std::fs::read(workspace.output(product, name)).expect(name);
    serde_json::from_slice(&text).expect("JSON")
}

/// Whether the system's packages have the kernel's source; Debian 12 does.
fn has_source() -> bool {
    has_package("linux-source-6.1")
}

/// Whether the system's packages have this one. Says so when a test has to do without.
#[expect(clippy::print_stderr, reason = "says what is skipped")]
fn has_package(name: &str) -> bool {
    let found = Command::new("apt-cache").args(["show", name]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: no package {name} here");
    }
    found
}

/// Whether Rust's library for 64-bit Arm is installed; making it from source is not tried here.
#[expect(clippy::print_stderr, reason = "says what is skipped")]
fn has_rust_for_arm() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    let sysroot = sysroot.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let library =
        Path::new(&sysroot.unwrap_or_default()).join("lib/rustlib/aarch64-unknown-linux-gnu/lib");
    if !library.is_dir() {
        eprintln!("skipped: Rust's library for aarch64-unknown-linux-gnu is not installed");
    }
    library.is_dir()
}

/// The second build does nothing, and every byte has an owner.
fn accounted(workspace: &Workspace, product: &str) {
    workspace.build(product);
    let again = workspace.build(product);
    assert!(again.stdout.contains("up to date"), "{again}");
    assert!(!again.stderr.contains("Building"), "{again}");
    let image = json(workspace, product, "image.json");
    let files = image["files"].as_array().expect("files");
    let size = |role: &str| -> u64 {
        let files = files.iter().filter(|file| file["role"] == role);
        files.map(|file| file["size"].as_u64().expect("a size")).sum()
    };
    let sizes = json(workspace, product, "size.json");
    let rows = sizes["rows"].as_array().expect("rows");
    let sum: u64 = rows.iter().map(|row| row["flash"].as_u64().expect("bytes")).sum();
    assert_eq!(sum, size("image"), "{sizes}");
    assert_eq!(sizes["flash"]["used"], sum);
}

/// The same, and the manual knows what the keys of its actions are made of; so does it that of all others in the
/// workspace.
fn built(workspace: &Workspace, product: &str) {
    accounted(workspace, product);
    documented::holds(workspace, &["building.md", "linux.md"]);
}

#[test]
fn the_smallest_linux_fits_and_sends_readings() {
    if !has_source() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    built(&workspace, "tiny-linux");
    let used = json(&workspace, "tiny-linux", "size.json")["flash"]["used"].as_u64();
    // The smallest image that Yocto publishes.
    assert!(used.is_some_and(|used| used <= 3_600_000), "{used:?}");
    let mut console = Console::boot(&workspace, "tiny-linux");
    console.until_text("tarsia: tiny-linux 1.0.0 ready");
    let packs = [1, 2].map(|n| console.until(&format!("SenML pack {n}"), senml::pack));
    assert!(packs[0].iter().any(|record| record.unit == "Cel"), "{packs:?}");
}

/// Whether tests are wanted that have one more kernel to build.
fn asks_for_more() -> bool {
    cases(1) > 1
}

/// A folder on another file system, which lists what is in a folder in another order: one in memory, if there is
/// room for a kernel's sources and all that is made of them.
#[expect(clippy::print_stderr, reason = "says what is left out")]
fn in_memory() -> Option<TempDir> {
    const NEEDED: u64 = 8 << 20;
    let number = |text: &str| text.split_whitespace().find_map(|word| word.parse::<u64>().ok());
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().find(|line| line.starts_with("MemAvailable:")).and_then(number);
    let df = Command::new("df").args(["-k", "--output=avail", "/dev/shm"]).output();
    let room = df.ok().and_then(|df| number(&String::from_utf8_lossy(&df.stdout)));
    if memory.min(room).unwrap_or_default() < NEEDED {
        eprintln!("note: not on another file system: no {NEEDED} KiB in /dev/shm");
        return None;
    }
    Some(TempDir::with_prefix_in("tarsia-", "/dev/shm").expect("a folder in memory"))
}

/// Kernel, program and image are the same for another user in another folder, on another file system and under
/// other settings. `TARSIA_CASES` above 1 adds products with one more kernel to build, twice.
#[test]
fn linux_products_have_the_same_bytes_in_other_surroundings() {
    if !has_source() {
        return;
    }
    let (one, memory) = (Workspace::open(SHARED), in_memory());
    let kept = kept().join("second-linux");
    let other = other_workspace(memory.as_ref().map_or(&kept, TempDir::path));
    let mut products = vec!["tiny-linux", "media-hub"];
    if asks_for_more() && has_rust_for_arm() {
        products.push("camera");
    }
    let mut differences = Vec::new();
    for product in products {
        one.build(product);
        other.build(product);
        let made = json(&one, product, "image.json");
        let files = made["files"].as_array().expect("files").iter();
        let files = files.map(|file| file["name"].as_str().expect("a name").to_owned());
        for file in files.chain(["image.json".to_owned()]) {
            let read = |workspace: &Workspace| {
                std::fs::read(workspace.output(product, &file)).expect("an output")
            };
            differences.extend(difference(product, &file, &read(&one), &read(&other)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A port that is free now.
fn port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Asks for a page; as QEMU takes connections before the device listens, until there is an answer.
fn get(port: u16, path: &str) -> String {
    for _ in 0..60 {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            write!(stream, "GET {path} HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        };
        match ask() {
            Ok(text) if !text.is_empty() => return text,
            _ => std::thread::sleep(Duration::from_secs(1)),
        }
    }
    panic!("nobody answers {path}");
}

/// Starts a product that answers over HTTP, and waits until it is ready.
fn serving(workspace: &Workspace, product: &str) -> (Console, u16) {
    let port = port();
    let forward = format!("{port}:80");
    let run = ["run", product, "--forward", &forward, "--timeout", "180"];
    let mut console = Console::of(workspace.tarsia(&run));
    console.until_text(&format!("tarsia: {product} 1.0.0 ready"));
    (console, port)
}

/// What a product says about itself.
fn status(port: u16) -> Value {
    let answer = get(port, "/status.json");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn the_gateway_fits_and_answers_over_http() {
    if !has_source() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    built(&workspace, "gateway");
    serves(&workspace, "gateway");
}

/// Boots a product and asks it over HTTP how it is.
fn serves(workspace: &Workspace, product: &str) -> Console {
    let (console, port) = serving(workspace, product);
    let page = get(port, "/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains(product), "{page}");
    let status = status(port);
    assert_eq!(status["state"]["product"], product, "{status}");
    assert_eq!(status["well"], true, "{status}");
    console
}

#[test]
fn the_media_hub_answers_on_a_prebuilt_kernel_with_few_modules() {
    if !has_package("linux-image-amd64") {
        return;
    }
    let workspace = Workspace::open(SHARED);
    // A kernel that is not built has few of the inputs that the manual lists.
    accounted(&workspace, "media-hub");
    let sizes = json(&workspace, "media-hub", "size.json");
    // Modules belong to who asked for them: those of the bus to the board.
    for (component, least) in [("q35", 150_000), ("virtio-net", 150_000), ("virtio-random", 15_000)]
    {
        let rows = sizes["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["name"] == component).expect(component);
        let [ram, flash] = ["ram", "flash"].map(|key| row[key].as_u64().expect("bytes"));
        assert!(ram > least && ram < 2 * least && flash > least / 10, "{row}");
    }
    let mut console = serves(&workspace, "media-hub");
    assert!(!console.seen.iter().any(|line| line.contains("failed")), "{:?}", console.seen);
    let pack = console.until("a SenML pack", senml::pack);
    assert!(pack.iter().any(|record| record.name.contains("memory")), "{pack:?}");
}

/// A copy whose manifests tests change, one at a time, with the text of a product like `media-hub` of another name;
/// none where there is no prebuilt kernel.
fn changing() -> Option<(Workspace, String, MutexGuard<'static, ()>)> {
    if !has_package("linux-image-amd64") {
        return None;
    }
    static CHANGED: Mutex<()> = Mutex::new(());
    let guard = CHANGED.lock().unwrap_or_else(PoisonError::into_inner);
    let workspace = Workspace::open("prebuilt");
    // One that failed left its changes.
    for (path, bytes) in sources() {
        workspace.write(&path, &String::from_utf8(bytes).expect("sources are text"));
    }
    let hub = workspace.root.join("products/media-hub.yaml");
    let hub = std::fs::read_to_string(hub).expect("a product");
    Some((workspace, hub.replace("product: media-hub", "product: odd-hub"), guard))
}

/// Whatever is wrong with installed files and with partitions is told at once, with its lines, before anything is
/// built; and what is installed is in the image as it stands.
#[test]
fn what_is_installed_and_laid_out_is_looked_at_before_anything_is_built() {
    let Some((workspace, variant, _guard)) = changing() else { return };
    let place = "components/services/network";
    let manifest = format!("{place}/component.yaml");
    let network = std::fs::read_to_string(workspace.root.join(&manifest)).expect("a service");
    let hosts = "  - { file: hosts.j2, to: etc/hosts, template: true }\n";
    let installing = |lines: &str| network.replace(hosts, &format!("{hosts}{lines}"));
    assert_ne!(installing("x"), network);
    let folder = workspace.root.join(place);
    let outside = tempfile::NamedTempFile::new().expect("a file");
    let link = |target: &Path, name: &str| {
        workspace::remove(&folder.join(name));
        std::os::unix::fs::symlink(target, folder.join(name)).expect("a link");
    };
    link(outside.path(), "secret");
    let lines = "  - { file: secret, to: etc/secret }\n  - { file: lost, to: etc/lost }\n\
                 \x20 - { file: hosts.j2, to: etc/passwd }\n  - { file: hosts.j2, to: etc/hosts/deep }\n";
    workspace.write(&manifest, &installing(lines));
    let disk = variant.replace("boot: initramfs", "boot: uefi-ab");
    let sizes = "features:\n  uefi-ab.slot: 400MiB\n  uefi-ab.hashes: 3MiB\n";
    let large = disk.replace("features:\n", sizes);
    assert_ne!(large, disk);
    workspace.write("products/odd-hub.yaml", &large);
    let run = workspace.run(&["build", "odd-hub"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(!run.stderr.contains("Building"), "{run}");
    let start = run.stderr.find("error[").expect("an error");
    insta::assert_snapshot!("installed_and_laid_out", &run.stderr[start..]);

    workspace::remove(&folder.join("secret"));
    workspace.write(&format!("{place}/files/.profile"), "umask 077\n");
    workspace.write(&format!("{place}/files/target/portal"), "portal\n");
    std::fs::create_dir_all(folder.join("files/empty")).expect("a folder");
    link(Path::new("../.profile"), "files/target/profile");
    workspace.write(&manifest, &installing("  - { file: files, to: root/home }\n"));
    workspace.write("products/odd-hub.yaml", &variant);
    workspace.build("odd-hub");
    workspace.write(&manifest, &network);
    let packed = std::fs::read(workspace.output("odd-hub", "initramfs")).expect("an initramfs");
    let mut bytes = Vec::new();
    let mut reader = compression::reader(packed.as_slice()).expect("packed");
    reader.read_to_end(&mut bytes).expect("unpacked");
    let tree = cpio::read(&Data::of(bytes)).expect("newc");
    let found = |path: &str| tree.find(path.as_bytes()).map(|id| tree.inode(id).kind.clone());
    for (path, text) in [(".profile", "umask 077\n"), ("target/portal", "portal\n")] {
        let Some(Kind::File(data)) = found(&format!("root/home/{path}")) else {
            panic!("{path} is missing")
        };
        assert_eq!(data.bytes().expect("readable"), text.as_bytes());
    }
    assert!(matches!(found("root/home/empty"), Some(Kind::Folder(inside)) if inside.is_empty()));
    assert_eq!(found("root/home/target/profile"), Some(Kind::Symlink(b"../.profile".to_vec())));
}

/// What a prebuilt kernel does not have is said before anything is written, with who asked for it.
#[test]
fn a_prebuilt_kernel_is_held_against_what_components_ask_for() {
    let Some((workspace, variant, _guard)) = changing() else { return };
    workspace.write("products/odd-hub.yaml", &variant.replace("boot: initramfs", "boot: uefi-ab"));
    let run = workspace.run(&["build", "odd-hub"]);
    assert_eq!(run.code, Some(1), "{run}");
    // What stands before it is about fetching and compiling.
    let start = run.stderr.find("error[").expect("an error");
    insta::assert_snapshot!("prebuilt_options", &run.stderr[start..]);

    let manifest = "components/drivers/virtio-net/component.yaml";
    let driver = std::fs::read_to_string(workspace.root.join(manifest)).expect("a driver");
    workspace.write("products/odd-hub.yaml", &variant);
    workspace.write(manifest, &driver.replace("[virtio_net]", "[virtio_nte]"));
    let run = workspace.run(&["build", "odd-hub"]);
    workspace.write(manifest, &driver);
    assert_eq!(run.code, Some(1), "{run}");
    assert!(run.stderr.contains("error[E0613]: cannot use the prebuilt kernel"), "{run}");
    assert!(run.stderr.contains("did you mean `virtio_net`"), "{run}");
    assert!(!workspace.output("odd-hub", "kernel").exists());
}

#[test]
fn a_process_that_is_killed_or_falls_silent_comes_back_while_the_rest_runs() {
    if !has_source() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    for (fault, why) in [("kill", "was killed by signal 9"), ("stop", "is silent for")] {
        let product = format!("gateway-{fault}");
        let text = format!(
            "product: {product}\nversion: 1.0.0\nextends: gateway\nservices: [process-fault-injector]\n\
             features:\n  process-fault-injector.target: network\n  process-fault-injector.fault: {fault}\n  \
             process-fault-injector.after: 2s\n"
        );
        workspace.write(&format!("products/{product}.yaml"), &text);
        workspace.build(&product);
        let (mut console, port) = serving(&workspace, &product);
        console.until("the end of the network's process", |line| {
            (line.contains("init: network ") && line.contains(why)).then_some(())
        });
        console.until_text("init: network started again (restart 1)");
        console.until_text("init: network ready");
        let status = status(port);
        let processes = status["state"]["processes"].as_array().expect("processes");
        let restarts = |name: &str| {
            let process = processes.iter().find(|process| process["name"] == name);
            process.unwrap_or_else(|| panic!("{name}: {status}"))["restarts"].clone()
        };
        assert_eq!(
            (restarts("network"), restarts("status-page")),
            (1.into(), 0.into()),
            "{status}"
        );
    }
}

/// The disk is for every board with UEFI.
#[test]
fn the_cameras_disk_starts_on_a_pc() {
    if !asks_for_more() {
        eprintln!("skipped: a kernel for one more board, without TARSIA_CASES=2");
        return;
    }
    if !has_source() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    let text = "product: camera-pc\nversion: 1.0.0\nextends: camera\nboard: q35\n";
    workspace.write("products/camera-pc.yaml", text);
    accounted(&workspace, "camera-pc");
    let mut console = Console::of(workspace.tarsia(&["run", "camera-pc", "--timeout", "300"]));
    console.until_text("tarsia: camera-pc 1.0.0 ready");
    console.until_text("is good");
}

#[test]
fn what_extends_the_camera_starts() {
    if !has_source() || !has_rust_for_arm() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    for product in ["printer", "speaker"] {
        built(&workspace, product);
        // Which of a source's files are used decides as much as the source does.
        let key = workspace.root.join("out/.device/history").join(product).join("image");
        let key = std::fs::read_to_string(key).expect("a history");
        for what in [
            "program: usr/lib/systemd/boot/efi/systemd-boot",
            "stub: usr/lib/systemd/boot/efi/linux",
        ] {
            assert!(key.contains(&format!("source loader {what}")), "{key}");
        }
        let mut console = Console::of(workspace.tarsia(&["run", product, "--timeout", "300"]));
        console.until_text(&format!("tarsia: {product} 1.0.0 ready"));
    }
}

/// The file system of a partition with one file more, as a product would have written it.
fn filled(partition: &[u8], file: &[u8]) -> Vec<u8> {
    let mut image = ext4::read(&Data::of(partition)).expect("an ext4");
    image.tree.add(b"kept", Meta::root(0o644), Kind::File(Data::of(file))).expect("new");
    let mut bytes = Cursor::new(Vec::new());
    ext4::write(&image.tree, &image.options, &mut bytes).expect("it fits");
    bytes.into_inner()
}

/// How often a file system of the ext family was mounted since it was made or checked (`s_mnt_count`; Linux,
/// Documentation/filesystems/ext4/super.rst).
fn mounts(partition: &[u8]) -> u16 {
    let at = 1024 + 0x34;
    u16::from_le_bytes([partition[at], partition[at + 1]])
}

/// `e2fsck` replays the journal of a machine that was switched off, and then finds nothing.
#[expect(clippy::print_stderr, reason = "says what is skipped")]
fn consistent(partition: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), partition).expect("written");
    let check =
        |how: &str| Command::new("/usr/sbin/e2fsck").args([how, "-f"]).arg(file.path()).output();
    match check("-p") {
        Ok(replayed) => {
            assert!(replayed.status.code().is_some_and(|code| code < 2), "{replayed:?}");
            let second = check("-n").expect("e2fsck");
            assert!(second.status.success(), "{second:?}");
        }
        Err(_) => eprintln!("skipped: no e2fsck here"),
    }
}

/// A camera that switches by itself, in one machine: each slot starts, is marked as good, and starts the other.
fn goes_to_its_other_slot_and_back(workspace: &Workspace) {
    let text = "product: camera-drill\nversion: 1.0.0\nextends: camera\nfeatures:\n  update-agent.drill: 1s\n";
    workspace.write("products/camera-drill.yaml", text);
    workspace.build("camera-drill");
    let disk = std::fs::read(workspace.output("camera-drill", "disk.img")).expect("a disk");
    let machine = Machine::arm64(&disk);
    let mut console = machine.boot();
    for (slot, other) in [("a", "b"), ("b", "a")] {
        console.until_text(&format!("camera-drill-{slot} is good"));
        console.until_text(&format!("camera-drill-{other} runs from the next start, on trial"));
        console.until_text("init: reboot");
    }
    console.until_text("camera-drill-a is good");
    drop(console);
    let entries = machine.boot_entries();
    assert!(entries.contains(&"camera-drill-b+3-0.efi".to_owned()), "{entries:?}");
}

#[test]
fn the_camera_starts_verified_and_falls_back_to_its_other_slot() {
    if !has_source() || !has_rust_for_arm() {
        return;
    }
    let workspace = Workspace::open(SHARED);
    built(&workspace, "camera");
    let image = workspace.output("camera", "disk.img");
    let bytes = std::fs::read(&image).expect("a disk");
    let table = gpt::read(&Data::of(bytes.clone())).expect("a partition table");
    let names: Vec<&str> = table.partitions.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["esp", "root-a", "verity-a", "root-b", "verity-b", "data"]);

    // As built, the first slot starts, says so, and is marked as good.
    let machine = Machine::arm64(&bytes);
    let mut console = machine.boot();
    console.until_text("tarsia: camera 1.0.0 ready");
    console.until_text("camera-a is good");
    drop(console);
    let entries = machine.boot_entries();
    assert_eq!(entries, ["camera-a+3-0.efi", "camera-b+3.efi"]);

    goes_to_its_other_slot_and_back(&workspace);

    // One flipped byte in the root of the first slot: the second starts, and what the product wrote is there.
    let root = &table.partitions[1];
    let start = root.first * table.sector.bytes();
    let mut changed = bytes;
    let end = start + root.sectors * table.sector.bytes();
    // The program lies in the last blocks that are not zero.
    let at = (start..end).rev().find(|at| changed[*at as usize] != 0).expect("content") - 4_096;
    changed[at as usize] ^= 1;
    let data = table.partitions.last().expect("data");
    let space =
        data.first * table.sector.bytes()..(data.first + data.sectors) * table.sector.bytes();
    let space = space.start as usize..space.end as usize;
    let kept = b"kept over a fall back\n";
    let with_file = filled(&changed[space.clone()], kept);
    changed[space.clone()].copy_from_slice(&with_file);
    let machine = Machine::arm64(&changed);
    let mut console = machine.boot();
    let line = console.until("a slot that starts", |line| {
        line.contains("tarsia: camera 1.0.0 ready").then(|| line.to_owned())
    });
    drop(console);
    let entries = machine.boot_entries();
    assert!(entries.iter().any(|name| name.starts_with("camera-a+0")), "{line}: {entries:?}");
    let after = machine.disk()[space].to_vec();
    assert!(mounts(&after) > 0, "the partition was mounted");
    let found = after.windows(kept.len()).any(|bytes| bytes == kept);
    assert!(found, "the file is gone");
    consistent(&after);
}
