//! What is planned for a product that runs Linux: options of the kernel, processes, layout and files, from
//! a small catalogue in memory; and what is refused.

mod small;

use std::collections::BTreeMap;

use small::loaded;
use tarsia_manifest::{FeatureValue, Loaded, effective};
use tarsia_model::{Diagnostic, Millis, Name, render};
use tarsia_plan::linux::{self, Linux};
use tarsia_plan::{Inputs, compose};
use tarsia_resolve::{Selection, resolve};

const FILES: &[(&str, &str)] = &[
    (
        "profiles/small.yaml",
        "profile: small\nsummary: S.\nkernel-options: { SECCOMP: y, DEVMEM: n }\n",
    ),
    (
        "products/box.yaml",
        "product: box\nversion: 1.0.0\nprofile: small\nboard: elm\nkernel: linux\nboot: disk\n\
         drivers: [thermal]\nservices: [net, page, probe]\n",
    ),
    (
        "components/boards/elm/component.yaml",
        "component: elm\nlayer: board\narch: [x86-64]\nprovides: [hw.nic]\n\
         kernel-options: [{ set: { PCI: y } }]\n\
         board:\n\
         \x20 arch: x86-64\n\
         \x20 target: x86_64-unknown-linux-gnu\n\
         \x20 chip: E\n\
         \x20 memory: { flash: { base: 0, size: 64MiB }, ram: { base: 0x80000000, size: 64MiB } }\n\
         \x20 linux: { arch: x86, image: bzImage, c-compiler: gcc, console: ttyS0, command-line: [quiet], efi: x64 }\n",
    ),
    (
        "components/kernels/linux/component.yaml",
        "component: linux\nlayer: kernel\nrequires: [runtime]\nsources: { tree: { deb: linux-source, arch: all } }\n\
         kernel-options:\n\
         \x20 - set: { NET: y, NR_CPUS: 2, PANIC_TIMEOUT: -1, OFF: \"-1\", NAME: \"two words\" }\n\
         \x20 - when: { arch: [arm64] }\n\
         \x20   set: { ARM: y }\n\
         kernel: { template: main.rs.j2, linux: { source: tree } }\n",
    ),
    (
        "components/boot/disk/component.yaml",
        "component: disk\nlayer: boot\nprovides: [boot.slots]\nsources: { loader: { deb: loader } }\n\
         features:\n\
         \x20 esp: { type: size, default: 8MiB, summary: S. }\n\
         \x20 slot: { type: size, default: 4MiB, summary: S. }\n\
         \x20 spare: { type: int, default: 20, summary: S. }\n\
         \x20 label: { type: string, default: x, summary: S. }\n\
         layout:\n\
         \x20 root: erofs\n\
         \x20 partitions: [{ role: esp, size: esp }, { role: root-a, size: slot }]\n\
         \x20 headroom: spare\n\
         \x20 loader: { source: loader, program: \"boot{efi}.efi\", stub: \"stub{efi}.efi\" }\n",
    ),
    (
        "components/drivers/nic/component.yaml",
        "component: nic\nlayer: driver\nprovides: [net.interface]\nrequires: [hw.nic]\n\
         kernel-options: [{ set: { NET: y } }]\n",
    ),
    (
        "components/drivers/thermal/component.yaml",
        "component: thermal\nlayer: driver\nprovides: [sensor]\nprocess: { syscalls: [ioctl] }\n",
    ),
    (
        "components/services/net/component.yaml",
        "component: net\nlayer: service\nprovides: [network]\nrequires: [net.interface]\n\
         features: { wait-for: { type: duration, default: 2s, summary: W. } }\n\
         install: [{ file: hosts, to: etc/hosts, template: true }]\n\
         process: { user: 7, rights: [net-admin, net-raw], syscalls: [io, net], folders: [run/net], ready: told, \
         ready-within: 2min, alive-within: 10s, memory: 5000, restarts: 2, back-off: 3s }\n",
    ),
    (
        "components/libraries/web/component.yaml",
        "component: web\nlayer: library\nprovides: [http]\nrequires: [network]\n\
         install: [{ file: bin/tool, to: bin/tool, executable: true }]\n",
    ),
    (
        "components/libraries/start/component.yaml",
        "component: start\nlayer: library\nprovides: [runtime]\nruntime: { entry: \"\" }\n",
    ),
    (
        "components/services/page/component.yaml",
        "component: page\nlayer: service\nrequires: [http]\nprocess: {}\n",
    ),
    (
        "components/services/probe/component.yaml",
        "component: probe\nlayer: service\nrequires: [sensor, network]\n",
    ),
];

