//! The embassy-time driver on Cortex-M's SysTick. SysTick counts 24 bits, too few to sleep for
//! long, so it ticks at 1 kHz and the ticks are counted in 64 bits, which never overflow.
#![no_std]

use core::cell::{Cell, RefCell};
use core::task::Waker;

use cortex_m::Peripherals;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;
use critical_section::{CriticalSection, Mutex};
use embassy_time_driver::{Driver, TICK_HZ};
use embassy_time_queue_utils::Queue;

/// The hardware.
pub struct Systick {
    /// Frequency of the processor clock.
    pub clock_hz: u32,
}

struct SystickDriver {
    ticks: Mutex<Cell<u64>>,
    /// The tick at which the queue has something to wake.
    next: Mutex<Cell<u64>>,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: SystickDriver = SystickDriver {
    ticks: Mutex::new(Cell::new(0)),
    next: Mutex::new(Cell::new(u64::MAX)),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl SystickDriver {
    fn wake_due(&self, cs: CriticalSection<'_>, queue: &mut Queue) {
        self.next.borrow(cs).set(queue.next_expiration(self.ticks.borrow(cs).get()));
    }
}

impl Driver for SystickDriver {
    fn now(&self) -> u64 {
        critical_section::with(|cs| self.ticks.borrow(cs).get())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        critical_section::with(|cs| {
            let mut queue = self.queue.borrow_ref_mut(cs);
            if queue.schedule_wake(at, waker) {
                self.wake_due(cs, &mut queue);
            }
        });
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|cs| {
        let now = DRIVER.ticks.borrow(cs).get() + 1;
        DRIVER.ticks.borrow(cs).set(now);
        if now >= DRIVER.next.borrow(cs).get() {
            DRIVER.wake_due(cs, &mut DRIVER.queue.borrow_ref_mut(cs));
        }
    });
}

/// Starts the ticks (Armv7-M Architecture Reference Manual, chapter B3, The system timer).
///
/// # Panics
/// If the clock is too fast for 24 bits per tick, which is above 16 GHz.
pub fn init(hw: Systick) {
    // SAFETY: the board gives SysTick to this component alone, and the other peripherals are left
    // as they are.
    let mut systick = unsafe { Peripherals::steal() }.SYST;
    let reload = hw.clock_hz / TICK_HZ as u32 - 1;
    assert!(reload < 1 << 24, "SysTick counts 24 bits");
    systick.set_clock_source(SystClkSource::Core);
    systick.set_reload(reload);
    systick.clear_current();
    systick.enable_interrupt();
    systick.enable_counter();
}
