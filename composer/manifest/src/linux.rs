//! What only products that run Linux have: options of the kernel, how a board boots it, processes with
//! their rights, and files that are put into the root file system.

use tarsia_model::{ByteSize, Code, Diagnostic, Millis, Name, Spanned};

use crate::collection::{Set, Table};
use crate::condition::Condition;
use crate::node::Scalar;
use crate::record::{choice, record};
use crate::scalar::{InnerPath, KernelOption, ModuleName, PlainWord, ProgramName, RootPath};

record! {
    /// Options of the Linux kernel (Kconfig) that a component needs to be set as it says.
    pub struct KernelOptions = "options of the kernel" {
        /// Values by option, without `CONFIG_`: `y`, `n`, `m`, a number, or text.
        "set" set: Table<KernelOption, Spanned<Scalar>>,
        /// Under which circumstances; always when absent.
        "when" when: Option<Condition>,
    }
}

record! {
    /// A module of a prebuilt Linux kernel that a component needs to be loaded.
    pub struct KernelModule = "a module of the kernel" short "module" {
        /// Its name: `virtio_net`. What it depends on comes with it.
        "module" module: Spanned<ModuleName>,
        /// Under which circumstances; always when absent.
        "when" when: Option<Condition>,
    }
}

record! {
    /// Where a Linux kernel comes from.
    pub struct LinuxSource = "a source of Linux" {
        /// The component's source that has the kernel's tree.
        "source" source: Spanned<Name>,
        /// Whether it is a Debian package with a kernel that was built already, its configuration and its
        /// modules, rather than the tree; `false` when absent.
        "prebuilt" prebuilt: Option<Spanned<bool>>,
    }
}

impl LinuxSource {
    /// Whether it is a kernel that was built already.
    pub fn is_prebuilt(&self) -> bool {
        self.prebuilt.as_ref().is_some_and(|set| set.value)
    }
}

record! {
    /// How a board runs Linux.
    pub struct LinuxBoard = "a board that runs Linux" {
        /// Its architecture as the kernel's build calls it (`ARCH`): `x86`, `arm64`.
        "arch" arch: Spanned<Name>,
        /// The bootable file that the kernel's build makes: `arch/x86/boot/bzImage`.
        "image" image: Spanned<InnerPath>,
        /// The C compiler for kernel and programs; its name up to `gcc` is the prefix of the other tools.
        "c-compiler" c_compiler: Spanned<ProgramName>,
        /// The kernel's console: `ttyS0`.
        "console" console: Spanned<PlainWord>,
        /// What else stands on the kernel's command line.
        "command-line" command_line: Vec<Spanned<String>>,
        /// The name of its architecture in files of UEFI: `x64`, `aa64`.
        "efi" efi: Option<Spanned<Name>>,
    }
}

choice! {
    /// When a process counts as ready.
    pub enum Ready = "when a process is ready" {
        /// as soon as it runs
        Started = "started",
        /// when it says so
        Told = "told",
    }
}

choice! {
    /// A right that Linux grants apart from the user's ID (capabilities(7)).
    pub enum Right = "a right" {
        /// changes the owner of files
        Chown = "chown",
        /// passes over the permissions of files
        DacOverride = "dac-override",
        /// reads all files
        DacReadSearch = "dac-read-search",
        /// acts as the owner of all files
        Fowner = "fowner",
        /// sends signals to all processes
        Kill = "kill",
        /// listens on ports below 1,024
        NetBindService = "net-bind-service",
        /// sends to broadcast addresses
        NetBroadcast = "net-broadcast",
        /// configures interfaces, addresses and routes
        NetAdmin = "net-admin",
        /// sends and receives raw packets
        NetRaw = "net-raw",
        /// keeps memory from being swapped out
        IpcLock = "ipc-lock",
        /// sets priorities
        SysNice = "sys-nice",
        /// sets the clock
        SysTime = "sys-time",
        /// restarts the machine
        SysBoot = "sys-boot",
        /// uses I/O ports
        SysRawio = "sys-rawio",
        /// reads the kernel's log
        Syslog = "syslog",
        /// wakes the system by a clock
        WakeAlarm = "wake-alarm",
    }
}

record! {
    /// How a service runs as a process of its own.
    pub struct Process = "a process" check check_process {
        /// The ID of its user and group; 0 when absent.
        "user" user: Option<Spanned<u32>>,
        /// What it may beyond what its user may.
        "rights" rights: Vec<Spanned<Right>>,
        /// The groups (`io`, `files`, `net`) and names of system calls that it may make beside those of every
        /// program; all of them when absent.
        "syscalls" syscalls: Set<PlainWord>,
        /// Folders that are made for it, owned by its user: `run/network`.
        "folders" folders: Set<RootPath>,
        /// The most memory of its own that it may have; any when absent.
        "memory" memory: Option<Spanned<ByteSize>>,
        /// When it counts as ready, and those that require it start; `started` when absent.
        "ready" ready: Option<Spanned<Ready>>,
        /// How long it may take until it says that it is ready; as long as it likes when absent.
        "ready-within" ready_within: Option<Spanned<Millis>>,
        /// The silence after which it counts as stuck; it need not speak when absent.
        "alive-within" alive_within: Option<Spanned<Millis>>,
        /// How often it may be restarted in a row, which ends when it was ready for a minute; 5 when absent.
        "restarts" restarts: Option<Spanned<u32>>,
        /// The wait before a restart, which doubles with each in a row; 1 s when absent.
        "back-off" back_off: Option<Spanned<Millis>>,
    }
}

