//! Makes a service fail on purpose, so that a test on the device sees whether the product recovers.
#![cfg_attr(not(test), no_std)]

use embassy_time::{Duration, Instant};
use tarsia_service::{Exit, Slot};

/// The component's features.
pub struct Config {
    /// The service that fails.
    pub target: &'static str,
    /// Time before the first fault, and between two.
    pub after: Duration,
    /// How it fails.
    pub fault: Fault,
    /// Number of faults.
    pub times: u32,
}

pub use tarsia_service::Fault;

/// Injects the faults; done after the last one.
pub async fn run(slot: &Slot, config: &'static Config, services: &'static [&'static Slot]) -> Exit {
    let Some(target) = services.iter().find(|service| service.name() == config.target) else {
        return Exit::Failed("find the service that is to fail");
    };
    for _ in 0..config.times {
        slot.sleep_until(Instant::now() + config.after).await;
        log::warn!(target: "fault-injector", "{:?} into {}", config.fault, target.name());
        target.inject(config.fault);
    }
    Exit::Done
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::future::pending;
    use embassy_time::with_timeout;
    use tarsia_service::State;
    use tarsia_test_clock::run_for;

    const SECOND: Duration = Duration::from_secs(1);
    static CONFIG: Config = Config { target: "victim", after: SECOND, fault: Fault::End, times: 1 };

    #[test]
    fn the_named_service_fails_when_due() {
        static OTHER: Slot = Slot::new("other");
        static VICTIM: Slot = Slot::new("victim");
        static SLOTS: [&Slot; 2] = [&OTHER, &VICTIM];
        let [other, victim] = SLOTS;
        let (mut first, mut second) = (
            Box::pin(other.keep(async || pending().await)),
            Box::pin(victim.keep(async || pending().await)),
        );
        run_for(first.as_mut(), Duration::MIN);
        run_for(second.as_mut(), Duration::MIN);
        let injector = Slot::new("fault-injector");
        let mut run = Box::pin(run(&injector, &CONFIG, &SLOTS));
        assert_eq!(run_for(run.as_mut(), SECOND / 2), None);
        run_for(second.as_mut(), Duration::MIN);
        assert_eq!(victim.state(), State::Running);
        assert_eq!(run_for(run, SECOND), Some(Exit::Done));
        run_for(first.as_mut(), Duration::MIN);
        run_for(second.as_mut(), Duration::MIN);
        assert_eq!(victim.state(), State::Ended(Exit::Killed));
        assert_eq!(other.state(), State::Running);
    }

    #[test]
    fn an_unknown_target_is_a_failure() {
        let slot = Slot::new("fault-injector");
        let ended = run_for(with_timeout(SECOND, run(&slot, &CONFIG, &[])), SECOND * 2);
        assert!(matches!(ended, Some(Ok(Exit::Failed(_)))));
    }
}
