//! The time driver on the machine timer of a RISC-V CLINT.
//!
//! `mtime` counts through sleep and never wraps, so there is no tick to count: the hart is
//! interrupted when the next task is due, and sleeps until then.
#![cfg_attr(not(test), no_std)]

mod counter;
#[cfg(target_arch = "riscv32")]
mod interrupt;
mod rate;

use core::cell::RefCell;
use core::task::Waker;

use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use counter::Counter;
use rate::Rate;

/// A CLINT, as the board describes it.
pub struct Clint {
    /// Address of its registers.
    pub base: usize,
    /// Rate at which `mtime` counts, in Hz.
    pub timebase_hz: u32,
}

struct Clock {
    /// None before `init`: time stands still at 0.
    counter: Mutex<RefCell<Option<Counter>>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static CLOCK: Clock = Clock {
    counter: Mutex::new(RefCell::new(None)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

/// Starts the clock: from here on it runs, and wakes whoever waits.
pub fn init(hw: Clint) {
    // SAFETY: the board says that a CLINT is there, and gave it to this driver alone.
    let counter = unsafe { Counter::new(hw.base, Rate::new(hw.timebase_hz)) };
    critical_section::with(|cs| {
        CLOCK.counter.replace(cs, Some(counter));
        CLOCK.wake_due(cs);
    });
    #[cfg(target_arch = "riscv32")]
    interrupt::enable();
}

impl Clock {
    /// Wakes whoever is due and sets the alarm for who is next. An alarm set for a moment that has
    /// passed meanwhile is raised at once, so nobody is missed.
    fn wake_due(&self, cs: CriticalSection<'_>) {
        if let Some(counter) = self.counter.borrow_ref_mut(cs).as_mut() {
            let next = self.queue.borrow_ref_mut(cs).next_expiration(counter.ticks());
            counter.set_alarm(next);
        }
    }
}

impl Driver for Clock {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.counter.borrow_ref(cs).as_ref().map_or(0, Counter::ticks))
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let sooner = self.queue.borrow_ref_mut(cs).schedule_wake(at, waker);
            if sooner {
                self.wake_due(cs);
            }
        });
    }
}
