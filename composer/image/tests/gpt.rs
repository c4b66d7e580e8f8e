//! Partition tables: against `sgdisk` and `sfdisk` both ways, and that no changed byte is taken for a table.

mod trees;

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Output};

use tarsia_image::content::Data;
use tarsia_image::gpt::{GROW, GptError, Partition, READ_ONLY, Table, kind, read, write};
use tarsia_image::layout::Sector;
use tarsia_image::uuid::Uuid;
use tarsia_model::Blake3;
use trees::{Random, cases, installed};

/// A disk with nothing but its table.
fn image(table: &Table) -> Vec<u8> {
    let written = write(table).expect("a table");
    let mut image = vec![0; (table.sectors * table.sector.bytes()) as usize];
    let back = image.len() - written.back.len();
    image[..written.front.len()].copy_from_slice(&written.front);
    image[back..].copy_from_slice(&written.back);
    image
}

fn uuid(random: &mut Random) -> Uuid {
    Uuid::derived("any", Blake3::of(&random.next().to_le_bytes()))
}

fn any_table(seed: u64, sector: Sector) -> Table {
    let counts = [0, 1, 2, 5, 9, 128];
    table_of(counts[seed as usize % counts.len()], seed, sector)
}

/// A table of five partitions.
fn few(sector: Sector) -> Table {
    table_of(5, 3, sector)
}

fn table_of(count: u64, seed: u64, sector: Sector) -> Table {
    const KINDS: [Uuid; 6] = [
        kind::ESP,
        kind::ROOT_X86_64,
        kind::ROOT_VERITY_X86_64,
        kind::ROOT_ARM64,
        kind::VAR,
        kind::LINUX,
    ];
    let mut random = Random::new(seed);
    let id = uuid(&mut random);
    let mut next = sector.first_usable();
    let mut partitions = Vec::new();
    for number in 0..count {
        let first = next + random.below(3);
        let sectors = 1 + random.below(20);
        next = first + sectors;
        let name = match random.below(4) {
            // 36 code units, one of them half of a character beyond the first 65,536.
            0 => format!("{number:034}😀"),
            1 => String::new(),
            _ => format!("part-{number}"),
        };
        let attributes = *random.pick(&[0, GROW, READ_ONLY, 1, 1 << 48, 7]);
        let (kind, id) = (*random.pick(&KINDS), uuid(&mut random));
        partitions.push(Partition { kind, id, name, first, sectors, attributes });
    }
    let sectors = next + random.below(9) + 2 + sector.table();
    // Numbers need not be in the order of places.
    if random.chance(2) {
        partitions.reverse();
    }
    Table { sector, sectors, id, partitions }
}

fn run(program: &str, arguments: &[&str], at: &Path) -> String {
    let Output { status, stdout, stderr } =
        Command::new(program).args(arguments).arg(at).output().expect(program);
    let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{program} {arguments:?}: {text}");
    text
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    file
}

#[test]
fn other_tools_find_the_same_in_it() {
    let (sgdisk, sfdisk) = (installed("sgdisk"), installed("sfdisk"));
    for seed in 0..cases(20) {
        let table = any_table(seed, Sector::S512);
        let bytes = image(&table);
        let back = read(&Data::of(bytes.clone())).expect("own table");
        assert_eq!(back, table);
        let at = file(&bytes);
        if sgdisk {
            let text = run("sgdisk", &["-v"], at.path());
            assert!(text.contains("No problems found."), "{text}");
        }
        if sfdisk {
            let text = run("sfdisk", &["--verify"], at.path());
            let fine = text.contains("No errors detected.");
            assert!(fine || table.partitions.is_empty(), "{text}");
            let json = run("sfdisk", &["-J"], at.path());
            let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
            let found = &json["partitiontable"];
            let text = |value: &serde_json::Value| value.as_str().map(str::to_lowercase);
            assert_eq!(text(&found["id"]), Some(table.id.to_string()));
            let last = table.sectors - 2 - 32;
            assert_eq!((&found["firstlba"], &found["lastlba"]), (&34.into(), &last.into()));
            let none = Vec::new();
            let entries = found["partitions"].as_array().unwrap_or(&none);
            assert_eq!(entries.len(), table.partitions.len());
            for (entry, partition) in entries.iter().zip(&table.partitions) {
                assert_eq!(entry["start"], partition.first);
                assert_eq!(entry["size"], partition.sectors);
                assert_eq!(text(&entry["type"]), Some(partition.kind.to_string()));
                assert_eq!(text(&entry["uuid"]), Some(partition.id.to_string()));
                assert_eq!(entry["name"].as_str().unwrap_or(""), partition.name);
                let attributes = match partition.attributes {
                    0 => None,
                    1 => Some("RequiredPartition"),
                    7 => Some("RequiredPartition NoBlockIOProtocol LegacyBIOSBootable"),
                    GROW => Some("GUID:59"),
                    READ_ONLY => Some("GUID:60"),
                    _ => Some("GUID:48"),
                };
                assert_eq!(entry["attrs"].as_str(), attributes);
            }
        }
        let wide = any_table(seed, Sector::S4096);
        assert_eq!(read(&Data::of(image(&wide))).expect("own table"), wide);
    }
}

