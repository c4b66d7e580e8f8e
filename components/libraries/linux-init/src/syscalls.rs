//! Which system calls a process may make: seccomp filters from the groups and names of the table.

mod groups;
mod names;

use std::collections::BTreeMap;

use seccompiler::{
    BackendError, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::Refused;
use crate::syscalls::groups::{Allow, BASE, group};
use crate::syscalls::names::{Number, number};

/// Why there is no filter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyscallProblem {
    #[error("`{0}` is neither a system call nor a group of them")]
    Unknown(String),
    #[error("make the filter of system calls: {0}")]
    Filter(#[from] BackendError),
    #[error("install the filter of system calls: {0}")]
    Install(#[from] seccompiler::Error),
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// From now on only these calls, for this thread and those it starts. Without any, no filter.
pub(crate) fn install(allowed: &[&str], refused: Refused) -> Result<(), SyscallProblem> {
    if allowed.is_empty() {
        return Ok(());
    }
    let refusal = match refused {
        Refused::Error => SeccompAction::Errno(libc::EPERM as u32),
        Refused::Kill => SeccompAction::KillProcess,
    };
    // clone3 takes its flags in memory, where no filter sees them. To the C library, ENOSYS means
    // that the kernel is older and that clone, whose flags are seen, is to be used. Of two filters
    // the stricter answer counts, so this one goes with `clone3` being allowed by the other.
    let missing = Rules::from([(libc::SYS_clone3, Vec::new())]);
    let absent = SeccompAction::Errno(libc::ENOSYS as u32);
    let main = filter(rules(allowed)?, refusal, SeccompAction::Allow)?;
    let absent = filter(missing, SeccompAction::Allow, absent)?;
    apply_filter(&absent)?;
    apply_filter(&main)?;
    Ok(())
}

fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<seccompiler::BpfProgram, BackendError> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    SeccompFilter::new(rules, otherwise, matching, arch)?.try_into()
}

/// The rules by call; a call with an empty list is allowed whatever its arguments.
fn rules(allowed: &[&str]) -> Result<Rules, SyscallProblem> {
    let mut rules = Rules::new();
    let mut take = |allow: &Allow| -> Result<(), SyscallProblem> {
        let number = match number(allow.call) {
            Number::Is(number) => number,
            Number::Absent => return Ok(()),
            Number::Unknown => return Err(SyscallProblem::Unknown(allow.call.to_owned())),
        };
        match allow.when {
            None => drop(rules.insert(number, Vec::new())),
            Some(when) => {
                let op = SeccompCmpOp::MaskedEq(when.mask);
                let length = SeccompCmpArgLen::Dword;
                let condition = SeccompCondition::new(when.argument, length, op, when.equals)?;
                let rule = SeccompRule::new(vec![condition])?;
                match rules.get_mut(&number) {
                    // Already allowed whatever the arguments.
                    Some(list) if list.is_empty() => {}
                    Some(list) => list.push(rule),
                    None => drop(rules.insert(number, vec![rule])),
                }
            }
        }
        Ok(())
    };
    BASE.iter().try_for_each(&mut take)?;
    for &name in allowed {
        match group(name) {
            Some(group) => group.iter().try_for_each(&mut take)?,
            None => take(&Allow { call: name_of(name)?, when: None })?,
        }
    }
    Ok(rules)
}

/// The name as the table of names has it.
fn name_of(name: &str) -> Result<&'static str, SyscallProblem> {
    names::known(name).ok_or_else(|| SyscallProblem::Unknown(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_made_of_calls_that_exist() {
        for name in groups::NAMES {
            let rules = rules(&[name]).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(
                filter(rules, SeccompAction::KillProcess, SeccompAction::Allow).is_ok(),
                "{name}"
            );
        }
        let all = rules(groups::NAMES).expect("all together");
        let program = filter(all, SeccompAction::KillProcess, SeccompAction::Allow).expect("made");
        // Linux refuses programs of more than BPF_MAXINSNS (4,096) instructions.
        assert!(program.len() < 1_000, "{}", program.len());
    }

    #[test]
    fn a_name_that_is_none_is_told() {
        let error = rules(&["io", "raed"]).expect_err("a mistake");
        assert_eq!(error.to_string(), "`raed` is neither a system call nor a group of them");
    }

    #[test]
    fn what_is_allowed_without_condition_stays_so() {
        let open = libc::SYS_openat;
        assert_eq!(rules(&["files"]).expect("rules")[&open].len(), 1, "for reading");
        for both in [["files", "files-write"], ["files-write", "files"]] {
            assert!(rules(&both).expect("rules")[&open].is_empty(), "{both:?}");
        }
        assert!(!rules(&["io"]).expect("rules").contains_key(&libc::SYS_execve));
        let threads = rules(&["threads"]).expect("rules");
        assert_eq!(threads[&libc::SYS_clone].len(), 1, "for threads");
        assert!(!threads.contains_key(&libc::SYS_execve));
    }
}