/// How many restarts in a row a process has when its manifest does not say.
pub const RESTARTS: u32 = 5;

fn check_process(process: &Process, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let told = process.ready.as_ref().is_some_and(|ready| ready.value == Ready::Told);
    let Some(within) = process.ready_within.as_ref().filter(|_| !told) else {
        return Some(());
    };
    let message = "`ready-within` is for a process that says when it is ready";
    problems.push(
        Diagnostic::at(Code::BadValue, within.span, message).hint("add `ready: told`".to_owned()),
    );
    None
}

record! {
    /// A file or folder of the component that is put into the root file system.
    pub struct Installed = "an installed file" {
        /// The file, or folder with all below it, in the component's folder.
        "file" file: Spanned<InnerPath>,
        /// Where it goes, from the root: `etc/hosts`.
        "to" to: Spanned<RootPath>,
        /// Whether it can be started.
        "executable" executable: Option<Spanned<bool>>,
        /// Whether it is a template, which is rendered with the component's features and the product's name first.
        "template" template: Option<Spanned<bool>>,
    }
}

record! {
    /// How an image is laid out.
    pub struct Layout = "the layout of an image" check check_layout {
        /// What holds the root file system.
        "root" root: Spanned<RootFormat>,
        /// The partitions of the disk, in their order; the image is no disk when there are none.
        "partitions" partitions: Vec<Partition>,
        /// The component's feature (a whole number) that says how much of a slot the next version may need
        /// more, in hundredths of the slot; nothing when absent.
        "headroom" headroom: Option<Spanned<Name>>,
        /// What the firmware of a board with UEFI starts, for layouts with a partition `esp`.
        "loader" loader: Option<LoaderFiles>,
    }
}

record! {
    /// The boot loader's files in a source. `{efi}` stands for the board's name of its architecture.
    pub struct LoaderFiles = "files of a boot loader" {
        /// The component's source that has them.
        "source" source: Spanned<Name>,
        /// The boot loader: `usr/lib/systemd/boot/efi/systemd-boot{efi}.efi`.
        "program" program: Spanned<InnerPath>,
        /// What stands in front of a kernel: `usr/lib/systemd/boot/efi/linux{efi}.efi.stub`.
        "stub" stub: Spanned<InnerPath>,
    }
}

choice! {
    /// What holds the root file system.
    pub enum RootFormat = "a form of the root file system" {
        /// an archive that the kernel unpacks into memory (newc)
        Initramfs = "initramfs",
        /// a compressed file system that is only read
        Erofs = "erofs",
        /// a more compressed file system that is only read
        Squashfs = "squashfs",
        /// a file system that can be written to
        Ext4 = "ext4",
    }
}

choice! {
    /// What a partition is for.
    pub enum Role = "what a partition is for" {
        /// the system partition of UEFI, with what the firmware starts
        Esp = "esp",
        /// the root file system, slot A
        RootA = "root-a",
        /// the hash tree over it
        VerityA = "verity-a",
        /// the root file system, slot B
        RootB = "root-b",
        /// the hash tree over it
        VerityB = "verity-b",
        /// what the product writes, kept by updates
        Data = "data",
    }
}

record! {
    /// A partition of a disk.
    pub struct Partition = "a partition" {
        /// What it is for, and its name.
        "role" role: Spanned<Role>,
        /// The component's feature (a size) that says how large it is.
        "size" size: Spanned<Name>,
    }
}

fn check_layout(layout: &Layout, problems: &mut Vec<Diagnostic>) -> Option<()> {
    let before = problems.len();
    let mut seen: Vec<&Spanned<Role>> = Vec::new();
    for Partition { role, .. } in &layout.partitions {
        if let Some(first) = seen.iter().find(|seen| seen.value == role.value) {
            let message = format!("the disk has two partitions `{}`", role.value);
            let found = Diagnostic::at(Code::BadValue, role.span, message);
            problems.push(found.also(first.span, "the first"));
        }
        seen.push(role);
    }
    let has = |role: Role| seen.iter().any(|seen| seen.value == role);
    let pairs = [
        (Role::VerityA, Role::RootA),
        (Role::VerityB, Role::RootB),
        (Role::RootB, Role::RootA),
        (Role::RootA, Role::Esp),
    ];
    for (one, other) in pairs.into_iter().filter(|(one, other)| has(*one) && !has(*other)) {
        let message = format!("a partition `{one}` needs a partition `{other}`");
        problems.push(Diagnostic::at(Code::BadValue, layout.span, message));
    }
    if has(Role::Esp) != layout.loader.is_some() {
        let message = "a partition `esp` and a `loader` need each other";
        problems.push(Diagnostic::at(Code::BadValue, layout.span, message));
    }
    let memory = layout.root.value == RootFormat::Initramfs;
    if memory && has(Role::RootA) || !memory && !has(Role::RootA) {
        let message = match memory {
            true => "a root file system in memory needs no partition `root-a`".to_owned(),
            false => {
                format!("a root file system `{}` needs a partition `root-a`", layout.root.value)
            }
        };
        problems.push(Diagnostic::at(Code::BadValue, layout.root.span, message));
    }
    (problems.len() == before).then_some(())
}
