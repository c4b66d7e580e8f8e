//! Whole disks: what is in them, what their bytes are for, and that zeros take no room.

mod trees;

use std::io::{Cursor, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use tarsia_image::content::Data;
use tarsia_image::disk::{self, Area, DiskError, Use};
use tarsia_image::fat;
use tarsia_image::gpt::{self, Partition, Table, kind};
use tarsia_image::layout::{Layout, Sector, Wanted, WantedPartition, place};
use tarsia_image::slots;
use tarsia_image::tree::{Kind, Meta, Tree};
use tarsia_image::uuid::Uuid;
use tarsia_model::Blake3;
use trees::{Random, cases, installed};

fn table(layout: &Layout) -> Table {
    let id = |name: &str| Uuid::derived(name, Blake3::of(b"a product"));
    let partitions = layout.partitions.iter().map(|at| Partition {
        kind: kind::LINUX,
        id: id(&at.name),
        name: at.name.clone(),
        first: at.first,
        sectors: at.sectors,
        attributes: 0,
    });
    Table {
        sector: layout.sector,
        sectors: layout.sectors,
        id: id(""),
        partitions: partitions.collect(),
    }
}

fn any(seed: u64) -> (Table, Vec<Option<Data>>) {
    let mut random = Random::new(seed);
    let sector = *random.pick(&[Sector::S512, Sector::S4096]);
    let mut contents = Vec::new();
    let partitions = (0..random.below(5)).map(|number| {
        let size = 4_096 * (1 + random.below(700));
        let alignment = *random.pick(&[4_096, 1 << 16, 1 << 20]);
        let content = match random.below(5) {
            0 => None,
            1 => Some(size),
            2 => Some(0),
            _ => Some(random.below(size + 1)),
        };
        // Runs of zeros of all sizes, at all places.
        let mut bytes = vec![0; content.unwrap_or(0) as usize];
        for _ in 0..random.below(9) {
            let start = random.below(bytes.len() as u64 + 1) as usize;
            let end = (start + random.below(20_000) as usize).min(bytes.len());
            bytes[start..end].fill(random.next() as u8);
        }
        contents.push(content.map(|_| Data::of(bytes)));
        WantedPartition { alignment, ..WantedPartition::new(&format!("p{number}"), size) }
    });
    let wanted = Wanted { sector, size: None, partitions: partitions.collect() };
    (table(&place(&wanted).expect("a layout")), contents)
}

#[test]
fn every_byte_is_where_and_what_it_should_be() {
    for seed in 0..cases(50) {
        let (table, contents) = any(seed);
        let mut out = Cursor::new(Vec::new());
        let areas = disk::write(&table, &contents, &mut out).expect("a disk");
        let bytes = out.into_inner();
        let image = Data::of(bytes.clone());
        assert_eq!(gpt::read(&image).expect("its table"), table);
        assert_eq!(areas, disk::areas(&table, &contents).expect("areas"));
        let gpt::Written { front, back } = gpt::write(&table).expect("a table");
        let mut end = 0;
        for Area { offset, size, of } in &areas {
            assert_eq!(*offset, end);
            assert!(*size > 0);
            end += size;
            let found = &bytes[*offset as usize..end as usize];
            let sector = table.sector.bytes();
            let owner = table.partitions.iter().position(|partition| {
                let first = partition.first * sector;
                (first..first + partition.sectors * sector).contains(offset)
            });
            let said = match of {
                Use::Content(number) | Use::Rest(number) => Some(*number),
                _ => None,
            };
            assert_eq!(said, owner, "{of:?} at {offset}");
            match of {
                Use::ProtectiveMbr | Use::Header | Use::Table => {
                    assert!(found == &front[*offset as usize..end as usize]);
                }
                Use::BackupTable | Use::BackupHeader => {
                    let start = bytes.len() - back.len();
                    assert!(found == &back[*offset as usize - start..end as usize - start]);
                }
                Use::Gap | Use::Rest(_) => assert!(found.iter().all(|byte| *byte == 0)),
                Use::Content(number) => {
                    let content = contents[*number].as_ref().expect("a content");
                    assert!(found == content.bytes().expect("its bytes"));
                    let partition = &table.partitions[*number];
                    assert_eq!(*offset, partition.first * table.sector.bytes());
                    let window = image.window(*offset, *size).expect("inside");
                    assert_eq!(&window, content);
                    let middle = size / 2;
                    let mut half = vec![0; (size - middle) as usize];
                    window.read_at(middle, &mut half).expect("inside");
                    assert!(half == found[middle as usize..]);
                    assert!(window.read_at(middle + 1, &mut half).is_err());
                }
            }
        }
        assert_eq!(end, bytes.len() as u64);
        assert_eq!(end, table.sectors * table.sector.bytes());
        for (offset, size) in [(end, 1), (1, end), (u64::MAX, 2)] {
            assert!(image.window(offset, size).is_err());
        }
    }
}

#[test]
fn zeros_take_no_room() {
    let wanted = |name, size| WantedPartition::new(name, size);
    let partitions = vec![wanted("a", 64 << 20), wanted("b", 192 << 20)];
    let table =
        table(&place(&Wanted { sector: Sector::S512, size: None, partitions }).expect("one"));
    let mut content = vec![0; 64 << 20];
    content[30 << 20] = 1;
    content[(64 << 20) - 1] = 1;
    let mut file = tempfile::tempfile().expect("a file");
    let contents = [Some(Data::of(content)), None];
    disk::write(&table, &contents, &mut file).expect("a disk");
    let stat = file.metadata().expect("metadata");
    assert_eq!(stat.size(), 258 << 20);
    let held = stat.blocks() * 512;
    assert!(held < 200 << 10, "{held} bytes on the disk");
}

#[test]
fn a_boot_partition_is_found_by_others() {
    let mut tree = Tree::new(Meta::root(0o755));
    let entry: slots::Entry = "phone+3.efi".parse().expect("an entry");
    let path = format!("EFI/Linux/{entry}");
    tree.folders_above(path.as_bytes(), &Meta::root(0o755)).expect("folders");
    let kernel = Data::of(*b"a kernel");
    tree.add(path.as_bytes(), Meta::root(0o644), Kind::File(kernel.clone())).expect("a file");
    let mut esp = Vec::new();
    fat::write(&tree, &fat::Options::smallest(1), &mut esp).expect("a FAT");
    let size = esp.len() as u64;
    let boot = WantedPartition { content: Some(size), ..WantedPartition::new("esp", size) };
    let partitions = vec![WantedPartition::new("other", 5 << 20), boot];
    let layout = place(&Wanted { sector: Sector::S512, size: None, partitions }).expect("one");
    let mut table = table(&layout);
    table.partitions[1].kind = kind::ESP;
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    let contents = [None, Some(Data::of(esp))];
    disk::write(&table, &contents, file.as_file_mut()).expect("a disk");

    let image = Data::of(std::fs::read(file.path()).expect("the disk"));
    let found = gpt::read(&image).expect("its table");
    let boot = found.partitions.iter().find(|partition| partition.kind == kind::ESP);
    let boot = boot.expect("a boot partition");
    let (offset, size) = (boot.first * 512, boot.sectors * 512);
    let volume = fat::read(&image.window(offset, size).expect("inside")).expect("a FAT");
    let id = volume.tree.find(path.as_bytes()).expect("the kernel");
    assert_eq!(volume.tree.inode(id).kind, Kind::File(kernel));
    if installed("sgdisk") {
        let output = Command::new("sgdisk").arg("-v").arg(file.path()).output().expect("sgdisk");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("No problems found."), "{text}");
    }
    if installed("mtype") {
        let at = format!("{}@@{offset}", file.path().display());
        let output = Command::new("mtype").args(["-i", &at, &format!("::{path}")]).output();
        assert_eq!(output.expect("mtype").stdout, b"a kernel");
    }
}

