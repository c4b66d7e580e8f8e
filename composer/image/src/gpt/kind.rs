//! What partitions are for, as GUIDs of their types. From them a system finds its root, the hash tree that
//! the root is checked with, and so on without a table of its own (UAPI.2 Discoverable Partitions
//! Specification, "Defined Partition Type UUIDs"; of the ESP also UEFI 2.10 table 5-7).

use crate::uuid::Uuid;

/// EFI system partition: a FAT that the firmware starts boot loaders from.
pub const ESP: Uuid = Uuid::of(0xc12a7328_f81f_11d2_ba4b_00a0c93ec93b);
/// Extended boot loader partition (XBOOTLDR): boot entries that have no room in the ESP.
pub const BOOT: Uuid = Uuid::of(0xbc13c2ff_59e6_4262_a352_b275fd6f7172);
/// Root for x86-64.
pub const ROOT_X86_64: Uuid = Uuid::of(0x4f68bce3_e8cd_4db1_96e7_fbcaf984b709);
/// dm-verity hashes of the root for x86-64.
pub const ROOT_VERITY_X86_64: Uuid = Uuid::of(0x2c7357ed_ebd2_46d9_aec1_23d437ec2bf5);
/// Signature of the root hash for x86-64.
pub const ROOT_VERITY_SIGNATURE_X86_64: Uuid = Uuid::of(0x41092b05_9fc8_4523_994f_2def0408b176);
/// Root for 64-bit ARM.
pub const ROOT_ARM64: Uuid = Uuid::of(0xb921b045_1df0_41c3_af44_4c6f280d3fae);
/// dm-verity hashes of the root for 64-bit ARM.
pub const ROOT_VERITY_ARM64: Uuid = Uuid::of(0xdf3300ce_d69f_4c92_978c_9bfb0f38d820);
/// Signature of the root hash for 64-bit ARM.
pub const ROOT_VERITY_SIGNATURE_ARM64: Uuid = Uuid::of(0x6db69de6_29f4_4758_a7a5_962190f00ce3);
/// `/var`. Systems mount it by themselves only when its id is derived from their machine id.
pub const VAR: Uuid = Uuid::of(0x4d21b016_b534_45c2_a9fb_5c16e091fd2d);
/// Data of Linux that nothing is said of.
pub const LINUX: Uuid = Uuid::of(0x0fc63daf_8483_4772_8e79_3d69d8477de4);
