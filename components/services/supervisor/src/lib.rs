//! Restarts services that ended or fell silent, and feeds the watchdogs while all is well. Its own
//! silence, and that of a kernel held up by a service that never yields, is the watchdogs' case.
#![cfg_attr(not(test), no_std)]

mod policy;
mod watchdogs;

use embassy_time::{Duration, Instant};
use heapless::Vec;
use tarsia_service::{Exit, Slot};

pub use crate::watchdogs::Watchdogs;

use crate::policy::{Case, Limits, Reason, Verdict};

/// Time between two looks at the services, and two feedings of the watchdogs.
const PACE: Duration = Duration::from_millis(500);
/// The most services that are watched: as many tasks as the timer queue of embassy-time holds.
const MAX_SERVICES: usize = 16;

/// The component's features.
pub struct Config {
    /// Silence after which a service counts as stuck.
    pub deadline: Duration,
    /// Wait before a restart; it doubles with each restart in a row.
    pub backoff: Duration,
    /// Restarts in a row before a service is given up.
    pub restarts: u32,
    /// What a given-up service means for the watchdogs.
    pub give_up: GiveUp,
}

/// Values of the feature `give-up`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// The watchdogs are no longer fed.
    Reset,
    /// The watchdogs are fed all the same.
    RunOn,
}

/// Watches every service but itself.
pub async fn run(
    slot: &Slot,
    config: &'static Config,
    services: &'static [&'static Slot],
    watchdogs: &mut impl Watchdogs,
) -> Exit {
    let &Config { deadline, backoff, restarts, give_up } = config;
    let limits = Limits { deadline, backoff, restarts };
    let now = Instant::now();
    let mut cases = Vec::<(&Slot, Case), MAX_SERVICES>::new();
    for &service in services.iter().filter(|service| !core::ptr::eq(**service, slot)) {
        if cases.push((service, Case::new(service.beats(), now))).is_err() {
            return Exit::Failed("watch more than 16 services");
        }
    }
    let mut hungry = false;
    loop {
        let now = Instant::now();
        for (service, case) in &mut cases {
            let verdict = case.judge(&limits, service.state(), service.beats(), now);
            hungry |= act(service, verdict) && give_up == GiveUp::Reset;
        }
        if !hungry {
            watchdogs.feed();
        }
        slot.sleep_until(now + PACE).await;
    }
}

/// Does what the verdict says, and reports it; whether the service was given up.
fn act(service: &Slot, verdict: Verdict) -> bool {
    let name = service.name();
    match verdict {
        Verdict::Well => {}
        Verdict::Failed { reason: Reason::Ended(exit), wait } => {
            log::warn!(target: "supervisor", "{name} ended ({exit}); restart in {} ms", wait.as_millis());
        }
        Verdict::Failed { reason: Reason::Silent(time), wait } => {
            log::warn!(target: "supervisor", "{name} is silent for {} ms; restart in {} ms", time.as_millis(), wait.as_millis());
        }
        Verdict::Restart => {
            service.restart();
            log::info!(target: "supervisor", "{name} restarted (restart {})", service.restarts() + 1);
        }
        Verdict::GiveUp { restarts } => {
            log::error!(target: "supervisor", "{name} given up after {restarts} restarts in a row");
        }
    }
    matches!(verdict, Verdict::GiveUp { .. })
}
