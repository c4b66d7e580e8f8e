//! The actions of a build, each after those it reads from.

use std::collections::BTreeSet;

use super::action::{Action, Origin};

/// The place of an action in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionId(pub usize);

/// The actions of a build. An action can only read from those added before it, so there are no
/// circles.
#[derive(Debug, Default)]
pub struct Graph<'w> {
    actions: Vec<Action<'w>>,
    needs: Vec<Vec<usize>>,
    users: Vec<Vec<usize>>,
}

impl<'w> Graph<'w> {
    /// Adds an action.
    pub fn add(&mut self, action: Action<'w>) -> ActionId {
        let at = self.actions.len();
        let read = action.inputs.values().filter_map(|origin| match origin {
            Origin::Output(ActionId(from), _) => Some(*from),
            _ => None,
        });
        let mut needs: Vec<usize> = read.collect();
        needs.sort_unstable();
        needs.dedup();
        assert!(needs.iter().all(|from| *from < at), "an action reads from earlier ones");
        for from in &needs {
            self.users[*from].push(at);
        }
        self.needs.push(needs);
        self.users.push(Vec::new());
        self.actions.push(action);
        ActionId(at)
    }

    /// Every action, each after those it reads from.
    pub fn actions(&self) -> &[Action<'w>] {
        &self.actions
    }

    /// Whom an action reads from.
    pub fn needs(&self, at: usize) -> &[usize] {
        &self.needs[at]
    }

    /// Who reads from an action.
    pub fn users(&self, at: usize) -> &[usize] {
        &self.users[at]
    }

    /// Everything that has to be done before an action.
    pub fn before(&self, at: usize) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = self.needs[at].clone();
        while let Some(at) = open.pop() {
            if found.insert(at) {
                open.extend(&self.needs[at]);
            }
        }
        found
    }

    /// How long it takes from the start of each action to the end of the last that waits for it, given
    /// how long each takes: who has the most behind it starts first.
    pub fn urgency(&self, cost: &[u64]) -> Vec<u64> {
        let mut urgency = cost.to_vec();
        for at in (0..self.actions.len()).rev() {
            let behind = self.users[at].iter().map(|user| urgency[*user]).max().unwrap_or(0);
            urgency[at] = urgency[at].saturating_add(behind);
        }
        urgency
    }
}
