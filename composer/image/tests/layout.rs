//! Layouts: what each problem says, that all are found at once, and that what is placed keeps every rule.

use proptest::prelude::*;
use tarsia_image::layout::{Headroom, Layout, Sector, Wanted, WantedPartition, place};

const MIB: u64 = 1 << 20;

fn partition(name: &str, offset: Option<u64>, size: u64) -> WantedPartition {
    WantedPartition { offset, ..WantedPartition::new(name, size) }
}

fn wanted(size: Option<u64>, partitions: Vec<WantedPartition>) -> Wanted {
    Wanted { sector: Sector::S512, size, partitions }
}

fn messages(wanted: &Wanted) -> Vec<String> {
    place(wanted).expect_err("problems").iter().map(ToString::to_string).collect()
}

#[test]
fn partitions_follow_each_other_from_the_first_mebibyte() {
    let partitions = vec![
        partition("esp", None, 3 * MIB + 512),
        WantedPartition { alignment: 4_096, ..partition("small", None, 512) },
        partition("root-a", Some(8 * MIB), MIB),
        partition("root-b", None, 2 * MIB),
    ];
    let full = |at: &WantedPartition| WantedPartition { content: Some(at.size), ..at.clone() };
    assert!(place(&wanted(None, partitions.iter().map(full).collect())).is_ok());
    let layout = place(&wanted(None, partitions)).expect("a layout");
    let found: Vec<_> = layout.partitions.iter().map(|at| (at.first, at.sectors)).collect();
    assert_eq!(found, [(2_048, 6_145), (8_200, 1), (16_384, 2_048), (18_432, 4_096)]);
    // The tables at the end take 33 sectors, which begin another mebibyte.
    assert_eq!(layout.sectors, 12 * 2_048);

    let empty = place(&wanted(None, Vec::new())).expect("a disk without partitions");
    assert_eq!((empty.sectors, empty.partitions.len()), (2_048, 0));
    let wide = Wanted { sector: Sector::S4096, ..wanted(None, vec![partition("a", None, MIB)]) };
    let wide = place(&wide).expect("a layout");
    assert_eq!(
        (wide.partitions[0].first, wide.partitions[0].sectors, wide.sectors),
        (256, 256, 768)
    );
}

