//! Where one process stands, and what follows from what happens to it.

use tarsia_process::Stage;

use crate::machine::{End, GRACE_MS, Rules, Step};
use crate::news::Event;
use crate::process::{Ready, Restart};

/// The wait before a restart doubles at most this often.
const DOUBLINGS: u32 = 6;

pub(super) enum Phase {
    Waiting,
    Up {
        heard: u64,
        ready: bool,
    },
    /// Killed for its silence; its end is not yet seen.
    Killed {
        why: String,
    },
    BackOff {
        until: u64,
    },
    Done,
    GivenUp,
    /// Told to end; killed when this time has come, and once it was, no longer waited for.
    Stopping {
        until: u64,
        killed: bool,
    },
    Stopped,
}

pub(super) struct Case {
    pub phase: Phase,
    since: u64,
    /// Failures since it was last ready for long enough, or ever.
    row: u32,
    restarts: u32,
    failure: Option<String>,
}

impl Case {
    pub fn new(now: u64) -> Self {
        Self { phase: Phase::Waiting, since: now, row: 0, restarts: 0, failure: None }
    }

    fn turn(&mut self, phase: Phase, now: u64) {
        self.phase = phase;
        self.since = now;
    }

    pub fn start(&mut self, now: u64) {
        self.turn(Phase::Up { heard: now, ready: false }, now);
    }

    pub fn orphan_at(&mut self, now: u64) {
        self.turn(Phase::GivenUp, now);
    }

    /// One more restart; how many there were.
    pub fn restarted(&mut self) -> u32 {
        self.restarts = self.restarts.saturating_add(1);
        self.restarts
    }

    /// It gave a sign of life; whether it became ready by it.
    pub fn heard(&mut self, now_ready: bool, now: u64) -> bool {
        let Phase::Up { heard, ready } = &mut self.phase else { return false };
        *heard = now;
        if *ready || !now_ready {
            return false;
        }
        *ready = true;
        self.since = now;
        true
    }

    /// Why it has to be killed: it is silent, or has not become ready, for too long.
    pub fn overdue(&self, rules: &Rules, now: u64) -> Option<String> {
        let Phase::Up { heard, ready } = self.phase else { return None };
        let over = |limit: u32, from: u64| limit > 0 && now.saturating_sub(from) > u64::from(limit);
        if over(rules.alive_within_ms, heard) {
            return Some(format!("is silent for {} ms", now - heard));
        }
        match rules.ready {
            Ready::Told { within_ms } if !ready && over(within_ms, self.since) => {
                Some(format!("is not ready after {} ms", now - self.since))
            }
            _ => None,
        }
    }

    /// It is to be killed, for this reason.
    pub fn kill(&mut self, why: String, rules: &Rules, now: u64) {
        self.recover(rules, now);
        self.phase = Phase::Killed { why };
    }

    /// Ends the row of failures if it had recovered by now. One that has to give signs of life was well until
    /// the last of them.
    fn recover(&mut self, rules: &Rules, now: u64) {
        let Phase::Up { heard, ready: true } = self.phase else { return };
        let until = if rules.alive_within_ms > 0 { heard } else { now };
        let after = u64::from(rules.restart.recovered_after_ms);
        if after > 0 && until.saturating_sub(self.since) >= after {
            self.row = 0;
        }
    }

    pub fn ended(&mut self, rules: &Rules, end: End, now: u64) -> Option<Event> {
        self.recover(rules, now);
        let why = match (&self.phase, end) {
            (Phase::Stopping { .. }, _) => {
                self.turn(Phase::Stopped, now);
                return None;
            }
            (Phase::Up { .. }, End::Done) => {
                self.turn(Phase::Done, now);
                return Some(Event::Done);
            }
            (Phase::Up { .. }, End::Failed(why)) => why,
            (Phase::Killed { why }, _) => why.clone(),
            // Nothing runs in these: a second report of the same end.
            _ => return None,
        };
        self.failure = Some(why.clone());
        let Restart { limit, back_off_ms, .. } = rules.restart;
        if self.row >= limit {
            self.turn(Phase::GivenUp, now);
            return Some(Event::GivenUp { why, restarts: self.row });
        }
        let wait_ms = u64::from(back_off_ms) << self.row.min(DOUBLINGS);
        self.row += 1;
        self.turn(Phase::BackOff { until: now + wait_ms }, now);
        Some(Event::Failed { why, wait_ms })
    }

    /// On the way to the end of all; `depended`: one that waits for this is still there.
    pub fn stop(&mut self, depended: bool, now: u64, index: usize) -> Option<Step> {
        match self.phase {
            Phase::Up { .. } if !depended => {
                self.turn(Phase::Stopping { until: now + GRACE_MS, killed: false }, now);
                Some(Step::Terminate(index))
            }
            Phase::Killed { .. } => {
                self.turn(Phase::Stopping { until: now + GRACE_MS, killed: true }, now);
                None
            }
            Phase::Stopping { until, killed: false } if now >= until => {
                self.phase = Phase::Stopping { until: now + GRACE_MS, killed: true };
                Some(Step::Kill(index))
            }
            // SIGKILL waits for a process that waits for a device, and that can be for ever.
            Phase::Stopping { until, killed: true } if now >= until => {
                self.turn(Phase::Stopped, now);
                Some(Step::Say(index, Event::Stuck))
            }
            Phase::Waiting | Phase::BackOff { .. } => {
                self.turn(Phase::Stopped, now);
                None
            }
            _ => None,
        }
    }

    pub fn next(&self, rules: &Rules, stopping: bool) -> Option<u64> {
        match self.phase {
            Phase::Stopping { until, .. } => Some(until),
            _ if stopping => None,
            Phase::BackOff { until } => Some(until),
            Phase::Up { heard, ready } => {
                // `overdue` is when more than the limit has passed.
                let after =
                    |limit: u32, from: u64| (limit > 0).then(|| from + u64::from(limit) + 1);
                let told = match rules.ready {
                    Ready::Told { within_ms } if !ready => after(within_ms, self.since),
                    _ => None,
                };
                after(rules.alive_within_ms, heard).into_iter().chain(told).min()
            }
            _ => None,
        }
    }

    /// There is a process of the operating system, as far as is known, and it is waited for.
    pub fn is_there(&self) -> bool {
        matches!(self.phase, Phase::Up { .. } | Phase::Killed { .. } | Phase::Stopping { .. })
    }

    /// Those that wait for it may start.
    pub fn is_satisfied(&self) -> bool {
        matches!(self.phase, Phase::Up { ready: true, .. } | Phase::Done)
    }

    pub fn stage(&self) -> Stage {
        match self.phase {
            Phase::Waiting => Stage::Waiting,
            Phase::Up { ready: false, .. } | Phase::Killed { .. } => Stage::Starting,
            Phase::Up { ready: true, .. } => Stage::Ready,
            Phase::BackOff { .. } => Stage::BackingOff,
            Phase::Done => Stage::Done,
            Phase::GivenUp => Stage::GivenUp,
            Phase::Stopping { .. } | Phase::Stopped => Stage::Stopping,
        }
    }

    pub fn since(&self) -> u64 {
        self.since
    }

    pub fn restarts(&self) -> u32 {
        self.restarts
    }

    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }
}
