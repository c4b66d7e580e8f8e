//! Capabilities by their names (capabilities(7)).

use rustix::thread::CapabilitySet;

macro_rules! capabilities {
    ($($name:ident $flag:ident $word:literal $summary:literal;)+) => {
        /// A capability that a process may keep. Those that amount to being root, such as loading
        /// modules and reading all memory, have no name here.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Capability {
            $(#[doc = $summary] $name,)+
        }

        impl Capability {
            /// All that have a name.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name in manifests.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            pub(crate) fn set(self) -> CapabilitySet {
                match self {
                    $(Self::$name => CapabilitySet::$flag,)+
                }
            }
        }
    };
}

capabilities! {
    Chown CHOWN "chown" "Changes the owner of files.";
    DacOverride DAC_OVERRIDE "dac-override" "Passes over the permissions of files.";
    DacReadSearch DAC_READ_SEARCH "dac-read-search" "Reads all files.";
    Fowner FOWNER "fowner" "Acts as the owner of all files.";
    Kill KILL "kill" "Sends signals to all processes.";
    NetBindService NET_BIND_SERVICE "net-bind-service" "Listens on ports below 1024.";
    NetBroadcast NET_BROADCAST "net-broadcast" "Sends to broadcast addresses.";
    NetAdmin NET_ADMIN "net-admin" "Configures interfaces, addresses and routes.";
    NetRaw NET_RAW "net-raw" "Sends and receives raw packets.";
    IpcLock IPC_LOCK "ipc-lock" "Keeps memory from being swapped out.";
    SysNice SYS_NICE "sys-nice" "Sets priorities.";
    SysTime SYS_TIME "sys-time" "Sets the clock.";
    SysBoot SYS_BOOT "sys-boot" "Reboots.";
    SysRawio SYS_RAWIO "sys-rawio" "Uses I/O ports.";
    Syslog SYSLOG "syslog" "Reads the kernel's log.";
    WakeAlarm WAKE_ALARM "wake-alarm" "Wakes the system by a clock.";
}

/// The union of several.
pub(crate) fn union(capabilities: &[Capability]) -> CapabilitySet {
    capabilities.iter().fold(CapabilitySet::empty(), |union, one| union | one.set())
}
