//! Time for unit tests on the host: it stands still unless a test moves it. `embassy-time` has a
//! mock driver, but at 1 MHz only, and its tick rate is fixed for a whole workspace.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embassy_time::{Duration, Instant};
use embassy_time_driver::Driver;

thread_local! {
    /// Per thread, as tests run side by side.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

struct TestClock;

impl Driver for TestClock {
    fn now(&self) -> u64 {
        NOW.get()
    }

    /// Nobody needs waking: [`run_for`] polls on every tick.
    fn schedule_wake(&self, _at: u64, _waker: &Waker) {}
}

embassy_time_driver::time_driver_impl!(static CLOCK: TestClock = TestClock);

/// Polls a future on every tick for as long as `duration`, moving the clock.
/// The future's output if it ended by then; call again to go on with one passed by `Pin<&mut>`.
pub fn run_for<F: Future>(future: F, duration: Duration) -> Option<F::Output> {
    let end = Instant::now() + duration;
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
        if Instant::now() >= end {
            return None;
        }
        NOW.set(NOW.get() + 1);
    }
}
