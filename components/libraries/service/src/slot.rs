//! The place a service lives in: it outlives the service, counts its heartbeats and restarts it.

use core::cell::Cell;
use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::CriticalSectionMutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use embassy_time::{Duration, Instant, Timer};

use crate::Exit;
#[cfg(feature = "faults")]
use crate::order::Fault;
use crate::order::Order;

/// The longest time between two heartbeats of a service that waits through [`Slot::idle`].
/// A supervisor's deadline is at least twice as long.
pub const BEAT: Duration = Duration::from_secs(1);

/// Where a slot's service stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The kernel has not yet started it.
    Waiting,
    /// It was started and has not ended; whether it answers is told by its heartbeats.
    Running,
    /// It ended, and stays so until a restart is ordered.
    Ended(Exit),
}

/// One service of the image, as its kernel, its supervisor and itself see it.
pub struct Slot {
    name: &'static str,
    state: CriticalSectionMutex<Cell<State>>,
    beats: AtomicU32,
    restarts: AtomicU32,
    orders: Signal<CriticalSectionRawMutex, Order>,
}

impl Slot {
    /// The slot of the service of this name, not yet started.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            state: CriticalSectionMutex::new(Cell::new(State::Waiting)),
            beats: AtomicU32::new(0),
            restarts: AtomicU32::new(0),
            orders: Signal::new(),
        }
    }

    /// The service's name, as in the product's manifest.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where the service stands.
    pub fn state(&self) -> State {
        self.state.lock(Cell::get)
    }

    /// The number of heartbeats so far; it wraps, so compare for equality only.
    pub fn beats(&self) -> u32 {
        self.beats.load(Relaxed)
    }

    /// How often the service was started again.
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Relaxed)
    }

    /// Called by the service: it works as intended. Due at least once per supervisor's deadline.
    pub fn alive(&self) {
        self.beats.fetch_add(1, Relaxed);
    }

    /// Called by the service: waits for something that may rightly take long, alive meanwhile.
    /// What should come soon, such as a device's answer, is awaited without it.
    pub async fn idle<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            self.alive();
            if let Either::First(output) = select(future.as_mut(), Timer::after(BEAT)).await {
                return output;
            }
        }
    }

    /// Called by the service: sleeps until `at`, alive meanwhile.
    pub async fn sleep_until(&self, at: Instant) {
        self.idle(Timer::at(at)).await;
    }

    /// Called by a supervisor: the service is dropped at its current await, if it still runs, and
    /// started again. Without effect on one that never yields.
    pub fn restart(&self) {
        self.orders.signal(Order::Restart);
    }

    /// Called by a test: makes the service fail at its current await.
    #[cfg(feature = "faults")]
    pub fn inject(&self, fault: Fault) {
        self.orders.signal(Order::Fault(fault));
    }

    /// Called by the kernel: runs the service, and again whenever a restart is ordered.
    pub async fn keep(&self, mut service: impl AsyncFnMut() -> Exit) -> ! {
        loop {
            self.set(State::Running);
            // The block drops the future before the slot says that it ended. It is pinned here
            // rather than passed to a function, which would hold its bytes twice.
            let exit = {
                let mut running = pin!(service());
                match select(self.orders.wait(), running.as_mut()).await {
                    Either::First(Order::Restart) => None,
                    #[cfg(feature = "faults")]
                    Either::First(Order::Fault(Fault::End)) => Some(Exit::Killed),
                    #[cfg(feature = "faults")]
                    Either::First(Order::Fault(Fault::Hang)) => {
                        self.restart_ordered().await;
                        None
                    }
                    #[cfg(feature = "faults")]
                    Either::First(Order::Fault(Fault::Spin)) => loop {
                        core::hint::spin_loop();
                    },
                    Either::Second(exit) => Some(exit),
                }
            };
            if let Some(exit) = exit {
                self.set(State::Ended(exit));
                self.restart_ordered().await;
            }
            self.restarts.fetch_add(1, Relaxed);
        }
    }

    async fn restart_ordered(&self) {
        while self.orders.wait().await != Order::Restart {}
    }

    fn set(&self, state: State) {
        self.state.lock(|cell| cell.set(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::future::pending;
    use tarsia_test_clock::run_for;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_ended_is_started_again_only_when_ordered() {
        let slot = Slot::new("test");
        assert_eq!(slot.state(), State::Waiting);
        let mut kept = pin!(slot.keep(async || {
            slot.sleep_until(Instant::now() + SECOND).await;
            Exit::Failed("go on")
        }));
        assert!(run_for(kept.as_mut(), SECOND / 2).is_none());
        assert_eq!(slot.state(), State::Running);
        assert!(run_for(kept.as_mut(), SECOND * 9).is_none());
        assert_eq!(slot.state(), State::Ended(Exit::Failed("go on")));
        slot.restart();
        assert!(run_for(kept.as_mut(), SECOND / 2).is_none());
        assert_eq!((slot.state(), slot.restarts()), (State::Running, 1));
    }

    #[test]
    fn waiting_idly_beats_and_waiting_otherwise_does_not() {
        let slot = Slot::new("test");
        assert!(run_for(slot.idle(pending::<()>()), SECOND * 10).is_none());
        assert_eq!(slot.beats(), 11);
        assert!(run_for(Timer::after(SECOND), SECOND * 2).is_some());
        assert_eq!(slot.beats(), 11);
    }

    #[test]
    fn a_restart_drops_the_service_where_it_stands() {
        struct Held<'a>(&'a Cell<u32>);
        impl Drop for Held<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() - 1);
            }
        }
        let held = Cell::new(0);
        let slot = Slot::new("test");
        let mut kept = pin!(slot.keep(async || {
            held.set(held.get() + 1);
            let _held = Held(&held);
            pending().await
        }));
        for restarts in 0..3 {
            assert!(run_for(kept.as_mut(), SECOND).is_none());
            assert_eq!((held.get(), slot.restarts()), (1, restarts));
            slot.restart();
        }
    }

    #[cfg(feature = "faults")]
    #[test]
    fn a_hanging_service_is_there_but_silent_until_restarted() {
        let slot = Slot::new("test");
        let mut kept = pin!(slot.keep(async || slot.idle(pending()).await));
        assert!(run_for(kept.as_mut(), SECOND * 3).is_none());
        slot.inject(Fault::Hang);
        assert!(run_for(kept.as_mut(), SECOND).is_none());
        let beats = slot.beats();
        assert!(run_for(kept.as_mut(), SECOND * 9).is_none());
        assert_eq!((slot.state(), slot.beats()), (State::Running, beats));
        slot.restart();
        assert!(run_for(kept.as_mut(), SECOND).is_none());
        assert!(slot.beats() > beats);
    }

    #[cfg(feature = "faults")]
    #[test]
    fn a_killed_service_says_so() {
        let slot = Slot::new("test");
        let mut kept = pin!(slot.keep(async || pending().await));
        slot.inject(Fault::End);
        assert!(run_for(kept.as_mut(), SECOND).is_none());
        assert_eq!(slot.state(), State::Ended(Exit::Killed));
    }
}