fn with<T>(loaded: &Loaded, work: impl FnOnce(&Selection<'_>) -> T) -> T {
    let name = "box".parse().expect("a name");
    let product = effective(&loaded.catalogue, &name).expect("a product");
    match resolve(&loaded.catalogue, product) {
        Ok(selection) => work(&selection),
        Err(problems) => panic!("{}", render::all(&problems, &loaded.sources, false)),
    }
}

fn planned(changed: &[(&str, &str)]) -> Result<Linux, Vec<Diagnostic>> {
    with(&loaded(FILES, changed), linux::plan).map(|linux| linux.expect("its kernel is Linux"))
}

/// A file of the catalogue with one text for another.
fn edit(path: &'static str, old: &str, new: &str) -> (&'static str, String) {
    let (_, text) = FILES.iter().find(|(file, _)| *file == path).expect("in the catalogue");
    assert!(text.contains(old), "{path} has no {old}");
    (path, text.replace(old, new))
}

const BOARD: &str = "components/boards/elm/component.yaml";
const DISK: &str = "components/boot/disk/component.yaml";
const NIC: &str = "components/drivers/nic/component.yaml";
const WEB: &str = "components/libraries/web/component.yaml";
const PRODUCT: &str = "products/box.yaml";

#[test]
fn options_are_gathered_with_everyone_who_asks() {
    let linux = planned(&[]).expect("a plan");
    let lines: Vec<String> = linux
        .options
        .iter()
        .map(|option| {
            let who: Vec<&str> = option.askers.iter().map(|asker| asker.who.as_str()).collect();
            format!("{}={} for {}", option.name, option.value, who.join(", "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "DEVMEM=n for profile `small`",
            "NAME=\"two words\" for component `linux`",
            "NET=y for component `linux`, component `nic`",
            "NR_CPUS=2 for component `linux`",
            "OFF=\"-1\" for component `linux`",
            "PANIC_TIMEOUT=-1 for component `linux`",
            "PCI=y for component `elm`",
            "SECCOMP=y for profile `small`",
        ]
    );
    assert_eq!(linux.command_line, "console=ttyS0 quiet");
}

#[test]
fn modules_are_asked_for_where_their_condition_holds() {
    let nic = edit(
        NIC,
        "kernel-options:",
        "kernel-modules: [nic_core, { module: nic_pci, when: { arch: [x86-64] } }, \
         { module: nic_soc, when: { arch: [arm64] } }]\nkernel-options:",
    );
    let board = edit(BOARD, "kernel-options:", "kernel-modules: [bus]\nkernel-options:");
    let linux = planned(&[(nic.0, &nic.1), (board.0, &board.1)]).expect("a plan");
    assert!(!linux.prebuilt);
    let asked = linux.modules.iter().map(|one| (one.component.as_str(), one.name.as_str()));
    let expected = [("elm", "bus"), ("nic", "nic_core"), ("nic", "nic_pci")];
    assert_eq!(asked.collect::<Vec<_>>(), expected);
}

#[test]
fn the_layout_has_its_features_values() {
    let product =
        edit(PRODUCT, "boot: disk\n", "boot: disk\nfeatures: { disk.slot: 6MiB, disk.spare: 5 }\n");
    let layout = planned(&[(product.0, &product.1)]).expect("a plan").layout;
    let partitions: Vec<(&str, u64)> =
        layout.partitions.iter().map(|one| (one.role.as_str(), one.size.0)).collect();
    assert_eq!(partitions, [("esp", 8 << 20), ("root-a", 6 << 20)]);
    assert_eq!((layout.component.as_str(), layout.headroom), ("disk", 5));
    assert_eq!(layout.loader.expect("one").files, ["bootx64.efi", "stubx64.efi"]);
}

#[test]
fn files_are_installed_in_order_of_place() {
    let files = planned(&[]).expect("a plan").files;
    let rows: Vec<_> = files
        .iter()
        .map(|f| (f.to.as_str(), f.component.as_str(), f.from.as_str(), f.executable))
        .collect();
    assert_eq!(rows, [("bin/tool", "web", "bin/tool", true), ("etc/hosts", "net", "hosts", false)]);
    // A template is told the product and the component's own features.
    assert_eq!(files[0].template, None);
    let values = files[1].template.as_ref().expect("values");
    let wait = FeatureValue::Duration(Millis(2000));
    assert_eq!(values.config, BTreeMap::from([("wait_for".to_owned(), wait)]));
    let product = (values.product.name.as_str(), values.product.version.as_str());
    assert_eq!((product, values.board.name.as_str()), (("box", "1.0.0"), "elm"));
}

/// What is wrong: the code and words of each message, in order.
#[test]
fn what_cannot_be_planned_is_explained() {
    type Case<'a> = (&'a str, &'a [(&'static str, &'a str, &'a str)], &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 8] = [
        (
            "two wishes for one option",
            &[(NIC, "NET: y", "DEVMEM: y")],
            &[("E0423", "profile `small` needs DEVMEM=n, and component `nic` needs DEVMEM=y")],
        ),
        (
            "a board that is no computer",
            &[(
                BOARD,
                "\x20 linux: { arch: x86, image: bzImage, c-compiler: gcc, console: ttyS0, command-line: [quiet], efi: x64 }\n",
                "",
            )],
            &[("E0605", "the board `elm` does not say how it runs Linux")],
        ),
        (
            "no layout",
            &[(PRODUCT, "boot: disk\n", "")],
            &[("E0605", "no component says how its image is laid out")],
        ),
        (
            "a partition whose feature is no size",
            &[(DISK, "{ role: root-a, size: slot }", "{ role: root-a, size: label }")],
            &[(
                "E0207",
                "`disk` has no feature `label` that is a size, for its partition `root-a`",
            )],
        ),
        (
            "headroom that is all of it",
            &[(DISK, "default: 20", "default: 100")],
            &[("E0207", "`disk` has no feature `spare` that is a number below 100")],
        ),
        (
            "headroom by a feature that is text",
            &[(DISK, "headroom: spare", "headroom: label")],
            &[("E0207", "`disk` has no feature `label` that is a number below 100")],
        ),
        (
            "a boot loader where there is no UEFI",
            &[(BOARD, ", efi: x64", "")],
            &[("E0605", "`disk` starts by UEFI, which the board `elm` does not have")],
        ),
        (
            "two files for one place, and more that is wrong",
            &[(WEB, "to: bin/tool", "to: etc/hosts"), (NIC, "NET: y", "PCI: n")],
            &[
                ("E0423", "component `nic` needs PCI=n, and component `elm` needs PCI=y"),
                ("E0207", "`web` and `net` both install `etc/hosts`"),
            ],
        ),
    ];
    for (what, edits, expected) in cases {
        let edits: Vec<_> = edits.iter().map(|(path, old, new)| edit(path, old, new)).collect();
        let edits: Vec<_> = edits.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let problems = planned(&edits).expect_err(what);
        let found: Vec<_> =
            problems.iter().map(|one| (one.code.as_str(), one.message.as_str())).collect();
        assert_eq!(found.len(), expected.len(), "{what}: {found:#?}");
        for ((code, message), (wanted, words)) in found.iter().zip(expected) {
            assert!(code == wanted && message.contains(words), "{what}: {code} {message}");
        }
        assert!(problems.iter().all(|one| one.primary.is_some()), "{what}: no place");
    }
}

