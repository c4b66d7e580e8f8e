//! System calls that are refused inside. Namespaces and dropped capabilities hide files, processes and
//! networks; these programs close what the kernel has in no namespace (keys, vsock), what could leave a
//! dangerous file behind (set-uid), and interfaces whose use would only be an attack on the kernel.
//!
//! The list follows Flatpak's (`common/flatpak-run.c`) and Nix's (`libstore/unix/build`), and adds the calls
//! that create files with a mode.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use seccompiler::{
    SeccompAction, SeccompCmpArgLen::Dword, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// `S_ISUID | S_ISGID`, as two masks: a rule holds when all its bits are set.
const SET_ID: [u64; 2] = [0o4000, 0o2000];

/// The programs, one per error that callers expect; each as bytes for `bwrap --add-seccomp-fd`. The words of an
/// error say what could not be built; none for a machine of another kind than x86-64, AArch64 or 64-bit
/// RISC-V.
pub(super) fn programs() -> &'static Result<Vec<Vec<u8>>, String> {
    static PROGRAMS: LazyLock<Result<Vec<Vec<u8>>, String>> = LazyLock::new(build);
    &PROGRAMS
}

fn build() -> Result<Vec<Vec<u8>>, String> {
    let refused = [
        (not_permitted()?, libc::EPERM),
        // Programs that find these missing take the older call, which is looked at above.
        (not_there(), libc::ENOSYS),
        (other_sockets()?, libc::EAFNOSUPPORT),
    ];
    refused.into_iter().map(|(rules, errno)| program(rules, errno)).collect()
}

fn program(rules: Rules, errno: i32) -> Result<Vec<u8>, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| error.to_string())?;
    let errno = errno.cast_unsigned();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch)
        .map_err(|error| error.to_string())?;
    let filter: Vec<sock_filter> =
        filter.try_into().map_err(|error: seccompiler::BackendError| error.to_string())?;
    let mut bytes = Vec::new();
    for step in without_x32().iter().chain(&filter) {
        bytes.extend(step.code.to_ne_bytes());
        bytes.extend([step.jt, step.jf]);
        bytes.extend(step.k.to_ne_bytes());
    }
    Ok(bytes)
}

/// On x86-64 the kernel may offer each call a second time, with bit 30 of its number set (the x32
/// interface), past every rule. Nothing we run uses it. seccompiler has no rule for it.
fn without_x32() -> Vec<sock_filter> {
    if !cfg!(target_arch = "x86_64") {
        return Vec::new();
    }
    // linux/bpf_common.h, linux/seccomp.h
    const LOAD_NUMBER: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS, offset of seccomp_data.nr = 0
    const JUMP_IF_GE: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const ERRNO: u32 = 0x0005_0000; // SECCOMP_RET_ERRNO
    let step = |code, jf, k| sock_filter { code, jt: 0, jf, k };
    vec![
        step(LOAD_NUMBER, 0, 0),
        step(JUMP_IF_GE, 1, 0x4000_0000),
        step(RETURN, 0, ERRNO | libc::ENOSYS.cast_unsigned()),
    ]
}

fn not_permitted() -> Result<Rules, String> {
    let always = [
        // Keys are in no namespace that we could unshare.
        libc::SYS_add_key,
        libc::SYS_keyctl,
        libc::SYS_request_key,
        // Interfaces of the kernel that a build does not need and attacks begin with.
        libc::SYS_acct,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_quotactl,
        libc::SYS_syslog,
        libc::SYS_userfaultfd,
        // Namespaces and mounts: capabilities are gone already, and user namespaces disabled.
        libc::SYS_chroot,
        libc::SYS_mount,
        libc::SYS_pivot_root,
        libc::SYS_setns,
        libc::SYS_umount2,
        libc::SYS_unshare,
    ];
    let mut rules: Rules = always.into_iter().map(|call| (call, Vec::new())).collect();
    let new_user = has(0, libc::CLONE_NEWUSER.cast_unsigned().into());
    rules.insert(libc::SYS_clone, vec![rule(vec![new_user])?]);
    // Words put into the terminal of somebody else: CVE-2017-5226.
    let fakes = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| rule(vec![(1, Op::Eq, request)]));
    rules.insert(libc::SYS_ioctl, fakes.into_iter().collect::<Result<_, _>>()?);
    set_id(&mut rules)?;
    Ok(rules)
}

/// A set-uid file in an output folder would be a set-uid file of the builder, on the host, from the
/// moment it is there.
fn set_id(rules: &mut Rules) -> Result<(), String> {
    let mut forbid = |call, mode: u8, also: &[Condition]| -> Result<(), String> {
        for bit in SET_ID {
            let mut conditions = also.to_vec();
            conditions.push(has(mode, bit));
            rules.entry(call).or_default().push(rule(conditions)?);
        }
        Ok(())
    };
    // Without these flags the mode is no argument, and its register holds anything.
    let creates = [libc::O_CREAT, libc::O_TMPFILE & !libc::O_DIRECTORY];
    let creates = creates.map(|flag| u64::from(flag.cast_unsigned()));
    forbid(libc::SYS_fchmod, 1, &[])?;
    forbid(libc::SYS_fchmodat, 2, &[])?;
    forbid(libc::SYS_mknodat, 2, &[])?;
    for flag in creates {
        forbid(libc::SYS_openat, 3, &[has(2, flag)])?;
    }
    #[cfg(target_arch = "x86_64")]
    {
        forbid(libc::SYS_chmod, 1, &[])?;
        forbid(libc::SYS_creat, 1, &[])?;
        forbid(libc::SYS_mknod, 1, &[])?;
        for flag in creates {
            forbid(libc::SYS_open, 2, &[has(1, flag)])?;
        }
    }
    Ok(())
}

fn not_there() -> Rules {
    let calls = [
        // Their flags and modes are in memory, where a filter cannot look.
        libc::SYS_clone3,
        libc::SYS_openat2,
        // Does what the other calls do, past the filter.
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_io_uring_setup,
        // A chmod that programs try first.
        libc::SYS_fchmodat2,
        // The newer ways to mount.
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fsopen,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
    ];
    calls.into_iter().map(|call| (call, Vec::new())).collect()
}

/// Every family of sockets but unix, IPv4, IPv6 and netlink, which end at the private network.
/// Vsock above all, which reaches the hypervisor from any network namespace.
fn other_sockets() -> Result<Rules, String> {
    let family = |number: i32| u64::from(number.cast_unsigned());
    let between = |low, high| rule(vec![(0, Op::Gt, family(low)), (0, Op::Lt, family(high))]);
    let others = || {
        Ok::<_, String>(vec![
            between(libc::AF_INET, libc::AF_INET6)?,
            between(libc::AF_INET6, libc::AF_NETLINK)?,
            rule(vec![(0, Op::Gt, family(libc::AF_NETLINK))])?,
        ])
    };
    Ok(BTreeMap::from([(libc::SYS_socket, others()?), (libc::SYS_socketpair, others()?)]))
}

/// An argument's index, and what its low 32 bits have to be.
type Condition = (u8, Op, u64);

fn has(argument: u8, bits: u64) -> Condition {
    (argument, Op::MaskedEq(bits), bits)
}

fn rule(conditions: Vec<Condition>) -> Result<SeccompRule, String> {
    let conditions = conditions
        .into_iter()
        .map(|(argument, op, value)| SeccompCondition::new(argument, Dword, op, value))
        .collect::<Result<Vec<_>, _>>();
    conditions.and_then(SeccompRule::new).map_err(|error| error.to_string())
}