#[test]
fn headroom_counts_to_the_byte() {
    for (headroom, most) in [
        (Headroom::Bytes(1_000), 99_000),
        (Headroom::Percent(25), 75_000),
        (Headroom::Percent(1), 99_000),
        (Headroom::Percent(100), 0),
    ] {
        let with = |content| {
            let partition = partition("slot", None, 100_000);
            let sector = Sector::S512;
            let partition = WantedPartition { content: Some(content), headroom, ..partition };
            let wanted = Wanted { sector, size: None, partitions: vec![partition] };
            messages(&wanted).iter().filter(|message| message.contains("headroom")).count()
        };
        // A size that is not of whole sectors is another problem, and told beside.
        assert_eq!((with(most), with(most + 1)), (0, 1), "{headroom:?}");
    }
    assert_eq!(Headroom::Percent(1).of(101), 2);
    assert_eq!(Headroom::Percent(100).of(u64::MAX), u64::MAX);
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let slot = WantedPartition {
        content: Some(900_000),
        headroom: Headroom::Percent(25),
        ..partition("root-b", Some(9 * MIB), MIB)
    };
    let full =
        WantedPartition { content: Some(MIB + 1), ..partition("vendor", Some(20 * MIB), MIB) };
    let odd = WantedPartition { alignment: 1_000, ..partition("odd", Some(30 * MIB), MIB) };
    let partitions = vec![
        partition("root-a", Some(8 * MIB), 2 * MIB),
        slot,
        partition("esp", Some(512), 512),
        partition("data", Some(12 * MIB + 4_096), 1_000),
        partition("data", Some(14 * MIB), 0),
        full,
        odd,
        partition("", Some(40 * MIB), MIB),
        partition(&"x".repeat(37), Some(50 * MIB), 15 * MIB),
    ];
    let expected = [
        "`` cannot name a partition: it has 0 UTF-16 code units; 1 to 36 without NUL are possible",
        &format!(
            "`{}` cannot name a partition: it has 37 UTF-16 code units; 1 to 36 without NUL are possible",
            "x".repeat(37)
        ),
        "2 partitions have the name `data`",
        "the content of `root-b` has 878.9 KiB (900,000) and leaves 148,576 bytes of 1.0 MiB (1,048,576) \
         free, 113,568 bytes less than the headroom of 256.0 KiB (262,144)",
        "`esp` starts at 512 bytes, 512 bytes after a multiple of its alignment of 1.0 MiB",
        "`esp` starts at 512 bytes, 16.5 KiB before the partition table ends at 17.0 KiB (17,408)",
        "`data` starts at 12.0 MiB (12,587,008), 4.0 KiB after a multiple of its alignment of 1.0 MiB",
        "`data` has a size of 1,000 bytes, 488 bytes more than whole sectors of 512 bytes",
        "`data` has a size of 0",
        "the content of `vendor` has 1.0 MiB (1,048,577), 1 byte more than the partition of 1.0 MiB (1,048,576)",
        "`odd` cannot be aligned to 1,000 bytes: powers of two from a sector of 512 bytes on are possible",
        "`root-b` starts at 9.0 MiB (9,437,184), 1.0 MiB before `root-a` ends",
        &format!(
            "the partitions end with `{}` at 65.0 MiB (68,157,440), 1,065,472 bytes beyond the last usable \
             byte of a disk of 64.0 MiB (67,108,864), whose last 16.5 KiB are the backup of the partition table",
            "x".repeat(37)
        ),
    ];
    assert_eq!(messages(&wanted(Some(64 * MIB), partitions)), expected);

    let disk = |size| messages(&wanted(Some(size), Vec::new()));
    assert_eq!(
        disk(MIB + 1),
        ["the disk has a size of 1.0 MiB (1,048,577), 1 byte more than whole sectors of 512 bytes"]
    );
    assert_eq!(
        disk(67 * 512),
        [
            "the disk has a size of 33.5 KiB (34,304); with two tables of 16.0 KiB and one sector between it \
          has 34.0 KiB (34,816)"
        ]
    );
    assert!(place(&wanted(Some(68 * 512), Vec::new())).is_ok());
    let far = u64::MAX - MIB + 1;
    let endless =
        [partition("a", Some(far), 2 * MIB), partition("b", None, 1), partition("c", None, 1)];
    let message = "`a` of 2.0 MiB (2,097,152) from 16777215.9 TiB (18,446,744,073,708,503,040) on ends beyond \
                   the largest disk";
    let broken = |name| {
        format!("`{name}` has a size of 1 byte, 1 byte more than whole sectors of 512 bytes")
    };
    assert_eq!(messages(&wanted(None, endless.to_vec())), [message, &broken("b"), &broken("c")]);
    let last = partition("a", Some(far), MIB - 512);
    let message = messages(&wanted(None, vec![last])).concat();
    assert!(message.ends_with("on ends beyond the largest disk"), "{message}");
    let many = (0..129).map(|at| partition(&at.to_string(), None, 512)).collect();
    assert_eq!(
        messages(&wanted(None, many)),
        ["129 partitions are 1 more than the 128 that a table holds"]
    );
}

fn any_partition() -> impl Strategy<Value = WantedPartition> {
    let size = prop_oneof![8 => (1u64..64).prop_map(|count| count * 4_096), 1 => Just(0), 1 => 0u64..10_000];
    let offset = prop_oneof![
        3 => Just(None),
        3 => (16u64..400).prop_map(|at| Some(at * 4_096)),
        1 => (0u64..100_000).prop_map(Some),
    ];
    let headroom = prop_oneof![
        Just(Headroom::Bytes(0)),
        (0u64..10_000).prop_map(Headroom::Bytes),
        (0u8..101).prop_map(Headroom::Percent),
    ];
    let alignment = prop_oneof![9 => (9u32..14).prop_map(|bits| 1 << bits), 1 => 0u64..5_000];
    let content = prop::option::weighted(0.3, 0u64..40_000);
    ("[a-z]{2}", offset, size, alignment, content, headroom).prop_map(
        |(name, offset, size, alignment, content, headroom)| WantedPartition {
            name,
            offset,
            size,
            alignment,
            content,
            headroom,
        },
    )
}

