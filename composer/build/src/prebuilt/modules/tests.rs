//! Dependencies of modules as tables: who is loaded, in which order, on whose account.

use object::write::Object;
use object::{Architecture, BinaryFormat, Endianness, SectionKind};

use super::*;

/// A module with this text in `.modinfo`, where `;` stands for the zero.
fn module(modinfo: &str) -> Vec<u8> {
    let mut file = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = file.add_section(Vec::new(), b".modinfo".to_vec(), SectionKind::ReadOnlyData);
    file.append_section_data(section, modinfo.replace(';', "\0").as_bytes(), 1);
    file.write().expect("an ELF file")
}

/// A kernel with these modules, each with its `.modinfo`.
fn kernel<'a>(modules: &[(&str, &'a str)]) -> Modules<'a> {
    let path = |name: &str| format!("kernel/drivers/{name}.ko");
    let order: String = modules.iter().map(|(name, _)| path(name) + "\n").collect();
    let texts: BTreeMap<String, &str> =
        modules.iter().map(|(name, text)| (path(name), *text)).collect();
    let builtin = "kernel/lib/crc16.ko\nkernel/drivers/tty/8250-base.ko\n";
    let modinfo = b"crc16.license=GPL\0cbc.alias=crypto-cbc\0";
    Modules::new([&order, builtin], modinfo, move |path| match texts.get(path) {
        Some(&"gone") => Err("no such file".to_owned()),
        Some(&"text") => Ok(b"text".to_vec()),
        text => Ok(module(text.expect("only what is listed is read"))),
    })
}

/// What is asked for, `OWNER:MODULE` each.
fn follow(kernel: &Modules<'_>, asked: &str) -> Result<Followed<String>, ModulesError> {
    let pair = |one: &str| {
        let (owner, name) = one.split_once(':').expect("a pair");
        (name.to_owned(), owner.to_owned())
    };
    kernel.follow(&asked.split(' ').map(pair).collect::<Vec<_>>())
}

#[test]
fn what_is_needed_is_loaded_first_and_belongs_to_who_asked() {
    let kernel = kernel(&[
        ("virtio", "depends="),
        ("virtio_ring", "depends=virtio"),
        ("virtio_pci", "depends=virtio_ring,virtio"),
        ("net-failover", "depends=crc16"),
        ("virtio_net", "depends=virtio_ring,net_failover,virtio"),
        ("ext4", "softdep=pre: crypto-crc32c;depends=crc16"),
        ("crc32c_generic", "alias=crypto-crc32c;depends="),
        ("crc32c-intel", "alias=crypto-crc32c;alias=crc32c;depends="),
        ("wishful", "softdep=pre: nobody crypto-cbc crc16 post: virtio"),
        // The kernel itself answers to that name.
        ("cbc_slow", "alias=crypto-cbc;depends="),
        // B needs A, and A would like B first: that cannot be.
        ("a", "softdep=pre: b;depends="),
        ("b", "depends=c"),
        ("c", "depends=a"),
        ("d", "softdep=post: d pre: d;depends=a"),
        // Both would like to be first.
        ("e", "softdep=pre: f;depends="),
        ("f", "softdep=pre: e;depends="),
    ]);
    let cases = [
        ("net:virtio_net", "virtio net, virtio_ring net, net_failover net, virtio_net net"),
        // Of the first on whose account it comes, unless somebody asks for it by name.
        (
            "board:virtio_pci net:virtio_net",
            "virtio board, virtio_ring board, virtio_pci board, net_failover net, virtio_net net",
        ),
        ("board:virtio_ring own:virtio other:virtio", "virtio own, virtio_ring board"),
        ("x:net-failover", "net_failover x"),
        // In the kernel already, under whatever name.
        ("x:crc16 x:8250_base", ""),
        ("x:ext4", "crc32c_generic x, crc32c_intel x, ext4 x"),
        ("x:wishful", "wishful x, virtio x"),
        ("x:a", "a x, c x, b x"),
        ("x:b y:d", "a x, c x, b x, d y"),
        ("x:e", "f x, e x"),
    ];
    for (asked, expected) in cases {
        let followed = follow(&kernel, asked).unwrap_or_else(|error| panic!("{asked}: {error}"));
        assert_eq!(followed.missing, [], "{asked}");
        let chosen: Vec<String> =
            followed.chosen.iter().map(|one| format!("{} {}", one.name, one.owner)).collect();
        assert_eq!(chosen.join(", "), expected, "{asked}");
        assert!(followed.chosen.iter().all(|one| normal(&one.path).contains(&one.name)));
    }
}

#[test]
fn what_is_not_there_is_named_with_who_asked() {
    let kernel = kernel(&[("virtio", "depends=")]);
    let asked = "net:virtio_nte board:virtio x:virtio_nte x:crypto_cbc";
    let followed = follow(&kernel, asked).expect("sound");
    let missing = |name: &str, owner: &str| Missing { name: name.into(), owner: owner.into() };
    // Nobody asks for a module by another name than its own.
    let expected =
        [missing("virtio_nte", "net"), missing("virtio_nte", "x"), missing("crypto_cbc", "x")];
    assert_eq!(followed.missing, expected);
    assert_eq!(followed.chosen.len(), 1);
}

#[test]
fn modules_that_contradict_each_other_are_refused() {
    let cases = [
        (
            [("a", "depends=b"), ("b", "depends=c"), ("c", "depends=b")],
            "the modules b, c need each other",
        ),
        ([("a", "depends=a"), ("b", ""), ("c", "")], "the modules a need each other"),
        (
            [("a", "depends=b"), ("b", "depends=lost"), ("c", "")],
            "the module `b` needs `lost`, which the kernel does not have",
        ),
        (
            [("a", "depends=b"), ("b", "gone"), ("c", "")],
            "cannot read the module `kernel/drivers/b.ko`: no such file",
        ),
        (
            [("a", "softdep=pre: z"), ("b", ""), ("c", "text")],
            "`kernel/drivers/c.ko` is listed as a module",
        ),
    ];
    for (modules, expected) in cases {
        let error = follow(&kernel(&modules), "x:a").expect_err(expected);
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
