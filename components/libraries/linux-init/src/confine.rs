//! What a process gives up before its code runs. It happens in the process itself, by our own code
//! and before anything that could be attacked: between fork and exec only a few calls are allowed,
//! and a change of user there would take the capabilities with it that the table lists.

use rustix::fs::{Mode, RawMode};
use rustix::io::Errno;
use rustix::process::{
    Resource, Rlimit, Signal, chdir, geteuid, set_parent_process_death_signal, setrlimit, setsid,
    umask,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid,
    set_thread_res_uid,
};

use tarsia_process::uptime;

use crate::syscalls::{self, SyscallProblem};
use crate::{Process, capability};

/// What could not be given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfineError {
    #[error("{what}: {error}")]
    Call { what: &'static str, error: Errno },
    #[error("the user is {0}, not root, and cannot become user {1}")]
    User(u32, u32),
    #[error("the capabilities {0:?} are not there to be kept")]
    Missing(CapabilitySet),
    #[error(transparent)]
    Filter(#[from] SyscallProblem),
}

fn call<T>(what: &'static str, result: Result<T, Errno>) -> Result<T, ConfineError> {
    result.map_err(|error| ConfineError::Call { what, error })
}

/// Gives up everything that the table does not list. The process has one thread at this time, so
/// what the kernel keeps by thread holds for all of it.
pub(crate) fn confine(process: &Process) -> Result<(), ConfineError> {
    call("change to /", chdir("/"))?;
    umask(Mode::from_raw_mode(0o022 as RawMode));
    // A process that leads a group already cannot lead a session; then it is on its own anyway.
    let _ = setsid();
    limits(process)?;
    call("set no_new_privs", set_no_new_privs(true))?;
    let keep = capability::union(process.capabilities);
    let had = call("read the capabilities", capabilities(None))?.permitted;
    if !had.contains(keep) {
        return Err(ConfineError::Missing(keep - had));
    }
    bounding(keep, had)?;
    user(process)?;
    let sets =
        CapabilitySets { effective: keep, permitted: keep, inheritable: CapabilitySet::empty() };
    call("drop capabilities", set_capabilities(None, sets))?;
    call("drop ambient capabilities", clear_ambient_capability_set())?;
    // Where init is not process 1, whose end is the kernel's. A change of user takes it back.
    call("end with init", set_parent_process_death_signal(Some(Signal::KILL)))?;
    // The first look at the clock finds the kernel's code for it, by a call that is not allowed.
    let _ = uptime();
    // Last: the calls above need not be allowed.
    Ok(syscalls::install(process.syscalls, process.refused)?)
}

fn limits(process: &Process) -> Result<(), ConfineError> {
    let both = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    let files = both(process.limits.files.into());
    call("limit open files", setrlimit(Resource::Nofile, files))?;
    // What was in memory must not be found on a disk.
    call("limit core dumps", setrlimit(Resource::Core, both(0)))?;
    if process.limits.memory_kib > 0 {
        let memory = both(u64::from(process.limits.memory_kib) * 1024);
        call("limit memory", setrlimit(Resource::Data, memory))?;
    }
    Ok(())
}

/// What could come back with a later exec; there is none with `no_new_privs` and without the calls,
/// but each holds alone.
fn bounding(keep: CapabilitySet, had: CapabilitySet) -> Result<(), ConfineError> {
    if !had.contains(CapabilitySet::SETPCAP) {
        // Only who runs without root gets here: it has nothing to bound, and may not.
        return Ok(());
    }
    for bit in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        if keep.contains(one) {
            continue;
        }
        match capability_is_in_bounding_set(one) {
            Ok(true) => {
                let removed = remove_capability_from_bounding_set(one);
                call("drop a capability from the bounding set", removed)?;
            }
            Ok(false) => {}
            // Beyond the last one that this kernel knows.
            Err(_) => break,
        }
    }
    Ok(())
}

fn user(process: &Process) -> Result<(), ConfineError> {
    let now = geteuid();
    if !now.is_root() {
        return match now.as_raw() == process.user {
            true => Ok(()),
            false => Err(ConfineError::User(now.as_raw(), process.user)),
        };
    }
    call("keep capabilities", set_keep_capabilities(!process.capabilities.is_empty()))?;
    let (uid, gid) = (Uid::from_raw(process.user), Gid::from_raw(process.group));
    call("drop groups", set_thread_groups(&[]))?;
    call("change the group", set_thread_res_gid(gid, gid, gid))?;
    call("change the user", set_thread_res_uid(uid, uid, uid))?;
    call("keep no further capabilities", set_keep_capabilities(false))
}
