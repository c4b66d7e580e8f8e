//! What init does next, for all processes. Pure: it is told the time and what happened, and answers
//! with steps. The driver around it (`init.rs`) has no opinions.

mod case;
#[cfg(test)]
mod tests;

use tarsia_process::{Stage, Word};

use crate::machine::case::{Case, Phase};
use crate::news::Event;
use crate::process::{Ready, Restart};

/// How long a process may take to end after SIGTERM, and again after SIGKILL, in milliseconds.
pub(crate) const GRACE_MS: u64 = 3_000;

/// What the table says of one process, as far as supervision goes.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub after: Vec<usize>,
    pub restart: Restart,
    pub alive_within_ms: u32,
    pub ready: Ready,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    /// In words that follow the process's name.
    Failed(String),
}

/// Something to do. What is said of processes is an index into the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Start it; [`Machine::ended`] if that is not possible.
    Start(usize),
    /// Send it SIGTERM.
    Terminate(usize),
    /// Send it SIGKILL.
    Kill(usize),
    Say(usize, Event),
    /// Every process has become ready or done, for the first time.
    AllReady,
    /// A stop was asked for, and no process is left that could end.
    Stopped,
}

/// All processes.
pub(crate) struct Machine {
    rules: Vec<Rules>,
    cases: Vec<Case>,
    stopping: bool,
    stopped: bool,
    ready_at: Option<u64>,
    /// Found while events came in; taken by the next [`Machine::due`].
    said: Vec<Step>,
}

impl Machine {
    /// All processes, none started. Times are in milliseconds since any moment.
    pub fn new(rules: Vec<Rules>, now: u64) -> Self {
        let cases = rules.iter().map(|_| Case::new(now)).collect();
        Self { rules, cases, stopping: false, stopped: false, ready_at: None, said: Vec::new() }
    }

    /// The process said something.
    pub fn told(&mut self, index: usize, word: Word, now: u64) {
        let now_ready = match word {
            Word::Started => self.rules[index].ready == Ready::Started,
            Word::Ready => true,
            Word::Alive => false,
        };
        if self.cases[index].heard(now_ready, now) {
            self.said.push(Step::Say(index, Event::Ready));
        }
    }

    /// The process ended, or could not be started.
    pub fn ended(&mut self, index: usize, end: End, now: u64) {
        let event = self.cases[index].ended(&self.rules[index], end, now);
        self.said.extend(event.map(|event| Step::Say(index, event)));
    }

    /// Ends all processes, those first that others do not wait for. Again is without effect.
    pub fn stop(&mut self) {
        self.stopping = true;
    }

    /// What is to be done at this time. Starts that are returned count as done.
    pub fn due(&mut self, now: u64) -> Vec<Step> {
        let mut steps = std::mem::take(&mut self.said);
        if self.stopping {
            self.stop_some(now, &mut steps);
        } else {
            self.keep(now, &mut steps);
        }
        steps
    }

    fn keep(&mut self, now: u64, steps: &mut Vec<Step>) {
        for index in 0..self.cases.len() {
            if let Some(why) = self.cases[index].overdue(&self.rules[index], now) {
                self.cases[index].kill(why, &self.rules[index], now);
                steps.push(Step::Kill(index));
            }
            match self.cases[index].phase {
                Phase::Waiting if self.may_start(index) => {
                    self.cases[index].start(now);
                    steps.push(Step::Start(index));
                }
                Phase::Waiting => {
                    if let Some(after) = self.orphaned_by(index) {
                        self.cases[index].orphan_at(now);
                        steps.push(Step::Say(index, Event::Orphaned { after }));
                    }
                }
                Phase::BackOff { until } if now >= until => {
                    self.cases[index].start(now);
                    let restarts = self.cases[index].restarted();
                    steps.push(Step::Start(index));
                    steps.push(Step::Say(index, Event::Restarted(restarts)));
                }
                _ => {}
            }
        }
        if self.ready_at.is_none() && self.cases.iter().all(Case::is_satisfied) {
            self.ready_at = Some(now);
            steps.push(Step::AllReady);
        }
    }

    fn may_start(&self, index: usize) -> bool {
        self.rules[index].after.iter().all(|&other| self.cases[other].is_satisfied())
    }

    fn orphaned_by(&self, index: usize) -> Option<usize> {
        let lost = |&&other: &&usize| matches!(self.cases[other].phase, Phase::GivenUp);
        self.rules[index].after.iter().find(lost).copied()
    }

    fn stop_some(&mut self, now: u64, steps: &mut Vec<Step>) {
        let before = steps.len();
        for index in 0..self.cases.len() {
            let depended = (0..self.cases.len()).any(|other| {
                self.cases[other].is_there() && self.rules[other].after.contains(&index)
            });
            steps.extend(self.cases[index].stop(depended, now, index));
        }
        // One that is no longer waited for frees others, and no event will tell.
        if steps[before..].iter().any(|step| matches!(step, Step::Say(_, Event::Stuck))) {
            return self.stop_some(now, steps);
        }
        if !self.stopped && self.cases.iter().all(|case| !case.is_there()) {
            self.stopped = true;
            steps.push(Step::Stopped);
        }
    }

    /// When [`Machine::due`] has something to do if nothing happens before.
    pub fn next(&self) -> Option<u64> {
        if !self.said.is_empty() {
            return Some(0);
        }
        let times = self.cases.iter().zip(&self.rules);
        times.filter_map(|(case, rules)| case.next(rules, self.stopping)).min()
    }

    /// When every process was ready or done for the first time.
    pub fn ready_at(&self) -> Option<u64> {
        self.ready_at
    }

    /// Where a process stands, since when, how often it was started again, and why it last failed.
    pub fn standing(&self, index: usize) -> (Stage, u64, u32, Option<&str>) {
        let case = &self.cases[index];
        (case.stage(), case.since(), case.restarts(), case.failure())
    }
}