#[test]
fn processes_wait_for_what_they_need_and_may_do_what_they_say() {
    let loaded = loaded(FILES, &[]);
    let components = &loaded.catalogue.components;
    let template = "{% for p in processes %}\
         {{ p.name }} {{ p.path }} after {{ p.after }} user {{ p.user }} {{ p.rights }} {{ p.syscalls }} {{ p.folders }} \
         {{ p.memory_kib }} KiB told {{ p.told_within_ms }} alive {{ p.alive_ms }} {{ p.restarts }} {{ p.back_off_ms }}\n\
         {% endfor %}shared after {{ shared.after }} {{ shared.syscalls }}\n\
         {% for m in mounts %}{{ m.source }} {{ m.target }} {{ m.kind }} {{ m.optional }}\n{% endfor %}";
    let folder = |name: &Name| {
        let folder = components.folder(name.as_str()).expect("a folder");
        (name.clone(), folder.trim_start_matches("components/").to_owned())
    };
    let inputs = Inputs {
        device_manifest:
            "[workspace]\n[workspace.package]\nedition = \"2024\"\n[profile.release]\n".to_owned(),
        folders: components.names().map(folder).collect(),
        templates: BTreeMap::from([(
            ("linux".parse().expect("a name"), "main.rs.j2".to_owned()),
            template.to_owned(),
        )]),
    };
    let firmware = with(&loaded, |selection| match compose(selection, &inputs) {
        Ok(firmware) => firmware,
        Err(problems) => panic!("{}", render::all(&problems, &loaded.sources, false)),
    });
    let main = &firmware.generated["products/box/src/main.rs"];
    let lines: Vec<&str> = main.lines().collect();
    // `page` needs `net` through the library between them; `probe` shares one process with its driver.
    assert_eq!(
        lines,
        [
            "net tarsia_net after [] user 7 ['NetAdmin', 'NetRaw'] ['io', 'net'] ['/run/net'] \
             5 KiB told 120000 alive 10000 2 3000",
            "page tarsia_page after ['net'] user 0 [] [] [] 0 KiB told None alive 0 5 1000",
            "shared after ['net'] ['files', 'io', 'ioctl', 'time']",
            "PARTLABEL=esp /efi vfat True",
        ]
    );
}