#[test]
fn types_have_the_names_that_sfdisk_knows() {
    if !installed("sfdisk") {
        return;
    }
    let output = Command::new("sfdisk").args(["--label", "gpt", "-T"]).output().expect("sfdisk");
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    for (kind, name) in [
        (kind::ESP, "EFI System"),
        (kind::BOOT, "Linux extended boot"),
        (kind::ROOT_X86_64, "Linux root (x86-64)"),
        (kind::ROOT_VERITY_X86_64, "Linux root verity (x86-64)"),
        (kind::ROOT_VERITY_SIGNATURE_X86_64, "Linux root verity sign. (x86-64)"),
        (kind::ROOT_ARM64, "Linux root (ARM-64)"),
        (kind::ROOT_VERITY_ARM64, "Linux root verity (ARM-64)"),
        (kind::ROOT_VERITY_SIGNATURE_ARM64, "Linux root verity sign. (ARM-64)"),
        (kind::VAR, "Linux variable data"),
        (kind::LINUX, "Linux filesystem"),
    ] {
        let line = format!("{}  {name}\n", kind.to_string().to_uppercase());
        assert!(list.contains(&line), "{line}");
    }
}

#[test]
fn tables_of_other_tools_are_read() {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(8 << 20).expect("a size");
    let id = "0fc63daf-8483-4772-8e79-3d69d8477de5";
    let own = "0fc63daf-8483-4772-8e79-3d69d8477de6";
    let expected = Table {
        sector: Sector::S512,
        sectors: 16_384,
        id: id.parse().expect("a UUID"),
        partitions: vec![Partition {
            kind: kind::ESP,
            id: own.parse().expect("a UUID"),
            name: "boot".to_owned(),
            first: 2_048,
            sectors: 4_096,
            attributes: READ_ONLY,
        }],
    };
    if installed("sgdisk") {
        let arguments = [
            "-U",
            id,
            "-n1:2048:6143",
            "-t1:ef00",
            "-c1:boot",
            "-u",
            &format!("1:{own}"),
            "-A1:set:60",
        ];
        run("sgdisk", &arguments, file.path());
        let bytes = std::fs::read(file.path()).expect("the disk");
        assert_eq!(read(&Data::of(bytes)).expect("a table"), expected);
    }
    if installed("sfdisk") {
        file.as_file().set_len(0).expect("a size");
        file.as_file().set_len(8 << 20).expect("a size");
        let mut script = tempfile::tempfile().expect("a file");
        write!(
            script,
            "label: gpt\nlabel-id: {id}\nstart=2048, size=4096, type=U, name=boot, uuid={own}, attrs=\"GUID:60\"\n"
        )
        .expect("written");
        script.seek(SeekFrom::Start(0)).expect("the start");
        let output =
            Command::new("sfdisk").arg(file.path()).stdin(script).output().expect("sfdisk");
        assert!(output.status.success(), "{output:?}");
        let bytes = std::fs::read(file.path()).expect("the disk");
        assert_eq!(read(&Data::of(bytes)).expect("a table"), expected);
    }
    file.flush().expect("flushed");
}

#[test]
fn the_bytes_of_a_table_stay() {
    let bytes = image(&few(Sector::S512));
    assert_eq!(
        Blake3::of(&bytes).to_string(),
        "c95f16409c1f81657a6be91c0b30de3f3d91f9a16f4bdc25accdfb5a8f6997ac"
    );
}

#[test]
fn a_changed_byte_is_always_noticed() {
    for sector in [Sector::S512, Sector::S4096] {
        let table = few(sector);
        let mut bytes = image(&table);
        let front = (sector.first_usable() * sector.bytes()) as usize;
        let back = bytes.len() - (sector.bytes() as usize + 16_384);
        let mut random = Random::new(1);
        let all = sector == Sector::S512;
        for at in (0..front).chain(back..bytes.len()).filter(|at| all || at % 61 == 0) {
            let bit = 1 << random.below(8);
            bytes[at] ^= bit;
            assert!(read(&Data::of(bytes.clone())).is_err(), "byte {at}");
            bytes[at] ^= bit;
        }
        for _ in 0..cases(50) {
            let size = random.below(bytes.len() as u64) as usize;
            assert!(read(&Data::of(&bytes[..size])).is_err(), "{size} bytes");
        }
        // A header that fits its checksum again is held against every other rule.
        for (header, at) in [sector.bytes() as usize, bytes.len() - sector.bytes() as usize]
            .into_iter()
            .flat_map(|header| (0..92).map(move |at| (header, at)))
            .filter(|(_, at)| !(16..20).contains(at))
        {
            let mut bytes = bytes.clone();
            bytes[header + at] ^= 1 << random.below(8);
            bytes[header + 16..header + 20].fill(0);
            let sum = crc32(&bytes[header..header + 92]).to_le_bytes();
            bytes[header + 16..header + 20].copy_from_slice(&sum);
            let error = read(&Data::of(bytes)).expect_err("a wrong field").to_string();
            assert!(!error.contains("HeaderCRC32"), "{error}");
        }
        // So are entries that fit all checksums.
        for _ in 0..cases(200) {
            let mut bytes = bytes.clone();
            let header = sector.bytes() as usize;
            let (own, entries) = (bytes.len() - header, 2 * header);
            for _ in 0..1 + random.below(3) {
                let at = random.below(5 * 128 + 200) as usize;
                let value = random.next() as u8;
                bytes[entries + at] = value;
                bytes[back + at] = value;
            }
            let sum = crc32(&bytes[back..own]).to_le_bytes();
            for header in [header, own] {
                bytes[header + 88..header + 92].copy_from_slice(&sum);
                bytes[header + 16..header + 20].fill(0);
                let sum = crc32(&bytes[header..header + 92]).to_le_bytes();
                bytes[header + 16..header + 20].copy_from_slice(&sum);
            }
            if let Ok(found) = read(&Data::of(bytes.clone())) {
                assert!(image(&found) == bytes, "{found:?}");
            }
        }
    }
    assert!(matches!(read(&Data::of([])), Err(GptError::NoTable)));
}

