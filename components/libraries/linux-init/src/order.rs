//! Who waits for whom: the names of the table as indices, and what is wrong with them.

use crate::Process;

/// What is wrong with the table.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TableProblem {
    #[error("two processes are named `{0}`")]
    Twice(&'static str),
    #[error("`{process}` waits for `{after}`, which is no process")]
    Unknown { process: &'static str, after: &'static str },
    #[error("these wait for each other and would never start: {}", .0.join(", "))]
    Cycle(Vec<&'static str>),
}

/// For each process, the indices of those it waits for.
///
/// # Errors
/// All problems at once. Composing a product finds them earlier; a table that was written by hand
/// gets here.
pub(crate) fn after(processes: &[Process]) -> Result<Vec<Vec<usize>>, Vec<TableProblem>> {
    let mut problems = Vec::new();
    let find = |name: &str| processes.iter().position(|process| process.name == name);
    let mut lists = Vec::new();
    for (index, process) in processes.iter().enumerate() {
        if find(process.name) != Some(index) {
            problems.push(TableProblem::Twice(process.name));
        }
        let mut list = Vec::new();
        for after in process.after {
            match find(after) {
                Some(other) => list.push(other),
                None => problems.push(TableProblem::Unknown { process: process.name, after }),
            }
        }
        lists.push(list);
    }
    let stuck = stuck(&lists);
    if !stuck.is_empty() {
        let names = stuck.into_iter().map(|index| processes[index].name).collect();
        problems.push(TableProblem::Cycle(names));
    }
    if problems.is_empty() { Ok(lists) } else { Err(problems) }
}

/// Those that are on a cycle or wait for one that is.
fn stuck(lists: &[Vec<usize>]) -> Vec<usize> {
    let mut free = vec![false; lists.len()];
    loop {
        let mut more = false;
        for (index, list) in lists.iter().enumerate() {
            if !free[index] && list.iter().all(|&other| free[other]) {
                free[index] = true;
                more = true;
            }
        }
        if !more {
            return (0..lists.len()).filter(|&index| !free[index]).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::tests::process;

    fn table(rows: &[(&'static str, &'static [&'static str])]) -> Vec<Process> {
        rows.iter().map(|&(name, after)| Process { name, after, ..process() }).collect()
    }

    #[test]
    fn names_become_indices_in_any_order() {
        let table = table(&[("page", &["net", "log"]), ("log", &[]), ("net", &["log"])]);
        assert_eq!(after(&table), Ok(vec![vec![2, 1], vec![], vec![1]]));
    }

    #[test]
    fn every_problem_is_named() {
        let table = table(&[
            ("a", &["b"]),
            ("b", &["a"]),
            ("c", &["b", "nobody"]),
            ("d", &["d"]),
            ("e", &[]),
            ("e", &[]),
        ]);
        let problems = [
            TableProblem::Unknown { process: "c", after: "nobody" },
            TableProblem::Twice("e"),
            TableProblem::Cycle(vec!["a", "b", "c", "d"]),
        ];
        assert_eq!(after(&table), Err(problems.into()));
    }
}
