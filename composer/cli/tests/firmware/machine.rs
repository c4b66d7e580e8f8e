//! An emulated machine with a disk of its own, which stays from start to start.

use std::path::PathBuf;
use std::process::Command;

use tarsia_image::content::Data;
use tarsia_image::tree::Kind;
use tarsia_image::{fat, gpt};
use tempfile::TempDir;

use crate::console::Console;

/// A machine with its disk.
pub struct Machine {
    folder: TempDir,
}

impl Machine {
    /// QEMU's virtual Arm machine with UEFI, as the board `virt-arm64` is run, and this disk.
    pub fn arm64(disk: &[u8]) -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder") };
        std::fs::write(machine.path(), disk).expect("a disk");
        machine
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("disk.img")
    }

    /// What is on its disk now.
    pub fn disk(&self) -> Vec<u8> {
        std::fs::read(self.path()).expect("a disk")
    }

    /// Starts it; it starts again when it restarts itself.
    pub fn boot(&self) -> Console {
        let mut command = Command::new("timeout");
        command.args([
            "300",
            "qemu-system-aarch64",
            "-machine",
            "virt,accel=tcg,acpi=off",
            "-cpu",
            "cortex-a57",
        ]);
        command.args(["-m", "256M", "-nodefaults", "-no-user-config", "-display", "none"]);
        command.args(["-serial", "stdio", "-bios", "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"]);
        command.args(["-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0,romfile="]);
        command.args(["-device", "virtio-rng-pci", "-device", "virtio-blk-pci,drive=disk"]);
        let disk = self.path();
        command.arg("-drive").arg(format!("if=none,id=disk,format=raw,file={}", disk.display()));
        Console::of(command)
    }

    /// The names of the boot entries on its system partition.
    pub fn boot_entries(&self) -> Vec<String> {
        let disk = Data::of(self.disk());
        let table = gpt::read(&disk).expect("a partition table");
        let esp = &table.partitions[0];
        let sector = table.sector.bytes();
        let esp = disk.window(esp.first * sector, esp.sectors * sector).expect("a partition");
        let tree = fat::read(&esp).expect("a FAT").tree;
        let folder = tree.find(b"EFI/Linux").expect("a folder of kernels");
        let Kind::Folder(entries) = &tree.inode(folder).kind else { panic!("a file") };
        entries.keys().map(|name| String::from_utf8(name.clone()).expect("UTF-8")).collect()
    }
}