#[test]
fn copies_that_are_both_sound_have_to_agree() {
    let table = few(Sector::S512);
    let mut renamed = table.clone();
    renamed.partitions[0].name.push('x');
    let moved = Table { id: Uuid::derived("another", Blake3::of(b"")), ..table.clone() };
    for (other, message) in [
        (renamed, "the backup differs from the entries"),
        (moved, "the backup differs from the usable sectors or the GUID of the disk"),
    ] {
        let (mut image, other) = (image(&table), image(&other));
        let half = image.len() / 2;
        image[half..].copy_from_slice(&other[half..]);
        let error = read(&Data::of(image)).expect_err("two tables").to_string();
        assert_eq!(error, message);
    }
}

/// CRC-32 (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    })
}

type Change<'a> = &'a dyn Fn(&mut Table);

#[test]
fn what_cannot_be_written_says_why() {
    let table = Table { sectors: 1_000, ..few(Sector::S512) };
    let with = |change: Change<'_>| {
        let mut table = table.clone();
        change(&mut table);
        write(&table).expect_err("a broken rule").to_string()
    };
    let id = table.partitions[0].id;
    let cases: [(Change<'_>, String); 11] = [
        (
            &|t| t.sectors = 67,
            "a disk of 67 sectors of 512 bytes has no room for a partition".into(),
        ),
        (
            &|t| t.partitions[1].id = id,
            format!("partition 2 has the GUID {id}, as partition 1 has"),
        ),
        (&|t| t.id = id, format!("partition 1 has the GUID {id}, as the disk has")),
        (
            &|t| t.partitions[0].kind = Uuid::NIL,
            "partition 1 has the type of an unused entry".into(),
        ),
        (
            &|t| t.partitions[0].name = "x".repeat(37),
            "the name of partition 1 has 37 UTF-16 code units or a NUL; up to 36 without NUL fit"
                .into(),
        ),
        (
            &|t| t.partitions[0].name = "\0".into(),
            "the name of partition 1 has 1 UTF-16 code units or a NUL; up to 36 without NUL fit"
                .into(),
        ),
        (
            &|t| t.partitions[0].attributes = 1 << 3 | 1,
            "partition 1 has the reserved attributes 0x0000000000000008".into(),
        ),
        (
            &|t| t.partitions[0].sectors = 0,
            format!(
                "partition 1 has 0 sectors from {} on; those from 34 to before 967 can be used",
                table.partitions[0].first
            ),
        ),
        (
            &|t| (t.partitions[0].first, t.partitions[0].sectors) = (33, 1),
            "partition 1 has 1 sectors from 33 on; those from 34 to before 967 can be used".into(),
        ),
        (
            &|t| (t.partitions[0].first, t.partitions[0].sectors) = (966, 2),
            "partition 1 has 2 sectors from 966 on; those from 34 to before 967 can be used".into(),
        ),
        (
            &|t| {
                (t.partitions[0].first, t.partitions[0].sectors) = (900, 10);
                (t.partitions[1].first, t.partitions[1].sectors) = (909, 10);
            },
            "partition 2 starts at sector 909, 1 before partition 1 ends".into(),
        ),
    ];
    for (change, message) in cases {
        assert_eq!(with(change), message);
    }
    let many = Table {
        sectors: 1_000,
        partitions: (0..129)
            .map(|at| Partition {
                id: Uuid([at; 16]),
                first: 40 + u64::from(at),
                sectors: 1,
                ..table.partitions[0].clone()
            })
            .collect(),
        ..table
    };
    let message = "129 partitions are more than the 128 of a table";
    assert_eq!(write(&many).expect_err("too many").to_string(), message);
}