#[test]
fn what_cannot_be_written_says_why() {
    let wanted = WantedPartition::new("root", 4_096);
    let partitions = vec![wanted];
    let table =
        table(&place(&Wanted { sector: Sector::S512, size: None, partitions }).expect("one"));
    let error = |contents: &[Option<Data>], before: &[u8]| {
        let mut out = Cursor::new(before.to_vec());
        let error = disk::write(&table, contents, &mut out).expect_err("an error");
        assert_eq!(out.into_inner(), before, "nothing is written before all is checked");
        error.to_string()
    };
    let large = Data::of(vec![1; 5_000]);
    assert_eq!(
        error(&[Some(large)], b""),
        "the content of `root` has 4.8 KiB (5,000), 904 bytes more than the partition of 4.0 KiB (4,096)"
    );
    assert_eq!(error(&[], b""), "0 contents for 1 partitions");
    assert_eq!(error(&[None], b"x"), "the output is not empty: it has 1 bytes");
    let overlapping = Table {
        partitions: [&table.partitions[..], &table.partitions[..]].concat(),
        ..table.clone()
    };
    let mut out = Cursor::new(Vec::new());
    let refused = disk::write(&overlapping, &[None, None], &mut out);
    assert!(matches!(refused, Err(DiskError::Table(_))));
    out.flush().expect("flushed");
}
