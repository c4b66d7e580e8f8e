//! Time since the kernel started, for `embassy-time`. Its own driver for `std` counts microseconds,
//! and the rate is fixed for a whole workspace.

use std::cell::RefCell;
use std::task::Waker;
use std::time::Duration;

use critical_section::Mutex;
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;
use tarsia_process::uptime;

struct Clock(Mutex<RefCell<Queue>>);

impl Driver for Clock {
    fn now(&self) -> u64 {
        ticks(uptime())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        // Whether this is the next one does not matter: the executor asks before it sleeps.
        critical_section::with(|cs| self.0.borrow_ref_mut(cs).schedule_wake(at, waker));
    }
}

embassy_time_driver::time_driver_impl!(
    static CLOCK: Clock = Clock(Mutex::new(RefCell::new(Queue::new())))
);

/// Wakes what is due; how long until the next is, if there is a next.
pub(crate) fn wake() -> Option<Duration> {
    let now = CLOCK.now();
    let next = critical_section::with(|cs| CLOCK.0.borrow_ref_mut(cs).next_expiration(now));
    (next != u64::MAX).then(|| duration(next.saturating_sub(now)))
}

fn ticks(time: Duration) -> u64 {
    time.as_secs() * TICK_HZ + u64::from(time.subsec_nanos()) * TICK_HZ / 1_000_000_000
}

/// Rounded up to whole nanoseconds, so that nobody wakes too early.
fn duration(ticks: u64) -> Duration {
    let nanos = (ticks % TICK_HZ * 1_000_000_000).div_ceil(TICK_HZ);
    Duration::from_secs(ticks / TICK_HZ) + Duration::from_nanos(nanos)
}
