//! When a service is restarted, and when it is given up. Pure: it is told the time.

use embassy_time::{Duration, Instant};
use tarsia_service::{Exit, State};

/// A service has recovered when it has answered for this many deadlines: the row of restarts ends.
const RECOVERY: u32 = 10;
/// The wait before a restart doubles at most this often.
const DOUBLINGS: u32 = 6;

/// What is borne with.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub deadline: Duration,
    /// The wait before the first restart of a row.
    pub backoff: Duration,
    /// Restarts in a row.
    pub restarts: u32,
}

/// Why a service needs a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Ended(Exit),
    /// It gave no heartbeat for this long.
    Silent(Duration),
}

/// What follows from a look at a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing to do, or nothing new.
    Well,
    /// It failed just now; a restart follows after `wait`.
    Failed { reason: Reason, wait: Duration },
    /// It is to be restarted now.
    Restart,
    /// It failed just now, once too often.
    GiveUp { restarts: u32 },
}

/// What is known of one service.
pub(crate) struct Case {
    beats: u32,
    /// When its count of beats last changed, or it was started.
    heard: Instant,
    phase: Phase,
    /// Restarts in a row.
    row: u32,
}

enum Phase {
    /// Answering since.
    Up(Instant),
    RestartAt(Instant),
    GivenUp,
}

impl Case {
    pub fn new(beats: u32, now: Instant) -> Self {
        Self { beats, heard: now, phase: Phase::Up(now), row: 0 }
    }

    /// Looks at the service; `beats` is its count of heartbeats.
    pub fn judge(&mut self, limits: &Limits, state: State, beats: u32, now: Instant) -> Verdict {
        if beats != self.beats {
            self.beats = beats;
            self.heard = now;
        }
        match self.phase {
            Phase::Up(since) => {
                let silence = now.saturating_duration_since(self.heard);
                let reason = match state {
                    State::Ended(Exit::Done) => return Verdict::Well,
                    State::Ended(exit) => Reason::Ended(exit),
                    State::Waiting | State::Running if silence > limits.deadline => {
                        Reason::Silent(silence)
                    }
                    State::Waiting | State::Running => {
                        if now.saturating_duration_since(since) >= limits.deadline * RECOVERY {
                            self.row = 0;
                        }
                        return Verdict::Well;
                    }
                };
                self.failed(limits, reason, now)
            }
            Phase::RestartAt(at) if now >= at => {
                self.heard = now;
                self.phase = Phase::Up(now);
                Verdict::Restart
            }
            Phase::RestartAt(_) | Phase::GivenUp => Verdict::Well,
        }
    }

    fn failed(&mut self, limits: &Limits, reason: Reason, now: Instant) -> Verdict {
        if self.row >= limits.restarts {
            self.phase = Phase::GivenUp;
            return Verdict::GiveUp { restarts: self.row };
        }
        let wait = limits.backoff * (1 << self.row.min(DOUBLINGS));
        self.phase = Phase::RestartAt(now + wait);
        self.row += 1;
        Verdict::Failed { reason, wait }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits =
        Limits { deadline: Duration::from_secs(5), backoff: Duration::from_secs(1), restarts: 3 };

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    #[test]
    fn a_service_that_beats_or_is_done_is_left_alone() {
        let mut case = Case::new(0, at(0));
        for second in 1..100 {
            let beats = (second / 4) as u32;
            assert_eq!(case.judge(&LIMITS, State::Running, beats, at(second)), Verdict::Well);
        }
        let done = State::Ended(Exit::Done);
        assert_eq!(case.judge(&LIMITS, done, 0, at(1000)), Verdict::Well);
    }

    #[test]
    fn silence_is_noticed_after_the_deadline_and_once() {
        let mut case = Case::new(7, at(0));
        assert_eq!(case.judge(&LIMITS, State::Running, 7, at(5)), Verdict::Well);
        let reason = Reason::Silent(Duration::from_secs(6));
        let failed = Verdict::Failed { reason, wait: LIMITS.backoff };
        assert_eq!(case.judge(&LIMITS, State::Running, 7, at(6)), failed);
        assert_eq!(case.judge(&LIMITS, State::Running, 7, at(6)), Verdict::Well);
        assert_eq!(case.judge(&LIMITS, State::Running, 7, at(7)), Verdict::Restart);
        assert_eq!(case.judge(&LIMITS, State::Running, 7, at(12)), Verdict::Well);
    }

    /// Judges a service that ends at once, second by second: the seconds of its restarts, and of
    /// its being given up.
    fn always_ending(limits: &Limits, seconds: u64) -> (Vec<u64>, Option<u64>) {
        let (mut case, mut restarts) = (Case::new(0, at(0)), Vec::new());
        for second in 0..seconds {
            match case.judge(limits, State::Ended(Exit::Killed), 0, at(second)) {
                Verdict::Restart => restarts.push(second),
                Verdict::GiveUp { restarts: row } => {
                    assert_eq!(row as usize, restarts.len());
                    return (restarts, Some(second));
                }
                _ => {}
            }
        }
        (restarts, None)
    }

    #[test]
    fn waits_double_and_then_the_service_is_given_up() {
        // Failed at 0, 2, 5; each time noticed a second after the restart.
        assert_eq!(always_ending(&LIMITS, 100), (vec![1, 4, 9], Some(10)));
        assert_eq!(always_ending(&Limits { restarts: 0, ..LIMITS }, 100), (vec![], Some(0)));
    }

    #[test]
    fn a_row_ends_with_recovery() {
        let mut case = Case::new(0, at(0));
        let mut now = 0;
        for _ in 0..10 {
            let ended = State::Ended(Exit::Failed("test"));
            let failed = case.judge(&LIMITS, ended, 0, at(now));
            assert!(matches!(failed, Verdict::Failed { wait, .. } if wait == LIMITS.backoff));
            assert_eq!(case.judge(&LIMITS, ended, 0, at(now + 1)), Verdict::Restart);
            for second in 2..=60 {
                let beats = (now + second) as u32;
                assert_eq!(
                    case.judge(&LIMITS, State::Running, beats, at(now + second)),
                    Verdict::Well
                );
            }
            now += 61;
        }
    }

    proptest! {
        #[test]
        fn never_more_restarts_in_a_row_than_allowed(
            restarts in 0u32..20, backoff in 1u64..5, beating in any::<bool>(),
        ) {
            let limits = Limits { restarts, backoff: Duration::from_secs(backoff), ..LIMITS };
            let (seen, given_up) = always_ending(&limits, 20_000);
            prop_assert_eq!(seen.len() as u32, restarts);
            prop_assert!(given_up.is_some());
            // One that beats is never touched, whatever the limits.
            let mut case = Case::new(0, at(0));
            for second in 0..200u64 {
                let beats = if beating { second as u32 } else { 0 };
                let verdict = case.judge(&limits, State::Running, beats, at(second));
                prop_assert!(!beating || verdict == Verdict::Well);
            }
        }
    }
}