fn any_wanted() -> impl Strategy<Value = Wanted> {
    let sector = prop_oneof![4 => Just(Sector::S512), 1 => Just(Sector::S4096)];
    let size = prop_oneof![
        2 => Just(None),
        3 => (0u64..600).prop_map(|count| Some(count * 4_096)),
        1 => (0u64..3_000_000).prop_map(Some),
    ];
    (sector, size, prop::collection::vec(any_partition(), 0..5))
        .prop_map(|(sector, size, partitions)| Wanted { sector, size, partitions })
}

/// Whether a layout keeps every rule, each written down anew and asked of each byte or pair.
fn sound(wanted: &Wanted, layout: &Layout) -> bool {
    let sector = wanted.sector.bytes();
    let spans: Vec<(u64, u64)> = layout
        .partitions
        .iter()
        .map(|at| (at.first * sector, (at.first + at.sectors) * sector))
        .collect();
    let disk = layout.sectors * sector;
    let names = || wanted.partitions.iter().map(|partition| &partition.name);
    wanted.size.is_none_or(|size| size == disk)
        && spans.len() == wanted.partitions.len()
        && names().enumerate().all(|(at, name)| names().position(|other| other == name) == Some(at))
        && wanted.partitions.iter().zip(&spans).all(|(partition, (start, end))| {
            let headroom = match partition.headroom {
                Headroom::Bytes(bytes) => bytes * 100,
                Headroom::Percent(percent) => u64::from(percent) * partition.size,
            };
            end - start == partition.size
                && partition.size > 0
                && partition.offset.is_none_or(|offset| offset == *start)
                && partition.alignment.count_ones() == 1
                && partition.alignment % sector == 0
                && start % partition.alignment == 0
                && *start >= 2 * sector + 16_384
                && end + sector + 16_384 <= disk
                && partition.content.is_none_or(|content| {
                    content <= partition.size && (partition.size - content) * 100 >= headroom
                })
        })
        && spans
            .iter()
            .enumerate()
            .all(|(at, one)| spans[..at].iter().all(|two| one.1 <= two.0 || two.1 <= one.0))
}

/// The layout without any check: what `place` must give when that is sound, and must refuse when not.
fn naive(wanted: &Wanted) -> Layout {
    let sector = wanted.sector.bytes();
    let mut next = 2 * sector + 16_384;
    let mut partitions = Vec::new();
    for partition in &wanted.partitions {
        let start = partition.offset.unwrap_or_else(|| {
            (next..).find(|at| at % partition.alignment.max(1) == 0).expect("one")
        });
        next = start + partition.size;
        partitions.push(tarsia_image::layout::Placed {
            name: partition.name.clone(),
            first: start / sector,
            sectors: partition.size / sector,
        });
    }
    let end = partitions.iter().map(|at| (at.first + at.sectors) * sector).max().unwrap_or(0);
    let smallest = (end.max(3 * sector + 16_384) + sector + 16_384).div_ceil(MIB) * MIB;
    let size = wanted.size.unwrap_or(smallest);
    Layout { sector: wanted.sector, sectors: size / sector, partitions }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]
    #[test]
    fn what_can_be_placed_is_and_nothing_else(wanted in any_wanted()) {
        let naive = naive(&wanted);
        // A disk without partitions has to hold the tables still.
        let holds = naive.sectors * wanted.sector.bytes() >= 2 * 16_384 + 4 * wanted.sector.bytes();
        match place(&wanted) {
            Ok(layout) => {
                prop_assert!(sound(&wanted, &layout), "{layout:?}");
                prop_assert_eq!(layout, naive);
            }
            Err(problems) => {
                prop_assert!(!(holds && sound(&wanted, &naive)), "{problems:?}");
                for problem in problems {
                    prop_assert!(!problem.to_string().is_empty());
                }
            }
        }
    }
}
